/* daemon/loop.h in virtual time: nothing waits, the clock jumps to the next
 * thing that is due. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/loop.h"
#include "daemon/turn.h"
#include "tests/sim/sim.h"

enum { INSTANT_MAX = 100000 };

struct loop_timer {
	void (*fn)(void *ctx);
	void *ctx;
	bool armed, wall;	/* at: wall clock, else monotonic */
	bool once;		/* a post: freed when it has run */
	int64_t at;
	uint64_t order;		/* of arming, for equal times */
	struct loop_timer *next;
};

static struct loop_timer *timers;
static int64_t mono, wall_offset;
static uint64_t order;

void
loop_init(void)
{
}

void
loop_fini(void)
{
}

int64_t
loop_now(void)
{
	return SIM_EPOCH + mono + wall_offset;
}

int64_t
loop_mono(void)
{
	return mono;
}

int64_t
sim_mono(void)
{
	return mono;
}

void
sim_reset_time(void)
{
	mono = wall_offset = 0;
	order = 0;
}

void
sim_step_clock(int64_t by_ms)
{
	wall_offset += by_ms;
}

struct loop_timer *
loop_timer_new(void (*fn)(void *ctx), void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->fn = fn;
	t->ctx = ctx;
	t->next = timers;
	timers = t;
	return t;
}

static void
arm(struct loop_timer *t, int64_t at, bool wall)
{
	t->at = at;
	t->wall = wall;
	t->armed = true;
	t->order = ++order;
}

void
loop_timer_after(struct loop_timer *t, int64_t delay_ms)
{
	arm(t, mono + (delay_ms > 0 ? delay_ms : 0), false);
}

void
loop_timer_at(struct loop_timer *t, int64_t wall_ms)
{
	arm(t, wall_ms, true);
}

void
loop_timer_stop(struct loop_timer *t)
{
	t->armed = false;
}

void
loop_timer_free(struct loop_timer *t)
{
	struct loop_timer **at = &timers;

	if (t == NULL)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t);
}

void
sim_post(int64_t delay_ms, void (*fn)(void *ctx), void *ctx)
{
	struct loop_timer *t = loop_timer_new(fn, ctx);

	t->once = true;
	loop_timer_after(t, delay_ms);
}

void
sim_forget_all(void)
{
	struct loop_timer **at = &timers, *t;

	/* Timers of a dead process are freed by their owners (engine_fini). */
	while ((t = *at) != NULL)
		if (t->once) {
			*at = t->next;
			free(t);
		} else {
			t->armed = false;
			at = &t->next;
		}
}

/* When it fires, in monotonic time. A wall-clock timer looks again after 60 s
 * at the latest, as the real one does: a clock step is seen then. */
static int64_t
fires(const struct loop_timer *t)
{
	int64_t at = t->wall ? t->at - SIM_EPOCH - wall_offset : t->at;

	return at > mono ? at : mono;
}

static struct loop_timer *
next_timer(void)
{
	struct loop_timer *t, *best = NULL;

	for (t = timers; t != NULL; t = t->next)
		if (t->armed && (best == NULL || fires(t) < fires(best) ||
		    (fires(t) == fires(best) && t->order < best->order)))
			best = t;
	return best;
}

static void
fire(struct loop_timer *t)
{
	void (*fn)(void *ctx) = t->fn;
	void *ctx = t->ctx;

	t->armed = false;
	if (t->once)
		loop_timer_free(t);
	fn(ctx);
}

void
sim_run(int64_t for_ms)
{
	int64_t until = mono + for_ms;
	struct loop_timer *t;
	int spin = 0;

	turn_end(NULL);
	while (!sim_is_dead() && (t = next_timer()) != NULL &&
	    fires(t) <= until) {
		spin = fires(t) > mono ? 0 : spin + 1;
		if (spin > INSTANT_MAX) {
			sim_set_wrong("the engine spins: %d turns in one "
			    "instant", spin);
			return;
		}
		mono = fires(t);
		fire(t);
		turn_end(NULL);
	}
	if (!sim_is_dead())
		mono = until;
}

void
loop_run(void (*turn)(void *ctx), void *ctx)
{
	(void)turn;
	(void)ctx;
	assert(!"the simulator runs the loop");
}

void
loop_stop(void)
{
}
