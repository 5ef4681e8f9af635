/* H2 and H3: each write, sync, open ... of the inventory's file fails once, at
 * every place where it can. A layer between SQLite and the system counts the
 * calls and breaks the nth of a kind. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>
#include "store_fixture.h"

enum call { CALL_NONE, CALL_OPEN, CALL_READ, CALL_WRITE, CALL_SYNC,
	CALL_TRUNCATE, CALL_DELETE, CALL_SHM };

static struct {
	enum call call;
	int rc;			/* what the failing call returns */
	int left;		/* calls until it fails */
	bool main_only;		/* only calls on the main file count */
	bool fired;
} fault;

static void
arm(enum call call, int rc, int nth)
{
	fault.call = call;
	fault.rc = rc;
	fault.left = nth;
	fault.main_only = false;
	fault.fired = false;
}

static bool
disarm(void)
{
	fault.call = CALL_NONE;
	return fault.fired;
}

static bool
fails(enum call call, bool is_main)
{
	if (fault.call != call || (fault.main_only && !is_main) ||
	    --fault.left != 0)
		return false;
	fault.fired = true;
	return true;
}

/* --- the layer ------------------------------------------------------------ */

struct layered {
	sqlite3_file base;
	bool is_main;
	sqlite3_file *real;	/* behind this struct */
};

#define REAL(f) (((struct layered *)(f))->real)
#define IS_MAIN(f) (((struct layered *)(f))->is_main)
#define FORWARD(name, params, args) \
	static int l_##name params { return REAL(f)->pMethods->x##name args; }
#define BREAKABLE(name, call, params, args) \
	static int l_##name params { \
		if (fails(call, IS_MAIN(f))) \
			return fault.rc; \
		return REAL(f)->pMethods->x##name args; }

FORWARD(Close, (sqlite3_file *f), (REAL(f)))
BREAKABLE(Read, CALL_READ, (sqlite3_file *f, void *p, int n,
    sqlite3_int64 at), (REAL(f), p, n, at))
BREAKABLE(Write, CALL_WRITE, (sqlite3_file *f, const void *p, int n,
    sqlite3_int64 at), (REAL(f), p, n, at))
BREAKABLE(Truncate, CALL_TRUNCATE, (sqlite3_file *f, sqlite3_int64 n),
    (REAL(f), n))
BREAKABLE(Sync, CALL_SYNC, (sqlite3_file *f, int flags), (REAL(f), flags))
FORWARD(FileSize, (sqlite3_file *f, sqlite3_int64 *n), (REAL(f), n))
FORWARD(Lock, (sqlite3_file *f, int lock), (REAL(f), lock))
FORWARD(Unlock, (sqlite3_file *f, int lock), (REAL(f), lock))
FORWARD(CheckReservedLock, (sqlite3_file *f, int *out), (REAL(f), out))
FORWARD(FileControl, (sqlite3_file *f, int op, void *arg),
    (REAL(f), op, arg))
FORWARD(SectorSize, (sqlite3_file *f), (REAL(f)))
FORWARD(DeviceCharacteristics, (sqlite3_file *f), (REAL(f)))
BREAKABLE(ShmMap, CALL_SHM, (sqlite3_file *f, int page, int size, int extend,
    void volatile **p), (REAL(f), page, size, extend, p))
FORWARD(ShmLock, (sqlite3_file *f, int at, int n, int flags),
    (REAL(f), at, n, flags))
FORWARD(ShmUnmap, (sqlite3_file *f, int del), (REAL(f), del))

static void
l_ShmBarrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static const sqlite3_io_methods methods = {
	2, l_Close, l_Read, l_Write, l_Truncate, l_Sync, l_FileSize, l_Lock,
	l_Unlock, l_CheckReservedLock, l_FileControl, l_SectorSize,
	l_DeviceCharacteristics, l_ShmMap, l_ShmLock, l_ShmBarrier,
	l_ShmUnmap, NULL, NULL
};

static sqlite3_vfs *under, layer;

static int
l_Open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *out)
{
	struct layered *l = (struct layered *)f;
	int rc;

	(void)vfs;
	memset(l, 0, sizeof(*l));
	if (fails(CALL_OPEN, (flags & SQLITE_OPEN_MAIN_DB) != 0))
		return fault.rc;
	l->is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	l->real = (sqlite3_file *)(l + 1);
	rc = under->xOpen(under, name, l->real, flags, out);
	if (l->real->pMethods != NULL)
		l->base.pMethods = &methods;
	return rc;
}

static int
l_Delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	if (fails(CALL_DELETE, false))
		return fault.rc;
	return under->xDelete(under, name, sync);
}

static int
add_layer(void **state)
{
	(void)state;
	under = sqlite3_vfs_find(NULL);
	layer = *under;
	layer.zName = "layer";
	layer.szOsFile += (int)sizeof(struct layered);
	layer.xOpen = l_Open;
	layer.xDelete = l_Delete;
	return sqlite3_vfs_register(&layer, 1);
}

/* --- the sweeps ----------------------------------------------------------- */

static const struct fault_kind {
	const char *name;
	enum call call;
	int rc;
} kinds[] = {
	{ "disk full", CALL_WRITE, SQLITE_FULL },
	{ "write error", CALL_WRITE, SQLITE_IOERR_WRITE },
	{ "sync error", CALL_SYNC, SQLITE_IOERR_FSYNC },
	{ "read error", CALL_READ, SQLITE_IOERR_READ },
	{ "no open", CALL_OPEN, SQLITE_CANTOPEN },
	{ "truncate error", CALL_TRUNCATE, SQLITE_IOERR_TRUNCATE },
	{ "delete error", CALL_DELETE, SQLITE_IOERR_DELETE },
	{ "no shared memory", CALL_SHM, SQLITE_IOERR_SHMMAP }
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), ROWS = 40, NTH_MAX = 500 };

static char *dir, *file;

static void
fresh(void)
{
	dir = make_dir();
	file = path_in(dir, "everleaf.db");
}

static void
clean(void)
{
	free(file);
	remove_dir(dir);
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

/* Many rows of 2 kB, all with the batch's own mark. */
static struct batch *
marked_batch(const char *mark)
{
	struct batch *b = batch_new();
	char name[16], hash[2048];
	struct row_policy p;
	int i;

	memset(hash, mark[0], sizeof(hash) - 1);
	hash[sizeof(hash) - 1] = '\0';
	for (i = 0; i < ROWS; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		p = policy_row(name, hash);
		batch_put(b, T_POLICY, &p);
	}
	return b;
}

/* The mark that every row carries. */
static char
mark_of(struct store *s)
{
	struct query q = query_of(T_POLICY, NULL);
	struct rows r = ask(s, &q);
	char mark;
	size_t i;

	assert_int_equal(r.n, ROWS);
	mark = ROWS_AT(&r, row_policy, 0)->hash[0];
	for (i = 0; i < r.n; i++)
		assert_int_equal(ROWS_AT(&r, row_policy, i)->hash[0], mark);
	rows_free(&r);
	return mark;
}

static char
mark_after_reopening(void)
{
	struct store *s = open_well();
	char mark = mark_of(s);

	store_close(s);
	return mark;
}

/* One fault in the commit of "b" over "a"; then "c" without fault. */
static bool
break_commit(const struct fault_kind *k, int nth, int *failed)
{
	struct store *s;
	struct err err, later;
	bool fired;
	int rc, next;
	char mark;

	fresh();
	s = open_well();
	commit_well(s, marked_batch("a"));
	arm(k->call, k->rc, nth);
	rc = commit(s, marked_batch("b"), &err);
	fired = disarm();
	if (rc != 0) {
		assert_int_equal(err.code, ERR_STORE);
		assert_non_null(strstr(err.text, file));
		assert_true(err.advice[0] != '\0');
		++*failed;
	}
	next = commit(s, marked_batch("c"), &later);
	if (rc != 0 && (k->rc & 0xff) == SQLITE_IOERR) {
		assert_int_equal(next, -1);
		assert_non_null(strstr(later.text, "not used any more"));
	} else
		assert_int_equal(next, 0);
	store_close(s);
	mark = mark_after_reopening();
	if (next == 0)
		assert_int_equal(mark, 'c');
	else if (rc == 0)
		assert_int_equal(mark, 'b');
	else
		assert_true(mark == 'a' || mark == 'b');
	clean();
	return fired;
}

static void
h2_h3_a_fault_at_every_call_of_a_commit(void **state)
{
	int i, nth, failed;

	(void)state;
	for (i = 0; i < KINDS; i++) {
		failed = 0;
		for (nth = 1; nth < NTH_MAX && break_commit(&kinds[i], nth,
		    &failed); nth++)
			;
		assert_true(nth < NTH_MAX);
		print_message("# commit, %s: %d places, %d commits failed\n",
		    kinds[i].name, nth - 1, failed);
		if (kinds[i].call == CALL_WRITE || kinds[i].call == CALL_SYNC)
			assert_true(failed > 0);
	}
}

/* One fault while a store opens, a new one or one with "a" in it. */
static bool
break_open(const struct fault_kind *k, int nth, bool existing, int *failed)
{
	struct store *s;
	struct err err;
	bool fired;

	fresh();
	if (existing) {
		s = open_well();
		commit_well(s, marked_batch("a"));
		store_close(s);
	}
	arm(k->call, k->rc, nth);
	s = store_open_sqlite(file, &err);
	fired = disarm();
	if (s == NULL) {
		/* One lie of the disk looks like damage; who moves the file
		 * aside for it looks twice. */
		assert_true(err.code == ERR_STORE ||
		    err.code == ERR_STORE_DAMAGED);
		assert_non_null(strstr(err.text, file));
		++*failed;
	}
	store_close(s);
	if (existing)
		assert_int_equal(mark_after_reopening(), 'a');
	else
		store_close(open_well());
	clean();
	return fired;
}

static void
h2_a_fault_at_every_call_of_an_open(void **state)
{
	int i, nth, failed;

	(void)state;
	for (i = 0; i < 2 * KINDS; i++) {
		failed = 0;
		for (nth = 1; nth < NTH_MAX && break_open(&kinds[i / 2], nth,
		    i % 2 == 1, &failed); nth++)
			;
		assert_true(nth < NTH_MAX);
		print_message("# open %s, %s: %d places, %d refused\n",
		    i % 2 == 1 ? "old" : "new", kinds[i / 2].name, nth - 1,
		    failed);
	}
}

/* More than fits into the cache. */
static struct batch *
large_batch(void)
{
	struct batch *b = batch_new();
	struct row_chain c;
	char name[16];
	int i;

	memset(&c, 0, sizeof(c));
	c.pem.len = 900 * 1000;
	c.pem.p = xcalloc(1, c.pem.len);
	c.sha256 = name;
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		batch_put(b, T_CHAIN, &c);
	}
	free(c.pem.p);
	return b;
}

static void
no_rows(void *ctx, struct rows *answers, int n, const struct err *err)
{
	(void)answers;
	(void)n;
	*(bool *)ctx = err != NULL;
}

/* The nth read from the disk fails while a question is asked in the middle of
 * "b"; then "c" is staged upon it. */
static bool
break_question(int nth, int *failed)
{
	struct query q = query_of(T_CHAIN, NULL);
	struct row_meta row = { (char[]){ "b" }, (char[]){ "1" } };
	struct batch *b = batch_new();
	bool fired, refused = false;
	struct store *s;
	struct err err;
	int rc;

	fresh();
	s = open_well();
	commit_well(s, marked_batch("a"));
	commit_well(s, large_batch());
	batch_put(b, T_META, &row);
	store_stage(s, b);
	arm(CALL_READ, SQLITE_IOERR_READ, nth);
	store_read(s, &q, 1, no_rows, &refused);
	fired = disarm();
	rc = commit(s, marked_batch("c"), &err);
	store_close(s);
	*failed += refused;
	/* All of it, or nothing. */
	assert_int_equal(mark_after_reopening(), rc == 0 ? 'c' : 'a');
	clean();
	return fired;
}

static void
h3_a_question_fails_in_the_middle(void **state)
{
	int nth, failed = 0;

	(void)state;
	for (nth = 1; nth < 300; nth *= 4)
		assert_true(break_question(nth, &failed));
	assert_true(failed > 0);
}

/* The commit is durable; moving the log into the file fails after it. */
static void
h3_a_sync_fails_in_the_checkpoint(void **state)
{
	struct store *s;
	struct batch *b;
	struct err err;

	(void)state;
	fresh();
	s = open_well();
	commit_well(s, marked_batch("a"));
	b = large_batch();
	arm(CALL_SYNC, SQLITE_IOERR_FSYNC, 1);
	fault.main_only = true;
	commit_well(s, b);
	assert_true(disarm());
	assert_int_equal(commit(s, marked_batch("b"), &err), -1);
	assert_non_null(strstr(err.text, "not used any more"));
	store_close(s);
	assert_int_equal(mark_after_reopening(), 'a');
	clean();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h2_h3_a_fault_at_every_call_of_a_commit),
		cmocka_unit_test(h2_a_fault_at_every_call_of_an_open),
		cmocka_unit_test(h3_a_question_fails_in_the_middle),
		cmocka_unit_test(h3_a_sync_fails_in_the_checkpoint)
	};

	return cmocka_run_group_tests_name("faults of the disk", tests,
	    add_layer, NULL);
}
