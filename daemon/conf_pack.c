/* A conf as bytes, and back: the engine gets it so, and the master keeps the
 * last good one so. The table of keys drives both; a checksum at the end tells
 * bytes that were cut or bent. */
#include <config.h>
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf_pack.h"
#include "daemon/conf_table.h"

enum { MAGIC = 0x43464c45, KEPT_MAGIC = 0x4b464c45, FORMAT = 3, TAIL = 8,
	WORD_MAX = 64 };

/* What a walk over the keys needs to know of each: the table's of this
 * release, or the one that kept bytes say they were made by. */
struct packed_key {
	const struct conf_key *key;	/* NULL: this release has none such */
	unsigned int in;
	char shape;
};

/* The length of a text that is not there. */
static const uint32_t absent = UINT32_MAX;

uint64_t
conf_pack_sum(const void *p, size_t n)
{
	uint64_t sum = 0xcbf29ce484222325;
	const uint8_t *c = p;
	size_t i;

	assert(p != NULL || n == 0);
	for (i = 0; i < n; i++)		/* FNV-1a */
		sum = (sum ^ c[i]) * 0x100000001b3;
	return sum;
}

/* How a value lies in the bytes, whatever its type is called. */
static char
shape_of(enum conf_type type)
{
	static const char shapes[] = {
		[CONF_TEXT] = 't', [CONF_PATH] = 't', [CONF_CHOICE] = 't',
		[CONF_URI] = 't', [CONF_LIST] = 'l', [CONF_ARGV] = 'l',
		[CONF_YESNO] = 'b', [CONF_NUMBER] = 'i', [CONF_TIME] = 'i',
		[CONF_MAYBE] = 'i', [CONF_ENDPOINTS] = 'e'
	};

	assert(type < sizeof(shapes) && shapes[type] != 0);
	return shapes[type];
}

/* --- out --------------------------------------------------------------- */

/* Little-endian, whatever machine: both ends are of one release, but so are
 * the tests' bytes. */
static void
put(struct buf *b, uint64_t v, int bytes)
{
	assert(bytes > 0 && bytes <= 8);
	for (; bytes > 0; bytes--, v >>= 8)
		buf_putc(b, (char)(v & 0xff));
}

static void
put_text(struct buf *b, const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;

	assert(n < absent);
	put(b, s != NULL ? n : absent, 4);
	buf_add(b, s, n);
}

/* The engine needs no PIN. */
static void
put_uri(struct buf *b, const char *s, bool pins)
{
	char *shown = s == NULL ? NULL : pins ? xstrdup(s) :
	    conf_uri_shown(s);

	put_text(b, shown);
	free(shown);
}

static void
put_list(struct buf *b, const struct strv *l)
{
	size_t i;

	assert(l->n < absent);
	put(b, l->n, 4);
	for (i = 0; i < l->n; i++)
		put_text(b, l->v[i]);
}

static void
put_endpoints(struct buf *b, const struct conf_service *s)
{
	const struct conf_endpoint *e;
	size_t i;

	put(b, s->endpoints_n, 4);
	for (i = 0; i < s->endpoints_n; i++) {
		e = &s->endpoints[i];
		put_text(b, e->text);
		put_text(b, e->protocol);
		put_text(b, e->address);
		put(b, e->port, 4);
		put(b, e->from_preset, 1);
	}
}

static void
put_key(struct buf *b, const struct conf_key *k, const char *keys, bool pins)
{
	switch (k->type) {
	case CONF_TEXT:
	case CONF_PATH:
	case CONF_CHOICE:
		put_text(b, *(char *const *)(const void *)(keys + k->at));
		break;
	case CONF_URI:
		put_uri(b, *(char *const *)(const void *)(keys + k->at),
		    pins);
		break;
	case CONF_LIST:
	case CONF_ARGV:
		put_list(b, (const void *)(keys + k->at));
		break;
	case CONF_YESNO:
		put(b, *(const bool *)(const void *)(keys + k->at), 1);
		break;
	case CONF_NUMBER:
	case CONF_TIME:
	case CONF_MAYBE:
		put(b, (uint64_t)*(const int64_t *)(const void *)
		    (keys + k->at), 8);
		break;
	case CONF_ENDPOINTS:
		put_endpoints(b, (const void *)keys);
		break;
	}
}

static void
put_blob(struct buf *b, const struct blob *bytes)
{
	put(b, bytes->len, 4);
	buf_add(b, bytes->p, bytes->len);
}

/* In the order of the table of keys: get_element() reads it back in the
 * same. */
static void
put_element(struct buf *b, enum conf_kind kind, void *element, bool pins)
{
	const struct conf_key *k;
	const struct conf_cert *cert = element;
	const struct conf_ca *ca = element;
	const struct conf_head *head = element;

	assert(kind < CONF_KINDS && element != NULL);
	if (kind != CONF_TOP) {
		put_text(b, head->title);
		put_text(b, head->where);
	}
	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << kind) != 0)
			put_key(b, k, conf_keys_of(kind, element), pins);
	if (kind == CONF_CERT) {
		put_text(b, cert->names_where);
		put_blob(b, &cert->csr);
		put(b, (uint64_t)cert->kept | (uint64_t)cert->csr_known << 1,
		    1);
		put(b, cert->wish.services_set, 1);
	} else if (kind == CONF_POLICY) {
		put(b, ((struct conf_policy *)element)->wish.services_set, 1);
	} else if (kind == CONF_CA) {
		put_blob(b, &ca->trust);
		put(b, ca->test_ca, 1);
	} else if (kind == CONF_DNS) {
		put_text(b, ((struct conf_dns *)element)->key_name);
		put_text(b, ((struct conf_dns *)element)->key_alg);
	}
}

static void
put_conf(struct buf *b, const struct conf *c, bool pins)
{
	enum conf_kind kind;
	size_t i;

	put_text(b, c->file);
	put(b, (uint64_t)c->loaded_ms, 8);
	put(b, c->problems_n, 4);
	for (i = 0; i < c->problems_n; i++) {
		put_text(b, c->problems[i].title);
		put_text(b, c->problems[i].where);
		put_text(b, c->problems[i].text);
		put(b, c->problems[i].kept, 4);
	}
	put_element(b, CONF_TOP, conf_element(c, CONF_TOP, 0), pins);
	for (kind = CONF_CERT; kind < CONF_KINDS; kind++) {
		put(b, conf_count(c, kind), 4);
		for (i = 0; i < conf_count(c, kind); i++)
			put_element(b, kind, conf_element(c, kind, i), pins);
	}
}

static struct blob
sealed(struct buf *b)
{
	struct blob out;

	put(b, conf_pack_sum(b->data, b->len), TAIL);
	assert(!b->full);
	out.len = b->len;
	out.p = (uint8_t *)buf_take(b);
	return out;
}

struct blob
conf_pack(const struct conf *c)
{
	struct buf b;

	buf_init(&b, (size_t)INT_MAX);
	put(&b, MAGIC, 4);
	put(&b, FORMAT, 4);
	put_conf(&b, c, false);
	return sealed(&b);
}

/* Another release has other keys: the bytes say first which they have. */
struct blob
conf_pack_kept(const struct conf *c)
{
	struct conf still = *c;
	const struct conf_key *k;
	struct buf b;
	size_t n = 0;

	/* The same configuration, the same bytes, whenever it was read. */
	still.loaded_ms = 0;
	still.problems_n = 0;
	buf_init(&b, (size_t)INT_MAX);
	put(&b, KEPT_MAGIC, 4);
	put(&b, FORMAT, 4);
	for (k = conf_keys; k->word != NULL; k++)
		n++;
	put(&b, n, 4);
	for (k = conf_keys; k->word != NULL; k++) {
		put(&b, k->in, 4);
		put(&b, (uint64_t)shape_of(k->type), 1);
		put_text(&b, k->word);
	}
	put_conf(&b, &still, true);
	return sealed(&b);
}

/* --- in ---------------------------------------------------------------- */

struct in {
	const uint8_t *p, *end;
	bool bad;		/* stays; everything read then is zero */
	struct packed_key keys[CONF_KEYS_MAX];
	size_t keys_n;
};

static uint64_t
get(struct in *in, int bytes)
{
	uint64_t v = 0;
	int i;

	assert(bytes > 0 && bytes <= 8);
	if (in->bad || in->end - in->p < bytes) {
		in->bad = true;
		return 0;
	}
	for (i = bytes; i > 0; i--)
		v = v << 8 | in->p[i - 1];
	in->p += bytes;
	return v;
}

/* A count of things that take at least `each` bytes. */
static size_t
get_count(struct in *in, size_t each)
{
	size_t n = get(in, 4);

	assert(each > 0);
	if (n > (size_t)(in->end - in->p) / each) {
		in->bad = true;
		return 0;
	}
	return n;
}

static bool
get_bool(struct in *in)
{
	uint64_t v = get(in, 1);

	in->bad = in->bad || v > 1;
	return v == 1;
}

static char *
get_text(struct in *in, bool may_be_absent)
{
	size_t n = get(in, 4);
	char *s;

	if (!in->bad && n == absent && may_be_absent)
		return NULL;
	if (in->bad || n > (size_t)(in->end - in->p) ||
	    memchr(in->p, '\0', n) != NULL) {
		in->bad = true;
		return may_be_absent ? NULL : xstrdup("");
	}
	s = xstrndup((const char *)in->p, n);
	in->p += n;
	return s;
}

static void
get_list(struct in *in, struct strv *l)
{
	size_t n = get_count(in, 4), i;
	char *s;

	assert(l->n == 0);
	for (i = 0; i < n && !in->bad; i++) {
		s = get_text(in, false);
		strv_add(l, s);
		free(s);
	}
}

static void
get_endpoints(struct in *in, struct conf_service *s)
{
	size_t n = get_count(in, 17), i;
	struct conf_endpoint *e;

	assert(s->endpoints == NULL && s->endpoints_n == 0);
	s->endpoints = xcalloc(n, sizeof(*s->endpoints));
	s->endpoints_n = n;
	for (i = 0; i < n; i++) {
		e = &s->endpoints[i];
		e->text = get_text(in, false);
		e->protocol = get_text(in, false);
		e->address = get_text(in, false);
		e->port = (uint32_t)get(in, 4);
		in->bad = in->bad || e->port == 0 || e->port > UINT16_MAX;
		e->from_preset = get_bool(in);
	}
}

/* A value of a key that this release has not. */
static void
skip_value(struct in *in, char shape)
{
	struct conf_service s = { .title = NULL };
	struct strv l = { NULL, 0 };

	switch (shape) {
	case 't':
		free(get_text(in, true));
		break;
	case 'l':
		get_list(in, &l);
		strv_free(&l);
		break;
	case 'b':
		get_bool(in);
		break;
	case 'i':
		get(in, 8);
		break;
	case 'e':
		get_endpoints(in, &s);
		conf_key_free(conf_key_find(CONF_SERVICE, "endpoints"), &s);
		break;
	default:
		in->bad = true;
	}
}

static void
get_key(struct in *in, enum conf_kind kind, const struct conf_key *k,
    char *keys)
{
	bool wish = kind == CONF_CERT || kind == CONF_POLICY;

	switch (k->type) {
	case CONF_TEXT:
	case CONF_PATH:
	case CONF_CHOICE:
	case CONF_URI:
		*(char **)(void *)(keys + k->at) = get_text(in, wish);
		break;
	case CONF_LIST:
	case CONF_ARGV:
		get_list(in, (void *)(keys + k->at));
		break;
	case CONF_YESNO:
		*(bool *)(void *)(keys + k->at) = get_bool(in);
		break;
	case CONF_NUMBER:
	case CONF_TIME:
	case CONF_MAYBE:
		*(int64_t *)(void *)(keys + k->at) = (int64_t)get(in, 8);
		break;
	case CONF_ENDPOINTS:
		get_endpoints(in, (void *)keys);
		break;
	}
}

static void
get_blob(struct in *in, struct blob *bytes)
{
	size_t n = get_count(in, 1);

	assert(bytes->p == NULL);
	*bytes = blob_copy(in->p, n);
	in->p += n;
}

static void
get_keys(struct in *in, enum conf_kind kind, void *element)
{
	bool wish = kind == CONF_CERT || kind == CONF_POLICY;
	void *keys = conf_keys_of(kind, element);
	const struct conf_key *k;
	uint64_t had = 0;
	size_t i;

	for (i = 0; i < in->keys_n; i++) {
		if ((in->keys[i].in & 1u << kind) == 0)
			continue;
		k = in->keys[i].key;
		if (k == NULL || (k->in & 1u << kind) == 0) {
			skip_value(in, in->keys[i].shape);
			continue;
		}
		get_key(in, kind, k, keys);
		had |= UINT64_C(1) << conf_key_index(k);
	}
	/* A wish without it is a wish in which it was not written. */
	for (k = conf_keys; k->word != NULL && !wish; k++)
		if ((k->in & 1u << kind) != 0 &&
		    (had >> conf_key_index(k) & 1) == 0)
			conf_key_default(k, keys);
}

static void
get_element(struct in *in, struct conf *c, enum conf_kind kind)
{
	void *element = kind == CONF_TOP ? c : conf_add(c, kind);
	struct conf_head *head = element;
	struct conf_cert *cert = element;
	struct conf_ca *ca = element;
	uint64_t marks;

	assert(kind < CONF_KINDS);
	if (kind != CONF_TOP) {
		head->title = get_text(in, false);
		head->where = get_text(in, false);
	}
	get_keys(in, kind, element);
	if (kind == CONF_CERT) {
		cert->names_where = get_text(in, false);
		get_blob(in, &cert->csr);
		marks = get(in, 1);
		in->bad = in->bad || marks > 3;
		cert->kept = (marks & 1) != 0;
		cert->csr_known = (marks & 2) != 0;
		cert->wish.services_set = get_bool(in);
	} else if (kind == CONF_POLICY) {
		((struct conf_policy *)element)->wish.services_set =
		    get_bool(in);
	} else if (kind == CONF_CA) {
		get_blob(in, &ca->trust);
		ca->test_ca = get_bool(in);
	} else if (kind == CONF_DNS) {
		((struct conf_dns *)element)->key_name = get_text(in, true);
		((struct conf_dns *)element)->key_alg = get_text(in, true);
	}
}

static void
get_problems(struct in *in, struct conf *c)
{
	size_t n = get_count(in, 16), i;

	assert(c->problems == NULL);
	c->problems = xcalloc(n, sizeof(*c->problems));
	c->problems_n = n;
	for (i = 0; i < n; i++) {
		c->problems[i].title = get_text(in, true);
		c->problems[i].where = get_text(in, false);
		c->problems[i].text = get_text(in, false);
		c->problems[i].kept = (uint32_t)get(in, 4);
	}
}

/* Looking up relies on the order of titles. */
static void
get_kind(struct in *in, struct conf *c, enum conf_kind kind)
{
	size_t n = get_count(in, 8), i;
	struct conf_head *a, *b;

	assert(conf_count(c, kind) == 0);
	for (i = 0; i < n && !in->bad; i++)
		get_element(in, c, kind);
	for (i = 1; i < n && !in->bad; i++) {
		a = conf_element(c, kind, i - 1);
		b = conf_element(c, kind, i);
		in->bad = strcmp(a->title, b->title) >= 0;
	}
}

static void
keys_of_ours(struct in *in)
{
	const struct conf_key *k;

	for (k = conf_keys; k->word != NULL; k++)
		in->keys[in->keys_n++] = (struct packed_key){ k, k->in,
		    shape_of(k->type) };
	assert(in->keys_n <= CONF_KEYS_MAX);
}

/* The key of this release that has this word and lies like this. */
static const struct conf_key *
key_for(unsigned int in, char shape, const char *word)
{
	const struct conf_key *k = conf_keys;

	while (k->word != NULL && ((k->in & in) == 0 ||
	    shape_of(k->type) != shape || strcmp(k->word, word) != 0))
		k++;
	return k->word != NULL ? k : NULL;
}

static void
get_table(struct in *in)
{
	size_t n = get_count(in, 9), i, j;
	struct packed_key *k;
	char *word;

	in->bad = in->bad || n > CONF_KEYS_MAX;
	for (i = 0; i < n && !in->bad; i++) {
		k = &in->keys[in->keys_n++];
		k->in = (unsigned int)get(in, 4);
		k->shape = (char)get(in, 1);
		word = get_text(in, false);
		k->key = key_for(k->in, k->shape, word);
		/* Each is read once. */
		for (j = 0; j < i && k->key != NULL; j++)
			in->bad = in->bad || in->keys[j].key == k->key;
		free(word);
	}
}

/* Bytes with a sum and this beginning. */
static void
open_bytes(struct in *in, const void *p, size_t n, uint32_t magic)
{
	struct in tail;

	assert(p != NULL || n == 0);
	memset(in, 0, sizeof(*in));
	in->p = p;
	in->end = in->p + n;
	in->bad = n < TAIL;
	if (!in->bad) {
		in->end -= TAIL;
		tail = *in;
		tail.p = in->end;
		tail.end = in->end + TAIL;
		in->bad = get(&tail, TAIL) != conf_pack_sum(p, n - TAIL);
	}
	in->bad = in->bad || get(in, 4) != magic || get(in, 4) != FORMAT;
}

/* A bad one is read to its end all the same, as zeros: there is one way out,
 * and it frees all. */
static struct conf *
get_conf(struct in *in)
{
	struct conf *c = xcalloc(1, sizeof(*c));
	enum conf_kind kind;

	c->file = get_text(in, false);
	c->loaded_ms = (int64_t)get(in, 8);
	get_problems(in, c);
	get_element(in, c, CONF_TOP);
	for (kind = CONF_CERT; kind < CONF_KINDS && !in->bad; kind++)
		get_kind(in, c, kind);
	if (!in->bad && in->p == in->end)
		return c;
	conf_free(c);
	return NULL;
}

struct conf *
conf_unpack(const void *p, size_t n, struct err *err)
{
	struct conf *c;
	struct in in;

	open_bytes(&in, p, n, MAGIC);
	keys_of_ours(&in);
	c = get_conf(&in);
	if (c == NULL)
		err_set(err, ERR_INTERNAL, "the configuration did not arrive "
		    "whole from the master");
	return c;
}

struct conf *
conf_unpack_kept(const void *p, size_t n, struct err *err)
{
	struct conf *c;
	struct in in;

	open_bytes(&in, p, n, KEPT_MAGIC);
	get_table(&in);
	c = get_conf(&in);
	if (c == NULL)
		err_set(err, ERR_CONFIG_BAD, "it is damaged, or of another "
		    "release");
	return c;
}
