/* All that the store knows about one certificate, in one piece. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/bundle.h"
#include "store_fixture.h"

static int
set_up(void **state)
{
	*state = store_open_memory();
	return 0;
}

static int
tear_down(void **state)
{
	store_close(*state);
	return 0;
}

#define LENT(s) ((char *)(uintptr_t)(s))

/* Everything that a certificate may have, some of it twice. */
static void
put_all(struct batch *b, int64_t id, const char *name)
{
	struct row_cert c = cert_row(id, name, "served");
	struct row_ident idents[2] = {
		{ id, LENT("dns"), LENT("a.example"), 1, 1, 1 },
		{ id, LENT("dns"), LENT("z.example"), 0, 1, 0 }
	};
	struct row_label l = { id, LENT("tier"), LENT("gold") };
	struct row_version v = { .cert_id = id, .version = 3 };
	struct row_generation g = { id, 9, 3, LENT("live"), 5 };
	struct row_deployment d = { .cert_id = id, .service = LENT("nginx") };
	struct row_endpoint e = { .cert_id = id, .service = LENT("nginx"),
		.endpoint = LENT(":443"), .name = LENT("a.example") };
	struct row_order o = { .cert_id = id, .version = 4 };
	struct row_challenge ch = { .cert_id = id, .ident = LENT("a.example"),
		.type = LENT("http-01"), .token = LENT("t") };
	struct row_job j = { .kind = JOB_RENEW, .object = id };

	batch_put(b, T_CERT, &c);
	batch_put(b, T_IDENT, &idents[0]);
	batch_put(b, T_IDENT, &idents[1]);
	batch_put(b, T_LABEL, &l);
	batch_put(b, T_VERSION, &v);
	v.version = 0;
	batch_put(b, T_VERSION, &v);
	batch_put(b, T_GENERATION, &g);
	batch_put(b, T_DEPLOYMENT, &d);
	d.service = LENT("postfix");
	d.wanted = 3;
	batch_put(b, T_DEPLOYMENT, &d);
	batch_put(b, T_ENDPOINT, &e);
	batch_put(b, T_ORDER, &o);
	batch_put(b, T_CHALLENGE, &ch);
	batch_put(b, T_JOB, &j);
	j.kind = JOB_PROBE;
	batch_put(b, T_JOB, &j);
}

static void
keep(void *ctx, struct bundle *b, const struct err *err)
{
	assert_null(err);
	*(struct bundle **)ctx = bundle_take(b);
	assert_null(b->cert);
	assert_int_equal(b->idents.n, 0);
}

static void
check(const struct bundle *b)
{
	assert_string_equal(b->cert->name, "a.example");
	assert_int_equal(b->idents.n, 2);
	assert_string_equal(ROWS_AT(&b->idents, row_ident, 0)->value,
	    "z.example");
	assert_int_equal(b->labels.n, 1);
	assert_int_equal(b->versions.n, 2);
	assert_int_equal(b->generations.n, 1);
	assert_int_equal(b->deployments.n, 2);
	assert_int_equal(b->endpoints.n, 1);
	assert_int_equal(b->orders.n, 1);
	assert_int_equal(b->challenges.n, 1);
	assert_int_equal(b->jobs.n, 2);
	assert_true(bundle_version(b, 3)->version == 3);
	assert_true(bundle_version(b, 0)->version == 0);
	assert_null(bundle_version(b, 1));
	assert_true(bundle_order(b)->version == 4);
	assert_true(bundle_deployment(b, "postfix")->wanted == 3);
	assert_null(bundle_deployment(b, "haproxy"));
}

static void
everything_of_one_and_nothing_of_others(void **state)
{
	struct batch *b = batch_new();
	struct bundle *got = NULL;

	put_all(b, 7, "a.example");
	put_all(b, 8, "b.example");
	commit_well(*state, b);
	bundle_by_id(*state, 7, keep, &got);
	assert_non_null(got);
	check(got);
	bundle_free(got);
	got = NULL;
	bundle_by_name(*state, "a.example", keep, &got);
	assert_non_null(got);
	check(got);
	bundle_free(got);
	bundle_free(NULL);
}

static void
count_empty(void *ctx, struct bundle *b, const struct err *err)
{
	assert_null(err);
	assert_null(b->cert);
	assert_int_equal(b->versions.n, 0);
	assert_null(bundle_order(b));
	assert_null(bundle_version(b, 0));
	assert_null(bundle_deployment(b, "nginx"));
	++*(int *)ctx;
}

static void
an_unknown_one_is_empty(void **state)
{
	int calls = 0;

	bundle_by_id(*state, 7, count_empty, &calls);
	bundle_by_name(*state, "a.example", count_empty, &calls);
	assert_int_equal(calls, 2);
}

#define OVER(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		OVER(everything_of_one_and_nothing_of_others),
		OVER(an_unknown_one_is_empty)
	};

	return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
