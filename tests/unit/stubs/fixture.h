/* An inventory as in interface.md section 3.2, at 2026-11-21 12:45 UTC: blog
 * and mail are served, old fails, shop is refused by nginx, new waits for a
 * CA that is down. */
#ifndef TESTS_UNIT_STUBS_FIXTURE_H
#define TESTS_UNIT_STUBS_FIXTURE_H
#include "daemon/conf.h"
#include "store/store.h"

#define FIXTURE_NOW 1795265100000LL

int64_t fixture_ms(const char *rfc3339);
/* Unseen: no handshake has ever shown what old and shop have. */
void fixture_fill(struct batch *b, bool seen);
/* Static; never to be freed. */
const struct conf *fixture_conf(void);
void fixture_mend(void);	/* from now on it has no bad file */
#endif
