/* The addresses of a name as a CA finds them: A and AAAA of the DNS, whatever
 * this machine's hosts file says. */
#ifndef DAEMON_ADDRESSES_H
#define DAEMON_ADDRESSES_H
#include "base/err.h"
#include "base/mem.h"

enum { ADDRESSES_OF_MAX = 8 };

/* In a later turn, once: at most ADDRESSES_OF_MAX, IPv4 first; if there is
 * none, why (ERR_DNS_FAILS) has the reason. */
void addresses_of(const char *name, void (*done)(void *ctx,
    const struct strv *list, const struct err *why), void *ctx);
#endif
