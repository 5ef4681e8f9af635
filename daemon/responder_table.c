/* The table of what is being proven right now: small, short-lived, asked by
 * the whole Internet. Only an exact path of ours with a token of ours for the
 * host that it was made for finds anything. */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/name.h"
#include "daemon/responder_table.h"

enum { SLOTS = 4096, HOST_FIELD_MAX = 300, THUMBPRINT = 43 };

static const char prefix[] = "/.well-known/acme-challenge/";

struct entry {
	struct entry *next;
	char *token, *host, *keyauth;
	uint32_t mark;
};

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

	*at = e->next;
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
	free(t);
}

size_t
table_size(const struct table *t)
{
	return t->n;
}

/* FNV-1a; a CA that wanted collisions would slow down its own answers. */
static size_t
slot_of(const char *token)
{
	uint32_t h = 2166136261u;

	for (; *token != '\0'; token++)
		h = (h ^ (unsigned char)*token) * 16777619u;
	return h % SLOTS;
}

static struct entry **
find(struct table *t, const char *token, const char *host)
{
	struct entry **at = &t->slots[slot_of(token)];

	while (*at != NULL && (strcmp((*at)->token, token) != 0 ||
	    strcmp((*at)->host, host) != 0))
		at = &(*at)->next;
	return at;
}

/* "token.thumbprint": so that whoever holds the engine can have nothing else
 * shown under our names. */
static bool
belongs(const char *keyauth, const char *token)
{
	size_t n = strlen(token);

	return strncmp(keyauth, token, n) == 0 && keyauth[n] == '.' &&
	    strlen(keyauth + n + 1) == THUMBPRINT &&
	    name_is_token(keyauth + n + 1);
}

int
table_publish(struct table *t, const char *token, const char *host,
    const char *keyauth, uint32_t mark, struct err *err)
{
	enum name_kind kind;
	struct entry **at;
	char name[256];

	if (name_parse(name, &kind, host, err) != 0)
		return -1;
	if (kind == NAME_WILDCARD)
		return err_set(err, ERR_INVALID,
		    "\"%s\": no wildcard can be proven over http", host);
	if (!name_is_token(token) || !belongs(keyauth, token))
		return err_set(err, ERR_INVALID, "\"%s\": no answer to a "
		    "challenge has this form", host);
	at = find(t, token, name);
	if (*at == NULL && t->n >= TABLE_MAX)
		return err_set(err, ERR_OWN_LIMIT, "%d challenges are "
		    "published already", TABLE_MAX);
	if (*at != NULL)
		drop(t, at);
	at = find(t, token, name);
	*at = xcalloc(1, sizeof(**at));
	(*at)->token = xstrdup(token);
	(*at)->host = xstrdup(name);
	(*at)->keyauth = xstrdup(keyauth);
	(*at)->mark = mark;
	t->n++;
	return 0;
}

void
table_withdraw(struct table *t, const char *token, const char *host)
{
	enum name_kind kind;
	struct entry **at;
	struct err err;
	char name[256];

	if (name_parse(name, &kind, host, &err) != 0)
		return;
	at = find(t, token, name);
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
	return before - t->n;
}

/* ":80", or nothing. */
static bool
is_port(const char *s)
{
	size_t n;

	if (*s == '\0')
		return true;
	n = strspn(s + 1, "0123456789");
	return *s == ':' && n <= 5 && s[1 + n] == '\0';
}

bool
table_host(char out[256], const char *host)
{
	char copy[HOST_FIELD_MAX], *name = copy, *end;
	enum name_kind kind;
	struct err err;
	bool brackets;
	size_t n = strlen(host);

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

const char *
table_find(const struct table *t, const char *path, const char *host)
{
	const char *token = path + sizeof(prefix) - 1;
	const struct entry *e;
	char name[256];

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0 ||
	    !name_is_token(token) || !table_host(name, host))
		return NULL;
	for (e = t->slots[slot_of(token)]; e != NULL; e = e->next)
		if (strcmp(e->token, token) == 0 && strcmp(e->host, name) == 0)
			return e->keyauth;
	return NULL;
}
