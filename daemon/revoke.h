/* Revocations (RFC 8555 section 7.6), each a row of the table that survives
 * us:
 *
 *	replacing -> ready -> revoking -> done | failed
 *
 * replacing: a new version, with a new key, is on its way; revoke_look() sees
 * when all services have it. ready: only an operator's leave is lacking, which
 * lasts minutes and therefore is given at the end. revoking: the CA is being
 * asked. An operator who says at once begins at revoking. */
#ifndef DAEMON_REVOKE_H
#define DAEMON_REVOKE_H
#include "daemon/acts.h"
#include "daemon/bundle.h"

/* RFC 5280 section 5.3.1, those that people may say. */
enum { REVOKE_NO_REASON = 0, REVOKE_KEY_COMPROMISE = 1, REVOKE_REASONS = 5 };
/* -1 if it is none; NULL for a number that has no name. */
int revoke_reason(const char *name);
const char *revoke_reason_name(int64_t reason);
/* "unspecified, key-compromise, ...", for errors. */
extern const char revoke_reasons[];

bool revoke_is_open(const struct row_revocation *r);
bool revoke_is(const struct row_revocation *r, const char *state);
/* Is this one meant when the certificate is to be revoked? What is in use is;
 * of one whose key somebody else has, all that still holds. */
bool revoke_is_meant(const struct bundle *b, const struct row_version *v,
    int64_t reason, int64_t now_ms);
/* Something newer than this version, with another key (unless it is not ours
 * to choose), is used by all services, and proved where it can be. */
bool revoke_is_replaced(const struct bundle *b, int64_t version,
    int64_t now_ms);
/* The key of the CSR that is ordered for is one that is, or is to be, revoked
 * as compromised; or that of this version. */
bool revoke_key_is_burnt(const struct bundle *b);
bool revoke_csr_has_key_of(const struct row_cert *c,
    const struct row_version *v);
/* The certificate has changed: perhaps something is ready now. */
void revoke_look(const struct bundle *b);

/* Orders a replacement, whose key is never one that was in use: a new one, or
 * with key-policy next the one that has been shown ahead. */
void revoke_replace(const struct row_cert *c);

/* Job REVOKE. */
void job_revoke(int64_t cert_id);
int job_revoke_room(void);
void job_revoke_fini(void);
/* Called once with what comes of the attempt that is due now: NULL when no
 * version of the certificate is left in the state revoking. */
void job_revoke_hear(int64_t cert_id, act_done *done, void *ctx);
#endif
