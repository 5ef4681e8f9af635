/* The JSON of certificates, events, status and why, against golden files in
 * tests/unit/golden/. The inventory is the one of interface.md section 3.2,
 * read back from a store, so that every row makes its whole way. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/json.h"
#include "daemon/view.h"
#include "daemon/why.h"
#include "tests/unit/stubs/fixture.h"

static struct store *store;

static void
committed(void *ctx, const struct err *err)
{
	(void)ctx;
	assert_null(err);
}

static int
open_store(void **state)
{
	struct batch *b = batch_new();

	(void)state;
	store = store_open_memory();
	fixture_fill(b, true);
	store_commit(store, b, committed, NULL);
	return 0;
}

static int
close_store(void **state)
{
	(void)state;
	store_close(store);
	return 0;
}

static void
take_bundle(void *ctx, struct bundle *b, const struct err *err)
{
	assert_null(err);
	assert_non_null(b->cert);
	*(struct bundle **)ctx = bundle_take(b);
}

static struct bundle *
bundle(const char *name)
{
	struct bundle *b = NULL;

	bundle_by_name(store, name, take_bundle, &b);
	assert_non_null(b);
	return b;
}

static void
take_rows(void *ctx, struct rows *a, int n, const struct err *err)
{
	assert_null(err);
	assert_int_equal(n, 1);
	*(struct rows *)ctx = a[0];
	a[0].v = NULL;
	a[0].n = 0;
}

static struct rows
all(enum table t)
{
	struct query q = { .table = t };
	struct rows rows = { t, 0, NULL };

	store_read(store, &q, 1, take_rows, &rows);
	return rows;
}

/* Compares with the golden file; where it differs the new text is shown. */
static void
same_as_golden(const char *file, const char *text)
{
	char path[4096], golden[32768];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/unit/golden/%s",
	    getenv("TOP_SRCDIR"), file);
	f = fopen(path, "r");
	n = f == NULL ? 0 : fread(golden, 1, sizeof(golden) - 1, f);
	if (f != NULL)
		fclose(f);
	golden[n] = '\0';
	if (strcmp(golden, text) != 0)
		fprintf(stderr, "--- %s is now:\n%s", file, text);
	assert_string_equal(golden, text);
}

static void
golden(const char *file, json_t *j)
{
	char *s = json_dumps(j, JSON_INDENT(1) | JSON_ENCODE_ANY);
	size_t n = strlen(s);

	s = xrealloc(s, n + 2);
	s[n] = '\n';
	s[n + 1] = '\0';
	same_as_golden(file, s);
	free(s);
	json_decref(j);
}

static void
certificates(void **state)
{
	struct bundle *b;

	(void)state;
	b = bundle("shop.example");
	golden("cert-shop.json", view_cert(b, fixture_conf(), FIXTURE_NOW,
	    true));
	bundle_free(b);
	b = bundle("new.example");
	golden("cert-new.json", view_cert(b, fixture_conf(), FIXTURE_NOW,
	    true));
	bundle_free(b);
	b = bundle("blog.example");
	golden("list-blog.json", view_cert(b, fixture_conf(), FIXTURE_NOW,
	    false));
	bundle_free(b);
}

static void
why(void **state)
{
	static const char *const names[] = {
		"blog.example", "old.example", "shop.example", "new.example",
		"mail.shop.example"
	};
	struct rows cas;
	struct bundle *b;
	char file[100];
	size_t i;

	(void)state;
	cas = all(T_CA);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "why-%s.json", names[i]);
		b = bundle(names[i]);
		golden(file, why_json(b, ROWS_AT(&cas, row_ca, 0),
		    FIXTURE_NOW));
		bundle_free(b);
	}
	rows_free(&cas);
}

static bool
has_text(const json_t *list, const char *member, const char *text)
{
	const json_t *one;
	const char *s;
	size_t i;

	json_array_foreach(list, i, one) {
		s = member != NULL ? json_get(one, member) :
		    json_string_value(one);
		if (s != NULL && strcmp(s, text) == 0)
			return true;
	}
	return false;
}

static char *
text(const char *s)	/* rows hold char * */
{
	return (char *)(uintptr_t)s;
}

/* What looks found: over port 80, the bad first; a standing record that ends;
 * one that is missing, with what to publish. */
static void
why_with_findings(void **state)
{
	struct row_cert c = { .id = 1, .name = text("x.example"),
		.state = text("served"),
		.iss_error = text("{\"code\":\"connection\"}") };
	struct row_finding f[] = {
		{ 1, text(""), text("machine"), text("192.0.2.1"),
		    text("good"), text(""), 1 },
		{ 1, text("a.example"), text("address"), text("192.0.2.1"),
		    text("good"), text(""), 1 },
		{ 1, text("a.example"), text("http"), text("192.0.2.1"),
		    text("good"), text(""), 1 },
		{ 1, text("b.example"), text("address"), text("192.0.2.1"),
		    text("good"), text(""), 1 },
		{ 1, text("b.example"), text("http"), text("192.0.2.8"),
		    text("connection"), text("no answer"), 1 },
		{ 1, text("b.example"), text("http"), text("192.0.2.9"),
		    text("connection"), text("no answer"), 1 },
		{ 1, text("e.example"), text("address"), text("192.0.2.9"),
		    text("dns-elsewhere"), text(""), 1 },
		{ 1, text("e.example"), text("http"), text("192.0.2.9"),
		    text("connection"), text("no answer"), 1 },
		{ 1, text("c.example"), text("standing"), text("_c"),
		    text("dns-record"), text("ca; accounturi=u; persistUntil="
		    "99999999999"), 1 },
		{ 1, text("d.example"), text("standing"), text("_d"),
		    text("dns-record"), text("ca; accounturi=u"), 1 }
	};
	struct bundle b = { .cert = &c, .findings = { T_FINDING,
	    sizeof(f) / sizeof(f[0]), f } };
	json_t *j = why_json(&b, NULL, FIXTURE_NOW), *lines, *todo;

	(void)state;
	lines = json_object_get(j, "lines");
	todo = json_object_get(j, "do");
	assert_string_equal(json_get(j, "verdict"), "x.example is served.");
	assert_string_equal(json_get(json_array_get(lines, 2), "text"),
	    "b.example is 192.0.2.8, 192.0.2.9: no answer");
	assert_string_equal(json_get(json_array_get(lines, 2), "label"),
	    "we see");
	assert_true(has_text(lines, "text",
	    "a.example is 192.0.2.1: our answer arrives there"));
	assert_true(has_text(lines, "text", "e.example is 192.0.2.9; this "
	    "machine is 192.0.2.1"));
	assert_true(has_text(lines, "text",
	    "_d: no TXT record there lets our account in"));
	assert_true(has_text(todo, NULL,
	    "publish for good: _d. TXT \"ca; accounturi=u\""));
	assert_true(has_text(todo, NULL,
	    "publish it with a later persistUntil, or without"));
	json_decref(j);
}

/* Every state has a verdict, also for a row with nothing else in it. */
static void
why_of_an_empty_row(void **state)
{
	struct row_cert c = { .id = 1, .installed = -1 };
	struct bundle b = { .cert = &c };
	char name[] = "x.example", word[16];
	json_t *j;
	int i;

	(void)state;
	c.name = name;
	c.state = word;
	for (i = 0; i < VIEW_STATES; i++) {
		snprintf(word, sizeof(word), "%s", view_states[i]);
		j = why_json(&b, NULL, FIXTURE_NOW);
		assert_non_null(json_get(j, "verdict"));
		assert_int_equal(strncmp(json_get(j, "verdict"), name,
		    strlen(name)), 0);
		json_decref(j);
	}
}

static void
events(void **state)
{
	struct rows rows;
	json_t *list = json_array();
	size_t i;

	(void)state;
	rows = all(T_EVENT);
	for (i = 0; i < rows.n; i++)
		json_array_append_new(list,
		    view_event(ROWS_AT(&rows, row_event, i)));
	golden("events.json", list);
	rows_free(&rows);
}

static void
errors_there_and_back(void **state)
{
	struct strv saw = { NULL, 0 }, back;
	struct err e, again;
	char *s;

	(void)state;
	err_set(&e, ERR_CHECK_FAILED, "nginx -t failed: \"x\"");
	err_advise(&e, "Mend it.");
	e.retry_at_ms = FIXTURE_NOW;
	strv_add(&saw, "nginx\tline one");
	s = view_error_json(&e, &saw);
	assert_true(view_error_parse(&again, &back, s));
	assert_memory_equal(&e, &again, sizeof(e));
	assert_int_equal(back.n, 1);
	assert_string_equal(back.v[0], "nginx\tline one");
	strv_free(&back);
	strv_free(&saw);
	free(s);
	err_clear(&e);
	s = view_error_json(&e, NULL);
	assert_string_equal(s, "");
	free(s);
	assert_false(view_error_parse(&e, NULL, ""));
	assert_false(view_error_parse(&e, NULL, "{}"));
	assert_false(view_error_parse(&e, NULL, "{\"code\":"));
	assert_true(view_error_parse(&e, NULL, "{\"code\":\"of-2031\"}"));
	assert_int_equal(e.code, ERR_INTERNAL);
}

static void
days(void **state)
{
	static const struct { int64_t ms, days; } t[] = {
		{ 0, 0 }, { CONF_DAY / 2, 1 }, { CONF_DAY / 2 - 1, 0 },
		{ 29 * CONF_DAY - 1, 29 }, { -CONF_DAY / 2, 0 },
		{ -CONF_DAY / 2 - 1, -1 }, { -3 * CONF_DAY, -3 }
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_true(view_days(FIXTURE_NOW + t[i].ms, FIXTURE_NOW) ==
		    t[i].days);
}

/* Names of its members, in their order. Takes j. */
static char *
keys_of(json_t *j)
{
	struct buf b;
	const char *key;
	json_t *v;

	buf_init(&b, 4096);
	json_object_foreach(j, key, v)
		buf_printf(&b, "%s ", key);
	json_decref(j);
	return buf_take(&b);
}

/* What is not so is null: no member comes and goes. */
static void
status_members(void **state)
{
	static const char *const quiet[] = { "trouble", "trouble_since",
		"notice", "security", "replacing", "next", "least", "mode",
		"busy", "busy_since" };
	const struct rows none = { T_CERT, 0, NULL };
	struct conf conf = { .state_dir = NULL };
	struct view_status s = { .host = "web1", .version = "1", .conf = &conf,
		.now_ms = FIXTURE_NOW, .attention = &none, .failing = &none,
		.stuck = &none, .cas = &none, .due = &none };
	struct err err;
	char *before, *after;
	json_t *j = view_status(&s);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
		assert_true(json_is_null(json_object_get(j, quiet[i])));
	before = keys_of(j);
	err_set(&err, ERR_DISK, "no space left");
	s.trouble = s.notice = &err;
	s.trouble_ms = FIXTURE_NOW;
	s.security = "mode: one-user";
	j = view_status(&s);
	assert_string_equal(json_get(json_object_get(j, "trouble"), "code"),
	    "disk");
	assert_int_equal(json_get_time(j, "trouble_since"), FIXTURE_NOW);
	assert_true(json_is_object(json_object_get(j, "notice")));
	assert_int_equal(json_array_size(json_object_get(j, "security")), 1);
	after = keys_of(j);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* What a person has to do first comes at no time. */
static void
a_blocked_one_is_not_next(void **state)
{
	const struct rows none = { T_CERT, 0, NULL };
	struct row_cert c = { .name = (char[]){ "shop.example" },
		.iss_state = (char[]){ "blocked" }, .renew_at_ms = 1000 };
	const struct rows due = { T_CERT, 1, &c };
	struct conf conf = { .state_dir = NULL };
	struct view_status s = { .host = "web1", .version = "1", .conf = &conf,
		.now_ms = FIXTURE_NOW, .attention = &none, .failing = &none,
		.stuck = &none, .cas = &none, .due = &due };
	json_t *j = view_status(&s);

	(void)state;
	assert_true(json_is_null(json_object_get(j, "next")));
	json_decref(j);
	c.iss_state = (char[]){ "due" };
	j = view_status(&s);
	assert_string_equal(json_get(json_object_get(j, "next"), "name"),
	    "shop.example");
	json_decref(j);
}

/* Bytes that are no UTF-8 (a hook's output, an old row) don't lose a key. */
static void
bad_bytes(void **state)
{
	json_t *j = json_text("caf\xe9");

	(void)state;
	assert_string_equal(json_string_value(j), "caf\\xe9");
	json_decref(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates), cmocka_unit_test(why),
		cmocka_unit_test(why_with_findings),
		cmocka_unit_test(why_of_an_empty_row),
		cmocka_unit_test(events),
		cmocka_unit_test(errors_there_and_back),
		cmocka_unit_test(days), cmocka_unit_test(status_members),
		cmocka_unit_test(a_blocked_one_is_not_next),
		cmocka_unit_test(bad_bytes)
	};

	return cmocka_run_group_tests_name("view", tests, open_store,
	    close_store);
}
