/* Revocation. One that is revoked already is what was wanted; a reason that
 * the CA does not take is worth less than the revocation. So is the account:
 * who has the certificate's key needs none (RFC 8555 section 7.6). */
#include <config.h>
#include <assert.h>
#include "acme/act.h"

enum { KEY_COMPROMISE = 1 };

static const char *
address(const struct acme_session *s)
{
	return s->dir.revoke_cert;
}

static enum act_verdict
refused(struct acme_act *a, const struct problem *p, struct err *err)
{
	if (account_act_is(p, "alreadyRevoked"))
		return ACT_DONE;
	if (account_act_is(p, "badRevocationReason") && a->reason != 0 &&
	    a->reason != KEY_COMPROMISE) {
		a->reason = 0;
		return ACT_AGAIN;
	}
	if (a->either && (account_act_is(p, "unauthorized") ||
	    account_act_is(p, "accountDoesNotExist"))) {
		a->either = false;
		a->by_cert = true;
		return ACT_AGAIN;
	}
	problem_request_err(p, a->kind->what, a->by_cert ?
	    "the revocation, signed by the certificate's own key" :
	    a->kind->doing, err);
	return ACT_FAILED;
}

struct acme_act *
acme_revoke_new(const void *der, size_t n, uint8_t reason,
    enum acme_revoke_by by)
{
	static const struct act_kind kind = { "the revocation", JWS_REVOKE,
		true, address, NULL, refused };
	struct acme_act *a = account_act_new(&kind);

	assert(der != NULL && n > 0);
	a->cert = blob_copy(der, n);
	a->reason = reason;
	a->by_cert = by == ACME_REVOKE_BY_CERT;
	a->either = by == ACME_REVOKE_BY_EITHER;
	return a;
}

bool
acme_revoke_was_by_cert(const struct acme_act *a)
{
	assert(a->kind->what == JWS_REVOKE);
	return a->by_cert;
}
