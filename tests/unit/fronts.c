/* Which server answered, and what to add to it. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/fronts.h"

#define FIELDS "Date: today\r\nserver:  "

static void
assert_words(const char *reply, const char *begin, const char *end)
{
	struct buf b;

	buf_init(&b, 2000);
	front_words(&b, "shop.example", 404, reply);
	assert_memory_equal(b.data, begin, strlen(begin));
	assert_true(b.len > strlen(end));
	assert_string_equal(b.data + b.len - strlen(end), end);
	buf_free(&b);
}

static void
known_servers_are_named(void **state)
{
	(void)state;
	assert_words("HTTP/1.1 404 Not Found\r\n" FIELDS "nginx/1.22.1\r\n\r\n",
	    "nginx answered 404 for http://shop.example/.well-known/",
	    "snippets/nginx.conf;");
	assert_words("HTTP/1.1 404 Not Found\r\nServer: Apache\r\n\r\n",
	    "Apache answered 404 for", "snippets/apache.conf");
	assert_words("HTTP/1.1 404 x\r\nServer:lighttpd/1.4.69\r\n\r\n",
	    "lighttpd answered 404 for", "snippets/lighttpd.conf\"");
}

static void
others_are_not_repeated(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 404 x\r\nServer: <script>\r\n\r\n",
		"HTTP/1.1 404 x\r\n\r\n", "", "HTTP/1.1 404 x\r\n",
		"HTTP/1.1 404 x\r\nX: y\r\n\r\nServer: nginx\r\n\r\n",
		"HTTP/1.1 404 x\r\nServer: my nginx\r\n\r\n"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		assert_words(replies[i], "the server there answered 404",
		    "{nginx,apache,haproxy,lighttpd}.conf");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_servers_are_named),
		cmocka_unit_test(others_are_not_repeated)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
