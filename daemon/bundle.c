/* All rows of one certificate by one consistent read, for handlers that decide
 * over the whole of it. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/bundle.h"

/* What is asked after the certificate itself: table, the column with its id,
 * the order, and where the answer goes. */
static const struct part {
	enum table table;
	const char *col, *order;
	size_t offset;
} parts[] = {
	{ T_IDENT, "cert_id", "position", offsetof(struct bundle, idents) },
	{ T_LABEL, "cert_id", NULL, offsetof(struct bundle, labels) },
	{ T_VERSION, "cert_id", NULL, offsetof(struct bundle, versions) },
	{ T_GENERATION, "cert_id", NULL,
	    offsetof(struct bundle, generations) },
	{ T_DEPLOYMENT, "cert_id", NULL,
	    offsetof(struct bundle, deployments) },
	{ T_ENDPOINT, "cert_id", NULL, offsetof(struct bundle, endpoints) },
	{ T_ORDER, "cert_id", NULL, offsetof(struct bundle, orders) },
	{ T_CHALLENGE, "cert_id", NULL, offsetof(struct bundle, challenges) },
	{ T_FINDING, "cert_id", NULL, offsetof(struct bundle, findings) },
	{ T_JOB, "object", NULL, offsetof(struct bundle, jobs) },
	{ T_REVOCATION, "cert_id", NULL,
	    offsetof(struct bundle, revocations) }
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

struct asked {
	struct store *store;
	bundle_done *done;
	void *ctx;
};

static struct rows *
rows_of(struct bundle *b, const struct part *p)
{
	return (struct rows *)(void *)((char *)b + p->offset);
}

static void
empty(struct bundle *b)
{
	int i;

	assert(PARTS > 0 && rows_of(b, &parts[0]) == &b->idents);
	if (b->cert != NULL)
		row_free(T_CERT, b->cert);
	free(b->cert);
	b->cert = NULL;
	for (i = 0; i < PARTS; i++)
		rows_free(rows_of(b, &parts[i]));
}

static void
take_rows(struct rows *to, struct rows *from)
{
	assert(to->table == from->table || from->n == 0);
	*to = *from;
	from->v = NULL;
	from->n = 0;
}

/* The one certificate row, moved out of its answer; NULL for none. */
static struct row_cert *
take_cert(struct rows *r)
{
	struct row_cert *cert;

	if (r->n == 0)
		return NULL;
	assert(r->n == 1);
	cert = r->v;
	r->v = NULL;
	r->n = 0;
	return cert;
}

static struct asked *
new_asked(struct store *s, bundle_done *done, void *ctx)
{
	struct asked *a = xcalloc(1, sizeof(*a));

	assert(s != NULL && done != NULL);
	a->store = s;
	a->done = done;
	a->ctx = ctx;
	return a;
}

/* The rows live as long as the call: who wants them longer takes them. */
static void
finish(struct asked *a, struct bundle *b, const struct err *err)
{
	assert(err == NULL || b->cert == NULL);
	a->done(a->ctx, b, err);
	empty(b);
	free(a);
}

static void
got_all(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct bundle b;
	int i;

	assert(n == 0 || err == NULL);
	memset(&b, 0, sizeof(b));
	for (i = 0; i < PARTS; i++)
		rows_of(&b, &parts[i])->table = parts[i].table;
	if (n > 0) {
		assert(n == 1 + PARTS);
		b.cert = take_cert(&answers[0]);
		for (i = 0; i < PARTS; i++)
			take_rows(rows_of(&b, &parts[i]), &answers[1 + i]);
	}
	finish(ctx, &b, err);
}

static void
ask_all(struct asked *a, int64_t id)
{
	struct query q[1 + PARTS];
	int i;

	_Static_assert(1 + PARTS <= QUERY_MAX, "one read takes them all");
	memset(q, 0, sizeof(q));
	for (i = 0; i < 1 + PARTS; i++) {
		q[i].table = i == 0 ? T_CERT : parts[i - 1].table;
		q[i].where[0].col = i == 0 ? "id" : parts[i - 1].col;
		q[i].where[0].cmp = CMP_EQ;
		q[i].where[0].num = id;
		q[i].wheres = 1;
		q[i].order = i == 0 ? NULL : parts[i - 1].order;
	}
	store_read(a->store, q, 1 + PARTS, got_all, a);
}

void
bundle_by_id(struct store *s, int64_t id, bundle_done *done, void *ctx)
{
	ask_all(new_asked(s, done, ctx), id);
}

static void
got_name(void *ctx, struct rows *answers, int n, const struct err *err)
{
	assert(err != NULL || n == 1);
	(void)n;
	if (err != NULL || answers[0].n == 0)
		got_all(ctx, NULL, 0, err);
	else
		ask_all(ctx, ROWS_AT(&answers[0], row_cert, 0)->id);
}

void
bundle_by_name(struct store *s, const char *name, bundle_done *done,
    void *ctx)
{
	struct query q;

	memset(&q, 0, sizeof(q));
	q.table = T_CERT;
	q.where[0].col = "name";
	q.where[0].cmp = CMP_EQ;
	q.where[0].text = name;
	q.wheres = 1;
	store_read(s, &q, 1, got_name, new_asked(s, done, ctx));
}

struct bundle *
bundle_take(struct bundle *b)
{
	struct bundle *mine = xmemdup(b, sizeof(*b));
	int i;

	b->cert = NULL;
	for (i = 0; i < PARTS; i++) {
		rows_of(b, &parts[i])->v = NULL;
		rows_of(b, &parts[i])->n = 0;
	}
	return mine;
}

void
bundle_free(struct bundle *b)
{
	if (b != NULL) {
		empty(b);
		free(b);
	}
}

const struct row_version *
bundle_version(const struct bundle *b, int64_t version)
{
	const struct row_version *v = b->versions.v;
	size_t i;

	assert(b != NULL);
	for (i = 0; i < b->versions.n; i++)
		if (v[i].version == version)
			return &v[i];
	return NULL;
}

bool
bundle_own_key(const struct row_version *v)
{
	return v->key_type != NULL && strcmp(v->key_type, "csr") == 0;
}

const struct row_order *
bundle_order(const struct bundle *b)
{
	return b->orders.n > 0 ? b->orders.v : NULL;
}

const struct row_deployment *
bundle_deployment(const struct bundle *b, const char *service)
{
	const struct row_deployment *d = b->deployments.v;
	size_t i;

	assert(service != NULL);
	for (i = 0; i < b->deployments.n; i++)
		if (strcmp(d[i].service, service) == 0)
			return &d[i];
	return NULL;
}
