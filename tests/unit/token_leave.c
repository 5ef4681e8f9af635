/* An engine that lies to everleaf-token: what an operator has allowed for the
 * account at one CA is nothing for another key. The token's own code, whose
 * keys are here some that a process can have. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/token.h"
#include "daemon/keeper_key.h"

#define TEXT(s) ((char[]){ s })
#define SHOWN "pkcs11:object=k"
#define PRODUCTION "https://ca.example"
#define STAGING "https://staging.example"

enum { ACCOUNT = 0xacc };

/* In the place of token_open.c: a key like any other, at whatever URI. */
EVP_PKEY *
token_open(const char *uri, OSSL_LIB_CTX **lib, const char **properties,
    struct err *err)
{
	const struct key_type *t = key_type_find("ecdsa-p256", err);

	(void)uri;
	*lib = NULL;
	*properties = NULL;
	return t != NULL ? key_generate(t, err) : NULL;
}

void
token_close(void)
{
}

static int
learn(void **unused)
{
	struct w_token keys[] = {
		{ TEXT("production"), TEXT(PRODUCTION), TEXT(SHOWN),
		    { NULL, 0 } },
		{ TEXT("other"), TEXT(PRODUCTION), TEXT(SHOWN "2"),
		    { NULL, 0 } },
		{ TEXT("staging"), TEXT(STAGING), TEXT(SHOWN), { NULL, 0 } }
	};
	struct err err;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		keys[i].uri = (struct blob){ (uint8_t *)keys[i].shown,
			strlen(keys[i].shown) };
		if (token_learn(NULL, &keys[i], NULL, &err) != 0)
			return -1;
	}
	return 0;
}

static int
forget(void **unused)
{
	(void)unused;
	token_forget_all();
	return 0;
}

static void
arm(char *ca, char *origin)
{
	struct w_arm w = { .what = ARM_DEACTIVATE, .object = ACCOUNT,
		.seconds = 60, .origin = origin, .ca = ca };
	struct err err;

	assert_int_equal(keeper_arm(NULL, &w, NULL, &err), 0);
}

/* The end of an account, as the engine asks for it: its number, the key that
 * should sign, and its address are the engine's to say. */
static enum err_code
give_up(uint64_t account, const char *ca, const char *shown, char *kid)
{
	char *ref = wire_token_ref(ca, shown), none[] = "";
	struct w_jws q = { .account = account,
		.sealed = { (uint8_t *)ref, strlen(ref) },
		.what = JWS_DEACTIVATE_ACCOUNT, .url = kid,
		.nonce = TEXT("bm9uY2U"), .kid = kid, .profile = none,
		.replaces = none, .not_before = none, .not_after = none,
		.eab = none, .eab_kid = none };
	struct w_jws_done a = { { NULL, 0 } };
	struct err err;

	err_clear(&err);
	if (token_jws(NULL, &q, &a, &err) == 0)
		blob_free(&a.jws);
	free(ref);
	return err.code;
}

static void
staging_is_not_production(void **unused)
{
	char *kid = TEXT(PRODUCTION "/acct/1");
	char *own = TEXT(STAGING "/acct/1");

	(void)unused;
	assert_int_equal(give_up(ACCOUNT, "staging", SHOWN, own),
	    ERR_NEEDS_OPERATOR);
	arm(TEXT("staging"), TEXT(STAGING));
	assert_int_equal(give_up(ACCOUNT, "production", SHOWN, kid),
	    ERR_NEEDS_OPERATOR);
	assert_int_equal(give_up(ACCOUNT, "other", SHOWN "2", kid),
	    ERR_NEEDS_OPERATOR);
	/* Nor is the leave gone by that. */
	assert_int_equal(give_up(ACCOUNT, "staging", SHOWN, own), ERR_OK);
}

/* Two keys at one CA: the operator has named one block of the two. */
static void
one_of_two_at_a_ca(void **unused)
{
	char *kid = TEXT(PRODUCTION "/acct/1");

	(void)unused;
	arm(TEXT("other"), TEXT(PRODUCTION));
	assert_int_equal(give_up(ACCOUNT, "production", SHOWN, kid),
	    ERR_NEEDS_OPERATOR);
	assert_int_equal(give_up(ACCOUNT + 1, "other", SHOWN "2", kid),
	    ERR_NEEDS_OPERATOR);
	assert_int_equal(give_up(ACCOUNT, "other", SHOWN "2", kid), ERR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(staging_is_not_production),
		cmocka_unit_test(one_of_two_at_a_ca)
	};

	return cmocka_run_group_tests_name("token_leave", tests, learn,
	    forget);
}
