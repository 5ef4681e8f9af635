/* PEM as a CA sends it, strictly (RFC 7468 section 3, RFC 8555 section 9.1),
 * and facts of certificates that both chain.c and leaf.c need. */
#ifndef ACME_PEM_H
#define ACME_PEM_H
#include <openssl/x509v3.h>
#include "acme/acme.h"

struct pem_certs {
	X509 *x[ACME_CERTS_MAX];
	size_t n;
};

/* Splits text into certificates; at least one, at most max (more are an
 * error). On -1 nothing is held and err is ERR_CERT_BAD. */
int pem_read(struct pem_certs *out, const char *text, size_t n, size_t max,
    struct err *err);
void pem_free(struct pem_certs *c);
/* Appends x as PEM: 64 columns, LF. */
void pem_write(struct buf *out, const X509 *x);

/* DER into an owned blob. */
struct blob pem_der(const X509 *x);
struct blob pem_spki(const X509 *x);
/* Milliseconds since 1970, whatever the year. */
bool pem_time(int64_t *ms, const ASN1_TIME *t);
/* Names of the SAN, canonical, as a set; -1 if one is of another kind than
 * DNS or IP, or not in its form. No SAN: an empty list. */
int pem_names(struct strv *out, const X509 *x, struct err *err);
/* The same of a list of names; false: one is none of those. */
bool pem_san(struct strv *out, const GENERAL_NAMES *san);
/* What a person calls it, escaped. */
void pem_title(char *out, size_t size, const X509_NAME *name);
#endif
