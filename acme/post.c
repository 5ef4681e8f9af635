/* need nonce -> HEAD newNonce -> SIGN -> POST -> answer, and again with the
 * nonce of the answer when the CA dislikes ours. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/post.h"
#include "acme/session.h"

struct turn {
	struct acme_session *s;
	int64_t now_ms;
	const struct acme_event *event;
	struct acme_wish *w;
	struct err *err;
};

void
post_begin(struct post *p, const char *doing, const struct jws_request *r,
    const char *accept, size_t reply_max, bool save)
{
	assert(doing != NULL && r->url != NULL && reply_max > 0);
	assert(r->what >= JWS_NEW_ACCOUNT && r->what < JWS_WHAT_COUNT);
	post_end(p);
	p->state = POST_START;
	p->doing = doing;
	p->r = *r;
	p->r.url = xstrdup(r->url);
	p->r.kid = xstrdup(r->kid != NULL ? r->kid : "");
	p->r.nonce = NULL;
	p->accept = accept;
	p->reply_max = reply_max;
	p->save = save;
}

bool
post_is_busy(const struct post *p)
{
	return p->state != POST_IDLE;
}

void
post_end(struct post *p)
{
	free((char *)p->r.url);
	free((char *)p->r.kid);
	free((char *)p->r.nonce);
	free(p->nonce_url);
	blob_free(&p->jws);
	problem_free(&p->problem);
	memset(p, 0, sizeof(*p));
}

/* What an exchange that brought no answer says; the engine knows more. */
static void
copy_err(struct err *to, const struct err *from, const char *doing)
{
	assert(doing != NULL);
	if (from != NULL && from->code != ERR_OK) {
		*to = *from;
		err_context(to, "%s", doing);
	} else
		err_set(to, ERR_CA_DOWN, "%s: no answer came", doing);
}

static enum post_outcome
wish_nonce(struct post *p, struct turn *t)
{
	assert(t->s->dir.new_nonce != NULL && p->r.nonce == NULL);
	p->state = POST_NONCE;
	t->w->kind = ACME_WISH_HTTP;
	t->w->method = ACME_HEAD;
	free(p->nonce_url);
	p->nonce_url = xstrdup(t->s->dir.new_nonce);
	t->w->url = p->nonce_url;
	t->w->reply_max = ACME_JSON_MAX;
	return POST_WISHED;
}

/* With a nonce at hand: have it signed; else fetch one. */
static enum post_outcome
prepare(struct post *p, struct turn *t)
{
	assert(p->state != POST_IDLE && p->state != POST_SIGN);
	free((char *)p->r.nonce);
	p->r.nonce = session_take_nonce(t->s, t->now_ms);
	if (p->r.nonce == NULL)
		return wish_nonce(p, t);
	p->state = POST_SIGN;
	t->w->kind = ACME_WISH_SIGN;
	t->w->jws = p->r;
	return POST_WISHED;
}

/* Nothing was signed or sent yet, so failing here is safe to repeat. */
static enum post_outcome
hear_nonce(struct post *p, struct turn *t)
{
	const struct acme_reply *reply = &t->event->reply;
	struct problem why;

	assert(p->r.nonce == NULL);
	if (t->event->kind != ACME_REPLY) {
		copy_err(t->err, t->event->err, p->doing);
		return POST_UNSENT;
	}
	if (reply->status >= 200 && reply->status < 300) {
		if (!reply->doubled &&
		    session_keep_nonce(t->s, reply, t->now_ms))
			return prepare(p, t);
		err_set(t->err, ERR_CA_PROTOCOL, "%s: the CA's address for "
		    "nonces gave none that is one", p->doing);
		return POST_BROKEN;
	}
	if (reply->status == 404 || reply->status == 405)
		acme_session_forget_directory(t->s);
	problem_of_reply(&why, reply, t->now_ms);
	problem_request_err(&why, JWS_READ, p->doing, t->err);
	problem_free(&why);
	return t->err->code == ERR_CA_DOWN ? POST_UNSENT : POST_BROKEN;
}

/* The caller saves before it sends, where the request can't be undone. */
static enum post_outcome
send_signed(struct post *p, struct turn *t)
{
	assert(p->jws.len > 0 && p->r.nonce != NULL);
	p->state = POST_SENT;
	t->w->kind = ACME_WISH_HTTP;
	t->w->method = ACME_POST;
	t->w->url = p->r.url;
	t->w->accept = p->accept;
	t->w->body = p->jws;
	t->w->reply_max = p->reply_max;
	t->w->patient = p->r.what == JWS_CHALLENGE ||
	    p->r.what == JWS_FINALIZE;
	t->w->save = p->save;
	return POST_WISHED;
}

static enum post_outcome
hear_signed(struct post *p, struct turn *t)
{
	if (t->event->kind == ACME_ERROR) {
		copy_err(t->err, t->event->err, p->doing);
		return POST_BROKEN;
	}
	assert(t->event->kind == ACME_SIGNED && t->event->bytes.len > 0);
	blob_free(&p->jws);
	p->jws = blob_copy(t->event->bytes.p, t->event->bytes.len);
	p->resent = 0;
	return send_signed(p, t);
}

/* The very same request with the very same nonce can't be carried out twice:
 * a CA that had read the first refuses this one (RFC 8555 section 6.5). */
static enum post_outcome
hear_cut(struct post *p, struct turn *t)
{
	copy_err(&p->cut, t->event->err, p->doing);
	if (p->resent++ < ACME_RESENDS_MAX)
		return send_signed(p, t);
	*t->err = p->cut;
	return POST_LOST;
}

static enum post_outcome
hear_refusal(struct post *p, struct turn *t)
{
	assert(p->nonces_refused <= ACME_NONCE_RETRIES_MAX);
	problem_free(&p->problem);
	problem_of_reply(&p->problem, &t->event->reply, t->now_ms);
	if (p->problem.kind == NULL || p->problem.kind->next != NEXT_NONCE)
		return POST_REFUSED;
	if (p->resent > 0) {
		session_keep_nonce(t->s, &t->event->reply, t->now_ms);
		*t->err = p->cut;
		return POST_LOST;
	}
	if (++p->nonces_refused > ACME_NONCE_RETRIES_MAX) {
		problem_request_err(&p->problem, p->r.what, p->doing, t->err);
		return POST_BROKEN;
	}
	/* One bad nonce makes all older ones suspect; the one that came with
	 * the refusal is good. */
	session_drop_nonces(t->s);
	session_keep_nonce(t->s, &t->event->reply, t->now_ms);
	return prepare(p, t);
}

static enum post_outcome
hear_answer(struct post *p, struct turn *t)
{
	const struct acme_reply *reply = &t->event->reply;

	assert(p->jws.len > 0 && p->r.nonce != NULL);
	if (t->event->kind == ACME_CUT)
		return hear_cut(p, t);
	if (t->event->kind != ACME_REPLY) {
		copy_err(t->err, t->event->err, p->doing);
		return t->event->kind == ACME_LOST || p->resent > 0 ?
		    POST_LOST : POST_UNSENT;
	}
	if (reply->doubled) {
		err_set(t->err, ERR_CA_PROTOCOL, "%s: the CA's answer has a "
		    "header twice that may come once", p->doing);
		return POST_BROKEN;
	}
	if (reply->status < 200 || reply->status > 299)
		return hear_refusal(p, t);
	session_keep_nonce(t->s, reply, t->now_ms);
	return POST_REPLIED;
}

enum post_outcome
post_step(struct post *p, struct acme_session *s, int64_t now_ms,
    const struct acme_event *event, struct acme_wish *w, struct err *err)
{
	struct turn t = { s, now_ms, event, w, err };

	assert(p->state != POST_IDLE && p->doing != NULL);
	if (p->state == POST_START)
		return prepare(p, &t);
	assert(event != NULL);
	if (p->state == POST_SIGN)
		return hear_signed(p, &t);
	assert(event->kind == ACME_REPLY || event->kind == ACME_NOT_SENT ||
	    event->kind == ACME_LOST || event->kind == ACME_CUT);
	if (p->state == POST_NONCE)
		return hear_nonce(p, &t);
	assert(p->state == POST_SENT);
	return hear_answer(p, &t);
}
