/* What each kind of request may hold. It runs in the keeper, so it trusts
 * nobody: each kind says in one table what it needs and what it may have, and
 * each field has its character set. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <string.h>
#include "acme/acme.h"
#include "acme/jws_parts.h"
#include "acme/url.h"
#include "base/name.h"
#include "base/text.h"

enum {
	CONTACTS_MAX = 10, CONTACT_MAX = 320, REPLACES_MAX = 256,
	CSR_MAX = 32 * 1024, CERT_MAX = 32 * 1024, EAB_KID_MAX = 256
};

/* --- character sets ------------------------------------------------------- */

static bool
is_b64u(const char *s, size_t max)
{
	size_t n = strlen(s), i;

	assert(max > 0);
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
			return false;
	return n >= 1 && n <= max;
}

/* One mailto: address, no header fields, no second address (RFC 8555
 * section 7.3). */
static bool
is_contact(const char *s)
{
	const char *p, *at = NULL;

	if (strncmp(s, "mailto:", 7) != 0 || strlen(s) > CONTACT_MAX)
		return false;
	for (p = s + 7; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~' || strchr("\"\\,;?<>()", *p) != NULL)
			return false;
		if (*p == '@') {
			if (at != NULL || p == s + 7)
				return false;
			at = p;
		}
	}
	return at != NULL && at[1] != '\0';
}

static bool
is_canonical_name(const char *s)
{
	enum name_kind kind;
	struct err unused;
	char out[256];

	return name_parse(out, &kind, s, &unused) == 0 && strcmp(out, s) == 0;
}

/* certID: two words of base64url and a dot (RFC 9773 section 4.1). */
static bool
is_cert_id(const char *s)
{
	const char *dot = strchr(s, '.');
	char left[REPLACES_MAX + 1];

	if (dot == NULL || strlen(s) > REPLACES_MAX)
		return false;
	assert((size_t)(dot - s) < sizeof(left));
	memcpy(left, s, (size_t)(dot - s));
	left[dot - s] = '\0';
	return is_b64u(left, REPLACES_MAX) && is_b64u(dot + 1, REPLACES_MAX);
}

static bool
is_time(const char *s)
{
	int64_t ms;

	return strlen(s) < TEXT_TIME * 2 && text_unrfc3339(&ms, s);
}

static bool
all_are(const struct strv *l, size_t max, bool (*is)(const char *))
{
	size_t i;

	assert(max > 0);
	for (i = 0; l != NULL && i < l->n; i++)
		if (!is(l->v[i]))
			return false;
	return l == NULL || l->n <= max;
}

bool
jws_is_eab_kid(const char *s)
{
	size_t n = strlen(s), i;

	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\')
			return false;
	return n >= 1 && n <= EAB_KID_MAX;
}

/* Those that a subscriber may give (RFC 5280 section 5.3.1): none, key
 * compromise, affiliation changed, superseded, no longer in operation,
 * privilege withdrawn. */
static bool
is_reason(uint8_t reason)
{
	static const uint8_t may[] = { 0, 1, 3, 4, 5, 9 };

	return memchr(may, reason, sizeof(may)) != NULL;
}

/* --- fields --------------------------------------------------------------- */

enum field {
	F_KID = 1, F_CONTACTS = 2, F_AGREED = 4, F_NAMES = 8, F_PROFILE = 16,
	F_REPLACES = 32, F_DATES = 64, F_CSR = 128, F_EXISTING = 256,
	F_EAB = 512, F_CERT = 1024, F_REASON = 2048, F_INNER = 4096,
	F_BY_CERT = 8192
};

static unsigned int
fields_of(const struct jws_request *r)
{
	return (jws_has(r->kid) ? F_KID : 0u) |
	    (r->contacts != NULL && r->contacts->n > 0 ? F_CONTACTS : 0u) |
	    (r->agreed ? F_AGREED : 0u) |
	    (r->names != NULL && r->names->n > 0 ? F_NAMES : 0u) |
	    (jws_has(r->profile) ? F_PROFILE : 0u) |
	    (jws_has(r->replaces) ? F_REPLACES : 0u) |
	    (jws_has(r->not_before) || jws_has(r->not_after) ? F_DATES : 0u) |
	    (r->csr.len > 0 ? F_CSR : 0u) |
	    (r->existing ? F_EXISTING : 0u) |
	    (jws_has(r->eab_kid) ? F_EAB : 0u) |
	    (r->cert.len > 0 ? F_CERT : 0u) |
	    (r->reason != 0 ? F_REASON : 0u) |
	    (jws_has(r->inner) ? F_INNER : 0u) |
	    (r->signer == JWS_BY_CERT ? F_BY_CERT : 0u);
}

/* Says which field has bytes that it must not have, or NULL. */
static const char *
field_wrong(const struct jws_request *r)
{
	assert(r->what < JWS_WHAT_COUNT);
	if (!jws_has(r->nonce) || !is_b64u(r->nonce, ACME_NONCE_MAX))
		return "nonce";
	if (!all_are(r->contacts, CONTACTS_MAX, is_contact))
		return "contact";
	if (!all_are(r->names, ACME_AUTHZ_MAX, is_canonical_name))
		return "name";
	if (jws_has(r->profile) && !name_is_word(r->profile))
		return "profile";
	if (jws_has(r->replaces) && !is_cert_id(r->replaces))
		return "replaced certificate";
	if ((jws_has(r->not_before) && !is_time(r->not_before)) ||
	    (jws_has(r->not_after) && !is_time(r->not_after)))
		return "date";
	if (jws_has(r->eab_kid) && !jws_is_eab_kid(r->eab_kid))
		return "key id of the external account";
	if (!is_reason(r->reason))
		return "reason";
	if (r->cert.len > CERT_MAX)
		return "certificate";
	return r->csr.len > CSR_MAX ? "CSR" : NULL;
}

/* What is only ever there together, or never: a binding and its kid; a
 * request with either the account's address or a key of its own. */
static bool
fits_together(const struct jws_request *r, unsigned int there)
{
	if (r->what == JWS_NEW_ACCOUNT)
		return ((there & F_EAB) != 0) == ((there & F_INNER) != 0);
	if (r->what == JWS_REVOKE)
		return ((there & F_KID) != 0) != ((there & F_BY_CERT) != 0);
	return true;
}

static const struct kind {
	const char *name;
	unsigned int must, may;
} kinds[JWS_WHAT_COUNT] = {
	[JWS_NEW_ACCOUNT] = { "new account", 0, F_CONTACTS | F_AGREED |
	    F_EXISTING | F_EAB | F_INNER },
	[JWS_UPDATE_ACCOUNT] = { "account update", F_KID, F_CONTACTS },
	[JWS_NEW_ORDER] = { "new order", F_KID | F_NAMES,
	    F_PROFILE | F_REPLACES | F_DATES },
	[JWS_READ] = { "read", F_KID, 0 },
	[JWS_CHALLENGE] = { "challenge", F_KID, 0 },
	[JWS_FINALIZE] = { "finalize", F_KID | F_CSR, 0 },
	[JWS_DEACTIVATE_AUTHZ] = { "deactivate authorization", F_KID, 0 },
	[JWS_KEY_CHANGE] = { "key change", F_KID | F_INNER, 0 },
	[JWS_DEACTIVATE_ACCOUNT] = { "deactivate account", F_KID, 0 },
	[JWS_REVOKE] = { "revoke", F_CERT, F_KID | F_REASON | F_BY_CERT }
};

const char *
jws_kind_name(enum jws_what what)
{
	assert(what >= JWS_NEW_ACCOUNT && what < JWS_WHAT_COUNT);
	return kinds[what].name;
}

int
jws_check(const struct jws_request *r, const char *origin, struct err *err)
{
	const struct kind *k = &kinds[r->what];
	unsigned int there = fields_of(r);
	const char *wrong;

	assert(k->name != NULL && (k->must & k->may) == 0);
	if (r->what == JWS_DEACTIVATE_ACCOUNT && jws_has(r->url) &&
	    jws_has(r->kid) && strcmp(r->url, r->kid) != 0)
		return err_set(err, ERR_INVALID, "an account is given up at "
		    "its own address only");
	if ((there & k->must) != k->must)
		return err_set(err, ERR_INVALID,
		    "a request of kind \"%s\" lacks a field", k->name);
	if ((there & ~(k->must | k->may)) != 0)
		return err_set(err, ERR_INVALID,
		    "a request of kind \"%s\" has a field too many", k->name);
	if (!fits_together(r, there))
		return err_set(err, ERR_INVALID, "a request of kind \"%s\" has "
		    "a field without the one that goes with it", k->name);
	wrong = field_wrong(r);
	if (wrong != NULL)
		return err_set(err, ERR_INVALID,
		    "the %s of a request of kind \"%s\" has bytes that it "
		    "must not have", wrong, k->name);
	if (url_same_origin(jws_has(r->url) ? r->url : "", origin,
	    "the address to sign for", err) != 0)
		return -1;
	return jws_has(r->kid) ? url_same_origin(r->kid, origin,
	    "the account's address", err) : 0;
}
