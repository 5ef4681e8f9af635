/* Inside store/: what a kind of store does for store.h, and what all kinds
 * share. */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H
#include "store/batch.h"
#include "store/store.h"

struct tallies {
	struct tally *v;
	size_t n;
};

/* Each of these completes before it returns; store.c calls the callers'
 * completions, when nothing of the call is left open. -1: err. */
struct store_ops {
	/* Applies b in the transaction that is open, or begins one. */
	int (*stage)(struct store *s, const struct batch *b, struct err *err);
	/* Ends the open transaction: durable. */
	int (*commit)(struct store *s, struct err *err);
	/* After -1 of one of these two: nothing of it is there. */
	void (*undo)(struct store *s);
	/* Fills answers[0..n-1], which come in empty; those that are filled
	 * are freed by the caller even on failure. */
	int (*read)(struct store *s, const struct query *q, int n,
	    struct rows *answers, struct err *err);
	/* Fills *out, ascending; the caller frees it even on failure. */
	int (*tally)(struct store *s, enum table t, int col,
	    struct tallies *out, struct err *err);
	void (*close)(struct store *s);
	bool (*failed)(const struct store *s);	/* NULL: never */
};

struct store {			/* the first member of each kind's own */
	const struct store_ops *ops;
	bool open;		/* a transaction, with something in it */
	bool spoiled;		/* ... that failed; what for is in why */
	struct err why;
};

/* Room for one more row at the end of *r, zeroed; it counts at once. */
void *rows_add(struct rows *r, size_t *cap);

/* Counts `count` more of a value and keeps the list ascending. Either text is
 * NULL and num counts, or the other way round. */
void tallies_count(struct tallies *l, const char *text, int64_t num,
    int64_t count);

/* A condition in the form that both stores work with: no CMP_PREFIX (it is
 * two bounds), the column's number, no NULL text. */
struct cond {
	int col;
	enum cmp cmp;
	int64_t num;
	const char *text;
	char *owned;
};
struct conds {
	int n;
	struct cond v[2 * QUERY_WHERES_MAX];
};
void conds_init(struct conds *c, const struct query *q);
void conds_free(struct conds *c);
bool cond_holds(const struct cond *c, enum table t, const void *row);

/* The error for a second row with the same value in a unique index; what
 * names the store. */
int store_not_unique(struct err *err, enum table t, const char *what);
#endif
