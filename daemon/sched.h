/* The schedule is the job table; this is its one timer. A kind of job has one
 * handler (sched_table in jobs.c); each job is handled by one run at a time.
 * (Model: the event table of Knot DNS.) */
#ifndef DAEMON_SCHED_H
#define DAEMON_SCHED_H
#include <stdbool.h>
#include <stdint.h>
#include "store/rows.h"

enum { SCHED_BATCH = 64, SCHED_SLEEP_MAX_MS = 10 * 60 * 1000,
	SCHED_LEASE_MS = 10 * 60 * 1000 };

struct job_def {
	const char *name;
	/* Takes the job on: must end in sched_done or sched_later, in this turn
	 * or another. */
	void (*run)(int64_t object);
	/* How many more of this kind may start now; NULL: no limit. */
	int (*room)(void);
};
extern const struct job_def sched_table[JOB_KIND_COUNT];

/* Not after sched_stop(). */
void sched_init(void);
void sched_fini(void);
/* No job is started any more (drain), also where none has been yet. */
void sched_stop(void);
bool sched_is_stopped(void);
/* Puts a job into this turn; due replaces what was there, also for a job that
 * is being handled (it runs again then). */
void sched_put(enum job_kind kind, int64_t object, int64_t due_ms);
void sched_drop(enum job_kind kind, int64_t object);
/* The handler has finished: the job is gone, or due again at due_ms. */
void sched_done(enum job_kind kind, int64_t object);
void sched_later(enum job_kind kind, int64_t object, int64_t due_ms);
/* Look again soon: somebody made room. */
void sched_kick(void);
/* Since when one of this kind has been due and found no room; 0: none. */
int64_t sched_oldest(enum job_kind kind);
int sched_running(enum job_kind kind);	/* being handled now */
bool sched_is_running(enum job_kind kind, int64_t object);
/* It was put again, for now, while it is running. */
bool sched_is_wanted(enum job_kind kind, int64_t object);
#endif
