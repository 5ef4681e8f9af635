/* Proving a name to a CA: how one challenge is published and taken down. The
 * method is chosen once (proof_plan) and written into the challenge's row,
 * which is durable before anything is published. Taking down needs nothing
 * but the row, so it works after a crash and after a reload. One file a
 * method: proof_NAME.c. */
#ifndef DAEMON_PROOF_H
#define DAEMON_PROOF_H
#include "daemon/conf.h"
#include "store/rows.h"

/* err NULL: done. In a later turn. The row must live until then; no copy of
 * it is made. */
typedef void proof_done(void *ctx, const struct err *err);

struct proof_method {
	const char *name;	/* row_challenge.method; NULL ends the table */
	/* Fills in the fields of the row that the method needs, and asks DNS
	 * if it must. NULL: nothing to fill in. */
	void (*plan)(struct row_challenge *row, const struct conf_wish *wish,
	    proof_done *done, void *ctx);
	/* Done means: the CA can see it now. */
	void (*publish)(const struct row_challenge *row, proof_done *done,
	    void *ctx);
	/* Done twice is done. */
	void (*withdraw)(const struct row_challenge *row, proof_done *done,
	    void *ctx);
	bool forgets;		/* a restart of ours takes it down */
};

extern const struct proof_method proof_responder;	/* http-01,
							 * tls-alpn-01 */
/* dns-01, dns-account-01; proof_dns.h plans for both. */
extern const struct proof_method proof_program, proof_update;
extern const struct proof_method proof_webroot;		/* http-01 by files */

/* Chooses the method for row->type and this wish, and plans. row owns what is
 * put into it. not: dns blocks that have said that the record is not theirs
 * (proof_publish fails with ERR_DNS_ZONE); NULL: none. */
void proof_plan(struct row_challenge *row, const struct conf_wish *wish,
    const struct strv *not, proof_done *done, void *ctx);
void proof_publish(const struct row_challenge *row, proof_done *done,
    void *ctx);
void proof_withdraw(const struct row_challenge *row, proof_done *done,
    void *ctx);
/* It must be published again after a restart. */
bool proof_forgets(const struct row_challenge *row);
#endif
