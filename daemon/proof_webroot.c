/* http-01 by files in directories that another server shows. The token goes
 * into every webroot of the wish, since which of them shows which name only
 * that server knows; row->path lists them. The master writes and removes. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "daemon/engine.h"
#include "daemon/peers.h"
#include "daemon/proof.h"

struct asking {
	proof_done *done;
	void *ctx;
	size_t open;
	struct err err;		/* of the first that failed */
};

/* All directories have answered; one that could not is told, since nobody
 * knows which of them the CA will be shown. */
static void
answered(void *ctx, void *answer, const struct err *err)
{
	struct asking *a = ctx;

	assert(a->open > 0 && a->done != NULL);
	(void)answer;
	if (err != NULL && a->err.class == ERR_NONE)
		a->err = *err;
	if (--a->open > 0)
		return;
	a->done(a->ctx, a->err.class != ERR_NONE ? &a->err : NULL);
	free(a);
}

static void
ask_all(const struct row_challenge *row, bool away, proof_done *done,
    void *ctx)
{
	struct asking *a = xcalloc(1, sizeof(*a));
	struct strv paths = list_of(row->path);
	struct w_webroot m = { .remove = away, .token = row->token,
		.keyauth = row->keyauth };
	size_t i;

	assert(done != NULL && row->token != NULL);
	assert(away || row->keyauth != NULL);
	err_clear(&a->err);
	a->done = done;
	a->ctx = ctx;
	a->open = paths.n;
	for (i = 0; i < paths.n; i++) {
		m.path = paths.v[i];
		peer_ask(WIRE_WEBROOT, &m, answered, a);
	}
	if (paths.n == 0) {
		done(ctx, NULL);
		free(a);
	}
	strv_free(&paths);
}

static void
plan(struct row_challenge *row, const struct conf_wish *wish,
    proof_done *done, void *ctx)
{
	char *paths = lines_of(&wish->webroot);

	assert(wish->webroot.n > 0);
	row_text(&row->path, paths);
	free(paths);
	done(ctx, NULL);
}

static void
publish(const struct row_challenge *row, proof_done *done, void *ctx)
{
	ask_all(row, false, done, ctx);
}

static void
withdraw(const struct row_challenge *row, proof_done *done, void *ctx)
{
	ask_all(row, true, done, ctx);
}

const struct proof_method proof_webroot = {
	"webroot", plan, publish, withdraw, false
};
