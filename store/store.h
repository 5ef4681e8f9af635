/* The inventory behind one interface, by completion: SQLite and memory answer
 * within the call, a database over a network later. Callers never assume
 * which. Everything that one turn of the loop changes commits as one
 * transaction, staged in as many batches as the turn asks questions; the
 * completion runs after it is durable.
 *
 * store_sqlite.c: a file, WAL, synchronous FULL, one connection, one owner.
 * store_memory.c: the same promises without durability: it proves this
 * interface, and carries the large simulations. */
#ifndef STORE_STORE_H
#define STORE_STORE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "store/rows.h"

enum { STORE_SCHEMA = 3, STORE_APPLICATION_ID = 0x45564c46 };

/* A batch with a bigger row is refused whole. */
enum { STORE_ROW_MAX = 1000 * 1000 };

struct store;

/* path: the database's file, made (0600) if missing; its directory exists.
 * Refuses a newer schema (ERR_STORE_NEWER), and a foreign application_id or a
 * damaged or empty file (quick_check; security.md H1): ERR_STORE_DAMAGED. All
 * else (disk full, locked, no permission) is ERR_STORE. NULL: err.
 * Nobody else opens the file meanwhile, not even to read: the operator's way
 * in is the daemon (security.md section 0, finding 10). */
struct store *store_open_sqlite(const char *path, struct err *err);
struct store *store_open_memory(void);
/* Gives a file that is not open, and its log, another name beside it:
 * PATH.damaged-20261121T064034Z, at (17 bytes) being the last part of it, with
 * ".2" and so on where that is taken. What is there is kept, byte for byte. to
 * (size bytes) is the name that a person finds: the log's where only that was
 * left. */
int store_move_aside(const char *path, const char *at, char *to, size_t size,
    struct err *err);
void store_close(struct store *s);

/* --- changes ------------------------------------------------------------- */
struct batch;

struct batch *batch_new(void);
void batch_free(struct batch *b);
/* Insert or replace by key. The row is copied. */
void batch_put(struct batch *b, enum table t, const void *row);
/* Delete by key: only the key columns of row are read. */
void batch_del(struct batch *b, enum table t, const void *row);
/* Delete every row whose first key column equals id (children of a
 * certificate). */
void batch_del_all(struct batch *b, enum table t, int64_t id);
bool batch_empty(const struct batch *b);

/* done(ctx, NULL) once all of it is durable, in order; or done(ctx, err) and
 * nothing of it is there. The store takes the batch. Events put with id 0 get
 * the next id; an id is never given twice. A second row with a unique name is
 * an error, not a replacement.
 *
 * After a failure the store goes on (disk full, locked), except when the disk
 * itself failed: then nobody knows what is on it, every later call fails, and
 * only opening it again helps (security.md H3). A batch that failed that way
 * may be found whole after opening (H6). */
typedef void store_done(void *ctx, const struct err *err);
void store_commit(struct store *s, struct batch *b, store_done *done,
    void *ctx);
/* The disk itself has failed: see above. */
bool store_failed(const struct store *s);
/* A part of what the next store_commit makes durable: questions see it at
 * once, and until then nobody else does. What goes wrong here is told by that
 * commit, which then takes back all parts; until it has, questions fail, too.
 * The store takes the batch. */
void store_stage(struct store *s, struct batch *b);

/* --- questions ----------------------------------------------------------- */
enum cmp { CMP_EQ, CMP_NE, CMP_LE, CMP_GE, CMP_LT, CMP_GT, CMP_PREFIX };

struct where {
	const char *col;
	enum cmp cmp;
	int64_t num;		/* for COL_INT */
	const char *text;	/* for COL_TEXT */
};

enum { QUERY_WHERES_MAX = 6, QUERY_MAX = 16 };

/* Texts compare byte by byte. Rows come ordered by `order`, then by key, so
 * that the order is total and a page ends where the next one starts
 * (CMP_GT the last row); descending turns all of it round. Blobs can be
 * neither compared nor ordered by. A query is quick when an index of rows.c
 * starts with the columns compared by CMP_EQ and goes on with those of
 * `order`; "kind due_ms" with a bound on due_ms is quick, too. */
struct query {
	enum table table;
	struct where where[QUERY_WHERES_MAX];
	int wheres;
	const char *order;	/* columns, space separated; NULL: by key */
	bool descending;
	int64_t limit;		/* 0: all */
};

/* The answer to one query: n rows of row_defs[table].size bytes each. */
struct rows {
	enum table table;
	size_t n;
	void *v;
};
#define ROWS_AT(r, type, i) (&((struct type *)(r)->v)[i])
void rows_free(struct rows *r);

/* Several questions in one go, one consistent view. The answers belong to the
 * callback; what it wants to keep it takes (sets v to NULL and n to 0). */
typedef void store_rows(void *ctx, struct rows *answers, int n,
    const struct err *err);
void store_read(struct store *s, const struct query *q, int n,
    store_rows *done, void *ctx);

/* How many rows there are for each value of a text or int column, ascending;
 * text is NULL for an int column. t belongs to the store. It costs a walk over
 * an index that starts with the column (a tenth of a second at a million
 * rows), so ask once per scrape or page and not per step; a column without
 * index costs a walk over the table. */
struct tally { char *text; int64_t num; int64_t count; };
typedef void store_tally_done(void *ctx, const struct tally *t, size_t n,
    const struct err *err);
void store_tally(struct store *s, enum table t, const char *col,
    store_tally_done *done, void *ctx);
#endif
