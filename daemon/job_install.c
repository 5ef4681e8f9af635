/* Files: makes what is live on disk the newest version (or the placeholder
 * before the first). Never talks to a CA. The generation's row is durable
 * before its files are made, the files before the row says live. Job INSTALL.
 */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "acme/acme.h"
#include "base/text.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/plan.h"
#include "daemon/sched.h"

enum { ROUND_OVER_MS = 500,
	INSTALLS_MAX = 64 };

/* One install under way. */
struct install {
	int64_t cert_id;
	struct bundle *b;
	struct row_generation gen;	/* its texts are static */
	int64_t version;
	struct blob chain;
	struct err err;
};

static void begin(struct install *n);

static char *
word(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void
install_free(struct install *n)
{
	if (n->b != NULL)
		bundle_free(n->b);
	blob_free(&n->chain);
	free(n);
}

/* Each service that uses it owes a check and a reload now. */
static void
owe_reloads(const struct bundle *b, int64_t version)
{
	size_t i;

	for (i = 0; i < b->deployments.n; i++) {
		struct row_deployment d = *ROWS_AT(&b->deployments,
		    row_deployment, i);

		/* What the files before did is not held against these. */
		if (d.wanted != version) {
			d.failures = d.next_try_ms = 0;
			if (d.since_ms > loop_now())
				d.since_ms = 0;
		}
		d.wanted = version;
		d.state = word("installed");
		d.owed = 1;
		if (d.since_ms == 0)
			d.since_ms = loop_now();
		batch_put(turn_batch(), T_DEPLOYMENT, &d);
		deploy_due(b, d.service);
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
		g.state = word("old");
		batch_put(turn_batch(), T_GENERATION, &g);
	}
}

static void
live_now(struct install *n)
{
	struct row_cert c = *n->b->cert;
	const struct row_version *v = bundle_version(n->b, n->version);
	struct happening h = { .event = "version.installed",
		.cert_id = c.id, .name = c.name, .version = n->version,
		.text = n->version == 0 ? "placeholder in place" : NULL };

	n->gen.state = word("live");
	batch_put(turn_batch(), T_GENERATION, &n->gen);
	retire_old_generation(n);
	c.installed = n->version;
	c.installed_gen = n->gen.gen;
	c.installed_since_ms = loop_now();
	if (v != NULL && n->version > 0 && c.served == 0)
		c.not_after_ms = v->not_after_ms;
	batch_put(turn_batch(), T_CERT, &c);
	turn_event(&h);
	if (n->version > 0) {
		owe_reloads(n->b, n->version);
		sched_put(JOB_PRUNE, c.id, loop_now() + plan_delay(CONF_DAY,
		    engine_lifetime(n->b)));
	}
	engine_touch(c.id);
	sched_done(JOB_INSTALL, c.id);
}

static void
say_failed(struct install *n, const struct err *err)
{
	const struct row_cert *c = n->b->cert;
	struct happening h = { .event = "service.refused", .cert_id = c->id,
		.name = c->name, .version = n->version, .err = err };
	int64_t failures = 0, at;
	size_t i;

	for (i = 0; i < n->b->deployments.n; i++) {
		struct row_deployment d = *ROWS_AT(&n->b->deployments,
		    row_deployment, i);
		char *json = NULL;

		set_error(&json, err);
		d.error = json;
		d.failures++;
		d.wanted = n->version;
		d.state = word("unserved");
		d.last_try_ms = loop_now();
		if (d.failures > failures)
			failures = d.failures;
		batch_put(turn_batch(), T_DEPLOYMENT, &d);
		free(json);
	}
	turn_event(&h);
	at = loop_now() + plan_backoff(failures > 0 ? failures : 1,
	    engine_lifetime(n->b), chance_luck());
	if (engine_own_trouble(err))
		at = loop_now() + plan_own_trouble(failures,
		    engine_lifetime(n->b));
	sched_later(JOB_INSTALL, c->id, at);
	engine_touch(c->id);
}


static void
write_result(void *ctx, struct bundle *b, const struct err *err)
{
	struct install *n = ctx;
	bool good = n->err.class == ERR_NONE;

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

static void
installed(void *ctx, void *answer, const struct err *err)
{
	struct install *n = ctx;

	(void)answer;
	if (err != NULL)
		n->err = *err;
	else
		err_clear(&n->err);
	/* The rows may have changed while the files were made. */
	bundle_by_id(turn_store(), n->cert_id, write_result, n);
}

static void
put_json_text(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ", \"%s\": \"", name);
	buf_json(b, value);
	buf_putc(b, '"');
}

/* meta.json: enough to rebuild a lost store (security.md section 5.1). */
static void
make_meta(struct buf *b, const struct install *n, const struct row_version *v)
{
	char id[17], at[TEXT_TIME];

	text_id(id, (uint64_t)n->cert_id);
	buf_init(b, 32 * 1024);
	buf_printf(b, "{\"certificate\": \"%s\", \"generation\": %lld, "
	    "\"version\": %lld", id, (long long)n->gen.gen,
	    (long long)n->version);
	put_json_text(b, "name", n->b->cert->name);
	put_json_text(b, "names", v->names);
	put_json_text(b, "ca", v->ca);
	put_json_text(b, "serial", v->serial);
	put_json_text(b, "sha256", v->sha256);
	put_json_text(b, "spki_sha256", v->spki_sha256);
	put_json_text(b, "ari_id", v->ari_id);
	put_json_text(b, "settings_hash", n->b->cert->settings_hash);
	text_rfc3339(at, v->not_after_ms);
	put_json_text(b, "not_after", at);
	text_rfc3339(at, n->gen.created_ms);
	put_json_text(b, "created_at", at);
	buf_puts(b, "}\n");
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

	make_meta(&meta, n, v);
	m.names = list_of(v->names);
	m.meta.p = (uint8_t *)meta.data;
	m.meta.len = meta.len;
	peer_ask(WIRE_INSTALL, &m, installed, n);
	strv_free(&m.names);
	buf_free(&meta);
}

static void
chain_read(void *ctx, struct rows *answers, int count, const struct err *err)
{
	struct install *n = ctx;
	struct row_chain *row;

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

	n->gen.cert_id = c.id;
	n->gen.version = n->version;
	n->gen.created_ms = loop_now();
	n->gen.state = word("staging");
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

	choose_generation(n);
	if (v->chain[0] == '\0')
		turn_after(ask_install, n);
	else
		store_read(turn_store(), &q, 1, chain_read, n);
}

/* --- the placeholder --------------------------------------------------- */

static void
bundle_again(void *ctx, struct bundle *b, const struct err *err)
{
	struct install *n = ctx;

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

	if (err != NULL) {
		say_failed(n, err);
		install_free(n);
		return;
	}
	if (acme_pem_leaf(&v.leaf, m->leaf.p, m->leaf.len, &why) != 0 ||
	    acme_leaf_read(&leaf, v.leaf.p, v.leaf.len, &why) != 0) {
		blob_free(&v.leaf);
		say_failed(n, &why);
		install_free(n);
		return;
	}
	v.sealed = m->sealed;
	v.key_type = word("ecdsa-p256");
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
		.alg = word("ecdsa-p256"), .names = wish.names,
		.now_ms = loop_now() };

	peer_ask(WIRE_PLACEHOLDER, &m, placed, n);
	conf_wish_free(&wish);
}

/* --- what there is to do ----------------------------------------------- */

static void
begin(struct install *n)
{
	const struct row_version *v = bundle_version(n->b, n->version);

	if (v == NULL && n->version == 0)
		turn_after(ask_placeholder, n);
	else if (v == NULL || v->sealed.len == 0) {
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

	if (err != NULL || b->cert == NULL) {
		engine_job_over(JOB_INSTALL, n->cert_id, err);
		install_free(n);
		return;
	}
	/* What was revoked is left alone: its replacement is on the way. */
	if (is_revoked(b, b->cert->newest)) {
		sched_done(JOB_INSTALL, n->cert_id);
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

int
job_install_room(void)
{
	return INSTALLS_MAX - sched_running(JOB_INSTALL);
}

void
job_install(int64_t cert_id)
{
	struct install *n;

	/* What a round has checked must be what it reloads. */
	if (deploy_busy()) {
		sched_later(JOB_INSTALL, cert_id, loop_now() + ROUND_OVER_MS);
		return;
	}
	n = xcalloc(1, sizeof(*n));
	n->cert_id = cert_id;
	bundle_by_id(turn_store(), cert_id, read_bundle, n);
}
