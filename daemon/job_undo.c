/* Challenges that outlived their order: after a crash, or when taking them
 * down failed. Job UNDO. */
#include <config.h>
#include <stdlib.h>
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/proof.h"
#include "daemon/sched.h"
#include "daemon/selfcheck.h"

/* The longer it has not worked, the longer until the next try; what could not
 * be taken down in a month is somebody else's by now. */
static const int64_t longest = 6 * CONF_HOUR, enough = 30 * CONF_DAY;

static int64_t
next_try(const struct row_challenge *row)
{
	int64_t age = loop_now() - row->published_ms, wait = age / 2;

	if (wait < CONF_MINUTE)
		wait = CONF_MINUTE;
	return loop_now() + (wait < longest ? wait : longest);
}

static bool
is_hopeless(const struct row_challenge *row, const struct err *err)
{
	if (loop_now() - row->published_ms < enough)
		return false;
	log_err(err, "%s: its proof is left where it is: %s", row->ident,
	    row->record != NULL ? row->record : row->token);
	return true;
}

static void
taken_down(void *ctx, const struct err *err)
{
	struct row_challenge *row = ctx;

	if (err == NULL || is_hopeless(row, err))
		batch_del(turn_batch(), T_CHALLENGE, row);
	else
		sched_put(JOB_UNDO, row->cert_id, next_try(row));
	row_free(T_CHALLENGE, row);
	free(row);
}

static void
take_down(void *ctx)
{
	proof_withdraw(ctx, taken_down, ctx);
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
	if (err != NULL || bundle_order(b) != NULL)
		return;
	for (i = 0; i < b->challenges.n; i++)
		if (!selfcheck_uses(ROWS_AT(&b->challenges, row_challenge,
		    i)->token))
			turn_after(take_down, row_copy(T_CHALLENGE,
			    ROWS_AT(&b->challenges, row_challenge, i)));
}

void
job_undo(int64_t cert_id)
{
	bundle_by_id(turn_store(), cert_id, undo,
	    xmemdup(&cert_id, sizeof(cert_id)));
}
