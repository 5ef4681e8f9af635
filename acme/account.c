/* Acts of one request each. All of them may be repeated when an answer was
 * lost: what was done already is what was wanted. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/act.h"

struct acme_act *
account_act_new(const struct act_kind *kind)
{
	struct acme_act *a = xcalloc(1, sizeof(*a));

	assert(kind->doing != NULL && kind->what >= JWS_NEW_ACCOUNT &&
	    kind->what < JWS_WHAT_COUNT);
	a->kind = kind;
	return a;
}

void
acme_act_free(struct acme_act *a)
{
	if (a == NULL)
		return;
	post_end(&a->post);
	strv_free(&a->contacts);
	free(a->url);
	blob_free(&a->cert);
	free(a);
}

bool
account_act_is(const struct problem *p, const char *type)
{
	return p->kind != NULL && strcmp(p->kind->type, type) == 0;
}

/* By the certificate's own key there is no account in the request: whoever
 * has the key may revoke (RFC 8555 section 7.6). */
static int
begin(struct acme_act *a, const struct acme_session *s, struct err *err)
{
	struct jws_request r = { .what = a->kind->what,
		.contacts = &a->contacts, .cert = a->cert,
		.reason = a->reason,
		.signer = a->by_cert ? JWS_BY_CERT : JWS_BY_ACCOUNT };

	assert(s->has_dir && s->kid != NULL);
	assert(!post_is_busy(&a->post));
	r.kid = a->by_cert ? NULL : s->kid;
	r.url = a->url != NULL ? a->url : a->kind->url == NULL ? s->kid :
	    a->kind->url(s);
	if (r.url == NULL) {
		err_set(err, ERR_CA_REFUSED, "%s: the CA's directory has no "
		    "address for it", a->kind->doing);
		return err_advise(err, "This CA does not offer it.");
	}
	post_begin(&a->post, a->kind->doing, &r, NULL, ACME_JSON_MAX,
	    a->kind->save);
	return 0;
}

static enum act_verdict
judge(struct acme_act *a, enum post_outcome out,
    const struct acme_event *event, struct err *err)
{
	assert(out != POST_WISHED && (out != POST_REPLIED || event != NULL));
	if (out == POST_REPLIED)
		return a->kind->heard != NULL ?
		    a->kind->heard(a, &event->reply, err) : ACT_DONE;
	if (out == POST_LOST && ++a->lost <= ACME_LOST_RETRIES_MAX)
		return ACT_AGAIN;
	if (out != POST_REFUSED)
		return ACT_FAILED;
	if (a->kind->refused != NULL)
		return a->kind->refused(a, &a->post.problem, err);
	problem_request_err(&a->post.problem, a->kind->what, a->kind->doing,
	    err);
	return ACT_FAILED;
}

struct acme_wish
acme_act_step(struct acme_act *a, struct acme_session *s, int64_t now_ms,
    const struct acme_event *event, struct err *err)
{
	struct acme_wish w = { .kind = ACME_WISH_FAIL };
	enum act_verdict verdict = ACT_AGAIN;
	enum post_outcome out;

	assert(event == NULL || post_is_busy(&a->post));
	if (event == NULL)
		post_end(&a->post);
	while (verdict == ACT_AGAIN) {
		if (!post_is_busy(&a->post) && begin(a, s, err) != 0)
			return w;
		out = post_step(&a->post, s, now_ms, event, &w, err);
		if (out == POST_WISHED)
			return w;
		verdict = judge(a, out, event, err);
		post_end(&a->post);
		event = NULL;
	}
	w = (struct acme_wish){ .kind = verdict == ACT_DONE ? ACME_WISH_DONE :
	    ACME_WISH_FAIL };
	return w;
}

/* --- contacts ------------------------------------------------------------- */

struct acme_act *
acme_contacts_new(const struct strv *contacts)
{
	static const struct act_kind kind = { "the account's contacts",
		JWS_UPDATE_ACCOUNT, false, NULL, NULL, NULL };
	struct acme_act *a = account_act_new(&kind);

	assert(contacts != NULL);
	a->contacts = strv_copy(contacts);
	return a;
}

/* --- a look at it --------------------------------------------------------- */

static enum act_verdict
dead(const char *status, struct err *err)
{
	assert(status != NULL);
	err_set(err, ERR_ACCOUNT_DEAD, "the account: the CA has closed it "
	    "(\"%s\")", status);
	problem_advise(err);
	return ACT_FAILED;
}

static enum act_verdict
heard_look(struct acme_act *a, const struct acme_reply *reply,
    struct err *err)
{
	enum account_status status = ACCOUNT_VALID;

	if (codec_want_json(reply, a->kind->doing, err) != 0 ||
	    codec_account(&status, reply->body, reply->body_len, err) != 0)
		return ACT_FAILED;
	return status == ACCOUNT_VALID ? ACT_DONE :
	    dead(status == ACCOUNT_REVOKED ? "revoked" : "deactivated", err);
}

/* To its own key at its own address a CA says that only to a dead one. */
static enum act_verdict
refused_look(struct acme_act *a, const struct problem *p, struct err *err)
{
	problem_request_err(p, JWS_UPDATE_ACCOUNT, a->kind->doing, err);
	return ACT_FAILED;
}

struct acme_act *
acme_account_look_new(void)
{
	static const struct act_kind kind = { "the account", JWS_READ, false,
		NULL, heard_look, refused_look };

	return account_act_new(&kind);
}

/* --- its end -------------------------------------------------------------- */

static enum act_verdict
refused_end(struct acme_act *a, const struct problem *p, struct err *err)
{
	if (account_act_is(p, "unauthorized"))
		return ACT_DONE;
	problem_request_err(p, a->kind->what, a->kind->doing, err);
	return ACT_FAILED;
}

struct acme_act *
acme_deactivate_new(void)
{
	static const struct act_kind kind = { "the end of the account",
		JWS_DEACTIVATE_ACCOUNT, true, NULL, NULL, refused_end };

	return account_act_new(&kind);
}

/* --- the end of an authorization ------------------------------------------ */

struct acme_act *
acme_leave_new(const char *url)
{
	static const struct act_kind kind = { "an authorization that is given "
	    "up", JWS_DEACTIVATE_AUTHZ, false, NULL, NULL, NULL };
	struct acme_act *a = account_act_new(&kind);

	assert(url != NULL && *url != '\0');
	a->url = xstrdup(url);
	return a;
}
