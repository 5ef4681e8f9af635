/* The API /v1 (interface.md section 4) on a listening socket: libmicrohttpd,
 * driven by the loop. Reads go to the store (turn_store), changes through
 * acts.h. Peer: root and members of api-group (SO_PEERCRED). */
#ifndef DAEMON_API_H
#define DAEMON_API_H
#include "base/err.h"

enum { API_BODY_MAX = 256 * 1024, API_CONNECTIONS_MAX = 64,
	API_WAIT_MAX_S = 60 };

int api_init(int listen_fd, const char *api_group, struct err *err);
/* Another engine follows: who connects from here on waits for it, and a
 * connection ends with its next answer. Again: nothing. */
void api_leave(void);
/* No new requests; who still waits is told why, long polls end. Does nothing
 * when called from inside a handler. */
void api_fini(const struct err *why);
#endif
