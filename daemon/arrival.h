/* One address asked for a token as a CA asks: port 80, redirects followed. */
#ifndef DAEMON_ARRIVAL_H
#define DAEMON_ARRIVAL_H
#include "base/err.h"

enum { ARRIVAL_MS = 10000 };	/* redirects and all */

/* name: the host that is asked for; token and keyauth: of a challenge that is
 * published. done once, in a later turn; err NULL: our answer came, else
 * ERR_CONNECTION or ERR_CHALLENGE_WRONG with what came instead. */
void arrival(const char *name, const char *address, const char *token,
    const char *keyauth, void (*done)(void *ctx, const struct err *err),
    void *ctx);
#endif
