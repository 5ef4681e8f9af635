/* poll(2), a list of watches, a list of alarms. The master has about twenty of
 * them, so lists are fast enough. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/master_loop.h"

enum { LONGEST_MS = 60 * 1000 };

struct watch {
	struct watch *next;
	int fd;			/* -1: freed, removed after the round */
	void (*fn)(void *ctx);
	void *ctx;
};

struct alarm {
	struct alarm *next;
	int64_t at;		/* 0: not set */
	bool freed;
	void (*fn)(void *ctx);
	void *ctx;
};

static struct watch *watches;
static struct alarm *alarms;
static bool going;

int64_t
poll_now(void)
{
	return clock_mono_ms();
}

int64_t
poll_wall(void)
{
	return clock_wall_ms();
}

struct watch *
watch_new(int fd, void (*fn)(void *ctx), void *ctx)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	assert(fd >= 0 && fn != NULL);
	w->fd = fd;
	w->fn = fn;
	w->ctx = ctx;
	w->next = watches;
	watches = w;
	return w;
}

void
watch_free(struct watch *w)
{
	if (w != NULL)
		w->fd = -1;
}

struct alarm *
alarm_new(void (*fn)(void *ctx), void *ctx)
{
	struct alarm *a = xcalloc(1, sizeof(*a));

	assert(fn != NULL);
	a->fn = fn;
	a->ctx = ctx;
	a->next = alarms;
	alarms = a;
	return a;
}

void
alarm_after(struct alarm *a, int64_t ms)
{
	assert(!a->freed);
	a->at = poll_now() + (ms > 0 ? ms : 0);
}

void
alarm_stop(struct alarm *a)
{
	assert(!a->freed);
	a->at = 0;
}

void
alarm_free(struct alarm *a)
{
	if (a != NULL) {
		a->at = 0;
		a->freed = true;
	}
}

/* What was freed during a round goes now, when nobody walks the lists. */
static void
sweep(void)
{
	struct watch **w = &watches, *dead_watch;
	struct alarm **a = &alarms, *dead_alarm;

	while (*w != NULL)
		if ((*w)->fd < 0) {
			dead_watch = *w;
			*w = dead_watch->next;
			free(dead_watch);
		} else
			w = &(*w)->next;
	while (*a != NULL)
		if ((*a)->freed) {
			dead_alarm = *a;
			*a = dead_alarm->next;
			free(dead_alarm);
		} else
			a = &(*a)->next;
}

/* Never longer than a minute: an alarm that was forgotten about would be
 * late, and not lost. */
static int
time_to_sleep(void)
{
	int64_t first = poll_now() + LONGEST_MS, wait;
	const struct alarm *a;

	for (a = alarms; a != NULL; a = a->next)
		if (a->at != 0 && a->at < first)
			first = a->at;
	wait = first - poll_now();
	assert(wait <= LONGEST_MS);
	return wait > 0 ? (int)wait : 0;
}

/* One that is set again from within its own call is due the next time round. */
static void
ring(void)
{
	int64_t now = poll_now();
	struct alarm *a;

	for (a = alarms; a != NULL; a = a->next)
		if (a->at != 0 && a->at <= now) {
			a->at = 0;
			assert(!a->freed);
			a->fn(a->ctx);
		}
}

/* A watch that is made during the round is put in front, out of the way. */
static void
round_once(struct pollfd *p, struct watch **w, size_t n)
{
	size_t i;

	assert(n == 0 || (p != NULL && w != NULL));
	if (poll(p, n, time_to_sleep()) > 0)
		for (i = 0; i < n; i++)
			if (p[i].revents != 0 && w[i]->fd >= 0)
				w[i]->fn(w[i]->ctx);
	ring();
	sweep();
}

void
poll_run(void)
{
	struct watch **list = NULL, *w;
	struct pollfd *fds = NULL;
	size_t n;

	for (going = true; going; ) {
		for (n = 0, w = watches; w != NULL; w = w->next)
			n++;
		fds = xrealloc(fds, n * sizeof(*fds));
		list = xrealloc(list, n * sizeof(*list));
		for (n = 0, w = watches; w != NULL; w = w->next, n++) {
			fds[n] = (struct pollfd){ w->fd, POLLIN, 0 };
			list[n] = w;
		}
		round_once(fds, list, n);
	}
	free(fds);
	free(list);
}

void
poll_stop(void)
{
	going = false;
}
