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

enum {
	READS_FAILED_MAX = 3,		/* in a row */
	PAUSE_MAX_MS = 60 * 1000,
	DEADLINE_DAYS = 30		/* whatever the CA names */
};

static char *
text_or_empty(const char *s)
{
	return xstrdup(s != NULL ? s : "");
}

/* A CSR that was given must be one, and ask for what is ordered. */
static void
take_csr(struct acme_order *o, const struct blob *der)
{
	struct acme_csr csr;

	assert(der->len > 0 && o->names.n > 0);
	o->own_csr = true;
	o->over = o->failing = acme_csr_read(&csr, der->p, der->len,
	    &o->why) != 0;
	if (o->failing)
		return;
	if (!strv_same(&csr.names, &o->names)) {
		err_set(&o->why, ERR_CSR_REFUSED, "the CSR asks for other "
		    "names than the certificate is to have");
		err_advise(&o->why, "Make the CSR anew for exactly these "
		    "names.");
		o->over = o->failing = true;
	}
	o->csr = blob_copy(der->p, der->len);
	o->spki = csr.spki;
	csr.spki = (struct blob){ NULL, 0 };
	acme_csr_free(&csr);
}

struct acme_order *
acme_order_new(const struct acme_want *w)
{
	struct acme_order *o = xcalloc(1, sizeof(*o));

	assert(w->names->n > 0 && w->names->n <= ACME_AUTHZ_MAX);
	o->names = strv_copy(w->names);
	o->challenges = strv_copy(w->challenges);
	o->profile = text_or_empty(w->profile);
	o->replaces = text_or_empty(w->replaces);
	o->not_before = text_or_empty(w->not_before);
	o->not_after = text_or_empty(w->not_after);
	o->preferred_chain = text_or_empty(w->preferred_chain);
	o->profile_required = w->profile_required;
	o->must_staple = w->must_staple;
	o->dropped = (int)(w->known_refused & ACME_DROPPED_ALL);
	if (w->csr.len > 0)
		take_csr(o, &w->csr);
	return o;
}

bool
acme_order_is_for(const struct acme_order *o, const void *csr, size_t n)
{
	assert(csr != NULL || n == 0);
	if (n == 0 || !o->own_csr)
		return n == 0 && !o->own_csr;
	return o->csr.len == n && memcmp(o->csr.p, csr, n) == 0;
}

static void
free_authz(struct acme_order *o)
{
	size_t i;

	for (i = 0; i < o->nauthz; i++)
		authz_clear(&o->authz[i]);
	free(o->authz);
	o->authz = NULL;
	o->nauthz = 0;
}

void
acme_order_free(struct acme_order *o)
{
	if (o == NULL)
		return;
	free_authz(o);
	strv_free(&o->names);
	strv_free(&o->challenges);
	free(o->profile);
	free(o->replaces);
	free(o->url);
	free(o->finalize);
	free(o->certificate);
	free(o->not_before);
	free(o->not_after);
	free(o->preferred_chain);
	strv_free(&o->guilty);
	strv_free(&o->tried);
	strv_free(&o->alternates);
	strv_free(&o->left);
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
	assert(der != NULL && n > 0);
	assert(!o->own_csr);
	blob_free(&o->spki);
	o->spki = blob_copy(der, n);
}

/* --- failing -------------------------------------------------------------- */

void
order_guilty(struct acme_order *o, const char *ident)
{
	if (ident != NULL && !strv_has(&o->guilty, ident))
		strv_add(&o->guilty, ident);
}

void
order_guilty_of(struct acme_order *o, const struct problem *p)
{
	if (o->failing)
		return;
	if (o->names.n == 1)
		order_guilty(o, o->names.v[0]);
	else
		problem_idents(&o->guilty, p, &o->names);
}

static void
fail(struct run *r, const struct err *why, bool over)
{
	struct acme_order *o = r->o;

	assert(why->code != ERR_OK);
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

void
order_retry(struct run *r, const struct err *why)
{
	if (r->o->failing)
		return;
	assert(!r->o->retrying);
	fail(r, why, true);
	r->o->retrying = true;
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
		order_guilty_of(o, p);
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
	assert(o->reads_failed >= 0 && o->reads_failed < READS_FAILED_MAX);
	at = r->now_ms + pauses[o->reads_failed++];
	o->pause_ms = why->retry_at_ms > at ? why->retry_at_ms : at;
}

/* --- wishes --------------------------------------------------------------- */

void
order_ask(struct run *r, const char *doing, struct jws_request *req,
    const char *url, const char *accept, size_t reply_max)
{
	struct acme_order *o = r->o;
	bool save = req->what == JWS_NEW_ORDER || req->what == JWS_FINALIZE;
	struct err why;

	assert(!r->wished && url != NULL && doing != NULL);
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
	assert(!r->wished);
	r->w->kind = ACME_WISH_WAIT;
	r->w->at_ms = at_ms;
	r->wished = true;
}

int64_t
order_deadline(const struct acme_order *o)
{
	int64_t most = o->created_ms + (int64_t)DEADLINE_DAYS * 24 * 3600 *
	    1000;

	assert(o->created_ms != 0);
	return o->expires_ms != 0 && o->expires_ms < most ? o->expires_ms :
	    most;
}

/* --- pause, failed -------------------------------------------------------- */

static void
act_pause(struct run *r)
{
	order_wish_wait(r, r->o->pause_ms);
}

static void
event_pause(struct run *r)
{
	assert(r->o->stage == STAGE_PAUSE);
	r->o->pause_ms = 0;
}

static void
forget_asks(struct acme_order *o)
{
	memset(&o->asks, 0, sizeof(o->asks));
	o->ask_ms = 0;
	o->peek = o->ended = false;
}

/* What a CA would wait for in vain. After finalize, or when the order is ready,
 * all of them are valid, and good for the next order. */
static void
note_left(struct acme_order *o)
{
	size_t i;

	assert(o->failing && o->left.n <= ACME_LEFT_MAX);
	if (o->finalized > 0 || o->status == ORDER_READY)
		return;
	for (i = 0; i < o->nauthz && o->left.n < ACME_LEFT_MAX; i++)
		if (o->authz[i].pending && !strv_has(&o->left,
		    o->authz[i].url))
			strv_add(&o->left, o->authz[i].url);
}

/* The CA has given the order up, but another method is left: everything of it
 * is forgotten but what failed, what was dropped, and the key. */
static void
start_over(struct acme_order *o, int64_t now_ms)
{
	assert(o->failing && o->retrying);
	assert(authz_to_withdraw(o, true) == NULL);
	note_left(o);
	free_authz(o);
	free(o->url);
	free(o->finalize);
	free(o->certificate);
	o->url = o->finalize = o->certificate = NULL;
	o->status = o->seen = ORDER_PENDING;
	o->created_ms = now_ms;
	o->expires_ms = o->finalized_ms = o->next_ms = 0;
	o->lost = o->finalized = o->unready = o->reads_failed = 0;
	memset(&o->looks, 0, sizeof(o->looks));
	forget_asks(o);
	o->failing = o->over = o->told = o->retrying = o->look = false;
	strv_free(&o->guilty);
	err_clear(&o->refused);
	err_clear(&o->said);
	o->orders++;
	o->save = true;
}

static void
act_failed(struct run *r)
{
	struct acme_order *o = r->o;
	struct err why;

	if (o->retrying) {
		start_over(o, r->now_ms);
		return;
	}
	if (!o->failing && order_without_feature(r))
		return;
	if (o->said.code != ERR_OK)
		why = o->said;
	else
		err_set(&why, ERR_ORDER_INVALID,
		    "the order: the CA ended it and gives no reason");
	order_fail(r, &why);
	if (o->over)
		note_left(o);
	o->told = true;
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
	bool spare;	/* lost stands for all that can go wrong */
} stages[STAGE_COUNT] = {
	[STAGE_NEW] = { "new", false, act_new, reply_new, refused_new,
	    lost_new, NULL, false },
	[STAGE_LOOK] = { "look", false, act_look, reply_order, NULL, NULL,
	    NULL, false },
	[STAGE_READ] = { "authz", true, act_read, reply_read, NULL, NULL,
	    NULL, false },
	[STAGE_PUBLISH] = { "publish", true, act_publish, NULL, NULL, NULL,
	    event_publish, false },
	[STAGE_ANSWER] = { "answer", true, act_answer, reply_answer,
	    refused_answer, lost_answer, NULL, false },
	[STAGE_ASK] = { "validation", true, act_ask, reply_ask, NULL, NULL,
	    event_ask, false },
	[STAGE_POLL] = { "validation", true, act_poll, reply_read, NULL, NULL,
	    event_poll, false },
	[STAGE_WITHDRAW] = { "withdraw", true, act_withdraw, NULL, NULL, NULL,
	    event_withdraw, false },
	[STAGE_CSR] = { "csr", false, act_csr, NULL, NULL, NULL, event_csr,
	    false },
	[STAGE_FINALIZE] = { "finalize", false, act_finalize, reply_order,
	    refused_finalize, lost_finalize, NULL, false },
	[STAGE_WAIT] = { "processing", false, act_wait, NULL, NULL, NULL,
	    event_wait, false },
	[STAGE_PAUSE] = { "pause", false, act_pause, NULL, NULL, NULL,
	    event_pause, false },
	[STAGE_DOWNLOAD] = { "download", false, act_download, reply_download,
	    NULL, NULL, NULL, false },
	[STAGE_ALTERNATE] = { "alternate", false, act_alternate,
	    reply_alternate, NULL, lost_alternate, NULL, true },
	[STAGE_DONE] = { "done", false, act_done, NULL, NULL, NULL, NULL,
	    false },
	[STAGE_FAILED] = { "failed", false, act_failed, NULL, NULL, NULL,
	    NULL, false }
};

/* The first thing that is not done for all names: they go in step, so that
 * one save is enough for a stage. */
static enum stage
stage_of_pending(struct acme_order *o, int64_t now_ms)
{
	assert(o->url != NULL);
	if (authz_find(o, A_UNREAD) != NULL)
		return STAGE_READ;
	if (authz_unshown(o))
		return STAGE_PUBLISH;
	if (authz_find(o, A_CHOSEN) != NULL)
		return STAGE_ANSWER;
	if (o->ended && authz_all_read(o, now_ms))
		return STAGE_LOOK;
	if (authz_find(o, A_ANSWERED) != NULL)
		return authz_ask_order(o) ? STAGE_ASK : STAGE_POLL;
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

	assert(o->failing);
	if (authz_to_withdraw(o, !grace) != NULL)
		return STAGE_WITHDRAW;
	return grace ? STAGE_POLL : STAGE_FAILED;
}

/* Nothing here depends on how the order came to stand as it does: after a
 * crash the same data leads to the same stage. */
static enum stage
stage_next(struct acme_order *o, int64_t now_ms)
{
	assert(o->status >= 0 && o->status < ORDER_STATUS_COUNT);
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
		return stage_of_pending(o, now_ms);
	case ORDER_READY:
		return o->csr.len > 0 ? STAGE_FINALIZE : STAGE_CSR;
	case ORDER_PROCESSING:
		return STAGE_WAIT;
	case ORDER_VALID:
		if (o->leaf.len == 0)
			return STAGE_DOWNLOAD;
		return alternate_left(o) ? STAGE_ALTERNATE : STAGE_DONE;
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

/* What each outcome means is the row's to say; where it says nothing, a read
 * is repeated and all else fails for now. */
static void
hear_post(struct run *r)
{
	struct acme_order *o = r->o;
	const struct stage_row *row = &stages[o->stage];
	bool reading = o->post.r.what == JWS_READ;
	enum post_outcome out;
	struct err why;

	assert(row->reply != NULL && (!row->spare || row->lost != NULL));
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
	} else if (row->spare)
		row->lost(r);
	else if (out == POST_REFUSED && row->refused != NULL)
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
		[ACME_WISH_CHECK] = ACME_CHECKED,
		[ACME_WISH_WAIT] = ACME_TIME
	};

	assert(wish <= ACME_WISH_FAIL);
	if (wish == ACME_WISH_HTTP)
		return event == ACME_REPLY || event == ACME_NOT_SENT ||
		    event == ACME_LOST || event == ACME_CUT;
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

	assert(o->failing && o->told && !o->over);
	o->failing = o->told = false;
	err_clear(&o->why);
	strv_free(&o->guilty);
	strv_free(&o->tried);
	o->seen = o->orders = 0;
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
	forget_asks(o);
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
		if (o->authz[i].state != A_DONE &&
		    o->authz[i].state != A_SWITCH)
			o->authz[i].state = A_UNREAD;
	}
}

/* --- the step ------------------------------------------------------------- */

static void
name_stage(struct acme_order *o)
{
	size_t at = o->at + 1;

	assert(o->stage < STAGE_COUNT);
	if (o->stage == STAGE_POLL || o->stage == STAGE_ASK)
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
	/* Later than now: the clock was ahead then. */
	if (o->created_ms == 0 || o->created_ms > now_ms)
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
	assert(w.kind != ACME_WISH_FAIL || o->why.code != ERR_OK);
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

const struct strv *
acme_order_guilties(const struct acme_order *o)
{
	return &o->guilty;
}

const struct strv *
acme_order_left(const struct acme_order *o)
{
	return &o->left;
}

unsigned int
acme_order_dropped(const struct acme_order *o)
{
	return (unsigned int)o->dropped;
}

const char *
acme_dropped_words(enum acme_dropped bit)
{
	switch (bit) {
	case ACME_DROPPED_PROFILE:
		return "the profile";
	case ACME_DROPPED_DATES:
		return "the dates of validity";
	case ACME_DROPPED_MUST_STAPLE:
		return "must-staple";
	case ACME_DROPPED_CHAIN:
		return "the preferred chain";
	default:
		return "nothing";
	}
}

bool
acme_order_over(const struct acme_order *o)
{
	return o->failing && o->over;
}
