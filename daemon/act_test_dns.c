/* `everleaf test dns D NAME`: a TXT value is really added through a dns block,
 * seen by all servers, and removed. It goes the way of a challenge: its row is
 * durable before the record is, so a crash leaves nothing behind. It belongs
 * to no certificate: cert_id 0. */
#include <config.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/chance.h"
#include "daemon/dns.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/proof_dns.h"
#include "daemon/sched.h"

enum { TRIAL_LINE = 8192 };

struct trial {
	char *dns;
	struct row_challenge row;
	struct strv lines;
	int64_t since_ms;		/* monotonic */
	struct err err;			/* of the first thing that failed */
	void (*done)(void *ctx, const struct strv *lines, bool good,
	    const struct err *err);
	void *ctx;
};

static void
over(struct trial *t)
{
	assert(t->done != NULL);
	t->done(t->ctx, &t->lines, t->err.code == ERR_OK, NULL);
	free(t->dns);
	row_free(T_CHALLENGE, &t->row);
	strv_free(&t->lines);
	free(t);
}

/* What can't be removed now is left to job UNDO: its row is still there. */
static void
removed(void *ctx, const struct err *err)
{
	struct trial *t = ctx;

	assert(t->row.record != NULL);
	if (err == NULL) {
		batch_del(turn_batch(), T_CHALLENGE, &t->row);
		strv_addf(&t->lines, TRIAL_LINE, "removed again");
	} else {
		err_lines(&t->lines, err);
		t->err = *err;
		sched_put(JOB_UNDO, t->row.cert_id, loop_now() + CONF_MINUTE);
	}
	over(t);
}

static void
published(void *ctx, const struct err *err)
{
	struct trial *t = ctx;
	char span[32];

	assert(t->row.zone != NULL && t->since_ms >= 0);
	text_span(span, loop_mono() - t->since_ms);
	if (err == NULL)
		strv_addf(&t->lines, TRIAL_LINE, "every server of %s has it, "
		    "after %s", t->row.zone,
		    span);
	else {
		err_lines(&t->lines, err);
		t->err = *err;
	}
	proof_withdraw(&t->row, removed, t);
}

static void
go(void *ctx)
{
	struct trial *t = ctx;

	assert(t->row.value != NULL && t->row.record != NULL);
	proof_publish(&t->row, published, t);
}

static void
planned(void *ctx, const struct err *err)
{
	struct trial *t = ctx;

	assert(t->since_ms == 0);
	if (err != NULL) {
		err_lines(&t->lines, err);
		t->err = *err;
		over(t);
		return;
	}
	strv_addf(&t->lines, TRIAL_LINE, "%s TXT in zone %s, by dns "
	    "\"%s\"%s%s", t->row.record,
	    t->row.zone, t->row.dns, *t->row.server != '\0' ? " at " : "",
	    t->row.server);
	t->since_ms = loop_mono();
	batch_put(turn_batch(), T_CHALLENGE, &t->row);
	turn_after(go, t);
}

/* A value as a CA would want one, of a token that none ever gave. */
static int
make_row(struct row_challenge *row, const char *name, struct err *err)
{
	char token[48], value[METHOD_TXT], record[METHOD_RECORD];
	char keyauth[sizeof(token) + METHOD_TXT];

	assert(row->token == NULL && row->cert_id == 0);
	snprintf(token, sizeof(token), "everleaf-test-%016llx%016llx",
	    (unsigned long long)chance_id(), (unsigned long long)chance_id());
	/* Any digest will do for the thumbprint of an account. */
	assert(strlen(token) < sizeof(token) - 1);
	method_txt(value, token);
	snprintf(keyauth, sizeof(keyauth), "%s.%s", token, value);
	method_txt(value, keyauth);
	if (method_record(record, &methods[METHOD_DNS_01], name, NULL) != 0)
		return err_set(err, ERR_INVALID, "%s: the name is too long "
		    "for a challenge", name);
	row->published_ms = loop_now();
	row_text(&row->ident, name);
	row_text(&row->type, methods[METHOD_DNS_01].type);
	row_text(&row->token, token);
	row_text(&row->keyauth, keyauth);
	row_text(&row->record, record);
	row_text(&row->value, value);
	return 0;
}

void
act_test_dns(const char *dns, const char *typed, void (*done)(void *ctx,
    const struct strv *lines, bool good, const struct err *err), void *ctx)
{
	struct conf_wish wish = { .dns = (char *)(uintptr_t)dns };
	struct strv none = { NULL, 0 };
	struct trial *t = xcalloc(1, sizeof(*t));
	enum name_kind kind = NAME_IP;
	char name[256];
	struct err err;

	assert(done != NULL && dns != NULL);
	if (name_parse(name, &kind, typed, &err) == 0 && kind == NAME_IP)
		err_set(&err, ERR_INVALID, "%s: an address has no TXT record",
		    name);
	if (kind == NAME_IP ||
	    dns_block_named(engine_conf(), dns, &err) == NULL ||
	    make_row(&t->row, kind == NAME_WILDCARD ? name + 2 : name,
	    &err) != 0) {
		done(ctx, &none, false, &err);
		row_free(T_CHALLENGE, &t->row);
		free(t);
		return;
	}
	t->done = done;
	t->ctx = ctx;
	proof_dns_plan(&t->row, &wish, NULL, planned, t);
}
