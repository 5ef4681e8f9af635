/* Finding the zone of a record and its servers. The answer to "SOA?" tells
 * most of it at once: CNAMEs in the answer section, and the zone's SOA there or
 * in the authority section. Some resolvers leave that one out; then the names
 * above are asked in turn. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "daemon/zone.h"

enum stage { FIND, CLIMB, SERVERS, IPV4, IPV6 };

static void
ask(struct zone_walk *w, enum stage stage, const char *name,
    enum dns_type type)
{
	char keep[DNS_NAME_SIZE];	/* name may lie in ask_name itself */

	assert(name != NULL && type != 0);
	snprintf(keep, sizeof(keep), "%s", name);
	memcpy(w->ask_name, keep, sizeof(keep));
	w->stage = (int)stage;
	w->ask_type = type;
}

void
zone_begin(struct zone_walk *w, const char *name)
{
	assert(name != NULL);
	memset(w, 0, sizeof(*w));
	snprintf(w->record, sizeof(w->record), "%s", name);
	ask(w, FIND, name, DNS_SOA);
}

void
zone_free(struct zone_walk *w)
{
	assert(w->at <= w->names.n);
	strv_free(&w->followed);
	strv_free(&w->names);
}

/* --- reading an answer ---------------------------------------------- */

static const struct dns_record *
find(const struct dns_answer *a, const char *owner, enum dns_type type)
{
	size_t i;

	assert(owner != NULL);
	for (i = 0; i < a->n; i++)
		if (a->records[i].type == type &&
		    strcmp(a->records[i].owner, owner) == 0)
			return &a->records[i];
	return NULL;
}

const char *
zone_follow(const struct dns_answer *a, const char *name)
{
	const struct dns_record *r;
	int i;

	for (i = 0; i < ZONE_CNAMES_MAX; i++) {
		r = find(a, name, DNS_CNAME);
		if (r == NULL)
			break;
		name = r->text;
	}
	return name;
}

static bool
knows(const struct dns_answer *a)
{
	return a->replied &&
	    (a->rcode == DNS_NOERROR || a->rcode == DNS_NXDOMAIN);
}

static enum walk_next
no_answer(const struct zone_walk *w, const struct dns_answer *a,
    struct err *err)
{
	assert(!knows(a));
	if (!a->replied) {
		*err = a->err;
		return WALK_FAILED;
	}
	err_set(err, ERR_DNS_FAILS, "%s: the resolver answers %s when asked "
	    "for its zone", w->ask_name, dns_rcode_name(a->rcode));
	err_advise(err, a->rcode == DNS_SERVFAIL ? "Are the name servers of "
	    "this domain up, and is its DNSSEC in order? dig +trace %s SOA" :
	    "See resolver in everleaf.conf. dig %s SOA", w->ask_name);
	return WALK_FAILED;
}

/* --- stages --------------------------------------------------------- */

/* Its servers come next. The root is nobody's zone: then none was found. */
static enum walk_next
found(struct zone_walk *w, const char *zone, struct err *err)
{
	assert(w->zone[0] == '\0');
	if (*zone == '\0') {
		err_set(err, ERR_DNS_FAILS, "%s: there is no zone for it",
		    w->record);
		err_advise(err, "Is the domain registered and delegated?");
		return WALK_FAILED;
	}
	snprintf(w->zone, sizeof(w->zone), "%s", zone);
	ask(w, SERVERS, zone, DNS_NS);
	return WALK_ASK;
}

static enum walk_next
climb(struct zone_walk *w, struct err *err)
{
	const char *up = dns_parent(w->ask_name);

	assert(w->stage == FIND || w->stage == CLIMB);
	if (up == NULL || *up == '\0')
		return found(w, "", err);
	ask(w, CLIMB, up, DNS_SOA);
	return WALK_ASK;
}

/* Moves w->record along the CNAMEs of the answer. 1: moved, -1: err. */
static int
move(struct zone_walk *w, const struct dns_answer *a, struct err *err)
{
	const struct dns_record *r;
	int moved = 0;

	assert(w->stage == FIND);
	while ((r = find(a, w->record, DNS_CNAME)) != NULL) {
		if (strv_has(&w->followed, r->text) ||
		    strcmp(r->text, w->record) == 0)
			return err_set(err, ERR_DNS_FAILS, "%s: its CNAMEs go "
			    "round in a circle", w->record);
		if (w->followed.n >= ZONE_CNAMES_MAX)
			return err_set(err, ERR_DNS_FAILS, "%s: more than %d "
			    "CNAMEs lead on from it", w->followed.v[0],
			    ZONE_CNAMES_MAX);
		strv_add(&w->followed, w->record);
		snprintf(w->record, sizeof(w->record), "%s", r->text);
		moved = 1;
	}
	return moved;
}

static enum walk_next
take_find(struct zone_walk *w, const struct dns_answer *a, struct err *err)
{
	int moved = move(w, a, err);

	assert(w->stage == FIND);
	if (moved < 0)
		return WALK_FAILED;
	if (find(a, w->record, DNS_SOA) != NULL)
		return found(w, w->record, err);
	if (a->has_soa && dns_below(w->record, a->soa_owner))
		return found(w, a->soa_owner, err);
	if (moved > 0) {
		ask(w, FIND, w->record, DNS_SOA);
		return WALK_ASK;
	}
	return climb(w, err);
}

/* A CNAME up here leads elsewhere: it is not followed. */
static enum walk_next
take_climb(struct zone_walk *w, const struct dns_answer *a, struct err *err)
{
	assert(w->stage == CLIMB);
	if (find(a, w->ask_name, DNS_SOA) != NULL)
		return found(w, w->ask_name, err);
	if (a->has_soa && find(a, w->ask_name, DNS_CNAME) == NULL &&
	    dns_below(w->ask_name, a->soa_owner))
		return found(w, a->soa_owner, err);
	return climb(w, err);
}

static enum walk_next
next_name(struct zone_walk *w)
{
	if (w->at >= w->names.n)
		return WALK_DONE;
	assert(w->stage == SERVERS || w->stage == IPV6);
	ask(w, IPV4, w->names.v[w->at], DNS_A);
	return WALK_ASK;
}

static enum walk_next
take_servers(struct zone_walk *w, const struct dns_answer *a)
{
	size_t i;

	assert(w->stage == SERVERS && w->zone[0] != '\0' && w->names.n == 0);
	for (i = 0; i < a->n && w->names.n < ZONE_NAMES_MAX; i++)
		if (a->records[i].type == DNS_NS &&
		    strcmp(a->records[i].owner, w->zone) == 0 &&
		    !strv_has(&w->names, a->records[i].text))
			strv_add(&w->names, a->records[i].text);
	return next_name(w);
}

/* Two names with one address are one server. */
static void
add_server(struct zone_walk *w, const char *address)
{
	struct zone_server *s = &w->servers[w->nservers];
	struct dns_server parsed;
	size_t i;

	assert(w->at < w->names.n && w->nservers <= ZONE_SERVERS_MAX);
	if (w->nservers >= ZONE_SERVERS_MAX ||
	    !dns_server_parse(&parsed, address))
		return;
	dns_server_text(s->address, &parsed);
	for (i = 0; i < w->nservers; i++)
		if (strcmp(w->servers[i].address, s->address) == 0)
			return;
	snprintf(s->name, sizeof(s->name), "%s", w->names.v[w->at]);
	w->nservers++;
}

static enum walk_next
take_addresses(struct zone_walk *w, const struct dns_answer *a)
{
	size_t i;

	assert(w->stage == IPV4 || w->stage == IPV6);
	assert(w->at < w->names.n);
	for (i = 0; i < a->n; i++)
		if (a->records[i].type == w->ask_type)
			add_server(w, a->records[i].text);
	if (w->stage == IPV4) {
		ask(w, IPV6, w->names.v[w->at], DNS_AAAA);
		return WALK_ASK;
	}
	w->at++;
	return next_name(w);
}

enum walk_next
zone_take(struct zone_walk *w, const struct dns_answer *a, struct err *err)
{
	switch ((enum stage)w->stage) {
	case FIND:
	case CLIMB:
		if (!knows(a))
			return no_answer(w, a, err);
		return w->stage == FIND ? take_find(w, a, err) :
		    take_climb(w, a, err);
	/* Servers that nobody tells are no reason to give up. */
	case SERVERS:
		return take_servers(w, a);
	case IPV4:
	case IPV6:
		return take_addresses(w, a);
	}
	assert(!"no such stage");
	return WALK_FAILED;
}
