/* Certificates for tests, made on the spot. */
#ifndef TESTS_UNIT_PKI_H
#define TESTS_UNIT_PKI_H
#include <openssl/evp.h>
#include <openssl/x509.h>

struct pki {
	EVP_PKEY *key;
	X509 *cert;
};

enum pki_key { PKI_RSA, PKI_ECDSA, PKI_ED25519 };

/* A certificate for the DNS name (and as its common name), valid from now +
 * from to now + to (in days), signed by issuer; NULL makes a root. */
struct pki pki_make(const char *name, const struct pki *issuer, int from,
    int to, enum pki_key kind);
void pki_free(struct pki *p);
/* Certificate, and the key in front if with_key. */
void pki_write(const char *path, const struct pki *p, int with_key);
#endif
