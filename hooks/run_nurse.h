/* What a run and its nurse share; only run.c and run_nurse.c use it. */
#ifndef HOOKS_RUN_NURSE_H
#define HOOKS_RUN_NURSE_H
#include "hooks/run.h"

enum nurse_step { NURSE_STARTING, NURSE_USER, NURSE_EXEC, NURSE_FORK };

/* Memory that master, nurse and program (until it is executed) all see. */
struct nurse_result {
	int done;			/* the rest is filled in */
	enum run_end end;
	int code, left_behind;
	int64_t took_ms;
	int failed_errno;		/* not started: why, and where */
	enum nurse_step failed_step;
	size_t output_len;
	char output[RUN_OUTPUT_MAX];
};

struct nurse_job {
	const char *path;
	char **argv, **env;		/* end with NULL */
	int input;			/* descriptor for stdin */
	bool change_user;
	uid_t uid;
	gid_t gid;
	gid_t groups[64];
	int groups_n;
	int64_t timeout_ms, kill_after_ms;
	struct nurse_result *result;
};

/* Runs in the forked child; never returns. */
void nurse_main(const struct nurse_job *job) __attribute__((noreturn));
#endif
