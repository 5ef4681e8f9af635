/* Probes on the engine's loop: many at a time, each with its time-out.
 * prober.c drives hooks/probe.c; tests/sim/ has a fake. */
#ifndef DAEMON_PROBER_H
#define DAEMON_PROBER_H
#include "hooks/endpoint.h"
#include "hooks/probe.h"

struct prober_finding {
	char address[64];	/* "192.0.2.10", "2001:db8::1" */
	uint16_t port;
	struct probe_finding f;
};

/* Asks every address of the endpoint (own addresses for "", DNS for a host
 * name) for name. done gets all findings; n is 0 when "this machine" has no
 * address that accepts there. Completes in a later turn. */
void prober_ask(const struct endpoint *e, const char *name,
    void (*done)(void *ctx, const struct prober_finding *f, int n), void *ctx);
void prober_fini(void);
#endif
