/* Certificates and keys made on the spot, good ones and wrong ones. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "acme_fake.h"

EVP_PKEY *
make_key(const char *type)
{
	EVP_PKEY *key;

	if (type[0] == 'P')
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
	else if (type[0] == 'E')
		key = EVP_PKEY_Q_keygen(NULL, NULL, type);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
		    (size_t)strtoul(type, NULL, 10));
	assert_non_null(key);
	return key;
}

static void
add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void
add_aki(X509 *x, EVP_PKEY *signer)
{
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
	unsigned char sum[20] = { 0 };
	struct blob der = spki_of(signer);

	memcpy(sum, der.p + der.len - 20, 20);
	aki->keyid = ASN1_OCTET_STRING_new();
	ASN1_OCTET_STRING_set(aki->keyid, sum, 20);
	X509_add1_ext_i2d(x, NID_authority_key_identifier, aki, 0, 0);
	AUTHORITY_KEYID_free(aki);
	blob_free(&der);
}

static void
add_san(X509 *x, const struct cert *c)
{
	struct buf b;
	size_t i;

	buf_init(&b, 64 * 1024);
	for (i = 0; c->names != NULL && i < c->names->n; i++)
		buf_printf(&b, "%s%s:%s", i > 0 ? "," : "",
		    strspn(c->names->v[i], "0123456789.") ==
		    strlen(c->names->v[i]) || strchr(c->names->v[i], ':') ?
		    "IP" : "DNS", c->names->v[i]);
	if (c->san != NULL)
		buf_puts(&b, c->san);
	if (b.len > 0)
		add_ext(x, NID_subject_alt_name, b.data);
	buf_free(&b);
}

static void
set_serial(X509 *x, const struct cert *c)
{
	static long count;
	ASN1_INTEGER *i = X509_get_serialNumber(x);

	if (c->serial == NULL) {
		ASN1_INTEGER_set(i, 1000 + ++count);
		return;
	}
	ASN1_STRING_set(i, c->serial, (int)c->serial_len);
	i->type = c->serial_negative ? V_ASN1_NEG_INTEGER : V_ASN1_INTEGER;
}

static void
set_name(X509_NAME *name, const char *cn)
{
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0);
}

static void
set_time(ASN1_TIME *t, int64_t ms)
{
	ASN1_TIME_set(t, (time_t)(ms / 1000));
}

X509 *
make_cert(const struct cert *c)
{
	X509 *x = X509_new();
	char basic[64];
	const EVP_MD *md = c->sha1 ? EVP_sha1() : EVP_sha256();

	X509_set_version(x, 2);
	set_serial(x, c);
	if (c->subject != NULL)
		set_name(X509_get_subject_name(x), c->subject);
	set_name(X509_get_issuer_name(x), c->issuer);
	set_time(X509_getm_notBefore(x), c->from_ms != 0 ? c->from_ms :
	    NOW_MS - 3600 * 1000);
	set_time(X509_getm_notAfter(x), c->to_ms != 0 ? c->to_ms :
	    NOW_MS + 90 * DAY_MS);
	X509_set_pubkey(x, c->key);
	if (c->ca) {
		snprintf(basic, sizeof(basic), c->pathlen > 0 ?
		    "critical,CA:TRUE,pathlen:%d" : "critical,CA:TRUE",
		    c->pathlen - 1);
		add_ext(x, NID_basic_constraints, basic);
		add_ext(x, NID_key_usage, "critical,keyCertSign");
	}
	if (!c->no_aki)
		add_aki(x, c->signer);
	add_san(x, c);
	if (c->extra != NULL)
		add_ext(x, OBJ_txt2nid(c->extra), c->extra_value);
	if (EVP_PKEY_is_a(c->signer, "ED25519"))
		md = NULL;
	assert_true(X509_sign(x, c->signer, md) > 0);
	return x;
}

struct blob
spki_of(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);
	struct blob out = blob_copy(der, (size_t)n);

	OPENSSL_free(der);
	return out;
}

void
add_pem(struct buf *out, X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	PEM_write_bio_X509(bio, x);
	n = BIO_get_mem_data(bio, &p);
	buf_add(out, p, (size_t)n);
	BIO_free(bio);
}
