/* Another key for the same account. What the CA did with a request whose
 * answer was lost is asked before anything is repeated: a look at the account
 * with the next key, then with the old one. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/account.h"
#include "acme/session.h"

enum stage { CHANGE, LOOK_NEXT, LOOK_OLD };

struct acme_rollover {
	enum stage stage;
	struct post post;
	int lost;
};

enum verdict { GO_ON, ROLLED, FAILED };

struct acme_rollover *
acme_rollover_new(bool again)
{
	struct acme_rollover *r = xcalloc(1, sizeof(*r));

	r->stage = again ? LOOK_NEXT : CHANGE;
	return r;
}

void
acme_rollover_free(struct acme_rollover *r)
{
	if (r == NULL)
		return;
	post_end(&r->post);
	free(r);
}

static int
begin(struct acme_rollover *r, const struct acme_session *s, struct err *err)
{
	struct jws_request q = { .what = JWS_NEW_ACCOUNT, .existing = true,
		.url = s->dir.new_account,
		.signer = r->stage == LOOK_NEXT ? JWS_BY_NEXT :
		    JWS_BY_ACCOUNT };

	assert(s->has_dir && s->kid != NULL);
	assert(!post_is_busy(&r->post));
	if (s->dir.key_change == NULL) {
		err_set(err, ERR_CA_REFUSED, "another key for the account: "
		    "the CA's directory has no address for it");
		return err_advise(err, "This CA does not change keys: make a "
		    "new account instead.");
	}
	if (r->stage == CHANGE)
		q = (struct jws_request){ .what = JWS_KEY_CHANGE,
		    .url = s->dir.key_change, .kid = s->kid };
	post_begin(&r->post, r->stage == CHANGE ?
	    "another key for the account" : r->stage == LOOK_NEXT ?
	    "the account's next key" : "the account's key", &q, NULL,
	    ACME_JSON_MAX, r->stage == CHANGE);
	return 0;
}

/* --- answers -------------------------------------------------------------- */

static enum verdict
taken(struct err *err)
{
	err_set(err, ERR_CA_REFUSED, "another key for the account: the CA "
	    "knows that key from another account");
	err_advise(err, "Begin again: a new key is made.");
	return FAILED;
}

/* The CA found an account by the key that was tried. */
static enum verdict
found(struct acme_rollover *r, const struct acme_session *s,
    const struct acme_reply *reply, struct err *err)
{
	bool ours = reply->location != NULL &&
	    strcmp(reply->location, s->kid) == 0;

	assert(r->stage != CHANGE);
	if (r->stage == LOOK_NEXT)
		return ours ? ROLLED : taken(err);
	if (ours) {
		r->stage = CHANGE;
		return GO_ON;
	}
	err_set(err, ERR_CA_PROTOCOL, "the account's key: the CA knows it "
	    "from another account than ours");
	return FAILED;
}

/* There is no account with the key that was tried. */
static enum verdict
not_found(struct acme_rollover *r, struct err *err)
{
	assert(r->stage != CHANGE);
	if (r->stage == LOOK_NEXT) {
		r->stage = LOOK_OLD;
		return GO_ON;
	}
	err_set(err, ERR_ACCOUNT_UNKNOWN, "the account: the CA knows neither "
	    "its key nor the next one");
	err_advise(err, "The same key is registered again by itself.");
	return FAILED;
}

static enum verdict
refused(struct acme_rollover *r, const struct acme_session *s,
    const struct acme_reply *reply, struct err *err)
{
	const struct problem *p = &r->post.problem;
	enum err_code code = problem_request_code(p, r->post.r.what);

	if (r->stage != CHANGE && code == ERR_ACCOUNT_UNKNOWN)
		return not_found(r, err);
	/* RFC 8555 section 7.3.5: whose it is stands in Location. */
	if (r->stage == CHANGE && p->status == 409)
		return reply->location != NULL &&
		    strcmp(reply->location, s->kid) == 0 ? ROLLED : taken(err);
	problem_request_err(p, r->post.r.what, r->post.doing, err);
	if (r->stage == CHANGE && (p->status == 501 || p->status == 404))
		err_advise(err, "This CA does not change keys: make a new "
		    "account instead.");
	return FAILED;
}

static enum verdict
judge(struct acme_rollover *r, const struct acme_session *s,
    enum post_outcome out, const struct acme_event *event, struct err *err)
{
	assert(out != POST_WISHED && (out == POST_LOST || out == POST_UNSENT ||
	    event != NULL));
	if (out == POST_REPLIED)
		return r->stage == CHANGE ? ROLLED :
		    found(r, s, &event->reply, err);
	if (out == POST_REFUSED)
		return refused(r, s, &event->reply, err);
	if (out != POST_LOST || ++r->lost > ACME_LOST_RETRIES_MAX)
		return FAILED;
	if (r->stage == CHANGE)
		r->stage = LOOK_NEXT;
	return GO_ON;
}

struct acme_wish
acme_rollover_step(struct acme_rollover *r, struct acme_session *s,
    int64_t now_ms, const struct acme_event *event, struct err *err)
{
	struct acme_wish w = { .kind = ACME_WISH_FAIL };
	enum verdict verdict = GO_ON;
	enum post_outcome out;

	assert(event == NULL || post_is_busy(&r->post));
	if (event == NULL)
		post_end(&r->post);
	while (verdict == GO_ON) {
		if (!post_is_busy(&r->post) && begin(r, s, err) != 0)
			return w;
		out = post_step(&r->post, s, now_ms, event, &w, err);
		if (out == POST_WISHED)
			return w;
		verdict = judge(r, s, out, event, err);
		post_end(&r->post);
		event = NULL;
	}
	w = (struct acme_wish){ .kind = verdict == ROLLED ? ACME_WISH_DONE :
	    ACME_WISH_FAIL };
	return w;
}
