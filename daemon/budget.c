/* Counting what the CA counts. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/acme.h"
#include "base/buf.h"
#include "base/text.h"
#include "daemon/budget.h"
#include "daemon/chance.h"
#include "daemon/conf.h"
#include "daemon/loop.h"
#include "daemon/turn.h"

#define KIND "exact-set"

struct asking {
	void (*done)(void *ctx, const struct err *err);
	void *ctx;
	char *ca;
};

/* The order of the names is nothing to the CA: the set is one key. */
static void
set_key(char out[65], const struct strv *names)
{
	struct strv sorted = strv_copy(names);
	struct buf b;
	size_t i;

	assert(names->v != NULL || names->n == 0);
	buf_init(&b, 64 * 1024);
	strv_sort(&sorted);
	for (i = 0; i < sorted.n; i++)
		buf_printf(&b, "%s\n", sorted.v[i]);
	acme_digest_hex(out, b.data, b.len);
	strv_free(&sorted);
	buf_free(&b);
}

void
budget_spend(const char *ca, const struct strv *names)
{
	struct row_budget row = { .id = chance_id(), .at_ms = loop_now(),
		.ca = row_const(ca),
		.kind = row_const(KIND) };
	char key[65];

	assert(ca != NULL && ca[0] != '\0');
	set_key(key, names);
	row.key = key;
	batch_put(turn_batch(), T_BUDGET, &row);
}

static void
counted(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct asking *a = ctx;
	char at[TEXT_TIME];
	struct err why;

	assert(err != NULL || n == 1);
	(void)n;
	if (err == NULL && answers[0].n >= BUDGET_SET_MAX) {
		err_set(&why, ERR_OWN_LIMIT, "%zu certificates for these "
		    "names were issued by %s in the last %d days; it allows 5",
		    answers[0].n, a->ca, BUDGET_SET_DAYS);
		assert(answers[0].n > 0);
		why.retry_at_ms = ROWS_AT(&answers[0], row_budget, 0)->at_ms +
		    BUDGET_SET_DAYS * CONF_DAY;
		text_local(at, why.retry_at_ms);
		err_advise(&why, "Wait until %s, or use up the last one: "
		    "--force", at);
		err = &why;
	}
	a->done(a->ctx, err);
	free(a->ca);
	free(a);
}

void
budget_ask(const char *ca, const struct strv *names,
    void (*done)(void *ctx, const struct err *err), void *ctx)
{
	struct asking *a = xcalloc(1, sizeof(*a));
	char key[65];
	struct query q = { .table = T_BUDGET, .wheres = 4, .where = {
		{ .col = "kind", .cmp = CMP_EQ, .text = KIND },
		{ .col = "key", .cmp = CMP_EQ, .text = key },
		{ .col = "at_ms", .cmp = CMP_GT, .num = loop_now() -
		    BUDGET_SET_DAYS * CONF_DAY },
		{ .col = "at_ms", .cmp = CMP_LE, .num = loop_now() } },
	    .order = "at_ms" };

	assert(done != NULL);
	set_key(key, names);
	a->done = done;
	a->ctx = ctx;
	a->ca = xstrdup(ca);
	store_read(turn_store(), &q, 1, counted, a);
}

static void
tidy(void *ctx, struct rows *answers, int n, const struct err *err)
{
	size_t i;

	(void)ctx;
	(void)n;
	for (i = 0; err == NULL && i < answers[0].n; i++)
		batch_del(turn_batch(), T_BUDGET, ROWS_AT(&answers[0],
		    row_budget, i));
}

void
budget_tidy(void)
{
	struct query q = { .table = T_BUDGET, .wheres = 1, .where = {
		{ .col = "at_ms", .cmp = CMP_LE, .num = loop_now() -
		    BUDGET_SET_DAYS * CONF_DAY } }, .limit = 1000 };

	store_read(turn_store(), &q, 1, tidy, NULL);
}
