/* A growing byte buffer that is born with its maximum. Past the maximum it
 * stays as it was and turns `full`: check once, at the end. The bytes are
 * always followed by a NUL that does not count. */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/mem.h"

struct buf {
	char *data;
	size_t len, cap, max;
	bool full;
};

void buf_init(struct buf *b, size_t max);
bool buf_add(struct buf *b, const void *p, size_t n);	/* false: full */
bool buf_puts(struct buf *b, const char *s);
bool buf_putc(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
void buf_reset(struct buf *b);		/* empty, keeps the memory */
void buf_free(struct buf *b);
void buf_wipe(struct buf *b);		/* the same for secrets */
char *buf_take(struct buf *b);		/* the caller owns the text */

/* Adds a text made as by printf, at most max bytes of it. */
void strv_addf(struct strv *l, size_t max, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends s as the inside of a JSON string (no quotes): RFC 8259 section 7.
 * Bytes that are no valid UTF-8 become U+FFFD. */
bool buf_json(struct buf *b, const char *s);
/* Appends at most max bytes of s fit for a terminal and a log: control
 * characters and bidirectional overrides become \xNN. */
bool buf_safe(struct buf *b, const char *s, size_t n, size_t max);
#endif
