/* From files to a conf: the reader's rules, the presets, the cross checks
 * (interface.md section 2). Linked into the master only. */
#ifndef DAEMON_CONF_READ_H
#define DAEMON_CONF_READ_H
#include "daemon/conf.h"
#include "daemon/tsig_key.h"

/* One thing wrong with a file: "PATH:LINE: WHAT. CURE", ready for people. */
struct conf_diag {
	struct strv lines;
};

/* Reads file, then conf.d/ *.conf beside it in byte order, then presets.
 * `before` (may be NULL) is the configuration in force: the wishes of a
 * drop-in that can't be read now live on from it, noted in problems. Returns
 * NULL with lines in diag when the main file is bad or the whole does not fit
 * together; else the conf, with warnings in diag. */
struct conf *conf_read(const char *file, const struct conf *before,
    int64_t now_ms, struct conf_diag *diag);

/* The same at a start: who knows the last good configuration tells it, by the
 * state-dir that the files name. It stays his; he may know of none (NULL). A
 * certificate whose csr-file can't be used and of which nothing is known from
 * before is left out, noted in problems. */
typedef const struct conf *conf_find_before(void *ctx, const char *state_dir);
struct conf *conf_read_first(const char *file, conf_find_before *find,
    void *ctx, int64_t now_ms, struct conf_diag *diag);

/* The bytes of a regular file of at most max bytes; the caller frees them,
 * whatever comes back. ERR_CONFIG_BAD. */
struct stat;
int conf_read_file(const char *path, size_t max, struct blob *out,
    struct stat *st, struct err *err);

/* A TSIG key file, which others must not be able to read. tsig_key_wipe. */
int conf_read_tsig(const char *path, struct tsig_key *out, struct err *err);

/* What a reload would change, one line each for people: "+ shop.example: ..."
 * "~ shop.example: names + api.shop.example ...", "- old.example: retired".
 * Returns how many wishes vanish. */
size_t conf_diff(const struct conf *before, const struct conf *after,
    struct strv *lines);
#endif
