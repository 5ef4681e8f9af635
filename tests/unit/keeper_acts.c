/* An engine that lies: whatever it says to the keeper, it can't revoke, change
 * the account's key, give the account up or read a key. With an operator's
 * leave it can do the one act that was allowed. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include "tests/unit/keeper_world.h"

#define CA_ORIGIN "https://ca.example:14000"

enum { EDITION = 4, LONG_LEAF = 400 };

/* As the master does it for an operator who has named that CA. */
static enum err_code
arm_at(struct world *w, enum arm_what what, uint64_t object,
    uint32_t version, uint32_t seconds, const uint8_t *digest, char *origin)
{
	bool ca = what != ARM_REVOKE && seconds != 0;
	struct w_arm q = { (uint8_t)what, object, version, seconds,
		{ (uint8_t *)(uintptr_t)digest, digest != NULL ? 32 : 0 },
		ca ? origin : TEXT(""), ca ? TEXT("ca") : TEXT("") };

	return refusal(w->keeper.fd, WIRE_ARM, &q);
}

static enum err_code
arm(struct world *w, enum arm_what what, uint64_t object, uint32_t version,
    uint32_t seconds, const uint8_t *digest)
{
	return arm_at(w, what, object, version, seconds, digest,
	    TEXT(CA_ORIGIN));
}

/* What an answer says about itself. */
static bool
says(const struct w_jws_done *a, const char *part, const char *what)
{
	struct blob b = member(&a->jws, part);
	bool there = memmem(b.p, b.len, what, strlen(what)) != NULL;

	blob_free(&b);
	return there;
}

/* --- revocation ----------------------------------------------------------- */

struct revocation {
	struct w_key *account;
	struct w_csr_done *cert;
	uint8_t leaf[LONG_LEAF];	/* no certificate, but has the key */
	struct w_jws q;
};

static void
make_revocation(struct world *w, struct revocation *r)
{
	struct w_csr make = { .cert = CERT, .version = EDITION,
		.alg = TEXT("ecdsa-p256"), .names = some_names() };
	static char url[] = "https://ca.example:14000/revoke", empty[] = "";

	r->account = make_account(w);
	r->cert = must(w->engine, WIRE_CSR, &make, WIRE_CSR_DONE);
	strv_free(&make.names);
	memset(r->leaf, 0x30, sizeof(r->leaf));
	memcpy(r->leaf + 100, r->cert->spki.p, r->cert->spki.len);
	r->q = some_request(&r->account->sealed);
	r->q.what = JWS_REVOKE;
	r->q.url = url;
	r->q.leaf = (struct blob){ r->leaf, sizeof(r->leaf) };
	r->q.cert = CERT;
	r->q.version = EDITION;
	r->q.cert_sealed = r->cert->sealed;
	r->q.eab = r->q.eab_kid = empty;
}

static void
end_revocation(struct revocation *r)
{
	child_answer_free(WIRE_KEY, r->account);
	child_answer_free(WIRE_CSR_DONE, r->cert);
}

static void
nothing_is_revoked_unasked(void **state)
{
	struct world *w = *state;
	struct revocation r;

	make_revocation(w, &r);
	assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
	    ERR_NEEDS_OPERATOR);
	r.q.by_cert = 1;
	r.q.kid = TEXT("");
	assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
	    ERR_NEEDS_OPERATOR);
	end_revocation(&r);
}

static void
what_was_armed_is_revoked(void **state)
{
	struct world *w = *state;
	struct revocation r;
	struct w_jws_done *a;

	make_revocation(w, &r);
	assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 600, NULL), ERR_OK);
	r.q.reason = 4;
	a = must(w->engine, WIRE_JWS, &r.q, WIRE_JWS_DONE);
	assert_true(says(a, "payload", "\"reason\":4"));
	assert_true(says(a, "protected", "\"kid\":"));
	child_answer_free(WIRE_JWS_DONE, a);
	/* A second nonce for the same is no second use, */
	r.q.nonce = TEXT("YW5vdGhlcg");
	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &r.q,
	    WIRE_JWS_DONE));
	/* nor is it without the reason, which a CA may not take; */
	r.q.nonce = TEXT("YW5vdGhlcg");
	r.q.reason = 0;
	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &r.q,
	    WIRE_JWS_DONE));
	/* another request is. */
	r.q.reason = 1;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
	    ERR_NEEDS_OPERATOR);
	end_revocation(&r);
}

static void
its_own_key_may_sign(void **state)
{
	struct world *w = *state;
	struct revocation r;
	struct w_jws_done *a;

	make_revocation(w, &r);
	assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 600, NULL), ERR_OK);
	r.q.by_cert = 1;
	r.q.kid = TEXT("");
	r.q.reason = 1;
	a = must(w->engine, WIRE_JWS, &r.q, WIRE_JWS_DONE);
	assert_true(says(a, "protected", "\"jwk\":{\"crv\":\"P-256\""));
	assert_false(says(a, "protected", "\"kid\":"));
	child_answer_free(WIRE_JWS_DONE, a);
	end_revocation(&r);
}

/* Refused to the account, the same leave is good for the certificate's key;
 * not for another reason. */
static void
then_its_own_key_may_sign(void **state)
{
	struct world *w = *state;
	struct revocation r;

	make_revocation(w, &r);
	assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 600, NULL), ERR_OK);
	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &r.q,
	    WIRE_JWS_DONE));
	r.q.by_cert = 1;
	r.q.kid = TEXT("");
	r.q.reason = 1;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
	    ERR_NEEDS_OPERATOR);
	r.q.reason = 0;
	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &r.q,
	    WIRE_JWS_DONE));
	end_revocation(&r);
}

/* The leave for one certificate is none for another. */
static void
another_is_not_revoked(void **state)
{
	struct world *w = *state;
	char *url;
	struct revocation r;
	uint8_t digest[32];
	int i;

	make_revocation(w, &r);
	url = r.q.url;
	SHA256(r.leaf, sizeof(r.leaf), digest);
	for (i = 0; i < 2; i++) {
		/* By the version's key, then by the digest. */
		assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 600,
		    i == 0 ? NULL : digest), ERR_OK);
		r.leaf[120] ^= 1;
		assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
		    ERR_NEEDS_OPERATOR);
		r.leaf[120] ^= 1;
		r.q.version++;
		assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
		    ERR_NEEDS_OPERATOR);
		r.q.version--;
		r.q.cert++;
		assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
		    ERR_NEEDS_OPERATOR);
		r.q.cert--;
		r.q.url = TEXT("https://evil.example/revoke");
		assert_int_not_equal(refusal(w->engine, WIRE_JWS, &r.q),
		    ERR_OK);
		r.q.url = url;
		assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 600,
		    i == 0 ? NULL : digest), ERR_OK);
		child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS,
		    &r.q, WIRE_JWS_DONE));
	}
	/* With a digest the key may be missing (a CSR of one's own). */
	assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 600, NULL), ERR_OK);
	r.q.cert_sealed = (struct blob){ NULL, 0 };
	assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
	    ERR_NEEDS_OPERATOR);
	assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 600, digest),
	    ERR_OK);
	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &r.q,
	    WIRE_JWS_DONE));
	end_revocation(&r);
}

static void
leave_ends(void **state)
{
	struct world *w = *state;
	struct revocation r;

	make_revocation(w, &r);
	assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 600, NULL), ERR_OK);
	assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 0, NULL), ERR_OK);
	assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
	    ERR_NEEDS_OPERATOR);
	assert_int_equal(arm(w, ARM_REVOKE, CERT, EDITION, 1, NULL), ERR_OK);
	usleep(1100 * 1000);
	assert_int_equal(refusal(w->engine, WIRE_JWS, &r.q),
	    ERR_NEEDS_OPERATOR);
	end_revocation(&r);
}

static void
what_cannot_be_armed(void **state)
{
	static const struct {
		enum arm_what what;
		uint32_t version, seconds;
	} t[] = { { 0, 0, 1 }, { ARM_WHAT_COUNT, 0, 1 }, { ARM_REVOKE, 0, 1 },
		{ ARM_REVOKE, 1, 601 }, { ARM_DEACTIVATE, 1, 1 },
		{ ARM_KEY_CHANGE, 1, 1 } };
	struct world *w = *state;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(arm(w, t[i].what, ACCOUNT, t[i].version,
		    t[i].seconds, NULL), ERR_INVALID);
	for (i = 1; i <= 1024; i++)
		assert_int_equal(arm(w, ARM_REVOKE, CERT, (uint32_t)i, 600,
		    NULL), ERR_OK);
	assert_int_equal(arm(w, ARM_REVOKE, CERT, 5000, 600, NULL),
	    ERR_OWN_LIMIT);
	assert_int_equal(arm(w, ARM_REVOKE, CERT, 1, 600, NULL), ERR_OK);
}

/* --- the account ---------------------------------------------------------- */

static void
the_key_changes_by_leave_only(void **state)
{
	struct world *w = *state;
	struct w_key *old = make_account(w), *next = make_account(w);
	struct w_account_key elsewhere = { ACCOUNT, TEXT("https://b.example"),
		TEXT("ecdsa-p256") };
	struct w_key *other = must(w->engine, WIRE_ACCOUNT_KEY, &elsewhere,
	    WIRE_KEY);
	struct w_jws q = some_request(&old->sealed);
	struct w_jws_done *a;
	struct blob payload;

	q.what = JWS_KEY_CHANGE;
	q.next = next->sealed;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_NEEDS_OPERATOR);
	assert_int_equal(arm(w, ARM_KEY_CHANGE, ACCOUNT + 1, 0, 600, NULL),
	    ERR_OK);
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_NEEDS_OPERATOR);
	assert_int_equal(arm(w, ARM_KEY_CHANGE, ACCOUNT, 0, 600, NULL),
	    ERR_OK);
	q.next = old->sealed;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_INVALID);
	q.next = other->sealed;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_INVALID);
	q.next = (struct blob){ NULL, 0 };
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_SEAL);
	q.next = next->sealed;
	a = must(w->engine, WIRE_JWS, &q, WIRE_JWS_DONE);
	payload = member(&a->jws, "payload");
	assert_memory_equal(payload.p, "{\"protected\":\"", 14);
	blob_free(&payload);
	child_answer_free(WIRE_JWS_DONE, a);
	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &q,
	    WIRE_JWS_DONE));
	/* A third key would be a second change. */
	child_answer_free(WIRE_KEY, other);
	other = make_account(w);
	q.next = other->sealed;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_NEEDS_OPERATOR);
	child_answer_free(WIRE_KEY, old);
	child_answer_free(WIRE_KEY, next);
	child_answer_free(WIRE_KEY, other);
}

static void
the_account_is_given_up_by_leave_only(void **state)
{
	struct world *w = *state;
	struct w_key *k = make_account(w);
	struct w_jws q = some_request(&k->sealed);
	struct w_jws_done *a;

	q.what = JWS_DEACTIVATE_ACCOUNT;
	q.url = q.kid;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_NEEDS_OPERATOR);
	/* Leave for something else is no leave. */
	assert_int_equal(arm(w, ARM_KEY_CHANGE, ACCOUNT, 0, 600, NULL),
	    ERR_OK);
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_NEEDS_OPERATOR);
	assert_int_equal(arm(w, ARM_DEACTIVATE, ACCOUNT, 0, 600, NULL),
	    ERR_OK);
	a = must(w->engine, WIRE_JWS, &q, WIRE_JWS_DONE);
	assert_true(says(a, "payload", "{\"status\":\"deactivated\"}"));
	child_answer_free(WIRE_JWS_DONE, a);
	q.url = TEXT("https://ca.example:14000/acct/2");
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q),
	    ERR_NEEDS_OPERATOR);
	child_answer_free(WIRE_KEY, k);
}

/* The engine has told the operator's command the number of an account at
 * another CA than the one that was named. */
static void
leave_is_for_an_account_of_one_ca(void **state)
{
	struct world *w = *state;
	struct w_key *k = make_account(w), *next = make_account(w);
	struct w_export export = { ACCOUNT, k->sealed };
	struct w_jws q = some_request(&k->sealed);
	char *staging = TEXT("https://staging.example");
	enum arm_what what;

	for (what = ARM_KEY_CHANGE; what < ARM_WHAT_COUNT; what++)
		assert_int_equal(arm_at(w, what, ACCOUNT, 0, 600, NULL,
		    staging), ERR_OK);
	q.what = JWS_DEACTIVATE_ACCOUNT;
	q.url = q.kid;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_NEEDS_OPERATOR);
	q.what = JWS_KEY_CHANGE;
	q.next = next->sealed;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_NEEDS_OPERATOR);
	assert_int_equal(refusal(w->keeper.fd, WIRE_EXPORT, &export),
	    ERR_NEEDS_OPERATOR);
	/* No CA at all is not any CA. */
	assert_int_equal(arm_at(w, ARM_DEACTIVATE, ACCOUNT, 0, 600, NULL,
	    TEXT("")), ERR_INVALID);
	assert_int_equal(arm(w, ARM_DEACTIVATE, ACCOUNT, 0, 600, NULL),
	    ERR_OK);
	q.what = JWS_DEACTIVATE_ACCOUNT;
	q.next = (struct blob){ NULL, 0 };
	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &q,
	    WIRE_JWS_DONE));
	child_answer_free(WIRE_KEY, k);
	child_answer_free(WIRE_KEY, next);
}

/* The engine names the account's address, too, and some CAs take a second
 * spelling of it. */
static void
no_other_spelling_of_the_account(void **state)
{
	static const struct { const char *kid, *url; } rows[] = {
		{ "/acct/1", "/acct/1" }, { "/acct/01", "/acct/1" },
		{ "/acct/+1", "/acct/1" }, { "/ACCT/01", "/acct/1" },
		{ "/acct/1/", "/acct/1" }, { "/acct/1", "/acct/1/" },
		{ "/reg/1", "/acct/1" }, { "/reg/01", "/acct/1" },
		{ "/acct/%31", "/acct/1" }, { "/acct/1?x", "/acct/1" },
		{ "/acct/1;x", "/acct/1" }, { "//acct/1", "/acct/1" },
		{ "/x/../acct/1", "/acct/1" }, { "/acct/1#", "/acct/1" },
		{ "/acct/2", "/acct/1" }, { "", "/acct/1" }
	};
	struct world *w = *state;
	struct w_key *k = make_account(w);
	struct w_jws q = some_request(&k->sealed);
	char kid[128], url[128];
	size_t i;

	q.what = JWS_DEACTIVATE_AUTHZ;
	q.kid = kid;
	q.url = url;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(kid, sizeof(kid), CA_ORIGIN "%s", rows[i].kid);
		snprintf(url, sizeof(url), CA_ORIGIN "%s", rows[i].url);
		if (refusal(w->engine, WIRE_JWS, &q) != ERR_NEEDS_OPERATOR)
			fail_msg("%s for %s", url, kid);
	}
	snprintf(kid, sizeof(kid), CA_ORIGIN "/acct/1");
	snprintf(url, sizeof(url), CA_ORIGIN "/authz/1/2");
	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &q,
	    WIRE_JWS_DONE));
	child_answer_free(WIRE_KEY, k);
}

/* --- the account's key ---------------------------------------------------- */

/* Whether this PEM is the private half. */
static bool
is_key_of(const struct blob *pem, const struct blob *spki)
{
	BIO *bio = BIO_new_mem_buf(pem->p, (int)pem->len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_PKEY *public = public_key(spki);
	bool is = key != NULL && EVP_PKEY_eq(key, public) == 1;

	BIO_free(bio);
	EVP_PKEY_free(key);
	EVP_PKEY_free(public);
	return is;
}

/* To the master, which says what the engine has handed on. */
static void
the_key_leaves_by_leave_only(void **state)
{
	struct world *w = *state;
	struct w_key *mine = make_account(w), *other;
	struct w_account_key make = { ACCOUNT + 1, TEXT(CA_ORIGIN),
		TEXT("ecdsa-p256") };
	struct w_export q = { ACCOUNT, mine->sealed };
	struct w_exported *a;

	other = must(w->engine, WIRE_ACCOUNT_KEY, &make, WIRE_KEY);
	assert_int_equal(refusal(w->keeper.fd, WIRE_EXPORT, &q),
	    ERR_NEEDS_OPERATOR);
	/* Leave for something else, or for another account, is no leave. */
	assert_int_equal(arm(w, ARM_KEY_CHANGE, ACCOUNT, 0, 600, NULL),
	    ERR_OK);
	assert_int_equal(arm(w, ARM_EXPORT, ACCOUNT + 1, 0, 600, NULL),
	    ERR_OK);
	assert_int_equal(refusal(w->keeper.fd, WIRE_EXPORT, &q),
	    ERR_NEEDS_OPERATOR);
	/* Nor does another's key come under this name. */
	assert_int_equal(arm(w, ARM_EXPORT, ACCOUNT, 0, 600, NULL), ERR_OK);
	q.sealed = other->sealed;
	assert_int_equal(refusal(w->keeper.fd, WIRE_EXPORT, &q), ERR_SEAL);
	q.sealed = mine->sealed;
	a = must(w->keeper.fd, WIRE_EXPORT, &q, WIRE_EXPORTED);
	assert_memory_equal(a->key.p, "-----BEGIN PRIVATE KEY-----\n", 28);
	assert_true(is_key_of(&a->key, &mine->spki));
	child_answer_free(WIRE_EXPORTED, a);
	/* Once. */
	assert_int_equal(refusal(w->keeper.fd, WIRE_EXPORT, &q),
	    ERR_NEEDS_OPERATOR);
	child_answer_free(WIRE_KEY, mine);
	child_answer_free(WIRE_KEY, other);
}

/* --- what only the master may say ----------------------------------------- */

static void
an_engine_cannot_play_the_master(void **state)
{
	struct world *w = *state;
	uint8_t bytes[64] = { 1 };
	struct w_arm leave = { .what = ARM_DEACTIVATE, .object = ACCOUNT,
		.seconds = 600, .origin = TEXT(CA_ORIGIN),
		.ca = TEXT("ca") };
	struct w_secret secret = { SECRET_TSIG, TEXT("bind"),
		TEXT("hmac-sha256"), { bytes, 64 } };
	struct w_import import = { ACCOUNT, 0, TEXT("https://ca.example"),
		{ bytes, 64 } };
	struct w_open open = { CERT, 1, { NULL, 0 } };
	struct w_key *account = make_account(w);
	struct w_export export = { ACCOUNT, account->sealed };
	struct w_empty nothing = { 0 };
	const struct { enum wire_kind kind; const void *st; } t[] = {
		{ WIRE_ARM, &leave }, { WIRE_SECRET, &secret },
		{ WIRE_IMPORT, &import }, { WIRE_FORGET, &nothing },
		{ WIRE_OPEN, &open }, { WIRE_EXPORT, &export }
	};
	size_t i;
	void *out;

	assert_int_equal(arm(w, ARM_EXPORT, ACCOUNT, 0, 600, NULL), ERR_OK);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(child_ask(w->engine, t[i].kind, t[i].st,
		    &out), 0);
		close(w->engine);
		w->engine = give_peer(w->keeper.fd);
		child_answer_free(WIRE_KEY, make_account(w));
	}
	child_answer_free(WIRE_KEY, account);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_KEEPER(nothing_is_revoked_unasked),
		WITH_KEEPER(what_was_armed_is_revoked),
		WITH_KEEPER(its_own_key_may_sign),
		WITH_KEEPER(then_its_own_key_may_sign),
		WITH_KEEPER(another_is_not_revoked),
		WITH_KEEPER(leave_ends),
		WITH_KEEPER(what_cannot_be_armed),
		WITH_KEEPER(the_key_changes_by_leave_only),
		WITH_KEEPER(the_account_is_given_up_by_leave_only),
		WITH_KEEPER(leave_is_for_an_account_of_one_ca),
		WITH_KEEPER(no_other_spelling_of_the_account),
		WITH_KEEPER(the_key_leaves_by_leave_only),
		WITH_KEEPER(an_engine_cannot_play_the_master)
	};

	return cmocka_run_group_tests_name("keeper_acts", tests, NULL, NULL);
}
