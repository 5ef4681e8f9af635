/* When: renewal, retries, thresholds, all as fractions of the real lifetime,
 * so that one minute and 398 days work alike (interface.md section 9). Pure;
 * `luck` is a uniform random number in [0, 2^32) that the caller brings. */
#ifndef DAEMON_PLAN_H
#define DAEMON_PLAN_H
#include <stdbool.h>
#include <stdint.h>

/* Renew with 1/3 of the lifetime left, 1/2 under 10 days, spread over 2 % of
 * the lifetime; or renew_before_ms (not 0) before the end, unless that is more
 * than 2/3 of the lifetime (then *refused is set and the rule above holds). */
int64_t plan_renewal(int64_t not_before_ms, int64_t not_after_ms,
    int64_t renew_before_ms, uint32_t luck, bool *refused);

/* No order waits longer for its next try, whatever failed and whoever asks. */
#define PLAN_PUT_OFF_MAX_MS (7LL * 24 * 3600 * 1000)

/* The wait after the n-th failure in a row (n from 1): 1, 10, 100 minutes,
 * then a day; at most lifetime/20 (a day before the first issuance, lifetime
 * 0); 20 % jitter downwards. */
int64_t plan_backoff(int64_t failures, int64_t lifetime_ms, uint32_t luck);

/* The wait after a process of ours was not there: it is restarted in a moment.
 * 5 s more each time, a minute at most. */
int64_t plan_own_trouble(int64_t failures, int64_t lifetime_ms);

/* A fixed delay, but never more than lifetime/20 (lifetime 0: as it is). */
int64_t plan_delay(int64_t delay_ms, int64_t lifetime_ms);

/* How long a certificate waits before it looks again whether the account at
 * its CA, which is closed, has been replaced: an hour, 20 % jitter. */
int64_t plan_blocked(int64_t lifetime_ms, uint32_t luck);

/* How often an endpoint is looked at: lifetime/60, 1 h to 24 h, and never
 * more than lifetime/20. */
int64_t plan_probe_every(int64_t lifetime_ms);

/* The k-th look (from 0) after a reload: 0.2 s, doubling, at most 5 s. */
int64_t plan_probe_again(int64_t k, int64_t lifetime_ms);

/* How long a CA that does not answer is left alone after its n-th failure in
 * a row: 30 s, doubling, at most 5 minutes and lifetime/20. */
int64_t plan_breaker(int64_t failures, int64_t lifetime_ms, uint32_t luck);
#endif
