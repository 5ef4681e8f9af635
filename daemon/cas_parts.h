/* Inside of a CA: what cas.c (session, breaker, table), cas_account.c and
 * cas_operator.c (the account, beside ordering), cas_held.c, cas_token.c and
 * cas_room.c (max-orders) share. */
#ifndef DAEMON_CAS_PARTS_H
#define DAEMON_CAS_PARTS_H
#include "acme/account.h"
#include "daemon/cas.h"
#include "daemon/peers.h"
#include "store/rows.h"

struct waiter {
	void (*done)(void *ctx, const struct err *err);
	void *ctx;
	bool without;			/* a living account */
	struct waiter *next;
};

/* One at a time. The last two stop orders while they last. */
enum deed { DEED_NONE, DEED_CONTACTS, DEED_LOOK, DEED_END, DEED_ROLL };

struct ca_test;
/* The engine ends. */
void act_test_ca_drop(struct ca_test *t);

/* What an operator has asked for, until nothing else is under way. */
struct held {
	void (*start)(struct ca *c);	/* NULL: nothing is held */
	ca_done *done;
	void *ctx;
	int64_t until_ms;		/* monotonic */
	struct loop_timer *timer;
};

struct ca {
	const struct conf_ca *conf;
	struct row_account account;
	struct row_ca row;
	struct strv contacts;
	struct acme_session *session;
	struct acting acting;
	bool loaded;		/* the rows have been read */
	bool stepping;		/* a session step is under way */
	bool asked;		/* ... and the CA was asked for it */
	char *ref;		/* account_key_ref() */
	bool key_known;		/* the token has told its public half */
	struct waiter *waiters;
	int orders;
	int64_t anyway_ms;	/* monotonic: last ca_asked_anyway; 0: never */
	struct waiting *first, **last;	/* for room */

	enum deed deed;
	struct acting doing;
	struct acme_act *act;		/* of all but ROLL */
	struct acme_rollover *roll;
	ca_done *deed_done;		/* NULL: nobody waits */
	void *deed_ctx;
	struct acme_session *look_session;	/* LOOK: not ours; NULL: ours */
	ca_done *look_done;			/* NULL: nobody waits */
	void *look_ctx;
	struct ca_test *test;		/* act_test_ca.c; NULL: none */
	char *next_alg;			/* ROLL: of the key that is made */
	struct held held;
	struct row_account incoming;	/* held until it is imported */
	struct row_account before;	/* while another is imported */
	bool told;			/* contacts, since the start */
};

void ca_say(const struct ca *c, const char *event, const struct err *err);
void ca_tell_waiters(struct ca *c, const struct err *err);
void ca_go(struct ca *c);
/* What its directory says is kept for who asks later. */
void ca_note_directory(struct ca *c, const struct acme_session *s);
/* It is to be registered again. */
void ca_forget_account(struct ca *c);
/* Looks whether the account is alive, through s: a session of the caller's own
 * that is DONE with this account, and lives until done(ctx, err). The orders of
 * others go on meanwhile. Afterwards a dead account is known to be dead, and
 * one that is not there (ERR_ACCOUNT_UNKNOWN) is registered again by the next
 * order. ERR_OWN_LIMIT: something else is done with it. */
void ca_look(struct ca *c, struct acme_session *s, ca_done *done, void *ctx);
/* The account is dead; it is not any more, and who waits for it may go on. */
void ca_block(struct ca *c, const struct err *err);
void ca_unblock(struct ca *c);
/* --- cas_held.c --------------------------------------------------------- */
/* From now on no order begins. False: an operator's deed is held or under way
 * already, and done was told so. True: the caller puts down what its deed
 * needs, then calls ca_held_go(): start(c) is called when nothing is under way
 * any more, with deed_done set; or done after a minute in which that did not
 * come. */
bool ca_hold(struct ca *c, void (*start)(struct ca *c), ca_done *done,
    void *ctx);
void ca_held_go(struct ca *c);
void ca_held_fini(struct ca *c);

/* A session is ready. True: something of the account must be settled first,
 * and ca_go() is called when it is. */
bool ca_settles(struct ca *c);
bool ca_is_settling(const struct ca *c);
/* Its row, and its copy beside the inventory. */
void ca_save_account(const struct ca *c);
/* Says so once, and remembers it; *err gets the advice. */
void ca_account_dead(struct ca *c, struct err *err);
/* Asks the keeper for a key of the account's. */
int ca_ask_key(struct ca *c, const char *alg, peer_done *done,
    struct err *err);
/* A dead account is put aside and a new one made; deed_done hears of it. */
void ca_start_over(struct ca *c);
void ca_account_init(struct ca *c);
void ca_account_fini(struct ca *c);

/* --- cas_token.c: accounts whose key is in a token ------------------------ */
/* Asks the token which key it is; another one has another account. Then
 * ca_go(). */
void ca_ask_token(struct ca *c);
/* True: the key is not ours to change, and done was told so. */
bool ca_key_is_fixed(const struct ca *c, ca_done *done, void *ctx);
/* Of the key in a SubjectPublicKeyInfo. */
const char *ca_key_type(const struct blob *spki);

/* Who waits for room is let in at the end of this turn. */
void ca_room_opens(struct ca *c);
void ca_room_init(struct ca *c);
void ca_room_fini(struct ca *c);
int cas_free(void);	/* so many more may enter, at all of them */
#endif
