/* Key pairs: P-256 for now; anything else is a clear refusal. */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include "base/buf.h"
#include "base/text.h"
#include "daemon/keeper_key.h"

enum { PEM_LINE = 64, PEM_MAX = 16384, HALF = KEY_ES256 / 2 };

EVP_PKEY *
key_make(const char *alg, struct err *err)
{
	EVP_PKEY *key;

	if (strcmp(alg, "ecdsa-p256") != 0) {
		err_set(err, ERR_INVALID, "key type \"%s\" cannot be made by "
		    "this version", alg);
		err_advise(err, "Use ecdsa-p256.");
		return NULL;
	}
	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (key == NULL)
		err_set(err, ERR_KEEPER, "new key: none could be made; the "
		    "random generator or memory failed");
	ERR_clear_error();
	return key;
}

int
key_write(struct blob *out, EVP_PKEY *key, struct err *err)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;

	*out = (struct blob){ NULL, 0 };
	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	if (n <= 0)
		return err_set(err, ERR_KEEPER, "key: it could not be written");
	*out = blob_copy(der, (size_t)n);
	OPENSSL_clear_free(der, (size_t)n);
	return 0;
}

EVP_PKEY *
key_read(const void *der, size_t n, struct err *err)
{
	const unsigned char *p = der;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)n);
	EVP_PKEY *key = NULL;

	if (info != NULL && p == (const unsigned char *)der + n)
		key = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	if (key == NULL)
		err_set(err, ERR_SEAL, "key: what was sealed is no private "
		    "key");
	return key;
}

int
key_public(struct blob *out, EVP_PKEY *key, struct err *err)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);

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

/* The text between the two lines, without its line feeds; NULL if they are
 * not there. The caller wipes it. */
static uint8_t *
pem_body(const struct blob *pem, size_t *n)
{
	static const char head[] = "-----BEGIN PRIVATE KEY-----\n";
	static const char tail[] = "-----END PRIVATE KEY-----\n";
	const size_t h = sizeof(head) - 1, t = sizeof(tail) - 1;
	uint8_t *body;
	size_t i;

	if (pem->len <= h + t || pem->len > PEM_MAX ||
	    memcmp(pem->p, head, h) != 0 ||
	    memcmp(pem->p + pem->len - t, tail, t) != 0)
		return NULL;
	body = xcalloc(pem->len, 1);
	*n = 0;
	for (i = h; i < pem->len - t; i++)
		if (pem->p[i] != '\n')
			body[(*n)++] = pem->p[i];
	return body;
}

int
key_unpem(struct blob *der, const struct blob *pem, struct err *err)
{
	size_t n = 0;
	uint8_t *body = pem_body(pem, &n);
	int got;

	*der = (struct blob){ NULL, 0 };
	if (body != NULL && n > 4 && n % 4 == 0) {
		*der = (struct blob){ xcalloc(n, 1), n };
		got = EVP_DecodeBlock(der->p, body, (int)n);
		/* It counts what stands for nothing, too. */
		got -= (body[n - 1] == '=') + (body[n - 2] == '=');
		if (got > 0)
			der->len = (size_t)got;
		else
			blob_wipe(der);
	}
	if (body != NULL) {
		OPENSSL_cleanse(body, pem->len);
		free(body);
	}
	return der->p != NULL ? 0 : err_set(err, ERR_SEAL, "key: what is "
	    "installed is no private key of ours");
}

/* DER SEQUENCE of two INTEGERs to two numbers of fixed width. */
static bool
fixed_width(uint8_t out[KEY_ES256], const unsigned char *der, size_t n)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	bool done = sig != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, HALF) == HALF &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + HALF, HALF) == HALF;

	ECDSA_SIG_free(sig);
	return done;
}

int
key_sign_es256(uint8_t sig[KEY_ES256], EVP_PKEY *key, const void *p, size_t n,
    struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[128];
	size_t len = sizeof(der);
	bool done = ctx != NULL && EVP_PKEY_is_a(key, "EC") &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, der, &len, p, n) == 1 &&
	    fixed_width(sig, der, len);

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return done ? 0 : err_set(err, ERR_KEEPER, "request: it could not be "
	    "signed with this key");
}
