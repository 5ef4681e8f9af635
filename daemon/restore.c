/* What lies on disk becomes rows again. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/acme.h"
#include "base/text.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/meta.h"
#include "daemon/plan.h"
#include "daemon/restore.h"
#include "daemon/revoke.h"
#include "daemon/sched.h"
#include "daemon/wish_json.h"

/* A generation as it was found. */
struct part {
	struct meta meta;
	struct acme_leaf leaf;
	struct blob pem, chain;
};

static struct {
	uint64_t cert;			/* 0: none begun */
	int64_t top_gen, top_version, live_gen, live_version;
	struct part now;		/* waits for its key */
	int64_t now_gen;
	bool waiting;
	struct part newest;		/* decides what the certificate is */
	bool has;
	struct strv names;		/* that are taken */
	int count;
} found;

static char *
word(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void
part_free(struct part *p)
{
	meta_free(&p->meta);
	strv_free(&p->leaf.names);
	blob_free(&p->pem);
	blob_free(&p->chain);
	memset(p, 0, sizeof(*p));
}

/* --- versions ---------------------------------------------------------- */

static void
put_chain(const struct part *p, char key[65])
{
	struct row_chain row = { key, p->chain };

	assert(p->chain.len == 0 || p->chain.p != NULL);
	key[0] = '\0';
	if (p->chain.len == 0)
		return;
	acme_digest_hex(key, p->chain.p, p->chain.len);
	batch_put(turn_batch(), T_CHAIN, &row);
}

static void
put_version(const struct part *p, const struct blob *sealed)
{
	const struct conf_ca *ca = conf_ca(engine_conf(), p->meta.ca);
	const struct acme_leaf *l = &p->leaf;
	char chain[65];
	struct row_version v = { .cert_id = (int64_t)found.cert,
		.version = p->meta.version, .sealed = *sealed, .kek_id = 1,
		.seal_format = 1, .key_type = p->meta.key_type,
		.leaf = p->pem, .chain = chain, .ca = p->meta.ca,
		.profile = p->meta.profile, .serial = word(l->serial),
		.sha256 = word(l->sha256), .spki_sha256 = word(l->spki_sha256),
		.issuer = word(l->issuer), .ari_id = word(l->ari_id),
		.not_before_ms = l->not_before_ms,
		.not_after_ms = l->not_after_ms,
		.issued_ms = p->meta.issued_ms,
		.test_ca = l->test_ca || (ca != NULL && ca->test_ca) };

	assert(found.cert != 0 && p->meta.version > 0);
	put_chain(p, chain);
	v.names = lines_of(&l->names);
	batch_put(turn_batch(), T_VERSION, &v);
	free(v.names);
}

static void
put_generation(int64_t gen, int64_t version)
{
	struct row_generation row = { .cert_id = (int64_t)found.cert,
		.gen = gen, .version = version, .created_ms = loop_now(),
		.state = word(gen == found.live_gen ? "live" : "old") };

	assert(found.cert != 0 && gen <= found.top_gen);
	batch_put(turn_batch(), T_GENERATION, &row);
}

/* --- the certificate ---------------------------------------------------- */

/* As the configuration says it, else as it was when its files were made. */
static struct conf_wish
wish_of(const struct meta *m, struct wish_source *src)
{
	const struct conf_cert *k = conf_cert(engine_conf(), m->name);
	struct conf_wish w;
	struct err err;
	size_t i;

	assert(found.has && m == &found.newest.meta);
	src->actor = "rebuild";
	src->source = k != NULL || strcmp(m->source, "file") == 0 ? "file" :
	    "user";
	src->where = k != NULL ? k->where : m->where;
	src->names_where = k != NULL ? k->names_where : m->where;
	conf_wish_blank(&w);
	if (k != NULL) {
		char *text = wish_text(&k->wish);

		wish_parse(&w, text, &err);
		free(text);
	} else if (m->wish[0] == '\0' || wish_parse(&w, m->wish, &err) != 0)
		w.policy = xstrdup(m->policy);
	for (i = 0; w.names.n == 0 && i < found.newest.leaf.names.n; i++)
		strv_add(&w.names, found.newest.leaf.names.v[i]);
	return w;
}

static void
put_names(const struct conf_wish *all, bool *lacking)
{
	const struct strv *have = &found.newest.leaf.names;
	struct row_ident row = { .cert_id = (int64_t)found.cert };
	size_t i;

	assert(found.has && lacking != NULL);
	*lacking = false;
	for (i = 0; i < all->names.n + have->n; i++) {
		row.position = (int64_t)i;
		row.value = i < all->names.n ? all->names.v[i] :
		    have->v[i - all->names.n];
		row.kind = word(inventory_kind(row.value));
		row.wanted = strv_has(&all->names, row.value);
		row.current = found.newest.meta.version > 0 &&
		    strv_has(have, row.value);
		if (i >= all->names.n && row.wanted)
			continue;
		*lacking = *lacking || (row.wanted && !row.current);
		if (row.wanted || row.current)
			batch_put(turn_batch(), T_IDENT, &row);
	}
}

/* No reload is owed: a probe finds out what each service serves. */
static void
put_deployments(const struct conf_wish *all)
{
	size_t i;

	assert(found.has && found.cert != 0);
	for (i = 0; i < all->services.n; i++) {
		struct row_deployment d = { .cert_id = (int64_t)found.cert,
			.service = all->services.v[i],
			.state = word(found.live_version > 0 ? "reloading" :
			    "waiting"),
			.version = found.live_version,
			.wanted = found.newest.meta.version };

		batch_put(turn_batch(), T_DEPLOYMENT, &d);
	}
}

static void
put_labels(const struct strv *labels)
{
	struct row_label row = { .cert_id = (int64_t)found.cert };
	size_t i;

	for (i = 0; i < labels->n; i++) {
		row.value = strchr(labels->v[i], '=');
		if (row.value == NULL)
			continue;
		row.key = xstrndup(labels->v[i],
		    (size_t)(row.value++ - labels->v[i]));
		batch_put(turn_batch(), T_LABEL, &row);
		free(row.key);
	}
}

/* What is there has a key of another kind than is wished for now: ours, or
 * that of the CSR. */
static bool
has_other_key(const struct row_cert *c)
{
	struct row_version v = { .key_type = found.newest.meta.key_type,
		.spki_sha256 = found.newest.leaf.spki_sha256 };

	return c->csr.len > 0 ? !revoke_csr_has_key_of(c, &v) :
	    bundle_own_key(&v);
}

/* A version that has all names is renewed in its time; what lacks one is
 * ordered now. */
static void
plan_next(struct row_cert *c, bool lacking)
{
	const struct acme_leaf *l = &found.newest.leaf;
	bool refused, other = has_other_key(c);

	assert(found.has && c->id == (int64_t)found.cert);
	c->renew_at_ms = loop_now();
	row_text(&c->renew_reason, c->newest == 0 ? "new" : lacking ?
	    "names" : "csr");
	lacking = lacking || other;
	if (c->newest > 0 && !lacking) {
		c->renew_at_ms = plan_renewal(l->not_before_ms,
		    l->not_after_ms, 0, chance_luck(), &refused);
		row_text(&c->renew_reason, "lifetime");
	}
	row_text(&c->iss_state, c->newest > 0 && !lacking ? "idle" : "due");
	sched_put(JOB_RENEW, c->id, c->renew_at_ms);
	if (c->installed != c->newest)
		sched_put(JOB_INSTALL, c->id, loop_now());
	if (c->newest > 0 && l->ari_id[0] != '\0')
		sched_put(JOB_ARI, c->id, loop_now());
	if (c->installed > 0)
		sched_put(JOB_PROBE, c->id, loop_now());
	sched_put(JOB_PRUNE, c->id, loop_now() + CONF_DAY);
}

/* All generations of it have been seen: what it is comes from the newest. */
static void
put_certificate(void)
{
	const struct meta *m = &found.newest.meta;
	struct row_cert c = { .id = (int64_t)found.cert,
		.created_ms = loop_now(), .changed_ms = loop_now(),
		.state_since_ms = loop_now(), .newest = m->version,
		.next_gen = found.top_gen + 1,
		.next_version = found.top_version + 1,
		.installed = found.live_version > 0 ? found.live_version : -1,
		.installed_gen = found.live_version > 0 ? found.live_gen : 0,
		.installed_since_ms = m->issued_ms };
	struct wish_source src;
	struct conf_wish wish = wish_of(m, &src), all;
	bool lacking;

	assert(found.has && found.cert != 0);
	assert(found.live_gen <= found.top_gen &&
	    found.live_version <= found.top_version);
	if (m->version > 0)
		c.not_after_ms = found.newest.leaf.not_after_ms;
	row_text(&c.name, m->name);
	row_text(&c.state, "new");
	inventory_fill(&c, &wish, &src);
	all = conf_effective(engine_conf(), &wish);
	put_names(&all, &lacking);
	put_deployments(&all);
	put_labels(&m->labels);
	plan_next(&c, lacking);
	batch_put(turn_batch(), T_CERT, &c);
	engine_touch(c.id);
	conf_wish_free(&all);
	conf_wish_free(&wish);
	row_free(T_CERT, &c);
}

/* Two can't have one name: the first that was found keeps it, and nothing of
 * the other is touched. */
static void
close_certificate(void)
{
	assert(!found.waiting);
	assert(!found.has || found.cert != 0);
	if (found.has && strv_has(&found.names, found.newest.meta.name))
		log_warning("certificate %016llx is left alone: another one "
		    "has its name, %s", (unsigned long long)found.cert,
		    found.newest.meta.name);
	else if (found.has) {
		strv_add(&found.names, found.newest.meta.name);
		put_certificate();
		found.count++;
	}
	part_free(&found.newest);
	found.has = false;
	found.cert = 0;
	found.top_gen = found.top_version = 0;
	found.live_gen = found.live_version = 0;
}

/* --- what comes in ----------------------------------------------------- */

int
restore_take(const struct w_surveyed *w, uint32_t *version, struct err *err)
{
	struct part *p = &found.now;

	assert(!found.waiting && w->cert != 0);
	if (w->cert != found.cert)
		close_certificate();
	found.cert = w->cert;
	if (w->gen > found.top_gen)
		found.top_gen = w->gen;
	if (w->why[0] != '\0')
		return err_set(err, ERR_INVALID, "%s", w->why);
	memset(p, 0, sizeof(*p));
	if (meta_read(&p->meta, w->meta.p, w->meta.len, err) != 0)
		return -1;
	if (acme_leaf_read(&p->leaf, w->leaf.p, w->leaf.len, err) != 0) {
		part_free(p);
		return -1;
	}
	p->pem = blob_copy(w->leaf.p, w->leaf.len);
	p->chain = blob_copy(w->chain.p, w->chain.len);
	found.now_gen = w->gen;
	found.waiting = true;
	assert(p->meta.name != NULL);
	if (w->live) {
		found.live_gen = w->gen;
		found.live_version = p->meta.version;
	}
	*version = strcmp(p->meta.key_type, "csr") == 0 ? 0 :
	    (uint32_t)p->meta.version;
	return 0;
}

void
restore_key(const struct blob *sealed)
{
	struct part *p = &found.now;

	assert(found.waiting);
	assert(found.cert != 0 && found.now_gen <= found.top_gen);
	found.waiting = false;
	/* A placeholder is made anew: nothing is lost with it. */
	if (p->meta.version > 0)
		put_version(p, sealed);
	put_generation(found.now_gen, p->meta.version);
	if (p->meta.version > found.top_version)
		found.top_version = p->meta.version;
	if (found.has && p->meta.version < found.newest.meta.version) {
		part_free(p);
		return;
	}
	part_free(&found.newest);
	found.newest = *p;
	found.has = true;
	memset(p, 0, sizeof(*p));
}

void
restore_end(void)
{
	assert(!found.waiting);
	close_certificate();
	assert(found.cert == 0 && !found.has);
	strv_free(&found.names);
}

int
restore_count(void)
{
	assert(found.count >= 0);
	return found.count;
}
