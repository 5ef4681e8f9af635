/* subjectAltName (RFC 5280 section 4.2.1.6) of DNS names and addresses. */
#ifndef DAEMON_ALT_NAMES_H
#define DAEMON_ALT_NAMES_H
#include <openssl/x509v3.h>
#include "base/mem.h"

/* A list with that one extension, for sk_X509_EXTENSION_pop_free(); NULL when
 * a name is none. */
STACK_OF(X509_EXTENSION) *alt_names(const struct strv *names);
#endif
