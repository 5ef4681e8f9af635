/* What the API asks the engine to do: check, change rows, tell when it is
 * durable. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "daemon/account_key.h"
#include "daemon/acts.h"
#include "daemon/budget.h"
#include "daemon/engine.h"
#include "daemon/look.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/purge.h"
#include "daemon/sched.h"
#include "daemon/selfcheck.h"
#include "daemon/standing.h"
#include "daemon/wish_json.h"

/* An act under way. */
struct act {
	char *name, *service, *actor;
	struct conf_wish wish;
	struct strv labels;
	bool dry, purge, force, new_key;
	bool under_way;		/* remove: it is not over yet */
	act_done *done;
	put_done *put;
	remove_done *removed;
	enum put_result result;
	void *ctx;
	size_t count;
	struct err err;
};

static struct act *
act_new(const char *name, const char *actor, act_done *done, void *ctx)
{
	struct act *a = xcalloc(1, sizeof(*a));

	assert(actor != NULL);
	a->name = xstrdup(name);
	a->actor = xstrdup(actor);
	a->done = done;
	a->ctx = ctx;
	return a;
}

/* Whoever asked hears of it once what was changed can't be lost any more. */
static void
finish(void *ctx)
{
	struct act *a = ctx;
	const struct err *err = a->err.class == ERR_NONE ? NULL : &a->err;

	assert((a->done != NULL) + (a->put != NULL) + (a->removed != NULL) ==
	    1);
	if (a->put != NULL)
		a->put(a->ctx, a->result, err);
	else if (a->removed != NULL)
		a->removed(a->ctx, !a->under_way, err);
	else
		a->done(a->ctx, err);
	conf_wish_free(&a->wish);
	strv_free(&a->labels);
	free(a->name);
	free(a->service);
	free(a->actor);
	free(a);
}

/* Completes when what this turn changed is durable. */
static void
complete(struct act *a)
{
	turn_after(finish, a);
}

static void
refuse_unknown(struct act *a)
{
	assert(a->name != NULL && a->err.class == ERR_NONE);
	err_set(&a->err, ERR_NO_SUCH, "there is no certificate \"%s\"",
	    a->name);
	err_advise(&a->err, "everleaf list");
}

/* What a file wishes for is changed there: the next reload would undo it
 * here. One that no file has any more is free. */
static bool
set_in_file(struct act *a, const struct row_cert *c)
{
	assert(a->err.class == ERR_NONE);
	if (strcmp(c->source, "file") != 0 || c->retired_ms != 0)
		return false;
	err_set(&a->err, ERR_SET_IN_FILE, "%s is set in %s", c->name,
	    c->where);
	err_advise(&a->err, "Change it there, then: everleaf reload");
	return true;
}

/* --- put --------------------------------------------------------------- */

static bool
put_labels(const struct act *a, int64_t id, const struct bundle *b)
{
	bool changed = false;
	char *key, *value;
	size_t i, k;

	assert(b == NULL || b->cert->id == id);
	for (i = 0; b != NULL && i < b->labels.n; i++) {
		const struct row_label *old = ROWS_AT(&b->labels, row_label,
		    i);
		size_t n = strlen(old->key);

		for (k = 0; k < a->labels.n; k++)
			if (strncmp(a->labels.v[k], old->key, n) == 0 &&
			    a->labels.v[k][n] == '=')
				break;
		if (k == a->labels.n || strcmp(a->labels.v[k] + n + 1,
		    old->value) != 0) {
			batch_del(turn_batch(), T_LABEL, old);
			changed = true;
		}
	}
	for (i = 0; i < a->labels.n; i++) {
		key = xstrdup(a->labels.v[i]);
		value = strchr(key, '=');
		if (value != NULL) {
			struct row_label row = { id, key, value + 1 };

			*value = '\0';
			batch_put(turn_batch(), T_LABEL, &row);
		}
		free(key);
	}
	return changed || (b != NULL && b->labels.n != a->labels.n);
}

static bool
has_label(const struct bundle *b, const char *key_value)
{
	const struct row_label *l;
	size_t i, n;

	assert(b->cert != NULL);
	for (i = 0; i < b->labels.n; i++) {
		l = ROWS_AT(&b->labels, row_label, i);
		n = strlen(l->key);
		if (strncmp(l->key, key_value, n) == 0 && key_value[n] == '='
		    && strcmp(l->value, key_value + n + 1) == 0)
			return true;
	}
	return false;
}

/* What a put would come to, without doing it. */
static enum put_result
put_tried(const struct act *a, const struct bundle *b)
{
	char *text = wish_text(&a->wish);
	bool same = strcmp(text, b->cert->wish) == 0 &&
	    b->cert->retired_ms == 0 && a->labels.n == b->labels.n;
	size_t i;

	assert(a->dry);
	for (i = 0; same && i < a->labels.n; i++)
		same = has_label(b, a->labels.v[i]);
	free(text);
	return same ? PUT_SAME : PUT_CHANGED;
}

static void
put_made(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;

	assert(a->result == PUT_MADE && !a->dry);
	if (err == NULL && b->cert != NULL)
		put_labels(a, b->cert->id, NULL);
	complete(a);
}

static void
put_existing(struct act *a, const struct bundle *b,
    const struct wish_source *src)
{
	struct happening h = { .event = "wish.changed", .cert_id = b->cert->id,
		.name = a->name, .actor = src->actor,
		.text = "labels changed" };
	bool changed;

	assert(a->put != NULL && src->actor != NULL);
	if (set_in_file(a, b->cert))
		return;
	if (a->dry) {
		a->result = put_tried(a, b);
		return;
	}
	changed = inventory_change(b, &a->wish, src);
	if (put_labels(a, b->cert->id, b)) {
		if (!changed)
			turn_event(&h);
		changed = true;
	}
	a->result = changed ? PUT_CHANGED : PUT_SAME;
}

static void put_read(void *ctx, struct bundle *b, const struct err *err);

static void
put_after_purge(void *ctx, bool gone)
{
	struct act *a = ctx;

	assert(a->put != NULL && !a->dry);
	if (gone) {
		bundle_by_name(turn_store(), a->name, put_read, a);
		return;
	}
	err_set(&a->err, ERR_BEING_REMOVED, "the files of the certificate "
	    "\"%s\" of before are still being removed", a->name);
	err_advise(&a->err, "Try again in a moment");
	complete(a);
}

static void
put_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;
	struct wish_source src = { "user", a->actor, a->actor, a->actor };

	assert(a->put != NULL && a->err.class == ERR_NONE);
	if (err != NULL)
		a->err = *err;
	else if (b->cert != NULL && purge_has(b->cert->id) && !a->dry) {
		purge_wait(b->cert->id, put_after_purge, a);
		return;
	} else if (b->cert != NULL)
		put_existing(a, b, &src);
	else {
		a->result = PUT_MADE;
		if (!a->dry) {
			inventory_make(a->name, &a->wish, &src, loop_now());
			bundle_by_name(turn_store(), a->name, put_made, a);
			return;
		}
	}
	complete(a);
}

/* Read back from its own text: the copy is whole, and what the API took is
 * checked as a file would be. */
void
act_put(const char *name, const struct conf_wish *wish,
    const struct strv *labels, const char *actor, bool dry, put_done *done,
    void *ctx)
{
	struct act *a = act_new(name, actor, NULL, ctx);
	char what[200], *text = wish_text(wish);
	struct err err;

	assert(done != NULL && name != NULL);
	a->put = done;
	a->dry = dry;
	a->labels = labels != NULL ? strv_copy(labels) : (struct strv){ 0 };
	conf_wish_blank(&a->wish);
	snprintf(what, sizeof(what), "certificate \"%s\"", name);
	if (!name_is_title(name))
		err_set(&a->err, ERR_INVALID, "\"%s\" can't be a title: "
		    "letters, digits, \".\", \"_\" and \"-\", at most 128",
		    name);
	else if (wish_parse(&a->wish, text, &err) != 0 || conf_wish_check(
	    engine_conf(), &a->wish, what, &err) != 0)
		a->err = err;
	free(text);
	if (a->err.class != ERR_NONE)
		complete(a);
	else
		bundle_by_name(turn_store(), name, put_read, a);
}

/* --- remove, renew, deploy --------------------------------------------- */

static void
remove_over(void *ctx, bool gone)
{
	struct act *a = ctx;

	assert(a->purge && a->removed != NULL);
	a->under_way = !gone;
	complete(a);
}

static void
remove_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;

	assert(a->removed != NULL);
	if (err != NULL)
		a->err = *err;
	else if (b->cert == NULL)
		refuse_unknown(a);
	else if (!set_in_file(a, b->cert)) {
		if (a->purge) {
			purge_begin(b, a->actor);
			purge_wait(b->cert->id, remove_over, a);
			return;
		}
		inventory_retire(b, a->actor);
	}
	complete(a);
}

void
act_remove(const char *name, bool purge, const char *actor,
    remove_done *done, void *ctx)
{
	struct act *a = act_new(name, actor, NULL, ctx);

	assert(done != NULL && name != NULL);
	a->purge = purge;
	a->removed = done;
	bundle_by_name(turn_store(), name, remove_read, a);
}

static void
order_now(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;

	assert(a->done != NULL);
	if (err != NULL)
		a->err = *err;
	else if (b->cert == NULL)
		refuse_unknown(a);
	else
		engine_order_now(b->cert, a->new_key);
	complete(a);
}

/* By force the one certificate that is kept in reserve is used up. */
static void
allowed(void *ctx, const struct err *err)
{
	struct act *a = ctx;

	assert(a->done != NULL && a->name != NULL);
	if (err == NULL || a->force) {
		bundle_by_name(turn_store(), a->name, order_now, a);
		return;
	}
	a->err = *err;
	complete(a);
}

/* The key is somebody's own: a new one is his to make. */
static bool
refuse_new_key(struct act *a, const struct row_cert *c)
{
	struct conf_wish wish = engine_wish(c);
	bool own = a->new_key && *wish.csr_file != '\0';

	if (own) {
		err_set(&a->err, ERR_INVALID, "the key of %s is yours: it is "
		    "ordered for the CSR in %s", a->name, wish.csr_file);
		err_advise(&a->err, "Make a new key and a CSR with it in that "
		    "file, then everleaf reload");
	}
	conf_wish_free(&wish);
	return own;
}

static void
renew_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;
	struct conf_wish wish;

	if (err != NULL)
		a->err = *err;
	else if (b->cert == NULL)
		refuse_unknown(a);
	else if (b->cert->retired_ms != 0) {
		err_set(&a->err, ERR_INVALID, "%s is retired: it is not "
		    "renewed", a->name);
		err_advise(&a->err, "Wish for it again: everleaf add %s",
		    a->name);
	} else if (!refuse_new_key(a, b->cert)) {
		wish = engine_wish(b->cert);
		budget_ask(wish.ca, &wish.names, allowed, a);
		conf_wish_free(&wish);
		return;
	}
	complete(a);
}

void
act_renew(const char *name, bool new_key, bool force, const char *actor,
    act_done *done, void *ctx)
{
	struct act *a = act_new(name, actor, done, ctx);

	assert(done != NULL && name != NULL);
	a->force = force;
	a->new_key = new_key;
	bundle_by_name(turn_store(), name, renew_read, a);
}

/* As if nothing had failed: the pauses are over. */
static void
deploy_again(const struct bundle *b)
{
	struct row_deployment d;
	size_t i;

	assert(b->cert != NULL);
	for (i = 0; i < b->deployments.n; i++) {
		d = *ROWS_AT(&b->deployments, row_deployment, i);
		d.failures = d.next_try_ms = 0;
		d.since_ms = 1;
		batch_put(turn_batch(), T_DEPLOYMENT, &d);
	}
	sched_put(JOB_INSTALL, b->cert->id, loop_now());
	engine_touch(b->cert->id);
}

static void
deploy_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;

	if (err != NULL)
		a->err = *err;
	else if (b->cert == NULL)
		refuse_unknown(a);
	else
		deploy_again(b);
	complete(a);
}

static void
deploy_one(void *ctx, struct bundle *b, const struct err *err)
{
	(void)ctx;
	if (err == NULL && b->cert != NULL)
		deploy_again(b);
}

static void
deploy_service(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct act *a = ctx;
	size_t i;

	assert(a->name == NULL);
	(void)n;
	if (err != NULL)
		a->err = *err;
	for (i = 0; err == NULL && i < answers[0].n; i++)
		bundle_by_id(turn_store(), ROWS_AT(&answers[0],
		    row_deployment, i)->cert_id, deploy_one, NULL);
	complete(a);
}

void
act_deploy(const char *name, const char *service, const char *actor,
    act_done *done, void *ctx)
{
	struct act *a = act_new(name, actor, done, ctx);
	struct query q = { .table = T_DEPLOYMENT, .wheres = 1, .where = {
		{ .col = "service", .cmp = CMP_EQ, .text = service } } };

	assert((name == NULL) != (service == NULL) && done != NULL);
	if (name != NULL) {
		bundle_by_name(turn_store(), name, deploy_read, a);
		return;
	}
	if (conf_service(engine_conf(), service) == NULL) {
		err_set(&a->err, ERR_NO_SUCH, "there is no service \"%s\"",
		    service);
		complete(a);
		return;
	}
	store_read(turn_store(), &q, 1, deploy_service, a);
}

/* --- test -------------------------------------------------------------- */

struct test {
	char *name;
	int64_t cert_id;
	struct conf_wish wish;
	struct strv lines;		/* so far */
	struct strv standing;		/* of look() */
	bool good;
	void (*done)(void *ctx, const struct strv *lines, bool good,
	    const struct err *err);
	void *ctx;
};

static void
test_free(struct test *t)
{
	conf_wish_free(&t->wish);
	strv_free(&t->lines);
	strv_free(&t->standing);
	free(t->name);
	free(t);
}

static void
test_over(struct test *t, const struct err *err)
{
	assert(t->done != NULL);
	t->done(t->ctx, &t->lines, t->good && err == NULL, err);
	test_free(t);
}

static void
test_line(struct test *t, const struct row_finding *f)
{
	bool good = strcmp(f->result, "good") == 0;
	struct buf b;

	buf_init(&b, 2000);
	if (strcmp(f->kind, FINDING_HTTP) == 0)
		buf_printf(&b, "%s on %s port 80: %s", f->ident, f->subject,
		    good ? "our answer arrives there" : f->text);
	else if (strcmp(f->kind, FINDING_ADDRESS) == 0 && *f->subject == '\0')
		buf_printf(&b, "%s: %s", f->ident, f->text);
	if (b.len > 0) {
		strv_add(&t->lines, b.data);
		t->good = t->good && good;
	}
	buf_free(&b);
}

static void
tested(void *ctx, const struct row_finding *f, size_t n)
{
	struct test *t = ctx;
	size_t i;

	for (i = 0; i < n; i++)
		test_line(t, &f[i]);
	test_over(t, NULL);
}

/* Port 80 matters only to names that are proved there. */
static void
looked(void *ctx, const struct strv *lines, bool good)
{
	struct test *t = ctx;
	struct strv none = { NULL, 0 };
	struct selfcheck_want w = { t->cert_id, &t->wish, NULL, &none, "" };
	struct err busy;

	assert(t->lines.n == 0);
	t->lines = strv_copy(lines);
	t->good = good;
	if (!selfcheck_by_http(&t->wish)) {
		test_over(t, NULL);
	} else if (!selfcheck(&w, tested, t)) {
		err_set(&busy, ERR_OWN_LIMIT, "%s: port 80 is being looked at "
		    "already", t->name);
		err_advise(&busy, "Try it again in a minute.");
		test_over(t, &busy);
	}
}

/* The account that CAA may name. */
static void
test_account(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct test *t = ctx;
	const struct conf_ca *ca = conf_ca(engine_conf(), t->wish.ca);
	const struct row_account *a = err == NULL && ca != NULL ?
	    account_in_use(&answers[0], ca) : NULL;

	assert(t->done != NULL);
	(void)n;
	look(&t->wish, a != NULL && a->kid != NULL ? a->kid : "",
	    &t->standing, looked, t);
}

/* What orders were told to look for. */
static void
keep_standing(struct test *t, const struct bundle *b)
{
	const struct row_finding *f;
	size_t i;

	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(f->kind, STANDING_KIND) == 0)
			strv_addf(&t->standing, 8192, "%s %s", f->subject,
			    f->text);
	}
}

static void
test_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct test *t = ctx;
	struct strv none = { NULL, 0 };
	struct query q = { .table = T_ACCOUNT, .wheres = 1, .where = {
		{ .col = "ca", .cmp = CMP_EQ } } };
	struct err why;

	assert(t->cert_id == 0);
	if (err == NULL && b->cert != NULL) {
		t->cert_id = b->cert->id;
		t->wish = engine_wish(b->cert);
		keep_standing(t, b);
		q.where[0].text = t->wish.ca;
		store_read(turn_store(), &q, 1, test_account, t);
		return;
	}
	if (err == NULL)
		err_set(&why, ERR_NO_SUCH, "there is no certificate \"%s\"",
		    t->name);
	t->done(t->ctx, &none, false, err != NULL ? err : &why);
	test_free(t);
}

void
act_test(const char *name, void (*done)(void *ctx, const struct strv *lines,
    bool good, const struct err *err), void *ctx)
{
	struct test *t = xcalloc(1, sizeof(*t));

	assert(done != NULL && name != NULL);
	t->name = xstrdup(name);
	t->done = done;
	t->ctx = ctx;
	bundle_by_name(turn_store(), name, test_read, t);
}

/* --- reload ------------------------------------------------------------ */

struct reload {
	void (*done)(void *ctx, bool good, const struct strv *lines,
	    const struct err *err);
	void *ctx;
	struct w_reload m;
};

static void
reloaded(void *ctx, void *answer, const struct err *err)
{
	struct reload *r = ctx;
	const struct w_reloaded *m = answer;
	struct strv none = { NULL, 0 };

	assert(r->done != NULL && (err != NULL || m != NULL));
	/* What the master says last is what is wrong: before come warnings. */
	if (err == NULL && !m->good && !r->m.dry && m->lines.n > 0)
		engine_bad_conf(m->lines.v[m->lines.n - 1]);
	if (err != NULL)
		r->done(r->ctx, false, &none, err);
	else
		r->done(r->ctx, m->good, &m->lines, NULL);
	free(r);
}

void
act_reload(bool dry, bool yes, void (*done)(void *ctx, bool good,
    const struct strv *lines, const struct err *err), void *ctx)
{
	struct reload *r = xcalloc(1, sizeof(*r));

	assert(done != NULL);
	r->done = done;
	r->ctx = ctx;
	r->m.dry = dry;
	r->m.yes = yes;
	peer_ask(WIRE_RELOAD, &r->m, reloaded, r);
}
