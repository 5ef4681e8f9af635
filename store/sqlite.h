/* Inside store/: the parts of the store in SQLite.
 *
 * store_sqlite.c opens and closes, sqlite_commit.c writes, sqlite_read.c
 * reads, sqlite_sql.c composes statements from row_defs, sqlite_err.c says in
 * words what went wrong. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H
#include <sqlite3.h>
#include "base/buf.h"
#include "store/backend.h"

enum {
	STORE_BUSY_MS = 5000,
	STORE_FILE_MIN = 512,		/* one page of the smallest kind; what
					 * is shorter passes for a new file */
	STORE_LENGTH_MAX = 1024 * 1024,	/* of a row, above STORE_ROW_MAX */
	STORE_CACHE_KIB = 8 * 1024,
	STORE_CHECKPOINT_PAGES = 1000,
	STORE_QUERIES_KEPT = 128,
	STORE_ORDER_MAX = 64		/* bytes of a query's order */
};

/* All that decides the text of a query: compared as bytes, so what is not used
 * is zero. */
struct query_shape {
	unsigned char table, descending, n, tally;
	struct { unsigned char col, cmp; } cond[2 * QUERY_WHERES_MAX];
	char order[STORE_ORDER_MAX];
};

/* One prepared statement of each shape of query. */
struct kept_query {
	struct query_shape shape;
	sqlite3_stmt *stmt;		/* NULL: none yet */
};

struct store_sqlite {
	struct store store;
	sqlite3 *db;
	char *path;
	bool broken;			/* the disk failed; H3 */
	bool writing;			/* a transaction is open */
	int failed;			/* what ended it, until it is undone */
	sqlite3_stmt *change[T_COUNT][CHANGE_KINDS];
	struct kept_query kept[STORE_QUERIES_KEPT];
};

int sqlite_stage(struct store *store, const struct batch *b,
    struct err *err);
int sqlite_commit(struct store *store, struct err *err);
void sqlite_undo(struct store *store);
int sqlite_read(struct store *store, const struct query *q, int n,
    struct rows *answers, struct err *err);
int sqlite_tally(struct store *store, enum table t, int col,
    struct tallies *out, struct err *err);

int sqlite_exec(struct store_sqlite *s, const char *sql);
/* Ends a transaction that failed with rc, if one is still open. */
void sqlite_give_up(struct store_sqlite *s, int rc);
/* -1 and err when the store takes no more calls. */
int sqlite_usable(const struct store_sqlite *s, struct err *err);
/* After a question that failed with rc: SQLite may have taken back what is
 * staged. Then nothing more goes into it, and it can't be read either. */
void sqlite_doubt(struct store_sqlite *s, int rc);

/* Text of a statement: the caller frees it. */
char *sqlite_sql_change(enum change_kind kind, enum table t);
char *sqlite_sql_select(const struct query *q, const struct conds *c);
char *sqlite_sql_tally(enum table t, int col);

/* Puts what rc means for the file into err; returns -1. db may be NULL. */
int sqlite_err(struct err *err, sqlite3 *db, int rc, const char *path);
#endif
