/* Names that came from a person, a CA or a process, checked once. */
#include <config.h>
#include <assert.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "base/name.h"

enum { THUMBPRINT = 43 };	/* SHA-256 in base64url */

static const char letters_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static bool
made_of(const char *s, const char *more, size_t min, size_t max)
{
	size_t n = strlen(s), i;

	assert(min >= 1 && min <= max);
	if (n < min || n > max)
		return false;
	for (i = 0; i < n; i++)
		if (strchr(letters_digits, s[i]) == NULL &&
		    strchr(more, s[i]) == NULL)
			return false;
	return true;
}

static int
bad(struct err *err, const char *s, const char *why)
{
	return err_set(err, ERR_INVALID, "\"%.80s\" %s", s, why);
}

/* One label: letters, digits, hyphens, not at an end (RFC 5890 LDH). */
static const char *
label_wrong(const char *label, size_t n)
{
	size_t i;

	if (n == 0)
		return "has an empty label (two dots, or one at the start)";
	if (n > 63)
		return "has a label longer than 63 characters";
	if (label[0] == '-' || label[n - 1] == '-')
		return "has a label that starts or ends with \"-\"";
	for (i = 0; i < n; i++) {
		if (label[i] == '*')
			return "may have one \"*\", alone and in front: *.name";
		if (label[i] == '_')
			return "has a \"_\", which no host name may have";
		if (label[i] != '-' && strchr(letters_digits, label[i]) == NULL)
			return "has a character that no host name may have";
	}
	if (n >= 4 && label[2] == '-' && label[3] == '-' &&
	    strncmp(label, "xn", 2) != 0)
		return "has \"--\" in third place, which only xn-- names may";
	return NULL;
}

/* Through the kernel's own form and back: two spellings become one. */
static bool
as_address(char out[256], const char *s)
{
	unsigned char raw[16];

	if (inet_pton(AF_INET, s, raw) == 1)
		return inet_ntop(AF_INET, raw, out, 256) != NULL;
	return strchr(s, ':') != NULL && inet_pton(AF_INET6, s, raw) == 1 &&
	    inet_ntop(AF_INET6, raw, out, 256) != NULL;
}

/* Conversion needs tables that only the command loads (base/idn.h). */
static int
not_ascii(const char *s, struct err *err)
{
	bad(err, s, "is not in ASCII: its A-label (xn--...) is wanted here");
	return err_advise(err, "\"everleaf add\" takes the name as it is and "
	    "shows its A-label; so does: idn2 NAME");
}

int
name_parse(char out[256], enum name_kind *kind, const char *s, struct err *err)
{
	size_t n = strlen(s), i, dots = 0;
	const char *p, *why, *dot;
	bool numeric = true;

	assert(out != NULL && kind != NULL);
	if (n == 0)
		return bad(err, s, "is empty");
	*kind = NAME_IP;
	if (as_address(out, s))
		return 0;
	if (n > 1 && s[n - 1] == '.')
		n--;
	if (n > NAME_DNS_MAX)
		return bad(err, s, "is longer than 253 characters");
	for (i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)s[i]);
	out[n] = '\0';
	assert(n > 0 && n <= NAME_DNS_MAX);
	for (i = 0; i < n; i++)
		if ((unsigned char)out[i] >= 0x80)
			return not_ascii(s, err);
	*kind = strncmp(out, "*.", 2) == 0 ? NAME_WILDCARD : NAME_DNS;
	for (p = out + (*kind == NAME_WILDCARD ? 2 : 0); ; p = dot + 1) {
		dot = strchr(p, '.');
		n = dot != NULL ? (size_t)(dot - p) : strlen(p);
		why = label_wrong(p, n);
		if (why != NULL)
			return bad(err, s, why);
		numeric = strspn(p, "0123456789") == n;
		if (dot == NULL)
			break;
		dots++;
	}
	if (dots == 0)
		return bad(err, s, "has no dot: no public CA issues for it");
	/* "1.2.3" and "1.2.3.256": resolvers may take them for addresses. */
	if (numeric)
		return bad(err, s, "is neither a host name nor an address");
	return 0;
}

bool
name_all_canonical(const struct strv *names)
{
	enum name_kind kind;
	struct err ignored;
	char out[256];
	size_t i;

	assert(names->n == 0 || names->v != NULL);
	for (i = 0; i < names->n; i++)
		if (name_parse(out, &kind, names->v[i], &ignored) != 0 ||
		    strcmp(out, names->v[i]) != 0)
			return false;
	return true;
}

bool
name_is_title(const char *s)
{
	return made_of(s, "._-", 1, NAME_TITLE_MAX) && s[0] != '.' &&
	    s[0] != '-' && strstr(s, "..") == NULL;
}

void
name_title(char out[NAME_TITLE_MAX + 1], const char *name)
{
	size_t i;

	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	snprintf(out, NAME_TITLE_MAX + 1, "%.*s", NAME_TITLE_MAX, name);
	for (i = 0; out[i] != '\0'; i++)
		if (out[i] == ':')
			out[i] = '-';
	assert(i <= NAME_TITLE_MAX);
	if (out[0] == '-')
		out[0] = '0';
}

bool
name_is_word(const char *s)
{
	return made_of(s, "._-", 1, 64) && s[0] != '.' && s[0] != '-';
}

bool
name_is_record(const char *s)
{
	return *s != '-' && *s != '.' && strlen(s) <= NAME_DNS_MAX &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(s);
}

bool
name_is_token(const char *s)
{
	return made_of(s, "_-", 22, NAME_TOKEN_MAX);
}

/* So that whoever asks us to show one can have nothing else shown. */
bool
name_is_keyauth(const char *s, const char *token)
{
	size_t n = strlen(token);

	assert(s != NULL);
	return name_is_token(token) && strncmp(s, token, n) == 0 &&
	    s[n] == '.' && strlen(s + n + 1) == THUMBPRINT &&
	    name_is_token(s + n + 1);
}
