/* A copy of each account beside the inventory, its key sealed as there: losing
 * the inventory must not lose an account. */
#ifndef DAEMON_ACCOUNT_COPY_H
#define DAEMON_ACCOUNT_COPY_H
#include "store/rows.h"

/* Where; copied. Without it nothing is written. */
void account_copy_init(const char *dir);
/* Durable when it returns; what goes wrong is logged, for the row itself is
 * what counts. */
void account_copy_write(const struct row_account *a);
/* Of one that never was an account: the CA has refused its key. */
void account_copy_remove(int64_t id);
/* Calls fn with each; a file that holds none is logged. */
void account_copy_each(void (*fn)(void *ctx, const struct row_account *a),
    void *ctx);
#endif
