/* Encodings: UTF-8, base64, hex, ids. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"

size_t
text_utf8(const char *s, size_t left)
{
	const unsigned char *c = (const unsigned char *)s;
	size_t n, i;

	assert(s != NULL || left == 0);
	if (left == 0)
		return 0;
	if (c[0] < 0x80)
		return 1;
	n = c[0] >= 0xf0 && c[0] <= 0xf4 ? 4 : c[0] >= 0xe0 && c[0] < 0xf0 ?
	    3 : c[0] >= 0xc2 && c[0] < 0xe0 ? 2 : 0;
	if (n == 0 || n > left)
		return 0;
	for (i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what is above U+10FFFF. */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90) ||
	    (c[0] == 0xed && c[1] >= 0xa0) || (c[0] == 0xf4 && c[1] >= 0x90))
		return 0;
	return n;
}

/* Three bytes become four digits, a rest of one or two becomes two or three:
 * padding is the caller's. */
static void
encode(struct buf *out, const void *p, size_t n, const char *digits)
{
	const unsigned char *c = p;
	unsigned int v;
	char four[4];
	size_t i, k;

	assert(p != NULL || n == 0);
	for (i = 0; i < n; i += 3) {
		k = n - i < 3 ? n - i : 3;
		assert(k >= 1 && k <= 3);
		v = (unsigned int)c[i] << 16;
		if (k > 1)
			v |= (unsigned int)c[i + 1] << 8;
		if (k > 2)
			v |= c[i + 2];
		four[0] = digits[v >> 18];
		four[1] = digits[v >> 12 & 63];
		four[2] = digits[v >> 6 & 63];
		four[3] = digits[v & 63];
		buf_add(out, four, k + 1);
	}
}

void
text_b64u(struct buf *out, const void *p, size_t n)
{
	encode(out, p, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-_");
}

void
text_b64(struct buf *out, const void *p, size_t n)
{
	encode(out, p, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/");
	if (n % 3 != 0)
		buf_puts(out, n % 3 == 1 ? "==" : "=");
}

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool
text_unb64u(struct blob *out, const char *s, size_t n)
{
	unsigned int v = 0;
	size_t i, len = 0;
	int bits = 0, d;
	uint8_t *p;

	assert(s != NULL || n == 0);
	out->p = NULL;
	out->len = 0;
	if (n % 4 == 1)
		return false;
	p = xcalloc(n * 3 / 4 + 1, 1);
	for (i = 0; i < n; i++) {
		d = sextet(s[i]);
		if (d < 0)
			break;
		v = (v << 6 | (unsigned int)d) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			p[len++] = (uint8_t)(v >> bits);
		}
	}
	assert(len <= n * 3 / 4 && bits >= 0 && bits < 8);
	out->p = p;
	out->len = len;
	/* Bits left over must be zero, else two texts mean one value. */
	if (i < n || (v & ((1u << bits) - 1)) != 0) {
		blob_wipe(out);
		return false;
	}
	if (len == 0)
		blob_free(out);
	return true;
}

void
text_hex(char *out, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *c = p;
	size_t i;

	assert(p != NULL || n == 0);
	for (i = 0; i < n; i++) {
		*out++ = digits[c[i] >> 4];
		*out++ = digits[c[i] & 15];
	}
	*out = '\0';
}

void
text_id(char out[17], uint64_t id)
{
	snprintf(out, 17, "%016llx", (unsigned long long)id);
}

void
text_hash(char out[17], const void *p, size_t n)
{
	const uint8_t *byte = p;
	uint64_t h = 14695981039346656037u;

	for (; n > 0; n--)
		h = (h ^ *byte++) * 1099511628211u;
	text_id(out, h);
}

bool
text_unid(uint64_t *id, const char *s)
{
	uint64_t v = 0;
	int i, d;

	assert(id != NULL && s != NULL);
	for (i = 0; i < 16; i++) {
		d = s[i] >= '0' && s[i] <= '9' ? s[i] - '0' :
		    s[i] >= 'a' && s[i] <= 'f' ? s[i] - 'a' + 10 : -1;
		if (d < 0)
			return false;
		v = v << 4 | (uint64_t)d;
	}
	*id = v;
	return s[16] == '\0';
}

/* Levenshtein's, one row at a time. What is longer is no slip of a finger. */
int
text_distance(const char *a, const char *b)
{
	enum { LONGEST = 48 };
	size_t n = strlen(a), m = strlen(b), i, j;
	int row[LONGEST + 1], before, here, least;

	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (j = 0; j <= m; j++)
		row[j] = (int)j;
	for (i = 1; i <= n; i++) {
		before = row[0];
		row[0] = (int)i;
		for (j = 1; j <= m; j++) {
			here = row[j];
			least = here < row[j - 1] ? here + 1 : row[j - 1] + 1;
			if (before + (a[i - 1] != b[j - 1]) < least)
				least = before + (a[i - 1] != b[j - 1]);
			row[j] = least;
			before = here;
		}
	}
	assert(row[m] >= 0 && row[m] <= LONGEST);
	return row[m];
}
