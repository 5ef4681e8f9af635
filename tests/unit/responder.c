/* The built responder, with the test as master, engine and the Internet; the
 * rows are those of security.md, table F. */
#include <config.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/buf.h"
#include "daemon/responder_table.h"
#include "daemon/wire.h"
#include "tests/unit/responder_child.h"

enum { REPLY_MAX = 65536, REPLY_MS = 15000 };

static char reply[REPLY_MAX];

static int64_t
mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint16_t
publish(const char *token, const char *host, const char *keyauth)
{
	return responder_publish("http-01", token, host, keyauth);
}

static uint16_t
withdraw(const char *token, const char *host)
{
	return responder_withdraw("http-01", token, host);
}

/* --- clients --------------------------------------------------------------*/

/* From 127.0.0.host, so that the limit per address can be met or missed. */
static int
dial_tcp(uint32_t host)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = {
		.sin_family = AF_INET, .sin_port = responder.port };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

static int
dial_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", responder.socket);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

/* Everything until the responder closes. */
static void
read_reply(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t have = 0;
	ssize_t n = 1;

	while (n > 0 && have < sizeof(reply) - 1) {
		if (poll(&p, 1, REPLY_MS) != 1)
			fail_msg("the connection stays open");
		n = recv(fd, reply + have, sizeof(reply) - 1 - have, 0);
		have += n > 0 ? (size_t)n : 0;
	}
	reply[have] = '\0';
	close(fd);
}

static void
talk(int fd, const char *bytes, size_t n)
{
	ssize_t sent;

	while (n > 0) {
		sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			break;		/* it has heard enough */
		bytes += sent;
		n -= (size_t)sent;
	}
	read_reply(fd);
}

static void
request(const char *method, const char *path, const char *host)
{
	struct buf b;

	buf_init(&b, 200000);
	buf_printf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n\r\n", method, path,
	    host);
	talk(dial_tcp(1), b.data, b.len);
	buf_free(&b);
}

static int
status(void)
{
	if (strncmp(reply, "HTTP/1.1 ", 9) != 0)
		return 0;
	return (int)strtol(reply + 9, NULL, 10);
}

static const char *
body(void)
{
	const char *s = strstr(reply, "\r\n\r\n");

	return s != NULL ? s + 4 : "";
}

static void
assert_nothing_here(void)
{
	assert_int_equal(status(), 404);
	assert_string_equal(body(), "Nothing here.\n");
	assert_non_null(strstr(reply, "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(reply,
	    "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
}

/* --- tests ----------------------------------------------------------------*/

static void
answers_what_is_published(void **state)
{
	static const char *const hosts[] = { "www.example.com",
		"WWW.Example.COM", "www.example.com:80", "www.example.com." };
	static const char get[] = "GET " PATH " HTTP/1.1\r\n"
	    "Host: www.example.com\r\nConnection: keep-alive\r\n\r\n";
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		request("GET", PATH, hosts[i]);
		assert_int_equal(status(), 200);
		assert_string_equal(body(), KEYAUTH);
		assert_non_null(strstr(reply,
		    "\r\nX-Content-Type-Options: nosniff\r\n"));
		assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
	}
	request("HEAD", PATH, "www.example.com");
	assert_int_equal(status(), 200);
	assert_string_equal(body(), "");
	talk(dial_unix(), get, sizeof(get) - 1);
	assert_int_equal(status(), 200);
	assert_string_equal(body(), KEYAUTH);
}

static void
f2_long_requests(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 200000);
	buf_puts(&b, "GET /");
	for (i = 0; i < 20000; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, " HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
	talk(dial_tcp(1), b.data, b.len);
	assert_true(status() == 0 || status() == 414 || status() == 431);
	buf_reset(&b);
	buf_puts(&b, "GET " PATH " HTTP/1.1\r\nHost: www.example.com\r\n");
	for (i = 0; i < 3000; i++)
		buf_puts(&b, "X-Pad: aaaaaaaaaaaaaaaaaaaa\r\n");
	buf_puts(&b, "\r\n");
	talk(dial_tcp(1), b.data, b.len);
	assert_true(status() == 0 || status() == 413 || status() == 431);
	buf_free(&b);
}

static void
f3_unknown_tokens(void **state)
{
	static const char *const paths[] = {
		"/", "/.well-known/acme-challenge/",
		"/.well-known/acme-challenge",
		"/.well-known/acme-challenge/<script>alert(1)</script>",
		"/.well-known/acme-challenge/DGyRejmCefe7v4NfDGDKfA_-0124",
		PATH "0", PATH "/", PATH "?x=1", "//" PATH, "x" PATH,
		"/.well-known/ACME-challenge/" TOKEN
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		request("GET", paths[i], "www.example.com");
		assert_nothing_here();
		assert_null(strstr(reply, "script"));
		assert_null(strstr(reply, "0124"));
	}
}

static void
f4_hosts(void **state)
{
	static const char *const wrong[] = {
		"..", "example.com", "www.example.com.evil.example",
		"www.example.com:80:80", "www.example.com:x",
		"[www.example.com]",
		"www.example.com/", "*.example.com", "www.example.com:999999",
		"[2001:db8::2]", "2001:db8::1", "[2001:db8::1", "192.0.2.2",
		"www.example.com\r\nHost: www.example.com",
		"www.example.com\r\nhost: evil.example"
	};
	static const char *const right[] = {
		"[2001:db8::1]", "[2001:DB8:0::1]:80", "192.0.2.1",
		"192.0.2.1:80"
	};
	static const char none[] = "GET " PATH " HTTP/1.1\r\n\r\n";
	char huge[8000];
	size_t i;

	(void)state;
	assert_int_equal(publish(TOKEN, "2001:db8::1", KEYAUTH), WIRE_OK);
	assert_int_equal(publish(TOKEN, "192.0.2.1", KEYAUTH), WIRE_OK);
	for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		request("GET", PATH, right[i]);
		if (status() != 200)
			fail_msg("%s: %d", right[i], status());
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		request("GET", PATH, wrong[i]);
		if (status() != 404)
			fail_msg("%s: %d", wrong[i], status());
		assert_nothing_here();
	}
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	request("GET", PATH, huge);
	assert_int_not_equal(status(), 200);
	talk(dial_tcp(1), none, sizeof(none) - 1);
	assert_int_equal(status(), 400);
}

static void
f5_other_requests(void **state)
{
#define HOST "\r\nHost: www.example.com\r\n\r\n"
	static const struct { const char *bytes; int status; } rows[] = {
		{ "GET /.well-known/acme-challenge/%44GyRejmCefe7v4NfDGDKfA_"
		  "-0123 HTTP/1.1" HOST, 404 },
		{ "GET /x/%2e%2e" PATH " HTTP/1.1" HOST, 404 },
		{ "GET /x/.." PATH " HTTP/1.1" HOST, 404 },
		{ "GET http://www.example.com" PATH " HTTP/1.1" HOST, 404 },
		{ "POST " PATH " HTTP/1.1\r\nContent-Length: 5" HOST
		  "hello", 405 },
		{ "POST " PATH " HTTP/1.1\r\nContent-Length: 5\r\n"
		  "Transfer-Encoding: chunked" HOST "0\r\n\r\n", 405 },
		{ "TRACE " PATH " HTTP/1.1\r\nX: secret" HOST, 405 },
		{ "OPTIONS * HTTP/1.1" HOST, 405 },
		{ "get " PATH " HTTP/1.1" HOST, 405 },
		{ "DELETE " PATH " HTTP/1.1" HOST, 405 }
	};
	static const char old[] = "GET " PATH " HTTP/9.9" HOST;
	static const char none[] = "GET " PATH "\r\n\r\n";
	static const char junk[] = "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		talk(dial_tcp(1), rows[i].bytes, strlen(rows[i].bytes));
		if (status() != rows[i].status)
			fail_msg("row %zu: %.80s", i, reply);
		assert_null(strstr(reply, "secret"));
		assert_null(strstr(reply + 1, "HTTP/1.1"));
	}
	talk(dial_tcp(1), old, sizeof(old) - 1);
	assert_int_not_equal(status(), 200);
	talk(dial_tcp(1), none, sizeof(none) - 1);
	assert_int_not_equal(status(), 200);
	talk(dial_tcp(1), junk, sizeof(junk) - 1);
	assert_int_not_equal(status(), 200);
}

static void
f5_one_request_a_connection(void **state)
{
	static const char get[] = "GET " PATH " HTTP/1.1" HOST;
	struct buf b;
	int i, n = 0;
	const char *s;

	(void)state;
	buf_init(&b, 400000);
	for (i = 0; i < 1000; i++)
		buf_puts(&b, get);
	talk(dial_tcp(1), b.data, b.len);
	buf_free(&b);
	for (s = reply; (s = strstr(s, "HTTP/1.1 ")) != NULL; s++)
		n++;
	assert_true(n <= 1);
}

static void
f8_until_withdrawn(void **state)
{
	static const char token[] = "0123456789abcdefghijklmn";
	static const char path[] =
	    "/.well-known/acme-challenge/0123456789abcdefghijklmn";
	char keyauth[128];

	(void)state;
	snprintf(keyauth, sizeof(keyauth), "%s%s", token, strchr(KEYAUTH, '.'));
	request("GET", path, "a.example");
	assert_nothing_here();
	assert_int_equal(publish(token, "a.example", keyauth), WIRE_OK);
	assert_int_equal(publish(token, "b.example", keyauth), WIRE_OK);
	request("GET", path, "a.example");
	assert_string_equal(body(), keyauth);
	assert_int_equal(withdraw(token, "a.example"), WIRE_OK);
	request("GET", path, "a.example");
	assert_nothing_here();
	request("GET", path, "b.example");
	assert_int_equal(status(), 200);
	assert_int_equal(withdraw(token, "a.example"), WIRE_OK);
	assert_int_equal(withdraw(token, "b.example"), WIRE_OK);
}

static void
only_key_authorizations_are_published(void **state)
{
	(void)state;
	assert_int_equal(publish(TOKEN, "*.example.com", KEYAUTH),
	    WIRE_FAILED);
	assert_int_equal(publish(TOKEN, "x y", KEYAUTH), WIRE_FAILED);
	assert_int_equal(publish(TOKEN, "www.example.com", "<html>"),
	    WIRE_FAILED);
	assert_int_equal(publish(TOKEN, "www.example.com", TOKEN ".short"),
	    WIRE_FAILED);
	assert_int_equal(publish(TOKEN, "www.example.com", "x" KEYAUTH),
	    WIRE_FAILED);
	request("GET", PATH, "www.example.com");
	assert_string_equal(body(), KEYAUTH);
}

static void
a_new_engine_finds_the_table(void **state)
{
	(void)state;
	responder_new_engine();
	request("GET", PATH, "www.example.com");
	assert_int_equal(status(), 200);
	assert_int_equal(publish(TOKEN, "www.example.com", KEYAUTH), WIRE_OK);
	/* rubbish costs the channel, not the answers */
	assert_int_equal(send(responder.engine, "rubbish", 7, 0), 7);
	responder.last_id++;
	assert_int_equal(responder_answer(), 0);
	request("GET", PATH, "www.example.com");
	assert_int_equal(status(), 200);
	responder_new_engine();
	assert_int_equal(withdraw("0123456789abcdefghijkl", "x.example"),
	    WIRE_OK);
}

static void
answers_quickly(uint32_t host)
{
	static const char get[] = "GET " PATH " HTTP/1.1" HOST;
	int64_t began = mono();

	talk(dial_tcp(host), get, sizeof(get) - 1);
	assert_int_equal(status(), 200);
	assert_true(mono() - began < 3000);
	began = mono();
	talk(dial_unix(), get, sizeof(get) - 1);
	assert_int_equal(status(), 200);
	assert_true(mono() - began < 3000);
}

/* One address may have 256: more are turned away, others are served. */
static void
f1_one_greedy_address(void **state)
{
	static const char get[] = "GET " PATH " HTTP/1.1" HOST;
	int fds[264], i;

	(void)state;
	for (i = 0; i < 264; i++)
		fds[i] = dial_tcp(77);
	answers_quickly(78);
	talk(dial_tcp(77), get, sizeof(get) - 1);
	assert_int_equal(status(), 0);
	for (i = 0; i < 264; i++)
		close(fds[i]);
}

static void
f1_thousands_of_idle_connections(void **state)
{
	enum { MANY = 6000, TCP = 1200 };
	int *fds = xcalloc(MANY, sizeof(int)), i, n = MANY;
	struct rlimit l;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &l);
	if (l.rlim_cur < MANY + 100)
		n = (int)l.rlim_cur - 100;
	for (i = 0; i < n; i++)
		fds[i] = i < TCP ? dial_tcp(100 + (uint32_t)i / 30) :
		    dial_unix();
	answers_quickly(1);
	for (i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
	answers_quickly(1);
}

static long
resident(void)
{
	long size = 0, pages = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)responder.child);
	f = fopen(path, "re");
	if (f != NULL) {
		if (fscanf(f, "%ld %ld", &size, &pages) != 2)
			pages = 0;
		fclose(f);
	}
	return pages * 4;
}

static void
f9_flood_of_garbage(void **state)
{
	char junk[65536];
	long before = resident();
	int i, fd;

	(void)state;
	memset(junk, 'G', sizeof(junk));
	for (i = 0; i < 300; i++) {
		fd = dial_tcp(1);
		talk(fd, junk, sizeof(junk));
	}
	answers_quickly(1);
#ifndef SANITIZERS
	assert_true(resident() - before < 2048);
#else
	(void)before;
#endif
}

/* An idle one ends after 5 s, one that drips after 10. */
static void
f2_slow_loris(void **state)
{
	int idle = dial_unix(), drip = dial_tcp(1);
	int64_t began = mono(), idle_end = 0;
	struct pollfd p = { .fd = idle, .events = POLLIN };
	char c;

	(void)state;
	assert_int_equal(send(drip, "GET /", 5, MSG_NOSIGNAL), 5);
	while (mono() - began < 14000) {
		if (idle_end == 0 && poll(&p, 1, 500) == 1)
			idle_end = mono() - began;
		else if (idle_end != 0)
			poll(NULL, 0, 500);
		if (send(drip, "a", 1, MSG_NOSIGNAL) != 1 ||
		    recv(drip, &c, 1, MSG_DONTWAIT) == 0)
			break;
	}
	assert_true(idle_end > 4000 && idle_end < 8000);
	assert_true(mono() - began > 8000 && mono() - began < 12500);
	close(idle);
	close(drip);
}

static void
ends_with_the_master(void **state)
{
	int code;

	(void)state;
	close(responder.master);
	assert_int_equal(waitpid(responder.child, &code, 0),
	    responder.child);
	responder.child = 0;
	assert_int_equal(code, 0);
}

/* --- the table alone ------------------------------------------------------*/

static void
what_is_not_renewed_is_swept(void **state)
{
	struct table *t = table_new();
	struct err err;

	(void)state;
	assert_int_equal(table_publish(t, TABLE_HTTP, TOKEN, "a.example",
	    KEYAUTH, 1, &err), 0);
	assert_int_equal(table_publish(t, TABLE_HTTP, TOKEN, "b.example",
	    KEYAUTH, 1, &err), 0);
	assert_int_equal(table_publish(t, TABLE_HTTP, TOKEN, "B.example.",
	    KEYAUTH, 2, &err), 0);
	assert_int_equal(table_size(t), 2);
	assert_int_equal(table_sweep(t, 2), 1);
	assert_null(table_find(t, PATH, "a.example"));
	assert_string_equal(table_find(t, PATH, "b.example"), KEYAUTH);
	table_free(t);
}

static void
the_table_has_a_limit(void **state)
{
	struct table *t = table_new();
	char host[64], token[32], keyauth[128], path[128];
	struct err err;
	int i;

	(void)state;
	for (i = 0; i <= TABLE_MAX; i++) {
		snprintf(host, sizeof(host), "h%d.example", i % 100);
		snprintf(token, sizeof(token), "%024d", i);
		snprintf(keyauth, sizeof(keyauth), "%s%s", token,
		    strchr(KEYAUTH, '.'));
		assert_int_equal(table_publish(t, TABLE_HTTP, token, host,
		    keyauth, 1, &err), i < TABLE_MAX ? 0 : -1);
	}
	assert_int_equal(err.code, ERR_OWN_LIMIT);
	assert_int_equal(table_size(t), TABLE_MAX);
	snprintf(path, sizeof(path), "/.well-known/acme-challenge/%024d", 7);
	assert_non_null(table_find(t, path, "h7.example"));
	table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_renewed_is_swept),
		cmocka_unit_test(the_table_has_a_limit),
		cmocka_unit_test(answers_what_is_published),
		cmocka_unit_test(f2_long_requests),
		cmocka_unit_test(f3_unknown_tokens),
		cmocka_unit_test(f4_hosts),
		cmocka_unit_test(f5_other_requests),
		cmocka_unit_test(f5_one_request_a_connection),
		cmocka_unit_test(f8_until_withdrawn),
		cmocka_unit_test(only_key_authorizations_are_published),
		cmocka_unit_test(a_new_engine_finds_the_table),
		cmocka_unit_test(f1_one_greedy_address),
		cmocka_unit_test(f1_thousands_of_idle_connections),
		cmocka_unit_test(f9_flood_of_garbage),
		cmocka_unit_test(f2_slow_loris),
		cmocka_unit_test(ends_with_the_master)
	};

	alarm(120);
	return cmocka_run_group_tests(tests, responder_start,
	    responder_stop);
}
