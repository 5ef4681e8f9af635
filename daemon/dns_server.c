/* The address of a DNS server as people write it, and as we say it. */
#include <config.h>
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/dns.h"

enum { PORT = 53 };

static bool
port_parse(uint16_t *out, const char *s)
{
	char *end;
	long v;

	if (*s < '0' || *s > '9')
		return false;
	v = strtol(s, &end, 10);
	if (*end != '\0' || v < 1 || v > 65535)
		return false;
	*out = (uint16_t)v;
	return true;
}

/* Reads "192.0.2.1", "192.0.2.1:53", "2001:db8::1" and "[2001:db8::1]:53". */
bool
dns_server_parse(struct dns_server *out, const char *s)
{
	const char *end, *port = NULL;
	uint8_t bytes[16];
	size_t n;

	memset(out, 0, sizeof(*out));
	out->port = PORT;
	if (*s == '[') {
		s++;
		end = strchr(s, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		/* Two colons: IPv6 without brackets, hence without a port. */
		end = strchr(s, ':');
		if (end != NULL && strchr(end + 1, ':') != NULL)
			end = NULL;
		port = end != NULL ? end + 1 : NULL;
		if (end == NULL)
			end = s + strlen(s);
	}
	n = (size_t)(end - s);
	if (n >= sizeof(out->address))
		return false;
	assert(end >= s);
	memcpy(out->address, s, n);
	out->ipv6 = inet_pton(AF_INET6, out->address, bytes) == 1;
	if (!out->ipv6 && inet_pton(AF_INET, out->address, bytes) != 1)
		return false;
	return port == NULL || port_parse(&out->port, port);
}

void
dns_server_text(char out[DNS_SERVER_SIZE], const struct dns_server *s)
{
	assert(s->address[0] != '\0');
	snprintf(out, DNS_SERVER_SIZE, s->ipv6 ? "[%s]:%u" : "%s:%u",
	    s->address, (unsigned)s->port);
}
