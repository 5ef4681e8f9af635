/* Key pairs as the keeper knows them: made, written, read, used to sign.
 * Nothing here is kept between two calls. */
#ifndef DAEMON_KEEPER_KEY_H
#define DAEMON_KEEPER_KEY_H
#include <openssl/evp.h>
#include "acme/jws.h"
#include "base/err.h"
#include "base/mem.h"

enum { KEY_TYPES = 10, KEY_SIG_MAX = 512 };

/* One row a type that may be asked for. */
struct key_type {
	const char *name;	/* "rsa-3072" */
	const char *offered;	/* the crypto library's name for it */
	const char *group;	/* of EC */
	unsigned int bits;	/* of RSA */
	bool slow;		/* made beforehand, by a generator */
	const char *since;	/* release of OpenSSL that has it */
};
extern const struct key_type key_types[KEY_TYPES];

/* NULL and err (ERR_INVALID) when there is no such type, or when the library
 * of this machine does not offer it; which also `everleaf-keeper --has NAME`
 * tells, for whoever reads a configuration. */
const struct key_type *key_type_find(const char *name, struct err *err);
/* Made here and now. NULL and err (ERR_KEEPER). The caller frees it with
 * EVP_PKEY_free(). */
EVP_PKEY *key_generate(const struct key_type *t, struct err *err);
/* The same by name; a slow one is taken from keeper_pool.h's stock. */
EVP_PKEY *key_make(const char *alg, struct err *err);
/* What such a key's certificates and requests are signed with; NULL for types
 * that need no digest. */
const EVP_MD *key_digest(const EVP_PKEY *key);
/* PKCS#8, DER, unencrypted. The caller wipes *out. */
int key_write(struct blob *out, EVP_PKEY *key, struct err *err);
EVP_PKEY *key_read(const void *der, size_t n, struct err *err);
/* Whether that is what these bytes are, by their form: a hundredth of the cost
 * of reading the key in them. */
int key_is_pkcs8(const struct blob *der, struct err *err);
/* DER SubjectPublicKeyInfo. */
int key_public(struct blob *out, EVP_PKEY *key, struct err *err);
/* "BEGIN PRIVATE KEY" of PKCS#8 DER. The caller wipes *out. */
void key_pem(struct blob *out, const struct blob *der);
/* A private key in PEM or DER as people have them: PKCS#8, "EC PRIVATE KEY",
 * "RSA PRIVATE KEY"; one with a passphrase is refused, never asked about. */
EVP_PKEY *key_import(const struct blob *text, struct err *err);
/* A signature as RFC 7518 section 3 wants it, *n bytes of it. ECDSA: R and S,
 * each as wide as the curve. */
int key_sign(uint8_t sig[KEY_SIG_MAX], size_t *n, enum jws_alg alg,
    EVP_PKEY *key, const void *p, size_t len, struct err *err);
/* For keys that are not libcrypto's own, signatures are made from now on
 * there, by what has these properties; NULL, NULL undoes it. */
void key_sign_with(OSSL_LIB_CTX *lib, const char *properties);
#endif
