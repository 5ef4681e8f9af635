/* The validators at the edge: identifiers, titles, tokens. Everything that
 * passes is safe as a path part, an environment value and a log word. */
#ifndef BASE_NAME_H
#define BASE_NAME_H
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/mem.h"

enum { NAME_DNS_MAX = 253, NAME_TITLE_MAX = 128, NAME_TOKEN_MAX = 256 };

enum name_kind { NAME_DNS, NAME_WILDCARD, NAME_IP };

/* Canonicalises an identifier: lower case, no final dot; IPv4 dotted, IPv6 as
 * RFC 5952. out takes NAME_DNS_MAX + 3 bytes. -1 and err if it is none. */
int name_parse(char out[256], enum name_kind *kind, const char *s,
    struct err *err);
/* Whether each is an identifier in the form that name_parse gives it. */
bool name_all_canonical(const struct strv *names);

/* The title of a certificate: [A-Za-z0-9._-], 1 to 128, not ".", "..", nor
 * starting with "." or "-" (security.md E4). */
bool name_is_title(const char *s);
/* The title that a first name gives: itself without "*.". */
void name_title(char out[NAME_TITLE_MAX + 1], const char *name);
/* Titles of blocks: a word of [A-Za-z0-9._-], 1 to 64. */
bool name_is_word(const char *s);
/* A name in DNS as an argument of a program: lower case, 253 at most, never an
 * option, never a path. Empty passes. */
bool name_is_record(const char *s);
/* A challenge token: base64url, 22 to 256 (RFC 8555 section 8.1). */
bool name_is_token(const char *s);
/* The key authorization of that token (section 8.1): "TOKEN.THUMBPRINT". */
bool name_is_keyauth(const char *s, const char *token);
#endif
