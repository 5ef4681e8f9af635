/* `everleaf test ca C`: the CA's directory over the wire, what would stop an
 * order here, and a look at our account. It has a session of its own, so it
 * finds nothing that was read before, and leaves that of the orders alone. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/caps.h"
#include "daemon/cas_parts.h"
#include "daemon/engine.h"
#include "daemon/hurdle.h"
#include "daemon/json.h"
#include "daemon/loop.h"

enum { TEST_LINE = 2048 };

struct ca_test {
	struct ca *ca;
	struct acme_session *session;
	struct acting acting;
	int64_t since_ms;		/* monotonic */
	struct strv lines;
	bool bad;
	void (*done)(void *ctx, const struct strv *lines, bool good,
	    const struct err *err);
	void *ctx;
};

static void
test_free(struct ca_test *t)
{
	acme_session_free(t->session);
	strv_free(&t->lines);
	free(t);
}

void
act_test_ca_drop(struct ca_test *t)
{
	if (t == NULL)
		return;
	if (t->acting.http != NULL)
		http_cancel(t->acting.http);
	test_free(t);
}

static void
over(struct ca_test *t)
{
	assert(t->ca->test == t && t->acting.http == NULL);
	t->ca->test = NULL;
	t->done(t->ctx, &t->lines, !t->bad, NULL);
	test_free(t);
}

static void
say_err(struct ca_test *t, const struct err *err)
{
	err_lines(&t->lines, err);
	t->bad = true;
}

/* --- what it said --------------------------------------------------------- */

static void
say_profiles(struct ca_test *t, const json_t *profiles)
{
	struct buf b;
	const char *name;
	json_t *words;

	buf_init(&b, TEST_LINE / 2);
	json_object_foreach((json_t *)(uintptr_t)profiles, name, words)
		buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", name);
	if (b.len > 0)
		strv_addf(&t->lines, TEST_LINE, "profiles: %s", b.data);
	buf_free(&b);
}

static void
say_directory(struct ca_test *t, const json_t *caps)
{
	const char *terms = acme_session_terms(t->session);
	long long ms = (long long)(loop_mono() - t->since_ms);

	assert(ms >= 0);
	strv_addf(&t->lines, TEST_LINE, "%s answers, after %lld.%03lld s",
	    t->ca->conf->directory, ms / 1000, ms % 1000);
	if (terms != NULL)
		strv_addf(&t->lines, TEST_LINE, "terms: %s", terms);
	strv_addf(&t->lines, TEST_LINE, "renewal windows (ARI): %s",
	    json_get_true(caps, "ari") ? "yes" : "no");
	say_profiles(t, json_object_get(caps, "profiles"));
	if (json_get_true(caps, "eab"))
		strv_addf(&t->lines, TEST_LINE, "it binds accounts to those "
		    "that you have with it (eab-kid, eab-key-file)");
}

/* --- what stands in the way ----------------------------------------------- */

static void
say_hurdle(struct ca_test *t, enum hurdle which)
{
	const struct ca *c = t->ca;
	json_t *caps = caps_read(acme_session_caps(t->session));
	struct hurdle_ca h = { .conf = c->conf, .row = &c->row,
		.account = &c->account,
		.terms = acme_session_terms(t->session),
		.eab = json_get_true(caps, "eab") };
	struct err err;

	if (hurdle(which, &h, loop_now(), &err) != 0)
		say_err(t, &err);
	json_decref(caps);
}

static void
say_unknown_profiles(struct ca_test *t)
{
	size_t before = t->lines.n;

	hurdle_profiles(&t->lines, engine_conf(), t->ca->conf,
	    acme_session_caps(t->session));
	if (t->lines.n == before)
		return;
	t->bad = true;
	strv_addf(&t->lines, TEST_LINE, "  Name one that it has, or none.");
}

/* --- our account ---------------------------------------------------------- */

/* It answers, and not only to others: orders may go there again. */
static void
well(struct ca_test *t)
{
	bool closed = ca_closed_until(t->ca) != 0;

	ca_unblock(t->ca);
	ca_worked(t->ca);
	if (closed)
		strv_addf(&t->lines, TEST_LINE, "it had been left alone after "
		    "failures; that is over");
	over(t);
}

static void
looked(void *ctx, const struct err *err)
{
	struct ca_test *t = ctx;

	if (err == NULL) {
		strv_addf(&t->lines, TEST_LINE, "account %s: valid",
		    acme_session_kid(t->session));
		well(t);
		return;
	}
	assert(err->code != ERR_OK);
	if (err->code == ERR_ACCOUNT_DEAD)
		say_hurdle(t, HURDLE_ACCOUNT);
	else if (err->code == ERR_ACCOUNT_UNKNOWN) {
		strv_addf(&t->lines, TEST_LINE, "account %s: the CA does not "
		    "know it any more; the next order registers its key "
		    "again", acme_session_kid(t->session));
		say_hurdle(t, HURDLE_BINDING);
		well(t);
		return;
	} else
		say_err(t, err);
	over(t);
}

static void
look(struct ca_test *t)
{
	if (acme_session_kid(t->session) != NULL)
		ca_look(t->ca, t->session, looked, t);
	else {
		strv_addf(&t->lines, TEST_LINE, "no account yet: the first "
		    "order makes one");
		well(t);
	}
}

/* With another key it would be another account, and ours would seem dead. */
static void
token_said(void *ctx, void *answer, const struct err *err)
{
	const struct w_key *key = answer;
	struct ca_test *t = ctx;
	const struct blob *ours = &t->ca->account.spki;

	if (err != NULL) {
		say_err(t, err);
		over(t);
		return;
	}
	if (acme_session_kid(t->session) != NULL &&
	    (ours->len != key->spki.len ||
	    memcmp(ours->p, key->spki.p, ours->len) != 0)) {
		strv_addf(&t->lines, TEST_LINE, "the token has another key "
		    "than that of our account: the next order asks for the "
		    "account of this one");
		well(t);
		return;
	}
	strv_addf(&t->lines, TEST_LINE, "the token has the account's key");
	look(t);
}

static void
account(struct ca_test *t)
{
	struct w_token_key m = { t->ca->conf->title };
	struct err unused;

	assert(!acme_session_made(t->session));
	if (ca_is_dead(t->ca, &unused)) {
		say_hurdle(t, HURDLE_ACCOUNT);
		over(t);
	} else if (ca_has_token(t->ca))
		peer_ask(WIRE_TOKEN_KEY, &m, token_said, t);
	else
		look(t);
}

/* --- its directory -------------------------------------------------------- */

static void
directory_read(struct ca_test *t)
{
	json_t *caps = caps_read(acme_session_caps(t->session));

	assert(t->acting.http == NULL);
	ca_note_directory(t->ca, t->session);
	say_directory(t, caps);
	json_decref(caps);
	say_hurdle(t, HURDLE_TERMS);
	say_hurdle(t, HURDLE_BINDING);
	say_unknown_profiles(t);
	account(t);
}

static void
step(void *ctx, const struct acme_event *event)
{
	struct ca_test *t = ctx;
	struct acme_wish w;
	struct err err;

	err_clear(&err);
	w = acme_session_step(t->session, loop_now(), event, &err);
	/* Nothing is signed: its account is known, or not asked for. */
	assert(w.kind != ACME_WISH_SIGN);
	if (w.kind == ACME_WISH_HTTP)
		acting_do(&t->acting, &w);
	else if (w.kind == ACME_WISH_DONE)
		directory_read(t);
	else {
		err_context(&err, "%s", t->ca->conf->title);
		say_err(t, &err);
		over(t);
	}
}

static struct acme_session *
session_of(const struct ca *c, struct err *err)
{
	bool known = hurdle_has_account(&c->account);
	struct acme_account a = { .directory_url = c->conf->directory,
		.spki = known ? c->account.spki.p : NULL,
		.spki_len = known ? c->account.spki.len : 0,
		.kid = known ? c->account.kid : NULL, .existing_only = true };

	return acme_session_new(&a, err);
}

static int
may_begin(const struct ca *c, const char *title, struct err *err)
{
	if (c == NULL)
		return err_set(err, ERR_NO_SUCH, "no ca \"%s\"", title);
	if (c->test == NULL)
		return 0;
	err_set(err, ERR_OWN_LIMIT, "%s: a test is under way there already",
	    title);
	return err_advise(err, "Try it again when that is done.");
}

void
act_test_ca(const char *title, void (*done)(void *ctx,
    const struct strv *lines, bool good, const struct err *err), void *ctx)
{
	struct strv none = { NULL, 0 };
	struct ca *c = cas_find(title);
	struct ca_test *t;
	struct err err;

	assert(done != NULL);
	if (may_begin(c, title, &err) != 0) {
		done(ctx, &none, false, &err);
		return;
	}
	t = xcalloc(1, sizeof(*t));
	t->ca = c;
	t->acting.ca = c;
	t->acting.step = step;
	t->acting.ctx = t;
	t->since_ms = loop_mono();
	t->done = done;
	t->ctx = ctx;
	c->test = t;
	t->session = session_of(c, &err);
	if (t->session != NULL) {
		step(t, NULL);
		return;
	}
	err_context(&err, "%s", title);
	say_err(t, &err);
	over(t);
}
