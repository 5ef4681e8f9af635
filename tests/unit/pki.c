#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include "tests/unit/pki.h"

static void
must(int fine)
{
	if (!fine)
		abort();
}

static void
extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	must(e != NULL && X509_add_ext(cert, e, -1));
	X509_EXTENSION_free(e);
}

struct pki
pki_make(const char *name, const struct pki *issuer, int from, int to,
    enum pki_key kind)
{
	struct pki p = { NULL, X509_new() };
	X509_NAME *subject = X509_get_subject_name(p.cert);
	char san[300];
	long serial;

	p.key = kind == PKI_ECDSA ? EVP_EC_gen("P-256") :
	    kind == PKI_RSA ? EVP_RSA_gen(2048) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	must(p.key != NULL && RAND_bytes((unsigned char *)&serial,
	    sizeof(serial)));
	X509_set_version(p.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(p.cert), serial & 0x7fffffff);
	X509_gmtime_adj(X509_getm_notBefore(p.cert), 86400L * from);
	X509_gmtime_adj(X509_getm_notAfter(p.cert), 86400L * to);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(p.cert, issuer != NULL ?
	    X509_get_subject_name(issuer->cert) : subject);
	X509_set_pubkey(p.cert, p.key);
	extend(p.cert, NID_basic_constraints,
	    issuer != NULL ? "CA:FALSE" : "critical,CA:TRUE");
	snprintf(san, sizeof(san), "DNS:%s", name);
	if (issuer != NULL)
		extend(p.cert, NID_subject_alt_name, san);
	must(X509_sign(p.cert, issuer != NULL ? issuer->key : p.key,
	    EVP_sha256()));
	return p;
}

void
pki_free(struct pki *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}

void
pki_write(const char *path, const struct pki *p, int with_key)
{
	FILE *f = fopen(path, "we");

	must(f != NULL);
	if (with_key)
		must(PEM_write_PrivateKey(f, p->key, NULL, NULL, 0, NULL,
		    NULL));
	must(PEM_write_X509(f, p->cert));
	fclose(f);
}
