/* Issuance: an order from its intention to a durable version. The wishes of
 * acme_order_step are carried out here; every state that matters is in the
 * order's row before it is acted upon. Job RENEW. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/budget.h"
#include "daemon/cas.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/plan.h"
#include "daemon/proof.h"
#include "daemon/sched.h"

enum {
	HOLD_MS = 60 * 1000,	/* waits up to this stay in memory */
	FULL_AGAIN_MS = 2000,
	ORDER_AGE_MS = 7 * 24 * 3600 * 1000
};

/* An order under way. */
struct issue {
	struct row_order row;
	struct conf_wish wish;
	char *name;
	int64_t lifetime_ms;		/* of the version before */
	struct ca *ca;
	struct acme_order *order;
	struct acting acting;
	struct loop_timer *timer;
	struct acme_wish peer_wish;	/* for the keeper */
	struct proof *proofs;
	struct proof *proof;		/* of the wish under way */
	struct issue *next;
};

/* A challenge that is out there, or about to be. */
struct proof {
	struct row_challenge *row;
	struct proof *next;
};

static struct issue *issues;

static void step(void *ctx, const struct acme_event *event);

int
job_renew_room(void)
{
	return cas_room();
}

static struct proof *
proof_add(struct issue *s, const struct row_challenge *row)
{
	struct proof *p = xcalloc(1, sizeof(*p));

	p->row = row_copy(T_CHALLENGE, row);
	p->next = s->proofs;
	s->proofs = p;
	return p;
}

static void
proof_drop(struct issue *s, struct proof *p)
{
	struct proof **at = &s->proofs;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	row_free(T_CHALLENGE, p->row);
	free(p->row);
	free(p);
}

static void
issue_free(struct issue *s)
{
	struct issue **at = &issues;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	ca_forget(s->ca, s);
	ca_leave(s->ca);
	while (s->proofs != NULL)
		proof_drop(s, s->proofs);
	acme_order_free(s->order);
	loop_timer_free(s->timer);
	conf_wish_free(&s->wish);
	row_free(T_ORDER, &s->row);
	free(s->name);
	free(s);
}

static void
save(struct issue *s)
{
	struct buf b;

	buf_init(&b, 4 * ACME_JSON_MAX);
	acme_order_save(s->order, &b);
	free(s->row.state);
	s->row.state = buf_take(&b);
	row_text(&s->row.stage, acme_order_stage(s->order));
	s->row.changed_ms = loop_now();
	batch_put(turn_batch(), T_ORDER, &s->row);
}

/* --- the end of an attempt --------------------------------------------- */

/* The challenges that are still out there are taken down by a job. */
static void
drop_order(struct issue *s)
{
	batch_del(turn_batch(), T_ORDER, &s->row);
	sched_put(JOB_UNDO, s->row.cert_id, loop_now());
}

/* The order itself lives on at the CA and is taken up again. */
static bool
order_survives(const struct issue *s)
{
	return loop_now() - s->row.created_ms <= ORDER_AGE_MS &&
	    !acme_order_over(s->order);
}

/* A CA may ask for patience, but not past the end: at most 7 days, an eighth
 * of what is left, an hour at least (security.md C6). */
static int64_t
within_reason(int64_t at, const struct row_cert *c)
{
	int64_t most = 7 * CONF_DAY, left;

	if (c->newest > 0) {
		left = (c->not_after_ms - loop_now()) / 8;
		left = left > CONF_HOUR ? left : CONF_HOUR;
		most = left < most ? left : most;
	}
	return at < loop_now() + most ? at : loop_now() + most;
}

/* When and how this certificate is tried again. */
static int64_t
after_failure(struct row_cert *c, const struct issue *s,
    const struct err *err)
{
	int64_t now = loop_now(), at = ca_closed_until(s->ca);
	bool passes = err->class == ERR_LATER;

	if (engine_own_trouble(err)) {
		row_text(&c->iss_state, "waiting");
		return c->iss_next_try_ms = now + plan_own_trouble(1,
		    s->lifetime_ms);
	}
	if (!passes || at == 0)
		c->iss_failures++;
	if (at == 0)
		at = now + plan_backoff(c->iss_failures, s->lifetime_ms,
		    chance_luck());
	else
		at += (int64_t)(chance_luck() % 1000);
	if (err->retry_at_ms > at)
		at = within_reason(err->retry_at_ms, c);
	row_text(&c->iss_state, passes ? "waiting" :
	    err->code == ERR_CA_BLOCKED ? "blocked" : "failing");
	c->iss_next_try_ms = at;
	return at;
}

struct ending {
	struct issue *issue;
	struct err err;
};

static void
record_failure(void *ctx, struct bundle *b, const struct err *store_err)
{
	struct ending *e = ctx;
	struct issue *s = e->issue;
	struct happening h = { .event = "order.failed", .name = s->name,
		.cert_id = s->row.cert_id, .cause = s->row.cause,
		.err = &e->err };
	struct row_cert *c;
	int64_t at = loop_now() + CONF_MINUTE;

	if (store_err == NULL && b->cert != NULL) {
		c = row_copy(T_CERT, b->cert);
		at = after_failure(c, s, &e->err);
		set_error(&c->iss_error, &e->err);
		batch_put(turn_batch(), T_CERT, c);
		if (e->err.class == ERR_LATER)
			h.event = "order.waiting";
		row_free(T_CERT, c);
		free(c);
	}
	turn_event(&h);
	/* That it failed and was told is part of its state: taken up again it
	 * starts from what the CA says then. */
	if (order_survives(s))
		save(s);
	else
		drop_order(s);
	engine_touch(s->row.cert_id);
	sched_later(JOB_RENEW, s->row.cert_id, at);
	issue_free(s);
	free(e);
}

static void
fail(struct issue *s, const struct err *err)
{
	struct ending *e = xcalloc(1, sizeof(*e));

	e->issue = s;
	e->err = *err;
	if (err->code == ERR_ACCOUNT_UNKNOWN)
		ca_lost_account(s->ca);
	/* What the CA refuses it has answered; what is odd about one order is
	 * no reason to leave the CA alone with all others. */
	if (acme_order_over(s->order))
		ca_worked(s->ca);
	else if (err->code != ERR_CA_PROTOCOL)
		ca_failed(s->ca, err);
	bundle_by_id(turn_store(), s->row.cert_id, record_failure, e);
}

/* --- success ----------------------------------------------------------- */

static void
put_version(const struct issue *s, const struct acme_wish *w,
    const struct acme_leaf *leaf)
{
	struct row_chain chain = { NULL, w->chain };
	struct row_version v = { .cert_id = s->row.cert_id,
		.version = s->row.version, .sealed = s->row.sealed,
		.kek_id = s->row.kek_id, .seal_format = 1,
		.key_type = s->wish.key_type, .leaf = w->leaf,
		.serial = (char *)(uintptr_t)leaf->serial,
		.sha256 = (char *)(uintptr_t)leaf->sha256,
		.spki_sha256 = (char *)(uintptr_t)leaf->spki_sha256,
		.issuer = (char *)(uintptr_t)leaf->issuer,
		.ari_id = (char *)(uintptr_t)leaf->ari_id,
		.not_before_ms = leaf->not_before_ms,
		.not_after_ms = leaf->not_after_ms, .issued_ms = loop_now(),
		.ca = s->row.ca, .test_ca = leaf->test_ca ||
		    ca_conf(s->ca)->test_ca };
	char key[65];

	v.names = lines_of(&leaf->names);
	if (w->chain.len > 0) {
		acme_digest_hex(key, w->chain.p, w->chain.len);
		chain.sha256 = v.chain = key;
		batch_put(turn_batch(), T_CHAIN, &chain);
	}
	batch_put(turn_batch(), T_VERSION, &v);
	budget_spend(s->row.ca, &leaf->names);
	free(v.names);
}

static void
mark_current(const struct bundle *b, const struct acme_leaf *leaf)
{
	size_t i;

	for (i = 0; i < b->idents.n; i++) {
		struct row_ident row = *ROWS_AT(&b->idents, row_ident, i);

		row.current = strv_has(&leaf->names, row.value);
		if (row.wanted || row.current)
			batch_put(turn_batch(), T_IDENT, &row);
		else
			batch_del(turn_batch(), T_IDENT, &row);
	}
}

struct success {
	struct issue *issue;
	struct acme_leaf leaf;
};

/* The wish has changed while the order was under way. */
static bool
wants_others(const struct row_cert *c, const struct issue *s)
{
	struct conf_wish now = engine_wish(c);
	bool differs = !strv_same(&now.names, &s->wish.names) ||
	    strcmp(now.ca, s->wish.ca) != 0;

	conf_wish_free(&now);
	return differs;
}

static void
record_success(void *ctx, struct bundle *b, const struct err *err)
{
	struct success *k = ctx;
	struct issue *s = k->issue;
	struct happening h = { .event = "version.issued", .name = s->name,
		.cert_id = s->row.cert_id, .version = s->row.version,
		.cause = s->row.cause, .text = s->row.ca };
	struct row_cert *c;
	int64_t at = loop_now(), soon;
	bool refused;

	if (err == NULL && b->cert != NULL) {
		c = row_copy(T_CERT, b->cert);
		c->newest = s->row.version;
		c->next_version = s->row.version + 1;
		c->iss_failures = c->iss_next_try_ms = c->renew_forced = 0;
		row_text(&c->iss_state, "idle");
		set_error(&c->iss_error, NULL);
		at = plan_renewal(k->leaf.not_before_ms, k->leaf.not_after_ms,
		    s->wish.renew_before_ms, chance_luck(), &refused);
		soon = loop_now() + (k->leaf.not_after_ms - loop_now()) / 4;
		if (at < soon)	/* a clock that is wrong orders no second */
			at = soon;
		row_text(&c->renew_reason, "lifetime");
		if (wants_others(c, s)) {
			at = loop_now();
			row_text(&c->renew_reason, "names");
		}
		c->renew_at_ms = at;
		if (refused)
			h.text = "renew-before is more than 2/3 of the "
			    "lifetime; the default is used";
		batch_put(turn_batch(), T_CERT, c);
		mark_current(b, &k->leaf);
		row_free(T_CERT, c);
		free(c);
	}
	turn_event(&h);
	batch_del(turn_batch(), T_ORDER, &s->row);
	sched_put(JOB_INSTALL, s->row.cert_id, loop_now());
	sched_put(JOB_UNDO, s->row.cert_id, loop_now());
	engine_touch(s->row.cert_id);
	sched_later(JOB_RENEW, s->row.cert_id, at);
	ca_worked(s->ca);
	strv_free(&k->leaf.names);
	free(k);
	issue_free(s);
}

static void
succeed(struct issue *s, const struct acme_wish *w)
{
	struct success *k = xcalloc(1, sizeof(*k));
	struct err err;

	k->issue = s;
	if (acme_leaf_read(&k->leaf, w->leaf.p, w->leaf.len, &err) != 0) {
		free(k);
		fail(s, &err);
		return;
	}
	put_version(s, w, &k->leaf);
	bundle_by_id(turn_store(), s->row.cert_id, record_success, k);
}

/* --- wishes for the keeper --------------------------------------------- */

static void
peer_error(struct issue *s, const struct err *err)
{
	struct acme_event e = { .kind = ACME_ERROR, .err = err };

	step(s, &e);
}

static void
csr_made(void *ctx, void *answer, const struct err *err)
{
	struct issue *s = ctx;
	struct w_csr_done *m = answer;
	struct acme_event e = { .kind = ACME_CSR_MADE };

	if (err != NULL) {
		peer_error(s, err);
		return;
	}
	blob_free(&s->row.sealed);
	blob_free(&s->row.spki);
	s->row.sealed = m->sealed;
	s->row.spki = m->spki;
	memset(&m->sealed, 0, sizeof(m->sealed));
	memset(&m->spki, 0, sizeof(m->spki));
	acme_order_set_spki(s->order, s->row.spki.p, s->row.spki.len);
	e.bytes = m->csr;
	step(s, &e);
}

static void
ask_csr(void *ctx)
{
	struct issue *s = ctx;
	struct w_csr m = { .cert = (uint64_t)s->row.cert_id,
		.version = (uint32_t)s->row.version, .alg = s->wish.key_type,
		.sealed = s->row.sealed, .names = *s->peer_wish.names };

	peer_ask(WIRE_CSR, &m, csr_made, s);
}

/* --- proofs ------------------------------------------------------------ */

static void
published(void *ctx, const struct err *err)
{
	struct acme_event e = { .kind = ACME_PUBLISHED };

	if (err != NULL)
		peer_error(ctx, err);
	else
		step(ctx, &e);
}

static void
publish_planned(void *ctx)
{
	struct issue *s = ctx;

	proof_publish(s->proof->row, published, s);
}

/* How to take it down again is durable before it is put up. */
static void
planned(void *ctx, const struct err *err)
{
	struct issue *s = ctx;

	if (err != NULL) {
		proof_drop(s, s->proof);
		peer_error(s, err);
		return;
	}
	batch_put(turn_batch(), T_CHALLENGE, s->proof->row);
	turn_after(publish_planned, s);
}

static struct row_challenge
challenge_of(const struct issue *s, const struct acme_wish *w)
{
	struct row_challenge row = { .cert_id = s->row.cert_id,
		.ident = (char *)(uintptr_t)w->ident,
		.type = (char *)(uintptr_t)w->challenge,
		.token = (char *)(uintptr_t)w->token,
		.keyauth = (char *)(uintptr_t)w->keyauth,
		.published_ms = loop_now() };

	return row;
}

static struct proof *
proof_of(const struct issue *s, const struct acme_wish *w)
{
	struct proof *p;

	for (p = s->proofs; p != NULL; p = p->next)
		if (strcmp(p->row->ident, w->ident) == 0 &&
		    strcmp(p->row->type, w->challenge) == 0 &&
		    strcmp(p->row->token, w->token) == 0)
			break;
	return p;
}

static void
publish(struct issue *s, const struct acme_wish *w)
{
	struct row_challenge row = challenge_of(s, w);

	s->proof = proof_of(s, w);
	if (s->proof == NULL)
		s->proof = proof_add(s, &row);
	proof_plan(s->proof->row, &s->wish, planned, s);
}

static void
withdrawn(void *ctx, const struct err *err)
{
	struct issue *s = ctx;
	struct acme_event e = { .kind = ACME_WITHDRAWN };

	/* What stays up is taken down by a job after the order. */
	if (err == NULL && s->proof != NULL) {
		batch_del(turn_batch(), T_CHALLENGE, s->proof->row);
		proof_drop(s, s->proof);
	}
	s->proof = NULL;
	step(s, &e);
}

static void
ask_withdraw(void *ctx)
{
	struct issue *s = ctx;

	if (s->proof != NULL)
		proof_withdraw(s->proof->row, withdrawn, s);
	else
		withdrawn(s, NULL);
}

/* --- driving the order ------------------------------------------------- */

static void
time_came(void *ctx)
{
	struct acme_event e = { .kind = ACME_TIME };

	step(ctx, &e);
}

/* Short waits stay here; a long one leaves memory, its order row resumes it. */
static void
wait_until(struct issue *s, int64_t at_ms)
{
	if (at_ms - loop_now() <= HOLD_MS) {
		if (s->timer == NULL)
			s->timer = loop_timer_new(time_came, s);
		loop_timer_after(s->timer, at_ms - loop_now());
		return;
	}
	s->row.wait_until_ms = at_ms;
	save(s);
	sched_later(JOB_RENEW, s->row.cert_id, at_ms);
	issue_free(s);
}

static void
do_wish(struct issue *s, const struct acme_wish *w)
{
	s->peer_wish = *w;
	switch (w->kind) {
	case ACME_WISH_HTTP:
	case ACME_WISH_SIGN:
		acting_do(&s->acting, w);
		break;
	case ACME_WISH_CSR:
		turn_after(ask_csr, s);
		break;
	case ACME_WISH_PUBLISH:
		publish(s, w);
		break;
	case ACME_WISH_WITHDRAW:
		s->proof = proof_of(s, w);
		turn_after(ask_withdraw, s);
		break;
	case ACME_WISH_WAIT:
		wait_until(s, w->at_ms);
		break;
	case ACME_WISH_DONE:
		succeed(s, w);
		break;
	case ACME_WISH_FAIL:
		assert(!"handled by the caller");
	}
}

static void
step(void *ctx, const struct acme_event *event)
{
	struct issue *s = ctx;
	struct acme_wish w;
	struct err err;

	err_clear(&err);
	w = acme_order_step(s->order, ca_session(s->ca), loop_now(), event,
	    &err);
	log_debug("%s: %s", s->name, acme_order_stage(s->order));
	if (w.kind == ACME_WISH_FAIL) {
		fail(s, &err);
		return;
	}
	if (w.save && w.kind != ACME_WISH_DONE)
		save(s);
	do_wish(s, &w);
}

static void
ca_answered(void *ctx, const struct err *err)
{
	if (err != NULL)
		fail(ctx, err);
	else
		step(ctx, NULL);
}

static void
intention_durable(void *ctx)
{
	struct issue *s = ctx;

	ca_ready(s->ca, ca_answered, s);
}

/* --- the beginning ----------------------------------------------------- */

static struct acme_order *
new_order(const struct issue *s)
{
	struct acme_want want = { .names = &s->wish.names,
		.challenges = &s->wish.challenge, .profile = "",
		.replaces = "" };

	return acme_order_new(&want);
}

static int
load_order(struct issue *s, const struct row_order *old)
{
	struct row_order *copy;
	struct err err;

	s->order = acme_order_load(old->state, strlen(old->state), &err);
	if (s->order == NULL) {
		log_err(&err, "%s: its order is given up", s->name);
		return -1;
	}
	copy = row_copy(T_ORDER, old);
	s->row = *copy;
	free(copy);
	return 0;
}

static void
first_row(struct issue *s, const struct row_cert *c)
{
	s->row.cert_id = c->id;
	s->row.version = c->next_version;
	s->row.kek_id = 1;
	s->row.created_ms = loop_now();
	row_text(&s->row.ca, s->wish.ca);
	row_text(&s->row.cause, c->renew_forced ? "asked" :
	    c->newest == 0 ? "new" : strcmp(c->renew_reason, "names") == 0 ?
	    "names" : "renewal");
	s->row.names = lines_of(&s->wish.names);
}

/* The order that was under way, if it still is what is wanted. */
static bool
resumes(struct issue *s, const struct bundle *b)
{
	const struct row_order *old = bundle_order(b);
	struct strv names;
	bool fits;

	if (old == NULL)
		return false;
	names = list_of(old->names);
	fits = strcmp(old->ca, s->wish.ca) == 0 &&
	    strv_same(&names, &s->wish.names);
	strv_free(&names);
	return fits && load_order(s, old) == 0;
}

static void
begin(const struct bundle *b, struct conf_wish *wish, struct ca *ca)
{
	struct issue *s = xcalloc(1, sizeof(*s));
	struct row_cert *c = row_copy(T_CERT, b->cert);
	struct happening h = { .event = "order.started", .cert_id = c->id,
		.name = c->name };
	size_t i;

	s->wish = *wish;
	s->ca = ca;
	s->name = xstrdup(c->name);
	s->lifetime_ms = engine_lifetime(b);
	s->acting.ca = ca;
	s->acting.step = step;
	s->acting.ctx = s;
	s->next = issues;
	issues = s;
	for (i = 0; i < b->challenges.n; i++)
		proof_add(s, ROWS_AT(&b->challenges, row_challenge, i));
	if (resumes(s, b))
		h.event = "order.resumed";
	else {
		first_row(s, c);
		s->order = new_order(s);
	}
	h.version = s->row.version;
	h.cause = s->row.cause;
	h.text = s->row.ca;
	s->row.account_id = ca_account_id(ca);
	save(s);
	c->iss_last_try_ms = loop_now();
	row_text(&c->iss_state, "ordering");
	batch_put(turn_batch(), T_CERT, c);
	turn_event(&h);
	engine_touch(c->id);
	turn_after(intention_durable, s);
	row_free(T_CERT, c);
	free(c);
}

/* Cannot start now: says so in the row and looks again at `at`. */
static void
put_off(const struct bundle *b, const char *state, const char *error,
    int64_t at)
{
	struct row_cert c = *b->cert;

	c.iss_state = (char *)(uintptr_t)state;
	c.iss_error = (char *)(uintptr_t)error;
	c.iss_next_try_ms = at;
	batch_put(turn_batch(), T_CERT, &c);
	engine_touch(c.id);
	sched_later(JOB_RENEW, c.id, at);
}

static void
refuse(const struct bundle *b, const struct err *err)
{
	char *json = NULL;

	set_error(&json, err);
	put_off(b, "blocked", json, loop_now() + CONF_DAY);
	free(json);
}

static void
start(const struct bundle *b, struct conf_wish *wish)
{
	struct ca *ca = cas_find(wish->ca);
	struct err err;

	if (ca == NULL) {
		err_set(&err, ERR_NO_SUCH, "ca \"%s\" is not in the "
		    "configuration", wish->ca);
		refuse(b, &err);
	} else if (!ca_conf(ca)->agree_tos) {
		err_set(&err, ERR_TOS_NOT_AGREED, "nothing can be ordered: "
		    "agree-tos is not set");
		err_advise(&err, "Read the CA's terms of service and add: "
		    "agree-tos = true");
		refuse(b, &err);
	} else if (ca_closed_until(ca) != 0)
		put_off(b, "waiting", ca_why_closed(ca), ca_closed_until(ca) +
		    (int64_t)(chance_luck() % 1000));
	else if (!ca_enter(ca))
		sched_later(JOB_RENEW, b->cert->id, loop_now() +
		    FULL_AGAIN_MS + (int64_t)(chance_luck() % 1000));
	else {
		begin(b, wish, ca);
		return;
	}
	conf_wish_free(wish);
}

static void
read_bundle(void *ctx, struct bundle *b, const struct err *err)
{
	int64_t id = *(int64_t *)ctx;
	struct conf_wish wish;

	free(ctx);
	if (err != NULL) {
		sched_later(JOB_RENEW, id, loop_now() + CONF_MINUTE);
		return;
	}
	if (b->cert == NULL || b->cert->retired_ms != 0 ||
	    b->cert->paused_ms != 0) {
		sched_done(JOB_RENEW, id);
		return;
	}
	if (bundle_order(b) == NULL && !b->cert->renew_forced &&
	    b->cert->renew_at_ms > loop_now()) {
		sched_later(JOB_RENEW, id, b->cert->renew_at_ms);
		return;
	}
	wish = engine_wish(b->cert);
	start(b, &wish);
}

void
job_renew(int64_t cert_id)
{
	int64_t *id = xmemdup(&cert_id, sizeof(cert_id));

	bundle_by_id(turn_store(), cert_id, read_bundle, id);
}

void
job_renew_fini(void)
{
	while (issues != NULL) {
		if (issues->acting.http != NULL)
			http_cancel(issues->acting.http);
		issue_free(issues);
	}
}
