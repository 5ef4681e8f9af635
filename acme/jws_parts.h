/* Inside of jws.c: the kinds of requests, each with what it needs, what it may
 * have, and what it says. */
#ifndef ACME_JWS_PARTS_H
#define ACME_JWS_PARTS_H
#include "acme/jws.h"

/* 0, or ERR_INVALID with the field that is missing, too many or wrong, or
 * ERR_CA_PROTOCOL with the address that is elsewhere. */
int jws_check(const struct jws_request *r, const char *origin,
    struct err *err);
/* What the CA calls an external account's key: visible ASCII. */
bool jws_is_eab_kid(const char *s);
const char *jws_kind_name(enum jws_what what);
void jws_payload(struct buf *out, const struct jws_request *r);
static inline bool
jws_has(const char *s)
{
	return s != NULL && *s != '\0';
}
#endif
