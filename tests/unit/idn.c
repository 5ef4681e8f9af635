/* Internationalised names: both ways, and what is not shown. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/idn.h"

static void
e2_names_as_written(void **state)
{
	static const struct {
		const char *in, *out;
		enum name_kind kind;
	} good[] = {
		{ "bücher.example", "xn--bcher-kva.example", NAME_DNS },
		{ "BÜCHER.Example.", "xn--bcher-kva.example", NAME_DNS },
		{ "bu\xcc\x88" "cher.example", "xn--bcher-kva.example",
		    NAME_DNS },
		{ "*.bücher.example", "*.xn--bcher-kva.example",
		    NAME_WILDCARD },
		{ "www.straße.example", "www.xn--strae-oqa.example",
		    NAME_DNS },
		{ "例え。テスト", "xn--r8jz45g.xn--zckzah", NAME_DNS },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example",
		    NAME_DNS },
		{ "XN--BCHER-KVA.example", "xn--bcher-kva.example",
		    NAME_DNS },
		{ "www.shop.example", "www.shop.example", NAME_DNS },
		{ "2001:DB8::1", "2001:db8::1", NAME_IP },
		{ "*.shop.example", "*.shop.example", NAME_WILDCARD }
	};
	static const char *const bad[] = {
		"xn--.example", "xn--a.example", "xn--bcher-kvb\x7f.example",
		"bü cher.example", "bü_cher.example", "bü..example",
		"*.*.bücher.example", "x*.bücher.example", "-bü.example",
		"\xff\xfe.example", "b\xc3.example",
		/* wide: 192.0.2.1, *.shop.example, a slash, a dot */
		"１９２.０.２.１", "＊.shop.example", "a／b.example",
		"bü\xe2\x80\xae.example", "☃\xe2\x80\x8d.example", "bü"
	};
	enum name_kind kind;
	char out[256];
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (idn_parse(out, &kind, good[i].in, &err) != 0)
			fail_msg("%s: %s", good[i].in, err.text);
		assert_string_equal(out, good[i].out);
		assert_int_equal(kind, good[i].kind);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&err);
		if (idn_parse(out, &kind, bad[i], &err) != -1)
			fail_msg("\"%s\" passed as %s", bad[i], out);
		assert_int_equal(err.class, ERR_USAGE);
	}
}

static void
e2_too_long(void **state)
{
	char in[2000], out[256];
	enum name_kind kind;
	struct err err;
	size_t i;

	(void)state;
	in[0] = '\0';
	for (i = 0; i < 40; i++)
		strncat(in, "bücher.", sizeof(in) - strlen(in) - 1);
	strncat(in, "example", sizeof(in) - strlen(in) - 1);
	assert_int_equal(idn_parse(out, &kind, in, &err), -1);
	for (i = 0; i < 100; i++)
		strncat(in, ".bücher", sizeof(in) - strlen(in) - 1);
	assert_int_equal(idn_parse(out, &kind, in, &err), -1);
}

static void
for_peoples_eyes(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "xn--bcher-kva.example", "bücher.example" },
		{ "*.xn--bcher-kva.example", "*.bücher.example" },
		{ "xn--r8jz45g.xn--zckzah", "例え.テスト" },
		{ "xn--e1afmkfd.xn--p1ai", "пример.рф" },
		{ "www.shop.example", "www.shop.example" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "2001:db8::1", "2001:db8::1" },
		/* Cyrillic all through that reads "apple" */
		{ "xn--80ak6aa92e.example", "xn--80ak6aa92e.example" },
		{ "xn--80a1aib.example", "xn--80a1aib.example" },
		/* "pаypal" with one Cyrillic letter */
		{ "xn--pypal-4ve.example", "xn--pypal-4ve.example" },
		/* a snowman; none at all; not canonical */
		{ "xn--n3h.example", "xn--n3h.example" },
		{ "xn--.example", "xn--.example" },
		{ "xn--abc-.example", "xn--abc-.example" },
		/* one label that may be shown beside one that may not */
		{ "xn--bcher-kva.xn--n3h.example",
		    "xn--bcher-kva.xn--n3h.example" }
	};
	char out[IDN_DISPLAY];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		name_display(out, t[i].in);
		assert_string_equal(out, t[i].out);
	}
}

#define N(name, f) { name, f, NULL, NULL, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		N("E2 names as they are written", e2_names_as_written),
		N("E2 too long", e2_too_long),
		cmocka_unit_test(for_peoples_eyes)
	};

	return cmocka_run_group_tests_name("idn", tests, NULL, NULL);
}
