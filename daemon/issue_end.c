/* What came of an order: a version, or when and how it is tried again. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/budget.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/issue.h"
#include "daemon/leave.h"
#include "daemon/plan.h"
#include "daemon/sched.h"
#include "daemon/selfcheck_note.h"
#include "daemon/trial.h"
#include "daemon/view.h"

void
issue_drop_order(const struct row_order *o)
{
	batch_del(turn_batch(), T_ORDER, o);
	sched_put(JOB_UNDO, o->cert_id, loop_now());
}

bool
issue_settle(struct row_cert *c, int64_t not_before_ms, int64_t not_after_ms,
    const struct conf_wish *wish)
{
	bool refused;

	c->renew_at_ms = plan_renewal(not_before_ms, not_after_ms,
	    wish->renew_before_ms, chance_luck(), &refused);
	row_text(&c->renew_reason, "lifetime");
	row_text(&c->iss_state, "idle");
	set_error(&c->iss_error, NULL);
	c->iss_failures = c->iss_next_try_ms = 0;
	return !refused;
}

/* The order itself lives on at the CA and is taken up again. */
static bool
order_survives(const struct issue *s)
{
	return !issue_is_stale(s) && !acme_order_over(s->order);
}

/* A CA may ask for patience, but not past the end: at most 7 days, an eighth
 * of what is left, an hour at least (security.md C6). One that is down knows
 * no better than we when it is up again. */
static int64_t
within_reason(int64_t at, const struct row_cert *c, const struct issue *s,
    enum err_code code)
{
	int64_t most = code != ERR_CA_DOWN ? PLAN_PUT_OFF_MAX_MS :
	    plan_delay(CONF_DAY, s->lifetime_ms), left;

	if (c->newest > 0) {
		left = (c->not_after_ms - loop_now()) / 8;
		left = left > CONF_HOUR ? left : CONF_HOUR;
		most = left < most ? left : most;
	}
	return at < loop_now() + most ? at : loop_now() + most;
}

/* A CA that has forgotten our account gets it again in a moment, so the first
 * order to hear of it need not wait either. */
static int64_t
wait_after(const struct row_cert *c, const struct issue *s,
    const struct err *err)
{
	if (err->code == ERR_ACCOUNT_UNKNOWN && c->iss_failures == 1)
		return plan_own_trouble(1, s->lifetime_ms);
	return plan_backoff(c->iss_failures, s->lifetime_ms, chance_luck());
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
	/* The CA's trouble, told once; no failure of this certificate's. */
	if (err->code == ERR_ACCOUNT_DEAD) {
		row_text(&c->iss_state, "blocked");
		return c->iss_next_try_ms = now + plan_blocked(s->lifetime_ms,
		    chance_luck());
	}
	if (!passes || at == 0)
		c->iss_failures++;
	if (at == 0)
		at = now + wait_after(c, s, err);
	else
		at += (int64_t)(chance_luck() % 1000);
	if (err->retry_at_ms > at)
		at = within_reason(err->retry_at_ms, c, s, err->code);
	row_text(&c->iss_state, passes ? "waiting" :
	    err->code == ERR_CA_BLOCKED ? "blocked" : "failing");
	c->iss_next_try_ms = at;
	return at;
}

struct ending {
	struct issue *issue;
	struct err err;
};

/* What the CA saw is kept whatever we make of it. */
static void
tell(char **field, const struct err *err, const char *ca_saw)
{
	struct strv saw = { NULL, 0 };
	struct buf line;

	buf_init(&line, ERR_TEXT_MAX + 16);
	buf_printf(&line, "CA saw\t%s", ca_saw);
	if (*ca_saw != '\0')
		strv_add(&saw, line.data);
	free(*field);
	*field = view_error_json(err, &saw);
	buf_free(&line);
	strv_free(&saw);
}

/* A CA that has shut the door on these names says so with each try: people
 * hear of it once. Call before the row's error becomes this one. */
static void
tell_blocked(const struct row_cert *c, const struct issue *s,
    const struct err *err)
{
	struct happening h = { .event = "ca.blocked", .name = s->name,
		.cert_id = c->id, .text = s->row.ca, .err = err };
	struct err before;

	assert(c->id == s->row.cert_id);
	if (err->code == ERR_CA_BLOCKED &&
	    (!view_error_parse(&before, NULL, c->iss_error) ||
	    before.code != ERR_CA_BLOCKED))
		turn_event(&h);
}

/* Why a validation failed may be known already; else a look tells. */
static void
find_reason(const struct bundle *b, const struct issue *s, struct err *err)
{
	const struct strv *guilty = acme_order_guilties(s->order);

	if (selfcheck_is_fresh(b, loop_now()))
		selfcheck_explains(err, b->findings.v, b->findings.n);
	else
		selfcheck_beside(b, &s->wish, s->ca, guilty->n > 0 ?
		    guilty->v[0] : NULL);
}

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
	char ca_saw[ERR_TEXT_MAX];

	if (store_err == NULL && b->cert != NULL) {
		snprintf(ca_saw, sizeof(ca_saw), "%s",
		    acme_validation_found(&e->err));
		if (ca_saw[0] != '\0')
			find_reason(b, s, &e->err);
		c = row_copy(T_CERT, b->cert);
		at = after_failure(c, s, &e->err);
		tell_blocked(c, s, &e->err);
		tell(&c->iss_error, &e->err, ca_saw);
		batch_put(turn_batch(), T_CERT, c);
		if (e->err.class == ERR_LATER ||
		    e->err.code == ERR_ACCOUNT_DEAD)
			h.event = "order.waiting";
		row_free(T_CERT, c);
		free(c);
	}
	turn_event(&h);
	/* That it failed and was told is part of its state: taken up again it
	 * starts from what the CA says then. */
	if (order_survives(s))
		issue_save(s);
	else
		issue_drop_order(&s->row);
	engine_touch(s->row.cert_id);
	sched_later(JOB_RENEW, s->row.cert_id, at);
	issue_free(s);
	free(e);
}

/* A CSR of ours that is refused has, for such a key, one thing that is odd. */
static void
blame_key(const struct issue *s, struct err *err)
{
	if (err->code != ERR_CSR_REFUSED || *s->wish.csr_file != '\0' ||
	    !conf_is_experimental(s->wish.key_type))
		return;
	err_context(err, "the CA does not take %s keys", s->wish.key_type);
	err_advise(err, "Use key-type = ecdsa-p256.");
}

/* What a failed order tells of its CA. */
static void
tell_ca(const struct issue *s, const struct err *err)
{
	if (err->code == ERR_ACCOUNT_UNKNOWN)
		ca_lost_account(s->ca);
	if (err->code == ERR_ACCOUNT_DEAD)
		ca_doubt_account(s->ca);
	/* What the CA refuses it has answered; what is odd about one order is
	 * no reason to leave the CA alone with all others. */
	if (acme_order_over(s->order))
		ca_worked(s->ca);
	else if (err->code != ERR_CA_PROTOCOL)
		ca_failed(s->ca, err);
}

void
issue_fail(struct issue *s, const struct err *err)
{
	struct err why = *err;
	struct ending *e;

	tell_ca(s, err);
	leave_begin(s);
	blame_key(s, &why);
	if (s->trial != NULL) {
		trial_failed(s, &why);
		return;
	}
	e = xcalloc(1, sizeof(*e));
	e->issue = s;
	e->err = why;
	bundle_by_id(turn_store(), s->row.cert_id, record_failure, e);
}

/* --- success ----------------------------------------------------------- */

/* For a CSR whose key we do not have. */
static bool
is_own(const struct issue *s)
{
	return !acme_order_is_for(s->order, NULL, 0);
}

static bool
is_tested(const struct issue *s, const struct acme_leaf *leaf)
{
	return leaf->test_ca || ca_conf(s->ca)->test_ca;
}

static void
put_version(const struct issue *s, const struct acme_wish *w,
    const struct acme_leaf *leaf)
{
	struct row_chain chain = { NULL, w->chain };
	struct row_version v = { .cert_id = s->row.cert_id,
		.version = s->row.version, .sealed = s->row.sealed,
		.kek_id = s->row.kek_id, .seal_format = 1,
		.key_type = is_own(s) ? row_const("csr") :
		    s->wish.key_type, .leaf = w->leaf,
		.serial = row_const(leaf->serial),
		.sha256 = row_const(leaf->sha256),
		.spki_sha256 = row_const(leaf->spki_sha256),
		.issuer = row_const(leaf->issuer),
		.ari_id = row_const(leaf->ari_id),
		.not_before_ms = leaf->not_before_ms,
		.not_after_ms = leaf->not_after_ms, .issued_ms = loop_now(),
		.ca = s->row.ca, .test_ca = is_tested(s, leaf) };
	char key[65];

	if ((acme_order_dropped(s->order) & ACME_DROPPED_PROFILE) == 0)
		v.profile = s->wish.profile;

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

/* What the CA did not grant, one a line: told when it changes. */
static void
note_dropped(struct row_cert *c, const struct issue *s)
{
	unsigned int dropped = acme_order_dropped(s->order), bit;
	struct happening h = { .event = "order.degraded", .name = s->name,
		.cert_id = c->id, .version = s->row.version };
	struct buf lines;

	buf_init(&lines, 400);
	for (bit = 1; bit <= ACME_DROPPED_ALL; bit <<= 1)
		if ((dropped & bit) != 0)
			buf_printf(&lines, "%s%s", lines.len > 0 ? "\n" : "",
			    acme_dropped_words((enum acme_dropped)bit));
	if (strcmp(c->degraded, lines.len > 0 ? lines.data : "") != 0) {
		row_text(&c->degraded, lines.len > 0 ? lines.data : "");
		h.text = c->degraded;
		if (dropped != 0)
			turn_event(&h);
	}
	buf_free(&lines);
}

struct success {
	struct issue *issue;
	struct acme_leaf leaf;
};

/* Why something else is to be ordered, if the wish has changed while the order
 * was under way; else NULL. */
static const char *
wants_another(const struct row_cert *c, const struct success *k)
{
	const struct issue *s = k->issue;
	struct conf_wish now = engine_wish(c);
	const char *why = NULL;

	if (!strv_same(&now.names, &s->wish.names))
		why = "names";
	else if (!acme_order_is_for(s->order, c->csr.p, c->csr.len))
		why = "csr";
	else if (inventory_leaves_tests(is_tested(s, &k->leaf), s->wish.ca,
	    now.ca))
		why = "ca";
	conf_wish_free(&now);
	return why;
}

/* Housekeeping comes daily; a next key is made, and a standing record looked
 * up, as soon as there is a version. */
static bool
wants_a_look(const struct conf_wish *w)
{
	return strcmp(w->key_policy, "next") == 0 ||
	    strv_has(&w->challenge, "dns-persist-01");
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
	const char *another;

	if (err == NULL && b->cert != NULL) {
		c = row_copy(T_CERT, b->cert);
		c->newest = s->row.version;
		c->next_version = s->row.version + 1;
		c->renew_forced = 0;
		if (!issue_settle(c, k->leaf.not_before_ms,
		    k->leaf.not_after_ms, &s->wish))
			h.text = "renew-before is more than 2/3 of the "
			    "lifetime; the default is used";
		/* A clock that is wrong orders no second. */
		soon = loop_now() + (k->leaf.not_after_ms - loop_now()) / 4;
		if (c->renew_at_ms < soon)
			c->renew_at_ms = soon;
		another = wants_another(c, k);
		if (another != NULL) {
			c->renew_at_ms = loop_now();
			row_text(&c->renew_reason, another);
		}
		at = c->renew_at_ms;
		note_dropped(c, s);
		issue_key_used(c);
		if (wants_a_look(&s->wish))
			sched_put(JOB_PRUNE, c->id, loop_now());
		sched_put(JOB_ARI, c->id, job_ari_first(
		    k->leaf.not_after_ms - k->leaf.not_before_ms));
		batch_put(turn_batch(), T_CERT, c);
		mark_current(b, &k->leaf);
		selfcheck_forget(b);
		row_free(T_CERT, c);
		free(c);
	}
	turn_event(&h);
	batch_del(turn_batch(), T_ORDER, &s->row);
	sched_put(JOB_INSTALL, s->row.cert_id, loop_now());
	if (err != NULL || b->challenges.n > 0)
		sched_put(JOB_UNDO, s->row.cert_id, loop_now());
	engine_touch(s->row.cert_id);
	sched_later(JOB_RENEW, s->row.cert_id, at);
	ca_worked(s->ca);
	strv_free(&k->leaf.names);
	free(k);
	issue_free(s);
}

void
issue_succeed(struct issue *s, const struct acme_wish *w)
{
	struct success *k;
	struct err err;

	leave_begin(s);
	if (s->trial != NULL) {
		trial_worked(s, w);
		return;
	}
	k = xcalloc(1, sizeof(*k));
	k->issue = s;
	if (acme_leaf_read(&k->leaf, w->leaf.p, w->leaf.len, &err) != 0) {
		free(k);
		issue_fail(s, &err);
		return;
	}
	put_version(s, w, &k->leaf);
	bundle_by_id(turn_store(), s->row.cert_id, record_success, k);
}
