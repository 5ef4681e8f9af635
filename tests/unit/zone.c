/* Zones, servers and CAA, over scripted zones and without a network. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "daemon/caa.h"
#include "daemon/spread.h"
#include "daemon/zone.h"
#include "tests/sim/zones.h"

enum { STEPS_MAX = 200 };

static struct err err;
static bool no_authority;		/* a resolver that leaves it out */

static int
world(void **state)
{
	static const char *const lines[] = {
		"example SOA ns.example", "shop.example SOA ns1.shop.example",
		"shop.example NS ns1.shop.example",
		"shop.example NS ns2.shop.example",
		"ns1.shop.example A 192.0.2.1",
		"ns1.shop.example AAAA 2001:db8::1",
		"ns2.shop.example A 192.0.2.2", "ns2.shop.example A 192.0.2.1",
		"www.shop.example A 192.0.2.80",
		"alias.example CNAME www.shop.example",
		"_acme-challenge.far.example CNAME far.acme.shop.example",
		"_acme-challenge.loop.example CNAME b.loop.example",
		"b.loop.example CNAME _acme-challenge.loop.example",
		"deep.sub.shop.example TXT x",
		"up.example CNAME shop.example",
		"bare.example SOA ns.bare.example"
	};
	size_t i;

	(void)state;
	no_authority = false;
	zones_reset();
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_true(zones_add(lines[i]));
	return 0;
}

static int
no_world(void **state)
{
	(void)state;
	zones_reset();
	return 0;
}

static enum walk_next
walk(struct zone_walk *w, const char *name)
{
	enum walk_next next = WALK_ASK;
	struct dns_answer a;
	int steps = 0;

	for (zone_begin(w, name); next == WALK_ASK; steps++) {
		assert_true(steps < STEPS_MAX);
		zones_answer(&a, w->ask_name, w->ask_type, false);
		if (no_authority)
			a.has_soa = false;
		next = zone_take(w, &a, &err);
		dns_answer_free(&a);
	}
	return next;
}

static void
is_in(const char *name, const char *record, const char *zone)
{
	struct zone_walk w;

	assert_int_equal(walk(&w, name), WALK_DONE);
	assert_string_equal(w.record, record);
	assert_string_equal(w.zone, zone);
	zone_free(&w);
}

static void
zone_cuts(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		is_in("_acme-challenge.www.shop.example",
		    "_acme-challenge.www.shop.example", "shop.example");
		is_in("shop.example", "shop.example", "shop.example");
		is_in("_acme-challenge.deep.sub.shop.example",
		    "_acme-challenge.deep.sub.shop.example", "shop.example");
		is_in("_acme-challenge.far.example", "far.acme.shop.example",
		    "shop.example");
		/* Above the name there is an alias, which is not its zone. */
		is_in("_acme-challenge.up.example",
		    "_acme-challenge.up.example", "example");
		no_authority = true;
	}
}

static void
its_servers(void **state)
{
	struct zone_walk w;

	(void)state;
	assert_int_equal(walk(&w, "www.shop.example"), WALK_DONE);
	assert_int_equal(w.nservers, 3);
	assert_string_equal(w.servers[0].address, "192.0.2.1:53");
	assert_string_equal(w.servers[1].address, "[2001:db8::1]:53");
	assert_string_equal(w.servers[2].name, "ns2.shop.example");
	assert_string_equal(w.servers[2].address, "192.0.2.2:53");
	zone_free(&w);
	/* Nobody tells who serves it: no reason to fail. */
	assert_int_equal(walk(&w, "x.bare.example"), WALK_DONE);
	assert_int_equal(w.nservers, 0);
	zone_free(&w);
}

static void
cname_circles(void **state)
{
	struct zone_walk w;
	char line[100];
	int i;

	(void)state;
	assert_int_equal(walk(&w, "_acme-challenge.loop.example"),
	    WALK_FAILED);
	assert_non_null(strstr(err.text, "circle"));
	zone_free(&w);
	for (i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "c%d.example CNAME c%d.example",
		    i, i + 1);
		zones_add(line);
	}
	is_in("c4.example", "c20.example", "example");
	assert_int_equal(walk(&w, "c3.example"), WALK_FAILED);
	assert_non_null(strstr(err.text, "more than 16"));
	zone_free(&w);
}

static void
no_zone(void **state)
{
	struct zone_walk w;

	(void)state;
	assert_int_equal(walk(&w, "www.nowhere"), WALK_FAILED);
	assert_non_null(strstr(err.text, "no zone"));
	zone_free(&w);
	zones_fail("broken.example", DNS_SERVFAIL);
	assert_int_equal(walk(&w, "_acme-challenge.broken.example"),
	    WALK_FAILED);
	assert_non_null(strstr(err.text, "SERVFAIL"));
	assert_non_null(strstr(err.advice, "DNSSEC"));
	zone_free(&w);
}

/* --- spreading ------------------------------------------------------ */

static void
say(struct spread *s, size_t i, const char *value, bool replied, bool aa)
{
	struct dns_record r = { .type = DNS_TXT,
		.text = (char *)(uintptr_t)value };
	struct dns_answer a = { .replied = replied, .authoritative = aa,
		.records = &r, .n = value != NULL };

	r.len = value != NULL ? strlen(value) : 0;
	spread_take(s, i, &a);
}

static const struct zone_server two[] = {
	{ "ns1.example", "192.0.2.1:53" }, { "ns2.example", "192.0.2.2:53" }
};

static void
all_have_it(void **state)
{
	struct spread s;

	(void)state;
	spread_begin(&s, "r.example", "our", two, 2);
	say(&s, 0, "our", true, true);
	say(&s, 1, "other", true, true);
	assert_false(spread_turn(&s));
	say(&s, 0, "our", true, true);
	say(&s, 1, "our", true, true);
	assert_false(spread_turn(&s));
	say(&s, 0, "our", true, true);
	say(&s, 1, NULL, true, true);		/* behind a balancer */
	assert_false(spread_turn(&s));
	say(&s, 0, "our", true, true);
	say(&s, 1, "our", true, true);
	assert_false(spread_turn(&s));
	say(&s, 0, "our", true, true);
	say(&s, 1, "our", true, true);
	assert_true(spread_turn(&s));
	spread_free(&s);
}

static void
one_lags(void **state)
{
	struct spread s;

	(void)state;
	spread_begin(&s, "r.example", "our", two, 2);
	say(&s, 0, "our", true, true);
	say(&s, 0, "our", true, true);
	say(&s, 1, NULL, true, true);
	spread_err(&s, 600000, &err);
	assert_string_equal(err.text, "r.example TXT: ns2.example (192.0.2.2) "
	    "does not have it after 10 minutes");
	assert_int_equal(err.code, ERR_DNS_UNSEEN);
	spread_free(&s);
}

/* A dead or lame server keeps nobody; when all are, the resolver is asked. */
static void
some_are_silent(void **state)
{
	struct spread s;
	int i;

	(void)state;
	spread_begin(&s, "r.example", "our", two, 2);
	for (i = 1; i <= SPREAD_SILENT; i++) {
		say(&s, 0, "our", true, true);
		say(&s, 1, NULL, false, false);
		assert_int_equal(spread_turn(&s), i == SPREAD_SILENT);
	}
	assert_false(s.by_resolver);
	spread_free(&s);
	spread_begin(&s, "r.example", "our", two, 2);
	for (i = 1; i <= SPREAD_SILENT; i++) {
		say(&s, 0, "our", true, false);	/* lame */
		say(&s, 1, NULL, false, false);
		assert_false(spread_turn(&s));
	}
	assert_true(s.by_resolver);
	assert_int_equal(s.n, 3);
	say(&s, 2, "our", true, false);
	assert_false(spread_turn(&s));
	say(&s, 2, "our", true, false);
	assert_true(spread_turn(&s));
	spread_free(&s);
	spread_begin(&s, "r.example", "our", NULL, 0);
	assert_true(s.by_resolver && s.n == 1);
	spread_free(&s);
}

/* --- CAA ------------------------------------------------------------ */

static int
caa(const char *name, bool wildcard, const char *account, const char *method)
{
	static char first[] = "ca.example", second[] = "pki.example";
	static char *ours[] = { first, second };
	struct strv identities = { ours, 2 };
	struct caa_who who = { &identities, account, method, wildcard };
	enum walk_next next = WALK_ASK;
	struct dns_answer a;
	struct caa_walk w;
	int steps = 0, rc;

	for (caa_begin(&w, name); next == WALK_ASK; steps++) {
		assert_true(steps < STEPS_MAX);
		zones_answer(&a, w.ask_name, DNS_CAA, false);
		next = caa_take(&w, &a, &err);
		dns_answer_free(&a);
	}
	rc = next == WALK_DONE ? caa_judge(&w, &who, &err) : -2;
	caa_free(&w);
	return rc;
}

static void
caa_climbs(void **state)
{
	(void)state;
	assert_int_equal(caa("a.b.shop.example", false, NULL, NULL), 0);
	zones_add("shop.example CAA 0 issue other.example");
	assert_int_equal(caa("a.b.shop.example", false, NULL, NULL), -1);
	assert_string_equal(err.text, "CAA of shop.example lets in only "
	    "other.example, not ca.example");
	assert_string_equal(err.advice, "Add the record: shop.example. CAA 0 "
	    "issue \"ca.example\"");
	/* The nearest one counts. */
	zones_add("b.shop.example CAA 0 issue PKI.example");
	assert_int_equal(caa("a.b.shop.example", false, NULL, NULL), 0);
	assert_int_equal(caa("shop.example", false, NULL, NULL), -1);
	/* By an alias the target's own record counts, not those above it. */
	assert_int_equal(caa("up.example", false, NULL, NULL), -1);
	assert_int_equal(caa("alias.example", false, NULL, NULL), 0);
	zones_fail("dead.example", DNS_SERVFAIL);
	assert_int_equal(caa("www.dead.example", false, NULL, NULL), -2);
	assert_int_equal(err.code, ERR_CAA);
}

#define URL "https://ca.example/acct/1"

static void
caa_values(void **state)
{
	static const struct {
		const char *value, *account, *method;
		int rc;
	} rows[] = {
		{ "ca.example", NULL, NULL, 0 },
		{ " ca.example ", URL, "dns-01", 0 },
		{ "ca.example;", NULL, NULL, 0 },
		{ "ca.example; policy=ev", NULL, NULL, 0 },
		{ "ca.example; policy=ev;", NULL, NULL, -1 },
		{ "ca.example; policy", NULL, NULL, -1 },
		{ "ca.example; a=b c=d", NULL, NULL, -1 },
		{ ";", NULL, NULL, -1 },
		{ "%%%%", NULL, NULL, -1 },
		{ "ca.example x", NULL, NULL, -1 },
		{ "ca.example; accounturi=" URL, URL, NULL, 0 },
		{ "ca.example; AccountURI=" URL, URL, NULL, 0 },
		{ "ca.example; accounturi=" URL, URL "2", NULL, -1 },
		{ "ca.example; accounturi=" URL, NULL, NULL, -1 },
		{ "ca.example; accounturi=" URL "; accounturi=" URL, URL,
		    NULL, -1 },
		{ "ca.example; validationmethods=dns-01", URL, "dns-01", 0 },
		{ "ca.example; validationmethods=http-01,dns-01", URL,
		    "dns-01", 0 },
		{ "ca.example; validationmethods=http-01,dns-01", URL,
		    "dns-0", -1 },
		{ "ca.example; validationmethods=", URL, "dns-01", -1 },
		{ "ca.example; validationmethods=http-01", URL, NULL, 0 }
	};
	char line[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		zones_remove("shop.example", DNS_CAA, NULL);
		snprintf(line, sizeof(line), "shop.example CAA 0 issue %s",
		    rows[i].value);
		zones_add(line);
		if (caa("shop.example", false, rows[i].account,
		    rows[i].method) != rows[i].rc)
			fail_msg("\"%s\" is not judged %d", rows[i].value,
			    rows[i].rc);
	}
}

static void
caa_several(void **state)
{
	(void)state;
	zones_add("shop.example CAA 0 issue ca.example; accounturi=x");
	assert_int_equal(caa("shop.example", false, URL, NULL), -1);
	assert_non_null(strstr(err.text, "another account"));
	zones_add("shop.example CAA 0 issue ca.example; accounturi=" URL);
	assert_int_equal(caa("shop.example", false, URL, NULL), 0);
	/* issuewild takes issue's place, for wildcards only. */
	zones_add("shop.example CAA 0 issuewild ;");
	assert_int_equal(caa("shop.example", true, URL, NULL), -1);
	assert_non_null(strstr(err.text, "no CA at all"));
	assert_int_equal(caa("shop.example", false, URL, NULL), 0);
	zones_add("shop.example CAA 0 iodef mailto:x@shop.example");
	zones_add("shop.example CAA 0 unheard-of x");
	assert_int_equal(caa("shop.example", false, URL, NULL), 0);
	zones_add("shop.example CAA 128 unheard-of x");
	assert_int_equal(caa("shop.example", false, URL, NULL), -1);
	assert_non_null(strstr(err.text, "critical"));
	/* Records about other things than issuing forbid nothing. */
	zones_add("alias2.example CAA 0 iodef mailto:x@shop.example");
	assert_int_equal(caa("alias2.example", true, URL, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(zone_cuts, world, no_world),
		cmocka_unit_test_setup_teardown(its_servers, world, no_world),
		cmocka_unit_test_setup_teardown(cname_circles, world, no_world),
		cmocka_unit_test_setup_teardown(no_zone, world, no_world),
		cmocka_unit_test(all_have_it),
		cmocka_unit_test(one_lags),
		cmocka_unit_test(some_are_silent),
		cmocka_unit_test_setup_teardown(caa_climbs, world, no_world),
		cmocka_unit_test_setup_teardown(caa_values, world, no_world),
		cmocka_unit_test_setup_teardown(caa_several, world, no_world)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
