/* Issuance begins: whether, and with which order. Job RENEW. */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/chance.h"
#include "daemon/conf_table.h"
#include "daemon/engine.h"
#include "daemon/hurdle.h"
#include "daemon/issue.h"
#include "daemon/log.h"
#include "daemon/plan.h"
#include "daemon/sched.h"
#include "daemon/selfcheck_note.h"

int
job_renew_room(void)
{
	return cas_room();
}

static void
ca_answered(void *ctx, const struct err *err)
{
	if (err != NULL)
		issue_fail(ctx, err);
	else
		issue_step(ctx, NULL);
}

static void
intention_durable(void *ctx)
{
	struct issue *s = ctx;

	ca_ready(s->ca, ca_answered, s);
}

/* --- the beginning ----------------------------------------------------- */

/* A CA that is known not to grant a lifetime is not asked for one. */
static void
wanted_end(char out[TEXT_TIME], const struct issue *s)
{
	const struct conf_known_ca *k =
	    conf_known_directory(ca_conf(s->ca)->directory);

	out[0] = '\0';
	if (s->wish.validity_ms > 0 &&
	    (k == NULL || (k->can & CA_CAN_VALIDITY) != 0))
		text_rfc3339(out, loop_now() + s->wish.validity_ms);
}

/* Nor for what it has given up for good. */
static unsigned int
known_refused(const struct issue *s)
{
	const struct conf_known_ca *k =
	    conf_known_directory(ca_conf(s->ca)->directory);

	return s->wish.must_staple > 0 && k != NULL &&
	    (k->can & CA_NO_STAPLE) != 0 ? ACME_DROPPED_MUST_STAPLE : 0;
}

/* What it replaces, if this CA has shown that it cares (RFC 9773 section
 * 5): such an order is outside of some of its limits. */
static const char *
predecessor(const struct issue *s, const struct bundle *b)
{
	const struct row_version *v = b == NULL ? NULL :
	    bundle_version(b, b->cert->newest);

	return v != NULL && v->version > 0 &&
	    b->cert->ari_version == v->version &&
	    strcmp(v->ca, s->wish.ca) == 0 ? v->ari_id : "";
}

/* With a CSR of somebody's own it is for him to say what it asks for. A trial
 * has no row: it goes by the configuration. */
static void
use_csr(struct acme_want *want, const struct issue *s, const struct bundle *b)
{
	const struct conf_cert *k = conf_cert(engine_conf(), s->name);

	if (*s->wish.csr_file == '\0')
		return;
	want->csr = b != NULL ? b->cert->csr : k != NULL ? k->csr : want->csr;
	want->must_staple = false;
	want->known_refused = 0;
}

struct acme_order *
issue_order(const struct issue *s, const struct bundle *b)
{
	char end[TEXT_TIME];
	struct acme_want want = { .names = &s->wish.names,
		.challenges = &s->wish.challenge,
		.profile = s->wish.profile, .not_after = end,
		.profile_required = s->wish.profile_required > 0,
		.preferred_chain = s->wish.preferred_chain,
		.must_staple = s->wish.must_staple > 0,
		.known_refused = known_refused(s),
		.replaces = predecessor(s, b) };

	use_csr(&want, s, b);
	wanted_end(end, s);
	return acme_order_new(&want);
}

static int
load_order(struct issue *s, const struct row_order *old,
    const struct blob *csr)
{
	struct row_order *copy;
	struct err err;

	s->order = acme_order_load(old->state, strlen(old->state), &err);
	if (s->order == NULL) {
		log_err(&err, "%s: its order is given up", s->name);
		return -1;
	}
	if (!acme_order_is_for(s->order, csr->p, csr->len)) {
		acme_order_free(s->order);
		s->order = NULL;
		return -1;
	}
	copy = row_copy(T_ORDER, old);
	s->row = *copy;
	free(copy);
	/* Later than now: the clock was ahead then. */
	if (s->row.created_ms > loop_now())
		s->row.created_ms = loop_now();
	return 0;
}

static const char *
cause_of(const struct row_cert *c)
{
	static const char *const told[] = { "names", "csr", "ca" };
	size_t i;

	if (c->renew_forced)
		return "asked";
	if (c->newest == 0)
		return "new";
	for (i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (strcmp(c->renew_reason, told[i]) == 0)
			return told[i];
	return "renewal";
}

static void
first_row(struct issue *s, const struct row_cert *c)
{
	s->row.cert_id = c->id;
	s->row.version = c->next_version;
	s->row.kek_id = 1;
	s->row.created_ms = loop_now();
	row_text(&s->row.ca, s->wish.ca);
	row_text(&s->row.cause, cause_of(c));
	s->row.names = lines_of(&s->wish.names);
}

/* Somebody has just asked for it: the first try has not begun. */
static bool
is_by_hand(const struct row_cert *c)
{
	return c->renew_forced != 0 && c->iss_next_try_ms == 0;
}

/* An order that hangs is parked and not discarded, since CAs may take days;
 * but not until the certificate has expired where a new order might do: at most
 * 7 days, or a third of what was left when it began (so that twice as much is
 * still left then), a day at least. Who asks by hand has had that day. */
static int64_t
patience(const struct issue *s, const struct row_cert *c,
    const struct row_version *newest)
{
	int64_t least = s->lifetime_ms > 0 && s->lifetime_ms / 6 < CONF_DAY ?
	    s->lifetime_ms / 6 : CONF_DAY, most = 7 * CONF_DAY, third;

	if (is_by_hand(c))
		return least;
	if (newest == NULL || newest->version == 0)
		return most;
	third = (newest->not_after_ms - s->row.created_ms) / 3;
	most = third < most ? third : most;
	return most > least ? most : least;
}

bool
issue_is_stale(const struct issue *s)
{
	return s->trial == NULL &&
	    loop_now() - s->row.created_ms > s->patience_ms;
}

/* The order that was under way, if it still is what is wanted. */
static bool
resumes(struct issue *s, const struct bundle *b)
{
	const struct row_order *old = bundle_order(b);
	struct strv names;
	bool fits;

	if (old == NULL)
		return false;
	names = list_of(old->names);
	fits = strcmp(old->ca, s->wish.ca) == 0 &&
	    strv_same(&names, &s->wish.names);
	strv_free(&names);
	if (!fits || load_order(s, old, &b->cert->csr) != 0)
		return false;
	s->patience_ms = patience(s, b->cert, bundle_version(b,
	    b->cert->newest));
	if (!issue_is_stale(s))
		return true;
	acme_order_free(s->order);
	row_free(T_ORDER, &s->row);
	memset(&s->row, 0, sizeof(s->row));
	return false;
}

static void
begin(const struct bundle *b, struct conf_wish *wish, struct ca *ca)
{
	struct issue *s = issue_new(ca);
	struct row_cert *c = row_copy(T_CERT, b->cert);
	struct happening h = { .event = "order.started", .cert_id = c->id,
		.name = c->name };
	size_t i;

	s->wish = *wish;
	s->name = xstrdup(c->name);
	s->lifetime_ms = engine_lifetime(b);
	for (i = 0; i < b->challenges.n; i++)
		issue_proof_known(s, ROWS_AT(&b->challenges, row_challenge,
		    i));
	if (resumes(s, b))
		h.event = "order.resumed";
	else {
		first_row(s, c);
		s->order = issue_order(s, b);
	}
	if (is_by_hand(c))
		c->iss_next_try_ms = loop_now();
	s->patience_ms = patience(s, c, bundle_version(b, c->newest));
	issue_key_choose(s, b);
	h.version = s->row.version;
	h.cause = s->row.cause;
	h.text = s->row.ca;
	s->row.account_id = ca_account_id(ca);
	issue_save(s);
	c->iss_last_try_ms = loop_now();
	row_text(&c->iss_state, "ordering");
	batch_put(turn_batch(), T_CERT, c);
	turn_event(&h);
	engine_touch(c->id);
	turn_after(intention_durable, s);
	if (c->newest == 0 && c->iss_failures == 0 &&
	    !selfcheck_is_fresh(b, loop_now()))
		selfcheck_beside(b, &s->wish, ca, NULL);
	row_free(T_CERT, c);
	free(c);
}

/* Cannot start now: says so in the row and looks again at `at`. */
static void
put_off(const struct bundle *b, const char *state, const char *error,
    int64_t at)
{
	struct row_cert c = *b->cert;

	c.iss_state = row_const(state);
	c.iss_error = row_const(error);
	c.iss_next_try_ms = at;
	batch_put(turn_batch(), T_CERT, &c);
	engine_touch(c.id);
	sched_later(JOB_RENEW, c.id, at);
}

static void
refuse(const struct bundle *b, const struct err *err)
{
	char *json = NULL;

	set_error(&json, err);
	put_off(b, "blocked", json, loop_now() + plan_delay(CONF_DAY,
	    engine_lifetime(b)));
	free(json);
}

/* The CA has been told about once; its certificates wait, and go on when the
 * account does. */
static void
wait_for_account(const struct bundle *b, const struct err *err)
{
	char *json = NULL;

	set_error(&json, err);
	put_off(b, "blocked", json, loop_now() + plan_blocked(
	    engine_lifetime(b), chance_luck()));
	free(json);
}

/* Who asks by hand is let by, once: he may know that it is well again. */
static bool
stays_closed(const struct bundle *b, struct ca *ca)
{
	return ca_closed_until(ca) != 0 &&
	    !(is_by_hand(b->cert) && ca_asked_anyway(ca));
}

static bool
is_not_agreed(const struct ca *ca, struct err *err)
{
	struct hurdle_ca h = { .conf = ca_conf(ca) };

	return hurdle(HURDLE_TERMS, &h, loop_now(), err) != 0;
}

static void
start(const struct bundle *b, struct conf_wish *wish)
{
	struct ca *ca = cas_find(wish->ca);
	struct err err;

	if (issue_csr_refused(b, wish, &err))
		refuse(b, &err);
	else if (ca == NULL) {
		err_set(&err, ERR_NO_SUCH, "ca \"%s\" is not in the "
		    "configuration", wish->ca);
		refuse(b, &err);
	} else if (is_not_agreed(ca, &err))
		refuse(b, &err);
	else if (ca_is_dead(ca, &err))
		wait_for_account(b, &err);
	else if (stays_closed(b, ca))
		put_off(b, "waiting", ca_why_closed(ca), ca_closed_until(ca) +
		    (int64_t)(chance_luck() % 1000));
	else if (!ca_enter(ca)) {
		if (!ca_wait(ca, b->cert->id, job_renew))
			sched_later(JOB_RENEW, b->cert->id, cas_again());
	} else {
		begin(b, wish, ca);
		return;
	}
	conf_wish_free(wish);
}

/* What was ordered meanwhile need not go on. */
static void
let_be(const struct bundle *b, const struct conf_wish *wish)
{
	const struct row_version *v = bundle_version(b, b->cert->newest);
	const struct row_order *order = bundle_order(b);
	struct row_cert *c = row_copy(T_CERT, b->cert);
	struct happening h = { .event = "order.unneeded", .cert_id = c->id,
		.name = c->name, .version = v->version,
		.text = "the newest version is what is wished for again" };

	if (order != NULL)
		issue_drop_order(order);
	issue_settle(c, v->not_before_ms, v->not_after_ms, wish);
	batch_put(turn_batch(), T_CERT, c);
	turn_event(&h);
	engine_touch(c->id);
	sched_later(JOB_RENEW, c->id, c->renew_at_ms);
	row_free(T_CERT, c);
	free(c);
}

/* Only what the newest version's life asks for lies far ahead, and never
 * beyond its end: else the clock was ahead when it was set. */
static bool
is_early(const struct bundle *b)
{
	const struct row_cert *c = b->cert;
	const struct row_version *v = bundle_version(b, c->newest);
	int64_t at = c->renew_at_ms, last = loop_now() + CONF_DAY;

	if (v != NULL && v->version > 0 && v->not_after_ms > last &&
	    (strcmp(c->renew_reason, "lifetime") == 0 ||
	    strcmp(c->renew_reason, "ari") == 0))
		last = v->not_after_ms;
	return bundle_order(b) == NULL && c->renew_forced == 0 &&
	    at > loop_now() && at <= last;
}

static void
read_bundle(void *ctx, struct bundle *b, const struct err *err)
{
	int64_t id = *(int64_t *)ctx;
	struct conf_wish wish;

	free(ctx);
	if (err != NULL) {
		sched_later(JOB_RENEW, id, loop_now() + CONF_MINUTE);
		return;
	}
	if (b->cert == NULL || b->cert->retired_ms != 0 ||
	    b->cert->paused_ms != 0) {
		sched_done(JOB_RENEW, id);
		return;
	}
	if (is_early(b)) {
		sched_later(JOB_RENEW, id, b->cert->renew_at_ms);
		return;
	}
	wish = engine_wish(b->cert);
	if (inventory_taken_back(b, b->cert, &wish)) {
		let_be(b, &wish);
		conf_wish_free(&wish);
	} else
		start(b, &wish);
}

void
job_renew(int64_t cert_id)
{
	int64_t *id = xmemdup(&cert_id, sizeof(cert_id));

	bundle_by_id(turn_store(), cert_id, read_bundle, id);
}

void
job_renew_fini(void)
{
	issue_free_all();
}
