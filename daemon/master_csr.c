/* Looking into the CSRs that the configuration names: they are a request in
 * ASN.1 that some other program has made, so a verifier of our own that lives
 * for this alone reads them. It is waited for, as nothing may change before
 * the configuration is known to be good. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/name.h"
#include "daemon/conf_csr.h"
#include "daemon/master.h"
#include "daemon/master_spawn.h"

enum { PATIENCE_MS = 10 * 1000 };	/* for each of them */

struct reader {
	pid_t pid;
	int channel;
	int64_t until;
};

static bool
begin(struct reader *r, const struct master *m)
{
	struct child who = { .role = ROLE_VERIFIER };
	struct spawn s = { .dir = "/", .fds_n = WIRE_FD_MASTER + 1 };
	int ends[2], null;
	char path[4200];

	if (msg_pair(ends) != 0)
		return false;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	s.fds[STDIN_FILENO] = s.fds[STDOUT_FILENO] = null;
	s.fds[STDERR_FILENO] = null;
	s.fds[WIRE_FD_MASTER] = ends[1];
	if (geteuid() == 0 && child_user(&who)) {
		s.change_user = true;
		s.uid = who.uid;
		s.gid = who.gid;
	}
	snprintf(path, sizeof(path), "%s/everleaf-verifier", m->libexec);
	s.path = s.argv[0] = path;
	r->pid = null < 0 ? -1 : spawn(&s);
	r->channel = ends[0];
	close(ends[1]);
	if (null >= 0)
		close(null);
	return r->pid > 0;
}

static void
end(struct reader *r)
{
	close(r->channel);
	if (r->pid <= 0)
		return;
	kill(r->pid, SIGKILL);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* The next message within the time that is left; false: there is none. */
static bool
next_message(const struct reader *r, const void **p, size_t *n)
{
	struct pollfd one = { .fd = r->channel, .events = POLLIN };
	int fds[MSG_FDS_MAX], nfds;
	int64_t left;
	ptrdiff_t got;
	int rc;

	do {
		left = r->until - poll_now();
		rc = left > 0 ? poll(&one, 1, (int)left) : 0;
	} while (rc < 0 && errno == EINTR);
	if (rc <= 0)
		return false;
	got = msg_recv(r->channel, MSG_DONTWAIT, p, fds, &nfds);
	while (nfds > 0)
		close(fds[--nfds]);
	*n = got > 0 ? (size_t)got : 0;
	return got > 0;
}

/* It tells how it has confined itself, too, which is of no interest here. */
static bool
hear(struct w_csr_names *out, const struct reader *r, uint32_t asked)
{
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_CSR_NAMES);
	struct err unused;
	uint16_t kind = 0;
	uint32_t id = 0;
	const void *p;
	size_t n;

	do {
		if (!next_message(r, &p, &n) || !msg_head(p, n, &kind, &id))
			return false;
	} while (kind != WIRE_CSR_NAMES || id != asked);
	return msg_unpack(spec, p, n, out, &unused);
}

/* Whatever it says comes from a process that has read the CSR. */
static void
take(struct conf_csr *csr, struct w_csr_names *said)
{
	if (said->names.n > 0 && name_all_canonical(&said->names)) {
		csr->names = said->names;
		said->names = (struct strv){ NULL, 0 };
	} else if (said->why[0] != '\0') {
		err_set(&csr->err, ERR_CSR_REFUSED, "%s", said->why);
		err_advise(&csr->err, "%s", said->advice);
	} else
		err_set(&csr->err, ERR_CSR_REFUSED, "the CSR asks for "
		    "something that is no name");
}

/* False: it has not answered, and would not the next time. */
static bool
ask(struct reader *r, struct conf_csr *csr, uint32_t id)
{
	const struct w_read_csr question = { csr->der };
	struct w_csr_names said;

	r->until = poll_now() + PATIENCE_MS;
	if (wire_send(r->channel, WIRE_READ_CSR, id, &question) != 0 ||
	    !hear(&said, r, id))
		return false;
	take(csr, &said);
	msg_free(msg_find(wire_specs, WIRE_CSR_NAMES), &said);
	return true;
}

static void
unread(struct conf_csr *csr)
{
	err_set(&csr->err, ERR_VERIFY_FAILED, "the process that reads the CSR "
	    "does not answer");
	err_advise(&csr->err, "Try again; the log of everleaf-verifier may say "
	    "more.");
}

/* Many take their time, and each answer shows that we live. */
static void
look(void *ctx, struct conf_csr *list, size_t n)
{
	struct reader r = { .pid = -1, .channel = -1 };
	bool good = begin(&r, ctx);
	size_t i;

	for (i = 0; i < n; i++) {
		good = good && ask(&r, &list[i], (uint32_t)i + 1);
		if (good)
			notify_beat();
		else
			unread(&list[i]);
	}
	if (r.channel >= 0)
		end(&r);
}

void
csrs_open(struct master *m)
{
	conf_csr_by(look, m);
}
