/* Before any order: does what the CA will ask for arrive here? For each name
 * of a certificate and each of its addresses, a token is published and fetched
 * over port 80, as Let's Encrypt would. Advice only. */
#ifndef DAEMON_SELFCHECK_H
#define DAEMON_SELFCHECK_H
#include "base/err.h"
#include "base/mem.h"

/* done once, with a line a finding; good: every name answered rightly on one
 * address at least, and wrongly on none. */
void selfcheck(const struct strv *names, void (*done)(void *ctx,
    const struct strv *lines, bool good), void *ctx);
#endif
