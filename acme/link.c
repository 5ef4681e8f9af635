/* Takes Link headers apart: <address>; rel="one two"; title="a, b", <...> */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "acme/link.h"
#include "acme/url.h"

static const char blanks[] = " \t";
static const char token_ends[] = " \t=;,\"";

static void
skip(const char **p)
{
	*p += strspn(*p, blanks);
}

/* A quoted string or a token; *n its length without quotes. False: none. */
static bool
take_value(const char **p, const char **value, size_t *n)
{
	if (**p != '"') {
		*value = *p;
		*n = strcspn(*p, token_ends);
		*p += *n;
		return true;
	}
	*value = ++*p;
	while (**p != '\0' && **p != '"')
		*p += **p == '\\' && (*p)[1] != '\0' ? 2 : 1;
	if (**p == '\0')
		return false;
	assert(*p >= *value);
	*n = (size_t)(*p - *value);
	++*p;
	return true;
}

/* One of the words in value is rel. */
static bool
has_word(const char *value, size_t n, const char *rel)
{
	const char *end = value + n;
	size_t k;

	assert(rel[0] != '\0');
	while (value < end) {
		k = 0;
		while (value + k < end && value[k] != ' ' && value[k] != '\t')
			k++;
		if (k == strlen(rel) && strncasecmp(value, rel, k) == 0)
			return true;
		value += k;
		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
	}
	return false;
}

/* The parameters up to the next comma; only the first rel counts. False: they
 * are malformed. */
static bool
take_parameters(const char **p, const char *rel, bool *hit)
{
	const char *name, *value;
	bool seen = false;
	size_t n, len;

	*hit = false;
	for (skip(p); **p == ';'; skip(p)) {
		++*p;
		skip(p);
		name = *p;
		n = strcspn(*p, token_ends);
		*p += n;
		skip(p);
		if (**p != '=')
			continue;
		++*p;
		skip(p);
		if (!take_value(p, &value, &len))
			return false;
		if (n != 3 || strncasecmp(name, "rel", 3) != 0 || seen)
			continue;
		seen = true;
		*hit = has_word(value, len, rel);
	}
	return **p == ',' || **p == '\0';
}

/* Another origin's is skipped and no error: a CA may link to its website. */
static void
keep(struct strv *out, const char *url, size_t n, const char *origin)
{
	char *copy = xstrndup(url, n);
	struct err unused;

	assert(url != NULL);
	if (url_same_origin(copy, origin, "a link", &unused) == 0 &&
	    !strv_has(out, copy))
		strv_add(out, copy);
	free(copy);
}

void
link_find(struct strv *out, const char *value, const char *rel,
    const char *origin, size_t max)
{
	const char *p = value, *url;
	bool hit;
	size_t n;

	assert(max > 0 && origin != NULL);
	while (p != NULL && *p != '\0' && out->n < max) {
		p += strspn(p, " \t,");
		if (*p != '<')
			return;
		url = ++p;
		n = strcspn(p, ">");
		if (p[n] == '\0')
			return;
		p += n + 1;
		if (!take_parameters(&p, rel, &hit))
			return;
		if (hit)
			keep(out, url, n, origin);
	}
}
