/* GET /v1/events: history after a cursor, and long polls, which look again
 * whenever a turn has committed events. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/api_in.h"
#include "daemon/json.h"
#include "daemon/turn.h"
#include "daemon/view.h"

enum { LIMIT = 100, LIMIT_MAX = 1000, POLLS_MAX = API_CONNECTIONS_MAX / 2 };

struct poll {
	struct api_req *r;
	struct poll *next, **back;	/* among those that wait */
	struct loop_timer *timer;
	int64_t after, since_ms, limit, wait_s;
	bool last;			/* no cursor: the newest ones */
	bool over;			/* answer whatever there is */
};

static struct poll *waiting;
static int waiting_n;

static void look(struct poll *p);

/* Done twice is done: who waits no more has no place in the list. */
static void
leave(struct poll *p)
{
	if (p->back == NULL)
		return;
	*p->back = p->next;
	if (p->next != NULL)
		p->next->back = p->back;
	p->back = NULL;
	assert(waiting_n > 0);
	waiting_n--;
}

static void
poll_free(void *own)
{
	struct poll *p = own;

	leave(p);
	loop_timer_free(p->timer);
	free(p);
}

static void
on_time(void *ctx)
{
	struct poll *p = ctx;

	assert(p->timer != NULL);
	p->over = true;
	leave(p);
	look(p);
}

static void
join(struct poll *p)
{
	assert(p->back == NULL && waiting_n < POLLS_MAX);
	p->next = waiting;
	p->back = &waiting;
	if (p->next != NULL)
		p->next->back = &p->next;
	waiting = p;
	waiting_n++;
	if (p->timer == NULL) {
		p->timer = loop_timer_new(on_time, p);
		loop_timer_after(p->timer, p->wait_s * 1000);
	}
}

/* The newest were read backwards: people get them in their order. Who gets
 * none goes on behind all that there is (newest), so that `since` need not be
 * said again. */
static void
answer(struct poll *p, const struct rows *rows, const struct rows *newest)
{
	json_t *list = json_array();
	int64_t next = p->after;
	size_t i, at;

	if (rows->n == 0 && newest->n > 0 &&
	    ROWS_AT(newest, row_event, 0)->id > next)
		next = ROWS_AT(newest, row_event, 0)->id;

	assert(p->limit > 0 && rows->n <= (size_t)p->limit);
	for (i = 0; i < rows->n; i++) {
		at = p->last ? rows->n - 1 - i : i;
		json_array_append_new(list,
		    view_event(ROWS_AT(rows, row_event, at)));
		if (ROWS_AT(rows, row_event, at)->id > next)
			next = ROWS_AT(rows, row_event, at)->id;
	}
	api_reply(p->r, 200, json_pack("{s:o, s:I}", "events", list, "next",
	    (json_int_t)next));
}

static void
read_done(void *ctx, struct rows *a, int n, const struct err *err)
{
	struct poll *p = ctx;

	assert(p->back == NULL);
	assert(err != NULL || n == 2);
	if (err != NULL)
		api_reply_err(p->r, err);
	else if (a[0].n > 0 || p->over || p->wait_s == 0 ||
	    waiting_n >= POLLS_MAX)
		answer(p, &a[0], &a[1]);
	else
		join(p);
}

static void
look(struct poll *p)
{
	const char *name = api_param(&p->r->target, "name");
	struct query both[2] = {
		{ .table = T_EVENT, .limit = p->limit, .order = "id",
		    .descending = p->last },
		{ .table = T_EVENT, .limit = 1, .order = "id",
		    .descending = true }
	}, *q = &both[0];

	assert(p->back == NULL && p->limit > 0);
	q->where[q->wheres++] = (struct where){ "id", CMP_GT, p->after, NULL };
	if (name != NULL)
		q->where[q->wheres++] = (struct where){ "name", CMP_EQ, 0,
			name };
	if (p->since_ms != 0)
		q->where[q->wheres++] = (struct where){ "at_ms", CMP_GE,
			p->since_ms, NULL };
	assert(q->wheres <= QUERY_WHERES_MAX);
	store_read(turn_store_durable(), both, 2, read_done, p);
}

static void
on_events(void *unused)
{
	struct poll *all = waiting, *p;

	(void)unused;
	/* Those that find nothing for them join again. */
	waiting = NULL;
	waiting_n = 0;
	if (all != NULL)
		all->back = &all;
	while ((p = all) != NULL) {
		all = p->next;
		if (all != NULL)
			all->back = &all;
		p->back = NULL;
		look(p);
	}
}

static int
read_params(struct poll *p, struct err *err)
{
	const struct api_target *t = &p->r->target;
	const char *since = api_param(t, "since");

	p->last = api_param(t, "after") == NULL && since == NULL;
	if (since != NULL && !text_unrfc3339(&p->since_ms, since)) {
		err_set(err, ERR_USAGE_BAD, "since=%.64s: no time of RFC 3339",
		    since);
		return err_advise(err, "Write it as 2026-11-21T12:00:00Z.");
	}
	if (api_param_int(t, "after", 0, INT64_MAX, &p->after, err) != 0 ||
	    api_param_int(t, "limit", 1, LIMIT_MAX, &p->limit, err) != 0)
		return -1;
	return api_param_int(t, "wait", 0, API_WAIT_MAX_S, &p->wait_s, err);
}

void
api_get_events(struct api_req *r)
{
	struct poll *p = xcalloc(1, sizeof(*p));
	struct err err;

	assert(r->own == NULL);
	p->r = r;
	p->limit = LIMIT;
	r->own = p;
	r->drop = poll_free;
	if (read_params(p, &err) != 0)
		api_reply_err(r, &err);
	else
		look(p);
}

void
api_events_init(void)
{
	turn_watch_events(on_events, NULL);
}

void
api_events_fini(void)
{
	struct poll *p;

	turn_watch_events(NULL, NULL);
	while ((p = waiting) != NULL) {
		assert(p->back == &waiting);
		p->over = true;
		leave(p);
		look(p);
	}
}
