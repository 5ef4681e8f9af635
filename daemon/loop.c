/* The real loop, over libuv. Timers that are due gather in a list and run
 * together as one turn; so do the descriptors that one poll found ready. That
 * is why a timer of delay 0 can neither run in the turn that set it nor keep
 * the turn's end away. */
#include <config.h>
#include <assert.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>
#include "base/mem.h"
#include "daemon/list.h"
#include "daemon/loop.h"

enum { LOOK_AGAIN_MS = 60 * 1000, NO_WALL = -1 };

struct loop_timer {
	uv_timer_t uv;
	void (*fn)(void *ctx);
	void *ctx;
	int64_t wall_ms;		/* NO_WALL: a delay */
	struct list link;		/* among the due ones */
};

struct loop_fd {
	uv_poll_t uv;
	void (*fn)(void *ctx, int events);
	void *ctx;
	int want;
};

struct loop_lookup {
	uv_getaddrinfo_t uv;
	void (*done)(void *ctx, const struct addrinfo *list, const char *why);
	void *ctx;
	struct loop_timer *unfit;	/* of a name that cannot be one */
};

static uv_loop_t uv;
static uv_prepare_t before_sleep;
static uv_check_t after_sleep;
static struct list due = { &due, &due };
static void (*end_fn)(void *ctx);
static void *end_ctx;
static bool woken, stopping;
static int64_t now_ms;			/* 0: not read in this turn */

static int64_t
wall_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- turns ------------------------------------------------------------- */

static void
run_due(void)
{
	struct loop_timer *t;
	struct list *l;

	/* What a callback sets goes to libuv first, not into this list. */
	while (!stopping && (l = list_take(&due)) != NULL) {
		t = LIST_OF(l, struct loop_timer, link);
		woken = true;
		t->fn(t->ctx);
	}
}

static void
finish_turn(void)
{
	if (woken) {
		assert(end_fn != NULL);
		woken = false;
		end_fn(end_ctx);
	}
	now_ms = 0;
}

static void
on_prepare(uv_prepare_t *p)
{
	(void)p;
	run_due();
	finish_turn();
}

static void
on_check(uv_check_t *c)
{
	(void)c;
	finish_turn();
}

void
loop_init(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (uv_loop_init(&uv) != 0)
		abort();
	uv_prepare_init(&uv, &before_sleep);
	uv_prepare_start(&before_sleep, on_prepare);
	uv_unref((uv_handle_t *)&before_sleep);
	uv_check_init(&uv, &after_sleep);
	uv_check_start(&after_sleep, on_check);
	uv_unref((uv_handle_t *)&after_sleep);
}

void
loop_fini(void)
{
	uv_close((uv_handle_t *)&before_sleep, NULL);
	uv_close((uv_handle_t *)&after_sleep, NULL);
	uv_run(&uv, UV_RUN_NOWAIT);
	/* Busy with somebody's leftovers: the process ends anyway. */
	(void)uv_loop_close(&uv);
}

void
loop_run(void (*turn_end)(void *ctx), void *ctx)
{
	assert(turn_end != NULL);
	end_fn = turn_end;
	end_ctx = ctx;
	woken = true;
	stopping = false;
	do {
		uv_run(&uv, UV_RUN_DEFAULT);
		run_due();
		finish_turn();
	} while (!stopping && uv_loop_alive(&uv) != 0);
}

void
loop_stop(void)
{
	stopping = true;
	uv_stop(&uv);
}

int64_t
loop_now(void)
{
	if (now_ms == 0)
		now_ms = wall_clock();
	return now_ms;
}

int64_t
loop_mono(void)
{
	return (int64_t)(uv_hrtime() / 1000000);
}

/* --- timers ------------------------------------------------------------ */

static void on_timer(uv_timer_t *handle);

/* A timer that is due already, and has not run yet, is due no more. */
static void
start(struct loop_timer *t, int64_t delay_ms)
{
	assert(t->uv.data == t);
	list_leave(&t->link);
	/* libuv counts from when it last looked; a turn may have been long. */
	uv_update_time(&uv);
	uv_timer_start(&t->uv, on_timer, delay_ms > 0 ? (uint64_t)delay_ms : 0,
	    0);
}

static void
start_wall(struct loop_timer *t, int64_t now)
{
	int64_t left = t->wall_ms > now ? t->wall_ms - now : 0;

	assert(t->wall_ms != NO_WALL);
	start(t, left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS);
}

static void
on_timer(uv_timer_t *handle)
{
	struct loop_timer *t = handle->data;
	int64_t now = wall_clock();

	assert(t != NULL && list_empty(&t->link));
	if (t->wall_ms != NO_WALL && t->wall_ms > now) {
		start_wall(t, now);
		return;
	}
	list_join(&due, &t->link);
}

struct loop_timer *
loop_timer_new(void (*fn)(void *ctx), void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	assert(fn != NULL);
	t->fn = fn;
	t->ctx = ctx;
	list_init(&t->link);
	uv_timer_init(&uv, &t->uv);
	t->uv.data = t;
	return t;
}

void
loop_timer_after(struct loop_timer *t, int64_t delay_ms)
{
	t->wall_ms = NO_WALL;
	start(t, delay_ms);
}

void
loop_timer_at(struct loop_timer *t, int64_t wall_ms)
{
	t->wall_ms = wall_ms > 0 ? wall_ms : 0;
	assert(t->wall_ms >= 0);
	start_wall(t, wall_clock());
}

void
loop_timer_stop(struct loop_timer *t)
{
	list_leave(&t->link);
	uv_timer_stop(&t->uv);
}

static void
on_closed(uv_handle_t *handle)
{
	assert(handle->data != NULL);
	free(handle->data);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	loop_timer_stop(t);
	uv_close((uv_handle_t *)&t->uv, on_closed);
}

/* --- descriptors ------------------------------------------------------- */

static void on_poll(uv_poll_t *handle, int status, int events);

static int
to_uv(int events)
{
	return ((events & LOOP_READ) != 0 ? UV_READABLE : 0) |
	    ((events & LOOP_WRITE) != 0 ? UV_WRITABLE : 0);
}

static void
watch(struct loop_fd *f)
{
	assert(f->uv.data == f);
	if (f->want == 0)
		uv_poll_stop(&f->uv);
	else
		uv_poll_start(&f->uv, to_uv(f->want), on_poll);
}

static void
on_poll(uv_poll_t *handle, int status, int events)
{
	struct loop_fd *f = handle->data;
	int got = ((events & UV_READABLE) != 0 ? LOOP_READ : 0) |
	    ((events & UV_WRITABLE) != 0 ? LOOP_WRITE : 0);

	assert(f != NULL && f->fn != NULL);
	if (stopping)
		return;
	woken = true;
	if (status < 0) {
		/* libuv has stopped watching; level-triggered means on. */
		watch(f);
		got = LOOP_READ | LOOP_WRITE;
	}
	f->fn(f->ctx, got);
}

struct loop_fd *
loop_fd_new(int fd, void (*fn)(void *ctx, int events), void *ctx)
{
	struct loop_fd *f = xcalloc(1, sizeof(*f));
	int r = uv_poll_init(&uv, &f->uv, fd);

	assert(fd >= 0 && fn != NULL);
	assert(r == 0);
	(void)r;
	f->fn = fn;
	f->ctx = ctx;
	f->uv.data = f;
	return f;
}

void
loop_fd_want(struct loop_fd *f, int events)
{
	assert((events & ~(LOOP_READ | LOOP_WRITE)) == 0);
	if (f->want == events)
		return;
	f->want = events;
	watch(f);
}

void
loop_fd_free(struct loop_fd *f)
{
	if (f != NULL)
		uv_close((uv_handle_t *)&f->uv, on_closed);
}

/* --- names ------------------------------------------------------------- */

static const char *
why_not(int status)
{
	assert(status != 0);
	switch (status) {
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
		return "there is no such name";
	case UV_EAI_AGAIN:
		return "no name server answers";
	default:
		return uv_strerror(status);
	}
}

static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct loop_lookup *l = req->data;

	if (l->done != NULL) {
		woken = true;
		l->done(l->ctx, status == 0 ? list : NULL,
		    status == 0 ? NULL : why_not(status));
	}
	uv_freeaddrinfo(list);
	free(l);
}

static void
on_unfit(void *ctx)
{
	struct loop_lookup *l = ctx;

	assert(l->done != NULL && l->unfit != NULL);
	l->done(l->ctx, NULL, "this cannot be a host name");
	loop_timer_free(l->unfit);
	free(l);
}

struct loop_lookup *
loop_resolve(const char *host,
    void (*done)(void *ctx, const struct addrinfo *list, const char *why),
    void *ctx)
{
	static const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG
	};
	struct loop_lookup *l = xcalloc(1, sizeof(*l));

	assert(host != NULL && done != NULL);
	l->done = done;
	l->ctx = ctx;
	l->uv.data = l;
	if (uv_getaddrinfo(&uv, &l->uv, on_resolved, host, NULL,
	    &hints) != 0) {
		l->unfit = loop_timer_new(on_unfit, l);
		loop_timer_after(l->unfit, 0);
	}
	return l;
}

void
loop_resolve_cancel(struct loop_lookup *l)
{
	assert(l->done != NULL);
	if (l->unfit != NULL) {
		loop_timer_free(l->unfit);
		free(l);
		return;
	}
	/* A thread may be at work for it: it is freed when that ends. */
	l->done = NULL;
	uv_cancel((uv_req_t *)&l->uv);
}
