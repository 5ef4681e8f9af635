/* What came of a round, in the rows of each certificate and service: states,
 * errors with their evidence, events, and when it is tried again. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/chance.h"
#include "daemon/job_deploy.h"
#include "daemon/loop.h"
#include "daemon/plan.h"
#include "daemon/sched.h"
#include "daemon/view.h"

/* A certificate whose results are being written. */
struct record {
	struct deploy *d;
	const struct member *m;
	size_t item;
	const char *guilty;	/* title of the service that refuses it */
	int64_t next_ms;	/* of the longest pause */
};

static void
say(const struct member *m, const char *service, const char *event,
    const char *text, const struct err *err)
{
	struct happening h = { .event = event, .cert_id = m->b->cert->id,
		.name = m->b->cert->name, .version = m->b->cert->newest,
		.service = service, .text = text, .err = err };

	turn_event(&h);
}

/* --- words ------------------------------------------------------------- */

/* What people read: whose fault it is, and what is in place now. */
static void
verdict_words(struct err *err, const struct record *r, const struct concern *s,
    enum round_verdict v)
{
	const char *name = s->conf->title;
	bool back = round_is_back(r->d->round, r->item);
	char place[160], first[160 + 16];

	assert(v == ROUND_REFUSED || v == ROUND_BROKEN ||
	    v == ROUND_RELOAD_FAILED);
	if (v == ROUND_REFUSED) {
		err_set(err, s->end.err.code, "%s refuses the new files; the "
		    "previous ones are back", name);
		err_advise(err, "Look at what its check says; the new version "
		    "is tried again by itself");
		return;
	}
	deploy_place(place, s->end.evidence);
	snprintf(first, sizeof(first), "%s", place[0] != '\0' ? place :
	    v == ROUND_BROKEN ? "its configuration" : "it");
	if (v == ROUND_BROKEN)
		err_set(err, s->end.err.code, "%s refuses its configuration",
		    name);
	else
		err_set(err, s->end.err.code, "%s could not be reloaded%s",
		    name, back ? "; the previous files are back" : "");
	err_advise(err, "Mend %s, then: everleaf deploy %s", first,
	    r->m->b->cert->name);
}

/* Who saw what: lines for `why`. */
static void
verdict_evidence(struct strv *saw, const struct concern *s,
    enum round_verdict v)
{
	const struct deploy_end *end = v == ROUND_LATER ? &s->later : &s->end;
	char at[TEXT_TIME], line[ERR_TEXT_MAX];
	const char *with = v == ROUND_REFUSED ?
	    " with the new files, not with the old ones:" :
	    v == ROUND_BROKEN && s->old_fail_too ?
	    " with the new files AND with the old ones:" :
	    v == ROUND_LATER && end->evidence[0] == '\0' ? "" : ":";

	assert(v != ROUND_AS_BEFORE && v != ROUND_RELOADED);
	text_local(at, loop_now());
	snprintf(line, sizeof(line), "%s\t%s at %s%s", s->conf->title,
	    end->what, at + 11, with);
	strv_add(saw, line);
	if (end->evidence[0] != '\0') {
		snprintf(line, sizeof(line), "\t  %s", end->evidence);
		strv_add(saw, line);
	}
	if (v == ROUND_BROKEN && s->old_fail_too)
		strv_add(saw, "\tso it is not the certificate");
}

/* --- one certificate on one service ------------------------------------ */

/* What was put back is tried again by job INSTALL; what is still in place by
 * the next round. */
static void
retry_later(struct record *r, struct row_deployment *row,
    const struct err *why)
{
	int64_t life = engine_lifetime(r->m->b), at;

	assert(row->failures != 0);
	at = loop_now() + (engine_own_trouble(why) ?
	    plan_own_trouble(row->failures, life) :
	    plan_backoff(row->failures, life, chance_luck()));
	row->next_try_ms = at;
	if (at > r->next_ms)
		r->next_ms = at;
	if (round_is_back(r->d->round, r->item))
		return;
	row->owed = 1;
	row->since_ms = at;
	deploy_at(at);
}

static void
record_failed(struct record *r, struct row_deployment *row,
    const struct concern *s, enum round_verdict v)
{
	bool reload = v == ROUND_RELOAD_FAILED;
	struct strv saw = { NULL, 0 };
	struct err err;

	assert(row->owed == 0 && row->since_ms == 0);
	verdict_words(&err, r, s, v);
	verdict_evidence(&saw, s, v);
	row->error = view_error_json(&err, &saw);
	row->failures++;
	row->state = row_const(reload ? "unserved" : "refused");
	retry_later(r, row, &s->end.err);
	say(r->m, s->conf->title, reload ? "service.failed" :
	    "service.refused", s->end.err.text, &err);
	strv_free(&saw);
}

/* Has had the one more reload that an older version calls for, or is to have
 * it now. */
static bool
is_again(const struct row_deployment *row)
{
	return strcmp(row->state, "again") == 0 ||
	    strcmp(row->state, "later-again") == 0;
}

/* Its own program says that now is no time for it. What was put back stays the
 * trouble that it is. */
static void
record_later(struct record *r, struct row_deployment *row,
    const struct concern *s)
{
	struct strv saw = { NULL, 0 };

	assert(s->later.err.class == ERR_LATER);
	row->failures++;
	retry_later(r, row, &s->later.err);
	say(r->m, s->conf->title, "service.later", s->later.what, NULL);
	if (r->m->rollback)
		return;
	verdict_evidence(&saw, s, ROUND_LATER);
	row->error = view_error_json(&s->later.err, &saw);
	row->state = row_const(is_again(row) ? "later-again" : "later");
	strv_free(&saw);
}

/* It has done nothing wrong: it waits for the new files to come again. */
static void
record_put_back(const struct record *r, struct row_deployment *row)
{
	struct err err;

	assert(round_is_back(r->d->round, r->item));
	err_set(&err, ERR_CHECK_FAILED, "the previous files are back: %s "
	    "refuses the new ones", r->guilty);
	row->state = row_const("waiting");
	row->error = view_error_json(&err, NULL);
}

/* Read by its service, and not proved yet: the probe comes next. */
static void
record_reloaded(const struct record *r, struct row_deployment *row,
    const struct concern *s)
{
	const struct member *m = r->m;
	bool checks = s->conf->check.n > 0, reloads = s->conf->reload.n > 0;
	const char *did = reloads ? checks ? "checked, reloaded" :
	    "reloaded" : checks ? "checked; it has no reload" :
	    "it has neither check nor reload";

	assert(row->owed == 0 && row->since_ms == 0);
	row->version = m->b->cert->installed;
	if (m->rollback) {	/* why it was put back still stands */
		say(m, s->conf->title, "service.reloaded", "reloaded with the "
		    "previous files", NULL);
		return;
	}
	row->state = row_const(is_again(row) ? "again" : "reloading");
	row->next_try_ms = 0;
	sched_put(JOB_PROBE, m->b->cert->id, loop_now() +
	    plan_probe_again(0, engine_lifetime(m->b)));
	say(m, s->conf->title, reloads ? "service.reloaded" :
	    "service.checked", did, NULL);
}

/* The verdict of the round becomes the row of one certificate on one
 * service. */
static void
record_one(struct record *r, const struct row_deployment *old,
    size_t service)
{
	enum round_verdict v = round_verdict(r->d->round, r->item, service);
	const struct concern *s = &r->d->services[service];
	struct row_deployment row = *old;

	assert(service < r->d->services_n);
	if (v == ROUND_AS_BEFORE)
		return;
	row.owed = 0;
	row.since_ms = 0;
	row.last_try_ms = loop_now();
	if (round_is_back(r->d->round, r->item))
		row.version = r->m->old.version;
	if (v == ROUND_RELOADED)
		record_reloaded(r, &row, s);
	else if (v == ROUND_PUT_BACK)
		record_put_back(r, &row);
	else if (v == ROUND_LATER)
		record_later(r, &row, s);
	else
		record_failed(r, &row, s, v);
	batch_put(turn_batch(), T_DEPLOYMENT, &row);
	if (row.error != old->error)
		free(row.error);
}

/* --- all of one certificate -------------------------------------------- */

/* Who is named to the others whose files went back with its own. */
static const char *
guilty_of(const struct deploy *d, size_t item)
{
	enum round_verdict v;
	size_t s;

	assert(item < d->members_n);
	for (s = 0; s < d->services_n; s++) {
		v = round_verdict(d->round, item, s);
		if (v == ROUND_REFUSED || v == ROUND_RELOAD_FAILED)
			return d->services[s].conf->title;
	}
	return "another service";
}

/* A service that the configuration does not have can't be reloaded. */
static void
forget_owed(const struct row_deployment *old)
{
	struct row_deployment row = *old;

	row.owed = row.since_ms = 0;
	batch_put(turn_batch(), T_DEPLOYMENT, &row);
}

static void
record_member(struct deploy *d, size_t item)
{
	const struct member *m = &d->members[item];
	struct record r = { d, m, item, guilty_of(d, item), 0 };
	size_t i, s;

	assert(item < d->members_n && m->round == d);
	for (i = 0; i < m->b->deployments.n; i++) {
		const struct row_deployment *row = ROWS_AT(&m->b->deployments,
		    row_deployment, i);

		for (s = 0; s < d->services_n; s++)
			if (strcmp(d->services[s].conf->title,
			    row->service) == 0)
				record_one(&r, row, s);
		if (conf_service(engine_conf(), row->service) == NULL)
			forget_owed(row);
	}
	if (round_is_back(d->round, item)) {
		back_record(m->b, &m->old);
		sched_put(JOB_INSTALL, m->b->cert->id, r.next_ms != 0 ?
		    r.next_ms : loop_now() + plan_backoff(1,
		    engine_lifetime(m->b), chance_luck()));
	}
	engine_touch(m->b->cert->id);
}

/* --- services, and the end --------------------------------------------- */

static void
record_services(const struct deploy *d)
{
	char *json = NULL;
	size_t i;

	assert(d->loading == 0);
	for (i = 0; i < d->services_n; i++) {
		const struct concern *s = &d->services[i];
		const struct row_service *old = deploy_service_row(d,
		    s->conf->title);
		struct row_service row = { 0 };

		if (old != NULL)
			row = *old;
		row.name = s->conf->title;
		if (s->reloaded)
			row.last_reload_ms = loop_now();
		row.failures = s->failed ? row.failures + 1 : 0;
		set_error(&json, s->failed ? &s->end.err : NULL);
		row.error = json;
		batch_put(turn_batch(), T_SERVICE, &row);
		free(json);
		json = NULL;
	}
}

static void
member_reread(void *ctx, struct bundle *b, const struct err *err)
{
	struct member *m = ctx;

	assert(m->round->loading > 0);
	assert(m->b != NULL);
	if (err != NULL)
		deploy_look_again(m->round, loop_now() + CONF_MINUTE);
	else if (b->cert != NULL) {
		bundle_free(m->b);
		m->b = bundle_take(b);
		record_member(m->round, (size_t)(m - m->round->members));
	}
	if (--m->round->loading == 0) {
		record_services(m->round);
		deploy_over(m->round);
	}
}

/* Minutes may have passed: results go into the rows as they are now. */
void
deploy_record(struct deploy *d)
{
	size_t i, n = d->members_n;

	assert(n > 0 && d->loading == 0);
	d->loading = n;
	for (i = 0; i < n; i++)
		bundle_by_id(turn_store(), d->members[i].b->cert->id,
		    member_reread, &d->members[i]);
}
