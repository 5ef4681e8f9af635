/* Wishes as JSON, by one table of keys: reading, writing and the words of the
 * errors come from it. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "base/text.h"
#include "daemon/json.h"
#include "daemon/wish_json.h"

enum { VALUE_MAX = 1024, LIST_MAX = 1000, LABELS_MAX = 64, LABEL_MAX = 256 };

enum kind { K_TEXT, K_LIST, K_SPAN, K_NUMBER, K_YESNO };

struct key {
	const char *name;
	enum kind kind;
	size_t at;		/* in struct conf_wish */
	bool empty;		/* "" is a value */
};

#define KEY(kind, field) \
	{ #field, kind, offsetof(struct conf_wish, field), false }
static const struct key keys[] = {
	KEY(K_LIST, names), KEY(K_TEXT, policy), KEY(K_TEXT, ca),
	KEY(K_LIST, services), KEY(K_LIST, challenge),
	KEY(K_TEXT, key_type), KEY(K_TEXT, key_policy),
	{ "renew_before", K_SPAN, offsetof(struct conf_wish, renew_before_ms),
	    false },
	KEY(K_LIST, probe_names),
	{ "group", K_TEXT, offsetof(struct conf_wish, group), true },
	KEY(K_NUMBER, keep_versions), KEY(K_LIST, webroot),
	{ "dns", K_TEXT, offsetof(struct conf_wish, dns), true },
	{ "profile", K_TEXT, offsetof(struct conf_wish, profile), true },
	{ "preferred_chain", K_TEXT,
	    offsetof(struct conf_wish, preferred_chain), true },
	{ "validity", K_SPAN, offsetof(struct conf_wish, validity_ms), false },
	{ "csr_file", K_TEXT, offsetof(struct conf_wish, csr_file), true },
	KEY(K_YESNO, must_staple), KEY(K_YESNO, profile_required)
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

/* What people bring along from other programs. */
static const struct { const char *said, *ours; } aliases[] = {
	{ "domains", "names" }, { "domain", "names" }, { "san", "names" },
	{ "sans", "names" }, { "hosts", "names" }, { "altnames", "names" },
	{ "issuer", "ca" }, { "server", "ca" }, { "deploy", "services" },
	{ "hooks", "services" }, { "key_algorithm", "key_type" },
	{ "tags", "labels" }, { "ocsp_must_staple", "must_staple" }
};

/* A wish of a row is complete: what it does not say was decided when it was
 * recorded. */
void
wish_fill(struct conf_wish *w)
{
	char **text;
	size_t i;

	assert(w->validity_ms >= -1 && w->keep_versions >= -1);
	for (i = 0; i < KEYS; i++) {
		text = (char **)(void *)((char *)w + keys[i].at);
		if (keys[i].kind == K_TEXT && keys[i].empty && *text == NULL)
			*text = xstrdup("");
	}
	if (w->validity_ms < 0)
		w->validity_ms = 0;
	if (w->must_staple < 0)
		w->must_staple = 0;
	if (w->profile_required < 0)
		w->profile_required = 0;
}

/* A word from another program first, then the key that is spelled most
 * alike. */
static const char *
nearest(const char *said, bool labels)
{
	const char *best = labels ? "labels" : keys[0].name;
	int least, d;
	size_t i;

	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(aliases[i].said, said) == 0)
			return aliases[i].ours;
	least = text_distance(said, best);
	for (i = 0; i < KEYS; i++) {
		d = text_distance(said, keys[i].name);
		if (d < least) {
			least = d;
			best = keys[i].name;
		}
	}
	assert(best != NULL);
	return best;
}

static int
unknown_key(const char *said, bool labels, struct err *err)
{
	assert(said != NULL);
	err_set(err, ERR_INVALID, "no such key \"%.64s\" in a wish", said);
	return err_advise(err, "You want \"%s\".", nearest(said, labels));
}

/* The value as people wrote it, cut short: for the words of an error. */
static void
quote(char out[80], const json_t *v)
{
	char *s = json_write(v);

	assert(v != NULL);
	snprintf(out, 80, "%.60s%s", s, strlen(s) > 60 ? "..." : "");
	free(s);
}

static int
wrong_type(const char *key, const json_t *v, const char *wanted,
    struct err *err)
{
	char value[80];

	quote(value, v);
	return err_set(err, ERR_INVALID, "\"%s\": %s is no %s", key, value,
	    wanted);
}

/* A text without control characters. */
static int
plain(const char *key, const json_t *v, bool empty, struct err *err)
{
	const char *s = json_string_value(v);
	size_t i;

	if (s == NULL)
		return wrong_type(key, v, "text", err);
	if (*s == '\0' && !empty)
		return err_set(err, ERR_INVALID, "\"%s\": an empty text", key);
	if (strlen(s) > VALUE_MAX)
		return err_set(err, ERR_INVALID, "\"%s\": a text of %zu bytes; "
		    "at most %d are taken", key, strlen(s), VALUE_MAX);
	for (i = 0; s[i] != '\0'; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return err_set(err, ERR_INVALID,
			    "\"%s\": \"%s\" holds a control character", key, s);
	return 0;
}

static int
apply_text(char **to, const struct key *k, const json_t *v, struct err *err)
{
	assert(k->kind == K_TEXT && to != NULL);
	if (!json_is_null(v) && plain(k->name, v, k->empty, err) != 0)
		return -1;
	free(*to);
	*to = xstrdup(json_string_value(v));
	return 0;
}

/* Whole or not at all: a list with one bad item leaves the old one. */
static int
apply_list(struct strv *to, const char *key, const json_t *v, struct err *err)
{
	struct strv list = { NULL, 0 };
	const json_t *item;
	size_t i;

	assert(to->n == 0 || to->v != NULL);
	if (!json_is_null(v) && !json_is_array(v))
		return wrong_type(key, v, "list", err);
	if (json_array_size(v) > LIST_MAX)
		return err_set(err, ERR_INVALID, "\"%s\": %zu items; at most "
		    "%d are taken", key, json_array_size(v), LIST_MAX);
	json_array_foreach(v, i, item) {
		if (plain(key, item, false, err) != 0) {
			strv_free(&list);
			return -1;
		}
		strv_add(&list, json_string_value(item));
	}
	strv_free(to);
	*to = list;
	return 0;
}

static int
apply_span(int64_t *to, const char *key, const json_t *v, struct err *err)
{
	const char *s = json_string_value(v);

	if (json_is_null(v))
		*to = -1;
	else if (s != NULL && strcmp(s, "auto") == 0)
		*to = 0;
	else if (json_is_integer(v))
		return err_set(err, ERR_INVALID, "\"%s\": %lld: say the unit: "
		    "\"30s\", \"30m\", \"30h\" or \"30d\"", key,
		    (long long)json_integer_value(v));
	else if (s == NULL || !text_duration(to, s) || *to == 0)
		return wrong_type(key, v, "length of time like \"30d\", nor "
		    "\"auto\"", err);
	return 0;
}

static int
apply_number(int64_t *to, const char *key, const json_t *v, struct err *err)
{
	if (json_is_null(v))
		*to = -1;
	else if (!json_is_integer(v))
		return wrong_type(key, v, "number", err);
	else if (json_integer_value(v) < 0 || json_integer_value(v) > 1000)
		return err_set(err, ERR_INVALID, "\"%s\": %lld is not between "
		    "0 and 1000", key, (long long)json_integer_value(v));
	else
		*to = json_integer_value(v);
	return 0;
}

static int
apply_yesno(int64_t *to, const char *key, const json_t *v, struct err *err)
{
	if (!json_is_null(v) && !json_is_boolean(v))
		return wrong_type(key, v, "yes or no: say true or false",
		    err);
	*to = json_is_null(v) ? -1 : json_is_true(v);
	return 0;
}

static int
apply_key(struct conf_wish *w, const struct key *k, const json_t *v,
    struct err *err)
{
	void *at = (char *)w + k->at;

	assert(k >= keys && k < keys + KEYS);
	switch (k->kind) {
	case K_TEXT:
		return apply_text(at, k, v, err);
	case K_LIST:
		if (apply_list(at, k->name, v, err) != 0)
			return -1;
		if (at == &w->services)
			w->services_set = json_is_array(v);
		return 0;
	case K_SPAN:
		return apply_span(at, k->name, v, err);
	case K_NUMBER:
		return apply_number(at, k->name, v, err);
	case K_YESNO:
		return apply_yesno(at, k->name, v, err);
	}
	return 0;
}

/* Without its "=": one key, whatever its value. */
static void
label_drop(struct strv *labels, const char *key)
{
	size_t i, n = strlen(key);

	assert(key[0] != '\0');
	for (i = 0; i < labels->n; i++)
		if (strncmp(labels->v[i], key, n) == 0 &&
		    labels->v[i][n] == '=')
			break;
	if (i == labels->n)
		return;
	free(labels->v[i]);
	labels->n--;
	memmove(&labels->v[i], &labels->v[i + 1],
	    (labels->n - i) * sizeof(*labels->v));
}

static int
apply_label(struct strv *labels, const char *key, const json_t *v,
    struct err *err)
{
	struct buf b;

	if (!name_is_word(key))
		return err_set(err, ERR_INVALID, "\"labels\": \"%.64s\" is no "
		    "label: letters, digits, \".\", \"_\" and \"-\"", key);
	if (!json_is_null(v) && plain("labels", v, true, err) != 0)
		return -1;
	if (json_string_length(v) > LABEL_MAX)
		return err_set(err, ERR_INVALID, "\"labels\": the value of "
		    "\"%s\" has more than %d bytes", key, LABEL_MAX);
	label_drop(labels, key);
	if (json_is_null(v))
		return 0;
	if (labels->n >= LABELS_MAX)
		return err_set(err, ERR_INVALID, "\"labels\": more than %d",
		    LABELS_MAX);
	buf_init(&b, 2 * VALUE_MAX);
	buf_printf(&b, "%s=%s", key, json_string_value(v));
	strv_add(labels, b.data);
	buf_free(&b);
	return 0;
}

static int
apply_labels(struct strv *labels, const json_t *v, struct err *err)
{
	const char *key;
	json_t *value;

	if (json_is_null(v)) {
		strv_free(labels);
		return 0;
	}
	if (!json_is_object(v))
		return wrong_type("labels", v, "object", err);
	json_object_foreach((json_t *)(uintptr_t)v, key, value)
		if (apply_label(labels, key, value, err) != 0)
			return -1;
	strv_sort(labels);
	return 0;
}

int
wish_apply(struct conf_wish *w, struct strv *labels, const json_t *j,
    struct err *err)
{
	const char *name;
	json_t *v;
	size_t i;
	int r;

	assert(err != NULL);
	if (!json_is_object(j))
		return err_set(err, ERR_INVALID, "a wish is an object: "
		    "{\"names\": [...]}");
	json_object_foreach((json_t *)(uintptr_t)j, name, v) {
		for (i = 0; i < KEYS; i++)
			if (strcmp(keys[i].name, name) == 0)
				break;
		if (i < KEYS)
			r = apply_key(w, &keys[i], v, err);
		else if (labels != NULL && strcmp(name, "labels") == 0)
			r = apply_labels(labels, v, err);
		else
			r = unknown_key(name, labels != NULL, err);
		if (r != 0)
			return -1;
	}
	return 0;
}

/* In the largest unit that it is a whole number of, as people write it. */
void
wish_span(char out[32], int64_t ms)
{
	static const struct { int64_t unit; char letter; } units[] = {
		{ CONF_DAY, 'd' }, { CONF_HOUR, 'h' }, { CONF_MINUTE, 'm' },
		{ CONF_SECOND, 's' }
	};
	int i = 0;

	if (ms <= 0) {
		snprintf(out, 32, "auto");
		return;
	}
	while (i < 3 && ms % units[i].unit != 0)
		i++;
	assert(i >= 0 && i <= 3);
	snprintf(out, 32, "%lld%c", (long long)(ms / units[i].unit),
	    units[i].letter);
}

static json_t *
key_json(const struct conf_wish *w, const struct key *k)
{
	const void *at = (const char *)w + k->at;
	const struct strv *list = at;
	char span[32];
	int64_t n;

	assert(k >= keys && k < keys + KEYS);
	switch (k->kind) {
	case K_TEXT:
		return *(char *const *)at == NULL ? NULL :
		    json_string(*(char *const *)at);
	case K_LIST:
		return list->n > 0 || (list == &w->services &&
		    w->services_set) ? json_list(list) : NULL;
	case K_SPAN:
		n = *(const int64_t *)at;
		wish_span(span, n);
		return n < 0 ? NULL : json_string(span);
	case K_NUMBER:
		n = *(const int64_t *)at;
		return n < 0 ? NULL : json_integer(n);
	case K_YESNO:
		n = *(const int64_t *)at;
		return n < 0 ? NULL : json_boolean(n);
	}
	return NULL;
}

json_t *
wish_json(const struct conf_wish *w, const struct strv *labels)
{
	json_t *j = json_object(), *v, *l;
	const char *eq;
	char *key;
	size_t i;

	for (i = 0; i < KEYS; i++) {
		v = key_json(w, &keys[i]);
		if (v != NULL)
			json_object_set_new(j, keys[i].name, v);
	}
	if (labels == NULL || labels->n == 0)
		return j;
	l = json_object();
	for (i = 0; i < labels->n; i++) {
		eq = strchr(labels->v[i], '=');
		if (eq == NULL)
			continue;
		key = xstrndup(labels->v[i], (size_t)(eq - labels->v[i]));
		json_object_set_new(l, key, json_string(eq + 1));
		free(key);
	}
	json_object_set_new(j, "labels", l);
	return j;
}

char *
wish_text(const struct conf_wish *w)
{
	json_t *j = wish_json(w, NULL);
	char *s = json_write(j);

	assert(s != NULL);
	json_decref(j);
	return s;
}

int
wish_parse(struct conf_wish *w, const char *text, struct err *err)
{
	json_t *j;
	int r;

	assert(text != NULL && w != NULL);
	conf_wish_blank(w);
	j = json_read(text, strlen(text), "a stored wish", err);
	if (j == NULL)
		return -1;
	r = wish_apply(w, NULL, j, err);
	json_decref(j);
	if (r != 0) {
		conf_wish_free(w);
		conf_wish_blank(w);
	}
	return r;
}
