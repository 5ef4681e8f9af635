/* One file: from its bytes to blocks, each key checked by the table. What one
 * file cannot know (do all references lead somewhere?) comes later, in
 * conf_whole.c. */
#ifndef DAEMON_CONF_PARSE_H
#define DAEMON_CONF_PARSE_H
#include "daemon/conf_read.h"
#include "daemon/conf_table.h"

/* What becomes of a certificate whose CSR can't be used. LOOSE: as KEPT, but
 * nobody is there to mend what does not fit together then; it is left out
 * before anything else is. */
enum conf_csr_fate { CONF_CSR_GOOD, CONF_CSR_KEPT, CONF_CSR_LOOSE,
	CONF_CSR_OUT };

/* A block, or the keys outside of blocks, as a file says it. */
struct conf_parsed {
	enum conf_kind kind;
	void *element;		/* struct conf_cert ... by kind; owned */
	uint32_t line;
	uint64_t seen;		/* 1 << conf_key_index: was written */
	uint32_t lines[CONF_KEYS_OF_ONE];	/* by conf_key_place */
	struct err *csr_err;	/* why its CSR can't be used, or NULL; owned */
	enum conf_csr_fate csr_fate;
};

struct conf_unit {
	char *path;		/* absolute */
	const char *label;	/* the end of path that people see: the path
				 * as it was given */
	bool main, preset;	/* preset: keys of one service, no block */
	bool bad;
	char *bad_where, *bad_text;	/* the first thing wrong */
	char *bad_last;		/* the last one, as the line that is told */
	struct conf_parsed top;	/* element: struct conf; preset: a service */
	struct conf_parsed *blocks;
	size_t blocks_n;
};

/* skip: bytes of path before its label. */
void conf_unit_init(struct conf_unit *u, const char *path, size_t skip,
    bool preset);
void conf_unit_free(struct conf_unit *u);
/* What is wrong goes to diag; then u is bad, and holds what could be read. */
void conf_parse(struct conf_unit *u, const void *p, size_t n,
    struct conf_diag *diag);

/* Marks u bad and tells. line 0: the file as a whole. */
void conf_unit_wrong(struct conf_unit *u, uint32_t line,
    const struct err *err, struct conf_diag *diag);
/* The same without marking: a warning. */
void conf_unit_warn(const struct conf_unit *u, uint32_t line,
    const struct err *err, struct conf_diag *diag);
/* `LABEL:LINE: WHAT. CURE`, escaped, cut to what a message carries. */
void conf_say(struct conf_diag *diag, const char *label, uint32_t line,
    const struct err *err);
/* This line ends what is told, whatever came after it, and however much. */
void conf_say_last(struct conf_diag *diag, const char *text);
#endif
