/* Orders against a CA in memory: the good way with the least requests, each
 * way in which an answer can be lost, a crash after every step, and a CA that
 * mixes things up. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acme_fake.h"

#define URN "urn:ietf:params:acme:error:"

struct world {
	struct fake_ca ca;
	struct acme_session *s;
	struct acme_order *o;
	struct err err;
	const char *types;	/* NULL: http-01 dns-01 */
};

static int
setup(void **state)
{
	struct world *t = xcalloc(1, sizeof(*t));

	fake_init(&t->ca);
	t->s = fake_session(&t->ca);
	strv_free(&t->ca.log);
	t->ca.heads = t->ca.signatures = t->ca.saves = 0;
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct world *t = *state;

	acme_order_free(t->o);
	acme_session_free(t->s);
	fake_free(&t->ca);
	free(t);
	return 0;
}

static void
expect(struct world *t, const char *names, enum acme_wish_kind kind,
    enum err_code code)
{
	struct acme_wish w;

	if (names != NULL) {
		acme_order_free(t->o);
		t->o = t->types != NULL ?
		    fake_order_by(names, t->types, NULL) :
		    fake_order_new(names);
	}
	err_clear(&t->err);
	w = fake_run(&t->ca, t->s, t->o, &t->err);
	if ((int)w.kind != (int)kind || t->err.code != code)
		fail_msg("got %d %s: %s", (int)w.kind,
		    err_code_name(t->err.code), t->err.text);
	assert_int_equal(t->ca.published.n, 0);
	if (kind != ACME_WISH_DONE)
		return;
	assert_true(w.save);
	assert_non_null(w.leaf.p);
	assert_memory_equal(w.leaf.p, "-----BEGIN CERTIFICATE-----\n", 28);
	assert_true(w.chain.len > 100);
	assert_string_equal(acme_order_stage(t->o), "done");
}

static void
guilty_is(struct world *t, const char *names)
{
	struct strv want = strv_of(names);

	assert_true(strv_same(acme_order_guilties(t->o), &want));
	strv_free(&want);
}

static void
good(struct world *t, const char *names)
{
	expect(t, names, ACME_WISH_DONE, ERR_OK);
}

static void
bad(struct world *t, const char *names, enum err_code code)
{
	expect(t, names, ACME_WISH_FAIL, code);
}

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
	guilty_is(t, "b.shop.example");
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
	guilty_is(t, "www.shop.example");
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

/* --- validation ----------------------------------------------------------- */

static void
invalid_authz_with_cause(void **state)
{
	struct world *t = *state;

	t->ca.fail_name = "b.shop.example";
	t->types = "http-01";
	bad(t, "a.shop.example b.shop.example", ERR_CONNECTION);
	guilty_is(t, "b.shop.example");
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
	guilty_is(t, "www.shop.example");
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

/* --- crashes -------------------------------------------------------------- */

static struct acme_order *
again(struct acme_order *o, struct buf *text)
{
	struct acme_order *copy;
	struct buf twice;
	struct err err;

	buf_reset(text);
	acme_order_save(o, text);
	assert_false(text->full);
	copy = acme_order_load(text->data, text->len, &err);
	if (copy == NULL)
		fail_msg("%s in %s", err.text, text->data);
	buf_init(&twice, text->max);
	acme_order_save(copy, &twice);
	assert_string_equal(text->data, twice.data);
	buf_free(&twice);
	return copy;
}

/* Runs with a crash after step `at`: from the state that was durable then
 * (durable) or from the very last one. False: it ended before. */
static bool
crash_at(struct world *t, const char *names, int at, bool durable,
    struct acme_wish *last)
{
	const struct acme_event *event = NULL;
	struct acme_event ev;
	struct buf text, kept;
	struct acme_order *o;
	int step;

	buf_init(&text, 1 << 20);
	buf_init(&kept, 1 << 20);
	t->o = t->types != NULL ? fake_order_by(names, t->types, NULL) :
	    fake_order_new(names);
	acme_order_save(t->o, &kept);
	for (step = 0; ; step++) {
		*last = acme_order_step(t->o, t->s, t->ca.now_ms, event,
		    &t->err);
		o = again(t->o, &text);
		if (last->save) {
			buf_reset(&kept);
			buf_add(&kept, text.data, text.len);
		}
		acme_order_free(o);
		/* The wish is carried out, and nobody lives to hear of it. */
		if (!fake_do(&t->ca, t->s, t->o, last, &ev))
			break;
		event = &ev;
		if (step != at)
			continue;
		acme_order_free(t->o);
		t->o = acme_order_load(durable ? kept.data : text.data,
		    durable ? kept.len : text.len, &t->err);
		assert_non_null(t->o);
		event = NULL;
	}
	buf_free(&text);
	buf_free(&kept);
	return step > at;
}

static void
sweep(const char *names, bool durable, const char *fail_name,
    enum acme_wish_kind kind)
{
	struct acme_wish w;
	struct world *t;
	void *state;
	bool crashed = true;
	int at;

	for (at = 0; crashed; at++) {
		setup(&state);
		t = state;
		t->ca.fail_name = fail_name;
		t->types = fail_name != NULL ? "http-01" : NULL;
		crashed = crash_at(t, names, at, durable, &w);
		assert_true(at < 300);
		if ((int)w.kind != (int)kind)
			fail_msg("crash after step %d: %s", at, t->err.text);
		assert_int_equal(t->ca.published.n, 0);
		assert_int_equal(t->ca.norders, 1);
		assert_true(fake_count(&t->ca, "new-order") <= 2);
		if (kind == ACME_WISH_DONE)
			assert_int_equal(fake_count(&t->ca, "finalize"), 1);
		else
			guilty_is(t, fail_name);
		teardown(&state);
	}
	assert_true(at > 10);
}

static void
resume_after_every_step(void **state)
{
	(void)state;
	sweep("www.shop.example", false, NULL, ACME_WISH_DONE);
	sweep("a.shop.example *.shop.example", false, NULL, ACME_WISH_DONE);
}

static void
resume_from_what_was_durable(void **state)
{
	(void)state;
	sweep("www.shop.example", true, NULL, ACME_WISH_DONE);
	sweep("a.shop.example *.shop.example", true, NULL, ACME_WISH_DONE);
}

static void
resume_of_a_failing_order(void **state)
{
	(void)state;
	sweep("a.shop.example b.shop.example", false, "b.shop.example",
	    ACME_WISH_FAIL);
	sweep("a.shop.example b.shop.example", true, "b.shop.example",
	    ACME_WISH_FAIL);
}

static void
garbage_does_not_load(void **state)
{
	struct world *t = *state;
	struct acme_order *o;
	struct buf text, cut;
	struct err err;
	size_t n;

	buf_init(&text, 1 << 20);
	good(t, "a.shop.example b.shop.example");
	acme_order_save(t->o, &text);
	for (n = 0; n < text.len; n += 7)
		assert_null(acme_order_load(text.data, n, &err));
	assert_int_equal(err.code, ERR_STORE);
	/* One byte wrong anywhere: loads or not, but never falls. */
	buf_init(&cut, text.max);
	for (n = 0; n < text.len; n++) {
		buf_reset(&cut);
		buf_add(&cut, text.data, text.len);
		cut.data[n] ^= 1;
		o = acme_order_load(cut.data, cut.len, &err);
		if (o != NULL)
			acme_order_free(again(o, &cut));
		acme_order_free(o);
	}
	buf_free(&text);
	buf_free(&cut);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define N(name, f) { name, f, setup, teardown, NULL }

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
		T(bad_csr),
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
		    d1_certificate_for_another_key),
		cmocka_unit_test(resume_after_every_step),
		cmocka_unit_test(resume_from_what_was_durable),
		cmocka_unit_test(resume_of_a_failing_order),
		T(garbage_does_not_load)
	};

	return cmocka_run_group_tests_name("acme_order", tests, NULL, NULL);
}
