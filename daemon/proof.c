/* Which method proves a name, and the way from a challenge's row to it. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "daemon/proof.h"
#include "daemon/proof_dns.h"

static const struct proof_method *const methods[] = {
	&proof_responder,	/* the first is the one of old rows */
	&proof_program,
	&proof_update,
	&proof_webroot
};
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

/* A row of another version may name a way that this one does not know. */
static const struct proof_method *
method_of(const struct row_challenge *row)
{
	size_t i;

	assert(methods[0] == &proof_responder);
	if (row->method == NULL || *row->method == '\0')
		return methods[0];
	for (i = 0; i < METHODS; i++)
		if (strcmp(methods[i]->name, row->method) == 0)
			return methods[i];
	return NULL;
}

static void
unknown(const struct row_challenge *row, proof_done *done, void *ctx)
{
	struct err err;

	err_set(&err, ERR_NO_CHALLENGE, "%s: this version knows no way \"%s\" "
	    "to prove a name", row->ident, row->method);
	done(ctx, &err);
}

static bool
is_dns(const char *type)
{
	return strcmp(type, "dns-01") == 0 ||
	    strcmp(type, "dns-account-01") == 0;
}

static const struct proof_method *
choose(const struct row_challenge *row, const struct conf_wish *wish)
{
	if (strcmp(row->type, "http-01") == 0 && wish->webroot.n > 0)
		return &proof_webroot;
	return &proof_responder;
}

void
proof_plan(struct row_challenge *row, const struct conf_wish *wish,
    const struct strv *not, proof_done *done, void *ctx)
{
	const struct proof_method *m = choose(row, wish);

	assert(done != NULL && row->type != NULL);
	/* Who writes the record is known when it is known where. */
	if (is_dns(row->type)) {
		proof_dns_plan(row, wish, not, done, ctx);
		return;
	}
	assert(m != NULL && m->name != NULL);
	row_text(&row->method, m->name);
	if (m->plan != NULL)
		m->plan(row, wish, done, ctx);
	else
		done(ctx, NULL);
}

void
proof_publish(const struct row_challenge *row, proof_done *done, void *ctx)
{
	const struct proof_method *m = method_of(row);

	assert(done != NULL && row->token != NULL);
	if (m != NULL)
		m->publish(row, done, ctx);
	else
		unknown(row, done, ctx);
}

void
proof_withdraw(const struct row_challenge *row, proof_done *done, void *ctx)
{
	const struct proof_method *m = method_of(row);

	assert(done != NULL && row->token != NULL);
	if (m != NULL)
		m->withdraw(row, done, ctx);
	else
		unknown(row, done, ctx);
}

bool
proof_forgets(const struct row_challenge *row)
{
	const struct proof_method *m = method_of(row);

	return m != NULL && m->forgets;
}
