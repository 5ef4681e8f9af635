/* Slow keys. RSA takes seconds, and the keeper serves everybody: so it forks
 * generators before it confines itself, each of which confines itself just as
 * much, makes the key that it is told to and hands it back. Requests for such
 * keys wait; all others go on. A generator that ends takes the keeper with it,
 * which the master starts again. */
#ifndef DAEMON_KEEPER_POOL_H
#define DAEMON_KEEPER_POOL_H
#include <openssl/evp.h>
#include "daemon/keeper_key.h"
#include "daemon/sandbox.h"

enum { POOL_GENERATORS = 2 };

/* Forks them. prepare() runs in each before its confinement by plan. -1 and
 * err: there are none. Called once, while the keeper has no thread and holds
 * no secret yet. */
int pool_start(const struct sandbox_plan *plan, void (*prepare)(void),
    struct err *err);
/* Their channels, for poll(2); -1 each before pool_start(). */
extern int pool_fds[POOL_GENERATORS];
/* Takes what generator i has to say into the stock. -1: it is gone, or talks
 * nonsense. */
int pool_hear(int i, struct err *err);

/* One more key of this type will be wanted. */
void pool_order(const struct key_type *t);
/* Only so many still wait for one of this type: more orders are taken back. */
void pool_wanted(const struct key_type *t, size_t n);
/* Nobody waits any more: what is not begun is not made. */
void pool_cancel(void);
bool pool_has(const struct key_type *t);
/* A key from the stock, the caller's; NULL if there is none. */
EVP_PKEY *pool_take(const struct key_type *t);
#endif
