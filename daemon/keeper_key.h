/* Key pairs as the keeper knows them: made, written, read, used to sign.
 * Nothing here is kept between two calls. */
#ifndef DAEMON_KEEPER_KEY_H
#define DAEMON_KEEPER_KEY_H
#include <openssl/evp.h>
#include "base/err.h"
#include "base/mem.h"

enum { KEY_ES256 = 64 };		/* bytes of R and S */

/* NULL and err (ERR_INVALID when this kind cannot be made). The caller frees
 * it with EVP_PKEY_free(). */
EVP_PKEY *key_make(const char *alg, struct err *err);
/* PKCS#8, DER, unencrypted. The caller wipes *out. */
int key_write(struct blob *out, EVP_PKEY *key, struct err *err);
EVP_PKEY *key_read(const void *der, size_t n, struct err *err);
/* DER SubjectPublicKeyInfo. */
int key_public(struct blob *out, EVP_PKEY *key, struct err *err);
/* "BEGIN PRIVATE KEY" of PKCS#8 DER. The caller wipes *out. */
void key_pem(struct blob *out, const struct blob *der);
/* Back: one block and nothing else, as key_pem() writes it. */
int key_unpem(struct blob *der, const struct blob *pem, struct err *err);
/* ECDSA P-256 with SHA-256 as RFC 7518 section 3.4 wants it: R and S, 32
 * bytes each. */
int key_sign_es256(uint8_t sig[KEY_ES256], EVP_PKEY *key, const void *p,
    size_t n, struct err *err);
#endif
