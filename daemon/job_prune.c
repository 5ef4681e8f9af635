/* Housekeeping of one certificate: old generations beyond keep-versions,
 * expired keys and versions, retired files. Job PRUNE. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/budget.h"
#include "daemon/engine.h"
#include "daemon/issue.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/plan.h"
#include "daemon/purge.h"
#include "daemon/revoke.h"
#include "daemon/sched.h"
#include "daemon/standing.h"

enum { RETIRED_DAYS = 30, UNUSED_DAYS = 1, EXPIRED_DAYS = 7 };

static bool
may_go(const struct bundle *b, const struct row_generation *g, int64_t keep)
{
	const struct row_version *v = bundle_version(b, g->version);
	int64_t newer = 0, last = -1;
	size_t i;

	assert(keep >= 0);
	/* One that was put back, or never finished, is gone on with while its
	 * version is the newest. */
	if (g->gen == b->cert->installed_gen || (g->version ==
	    b->cert->newest && strcmp(g->state, "old") != 0) ||
	    strcmp(g->state, "returning") == 0)
		return false;
	for (i = 0; i < b->generations.n; i++) {
		const struct row_generation *other = ROWS_AT(&b->generations,
		    row_generation, i);

		if (other->version == g->version && other->gen > g->gen)
			return true;
		if (other->version > g->version && other->version != last) {
			last = other->version;
			newer++;
		}
	}
	assert(newer >= 0);
	return newer > keep || v == NULL || v->placeholder ||
	    v->revoked_ms != 0 || v->not_after_ms <= loop_now();
}

/* Files of this certificate are on their way: what is old is decided when
 * they are there. */
static bool
is_being_installed(const struct bundle *b)
{
	size_t i;

	for (i = 0; i < b->jobs.n; i++)
		if (ROWS_AT(&b->jobs, row_job, i)->kind == JOB_INSTALL)
			return true;
	return false;
}

struct old {			/* a generation that goes */
	struct row_generation row;
	char *name;		/* of its certificate */
};

static void
pruned(void *ctx, void *answer, const struct err *err)
{
	struct old *o = ctx;
	char text[80];
	struct happening h = { .event = "version.pruned",
		.cert_id = o->row.cert_id, .name = o->name,
		.version = o->row.version, .text = text };

	assert(o->name != NULL && o->row.state == NULL);
	(void)answer;
	snprintf(text, sizeof(text), "generation %lld is removed",
	    (long long)o->row.gen);
	if (err == NULL) {
		batch_del(turn_batch(), T_GENERATION, &o->row);
		turn_event(&h);
	} else
		log_err(err, "%s: an old generation can't be removed",
		    o->name);
	free(o->name);
	free(o);
}

/* Its row goes once its files are gone: one that is left over is found again
 * the next day. */
static void
ask_prune(void *ctx)
{
	struct old *o = ctx;
	struct w_generation m = { (uint64_t)o->row.cert_id,
		(uint32_t)o->row.gen };

	assert(o->row.state == NULL);
	peer_ask(WIRE_PRUNE, &m, pruned, o);
}

static bool
on_disk(const struct bundle *b, int64_t version)
{
	size_t i;

	for (i = 0; i < b->generations.n; i++)
		if (ROWS_AT(&b->generations, row_generation, i)->version ==
		    version)
			return true;
	return false;
}

/* The key of a version that has expired, or was revoked, and is not in use is
 * worth nothing to us and something to a thief. Some days after it has expired
 * its row goes, too: the events tell its history, and a short-lived certificate
 * would have hundreds. */
static void
drop_expired(const struct bundle *b)
{
	int64_t long_ago = loop_now() - EXPIRED_DAYS * CONF_DAY;
	size_t i;

	assert(b->cert != NULL);
	for (i = 0; i < b->versions.n; i++) {
		struct row_version v = *ROWS_AT(&b->versions, row_version, i);

		if ((v.not_after_ms > loop_now() && v.revoked_ms == 0) ||
		    v.version == b->cert->installed ||
		    v.version == b->cert->newest)
			continue;
		if (v.not_after_ms <= long_ago &&
		    v.version != b->cert->served && !on_disk(b, v.version)) {
			batch_del(turn_batch(), T_VERSION, &v);
			continue;
		}
		if (v.sealed.len == 0)
			continue;
		v.sealed.p = NULL;
		v.sealed.len = 0;
		batch_put(turn_batch(), T_VERSION, &v);
	}
}

static void
drop_revocations(const struct bundle *b)
{
	const struct row_revocation *r;
	size_t i;

	for (i = 0; i < b->revocations.n; i++) {
		r = ROWS_AT(&b->revocations, row_revocation, i);
		if (!revoke_is_open(r) && r->done_ms + CONF_DAY <= loop_now())
			batch_del(turn_batch(), T_REVOCATION, r);
	}
}

/* Who takes something out of the wishes by mistake has a month to put it
 * back. What never had more than a placeholder, and no service to look for
 * that, was a mistake itself. */
static void
purge_retired(const struct bundle *b)
{
	const struct row_cert *c = b->cert;
	const struct row_version *v = c->newest > 0 ?
	    bundle_version(b, c->newest) : NULL;
	int64_t end = c->not_after_ms, days = RETIRED_DAYS;

	assert(c->newest >= 0);
	if (v != NULL && v->not_after_ms > end)
		end = v->not_after_ms;
	if (end == 0) {
		end = c->retired_ms;
		days = b->deployments.n > 0 ? RETIRED_DAYS : UNUSED_DAYS;
	}
	if (c->retired_ms != 0 && end + days * CONF_DAY <= loop_now())
		purge_begin(b, "scheduler");
}

static void
prune(void *ctx, struct bundle *b, const struct err *err)
{
	int64_t id = *(int64_t *)ctx, life;
	struct conf_wish wish;
	struct old *o;
	size_t i;
	bool busy;

	free(ctx);
	if (err != NULL || b->cert == NULL) {
		engine_job_over(JOB_PRUNE, id, err);
		return;
	}
	if (purge_go(b))
		return;
	assert(sched_is_running(JOB_PRUNE, id));
	wish = engine_wish(b->cert);
	busy = is_being_installed(b);
	for (i = 0; i < b->generations.n && !busy; i++) {
		const struct row_generation *row = ROWS_AT(&b->generations,
		    row_generation, i);

		if (!may_go(b, row, wish.keep_versions))
			continue;
		o = xcalloc(1, sizeof(*o));
		o->row = *row;
		o->row.state = NULL;
		o->name = xstrdup(b->cert->name);
		turn_after(ask_prune, o);
	}
	issue_key_ahead(b, &wish);
	standing_watch(b, &wish);
	drop_expired(b);
	drop_revocations(b);
	budget_tidy();
	purge_retired(b);
	life = engine_lifetime(b);
	sched_later(JOB_PRUNE, id, loop_now() + plan_delay(CONF_DAY, life));
	engine_touch(id);
	conf_wish_free(&wish);
}

void
job_prune(int64_t cert_id)
{
	assert(sched_is_running(JOB_PRUNE, cert_id));
	bundle_by_id(turn_store(), cert_id, prune,
	    xmemdup(&cert_id, sizeof(cert_id)));
}
