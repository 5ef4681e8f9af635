/* What is done with an account beside ordering (RFC 8555 sections 7.3, 7.6):
 * its contacts, its end, its next key; the end of authorizations; revocation.
 * Driven like acme.h's machines, on a session that is DONE: step(..., NULL
 * event) starts, each wish (HTTP, SIGN) is carried out and its outcome given to
 * the next step, until DONE or FAIL. A wish to SIGN says with jws.signer whose
 * key is meant.
 *
 * None of them changes the session. After a change of key DONE, and after an
 * end, the caller frees it and makes one anew from what it has stored. */
#ifndef ACME_ACCOUNT_H
#define ACME_ACCOUNT_H
#include "acme/acme.h"

/* --- one request, and what its answer means ------------------------------ */
struct acme_act;

/* Tells the CA whom to write to, all of them; an empty list clears. */
struct acme_act *acme_contacts_new(const struct strv *contacts);
/* Is the account alive? FAIL with ERR_ACCOUNT_DEAD if it is not. */
struct acme_act *acme_account_look_new(void);
/* Gives the account up, for ever; DONE too when the CA has closed it before.
 * The keeper signs it only while armed (ERR_NEEDS_OPERATOR). */
struct acme_act *acme_deactivate_new(void);
/* Gives an authorization up, by its address (RFC 8555 section 7.5.2). */
struct acme_act *acme_leave_new(const char *url);
/* Takes a certificate (DER) back; DONE too when it was revoked before. reason:
 * RFC 5280 section 5.3.1, 0 for none. Signed by the account's key, or by the
 * certificate's own; EITHER: by the account's, and if the CA does not know
 * that account (any more), or it is not the one that ordered, once more by the
 * certificate's. A reason that the CA does not take is left out, but for key
 * compromise (1). Armed, like the one before. */
enum acme_revoke_by { ACME_REVOKE_BY_ACCOUNT, ACME_REVOKE_BY_CERT,
	ACME_REVOKE_BY_EITHER };
struct acme_act *acme_revoke_new(const void *der, size_t n, uint8_t reason,
    enum acme_revoke_by by);
/* Whose key has signed last. */
bool acme_revoke_was_by_cert(const struct acme_act *a);
void acme_act_free(struct acme_act *a);
struct acme_wish acme_act_step(struct acme_act *a, struct acme_session *s,
    int64_t now_ms, const struct acme_event *event, struct err *err);

/* --- another key for the same account ------------------------------------ */
struct acme_rollover;

/* The next key is stored, sealed, before the first step: the CA may take it
 * and its answer be lost. `again`: it may have been tried before (a crash, a
 * FAIL); then the CA is first asked, with both keys, which one it has. */
struct acme_rollover *acme_rollover_new(bool again);
void acme_rollover_free(struct acme_rollover *r);
/* DONE: the CA has the next key and has forgotten the other. FAIL: it may have
 * either; keep both and try again. ERR_CA_REFUSED: it has the old one, and the
 * next may be thrown away. Keyauths of challenges that are out are those of
 * the old key: let orders end before. */
struct acme_wish acme_rollover_step(struct acme_rollover *r,
    struct acme_session *s, int64_t now_ms, const struct acme_event *event,
    struct err *err);
#endif
