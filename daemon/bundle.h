/* All that the store knows about one certificate, in one consistent read. */
#ifndef DAEMON_BUNDLE_H
#define DAEMON_BUNDLE_H
#include <stdbool.h>
#include "base/err.h"
#include "store/store.h"

struct bundle {
	struct row_cert *cert;		/* NULL: there is none */
	struct rows idents, labels, versions, generations, deployments,
	    endpoints, orders, challenges, findings, jobs, revocations;
};

/* b belongs to the callback's caller; bundle_take() keeps it. With err it is
 * empty, never NULL. Rows come by key, idents as written. By name is two reads:
 * the second is the consistent one. */
typedef void bundle_done(void *ctx, struct bundle *b, const struct err *err);
void bundle_by_id(struct store *s, int64_t id, bundle_done *done, void *ctx);
void bundle_by_name(struct store *s, const char *name, bundle_done *done,
    void *ctx);
struct bundle *bundle_take(struct bundle *b);	/* empties b */
void bundle_free(struct bundle *b);		/* one that was taken */

const struct row_version *bundle_version(const struct bundle *b,
    int64_t version);				/* NULL if unknown */
/* Made for a CSR: its key has never been here. */
bool bundle_own_key(const struct row_version *v);
const struct row_order *bundle_order(const struct bundle *b);	/* or NULL */
const struct row_deployment *bundle_deployment(const struct bundle *b,
    const char *service);
#endif
