/* Inside store/: fields of a row by column, and lists of columns. */
#ifndef STORE_COLS_H
#define STORE_COLS_H
#include "store/rows.h"

static inline const void *
row_at(const void *row, const struct col *c)
{
	return (const char *)row + c->offset;
}

static inline int64_t
row_int_of(const void *row, const struct col *c)
{
	return *(const int64_t *)row_at(row, c);
}

/* Never NULL: a text that is not there is empty. */
static inline const char *
row_text_of(const void *row, const struct col *c)
{
	const char *s = *(char *const *)row_at(row, c);

	return s != NULL ? s : "";
}

static inline const struct blob *
row_blob_of(const void *row, const struct col *c)
{
	return row_at(row, c);
}

static inline int64_t *
row_int_at(void *row, const struct col *c)
{
	return (void *)((char *)row + c->offset);
}

static inline char **
row_text_at(void *row, const struct col *c)
{
	return (void *)((char *)row + c->offset);
}

static inline struct blob *
row_blob_at(void *row, const struct col *c)
{
	return (void *)((char *)row + c->offset);
}

/* Fills *to (row_defs[t].size bytes, contents ignored) with a deep copy in
 * which no text is NULL. */
void row_fill(enum table t, void *to, const void *from);

/* A list of columns without doubles, by their numbers. */
enum { COLS_MAX = 2 * ROW_KEYS_MAX + 4 };
struct cols {
	int n;
	int v[COLS_MAX];
};
void cols_add(struct cols *l, int col);
/* From names with spaces between; '!' is passed over; NULL is none. */
void cols_parse(struct cols *l, enum table t, const char *names);
void cols_add_key(struct cols *l, enum table t);
/* Compares two rows by the first n columns: numbers, and bytes. */
int cols_cmp(enum table t, const struct cols *l, int n, const void *a,
    const void *b);
#endif
