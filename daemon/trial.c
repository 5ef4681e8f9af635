/* A complete issuance at the staging of a CA, thrown away. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/chance.h"
#include "daemon/conf_table.h"
#include "daemon/engine.h"
#include "daemon/hurdle.h"
#include "daemon/sched.h"
#include "daemon/selfcheck_note.h"
#include "daemon/trial.h"

enum { WORDS_MAX = 4096 };

struct trial {
	struct trial *next;
	int64_t id;
	char *name, *actor;
	const char *ca;			/* title, of the configuration */
	int64_t until_ms;
	bool had_account;
	bool left;			/* a challenge may still be up */
	struct err err;			/* while its reason is looked for */
	char *saw;
};

static struct trial *trials;

static char *
key_of(int64_t id)
{
	char *key = xcalloc(1, sizeof(TRIAL_KEY) + 16);

	assert(id < 0);
	memcpy(key, TRIAL_KEY, sizeof(TRIAL_KEY) - 1);
	text_id(key + sizeof(TRIAL_KEY) - 1, (uint64_t)id);
	return key;
}

static void
say(const struct trial *t, const char *event, const char *text,
    const struct err *err)
{
	struct happening h = { .event = event, .name = t->name,
		.actor = t->actor, .text = text, .err = err };

	turn_event(&h);
}

static void
trial_free(struct trial *t)
{
	struct trial **at = &trials;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t->name);
	free(t->actor);
	free(t->saw);
	free(t);
}

void
trial_fini(void)
{
	while (trials != NULL)
		trial_free(trials);
}

bool
trial_has(int64_t id)
{
	const struct trial *t;

	for (t = trials; t != NULL; t = t->next)
		if (t->id == id)
			return true;
	return false;
}

int64_t
trial_until(const struct trial *t)
{
	return t->until_ms;
}

/* --- its end -------------------------------------------------------------- */

static void
over(struct trial *t)
{
	struct row_meta row = { key_of(t->id), NULL };

	assert(trial_has(t->id));
	batch_del(turn_batch(), T_META, &row);
	if (t->left)
		sched_put(JOB_UNDO, t->id, loop_now());
	trial_free(t);
	free(row.key);
}

/* Where our own look knows better than the CA, that is said first. */
static void
looked(void *ctx, const struct row_finding *f, size_t n)
{
	struct trial *t = ctx;

	say(t, "trial.failed", selfcheck_explains(&t->err, f, n) ? t->saw :
	    NULL, &t->err);
	over(t);
}

void
trial_failed(struct issue *s, const struct err *err)
{
	const struct strv *guilty = acme_order_guilties(s->order);
	const char *saw = acme_validation_found(err);
	struct trial *t = s->trial;
	struct buf b;
	bool looks = false;

	assert(t != NULL && trial_has(t->id));
	t->err = *err;
	t->left = s->proofs != NULL;
	if (*saw != '\0') {
		buf_init(&b, WORDS_MAX);
		buf_printf(&b, "%s saw: %s", t->ca, saw);
		t->saw = buf_take(&b);
		looks = selfcheck_look(t->id, &s->wish, s->ca, guilty->n > 0 ?
		    guilty->v[0] : NULL, looked, t);
		t->left = t->left || looks;
	}
	issue_free(s);
	if (looks)
		return;
	say(t, "trial.failed", NULL, &t->err);
	over(t);
}

static void
put_dropped(struct buf *b, unsigned int dropped)
{
	unsigned int bit;

	for (bit = 1; bit <= ACME_DROPPED_ALL; bit <<= 1)
		if ((dropped & bit) != 0)
			buf_printf(b, ", without %s",
			    acme_dropped_words((enum acme_dropped)bit));
}

void
trial_worked(struct issue *s, const struct acme_wish *w)
{
	struct trial *t = s->trial;
	struct acme_leaf leaf;
	char until[TEXT_TIME];
	struct err err;
	struct buf b;

	assert(t != NULL && trial_has(t->id) && w->kind == ACME_WISH_DONE);
	if (acme_leaf_read(&leaf, w->leaf.p, w->leaf.len, &err) != 0) {
		trial_failed(s, &err);
		return;
	}
	text_rfc3339(until, leaf.not_after_ms);
	buf_init(&b, WORDS_MAX);
	buf_printf(&b, "%s: a certificate for %zu name%s until %s", t->ca,
	    leaf.names.n, leaf.names.n == 1 ? "" : "s", until);
	put_dropped(&b, acme_order_dropped(s->order));
	buf_puts(&b, ", with its chain; thrown away");
	say(t, "trial.done", b.data, NULL);
	buf_free(&b);
	strv_free(&leaf.names);
	ca_worked(s->ca);
	t->left = s->proofs != NULL;
	issue_free(s);
	over(t);
}

void
trial_recover(const struct row_meta *row)
{
	struct happening h = { .event = "trial.failed", .name = row->value };
	struct err err;
	uint64_t id;

	if (text_unid(&id, row->key + sizeof(TRIAL_KEY) - 1) &&
	    trial_has((int64_t)id))
		return;		/* of this life */
	err_set(&err, ERR_INTERNAL, "the trial was dropped: a process of the "
	    "daemon was started anew");
	err_advise(&err, "Try it again");
	h.err = &err;
	turn_event(&h);
	batch_del(turn_batch(), T_META, row);
}

/* --- its beginning -------------------------------------------------------- */

static void
ca_answered(void *ctx, const struct err *err)
{
	struct issue *s = ctx;

	assert(s->trial != NULL);
	if (err != NULL) {
		issue_fail(s, err);
		return;
	}
	if (!s->trial->had_account && acme_session_made(ca_session(s->ca)))
		say(s->trial, "trial.account", s->trial->ca, NULL);
	issue_step(s, NULL);
}

static void
durable(void *ctx)
{
	struct issue *s = ctx;

	ca_ready(s->ca, ca_answered, s);
}

static struct trial *
trial_new(const char *name, const char *actor, struct ca *ca)
{
	struct acme_session *session = ca_session(ca);
	struct trial *t = xcalloc(1, sizeof(*t));

	t->id = -chance_id();
	t->name = xstrdup(name);
	t->actor = xstrdup(actor);
	t->ca = ca_conf(ca)->title;
	t->until_ms = loop_mono() + TRIAL_MS;
	t->had_account = session != NULL && acme_session_kid(session) != NULL;
	t->next = trials;
	trials = t;
	return t;
}

static void
begin(struct trial *t, struct conf_wish *wish, struct ca *ca)
{
	struct row_meta row = { key_of(t->id), t->name };
	struct issue *s = issue_new(ca);
	struct buf b;
	size_t i;

	assert(t->id < 0 && strcmp(t->ca, ca_conf(ca)->title) == 0);
	s->trial = t;
	s->wish = *wish;
	memset(wish, 0, sizeof(*wish));
	row_text(&s->wish.ca, t->ca);
	s->name = xstrdup(t->name);
	s->row.cert_id = t->id;
	s->row.version = 1;
	s->row.kek_id = 1;
	s->row.created_ms = loop_now();
	s->row.account_id = ca_account_id(ca);
	s->order = issue_order(s, NULL);
	batch_put(turn_batch(), T_META, &row);
	buf_init(&b, WORDS_MAX);
	buf_printf(&b, "%s by ", t->ca);
	for (i = 0; i < s->wish.challenge.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "",
		    s->wish.challenge.v[i]);
	say(t, "trial.started", b.data, NULL);
	buf_free(&b);
	free(row.key);
	turn_after(durable, s);
}

static int
may_begin(const char *name, const struct conf_ca *staging, struct err *err)
{
	struct hurdle_ca h = { .conf = staging };
	const struct trial *t;
	int n = 0;

	for (t = trials; t != NULL; t = t->next, n++)
		if (strcmp(t->name, name) == 0)
			return err_set(err, ERR_OWN_LIMIT, "%s: a trial is "
			    "under way already", name);
	if (n == TRIALS_MAX)
		return err_set(err, ERR_OWN_LIMIT, "%d trials are under way "
		    "already", n);
	return hurdle(HURDLE_TERMS, &h, loop_now(), err);
}

static int
enter(const char *name, struct conf_wish *wish, const char *actor,
    const struct conf_ca *staging, struct err *err)
{
	struct ca *ca = cas_find(staging->title);

	if (may_begin(name, staging, err) != 0)
		return -1;
	if (!ca_enter(ca))
		return err_set(err, ERR_OWN_LIMIT, "%s has no room for a "
		    "trial now: all its orders are under way",
		    staging->title);
	begin(trial_new(name, actor, ca), wish, ca);
	return 0;
}

int
act_trial(const char *name, const struct conf_wish *wish, const char *actor,
    struct act_trial *where, struct err *err)
{
	struct conf_wish whole = conf_effective(engine_conf(), wish);
	const struct conf_ca *ca = conf_ca(engine_conf(), whole.ca);
	const struct conf_ca *staging;
	int rc = 0;

	if (ca == NULL)
		rc = err_set(err, ERR_NO_SUCH, "ca \"%s\" is not in the "
		    "configuration", whole.ca);
	else {
		staging = conf_staging(engine_conf(), ca);
		where->ca = ca->title;
		where->at = staging != NULL ? staging->title : NULL;
		if (staging != NULL)
			rc = enter(name, &whole, actor, staging, err);
	}
	conf_wish_free(&whole);
	return rc;
}
