/* What an order asks of the CA beside its authorizations: newOrder, finalize,
 * to be looked at, and the certificate. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/order.h"
#include "acme/session.h"
#include "acme/url.h"

enum {
	UNREADY_MAX = 10,
	SLOWER = 20,			/* waits of a twentieth of the wait */
	SLOWEST_MS = 3600 * 1000
};

/* --- what the CA says of the order ---------------------------------------- */

/* As sets. Some CAs drop the "*." here; each authorization is compared
 * strictly, and so is the certificate. */
static bool
same_names(const struct strv *ours, const struct strv *theirs)
{
	struct strv a = { NULL, 0 }, b = { NULL, 0 };
	size_t i;
	bool same;

	assert(ours->n > 0);
	if (strv_same(ours, theirs))
		return true;
	for (i = 0; i < ours->n; i++)
		strv_add(&a, ours->v[i] +
		    (strncmp(ours->v[i], "*.", 2) == 0 ? 2 : 0));
	for (i = 0; i < theirs->n; i++)
		strv_add(&b, theirs->v[i] +
		    (strncmp(theirs->v[i], "*.", 2) == 0 ? 2 : 0));
	same = strv_same(&a, &b) != 0;
	strv_free(&a);
	strv_free(&b);
	return same;
}

/* Some CAs put an order that they could not finish back to ready, to be
 * finalized again; how often that is done act_finalize() counts. */
static bool
goes_back(const struct acme_order *o, enum order_status status)
{
	if (o->seen == ORDER_PROCESSING && status == ORDER_READY)
		return false;
	return status != ORDER_INVALID && (int)status < o->seen;
}

/* An address that leads to another order than it did before is worth an
 * error of its own: nothing that follows could be trusted. */
static const char *
mixed_up(const struct acme_order *o, const struct order_object *got)
{
	if (!same_names(&o->names, &got->idents))
		return "has other names than were ordered";
	if (o->finalize != NULL && strcmp(o->finalize, got->finalize) != 0)
		return "has another address to finalize than before";
	if (goes_back(o, got->status))
		return "went backwards";
	return NULL;
}

/* What ends an order whose names were all valid is about its CSR: there
 * "unauthorized" is no word about a challenge. */
static void
why_ended(struct acme_order *o, const struct problem *p)
{
	if (o->finalized > 0 && p->kind != NULL)
		problem_request_err(p, JWS_FINALIZE, "the order", &o->said);
	else
		problem_validation_err(p, "the order", &o->said);
}

/* Its authorizations know better why an order is invalid: those that are not
 * known to be valid are read first, and the order's own words are kept for
 * the case that they say nothing. */
static void
take_invalid(struct run *r, const struct order_object *got)
{
	struct acme_order *o = r->o;
	size_t i;

	assert(got->status == ORDER_INVALID);
	err_clear(&o->said);
	if (got->has_error) {
		why_ended(o, &got->error);
		order_guilty_of(o, &got->error);
	}
	for (i = 0; i < o->nauthz; i++)
		if (o->authz[i].state != A_DONE)
			o->authz[i].state = A_UNREAD;
}

/* The longer it has been processing, the more rarely it is looked at, also by
 * a process that has just taken it up; unless the CA says when. */
static int64_t
next_look(struct acme_order *o, const struct pace *pace,
    const char *retry_after, int64_t now_ms)
{
	int64_t at = pace_next(pace, retry_after, now_ms, &o->looks), wait;

	assert(at >= now_ms);
	if (o->finalized_ms == 0 || acme_retry_after(retry_after, now_ms,
	    ACME_POLL_MIN_MS, ACME_POLL_MAX_MS) != 0)
		return at;
	wait = (now_ms - o->finalized_ms) / SLOWER;
	wait = wait < SLOWEST_MS ? wait : SLOWEST_MS;
	return at > now_ms + wait ? at : now_ms + wait;
}

void
order_take(struct run *r, const struct order_object *got,
    const char *retry_after)
{
	struct acme_order *o = r->o;
	struct err why;

	if (got->status == ORDER_PROCESSING)
		pace_early(&r->s->issuance, &o->looks);
	else if (got->status == ORDER_VALID && o->status == ORDER_PROCESSING)
		pace_ready(&r->s->issuance, &o->looks);
	assert(got->status < ORDER_STATUS_COUNT);
	o->ended = false;
	o->status = (int)got->status;
	if (o->status > o->seen)
		o->seen = o->status;
	if (got->expires_ms != 0)
		o->expires_ms = got->expires_ms;
	if (got->certificate != NULL) {
		free(o->certificate);
		o->certificate = xstrdup(got->certificate);
	}
	o->next_ms = next_look(o, &r->s->issuance, retry_after, r->now_ms);
	if (got->status == ORDER_INVALID)
		take_invalid(r, got);
	if (o->csr.len == 0 && (got->status == ORDER_PROCESSING ||
	    got->status == ORDER_VALID)) {
		err_set(&why, ERR_ORDER_INVALID, "the order: the CA gave one "
		    "back that was finalized with a key that is not here");
		order_fail(r, &why);
	}
	if (got->status == ORDER_PENDING && o->nauthz == authz_count(o,
	    A_DONE) && o->finalized > 0 && ++o->unready > UNREADY_MAX) {
		err_set(&why, ERR_CA_PROTOCOL, "the order: the CA says that "
		    "it is not ready though all names are validated");
		order_fail_for_now(r, &why);
	}
}

int
order_decode(struct run *r, const struct acme_reply *reply,
    struct order_object *got)
{
	const char *wrong;
	struct err why;

	assert(r->o->post.doing != NULL);
	if (codec_want_json(reply, r->o->post.doing, &why) != 0 ||
	    codec_order(got, reply->body, reply->body_len, r->s->origin,
	    &why) != 0) {
		order_fail_for_now(r, &why);
		return -1;
	}
	wrong = mixed_up(r->o, got);
	if (wrong == NULL)
		return 0;
	err_set(&why, ERR_CA_PROTOCOL, "the CA's order %s", wrong);
	order_fail_for_now(r, &why);
	order_object_free(got);
	return -1;
}

void
reply_order(struct run *r, const struct acme_reply *reply)
{
	struct order_object got;

	assert(r->o->url != NULL);
	r->o->look = false;
	if (order_decode(r, reply, &got) != 0)
		return;
	order_take(r, &got, reply->retry_after);
	order_object_free(&got);
}

/* --- new ------------------------------------------------------------------ */

static bool
is_dropped(const struct acme_order *o, enum acme_dropped bit)
{
	return (o->dropped & (int)bit) != 0;
}

static void
drop(struct acme_order *o, enum acme_dropped bit)
{
	assert((bit & ACME_DROPPED_ALL) != 0 && !is_dropped(o, bit));
	o->dropped |= (int)bit;
	o->save = true;
}

/* False: the CA does not have the profile, and without it is no good. */
static bool
settle_profile(struct run *r)
{
	struct acme_order *o = r->o;
	struct err why;

	if (o->profile[0] == '\0' || is_dropped(o, ACME_DROPPED_PROFILE) ||
	    acme_session_has_profile(r->s, o->profile))
		return true;
	if (!o->profile_required) {
		drop(o, ACME_DROPPED_PROFILE);
		return true;
	}
	err_set(&why, ERR_PROFILE_UNKNOWN, "the new order: the CA has no "
	    "profile \"%.60s\"", o->profile);
	err_advise(&why, "Choose one of the CA's profiles, or none.");
	acme_session_forget_directory(r->s);
	order_fail(r, &why);
	return false;
}

/* CAs refuse a certificate for it (RFC 8555 section 11.1), at the very end. */
static bool
is_accounts_key(const struct run *r)
{
	const struct acme_order *o = r->o;
	char thumb[44] = "";
	struct err unused;
	struct buf jwk;

	buf_init(&jwk, 4096);
	if (o->own_csr && jws_jwk(&jwk, o->spki.p, o->spki.len, &unused) == 0)
		jws_thumbprint(thumb, jwk.data, jwk.len);
	buf_free(&jwk);
	return strcmp(thumb, r->s->thumbprint) == 0;
}

static void
refuse_accounts_key(struct run *r)
{
	struct err why;

	err_set(&why, ERR_CSR_REFUSED, "the CSR has the key of the account at "
	    "this CA");
	err_advise(&why, "Make a key for the certificate alone, and a CSR with "
	    "it.");
	order_fail(r, &why);
}

void
act_new(struct run *r)
{
	struct acme_order *o = r->o;
	struct jws_request req = { .what = JWS_NEW_ORDER };

	assert(o->url == NULL && !o->failing);
	if (is_accounts_key(r)) {
		refuse_accounts_key(r);
		return;
	}
	if (!settle_profile(r))
		return;
	req.names = &o->names;
	if (!is_dropped(o, ACME_DROPPED_PROFILE))
		req.profile = o->profile;
	if (!is_dropped(o, ACME_DROPPED_DATES)) {
		req.not_before = o->not_before;
		req.not_after = o->not_after;
	}
	if (r->s->dir.renewal_info != NULL && !o->unreplaced)
		req.replaces = o->replaces;
	order_ask(r, "the new order", &req, r->s->dir.new_order, NULL,
	    ACME_JSON_MAX);
}

static void
keep_authz(struct acme_order *o, const struct strv *urls)
{
	size_t i;

	assert(o->nauthz == 0);
	free(o->authz);
	o->authz = xcalloc(urls->n, sizeof(*o->authz));
	o->nauthz = urls->n;
	for (i = 0; i < urls->n; i++)
		o->authz[i].url = xstrdup(urls->v[i]);
}

/* Its address is the only handle there is: saved before the next step. */
void
reply_new(struct run *r, const struct acme_reply *reply)
{
	struct acme_order *o = r->o;
	struct order_object got;
	struct err why;

	assert(o->url == NULL && o->finalize == NULL);
	o->sent = false;
	if (reply->location == NULL) {
		err_set(&why, ERR_CA_PROTOCOL,
		    "the new order: the CA did not say its address");
		order_fail_for_now(r, &why);
		return;
	}
	if (url_same_origin(reply->location, r->s->origin,
	    "the new order's address", &why) != 0) {
		order_fail_for_now(r, &why);
		return;
	}
	if (order_decode(r, reply, &got) != 0)
		return;
	o->url = xstrdup(reply->location);
	o->finalize = xstrdup(got.finalize);
	o->save = true;
	keep_authz(o, &got.authz);
	order_take(r, &got, NULL);
	memset(&o->looks, 0, sizeof(o->looks));
	order_object_free(&got);
}

static bool
has(const char *s)
{
	return s != NULL && *s != '\0';
}

/* No type that we know: a refusal that need not be about the account, the
 * load or a limit. */
static bool
is_nameless(const struct problem *p)
{
	static const int statuses[] = { 400, 401, 403, 409, 422 };
	size_t i;

	for (i = 0; p->kind == NULL && i < sizeof(statuses) /
	    sizeof(statuses[0]); i++)
		if (p->status == statuses[i])
			return true;
	return false;
}

static bool
is_type(const struct problem *p, const char *type)
{
	return p->kind != NULL && strcmp(p->kind->type, type) == 0;
}

/* Pebble answers so where it does not find what is replaced (a serial with a
 * zero byte before it), each time. A CA that is in trouble anyway says it again
 * to the order without, so what it replaces is kept for later. */
static bool
may_be_trouble(const struct problem *p)
{
	return p->status == 500 && is_type(p, "serverInternal");
}

/* RFC 9773 section 5 names one type; CAs have others. */
static bool
is_about_replaces(const struct problem *p)
{
	return p->status == 404 || is_nameless(p) ||
	    (p->kind != NULL && p->kind->next == NEXT_UNREPLACE);
}

/* What the order that was refused had beside its names, and may be refused
 * for: left out one after the other, each for good, the least dear
 * first. */
static bool
drop_one(struct acme_order *o, const struct problem *p)
{
	const struct jws_request *sent = &o->post.r;

	assert(sent->what == JWS_NEW_ORDER);
	if (has(sent->replaces) && may_be_trouble(p))
		o->unreplaced = true;
	else if (has(sent->replaces) && is_about_replaces(p))
		o->replaces[0] = '\0';
	else if (has(sent->profile) && !o->profile_required &&
	    (is_type(p, "invalidProfile") || is_type(p, "unauthorized")))
		drop(o, ACME_DROPPED_PROFILE);
	else if ((has(sent->not_before) || has(sent->not_after)) &&
	    p->status != 404 && p->status != 405 &&
	    (is_type(p, "malformed") || is_nameless(p)))
		drop(o, ACME_DROPPED_DATES);
	else
		return false;
	return true;
}

void
refused_new(struct run *r, const struct problem *p)
{
	assert(r->o->url == NULL);
	r->o->sent = false;
	if (drop_one(r->o, p))
		return;
	r->o->unreplaced = false;
	if (p->status == 404 || p->status == 405)
		acme_session_forget_directory(r->s);
	order_fail_refused(r, p);
}

/* Nobody can look it up, so it is repeated: CAs give the same open order back
 * for the same names. */
void
lost_new(struct run *r)
{
	const struct err *last = r->event != NULL ? r->event->err : NULL;
	struct acme_order *o = r->o;
	struct err why;

	assert(o->url == NULL);
	o->sent = false;
	if (++o->lost <= ACME_LOST_RETRIES_MAX)
		return;
	o->unreplaced = false;
	err_set(&why, ERR_CA_DOWN, "the new order: the CA's answer was lost "
	    "%d times%s%s", o->lost, last != NULL ? "; the last time: " : "",
	    last != NULL ? last->text : "");
	order_fail_for_now(r, &why);
}

/* --- look, finalize, wait ------------------------------------------------- */

void
act_look(struct run *r)
{
	struct jws_request req = { .what = JWS_READ };

	assert(r->o->url != NULL);
	order_ask(r, "the order", &req, r->o->url, NULL, ACME_JSON_MAX);
}

void
act_csr(struct run *r)
{
	assert(r->o->csr.len == 0 && !r->o->own_csr);
	r->w->kind = ACME_WISH_CSR;
	r->w->names = &r->o->names;
	r->w->must_staple = r->o->must_staple &&
	    !is_dropped(r->o, ACME_DROPPED_MUST_STAPLE);
	r->wished = true;
}

void
event_csr(struct run *r)
{
	struct acme_order *o = r->o;
	struct err why;

	if (r->event->kind == ACME_ERROR) {
		why = *r->event->err;
		err_context(&why, "the CSR");
		order_fail_for_now(r, &why);
		return;
	}
	assert(r->event->bytes.len > 0 && o->spki.len > 0);
	blob_free(&o->csr);
	o->csr = blob_copy(r->event->bytes.p, r->event->bytes.len);
}

/* Counted before it is sent: the count is saved with the wish. */
void
act_finalize(struct run *r)
{
	struct acme_order *o = r->o;
	struct jws_request req = { .what = JWS_FINALIZE };
	struct err why;

	assert(o->csr.len > 0 && o->spki.len > 0 && o->finalize != NULL);
	if (o->finalized > ACME_LOST_RETRIES_MAX) {
		err_set(&why, ERR_CA_PROTOCOL, "the order: the CA does not "
		    "finalize it, though it says that it is ready");
		order_fail_for_now(r, &why);
		return;
	}
	o->finalized++;
	memset(&o->looks, 0, sizeof(o->looks));
	o->finalized_ms = r->now_ms;
	req.csr = o->csr;
	order_ask(r, "finalizing the order", &req, o->finalize, NULL,
	    ACME_JSON_MAX);
}

static bool
wants_staple(const struct acme_order *o)
{
	return o->must_staple && !o->own_csr &&
	    !is_dropped(o, ACME_DROPPED_MUST_STAPLE);
}

/* Another CSR is made, with the same key. */
static void
drop_staple(struct acme_order *o)
{
	assert(o->csr.len > 0);
	drop(o, ACME_DROPPED_MUST_STAPLE);
	blob_free(&o->csr);
}

/* A CSR may be refused for a feature that can be left out; then the order is
 * ready as before at most CAs. */
static bool
drop_feature(struct acme_order *o, const struct problem *p)
{
	if (!wants_staple(o) ||
	    (!is_type(p, "badCSR") && !is_type(p, "unauthorized")))
		return false;
	drop_staple(o);
	return true;
}

bool
order_without_feature(struct run *r)
{
	struct acme_order *o = r->o;
	struct err why;

	assert(!o->failing);
	if (o->finalized == 0)
		return false;
	if (o->csr.len > 0 && wants_staple(o) &&
	    o->said.code == ERR_CSR_REFUSED)
		drop_staple(o);
	/* No CSR: it was just refused, and the order has ended with that. */
	if (o->csr.len > 0 || !is_dropped(o, ACME_DROPPED_MUST_STAPLE))
		return false;
	err_set(&why, ERR_CSR_REFUSED, "the order: the CA ended it for "
	    "must-staple");
	order_retry(r, &why);
	return true;
}

void
refused_finalize(struct run *r, const struct problem *p)
{
	struct acme_order *o = r->o;
	struct err why;

	if (drop_feature(o, p) ||
	    (p->kind != NULL && p->kind->next == NEXT_LOOK)) {
		o->look = true;
	} else if (is_type(p, "invalidProfile") && !o->profile_required &&
	    has(o->profile) && !is_dropped(o, ACME_DROPPED_PROFILE)) {
		drop(o, ACME_DROPPED_PROFILE);
		problem_request_err(p, JWS_FINALIZE, o->post.doing, &why);
		order_retry(r, &why);
	} else
		order_fail_refused(r, p);
}

/* Whether it arrived the order itself will tell. */
void
lost_finalize(struct run *r)
{
	assert(r->o->finalized > 0);
	r->o->look = true;
}

void
act_wait(struct run *r)
{
	struct acme_order *o = r->o;
	int64_t end = order_deadline(o);
	struct err why;

	assert(!o->look);
	if (r->now_ms >= end) {
		err_set(&why, ERR_ORDER_INVALID, "the order expired before "
		    "the CA made the certificate");
		order_fail(r, &why);
	} else if (o->next_ms <= r->now_ms)
		o->look = true;
	else
		order_wish_wait(r, o->next_ms < end ? o->next_ms : end);
}

void
event_wait(struct run *r)
{
	r->o->look = true;
}

/* --- the end -------------------------------------------------------------- */

void
act_download(struct run *r)
{
	struct jws_request req = { .what = JWS_READ };

	assert(r->o->certificate != NULL && r->o->spki.len > 0);
	order_ask(r, "the certificate", &req, r->o->certificate,
	    "application/pem-certificate-chain", ACME_CHAIN_MAX);
}

/* A CA may also leave out in silence what it does not grant. */
static void
look_for_staple(struct acme_order *o)
{
	struct acme_leaf leaf;
	struct err unused;

	if (!wants_staple(o) ||
	    acme_leaf_read(&leaf, o->leaf.p, o->leaf.len, &unused) != 0)
		return;
	if (!leaf.must_staple)
		drop(o, ACME_DROPPED_MUST_STAPLE);
	strv_free(&leaf.names);
}

void
reply_download(struct run *r, const struct acme_reply *reply)
{
	struct acme_order *o = r->o;
	struct err why;

	assert(o->leaf.len == 0);
	if (!codec_is_type(reply, "application/pem-certificate-chain")) {
		err_set(&why, ERR_CA_PROTOCOL, "the certificate: the answer "
		    "is of type \"%.60s\", not a chain", reply->content_type);
		order_fail_for_now(r, &why);
		return;
	}
	if (acme_chain_check(reply->body, reply->body_len, &o->names,
	    o->spki.p, o->spki.len, r->now_ms, &o->leaf, &o->chain,
	    &why) == 0) {
		look_for_staple(o);
		alternate_begin(r, reply);
	} else if (why.code == ERR_CERT_BAD)
		order_fail(r, &why);
	else
		order_fail_for_now(r, &why);
}

void
act_done(struct run *r)
{
	assert(r->o->leaf.len > 0 && !alternate_left(r->o));
	r->w->save = true;
	r->w->kind = ACME_WISH_DONE;
	r->w->leaf = r->o->leaf;
	r->w->chain = r->o->chain;
	r->wished = true;
}
