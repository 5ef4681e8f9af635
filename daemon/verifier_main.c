/* everleaf-verifier: says whether the files that the master staged may go
 * live. It runs for as long as the master does, with a warm crypto library,
 * and parses nothing itself: each generation is judged by a child of its own
 * that can read five descriptors, compute and end, and whose exit code is the
 * verdict. A child that dies has found nothing fine. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/confined.h"
#include "daemon/judge_rehearse.h"
#include "daemon/log.h"

enum { WALL_S = 10 };

static struct sandbox_plan child_plan = { .role = ROLE_VERIFIER };

_Noreturn static void
judge_and_end(const struct w_verify *wanted, const int *fds)
{
	struct judge_files f;
	enum verdict v = VERDICT_UNREADABLE;
	struct err err;

	close(WIRE_FD_MASTER);
	alarm(WALL_S);
	if (sandbox_enter(&child_plan, NULL, &err) != 0)
		_exit(VERDICT_BROKEN);
	if (judge_read(&f, fds)) {
		v = judge(&f, wanted);
		judge_forget(&f);
	}
	_exit((int)v);
}

/* A child for each: what a hostile file does to it ends with it. */
static struct w_verdict
verdict_of(const struct w_verify *wanted, const int *fds)
{
	struct w_verdict v = { VERDICT_BROKEN };
	pid_t pid = fork(), got;
	int status;

	assert(fds[0] >= 0);
	if (pid == 0)
		judge_and_end(wanted, fds);
	if (pid < 0) {
		log_error("no process could be started for a verdict");
		return v;
	}
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) < VERDICT_COUNT)
		v.verdict = (uint32_t)WEXITSTATUS(status);
	else
		log_error("the judging process ended without a verdict%s",
		    got == pid && WIFSIGNALED(status) ? ", by a signal" : "");
	return v;
}

static int
answer(const void *raw, size_t n, const int *fds, int nfds, struct err *err)
{
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_VERIFY);
	struct w_verify wanted;
	struct w_verdict v;
	uint16_t kind;
	uint32_t id;

	if (!msg_head(raw, n, &kind, &id) || kind != WIRE_VERIFY ||
	    nfds != JUDGE_FILES)
		return err_set(err, ERR_INTERNAL, "message: it is none that "
		    "asks for a verdict on %d files", JUDGE_FILES);
	if (!msg_unpack(spec, raw, n, &wanted, err))
		return -1;
	assert(nfds == JUDGE_FILES);
	v = verdict_of(&wanted, fds);
	msg_free(spec, &wanted);
	if (wire_send(WIRE_FD_MASTER, WIRE_VERDICT, id, &v) != 0)
		return err_errno(err, ERR_INTERNAL, "answer");
	return 0;
}

/* Ends when the master does: 0, or 1 when it broke the rules. */
static int
serve(void)
{
	int fds[MSG_FDS_MAX], nfds, rc;
	const void *raw;
	struct err err;
	ptrdiff_t n;

	do {
		n = msg_recv(WIRE_FD_MASTER, 0, &raw, fds, &nfds);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		rc = n > 0 ? answer(raw, (size_t)n, fds, nfds, &err) :
		    err_errno(&err, ERR_INTERNAL, "message");
		while (nfds > 0)
			close(fds[--nfds]);
	} while (rc == 0);
	log_err(&err, "the master broke the rules");
	return 1;
}

int
main(void)
{
	/* This process still forks, so only its children are held to the
	 * allow-list. */
	struct sandbox_plan parent = { .role = ROLE_VERIFIER, .lenient = true };

	confined_open(ROLE_VERIFIER);
	judge_prepare();
	if (judge_rehearse() != 0) {
		log_error("the first rehearsal failed");
		return 1;
	}
	confined_enter(&parent);
	child_plan.lenient = !confined_fits(&child_plan, judge_rehearse);
	sandbox_say_line(child_plan.lenient ? "each look: seccomp with a "
	    "deny-list" : "each look: a process of its own, seccomp: on");
	return serve();
}
