/* JSON from outside: size, depth and number of values are bounded before the
 * parser sees a byte, and every member is taken with its type. The first thing
 * that is wrong is kept in *err; all that follows does nothing, so that a
 * decoder reads straight down and looks once, at the end. */
#ifndef ACME_JSON_H
#define ACME_JSON_H
#include <jansson.h>
#include "acme/acme.h"

struct jread {
	const char *what;	/* "the CA's order", for words */
	enum err_code code;	/* of what is wrong */
	const char *origin;	/* that every address must have; NULL: any */
	struct err *err;
	bool bad;
};

/* The top object, the caller's to json_decref; NULL and bad set if the text
 * is none. */
json_t *jread_open(struct jread *r, const char *text, size_t n, size_t max);
void jread_wrong(struct jread *r, const char *key, const char *why);

/* Members of object o, which may be NULL. Absent and null are alike: wrong if
 * `must`, else nothing. Texts are the caller's; longer than max is wrong. */
char *jread_text(struct jread *r, const json_t *o, const char *key, bool must,
    size_t max);
char *jread_url(struct jread *r, const json_t *o, const char *key, bool must);
char *jread_url_of(struct jread *r, const json_t *value, const char *key);
bool jread_bool(struct jread *r, const json_t *o, const char *key);
int64_t jread_int(struct jread *r, const json_t *o, const char *key,
    int64_t min, int64_t max);		/* min when absent */
int64_t jread_time(struct jread *r, const json_t *o, const char *key);
json_t *jread_list(struct jread *r, const json_t *o, const char *key,
    bool must, size_t max);		/* borrowed */
json_t *jread_object(struct jread *r, const json_t *o, const char *key,
    bool must);				/* borrowed */
/* The place of a word in a list that ends with NULL. */
int jread_word(struct jread *r, const json_t *o, const char *key,
    const char *const *words);
#endif
