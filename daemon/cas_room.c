/* How many orders a CA may have under way, and who waits for one to end: so
 * that the next begins at once, and nothing is looked at again and again. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "daemon/cas_parts.h"
#include "daemon/loop.h"
#include "daemon/sched.h"
#include "daemon/turn.h"

/* Who may not even wait comes back at this pace, one after the other: slower
 * than the rest is let by, so that what is due elsewhere is not behind them. */
enum { ROOM_PLENTY = 64, WAITING_MAX = 512, LET_BY_MS = 100, AGAIN_MS = 1000,
	AGAIN_APART_MS = 4 };

_Static_assert((int)ROOM_PLENTY * (int)AGAIN_APART_MS > (int)LET_BY_MS,
    "more are let by than come back");

/* A certificate whose order waits for room. */
struct waiting {
	struct waiting *next;
	int64_t cert_id;
	void (*again)(int64_t cert_id);
};

static int waiting_n;		/* at all CAs */
static int64_t let_by_ms;	/* monotonic: more than may wait were let
				 * through then */
static int64_t again_ms;	/* monotonic: when the last of those that may
				 * not wait comes back */

static bool
is_full(const struct ca *c)
{
	return c->orders >= c->conf->max_orders || ca_is_settling(c) ||
	    c->deed_done != NULL || c->held.start != NULL;
}

bool
ca_enter(struct ca *c)
{
	if (is_full(c))
		return false;
	c->orders++;
	assert(c->orders > 0 && c->orders <= c->conf->max_orders);
	return true;
}

bool
ca_wait(struct ca *c, int64_t cert_id, void (*again)(int64_t cert_id))
{
	struct waiting *w;

	assert(is_full(c));
	assert(again != NULL && *c->last == NULL);
	if (waiting_n >= WAITING_MAX)
		return false;
	w = xcalloc(1, sizeof(*w));
	w->cert_id = cert_id;
	w->again = again;
	*c->last = w;
	c->last = &w->next;
	waiting_n++;
	assert(waiting_n <= WAITING_MAX);
	return true;
}

static struct waiting *
take_first(struct ca *c)
{
	struct waiting *w = c->first;

	assert(w != NULL && waiting_n > 0);
	c->first = w->next;
	if (c->first == NULL)
		c->last = &c->first;
	waiting_n--;
	return w;
}

/* Each of them enters, or ends otherwise. */
static void
let_in(void *ctx)
{
	struct ca *c = ctx;
	struct waiting *w;

	assert(c->last != NULL);
	while (c->first != NULL && !is_full(c) && !sched_is_stopped()) {
		w = take_first(c);
		w->again(w->cert_id);
		free(w);
	}
}

void
ca_room_opens(struct ca *c)
{
	if (c->first != NULL)
		turn_last(let_in, c);
}

void
ca_leave(struct ca *c)
{
	assert(c->orders > 0);
	c->orders--;
	assert(c->orders < c->conf->max_orders);
	ca_room_opens(c);
}

/* When as many wait as may, the rest of the schedule is let through now and
 * then: a CA that is full must not hide from it those that are not. */
int
cas_room(void)
{
	int room = cas_free();

	assert(waiting_n >= 0 && waiting_n <= WAITING_MAX);
	if (waiting_n >= WAITING_MAX) {
		if (loop_mono() - let_by_ms < LET_BY_MS)
			return 0;
		let_by_ms = loop_mono();
	}
	return room < ROOM_PLENTY ? room : ROOM_PLENTY;
}

int64_t
cas_again(void)
{
	int64_t now = loop_mono();

	if (again_ms < now + AGAIN_MS)
		again_ms = now + AGAIN_MS;
	again_ms += AGAIN_APART_MS;
	assert(again_ms > now);
	return loop_now() + again_ms - now;
}

void
ca_room_init(struct ca *c)
{
	assert(c->first == NULL);
	c->last = &c->first;
	let_by_ms = again_ms = 0;
}

void
ca_room_fini(struct ca *c)
{
	while (c->first != NULL)
		free(take_first(c));
	assert(c->last == &c->first);
}
