/* What may be believed of a reply's head, and of the address that it comes
 * from. No I/O: the tests and the fuzzer feed it directly. */
#include <config.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "daemon/http_head.h"

static const char *const names[HEAD_FIELDS] = {
	[HEAD_TYPE] = "Content-Type", [HEAD_LOCATION] = "Location",
	[HEAD_RETRY] = "Retry-After", [HEAD_NONCE] = "Replay-Nonce",
	[HEAD_DATE] = "Date", [HEAD_LENGTH] = "Content-Length",
	[HEAD_LINK] = "Link", [HEAD_SERVER] = "Server"
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
forget(struct http_head *h)
{
	int i;

	for (i = 0; i < HEAD_FIELDS; i++) {
		free(h->field[i]);
		h->field[i] = NULL;
	}
	h->doubled = false;
}

void
http_head_free(struct http_head *h)
{
	forget(h);
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": the three digits after the first blank. */
static int
status_of(const char *p, size_t n)
{
	const char *s = memchr(p, ' ', n);
	int i, status = 0;

	if (s == NULL || (size_t)(p + n - s) < 4)
		return 0;
	for (i = 1; i < 4; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		status = status * 10 + (s[i] - '0');
	}
	assert(status >= 0 && status <= 999);
	return status;
}

/* A list may come in several lines (RFC 9110 section 5.3). */
static void
join(char **list, const char *p, size_t n)
{
	size_t len = strlen(*list);

	assert(*list != NULL);
	*list = xrealloc(*list, len + n + 3);
	memcpy(*list + len, ", ", 2);
	memcpy(*list + len + 2, p, n);
	(*list)[len + 2 + n] = '\0';
}

/* The first counts; that it came twice is told, and most readers then
 * believe none of them. */
static void
take_field(struct http_head *h, const char *p, size_t n)
{
	const char *colon = memchr(p, ':', n);
	size_t name = colon != NULL ? (size_t)(colon - p) : 0;
	int i;

	for (i = 0; i < HEAD_FIELDS && name > 0; i++)
		if (strlen(names[i]) == name &&
		    strncasecmp(names[i], p, name) == 0)
			break;
	if (i == HEAD_FIELDS || name == 0)
		return;
	if (h->field[i] != NULL && i != HEAD_LINK) {
		h->doubled = h->doubled || (i != HEAD_DATE &&
		    i != HEAD_SERVER);
		return;
	}
	for (colon++; colon < p + n && is_blank(*colon); colon++)
		;
	assert(colon <= p + n);
	if (h->field[i] != NULL)
		join(&h->field[i], colon, (size_t)(p + n - colon));
	else
		h->field[i] = xstrndup(colon, (size_t)(p + n - colon));
}

/* RFC 6890: this network, private, shared, loopback, link-local, benchmarks,
 * multicast and what lies above. */
bool
http_head_line(struct http_head *h, const char *p, size_t n, size_t max)
{
	size_t all = n;

	while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == '\n' ||
	    is_blank(p[n - 1])))
		n--;
	if (all > max || h->bytes > max - all || memchr(p, 0, n) != NULL ||
	    memchr(p, '\r', n) != NULL)
		return false;
	h->bytes += all;
	assert(h->bytes <= max);
	if (h->whole)
		return true;
	if (n == 0)
		h->whole = h->status >= 200;
	else if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		forget(h);
		h->status = status_of(p, n);
	} else
		take_field(h, p, n);
	return true;
}

uint64_t
http_head_length(const struct http_head *h)
{
	const char *s = h->field[HEAD_LENGTH];
	uint64_t v = 0;

	if (s == NULL)
		return 0;
	if (*s == '\0' || strlen(s) > 18)
		return UINT64_MAX;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return UINT64_MAX;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	return v;
}

static bool
inner4(uint32_t a)
{
	static const struct { uint32_t net; int bits; } nets[] = {
		{ 0x00000000, 8 }, { 0x0a000000, 8 }, { 0x64400000, 10 },
		{ 0x7f000000, 8 }, { 0xa9fe0000, 16 }, { 0xac100000, 12 },
		{ 0xc0000000, 24 }, { 0xc0a80000, 16 }, { 0xc6120000, 15 },
		{ 0xe0000000, 3 }
	};
	size_t i;

	for (i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
		if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0)
			return true;
	return false;
}

static bool
inner6(const uint8_t a[16])
{
	static const uint8_t zero[12], mapped[12] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
	}, nat64[12] = { 0, 0x64, 0xff, 0x9b };

	if (memcmp(a, zero, 12) == 0 || memcmp(a, mapped, 12) == 0 ||
	    memcmp(a, nat64, 12) == 0)
		return inner4((uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 |
		    (uint32_t)a[14] << 8 | a[15]);
	return (a[0] & 0xfe) == 0xfc || a[0] == 0xff ||
	    (a[0] == 0xfe && (a[1] & 0xc0) >= 0x80);
}

/* An IPv4 address in the clothes of IPv6 is judged as what it is. */
bool
http_address_is_inner(const struct sockaddr *sa)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	assert(sa != NULL);
	if (sa->sa_family == AF_INET) {
		memcpy(&in4, sa, sizeof(in4));
		return inner4(ntohl(in4.sin_addr.s_addr));
	}
	if (sa->sa_family != AF_INET6)
		return true;
	memcpy(&in6, sa, sizeof(in6));
	return inner6(in6.sin6_addr.s6_addr);
}
