/* What a CA still allows us. Every act that it counts is a row; here the
 * certificates for one exact set of names (Let's Encrypt: 5 in 7 days, no
 * exception), one kept in reserve for the scheduler. */
#ifndef DAEMON_BUDGET_H
#define DAEMON_BUDGET_H
#include <stdbool.h>
#include "base/err.h"
#include "base/mem.h"
#include "store/store.h"

enum {
	BUDGET_SET_LIMIT = 5,		/* that the CA allows */
	BUDGET_SET_MAX = 4,		/* that we use up unforced */
	BUDGET_SET_DAYS = 7,
	BUDGET_READ_MAX = 20000		/* rows that one question looks at */
};

/* A certificate for these names was issued now. */
void budget_spend(const char *ca, const struct strv *names);
/* How many certificates for exactly these names it has issued to us in the
 * last BUDGET_SET_DAYS days; free_ms: when there will be less than
 * BUDGET_SET_MAX, 0 if there are now. */
struct budget_used {
	int64_t n, free_ms;
};
void budget_used(const char *ca, const struct strv *names,
    void (*done)(void *ctx, const struct budget_used *u,
    const struct err *err), void *ctx);
/* done(ctx, NULL) if one more is allowed, else ERR_OWN_LIMIT with the time. */
void budget_ask(const char *ca, const struct strv *names,
    void (*done)(void *ctx, const struct err *err), void *ctx);
/* All of a CA, for people. The rows are those that budget_window() asks for:
 * of all CAs, and where there are more than BUDGET_READ_MAX of them, the
 * newest. */
struct budget_state {
	int64_t most_used;	/* by one set of names */
	int64_t at_limit;	/* sets of which BUDGET_SET_MAX are used up */
	int64_t free_ms;	/* when the first of these has room; 0: none */
};
struct query budget_window(int64_t now_ms);
void budget_state(struct budget_state *out, const struct rows *window,
    const char *ca);
/* Rows that count no more go. */
void budget_tidy(void);
#endif
