/* Which of the accounts at a CA the configuration means. Pure. */
#ifndef DAEMON_ACCOUNT_KEY_H
#define DAEMON_ACCOUNT_KEY_H
#include "daemon/conf.h"
#include "store/store.h"

/* kek_id of a row without a sealed key: it has wire_token_ref() instead. */
enum { ACCOUNT_IN_TOKEN = 0 };

/* What such a row has to hold for this block; NULL if the block has no
 * account-key. The caller frees it. */
char *account_key_ref(const struct conf_ca *ca);
/* Of these rows the newest at this directory whose key lies where the block
 * says; NULL if there is none. One that is dead stays dead: no key is rolled
 * over by itself (security.md B12). */
struct row_account *account_in_use(const struct rows *rows,
    const struct conf_ca *ca);
#endif
