/* Every key of everleaf.conf in one table. Parsing, range errors, defaults,
 * `config show`, the bytes for the engine, the difference of a reload and the
 * test of the manual page all come from it. */
#ifndef DAEMON_CONF_TABLE_H
#define DAEMON_CONF_TABLE_H
#include "daemon/conf.h"

enum conf_kind { CONF_TOP, CONF_CERT, CONF_POLICY, CONF_SERVICE, CONF_CA,
	CONF_DNS, CONF_KINDS };

enum conf_type { CONF_TEXT, CONF_LIST, CONF_YESNO, CONF_NUMBER, CONF_TIME,
	CONF_PATH, CONF_ARGV, CONF_CHOICE, CONF_ENDPOINTS,
	CONF_URI, /* shown, and packed, as conf_uri_shown() has it */
	CONF_MAYBE }; /* a yesno of a wish: an int64_t, as it may be absent */

/* What a reload does about a change. */
enum conf_touch {
	CONF_AT_ONCE,
	CONF_ORDERS,		/* a new version is ordered */
	CONF_AT_RENEWAL,
	CONF_AT_RESTART		/* of everleafd: made before it parses again */
};

struct conf_key {
	unsigned int in;	/* 1 << CONF_TOP | ... */
	const char *word;
	enum conf_type type;
	size_t at;		/* in what conf_keys_of() gives */
	const char *def;	/* as a file would say it; NULL: none of its
				 * own (the title, the preset, top level) */
	int64_t min, max;	/* NUMBER; TIME in ms; bytes of a text; items
				 * of a list */
	const char *const *choices;	/* also for the items of a LIST */
	/* 0, or -1 and err: `"VALUE": why`. NULL: any text. Of a CHOICE: for
	 * what is none of the choices */
	int (*check)(const char *s, struct err *err);
	bool automatic;		/* `auto` may be written; see conf.h */
	enum conf_touch touch;
	const char *help;
};
/* Ends with word NULL. Keys of one kind lie side by side. */
extern const struct conf_key conf_keys[];
enum { CONF_KEYS_MAX = 64, CONF_KEYS_OF_ONE = 20 };

/* How the blocks of a kind lie in a conf. title and where come first in each
 * of them: struct conf_head. */
struct conf_shape {
	const char *word;	/* "certificate"; "" for the top level */
	size_t size;		/* of one; 0 for the top level */
	size_t keys;		/* offset of what holds the keys */
	size_t list, count;	/* in struct conf */
};
struct conf_head {
	char *title, *where;
};
extern const struct conf_shape conf_shapes[CONF_KINDS];

/* What was written behind "KEY =". */
struct conf_given {
	struct strv items;
	uint32_t *lines;	/* of each item; may be NULL */
	bool list, quoted;
};

const struct conf_key *conf_key_find(enum conf_kind kind, const char *word);
static inline unsigned int
conf_key_index(const struct conf_key *k)
{
	return (unsigned int)(k - conf_keys);
}
/* 0, 1, 2 ... among the keys of its kind. */
unsigned int conf_key_place(enum conf_kind kind, const struct conf_key *k);
/* The keys of an element (of &conf itself for CONF_TOP). */
void *conf_keys_of(enum conf_kind kind, void *element);
/* Element i of a kind in a conf. */
void *conf_element(const struct conf *c, enum conf_kind kind, size_t i);
size_t conf_count(const struct conf *c, enum conf_kind kind);
/* Adds a zeroed element, wishes as if nothing was written. It is valid until
 * the next. */
void *conf_add(struct conf *c, enum conf_kind kind);
void conf_element_free(enum conf_kind kind, void *element);

/* Reads a value into its field (which it frees first). -1: err's text begins
 * with the key; *item is the index of the item at fault. */
int conf_key_set(const struct conf_key *k, void *keys,
    const struct conf_given *g, size_t *item, struct err *err);
/* The same from the table's default. */
void conf_key_default(const struct conf_key *k, void *keys);
void conf_key_free(const struct conf_key *k, void *keys);
void conf_key_copy(const struct conf_key *k, void *to, const void *from);
bool conf_key_same(const struct conf_key *k, const void *a, const void *b);
/* False for a key of a wish that is not written. */
bool conf_key_written(const struct conf_key *k, const void *keys);
/* The value in the file's syntax. */
void conf_key_show(const struct conf_key *k, const void *keys,
    struct buf *out);
/* `auto` was written for a list. */
bool conf_is_auto(const struct strv *l);
/* A text in quotes, escaped. */
void conf_quote(struct buf *out, const char *s);
/* Checks a field as if a file said it: for wishes from the API. */
int conf_key_check(const struct conf_key *k, const void *keys,
    struct err *err);

/* The nearest word for "You want ...", NULL if none is near. Call with best
 * = 0 first. */
struct conf_near {
	const char *word;
	int distance;
};
void conf_near(struct conf_near *n, const char *typed, const char *known);
/* Adds `You want "X".` as advice if there is an X. */
int conf_near_advise(const struct conf_near *n, struct err *err);

/* --- conf_cas.c: CAs that exist without a block ------------------------- */
/* What a CA is known to do. Its directory has the last word on profiles and
 * renewal windows; the rest cannot be seen from outside. */
enum conf_ca_can {
	CA_CAN_WILDCARD = 1,	/* "*.name" */
	CA_CAN_IP = 2,
	CA_CAN_VALIDITY = 4,	/* notAfter in an order */
	CA_CAN_ARI = 8,
	CA_CAN_PROFILES = 16,
	CA_NEEDS_EAB = 32,
	CA_IS_TEST = 64,	/* nobody trusts its certificates */
	CA_IS_PRIVATE = 128,	/* a program of one's own: it has no address
				 * until somebody says one */
	CA_NO_STAPLE = 256,	/* no must-staple: it has given OCSP up */
	CA_NO_RSA = 512		/* its directory is for ECDSA keys */
};
struct conf_known_ca {
	const char *title;
	const char *directory;	/* NULL: it must be configured */
	const char *terms;	/* NULL: it has none */
	unsigned int can;	/* enum conf_ca_can */
	const char *note;	/* for people; NULL if there is none */
};
extern const struct conf_known_ca conf_known_cas[];	/* title NULL ends */
const struct conf_known_ca *conf_known_ca(const char *title);
/* By its directory, whatever the block is called; NULL if it is none of them,
 * and then nothing is known of it. */
const struct conf_known_ca *conf_known_directory(const char *directory);
bool conf_is_test_ca(const char *directory);
#endif
