/* Looking for a standing record at all servers of its zone. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "daemon/loop.h"
#include "daemon/standing.h"
#include "daemon/walking.h"

struct looking {
	struct walking walking;		/* first: found by its address */
	char *record;
	struct strv issuers, uris;
	bool wildcard;
	size_t open, have, lack;	/* of the servers' answers */
	bool by_resolver;
	struct standing found;
	void (*done)(void *ctx, const struct standing *s);
	void *ctx;
};

struct asking {
	struct looking *of;
	char who[DNS_NAME_SIZE];
	bool resolver;
};

static void ask_resolver(struct looking *k);

/* No server told anything: then the resolver is asked, once. */
static void
over(struct looking *k)
{
	struct standing *s = &k->found;

	assert(k->open == 0 && k->done != NULL);
	if (k->have + k->lack == 0 && !k->by_resolver) {
		ask_resolver(k);
		return;
	}
	s->unknown = k->have + k->lack == 0;
	s->there = k->have > 0 && k->lack == 0;
	assert(!(s->there && s->unknown));
	assert(!s->there || s->text != NULL);
	k->done(k->ctx, s);
	free(s->text);
	zone_free(&k->walking.w);
	strv_free(&k->issuers);
	strv_free(&k->uris);
	free(k->record);
	free(k);
}

/* Of several that fit the last to end counts: it is good for as long. */
static bool
lasts_longer(const char *text, const char *than)
{
	int64_t a = method_persist_until(text), b = method_persist_until(than);

	return b != 0 && (a == 0 || a > b);
}

/* The best record of one answer, NULL if none fits. */
static const char *
fitting(const struct looking *k, const struct dns_answer *a)
{
	const struct dns_record *r;
	const char *best = NULL;
	size_t i;

	for (i = 0; i < a->n; i++) {
		r = &a->records[i];
		if (r->type == DNS_TXT && strlen(r->text) == r->len &&
		    method_persist_fits(r->text, &k->issuers, &k->uris,
		    k->wildcard, loop_now()) &&
		    (best == NULL || lasts_longer(r->text, best)))
			best = r->text;
	}
	assert(best == NULL || a->n > 0);
	return best;
}

static void
lacks(struct looking *k, const char *who)
{
	struct standing *s = &k->found;
	size_t n = strlen(s->lacks);

	assert(n < sizeof(s->lacks));
	k->lack++;
	snprintf(s->lacks + n, sizeof(s->lacks) - n, "%s%s",
	    n > 0 ? ", " : "", who);
}

/* Servers may differ for a while: the one that ends first is told of. */
static void
has(struct looking *k, const char *text)
{
	struct standing *s = &k->found;

	assert(text != NULL);
	k->have++;
	if (s->text != NULL && !lasts_longer(s->text, text))
		return;
	free(s->text);
	s->text = xstrdup(text);
}

static void
asked(void *ctx, const struct dns_answer *a)
{
	struct asking *q = ctx;
	struct looking *k = q->of;
	const char *text;

	assert(k->open > 0);
	/* One that is silent or lame tells nothing. */
	if (a->replied && (a->authoritative || q->resolver) &&
	    (a->rcode == DNS_NOERROR || a->rcode == DNS_NXDOMAIN)) {
		text = fitting(k, a);
		if (text != NULL)
			has(k, text);
		else
			lacks(k, q->who);
	}
	free(q);
	if (--k->open == 0)
		over(k);
}

static void
ask(struct looking *k, const char *who, const char *address)
{
	struct asking *q = xcalloc(1, sizeof(*q));

	assert(k->open > 0 && k->walking.w.record[0] != '\0');
	q->of = k;
	q->resolver = address == NULL;
	snprintf(q->who, sizeof(q->who), "%s", who);
	dns_ask(k->walking.w.record, DNS_TXT, address, asked, q);
}

static void
ask_resolver(struct looking *k)
{
	assert(!k->by_resolver && k->open == 0);
	k->by_resolver = true;
	k->open = 1;
	ask(k, "the resolver", NULL);
}

/* All servers at once; without any there is still the resolver. */
static void
walked(struct walking *w, const struct err *err)
{
	struct looking *k = (struct looking *)w;
	size_t i;

	assert(k->open == 0 && k->have + k->lack == 0);
	if (err != NULL || w->w.nservers == 0) {
		ask_resolver(k);
		return;
	}
	k->open = w->w.nservers;
	for (i = 0; i < w->w.nservers; i++)
		ask(k, w->w.servers[i].name, w->w.servers[i].address);
}

void
standing_look(const struct standing_want *want,
    void (*done)(void *ctx, const struct standing *s), void *ctx)
{
	struct looking *k = xcalloc(1, sizeof(*k));

	assert(want->record != NULL && done != NULL);
	k->record = xstrdup(want->record);
	k->issuers = strv_copy(want->issuers);
	k->uris = strv_copy(want->uris);
	k->wildcard = want->wildcard;
	k->done = done;
	k->ctx = ctx;
	walking_begin(&k->walking, k->record, walked);
}

void
standing_wanted(const struct standing_want *want, struct buf *out)
{
	if (want->issuers->n > 0 && want->issuers->v[0][0] != '\0' &&
	    want->uris->n > 0)
		method_persist(out, want->issuers->v[0], want->uris->v[0],
		    want->wildcard, 0);
}

/* A record that is too long for the advice is shown by `everleaf test`. */
int
standing_missing(const struct standing_want *want,
    const struct standing *found, struct err *err)
{
	struct buf text;

	assert(!found->there && !found->unknown);
	buf_init(&text, METHOD_URI_MAX + 512);
	standing_wanted(want, &text);
	err_set(err, ERR_DNS_RECORD, "%s has no TXT record that lets this "
	    "account in (%s)", want->record, found->lacks);
	if (strlen(want->record) + text.len + 40 < ERR_ADVICE_MAX)
		err_advise(err, "Publish for good: %s. TXT \"%s\"",
		    want->record, text.data != NULL ? text.data : "");
	else
		err_advise(err, "Publish the record that `everleaf test` "
		    "shows for this certificate.");
	buf_free(&text);
	return -1;
}
