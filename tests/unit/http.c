/* The HTTP client against a CA that misbehaves (tests/system/badserver.py);
 * each test is a row of security.md, table A. */
#include <config.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/http.h"
#include "daemon/http_head.h"
#include "daemon/http_limits.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "tests/unit/pki.h"

#define PYTHON "/usr/bin/python3"

struct port {
	char name[32];
	int port;
};

static char folder[] = "/tmp/everleaf-http-XXXXXX";
static struct port ports[32];
static int port_count;
static pid_t server;
static int server_stdin;
static struct blob roots;

/* --- the server -----------------------------------------------------------*/

static void
in_folder(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s.pem", folder, name);
}

static void
make_one(const char *file, const char *name, const struct pki *issuer,
    int from, int to)
{
	struct pki p = pki_make(name, issuer, from, to, PKI_ECDSA);
	char path[128];

	in_folder(path, file);
	pki_write(path, &p, 1);
	pki_free(&p);
}

static void
make_pki(void)
{
	struct pki root = pki_make("Test Root", NULL, -1, 1, PKI_ECDSA);
	char path[128], pem[4096];
	size_t n;
	FILE *f;

	in_folder(path, "root");
	pki_write(path, &root, 0);
	f = fopen(path, "re");
	n = fread(pem, 1, sizeof(pem), f);
	fclose(f);
	roots = blob_copy(pem, n);
	make_one("good", "localhost", &root, -1, 1);
	make_one("expired", "localhost", &root, -3, -2);
	make_one("other", "elsewhere.example", &root, -1, 1);
	make_one("self", "localhost", NULL, -1, 1);
	pki_free(&root);
}

static void
start_server(void)
{
	char script[512], line[128];
	int in[2], out[2];
	FILE *f;

	snprintf(script, sizeof(script), "%s/tests/system/badserver.py",
	    getenv("TOP_SRCDIR") != NULL ? getenv("TOP_SRCDIR") : ".");
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		abort();
	server = fork();
	if (server == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(PYTHON, PYTHON, script, folder, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	server_stdin = in[1];
	f = fdopen(out[0], "r");
	while (port_count < 32 && fgets(line, sizeof(line), f) != NULL &&
	    sscanf(line, "%31s %d", ports[port_count].name,
	    &ports[port_count].port) == 2)
		port_count++;
	fclose(f);
}

static int
set_up_group(void **state)
{
	struct err err;

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	make_pki();
	start_server();
	http_limits.timeout_ms = 3000;
	http_limits.connect_ms = 1000;
	http_limits.slow_s = 2;
	loop_init();
	return http_init(&err);
}

static int
tear_down_group(void **state)
{
	static const char *const files[] = { "root", "good", "expired",
		"other", "self" };
	char path[128];
	size_t i;

	(void)state;
	http_fini();
	loop_fini();
	close(server_stdin);
	waitpid(server, NULL, 0);
	for (i = 0; i < 5; i++) {
		in_folder(path, files[i]);
		unlink(path);
	}
	blob_free(&roots);
	return rmdir(folder);
}

static const char *
url_of(const char *listener, const char *path)
{
	static char url[256];
	int i;

	for (i = 0; i < port_count; i++)
		if (strcmp(ports[i].name, listener) == 0) {
			snprintf(url, sizeof(url), "https://localhost:%d/%s",
			    ports[i].port, path);
			return url;
		}
	fail_msg("no listener %s", listener);
	return NULL;
}

/* --- one exchange ---------------------------------------------------------*/

static struct {
	int done, waited_for;
	enum http_outcome outcome;
	int status;
	bool doubled;
	char type[64], location[128], retry[32], nonce[32];
	struct blob body;
	struct err err;
} got;

static void
keep(char *to, size_t size, const char *s)
{
	snprintf(to, size, "%s", s != NULL ? s : "(none)");
}

static void
on_done(void *ctx, const struct http_reply *r)
{
	(void)ctx;
	got.outcome = r->outcome;
	got.status = r->status;
	got.doubled = r->doubled;
	keep(got.type, sizeof(got.type), r->content_type);
	keep(got.location, sizeof(got.location), r->location);
	keep(got.retry, sizeof(got.retry), r->retry_after);
	keep(got.nonce, sizeof(got.nonce), r->nonce);
	blob_free(&got.body);
	if (r->outcome == HTTP_REPLIED) {
		assert_int_equal(r->body.p[r->body.len], 0);
		got.body = blob_copy(r->body.p, r->body.len + 1);
	}
	got.err = r->err;
	if (++got.done == got.waited_for)
		loop_stop();
}

static void
no_turn_end(void *ctx)
{
	(void)ctx;
}

static struct http_exchange *
ask(const char *method, const char *url, const char *body)
{
	struct http_request r = { .method = method, .url = url,
		.reply_max = 4096, .trust = roots,
		.content_type = "application/jose+json" };
	struct http_exchange *x;

	r.body = blob_copy(body, strlen(body));
	x = http_send(&r, on_done, NULL);
	blob_free(&r.body);
	return x;
}

static void
run(int n)
{
	got.done = 0;
	got.waited_for = n;
	alarm(30);
	loop_run(no_turn_end, NULL);
	alarm(0);
	assert_int_equal(got.done, n);
}

/* As a CA looks at a name: whatever its address and certificate. */
static void
look(const char *listener, const char *scheme, const char *path,
    const char *address, int64_t patience)
{
	char url[300];
	struct http_request r = { .method = "GET", .url = url,
		.reply_max = 4096, .at = address, .timeout_ms = patience };
	int i;

	for (i = 0; i < port_count; i++)
		if (strcmp(ports[i].name, listener) == 0)
			snprintf(url, sizeof(url),
			    "%s://nowhere.invalid:%d/%s", scheme,
			    ports[i].port, path);
	http_send(&r, on_done, NULL);
	run(1);
}

static void
get(const char *path)
{
	ask("GET", url_of("good", path), "");
	run(1);
}

static void
post(const char *listener, const char *path)
{
	ask("POST", url_of(listener, path), "{\"signed\":1}");
	run(1);
}

static int
count_of(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "count/%s", name);
	get(path);
	assert_int_equal(got.outcome, HTTP_REPLIED);
	return (int)strtol((const char *)got.body.p, NULL, 10);
}

static void
assert_outcome(enum http_outcome outcome, enum err_code code,
    const char *words)
{
	assert_int_equal(got.outcome, outcome);
	assert_int_equal(got.err.code, code);
	assert_non_null(strstr(got.err.text, "localhost"));
	if (strstr(got.err.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", got.err.text, words);
}

static void
assert_lost(enum err_code code, const char *words)
{
	assert_outcome(HTTP_LOST, code, words);
}

/* --- ordinary behaviour ---------------------------------------------------*/

static void
fields_and_body(void **state)
{
	(void)state;
	get("ok");
	assert_int_equal(got.outcome, HTTP_REPLIED);
	assert_int_equal(got.status, 200);
	assert_string_equal(got.type, "application/json");
	assert_string_equal(got.nonce, "abc-_");
	assert_string_equal(got.retry, "5");
	assert_string_equal(got.location, "https://localhost/x");
	assert_string_equal(got.body.p, "{\"a\":1}");
	assert_false(got.doubled);
}

static void
what_is_sent(void **state)
{
	const char *sent;

	(void)state;
	post("good", "echo");
	sent = (const char *)got.body.p;
	assert_int_equal(strncmp(sent, "POST /echo HTTP/1.1\r\n", 21), 0);
	assert_non_null(strstr(sent, "\r\nUser-Agent: everleaf/"
	    PACKAGE_VERSION " libcurl/"));
	assert_non_null(strstr(sent, "\r\nAccept: application/json\r\n"));
	assert_non_null(strstr(sent, "\r\nAccept-Language: en\r\n"));
	assert_non_null(strstr(sent,
	    "\r\nContent-Type: application/jose+json\r\n"));
	assert_non_null(strstr(sent, "\r\n\r\n{\"signed\":1}"));
	assert_null(strstr(sent, "Expect"));
	assert_null(strstr(sent, "Accept-Encoding"));
}

static void
connections_are_kept(void **state)
{
	uint64_t before, after, sent;
	int i;

	(void)state;
	get("ok");
	http_counts(&sent, &before);
	for (i = 0; i < 20; i++)
		ask("GET", url_of("good", "ok"), "");
	run(20);
	http_counts(&sent, &after);
	assert_true(after - before <= 1);
	assert_true(sent >= 21);
}

static void
http2_shares_one_connection(void **state)
{
	uint64_t before, after, sent;
	int i;

	(void)state;
	http_counts(&sent, &before);
	for (i = 0; i < 30; i++)
		ask("POST", url_of("h2", "x"), "{}");
	run(30);
	assert_int_equal(got.outcome, HTTP_REPLIED);
	assert_string_equal(got.body.p, "{}");
	http_counts(&sent, &after);
	assert_int_equal(after - before, 1);
}

/* The server's word for what was spoken; "" and got.err if nothing was. */
static const char *
spoken(const char *listener, const char *version)
{
	struct http_request r = { .method = "GET", .reply_max = 4096,
		.url = url_of(listener, "ok"), .trust = roots,
		.version = version };

	http_send(&r, on_done, NULL);
	run(1);
	return got.outcome == HTTP_REPLIED ? (const char *)got.body.p : "";
}

static void
the_version_may_be_chosen(void **state)
{
	(void)state;
	assert_string_equal(spoken("both", NULL), "2");
	assert_string_equal(spoken("both", "1.1"), "1.1");
	assert_string_equal(spoken("both", "auto"), "2");
	assert_string_equal(spoken("both", "2"), "2");
	assert_string_equal(spoken("good", "1.1"), "{\"a\":1}");
	assert_string_equal(spoken("good", "auto"), "{\"a\":1}");
	assert_string_equal(spoken("good", "2"), "");
	assert_lost(ERR_CA_PROTOCOL, "it answers by HTTP/1.1, and "
	    "http-version = 2 takes no other than HTTP/2");
	assert_string_equal(got.err.advice, "Leave out http-version in the "
	    "block of this CA");
}

/* Origins take turns even where one alone could fill all the room. */
static void
busy_origins_share(void **state)
{
	unsigned all = http_limits.running;
	int64_t began = loop_mono();
	int i;

	(void)state;
	http_limits.running = 2;
	for (i = 0; i < 10; i++)
		ask("GET", url_of("good", "slow"), "");
	ask("GET", url_of("good-too", "echo"), "");
	got.status = 0;
	run(3);
	/* the third answer at the latest is the other's */
	assert_true(loop_mono() - began < 900);
	assert_int_equal(strncmp((char *)got.body.p, "GET /echo", 9), 0);
	http_limits.running = all;
	run(8);
}

static bool inside;

static void
on_cancelled(void *ctx, const struct http_reply *r)
{
	(void)ctx;
	(void)r;
	fail_msg("a cancelled exchange completed");
}

static void
cancelled_ones_stay_silent(void **state)
{
	struct http_request r = { .method = "GET", .reply_max = 4096,
		.trust = roots };
	struct http_exchange *x[10];
	int i;

	(void)state;
	r.url = url_of("good", "slow");
	for (i = 0; i < 9; i++)
		x[i] = http_send(&r, on_cancelled, NULL);
	r.url = "ftp://x/";
	x[9] = http_send(&r, on_cancelled, NULL);
	for (i = 9; i >= 0; i--)
		http_cancel(x[i]);
	get("ok");
	assert_int_equal(got.outcome, HTTP_REPLIED);
}

static void
on_wrong(void *ctx, const struct http_reply *r)
{
	(void)ctx;
	assert_false(inside);
	on_done(NULL, r);
}

static void
wrong_urls(void **state)
{
	static const char *const urls[] = {
		"", "x", "http://localhost/", "file:///etc/passwd",
		"https://", "https://user@localhost/", "gopher://localhost/",
		"https://a b/"
	};
	struct http_request r = { .method = "GET", .reply_max = 4096 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		r.url = urls[i];
		inside = true;
		http_send(&r, on_wrong, NULL);
		inside = false;
		run(1);
		assert_int_equal(got.outcome, HTTP_NOT_SENT);
		assert_int_equal(got.err.code, ERR_CA_PROTOCOL);
	}
}

static void
nothing_listens(void **state)
{
	(void)state;
	ask("POST", "https://127.0.0.1:1/", "{}");
	run(1);
	assert_int_equal(got.outcome, HTTP_NOT_SENT);
	assert_int_equal(got.err.code, ERR_CA_DOWN);
	assert_non_null(strstr(got.err.text, "127.0.0.1:1"));
	assert_non_null(strstr(got.err.text, "Connection refused"));
	ask("POST", "https://no-such-host.invalid/", "{}");
	run(1);
	assert_int_equal(got.outcome, HTTP_NOT_SENT);
	assert_int_equal(got.err.code, ERR_CA_DOWN);
	assert_non_null(strstr(got.err.text, "no-such-host.invalid"));
}

static void
c8_inner_addresses(void **state)
{
	struct http_request r = { .method = "GET", .reply_max = 4096,
		.trust = roots, .no_inner = true };
	/* on a port of its own, so that no kept connection serves it */
	const char *url = url_of("old-tls", "ok");

	(void)state;
	r.url = url;
	http_send(&r, on_done, NULL);
	run(1);
	assert_int_equal(got.outcome, HTTP_NOT_SENT);
	assert_int_equal(got.err.code, ERR_CA_DOWN);
	assert_non_null(strstr(got.err.text, "private address"));
}

/* --- table A --------------------------------------------------------------*/

static void
a1_endless_head(void **state)
{
	(void)state;
	get("a1-lines");
	assert_lost(ERR_CA_PROTOCOL, "head of its answer");
	get("a1-line");
	assert_lost(ERR_CA_PROTOCOL, "too long");
}

static void
a2_endless_body(void **state)
{
	(void)state;
	get("a2");
	assert_lost(ERR_CA_PROTOCOL, "longer than");
}

static void
a3_huge_length(void **state)
{
	int64_t began = loop_mono();

	(void)state;
	get("a3");
	assert_lost(ERR_CA_PROTOCOL, "longer than");
	assert_true(loop_mono() - began < 2500);
}

static void
a4_cut_bodies(void **state)
{
	static const char *const paths[] = { "a4-short", "a4-cut",
		"a4-last" };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		get(paths[i]);
		assert_lost(ERR_CA_PROTOCOL, "cut off");
		assert_null(got.body.p);
	}
}

static void
a5_slow_body_stops_nobody_else(void **state)
{
	int64_t all = http_limits.timeout_ms, began = loop_mono();
	int i;

	(void)state;
	http_limits.timeout_ms = 8000;
	ask("GET", url_of("good", "a5"), "");
	ask("GET", url_of("good", "a5"), "");
	for (i = 0; i < 5; i++)
		ask("POST", url_of("good-too", "ok"), "{}");
	run(5);
	assert_int_equal(got.outcome, HTTP_REPLIED);
	assert_true(loop_mono() - began < 1900);
	run(2);
	assert_lost(ERR_CA_DOWN, "too slowly");
	assert_true(loop_mono() - began < 7000);
	http_limits.timeout_ms = all;
}

static void
a6_never_answers(void **state)
{
	(void)state;
	http_limits.slow_s = 10;
	get("a6");
	assert_lost(ERR_CA_DOWN, "no whole answer within 3 seconds");
	http_limits.slow_s = 2;
	ask("POST", url_of("silent", ""), "{}");
	run(1);
	assert_int_equal(got.outcome, HTTP_NOT_SENT);
	assert_int_equal(got.err.code, ERR_CA_DOWN);
	assert_non_null(strstr(got.err.text, "within 1 seconds"));
}

/* Slower than is good for all else: only the exchange's own end ends it. */
static void
a6_works_before_it_answers(void **state)
{
	struct http_request r = { .method = "POST", .url = url_of("good",
		"a6"), .reply_max = 4096, .trust = roots, .patient = true };

	(void)state;
	ask("POST", url_of("good", "a6"), "{}");
	run(1);
	assert_lost(ERR_CA_DOWN, "too slowly");
	http_send(&r, on_done, NULL);
	run(1);
	assert_lost(ERR_CA_DOWN, "no whole answer within 3 seconds");
}

static void
a7_flood_of_1xx(void **state)
{
	(void)state;
	get("a7");
	assert_lost(ERR_CA_PROTOCOL, "head of its answer");
}

static void
a8_bomb_is_not_decoded(void **state)
{
	(void)state;
	get("a8");
	assert_int_equal(got.outcome, HTTP_REPLIED);
	assert_true(got.body.len < 2000);
	assert_int_equal(got.body.p[0], 0x1f);
	assert_int_equal(got.body.p[1], 0x8b);
}

/* Finding 1: on a kept connection that dies after the POST was read. */
static void
a9_no_post_goes_out_twice(void **state)
{
	static const char *const paths[] = { "a9-rst", "a9-fin" };
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		get("ok");
		post("good", paths[i]);
		assert_outcome(HTTP_LOST, ERR_CA_DOWN, "connection");
		assert_int_equal(count_of(paths[i]), 1);
	}
}

static void
a10_http2_goaway_and_reset(void **state)
{
	static const struct { const char *name; enum http_outcome outcome; }
	rows[] = { { "goaway", HTTP_LOST }, { "goaway-error", HTTP_LOST },
		{ "refused", HTTP_CUT }, { "cancelled", HTTP_LOST } };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		post(rows[i].name, "x");
		if (got.outcome != rows[i].outcome)
			fail_msg("%s: %d %s", rows[i].name, (int)got.outcome,
			    got.err.text);
		assert_int_equal(got.err.class, ERR_LATER);
		assert_int_equal(count_of(rows[i].name), 1);
	}
}

/* Frames without end that carry nothing: curl 7.88 would read them for ever,
 * inside of one call. */
static void
a11_flood(void **state)
{
	int64_t all = http_limits.timeout_ms, began = loop_mono();

	(void)state;
	http_limits.timeout_ms = 20000;
	post("flood", "x");
	http_limits.timeout_ms = all;
	assert_lost(ERR_CA_PROTOCOL, "floods the connection");
	assert_true(loop_mono() - began < 15000);
	assert_int_equal(count_of("flood"), 1);
}

static void
a12_no_tls(void **state)
{
	static const struct {
		const char *listener;
		enum err_code code;
		const char *words;
	} rows[] = {
		{ "garbage", ERR_CA_TLS, "TLS handshake" },
		{ "alert", ERR_CA_TLS, "TLS handshake" },
		{ "old-tls", ERR_CA_TLS, "TLS handshake" },
		{ "expired", ERR_CA_TLS, "certificate has expired" },
		{ "other", ERR_CA_TLS, "for other names" },
		{ "self", ERR_CA_TLS, "not trusted (self" },
		{ "walk-off", ERR_CA_DOWN, "broke during the TLS handshake" },
		{ "hang-up", ERR_CA_DOWN, "broke during the TLS handshake" }
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		post(rows[i].listener, "never");
		assert_int_equal(got.outcome, HTTP_NOT_SENT);
		if (got.err.code != rows[i].code ||
		    strstr(got.err.text, rows[i].words) == NULL)
			fail_msg("%s: %s", rows[i].listener, got.err.text);
		assert_null(strstr(got.err.advice, "verif"));
	}
	assert_int_equal(count_of("never"), 0);
}

static void
a13_no_http(void **state)
{
	(void)state;
	get("a13-nul");
	assert_int_equal(got.outcome, HTTP_LOST);
	assert_int_equal(got.err.code, ERR_CA_PROTOCOL);
	get("a13-old");
	assert_lost(ERR_CA_PROTOCOL, "no HTTP");
	get("a13-same-lengths");
	assert_int_equal(got.outcome, HTTP_REPLIED);
	assert_true(got.doubled);
	get("a13-lengths");
	assert_true(got.outcome == HTTP_LOST || got.doubled);
}

static void
a14_a15_other_answers(void **state)
{
	(void)state;
	get("a14");
	assert_int_equal(got.outcome, HTTP_REPLIED);
	assert_string_equal(got.type, "text/html");
	get("a15");
	assert_int_equal(got.status, 503);
	assert_string_equal(got.retry, "120");
}

static void
a16_redirects_are_not_followed(void **state)
{
	static const struct { const char *path; int status; } rows[] = {
		{ "a16-301", 301 }, { "a16-302", 302 }, { "a16-307", 307 },
		{ "a16-308", 308 }, { "a16-file", 302 }
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		get(rows[i].path);
		assert_int_equal(got.outcome, HTTP_REPLIED);
		assert_int_equal(got.status, rows[i].status);
		assert_string_not_equal(got.location, "(none)");
		post("good", rows[i].path);
		assert_int_equal(got.status, rows[i].status);
	}
	assert_int_equal(count_of("never"), 0);
}

static void
a17_two_nonces(void **state)
{
	(void)state;
	get("a17");
	assert_int_equal(got.outcome, HTTP_REPLIED);
	assert_true(got.doubled);
	assert_string_equal(got.nonce, "one");
}

static void
c4_links_are_joined(void **state)
{
	static const char *const lines[] = {
		"HTTP/1.1 200 OK\r\n", "Link: <https://ca.example/1>\r\n",
		"Replay-Nonce: x\r\n",
		"LINK:<https://ca.example/2>;rel=up\r\n", "\r\n"
	};
	struct http_head h;
	size_t i;

	(void)state;
	memset(&h, 0, sizeof(h));
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_true(http_head_line(&h, lines[i], strlen(lines[i]),
		    HTTP_HEAD_MAX));
	assert_true(h.whole);
	assert_false(h.doubled);
	assert_string_equal(h.field[HEAD_LINK], "<https://ca.example/1>, "
	    "<https://ca.example/2>;rel=up");
	http_head_free(&h);
}

#define N(name, f) { name, f, NULL, NULL, NULL }

static void
a_look_asks_one_address(void **state)
{
	int64_t before;

	(void)state;
	look("self", "https", "count/x", "127.0.0.1", 5000);
	assert_int_equal(got.outcome, HTTP_REPLIED);
	look("expired", "https", "count/x", "127.0.0.1", 5000);
	assert_int_equal(got.outcome, HTTP_REPLIED);
	look("self", "http", "count/x", "127.0.0.1", 5000);
	assert_int_not_equal(got.outcome, HTTP_REPLIED);
	assert_null(strstr(got.err.text, "no https URL"));
	/* Nobody has that one (RFC 5737). */
	before = loop_mono();
	look("self", "https", "count/x", "203.0.113.1", 500);
	assert_int_not_equal(got.outcome, HTTP_REPLIED);
	assert_true(loop_mono() - before < 2000);
	look("good", "ftp", "count/x", "127.0.0.1", 5000);
	assert_int_equal(got.outcome, HTTP_NOT_SENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_and_body),
		cmocka_unit_test(what_is_sent),
		cmocka_unit_test(a_look_asks_one_address),
		cmocka_unit_test(connections_are_kept),
		cmocka_unit_test(http2_shares_one_connection),
		cmocka_unit_test(the_version_may_be_chosen),
		cmocka_unit_test(busy_origins_share),
		cmocka_unit_test(cancelled_ones_stay_silent),
		cmocka_unit_test(wrong_urls),
		cmocka_unit_test(nothing_listens),
		N("C8 inner addresses", c8_inner_addresses),
		N("A1 endless head", a1_endless_head),
		N("A2 endless body", a2_endless_body),
		N("A3 huge length", a3_huge_length),
		N("A4 cut bodies", a4_cut_bodies),
		N("A5 slow body stops nobody else",
		    a5_slow_body_stops_nobody_else),
		N("A6 never answers", a6_never_answers),
		N("A6 works before it answers", a6_works_before_it_answers),
		N("A7 flood of 1xx", a7_flood_of_1xx),
		N("A8 bomb is not decoded", a8_bomb_is_not_decoded),
		N("A9 no POST goes out twice", a9_no_post_goes_out_twice),
		N("A10 HTTP/2: GOAWAY and RST_STREAM",
		    a10_http2_goaway_and_reset),
		N("A11 flood", a11_flood),
		N("A12 no TLS, or not the right one", a12_no_tls),
		N("A13 no HTTP", a13_no_http),
		N("A14 portal, A15 busy", a14_a15_other_answers),
		N("A16 redirects are not followed",
		    a16_redirects_are_not_followed),
		N("A17 two nonces", a17_two_nonces),
		N("C4 links are joined", c4_links_are_joined)
	};

	if (access(PYTHON, X_OK) != 0) {
		printf("1..0 # SKIP " PYTHON " is missing\n");
		return 0;
	}
	if (getenv("HTTP_TEST_DEBUG") != NULL)
		log_open("test", LOG_LEVEL_DEBUG);
	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
