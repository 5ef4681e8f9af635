/* The origin rule: every address that a CA sends is https and lies where its
 * directory lies, so that no answer makes us talk to somebody else
 * (security.md C1 to C5). */
#ifndef ACME_URL_H
#define ACME_URL_H
#include "acme/acme.h"

/* 0 if url is one that acme_url_origin() takes and has this origin; else -1,
 * ERR_CA_PROTOCOL, and err names the address as `what`. */
int url_same_origin(const char *url, const char *origin, const char *what,
    struct err *err);
#endif
