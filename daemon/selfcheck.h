/* May this CA issue, and does what it will ask for by http-01 arrive here? For
 * each name of a certificate: whether CAA lets the CA in by the method that
 * proves it, and, if that may be http-01, its addresses in the DNS and at each
 * of them a token asked for over port 80 as Let's Encrypt asks. Advice only:
 * what comes of it are rows for table finding. */
#ifndef DAEMON_SELFCHECK_H
#define DAEMON_SELFCHECK_H
#include "daemon/conf.h"
#include "store/rows.h"

/* Kinds of row_finding. "machine": subject is an address of this machine,
 * result "good" if it is one of the Internet. "address": of the name, result
 * "good" if this machine has it, else "dns-elsewhere"; without subject: none
 * was found, and why. "http": what came from that address. "caa": subject is
 * where it was found, "" for nowhere. */
#define FINDING_MACHINE "machine"
#define FINDING_ADDRESS "address"
#define FINDING_HTTP "http"
#define FINDING_CAA "caa"

enum {
	SELFCHECKS_MAX = 8,	/* at once, and as many of CAA alone */
	SELFCHECK_MS = 30 * 1000	/* no name is begun after that */
};

struct selfcheck_want {
	int64_t cert_id;
	const struct conf_wish *wish;	/* names, webroot */
	const char *first;	/* the name that matters most; NULL: none */
	const struct strv *identities;	/* of the CA, for CAA; empty: none */
	const char *account;	/* its URL there; "" for none */
};

/* Something may be asked for on port 80: http-01 is among the methods, and the
 * first of them is none of DNS. */
bool selfcheck_by_http(const struct conf_wish *wish);

/* All is copied. done once, in a later turn; the rows are freed after it
 * returns. False: as many as may are under way, or one for this certificate
 * is, or there is nothing to look at. */
bool selfcheck(const struct selfcheck_want *want, void (*done)(void *ctx,
    const struct row_finding *f, size_t n), void *ctx);
/* One under way needs this token. */
bool selfcheck_uses(const char *token);
/* Those under way never complete. */
void selfcheck_fini(void);
#endif
