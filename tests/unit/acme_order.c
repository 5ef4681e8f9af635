/* Orders against a CA in memory: the good way with the least requests, and each
 * way in which an answer can be lost or refused. */
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

static void
log_is(struct world *t, const char *words)
{
	struct buf b;
	size_t i;

	buf_init(&b, 10000);
	for (i = 0; i < t->ca.log.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? " " : "", t->ca.log.v[i]);
	assert_string_equal(b.data, words);
	buf_free(&b);
}

/* --- the good way --------------------------------------------------------- */

static void
seven_requests_for_one_name(void **state)
{
	struct world *t = *state;

	good(t, "www.shop.example");
	log_is(t, "new-order authz challenge authz finalize order cert");
	assert_int_equal(t->ca.heads, 0);
	assert_int_equal(t->ca.signatures, 7);
	assert_int_equal(t->ca.published_ever, 1);
	/* Before newOrder, after Location, before publish, before finalize,
	 * after download. */
	assert_int_equal(t->ca.saves, 5);
	assert_string_equal(acme_order_url(t->o), ORIGIN "/order/0");
}

static void
several_names_and_a_wildcard(void **state)
{
	struct world *t = *state;

	good(t, "shop.example *.shop.example www.shop.example 192.0.2.1");
	log_is(t, "new-order authz authz authz authz challenge challenge "
	    "challenge challenge order finalize order cert");
	assert_int_equal(t->ca.published_ever, 4);
	assert_int_equal(t->ca.saves, 5);
}

/* A CA that does not see that an order is ready: the names say it. */
static void
order_never_says_ready(void **state)
{
	struct world *t = *state;

	t->ca.lazy = true;
	good(t, "a.shop.example b.shop.example c.shop.example");
	log_is(t, "new-order authz authz authz challenge challenge challenge "
	    "order order order order authz authz authz finalize order cert");
}

/* While the CA takes its time the order is asked more often than one name. */
static void
several_names_take_long(void **state)
{
	struct world *t = *state;
	size_t i, orders = 0, authz = 0;

	t->ca.validate_ms = 60 * 1000;
	good(t, "a.shop.example b.shop.example c.shop.example");
	for (i = 6; i < t->ca.log.n; i++) {
		orders += strcmp(t->ca.log.v[i], "order") == 0;
		authz += strcmp(t->ca.log.v[i], "authz") == 0;
	}
	assert_in_range(orders, 6, 14);
	assert_in_range(authz, 1, 3);
}

/* A CA whose orders stay pending when a name has failed, long after it has been
 * looked at often: the names are read all the same. */
static void
late_failure_of_a_name(void **state)
{
	struct world *t = *state;

	t->ca.validate_ms = 30 * 60 * 1000;
	t->ca.expires = "2026-11-21T12:00:00Z";
	t->ca.fail_name = "b.shop.example";
	t->ca.tweak_what = "order";
	t->ca.tweak_from = "{\"status\":\"invalid\"";
	t->ca.tweak_to = "{\"status\":\"pending\"";
	bad(t, "a.shop.example b.shop.example", ERR_CONNECTION);
	assert_int_equal(t->ca.norders, 2);
	assert_in_range(fake_count(&t->ca, "order"), 80, 160);
}

/* No name has failed: the order's own words are the reason. */
static void
order_invalid_by_itself(void **state)
{
	struct world *t = *state;

	t->ca.validate_ms = 60 * 1000;
	t->ca.tweak_what = "order";
	t->ca.tweak_from = "{\"status\":\"pending\"";
	t->ca.tweak_to = "{\"error\":{\"type\":\"" URN "caa\",\"detail\":"
	    "\"no\"},\"status\":\"invalid\"";
	bad(t, "a.shop.example b.shop.example", ERR_CAA);
	log_is(t, "new-order authz authz challenge challenge order authz "
	    "authz order authz authz");
}

static void
authz_valid_already(void **state)
{
	struct world *t = *state;

	t->ca.ready_at_once = true;
	good(t, "www.shop.example");
	log_is(t, "new-order finalize order cert");
	assert_int_equal(t->ca.published_ever, 0);
}

static void
zero_authorizations(void **state)
{
	struct world *t = *state;

	t->ca.no_authz = true;
	good(t, "www.shop.example");
}

static void
valid_right_after_finalize(void **state)
{
	struct world *t = *state;

	t->ca.instant = true;
	good(t, "www.shop.example");
	log_is(t, "new-order authz challenge authz finalize cert");
}

static void
order_not_ready_is_read_again(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "finalize", 1, FAULT_REPLY, 403,
	    "{\"type\":\"" URN "orderNotReady\"}", NULL);
	good(t, "www.shop.example");
	log_is(t, "new-order authz challenge authz finalize order finalize "
	    "order cert");
}

/* The CA never finalizes, whatever it says of the order. */
static void
never_ready(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "finalize", 0, FAULT_REPLY, 403,
	    "{\"type\":\"" URN "orderNotReady\"}", NULL);
	bad(t, "www.shop.example", ERR_CA_PROTOCOL);
	assert_int_equal(fake_count(&t->ca, "finalize"),
	    1 + ACME_LOST_RETRIES_MAX);
	strv_free(&t->ca.log);
	t->ca.dedupe = false;
	t->ca.tweak_what = "order";
	t->ca.tweak_from = "ready";
	t->ca.tweak_to = "pending";
	bad(t, "two.shop.example", ERR_CA_PROTOCOL);
	assert_int_equal(fake_count(&t->ca, "finalize"), 1);
	assert_in_range(fake_count(&t->ca, "order"), 5, 20);
}

static void
stages_have_names(void **state)
{
	struct world *t = *state;
	const struct acme_event *event = NULL;
	struct acme_event ev;
	struct acme_wish w;
	bool seen = false;

	t->o = fake_order_new("a.shop.example b.shop.example");
	assert_string_equal(acme_order_stage(t->o), "new");
	do {
		w = acme_order_step(t->o, t->s, t->ca.now_ms, event, &t->err);
		event = &ev;
		seen = seen ||
		    strcmp(acme_order_stage(t->o), "authz 2/2") == 0;
	} while (fake_do(&t->ca, t->s, t->o, &w, &ev));
	assert_int_equal(w.kind, ACME_WISH_DONE);
	assert_true(seen);
}

/* --- lost and refused ----------------------------------------------------- */

static void
a17_bad_nonce_once(void **state)
{
	struct world *t = *state;

	t->ca.bad_nonces = 1;
	good(t, "www.shop.example");
	assert_int_equal(t->ca.heads, 0);
	assert_int_equal(fake_count(&t->ca, "new-order"), 2);
}

static void
a17_bad_nonce_for_ever(void **state)
{
	struct world *t = *state;

	t->ca.bad_nonces = 1000;
	bad(t, "www.shop.example", ERR_CA_NONCE);
	assert_int_equal(t->ca.log.n, 1 + ACME_NONCE_RETRIES_MAX);
	assert_false(acme_order_over(t->o));
}

static void
a9_new_order_lost(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 1, FAULT_LOST_AFTER, 0, NULL, NULL);
	fake_fault(&t->ca, "new-order", 2, FAULT_LOST_BEFORE, 0, NULL, NULL);
	good(t, "www.shop.example");
	assert_int_equal(fake_count(&t->ca, "new-order"), 3);
	assert_int_equal(t->ca.norders, 1);
}

static void
a9_new_order_lost_too_often(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 0, FAULT_LOST_BEFORE, 0, NULL, NULL);
	bad(t, "www.shop.example", ERR_CA_DOWN);
	assert_int_equal(fake_count(&t->ca, "new-order"),
	    1 + ACME_LOST_RETRIES_MAX);
	assert_int_equal(t->err.class, ERR_LATER);
}

/* A stream that GOAWAY refused: the same request goes again, and is no loss. */
static void
a10_cut_before_it_was_read(void **state)
{
	struct world *t = *state;
	int i;

	for (i = 1; i <= ACME_RESENDS_MAX; i++)
		fake_fault(&t->ca, "new-order", i, FAULT_CUT_BEFORE, 0, NULL,
		    NULL);
	good(t, "www.shop.example");
	assert_int_equal(fake_count(&t->ca, "new-order"), ACME_RESENDS_MAX + 1);
	assert_int_equal(t->ca.norders, 1);
	/* One signature for all of them. */
	assert_int_equal(t->ca.signatures, (int)t->ca.log.n -
	    ACME_RESENDS_MAX);
}

/* The CA had read it: its nonce is spent, and the request counts as lost. */
static void
a10_cut_after_it_was_read(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 1, FAULT_CUT_AFTER, 0, NULL, NULL);
	good(t, "www.shop.example");
	assert_int_equal(fake_count(&t->ca, "new-order"), 3);
	assert_int_equal(t->ca.norders, 1);
	assert_int_equal(t->ca.signatures, (int)t->ca.log.n - 1);
}

static void
a10_cut_for_ever(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 0, FAULT_CUT_BEFORE, 0, NULL, NULL);
	bad(t, "www.shop.example", ERR_CA_DOWN);
	assert_int_equal(fake_count(&t->ca, "new-order"),
	    (1 + ACME_RESENDS_MAX) * (1 + ACME_LOST_RETRIES_MAX));
	assert_int_equal(t->err.class, ERR_LATER);
}

/* A process that dies at each newOrder repeats it no oftener than one that
 * lives: the count is in what is saved. */
static void
a9_new_order_lost_by_crashes(void **state)
{
	struct world *t = *state;
	const struct acme_event *event = NULL;
	struct acme_event ev;
	struct buf text;
	struct acme_wish w;
	int sent = 0;

	buf_init(&text, 1 << 20);
	t->o = fake_order_new("www.shop.example");
	for (;;) {
		w = acme_order_step(t->o, t->s, t->ca.now_ms, event, &t->err);
		event = &ev;
		if (w.kind == ACME_WISH_HTTP && w.method == ACME_POST) {
			assert_true(w.save && ++sent < 10);
			buf_reset(&text);
			acme_order_save(t->o, &text);
			acme_order_free(t->o);
			t->o = acme_order_load(text.data, text.len, &t->err);
			assert_non_null(t->o);
			event = NULL;
		} else if (!fake_do(&t->ca, t->s, t->o, &w, &ev))
			break;
	}
	assert_int_equal(w.kind, ACME_WISH_FAIL);
	assert_int_equal(t->err.code, ERR_CA_DOWN);
	assert_int_equal(sent, 1 + ACME_LOST_RETRIES_MAX);
	buf_free(&text);
}

static void
a9_challenge_answer_lost(void **state)
{
	struct world *t = *state;

	/* It arrived: the authorization says so, nothing is sent twice. */
	t->ca.validate_ms = 0;
	fake_fault(&t->ca, "challenge", 1, FAULT_LOST_AFTER, 0, NULL, NULL);
	good(t, "www.shop.example");
	log_is(t, "new-order authz challenge authz finalize order cert");
	/* It did not: looked at, then sent again. */
	strv_free(&t->ca.log);
	t->ca.faults[0].fault = FAULT_LOST_BEFORE;
	good(t, "two.shop.example");
	log_is(t, "new-order authz challenge authz challenge authz finalize "
	    "order cert");
}

static void
a9_finalize_lost(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "finalize", 1, FAULT_LOST_AFTER, 0, NULL, NULL);
	good(t, "www.shop.example");
	assert_int_equal(fake_count(&t->ca, "finalize"), 1);
	strv_free(&t->ca.log);
	t->ca.faults[0].fault = FAULT_LOST_BEFORE;
	good(t, "two.shop.example");
	assert_int_equal(fake_count(&t->ca, "finalize"), 2);
}

static void
a20_download_lost(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "cert", 1, FAULT_LOST_AFTER, 0, NULL, NULL);
	fake_fault(&t->ca, "cert", 2, FAULT_NOT_SENT, 0, NULL, NULL);
	good(t, "www.shop.example");
	assert_int_equal(fake_count(&t->ca, "cert"), 3);
	assert_int_equal(fake_count(&t->ca, "finalize"), 1);
}

static void
a20_download_never_works(void **state)
{
	struct world *t = *state;
	int i;

	fake_fault(&t->ca, "cert", 0, FAULT_LOST_AFTER, 0, NULL, NULL);
	bad(t, "www.shop.example", ERR_CA_DOWN);
	assert_false(acme_order_over(t->o));
	/* Later the same order goes on, without a second finalize. */
	for (i = 0; i < FAKE_FAULTS; i++)
		t->ca.faults[i].fault = FAULT_NONE;
	good(t, NULL);
	assert_int_equal(fake_count(&t->ca, "finalize"), 1);
	assert_int_equal(t->ca.norders, 1);
}

static void
not_sent_fails_for_now(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 1, FAULT_NOT_SENT, 0, NULL, NULL);
	bad(t, "www.shop.example", ERR_CA_DOWN);
	assert_int_equal(t->ca.log.n, 1);
	assert_int_equal(t->err.class, ERR_LATER);
	assert_false(acme_order_over(t->o));
	good(t, NULL);
}

static void
not_sent_keeps_the_reason(void **state)
{
	struct world *t = *state;
	const struct acme_event *event = NULL;
	struct acme_event ev;
	struct err why;
	struct acme_wish w;

	err_set(&why, ERR_CA_TLS, "its certificate expired");
	t->o = fake_order_new("www.shop.example");
	for (;;) {
		w = acme_order_step(t->o, t->s, t->ca.now_ms, event, &t->err);
		if (w.kind == ACME_WISH_FAIL)
			break;
		assert_true(fake_do(&t->ca, t->s, t->o, &w, &ev));
		if (ev.kind == ACME_REPLY) {
			ev.kind = ACME_NOT_SENT;
			ev.err = &why;
		}
		event = &ev;
	}
	assert_int_equal(t->err.code, ERR_CA_TLS);
	assert_string_equal(t->err.text,
	    "the new order: its certificate expired");
}

static void
a15_503_with_html(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 1, FAULT_REPLY, 503,
	    "<html>busy</html>", "120");
	t->ca.faults[0].reply.content_type = "text/html";
	bad(t, "www.shop.example", ERR_CA_DOWN);
	assert_true(t->err.retry_at_ms == t->ca.now_ms + 120000);
	/* At a read it is borne with for a while. */
	fake_fault(&t->ca, "order", 1, FAULT_REPLY, 502, NULL, NULL);
	good(t, "www.shop.example");
}

static void
b14_429(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 1, FAULT_REPLY, 429,
	    "{\"type\":\"" URN "rateLimited\",\"detail\":\"too many\"}",
	    "3600");
	bad(t, "www.shop.example", ERR_CA_LIMIT);
	assert_true(t->err.retry_at_ms == t->ca.now_ms + 3600000);
	assert_false(acme_order_over(t->o));
	assert_non_null(strstr(t->err.text, "too many"));
}

static void
paused_account_has_no_end(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 1, FAULT_REPLY, 429,
	    "{\"type\":\"" URN "rateLimited\",\"detail\":"
	    "\"paused: https://ca.example/unpause\"}", NULL);
	bad(t, "www.shop.example", ERR_CA_BLOCKED);
	assert_int_equal(t->err.class, ERR_PERSON);
	assert_non_null(strstr(t->err.text, "https://ca.example/unpause"));
}

static void
b11_replaces_is_dropped_once(void **state)
{
	struct world *t = *state;
	struct strv names = strv_of("www.shop.example");
	struct strv types = strv_of("http-01");
	struct acme_want want = { .names = &names, .challenges = &types,
	    .replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE" };

	fake_fault(&t->ca, "new-order", 1, FAULT_REPLY, 409,
	    "{\"type\":\"" URN "alreadyReplaced\"}", NULL);
	t->o = acme_order_new(&want);
	good(t, NULL);
	assert_int_equal(fake_count(&t->ca, "new-order"), 2);
	strv_free(&names);
	strv_free(&types);
}

static void
b12_account_unknown(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 1, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "accountDoesNotExist\"}", NULL);
	bad(t, "www.shop.example", ERR_ACCOUNT_UNKNOWN);
	assert_true(acme_order_over(t->o));
	acme_session_forget_account(t->s);
	/* Another order of the session meets the hole and fails as well. */
	bad(t, "www.shop.example", ERR_ACCOUNT_UNKNOWN);
	assert_int_equal(fake_run(&t->ca, t->s, NULL, &t->err).kind,
	    ACME_WISH_DONE);
	good(t, "www.shop.example");
}

static void
rejected_name_is_guilty(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 1, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "compound\",\"detail\":\"some\","
	    "\"subproblems\":[{\"type\":\"" URN "rejectedIdentifier\","
	    "\"detail\":\"not this one\",\"identifier\":{\"type\":\"dns\","
	    "\"value\":\"b.shop.example\"}}]}", NULL);
	bad(t, "a.shop.example b.shop.example", ERR_NAME_REFUSED);
	guilty_are(t, "b.shop.example");
	assert_non_null(strstr(t->err.text, "not this one"));
}

static void
challenge_refused_is_looked_at(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "challenge", 1, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "malformed\",\"detail\":\"no\"}", NULL);
	t->types = "http-01";
	bad(t, "www.shop.example", ERR_CA_REFUSED);
	log_is(t, "new-order authz challenge authz");
	guilty_are(t, "www.shop.example");
}

static void
order_gone(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "authz", 2, FAULT_REPLY, 404,
	    "{\"type\":\"" URN "malformed\"}", NULL);
	bad(t, "www.shop.example", ERR_ORDER_INVALID);
	assert_true(acme_order_over(t->o));
}

static void
bad_csr(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "finalize", 1, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "badCSR\",\"detail\":\"weak key\"}", NULL);
	bad(t, "www.shop.example", ERR_CSR_REFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(seven_requests_for_one_name),
		T(several_names_and_a_wildcard),
		T(order_never_says_ready),
		T(several_names_take_long),
		T(late_failure_of_a_name),
		T(order_invalid_by_itself),
		T(authz_valid_already),
		T(zero_authorizations),
		T(valid_right_after_finalize),
		T(order_not_ready_is_read_again),
		T(never_ready),
		T(stages_have_names),
		N("A17 badNonce once", a17_bad_nonce_once),
		N("A17 badNonce for ever", a17_bad_nonce_for_ever),
		N("A9 newOrder lost", a9_new_order_lost),
		N("A9 newOrder lost too often", a9_new_order_lost_too_often),
		N("A10 cut before it was read", a10_cut_before_it_was_read),
		N("A10 cut after it was read", a10_cut_after_it_was_read),
		N("A10 cut for ever", a10_cut_for_ever),
		N("A9 newOrder lost by crashes",
		    a9_new_order_lost_by_crashes),
		N("A9 challenge answer lost", a9_challenge_answer_lost),
		N("A9 finalize lost", a9_finalize_lost),
		N("A20 download lost", a20_download_lost),
		N("A20 download never works", a20_download_never_works),
		T(not_sent_fails_for_now),
		T(not_sent_keeps_the_reason),
		N("A15 503 with HTML", a15_503_with_html),
		N("B14 429", b14_429),
		T(paused_account_has_no_end),
		N("B11 replaces is dropped once",
		    b11_replaces_is_dropped_once),
		N("B12 account unknown", b12_account_unknown),
		T(rejected_name_is_guilty),
		T(challenge_refused_is_looked_at),
		T(order_gone),
		T(bad_csr)
	};

	return cmocka_run_group_tests_name("acme_order", tests, NULL, NULL);
}
