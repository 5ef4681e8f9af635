/* Account and session of each CA, and whether it answers. */
#include <config.h>
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/account_key.h"
#include "daemon/cas_parts.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/hurdle.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/plan.h"

enum { ACCOUNTS_READ = 32, ANYWAY_MS = 10 * 1000 };

static struct {
	struct ca *v;
	size_t n;
} cas;

static void load(struct ca *c);
static void step(void *ctx, const struct acme_event *event);

/* --- wishes that sessions and orders share ----------------------------- */

/* What the wire said, as an event: nothing is judged here. */
static void
http_done(void *ctx, const struct http_reply *r)
{
	static const enum acme_event_kind kinds[] = {
		[HTTP_REPLIED] = ACME_REPLY, [HTTP_NOT_SENT] = ACME_NOT_SENT,
		[HTTP_CUT] = ACME_CUT, [HTTP_LOST] = ACME_LOST
	};
	struct acting *a = ctx;
	struct acme_event e = { .kind = kinds[r->outcome] };

	assert(a->http != NULL && a->wish.kind == ACME_WISH_HTTP);
	a->http = NULL;
	if (r->outcome != HTTP_REPLIED) {
		e.err = &r->err;
	} else {
		e.reply.status = r->status;
		e.reply.content_type = r->content_type;
		e.reply.location = r->location;
		e.reply.retry_after = r->retry_after;
		e.reply.nonce = r->nonce;
		e.reply.doubled = r->doubled;
		e.reply.link = r->link;
		e.reply.body = r->body.p != NULL ? (char *)r->body.p : "";
		e.reply.body_len = r->body.len;
	}
	a->step(a->ctx, &e);
}

static void
exchange(struct acting *a)
{
	static const char *const methods[] = { "GET", "HEAD", "POST" };
	const struct acme_wish *w = &a->wish;
	struct http_request r = { .method = methods[w->method],
		.url = w->url, .accept = w->accept, .body = w->body,
		.reply_max = w->reply_max, .patient = w->patient,
		.trust = a->ca->conf->trust,
		.proxy = a->ca->conf->proxy,
		.version = a->ca->conf->http_version,
		/* A public CA is not on this machine or in its network. */
		.no_inner = a->ca->conf->trust.len == 0 };

	assert(a->http == NULL && w->url != NULL);
	assert((size_t)w->method < sizeof(methods) / sizeof(methods[0]));
	if (w->method == ACME_POST)
		r.content_type = "application/jose+json";
	a->http = http_send(&r, http_done, a);
}

static void
signed_one(void *ctx, void *answer, const struct err *err)
{
	struct acting *a = ctx;
	struct w_jws_done *done = answer;
	struct acme_event e = { .kind = ACME_SIGNED };

	assert(a->wish.kind == ACME_WISH_SIGN);
	if (err != NULL) {
		e.kind = ACME_ERROR;
		e.err = err;
	} else
		e.bytes = done->jws;
	a->step(a->ctx, &e);
}

static char *
loose(const char *s)	/* messages hold char * */
{
	return (char *)(uintptr_t)(s != NULL ? s : "");
}

/* The keeper hears what is to be signed as fields and makes the bytes
 * itself: so it can refuse what no CA may be told. */
static void
sign(struct acting *a)
{
	const struct acme_wish *w = &a->wish;
	const struct row_account *account = &a->ca->account;
	struct w_jws m = { .account = (uint64_t)account->id,
		.sealed = w->jws.signer == JWS_BY_NEXT ?
		    account->next_sealed : account->sealed,
		.what = (uint8_t)w->jws.what,
		.url = loose(w->jws.url), .nonce = loose(w->jws.nonce),
		.kid = loose(w->jws.kid), .agreed = w->jws.agreed,
		.profile = loose(w->jws.profile),
		.replaces = loose(w->jws.replaces),
		.not_before = loose(w->jws.not_before),
		.not_after = loose(w->jws.not_after), .csr = w->jws.csr,
		.existing = w->jws.existing, .eab = loose(NULL),
		.eab_kid = loose(w->jws.eab_kid), .leaf = w->jws.cert,
		.reason = w->jws.reason,
		.by_cert = w->jws.signer == JWS_BY_CERT };

	assert(a->wish.kind == ACME_WISH_SIGN && account->id != 0);
	assert(w->jws.signer != JWS_BY_CERT || a->cert != NULL);
	if (w->jws.contacts != NULL)
		m.contacts = *w->jws.contacts;
	if (w->jws.names != NULL)
		m.names = *w->jws.names;
	if (m.eab_kid[0] != '\0')
		m.eab = a->ca->conf->title;
	if (w->jws.what == JWS_KEY_CHANGE)
		m.next = account->next_sealed;
	if (a->cert != NULL) {
		m.cert = a->cert->id;
		m.version = a->cert->version;
	}
	/* The token can't look into a certificate's key. */
	if (a->cert != NULL && !ca_has_token(a->ca))
		m.cert_sealed = a->cert->sealed;
	peer_ask(ca_has_token(a->ca) ? WIRE_TOKEN_JWS : WIRE_JWS, &m,
	    signed_one, a);
}

static void
carry_out(void *ctx)
{
	struct acting *a = ctx;

	assert(a->wish.kind == ACME_WISH_HTTP ||
	    a->wish.kind == ACME_WISH_SIGN);
	if (a->wish.kind == ACME_WISH_HTTP)
		exchange(a);
	else
		sign(a);
}

void
acting_do(struct acting *a, const struct acme_wish *w)
{
	assert(a->http == NULL && a->step != NULL);
	assert(w->kind == ACME_WISH_HTTP || w->kind == ACME_WISH_SIGN);
	a->wish = *w;
	turn_after(carry_out, a);
}

/* --- the breaker ------------------------------------------------------- */

int64_t
ca_closed_until(const struct ca *c)
{
	return hurdle_closed_until(&c->row, loop_now());
}

bool
ca_asked_anyway(struct ca *c)
{
	int64_t now = loop_mono();

	if (c->anyway_ms != 0 && now - c->anyway_ms < ANYWAY_MS)
		return false;
	c->anyway_ms = now > 0 ? now : 1;
	return true;
}

const char *
ca_why_closed(const struct ca *c)
{
	return c->row.error;
}

void
ca_say(const struct ca *c, const char *event, const struct err *err)
{
	struct happening h = { .event = event, .text = c->conf->title,
		.err = err };

	assert(strncmp(event, "ca.", 3) == 0);
	turn_event(&h);
}

static void
save_row(struct ca *c, const char *state)
{
	assert(state != NULL && c->row.name != NULL);
	if (strcmp(c->row.state, state) != 0) {
		row_text(&c->row.state, state);
		c->row.since_ms = loop_now();
	}
	batch_put(turn_batch(), T_CA, &c->row);
}

/* A CA that asks for patience gets it from all, but in small pieces: one that
 * is well again after a minute must not lose every certificate to one answer
 * of a bad minute. */
static int64_t
closes_until(const struct ca *c, const struct err *err)
{
	int64_t now = loop_now();

	if (err->retry_at_ms <= now)
		return now + plan_breaker(c->row.failures, 0, chance_luck());
	return err->retry_at_ms < now + HURDLE_CLOSED_MAX_MS ?
	    err->retry_at_ms : now + HURDLE_CLOSED_MAX_MS;
}

static void
close_for_a_while(struct ca *c, const struct err *err)
{
	struct err unused;
	bool first;

	assert(err->code != ERR_OK);
	if (ca_is_dead(c, &unused))
		return;
	/* Many orders fail at the same moment: that is one failure. */
	if (c->row.failures > 0 && ca_closed_until(c) != 0)
		return;
	first = c->row.failures++ == 0;
	c->row.retry_at_ms = closes_until(c, err);
	set_error(&c->row.error, err);
	save_row(c, "down");
	assert(ca_closed_until(c) != 0);
	if (first)
		ca_say(c, "ca.down", err);
}

/* Trouble of the CA itself, as against the trouble of one order. */
void
ca_failed(struct ca *c, const struct err *err)
{
	if (err->code == ERR_CA_DOWN || err->code == ERR_CA_TLS)
		close_for_a_while(c, err);
}

void
ca_worked(struct ca *c)
{
	struct err unused;

	if (ca_is_dead(c, &unused) || (c->row.failures == 0 &&
	    strcmp(c->row.state, "reachable") == 0))
		return;
	if (c->row.failures > 0 || strcmp(c->row.state, "blocked") == 0)
		ca_say(c, "ca.up", NULL);
	c->row.failures = c->row.retry_at_ms = 0;
	set_error(&c->row.error, NULL);
	save_row(c, "reachable");
}

/* It answers, but not to us: a person has to do something about the account. */
void
ca_block(struct ca *c, const struct err *err)
{
	bool news = strcmp(c->row.state, "blocked") != 0;

	assert(err->code != ERR_OK);
	c->row.failures = c->row.retry_at_ms = 0;
	set_error(&c->row.error, err);
	save_row(c, "blocked");
	if (news)
		ca_say(c, "ca.blocked", err);
}

/* --- session ----------------------------------------------------------- */

/* Who waits anew, from within, waits for the next time. */
void
ca_tell_waiters(struct ca *c, const struct err *err)
{
	struct waiter *w = c->waiters, *next;

	c->waiters = NULL;
	for (; w != NULL; w = next) {
		next = w->next;
		w->done(w->ctx, err);
		free(w);
	}
}

/* Who needs the account hears that it is dead; who does not waits on. */
static void
tell_dead(struct ca *c, const struct err *err)
{
	struct waiter **at = &c->waiters, *w, *told = NULL;

	while ((w = *at) != NULL)
		if (w->without)
			at = &w->next;
		else {
			*at = w->next;
			w->next = told;
			told = w;
		}
	while ((w = told) != NULL) {
		assert(!w->without);
		told = w->next;
		w->done(w->ctx, err);
		free(w);
	}
}

void
ca_note_directory(struct ca *c, const struct acme_session *s)
{
	const char *caps = acme_session_caps(s);
	const char *terms = acme_session_terms(s);

	assert(c->row.name != NULL);
	if (*caps == '\0' || (strcmp(ca_caps(c), caps) == 0 &&
	    (terms == NULL || strcmp(c->row.terms, terms) == 0)))
		return;
	row_text(&c->row.caps, caps);
	if (terms != NULL)
		row_text(&c->row.terms, terms);
	save_row(c, c->row.state);
}

/* An account that is known by now is written down before any order uses it. */
static void
session_ready(struct ca *c)
{
	const char *kid = acme_session_kid(c->session);
	struct err dead;

	assert(c->session != NULL && !c->stepping);
	ca_note_directory(c, c->session);
	if (kid != NULL && strcmp(c->account.kid, kid) != 0) {
		row_text(&c->account.kid, kid);
		row_text(&c->account.status, "valid");
		row_text(&c->account.eab_kid, c->conf->eab_kid);
		row_text(&c->account.contacts, "");
		c->account.intent_ms = 0;
		ca_save_account(c);
	}
	if (ca_is_dead(c, &dead))
		tell_dead(c, &dead);
	else
		ca_unblock(c);
	/* A session that was fresh proves nothing about the CA. */
	if (c->asked)
		ca_worked(c);
	c->asked = false;
	if (!ca_settles(c))
		ca_tell_waiters(c, NULL);
}

static void
session_failed(struct ca *c, struct err *err)
{
	assert(err->code != ERR_OK);
	c->asked = false;
	err_context(err, "%s", c->conf->title);
	/* Nonsense in the directory is everybody's trouble. */
	if (err->code == ERR_CA_PROTOCOL)
		close_for_a_while(c, err);
	ca_failed(c, err);
	/* It was nobody's own request. */
	if (ca_closed_until(c) != 0)
		err->retry_at_ms = ca_closed_until(c);
	if (err->code == ERR_ACCOUNT_DEAD)
		ca_account_dead(c, err);
	ca_tell_waiters(c, err);
}

static void
step(void *ctx, const struct acme_event *event)
{
	struct ca *c = ctx;
	struct err err;
	struct acme_wish w;

	assert(c->session != NULL);
	err_clear(&err);
	w = acme_session_step(c->session, loop_now(), event, &err);
	c->stepping = w.kind == ACME_WISH_HTTP || w.kind == ACME_WISH_SIGN;
	c->asked = c->asked || c->stepping;
	switch (w.kind) {
	case ACME_WISH_HTTP:
	case ACME_WISH_SIGN:
		if (w.save) {
			c->account.intent_ms = loop_now();
			ca_save_account(c);
		}
		acting_do(&c->acting, &w);
		break;
	case ACME_WISH_DONE:
		session_ready(c);
		break;
	case ACME_WISH_FAIL:
		session_failed(c, &err);
		break;
	default:
		assert(!"a session has no such wish");
	}
}

/* One that was begun before a crash asks for its account before it makes
 * one. */
static int
make_session(struct ca *c, struct err *err)
{
	struct acme_account a = { .directory_url = c->conf->directory,
		.spki = c->account.spki.p, .spki_len = c->account.spki.len,
		.kid = c->account.kid[0] != '\0' ? c->account.kid : NULL,
		.contacts = &c->contacts, .agree_tos = c->conf->agree_tos,
		.eab_kid = c->conf->eab_kid,
		.begun = c->account.intent_ms != 0 };

	assert(c->session == NULL && c->account.id != 0);
	c->session = acme_session_new(&a, err);
	return c->session != NULL ? 0 : -1;
}

static void
have_account(struct ca *c)
{
	struct err err;

	assert(c->account.id != 0);
	if (c->session == NULL && make_session(c, &err) != 0) {
		session_failed(c, &err);
		return;
	}
	step(c, NULL);
}

static void
key_made(void *ctx, void *answer, const struct err *err)
{
	struct ca *c = ctx;
	struct w_key *key = answer;
	struct err why;

	assert(c->account.id != 0 && c->account.sealed.len == 0);
	c->stepping = false;
	if (err != NULL) {
		why = *err;
		err_context(&why, "account key for %s", c->conf->title);
		row_free(T_ACCOUNT, &c->account);
		memset(&c->account, 0, sizeof(c->account));
		ca_tell_waiters(c, &why);
		return;
	}
	c->account.sealed = key->sealed;
	c->account.spki = key->spki;
	memset(key, 0, sizeof(*key));
	ca_save_account(c);
	have_account(c);
}

static void
make_account(struct ca *c)
{
	struct err err;

	assert(c->loaded && c->account.id == 0 && c->session == NULL);
	c->account.id = chance_id();
	c->account.created_ms = loop_now();
	c->account.kek_id = 1;
	assert(c->account.id > 0);
	row_text(&c->account.ca, c->conf->title);
	row_text(&c->account.directory, c->conf->directory);
	row_text(&c->account.status, "new");
	row_text(&c->account.kid, "");
	if (ca_ask_key(c, "ecdsa-p256", key_made, &err) != 0) {
		session_failed(c, &err);
		return;
	}
	c->stepping = true;
}

static void
rows_read(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct row_account *found;
	struct ca *c = ctx;

	assert(!c->loaded);
	(void)n;
	/* Going on without its account would make a second one. */
	if (err != NULL) {
		log_err(err, "the account at %s can't be read",
		    c->conf->title);
		exit(1);
	}
	c->loaded = true;
	if (answers[0].n > 0) {
		row_free(T_CA, &c->row);
		c->row = *ROWS_AT(&answers[0], row_ca, 0);
		memset(answers[0].v, 0, sizeof(struct row_ca));
	}
	found = account_in_use(&answers[1], c->conf);
	if (found != NULL) {
		c->account = *found;
		memset(found, 0, sizeof(*found));
	}
}

static struct where
equals(const char *col, const char *text)
{
	struct where w = { .col = col, .cmp = CMP_EQ, .text = text };

	return w;
}

static void
load(struct ca *c)
{
	struct query q[2];

	memset(q, 0, sizeof(q));
	q[0].table = T_CA;
	q[0].where[0] = equals("name", c->conf->title);
	q[0].wheres = 1;
	q[1].table = T_ACCOUNT;
	q[1].where[0] = equals("ca", c->conf->title);
	q[1].where[1] = equals("directory", c->conf->directory);
	q[1].wheres = 2;
	q[1].order = "created_ms";
	q[1].descending = true;
	q[1].limit = ACCOUNTS_READ;
	store_read(turn_store(), q, 2, rows_read, c);
}

static void
wait_for(struct ca *c, bool without, void (*done)(void *ctx,
    const struct err *err), void *ctx)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	assert(done != NULL);
	w->done = done;
	w->ctx = ctx;
	w->without = without;
	w->next = c->waiters;
	c->waiters = w;
	ca_go(c);
}

void
ca_ready(struct ca *c, void (*done)(void *ctx, const struct err *err),
    void *ctx)
{
	wait_for(c, false, done, ctx);
}

void
ca_ready_without(struct ca *c, void (*done)(void *ctx,
    const struct err *err), void *ctx)
{
	wait_for(c, true, done, ctx);
}

/* Who needs no account goes on, as long as none has to be asked for. */
static void
go_dead(struct ca *c, const struct err *err)
{
	assert(c->account.id != 0);
	if (c->account.kid[0] == '\0')
		ca_tell_waiters(c, err);
	else {
		tell_dead(c, err);
		if (c->waiters != NULL)
			have_account(c);
	}
}

/* Does what its waiters wait for, unless it is under way. */
void
ca_go(struct ca *c)
{
	struct err err;

	if (c->stepping || ca_is_settling(c))
		return;
	if (ca_has_token(c) && !c->key_known)
		ca_ask_token(c);
	else if (ca_is_dead(c, &err))
		go_dead(c, &err);
	else if (c->account.id == 0)
		make_account(c);
	else
		have_account(c);
}

void
ca_forget(struct ca *c, void *ctx)
{
	struct waiter **at = &c->waiters, *w;

	assert(ctx != NULL);
	while ((w = *at) != NULL)
		if (w->ctx == ctx) {
			*at = w->next;
			free(w);
		} else
			at = &w->next;
}

/* The key stays: with it the CA gives us the same account again, or a new
 * one. */
void
ca_forget_account(struct ca *c)
{
	assert(c->account.id != 0);
	row_text(&c->account.kid, "");
	ca_save_account(c);
	if (c->session != NULL)
		acme_session_forget_account(c->session);
}

void
ca_lost_account(struct ca *c)
{
	if (c->session != NULL)
		ca_forget_account(c);
}

/* --- the table --------------------------------------------------------- */

void
cas_init(void)
{
	const struct conf *conf = engine_conf();
	size_t i, k;

	assert(cas.v == NULL && cas.n == 0);
	cas.v = xcalloc(conf->cas_n, sizeof(*cas.v));
	for (i = 0; i < conf->cas_n; i++) {
		struct ca *c = &cas.v[cas.n++];
		char *contact;

		c->conf = &conf->cas[i];
		c->acting.ca = c;
		c->acting.step = step;
		c->acting.ctx = c;
		c->ref = account_key_ref(c->conf);
		ca_account_init(c);
		ca_room_init(c);
		row_text(&c->row.name, c->conf->title);
		row_text(&c->row.directory, c->conf->directory);
		row_text(&c->row.state, "unknown");
		row_text(&c->row.error, "");
		row_text(&c->row.terms, "");
		row_text(&c->row.caps, "");
		for (k = 0; k < c->conf->email.n; k++) {
			contact = xcalloc(1, strlen(c->conf->email.v[k]) + 8);
			snprintf(contact, strlen(c->conf->email.v[k]) + 8,
			    "mailto:%s", c->conf->email.v[k]);
			strv_add(&c->contacts, contact);
			free(contact);
		}
		load(c);
	}
}

void
cas_fini(void)
{
	size_t i;

	for (i = 0; i < cas.n; i++) {
		struct ca *c = &cas.v[i];

		while (c->waiters != NULL)
			ca_forget(c, c->waiters->ctx);
		assert(c->waiters == NULL);
		ca_room_fini(c);
		if (c->acting.http != NULL)
			http_cancel(c->acting.http);
		ca_account_fini(c);
		acme_session_free(c->session);
		row_free(T_ACCOUNT, &c->account);
		row_free(T_CA, &c->row);
		strv_free(&c->contacts);
		free(c->ref);
	}
	free(cas.v);
	memset(&cas, 0, sizeof(cas));
}

struct ca *
cas_find(const char *title)
{
	size_t i;

	assert(title != NULL);
	for (i = 0; i < cas.n; i++)
		if (strcmp(cas.v[i].conf->title, title) == 0)
			return &cas.v[i];
	return NULL;
}

const struct conf_ca *
ca_conf(const struct ca *c)
{
	return c->conf;
}

struct acme_session *
ca_session(const struct ca *c)
{
	return c->session;
}

const char *
ca_caps(const struct ca *c)
{
	return c->row.caps != NULL ? c->row.caps : "";
}

int64_t
ca_account_id(const struct ca *c)
{
	return c->account.id;
}

int
cas_free(void)
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < cas.n; i++)
		n += cas.v[i].conf->max_orders - cas.v[i].orders;
	assert(n >= 0);
	return n < INT_MAX ? (int)n : INT_MAX;
}
