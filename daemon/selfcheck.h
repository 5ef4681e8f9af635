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

/* The same, told address by address. */
struct selfcheck_seen {
	const char *name, *address;	/* address "": it has none */
	bool right;			/* our answer arrived there */
	const char *words;
};
void selfcheck_each(const struct strv *names, void (*seen)(void *ctx,
    const struct selfcheck_seen *s), void (*done)(void *ctx), void *ctx);
/* Adds the addresses of this machine. True: one of them is public, so that it
 * can be said whether a name points here. */
bool selfcheck_own(struct strv *out);
#endif
