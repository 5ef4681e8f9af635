/* Renewal windows (RFC 9773): what is believed of them, and when to ask. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acme/ari.h"

#define HOUR_MS ((int64_t)3600 * 1000)
#define DAY_MS (24 * HOUR_MS)
#define NOW_MS ((int64_t)1795219200000)	/* 2026-11-21T00:00:00Z */
#define WINDOW(start, end) "{\"suggestedWindow\":{\"start\":\"" start \
	"\",\"end\":\"" end "\"}}"
#define GOOD WINDOW("2027-01-19T00:00:00Z", "2027-01-21T00:00:00.5+01:00")

static const struct acme_life ninety = { NOW_MS, NOW_MS + 90 * DAY_MS };

static int
read_it(struct acme_ari *a, const char *body, const char *retry_after,
    int status, const struct acme_life *life, struct err *err)
{
	struct acme_reply r = { .status = status, .body = body,
	    .body_len = strlen(body), .retry_after = retry_after,
	    .content_type = status == 200 ? "application/json" : NULL };

	err_clear(err);
	return acme_ari_read(a, &r, life, NOW_MS, err);
}

static void
addresses(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, ACME_URL_MAX);
	assert_true(acme_ari_url(&b, "https://ca.example/ari",
	    "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"));
	assert_string_equal(b.data, "https://ca.example/ari/"
	    "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	assert_true(acme_ari_url(&b, "https://ca.example/ari//", "a.b"));
	assert_string_equal(b.data, "https://ca.example/ari/a.b");
	buf_free(&b);
	buf_init(&b, 20);
	assert_false(acme_ari_url(&b, "https://ca.example/ari", "a.b"));
	buf_free(&b);
}

static void
a_window(void **state)
{
	struct acme_ari a;
	struct err err;

	(void)state;
	assert_int_equal(read_it(&a, GOOD, "21600", 200, &ninety, &err), 0);
	assert_true(a.start_ms == NOW_MS + 59 * DAY_MS);
	assert_true(a.end_ms == NOW_MS + 61 * DAY_MS - HOUR_MS + 500);
	assert_true(a.ask_ms == NOW_MS + 6 * HOUR_MS);
	assert_string_equal(a.explanation, "");
	assert_false(acme_ari_is_past(&a, NOW_MS));
	assert_true(acme_ari_is_past(&a, a.end_ms));
}

static void
b15_windows_that_are_none(void **state)
{
	static const char *const bad[] = {
		WINDOW("2027-01-21T00:00:00Z", "2027-01-19T00:00:00Z"),
		WINDOW("2027-01-21T00:00:00Z", "2027-01-21T00:00:00Z"),
		WINDOW("2027-01-21T00:00:00Z", "2037-01-21T00:00:00Z"),
		WINDOW("soon", "2027-01-21T00:00:00Z"),
		"{\"suggestedWindow\":{\"start\":\"2027-01-21T00:00:00Z\"}}",
		"{\"suggestedWindow\":{\"end\":\"2027-01-21T00:00:00Z\"}}",
		"{\"suggestedWindow\":[]}", "{}", "", "[]", "<html>"
	};
	struct acme_ari a;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_it(&a, bad[i], NULL, 200, &ninety,
		    &err), -1);
		assert_int_equal(err.code, ERR_CA_PROTOCOL);
		assert_true(err.retry_at_ms == NOW_MS + 6 * HOUR_MS);
	}
	assert_int_equal(read_it(&a, "", "30", 503, &ninety, &err), -1);
	assert_int_equal(err.code, ERR_CA_DOWN);
	assert_true(err.retry_at_ms == NOW_MS + 60 * 1000);
	assert_int_equal(read_it(&a, "", NULL, 404, &ninety, &err), -1);
	assert_true(err.retry_at_ms == NOW_MS + 6 * HOUR_MS);
}

static void
b15_explanations(void **state)
{
	static const struct { const char *url; bool good; } t[] = {
		{ "https://ca.example/why?x=1", true },
		{ "https://other.example/", true },
		{ "http://ca.example/why", false },
		{ "javascript:alert(1)", false },
		{ "https://ca.example/a b", false },
		{ "https://ca.example/\\u202e", false },
		{ "https://ca.example/<b>", false },
		{ "https://ca.example/\\n", false },
		{ "https://ca@evil.example/", false },
		{ "", false }
	};
	char body[2048], much[700];
	struct acme_ari a;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(body, sizeof(body), "%.*s,\"explanationURL\":\"%s\"}",
		    (int)strlen(GOOD) - 1, GOOD, t[i].url);
		assert_int_equal(read_it(&a, body, NULL, 200, &ninety, &err),
		    0);
		assert_string_equal(a.explanation, t[i].good ? t[i].url : "");
	}
	memset(much, 'a', sizeof(much));
	much[sizeof(much) - 1] = '\0';
	snprintf(body, sizeof(body), "%.*s,\"explanationURL\":\"https://"
	    "ca.example/%s\"}", (int)strlen(GOOD) - 1, GOOD, much);
	assert_int_equal(read_it(&a, body, NULL, 200, &ninety, &err), 0);
	assert_string_equal(a.explanation, "");
}

static void
b15_picks(void **state)
{
	static const struct acme_life six = { NOW_MS, NOW_MS + 6 * DAY_MS };
	static const struct acme_life one = { NOW_MS, NOW_MS + DAY_MS };
	struct acme_ari a = { .start_ms = NOW_MS + 59 * DAY_MS,
	    .end_ms = NOW_MS + 61 * DAY_MS };
	uint64_t i, half = 0;
	int64_t at;

	(void)state;
	for (i = 0; i < 1000; i++) {
		at = acme_ari_pick(&a, &ninety, i * 0x9e3779b97f4a7c15u);
		assert_true(at >= a.start_ms && at < a.end_ms);
		half += at < a.start_ms + DAY_MS;
	}
	assert_in_range(half, 450, 550);
	/* Long ago: at once, but not at once after issuance. */
	a.start_ms = NOW_MS - 400 * DAY_MS;
	a.end_ms = a.start_ms + 1;
	assert_true(acme_ari_pick(&a, &ninety, 7) == NOW_MS + HOUR_MS / 6);
	assert_true(acme_ari_is_past(&a, NOW_MS));
	/* Far away: in time. */
	a.start_ms = NOW_MS + 400 * DAY_MS;
	a.end_ms = a.start_ms + 1;
	assert_true(acme_ari_pick(&a, &ninety, 7) == NOW_MS + 72 * DAY_MS);
	assert_true(acme_ari_pick(&a, &six, 7) == NOW_MS +
	    6 * DAY_MS - 6 * DAY_MS / 5);
	assert_true(acme_ari_pick(&a, &one, 7) == NOW_MS + 16 * HOUR_MS);
}

static void
b15_when_to_ask(void **state)
{
	static const struct acme_life six = { NOW_MS, NOW_MS + 6 * DAY_MS };
	static const struct acme_life hour = { NOW_MS, NOW_MS + HOUR_MS };
	static const struct {
		const char *value;
		const struct acme_life *life;
		int64_t wait;
	} t[] = {
		{ NULL, &ninety, 6 * HOUR_MS },
		{ "garbage", &ninety, 6 * HOUR_MS },
		{ "-1", &ninety, 6 * HOUR_MS },
		{ "0", &ninety, 60 * 1000 },
		{ "3600", &ninety, HOUR_MS },
		{ "9999999999999999999", &ninety, DAY_MS },
		{ "Sat, 21 Nov 2026 02:00:00 GMT", &ninety, 2 * HOUR_MS },
		{ "86400", &six, 6 * DAY_MS / 20 },
		{ NULL, &six, 6 * HOUR_MS },
		{ NULL, &hour, 3 * 60 * 1000 },
		{ "21600", &hour, 3 * 60 * 1000 }
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (acme_ari_ask_at(t[i].value, t[i].life, NOW_MS) !=
		    NOW_MS + t[i].wait)
			fail_msg("row %zu", i);
}

#define N(name, f) { name, f, NULL, NULL, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(a_window),
		N("B15 windows that are none", b15_windows_that_are_none),
		N("B15 explanations", b15_explanations),
		N("B15 picks", b15_picks),
		N("B15 when to ask", b15_when_to_ask)
	};

	return cmocka_run_group_tests_name("acme_ari", tests, NULL, NULL);
}
