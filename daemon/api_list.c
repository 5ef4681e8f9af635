/* GET /v1/certificates: a page of certificates in the order of their names.
 *
 * Filters with an index of their own (label, service, q) give a set of ids
 * first. A small set is fetched row by row; a large one, or none, is met by
 * walking the names from the cursor on, a chunk a turn, so that a million
 * certificates never hold up the engine. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/api_in.h"
#include "daemon/engine.h"
#include "daemon/json.h"
#include "daemon/turn.h"
#include "daemon/view.h"
#include "daemon/wish_json.h"

enum { LIMIT = 100, LIMIT_MAX = 1000, CHUNK = 200, FETCH_MAX = 2000,
	SETS = 4 };

struct found {
	char *name;
	int64_t id;
};

struct list {
	struct api_req *r;
	const char *state, *ca;
	int64_t limit, expiring_ms;	/* expiring: 0: any */
	bool full;
	char *cursor;			/* names after this one */

	bool driven;			/* ids is a filter */
	int64_t *ids;			/* sorted */
	size_t ids_n, fetched;
	bool either;			/* the last two are one set (q) */

	struct found *found;
	size_t found_n, found_room;
	bool more;
	struct loop_timer *timer;

	json_t **views;			/* one for each found */
	size_t views_due;
	struct err failed;
};

static void
list_free(void *own)
{
	struct list *l = own;
	size_t i;

	loop_timer_free(l->timer);
	for (i = 0; i < l->found_n; i++) {
		free(l->found[i].name);
		if (l->views != NULL)
			json_decref(l->views[i]);
	}
	free(l->found);
	free(l->views);
	free(l->ids);
	free(l->cursor);
	free(l);
}

/* --- sets of ids ------------------------------------------------------- */

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
has_id(const int64_t *ids, size_t n, int64_t id)
{
	assert(n == 0 || ids != NULL);
	return n > 0 && bsearch(&id, ids, n, sizeof(id), by_number) != NULL;
}

static int64_t
id_at(const struct rows *rows, size_t i)
{
	switch (rows->table) {
	case T_LABEL:
		return ROWS_AT(rows, row_label, i)->cert_id;
	case T_DEPLOYMENT:
		return ROWS_AT(rows, row_deployment, i)->cert_id;
	case T_IDENT:
		return ROWS_AT(rows, row_ident, i)->cert_id;
	default:
		return ROWS_AT(rows, row_cert, i)->id;
	}
}

/* The ids of up to two answers, sorted, each once. */
static int64_t *
ids_of(const struct rows *a, const struct rows *b, size_t *n)
{
	size_t i, k = 0, max = a->n + (b == NULL ? 0 : b->n);
	int64_t *ids = xcalloc(max, sizeof(*ids));

	for (i = 0; i < a->n; i++)
		ids[k++] = id_at(a, i);
	for (i = 0; b != NULL && i < b->n; i++)
		ids[k++] = id_at(b, i);
	assert(k == max);
	qsort(ids, k, sizeof(*ids), by_number);
	for (i = 0, *n = 0; i < k; i++)
		if (i == 0 || ids[i] != ids[i - 1])
			ids[(*n)++] = ids[i];
	return ids;
}

/* The first set is taken as it is; each further one leaves what is in both. */
static void
narrow(struct list *l, int64_t *ids, size_t n)
{
	size_t i, k = 0;

	assert(!l->driven || l->ids != NULL);
	if (!l->driven) {
		l->driven = true;
		l->ids = ids;
		l->ids_n = n;
		return;
	}
	for (i = 0; i < l->ids_n; i++)
		if (has_id(ids, n, l->ids[i]))
			l->ids[k++] = l->ids[i];
	l->ids_n = k;
	free(ids);
}

/* --- what is found ----------------------------------------------------- */

static bool
has_ca(const struct row_cert *c, const char *ca)
{
	struct conf_wish w;
	struct err err;
	bool same;

	if (wish_parse(&w, c->settings == NULL ? "" : c->settings, &err) != 0)
		return false;
	same = w.ca != NULL && strcmp(w.ca, ca) == 0;
	conf_wish_free(&w);
	return same;
}

static bool
fits(const struct list *l, const struct row_cert *c)
{
	assert(l->cursor != NULL && c->name != NULL);
	if (strcmp(c->name, l->cursor) <= 0)
		return false;
	if (l->state != NULL && strcmp(c->state, l->state) != 0)
		return false;
	if (l->expiring_ms != 0 && (c->not_after_ms == 0 ||
	    c->not_after_ms > loop_now() + l->expiring_ms))
		return false;
	if (l->driven && !has_id(l->ids, l->ids_n, c->id))
		return false;
	return l->ca == NULL || has_ca(c, l->ca);
}

static void
add(struct list *l, const struct row_cert *c)
{
	if (l->found_n == l->found_room) {
		l->found_room = l->found_room == 0 ? 64 : 2 * l->found_room;
		l->found = xrealloc(l->found,
		    l->found_room * sizeof(*l->found));
	}
	l->found[l->found_n].name = xstrdup(c->name);
	l->found[l->found_n++].id = c->id;
	assert(l->found_n <= l->found_room);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name,
	    ((const struct found *)b)->name);
}

/* --- the answer -------------------------------------------------------- */

static void
answer(struct list *l)
{
	json_t *list, *next = json_null();
	const char *last;
	struct buf b;
	size_t i;

	assert(l->views_due == 0);
	if (l->failed.code != ERR_OK) {
		api_reply_err(l->r, &l->failed);
		return;
	}
	list = json_array();
	for (i = 0; i < l->found_n; i++)
		if (l->views != NULL && l->views[i] != NULL) {
			json_array_append_new(list, l->views[i]);
			l->views[i] = NULL;
		}
	if (l->more) {
		assert(l->found_n > 0);
		last = l->found[l->found_n - 1].name;
		buf_init(&b, 4 * strlen(last) + 8);
		text_b64u(&b, last, strlen(last));
		next = json_string(b.data);
		buf_free(&b);
	}
	api_reply(l->r, 200, json_pack("{s:o, s:o}", "certificates", list,
	    "next", next));
}

struct slot {
	struct list *l;
	size_t i;
};

static void
one_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct slot s = *(struct slot *)ctx;

	assert(s.l->views_due > 0 && s.i < s.l->found_n);
	free(ctx);
	if (err != NULL)
		s.l->failed = *err;
	else if (b->cert != NULL)
		s.l->views[s.i] = view_cert(b, engine_conf(), loop_now(),
		    s.l->full);
	if (--s.l->views_due == 0)
		answer(s.l);
}

static void
read_found(struct list *l)
{
	size_t i, n = l->found_n;
	struct slot *s;

	assert(l->views == NULL && l->limit > 0);
	while (l->found_n > (size_t)l->limit) {
		free(l->found[--l->found_n].name);
		l->more = true;
	}
	n = l->found_n;
	if (n == 0) {
		answer(l);
		return;
	}
	l->views = xcalloc(n, sizeof(json_t *));
	l->views_due = n;
	assert(n <= (size_t)l->limit);
	/* The last completion may free l. */
	for (i = 0; i < n; i++) {
		s = xcalloc(1, sizeof(*s));
		s->l = l;
		s->i = i;
		bundle_by_id(turn_store_durable(), l->found[i].id, one_read, s);
	}
}

/* --- a small set: row by row ------------------------------------------- */

static void
fetched(void *ctx, struct rows *a, int n, const struct err *err)
{
	struct list *l = ctx;
	int i;

	assert(l->driven && l->fetched <= l->ids_n);
	if (err != NULL) {
		api_reply_err(l->r, err);
		return;
	}
	for (i = 0; i < n; i++)
		if (a[i].n == 1 && fits(l, ROWS_AT(&a[i], row_cert, 0)))
			add(l, ROWS_AT(&a[i], row_cert, 0));
	if (l->fetched < l->ids_n) {
		loop_timer_after(l->timer, 0);
		return;
	}
	if (l->found_n > 0)
		qsort(l->found, l->found_n, sizeof(*l->found), by_name);
	read_found(l);
}

/* As many as one read takes, then another turn. */
static void
fetch(struct list *l)
{
	struct query q[QUERY_MAX];
	int n;

	assert(l->fetched < l->ids_n);
	memset(q, 0, sizeof(q));
	for (n = 0; n < QUERY_MAX && l->fetched < l->ids_n; n++) {
		q[n].table = T_CERT;
		q[n].wheres = 1;
		q[n].where[0].col = "id";
		q[n].where[0].num = l->ids[l->fetched++];
	}
	assert(n > 0 && n <= QUERY_MAX);
	store_read(turn_store_durable(), q, n, fetched, l);
}

/* --- a large set, or all: along the names ------------------------------ */

static void
walked(void *ctx, struct rows *a, int n, const struct err *err)
{
	struct list *l = ctx;
	const struct row_cert *c;
	size_t i;

	assert(l->cursor != NULL);
	(void)n;
	if (err != NULL) {
		api_reply_err(l->r, err);
		return;
	}
	for (i = 0; i < a[0].n && l->found_n <= (size_t)l->limit; i++) {
		c = ROWS_AT(&a[0], row_cert, i);
		if (fits(l, c))
			add(l, c);
	}
	if (a[0].n < CHUNK || l->found_n > (size_t)l->limit) {
		read_found(l);
		return;
	}
	free(l->cursor);
	l->cursor = xstrdup(ROWS_AT(&a[0], row_cert, a[0].n - 1)->name);
	loop_timer_after(l->timer, 0);
}

static void
walk(struct list *l)
{
	struct query q = { .table = T_CERT, .order = "name", .limit = CHUNK };

	assert(l->limit > 0 && l->cursor != NULL);
	q.where[q.wheres++] = (struct where){ "name", CMP_GT, 0, l->cursor };
	if (l->state != NULL)
		q.where[q.wheres++] = (struct where){ "state", CMP_EQ, 0,
			l->state };
	if (l->expiring_ms != 0) {
		q.where[q.wheres++] = (struct where){ "not_after_ms", CMP_GT,
			0, NULL };
		q.where[q.wheres++] = (struct where){ "not_after_ms", CMP_LE,
			loop_now() + l->expiring_ms, NULL };
	}
	assert(q.wheres <= QUERY_WHERES_MAX);
	store_read(turn_store_durable(), &q, 1, walked, l);
}

/* A small set is fetched; all else is met on the way along the names. */
static void
go_on(void *ctx)
{
	struct list *l = ctx;

	assert(!l->driven || l->ids_n == 0 || l->ids != NULL);
	if (!l->driven || l->ids_n > FETCH_MAX)
		walk(l);
	else if (l->ids_n == 0)
		read_found(l);
	else
		fetch(l);
}

/* --- the question ------------------------------------------------------ */

static void
sets_read(void *ctx, struct rows *a, int n, const struct err *err)
{
	struct list *l = ctx;
	int64_t *ids;
	size_t k;
	int i;

	assert(err != NULL || n <= SETS);
	if (err != NULL) {
		api_reply_err(l->r, err);
		return;
	}
	for (i = 0; i < n; i++) {
		if (l->either && i == n - 2)
			ids = ids_of(&a[i], &a[i + 1], &k);
		else
			ids = ids_of(&a[i], NULL, &k);
		narrow(l, ids, k);
		if (l->either && i == n - 2)
			break;
	}
	go_on(l);
}

/* The queries behind label, service and q; how many there are. */
static int
set_queries(struct list *l, struct query q[SETS], const char *label_key)
{
	const struct api_target *t = &l->r->target;
	const char *label = api_param(t, "label"), *s;
	int n = 0;

	assert(label_key == NULL || strchr(label, '=') != NULL);
	memset(q, 0, SETS * sizeof(*q));
	if (label_key != NULL) {
		q[n].table = T_LABEL;
		q[n].where[q[n].wheres++] = (struct where){ "key", CMP_EQ, 0,
			label_key };
		q[n].where[q[n].wheres++] = (struct where){ "value", CMP_EQ, 0,
			strchr(label, '=') + 1 };
		n++;
	}
	if ((s = api_param(t, "service")) != NULL) {
		q[n].table = T_DEPLOYMENT;
		q[n].wheres = 1;
		q[n++].where[0] = (struct where){ "service", CMP_EQ, 0, s };
	}
	if ((s = api_param(t, "q")) != NULL && *s != '\0') {
		l->either = true;
		q[n].table = T_IDENT;
		q[n].wheres = 1;
		q[n++].where[0] = (struct where){ "value", CMP_PREFIX, 0, s };
		q[n].table = T_CERT;
		q[n].wheres = 1;
		q[n++].where[0] = (struct where){ "name", CMP_PREFIX, 0, s };
	}
	assert(n <= SETS);
	return n;
}

static bool
is_state(const char *s)
{
	int i;

	for (i = 0; i < VIEW_STATES; i++)
		if (strcmp(view_states[i], s) == 0)
			return true;
	return false;
}

static int
read_cursor(struct list *l, const char *after, struct err *err)
{
	struct blob name;

	assert(l->cursor == NULL);
	l->cursor = xstrdup("");
	if (after == NULL || *after == '\0')
		return 0;
	if (!text_unb64u(&name, after, strlen(after)))
		return err_set(err, ERR_USAGE_BAD, "after=%.64s: no cursor of "
		    "an answer", after);
	free(l->cursor);
	l->cursor = xstrndup((const char *)name.p, name.len);
	blob_free(&name);
	return 0;
}

static int
read_params(struct list *l, struct err *err)
{
	const struct api_target *t = &l->r->target;
	const char *label = api_param(t, "label");
	const char *expiring = api_param(t, "expiring");

	l->state = api_param(t, "state");
	l->ca = api_param(t, "ca");
	if (l->state != NULL && !is_state(l->state)) {
		err_set(err, ERR_USAGE_BAD, "state=%.64s: no state of a "
		    "certificate", l->state);
		return err_advise(err, "There are: served, valid, deploying, "
		    "unserved, failing, new, expired, retired");
	}
	if (label != NULL && (strchr(label, '=') == NULL || *label == '='))
		return err_set(err, ERR_USAGE_BAD, "label=%.64s: a label is "
		    "KEY=VALUE", label);
	if (expiring != NULL && !text_duration(&l->expiring_ms, expiring))
		return err_set(err, ERR_USAGE_BAD, "expiring=%.64s: say the "
		    "unit: 30s, 30m, 30h or 30d", expiring);
	if (api_param_int(t, "limit", 1, LIMIT_MAX, &l->limit, err) != 0 ||
	    api_param_flag(t, "full", &l->full, err) != 0)
		return -1;
	return read_cursor(l, api_param(t, "after"), err);
}

void
api_get_certs(struct api_req *r)
{
	struct list *l = xcalloc(1, sizeof(*l));
	const char *label = api_param(&r->target, "label");
	struct query q[SETS];
	struct err err;
	char *key;
	int n;

	assert(r->own == NULL);
	l->r = r;
	l->limit = LIMIT;
	r->own = l;
	r->drop = list_free;
	if (read_params(l, &err) != 0) {
		api_reply_err(r, &err);
		return;
	}
	l->timer = loop_timer_new(go_on, l);
	key = label == NULL ? NULL : xstrndup(label, strcspn(label, "="));
	n = set_queries(l, q, key);
	if (n > 0)
		store_read(turn_store_durable(), q, n, sets_read, l);
	else
		go_on(l);
	free(key);
}
