/* The tokenizer of configuration files. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "daemon/conf_lex.h"

/* Stays bad: nothing behind it can be trusted to mean what it says. */
static enum lex_kind
bad(struct lex *l, uint32_t line)
{
	assert(line > 0);
	l->at = line;
	return l->kind = LEX_BAD;
}

static const struct {
	const char *bytes;
	size_t n;
	const char *what;
} marks[] = {
	{ "\xef\xbb\xbf", 3, "the file begins with a byte order mark" },
	{ "\xff\xfe", 2, "the file is UTF-16" },
	{ "\xfe\xff", 2, "the file is UTF-16" }
};

/* True if all of it is text that people can see and write. */
static bool
is_text(struct lex *l)
{
	const char *p = l->p;
	uint32_t line = 1;
	size_t i, n;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if ((size_t)(l->end - p) >= marks[i].n &&
		    memcmp(p, marks[i].bytes, marks[i].n) == 0) {
			err_set(&l->err, ERR_CONFIG_BAD, "%s", marks[i].what);
			err_advise(&l->err,
			    "Save it as plain UTF-8, without a mark.");
			bad(l, 1);
			return false;
		}
	for (; p < l->end; p += n) {
		n = text_utf8(p, (size_t)(l->end - p));
		if (n == 1 && *p == '\n')
			line++;
		if (n != 0 && *p != '\0')
			continue;
		if (n == 0)
			err_set(&l->err, ERR_CONFIG_BAD,
			    "byte 0x%02x is not UTF-8", (unsigned char)*p);
		else
			err_set(&l->err, ERR_CONFIG_BAD, "a NUL byte");
		err_advise(&l->err, "Save the file as UTF-8 text.");
		bad(l, line);
		return false;
	}
	return true;
}

void
lex_init(struct lex *l, const char *p, size_t n)
{
	assert(p != NULL || n == 0);
	memset(l, 0, sizeof(*l));
	l->p = p;
	l->end = p + n;
	l->line = 1;
	buf_init(&l->text, CONF_VALUE_MAX);
	if (is_text(l))
		lex_next(l);
}

void
lex_free(struct lex *l)
{
	buf_free(&l->text);
}

/* Comments, too, which end with their line. */
static void
skip_blanks(struct lex *l)
{
	assert(l->p <= l->end && l->line > 0);
	for (; l->p < l->end; l->p++) {
		if (*l->p == '#')
			while (l->p + 1 < l->end && l->p[1] != '\n')
				l->p++;
		else if (*l->p == '\n')
			l->line++;
		else if (*l->p != ' ' && *l->p != '\t' && *l->p != '\r')
			return;
	}
}

static enum lex_kind
too_long(struct lex *l)
{
	assert(l->text.full);
	err_set(&l->err, ERR_CONFIG_BAD, "a value of more than %d bytes",
	    (int)CONF_VALUE_MAX);
	return bad(l, l->at);
}

static enum lex_kind
open_quote(struct lex *l, char quote)
{
	assert(quote == '"' || quote == '\'');
	err_set(&l->err, ERR_CONFIG_BAD,
	    "a quote opens here and is not closed in this line");
	err_advise(&l->err, "Close it with %c; a value has no line end.",
	    quote);
	return bad(l, l->at);
}

/* In "..." a backslash makes `"` and `\` plain; '...' has no escapes. */
static enum lex_kind
quoted(struct lex *l)
{
	char quote = *l->p++;
	unsigned char c;

	assert((quote == '"' || quote == '\'') && l->text.len == 0);
	for (; l->p < l->end; l->p++) {
		c = (unsigned char)*l->p;
		if (c == (unsigned char)quote) {
			l->p++;
			return l->text.full ? too_long(l) :
			    (l->kind = LEX_TEXT);
		}
		if (c == '\n')
			break;
		if (c < 0x20 || c == 0x7f) {
			err_set(&l->err, ERR_CONFIG_BAD,
			    "a control character (0x%02x) in a value", c);
			return bad(l, l->at);
		}
		if (c == '\\' && quote == '"') {
			l->p++;
			if (l->p == l->end || *l->p == '\n')
				break;
			if (*l->p != '"' && *l->p != '\\') {
				err_set(&l->err, ERR_CONFIG_BAD,
				    "\"\\%c\" means nothing in quotes",
				    *l->p);
				err_advise(&l->err,
				    "For one backslash write two.");
				return bad(l, l->at);
			}
		}
		buf_putc(&l->text, *l->p);
	}
	return open_quote(l, quote);
}

static const char word_ends[] = " \t\r\n{}=,;#\"'";
static const char word_bytes[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    "._:/@%+-[]";

/* What looks like something of another language is named rather than quoted
 * back. */
static enum lex_kind
word(struct lex *l)
{
	const char *from = l->p;
	bool plain = true;

	assert(l->p < l->end && l->text.len == 0);
	for (; l->p < l->end && strchr(word_ends, *l->p) == NULL; l->p++) {
		plain = plain && strchr(word_bytes, *l->p) != NULL;
		buf_putc(&l->text, *l->p);
	}
	if (l->text.full)
		return too_long(l);
	assert(l->text.data != NULL);
	if (strncmp(l->text.data, "/*", 2) == 0 ||
	    strncmp(l->text.data, "//", 2) == 0) {
		err_set(&l->err, ERR_CONFIG_BAD,
		    "\"%.2s\" begins no comment here", from);
		err_advise(&l->err, "Begin it with \"#\".");
		return bad(l, l->at);
	}
	if (!plain) {
		err_set(&l->err, ERR_CONFIG_BAD, "\"%.200s\" needs quotes",
		    l->text.data);
		return bad(l, l->at);
	}
	return l->kind = LEX_WORD;
}

/* An empty text is a text: data is never NULL behind this. */
enum lex_kind
lex_next(struct lex *l)
{
	static const char signs[] = "={},";
	static const enum lex_kind kinds[] = {
		LEX_EQUALS, LEX_OPEN, LEX_CLOSE, LEX_COMMA
	};
	const char *sign;

	if (l->kind == LEX_BAD)
		return LEX_BAD;
	skip_blanks(l);
	buf_reset(&l->text);
	buf_puts(&l->text, "");
	l->at = l->line;
	assert(l->p <= l->end && l->text.len == 0);
	if (l->p == l->end)
		return l->kind = LEX_END;
	if (*l->p == '"' || *l->p == '\'')
		return quoted(l);
	sign = strchr(signs, *l->p);
	if (sign != NULL) {
		l->p++;
		return l->kind = kinds[sign - signs];
	}
	if (*l->p == ';') {
		err_set(&l->err, ERR_CONFIG_BAD, "this file has no semicolons");
		err_advise(&l->err, "Remove the \";\".");
		return bad(l, l->at);
	}
	return word(l);
}

/* Is the word in hand the beginning of `key = ...`? Looks one sign ahead and
 * takes nothing. */
bool
lex_is_key(const struct lex *l)
{
	const char *p = l->p;

	assert(l->p <= l->end);
	while (p < l->end && strchr(" \t\r\n", *p) != NULL)
		p++;
	return l->kind == LEX_WORD && p < l->end && *p == '=';
}

const char *
lex_name(const struct lex *l)
{
	static char name[128];

	switch (l->kind) {
	case LEX_END: return "the end of the file";
	case LEX_EQUALS: return "\"=\"";
	case LEX_OPEN: return "\"{\"";
	case LEX_CLOSE: return "\"}\"";
	case LEX_COMMA: return "\",\"";
	default: break;
	}
	assert(l->text.data != NULL);
	snprintf(name, sizeof(name), "\"%.100s\"", l->text.data);
	return name;
}
