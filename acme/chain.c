/* What a CA sent as the certificate must be the one that was asked for, by
 * its key and its names, now valid, with links that hold; only then is it
 * written anew, in the order that servers want (security.md D1 to D7). */
#include <config.h>
#include <assert.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "acme/pem.h"
#include "base/text.h"

enum {
	FUTURE_MAX_MS = 3600 * 1000,
	/* What ends sooner would be renewed at once, and again and again. */
	LEFT_MIN_MS = 20 * 1000
};

static int
bad(struct err *err, const char *why)
{
	assert(why[0] != '\0');
	err_set(err, ERR_CERT_BAD, "the certificate %s", why);
	return err_advise(err, "The one in use stays; the CA should hear of "
	    "it if it happens again.");
}

static bool
same_key(const X509 *x, const void *spki, size_t n)
{
	struct blob der = pem_spki(x);
	bool same = n > 0 && der.len == n && memcmp(der.p, spki, n) == 0;

	blob_free(&der);
	return same;
}

static int
check_dates(const X509 *x, int64_t now_ms, struct err *err)
{
	char when[TEXT_TIME];
	int64_t from, to;

	if (!pem_time(&from, X509_get0_notBefore(x)) ||
	    !pem_time(&to, X509_get0_notAfter(x)))
		return bad(err, "has a date that is none");
	if (to <= from)
		return bad(err, "ends before it begins");
	if (to <= text_add_sat(now_ms, LEFT_MIN_MS)) {
		text_rfc3339(when, to);
		return err_set(err, ERR_CERT_BAD, to <= now_ms ?
		    "the certificate expired at %s" : "the certificate "
		    "expires at %s, before it could be of use", when);
	}
	if (from <= text_add_sat(now_ms, FUTURE_MAX_MS))
		return 0;
	text_rfc3339(when, from);
	err_set(err, ERR_CLOCK, "the certificate begins only at %s", when);
	return err_advise(err, "Look at this machine's clock.");
}

/* Nobody may sign with what has been broken for years. */
static int
check_signature_hash(X509 *x, struct err *err)
{
	int md = NID_undef;

	if (X509_get_signature_info(x, &md, NULL, NULL, NULL) == 1 &&
	    (md == NID_md5 || md == NID_sha1))
		return bad(err, "is signed with MD5 or SHA-1");
	ERR_clear_error();
	return 0;
}

/* Both ways: a name too many would serve somebody else's site. */
static int
check_names(const X509 *x, const struct strv *names, struct err *err)
{
	struct strv got = { NULL, 0 };
	int rc = 0;
	size_t i;

	if (pem_names(&got, x, err) != 0)
		return -1;
	for (i = 0; i < names->n && rc == 0; i++)
		if (!strv_has(&got, names->v[i]))
			rc = err_set(err, ERR_CERT_BAD, "the certificate "
			    "lacks the name %s", names->v[i]);
	for (i = 0; i < got.n && rc == 0; i++)
		if (!strv_has(names, got.v[i]))
			rc = err_set(err, ERR_CERT_BAD, "the certificate has "
			    "the name %s, which was not asked for", got.v[i]);
	strv_free(&got);
	return rc;
}

static int
check_leaf(X509 *x, const struct strv *names, int64_t now_ms,
    struct err *err)
{
	uint32_t flags = X509_get_extension_flags(x);

	if ((flags & EXFLAG_INVALID) != 0)
		return bad(err, "has an extension that is malformed");
	if ((flags & EXFLAG_CA) != 0)
		return bad(err, "is that of a CA");
	if ((X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE) == 0)
		return bad(err, "may not be used for signatures");
	if ((flags & EXFLAG_XKUSAGE) != 0 &&
	    (X509_get_extended_key_usage(x) & XKU_SSL_SERVER) == 0)
		return bad(err, "is not for servers");
	if (check_dates(x, now_ms, err) != 0)
		return -1;
	return check_names(x, names, err);
}

/* `below`: how many intermediates lie between it and the leaf. */
static int
check_issuer(X509 *x, long below, int64_t now_ms, struct err *err)
{
	uint32_t flags = X509_get_extension_flags(x);
	long pathlen = X509_get_pathlen(x);

	assert(below >= 0 && below < ACME_CERTS_MAX);
	if ((flags & EXFLAG_INVALID) != 0 || (flags & EXFLAG_CA) == 0 ||
	    (X509_get_key_usage(x) & KU_KEY_CERT_SIGN) == 0)
		return bad(err, "is signed by one that is no CA");
	if (pathlen >= 0 && below > pathlen)
		return bad(err, "has a longer chain than its CA allows");
	if (check_dates(x, now_ms, err) != 0)
		return err_context(err, "its chain");
	return 0;
}

/* The name first: it is cheap, and most pairs differ in it. */
static bool
signed_by(X509 *x, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool good = X509_NAME_cmp(X509_get_issuer_name(x),
	    X509_get_subject_name(issuer)) == 0 && key != NULL &&
	    X509_verify(x, key) == 1;

	ERR_clear_error();
	return good;
}

/* Moves what signed x to place `at`; false if nothing did. */
static bool
bring_issuer(struct pem_certs *c, X509 *x, size_t at)
{
	X509 *found;
	size_t i;

	assert(at >= 1 && at <= c->n);
	for (i = at; i < c->n; i++)
		if (signed_by(x, c->x[i])) {
			found = c->x[i];
			memmove(&c->x[at + 1], &c->x[at],
			    (i - at) * sizeof(c->x[0]));
			c->x[at] = found;
			return true;
		}
	return false;
}

/* The leaf is the one with our key, wherever it stands. */
static int
bring_leaf(struct pem_certs *c, const void *spki, size_t n, struct err *err)
{
	X509 *found;
	size_t i;

	assert(c->n >= 1 && c->n <= ACME_CERTS_MAX);
	for (i = 0; i < c->n; i++)
		if (same_key(c->x[i], spki, n)) {
			found = c->x[i];
			memmove(&c->x[1], &c->x[0], i * sizeof(c->x[0]));
			c->x[0] = found;
			return 0;
		}
	return bad(err, "has another key than was asked for");
}

/* Puts each certificate behind the one it signed. *used counts those that
 * belong; a root ends the chain and is left out, for each client has its own.
 * What belongs nowhere is left out too. */
static int
link_chain(struct pem_certs *c, int64_t now_ms, size_t *used,
    struct err *err)
{
	X509 *x = c->x[0];

	for (*used = 1; *used < c->n; ++*used) {
		if (!bring_issuer(c, x, *used))
			break;
		x = c->x[*used];
		if (signed_by(x, x))
			return 0;
		if (check_signature_hash(c->x[*used], err) != 0 ||
		    check_issuer(x, (long)*used - 1, now_ms, err) != 0)
			return -1;
	}
	assert(*used >= 1 && *used <= c->n);
	if (*used == 1 && c->n > 1)
		return bad(err, "is signed by none of those that came "
		    "with it");
	return 0;
}

/* The same certificate twice is one. */
static void
drop_doubles(struct pem_certs *c)
{
	size_t i, k, n = 0;

	for (i = 0; i < c->n; i++) {
		for (k = 0; k < n && X509_cmp(c->x[i], c->x[k]) != 0; k++)
			;
		if (k == n)
			c->x[n++] = c->x[i];
		else
			X509_free(c->x[i]);
	}
	assert(n >= 1 && n <= c->n);
	c->n = n;
}

/* Written anew from the DER: no byte of the CA's text reaches a file. */
static void
write_chain(const struct pem_certs *c, size_t used, struct blob *leaf,
    struct blob *chain)
{
	struct buf b;
	size_t i;

	assert(used >= 1 && used <= c->n);
	buf_init(&b, 2 * (size_t)ACME_CHAIN_MAX);
	pem_write(&b, c->x[0]);
	*leaf = blob_copy(b.data, b.len);
	buf_reset(&b);
	for (i = 1; i < used; i++)
		pem_write(&b, c->x[i]);
	*chain = blob_copy(b.data, b.len);
	assert(!b.full && leaf->len > 0);
	buf_free(&b);
}

static int
check_size(struct blob *leaf, struct blob *chain, struct err *err)
{
	assert(leaf->len > 0);
	if (leaf->len <= ACME_LEAF_MAX &&
	    leaf->len + chain->len <= ACME_LEAF_AND_CHAIN_MAX)
		return 0;
	blob_free(leaf);
	blob_free(chain);
	return bad(err, "is too large to be installed");
}

int
acme_chain_check(const char *pem, size_t n, const struct strv *names,
    const void *spki, size_t spki_len, int64_t now_ms, struct blob *leaf,
    struct blob *chain, struct err *err)
{
	struct pem_certs c;
	size_t used;
	int rc;

	*leaf = *chain = (struct blob){ NULL, 0 };
	if (pem_read(&c, pem, n, ACME_CERTS_MAX, err) != 0)
		return -1;
	drop_doubles(&c);
	rc = bring_leaf(&c, spki, spki_len, err);
	if (rc == 0)
		rc = check_leaf(c.x[0], names, now_ms, err);
	if (rc == 0)
		rc = check_signature_hash(c.x[0], err);
	if (rc == 0)
		rc = link_chain(&c, now_ms, &used, err);
	if (rc == 0) {
		write_chain(&c, used, leaf, chain);
		rc = check_size(leaf, chain, err);
	}
	assert(rc != 0 || leaf->len > 0);
	pem_free(&c);
	return rc;
}
