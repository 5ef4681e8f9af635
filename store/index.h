/* Inside store/: an ordered set of rows of one table, by some of its columns
 * and, behind these, its key: a skip list, so that seeking costs O(log n) and
 * walking either way O(1). It points to rows and owns none. */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H
#include <stdbool.h>
#include "store/cols.h"

enum { INDEX_LEVELS = 14 };	/* a quarter each: enough for 4^14 rows */

struct index_node {
	const void *row;
	struct index_node *prev;	/* NULL: the first */
	struct index_node *next[];	/* as many as it is high */
};

struct index {
	enum table table;
	struct cols cols;		/* its own, then the rest of the key */
	int own;			/* so many are its own ... */
	bool unique;			/* ... and these are unique */
	size_t n;
	uint64_t seed;
	struct index_node *head[INDEX_LEVELS];
	struct index_node *last;
};

/* columns: as in row_def.indexes, '!' = unique; NULL: the key alone. */
void index_init(struct index *x, enum table t, const char *columns);
void index_fini(struct index *x);
/* The row must not be there yet; to take it out, any row with the same columns
 * will do, and it must be there. */
void index_add(struct index *x, const void *row);
void index_del(struct index *x, const void *row);
/* The first row whose first n columns are not below those of probe, or with
 * `after` are above them; NULL if there is none. */
struct index_node *index_seek(const struct index *x, const void *probe, int n,
    bool after);
/* The one before it; before NULL: the last. */
struct index_node *index_before(const struct index *x,
    const struct index_node *at);
/* A row with the same own columns and another key, or NULL. */
const void *index_rival(const struct index *x, const void *row);
#endif
