/* The promises of store.h: the same tests over every kind of store. */
#include <config.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "base/buf.h"
#include "store/cols.h"
#include "store_fixture.h"

static char *dir;

static struct store *
open_kind(const char *kind)
{
	struct store *s;
	struct err err;
	char *path;

	if (strcmp(kind, "memory") == 0)
		return store_open_memory();
	path = path_in(dir, "everleaf.db");
	s = store_open_sqlite(path, &err);
	if (s == NULL)
		fail_msg("open: %s", err.text);
	free(path);
	return s;
}

static int
set_up(void **state)
{
	dir = make_dir();
	*state = open_kind(*state);
	return 0;
}

static int
tear_down(void **state)
{
	store_close(*state);
	remove_dir(dir);
	return 0;
}

/* --- changes -------------------------------------------------------------- */

static size_t
count(struct store *s, enum table t)
{
	struct query q = query_of(t, NULL);
	struct rows r = ask(s, &q);
	size_t n = r.n;

	rows_free(&r);
	return n;
}

static void
put_replaces_by_key(void **state)
{
	struct store *s = *state;
	struct query q = query_of(T_POLICY, NULL);
	struct row_policy p = policy_row("gold", "one");
	struct batch *b = batch_new();
	struct rows r;

	assert_true(batch_empty(b));
	batch_put(b, T_POLICY, &p);
	assert_false(batch_empty(b));
	commit_well(s, b);
	b = batch_new();
	p = policy_row("gold", "two");
	batch_put(b, T_POLICY, &p);
	p = policy_row("silver", "three");
	batch_put(b, T_POLICY, &p);
	commit_well(s, b);
	r = ask(s, &q);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.table, T_POLICY);
	assert_string_equal(ROWS_AT(&r, row_policy, 0)->name, "gold");
	assert_string_equal(ROWS_AT(&r, row_policy, 0)->hash, "two");
	assert_string_equal(ROWS_AT(&r, row_policy, 1)->hash, "three");
	rows_free(&r);
	b = batch_new();
	p = policy_row("gold", NULL);
	batch_del(b, T_POLICY, &p);
	p = policy_row("never there", NULL);
	batch_del(b, T_POLICY, &p);
	commit_well(s, b);
	assert_int_equal(count(s, T_POLICY), 1);
	commit_well(s, batch_new());
}

static void
a_row_comes_back_as_it_went(void **state)
{
	struct store *s = *state;
	struct query q = query_of(T_VERSION, NULL);
	uint8_t bytes[] = { 0, 1, 0xff, 0, '\'' };
	struct row_version v, *got;
	struct batch *b = batch_new();
	struct rows r;

	memset(&v, 0, sizeof(v));
	v.cert_id = INT64_MAX;
	v.version = 7;
	v.sealed.p = bytes;
	v.sealed.len = sizeof(bytes);
	v.names = (char[]){ "a.example\nb\xc3\xbc.example\n'\"" };
	v.not_after_ms = INT64_MIN;
	batch_put(b, T_VERSION, &v);
	commit_well(s, b);
	r = ask(s, &q);
	assert_int_equal(r.n, 1);
	got = ROWS_AT(&r, row_version, 0);
	assert_true(got->cert_id == INT64_MAX && got->version == 7);
	assert_true(got->not_after_ms == INT64_MIN);
	assert_int_equal(got->sealed.len, sizeof(bytes));
	assert_memory_equal(got->sealed.p, bytes, sizeof(bytes));
	assert_int_equal(got->leaf.len, 0);
	assert_null(got->leaf.p);
	assert_string_equal(got->names, v.names);
	assert_string_equal(got->issuer, "");	/* NULL went in */
	rows_free(&r);
}

static void
put_ident(struct batch *b, int64_t cert, const char *value, int64_t position)
{
	struct row_ident i;

	memset(&i, 0, sizeof(i));
	i.cert_id = cert;
	i.kind = (char[]){ "dns" };
	i.value = (char *)(uintptr_t)value;
	i.position = position;
	batch_put(b, T_IDENT, &i);
}

static void
children_go_at_once(void **state)
{
	struct store *s = *state;
	struct query q = query_of(T_IDENT, NULL);
	struct batch *b = batch_new();
	struct rows r;

	put_ident(b, 1, "a.example", 0);
	put_ident(b, 2, "a.example", 0);
	put_ident(b, 2, "b.example", 1);
	put_ident(b, 3, "a.example", 0);
	commit_well(s, b);
	b = batch_new();
	batch_del_all(b, T_IDENT, 2);
	batch_del_all(b, T_IDENT, 77);
	put_ident(b, 2, "c.example", 0);
	commit_well(s, b);
	r = ask(s, &q);
	assert_int_equal(r.n, 3);
	assert_string_equal(ROWS_AT(&r, row_ident, 1)->value, "c.example");
	rows_free(&r);
}

static void
a_batch_is_all_or_nothing(void **state)
{
	struct store *s = *state;
	struct row_cert c = cert_row(1, "shop.example", "served");
	struct row_event e;
	struct query q = query_of(T_CERT, NULL);
	struct batch *b = batch_new();
	struct rows r;
	struct err err;

	memset(&e, 0, sizeof(e));
	put_ident(b, 1, "shop.example", 0);
	batch_put(b, T_CERT, &c);
	commit_well(s, b);

	b = batch_new();
	batch_put(b, T_EVENT, &e);
	batch_del_all(b, T_IDENT, 1);
	c = cert_row(1, "shop.example", "expired");
	batch_put(b, T_CERT, &c);
	c = cert_row(3, "other.example", "new");
	batch_put(b, T_CERT, &c);
	c = cert_row(2, "shop.example", "new");	/* the name is taken */
	batch_put(b, T_CERT, &c);
	assert_int_equal(commit(s, b, &err), -1);
	assert_int_equal(err.code, ERR_STORE);
	assert_non_null(strstr(err.text, "another cert with this name"));

	assert_int_equal(count(s, T_EVENT), 0);
	assert_int_equal(count(s, T_IDENT), 1);
	r = ask(s, &q);
	assert_int_equal(r.n, 1);
	assert_string_equal(ROWS_AT(&r, row_cert, 0)->state, "served");
	rows_free(&r);

	/* Taken over within a batch, in the order of the batch. */
	b = batch_new();
	c = cert_row(1, NULL, NULL);
	batch_del(b, T_CERT, &c);
	c = cert_row(2, "shop.example", "new");
	batch_put(b, T_CERT, &c);
	commit_well(s, b);
}

static void
a_row_over_the_limit_is_refused(void **state)
{
	struct store *s = *state;
	struct row_chain c;
	struct batch *b = batch_new();
	struct row_policy p = policy_row("gold", "one");
	struct err err;

	memset(&c, 0, sizeof(c));
	c.pem.len = STORE_ROW_MAX;
	c.pem.p = xcalloc(1, c.pem.len);
	batch_put(b, T_POLICY, &p);
	batch_put(b, T_CHAIN, &c);
	assert_int_equal(commit(s, b, &err), -1);
	assert_int_equal(count(s, T_POLICY), 0);
	c.pem.len -= 1000;
	b = batch_new();
	batch_put(b, T_CHAIN, &c);
	commit_well(s, b);
	free(c.pem.p);
}

static void
put_event(struct batch *b, int64_t id, const char *text)
{
	struct row_event e;

	memset(&e, 0, sizeof(e));
	e.id = id;
	e.text = (char *)(uintptr_t)text;
	batch_put(b, T_EVENT, &e);
}

static void
event_ids_ascend_and_never_return(void **state)
{
	static const int64_t expected[] = { 1, 2, 5, 6, 11 };
	struct store *s = *state;
	struct query q = query_of(T_EVENT, NULL);
	struct batch *b = batch_new();
	struct row_event gone;
	struct rows r;
	size_t i;

	put_event(b, 0, "first");
	put_event(b, 0, "second");
	put_event(b, 5, "from a backup");
	put_event(b, 0, "next");
	put_event(b, 10, "deleted");
	commit_well(s, b);
	memset(&gone, 0, sizeof(gone));
	gone.id = 10;
	b = batch_new();
	batch_del(b, T_EVENT, &gone);
	commit_well(s, b);
	b = batch_new();
	put_event(b, 0, "last");
	commit_well(s, b);
	r = ask(s, &q);
	assert_int_equal(r.n, 5);
	for (i = 0; i < 5; i++)
		assert_true(ROWS_AT(&r, row_event, i)->id == expected[i]);
	assert_string_equal(ROWS_AT(&r, row_event, 4)->text, "last");
	rows_free(&r);
}

/* --- questions ------------------------------------------------------------ */

/* Answers as a text of names, to be compared at one glance. */
static void
expect_names(struct store *s, const struct query *q, const char *names)
{
	struct rows r = ask(s, q);
	struct buf b;
	size_t i;

	buf_init(&b, 10000);
	buf_puts(&b, "");
	for (i = 0; i < r.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? " " : "",
		    ROWS_AT(&r, row_cert, i)->name);
	assert_string_equal(b.data, names);
	buf_free(&b);
	rows_free(&r);
}

static void
put_letters(struct store *s)
{
	static const struct {
		const char *name, *state;
		int64_t not_after;
	} t[] = {
		{ "a", "served", 30 }, { "ab", "due", 20 },
		{ "abc", "served", 10 }, { "ac", "due", 40 },
		{ "b", "served", 20 }, { "b\xff", "due", 20 },
		{ "\xc3\xbc", "served", 10 }
	};
	struct batch *b = batch_new();
	struct row_cert c;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		c = cert_row((int64_t)(100 - i), t[i].name, t[i].state);
		c.not_after_ms = t[i].not_after;
		batch_put(b, T_CERT, &c);
	}
	commit_well(s, b);
}

static void
every_comparison(void **state)
{
	static const struct {
		const char *col;
		enum cmp cmp;
		int64_t num;
		const char *text, *names;
	} t[] = {
		{ "name", CMP_EQ, 0, "ab", "ab" },
		{ "name", CMP_NE, 0, "ab", "a abc ac b b\xff \xc3\xbc" },
		{ "name", CMP_LE, 0, "ab", "a ab" },
		{ "name", CMP_LT, 0, "ab", "a" },
		{ "name", CMP_GE, 0, "b", "b b\xff \xc3\xbc" },
		{ "name", CMP_GT, 0, "b", "b\xff \xc3\xbc" },
		{ "name", CMP_GT, 0, NULL, "a ab abc ac b b\xff \xc3\xbc" },
		{ "name", CMP_PREFIX, 0, "ab", "ab abc" },
		{ "name", CMP_PREFIX, 0, "", "a ab abc ac b b\xff \xc3\xbc" },
		{ "name", CMP_PREFIX, 0, "b\xff", "b\xff" },
		{ "name", CMP_PREFIX, 0, "\xff", "" },
		{ "name", CMP_EQ, 0, "A", "" },
		{ "summary", CMP_EQ, 0, "", "a ab abc ac b b\xff \xc3\xbc" },
		{ "not_after_ms", CMP_EQ, 20, NULL, "ab b b\xff" },
		{ "not_after_ms", CMP_NE, 20, NULL, "a abc ac \xc3\xbc" },
		{ "not_after_ms", CMP_LE, 20, NULL,
		    "ab abc b b\xff \xc3\xbc" },
		{ "not_after_ms", CMP_LT, 20, NULL, "abc \xc3\xbc" },
		{ "not_after_ms", CMP_GE, 30, NULL, "a ac" },
		{ "not_after_ms", CMP_GT, 30, NULL, "ac" }
	};
	struct query q;
	size_t i;

	put_letters(*state);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		q = query_of(T_CERT, "name");
		where_text(&q, t[i].col, t[i].cmp, t[i].text);
		q.where[0].num = t[i].num;
		expect_names(*state, &q, t[i].names);
	}
}

static void
order_direction_and_limit(void **state)
{
	struct query q = query_of(T_CERT, NULL);

	put_letters(*state);
	expect_names(*state, &q, "\xc3\xbc b\xff b ac abc ab a"); /* by id */
	q.descending = true;
	expect_names(*state, &q, "a ab abc ac b b\xff \xc3\xbc");
	q = query_of(T_CERT, "not_after_ms");	/* then by id */
	expect_names(*state, &q, "\xc3\xbc abc b\xff b ab a ac");
	q.limit = 3;
	expect_names(*state, &q, "\xc3\xbc abc b\xff");
	q = query_of(T_CERT, "state not_after_ms name");
	expect_names(*state, &q, "ab b\xff ac abc \xc3\xbc b a");
	q.descending = true;
	q.limit = 2;
	expect_names(*state, &q, "a b");
	q = query_of(T_CERT, "summary name");	/* no index fits */
	q.limit = 2;
	expect_names(*state, &q, "a ab");
	q.descending = true;
	expect_names(*state, &q, "\xc3\xbc b\xff");
}

static void
several_conditions(void **state)
{
	struct query q = query_of(T_CERT, "name");

	put_letters(*state);
	where_text(&q, "state", CMP_EQ, "served");
	where_text(&q, "name", CMP_GT, "a");
	where_text(&q, "name", CMP_PREFIX, "a");
	expect_names(*state, &q, "abc");
	q = query_of(T_CERT, "name");
	where_text(&q, "state", CMP_EQ, "served");
	where_text(&q, "state", CMP_EQ, "due");
	expect_names(*state, &q, "");
	q = query_of(T_CERT, "name");
	where_text(&q, "name", CMP_GE, "ab");
	where_text(&q, "name", CMP_LE, "b");
	where_num(&q, "not_after_ms", CMP_LE, 20);
	q.descending = true;
	expect_names(*state, &q, "b abc ab");
}

static void
pages_by_cursor(void **state)
{
	static const char *const pages[] = { "a ab", "abc ac", "b b\xff",
		"\xc3\xbc", "" };
	struct query q = query_of(T_CERT, "name");
	char cursor[20] = "";
	struct rows r;
	size_t i;

	put_letters(*state);
	where_text(&q, "name", CMP_GT, cursor);
	q.limit = 2;
	for (i = 0; i < 5; i++) {
		expect_names(*state, &q, pages[i]);
		r = ask(*state, &q);
		if (r.n > 0)
			snprintf(cursor, sizeof(cursor), "%s",
			    ROWS_AT(&r, row_cert, r.n - 1)->name);
		rows_free(&r);
	}
}

static void
put_job(struct batch *b, int64_t kind, int64_t object, int64_t due)
{
	struct row_job j;

	memset(&j, 0, sizeof(j));
	j.kind = kind;
	j.object = object;
	j.due_ms = due;
	j.priority = kind;
	batch_put(b, T_JOB, &j);
}

static void
due_jobs_by_kind(void **state)
{
	static const int64_t objects[] = { 4, 3, 1, 5 };
	struct store *s = *state;
	struct query q = query_of(T_JOB, "kind due_ms");
	struct batch *b = batch_new();
	struct rows r;
	size_t i;

	put_job(b, JOB_RENEW, 1, 50);
	put_job(b, JOB_RENEW, 2, 101);
	put_job(b, JOB_INSTALL, 3, 100);
	put_job(b, JOB_INSTALL, 4, 99);
	put_job(b, JOB_PRUNE, 5, 1);
	put_job(b, JOB_PROBE, 6, 200);
	commit_well(s, b);
	where_num(&q, "due_ms", CMP_LE, 100);
	for (q.limit = 1; q.limit <= 5; q.limit++) {
		r = ask(s, &q);
		assert_int_equal(r.n, q.limit < 4 ? q.limit : 4);
		for (i = 0; i < r.n; i++)
			assert_true(ROWS_AT(&r, row_job, i)->object ==
			    objects[i]);
		rows_free(&r);
	}
	q = query_of(T_JOB, "due_ms");	/* the one timer */
	q.limit = 1;
	r = ask(s, &q);
	assert_true(ROWS_AT(&r, row_job, 0)->due_ms == 1);
	rows_free(&r);
}

static void
check_view(void *ctx, struct rows *answers, int n, const struct err *err)
{
	int *calls = ctx;

	assert_null(err);
	assert_int_equal(n, 3);
	assert_int_equal(answers[0].table, T_CERT);
	assert_int_equal(answers[0].n, 7);
	assert_int_equal(answers[1].table, T_JOB);
	assert_int_equal(answers[1].n, 0);
	assert_null(answers[1].v);
	assert_int_equal(answers[2].n, 2);
	(*calls)++;
}

static void
several_questions_one_view(void **state)
{
	struct query q[3] = { query_of(T_CERT, NULL), query_of(T_JOB, NULL),
		query_of(T_CERT, "name") };
	int calls = 0;

	put_letters(*state);
	where_text(&q[2], "name", CMP_PREFIX, "ab");
	store_read(*state, q, 3, check_view, &calls);
	assert_int_equal(calls, 1);
}

static void
check_states(void *ctx, const struct tally *t, size_t n, const struct err *err)
{
	assert_null(err);
	assert_int_equal(n, 2);
	assert_string_equal(t[0].text, "due");
	assert_true(t[0].count == 3);
	assert_string_equal(t[1].text, "served");
	assert_true(t[1].count == 4);
	++*(int *)ctx;
}

static void
check_ends(void *ctx, const struct tally *t, size_t n, const struct err *err)
{
	static const int64_t nums[] = { 10, 20, 30, 40 };
	static const int64_t counts[] = { 2, 3, 1, 1 };
	size_t i;

	assert_null(err);
	assert_int_equal(n, 4);
	for (i = 0; i < 4; i++) {
		assert_null(t[i].text);
		assert_true(t[i].num == nums[i] && t[i].count == counts[i]);
	}
	++*(int *)ctx;
}

static void
check_none(void *ctx, const struct tally *t, size_t n, const struct err *err)
{
	(void)t;
	assert_null(err);
	assert_int_equal(n, 0);
	++*(int *)ctx;
}

static void
tallies(void **state)
{
	int calls = 0;

	put_letters(*state);
	store_tally(*state, T_CERT, "state", check_states, &calls);
	store_tally(*state, T_CERT, "not_after_ms", check_ends, &calls);
	store_tally(*state, T_DEPLOYMENT, "state", check_none, &calls);
	assert_int_equal(calls, 3);
}

/* A completion may ask and commit again. */
struct chain_of_calls { struct store *store; int left; };

static void
again(void *ctx, const struct err *err)
{
	struct chain_of_calls *c = ctx;
	struct batch *b;

	assert_null(err);
	if (c->left-- > 0) {
		b = batch_new();
		put_event(b, 0, "again");
		store_commit(c->store, b, again, c);
	}
}

static void
completions_may_call_back(void **state)
{
	struct chain_of_calls c = { *state, 5 };

	store_commit(*state, batch_new(), again, &c);
	assert_int_equal(count(*state, T_EVENT), 5);
}

/* --- stages --------------------------------------------------------------- */

static void
stage_event(struct store *s, const char *text)
{
	struct batch *b = batch_new();

	put_event(b, 0, text);
	store_stage(s, b);
}

static void
stages_are_seen_and_kept(void **state)
{
	struct err err;

	stage_event(*state, "one");
	assert_int_equal(count(*state, T_EVENT), 1);
	stage_event(*state, "two");
	store_stage(*state, batch_new());
	assert_int_equal(count(*state, T_EVENT), 2);
	assert_int_equal(commit(*state, batch_new(), &err), 0);
	assert_int_equal(count(*state, T_EVENT), 2);
	stage_event(*state, "three");
	assert_int_equal(count(*state, T_EVENT), 3);
}

static void
refuses(void *ctx, struct rows *answers, int n, const struct err *err)
{
	(void)answers;
	assert_int_equal(n, 0);
	assert_non_null(err);
	++*(int *)ctx;
}

/* The row that can't be is in the second of three parts: all of them go, and
 * nobody learns otherwise in between. */
static void
stages_are_all_or_nothing(void **state)
{
	struct store *s = *state;
	struct query q = query_of(T_EVENT, NULL);
	struct row_cert c = cert_row(1, "twice", "a");
	struct batch *b = batch_new();
	int refused = 0;
	struct err err;

	batch_put(b, T_CERT, &c);
	commit_well(s, b);
	stage_event(s, "before");
	b = batch_new();
	c.id = 2;
	batch_put(b, T_CERT, &c);
	store_stage(s, b);
	stage_event(s, "after");
	store_read(s, &q, 1, refuses, &refused);
	assert_int_equal(refused, 1);
	assert_int_equal(commit(s, batch_new(), &err), -1);
	assert_non_null(strstr(err.text, "another cert"));
	assert_int_equal(count(s, T_EVENT), 0);
	assert_int_equal(count(s, T_CERT), 1);
	stage_event(s, "again");
	assert_int_equal(commit(s, batch_new(), &err), 0);
	assert_int_equal(count(s, T_EVENT), 1);
}

/* --- columns -------------------------------------------------------------- */

static void
columns_cover_their_structs(void **state)
{
	static const size_t bytes[] = {
		[COL_INT] = sizeof(int64_t), [COL_TEXT] = sizeof(char *),
		[COL_BLOB] = sizeof(struct blob)
	};
	const struct row_def *d;
	struct cols list;
	size_t sum;
	int t, i;

	(void)state;
	if (sizeof(char *) != sizeof(int64_t))
		return;		/* gaps between the fields */
	for (t = 0; t < T_COUNT; t++) {
		d = &row_defs[t];
		sum = 0;
		for (i = 0; d->cols[i].name != NULL; i++) {
			sum += bytes[d->cols[i].type];
			assert_int_equal(row_col((enum table)t,
			    d->cols[i].name), i);
		}
		assert_true(i <= ROW_COLS_MAX && d->keys <= ROW_KEYS_MAX);
		assert_int_equal(sum, d->size);
		for (i = 0; i < ROW_INDEXES_MAX && d->indexes[i] != NULL; i++)
			cols_parse(&list, (enum table)t, d->indexes[i]);
	}
}

static void
texts_are_replaced(void **state)
{
	char *s = NULL;

	(void)state;
	row_text(&s, "one two");
	row_text(&s, s + 4);
	assert_string_equal(s, "two");
	row_text(&s, NULL);
	assert_null(s);
}

/* --- size ----------------------------------------------------------------- */

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
fill(struct store *s, int n)
{
	struct batch *b = batch_new();
	struct row_cert c;
	char name[40];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "c%06d.example", i * 7919 % n);
		c = cert_row(i + 1, name, i % 10 == 0 ? "due" : "served");
		batch_put(b, T_CERT, &c);
		put_job(b, JOB_RENEW + i % 2, i + 1, i);
		if (i % 1000 == 999) {
			commit_well(s, b);
			b = batch_new();
		}
	}
	commit_well(s, b);
}

static void
a_hundred_thousand(void **state)
{
	struct store *s = *state;
	struct query due = query_of(T_JOB, "kind due_ms");
	struct query page = query_of(T_CERT, "name");
	int64_t start = now_us(), filled, jobs, pages;
	struct rows r;
	int i;

	fill(s, 100000);
	filled = now_us() - start;
	due.limit = 64;
	where_num(&due, "due_ms", CMP_LE, 50000);
	start = now_us();
	for (i = 0; i < 100; i++) {
		due.where[0].num = 500 * i;
		r = ask(s, &due);
		assert_true(r.n == 64 || i == 0);
		rows_free(&r);
	}
	jobs = now_us() - start;
	page.limit = 100;
	where_text(&page, "state", CMP_EQ, "served");
	where_text(&page, "name", CMP_GT, "c050000.example");
	start = now_us();
	for (i = 0; i < 100; i++) {
		r = ask(s, &page);
		assert_int_equal(r.n, 100);
		rows_free(&r);
	}
	pages = now_us() - start;
	print_message("# 100000 certificates in %" PRId64 " ms; next 64 due in "
	    "%" PRId64 " us; a page of 100 in %" PRId64 " us\n",
	    filled / 1000, jobs / 100, pages / 100);
}

#define OVER(f, kind) { #f " (" kind ")", f, set_up, tear_down, \
	(void *)(uintptr_t)kind }
#define BOTH(f) OVER(f, "memory"), OVER(f, "sqlite")

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(put_replaces_by_key), BOTH(a_row_comes_back_as_it_went),
		BOTH(children_go_at_once), BOTH(a_batch_is_all_or_nothing),
		BOTH(a_row_over_the_limit_is_refused),
		BOTH(event_ids_ascend_and_never_return),
		BOTH(every_comparison), BOTH(order_direction_and_limit),
		BOTH(several_conditions), BOTH(pages_by_cursor),
		BOTH(due_jobs_by_kind), BOTH(several_questions_one_view),
		BOTH(stages_are_seen_and_kept),
		BOTH(stages_are_all_or_nothing), BOTH(tallies),
		BOTH(completions_may_call_back),
		cmocka_unit_test(columns_cover_their_structs),
		cmocka_unit_test(texts_are_replaced),
		BOTH(a_hundred_thousand)
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
