/* The engine's only sleeper: descriptors, timers, name lookups, the turn.
 * loop.c is the one file that includes libuv; tests/sim/loop.c is the same in
 * virtual time.
 *
 * A turn: everything that woke up at once is handled, then the turn's end
 * function runs (the engine commits there, and lets the wishes leave). */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H
#include <stdbool.h>
#include <stdint.h>

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct addrinfo;
struct loop_timer;
struct loop_fd;
struct loop_lookup;

/* Ignores SIGPIPE for the whole process. */
void loop_init(void);
void loop_fini(void);
/* Runs until loop_stop, or until nothing is left that could wake it.
 * turn_end(ctx) runs once before the first sleep and after each turn's
 * callbacks. */
void loop_run(void (*turn_end)(void *ctx), void *ctx);
void loop_stop(void);

/* Wall clock, ms since 1970, read once a turn: all of a turn sees one time. */
int64_t loop_now(void);
/* Monotonic milliseconds; never stored. */
int64_t loop_mono(void);

/* One-shot timers. Delays are monotonic and cut to 60 s for those that wait
 * for a wall-clock time (at), which look again then: clock steps and suspend
 * are harmless. A timer may be set again at any time; set replaces. A delay
 * of 0 means the next turn, never this one. */
struct loop_timer *loop_timer_new(void (*fn)(void *ctx), void *ctx);
void loop_timer_after(struct loop_timer *t, int64_t delay_ms);
void loop_timer_at(struct loop_timer *t, int64_t wall_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);	/* NULL is fine */

/* Watches a descriptor, level-triggered and only once at a time; the
 * descriptor stays the caller's (who frees the watch before closing it) and
 * becomes non-blocking. An error on it reports READ | WRITE. */
struct loop_fd *loop_fd_new(int fd, void (*fn)(void *ctx, int events),
    void *ctx);
void loop_fd_want(struct loop_fd *f, int events);	/* 0: nothing */
void loop_fd_free(struct loop_fd *f);		/* NULL is fine */

/* Looks a host name up (or reads an address), TCP, port 0. done gets the
 * addresses, NULL with the reason in words if there are none; they are freed
 * after it returns. A cancelled lookup never completes. */
struct loop_lookup *loop_resolve(const char *host,
    void (*done)(void *ctx, const struct addrinfo *list, const char *why),
    void *ctx);
void loop_resolve_cancel(struct loop_lookup *l);
#endif
