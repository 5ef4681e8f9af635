/* Has every authoritative server got our value? What each of them said, turn
 * after turn, and whether that is enough. Pure.
 *
 * A server that gives no answer, or is not responsible for the zone, is waited
 * for in SPREAD_SILENT turns and then left out, with a note: a dead or lame
 * server does not keep a CA from asking the others. When none answers, the
 * resolvers are asked instead. */
#ifndef DAEMON_SPREAD_H
#define DAEMON_SPREAD_H
#include "base/buf.h"
#include "daemon/zone.h"

enum {
	SPREAD_SURE = 2,	/* times in a row that a server has it */
	SPREAD_SILENT = 3
};

struct spread_server {
	struct zone_server at;		/* address "": the resolvers */
	int has, silent;		/* in a row */
	char said[96];			/* last; empty: not asked yet */
};

struct spread {
	char record[DNS_NAME_SIZE];
	char *value;
	struct spread_server servers[ZONE_SERVERS_MAX + 1];
	size_t n;
	bool by_resolver;		/* no server answers */
};

void spread_begin(struct spread *s, const char *record, const char *value,
    const struct zone_server *servers, size_t n);
void spread_free(struct spread *s);
/* Server i's answer to "TXT record?". */
void spread_take(struct spread *s, size_t i, const struct dns_answer *a);
/* After a turn in which all were asked. True: enough. */
bool spread_turn(struct spread *s);
/* A line for each server; those that are well only if all is true. */
void spread_lines(const struct spread *s, bool all, struct strv *out);
/* ERR_DNS_UNSEEN for a person: who does not have it after so long. */
void spread_err(const struct spread *s, int64_t waited_ms, struct err *err);
#endif
