/* Errors as values. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/buf.h"
#include "base/err.h"

static const struct {
	const char *name;
	enum err_class class;
} codes[ERR_CODE_COUNT] = {
#define X(sym, name, class) { name, ERR_##class },
	ERR_CODES(X)
#undef X
};

void
err_clear(struct err *e)
{
	memset(e, 0, sizeof(*e));
}

/* Fills a text field with escaped words; what does not fit is cut. */
static void
fill(char *to, size_t size, const char *words)
{
	struct buf safe;
	size_t n;

	assert(size > 4 && size <= ERR_TEXT_MAX);
	buf_init(&safe, 8 * (size_t)ERR_TEXT_MAX);
	buf_safe(&safe, words, strlen(words), size - 4);
	n = safe.len < size - 1 ? safe.len : size - 1;
	if (n > 0)
		memcpy(to, safe.data, n);
	assert(n < size);
	to[n] = '\0';
	buf_free(&safe);
}

/* Into a buffer of its own first: the words may quote e's own text. */
int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	char words[2 * ERR_TEXT_MAX];
	va_list ap;

	assert(fmt != NULL && (int)code >= ERR_OK && code < ERR_CODE_COUNT);
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	err_clear(e);
	e->code = code;
	e->class = err_code_class(code);
	fill(e->text, sizeof(e->text), words);
	return -1;
}

int
err_errno(struct err *e, enum err_code code, const char *fmt, ...)
{
	char words[ERR_TEXT_MAX];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return err_set(e, code, "%s: %s", words, strerror(saved));
}

int
err_advise(struct err *e, const char *fmt, ...)
{
	char words[2 * ERR_ADVICE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	fill(e->advice, sizeof(e->advice), words);
	return -1;
}

int
err_context(struct err *e, const char *fmt, ...)
{
	char words[ERR_TEXT_MAX], both[2 * ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	snprintf(both, sizeof(both), "%s: %s", words, e->text);
	fill(e->text, sizeof(e->text), both);
	return -1;
}

void
err_lines(struct strv *out, const struct err *e)
{
	assert(e->code != ERR_OK);
	strv_addf(out, 2 * ERR_TEXT_MAX, "%s", e->text);
	if (e->advice[0] != '\0')
		strv_addf(out, 2 * ERR_TEXT_MAX, "  %s", e->advice);
}

const char *
err_class_name(enum err_class c)
{
	static const char *const names[] = {
		"none", "later", "refused", "person", "machine", "usage"
	};

	assert((size_t)c < sizeof(names) / sizeof(names[0]));
	return names[c];
}

const char *
err_code_name(enum err_code c)
{
	return c < ERR_CODE_COUNT ? codes[c].name : "internal";
}

enum err_code
err_code_find(const char *name)
{
	int i;

	assert(name != NULL);
	for (i = 0; i < ERR_CODE_COUNT; i++)
		if (strcmp(codes[i].name, name) == 0)
			return (enum err_code)i;
	return ERR_OK;
}

enum err_class
err_code_class(enum err_code c)
{
	return c < ERR_CODE_COUNT ? codes[c].class : ERR_MACHINE;
}
