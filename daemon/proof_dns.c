/* Planning a TXT record, and waiting until all servers have it. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/proof_dns.h"
#include "daemon/spread.h"
#include "daemon/walking.h"

/* Somebody waits for a trial, which belongs to no certificate: its id is 0, or
 * negative. */
enum { FIRST_GAP_MS = 1000, LAST_GAP_MS = 15 * 1000,
	TRIAL_MS = 4 * 60 * 1000 };

/* --- planning ------------------------------------------------------- */

struct planning {
	struct walking walking;		/* first: found by its address */
	struct row_challenge *row;
	char *named;			/* the wish's dns block */
	struct strv not;
	proof_done *done;
	void *ctx;
};

static void
fill_in(struct row_challenge *row, const struct zone_walk *w,
    const struct conf_dns *d)
{
	bool update = d->server != NULL && *d->server != '\0';

	assert(d->title != NULL && w->zone[0] != '\0');
	row_text(&row->method, update ? "update" : "program");
	row_text(&row->dns, d->title);
	row_text(&row->record, w->record);
	row_text(&row->zone, w->zone);
	row_text(&row->server, update ? d->server : "");
}

static void
plan_over(struct walking *k, const struct err *err)
{
	struct planning *p = (struct planning *)k;
	const struct conf_dns *d;
	struct err why;

	assert(p->done != NULL && p->row != NULL);
	if (err == NULL) {
		d = dns_block_of(engine_conf(), p->named, k->w.record,
		    &p->not, &why);
		if (d == NULL)
			err = &why;
		else
			fill_in(p->row, &k->w, d);
	}
	p->done(p->ctx, err);
	zone_free(&k->w);
	strv_free(&p->not);
	free(p->named);
	free(p);
}

void
proof_dns_plan(struct row_challenge *row, const struct conf_wish *wish,
    const struct strv *not, proof_done *done, void *ctx)
{
	struct planning *p = xcalloc(1, sizeof(*p));

	assert(row->record != NULL && row->value != NULL);
	assert(done != NULL);
	p->row = row;
	p->named = xstrdup(wish->dns);
	if (not != NULL)
		p->not = strv_copy(not);
	p->done = done;
	p->ctx = ctx;
	walking_begin(&p->walking, row->record, plan_over);
}

/* --- until all have it ---------------------------------------------- */

struct watching {
	struct walking walking;		/* first: found by its address */
	struct row_challenge *row;	/* copy */
	int64_t wait_ms, timeout_ms, since_ms, gap_ms;
	struct spread spread;
	size_t open;			/* answers of this turn */
	struct loop_timer *timer;
	bool enough;
	proof_done *done;
	void *ctx;
};

struct asking {
	struct watching *of;
	size_t i;			/* in spread.servers */
};

static void
put_findings(const struct watching *k)
{
	char subject[DNS_NAME_SIZE + DNS_SERVER_SIZE];
	const struct spread_server *v;
	size_t i;

	assert(k->row->cert_id > 0);
	for (i = 0; i < k->spread.n; i++) {
		struct row_finding f = { .cert_id = k->row->cert_id,
			.ident = k->row->ident, .kind = (char[]){ "txt" },
			.subject = subject, .at_ms = loop_now() };

		v = &k->spread.servers[i];
		snprintf(subject, sizeof(subject), "%s%s%s", v->at.name,
		    v->at.address[0] != '\0' ? " " : "", v->at.address);
		f.text = row_const(v->said);
		f.result = row_const(v->has >= SPREAD_SURE ?
		    "good" : err_code_name(ERR_DNS_UNSEEN));
		batch_put(turn_batch(), T_FINDING, &f);
	}
}

static void
watch_over(struct watching *k, const struct err *err)
{
	assert(k->done != NULL && k->open == 0);
	if (k->row->cert_id > 0)
		put_findings(k);
	k->done(k->ctx, err);
	zone_free(&k->walking.w);
	spread_free(&k->spread);
	loop_timer_free(k->timer);
	row_free(T_CHALLENGE, k->row);
	free(k->row);
	free(k);
}

/* Asked again ever more seldom, until all have it or the time of the dns
 * block is over. */
static void
turn_over(struct watching *k)
{
	int64_t waited = loop_mono() - k->since_ms;
	struct err err;

	assert(k->open == 0 && !k->enough);
	if (spread_turn(&k->spread)) {
		k->enough = true;
		loop_timer_after(k->timer, k->wait_ms);
	} else if (waited >= k->timeout_ms) {
		spread_err(&k->spread, waited, &err);
		watch_over(k, &err);
	} else {
		loop_timer_after(k->timer, k->gap_ms);
		k->gap_ms = 2 * k->gap_ms < LAST_GAP_MS ? 2 * k->gap_ms :
		    LAST_GAP_MS;
		assert(k->gap_ms <= LAST_GAP_MS);
	}
}

static void
asked(void *ctx, const struct dns_answer *a)
{
	struct asking q = *(struct asking *)ctx;

	assert(q.of->open > 0 && q.i < q.of->spread.n);
	free(ctx);
	spread_take(&q.of->spread, q.i, a);
	if (--q.of->open == 0)
		turn_over(q.of);
}

static void
ask_all(struct watching *k)
{
	const char *at;
	struct asking *q;
	size_t i;

	assert(k->open == 0 && k->spread.n > 0);
	k->open = k->spread.n;
	for (i = 0; i < k->spread.n; i++) {
		at = k->spread.servers[i].at.address;
		q = xcalloc(1, sizeof(*q));
		q->of = k;
		q->i = i;
		dns_ask(k->spread.record, DNS_TXT, *at != '\0' ? at : NULL,
		    asked, q);
	}
}

/* Enough was seen and the pause after it is over, or the next turn begins. */
static void
on_timer(void *ctx)
{
	struct watching *k = ctx;

	assert(k->open == 0);
	if (k->enough)
		watch_over(k, NULL);
	else
		ask_all(k);
}

/* A zone that nobody tells (a closed network) leaves the resolver to ask. */
static void
watch_walked(struct walking *w, const struct err *err)
{
	struct watching *k = (struct watching *)w;

	assert(k->spread.n == 0 && k->open == 0);
	spread_begin(&k->spread, k->row->record, k->row->value,
	    w->w.servers, err == NULL ? w->w.nservers : 0);
	ask_all(k);
}

/* Our own program or server has it: a CA asks the others, too. */
void
proof_dns_seen(const struct row_challenge *row, proof_done *done, void *ctx)
{
	const struct conf_dns *d;
	struct watching *k;
	struct err err;

	assert(done != NULL && row->record != NULL && row->value != NULL);
	d = dns_block_named(engine_conf(), row->dns, &err);
	if (d == NULL) {
		done(ctx, &err);
		return;
	}
	k = xcalloc(1, sizeof(*k));
	k->row = row_copy(T_CHALLENGE, row);
	k->wait_ms = d->wait_ms;
	k->timeout_ms = row->cert_id <= 0 && d->timeout_ms > TRIAL_MS ?
	    TRIAL_MS : d->timeout_ms;
	k->since_ms = loop_mono();
	k->gap_ms = FIRST_GAP_MS;
	k->done = done;
	k->ctx = ctx;
	k->timer = loop_timer_new(on_timer, k);
	walking_begin(&k->walking, row->record, watch_walked);
}
