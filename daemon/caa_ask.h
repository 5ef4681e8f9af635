/* caa.h driven by dns.h: asks the resolvers, and judges. */
#ifndef DAEMON_CAA_ASK_H
#define DAEMON_CAA_ASK_H
#include "daemon/caa.h"

struct caa_question {		/* copied, but for what it points to */
	const char *name;		/* may be a wildcard */
	const struct strv *identities;	/* of the CA */
	const char *account, *method;	/* as in struct caa_who */
};

/* done once, in a later turn: where records were found ("" for nowhere), and
 * err if they keep the CA out or cannot be had. What q points to must live
 * until then. */
void caa_ask(const struct caa_question *q, void (*done)(void *ctx,
    const char *found_at, const struct err *err), void *ctx);
#endif
