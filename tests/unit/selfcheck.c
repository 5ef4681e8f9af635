/* What findings say about a failure, and what a directory says about its CA. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/caps.h"
#include "daemon/selfcheck.h"
#include "daemon/selfcheck_note.h"

#define F(i, k, s, r) { .ident = (char[]){ i }, .kind = (char[]){ k }, \
	.subject = (char[]){ s }, .result = (char[]){ r } }

enum { OWN, OWN6, AT, HTTP, COUNT };

static void
failure(struct err *err, enum err_code code, const char *name)
{
	err_set(err, code, "%s: the CA could not validate it", name);
	err->retry_at_ms = 7;
}

static void
a_name_that_is_elsewhere_is_called_so(void **state)
{
	const struct row_finding f[COUNT] = {
		[OWN6] = F("", "machine", "192.0.43.10", "good"),
		[OWN] = F("", "machine", "2001:db8::10", "good"),
		[AT] = F("a.example", "address", "198.51.100.7",
		    "dns-elsewhere"),
		[HTTP] = F("a.example", "http", "198.51.100.7",
		    "challenge-wrong")
	};
	static const enum err_code codes[] = { ERR_CONNECTION,
		ERR_CHALLENGE_WRONG, ERR_DNS_FAILS };
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		failure(&err, codes[i], "a.example");
		assert_true(selfcheck_explains(&err, f, COUNT));
		assert_int_equal(err.code, ERR_DNS_ELSEWHERE);
		assert_string_equal(err.advice,
		    "Point a.example to 192.0.43.10, or drop it.");
		assert_int_equal(err.retry_at_ms, 7);
	}
}

static void
what_else_failed_keeps_its_reason(void **state)
{
	struct row_finding f[COUNT] = {
		[OWN] = F("", "machine", "192.0.43.10", "good"),
		[OWN6] = F("", "machine", "10.0.0.1", "dns-elsewhere"),
		[AT] = F("a.example", "address", "198.51.100.7",
		    "dns-elsewhere"),
		[HTTP] = F("a.example", "http", "198.51.100.7",
		    "challenge-wrong")
	};
	char good[] = "good", bad[] = "dns-elsewhere";
	struct err err;

	(void)state;
	failure(&err, ERR_CAA, "a.example");
	assert_false(selfcheck_explains(&err, f, COUNT));
	failure(&err, ERR_CONNECTION, "b.example");
	assert_false(selfcheck_explains(&err, f, COUNT));
	failure(&err, ERR_CONNECTION, "a.example.com");
	assert_false(selfcheck_explains(&err, f, COUNT));
	failure(&err, ERR_CONNECTION, "a.example");
	f[HTTP].result = good;		/* passed on by a front */
	assert_false(selfcheck_explains(&err, f, COUNT));
	f[HTTP].result = bad;
	f[AT].result = good;		/* one address is ours */
	assert_false(selfcheck_explains(&err, f, COUNT));
	f[AT].result = bad;
	f[OWN].result = bad;		/* behind NAT nobody can tell */
	assert_false(selfcheck_explains(&err, f, COUNT));
	f[OWN].result = good;
	assert_true(selfcheck_explains(&err, f, COUNT));
}

static void
a_profile_that_no_directory_lists_is_missing(void **state)
{
	static const char text[] = "{\"profiles\":{\"classic\":\"the usual\","
	    "\"short\":null},\"caa\":[\"ca.example\",1]}";
	struct strv caa = { NULL, 0 };
	char names[400];

	(void)state;
	assert_true(caps_has_profile(text, "short", names));
	assert_false(caps_has_profile(text, "shortlived", names));
	assert_string_equal(names, "classic, short");
	assert_true(caps_has_profile("", "any", names));
	assert_false(caps_has_profile("{}", "any", names));
	caps_caa(&caa, text);
	assert_int_equal(caa.n, 1);
	assert_string_equal(caa.v[0], "ca.example");
	strv_free(&caa);
}

/* Port 80 is nobody's business where nothing is proved there. */
static void
port_80_is_for_http_01(void **state)
{
	static const struct { const char *first, *second; bool is; } t[] = {
		{ "http-01", NULL, true }, { "http-01", "dns-01", true },
		{ "tls-alpn-01", "http-01", true },
		{ "tls-alpn-01", NULL, false }, { "dns-01", NULL, false },
		{ "dns-01", "http-01", false },
		{ "dns-persist-01", NULL, false }
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct conf_wish w = { .challenge = { NULL, 0 } };

		strv_add(&w.challenge, t[i].first);
		if (t[i].second != NULL)
			strv_add(&w.challenge, t[i].second);
		assert_int_equal(selfcheck_by_http(&w), t[i].is);
		strv_free(&w.challenge);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_is_elsewhere_is_called_so),
		cmocka_unit_test(what_else_failed_keeps_its_reason),
		cmocka_unit_test(port_80_is_for_http_01),
		cmocka_unit_test(a_profile_that_no_directory_lists_is_missing)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
