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

/* A TSIG key file, which others must not be able to read. tsig_key_wipe. */
int conf_read_tsig(const char *path, struct tsig_key *out, struct err *err);

/* What a reload would change, one line each for people: "+ shop.example: ..."
 * "~ shop.example: names + api.shop.example ...", "- old.example: retired".
 * Returns how many wishes vanish. */
size_t conf_diff(const struct conf *before, const struct conf *after,
    struct strv *lines);
#endif
