/* zone.h driven by dns.h: from a name to the zone of its record and the
 * zone's servers, asked of the resolvers. */
#ifndef DAEMON_WALKING_H
#define DAEMON_WALKING_H
#include "daemon/zone.h"

/* First member of whatever waits for it, which finds itself by its address. */
struct walking {
	struct zone_walk w;		/* the caller's to free: zone_free */
	void (*over)(struct walking *k, const struct err *err);
};

/* over() comes in a later turn, once. */
void walking_begin(struct walking *k, const char *name,
    void (*over)(struct walking *k, const struct err *err));
#endif
