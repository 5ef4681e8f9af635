/* Deployment rounds: files that are in place become used. hooks/round.c
 * decides what comes next; this file asks the master to do it and writes down
 * what came of it, per certificate and service. One round at a time. Job
 * DEPLOY; its object is 0. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/chance.h"
#include "daemon/deploy.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/plan.h"
#include "daemon/sched.h"
#include "daemon/view.h"
#include "hooks/round.h"

enum { ITEMS_MAX = 1000 };

struct member {			/* a certificate in the round */
	struct deploy *round;
	struct bundle *b;
	uint32_t new_gen, old_gen;
	int64_t old_version;
};

struct concern {		/* a service in the round */
	const struct conf_service *conf;
	struct err err;		/* of its last failed check or reload */
	bool failed, reloaded;
};

static struct deploy {
	struct member *members;
	size_t members_n, loading;
	struct concern services[ROUND_SERVICES_MAX];
	size_t services_n;
	struct round *round;
	struct round_wish wish;
	struct rows due;	/* deployments that owe a reload */
	struct rows rows;	/* T_SERVICE */
	struct rows runs;	/* T_RUN: asked for and not yet answered */
	int64_t run;		/* id of the hook run under way */
	int64_t next_ms;	/* when those that must wait may go; 0: none */
} *round_now;

static int64_t due_at;		/* when the next round is due; 0: none */

static void step(struct deploy *d, bool good);

static void
deploy_free(struct deploy *d)
{
	size_t i;

	for (i = 0; i < d->members_n; i++)
		bundle_free(d->members[i].b);
	free(d->members);
	round_free(d->round);
	rows_free(&d->due);
	rows_free(&d->rows);
	rows_free(&d->runs);
	free(d);
}

/* --- when -------------------------------------------------------------- */

/* One job for all that waits: the soonest counts. A round that comes too soon
 * for something finds out when to look again. */
void
deploy_at(int64_t at_ms)
{
	if (due_at != 0 && due_at <= at_ms)
		return;
	due_at = at_ms;
	sched_put(JOB_DEPLOY, 0, at_ms);
}

void
deploy_due(const struct bundle *b, const char *service)
{
	const struct conf_service *s = conf_service(engine_conf(), service);

	deploy_at(loop_now() + (s == NULL ? 0 :
	    plan_delay(s->reload_delay_ms, engine_lifetime(b))));
}

static const struct row_service *
service_row(const struct deploy *d, const char *title)
{
	size_t i;

	for (i = 0; i < d->rows.n; i++)
		if (strcmp(ROWS_AT(&d->rows, row_service, i)->name, title) == 0)
			return ROWS_AT(&d->rows, row_service, i);
	return NULL;
}

/* When all services of this certificate may be reloaded for what they owe. */
static int64_t
ready_at(const struct deploy *d, const struct bundle *b)
{
	const struct conf_service *s;
	const struct row_service *row;
	int64_t life = engine_lifetime(b), at = 0, t;
	size_t i;

	for (i = 0; i < b->deployments.n; i++) {
		const struct row_deployment *w = ROWS_AT(&b->deployments,
		    row_deployment, i);

		s = conf_service(engine_conf(), w->service);
		if (s == NULL || !w->owed)
			continue;
		t = w->since_ms + plan_delay(s->reload_delay_ms, life);
		at = t > at ? t : at;
		row = service_row(d, s->title);
		t = row == NULL || row->last_reload_ms == 0 ? 0 :
		    row->last_reload_ms + plan_delay(s->reload_interval_ms,
		    life);
		at = t > at ? t : at;
	}
	return at;
}

/* --- what came of it --------------------------------------------------- */

static void
say(const struct member *m, const char *service, const char *event,
    const char *text, const struct err *err)
{
	struct happening h = { .event = event, .cert_id = m->b->cert->id,
		.name = m->b->cert->name, .version = m->b->cert->newest,
		.service = service, .text = text, .err = err };

	turn_event(&h);
}

/* Why this deployment is where it is: one clause, what was seen, what to do. */
static void
verdict_error(struct err *err, struct strv *saw, enum round_verdict v,
    const struct concern *s)
{
	const char *name = s->conf->title;
	char at[TEXT_TIME], line[ERR_TEXT_MAX + 80];

	text_local(at, loop_now());
	switch (v) {
	case ROUND_REFUSED:
		err_set(err, s->err.code, "%s refuses the new files; the "
		    "previous ones are back", name);
		err_advise(err, "Look at what its check says; the new version "
		    "is tried again by itself");
		break;
	case ROUND_BROKEN:
		err_set(err, s->err.code, "%s refuses its configuration",
		    name);
		err_advise(err, "Mend the configuration of %s, then: everleaf "
		    "deploy --service %s", name, name);
		break;
	case ROUND_PUT_BACK:
		err_set(err, ERR_CHECK_FAILED, "the previous files are back: "
		    "another service refuses the new ones");
		return;
	default:
		err_set(err, s->err.code, "%s could not be reloaded", name);
		err_advise(err, "Mend it, then: everleaf deploy --service %s",
		    name);
	}
	snprintf(line, sizeof(line), "%s\tat %s%s", name, at + 11,
	    v == ROUND_BROKEN ? ", with the new files AND with the old ones:" :
	    v == ROUND_REFUSED ? ", with the new files only:" : ":");
	strv_add(saw, line);
	snprintf(line, sizeof(line), "\t  %s", s->err.text);
	strv_add(saw, line);
	if (v == ROUND_BROKEN)
		strv_add(saw, "\tso it is not the certificate");
}

static void
retry_later(const struct member *m, struct row_deployment *row,
    enum round_verdict v, bool ours)
{
	int64_t at = loop_now() + plan_backoff(row->failures,
	    engine_lifetime(m->b), chance_luck());

	if (ours)
		at = loop_now() + plan_own_trouble(row->failures,
		    engine_lifetime(m->b));
	row->next_try_ms = at;
	/* Files that are back must be put in place again first. */
	if (v == ROUND_BROKEN || v == ROUND_RELOAD_FAILED) {
		row->owed = 1;
		row->since_ms = at;
		deploy_at(at);
	}
	if (v != ROUND_BROKEN)
		sched_put(JOB_INSTALL, m->b->cert->id, at);
}

static void
record_one(struct deploy *d, const struct member *m, size_t item,
    struct row_deployment *row, size_t service)
{
	enum round_verdict v = round_verdict(d->round, item, service);
	struct concern *s = &d->services[service];
	struct strv saw = { NULL, 0 };
	char *json = NULL;
	struct err err;

	row->owed = 0;
	row->since_ms = 0;
	row->last_try_ms = loop_now();
	if (v == ROUND_RELOADED && m->b->cert->installed !=
	    m->b->cert->newest)
		row->version = m->b->cert->installed;	/* it was put back */
	else if (v == ROUND_RELOADED) {
		row->state = (char *)(uintptr_t)"reloading";
		row->version = m->b->cert->newest;
		row->next_try_ms = 0;
		sched_put(JOB_PROBE, m->b->cert->id, loop_now() +
		    plan_probe_again(0, engine_lifetime(m->b)));
		say(m, s->conf->title, "service.reloaded",
		    s->conf->reload.n > 0 ? "checked, reloaded" :
		    "it has no reload", NULL);
	} else {
		verdict_error(&err, &saw, v, s);
		json = view_error_json(&err, &saw);
		row->error = json;
		row->failures++;
		row->state = (char *)(uintptr_t)(v == ROUND_RELOAD_FAILED ?
		    "unserved" : "refused");
		if (round_is_back(d->round, item))
			row->version = m->old_version;
		retry_later(m, row, v, engine_own_trouble(&s->err));
		say(m, s->conf->title, v == ROUND_RELOAD_FAILED ?
		    "service.failed" : "service.refused", s->err.text, &err);
		strv_free(&saw);
	}
	batch_put(turn_batch(), T_DEPLOYMENT, row);
	free(json);
}

/* The row of a certificate whose files were put back says so. */
static void
record_back(const struct member *m)
{
	struct row_cert c = *m->b->cert;
	char text[80];
	size_t i;

	c.installed = m->old_version;
	c.installed_gen = m->old_gen;
	c.installed_since_ms = loop_now();
	batch_put(turn_batch(), T_CERT, &c);
	for (i = 0; i < m->b->generations.n; i++) {
		struct row_generation g = *ROWS_AT(&m->b->generations,
		    row_generation, i);

		if (g.gen != m->new_gen && g.gen != m->old_gen)
			continue;
		g.state = (char *)(uintptr_t)(g.gen == m->old_gen ? "live" :
		    "back");
		batch_put(turn_batch(), T_GENERATION, &g);
	}
	snprintf(text, sizeof(text), "version %lld is in place again",
	    (long long)m->old_version);
	say(m, NULL, "version.put-back", text, NULL);
}

static void
record_member(struct deploy *d, size_t item)
{
	const struct member *m = &d->members[item];
	size_t i, s;

	for (i = 0; i < m->b->deployments.n; i++) {
		struct row_deployment row = *ROWS_AT(&m->b->deployments,
		    row_deployment, i);

		for (s = 0; s < d->services_n; s++)
			if (strcmp(d->services[s].conf->title,
			    row.service) == 0)
				record_one(d, m, item, &row, s);
	}
	if (round_is_back(d->round, item))
		record_back(m);
	engine_touch(m->b->cert->id);
}

static void
record_services(struct deploy *d)
{
	char *json = NULL;
	size_t i;

	for (i = 0; i < d->services_n; i++) {
		struct concern *s = &d->services[i];
		const struct row_service *old = service_row(d, s->conf->title);
		struct row_service row = { 0 };

		if (old != NULL)
			row = *old;
		row.name = s->conf->title;
		if (s->reloaded)
			row.last_reload_ms = loop_now();
		row.failures = s->failed ? row.failures + 1 : 0;
		set_error(&json, s->failed ? &s->err : NULL);
		row.error = json;
		batch_put(turn_batch(), T_SERVICE, &row);
		free(json);
		json = NULL;
	}
}

static void
finish(struct deploy *d)
{
	bool more = d->due.n == ITEMS_MAX && d->members_n > 0;
	int64_t next = more ? loop_now() : d->next_ms;

	deploy_free(d);
	round_now = NULL;
	if (next == 0) {
		sched_done(JOB_DEPLOY, 0);
		return;
	}
	if (due_at == 0 || next < due_at)
		due_at = next;
	sched_later(JOB_DEPLOY, 0, next);
}

static void
member_reread(void *ctx, struct bundle *b, const struct err *err)
{
	struct member *m = ctx;

	if (err == NULL && b->cert != NULL) {
		bundle_free(m->b);
		m->b = bundle_take(b);
		record_member(m->round, (size_t)(m - m->round->members));
	}
	if (--m->round->loading == 0) {
		record_services(m->round);
		finish(m->round);
	}
}

/* Minutes may have passed: results go into the rows as they are now. */
static void
over(struct deploy *d)
{
	size_t i, n = d->members_n;

	d->loading = n;
	for (i = 0; i < n; i++)
		bundle_by_id(turn_store(), d->members[i].b->cert->id,
		    member_reread, &d->members[i]);
}

/* --- carrying out one wish --------------------------------------------- */

static void
flipped(void *ctx, void *answer, const struct err *err)
{
	struct deploy *d = ctx;
	const struct member *m = &d->members[d->wish.item];

	(void)answer;
	if (err != NULL)
		log_err(err, "%s: version %lld can't be put in place",
		    m->b->cert->name, (long long)(d->wish.back ?
		    m->old_version : m->b->cert->newest));
	step(d, err == NULL);
}

static void
ran(void *ctx, void *answer, const struct err *err)
{
	struct deploy *d = ctx;
	struct concern *s = &d->services[d->wish.service];
	bool check = d->wish.kind == ROUND_CHECK;
	bool good = err == NULL &&
	    deploy_ran_well(answer, s->conf, check, &s->err);
	struct row_run done = { .id = d->run };

	batch_del(turn_batch(), T_RUN, &done);
	if (err != NULL)
		s->err = *err;
	if (!good && !d->wish.back)
		s->failed = true;
	if (good && !check)
		s->reloaded = true;
	step(d, good);
}

/* A run that was asked for before a restart is joined, not started again: its
 * id is durable. */
static void
choose_run(struct deploy *d, const char *service, const char *what)
{
	struct row_run row = { .service = (char *)(uintptr_t)service,
		.what = (char *)(uintptr_t)what, .started_ms = loop_now() };
	size_t i;

	for (i = 0; i < d->runs.n; i++) {
		struct row_run *old = ROWS_AT(&d->runs, row_run, i);

		if (old->id != 0 && strcmp(old->service, service) == 0 &&
		    strcmp(old->what, what) == 0) {
			d->run = old->id;
			old->id = 0;
			return;
		}
	}
	d->run = row.id = chance_id();
	batch_put(turn_batch(), T_RUN, &row);
}

static void
fill_run(struct w_run *m, const struct deploy *d)
{
	const struct concern *s = &d->services[d->wish.service];
	const struct member *only = NULL;
	const struct bundle **users = xcalloc(d->members_n, sizeof(*users));
	struct conf_wish wish;
	size_t i;

	m->run = (uint64_t)d->run;
	m->service = s->conf->title;
	m->what = d->wish.kind == ROUND_CHECK ? RUN_CHECK : RUN_RELOAD;
	m->event = d->wish.back ? RUN_ROLLBACK : RUN_DEPLOY;
	for (i = 0; i < d->members_n; i++)
		if (bundle_deployment(d->members[i].b, s->conf->title)) {
			only = &d->members[i];
			users[m->count++] = only->b;
		}
	m->input = deploy_input(users, m->count, s->conf->title, m->event);
	free(users);
	if (m->count != 1)
		return;
	wish = engine_wish(only->b->cert);
	m->cert = (uint64_t)only->b->cert->id;
	m->name = only->b->cert->name;
	m->names = strv_copy(&wish.names);
	conf_wish_free(&wish);
}

static void
carry_out(void *ctx)
{
	struct deploy *d = ctx;
	const struct member *m;
	struct w_generation flip;
	struct w_run run;

	if (d->wish.kind == ROUND_FLIP) {
		m = &d->members[d->wish.item];
		flip.cert = (uint64_t)m->b->cert->id;
		flip.gen = d->wish.back ? m->old_gen : m->new_gen;
		peer_ask(WIRE_FLIP, &flip, flipped, d);
		return;
	}
	memset(&run, 0, sizeof(run));
	fill_run(&run, d);
	peer_ask(WIRE_RUN, &run, ran, d);
	blob_free(&run.input);
	strv_free(&run.names);
}

static void
step(struct deploy *d, bool good)
{
	d->wish = round_step(d->round, good);
	if (d->wish.kind == ROUND_DONE) {
		over(d);
		return;
	}
	if (d->wish.kind != ROUND_FLIP)
		choose_run(d, d->services[d->wish.service].conf->title,
		    d->wish.kind == ROUND_CHECK ? "check" : "reload");
	turn_after(carry_out, d);
}

/* --- setting a round up ------------------------------------------------ */

static size_t
service_index(struct deploy *d, const struct conf_service *conf)
{
	size_t i;

	for (i = 0; i < d->services_n; i++)
		if (d->services[i].conf == conf)
			return i;
	if (d->services_n == ROUND_SERVICES_MAX)
		return ROUND_SERVICES_MAX;
	d->services[d->services_n].conf = conf;
	return d->services_n++;
}

bool
deploy_has(int64_t cert_id)
{
	size_t i;

	for (i = 0; round_now != NULL && i < round_now->members_n; i++)
		if (round_now->members[i].b->cert->id == cert_id)
			return true;
	return false;
}

/* The generation to go back to: the newest one that is not a placeholder, not
 * of this version, neither expired nor revoked (interface.md section 6.6). */
static void
find_old(struct member *m)
{
	const struct row_version *v;
	size_t i;

	m->new_gen = (uint32_t)m->b->cert->installed_gen;
	for (i = 0; i < m->b->generations.n; i++) {
		const struct row_generation *g = ROWS_AT(&m->b->generations,
		    row_generation, i);

		v = bundle_version(m->b, g->version);
		if (v == NULL || v->placeholder || v->revoked_ms != 0 ||
		    v->not_after_ms <= loop_now() ||
		    g->version == m->b->cert->installed ||
		    strcmp(g->state, "old") != 0 || g->gen <= m->old_gen)
			continue;
		m->old_gen = (uint32_t)g->gen;
		m->old_version = g->version;
	}
}

static void
assemble(struct deploy *d)
{
	const struct conf_service *conf;
	size_t i, k, s;

	/* All services of each certificate: each must pass its check. */
	for (i = 0; i < d->members_n; i++)
		for (k = 0; k < d->members[i].b->deployments.n; k++) {
			conf = conf_service(engine_conf(),
			    ROWS_AT(&d->members[i].b->deployments,
			    row_deployment, k)->service);
			if (conf != NULL)
				service_index(d, conf);
		}
	d->round = round_new(d->members_n, d->services_n);
	for (s = 0; s < d->services_n; s++) {
		conf = d->services[s].conf;
		round_service(d->round, s, conf->check.n > 0,
		    conf->reload.n > 0, conf->rollback);
	}
	for (i = 0; i < d->members_n; i++) {
		find_old(&d->members[i]);
		if (d->members[i].old_gen != 0)
			round_can_go_back(d->round, i);
		for (s = 0; s < d->services_n; s++)
			if (bundle_deployment(d->members[i].b,
			    d->services[s].conf->title) != NULL)
				round_uses(d->round, i, s);
	}
}

static void
loaded_all(struct deploy *d)
{
	if (d->members_n == 0) {
		finish(d);
		return;
	}
	assemble(d);
	step(d, true);
}

static void
look_again(struct deploy *d, int64_t at_ms)
{
	if (d->next_ms == 0 || at_ms < d->next_ms)
		d->next_ms = at_ms;
}

static void
member_loaded(void *ctx, struct bundle *b, const struct err *err)
{
	struct deploy *d = ctx;
	int64_t at;

	if (err == NULL && b->cert != NULL && b->cert->installed > 0) {
		at = ready_at(d, b);
		if (at <= loop_now()) {
			d->members[d->members_n].round = d;
			d->members[d->members_n++].b = bundle_take(b);
		} else
			look_again(d, at);
	}
	if (--d->loading == 0)
		loaded_all(d);
}

static void
load_members(struct deploy *d)
{
	int64_t *ids = xcalloc(d->due.n, sizeof(*ids));
	size_t i, k, n = 0;

	for (i = 0; i < d->due.n; i++) {
		int64_t id = ROWS_AT(&d->due, row_deployment, i)->cert_id;

		for (k = 0; k < n && ids[k] != id; k++)
			;
		if (k == n)
			ids[n++] = id;
	}
	d->members = xcalloc(n, sizeof(*d->members));
	d->loading = n + 1;
	for (i = 0; i < n; i++)
		bundle_by_id(turn_store(), ids[i], member_loaded, d);
	free(ids);
	if (--d->loading == 0)
		loaded_all(d);
}

static void
take(struct rows *to, struct rows *from)
{
	*to = *from;
	from->v = NULL;
	from->n = 0;
}

static void
due_read(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct deploy *d = ctx;

	(void)n;
	if (err != NULL) {
		deploy_free(d);
		round_now = NULL;
		sched_later(JOB_DEPLOY, 0, loop_now() + CONF_MINUTE);
		return;
	}
	take(&d->due, &answers[0]);
	take(&d->rows, &answers[1]);
	take(&d->runs, &answers[2]);
	if (answers[3].n > 0)
		look_again(d, ROWS_AT(&answers[3], row_deployment,
		    0)->since_ms);
	load_members(d);
}

void
job_deploy(int64_t unused)
{
	int64_t now = loop_now();
	struct query q[4] = {
		{ .table = T_DEPLOYMENT, .wheres = 2, .where = {
			{ .col = "owed", .cmp = CMP_EQ, .num = 1 },
			{ .col = "since_ms", .cmp = CMP_LE, .num = now } },
		    .order = "since_ms", .limit = ITEMS_MAX },
		{ .table = T_SERVICE }, { .table = T_RUN },
		{ .table = T_DEPLOYMENT, .wheres = 2, .where = {
			{ .col = "owed", .cmp = CMP_EQ, .num = 1 },
			{ .col = "since_ms", .cmp = CMP_GT, .num = now } },
		    .order = "since_ms", .limit = 1 }
	};

	(void)unused;
	assert(round_now == NULL);
	due_at = 0;
	round_now = xcalloc(1, sizeof(*round_now));
	store_read(turn_store(), q, 4, due_read, round_now);
}

/* --- putting back after the proof failed (rule 3) ---------------------- */

static void
owe_rollback(void *ctx, struct bundle *b, const struct err *err)
{
	struct member *m = ctx;
	size_t i;

	bundle_free(m->b);
	m->b = err == NULL && b->cert != NULL ? bundle_take(b) : NULL;
	for (i = 0; m->b != NULL && i < m->b->deployments.n; i++) {
		struct row_deployment d = *ROWS_AT(&m->b->deployments,
		    row_deployment, i);

		d.owed = 1;
		d.since_ms = 1;
		batch_put(turn_batch(), T_DEPLOYMENT, &d);
		if (d.next_try_ms > loop_now())
			sched_put(JOB_INSTALL, d.cert_id, d.next_try_ms);
	}
	if (m->b != NULL) {
		record_back(m);
		engine_touch(m->b->cert->id);
		deploy_at(loop_now());
		bundle_free(m->b);
	}
	free(m);
}

static void
gone_back(void *ctx, void *answer, const struct err *err)
{
	struct member *m = ctx;

	(void)answer;
	if (err == NULL) {
		bundle_by_id(turn_store(), m->b->cert->id, owe_rollback, m);
		return;
	}
	log_err(err, "%s: the previous files can't be put back",
	    m->b->cert->name);
	bundle_free(m->b);
	free(m);
}

static void
go_back(void *ctx)
{
	struct member *m = ctx;
	struct w_generation flip = { (uint64_t)m->b->cert->id, m->old_gen };

	peer_ask(WIRE_FLIP, &flip, gone_back, m);
}

static void
back_loaded(void *ctx, struct bundle *b, const struct err *err)
{
	struct member *m = ctx;

	if (err != NULL || b->cert == NULL || deploy_has(b->cert->id)) {
		free(m);
		return;
	}
	m->b = bundle_take(b);
	find_old(m);
	if (m->old_gen != 0)
		turn_after(go_back, m);
	else {
		bundle_free(m->b);
		free(m);
	}
}

void
deploy_put_back(const struct bundle *b)
{
	bundle_by_id(turn_store(), b->cert->id, back_loaded,
	    xcalloc(1, sizeof(struct member)));
}

void
deploy_fini(void)
{
	if (round_now != NULL)
		deploy_free(round_now);
	round_now = NULL;
	due_at = 0;
}
