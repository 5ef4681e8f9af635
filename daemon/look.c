/* Looking names up before an order, one after the other: CAA, then the way of
 * the challenge's record. */
#include <config.h>
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "daemon/caa_ask.h"
#include "daemon/caps.h"
#include "daemon/cas.h"
#include "daemon/engine.h"
#include "daemon/look.h"
#include "daemon/loop.h"
#include "daemon/proof_dns.h"
#include "daemon/standing.h"

struct looking {
	struct strv names, lines, identities;
	char *dns, *method, *account;
	size_t at;			/* in names */
	bool good;
	struct row_challenge row;	/* planned, never published */
	struct ca *ca;			/* NULL: not in the configuration */
	struct strv issuers;		/* the CA's words for itself */
	struct strv known;		/* "RECORD TEXT" of standing records */
	struct strv uris;		/* of the name that is looked at */
	char record[METHOD_RECORD];	/* the same */
	struct loop_timer *timer;
	void (*done)(void *ctx, const struct strv *lines, bool good);
	void *ctx;
};

/* CAs whose word for CAA is known where their directory does not say it. */
static const struct {
	const char *ca, *identity;
} identities[] = {
	{ "letsencrypt", "letsencrypt.org" },
	{ "letsencrypt-staging", "letsencrypt.org" },
	{ "zerossl", "sectigo.com" }, { "sectigo", "sectigo.com" },
	{ "google", "pki.goog" }, { "google-staging", "pki.goog" },
	{ "sslcom", "ssl.com" }, { "actalis", "actalis.it" },
	{ "digicert", "digicert.com" }
};

#define say(k, ...) strv_addf(&(k)->lines, 8192, __VA_ARGS__)

static void
say_err(struct looking *k, const char *name, const struct err *err)
{
	say(k, "%s: %s", name, err->text);
	if (err->advice[0] != '\0')
		say(k, "  %s", err->advice);
	k->good = false;
}

static const char *
bare(const struct looking *k)
{
	const char *name = k->names.v[k->at];

	assert(k->at < k->names.n);
	return strncmp(name, "*.", 2) == 0 ? name + 2 : name;
}

static void
over(struct looking *k)
{
	assert(k->done != NULL && k->at == k->names.n);
	k->done(k->ctx, &k->lines, k->good);
	strv_free(&k->names);
	strv_free(&k->lines);
	strv_free(&k->identities);
	strv_free(&k->issuers);
	strv_free(&k->known);
	strv_free(&k->uris);
	loop_timer_free(k->timer);
	free(k->dns);
	free(k->method);
	free(k->account);
	free(k);
}

/* --- the record -------------------------------------------------------- */

static void ask_next(struct looking *k);

static void
planned(void *ctx, const struct err *err)
{
	struct looking *k = ctx;

	assert(k->at < k->names.n);
	if (err != NULL)
		say_err(k, k->names.v[k->at], err);
	else
		say(k, "%s: TXT goes to %s in zone %s, by dns \"%s\"",
		    k->names.v[k->at], k->row.record, k->row.zone, k->row.dns);
	row_free(T_CHALLENGE, &k->row);
	memset(&k->row, 0, sizeof(k->row));
	k->at++;
	ask_next(k);
}

/* --- a standing record ------------------------------------------------- */

static struct standing_want
standing_of(const struct looking *k)
{
	struct standing_want want = { k->record, &k->issuers, &k->uris,
		k->names.v[k->at] != bare(k) };

	return want;
}

static void
stood(void *ctx, const struct standing *found)
{
	struct looking *k = ctx;
	struct standing_want want = standing_of(k);
	struct buf text;

	assert(k->at < k->names.n && k->issuers.n > 0 && k->uris.n > 0);
	buf_init(&text, METHOD_URI_MAX + 512);
	standing_wanted(&want, &text);
	if (found->there)
		say(k, "%s: %s TXT \"%s\" is there", k->names.v[k->at],
		    k->record, found->text);
	else {
		say(k, "%s: %s", k->names.v[k->at], found->unknown ?
		    "no name server answers" : "no standing record lets our "
		    "account in");
		if (text.len > 0 && !text.full)
			say(k, "  Publish for good: %s. TXT \"%s\"", k->record,
			    text.data);
		k->good = false;
	}
	buf_free(&text);
	k->at++;
	ask_next(k);
}

/* The record names the CA and our account: only what has both can be shown. A
 * hash can be computed; any other name for the account is the CA's to choose,
 * and comes with its challenge. */
static void
look_standing(struct looking *k)
{
	const struct acme_session *s = k->ca != NULL ? ca_session(k->ca) : NULL;
	struct standing_want want;
	struct buf uri;

	assert(k->at < k->names.n);
	buf_init(&uri, METHOD_URI_MAX);
	if (s != NULL)
		acme_session_account_hash(s, bare(k), &uri);
	if (uri.len == 0)
		method_persist_told(&k->known, k->record, &k->issuers, &uri);
	strv_free(&k->uris);
	if (uri.len > 0 && !uri.full)
		strv_add(&k->uris, uri.data);
	buf_free(&uri);
	if (k->issuers.n == 0 || k->uris.n == 0) {
		say(k, "%s: its standing record is not known yet: how it calls "
		    "our account the CA tells with the first order",
		    k->names.v[k->at]);
		k->good = false;
		k->at++;
		ask_next(k);
		return;
	}
	want = standing_of(k);
	standing_look(&want, stood, k);
}

/* --- the place of a record that comes and goes --------------------------- */

/* The label of dns-account-01 is another for each account: what is planned
 * is the place of dns-01, in the same zone. */
static void
plan(struct looking *k)
{
	struct conf_wish wish = { .dns = k->dns };
	const struct method *m = method_find(k->method);
	char record[METHOD_RECORD];

	assert(k->at < k->names.n && k->row.ident == NULL);
	if (m != NULL && m->standing && method_record(k->record, m, bare(k),
	    NULL) == 0) {
		look_standing(k);
		return;
	}
	if (m == NULL || m->label == NULL || m->standing ||
	    method_record(record, &methods[METHOD_DNS_01], bare(k),
	    NULL) != 0) {
		k->at++;
		ask_next(k);
		return;
	}
	row_text(&k->row.ident, bare(k));
	row_text(&k->row.type, methods[METHOD_DNS_01].type);
	row_text(&k->row.record, record);
	row_text(&k->row.value, "");
	proof_dns_plan(&k->row, &wish, NULL, planned, k);
}

/* --- CAA ---------------------------------------------------------------- */

static void
caa_known(void *ctx, const char *found_at, const struct err *err)
{
	struct looking *k = ctx;
	const char *name = k->names.v[k->at];

	assert(k->at < k->names.n && k->identities.n > 0);
	if (err != NULL)
		say_err(k, name, err);
	else if (*found_at == '\0')
		say(k, "%s: no CAA, any CA may issue", name);
	else
		say(k, "%s: CAA of %s lets %s in", name, found_at,
		    k->identities.v[0]);
	plan(k);
}

/* A name is over when its CAA and its record have been looked at. */
static void
ask_next(struct looking *k)
{
	struct caa_question q;

	assert(k->at <= k->names.n);
	if (k->at == k->names.n) {
		over(k);
		return;
	}
	/* A CA of one's own may not care, and its word is not known. */
	if (k->identities.n == 0) {
		plan(k);
		return;
	}
	q.name = k->names.v[k->at];
	q.identities = &k->identities;
	q.account = k->account;
	q.method = k->method;
	caa_ask(&q, caa_known, k);
}

/* What its directory says is better than what is known beforehand. Without it
 * the look goes on with less. */
static void
ca_is_ready(void *ctx, const struct err *err)
{
	struct looking *k = ctx;
	const struct strv *said = err == NULL ?
	    acme_session_issuers(ca_session(k->ca)) : NULL;

	assert(k->ca != NULL && k->issuers.n == 0);
	k->issuers = strv_copy(said != NULL && said->n > 0 ? said :
	    &k->identities);
	ask_next(k);
}

/* No account is made for a look. */
static void
begin(void *ctx)
{
	struct looking *k = ctx;
	const struct method *m = method_find(k->method);

	assert(k->at == 0);
	if (m != NULL && m->standing && k->ca != NULL && *k->account != '\0')
		ca_ready(k->ca, ca_is_ready, k);
	else
		ask_next(k);
}

/* --- the interface ------------------------------------------------------ */

bool
look_by_dns(const struct conf_wish *wish)
{
	const struct method *m = wish->challenge.n > 0 ?
	    method_find(wish->challenge.v[0]) : NULL;

	return m != NULL && m->label != NULL;
}

void
look_identities(struct strv *out, const struct ca *ca)
{
	size_t i, before = out->n;

	assert(ca != NULL);
	caps_caa(out, ca_caps(ca));
	if (out->n > before)
		return;
	for (i = 0; i < sizeof(identities) / sizeof(identities[0]); i++)
		if (strcmp(identities[i].ca, ca_conf(ca)->title) == 0)
			strv_add(out, identities[i].identity);
}

/* A profile that the CA does not have would be left out of the order, or end
 * it. */
static void
look_profile(struct looking *k, const char *profile, bool required)
{
	char names[400];

	if (k->ca == NULL || *profile == '\0')
		return;
	if (*ca_caps(k->ca) == '\0')
		say(k, "profile \"%s\": whether %s has it is known with the "
		    "first order", profile, ca_conf(k->ca)->title);
	else if (!caps_has_profile(ca_caps(k->ca), profile, names)) {
		say(k, "profile \"%s\": %s has no such profile, and %s. %s%s",
		    profile, ca_conf(k->ca)->title, required ? "nothing is "
		    "ordered without it" : "it would be left out",
		    names[0] != '\0' ? "It has: " : "It has none", names);
		k->good = false;
	}
}

void
look(const struct conf_wish *wish, const char *account,
    const struct strv *standing, void (*done)(void *ctx,
    const struct strv *lines, bool good), void *ctx)
{
	struct looking *k = xcalloc(1, sizeof(*k));
	enum name_kind kind;
	char name[256];
	struct err err;
	size_t i;

	assert(done != NULL && account != NULL);
	/* CAA and TXT are not for addresses. */
	for (i = 0; i < wish->names.n; i++)
		if (name_parse(name, &kind, wish->names.v[i], &err) == 0 &&
		    kind != NAME_IP)
			strv_add(&k->names, name);
	k->ca = cas_find(wish->ca);
	if (k->ca != NULL)
		look_identities(&k->identities, k->ca);
	k->dns = xstrdup(wish->dns);
	k->account = xstrdup(account);
	k->known = strv_copy(standing);
	k->method = xstrdup(wish->challenge.n > 0 ? wish->challenge.v[0] :
	    "");
	k->good = true;
	look_profile(k, wish->profile, wish->profile_required > 0);
	k->done = done;
	k->ctx = ctx;
	k->timer = loop_timer_new(begin, k);
	loop_timer_after(k->timer, 0);
}
