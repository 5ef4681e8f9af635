/* Both kinds of store side by side: random changes and questions, the same
 * answers. The worlds repeat exactly. */
#include <config.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "store/cols.h"
#include "store_fixture.h"

static uint64_t seed;

static unsigned
dice(unsigned sides)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % sides;
}

static const char *
random_text(void)
{
	static const char *const texts[] = {
		"", "a", "aa", "ab", "b", "\xff", "a\xff", "\xc3\xbc", "B",
		"a b", "%", "served"
	};

	return texts[dice(sizeof(texts) / sizeof(texts[0]))];
}

static int64_t
random_num(void)
{
	static const int64_t far[] = { INT64_MIN, INT64_MAX, -1, 1000000 };

	return dice(8) == 0 ? far[dice(4)] : (int64_t)dice(6);
}

/* A row with borrowed texts. */
static void *
random_row(enum table t)
{
	static uint8_t bytes[] = { 0, 255, 0, 1 };
	const struct row_def *d = &row_defs[t];
	char *row = xcalloc(1, d->size);
	const struct col *c;

	for (c = d->cols; c->name != NULL; c++) {
		if (c->type == COL_INT)
			*row_int_at(row, c) = random_num();
		else if (c->type == COL_TEXT)
			*row_text_at(row, c) =
			    (char *)(uintptr_t)random_text();
		else if ((row_blob_at(row, c)->len = dice(5)) > 0)
			row_blob_at(row, c)->p = bytes;
	}
	if (t == T_EVENT)
		((struct row_event *)(void *)row)->id = dice(2) == 0 ? 0 :
		    (int64_t)dice(40) + 1;
	return row;
}

static void
random_changes(struct batch *a, struct batch *b)
{
	unsigned i, n = 1 + dice(6), what;
	enum table t;
	void *row;

	for (i = 0; i < n; i++) {
		t = (enum table)dice(T_COUNT);
		row = random_row(t);
		what = dice(8);
		if (what == 0 && row_defs[t].cols[0].type == COL_INT) {
			batch_del_all(a, t, row_int_of(row, row_defs[t].cols));
			batch_del_all(b, t, row_int_of(row, row_defs[t].cols));
		} else if (what < 3) {
			batch_del(a, t, row);
			batch_del(b, t, row);
		} else {
			batch_put(a, t, row);
			batch_put(b, t, row);
		}
		free(row);
	}
}

static const struct col *
random_column(enum table t)
{
	unsigned n = 0;
	const struct col *c;

	while (row_defs[t].cols[n].name != NULL)
		n++;
	/* The first ones more often: they are keys, and names. */
	do
		c = &row_defs[t].cols[dice(dice(2) == 0 ? n : n < 3 ? n : 3)];
	while (c->type == COL_BLOB);
	return c;
}

static struct query
random_query(char order[200])
{
	struct query q = query_of((enum table)dice(T_COUNT), NULL);
	unsigned i, n = dice(4);
	const struct col *c;

	for (i = 0; i < n; i++) {
		c = random_column(q.table);
		where_text(&q, c->name, (enum cmp)dice(
		    c->type == COL_TEXT ? 7 : 6), random_text());
		q.where[i].num = random_num();
	}
	n = dice(3);
	order[0] = '\0';
	for (i = 0; i < n; i++)
		snprintf(order + strlen(order), 200 - strlen(order), "%s%s",
		    i > 0 ? " " : "", random_column(q.table)->name);
	/* Half of them as an index has it. */
	i = dice(2 * ROW_INDEXES_MAX);
	if (i < ROW_INDEXES_MAX && row_defs[q.table].indexes[i] != NULL)
		snprintf(order, 200, "%s", row_defs[q.table].indexes[i] +
		    (row_defs[q.table].indexes[i][0] == '!'));
	q.order = order[0] != '\0' ? order : NULL;
	q.descending = dice(2) == 0;
	q.limit = dice(2) == 0 ? 0 : (int64_t)dice(6) + 1;
	return q;
}

static void
compare(const struct rows *a, const struct rows *b)
{
	const struct row_def *d = &row_defs[a->table];
	struct cols one = { 1, { 0 } };
	size_t i;

	assert_int_equal(a->n, b->n);
	for (i = 0; i < a->n; i++)
		for (one.v[0] = 0; d->cols[one.v[0]].name != NULL; one.v[0]++)
			if (cols_cmp(a->table, &one, 1,
			    (char *)a->v + i * d->size,
			    (char *)b->v + i * d->size) != 0)
				fail_msg("row %zu of %s differs in %s", i,
				    d->name, d->cols[one.v[0]].name);
}

static void
print_query(const struct query *q)
{
	int i;

	print_message("# %s order \"%s\" %s limit %" PRId64 "\n",
	    row_defs[q->table].name, q->order != NULL ? q->order : "",
	    q->descending ? "descending" : "", q->limit);
	for (i = 0; i < q->wheres; i++)
		print_message("#   %s %d %" PRId64 " \"%s\"\n",
		    q->where[i].col, (int)q->where[i].cmp, q->where[i].num,
		    q->where[i].text);
}

struct tally_copy { struct tally v[64]; size_t n; };

static void
copy_tally(void *ctx, const struct tally *t, size_t n, const struct err *err)
{
	struct tally_copy *c = ctx;
	size_t i;

	assert_null(err);
	assert_true(n <= 64);
	for (i = 0; i < n; i++) {
		c->v[i] = t[i];
		c->v[i].text = xstrdup(t[i].text);
	}
	c->n = n;
}

static void
compare_tallies(struct store *a, struct store *b)
{
	struct tally_copy x, y;
	enum table t = (enum table)dice(T_COUNT);
	const struct col *c = random_column(t);
	size_t i;

	store_tally(a, t, c->name, copy_tally, &x);
	store_tally(b, t, c->name, copy_tally, &y);
	assert_int_equal(x.n, y.n);
	for (i = 0; i < x.n; i++) {
		assert_true(x.v[i].count == y.v[i].count);
		assert_true(x.v[i].num == y.v[i].num);
		if (c->type == COL_TEXT)
			assert_string_equal(x.v[i].text, y.v[i].text);
		free(x.v[i].text);
		free(y.v[i].text);
	}
}

static void
random_step(struct store *memory, struct store *file, int *refused)
{
	struct batch *a = batch_new(), *b = batch_new();
	struct rows x, y;
	struct err err;
	struct query q;
	char order[200];
	int i, rc;

	random_changes(a, b);
	rc = commit(memory, a, &err);
	assert_int_equal(commit(file, b, &err), rc);
	*refused += rc != 0;
	for (i = 0; i < 3; i++) {
		q = random_query(order);
		x = ask(memory, &q);
		y = ask(file, &q);
		if (x.n != y.n)
			print_query(&q);
		compare(&x, &y);
		rows_free(&x);
		rows_free(&y);
	}
	if (dice(10) == 0)
		compare_tallies(memory, file);
}

static void
kinds_agree_on_random_worlds(void **state)
{
	struct store *memory, *file;
	char *dir, *path;
	struct err err;
	int i, refused = 0;

	(void)state;
	for (seed = 1; seed < 4; seed++) {
		uint64_t world = seed;

		dir = make_dir();
		path = path_in(dir, "everleaf.db");
		memory = store_open_memory();
		file = store_open_sqlite(path, &err);
		assert_non_null(file);
		for (i = 0; i < 700; i++)
			random_step(memory, file, &refused);
		store_close(memory);
		store_close(file);
		free(path);
		remove_dir(dir);
		seed = world;
	}
	print_message("# 2100 batches, %d of them refused by both\n", refused);
	assert_true(refused > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_agree_on_random_worlds)
	};

	return cmocka_run_group_tests_name("random worlds", tests, NULL, NULL);
}
