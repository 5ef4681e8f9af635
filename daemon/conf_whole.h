/* From files that were read to one configuration that fits together. Pure. */
#ifndef DAEMON_CONF_WHOLE_H
#define DAEMON_CONF_WHOLE_H
#include "daemon/conf_parse.h"

struct conf_files {
	struct conf_unit *units;	/* main first, then drop-ins */
	size_t units_n;
	struct conf_unit *presets;	/* own ones go before shipped ones */
	size_t presets_n;
};

/* NULL if the main file is or turns out bad. A drop-in that does not fit is
 * left out as one that can't be read is, until all the rest fits. */
struct conf *conf_whole(struct conf_files *f, const struct conf *before,
    struct conf_diag *diag);

/* What conf_read does, for one file in memory and no presets. */
struct conf *conf_read_bytes(const char *file, const void *p, size_t n,
    const struct conf *before, struct conf_diag *diag);

/* --- conf_warn.c --------------------------------------------------------- */
/* Warnings about a whole that is good; they are said of the main file. */
void conf_warn(const struct conf_unit *main, const struct conf *c,
    struct conf_diag *diag);

/* --- conf_kept.c --------------------------------------------------------- */
/* Puts into c what the bad units said in `before`, and notes the problems.
 * The lists of c are sorted, before and after. */
void conf_keep(struct conf *c, const struct conf_files *f,
    const struct conf *before);
void conf_sort(struct conf *c);
/* The name of the preset that a unit holds: its file's without ".conf". The
 * caller frees it. */
char *conf_preset_title(const struct conf_unit *u);
#endif
