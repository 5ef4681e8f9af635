/* Problem documents, and answers that carry none: proxies and captive portals
 * answer, too, and then the HTTP status has to do. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/json.h"
#include "acme/problem.h"
#include "base/name.h"

/* Retry-After of an error is kept within these (security.md C6). */
enum { RETRY_MIN_MS = 5 * 1000, RETRY_MAX_MS = 7 * 24 * 3600 * 1000 };

static const char urn[] = "urn:ietf:params:acme:error:";

/* RFC 8555 section 6.7, RFC 8739, 9115, 9773, 9799, the profiles draft, and
 * two that are in use without being registered. */
static const struct problem_kind kinds[] = {
#define K(type, request, validation, next) \
	{ type, ERR_##request, ERR_##validation, NEXT_##next }
	K("accountDoesNotExist", ACCOUNT_UNKNOWN, ACCOUNT_UNKNOWN, FAIL),
	/* of Pebble before 2.5 */
	K("agreementRequired", TOS_NOT_AGREED, CA_REFUSED, FAIL),
	K("alreadyReplaced", CA_REFUSED, CA_REFUSED, UNREPLACE),
	K("alreadyRevoked", CA_REFUSED, CA_REFUSED, FAIL),
	K("autoRenewalCanceled", CA_REFUSED, CA_REFUSED, FAIL),
	K("autoRenewalCancellationInvalid", CA_REFUSED, CA_REFUSED, FAIL),
	K("autoRenewalExpired", CA_REFUSED, CA_REFUSED, FAIL),
	K("autoRenewalRevocationNotSupported", CA_REFUSED, CA_REFUSED, FAIL),
	K("badCSR", CSR_REFUSED, CSR_REFUSED, FAIL),
	K("badNonce", CA_NONCE, CA_NONCE, NONCE),
	K("badPublicKey", CA_REFUSED, CSR_REFUSED, FAIL),
	K("badRevocationReason", CA_REFUSED, CA_REFUSED, FAIL),
	K("badSignatureAlgorithm", CA_REFUSED, CA_REFUSED, FAIL),
	K("caa", CAA, CAA, FAIL),
	K("compound", CA_REFUSED, CHALLENGE_WRONG, FAIL),
	K("conflict", CA_REFUSED, CA_REFUSED, UNREPLACE),
	K("connection", CONNECTION, CONNECTION, FAIL),
	K("dns", DNS_FAILS, DNS_FAILS, FAIL),
	K("externalAccountRequired", EAB_NEEDED, EAB_NEEDED, FAIL),
	K("incorrectResponse", CHALLENGE_WRONG, CHALLENGE_WRONG, FAIL),
	K("invalidContact", CONTACT_REFUSED, CONTACT_REFUSED, FAIL),
	K("invalidProfile", PROFILE_UNKNOWN, PROFILE_UNKNOWN, FAIL),
	K("malformed", CA_REFUSED, CA_REFUSED, UNREPLACE),
	K("notImplemented", CA_REFUSED, CA_REFUSED, FAIL),
	K("onionCAARequired", CAA, CAA, FAIL),
	K("orderNotReady", CA_PROTOCOL, CA_PROTOCOL, LOOK),
	K("rateLimited", CA_LIMIT, CA_LIMIT, FAIL),
	K("rejectedIdentifier", NAME_REFUSED, NAME_REFUSED, FAIL),
	K("serverInternal", CA_DOWN, CA_DOWN, FAIL),
	K("tls", CONNECTION, CONNECTION, FAIL),
	K("unauthorized", CA_REFUSED, CHALLENGE_WRONG, UNREPLACE),
	K("unknownDelegation", CA_REFUSED, CA_REFUSED, FAIL),
	K("unsupportedContact", CONTACT_REFUSED, CONTACT_REFUSED, FAIL),
	K("unsupportedIdentifier", NAME_REFUSED, NAME_REFUSED, FAIL),
	K("userActionRequired", TOS_NOT_AGREED, CA_REFUSED, FAIL)
#undef K
};

/* "unauthorized" is what a CA says to a dead account, to a CSR for other
 * names and to a wrong answer: what was asked settles it. */
static const enum err_code unauthorized[JWS_WHAT_COUNT] = {
	[JWS_NEW_ACCOUNT] = ERR_ACCOUNT_DEAD,
	[JWS_UPDATE_ACCOUNT] = ERR_ACCOUNT_DEAD,
	[JWS_NEW_ORDER] = ERR_ACCOUNT_DEAD,
	[JWS_READ] = ERR_CA_REFUSED,
	[JWS_CHALLENGE] = ERR_CA_REFUSED,
	[JWS_FINALIZE] = ERR_CSR_REFUSED,
	[JWS_DEACTIVATE_AUTHZ] = ERR_CA_REFUSED,
	[JWS_KEY_CHANGE] = ERR_ACCOUNT_DEAD,
	[JWS_DEACTIVATE_ACCOUNT] = ERR_ACCOUNT_DEAD,
	[JWS_REVOKE] = ERR_CA_REFUSED
};

static const struct { enum err_code code; const char *words; } advice[] = {
	{ ERR_ACCOUNT_UNKNOWN, "The same key is registered again by itself." },
	{ ERR_ACCOUNT_DEAD, "For a new account: everleaf ca rollover CA. For "
	    "another one you have: everleaf ca import CA FILE" },
	{ ERR_CAA, "Allow this CA in the CAA record of the domain, or use "
	    "another CA." },
	{ ERR_CA_BLOCKED, "Mend what failed, follow the link if the CA "
	    "names one, then: everleaf renew NAME" },
	{ ERR_CA_DOWN, "Nothing to do: it is tried again." },
	{ ERR_CA_LIMIT, "Nothing to do: it is tried again when the CA "
	    "allows it." },
	{ ERR_CHALLENGE_WRONG, "Have the server that answered pass "
	    "/.well-known/acme-challenge/ on to us (everleaf test NAME says "
	    "which it is). With dns-01, see whether every name server has "
	    "the record: everleaf test dns D NAME" },
	{ ERR_CONNECTION, "Open the port to the whole Internet, and look at "
	    "both A and AAAA records." },
	{ ERR_CONTACT_REFUSED, "Change the e-mail address of the CA's "
	    "account." },
	{ ERR_DNS_FAILS, "Repair the DNS of the name." },
	{ ERR_EAB_NEEDED, "Get a key id and an HMAC key from the CA, set "
	    "eab-kid and eab-key-file in its ca block, then: everleaf "
	    "reload" },
	{ ERR_NAME_REFUSED, "Remove the name, or use another CA." },
	{ ERR_PROFILE_UNKNOWN, "Choose one of the CA's profiles, or none." },
	{ ERR_TOS_NOT_AGREED, "Read the CA's terms and agree to them." }
};

static const struct problem_kind *
kind_of(const json_t *o)
{
	const char *type = json_string_value(json_object_get(o, "type"));
	size_t i, n = sizeof(urn) - 1;

	if (type == NULL || strncmp(type, urn, n) != 0)
		return NULL;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].type, type + n) == 0)
			return &kinds[i];
	return NULL;
}

/* The words of a problem: its detail, else its title, else its type. */
static char *
detail_of(const json_t *o)
{
	static const char *const keys[] = { "detail", "title", "type" };
	const json_t *v = NULL;
	struct buf b;
	size_t i;

	for (i = 0; i < 3; i++) {
		v = json_object_get(o, keys[i]);
		if (json_is_string(v) && json_string_length(v) > 0)
			break;
	}
	if (i == 3)
		return NULL;
	buf_init(&b, ACME_DETAIL_MAX + 32);
	buf_safe(&b, json_string_value(v), json_string_length(v),
	    ACME_DETAIL_MAX);
	return buf_take(&b);
}

/* What is no identifier of ours is kept as "": the words may still help. */
static void
read_subproblem(struct subproblem *s, const json_t *o)
{
	const json_t *ident = json_object_get(o, "identifier");
	const char *value =
	    json_string_value(json_object_get(ident, "value"));
	enum name_kind kind;
	struct err unused;

	s->kind = kind_of(o);
	s->detail = detail_of(o);
	if (value == NULL || name_parse(s->ident, &kind, value, &unused) != 0)
		s->ident[0] = '\0';
}

static char *
instance_of(const json_t *o)
{
	const char *url = json_string_value(json_object_get(o, "instance"));
	struct buf unused;
	struct err err;
	int rc;

	if (url == NULL)
		return NULL;
	buf_init(&unused, ACME_URL_MAX);
	rc = acme_url_origin(&unused, url, &err);
	buf_free(&unused);
	return rc == 0 ? xstrdup(url) : NULL;
}

static void
fill(struct problem *p, const json_t *o)
{
	const json_t *list = json_object_get(o, "subproblems");
	size_t i, n = json_array_size(list);

	p->kind = kind_of(o);
	p->detail = detail_of(o);
	p->instance = instance_of(o);
	p->nsubs = n < ACME_SUBPROBLEMS_MAX ? n : ACME_SUBPROBLEMS_MAX;
	assert(p->nsubs <= ACME_SUBPROBLEMS_MAX);
	p->subs = xcalloc(p->nsubs, sizeof(*p->subs));
	for (i = 0; i < p->nsubs; i++)
		read_subproblem(&p->subs[i], json_array_get(list, i));
	/* A compound says nothing itself: the first part that we know speaks
	 * for it. */
	if (p->kind == NULL || strcmp(p->kind->type, "compound") != 0)
		return;
	for (i = 0; i < p->nsubs; i++)
		if (p->subs[i].kind != NULL) {
			p->kind = p->subs[i].kind;
			return;
		}
}

void
problem_of_json(struct problem *p, const json_t *o)
{
	memset(p, 0, sizeof(*p));
	fill(p, o);
}

void
problem_of_reply(struct problem *p, const struct acme_reply *reply,
    int64_t now_ms)
{
	struct err unused;
	struct jread r = { "the CA's answer", ERR_CA_PROTOCOL, NULL, &unused,
	    false };
	json_t *o = jread_open(&r, reply->body, reply->body_len,
	    ACME_JSON_MAX);

	memset(p, 0, sizeof(*p));
	if (o != NULL)
		fill(p, o);
	json_decref(o);
	p->status = reply->status;
	p->retry_said = reply->retry_after != NULL;
	p->retry_at_ms = acme_retry_after(reply->retry_after, now_ms,
	    RETRY_MIN_MS, RETRY_MAX_MS);
}

void
problem_free(struct problem *p)
{
	size_t i;

	assert(p->subs != NULL || p->nsubs == 0);
	for (i = 0; i < p->nsubs; i++)
		free(p->subs[i].detail);
	free(p->subs);
	free(p->detail);
	free(p->instance);
	memset(p, 0, sizeof(*p));
}

static enum err_code
code_of_status(int status)
{
	if (status == 429)
		return ERR_CA_LIMIT;
	if (status >= 500 || status == 408)
		return ERR_CA_DOWN;
	return status >= 400 ? ERR_CA_REFUSED : ERR_CA_PROTOCOL;
}

enum err_code
problem_request_code(const struct problem *p, enum jws_what what)
{
	assert(what >= JWS_NEW_ACCOUNT && what < JWS_WHAT_COUNT);
	if (p->kind == NULL)
		return code_of_status(p->status);
	if (strcmp(p->kind->type, "unauthorized") == 0)
		return unauthorized[what];
	/* There the key is the CSR's, not the account's. */
	if (strcmp(p->kind->type, "badPublicKey") == 0 &&
	    what == JWS_FINALIZE)
		return ERR_CSR_REFUSED;
	/* A limit that names no end is a door that somebody closed; a busy
	 * CA (503) is not meant. */
	if (p->kind->request == ERR_CA_LIMIT && !p->retry_said &&
	    p->status != 503)
		return ERR_CA_BLOCKED;
	return p->kind->request;
}

static const char the_ca[] = ": the CA ", found[] = "found";

void
problem_advise(struct err *err)
{
	size_t i;

	assert(err->code != ERR_OK);
	for (i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		if (advice[i].code == err->code)
			err_advise(err, "%s", advice[i].words);
}

/* The first part's words before those of the whole: "compound" explains
 * nothing. */
static int
tell(const struct problem *p, enum err_code code, const char *doing,
    const char *verb, struct err *err)
{
	const char *detail = p->detail;

	assert(code != ERR_OK && doing != NULL);
	if (p->nsubs > 0 && p->subs[0].detail != NULL)
		detail = p->subs[0].detail;
	if (detail != NULL)
		err_set(err, code, "%s%s%s: %s", doing, the_ca, verb,
		    detail);
	else if (p->status != 0)
		err_set(err, code, "%s: the CA answered with HTTP status %d",
		    doing, p->status);
	else
		err_set(err, code, "%s: the CA gives no reason", doing);
	problem_advise(err);
	if (p->instance != NULL && err->class == ERR_PERSON)
		err_advise(err, "Visit %s", p->instance);
	err->retry_at_ms = p->retry_at_ms;
	return -1;
}

int
problem_request_err(const struct problem *p, enum jws_what what,
    const char *doing, struct err *err)
{
	return tell(p, problem_request_code(p, what), doing, "says", err);
}

int
problem_validation_err(const struct problem *p, const char *doing,
    struct err *err)
{
	return tell(p, p->kind != NULL ? p->kind->validation :
	    ERR_CHALLENGE_WRONG, doing, found, err);
}

const char *
acme_validation_found(const struct err *err)
{
	char mark[32];
	const char *at;

	snprintf(mark, sizeof(mark), "%s%s: ", the_ca, found);
	at = strstr(err->text, mark);
	return at != NULL ? at + strlen(mark) : "";
}

/* Of "shop.example" where only "*.shop.example" was ordered, that is meant. */
static const char *
named(const char *ident, const struct strv *names)
{
	size_t i;

	assert(ident != NULL);
	for (i = 0; i < names->n; i++)
		if (strcmp(names->v[i], ident) == 0)
			return names->v[i];
	for (i = 0; i < names->n; i++)
		if (strncmp(names->v[i], "*.", 2) == 0 &&
		    strcmp(names->v[i] + 2, ident) == 0)
			return names->v[i];
	return NULL;
}

void
problem_idents(struct strv *out, const struct problem *p,
    const struct strv *names)
{
	const char *name;
	size_t i;

	for (i = 0; i < p->nsubs; i++) {
		name = named(p->subs[i].ident, names);
		if (name != NULL && !strv_has(out, name))
			strv_add(out, name);
	}
}
