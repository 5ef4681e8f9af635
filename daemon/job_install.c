/* Files: makes what is live on disk the newest version (or the placeholder
 * before the first). Never talks to a CA. The generation's row is durable
 * before its files are made, the files before the row says live. Job INSTALL.
 */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/acme.h"
#include "base/text.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/issue.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/meta.h"
#include "daemon/peers.h"
#include "daemon/plan.h"
#include "daemon/purge.h"
#include "daemon/sched.h"

/* While many orders make their way an install leaves three quarters of the
 * time to them, unless one has waited for so long. */
enum { ROUND_OVER_MS = 500, INSTALLS_MAX = 4,
	REST_TIMES = 3, REST_MAX_MS = 1000, LATE_MS = 10 * 1000 };

/* One install under way. */
struct install {
	int64_t cert_id, began_ms;	/* monotonic */
	struct bundle *b;
	struct row_generation gen;	/* its texts are static */
	int64_t version;
	struct blob chain;
	struct err err;
};

static struct {
	struct loop_timer *timer;
	int64_t until_ms;		/* monotonic */
} rest;

static void begin(struct install *n);

/* --- beside orders -------------------------------------------------------- */

static void
rest_over(void *unused)
{
	(void)unused;
	sched_kick();
}

static void
begin_rest(const struct install *n)
{
	int64_t ms = REST_TIMES * (loop_mono() - n->began_ms);

	ms = ms < REST_MAX_MS ? ms : REST_MAX_MS;
	rest.until_ms = loop_mono() + ms;
	if (!issue_is_busy())
		return;
	if (rest.timer == NULL)
		rest.timer = loop_timer_new(rest_over, NULL);
	loop_timer_after(rest.timer, ms);
}

int
job_install_room(void)
{
	int running = sched_running(JOB_INSTALL);
	int64_t oldest = sched_oldest(JOB_INSTALL);

	if (!issue_is_busy() ||
	    (oldest != 0 && loop_now() - oldest > LATE_MS))
		return INSTALLS_MAX - running;
	return running == 0 && loop_mono() >= rest.until_ms;
}

void
job_install_fini(void)
{
	loop_timer_free(rest.timer);
	memset(&rest, 0, sizeof(rest));
}

static void
install_free(struct install *n)
{
	begin_rest(n);
	if (n->b != NULL)
		bundle_free(n->b);
	blob_free(&n->chain);
	free(n);
}

/* Each service that uses it owes a check and a reload now. */
static void
owe_reload(const struct bundle *b, const struct row_deployment *old,
    int64_t version)
{
	struct row_deployment d = *old;

	assert(old->service[0] != '\0' && version > 0);
	/* What the files before did is not held against these. */
	if (d.wanted != version) {
		d.failures = d.next_try_ms = 0;
		d.error = NULL;
		if (d.since_ms > loop_now())
			d.since_ms = 0;
	}
	d.wanted = version;
	d.state = row_const("installed");
	d.owed = 1;
	if (d.since_ms == 0)
		d.since_ms = loop_now();
	batch_put(turn_batch(), T_DEPLOYMENT, &d);
	deploy_due(b, d.service);
}

/* The placeholder is there: nothing to reload for. */
static void
forget_failure(const struct row_deployment *old)
{
	struct row_deployment d = *old;

	if (d.failures == 0)
		return;
	d.failures = d.next_try_ms = 0;
	d.error = NULL;
	d.state = row_const("waiting");
	batch_put(turn_batch(), T_DEPLOYMENT, &d);
}

static void
tell_services(const struct bundle *b, int64_t version)
{
	size_t i;

	for (i = 0; i < b->deployments.n; i++) {
		const struct row_deployment *d = ROWS_AT(&b->deployments,
		    row_deployment, i);

		if (d->service[0] == '\0')
			batch_del(turn_batch(), T_DEPLOYMENT, d);
		else if (version > 0)
			owe_reload(b, d, version);
		else
			forget_failure(d);
	}
}

static void
retire_old_generation(const struct install *n)
{
	size_t i;

	for (i = 0; i < n->b->generations.n; i++) {
		struct row_generation g = *ROWS_AT(&n->b->generations,
		    row_generation, i);

		if (g.gen == n->gen.gen || strcmp(g.state, "live") != 0)
			continue;
		g.state = row_const("old");
		batch_put(turn_batch(), T_GENERATION, &g);
	}
}

/* All that follows from it in one turn: generation, certificate, what the
 * services owe. */
static void
live_now(struct install *n)
{
	struct row_cert c = *n->b->cert;
	const struct row_version *v = bundle_version(n->b, n->version);
	struct happening h = { .event = "version.installed",
		.cert_id = c.id, .name = c.name, .version = n->version,
		.text = n->version == 0 ? "placeholder in place" : NULL };

	assert(n->b != NULL && n->err.class == ERR_NONE);
	n->gen.state = row_const("live");
	batch_put(turn_batch(), T_GENERATION, &n->gen);
	retire_old_generation(n);
	c.installed = n->version;
	c.installed_gen = n->gen.gen;
	c.installed_since_ms = loop_now();
	if (v != NULL && n->version > 0 && c.served == 0)
		c.not_after_ms = v->not_after_ms;
	batch_put(turn_batch(), T_CERT, &c);
	turn_event(&h);
	tell_services(n->b, n->version);
	if (n->version > 0)
		sched_put(JOB_PRUNE, c.id, loop_now() + plan_delay(CONF_DAY,
		    engine_lifetime(n->b)));
	engine_touch(c.id);
	assert(c.installed == n->version && c.installed_gen == n->gen.gen);
	sched_done(JOB_INSTALL, c.id);
}

static void
fail_deployment(const struct install *n, const struct row_deployment *old,
    const struct err *err, int64_t next_ms)
{
	struct row_deployment d = *old;

	assert(next_ms >= loop_now());
	d.error = NULL;
	set_error(&d.error, err);
	d.failures++;
	d.wanted = n->version;
	d.state = row_const("unserved");
	d.last_try_ms = loop_now();
	d.next_try_ms = next_ms;
	batch_put(turn_batch(), T_DEPLOYMENT, &d);
	free(d.error);
}

/* No service has got it. Where there are none the files say so
 * themselves. */
static void
say_failed(const struct install *n, const struct err *err)
{
	const struct rows *all = &n->b->deployments;
	const struct row_deployment files = { .cert_id = n->cert_id,
		.service = row_const(""), .version = -1 };
	struct happening h = { .event = err->code == ERR_TEST_CA ?
		"service.refused" : "service.failed", .cert_id = n->cert_id,
		.name = n->b->cert->name, .version = n->version, .err = err };
	int64_t failures = 1, life = engine_lifetime(n->b), at;
	size_t i;

	assert(n->b != NULL && n->b->cert != NULL);
	assert(failures >= 1);
	for (i = 0; i < all->n; i++)
		if (ROWS_AT(all, row_deployment, i)->failures >= failures)
			failures = ROWS_AT(all, row_deployment, i)->failures +
			    1;
	at = loop_now() + (engine_own_trouble(err) || err->code == ERR_DISK ?
	    plan_own_trouble(failures, life) :
	    plan_backoff(failures, life, chance_luck()));
	for (i = 0; i < all->n; i++)
		fail_deployment(n, ROWS_AT(all, row_deployment, i), err, at);
	if (all->n == 0)
		fail_deployment(n, &files, err, at);
	turn_event(&h);
	sched_later(JOB_INSTALL, n->cert_id, at);
	engine_touch(n->cert_id);
}

/* The files are there, or not: the rows hear of it as they are by now. */
static void
write_result(void *ctx, struct bundle *b, const struct err *err)
{
	struct install *n = ctx;
	bool good = n->err.class == ERR_NONE;

	assert(n->b != NULL);
	bundle_free(n->b);
	n->b = NULL;
	if (err != NULL || b->cert == NULL)
		sched_later(JOB_INSTALL, n->cert_id, loop_now() + CONF_MINUTE);
	else {
		n->b = bundle_take(b);
		if (good)
			live_now(n);
		else
			say_failed(n, &n->err);
	}
	install_free(n);
}

/* The rows may have changed while the files were made. */
static void
fail(struct install *n, const struct err *err)
{
	assert(n->b != NULL);
	n->err = *err;
	bundle_by_id(turn_store(), n->cert_id, write_result, n);
}

static void
installed(void *ctx, void *answer, const struct err *err)
{
	struct install *n = ctx;

	(void)answer;
	if (err != NULL) {
		fail(n, err);
		return;
	}
	err_clear(&n->err);
	bundle_by_id(turn_store(), n->cert_id, write_result, n);
}

static void
ask_install(void *ctx)
{
	struct install *n = ctx;
	const struct row_version *v = bundle_version(n->b, n->version);
	const struct row_cert *c = n->b->cert;
	struct w_install m = { .cert = (uint64_t)n->cert_id, .name = c->name,
		.gen = (uint32_t)n->gen.gen, .version = (uint32_t)n->version,
		.placeholder = n->version == 0,
		.from_file = strcmp(c->source, "file") == 0,
		.policy = c->policy, .sealed = v->sealed, .leaf = v->leaf,
		.chain = n->chain };
	struct buf meta;

	assert(v != NULL && n->gen.cert_id == n->cert_id);
	meta_write(&meta, n->b, &n->gen, v);
	m.names = list_of(v->names);
	m.meta.p = (uint8_t *)meta.data;
	m.meta.len = meta.len;
	peer_ask(WIRE_INSTALL, &m, installed, n);
	strv_free(&m.names);
	buf_free(&meta);
}

/* A chain that the inventory has lost is no reason to keep the key from its
 * place: the leaf alone is better than the version before. */
static void
chain_read(void *ctx, struct rows *answers, int count, const struct err *err)
{
	struct install *n = ctx;
	struct row_chain *row;

	assert(n->chain.p == NULL);
	(void)count;
	if (err == NULL && answers[0].n > 0) {
		row = ROWS_AT(&answers[0], row_chain, 0);
		n->chain = row->pem;
		memset(&row->pem, 0, sizeof(row->pem));
	}
	turn_after(ask_install, n);
}

/* A generation of this version that was begun, or that was put back, is gone
 * on with; else a new one gets the next number. */
static void
choose_generation(struct install *n)
{
	struct row_cert c = *n->b->cert;
	size_t i;

	assert(n->b != NULL && n->gen.state == NULL);
	n->gen.cert_id = c.id;
	n->gen.version = n->version;
	n->gen.created_ms = loop_now();
	n->gen.state = row_const("staging");
	for (i = 0; i < n->b->generations.n; i++) {
		const struct row_generation *g = ROWS_AT(&n->b->generations,
		    row_generation, i);

		if (g->version == n->version &&
		    (strcmp(g->state, "staging") == 0 ||
		    strcmp(g->state, "back") == 0))
			n->gen.gen = g->gen;
	}
	if (n->gen.gen == 0) {
		n->gen.gen = c.next_gen++;
		batch_put(turn_batch(), T_CERT, &c);
	}
	batch_put(turn_batch(), T_GENERATION, &n->gen);
}

static void
install(struct install *n, const struct row_version *v)
{
	struct query q = { .table = T_CHAIN, .wheres = 1, .where = {
		{ .col = "sha256", .cmp = CMP_EQ, .text = v->chain } } };

	assert(v->sealed.len > 0 || bundle_own_key(v));
	choose_generation(n);
	if (v->chain[0] == '\0')
		turn_after(ask_install, n);
	else
		store_read(turn_store(), &q, 1, chain_read, n);
}

/* --- the placeholder --------------------------------------------------- */

/* The placeholder is a version now: the install begins again with it. */
static void
bundle_again(void *ctx, struct bundle *b, const struct err *err)
{
	struct install *n = ctx;

	assert(n->version == 0 && n->chain.p == NULL);
	bundle_free(n->b);
	n->b = NULL;
	if (err != NULL || b->cert == NULL) {
		engine_job_over(JOB_INSTALL, n->cert_id, err);
		install_free(n);
		return;
	}
	n->b = bundle_take(b);
	begin(n);
}

static void
placed(void *ctx, void *answer, const struct err *err)
{
	struct install *n = ctx;
	struct w_placed *m = answer;
	struct row_version v = { .cert_id = n->cert_id, .placeholder = 1,
		.kek_id = 1, .seal_format = 1 };
	struct acme_leaf leaf;
	struct err why;

	assert(n->version == 0);
	if (err != NULL) {
		fail(n, err);
		return;
	}
	if (acme_pem_leaf(&v.leaf, m->leaf.p, m->leaf.len, &why) != 0 ||
	    acme_leaf_read(&leaf, v.leaf.p, v.leaf.len, &why) != 0) {
		blob_free(&v.leaf);
		fail(n, &why);
		return;
	}
	v.sealed = m->sealed;
	v.key_type = row_const("ecdsa-p256");
	v.serial = leaf.serial;
	v.sha256 = leaf.sha256;
	v.spki_sha256 = leaf.spki_sha256;
	v.issuer = leaf.issuer;
	v.not_before_ms = leaf.not_before_ms;
	v.not_after_ms = leaf.not_after_ms;
	v.issued_ms = loop_now();
	v.names = lines_of(&leaf.names);
	batch_put(turn_batch(), T_VERSION, &v);
	free(v.names);
	blob_free(&v.leaf);
	strv_free(&leaf.names);
	bundle_by_id(turn_store(), n->cert_id, bundle_again, n);
}

static void
ask_placeholder(void *ctx)
{
	struct install *n = ctx;
	struct conf_wish wish = engine_wish(n->b->cert);
	struct w_placeholder m = { .cert = (uint64_t)n->cert_id,
		.alg = row_const("ecdsa-p256"), .names = wish.names,
		.now_ms = loop_now() };

	assert(n->version == 0 && bundle_version(n->b, 0) == NULL);
	peer_ask(WIRE_PLACEHOLDER, &m, placed, n);
	conf_wish_free(&wish);
}

/* --- what there is to do ----------------------------------------------- */

static void
begin(struct install *n)
{
	const struct row_version *v = bundle_version(n->b, n->version);

	assert(n->b != NULL && n->chain.p == NULL);
	if (n->version == 0 && n->b->cert->csr.len > 0) {
		/* No key of ours that a placeholder could be for. */
		sched_done(JOB_INSTALL, n->cert_id);
		install_free(n);
	} else if (v == NULL && n->version == 0)
		turn_after(ask_placeholder, n);
	else if (v == NULL || (v->sealed.len == 0 && !bundle_own_key(v))) {
		err_set(&n->err, ERR_INTERNAL, "version %lld has no key in "
		    "the inventory", (long long)n->version);
		say_failed(n, &n->err);
		install_free(n);
	} else
		install(n, v);
}

/* Services that may not have a test CA's certificate keep what they have. */
static bool
refuse_test_ca(const struct bundle *b, const struct row_version *v,
    struct err *err)
{
	const struct conf_service *s;
	size_t i;

	for (i = 0; v != NULL && v->test_ca && i < b->deployments.n; i++) {
		s = conf_service(engine_conf(), ROWS_AT(&b->deployments,
		    row_deployment, i)->service);
		if (s == NULL || s->allow_test_ca)
			continue;
		err_set(err, ERR_TEST_CA, "service \"%s\" may not get "
		    "certificates of a test CA (%s)", s->title, v->issuer);
		err_advise(err, "Order from another ca, or set allow-test-ca "
		    "= true in service \"%s\"", s->title);
		return true;
	}
	return false;
}

static bool
is_revoked(const struct bundle *b, int64_t version)
{
	const struct row_version *v = bundle_version(b, version);

	return v != NULL && v->revoked_ms != 0;
}

static void
read_bundle(void *ctx, struct bundle *b, const struct err *err)
{
	struct install *n = ctx;

	assert(n->b == NULL);
	if (err != NULL || b->cert == NULL) {
		engine_job_over(JOB_INSTALL, n->cert_id, err);
		install_free(n);
		return;
	}
	/* What was revoked is left alone: its replacement is on the way. */
	if (purge_has(n->cert_id) || is_revoked(b, b->cert->newest)) {
		sched_done(JOB_INSTALL, n->cert_id);
		install_free(n);
		return;
	}
	if (back_begin(b)) {
		install_free(n);
		return;
	}
	n->b = bundle_take(b);
	n->version = n->b->cert->newest;
	if (refuse_test_ca(n->b, bundle_version(n->b, n->version), &n->err)) {
		say_failed(n, &n->err);
		install_free(n);
		return;
	}
	begin(n);
}

void
job_install(int64_t cert_id)
{
	struct install *n;

	assert(sched_is_running(JOB_INSTALL, cert_id));
	/* What a round has checked must be what it reloads. */
	if (deploy_busy()) {
		sched_later(JOB_INSTALL, cert_id, loop_now() + ROUND_OVER_MS);
		return;
	}
	n = xcalloc(1, sizeof(*n));
	n->cert_id = cert_id;
	n->began_ms = loop_mono();
	bundle_by_id(turn_store(), cert_id, read_bundle, n);
}
