/* Questions about the whole and about one: status, a certificate, why,
 * services, the configuration. Lists are in api_list.c. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/acts.h"
#include "daemon/api_in.h"
#include "daemon/engine.h"
#include "daemon/json.h"
#include "daemon/trouble.h"
#include "daemon/turn.h"
#include "daemon/view.h"
#include "daemon/why.h"

enum {
	TALLIES = 5,
	FAILING_MAX = 1000,		/* rows read to count causes */
	SOON_MAX = 12,			/* candidates for what comes next */
	SOON_JOBS_MAX = 10000
};

/* --- status ------------------------------------------------------------ */

enum { S_ATTENTION, S_FAILING, S_STUCK, S_CAS, S_LEAST, S_JOBS, S_COUNT };

struct status {
	struct api_req *r;
	bool security;
	struct tally *tally[TALLIES];	/* in the order of the table below */
	size_t tally_n[TALLIES];
	int tallies;			/* answers so far */
	struct rows rows[S_COUNT];
	struct rows due, least_version;
};

static const struct {
	enum table table;
	const char *col;
} status_tallies[TALLIES] = {
	{ T_CERT, "state" }, { T_CERT, "iss_state" }, { T_CERT, "attention" },
	{ T_ORDER, "ca" }, { T_REVOCATION, "state" }
};

static void
status_free(void *own)
{
	struct status *s = own;
	size_t i;
	int k;

	for (k = 0; k < TALLIES; k++) {
		for (i = 0; i < s->tally_n[k]; i++)
			free(s->tally[k][i].text);
		free(s->tally[k]);
	}
	for (k = 0; k < S_COUNT; k++)
		rows_free(&s->rows[k]);
	rows_free(&s->due);
	rows_free(&s->least_version);
	free(s);
}

static void
take(struct rows *to, struct rows *from)
{
	assert(to->n == 0 && to->v == NULL);
	*to = *from;
	from->v = NULL;
	from->n = 0;
}

/* "mode: separate-users" among the lines about confinement. */
static char *
mode_of(const char *lines)
{
	const char *p = lines == NULL ? NULL : strstr(lines, "mode: ");

	return p == NULL ? NULL : xstrndup(p + 6, strcspn(p + 6, "\n"));
}

static void
status_answer(struct status *s)
{
	char host[256] = "", *mode = mode_of(acts_security());
	struct view_status v = {
		.host = host, .version = PACKAGE_VERSION, .mode = mode,
		.started_ms = acts_started_ms(), .now_ms = loop_now(),
		.conf = engine_conf(),
		.states = s->tally[0], .states_n = s->tally_n[0],
		.issuances = s->tally[1], .issuances_n = s->tally_n[1],
		.orders = s->tally[3], .orders_n = s->tally_n[3],
		.revocations = s->tally[4], .revocations_n = s->tally_n[4],
		.attention = &s->rows[S_ATTENTION],
		.failing = &s->rows[S_FAILING], .stuck = &s->rows[S_STUCK],
		.cas = &s->rows[S_CAS], .due = &s->due,
		.least = s->rows[S_LEAST].n == 0 ? NULL :
		    ROWS_AT(&s->rows[S_LEAST], row_cert, 0),
		.least_version = s->least_version.n == 0 ? NULL :
		    ROWS_AT(&s->least_version, row_version, 0),
		.security = s->security ? acts_security() : NULL,
		.trouble = trouble_now(), .trouble_ms = trouble_since(),
		.busy = busy_now(), .busy_ms = busy_since(),
		.notice = notice_now()
	};
	size_t i;

	assert(s->tallies == TALLIES);
	gethostname(host, sizeof(host) - 1);
	for (i = 0; i < s->tally_n[2]; i++)
		if (s->tally[2][i].num == 1)
			v.attention_total = s->tally[2][i].count;
	for (i = 0; i < s->rows[S_JOBS].n; i++)
		v.renewals_day += ROWS_AT(&s->rows[S_JOBS], row_job,
		    i)->due_ms <= v.now_ms + CONF_DAY;
	api_reply(s->r, 200, view_status(&v));
	free(mode);
}

/* Second round: the certificates of the next jobs, one query each. */
static void
status_second(void *ctx, struct rows *a, int n, const struct err *err)
{
	struct status *s = ctx;
	struct row_cert *all;
	int i;

	assert(s->due.n == 0);
	if (err != NULL) {
		api_reply_err(s->r, err);
		return;
	}
	assert(n >= 1 && n <= SOON_MAX + 1);
	take(&s->least_version, &a[n - 1]);
	all = xcalloc((size_t)n, sizeof(*all));
	s->due.table = T_CERT;
	s->due.v = all;
	for (i = 0; i < n - 1; i++)
		if (a[i].n == 1) {
			all[s->due.n++] = *ROWS_AT(&a[i], row_cert, 0);
			free(a[i].v);
			a[i].v = NULL;
			a[i].n = 0;
		}
	assert(s->due.n < (size_t)n);
	status_answer(s);
}

/* What the first answers name is asked for in a second round: the
 * certificates of the next jobs, and the version that ends first. */
static void
status_first(void *ctx, struct rows *a, int n, const struct err *err)
{
	struct status *s = ctx;
	struct query q[SOON_MAX + 1];
	const struct row_cert *least = NULL;
	int i, k = 0;

	assert(s->tallies == TALLIES);
	if (err != NULL) {
		api_reply_err(s->r, err);
		return;
	}
	for (i = 0; i < n; i++)
		take(&s->rows[i], &a[i]);
	memset(q, 0, sizeof(q));
	for (; k < SOON_MAX && (size_t)k < s->rows[S_JOBS].n; k++)
		q[k] = (struct query){ .table = T_CERT, .wheres = 1,
			.where = { { "id", CMP_EQ, ROWS_AT(&s->rows[S_JOBS],
			row_job, k)->object, NULL } } };
	if (s->rows[S_LEAST].n > 0)
		least = ROWS_AT(&s->rows[S_LEAST], row_cert, 0);
	q[k++] = (struct query){ .table = T_VERSION, .wheres = 2, .where = {
		{ "cert_id", CMP_EQ, least == NULL ? 0 : least->id, NULL },
		{ "version", CMP_EQ, least == NULL ? 0 : least->served > 0 ?
		least->served : least->installed, NULL } } };
	assert(k >= 1 && k <= SOON_MAX + 1);
	store_read(turn_store_durable(), q, k, status_second, s);
}

static void
status_rows(struct status *s)
{
	const struct query q[S_COUNT] = {
		[S_ATTENTION] = { .table = T_CERT, .wheres = 1, .where = {
			{ "attention", CMP_EQ, 1, NULL } },
			.order = "state_since_ms name", .limit = 20 },
		[S_FAILING] = { .table = T_CERT, .wheres = 1, .where = {
			{ "iss_failures", CMP_GT, 0, NULL } },
			.limit = FAILING_MAX },
		[S_STUCK] = { .table = T_DEPLOYMENT, .wheres = 1, .where = {
			{ "failures", CMP_GT, 0, NULL } },
			.limit = FAILING_MAX },
		[S_CAS] = { .table = T_CA },
		[S_LEAST] = { .table = T_CERT, .wheres = 2, .where = {
			{ "not_after_ms", CMP_GT, 0, NULL },
			{ "retired_ms", CMP_EQ, 0, NULL } },
			.order = "not_after_ms", .limit = 1 },
		[S_JOBS] = { .table = T_JOB, .wheres = 2, .where = {
			{ "kind", CMP_EQ, JOB_RENEW, NULL },
			{ "due_ms", CMP_GT, 0, NULL } },
			.order = "due_ms", .limit = SOON_JOBS_MAX }
	};

	assert(s->tallies == TALLIES);
	store_read(turn_store_durable(), q, S_COUNT, status_first, s);
}

/* One count after the other: each is a walk over an index, and the loop
 * breathes between them. */
static void
status_tally(void *ctx, const struct tally *t, size_t n, const struct err *err)
{
	struct status *s = ctx;
	int k = s->tallies;
	size_t i;

	assert(k >= 0 && k < TALLIES);
	if (err != NULL) {
		api_reply_err(s->r, err);
		return;
	}
	s->tally[k] = xcalloc(n, sizeof(*t));
	s->tally_n[k] = n;
	for (i = 0; i < n; i++) {
		s->tally[k][i] = t[i];
		s->tally[k][i].text = xstrdup(t[i].text);
	}
	if (++s->tallies == TALLIES)
		status_rows(s);
	else
		store_tally(turn_store_durable(), status_tallies[k + 1].table,
		    status_tallies[k + 1].col, status_tally, s);
}

void
api_get_status(struct api_req *r)
{
	struct status *s;
	struct err err;
	bool security;

	assert(r->own == NULL);
	if (api_param_flag(&r->target, "security", &security, &err) != 0) {
		api_reply_err(r, &err);
		return;
	}
	r->own = s = xcalloc(1, sizeof(*s));
	r->drop = status_free;
	s->r = r;
	s->security = security;
	store_tally(turn_store_durable(), status_tallies[0].table,
	    status_tallies[0].col, status_tally, s);
}

/* --- one certificate --------------------------------------------------- */

void
api_get_cert(struct api_req *r)
{
	api_reply_cert(r, 200, -1);
}

struct why_read {
	struct api_req *r;
	struct bundle *b;
};

static void
why_ca(void *ctx, struct rows *a, int n, const struct err *err)
{
	struct why_read w = *(struct why_read *)ctx;
	json_t *j;

	assert(w.b != NULL && w.b->cert != NULL);
	(void)n;
	free(ctx);
	if (err != NULL)
		api_reply_err(w.r, err);
	else {
		j = why_json(w.b, a[0].n == 0 ? NULL :
		    ROWS_AT(&a[0], row_ca, 0), loop_now());
		why_all_stands(j, trouble_now() != NULL ? trouble_now() :
		    busy_now());
		api_reply(w.r, 200, j);
	}
	bundle_free(w.b);
}

static void
why_cert(void *ctx, struct bundle *b, const struct err *err)
{
	struct api_req *r = ctx;
	struct conf_wish wanted;
	struct why_read *w;
	struct query q = { .table = T_CA, .wheres = 1 };

	if (err != NULL || b->cert == NULL) {
		if (err != NULL)
			api_reply_err(r, err);
		else
			api_reply_no_cert(r);
		return;
	}
	wanted = view_wanted(b);
	w = xcalloc(1, sizeof(*w));
	w->r = r;
	w->b = bundle_take(b);
	assert(w->b != NULL);
	q.where[0].col = "name";
	q.where[0].text = wanted.ca == NULL ? "" : wanted.ca;
	store_read(turn_store_durable(), &q, 1, why_ca, w);
	conf_wish_free(&wanted);
}

void
api_get_why(struct api_req *r)
{
	assert(r->name != NULL);
	bundle_by_name(turn_store_durable(), r->name, why_cert, r);
}

/* --- services ---------------------------------------------------------- */

struct services {
	struct api_req *r;
	const struct conf_service *one;	/* NULL: all of them */
	struct rows rows;
};

static void
services_free(void *own)
{
	struct services *s = own;

	rows_free(&s->rows);
	free(s);
}

static json_t *
one_service(const struct services *s, const struct conf_service *c,
    const struct tally *t, size_t n)
{
	const struct row_service *row = NULL;
	int64_t certificates = 0;
	size_t i;

	assert(c->title != NULL);
	for (i = 0; i < s->rows.n; i++)
		if (strcmp(ROWS_AT(&s->rows, row_service, i)->name,
		    c->title) == 0)
			row = ROWS_AT(&s->rows, row_service, i);
	for (i = 0; i < n; i++)
		if (t[i].text != NULL && strcmp(t[i].text, c->title) == 0)
			certificates = t[i].count;
	return view_service(c, row, certificates, s->one != NULL);
}

/* The same for one and for all: what differs is how much is said of each. */
static void
services_counted(void *ctx, const struct tally *t, size_t n,
    const struct err *err)
{
	struct services *s = ctx;
	const struct conf *c = engine_conf();
	json_t *list;
	size_t i;

	assert(s->r->own == s);
	if (err != NULL) {
		api_reply_err(s->r, err);
		return;
	}
	if (s->one != NULL) {
		api_reply(s->r, s->r->route->method[0] == 'P' ? 202 : 200,
		    one_service(s, s->one, t, n));
		return;
	}
	list = json_array();
	for (i = 0; i < c->services_n; i++)
		json_array_append_new(list,
		    one_service(s, &c->services[i], t, n));
	api_reply(s->r, 200, json_pack("{s:o}", "services", list));
}

static void
services_read(void *ctx, struct rows *a, int n, const struct err *err)
{
	struct services *s = ctx;

	assert(s->rows.n == 0);
	(void)n;
	if (err != NULL) {
		api_reply_err(s->r, err);
		return;
	}
	take(&s->rows, &a[0]);
	store_tally(turn_store_durable(), T_DEPLOYMENT, "service",
	    services_counted, s);
}

void
api_get_services(struct api_req *r)
{
	struct query q = { .table = T_SERVICE };
	struct services *s = xcalloc(1, sizeof(*s));

	assert(r->own == NULL);
	s->r = r;
	if (r->name != NULL)
		s->one = conf_service(engine_conf(), r->name);
	r->own = s;
	r->drop = services_free;
	store_read(turn_store_durable(), &q, 1, services_read, s);
}

void
api_get_service(struct api_req *r)
{
	struct err err;

	assert(r->name != NULL);
	if (conf_service(engine_conf(), r->name) != NULL) {
		api_get_services(r);
		return;
	}
	err_set(&err, ERR_NO_SUCH, "no service \"%s\" is in use", r->name);
	err_advise(&err, "Name it in services of a certificate.");
	api_reply_err(r, &err);
}

/* --- configuration ----------------------------------------------------- */

void
api_get_config(struct api_req *r)
{
	struct buf text;
	struct err err;
	bool all;

	if (api_param_flag(&r->target, "all", &all, &err) != 0) {
		api_reply_err(r, &err);
		return;
	}
	buf_init(&text, CONF_FILE_MAX);
	conf_show(engine_conf(), all, &text);
	api_reply(r, 200, json_pack("{s:s}", "text",
	    text.data == NULL ? "" : text.data));
	buf_free(&text);
}
