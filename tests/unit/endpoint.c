/* Endpoints as people write them. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "hooks/endpoint.h"

static void
good(void **state)
{
	static const struct {
		const char *text, *protocol, *address;
		unsigned int port;
	} t[] = {
		{ ":443", "tls", "", 443 },
		{ "smtp://:587", "smtp", "", 587 },
		{ "smtps://:465", "tls", "", 465 },
		{ "https://shop.example:8443", "tls", "shop.example", 8443 },
		{ "10.0.0.11:443", "tls", "10.0.0.11", 443 },
		{ "[2001:DB8:0::1]:443", "tls", "2001:db8::1", 443 },
		{ "public:443", "tls", "public", 443 },
		{ "Web1:1", "tls", "web1", 1 },
		{ "localhost:65535", "tls", "localhost", 65535 },
		{ "postgres://db.example:5432", "postgres", "db.example",
		    5432 }
	};
	struct endpoint e;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(endpoint_parse(&e, t[i].text, &err), 0);
		assert_string_equal(e.protocol, t[i].protocol);
		assert_string_equal(e.address, t[i].address);
		assert_int_equal(e.port, t[i].port);
	}
}

static void
bad(void **state)
{
	static const struct {
		const char *text, *why, *cure;
	} t[] = {
		{ "*:443", "where to connect?",
		    "\":443\" means this machine." },
		{ "0.0.0.0:25", "where to connect?",
		    "\":25\" means this machine." },
		{ "[::]:443", "where to connect?",
		    "\":443\" means this machine." },
		{ "[0::0]:443", "where to connect?",
		    "\":443\" means this machine." },
		{ "443", "where to connect?",
		    "\":443\" means this machine." },
		{ "", "no port, 1 to 65535, at the end", "" },
		{ ":", "no port, 1 to 65535, at the end", "" },
		{ ":0", "no port, 1 to 65535, at the end", "" },
		{ ":65536", "no port, 1 to 65535, at the end", "" },
		{ ":443x", "no port, 1 to 65535, at the end", "" },
		{ ":-1", "no port, 1 to 65535, at the end", "" },
		{ "shop.example", "no port, 1 to 65535, at the end",
		    "Write \"shop.example:443\"." },
		{ "https://shop.example/x:443/", "an endpoint has no path: "
		    "[PROTOCOL://][ADDRESS]:PORT", "" },
		{ "2001:db8::1:443", "an IPv6 address goes into brackets",
		    "Write \"[2001:db8::1]:443\"." },
		{ "[10.0.0.1]:443", "brackets are for IPv6 addresses", "" },
		{ "[fe80::1%eth0]:443", "neither an address nor a host name "
		    "before the port", "" },
		{ "10.0.0:443", "neither an address nor a host name before "
		    "the port", "" },
		{ "a b:443", "neither an address nor a host name before the "
		    "port", "" },
		{ "user@host:443", "neither an address nor a host name "
		    "before the port", "" },
		{ "-rf.example:443", "neither an address nor a host name "
		    "before the port", "" },
		{ "smpt://:25", "unknown protocol", "You want \"smtp\"." },
		{ "gopher://:70", "unknown protocol", "It is tls, smtp, imap, "
		    "pop3, ldap, ftp, postgres, mysql, xmpp or sieve." },
		{ "http://:80", "http has no certificate",
		    "You want \"https\"." }
	};
	char want[300], big[600];
	struct endpoint e;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		err_clear(&err);
		assert_int_equal(endpoint_parse(&e, t[i].text, &err), -1);
		snprintf(want, sizeof(want), "\"%s\": %s", t[i].text,
		    t[i].why);
		assert_string_equal(err.text, want);
		assert_string_equal(err.advice, t[i].cure);
	}
	memset(big, 'a', sizeof(big));
	memcpy(big + 590, ":443", 5);
	assert_int_equal(endpoint_parse(&e, big, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(bad)
	};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
