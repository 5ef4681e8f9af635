/* People around the engine: operators who change things, and those who look
 * into the inventory. */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/x509v3.h>
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/bundle.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/purge.h"
#include "daemon/trial.h"
#include "daemon/why.h"
#include "daemon/wish_json.h"
#include "tests/sim/sim.h"

enum { OWN_KEYS = 4 };

static char acted[2000];
static bool has_acted;

/* --- operators --------------------------------------------------------- */

static void
ended(const char *how, const struct err *err)
{
	has_acted = true;
	snprintf(acted, sizeof(acted), "%s", err != NULL ? err->text : how);
}

static void
put(void *ctx, enum put_result r, const struct err *err)
{
	(void)ctx;
	(void)r;
	ended("done", err);
}

static void
removed(void *ctx, bool over, const struct err *err)
{
	(void)ctx;
	ended(over ? "done" : "under way", err);
}

static void
done(void *ctx, const struct err *err)
{
	(void)ctx;
	ended("done", err);
}

void
sim_add(const char *name, const char *service, const char *ca)
{
	struct conf_wish wish;

	conf_wish_blank(&wish);
	strv_add(&wish.names, name);
	free(wish.ca);
	wish.ca = xstrdup(ca);
	if (service != NULL)
		strv_add(&wish.services, service);
	has_acted = false;
	act_put(name, &wish, NULL, "uid:0", false, put, NULL);
	conf_wish_free(&wish);
}

void
sim_trial(char **names, int n)
{
	struct act_trial where;
	struct conf_wish wish;
	struct err err;
	int i;

	conf_wish_blank(&wish);
	for (i = 0; i < n; i++)
		strv_add(&wish.names, names[i]);
	free(wish.ca);
	wish.ca = xstrdup("sim");
	if (act_trial(names[0], &wish, "uid:0", &where, &err) != 0)
		ended("", &err);
	else
		ended(where.at != NULL ? where.at : "no staging", NULL);
	conf_wish_free(&wish);
}

void
sim_remove(const char *name, bool purge)
{
	has_acted = false;
	act_remove(name, purge, "uid:0", removed, NULL);
}

void
sim_deploy(const char *name)
{
	has_acted = false;
	act_deploy(name, NULL, "uid:0", done, NULL);
}

static void
looked(void *ctx, const struct strv *lines, bool good, const struct err *err)
{
	struct buf b;
	size_t i;

	(void)ctx;
	(void)good;
	buf_init(&b, sizeof(acted));
	for (i = 0; i < lines->n; i++)
		buf_printf(&b, "%s\n", lines->v[i]);
	ended(b.data != NULL ? b.data : "", err);
	buf_free(&b);
}

void
sim_test(const char *name)
{
	has_acted = false;
	act_test(name, looked, NULL);
}

void
sim_renew(const char *name)
{
	has_acted = false;
	act_renew(name, false, true, "uid:0", done, NULL);
}

static void
tried(void *ctx, const struct strv *lines, bool good, const struct err *err)
{
	struct buf b;
	size_t i;

	(void)ctx;
	buf_init(&b, 16 * 1024);
	buf_printf(&b, "%s", good ? "good" : "bad");
	for (i = 0; i < lines->n; i++)
		buf_printf(&b, "; %s", lines->v[i]);
	ended(b.data, err);
	buf_free(&b);
}

void
sim_test_ca(const char *ca)
{
	has_acted = false;
	act_test_ca(ca, tried, NULL);
}

const char *
sim_acted(void)
{
	return has_acted ? acted : NULL;
}

/* The CA has revoked it, and the inventory knows. */
static void
mark_revoked(void *ctx, struct bundle *b, const struct err *err)
{
	const struct row_version *v;
	struct row_version row;

	if (err != NULL || b->cert == NULL)
		return;
	v = bundle_version(b, *(int64_t *)ctx);
	if (v == NULL)
		return;
	row = *v;
	row.revoked_ms = loop_now();
	batch_put(turn_batch(), T_VERSION, &row);
	engine_touch(b->cert->id);
}

void
sim_revoke(const char *name, int64_t version)
{
	bundle_by_name(turn_store(), name, mark_revoked, &version);
	sim_revoked(name, version);
}

struct reading {
	const char *words;
	bool found;
};

static void
read_why(void *ctx, struct bundle *b, const struct err *err)
{
	struct reading *r = ctx;
	char *text;
	json_t *j;

	if (err != NULL || b->cert == NULL)
		return;
	j = why_json(b, NULL, loop_now());
	text = json_dumps(j, JSON_COMPACT);
	r->found = strstr(text, r->words) != NULL;
	if (!r->found)
		fprintf(stderr, "# %s\n", text);
	free(text);
	json_decref(j);
}

bool
sim_why_says(const char *name, const char *words)
{
	struct reading r = { words, false };

	bundle_by_name(turn_store(), name, read_why, &r);
	return r.found;
}

/* --- looking into the inventory ---------------------------------------- */

static void
copy_cert(void *ctx, struct bundle *b, const struct err *err)
{
	struct sim_cert *out = ctx;
	const struct row_cert *c = b->cert;
	const struct row_version *v;

	if (err != NULL || c == NULL)
		return;
	out->exists = true;
	snprintf(out->state, sizeof(out->state), "%s", c->state);
	snprintf(out->iss_state, sizeof(out->iss_state), "%s", c->iss_state);
	snprintf(out->error, sizeof(out->error), "%s", c->iss_error);
	snprintf(out->summary, sizeof(out->summary), "%s", c->summary);
	out->newest = c->newest;
	out->installed = c->installed;
	out->served = c->served;
	out->failures = c->iss_failures;
	out->renew_at_ms = c->renew_at_ms;
	out->next_try_ms = c->iss_next_try_ms;
	out->attention = c->attention != 0;
	v = bundle_version(b, c->newest);
	out->own = v != NULL && bundle_own_key(v) && v->sealed.len == 0;
	if (b->deployments.n > 0 && out->error[0] == '\0')
		snprintf(out->error, sizeof(out->error), "%s",
		    ROWS_AT(&b->deployments, row_deployment, 0)->error);
}

/* --- keys of one's own ------------------------------------------------- */

static EVP_PKEY *
own_key(int n)
{
	static EVP_PKEY *keys[OWN_KEYS];

	if (n < 0 || n >= OWN_KEYS)
		abort();
	if (keys[n] == NULL)
		keys[n] = EVP_EC_gen("P-256");
	return keys[n];
}

static void
ask_for(X509_REQ *req, char **names, int n)
{
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	char san[1000] = "";
	int i;

	for (i = 0; i < n; i++)
		snprintf(san + strlen(san), sizeof(san) - strlen(san),
		    "%sDNS:%s", i > 0 ? "," : "", names[i]);
	sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
	    NID_subject_alt_name, san));
	X509_REQ_add_extensions(req, exts);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
}

void
sim_csr(const char *path, int key, char **names, int n)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *p = NULL;
	FILE *f = fopen(path, "w");
	int len;

	ask_for(req, names, n);
	X509_REQ_set_pubkey(req, own_key(key));
	X509_REQ_sign(req, own_key(key), EVP_sha256());
	len = i2d_X509_REQ(req, &p);
	if (f == NULL || fwrite(p, 1, (size_t)len, f) != (size_t)len ||
	    fclose(f) != 0)
		abort();
	OPENSSL_free(p);
	X509_REQ_free(req);
}

struct sim_cert
sim_cert(const char *name)
{
	struct sim_cert out;

	memset(&out, 0, sizeof(out));
	bundle_by_name(turn_store(), name, copy_cert, &out);
	return out;
}

static void
find_work(void *ctx, struct bundle *b, const struct err *err)
{
	size_t i;

	if (err != NULL || b->cert == NULL)
		return;
	for (i = 0; i < b->jobs.n; i++)
		if (ROWS_AT(&b->jobs, row_job, i)->kind == JOB_RENEW)
			*(bool *)ctx = true;
}

bool
sim_has_work(const char *name)
{
	bool found = false;

	bundle_by_name(turn_store(), name, find_work, &found);
	return found;
}

static void
count_rows(void *ctx, struct rows *answers, int n, const struct err *err)
{
	(void)n;
	if (err == NULL)
		*(int64_t *)ctx = (int64_t)answers[0].n;
}

int64_t
sim_rows(const char *table)
{
	bool purges = strcmp(table, "purges") == 0;
	struct query q = { .table = T_META, .wheres = 1, .where = { {
		.col = "key", .cmp = CMP_PREFIX, .text = purges ? PURGE_KEY :
		TRIAL_KEY } } };
	int64_t count = -1;
	int t;

	for (t = 0; t < T_COUNT; t++)
		if (strcmp(row_defs[t].name, table) == 0)
			q = (struct query){ .table = (enum table)t };
	if (q.table == T_META && !purges && strcmp(table, "trials") != 0)
		return -1;
	store_read(turn_store(), &q, 1, count_rows, &count);
	return count;
}

struct hearing {
	const char *event, *words;
	bool said;
};

static void
hear(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct hearing *h = ctx;
	const struct row_event *e;

	(void)n;
	if (err != NULL || answers[0].n == 0)
		return;
	e = ROWS_AT(&answers[0], row_event, answers[0].n - 1);
	h->said = strcmp(e->event, h->event) == 0 &&
	    (strstr(e->text, h->words) != NULL ||
	    strstr(e->error, h->words) != NULL);
	if (!h->said)
		fprintf(stderr, "# %s: %s %s\n", e->event, e->text, e->error);
}

bool
sim_told(const char *name, const char *event, const char *words)
{
	struct hearing h = { event, words, false };
	struct query q = { .table = T_EVENT, .wheres = 1, .where = { {
		.col = "name", .cmp = CMP_EQ, .text = name } } };

	store_read(turn_store(), &q, 1, hear, &h);
	return h.said;
}

struct counting {
	const char *name, *event, *words;	/* NULL: any */
	int64_t n;
	uint64_t hash;
};

static uint64_t
mix(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 1099511628211u;
	return h;
}

static void
count_events(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct counting *c = ctx;
	size_t i;

	(void)n;
	for (i = 0; err == NULL && i < answers[0].n; i++) {
		const struct row_event *e = ROWS_AT(&answers[0], row_event, i);

		c->hash = mix(mix(c->hash ^ (uint64_t)e->at_ms, e->event),
		    e->name);
		if ((c->event == NULL || strcmp(e->event, c->event) == 0) &&
		    (c->name == NULL || strcmp(e->name, c->name) == 0) &&
		    (c->words == NULL || strstr(e->text, c->words) != NULL))
			c->n++;
	}
}

int64_t
sim_events(const char *name, const char *event)
{
	struct counting c = { name, event, NULL, 0, 0 };
	struct query q = { .table = T_EVENT };

	store_read(turn_store(), &q, 1, count_events, &c);
	return c.n;
}

bool
sim_ever_told(const char *name, const char *event, const char *words)
{
	struct counting c = { name, event, words, 0, 0 };
	struct query q = { .table = T_EVENT };

	store_read(turn_store(), &q, 1, count_events, &c);
	return c.n > 0;
}

uint64_t
sim_event_hash(void)
{
	struct counting c = { NULL, NULL, NULL, 0, 14695981039346656037u };
	struct query q = { .table = T_EVENT };

	store_read(turn_store(), &q, 1, count_events, &c);
	return c.hash;
}
