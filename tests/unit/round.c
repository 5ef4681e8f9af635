/* The deployment round against a world that knows which files are bad. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hooks/round.h"

enum { ITEMS = 12, SERVICES = 4, STEPS_MAX = 2000 };

struct world {
	size_t items, services;
	bool uses[ITEMS][SERVICES], bad[ITEMS][SERVICES];
	bool loaded[ITEMS][SERVICES];	/* in an earlier round */
	bool stuck[ITEMS];		/* nothing to go back to */
	bool sticks[ITEMS];		/* the flip back fails */
	bool later_check[SERVICES], later_reload[SERVICES];
	int later_after[SERVICES];	/* checks before the first */
	bool broken[SERVICES], no_reload[SERVICES];	/* reload fails */
	bool back[ITEMS];
	int checks[SERVICES], reloads[SERVICES];
	bool reload_seen;
	bool check_after_reload;
};

static bool
check(struct world *w, size_t s)
{
	size_t i;

	w->checks[s]++;
	if (w->reload_seen)
		w->check_after_reload = true;
	if (w->broken[s])
		return false;
	for (i = 0; i < w->items; i++)
		if (w->uses[i][s] && w->bad[i][s] && !w->back[i])
			return false;
	return true;
}

static bool
asks_later(const struct world *w, size_t s)
{
	return w->later_check[s] && w->checks[s] > w->later_after[s];
}

static struct round *
play(struct world *w)
{
	struct round *r = round_new(w->items, w->services);
	struct round_wish wish;
	enum round_outcome good = ROUND_GOOD;
	size_t i, s;
	int n;

	for (s = 0; s < w->services; s++)
		round_service(r, s, true, true, true);
	for (i = 0; i < w->items; i++) {
		if (!w->stuck[i])
			round_can_go_back(r, i);
		for (s = 0; s < w->services; s++)
			if (w->uses[i][s])
				round_uses(r, i, s);
		for (s = 0; s < w->services; s++)
			if (w->loaded[i][s])
				round_loaded(r, i, s);
	}
	for (n = 0; n < STEPS_MAX; n++) {
		wish = round_step(r, good);
		switch (wish.kind) {
		case ROUND_CHECK:
			good = check(w, wish.service);
			if (asks_later(w, wish.service))
				good = ROUND_NOT_YET;
			break;
		case ROUND_RELOAD:
			w->reload_seen = true;
			w->reloads[wish.service]++;
			good = !w->no_reload[wish.service] || wish.back;
			if (w->later_reload[wish.service])
				good = ROUND_NOT_YET;
			break;
		case ROUND_FLIP:
			assert_false(w->stuck[wish.item]);
			good = !w->sticks[wish.item];
			if (good)
				w->back[wish.item] = wish.back;
			break;
		case ROUND_DONE:
			return r;
		}
	}
	fail_msg("the round does not end");
	return r;
}

static void
all_good(void **state)
{
	struct world w = { .items = 3, .services = 2 };
	struct round *r;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		w.uses[i][0] = true;
	w.uses[1][1] = true;
	r = play(&w);
	for (i = 0; i < 3; i++)
		assert_int_equal(round_verdict(r, i, 0), ROUND_RELOADED);
	assert_int_equal(w.checks[0], 1);
	assert_int_equal(w.reloads[0], 1);
	assert_int_equal(w.reloads[1], 1);
	assert_false(w.check_after_reload);
	round_free(r);
}

static void
one_of_three_is_bad(void **state)
{
	struct world w = { .items = 3, .services = 1 };
	struct round *r;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		w.uses[i][0] = true;
	w.bad[1][0] = true;
	r = play(&w);
	assert_int_equal(round_verdict(r, 0, 0), ROUND_RELOADED);
	assert_int_equal(round_verdict(r, 1, 0), ROUND_REFUSED);
	assert_int_equal(round_verdict(r, 2, 0), ROUND_RELOADED);
	assert_true(round_is_back(r, 1));
	assert_int_equal(w.reloads[0], 1);
	round_free(r);
}

static void
service_broken_anyway(void **state)
{
	struct world w = { .items = 2, .services = 1, .broken = { true } };
	struct round *r;

	(void)state;
	w.uses[0][0] = w.uses[1][0] = true;
	r = play(&w);
	assert_int_equal(round_verdict(r, 0, 0), ROUND_BROKEN);
	assert_int_equal(round_verdict(r, 1, 0), ROUND_BROKEN);
	/* The new files stay, nothing is reloaded. */
	assert_false(w.back[0] || w.back[1]);
	assert_int_equal(w.reloads[0], 0);
	round_free(r);
}

static void
never_back_to_a_placeholder(void **state)
{
	struct world w = { .items = 1, .services = 1, .stuck = { true } };
	struct round *r;

	(void)state;
	w.uses[0][0] = w.bad[0][0] = true;
	r = play(&w);
	assert_int_equal(round_verdict(r, 0, 0), ROUND_BROKEN);
	round_free(r);
}

static void
reload_fails(void **state)
{
	struct world w = { .items = 2, .services = 2,
		.no_reload = { false, true } };
	struct round *r;

	(void)state;
	w.uses[0][0] = w.uses[0][1] = w.uses[1][0] = true;
	r = play(&w);
	assert_int_equal(round_verdict(r, 0, 1), ROUND_RELOAD_FAILED);
	assert_int_equal(round_verdict(r, 0, 0), ROUND_PUT_BACK);
	assert_int_equal(round_verdict(r, 1, 0), ROUND_RELOADED);
	assert_true(w.back[0]);
	/* The first service had loaded what is back now: once more. */
	assert_int_equal(w.reloads[0], 2);
	assert_int_equal(w.reloads[1], 2);
	round_free(r);
}

/* One service is tried again; the other has loaded the files already. */
static void
loaded_is_left_alone(void **state)
{
	struct world w = { .items = 1, .services = 2,
		.uses = { { true, true } }, .loaded = { { true } } };
	struct round *r;

	(void)state;
	r = play(&w);
	assert_int_equal(round_verdict(r, 0, 0), ROUND_AS_BEFORE);
	assert_int_equal(round_verdict(r, 0, 1), ROUND_RELOADED);
	assert_int_equal(w.checks[0], 0);
	assert_int_equal(w.reloads[0], 0);
	assert_int_equal(w.reloads[1], 1);
	round_free(r);
}

/* ... but what is taken away from it again it must know. */
static void
loaded_goes_back(void **state)
{
	struct world w = { .items = 1, .services = 2,
		.uses = { { true, true } }, .loaded = { { true } },
		.bad = { { false, true } } };
	struct round *r;

	(void)state;
	r = play(&w);
	assert_true(w.back[0]);
	assert_int_equal(round_verdict(r, 0, 0), ROUND_PUT_BACK);
	assert_int_equal(round_verdict(r, 0, 1), ROUND_REFUSED);
	assert_int_equal(w.reloads[0], 1);
	assert_int_equal(w.reloads[1], 0);
	round_free(r);
}

/* The guilty files can't be put back: nothing is reloaded with them. */
static void
flip_fails(void **state)
{
	struct world w = { .items = 3, .services = 1,
		.uses = { { true }, { true }, { true } },
		.bad = { { false }, { true } },
		.sticks = { false, true, false } };
	struct round *r;
	size_t i;

	(void)state;
	r = play(&w);
	assert_int_equal(w.reloads[0], 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(round_verdict(r, i, 0), w.back[i] ?
		    ROUND_PUT_BACK : ROUND_BROKEN);
	assert_false(w.back[1]);
	round_free(r);
}

/* What asks to be tried later has judged nothing: its files stay, it is not
 * reloaded, and the others go on. */
static void
check_later(void **state)
{
	struct world w = { .items = 2, .services = 2,
		.uses = { { true, true }, { true, false } },
		.later_check = { true } };
	struct round *r;

	(void)state;
	r = play(&w);
	assert_int_equal(round_verdict(r, 0, 0), ROUND_LATER);
	assert_int_equal(round_verdict(r, 1, 0), ROUND_LATER);
	assert_int_equal(round_verdict(r, 0, 1), ROUND_RELOADED);
	assert_int_equal(w.checks[0], 1);
	assert_int_equal(w.reloads[0], 0);
	assert_int_equal(w.reloads[1], 1);
	assert_false(w.back[0] || w.back[1]);
	round_free(r);
}

static void
reload_later(void **state)
{
	struct world w = { .items = 1, .services = 1, .uses = { { true } },
		.later_reload = { true } };
	struct round *r;

	(void)state;
	r = play(&w);
	assert_int_equal(round_verdict(r, 0, 0), ROUND_LATER);
	assert_int_equal(w.reloads[0], 1);
	assert_false(w.back[0]);
	round_free(r);
}

/* It says so in the middle of the search, at whatever step: who is known to
 * be guilty stays back, all others come forward again. */
static void
search_later(void **state)
{
	int after;

	(void)state;
	for (after = 1; after < 8; after++) {
		struct world w = { .items = 4, .services = 1,
			.uses = { { true }, { true }, { true }, { true } },
			.bad = { { true }, { false }, { false }, { true } },
			.later_check = { true }, .later_after = { after } };
		struct round *r = play(&w);
		size_t i;

		for (i = 0; i < 4; i++) {
			assert_int_equal(round_verdict(r, i, 0), w.back[i] ?
			    ROUND_REFUSED : w.checks[0] > after ?
			    ROUND_LATER : ROUND_RELOADED);
			assert_true(w.bad[i][0] || !w.back[i]);
			assert_true(after > 1 || !w.back[i]);
		}
		assert_int_equal(w.reloads[0], w.checks[0] <= after);
		round_free(r);
	}
}

static uint32_t seed;

static uint32_t
dice(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void
random_world(struct world *w)
{
	size_t i, s;

	memset(w, 0, sizeof(*w));
	w->items = 1 + dice(ITEMS);
	w->services = 1 + dice(SERVICES);
	for (s = 0; s < w->services; s++)
		w->broken[s] = dice(6) == 0;
	for (i = 0; i < w->items; i++) {
		w->stuck[i] = dice(8) == 0;
		for (s = 0; s < w->services; s++) {
			w->uses[i][s] = dice(2) == 0;
			w->bad[i][s] = w->uses[i][s] && dice(5) == 0;
		}
	}
}

static bool
stuck_bad(const struct world *w, size_t s)
{
	size_t i;

	for (i = 0; i < w->items; i++)
		if (w->bad[i][s] && w->stuck[i])
			return true;
	return false;
}

static bool
bad_somewhere(const struct world *w, size_t i)
{
	size_t s;

	for (s = 0; s < w->services; s++)
		if (w->bad[i][s] && !w->broken[s] && !stuck_bad(w, s))
			return true;
	return false;
}

/* Whatever the world: only who is guilty stays back, what is reloaded passes
 * its check, and no service is reloaded twice. */
static void
worlds(void **state)
{
	struct world w;
	struct round *r;
	size_t i, s;
	int k;

	(void)state;
	for (k = 0; k < 20000; k++) {
		seed = (uint32_t)k;
		random_world(&w);
		r = play(&w);
		for (i = 0; i < w.items; i++)
			if (w.back[i] != bad_somewhere(&w, i))
				fail_msg("seed %d: item %zu", k, i);
		for (s = 0; s < w.services; s++) {
			if (w.reloads[s] > 1 ||
			    (w.reloads[s] == 1 && !check(&w, s)))
				fail_msg("seed %d: service %zu", k, s);
		}
		round_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_good),
		cmocka_unit_test(one_of_three_is_bad),
		cmocka_unit_test(service_broken_anyway),
		cmocka_unit_test(never_back_to_a_placeholder),
		cmocka_unit_test(reload_fails),
		cmocka_unit_test(loaded_is_left_alone),
		cmocka_unit_test(loaded_goes_back),
		cmocka_unit_test(flip_fails), cmocka_unit_test(worlds),
		cmocka_unit_test(check_later),
		cmocka_unit_test(reload_later),
		cmocka_unit_test(search_later)
	};

	return cmocka_run_group_tests_name("round", tests, NULL, NULL);
}
