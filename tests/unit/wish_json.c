/* Wishes as JSON: what is taken, what is refused and how that reads. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/json.h"
#include "daemon/wish_json.h"

static int
apply(struct conf_wish *w, struct strv *labels, const char *text,
    struct err *err)
{
	json_t *j = json_read(text, strlen(text), "the body", err);
	int r = j == NULL ? -1 : wish_apply(w, labels, j, err);

	json_decref(j);
	return r;
}

static void
every_key_comes_back(void **state)
{
	static const char all[] = "{\"names\":[\"shop.example\","
	    "\"*.shop.example\"],\"policy\":\"customers\",\"ca\":\"zerossl\","
	    "\"services\":[],\"challenge\":[\"dns-01\"],"
	    "\"key_type\":\"ecdsa-p256\",\"key_policy\":\"new\","
	    "\"renew_before\":\"30d\",\"probe_names\":[\"a.shop.example\"],"
	    "\"group\":\"\",\"keep_versions\":5,\"must_staple\":true,"
	    "\"profile_required\":false,"
	    "\"labels\":{\"customer\":\"4711\",\"tier\":\"a=b\"}}";
	struct strv labels = { NULL, 0 };
	struct conf_wish w;
	struct err err;
	json_t *j;
	char *s;

	(void)state;
	conf_wish_blank(&w);
	assert_int_equal(apply(&w, &labels, all, &err), 0);
	assert_true(w.services_set && w.services.n == 0);
	assert_true(w.renew_before_ms == 30 * CONF_DAY);
	assert_string_equal(labels.v[0], "customer=4711");
	j = wish_json(&w, &labels);
	s = json_write(j);
	assert_string_equal(s, all);
	json_decref(j);
	free(s);
	conf_wish_free(&w);
	strv_free(&labels);
}

static void
what_is_absent_stays_absent(void **state)
{
	struct conf_wish w;
	struct err err;
	char *s;

	(void)state;
	assert_int_equal(wish_parse(&w, "{\"names\":[\"a.example\"]}", &err),
	    0);
	assert_null(w.ca);
	assert_true(w.renew_before_ms == -1 && w.keep_versions == -1 &&
	    w.must_staple == -1 && w.profile_required == -1);
	assert_false(w.services_set);
	s = wish_text(&w);
	assert_string_equal(s, "{\"names\":[\"a.example\"]}");
	free(s);
	conf_wish_free(&w);
}

static void
a_patch_keeps_the_rest(void **state)
{
	struct strv labels = { NULL, 0 };
	struct conf_wish w;
	struct err err;
	char *s;

	(void)state;
	strv_add(&labels, "a=1");
	strv_add(&labels, "b=2");
	assert_int_equal(wish_parse(&w, "{\"names\":[\"a.example\"],"
	    "\"ca\":\"zerossl\",\"renew_before\":\"36h\"}", &err), 0);
	assert_int_equal(apply(&w, &labels, "{\"ca\":null,\"group\":\"ssl\","
	    "\"labels\":{\"a\":null,\"c\":\"3\"}}", &err), 0);
	s = wish_text(&w);
	assert_string_equal(s, "{\"names\":[\"a.example\"],"
	    "\"renew_before\":\"36h\",\"group\":\"ssl\"}");
	assert_int_equal(labels.n, 2);
	assert_string_equal(labels.v[1], "c=3");
	free(s);
	conf_wish_free(&w);
	strv_free(&labels);
}

/* Each refusal names the key and says what it saw. */
static void
refusals(void **state)
{
	static const struct { const char *in, *text, *advice; } t[] = {
		{ "{\"names\":\"x\"}", "\"names\": \"x\" is no list", "" },
		{ "{\"names\":[1]}", "\"names\": 1 is no text", "" },
		{ "{\"names\":[\"\"]}", "\"names\": an empty text", "" },
		{ "{\"domains\":[]}", "no such key \"domains\" in a wish",
		    "You want \"names\"." },
		{ "{\"servces\":[]}", "no such key \"servces\" in a wish",
		    "You want \"services\"." },
		{ "{\"fallback_ca\":[]}",
		    "no such key \"fallback_ca\" in a wish", NULL },
		{ "{\"renew_before\":30}", "\"renew_before\": 30: say the "
		    "unit: \"30s\", \"30m\", \"30h\" or \"30d\"", "" },
		{ "{\"renew_before\":\"soon\"}", "\"renew_before\": \"soon\" "
		    "is no length of time like \"30d\", nor \"auto\"", "" },
		{ "{\"keep_versions\":-1}", "\"keep_versions\": -1 is not "
		    "between 0 and 1000", "" },
		{ "{\"keep_versions\":\"3\"}",
		    "\"keep_versions\": \"3\" is no number", "" },
		{ "{\"must_staple\":1}", "\"must_staple\": 1 is no yes or "
		    "no: say true or false", "" },
		{ "{\"ca\":\"a\\nb\"}",
		    "\"ca\": \"a\\x0ab\" holds a control character", "" },
		{ "{\"ca\":\"\"}", "\"ca\": an empty text", "" },
		{ "{\"labels\":[]}", "\"labels\": [] is no object", "" },
		{ "{\"labels\":{\"a b\":\"c\"}}", "\"labels\": \"a b\" is no "
		    "label: letters, digits, \".\", \"_\" and \"-\"", "" },
		{ "{\"labels\":{\"a\":1}}", "\"labels\": 1 is no text", "" },
		{ "[]", "a wish is an object: {\"names\": [...]}", "" },
		{ "{\"ca\":\"a\",\"ca\":\"b\"}", NULL, "" },
		{ "{\"ca\":", NULL, "" },
		{ "", "the body is empty where JSON is needed", "" },
		{ "{\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}",
		    "the body is nested deeper than 16 levels", "" }
	};
	struct strv labels;
	struct conf_wish w;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&labels, 0, sizeof(labels));
		conf_wish_blank(&w);
		assert_int_equal(apply(&w, &labels, t[i].in, &err), -1);
		assert_int_equal(err.class, ERR_USAGE);
		if (t[i].text != NULL)
			assert_string_equal(err.text, t[i].text);
		if (t[i].advice != NULL)
			assert_string_equal(err.advice, t[i].advice);
		conf_wish_free(&w);
		strv_free(&labels);
	}
}

static void
labels_are_not_part_of_a_stored_wish(void **state)
{
	struct conf_wish w;
	struct err err;

	(void)state;
	assert_int_equal(wish_parse(&w, "{\"labels\":{}}", &err), -1);
	assert_int_equal(wish_parse(&w, "not JSON", &err), -1);
}

static void
spans(void **state)
{
	static const struct { int64_t ms; const char *text; } t[] = {
		{ 0, "auto" }, { 30 * CONF_DAY, "30d" },
		{ 36 * CONF_HOUR, "36h" }, { 90 * CONF_SECOND, "90s" },
		{ 90 * CONF_MINUTE, "90m" }
	};
	char out[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		wish_span(out, t[i].ms);
		assert_string_equal(out, t[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_comes_back),
		cmocka_unit_test(what_is_absent_stays_absent),
		cmocka_unit_test(a_patch_keeps_the_rest),
		cmocka_unit_test(refusals),
		cmocka_unit_test(labels_are_not_part_of_a_stored_wish),
		cmocka_unit_test(spans)
	};

	return cmocka_run_group_tests_name("wish_json", tests, NULL, NULL);
}
