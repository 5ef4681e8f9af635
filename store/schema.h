/* Inside store/: migrations of the SQLite file, numbered by its user_version.
 * Number n leads from schema n - 1 to schema n. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H
#include <sqlite3.h>

struct migration {
	const char *const *statements;	/* ends with NULL */
};
extern const struct migration schema_migrations[];	/* STORE_SCHEMA many */

/* Runs those of the n migrations that the file has not had yet, each in a
 * transaction of its own: a failed one leaves the file as it was before it.
 * Returns SQLITE_OK or what went wrong. */
int schema_migrate(sqlite3 *db, const struct migration *list, int n);
/* The number that a pragma answers. */
int schema_pragma(sqlite3 *db, const char *sql, int *value);
#endif
