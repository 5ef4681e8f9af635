/* What is told to hooks and heard from them. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "daemon/deploy.h"

enum { MANY = 3000, HOSTER = 412, CUSTOMERS = 600 };

/* Standard input is about what is in place, which after a put-back is not the
 * newest version. */
static void
input(void **state)
{
	struct row_version v[2] = {
		{ .version = 1, .names = row_const("a.example\nb.example"),
		    .sha256 = row_const("11"), .not_after_ms = 1000 },
		{ .version = 2, .names = row_const("a.example"),
		    .sha256 = row_const("22"), .not_after_ms = 2000 }
	};
	struct row_cert c = { .id = 5, .name = row_const("a.example"),
		.newest = 2 };
	struct bundle b = { .cert = &c, .versions = { T_VERSION, 2, v } };
	struct deploy_use u = { &b, 1 };
	struct blob text = deploy_input(&u, 1, "web", RUN_ROLLBACK, "/s");
	json_t *j = json_loadb((const char *)text.p, text.len, 0, NULL);
	const char *event, *service, *name, *dir, *sha, *first;
	int version, names;

	(void)state;
	assert_non_null(j);
	assert_int_equal(json_unpack(j, "{s:s, s:s, s:[{s:s, s:s, s:s, s:i, "
	    "s:[s, s]}]}", "event", &event, "service", &service,
	    "certificates", "name", &name, "dir", &dir, "sha256", &sha,
	    "version", &version, "names", &first, &first), 0);
	names = (int)json_array_size(json_object_get(json_array_get(
	    json_object_get(j, "certificates"), 0), "names"));
	assert_string_equal(event, "rollback");
	assert_string_equal(service, "web");
	assert_string_equal(dir, "/s/live/a.example");
	assert_string_equal(sha, "11");
	assert_int_equal(version, 1);
	assert_int_equal(names, 2);
	json_decref(j);
	blob_free(&text);
}

/* How many are listed, and whether that is said to be all. */
static size_t
listed(size_t n, const char *names, bool *truncated, size_t *with_names)
{
	struct row_version v = { .version = 1, .names = row_const(names),
		.sha256 = row_const("0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef") };
	struct row_cert c = { .id = 5,
		.name = row_const("www.customer-4711.example") };
	struct bundle b = { .cert = &c, .versions = { T_VERSION, 1, &v } };
	struct deploy_use *u = calloc(n, sizeof(*u));
	struct blob text;
	json_t *j, *list;
	size_t i;

	for (i = 0; i < n; i++)
		u[i] = (struct deploy_use){ &b, 1 };
	text = deploy_input(u, n, "web", RUN_DEPLOY, "/var/lib/everleaf");
	assert_true(text.len <= RUN_INPUT_MAX);
	j = json_loadb((const char *)text.p, text.len, 0, NULL);
	assert_non_null(j);
	*truncated = json_is_true(json_object_get(j, "truncated"));
	list = json_object_get(j, "certificates");
	*with_names = json_array_size(json_object_get(json_array_get(list, 0),
	    "names"));
	n = json_array_size(list);
	json_decref(j);
	blob_free(&text);
	free(u);
	return n;
}

/* All of a hoster's round, and beyond that as much as can be told; never less
 * than there is without a word. */
static void
input_is_whole_or_says_so(void **state)
{
	bool truncated;
	size_t names;

	(void)state;
	assert_int_equal(listed(HOSTER, "customer-4711.example\n"
	    "www.customer-4711.example", &truncated, &names), HOSTER);
	assert_false(truncated);
	assert_int_equal(names, 2);
	assert_int_equal(listed(CUSTOMERS, "customer-4711.example\n"
	    "www.customer-4711.example\nmail.customer-4711.example",
	    &truncated, &names), CUSTOMERS);
	assert_true(truncated);
	assert_int_equal(names, 0);
	assert_int_equal(listed(MANY, "a.example", &truncated, &names), 0);
	assert_true(truncated);
}

static void
input_of_many(void **state)
{
	struct row_cert c = { .id = 5, .name = row_const("a.example") };
	struct bundle b = { .cert = &c };
	struct deploy_use *u = calloc(MANY, sizeof(*u));
	struct blob text;
	json_t *j;
	size_t i;

	(void)state;
	for (i = 0; i < MANY; i++)
		u[i].b = &b;
	text = deploy_input(u, MANY, "web", RUN_DEPLOY, "/s");
	j = json_loadb((const char *)text.p, text.len, 0, NULL);
	assert_non_null(j);
	assert_int_equal(json_integer_value(json_object_get(j, "count")),
	    MANY);
	assert_string_equal(json_string_value(json_object_get(j, "service")),
	    "web");
	assert_int_equal(json_array_size(json_object_get(j, "certificates")),
	    0);
	json_decref(j);
	blob_free(&text);
	free(u);
}

static void
ends(void **state)
{
	static const struct {
		enum ran_how how;
		unsigned code;
		const char *output, *what, *text;
	} t[] = {
		{ RAN_EXITED, 1, "hello\nnginx: [emerg] no in /a/b.conf:12\n",
		    "check \"nginx -t\" failed", "check \"nginx -t\" failed: "
		    "nginx: [emerg] no in /a/b.conf:12" },
		{ RAN_EXITED, 7, "", "check \"nginx -t\" failed (exit status "
		    "7)", "check \"nginx -t\" failed (exit status 7)" },
		{ RAN_SIGNALLED, 11, "\n\nx\ny", "check \"nginx -t\" ended by "
		    "signal 11", "check \"nginx -t\" ended by signal 11: x" },
		{ RAN_TIMEOUT, 0, "", "check \"nginx -t\" did not end in time "
		    "and was killed", "check \"nginx -t\" did not end in time "
		    "and was killed" },
		{ RAN_REFUSED, 0, "", "check \"nginx -t\" was not run",
		    "check \"nginx -t\" was not run: why" }
	};
	struct conf_service s = { .title = row_const("web") };
	struct deploy_end end;
	struct w_ran r;
	size_t i;

	(void)state;
	strv_add(&s.check, "nginx");
	strv_add(&s.check, "-t");
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&r, 0, sizeof(r));
		r.how = (uint8_t)t[i].how;
		r.code = t[i].code;
		r.why = r.code_name = row_const("why");
		r.output = blob_copy(t[i].output, strlen(t[i].output));
		assert_int_equal(deploy_outcome(&r, &s, true, &end),
		    ROUND_BAD);
		assert_string_equal(end.what, t[i].what);
		assert_string_equal(end.err.text, t[i].text);
		blob_free(&r.output);
	}
	r.how = RAN_EXITED;
	r.code = 0;
	assert_int_equal(deploy_outcome(&r, &s, true, &end), ROUND_GOOD);
	strv_free(&s.check);
}

/* 75 is no failure: it passes by itself. A signal of that number is one. */
static void
later(void **state)
{
	struct conf_service s = { .title = row_const("nginx") };
	struct w_ran r = { .how = RAN_EXITED, .code = 75 };
	struct deploy_end end;

	(void)state;
	assert_int_equal(deploy_outcome(&r, &s, true, &end), ROUND_NOT_YET);
	assert_string_equal(end.err.text, "nginx's check asks to be tried "
	    "later (exit 75)");
	assert_int_equal(end.err.class, ERR_LATER);
	r.output = blob_copy("busy\n", 5);
	assert_int_equal(deploy_outcome(&r, &s, false, &end), ROUND_NOT_YET);
	assert_string_equal(end.err.text, "nginx's reload asks to be tried "
	    "later (exit 75): busy");
	blob_free(&r.output);
	r.how = RAN_SIGNALLED;
	assert_int_equal(deploy_outcome(&r, &s, true, &end), ROUND_BAD);
}

static void
long_program(void **state)
{
	struct conf_service s = { .title = row_const("web") };
	struct w_ran r = { .how = RAN_EXITED, .code = 1 };
	struct deploy_end end;
	int i;

	(void)state;
	for (i = 0; i < 200; i++)
		strv_add(&s.reload, "argument");
	assert_int_equal(deploy_outcome(&r, &s, false, &end), ROUND_BAD);
	assert_int_equal(end.err.code, ERR_RELOAD_FAILED);
	assert_non_null(strstr(end.what, "\" failed"));
	strv_free(&s.reload);
}

static void
places(void **state)
{
	static const struct { const char *evidence, *place; } t[] = {
		{ "nginx: [emerg] unknown directive \"x\" in /etc/nginx/a.conf"
		    ":12", "/etc/nginx/a.conf:12" },
		{ "/etc/haproxy.cfg:3: no (see /x:4)",
		    "/etc/haproxy.cfg:3" },
		{ "error (/a/b:4)", "/a/b:4" }, { "no /a/b here", "" },
		{ "", "" }, { "12:3 :4 /:", "" }, { "\"/a b:1\"", "" }
	};
	char out[160];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		deploy_place(out, t[i].evidence);
		assert_string_equal(out, t[i].place);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input), cmocka_unit_test(input_of_many),
		cmocka_unit_test(input_is_whole_or_says_so),
		cmocka_unit_test(ends), cmocka_unit_test(later),
		cmocka_unit_test(long_program), cmocka_unit_test(places)
	};

	return cmocka_run_group_tests_name("deploy", tests, NULL, NULL);
}
