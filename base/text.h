/* Bytes in, bytes out: encodings, times, lengths of time, names. Pure. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* Length of the UTF-8 sequence at s (1 to 4), 0 if it is none (RFC 3629). */
size_t text_utf8(const char *s, size_t left);

/* base64url without padding, RFC 4648 section 5. The decoder refuses padding
 * and every other character; it returns false and leaves out empty. */
void text_b64u(struct buf *out, const void *p, size_t n);
bool text_unb64u(struct blob *out, const char *s, size_t n);
/* base64 with padding and no line ends, for PEM bodies and DNS. */
void text_b64(struct buf *out, const void *p, size_t n);

void text_hex(char *out, const void *p, size_t n);	/* 2n + 1 bytes */
void text_id(char out[17], uint64_t id);		/* 16 hex digits */
bool text_unid(uint64_t *id, const char *s);
/* Tells changed bytes from the same ones (FNV-1a); no protection against who
 * wants them to look the same. */
void text_hash(char out[17], const void *p, size_t n);

/* RFC 3339. Out: UTC, seconds, "Z" (21 bytes). In: any offset, up to nine
 * digits of fraction; years 0000 to 9999. Milliseconds since 1970. */
enum { TEXT_TIME = 24 };
void text_rfc3339(char out[TEXT_TIME], int64_t ms);
bool text_unrfc3339(int64_t *ms, const char *s);
/* HTTP-date in its three forms, RFC 9110 section 5.6.7. */
bool text_http_date(int64_t *ms, const char *s);
/* Civil date to days since 1970-01-01 (proleptic Gregorian). */
int64_t text_days(int64_t year, int month, int day);
/* Local time "2026-12-21 05:40" for people. */
void text_local(char out[TEXT_TIME], int64_t ms);

/* "30s" "10m" "12h" "7d" to milliseconds; a bare number is refused. */
bool text_duration(int64_t *ms, const char *s);
/* For people: "4 days", "31 hours", "2 minutes", "40 seconds". */
void text_span(char out[32], int64_t ms);

/* Arithmetic on times that stays within int64. */
int64_t text_add_sat(int64_t a, int64_t b);

/* How far b is from a in single edits; for "You want ...". */
int text_distance(const char *a, const char *b);
#endif
