/* Giving up at a CA what an order left pending there (RFC 8555 section 7.5.2):
 * best effort, bounded, and nothing waits for it. */
#ifndef DAEMON_LEAVE_H
#define DAEMON_LEAVE_H

struct issue;

/* When an order has ended, however: it begins if there is room at the CA now,
 * else not at all. What is needed of s is copied. */
void leave_begin(const struct issue *s);
/* The engine drains: none goes on, and none keeps it. */
void leave_stop(void);
void leave_fini(void);
#endif
