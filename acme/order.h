/* Inside of an order. What is saved is data only: which stage comes next
 * follows from it (order_stage_next), so there is nothing that could disagree
 * with it after a crash. */
#ifndef ACME_ORDER_H
#define ACME_ORDER_H
#include "acme/codec.h"
#include "acme/pace.h"
#include "acme/post.h"

enum authz_state {
	A_UNREAD,		/* must be read before anything else */
	A_CHOSEN,		/* its challenge is to be published, answered */
	A_ANSWERED,		/* the CA is looking */
	A_DONE,			/* valid, or of no more interest */
	A_FAILED,
	A_SWITCH,		/* withdrawn first, then another is chosen */
	A_STATE_COUNT
};

struct authz {
	char *url;
	int state;		/* enum authz_state */
	char *ident;		/* "*.shop.example"; NULL until read */
	char *type, *challenge_url, *token;	/* once chosen */
	char *record;		/* owner of its TXT record; or NULL */
	bool published;		/* may be visible: must be withdrawn */
	int answers_lost;
	int offered;		/* types that the CA has: bits of method.h */
	/* not saved */
	bool pending;		/* for the CA, when it was last read */
	bool shown;		/* published by this process */
	bool recheck;		/* its answer was lost or refused */
	char *keyauth, *value;
	struct strv issuers, uris;	/* of dns-persist-01 */
	struct looks looks;
	int64_t next_ms;	/* not before */
};

/* How an order can stand; each has a name and a row in order.c. */
enum stage {
	STAGE_NEW, STAGE_LOOK, STAGE_READ, STAGE_PUBLISH, STAGE_ANSWER,
	STAGE_ASK, STAGE_POLL, STAGE_WITHDRAW, STAGE_CSR, STAGE_FINALIZE,
	STAGE_WAIT, STAGE_PAUSE, STAGE_DOWNLOAD, STAGE_ALTERNATE, STAGE_DONE,
	STAGE_FAILED, STAGE_COUNT
};

struct acme_order {
	/* what is wanted */
	struct strv names, challenges;
	char *profile, *replaces, *not_before, *not_after;
	char *preferred_chain;
	bool profile_required, must_staple;
	bool own_csr;		/* csr was given, and stays */
	/* what is known; saved */
	struct strv tried;	/* "NAME TYPE" of what failed */
	int orders;		/* given up for another method */
	int dropped;		/* enum acme_dropped */
	bool sent;		/* newOrder left, its answer is not here */
	int lost;		/* answers of newOrder that never came */
	char *url, *finalize, *certificate;
	int status;		/* enum order_status */
	int seen;		/* the furthest status that the CA named */
	int64_t created_ms, expires_ms;
	struct blob csr, spki;
	int finalized;		/* requests to finalize */
	int64_t finalized_ms;	/* when the last of them was made */
	int unready;		/* times it was not ready though it should */
	bool failing;		/* why is in *why */
	bool over;		/* no later step can go on */
	bool told;		/* FAIL was wished */
	bool retrying;		/* failing, but a new order is made then */
	struct strv guilty;
	struct err why;
	struct authz *authz;
	size_t nauthz;
	/* of this process only */
	enum stage stage;
	enum acme_wish_kind wished;
	bool waiting;		/* for what was wished */
	bool look, save;
	bool unreplaced;	/* tried without what it replaces */
	struct looks asks;	/* at the order, for all that are answered */
	int64_t ask_ms;		/* not before */
	bool peek;		/* at one authorization, for a change */
	unsigned int asked;	/* times that the order said: pending */
	bool ended;		/* the CA says so; which name is to be read */
	size_t at;		/* the authorization that the stage is about */
	struct post post;
	struct looks looks;
	int reads_failed;
	int64_t next_ms;	/* the order is not read before */
	int64_t pause_ms;	/* nothing is done before */
	int64_t grace_ms;	/* a failed order waits so long for the rest */
	struct err refused;	/* of an answer to a challenge */
	struct err said;	/* the CA's reason for an invalid order */
	struct strv left;	/* acme_order_left() */
	struct blob leaf, chain;
	struct strv alternates;	/* addresses of other chains */
	size_t alternate;	/* the next to look at */
	char stage_text[32];
};

/* One step of an order: what every handler needs. */
struct run {
	struct acme_order *o;
	struct acme_session *s;
	int64_t now_ms;
	const struct acme_event *event;
	struct acme_wish *w;
	bool wished;		/* w is filled: the step ends */
};

/* --- order.c */
/* Ends the order: what is published is withdrawn, then it fails with *why,
 * unless it fails for something else already. Over: nothing can be made of it
 * later; for now: a later step goes on where it stands. */
void order_fail(struct run *r, const struct err *why);
void order_fail_for_now(struct run *r, const struct err *why);
/* Ends it in the same way, but then begins a new order for the same want. */
void order_retry(struct run *r, const struct err *why);
/* Which of both a refused request is, by its code. */
void order_fail_refused(struct run *r, const struct problem *p);
void order_guilty(struct acme_order *o, const char *ident);
/* Those that a problem names, or the only one there is. */
void order_guilty_of(struct acme_order *o, const struct problem *p);
/* Until when the CA may take its time. */
int64_t order_deadline(const struct acme_order *o);
/* Starts a signed request; fills url, kid and wish. */
void order_ask(struct run *r, const char *doing, struct jws_request *req,
    const char *url, const char *accept, size_t reply_max);
void order_wish_wait(struct run *r, int64_t at_ms);
void authz_clear(struct authz *a);
/* The stage of an order that was just loaded. */
void order_settle(struct acme_order *o);

/* --- issue.c: rows of the table of stages */
void act_new(struct run *r);
void reply_new(struct run *r, const struct acme_reply *reply);
void refused_new(struct run *r, const struct problem *p);
void lost_new(struct run *r);
void act_look(struct run *r);
void reply_order(struct run *r, const struct acme_reply *reply);
/* What the CA says of the order, if it is this one; else the order fails, and
 * -1. order_object_free(). */
int order_decode(struct run *r, const struct acme_reply *reply,
    struct order_object *got);
void order_take(struct run *r, const struct order_object *got,
    const char *retry_after);
void act_csr(struct run *r);
void event_csr(struct run *r);
void act_finalize(struct run *r);
void refused_finalize(struct run *r, const struct problem *p);
void lost_finalize(struct run *r);
void act_wait(struct run *r);
void event_wait(struct run *r);
void act_download(struct run *r);
void reply_download(struct run *r, const struct acme_reply *reply);
void act_done(struct run *r);
/* An order that the CA has ended for a feature that can be left out is made
 * anew without it; false: it was not for that. */
bool order_without_feature(struct run *r);

/* --- alternate.c */
/* Looks whether the chain that has just come is the preferred one; if not,
 * notes which others there are. */
void alternate_begin(struct run *r, const struct acme_reply *reply);
bool alternate_left(const struct acme_order *o);
void act_alternate(struct run *r);
void reply_alternate(struct run *r, const struct acme_reply *reply);
void lost_alternate(struct run *r);	/* or refused, or not sent */

/* --- authz.c */
void act_read(struct run *r);
void reply_read(struct run *r, const struct acme_reply *reply);
void act_answer(struct run *r);
void reply_answer(struct run *r, const struct acme_reply *reply);
void refused_answer(struct run *r, const struct problem *p);
void lost_answer(struct run *r);
void act_poll(struct run *r);
void event_poll(struct run *r);
/* Several are answered: the order says when all of them are valid. */
bool authz_ask_order(struct acme_order *o);
void act_ask(struct run *r);
void reply_ask(struct run *r, const struct acme_reply *reply);
void event_ask(struct run *r);
/* All that were answered have been read since they were due. */
bool authz_all_read(struct acme_order *o, int64_t now_ms);
/* The first authorization in a state, NULL if none is. */
struct authz *authz_find(struct acme_order *o, enum authz_state state);
size_t authz_count(const struct acme_order *o, enum authz_state state);
/* The one that the stage is about, and to make it another. */
struct authz *authz_current(struct acme_order *o);
void authz_point_at(struct acme_order *o, const struct authz *a);

/* --- choose.c: which challenge, and which is left when one fails */
/* The challenge that was chosen before, or the best that is left; NULL if
 * there is none. */
const struct challenge_object *choice_of(const struct run *r,
    const struct authz *a, const struct authz_object *got);
/* Keeps the choice. False: the CA changed what it had said. */
bool choice_keep(const struct run *r, struct authz *a,
    const struct challenge_object *c);
void choice_drop(struct authz *a);
/* Notes what the CA offers. */
void choice_offered(struct authz *a, const struct authz_object *got);
void choice_failed(struct acme_order *o, const struct authz *a,
    const char *type);
/* Whether another type is left for it: in this order, or in a new one. */
bool choice_left(const struct acme_order *o, const struct authz *a);
bool choice_left_anew(const struct acme_order *o, const struct authz *a);
/* " (after http-01)", or nothing. */
void choice_before(const struct acme_order *o, const struct authz *a,
    const char *type, struct buf *out);
/* Why none could be chosen. */
void choice_none_err(const struct acme_order *o, const struct authz *a,
    const struct authz_object *got, struct err *why);

/* --- publish.c: rows of the table of stages */
void act_publish(struct run *r);
void event_publish(struct run *r);
void act_withdraw(struct run *r);
void event_withdraw(struct run *r);
/* The method of this authorization failed before the CA was told, for *why:
 * another is taken, or the order fails for now. */
void publish_failed(struct run *r, struct authz *a, const struct err *why);
/* One whose challenge must go, NULL if none: all of them when `all`. */
struct authz *authz_to_withdraw(struct acme_order *o, bool all);
bool authz_unshown(const struct acme_order *o);

#endif
