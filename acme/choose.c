/* Which challenge an authorization is to be proved by: of those that are
 * wanted, in their order, the first that the CA offers, that fits the name,
 * and that has not failed in this attempt. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "acme/order.h"
#include "acme/session.h"

enum { TRIED_MAX = NAME_DNS_MAX + 2 + 1 + 64 };

static const char *
bare(const char *ident)
{
	return strncmp(ident, "*.", 2) == 0 ? ident + 2 : ident;
}

/* --- what failed ---------------------------------------------------------- */

static bool
was_tried(const struct acme_order *o, const char *ident, const char *type)
{
	size_t i, n = strlen(ident);

	assert(type != NULL);
	for (i = 0; i < o->tried.n; i++)
		if (strncmp(o->tried.v[i], ident, n) == 0 &&
		    o->tried.v[i][n] == ' ' &&
		    strcmp(o->tried.v[i] + n + 1, type) == 0)
			return true;
	return false;
}

void
choice_failed(struct acme_order *o, const struct authz *a, const char *type)
{
	struct buf word;

	assert(a->ident != NULL && type != NULL);
	if (was_tried(o, a->ident, type))
		return;
	buf_init(&word, TRIED_MAX);
	buf_printf(&word, "%s %s", a->ident, type);
	assert(!word.full);
	strv_add(&o->tried, word.data);
	buf_free(&word);
	o->save = true;
}

static bool
fits(const struct acme_order *o, const struct authz *a, const char *type)
{
	const struct method *m = method_find(type);

	assert(a->ident != NULL);
	return m != NULL && method_fits(m, a->ident) &&
	    !was_tried(o, a->ident, type);
}

static int
bit_of(const char *type)
{
	const struct method *m = method_find(type);

	return m != NULL ? 1 << (m - methods) : 0;
}

void
choice_offered(struct authz *a, const struct authz_object *got)
{
	size_t i;

	assert(a->offered >> METHOD_COUNT == 0);
	for (i = 0; i < got->n; i++)
		a->offered |= bit_of(got->challenges[i].type);
}

bool
choice_left(const struct acme_order *o, const struct authz *a)
{
	size_t k;

	for (k = 0; k < o->challenges.n; k++)
		if (fits(o, a, o->challenges.v[k]) && (a->offered == 0 ||
		    (a->offered & bit_of(o->challenges.v[k])) != 0))
			return true;
	return false;
}

/* As many orders as there are types, so that no CA makes us go on for ever. */
bool
choice_left_anew(const struct acme_order *o, const struct authz *a)
{
	assert(o->orders >= 0);
	return (size_t)o->orders + 1 < o->challenges.n && choice_left(o, a);
}

/* --- choosing ------------------------------------------------------------- */

/* A record's name may be too long; a standing one must say for whom. */
static bool
is_usable(const struct run *r, const struct authz *a,
    const struct challenge_object *c)
{
	const struct method *m = method_find(c->type);
	char record[METHOD_RECORD];

	assert(m != NULL);
	if (m->standing && c->issuers.n == 0)
		return false;
	return m->label == NULL ||
	    method_record(record, m, bare(a->ident), r->s->kid) == 0;
}

/* By address: the type could be there twice. */
static const struct challenge_object *
same_again(const struct authz *a, const struct authz_object *got)
{
	size_t i;

	assert(a->challenge_url != NULL);
	for (i = 0; i < got->n; i++)
		if (strcmp(got->challenges[i].url, a->challenge_url) == 0)
			return &got->challenges[i];
	return NULL;
}

const struct challenge_object *
choice_of(const struct run *r, const struct authz *a,
    const struct authz_object *got)
{
	const struct strv *types = &r->o->challenges;
	size_t i, k;

	assert(a->ident != NULL);
	if (a->challenge_url != NULL)
		return same_again(a, got);
	for (k = 0; k < types->n; k++)
		for (i = 0; fits(r->o, a, types->v[k]) && i < got->n; i++)
			if (strcmp(got->challenges[i].type, types->v[k]) == 0 &&
			    is_usable(r, a, &got->challenges[i]))
				return &got->challenges[i];
	return NULL;
}

/* --- keeping -------------------------------------------------------------- */

static void
add_uri(const struct run *r, struct authz *a, const char *name)
{
	struct buf uri;

	buf_init(&uri, METHOD_URI_MAX);
	acme_session_account_hash(r->s, name, &uri);
	if (!uri.full && uri.len > 0)
		strv_add(&a->uris, uri.data);
	buf_free(&uri);
}

/* How the record may name our account: as the challenge says, or as a hash,
 * or as its address, by the age of the CA's draft. */
static void
keep_standing(const struct run *r, struct authz *a,
    const struct challenge_object *c)
{
	assert(a->ident != NULL && c->issuers.n <= METHOD_ISSUERS_MAX);
	strv_free(&a->issuers);
	strv_free(&a->uris);
	a->issuers = strv_copy(&c->issuers);
	if (c->account_uri != NULL)
		strv_add(&a->uris, c->account_uri);
	else if (c->hashed && r->s->dir.account_prefix != NULL &&
	    r->s->kid != NULL) {
		add_uri(r, a, bare(a->ident));
		add_uri(r, a, "*");
	} else if (r->s->kid != NULL)
		strv_add(&a->uris, r->s->kid);
}

/* A token that changes would make what is published wrong. */
static bool
is_same(const struct authz *a, const struct challenge_object *c)
{
	assert(a->type != NULL && c->type != NULL);
	if (strcmp(a->type, c->type) != 0)
		return false;
	if (a->token == NULL)
		return c->issuers.n > 0;
	return c->token != NULL && strcmp(a->token, c->token) == 0;
}

bool
choice_keep(const struct run *r, struct authz *a,
    const struct challenge_object *c)
{
	const struct method *m = method_find(c->type);
	char record[METHOD_RECORD];

	if (a->challenge_url != NULL ? !is_same(a, c) :
	    !m->standing && c->token == NULL)
		return false;
	/* NULL: of a type that only another version of us knows. */
	if (m != NULL && m->standing)
		keep_standing(r, a, c);
	if (a->challenge_url != NULL)
		return true;
	assert(m != NULL && a->type == NULL && a->token == NULL);
	a->challenge_url = xstrdup(c->url);
	a->type = xstrdup(c->type);
	a->token = m->standing ? NULL : xstrdup(c->token);
	if (m->label != NULL && method_record(record, m, bare(a->ident),
	    r->s->kid) == 0)
		a->record = xstrdup(record);
	return true;
}

void
choice_drop(struct authz *a)
{
	free(a->challenge_url);
	free(a->type);
	free(a->token);
	free(a->record);
	free(a->keyauth);
	free(a->value);
	a->challenge_url = a->type = a->token = a->record = NULL;
	a->keyauth = a->value = NULL;
	strv_free(&a->issuers);
	strv_free(&a->uris);
	a->answers_lost = 0;
	a->shown = a->recheck = false;
}

/* --- words ---------------------------------------------------------------- */

static void
join(struct buf *b, const char *word)
{
	assert(word[0] != '\0');
	if (b->len > 0)
		buf_puts(b, ", ");
	buf_puts(b, word);
}

void
choice_before(const struct acme_order *o, const struct authz *a,
    const char *type, struct buf *out)
{
	struct buf list;
	size_t k;

	assert(a->ident != NULL && type != NULL);
	buf_init(&list, 400);
	for (k = 0; k < o->challenges.n; k++)
		if (strcmp(o->challenges.v[k], type) != 0 &&
		    was_tried(o, a->ident, o->challenges.v[k]))
			join(&list, o->challenges.v[k]);
	if (list.len > 0)
		buf_printf(out, " (after %s)", list.data);
	buf_free(&list);
}

void
choice_none_err(const struct acme_order *o, const struct authz *a,
    const struct authz_object *got, struct err *why)
{
	struct buf offered, wanted;
	bool failed = false;
	size_t i;

	assert(a->ident != NULL);
	buf_init(&offered, 4096);
	buf_init(&wanted, 4096);
	for (i = 0; i < got->n; i++)
		join(&offered, got->challenges[i].type);
	for (i = 0; i < o->challenges.n; i++) {
		failed = failed || was_tried(o, a->ident, o->challenges.v[i]);
		if (fits(o, a, o->challenges.v[i]))
			join(&wanted, o->challenges.v[i]);
	}
	/* What failed before is the better reason. */
	if (failed && o->why.code != ERR_OK)
		*why = o->why;
	else {
		err_set(why, ERR_NO_CHALLENGE, "%s: the CA offers %.150s; set "
		    "up here for it is %.100s", a->ident,
		    offered.len > 0 ? offered.data : "no challenge",
		    wanted.len > 0 ? wanted.data : "none");
		err_advise(why, "Set up one of the challenges that the CA "
		    "offers.");
	}
	buf_free(&offered);
	buf_free(&wanted);
}
