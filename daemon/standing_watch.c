/* Standing records over time: what was found is kept, looked at daily, and
 * told when it is gone or ends before it was needed for the last time. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "base/text.h"
#include "daemon/conf.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/standing.h"

int64_t
standing_needed_until(const struct bundle *b)
{
	const struct row_version *v = bundle_version(b, b->cert->newest);
	int64_t next = b->cert->renew_at_ms;

	if (v == NULL || v->version == 0 || next <= v->issued_ms)
		return 0;
	return text_add_sat(next, next - v->issued_ms);
}

static void
put(int64_t cert_id, const char *ident, const char *record, bool good,
    const char *text)
{
	struct row_finding f = { .cert_id = cert_id,
		.ident = (char *)(uintptr_t)ident,
		.kind = (char[]){ STANDING_KIND },
		.subject = (char *)(uintptr_t)record,
		.result = (char *)(uintptr_t)(good ? "good" :
		    err_code_name(ERR_DNS_RECORD)),
		.text = (char *)(uintptr_t)text, .at_ms = loop_now() };

	batch_put(turn_batch(), T_FINDING, &f);
}

void
standing_note(int64_t cert_id, const char *ident,
    const struct standing_want *want, const struct standing *found)
{
	struct buf text;

	assert(!found->unknown);
	buf_init(&text, METHOD_URI_MAX + 512);
	if (found->there)
		buf_puts(&text, found->text);
	else
		standing_wanted(want, &text);
	put(cert_id, ident, want->record, found->there,
	    text.data != NULL ? text.data : "");
	buf_free(&text);
}

/* --- daily --------------------------------------------------------------- */

struct watching {
	struct row_finding *old;	/* what was found before */
	char *name;			/* of the certificate */
	int64_t needed_ms;
	struct strv issuers, uris;
	struct standing_want want;
	struct standing found;		/* copy */
};

static void
watching_free(struct watching *k)
{
	free(k->found.text);
	row_free(T_FINDING, k->old);
	free(k->old);
	free(k->name);
	strv_free(&k->issuers);
	strv_free(&k->uris);
	free(k);
}

/* Told once: when it becomes so. */
static void
warn(const struct watching *k, const struct err *err)
{
	struct happening h = { .event = "record.warning", .name = k->name,
		.cert_id = k->old->cert_id, .err = err };

	assert(err->code == ERR_DNS_RECORD);
	if (strcmp(k->old->result, "good") == 0)
		turn_event(&h);
}

static void
warn_end(const struct watching *k, int64_t until_ms)
{
	char end[TEXT_TIME], needed[TEXT_TIME];
	struct err err;

	assert(until_ms < k->needed_ms);
	text_rfc3339(end, until_ms);
	text_rfc3339(needed, k->needed_ms);
	err_set(&err, ERR_DNS_RECORD, "%s: its TXT record ends on %s, before "
	    "the renewal after the next (%s)", k->old->subject, end, needed);
	err_advise(&err, "Publish it with a later persistUntil, or without.");
	warn(k, &err);
}

static void
judge(const struct watching *k, const struct standing *found)
{
	int64_t until = 1000 * method_persist_until(found->there ?
	    found->text : "");
	bool soon = until != 0 && until < k->needed_ms;
	struct err err;

	assert(!found->unknown && k->old != NULL);
	if (!found->there) {
		standing_missing(&k->want, found, &err);
		warn(k, &err);
	} else if (soon)
		warn_end(k, until);
	put(k->old->cert_id, k->old->ident, k->old->subject,
	    found->there && !soon, found->there ? found->text :
	    k->old->text);
}

/* Its certificate may be gone by now: then no row is left behind. */
static void
still_there(void *ctx, struct bundle *b, const struct err *err)
{
	struct watching *k = ctx;

	if (err == NULL && b->cert != NULL)
		judge(k, &k->found);
	watching_free(k);
}

static void
looked(void *ctx, const struct standing *found)
{
	struct watching *k = ctx;

	if (found->unknown) {
		watching_free(k);
		return;
	}
	k->found = *found;
	k->found.text = xstrdup(found->text != NULL ? found->text : "");
	bundle_by_id(turn_store(), k->old->cert_id, still_there, k);
}

/* The wish leaves once the turn is durable: it may ask many servers. */
static void
look(void *ctx)
{
	struct watching *k = ctx;

	assert(k->want.issuers == &k->issuers &&
	    k->want.record == k->old->subject);
	standing_look(&k->want, looked, k);
}

/* Who is looked for stands in the record that was found: the account may be
 * another by now, and the record is right all the same. */
static void
watch(const struct bundle *b, const struct row_finding *f)
{
	struct watching *k = xcalloc(1, sizeof(*k));
	char issuer[METHOD_RECORD];
	struct buf uri;

	assert(b->cert != NULL && strcmp(f->kind, STANDING_KIND) == 0);
	buf_init(&uri, METHOD_URI_MAX);
	method_persist_who(f->text, issuer, &uri, &k->want.wildcard);
	strv_add(&k->issuers, issuer);
	strv_add(&k->uris, uri.data != NULL ? uri.data : "");
	buf_free(&uri);
	k->old = row_copy(T_FINDING, f);
	k->name = xstrdup(b->cert->name);
	k->needed_ms = standing_needed_until(b);
	k->want.record = k->old->subject;
	k->want.issuers = &k->issuers;
	k->want.uris = &k->uris;
	turn_after(look, k);
}

void
standing_watch(const struct bundle *b, const struct conf_wish *wish)
{
	const struct row_finding *f;
	size_t i;

	assert(b->cert != NULL);
	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(f->kind, STANDING_KIND) != 0)
			continue;
		if (b->cert->retired_ms != 0 || !strv_has(&wish->challenge,
		    methods[METHOD_DNS_PERSIST_01].type))
			batch_del(turn_batch(), T_FINDING, f);
		else
			watch(b, f);
	}
}
