/* Proof: what does each endpoint show? After a reload until all of them serve
 * the newest version or the service's probe time-out is over, then every
 * lifetime/60. What it means is interface.md section 6, rules 3 to 6. Job
 * PROBE. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/plan.h"
#include "daemon/prober.h"
#include "daemon/purge.h"
#include "daemon/sched.h"
#include "daemon/view.h"

enum { NAMES_MAX = 100, LOOKS_BEFORE = 2, PROBES_AT_ONCE = 256 };

/* One question: an endpoint of a service, a name. */
struct question {
	struct look *look;
	const struct conf_service *service;
	const struct conf_endpoint *endpoint;
	char *name;
	struct prober_finding *found;
	int found_n;
};

struct look {			/* all questions about one certificate */
	int64_t cert_id;
	struct bundle *b;
	struct question *q;
	size_t n, open;
};

/* How a deployment's endpoints look, worst first. */
struct tally_of {
	int newest, older, other, dead, asked, was_good;
	struct row_endpoint worst;	/* texts borrowed */
	bool have_worst;
};

static void
look_free(struct look *l)
{
	size_t i;

	assert(l->n == 0 || l->q != NULL);
	for (i = 0; i < l->n; i++) {
		free(l->q[i].name);
		free(l->q[i].found);
	}
	free(l->q);
	if (l->b != NULL)
		bundle_free(l->b);
	free(l);
}

/* --- what one finding means -------------------------------------------- */

static const struct row_version *
version_with(const struct bundle *b, const char *sha256)
{
	size_t i;

	for (i = 0; i < b->versions.n; i++)
		if (strcmp(ROWS_AT(&b->versions, row_version, i)->sha256,
		    sha256) == 0)
			return ROWS_AT(&b->versions, row_version, i);
	return NULL;
}

/* What was shown, in the one word that rows and people have for it. */
static const char *
result_of(const struct bundle *b, const struct probe_finding *f,
    int64_t *version)
{
	const struct row_version *v;

	assert(version != NULL);
	*version = -1;
	switch (f->result) {
	case PROBE_LEAF:
		v = version_with(b, f->sha256);
		if (v != NULL)
			*version = v->version;
		if (v == NULL)
			return f->not_after_ms <= loop_now() ? "expired" :
			    "other";
		return v->placeholder ? "placeholder" :
		    v->version == b->cert->newest ? "newest" : "older";
	case PROBE_REFUSED:
		return "refused";
	case PROBE_NOT_TLS:
	case PROBE_TLS_FAILED:
		return "not-tls";
	case PROBE_UNREACHABLE:
	case PROBE_UNDER_WAY:
		break;
	}
	return "timeout";
}

/* The row of the same look the last time. */
static const struct row_endpoint *
before(const struct look *l, const struct row_endpoint *now)
{
	size_t i;

	assert(now->service != NULL && now->address != NULL);
	for (i = 0; i < l->b->endpoints.n; i++) {
		const struct row_endpoint *e = ROWS_AT(&l->b->endpoints,
		    row_endpoint, i);

		if (strcmp(e->service, now->service) == 0 &&
		    strcmp(e->endpoint, now->endpoint) == 0 &&
		    strcmp(e->address, now->address) == 0 &&
		    e->port == now->port && strcmp(e->name, now->name) == 0)
			return e;
	}
	return NULL;
}

/* When a service last showed ours there under that name: at this address, or,
 * when nothing listens any more and so there is none, at any. */
static int64_t
last_good(const struct look *l, const struct row_endpoint *now)
{
	const struct row_endpoint *e = before(l, now);
	int64_t good = 0;
	size_t i;

	if (now->address[0] != '\0')
		return e != NULL ? e->good_ms : 0;
	for (i = 0; i < l->b->endpoints.n; i++) {
		e = ROWS_AT(&l->b->endpoints, row_endpoint, i);
		if (strcmp(e->service, now->service) == 0 &&
		    strcmp(e->endpoint, now->endpoint) == 0 &&
		    strcmp(e->name, now->name) == 0 && e->good_ms > good)
			good = e->good_ms;
	}
	return good;
}

static int
badness(const char *result)
{
	static const char *const order[] = {
		"newest", "skipped", "older", "placeholder", "other",
		"expired", "timeout", "not-tls", "refused"
	};
	int i;

	for (i = 0; i < 9; i++)
		if (strcmp(order[i], result) == 0)
			return i;
	return 9;
}

/* "skipped" was not asked and counts for nothing. */
static void
count(struct tally_of *t, const struct row_endpoint *e, bool was_good)
{
	bool dead = strcmp(e->result, "refused") == 0 ||
	    strcmp(e->result, "not-tls") == 0 ||
	    strcmp(e->result, "timeout") == 0;

	if (strcmp(e->result, "skipped") == 0)
		return;
	t->asked++;
	if (strcmp(e->result, "newest") == 0)
		t->newest++;
	else if (strcmp(e->result, "older") == 0 ||
	    strcmp(e->result, "placeholder") == 0)
		t->older++;
	else if (dead)
		t->dead++;
	else
		t->other++;
	assert(t->newest + t->older + t->other + t->dead == t->asked);
	if (dead && was_good)
		t->was_good++;
	if (!t->have_worst || badness(e->result) > badness(t->worst.result)) {
		t->worst = *e;
		t->have_worst = true;
	}
}

/* The probe speaks plain TLS; other protocols are noted as skipped. */
static bool
can_ask(const struct conf_endpoint *e)
{
	return strcmp(e->protocol, "tls") == 0;
}

/* Stores the observation and counts it. good_since: what was not good since
 * then was broken before, and not by the new files. */
static void
observe(const struct look *l, const struct question *q,
    const struct prober_finding *p, int64_t good_since, struct tally_of *t)
{
	struct row_endpoint e = { .cert_id = l->cert_id,
		.service = q->service->title, .endpoint = q->endpoint->text,
		.protocol = q->endpoint->protocol, .name = q->name,
		.port = q->endpoint->port, .at_ms = loop_now(),
		.version = -1, .result = row_const("refused") };
	bool public = strcmp(q->endpoint->address, "public") == 0, was_good;

	assert(p == NULL || can_ask(q->endpoint));
	assert(q->look == l);
	e.address = row_const(p != NULL ? p->address : "");
	e.good_ms = last_good(l, &e);
	if (p == NULL && (!can_ask(q->endpoint) ||
	    (q->endpoint->from_preset && e.good_ms == 0)))
		e.result = row_const("skipped");
	if (p != NULL) {
		e.port = p->port;
		e.sha256 = row_const(p->f.sha256);
		e.key_type = row_const(p->f.key_type);
		e.result = row_const(result_of(l->b, &p->f,
		    &e.version));
		if (p->f.err.class != ERR_NONE)
			set_error(&e.error, &p->f.err);
	}
	was_good = e.good_ms != 0 && e.good_ms >= good_since;
	if (e.version >= 0 && strcmp(e.result, "placeholder") != 0)
		e.good_ms = loop_now();
	batch_put(turn_batch(), T_ENDPOINT, &e);
	if (!public)
		count(t, &e, was_good);
	free(e.error);
}

/* --- what all findings of a service mean ------------------------------- */

static void
put(const struct row_deployment *d)
{
	batch_put(turn_batch(), T_DEPLOYMENT, d);
}

static void
say(const struct look *l, const char *service, const char *event,
    const char *text, const struct err *err)
{
	struct happening h = { .event = event, .cert_id = l->cert_id,
		.name = l->b->cert->name, .version = l->b->cert->newest,
		.service = service, .text = text, .err = err };

	turn_event(&h);
}

static void
where_served(char out[160], const struct look *l, const char *service)
{
	size_t i, n = 0;
	int k;

	snprintf(out, 160, "no endpoint to prove it on");
	for (i = 0; i < l->n; i++)
		for (k = 0; k < l->q[i].found_n &&
		    strcmp(l->q[i].service->title, service) == 0 &&
		    strcmp(l->q[i].name, l->q[0].name) == 0; k++) {
			const struct prober_finding *p = &l->q[i].found[k];
			bool six = strchr(p->address, ':') != NULL;

			if (n < 120)
				n += (size_t)snprintf(out + n, 160 - n,
				    "%s%s%s%s:%u", n > 0 ? ", " :
				    "served on ", six ? "[" : "", p->address,
				    six ? "]" : "", p->port);
		}
}

static void
served(const struct look *l, struct row_deployment *d, bool proved)
{
	bool news = proved && (strcmp(d->state, "served") != 0 ||
	    d->version != l->b->cert->newest);
	char text[160];

	assert(d->service[0] != '\0' || l->n == 0);
	d->state = row_const("served");
	d->version = l->b->cert->newest;
	d->failures = d->next_try_ms = 0;
	d->error = NULL;
	put(d);
	where_served(text, l, d->service);
	if (news)
		say(l, d->service, "endpoint.served", text, NULL);
}

static void
why_unserved(struct err *err, const struct row_endpoint *e)
{
	char where[ERR_TEXT_MAX / 2];

	snprintf(where, sizeof(where), "%s on %s%s%s (%s)", e->service,
	    e->address, e->address[0] != '\0' ? " " : "", e->endpoint,
	    e->name);
	if (strcmp(e->result, "older") == 0 ||
	    strcmp(e->result, "placeholder") == 0) {
		err_set(err, ERR_UNSERVED_OLDER, "%s still shows %s", where,
		    strcmp(e->result, "older") == 0 ? "an older version" :
		    "the placeholder");
		err_advise(err, "Its reload does not read the files: restart "
		    "%s, or correct `reload`", e->service);
	} else if (strcmp(e->result, "refused") == 0 ||
	    strcmp(e->result, "timeout") == 0) {
		err_set(err, ERR_UNREACHABLE, "%s does not answer", where);
		err_advise(err, "Start %s, or correct its endpoints",
		    e->service);
	} else if (strcmp(e->result, "not-tls") == 0) {
		err_set(err, ERR_NOT_TLS, "%s does not complete a TLS "
		    "handshake", where);
		err_advise(err, "Look at the configuration and the log of %s",
		    e->service);
	} else {
		err_set(err, ERR_UNSERVED_OTHER, "%s shows another "
		    "certificate", where);
		err_advise(err, "Configure %s for this name with the files "
		    "under live/, or take the endpoint out", e->service);
	}
}

/* Rule 3: what answered before is broken now, so the files go back. The next
 * install puts them in place again after the back-off. */
static void
unserved(const struct look *l, struct row_deployment *d,
    const struct tally_of *t)
{
	struct err err, before;
	char *json = NULL;
	bool news;

	assert(t->have_worst && t->newest < t->asked);
	why_unserved(&err, &t->worst);
	news = strcmp(d->state, "unserved") != 0 ||
	    !view_error_parse(&before, NULL, d->error) ||
	    before.code != err.code;
	set_error(&json, &err);
	d->error = json;
	d->state = row_const("unserved");
	d->failures++;
	d->next_try_ms = loop_now() + plan_backoff(d->failures,
	    engine_lifetime(l->b), chance_luck());
	put(d);
	if (news)
		say(l, d->service, err.code == ERR_UNSERVED_OLDER ?
		    "endpoint.older" : err.code == ERR_UNSERVED_OTHER ?
		    "endpoint.other" : "endpoint.unreachable", NULL, &err);
	free(json);
}

/* Rule 4: one more reload, then it is unserved. */
static void
reload_again(const struct look *l, struct row_deployment *d)
{
	assert(strcmp(d->state, "reloading") == 0 && !d->owed);
	d->owed = 1;
	d->since_ms = loop_now();
	d->state = row_const("again");
	put(d);
	deploy_due(l->b, d->service);
	say(l, d->service, "endpoint.older", "an older version is still "
	    "shown; reloading once more", NULL);
}

/* Its new files have just been read, and not yet been judged. */
static bool
is_fresh(const struct row_deployment *d)
{
	return strcmp(d->state, "reloading") == 0 ||
	    strcmp(d->state, "again") == 0;
}

/* Not by a clock that has gone back since. */
static bool
in_proof_time(const struct row_deployment *d, const struct conf_service *s,
    int64_t lifetime_ms)
{
	return is_fresh(d) && loop_now() >= d->last_try_ms && loop_now() <
	    d->last_try_ms + plan_delay(s->probe_timeout_ms, lifetime_ms);
}

/* Returns when to look again. */
static int64_t
judge(const struct look *l, struct row_deployment *d,
    const struct conf_service *s, const struct tally_of *t)
{
	int64_t life = engine_lifetime(l->b), age;
	bool back;

	assert(t->newest >= 0 && t->newest <= t->asked);
	assert(t->was_good <= t->dead);
	if (d->owed || d->version != l->b->cert->newest)
		return loop_now() + plan_probe_every(life);
	if (t->newest == t->asked) {
		served(l, d, t->asked > 0);
		return loop_now() + plan_probe_every(life);
	}
	if (in_proof_time(d, s, life)) {
		age = (loop_now() - d->last_try_ms) / 1000;
		return loop_now() + plan_probe_again(age, life);
	}
	back = t->was_good > 0 && s->rollback && is_fresh(d) &&
	    deploy_put_back(l->b);
	if (!back && t->older > 0 && strcmp(d->state, "reloading") == 0) {
		reload_again(l, d);
		return loop_now() + plan_probe_every(life);
	}
	assert(t->newest < t->asked);
	unserved(l, d, t);
	return d->next_try_ms;
}

/* --- asking ------------------------------------------------------------ */

/* All findings about one service make one judgement. */
static int64_t
conclude_service(const struct look *l, struct row_deployment *d, int *asked)
{
	const struct conf_service *s = conf_service(engine_conf(), d->service);
	int64_t since = d->last_try_ms - LOOKS_BEFORE *
	    plan_probe_every(engine_lifetime(l->b));
	struct tally_of t;
	size_t i;
	int k;

	memset(&t, 0, sizeof(t));
	if (s == NULL)
		return loop_now() + CONF_DAY;
	for (i = 0; i < l->n; i++) {
		const struct question *q = &l->q[i];

		if (q->service != s)
			continue;
		if (q->found_n == 0)
			observe(l, q, NULL, since, &t);
		for (k = 0; k < q->found_n; k++)
			observe(l, q, &q->found[k], since, &t);
	}
	assert(t.asked >= 0 && t.newest <= t.asked);
	*asked += t.asked;
	return judge(l, d, s, &t);
}

static void
record_served(const struct look *l)
{
	struct row_cert c = *l->b->cert;
	const struct row_version *v;

	c.served = c.newest;
	c.served_checked_ms = loop_now();
	v = bundle_version(l->b, c.newest);
	if (v != NULL)
		c.not_after_ms = v->not_after_ms;
	batch_put(turn_batch(), T_CERT, &c);
}

static void
conclude(struct look *l)
{
	int64_t next = loop_now() + plan_probe_every(engine_lifetime(l->b));
	bool all_served = l->b->deployments.n > 0;
	int asked = 0;
	int64_t at;
	size_t i;

	assert(l->b != NULL && l->open == 0);
	/* What was seen at addresses that are gone goes with them. */
	batch_del_all(turn_batch(), T_ENDPOINT, l->cert_id);
	for (i = 0; i < l->b->deployments.n; i++) {
		struct row_deployment row = *ROWS_AT(&l->b->deployments,
		    row_deployment, i);

		at = conclude_service(l, &row, &asked);
		all_served = all_served && strcmp(row.state, "served") == 0 &&
		    row.version == l->b->cert->newest;
		if (at < next)
			next = at;
	}
	if (all_served && asked > 0)
		record_served(l);
	engine_touch(l->cert_id);
	sched_later(JOB_PROBE, l->cert_id, next);
	look_free(l);
}

/* The rows may have changed while we looked: judge by what is there now. */
static void
reread(void *ctx, struct bundle *b, const struct err *err)
{
	struct look *l = ctx;

	assert(l->b != NULL && l->open == 0);
	if (err != NULL || b->cert == NULL) {
		engine_job_over(JOB_PROBE, l->cert_id, err);
		look_free(l);
		return;
	}
	bundle_free(l->b);
	l->b = bundle_take(b);
	conclude(l);
}

static void
answered(void *ctx, const struct prober_finding *f, int n)
{
	struct question *q = ctx;
	struct look *l = q->look;

	assert(l->open > 0 && l->open <= l->n);
	assert(n >= 0 && (n == 0 || f != NULL) && q->found == NULL);
	q->found = n > 0 ? xmemdup(f, (size_t)n * sizeof(*f)) : NULL;
	q->found_n = n;
	if (--l->open == 0)
		bundle_by_id(turn_store(), l->cert_id, reread, l);
}

static void
ask_all(void *ctx)
{
	struct look *l = ctx;
	struct endpoint e;
	struct err err;
	const size_t n = l->n;
	size_t i;

	assert(n > 0 && l->open == 0);
	l->open = n;
	/* The last answer may free the look. */
	for (i = 0; i < n; i++) {
		if (!can_ask(l->q[i].endpoint) || endpoint_parse(&e,
		    l->q[i].endpoint->text, &err) != 0)
			answered(&l->q[i], NULL, 0);
		else
			prober_ask(&e, l->q[i].name, answered, &l->q[i]);
	}
}

/* No client asks for a wildcard itself: a name below it stands for all. */
static void
add_question(struct look *l, const struct conf_service *s,
    const struct conf_endpoint *e, const char *name)
{
	struct question *q;

	assert(name != NULL && l->open == 0);
	l->q = xrealloc(l->q, (l->n + 1) * sizeof(*l->q));
	q = &l->q[l->n++];
	memset(q, 0, sizeof(*q));
	q->service = s;
	q->endpoint = e;
	q->name = strncmp(name, "*.", 2) == 0 ? xcalloc(1, strlen(name) + 4) :
	    xstrdup(name);
	if (strncmp(name, "*.", 2) == 0)
		snprintf(q->name, strlen(name) + 4, "www.%s", name + 2);
}

static void
make_questions(struct look *l)
{
	struct conf_wish wish = engine_wish(l->b->cert);
	const struct strv *names = wish.probe_names.n > 0 ?
	    &wish.probe_names : &wish.names;
	const struct conf_service *s;
	size_t i, k, n;

	assert(l->n == 0 && l->b != NULL);
	for (i = 0; i < l->b->deployments.n; i++) {
		s = conf_service(engine_conf(), ROWS_AT(&l->b->deployments,
		    row_deployment, i)->service);
		for (k = 0; s != NULL && k < s->endpoints_n; k++)
			for (n = 0; n < names->n && n < NAMES_MAX; n++)
				add_question(l, s, &s->endpoints[k],
				    names->v[n]);
	}
	for (i = 0; i < l->n; i++)
		l->q[i].look = l;
	conf_wish_free(&wish);
}

static void
read_bundle(void *ctx, struct bundle *b, const struct err *err)
{
	struct look *l = ctx;

	assert(l->b == NULL && l->n == 0);
	if (err != NULL || b->cert == NULL || b->cert->installed <= 0 ||
	    purge_has(l->cert_id)) {
		engine_job_over(JOB_PROBE, l->cert_id, err);
		look_free(l);
		return;
	}
	l->b = bundle_take(b);
	make_questions(l);
	if (l->n == 0)
		conclude(l);
	else
		turn_after(ask_all, l);
}

/* After a long stop all are due at once. */
int
job_probe_room(void)
{
	return PROBES_AT_ONCE - sched_running(JOB_PROBE);
}

void
job_probe(int64_t cert_id)
{
	struct look *l = xcalloc(1, sizeof(*l));

	assert(sched_is_running(JOB_PROBE, cert_id));
	l->cert_id = cert_id;
	bundle_by_id(turn_store(), cert_id, read_bundle, l);
}
