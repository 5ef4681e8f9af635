/* Removing all of a certificate: what is under way ends first, then its
 * challenges are taken down, then its files go, then its rows. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/proof.h"
#include "daemon/purge.h"
#include "daemon/sched.h"

enum { LOOK_MS = 200, KEY_SIZE = sizeof(PURGE_KEY) + 16 };

struct waiter {
	int64_t cert_id;
	void (*done)(void *ctx, bool gone);
	void *ctx;
	bool gone;
	struct loop_timer *timer;
	struct waiter *next;
};

static struct {
	int64_t *ids;		/* that are to go */
	size_t n, room;
	struct waiter *waiters;
} purge;

/* --- what is to go ----------------------------------------------------- */

bool
purge_has(int64_t cert_id)
{
	size_t i;

	for (i = 0; i < purge.n; i++)
		if (purge.ids[i] == cert_id)
			return true;
	return false;
}

static void
remember(int64_t cert_id)
{
	if (purge.n == purge.room) {
		purge.room = 2 * purge.room + 8;
		purge.ids = xrealloc(purge.ids, purge.room *
		    sizeof(*purge.ids));
	}
	purge.ids[purge.n++] = cert_id;
	assert(purge.n <= purge.room);
}

static void
forget(int64_t cert_id)
{
	size_t i;

	assert(purge_has(cert_id));
	for (i = 0; i < purge.n; i++)
		if (purge.ids[i] == cert_id)
			purge.ids[i] = purge.ids[--purge.n];
}

static void
key_of(char key[KEY_SIZE], int64_t cert_id)
{
	memcpy(key, PURGE_KEY, sizeof(PURGE_KEY) - 1);
	text_id(key + sizeof(PURGE_KEY) - 1, (uint64_t)cert_id);
}

/* All but the job that removes it, and the round, which is not about one
 * certificate. */
static void
drop_jobs(int64_t cert_id)
{
	int kind;

	for (kind = 1; kind < JOB_KIND_COUNT; kind++)
		if (kind != JOB_DEPLOY && kind != JOB_PRUNE)
			sched_drop((enum job_kind)kind, cert_id);
}

void
purge_begin(const struct bundle *b, const char *actor)
{
	char key[KEY_SIZE];
	struct row_meta row = { key, row_const(actor) };

	assert(actor != NULL && b->cert != NULL);
	inventory_retire(b, actor);
	if (purge_has(b->cert->id))
		return;
	key_of(key, b->cert->id);
	batch_put(turn_batch(), T_META, &row);
	remember(b->cert->id);
	drop_jobs(b->cert->id);
	sched_put(JOB_PRUNE, b->cert->id, loop_now());
}

void
purge_recover(const struct row_meta *row)
{
	uint64_t id;

	if (!text_unid(&id, row->key + sizeof(PURGE_KEY) - 1))
		return;
	remember((int64_t)id);
	sched_put(JOB_PRUNE, (int64_t)id, loop_now());
}

/* --- who waits --------------------------------------------------------- */

static void
tell(void *ctx)
{
	struct waiter *w = ctx, **at = &purge.waiters;

	assert(purge.waiters != NULL && w->timer != NULL);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_timer_free(w->timer);
	w->done(w->ctx, w->gone);
	free(w);
}

static void
too_long(void *ctx)
{
	struct waiter *w = ctx;

	assert(w->timer != NULL && w->done != NULL);
	if (!w->gone)
		tell(w);
}

void
purge_wait(int64_t cert_id, void (*done)(void *ctx, bool gone), void *ctx)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	assert(purge_has(cert_id));
	assert(done != NULL);
	w->cert_id = cert_id;
	w->done = done;
	w->ctx = ctx;
	w->next = purge.waiters;
	purge.waiters = w;
	w->timer = loop_timer_new(too_long, w);
	loop_timer_after(w->timer, PURGE_WAIT_MS);
}

static void
tell_all(int64_t cert_id)
{
	struct waiter *w;

	for (w = purge.waiters; w != NULL; w = w->next)
		if (w->cert_id == cert_id && !w->gone) {
			w->gone = true;
			turn_after(tell, w);
		}
}

/* --- going ------------------------------------------------------------- */

struct going {
	struct bundle *b;
	size_t open;		/* challenges that are being taken down */
};

static void
drop_rows(const struct bundle *b)
{
	char key[KEY_SIZE];
	struct row_meta mark = { key, NULL };
	enum table t;

	assert(purge_has(b->cert->id));
	for (t = 0; t < T_COUNT; t++)
		if (strcmp(row_defs[t].cols[0].name, "cert_id") == 0)
			batch_del_all(turn_batch(), t, b->cert->id);
	drop_jobs(b->cert->id);
	engine_untouch(b->cert->id);
	batch_del(turn_batch(), T_CERT, b->cert);
	key_of(key, b->cert->id);
	batch_del(turn_batch(), T_META, &mark);
}

static void
purged(void *ctx, void *answer, const struct err *err)
{
	struct going *g = ctx;
	const struct row_cert *c = g->b->cert;
	struct happening h = { .event = "version.pruned", .cert_id = c->id,
		.name = c->name, .text = "its files and keys are removed" };

	assert(g->open == 0 && purge_has(c->id));
	(void)answer;
	if (err != NULL) {
		log_err(err, "%s: its files can't be removed", c->name);
		sched_later(JOB_PRUNE, c->id, loop_now() + CONF_MINUTE);
	} else {
		drop_rows(g->b);
		turn_event(&h);
		forget(c->id);
		sched_done(JOB_PRUNE, c->id);
		tell_all(c->id);
	}
	bundle_free(g->b);
	free(g);
}

static void
ask_purge(void *ctx)
{
	struct going *g = ctx;
	struct w_purge m = { (uint64_t)g->b->cert->id, g->b->cert->name };

	assert(g->open == 0);
	peer_ask(WIRE_PURGE, &m, purged, g);
}

/* What can't be taken down is left: the CA asks no more. */
static void
taken_down(void *ctx, const struct err *err)
{
	struct going *g = ctx;

	assert(g->open > 0);
	if (err != NULL)
		log_err(err, "%s: a challenge can't be taken down",
		    g->b->cert->name);
	if (--g->open == 0)
		ask_purge(g);
}

/* One more than there are is counted, so that the last answer, and none
 * before it, goes on. */
static void
take_down(void *ctx)
{
	struct going *g = ctx;
	size_t i, n = g->b->challenges.n;

	assert(g->open == 0);
	g->open = n + 1;
	for (i = 0; i < n; i++)
		proof_withdraw(ROWS_AT(&g->b->challenges, row_challenge, i),
		    taken_down, g);
	taken_down(g, NULL);
}

static bool
is_busy(int64_t cert_id)
{
	int kind;

	for (kind = 1; kind < JOB_KIND_COUNT; kind++)
		if (kind != JOB_DEPLOY && kind != JOB_PRUNE &&
		    sched_is_running((enum job_kind)kind, cert_id))
			return true;
	return deploy_has(cert_id);
}

/* A file wishes for the name before it is gone. Master removes nothing that
 * its configuration names, so it is that certificate which is wished for: with
 * all the jobs that it had. The bundle is of before. */
static void
keep(const struct bundle *b, const struct conf_cert *k)
{
	static const enum job_kind kinds[] = { JOB_INSTALL, JOB_PROBE,
		JOB_ARI, JOB_UNDO, JOB_REVOKE };
	struct wish_source src = { "file", k->where, k->names_where, "config" };
	char key[KEY_SIZE];
	struct row_meta mark = { key, NULL };
	size_t i;

	key_of(key, b->cert->id);
	batch_del(turn_batch(), T_META, &mark);
	forget(b->cert->id);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		sched_put(kinds[i], b->cert->id, loop_now());
	sched_put(JOB_RENEW, b->cert->id, b->cert->renew_at_ms);
	inventory_change(b, &k->wish, &src);
}

/* Nothing is taken from under what is still at work: it is looked at again
 * in a moment. */
bool
purge_go(struct bundle *b)
{
	const struct conf_cert *k;
	struct going *g;

	assert(b->cert != NULL);
	if (!purge_has(b->cert->id))
		return false;
	k = conf_cert(engine_conf(), b->cert->name);
	if (k != NULL) {
		keep(b, k);
		sched_later(JOB_PRUNE, b->cert->id, loop_now());
		return true;
	}
	if (is_busy(b->cert->id)) {
		sched_later(JOB_PRUNE, b->cert->id, loop_now() + LOOK_MS);
		return true;
	}
	g = xcalloc(1, sizeof(*g));
	g->b = bundle_take(b);
	turn_after(take_down, g);
	return true;
}

void
purge_fini(void)
{
	struct waiter *w;

	while ((w = purge.waiters) != NULL) {
		purge.waiters = w->next;
		loop_timer_free(w->timer);
		free(w);
	}
	free(purge.ids);
	memset(&purge, 0, sizeof(purge));
}
