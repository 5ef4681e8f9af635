/* Where a record really stands: from a name along CNAMEs to the place where it
 * is written, from there up to the zone, and to the zone's servers. Pure: the
 * next question comes out, its answer goes in. */
#ifndef DAEMON_ZONE_H
#define DAEMON_ZONE_H
#include "daemon/dns.h"

enum {
	ZONE_CNAMES_MAX = 16,	/* followed from one name */
	ZONE_NAMES_MAX = 16,	/* of servers; more are not asked */
	ZONE_SERVERS_MAX = 32	/* addresses of servers */
};

enum walk_next { WALK_ASK, WALK_DONE, WALK_FAILED };

struct zone_server {
	char name[DNS_NAME_SIZE];
	char address[DNS_SERVER_SIZE];	/* for dns_ask */
};

struct zone_walk {
	/* WALK_ASK: what the resolvers are to be asked next. */
	char ask_name[DNS_NAME_SIZE];
	enum dns_type ask_type;
	/* WALK_DONE: */
	char record[DNS_NAME_SIZE];	/* behind the last CNAME */
	char zone[DNS_NAME_SIZE];
	struct zone_server servers[ZONE_SERVERS_MAX];
	size_t nservers;		/* may be 0: nobody told */
	/* ours */
	int stage;
	struct strv followed;		/* names with a CNAME */
	struct strv names;		/* of servers */
	size_t at;			/* in names */
};

/* The first question stands in w afterwards. */
void zone_begin(struct zone_walk *w, const char *name);
/* err is set with WALK_FAILED. */
enum walk_next zone_take(struct zone_walk *w, const struct dns_answer *a,
    struct err *err);
void zone_free(struct zone_walk *w);

/* The name at the end of the CNAMEs that start at name in one answer, at most
 * ZONE_CNAMES_MAX of them; in a circle, some name of it. */
const char *zone_follow(const struct dns_answer *a, const char *name);
#endif
