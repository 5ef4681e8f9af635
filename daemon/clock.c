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
	BACK_DAY_MS = 24 * 3600 * 1000,	/* beside the longest put-off */
	SLACK_MS = 3600 * 1000,		/* a try may be that far ahead */
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

/* Whose CA has said when it may come again, or who waits after a failure, is
 * not sent back if it comes before. What was written while the clock was ahead
 * is no such time. */
static bool
sleeps_on(const struct row_cert *c)
{
	int64_t now = loop_now(), next = c->iss_next_try_ms;

	return next > now && c->iss_last_try_ms <= now + SLACK_MS &&
	    next - c->iss_last_try_ms <= PLAN_PUT_OFF_MAX_MS + BACK_DAY_MS &&
	    (c->newest == 0 || next < c->not_after_ms);
}

/* Both are sorted. Whom nobody knows is woken: his job ends by itself. */
static bool
is_kept(const struct rows *certs, size_t *k, int64_t object)
{
	while (*k < certs->n && ROWS_AT(certs, row_cert, *k)->id < object)
		(*k)++;
	return *k < certs->n && ROWS_AT(certs, row_cert, *k)->id == object &&
	    sleeps_on(ROWS_AT(certs, row_cert, *k));
}

/* Up to where a page goes: of full ones, where the first of them ends. */
static int64_t
end_of(const struct rows *jobs, const struct rows *certs)
{
	int64_t end = jobs->n < PAGE ? INT64_MAX :
	    ROWS_AT(jobs, row_job, jobs->n - 1)->object;
	int64_t known = certs->n < PAGE ? INT64_MAX :
	    ROWS_AT(certs, row_cert, certs->n - 1)->id;

	return known < end ? known : end;
}

static void
woken(void *unused, struct rows *answers, int n, const struct err *err)
{
	static const struct rows none = { T_CERT, 0, NULL };
	const struct rows *certs = n == 2 ? &answers[1] : &none;
	const struct row_job *job;
	int64_t at, end;
	size_t i, k = 0;

	(void)unused;
	if (err != NULL) {
		log_err(err, "the schedule can't be read");
		exit(1);
	}
	assert(n == 1 + (clk.kind == JOB_RENEW) && clk.waking);
	end = end_of(&answers[0], certs);
	for (i = 0; i < answers[0].n; i++) {
		job = ROWS_AT(&answers[0], row_job, i);
		if (job->object > end)
			break;
		at = wakes_at(job);
		if (job->due_ms > at && !is_kept(certs, &k, job->object))
			sched_put((enum job_kind)job->kind, job->object, at);
	}
	clk.object = end;
	if (end == INT64_MAX) {
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
	struct query q[2] = {
		{ .table = T_JOB, .wheres = 2, .where = {
		    { .col = "kind", .cmp = CMP_EQ, .num = clk.kind },
		    { .col = "object", .cmp = CMP_GT, .num = clk.object } },
		    .order = "object", .limit = PAGE },
		{ .table = T_CERT, .wheres = 1, .where = {
		    { .col = "id", .cmp = CMP_GT, .num = clk.object } },
		    .order = "id", .limit = PAGE }
	};

	(void)unused;
	assert(clk.waking && clk.kind < JOB_KIND_COUNT);
	/* The next start finds the row as it is. */
	if (!sched_is_stopped())
		store_read(turn_store(), q, 1 + (clk.kind == JOB_RENEW), woken,
		    NULL);
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
