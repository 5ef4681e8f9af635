/* Bounded, typed reading of JSON (security.md B1 to B3). */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/json.h"
#include "acme/url.h"
#include "base/text.h"

/* Each empty object costs the parser some two hundred bytes, so their number
 * is bounded too; the largest honest answer has some thousands. */
enum { CONTAINERS_MAX = 16384 };

void
jread_wrong(struct jread *r, const char *key, const char *why)
{
	assert(key != NULL && why[0] != '\0');
	if (!r->bad)
		err_set(r->err, r->code, "%s: \"%s\" %s", r->what, key, why);
	r->bad = true;
}

static void
refuse(struct jread *r, const char *why)
{
	assert(why[0] != '\0');
	if (!r->bad)
		err_set(r->err, r->code, "%s %s", r->what, why);
	r->bad = true;
}

/* Looks at brackets outside of strings only; what is malformed beyond that
 * is for the parser to find. */
static const char *
shape_wrong(const char *s, size_t n)
{
	size_t i, depth = 0, containers = 0;
	bool quoted = false;

	for (i = 0; i < n; i++) {
		if (quoted && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (s[i] == '{' || s[i] == '[') {
			if (++depth > ACME_JSON_DEPTH_MAX)
				return "is nested too deeply";
			if (++containers > CONTAINERS_MAX)
				return "has too many parts";
		} else if ((s[i] == '}' || s[i] == ']') && depth > 0)
			depth--;
	}
	return NULL;
}

json_t *
jread_open(struct jread *r, const char *text, size_t n, size_t max)
{
	const char *why = NULL;
	json_error_t where;
	json_t *top;

	assert(max > 0 && r->code != ERR_OK);
	if (n == 0)
		why = "is empty";
	else if (n > max)
		why = "is too long";
	else
		why = shape_wrong(text, n);
	if (why != NULL) {
		refuse(r, why);
		return NULL;
	}
	top = json_loadb(text, n, JSON_REJECT_DUPLICATES, &where);
	if (top == NULL && !r->bad) {
		err_set(r->err, r->code, "%s is not JSON: %.160s (line %d)",
		    r->what, where.text, where.line);
		r->bad = true;
	} else if (!json_is_object(top)) {
		refuse(r, "is no JSON object");
		json_decref(top);
		top = NULL;
	}
	assert(top == NULL || !r->bad);
	return top;
}

/* After the first error nothing is read any more. */
static json_t *
member(struct jread *r, const json_t *o, const char *key, bool must)
{
	json_t *v;

	assert(key[0] != '\0');
	if (r->bad)
		return NULL;
	v = json_object_get(o, key);
	if (v != NULL && !json_is_null(v))
		return v;
	if (must)
		jread_wrong(r, key, "is missing");
	return NULL;
}

static char *
text_of(struct jread *r, const json_t *v, const char *key, size_t max)
{
	assert(max > 0);
	if (!json_is_string(v))
		jread_wrong(r, key, "is no text");
	else if (json_string_length(v) > max)
		jread_wrong(r, key, "is too long");
	else
		return xstrdup(json_string_value(v));
	return NULL;
}

char *
jread_text(struct jread *r, const json_t *o, const char *key, bool must,
    size_t max)
{
	json_t *v = member(r, o, key, must);

	return v != NULL ? text_of(r, v, key, max) : NULL;
}

char *
jread_url_of(struct jread *r, const json_t *v, const char *key)
{
	char *url = text_of(r, v, key, ACME_URL_MAX), what[160];
	struct buf unused;
	struct err why;
	int rc;

	assert(key[0] != '\0');
	if (url == NULL)
		return NULL;
	snprintf(what, sizeof(what), "%.80s: \"%.60s\":", r->what, key);
	if (r->origin != NULL)
		rc = url_same_origin(url, r->origin, what, &why);
	else {
		buf_init(&unused, ACME_URL_MAX);
		rc = acme_url_origin(&unused, url, &why);
		buf_free(&unused);
	}
	if (rc == 0)
		return url;
	err_set(r->err, r->code, "%s", why.text);
	r->bad = true;
	free(url);
	return NULL;
}

char *
jread_url(struct jread *r, const json_t *o, const char *key, bool must)
{
	json_t *v = member(r, o, key, must);

	return v != NULL ? jread_url_of(r, v, key) : NULL;
}

bool
jread_bool(struct jread *r, const json_t *o, const char *key)
{
	json_t *v = member(r, o, key, false);

	if (v != NULL && !json_is_boolean(v))
		jread_wrong(r, key, "is neither true nor false");
	return json_is_true(v);
}

int64_t
jread_int(struct jread *r, const json_t *o, const char *key, int64_t min,
    int64_t max)
{
	json_t *v = member(r, o, key, false);

	assert(min <= max);
	if (v == NULL)
		return min;
	if (json_is_integer(v) && json_integer_value(v) >= min &&
	    json_integer_value(v) <= max)
		return json_integer_value(v);
	jread_wrong(r, key, "is no number that fits");
	return min;
}

int64_t
jread_time(struct jread *r, const json_t *o, const char *key)
{
	char *text = jread_text(r, o, key, false, 2 * TEXT_TIME);
	int64_t ms = 0;

	if (text != NULL && !text_unrfc3339(&ms, text))
		jread_wrong(r, key, "is no time");
	free(text);
	return ms;
}

json_t *
jread_list(struct jread *r, const json_t *o, const char *key, bool must,
    size_t max)
{
	json_t *v = member(r, o, key, must);

	assert(max > 0);
	if (v == NULL)
		return NULL;
	if (!json_is_array(v))
		jread_wrong(r, key, "is no list");
	else if (json_array_size(v) > max)
		jread_wrong(r, key, "is too long a list");
	else
		return v;
	return NULL;
}

json_t *
jread_object(struct jread *r, const json_t *o, const char *key, bool must)
{
	json_t *v = member(r, o, key, must);

	if (v == NULL || json_is_object(v))
		return v;
	jread_wrong(r, key, "is no object");
	return NULL;
}

int
jread_word(struct jread *r, const json_t *o, const char *key,
    const char *const *words)
{
	char *text = jread_text(r, o, key, true, 64);
	int i;

	assert(words[0] != NULL);
	if (text == NULL)
		return 0;
	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0) {
			free(text);
			return i;
		}
	free(text);
	jread_wrong(r, key, "has a value that RFC 8555 does not know");
	return 0;
}
