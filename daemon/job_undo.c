/* Challenges that outlived their order: after a crash, or when taking them
 * down failed. Job UNDO. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/proof.h"
#include "daemon/sched.h"
#include "daemon/selfcheck.h"
#include "daemon/trial.h"

/* The longer it has not worked, the longer until the next try; what could not
 * be taken down in a month is somebody else's by now. */
enum { PROOF_WORDS = 600 };
static const int64_t longest = 6 * CONF_HOUR, enough = 30 * CONF_DAY;

static int64_t
next_try(const struct row_challenge *row)
{
	int64_t age = loop_now() - row->published_ms, wait = age / 2;

	if (wait < CONF_MINUTE)
		wait = CONF_MINUTE;
	assert(wait >= CONF_MINUTE);
	return loop_now() + (wait < longest ? wait : longest);
}

static bool
is_hopeless(const struct row_challenge *row)
{
	return loop_now() - row->published_ms >= enough;
}

struct taking {
	struct row_challenge *row;	/* copy */
	char *name;			/* of its certificate */
};

static void
tell_left(const struct taking *t, const struct err *err)
{
	const struct row_challenge *row = t->row;
	struct happening h = { .event = "proof.left", .name = t->name,
		.cert_id = row->cert_id, .err = err };
	struct buf text;

	assert(err->code != ERR_OK && is_hopeless(row));
	buf_init(&text, PROOF_WORDS);
	buf_printf(&text, "%s: its proof could not be taken down for %d days "
	    "and stays where it is: %s", row->ident, (int)(enough / CONF_DAY),
	    row->record != NULL && *row->record != '\0' ? row->record :
	    row->token);
	h.text = text.data;
	turn_event(&h);
	buf_free(&text);
}

/* Down, or given up: its row goes. Else the same again later. */
static void
taken_down(void *ctx, const struct err *err)
{
	struct taking *t = ctx;

	assert(t->row != NULL && t->name != NULL);
	if (err != NULL && is_hopeless(t->row))
		tell_left(t, err);
	if (err == NULL || is_hopeless(t->row))
		batch_del(turn_batch(), T_CHALLENGE, t->row);
	else
		sched_put(JOB_UNDO, t->row->cert_id, next_try(t->row));
	row_free(T_CHALLENGE, t->row);
	free(t->row);
	free(t->name);
	free(t);
}

static void
take_down(void *ctx)
{
	struct taking *t = ctx;

	proof_withdraw(t->row, taken_down, t);
}

static void
take_down_later(const struct row_challenge *row, const char *name)
{
	struct taking *t = xcalloc(1, sizeof(*t));

	assert(row->token != NULL && name != NULL);
	t->row = row_copy(T_CHALLENGE, row);
	t->name = xstrdup(name);
	turn_after(take_down, t);
}

static void
undo(void *ctx, struct bundle *b, const struct err *err)
{
	int64_t id = *(int64_t *)ctx;
	size_t i;

	free(ctx);
	sched_done(JOB_UNDO, id);
	/* An order under way needs its challenges. They outlive a certificate
	 * that is gone, and those of a trial never had one. */
	if (err != NULL || bundle_order(b) != NULL || trial_has(id))
		return;
	for (i = 0; i < b->challenges.n; i++)
		if (!selfcheck_uses(ROWS_AT(&b->challenges, row_challenge,
		    i)->token))
			take_down_later(ROWS_AT(&b->challenges,
			    row_challenge, i), b->cert != NULL ?
			    b->cert->name : "");
}

void
job_undo(int64_t cert_id)
{
	assert(sched_is_running(JOB_UNDO, cert_id));
	bundle_by_id(turn_store(), cert_id, undo,
	    xmemdup(&cert_id, sizeof(cert_id)));
}
