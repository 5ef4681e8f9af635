/* What a CA still allows us. Every act that it counts is a row; here the
 * certificates for one exact set of names (Let's Encrypt: 5 in 7 days, no
 * exception), one kept in reserve for the scheduler. */
#ifndef DAEMON_BUDGET_H
#define DAEMON_BUDGET_H
#include <stdbool.h>
#include "base/err.h"
#include "base/mem.h"

enum { BUDGET_SET_MAX = 4, BUDGET_SET_DAYS = 7 };

/* A certificate for these names was issued now. */
void budget_spend(const char *ca, const struct strv *names);
/* done(ctx, NULL) if one more is allowed, else ERR_OWN_LIMIT with the time. */
void budget_ask(const char *ca, const struct strv *names,
    void (*done)(void *ctx, const struct err *err), void *ctx);
/* Rows that count no more go. */
void budget_tidy(void);
#endif
