/* Keys when the random generator fails: an error that says so, and nothing
 * that looks like a key. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/rand.h>
#include "daemon/keeper_key.h"

static int
no_bytes(unsigned char *to, int n)
{
	(void)to;
	(void)n;
	return 0;
}

static int
no_status(void)
{
	return 0;
}

static const RAND_METHOD dry = {
	.bytes = no_bytes, .pseudorand = no_bytes, .status = no_status
};

static void
d11_no_randomness(void **state)
{
	struct err err;
	EVP_PKEY *key;

	(void)state;
	assert_int_equal(RAND_set_rand_method(&dry), 1);
	err_clear(&err);
	assert_null(key_make("ecdsa-p256", &err));
	assert_int_equal(err.code, ERR_KEEPER);
	assert_non_null(strstr(err.text, "random generator"));
	assert_int_equal(RAND_set_rand_method(NULL), 1);
	err_clear(&err);
	key = key_make("ecdsa-p256", &err);
	assert_non_null(key);
	EVP_PKEY_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(d11_no_randomness)
	};

	return cmocka_run_group_tests_name("no_keys", tests, NULL, NULL);
}
