/* Another account at a CA: a new one in the place of one that is dead, or one
 * whose key an operator brings; how everything goes on after that; and its key
 * for an operator who takes it elsewhere. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/account_copy.h"
#include "daemon/cas_parts.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/sched.h"

/* The others find it out when they look again. */
enum { RELEASED_MAX = 1000, RELEASED_OVER_MS = 10 * 1000 };

/* --- going on ---------------------------------------------------------- */

static void
release(void *ctx, struct rows *answers, int n, const struct err *err)
{
	const char *title = ctx;
	struct conf_wish wish;
	size_t i;

	assert(title != NULL);
	(void)n;
	for (i = 0; err == NULL && i < answers[0].n; i++) {
		const struct row_cert *c = ROWS_AT(&answers[0], row_cert, i);

		wish = engine_wish(c);
		if (strcmp(wish.ca, title) == 0)
			sched_put(JOB_RENEW, c->id, loop_now() +
			    (int64_t)(chance_luck() % RELEASED_OVER_MS));
		conf_wish_free(&wish);
	}
}

/* Their own looks would come within the hour; a person who has just mended
 * it waits for seconds. */
void
ca_unblock(struct ca *c)
{
	struct query q = { .table = T_CERT, .wheres = 1, .limit = RELEASED_MAX,
		.where = { { .col = "iss_state", .cmp = CMP_EQ,
		.text = "blocked" } } };

	assert(c->conf->title != NULL);
	if (strcmp(c->row.state, "blocked") != 0)
		return;
	ca_worked(c);
	store_read(turn_store(), &q, 1, release, c->conf->title);
}

/* --- another account --------------------------------------------------- */

/* What is asked of the CA from now on is asked in the name of this one. */
static void
change_account(struct ca *c, struct row_account *a)
{
	assert(a != &c->account);
	acme_session_free(c->session);
	c->session = NULL;
	c->told = false;
	c->account = *a;
	memset(a, 0, sizeof(*a));
}

static void
answer(struct ca *c, const struct err *err)
{
	ca_done *done = c->deed_done;

	assert(done != NULL);
	c->deed_done = NULL;
	ca_room_opens(c);
	done(c->deed_ctx, err);
}

static void
started_over(void *ctx, const struct err *err)
{
	answer(ctx, err);
}

/* The row of the dead one stays: it is never thrown away. */
void
ca_start_over(struct ca *c)
{
	struct row_account none = { 0 };

	assert(c->deed_done != NULL && c->deed == DEED_NONE);
	row_free(T_ACCOUNT, &c->account);
	change_account(c, &none);
	c->key_known = false;
	ca_ready(c, started_over, c);
}

/* The CA has it: the one before is given up. It has not: all is as it was. */
static void
imported(void *ctx, const struct err *err)
{
	struct ca *c = ctx;
	struct err unused;

	assert(c->deed_done != NULL);
	if (err == NULL) {
		row_free(T_ACCOUNT, &c->before);
		memset(&c->before, 0, sizeof(c->before));
		answer(c, NULL);
		return;
	}
	/* Else it would come back with an inventory that is rebuilt. */
	account_copy_remove(c->account.id);
	batch_del(turn_batch(), T_ACCOUNT, &c->account);
	row_free(T_ACCOUNT, &c->account);
	change_account(c, &c->before);
	if (c->account.id != 0 && !ca_is_dead(c, &unused))
		ca_unblock(c);
	answer(c, err);
}

static void
start_import(struct ca *c)
{
	struct row_account a = c->incoming;

	assert(c->before.id == 0 && a.id != 0);
	assert(c->deed == DEED_NONE && c->orders == 0);
	memset(&c->incoming, 0, sizeof(c->incoming));
	c->before = c->account;
	change_account(c, &a);
	ca_ready(c, imported, c);
}

/* Begun already, as far as anybody knows: the CA is asked for an account with
 * this key before one is made. */
void
ca_import(struct ca *c, int64_t id, const struct blob *sealed,
    const struct blob *spki, ca_done *done, void *ctx)
{
	struct row_account *a = &c->incoming;

	if (ca_key_is_fixed(c, done, ctx) ||
	    !ca_hold(c, start_import, done, ctx))
		return;
	assert(a->id == 0 && id != 0);
	*a = (struct row_account){ .id = id, .kek_id = 1,
		.created_ms = loop_now(), .intent_ms = loop_now(),
		.sealed = blob_copy(sealed->p, sealed->len),
		.spki = blob_copy(spki->p, spki->len) };
	row_text(&a->ca, c->conf->title);
	row_text(&a->directory, c->conf->directory);
	row_text(&a->status, "new");
	row_text(&a->kid, "");
	row_text(&a->alg, ca_key_type(spki));
	ca_held_go(c);
}

/* --- its key for a person ---------------------------------------------- */

struct handing {
	ca_done *done;
	void *ctx;
};

static void
handed(void *ctx, void *nothing, const struct err *err)
{
	struct handing *h = ctx;

	assert(nothing == NULL && h->done != NULL);
	h->done(h->ctx, err);
	free(h);
}

/* One that is about to be another is none to take away. */
static int
may_export(const struct ca *c, struct err *err)
{
	const struct row_account *a = &c->account;
	const char *title = c->conf->title;

	assert(err != NULL);
	if (c->ref != NULL) {
		err_set(err, ERR_INVALID, "%s: its account's key is in the "
		    "token that account-key names, and does not come out of "
		    "it", title);
		return err_advise(err, "Elsewhere, use the same token.");
	}
	if (ca_is_dead(c, err))
		return -1;
	if (a->id == 0 || a->kid == NULL || a->kid[0] == '\0') {
		err_set(err, ERR_NO_SUCH, "%s: there is no account yet",
		    title);
		return err_advise(err, "The daemon makes one with the first "
		    "order.");
	}
	if (c->before.id == 0 && a->next_sealed.len == 0 &&
	    c->deed != DEED_ROLL && c->deed != DEED_END)
		return 0;
	err_set(err, ERR_OWN_LIMIT, "%s: its account is being changed", title);
	return err_advise(err, "Try it again when that is done.");
}

void
ca_export(struct ca *c, ca_done *done, void *ctx)
{
	struct handing *h;
	struct w_export w;
	struct err err;

	assert(done != NULL);
	if (may_export(c, &err) != 0) {
		done(ctx, &err);
		return;
	}
	h = xcalloc(1, sizeof(*h));
	*h = (struct handing){ done, ctx };
	w = (struct w_export){ (uint64_t)c->account.id, c->account.sealed };
	peer_ask(WIRE_EXPORT, &w, handed, h);
}
