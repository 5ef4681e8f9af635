/* The answers to challenges: made visible, all of them, before the CA is told
 * of any, and taken down again on every way that an order can go. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "acme/order.h"
#include "acme/session.h"

struct authz *
authz_to_withdraw(struct acme_order *o, bool all)
{
	size_t i;

	for (i = 0; i < o->nauthz; i++)
		if (o->authz[i].published && (all ||
		    o->authz[i].state == A_DONE ||
		    o->authz[i].state == A_FAILED ||
		    o->authz[i].state == A_SWITCH))
			return &o->authz[i];
	return NULL;
}

static bool
is_unshown(const struct authz *a)
{
	return !a->shown &&
	    (a->state == A_CHOSEN || a->state == A_ANSWERED);
}

bool
authz_unshown(const struct acme_order *o)
{
	size_t i;

	for (i = 0; i < o->nauthz; i++)
		if (is_unshown(&o->authz[i]))
			return true;
	return false;
}

static bool
is_standing(const struct authz *a)
{
	return a->type != NULL && method_find(a->type) != NULL &&
	    method_find(a->type)->standing;
}

/* --- wishes --------------------------------------------------------------- */

/* Made anew each time and not saved: the account's key may have changed. */
static void
make_answer(struct run *r, struct authz *a)
{
	const struct method *m = method_find(a->type);
	char txt[METHOD_TXT], record[METHOD_RECORD];
	struct buf keyauth;

	assert(a->token != NULL && a->type != NULL && a->ident != NULL);
	buf_init(&keyauth, 1024);
	buf_printf(&keyauth, "%s.%s", a->token, r->s->thumbprint);
	free(a->keyauth);
	free(a->value);
	a->keyauth = buf_take(&keyauth);
	a->value = NULL;
	/* Older programs did not save it. */
	if (a->record == NULL && m != NULL && method_record(record, m,
	    a->ident + (strncmp(a->ident, "*.", 2) == 0 ? 2 : 0),
	    r->s->kid) == 0)
		a->record = xstrdup(record);
	if (a->record == NULL)
		return;
	method_txt(txt, a->keyauth);
	a->value = xstrdup(txt);
}

static void
wish_challenge(struct run *r, struct authz *a, enum acme_wish_kind kind)
{
	struct acme_wish *w = r->w;

	assert(a->type != NULL && a->ident != NULL && !r->wished);
	assert(kind == ACME_WISH_CHECK || a->published);
	if (a->token != NULL)
		make_answer(r, a);
	else {
		w->issuers = &a->issuers;
		w->account_uris = &a->uris;
	}
	w->kind = kind;
	w->challenge = a->type;
	w->wildcard = strncmp(a->ident, "*.", 2) == 0;
	w->ident = a->ident + (w->wildcard ? 2 : 0);
	w->token = a->token;
	w->keyauth = a->keyauth;
	w->record = a->record;
	w->value = a->value;
	r->wished = true;
}

/* --- publishing ----------------------------------------------------------- */

/* All are noted as published, and saved, before the first is: one save for
 * the whole order, and nothing visible that is not known. */
void
act_publish(struct run *r)
{
	struct acme_order *o = r->o;
	struct authz *first = NULL;
	size_t i;

	for (i = 0; i < o->nauthz; i++) {
		if (!is_unshown(&o->authz[i]))
			continue;
		if (first == NULL)
			first = &o->authz[i];
		if (is_standing(&o->authz[i]))
			continue;
		o->save = o->save || !o->authz[i].published;
		o->authz[i].published = true;
	}
	assert(first != NULL);
	authz_point_at(o, first);
	wish_challenge(r, first, is_standing(first) ? ACME_WISH_CHECK :
	    ACME_WISH_PUBLISH);
}

/* The CA knows nothing of it yet, so the authorization can still be proved in
 * another way. */
void
publish_failed(struct run *r, struct authz *a, const struct err *why)
{
	struct acme_order *o = r->o;

	assert(a->type != NULL && why->code != ERR_OK);
	choice_failed(o, a, a->type);
	if (o->failing)
		return;
	if (!choice_left(o, a)) {
		order_guilty(o, a->ident);
		order_fail_for_now(r, why);
		return;
	}
	o->why = *why;
	a->state = A_SWITCH;
	if (a->published)
		return;
	choice_drop(a);
	a->state = A_UNREAD;
}

void
event_publish(struct run *r)
{
	struct authz *a = authz_current(r->o);
	struct err why;

	assert(is_unshown(a));
	if (r->event->kind != ACME_ERROR) {
		a->shown = true;
		return;
	}
	why = *r->event->err;
	if (is_standing(a))
		err_context(&why, "%s: its record for %s", a->ident, a->type);
	else
		err_context(&why, "%s: its %s answer could not be published",
		    a->ident, a->type);
	publish_failed(r, a, &why);
}

/* --- withdrawing ---------------------------------------------------------- */

void
act_withdraw(struct run *r)
{
	struct authz *a = authz_to_withdraw(r->o, false);

	if (a == NULL)
		a = authz_to_withdraw(r->o, true);
	assert(a != NULL);
	authz_point_at(r->o, a);
	wish_challenge(r, a, ACME_WISH_WITHDRAW);
}

/* What could not be withdrawn is on the caller's list, which outlives the
 * order; the order itself does not depend on it. */
void
event_withdraw(struct run *r)
{
	struct authz *a = authz_current(r->o);

	assert(a->published);
	a->published = false;
	a->shown = false;
	if (a->state != A_SWITCH)
		return;
	choice_drop(a);
	a->state = A_UNREAD;
}
