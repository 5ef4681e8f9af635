/* Key pairs: a table of types, and what is done with one. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include "base/buf.h"
#include "base/text.h"
#include "daemon/keeper_key.h"
#include "daemon/keeper_pool.h"

enum { PEM_LINE = 64, PEM_MAX = 16384 };

/* What the library offers under a name can be asked for; CAs that take the
 * last ones are private ones, today. */
const struct key_type key_types[KEY_TYPES] = {
	{ "ecdsa-p256", "EC", "P-256", 0, false, "1.1.1" },
	{ "ecdsa-p384", "EC", "P-384", 0, false, "1.1.1" },
	{ "rsa-2048", "RSA", NULL, 2048, true, "1.1.1" },
	{ "rsa-3072", "RSA", NULL, 3072, true, "1.1.1" },
	{ "rsa-4096", "RSA", NULL, 4096, true, "1.1.1" },
	{ "ed25519", "ED25519", NULL, 0, false, "1.1.1" },
	{ "ed448", "ED448", NULL, 0, false, "1.1.1" },
	{ "ml-dsa-44", "ML-DSA-44", NULL, 0, false, "3.5" },
	{ "ml-dsa-65", "ML-DSA-65", NULL, 0, false, "3.5" },
	{ "ml-dsa-87", "ML-DSA-87", NULL, 0, false, "3.5" }
};

static int
no_such_type(const char *name, struct err *err)
{
	struct buf all;
	size_t i;

	buf_init(&all, 512);
	for (i = 0; i < KEY_TYPES; i++)
		buf_printf(&all, "%s%s", i > 0 ? ", " : "", key_types[i].name);
	err_set(err, ERR_INVALID, "key type \"%s\" is none that is known "
	    "here", name);
	err_advise(err, "Use one of %s.", all.data);
	buf_free(&all);
	return -1;
}

static bool
is_offered(const struct key_type *t)
{
	EVP_KEYMGMT *m = EVP_KEYMGMT_fetch(NULL, t->offered, NULL);

	assert(t->offered != NULL);
	EVP_KEYMGMT_free(m);
	ERR_clear_error();
	return m != NULL;
}

const struct key_type *
key_type_find(const char *name, struct err *err)
{
	size_t i;

	for (i = 0; i < KEY_TYPES; i++)
		if (strcmp(key_types[i].name, name) == 0)
			break;
	if (i == KEY_TYPES) {
		no_such_type(name, err);
		return NULL;
	}
	if (is_offered(&key_types[i]))
		return &key_types[i];
	err_set(err, ERR_INVALID, "this OpenSSL (%s) has no %s; it comes with "
	    "%s", OpenSSL_version(OPENSSL_VERSION_STRING),
	    key_types[i].offered, key_types[i].since);
	err_advise(err, "Use ecdsa-p256, or a newer OpenSSL.");
	return NULL;
}

EVP_PKEY *
key_generate(const struct key_type *t, struct err *err)
{
	EVP_PKEY *key;

	assert(t->group == NULL || t->bits == 0);
	if (t->group != NULL)
		key = EVP_PKEY_Q_keygen(NULL, NULL, t->offered, t->group);
	else if (t->bits != 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, t->offered,
		    (size_t)t->bits);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, t->offered);
	if (key == NULL)
		err_set(err, ERR_KEEPER, "new key: none could be made; the "
		    "random generator or memory failed");
	ERR_clear_error();
	return key;
}

EVP_PKEY *
key_make(const char *alg, struct err *err)
{
	const struct key_type *t = key_type_find(alg, err);
	EVP_PKEY *key;

	if (t == NULL)
		return NULL;
	if (!t->slow)
		return key_generate(t, err);
	key = pool_take(t);
	if (key == NULL)
		err_set(err, ERR_KEEPER, "new key: none of type %s is ready",
		    alg);
	return key;
}

/* Weaker than the key would be the weakest part; those that need none hash
 * by themselves. */
const EVP_MD *
key_digest(const EVP_PKEY *key)
{
	assert(key != NULL);
	if (EVP_PKEY_is_a(key, "EC"))
		return EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() :
		    EVP_sha256();
	return EVP_PKEY_is_a(key, "RSA") ? EVP_sha256() : NULL;
}

int
key_write(struct blob *out, EVP_PKEY *key, struct err *err)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;

	assert(key != NULL);
	*out = (struct blob){ NULL, 0 };
	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	if (n <= 0)
		return err_set(err, ERR_KEEPER, "key: it could not be written");
	*out = blob_copy(der, (size_t)n);
	OPENSSL_clear_free(der, (size_t)n);
	return 0;
}

int
key_public(struct blob *out, EVP_PKEY *key, struct err *err)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	assert(key != NULL);
	*out = (struct blob){ NULL, 0 };
	ERR_clear_error();
	if (n <= 0)
		return err_set(err, ERR_KEEPER,
		    "key: its public part could not be written");
	*out = blob_copy(der, (size_t)n);
	OPENSSL_free(der);
	return 0;
}

void
key_pem(struct blob *out, const struct blob *der)
{
	struct buf body, pem;
	size_t at;

	buf_init(&body, PEM_MAX);
	buf_init(&pem, PEM_MAX);
	text_b64(&body, der->p, der->len);
	buf_puts(&pem, "-----BEGIN PRIVATE KEY-----\n");
	for (at = 0; at < body.len; at += PEM_LINE) {
		buf_add(&pem, body.data + at, body.len - at < PEM_LINE ?
		    body.len - at : PEM_LINE);
		buf_putc(&pem, '\n');
	}
	buf_puts(&pem, "-----END PRIVATE KEY-----\n");
	*out = blob_copy(pem.data, pem.len);
	buf_wipe(&body);
	buf_wipe(&pem);
}

/* --- keys from elsewhere -------------------------------------------------- */

/* A passphrase is never asked for: nobody could answer. */
static int
no_passphrase(char *buf, int size, int writing, void *asked)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

/* As PEM whatever stands around it, as DER only if nothing does. */
EVP_PKEY *
key_import(const struct blob *text, struct err *err)
{
	const unsigned char *der = text->p;
	bool asked = false;
	BIO *bio = BIO_new_mem_buf(text->p, (int)text->len);
	EVP_PKEY *key = NULL;

	assert(text->len == 0 || text->p != NULL);
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
	BIO_free(bio);
	if (key == NULL && !asked && text->len > 0 && text->p[0] == 0x30) {
		key = d2i_AutoPrivateKey(NULL, &der, (long)text->len);
		if (key != NULL && der != text->p + text->len) {
			EVP_PKEY_free(key);
			key = NULL;
		}
	}
	ERR_clear_error();
	if (key != NULL)
		return key;
	err_set(err, ERR_INVALID, asked ? "key: it is locked with a "
	    "passphrase" : "key: these bytes are no private key in PEM or DER");
	if (asked)
		err_advise(err, "Unlock it first: openssl pkey -in FILE -out "
		    "NEWFILE");
	return NULL;
}

/* --- signatures ----------------------------------------------------------- */

/* DER SEQUENCE of two INTEGERs to two numbers of fixed width. */
static bool
fixed_width(uint8_t *sig, size_t *n, size_t half)
{
	const unsigned char *der = sig;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)*n);
	bool done = pair != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(pair), sig, (int)half) ==
	    (int)half &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), sig + half, (int)half) ==
	    (int)half;

	assert(half > 0 && 2 * half <= KEY_SIG_MAX);
	ECDSA_SIG_free(pair);
	*n = 2 * half;
	return done;
}

static struct {
	OSSL_LIB_CTX *lib;
	const char *properties;
} signer;

void
key_sign_with(OSSL_LIB_CTX *lib, const char *properties)
{
	signer.lib = lib;
	signer.properties = properties;
}

int
key_sign(uint8_t sig[KEY_SIG_MAX], size_t *n, enum jws_alg alg, EVP_PKEY *key,
    const void *p, size_t len, struct err *err)
{
	static const struct { const char *type; size_t half; }
	algs[JWS_ALG_COUNT] = {
		[JWS_ES256] = { "EC", 32 }, [JWS_ES384] = { "EC", 48 },
		[JWS_RS256] = { "RSA", 0 }
	};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx != NULL && EVP_PKEY_is_a(key, algs[alg].type);

	*n = KEY_SIG_MAX;
	done = done && EVP_DigestSignInit_ex(ctx, NULL, alg == JWS_ES384 ?
	    "SHA384" : "SHA256", signer.lib, signer.properties, key,
	    NULL) == 1 &&
	    EVP_DigestSign(ctx, sig, n, p, len) == 1 &&
	    (algs[alg].half == 0 || fixed_width(sig, n, algs[alg].half));
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return done ? 0 : err_set(err, ERR_KEEPER, "request: it could not be "
	    "signed with this key");
}
