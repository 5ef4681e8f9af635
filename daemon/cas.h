/* The CAs in use: one account and one session each, made when first needed;
 * a circuit breaker, so that a CA that is down is one trouble and not ten
 * thousand. */
#ifndef DAEMON_CAS_H
#define DAEMON_CAS_H
#include "acme/acme.h"
#include "daemon/conf.h"
#include "daemon/http.h"

struct ca;

void cas_init(void);
void cas_fini(void);
/* NULL if the configuration has no such CA. */
struct ca *cas_find(const char *title);
const struct conf_ca *ca_conf(const struct ca *c);
/* NULL until ca_ready() has been asked, and after a change of the account. */
struct acme_session *ca_session(const struct ca *c);
int64_t ca_account_id(const struct ca *c);
/* What its directory said when it was last read (caps.h); "" if never. */
const char *ca_caps(const struct ca *c);
/* The time before which this CA is left alone, an hour ahead at most; 0: it
 * may be asked. */
int64_t ca_closed_until(const struct ca *c);
/* A person wants it asked all the same: true now and then. */
bool ca_asked_anyway(struct ca *c);
const char *ca_why_closed(const struct ca *c);	/* error JSON */

/* Completes when the session is ready for orders, or with why not. In a later
 * turn or now. */
void ca_ready(struct ca *c, void (*done)(void *ctx, const struct err *err),
    void *ctx);
/* The same for what needs no account, but for an address to send it to: also
 * of one that is dead. */
void ca_ready_without(struct ca *c, void (*done)(void *ctx,
    const struct err *err), void *ctx);
/* A waiter gives up. */
void ca_forget(struct ca *c, void *ctx);
/* What an order's failure says about the CA as a whole. */
void ca_failed(struct ca *c, const struct err *err);
void ca_worked(struct ca *c);
/* The CA does not know our account any more: register the key again. */
void ca_lost_account(struct ca *c);

/* Its account's key is in a token: the token signs, in the keeper's place. */
bool ca_has_token(const struct ca *c);

/* --- cas_account.c: the account, beside ordering ------------------------- */
/* An order was refused as if the account were dead: have a look. */
void ca_doubt_account(struct ca *c);
/* What an operator asks for; done(ctx, err) once, err NULL if good. Begins
 * when the orders under way have ended, before any other begins; ERR_OWN_LIMIT
 * if that takes more than a minute. The keeper wants it armed, else
 * ERR_NEEDS_OPERATOR and nothing has changed. */
typedef void ca_done(void *ctx, const struct err *err);
/* Another key of this type ("ecdsa-p256") for the account. A crash in the
 * middle is settled before the next order. A dead account is put aside, and a
 * new one is made. One whose key is in a token gets none from here. */
void ca_rollover(struct ca *c, const char *alg, ca_done *done, void *ctx);
void ca_deactivate(struct ca *c, ca_done *done, void *ctx);
/* Another account takes the place of ours, or of a dead one: its key, sealed
 * for this id. If the CA does not have it all stays as it was. */
void ca_import(struct ca *c, int64_t id, const struct blob *sealed,
    const struct blob *spki, ca_done *done, void *ctx);
/* An operator takes the account's key away: only the sealed one is handed on,
 * and the master sees to the rest. ERR_INVALID if it is in a token. */
void ca_export(struct ca *c, ca_done *done, void *ctx);
/* The account there is closed: nothing is asked of this CA until an operator
 * has changed that. err says so. */
bool ca_is_dead(const struct ca *c, struct err *err);

/* --- cas_room.c ----------------------------------------------------------- */
/* Orders under way, for max-orders. Who finds it full (enter: false) may wait:
 * again(cert_id) is called in a turn in which there is room. False: too many
 * wait already. */
bool ca_enter(struct ca *c);
bool ca_wait(struct ca *c, int64_t cert_id, void (*again)(int64_t cert_id));
void ca_leave(struct ca *c);
/* For how many orders there is room, here or among those that may wait. */
int cas_room(void);
/* When one for which there was none, not even to wait, looks again. */
int64_t cas_again(void);

/* Carries out the two wishes that sessions and orders share, HTTP and SIGN,
 * once the turn is durable, and brings the outcome as an event. */
struct acting_cert {		/* of a revocation: whose key, and the key */
	uint64_t id;
	uint32_t version;
	struct blob sealed;
};
struct acting {
	struct ca *ca;
	const struct acting_cert *cert;	/* NULL: none */
	void (*step)(void *ctx, const struct acme_event *event);
	void *ctx;
	struct acme_wish wish;
	struct http_exchange *http;
};
void acting_do(struct acting *a, const struct acme_wish *w);
#endif
