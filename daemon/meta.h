/* meta.json of a generation: what a lost inventory is rebuilt from. Written
 * when files are installed, read back by the rebuild. The file is public: no
 * key, sealed or not, is in it. */
#ifndef DAEMON_META_H
#define DAEMON_META_H
#include "daemon/bundle.h"

enum { META_MAX = 60 * 1024 };

struct meta {
	int64_t version;
	char *name;			/* title */
	char *source, *where, *policy;	/* of the wish */
	char *wish;			/* JSON; "" if it was too long */
	char *ca, *key_type, *profile;	/* of the version */
	int64_t issued_ms;
	struct strv labels;		/* "key=value" */
};

void meta_write(struct buf *out, const struct bundle *b,
    const struct row_generation *g, const struct row_version *v);
/* From disk: may be anything. meta_free() it after 0. */
int meta_read(struct meta *out, const void *p, size_t n, struct err *err);
void meta_free(struct meta *m);
#endif
