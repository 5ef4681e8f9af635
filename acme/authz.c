/* The authorizations of an order: read all, publish the answers of all, tell
 * the CA, ask until it has made up its mind, and take each answer down again
 * (RFC 8555 section 7.5). */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/order.h"
#include "acme/session.h"

/* When one name has failed, the others that the CA is looking at get this
 * long: taken down under its eyes they would fail as well, and count. */
enum { GRACE_MS = 60 * 1000 };

struct authz *
authz_find(struct acme_order *o, enum authz_state state)
{
	size_t i;

	for (i = 0; i < o->nauthz; i++)
		if (o->authz[i].state == (int)state)
			return &o->authz[i];
	return NULL;
}

size_t
authz_count(const struct acme_order *o, enum authz_state state)
{
	size_t i, n = 0;

	for (i = 0; i < o->nauthz; i++)
		n += o->authz[i].state == (int)state;
	return n;
}

struct authz *
authz_to_withdraw(struct acme_order *o, bool all)
{
	size_t i;

	for (i = 0; i < o->nauthz; i++)
		if (o->authz[i].published && (all ||
		    o->authz[i].state == A_DONE ||
		    o->authz[i].state == A_FAILED))
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

void
authz_clear(struct authz *a)
{
	free(a->url);
	free(a->ident);
	free(a->type);
	free(a->challenge_url);
	free(a->token);
	free(a->keyauth);
	memset(a, 0, sizeof(*a));
}

static struct authz *
current(struct acme_order *o)
{
	assert(o->at < o->nauthz);
	return &o->authz[o->at];
}

static void
point_at(struct acme_order *o, const struct authz *a)
{
	o->at = (size_t)(a - o->authz);
}

/* --- reading -------------------------------------------------------------- */

static void
read_current(struct run *r)
{
	struct jws_request req = { .what = JWS_READ };

	order_ask(r, "the authorization", &req, current(r->o)->url, NULL,
	    ACME_JSON_MAX);
}

void
act_read(struct run *r)
{
	point_at(r->o, authz_find(r->o, A_UNREAD));
	read_current(r);
}

/* The name failed; what is known of the others is awaited for a while. */
static void
fail_name(struct run *r, struct authz *a, const struct err *why)
{
	struct acme_order *o = r->o;

	a->state = A_FAILED;
	if (o->failing)
		return;
	order_guilty(o, a->ident);
	order_fail(r, why);
	o->grace_ms = r->now_ms + GRACE_MS;
}

static void
fail_protocol(struct run *r, const struct authz *a, const char *what)
{
	struct err why;

	err_set(&why, ERR_CA_PROTOCOL, "%s: %s", a->ident != NULL ? a->ident :
	    "the authorization", what);
	order_fail_for_now(r, &why);
}

/* What a failed authorization says about the reason: the error of the
 * challenge that was tried. */
static void
fail_invalid(struct run *r, struct authz *a, const struct authz_object *got)
{
	const struct challenge_object *c = NULL;
	struct problem none;
	char doing[400];
	struct err why;
	size_t i;

	memset(&none, 0, sizeof(none));
	for (i = 0; i < got->n; i++)
		if (got->challenges[i].has_error && (c == NULL ||
		    (a->challenge_url != NULL && strcmp(a->challenge_url,
		    got->challenges[i].url) == 0)))
			c = &got->challenges[i];
	snprintf(doing, sizeof(doing), "%s: the CA could not validate it%s%s",
	    a->ident, c != NULL ? " by " : "", c != NULL ? c->type : "");
	problem_validation_err(c != NULL ? &c->error : &none, doing, &why);
	fail_name(r, a, &why);
}

/* The challenge that was chosen before, or the first of our types. */
static const struct challenge_object *
choose(const struct acme_order *o, const struct authz *a,
    const struct authz_object *got)
{
	size_t i, k;

	if (a->challenge_url != NULL) {
		for (i = 0; i < got->n; i++)
			if (strcmp(got->challenges[i].url,
			    a->challenge_url) == 0)
				return &got->challenges[i];
		return NULL;
	}
	for (k = 0; k < o->challenges.n; k++)
		for (i = 0; i < got->n; i++)
			if (strcmp(got->challenges[i].type,
			    o->challenges.v[k]) == 0)
				return &got->challenges[i];
	return NULL;
}

static void
join(struct buf *b, const char *word)
{
	if (b->len > 0)
		buf_puts(b, ", ");
	buf_puts(b, word);
}

static void
fail_no_challenge(struct run *r, struct authz *a,
    const struct authz_object *got)
{
	struct buf offered, wanted;
	struct err why;
	size_t i;

	buf_init(&offered, 4096);
	buf_init(&wanted, 4096);
	for (i = 0; i < got->n; i++)
		join(&offered, got->challenges[i].type);
	for (i = 0; i < r->o->challenges.n; i++)
		join(&wanted, r->o->challenges.v[i]);
	err_set(&why, ERR_NO_CHALLENGE, "%s: the CA offers %.150s; set up "
	    "here is %.100s", a->ident,
	    offered.len > 0 ? offered.data : "no challenge",
	    wanted.len > 0 ? wanted.data : "none");
	err_advise(&why, "Set up one of the challenges that the CA offers.");
	buf_free(&offered);
	buf_free(&wanted);
	fail_name(r, a, &why);
}

/* Keeps the choice. False: the CA changed what it had said. */
static bool
keep(struct authz *a, const struct challenge_object *c)
{
	if (a->challenge_url != NULL)
		return c->token != NULL && strcmp(a->token, c->token) == 0 &&
		    strcmp(a->type, c->type) == 0;
	if (c->token == NULL)
		return false;
	a->challenge_url = xstrdup(c->url);
	a->type = xstrdup(c->type);
	a->token = xstrdup(c->token);
	return true;
}

/* Pending: where it goes on depends on what the CA knows of our answer. Some
 * leave the challenge "pending" while they look, so one that was answered by
 * this process stays answered. */
static void
take_pending(struct run *r, struct authz *a, const struct authz_object *got)
{
	const struct challenge_object *c = choose(r->o, a, got);
	bool recheck = a->recheck;

	a->recheck = false;
	if (c == NULL && a->challenge_url == NULL)
		fail_no_challenge(r, a, got);
	else if (c == NULL || !keep(a, c))
		fail_protocol(r, a, "the CA changed its challenge, or gave it "
		    "a token that is none");
	else if (c->status == CHALLENGE_INVALID)
		fail_invalid(r, a, got);
	else if (a->state == A_ANSWERED || c->status != CHALLENGE_PENDING) {
		a->state = A_ANSWERED;
		a->next_ms = order_poll_at(r->event->reply.retry_after,
		    r->now_ms, &a->polls);
	} else if (recheck && r->o->refused.code != ERR_OK) {
		order_guilty(r->o, a->ident);
		order_fail(r, &r->o->refused);
	} else
		a->state = A_CHOSEN;
}

static void
take(struct run *r, struct authz *a, const struct authz_object *got)
{
	static const char *const ended[] = {
		[AUTHZ_DEACTIVATED] = "deactivated",
		[AUTHZ_EXPIRED] = "expired", [AUTHZ_REVOKED] = "revoked"
	};
	struct err why;

	if (got->status == AUTHZ_VALID)
		a->state = A_DONE;
	else if (got->status == AUTHZ_INVALID)
		fail_invalid(r, a, got);
	else if (got->status != AUTHZ_PENDING) {
		err_set(&why, ERR_ORDER_INVALID, "%s: its authorization is %s",
		    a->ident, ended[got->status]);
		fail_name(r, a, &why);
	} else if (r->o->status == ORDER_INVALID)
		a->state = A_DONE;	/* read for its reason: it has none */
	else
		take_pending(r, a, got);
}

void
reply_read(struct run *r, const struct acme_reply *reply)
{
	struct authz *a = current(r->o);
	struct authz_object got;
	struct err why;

	if (codec_want_json(reply, "the authorization", &why) != 0 ||
	    codec_authz(&got, reply->body, reply->body_len, r->s->origin,
	    &why) != 0) {
		order_fail_for_now(r, &why);
		return;
	}
	/* Only what was asked for, and for each address always the same. */
	if (a->ident != NULL ? strcmp(a->ident, got.ident) != 0 :
	    !strv_has(&r->o->names, got.ident)) {
		err_set(&why, ERR_CA_PROTOCOL, "the CA authorizes %s, which "
		    "was not ordered there", got.ident);
		order_fail_for_now(r, &why);
	} else {
		if (a->ident == NULL)
			a->ident = xstrdup(got.ident);
		take(r, a, &got);
	}
	authz_object_free(&got);
}

/* --- publishing ----------------------------------------------------------- */

static void
wish_challenge(struct run *r, struct authz *a, enum acme_wish_kind kind)
{
	struct buf keyauth;

	buf_init(&keyauth, 1024);
	buf_printf(&keyauth, "%s.%s", a->token, r->s->thumbprint);
	free(a->keyauth);
	a->keyauth = buf_take(&keyauth);
	r->w->kind = kind;
	r->w->challenge = a->type;
	r->w->ident = strncmp(a->ident, "*.", 2) == 0 ? a->ident + 2 :
	    a->ident;
	r->w->token = a->token;
	r->w->keyauth = a->keyauth;
	r->wished = true;
}

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
		o->save = o->save || !o->authz[i].published;
		o->authz[i].published = true;
	}
	assert(first != NULL);
	point_at(o, first);
	wish_challenge(r, first, ACME_WISH_PUBLISH);
}

void
event_publish(struct run *r)
{
	struct authz *a = current(r->o);
	struct err why;

	if (r->event->kind == ACME_PUBLISHED) {
		a->shown = true;
		return;
	}
	why = *r->event->err;
	err_context(&why, "%s: its %s answer could not be published",
	    a->ident, a->type);
	order_guilty(r->o, a->ident);
	order_fail_for_now(r, &why);
}

void
act_withdraw(struct run *r)
{
	struct authz *a = authz_to_withdraw(r->o, false);

	if (a == NULL)
		a = authz_to_withdraw(r->o, true);
	assert(a != NULL);
	point_at(r->o, a);
	wish_challenge(r, a, ACME_WISH_WITHDRAW);
}

/* What could not be withdrawn is on the caller's list, which outlives the
 * order; the order itself does not depend on it. */
void
event_withdraw(struct run *r)
{
	struct authz *a = current(r->o);

	a->published = false;
	a->shown = false;
}

/* --- answering ------------------------------------------------------------ */

void
act_answer(struct run *r)
{
	struct jws_request req = { .what = JWS_CHALLENGE };

	point_at(r->o, authz_find(r->o, A_CHOSEN));
	order_ask(r, "the challenge", &req, current(r->o)->challenge_url,
	    NULL, ACME_JSON_MAX);
}

/* The challenge in the answer tells nothing that the authorization won't. */
void
reply_answer(struct run *r, const struct acme_reply *reply)
{
	struct authz *a = current(r->o);

	a->state = A_ANSWERED;
	a->polls = 0;
	a->next_ms = order_poll_at(reply->retry_after, r->now_ms, &a->polls);
}

/* The CA may have taken an earlier answer: look before judging. */
void
refused_answer(struct run *r, const struct problem *p)
{
	struct authz *a = current(r->o);
	char doing[400];
	struct err why;

	snprintf(doing, sizeof(doing), "%s: the answer to %s", a->ident,
	    a->type);
	problem_request_err(p, JWS_CHALLENGE, doing, &why);
	if (why.class == ERR_LATER || why.code == ERR_CA_BLOCKED) {
		order_fail_refused(r, p);
		return;
	}
	r->o->refused = why;
	a->recheck = true;
	a->state = A_UNREAD;
}

void
lost_answer(struct run *r)
{
	struct authz *a = current(r->o);
	struct err why;

	if (++a->answers_lost > ACME_LOST_RETRIES_MAX) {
		err_set(&why, ERR_CA_DOWN, "%s: the CA's reply to the answer "
		    "was lost %d times", a->ident, a->answers_lost);
		order_fail_for_now(r, &why);
		return;
	}
	err_clear(&r->o->refused);
	a->recheck = true;
	a->state = A_UNREAD;
}

/* --- asking --------------------------------------------------------------- */

/* The one that is due first. */
static struct authz *
next_due(struct acme_order *o)
{
	struct authz *first = NULL, *a;
	size_t i;

	for (i = 0; i < o->nauthz; i++) {
		a = &o->authz[i];
		if (a->state == A_ANSWERED &&
		    (first == NULL || a->next_ms < first->next_ms))
			first = a;
	}
	assert(first != NULL);
	return first;
}

void
act_poll(struct run *r)
{
	struct acme_order *o = r->o;
	struct authz *a = next_due(o);
	int64_t end = order_deadline(o);
	struct err why;

	point_at(o, a);
	if (r->now_ms >= end) {
		err_set(&why, ERR_ORDER_INVALID, "%s: the order expired "
		    "before the CA decided", a->ident);
		order_guilty(o, a->ident);
		order_fail(r, &why);
		o->grace_ms = 0;
		return;
	}
	if (a->next_ms <= r->now_ms) {
		read_current(r);
		return;
	}
	if (o->failing && o->grace_ms < end)
		end = o->grace_ms;
	order_wish_wait(r, a->next_ms < end ? a->next_ms : end);
}

void
event_poll(struct run *r)
{
	current(r->o)->next_ms = r->now_ms;
}
