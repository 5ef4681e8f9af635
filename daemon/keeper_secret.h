/* Secrets that files of the configuration name: they come from the master
 * (keeper_secret, keeper_forget in keeper.h), rest in this process only, and
 * are used here. */
#ifndef DAEMON_KEEPER_SECRET_H
#define DAEMON_KEEPER_SECRET_H
#include "base/buf.h"
#include "base/err.h"

/* The JWS that binds an account's jwk to what the CA calls kid, for the url of
 * newAccount (RFC 8555 section 7.3.4), with the HMAC key of the ca block
 * `name`. ERR_EAB_NEEDED when there is none. */
int secret_eab(struct buf *jws, const char *name, const char *kid,
    const char *url, const char *jwk, struct err *err);
#endif
