/* Finds due jobs and hands them to their handlers. What is being handled is
 * known in memory (running) and, when it lasts longer than its handler's first
 * step, by a lease in its row, so that a look-up does not return it; a crash
 * leaves leases that the next start removes. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/sched.h"
#include "daemon/turn.h"

enum { NO_ROOM_MS = 100 };	/* who found none looks again at last */

struct running {
	enum job_kind kind;
	int64_t object;
	int64_t again_ms;	/* sched_put while it ran; 0: not */
	struct running *next;
};

static struct {
	struct loop_timer *timer;
	struct running *running;
	int room[JOB_KIND_COUNT];	/* when the look began */
	int64_t oldest[JOB_KIND_COUNT];
	bool stopped, looking;
} sched;

static void look(void *unused);

/* Where it hangs in the list, or the list's end: both take it out and tell
 * that it is not there. */
static struct running **
find(enum job_kind kind, int64_t object)
{
	struct running **at = &sched.running;

	assert(kind > 0 && kind < JOB_KIND_COUNT);
	while (*at != NULL && ((*at)->kind != kind || (*at)->object != object))
		at = &(*at)->next;
	return at;
}

/* A lease in the row keeps look() from finding it again; none frees it. */
static void
put_row(enum job_kind kind, int64_t object, int64_t due_ms, int64_t lease_ms)
{
	struct row_job row = { .kind = kind, .object = object,
		.due_ms = due_ms, .priority = kind,
		.lease_owner = row_const(lease_ms > 0 ? "me" : ""),
		.lease_until_ms = lease_ms };

	assert(lease_ms == 0 || lease_ms > loop_now());
	batch_put(turn_batch(), T_JOB, &row);
	clock_note();
}

void
sched_put(enum job_kind kind, int64_t object, int64_t due_ms)
{
	struct running *r = *find(kind, object);

	if (r != NULL) {
		if (r->again_ms == 0 || due_ms < r->again_ms)
			r->again_ms = due_ms > 0 ? due_ms : 1;
		return;
	}
	put_row(kind, object, due_ms, 0);
	sched_kick();
}

void
sched_drop(enum job_kind kind, int64_t object)
{
	struct row_job row = { .kind = kind, .object = object };

	batch_del(turn_batch(), T_JOB, &row);
}

/* What was wished for while it ran wins if it is sooner. */
static void
finish(enum job_kind kind, int64_t object, int64_t due_ms)
{
	struct running **at = find(kind, object), *r = *at;

	assert(due_ms >= 0);
	assert(r != NULL);
	*at = r->next;
	if (r->again_ms != 0 && (due_ms == 0 || r->again_ms < due_ms))
		due_ms = r->again_ms;
	free(r);
	assert(*find(kind, object) == NULL);
	if (due_ms != 0)
		put_row(kind, object, due_ms, 0);
	else
		sched_drop(kind, object);
	sched_kick();
}

void
sched_done(enum job_kind kind, int64_t object)
{
	finish(kind, object, 0);
}

void
sched_later(enum job_kind kind, int64_t object, int64_t due_ms)
{
	finish(kind, object, due_ms > 0 ? due_ms : 1);
}

static void
lease(const struct row_job *job)
{
	assert(*find((enum job_kind)job->kind, job->object) != NULL);
	put_row((enum job_kind)job->kind, job->object, job->due_ms,
	    loop_now() + SCHED_LEASE_MS);
}

/* One that is handled still gets a new lease instead of a second run; one
 * that was not over within its first step gets its first. */
static void
start(const struct row_job *job)
{
	enum job_kind kind = (enum job_kind)job->kind;
	struct running *r;

	if (*find(kind, job->object) != NULL) {
		lease(job);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->kind = kind;
	r->object = job->object;
	r->next = sched.running;
	sched.running = r;
	assert(*find(kind, job->object) == r && r->again_ms == 0);
	log_debug("job %s %016llx", sched_table[kind].name,
	    (unsigned long long)job->object);
	sched_table[kind].run(job->object);
	if (*find(kind, job->object) != NULL)
		lease(job);
}

/* Those of one kind that are due. True: more are, and may start as well. */
static bool
start_due(int kind, const struct rows *due)
{
	size_t room = (size_t)sched.room[kind], i;

	for (i = 0; i < due->n && i < room; i++)
		start(ROWS_AT(due, row_job, i));
	sched.oldest[kind] = i < due->n ? ROWS_AT(due, row_job, i)->due_ms : 0;
	return i < due->n && room == SCHED_BATCH;
}

/* Answers to look(): one a kind, then the earliest job of all. */
static void
found(void *unused, struct rows *answers, int n, const struct err *err)
{
	int64_t next = loop_now() + SCHED_SLEEP_MAX_MS;
	bool full = false;
	int k;

	(void)unused;
	sched.looking = false;
	if (err != NULL) {
		log_err(err, "the schedule can't be read");
		exit(1);
	}
	assert(n == JOB_KIND_COUNT && sched.timer != NULL);
	for (k = 1; k < n; k++) {
		full = start_due(k, &answers[k]) || full;
		if (sched.oldest[k] != 0)
			next = loop_now() + NO_ROOM_MS;
	}
	if (answers[0].n > 0 &&
	    ROWS_AT(&answers[0], row_job, 0)->due_ms < next &&
	    ROWS_AT(&answers[0], row_job, 0)->due_ms > loop_now())
		next = ROWS_AT(&answers[0], row_job, 0)->due_ms;
	loop_timer_at(sched.timer, full ? loop_now() : next);
}

static struct where
when(const char *col, enum cmp cmp, int64_t num)
{
	struct where w = { .col = col, .cmp = cmp, .num = num };

	return w;
}

/* How many of a kind may start, as it is known during this look. */
static int
ask_room(int kind)
{
	int room = sched_table[kind].room != NULL ?
	    sched_table[kind].room() : SCHED_BATCH;

	room = room < 0 ? 0 : room < SCHED_BATCH ? room : SCHED_BATCH;
	sched.room[kind] = room;
	return room;
}

static void
look(void *unused)
{
	struct query q[JOB_KIND_COUNT];
	int64_t now = loop_now();
	int k;

	assert(sched.looking);
	(void)unused;
	if (sched.stopped)
		return;
	memset(q, 0, sizeof(q));
	q[0].table = T_JOB;
	q[0].where[0] = when("due_ms", CMP_GT, now);
	q[0].wheres = 1;
	q[0].order = "due_ms";
	q[0].limit = 1;
	for (k = 1; k < JOB_KIND_COUNT; k++) {
		q[k].table = T_JOB;
		q[k].where[0] = when("kind", CMP_EQ, k);
		q[k].where[1] = when("due_ms", CMP_LE, now);
		q[k].where[2] = when("lease_until_ms", CMP_LE, now);
		q[k].wheres = 3;
		q[k].order = "due_ms";
		/* One more: who is left is known. */
		q[k].limit = ask_room(k) + 1;
	}
	store_read(turn_store(), q, JOB_KIND_COUNT, found, NULL);
}

static void
wake(void *unused)
{
	if (!sched.looking)
		return;
	look(unused);
}

/* A kick and the timer may want the same look: one is enough. */
static void
timer_fired(void *unused)
{
	assert(sched.timer != NULL);
	sched.looking = true;
	look(unused);
}

void
sched_kick(void)
{
	if (sched.looking || sched.stopped || sched.timer == NULL)
		return;		/* sched_init looks first */
	sched.looking = true;
	turn_last(wake, NULL);
}

void
sched_init(void)
{
	assert(sched.timer == NULL && sched.running == NULL);
	assert(!sched.stopped);
	sched.timer = loop_timer_new(timer_fired, NULL);
	sched_kick();
}

void
sched_stop(void)
{
	sched.stopped = true;
}

bool
sched_is_stopped(void)
{
	return sched.stopped;
}

void
sched_fini(void)
{
	struct running *r;

	while ((r = sched.running) != NULL) {
		sched.running = r->next;
		free(r);
	}
	loop_timer_free(sched.timer);
	memset(&sched, 0, sizeof(sched));
}

int64_t
sched_oldest(enum job_kind kind)
{
	return sched.oldest[kind];
}

int
sched_running(enum job_kind kind)
{
	const struct running *r;
	int n = 0;

	assert(kind > 0 && kind < JOB_KIND_COUNT);
	for (r = sched.running; r != NULL; r = r->next)
		n += r->kind == kind;
	return n;
}

bool
sched_is_running(enum job_kind kind, int64_t object)
{
	return *find(kind, object) != NULL;
}

bool
sched_is_wanted(enum job_kind kind, int64_t object)
{
	const struct running *r = *find(kind, object);

	return r != NULL && r->again_ms != 0 && r->again_ms <= loop_now();
}
