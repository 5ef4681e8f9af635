/* When an order is accompanied by a self-check, and what is made of it: rows of
 * table finding, and a better reason for a failure. It never holds an order
 * up, nor does what it finds. */
#ifndef DAEMON_SELFCHECK_NOTE_H
#define DAEMON_SELFCHECK_NOTE_H
#include "daemon/bundle.h"
#include "daemon/cas.h"

/* Long enough for an order; who mends the DNS and tries again is believed. */
enum { SELFCHECK_FRESH_MS = 40 * 1000 };

/* Beside an order, if the CA is one that asks from outside: not of
 * one's own. guilty: the name that failed, NULL of a first order. */
void selfcheck_beside(const struct bundle *b, const struct conf_wish *wish,
    struct ca *ca, const char *guilty);
/* The look itself, for this id, if there is one to be had; done as
 * selfcheck(). */
bool selfcheck_look(int64_t id, const struct conf_wish *wish, struct ca *ca,
    const char *guilty, void (*done)(void *ctx, const struct row_finding *f,
    size_t n), void *ctx);
/* A validation has failed for a name whose addresses are all elsewhere: that
 * is said instead (ERR_DNS_ELSEWHERE). Where this machine has no address of
 * the Internet nobody can tell. False: *err stays. Pure. */
bool selfcheck_explains(struct err *err, const struct row_finding *f,
    size_t n);
/* A certificate was issued: what was found is out of date. */
void selfcheck_forget(const struct bundle *b);
/* The findings of a bundle are from just now. */
bool selfcheck_is_fresh(const struct bundle *b, int64_t now_ms);
#endif
