/* Revocation. One that is revoked already is what was wanted; a reason that
 * the CA does not take is worth less than the revocation. */
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
	problem_request_err(p, a->kind->what, a->kind->doing, err);
	return ACT_FAILED;
}

struct acme_act *
acme_revoke_new(const void *der, size_t n, uint8_t reason, bool by_cert)
{
	static const struct act_kind kind = { "the revocation", JWS_REVOKE,
		true, address, NULL, refused };
	struct acme_act *a = account_act_new(&kind);

	assert(der != NULL && n > 0);
	a->cert = blob_copy(der, n);
	a->reason = reason;
	a->by_cert = by_cert;
	return a;
}
