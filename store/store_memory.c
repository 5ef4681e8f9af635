/* The store in memory: the promises of store.h without durability, for tests
 * and for simulations with a great many certificates. Each table is a set of
 * ordered indexes over the same rows; what is staged is applied change by
 * change and taken back, last change first, when one of them fails. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "store/backend.h"
#include "store/index.h"
#include "store/plan.h"

struct table_memory {
	struct index index[1 + ROW_INDEXES_MAX];	/* the key's first */
	int n;
};

/* One row exchanged for another; either may be NULL. */
struct exchange {
	enum table table;
	void *was, *is;
};

struct history {
	struct exchange *v;
	size_t n, cap;
};

struct store_memory {
	struct store store;
	struct table_memory tables[T_COUNT];
	int64_t last_event;
	struct history staged;		/* to be taken back */
	int64_t events_before;		/* last_event before it */
};

/* Out first: a row under the same key may not be there twice. */
static void
exchange(struct table_memory *m, const void *out, const void *in)
{
	int i;

	assert(m->n >= 1 && (out != NULL || in != NULL));
	for (i = 0; i < m->n; i++) {
		if (out != NULL)
			index_del(&m->index[i], out);
		if (in != NULL)
			index_add(&m->index[i], in);
	}
}

static void
note(struct history *h, enum table t, void *was, void *is)
{
	assert(h->n <= h->cap && (was != NULL || is != NULL));
	if (h->n == h->cap) {
		h->cap = h->cap > 0 ? 2 * h->cap : 16;
		h->v = xrealloc(h->v, h->cap * sizeof(*h->v));
	}
	h->v[h->n].table = t;
	h->v[h->n].was = was;
	h->v[h->n].is = is;
	h->n++;
}

static void
drop_row(enum table t, void *row)
{
	if (row != NULL) {
		row_free(t, row);
		free(row);
	}
}

/* Ends what is staged: forgets what was, or brings it back. */
static void
settle(struct store_memory *s, bool keep)
{
	struct history *h = &s->staged;
	struct exchange *e;

	while (h->n > 0) {
		e = &h->v[--h->n];
		if (!keep)
			exchange(&s->tables[e->table], e->is, e->was);
		drop_row(e->table, keep ? e->was : e->is);
	}
	free(h->v);
	memset(h, 0, sizeof(*h));
}

/* The row with this key, or NULL. Rows in an index are ours to change. */
static void *
find_row(const struct table_memory *m, const void *key)
{
	const struct index *x = &m->index[0];
	struct index_node *at = index_seek(x, key, x->cols.n, false);

	assert(x->own == 0);	/* the key's: no other columns before it */
	if (at == NULL || cols_cmp(x->table, &x->cols, x->cols.n, at->row,
	    key) != 0)
		return NULL;
	return (void *)(uintptr_t)at->row;
}

/* An event without id gets the next one, as AUTOINCREMENT would give it. */
static void *
stored_copy(struct store_memory *s, const struct change *c)
{
	struct row_event *e;
	void *row = row_copy(c->table, c->row);

	if (c->table == T_EVENT) {
		e = row;
		if (e->id == 0)
			e->id = s->last_event + 1;
		if (e->id > s->last_event)
			s->last_event = e->id;
	}
	assert(c->table != T_EVENT || s->last_event > 0);
	return row;
}

static int
put_row(struct store_memory *s, const struct change *c, struct history *h,
    struct err *err)
{
	struct table_memory *m = &s->tables[c->table];
	void *now = stored_copy(s, c), *was = find_row(m, now);
	int i;

	for (i = 1; i < m->n; i++) {
		if (m->index[i].unique &&
		    index_rival(&m->index[i], now) != NULL) {
			drop_row(c->table, now);
			return store_not_unique(err, c->table,
			    "the inventory in memory");
		}
	}
	exchange(m, was, now);
	assert(m->index[0].n == m->index[m->n - 1].n);
	note(h, c->table, was, now);
	return 0;
}

static void
del_row(struct store_memory *s, enum table t, void *row, struct history *h)
{
	if (row != NULL) {
		exchange(&s->tables[t], row, NULL);
		assert(s->tables[t].index[0].n ==
		    s->tables[t].index[s->tables[t].n - 1].n);
		note(h, t, row, NULL);
	}
}

static void
del_all(struct store_memory *s, const struct change *c, struct history *h)
{
	const struct index *x = &s->tables[c->table].index[0];
	struct index_node *at;

	while ((at = index_seek(x, c->row, 1, false)) != NULL &&
	    cols_cmp(c->table, &x->cols, 1, at->row, c->row) == 0)
		del_row(s, c->table, (void *)(uintptr_t)at->row, h);
}

static int
memory_stage(struct store *store, const struct batch *b, struct err *err)
{
	struct store_memory *s = (struct store_memory *)store;
	struct history *h = &s->staged;
	const struct change *c;
	size_t i;
	int rc = 0;

	if (h->n == 0)
		s->events_before = s->last_event;
	for (i = 0; rc == 0 && i < b->n; i++) {
		c = &b->v[i];
		if (c->kind == CHANGE_PUT)
			rc = put_row(s, c, h, err);
		else if (c->kind == CHANGE_DEL_ALL)
			del_all(s, c, h);
		else
			del_row(s, c->table, find_row(&s->tables[c->table],
			    c->row), h);
	}
	return rc;
}

static int
memory_commit(struct store *store, struct err *err)
{
	(void)err;
	settle((struct store_memory *)store, true);
	return 0;
}

/* Ids go back, too: nobody but the failed turn has seen them. */
static void
memory_undo(struct store *store)
{
	struct store_memory *s = (struct store_memory *)store;

	settle(s, false);
	assert(s->events_before <= s->last_event && s->staged.n == 0);
	s->last_event = s->events_before;
}

static int
memory_read(struct store *store, const struct query *q, int n,
    struct rows *answers, struct err *err)
{
	struct store_memory *s = (struct store_memory *)store;
	struct table_memory *m;
	int i;

	(void)err;
	for (i = 0; i < n; i++) {
		assert((unsigned)q[i].table < T_COUNT);
		m = &s->tables[q[i].table];
		plan_answer(m->index, m->n, &q[i], &answers[i]);
	}
	return 0;
}

static int
memory_tally(struct store *store, enum table t, int col, struct tallies *out,
    struct err *err)
{
	struct store_memory *s = (struct store_memory *)store;
	const struct col *c = &row_defs[t].cols[col];
	const struct index_node *at = s->tables[t].index[0].head[0];

	assert(c->type != COL_BLOB);
	(void)err;
	for (; at != NULL; at = at->next[0]) {
		if (c->type == COL_INT)
			tallies_count(out, NULL, row_int_of(at->row, c), 1);
		else
			tallies_count(out, row_text_of(at->row, c), 0, 1);
	}
	return 0;
}

static void
memory_close(struct store *store)
{
	struct store_memory *s = (struct store_memory *)store;
	struct index_node *at;
	int t, i;

	memory_undo(store);
	for (t = 0; t < T_COUNT; t++) {
		for (at = s->tables[t].index[0].head[0]; at != NULL;
		    at = at->next[0])
			drop_row((enum table)t, (void *)(uintptr_t)at->row);
		for (i = 0; i < s->tables[t].n; i++)
			index_fini(&s->tables[t].index[i]);
	}
	free(s);
}

static const struct store_ops memory_ops = {
	memory_stage, memory_commit, memory_undo, memory_read, memory_tally,
	memory_close, NULL
};

struct store *
store_open_memory(void)
{
	struct store_memory *s = xcalloc(1, sizeof(*s));
	struct table_memory *m;
	const struct row_def *d;
	int t, i;

	s->store.ops = &memory_ops;
	for (t = 0; t < T_COUNT; t++) {
		d = &row_defs[t];
		m = &s->tables[t];
		index_init(&m->index[m->n++], (enum table)t, NULL);
		for (i = 0; i < ROW_INDEXES_MAX && d->indexes[i] != NULL; i++)
			index_init(&m->index[m->n++], (enum table)t,
			    d->indexes[i]);
	}
	return &s->store;
}
