/* Carrying out the wishes of an order: HTTP and signatures at the CA, a CSR
 * from the keeper, waiting. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/engine.h"
#include "daemon/issue.h"
#include "daemon/log.h"
#include "daemon/peers.h"
#include "daemon/sched.h"
#include "daemon/trial.h"

enum { HOLD_MS = 60 * 1000,	/* waits up to this stay in memory */
	WAIT_MAX_MS = 25 * 3600 * 1000,	/* more is a clock that went back */
	BUSY_STEPS = 32, BUSY_MS = 250 };	/* busy: so many in this time */

static struct issue *issues;
static int64_t last_steps[BUSY_STEPS];	/* monotonic; a ring */
static unsigned steps;			/* in all */

struct issue *
issue_new(struct ca *ca)
{
	struct issue *s = xcalloc(1, sizeof(*s));

	s->ca = ca;
	s->acting.ca = ca;
	s->acting.step = issue_step;
	s->acting.ctx = s;
	s->next = issues;
	issues = s;
	return s;
}

void
issue_free(struct issue *s)
{
	struct issue **at = &issues;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	ca_forget(s->ca, s);
	ca_leave(s->ca);
	issue_proofs_free(s);
	blob_free(&s->old_key);
	acme_order_free(s->order);
	loop_timer_free(s->timer);
	conf_wish_free(&s->wish);
	row_free(T_ORDER, &s->row);
	free(s->name);
	free(s);
}

void
issue_free_all(void)
{
	steps = 0;
	while (issues != NULL) {
		if (issues->acting.http != NULL)
			http_cancel(issues->acting.http);
		issue_free(issues);
	}
}

void
issue_save(struct issue *s)
{
	struct buf b;

	if (s->trial != NULL)
		return;
	buf_init(&b, 4 * ACME_JSON_MAX);
	acme_order_save(s->order, &b);
	free(s->row.state);
	s->row.state = buf_take(&b);
	row_text(&s->row.stage, acme_order_stage(s->order));
	s->row.changed_ms = loop_now();
	batch_put(turn_batch(), T_ORDER, &s->row);
}

/* --- wishes for the keeper --------------------------------------------- */

void
issue_peer_error(struct issue *s, const struct err *err)
{
	struct acme_event e = { .kind = ACME_ERROR, .err = err };

	issue_step(s, &e);
}

static void
csr_made(void *ctx, void *answer, const struct err *err)
{
	struct issue *s = ctx;
	struct w_csr_done *m = answer;
	struct acme_event e = { .kind = ACME_CSR_MADE };

	if (err != NULL) {
		issue_peer_error(s, err);
		return;
	}
	blob_free(&s->row.sealed);
	blob_free(&s->row.spki);
	s->row.sealed = m->sealed;
	s->row.spki = m->spki;
	memset(&m->sealed, 0, sizeof(m->sealed));
	memset(&m->spki, 0, sizeof(m->spki));
	acme_order_set_spki(s->order, s->row.spki.p, s->row.spki.len);
	e.bytes = m->csr;
	issue_step(s, &e);
}

static void
ask_csr(void *ctx)
{
	struct issue *s = ctx;
	struct w_csr m = { .cert = (uint64_t)s->row.cert_id,
		.version = (uint32_t)s->row.version, .alg = s->wish.key_type,
		.sealed = s->row.sealed, .names = *s->peer_wish.names,
		.must_staple = s->peer_wish.must_staple };

	if (s->row.sealed.len == 0) {
		m.sealed = s->old_key;
		m.from = (uint32_t)s->old_key_of;
	}
	peer_ask(WIRE_CSR, &m, csr_made, s);
}

/* --- driving the order ------------------------------------------------- */

static void
time_came(void *ctx)
{
	struct acme_event e = { .kind = ACME_TIME };

	issue_step(ctx, &e);
}

static void
too_long(struct issue *s)
{
	struct err err;

	err_set(&err, ERR_CA_PROCESSING, "%s is not done after %d minutes; the "
	    "trial ends here", s->name, TRIAL_MS / (60 * 1000));
	issue_fail(s, &err);
}

static void
too_old(struct issue *s)
{
	struct err err;

	err_set(&err, ERR_CA_PROCESSING, "the order is not done after %lld "
	    "hours; another one is made", (long long)(loop_now() -
	    s->row.created_ms) / (3600 * 1000));
	issue_fail(s, &err);
}

/* Short waits stay here; a long one leaves memory, its order row resumes it,
 * and so does one for which something was asked meanwhile. A trial has none: it
 * waits here, and not for ever. */
static void
wait_until(struct issue *s, int64_t at_ms)
{
	int64_t now = loop_now();

	if (at_ms > now + WAIT_MAX_MS)
		at_ms = now;
	if (s->trial != NULL && loop_mono() + at_ms - now >
	    trial_until(s->trial)) {
		too_long(s);
		return;
	}
	if (issue_is_stale(s)) {
		too_old(s);
		return;
	}
	if (s->trial != NULL || (at_ms - now <= HOLD_MS &&
	    !sched_is_wanted(JOB_RENEW, s->row.cert_id))) {
		if (s->timer == NULL)
			s->timer = loop_timer_new(time_came, s);
		loop_timer_after(s->timer, at_ms - now);
		return;
	}
	s->row.wait_until_ms = at_ms;
	issue_save(s);
	sched_later(JOB_RENEW, s->row.cert_id, at_ms);
	issue_free(s);
}

static void
do_wish(struct issue *s, const struct acme_wish *w)
{
	s->peer_wish = *w;
	switch (w->kind) {
	case ACME_WISH_HTTP:
	case ACME_WISH_SIGN:
		acting_do(&s->acting, w);
		break;
	case ACME_WISH_CSR:
		turn_after(ask_csr, s);
		break;
	case ACME_WISH_PUBLISH:
		issue_publish(s, w);
		break;
	case ACME_WISH_WITHDRAW:
		issue_withdraw(s, w);
		break;
	case ACME_WISH_CHECK:
		issue_check(s, w);
		break;
	case ACME_WISH_WAIT:
		wait_until(s, w->at_ms);
		break;
	case ACME_WISH_DONE:
		issue_succeed(s, w);
		break;
	case ACME_WISH_FAIL:
		assert(!"handled by the caller");
	}
}

bool
issue_is_busy(void)
{
	return issues != NULL && steps >= BUSY_STEPS &&
	    loop_mono() - last_steps[steps % BUSY_STEPS] < BUSY_MS;
}

void
issue_step(void *ctx, const struct acme_event *event)
{
	struct issue *s = ctx;
	struct acme_wish w;
	struct err err;

	err_clear(&err);
	last_steps[steps++ % BUSY_STEPS] = loop_mono();
	w = acme_order_step(s->order, ca_session(s->ca), loop_now(), event,
	    &err);
	log_debug("%s: %s", s->name, acme_order_stage(s->order));
	if (w.kind == ACME_WISH_FAIL) {
		issue_fail(s, &err);
		return;
	}
	if (w.save && w.kind != ACME_WISH_DONE)
		issue_save(s);
	do_wish(s, &w);
}
