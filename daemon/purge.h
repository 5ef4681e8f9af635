/* Removing all of a certificate: its files, its keys, its rows; the history
 * stays. That it is to go is a row of its own ("purge:ID" in meta) until it is
 * gone, so that a crash forgets nothing; while it is there the certificate
 * begins nothing new, and its name is not free. Job PRUNE does it. */
#ifndef DAEMON_PURGE_H
#define DAEMON_PURGE_H
#include "daemon/bundle.h"

#define PURGE_KEY "purge:"

enum { PURGE_WAIT_MS = 20 * 1000 };

/* Recorded in this turn; what is under way for it is waited for. */
void purge_begin(const struct bundle *b, const char *actor);
/* At start, for each row of meta with PURGE_KEY. */
void purge_recover(const struct row_meta *row);
bool purge_has(int64_t cert_id);
/* done(ctx, true) once it is gone and that is durable, or done(ctx, false)
 * after PURGE_WAIT_MS: it goes on then. */
void purge_wait(int64_t cert_id, void (*done)(void *ctx, bool gone),
    void *ctx);
/* For job PRUNE: takes the job on, and the bundle, if the certificate is to
 * go, or was to go a moment ago: then the job comes again. */
bool purge_go(struct bundle *b);
void purge_fini(void);
#endif
