/* One value: from what a file says into its field, and back into words. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/conf_table.h"
#include "hooks/endpoint.h"

static char **
text_at(const struct conf_key *k, const void *keys)
{
	assert(k->type == CONF_TEXT || k->type == CONF_PATH ||
	    k->type == CONF_CHOICE || k->type == CONF_URI);
	return (char **)((char *)(uintptr_t)keys + k->at);
}

static struct strv *
list_at(const struct conf_key *k, const void *keys)
{
	assert(k->type == CONF_LIST || k->type == CONF_ARGV);
	return (struct strv *)((char *)(uintptr_t)keys + k->at);
}

static int64_t *
number_at(const struct conf_key *k, const void *keys)
{
	assert(k->type == CONF_NUMBER || k->type == CONF_TIME ||
	    k->type == CONF_MAYBE);
	return (int64_t *)((char *)(uintptr_t)keys + k->at);
}

static bool *
yesno_at(const struct conf_key *k, const void *keys)
{
	assert(k->type == CONF_YESNO);
	return (bool *)((char *)(uintptr_t)keys + k->at);
}

/* The one list of which "{}" differs from nothing. */
static bool *
services_set(const struct conf_key *k, const void *keys)
{
	if (k->at != offsetof(struct conf_wish, services) ||
	    (k->in & 1u << CONF_CERT) == 0)
		return NULL;
	return &((struct conf_wish *)(uintptr_t)keys)->services_set;
}

static bool
is_text(const struct conf_key *k)
{
	return k->type == CONF_TEXT || k->type == CONF_PATH ||
	    k->type == CONF_CHOICE || k->type == CONF_URI;
}

static bool
is_list(const struct conf_key *k)
{
	return k->type == CONF_LIST || k->type == CONF_ARGV;
}

/* As the lexer reads it back: a quote and a backslash are the only bytes
 * with a meaning in there. */
void
conf_quote(struct buf *out, const char *s)
{
	assert(s != NULL);
	buf_putc(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

/* --- errors ------------------------------------------------------------- */

/* `KEY = VALUE: why`, the value as it was written. */
static int
wrong(const struct conf_key *k, const struct conf_given *g, struct err *err,
    const char *why)
{
	const char *q = g->quoted ? "\"" : "";
	char *uri;

	assert(g->items.n > 0);
	uri = k->type == CONF_URI ? conf_uri_shown(g->items.v[0]) : NULL;
	err_set(err, ERR_CONFIG_BAD, "%s = %s%.200s%s: %s", k->word, q,
	    uri != NULL ? uri : g->items.v[0], q, why);
	free(uri);
	return -1;
}

/* `KEY: "ITEM": why`. */
static int
wrong_item(const struct conf_key *k, const char *item, struct err *err,
    const char *why)
{
	return err_set(err, ERR_CONFIG_BAD, "%s: \"%.200s\": %s", k->word,
	    item, why);
}

/* A check's error with the key in front. */
static int
wrong_by_check(const struct conf_key *k, struct err *err)
{
	return err_context(err, "%s", k->word);
}

static void
name_choices(const struct conf_key *k, struct buf *b)
{
	const char *const *c;

	assert(k->choices != NULL && k->choices[0] != NULL);
	buf_puts(b, "say ");
	for (c = k->choices; *c != NULL; c++)
		buf_printf(b, "%s%s", c == k->choices ? "" : c[1] == NULL ?
		    (k->automatic ? ", " : " or ") : ", ", *c);
	if (k->automatic)
		buf_puts(b, " or auto");
}

/* NULL if s is a choice, else what to say; the caller frees it. */
static char *
no_choice(const struct conf_key *k, const char *s)
{
	const char *const *c;
	struct buf b;

	assert(k->choices != NULL);
	for (c = k->choices; *c != NULL; c++)
		if (strcmp(*c, s) == 0)
			return NULL;
	buf_init(&b, 300);
	name_choices(k, &b);
	return buf_take(&b);
}

/* --- reading ------------------------------------------------------------ */

/* 1, 0, or -1 and err. */
static int
read_yesno(const struct conf_key *k, const struct conf_given *g,
    struct err *err)
{
	static const char *const words[] = {
		"false", "no", "off", "true", "yes", "on"
	};
	size_t i;

	assert((k->type == CONF_YESNO || k->type == CONF_MAYBE) &&
	    g->items.n == 1);
	for (i = 0; i < 6; i++)
		if (strcmp(words[i], g->items.v[0]) == 0)
			return i >= 3;
	return wrong(k, g, err, "say true or false");
}

static int
set_yesno(const struct conf_key *k, void *keys, const struct conf_given *g,
    struct err *err)
{
	int yes = read_yesno(k, g, err);

	if (yes < 0)
		return -1;
	if (k->type == CONF_YESNO)
		*yesno_at(k, keys) = yes != 0;
	else
		*number_at(k, keys) = yes;
	return 0;
}

static int
set_number(const struct conf_key *k, int64_t *to, const struct conf_given *g,
    struct err *err)
{
	const char *s = g->items.v[0];
	char why[100];
	long long v = -1;

	assert(k->type == CONF_NUMBER && g->items.n == 1);
	if (*s != '\0' && strlen(s) < 18 &&
	    strspn(s, "0123456789") == strlen(s))
		v = strtoll(s, NULL, 10);
	if (v < k->min || v > k->max) {
		snprintf(why, sizeof(why), "say a number from %lld to %lld",
		    (long long)k->min, (long long)k->max);
		return wrong(k, g, err, why);
	}
	assert(v >= k->min && v <= k->max);
	*to = v;
	return 0;
}

/* The largest unit that it is a whole number of: what people wrote comes out
 * again. */
static void
show_time(struct buf *out, int64_t ms)
{
	static const struct { int64_t unit; char letter; } units[] = {
		{ CONF_DAY, 'd' }, { CONF_HOUR, 'h' }, { CONF_MINUTE, 'm' }
	};
	size_t i;

	assert(out != NULL && ms >= 0);
	for (i = 0; i < 3; i++)
		if (ms > 0 && ms % units[i].unit == 0) {
			buf_printf(out, "%lld%c",
			    (long long)(ms / units[i].unit), units[i].letter);
			return;
		}
	buf_printf(out, "%llds", (long long)(ms / CONF_SECOND));
}

static int
time_out_of_range(const struct conf_key *k, const struct conf_given *g,
    struct err *err)
{
	struct buf b;

	assert(k->min < k->max);
	buf_init(&b, 100);
	buf_puts(&b, "say at least ");
	show_time(&b, k->min);
	buf_puts(&b, " and at most ");
	show_time(&b, k->max);
	wrong(k, g, err, b.data);
	buf_free(&b);
	return -1;
}

static int
set_time(const struct conf_key *k, int64_t *to, const struct conf_given *g,
    struct err *err)
{
	const char *s = g->items.v[0];
	char why[200];
	int64_t ms;

	assert(k->type == CONF_TIME && g->items.n == 1);
	if (k->automatic && strcmp(s, "auto") == 0) {
		*to = 0;
		return 0;
	}
	if (!text_duration(&ms, s)) {
		if (*s != '\0' && strlen(s) < 20 &&
		    strspn(s, "0123456789") == strlen(s))
			snprintf(why, sizeof(why),
			    "say the unit: %ss, %sm, %sh or %sd", s, s, s, s);
		else
			snprintf(why, sizeof(why), "say a time such as "
			    "30s, 10m, 12h or 7d%s", k->automatic ?
			    ", or auto" : "");
		return wrong(k, g, err, why);
	}
	if (ms < k->min || ms > k->max)
		return time_out_of_range(k, g, err);
	*to = ms;
	return 0;
}

/* Choices have words of their own, paths begin at the root, and the rest has
 * a length and perhaps a rule. */
static int
check_choice(const struct conf_key *k, const struct conf_given *g,
    struct err *err)
{
	const char *s = g->items.v[0];
	char *why = no_choice(k, s);
	int rc = 0;

	if (why == NULL)
		return 0;
	if (k->check == NULL || k->check(s, err) != 0)
		rc = k->check != NULL && err->code != ERR_OK ?
		    wrong_by_check(k, err) : wrong(k, g, err, why);
	free(why);
	return rc;
}

static int
set_text(const struct conf_key *k, char **to, const struct conf_given *g,
    struct err *err)
{
	const char *s = g->items.v[0];

	assert(is_text(k) && g->items.n == 1);
	if (k->type == CONF_CHOICE) {
		if (check_choice(k, g, err) != 0)
			return -1;
	} else if ((int64_t)strlen(s) < k->min)
		return wrong(k, g, err, "it is empty");
	else if ((int64_t)strlen(s) > k->max)
		return wrong(k, g, err, "it is too long");
	else if (k->type == CONF_PATH && *s != '\0' && *s != '/')
		return wrong(k, g, err, "say the whole path, from /");
	else if (k->type == CONF_PATH && (strstr(s, "/../") != NULL ||
	    (strlen(s) > 2 && strcmp(s + strlen(s) - 3, "/..") == 0)))
		return wrong(k, g, err, "a path has no \"..\" here");
	else if (k->check != NULL && *s != '\0' && k->check(s, err) != 0)
		return wrong_by_check(k, err);
	free(*to);
	*to = xstrdup(k->automatic && strcmp(s, "auto") == 0 ? "" : s);
	return 0;
}

/* It is run as it stands, without a shell: who writes a whole line as one
 * word is told how it is meant. */
static int
check_argv(const struct conf_key *k, const struct conf_given *g,
    struct err *err)
{
	const char *program;
	size_t n;

	assert(k->type == CONF_ARGV);
	if (g->items.n == 0)
		return 0;
	program = g->items.v[0];
	n = strcspn(program, " ");
	if (!g->list && program[n] != '\0') {
		wrong_item(k, program, err, "no shell reads this");
		return err_advise(err, "Write each word for itself: "
		    "{\"%.*s\", \"%.100s\"...}", (int)n, program,
		    program + n + 1);
	}
	if (*program == '\0' ||
	    (*program != '/' && strchr(program, '/') != NULL))
		return wrong_item(k, program, err,
		    "say the program's name, or its whole path from /");
	return 0;
}

static int
check_item(const struct conf_key *k, const char *s, struct err *err)
{
	char *why;

	assert(s != NULL);
	if (*s == '\0')
		return wrong_item(k, s, err, "it is empty");
	if (k->choices != NULL) {
		why = no_choice(k, s);
		if (why != NULL) {
			wrong_item(k, s, err, why);
			free(why);
			return -1;
		}
	}
	if (k->check != NULL && k->check(s, err) != 0)
		return wrong_by_check(k, err);
	return 0;
}

/* How many items; and each for itself. */
static int
check_items(const struct conf_key *k, const struct conf_given *g,
    size_t *item, struct err *err)
{
	size_t n = g->items.n, i, j;

	assert(item != NULL && k->type != CONF_CHOICE);
	if ((int64_t)n < k->min)
		return err_set(err, ERR_CONFIG_BAD, "%s: the list is empty",
		    k->word);
	if ((int64_t)n > k->max)
		return err_set(err, ERR_CONFIG_BAD,
		    "%s: %zu items, at most %lld fit", k->word, n,
		    (long long)k->max);
	if (k->type == CONF_ARGV)
		return check_argv(k, g, err);
	for (i = 0; i < n; i++) {
		*item = i;
		if (check_item(k, g->items.v[i], err) != 0)
			return -1;
		for (j = 0; j < i; j++)
			if (strcmp(g->items.v[i], g->items.v[j]) == 0)
				return wrong_item(k, g->items.v[i], err,
				    "it is there twice");
	}
	return 0;
}

bool
conf_is_auto(const struct strv *l)
{
	return l->n == 1 && strcmp(l->v[0], "auto") == 0;
}

/* "{}" for services is a wish for none, and not the same as silence. */
static int
set_list(const struct conf_key *k, void *keys, const struct conf_given *g,
    size_t *item, struct err *err)
{
	struct strv *to = list_at(k, keys);
	bool *set = services_set(k, keys);

	assert(is_list(k));
	if (!(k->automatic && conf_is_auto(&g->items)) &&
	    check_items(k, g, item, err) != 0)
		return -1;
	strv_free(to);
	*to = strv_copy(&g->items);
	if (set != NULL)
		*set = true;
	return 0;
}

/* All of them are read before the first one is taken: a bad list leaves the
 * old one in place. */
static int
set_endpoints(const struct conf_key *k, struct conf_service *s,
    const struct conf_given *g, size_t *item, struct err *err)
{
	struct endpoint e;
	size_t i;

	assert(k->type == CONF_ENDPOINTS);
	if (check_items(k, g, item, err) != 0)
		return -1;
	for (i = 0; i < g->items.n; i++) {
		*item = i;
		if (endpoint_parse(&e, g->items.v[i], err) != 0)
			return wrong_by_check(k, err);
	}
	conf_key_free(k, s);
	s->endpoints = xcalloc(g->items.n, sizeof(*s->endpoints));
	s->endpoints_n = g->items.n;
	for (i = 0; i < g->items.n; i++) {
		if (endpoint_parse(&e, g->items.v[i], err) != 0)
			break;
		s->endpoints[i].text = xstrdup(g->items.v[i]);
		s->endpoints[i].protocol = xstrdup(e.protocol);
		s->endpoints[i].address = xstrdup(e.address);
		s->endpoints[i].port = e.port;
	}
	return 0;
}

int
conf_key_set(const struct conf_key *k, void *keys,
    const struct conf_given *g, size_t *item, struct err *err)
{
	assert(item != NULL && keys != NULL);
	*item = 0;
	err_clear(err);
	if (k->type == CONF_ENDPOINTS)
		return set_endpoints(k, keys, g, item, err);
	if (is_list(k))
		return set_list(k, keys, g, item, err);
	if (g->list)
		return err_set(err, ERR_CONFIG_BAD,
		    "%s: it takes one value, no list", k->word);
	if (is_text(k))
		return set_text(k, text_at(k, keys), g, err);
	if (k->type == CONF_YESNO || k->type == CONF_MAYBE)
		return set_yesno(k, keys, g, err);
	if (k->type == CONF_TIME)
		return set_time(k, number_at(k, keys), g, err);
	return set_number(k, number_at(k, keys), g, err);
}

/* What stands in the table passes its own rules, or the table is wrong. */
void
conf_key_default(const struct conf_key *k, void *keys)
{
	struct conf_given g = { { NULL, 0 }, NULL, false, false };
	struct err err;
	size_t item;
	int done;

	assert(keys != NULL);
	if (k->def == NULL) {
		if (is_text(k) && *text_at(k, keys) == NULL)
			*text_at(k, keys) = xstrdup("");
		return;
	}
	if (strcmp(k->def, "{}") == 0)
		g.list = true;
	else
		strv_add(&g.items, k->def);
	done = conf_key_set(k, keys, &g, &item, &err);
	assert(done == 0);
	(void)done;
	strv_free(&g.items);
}

/* --- the other things that can be done with a field --------------------- */

void
conf_key_free(const struct conf_key *k, void *keys)
{
	struct conf_service *s = keys;
	size_t i;

	if (is_text(k)) {
		free(*text_at(k, keys));
		*text_at(k, keys) = NULL;
	} else if (is_list(k)) {
		strv_free(list_at(k, keys));
	} else if (k->type == CONF_ENDPOINTS) {
		for (i = 0; i < s->endpoints_n; i++) {
			free(s->endpoints[i].text);
			free(s->endpoints[i].protocol);
			free(s->endpoints[i].address);
		}
		free(s->endpoints);
		s->endpoints = NULL;
		s->endpoints_n = 0;
	}
}

static void
copy_endpoints(struct conf_service *to, const struct conf_service *from)
{
	size_t i;

	assert(to != from && to->endpoints == NULL);
	to->endpoints = xcalloc(from->endpoints_n, sizeof(*to->endpoints));
	to->endpoints_n = from->endpoints_n;
	for (i = 0; i < from->endpoints_n; i++) {
		to->endpoints[i] = from->endpoints[i];
		to->endpoints[i].text = xstrdup(from->endpoints[i].text);
		to->endpoints[i].protocol =
		    xstrdup(from->endpoints[i].protocol);
		to->endpoints[i].address =
		    xstrdup(from->endpoints[i].address);
	}
}

void
conf_key_copy(const struct conf_key *k, void *to, const void *from)
{
	assert(to != NULL && from != NULL);
	if (to == from)
		return;
	conf_key_free(k, to);
	if (is_text(k))
		*text_at(k, to) = xstrdup(*text_at(k, from));
	else if (k->type == CONF_ENDPOINTS)
		copy_endpoints(to, from);
	else if (k->type == CONF_YESNO)
		*yesno_at(k, to) = *yesno_at(k, from);
	else if (!is_list(k))
		*number_at(k, to) = *number_at(k, from);
	else {
		*list_at(k, to) = strv_copy(list_at(k, from));
		if (services_set(k, to) != NULL)
			*services_set(k, to) = *services_set(k, from);
	}
}

static bool
same_list(const struct strv *a, const struct strv *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static bool
same_endpoints(const struct conf_service *a, const struct conf_service *b)
{
	size_t i;

	if (a->endpoints_n != b->endpoints_n)
		return false;
	for (i = 0; i < a->endpoints_n; i++)
		if (strcmp(a->endpoints[i].text, b->endpoints[i].text) != 0 ||
		    a->endpoints[i].from_preset != b->endpoints[i].from_preset)
			return false;
	return true;
}

/* As written: nothing and the default are two things here. */
bool
conf_key_same(const struct conf_key *k, const void *a, const void *b)
{
	const char *x, *y;

	assert(a != NULL && b != NULL);
	if (is_text(k)) {
		x = *text_at(k, a);
		y = *text_at(k, b);
		return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
	}
	if (is_list(k))
		return same_list(list_at(k, a), list_at(k, b)) &&
		    conf_key_written(k, a) == conf_key_written(k, b);
	if (k->type == CONF_ENDPOINTS)
		return same_endpoints(a, b);
	if (k->type == CONF_YESNO)
		return *yesno_at(k, a) == *yesno_at(k, b);
	return *number_at(k, a) == *number_at(k, b);
}

/* What has no word for nothing, a yes or no, counts as written. */
bool
conf_key_written(const struct conf_key *k, const void *keys)
{
	assert(keys != NULL);
	if (is_text(k))
		return *text_at(k, keys) != NULL;
	if (is_list(k))
		return list_at(k, keys)->n > 0 ||
		    (services_set(k, keys) != NULL && *services_set(k, keys));
	if (k->type == CONF_NUMBER || k->type == CONF_TIME ||
	    k->type == CONF_MAYBE)
		return *number_at(k, keys) >= 0;
	return true;
}

static void
show_uri(struct buf *out, const char *s)
{
	char *shown = conf_uri_shown(s != NULL ? s : "");

	conf_quote(out, shown);
	free(shown);
}

static void
show_list(const struct conf_key *k, const struct strv *l, struct buf *out)
{
	size_t i;

	assert(is_list(k));
	if (k->automatic && (l->n == 0 || conf_is_auto(l))) {
		buf_puts(out, "auto");
		return;
	}
	buf_putc(out, '{');
	for (i = 0; i < l->n; i++) {
		buf_puts(out, i > 0 ? ", " : "");
		conf_quote(out, l->v[i]);
	}
	buf_putc(out, '}');
}

void
conf_key_show(const struct conf_key *k, const void *keys, struct buf *out)
{
	const struct conf_service *s = keys;
	int64_t n;
	size_t i;

	assert(out != NULL);
	if (k->type == CONF_CHOICE && *text_at(k, keys) != NULL)
		buf_puts(out, *text_at(k, keys));
	else if (k->type == CONF_URI)
		show_uri(out, *text_at(k, keys));
	else if (is_text(k) && k->automatic &&
	    *text_at(k, keys) != NULL && **text_at(k, keys) == '\0')
		buf_puts(out, "auto");
	else if (is_text(k))
		conf_quote(out, *text_at(k, keys) != NULL ?
		    *text_at(k, keys) : "");
	else if (is_list(k))
		show_list(k, list_at(k, keys), out);
	else if (k->type == CONF_YESNO)
		buf_puts(out, *yesno_at(k, keys) ? "true" : "false");
	else if (k->type == CONF_MAYBE)
		buf_puts(out, *number_at(k, keys) > 0 ? "true" : "false");
	else if (k->type == CONF_ENDPOINTS) {
		buf_putc(out, '{');
		for (i = 0; i < s->endpoints_n; i++) {
			buf_puts(out, i > 0 ? ", " : "");
			conf_quote(out, s->endpoints[i].text);
		}
		buf_putc(out, '}');
	} else {
		n = *number_at(k, keys);
		if (k->type == CONF_NUMBER)
			buf_printf(out, "%lld", (long long)n);
		else if (n == 0 && k->automatic)
			buf_puts(out, "auto");
		else
			show_time(out, n);
	}
}

int
conf_key_check(const struct conf_key *k, const void *keys, struct err *err)
{
	struct conf_given g = { { NULL, 0 }, NULL, false, true };
	struct conf_wish scratch;
	struct buf b;
	size_t item;
	int rc;

	assert((k->in & (1u << CONF_CERT | 1u << CONF_POLICY)) != 0);
	if (!conf_key_written(k, keys))
		return 0;
	conf_wish_blank(&scratch);
	g.list = is_list(k);
	if (g.list) {
		g.items = strv_copy(list_at(k, keys));
	} else {
		buf_init(&b, 64 * 1024);
		if (is_text(k))
			buf_puts(&b, *text_at(k, keys));
		else
			conf_key_show(k, keys, &b);
		strv_add(&g.items, b.data != NULL ? b.data : "");
		buf_free(&b);
	}
	rc = conf_key_set(k, &scratch, &g, &item, err);
	strv_free(&g.items);
	conf_key_free(k, &scratch);
	return rc;
}
