/* Where a redirect leads, by the rules of a CA that follows it (Let's Encrypt:
 * http and https to names, on ports 80 and 443, ten in all). Pure. */
#ifndef DAEMON_REDIRECT_H
#define DAEMON_REDIRECT_H
#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"

enum { REDIRECTS_MAX = 10, REDIRECT_URL_MAX = 2000 };

/* The next URL, and its host in lower case, from the one that answered and its
 * Location. False: a CA would not follow; why has the words. */
bool redirect_next(struct buf *out, char host[256], const char *url,
    const char *location, struct err *why);
#endif
