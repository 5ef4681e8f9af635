/* A trial: a complete issuance at the staging of a CA, of which nothing is
 * kept (--dry-run of add, set and renew). It is an order like any other and
 * goes the way of issue.h, but in memory only: there is no row of a
 * certificate, an order or a version, and its key is gone with it. Durable is
 * what must be undone, its challenges, with the trial's id (negative: no
 * certificate has such a one) where a certificate's would be, and that somebody
 * waits for it: a row of meta. So a crash drops it, says so at the next start,
 * and takes the challenges down.
 *
 * What comes of it are events with its name: trial.started, trial.account (one
 * was made at the staging; it stays), and trial.done or trial.failed. */
#ifndef DAEMON_TRIAL_H
#define DAEMON_TRIAL_H
#include "daemon/issue.h"

#define TRIAL_KEY "trial:"

enum { TRIALS_MAX = 4, TRIAL_MS = 15 * 60 * 1000 };

struct trial;

/* At start, for each row of meta with TRIAL_KEY. */
void trial_recover(const struct row_meta *row);
/* One with this id is under way and needs its challenges. */
bool trial_has(int64_t id);
/* Frees all; their orders and self-checks are gone already. */
void trial_fini(void);

/* --- for issue.c and issue_end.c ------------------------------------------ */
/* The monotonic time after which it waits for nothing more. */
int64_t trial_until(const struct trial *t);
/* Its order has ended; both free s. */
void trial_failed(struct issue *s, const struct err *err);
void trial_worked(struct issue *s, const struct acme_wish *w);
#endif
