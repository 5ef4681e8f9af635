/* From JSON to the objects of the protocol. Unknown members are ignored, as
 * the RFC asks; what is known must have its type. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "acme/codec.h"
#include "acme/json.h"
#include "acme/method.h"
#include "base/name.h"

enum { PROFILES_MAX = 100, SHOWN_MAX = 200, PREFIX_MAX = 256 };

static const char *const order_words[] = {
	"pending", "ready", "processing", "valid", "invalid", NULL
};
static const char *const challenge_words[] = {
	"pending", "processing", "valid", "invalid", NULL
};
static const char *const authz_words[] = {
	"pending", "valid", "invalid", "deactivated", "expired", "revoked",
	NULL
};
static const char *const account_words[] = {
	"valid", "deactivated", "revoked", NULL
};

#define COUNT(words) (sizeof(words) / sizeof((words)[0]) - 1)
_Static_assert(COUNT(order_words) == ORDER_STATUS_COUNT, "a word each");
_Static_assert(COUNT(challenge_words) == CHALLENGE_INVALID + 1, "a word each");
_Static_assert(COUNT(authz_words) == AUTHZ_REVOKED + 1, "a word each");
_Static_assert(COUNT(account_words) == ACCOUNT_REVOKED + 1, "a word each");
#undef COUNT

bool
codec_is_type(const struct acme_reply *reply, const char *type)
{
	const char *have = reply->content_type;
	size_t n = strlen(type);

	assert(type[0] != '\0');
	if (have == NULL)
		return true;
	return strncasecmp(have, type, n) == 0 &&
	    (have[n] == '\0' || have[n] == ';' || have[n] == ' ');
}

int
codec_want_json(const struct acme_reply *reply, const char *doing,
    struct err *err)
{
	struct buf shown;

	if (codec_is_type(reply, "application/json"))
		return 0;
	assert(reply->content_type != NULL);
	buf_init(&shown, 8 * (size_t)SHOWN_MAX);
	buf_safe(&shown, reply->body != NULL ? reply->body : "",
	    reply->body_len, SHOWN_MAX);
	err_set(err, ERR_CA_PROTOCOL, "%s: the answer is of type \"%.60s\", "
	    "not JSON, and begins: %.*s", doing, reply->content_type,
	    SHOWN_MAX, shown.len > 0 ? shown.data : "(nothing)");
	err_advise(err, "Look for a proxy or a captive portal between this "
	    "machine and the CA.");
	buf_free(&shown);
	return -1;
}

/* --- parts ---------------------------------------------------------------- */

/* {"type": "dns", "value": "www.shop.example"}; out is canonical. */
static enum name_kind
read_ident(struct jread *r, const json_t *o, char out[256])
{
	char *type = jread_text(r, o, "type", true, 32);
	char *value = jread_text(r, o, "value", true, NAME_DNS_MAX + 3);
	enum name_kind kind = NAME_DNS;
	struct err why;

	out[0] = '\0';
	if (r->bad)
		;
	else if (name_parse(out, &kind, value, &why) != 0)
		jread_wrong(r, "identifier", why.text);
	else if (strcmp(type, kind == NAME_IP ? "ip" : "dns") != 0)
		jread_wrong(r, "identifier", "has a type that does not fit");
	free(type);
	free(value);
	return kind;
}

static bool
read_problem(struct jread *r, const json_t *o, struct problem *p)
{
	const json_t *error = jread_object(r, o, "error", false);

	memset(p, 0, sizeof(*p));
	if (error != NULL)
		problem_of_json(p, error);
	return error != NULL;
}

/* Members of dns-persist-01, a draft whose form still changes: one that is
 * not as we know it makes the challenge unusable, not the answer wrong. */
static void
read_standing(struct challenge_object *c, const json_t *o)
{
	const json_t *list = json_object_get(o, "issuerDomainNames"), *v;
	const char *uri = json_string_value(json_object_get(o, "accounturi"));
	enum name_kind kind;
	struct err unused;
	char name[256];
	size_t i;

	c->hashed = list != NULL;
	if (list == NULL)
		list = json_object_get(o, "issuer-domain-names");
	if (json_array_size(list) > METHOD_ISSUERS_MAX)
		return;
	json_array_foreach(list, i, v)
		if (json_is_string(v) && name_parse(name, &kind,
		    json_string_value(v), &unused) == 0 && kind == NAME_DNS)
			strv_add(&c->issuers, name);
	assert(c->issuers.n <= METHOD_ISSUERS_MAX);
	if (uri != NULL && method_is_uri(uri))
		c->account_uri = xstrdup(uri);
}

static void
read_challenge(struct jread *r, const json_t *o, struct challenge_object *c)
{
	memset(c, 0, sizeof(*c));
	if (!json_is_object(o)) {
		jread_wrong(r, "challenges", "has an entry that is no object");
		return;
	}
	c->type = jread_text(r, o, "type", true, 64);
	c->url = jread_url(r, o, "url", true);
	c->status = (enum challenge_status)jread_word(r, o, "status",
	    challenge_words);
	c->token = jread_text(r, o, "token", false, ACME_URL_MAX);
	if (c->token != NULL && !name_is_token(c->token)) {
		free(c->token);
		c->token = NULL;
	}
	if (!r->bad && strcmp(c->type, methods[METHOD_DNS_PERSIST_01].type) ==
	    0)
		read_standing(c, o);
	assert(r->bad || (c->type != NULL && c->url != NULL));
	c->has_error = read_problem(r, o, &c->error);
}

/* --- directory ------------------------------------------------------------ */

/* The terms are shown to people and never fetched, so any address will do;
 * made fit for a terminal. */
static char *
read_terms(struct jread *r, const json_t *meta)
{
	char *raw = jread_text(r, meta, "termsOfService", false, ACME_URL_MAX);
	struct buf b;

	if (raw == NULL)
		return NULL;
	buf_init(&b, 8 * (size_t)ACME_URL_MAX);
	buf_safe(&b, raw, strlen(raw), ACME_URL_MAX);
	free(raw);
	return buf_take(&b);
}

static void
read_profiles(struct jread *r, json_t *meta, struct strv *out)
{
	json_t *o = jread_object(r, meta, "profiles", false), *unused;
	const char *key;

	assert(out->n == 0);
	json_object_foreach(o, key, unused)
		if (out->n < PROFILES_MAX && name_is_word(key))
			strv_add(out, key);
}

static char *
read_account_prefix(const json_t *meta)
{
	const char *s = json_string_value(json_object_get(meta,
	    "accountHashPrefix"));

	return s != NULL && strlen(s) <= PREFIX_MAX && method_is_uri(s) ?
	    xstrdup(s) : NULL;
}

/* How the CA is called in CAA and in standing records. What is no name of a
 * host is left out. */
static void
read_issuers(const json_t *meta, const char *member, struct strv *out)
{
	const json_t *v;
	enum name_kind kind;
	struct err unused;
	char name[256];
	size_t i;

	json_array_foreach(json_object_get(meta, member), i, v)
		if (out->n < METHOD_ISSUERS_MAX && json_is_string(v) &&
		    name_parse(name, &kind, json_string_value(v), &unused) ==
		    0 && kind == NAME_DNS)
			strv_add(out, name);
}

int
codec_directory(struct directory *out, const char *text, size_t n,
    const char *origin, struct err *err)
{
	struct jread r = { "the CA's directory", ERR_CA_PROTOCOL, origin, err,
	    false };
	json_t *top = jread_open(&r, text, n, ACME_JSON_MAX), *meta;

	assert(origin != NULL);
	memset(out, 0, sizeof(*out));
	out->new_nonce = jread_url(&r, top, "newNonce", true);
	out->new_account = jread_url(&r, top, "newAccount", true);
	out->new_order = jread_url(&r, top, "newOrder", true);
	out->renewal_info = jread_url(&r, top, "renewalInfo", false);
	out->revoke_cert = jread_url(&r, top, "revokeCert", false);
	out->key_change = jread_url(&r, top, "keyChange", false);
	meta = jread_object(&r, top, "meta", false);
	if (meta != NULL) {
		out->terms = read_terms(&r, meta);
		out->eab_required = jread_bool(&r, meta,
		    "externalAccountRequired");
		read_profiles(&r, meta, &out->profiles);
		out->account_prefix = read_account_prefix(meta);
		read_issuers(meta, "issuerDomainNames", &out->issuers);
		if (out->issuers.n == 0)
			read_issuers(meta, "caaIdentities", &out->issuers);
	}
	if (!r.bad)
		out->caps = codec_caps(top);
	json_decref(top);
	if (r.bad)
		directory_free(out);
	assert(r.bad || (out->new_nonce != NULL && out->new_account != NULL &&
	    out->new_order != NULL));
	return r.bad ? -1 : 0;
}

void
directory_free(struct directory *d)
{
	free(d->new_nonce);
	free(d->new_account);
	free(d->new_order);
	free(d->renewal_info);
	free(d->revoke_cert);
	free(d->key_change);
	free(d->terms);
	strv_free(&d->profiles);
	free(d->account_prefix);
	free(d->caps);
	strv_free(&d->issuers);
	memset(d, 0, sizeof(*d));
}

/* --- account -------------------------------------------------------------- */

int
codec_account(enum account_status *out, const char *text, size_t n,
    struct err *err)
{
	struct jread r = { "the CA's account", ERR_CA_PROTOCOL, NULL, err,
	    false };
	json_t *top = jread_open(&r, text, n, ACME_JSON_MAX);

	*out = (enum account_status)jread_word(&r, top, "status",
	    account_words);
	assert(*out <= ACCOUNT_REVOKED);
	json_decref(top);
	return r.bad ? -1 : 0;
}

/* --- order ---------------------------------------------------------------- */

/* Canonical, so that they can be compared with ours byte by byte. */
static void
read_idents(struct jread *r, const json_t *top, struct strv *out)
{
	json_t *list = jread_list(r, top, "identifiers", true,
	    ACME_AUTHZ_MAX), *o;
	char name[256];
	size_t i;

	assert(out->n == 0);
	json_array_foreach(list, i, o) {
		read_ident(r, o, name);
		if (r->bad)
			return;
		strv_add(out, name);
	}
}

static void
read_authz_urls(struct jread *r, const json_t *top, struct strv *out)
{
	json_t *list = jread_list(r, top, "authorizations", false,
	    ACME_AUTHZ_MAX), *o;
	char *url;
	size_t i;

	assert(out->n == 0);
	json_array_foreach(list, i, o) {
		url = jread_url_of(r, o, "authorizations");
		if (url == NULL)
			return;
		if (!strv_has(out, url))
			strv_add(out, url);
		free(url);
	}
}

int
codec_order(struct order_object *out, const char *text, size_t n,
    const char *origin, struct err *err)
{
	struct jread r = { "the CA's order", ERR_CA_PROTOCOL, origin, err,
	    false };
	json_t *top = jread_open(&r, text, n, ACME_JSON_MAX);

	assert(origin != NULL);
	memset(out, 0, sizeof(*out));
	out->status = (enum order_status)jread_word(&r, top, "status",
	    order_words);
	/* Some write a time that is not set as the year 1. */
	out->expires_ms = jread_time(&r, top, "expires");
	if (out->expires_ms < 0)
		out->expires_ms = 0;
	read_idents(&r, top, &out->idents);
	read_authz_urls(&r, top, &out->authz);
	out->finalize = jread_url(&r, top, "finalize", true);
	out->certificate = jread_url(&r, top, "certificate",
	    out->status == ORDER_VALID);
	out->has_error = read_problem(&r, top, &out->error);
	json_decref(top);
	if (r.bad)
		order_object_free(out);
	assert(r.bad || out->status != ORDER_VALID || out->certificate != NULL);
	assert(r.bad || out->finalize != NULL);
	return r.bad ? -1 : 0;
}

void
order_object_free(struct order_object *o)
{
	strv_free(&o->idents);
	strv_free(&o->authz);
	free(o->finalize);
	free(o->certificate);
	problem_free(&o->error);
	memset(o, 0, sizeof(*o));
}

/* --- authorization -------------------------------------------------------- */

/* RFC 8555 section 7.1.4: the identifier comes bare, and "wildcard" says so. */
static void
read_wildcard(struct jread *r, const json_t *top, struct authz_object *a)
{
	const json_t *o = jread_object(r, top, "identifier", true);
	enum name_kind kind = read_ident(r, o, a->ident);

	if (kind == NAME_WILDCARD)
		jread_wrong(r, "identifier", "has \"*.\" in it");
	if (!jread_bool(r, top, "wildcard") || r->bad)
		return;
	if (kind != NAME_DNS || strlen(a->ident) > NAME_DNS_MAX) {
		jread_wrong(r, "wildcard", "is said of what can have none");
		return;
	}
	assert(a->ident[0] != '\0' && a->ident[0] != '*');
	memmove(a->ident + 2, a->ident, strlen(a->ident) + 1);
	memcpy(a->ident, "*.", 2);
}

int
codec_authz(struct authz_object *out, const char *text, size_t n,
    const char *origin, struct err *err)
{
	struct jread r = { "the CA's authorization", ERR_CA_PROTOCOL, origin,
	    err, false };
	json_t *top = jread_open(&r, text, n, ACME_JSON_MAX), *list;
	size_t i;

	assert(origin != NULL);
	memset(out, 0, sizeof(*out));
	out->status = (enum authz_status)jread_word(&r, top, "status",
	    authz_words);
	read_wildcard(&r, top, out);
	list = jread_list(&r, top, "challenges", false, ACME_CHALLENGES_MAX);
	out->n = json_array_size(list);
	assert(out->n <= ACME_CHALLENGES_MAX);
	out->challenges = xcalloc(out->n, sizeof(*out->challenges));
	for (i = 0; i < out->n; i++)
		read_challenge(&r, json_array_get(list, i),
		    &out->challenges[i]);
	json_decref(top);
	if (r.bad)
		authz_object_free(out);
	assert(r.bad || out->ident[0] != '\0');
	return r.bad ? -1 : 0;
}

void
authz_object_free(struct authz_object *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		free(a->challenges[i].type);
		free(a->challenges[i].url);
		free(a->challenges[i].token);
		free(a->challenges[i].account_uri);
		strv_free(&a->challenges[i].issuers);
		problem_free(&a->challenges[i].error);
	}
	free(a->challenges);
	memset(a, 0, sizeof(*a));
}
