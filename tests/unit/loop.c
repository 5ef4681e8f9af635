/* The loop: turns, timers, descriptors, lookups, and freeing any of them from
 * within their own callbacks. */
#include <config.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/loop.h"

static int turns, calls;
static char story[64];
static struct loop_timer *timers[4];
static struct loop_fd *watch;
static int pair[2];

static void
note(char c)
{
	size_t n = strlen(story);

	if (n + 1 < sizeof(story))
		story[n] = c;
}

static void
turn_end(void *ctx)
{
	(void)ctx;
	turns++;
	note('.');
}

static int
set_up(void **state)
{
	(void)state;
	turns = calls = 0;
	memset(story, 0, sizeof(story));
	memset(timers, 0, sizeof(timers));
	loop_init();
	return 0;
}

static int
tear_down(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		loop_timer_free(timers[i]);
	loop_fini();
	return 0;
}

static int64_t
wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
on_a(void *ctx)
{
	(void)ctx;
	note('a');
}

static void
on_b(void *ctx)
{
	(void)ctx;
	note('b');
}

static void
timers_due_together_are_one_turn(void **state)
{
	(void)state;
	timers[0] = loop_timer_new(on_a, NULL);
	timers[1] = loop_timer_new(on_b, NULL);
	loop_timer_after(timers[0], 0);
	loop_timer_after(timers[1], 0);
	loop_run(turn_end, NULL);
	/* one turn end before the first sleep, or together with both */
	assert_true(strcmp(story, ".ab.") == 0 || strcmp(story, "ab.") == 0);
}

static void
on_again(void *ctx)
{
	(void)ctx;
	note('a');
	if (++calls < 3)
		loop_timer_after(timers[0], 0);
}

static void
zero_delay_is_the_next_turn(void **state)
{
	(void)state;
	timers[0] = loop_timer_new(on_again, NULL);
	loop_timer_after(timers[0], 0);
	loop_run(turn_end, NULL);
	assert_non_null(strstr(story, "a.a.a."));
}

static void
on_last(void *ctx)
{
	(void)ctx;
	note('l');
	loop_stop();
}

static void
on_second(void *ctx)
{
	(void)ctx;
	note('c');
	loop_timer_after(timers[2], 30);
}

static void
on_first(void *ctx)
{
	(void)ctx;
	note('a');
	loop_timer_after(timers[1], 30);
}

/* The end of a turn must not wait for the next thing to happen. (Before the
 * first timer there may be a turn with nothing in it.) */
static void
turn_ends_at_once(void **state)
{
	(void)state;
	timers[0] = loop_timer_new(on_first, NULL);
	timers[1] = loop_timer_new(on_second, NULL);
	timers[2] = loop_timer_new(on_last, NULL);
	loop_timer_after(timers[0], 5);
	loop_run(turn_end, NULL);
	assert_string_equal(story + (story[0] == '.'), "a.c.l.");
}

static void
on_due(void *ctx)
{
	int64_t *due = ctx;

	assert_true(loop_now() >= *due);
	assert_true(loop_now() < *due + 2000);
	calls++;
}

static void
wall_time(void **state)
{
	int64_t due = wall() + 40, past = wall() - 1000;

	(void)state;
	timers[0] = loop_timer_new(on_due, &due);
	timers[1] = loop_timer_new(on_due, &past);
	loop_timer_at(timers[0], due);
	loop_timer_at(timers[1], past);
	loop_run(turn_end, NULL);
	assert_int_equal(calls, 2);
}

static void
on_slow(void *ctx)
{
	struct timespec nap = { 0, 30 * 1000000 };
	int64_t now = loop_now();

	(void)ctx;
	nanosleep(&nap, NULL);
	assert_true(loop_now() == now);
	calls++;
	timers[3] = loop_timer_new(on_a, NULL);
	loop_timer_after(timers[3], 20);
}

static int64_t began;

static void
one_time_a_turn(void **state)
{
	(void)state;
	began = loop_mono();
	timers[0] = loop_timer_new(on_slow, NULL);
	loop_timer_after(timers[0], 1);
	loop_run(turn_end, NULL);
	assert_int_equal(calls, 1);
	/* the long turn does not eat up the delay of what it sets */
	assert_true(loop_mono() - began >= 50);
}

static void
on_stop_others(void *ctx)
{
	(void)ctx;
	note('s');
	loop_timer_stop(timers[1]);
	loop_timer_free(timers[2]);
	timers[2] = NULL;
	loop_timer_free(timers[0]);
	timers[0] = NULL;
}

static void
stopped_and_freed_while_due(void **state)
{
	(void)state;
	timers[0] = loop_timer_new(on_stop_others, NULL);
	timers[1] = loop_timer_new(on_a, NULL);
	timers[2] = loop_timer_new(on_b, NULL);
	loop_timer_after(timers[0], 0);
	loop_timer_after(timers[1], 0);
	loop_timer_after(timers[2], 0);
	loop_run(turn_end, NULL);
	assert_null(strchr(story, 'a'));
	assert_null(strchr(story, 'b'));
	assert_non_null(strchr(story, 's'));
}

static void
on_byte(void *ctx, int events)
{
	char c;

	(void)ctx;
	assert_true((events & LOOP_READ) != 0);
	note('r');
	if (++calls < 3)
		return;		/* level-triggered: it comes again */
	assert_int_equal(read(pair[0], &c, 1), 1);
	loop_fd_free(watch);
	close(pair[0]);
	close(pair[1]);
}

static void
descriptors_are_level_triggered(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	watch = loop_fd_new(pair[0], on_byte, NULL);
	loop_fd_want(watch, LOOP_READ);
	assert_int_equal(write(pair[1], "x", 1), 1);
	loop_run(turn_end, NULL);
	assert_non_null(strstr(story, "r.r.r."));
}

static void
on_either(void *ctx, int events)
{
	(void)ctx;
	assert_true((events & LOOP_WRITE) != 0);
	calls++;
	loop_fd_want(watch, 0);
}

static void
unwanted_events_stay_away(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	watch = loop_fd_new(pair[0], on_either, NULL);
	loop_fd_want(watch, LOOP_WRITE);
	loop_run(turn_end, NULL);	/* ends: nothing is left to wake it */
	assert_int_equal(calls, 1);
	loop_fd_free(watch);
	close(pair[0]);
	close(pair[1]);
}

static void
on_found(void *ctx, const struct addrinfo *list, const char *why)
{
	(void)ctx;
	assert_non_null(list);
	assert_null(why);
	assert_int_equal(list->ai_family, AF_INET);
	note('f');
}

static void
on_missing(void *ctx, const struct addrinfo *list, const char *why)
{
	(void)ctx;
	assert_null(list);
	assert_non_null(why);
	note('m');
}

static void
on_never(void *ctx, const struct addrinfo *list, const char *why)
{
	(void)ctx;
	(void)list;
	(void)why;
	note('!');
}

static void
lookups(void **state)
{
	char overlong[400];
	struct loop_lookup *l;

	(void)state;
	memset(overlong, 'a', sizeof(overlong) - 1);
	overlong[sizeof(overlong) - 1] = '\0';
	loop_resolve("127.0.0.1", on_found, NULL);
	loop_resolve(overlong, on_missing, NULL);
	l = loop_resolve("127.0.0.1", on_never, NULL);
	loop_resolve_cancel(l);
	l = loop_resolve(overlong, on_never, NULL);
	loop_resolve_cancel(l);
	assert_string_equal(story, "");
	loop_run(turn_end, NULL);
	assert_non_null(strchr(story, 'f'));
	assert_non_null(strchr(story, 'm'));
	assert_null(strchr(story, '!'));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(timers_due_together_are_one_turn),
		T(zero_delay_is_the_next_turn), T(turn_ends_at_once),
		T(wall_time), T(one_time_a_turn),
		T(stopped_and_freed_while_due),
		T(descriptors_are_level_triggered),
		T(unwanted_events_stay_away), T(lookups)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
