/* Going back to the files of before (interface.md section 6). Rule 6 says to
 * which; rule 3, an endpoint that broke after the reload, is carried out
 * here: the wish to go back is a row (a generation in state "returning")
 * before the files move, and job INSTALL does it before anything else. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/chance.h"
#include "daemon/job_deploy.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/plan.h"
#include "daemon/sched.h"

/* --- which files ------------------------------------------------------- */

bool
back_allowed(const struct bundle *b, const struct back *to)
{
	const struct row_version *v = bundle_version(b, to->version);

	return v != NULL && !v->placeholder && v->revoked_ms == 0 &&
	    v->not_after_ms > loop_now();
}

bool
back_is(const struct bundle *b)
{
	size_t i;

	for (i = 0; i < b->generations.n; i++) {
		const struct row_generation *g = ROWS_AT(&b->generations,
		    row_generation, i);

		if (g->version > b->cert->installed &&
		    strcmp(g->state, "back") == 0)
			return true;
	}
	return false;
}

struct back
back_find(const struct bundle *b)
{
	struct back best = { 0, 0 };
	size_t i;

	if (back_is(b))
		return best;
	for (i = 0; i < b->generations.n; i++) {
		const struct row_generation *g = ROWS_AT(&b->generations,
		    row_generation, i);
		struct back to = { (uint32_t)g->gen, g->version };

		if (g->version < b->cert->installed && to.gen > best.gen &&
		    strcmp(g->state, "old") == 0 && back_allowed(b, &to))
			best = to;
	}
	return best;
}

/* --- what is written down ---------------------------------------------- */

static void
say(const struct bundle *b, const char *event, const char *text,
    const struct err *err)
{
	struct happening h = { .event = event, .cert_id = b->cert->id,
		.name = b->cert->name, .version = b->cert->newest,
		.text = text, .err = err };

	turn_event(&h);
}

static void
put_state(const struct row_generation *g, const char *state)
{
	struct row_generation row = *g;

	assert(strcmp(g->state, state) != 0);
	row.state = row_const(state);
	batch_put(turn_batch(), T_GENERATION, &row);
}

void
back_record(const struct bundle *b, const struct back *to)
{
	struct row_cert c = *b->cert;
	char text[80];
	size_t i;

	assert(b->cert != NULL);
	for (i = 0; i < b->generations.n; i++) {
		const struct row_generation *g = ROWS_AT(&b->generations,
		    row_generation, i);

		if (g->gen == to->gen)
			put_state(g, "live");
		else if (g->gen == c.installed_gen)
			put_state(g, "back");
	}
	c.installed = to->version;
	c.installed_gen = to->gen;
	c.installed_since_ms = loop_now();
	batch_put(turn_batch(), T_CERT, &c);
	snprintf(text, sizeof(text), "version %lld is in place again",
	    (long long)to->version);
	say(b, "version.put-back", text, NULL);
}

/* --- rule 3: wished for, then done ------------------------------------- */

struct going {			/* job INSTALL is busy with it */
	int64_t cert_id;
	struct bundle *b;
	struct back to;
	struct err err;
};

static const struct row_generation *
returning(const struct bundle *b)
{
	size_t i;

	for (i = 0; i < b->generations.n; i++)
		if (strcmp(ROWS_AT(&b->generations, row_generation, i)->state,
		    "returning") == 0)
			return ROWS_AT(&b->generations, row_generation, i);
	return NULL;
}

bool
deploy_put_back(const struct bundle *b)
{
	struct back to = back_find(b);
	size_t i;

	assert(b->cert != NULL);
	if (returning(b) != NULL)
		return true;
	for (i = 0; i < b->generations.n; i++) {
		const struct row_generation *g = ROWS_AT(&b->generations,
		    row_generation, i);

		if (to.gen != 0 && g->gen == to.gen)
			put_state(g, "returning");
	}
	if (to.gen != 0)
		sched_put(JOB_INSTALL, b->cert->id, loop_now());
	return to.gen != 0;
}

static void
going_free(struct going *g)
{
	bundle_free(g->b);
	free(g);
}

/* When the newest files are tried again: after the longest of the pauses that
 * what refused them has. */
static int64_t
next_try(const struct bundle *b)
{
	int64_t at = loop_now();
	size_t i;

	for (i = 0; i < b->deployments.n; i++) {
		const struct row_deployment *d = ROWS_AT(&b->deployments,
		    row_deployment, i);

		at = d->next_try_ms > at ? d->next_try_ms : at;
	}
	return at;
}

/* All services read the files again, with what is there now. */
static void
gone_back(const struct going *g)
{
	size_t i;

	assert(g->b != NULL && g->err.class == ERR_NONE);
	back_record(g->b, &g->to);
	for (i = 0; i < g->b->deployments.n; i++) {
		struct row_deployment d = *ROWS_AT(&g->b->deployments,
		    row_deployment, i);

		d.owed = 1;
		d.since_ms = 1;
		batch_put(turn_batch(), T_DEPLOYMENT, &d);
	}
	deploy_at(loop_now());
	sched_later(JOB_INSTALL, g->cert_id, next_try(g->b));
}

/* There is no going back any more: the new files stay where they are. */
static void
give_up(const struct bundle *b, const struct row_generation *g)
{
	struct err err;

	assert(strcmp(g->state, "returning") == 0);
	put_state(g, "old");
	err_set(&err, ERR_INSTALL_FAILED, "version %lld can't be put back: it "
	    "is not valid any more", (long long)g->version);
	say(b, "service.failed", NULL, &err);
	sched_done(JOB_INSTALL, b->cert->id);
}

/* It stays wished for. What has failed is the same trouble still. */
static void
refused(const struct going *g)
{
	int64_t life = engine_lifetime(g->b), failures = 1, at;
	struct err err;
	size_t i;

	assert(g->b != NULL && g->err.class != ERR_NONE);
	assert(failures >= 1);
	for (i = 0; i < g->b->deployments.n; i++) {
		const struct row_deployment *d = ROWS_AT(&g->b->deployments,
		    row_deployment, i);

		failures = d->failures > failures ? d->failures : failures;
	}
	at = loop_now() + (engine_own_trouble(&g->err) ?
	    plan_own_trouble(failures, life) :
	    plan_backoff(failures, life, chance_luck()));
	for (i = 0; i < g->b->deployments.n; i++) {
		struct row_deployment d = *ROWS_AT(&g->b->deployments,
		    row_deployment, i);

		if (d.failures == 0)
			continue;
		d.failures++;
		d.next_try_ms = at;
		batch_put(turn_batch(), T_DEPLOYMENT, &d);
	}
	err = g->err;
	err_context(&err, "version %lld can't be put back",
	    (long long)g->to.version);
	say(g->b, "service.failed", NULL, &err);
	sched_later(JOB_INSTALL, g->cert_id, at);
}

/* Whether the files could be moved or not: the rows, as they are by now, say
 * so. */
static void
write_result(void *ctx, struct bundle *b, const struct err *err)
{
	struct going *g = ctx;

	assert(g->b != NULL);
	if (err != NULL || b->cert == NULL)
		engine_job_over(JOB_INSTALL, g->cert_id, err);
	else {
		bundle_free(g->b);
		g->b = bundle_take(b);
		if (g->err.class == ERR_NONE)
			gone_back(g);
		else
			refused(g);
		engine_touch(g->cert_id);
	}
	going_free(g);
}

static void
flipped(void *ctx, void *answer, const struct err *err)
{
	struct going *g = ctx;

	assert(g->err.class == ERR_NONE);
	(void)answer;
	if (err != NULL)
		g->err = *err;
	/* The rows may have changed while the files moved. */
	bundle_by_id(turn_store(), g->cert_id, write_result, g);
}

static void
go_back(void *ctx)
{
	struct going *g = ctx;
	struct w_generation flip = { (uint64_t)g->cert_id, g->to.gen };

	assert(g->b != NULL && g->b->cert->id == g->cert_id);
	peer_ask(WIRE_FLIP, &flip, flipped, g);
}

/* A version that came in between is tried first: what is newer may well be
 * what mends it. */
bool
back_begin(struct bundle *b)
{
	const struct row_generation *row = returning(b);
	struct going *g;

	assert(b->cert != NULL);
	if (row == NULL)
		return false;
	if (b->cert->newest > b->cert->installed) {
		log_info("%s: version %lld is not put back, version %lld is "
		    "there to be tried", b->cert->name,
		    (long long)row->version, (long long)b->cert->newest);
		put_state(row, "old");
		return false;
	}
	g = xcalloc(1, sizeof(*g));
	g->to.gen = (uint32_t)row->gen;
	g->to.version = row->version;
	if (!back_allowed(b, &g->to)) {
		give_up(b, row);
		free(g);
		return true;
	}
	g->cert_id = b->cert->id;
	g->b = bundle_take(b);
	turn_after(go_back, g);
	return true;
}
