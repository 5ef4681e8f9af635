/* An order, from newOrder to the certificate (RFC 8555 section 7.4). The
 * table below has a row for every way in which it can stand; stage_next()
 * says which one follows from what is known. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/order.h"
#include "acme/session.h"
#include "acme/url.h"

enum {
	READS_FAILED_MAX = 3,		/* in a row */
	UNREADY_MAX = 10,
	PAUSE_MAX_MS = 60 * 1000,
	POLL_FIRST_MS = 250,
	POLL_GROWS_TO_MS = 15 * 1000,
	POLL_LONG_MS = 60 * 1000,
	POLLS_BEFORE_LONG = 40,		/* some ten minutes */
	DEADLINE_DAYS = 30		/* where the CA names none */
};

struct acme_order *
acme_order_new(const struct acme_want *w)
{
	struct acme_order *o = xcalloc(1, sizeof(*o));

	assert(w->names->n > 0 && w->names->n <= ACME_AUTHZ_MAX);
	o->names = strv_copy(w->names);
	o->challenges = strv_copy(w->challenges);
	o->profile = xstrdup(w->profile != NULL ? w->profile : "");
	o->replaces = xstrdup(w->replaces != NULL ? w->replaces : "");
	return o;
}

void
acme_order_free(struct acme_order *o)
{
	size_t i;

	if (o == NULL)
		return;
	for (i = 0; i < o->nauthz; i++)
		authz_clear(&o->authz[i]);
	free(o->authz);
	strv_free(&o->names);
	strv_free(&o->challenges);
	free(o->profile);
	free(o->replaces);
	free(o->url);
	free(o->finalize);
	free(o->certificate);
	free(o->guilty);
	blob_free(&o->csr);
	blob_free(&o->spki);
	blob_free(&o->leaf);
	blob_free(&o->chain);
	post_end(&o->post);
	free(o);
}

void
acme_order_set_spki(struct acme_order *o, const void *der, size_t n)
{
	blob_free(&o->spki);
	o->spki = blob_copy(der, n);
}

/* --- failing ------------------------------------------------------------- */

void
order_guilty(struct acme_order *o, const char *ident)
{
	if (o->failing || ident == NULL)
		return;
	free(o->guilty);
	o->guilty = xstrdup(ident);
}

static void
fail(struct run *r, const struct err *why, bool over)
{
	struct acme_order *o = r->o;

	o->grace_ms = 0;
	if (o->failing)
		return;
	o->why = *why;
	o->failing = true;
	o->over = over;
	o->save = true;
}

void
order_fail(struct run *r, const struct err *why)
{
	fail(r, why, true);
}

void
order_fail_for_now(struct run *r, const struct err *why)
{
	fail(r, why, false);
}

/* A refusal that passes by itself leaves the order as it is; but one of an
 * account that is gone is gone, too. */
void
order_fail_refused(struct run *r, const struct problem *p)
{
	struct acme_order *o = r->o;
	struct err why;

	problem_request_err(p, o->post.r.what, o->post.doing, &why);
	if (why.code == ERR_NAME_REFUSED || why.code == ERR_CAA)
		order_guilty(o, o->names.n == 1 ? o->names.v[0] :
		    problem_ident(p, &o->names));
	fail(r, &why, why.class != ERR_LATER || why.code ==
	    ERR_ACCOUNT_UNKNOWN);
}

/* Reading changes nothing, so it is tried again for a while. */
static void
retry_read(struct run *r, const struct err *why)
{
	static const int64_t pauses[READS_FAILED_MAX] = { 1000, 5000, 25000 };
	struct acme_order *o = r->o;
	int64_t at;

	if (o->failing || o->reads_failed == READS_FAILED_MAX ||
	    why->retry_at_ms > r->now_ms + PAUSE_MAX_MS) {
		order_fail_for_now(r, why);
		return;
	}
	at = r->now_ms + pauses[o->reads_failed++];
	o->pause_ms = why->retry_at_ms > at ? why->retry_at_ms : at;
}

/* --- wishes -------------------------------------------------------------- */

void
order_ask(struct run *r, const char *doing, struct jws_request *req,
    const char *url, const char *accept, size_t reply_max)
{
	struct acme_order *o = r->o;
	bool save = req->what == JWS_NEW_ORDER || req->what == JWS_FINALIZE;
	struct err why;

	if (r->s->kid == NULL) {
		err_set(&why, ERR_ACCOUNT_UNKNOWN, "%s: the CA has forgotten "
		    "the account", doing);
		order_fail(r, &why);
		return;
	}
	req->url = url;
	req->kid = r->s->kid;
	post_begin(&o->post, doing, req, accept, reply_max, save);
	post_step(&o->post, r->s, r->now_ms, NULL, r->w, &why);
	r->wished = true;
}

void
order_wish_wait(struct run *r, int64_t at_ms)
{
	r->w->kind = ACME_WISH_WAIT;
	r->w->at_ms = at_ms;
	r->wished = true;
}

int64_t
order_poll_at(const char *retry_after, int64_t now_ms, int *polls)
{
	int64_t at = acme_retry_after(retry_after, now_ms, ACME_POLL_MIN_MS,
	    ACME_POLL_MAX_MS), wait;
	int n = *polls;

	if (n <= POLLS_BEFORE_LONG)
		++*polls;
	if (at != 0)
		return at;
	if (n == 0)
		wait = POLL_FIRST_MS;
	else if (n >= POLLS_BEFORE_LONG)
		wait = POLL_LONG_MS;
	else
		wait = n > 4 ? POLL_GROWS_TO_MS : (int64_t)1000 << (n - 1);
	return now_ms + wait;
}

int64_t
order_deadline(const struct acme_order *o)
{
	return o->expires_ms != 0 ? o->expires_ms : o->created_ms +
	    (int64_t)DEADLINE_DAYS * 24 * 3600 * 1000;
}

/* --- what the CA says of the order ---------------------------------------- */

/* As sets. Some CAs drop the "*." here; each authorization is compared
 * strictly, and so is the certificate. */
static bool
same_names(const struct strv *ours, const struct strv *theirs)
{
	struct strv a = { NULL, 0 }, b = { NULL, 0 };
	size_t i;
	bool same;

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

static const char *
mixed_up(const struct acme_order *o, const struct order_object *got)
{
	if (!same_names(&o->names, &got->idents))
		return "has other names than were ordered";
	if (o->finalize != NULL && strcmp(o->finalize, got->finalize) != 0)
		return "has another address to finalize than before";
	if (got->status != ORDER_INVALID && (int)got->status < o->seen)
		return "went backwards";
	return NULL;
}

/* Without a reason of its own an invalid order has it in one of its
 * authorizations: those that are not known to be valid are read for it. */
static void
take_invalid(struct run *r, const struct order_object *got)
{
	struct acme_order *o = r->o;
	struct err why;
	size_t i;

	if (got->has_error) {
		problem_validation_err(&got->error, "the order", &why);
		order_guilty(o, o->names.n == 1 ? o->names.v[0] :
		    problem_ident(&got->error, &o->names));
		order_fail(r, &why);
		return;
	}
	for (i = 0; i < o->nauthz; i++)
		if (o->authz[i].state != A_DONE)
			o->authz[i].state = A_UNREAD;
}

static void
take_order(struct run *r, const struct order_object *got,
    const char *retry_after)
{
	struct acme_order *o = r->o;
	struct err why;

	o->status = (int)got->status;
	if (o->status > o->seen)
		o->seen = o->status;
	if (got->expires_ms != 0)
		o->expires_ms = got->expires_ms;
	if (got->certificate != NULL) {
		free(o->certificate);
		o->certificate = xstrdup(got->certificate);
	}
	o->next_ms = order_poll_at(retry_after, r->now_ms, &o->polls);
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

static int
decode_order(struct run *r, const struct acme_reply *reply,
    struct order_object *got)
{
	const char *wrong;
	struct err why;

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

static void
reply_order(struct run *r, const struct acme_reply *reply)
{
	struct order_object got;

	r->o->look = false;
	if (decode_order(r, reply, &got) != 0)
		return;
	take_order(r, &got, reply->retry_after);
	order_object_free(&got);
}

/* --- new ----------------------------------------------------------------- */

static void
act_new(struct run *r)
{
	struct acme_order *o = r->o;
	struct jws_request req = { .what = JWS_NEW_ORDER };

	req.names = &o->names;
	req.profile = o->profile;
	if (r->s->dir.renewal_info != NULL)
		req.replaces = o->replaces;
	order_ask(r, "the new order", &req, r->s->dir.new_order, NULL,
	    ACME_JSON_MAX);
}

static void
keep_authz(struct acme_order *o, const struct strv *urls)
{
	size_t i;

	o->authz = xcalloc(urls->n, sizeof(*o->authz));
	o->nauthz = urls->n;
	for (i = 0; i < urls->n; i++)
		o->authz[i].url = xstrdup(urls->v[i]);
}

/* Its address is the only handle there is: saved before the next step. */
static void
reply_new(struct run *r, const struct acme_reply *reply)
{
	struct acme_order *o = r->o;
	struct order_object got;
	struct err why;

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
	if (decode_order(r, reply, &got) != 0)
		return;
	o->url = xstrdup(reply->location);
	o->finalize = xstrdup(got.finalize);
	o->save = true;
	keep_authz(o, &got.authz);
	take_order(r, &got, NULL);
	o->polls = 0;
	order_object_free(&got);
}

/* An order that names a predecessor may be refused for that alone; then it is
 * asked for once without (RFC 9773 section 5). */
static void
refused_new(struct run *r, const struct problem *p)
{
	struct acme_order *o = r->o;
	bool replaces = o->post.r.replaces != NULL &&
	    *o->post.r.replaces != '\0';

	o->sent = false;
	if (replaces && (p->status == 404 ||
	    (p->kind != NULL && p->kind->next == NEXT_UNREPLACE))) {
		o->replaces[0] = '\0';
		return;
	}
	if (p->status == 404 || p->status == 405)
		acme_session_forget_directory(r->s);
	order_fail_refused(r, p);
}

/* Nobody can look it up, so it is repeated: CAs give the same open order back
 * for the same names. */
static void
lost_new(struct run *r)
{
	struct acme_order *o = r->o;
	struct err why;

	o->sent = false;
	if (++o->lost <= ACME_LOST_RETRIES_MAX)
		return;
	err_set(&why, ERR_CA_DOWN, "the new order: the CA's answer was lost "
	    "%d times", o->lost);
	order_fail_for_now(r, &why);
}

/* --- look, finalize, wait ------------------------------------------------- */

static void
act_look(struct run *r)
{
	struct jws_request req = { .what = JWS_READ };

	order_ask(r, "the order", &req, r->o->url, NULL, ACME_JSON_MAX);
}

static void
act_csr(struct run *r)
{
	r->w->kind = ACME_WISH_CSR;
	r->w->names = &r->o->names;
	r->wished = true;
}

static void
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

static void
act_finalize(struct run *r)
{
	struct acme_order *o = r->o;
	struct jws_request req = { .what = JWS_FINALIZE };
	struct err why;

	if (o->finalized > ACME_LOST_RETRIES_MAX) {
		err_set(&why, ERR_CA_PROTOCOL, "the order: the CA does not "
		    "finalize it, though it says that it is ready");
		order_fail_for_now(r, &why);
		return;
	}
	o->finalized++;
	req.csr = o->csr;
	order_ask(r, "finalizing the order", &req, o->finalize, NULL,
	    ACME_JSON_MAX);
}

static void
refused_finalize(struct run *r, const struct problem *p)
{
	if (p->kind != NULL && p->kind->next == NEXT_LOOK)
		r->o->look = true;
	else
		order_fail_refused(r, p);
}

static void
lost_finalize(struct run *r)
{
	r->o->look = true;
}

static void
act_wait(struct run *r)
{
	struct acme_order *o = r->o;
	int64_t end = order_deadline(o);
	struct err why;

	if (r->now_ms >= end) {
		err_set(&why, ERR_ORDER_INVALID, "the order expired before "
		    "the CA made the certificate");
		order_fail(r, &why);
	} else if (o->next_ms <= r->now_ms)
		o->look = true;
	else
		order_wish_wait(r, o->next_ms < end ? o->next_ms : end);
}

static void
event_wait(struct run *r)
{
	r->o->look = true;
}

static void
act_pause(struct run *r)
{
	order_wish_wait(r, r->o->pause_ms);
}

static void
event_pause(struct run *r)
{
	r->o->pause_ms = 0;
}

/* --- the end -------------------------------------------------------------- */

static void
act_download(struct run *r)
{
	struct jws_request req = { .what = JWS_READ };

	order_ask(r, "the certificate", &req, r->o->certificate,
	    "application/pem-certificate-chain", ACME_CHAIN_MAX);
}

static void
reply_download(struct run *r, const struct acme_reply *reply)
{
	struct acme_order *o = r->o;
	struct err why;

	if (!codec_is_type(reply, "application/pem-certificate-chain")) {
		err_set(&why, ERR_CA_PROTOCOL, "the certificate: the answer "
		    "is of type \"%.60s\", not a chain", reply->content_type);
		order_fail_for_now(r, &why);
		return;
	}
	if (acme_chain_check(reply->body, reply->body_len, &o->names,
	    o->spki.p, o->spki.len, r->now_ms, &o->leaf, &o->chain, &why) == 0)
		o->save = true;
	else if (why.code == ERR_CERT_BAD)
		order_fail(r, &why);
	else
		order_fail_for_now(r, &why);
}

static void
act_done(struct run *r)
{
	r->w->kind = ACME_WISH_DONE;
	r->w->leaf = r->o->leaf;
	r->w->chain = r->o->chain;
	r->wished = true;
}

static void
act_failed(struct run *r)
{
	struct err why;

	err_set(&why, ERR_ORDER_INVALID,
	    "the order: the CA ended it and gives no reason");
	order_fail(r, &why);
	r->o->told = true;
	r->w->kind = ACME_WISH_FAIL;
	r->wished = true;
}

/* --- the table ------------------------------------------------------------ */

static const struct stage_row {
	const char *name;
	bool counted;		/* "name 2/5" */
	void (*act)(struct run *);
	/* answers to what act asked; NULL: reads are tried again */
	void (*reply)(struct run *, const struct acme_reply *);
	void (*refused)(struct run *, const struct problem *);
	void (*lost)(struct run *);
	void (*event)(struct run *);	/* anything else */
} stages[STAGE_COUNT] = {
	[STAGE_NEW] = { "new", false, act_new, reply_new, refused_new,
	    lost_new, NULL },
	[STAGE_LOOK] = { "look", false, act_look, reply_order, NULL, NULL,
	    NULL },
	[STAGE_READ] = { "authz", true, act_read, reply_read, NULL, NULL,
	    NULL },
	[STAGE_PUBLISH] = { "publish", true, act_publish, NULL, NULL, NULL,
	    event_publish },
	[STAGE_ANSWER] = { "answer", true, act_answer, reply_answer,
	    refused_answer, lost_answer, NULL },
	[STAGE_POLL] = { "validation", true, act_poll, reply_read, NULL, NULL,
	    event_poll },
	[STAGE_WITHDRAW] = { "withdraw", true, act_withdraw, NULL, NULL, NULL,
	    event_withdraw },
	[STAGE_CSR] = { "csr", false, act_csr, NULL, NULL, NULL, event_csr },
	[STAGE_FINALIZE] = { "finalize", false, act_finalize, reply_order,
	    refused_finalize, lost_finalize, NULL },
	[STAGE_WAIT] = { "processing", false, act_wait, NULL, NULL, NULL,
	    event_wait },
	[STAGE_PAUSE] = { "pause", false, act_pause, NULL, NULL, NULL,
	    event_pause },
	[STAGE_DOWNLOAD] = { "download", false, act_download, reply_download,
	    NULL, NULL, NULL },
	[STAGE_DONE] = { "done", false, act_done, NULL, NULL, NULL, NULL },
	[STAGE_FAILED] = { "failed", false, act_failed, NULL, NULL, NULL,
	    NULL }
};

static enum stage
stage_of_pending(struct acme_order *o)
{
	if (authz_find(o, A_UNREAD) != NULL)
		return STAGE_READ;
	if (authz_unshown(o))
		return STAGE_PUBLISH;
	if (authz_find(o, A_CHOSEN) != NULL)
		return STAGE_ANSWER;
	if (authz_find(o, A_ANSWERED) != NULL)
		return STAGE_POLL;
	/* All are valid: no need to read the order for it to say so. */
	if (o->unready > 0)
		return STAGE_WAIT;
	return o->csr.len > 0 ? STAGE_FINALIZE : STAGE_CSR;
}

static enum stage
stage_of_failing(struct acme_order *o, int64_t now_ms)
{
	bool grace = o->grace_ms > now_ms &&
	    authz_find(o, A_ANSWERED) != NULL;

	if (authz_to_withdraw(o, !grace) != NULL)
		return STAGE_WITHDRAW;
	return grace ? STAGE_POLL : STAGE_FAILED;
}

static enum stage
stage_next(struct acme_order *o, int64_t now_ms)
{
	if (o->failing)
		return stage_of_failing(o, now_ms);
	if (o->pause_ms > now_ms)
		return STAGE_PAUSE;
	if (o->url == NULL)
		return STAGE_NEW;
	if (o->look)
		return STAGE_LOOK;
	if (authz_to_withdraw(o, o->status != ORDER_PENDING) != NULL)
		return STAGE_WITHDRAW;
	switch ((enum order_status)o->status) {
	case ORDER_PENDING:
		return stage_of_pending(o);
	case ORDER_READY:
		return o->csr.len > 0 ? STAGE_FINALIZE : STAGE_CSR;
	case ORDER_PROCESSING:
		return STAGE_WAIT;
	case ORDER_VALID:
		return o->leaf.len > 0 ? STAGE_DONE : STAGE_DOWNLOAD;
	default:
		return authz_find(o, A_UNREAD) != NULL ? STAGE_READ :
		    STAGE_FAILED;
	}
}

/* --- events --------------------------------------------------------------- */

/* A refused read: the CA is down, or what was read is gone. */
static void
refused_read(struct run *r, const struct problem *p)
{
	enum err_code code = problem_request_code(p, JWS_READ);
	struct err why;

	problem_request_err(p, JWS_READ, r->o->post.doing, &why);
	if (code == ERR_CA_DOWN)
		retry_read(r, &why);
	else if (p->status == 404 || p->status == 410) {
		err_set(&why, ERR_ORDER_INVALID, "%s: the CA knows it no "
		    "more", r->o->post.doing);
		order_fail(r, &why);
	} else
		order_fail_refused(r, p);
}

static void
hear_post(struct run *r)
{
	struct acme_order *o = r->o;
	const struct stage_row *row = &stages[o->stage];
	bool reading = o->post.r.what == JWS_READ;
	enum post_outcome out;
	struct err why;

	out = post_step(&o->post, r->s, r->now_ms, r->event, r->w, &why);
	if (out == POST_WISHED) {
		if (o->stage == STAGE_NEW && o->post.state == POST_SENT)
			o->sent = true;
		r->wished = true;
		return;
	}
	if (out == POST_REPLIED) {
		o->reads_failed = 0;
		row->reply(r, &r->event->reply);
	} else if (out == POST_REFUSED && row->refused != NULL)
		row->refused(r, &o->post.problem);
	else if (out == POST_REFUSED)
		refused_read(r, &o->post.problem);
	else if (out == POST_LOST && row->lost != NULL)
		row->lost(r);
	else if (out != POST_BROKEN && reading)
		retry_read(r, &why);
	else {
		o->sent = false;
		order_fail_for_now(r, &why);
	}
	post_end(&o->post);
}

/* Which events answer which wish; anything else is a bug of the caller. */
static bool
fits(enum acme_wish_kind wish, enum acme_event_kind event)
{
	static const enum acme_event_kind answer[] = {
		[ACME_WISH_SIGN] = ACME_SIGNED,
		[ACME_WISH_CSR] = ACME_CSR_MADE,
		[ACME_WISH_PUBLISH] = ACME_PUBLISHED,
		[ACME_WISH_WITHDRAW] = ACME_WITHDRAWN,
		[ACME_WISH_WAIT] = ACME_TIME
	};

	if (wish == ACME_WISH_HTTP)
		return event == ACME_REPLY || event == ACME_NOT_SENT ||
		    event == ACME_LOST;
	if (wish == ACME_WISH_DONE || wish == ACME_WISH_FAIL)
		return false;
	return event == answer[wish] ||
	    (event == ACME_ERROR && wish != ACME_WISH_WAIT);
}

/* --- resuming ------------------------------------------------------------- */

/* A failure that was told and may pass is over: the next attempt starts from
 * what the CA says now. */
static void
revive(struct acme_order *o)
{
	size_t i;

	o->failing = o->told = false;
	err_clear(&o->why);
	free(o->guilty);
	o->guilty = NULL;
	o->seen = 0;
	o->lost = o->finalized = o->unready = o->reads_failed = 0;
	for (i = 0; i < o->nauthz; i++) {
		o->authz[i].state = A_UNREAD;
		o->authz[i].answers_lost = 0;
	}
}

/* Whatever was under way is gone; nothing is done twice without looking. */
static void
resume(struct run *r)
{
	struct acme_order *o = r->o;
	size_t i;

	post_end(&o->post);
	o->pause_ms = o->next_ms = o->grace_ms = 0;
	if (o->failing && (o->over || !o->told))
		return;
	if (o->failing)
		revive(o);
	if (o->url == NULL) {
		if (o->sent)
			lost_new(r);
		return;
	}
	o->look = o->status != ORDER_VALID;
	for (i = 0; i < o->nauthz; i++) {
		o->authz[i].shown = o->authz[i].recheck = false;
		if (o->authz[i].state != A_DONE)
			o->authz[i].state = A_UNREAD;
	}
}

/* --- the step ------------------------------------------------------------- */

static void
name_stage(struct acme_order *o)
{
	size_t at = o->at + 1;

	if (o->stage == STAGE_POLL)
		at = authz_count(o, A_DONE);
	if (stages[o->stage].counted)
		snprintf(o->stage_text, sizeof(o->stage_text), "%s %zu/%zu",
		    stages[o->stage].name, at, o->nauthz);
	else
		snprintf(o->stage_text, sizeof(o->stage_text), "%s",
		    stages[o->stage].name);
}

struct acme_wish
acme_order_step(struct acme_order *o, struct acme_session *s,
    int64_t now_ms, const struct acme_event *event, struct err *err)
{
	struct acme_wish w = { .kind = ACME_WISH_FAIL };
	struct run r = { o, s, now_ms, event, &w, false };
	int moves;

	assert(s->dir.new_order != NULL);
	if (o->created_ms == 0)
		o->created_ms = now_ms;
	if (event == NULL)
		resume(&r);
	else {
		assert(o->waiting && fits(o->wished, event->kind));
		if (post_is_busy(&o->post))
			hear_post(&r);
		else
			stages[o->stage].event(&r);
	}
	for (moves = 0; !r.wished; moves++) {
		assert(moves < 20);
		o->stage = stage_next(o, now_ms);
		stages[o->stage].act(&r);
	}
	w.save = w.save || o->save;
	o->save = false;
	o->wished = w.kind;
	o->waiting = true;
	if (w.kind == ACME_WISH_FAIL)
		*err = o->why;
	name_stage(o);
	return w;
}

void
order_settle(struct acme_order *o)
{
	o->stage = stage_next(o, 0);
	o->at = 0;
	name_stage(o);
}

const char *
acme_order_stage(const struct acme_order *o)
{
	return o->stage_text[0] != '\0' ? o->stage_text : "new";
}

const char *
acme_order_url(const struct acme_order *o)
{
	return o->url;
}

const char *
acme_order_guilty(const struct acme_order *o)
{
	return o->guilty;
}

bool
acme_order_over(const struct acme_order *o)
{
	return o->failing && o->over;
}
