/* Talking to a built program over its channel. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/unit/child.h"

enum { PATIENCE_MS = 10000, STEP_MS = 10 };

struct blob child_raw;

static void
fail(const char *what)
{
	perror(what);
	exit(99);
}

struct child
child_start(const char *program)
{
	const char *dir = getenv("TOP_BUILDDIR");
	char path[4096];
	struct child c;
	int pair[2], fd;

	snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : ".", program);
	if (msg_pair(pair) != 0 || (c.pid = fork()) < 0)
		fail(path);
	if (c.pid == 0) {
		/* First away from 3, so that dup2 drops close-on-exec. */
		fd = fcntl(pair[1], F_DUPFD, 20);
		if (fd < 0 || dup2(fd, WIRE_FD_MASTER) < 0)
			_exit(99);
		close(fd);
		if (pair[0] != WIRE_FD_MASTER)
			close(pair[0]);
		execl(path, program, (char *)NULL);
		_exit(99);
	}
	close(pair[1]);
	c.fd = pair[0];
	return c;
}

int
child_wait(struct child *c, int *status)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };
	int waited;

	for (waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		if (waitpid(c->pid, status, WNOHANG) == c->pid) {
			c->pid = -1;
			return 1;
		}
		nanosleep(&step, NULL);
	}
	kill(c->pid, SIGKILL);
	waitpid(c->pid, status, 0);
	c->pid = -1;
	return 0;
}

int
child_end(struct child *c)
{
	int status = 0;

	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (c->pid > 0)
		child_wait(c, &status);
	return status;
}

uint16_t
child_hear(int fd, void **out)
{
	struct pollfd p = { fd, POLLIN, 0 };
	const struct msg_spec *spec;
	int fds[MSG_FDS_MAX], nfds;
	const void *raw;
	struct err err;
	uint16_t kind;
	uint32_t id;
	ptrdiff_t n;

	*out = NULL;
	if (poll(&p, 1, PATIENCE_MS) != 1)
		fail("no answer");
	do	/* that it has confined itself it says unasked */
		n = msg_recv(fd, 0, &raw, fds, &nfds);
	while (n > 0 && msg_head(raw, (size_t)n, &kind, &id) &&
	    kind == WIRE_CONFINED);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n < 0 || nfds != 0 || !msg_head(raw, (size_t)n, &kind, &id) ||
	    id != 42 || (spec = msg_find(wire_specs, kind)) == NULL)
		fail("no message of ours");
	blob_free(&child_raw);
	child_raw = blob_copy(raw, (size_t)n);
	*out = xcalloc(1, spec->size);
	if (!msg_unpack(spec, raw, (size_t)n, *out, &err))
		fail(err.text);
	return kind;
}

uint16_t
child_ask(int fd, enum wire_kind ask, const void *st, void **out)
{
	if (wire_send(fd, ask, 42, st) != 0) {
		*out = NULL;
		return 0;
	}
	return child_hear(fd, out);
}

void
child_answer_free(uint16_t kind, void *out)
{
	if (out != NULL)
		msg_free(msg_find(wire_specs, kind), out);
	free(out);
	blob_free(&child_raw);
}
