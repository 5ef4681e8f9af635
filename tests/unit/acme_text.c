/* The small parsers: addresses, Retry-After, the CA's objects, problems. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acme/codec.h"
#include "acme/pace.h"
#include "acme/url.h"

#define ORIGIN "https://ca.example"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- addresses ------------------------------------------------------------ */

static void
origins(void **state)
{
	static const struct { const char *url, *origin; } t[] = {
		{ "https://ca.example/dir", "https://ca.example" },
		{ "HTTPS://CA.Example:443/dir?x=%20", "https://ca.example" },
		{ "https://ca.example", "https://ca.example" },
		{ "https://ca.example?x", "https://ca.example" },
		{ "https://ca.example:14000/d", "https://ca.example:14000" },
		{ "https://127.0.0.1:14000/d", "https://127.0.0.1:14000" },
		{ "https://[2001:DB8::1]:9/d", "https://[2001:db8::1]:9" },
		{ "https://[::1]/", "https://[::1]" }
	};
	struct buf b;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		buf_init(&b, 1000);
		assert_int_equal(acme_url_origin(&b, t[i].url, &err), 0);
		assert_string_equal(b.data, t[i].origin);
		buf_free(&b);
	}
}

static void
no_origin(const char *url)
{
	struct buf b;
	struct err err;

	err_clear(&err);
	buf_init(&b, 1000);
	if (acme_url_origin(&b, url, &err) == 0)
		fail_msg("%s was accepted", url);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(url_same_origin(url, ORIGIN, "x", &err), -1);
	assert_int_equal(err.code, ERR_CA_PROTOCOL);
	buf_free(&b);
}

static void
c1_plain_http(void **state)
{
	(void)state;
	no_origin("http://ca.example/order");
}

static void
c2_elsewhere(void **state)
{
	static const char *const malformed[] = {
		"https://ca.example@evil.example/", "https://ca@ca.example/",
		"https://ca.example./x", "https://.ca.example/",
		"https://ca..example/", "https:///x", "https://",
		"https://ca.example:/x", "https://ca.example:0/x",
		"https://ca.example:65536/x", "https://ca.example:0443/x",
		"https://ca.example:44x/x", "https://[::1/x",
		"https://[fe80::1%25eth0]/x", "https://c\xd0\xb0.example/x",
		"https://ca%2eexample/x", "https://ca.example\\@evil.example/"
	};
	static const char *const other[] = {
		"https://169.254.169.254/latest", "https://localhost:6379/",
		"https://evil.example/", "https://ca.example:8443/",
		"https://ca.example.evil.example/", "https://[::1]/",
		"https://xca.example/", "https://ca.exampl/"
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(malformed); i++)
		no_origin(malformed[i]);
	for (i = 0; i < COUNT(other); i++)
		assert_int_equal(url_same_origin(other[i], ORIGIN, "x", &err),
		    -1);
	assert_int_equal(url_same_origin("https://CA.example:443/x", ORIGIN,
	    "x", &err), 0);
}

static void
c3_other_schemes(void **state)
{
	static const char *const t[] = {
		"", "h", "https:", "https:/", "file:///etc/passwd",
		"gopher://ca.example/", "dict://ca.example/", "//ca.example/",
		"/order/1", "order/1", "javascript:alert(1)",
		"https://ca.example/a b", "https://ca.example/a\r\nHost: x",
		"https://ca.example/a\tb", "https://ca.example/#f",
		"https://ca.example/\x7f", "https://ca.example/\"",
		" https://ca.example/"
	};
	char *huge = xcalloc(100001, 1);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		no_origin(t[i]);
	memset(huge, 'a', 100000);
	memcpy(huge, ORIGIN "/", strlen(ORIGIN) + 1);
	no_origin(huge);
	huge[ACME_URL_MAX + 1] = '\0';
	no_origin(huge);
	huge[ACME_URL_MAX] = '\0';
	assert_int_equal(url_same_origin(huge, ORIGIN, "x",
	    &(struct err){ 0 }), 0);
	free(huge);
}

static void
c6_retry_after(void **state)
{
	static const struct { const char *value; int64_t wait; } t[] = {
		{ "0", 5000 }, { "30", 30000 }, { " 30 ", 30000 },
		{ "1000000000", 100000 }, { "100", 100000 },
		{ "9999999999999999999999", 100000 },
		{ "9223372036854775807", 100000 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 5000 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", 60000 },
		{ "Sunday, 06-Nov-94 08:50:37 GMT", 60000 },
		{ "Sun Nov  6 08:50:37 1994", 60000 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", 100000 }
	};
	static const char *const garbage[] = {
		"", " ", "-1", "abc", "1e9", "1.5", "+3", "0x10", "3 4",
		"Fri, 31 Dec 9999", "Sun, 06 Nov 1994 08:49:37 CET",
		"9999999999999999999999999999999999999999999999999999999999999"
		"999999999999999999"
	};
	const int64_t now = 784111777000;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++)
		if (acme_retry_after(t[i].value, now, 5000, 100000) !=
		    now + t[i].wait)
			fail_msg("%s", t[i].value);
	for (i = 0; i < COUNT(garbage); i++)
		assert_true(acme_retry_after(garbage[i], now, 5000, 100000) ==
		    0);
	assert_true(acme_retry_after(NULL, now, 1, 2) == 0);
	assert_true(acme_retry_after("99999999999999999999", INT64_MAX - 5,
	    1, INT64_MAX) == INT64_MAX);
}

/* --- objects -------------------------------------------------------------- */

#define ORDER(more) "{\"status\":\"pending\",\"identifiers\":[{\"type\":" \
	"\"dns\",\"value\":\"www.shop.example\"}],\"finalize\":\"" ORIGIN \
	"/f\",\"authorizations\":[\"" ORIGIN "/a\"]" more "}"

static int
order(const char *text, struct err *err)
{
	struct order_object o;
	int rc = codec_order(&o, text, strlen(text), ORIGIN, err);

	if (rc == 0)
		order_object_free(&o);
	else
		assert_int_equal(err->code, ERR_CA_PROTOCOL);
	return rc;
}

static void
nested(struct buf *b, int depth)
{
	int i;

	buf_puts(b, "{\"x\":");
	for (i = 0; i < depth; i++)
		buf_putc(b, '[');
	for (i = 0; i < depth; i++)
		buf_putc(b, ']');
	buf_putc(b, '}');
}

static void
b1_depth(void **state)
{
	static const int depths[] = { 16, 2000, 100000 };
	struct err err;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(depths); i++) {
		buf_init(&b, 300000);
		nested(&b, depths[i]);
		assert_int_equal(order(b.data, &err), -1);
		assert_non_null(strstr(err.text, "nested too deeply"));
		buf_free(&b);
	}
	buf_init(&b, 300);
	nested(&b, ACME_JSON_DEPTH_MAX - 1);
	assert_int_equal(order(b.data, &err), -1);
	assert_null(strstr(err.text, "nested"));
	buf_free(&b);
	/* Brackets in a text are no depth. */
	assert_int_equal(order(ORDER(",\"x\":\"[[[[[[[[[[[[[[[[[[[[[\\\"[[\""),
	    &err), 0);
}

static void
b2_size(void **state)
{
	struct err err;
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 2 << 20);
	buf_puts(&b, "{\"x\":[{}");
	for (i = 0; i < 80000; i++)
		buf_puts(&b, ",{}");
	buf_puts(&b, "]}");
	assert_int_equal(order(b.data, &err), -1);
	assert_non_null(strstr(err.text, "too many"));
	for (i = 0; i < 20000; i++)
		buf_puts(&b, ",{}");
	assert_int_equal(order(b.data, &err), -1);
	assert_non_null(strstr(err.text, "too long"));
	buf_free(&b);
}

static void
b3_types(void **state)
{
	static const char *const good[] = {
		ORDER(""), ORDER(",\"new\":{\"a\":[1,2]}"),
		ORDER(",\"error\":null"), ORDER(",\"certificate\":null"),
		ORDER(",\"expires\":\"2026-11-21T00:00:00.123456789+01:00\""),
		ORDER(",\"expires\":\"0001-01-01T00:00:00Z\"")
	};
	static const char *const wrong[] = {
		"", "null", "[]", "\"x\"", "{", "{\"status\":\"pending\"}",
		ORDER(",\"status\":\"valid\""),
		ORDER(",\"status\":\"pending\""),
		ORDER(",\"expires\":1"), ORDER(",\"expires\":\"soon\""),
		ORDER(",\"certificate\":7"), ORDER(",\"error\":\"x\""),
		ORDER(",\"certificate\":\"http://ca.example/\""),
		ORDER("") "x",
		"{\"status\":null,\"identifiers\":[],\"finalize\":\"x\"}",
		"{\"status\":7,\"identifiers\":[],\"finalize\":\"" ORIGIN
		    "/\"}",
		"{\"status\":\"pending\",\"identifiers\":{},\"finalize\":\""
		    ORIGIN "/\"}",
		"{\"status\":\"pending\",\"identifiers\":[\"x\"],"
		    "\"finalize\":\"" ORIGIN "/\"}",
		"{\"status\":\"pending\",\"identifiers\":[{\"type\":\"ip\","
		    "\"value\":\"shop.example\"}],\"finalize\":\"" ORIGIN
		    "/\"}",
		"{\"status\":\"valid\",\"identifiers\":[],\"finalize\":\""
		    ORIGIN "/\"}"
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		if (order(good[i], &err) != 0)
			fail_msg("%s: %s", good[i], err.text);
	for (i = 0; i < COUNT(wrong); i++)
		if (order(wrong[i], &err) == 0)
			fail_msg("accepted: %s", wrong[i]);
}

static void
b3_directory(void **state)
{
#define DIR3 "{\"newNonce\":\"" ORIGIN "/n\",\"newAccount\":\"" ORIGIN \
	"/a\",\"newOrder\":\"" ORIGIN "/o\""
	static const char *const wrong[] = {
		"{}", "{\"newNonce\":\"" ORIGIN "/n\"}",
		DIR3 ",\"meta\":7}", DIR3 ",\"meta\":{\"profiles\":[]}}",
		DIR3 ",\"meta\":{\"termsOfService\":[]}}",
		DIR3 ",\"renewalInfo\":\"https://evil.example/\"}"
	};
	static const char text[] = DIR3 ",\"renewalInfo\":null,\"zz\":\"x\","
	    "\"meta\":{\"termsOfService\":\"\\u001b[2J\",\"profiles\":"
	    "{\"a\":\"A\",\"b c\":\"B\"}}}";
	struct directory d;
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(codec_directory(&d, text, strlen(text), ORIGIN,
	    &err), 0);
	assert_string_equal(d.new_order, ORIGIN "/o");
	assert_string_equal(d.terms, "\\x1b[2J");
	assert_null(d.renewal_info);
	assert_int_equal(d.profiles.n, 1);
	directory_free(&d);
	for (i = 0; i < COUNT(wrong); i++)
		assert_int_equal(codec_directory(&d, wrong[i],
		    strlen(wrong[i]), ORIGIN, &err), -1);
}

#define AUTHZ(ident, more) "{\"status\":\"pending\",\"identifier\":" \
	"{\"type\":\"dns\",\"value\":\"" ident "\"}" more "}"

static void
b6_authz_identifier(void **state)
{
	static const char wild[] = AUTHZ("Shop.Example",
	    ",\"wildcard\":true,\"challenges\":[]");
	static const char *const wrong[] = {
		AUTHZ("*.shop.example", ""),
		AUTHZ("", ""), AUTHZ("a b", ""),
		AUTHZ("shop.example", ",\"wildcard\":\"true\""),
		"{\"status\":\"pending\",\"identifier\":{\"type\":\"ip\","
		    "\"value\":\"192.0.2.1\"},\"wildcard\":true}",
		"{\"status\":\"pending\",\"identifier\":\"shop.example\"}",
		"{\"status\":\"pending\"}"
	};
	struct authz_object a;
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(codec_authz(&a, wild, strlen(wild), ORIGIN, &err),
	    0);
	assert_string_equal(a.ident, "*.shop.example");
	authz_object_free(&a);
	for (i = 0; i < COUNT(wrong); i++)
		assert_int_equal(codec_authz(&a, wrong[i], strlen(wrong[i]),
		    ORIGIN, &err), -1);
}

static void
b7_many(void **state)
{
	struct order_object o;
	struct authz_object a;
	struct err err;
	struct buf b;
	int i, n;

	(void)state;
	for (n = ACME_AUTHZ_MAX; n <= ACME_AUTHZ_MAX + 1; n++) {
		buf_init(&b, ACME_JSON_MAX);
		buf_puts(&b, "{\"status\":\"pending\",\"identifiers\":[],"
		    "\"finalize\":\"" ORIGIN "/f\",\"authorizations\":[");
		for (i = 0; i < n; i++)
			buf_printf(&b, "%s\"" ORIGIN "/%d\"", i ? "," : "",
			    i / 2);
		buf_puts(&b, "]}");
		assert_int_equal(codec_order(&o, b.data, b.len, ORIGIN,
		    &err), n > ACME_AUTHZ_MAX ? -1 : 0);
		if (n <= ACME_AUTHZ_MAX) {
			assert_int_equal(o.authz.n, ACME_AUTHZ_MAX / 2);
			order_object_free(&o);
		}
		buf_free(&b);
	}
	buf_init(&b, ACME_JSON_MAX);
	buf_puts(&b, "{\"status\":\"pending\",\"identifier\":{\"type\":"
	    "\"dns\",\"value\":\"a.b\"},\"challenges\":[{}");
	for (i = 0; i < 10000; i++)
		buf_puts(&b, ",{}");
	buf_puts(&b, "]}");
	assert_int_equal(codec_authz(&a, b.data, b.len, ORIGIN, &err), -1);
	buf_free(&b);
}

/* --- problems ------------------------------------------------------------- */

static void
read_reply(struct problem *p, int status, const char *body,
    const char *retry_after)
{
	struct acme_reply r = { .status = status, .body = body,
	    .body_len = strlen(body), .retry_after = retry_after };

	problem_of_reply(p, &r, 1000000);
}

static void
b9_detail(void **state)
{
	struct problem p;
	struct err err;
	struct buf b;

	(void)state;
	read_reply(&p, 400, "{\"type\":\"urn:ietf:params:acme:error:malformed"
	    "\",\"detail\":\"\\u001b]0;x\\u0007 %s%n\\r\\nline \\u202eevil"
	    " $(reboot)\"}", NULL);
	assert_string_equal(p.detail, "\\x1b]0;x\\x07 %s%n\\x0d\\x0aline "
	    "\\xe2\\x80\\xaeevil $(reboot)");
	assert_int_equal(problem_request_err(&p, JWS_READ, "it", &err), -1);
	assert_non_null(strstr(err.text, "%s%n"));
	problem_free(&p);
	buf_init(&b, 300000);
	buf_puts(&b, "{\"detail\":\"");
	while (b.len < 200000)
		buf_puts(&b, "aaaaaaaaaa");
	buf_puts(&b, "\"}");
	read_reply(&p, 400, b.data, NULL);
	assert_in_range(strlen(p.detail), 1000, ACME_DETAIL_MAX + 3);
	problem_free(&p);
	buf_free(&b);
}

static void
b10_types(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum err_code code;
	} t[] = {
		{ 400, "{\"type\":\"about:blank\"}", ERR_CA_REFUSED },
		{ 400, "{\"type\":7,\"detail\":[]}", ERR_CA_REFUSED },
		{ 400, "{}", ERR_CA_REFUSED },
		{ 500, "{\"type\":\"urn:ietf:params:acme:error:brandNew\"}",
		    ERR_CA_DOWN },
		{ 400, "{\"type\":\"malformed\"}", ERR_CA_REFUSED },
		{ 403, "{\"type\":\"urn:ietf:params:acme:error:caa\"}",
		    ERR_CAA },
		{ 403, "{\"type\":\"urn:ietf:params:acme:error:caaa\"}",
		    ERR_CA_REFUSED },
		{ 400, "{\"type\":\"urn:ietf:params:acme:error:dns\"}",
		    ERR_DNS_FAILS },
		{ 403, "{\"type\":\"urn:ietf:params:acme:error:"
		    "externalAccountRequired\"}", ERR_EAB_NEEDED },
		{ 403, "{\"type\":\"urn:ietf:params:acme:error:"
		    "userActionRequired\"}", ERR_TOS_NOT_AGREED },
		{ 400, "{\"type\":\"urn:ietf:params:acme:error:"
		    "invalidProfile\"}", ERR_PROFILE_UNKNOWN }
	};
	struct problem p;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		read_reply(&p, t[i].status, t[i].body, NULL);
		assert_int_equal(problem_request_code(&p, JWS_NEW_ORDER),
		    t[i].code);
		problem_free(&p);
	}
	buf_init(&b, 300000);
	buf_puts(&b, "{\"subproblems\":[{}");
	for (i = 0; i < 10000; i++)
		buf_puts(&b, ",{}");
	buf_puts(&b, "]}");
	read_reply(&p, 400, b.data, NULL);
	assert_int_equal(p.nsubs, ACME_SUBPROBLEMS_MAX);
	problem_free(&p);
	buf_free(&b);
}

static void
a15_without_json(void **state)
{
	static const struct {
		int status;
		const char *body, *retry;
		enum err_code code;
		int64_t at;
	} t[] = {
		{ 503, "<html>", "60", ERR_CA_DOWN, 1060000 },
		{ 502, "", NULL, ERR_CA_DOWN, 0 },
		{ 504, "", NULL, ERR_CA_DOWN, 0 },
		{ 500, "", NULL, ERR_CA_DOWN, 0 },
		{ 408, "", NULL, ERR_CA_DOWN, 0 },
		{ 429, "slow down", "1", ERR_CA_LIMIT, 1005000 },
		{ 429, "", NULL, ERR_CA_LIMIT, 0 },
		{ 403, "<html>", NULL, ERR_CA_REFUSED, 0 },
		{ 404, "", NULL, ERR_CA_REFUSED, 0 },
		{ 302, "", NULL, ERR_CA_PROTOCOL, 0 },
		{ 503, "{\"type\":\"urn:ietf:params:acme:error:rateLimited\"}",
		    NULL, ERR_CA_LIMIT, 0 },
		{ 429, "{\"type\":\"urn:ietf:params:acme:error:rateLimited\"}",
		    "99999999999", ERR_CA_LIMIT, 1000000 + 604800000 },
		{ 429, "{\"type\":\"urn:ietf:params:acme:error:rateLimited\"}",
		    NULL, ERR_CA_BLOCKED, 0 },
		{ 429, "{\"type\":\"urn:ietf:params:acme:error:rateLimited\"}",
		    "garbage", ERR_CA_LIMIT, 0 }
	};
	struct problem p;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		read_reply(&p, t[i].status, t[i].body, t[i].retry);
		problem_request_err(&p, JWS_NEW_ORDER, "it", &err);
		assert_int_equal(err.code, t[i].code);
		assert_true(err.retry_at_ms == t[i].at);
		problem_free(&p);
	}
}

static void
a14_portal(void **state)
{
	static const char *const json[] = {
		"application/json", "Application/JSON",
		"application/json; charset=utf-8", NULL
	};
	static const char *const other[] = {
		"text/html", "", "application/jsonx", "application/jose+json"
	};
	struct acme_reply r = { .status = 200, .body = "<html>\033[2J log in",
	    .body_len = 17 };
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(json); i++) {
		r.content_type = json[i];
		assert_int_equal(codec_want_json(&r, "it", &err), 0);
	}
	for (i = 0; i < COUNT(other); i++) {
		r.content_type = other[i];
		assert_int_equal(codec_want_json(&r, "it", &err), -1);
		assert_int_equal(err.class, ERR_LATER);
		assert_non_null(strstr(err.text, "<html>\\x1b[2J"));
	}
}

/* --- when to look again --------------------------------------------------- */

static void
waits_grow(void **state)
{
	static const int64_t t[] = { 250, 250, 500, 1000, 2000, 4000, 8000,
		15000, 15000 };
	struct looks looks = { 0, 0 };
	struct pace p;
	size_t i;

	(void)state;
	pace_init(&p);
	for (i = 0; i < COUNT(t); i++)
		assert_int_equal(pace_next(&p, NULL, 7, &looks), 7 + t[i]);
	while (looks.n <= 40)
		pace_next(&p, NULL, 0, &looks);
	assert_int_equal(pace_next(&p, NULL, 0, &looks), 60000);
	memset(&looks, 0, sizeof(looks));
	assert_int_equal(pace_next(&p, "3", 0, &looks), 3000);
	assert_int_equal(pace_next(&p, "0", 0, &looks), ACME_POLL_MIN_MS);
}

/* A CA that takes so long, whatever that is, is found ready nearly always. */
static void
pace_finds_the_ca(void **state)
{
	static const int64_t takes[] = { 1, 60, 400, 900 };
	struct looks looks;
	int early, total;
	struct pace p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(takes); i++) {
		pace_init(&p);
		early = 0;
		for (total = 0; total < 400; total++) {
			memset(&looks, 0, sizeof(looks));
			if (pace_next(&p, NULL, 0, &looks) < takes[i]) {
				pace_early(&p, &looks);
				early += total >= 100;
			} else
				pace_ready(&p, &looks);
		}
		assert_true(p.first_ms >= PACE_MIN_MS);
		assert_true(p.first_ms <= 2 * takes[i] + PACE_MIN_MS);
		assert_true(early <= 300 / 6);
	}
}

/* A first look (the CA chose the wait: told) that came too early, or did not,
 * n times one after the other. */
static void
learn(struct pace *p, int n, const char *told, bool early)
{
	struct looks looks;

	while (n-- > 0) {
		memset(&looks, 0, sizeof(looks));
		pace_next(p, told, 0, &looks);
		if (early)
			pace_early(p, &looks);
		else
			pace_ready(p, &looks);
	}
}

static void
pace_has_bounds(void **state)
{
	struct looks second = { 0, 0 };
	struct pace p;

	(void)state;
	pace_init(&p);
	learn(&p, 99, "3", true);
	assert_int_equal(p.first_ms, PACE_FIRST_MS);
	learn(&p, 99, NULL, true);
	assert_int_equal(p.first_ms, PACE_MAX_MS);
	pace_next(&p, NULL, 0, &second);
	pace_next(&p, NULL, 0, &second);
	pace_early(&p, &second);
	pace_ready(&p, &second);
	assert_int_equal(p.first_ms, PACE_MAX_MS);
	learn(&p, 999, NULL, false);
	assert_int_equal(p.first_ms, PACE_MIN_MS);
}

/* Many that were under way together go no further than a few. */
static void
many_teach_together(void **state)
{
	struct looks looks[64];
	struct pace p;
	size_t i;

	(void)state;
	pace_init(&p);
	memset(looks, 0, sizeof(looks));
	for (i = 0; i < COUNT(looks); i++)
		pace_next(&p, NULL, 0, &looks[i]);
	for (i = 0; i < COUNT(looks); i++)
		pace_early(&p, &looks[i]);
	assert_int_equal(p.first_ms, PACE_FIRST_MS * 3 / 2);
	memset(looks, 0, sizeof(looks));
	for (i = 0; i < COUNT(looks); i++)
		pace_next(&p, NULL, 0, &looks[i]);
	for (i = 0; i < COUNT(looks); i++)
		pace_ready(&p, &looks[i]);
	assert_in_range(p.first_ms, PACE_FIRST_MS * 9 / 8,
	    PACE_FIRST_MS * 9 / 8 + 1);
}

#define N(name, f) { name, f, NULL, NULL, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins),
		N("C1 plain http", c1_plain_http),
		N("C2 elsewhere", c2_elsewhere),
		N("C3 other schemes", c3_other_schemes),
		N("C6 Retry-After", c6_retry_after),
		cmocka_unit_test(waits_grow),
		cmocka_unit_test(pace_finds_the_ca),
		cmocka_unit_test(pace_has_bounds),
		cmocka_unit_test(many_teach_together),
		N("B1 depth", b1_depth),
		N("B2 size", b2_size),
		N("B3 types", b3_types),
		N("B3 directory", b3_directory),
		N("B6 authorization's identifier", b6_authz_identifier),
		N("B7 many", b7_many),
		N("B9 detail", b9_detail),
		N("B10 types", b10_types),
		N("A15 errors without JSON", a15_without_json),
		N("A14 portal", a14_portal)
	};

	return cmocka_run_group_tests_name("acme_text", tests, NULL, NULL);
}
