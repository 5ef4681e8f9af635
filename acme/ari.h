/* When a CA suggests to renew (RFC 9773). The request is a plain GET of
 * acme_ari_url(); all times are milliseconds UTC. */
#ifndef ACME_ARI_H
#define ACME_ARI_H
#include "acme/acme.h"

enum {
	ARI_EXPLANATION_MAX = 512,
	ARI_ASK_MIN_MS = 60 * 1000,
	ARI_ASK_MS = 6 * 3600 * 1000,	/* when the CA names no time */
	ARI_ASK_MAX_MS = 24 * 3600 * 1000,
	ARI_EARLIEST_MS = 10 * 60 * 1000,	/* after it begins */
	ARI_LATEST_MS = 24 * 3600 * 1000	/* before the end */
};

struct acme_life {		/* of the certificate that is asked for */
	int64_t from_ms, to_ms;		/* from < to */
};

struct acme_ari {
	int64_t start_ms, end_ms;	/* start < end */
	int64_t ask_ms;			/* ask again then */
	/* https address for people, fit for a terminal; "" if none */
	char explanation[ARI_EXPLANATION_MAX + 1];
};

/* renewal_info: acme_session_renewal_info(). id: ari_id of acme_leaf, not
 * empty. False: it does not fit. */
bool acme_ari_url(struct buf *out, const char *renewal_info, const char *id);
/* Reads an answer. -1: it is none, and err says why and (retry_at_ms) when to
 * ask again; the schedule goes on as if the CA had no opinion. */
int acme_ari_read(struct acme_ari *out, const struct acme_reply *reply,
    const struct acme_life *life, int64_t now_ms, struct err *err);
/* The same time after an answer that never came. */
int64_t acme_ari_ask_at(const char *retry_after,
    const struct acme_life *life, int64_t now_ms);
/* Uniformly one time of the window, from 64 random bits: pick once for each
 * window and keep it. Never before ARI_EARLIEST_MS after issuance, nor later
 * than a fifth of the life, or ARI_LATEST_MS, before its end; both shrink with
 * short lives. A time that has passed means: now. */
int64_t acme_ari_pick(const struct acme_ari *a, const struct acme_life *life,
    uint64_t random);
/* The CA wants it at once, as after a revocation: the window is over. */
bool acme_ari_is_past(const struct acme_ari *a, int64_t now_ms);
#endif
