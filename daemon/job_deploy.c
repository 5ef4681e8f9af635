/* Deployment rounds: files that are in place become used. Here: when a round
 * is due, who takes part, and when the next one is. One round at a time. Job
 * DEPLOY; its object is 0. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/job_deploy.h"
#include "daemon/loop.h"
#include "daemon/plan.h"
#include "daemon/purge.h"
#include "daemon/sched.h"

enum { ITEMS_MAX = 1000, INSTALLS_END_MS = 200 };

static struct deploy *round_now;
static bool wanted;		/* a round waits for installs to end */
static int64_t due_at;		/* when the next round is due; 0: none */

static void
deploy_free(struct deploy *d)
{
	size_t i;

	assert(d->members_n == 0 || d->members != NULL);
	for (i = 0; i < d->members_n; i++)
		bundle_free(d->members[i].b);
	free(d->members);
	free(d->services);
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
	assert(due_at == 0 || at_ms < due_at);
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

const struct row_service *
deploy_service_row(const struct deploy *d, const char *title)
{
	size_t i;

	for (i = 0; i < d->rows.n; i++)
		if (strcmp(ROWS_AT(&d->rows, row_service, i)->name, title) == 0)
			return ROWS_AT(&d->rows, row_service, i);
	return NULL;
}

/* When the first file came that this service has not read yet: the delay runs
 * from there, and whatever else is there when it ends goes along. */
static int64_t
first_since(const struct deploy *d, const struct row_deployment *w)
{
	int64_t first = w->since_ms;
	size_t i;

	for (i = 0; i < d->due.n; i++) {
		const struct row_deployment *other = ROWS_AT(&d->due,
		    row_deployment, i);

		if (strcmp(other->service, w->service) == 0 &&
		    other->since_ms < first)
			first = other->since_ms;
	}
	return first;
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

		/* What waits for its next try does not hold up the others: it
		 * goes along. */
		s = conf_service(engine_conf(), w->service);
		if (s == NULL || !w->owed || w->since_ms > loop_now())
			continue;
		t = first_since(d, w) + plan_delay(s->reload_delay_ms, life);
		at = t > at ? t : at;
		row = deploy_service_row(d, s->title);
		/* Not after a clock that has gone back meanwhile. */
		if (row == NULL || row->last_reload_ms == 0 ||
		    row->last_reload_ms > loop_now())
			continue;
		t = row->last_reload_ms + plan_delay(s->reload_interval_ms,
		    life);
		at = t > at ? t : at;
	}
	return at;
}

/* --- the end ----------------------------------------------------------- */

/* Runs of before that nothing has joined mean nothing any more. */
static void
forget_runs(const struct deploy *d)
{
	size_t i;

	for (i = 0; i < d->runs.n; i++)
		if (ROWS_AT(&d->runs, row_run, i)->id != 0)
			batch_del(turn_batch(), T_RUN, ROWS_AT(&d->runs,
			    row_run, i));
}

/* A round that was cut off at its most is followed by the next at once. */
void
deploy_over(struct deploy *d)
{
	bool more = d->due.n == ITEMS_MAX && d->members_n > 0;
	int64_t next = more ? loop_now() : d->next_ms;

	assert(d == round_now && d->loading == 0);
	forget_runs(d);
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

bool
deploy_busy(void)
{
	return round_now != NULL || wanted;
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

/* --- setting a round up ------------------------------------------------ */

/* All services of each certificate: each must pass its check. */
static void
find_services(struct deploy *d)
{
	const struct conf *conf = engine_conf();
	size_t i, s;

	assert(d->services == NULL && d->members_n > 0);
	d->services = xcalloc(conf->services_n, sizeof(*d->services));
	for (s = 0; s < conf->services_n; s++) {
		for (i = 0; i < d->members_n; i++)
			if (bundle_deployment(d->members[i].b,
			    conf->services[s].title) != NULL)
				break;
		if (i < d->members_n)
			d->services[d->services_n++].conf =
			    &conf->services[s];
	}
}

/* What of a certificate is in place, where it could go back to, and which
 * services have read it already. */
static void
join(struct deploy *d, size_t item)
{
	struct member *m = &d->members[item];
	const struct row_deployment *w;
	size_t s;

	assert(item < d->members_n && m->round == d);
	m->new_gen = (uint32_t)m->b->cert->installed_gen;
	m->old = back_find(m->b);
	m->rollback = back_is(m->b);
	if (m->old.gen != 0)
		round_can_go_back(d->round, item);
	for (s = 0; s < d->services_n; s++) {
		w = bundle_deployment(m->b, d->services[s].conf->title);
		if (w == NULL)
			continue;
		round_uses(d->round, item, s);
		if (!w->owed)
			round_loaded(d->round, item, s);
	}
}

static void
assemble(struct deploy *d)
{
	const struct conf_service *conf;
	size_t i;

	assert(d->round == NULL);
	find_services(d);
	assert(d->services_n <= engine_conf()->services_n);
	d->round = round_new(d->members_n, d->services_n);
	for (i = 0; i < d->services_n; i++) {
		conf = d->services[i].conf;
		round_service(d->round, i, conf->check.n > 0,
		    conf->reload.n > 0, conf->rollback);
	}
	for (i = 0; i < d->members_n; i++)
		join(d, i);
}

static void
loaded_all(struct deploy *d)
{
	assert(d == round_now && d->loading == 0);
	if (d->members_n == 0) {
		deploy_over(d);
		return;
	}
	assemble(d);
	deploy_run(d);
}

void
deploy_look_again(struct deploy *d, int64_t at_ms)
{
	if (d->next_ms == 0 || at_ms < d->next_ms)
		d->next_ms = at_ms;
}

/* Not each of those that are due comes along: its time may not have come, or
 * it is on its way out. */
static void
member_loaded(void *ctx, struct bundle *b, const struct err *err)
{
	struct deploy *d = ctx;
	int64_t at;

	assert(d == round_now && d->loading > 0);
	if (err != NULL)
		deploy_look_again(d, loop_now() + CONF_MINUTE);
	else if (b->cert != NULL && b->cert->installed > 0 &&
	    !purge_has(b->cert->id)) {
		at = ready_at(d, b);
		if (at <= loop_now()) {
			d->members[d->members_n].round = d;
			d->members[d->members_n++].b = bundle_take(b);
		} else
			deploy_look_again(d, at);
	}
	if (--d->loading == 0)
		loaded_all(d);
}

/* One more than there are is counted, so that answers that come within the
 * call can't end the round before all are asked. */
static void
load_members(struct deploy *d)
{
	int64_t *ids = xcalloc(d->due.n, sizeof(*ids));
	size_t i, k, n = 0;

	assert(d->members == NULL && d->due.n <= ITEMS_MAX);
	for (i = 0; i < d->due.n; i++) {
		int64_t id = ROWS_AT(&d->due, row_deployment, i)->cert_id;

		for (k = 0; k < n && ids[k] != id; k++)
			;
		if (k == n)
			ids[n++] = id;
	}
	assert(n <= d->due.n);
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
	assert(from->n == 0 || from->v != NULL);
	*to = *from;
	from->v = NULL;
	from->n = 0;
}

/* The next that waits for its time. No pause is longer than a day: the clock
 * has gone back under one that claims to be. */
static void
wait_for(struct deploy *d, const struct row_deployment *next)
{
	struct row_deployment row = *next;

	if (row.since_ms > loop_now() + 2 * CONF_DAY) {
		row.since_ms = loop_now();
		batch_put(turn_batch(), T_DEPLOYMENT, &row);
	}
	deploy_look_again(d, row.since_ms);
}

/* Who owes a reload now, what is known of the services, and which runs were
 * under way when we were here last. */
static void
due_read(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct deploy *d = ctx;

	assert(d == round_now && d->members_n == 0);
	(void)n;
	if (err != NULL) {
		deploy_look_again(d, loop_now() + CONF_MINUTE);
		deploy_over(d);
		return;
	}
	assert(n == 4);
	take(&d->due, &answers[0]);
	take(&d->rows, &answers[1]);
	take(&d->runs, &answers[2]);
	if (answers[3].n > 0)
		wait_for(d, ROWS_AT(&answers[3], row_deployment, 0));
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
	assert(sched_is_running(JOB_DEPLOY, 0));
	wanted = sched_running(JOB_INSTALL) > 0;
	if (wanted) {
		due_at = now + INSTALLS_END_MS;
		sched_later(JOB_DEPLOY, 0, due_at);
		return;
	}
	due_at = 0;
	round_now = xcalloc(1, sizeof(*round_now));
	store_read(turn_store(), q, 4, due_read, round_now);
}

void
deploy_fini(void)
{
	if (round_now != NULL)
		deploy_free(round_now);
	round_now = NULL;
	due_at = 0;
	wanted = false;
}
