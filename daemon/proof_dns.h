/* What both ways to write a TXT record (by update, by a program) share: where
 * it goes and through which dns block; and whether the CA can see it. */
#ifndef DAEMON_PROOF_DNS_H
#define DAEMON_PROOF_DNS_H
#include "daemon/proof.h"

/* The row has the record and its value; fills in method, dns, zone and
 * server. not: titles of dns blocks that are out of the question; NULL: none.
 * CNAMEs that lead on from the record are followed (delegation). Not
 * a method's plan: it finds out which method it is. */
void proof_dns_plan(struct row_challenge *row, const struct conf_wish *wish,
    const struct strv *not, proof_done *done, void *ctx);

/* Completes when every authoritative server has the row's value, and the
 * block's `wait` is over; or with an error after its `timeout`. What each
 * server said goes into table finding. */
void proof_dns_seen(const struct row_challenge *row, proof_done *done,
    void *ctx);

/* --- dns_block.c, pure ---------------------------------------------------- */
/* The block that writes a record: the one that is named, else the one whose
 * zones fit best, else the one without zones; those in `not` (NULL: none) left
 * out unless it is named. NULL and err if there is none, or two. */
const struct conf_dns *dns_block_of(const struct conf *c, const char *named,
    const char *record, const struct strv *not, struct err *err);
/* The block of a row; NULL and err if it is not in the configuration. */
const struct conf_dns *dns_block_named(const struct conf *c,
    const char *title, struct err *err);
#endif
