/* Collects what a turn changes, commits it, lets the wishes leave. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/turn.h"
#include "daemon/view.h"

enum { WISHES_FIRST = 64, ROUNDS_MAX = 1000 };

struct wish {
	void (*fn)(void *ctx);
	void *ctx;
};

static struct {
	struct store *store;
	struct batch *batch;
	struct wish *wishes;
	size_t wishes_n, wishes_room;
	bool events;		/* this turn put some */
	void (*on_events)(void *ctx);
	void *on_events_ctx;
	void (*on_failure)(const struct err *err);
} turn;

void
turn_init(struct store *s)
{
	turn.store = s;
	turn.batch = batch_new();
}

void
turn_use(struct store *s)
{
	assert(batch_empty(turn.batch) && turn.wishes_n == 0);
	turn.store = s;
}

void
turn_fini(void)
{
	batch_free(turn.batch);
	turn.batch = NULL;
	free(turn.wishes);
	turn.wishes = NULL;
	turn.wishes_n = turn.wishes_room = 0;
	turn.events = false;
	turn.on_events = NULL;
}

struct batch *
turn_batch(void)
{
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

static void
flush(void)
{
	struct batch *b = turn.batch;

	if (batch_empty(b))
		return;
	turn.batch = batch_new();
	store_commit(turn.store, b, committed, NULL);
}

struct store *
turn_store(void)
{
	flush();
	return turn.store;
}

void
turn_after(void (*fn)(void *ctx), void *ctx)
{
	if (turn.wishes_n == turn.wishes_room) {
		turn.wishes_room = turn.wishes_room > 0 ?
		    2 * turn.wishes_room : WISHES_FIRST;
		turn.wishes = xrealloc(turn.wishes,
		    turn.wishes_room * sizeof(*turn.wishes));
	}
	turn.wishes[turn.wishes_n].fn = fn;
	turn.wishes[turn.wishes_n++].ctx = ctx;
}

void
turn_end(void *unused)
{
	struct wish *now;
	size_t n, i;
	int rounds;

	(void)unused;
	for (rounds = 0; rounds < ROUNDS_MAX; rounds++) {
		flush();
		if (turn.events && turn.on_events != NULL)
			turn.on_events(turn.on_events_ctx);
		turn.events = false;
		n = turn.wishes_n;
		if (n == 0 && batch_empty(turn.batch))
			return;
		/* Wishes may bring changes and new wishes: once more. */
		now = turn.wishes;
		turn.wishes = NULL;
		turn.wishes_n = turn.wishes_room = 0;
		for (i = 0; i < n; i++)
			now[i].fn(now[i].ctx);
		free(now);
	}
	log_error("a turn does not end after %d rounds", ROUNDS_MAX);
	abort();
}

void
turn_event(const struct happening *h)
{
	struct row_event row = { .at_ms = loop_now(), .cert_id = h->cert_id,
		.version = h->version };

	row.event = (char *)(uintptr_t)h->event;
	row.name = (char *)(uintptr_t)h->name;
	row.service = (char *)(uintptr_t)h->service;
	row.actor = (char *)(uintptr_t)(h->actor != NULL ? h->actor :
	    "scheduler");
	row.cause = (char *)(uintptr_t)h->cause;
	row.text = (char *)(uintptr_t)h->text;
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
	turn.on_events = fn;
	turn.on_events_ctx = ctx;
}
