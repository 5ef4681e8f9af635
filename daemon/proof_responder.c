/* Our own responder answers for the name: http-01 behind the running server
 * or on an address of its own. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "daemon/peers.h"
#include "daemon/proof.h"

struct asking {
	proof_done *done;
	void *ctx;
};

/* It has the answer before the CA is told to ask: that is why it is waited
 * for. */
static void
answered(void *ctx, void *answer, const struct err *err)
{
	struct asking a = *(struct asking *)ctx;

	assert(a.done != NULL);
	(void)answer;
	free(ctx);
	a.done(a.ctx, err);
}

static struct asking *
asking_new(proof_done *done, void *ctx)
{
	struct asking *a = xcalloc(1, sizeof(*a));

	assert(done != NULL);
	a->done = done;
	a->ctx = ctx;
	return a;
}

static void
publish(const struct row_challenge *row, proof_done *done, void *ctx)
{
	struct w_publish m = { row->token, row->ident, row->keyauth,
		row->type };

	assert(row->token != NULL && row->keyauth != NULL && row->type != NULL);
	peer_ask(WIRE_PUBLISH, &m, answered, asking_new(done, ctx));
}

static void
withdraw(const struct row_challenge *row, proof_done *done, void *ctx)
{
	struct w_withdraw m = { row->token, row->ident, row->type };

	assert(row->token != NULL && row->type != NULL);
	peer_ask(WIRE_WITHDRAW, &m, answered, asking_new(done, ctx));
}

const struct proof_method proof_responder = {
	"responder", NULL, publish, withdraw, true
};
