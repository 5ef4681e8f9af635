/* Writing: batches that are staged one after another are one transaction,
 * durable when it ends. What can fail is taken back whole; after an error of
 * the disk itself the connection is given up, because the kernel may have
 * dropped pages that a second try would find
 * clean (security.md H3). */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "store/cols.h"
#include "store/sqlite.h"

int
sqlite_exec(struct store_sqlite *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

int
sqlite_usable(const struct store_sqlite *s, struct err *err)
{
	if (!s->broken && s->failed == SQLITE_OK)
		return 0;
	if (!s->broken)
		return sqlite_err(err, s->db, s->failed, s->path);
	err_set(err, ERR_STORE, "inventory \"%s\" is not used any more: the "
	    "disk reported an error", s->path);
	return err_advise(err, "Look into the kernel's log and check the "
	    "disk, then restart the daemon");
}

void
sqlite_doubt(struct store_sqlite *s, int rc)
{
	if (s->writing && sqlite3_get_autocommit(s->db))
		s->failed = rc;
}

void
sqlite_give_up(struct store_sqlite *s, int rc)
{
	assert(s->db != NULL);
	if ((rc & 0xff) == SQLITE_IOERR)
		s->broken = true;
	if (!sqlite3_get_autocommit(s->db) &&
	    sqlite_exec(s, "ROLLBACK") != SQLITE_OK &&
	    !sqlite3_get_autocommit(s->db))
		s->broken = true;
}

/* Once for each table and kind of change, for as long as the file is open. */
static int
prepare_change(struct store_sqlite *s, enum change_kind kind, enum table t)
{
	sqlite3_stmt **stmt = &s->change[t][kind];
	char *sql;
	int rc;

	assert(kind < CHANGE_KINDS && (unsigned)t < T_COUNT);
	if (*stmt != NULL)
		return SQLITE_OK;
	sql = sqlite_sql_change(kind, t);
	rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    stmt, NULL);
	free(sql);
	return rc;
}

static int
bind_column(sqlite3_stmt *stmt, int at, const void *row, const struct col *c)
{
	const struct blob *b;

	assert(at >= 1 && at <= ROW_COLS_MAX);
	if (c->type == COL_INT)
		return sqlite3_bind_int64(stmt, at, row_int_of(row, c));
	if (c->type == COL_TEXT)
		return sqlite3_bind_text(stmt, at, row_text_of(row, c), -1,
		    SQLITE_STATIC);
	b = row_blob_of(row, c);
	if (b->len == 0)	/* no bytes, which is not the same as NULL */
		return sqlite3_bind_zeroblob(stmt, at, 0);
	return sqlite3_bind_blob64(stmt, at, b->p, b->len, SQLITE_STATIC);
}

static int
bind_row(sqlite3_stmt *stmt, const struct change *c)
{
	const struct row_def *d = &row_defs[c->table];
	int i, rc = SQLITE_OK;
	int n = c->kind == CHANGE_PUT ? ROW_COLS_MAX :
	    c->kind == CHANGE_DEL ? d->keys : 1;

	for (i = 0; rc == SQLITE_OK && i < n && d->cols[i].name != NULL; i++) {
		/* An event without id: the file counts on. */
		if (c->kind == CHANGE_PUT && c->table == T_EVENT && i == 0 &&
		    row_int_of(c->row, &d->cols[0]) == 0)
			rc = sqlite3_bind_null(stmt, 1);
		else
			rc = bind_column(stmt, i + 1, c->row, &d->cols[i]);
	}
	assert(rc != SQLITE_OK || i == sqlite3_bind_parameter_count(stmt));
	return rc;
}

static int
apply(struct store_sqlite *s, const struct change *c)
{
	sqlite3_stmt *stmt;
	int rc = prepare_change(s, c->kind, c->table);

	if (rc != SQLITE_OK)
		return rc;
	stmt = s->change[c->table][c->kind];
	rc = bind_row(stmt, c);
	if (rc == SQLITE_OK)
		sqlite3_step(stmt);
	/* The bound texts are the batch's: they must not outlive it here. */
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

/* The only constraints are NOT NULL, which no row of ours can break, and the
 * unique indexes. */
static int
explain(struct store_sqlite *s, int rc, const struct change *c,
    struct err *err)
{
	assert(rc != SQLITE_OK);
	if ((rc & 0xff) != SQLITE_CONSTRAINT || c == NULL)
		return sqlite_err(err, s->db, rc, s->path);
	store_not_unique(err, c->table, "the inventory");
	return err_context(err, "inventory \"%s\"", s->path);
}

int
sqlite_stage(struct store *store, const struct batch *b, struct err *err)
{
	struct store_sqlite *s = (struct store_sqlite *)store;
	const struct change *c = NULL;
	int rc = SQLITE_OK;
	size_t i;

	assert(b->n > 0);
	if (sqlite_usable(s, err) != 0)
		return -1;
	if (!s->writing)
		rc = sqlite_exec(s, "BEGIN IMMEDIATE");
	else if (sqlite3_get_autocommit(s->db))
		/* A read that failed for want of memory or disk has ended the
		 * transaction: each change would now be durable by itself. */
		rc = SQLITE_ABORT_ROLLBACK;
	s->writing = rc == SQLITE_OK;
	assert(!s->writing || !sqlite3_get_autocommit(s->db));
	for (i = 0; rc == SQLITE_OK && i < b->n; i++) {
		c = &b->v[i];
		rc = apply(s, c);
	}
	if (rc == SQLITE_OK)
		return 0;
	explain(s, rc, c, err);
	s->failed = rc;
	return -1;
}

int
sqlite_commit(struct store *store, struct err *err)
{
	struct store_sqlite *s = (struct store_sqlite *)store;
	int rc;

	if (sqlite_usable(s, err) != 0)
		return -1;
	assert(s->writing);
	rc = sqlite_exec(s, "COMMIT");
	if (rc == SQLITE_OK) {
		s->writing = false;
		assert(sqlite3_get_autocommit(s->db));
		return 0;
	}
	s->failed = rc;
	return sqlite_err(err, s->db, rc, s->path);
}

void
sqlite_undo(struct store *store)
{
	struct store_sqlite *s = (struct store_sqlite *)store;

	s->writing = false;
	sqlite_give_up(s, s->failed);
	s->failed = SQLITE_OK;
	assert(s->broken || sqlite3_get_autocommit(s->db));
}
