/* Challenges of an order: planned, written down, published, taken down. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/engine.h"
#include "daemon/issue.h"
#include "daemon/proof.h"
#include "daemon/standing.h"

/* A challenge that is out there, or about to be. */
struct proof {
	struct row_challenge *row;
	struct strv not_theirs;		/* dns blocks that said so */
	struct err not_mine;		/* what the last of them said */
	struct proof *next;
};

static struct proof *
proof_add(struct issue *s, const struct row_challenge *row)
{
	struct proof *p = xcalloc(1, sizeof(*p));

	p->row = row_copy(T_CHALLENGE, row);
	p->next = s->proofs;
	s->proofs = p;
	return p;
}

static void
proof_drop(struct issue *s, struct proof *p)
{
	struct proof **at = &s->proofs;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	strv_free(&p->not_theirs);
	row_free(T_CHALLENGE, p->row);
	free(p->row);
	free(p);
}

void
issue_proof_known(struct issue *s, const struct row_challenge *row)
{
	proof_add(s, row);
}

void
issue_proofs_free(struct issue *s)
{
	while (s->proofs != NULL)
		proof_drop(s, s->proofs);
}

static void planned(void *ctx, const struct err *err);

/* The block that was to write the record is not responsible for it: another
 * may be, unless the wish names this one. */
static void
try_another(struct issue *s, const struct err *err)
{
	struct proof *p = s->proof;

	strv_add(&p->not_theirs, p->row->dns);
	p->not_mine = *err;
	proof_plan(p->row, &s->wish, &p->not_theirs, planned, s);
}

static void
published(void *ctx, const struct err *err)
{
	struct issue *s = ctx;
	struct acme_event e = { .kind = ACME_PUBLISHED };

	if (err == NULL)
		issue_step(s, &e);
	else if (err->code == ERR_DNS_ZONE && *s->wish.dns == '\0')
		try_another(s, err);
	else
		issue_peer_error(s, err);
}

static void
publish_planned(void *ctx)
{
	struct issue *s = ctx;

	proof_publish(s->proof->row, published, s);
}

/* How to take it down again is durable before it is put up. */
static void
planned(void *ctx, const struct err *err)
{
	struct issue *s = ctx;

	struct err why;

	if (err != NULL) {
		/* Who said no tells more than that nobody else is left. */
		why = s->proof->not_theirs.n > 0 &&
		    err->code == ERR_CONFIG_BAD ? s->proof->not_mine : *err;
		if (s->proof->not_theirs.n > 0)
			batch_del(turn_batch(), T_CHALLENGE, s->proof->row);
		proof_drop(s, s->proof);
		s->proof = NULL;
		issue_peer_error(s, &why);
		return;
	}
	batch_put(turn_batch(), T_CHALLENGE, s->proof->row);
	turn_after(publish_planned, s);
}

static struct row_challenge
challenge_of(const struct issue *s, const struct acme_wish *w)
{
	struct row_challenge row = { .cert_id = s->row.cert_id,
		.ident = row_const(w->ident),
		.type = row_const(w->challenge),
		.token = row_const(w->token),
		.keyauth = row_const(w->keyauth),
		.record = row_const(w->record),
		.value = row_const(w->value),
		.published_ms = loop_now() };

	return row;
}

static struct proof *
proof_of(const struct issue *s, const struct acme_wish *w)
{
	struct proof *p;

	for (p = s->proofs; p != NULL; p = p->next)
		if (strcmp(p->row->ident, w->ident) == 0 &&
		    strcmp(p->row->type, w->challenge) == 0 &&
		    strcmp(p->row->token, w->token) == 0)
			break;
	return p;
}

void
issue_publish(struct issue *s, const struct acme_wish *w)
{
	struct row_challenge row = challenge_of(s, w);

	s->proof = proof_of(s, w);
	if (s->proof == NULL)
		s->proof = proof_add(s, &row);
	proof_plan(s->proof->row, &s->wish, &s->proof->not_theirs, planned,
	    s);
}

static void
withdrawn(void *ctx, const struct err *err)
{
	struct issue *s = ctx;
	struct acme_event e = { .kind = ACME_WITHDRAWN };

	/* What stays up is taken down by a job after the order. */
	if (err == NULL && s->proof != NULL) {
		batch_del(turn_batch(), T_CHALLENGE, s->proof->row);
		proof_drop(s, s->proof);
	}
	s->proof = NULL;
	issue_step(s, &e);
}

static void
ask_withdraw(void *ctx)
{
	struct issue *s = ctx;

	if (s->proof != NULL)
		proof_withdraw(s->proof->row, withdrawn, s);
	else
		withdrawn(s, NULL);
}

void
issue_withdraw(struct issue *s, const struct acme_wish *w)
{
	s->proof = proof_of(s, w);
	turn_after(ask_withdraw, s);
}

/* --- dns-persist-01 ------------------------------------------------------- */

static struct standing_want
standing_of(const struct acme_wish *w)
{
	struct standing_want want = { w->record, w->issuers, w->account_uris,
		w->wildcard };

	return want;
}

/* Where nobody can tell the CA may decide. */
static void
looked(void *ctx, const struct standing *found)
{
	struct issue *s = ctx;
	struct standing_want want = standing_of(&s->peer_wish);
	struct acme_event e = { .kind = ACME_CHECKED };
	struct err err;

	if (!found->unknown && s->trial == NULL)
		standing_note(s->row.cert_id, s->peer_wish.ident, &want,
		    found);
	if (found->there || found->unknown) {
		issue_step(s, &e);
		return;
	}
	standing_missing(&want, found, &err);
	issue_peer_error(s, &err);
}

static void
look(void *ctx)
{
	struct issue *s = ctx;
	struct standing_want want = standing_of(&s->peer_wish);

	standing_look(&want, looked, s);
}

void
issue_check(struct issue *s, const struct acme_wish *w)
{
	assert(w->record == s->peer_wish.record);
	assert(w->record != NULL && w->issuers != NULL);
	turn_after(look, s);
}
