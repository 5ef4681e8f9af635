/* At start: each row against the file and the policies, then each wish of the
 * file against the rows. A part a turn, each of them a transaction: so many
 * certificates as a machine can have would take longer than an engine may be
 * silent. One that is cut off is begun again, and finds done what it did. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/defaults.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/purge.h"
#include "daemon/sched.h"
#include "daemon/trouble.h"
#include "daemon/view.h"
#include "daemon/wish_json.h"

/* First orders of a new inventory come as the file has them; how many there
 * are at a time is max-orders of the CA. */
enum { PART = 2000, SPREAD_MS = 1 };

/* A row of meta: the policies that the wishes of users were compared with. */
#define POLICIES_KEY "policies"

static struct {
	void (*done)(void *ctx);
	void *ctx;
	bool *seen;		/* of the file's: there is a row */
	int64_t after;		/* the last row that was looked at */
	size_t next;		/* of the file's, to be made */
	int64_t made;
	char policies[17];	/* hash */
	bool by_policy;		/* they are others than before */
	struct loop_timer *more;
} sync_run;

/* --- one row ----------------------------------------------------------- */

static void
sync_one(void *ctx, struct bundle *b, const struct err *err)
{
	const struct conf_cert *k = ctx;
	struct wish_source src = { "file", k->where, k->names_where, "config" };

	/* One that is being removed is kept by the job that removes it. */
	if (err == NULL && b->cert != NULL && !purge_has(b->cert->id))
		inventory_change(b, &k->wish, &src);
}

static void
retire_one(void *ctx, struct bundle *b, const struct err *err)
{
	(void)ctx;
	if (err == NULL && b->cert != NULL)
		inventory_retire(b, "config");
}

static bool
same_settings(const struct row_cert *c, const struct conf_wish *wish)
{
	struct conf_wish all = inventory_effective(wish, c->created_ms);
	char *settings = wish_text(&all);
	bool same = strcmp(c->settings, settings) == 0;

	assert(c->settings != NULL);
	free(settings);
	conf_wish_free(&all);
	return same;
}

/* Nothing of this wish has changed, and it stands where it stood. */
static bool
same_as_row(const struct row_cert *c, const struct conf_cert *k)
{
	assert(k->where != NULL);
	return c->retired_ms == 0 && same_settings(c, &k->wish) &&
	    strcmp(c->where, k->where) == 0 &&
	    strcmp(c->names_where, k->names_where) == 0 &&
	    inventory_same_csr(&c->csr, &k->csr);
}

/* What waited for words in the configuration, agree-tos or the block of its
 * CA, is tried again. */
static void
wake_waiting(const struct row_cert *c)
{
	struct err why;

	if (c->retired_ms == 0 && strcmp(c->iss_state, "blocked") == 0 &&
	    view_error_parse(&why, NULL, c->iss_error) &&
	    (why.code == ERR_TOS_NOT_AGREED || why.code == ERR_NO_SUCH))
		sched_put(JOB_RENEW, c->id, loop_now());
}

/* What a user wished for, if it can be had with this configuration; else it
 * stays what it is. conf_wish_free() in any case. */
static bool
users_wish(struct conf_wish *wish, const struct row_cert *c)
{
	struct err err;

	if (wish_parse(wish, c->wish, &err) == 0 && conf_wish_check(
	    engine_conf(), wish, "its wish", &err) == 0)
		return true;
	log_err(&err, "%s: keeps its settings", c->name);
	return false;
}

static void
sync_user(void *ctx, struct bundle *b, const struct err *err)
{
	const struct row_cert *c = b->cert;
	struct conf_wish wish;

	(void)ctx;
	if (err != NULL || c == NULL || purge_has(c->id))
		return;
	if (users_wish(&wish, c)) {
		struct wish_source src = { c->source, c->where,
			c->names_where, "config" };

		inventory_change(b, &wish, &src);
	}
	conf_wish_free(&wish);
}

/* Nobody but its policy changes it. */
static void
compare_user(const struct row_cert *c)
{
	struct conf_wish wish;

	assert(strcmp(c->source, "user") == 0);
	if (!sync_run.by_policy || c->retired_ms != 0)
		return;
	if (users_wish(&wish, c) && !same_settings(c, &wish))
		bundle_by_id(turn_store(), c->id, sync_user, NULL);
	conf_wish_free(&wish);
}

static void
compare(const struct row_cert *c)
{
	const struct conf *conf = engine_conf();
	const struct conf_cert *k = conf_cert(conf, c->name);

	wake_waiting(c);
	if (k != NULL) {
		assert((size_t)(k - conf->certs) < conf->certs_n);
		sync_run.seen[k - conf->certs] = true;
		if (!same_as_row(c, k))
			bundle_by_id(turn_store(), c->id, sync_one,
			    (void *)(uintptr_t)k);
	} else if (strcmp(c->source, "file") != 0)
		compare_user(c);
	else if (c->retired_ms == 0 && !conf_is_unsaid(conf, c->name,
	    c->where))
		bundle_by_id(turn_store(), c->id, retire_one, NULL);
}

/* --- a part of them ---------------------------------------------------- */

/* Every wish has its job RENEW until it is retired: one that has lost it by
 * some fault would never be renewed, and nothing else would bring it back. */
static void
renew_again(const struct row_cert *c)
{
	if (c->retired_ms != 0 || c->paused_ms != 0 || purge_has(c->id))
		return;
	log_warning("%s: nothing was going to renew it; that is put right",
	    c->name);
	sched_put(JOB_RENEW, c->id, c->renew_at_ms);
}

/* Both are sorted by the certificate's id. Beyond the last job of a full part
 * there may be more. */
static void
find_without_job(const struct rows *certs, const struct rows *jobs)
{
	int64_t known = jobs->n < PART ? INT64_MAX :
	    ROWS_AT(jobs, row_job, jobs->n - 1)->object;
	const struct row_cert *c;
	size_t i, k = 0;

	for (i = 0; i < certs->n; i++) {
		c = ROWS_AT(certs, row_cert, i);
		while (k < jobs->n && ROWS_AT(jobs, row_job, k)->object <
		    c->id)
			k++;
		if (c->id <= known && (k == jobs->n ||
		    ROWS_AT(jobs, row_job, k)->object != c->id))
			renew_again(c);
	}
}

/* Meanwhile nothing is ordered, and who would change what is being compared
 * waits. */
static void
go_on(void)
{
	struct err err;

	err_set(&err, ERR_OWN_LIMIT, "the configuration is being compared "
	    "with the inventory");
	err_advise(&err, "Try again in a minute.");
	if (busy_set(&err))
		log_info("%s", err.text);
	loop_timer_after(sync_run.more, 0);
}

static void
finish(void)
{
	struct row_meta row = { row_const(POLICIES_KEY), sync_run.policies };

	assert(sync_run.done != NULL);
	if (sync_run.by_policy)
		batch_put(turn_batch(), T_META, &row);
	free(sync_run.seen);
	sync_run.seen = NULL;
	busy_clear();
	sync_run.done(sync_run.ctx);
}

/* Those that are in the file alone. */
static void
make_part(void)
{
	const struct conf *conf = engine_conf();
	const struct conf_cert *k;
	struct wish_source src = { .source = "file", .actor = "config" };
	int n;

	for (n = 0; n < PART && sync_run.next < conf->certs_n;
	    sync_run.next++) {
		if (sync_run.seen[sync_run.next])
			continue;
		k = &conf->certs[sync_run.next];
		src.where = k->where;
		src.names_where = k->names_where;
		inventory_make(k->title, &k->wish, &src, loop_now() +
		    SPREAD_MS * sync_run.made++);
		n++;
	}
	if (sync_run.next < conf->certs_n)
		go_on();
	else
		finish();
}

static void
read_part(void *unused, struct rows *answers, int n, const struct err *err)
{
	const struct rows *certs = &answers[0];
	size_t i;

	(void)unused;
	if (err != NULL) {
		log_err(err, "the inventory can't be read");
		exit(1);
	}
	assert(n == 2 && sync_run.next == 0);
	find_without_job(certs, &answers[1]);
	for (i = 0; i < certs->n; i++)
		compare(ROWS_AT(certs, row_cert, i));
	if (certs->n < PART) {
		sync_run.after = INT64_MAX;
		make_part();
	} else {
		sync_run.after = ROWS_AT(certs, row_cert, i - 1)->id;
		go_on();
	}
}

static void
next_part(void *unused)
{
	struct query q[2] = {
		{ .table = T_CERT, .wheres = 1, .where = { { .col = "id",
		    .cmp = CMP_GT, .num = sync_run.after } }, .limit = PART },
		{ .table = T_JOB, .wheres = 2, .where = { { .col = "kind",
		    .cmp = CMP_EQ, .num = JOB_RENEW }, { .col = "object",
		    .cmp = CMP_GT, .num = sync_run.after } }, .limit = PART }
	};

	(void)unused;
	assert(sync_run.seen != NULL);
	if (sched_is_stopped())
		return;
	if (sync_run.after == INT64_MAX)
		make_part();
	else
		store_read(turn_store(), q, 2, read_part, NULL);
}

/* --- the beginning ----------------------------------------------------- */

/* While a file can't be read nobody knows what its policies say. */
static void
look_at_policies(const char *before)
{
	const struct conf *c = engine_conf();
	struct buf b;
	char *text;
	size_t i;

	buf_init(&b, 64 << 20);
	for (i = 0; i < c->policies_n; i++) {
		text = wish_text(&c->policies[i].wish);
		buf_printf(&b, "%s\n%s\n", c->policies[i].title, text);
		free(text);
	}
	text_hash(sync_run.policies, b.data, b.len);
	buf_free(&b);
	sync_run.by_policy = !conf_has_bad_file(c) &&
	    strcmp(before, sync_run.policies) != 0;
}

/* What is being removed is known before anything else: it is not to be made
 * again. */
static void
read_meta(void *unused, struct rows *answers, int n, const struct err *err)
{
	size_t i;

	(void)unused;
	if (err != NULL) {
		log_err(err, "the inventory can't be read");
		exit(1);
	}
	assert(n == 3 && sync_run.done != NULL);
	for (i = 0; i < answers[0].n; i++)
		purge_recover(ROWS_AT(&answers[0], row_meta, i));
	defaults_take(answers[1].n > 0 ? ROWS_AT(&answers[1], row_meta, 0) :
	    NULL);
	look_at_policies(answers[2].n > 0 ? ROWS_AT(&answers[2], row_meta,
	    0)->value : "");
	next_part(NULL);
}

void
inventory_sync(void (*done)(void *ctx), void *ctx)
{
	struct query q[3] = {
		{ .table = T_META, .wheres = 1, .where = { { .col = "key",
		    .cmp = CMP_PREFIX, .text = PURGE_KEY } } },
		{ .table = T_META, .wheres = 1, .where = { { .col = "key",
		    .cmp = CMP_EQ, .text = DEFAULTS_KEY } } },
		{ .table = T_META, .wheres = 1, .where = { { .col = "key",
		    .cmp = CMP_EQ, .text = POLICIES_KEY } } }
	};

	assert(done != NULL && sync_run.more == NULL);
	sync_run.done = done;
	sync_run.ctx = ctx;
	sync_run.seen = xcalloc(engine_conf()->certs_n + 1,
	    sizeof(*sync_run.seen));
	sync_run.more = loop_timer_new(next_part, NULL);
	store_read(turn_store(), q, 3, read_meta, NULL);
}

void
inventory_sync_fini(void)
{
	busy_clear();
	loop_timer_free(sync_run.more);
	free(sync_run.seen);
	memset(&sync_run, 0, sizeof(sync_run));
}
