/* Requests and placeholders: names in, signed DER out. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include "base/name.h"
#include "daemon/alt_names.h"
#include "daemon/keeper_key.h"
#include "daemon/keeper_x509.h"

enum { SERIAL = 16, HOUR_S = 3600, DAYS_7_S = 7 * 86400 };

/* A week before the year 10000, past which ASN.1 has no times. */
static const int64_t latest_ms = INT64_C(253401696000000);

int
x509_names_fine(const struct strv *names, struct err *err)
{
	enum name_kind kind;
	char canonical[256];
	size_t i;

	if (names->n == 0)
		return err_set(err, ERR_INVALID, "names: there is none");
	for (i = 0; i < names->n; i++) {
		if (name_parse(canonical, &kind, names->v[i], err) != 0)
			return -1;
		if (strcmp(canonical, names->v[i]) != 0)
			return err_set(err, ERR_INVALID, "name \"%s\": it is "
			    "not in its plain form \"%s\"", names->v[i],
			    canonical);
	}
	return 0;
}

static int
finish(struct blob *out, unsigned char *der, int n, const char *what,
    struct err *err)
{
	assert(what != NULL && (n <= 0 || der != NULL));
	ERR_clear_error();
	*out = (struct blob){ NULL, 0 };
	if (n <= 0)
		return err_set(err, ERR_KEEPER, "%s: it could not be made",
		    what);
	*out = blob_copy(der, (size_t)n);
	OPENSSL_free(der);
	return 0;
}

/* "I always come with a fresh OCSP answer": feature 5 of RFC 7633. */
static bool
add_must_staple(STACK_OF(X509_EXTENSION) *exts)
{
	static const unsigned char features[] = { 0x30, 3, 2, 1, 5 };
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	bool done = value != NULL &&
	    ASN1_OCTET_STRING_set(value, features, sizeof(features)) == 1 &&
	    (ext = X509_EXTENSION_create_by_NID(NULL, NID_tlsfeature, 0,
	    value)) != NULL && sk_X509_EXTENSION_push(exts, ext) > 0;

	assert(exts != NULL);
	ASN1_OCTET_STRING_free(value);
	if (!done)
		X509_EXTENSION_free(ext);
	return done;
}

int
x509_request(struct blob *out, EVP_PKEY *key, const struct strv *names,
    bool must_staple, struct err *err)
{
	STACK_OF(X509_EXTENSION) *exts = alt_names(names);
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	int n = -1;

	assert(key != NULL && names->n > 0);
	if (exts != NULL && (!must_staple || add_must_staple(exts)) &&
	    req != NULL && X509_REQ_set_version(req, 0) == 1 &&
	    X509_REQ_set_pubkey(req, key) == 1 &&
	    X509_REQ_add_extensions(req, exts) == 1 &&
	    X509_REQ_sign(req, key, key_digest(key)) > 0)
		n = i2d_X509_REQ(req, &der);
	X509_REQ_free(req);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return finish(out, der, n, "certificate request", err);
}

/* Random and positive: RFC 5280 section 4.1.2.2. */
static bool
set_serial(X509 *cert)
{
	uint8_t random[SERIAL];
	BIGNUM *bn;
	bool done;

	assert(cert != NULL);
	if (RAND_bytes(random, sizeof(random)) != 1)
		return false;
	random[0] = (random[0] & 0x7f) | 0x40;
	bn = BN_bin2bn(random, sizeof(random), NULL);
	done = bn != NULL &&
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL;
	BN_free(bn);
	return done;
}

/* It says what it is to whoever looks at it in a browser. */
static bool
set_subject(X509 *cert)
{
	static const char cn[] = "everleaf placeholder";
	X509_NAME *name = X509_get_subject_name(cert);

	assert(cert != NULL);
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, name) == 1;
}

static bool
set_names(X509 *cert, const struct strv *names)
{
	STACK_OF(X509_EXTENSION) *exts = alt_names(names);
	bool done = exts != NULL &&
	    X509_add_ext(cert, sk_X509_EXTENSION_value(exts, 0), -1) == 1;

	assert(names->n > 0);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return done;
}

/* From an hour ago, for clocks that are slow, to a week from now. */
int
x509_placeholder(struct blob *out, EVP_PKEY *key, const struct strv *names,
    int64_t now_ms, struct err *err)
{
	time_t now = (time_t)(now_ms / 1000);
	X509 *cert;
	unsigned char *der = NULL;
	int n = -1;

	assert(key != NULL);
	if (now_ms < HOUR_S * INT64_C(1000) || now_ms > latest_ms)
		return err_set(err, ERR_INVALID, "placeholder: the time %lld "
		    "is none that a certificate can hold", (long long)now_ms);
	cert = X509_new();
	if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
	    set_serial(cert) && set_subject(cert) &&
	    ASN1_TIME_set(X509_getm_notBefore(cert), now - HOUR_S) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(cert), now + DAYS_7_S) != NULL &&
	    X509_set_pubkey(cert, key) == 1 && set_names(cert, names) &&
	    X509_sign(cert, key, key_digest(key)) > 0)
		n = i2d_X509(cert, &der);
	X509_free(cert);
	return finish(out, der, n, "placeholder", err);
}
