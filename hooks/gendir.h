/* The directories of one certificate below the state directory, opened one by
 * one without following links. Runs in the master; only generation.c and
 * recover.c use it. */
#ifndef HOOKS_GENDIR_H
#define HOOKS_GENDIR_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

enum { GENDIR_NAME = 32, GENDIR_GEN_MAX = 99999999, GENDIR_MODE = 0711 };
#define GENDIR_TMP ".tmp-"		/* gen/.tmp-NNNNNN: being written */
#define GENDIR_DEL ".del-"		/* gen/.del-NNNNNN: being removed */
#define GENDIR_LIVE_TMP ".live.tmp"

struct gendir {
	int cert;		/* certs/xx/ID */
	int gen;		/* certs/xx/ID/gen */
};

/* Makes what is missing; every name on the way is durable when it returns. */
int gendir_make(struct gendir *d, int state, uint64_t cert, struct err *err);
/* 0: open; 1: there is no such certificate (d is closed); -1: err. */
int gendir_find(struct gendir *d, int state, uint64_t cert, struct err *err);
void gendir_close(struct gendir *d);

void gendir_name(char out[GENDIR_NAME], const char *prefix, uint32_t gen);
/* Opens dir/name as a directory, makes it with mode 0711 if it is missing,
 * and makes its name durable. */
int gendir_enter(int dir, const char *name, struct err *err);
/* fsync of a directory or file, once: an error means that what was written
 * may be lost, and asking again would hide it. A file system that cannot sync
 * directories (EINVAL) is taken as it is. */
int gendir_sync(int fd, const char *name, struct err *err);
/* Removes dir/name and the files in it; nothing there is fine. */
int gendir_remove(int dir, const char *name, struct err *err);
/* Removes what crashed or failed attempts left. */
int gendir_sweep(const struct gendir *d, struct err *err);
/* Opens dir/name and calls fn for each entry but "." and ".." until it does
 * not return 0. 0: all; 1: dir/name is not there; -1: err. */
typedef int gendir_fn(void *ctx, int dir, const char *entry, struct err *err);
int gendir_each(int dir, const char *name, gendir_fn *fn, void *ctx,
    struct err *err);
/* Sets err from errno behind the words, with advice. Returns -1. */
int gendir_err(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#endif
