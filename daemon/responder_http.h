/* The responder's listeners: GET and HEAD for a token, one request a
 * connection, everybody else out in seconds. */
#ifndef DAEMON_RESPONDER_HTTP_H
#define DAEMON_RESPONDER_HTTP_H
#include <poll.h>
#include "daemon/responder_table.h"

enum {
	RESPOND_LISTENERS = 64,
	RESPOND_CONNECTIONS = 4096,	/* of all listeners together */
	RESPOND_PER_IP = 256,		/* not on a Unix socket; a CA validates
					 * all orders under way from one */
	RESPOND_IDLE_S = 5,		/* without a byte */
	RESPOND_LIFE_MS = 10 * 1000,	/* however busy it looks */
	RESPOND_MEMORY = 8192		/* a request with its head */
};

/* Serves on the descriptors fd .. fd + n - 1. Fewer connections where fewer
 * descriptors are to be had. -1: none of them can be served. */
int respond_init(const struct table *t, int fd, int n, struct err *err);
void respond_fini(void);
/* Fills what to poll for; returns how many, at most RESPOND_LISTENERS. */
int respond_fds(struct pollfd *out);
/* Milliseconds until respond_run must run again, -1 for not before poll
 * says so. */
int respond_wait(void);
void respond_run(void);
#endif
