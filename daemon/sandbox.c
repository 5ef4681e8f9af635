/* The order of a role's confinement, and the part of it that every Unix has:
 * limits of the process. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/sandbox_parts.h"

enum { REPORT_MAX = 4096, MIB = 1024 * 1024 };

/* 0: left as it is. */
struct limits {
	rlim_t files;		/* descriptors */
	bool no_processes;
	bool no_growth;		/* of any file */
	rlim_t cpu_s;
	rlim_t memory;
};

static const struct limits limits[ROLE_COUNT] = {
	[ROLE_KEEPER] = { 16, true, true, 0, 0 },
	[ROLE_RESPONDER] = { 8192, true, true, 0, 0 },
	[ROLE_VERIFIER] = { 32, true, true, 5, 128 * MIB },
	[ROLE_TOKEN] = { 256, false, false, 0, 0 }
};

#ifdef SANITIZERS
/* The sanitizers map terabytes, and look for leaks in a process of theirs. */
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static bool
set_limit(int what, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(what, &now) != 0)
		return false;
	if (now.rlim_max > most)
		now.rlim_max = most;
	now.rlim_cur = now.rlim_max;
	return setrlimit(what, &now) == 0;
}

static bool
log_is_a_file(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

/* Set for good: the hard limits, too. */
void
sandbox_limits(const struct sandbox_plan *plan, struct buf *report)
{
	const struct limits *l = &limits[plan->role];
	bool heavy = !plan->lenient && !sanitized, all;

	assert(plan->role < ROLE_COUNT);
	all = set_limit(RLIMIT_CORE, 0);
	if (l->files > 0)
		all = set_limit(RLIMIT_NOFILE, l->files) && all;
	/* With a log that is a plain file this would end us at the first
	 * line (security.md K7). */
	if (l->no_growth && !log_is_a_file())
		all = set_limit(RLIMIT_FSIZE, 0) && all;
	if (heavy && l->no_processes)
		all = set_limit(RLIMIT_NPROC, 0) && all;
	if (heavy && l->cpu_s > 0)
		all = set_limit(RLIMIT_CPU, l->cpu_s) && all;
	if (heavy && l->memory > 0)
		all = set_limit(RLIMIT_AS, l->memory) && all;
	buf_printf(report, "limits: %s%s\n", all ? "on" : "some refused",
	    sanitized ? ", memory off, sanitizer build" : "");
}

/* A change of user that stopped half-way could be undone by whoever takes the
 * process over. */
static int
user_is_settled(struct buf *report, struct err *err)
{
	uid_t real, effective, saved;

	assert(report->max > 0);
	if (getresuid(&real, &effective, &saved) != 0)
		return err_errno(err, ERR_INTERNAL, "user of this process");
	if (real != effective || real != saved)
		return err_set(err, ERR_INTERNAL, "user of this process: %u "
		    "can go back to %u", (unsigned)effective,
		    (unsigned)(effective == saved ? real : saved));
	if (real == 0)
		buf_puts(report, "user: root\n");
	else
		buf_printf(report, "user: uid %u\n", (unsigned)real);
	return 0;
}

/* The user first, since only that is a refusal; what the kernel lacks of the
 * rest is reported and lived without. */
int
sandbox_enter(const struct sandbox_plan *plan, struct sandbox_report *out,
    struct err *err)
{
	struct buf report;
	int rc;

	assert(plan->role < ROLE_COUNT);
	buf_init(&report, REPORT_MAX);
	rc = user_is_settled(&report, err);
	if (rc == 0) {
		sandbox_limits(plan, &report);
		sandbox_privileges(&report);
		sandbox_landlock(plan, &report);
		sandbox_seccomp(plan, &report);
	}
	if (out != NULL)
		out->lines = report;
	else
		buf_free(&report);
	return rc;
}

/* In a child that is thrown away: what does not fit kills only that. */
bool
sandbox_try(const struct sandbox_plan *plan, int (*work)(void))
{
	struct err err;
	int status;
	pid_t pid = fork(), got;

	assert(work != NULL);
	if (pid < 0)
		return false;
	if (pid == 0)
		_exit(sandbox_enter(plan, NULL, &err) == 0 && work() == 0 ?
		    0 : 1);
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	return got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
