/* The comparison of the configuration with the inventory at a start, with more
 * wishes than one turn takes. EVERLEAF_WISHES=200000 measures it instead. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "base/buf.h"
#include "daemon/acts.h"
#include "daemon/bundle.h"
#include "daemon/defaults.h"
#include "daemon/engine.h"
#include "daemon/sched.h"
#include "daemon/trouble.h"
#include "daemon/wish_json.h"
#include "tests/sim/sim.h"

enum { MANY = 5000 };

void __real_turn_end(void *unused);
void __wrap_turn_end(void *unused);

static double longest, last;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Between the ends of two turns the engine hears and says nothing. */
void
__wrap_turn_end(void *unused)
{
	double now;

	__real_turn_end(unused);
	now = seconds();
	if (last != 0 && now - last > longest)
		longest = now - last;
	last = now;
}

static char *
conf_of(int n, const char *more)
{
	struct buf b;
	int i;

	buf_init(&b, 64 << 20);
	buf_puts(&b, "agree-tos = true\nca \"sim\" {\n"
	    " directory = \"https://ca.sim/dir\"\n}\n"
	    "policy \"default\" {\n ca = \"sim\"\n}\n");
	buf_puts(&b, more);
	for (i = 0; i < n; i++)
		buf_printf(&b, "certificate \"n%d.example\" {\n}\n", i);
	return buf_take(&b);
}

/* No job starts: what is looked at is the comparison alone. */
void __wrap_sched_init(void);
void
__wrap_sched_init(void)
{
}

static void
begin(int n, const char *more)
{
	char *text = conf_of(n, more);
	struct sim_setup setup = { text, getenv("EVERLEAF_SQLITE") != NULL,
		1 };

	longest = 0;
	last = seconds();
	sim_begin(&setup);
	free(text);
}

/* The engine's process ends as by SIGKILL; the next one reads this. */
static void
again(int n, const char *more)
{
	char *text = conf_of(n, more);

	sim_next_config(text);
	sim_crash();
	free(text);
}

static void
measure(int n)
{
	double from = seconds(), made;

	begin(n, "");
	sim_run(0);
	made = seconds();
	printf("# %d wishes are made: %.1f s, longest turn %.2f s\n", n,
	    made - from, longest);
	longest = 0;
	again(n, "");
	sim_run(0);
	printf("# and compared: %.1f s, longest turn %.2f s\n",
	    seconds() - made, longest);
	sim_end();
}

/* Each part is a transaction, and what died in between goes on there. */
static void
parts(void **state)
{
	(void)state;
	begin(MANY, "");
	assert_true(sim_rows("cert") < MANY);
	assert_non_null(busy_now());
	assert_null(trouble_now());
	again(MANY, "");
	assert_true(sim_rows("cert") < MANY);
	sim_run(0);
	assert_int_equal(sim_rows("cert"), MANY);
	assert_int_equal(sim_rows("ident"), MANY);
	assert_int_equal(sim_events(NULL, "wish.added"), MANY);
	assert_null(busy_now());
	again(MANY, "");
	sim_run(0);
	assert_int_equal(sim_events(NULL, "wish.added"), MANY);
	assert_int_equal(sim_events(NULL, "wish.changed"), 0);
	again(1, "");
	sim_run(0);
	assert_int_equal(sim_events(NULL, "wish.retired"), MANY - 1);
	sim_end();
}

/* A reload while it is under way ends it. */
static void
ended(void **state)
{
	char *text = conf_of(2, "");

	(void)state;
	begin(MANY, "");
	assert_non_null(busy_now());
	sim_reload(text);
	sim_run(0);
	assert_null(busy_now());
	assert_true(sim_rows("cert") < MANY);
	sim_end();
	free(text);
}

static char settings[4000];

static void
take_settings(void *ctx, struct bundle *b, const struct err *err)
{
	(void)ctx;
	assert_null(err);
	assert_non_null(b->cert);
	snprintf(settings, sizeof(settings), "%s", b->cert->settings);
}

static const char *
settings_of(const char *name)
{
	bundle_by_name(turn_store(), name, take_settings, NULL);
	return settings;
}

/* As a release had them that made RSA keys and knew another CA. */
static void
put_defaults(void)
{
	struct row_meta row = { row_const(DEFAULTS_KEY), row_const(
	    "[{\"from\": 0, \"wish\": {\"ca\": \"google\", "
	    "\"key_type\": \"rsa-2048\", \"profile\": \"classic\"}}]") };

	batch_put(turn_batch(), T_META, &row);
	turn_end(NULL);
}

/* An upgrade changes no CA, key type or profile (interface.md 2.3); what a
 * file says does, as long as it says it. */
static void
built_in(void **state)
{
	(void)state;
	begin(1, "");
	assert_non_null(strstr(settings_of("n0.example"), "ecdsa-p256"));
	put_defaults();
	sim_step_clock(1000);
	again(2, "");
	assert_non_null(strstr(settings_of("n0.example"), "rsa-2048"));
	assert_non_null(strstr(settings_of("n0.example"), "classic"));
	assert_non_null(strstr(settings_of("n0.example"), "\"sim\""));
	again(3, "");
	assert_non_null(strstr(settings_of("n0.example"), "rsa-2048"));
	assert_non_null(strstr(settings_of("n1.example"), "ecdsa-p256"));
	assert_non_null(strstr(settings_of("n2.example"), "ecdsa-p256"));
	assert_int_equal(sim_events("n0.example", "wish.changed"), 1);
	again(3, "certificate \"own.example\" {\n key-type = rsa-4096\n}\n");
	assert_non_null(strstr(settings_of("own.example"), "rsa-4096"));
	again(3, "certificate \"own.example\" {\n}\n");
	assert_non_null(strstr(settings_of("own.example"), "ecdsa-p256"));
	sim_end();
}

static void
lose_renewal(void *ctx, struct bundle *b, const struct err *err)
{
	(void)ctx;
	assert_null(err);
	sched_drop(JOB_RENEW, b->cert->id);
}

/* A row that a newer version has written: it can't be read here. */
static void
spoil_settings(void *ctx, struct bundle *b, const struct err *err)
{
	struct row_cert *c = row_copy(T_CERT, b->cert);

	(void)ctx;
	assert_null(err);
	row_text(&c->settings, "{\"from_tomorrow\":1}");
	row_text(&c->settings_hash, "0");
	batch_put(turn_batch(), T_CERT, c);
	row_free(T_CERT, c);
	free(c);
}

static void
settings_of_tomorrow(void **state)
{
	(void)state;
	begin(2, "");
	sim_run(1000);
	bundle_by_name(turn_store(), "n0.example", spoil_settings, NULL);
	sim_run(1000);
	again(2, "");
	sim_run(1000);
	assert_non_null(strstr(settings_of("n0.example"), "ecdsa-p256"));
	sim_end();
}

/* A wish that has lost its job RENEW, by whatever fault, gets it again at the
 * next start; what is retired does not. */
static void
lost_renewals(void **state)
{
	static const char *const lost[] = { "n0.example", "n1.example",
		"n2500.example", "n4998.example", "n4999.example" };
	size_t i;

	(void)state;
	begin(MANY, "");
	sim_run(1000);
	for (i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		assert_true(sim_has_work(lost[i]));
		bundle_by_name(turn_store(), lost[i], lose_renewal, NULL);
	}
	sim_run(1000);
	for (i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		assert_false(sim_has_work(lost[i]));
	again(MANY - 1, "");
	sim_run(1000);
	for (i = 0; i < sizeof(lost) / sizeof(lost[0]) - 1; i++)
		assert_true(sim_has_work(lost[i]));
	assert_false(sim_has_work(lost[i]));	/* retired */
	again(MANY - 1, "");
	sim_run(1000);
	assert_false(sim_has_work(lost[i]));
	assert_int_equal(sim_rows("job"), 2 * MANY);
	sim_end();
}

static void
result(void *ctx, enum put_result r, const struct err *err)
{
	assert_null(err);
	*(int *)ctx = (int)r;
}

static int
put(struct conf_wish *wish, const char *label, bool dry)
{
	struct strv labels = { NULL, 0 };
	int r = -1;

	if (label != NULL)
		strv_add(&labels, label);
	act_put("own.example", wish, &labels, "uid:0", dry, result, &r);
	turn_end(NULL);
	strv_free(&labels);
	return r;
}

/* It says what the same without it does. */
static void
dry_put(void **state)
{
	static const struct { const char *label; int result; } steps[] = {
		{ "a=1", PUT_MADE }, { "a=1", PUT_SAME },
		{ "a=2", PUT_CHANGED }, { "b=2", PUT_CHANGED },
		{ NULL, PUT_CHANGED }, { NULL, PUT_SAME }
	};
	struct conf_wish wish;
	size_t i;

	(void)state;
	begin(0, "");
	conf_wish_blank(&wish);
	strv_add(&wish.names, "own.example");
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(put(&wish, steps[i].label, true),
		    steps[i].result);
		assert_int_equal(put(&wish, steps[i].label, false),
		    steps[i].result);
	}
	/* Labels alone are news, too. */
	assert_int_equal(sim_events("own.example", "wish.added"), 1);
	assert_int_equal(sim_events("own.example", "wish.changed"), 3);
	sim_remove("own.example", false);
	assert_int_equal(put(&wish, NULL, true), PUT_CHANGED);
	assert_int_equal(put(&wish, NULL, false), PUT_CHANGED);
	conf_wish_free(&wish);
	sim_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts), cmocka_unit_test(lost_renewals),
		cmocka_unit_test(ended), cmocka_unit_test(built_in),
		cmocka_unit_test(settings_of_tomorrow),
		cmocka_unit_test(dry_put)
	};

	if (getenv("EVERLEAF_WISHES") != NULL) {
		measure((int)strtol(getenv("EVERLEAF_WISHES"), NULL, 10));
		return 0;
	}
	return cmocka_run_group_tests_name("inventory", tests, NULL, NULL);
}
