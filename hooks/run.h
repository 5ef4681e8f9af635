/* Starting the world's programs: no shell, clean environment, own process
 * group, capped output, time-out (interface.md section 8; security.md J).
 * Runs in the master, which owns the poll loop: a run is a small machine over
 * two descriptors and a deadline. */
#ifndef HOOKS_RUN_H
#define HOOKS_RUN_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"

enum { RUN_OUTPUT_MAX = 64 * 1024, RUN_KILL_AFTER_MS = 10 * 1000,
	RUN_DRAIN_MS = 100 };
#define RUN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct run_spec {
	const struct strv *argv;	/* program absolute or found in PATH */
	const struct strv *env;		/* EVERLEAF_...=..., beside the fixed */
	struct blob input;		/* stdin */
	const char *user;		/* "root", or whoever we are */
	int64_t timeout_ms;
};

enum run_end { RUN_GOING, RUN_EXITED, RUN_SIGNALLED, RUN_TIMED_OUT,
	RUN_REFUSED };

struct run;

/* Checks the program (a regular file, executable, neither it nor a directory
 * above writable by others than root and the user), then forks. NULL and err
 * if it can't be started. */
struct run *run_start(const struct run_spec *spec, int64_t mono_ms,
    struct err *err);
/* What to poll: output descriptor (-1: closed), pidfd, stdin (-1: done), and
 * when to call run_go at the latest (mono). */
int run_output_fd(const struct run *r);
int run_pid_fd(const struct run *r);
int run_input_fd(const struct run *r);
int64_t run_deadline(const struct run *r);
/* Reads, writes, reaps, kills as due. RUN_GOING until it is over. */
enum run_end run_go(struct run *r, int64_t mono_ms);
int run_code(const struct run *r);		/* exit status or signal */
int run_left_behind(const struct run *r);	/* descendants after an exit */
int64_t run_took(const struct run *r);
const struct buf *run_output(const struct run *r);
void run_free(struct run *r);			/* kills what still goes */
#endif
