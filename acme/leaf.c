/* The facts of a certificate that the inventory keeps: dates, serial, hashes,
 * issuer, names, and the id under which ARI knows it (RFC 9773). */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>
#include "acme/pem.h"
#include "base/text.h"

static void
hash(char out[65], struct blob der)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];

	assert(der.p != NULL || der.len == 0);
	SHA256(der.p, der.len, sum);
	text_hex(out, sum, sizeof(sum));
	blob_free(&der);
}

/* The content octets of the INTEGER, with the zero in front that a set top
 * bit needs: some CAs know the certificate only by these. */
static struct blob
serial_octets(const X509 *x)
{
	struct blob out = { NULL, 0 };
	const unsigned char *p;
	unsigned char *der = NULL;
	long len = 0;
	int tag, class, n;

	n = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der);
	p = der;
	if (n > 0 && (ASN1_get_object(&p, &len, &tag, &class, n) & 0x80) == 0)
		out = blob_copy(p, (size_t)len);
	OPENSSL_free(der);
	return out;
}

/* Magnitude in hex, without zeros in front; "-" if it is negative. */
static int
read_serial(char out[80], const X509 *x, struct err *err)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	int n = ASN1_STRING_length(serial);
	bool negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;

	if (n < 0 || n > 39)
		return err_set(err, ERR_CERT_BAD,
		    "the certificate has a serial number of %d bytes", n);
	out[0] = '-';
	text_hex(out + negative, ASN1_STRING_get0_data(serial), (size_t)n);
	return 0;
}

/* RFC 9773 section 4.1: key identifier of the issuer, ".", serial number. */
static void
read_ari_id(char *out, size_t size, X509 *x)
{
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(x);
	struct blob serial = serial_octets(x);
	struct buf b;

	assert(size > 1);
	out[0] = '\0';
	buf_init(&b, size - 1);
	if (aki != NULL && ASN1_STRING_length(aki) > 0 && serial.len > 0) {
		text_b64u(&b, ASN1_STRING_get0_data(aki),
		    (size_t)ASN1_STRING_length(aki));
		buf_putc(&b, '.');
		text_b64u(&b, serial.p, serial.len);
		if (!b.full)
			memcpy(out, b.data, b.len + 1);
	}
	buf_free(&b);
	blob_free(&serial);
}

/* Words that begin the names of CAs nobody trusts; a letter after them makes
 * another word ("Testa"). */
static bool
is_test_ca(const char *issuer)
{
	static const char *const words[] = {
		"staging", "pebble", "fake le", "test"
	};
	const char *p;
	size_t i, n;

	for (p = issuer; *p != '\0'; p++) {
		if (p > issuer && isalpha((unsigned char)p[-1]))
			continue;
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			n = strlen(words[i]);
			if (strncasecmp(p, words[i], n) == 0 &&
			    !isalpha((unsigned char)p[n]))
				return true;
		}
	}
	return false;
}

/* status_request, in the words of RFC 7633. */
static bool
must_staple(const X509 *x)
{
	TLS_FEATURE *f = X509_get_ext_d2i(x, NID_tlsfeature, NULL, NULL);
	bool found = false;
	int i;

	for (i = 0; i < sk_ASN1_INTEGER_num(f); i++)
		if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(f, i)) ==
		    TLSEXT_TYPE_status_request)
			found = true;
	TLS_FEATURE_free(f);
	return found;
}

static int
read_facts(struct acme_leaf *out, X509 *x, struct err *err)
{
	if (!pem_time(&out->not_before_ms, X509_get0_notBefore(x)) ||
	    !pem_time(&out->not_after_ms, X509_get0_notAfter(x)))
		return err_set(err, ERR_CERT_BAD,
		    "the certificate has a date that is none");
	if (read_serial(out->serial, x, err) != 0)
		return -1;
	hash(out->sha256, pem_der(x));
	hash(out->spki_sha256, pem_spki(x));
	read_ari_id(out->ari_id, sizeof(out->ari_id), x);
	pem_title(out->issuer, sizeof(out->issuer), X509_get_issuer_name(x));
	out->test_ca = is_test_ca(out->issuer);
	out->must_staple = must_staple(x);
	return pem_names(&out->names, x, err);
}

int
acme_leaf_read(struct acme_leaf *out, const void *pem, size_t n,
    struct err *err)
{
	struct pem_certs c;
	int rc;

	memset(out, 0, sizeof(*out));
	if (pem_read(&c, pem, n, ACME_CERTS_MAX, err) != 0)
		return -1;
	assert(c.n >= 1);
	rc = read_facts(out, c.x[0], err);
	pem_free(&c);
	ERR_clear_error();
	return rc;
}

int
acme_pem_der(struct blob *der, const void *pem, size_t n, struct err *err)
{
	struct pem_certs c;

	if (pem_read(&c, pem, n, ACME_CERTS_MAX, err) != 0)
		return -1;
	*der = pem_der(c.x[0]);
	pem_free(&c);
	ERR_clear_error();
	return 0;
}
