/* The questions about CAA, one after the other up the tree. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/caa_ask.h"

struct asking {
	struct caa_question q;
	struct caa_walk walk;
	void (*done)(void *ctx, const char *found_at, const struct err *err);
	void *ctx;
};

static void answered(void *ctx, const struct dns_answer *a);

static bool
is_wildcard(const struct asking *k)
{
	return strncmp(k->q.name, "*.", 2) == 0;
}

static void
over(struct asking *k, const struct err *err)
{
	assert(k->done != NULL);
	k->done(k->ctx, k->walk.found_at, err);
	caa_free(&k->walk);
	free(k);
}

static void
ask(struct asking *k)
{
	assert(k->done != NULL);
	dns_ask(k->walk.ask_name, DNS_CAA, NULL, answered, k);
}

static void
answered(void *ctx, const struct dns_answer *a)
{
	struct asking *k = ctx;
	struct caa_who who = { k->q.identities, k->q.account, k->q.method,
		is_wildcard(k) };
	struct err err;

	assert(k->q.identities != NULL);
	switch (caa_take(&k->walk, a, &err)) {
	case WALK_ASK:
		ask(k);
		break;
	case WALK_DONE:
		over(k, caa_judge(&k->walk, &who, &err) != 0 ? &err : NULL);
		break;
	case WALK_FAILED:
		over(k, &err);
		break;
	}
}

void
caa_ask(const struct caa_question *q, void (*done)(void *ctx,
    const char *found_at, const struct err *err), void *ctx)
{
	struct asking *k = xcalloc(1, sizeof(*k));

	assert(done != NULL && q->name != NULL && q->identities != NULL);
	k->q = *q;
	k->done = done;
	k->ctx = ctx;
	caa_begin(&k->walk, q->name + (is_wildcard(k) ? 2 : 0));
	ask(k);
}
