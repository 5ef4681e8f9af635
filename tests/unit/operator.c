/* Requests of an operator: their one form, and what does not have it. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/operator_io.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
a_request_comes_back(void **state)
{
	struct operator_request t[] = {
		{ .kind = OPERATOR_ARM, .what = ARM_REVOKE,
		    .object = 0x0123456789abcdef, .version = 7,
		    .seconds = 600, .digest = { 1, [31] = 2 } },
		{ .kind = OPERATOR_ARM, .what = ARM_DEACTIVATE, .object = 1,
		    .seconds = 1, .ca = "staging" },
		{ .kind = OPERATOR_ARM, .what = ARM_EXPORT, .object = 1,
		    .seconds = 300, .ca =
		    "abcdefghijklmnopqrstuvwxyz123456" },
		{ .kind = OPERATOR_DISARM, .what = ARM_KEY_CHANGE,
		    .object = UINT64_MAX },
		{ .kind = OPERATOR_IMPORT, .object = 5, .ca =
		    "abcdefghijklmnopqrstuvwxyz123456" },
		{ .kind = OPERATOR_IMPORT, .object = 5, .version = 1 },
		{ .kind = OPERATOR_FILES }
	}, r;
	uint8_t p[OPERATOR_REQUEST];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		operator_write(p, &t[i]);
		assert_true(operator_read(&r, p, sizeof(p)));
		assert_int_equal(r.kind, t[i].kind);
		assert_int_equal(r.what, t[i].what);
		assert_true(r.object == t[i].object);
		assert_int_equal(r.version, t[i].version);
		assert_int_equal(r.seconds, t[i].seconds);
		assert_memory_equal(r.digest, t[i].digest, sizeof(r.digest));
		assert_string_equal(r.ca, t[i].ca);
		assert_false(operator_read(&r, p, sizeof(p) - 1));
	}
}

/* Each byte of a good request, made wrong, is refused or means another. */
static void
one_byte_makes_another_request(void **state)
{
	struct operator_request good = { .kind = OPERATOR_ARM,
		.what = ARM_REVOKE, .object = 3, .version = 7,
		.seconds = 600 }, r;
	uint8_t p[OPERATOR_REQUEST], q[OPERATOR_REQUEST];
	size_t i;

	(void)state;
	operator_write(p, &good);
	for (i = 0; i < sizeof(p); i++) {
		memcpy(q, p, sizeof(q));
		q[i] ^= 0x40;
		if (operator_read(&r, q, sizeof(q)))
			assert_true(r.object != 3 || r.version != 7 ||
			    r.seconds != 600 || r.digest[i % 32] != 0);
		/* What is not used has no other value. */
		if (i < 5 || i == 7 || (i >= 24 && i < 32))
			assert_false(operator_read(&r, q, sizeof(q)));
	}
}

/* Leave for an account says at which CA it is, and nothing else does. */
static void
an_account_has_its_ca(void **state)
{
	struct operator_request account = { .kind = OPERATOR_ARM,
		.what = ARM_KEY_CHANGE, .object = 1, .seconds = 300,
		.ca = "a" }, disarm = { .kind = OPERATOR_DISARM,
		.what = ARM_KEY_CHANGE, .object = 1 }, r;
	uint8_t p[OPERATOR_REQUEST];

	(void)state;
	operator_write(p, &account);
	assert_true(operator_read(&r, p, sizeof(p)));
	p[32] = 0;
	assert_false(operator_read(&r, p, sizeof(p)));
	p[32] = '/';
	assert_false(operator_read(&r, p, sizeof(p)));
	operator_write(p, &disarm);
	p[32] = 'a';
	assert_false(operator_read(&r, p, sizeof(p)));
	assert_false(operator_name_ca(&disarm,
	    "abcdefghijklmnopqrstuvwxyz1234567"));
	assert_true(operator_name_ca(&disarm,
	    "abcdefghijklmnopqrstuvwxyz123456"));
}

static void
an_answer_comes_back(void **state)
{
	uint8_t p[OPERATOR_ANSWER];
	struct err err, got;
	char big[600];

	(void)state;
	err_clear(&err);
	operator_answer_write(p, &err);
	assert_true(operator_answer_read(&got, p, sizeof(p)));
	assert_int_equal(got.code, ERR_OK);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&err, ERR_NEEDS_OPERATOR, "%s", big);
	err_advise(&err, "do");
	operator_answer_write(p, &err);
	assert_true(operator_answer_read(&got, p, sizeof(p)));
	assert_int_equal(got.code, ERR_NEEDS_OPERATOR);
	assert_int_equal(strlen(got.text), 255);
	assert_string_equal(got.advice, "do");
	p[OPERATOR_ANSWER - 1] = 'x';
	assert_false(operator_answer_read(&got, p, sizeof(p)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_comes_back),
		cmocka_unit_test(one_byte_makes_another_request),
		cmocka_unit_test(an_account_has_its_ca),
		cmocka_unit_test(an_answer_comes_back)
	};

	return cmocka_run_group_tests_name("operator", tests, NULL, NULL);
}
