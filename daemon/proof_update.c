/* A TXT record written by dynamic update (RFC 2136): dns-01 and
 * dns-account-01 through a dns block with a server. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "daemon/engine.h"
#include "daemon/proof_dns.h"
#include "daemon/update_send.h"

struct putting {
	struct row_challenge *row;	/* copy */
	proof_done *done;
	void *ctx;
};

static void
send(const struct row_challenge *row, bool removes, proof_done *done,
    void *ctx)
{
	struct update u = { row->zone, row->record, row->value, 0, removes };
	const struct conf_dns *d;
	struct err err;

	assert(done != NULL && row->record != NULL && row->value != NULL);
	d = dns_block_named(engine_conf(), row->dns, &err);
	if (d == NULL) {
		done(ctx, &err);
		return;
	}
	u.ttl = (uint32_t)(d->ttl_ms / 1000);
	update_send(d, &u, done, ctx);
}

static void
put(void *ctx, const struct err *err)
{
	struct putting *p = ctx;

	assert(p->row != NULL && p->done != NULL);
	if (err != NULL)
		p->done(p->ctx, err);
	else
		proof_dns_seen(p->row, p->done, p->ctx);
	row_free(T_CHALLENGE, p->row);
	free(p->row);
	free(p);
}

static void
publish(const struct row_challenge *row, proof_done *done, void *ctx)
{
	struct putting *p = xcalloc(1, sizeof(*p));

	assert(done != NULL);
	p->row = row_copy(T_CHALLENGE, row);
	p->done = done;
	p->ctx = ctx;
	send(row, false, put, p);
}

/* Removing what is not there is done, too. */
static void
withdraw(const struct row_challenge *row, proof_done *done, void *ctx)
{
	send(row, true, done, ctx);
}

const struct proof_method proof_update = {
	"update", NULL, publish, withdraw, false
};
