/* The account of a CA, beside ordering: its contacts, whether it is alive, its
 * end, its next key. What must be known after a crash is in its row before the
 * CA hears of it. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/account_copy.h"
#include "daemon/cas_parts.h"
#include "daemon/engine.h"
#include "daemon/hurdle.h"
#include "daemon/log.h"
#include "daemon/loop.h"

/* The copy first: a row without one would be an account that can be lost. */
void
ca_save_account(const struct ca *c)
{
	assert(c->account.id != 0);
	account_copy_write(&c->account);
	batch_put(turn_batch(), T_ACCOUNT, &c->account);
}

/* A key is made for one CA: the keeper signs for no other with it. */
int
ca_ask_key(struct ca *c, const char *alg, peer_done *done, struct err *err)
{
	struct w_account_key m = { .account = (uint64_t)c->account.id,
		.alg = (char *)(uintptr_t)alg };
	struct buf origin;
	int rc;

	assert(c->account.id != 0 && alg != NULL);
	buf_init(&origin, ACME_URL_MAX);
	rc = acme_url_origin(&origin, c->conf->directory, err);
	m.origin = origin.data;
	if (rc == 0)
		peer_ask(WIRE_ACCOUNT_KEY, &m, done, c);
	buf_free(&origin);
	return rc;
}

/* --- dead accounts -------------------------------------------------------- */

void
ca_account_dead(struct ca *c, struct err *err)
{
	assert(c->account.id != 0);
	hurdle_advise_dead(c->conf->title, err);
	if (strcmp(c->account.status, "dead") == 0)
		return;
	row_text(&c->account.status, "dead");
	set_error(&c->account.error, err);
	ca_save_account(c);
	ca_block(c, err);
	assert(strcmp(c->row.state, "blocked") == 0);
	ca_say(c, "ca.account-dead", err);
}

bool
ca_is_dead(const struct ca *c, struct err *err)
{
	struct hurdle_ca h = { .conf = c->conf, .account = &c->account };

	return hurdle(HURDLE_ACCOUNT, &h, loop_now(), err) != 0;
}

/* --- one deed ------------------------------------------------------------- */

bool
ca_is_settling(const struct ca *c)
{
	return c->deed == DEED_END || c->deed == DEED_ROLL;
}

static void
drop_next(struct ca *c)
{
	assert(c->deed == DEED_ROLL);
	blob_free(&c->account.next_sealed);
	blob_free(&c->account.next_spki);
	row_text(&c->account.next_alg, "");
	ca_save_account(c);
}

/* From now on the CA knows us by the other key. */
static void
take_next(struct ca *c)
{
	struct row_account *a = &c->account;

	assert(c->deed == DEED_ROLL && c->account.next_alg != NULL);
	blob_free(&a->sealed);
	blob_free(&a->spki);
	a->sealed = a->next_sealed;
	a->spki = a->next_spki;
	memset(&a->next_sealed, 0, sizeof(a->next_sealed));
	memset(&a->next_spki, 0, sizeof(a->next_spki));
	row_text(&a->alg, a->next_alg);
	drop_next(c);
	acme_session_free(c->session);
	c->session = NULL;
	log_info("%s: the account has another key", c->conf->title);
}

/* Unarmed, or refused: then the CA has the old key, and keeps it. */
static bool
has_old_key(const struct err *err)
{
	return err->code == ERR_CA_REFUSED || err->code == ERR_NEEDS_OPERATOR;
}

static void
settle_roll(struct ca *c, const struct err *err)
{
	assert(c->deed == DEED_ROLL);
	if (err == NULL)
		take_next(c);
	else if (has_old_key(err))
		drop_next(c);
}

/* That a CA does not take new contacts holds up no order. */
static void
settle_contacts(struct ca *c, const struct err *err)
{
	struct buf lines;
	size_t i;

	assert(c->session != NULL || err != NULL);
	if (err != NULL) {
		log_err(err, "%s", c->conf->title);
		return;
	}
	buf_init(&lines, 16384);
	for (i = 0; i < c->contacts.n; i++)
		buf_printf(&lines, "%s%s", i > 0 ? "\n" : "",
		    c->contacts.v[i]);
	row_text(&c->account.contacts, lines.data != NULL ? lines.data : "");
	ca_save_account(c);
	buf_free(&lines);
}

/* An answer of any kind shows that it lives; a dead one ends in finish(). */
static void
settle_look(struct ca *c, const struct err *err)
{
	assert(c->deed == DEED_LOOK);
	if (err != NULL && err->code == ERR_ACCOUNT_UNKNOWN)
		ca_forget_account(c);
}

static void
settle_end(struct ca *c, const struct err *err)
{
	struct err gone;

	assert(c->deed == DEED_END);
	if (err != NULL)
		return;
	err_set(&gone, ERR_ACCOUNT_DEAD, "%s: the account was given up by an "
	    "operator", c->conf->title);
	ca_account_dead(c, &gone);
}

/* Settled first, so that whoever is told finds everything as it is now. */
static void
finish(struct ca *c, struct err *err)
{
	static void (*const settle[])(struct ca *, const struct err *) = {
		[DEED_CONTACTS] = settle_contacts, [DEED_LOOK] = settle_look,
		[DEED_END] = settle_end, [DEED_ROLL] = settle_roll
	};
	bool settled = ca_is_settling(c), look = c->deed == DEED_LOOK;
	ca_done *done = look ? c->look_done : c->deed_done;
	void *ctx = look ? c->look_ctx : c->deed_ctx;

	assert(c->deed != DEED_NONE &&
	    (size_t)c->deed < sizeof(settle) / sizeof(settle[0]));
	assert(c->act == NULL || c->roll == NULL);
	if (err != NULL)
		err_context(err, "%s", c->conf->title);
	settle[c->deed](c, err);
	if (err != NULL && err->code == ERR_ACCOUNT_DEAD)
		ca_account_dead(c, err);
	acme_act_free(c->act);
	acme_rollover_free(c->roll);
	c->act = NULL;
	c->roll = NULL;
	c->deed = DEED_NONE;
	if (look) {
		c->look_session = NULL;
		c->look_done = NULL;
	} else
		c->deed_done = NULL;
	if (done != NULL)
		done(ctx, err);
	ca_room_opens(c);
	/* What could not be settled is tried again with the next order. */
	if (settled && err != NULL && c->account.next_sealed.len > 0)
		ca_tell_waiters(c, err);
	else if (settled && c->waiters != NULL)
		ca_go(c);
}

static void
step(void *ctx, const struct acme_event *event)
{
	struct ca *c = ctx;
	struct acme_session *s = c->look_session != NULL ? c->look_session :
	    c->session;
	struct acme_wish w;
	struct err err;

	assert((c->deed == DEED_ROLL ? c->roll != NULL : c->act != NULL));
	err_clear(&err);
	w = c->deed == DEED_ROLL ? acme_rollover_step(c->roll, s,
	    loop_now(), event, &err) : acme_act_step(c->act, s, loop_now(),
	    event, &err);
	if (w.kind == ACME_WISH_DONE)
		finish(c, NULL);
	else if (w.kind == ACME_WISH_FAIL)
		finish(c, &err);
	else
		acting_do(&c->doing, &w);
}

void
ca_account_init(struct ca *c)
{
	assert(c->doing.step == NULL);
	c->doing.ca = c;
	c->doing.step = step;
	c->doing.ctx = c;
}

void
ca_account_fini(struct ca *c)
{
	if (c->doing.http != NULL)
		http_cancel(c->doing.http);
	act_test_ca_drop(c->test);
	acme_act_free(c->act);
	acme_rollover_free(c->roll);
	ca_held_fini(c);
	free(c->next_alg);
	row_free(T_ACCOUNT, &c->before);
}

static void
begin(struct ca *c, enum deed deed, struct acme_act *act)
{
	assert(c->deed == DEED_NONE);
	assert(c->session != NULL || c->look_session != NULL);
	assert((deed == DEED_ROLL) == (act == NULL));
	c->deed = deed;
	c->act = act;
	step(c, NULL);
}

/* --- what the session leads to -------------------------------------------- */

static bool
contacts_differ(const struct ca *c)
{
	const char *p = c->account.contacts;
	size_t i, n;

	for (i = 0; i < c->contacts.n; i++) {
		n = strlen(c->contacts.v[i]);
		if (strncmp(p, c->contacts.v[i], n) != 0)
			return true;
		p += n;
		p += *p == '\n';
	}
	return *p != '\0';
}

/* Whether orders have to wait for it: a change of key is ended before them,
 * contacts are told beside them. */
bool
ca_settles(struct ca *c)
{
	struct err unused;

	assert(c->session != NULL);
	if (c->deed != DEED_NONE)
		return ca_is_settling(c);
	if (ca_is_dead(c, &unused))
		return false;
	if (c->account.next_sealed.len > 0) {
		c->roll = acme_rollover_new(true);
		begin(c, DEED_ROLL, NULL);
		return true;
	}
	if (!contacts_differ(c) || c->told)
		return false;
	c->told = true;
	if (acme_session_made(c->session))
		settle_contacts(c, NULL);
	else
		begin(c, DEED_CONTACTS, acme_contacts_new(&c->contacts));
	return false;
}

void
ca_doubt_account(struct ca *c)
{
	struct err unused;

	if (c->deed == DEED_NONE && c->session != NULL &&
	    !ca_is_dead(c, &unused) && acme_session_kid(c->session) != NULL)
		begin(c, DEED_LOOK, acme_account_look_new());
}

/* A key that is about to change would make a living account look dead. */
void
ca_look(struct ca *c, struct acme_session *s, ca_done *done, void *ctx)
{
	const char *kid = acme_session_kid(s);
	struct err err;

	assert(done != NULL && kid != NULL);
	if (c->deed != DEED_NONE || c->deed_done != NULL ||
	    c->held.start != NULL || c->account.next_sealed.len > 0 ||
	    !hurdle_has_account(&c->account) ||
	    strcmp(c->account.kid, kid) != 0) {
		err_set(&err, ERR_OWN_LIMIT, "%s: something else is under way "
		    "there", c->conf->title);
		err_advise(&err, "Try it again when that is done.");
		done(ctx, &err);
		return;
	}
	c->look_session = s;
	c->look_done = done;
	c->look_ctx = ctx;
	begin(c, DEED_LOOK, acme_account_look_new());
}

/* --- what an operator asks for -------------------------------------------- */

/* The key is in the row, and so durable, before the CA hears of it. */
static void
key_made(void *ctx, void *answer, const struct err *err)
{
	struct ca *c = ctx;
	struct w_key *key = answer;
	struct err why;

	assert(c->deed == DEED_ROLL && c->roll == NULL);
	if (err != NULL) {
		why = *err;
		finish(c, &why);
		return;
	}
	c->account.next_sealed = key->sealed;
	c->account.next_spki = key->spki;
	memset(key, 0, sizeof(*key));
	row_text(&c->account.next_alg, c->next_alg);
	ca_save_account(c);
	c->roll = acme_rollover_new(false);
	step(c, NULL);
}

/* The session has failed (err), or something else came in between. */
static void
not_begun(struct ca *c, const struct err *err)
{
	ca_done *done = c->deed_done;
	struct err why;

	assert(done != NULL);
	if (err == NULL) {
		err_set(&why, ERR_OWN_LIMIT, "%s: something else is under way "
		    "there", c->conf->title);
		err = &why;
	}
	c->deed_done = NULL;
	ca_room_opens(c);
	done(c->deed_ctx, err);
}

static void
ready_to_roll(void *ctx, const struct err *err)
{
	struct ca *c = ctx;
	struct err why;

	assert(c->deed_done != NULL && c->next_alg != NULL);
	/* One that a crash had left behind was settled on the way. */
	if (err != NULL || c->deed != DEED_NONE) {
		not_begun(c, err);
		return;
	}
	c->deed = DEED_ROLL;
	if (ca_ask_key(c, c->next_alg, key_made, &why) != 0)
		finish(c, &why);
}

static void
start_roll(struct ca *c)
{
	struct err unused;

	assert(c->deed_done != NULL);
	if (ca_is_dead(c, &unused))
		ca_start_over(c);
	else
		ca_ready(c, ready_to_roll, c);
}

void
ca_rollover(struct ca *c, const char *alg, ca_done *done, void *ctx)
{
	struct err unused;

	assert(alg != NULL);
	if (!ca_is_dead(c, &unused) && ca_key_is_fixed(c, done, ctx))
		return;
	if (!ca_hold(c, start_roll, done, ctx))
		return;
	row_text(&c->next_alg, alg);
	ca_held_go(c);
}

static void
ready_to_end(void *ctx, const struct err *err)
{
	struct ca *c = ctx;

	assert(c->deed_done != NULL);
	if (err == NULL && c->deed == DEED_NONE)
		begin(c, DEED_END, acme_deactivate_new());
	else
		not_begun(c, err);
}

static void
start_end(struct ca *c)
{
	ca_ready(c, ready_to_end, c);
}

void
ca_deactivate(struct ca *c, ca_done *done, void *ctx)
{
	if (ca_hold(c, start_end, done, ctx))
		ca_held_go(c);
}
