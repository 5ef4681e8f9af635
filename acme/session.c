/* What the orders of one account share: where the CA's doors are, who we are
 * there, and the nonces that its answers brought. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "acme/session.h"
#include "acme/url.h"

struct acme_session *
acme_session_new(const struct acme_account *a, struct err *err)
{
	struct acme_session *s = xcalloc(1, sizeof(*s));
	struct buf origin, jwk;
	int rc;

	assert(a->directory_url != NULL);
	assert(a->spki != NULL || a->kid == NULL);
	pace_init(&s->validation);
	pace_init(&s->issuance);
	buf_init(&origin, ACME_URL_MAX);
	buf_init(&jwk, 1024);
	rc = acme_url_origin(&origin, a->directory_url, err);
	if (rc != 0)
		err_context(err, "the CA's directory");
	if (rc == 0 && a->kid != NULL)
		rc = url_same_origin(a->kid, origin.data,
		    "the account's address", err);
	s->keyless = a->spki == NULL;
	if (rc == 0 && !s->keyless)
		rc = jws_jwk(&jwk, a->spki, a->spki_len, err);
	if (rc == 0) {
		if (!s->keyless)
			jws_thumbprint(s->thumbprint, jwk.data, jwk.len);
		assert(s->keyless || strlen(s->thumbprint) == THUMBPRINT_LEN);
		s->directory_url = xstrdup(a->directory_url);
		s->kid = xstrdup(a->kid);
		s->agree_tos = a->agree_tos;
		s->eab_kid = a->eab_kid != NULL && a->eab_kid[0] != '\0' ?
		    xstrdup(a->eab_kid) : NULL;
		s->existing_only = a->existing_only;
		s->looking = a->begun && s->eab_kid != NULL;
		if (a->contacts != NULL)
			s->contacts = strv_copy(a->contacts);
		s->origin = buf_take(&origin);
	} else {
		acme_session_free(s);
		s = NULL;
	}
	buf_free(&origin);
	buf_free(&jwk);
	return s;
}

void
acme_session_free(struct acme_session *s)
{
	if (s == NULL)
		return;
	session_drop_nonces(s);
	directory_free(&s->dir);
	post_end(&s->post);
	strv_free(&s->contacts);
	free(s->directory_url);
	free(s->moved_url);
	free(s->origin);
	free(s->kid);
	free(s->eab_kid);
	free(s);
}

/* --- nonces --------------------------------------------------------------- */

/* One that a CA has forgotten costs a round trip and helps nobody. */
void
session_drop_nonces(struct acme_session *s)
{
	assert(s->nnonces <= ACME_NONCES_POOLED_MAX);
	while (s->nnonces > 0)
		free(s->nonces[--s->nnonces].text);
}

/* The newest first: CAs forget the oldest first. */
char *
session_take_nonce(struct acme_session *s, int64_t now_ms)
{
	struct pooled_nonce *n;

	if (s->nnonces == 0)
		return NULL;
	n = &s->nonces[s->nnonces - 1];
	if (now_ms - n->at_ms > ACME_NONCE_AGE_MS) {
		/* The newest is too old, so all are. */
		session_drop_nonces(s);
		return NULL;
	}
	assert(n->text != NULL);
	s->nnonces--;
	return n->text;
}

static bool
is_nonce(const char *s)
{
	size_t n = strlen(s), i;

	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
			return false;
	return n >= 1 && n <= ACME_NONCE_MAX;
}

bool
session_keep_nonce(struct acme_session *s, const struct acme_reply *reply,
    int64_t now_ms)
{
	if (reply->nonce == NULL || reply->doubled || !is_nonce(reply->nonce))
		return false;
	if (s->nnonces == ACME_NONCES_POOLED_MAX) {
		free(s->nonces[0].text);
		memmove(s->nonces, s->nonces + 1,
		    --s->nnonces * sizeof(s->nonces[0]));
	}
	assert(s->nnonces < ACME_NONCES_POOLED_MAX);
	s->nonces[s->nnonces].text = xstrdup(reply->nonce);
	s->nonces[s->nnonces++].at_ms = now_ms;
	return true;
}

/* --- directory ------------------------------------------------------------ */

static bool
directory_is_fresh(const struct acme_session *s, int64_t now_ms)
{
	return s->has_dir && now_ms >= s->dir_at_ms &&
	    now_ms - s->dir_at_ms < ACME_DIRECTORY_AGE_MS;
}

static void
wish_directory(struct acme_session *s, struct acme_wish *w)
{
	w->kind = ACME_WISH_HTTP;
	w->method = ACME_GET;
	w->url = s->stage == SESSION_MOVED ? s->moved_url : s->directory_url;
	assert(w->url != NULL);
	w->reply_max = ACME_JSON_MAX;
}

/* One move within the origin is followed (security.md A16). */
static int
follow(struct acme_session *s, const struct acme_reply *reply,
    struct err *err)
{
	assert(s->stage == SESSION_DIRECTORY || s->stage == SESSION_MOVED);
	if (s->stage == SESSION_MOVED)
		return err_set(err, ERR_CA_PROTOCOL,
		    "the CA's directory: it moved twice");
	if (reply->location == NULL || url_same_origin(reply->location,
	    s->origin, "the CA's directory moved:", err) != 0)
		return reply->location != NULL ? -1 : err_set(err,
		    ERR_CA_PROTOCOL, "the CA's directory moved without "
		    "saying where");
	free(s->moved_url);
	s->moved_url = xstrdup(reply->location);
	s->stage = SESSION_MOVED;
	return 0;
}

static int
take_directory(struct acme_session *s, const struct acme_reply *reply,
    int64_t now_ms, struct err *err)
{
	struct directory dir;

	if (codec_want_json(reply, "the CA's directory", err) != 0 ||
	    codec_directory(&dir, reply->body, reply->body_len, s->origin,
	    err) != 0)
		return -1;
	directory_free(&s->dir);
	s->dir = dir;
	assert(s->dir.new_nonce != NULL);
	s->has_dir = true;
	s->dir_at_ms = now_ms;
	s->stage = SESSION_ACCOUNT;
	return 0;
}

static int
hear_directory(struct acme_session *s, int64_t now_ms,
    const struct acme_event *event, struct err *err)
{
	static const int moved[] = { 301, 302, 307, 308 };
	const struct acme_reply *reply = &event->reply;
	struct problem why;
	size_t i;

	assert(event->kind == ACME_REPLY || event->kind == ACME_NOT_SENT ||
	    event->kind == ACME_LOST || event->kind == ACME_CUT);
	if (event->kind != ACME_REPLY) {
		if (event->err == NULL)
			return err_set(err, ERR_CA_DOWN,
			    "the CA's directory: no answer came");
		*err = *event->err;
		return err_context(err, "the CA's directory");
	}
	if (reply->doubled)
		return err_set(err, ERR_CA_PROTOCOL, "the CA's directory: a "
		    "header came twice that may come once");
	if (reply->status == 200) {
		session_keep_nonce(s, reply, now_ms);
		return take_directory(s, reply, now_ms, err);
	}
	for (i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		if (moved[i] == reply->status)
			return follow(s, reply, err);
	problem_of_reply(&why, reply, now_ms);
	problem_request_err(&why, JWS_READ, "the CA's directory", err);
	problem_free(&why);
	return -1;
}

/* --- account -------------------------------------------------------------- */

/* What must be there before an account can be made. */
static int
may_make(const struct acme_session *s, struct err *err)
{
	if (!s->agree_tos && s->dir.terms != NULL) {
		err_set(err, ERR_TOS_NOT_AGREED, "the CA's terms are not "
		    "agreed to: %.300s", s->dir.terms);
		return err_advise(err, "Read them and agree to them.");
	}
	if (s->dir.eab_required && s->eab_kid == NULL) {
		err_set(err, ERR_EAB_NEEDED, "the account: the CA binds it to "
		    "one that you have with it, and wants a key for that");
		problem_advise(err);
		return -1;
	}
	return 0;
}

static int
begin_account(struct acme_session *s, struct err *err)
{
	struct jws_request r = { .what = JWS_NEW_ACCOUNT,
		.existing = s->existing_only || s->looking };

	assert(s->kid == NULL && s->dir.new_account != NULL);
	if (!r.existing && may_make(s, err) != 0)
		return -1;
	r.url = s->dir.new_account;
	if (!r.existing) {
		r.contacts = &s->contacts;
		r.agreed = s->agree_tos;
		r.eab_kid = s->eab_kid;
	}
	post_begin(&s->post, "the account", &r, NULL, ACME_JSON_MAX, true);
	return 0;
}

/* 201: made; 200: the CA knew the key (RFC 8555 section 7.3.1). */
static int
take_account(struct acme_session *s, const struct acme_reply *reply,
    struct err *err)
{
	enum account_status status = ACCOUNT_VALID;

	assert(s->stage == SESSION_ACCOUNT);
	if (reply->body_len > 0 &&
	    (codec_want_json(reply, "the account", err) != 0 ||
	    codec_account(&status, reply->body, reply->body_len, err) != 0))
		return -1;
	if (status != ACCOUNT_VALID) {
		err_set(err, ERR_ACCOUNT_DEAD, "the account: the CA has "
		    "closed it (\"%s\")", status == ACCOUNT_REVOKED ?
		    "revoked" : "deactivated");
		problem_advise(err);
		return -1;
	}
	if (reply->location == NULL)
		return err_set(err, ERR_CA_PROTOCOL,
		    "the account: the CA did not say its address");
	if (url_same_origin(reply->location, s->origin,
	    "the account's address", err) != 0)
		return -1;
	free(s->kid);
	s->kid = xstrdup(reply->location);
	s->kid_is_new = true;
	s->made = reply->status == 201;
	s->looking = false;
	s->account_lost = 0;
	s->stage = SESSION_READY;
	return 0;
}

/* It was only looked for and is not there, or its binding was not taken. True:
 * go on and make it. */
static bool
hear_account_refusal(struct acme_session *s, struct err *err)
{
	const struct problem *p = &s->post.problem;
	enum err_code code = problem_request_code(p, JWS_NEW_ACCOUNT);

	assert(s->stage == SESSION_ACCOUNT);
	if (s->looking && code == ERR_ACCOUNT_UNKNOWN) {
		s->looking = false;
		return true;
	}
	problem_request_err(p, JWS_NEW_ACCOUNT, "the account", err);
	if (s->existing_only && code == ERR_ACCOUNT_UNKNOWN)
		err_advise(err, "The CA has no account with this key.");
	/* A closed account and a spent binding look alike from here; the
	 * second is what happens. */
	if (s->post.r.eab_kid != NULL && code == ERR_ACCOUNT_DEAD) {
		err->code = ERR_EAB_NEEDED;
		err_advise(err, "Most HMAC keys are good for one account: get "
		    "a new key id and key from the CA.");
	}
	return false;
}

/* A newAccount whose answer was lost is repeated: the CA finds the account by
 * its key. With a binding, which is good for one use, it is only looked for
 * then. True: *w is the next wish; false: it failed or is done. */
static bool
run_account(struct acme_session *s, int64_t now_ms,
    const struct acme_event *event, struct acme_wish *w, struct err *err,
    int *rc)
{
	enum post_outcome out;
	bool again;

	assert(s->stage == SESSION_ACCOUNT);
	*rc = 0;
	if (!post_is_busy(&s->post)) {
		*rc = begin_account(s, err);
		if (*rc != 0)
			return false;
		event = NULL;
	}
	out = post_step(&s->post, s, now_ms, event, w, err);
	again = out == POST_LOST && ++s->account_lost <= ACME_LOST_RETRIES_MAX;
	if (again)
		s->looking = s->eab_kid != NULL;
	else if (out == POST_REFUSED)
		again = hear_account_refusal(s, err);
	if (again) {
		*rc = begin_account(s, err);
		if (*rc != 0)
			return false;
		out = post_step(&s->post, s, now_ms, NULL, w, err);
	}
	if (out == POST_WISHED)
		return true;
	*rc = out == POST_REPLIED ? take_account(s, &event->reply, err) : -1;
	post_end(&s->post);
	return false;
}

/* --- the whole ------------------------------------------------------------ */

/* Nothing stays half done: the next step begins from what is known. */
static struct acme_wish
give_up(struct acme_session *s)
{
	struct acme_wish w = { .kind = ACME_WISH_FAIL };

	post_end(&s->post);
	s->account_lost = 0;
	s->stage = SESSION_READY;	/* the next step looks what is amiss */
	return w;
}

/* Where to begin when nothing is under way. */
static void
restart(struct acme_session *s, int64_t now_ms)
{
	post_end(&s->post);
	assert(!post_is_busy(&s->post));
	s->stage = !directory_is_fresh(s, now_ms) ? SESSION_DIRECTORY :
	    s->kid == NULL && !s->keyless ? SESSION_ACCOUNT : SESSION_READY;
}

struct acme_wish
acme_session_step(struct acme_session *s, int64_t now_ms,
    const struct acme_event *event, struct err *err)
{
	struct acme_wish w = { .kind = ACME_WISH_DONE };
	int rc;

	if (event == NULL)
		restart(s, now_ms);
	else
		assert(s->stage != SESSION_READY);
	if (s->stage == SESSION_DIRECTORY || s->stage == SESSION_MOVED) {
		if (event != NULL && hear_directory(s, now_ms, event,
		    err) != 0)
			return give_up(s);
		event = NULL;
	}
	if (s->stage == SESSION_DIRECTORY || s->stage == SESSION_MOVED) {
		wish_directory(s, &w);
		return w;
	}
	if (s->stage == SESSION_ACCOUNT && (s->keyless || s->kid != NULL))
		s->stage = SESSION_READY;
	if (s->stage == SESSION_ACCOUNT) {
		if (run_account(s, now_ms, event, &w, err, &rc))
			return w;
		if (rc != 0)
			return give_up(s);
	}
	assert(s->stage == SESSION_READY && (s->keyless || s->kid != NULL));
	w.save = s->kid_is_new;
	s->kid_is_new = false;
	return w;
}

const char *
acme_session_kid(const struct acme_session *s)
{
	return s->kid;
}

bool
acme_session_made(const struct acme_session *s)
{
	return s->made;
}

const char *
acme_session_thumbprint(const struct acme_session *s)
{
	return s->thumbprint;
}

const char *
acme_session_terms(const struct acme_session *s)
{
	return s->dir.terms;
}

const char *
acme_session_caps(const struct acme_session *s)
{
	return s->dir.caps != NULL ? s->dir.caps : "";
}

const char *
acme_session_renewal_info(const struct acme_session *s)
{
	return s->dir.renewal_info;
}

const struct strv *
acme_session_issuers(const struct acme_session *s)
{
	return &s->dir.issuers;
}

void
acme_session_account_hash(const struct acme_session *s, const char *ident,
    struct buf *out)
{
	if (s->kid != NULL && s->dir.account_prefix != NULL)
		method_account_hash(out, s->dir.account_prefix, ident,
		    s->thumbprint, s->kid);
}

bool
acme_session_has_profile(const struct acme_session *s, const char *name)
{
	assert(name[0] != '\0');
	return strv_has(&s->dir.profiles, name) != 0;
}

void
acme_session_forget_account(struct acme_session *s)
{
	free(s->kid);
	s->kid = NULL;
}

void
acme_session_forget_directory(struct acme_session *s)
{
	s->has_dir = false;
}
