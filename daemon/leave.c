/* Authorizations that nobody needs any more are given up at their CA, one after
 * the other: some count those that are pending. A favour: nothing waits for it,
 * nothing is stored, and it ends with whatever goes wrong first. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "acme/account.h"
#include "daemon/cas.h"
#include "daemon/issue.h"
#include "daemon/leave.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/sched.h"
#include "daemon/turn.h"

enum { AT_ONCE = 4, LONGEST_MS = 30 * 1000 };

struct leaving {
	struct ca *ca;			/* with a place there */
	struct strv urls;
	size_t at;			/* of those */
	int64_t until_ms;		/* monotonic */
	struct acme_act *act;
	struct acting acting;
	struct leaving *next;
};

static struct leaving *leavings;
static int count;

static void
leaving_free(struct leaving *l)
{
	struct leaving **at = &leavings;

	assert(count > 0);
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	count--;
	ca_forget(l->ca, l);
	ca_leave(l->ca);
	acme_act_free(l->act);
	strv_free(&l->urls);
	free(l);
}

void
leave_fini(void)
{
	while (leavings != NULL) {
		if (leavings->acting.http != NULL)
			http_cancel(leavings->acting.http);
		leaving_free(leavings);
	}
}

/* What is on its way to the keeper ends with its answer: see step(). */
void
leave_stop(void)
{
	struct leaving *l, *next;

	for (l = leavings; l != NULL; l = next) {
		next = l->next;
		if (l->acting.http == NULL)
			continue;
		http_cancel(l->acting.http);
		leaving_free(l);
	}
}

/* An order that goes on has the place that this one has. */
static bool
may_go_on(const struct leaving *l)
{
	return !sched_is_stopped() && loop_mono() < l->until_ms &&
	    ca_closed_until(l->ca) == 0;
}

static void begin_next(struct leaving *l);

static void
step(void *ctx, const struct acme_event *event)
{
	struct leaving *l = ctx;
	struct acme_wish w;
	struct err err;

	assert(l->act != NULL);
	if (!may_go_on(l)) {
		leaving_free(l);
		return;
	}
	err_clear(&err);
	w = acme_act_step(l->act, ca_session(l->ca), loop_now(), event, &err);
	if (w.kind == ACME_WISH_DONE) {
		l->at++;
		begin_next(l);
	} else if (w.kind == ACME_WISH_FAIL) {
		log_debug("%s: %s", ca_conf(l->ca)->title, err.text);
		leaving_free(l);
	} else
		acting_do(&l->acting, &w);
}

static void
ca_answered(void *ctx, const struct err *err)
{
	if (err != NULL)
		leaving_free(ctx);
	else
		step(ctx, NULL);
}

static void
ready(void *ctx)
{
	struct leaving *l = ctx;

	ca_ready(l->ca, ca_answered, l);
}

static void
begin_next(struct leaving *l)
{
	acme_act_free(l->act);
	l->act = NULL;
	if (l->at == l->urls.n) {
		leaving_free(l);
		return;
	}
	l->act = acme_leave_new(l->urls.v[l->at]);
	turn_after(ready, l);
}

void
leave_begin(const struct issue *s)
{
	const struct strv *urls = acme_order_left(s->order);
	struct leaving *l;

	if (urls->n == 0 || count == AT_ONCE || sched_is_stopped() ||
	    ca_closed_until(s->ca) != 0 || !ca_enter(s->ca))
		return;
	assert(urls->n <= ACME_LEFT_MAX);
	l = xcalloc(1, sizeof(*l));
	l->ca = s->ca;
	l->urls = strv_copy(urls);
	l->until_ms = loop_mono() + LONGEST_MS;
	l->acting.ca = s->ca;
	l->acting.step = step;
	l->acting.ctx = l;
	l->next = leavings;
	leavings = l;
	count++;
	begin_next(l);
}
