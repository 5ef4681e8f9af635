/* The ordered sets behind the store in memory. The heights come from a seed of
 * the index's own, so that a run repeats exactly. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "store/index.h"

void
index_init(struct index *x, enum table t, const char *columns)
{
	memset(x, 0, sizeof(*x));
	x->table = t;
	x->seed = 0x9e3779b97f4a7c15;
	cols_parse(&x->cols, t, columns);
	x->unique = columns != NULL && columns[0] == '!';
	x->own = x->cols.n;
	cols_add_key(&x->cols, t);
	assert(x->own <= x->cols.n && (!x->unique || x->own > 0));
}

void
index_fini(struct index *x)
{
	struct index_node *at, *next;

	assert((x->head[0] == NULL) == (x->n == 0));
	assert((x->last == NULL) == (x->n == 0));
	for (at = x->head[0]; at != NULL; at = next) {
		next = at->next[0];
		free(at);
	}
	memset(x->head, 0, sizeof(x->head));
	x->last = NULL;
	x->n = 0;
}

/* xorshift64: one more level for each pair of zero bits. */
static int
random_height(struct index *x)
{
	uint64_t r;
	int height = 1;

	assert(x->seed != 0);	/* else it would stay 0 for ever */
	x->seed ^= x->seed << 13;
	x->seed ^= x->seed >> 7;
	x->seed ^= x->seed << 17;
	for (r = x->seed; height < INDEX_LEVELS && (r & 3) == 0; r >>= 2)
		height++;
	return height;
}

/* For each level the last node below (with `after`: not above) the probe, NULL
 * being the head. Returns the first node that is not. */
static struct index_node *
descend(const struct index *x, const void *probe, int n, bool after,
    struct index_node *path[INDEX_LEVELS])
{
	struct index_node *at = NULL, *next = NULL;
	int level, sign;

	assert(n >= 0 && n <= x->cols.n);
	for (level = INDEX_LEVELS - 1; level >= 0; level--) {
		for (;;) {
			next = at != NULL ? at->next[level] : x->head[level];
			if (next == NULL)
				break;
			sign = cols_cmp(x->table, &x->cols, n, next->row,
			    probe);
			if (after ? sign > 0 : sign >= 0)
				break;
			at = next;
		}
		path[level] = at;
	}
	return next;
}

struct index_node *
index_seek(const struct index *x, const void *probe, int n, bool after)
{
	struct index_node *path[INDEX_LEVELS];

	assert(n <= x->cols.n);
	return descend(x, probe, n, after, path);
}

/* A node is linked into as many lists as it is high; path knows where. */
void
index_add(struct index *x, const void *row)
{
	struct index_node *path[INDEX_LEVELS], *node, **link;
	int level, height = random_height(x);

	descend(x, row, x->cols.n, false, path);
	node = xcalloc(1, sizeof(*node) + (size_t)height * sizeof(node));
	assert(height >= 1 && height <= INDEX_LEVELS);
	node->row = row;
	node->prev = path[0];
	for (level = 0; level < height; level++) {
		link = path[level] != NULL ? &path[level]->next[level] :
		    &x->head[level];
		node->next[level] = *link;
		*link = node;
	}
	if (node->next[0] != NULL)
		node->next[0]->prev = node;
	else
		x->last = node;
	x->n++;
	assert(node->next[0] == NULL || cols_cmp(x->table, &x->cols,
	    x->cols.n, row, node->next[0]->row) < 0);
	assert(x->head[0] != NULL && x->last != NULL);
}

void
index_del(struct index *x, const void *row)
{
	struct index_node *path[INDEX_LEVELS], *node, **link;
	int level;

	assert(x->n > 0);
	node = descend(x, row, x->cols.n, false, path);
	assert(node != NULL && cols_cmp(x->table, &x->cols, x->cols.n,
	    node->row, row) == 0);
	for (level = 0; level < INDEX_LEVELS; level++) {
		link = path[level] != NULL ? &path[level]->next[level] :
		    &x->head[level];
		if (*link != node)
			break;
		*link = node->next[level];
	}
	if (node->next[0] != NULL)
		node->next[0]->prev = node->prev;
	else
		x->last = node->prev;
	free(node);
	x->n--;
	assert((x->head[0] == NULL) == (x->n == 0));
}

struct index_node *
index_before(const struct index *x, const struct index_node *at)
{
	return at != NULL ? at->prev : x->last;
}

const void *
index_rival(const struct index *x, const void *row)
{
	struct cols key = { 0, { 0 } };
	struct index_node *at = index_seek(x, row, x->own, false);

	assert(x->unique && x->own > 0);
	cols_add_key(&key, x->table);
	for (; at != NULL && cols_cmp(x->table, &x->cols, x->own, at->row,
	    row) == 0; at = at->next[0])
		if (cols_cmp(x->table, &key, key.n, at->row, row) != 0)
			return at->row;
	return NULL;
}
