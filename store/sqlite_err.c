/* What went wrong with the inventory's file, in words, and what to do. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "store/sqlite.h"

static const struct reason {
	int rc;
	const char *what, *advice;
} reasons[] = {
	{ SQLITE_FULL, "cannot be written: the disk is full",
	    "Make room on that disk; what was recorded before is safe" },
	{ SQLITE_READONLY, "cannot be written: the file, its directory or its "
	    "file system is read-only",
	    "Give the daemon's user write access to the file and its "
	    "directory" },
	{ SQLITE_CANTOPEN, "cannot be opened",
	    "Give the daemon's user write access to the file and its "
	    "directory" },
	{ SQLITE_PERM, "cannot be opened: access denied",
	    "Give the daemon's user write access to the file and its "
	    "directory" },
	{ SQLITE_BUSY, "is in use: another program holds it locked",
	    "Close that program (\"fuser -v FILE\" names it); only the daemon "
	    "may open this file" },
	{ SQLITE_LOCKED, "is in use: another program holds it locked",
	    "Close that program (\"fuser -v FILE\" names it); only the daemon "
	    "may open this file" },
	{ SQLITE_IOERR, "cannot be read or written: the disk reports an error",
	    "Look into the kernel's log and check the disk, then restart the "
	    "daemon" },
	{ SQLITE_CORRUPT, "is damaged",
	    "Stop the daemon, move the file away (keep it) and restore a "
	    "backup" },
	{ SQLITE_NOTADB, "is damaged, or no inventory at all",
	    "Stop the daemon, move the file away (keep it) and restore a "
	    "backup" },
	{ SQLITE_TOOBIG, "cannot take a row of more than 1 MiB", "" },
	{ SQLITE_NOMEM, "cannot be used: out of memory", "" }
};

static const struct reason *
find_reason(int rc)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].rc == (rc & 0xff))
			return &reasons[i];
	return NULL;
}

int
sqlite_err(struct err *err, sqlite3 *db, int rc, const char *path)
{
	const struct reason *r = find_reason(rc);
	const char *because = "";
	int number = 0;

	assert(rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE);
	if (db != NULL && ((rc & 0xff) == SQLITE_CANTOPEN ||
	    (rc & 0xff) == SQLITE_IOERR))
		number = sqlite3_system_errno(db);
	if (r == NULL)
		because = db != NULL ? sqlite3_errmsg(db) :
		    sqlite3_errstr(rc);
	else if (number != 0)
		because = strerror(number);
	err_set(err, (rc & 0xff) == SQLITE_CORRUPT ||
	    (rc & 0xff) == SQLITE_NOTADB ? ERR_STORE_DAMAGED : ERR_STORE,
	    "inventory \"%s\" %s%s%s", path,
	    r != NULL ? r->what : "cannot be used",
	    because[0] != '\0' ? ": " : "", because);
	if (r != NULL && r->advice[0] != '\0')
		err_advise(err, "%s", r->advice);
	return -1;
}
