/* Where to connect to see a service serve, from the words of a person. */
#include <config.h>
#include <assert.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "hooks/endpoint.h"

static const struct {
	const char *written, *means;
} protocols[] = {
	{ "smtp", "smtp" }, { "imap", "imap" }, { "pop3", "pop3" },
	{ "ldap", "ldap" }, { "ftp", "ftp" }, { "postgres", "postgres" },
	{ "mysql", "mysql" }, { "xmpp", "xmpp" }, { "sieve", "sieve" },
	{ "tls", "tls" }, { "https", "tls" }, { "smtps", "tls" },
	{ "imaps", "tls" }, { "pop3s", "tls" }, { "ldaps", "tls" },
	{ "ftps", "tls" }
};
enum { PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]) };

static int
bad(struct err *err, const char *text, const char *why)
{
	assert(text != NULL && why[0] != '\0');
	return err_set(err, ERR_INVALID, "\"%.100s\": %s", text, why);
}

static int
unknown_protocol(struct err *err, const char *text, const char *word)
{
	int i, d, best = 3;
	const char *near = NULL;

	bad(err, text, "unknown protocol");
	for (i = 0; i < PROTOCOLS; i++) {
		d = text_distance(word, protocols[i].written);
		if (d < best) {
			best = d;
			near = protocols[i].written;
		}
	}
	if (near != NULL)
		return err_advise(err, "You want \"%s\".", near);
	return err_advise(err, "It is tls, smtp, imap, pop3, ldap, ftp, "
	    "postgres, mysql, xmpp or sieve.");
}

/* Reads "PROTOCOL://" if it is there and moves *s behind it. */
static int
take_protocol(struct endpoint *e, const char **s, const char *text,
    struct err *err)
{
	const char *sep = strstr(*s, "://");
	char word[16];
	int i;

	snprintf(e->protocol, sizeof(e->protocol), "tls");
	assert(*s == text);	/* it comes first */
	if (sep == NULL)
		return 0;
	snprintf(word, sizeof(word), "%.*s",
	    sep - *s < 15 ? (int)(sep - *s) : 15, *s);
	*s = sep + 3;
	assert(*s <= text + strlen(text));
	if (strcmp(word, "http") == 0) {
		bad(err, text, "http has no certificate");
		return err_advise(err, "You want \"https\".");
	}
	for (i = 0; i < PROTOCOLS; i++)
		if (strcmp(word, protocols[i].written) == 0) {
			snprintf(e->protocol, sizeof(e->protocol), "%s",
			    protocols[i].means);
			return 0;
		}
	return unknown_protocol(err, text, word);
}

/* A number of 1 to 65535 and nothing else; 0 if it is none. */
static uint16_t
port_of(const char *s)
{
	unsigned int v = 0;

	if (*s == '\0' || strlen(s) > 5)
		return 0;
	for (; *s != '\0'; s++) {
		if (!isdigit((unsigned char)*s))
			return 0;
		v = v * 10 + (unsigned int)(*s - '0');
	}
	assert(v <= 99999);
	return v <= UINT16_MAX ? (uint16_t)v : 0;
}

static bool
is_host(const char *s)
{
	size_t n = strlen(s), i;
	const char *last = strrchr(s, '.');

	last = last == NULL ? s : last + 1;
	assert(last >= s && last <= s + n);
	if (n == 0 || n > 253 || strstr(s, "..") != NULL || s[0] == '.' ||
	    s[0] == '-' || s[n - 1] == '-' || *last == '\0')
		return false;
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '.')
			return false;
	/* 10.0.0 or 1.2.3.400 is a mistyped address. */
	return strspn(last, "0123456789") != strlen(last);
}

static int
take_address(struct endpoint *e, const char *a, const char *text,
    struct err *err)
{
	unsigned char raw[16];
	size_t i;

	assert(strlen(a) < sizeof(e->address));
	for (i = 0; a[i] != '\0'; i++)
		e->address[i] = (char)tolower((unsigned char)a[i]);
	e->address[i] = '\0';
	if (*a == '\0')
		return 0;
	assert(i == strlen(a));
	if (strcmp(a, "*") == 0 || strcmp(a, "0.0.0.0") == 0 ||
	    (inet_pton(AF_INET6, a, raw) == 1 &&
	    memcmp(raw, (const unsigned char[16]){ 0 }, 16) == 0)) {
		bad(err, text, "where to connect?");
		return err_advise(err, "\":%u\" means this machine.", e->port);
	}
	if (inet_pton(AF_INET, a, raw) == 1)
		return 0;
	if (inet_pton(AF_INET6, a, raw) == 1) {
		inet_ntop(AF_INET6, raw, e->address, sizeof(e->address));
		return 0;
	}
	if (!is_host(a))
		return bad(err, text,
		    "neither an address nor a host name before the port");
	return 0;
}

/* Says what is missing in a text without a good port. */
static int
no_port(struct err *err, const char *text, const char *rest)
{
	assert(rest >= text);
	if (port_of(rest) != 0) {
		bad(err, text, "where to connect?");
		return err_advise(err, "\":%s\" means this machine.", rest);
	}
	if (strchr(rest, '/') != NULL)
		return bad(err, text, "an endpoint has no path: "
		    "[PROTOCOL://][ADDRESS]:PORT");
	bad(err, text, "no port, 1 to 65535, at the end");
	if (strchr(rest, ':') == NULL && is_host(rest))
		return err_advise(err, "Write \"%.100s:443\".", rest);
	return -1;
}

int
endpoint_parse(struct endpoint *e, const char *text, struct err *err)
{
	const char *s = text, *colon;
	char address[ENDPOINT_ADDRESS_MAX + 1];
	size_t n;

	assert(e != NULL && text != NULL);
	memset(e, 0, sizeof(*e));
	if (take_protocol(e, &s, text, err) != 0)
		return -1;
	colon = strrchr(s, ':');
	e->port = colon != NULL ? port_of(colon + 1) : 0;
	if (e->port == 0)
		return no_port(err, text, s);
	n = (size_t)(colon - s);
	assert(colon >= s);
	if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
		s++;
		n -= 2;
		if (memchr(s, ':', n) == NULL)
			return bad(err, text,
			    "brackets are for IPv6 addresses");
	} else if (memchr(s, ':', n) != NULL) {
		bad(err, text, "an IPv6 address goes into brackets");
		return err_advise(err, "Write \"[%.*s]:%u\".",
		    n < 100 ? (int)n : 100, s, e->port);
	}
	if (n > 253)
		return bad(err, text, "the address is too long");
	memcpy(address, s, n);
	address[n] = '\0';
	assert(e->port != 0 && e->protocol[0] != '\0');
	return take_address(e, address, text, err);
}
