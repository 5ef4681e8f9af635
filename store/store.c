/* The one door to every kind of store: checks the question, asks, and calls
 * the caller's completion once nothing of the call is open any more, so that
 * it may ask again or close the store. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "store/backend.h"
#include "store/cols.h"

void
store_close(struct store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

bool
store_failed(const struct store *s)
{
	return s->ops->failed != NULL && s->ops->failed(s);
}

/* One transaction is open at most; what fails in it fails all of it. */
static void
spoil(struct store *s)
{
	assert(s->open && !s->spoiled);
	s->ops->undo(s);
	s->open = false;
	s->spoiled = true;
}

void
store_stage(struct store *s, struct batch *b)
{
	int rc = 0;

	assert(!(s->open && s->spoiled));
	if (!s->spoiled && !batch_empty(b)) {
		err_clear(&s->why);
		s->open = true;
		if (b->too_big)
			rc = err_set(&s->why, ERR_STORE, "a row of the "
			    "inventory is over %d bytes", STORE_ROW_MAX);
		else
			rc = s->ops->stage(s, b, &s->why);
	}
	if (rc != 0)
		spoil(s);
	batch_free(b);
}

/* The error is copied first: the callback may begin the next transaction, or
 * close the store. */
void
store_commit(struct store *s, struct batch *b, store_done *done, void *ctx)
{
	struct err why;
	bool failed;

	assert(done != NULL);
	store_stage(s, b);
	if (s->open && s->ops->commit(s, &s->why) != 0)
		spoil(s);
	failed = s->spoiled;
	why = s->why;
	assert(!failed || why.code != ERR_OK);
	s->open = s->spoiled = false;
	done(ctx, failed ? &why : NULL);
}

void
store_read(struct store *s, const struct query *q, int n, store_rows *done,
    void *ctx)
{
	struct rows answers[QUERY_MAX];
	struct err err;
	int i, rc;

	assert(n > 0 && n <= QUERY_MAX);
	memset(answers, 0, sizeof(answers));
	for (i = 0; i < n; i++) {
		assert(q[i].wheres <= QUERY_WHERES_MAX && q[i].limit >= 0);
		answers[i].table = q[i].table;
	}
	err_clear(&err);
	if (s->spoiled)
		err = s->why;
	assert(!s->spoiled || err.code != ERR_OK);
	rc = s->spoiled ? -1 : s->ops->read(s, q, n, answers, &err);
	if (rc == 0)
		done(ctx, answers, n, NULL);
	else
		done(ctx, NULL, 0, &err);
	for (i = 0; i < n; i++)
		rows_free(&answers[i]);
}

void
store_tally(struct store *s, enum table t, const char *col,
    store_tally_done *done, void *ctx)
{
	struct tallies l = { NULL, 0 };
	struct err err;
	size_t i;

	assert((unsigned)t < T_COUNT && done != NULL);
	err_clear(&err);
	if (s->spoiled)
		done(ctx, NULL, 0, &s->why);
	else if (s->ops->tally(s, t, row_col(t, col), &l, &err) == 0)
		done(ctx, l.v, l.n, NULL);
	else
		done(ctx, NULL, 0, &err);
	for (i = 0; i < l.n; i++)
		free(l.v[i].text);
	free(l.v);
}

void
rows_free(struct rows *r)
{
	size_t i;

	assert(r->v != NULL || r->n == 0);
	for (i = 0; i < r->n; i++)
		row_free(r->table, (char *)r->v + i * row_defs[r->table].size);
	free(r->v);
	r->v = NULL;
	r->n = 0;
}

void *
rows_add(struct rows *r, size_t *cap)
{
	size_t size = row_defs[r->table].size;
	char *row;

	assert(r->n <= *cap);
	if (r->n == *cap) {
		*cap = *cap > 0 ? 2 * *cap : 8;
		r->v = xrealloc(r->v, *cap * size);
	}
	row = (char *)r->v + r->n++ * size;
	return memset(row, 0, size);
}

static int
tally_cmp(const struct tally *t, const char *text, int64_t num)
{
	assert((t->text == NULL) == (text == NULL));
	if (text != NULL)
		return strcmp(t->text, text);
	return (t->num > num) - (t->num < num);
}

void
tallies_count(struct tallies *l, const char *text, int64_t num, int64_t count)
{
	size_t low = 0, high = l->n, at;

	while (low < high) {
		at = low + (high - low) / 2;
		if (tally_cmp(&l->v[at], text, num) < 0)
			low = at + 1;
		else
			high = at;
	}
	if (low == l->n || tally_cmp(&l->v[low], text, num) != 0) {
		l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
		memmove(&l->v[low + 1], &l->v[low],
		    (l->n - low) * sizeof(*l->v));
		l->n++;
		l->v[low].text = xstrdup(text);
		l->v[low].num = num;
		l->v[low].count = 0;
		assert(low == 0 || tally_cmp(&l->v[low - 1], text, num) < 0);
		assert(low + 1 == l->n ||
		    tally_cmp(&l->v[low + 1], text, num) > 0);
	}
	l->v[low].count += count;
}

/* The smallest text that is above all that start with prefix, or NULL when
 * there is none: the caller frees it. */
static char *
prefix_end(const char *prefix)
{
	size_t n = strlen(prefix);
	char *end;

	while (n > 0 && (unsigned char)prefix[n - 1] == 0xff)
		n--;
	if (n == 0)
		return NULL;
	assert((unsigned char)prefix[n - 1] < 0xff);
	end = xstrndup(prefix, n);
	end[n - 1]++;
	return end;
}

void
conds_init(struct conds *c, const struct query *q)
{
	const struct where *w;
	struct cond *now;
	int i;

	assert(q->wheres >= 0 && q->wheres <= QUERY_WHERES_MAX);
	memset(c, 0, sizeof(*c));
	for (i = 0; i < q->wheres; i++) {
		w = &q->where[i];
		assert(w->col != NULL && (unsigned)w->cmp <= CMP_PREFIX);
		now = &c->v[c->n++];
		now->col = row_col(q->table, w->col);
		now->cmp = w->cmp;
		now->num = w->num;
		now->text = w->text != NULL ? w->text : "";
		assert(row_defs[q->table].cols[now->col].type != COL_BLOB);
		if (w->cmp != CMP_PREFIX)
			continue;
		assert(row_defs[q->table].cols[now->col].type == COL_TEXT);
		now->cmp = CMP_GE;
		now[1].owned = prefix_end(now->text);
		if (now[1].owned == NULL)
			continue;
		now[1].col = now->col;
		now[1].cmp = CMP_LT;
		now[1].text = now[1].owned;
		c->n++;
	}
}

void
conds_free(struct conds *c)
{
	int i;

	for (i = 0; i < c->n; i++)
		free(c->v[i].owned);
}

bool
cond_holds(const struct cond *c, enum table t, const void *row)
{
	const struct col *col = &row_defs[t].cols[c->col];
	int64_t n;
	int sign;

	assert(col->type != COL_BLOB);
	if (col->type == COL_INT) {
		n = row_int_of(row, col);
		sign = (n > c->num) - (n < c->num);
	} else
		sign = strcmp(row_text_of(row, col), c->text);
	switch (c->cmp) {
	case CMP_EQ: return sign == 0;
	case CMP_NE: return sign != 0;
	case CMP_LE: return sign <= 0;
	case CMP_GE: return sign >= 0;
	case CMP_LT: return sign < 0;
	case CMP_GT: return sign > 0;
	default: abort();	/* conds_init leaves no other */
	}
}

int
store_not_unique(struct err *err, enum table t, const char *what)
{
	const struct row_def *d = &row_defs[t];
	const char *column = "key";
	int i;

	assert((unsigned)t < T_COUNT);
	for (i = 0; i < ROW_INDEXES_MAX && d->indexes[i] != NULL; i++)
		if (d->indexes[i][0] == '!')
			column = d->indexes[i] + 1;
	err_set(err, ERR_STORE, "%s already has another %s with this %s",
	    what, d->name, column);
	return -1;
}
