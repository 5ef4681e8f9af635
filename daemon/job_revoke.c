/* Revocation, carried out: one version at a time, each as an act at its CA
 * with a place there of its own (so max-orders bounds them, too). What an
 * operator has not allowed by now waits, and is said. Job REVOKE. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/account.h"
#include "daemon/cas.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/plan.h"
#include "daemon/purge.h"
#include "daemon/revoke.h"
#include "daemon/sched.h"

enum { FULL_AGAIN_MS = 2000 };

struct listener {
	int64_t cert_id;
	act_done *done;
	void *ctx;
	struct listener *next;
};

/* One attempt. */
struct attempt {
	int64_t cert_id;
	char *name;
	struct row_revocation row;
	struct acting_cert cert;
	struct ca *ca;			/* with a place there */
	struct acme_act *act;
	struct acting acting;
	struct err err;
	bool good;
	bool by_cert;			/* the last to sign was its key */
	struct attempt *next;
};

static struct listener *listeners;
static struct attempt *attempts;

void
job_revoke_hear(int64_t cert_id, act_done *done, void *ctx)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	assert(done != NULL);
	l->cert_id = cert_id;
	l->done = done;
	l->ctx = ctx;
	l->next = listeners;
	listeners = l;
}

/* All who wait for this certificate, once each. */
static void
tell(int64_t cert_id, const struct err *err)
{
	struct listener **at = &listeners, *l;

	assert(listeners == NULL || listeners->done != NULL);
	while ((l = *at) != NULL)
		if (l->cert_id == cert_id) {
			*at = l->next;
			l->done(l->ctx, err);
			free(l);
		} else
			at = &l->next;
}

int
job_revoke_room(void)
{
	return cas_room();
}

static void
attempt_free(struct attempt *a)
{
	struct attempt **at = &attempts;

	assert(attempts != NULL && a->ca != NULL);
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	ca_forget(a->ca, a);
	ca_leave(a->ca);
	acme_act_free(a->act);
	blob_free(&a->cert.sealed);
	row_free(T_REVOCATION, &a->row);
	free(a->name);
	free(a);
}

void
job_revoke_fini(void)
{
	struct listener *l;

	while (attempts != NULL) {
		if (attempts->acting.http != NULL)
			http_cancel(attempts->acting.http);
		attempt_free(attempts);
	}
	while ((l = listeners) != NULL) {
		listeners = l->next;
		free(l);
	}
}

void
revoke_look(const struct bundle *b)
{
	const struct row_revocation *r;
	size_t i;

	for (i = 0; i < b->revocations.n; i++) {
		r = ROWS_AT(&b->revocations, row_revocation, i);
		if (revoke_is(r, "replacing") && revoke_is_replaced(b,
		    r->version, loop_now())) {
			sched_put(JOB_REVOKE, b->cert->id, loop_now());
			return;
		}
	}
}

void
revoke_replace(const struct row_cert *c)
{
	struct conf_wish wish = engine_wish(c);

	engine_order_now(c, *wish.csr_file == '\0' &&
	    strcmp(wish.key_policy, "next") != 0);
	conf_wish_free(&wish);
}

/* --- what came of it --------------------------------------------------- */

static void
put(struct row_revocation *r, const char *state, const struct err *err)
{
	assert(state[0] != '\0');
	row_text(&r->state, state);
	set_error(&r->error, err);
	batch_put(turn_batch(), T_REVOCATION, r);
}

static void
say(const struct attempt *a, const char *event, const struct err *err)
{
	struct happening h = { .event = event, .cert_id = a->cert_id,
		.name = a->name, .version = a->row.version,
		.actor = a->row.actor, .cause = revoke_reason_name(
		a->row.reason), .err = err,
		.text = err == NULL && a->by_cert ?
		"signed by the certificate's own key" : NULL };

	turn_event(&h);
}

/* What is revoked is never installed again, so its key is of no more use; the
 * one that is installed keeps it until something else is. */
static void
mark_revoked(const struct bundle *b, int64_t version)
{
	const struct row_version *old = bundle_version(b, version);
	struct row_version v;

	assert(b->cert != NULL);
	if (old == NULL)
		return;
	v = *old;
	v.revoked_ms = loop_now();
	if (version != b->cert->installed)
		v.sealed = (struct blob){ NULL, 0 };
	batch_put(turn_batch(), T_VERSION, &v);
	sched_put(JOB_PRUNE, b->cert->id, loop_now());
}

static void
succeeded(struct attempt *a, const struct bundle *b)
{
	assert(a->good && b->cert->id == a->cert_id);
	mark_revoked(b, a->row.version);
	a->row.done_ms = loop_now();
	a->row.failures = a->row.next_try_ms = 0;
	put(&a->row, "done", NULL);
	say(a, "revoked", NULL);
	if (b->cert->newest <= a->row.version && b->cert->retired_ms == 0 &&
	    b->cert->paused_ms == 0)
		revoke_replace(b->cert);
	engine_touch(a->cert_id);
}

/* Without leave one that should be at once is not begun: nobody wants it an
 * hour later by surprise. */
static void
unarmed(struct attempt *a)
{
	assert(a->err.code == ERR_NEEDS_OPERATOR);
	if (a->row.at_once && a->row.failures == 0) {
		batch_del(turn_batch(), T_REVOCATION, &a->row);
		say(a, "revoke.failed", &a->err);
	} else
		put(&a->row, "ready", NULL);
}

/* Who says no decides: without leave it waits, what passes is tried again,
 * all else is a person's. */
static void
failed(struct attempt *a)
{
	const struct err *err = &a->err;

	assert(!a->good);
	if (err->code == ERR_NEEDS_OPERATOR)
		unarmed(a);
	else if (err->class == ERR_LATER || engine_own_trouble(err)) {
		a->row.failures++;
		a->row.next_try_ms = loop_now() +
		    plan_own_trouble(a->row.failures, 0);
		put(&a->row, "revoking", err);
	} else {
		a->row.failures++;
		put(&a->row, "failed", err);
		say(a, "revoke.failed", err);
	}
	engine_touch(a->cert_id);
}

static void
record(void *ctx, struct bundle *b, const struct err *err)
{
	struct attempt *a = ctx;
	int64_t id = a->cert_id;
	struct err why = a->err;
	bool good = a->good;

	assert(a->ca != NULL);
	if (err != NULL) {
		why = *err;
		good = false;
	} else if (b->cert != NULL && good)
		succeeded(a, b);
	else if (b->cert != NULL)
		failed(a);
	attempt_free(a);
	/* The job looks for the next version, or when to try again. */
	sched_later(JOB_REVOKE, id, loop_now());
	if (!good)
		tell(id, &why);
}

static void
over(struct attempt *a, const struct err *err)
{
	assert(a->act != NULL && !a->good);
	a->good = err == NULL;
	a->by_cert = acme_revoke_was_by_cert(a->act);
	if (err != NULL) {
		a->err = *err;
		ca_failed(a->ca, err);
	}
	bundle_by_id(turn_store(), a->cert_id, record, a);
}

/* --- one attempt ------------------------------------------------------- */

static void
step(void *ctx, const struct acme_event *event)
{
	struct attempt *a = ctx;
	struct acme_wish w;
	struct err err;

	assert(a->act != NULL && a->ca != NULL);
	err_clear(&err);
	w = acme_act_step(a->act, ca_session(a->ca), loop_now(), event, &err);
	if (w.kind == ACME_WISH_DONE)
		over(a, NULL);
	else if (w.kind == ACME_WISH_FAIL)
		over(a, &err);
	else
		acting_do(&a->acting, &w);
}

static void
ca_answered(void *ctx, const struct err *err)
{
	if (err != NULL)
		over(ctx, err);
	else
		step(ctx, NULL);
}

static void
written(void *ctx)
{
	struct attempt *a = ctx;

	assert(a->act != NULL && a->acting.http == NULL);
	if (acme_revoke_was_by_cert(a->act))
		ca_ready_without(a->ca, ca_answered, a);
	else
		ca_ready(a->ca, ca_answered, a);
}

/* A token has no keys of certificates; for the other types of them ACME has
 * no signature that CAs take. */
static bool
has_its_key(const struct row_version *v, const struct ca *ca)
{
	return v->sealed.len > 0 && !ca_has_token(ca) &&
	    (strncmp(v->key_type, "ecdsa-", 6) == 0 ||
	    strncmp(v->key_type, "rsa-", 4) == 0);
}

/* Signed by the certificate's own key a CA blocks that key for everybody; if
 * it will not have that, the account's turn is the next. Otherwise that key
 * is for when the account is dead, or not the one that has ordered. */
static enum acme_revoke_by
who_signs(const struct row_revocation *r, const struct row_version *v,
    const struct ca *ca)
{
	struct err unused;

	assert(revoke_is(r, "revoking"));
	if (!has_its_key(v, ca))
		return ACME_REVOKE_BY_ACCOUNT;
	if (ca_is_dead(ca, &unused) || (r->reason == REVOKE_KEY_COMPROMISE &&
	    r->failures % 2 == 0))
		return ACME_REVOKE_BY_CERT;
	return ACME_REVOKE_BY_EITHER;
}

/* False: not now, or never; then r says so. True: it is under way, or waits
 * for its turn. */
static bool
begin(const struct bundle *b, struct row_revocation *r)
{
	const struct row_version *v = bundle_version(b, r->version);
	struct ca *ca = cas_find(v->ca);
	struct blob der;
	struct attempt *a;
	struct err err;

	assert(v != NULL && revoke_is(r, "revoking"));
	if (ca == NULL || acme_pem_der(&der, v->leaf.p, v->leaf.len,
	    &err) != 0) {
		if (ca == NULL)
			err_set(&err, ERR_NO_SUCH, "ca \"%s\" is not in the "
			    "configuration", v->ca);
		put(r, "failed", &err);
		tell(b->cert->id, &err);
		return false;
	}
	if (!ca_enter(ca)) {
		blob_free(&der);
		/* The job goes on when there is room. */
		return ca_wait(ca, b->cert->id, job_revoke);
	}
	a = xcalloc(1, sizeof(*a));
	a->cert_id = b->cert->id;
	a->name = xstrdup(b->cert->name);
	a->row = *r;
	memset(r, 0, sizeof(*r));
	a->cert.id = (uint64_t)v->cert_id;
	a->cert.version = (uint32_t)v->version;
	a->cert.sealed = blob_copy(v->sealed.p, v->sealed.len);
	a->ca = ca;
	a->acting = (struct acting){ .ca = ca, .cert = &a->cert, .step = step,
		.ctx = a };
	a->act = acme_revoke_new(der.p, der.len, (uint8_t)a->row.reason,
	    who_signs(&a->row, v, ca));
	assert(a->cert_id == a->row.cert_id && a->act != NULL);
	a->next = attempts;
	attempts = a;
	blob_free(&der);
	put(&a->row, "revoking", NULL);
	turn_after(written, a);
	return true;
}

/* --- what there is to do ----------------------------------------------- */

/* Expired, revoked before, or forgotten: nothing is left to revoke. */
static bool
is_moot(const struct bundle *b, const struct row_revocation *r)
{
	const struct row_version *v = bundle_version(b, r->version);

	return v == NULL || v->revoked_ms != 0 ||
	    v->not_after_ms <= loop_now();
}

static void
now_ready(const struct bundle *b, struct row_revocation *r)
{
	struct happening h = { .event = "revoke.ready", .cert_id = r->cert_id,
		.name = b->cert->name, .version = r->version,
		.actor = r->actor, .text = "its replacement is in use" };

	assert(revoke_is(r, "replacing"));
	put(r, "ready", NULL);
	turn_event(&h);
	engine_touch(r->cert_id);
}

/* No pause is longer than a day: the clock has gone back. */
static bool
is_due(const struct row_revocation *r)
{
	return r->next_try_ms <= loop_now() ||
	    r->next_try_ms > loop_now() + 2 * CONF_DAY;
}

/* True: it is begun, and the job goes on with it. */
static bool
look_at(const struct bundle *b, struct row_revocation *r, int64_t *next)
{
	assert(next != NULL);
	if (!revoke_is_open(r))
		return false;
	if (is_moot(b, r)) {
		r->done_ms = loop_now();
		put(r, "done", NULL);
		engine_touch(r->cert_id);
	} else if (revoke_is(r, "replacing") && revoke_is_replaced(b,
	    r->version, loop_now()))
		now_ready(b, r);
	else if (revoke_is(r, "revoking") && is_due(r)) {
		if (begin(b, r))
			return true;
		if (revoke_is(r, "revoking") && (*next == 0 ||
		    loop_now() + FULL_AGAIN_MS < *next))
			*next = loop_now() + FULL_AGAIN_MS;
	} else if (revoke_is(r, "revoking") && (*next == 0 ||
	    r->next_try_ms < *next))
		*next = r->next_try_ms;
	return false;
}

static void
read_bundle(void *ctx, struct bundle *b, const struct err *err)
{
	int64_t id = *(int64_t *)ctx, next = 0;
	bool begun = false;
	size_t i;

	free(ctx);
	if (err != NULL || b->cert == NULL || purge_has(id)) {
		engine_job_over(JOB_REVOKE, id, err);
		return;
	}
	for (i = 0; i < b->revocations.n && !begun; i++)
		begun = look_at(b, ROWS_AT(&b->revocations, row_revocation,
		    i), &next);
	if (begun)
		return;
	if (next != 0)
		sched_later(JOB_REVOKE, id, next);
	else {
		sched_done(JOB_REVOKE, id);
		tell(id, NULL);
	}
}

void
job_revoke(int64_t cert_id)
{
	assert(sched_is_running(JOB_REVOKE, cert_id));
	bundle_by_id(turn_store(), cert_id, read_bundle,
	    xmemdup(&cert_id, sizeof(cert_id)));
}
