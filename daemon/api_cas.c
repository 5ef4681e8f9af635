/* Questions about CAs: /v1/cas. A CA that is neither configured nor was ever
 * asked is left out of the list, not out of the answer to its name. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/jws.h"
#include "daemon/account_key.h"
#include "daemon/acts.h"
#include "daemon/api_in.h"
#include "daemon/engine.h"
#include "daemon/json.h"
#include "daemon/turn.h"
#include "daemon/view.h"

enum { C_CAS, C_ACCOUNTS, C_BUDGET, C_COUNT };

struct cas_read {
	struct api_req *r;
	struct rows rows[C_COUNT];
	struct tally *orders;
	size_t orders_n;
};

static void
cas_free(void *own)
{
	struct cas_read *s = own;
	size_t i;

	for (i = 0; i < C_COUNT; i++)
		rows_free(&s->rows[i]);
	for (i = 0; i < s->orders_n; i++)
		free(s->orders[i].text);
	free(s->orders);
	free(s);
}

static int64_t
count_in(const struct tally *t, size_t n, const char *title)
{
	size_t i;

	assert(n == 0 || t != NULL);
	for (i = 0; i < n; i++)
		if (t[i].text != NULL && strcmp(t[i].text, title) == 0)
			return t[i].count;
	return 0;
}

static void
thumbprint(char out[44], const struct row_account *a)
{
	struct err err;
	struct buf jwk;

	out[0] = '\0';
	buf_init(&jwk, 4096);
	if (a != NULL && a->spki.len > 0 &&
	    jws_jwk(&jwk, a->spki.p, a->spki.len, &err) == 0)
		jws_thumbprint(out, jwk.data, jwk.len);
	buf_free(&jwk);
}

static json_t *
one(const struct cas_read *s, const struct conf_ca *ca)
{
	char print[44];
	struct view_ca v = { .conf = ca, .account = account_in_use(
		    &s->rows[C_ACCOUNTS], ca),
		.thumbprint = print,
		.orders = count_in(s->orders, s->orders_n, ca->title),
		.now_ms = loop_now() };
	size_t i;

	assert(ca != NULL);
	for (i = 0; i < s->rows[C_CAS].n; i++)
		if (strcmp(ROWS_AT(&s->rows[C_CAS], row_ca, i)->name,
		    ca->title) == 0)
			v.row = ROWS_AT(&s->rows[C_CAS], row_ca, i);
	if (s->r->name == NULL && v.row == NULL && v.account == NULL &&
	    ca->where[0] == '\0')
		return NULL;
	thumbprint(print, v.account);
	budget_state(&v.limits, &s->rows[C_BUDGET], ca->title);
	return view_ca(&v);
}

static void
answer(const struct cas_read *s)
{
	const struct conf *c = engine_conf();
	json_t *list, *j;
	size_t i;

	assert(s->r->own == s);
	if (s->r->name != NULL) {
		api_reply(s->r, 200, one(s, conf_ca(c, s->r->name)));
		return;
	}
	list = json_array();
	for (i = 0; i < c->cas_n; i++)
		if ((j = one(s, &c->cas[i])) != NULL)
			json_array_append_new(list, j);
	api_reply(s->r, 200, json_pack("{s:o}", "cas", list));
}

static void
counted(void *ctx, const struct tally *t, size_t n, const struct err *err)
{
	struct cas_read *s = ctx;
	size_t i;

	assert(s->orders == NULL);
	if (err != NULL) {
		api_reply_err(s->r, err);
		return;
	}
	s->orders = xcalloc(n, sizeof(*t));
	s->orders_n = n;
	for (i = 0; i < n; i++) {
		s->orders[i] = t[i];
		s->orders[i].text = xstrdup(t[i].text);
	}
	answer(s);
}

static void
read_rows(void *ctx, struct rows *a, int n, const struct err *err)
{
	struct cas_read *s = ctx;
	int i;

	assert(err != NULL || n == C_COUNT);
	if (err != NULL) {
		api_reply_err(s->r, err);
		return;
	}
	for (i = 0; i < n; i++) {
		s->rows[i] = a[i];
		a[i].v = NULL;
		a[i].n = 0;
	}
	store_tally(turn_store_durable(), T_ORDER, "ca", counted, s);
}

void
api_get_cas(struct api_req *r)
{
	const struct query q[C_COUNT] = {
		[C_CAS] = { .table = T_CA },
		[C_ACCOUNTS] = { .table = T_ACCOUNT },
		[C_BUDGET] = budget_window(loop_now())
	};
	struct cas_read *s = xcalloc(1, sizeof(*s));

	assert(r->own == NULL);
	s->r = r;
	r->own = s;
	r->drop = cas_free;
	store_read(turn_store_durable(), q, C_COUNT, read_rows, s);
}

static void
no_ca(struct api_req *r)
{
	struct err err;

	assert(r->name != NULL);
	err_set(&err, ERR_NO_SUCH, "no ca \"%s\"", r->name);
	err_advise(&err, "The configured ones: everleaf ca");
	api_reply_err(r, &err);
}

void
api_get_ca(struct api_req *r)
{
	if (conf_ca(engine_conf(), r->name) != NULL)
		api_get_cas(r);
	else
		no_ca(r);
}

static void
tested(void *ctx, const struct strv *lines, bool good, const struct err *err)
{
	api_reply_tested(ctx, "ca", lines, good, err);
}

void
api_post_ca_test(struct api_req *r)
{
	if (conf_ca(engine_conf(), r->name) != NULL)
		act_test_ca(r->name, tested, r);
	else
		no_ca(r);
}
