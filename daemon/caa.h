/* CAA: may this CA issue for a name? Finding the records (RFC 8659 section 3)
 * and judging them (sections 4 and 5; RFC 8657 for account and method). Pure.
 * Advice: the CA decides. */
#ifndef DAEMON_CAA_H
#define DAEMON_CAA_H
#include "daemon/zone.h"

struct caa_walk {
	char ask_name[DNS_NAME_SIZE];	/* WALK_ASK: CAA records of this */
	char found_at[DNS_NAME_SIZE];	/* WALK_DONE: "" where there are none */
	struct dns_record *records;	/* CAA only */
	size_t n;
};

/* name without "*.". */
void caa_begin(struct caa_walk *w, const char *name);
enum walk_next caa_take(struct caa_walk *w, const struct dns_answer *a,
    struct err *err);
void caa_free(struct caa_walk *w);

/* Who wants to issue. */
struct caa_who {
	const struct strv *identities;	/* the CA's, meta caaIdentities */
	const char *account;		/* its URL; NULL or "": none yet */
	const char *method;		/* "dns-01"; NULL or "": not chosen */
	bool wildcard;
};
/* 0, or -1 and err: who is let in instead, and the record that would help. */
int caa_judge(const struct caa_walk *w, const struct caa_who *who,
    struct err *err);
#endif
