/* Redirects of http-01: followed as a CA follows them, and no further. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/redirect.h"

#define FROM "http://shop.example/.well-known/acme-challenge/token?x=1"

static void
is_followed_to_names_on_80_and_443(void **state)
{
	static const struct { const char *location, *url, *host; } rows[] = {
		{ "https://shop.example/a", "https://shop.example/a",
		    "shop.example" },
		{ "HTTP://WWW.Shop.Example:80/a",
		    "HTTP://WWW.Shop.Example:80/a",
		    "www.shop.example" },
		{ "https://b.example:443", "https://b.example:443",
		    "b.example" },
		{ "//b.example/x", "http://b.example/x", "b.example" },
		{ "/x?y", "http://shop.example/x?y", "shop.example" },
		{ "x", "http://shop.example/.well-known/acme-challenge/x",
		    "shop.example" },
		{ "?y",
		    "http://shop.example/.well-known/acme-challenge/token?y",
		    "shop.example" }
	};
	char host[256];
	struct err err;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&b, REDIRECT_URL_MAX);
		assert_true(redirect_next(&b, host, FROM, rows[i].location,
		    &err));
		assert_string_equal(b.data, rows[i].url);
		assert_string_equal(host, rows[i].host);
		buf_free(&b);
	}
}

static void
is_followed_nowhere_else(void **state)
{
	static const struct { const char *location, *words; } rows[] = {
		{ "http://shop.example:8080/", "port 8080" },
		{ "https://127.0.0.1/", "no name" },
		{ "http://[::1]/", "no name" },
		{ "http://user@shop.example/", "no name" },
		{ "http://", "no name" },
		{ "ftp://shop.example/", "neither http nor https" },
		{ "javascript:alert(1)", "neither http nor https" }
	};
	char host[256], longest[3000];
	struct err err;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&b, REDIRECT_URL_MAX);
		assert_false(redirect_next(&b, host, FROM, rows[i].location,
		    &err));
		assert_int_equal(err.code, ERR_CHALLENGE_WRONG);
		assert_non_null(strstr(err.text, rows[i].words));
		buf_free(&b);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	buf_init(&b, REDIRECT_URL_MAX);
	assert_false(redirect_next(&b, host, FROM, longest, &err));
	assert_non_null(strstr(err.text, "too long"));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_followed_to_names_on_80_and_443),
		cmocka_unit_test(is_followed_nowhere_else)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
