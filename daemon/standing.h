/* dns-persist-01: a record that somebody put there for good. It is looked up
 * and never written: before an order is proved by it, and daily, so that its
 * owner hears of its end in time. What was found is a row of table finding,
 * kind STANDING_KIND: its subject is the record's place, its text what stands
 * or ought to stand there, its result "good" or a code. */
#ifndef DAEMON_STANDING_H
#define DAEMON_STANDING_H
#include "daemon/bundle.h"
#include "daemon/conf.h"

#define STANDING_KIND "standing"

struct standing_want {
	const char *record;		/* owner */
	const struct strv *issuers, *uris;	/* method_persist_fits */
	bool wildcard;
};

struct standing {
	bool there;		/* all servers that answer have one */
	bool unknown;		/* no server answers */
	char *text;		/* the first to end of those that fit */
	char lacks[200];	/* the servers that have none */
};

/* Asks all authoritative servers, or the resolvers where there are none. In a
 * later turn; what is in want is copied. */
void standing_look(const struct standing_want *want,
    void (*done)(void *ctx, const struct standing *s), void *ctx);

/* The record that a want asks for, as it is to be published. */
void standing_wanted(const struct standing_want *want, struct buf *out);
/* ERR_DNS_RECORD: which is missing, and what to publish. */
int standing_missing(const struct standing_want *want,
    const struct standing *found, struct err *err);

/* --- standing_watch.c ----------------------------------------------------- */
/* Writes down what an order's look found. */
void standing_note(int64_t cert_id, const char *ident,
    const struct standing_want *want, const struct standing *found);
/* The daily look at all records that a certificate rests on. */
void standing_watch(const struct bundle *b, const struct conf_wish *wish);
/* Until when a record must last, or a person is told: the end of the renewal
 * after the next. 0: nothing is issued yet. */
int64_t standing_needed_until(const struct bundle *b);
#endif
