/* The API through its socket: what is no request of ours, who may not speak,
 * and what security.md K10 asks of it. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "tests/unit/stubs/asker.h"

static void
no_such_route(void **state)
{
	struct answer a;

	(void)state;
	refused("GET", "/v1/", NULL, 400, "usage", NULL);
	refused("GET", "/", NULL, 400, "usage", NULL);
	refused("GET", "/v2/status", NULL, 404, "no-such", NULL);
	refused("GET", "/v1/status/x", NULL, 404, "no-such", NULL);
	refused("GET", "/v1/certificates/a/b/c/d/e/f/g", NULL, 400, "usage",
	    NULL);
	refused("GET", "/v1/status?x=1", NULL, 400, "usage",
	    "no such parameter \"x\" here");
	refused("GET", "/v1/status?security=1&security=0", NULL, 400, "usage",
	    "the parameter \"security\" is given twice");
	refused("GET", "/v1/certificates/a%00b", NULL, 400, "usage", NULL);
	refused("GET", "/v1/certificates?q=%0a", NULL, 400, "usage", NULL);
	refused("GET", "/v1/certificates?q=%ff", NULL, 400, "usage", NULL);
	refused("GET", "/v1/certificates?q=%f", NULL, 400, "usage", NULL);
	a = ask_ok("PUT", "/v1/status", "{}", 405);
	assert_non_null(strstr(a.head, "Allow: GET\r\n"));
	done(&a);
	a = ask_ok("POST", "/v1/certificates/shop.example", "{}", 405);
	assert_non_null(strstr(a.head, "Allow: GET, PUT, PATCH, DELETE\r\n"));
	done(&a);
}

static int
dial(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", asker_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    (ssize_t)strlen(text));
}

/* First line of what comes back within some seconds; "" for a closed end. */
static void
hear(int fd, char *line, size_t size, int wait_s)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = 0;

	line[0] = '\0';
	if (poll(&p, 1, wait_s * 1000) != 1)
		fail_msg("no answer within %d s", wait_s);
	n = recv(fd, line, size - 1, 0);
	line[n > 0 ? strcspn(line, "\r") : 0] = '\0';
}

static void
k10_length_of_a_gigabyte(void **state)
{
	char line[4096] = "";
	int fd = dial();

	(void)state;
	say(fd, "PUT /v1/certificates/a.example HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 1073741824\r\n\r\n{\"names\":");
	hear(fd, line, sizeof(line), 5);
	assert_memory_equal(line, "HTTP/1.1 413 ", 13);
	close(fd);
}

/* A body that announces no length and does not end is cut off. */
static void
k10_endless_chunks(void **state)
{
	static char chunk[16 * 1024 + 16];
	int fd = dial(), i, n;

	(void)state;
	say(fd, "PUT /v1/certificates/a.example HTTP/1.1\r\nHost: x\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	n = snprintf(chunk, sizeof(chunk), "4000\r\n");
	memset(chunk + n, ' ', 0x4000);
	memcpy(chunk + n + 0x4000, "\r\n", 2);
	for (i = 0; i < 4096; i++)
		if (send(fd, chunk, (size_t)n + 0x4002, MSG_NOSIGNAL) < 0)
			break;
	assert_true(i < 4096);
	close(fd);
}

/* A chunked body past the cap that does end is told so. */
static void
k10_body_past_the_cap(void **state)
{
	static char chunk[300 * 1024 + 1];
	char line[4096];
	int fd = dial();

	(void)state;
	memset(chunk, ' ', sizeof(chunk) - 1);
	say(fd, "PUT /v1/certificates/a.example HTTP/1.1\r\nHost: x\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n4b000\r\n");
	say(fd, chunk);
	say(fd, "\r\n0\r\n\r\n");
	hear(fd, line, sizeof(line), 5);
	assert_memory_equal(line, "HTTP/1.1 413 ", 13);
	close(fd);
}

static void
k10_half_requests(void **state)
{
	static const char *const halves[] = {
		"", "G", "GET /v1/status HTTP/1.1\r\nHo",
		"PUT /v1/certificates/h.example HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 10\r\n\r\n{\"na",
		"PUT /v1/certificates/h.example HTTP/1.1\r\nHost: x\r\n"
		"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"n"
	};
	struct answer a;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		fd = dial();
		if (*halves[i] != '\0')
			say(fd, halves[i]);
		close(fd);
	}
	a = ask_ok("GET", "/v1/status", NULL, 200);
	done(&a);
	refused("GET", "/v1/certificates/h.example", NULL, 404, "no-such",
	    NULL);
}

static void
not_http(void **state)
{
	static const char hello[] =
	    "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n";
	char line[4096];
	int fd = dial();

	(void)state;
	assert_int_equal(send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL),
	    (ssize_t)sizeof(hello) - 1);
	hear(fd, line, sizeof(line), 5);
	assert_true(line[0] == '\0' || strstr(line, " 400 ") != NULL ||
	    strstr(line, " 505 ") != NULL);
	close(fd);
}

/* More connections than there is room for: those that say nothing are closed
 * after a while, and then everybody is served. */
static void
k10_200_connections(void **state)
{
	enum { N = 200 };
	struct answer a;
	double begun;
	int fds[N], i;

	(void)state;
	for (i = 0; i < N; i++)
		fds[i] = dial();
	begun = seconds();
	a = ask_ok("GET", "/v1/status", NULL, 200);
	done(&a);
	assert_true(seconds() - begun < 30);
	for (i = 0; i < N; i++)
		close(fds[i]);
	a = ask_ok("GET", "/v1/status", NULL, 200);
	done(&a);
}

/* Status of a request by somebody else. */
static int
ask_as(uid_t uid, gid_t gid, gid_t extra)
{
	struct answer a;
	int st;
	pid_t pid = fork();

	if (pid == 0) {
		asker_in_child();
		if (setgroups(1, &extra) != 0 || setgid(gid) != 0 ||
		    setuid(uid) != 0)
			_exit(99);
		a = ask("GET", "/v1/status", NULL);
		_exit(a.status == 200 ? 20 : a.status == 403 ? 43 : 1);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFEXITED(st));
	return WEXITSTATUS(st);
}

static void
k10_wrong_uid(void **state)
{
	struct group *g = getgrnam("games");

	(void)state;
	if (geteuid() != 0 || g == NULL)
		skip();
	assert_int_equal(ask_as(12345, 12345, 12345), 43);
	/* The group does not count unless it is the one that is configured. */
	assert_int_equal(ask_as(12345, g->gr_gid, 12345), 43);
	stop();
	start(&(struct server_how){ .group = "games" });
	assert_int_equal(ask_as(12345, 12345, 12345), 43);
	assert_int_equal(ask_as(12345, g->gr_gid, 12345), 20);
	assert_int_equal(ask_as(12345, 12345, g->gr_gid), 20);
	stop();
	start(&(struct server_how){ .group = "" });
}

/* The daemon ends while one waits for events and one for an act. */
static void
ends_while_they_wait(void **state)
{
	static const char *const waits[] = {
		"GET /v1/events?after=3&wait=60 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /v1/certificates/shop.example/deploy HTTP/1.1\r\n"
		"Host: x\r\nContent-Length: 0\r\n\r\n"
	};
	static const char *const answers[] = {
		"HTTP/1.1 200 OK", "HTTP/1.1 503 Service Unavailable"
	};
	char line[8192];
	struct answer a;
	int fds[2], i;

	(void)state;
	stop();
	start(&(struct server_how){ .group = "", .never_answer = true });
	for (i = 0; i < 2; i++) {
		fds[i] = dial();
		say(fds[i], waits[i]);
	}
	usleep(300000);
	a = ask_ok("GET", "/v1/status", NULL, 200);
	done(&a);
	stop();
	for (i = 0; i < 2; i++) {
		hear(fds[i], line, sizeof(line), 5);
		assert_string_equal(line, answers[i]);
		close(fds[i]);
	}
	start(&(struct server_how){ .group = "" });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_such_route),
		cmocka_unit_test(k10_length_of_a_gigabyte),
		cmocka_unit_test(k10_endless_chunks),
		cmocka_unit_test(k10_body_past_the_cap),
		cmocka_unit_test(k10_half_requests),
		cmocka_unit_test(not_http),
		cmocka_unit_test(k10_200_connections),
		cmocka_unit_test(k10_wrong_uid),
		cmocka_unit_test(ends_while_they_wait)
	};

	return cmocka_run_group_tests_name("api_hostile", tests, asker_setup,
	    asker_teardown);
}
