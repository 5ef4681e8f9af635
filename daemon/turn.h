/* One turn of the engine's loop, one transaction: handlers put their changes
 * into the turn's batch and their wishes behind it; when the turn ends the
 * batch is committed, and only then do the wishes leave. All that woke up at
 * once is one turn, so that many orders share a commit. */
#ifndef DAEMON_TURN_H
#define DAEMON_TURN_H
#include "base/err.h"
#include "store/store.h"

void turn_init(struct store *s);
void turn_fini(void);
/* Another store, when nothing has been changed yet; NULL is no store. */
void turn_use(struct store *s);
/* The store, for questions of handlers: the answer has all that the turn has
 * changed so far, and nobody but the engine may learn of it yet. */
struct store *turn_store(void);
/* The store, for questions whose answer goes to people at once: what the turn
 * has changed so far is committed before. */
struct store *turn_store_durable(void);
/* Where this turn's changes go. */
struct batch *turn_batch(void);
/* fn(ctx) once all that this turn changed is durable. When the store fails,
 * the process ends: the restart path is safe. */
void turn_after(void (*fn)(void *ctx), void *ctx);
/* fn(ctx) when all handlers of this turn have run, before it is committed: for
 * what sums up. Its changes are the turn's. */
void turn_last(void (*fn)(void *ctx), void *ctx);
/* The loop's turn_end. */
void turn_end(void *unused);

/* One line of history; texts are copied, absent ones NULL. */
struct happening {
	const char *event;	/* "version.issued", interface.md section 5 */
	int64_t cert_id;
	const char *name;
	int64_t version;
	const char *service, *actor, *cause, *text;
	const struct err *err;
};
void turn_event(const struct happening *h);
/* The store has failed: fn(err) may tell who waits, then the process ends. */
void turn_watch_failure(void (*fn)(const struct err *err));
/* Calls fn(ctx) after each turn that committed events (long polls). One. */
void turn_watch_events(void (*fn)(void *ctx), void *ctx);
#endif
