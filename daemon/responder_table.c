/* The table of what is being proven right now: small, short-lived, asked by
 * the whole Internet. Only an exact path of ours with a token of ours for the
 * host that it was made for finds anything. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "base/mem.h"
#include "base/name.h"
#include "daemon/responder_table.h"

enum { SLOTS = 4096, HOST_FIELD_MAX = 300,
	KEY_MAX = NAME_TOKEN_MAX + 1 };

static const char prefix[] = "/.well-known/acme-challenge/";

struct entry {
	struct entry *next;
	enum table_type type;
	char *key;		/* what it is looked up by: the token, or SNI */
	char *token, *host, *keyauth;
	uint32_t mark;
};
static_assert((int)KEY_MAX >= (int)METHOD_RECORD, "a name is a key, too");

struct table {
	struct entry *slots[SLOTS];
	size_t n;
};

struct table *
table_new(void)
{
	return xcalloc(1, sizeof(struct table));
}

static void
drop(struct table *t, struct entry **at)
{
	struct entry *e = *at;

	assert(*at != NULL && t->n > 0);
	*at = e->next;
	free(e->key);
	free(e->token);
	free(e->host);
	free(e->keyauth);
	free(e);
	t->n--;
}

void
table_free(struct table *t)
{
	size_t i;

	for (i = 0; i < SLOTS; i++)
		while (t->slots[i] != NULL)
			drop(t, &t->slots[i]);
	assert(t->n == 0);
	free(t);
}

size_t
table_size(const struct table *t)
{
	return t->n;
}

bool
table_type(enum table_type *out, const char *word)
{
	*out = strcmp(word, "tls-alpn-01") == 0 ? TABLE_ALPN : TABLE_HTTP;
	return *out == TABLE_ALPN || strcmp(word, "http-01") == 0;
}

/* FNV-1a; a CA that wanted collisions would slow down its own answers. */
static size_t
slot_of(const char *key)
{
	uint32_t h = 2166136261u;

	assert(key != NULL);
	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return h % SLOTS;
}

/* The key of an entry of this type; token and host are canonical. */
static void
key_of(char out[KEY_MAX], enum table_type type, const char *token,
    const char *host)
{
	assert(type == TABLE_HTTP || type == TABLE_ALPN);
	if (type == TABLE_ALPN)
		method_sni(out, host);
	else
		snprintf(out, KEY_MAX, "%s", token);
}

/* By all of it, and not by its key alone: two orders may prove one name at a
 * time. */
static struct entry **
find(struct table *t, enum table_type type, const char *token,
    const char *host)
{
	struct entry **at;
	char key[KEY_MAX];

	assert(token != NULL && host != NULL);
	key_of(key, type, token, host);
	at = &t->slots[slot_of(key)];
	while (*at != NULL && ((*at)->type != type ||
	    strcmp((*at)->token, token) != 0 ||
	    strcmp((*at)->host, host) != 0))
		at = &(*at)->next;
	return at;
}

static int
check(char name[256], const char *token, const char *host,
    const char *keyauth, struct err *err)
{
	enum name_kind kind;

	if (name_parse(name, &kind, host, err) != 0)
		return -1;
	if (kind == NAME_WILDCARD)
		return err_set(err, ERR_INVALID, "\"%s\": no wildcard can be "
		    "proven by an answer of ours", host);
	if (!name_is_token(token) || !name_is_keyauth(keyauth, token))
		return err_set(err, ERR_INVALID, "\"%s\": no answer to a "
		    "challenge has this form", host);
	return 0;
}

/* In front of its slot: of two for one name the newer is found. */
static void
add(struct table *t, const struct entry *what)
{
	struct entry *e = xmemdup(what, sizeof(*what));
	struct entry **slot = &t->slots[slot_of(what->key)];

	assert(what->key != NULL && t->n < TABLE_MAX);
	e->key = xstrdup(what->key);
	e->token = xstrdup(what->token);
	e->host = xstrdup(what->host);
	e->keyauth = xstrdup(what->keyauth);
	e->next = *slot;
	*slot = e;
	t->n++;
}

/* Again is done: the newer answer takes the place of the one before. */
int
table_publish(struct table *t, enum table_type type, const char *token,
    const char *host, const char *keyauth, uint32_t mark, struct err *err)
{
	struct entry e = { .type = type, .mark = mark };
	struct entry **at;
	char name[256], key[KEY_MAX];

	if (check(name, token, host, keyauth, err) != 0)
		return -1;
	at = find(t, type, token, name);
	if (*at == NULL && t->n >= TABLE_MAX)
		return err_set(err, ERR_OWN_LIMIT, "%d challenges are "
		    "published already", TABLE_MAX);
	if (*at != NULL)
		drop(t, at);
	assert(t->n < TABLE_MAX);
	key_of(key, type, token, name);
	e.key = key;
	e.token = (char *)(uintptr_t)token;
	e.host = name;
	e.keyauth = (char *)(uintptr_t)keyauth;
	add(t, &e);
	return 0;
}

void
table_withdraw(struct table *t, enum table_type type, const char *token,
    const char *host)
{
	enum name_kind kind;
	struct entry **at;
	struct err err;
	char name[256];

	if (name_parse(name, &kind, host, &err) != 0 || !name_is_token(token))
		return;
	at = find(t, type, token, name);
	if (*at != NULL)
		drop(t, at);
}

size_t
table_sweep(struct table *t, uint32_t mark)
{
	size_t i, before = t->n;
	struct entry **at;

	for (i = 0; i < SLOTS; i++)
		for (at = &t->slots[i]; *at != NULL; )
			if ((*at)->mark != mark)
				drop(t, at);
			else
				at = &(*at)->next;
	assert(t->n <= before);
	return before - t->n;
}

/* ":80", or nothing. */
static bool
is_port(const char *s)
{
	size_t n;

	assert(s != NULL);
	if (*s == '\0')
		return true;
	n = strspn(s + 1, "0123456789");
	return *s == ':' && n <= 5 && s[1 + n] == '\0';
}

/* As a Host field has it: a name or an address, perhaps with a port. */
bool
table_host(char out[256], const char *host)
{
	char copy[HOST_FIELD_MAX], *name = copy, *end;
	enum name_kind kind;
	struct err err;
	bool brackets;
	size_t n = strlen(host);

	assert(host != NULL);
	if (n == 0 || n >= sizeof(copy))
		return false;
	memcpy(copy, host, n + 1);
	brackets = copy[0] == '[';
	if (brackets) {
		name++;
		end = strchr(name, ']');
		if (end == NULL || !is_port(end + 1))
			return false;
	} else {
		end = strchr(name, ':');
		if (end != NULL && !is_port(end))
			return false;
	}
	if (end != NULL)
		*end = '\0';
	return name_parse(out, &kind, name, &err) == 0 &&
	    kind != NAME_WILDCARD &&
	    brackets == (strchr(out, ':') != NULL);
}

/* The path as it was sent and the host in its plain form: nothing is
 * searched for that only looks like it. */
const char *
table_find(const struct table *t, const char *path, const char *host)
{
	const char *token = path + sizeof(prefix) - 1;
	const struct entry *e;
	char name[256];

	assert(path != NULL && host != NULL);
	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0 ||
	    !name_is_token(token) || !table_host(name, host))
		return NULL;
	for (e = t->slots[slot_of(token)]; e != NULL; e = e->next)
		if (e->type == TABLE_HTTP && strcmp(e->token, token) == 0 &&
		    strcmp(e->host, name) == 0)
			return e->keyauth;
	return NULL;
}

/* The certificate is for host, which may be an address, whose SNI is a name
 * of its own. */
const char *
table_find_sni(const struct table *t, const char *sni, const char **host)
{
	const struct entry *e;
	enum name_kind kind;
	struct err err;
	char name[256];

	assert(sni != NULL && host != NULL);
	if (name_parse(name, &kind, sni, &err) != 0 || kind != NAME_DNS)
		return NULL;
	for (e = t->slots[slot_of(name)]; e != NULL; e = e->next)
		if (e->type == TABLE_ALPN && strcmp(e->key, name) == 0) {
			*host = e->host;
			return e->keyauth;
		}
	return NULL;
}
