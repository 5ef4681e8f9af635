/* Reads the origin out of an https address, strictly: what is not plainly
 * scheme, host, port and path is refused rather than understood. Used by the
 * keeper, too, hence no library. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <string.h>
#include "acme/url.h"

static const char scheme[] = "https://";

/* Characters that RFC 3986 knows, without "#": a fragment names no resource
 * of its own, and "\" is a second "/" to some parsers. */
static bool
is_url_char(char c)
{
	return isalnum((unsigned char)c) ||
	    (c != '\0' && strchr("-._~:/?[]@!$&'()*+,;=%", c) != NULL);
}

static bool
is_address6(const char *s, size_t n)
{
	size_t i;

	assert(s != NULL);
	if (n < 4 || s[0] != '[' || s[n - 1] != ']')
		return false;
	for (i = 1; i < n - 1; i++)
		if (!isxdigit((unsigned char)s[i]) && s[i] != ':' &&
		    s[i] != '.')
			return false;
	return true;
}

static bool
is_host(const char *s, size_t n)
{
	size_t i;

	if (n > 0 && s[0] == '[')
		return is_address6(s, n);
	if (n == 0 || n > 253 || s[0] == '.' || s[n - 1] == '.')
		return false;
	for (i = 0; i < n; i++)
		if ((!isalnum((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '.') || (s[i] == '.' && s[i + 1] == '.'))
			return false;
	return true;
}

/* 1 to 65535 without leading zeros; 0 if it is none. */
static unsigned int
port_of(const char *s, size_t n)
{
	unsigned int port = 0;
	size_t i;

	if (n == 0 || n > 5 || s[0] == '0')
		return 0;
	for (i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return 0;
		port = port * 10 + (unsigned int)(s[i] - '0');
	}
	return port <= 65535 ? port : 0;
}

/* Says what is wrong with the text as a whole, or NULL. */
static const char *
text_wrong(const char *url)
{
	size_t n = strlen(url), i;

	if (n > ACME_URL_MAX)
		return "is longer than 2048 characters";
	for (i = 0; i < sizeof(scheme) - 1; i++)
		if (tolower((unsigned char)url[i]) != scheme[i])
			return "does not start with https://";
	for (; i < n; i++)
		if (!is_url_char(url[i]))
			return "has a character that no address may have";
	return NULL;
}

/* Finds host and port in "host[:port]"; port 443 is left out. */
static const char *
authority_wrong(const char *at, size_t n, size_t *host, unsigned int *port)
{
	size_t i = n;

	*port = 443;
	*host = n;
	if (memchr(at, '@', n) != NULL)
		return "has a user name in it";
	while (i > 0 && at[i - 1] != ':' && at[i - 1] != ']')
		i--;
	if (i > 0 && at[i - 1] == ':') {
		*host = i - 1;
		assert(*host < n && i <= n);
		*port = port_of(at + i, n - i);
		if (*port == 0)
			return "has a port that is none";
	}
	return is_host(at, *host) ? NULL : "has a host that is none";
}

int
acme_url_origin(struct buf *out, const char *url, struct err *err)
{
	const char *why = text_wrong(url), *at = url;
	unsigned int port = 443;
	size_t host = 0, i;

	if (why == NULL) {
		at += sizeof(scheme) - 1;
		why = authority_wrong(at, strcspn(at, "/?"), &host, &port);
	}
	if (why != NULL)
		return err_set(err, ERR_INVALID, "\"%.200s\" %s", url, why);
	buf_puts(out, scheme);
	for (i = 0; i < host; i++)
		buf_putc(out, (char)tolower((unsigned char)at[i]));
	if (port != 443)
		buf_printf(out, ":%u", port);
	return out->full ? err_set(err, ERR_INVALID,
	    "\"%.200s\" has a host that is too long", url) : 0;
}

int
url_same_origin(const char *url, const char *origin, const char *what,
    struct err *err)
{
	struct err why;
	struct buf b;
	int rc = 0;

	assert(url != NULL && origin != NULL && what != NULL);
	buf_init(&b, ACME_URL_MAX);
	if (acme_url_origin(&b, url, &why) != 0)
		rc = err_set(err, ERR_CA_PROTOCOL, "%s %s", what, why.text);
	else if (strcmp(b.data, origin) != 0)
		rc = err_set(err, ERR_CA_PROTOCOL, "%s \"%.200s\" is not at "
		    "the CA's own %.200s", what, url, origin);
	buf_free(&b);
	return rc;
}
