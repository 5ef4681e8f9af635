/* The head of a reply, line by line as it comes in: the fields that the
 * engine reads, and whether somebody plays games with them. Pure. */
#ifndef DAEMON_HTTP_HEAD_H
#define DAEMON_HTTP_HEAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum http_field { HEAD_TYPE, HEAD_LOCATION, HEAD_RETRY, HEAD_NONCE, HEAD_DATE,
	HEAD_LENGTH, HEAD_LINK, HEAD_SERVER, HEAD_FIELDS };

struct http_head {
	size_t bytes;			/* of all lines so far */
	int status;
	bool whole;			/* the final head is over */
	bool doubled;			/* a field came twice (Date, Link and
					 * Server may) */
	char *field[HEAD_FIELDS];	/* NULL: absent; Link: all of them,
					 * joined by ", " */
};

/* Takes one line (with or without its end). 1xx heads are forgotten again but
 * count; so do trailers. False: more than max bytes came in all, or a line
 * holds a NUL. */
bool http_head_line(struct http_head *h, const char *p, size_t n, size_t max);
/* Content-Length; UINT64_MAX if it is no number or larger, 0 if absent. */
uint64_t http_head_length(const struct http_head *h);
void http_head_free(struct http_head *h);

/* Loopback, private, link-local, multicast or otherwise not of the Internet;
 * also when hidden in an IPv6 address (mapped, NAT64). */
bool http_address_is_inner(const struct sockaddr *sa);
#endif
