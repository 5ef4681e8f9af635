/* The engine's HTTP client: one exchange, one completion. libcurl behind it
 * (http.c) with the switches of security.md section 3.3: https only, no
 * redirects, no proxy from the environment, caps on head, body and time, and
 * no POST ever sent twice (the body can't be rewound). A look at our own names
 * as a CA takes it (`at`) is the one exception to https only. */
#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"

enum {
	HTTP_HEAD_MAX = 64 * 1024,
	HTTP_TIMEOUT_MS = 60 * 1000,
	HTTP_CONNECT_MS = 15 * 1000
};

enum http_outcome {
	HTTP_REPLIED,		/* status, head and body are whole */
	HTTP_NOT_SENT,		/* the request never left: err */
	HTTP_CUT,		/* a POST by HTTP/2, and not a byte of answer:
				 * refused by GOAWAY, or broken; nobody can
				 * tell: err */
	HTTP_LOST		/* it may have arrived: err */
};

struct http_reply {
	enum http_outcome outcome;
	int status;
	char *content_type, *location, *retry_after, *nonce, *date;
	bool doubled;		/* one of these but date came twice, or two
				 * lengths */
	char *link;		/* all Link headers, joined by ", " */
	char *server;		/* what it says that it is */
	struct blob body;	/* followed by a NUL that does not count, so
				 * p is never NULL after HTTP_REPLIED */
	struct err err;
};

struct http_request {
	const char *method;	/* "GET" "HEAD" "POST" */
	const char *url;
	const char *accept;	/* NULL: application/json */
	const char *content_type;	/* of the body, NULL if none */
	struct blob body;	/* copied */
	size_t reply_max;
	bool patient;		/* it may be silent for longer, while it does
				 * what is asked */
	struct blob trust;	/* PEM roots, copied; empty: the system's */
	bool no_inner;		/* refuse loopback and private addresses;
				 * not through a proxy, which looks up */
	const char *proxy;	/* "http://host:port"; NULL or "": none */
	const char *version;	/* of HTTP: "1.1", "2" and no other; NULL or
				 * "auto": 2 where the server has it */
	/* A look: this address is asked, whatever the DNS says about the URL's
	 * host; http:// is fine and a certificate is not looked at. NULL for
	 * all else. */
	const char *at;
	long timeout_ms;	/* 0: the usual one; all in all */
};

struct http_exchange;

int http_init(struct err *err);
void http_fini(void);
/* The completion runs in a later turn (never inside this call) unless
 * cancelled; the reply is freed after it returns. */
struct http_exchange *http_send(const struct http_request *r,
    void (*done)(void *ctx, const struct http_reply *reply), void *ctx);
void http_cancel(struct http_exchange *x);
int http_pending(void);		/* exchanges under way */
/* For the benchmark and `status`: requests sent and connections opened. */
void http_counts(uint64_t *requests, uint64_t *connections);
#endif
