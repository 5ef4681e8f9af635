/* Orders that do not go the straight way: another challenge after one that
 * failed, what a CA does not have, other chains, keys of others. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/x509v3.h>
#include "acme_world.h"

#define ARI "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"

/* code ERR_OK: it must be done; else it must fail so. */
static void
run(struct world *t, enum err_code code)
{
	err_clear(&t->err);
	t->w = fake_run(&t->ca, t->s, t->o, &t->err);
	if (t->err.code != code || (t->w.kind == ACME_WISH_DONE) !=
	    (code == ERR_OK))
		fail_msg("got %d %s: %s", (int)t->w.kind,
		    err_code_name(t->err.code), t->err.text);
	assert_int_equal(t->ca.published.n, 0);
	assert_int_equal(t->ca.records.n, 0);
	assert_true(t->w.kind != ACME_WISH_DONE || t->w.save);
}

static void
order(struct world *t, const char *names, const char *types,
    const struct acme_want *more, enum err_code code)
{
	acme_order_free(t->o);
	t->o = fake_order_by(names, types, more);
	run(t, code);
}

static int
orders(const struct world *t)
{
	return fake_count(&t->ca, "new-order");
}

/* --- identifiers ---------------------------------------------------------- */

static void
two_values_at_one_record(void **state)
{
	struct world *t = *state;

	order(t, "shop.example *.shop.example", "dns-01", NULL, ERR_OK);
	assert_int_equal(t->ca.records_most, 2);
	assert_int_equal(orders(t), 1);
}

static void
names_and_addresses(void **state)
{
	struct world *t = *state;

	t->ca.offers = "dns-01 tls-alpn-01";
	order(t, "*.shop.example 2001:db8::1 192.0.2.1",
	    "http-01 dns-01 tls-alpn-01", NULL, ERR_OK);
	/* Only the wildcard had a record. */
	assert_int_equal(t->ca.records_most, 1);
	assert_int_equal(t->ca.published_ever, 3);
	t->ca.offers = "dns-01";
	order(t, "192.0.2.9", "dns-01 http-01", NULL, ERR_NO_CHALLENGE);
}

static void
d2_other_address(void **state)
{
	struct world *t = *state;

	t->ca.tweak_what = "order";
	t->ca.tweak_from = "2001:db8::1";
	t->ca.tweak_to = "2001:DB8:0::1";
	order(t, "2001:db8::1", "http-01", NULL, ERR_OK);
	t->ca.tweak_to = "2001:db8::2";
	order(t, "2001:db8::1 192.0.2.1", "http-01", NULL, ERR_CA_PROTOCOL);
}

/* --- another challenge ---------------------------------------------------- */

static void
the_next_type_in_a_new_order(void **state)
{
	struct world *t = *state;

	t->ca.fail_name = "b.shop.example";
	t->ca.fail_type = "http-01";
	order(t, "a.shop.example b.shop.example", "http-01 dns-01", NULL,
	    ERR_OK);
	assert_int_equal(orders(t), 2);
	/* The first order's a, b, then a by http-01 and b by dns-01. */
	assert_int_equal(t->ca.published_ever, 4);
	assert_string_equal(t->ca.orders[1].authz[0].answered_by, "http-01");
	assert_string_equal(t->ca.orders[1].authz[1].answered_by, "dns-01");
	guilty_are(t, "");
}

static void
as_many_orders_as_types(void **state)
{
	struct world *t = *state;

	t->ca.offers = "http-01 tls-alpn-01 dns-01 dns-account-01";
	t->ca.fail_name = "b.shop.example";
	order(t, "a.shop.example b.shop.example",
	    "tls-alpn-01 http-01 dns-01", NULL, ERR_CONNECTION);
	assert_int_equal(orders(t), 3);
	assert_string_equal(t->err.text, "b.shop.example: the CA could not "
	    "validate it by dns-01 (after tls-alpn-01, http-01): the CA "
	    "found: 192.0.2.7: no answer");
	assert_true(acme_order_over(t->o));
	guilty_are(t, "b.shop.example");
	/* What has ended does nothing more. */
	strv_free(&t->ca.log);
	run(t, ERR_CONNECTION);
	assert_int_equal(t->ca.log.n, 0);
}

static void
no_new_order_for_what_is_not_offered(void **state)
{
	struct world *t = *state;

	t->ca.only_type = "http-01";
	t->ca.fail_name = "www.shop.example";
	order(t, "www.shop.example", "http-01 dns-01", NULL, ERR_CONNECTION);
	assert_int_equal(orders(t), 1);
}

/* One name has a way left, the other has none: a second order is no use. */
static void
no_new_order_when_one_name_is_lost(void **state)
{
	struct world *t = *state;

	t->ca.fail_name = "*.shop.example";
	t->ca.validate_ms = 3000;
	order(t, "www.shop.example *.shop.example", "http-01 dns-01", NULL,
	    ERR_CONNECTION);
	assert_int_equal(orders(t), 1);
	guilty_are(t, "*.shop.example");
	/* Also when the one with a way left failed first. */
	t->ca.fail_name = "www.shop.example *.shop.example";
	order(t, "www.shop.example *.shop.example", "http-01 dns-01", NULL,
	    ERR_CONNECTION);
	assert_int_equal(orders(t), 2);
	assert_non_null(strstr(t->err.text, "*.shop.example: "));
	guilty_are(t, "www.shop.example *.shop.example");
}

/* Each order is lost before we have answered, for what another did. */
static void
orders_that_are_born_invalid(void **state)
{
	struct world *t = *state;

	t->ca.dedupe = false;
	t->ca.tweak_what = "authz";
	t->ca.tweak_from = "\"pending\",\"challenges\":[{";
	t->ca.tweak_to = "\"invalid\",\"challenges\":[{\"error\":{"
	    "\"type\":\"" URN "connection\"},";
	order(t, "www.shop.example", "http-01 dns-01", NULL, ERR_CONNECTION);
	assert_int_equal(orders(t), 2);
	assert_int_equal(t->ca.published_ever, 0);
}

/* The CA gives less the second time: the first reason is the better one. */
static void
the_first_reason_is_kept(void **state)
{
	struct world *t = *state;
	const struct acme_event *event = NULL;
	struct acme_event ev;

	t->ca.fail_name = "www.shop.example";
	t->o = fake_order_by("www.shop.example", "http-01 dns-01", NULL);
	do {
		t->w = acme_order_step(t->o, t->s, t->ca.now_ms, event,
		    &t->err);
		event = &ev;
		if (orders(t) == 2)
			t->ca.offers = "tls-alpn-01";
	} while (fake_do(&t->ca, t->s, t->o, &t->w, &ev));
	assert_int_equal(t->w.kind, ACME_WISH_FAIL);
	assert_int_equal(t->err.code, ERR_CONNECTION);
	assert_int_equal(orders(t), 2);
}

static void
publishing_fails_the_next_is_taken(void **state)
{
	struct world *t = *state;

	t->ca.broken_type = "http-01";
	order(t, "www.shop.example", "http-01 dns-01", NULL, ERR_OK);
	/* The CA knew nothing of it: the same order. */
	assert_int_equal(orders(t), 1);
	assert_string_equal(t->ca.orders[0].authz[0].answered_by, "dns-01");
	/* Nothing left: for now, and the next attempt begins anew. */
	t->ca.dedupe = false;
	order(t, "two.shop.example", "http-01", NULL, ERR_HOOK_TIMEOUT);
	assert_false(acme_order_over(t->o));
	guilty_are(t, "two.shop.example");
	t->ca.broken_type = NULL;
	run(t, ERR_OK);
	guilty_are(t, "");
}

static void
a_refused_answer_takes_the_next(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "challenge", 1, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "malformed\",\"detail\":\"no\"}", NULL);
	order(t, "www.shop.example", "http-01 dns-01", NULL, ERR_OK);
	assert_int_equal(orders(t), 1);
	assert_string_equal(t->ca.orders[0].authz[0].answered_by, "dns-01");
}

static void
all_that_failed_are_guilty(void **state)
{
	struct world *t = *state;

	t->ca.fail_name = "a.shop.example c.shop.example";
	order(t, "a.shop.example b.shop.example c.shop.example", "http-01",
	    NULL, ERR_CONNECTION);
	guilty_are(t, "a.shop.example c.shop.example");
}

static void
subproblems_are_guilty(void **state)
{
	struct world *t = *state;

	fake_fault(&t->ca, "new-order", 1, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "compound\",\"subproblems\":["
	    "{\"type\":\"urn:unheard-of\",\"detail\":\"?\"},"
	    "{\"type\":\"" URN "rejectedIdentifier\",\"identifier\":"
	    "{\"type\":\"dns\",\"value\":\"B.shop.example\"}},"
	    "{\"type\":\"" URN "rejectedIdentifier\",\"identifier\":"
	    "{\"type\":\"dns\",\"value\":\"shop.example\"}},"
	    "{\"type\":\"" URN "rejectedIdentifier\",\"identifier\":"
	    "{\"type\":\"dns\",\"value\":\"elsewhere.example\"}}]}", NULL);
	order(t, "a.shop.example b.shop.example *.shop.example",
	    "dns-01", NULL, ERR_NAME_REFUSED);
	guilty_are(t, "b.shop.example *.shop.example");
}

/* --- the DNS drafts ------------------------------------------------------- */

static void
dns_account(void **state)
{
	struct world *t = *state;
	const struct acme_event *event = NULL;
	struct acme_event ev;
	bool seen = false;

	t->ca.offers = "dns-account-01 dns-01";
	t->o = fake_order_by("*.shop.example", "dns-account-01", NULL);
	do {
		t->w = acme_order_step(t->o, t->s, t->ca.now_ms, event,
		    &t->err);
		event = &ev;
		if (t->w.kind != ACME_WISH_PUBLISH)
			continue;
		seen = true;
		assert_true(t->w.wildcard);
		assert_string_equal(t->w.ident, "shop.example");
		assert_int_equal(t->w.record[0], '_');
		assert_string_equal(t->w.record + 17,
		    "._acme-challenge.shop.example");
	} while (fake_do(&t->ca, t->s, t->o, &t->w, &ev));
	assert_int_equal(t->w.kind, ACME_WISH_DONE);
	assert_true(seen);
}

static void
dns_persist(void **state)
{
	struct world *t = *state;

	t->ca.offers = "dns-persist-01 dns-01";
	order(t, "shop.example *.shop.example", "dns-persist-01 dns-01", NULL,
	    ERR_OK);
	assert_int_equal(t->ca.checks, 2);
	assert_int_equal(t->ca.published_ever, 0);
	/* The record is not there: the other way, and the CA hears of none. */
	t->ca.broken_type = "dns-persist-01";
	order(t, "two.shop.example", "dns-persist-01 dns-01", NULL, ERR_OK);
	assert_string_equal(t->ca.orders[1].authz[0].answered_by, "dns-01");
	assert_int_equal(orders(t), 2);
	order(t, "three.shop.example", "dns-persist-01", NULL,
	    ERR_DNS_FAILS);
	assert_int_equal(t->ca.published_ever, 1);
}

static void
dns_persist_without_issuers(void **state)
{
	struct world *t = *state;

	t->ca.offers = "dns-persist-01 http-01";
	t->ca.tweak_what = "authz";
	t->ca.tweak_from = "[\"CA.example\",\"ca.example.net\"]";
	t->ca.tweak_to = "7";
	order(t, "www.shop.example", "dns-persist-01 http-01", NULL, ERR_OK);
	assert_string_equal(t->ca.orders[0].authz[0].answered_by, "http-01");
}

/* --- what a CA does not have ---------------------------------------------- */

static void
profiles(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .profile = "classic" };

	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	assert_non_null(strstr(t->ca.last_order, "\"profile\":\"classic\""));
	assert_int_equal(acme_order_dropped(t->o), 0);
	want.profile = "shortlived";
	order(t, "two.shop.example", "http-01", &want, ERR_OK);
	assert_null(strstr(t->ca.last_order, "profile"));
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_PROFILE);
	want.profile_required = true;
	order(t, "three.shop.example", "http-01", &want,
	    ERR_PROFILE_UNKNOWN);
	assert_int_equal(orders(t), 2);
}

static void
invalid_profile(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .profile = "classic" };

	t->ca.dedupe = false;
	fake_fault(&t->ca, "new-order", 1, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "invalidProfile\"}", NULL);
	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_PROFILE);
	fake_fault(&t->ca, "finalize", 2, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "invalidProfile\"}", NULL);
	order(t, "two.shop.example", "http-01", &want, ERR_OK);
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_PROFILE);
	assert_null(strstr(t->ca.last_order, "profile"));
	assert_int_equal(orders(t), 4);
	want.profile_required = true;
	fake_fault(&t->ca, "new-order", 5, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "invalidProfile\"}", NULL);
	order(t, "three.shop.example", "http-01", &want,
	    ERR_PROFILE_UNKNOWN);
}

static void
dates(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .not_after = "2026-12-21T00:00:00Z" };

	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	assert_non_null(strstr(t->ca.last_order,
	    "\"notAfter\":\"2026-12-21T00:00:00Z\""));
	assert_null(strstr(t->ca.last_order, "notBefore"));
	t->ca.dedupe = false;
	fake_fault(&t->ca, "new-order", 2, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "malformed\"}", NULL);
	order(t, "two.shop.example", "http-01", &want, ERR_OK);
	assert_null(strstr(t->ca.last_order, "notAfter"));
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_DATES);
	/* Refused without them, too: it was something else. */
	fake_fault(&t->ca, "new-order", 0, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "malformed\"}", NULL);
	order(t, "three.shop.example", "http-01", &want, ERR_CA_REFUSED);
	assert_int_equal(orders(t), 3 + 2);
	/* An address that is gone is no reason to drop them. */
	t->ca.faults[1].reply.status = 404;
	order(t, "four.shop.example", "http-01", &want, ERR_CA_REFUSED);
	assert_int_equal(orders(t), 3 + 2 + 1);
	assert_int_equal(acme_order_dropped(t->o), 0);
}

static void
b11_replaces(void **state)
{
	static const struct { int status; const char *type; bool again; } t[] =
	{
		{ 409, URN "alreadyReplaced", true },
		{ 409, URN "conflict", true },
		{ 400, URN "malformed", true },
		{ 404, URN "malformed", true },
		{ 403, URN "unauthorized", true },
		{ 401, "about:blank", true },
		{ 500, URN "serverInternal", true },
		{ 429, URN "rateLimited", false },
		{ 503, URN "serverInternal", false },
		{ 400, URN "rejectedIdentifier", false }
	};
	struct acme_want want = { .replaces = ARI };
	struct world *w;
	char body[200];
	void *one;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		setup(&one);
		w = one;
		snprintf(body, sizeof(body), "{\"type\":\"%s\"}", t[i].type);
		fake_fault(&w->ca, "new-order", 1, FAULT_REPLY, t[i].status,
		    body, "60");
		w->o = fake_order_by("www.shop.example", "http-01", &want);
		w->w = fake_run(&w->ca, w->s, w->o, &w->err);
		if ((w->w.kind == ACME_WISH_DONE) != t[i].again ||
		    orders(w) != 1 + t[i].again)
			fail_msg("row %zu: %s", i, w->err.text);
		if (t[i].again)
			assert_null(strstr(w->ca.last_order, "replaces"));
		teardown(&one);
	}
}

/* Who knows what is left pending can give it up; what is valid stays, for the
 * next order. */
static void
what_is_left(void **state)
{
	struct world *t = *state;
	const struct strv *left;

	t->ca.fail_name = "a.shop.example";
	t->ca.never_name = "b.shop.example";
	order(t, "a.shop.example b.shop.example c.shop.example", "http-01",
	    NULL, ERR_CONNECTION);
	left = acme_order_left(t->o);
	assert_int_equal(left->n, 1);
	assert_string_equal(left->v[0], ORIGIN "/authz/0/1");
	/* And of both orders, where another method was tried. */
	order(t, "a.shop.example b.shop.example", "http-01 dns-01", NULL,
	    ERR_CONNECTION);
	assert_int_equal(acme_order_left(t->o)->n, 2);
	t->ca.fail_name = t->ca.never_name = NULL;
	order(t, "www.shop.example", "http-01", NULL, ERR_OK);
	assert_int_equal(acme_order_left(t->o)->n, 0);
	fake_fault(&t->ca, "finalize", 2, FAULT_REPLY, 400,
	    "{\"type\":\"" URN "badCSR\"}", NULL);
	order(t, "two.shop.example", "http-01", NULL, ERR_CSR_REFUSED);
	assert_int_equal(acme_order_left(t->o)->n, 0);
}

/* An outage is no reason to give it up: after it the order has it again, also
 * in the next process. */
static void
b11_replaces_after_an_outage(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .replaces = ARI };
	struct buf kept;
	int i;

	for (i = 1; i <= 2; i++)
		fake_fault(&t->ca, "new-order", i, FAULT_REPLY, 500,
		    "{\"type\":\"" URN "serverInternal\"}", NULL);
	order(t, "www.shop.example", "http-01", &want, ERR_CA_DOWN);
	assert_int_equal(orders(t), 2);
	buf_init(&kept, 64 * 1024);
	acme_order_save(t->o, &kept);
	acme_order_free(t->o);
	t->o = acme_order_load(kept.data, kept.len, &t->err);
	buf_free(&kept);
	assert_non_null(t->o);
	t->w = fake_run(&t->ca, t->s, t->o, &t->err);
	assert_int_equal(t->w.kind, ACME_WISH_DONE);
	assert_int_equal(orders(t), 3);
	assert_non_null(strstr(t->ca.last_order, ARI));
}

static void
must_staple(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .must_staple = true };

	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	assert_true(t->ca.staple);
	fake_fault(&t->ca, "finalize", 2, FAULT_REPLY, 403,
	    "{\"type\":\"" URN "unauthorized\"}", NULL);
	order(t, "two.shop.example", "http-01", &want, ERR_OK);
	assert_false(t->ca.staple);
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_MUST_STAPLE);
	assert_int_equal(orders(t), 2);
	/* Nothing to leave out: refused is refused. */
	fake_fault(&t->ca, "finalize", 4, FAULT_REPLY, 403,
	    "{\"type\":\"" URN "unauthorized\"}", NULL);
	order(t, "three.shop.example", "http-01", NULL, ERR_CSR_REFUSED);
}

/* What is known to be refused is not asked for, and is told all the same. */
static void
must_staple_known_refused(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .must_staple = true,
		.known_refused = ACME_DROPPED_MUST_STAPLE };

	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	assert_false(t->ca.staple);
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_MUST_STAPLE);
	assert_int_equal(fake_count(&t->ca, "finalize"), 1);
}

static void
must_staple_left_out(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .must_staple = true };

	t->ca.ignores_staple = true;
	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	assert_true(t->ca.staple);
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_MUST_STAPLE);
	/* Who does not ask for it misses nothing. */
	order(t, "two.shop.example", "http-01", NULL, ERR_OK);
	assert_int_equal(acme_order_dropped(t->o), 0);
}

static void
words_for_what_was_dropped(void **state)
{
	int bit;

	(void)state;
	for (bit = 1; bit < ACME_DROPPED_ALL; bit <<= 1)
		assert_string_not_equal(acme_dropped_words(
		    (enum acme_dropped)bit), "nothing");
}

/* --- keys of others ------------------------------------------------------- */

/* The fake's "CSR" is only an SPKI, so it gets to see that of the real one. */
static struct blob
real_csr(EVP_PKEY *key, const char *name)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	struct blob out;

	X509_REQ_set_pubkey(req, key);
	X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN",
	    MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_REQ_sign(req, key, EVP_sha256());
	out.len = (size_t)i2d_X509_REQ(req, &der);
	out.p = xmemdup(der, out.len);
	OPENSSL_free(der);
	X509_REQ_free(req);
	return out;
}

static void
somebody_elses_csr(void **state)
{
	struct world *t = *state;
	EVP_PKEY *key = make_key("P-256");
	struct acme_want want = { .csr = real_csr(key, "www.shop.example") };

	t->ca.real_csr = true;
	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	assert_null(t->ca.certkey);	/* nobody was asked for a key */
	order(t, "two.shop.example", "http-01", &want, ERR_CSR_REFUSED);
	assert_true(acme_order_over(t->o));
	want.csr.p[want.csr.len - 1] ^= 1;
	order(t, "www.shop.example", "http-01", &want, ERR_CSR_REFUSED);
	assert_int_equal(orders(t), 1);
	blob_free(&want.csr);
	EVP_PKEY_free(key);
}

/* RFC 8555 section 11.1: told before the CA has validated anything. */
static void
csr_with_the_accounts_key(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .csr = real_csr(account_key(),
	    "www.shop.example") };

	order(t, "www.shop.example", "http-01", &want, ERR_CSR_REFUSED);
	assert_non_null(strstr(t->err.text, "the key of the account"));
	assert_int_equal(orders(t), 0);
	assert_true(acme_order_over(t->o));
	assert_true(acme_order_is_for(t->o, want.csr.p, want.csr.len));
	assert_false(acme_order_is_for(t->o, want.csr.p, want.csr.len - 1));
	assert_false(acme_order_is_for(t->o, NULL, 0));
	blob_free(&want.csr);
}

/* --- chains --------------------------------------------------------------- */

#define CHAINS "<" ORIGIN "/cert/0/1>;rel=\"alternate\", <" ORIGIN \
	"/cert/0/2>;rel=\"alternate\", <" ORIGIN "/dir>;rel=\"index\""

static void
chain_is(struct world *t, const char *issuer, int certs)
{
	struct acme_leaf top;
	struct err err;

	assert_int_equal(acme_leaf_read(&top, t->w.chain.p, t->w.chain.len,
	    &err), 0);
	assert_string_equal(top.issuer, issuer);
	assert_int_equal(fake_count(&t->ca, "cert"), certs);
	strv_free(&top.names);
	strv_free(&t->ca.log);
}

static void
the_preferred_chain(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .preferred_chain = "other root 2" };

	t->ca.link = CHAINS;
	t->ca.dedupe = false;
	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	chain_is(t, "CN=Other Root 2", 3);
	assert_int_equal(acme_order_dropped(t->o), 0);
}

static void
the_default_is_preferred(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .preferred_chain = "Everleaf Root" };

	t->ca.link = CHAINS;
	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	chain_is(t, "CN=Everleaf Root", 1);
	assert_int_equal(acme_order_dropped(t->o), 0);
}

static void
d9_no_such_chain(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .preferred_chain = "ISRG Root X1" };

	t->ca.link = CHAINS;
	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	chain_is(t, "CN=Everleaf Root", 3);
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_CHAIN);
}

static void
no_others(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .preferred_chain = "Other Root 1" };

	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	chain_is(t, "CN=Everleaf Root", 1);
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_CHAIN);
}

static void
c4_a_failing_alternate(void **state)
{
	static const enum fault faults[] = {
		FAULT_NOT_SENT, FAULT_LOST_BEFORE, FAULT_LOST_AFTER,
		FAULT_REPLY
	};
	struct acme_want want = { .preferred_chain = "Other Root 2" };
	struct world *t;
	void *one;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		setup(&one);
		t = one;
		t->ca.link = CHAINS;
		fake_fault(&t->ca, "cert", 2, faults[i], 503, "<html>", NULL);
		order(t, "www.shop.example", "http-01", &want, ERR_OK);
		chain_is(t, "CN=Other Root 2", 3);
		teardown(&one);
		/* Both fail: the default. */
		setup(&one);
		t = one;
		t->ca.link = CHAINS;
		fake_fault(&t->ca, "cert", 2, faults[i], 404, "{}", NULL);
		fake_fault(&t->ca, "cert", 3, faults[i], 200, "no chain",
		    NULL);
		order(t, "www.shop.example", "http-01", &want, ERR_OK);
		chain_is(t, "CN=Everleaf Root", 3);
		assert_int_equal(acme_order_dropped(t->o),
		    ACME_DROPPED_CHAIN);
		teardown(&one);
	}
}

static void
c4_another_certificate(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .preferred_chain = "Other Root 1" };

	t->ca.link = CHAINS;
	t->ca.other_leaf = true;
	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	chain_is(t, "CN=Everleaf Root", 3);
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_CHAIN);
}

static void
a_chain_by_its_hash(void **state)
{
	struct world *t = *state;
	struct acme_want want = { .preferred_chain = NULL };
	struct acme_leaf top;

	t->ca.link = CHAINS;
	order(t, "www.shop.example", "http-01", NULL, ERR_OK);
	assert_int_equal(fake_count(&t->ca, "cert"), 1);
	assert_int_equal(acme_leaf_read(&top, t->w.chain.p, t->w.chain.len,
	    &t->err), 0);
	strv_free(&t->ca.log);
	/* The intermediate is new each time, so this is that of nobody. */
	want.preferred_chain = top.sha256;
	t->ca.link = NULL;
	t->ca.dedupe = false;
	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	assert_int_equal(acme_order_dropped(t->o), ACME_DROPPED_CHAIN);
	strv_free(&top.names);
	/* The leaf's own hash is known only after; the root that came counts
	 * though it is not installed. */
	t->ca.with_root = true;
	want.preferred_chain = t->ca.root_sha256;
	order(t, "www.shop.example", "http-01", &want, ERR_OK);
	assert_int_equal(acme_order_dropped(t->o), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(two_values_at_one_record),
		T(names_and_addresses),
		N("D2 other address", d2_other_address),
		T(the_next_type_in_a_new_order),
		T(as_many_orders_as_types),
		T(no_new_order_for_what_is_not_offered),
		T(no_new_order_when_one_name_is_lost),
		T(orders_that_are_born_invalid),
		T(the_first_reason_is_kept),
		T(publishing_fails_the_next_is_taken),
		T(a_refused_answer_takes_the_next),
		T(all_that_failed_are_guilty),
		T(subproblems_are_guilty),
		T(dns_account),
		T(dns_persist),
		T(dns_persist_without_issuers),
		T(profiles),
		T(invalid_profile),
		T(dates),
		cmocka_unit_test(b11_replaces),
		T(what_is_left),
		T(b11_replaces_after_an_outage),
		T(must_staple),
		T(must_staple_known_refused),
		T(must_staple_left_out),
		cmocka_unit_test(words_for_what_was_dropped),
		T(somebody_elses_csr), T(csr_with_the_accounts_key),
		T(the_preferred_chain),
		T(the_default_is_preferred),
		N("D9 no such chain", d9_no_such_chain),
		T(no_others),
		cmocka_unit_test(c4_a_failing_alternate),
		N("C4 another certificate", c4_another_certificate),
		T(a_chain_by_its_hash)
	};

	return cmocka_run_group_tests_name("acme_again", tests, NULL, NULL);
}
