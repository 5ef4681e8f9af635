/* The engine's side of keeper, responder, token and master: each call sends one
 * message and completes in a later turn with the answer, or with err when the
 * peer refused or is gone (then ERR_KEEPER / ERR_INTERNAL, class machine: try
 * again later). tests/sim/ has the same calls over fakes. */
#ifndef DAEMON_PEERS_H
#define DAEMON_PEERS_H
#include "daemon/wire.h"

enum peer { PEER_MASTER, PEER_KEEPER, PEER_RESPONDER, PEER_TOKEN,
	PEER_COUNT };

/* answer: the unpacked struct of the answer's kind (NULL for OK), freed after
 * the completion returns, which may take fields out of it; err NULL if good. */
typedef void peer_done(void *ctx, void *answer, const struct err *err);

/* fds: inherited channels, -1 if absent. drain(ctx, ends) when the master asks
 * for it (ends: no other engine follows); bad_conf(ctx, line) when it found a
 * configuration that it can't take; gone(ctx, peer) when a channel breaks (the
 * master restarts that process and sends a new channel: back(ctx, peer)). */
struct peers_hooks {
	void (*drain)(void *ctx, bool ends);
	void (*bad_conf)(void *ctx, const char *line);
	void (*gone)(void *ctx, enum peer p);
	void (*back)(void *ctx, enum peer p);
	void *ctx;
};
void peers_init(const int fds[PEER_COUNT], const struct peers_hooks *h);
void peers_fini(void);		/* pending calls complete with an error */

/* Sends request `kind` (its struct in st) to where such requests go and
 * expects the answer kind that wire.h names. */
void peer_ask(enum wire_kind kind, const void *st, peer_done *done, void *ctx);
int peers_pending(void);	/* answers that are still to come */
/* Without an answer (WIRE_BEAT). */
void peer_tell(enum wire_kind kind, const void *st);
#endif
