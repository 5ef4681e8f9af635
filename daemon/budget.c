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

struct counting {
	void (*done)(void *ctx, const struct budget_used *u,
	    const struct err *err);
	void *ctx;
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

/* --- one set of names ----------------------------------------------------- */

/* Of n that count, in the order of time, number n - BUDGET_SET_MAX: when it
 * counts no more there is room for one. */
static int64_t
free_with(const struct row_budget *r)
{
	assert(r->at_ms > 0);
	return r->at_ms + BUDGET_SET_DAYS * CONF_DAY;
}

static void
counted(void *ctx, struct rows *answers, int n, const struct err *err)
{
	struct counting *c = ctx;
	struct budget_used u = { 0, 0 };

	assert(err != NULL || n == 1);
	(void)n;
	if (err == NULL)
		u.n = (int64_t)answers[0].n;
	if (u.n >= BUDGET_SET_MAX)
		u.free_ms = free_with(ROWS_AT(&answers[0], row_budget,
		    u.n - BUDGET_SET_MAX));
	c->done(c->ctx, &u, err);
	free(c);
}

void
budget_used(const char *ca, const struct strv *names,
    void (*done)(void *ctx, const struct budget_used *u,
    const struct err *err), void *ctx)
{
	struct counting *c = xcalloc(1, sizeof(*c));
	char key[65];
	struct query q = { .table = T_BUDGET, .wheres = 5, .where = {
		{ .col = "kind", .cmp = CMP_EQ, .text = KIND },
		{ .col = "key", .cmp = CMP_EQ, .text = key },
		{ .col = "at_ms", .cmp = CMP_GT, .num = loop_now() -
		    BUDGET_SET_DAYS * CONF_DAY },
		{ .col = "at_ms", .cmp = CMP_LE, .num = loop_now() },
		{ .col = "ca", .cmp = CMP_EQ, .text = ca } },
	    .order = "at_ms" };

	assert(done != NULL && ca != NULL);
	set_key(key, names);
	c->done = done;
	c->ctx = ctx;
	store_read(turn_store(), &q, 1, counted, c);
}

static void
judge(void *ctx, const struct budget_used *u, const struct err *err)
{
	struct asking *a = ctx;
	char at[TEXT_TIME];
	struct err why;

	if (err == NULL && u->n >= BUDGET_SET_MAX) {
		err_set(&why, ERR_OWN_LIMIT, "%lld certificates for these "
		    "names were issued by %s in the last %d days; it allows %d",
		    (long long)u->n, a->ca, BUDGET_SET_DAYS, BUDGET_SET_LIMIT);
		why.retry_at_ms = u->free_ms;
		assert(why.retry_at_ms != 0);
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

	assert(done != NULL);
	a->done = done;
	a->ctx = ctx;
	a->ca = xstrdup(ca);
	budget_used(ca, names, judge, a);
}

/* --- all of a CA ---------------------------------------------------------- */

struct query
budget_window(int64_t now_ms)
{
	struct query q = { .table = T_BUDGET, .wheres = 2, .where = {
		{ .col = "at_ms", .cmp = CMP_GT, .num = now_ms -
		    BUDGET_SET_DAYS * CONF_DAY },
		{ .col = "at_ms", .cmp = CMP_LE, .num = now_ms } },
	    .order = "at_ms", .descending = true, .limit = BUDGET_READ_MAX };

	return q;
}

static int
by_set_then_time(const void *va, const void *vb)
{
	const struct row_budget *a = *(const struct row_budget *const *)va;
	const struct row_budget *b = *(const struct row_budget *const *)vb;
	int r = strcmp(a->key, b->key);

	return r != 0 ? r : (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
}

/* Of one set, in the order of time. */
static void
add_set(struct budget_state *out, struct row_budget *const *set, size_t n)
{
	int64_t at;

	assert(n > 0);
	if ((int64_t)n > out->most_used)
		out->most_used = (int64_t)n;
	if (n < BUDGET_SET_MAX)
		return;
	out->at_limit++;
	at = free_with(set[n - BUDGET_SET_MAX]);
	if (out->free_ms == 0 || at < out->free_ms)
		out->free_ms = at;
}

void
budget_state(struct budget_state *out, const struct rows *window,
    const char *ca)
{
	struct row_budget **v = xcalloc(window->n, sizeof(struct row_budget *));
	size_t i, n = 0, from = 0;

	assert(window->n == 0 || window->table == T_BUDGET);
	memset(out, 0, sizeof(*out));
	for (i = 0; i < window->n; i++) {
		struct row_budget *r = ROWS_AT(window, row_budget, i);

		if (strcmp(r->ca, ca) == 0 && strcmp(r->kind, KIND) == 0)
			v[n++] = r;
	}
	qsort(v, n, sizeof(struct row_budget *), by_set_then_time);
	for (i = 1; i <= n; i++)
		if (i == n || strcmp(v[i]->key, v[from]->key) != 0) {
			add_set(out, v + from, i - from);
			from = i;
		}
	free(v);
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
