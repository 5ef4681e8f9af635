/* What the API may ask the engine to do. Each call checks, puts its changes
 * into the turn and completes when they are durable: done(ctx, NULL), or
 * done(ctx, err) and nothing has changed. `actor` is "uid:0" and the like;
 * it goes into the events. Long work (an order) goes on after done: follow
 * the events. */
#ifndef DAEMON_ACTS_H
#define DAEMON_ACTS_H
#include <stdbool.h>
#include "base/err.h"
#include "base/mem.h"
#include "daemon/conf.h"

typedef void act_done(void *ctx, const struct err *err);

enum put_result { PUT_MADE, PUT_CHANGED, PUT_SAME };
typedef void put_done(void *ctx, enum put_result r, const struct err *err);

/* A wish given at run time (PUT); the whole wish, checked by conf_wish_check.
 * ERR_SET_IN_FILE if a file says it. One that is being removed is waited for,
 * then made anew. labels: "key=value". dry: only checks. */
void act_put(const char *name, const struct conf_wish *wish,
    const struct strv *labels, const char *actor, bool dry, put_done *done,
    void *ctx);
/* Retires a wish given at run time; purge removes files and rows. over is
 * false when they are not gone yet after purge.h's patience: they will be. */
typedef void remove_done(void *ctx, bool over, const struct err *err);
void act_remove(const char *name, bool purge, const char *actor,
    remove_done *done, void *ctx);
/* Order now. Not due and not force: ERR_OWN_LIMIT says what it costs. */
void act_renew(const char *name, bool new_key, bool force, const char *actor,
    act_done *done, void *ctx);
/* Install, check, reload, prove again; never talks to a CA. name or service
 * may be NULL (not both). */
void act_deploy(const char *name, const char *service, const char *actor,
    act_done *done, void *ctx);
/* Self-check from DNS to port 80, no order: lines for people. */
void act_test(const char *name, void (*done)(void *ctx,
    const struct strv *lines, bool good, const struct err *err), void *ctx);
/* Adds a TXT value for this DNS name through a dns block, looks whether all
 * servers have it, removes it: lines for people. err: it could not begin. */
void act_test_dns(const char *dns, const char *name, void (*done)(void *ctx,
    const struct strv *lines, bool good, const struct err *err), void *ctx);

/* Tries a CA: reads its directory anew, says what would stop an order here,
 * and looks whether our account lives. Orders nothing and makes no account;
 * does so also while the CA is left alone, which ends when it answers, and a
 * failure closes it to nobody. err: it could not begin. */
void act_test_ca(const char *ca, void (*done)(void *ctx,
    const struct strv *lines, bool good, const struct err *err), void *ctx);

/* A complete issuance at the staging of the wish's CA (conf_staging), of which
 * nothing is kept. 0: it goes on after this turn, and its events are trial.* of
 * this name (trial.h); or where.at is NULL: no staging is known, and nothing
 * happens. -1 and err: it can't begin now. */
struct act_trial {
	const char *ca;		/* of the wish */
	const char *at;		/* its staging; both of the configuration */
};
int act_trial(const char *name, const struct conf_wish *wish,
    const char *actor, struct act_trial *where, struct err *err);

/* --- acts_operator.c: what the keeper does not sign unarmed --------------- */
/* Revokes what is in use now (for a compromised key: all that still holds).
 * By default a replacement is ordered first, and done comes when that is
 * written down; once it is in use (event revoke.ready) the same call again
 * revokes. at_once, and that second call, complete when the CA has answered;
 * ERR_NEEDS_OPERATOR: nobody has armed it. */
struct act_revoke {
	int reason;		/* RFC 5280 section 5.3.1; -1: none is said */
	bool at_once;
};
void act_revoke(const char *name, const struct act_revoke *how,
    const char *actor, act_done *done, void *ctx);
/* Another key for the account at a CA (a new account, if it is dead), its end,
 * another account: whose key master has brought to the keeper; or its key,
 * which master gives to the operator who has armed that. */
enum act_account { ACT_ROLLOVER, ACT_DEACTIVATE, ACT_IMPORT, ACT_EXPORT };
struct act_import {
	int64_t id;		/* that it was sealed for */
	struct blob sealed, spki;
};
void act_account(const char *ca, enum act_account what,
    const struct act_import *key, const char *actor, act_done *done,
    void *ctx);

int64_t acts_started_ms(void);
/* Text for `status --security`, "measure: finding" lines. */
const char *acts_security(void);
/* Asks master to read the configuration: WIRE_RELOAD. */
void act_reload(bool dry, bool yes, void (*done)(void *ctx, bool good,
    const struct strv *lines, const struct err *err), void *ctx);
#endif
