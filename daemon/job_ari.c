/* Asking the CA when to renew (RFC 9773), and what its answer changes. One time
 * is picked in each window and kept; no answer changes nothing. Job ARI. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/ari.h"
#include "base/text.h"
#include "daemon/cas.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/http.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/plan.h"
#include "daemon/sched.h"

/* YOUNG_PART: of a life; questions come twice in it. */
enum { AT_ONCE = 8, REPLY_MAX = 16 * 1024, YOUNG_PART = 10 };

/* One question under way. */
struct asking {
	int64_t cert_id, version;
	struct ca *ca;
	char *ari_id;
	struct acme_life life;
	struct http_exchange *http;
	struct acme_ari answer;
	struct asking *next;
};

static struct asking *askings;

int
job_ari_room(void)
{
	return AT_ONCE - sched_running(JOB_ARI);
}

static void
asking_free(struct asking *a)
{
	struct asking **at = &askings;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	ca_forget(a->ca, a);
	if (a->http != NULL)
		http_cancel(a->http);
	free(a->ari_id);
	free(a);
}

void
job_ari_fini(void)
{
	while (askings != NULL)
		asking_free(askings);
}

int64_t
job_ari_first(int64_t lifetime_ms)
{
	return loop_now() + plan_delay(ARI_ASK_MS, lifetime_ms) +
	    (int64_t)(chance_luck() % 1000);
}

int64_t
job_ari_again(int64_t lifetime_ms)
{
	return loop_now() + (int64_t)(chance_luck() %
	    (uint64_t)(plan_delay(ARI_ASK_MS, lifetime_ms) + 1));
}

/* Nobody can be asked now; that may change, and a revocation is not to be
 * missed then. */
static int64_t
next_day(int64_t lifetime_ms)
{
	return loop_now() + plan_delay(CONF_DAY, lifetime_ms) +
	    (int64_t)(chance_luck() % 1000);
}

/* --- what the answer changes ------------------------------------------- */

static bool
is_new_window(const struct row_cert *c, const struct asking *a)
{
	return c->ari_version != a->version ||
	    c->ari_start_ms != a->answer.start_ms ||
	    c->ari_end_ms != a->answer.end_ms;
}

/* It was to be replaced as soon as it was there, says the first window that
 * is known of this version. One that is told in relation to now is seldom
 * before issuance when it is first asked for, and never the same. */
static bool
is_wanted_young(const struct row_cert *c, const struct row_version *v,
    const struct asking *a)
{
	int64_t young = v->issued_ms + (a->life.to_ms - a->life.from_ms) /
	    YOUNG_PART;

	if (c->ari_version != a->version)
		return a->answer.start_ms < young;
	/* It could live on, and is to go now: as before a revocation. */
	if (c->ari_end_ms >= young && acme_ari_is_past(&a->answer, loop_now()))
		return false;
	return c->ari_start_ms < young;
}

/* A certificate that is to be replaced as soon as it is there, and the last
 * one had gone as fast, or had been held up like this: a CA that always says so
 * would have us order for ever. When the next may be ordered instead of at_ms;
 * 0: then. */
static int64_t
held_until(const struct row_cert *c, const struct bundle *b,
    const struct asking *a, int64_t at_ms)
{
	const struct row_version *v = bundle_version(b, a->version);
	const struct row_version *old = bundle_version(b, a->version - 1);
	int64_t third = (a->life.to_ms - a->life.from_ms) / 3;

	/* Version 0 is the placeholder, which no CA has issued. */
	if (v == NULL || old == NULL || old->version == 0 ||
	    v->issued_ms - old->issued_ms > third + third / 5 ||
	    !is_wanted_young(c, v, a))
		return 0;
	return at_ms < v->issued_ms + third ? v->issued_ms + third : 0;
}

static void
tell_window(const struct row_cert *c, const struct asking *a, bool held)
{
	char from[TEXT_TIME], to[TEXT_TIME];
	struct happening h = { .event = "renewal.asked", .cert_id = c->id,
		.name = c->name, .version = a->version, .cause = "ari" };
	struct buf text;

	text_rfc3339(from, a->answer.start_ms);
	text_rfc3339(to, a->answer.end_ms);
	buf_init(&text, 2 * ARI_EXPLANATION_MAX);
	buf_printf(&text, "%s asks for renewal between %s and %s",
	    ca_conf(a->ca)->title, from, to);
	if (a->answer.explanation[0] != '\0')
		buf_printf(&text, ": %s", a->answer.explanation);
	if (held)
		buf_printf(&text, "; this certificate is as new as the last "
		    "one was when it was replaced: it is renewed after a third "
		    "of its life");
	h.text = text.data;
	turn_event(&h);
	buf_free(&text);
}

/* A time that somebody has set stands, unless the CA wants it at once: then
 * it is about to revoke. */
static bool
decides(const struct row_cert *c, const struct asking *a)
{
	struct conf_wish wish = engine_wish(c);
	bool automatic = wish.renew_before_ms <= 0;

	conf_wish_free(&wish);
	return (strcmp(c->renew_reason, "lifetime") == 0 ||
	    strcmp(c->renew_reason, "ari") == 0) && (automatic ||
	    acme_ari_is_past(&a->answer, loop_now()));
}

static void
keep_window(struct row_cert *c, const struct asking *a)
{
	c->ari_version = a->version;
	c->ari_start_ms = a->answer.start_ms;
	c->ari_end_ms = a->answer.end_ms;
	row_text(&c->ari_url, a->answer.explanation);
}

/* Attempts stay subject to back-off (RFC 9773 section 4.2). */
static void
put_renewal(const struct row_cert *c)
{
	int64_t at = c->renew_at_ms;

	if (c->iss_failures > 0 && c->iss_next_try_ms > at)
		at = c->iss_next_try_ms;
	sched_put(JOB_RENEW, c->id, at);
}

/* While it is held up, the window of the first answer stays: by it the next
 * ones are judged. */
static void
take_window(struct row_cert *c, const struct bundle *b,
    const struct asking *a)
{
	uint64_t random = (uint64_t)chance_luck() << 32 | chance_luck();
	int64_t now = loop_now(), at = now, held;
	bool told = strcmp(c->ari_url, a->answer.explanation) == 0;
	bool first = c->ari_version != a->version;

	if (!acme_ari_is_past(&a->answer, now))
		at = acme_ari_pick(&a->answer, &a->life, random);
	held = held_until(c, b, a, at);
	if (first || held == 0)
		keep_window(c, a);
	if (!decides(c, a))
		return;
	c->renew_at_ms = held != 0 ? held : at > now ? at : now;
	row_text(&c->renew_reason, "ari");
	put_renewal(c);
	if (held != 0 ? first : !told || c->renew_at_ms <= now)
		tell_window(c, a, held != 0);
}

static void
record(void *ctx, struct bundle *b, const struct err *err)
{
	struct asking *a = ctx;
	struct row_cert *c;

	if (err != NULL || b->cert == NULL || b->cert->newest != a->version) {
		engine_job_over(JOB_ARI, a->cert_id, err);
		asking_free(a);
		return;
	}
	c = row_copy(T_CERT, b->cert);
	if (is_new_window(c, a) && bundle_order(b) == NULL)
		take_window(c, b, a);
	c->ari_next_ms = a->answer.ask_ms;
	batch_put(turn_batch(), T_CERT, c);
	sched_later(JOB_ARI, c->id, c->ari_next_ms);
	engine_touch(c->id);
	row_free(T_CERT, c);
	free(c);
	asking_free(a);
}

/* --- asking ------------------------------------------------------------ */

static void
again(struct asking *a, int64_t at_ms)
{
	sched_later(JOB_ARI, a->cert_id, at_ms);
	asking_free(a);
}

static void
answered(void *ctx, const struct http_reply *r)
{
	struct asking *a = ctx;
	struct acme_reply reply = { .status = r->status,
		.content_type = r->content_type,
		.retry_after = r->retry_after, .doubled = r->doubled,
		.body = (const char *)r->body.p, .body_len = r->body.len };
	struct err err;

	a->http = NULL;
	if (r->outcome != HTTP_REPLIED) {
		log_debug("%s: %s", ca_conf(a->ca)->title, r->err.text);
		again(a, acme_ari_ask_at(NULL, &a->life, loop_now()));
	} else if (acme_ari_read(&a->answer, &reply, &a->life, loop_now(),
	    &err) != 0) {
		log_debug("%s: %s", ca_conf(a->ca)->title, err.text);
		again(a, err.retry_at_ms);
	} else
		bundle_by_id(turn_store(), a->cert_id, record, a);
}

static void
ask(struct asking *a, const char *url)
{
	const struct conf_ca *ca = ca_conf(a->ca);
	struct http_request r = { .method = "GET", .url = url,
		.reply_max = REPLY_MAX, .trust = ca->trust,
		.proxy = ca->proxy, .version = ca->http_version,
		.no_inner = ca->trust.len == 0 };

	a->http = http_send(&r, answered, a);
}

static void
ca_answered(void *ctx, const struct err *err)
{
	struct asking *a = ctx;
	const char *base;
	struct buf url;

	if (err != NULL) {
		again(a, acme_ari_ask_at(NULL, &a->life, loop_now()));
		return;
	}
	base = acme_session_renewal_info(ca_session(a->ca));
	buf_init(&url, ACME_URL_MAX);
	if (base != NULL && acme_ari_url(&url, base, a->ari_id))
		ask(a, url.data);
	else		/* This CA has no opinion. */
		again(a, next_day(a->life.to_ms - a->life.from_ms));
	buf_free(&url);
}

static void
begin(const struct bundle *b, const struct row_version *v, struct ca *ca)
{
	struct asking *a = xcalloc(1, sizeof(*a));

	assert(v->not_before_ms < v->not_after_ms);
	a->cert_id = b->cert->id;
	a->version = v->version;
	a->ca = ca;
	a->ari_id = xstrdup(v->ari_id);
	a->life.from_ms = v->not_before_ms;
	a->life.to_ms = v->not_after_ms;
	a->next = askings;
	askings = a;
	ca_ready(ca, ca_answered, a);
}

static bool
is_asked_for(const struct row_cert *c, const struct row_version *v)
{
	return c->retired_ms == 0 && c->paused_ms == 0 && v != NULL &&
	    v->version > 0 && *v->ari_id != '\0' && v->revoked_ms == 0 &&
	    v->not_before_ms < v->not_after_ms &&
	    v->not_after_ms > loop_now();
}

static void
read_bundle(void *ctx, struct bundle *b, const struct err *err)
{
	int64_t id = *(int64_t *)ctx;
	const struct row_version *v;
	struct ca *ca;

	free(ctx);
	if (err != NULL || b->cert == NULL) {
		engine_job_over(JOB_ARI, id, err);
		return;
	}
	v = bundle_version(b, b->cert->newest);
	if (!is_asked_for(b->cert, v)) {
		sched_done(JOB_ARI, id);
		return;
	}
	ca = cas_find(v->ca);
	if (ca == NULL)
		sched_later(JOB_ARI, id, next_day(engine_lifetime(b)));
	else if (ca_closed_until(ca) != 0)
		sched_later(JOB_ARI, id, ca_closed_until(ca) +
		    (int64_t)(chance_luck() % CONF_MINUTE));
	else
		begin(b, v, ca);
}

void
job_ari(int64_t cert_id)
{
	bundle_by_id(turn_store(), cert_id, read_bundle,
	    xmemdup(&cert_id, sizeof(cert_id)));
}
