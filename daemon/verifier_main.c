/* everleaf-verifier: says whether the files that the master staged may go
 * live. It runs for as long as the master does, with a warm crypto library,
 * and parses nothing itself: each generation is judged by a child of its own
 * that can read five descriptors, compute and end, and whose exit code is the
 * verdict. A child that dies has found nothing fine. What a CSR asks for is
 * read by such a child, too; it writes the names where its errors would go. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "acme/acme.h"
#include "daemon/confined.h"
#include "daemon/csr_said.h"
#include "daemon/judge_rehearse.h"
#include "daemon/log.h"

enum { WALL_S = 10, SAID_MAX = 64 * 1024 };

static struct sandbox_plan child_plan = { .role = ROLE_VERIFIER };

_Noreturn static void
judge_and_end(const struct w_verify *wanted, const int *fds, int n)
{
	struct judge_files f;
	enum verdict v = VERDICT_UNREADABLE;
	struct err err;

	close(WIRE_FD_MASTER);
	alarm(WALL_S);
	if (sandbox_enter(&child_plan, NULL, &err) != 0)
		_exit(VERDICT_BROKEN);
	if (judge_read(&f, fds, n)) {
		v = judge(&f, wanted);
		judge_forget(&f);
	}
	_exit((int)v);
}

static int
wait_for(pid_t pid)
{
	int status = -1;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	return got == pid ? status : -1;
}

/* A child for each: what a hostile file does to it ends with it. */
static struct w_verdict
verdict_of(const struct w_verify *wanted, const int *fds, int n)
{
	struct w_verdict v = { VERDICT_BROKEN };
	pid_t pid = fork();
	int status;

	assert(fds[0] >= 0);
	if (pid == 0)
		judge_and_end(wanted, fds, n);
	if (pid < 0) {
		log_error("no process could be started for a verdict");
		return v;
	}
	status = wait_for(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) < VERDICT_COUNT)
		v.verdict = (uint32_t)WEXITSTATUS(status);
	else
		log_error("the judging process ended without a verdict%s",
		    WIFSIGNALED(status) ? ", by a signal" : "");
	return v;
}

/* --- CSRs -------------------------------------------------------------- */

/* One name a line; or, with another exit code, an error and its advice. */
_Noreturn static void
read_and_end(const struct blob *der, int out)
{
	struct acme_csr csr;
	struct err err;
	struct buf b;
	size_t i;
	int rc;

	close(WIRE_FD_MASTER);
	alarm(WALL_S);
	if (dup2(out, STDERR_FILENO) < 0 ||
	    sandbox_enter(&child_plan, NULL, &err) != 0)
		_exit(VERDICT_BROKEN);
	buf_init(&b, SAID_MAX);
	rc = acme_csr_read(&csr, der->p, der->len, &err);
	if (rc != 0)
		buf_printf(&b, "%s\n%s\n", err.text, err.advice);
	for (i = 0; rc == 0 && i < csr.names.n; i++)
		buf_printf(&b, "%s\n", csr.names.v[i]);
	if (b.full || write(STDERR_FILENO, b.data, b.len) != (ssize_t)b.len)
		_exit(VERDICT_BROKEN);
	_exit(rc == 0 ? 0 : 1);
}

/* All that it says, up to a limit; then it is closed to it. */
static void
hear(int fd, struct buf *said)
{
	char part[4096];
	ssize_t n;

	do {
		n = read(fd, part, sizeof(part));
		if (n > 0)
			buf_add(said, part, (size_t)n);
	} while ((n > 0 && !said->full) || (n < 0 && errno == EINTR));
}

static void
look_into(struct w_csr_names *out, const struct blob *der)
{
	struct buf said;
	int ends[2], status;
	pid_t pid;

	memset(out, 0, sizeof(*out));
	if (pipe2(ends, O_CLOEXEC) != 0) {
		csr_said_nothing(out);
		return;
	}
	pid = fork();
	if (pid == 0)
		read_and_end(der, ends[1]);
	close(ends[1]);
	buf_init(&said, SAID_MAX);
	if (pid > 0)
		hear(ends[0], &said);
	close(ends[0]);
	status = pid > 0 ? wait_for(pid) : -1;
	csr_said(out, status, &said);
	buf_free(&said);
}

static int
answer_csr(const void *raw, size_t n, uint32_t id, struct err *err)
{
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_READ_CSR);
	struct w_read_csr asked;
	struct w_csr_names names;
	int rc;

	if (!msg_unpack(spec, raw, n, &asked, err))
		return -1;
	look_into(&names, &asked.csr);
	msg_free(spec, &asked);
	rc = wire_send(WIRE_FD_MASTER, WIRE_CSR_NAMES, id, &names);
	msg_free(msg_find(wire_specs, WIRE_CSR_NAMES), &names);
	return rc == 0 ? 0 : err_errno(err, ERR_INTERNAL, "answer");
}

/* --- messages ---------------------------------------------------------- */

static int
answer(const void *raw, size_t n, const int *fds, int nfds, struct err *err)
{
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_VERIFY);
	struct w_verify wanted;
	struct w_verdict v;
	uint16_t kind;
	bool fits;
	uint32_t id;

	if (!msg_head(raw, n, &kind, &id))
		kind = 0;
	if (kind == WIRE_READ_CSR && nfds == 0)
		return answer_csr(raw, n, id, err);
	if (kind != WIRE_VERIFY || nfds < JUDGE_FILES - 1 ||
	    nfds > JUDGE_FILES)
		return err_set(err, ERR_INTERNAL, "message: it is none that "
		    "asks for a verdict on %d files", JUDGE_FILES);
	if (!msg_unpack(spec, raw, n, &wanted, err))
		return -1;
	/* One file less is what it is without a key, and only then. */
	fits = (wanted.own_key != 0) == (nfds == JUDGE_FILES - 1);
	if (fits)
		v = verdict_of(&wanted, fds, nfds);
	msg_free(spec, &wanted);
	if (!fits)
		return err_set(err, ERR_INTERNAL, "message: %d files do not "
		    "fit what it asks for", nfds);
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
