/* The master's own small poll loop: descriptors that become readable, and
 * alarms. No library: nothing that hooks could inherit or that could break. */
#ifndef DAEMON_MASTER_LOOP_H
#define DAEMON_MASTER_LOOP_H
#include <stdint.h>

struct watch;
struct alarm;

/* Calls fn(ctx) when fd is readable or hung up. The descriptor stays the
 * caller's, who frees the watch before closing it. */
struct watch *watch_new(int fd, void (*fn)(void *ctx), void *ctx);
void watch_free(struct watch *w);		/* NULL is fine */

/* One-shot; setting it again replaces the time. */
struct alarm *alarm_new(void (*fn)(void *ctx), void *ctx);
void alarm_after(struct alarm *a, int64_t ms);
void alarm_stop(struct alarm *a);
void alarm_free(struct alarm *a);		/* NULL is fine */

void poll_run(void);				/* until poll_stop */
void poll_stop(void);
int64_t poll_now(void);				/* monotonic ms */
int64_t poll_wall(void);			/* ms since 1970 */
#endif
