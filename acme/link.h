/* Link headers, RFC 8288: the addresses of one relation. */
#ifndef ACME_LINK_H
#define ACME_LINK_H
#include "acme/acme.h"

/* Appends to *out the addresses in value (all headers, joined by commas; may
 * be NULL) whose relation is rel, each once, until *out has max of them. What
 * is malformed ends the reading; addresses of another origin are skipped. */
void link_find(struct strv *out, const char *value, const char *rel,
    const char *origin, size_t max);
#endif
