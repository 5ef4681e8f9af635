/* Generations, the live link, services and what they serve. It watches the
 * invariants that are the disk's: what is live is whole, belongs to its key,
 * and never goes back to a placeholder or to something expired. */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/acme.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/prober.h"
#include "tests/sim/disk.h"
#include "tests/sim/sim.h"

enum { CERTS_MAX = 2048, GENS_MAX = 64, SERVICES_MAX = 16, RUNS_KEPT = 64,
	WIRE_KIND_MAX = 256 };

struct gen {
	uint32_t gen;
	int64_t version, not_after_ms;
	char sha256[65];
	bool gone, revoked;
};

struct cert {
	uint64_t id;
	char name[129];
	struct strv names;
	struct gen gens[GENS_MAX];
	int gens_n, live;		/* index, -1 none */
	int loaded[SERVICES_MAX];	/* index of the generation, -1 none */
};

struct service {
	char name[65], shows[16], check_name[129];
	bool check_fails, reload_fails, check_later, reload_later;
	bool back_later;		/* where files went back */
	int reloads, checks;
};

/* A master knows the runs it was asked for, and what came of them. */
struct known_run {
	uint64_t id, content;
	bool good, later;
};

static struct {
	struct cert *certs;
	int certs_n;
	struct known_run runs[RUNS_KEPT];
	int runs_n, runs_joined;
	int refuses[WIRE_KIND_MAX];	/* so many more, by kind */
	struct service services[SERVICES_MAX];
	int services_n;
} disk;

void
disk_begin(void)
{
	memset(&disk, 0, sizeof(disk));
	disk.certs = xcalloc(CERTS_MAX, sizeof(*disk.certs));
}

void
disk_end(void)
{
	int i;

	for (i = 0; i < disk.certs_n; i++)
		strv_free(&disk.certs[i].names);
	free(disk.certs);
}

static struct cert *
cert_of(uint64_t id)
{
	int i, k;

	for (i = 0; i < disk.certs_n; i++)
		if (disk.certs[i].id == id)
			return &disk.certs[i];
	if (i == CERTS_MAX)
		abort();
	disk.certs_n++;
	disk.certs[i].id = id;
	disk.certs[i].live = -1;
	for (k = 0; k < SERVICES_MAX; k++)
		disk.certs[i].loaded[k] = -1;
	return &disk.certs[i];
}

static struct cert *
cert_named(const char *name)
{
	int i;

	for (i = 0; i < disk.certs_n; i++)
		if (strcmp(disk.certs[i].name, name) == 0)
			return &disk.certs[i];
	return NULL;
}

static int
service_of(const char *name)
{
	int i;

	for (i = 0; i < disk.services_n; i++)
		if (strcmp(disk.services[i].name, name) == 0)
			return i;
	if (i == SERVICES_MAX)
		abort();
	disk.services_n++;
	snprintf(disk.services[i].name, sizeof(disk.services[i].name), "%s",
	    name);
	strcpy(disk.services[i].shows, "live");
	return i;
}

/* --- scripts ----------------------------------------------------------- */

void
sim_check_fails(const char *service, const char *name, bool off)
{
	struct service *s = &disk.services[service_of(service)];

	s->check_fails = !off;
	s->check_later = false;
	snprintf(s->check_name, sizeof(s->check_name), "%s",
	    name != NULL ? name : "");
}

void
sim_reload_fails(const char *service, bool off)
{
	struct service *s = &disk.services[service_of(service)];

	s->reload_fails = !off;
	s->reload_later = s->back_later = false;
}

void
sim_asks_later(const char *service, bool check)
{
	struct service *s = &disk.services[service_of(service)];

	*(check ? &s->check_later : &s->reload_later) = true;
}

void
sim_asks_later_when_back(const char *service)
{
	disk.services[service_of(service)].back_later = true;
}

void
sim_endpoint_shows(const char *service, const char *what)
{
	struct service *s = &disk.services[service_of(service)];

	snprintf(s->shows, sizeof(s->shows), "%s", what);
}

void
sim_disk_refuses(enum wire_kind kind, int times)
{
	disk.refuses[kind] = times;
}

int
sim_runs_joined(void)
{
	return disk.runs_joined;
}

void
sim_revoked(const char *name, int64_t version)
{
	struct cert *c = cert_named(name);
	int i;

	for (i = 0; c != NULL && i < c->gens_n; i++)
		if (c->gens[i].version == version)
			c->gens[i].revoked = true;
}

int
sim_reloads(const char *service)
{
	return disk.services[service_of(service)].reloads;
}

int
sim_checks(const char *service)
{
	return disk.services[service_of(service)].checks;
}

int64_t
sim_live_version(const char *name)
{
	const struct cert *c = cert_named(name);

	return c == NULL || c->live < 0 ? -1 : c->gens[c->live].version;
}

int64_t
sim_served_version(const char *service, const char *name)
{
	const struct cert *c = cert_named(name);
	int s = service_of(service);

	return c == NULL || c->loaded[s] < 0 ? -1 :
	    c->gens[c->loaded[s]].version;
}

/* --- files ------------------------------------------------------------- */

static int
find_gen(const struct cert *c, uint32_t gen)
{
	int i;

	for (i = 0; i < c->gens_n; i++)
		if (c->gens[i].gen == gen && !c->gens[i].gone)
			return i;
	return -1;
}

static void
go_live(struct cert *c, int i)
{
	const struct gen *now = &c->gens[i];
	const struct gen *was = c->live >= 0 ? &c->gens[c->live] : NULL;

	if (was != NULL && was->version > now->version) {
		if (now->version == 0)
			sim_set_wrong("%s goes back to its placeholder",
			    c->name);
		if (now->not_after_ms <= loop_now())
			sim_set_wrong("%s goes back to an expired version",
			    c->name);
		if (now->revoked)
			sim_set_wrong("%s goes back to a revoked version",
			    c->name);
	}
	c->live = i;
}

/* Without a key it must be for the CSR that the files name. */
static bool
is_for_csr(const struct w_install *m, const struct acme_leaf *leaf)
{
	const struct conf_cert *k = conf_cert(engine_conf(), m->name);
	struct acme_csr csr;
	struct err unused;
	char hex[65] = "";

	if (k != NULL && acme_csr_read(&csr, k->csr.p, k->csr.len,
	    &unused) == 0) {
		acme_digest_hex(hex, csr.spki.p, csr.spki.len);
		acme_csr_free(&csr);
	}
	return m->from_file && !m->placeholder &&
	    strcmp(hex, leaf->spki_sha256) == 0;
}

static void
install(const struct w_install *m, struct err *err)
{
	struct cert *c = cert_of(m->cert);
	struct acme_leaf leaf;
	char want[64];
	struct gen *g;
	int i;

	snprintf(c->name, sizeof(c->name), "%s", m->name);
	snprintf(want, sizeof(want), "sealed %llx %u",
	    (unsigned long long)m->cert, m->version);
	if (acme_leaf_read(&leaf, m->leaf.p, m->leaf.len, err) != 0) {
		sim_set_wrong("%s: no leaf: %s", m->name, err->text);
		return;
	}
	if (m->sealed.len == 0 ? !is_for_csr(m, &leaf) :
	    m->sealed.len != strlen(want) ||
	    memcmp(m->sealed.p, want, m->sealed.len) != 0)
		sim_set_wrong("%s: key of another version", m->name);
	i = find_gen(c, m->gen);
	if (i < 0) {
		if (c->gens_n == GENS_MAX) {	/* forget what is gone */
			memmove(c->gens, c->gens + 1, sizeof(*c->gens) *
			    (GENS_MAX - 1));
			c->gens_n--;
			c->live--;
			for (i = 0; i < SERVICES_MAX; i++)
				c->loaded[i]--;
		}
		i = c->gens_n++;
		g = &c->gens[i];
		memset(g, 0, sizeof(*g));
		g->gen = m->gen;
		g->version = m->version;
		g->not_after_ms = leaf.not_after_ms;
		snprintf(g->sha256, sizeof(g->sha256), "%s", leaf.sha256);
	} else if (c->gens[i].version != m->version)
		sim_set_wrong("%s: generation %u is version %lld and %u",
		    m->name, m->gen, (long long)c->gens[i].version,
		    m->version);
	strv_free(&c->names);
	c->names = leaf.names;
	go_live(c, i);
}

static void
flip(const struct w_generation *m, struct err *err)
{
	struct cert *c = cert_of(m->cert);
	int i = find_gen(c, m->gen);

	if (i < 0)
		err_set(err, ERR_INSTALL_FAILED, "generation %u is not there",
		    m->gen);
	else
		go_live(c, i);
}

static void
prune(const struct w_generation *m, struct err *err)
{
	struct cert *c = cert_of(m->cert);
	int i = find_gen(c, m->gen);

	if (i >= 0 && i == c->live) {
		sim_set_wrong("%s: what is live would be pruned", c->name);
		err_set(err, ERR_INSTALL_FAILED, "it is live");
	} else if (i >= 0)
		c->gens[i].gone = true;
}

static void
purge(const struct w_purge *m)
{
	struct cert *c = cert_of(m->cert);

	c->live = -1;
	c->gens_n = 0;
	c->name[0] = '\0';
}

void
disk_act(enum wire_kind kind, const void *st, struct err *err)
{
	if (disk.refuses[kind] > 0) {
		disk.refuses[kind]--;
		err_set(err, ERR_INSTALL_FAILED, "the disk is full");
	} else if (kind == WIRE_INSTALL)
		install(st, err);
	else if (kind == WIRE_FLIP)
		flip(st, err);
	else if (kind == WIRE_PRUNE)
		prune(st, err);
	else if (kind == WIRE_PURGE)
		purge(st);
	else
		sim_set_wrong("the master was asked for message %d", kind);
}

/* --- services ---------------------------------------------------------- */

static int64_t
newest_on_disk(const struct cert *c)
{
	int64_t most = 0;
	int i;

	for (i = 0; i < c->gens_n; i++)
		if (c->gens[i].version > most)
			most = c->gens[i].version;
	return most;
}

static bool
check(const struct service *s)
{
	const struct cert *c;

	if (!s->check_fails)
		return true;
	if (s->check_name[0] == '\0')
		return false;
	c = cert_named(s->check_name);
	return c == NULL || c->live < 0 ||
	    c->gens[c->live].version != newest_on_disk(c);
}

static bool
reload(struct service *s, int index)
{
	int i;

	s->reloads++;
	if (s->reload_fails || !check(s))
		return false;
	for (i = 0; i < disk.certs_n; i++)
		disk.certs[i].loaded[index] = disk.certs[i].live;
	return true;
}

static void
mix(uint64_t *h, const char *s)
{
	for (; *s != '\0'; s++)
		*h = (*h ^ (uint8_t)*s) * 1099511628211u;
}

/* What a run is about: its program, and the files of those it is told of. */
static uint64_t
content_of(const struct w_run *m)
{
	const struct conf_service *s = conf_service(engine_conf(), m->service);
	const struct strv *argv = m->what == RUN_CHECK ? &s->check :
	    &s->reload;
	char *input = xstrndup((const char *)m->input.p, m->input.len);
	char text[40];
	uint64_t h = m->what;
	size_t k;
	int i, live;

	for (k = 0; k < argv->n; k++)
		mix(&h, argv->v[k]);
	for (i = 0; i < disk.certs_n; i++) {
		snprintf(text, sizeof(text), "%016llx",
		    (unsigned long long)disk.certs[i].id);
		if (strstr(input, text) == NULL)
			continue;
		live = disk.certs[i].live;
		snprintf(text, sizeof(text), "%d=%u;", i,
		    live < 0 ? 0 : disk.certs[i].gens[live].gen);
		mix(&h, text);
	}
	free(input);
	return h;
}

static const struct known_run *
run(const struct w_run *m)
{
	struct known_run *k = NULL;
	int i = service_of(m->service);
	struct service *s = &disk.services[i];
	int n;

	for (n = 0; n < disk.runs_n && n < RUNS_KEPT; n++)
		if (disk.runs[n].id == m->run)
			k = &disk.runs[n];
	if (k != NULL) {
		disk.runs_joined++;
		if (k->content != content_of(m))
			sim_set_wrong("%s: a run of something else is joined",
			    m->service);
		return k;
	}
	k = &disk.runs[disk.runs_n++ % RUNS_KEPT];
	k->id = m->run;
	k->content = content_of(m);
	if (m->what == RUN_CHECK)
		s->checks++;
	k->later = (m->what == RUN_CHECK ? s->check_later :
	    s->reload_later) || (s->back_later && m->event == RUN_ROLLBACK);
	k->good = !k->later && (m->what == RUN_CHECK ? check(s) :
	    reload(s, i));
	return k;
}

struct w_ran *
disk_run(const struct w_run *m)
{
	struct w_ran *out = xcalloc(1, sizeof(*out));
	const struct known_run *k = run(m);

	out->run = m->run;
	out->how = RAN_EXITED;
	out->code = k->later ? 75 : !k->good;
	out->why = xstrdup("");
	out->code_name = xstrdup("");
	if (!k->good)
		out->output = blob_copy("nginx: [emerg] no\n", 18);
	return out;
}

/* --- endpoints --------------------------------------------------------- */

struct asked {
	struct prober_finding f;
	void (*done)(void *ctx, const struct prober_finding *f, int n);
	void *ctx;
	int n;
};

static void
answer(void *ctx)
{
	struct asked *a = ctx;

	a->done(a->ctx, &a->f, a->n);
	free(a);
}

static int
service_at(const struct endpoint *e)
{
	const struct conf *conf = engine_conf();
	size_t i, k;

	for (i = 0; i < conf->services_n; i++)
		for (k = 0; k < conf->services[i].endpoints_n; k++)
			if (conf->services[i].where[0] != '\0' &&
			    conf->services[i].endpoints[k].port == e->port)
				return service_of(conf->services[i].title);
	return -1;
}

static void
show(struct asked *a, int service, const char *name)
{
	const struct service *s = &disk.services[service];
	const struct cert *c = NULL;
	int i, g;

	for (i = 0; i < disk.certs_n; i++)
		if (strv_has(&disk.certs[i].names, name))
			c = &disk.certs[i];
	g = c != NULL ? c->loaded[service] : -1;
	if (strcmp(s->shows, "older") == 0 && g > 0)
		g--;
	if (strcmp(s->shows, "refused") == 0 || g < 0 ||
	    (strcmp(s->shows, "breaks") == 0 && c->gens[g].version > 1 &&
	    c->gens[g].version == newest_on_disk(c)))
		a->n = 0;	/* no own address accepts there */
	else if (strcmp(s->shows, "not-tls") == 0)
		a->f.f.result = PROBE_NOT_TLS;
	else if (strcmp(s->shows, "other") == 0) {
		snprintf(a->f.f.sha256, sizeof(a->f.f.sha256), "%064d", 7);
		a->f.f.not_after_ms = loop_now() + 86400000;
	} else
		memcpy(a->f.f.sha256, c->gens[g].sha256, 65);
}

void
prober_ask(const struct endpoint *e, const char *name,
    void (*done)(void *ctx, const struct prober_finding *f, int n), void *ctx)
{
	struct asked *a;
	int s = service_at(e);

	if (sim_is_dead())
		return;
	a = xcalloc(1, sizeof(*a));
	a->done = done;
	a->ctx = ctx;
	a->n = 1;
	a->f.f.result = PROBE_LEAF;
	strcpy(a->f.address, "192.0.2.10");
	a->f.port = e->port;
	if (s >= 0)
		show(a, s, name);
	else
		a->n = 0;
	sim_post(30, answer, a);
}

void
prober_fini(void)
{
}
