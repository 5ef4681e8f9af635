/* Growing bytes with a maximum, and the two escapes that everybody needs. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/text.h"

void
buf_init(struct buf *b, size_t max)
{
	assert(b != NULL);
	memset(b, 0, sizeof(*b));
	b->max = max;
}

/* By hand and not by realloc: what may be a secret leaves no copy behind. */
static void
move_to(struct buf *b, size_t cap)
{
	char *data = xcalloc(cap, 1);

	assert(cap > b->len && b->len <= b->max);
	if (b->data != NULL) {
		memcpy(data, b->data, b->len + 1);
		mem_wipe(b->data, b->cap);
		free(b->data);
	}
	b->data = data;
	b->cap = cap;
}

/* Doubles, so that many small pieces cost O(1) each; `full` stays until a
 * reset, because what comes after a gap must not look whole. */
static bool
make_room(struct buf *b, size_t n)
{
	size_t cap;

	assert(b->max > 0 && b->len <= b->max);
	assert((b->data == NULL) == (b->cap == 0));
	if (b->full || n > b->max || b->len > b->max - n) {
		b->full = true;
		return false;
	}
	if (b->len + n + 1 > b->cap) {	/* 1: the NUL */
		cap = b->cap * 2;
		if (cap < b->len + n + 1)
			cap = b->len + n + 64;
		move_to(b, cap);
	}
	assert(b->data != NULL && b->len + n < b->cap);
	return true;
}

bool
buf_add(struct buf *b, const void *p, size_t n)
{
	assert(p != NULL || n == 0);
	if (!make_room(b, n))
		return false;
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	assert(b->len < b->cap && b->len <= b->max);
	return true;
}

bool
buf_puts(struct buf *b, const char *s)
{
	assert(s != NULL);
	return buf_add(b, s, strlen(s));
}

bool
buf_putc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

bool
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	assert(fmt != NULL);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || !make_room(b, (size_t)n)) {
		b->full = true;
		return false;
	}
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	assert(b->len < b->cap);
	return true;
}

bool
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	bool done;

	va_start(ap, fmt);
	done = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return done;
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->full = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_free(struct buf *b)
{
	assert((b->data == NULL) == (b->cap == 0));
	free(b->data);
	buf_init(b, b->max);
}

void
buf_wipe(struct buf *b)
{
	mem_wipe(b->data, b->cap);
	buf_free(b);
}

char *
buf_take(struct buf *b)
{
	char *s = b->data != NULL ? b->data : xstrdup("");

	buf_init(b, b->max);
	assert(b->data == NULL && b->len == 0);
	return s;
}

bool
buf_json(struct buf *b, const char *s)
{
	size_t left = strlen(s), n;
	unsigned char c;

	for (; left > 0; s += n, left -= n) {
		c = (unsigned char)*s;
		n = text_utf8(s, left);
		assert(n <= left);
		if (n == 0) {
			n = 1;
			buf_puts(b, "\xef\xbf\xbd");
		} else if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u%04x", c);
		else
			buf_add(b, s, n);
	}
	return !b->full;
}

/* U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069 turn the order
 * of what a terminal shows. */
static bool
is_bidi(const char *s, size_t n)
{
	const unsigned char *c = (const unsigned char *)s;

	assert(n >= 1 && n <= 4);
	if (n == 2)
		return c[0] == 0xd8 && c[1] == 0x9c;
	if (n != 3 || c[0] != 0xe2)
		return false;
	return (c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f ||
	    (c[2] >= 0xaa && c[2] <= 0xae))) ||
	    (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

bool
buf_safe(struct buf *b, const char *s, size_t n, size_t max)
{
	size_t step, i, start = b->len;
	unsigned char c;

	assert(s != NULL || n == 0);
	for (; n > 0; s += step, n -= step) {
		if (b->len - start >= max)
			return buf_puts(b, "...");
		c = (unsigned char)*s;
		step = text_utf8(s, n);
		if (step > 0 && c >= 0x20 && c != 0x7f && !is_bidi(s, step) &&
		    !(c == 0xc2 && (unsigned char)s[1] < 0xa0)) {
			buf_add(b, s, step);
			continue;
		}
		step = step > 0 ? step : 1;
		assert(step <= n);
		for (i = 0; i < step; i++)
			buf_printf(b, "\\x%02x", (unsigned char)s[i]);
	}
	return !b->full;
}

void
strv_addf(struct strv *l, size_t max, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, max);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (b.len > 0)
		strv_add(l, b.data);
	buf_free(&b);
}
