/* Redirects of http-01, taken as strictly as a CA takes them. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include <strings.h>
#include "base/name.h"
#include "daemon/redirect.h"

struct place {
	bool tls;
	const char *authority, *path;	/* path may be empty */
	size_t authority_len;
};

static bool
take_scheme(struct place *p, const char *s)
{
	p->tls = strncasecmp(s, "https://", 8) == 0;
	if (!p->tls && strncasecmp(s, "http://", 7) != 0)
		return false;
	p->authority = s + (p->tls ? 8 : 7);
	p->authority_len = strcspn(p->authority, "/?#");
	p->path = p->authority + p->authority_len;
	assert(p->path >= p->authority);
	return true;
}

/* The host, and whether its port is one that a CA goes to. */
static bool
take_host(const struct place *p, char host[256], struct err *why)
{
	const char *colon = memchr(p->authority, ':', p->authority_len);
	size_t n = colon != NULL ? (size_t)(colon - p->authority) :
	    p->authority_len;
	char text[256] = "";
	enum name_kind kind;
	struct err unused;

	assert(p->authority != NULL);
	if (n < sizeof(text))
		memcpy(text, p->authority, n);
	if (name_parse(host, &kind, text, &unused) != 0 || kind != NAME_DNS) {
		err_set(why, ERR_CHALLENGE_WRONG, "it redirects to \"%.*s\", "
		    "which no CA follows: that is no name", (int)n,
		    p->authority);
		return false;
	}
	n = p->authority_len - n;
	if (n == 0 || (n == 3 && memcmp(colon, ":80", 3) == 0) ||
	    (n == 4 && memcmp(colon, ":443", 4) == 0))
		return true;
	err_set(why, ERR_CHALLENGE_WRONG, "it redirects to port %.*s; a CA "
	    "follows to 80 and 443 only", (int)n - 1, colon + 1);
	return false;
}

/* A relative one (RFC 3986 section 5.3), without "..": what a CA would make of
 * that is its affair. */
static bool
join(struct buf *out, const struct place *from, const char *location)
{
	size_t n = strcspn(from->path, "?#");

	assert(from->path == from->authority + from->authority_len);
	if (strncmp(location, "//", 2) == 0)
		return buf_printf(out, "http%s:%s", from->tls ? "s" : "",
		    location);
	buf_printf(out, "http%s://%.*s", from->tls ? "s" : "",
	    (int)from->authority_len, from->authority);
	if (*location == '/')
		return buf_puts(out, location);
	if (*location == '?')
		return buf_add(out, from->path, n) && buf_puts(out, location);
	while (n > 0 && from->path[n - 1] != '/')
		n--;
	return buf_add(out, from->path, n) && (n > 0 || buf_putc(out, '/')) &&
	    buf_puts(out, location);
}

bool
redirect_next(struct buf *out, char host[256], const char *url,
    const char *location, struct err *why)
{
	struct place from, to;
	size_t scheme = strcspn(location, ":/?#");
	bool whole = location[scheme] == ':';

	assert(why != NULL && out != NULL);
	if (!take_scheme(&from, url) || strlen(location) >= REDIRECT_URL_MAX)
		return err_set(why, ERR_CHALLENGE_WRONG,
		    "it redirects to an address that is too long") == 0;
	if (whole ? !buf_puts(out, location) : !join(out, &from, location))
		return err_set(why, ERR_CHALLENGE_WRONG,
		    "it redirects to an address that is too long") == 0;
	if (!take_scheme(&to, out->data))
		return err_set(why, ERR_CHALLENGE_WRONG, "it redirects to "
		    "\"%.80s\", which is neither http nor https",
		    location) == 0;
	return take_host(&to, host, why);
}
