/* U-labels become A-labels once, at the edge; and what is shown instead of an
 * A-label must not deceive (UTS 39, "highly restrictive"). */
#include <config.h>
#include <assert.h>
#include <idn2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/idn.h"
#include "base/mem.h"
#include "base/text.h"

/* Never with IDN2_USE_STD3_ASCII_RULES: that drops characters silently, and
 * what is allowed in ASCII is name_parse()'s to say. */
enum { FLAGS = IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT, INPUT_MAX = 1024 };

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool
has_a_label(const char *s)
{
	for (; s != NULL; s = strchr(s, '.')) {
		s += *s == '.';
		if (strncmp(s, "xn--", 4) == 0)
			return true;
	}
	return false;
}

static bool
is_utf8(const char *s)
{
	size_t left = strlen(s), n;

	for (; left > 0; s += n, left -= n)
		if ((n = text_utf8(s, left)) == 0)
			return false;
	return true;
}

/* Without "*.", which is not for libidn2. */
static int
convert(char out[256], const char *s, struct err *err)
{
	bool wildcard = strncmp(s, "*.", 2) == 0;
	char *ascii = NULL;
	int rc = is_utf8(s) ? idn2_to_ascii_8z(s + (wildcard ? 2 : 0), &ascii,
	    FLAGS) : IDN2_ENCODING_ERROR;

	assert(*s != '\0' && strlen(s) <= INPUT_MAX);
	if (rc != IDN2_OK)
		return err_set(err, ERR_INVALID, "\"%.80s\" is no "
		    "internationalised name: %s", s, idn2_strerror(rc));
	if (strlen(ascii) > NAME_DNS_MAX + 1)
		rc = err_set(err, ERR_INVALID, "\"%.80s\" is longer than 253 "
		    "characters as A-labels", s);
	else
		snprintf(out, 256, "%s%.254s", wildcard ? "*." : "", ascii);
	idn2_free(ascii);
	return rc;
}

int
idn_parse(char out[256], enum name_kind *kind, const char *s, struct err *err)
{
	bool ascii = is_ascii(s);
	char converted[256];
	enum name_kind want;

	if (ascii) {
		if (name_parse(out, kind, s, err) != 0)
			return -1;
		if (*kind == NAME_IP || !has_a_label(out))
			return 0;
		s = out;
	}
	if (strlen(s) > INPUT_MAX)
		return err_set(err, ERR_INVALID, "\"%.80s\" is too long", s);
	want = strncmp(s, "*.", 2) == 0 ? NAME_WILDCARD : NAME_DNS;
	if (convert(converted, s, err) != 0)
		return -1;
	if (ascii)	/* out is canonical already */
		return strcmp(converted, out) == 0 ? 0 : err_set(err,
		    ERR_INVALID, "\"%.80s\" has an A-label that is none", out);
	if (name_parse(out, kind, converted, err) != 0)
		return err_context(err, "\"%.80s\"", s);
	/* Wide digits and stars are letters to people, not to programs. */
	if (*kind != want)
		return err_set(err, ERR_INVALID, "\"%.80s\" is neither a host "
		    "name nor an address", s);
	return 0;
}

/* --- for people's eyes ---------------------------------------------------- */

enum script {
	COMMON = 0, LATIN = 1, HAN = 2, HIRAGANA = 4, KATAKANA = 8,
	BOPOMOFO = 16, HANGUL = 32, GREEK = 64, CYRILLIC = 128,
	ARMENIAN = 256, HEBREW = 512, ARABIC = 1024, THAI = 2048,
	GEORGIAN = 4096, DEVANAGARI = 8192, BENGALI = 16384, TAMIL = 32768,
	TELUGU = 65536, OTHER = 1 << 30
};

/* Letters that living languages use; whatever is not here is not shown. */
static const struct { uint32_t from, to; enum script script; } scripts[] = {
	{ '-', '-', COMMON }, { '0', '9', COMMON }, { 'a', 'z', LATIN },
	{ 0xdf, 0xf6, LATIN }, { 0xf8, 0x17e, LATIN }, { 0x1a1, 0x1a1, LATIN },
	{ 0x1b0, 0x1b0, LATIN }, { 0x219, 0x219, LATIN },
	{ 0x21b, 0x21b, LATIN }, { 0x390, 0x390, GREEK },
	{ 0x3ac, 0x3ce, GREEK }, { 0x430, 0x45f, CYRILLIC },
	{ 0x491, 0x491, CYRILLIC }, { 0x561, 0x586, ARMENIAN },
	{ 0x5d0, 0x5ea, HEBREW }, { 0x620, 0x64a, ARABIC },
	{ 0x671, 0x6d3, ARABIC }, { 0x901, 0x963, DEVANAGARI },
	{ 0x981, 0x9e3, BENGALI }, { 0xb82, 0xbd7, TAMIL },
	{ 0xc01, 0xc63, TELUGU }, { 0xe01, 0xe4e, THAI },
	{ 0x10d0, 0x10fa, GEORGIAN }, { 0x1ea1, 0x1ef9, LATIN },
	{ 0x3005, 0x3007, HAN }, { 0x3041, 0x3096, HIRAGANA },
	{ 0x309d, 0x309e, HIRAGANA }, { 0x30a1, 0x30fa, KATAKANA },
	{ 0x30fc, 0x30fe, KATAKANA }, { 0x3105, 0x312f, BOPOMOFO },
	{ 0x3400, 0x4dbf, HAN }, { 0x4e00, 0x9fff, HAN },
	{ 0xac00, 0xd7a3, HANGUL }, { 0x20000, 0x2ffff, HAN }
};

/* Cyrillic and Greek letters that look like Latin ones. */
static const uint32_t lookalikes[] = {
	0x430, 0x433, 0x435, 0x43e, 0x43f, 0x440, 0x441, 0x443, 0x445, 0x44c,
	0x455, 0x456, 0x458, 0x3b1, 0x3b9, 0x3ba, 0x3bd, 0x3bf, 0x3c1, 0x3c5
};

static const int together[] = {		/* what Japan, Korea, Taiwan write */
	LATIN | HAN | HIRAGANA | KATAKANA, LATIN | HAN | HANGUL,
	LATIN | HAN | BOPOMOFO
};

static enum script
script_of(uint32_t c)
{
	size_t i;

	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (c >= scripts[i].from && c <= scripts[i].to)
			return scripts[i].script;
	return OTHER;
}

static bool
looks_latin(uint32_t c)
{
	size_t i;

	for (i = 0; i < sizeof(lookalikes) / sizeof(lookalikes[0]); i++)
		if (lookalikes[i] == c)
			return true;
	return script_of(c) == COMMON;
}

/* One code point of valid UTF-8. */
static uint32_t
next(const char **s)
{
	static const uint8_t first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t n = text_utf8(*s, strlen(*s)), i;
	uint32_t c;

	if (n == 0) {
		*s += strlen(*s);
		return UINT32_MAX;
	}
	assert(n < sizeof(first));
	c = (uint8_t)**s & first[n];
	for (i = 1; i < n; i++)
		c = c << 6 | ((uint8_t)(*s)[i] & 0x3f);
	*s += n;
	return c;
}

static bool
is_honest(const char *label)
{
	bool latin_like = true;
	uint32_t c;
	int seen = 0;
	size_t i;

	while (*label != '\0') {
		c = next(&label);
		seen |= (int)script_of(c);
		latin_like = latin_like && looks_latin(c);
	}
	if (latin_like || (seen & OTHER) != 0)
		return false;
	if ((seen & (seen - 1)) == 0)		/* one script, or none */
		return true;
	for (i = 0; i < sizeof(together) / sizeof(together[0]); i++)
		if ((seen & ~together[i]) == 0)
			return true;
	return false;
}

/* Appends an A-label as a U-label; false if it is better left. */
static bool
show_label(struct buf *out, const char *label)
{
	char *u = NULL, *again = NULL;
	bool good = idn2_to_unicode_8z8z(label, &u, FLAGS) == IDN2_OK &&
	    idn2_to_ascii_8z(u, &again, FLAGS) == IDN2_OK &&
	    strcmp(again, label) == 0 && is_utf8(u) && is_honest(u);

	assert(strncmp(label, "xn--", 4) == 0);
	if (good)
		buf_puts(out, u);
	idn2_free(u);
	idn2_free(again);
	return good;
}

void
name_display(char out[IDN_DISPLAY], const char *name)
{
	const char *p = name;
	char label[64];
	bool good = true;
	struct buf b;
	size_t n;

	buf_init(&b, IDN_DISPLAY - 1);
	for (;;) {
		n = strcspn(p, ".");
		if (n < sizeof(label) && strncmp(p, "xn--", 4) == 0) {
			memcpy(label, p, n);
			label[n] = '\0';
			good = good && show_label(&b, label);
		} else
			buf_add(&b, p, n);
		p += n;
		if (*p == '\0')
			break;
		buf_putc(&b, *p++);
	}
	snprintf(out, IDN_DISPLAY, "%s", good && !b.full && b.len > 0 ?
	    b.data : name);
	buf_free(&b);
}
