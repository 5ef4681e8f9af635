/* Composes every statement but the schema from row_defs. Names are quoted,
 * since "where", "order" and "key" are words of SQL; values are bound. */
#include <config.h>
#include <assert.h>
#include "store/cols.h"
#include "store/sqlite.h"

enum { SQL_MAX = 16 * 1024 };

static char *
finish(struct buf *b)
{
	assert(!b->full);
	return buf_take(b);
}

/* All columns from the first to before the last, each in quotes, with what
 * comes after each of them and between them. */
static void
put_columns(struct buf *b, enum table t, int first, int last,
    const char *after, const char *between)
{
	int i;

	assert(first >= 0 && first < last);
	for (i = first; i < last; i++)
		buf_printf(b, "%s\"%s\"%s", i > first ? between : "",
		    row_defs[t].cols[i].name, after);
}

static int
count_columns(enum table t)
{
	int n = 0;

	while (row_defs[t].cols[n].name != NULL)
		n++;
	assert(n > 0 && n <= ROW_COLS_MAX);
	return n;
}

static void
put_upsert(struct buf *b, enum table t)
{
	const struct col *cols = row_defs[t].cols;
	int i, keys = row_defs[t].keys, n = count_columns(t);

	assert(keys < n);	/* else there would be nothing to set */
	buf_printf(b, "INSERT INTO \"%s\" (", row_defs[t].name);
	put_columns(b, t, 0, n, "", ", ");
	buf_puts(b, ") VALUES (?");
	for (i = 1; i < n; i++)
		buf_puts(b, ", ?");
	buf_puts(b, ") ON CONFLICT (");
	put_columns(b, t, 0, keys, "", ", ");
	buf_puts(b, ") DO UPDATE SET ");
	for (i = keys; i < n; i++)
		buf_printf(b, "%s\"%s\" = excluded.\"%s\"",
		    i > keys ? ", " : "", cols[i].name, cols[i].name);
}

char *
sqlite_sql_change(enum change_kind kind, enum table t)
{
	struct buf b;

	assert(kind < CHANGE_KINDS && (unsigned)t < T_COUNT);
	buf_init(&b, SQL_MAX);
	if (kind == CHANGE_PUT)
		put_upsert(&b, t);
	else {
		buf_printf(&b, "DELETE FROM \"%s\" WHERE ", row_defs[t].name);
		put_columns(&b, t, 0,
		    kind == CHANGE_DEL ? row_defs[t].keys : 1, " = ?",
		    " AND ");
	}
	return finish(&b);
}

static void
put_conditions(struct buf *b, enum table t, const struct conds *c)
{
	static const char *const signs[] = {
		[CMP_EQ] = "=", [CMP_NE] = "<>", [CMP_LE] = "<=",
		[CMP_GE] = ">=", [CMP_LT] = "<", [CMP_GT] = ">"
	};
	int i;

	assert(c->n >= 0 && c->n <= 2 * QUERY_WHERES_MAX);
	for (i = 0; i < c->n; i++)
		buf_printf(b, "%s\"%s\" %s ?", i == 0 ? " WHERE " : " AND ",
		    row_defs[t].cols[c->v[i].col].name, signs[c->v[i].cmp]);
}

char *
sqlite_sql_select(const struct query *q, const struct conds *c)
{
	const struct col *cols = row_defs[q->table].cols;
	struct cols order;
	struct buf b;
	int i;

	assert(q->limit >= 0);
	cols_parse(&order, q->table, q->order);
	cols_add_key(&order, q->table);
	buf_init(&b, SQL_MAX);
	buf_puts(&b, "SELECT ");
	put_columns(&b, q->table, 0, count_columns(q->table), "", ", ");
	buf_printf(&b, " FROM \"%s\"", row_defs[q->table].name);
	put_conditions(&b, q->table, c);
	for (i = 0; i < order.n; i++) {
		assert(cols[order.v[i]].type != COL_BLOB);
		buf_printf(&b, "%s\"%s\"%s", i == 0 ? " ORDER BY " : ", ",
		    cols[order.v[i]].name, q->descending ? " DESC" : "");
	}
	buf_puts(&b, " LIMIT ?");
	return finish(&b);
}

char *
sqlite_sql_tally(enum table t, int col)
{
	const char *name = row_defs[t].cols[col].name;
	struct buf b;

	assert(row_defs[t].cols[col].type != COL_BLOB);
	buf_init(&b, SQL_MAX);
	buf_printf(&b, "SELECT \"%s\", count(*) FROM \"%s\" GROUP BY \"%s\"",
	    name, row_defs[t].name, name);
	return finish(&b);
}
