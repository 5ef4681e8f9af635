/* What keeps us from ordering at a CA, each by itself: for `ca show`, and for
 * who tries the CA. Pure. */
#ifndef DAEMON_HURDLE_H
#define DAEMON_HURDLE_H
#include "base/mem.h"
#include "daemon/conf.h"
#include "store/rows.h"

enum { HURDLE_CLOSED_MAX_MS = 60 * 60 * 1000 };	/* whatever one answer said */

struct hurdle_ca {
	const struct conf_ca *conf;
	const struct row_ca *row;		/* NULL: never asked */
	const struct row_account *account;	/* NULL, or id 0: none */
	const char *terms;	/* where they are; NULL: nobody knows */
	bool eab;		/* it binds accounts to others */
};

/* In the order in which a person hears of them. */
enum hurdle {
	HURDLE_ACCOUNT,		/* closed, for ever */
	HURDLE_TERMS,		/* not agreed to */
	HURDLE_BINDING,		/* wanted for the first account, and not set */
	HURDLE_BLOCKED,		/* it answers, but not to us */
	HURDLE_CLOSED,		/* left alone after failures: retry_at_ms */
	HURDLES
};
/* 0: this one is not there; -1 and what to do about it. */
int hurdle(enum hurdle which, const struct hurdle_ca *ca, int64_t now_ms,
    struct err *err);
/* The first one that is there. */
int hurdle_first(const struct hurdle_ca *ca, int64_t now_ms, struct err *err);

/* Whoever closed our account: what leads on. Returns -1. */
int hurdle_advise_dead(const char *ca, struct err *err);
/* The time before which it is left alone; 0: it may be asked. */
int64_t hurdle_closed_until(const struct row_ca *row, int64_t now_ms);
/* Our account is registered there. */
bool hurdle_has_account(const struct row_account *account);

/* A profile that policies and certificates of the configuration wish for from
 * this CA, and that it does not have (caps: caps.h). Each is told once, with
 * the first that wishes for it: one more line in *out. */
void hurdle_profiles(struct strv *out, const struct conf *c,
    const struct conf_ca *ca, const char *caps);
#endif
