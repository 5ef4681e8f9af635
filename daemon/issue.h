/* An order under way, in the engine: what its files share. job_renew.c begins
 * it, issue.c carries out its wishes, issue_proof.c those about challenges,
 * issue_end.c writes down what came of it. Every state that matters is in the
 * order's row before it is acted upon. */
#ifndef DAEMON_ISSUE_H
#define DAEMON_ISSUE_H
#include "acme/acme.h"
#include "daemon/bundle.h"
#include "daemon/cas.h"
#include "daemon/conf.h"
#include "daemon/loop.h"
#include "store/rows.h"

struct proof;
struct trial;

struct issue {
	struct row_order row;
	struct conf_wish wish;
	char *name;			/* of the certificate */
	int64_t lifetime_ms;		/* of the version before */
	int64_t patience_ms;		/* then a new order is better */
	struct ca *ca;
	struct acme_order *order;
	struct acting acting;
	struct loop_timer *timer;
	struct acme_wish peer_wish;	/* for the keeper */
	struct blob old_key;		/* sealed; empty: a new one is made */
	int64_t old_key_of;		/* the version it is sealed for; 0:
					 * the one that is ordered */
	struct proof *proofs;
	struct proof *proof;		/* of the wish under way */
	struct trial *trial;		/* NULL: none; trial.h */
	struct issue *next;
};

/* In the list of all, with its place at the CA (ca_enter) taken. */
struct issue *issue_new(struct ca *ca);
void issue_free(struct issue *s);
void issue_free_all(void);
/* The order's state goes into this turn. */
void issue_save(struct issue *s);
/* The next step of the order, with what came of the wish before. */
void issue_step(void *ctx, const struct acme_event *event);
/* Orders make their way right now, many of them: they do not just wait. */
bool issue_is_busy(void);
/* keeper, program or name server could not. */
void issue_peer_error(struct issue *s, const struct err *err);

/* --- job_renew.c ----------------------------------------------------------*/
/* The order that the wish asks for. b: what it replaces; NULL: nothing. */
struct acme_order *issue_order(const struct issue *s, const struct bundle *b);

/* It is as old as an order may become: another one is made. */
bool issue_is_stale(const struct issue *s);

/* --- issue_proof.c --------------------------------------------------------*/
/* A challenge that was published before a restart. */
void issue_proof_known(struct issue *s, const struct row_challenge *row);
void issue_proofs_free(struct issue *s);
void issue_publish(struct issue *s, const struct acme_wish *w);
void issue_withdraw(struct issue *s, const struct acme_wish *w);
void issue_check(struct issue *s, const struct acme_wish *w);

/* --- issue_key.c ----------------------------------------------------------*/
/* Its key is somebody's own, and nothing can be ordered for that: the CSR is
 * not known, or its key was revoked as one that others have. */
bool issue_csr_refused(const struct bundle *b, const struct conf_wish *wish,
    struct err *err);
void issue_key_choose(struct issue *s, const struct bundle *b);
/* A version was issued: the key that was shown as the next one is taken, or
 * out of date. */
void issue_key_used(struct row_cert *c);
/* Makes the next key, if the wish wants one and there is none. */
void issue_key_ahead(const struct bundle *b, const struct conf_wish *wish);

/* --- issue_end.c ----------------------------------------------------------*/
/* Nothing is owed: c (the caller puts it) is renewed when the life of its
 * newest version asks for that. False: renew-before is too long for it. */
bool issue_settle(struct row_cert *c, int64_t not_before_ms,
    int64_t not_after_ms, const struct conf_wish *wish);
/* The challenges that are still out there are taken down by a job. */
void issue_drop_order(const struct row_order *o);
/* Both free s, in a later turn. */
void issue_fail(struct issue *s, const struct err *err);
void issue_succeed(struct issue *s, const struct acme_wish *w);
#endif
