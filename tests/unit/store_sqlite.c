/* The inventory's file: what is refused, what survives. The rows named H are
 * those of the catalogue of faults. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "store/schema.h"
#include "store/sqlite.h"
#include "store_fixture.h"

static char *dir, *file;

static int
set_up(void **state)
{
	(void)state;
	dir = make_dir();
	file = path_in(dir, "everleaf.db");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	free(file);
	remove_dir(dir);
	return 0;
}

static struct store *
open_well(void)
{
	struct err err;
	struct store *s = store_open_sqlite(file, &err);

	if (s == NULL)
		fail_msg("open: %s", err.text);
	return s;
}

/* A person is told the name, and the notice ends when that file is gone. */
static void
h1_what_is_moved_aside_is_named(void **state)
{
	static const char *const left[] = { "", "", "-wal" };
	char to[4300], first[4300] = "", from[4300];
	struct err err;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < 3; i++) {
		snprintf(from, sizeof(from), "%s%s", file, left[i]);
		fd = open(from, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		close(fd);
		assert_int_equal(store_move_aside(file, "20261121T064034Z", to,
		    sizeof(to), &err), 0);
		assert_int_not_equal(access(from, F_OK), 0);
		assert_int_equal(access(to, F_OK), 0);
		assert_string_not_equal(to, first);
		snprintf(first, sizeof(first), "%s", to);
	}
}

/* Closing is what a crash comes to. */
static void
what_is_staged_only_is_lost(void **state)
{
	struct row_policy p = policy_row("gold", "one");
	struct query q = query_of(T_POLICY, NULL);
	struct store *s = open_well();
	struct batch *b = batch_new();
	struct rows r;

	(void)state;
	batch_put(b, T_POLICY, &p);
	store_stage(s, b);
	store_close(s);
	s = open_well();
	r = ask(s, &q);
	assert_int_equal(r.n, 0);
	rows_free(&r);
	store_close(s);
}

static void
refused(enum err_code code, const char *words)
{
	struct err err;
	struct store *s = store_open_sqlite(file, &err);

	assert_null(s);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, file));
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
	assert_true(err.advice[0] != '\0');
}

/* Runs SQL on the file by a connection of the test's own. */
static void
run_sql(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void
put_policy(struct batch *b, const char *name, const char *hash)
{
	struct row_policy p = policy_row(name, hash);

	batch_put(b, T_POLICY, &p);
}

static size_t
count_policies(struct store *s)
{
	struct query q = query_of(T_POLICY, NULL);
	struct rows r = ask(s, &q);
	size_t n = r.n;

	rows_free(&r);
	return n;
}

static void
write_one(const char *name)
{
	struct store *s = open_well();
	struct batch *b = batch_new();

	put_policy(b, name, "x");
	commit_well(s, b);
	store_close(s);
}

/* --- the file ------------------------------------------------------------- */

static void
reopening_keeps_data(void **state)
{
	struct store *s;
	struct stat st;
	char *log;
	mode_t was;

	(void)state;
	was = umask(0);
	write_one("gold");
	umask(was);
	write_one("silver");
	s = open_well();
	assert_int_equal(count_policies(s), 2);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	log = path_in(dir, "everleaf.db-wal");
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	free(log);
	log = path_in(dir, "everleaf.db.new");
	assert_int_equal(stat(log, &st), -1);
	free(log);
	store_close(s);
}

static int
pragma(struct store *s, const char *sql)
{
	int value = -1;

	assert_int_equal(schema_pragma(((struct store_sqlite *)s)->db, sql,
	    &value), SQLITE_OK);
	return value;
}

static void
the_connection_is_strict(void **state)
{
	struct store *s = open_well();
	sqlite3 *db = ((struct store_sqlite *)s)->db;

	(void)state;
	assert_int_equal(pragma(s, "PRAGMA synchronous"), 2);
	assert_int_equal(pragma(s, "PRAGMA trusted_schema"), 0);
	assert_int_equal(pragma(s, "PRAGMA page_size"), 8192);
	assert_int_equal(pragma(s, "PRAGMA user_version"), STORE_SCHEMA);
	assert_int_equal(pragma(s, "PRAGMA application_id"),
	    STORE_APPLICATION_ID);
	assert_int_equal(pragma(s, "PRAGMA secure_delete"), 1);
	assert_int_equal(pragma(s, "SELECT (SELECT journal_mode FROM "
	    "pragma_journal_mode) = 'wal'"), 1);
	assert_int_equal(sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1),
	    STORE_LENGTH_MAX);
	assert_int_not_equal(sqlite3_exec(db, "SELECT \"no column\"", NULL,
	    NULL, NULL), SQLITE_OK);
	store_close(s);
}

static void
h5_a_newer_schema_is_refused(void **state)
{
	(void)state;
	write_one("gold");
	run_sql("PRAGMA user_version = 4");
	refused(ERR_STORE_NEWER, "schema 4");
	run_sql("PRAGMA user_version = 3");
	write_one("silver");
}

static void
a_foreign_file_is_refused(void **state)
{
	(void)state;
	run_sql("CREATE TABLE t (x); PRAGMA user_version = 1");
	refused(ERR_STORE_DAMAGED, "another program");
	run_sql("PRAGMA application_id = 1196444487");
	refused(ERR_STORE_DAMAGED, "another program");
}

static void
overwrite(size_t at, const void *p, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, (off_t)at), n);
	close(fd);
}

static void
h1_garbage_is_refused(void **state)
{
	char page[8192];

	(void)state;
	memset(page, 'g', sizeof(page));
	overwrite(0, page, sizeof(page));
	refused(ERR_STORE_DAMAGED, "damaged");
	assert_int_equal(truncate(file, 0), 0);
	refused(ERR_STORE_DAMAGED, "only 0 bytes");
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	refused(ERR_STORE, "no regular file");
}

static void
h1_a_log_without_its_file_is_refused(void **state)
{
	char *log = path_in(dir, "everleaf.db-wal");
	int fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(write(fd, "log", 3), 3);
	close(fd);
	free(log);
	refused(ERR_STORE_DAMAGED, "missing");
}

static size_t
file_size(void)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	return (size_t)st.st_size;
}

/* A few hundred rows over several pages. */
static void
write_many(void)
{
	struct store *s = open_well();
	struct batch *b = batch_new();
	struct row_cert c;
	char name[32];
	int i;

	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "c%d.example", i);
		c = cert_row(i + 1, name, "served");
		batch_put(b, T_CERT, &c);
	}
	commit_well(s, b);
	store_close(s);
}

/* A cut within the last page can't be told: SQLite has no checksums. */
static void
h1_a_truncated_file_is_refused(void **state)
{
	size_t size, cut;

	(void)state;
	write_many();
	size = file_size();
	for (cut = size - 8192; cut > 0; cut = cut > 20000 ? cut - 17000 :
	    cut / 2) {
		assert_int_equal(truncate(file, (off_t)cut), 0);
		refused(ERR_STORE_DAMAGED, "damaged");
	}
}

/* Whatever is flipped: the file is refused, or it opens and answers, or it
 * answers with an error; and it never ends the process. */
static void
ignore_rows(void *ctx, struct rows *answers, int n, const struct err *err)
{
	(void)answers;
	(void)n;
	++*(int *)ctx;
	if (err != NULL)
		assert_true(err->code == ERR_STORE ||
		    err->code == ERR_STORE_DAMAGED);
}

static bool
try_damaged(void)
{
	struct query q = query_of(T_CERT, "state name");
	struct store *s;
	struct err err;
	int calls = 0;

	s = store_open_sqlite(file, &err);
	if (s == NULL) {
		assert_true(err.text[0] != '\0');
		return false;
	}
	store_read(s, &q, 1, ignore_rows, &calls);
	assert_int_equal(calls, 1);
	store_close(s);
	return true;
}

static void
h1_flipped_bits_never_crash(void **state)
{
	char *whole, *zero = xcalloc(1, 8192);
	uint64_t r = 42;
	int i, fd, opened = 0;
	size_t size, at;

	(void)state;
	write_many();
	size = file_size();
	whole = xcalloc(1, size);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, whole, size), size);
	close(fd);
	for (i = 0; i < 120; i++) {
		r = r * 6364136223846793005u + 1442695040888963407u;
		at = (size_t)(r >> 33) % size;
		overwrite(0, whole, size);
		if (i % 4 == 0)
			overwrite(at / 8192 * 8192, zero, 8192);
		else
			overwrite(at, (char[]){ (char)(whole[at] ^
			    (1 << (r >> 20 & 7))) }, 1);
		opened += try_damaged();
	}
	print_message("# %d of 120 damaged files opened\n", opened);
	assert_true(opened < 100);
	free(zero);
	free(whole);
}

/* --- the schema ----------------------------------------------------------- */

static sqlite3_stmt *
prepared(sqlite3 *db, const char *sql, const char *name)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (name != NULL)
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	return stmt;
}

static const char *
text_of(sqlite3_stmt *stmt, int i)
{
	return (const char *)sqlite3_column_text(stmt, i);
}

static void
columns_match(sqlite3 *db, const struct row_def *d)
{
	static const char *const types[] = { "INTEGER", "TEXT", "BLOB" };
	sqlite3_stmt *stmt = prepared(db, "SELECT name, type, \"notnull\", pk "
	    "FROM pragma_table_info(?) ORDER BY cid", d->name);
	int i;

	for (i = 0; d->cols[i].name != NULL; i++) {
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		assert_string_equal(text_of(stmt, 0), d->cols[i].name);
		assert_string_equal(text_of(stmt, 1), types[d->cols[i].type]);
		assert_int_equal(sqlite3_column_int(stmt, 2), 1);
		assert_int_equal(sqlite3_column_int(stmt, 3),
		    i < d->keys ? i + 1 : 0);
	}
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
}

/* The index as row_defs writes it, or NULL when it has none like this. */
static void
index_known(const struct row_def *d, const char *columns)
{
	int i;

	for (i = 0; i < ROW_INDEXES_MAX && d->indexes[i] != NULL; i++)
		if (strcmp(d->indexes[i], columns) == 0)
			return;
	fail_msg("%s has an index \"%s\" in the file only", d->name, columns);
}

static void
indexes_match(sqlite3 *db, const struct row_def *d)
{
	sqlite3_stmt *stmt = prepared(db, "SELECT iif(l.\"unique\", '!', '') "
	    "|| (SELECT group_concat(name, ' ') FROM (SELECT name FROM "
	    "pragma_index_info(l.name) ORDER BY seqno)) "
	    "FROM pragma_index_list(?) AS l WHERE l.origin = 'c'", d->name);
	int n = 0, want = 0;

	while (sqlite3_step(stmt) == SQLITE_ROW) {
		index_known(d, text_of(stmt, 0));
		n++;
	}
	sqlite3_finalize(stmt);
	while (want < ROW_INDEXES_MAX && d->indexes[want] != NULL)
		want++;
	assert_int_equal(n, want);
}

static void
the_schema_is_what_the_program_thinks(void **state)
{
	struct store *s = open_well();
	sqlite3 *db = ((struct store_sqlite *)s)->db;
	sqlite3_stmt *stmt;
	int t;

	(void)state;
	for (t = 0; t < T_COUNT; t++) {
		columns_match(db, &row_defs[t]);
		indexes_match(db, &row_defs[t]);
	}
	stmt = prepared(db, "SELECT count(*), sum(strict) FROM "
	    "pragma_table_list WHERE schema = 'main' AND "
	    "name NOT LIKE 'sqlite_%'", NULL);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(stmt, 0), T_COUNT);
	assert_int_equal(sqlite3_column_int(stmt, 1), T_COUNT);
	sqlite3_finalize(stmt);
	store_close(s);
}

/* Bad is the second of three: the first stays, the second leaves nothing. */
static void
h5_a_failed_migration_is_taken_back(void **state)
{
	static const char *const one[] = { "CREATE TABLE a (x)", NULL };
	static const char *const bad[] = { "CREATE TABLE b (x)",
		"INSERT INTO a VALUES (1)", "CREATE TABLE a (x)", NULL };
	static const char *const good[] = { "CREATE TABLE b (x)", NULL };
	static const char *const last[] = { "CREATE TABLE c (x)", NULL };
	static const struct migration wrong[] = { { one }, { bad }, { last } };
	static const struct migration right[] = { { one }, { good },
		{ last } };
	int version = -1, tables = -1;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_not_equal(schema_migrate(db, wrong, 3), SQLITE_OK);
	schema_pragma(db, "PRAGMA user_version", &version);
	schema_pragma(db, "SELECT count(*) FROM sqlite_schema", &tables);
	assert_int_equal(version, 1);
	assert_int_equal(tables, 1);
	schema_pragma(db, "SELECT count(*) FROM a", &tables);
	assert_int_equal(tables, 0);
	assert_int_equal(schema_migrate(db, right, 3), SQLITE_OK);
	schema_pragma(db, "PRAGMA user_version", &version);
	schema_pragma(db, "SELECT count(*) FROM sqlite_schema", &tables);
	assert_int_equal(version, 3);
	assert_int_equal(tables, 3);
	assert_int_equal(schema_migrate(db, right, 3), SQLITE_OK);
	sqlite3_close(db);
}

/* The questions that are asked all day long never walk a table, nor sort
 * unless a few rows by key. */
static void
plan_is_quick(sqlite3 *db, const struct query *q)
{
	struct conds conds;
	sqlite3_stmt *stmt;
	struct buf b;
	char *sql;

	conds_init(&conds, q);
	sql = sqlite_sql_select(q, &conds);
	buf_init(&b, 20000);
	buf_printf(&b, "EXPLAIN QUERY PLAN %s", sql);
	stmt = prepared(db, b.data, NULL);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		if (strncmp(text_of(stmt, 3), "SEARCH ", 7) != 0 &&
		    (q->order != NULL ||
		    strstr(text_of(stmt, 3), "TEMP B-TREE") == NULL))
			fail_msg("%s: %s", sql, text_of(stmt, 3));
	sqlite3_finalize(stmt);
	buf_free(&b);
	free(sql);
	conds_free(&conds);
}

static void
frequent_questions_have_an_index(void **state)
{
	static const struct {
		enum table table;
		const char *equal, *bound, *order;
	} t[] = {
		{ T_JOB, NULL, "due_ms", "kind due_ms" },
		{ T_JOB, "kind", "due_ms", "due_ms" },
		{ T_JOB, NULL, "due_ms", "due_ms" },
		{ T_JOB, "object", NULL, NULL },
		{ T_CERT, "id", NULL, NULL },
		{ T_CERT, "name", NULL, NULL },
		{ T_CERT, NULL, "name", "name" },
		{ T_CERT, "state", "name", "name" },
		{ T_CERT, "policy", "name", "name" },
		{ T_CERT, NULL, "not_after_ms", "not_after_ms" },
		{ T_CERT, "attention", NULL, "state_since_ms name" },
		{ T_CERT, NULL, "iss_failures", "iss_failures" },
		{ T_DEPLOYMENT, "owed", "since_ms", "since_ms" },
		{ T_DEPLOYMENT, NULL, "failures", "failures" },
		{ T_IDENT, "value", NULL, NULL },
		{ T_VERSION, "cert_id", NULL, NULL },
		{ T_VERSION, "sha256", NULL, NULL },
		{ T_DEPLOYMENT, "service", NULL, NULL },
		{ T_CHALLENGE, "cert_id", NULL, NULL },
		{ T_EVENT, NULL, "id", NULL },
		{ T_EVENT, "name", "id", "id" },
		{ T_EVENT, NULL, "at_ms", "at_ms" },
		{ T_BUDGET, "kind", NULL, NULL },
		{ T_BUDGET, NULL, "at_ms", "at_ms" }
	};
	struct store *s = open_well();
	struct query q;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		q = query_of(t[i].table, t[i].order);
		if (t[i].equal != NULL)
			where_num(&q, t[i].equal, CMP_EQ, 1);
		if (t[i].bound != NULL)
			where_num(&q, t[i].bound, CMP_LE, 1);
		plan_is_quick(((struct store_sqlite *)s)->db, &q);
	}
	store_close(s);
}

/* --- a machine that fails ------------------------------------------------- */

/* Root writes everywhere: the test is somebody else meanwhile. */
static void
h2_a_read_only_directory(void **state)
{
	bool root = geteuid() == 0;

	(void)state;
	write_one("gold");
	assert_int_equal(chmod(dir, 0555), 0);
	assert_int_equal(chmod(file, 0444), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	refused(ERR_STORE, "cannot be");
	free(file);
	file = path_in(dir, "other.db");
	refused(ERR_STORE, "Permission denied");
	if (root)
		assert_int_equal(seteuid(0), 0);
	chmod(dir, 0755);
}

static void
h2_a_missing_directory(void **state)
{
	(void)state;
	free(file);
	file = path_in(dir, "missing/everleaf.db");
	refused(ERR_STORE, "No such file");
}

/* Commits rows of 50 kB until one fails; how many went well. */
static int
fill_up(struct store *s, struct err *err)
{
	char name[20], big[50000];
	struct batch *b;
	int i;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (i = 0; i < 200; i++) {
		b = batch_new();
		snprintf(name, sizeof(name), "p%d", i);
		put_policy(b, name, big);
		if (commit(s, b, err) != 0)
			return i;
	}
	return -1;
}

static void
h2_a_full_disk(void **state)
{
	struct batch *b = batch_new();
	struct row_policy gone = policy_row("p0", NULL);
	struct store *s;
	struct err err;
	int n;

	(void)state;
	if (mount("none", dir, "tmpfs", 0, "size=3m,mode=0755") != 0) {
		batch_free(b);
		print_message("# SKIPPED: no tmpfs here (%s); the fault "
		    "sweep has a disk full, too\n", strerror(errno));
		return;		/* skip() of cmocka 1.1 prints "not ok" */
	}
	s = open_well();
	n = fill_up(s, &err);
	assert_true(n > 3);
	assert_int_equal(err.code, ERR_STORE);
	assert_non_null(strstr(err.text, "disk is full"));
	assert_int_equal(count_policies(s), n);
	store_close(s);
	s = open_well();
	assert_int_equal(count_policies(s), n);
	batch_del(b, T_POLICY, &gone);
	commit(s, b, &err);	/* may or may not find room for its log */
	store_close(s);
	assert_int_equal(umount(dir), 0);
}

static void
h4_locked_by_somebody_else(void **state)
{
	struct store *s = open_well();
	struct batch *b = batch_new();
	struct err err;
	sqlite3 *other;

	(void)state;
	assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL,
	    NULL), SQLITE_OK);
	sqlite3_busy_timeout(((struct store_sqlite *)s)->db, 50);
	put_policy(b, "gold", "x");
	assert_int_equal(commit(s, b, &err), -1);
	assert_int_equal(err.code, ERR_STORE);
	assert_non_null(strstr(err.text, "another program holds it"));
	assert_non_null(strstr(err.text, file));
	assert_int_equal(count_policies(s), 0);	/* reading goes on */
	sqlite3_close(other);
	b = batch_new();
	put_policy(b, "gold", "x");
	commit_well(s, b);
	store_close(s);
}

enum { KILLED_ROWS = 25 };

/* Commits one batch after another, each with the round's number in every row,
 * and says which one is durable. */
static void
commit_for_ever(int say)
{
	struct store *s = open_well();
	char name[20], hash[20];
	struct row_event e;
	struct batch *b;
	uint32_t n;
	int i;

	memset(&e, 0, sizeof(e));
	for (n = 1; ; n++) {
		b = batch_new();
		snprintf(hash, sizeof(hash), "%u", n);
		for (i = 0; i < KILLED_ROWS; i++) {
			snprintf(name, sizeof(name), "p%d", i);
			put_policy(b, name, hash);
		}
		batch_put(b, T_EVENT, &e);
		commit_well(s, b);
		if (write(say, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

/* The last number that the child said before it was killed. */
static uint32_t
kill_in_commits(long after_us)
{
	struct timespec t = { 0, after_us * 1000 };
	uint32_t n, last = 0;
	int fds[2], status;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(fds[0]);
		commit_for_ever(fds[1]);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &last, sizeof(last)), sizeof(last));
	nanosleep(&t, NULL);
	kill(child, SIGKILL);
	while (read(fds[0], &n, sizeof(n)) == sizeof(n))
		last = n;
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return last;
}

static uint32_t
round_in_store(size_t *events)
{
	struct query q = query_of(T_POLICY, NULL), e = query_of(T_EVENT, NULL);
	struct store *s = open_well();
	struct rows r = ask(s, &q);
	uint32_t n;
	size_t i;

	assert_int_equal(r.n, KILLED_ROWS);
	for (i = 1; i < r.n; i++)
		assert_string_equal(ROWS_AT(&r, row_policy, i)->hash,
		    ROWS_AT(&r, row_policy, 0)->hash);
	n = (uint32_t)strtoul(ROWS_AT(&r, row_policy, 0)->hash, NULL, 10);
	rows_free(&r);
	r = ask(s, &e);
	*events = r.n;
	rows_free(&r);
	store_close(s);
	return n;
}

static void
h6_killed_between_any_two_steps(void **state)
{
	size_t before = 0, events;
	uint32_t said, found;
	int i, ahead = 0;

	(void)state;
	for (i = 0; i < 20; i++) {
		said = kill_in_commits(i * 731 % 9000);
		found = round_in_store(&events);
		/* What was said is there; one more may be, unsaid. */
		assert_true(found == said || found == said + 1);
		assert_int_equal(events - before, found);
		before = events;
		ahead += found != said;
	}
	print_message("# 20 kills in %zu commits, %d after the commit and "
	    "before the word\n", before, ahead);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(reopening_keeps_data), IN_DIR(the_connection_is_strict),
		IN_DIR(what_is_staged_only_is_lost),
		IN_DIR(h5_a_newer_schema_is_refused),
		IN_DIR(a_foreign_file_is_refused),
		IN_DIR(h1_garbage_is_refused),
		IN_DIR(h1_what_is_moved_aside_is_named),
		IN_DIR(h1_a_log_without_its_file_is_refused),
		IN_DIR(h1_a_truncated_file_is_refused),
		IN_DIR(h1_flipped_bits_never_crash),
		IN_DIR(the_schema_is_what_the_program_thinks),
		IN_DIR(h5_a_failed_migration_is_taken_back),
		IN_DIR(frequent_questions_have_an_index),
		IN_DIR(h2_a_read_only_directory),
		IN_DIR(h2_a_missing_directory), IN_DIR(h2_a_full_disk),
		IN_DIR(h4_locked_by_somebody_else),
		IN_DIR(h6_killed_between_any_two_steps)
	};

	return cmocka_run_group_tests_name("the inventory's file", tests,
	    NULL, NULL);
}
