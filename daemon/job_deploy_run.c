/* Carrying out a round: hooks/round.c says what comes next, the master does
 * it. A hook's run is known by a durable id and by what it is about: after a
 * restart it is joined if exactly this was under way, and else begun anew. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/chance.h"
#include "daemon/job_deploy.h"
#include "daemon/loop.h"
#include "daemon/peers.h"

enum { CONTENT_MAX = 1 << 20, WHAT_MAX = 32 };

static void step(struct deploy *d, enum round_outcome how);

/* --- files ------------------------------------------------------------- */

/* The round decides what a file that can't be moved means; people hear of it
 * here. */
static void
flipped(void *ctx, void *answer, const struct err *err)
{
	struct deploy *d = ctx;
	const struct member *m = &d->members[d->wish.item];
	struct happening h = { .event = "service.failed",
		.cert_id = m->b->cert->id, .name = m->b->cert->name,
		.version = d->wish.back ? m->old.version :
		m->b->cert->installed };
	struct err why;

	assert(d->wish.kind == ROUND_FLIP && d->wish.item < d->members_n);
	(void)answer;
	if (err != NULL) {
		why = *err;
		err_context(&why, "version %lld can't be put in place",
		    (long long)h.version);
		h.err = &why;
		turn_event(&h);
	}
	step(d, err == NULL ? ROUND_GOOD : ROUND_BAD);
}

static void
flip(struct deploy *d)
{
	const struct member *m = &d->members[d->wish.item];
	struct w_generation w = { (uint64_t)m->b->cert->id,
		d->wish.back ? m->old.gen : m->new_gen };

	assert(d->wish.kind == ROUND_FLIP);
	peer_ask(WIRE_FLIP, &w, flipped, d);
}

/* The round may have taken long enough for the old version to expire. */
static void
flip_back(void *ctx, struct bundle *b, const struct err *err)
{
	struct deploy *d = ctx;
	struct err why;

	assert(d->wish.kind == ROUND_FLIP && d->wish.back);
	if (err == NULL && b->cert != NULL && back_allowed(b,
	    &d->members[d->wish.item].old)) {
		flip(d);
		return;
	}
	err_set(&why, ERR_INSTALL_FAILED, "it is not valid any more");
	flipped(d, NULL, err != NULL ? err : &why);
}

static void
begin_flip(void *ctx)
{
	struct deploy *d = ctx;

	assert(d->wish.kind == ROUND_FLIP && d->wish.item < d->members_n);
	if (d->wish.back)
		bundle_by_id(turn_store(), d->members[d->wish.item].b->cert->id,
		    flip_back, d);
	else
		flip(d);
}

/* --- runs -------------------------------------------------------------- */

static void
add_argv(struct buf *b, const struct strv *argv)
{
	size_t i;

	for (i = 0; i < argv->n; i++)
		buf_printf(b, "%zu:%s ", strlen(argv->v[i]), argv->v[i]);
}

/* "check 0123456789abcdef": of the program, who runs it, the files that are
 * in place and what it hears. */
static void
name_run(char out[WHAT_MAX], const struct deploy *d, const struct w_run *w)
{
	const struct concern *s = &d->services[d->wish.service];
	char hash[17];
	struct buf b;
	size_t i;

	assert(d->wish.service < d->services_n);
	buf_init(&b, CONTENT_MAX);
	add_argv(&b, w->what == RUN_CHECK ? &s->conf->check :
	    &s->conf->reload);
	buf_printf(&b, "%s %u %u\n", s->conf->user, w->what, w->event);
	for (i = 0; i < d->members_n; i++) {
		const struct member *m = &d->members[i];

		if (bundle_deployment(m->b, s->conf->title) != NULL)
			buf_printf(&b, "%llx %u\n",
			    (unsigned long long)m->b->cert->id,
			    round_is_back(d->round, i) ? m->old.gen :
			    m->new_gen);
	}
	buf_add(&b, w->input.p, w->input.len);
	text_hash(hash, b.data, b.len);
	snprintf(out, WHAT_MAX, "%s %s", w->what == RUN_CHECK ? "check" :
	    "reload", hash);
	buf_free(&b);
}

/* The master may still be running what we asked for before a restart: asked
 * again by the same id it is joined. */
static void
choose_run(struct deploy *d, const struct w_run *w)
{
	char what[WHAT_MAX];
	struct row_run row = { .service = row_const(w->service),
		.what = what, .started_ms = loop_now() };
	size_t i;

	assert(d->wish.service < d->services_n);
	name_run(what, d, w);
	for (i = 0; i < d->runs.n; i++) {
		struct row_run *old = ROWS_AT(&d->runs, row_run, i);

		if (old->id != 0 && strcmp(old->service, w->service) == 0 &&
		    strcmp(old->what, what) == 0) {
			d->run = old->id;
			old->id = 0;
			return;
		}
	}
	d->run = row.id = chance_id();
	batch_put(turn_batch(), T_RUN, &row);
}

/* One that asks to be tried later has judged nothing, and does not take the
 * place of what failed before. */
static enum round_outcome
outcome_of(struct concern *s, bool check, const struct w_ran *answer,
    const struct err *err)
{
	struct deploy_end end = { .what = "" };
	enum round_outcome how = ROUND_BAD;

	assert((err == NULL) == (answer != NULL));
	if (err != NULL)
		end.err = *err;
	else
		how = deploy_outcome(answer, s->conf, check, &end);
	if (how == ROUND_BAD)
		s->end = end;
	if (how == ROUND_NOT_YET)
		s->later = end;
	return how;
}

static void
ran(void *ctx, void *answer, const struct err *err)
{
	struct deploy *d = ctx;
	struct concern *s = &d->services[d->wish.service];
	bool check = d->wish.kind == ROUND_CHECK;
	struct row_run done = { .id = d->run };
	enum round_outcome how;

	assert(d->wish.kind == ROUND_CHECK || d->wish.kind == ROUND_RELOAD);
	assert(d->wish.service < d->services_n && d->run != 0);
	batch_del(turn_batch(), T_RUN, &done);
	how = outcome_of(s, check, answer, err);
	if (how == ROUND_BAD && !d->wish.back)
		s->failed = true;
	if (how == ROUND_BAD && check && d->wish.back)
		s->old_fail_too = true;
	if (how == ROUND_GOOD && !check)
		s->reloaded = true;
	step(d, how);
}

/* A round in which all of this service's files are ones that were put back
 * tells its programs so. */
static uint8_t
event_of(const struct deploy *d, const char *service)
{
	size_t i;

	if (d->wish.back)
		return RUN_ROLLBACK;
	for (i = 0; i < d->members_n; i++)
		if (!d->members[i].rollback &&
		    bundle_deployment(d->members[i].b, service) != NULL)
			return RUN_DEPLOY;
	return RUN_ROLLBACK;
}

/* Who hears of what: all of the round that this service uses, or, if it is
 * just one, that one by name. */
static void
fill_run(struct w_run *w, const struct deploy *d)
{
	const struct concern *s = &d->services[d->wish.service];
	struct deploy_use *uses = xcalloc(d->members_n, sizeof(*uses));
	const struct row_cert *only;
	struct conf_wish wish;
	size_t i;

	memset(w, 0, sizeof(*w));
	assert(d->wish.service < d->services_n);
	w->service = s->conf->title;
	w->what = d->wish.kind == ROUND_CHECK ? RUN_CHECK : RUN_RELOAD;
	w->event = event_of(d, s->conf->title);
	for (i = 0; i < d->members_n; i++) {
		const struct member *m = &d->members[i];

		if (bundle_deployment(m->b, s->conf->title) == NULL)
			continue;
		uses[w->count].b = m->b;
		uses[w->count++].version = round_is_back(d->round, i) ?
		    m->old.version : m->b->cert->installed;
	}
	assert(w->count > 0 && (size_t)w->count <= d->members_n);
	w->input = deploy_input(uses, w->count, s->conf->title, w->event,
	    engine_conf()->state_dir);
	only = w->count == 1 ? uses[0].b->cert : NULL;
	free(uses);
	if (only == NULL)
		return;
	wish = engine_wish(only);
	w->cert = (uint64_t)only->id;
	w->name = only->name;
	w->names = strv_copy(&wish.names);
	conf_wish_free(&wish);
}

static void
ask_run(void *ctx)
{
	struct deploy *d = ctx;
	struct w_run w;

	assert(d->run != 0);
	fill_run(&w, d);
	w.run = (uint64_t)d->run;
	peer_ask(WIRE_RUN, &w, ran, d);
	blob_free(&w.input);
	strv_free(&w.names);
}

static void
begin_run(struct deploy *d)
{
	struct w_run w;

	assert(d->wish.kind == ROUND_CHECK || d->wish.kind == ROUND_RELOAD);
	fill_run(&w, d);
	choose_run(d, &w);
	blob_free(&w.input);
	strv_free(&w.names);
	turn_after(ask_run, d);
}

/* --- one wish after the other ------------------------------------------ */

static void
step(struct deploy *d, enum round_outcome how)
{
	assert(d->round != NULL && d->loading == 0);
	d->wish = round_step(d->round, how);
	if (d->wish.kind == ROUND_DONE)
		deploy_record(d);
	else if (d->wish.kind == ROUND_FLIP)
		turn_after(begin_flip, d);
	else
		begin_run(d);
}

void
deploy_run(struct deploy *d)
{
	assert(d->members_n > 0 && d->services_n > 0);
	step(d, ROUND_GOOD);
}
