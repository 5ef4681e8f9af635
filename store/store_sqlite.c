/* The store in an SQLite file: opening, and refusing what is not ours.
 *
 * A new file is made whole under another name and renamed, so that an empty
 * file under the right name is never a new inventory but a lost one, and is
 * refused. One connection, for good: SQLite up to 3.51.2 may damage a file
 * whose log two connections write (security.md section 0, finding 10). */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store/schema.h"
#include "store/sqlite.h"

_Static_assert((int)STORE_LENGTH_MAX > (int)STORE_ROW_MAX,
    "our own limit speaks first, and names the row");

static void
sqlite_close_store(struct store *store)
{
	struct store_sqlite *s = (struct store_sqlite *)store;
	int t, kind, i;

	for (t = 0; t < T_COUNT; t++)
		for (kind = 0; kind < CHANGE_KINDS; kind++)
			sqlite3_finalize(s->change[t][kind]);
	for (i = 0; i < STORE_QUERIES_KEPT; i++)
		sqlite3_finalize(s->kept[i].stmt);
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}

static bool
sqlite_failed(const struct store *store)
{
	return ((const struct store_sqlite *)store)->broken;
}

static const struct store_ops sqlite_ops = {
	sqlite_stage, sqlite_commit, sqlite_undo, sqlite_read, sqlite_tally,
	sqlite_close_store, sqlite_failed
};

/* Moves the log into the file now and then, after a commit. That may fail for
 * want of room: the log grows, and a later commit will say so. */
static int
checkpoint(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct store_sqlite *s = ctx;
	int rc;

	assert(db == s->db);
	if (pages >= STORE_CHECKPOINT_PAGES) {
		rc = sqlite3_wal_checkpoint_v2(db, name,
		    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		if ((rc & 0xff) == SQLITE_IOERR)
			s->broken = true;
	}
	return SQLITE_OK;
}

/* Everything in the file is taken for hostile: no triggers, views, functions
 * or strings of its own come to life. Temporary tables stay in memory, since
 * the process may write nowhere else; with indexes and limits they are never
 * larger than the answer. */
static int
configure(struct store_sqlite *s)
{
	static const struct { int option, on; } options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 }
	};
	char sql[256];
	size_t i;
	int rc;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		rc = sqlite3_db_config(s->db, options[i].option,
		    options[i].on, NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, STORE_LENGTH_MAX);
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(s->db, SQLITE_LIMIT_TRIGGER_DEPTH, 0);
	sqlite3_limit(s->db, SQLITE_LIMIT_WORKER_THREADS, 0);
	sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
	snprintf(sql, sizeof(sql), "PRAGMA mmap_size = 0; "
	    "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; "
	    "PRAGMA secure_delete = ON; PRAGMA cache_size = -%d; "
	    "PRAGMA synchronous = FULL", STORE_CACHE_KIB);
	return sqlite_exec(s, sql);
}

static struct store_sqlite *
connect_to(const char *path, struct err *err)
{
	struct store_sqlite *s = xcalloc(1, sizeof(*s));
	int rc;

	s->store.ops = &sqlite_ops;
	s->path = xstrdup(path);
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK)
		rc = configure(s);
	if (rc == SQLITE_OK)
		return s;
	sqlite_err(err, s->db, rc, path);
	store_close(&s->store);
	return NULL;
}

/* A rename is durable when its directory is. */
static int
sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? xstrdup(".") :
	    xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	free(dir);
	if (fd >= 0)
		close(fd);
	return rc;
}

static char *
with_suffix(const char *path, const char *suffix)
{
	size_t n = strlen(path) + strlen(suffix) + 1;
	char *s = xcalloc(1, n);

	assert(path[0] != '\0' && suffix[0] != '\0');
	snprintf(s, n, "%s%s", path, suffix);
	return s;
}

/* A log without its inventory: somebody took the file away, and the log would
 * be played into the new one. */
static int
refuse_orphan_log(const char *path, struct err *err)
{
	char *log = with_suffix(path, "-wal");
	struct stat st;
	int rc = stat(log, &st);

	free(log);
	if (rc != 0 || st.st_size == 0)
		return 0;
	err_set(err, ERR_STORE_DAMAGED, "inventory \"%s\" is missing, but "
	    "its log \"%s-wal\" is there", path, path);
	return err_advise(err, "Put the inventory back, or move the log away "
	    "(keep it) to start anew");
}

/* By hand and not by SQLite: its mode is right from the first moment on. */
static int
make_empty(const char *path, struct err *err)
{
	int fd;

	if (unlink(path) != 0 && errno != ENOENT)
		return err_errno(err, ERR_STORE,
		    "half-made inventory \"%s\" cannot be removed", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_errno(err, ERR_STORE,
		    "inventory \"%s\" cannot be made", path);
		return err_advise(err, "Give the daemon's user write access "
		    "to the directory");
	}
	close(fd);
	return 0;
}

static int
fill_new(const char *path, struct err *err)
{
	struct store_sqlite *s = connect_to(path, err);
	char sql[128];
	int rc;

	if (s == NULL)
		return -1;
	snprintf(sql, sizeof(sql), "PRAGMA page_size = 8192; "
	    "PRAGMA application_id = %d", STORE_APPLICATION_ID);
	rc = sqlite_exec(s, sql);
	if (rc == SQLITE_OK)
		rc = schema_migrate(s->db, schema_migrations, STORE_SCHEMA);
	if (rc != SQLITE_OK)
		sqlite_err(err, s->db, rc, path);
	store_close(&s->store);
	return rc == SQLITE_OK ? 0 : -1;
}

static int
make_file(const char *path, struct err *err)
{
	char *half = with_suffix(path, ".new");
	char *journal = with_suffix(path, ".new-journal");
	int rc = refuse_orphan_log(path, err);

	if (rc == 0) {
		unlink(journal);
		rc = make_empty(half, err);
	}
	if (rc == 0)
		rc = fill_new(half, err);
	if (rc == 0 && (rename(half, path) != 0 ||
	    sync_directory_of(path) != 0))
		rc = err_errno(err, ERR_STORE,
		    "inventory \"%s\" cannot be made", path);
	free(journal);
	free(half);
	return rc;
}

/* -1 when there is a file that can't be one of ours; makes a missing one. */
static int
find_or_make(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (errno == ENOENT)
			return make_file(path, err);
		return err_errno(err, ERR_STORE,
		    "inventory \"%s\" cannot be opened", path);
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_STORE, "inventory \"%s\" is no regular file",
		    path);
		return err_advise(err, "Move it away");
	}
	if (st.st_size >= STORE_FILE_MIN)
		return 0;
	err_set(err, ERR_STORE_DAMAGED, "inventory \"%s\" is damaged: only "
	    "%d bytes of it are left", path, (int)st.st_size);
	return err_advise(err, "Restore a backup, or remove the file to start "
	    "with an empty inventory");
}

/* Whose file it is, and which schema it has. */
static int
check_header(struct store_sqlite *s, struct err *err)
{
	int id = 0, version = 0, rc;

	rc = schema_pragma(s->db, "PRAGMA application_id", &id);
	if (rc == SQLITE_OK)
		rc = schema_pragma(s->db, "PRAGMA user_version", &version);
	if (rc != SQLITE_OK)
		return sqlite_err(err, s->db, rc, s->path);
	if (id != STORE_APPLICATION_ID || version < 1) {
		err_set(err, ERR_STORE_DAMAGED, "inventory \"%s\" is a file of "
		    "another program", s->path);
		return err_advise(err, "Move it away, or give Everleaf "
		    "another state directory");
	}
	if (version > STORE_SCHEMA) {
		err_set(err, ERR_STORE_NEWER, "inventory \"%s\" has schema %d, "
		    "this program knows schemas up to %d", s->path, version,
		    STORE_SCHEMA);
		return err_advise(err, "Install the newer release again; it "
		    "has changed the inventory");
	}
	return 0;
}

static int
check_pages(struct store_sqlite *s, struct err *err)
{
	const char *verdict = NULL;
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &stmt,
	    NULL);

	if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		verdict = (const char *)sqlite3_column_text(stmt, 0);
	if (verdict != NULL && strcmp(verdict, "ok") != 0) {
		sqlite_err(err, s->db, SQLITE_CORRUPT, s->path);
		sqlite3_finalize(stmt);
		return -1;
	}
	rc = sqlite3_finalize(stmt);
	return rc == SQLITE_OK ? 0 : sqlite_err(err, s->db, rc, s->path);
}

/* From here on the file changes. */
static int
start_log(struct store_sqlite *s, struct err *err)
{
	int rc = SQLITE_READONLY;

	assert(!s->writing && sqlite3_get_autocommit(s->db));
	if (sqlite3_db_readonly(s->db, "main") == 0)
		rc = sqlite_exec(s, "PRAGMA journal_mode = WAL; "
		    "PRAGMA journal_size_limit = 67108864");
	if (rc == SQLITE_OK)
		rc = schema_migrate(s->db, schema_migrations, STORE_SCHEMA);
	if (rc != SQLITE_OK)
		return sqlite_err(err, s->db, rc, s->path);
	sqlite3_wal_hook(s->db, checkpoint, s);
	return 0;
}

struct store *
store_open_sqlite(const char *path, struct err *err)
{
	struct store_sqlite *s;

	err_clear(err);
	if (find_or_make(path, err) != 0)
		return NULL;
	s = connect_to(path, err);
	if (s == NULL)
		return NULL;
	if (check_header(s, err) != 0 || check_pages(s, err) != 0 ||
	    start_log(s, err) != 0) {
		store_close(&s->store);
		return NULL;
	}
	return &s->store;
}
