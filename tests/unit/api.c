/* The API through its socket: every route, and every kind of refusal. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "daemon/json.h"
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
		asker_in_child();
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

/* Who asks after a reload is answered by the engine that follows. */
static void
after_reload(void)
{
	struct answer a = ask_ok("POST", "/v1/reload?yes=1", "", 200);
	int status;
	pid_t pid;

	assert_non_null(strstr(a.head, "Connection: close"));
	done(&a);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		asker_in_child();
		a = ask("POST", "/v1/reload?dry=1", "");
		_exit(a.status == 422 ? 0 : 97);
	}
	usleep(300 * 1000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	follow(&(struct server_how){ .group = "", .bad_config = true });
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
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
	after_reload();
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
		cmocka_unit_test(operators), cmocka_unit_test(configuration)
	};

	return cmocka_run_group_tests_name("api", tests, asker_setup,
	    asker_teardown);
}
