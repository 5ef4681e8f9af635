/* Starts the built responder with listeners as the master would, and speaks
 * to it as master and engine do. */
#include <config.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/wire.h"
#include "tests/unit/responder_child.h"

struct responder responder;

static int
listen_tcp(uint16_t *bound)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, 1024) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		abort();
	*bound = a.sin_port;
	return fd;
}

static int
listen_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(responder.socket, sizeof(responder.socket), "%s/http.sock",
	    responder.folder);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", responder.socket);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, 1024) != 0)
		abort();
	return fd;
}

/* fds: the channel, and listeners: TCP, the socket, TCP for TLS. */
static void
become_responder(const int fds[4])
{
	static const int places[] = { WIRE_FD_MASTER, WIRE_FD_LISTEN,
		WIRE_FD_LISTEN + 1, WIRE_FD_LISTEN + 2 };
	int high[4], i;
	char path[512];

	/* The places may be taken by what is to go to another. */
	for (i = 0; i < 4; i++)
		high[i] = fcntl(fds[i], F_DUPFD, 100);
	for (i = 0; i < 4; i++) {
		dup2(high[i], places[i]);
		close(high[i]);
	}
	/* As the master makes it. */
	fcntl(WIRE_FD_LISTEN + 2, F_SETFL, O_NONBLOCK);
	snprintf(path, sizeof(path), "%s/everleaf-responder",
	    getenv("TOP_BUILDDIR") != NULL ? getenv("TOP_BUILDDIR") : ".");
	execl(path, path, "2", "1", (char *)NULL);
	_exit(127);
}

void
responder_new_engine(void)
{
	static const struct w_peer w = { 0 };
	int pair[2];

	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(msg_send(responder.master,
	    msg_find(wire_specs, WIRE_PEER), 0, &w, &pair[0], 1), 0);
	close(pair[0]);
	if (responder.engine >= 0)
		close(responder.engine);
	responder.engine = pair[1];
}

uint16_t
responder_answer(void)
{
	struct pollfd p = { .fd = responder.engine, .events = POLLIN };
	int fds[MSG_FDS_MAX], nfds;
	uint16_t kind = 0;
	uint32_t id = 0;
	const void *raw;
	ptrdiff_t n;

	assert_int_equal(poll(&p, 1, 10000), 1);
	n = msg_recv(responder.engine, 0, &raw, fds, &nfds);
	if (n <= 0)
		return 0;
	assert_true(msg_head(raw, (size_t)n, &kind, &id));
	assert_int_equal(id, responder.last_id);
	return kind;
}

uint16_t
responder_publish(const char *type, const char *token, const char *host,
    const char *keyauth)
{
	struct w_publish w = { (char *)(uintptr_t)token,
		(char *)(uintptr_t)host, (char *)(uintptr_t)keyauth,
		(char *)(uintptr_t)type };

	assert_int_equal(wire_send(responder.engine, WIRE_PUBLISH,
	    ++responder.last_id, &w), 0);
	return responder_answer();
}

uint16_t
responder_withdraw(const char *type, const char *token, const char *host)
{
	struct w_withdraw w = { (char *)(uintptr_t)token,
		(char *)(uintptr_t)host, (char *)(uintptr_t)type };

	assert_int_equal(wire_send(responder.engine, WIRE_WITHDRAW,
	    ++responder.last_id, &w), 0);
	return responder_answer();
}

int
responder_start(void **state)
{
	struct rlimit l;
	int fds[4], pair[2], i;

	(void)state;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
	snprintf(responder.folder, sizeof(responder.folder),
	    "/tmp/everleaf-responder-XXXXXX");
	if (mkdtemp(responder.folder) == NULL || msg_pair(pair) != 0)
		return -1;
	fds[0] = pair[1];
	fds[1] = listen_tcp(&responder.port);
	fds[2] = listen_unix();
	fds[3] = listen_tcp(&responder.tls_port);
	responder.child = fork();
	if (responder.child == 0)
		become_responder(fds);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	responder.master = pair[0];
	responder.engine = -1;
	responder_new_engine();
	return responder_publish("http-01", TOKEN, "www.example.com",
	    KEYAUTH) == WIRE_OK ? 0 : -1;
}

int
responder_stop(void **state)
{
	(void)state;
	if (responder.child > 0) {
		close(responder.master);
		waitpid(responder.child, NULL, 0);
	}
	unlink(responder.socket);
	return rmdir(responder.folder);
}
