/* An inventory that was lost is gathered again from what is installed
 * (security.md H1 and section 5.3): certificates with their versions and keys,
 * accounts from their sealed copies. Configuration files come in as at every
 * start, afterwards. Nothing is ordered before it is whole, and a crash half
 * way goes on where it was. */
#ifndef DAEMON_REBUILD_H
#define DAEMON_REBUILD_H
#include "base/err.h"

/* Looks whether the store of the turn is whole; gathers it if not; then calls
 * ready(). lost: why an older file was moved aside to `aside`; NULL: none. */
void rebuild_go(const struct err *lost, const char *aside,
    void (*ready)(void));
#endif
