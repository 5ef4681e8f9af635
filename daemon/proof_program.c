/* A TXT record written by somebody's program: dns-01 and dns-account-01
 * through a dns block that has one. The program is run by the master. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/acme.h"
#include "base/name.h"
#include "base/text.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/peers.h"
#include "daemon/proof_dns.h"

enum { LATER = 75, NOT_MINE = 3, SHOWN = 300 };

struct call {
	struct row_challenge *row;	/* copy */
	uint64_t run;
	uint8_t what;			/* enum run_dns */
	proof_done *done;
	void *ctx;
};

/* The last line that the program said is mostly the one that matters. */
static void
last_line(struct buf *out, const struct blob *output)
{
	size_t end = output->len, from;

	while (end > 0 && (output->p[end - 1] == '\n' ||
	    output->p[end - 1] == '\r' || output->p[end - 1] == ' '))
		end--;
	from = end;
	while (from > 0 && output->p[from - 1] != '\n')
		from--;
	assert(from <= end && end <= output->len);
	buf_safe(out, (const char *)output->p + from, end - from, SHOWN);
}

static void
explain(struct err *err, const struct call *c, const struct w_ran *r)
{
	const char *verb = c->what == RUN_DNS_ADD ? "add" : "remove";
	const char *dns = c->row->dns, *record = c->row->record;
	struct buf said;

	assert(r->how != RAN_EXITED || r->code != 0);
	buf_init(&said, 8 * SHOWN);
	last_line(&said, &r->output);
	if (r->how == RAN_EXITED && r->code == NOT_MINE)
		err_set(err, ERR_DNS_ZONE, "dns \"%s\": its program says "
		    "that %s is not in a zone of its own", dns, record);
	else if (r->how == RAN_EXITED)
		err_set(err, ERR_DNS_HOOK, "dns \"%s\": its program could not "
		    "%s %s (exit %u)%s%s", dns, verb, record, r->code,
		    said.len > 0 ? ": " : "", said.len > 0 ? said.data : "");
	else
		err_set(err, ERR_DNS_HOOK, "dns \"%s\": its program could not "
		    "%s %s: %s", dns, verb, record,
		    r->how == RAN_SIGNALLED ? "it was killed" : r->why);
	if (r->how == RAN_EXITED && r->code == LATER)
		err->class = ERR_LATER;
	err_advise(err, "Try it: everleaf test dns %s %s", dns, record);
	buf_free(&said);
}

static void
ran(void *ctx, void *answer, const struct err *err)
{
	struct call *c = ctx;
	const struct w_ran *r = answer;
	struct err why;

	assert(c->done != NULL && (err != NULL || r != NULL));
	/* What is not in its zones is not there. */
	if (err == NULL && (r->how != RAN_EXITED || (r->code != 0 &&
	    (r->code != NOT_MINE || c->what == RUN_DNS_ADD)))) {
		explain(&why, c, r);
		err = &why;
	}
	c->done(c->ctx, err);
	row_free(T_CHALLENGE, c->row);
	free(c->row);
	free(c);
}

/* Without a certificate it is a test of the block. */
static void
ask(struct call *c, const char *title)
{
	const struct row_challenge *row = c->row;
	struct w_run_dns m = { .run = c->run, .dns = row->dns,
		.what = c->what, .test = row->cert_id == 0,
		.name = row_const(title), .ident = row->ident,
		.record = row->record, .value = row->value,
		.token = row->token, .keyauth = row->keyauth };

	assert(c->done != NULL && title != NULL);
	peer_ask(WIRE_RUN_DNS, &m, ran, c);
}

/* The program does its work as well without knowing for whom. */
static void
titled(void *ctx, struct rows *answers, int n, const struct err *err)
{
	bool known = err == NULL && n == 1 && answers[0].n > 0;

	ask(ctx, known ? ROWS_AT(&answers[0], row_cert, 0)->name : "");
}

static void
call(const struct row_challenge *row, uint8_t what, uint64_t run,
    proof_done *done, void *ctx)
{
	struct query q = { .table = T_CERT, .wheres = 1, .where = {
		{ .col = "id", .cmp = CMP_EQ, .num = row->cert_id } } };
	struct call *c = xcalloc(1, sizeof(*c));

	assert(what == RUN_DNS_ADD || what == RUN_DNS_REMOVE);
	assert(done != NULL && name_is_record(row->record));
	c->row = row_copy(T_CHALLENGE, row);
	c->what = what;
	c->run = run;
	c->done = done;
	c->ctx = ctx;
	if (row->cert_id > 0)
		store_read(turn_store(), &q, 1, titled, c);
	else	/* a test, or a trial */
		ask(c, "");
}

/* The same attempt is the same run, also for an engine that was started anew
 * meanwhile: the program is not run twice for it. */
static uint64_t
run_of(const struct row_challenge *row)
{
	char text[NAME_TOKEN_MAX + 128], hex[65], part[17];
	uint64_t id = 0;
	int n;

	n = snprintf(text, sizeof(text), "%lld %lld %s %.64s",
	    (long long)row->cert_id, (long long)row->published_ms,
	    row->token, row->dns);
	assert(n > 0);
	acme_digest_hex(hex, text, (size_t)n);
	memcpy(part, hex, 16);
	part[16] = '\0';
	text_unid(&id, part);
	return id;
}

struct adding {
	struct row_challenge *row;	/* copy */
	proof_done *done;
	void *ctx;
};

/* Added is not seen yet: it is over when all servers of the zone have it. */
static void
added(void *ctx, const struct err *err)
{
	struct adding *a = ctx;

	assert(a->row != NULL && a->done != NULL);
	if (err != NULL)
		a->done(a->ctx, err);
	else
		proof_dns_seen(a->row, a->done, a->ctx);
	row_free(T_CHALLENGE, a->row);
	free(a->row);
	free(a);
}

/* Where the record is, DNS may say, which is anybody's: a CNAME may lead to a
 * name that no program should get as a word. */
static void
refuse(const struct row_challenge *row, proof_done *done, void *ctx)
{
	struct err err;

	assert(!name_is_record(row->record));
	err_set(&err, ERR_NO_CHALLENGE, "dns \"%s\": its program is not asked "
	    "for \"%.200s\", to which %s leads", row->dns, row->record,
	    row->ident);
	err_advise(&err, "Letters, digits and \"-_.\" are what it may be made "
	    "of: correct the CNAME");
	done(ctx, &err);
}

static void
publish(const struct row_challenge *row, proof_done *done, void *ctx)
{
	struct adding *a;

	assert(done != NULL);
	if (!name_is_record(row->record)) {
		refuse(row, done, ctx);
		return;
	}
	a = xcalloc(1, sizeof(*a));
	a->row = row_copy(T_CHALLENGE, row);
	a->done = done;
	a->ctx = ctx;
	call(row, RUN_DNS_ADD, run_of(row), added, a);
}

/* Each try is a run of its own: to remove twice does no harm. */
static void
withdraw(const struct row_challenge *row, proof_done *done, void *ctx)
{
	assert(done != NULL);
	if (name_is_record(row->record))
		call(row, RUN_DNS_REMOVE, (uint64_t)chance_id(), done, ctx);
	else	/* it was never added */
		done(ctx, NULL);
}

const struct proof_method proof_program = {
	"program", NULL, publish, withdraw, false
};
