/* Composes the requests that an account signs. It runs in the keeper, so it
 * trusts nobody: each kind says in one table what it needs and what it may
 * have, each field has its character set, and text is put together by hand. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <openssl/sha.h>
#include "acme/jws.h"
#include "acme/url.h"
#include "base/name.h"
#include "base/text.h"

enum {
	CONTACTS_MAX = 10, CONTACT_MAX = 320, REPLACES_MAX = 256,
	CSR_MAX = 32 * 1024, PART_MAX = 256 * 1024,
	COORDINATE = 32, POINT = 2 * COORDINATE
};

/* What goes before the point in the SubjectPublicKeyInfo of a P-256 key
 * (RFC 5480): two object ids and "BIT STRING, uncompressed". */
static const unsigned char p256_head[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00, 0x04
};

int
jws_jwk(struct buf *out, const void *spki, size_t n, struct err *err)
{
	const unsigned char *p = spki;

	if (n != sizeof(p256_head) + POINT ||
	    memcmp(p, p256_head, sizeof(p256_head)) != 0)
		return err_set(err, ERR_KEEPER,
		    "the account's public key is no P-256 key");
	p += sizeof(p256_head);
	buf_puts(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	text_b64u(out, p, COORDINATE);
	buf_puts(out, "\",\"y\":\"");
	text_b64u(out, p + COORDINATE, COORDINATE);
	buf_puts(out, "\"}");
	return out->full ? err_set(err, ERR_INTERNAL,
	    "no room for the account's public key") : 0;
}

void
jws_thumbprint(char out[44], const char *jwk, size_t n)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	struct buf b;

	SHA256((const unsigned char *)jwk, n, hash);
	buf_init(&b, 43);
	text_b64u(&b, hash, sizeof(hash));
	memcpy(out, b.data, 44);
	buf_free(&b);
}

/* --- character sets ------------------------------------------------------- */

static bool
is_b64u(const char *s, size_t max)
{
	size_t n = strlen(s), i;

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

	for (i = 0; l != NULL && i < l->n; i++)
		if (!is(l->v[i]))
			return false;
	return l == NULL || l->n <= max;
}

/* --- fields --------------------------------------------------------------- */

enum field {
	F_KID = 1, F_CONTACTS = 2, F_AGREED = 4, F_NAMES = 8, F_PROFILE = 16,
	F_REPLACES = 32, F_DATES = 64, F_CSR = 128
};

static bool
has(const char *s)
{
	return s != NULL && *s != '\0';
}

static unsigned int
fields_of(const struct jws_request *r)
{
	return (has(r->kid) ? F_KID : 0u) |
	    (r->contacts != NULL && r->contacts->n > 0 ? F_CONTACTS : 0u) |
	    (r->agreed ? F_AGREED : 0u) |
	    (r->names != NULL && r->names->n > 0 ? F_NAMES : 0u) |
	    (has(r->profile) ? F_PROFILE : 0u) |
	    (has(r->replaces) ? F_REPLACES : 0u) |
	    (has(r->not_before) || has(r->not_after) ? F_DATES : 0u) |
	    (r->csr.len > 0 ? F_CSR : 0u);
}

/* Says which field has bytes that it must not have, or NULL. */
static const char *
field_wrong(const struct jws_request *r)
{
	if (!has(r->nonce) || !is_b64u(r->nonce, ACME_NONCE_MAX))
		return "nonce";
	if (!all_are(r->contacts, CONTACTS_MAX, is_contact))
		return "contact";
	if (!all_are(r->names, ACME_AUTHZ_MAX, is_canonical_name))
		return "name";
	if (has(r->profile) && !name_is_word(r->profile))
		return "profile";
	if (has(r->replaces) && !is_cert_id(r->replaces))
		return "replaced certificate";
	if ((has(r->not_before) && !is_time(r->not_before)) ||
	    (has(r->not_after) && !is_time(r->not_after)))
		return "date";
	return r->csr.len > CSR_MAX ? "CSR" : NULL;
}

/* --- payloads ------------------------------------------------------------- */

static void
add_text(struct buf *b, const char *key, const char *value)
{
	if (!has(value))
		return;
	buf_printf(b, "%s\"%s\":\"", b->len > 1 ? "," : "", key);
	buf_json(b, value);
	buf_putc(b, '"');
}

static void
add_contacts(struct buf *b, const struct jws_request *r)
{
	size_t i, n = r->contacts != NULL ? r->contacts->n : 0;

	buf_printf(b, "%s\"contact\":[", b->len > 1 ? "," : "");
	for (i = 0; i < n; i++) {
		buf_puts(b, i > 0 ? ",\"" : "\"");
		buf_json(b, r->contacts->v[i]);
		buf_putc(b, '"');
	}
	buf_putc(b, ']');
}

static void
pay_new_account(struct buf *b, const struct jws_request *r)
{
	buf_putc(b, '{');
	if (r->agreed)
		buf_puts(b, "\"termsOfServiceAgreed\":true");
	if (r->contacts != NULL && r->contacts->n > 0)
		add_contacts(b, r);
	buf_putc(b, '}');
}

/* An empty list clears what the CA has. */
static void
pay_update(struct buf *b, const struct jws_request *r)
{
	buf_putc(b, '{');
	add_contacts(b, r);
	buf_putc(b, '}');
}

static void
pay_new_order(struct buf *b, const struct jws_request *r)
{
	enum name_kind kind;
	struct err unused;
	char name[256];
	size_t i;

	buf_puts(b, "{\"identifiers\":[");
	for (i = 0; i < r->names->n; i++) {
		name_parse(name, &kind, r->names->v[i], &unused);
		buf_printf(b, "%s{\"type\":\"%s\",\"value\":\"%s\"}",
		    i > 0 ? "," : "", kind == NAME_IP ? "ip" : "dns", name);
	}
	buf_putc(b, ']');
	add_text(b, "notBefore", r->not_before);
	add_text(b, "notAfter", r->not_after);
	add_text(b, "profile", r->profile);
	add_text(b, "replaces", r->replaces);
	buf_putc(b, '}');
}

/* POST-as-GET: no payload at all (RFC 8555 section 6.3). */
static void
pay_nothing(struct buf *b, const struct jws_request *r)
{
	(void)b;
	(void)r;
}

static void
pay_empty(struct buf *b, const struct jws_request *r)
{
	(void)r;
	buf_puts(b, "{}");
}

static void
pay_finalize(struct buf *b, const struct jws_request *r)
{
	buf_puts(b, "{\"csr\":\"");
	text_b64u(b, r->csr.p, r->csr.len);
	buf_puts(b, "\"}");
}

static void
pay_deactivate(struct buf *b, const struct jws_request *r)
{
	(void)r;
	buf_puts(b, "{\"status\":\"deactivated\"}");
}

static const struct kind {
	const char *name;
	unsigned int must, may;
	void (*payload)(struct buf *, const struct jws_request *);
} kinds[JWS_WHAT_COUNT] = {
	[JWS_NEW_ACCOUNT] = { "new account", 0, F_CONTACTS | F_AGREED,
	    pay_new_account },
	[JWS_UPDATE_ACCOUNT] = { "account update", F_KID, F_CONTACTS,
	    pay_update },
	[JWS_NEW_ORDER] = { "new order", F_KID | F_NAMES,
	    F_PROFILE | F_REPLACES | F_DATES, pay_new_order },
	[JWS_READ] = { "read", F_KID, 0, pay_nothing },
	[JWS_CHALLENGE] = { "challenge", F_KID, 0, pay_empty },
	[JWS_FINALIZE] = { "finalize", F_KID | F_CSR, 0, pay_finalize },
	[JWS_DEACTIVATE_AUTHZ] = { "deactivate authorization", F_KID, 0,
	    pay_deactivate }
};

/* --- the whole ------------------------------------------------------------ */

static int
check(const struct jws_request *r, const char *origin, struct err *err)
{
	const struct kind *k = &kinds[r->what];
	unsigned int there = fields_of(r);
	const char *wrong;

	if ((there & k->must) != k->must)
		return err_set(err, ERR_INVALID,
		    "a request of kind \"%s\" lacks a field", k->name);
	if ((there & ~(k->must | k->may)) != 0)
		return err_set(err, ERR_INVALID,
		    "a request of kind \"%s\" has a field too many", k->name);
	wrong = field_wrong(r);
	if (wrong != NULL)
		return err_set(err, ERR_INVALID,
		    "the %s of a request of kind \"%s\" has bytes that it "
		    "must not have", wrong, k->name);
	if (url_same_origin(has(r->url) ? r->url : "", origin,
	    "the address to sign for", err) != 0)
		return -1;
	return has(r->kid) ? url_same_origin(r->kid, origin,
	    "the account's address", err) : 0;
}

static void
protect(struct buf *b, const struct jws_request *r, const char *jwk)
{
	buf_puts(b, "{\"alg\":\"ES256\",\"nonce\":\"");
	buf_json(b, r->nonce);
	buf_puts(b, "\",\"url\":\"");
	buf_json(b, r->url);
	if (has(r->kid)) {
		buf_puts(b, "\",\"kid\":\"");
		buf_json(b, r->kid);
		buf_puts(b, "\"}");
	} else
		buf_printf(b, "\",\"jwk\":%s}", jwk);
}

int
jws_compose(struct buf *signing_input, const struct jws_request *r,
    const char *origin, const char *jwk, struct err *err)
{
	struct buf header, payload;
	int rc = 0;

	if (r->what < JWS_NEW_ACCOUNT || r->what >= JWS_WHAT_COUNT)
		return err_set(err, ERR_INVALID, "there is no such request");
	if (check(r, origin, err) != 0)
		return -1;
	buf_init(&header, PART_MAX);
	buf_init(&payload, PART_MAX);
	protect(&header, r, jwk);
	kinds[r->what].payload(&payload, r);
	buf_reset(signing_input);
	text_b64u(signing_input, header.data, header.len);
	buf_putc(signing_input, '.');
	text_b64u(signing_input, payload.data, payload.len);
	if (header.full || payload.full || signing_input->full)
		rc = err_set(err, ERR_INVALID,
		    "a request of kind \"%s\" is too long",
		    kinds[r->what].name);
	buf_free(&header);
	buf_free(&payload);
	return rc;
}

void
jws_flatten(struct buf *out, const struct buf *signing_input,
    const void *sig, size_t n)
{
	const char *dot = memchr(signing_input->data, '.', signing_input->len);
	const char *end = signing_input->data + signing_input->len;

	assert(dot != NULL);
	buf_puts(out, "{\"protected\":\"");
	buf_add(out, signing_input->data, (size_t)(dot - signing_input->data));
	buf_puts(out, "\",\"payload\":\"");
	buf_add(out, dot + 1, (size_t)(end - dot - 1));
	buf_puts(out, "\",\"signature\":\"");
	text_b64u(out, sig, n);
	buf_puts(out, "\"}");
}
