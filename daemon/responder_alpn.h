/* tls-alpn-01 on the responder's listeners: handshakes for names that are
 * being proven, by clients that offer nothing but "acme-tls/1" (RFC 8737).
 * Everybody else gets an alert. */
#ifndef DAEMON_RESPONDER_ALPN_H
#define DAEMON_RESPONDER_ALPN_H
#include "daemon/responder_table.h"

enum {
	ALPN_LISTENERS = 17,
	ALPN_CONNECTIONS = 512,	/* of all listeners together */
	ALPN_PER_IP = 32,	/* not on a Unix socket */
	ALPN_LIFE_MS = 5000	/* of a connection, however busy */
};

/* Before the confinement: key, library, and what both open on the way. */
int alpn_init(const struct table *t, struct err *err);
/* Whether a handshake can be made: 0 if so. For sandbox_try(). */
int alpn_rehearse(void);
/* Serves on the descriptors fd .. fd + n - 1, non-blocking ones. */
int alpn_listen(int fd, int n, struct err *err);
void alpn_fini(void);
int alpn_fd(void);		/* to poll for reading */
/* Milliseconds until alpn_run must run again, -1: not before poll says so. */
int alpn_wait(void);
void alpn_run(void);
#endif
