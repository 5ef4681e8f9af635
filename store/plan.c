/* Questions to the store in memory: picks the index that the conditions and
 * the order fit best, seeks to where the answer starts, walks to where it ends,
 * and tests every condition on the way, so that a plan is only ever slow and
 * never wrong. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "store/plan.h"

struct plan {
	const struct index *index;
	int eq;			/* so many first columns are given */
	bool bounded;		/* the column after these has a bound */
	bool ordered;		/* rows come in the order asked for */
	/* The column after these is open and the next one bounded: where a
	 * row is past the bound, leap to the next value of the open one. */
	bool leap;
	int score;
};

struct walk {
	struct plan plan;
	const struct query *q;
	const struct conds *conds;
	struct cols want;	/* the total order of the answer */
	void *probe;
};

enum verdict { TAKE, PASS, LEAP, STOP };

static const struct cond *
equal_to(const struct conds *c, int col)
{
	int i;

	assert(c->n >= 0 && c->n <= 2 * QUERY_WHERES_MAX);
	for (i = 0; i < c->n; i++)
		if (c->v[i].col == col && c->v[i].cmp == CMP_EQ)
			return &c->v[i];
	return NULL;
}

static bool
is_upper(enum cmp cmp)
{
	return cmp == CMP_LE || cmp == CMP_LT;
}

static bool
is_lower(enum cmp cmp)
{
	return cmp == CMP_GE || cmp == CMP_GT;
}

static bool
has_bound(const struct conds *c, int col)
{
	int i;

	for (i = 0; i < c->n; i++)
		if (c->v[i].col == col &&
		    (is_upper(c->v[i].cmp) || is_lower(c->v[i].cmp)))
			return true;
	return false;
}

/* Columns with a given value do not matter for the order. */
static bool
delivers(const struct cols *have, const struct cols *want,
    const struct conds *c)
{
	int i = 0, j = 0;

	for (;;) {
		while (j < want->n && equal_to(c, want->v[j]) != NULL)
			j++;
		if (j == want->n)
			return true;
		while (i < have->n && equal_to(c, have->v[i]) != NULL)
			i++;
		if (i == have->n || have->v[i] != want->v[j])
			return false;
		i++;
		j++;
	}
}

static struct plan
make_plan(const struct index *x, const struct walk *w)
{
	struct plan p = { .index = x };
	const struct cols *cols = &x->cols;

	while (p.eq < cols->n && equal_to(w->conds, cols->v[p.eq]) != NULL)
		p.eq++;
	p.bounded = p.eq < cols->n && has_bound(w->conds, cols->v[p.eq]);
	p.leap = !p.bounded && p.eq + 1 < cols->n &&
	    has_bound(w->conds, cols->v[p.eq + 1]);
	p.ordered = delivers(cols, &w->want, w->conds);
	assert(p.eq <= cols->n && !(p.bounded && p.leap));
	p.score = 10 * p.eq + (p.bounded ? 4 : 0);
	/* With a limit the order is worth most, unless nothing else is known
	 * and the walk could be through all rows. */
	if (p.ordered && w->q->limit > 0)
		p.score += p.leap ? 8 : p.score > 0 ? 5 : 3;
	else if (p.ordered)
		p.score++;
	return p;
}

static void
choose_plan(struct walk *w, const struct index *indexes, int n)
{
	struct plan p;
	int i;

	assert(n >= 1);
	for (i = 0; i < n; i++) {
		p = make_plan(&indexes[i], w);
		if (i == 0 || p.score > w->plan.score)
			w->plan = p;
	}
}

/* Puts the value of a condition into the probe; its texts are borrowed. */
static void
set_probe(struct walk *w, const struct cond *c)
{
	const struct col *col = &row_defs[w->q->table].cols[c->col];

	assert(col->type != COL_BLOB);
	if (col->type == COL_INT)
		*row_int_at(w->probe, col) = c->num;
	else
		*row_text_at(w->probe, col) = row_const(c->text);
}

/* A bound where the walk starts: a lower one when it goes up. NULL if there is
 * none. Of several any one will do. */
static const struct cond *
near_bound(const struct walk *w)
{
	const struct cond *c;
	int i;

	if (!w->plan.bounded)
		return NULL;
	for (i = 0; i < w->conds->n; i++) {
		c = &w->conds->v[i];
		if (c->col == w->plan.index->cols.v[w->plan.eq] &&
		    (w->q->descending ? is_upper(c->cmp) : is_lower(c->cmp)))
			return c;
	}
	return NULL;
}

static struct index_node *
walk_start(struct walk *w)
{
	const struct index *x = w->plan.index;
	const struct cond *near = near_bound(w);
	int i, n = w->plan.eq;

	for (i = 0; i < w->plan.eq; i++)
		set_probe(w, equal_to(w->conds, x->cols.v[i]));
	if (near != NULL) {
		set_probe(w, near);
		n++;
	}
	assert(n <= x->cols.n);
	if (!w->q->descending)
		return index_seek(x, w->probe, n,
		    near != NULL && near->cmp == CMP_GT);
	return index_before(x, index_seek(x, w->probe, n,
	    near == NULL || near->cmp == CMP_LE));
}

static struct index_node *
walk_next(const struct walk *w, const struct index_node *at, bool leap)
{
	const struct index *x = w->plan.index;
	int n = w->plan.eq + 1;

	assert(!leap || w->plan.leap);
	if (!leap)
		return w->q->descending ? at->prev : at->next[0];
	if (w->q->descending)
		return index_before(x, index_seek(x, at->row, n, false));
	return index_seek(x, at->row, n, true);
}

/* What a failed condition means: no later row in the walk can meet it (STOP),
 * none with the same value of the open column (LEAP), or just not this row. */
static enum verdict
judge_failed(const struct walk *w, const struct cond *c)
{
	const struct plan *p = &w->plan;
	const int *cols = p->index->cols.v;
	bool far = w->q->descending ? is_lower(c->cmp) : is_upper(c->cmp);
	int i;

	assert(!p->bounded || p->eq < p->index->cols.n);
	assert(!p->leap || p->eq + 1 < p->index->cols.n);
	for (i = 0; i < p->eq; i++)
		if (c->cmp == CMP_EQ && c->col == cols[i])
			return STOP;
	if (far && p->bounded && c->col == cols[p->eq])
		return STOP;
	if (far && p->leap && c->col == cols[p->eq + 1])
		return LEAP;
	return PASS;
}

static enum verdict
judge(const struct walk *w, const void *row)
{
	enum verdict worst = TAKE, v;
	int i;

	for (i = 0; i < w->conds->n; i++) {
		if (cond_holds(&w->conds->v[i], w->q->table, row))
			continue;
		v = judge_failed(w, &w->conds->v[i]);
		if (v > worst)
			worst = v;
	}
	return worst;
}

/* Keeps a row that came out of order; of those that the limit leaves no room
 * for the last one goes. */
static void
keep_sorted(struct index *sorted, const struct query *q, const void *row)
{
	assert(q->limit == 0 || sorted->n <= (size_t)q->limit);
	index_add(sorted, row);
	if (q->limit > 0 && sorted->n > (size_t)q->limit)
		index_del(sorted, q->descending ? sorted->head[0]->row :
		    sorted->last->row);
}

static void
take_sorted(const struct index *sorted, bool descending, struct rows *out)
{
	const struct index_node *at = descending ? sorted->last :
	    sorted->head[0];
	size_t cap = 0;

	assert(out->n == 0);
	for (; at != NULL; at = descending ? at->prev : at->next[0])
		row_fill(out->table, rows_add(out, &cap), at->row);
}

static void
walk_rows(struct walk *w, struct index *sorted, struct rows *out)
{
	struct index_node *at = walk_start(w);
	enum verdict v = TAKE;
	size_t cap = 0;

	assert(w->plan.ordered == (sorted == NULL));
	for (; at != NULL; at = walk_next(w, at, v == LEAP)) {
		v = judge(w, at->row);
		if (v == STOP)
			return;
		if (v != TAKE)
			continue;
		if (!w->plan.ordered)
			keep_sorted(sorted, w->q, at->row);
		else {
			row_fill(w->q->table, rows_add(out, &cap), at->row);
			if ((int64_t)out->n == w->q->limit)
				return;
		}
	}
}

void
plan_answer(const struct index *indexes, int n, const struct query *q,
    struct rows *out)
{
	struct conds conds;
	struct index sorted;
	struct walk w = { .q = q, .conds = &conds };
	int i;

	assert(n >= 1 && indexes[0].table == q->table);
	assert(out->table == q->table && out->n == 0);
	conds_init(&conds, q);
	cols_parse(&w.want, q->table, q->order);
	for (i = 0; i < w.want.n; i++)
		assert(row_defs[q->table].cols[w.want.v[i]].type != COL_BLOB);
	cols_add_key(&w.want, q->table);
	choose_plan(&w, indexes, n);
	w.probe = xcalloc(1, row_defs[q->table].size);
	if (w.plan.ordered)
		walk_rows(&w, NULL, out);
	else {
		index_init(&sorted, q->table, q->order);
		walk_rows(&w, &sorted, out);
		take_sorted(&sorted, q->descending, out);
		index_fini(&sorted);
	}
	assert(q->limit == 0 || out->n <= (size_t)q->limit);
	free(w.probe);
	conds_free(&conds);
}
