/* A CSR that somebody else made: its names and its key, once its signature
 * shows that its maker has the key. */
#include <config.h>
#include <assert.h>
#include <limits.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "acme/pem.h"
#include "base/name.h"

/* Security bits: RSA of 2048 bits has 112 (NIST SP 800-57), as all CAs want. */
enum { CSR_MAX = 32 * 1024, STRENGTH_MIN = 112 };

static int
bad(struct err *err, const char *why)
{
	assert(why[0] != '\0');
	err_set(err, ERR_CSR_REFUSED, "the CSR %s", why);
	return err_advise(err, "Make another one.");
}

/* A common name that is a host's counts; others are for people. */
static void
add_common_name(struct strv *out, const X509_REQ *req)
{
	char raw[256], name[256];
	enum name_kind kind;
	struct err unused;

	if (X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(req),
	    NID_commonName, raw, sizeof(raw)) > 0 &&
	    name_parse(name, &kind, raw, &unused) == 0 &&
	    !strv_has(out, name))
		strv_add(out, name);
}

static int
read_names(struct strv *out, X509_REQ *req, struct err *err)
{
	assert(out->n == 0);
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
	GENERAL_NAMES *san = X509V3_get_d2i(exts, NID_subject_alt_name, NULL,
	    NULL);
	bool fine = pem_san(out, san);

	GENERAL_NAMES_free(san);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	if (!fine)
		return bad(err, "asks for a name that is neither a host nor "
		    "an address");
	add_common_name(out, req);
	return out->n > 0 ? 0 : bad(err, "asks for no name");
}

static int
read_spki(struct blob *out, X509_REQ *req, struct err *err)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &der);

	assert(out->len == 0);
	if (n > 0)
		*out = blob_copy(der, (size_t)n);
	OPENSSL_free(der);
	return n > 0 ? 0 : bad(err, "has a key that can't be read");
}

/* What every CA refuses, told before all names were validated for nothing. */
static int
check_strength(const X509_REQ *req, EVP_PKEY *key, struct err *err)
{
	int hash = NID_undef, kind;

	if (EVP_PKEY_get_security_bits(key) < STRENGTH_MIN) {
		err_set(err, ERR_CSR_REFUSED, "the CSR has a key that is too "
		    "weak (%s of %d bits)", EVP_PKEY_get0_type_name(key),
		    EVP_PKEY_get_bits(key));
		return err_advise(err, "Make a key of ECDSA P-256, or RSA of "
		    "2048 bits or more, and a CSR with it.");
	}
	if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(req), &hash,
	    &kind) == 1 && (hash == NID_sha1 || hash == NID_md5))
		return bad(err, "is signed with a hash that CAs refuse");
	return 0;
}

/* The signature proves that whoever made it has the key: else a CA would
 * refuse it only after all names were validated. */
static int
read_request(struct acme_csr *out, X509_REQ *req, struct err *err)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);

	if (key == NULL || X509_REQ_verify(req, key) != 1)
		return bad(err, "is not signed with its own key");
	if (check_strength(req, key, err) != 0)
		return -1;
	if (read_names(&out->names, req, err) != 0)
		return -1;
	return read_spki(&out->spki, req, err);
}

int
acme_csr_read(struct acme_csr *out, const void *der, size_t n,
    struct err *err)
{
	const unsigned char *p = der;
	X509_REQ *req = NULL;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	if (n > 0 && n <= CSR_MAX)
		req = d2i_X509_REQ(NULL, &p, (long)n);
	if (req == NULL || p != (const unsigned char *)der + n) {
		err_set(err, ERR_CSR_REFUSED, "it is no CSR");
		err_advise(err, "openssl req -new makes one.");
	}
	else
		rc = read_request(out, req, err);
	X509_REQ_free(req);
	assert(rc != 0 || (out->names.n > 0 && out->spki.len > 0));
	ERR_clear_error();
	if (rc != 0)
		acme_csr_free(out);
	return rc;
}

void
acme_csr_free(struct acme_csr *c)
{
	strv_free(&c->names);
	blob_free(&c->spki);
}
