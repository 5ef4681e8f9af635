/* The API through its socket: every route, every kind of refusal, and what
 * security.md K10 asks of it. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <jansson.h>
#include "base/mem.h"
#include "daemon/json.h"
#include "daemon/log.h"
#include "tests/unit/stubs/asker.h"

enum { MANY = 3000 };

/* --- reading -------------------------------------------------------------- */

static void
status(void **state)
{
	struct answer a = ask_ok("GET", "/v1/status", NULL, 200);
	const json_t *states = json_object_get(a.body, "states");
	const json_t *next = json_object_get(a.body, "next");
	const json_t *cas = json_object_get(a.body, "cas");
	const json_t *problems = json_object_get(json_object_get(a.body,
	    "config"), "problems");

	(void)state;
	assert_int_equal(json_get_int(a.body, "total"), 5);
	assert_int_equal(json_get_int(states, "served"), 2);
	assert_int_equal(json_get_int(states, "dormant"), 0);
	assert_int_equal(json_object_size(states), 10);
	assert_int_equal(json_get_int(a.body, "attention_total"), 2);
	assert_int_equal(count(&a, "attention"), 2);
	/* The oldest trouble comes first. */
	assert_string_equal(json_get(json_array_get(json_object_get(a.body,
	    "attention"), 0), "name"), "old.example");
	assert_int_equal(count(&a, "causes"), 2);
	assert_string_equal(json_get(next, "name"), "old.example");
	assert_string_equal(json_get(next, "what"), "retry");
	assert_string_equal(json_get(json_object_get(a.body, "next_renewal"),
	    "name"), "blog.example");
	assert_string_equal(json_get(json_object_get(a.body, "least"),
	    "name"), "old.example");
	assert_string_equal(json_get(json_array_get(cas, 0), "state"), "down");
	assert_int_equal(json_get_int(json_array_get(problems, 0), "kept"), 2);
	assert_string_equal(json_get(a.body, "mode"), "separate-users");
	assert_string_equal(json_get(a.body, "now"), "2026-11-21T12:45:00Z");
	done(&a);
	a = ask_ok("GET", "/v1/status?security=1", NULL, 200);
	assert_int_equal(count(&a, "security"), 3);
	done(&a);
}

static void
one(void **state)
{
	struct answer a;

	(void)state;
	a = ask_ok("GET", "/v1/certificates/shop.example", NULL, 200);
	assert_string_equal(json_get(a.body, "state"), "unserved");
	assert_non_null(json_object_get(a.body, "wanted"));
	/* Distances are told by the daemon's clock. */
	assert_non_null(strstr(a.head, "Date: Sat, 21 Nov 2026 12:45:00 GMT"));
	assert_non_null(strstr(a.head, "Content-Type: application/json"));
	done(&a);
	a = ask_ok("GET", "/v1/certificates/shop.example/why", NULL, 200);
	assert_non_null(json_get(a.body, "verdict"));
	done(&a);
	a = ask_ok("GET", "/v1/certificates/new.example/why", NULL, 200);
	assert_non_null(strstr(json_get(a.body, "verdict"),
	    "does not answer (since "));
	done(&a);
	refused("GET", "/v1/certificates/x.example", NULL, 404, "no-such",
	    "no certificate \"x.example\"");
	refused("GET", "/v1/certificates/x.example/why", NULL, 404, "no-such",
	    NULL);
	refused("GET", "/v1/certificates/%2e%2e", NULL, 404, "no-such", NULL);
}

static void
list_is(const char *query, const char *names)
{
	struct answer a;
	char target[400], got[1000] = "";
	const json_t *list, *c;
	size_t i, n = 0;

	snprintf(target, sizeof(target), "/v1/certificates%s", query);
	a = ask_ok("GET", target, NULL, 200);
	list = json_object_get(a.body, "certificates");
	json_array_foreach(list, i, c)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%.*s",
		    i > 0 ? " " : "", (int)strcspn(json_get(c, "name"), "."),
		    json_get(c, "name"));
	assert_string_equal(got, names);
	done(&a);
}

static void
lists(void **state)
{
	(void)state;
	list_is("", "blog mail new old shop");
	list_is("?state=served", "blog mail");
	list_is("?service=nginx", "blog new old shop");
	list_is("?service=postfix&state=served", "mail");
	list_is("?label=customer=4711", "blog");
	list_is("?label=customer=47", "");
	list_is("?ca=letsencrypt", "blog mail new old shop");
	list_is("?ca=zerossl", "");
	list_is("?expiring=20d", "old");
	list_is("?expiring=20d&state=served", "");
	list_is("?q=www.", "blog old shop");
	list_is("?q=www.shop.example", "shop");
	list_is("?q=new&service=nginx", "new");
	list_is("?q=", "blog mail new old shop");
	refused("GET", "/v1/certificates?state=dead", NULL, 400, "usage",
	    "state=dead: no state of a certificate");
	refused("GET", "/v1/certificates?label=x", NULL, 400, "usage", NULL);
	refused("GET", "/v1/certificates?expiring=7", NULL, 400, "usage",
	    "expiring=7: say the unit: 30s, 30m, 30h or 30d");
	refused("GET", "/v1/certificates?limit=0", NULL, 400, "usage",
	    "limit=0: no number from 1 to 1000");
	refused("GET", "/v1/certificates?limit=1001", NULL, 400, "usage", NULL);
	refused("GET", "/v1/certificates?after=*", NULL, 400, "usage", NULL);
	refused("GET", "/v1/certificates?full=maybe", NULL, 400, "usage", NULL);
}

static void
list_form(void **state)
{
	struct answer a;
	const json_t *c;

	(void)state;
	a = ask_ok("GET", "/v1/certificates?q=shop.example", NULL, 200);
	c = json_array_get(json_object_get(a.body, "certificates"), 0);
	assert_null(json_object_get(c, "wanted"));
	assert_null(json_object_get(c, "paths"));
	assert_null(json_object_get(json_array_get(json_object_get(c,
	    "services"), 0), "endpoints"));
	done(&a);
	a = ask_ok("GET", "/v1/certificates?q=shop.example&full=1", NULL, 200);
	c = json_array_get(json_object_get(a.body, "certificates"), 0);
	assert_non_null(json_object_get(c, "wanted"));
	done(&a);
}

/* Follows the cursors to the end; every name comes once and in order. */
static size_t
walk(const char *query, const char *limit)
{
	char target[300], last[200] = "", after[200] = "";
	struct answer a;
	const json_t *c;
	size_t i, n = 0;

	for (;;) {
		snprintf(target, sizeof(target), "/v1/certificates?limit=%s"
		    "&after=%s%s", limit, after, query);
		a = ask_ok("GET", target, NULL, 200);
		json_array_foreach(json_object_get(a.body, "certificates"), i,
		    c) {
			assert_true(strcmp(json_get(c, "name"), last) > 0);
			snprintf(last, sizeof(last), "%s", json_get(c, "name"));
			n++;
		}
		if (json_get(a.body, "next") == NULL)
			break;
		snprintf(after, sizeof(after), "%s", json_get(a.body, "next"));
		done(&a);
	}
	done(&a);
	return n;
}

static void
pages(void **state)
{
	const struct server_how how = { .group = "", .many = 2 * MANY };

	(void)state;
	stop();
	start(&how);
	assert_int_equal(walk("", "1000"), 5 + 2 * MANY);
	assert_int_equal(walk("&label=tier=gold", "1000"), MANY);
	assert_int_equal(walk("&q=c0000", "3"), 10);
	assert_int_equal(walk("&q=c000&label=tier=gold", "7"), 50);
	assert_int_equal(walk("&state=failing", "1"), 1);
	stop();
	start(&(struct server_how){ .group = "" });
}

static void
events(void **state)
{
	struct answer a;
	int64_t next;

	(void)state;
	a = ask_ok("GET", "/v1/events", NULL, 200);
	assert_int_equal(count(&a, "events"), 3);
	next = json_get_int(a.body, "next");
	assert_int_equal(next, json_get_int(json_array_get(json_object_get(
	    a.body, "events"), 2), "id"));
	done(&a);
	a = ask_ok("GET", "/v1/events?limit=1", NULL, 200);
	assert_int_equal(count(&a, "events"), 1);
	assert_int_equal(json_get_int(a.body, "next"), next);
	done(&a);
	a = ask_ok("GET", "/v1/events?after=0&limit=2", NULL, 200);
	assert_int_equal(count(&a, "events"), 2);
	done(&a);
	a = ask_ok("GET", "/v1/events?name=blog.example&after=0", NULL, 200);
	assert_int_equal(count(&a, "events"), 0);
	done(&a);
	a = ask_ok("GET", "/v1/events?since=2026-11-21T02:12:00Z", NULL, 200);
	assert_int_equal(count(&a, "events"), 2);
	done(&a);
	a = ask_ok("GET", "/v1/events?since=2026-11-21T02:12:30%2B00:00", NULL,
	    200);
	assert_int_equal(count(&a, "events"), 0);
	assert_int_equal(json_get_int(a.body, "next"), next);
	done(&a);
	refused("GET", "/v1/events?since=yesterday", NULL, 400, "usage", NULL);
	refused("GET", "/v1/events?wait=61", NULL, 400, "usage", NULL);
	refused("GET", "/v1/events?after=-1", NULL, 400, "usage", NULL);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
long_poll(void **state)
{
	struct answer a;
	char target[100];
	double begun = seconds();
	int64_t next;
	pid_t pid;
	int st;

	(void)state;
	a = ask_ok("GET", "/v1/events?limit=1", NULL, 200);
	next = json_get_int(a.body, "next");
	done(&a);
	/* Nothing happens: it answers when the time is up. */
	snprintf(target, sizeof(target), "/v1/events?after=%lld&wait=1",
	    (long long)next);
	a = ask_ok("GET", target, NULL, 200);
	assert_int_equal(count(&a, "events"), 0);
	assert_int_equal(json_get_int(a.body, "next"), next);
	assert_true(seconds() - begun >= 0.9);
	done(&a);
	/* Something happens: it answers at once. */
	pid = fork();
	if (pid == 0) {
		in_child = true;
		usleep(300000);
		a = ask("PUT", "/v1/certificates/poll.example", "{}");
		_exit(a.status == 201 ? 0 : 1);
	}
	begun = seconds();
	snprintf(target, sizeof(target), "/v1/events?after=%lld&wait=30"
	    "&name=poll.example", (long long)next);
	a = ask_ok("GET", target, NULL, 200);
	assert_true(count(&a, "events") >= 1);
	assert_true(seconds() - begun < 10);
	assert_string_equal(json_get(json_array_get(json_object_get(a.body,
	    "events"), 0), "event"), "wish.added");
	done(&a);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
}

static void
services(void **state)
{
	struct answer a = ask_ok("GET", "/v1/services", NULL, 200);

	(void)state;
	assert_int_equal(count(&a, "services"), 3);
	done(&a);
	a = ask_ok("GET", "/v1/services/nginx", NULL, 200);
	assert_int_equal(json_get_int(a.body, "certificates"), 4);
	assert_int_equal(json_get_int(a.body, "timeout_seconds"), 120);
	assert_int_equal(count(&a, "reload"), 3);
	done(&a);
	a = ask_ok("POST", "/v1/services/nginx/deploy", "", 202);
	done(&a);
	a = ask_ok("POST", "/v1/services/nginx/deploy?dry=1", "", 200);
	assert_true(json_get_true(a.body, "dry"));
	done(&a);
	refused("GET", "/v1/services/ngnix", NULL, 404, "no-such", NULL);
	refused("POST", "/v1/services/ngnix/deploy", "", 404, "no-such", NULL);
}

/* --- changing ------------------------------------------------------------- */

static void
put(void **state)
{
	static const char wish[] = "{\"names\": [\"A.example\", "
	    "\"b.example\"], \"labels\": {\"customer\": \"7\"}}";
	struct answer a;

	(void)state;
	a = ask_ok("PUT", "/v1/certificates/a.example?dry=1", wish, 200);
	assert_string_equal(json_get(a.body, "result"), "created");
	assert_true(json_is_null(json_object_get(a.body, "trial")));
	done(&a);
	a = ask_ok("PUT", "/v1/certificates/a.example?trial=1", wish, 202);
	assert_true(json_get_true(a.body, "dry"));
	assert_string_equal(json_get(json_object_get(a.body, "trial"), "at"),
	    "letsencrypt-staging");
	done(&a);
	a = ask_ok("PUT", "/v1/certificates/none.example?trial=1", wish, 200);
	assert_true(json_is_null(json_object_get(json_object_get(a.body,
	    "trial"), "at")));
	done(&a);
	refused("PUT", "/v1/certificates/busy.example?trial=1", wish, 429,
	    "own-limit", NULL);
	refused("GET", "/v1/certificates/a.example", NULL, 404, "no-such",
	    NULL);
	a = ask_ok("PUT", "/v1/certificates/a.example", wish, 201);
	assert_true(json_get_true(a.body, "changed"));
	assert_string_equal(json_get(json_object_get(a.body, "source"),
	    "where"), geteuid() == 0 ? "uid:0" : json_get(json_object_get(
	    a.body, "source"), "where"));
	assert_string_equal(json_get(json_object_get(a.body, "labels"),
	    "customer"), "7");
	assert_string_equal(json_string_value(json_array_get(json_object_get(
	    json_object_get(a.body, "wanted"), "names"), 0)), "a.example");
	done(&a);
	a = ask_ok("PUT", "/v1/certificates/a.example", wish, 200);
	assert_false(json_get_true(a.body, "changed"));
	done(&a);
	a = ask_ok("PATCH", "/v1/certificates/a.example",
	    "{\"services\": [\"nginx\"]}", 200);
	assert_true(json_get_true(a.body, "changed"));
	assert_int_equal(json_array_size(json_object_get(json_object_get(
	    a.body, "wanted"), "names")), 2);
	done(&a);
	/* Without names the title is the name. */
	a = ask_ok("PUT", "/v1/certificates/t.example", "", 201);
	assert_string_equal(json_string_value(json_array_get(json_object_get(
	    json_object_get(a.body, "wanted"), "names"), 0)), "t.example");
	done(&a);
}

static void
put_refused(void **state)
{
	static const char cert[] = "/v1/certificates/r.example";

	(void)state;
	refused("PUT", cert, "{\"names\": \"x\"}", 422, "invalid",
	    "\"names\": \"x\" is no list");
	refused("PUT", cert, "{\"domains\": []}", 422, "invalid",
	    "no such key \"domains\" in a wish");
	refused("PUT", cert, "{\"names\": [\"a_b\"]}", 422, "invalid", NULL);
	refused("PUT", cert, "{\"ca\": \"x\"}", 422, "invalid",
	    "certificate \"r.example\": ca \"x\" is neither a block here nor a "
	    "preset");
	refused("PUT", cert, "{\"ca\": \"x\"", 400, "usage", NULL);
	refused("PUT", cert, "{\"ca\":\"a\",\"ca\":\"b\"}", 400, "usage", NULL);
	refused("PUT", cert, "[1]", 400, "usage", "the body is no JSON object");
	refused("PUT", "/v1/certificates/-rf", "{}", 422, "invalid", NULL);
	refused("PUT", "/v1/certificates/a%20b", "{}", 422, "invalid", NULL);
	refused("PUT", "/v1/certificates/..%2f..%2fetc", "{}", 422, "invalid",
	    NULL);
	refused("PUT", "/v1/certificates/shop.example",
	    "{\"names\": [\"shop.example\"]}", 409, "set-in-file",
	    "shop.example is set in /etc/everleaf/everleaf.conf:4");
	refused("PATCH", "/v1/certificates/shop.example", "{\"ca\": null}",
	    409, "set-in-file", NULL);
	refused("PATCH", "/v1/certificates/x.example", "{}", 404, "no-such",
	    NULL);
	refused("DELETE", "/v1/certificates/shop.example", NULL, 409,
	    "set-in-file", NULL);
	refused("DELETE", "/v1/certificates/x.example", NULL, 404, "no-such",
	    NULL);
}

/* What only the keeper's operator may have done is told apart from nonsense. */
static void
operators(void **state)
{
	static const char revoke[] = "/v1/certificates/shop.example/revoke";
	struct answer a = ask_ok("POST", "/v1/certificates/shop.example/revoke"
	    "?dry=1", "{\"reason\": \"superseded\"}", 200);

	(void)state;
	assert_int_equal(strlen(json_get(a.body, "id")), 16);
	assert_true(count(&a, "lines") >= 1);
	done(&a);
	a = ask_ok("POST", revoke, "{\"reason\": \"key-compromise\"}", 202);
	assert_string_equal(json_get(a.body, "name"), "shop.example");
	assert_true(json_is_array(json_object_get(a.body, "revocations")));
	done(&a);
	refused("POST", revoke, "{\"at_once\": true}", 409, "needs-operator",
	    NULL);
	refused("POST", revoke, "{\"reason\": \"whim\"}", 422, "invalid",
	    "\"whim\" is no reason for a revocation");
	refused("POST", revoke, "{\"at_once\": 1}", 422, "invalid", NULL);
	refused("POST", revoke, "{\"force\": true}", 422, "invalid", NULL);
	refused("POST", "/v1/certificates/x.example/revoke", "", 404,
	    "no-such", NULL);
	refused("POST", "/v1/cas/letsencrypt/rollover", "", 409,
	    "needs-operator", NULL);
	refused("POST", "/v1/cas/letsencrypt/deactivate", "", 409,
	    "needs-operator", NULL);
	refused("POST", "/v1/cas/letsencrypt/export", "", 409,
	    "needs-operator", NULL);
	refused("POST", "/v1/cas/nope/export", "", 404, "no-such", NULL);
	refused("POST", "/v1/cas/letsencrypt/rollover", "{\"x\": 1}", 422,
	    "invalid", NULL);
	refused("POST", "/v1/cas/nope/rollover", "", 404, "no-such", NULL);
	refused("POST", "/v1/cas/letsencrypt/import", "{\"id\": \"12\"}", 422,
	    "invalid", NULL);
	refused("POST", "/v1/cas/letsencrypt/import", "{\"id\": "
	    "\"ffffffffffffffff\", \"sealed\": \"AA\", \"public\": "
	    "\"AA\"}", 422, "invalid", NULL);
	a = ask_ok("POST", "/v1/cas/letsencrypt/import", "{\"id\": "
	    "\"0000000000001234\", \"sealed\": \"AA\", \"public\": "
	    "\"AA\"}", 200);
	done(&a);
}

static void
one_ca(void **state)
{
	struct answer a = ask_ok("GET", "/v1/cas/letsencrypt", NULL, 200);
	const json_t *why = json_object_get(a.body, "not_ready");
	const json_t *limit = json_array_get(json_object_get(a.body, "limits"),
	    0);

	(void)state;
	assert_true(json_is_false(json_object_get(a.body, "ready")));
	assert_string_equal(json_get(why, "code"), "ca-down");
	assert_string_equal(json_get(why, "retry_at"), "2026-11-21T12:49:00Z");
	assert_string_equal(json_get(limit, "limit"), "exact-set");
	assert_int_equal(json_get_int(limit, "allowed"), 5);
	assert_int_equal(json_get_int(limit, "days"), 7);
	/* What is a week old, and what another CA issued, does not count. */
	assert_int_equal(json_get_int(limit, "most_used"), 4);
	assert_int_equal(json_get_int(limit, "at_limit"), 1);
	assert_string_equal(json_get(limit, "retry_at"),
	    "2026-11-22T12:00:00Z");
	done(&a);
	a = ask_ok("GET", "/v1/cas", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(json_array_get(
	    json_object_get(a.body, "cas"), 0), "limits")), 1);
	done(&a);
	refused("GET", "/v1/cas/nope", NULL, 404, "no-such", "no ca \"nope\"");
}

static void
ca_is_tried(void **state)
{
	struct answer a = ask_ok("POST", "/v1/cas/letsencrypt/test", "", 200);

	(void)state;
	assert_string_equal(json_get(a.body, "ca"), "letsencrypt");
	assert_true(json_get_true(a.body, "good"));
	assert_int_equal(count(&a, "lines"), 1);
	done(&a);
	refused("POST", "/v1/cas/nope/test", "", 404, "no-such", NULL);
	refused("GET", "/v1/cas/letsencrypt/test", NULL, 405, "usage", NULL);
	stop();
	start(&(struct server_how){ .group = "", .bad_config = true });
	a = ask_ok("POST", "/v1/cas/letsencrypt/test", "", 200);
	assert_false(json_get_true(a.body, "good"));
	assert_int_equal(count(&a, "lines"), 2);
	done(&a);
	stop();
	start(&(struct server_how){ .group = "", .refuse = true });
	a = ask("POST", "/v1/cas/letsencrypt/test", "");
	assert_true(a.status >= 400);
	done(&a);
	stop();
	start(&(struct server_how){ .group = "" });
}

/* The n-th line of what a renewal would do. */
static void
costs(const char *name, const char *body, size_t n, const char *words)
{
	struct answer a;
	char target[200];
	const char *line;

	snprintf(target, sizeof(target), "/v1/certificates/%s/renew?dry=1",
	    name);
	a = ask_ok("POST", target, body, 200);
	line = json_string_value(json_array_get(json_object_get(a.body,
	    "lines"), n));
	assert_non_null(line);
	assert_string_equal(line, words);
	done(&a);
}

static void
what_it_costs(void **state)
{
	(void)state;
	costs("shop.example", "", 2, "it would be number 2 of 5 that "
	    "letsencrypt allows for exactly these names in 7 days");
	costs("old.example", "", 1, "it would be number 1 of 5 that "
	    "letsencrypt allows for exactly these names in 7 days");
	costs("blog.example", "", 2, "it would be number 5 of 5 that "
	    "letsencrypt allows for exactly these names in 7 days");
	costs("blog.example", "", 3, "before 2026-11-22T12:00:00Z it would be "
	    "refused, unless with --force");
	costs("blog.example", "{\"force\": true}", 3, "it takes what is kept "
	    "in reserve until 2026-11-22T12:00:00Z");
}

static void
acts(void **state)
{
	struct answer a;

	(void)state;
	a = ask_ok("POST", "/v1/certificates/shop.example/renew",
	    "{\"new_key\": true, \"force\": false}", 202);
	assert_string_equal(json_get(a.body, "name"), "shop.example");
	done(&a);
	a = ask_ok("POST", "/v1/certificates/blog.example/renew", "", 429);
	assert_string_equal(json_get(json_object_get(a.body, "error"),
	    "retry_at"), "2026-11-22T12:45:00Z");
	assert_non_null(strstr(a.head, "Retry-After: 86400"));
	done(&a);
	a = ask_ok("POST", "/v1/certificates/blog.example/renew?dry=1", "",
	    200);
	assert_int_equal(count(&a, "lines"), 4);
	done(&a);
	a = ask_ok("POST", "/v1/certificates/blog.example/renew?dry=1",
	    "{\"force\": true}", 200);
	assert_int_equal(count(&a, "lines"), 4);
	done(&a);
	a = ask_ok("POST", "/v1/certificates/blog.example/renew?trial=1", "",
	    202);
	assert_int_equal(count(&a, "lines"), 4);
	done(&a);
	refused("POST", "/v1/certificates/blog.example/renew",
	    "{\"froce\": true}", 422, "invalid", "no such option \"froce\"");
	refused("POST", "/v1/certificates/blog.example/renew",
	    "{\"force\": 1}", 422, "invalid",
	    "\"force\" is neither true nor false");
	refused("POST", "/v1/certificates/x.example/renew", "", 404, "no-such",
	    NULL);
	refused("POST", "/v1/certificates/shop.example/deploy",
	    "{\"force\": true}", 422, "invalid", "no such option \"force\"");
	a = ask_ok("POST", "/v1/certificates/shop.example/deploy", "", 202);
	done(&a);
	a = ask_ok("POST", "/v1/certificates/old.example/test", "", 200);
	assert_false(json_get_true(a.body, "good"));
	assert_int_equal(count(&a, "lines"), 1);
	done(&a);
	refused("POST", "/v1/certificates/x.example/test", "", 404, "no-such",
	    NULL);
	a = ask_ok("DELETE", "/v1/certificates/mail.shop.example?dry=1", NULL,
	    200);
	assert_int_equal(count(&a, "lines"), 2);
	done(&a);
	a = ask_ok("DELETE", "/v1/certificates/mail.shop.example", NULL, 200);
	assert_string_equal(json_get(a.body, "state"), "retired");
	done(&a);
	a = ask_ok("DELETE", "/v1/certificates/mail.shop.example?purge=1",
	    NULL, 200);
	assert_true(json_get_true(a.body, "purged"));
	done(&a);
	refused("GET", "/v1/certificates/mail.shop.example", NULL, 404,
	    "no-such", NULL);
	a = ask_ok("PUT", "/v1/certificates/slow.example", "{}", 201);
	done(&a);
	/* Its files are not gone yet when patience is. */
	a = ask_ok("DELETE", "/v1/certificates/slow.example?purge=1", NULL,
	    202);
	assert_false(json_get_true(a.body, "purged"));
	done(&a);
}

static void
configuration(void **state)
{
	struct answer a = ask_ok("GET", "/v1/config", NULL, 200);
	size_t n = strlen(json_get(a.body, "text"));

	(void)state;
	assert_non_null(strstr(json_get(a.body, "text"), "agree-tos "));
	done(&a);
	a = ask_ok("GET", "/v1/config?all=1", NULL, 200);
	assert_true(strlen(json_get(a.body, "text")) > n);
	done(&a);
	a = ask_ok("POST", "/v1/reload?dry=1", "", 200);
	assert_int_equal(count(&a, "lines"), 1);
	done(&a);
	a = ask_ok("POST", "/v1/reload?yes=1", "", 200);
	done(&a);
	stop();
	start(&(struct server_how){ .group = "", .bad_config = true });
	refused("POST", "/v1/reload", "", 422, "config-bad", NULL);
	stop();
	start(&(struct server_how){ .group = "", .refuse = true });
	refused("PUT", "/v1/certificates/n.example", "{}", 500, "store",
	    "the disk is full");
	refused("POST", "/v1/certificates/shop.example/deploy", "", 500,
	    "store", NULL);
	stop();
	start(&(struct server_how){ .group = "" });
}

/* --- what is no request of ours ------------------------------------------- */

static void
no_such_route(void **state)
{
	struct answer a;

	(void)state;
	refused("GET", "/v1/", NULL, 400, "usage", NULL);
	refused("GET", "/", NULL, 400, "usage", NULL);
	refused("GET", "/v2/status", NULL, 404, "no-such", NULL);
	refused("GET", "/v1/status/x", NULL, 404, "no-such", NULL);
	refused("GET", "/v1/certificates/a/b/c/d/e/f/g", NULL, 400, "usage",
	    NULL);
	refused("GET", "/v1/status?x=1", NULL, 400, "usage",
	    "no such parameter \"x\" here");
	refused("GET", "/v1/status?security=1&security=0", NULL, 400, "usage",
	    "the parameter \"security\" is given twice");
	refused("GET", "/v1/certificates/a%00b", NULL, 400, "usage", NULL);
	refused("GET", "/v1/certificates?q=%0a", NULL, 400, "usage", NULL);
	refused("GET", "/v1/certificates?q=%ff", NULL, 400, "usage", NULL);
	refused("GET", "/v1/certificates?q=%f", NULL, 400, "usage", NULL);
	a = ask_ok("PUT", "/v1/status", "{}", 405);
	assert_non_null(strstr(a.head, "Allow: GET\r\n"));
	done(&a);
	a = ask_ok("POST", "/v1/certificates/shop.example", "{}", 405);
	assert_non_null(strstr(a.head, "Allow: GET, PUT, PATCH, DELETE\r\n"));
	done(&a);
}

static int
dial(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", asker_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    (ssize_t)strlen(text));
}

/* First line of what comes back within some seconds; "" for a closed end. */
static void
hear(int fd, char *line, size_t size, int wait_s)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = 0;

	line[0] = '\0';
	if (poll(&p, 1, wait_s * 1000) != 1)
		fail_msg("no answer within %d s", wait_s);
	n = recv(fd, line, size - 1, 0);
	line[n > 0 ? strcspn(line, "\r") : 0] = '\0';
}

static void
k10_length_of_a_gigabyte(void **state)
{
	char line[4096] = "";
	int fd = dial();

	(void)state;
	say(fd, "PUT /v1/certificates/a.example HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 1073741824\r\n\r\n{\"names\":");
	hear(fd, line, sizeof(line), 5);
	assert_memory_equal(line, "HTTP/1.1 413 ", 13);
	close(fd);
}

/* A body that announces no length and does not end is cut off. */
static void
k10_endless_chunks(void **state)
{
	static char chunk[16 * 1024 + 16];
	int fd = dial(), i, n;

	(void)state;
	say(fd, "PUT /v1/certificates/a.example HTTP/1.1\r\nHost: x\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	n = snprintf(chunk, sizeof(chunk), "4000\r\n");
	memset(chunk + n, ' ', 0x4000);
	memcpy(chunk + n + 0x4000, "\r\n", 2);
	for (i = 0; i < 4096; i++)
		if (send(fd, chunk, (size_t)n + 0x4002, MSG_NOSIGNAL) < 0)
			break;
	assert_true(i < 4096);
	close(fd);
}

/* A chunked body past the cap that does end is told so. */
static void
k10_body_past_the_cap(void **state)
{
	static char chunk[300 * 1024 + 1];
	char line[4096];
	int fd = dial();

	(void)state;
	memset(chunk, ' ', sizeof(chunk) - 1);
	say(fd, "PUT /v1/certificates/a.example HTTP/1.1\r\nHost: x\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n4b000\r\n");
	say(fd, chunk);
	say(fd, "\r\n0\r\n\r\n");
	hear(fd, line, sizeof(line), 5);
	assert_memory_equal(line, "HTTP/1.1 413 ", 13);
	close(fd);
}

static void
k10_half_requests(void **state)
{
	static const char *const halves[] = {
		"", "G", "GET /v1/status HTTP/1.1\r\nHo",
		"PUT /v1/certificates/h.example HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 10\r\n\r\n{\"na",
		"PUT /v1/certificates/h.example HTTP/1.1\r\nHost: x\r\n"
		"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"n"
	};
	struct answer a;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		fd = dial();
		if (*halves[i] != '\0')
			say(fd, halves[i]);
		close(fd);
	}
	a = ask_ok("GET", "/v1/status", NULL, 200);
	done(&a);
	refused("GET", "/v1/certificates/h.example", NULL, 404, "no-such",
	    NULL);
}

static void
not_http(void **state)
{
	static const char hello[] =
	    "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n";
	char line[4096];
	int fd = dial();

	(void)state;
	assert_int_equal(send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL),
	    (ssize_t)sizeof(hello) - 1);
	hear(fd, line, sizeof(line), 5);
	assert_true(line[0] == '\0' || strstr(line, " 400 ") != NULL ||
	    strstr(line, " 505 ") != NULL);
	close(fd);
}

/* More connections than there is room for: those that say nothing are closed
 * after a while, and then everybody is served. */
static void
k10_200_connections(void **state)
{
	enum { N = 200 };
	struct answer a;
	double begun;
	int fds[N], i;

	(void)state;
	for (i = 0; i < N; i++)
		fds[i] = dial();
	begun = seconds();
	a = ask_ok("GET", "/v1/status", NULL, 200);
	done(&a);
	assert_true(seconds() - begun < 30);
	for (i = 0; i < N; i++)
		close(fds[i]);
	a = ask_ok("GET", "/v1/status", NULL, 200);
	done(&a);
}

/* Status of a request by somebody else. */
static int
ask_as(uid_t uid, gid_t gid, gid_t extra)
{
	struct answer a;
	int st;
	pid_t pid = fork();

	if (pid == 0) {
		in_child = true;
		if (setgroups(1, &extra) != 0 || setgid(gid) != 0 ||
		    setuid(uid) != 0)
			_exit(99);
		a = ask("GET", "/v1/status", NULL);
		_exit(a.status == 200 ? 20 : a.status == 403 ? 43 : 1);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFEXITED(st));
	return WEXITSTATUS(st);
}

static void
k10_wrong_uid(void **state)
{
	struct group *g = getgrnam("games");

	(void)state;
	if (geteuid() != 0 || g == NULL)
		skip();
	assert_int_equal(ask_as(12345, 12345, 12345), 43);
	/* The group does not count unless it is the one that is configured. */
	assert_int_equal(ask_as(12345, g->gr_gid, 12345), 43);
	stop();
	start(&(struct server_how){ .group = "games" });
	assert_int_equal(ask_as(12345, 12345, 12345), 43);
	assert_int_equal(ask_as(12345, g->gr_gid, 12345), 20);
	assert_int_equal(ask_as(12345, 12345, g->gr_gid), 20);
	stop();
	start(&(struct server_how){ .group = "" });
}

/* The daemon ends while one waits for events and one for an act. */
static void
ends_while_they_wait(void **state)
{
	static const char *const waits[] = {
		"GET /v1/events?after=3&wait=60 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /v1/certificates/shop.example/deploy HTTP/1.1\r\n"
		"Host: x\r\nContent-Length: 0\r\n\r\n"
	};
	static const char *const answers[] = {
		"HTTP/1.1 200 OK", "HTTP/1.1 503 Service Unavailable"
	};
	char line[8192];
	int fds[2], i;

	(void)state;
	stop();
	start(&(struct server_how){ .group = "", .never_answer = true });
	for (i = 0; i < 2; i++) {
		fds[i] = dial();
		say(fds[i], waits[i]);
	}
	usleep(300000);
	stop();
	for (i = 0; i < 2; i++) {
		hear(fds[i], line, sizeof(line), 5);
		assert_string_equal(line, answers[i]);
		close(fds[i]);
	}
	start(&(struct server_how){ .group = "" });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status), cmocka_unit_test(one),
		cmocka_unit_test(lists), cmocka_unit_test(list_form),
		cmocka_unit_test(pages), cmocka_unit_test(events),
		cmocka_unit_test(long_poll), cmocka_unit_test(services),
		cmocka_unit_test(put), cmocka_unit_test(put_refused),
		cmocka_unit_test(acts), cmocka_unit_test(what_it_costs),
		cmocka_unit_test(one_ca), cmocka_unit_test(ca_is_tried),
		cmocka_unit_test(operators), cmocka_unit_test(configuration),
		cmocka_unit_test(no_such_route),
		cmocka_unit_test(k10_length_of_a_gigabyte),
		cmocka_unit_test(k10_endless_chunks),
		cmocka_unit_test(k10_body_past_the_cap),
		cmocka_unit_test(k10_half_requests),
		cmocka_unit_test(not_http),
		cmocka_unit_test(k10_200_connections),
		cmocka_unit_test(k10_wrong_uid),
		cmocka_unit_test(ends_while_they_wait)
	};

	return cmocka_run_group_tests_name("api", tests, asker_setup,
	    asker_teardown);
}
