/* What one turn of the loop changes, kept until it is committed as one. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "store/batch.h"
#include "store/cols.h"

struct batch *
batch_new(void)
{
	return xcalloc(1, sizeof(struct batch));
}

void
batch_free(struct batch *b)
{
	size_t i;

	if (b == NULL)
		return;
	for (i = 0; i < b->n; i++) {
		row_free(b->v[i].table, b->v[i].row);
		free(b->v[i].row);
	}
	free(b->v);
	free(b);
}

static void
add(struct batch *b, enum change_kind kind, enum table t, void *row)
{
	assert(kind < CHANGE_KINDS && row != NULL);
	if (b->n == b->cap) {
		b->cap = b->cap > 0 ? 2 * b->cap : 8;
		b->v = xrealloc(b->v, b->cap * sizeof(*b->v));
	}
	assert(b->n < b->cap);
	b->v[b->n].kind = kind;
	b->v[b->n].table = t;
	b->v[b->n].row = row;
	b->n++;
}

static size_t
row_bytes(enum table t, const void *row)
{
	const struct col *c;
	size_t n = row_defs[t].size;

	assert((unsigned)t < T_COUNT && row != NULL);
	for (c = row_defs[t].cols; c->name != NULL; c++) {
		if (c->type == COL_TEXT)
			n += strlen(row_text_of(row, c));
		else if (c->type == COL_BLOB)
			n += row_blob_of(row, c)->len;
	}
	return n;
}

void
batch_put(struct batch *b, enum table t, const void *row)
{
	if (row_bytes(t, row) > STORE_ROW_MAX)
		b->too_big = true;
	add(b, CHANGE_PUT, t, row_copy(t, row));
}

/* Keeps the key alone: the row may be large, and the caller's. */
void
batch_del(struct batch *b, enum table t, const void *row)
{
	const struct row_def *d = &row_defs[t];
	void *key = xcalloc(1, d->size);
	int i;

	assert(d->keys >= 1 && d->keys <= ROW_KEYS_MAX);
	for (i = 0; i < d->keys; i++) {
		assert(d->cols[i].type != COL_BLOB);
		if (d->cols[i].type == COL_INT)
			*row_int_at(key, &d->cols[i]) =
			    row_int_of(row, &d->cols[i]);
		else
			*row_text_at(key, &d->cols[i]) =
			    xstrdup(row_text_of(row, &d->cols[i]));
	}
	add(b, CHANGE_DEL, t, key);
}

void
batch_del_all(struct batch *b, enum table t, int64_t id)
{
	const struct row_def *d = &row_defs[t];
	void *key = xcalloc(1, d->size);

	assert(d->cols[0].type == COL_INT);
	*row_int_at(key, &d->cols[0]) = id;
	add(b, CHANGE_DEL_ALL, t, key);
}

bool
batch_empty(const struct batch *b)
{
	assert(b != NULL);
	return b->n == 0;
}
