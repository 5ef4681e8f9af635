/* Starting the world's programs: no shell, clean environment, own process
 * group, capped output, time-out (interface.md section 8; security.md J).
 * Runs in the master. Each run has a nurse, a fork of the master that is the
 * subreaper of what the program leaves: so stragglers belong to one run, and
 * a run ends in time even if the master does not live to see it. The caller
 * only waits for one descriptor. */
#ifndef HOOKS_RUN_H
#define HOOKS_RUN_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"

enum { RUN_OUTPUT_MAX = 64 * 1024, RUN_KILL_AFTER_MS = 10 * 1000,
	RUN_STOP_AFTER_MS = 2 * 1000, RUN_DRAIN_MS = 100 };
#define RUN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct run_spec {
	const struct strv *argv;	/* program absolute or found in PATH */
	const struct strv *env;		/* EVERLEAF_...=..., beside the fixed */
	struct blob input;		/* stdin; stays the caller's */
	const char *user;		/* "root": root, or whoever we are */
	int64_t timeout_ms;
	int64_t kill_after_ms;		/* 0: RUN_KILL_AFTER_MS */
};

enum run_end { RUN_GOING, RUN_EXITED, RUN_SIGNALLED, RUN_TIMED_OUT,
	RUN_REFUSED };

struct run;

/* Checks the program (a regular file, executable, neither it nor a directory
 * above writable by others than root and the user), then forks. NULL and err
 * if it can't be started. */
struct run *run_start(const struct run_spec *spec, struct err *err);
int run_pid_fd(const struct run *r);		/* readable: call run_go */
/* RUN_GOING until it is over. */
enum run_end run_go(struct run *r);
int run_code(const struct run *r);		/* exit status or signal */
int run_left_behind(const struct run *r);	/* descendants after an exit */
int64_t run_took(const struct run *r);
const struct buf *run_output(const struct run *r);
const struct err *run_err(const struct run *r);	/* of RUN_REFUSED */
/* TERM now, KILL RUN_STOP_AFTER_MS later; it ends as RUN_TIMED_OUT. */
void run_stop(struct run *r);
void run_free(struct run *r);			/* stops what still goes */

/* The check alone: resolves argv[0], fills path. -1: err says what is wrong
 * and what to do about it. uid: who will run it. */
int run_check(const char *program, uid_t uid, char path[4096],
    struct err *err);
/* The same for a script that another program reads: it need not be
 * executable. path is absolute. */
int run_check_script(const char *path, uid_t uid, struct err *err);
/* The same for a file that is read as uid: nobody else can put another there,
 * or a link. */
int run_check_file(const char *path, uid_t uid, struct err *err);
#endif
