/* Request targets: RFC 9112 section 3.2.1 (origin form only), RFC 3986
 * section 2.1. The strict reading: what two programs could understand in two
 * ways is refused. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/text.h"
#include "daemon/api_target.h"

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes n bytes into a text of its own; NULL if they are no clean text. */
static char *
decode(const char *s, size_t n, bool query)
{
	char *out = xcalloc(n + 1, 1);
	size_t i, len = 0, step;
	char c;

	for (i = 0; i < n; i++) {
		c = s[i];
		if (c == '+' && query)
			c = ' ';
		else if (c == '%') {
			if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
				break;
			c = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f)
			break;
		out[len++] = c;
	}
	assert(len <= n);
	for (step = 0; i == n && step < len; )
		if (text_utf8(out + step, len - step) == 0)
			i = 0;
		else
			step += text_utf8(out + step, len - step);
	if (i == n)
		return out;
	free(out);
	return NULL;
}

static int
add_piece(struct strv *path, const char *s, size_t n, struct err *err)
{
	char *piece = decode(s, n, false);

	assert(path->n <= API_PIECES_MAX);
	if (piece == NULL || *piece == '\0' || path->n == API_PIECES_MAX) {
		free(piece);
		return err_set(err, ERR_USAGE_BAD, "the path of the request "
		    "is not one of this API");
	}
	strv_add(path, piece);
	free(piece);
	return 0;
}

static int
add_param(struct api_target *t, const char *s, size_t n, struct err *err)
{
	const char *eq = memchr(s, '=', n);
	size_t k = eq == NULL ? n : (size_t)(eq - s);
	char *key = decode(s, k, true);
	char *value = eq == NULL ? xstrdup("") :
	    decode(eq + 1, n - k - 1, true);
	int r = 0;

	assert(t->keys.n == t->values.n && k <= n);
	if (key == NULL || value == NULL || *key == '\0')
		r = err_set(err, ERR_USAGE_BAD, "\"%.*s\" is no parameter: "
		    "KEY=VALUE with %%XX for other bytes", (int)(n < 64 ? n :
		    64), s);
	else if (strv_has(&t->keys, key))
		r = err_set(err, ERR_USAGE_BAD, "the parameter \"%s\" is given "
		    "twice", key);
	else if (t->keys.n == API_PARAMS_MAX)
		r = err_set(err, ERR_USAGE_BAD, "more than %d parameters",
		    API_PARAMS_MAX);
	else {
		strv_add(&t->keys, key);
		strv_add(&t->values, value);
	}
	free(key);
	free(value);
	return r;
}

static int
parse(struct api_target *t, const char *uri, struct err *err)
{
	const char *s = uri;
	size_t n;

	assert(t->path.n == 0 && t->keys.n == 0);
	if (strlen(uri) > API_TARGET_MAX)
		return err_set(err, ERR_USAGE_BAD, "a request target of more "
		    "than %d bytes", API_TARGET_MAX);
	if (*s != '/')
		return err_set(err, ERR_USAGE_BAD, "a request target begins "
		    "with \"/\"");
	for (; *s == '/'; s += n) {
		n = strcspn(++s, "/?");
		if (add_piece(&t->path, s, n, err) != 0)
			return -1;
	}
	while (*s != '\0') {
		n = strcspn(++s, "&");
		if (n > 0 && add_param(t, s, n, err) != 0)
			return -1;
		s += n;
	}
	return 0;
}

int
api_target_parse(struct api_target *t, const char *uri, struct err *err)
{
	memset(t, 0, sizeof(*t));
	if (parse(t, uri, err) == 0)
		return 0;
	api_target_free(t);
	return -1;
}

void
api_target_free(struct api_target *t)
{
	strv_free(&t->path);
	strv_free(&t->keys);
	strv_free(&t->values);
}

/* Each is given once at most: add_param() has seen to that. */
const char *
api_param(const struct api_target *t, const char *key)
{
	size_t i;

	assert(t->keys.n == t->values.n);
	for (i = 0; i < t->keys.n; i++)
		if (strcmp(t->keys.v[i], key) == 0)
			return t->values.v[i];
	return NULL;
}

int
api_param_flag(const struct api_target *t, const char *key, bool *on,
    struct err *err)
{
	static const struct { const char *word; bool on; } words[] = {
		{ "", true }, { "1", true }, { "true", true }, { "yes", true },
		{ "0", false }, { "false", false }, { "no", false }
	};
	const char *s = api_param(t, key);
	size_t i;

	*on = false;
	if (s == NULL)
		return 0;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, s) == 0) {
			*on = words[i].on;
			return 0;
		}
	return err_set(err, ERR_USAGE_BAD, "%s=%.64s: neither 0 nor 1", key,
	    s);
}

/* Absent, it stays as the caller has set it. */
int
api_param_int(const struct api_target *t, const char *key, int64_t min,
    int64_t max, int64_t *v, struct err *err)
{
	const char *s = api_param(t, key);
	char *end;
	long long n;

	assert(min <= max && v != NULL);
	if (s == NULL || *s == '\0')
		return 0;
	n = strtoll(s, &end, 10);
	if (*end != '\0' || *s < '0' || *s > '9' || strlen(s) > 18 ||
	    n < min || n > max)
		return err_set(err, ERR_USAGE_BAD, "%s=%.64s: no number from "
		    "%lld to %lld", key, s, (long long)min, (long long)max);
	*v = n;
	return 0;
}

static bool
has_word(const char *words, const char *s)
{
	size_t n = strlen(s), k;

	for (; *words != '\0'; words += k + (words[k] == ' ')) {
		k = strcspn(words, " ");
		if (k == n && memcmp(words, s, n) == 0)
			return true;
	}
	return false;
}

int
api_params_known(const struct api_target *t, const char *known,
    struct err *err)
{
	size_t i;

	assert(known != NULL);
	for (i = 0; i < t->keys.n; i++) {
		if (has_word(known, t->keys.v[i]))
			continue;
		err_set(err, ERR_USAGE_BAD, "no such parameter \"%.64s\" here",
		    t->keys.v[i]);
		return err_advise(err, *known == '\0' ? "None is taken.%s" :
		    "Taken are: %s.", known);
	}
	return 0;
}
