/* Accounts beside ordering, against a CA of a hundred lines that knows keys by
 * name and loses requests and answers on command. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acme/account.h"
#include "acme_fake.h"

#define URN "urn:ietf:params:acme:error:"
#define KID ORIGIN "/acct/1"

enum loss { NO_LOSS, LOST_BEFORE, LOST_AFTER, UNSENT, CRASH_BEFORE,
	CRASH_AFTER };

static struct ca {
	/* what it knows */
	enum jws_signer key;		/* whose key the account has */
	bool account, closed, revoked, taken;
	const char *reason_refused;
	char contact[64];
	/* how it behaves */
	bool eab, eab_spent, no_reasons, bare, no_change;
	const char *refuse;		/* everything but looks, with this */
	int bad_nonces;
	enum loss loss;
	int loss_at;			/* the nth POST; 1 is the first */
	/* what came */
	int posts, revocations, changes, made, looks;
	struct jws_request signed_as;
	char signed_eab[16], signed_kid[64];
	char body[600];
	const char *location;
} ca;

static int
problem(int status, const char *type)
{
	snprintf(ca.body, sizeof(ca.body), "{\"type\":\"" URN "%s\","
	    "\"detail\":\"it says so\"}", type);
	return status;
}

static int
account(int status)
{
	snprintf(ca.body, sizeof(ca.body), "{\"status\":\"%s\"}",
	    ca.closed ? "deactivated" : "valid");
	return status;
}

static int
new_account(void)
{
	bool known = ca.account && ca.signed_as.signer == ca.key;

	if (ca.signed_as.existing) {
		ca.looks++;
		if (ca.taken && ca.signed_as.signer == JWS_BY_NEXT) {
			ca.location = ORIGIN "/acct/2";
			return account(200);
		}
		if (!known)
			return problem(400, "accountDoesNotExist");
	}
	if (known && ca.closed)
		return problem(403, "unauthorized");
	if (known) {
		ca.location = KID;
		return account(200);
	}
	if (ca.eab && ca.signed_eab[0] == '\0')
		return problem(403, "externalAccountRequired");
	if (ca.eab && ca.eab_spent)
		return problem(403, "unauthorized");
	ca.eab_spent = ca.account = true;
	ca.key = ca.signed_as.signer;
	ca.location = KID;
	ca.made++;
	return account(201);
}

static int
key_change(void)
{
	ca.changes++;
	if (ca.taken) {
		ca.location = ORIGIN "/acct/2";
		return problem(409, "malformed");
	}
	ca.key = JWS_BY_NEXT;
	return account(200);
}

static int
revoke(void)
{
	if (ca.no_reasons && ca.signed_as.reason != 0)
		return problem(400, "badRevocationReason");
	if (ca.revoked)
		return problem(400, "alreadyRevoked");
	ca.revoked = true;
	ca.revocations++;
	ca.body[0] = '\0';
	return 200;
}

static int
serve(const char *url)
{
	ca.location = NULL;
	if (ca.bad_nonces > 0 && ca.bad_nonces--)
		return problem(400, "badNonce");
	if (ca.refuse != NULL && !ca.signed_as.existing)
		return problem(strcmp(ca.refuse, "serverInternal") == 0 ?
		    500 : 403, ca.refuse);
	if (strcmp(url, ORIGIN "/a") == 0)
		return new_account();
	if (strcmp(url, ORIGIN "/rv") == 0 &&
	    ca.signed_as.signer == JWS_BY_CERT)
		return revoke();
	if (ca.closed || (ca.signed_as.signer != ca.key &&
	    ca.signed_as.signer != JWS_BY_CERT))
		return problem(403, "unauthorized");
	if (strcmp(url, ORIGIN "/kc") == 0)
		return key_change();
	if (strcmp(url, ORIGIN "/rv") == 0)
		return revoke();
	assert_string_equal(url, KID);
	if (ca.signed_as.what == JWS_DEACTIVATE_ACCOUNT)
		ca.closed = true;
	return account(200);
}

static void
directory(void)
{
	snprintf(ca.body, sizeof(ca.body), "{\"newNonce\":\"" ORIGIN "/n\","
	    "\"newAccount\":\"" ORIGIN "/a\","
	    "\"newOrder\":\"" ORIGIN "/o\"%s%s%s}",
	    ca.bare ? "" : ",\"revokeCert\":\"" ORIGIN "/rv\"",
	    ca.bare ? "" : ",\"keyChange\":\"" ORIGIN "/kc\"",
	    ca.eab ? ",\"meta\":{\"externalAccountRequired\":true}" : "");
}

static void
take_signing(const struct jws_request *r, struct acme_event *ev)
{
	ca.signed_as = *r;
	snprintf(ca.signed_eab, sizeof(ca.signed_eab), "%s",
	    r->eab_kid != NULL ? r->eab_kid : "");
	snprintf(ca.signed_kid, sizeof(ca.signed_kid), "%s",
	    r->kid != NULL ? r->kid : "");
	snprintf(ca.contact, sizeof(ca.contact), "%s", r->contacts != NULL &&
	    r->contacts->n > 0 ? r->contacts->v[0] : "");
	ev->kind = ACME_SIGNED;
	ev->bytes = (struct blob){ (uint8_t *)(uintptr_t)"jws", 3 };
}

/* Carries out a wish; false: the process died of it. */
static bool
carry_out(const struct acme_wish *w, struct acme_event *ev)
{
	static char nonce[16];
	static int nonces;
	enum loss loss = NO_LOSS;

	memset(ev, 0, sizeof(*ev));
	if (w->kind == ACME_WISH_SIGN) {
		take_signing(&w->jws, ev);
		return true;
	}
	assert_int_equal(w->kind, ACME_WISH_HTTP);
	ev->kind = ACME_REPLY;
	ev->reply.status = 200;
	snprintf(nonce, sizeof(nonce), "n%d", ++nonces);
	ev->reply.nonce = nonce;
	if (w->method == ACME_POST && ++ca.posts == ca.loss_at)
		loss = ca.loss;
	if (loss == UNSENT || loss == LOST_BEFORE)
		ev->kind = loss == UNSENT ? ACME_NOT_SENT : ACME_LOST;
	if (loss == CRASH_BEFORE)
		return false;
	if (ev->kind == ACME_REPLY && w->method == ACME_GET)
		directory();
	else if (ev->kind == ACME_REPLY && w->method == ACME_POST)
		ev->reply.status = serve(w->url);
	ev->reply.body = ca.body;
	ev->reply.body_len = strlen(ca.body);
	ev->reply.location = ca.location;
	if (loss == LOST_AFTER)
		ev->kind = ACME_LOST;
	return loss != CRASH_AFTER;
}

/* What is run: one of the three machines. */
struct run {
	struct acme_session *s;
	struct acme_act *act;
	struct acme_rollover *roll;
};

static struct acme_wish
step(struct run *r, const struct acme_event *ev, struct err *err)
{
	if (r->act != NULL)
		return acme_act_step(r->act, r->s, NOW_MS, ev, err);
	if (r->roll != NULL)
		return acme_rollover_step(r->roll, r->s, NOW_MS, ev, err);
	return acme_session_step(r->s, NOW_MS, ev, err);
}

/* DONE, FAIL, or WAIT when the process died. */
static enum acme_wish_kind
play(struct run *r, struct err *err)
{
	struct acme_event ev;
	struct acme_wish w;
	int i;

	err_clear(err);
	w = step(r, NULL, err);
	for (i = 0; i < 60 && w.kind != ACME_WISH_DONE &&
	    w.kind != ACME_WISH_FAIL; i++) {
		if (!carry_out(&w, &ev))
			return ACME_WISH_WAIT;
		w = step(r, &ev, err);
	}
	assert_true(i < 60);
	assert_true(w.kind != ACME_WISH_FAIL || err->code != ERR_OK);
	if (w.kind == ACME_WISH_DONE)
		err_clear(err);		/* of what was lost on the way */
	return w.kind;
}

static struct acme_session *
session(const char *kid, const char *eab, bool begun, bool existing)
{
	static EVP_PKEY *key;
	struct blob spki;
	struct acme_account a = { .directory_url = ORIGIN "/directory",
		.kid = kid, .agree_tos = true, .eab_kid = eab, .begun = begun,
		.existing_only = existing };
	struct acme_session *s;
	struct err err;

	if (key == NULL)
		key = make_key("P-256");
	spki = spki_of(key);
	a.spki = spki.p;
	a.spki_len = spki.len;
	s = acme_session_new(&a, &err);
	blob_free(&spki);
	return s;
}

/* A session that is DONE at a CA that knows the account. */
static struct run
ready(void)
{
	struct run r = { .s = session(KID, NULL, false, false) };
	struct err err;

	ca.account = true;
	assert_int_equal(play(&r, &err), ACME_WISH_DONE);
	return r;
}

static void
end(struct run *r)
{
	acme_session_free(r->s);
	acme_act_free(r->act);
	acme_rollover_free(r->roll);
	memset(r, 0, sizeof(*r));
}

static void
fresh(void)
{
	memset(&ca, 0, sizeof(ca));
}

/* --- bindings ------------------------------------------------------------- */

static enum err_code
registers(const char *eab, bool begun, bool existing)
{
	struct run r = { .s = session(NULL, eab, begun, existing) };
	struct err err;

	play(&r, &err);
	assert_true(err.code == ERR_OK || err.advice[0] != '\0');
	end(&r);
	return err.code;
}

static void
a_binding_is_sent_where_one_is_set(void **state)
{
	(void)state;
	fresh();
	ca.eab = true;
	assert_int_equal(registers(NULL, false, false), ERR_EAB_NEEDED);
	assert_int_equal(ca.posts, 0);
	assert_int_equal(registers("kid-1", false, false), ERR_OK);
	assert_string_equal(ca.signed_eab, "kid-1");
	assert_int_equal(ca.posts, 1);
	/* The key is spent, but this account is there. */
	assert_int_equal(registers("kid-1", true, false), ERR_OK);
	assert_int_equal(ca.looks, 1);
	assert_int_equal(ca.made, 1);
	ca.account = false;
	assert_int_equal(registers("kid-1", true, false), ERR_EAB_NEEDED);
}

/* A binding is good for one use: after a loss the CA is asked first. */
static void
a_lost_binding_is_not_sent_again(void **state)
{
	(void)state;
	fresh();
	ca.eab = true;
	ca.loss = LOST_AFTER;
	ca.loss_at = 1;
	assert_int_equal(registers("kid-1", false, false), ERR_OK);
	assert_int_equal(ca.made, 1);
	assert_int_equal(ca.looks, 1);
	fresh();
	ca.eab = true;
	ca.loss = LOST_BEFORE;
	ca.loss_at = 1;
	assert_int_equal(registers("kid-1", false, false), ERR_OK);
	assert_int_equal(ca.made, 1);
	assert_int_equal(ca.looks, 1);
}

static void
a_key_from_elsewhere_is_only_looked_for(void **state)
{
	(void)state;
	fresh();
	ca.eab = true;
	assert_int_equal(registers(NULL, false, true), ERR_ACCOUNT_UNKNOWN);
	assert_int_equal(ca.made, 0);
	ca.account = true;
	assert_int_equal(registers(NULL, false, true), ERR_OK);
	ca.closed = true;
	assert_int_equal(registers(NULL, false, true), ERR_ACCOUNT_DEAD);
}

/* --- acts ----------------------------------------------------------------- */

static enum err_code
acts(struct run *r, struct acme_act *a)
{
	struct err err;

	acme_act_free(r->act);
	r->act = a;
	play(r, &err);
	return err.code;
}

static void
contacts_are_told(void **state)
{
	struct strv to = strv_of("mailto:ops@shop.example");
	struct run r;

	(void)state;
	fresh();
	r = ready();
	assert_int_equal(acts(&r, acme_contacts_new(&to)), ERR_OK);
	assert_int_equal(ca.signed_as.what, JWS_UPDATE_ACCOUNT);
	assert_string_equal(ca.contact, "mailto:ops@shop.example");
	ca.bad_nonces = 3;
	ca.loss = LOST_AFTER;
	ca.loss_at = ca.posts + 1;
	assert_int_equal(acts(&r, acme_contacts_new(&to)), ERR_OK);
	ca.refuse = "invalidContact";
	assert_int_equal(acts(&r, acme_contacts_new(&to)),
	    ERR_CONTACT_REFUSED);
	strv_free(&to);
	end(&r);
}

/* security.md B12. */
static void
b12_a_dead_account_is_seen(void **state)
{
	struct run r;

	(void)state;
	fresh();
	r = ready();
	assert_int_equal(acts(&r, acme_account_look_new()), ERR_OK);
	ca.closed = true;
	assert_int_equal(acts(&r, acme_account_look_new()), ERR_ACCOUNT_DEAD);
	ca.refuse = "accountDoesNotExist";
	assert_int_equal(acts(&r, acme_account_look_new()),
	    ERR_ACCOUNT_UNKNOWN);
	ca.refuse = "serverInternal";
	assert_int_equal(acts(&r, acme_account_look_new()), ERR_CA_DOWN);
	end(&r);
}

/* Whatever is lost, the account is given up, and once. */
static void
an_account_is_given_up(void **state)
{
	enum loss loss;
	struct run r;

	(void)state;
	for (loss = NO_LOSS; loss <= LOST_AFTER; loss++) {
		fresh();
		r = ready();
		ca.loss = loss;
		ca.loss_at = 1;
		assert_int_equal(acts(&r, acme_deactivate_new()), ERR_OK);
		assert_true(ca.closed);
		assert_int_equal(acts(&r, acme_deactivate_new()), ERR_OK);
		end(&r);
	}
}

static void
certificates_are_revoked(void **state)
{
	enum loss loss;
	struct run r;

	(void)state;
	for (loss = NO_LOSS; loss <= LOST_AFTER; loss++) {
		fresh();
		r = ready();
		ca.loss = loss;
		ca.loss_at = 1;
		assert_int_equal(acts(&r, acme_revoke_new("der", 3, 4,
		    ACME_REVOKE_BY_ACCOUNT)), ERR_OK);
		assert_int_equal(ca.revocations, 1);
		assert_int_equal(ca.signed_as.signer, JWS_BY_ACCOUNT);
		assert_string_equal(ca.signed_kid, KID);
		assert_int_equal(ca.signed_as.cert.len, 3);
		/* alreadyRevoked is success. */
		assert_int_equal(acts(&r, acme_revoke_new("der", 3, 0,
		    ACME_REVOKE_BY_CERT)), ERR_OK);
		assert_int_equal(ca.signed_as.signer, JWS_BY_CERT);
		end(&r);
	}
	fresh();
	r = ready();
	ca.no_reasons = true;
	assert_int_equal(acts(&r, acme_revoke_new("der", 3, 1,
	    ACME_REVOKE_BY_ACCOUNT)),
	    ERR_CA_REFUSED);
	assert_int_equal(acts(&r, acme_revoke_new("der", 3, 4,
	    ACME_REVOKE_BY_ACCOUNT)),
	    ERR_OK);
	assert_int_equal(ca.signed_as.reason, 0);
	ca.refuse = "unauthorized";
	assert_int_equal(acts(&r, acme_revoke_new("der", 3, 4,
	    ACME_REVOKE_BY_ACCOUNT)),
	    ERR_CA_REFUSED);
	end(&r);
	fresh();
	ca.bare = true;
	r = ready();
	assert_int_equal(acts(&r, acme_revoke_new("der", 3, 4,
	    ACME_REVOKE_BY_ACCOUNT)),
	    ERR_CA_REFUSED);
	end(&r);
}

/* The account is closed: its key, then the certificate's, and no more. */
static void
its_own_key_helps_out(void **state)
{
	struct run r;

	(void)state;
	fresh();
	r = ready();
	ca.closed = true;
	assert_int_equal(acts(&r, acme_revoke_new("der", 3, 4,
	    ACME_REVOKE_BY_ACCOUNT)), ERR_CA_REFUSED);
	assert_int_equal(ca.revocations, 0);
	assert_int_equal(acts(&r, acme_revoke_new("der", 3, 4,
	    ACME_REVOKE_BY_EITHER)), ERR_OK);
	assert_int_equal(ca.revocations, 1);
	assert_int_equal(ca.signed_as.signer, JWS_BY_CERT);
	assert_int_equal(ca.signed_as.reason, 4);
	ca.refuse = "accountDoesNotExist";
	assert_int_equal(acts(&r, acme_revoke_new("der", 3, 4,
	    ACME_REVOKE_BY_EITHER)), ERR_ACCOUNT_UNKNOWN);
	assert_int_equal(ca.signed_as.signer, JWS_BY_CERT);
	ca.refuse = "malformed";
	assert_int_equal(acts(&r, acme_revoke_new("der", 3, 4,
	    ACME_REVOKE_BY_EITHER)), ERR_CA_REFUSED);
	assert_int_equal(ca.signed_as.signer, JWS_BY_ACCOUNT);
	end(&r);
}

/* --- another key ---------------------------------------------------------- */

static enum acme_wish_kind
rolls(struct run *r, bool again, struct err *err)
{
	acme_rollover_free(r->roll);
	r->roll = acme_rollover_new(again);
	return play(r, err);
}

/* Each way of loss at each request, and death at each: as the engine does, it
 * is tried again until DONE; then the CA has the next key, and never was
 * there a moment in which the caller had thrown away the one it has. */
static void
a_key_changes_whatever_is_lost(void **state)
{
	enum acme_wish_kind end_of;
	enum loss loss;
	struct err err;
	struct run r;
	int at, tries;

	(void)state;
	for (loss = NO_LOSS; loss <= CRASH_AFTER; loss++)
		for (at = 1; at <= 4; at++) {
			fresh();
			r = ready();
			ca.loss = loss;
			ca.loss_at = at;
			end_of = rolls(&r, false, &err);
			for (tries = 0; tries < 3 && end_of != ACME_WISH_DONE;
			    tries++)
				end_of = rolls(&r, true, &err);
			assert_int_equal(end_of, ACME_WISH_DONE);
			assert_int_equal(ca.key, JWS_BY_NEXT);
			assert_int_equal(ca.changes, 1);
			end(&r);
		}
}

/* Two losses in a row, at any two requests. */
static void
what_is_known_is_asked_first(void **state)
{
	struct err err;
	struct run r;

	(void)state;
	fresh();
	r = ready();
	ca.loss = LOST_AFTER;
	ca.loss_at = 1;
	assert_int_equal(rolls(&r, false, &err), ACME_WISH_DONE);
	assert_int_equal(ca.changes, 1);
	assert_int_equal(ca.looks, 1);
	end(&r);
	fresh();
	r = ready();
	ca.loss = LOST_BEFORE;
	ca.loss_at = 1;
	assert_int_equal(rolls(&r, false, &err), ACME_WISH_DONE);
	assert_int_equal(ca.looks, 2);
	assert_int_equal(ca.posts, 4);
	end(&r);
}

static void
a_change_of_key_may_fail(void **state)
{
	struct err err;
	struct run r;

	(void)state;
	fresh();
	r = ready();
	ca.taken = true;
	assert_int_equal(rolls(&r, false, &err), ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_CA_REFUSED);
	assert_int_equal(rolls(&r, true, &err), ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_CA_REFUSED);
	ca.taken = false;
	ca.account = false;
	assert_int_equal(rolls(&r, true, &err), ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_ACCOUNT_UNKNOWN);
	ca.account = true;
	ca.refuse = "notImplemented";
	assert_int_equal(rolls(&r, false, &err), ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_CA_REFUSED);
	ca.refuse = "serverInternal";
	assert_int_equal(rolls(&r, false, &err), ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_CA_DOWN);
	ca.refuse = NULL;
	ca.closed = true;
	assert_int_equal(rolls(&r, true, &err), ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_ACCOUNT_DEAD);
	end(&r);
	fresh();
	ca.bare = true;
	r = ready();
	assert_int_equal(rolls(&r, false, &err), ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_CA_REFUSED);
	assert_true(err.advice[0] != '\0');
	end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_binding_is_sent_where_one_is_set),
		cmocka_unit_test(a_lost_binding_is_not_sent_again),
		cmocka_unit_test(a_key_from_elsewhere_is_only_looked_for),
		cmocka_unit_test(contacts_are_told),
		cmocka_unit_test(b12_a_dead_account_is_seen),
		cmocka_unit_test(an_account_is_given_up),
		cmocka_unit_test(certificates_are_revoked),
		cmocka_unit_test(its_own_key_helps_out),
		cmocka_unit_test(a_key_changes_whatever_is_lost),
		cmocka_unit_test(what_is_known_is_asked_first),
		cmocka_unit_test(a_change_of_key_may_fail)
	};

	return cmocka_run_group_tests_name("acme_account", tests, NULL, NULL);
}
