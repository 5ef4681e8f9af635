/* Reading: several questions in one transaction (that of what is staged, when
 * something is), each by a statement that
 * is prepared once for its shape and kept. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "store/cols.h"
#include "store/sqlite.h"

static void
shape_of(struct query_shape *to, const struct query *q, const struct conds *c)
{
	const char *order = q->order != NULL ? q->order : "";
	int i;

	assert(strlen(order) < sizeof(to->order));
	memset(to, 0, sizeof(*to));
	to->table = (unsigned char)q->table;
	to->descending = q->descending;
	to->n = (unsigned char)c->n;
	for (i = 0; i < c->n; i++) {
		to->cond[i].col = (unsigned char)c->v[i].col;
		to->cond[i].cmp = (unsigned char)c->v[i].cmp;
	}
	memcpy(to->order, order, strlen(order));
}

/* FNV-1a: where a statement is kept. Two shapes that meet there take turns. */
static struct kept_query *
place_for(struct store_sqlite *s, const struct query_shape *shape)
{
	const unsigned char *p = (const unsigned char *)shape;
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < sizeof(*shape); i++)
		h = (h ^ p[i]) * 16777619u;
	return &s->kept[h % STORE_QUERIES_KEPT];
}

/* The statement of this shape; NULL: it is to be kept first. */
static sqlite3_stmt *
find_kept(struct store_sqlite *s, const struct query_shape *shape)
{
	const struct kept_query *k = place_for(s, shape);

	return k->stmt != NULL &&
	    memcmp(&k->shape, shape, sizeof(*shape)) == 0 ? k->stmt : NULL;
}

/* Takes sql, the text for this shape. */
static int
keep(struct store_sqlite *s, const struct query_shape *shape, char *sql,
    sqlite3_stmt **stmt)
{
	struct kept_query *k = place_for(s, shape);
	int rc;

	sqlite3_finalize(k->stmt);
	k->stmt = NULL;
	k->shape = *shape;
	rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &k->stmt, NULL);
	free(sql);
	*stmt = k->stmt;
	return rc;
}

/* To compose the text anew for each question would cost more than most answers
 * do. */
static int
prepare_query(struct store_sqlite *s, const struct query *q,
    const struct conds *c, sqlite3_stmt **stmt)
{
	struct query_shape shape;

	shape_of(&shape, q, c);
	*stmt = find_kept(s, &shape);
	return *stmt != NULL ? SQLITE_OK :
	    keep(s, &shape, sqlite_sql_select(q, c), stmt);
}

static int
prepare_tally(struct store_sqlite *s, enum table t, int col,
    sqlite3_stmt **stmt)
{
	struct query_shape shape;

	memset(&shape, 0, sizeof(shape));
	shape.tally = 1;
	shape.table = (unsigned char)t;
	shape.cond[0].col = (unsigned char)col;
	*stmt = find_kept(s, &shape);
	return *stmt != NULL ? SQLITE_OK :
	    keep(s, &shape, sqlite_sql_tally(t, col), stmt);
}

/* The limit comes last and is always there, so that all pages of a list share
 * one statement; -1 is none. */
static int
bind_query(sqlite3_stmt *stmt, const struct query *q, const struct conds *c)
{
	const struct col *cols = row_defs[q->table].cols;
	int i, rc = SQLITE_OK;

	for (i = 0; rc == SQLITE_OK && i < c->n; i++) {
		if (cols[c->v[i].col].type == COL_INT)
			rc = sqlite3_bind_int64(stmt, i + 1, c->v[i].num);
		else
			rc = sqlite3_bind_text(stmt, i + 1, c->v[i].text, -1,
			    SQLITE_STATIC);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, c->n + 1,
		    q->limit > 0 ? q->limit : -1);
	assert(rc != SQLITE_OK ||
	    sqlite3_bind_parameter_count(stmt) == c->n + 1);
	return rc;
}

static int
read_column(sqlite3_stmt *stmt, int i, void *row, const struct col *c)
{
	const void *p;

	if (c->type == COL_INT) {
		*row_int_at(row, c) = sqlite3_column_int64(stmt, i);
		return SQLITE_OK;
	}
	if (c->type == COL_BLOB) {
		p = sqlite3_column_blob(stmt, i);
		*row_blob_at(row, c) = blob_copy(p,
		    p != NULL ? (size_t)sqlite3_column_bytes(stmt, i) : 0);
		return SQLITE_OK;
	}
	p = sqlite3_column_text(stmt, i);
	*row_text_at(row, c) = xstrdup(p != NULL ? p : "");
	/* No column may be NULL: there was no memory for the text. */
	return p != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

static int
read_row(sqlite3_stmt *stmt, void *row, enum table t)
{
	const struct col *c = row_defs[t].cols;
	int i, rc = SQLITE_OK;

	for (i = 0; rc == SQLITE_OK && c[i].name != NULL; i++)
		rc = read_column(stmt, i, row, &c[i]);
	assert(rc != SQLITE_OK || i == sqlite3_column_count(stmt));
	return rc;
}

static int
read_rows(sqlite3_stmt *stmt, struct rows *out)
{
	size_t cap = 0;
	int rc;

	assert(out->n == 0 && out->v == NULL);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		rc = read_row(stmt, rows_add(out, &cap), out->table);
		if (rc != SQLITE_OK)
			return rc;
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
answer(struct store_sqlite *s, const struct query *q, struct rows *out)
{
	struct conds conds;
	sqlite3_stmt *stmt;
	int rc;

	conds_init(&conds, q);
	rc = prepare_query(s, q, &conds, &stmt);
	if (rc == SQLITE_OK) {
		rc = bind_query(stmt, q, &conds);
		if (rc == SQLITE_OK)
			rc = read_rows(stmt, out);
		sqlite3_reset(stmt);
		sqlite3_clear_bindings(stmt);
	}
	conds_free(&conds);
	return rc;
}

int
sqlite_read(struct store *store, const struct query *q, int n,
    struct rows *answers, struct err *err)
{
	struct store_sqlite *s = (struct store_sqlite *)store;
	int i, rc;

	assert(n >= 1 && n <= QUERY_MAX);
	if (sqlite_usable(s, err) != 0)
		return -1;
	rc = s->writing ? SQLITE_OK : sqlite_exec(s, "BEGIN");
	for (i = 0; rc == SQLITE_OK && i < n; i++)
		rc = answer(s, &q[i], &answers[i]);
	if (rc == SQLITE_OK && !s->writing)
		rc = sqlite_exec(s, "COMMIT");
	if (rc == SQLITE_OK)
		return 0;
	sqlite_err(err, s->db, rc, s->path);
	sqlite_doubt(s, rc);
	if (!s->writing)
		sqlite_give_up(s, SQLITE_OK);
	return -1;
}

static int
count_rows(sqlite3_stmt *stmt, const struct col *c, struct tallies *out)
{
	const char *text;
	int64_t count;
	int rc;

	assert(sqlite3_column_count(stmt) == 2 && c->type != COL_BLOB);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		count = sqlite3_column_int64(stmt, 1);
		if (c->type == COL_INT) {
			tallies_count(out, NULL,
			    sqlite3_column_int64(stmt, 0), count);
			continue;
		}
		text = (const char *)sqlite3_column_text(stmt, 0);
		if (text == NULL)
			return SQLITE_NOMEM;
		tallies_count(out, text, 0, count);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
sqlite_tally(struct store *store, enum table t, int col, struct tallies *out,
    struct err *err)
{
	struct store_sqlite *s = (struct store_sqlite *)store;
	sqlite3_stmt *stmt;
	int rc;

	if (sqlite_usable(s, err) != 0)
		return -1;
	rc = prepare_tally(s, t, col, &stmt);
	if (rc == SQLITE_OK) {
		rc = count_rows(stmt, &row_defs[t].cols[col], out);
		sqlite3_reset(stmt);
	}
	if (rc == SQLITE_OK)
		return 0;
	sqlite_doubt(s, rc);
	return sqlite_err(err, s->db, rc, s->path);
}
