/* Wishes as JSON: the body of PUT and PATCH, and what the columns wish and
 * settings of a certificate's row hold. The keys are those of "certificate"
 * in everleaf.conf(5) with underscores; labels are an object of texts. Pure. */
#ifndef DAEMON_WISH_JSON_H
#define DAEMON_WISH_JSON_H
#include <jansson.h>
#include "daemon/conf.h"

/* Keys that a wish from an older version does not have yet. */
void wish_fill(struct conf_wish *w);

/* Takes the keys of an object into *w, over what is there; null makes a key
 * absent again. labels ("key=value") are merged likewise; labels NULL: the
 * key "labels" is unknown. An unknown key, a wrong type and a value out of
 * bounds are ERR_INVALID and name the key; *w may then be half changed.
 * Whether names and titles make sense is for conf_wish_check(). */
int wish_apply(struct conf_wish *w, struct strv *labels, const json_t *j,
    struct err *err);

/* The keys that are there, in a fixed order. labels may be NULL. */
json_t *wish_json(const struct conf_wish *w, const struct strv *labels);

/* The same as one text, for the store, and back. */
char *wish_text(const struct conf_wish *w);	/* the caller frees it */
int wish_parse(struct conf_wish *w, const char *text, struct err *err);

/* "auto", "30d", "36h": milliseconds in the largest unit that is exact. */
void wish_span(char out[32], int64_t ms);
#endif
