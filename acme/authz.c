/* The authorizations of an order: read all, and when the answers of all are
 * visible tell the CA, and ask until it has made up its mind (RFC 8555
 * section 7.5). While it has several to look at the order is asked, which
 * knows all (section 7.1.6), and only now and then one of them. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/order.h"
#include "acme/session.h"

/* When one name has failed, the others that the CA is looking at get this
 * long: taken down under its eyes they would fail as well, and count. */
enum { GRACE_MS = 60 * 1000 };

/* After so many looks at the order one is at an authorization: some CAs are
 * slow to see that an order has become ready. */
enum { PEEK_AFTER = 4 };

struct authz *
authz_find(struct acme_order *o, enum authz_state state)
{
	size_t i;

	assert(state < A_STATE_COUNT);
	for (i = 0; i < o->nauthz; i++)
		if (o->authz[i].state == (int)state)
			return &o->authz[i];
	return NULL;
}

size_t
authz_count(const struct acme_order *o, enum authz_state state)
{
	size_t i, n = 0;

	assert(state < A_STATE_COUNT);
	for (i = 0; i < o->nauthz; i++)
		n += o->authz[i].state == (int)state;
	return n;
}

void
authz_clear(struct authz *a)
{
	choice_drop(a);
	free(a->url);
	free(a->ident);
	memset(a, 0, sizeof(*a));
}

struct authz *
authz_current(struct acme_order *o)
{
	assert(o->at < o->nauthz);
	return &o->authz[o->at];
}

void
authz_point_at(struct acme_order *o, const struct authz *a)
{
	assert(a >= o->authz && a < o->authz + o->nauthz);
	o->at = (size_t)(a - o->authz);
}

/* --- reading -------------------------------------------------------------- */

static void
read_current(struct run *r)
{
	struct jws_request req = { .what = JWS_READ };

	order_ask(r, "the authorization", &req, authz_current(r->o)->url, NULL,
	    ACME_JSON_MAX);
}

void
act_read(struct run *r)
{
	authz_point_at(r->o, authz_find(r->o, A_UNREAD));
	read_current(r);
}

/* The name failed; what is known of the others is awaited for a while. When
 * another method is left for it (`anew`) a new order follows; but when none is
 * left for one of them, a new order helps nobody. */
static void
fail_name(struct run *r, struct authz *a, const struct err *why, bool anew)
{
	struct acme_order *o = r->o;

	assert(a->ident != NULL && why->code != ERR_OK);
	a->state = A_FAILED;
	order_guilty(o, a->ident);
	if (o->failing) {
		if (o->retrying && !anew) {
			o->retrying = false;
			o->why = *why;
			o->save = true;
		}
		return;
	}
	if (anew)
		order_retry(r, why);
	else
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

/* The challenge that was tried, or another that has an error. */
static const struct challenge_object *
failed_challenge(const struct authz *a, const struct authz_object *got)
{
	const struct challenge_object *c = NULL;
	size_t i;

	assert(got->n <= ACME_CHALLENGES_MAX);
	for (i = 0; i < got->n; i++)
		if (got->challenges[i].has_error && (c == NULL ||
		    (a->challenge_url != NULL && strcmp(a->challenge_url,
		    got->challenges[i].url) == 0)))
			c = &got->challenges[i];
	return c;
}

/* What a failed authorization says about the reason is the error of the
 * challenge. Its type is not tried again. */
static void
fail_invalid(struct run *r, struct authz *a, const struct authz_object *got)
{
	const struct challenge_object *c = failed_challenge(a, got);
	const char *type = a->type != NULL ? a->type :
	    c != NULL ? c->type : NULL;
	struct problem none;
	struct buf doing;
	struct err why;

	assert(a->ident != NULL);
	memset(&none, 0, sizeof(none));
	buf_init(&doing, 800);
	buf_printf(&doing, "%s: the CA could not validate it", a->ident);
	if (type != NULL) {
		choice_failed(r->o, a, type);
		buf_printf(&doing, " by %s", type);
		choice_before(r->o, a, type, &doing);
	}
	problem_validation_err(c != NULL ? &c->error : &none, doing.data,
	    &why);
	fail_name(r, a, &why, type != NULL && choice_left_anew(r->o, a));
	buf_free(&doing);
}

/* The CA did not take the answer and waits for one: of another type, if one
 * is left. */
static void
fail_refused(struct run *r, struct authz *a)
{
	struct err why = r->o->refused;

	assert(why.code != ERR_OK && a->type != NULL);
	choice_failed(r->o, a, a->type);
	if (choice_left(r->o, a))
		publish_failed(r, a, &why);
	else
		fail_name(r, a, &why, false);
}

/* Pending: where it goes on depends on what the CA knows of our answer. Some
 * leave the challenge "pending" while they look, so one that was answered by
 * this process stays answered. */
static void
take_pending(struct run *r, struct authz *a, const struct authz_object *got)
{
	const struct challenge_object *c;
	bool recheck = a->recheck;
	struct err why;

	assert(got->status == AUTHZ_PENDING);
	a->recheck = false;
	choice_offered(a, got);
	c = choice_of(r, a, got);
	if (c == NULL && a->challenge_url == NULL) {
		choice_none_err(r->o, a, got, &why);
		fail_name(r, a, &why, false);
	} else if (c == NULL || !choice_keep(r, a, c))
		fail_protocol(r, a, "the CA changed its challenge, or gave it "
		    "a token that is none");
	else if (c->status == CHALLENGE_INVALID)
		fail_invalid(r, a, got);
	else if (a->state == A_ANSWERED || c->status != CHALLENGE_PENDING) {
		a->state = A_ANSWERED;
		pace_early(&r->s->validation, &a->looks);
		a->next_ms = pace_next(&r->s->validation,
		    r->event->reply.retry_after, r->now_ms, &a->looks);
		r->o->peek = false;
		if (r->o->ask_ms <= r->now_ms)
			r->o->ask_ms = a->next_ms;
	} else if (recheck && r->o->refused.code != ERR_OK)
		fail_refused(r, a);
	else
		a->state = A_CHOSEN;
}

/* One that had to wait for its turn behind others teaches nothing. */
static void
take_valid(struct run *r, struct authz *a)
{
	if (a->state == A_ANSWERED &&
	    r->now_ms - a->next_ms <= r->s->validation.first_ms)
		pace_ready(&r->s->validation, &a->looks);
	a->state = A_DONE;
}

static void
take(struct run *r, struct authz *a, const struct authz_object *got)
{
	static const char *const ended[] = {
		[AUTHZ_DEACTIVATED] = "deactivated",
		[AUTHZ_EXPIRED] = "expired", [AUTHZ_REVOKED] = "revoked"
	};
	struct err why;

	assert(got->status < sizeof(ended) / sizeof(ended[0]));
	a->pending = got->status == AUTHZ_PENDING;
	if (got->status == AUTHZ_VALID)
		take_valid(r, a);
	else if (got->status == AUTHZ_INVALID)
		fail_invalid(r, a, got);
	else if (got->status != AUTHZ_PENDING) {
		err_set(&why, ERR_ORDER_INVALID, "%s: its authorization is %s",
		    a->ident, ended[got->status]);
		fail_name(r, a, &why, false);
	} else if (r->o->status == ORDER_INVALID)
		a->state = A_DONE;	/* read for its reason: it has none */
	else
		take_pending(r, a, got);
}

void
reply_read(struct run *r, const struct acme_reply *reply)
{
	struct authz *a = authz_current(r->o);
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
		assert(strcmp(a->ident, got.ident) == 0);
		take(r, a, &got);
	}
	authz_object_free(&got);
}

/* --- answering ------------------------------------------------------------ */

void
act_answer(struct run *r)
{
	struct jws_request req = { .what = JWS_CHALLENGE };

	authz_point_at(r->o, authz_find(r->o, A_CHOSEN));
	assert(authz_current(r->o)->challenge_url != NULL);
	order_ask(r, "the challenge", &req, authz_current(r->o)->challenge_url,
	    NULL, ACME_JSON_MAX);
}

/* The challenge in the answer tells nothing that the authorization won't. */
void
reply_answer(struct run *r, const struct acme_reply *reply)
{
	struct authz *a = authz_current(r->o);

	assert(a->state == A_CHOSEN);
	a->state = A_ANSWERED;
	memset(&a->looks, 0, sizeof(a->looks));
	a->next_ms = pace_next(&r->s->validation, reply->retry_after,
	    r->now_ms, &a->looks);
	r->o->asks = a->looks;
	r->o->ask_ms = a->next_ms;
}

/* The CA may have taken an earlier answer: look before judging. */
void
refused_answer(struct run *r, const struct problem *p)
{
	struct authz *a = authz_current(r->o);
	char doing[400];
	struct err why;

	assert(a->state == A_CHOSEN && a->type != NULL);
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
	struct authz *a = authz_current(r->o);
	struct err why;

	assert(a->state == A_CHOSEN);
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

static bool
has_expired(struct run *r, const struct authz *a)
{
	struct err why;

	if (r->now_ms < order_deadline(r->o))
		return false;
	err_set(&why, ERR_ORDER_INVALID, "%s: the order expired before the CA "
	    "decided", a->ident);
	order_guilty(r->o, a->ident);
	order_fail(r, &why);
	r->o->grace_ms = 0;
	return true;
}

void
act_poll(struct run *r)
{
	struct acme_order *o = r->o;
	struct authz *a = next_due(o);
	int64_t end = order_deadline(o);

	authz_point_at(o, a);
	if (has_expired(r, a))
		return;
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
	assert(authz_current(r->o)->state == A_ANSWERED);
	authz_current(r->o)->next_ms = r->now_ms;
}

/* --- asking the order ----------------------------------------------------- */

bool
authz_ask_order(struct acme_order *o)
{
	return !o->peek && !o->ended && authz_count(o, A_ANSWERED) > 1;
}

bool
authz_all_read(struct acme_order *o, int64_t now_ms)
{
	return authz_find(o, A_ANSWERED) == NULL ||
	    next_due(o)->next_ms > now_ms;
}

void
act_ask(struct run *r)
{
	struct acme_order *o = r->o;
	int64_t end = order_deadline(o);

	if (has_expired(r, next_due(o)))
		return;
	if (o->ask_ms <= r->now_ms)
		act_look(r);
	else
		order_wish_wait(r, o->ask_ms < end ? o->ask_ms : end);
}

void
event_ask(struct run *r)
{
	r->o->ask_ms = r->now_ms;
}

static void
all_are_valid(struct run *r)
{
	struct acme_order *o = r->o;
	size_t i;

	if (r->now_ms - o->ask_ms <= r->s->validation.first_ms)
		pace_ready(&r->s->validation, &o->asks);
	for (i = 0; i < o->nauthz; i++)
		if (o->authz[i].state == A_ANSWERED) {
			o->authz[i].state = A_DONE;
			o->authz[i].pending = false;
		}
}

/* One has failed: which and why they say themselves, and those that the CA
 * still looks at stay up. */
static void
read_each(struct run *r)
{
	struct acme_order *o = r->o;
	size_t i;

	o->ended = true;
	for (i = 0; i < o->nauthz; i++)
		if (o->authz[i].next_ms > r->now_ms)
			o->authz[i].next_ms = r->now_ms;
}

void
reply_ask(struct run *r, const struct acme_reply *reply)
{
	struct acme_order *o = r->o;
	struct order_object got;

	if (order_decode(r, reply, &got) != 0)
		return;
	if (got.status == ORDER_INVALID)
		read_each(r);
	else if (got.status == ORDER_PENDING) {
		pace_early(&r->s->validation, &o->asks);
		o->peek = ++o->asked % PEEK_AFTER == 0;
		o->ask_ms = pace_next(&r->s->validation, reply->retry_after,
		    r->now_ms, &o->asks);
	} else {
		all_are_valid(r);
		order_take(r, &got, reply->retry_after);
	}
	order_object_free(&got);
}
