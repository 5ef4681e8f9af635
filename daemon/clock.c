/* Notices that the wall clock has gone back, and wakes the schedule. It goes
 * through the jobs in pages, a turn each, so that a million of them hold up
 * nothing; until it is through, the row in the inventory says so to the next
 * start. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/chance.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/plan.h"
#include "daemon/sched.h"
#include "daemon/turn.h"

enum { BACK_MS = 5 * 60 * 1000,		/* less is no matter */
	BACK_DAY_MS = 24 * 3600 * 1000,	/* a put-off and the step itself */
	NOTE_MS = 60 * 1000, PAGE = 256, PAGE_MS = 20,
	SPREAD_MS = 10 * 60 * 1000 };	/* of what nobody waits for */

static struct {
	bool started;
	int64_t noted_ms;		/* in the row, or going there */
	int64_t ahead_ms;		/* of the monotonic clock, at most */
	bool waking;
	int kind;			/* the page ends before this job */
	int64_t object;
	struct loop_timer *timer;
} clk;

static void
write_down(void)
{
	char text[24];
	struct row_meta row = { row_const(CLOCK_KEY), text };

	clk.noted_ms = loop_now();
	snprintf(text, sizeof(text), "%lld", (long long)clk.noted_ms);
	batch_put(turn_batch(), T_META, &row);
}

void
clock_note(void)
{
	if (clk.started && !clk.waking &&
	    loop_now() >= clk.noted_ms + NOTE_MS)
		write_down();
}

/* What asks others, and is asked by nobody, need not come all at once. */
static int64_t
wakes_at(const struct row_job *job)
{
	return loop_now() + (job->kind == JOB_PROBE || job->kind == JOB_ARI ||
	    job->kind == JOB_PRUNE || job->kind == JOB_RENEW ?
	    (int64_t)(chance_luck() % SPREAD_MS) : 0);
}

/* An order that has failed, or whose CA has said when it may come again, is
 * not sent back if it comes before: where its time can be meant, it is kept. */
static bool
sleeps_on(const struct row_job *job)
{
	return job->kind == JOB_RENEW &&
	    job->due_ms <= loop_now() + PLAN_PUT_OFF_MAX_MS + BACK_DAY_MS;
}

static void
woken(void *unused, struct rows *answers, int n, const struct err *err)
{
	const struct row_job *job;
	int64_t at;
	size_t i;

	(void)unused;
	if (err != NULL) {
		log_err(err, "the schedule can't be read");
		exit(1);
	}
	assert(n == 1 && clk.waking);
	(void)n;
	for (i = 0; i < answers[0].n; i++) {
		job = ROWS_AT(&answers[0], row_job, i);
		at = wakes_at(job);
		clk.object = job->object;
		if (job->due_ms > at && !sleeps_on(job))
			sched_put((enum job_kind)job->kind, job->object, at);
	}
	if (answers[0].n < PAGE) {
		clk.kind++;
		clk.object = INT64_MIN;
	}
	if (clk.kind < JOB_KIND_COUNT) {
		loop_timer_after(clk.timer, PAGE_MS);
		return;
	}
	clk.waking = false;
	write_down();
}

static void
next_page(void *unused)
{
	struct query q = { .table = T_JOB, .wheres = 2, .where = {
		{ .col = "kind", .cmp = CMP_EQ, .num = clk.kind },
		{ .col = "object", .cmp = CMP_GT, .num = clk.object } },
	    .order = "object", .limit = PAGE };

	(void)unused;
	assert(clk.waking && clk.kind < JOB_KIND_COUNT);
	/* The next start finds the row as it is. */
	if (!sched_is_stopped())
		store_read(turn_store(), &q, 1, woken, NULL);
}

static void
wake(int64_t by_ms)
{
	assert(by_ms > 0);
	log_warning("the clock went back by %lld minutes: everything is "
	    "looked at anew", (long long)by_ms / (60 * 1000));
	clk.waking = true;
	clk.kind = 1;
	clk.object = INT64_MIN;
	sched_kick();
	loop_timer_after(clk.timer, 0);
}

void
clock_start(const struct row_meta *row)
{
	int64_t was = row != NULL ? strtoll(row->value, NULL, 10) : 0;
	int64_t now = loop_now();

	assert(!clk.started && clk.timer == NULL);
	clk.started = true;
	clk.ahead_ms = now - loop_mono();
	clk.timer = loop_timer_new(next_page, NULL);
	if (was - now > BACK_MS)
		wake(was - now);
	else
		write_down();
}

void
clock_fini(void)
{
	loop_timer_free(clk.timer);
	memset(&clk, 0, sizeof(clk));
}

void
clock_look(void)
{
	int64_t ahead = loop_now() - loop_mono(), back = clk.ahead_ms - ahead;

	if (!clk.started)
		return;
	if (back <= 0 || back > BACK_MS)
		clk.ahead_ms = ahead;
	if (back > BACK_MS)
		wake(back);
}
