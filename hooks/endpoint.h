/* Where a service serves: [PROTOCOL://][ADDRESS]:PORT (interface.md section
 * 2.4). Runs in the master (checks) and in the engine (probes). Pure. */
#ifndef HOOKS_ENDPOINT_H
#define HOOKS_ENDPOINT_H
#include <stdint.h>
#include "base/err.h"

enum { ENDPOINT_ADDRESS_MAX = 255 };

struct endpoint {
	char protocol[12];	/* "tls" "smtp" "imap" "pop3" "ldap" ... */
	char address[ENDPOINT_ADDRESS_MAX + 1];	/* "" this machine, "public" */
	uint16_t port;
};

/* -1: err says what to write instead. https, smtps, imaps, pop3s, ldaps and
 * ftps all mean tls. */
int endpoint_parse(struct endpoint *e, const char *text, struct err *err);
#endif
