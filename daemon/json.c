/* Jansson with our caps and our spelling. Nothing here knows what the JSON
 * means. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/json.h"

static void *
take(size_t n)
{
	return xcalloc(1, n);
}

void
json_use_our_memory(void)
{
	json_set_alloc_funcs(take, free);
}

/* Jansson itself takes 2048 levels; a wish needs three. */
static bool
too_deep(const char *p, size_t n)
{
	bool quoted = false;
	int depth = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (quoted && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (p[i] == '{' || p[i] == '['))
			depth++;
		else if (!quoted && (p[i] == '}' || p[i] == ']'))
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return true;
	}
	return false;
}

/* Capped in depth here; its length is its caller's affair. */
json_t *
json_read(const char *p, size_t n, const char *what, struct err *err)
{
	json_error_t why;
	json_t *j;

	assert(what != NULL && err != NULL);
	if (too_deep(p, n)) {
		err_set(err, ERR_USAGE_BAD, "%s is nested deeper than %d "
		    "levels", what, JSON_DEPTH_MAX);
		return NULL;
	}
	j = json_loadb(p, n, JSON_REJECT_DUPLICATES, &why);
	if (j == NULL && n == 0)
		err_set(err, ERR_USAGE_BAD, "%s is empty where JSON is needed",
		    what);
	else if (j == NULL)
		err_set(err, ERR_USAGE_BAD, "%s is no JSON: line %d, column "
		    "%d: %s", what, why.line, why.column, why.text);
	return j;
}

char *
json_write(const json_t *j)
{
	assert(j != NULL);
	return json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* What is no UTF-8 is shown escaped rather than left out. */
json_t *
json_text(const char *s)
{
	struct buf safe;
	json_t *j;

	if (s == NULL || *s == '\0')
		return json_null();
	j = json_string(s);
	if (j != NULL)
		return j;
	buf_init(&safe, 64 * 1024);
	buf_safe(&safe, s, strlen(s), 16 * 1024);
	assert(safe.len > 0);
	j = json_string(safe.data);
	buf_free(&safe);
	return j;
}

json_t *
json_time(int64_t ms)
{
	char out[TEXT_TIME];

	if (ms == 0)
		return json_null();
	text_rfc3339(out, ms);
	assert(out[0] != '\0');
	return json_string(out);
}

json_t *
json_list(const struct strv *l)
{
	json_t *list = json_array();
	size_t i;

	assert(l->n == 0 || l->v != NULL);
	for (i = 0; i < l->n; i++)
		json_array_append_new(list, *l->v[i] == '\0' ?
		    json_string("") : json_text(l->v[i]));
	return list;
}

json_t *
json_lines(const char *s)
{
	json_t *list = json_array();
	char *line;
	size_t n;

	for (; s != NULL && *s != '\0'; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		if (n == 0)
			continue;
		line = xstrndup(s, n);
		json_array_append_new(list, json_text(line));
		free(line);
	}
	return list;
}

const char *
json_get(const json_t *j, const char *key)
{
	assert(key != NULL);
	return json_string_value(json_object_get(j, key));
}

int64_t
json_get_int(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

bool
json_get_true(const json_t *j, const char *key)
{
	return json_is_true(json_object_get(j, key));
}

int64_t
json_get_time(const json_t *j, const char *key)
{
	const char *s = json_get(j, key);
	int64_t ms;

	assert(key != NULL);
	return s != NULL && text_unrfc3339(&ms, s) ? ms : 0;
}
