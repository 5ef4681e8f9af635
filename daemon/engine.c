/* The engine's heart: start, recovery, drain, and what all jobs share. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/idset.h"
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/cas.h"
#include "daemon/clock.h"
#include "daemon/defaults.h"
#include "daemon/engine.h"
#include "daemon/http.h"
#include "daemon/leave.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/proof.h"
#include "daemon/purge.h"
#include "daemon/revoke.h"
#include "daemon/sched.h"
#include "daemon/selfcheck.h"
#include "daemon/trial.h"
#include "daemon/view.h"
#include "daemon/wish_json.h"

#define TOUCH "touch:"

enum { DRAIN_LOOK_MS = 50, DRAIN_MAX_MS = 8000, BEAT_MS = 10000 };

const struct job_def sched_table[JOB_KIND_COUNT] = {
	[JOB_UNDO] = { "undo", job_undo, NULL },
	[JOB_INSTALL] = { "install", job_install, job_install_room },
	[JOB_DEPLOY] = { "deploy", job_deploy, NULL },
	[JOB_RENEW] = { "renew", job_renew, job_renew_room },
	[JOB_PROBE] = { "probe", job_probe, job_probe_room },
	[JOB_ARI] = { "ari", job_ari, job_ari_room },
	[JOB_PRUNE] = { "prune", job_prune, NULL },
	[JOB_REVOKE] = { "revoke", job_revoke, job_revoke_room }
};

static struct {
	struct conf *conf;
	struct store *store;
	char *security;
	int64_t started_ms;
	bool first;		/* engine of this daemon */
	char *bad_conf;		/* told before there is an inventory */
	struct loop_timer *beat;

	int flips;		/* of recovery, still to be answered; 1 more */

	struct loop_timer *drain;
	int64_t drain_until_ms;
	void (*drained)(void *ctx);
	void *drained_ctx;

	struct idset touched;
} engine;

const struct conf *
engine_conf(void)
{
	assert(engine.conf != NULL);
	return engine.conf;
}

int64_t
acts_started_ms(void)
{
	return engine.started_ms;
}

const char *
acts_security(void)
{
	return engine.security;
}

/* --- what jobs share --------------------------------------------------- */

struct strv
list_of(const char *lines)
{
	struct strv out = { NULL, 0 };
	const char *end;
	char *one;

	assert(lines != NULL);
	for (; *lines != '\0'; lines = end + (*end == '\n')) {
		end = lines + strcspn(lines, "\n");
		one = xstrndup(lines, (size_t)(end - lines));
		strv_add(&out, one);
		free(one);
	}
	return out;
}

char *
lines_of(const struct strv *l)
{
	struct buf b;
	size_t i;

	buf_init(&b, 1 << 20);
	for (i = 0; i < l->n; i++)
		buf_printf(&b, "%s%s", i > 0 ? "\n" : "", l->v[i]);
	return buf_take(&b);
}

void
set_error(char **field, const struct err *err)
{
	assert(field != NULL);
	free(*field);
	*field = err != NULL ? view_error_json(err, NULL) : xstrdup("");
}

bool
engine_own_trouble(const struct err *err)
{
	return err->code == ERR_KEEPER || err->code == ERR_INTERNAL;
}

void
engine_order_now(const struct row_cert *cert, bool new_key)
{
	struct row_cert c = *cert;

	c.renew_forced = new_key ? 2 : 1;
	c.iss_next_try_ms = 0;
	c.iss_state = row_const("due");
	assert(c.renew_forced > 0);
	batch_put(turn_batch(), T_CERT, &c);
	sched_put(JOB_RENEW, c.id, loop_now());
	engine_touch(c.id);
}

void
engine_job_over(enum job_kind kind, int64_t object, const struct err *err)
{
	if (err != NULL)
		sched_later(kind, object, loop_now() + CONF_MINUTE);
	else
		sched_done(kind, object);
}

struct conf_wish
engine_wish(const struct row_cert *c)
{
	struct conf_wish w;
	struct err err;
	char *said;

	conf_wish_blank(&w);
	if (wish_parse(&w, c->settings, &err) != 0)
		log_err(&err, "%s: its settings in the inventory", c->name);
	wish_fill(&w);
	/* Who wrote it knows what it is; here it is a type like others. */
	if (w.key_type != NULL && conf_key_type(w.key_type) != w.key_type) {
		said = w.key_type;
		w.key_type = xstrdup(conf_key_type(said));
		free(said);
	}
	return w;
}

int64_t
engine_lifetime(const struct bundle *b)
{
	const struct row_version *v = b->cert->newest > 0 ?
	    bundle_version(b, b->cert->newest) : NULL;

	assert(b->cert != NULL);
	return v != NULL ? v->not_after_ms - v->not_before_ms : 0;
}

/* --- states ------------------------------------------------------------ */

/* That a state is to be computed again is durable with what changed, so that
 * a crash in between leaves no stale word. */
static void
mark(int64_t cert_id, bool touched)
{
	char key[sizeof(TOUCH) + 16];
	struct row_meta row = { key, NULL };

	assert(touched || row.value == NULL);
	memcpy(key, TOUCH, sizeof(TOUCH) - 1);
	text_id(key + sizeof(TOUCH) - 1, (uint64_t)cert_id);
	if (touched)
		batch_put(turn_batch(), T_META, &row);
	else
		batch_del(turn_batch(), T_META, &row);
}

static void
refresh(void *ctx, struct bundle *b, const struct err *err)
{
	struct row_cert c;
	struct state s;

	(void)ctx;
	if (err != NULL || b->cert == NULL)
		return;
	mark(b->cert->id, false);
	revoke_look(b);
	state_of(&s, b, loop_now());
	c = *b->cert;
	if (strcmp(c.state, s.word) == 0 && strcmp(c.summary, s.summary) == 0 &&
	    c.attention == s.attention)
		return;
	if (strcmp(c.state, s.word) != 0)
		c.state_since_ms = loop_now();
	c.state = row_const(s.word);
	c.summary = s.summary;
	c.attention = s.attention;
	batch_put(turn_batch(), T_CERT, &c);
}

/* What is touched meanwhile makes a new list, for the next round of this
 * turn. */
static void
refresh_touched(void *unused)
{
	struct idset now = engine.touched;
	size_t i;

	assert(now.n > 0);
	(void)unused;
	memset(&engine.touched, 0, sizeof(engine.touched));
	for (i = 0; i < now.n; i++)
		bundle_by_id(turn_store(), now.ids[i], refresh, NULL);
	idset_free(&now);
}

void
engine_touch(int64_t cert_id)
{
	if (!idset_add(&engine.touched, cert_id))
		return;
	mark(cert_id, true);
	if (engine.touched.n == 1)
		turn_last(refresh_touched, NULL);
}

void
engine_untouch(int64_t cert_id)
{
	mark(cert_id, false);
}

/* --- start: what a crash or a restart left ----------------------------- */

static void
nothing(void *ctx, void *answer, const struct err *err)
{
	(void)ctx;
	(void)answer;
	if (err != NULL)
		log_err(err, "recovery");
}

static void
published_again(void *ctx, const struct err *err)
{
	nothing(NULL, NULL, err);
	row_free(T_CHALLENGE, ctx);
	free(ctx);
}

/* The responder may have been started anew and know nothing. */
static void
publish_again(struct rows *challenges)
{
	struct row_challenge *row;
	size_t i;

	for (i = 0; i < challenges->n; i++) {
		row = row_copy(T_CHALLENGE, ROWS_AT(challenges, row_challenge,
		    i));
		/* Without an order it is taken down. */
		sched_put(JOB_UNDO, row->cert_id, loop_now());
		if (proof_forgets(row))
			proof_publish(row, published_again, row);
		else
			published_again(row, NULL);
	}
}

static void
free_leases(struct rows *jobs)
{
	size_t i;

	for (i = 0; i < jobs->n; i++) {
		struct row_job row = *ROWS_AT(jobs, row_job, i);

		row.lease_owner = NULL;
		row.lease_until_ms = 0;
		batch_put(turn_batch(), T_JOB, &row);
	}
}

/* The schedule begins when the files are where the inventory says: a check
 * must not see the old ones and its reload the new. An engine that is to end
 * meanwhile begins nothing. */
static void
flipped(void *ctx, void *answer, const struct err *err)
{
	assert(engine.flips > 0);
	if (err != NULL)
		nothing(ctx, answer, err);
	if (--engine.flips == 0 && !sched_is_stopped())
		sched_init();
}

/* A round that was cut off may have left older files live: what the inventory
 * says is installed is put in place again before anything is checked. */
static void
flip_owed(void *ctx, struct bundle *b, const struct err *err)
{
	struct w_generation m;

	assert(engine.flips > 0);
	(void)ctx;
	if (err != NULL || b->cert == NULL || b->cert->installed_gen == 0 ||
	    purge_has(b->cert->id))
		return;
	m.cert = (uint64_t)b->cert->id;
	m.gen = (uint32_t)b->cert->installed_gen;
	engine.flips++;
	peer_ask(WIRE_FLIP, &m, flipped, NULL);
}

/* What a crash or a restart left: leases that nobody holds, challenges,
 * reloads that are owed, states that are to be computed. */
static void
recovered(void *ctx, struct rows *answers, int n, const struct err *err)
{
	int64_t last = 0;
	uint64_t id;
	size_t i;

	(void)ctx;
	(void)n;
	if (err != NULL) {
		log_err(err, "the inventory can't be read");
		exit(1);
	}
	assert(engine.flips == 0 && n == 6);
	engine.flips = 1;
	clock_start(answers[5].n > 0 ? ROWS_AT(&answers[5], row_meta, 0) :
	    NULL);
	free_leases(&answers[0]);
	publish_again(&answers[1]);
	for (i = 0; i < answers[2].n; i++) {
		const struct row_deployment *d = ROWS_AT(&answers[2],
		    row_deployment, i);

		if (d->cert_id != last)
			bundle_by_id(turn_store(), d->cert_id, flip_owed,
			    NULL);
		last = d->cert_id;
	}
	if (answers[2].n > 0)
		deploy_at(loop_now());
	for (i = 0; i < answers[3].n; i++)
		if (text_unid(&id, ROWS_AT(&answers[3], row_meta, i)->key +
		    sizeof(TOUCH) - 1))
			engine_touch((int64_t)id);
	for (i = 0; i < answers[4].n; i++)
		trial_recover(ROWS_AT(&answers[4], row_meta, i));
	flipped(NULL, NULL, NULL);
}

static void
recover(void *ctx)
{
	struct query q[6] = {
		{ .table = T_JOB, .wheres = 1, .where = {
			{ .col = "lease_until_ms", .cmp = CMP_GT } } },
		{ .table = T_CHALLENGE },
		{ .table = T_DEPLOYMENT, .wheres = 1, .where = {
			{ .col = "owed", .cmp = CMP_EQ, .num = 1 } },
		    .order = "cert_id" },
		{ .table = T_META, .wheres = 1, .where = {
			{ .col = "key", .cmp = CMP_PREFIX, .text = TOUCH } } },
		{ .table = T_META, .wheres = 1, .where = {
			{ .col = "key", .cmp = CMP_PREFIX,
			.text = TRIAL_KEY } } },
		{ .table = T_META, .wheres = 1, .where = {
			{ .col = "key", .cmp = CMP_EQ, .text = CLOCK_KEY } } }
	};

	store_read(turn_store(), q, 6, recovered, ctx);
}

static void
beat(void *unused)
{
	struct w_empty m = { 0 };

	assert(engine.beat != NULL);
	(void)unused;
	peer_tell(WIRE_BEAT, &m);
	clock_look();
	loop_timer_after(engine.beat, BEAT_MS);
}

void
engine_open(struct conf *conf, const char *security, bool first)
{
	assert(conf != NULL && engine.conf == NULL);
	engine.conf = conf;
	engine.security = xstrdup(security);
	engine.started_ms = loop_now();
	engine.first = first;
	engine.beat = loop_timer_new(beat, NULL);
	beat(NULL);
}

void
engine_security(const char *text)
{
	free(engine.security);
	engine.security = xstrdup(text);
}

static void
tell(const char *event, const char *text)
{
	struct happening h = { .event = event, .text = text };

	assert(engine.store != NULL);
	turn_event(&h);
}

static void
tell_loaded(const struct conf *c)
{
	struct buf text;

	buf_init(&text, 8192);
	buf_printf(&text, "%zu certificate%s in %s", c->certs_n,
	    c->certs_n == 1 ? "" : "s", c->file);
	if (c->problems_n > 0)
		buf_printf(&text, "; bad: %s", c->problems[0].where);
	if (c->problems_n > 1)
		buf_printf(&text, " and %zu more", c->problems_n - 1);
	tell("config.loaded", text.data);
	buf_free(&text);
}

void
engine_go(void)
{
	assert(engine.conf != NULL && engine.store == NULL);
	assert(turn_store() != NULL);
	engine.store = turn_store();
	if (engine.first)
		tell("daemon.started", PACKAGE_VERSION);
	tell_loaded(engine.conf);
	if (engine.bad_conf != NULL)
		tell("config.refused", engine.bad_conf);
	cas_init();
	inventory_sync(recover, NULL);
}

void
engine_start(struct conf *conf, struct store *store, const char *security)
{
	engine_open(conf, security, true);
	turn_init(store);
	engine_go();
}

static void
publish_rows(void *ctx, struct rows *answers, int n, const struct err *err)
{
	assert(err != NULL || n == 1);
	(void)ctx;
	(void)n;
	if (err == NULL)
		publish_again(&answers[0]);
}

void
engine_peer_back(void *unused, int peer)
{
	struct query q = { .table = T_CHALLENGE };

	(void)unused;
	if (peer == PEER_RESPONDER && engine.store != NULL)
		store_read(turn_store(), &q, 1, publish_rows, NULL);
}

/* --- end --------------------------------------------------------------- */

static void
drain_look(void *unused)
{
	assert(engine.drain != NULL && engine.drained != NULL);
	(void)unused;
	if (loop_mono() < engine.drain_until_ms &&
	    (peers_pending() > 0 || http_pending() > 0)) {
		loop_timer_after(engine.drain, DRAIN_LOOK_MS);
		return;
	}
	assert(sched_is_stopped());
	engine.drained(engine.drained_ctx);
}

void
engine_bad_conf(const char *line)
{
	assert(line != NULL);
	if (engine.store != NULL)
		tell("config.refused", line);
	else
		row_text(&engine.bad_conf, line);
}

void
engine_drain(bool ends, void (*done)(void *ctx), void *ctx)
{
	assert(done != NULL);
	if (ends && engine.store != NULL)
		tell("daemon.ended", PACKAGE_VERSION);
	if (engine.drain != NULL)
		return;
	sched_stop();
	leave_stop();
	assert(engine.drained == NULL);
	engine.drained = done;
	engine.drained_ctx = ctx;
	engine.drain_until_ms = loop_mono() + DRAIN_MAX_MS;
	engine.drain = loop_timer_new(drain_look, NULL);
	loop_timer_after(engine.drain, 0);
}

/* Those who wait at a CA go before the CAs, and all of them before the
 * store. */
void
engine_fini(void)
{
	assert(engine.conf != NULL);
	free(engine.bad_conf);
	inventory_sync_fini();
	job_renew_fini();
	job_install_fini();
	job_ari_fini();
	job_revoke_fini();
	leave_fini();
	deploy_fini();
	purge_fini();
	selfcheck_fini();
	defaults_fini();
	trial_fini();
	clock_fini();
	sched_fini();
	cas_fini();
	turn_fini();
	loop_timer_free(engine.beat);
	loop_timer_free(engine.drain);
	free(engine.security);
	idset_free(&engine.touched);
	store_close(engine.store);
	conf_free(engine.conf);
	memset(&engine, 0, sizeof(engine));
}
