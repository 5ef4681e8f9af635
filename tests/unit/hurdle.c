/* What keeps us from ordering at a CA, and what is used up of what it allows:
 * each alone, and which one a person hears of first. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/text.h"
#include "daemon/budget.h"
#include "daemon/hurdle.h"

#define S(text) ((char *)(uintptr_t)(text))
#define NOW 1795265100000LL
#define DOWN "{\"class\":\"later\",\"code\":\"ca-down\",\"text\":\"HTTP 503\"}"
#define DEAD "{\"class\":\"person\",\"code\":\"account-dead\",\"text\":\"x\"}"

/* A CA where nothing is wrong. */
static struct conf_ca conf;
static struct row_ca row;
static struct row_account account;
static struct hurdle_ca ca;

static int
fresh(void **state)
{
	(void)state;
	conf = (struct conf_ca){ .title = S("house"), .agree_tos = true,
		.eab_kid = S("") };
	row = (struct row_ca){ .name = S("house"), .state = S("reachable"),
		.error = S("") };
	account = (struct row_account){ .id = 7, .status = S("valid"),
		.kid = S("https://ca.example/a/7") };
	ca = (struct hurdle_ca){ .conf = &conf, .row = &row,
		.account = &account };
	return 0;
}

static void
first_is(enum err_code code)
{
	struct err err;

	err_clear(&err);
	assert_int_equal(hurdle_first(&ca, NOW, &err), code == ERR_OK ? 0 :
	    -1);
	assert_int_equal(err.code, code);
	assert_true(code == ERR_OK || err.text[0] != '\0');
}

static void
none(void **state)
{
	(void)state;
	first_is(ERR_OK);
	ca.row = NULL;
	ca.account = NULL;
	first_is(ERR_OK);
}

static void
terms(void **state)
{
	struct err err;

	(void)state;
	conf.agree_tos = false;
	first_is(ERR_TOS_NOT_AGREED);
	ca.terms = "https://ca.example/terms";
	assert_int_equal(hurdle(HURDLE_TERMS, &ca, NOW, &err), -1);
	assert_string_equal(err.advice, "Read https://ca.example/terms and "
	    "add: agree-tos = true");
}

/* An account that is there was bound, or needed no binding when it was made. */
static void
binding(void **state)
{
	(void)state;
	ca.eab = true;
	first_is(ERR_OK);
	account.kid = S("");
	first_is(ERR_EAB_NEEDED);
	conf.eab_kid = S("kid-1");
	first_is(ERR_OK);
	conf.eab_kid = NULL;
	ca.account = NULL;
	first_is(ERR_EAB_NEEDED);
}

static void
closed(void **state)
{
	struct err err;

	(void)state;
	row.retry_at_ms = NOW + 1000;
	row.error = S(DOWN);
	first_is(ERR_CA_DOWN);
	assert_int_equal(hurdle(HURDLE_CLOSED, &ca, NOW, &err), -1);
	assert_int_equal(err.retry_at_ms, NOW + 1000);
	row.error = S("nonsense");
	first_is(ERR_CA_DOWN);
	/* Over, or later than it can have been set. */
	row.retry_at_ms = NOW;
	first_is(ERR_OK);
	row.retry_at_ms = NOW + HURDLE_CLOSED_MAX_MS + 1;
	first_is(ERR_OK);
}

static void
which_first(void **state)
{
	(void)state;
	row.retry_at_ms = NOW + 1000;
	row.error = S(DEAD);
	row.state = S("blocked");
	conf.agree_tos = false;
	ca.eab = true;
	account.status = S("dead");
	first_is(ERR_ACCOUNT_DEAD);
	account = (struct row_account){ .id = 8, .kid = S(""),
		.status = S("new") };
	first_is(ERR_TOS_NOT_AGREED);
	conf.agree_tos = true;
	first_is(ERR_EAB_NEEDED);
	ca.eab = false;
	first_is(ERR_ACCOUNT_DEAD);	/* what it is blocked for */
	row.state = S("down");
	row.error = S(DOWN);
	first_is(ERR_CA_DOWN);
}

/* --- profiles ------------------------------------------------------------- */

static void
profiles(void **state)
{
	struct conf_policy policies[] = { { .title = S("short"), .wish =
	    { .ca = S("house"), .profile = S("shortlived") } } };
	struct conf_cert certs[] = {
		{ .title = S("a"), .wish = { .policy = S("short") } },
		{ .title = S("b"), .wish = { .ca = S("house"),
		    .profile = S("odd") } },
		{ .title = S("c"), .wish = { .ca = S("house"),
		    .profile = S("classic") } },
		{ .title = S("d"), .wish = { .ca = S("house") } },
		{ .title = S("e"), .wish = { .ca = S("other"),
		    .profile = S("strange") } }
	};
	struct conf c = { .policies = policies, .policies_n = 1,
		.certs = certs, .certs_n = 5 };
	struct strv out = { NULL, 0 };

	(void)state;
	hurdle_profiles(&out, &c, &conf, "{\"profiles\":{\"classic\":null}}");
	assert_int_equal(out.n, 2);
	assert_string_equal(out.v[0], "policy \"short\": house has no profile "
	    "\"shortlived\". It has: classic");
	assert_string_equal(out.v[1], "certificate \"b\": house has no profile "
	    "\"odd\". It has: classic");
	strv_free(&out);
	/* Never read: nobody can tell. */
	hurdle_profiles(&out, &c, &conf, "");
	assert_int_equal(out.n, 0);
}

/* --- limits --------------------------------------------------------------- */

static void
limits(void **state)
{
	enum { HOUR_MS = 3600000 };
	struct row_budget v[] = {
		{ 1, S("house"), NULL, S("exact-set"), S("k1"), NOW - 1 },
		{ 2, S("house"), NULL, S("exact-set"), S("k2"), NOW - 9 },
		{ 3, S("house"), NULL, S("exact-set"), S("k1"), NOW - 2 },
		{ 4, S("house"), NULL, S("exact-set"), S("k1"), NOW - HOUR_MS },
		{ 5, S("other"), NULL, S("exact-set"), S("k2"), NOW - 9 },
		{ 6, S("house"), NULL, S("else"), S("k2"), NOW - 9 },
		{ 7, S("house"), NULL, S("exact-set"), S("k2"), NOW - 9 },
		{ 8, S("house"), NULL, S("exact-set"), S("k2"), NOW - 9 },
		{ 9, S("house"), NULL, S("exact-set"), S("k1"), NOW - 4 },
		{ 10, S("house"), NULL, S("exact-set"), S("k1"), NOW - 5 }
	};
	struct rows rows = { T_BUDGET, sizeof(v) / sizeof(v[0]), v };
	struct budget_state b;

	(void)state;
	/* Five, of which the second oldest makes room. */
	budget_state(&b, &rows, "house");
	assert_int_equal(b.most_used, 5);
	assert_int_equal(b.at_limit, 1);
	assert_int_equal(b.free_ms, NOW - 5 + 7 * 24LL * HOUR_MS);
	budget_state(&b, &rows, "other");
	assert_int_equal(b.most_used, 1);
	assert_int_equal(b.at_limit, 0);
	assert_int_equal(b.free_ms, 0);
	rows.n = 0;
	budget_state(&b, &rows, "house");
	assert_int_equal(b.most_used, 0);
	rows.n = 2;
	v[0].kind = S("else");
	v[1].kind = S("else");
	budget_state(&b, &rows, "house");
	assert_int_equal(b.most_used, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(none, fresh),
		cmocka_unit_test_setup(terms, fresh),
		cmocka_unit_test_setup(binding, fresh),
		cmocka_unit_test_setup(closed, fresh),
		cmocka_unit_test_setup(which_first, fresh),
		cmocka_unit_test_setup(profiles, fresh),
		cmocka_unit_test(limits)
	};

	return cmocka_run_group_tests_name("hurdle", tests, NULL, NULL);
}
