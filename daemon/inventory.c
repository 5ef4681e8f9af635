/* Configuration and run-time wishes become rows: what enters, what changes,
 * what is retired. Nothing is ever deleted here (purge.h does that). */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "base/text.h"
#include "daemon/chance.h"
#include "daemon/defaults.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/plan.h"
#include "daemon/sched.h"
#include "daemon/wish_json.h"

const char *
inventory_kind(const char *name)
{
	enum name_kind kind = NAME_DNS;
	char canonical[256];
	struct err err;

	assert(name != NULL);
	name_parse(canonical, &kind, name, &err);
	return kind == NAME_IP ? "ip" : "dns";
}

/* A name that is no longer wished for stays as long as the newest version
 * has it. */
static void
put_idents(int64_t cert_id, const struct conf_wish *wish,
    const struct bundle *b)
{
	const struct row_ident *old;
	size_t i, k;

	assert(b == NULL || b->cert->id == cert_id);
	for (i = 0; b != NULL && i < b->idents.n; i++) {
		struct row_ident gone;

		old = ROWS_AT(&b->idents, row_ident, i);
		if (strv_has(&wish->names, old->value))
			continue;
		gone = *old;
		gone.wanted = 0;
		if (gone.current)
			batch_put(turn_batch(), T_IDENT, &gone);
		else
			batch_del(turn_batch(), T_IDENT, &gone);
	}
	for (i = 0; i < wish->names.n; i++) {
		struct row_ident row = { .cert_id = cert_id, .wanted = 1,
			.value = wish->names.v[i], .position = (int64_t)i };

		row.kind = row_const(inventory_kind(row.value));
		for (k = 0; b != NULL && k < b->idents.n; k++) {
			old = ROWS_AT(&b->idents, row_ident, k);
			if (strcmp(old->value, row.value) == 0)
				row.current = old->current;
		}
		batch_put(turn_batch(), T_IDENT, &row);
	}
}

/* A deployment for each service; what the certificate no longer uses goes. */
static bool
put_deployments(int64_t cert_id, const struct conf_wish *wish,
    const struct bundle *b)
{
	bool changed = false;
	size_t i;

	assert(b == NULL || b->cert->id == cert_id);
	for (i = 0; i < wish->services.n; i++) {
		struct row_deployment row = { .cert_id = cert_id,
			.service = wish->services.v[i],
			.state = row_const("waiting"), .version = -1,
			.wanted = b != NULL ? b->cert->newest : 0 };

		if (b != NULL && bundle_deployment(b, row.service) != NULL)
			continue;
		batch_put(turn_batch(), T_DEPLOYMENT, &row);
		changed = true;
	}
	for (i = 0; b != NULL && i < b->deployments.n; i++) {
		struct row_deployment *d = ROWS_AT(&b->deployments,
		    row_deployment, i);

		if (strv_has(&wish->services, d->service))
			continue;
		batch_del(turn_batch(), T_DEPLOYMENT, d);
		changed = true;
	}
	return changed;
}

bool
inventory_same_csr(const struct blob *a, const struct blob *b)
{
	return a->len == b->len && (a->len == 0 ||
	    memcmp(a->p, b->p, a->len) == 0);
}

/* The CSR that a wish of a file goes with. */
static bool
fill_csr(struct row_cert *c, const struct conf_wish *wish)
{
	const struct conf_cert *k = conf_cert(engine_conf(), c->name);
	struct blob now = { NULL, 0 };

	if (k != NULL && wish->csr_file != NULL && *wish->csr_file != '\0')
		now = k->csr;
	if (inventory_same_csr(&c->csr, &now))
		return false;
	blob_free(&c->csr);
	c->csr = blob_copy(now.p, now.len);
	return true;
}

struct conf_wish
inventory_effective(const struct conf_wish *wish, int64_t created_ms)
{
	return conf_effective_since(engine_conf(), wish,
	    defaults_at(created_ms));
}

/* The texts of a row that a wish decides. Returns true if any changed. */
bool
inventory_fill(struct row_cert *c, const struct conf_wish *wish,
    const struct wish_source *src)
{
	struct conf_wish all = inventory_effective(wish, c->created_ms);
	char *settings = wish_text(&all), hash[17];
	bool changed;

	assert(src->source != NULL);
	text_hash(hash, settings, strlen(settings));
	free(c->wish);
	c->wish = wish_text(wish);
	row_text(&c->source, src->source);
	row_text(&c->where, src->where);
	row_text(&c->names_where, src->names_where);
	row_text(&c->policy, all.policy);
	changed = c->settings_hash == NULL ||
	    strcmp(c->settings_hash, hash) != 0;
	row_text(&c->settings, settings);
	row_text(&c->settings_hash, hash);
	free(settings);
	conf_wish_free(&all);
	return fill_csr(c, wish) || changed;
}

/* Files first, and at once: the placeholder is there before anybody asks for
 * it. */
void
inventory_make(const char *name, const struct conf_wish *wish,
    const struct wish_source *src, int64_t renew_due_ms)
{
	struct conf_wish all = inventory_effective(wish, loop_now());
	struct row_cert c = { .id = chance_id(), .created_ms = loop_now(),
		.changed_ms = loop_now(), .state_since_ms = loop_now(),
		.next_gen = 1, .next_version = 1 };
	struct happening h = { .event = "wish.added", .cert_id = c.id,
		.name = name, .actor = src->actor };

	assert(src->actor != NULL && name != NULL);
	row_text(&c.name, name);
	row_text(&c.state, "new");
	row_text(&c.iss_state, "due");
	row_text(&c.renew_reason, "new");
	c.renew_at_ms = renew_due_ms;
	c.installed = -1;
	inventory_fill(&c, wish, src);
	assert(c.id > 0 && c.newest == 0);
	batch_put(turn_batch(), T_CERT, &c);
	put_idents(c.id, &all, NULL);
	put_deployments(c.id, &all, NULL);
	sched_put(JOB_INSTALL, c.id, loop_now());
	sched_put(JOB_RENEW, c.id, renew_due_ms);
	engine_touch(c.id);
	turn_event(&h);
	row_free(T_CERT, &c);
	conf_wish_free(&all);
}

static void
say_change(const struct row_cert *c, const struct wish_source *src,
    const char *event, const char *text)
{
	struct happening h = { .event = event, .cert_id = c->id,
		.name = c->name, .actor = src->actor, .text = text };

	turn_event(&h);
}

bool
inventory_leaves_tests(bool tested, const char *was, const char *is)
{
	const struct conf_ca *ca = conf_ca(engine_conf(), is);

	assert(is != NULL);
	return tested && was != NULL && strcmp(was, is) != 0 && ca != NULL &&
	    !ca->test_ca;
}

/* Why a new version is ordered now: the names, a CSR of somebody's own, or an
 * end of the tests. NULL: all else is for the next renewal, since one line of a
 * policy must not reorder all that follow it. */
static const char *
orders_now(const struct bundle *b, const struct row_cert *c,
    const struct conf_wish *before, const struct conf_wish *now)
{
	const struct row_version *v = bundle_version(b, c->newest);

	if (!strv_same(&before->names, &now->names))
		return "names";
	if (!inventory_same_csr(&c->csr, &b->cert->csr))
		return "csr";
	return inventory_leaves_tests(v != NULL && v->test_ca != 0,
	    before->ca, now->ca) ? "ca" : NULL;
}

bool
inventory_taken_back(const struct bundle *b, const struct row_cert *c,
    const struct conf_wish *wish)
{
	const struct row_version *v = bundle_version(b, c->newest);
	struct strv names;
	bool same;

	if (v == NULL || v->version == 0 || v->revoked_ms != 0 ||
	    c->renew_forced != 0 || c->csr.len > 0 || bundle_own_key(v) ||
	    (strcmp(c->renew_reason, "names") != 0 &&
	    strcmp(c->renew_reason, "ca") != 0))
		return false;
	names = list_of(v->names);
	same = strv_same(&names, &wish->names);
	strv_free(&names);
	return same && !inventory_leaves_tests(v->test_ca != 0, v->ca,
	    wish->ca);
}

static const char *
change_words(const char *why, const struct row_cert *c, bool other_ca)
{
	static const struct { const char *why, *words; } table[] = {
		{ "names", "names changed; a new version is ordered now" },
		{ "csr", "csr-file changed; a new version is ordered now" },
		{ "ca", "no longer a test CA; a new version is ordered now" }
	};
	size_t i;

	for (i = 0; why != NULL && i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].why, why) == 0)
			return table[i].words;
	assert(why == NULL);
	return c->newest > 0 && other_ca ?
	    "another CA from the next renewal on" : NULL;
}

/* Services and group only move files. What has not been issued yet is tried
 * again at once. */
bool
inventory_change(const struct bundle *b, const struct conf_wish *wish,
    const struct wish_source *src)
{
	struct row_cert *c = row_copy(T_CERT, b->cert);
	struct conf_wish now = inventory_effective(wish, c->created_ms);
	struct conf_wish before = engine_wish(b->cert);
	bool group = strcmp(before.group, now.group) != 0;
	/* Settings that this version can't read say none. */
	bool other_ca = before.ca != NULL && strcmp(before.ca, now.ca) != 0;
	bool services, changed = inventory_fill(c, wish, src);
	const char *words, *why = orders_now(b, c, &before, &now);

	assert(src->actor != NULL && b->cert != NULL);
	if (c->retired_ms != 0) {
		c->retired_ms = 0;
		changed = true;
		if (c->newest > 0)
			sched_put(JOB_ARI, c->id, job_ari_again(
			    engine_lifetime(b)));
	}
	services = put_deployments(c->id, &now, b);
	assert(c->retired_ms == 0);
	if (changed || services) {
		c->changed_ms = loop_now();
		if (why != NULL) {
			c->renew_at_ms = loop_now();
			row_text(&c->renew_reason, why);
			put_idents(c->id, &now, b);
		}
		sched_put(JOB_RENEW, c->id, c->renew_at_ms);
		if (services || group)
			sched_put(JOB_INSTALL, c->id, loop_now());
		words = change_words(why, c, other_ca);
		if (inventory_taken_back(b, c, &now))
			words = "taken back; the newest version is what is "
			    "wished for";
		say_change(c, src, "wish.changed", words);
	}
	batch_put(turn_batch(), T_CERT, c);
	engine_touch(c->id);
	conf_wish_free(&now);
	conf_wish_free(&before);
	row_free(T_CERT, c);
	free(c);
	return changed || services;
}

void
inventory_retire(const struct bundle *b, const char *actor)
{
	struct row_cert c = *b->cert;
	struct wish_source src = { .actor = actor };

	assert(actor != NULL);
	if (c.retired_ms != 0)
		return;
	c.retired_ms = c.changed_ms = loop_now();
	batch_put(turn_batch(), T_CERT, &c);
	sched_drop(JOB_RENEW, c.id);
	/* One that never had a version has no housekeeping yet. */
	sched_put(JOB_PRUNE, c.id, loop_now() + plan_delay(CONF_DAY,
	    engine_lifetime(b)));
	engine_touch(c.id);
	say_change(&c, &src, "wish.retired", c.newest > 0 ? "no longer wished "
	    "for: files stay until 30 days after expiry, no renewals" :
	    "no longer wished for, and nothing was issued");
}
