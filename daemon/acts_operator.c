/* What only an operator may have done in the end: revocations, and what
 * becomes of an account. The keeper sees to that; here it is written down,
 * begun and answered. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/acts.h"
#include "daemon/cas.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/revoke.h"
#include "daemon/sched.h"

/* --- revoke ------------------------------------------------------------ */

struct revocation {
	char *name, *actor;
	struct act_revoke how;
	act_done *done;
	void *ctx;
	struct err err;
	bool due;		/* the CA is asked now */
};

static void
finish(void *ctx)
{
	struct revocation *a = ctx;

	assert(a->done != NULL);
	a->done(a->ctx, a->err.class == ERR_NONE ? NULL : &a->err);
	free(a->name);
	free(a->actor);
	free(a);
}

/* What came of the first attempt is the answer; the job goes on by itself. */
static void
attempted(void *ctx, const struct err *err)
{
	struct revocation *a = ctx;

	assert(a->due);
	if (err != NULL)
		a->err = *err;
	turn_after(finish, a);
}

static int
ask_new(struct revocation *a, const struct bundle *b)
{
	struct happening h = { .event = "revoke.asked", .actor = a->actor,
		.cert_id = b->cert->id, .name = b->cert->name };
	int64_t reason = a->how.reason < 0 ? REVOKE_NO_REASON : a->how.reason;
	const struct row_version *v;
	int n = 0;
	size_t i;

	assert(a->name != NULL && revoke_reason_name(reason) != NULL);
	for (i = 0; i < b->versions.n; i++) {
		struct row_revocation r = { .cert_id = b->cert->id,
			.reason = reason, .at_once = a->how.at_once,
			.actor = a->actor, .asked_ms = loop_now() };

		v = ROWS_AT(&b->versions, row_version, i);
		if (!revoke_is_meant(b, v, reason, loop_now()))
			continue;
		r.version = h.version = v->version;
		r.state = (char *)(uintptr_t)(a->how.at_once ? "revoking" :
		    "replacing");
		h.cause = revoke_reason_name(reason);
		h.text = a->how.at_once ? "at once" :
		    "when its replacement is in use";
		batch_put(turn_batch(), T_REVOCATION, &r);
		turn_event(&h);
		n++;
	}
	return n;
}

/* Asked again: what waits for an operator, or had failed, is due now; what is
 * still being replaced only if it should be at once. */
static void
ask_again(struct revocation *a, const struct row_revocation *old)
{
	struct row_revocation r = *old;

	assert(revoke_is_open(old));
	if (a->how.reason >= 0)
		r.reason = a->how.reason;
	if (a->how.at_once && strcmp(r.state, "replacing") == 0)
		r.at_once = 1;
	if (r.at_once || strcmp(r.state, "replacing") != 0) {
		r.state = (char *)(uintptr_t)"revoking";
		r.next_try_ms = 0;
		a->due = true;
	}
	batch_put(turn_batch(), T_REVOCATION, &r);
}

static int
again(struct revocation *a, const struct bundle *b)
{
	const struct row_revocation *r;
	int n = 0;
	size_t i;

	for (i = 0; i < b->revocations.n; i++) {
		r = ROWS_AT(&b->revocations, row_revocation, i);
		if (!revoke_is_open(r))
			continue;
		ask_again(a, r);
		n++;
	}
	return n;
}

static int
may_be_replaced(struct revocation *a, const struct row_cert *c)
{
	assert(a->err.class == ERR_NONE);
	if (a->how.at_once || (c->retired_ms == 0 && c->paused_ms == 0))
		return 0;
	err_set(&a->err, ERR_INVALID, "%s is %s, so nothing would replace it",
	    c->name, c->retired_ms != 0 ? "retired" : "paused");
	return err_advise(&a->err, "To revoke it all the same: everleaf revoke "
	    "%s --at-once", c->name);
}

/* Nobody here can make another key for it. */
static int
needs_new_csr(struct revocation *a, const struct bundle *b)
{
	const struct row_version *v;
	size_t i;

	for (i = 0; i < b->versions.n; i++) {
		v = ROWS_AT(&b->versions, row_version, i);
		if (a->how.at_once || a->how.reason != REVOKE_KEY_COMPROMISE ||
		    !revoke_is_meant(b, v, a->how.reason, loop_now()) ||
		    !revoke_csr_has_key_of(b->cert, v))
			continue;
		err_set(&a->err, ERR_INVALID, "the key of %s is yours: what "
		    "replaces it would have the same one", a->name);
		return err_advise(&a->err, "Make a new key and a CSR with it "
		    "in csr-file, everleaf reload, then this again; or "
		    "without a replacement: everleaf revoke %s --reason "
		    "key-compromise --at-once", a->name);
	}
	return 0;
}

/* What is open already is taken up again; else all that is meant is asked
 * for. */
static void
revoke(struct revocation *a, const struct bundle *b)
{
	int n;

	assert(b->cert != NULL && !a->due);
	if (may_be_replaced(a, b->cert) != 0 || needs_new_csr(a, b) != 0)
		return;
	n = again(a, b);
	if (n == 0) {
		n = ask_new(a, b);
		a->due = a->how.at_once;
		if (n > 0 && !a->due)
			revoke_replace(b->cert);
	}
	if (n == 0) {
		err_set(&a->err, ERR_INVALID, "%s has no certificate that "
		    "could be revoked", a->name);
		err_advise(&a->err, "everleaf show %s", a->name);
		return;
	}
	assert(n > 0);
	if (a->due) {
		job_revoke_hear(b->cert->id, attempted, a);
		sched_put(JOB_REVOKE, b->cert->id, loop_now());
	}
	engine_touch(b->cert->id);
}

static void
revoke_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct revocation *a = ctx;

	assert(!a->due && a->err.class == ERR_NONE);
	if (err != NULL)
		a->err = *err;
	else if (b->cert == NULL) {
		err_set(&a->err, ERR_NO_SUCH, "there is no certificate \"%s\"",
		    a->name);
		err_advise(&a->err, "everleaf list");
	} else
		revoke(a, b);
	if (!a->due)
		turn_after(finish, a);
}

void
act_revoke(const char *name, const struct act_revoke *how, const char *actor,
    act_done *done, void *ctx)
{
	struct revocation *a = xcalloc(1, sizeof(*a));

	assert(done != NULL && actor != NULL);
	a->name = xstrdup(name);
	a->actor = xstrdup(actor);
	a->how = *how;
	a->done = done;
	a->ctx = ctx;
	bundle_by_name(turn_store(), name, revoke_read, a);
}

/* --- accounts ---------------------------------------------------------- */

struct deed {
	char *title, *actor;
	enum act_account what;
	act_done *done;
	void *ctx;
	struct err err;
};

static void
deed_finish(void *ctx)
{
	struct deed *d = ctx;

	assert(d->done != NULL);
	d->done(d->ctx, d->err.class == ERR_NONE ? NULL : &d->err);
	free(d->title);
	free(d->actor);
	free(d);
}

static void
deed_done(void *ctx, const struct err *err)
{
	static const char *const events[] = {
		[ACT_ROLLOVER] = "ca.rolled-over",
		[ACT_DEACTIVATE] = "ca.deactivated",
		[ACT_IMPORT] = "ca.imported",
		[ACT_EXPORT] = "account.exported"
	};
	struct deed *d = ctx;
	struct happening h = { .event = events[d->what], .actor = d->actor,
		.text = d->title };

	assert((size_t)d->what < sizeof(events) / sizeof(events[0]));
	if (err != NULL)
		d->err = *err;
	else
		turn_event(&h);
	turn_after(deed_finish, d);
}

void
act_account(const char *title, enum act_account what,
    const struct act_import *key, const char *actor, act_done *done, void *ctx)
{
	struct deed *d = xcalloc(1, sizeof(*d));
	struct ca *c = cas_find(title);

	assert(done != NULL && (key != NULL) == (what == ACT_IMPORT));
	d->title = xstrdup(title);
	d->actor = xstrdup(actor);
	d->what = what;
	d->done = done;
	d->ctx = ctx;
	if (c == NULL) {
		err_set(&d->err, ERR_NO_SUCH, "no ca \"%s\"", title);
		err_advise(&d->err, "The configured ones: everleaf ca");
		turn_after(deed_finish, d);
	} else if (what == ACT_ROLLOVER)
		ca_rollover(c, "ecdsa-p256", deed_done, d);
	else if (what == ACT_DEACTIVATE)
		ca_deactivate(c, deed_done, d);
	else if (what == ACT_EXPORT)
		ca_export(c, deed_done, d);
	else
		ca_import(c, key->id, &key->sealed, &key->spki, deed_done, d);
}
