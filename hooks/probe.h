/* Our own handshake with one address: does it show the certificate that we
 * expect? Runs in the engine. The caller owns loop and clock; a probe is a
 * small state machine over one non-blocking socket: watch its descriptor for
 * what probe_wants says, call probe_go when it is ready or its time is up. */
#ifndef HOOKS_PROBE_H
#define HOOKS_PROBE_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/err.h"

enum { PROBE_TIMEOUT_MS = 10 * 1000, PROBE_READ = 1, PROBE_WRITE = 2 };

enum probe_result {
	PROBE_UNDER_WAY,
	PROBE_LEAF,		/* handshake done: the leaf is known */
	PROBE_REFUSED,		/* nothing listens there */
	PROBE_UNREACHABLE,	/* no route, time-out */
	PROBE_NOT_TLS,		/* it answers, but not with TLS */
	PROBE_TLS_FAILED	/* TLS alert or broken handshake: err */
};

struct probe_finding {
	enum probe_result result;
	char sha256[65];	/* of the leaf, hex */
	char spki_sha256[65];
	int64_t not_after_ms;
	char issuer[256], subject[256];
	char key_type[16];
	struct err err;
};

struct probe;

/* protocol: "tls" for now. name: SNI, NULL or an address for none. The socket
 * is connecting when this returns; on failure to start, the finding says so
 * (probe_go returns it at once). */
struct probe *probe_new(const struct sockaddr *to, socklen_t len,
    const char *protocol, const char *name);
int probe_fd(const struct probe *p);		/* -1: finished already */
int probe_wants(const struct probe *p);		/* PROBE_READ | PROBE_WRITE */
/* Goes on as far as it can; the caller keeps the time-out. */
enum probe_result probe_go(struct probe *p);
const struct probe_finding *probe_finding(const struct probe *p);
void probe_free(struct probe *p);	/* closes the socket */

/* Whether the TCP connection stood at some time. */
bool probe_connected(const struct probe *p);

/* The own addresses of this machine, port 0: loopback first, then those of
 * each interface that is up, without link-local ones; at most max. For
 * "[ADDRESS]:PORT" without an address. Returns how many. */
int probe_local_addresses(struct sockaddr_storage *out, int max);
#endif
