/* The certificates that the CA of the simulator signs. */
#include <config.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/jws.h"
#include "base/text.h"
#include "tests/sim/ca_state.h"

static X509 *
bare(EVP_PKEY *pub, int64_t from_ms, int64_t to_ms, X509_NAME *issuer)
{
	X509 *x = X509_new();
	BIGNUM *n = BN_new();

	X509_set_version(x, 2);
	BN_set_word(n, ++ca.serial);
	BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(from_ms / 1000));
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(to_ms / 1000));
	X509_set_pubkey(x, pub);
	if (issuer != NULL)
		X509_set_issuer_name(x, issuer);
	return x;
}

static void
extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

void
make_issuer(const char *cn)
{
	X509_NAME *name = X509_NAME_new();

	if (ca.key == NULL)
		ca.key = EVP_EC_gen("P-256");
	X509_free(ca.issuer);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)cn, -1, -1, 0);
	ca.issuer = bare(ca.key, 0, SIM_EPOCH + 36500LL * 86400000, NULL);
	X509_set_subject_name(ca.issuer, name);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
	    (const unsigned char *)"Root", -1, -1, 0);
	X509_set_issuer_name(ca.issuer, name);
	X509_NAME_free(name);
	extension(ca.issuer, ca.issuer, NID_basic_constraints,
	    "critical,CA:TRUE");
	extension(ca.issuer, ca.issuer, NID_key_usage,
	    "critical,keyCertSign,cRLSign");
	extension(ca.issuer, ca.issuer, NID_subject_key_identifier, "hash");
	X509_sign(ca.issuer, ca.key, EVP_sha256());
}

void *
sim_key(uint64_t cert, uint32_t version)
{
	return ca.keys[(cert + version) % KEYS];
}

static char *
pem_of(X509 *leaf)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p, *out;
	long n;

	PEM_write_bio_X509(b, leaf);
	PEM_write_bio_X509(b, ca.issuer);
	n = BIO_get_mem_data(b, &p);
	out = xstrndup(p, (size_t)n);
	BIO_free(b);
	return out;
}

static bool
csr_fits(X509_REQ *req, const struct sim_order *o)
{
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
	GENERAL_NAMES *san = X509V3_get_d2i(exts, NID_subject_alt_name, NULL,
	    NULL);
	int i, k, hits = 0;

	for (i = 0; i < o->n; i++)
		for (k = 0; k < sk_GENERAL_NAME_num(san); k++) {
			const GENERAL_NAME *g = sk_GENERAL_NAME_value(san, k);

			if (g->type == GEN_DNS && strcmp(o->names[i],
			    (const char *)ASN1_STRING_get0_data(
			    g->d.dNSName)) == 0)
				hits++;
		}
	k = sk_GENERAL_NAME_num(san);
	GENERAL_NAMES_free(san);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return hits == o->n && k == o->n;
}

void
key_print(char thumb[44], X509 *x)
{
	unsigned char *p = NULL;
	int n = i2d_PUBKEY(X509_get0_pubkey(x), &p);
	struct buf jwk;
	struct err err;

	buf_init(&jwk, 1000);
	if (jws_jwk(&jwk, p, (size_t)n, &err) != 0)
		abort();
	jws_thumbprint(thumb, jwk.data, jwk.len);
	buf_free(&jwk);
	OPENSSL_free(p);
}

bool
asks_for_staple(X509_REQ *req)
{
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
	bool asks = X509v3_get_ext_by_NID(exts, NID_tlsfeature, -1) >= 0;

	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return asks;
}

X509_REQ *
read_csr(const char *csr64)
{
	const unsigned char *p;
	struct blob der;
	X509_REQ *req;

	if (!text_unb64u(&der, csr64, strlen(csr64)))
		return NULL;
	p = der.p;
	req = d2i_X509_REQ(NULL, &p, (long)der.len);
	blob_free(&der);
	return req;
}

bool
issue(struct sim_order *o, X509_REQ *req)
{
	char san[NAMES_MAX * 140] = "";
	X509 *x;
	int i;

	if (!csr_fits(req, o))
		return false;
	for (i = 0; i < o->n; i++)
		snprintf(san + strlen(san), sizeof(san) - strlen(san),
		    "%sDNS:%s", i > 0 ? "," : "", o->names[i]);
	x = bare(X509_REQ_get0_pubkey(req), its_now(), its_now() +
	    ca.lifetime, X509_get_subject_name(ca.issuer));
	extension(x, ca.issuer, NID_subject_alt_name, san);
	extension(x, ca.issuer, NID_authority_key_identifier, "keyid");
	extension(x, ca.issuer, NID_ext_key_usage, "serverAuth");
	if (ca.staple == STAPLE_GRANTS && asks_for_staple(req))
		extension(x, ca.issuer, NID_tlsfeature, "status_request");
	X509_sign(x, ca.key, EVP_sha256());
	o->chain = pem_of(x);
	o->serial = ca.serial;
	key_print(o->key, x);
	o->issued_ms = sim_mono();
	X509_free(x);
	return true;
}
