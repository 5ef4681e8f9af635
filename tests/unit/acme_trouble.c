/* Orders that a CA in memory makes difficult: validation that fails, answers
 * that take for ever, and objects that are mixed up. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acme_world.h"

/* --- validation ----------------------------------------------------------- */

static void
invalid_authz_with_cause(void **state)
{
	struct world *t = *state;

	t->ca.fail_name = "b.shop.example";
	t->types = "http-01";
	bad(t, "a.shop.example b.shop.example", ERR_CONNECTION);
	guilty_are(t, "b.shop.example");
	assert_string_equal(t->err.text, "b.shop.example: the CA could not "
	    "validate it by http-01: the CA found: 192.0.2.7: no answer");
	assert_true(acme_order_over(t->o));
	assert_int_equal(t->ca.published_ever, 2);
	/* Asked again it says the same and does nothing. */
	strv_free(&t->ca.log);
	bad(t, NULL, ERR_CONNECTION);
	assert_int_equal(t->ca.log.n, 0);
}

static void
one_failure_leaves_the_others_time(void **state)
{
	struct world *t = *state;

	t->ca.fail_name = "a.shop.example";
	t->ca.validate_ms = 3000;
	bad(t, "a.shop.example b.shop.example c.shop.example",
	    ERR_CONNECTION);
	/* Their answers were up until the CA had looked. */
	assert_true(t->ca.orders[0].authz[1].valid);
	assert_true(t->ca.orders[0].authz[2].valid);
}

static void
unauthorized_validation(void **state)
{
	struct world *t = *state;

	t->ca.fail_name = "www.shop.example";
	t->ca.fail_problem = "{\"type\":\"" URN "unauthorized\","
	    "\"detail\":\"got \\u001b[31m404\"}";
	bad(t, "www.shop.example", ERR_CHALLENGE_WRONG);
	assert_null(strchr(t->err.text, 0x1b));
	assert_non_null(strstr(t->err.text, "\\x1b[31m404"));
}

static void
b8_no_challenge_of_ours(void **state)
{
	struct world *t = *state;

	t->ca.only_type = "tls-alpn-01";
	bad(t, "www.shop.example", ERR_NO_CHALLENGE);
	assert_non_null(strstr(t->err.text, "tls-alpn-01"));
	assert_int_equal(t->ca.published_ever, 0);
	t->ca.only_type = NULL;
	t->ca.dedupe = false;
	t->ca.tweak_what = "authz";
	t->ca.tweak_from = "\"dns-01\"";
	t->ca.tweak_to = "\"dns-01 \"";
	bad(t, "*.shop.example", ERR_NO_CHALLENGE);
}

static void
publishing_fails(void **state)
{
	struct world *t = *state;
	const struct acme_event *event = NULL;
	struct acme_event ev;
	struct err why;
	struct acme_wish w;
	int shown = 0, withdrawn = 0;

	err_set(&why, ERR_HOOK_TIMEOUT, "the hook took too long");
	t->o = fake_order_by("a.shop.example b.shop.example", "http-01",
	    NULL);
	for (;;) {
		w = acme_order_step(t->o, t->s, t->ca.now_ms, event, &t->err);
		withdrawn += w.kind == ACME_WISH_WITHDRAW;
		if (!fake_do(&t->ca, t->s, t->o, &w, &ev))
			break;
		if (w.kind == ACME_WISH_PUBLISH && ++shown == 2) {
			ev.kind = ACME_ERROR;
			ev.err = &why;
		}
		event = &ev;
	}
	assert_int_equal(w.kind, ACME_WISH_FAIL);
	assert_int_equal(t->err.code, ERR_HOOK_TIMEOUT);
	/* The second may be half there: it is withdrawn too. */
	assert_int_equal(withdrawn, 2);
	assert_int_equal(t->ca.published.n, 0);
	assert_false(acme_order_over(t->o));
	good(t, NULL);
	assert_int_equal(t->ca.norders, 1);
}

static void
caller_errors(void **state)
{
	static const enum acme_wish_kind kinds[] = {
		ACME_WISH_SIGN, ACME_WISH_CSR, ACME_WISH_WITHDRAW
	};
	struct world *t = *state;
	const struct acme_event *event;
	struct acme_event ev;
	struct acme_wish w;
	struct err why;
	size_t i;

	err_set(&why, ERR_KEEPER, "the keeper is gone");
	for (i = 0; i < 3; i++) {
		acme_order_free(t->o);
		t->o = fake_order_new("www.shop.example");
		for (event = NULL; ; event = &ev) {
			w = acme_order_step(t->o, t->s, t->ca.now_ms, event,
			    &t->err);
			if (!fake_do(&t->ca, t->s, t->o, &w, &ev))
				break;
			if (w.kind == kinds[i]) {
				ev.kind = ACME_ERROR;
				ev.err = &why;
			}
		}
		/* A record that stays is for the caller to undo later. */
		assert_int_equal(w.kind, kinds[i] == ACME_WISH_WITHDRAW ?
		    ACME_WISH_DONE : ACME_WISH_FAIL);
	}
}

/* --- time ----------------------------------------------------------------- */

static void
b13_processing_for_a_day(void **state)
{
	struct world *t = *state;

	t->ca.process_ms = DAY_MS;
	good(t, "www.shop.example");
	assert_int_equal(t->ca.norders, 1);
	assert_int_equal(fake_count(&t->ca, "finalize"), 1);
	/* Every minute in the long run, not every quarter second. */
	assert_in_range(fake_count(&t->ca, "order"), 24, 1500);
}

static void
b13_retry_after_a_day(void **state)
{
	struct world *t = *state;

	t->ca.process_ms = 3 * DAY_MS;
	t->ca.retry_after = "86400";
	t->ca.validate_ms = 0;
	good(t, "www.shop.example");
	assert_in_range(fake_count(&t->ca, "order"), 3, 5);
}

static void
c6_retry_after_a_year_ends_with_the_order(void **state)
{
	struct world *t = *state;

	t->ca.process_ms = 300 * DAY_MS;
	t->ca.retry_after = "99999999999999999999999";
	t->ca.validate_ms = 0;
	bad(t, "www.shop.example", ERR_ORDER_INVALID);
	assert_true(t->ca.now_ms == NOW_MS + 7 * DAY_MS);
}

static void
authz_pending_until_the_order_expires(void **state)
{
	struct world *t = *state;

	t->ca.validate_ms = 300 * DAY_MS;
	t->ca.expires = "2026-11-21T03:00:00Z";
	bad(t, "www.shop.example", ERR_ORDER_INVALID);
	assert_in_range(fake_count(&t->ca, "authz"), 100, 300);
}

/* --- mix-ups -------------------------------------------------------------- */

static void
tweaked(void **state, const char *what, const char *from, const char *to,
    enum err_code code)
{
	struct world *t = *state;

	t->ca.tweak_what = what;
	t->ca.tweak_from = from;
	t->ca.tweak_to = to;
	bad(t, "www.shop.example", code);
	assert_false(acme_order_over(t->o));
}

static void
a18_other_order(void **state)
{
	tweaked(state, "order", "www.shop.example", "www.other.example",
	    ERR_CA_PROTOCOL);
}

static void
a18_other_finalize(void **state)
{
	tweaked(state, "order", "/finalize/0", "/finalize/7",
	    ERR_CA_PROTOCOL);
}

static void
b4_backwards(void **state)
{
	struct world *t = *state;

	t->ca.process_ms = 5000;
	tweaked(state, "order", "processing", "pending", ERR_CA_PROTOCOL);
}

static void
b4_unknown_status(void **state)
{
	tweaked(state, "authz", "\"pending\"", "\"thinking\"",
	    ERR_CA_PROTOCOL);
}

static void
b6_other_identifier(void **state)
{
	struct world *t = *state;

	tweaked(state, "authz", "www.shop.example", "www.other.example",
	    ERR_CA_PROTOCOL);
	assert_int_equal(t->ca.published_ever, 0);
}

static void
b6_wildcard_flag_lies(void **state)
{
	tweaked(state, "authz", "\"challenges\"",
	    "\"wildcard\":true,\"challenges\"", ERR_CA_PROTOCOL);
}

static void
b6_fewer_names(void **state)
{
	struct world *t = *state;

	t->ca.tweak_what = "new-order";
	t->ca.tweak_from = "{\"type\":\"dns\",\"value\":\"b.shop.example\"},";
	t->ca.tweak_to = "";
	bad(t, "a.shop.example b.shop.example", ERR_CA_PROTOCOL);
}

static void
challenge_of_another_origin(void **state)
{
	tweaked(state, "authz", ORIGIN "/challenge", "https://evil.example/x",
	    ERR_CA_PROTOCOL);
}

/* Once published, a challenge stays what it is. */
static void
a18_token_changes(void **state)
{
	struct world *t = *state;
	const struct acme_event *event = NULL;
	struct acme_event ev;
	struct acme_wish w;

	t->ca.tweak_from = "token-of-order-0-number-0\"}]";
	t->ca.tweak_to = "token-of-another-number-0\"}]";
	t->ca.validate_ms = 5000;
	t->o = fake_order_new("www.shop.example");
	do {
		w = acme_order_step(t->o, t->s, t->ca.now_ms, event, &t->err);
		event = &ev;
		if (w.kind == ACME_WISH_PUBLISH)
			t->ca.tweak_what = "authz";
	} while (fake_do(&t->ca, t->s, t->o, &w, &ev));
	assert_int_equal(w.kind, ACME_WISH_FAIL);
	assert_int_equal(t->err.code, ERR_CA_PROTOCOL);
	assert_int_equal(t->ca.published.n, 0);
}

static void
token_is_a_path(void **state)
{
	struct world *t = *state;

	tweaked(state, "authz", "token-of-order-0-number-0\"}]",
	    "../../../../../../etc/passwd\"}]", ERR_CA_PROTOCOL);
	assert_int_equal(t->ca.published_ever, 0);
}

static void
b18_invalid_after_processing(void **state)
{
	struct world *t = *state;

	t->ca.tweak_what = "order";
	t->ca.tweak_from = "\"status\":\"valid\"";
	t->ca.tweak_to = "\"error\":{\"type\":\"" URN "caa\",\"detail\":"
	    "\"CAA forbids\"},\"status\":\"invalid\"";
	bad(t, "www.shop.example", ERR_CAA);
	assert_true(acme_order_over(t->o));
	guilty_are(t, "www.shop.example");
}

static void
d1_certificate_for_another_key(void **state)
{
	struct world *t = *state;
	const struct acme_event *event = NULL;
	struct acme_event ev;
	struct acme_wish w;
	struct blob other;

	t->o = fake_order_new("www.shop.example");
	for (;;) {
		w = acme_order_step(t->o, t->s, t->ca.now_ms, event, &t->err);
		if (!fake_do(&t->ca, t->s, t->o, &w, &ev))
			break;
		if (w.kind == ACME_WISH_CSR) {
			other = spki_of(t->ca.root);
			acme_order_set_spki(t->o, other.p, other.len);
			blob_free(&other);
		}
		event = &ev;
	}
	assert_int_equal(w.kind, ACME_WISH_FAIL);
	assert_int_equal(t->err.code, ERR_CERT_BAD);
	assert_true(acme_order_over(t->o));
	assert_int_equal(fake_count(&t->ca, "cert"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(invalid_authz_with_cause),
		T(one_failure_leaves_the_others_time),
		T(unauthorized_validation),
		N("B8 no challenge of ours", b8_no_challenge_of_ours),
		T(publishing_fails),
		T(caller_errors),
		N("B13 processing for a day", b13_processing_for_a_day),
		N("B13 Retry-After of a day", b13_retry_after_a_day),
		N("C6 Retry-After past the order's end",
		    c6_retry_after_a_year_ends_with_the_order),
		T(authz_pending_until_the_order_expires),
		N("A18 another order's names", a18_other_order),
		N("A18 another order's finalize", a18_other_finalize),
		N("B4 status backwards", b4_backwards),
		N("B4 status unknown", b4_unknown_status),
		N("B6 other identifier", b6_other_identifier),
		N("B6 wildcard flag lies", b6_wildcard_flag_lies),
		N("B6 fewer names", b6_fewer_names),
		N("C2 challenge elsewhere", challenge_of_another_origin),
		N("A18 token changes", a18_token_changes),
		N("E1 token is a path", token_is_a_path),
		N("B18 invalid after processing",
		    b18_invalid_after_processing),
		N("D1 certificate for another key",
		    d1_certificate_for_another_key)
	};

	return cmocka_run_group_tests_name("acme_trouble", tests, NULL, NULL);
}
