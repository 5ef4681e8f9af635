/* KEY=value lines for a program: how API tokens reach it without a place in
 * the configuration. */
#ifndef DAEMON_ENV_FILE_H
#define DAEMON_ENV_FILE_H
#include "base/err.h"
#include "base/mem.h"

enum { ENV_FILE_MAX = 64 * 1024, ENV_FILE_LINES_MAX = 200 };

/* Adds "KEY=value" for each line. Empty lines and those that begin with "#"
 * are passed over, "export " in front too; a value may stand in one pair of
 * quotes, inside of which nothing is special. -1: err begins with the number
 * of the line. */
int env_file_parse(struct strv *env, const char *s, size_t n,
    struct err *err);
/* Reads such a file; one that others may read is refused. */
int env_file_read(struct strv *env, const char *path, struct err *err);
#endif
