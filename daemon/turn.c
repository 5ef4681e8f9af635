/* Collects what a turn changes, commits it, lets the wishes leave. A question
 * in between stages what there is: it is one transaction all the same. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/turn.h"
#include "daemon/view.h"

enum { CALLS_FIRST = 64, ROUNDS_MAX = 1000 };

struct calls {
	struct { void (*fn)(void *ctx); void *ctx; } *v;
	size_t n, room;
};

static struct {
	struct store *store;
	struct batch *batch;
	bool staged;		/* there is more in the store */
	struct calls lasts, wishes;
	bool events;		/* this turn put some */
	void (*on_events)(void *ctx);
	void *on_events_ctx;
	void (*on_failure)(const struct err *err);
} turn;

static void
calls_add(struct calls *c, void (*fn)(void *ctx), void *ctx)
{
	assert(fn != NULL && c->n <= c->room);
	if (c->n == c->room) {
		c->room = c->room > 0 ? 2 * c->room : CALLS_FIRST;
		c->v = xrealloc(c->v, c->room * sizeof(*c->v));
	}
	c->v[c->n].fn = fn;
	c->v[c->n++].ctx = ctx;
}

/* Those that there are; what they add is left for the next time. */
static void
calls_make(struct calls *c)
{
	struct calls now = *c;
	size_t i;

	memset(c, 0, sizeof(*c));
	assert(now.n > 0 && now.n <= now.room);
	for (i = 0; i < now.n; i++)
		now.v[i].fn(now.v[i].ctx);
	free(now.v);
}

void
turn_init(struct store *s)
{
	assert(turn.batch == NULL && turn.wishes.n == 0);
	turn.store = s;
	turn.batch = batch_new();
}

void
turn_use(struct store *s)
{
	assert(batch_empty(turn.batch) && turn.wishes.n == 0);
	turn.store = s;
}

void
turn_fini(void)
{
	batch_free(turn.batch);
	free(turn.wishes.v);
	free(turn.lasts.v);
	memset(&turn, 0, sizeof(turn));
}

struct batch *
turn_batch(void)
{
	assert(turn.batch != NULL);
	return turn.batch;
}

/* A store that can't keep what was promised ends the engine: what comes next
 * must not be built on changes that may not be there. */
static void
committed(void *unused, const struct err *err)
{
	(void)unused;
	if (err == NULL)
		return;
	log_err(err, "the inventory can't be written");
	if (turn.on_failure != NULL)
		turn.on_failure(err);
	exit(1);
}

/* What was staged belongs to the same transaction, also when nothing came
 * after it. */
static void
flush(void)
{
	struct batch *b = turn.batch;

	if (batch_empty(b) && !turn.staged)
		return;
	assert(turn.store != NULL);
	turn.batch = batch_new();
	turn.staged = false;
	store_commit(turn.store, b, committed, NULL);
}

struct store *
turn_store(void)
{
	struct batch *b = turn.batch;

	if (!batch_empty(b)) {
		assert(turn.store != NULL);
		turn.batch = batch_new();
		turn.staged = true;
		store_stage(turn.store, b);
	}
	return turn.store;
}

struct store *
turn_store_durable(void)
{
	flush();
	return turn.store;
}

void
turn_after(void (*fn)(void *ctx), void *ctx)
{
	assert(turn.batch != NULL);
	calls_add(&turn.wishes, fn, ctx);
}

void
turn_last(void (*fn)(void *ctx), void *ctx)
{
	assert(turn.batch != NULL);
	calls_add(&turn.lasts, fn, ctx);
}

/* Sums up, commits, lets go; and again, as long as any of these brings more. */
void
turn_end(void *unused)
{
	int rounds;

	(void)unused;
	assert(turn.batch != NULL);
	for (rounds = 0; rounds < ROUNDS_MAX; rounds++) {
		if (turn.lasts.n > 0) {
			calls_make(&turn.lasts);
			continue;
		}
		flush();
		if (turn.events && turn.on_events != NULL)
			turn.on_events(turn.on_events_ctx);
		turn.events = false;
		/* Wishes may bring changes and new wishes: once more. */
		if (turn.wishes.n > 0)
			calls_make(&turn.wishes);
		else if (batch_empty(turn.batch) && turn.lasts.n == 0)
			return;
	}
	log_error("a turn does not end after %d rounds", ROUNDS_MAX);
	abort();
}

void
turn_event(const struct happening *h)
{
	struct row_event row = { .at_ms = loop_now(), .cert_id = h->cert_id,
		.version = h->version };

	assert(turn.batch != NULL);
	assert(h->event != NULL && h->event[0] != '\0');
	row.event = row_const(h->event);
	row.name = row_const(h->name);
	row.service = row_const(h->service);
	row.actor = row_const(h->actor != NULL ? h->actor :
	    "scheduler");
	row.cause = row_const(h->cause);
	row.text = row_const(h->text);
	if (h->err != NULL)
		row.error = view_error_json(h->err, NULL);
	batch_put(turn.batch, T_EVENT, &row);
	turn.events = true;
	log_line(h->err != NULL ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
	    "%s%s%s: %s%s%s", h->name != NULL ? h->name : "",
	    h->name != NULL ? " " : "", h->event,
	    h->text != NULL ? h->text : "",
	    h->err != NULL && h->text != NULL ? ": " : "",
	    h->err != NULL ? h->err->text : "");
	free(row.error);
}

void
turn_watch_failure(void (*fn)(const struct err *err))
{
	turn.on_failure = fn;
}

void
turn_watch_events(void (*fn)(void *ctx), void *ctx)
{
	assert(turn.on_events == NULL || fn == NULL || turn.on_events == fn);
	turn.on_events = fn;
	turn.on_events_ctx = ctx;
}
