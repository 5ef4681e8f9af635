/* Certificates for tls-alpn-01, made when a CA asks: 0.2 ms each, so nothing
 * is kept of them. */
#include <config.h>
#include <assert.h>
#include <stdbool.h>
#include <time.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include "acme/method.h"
#include "base/mem.h"
#include "daemon/alt_names.h"
#include "daemon/responder_cert.h"

enum { SERIAL = 1, DAY_S = 86400 };

EVP_PKEY *
challenge_key(void)
{
	return EVP_EC_gen("P-256");
}

/* id-pe-acmeIdentifier: an OCTET STRING in the extension's own. */
static bool
add_identifier(X509 *cert, const char *keyauth)
{
	uint8_t der[METHOD_EXTENSION];
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	bool done;

	assert(cert != NULL && keyauth != NULL);
	method_extension(der, keyauth);
	done = oid != NULL && value != NULL &&
	    ASN1_OCTET_STRING_set(value, der, sizeof(der)) == 1;
	if (done)
		ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
	done = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return done;
}

static bool
add_name(X509 *cert, const char *host)
{
	char *one = (char *)(uintptr_t)host;
	const struct strv names = { &one, 1 };
	STACK_OF(X509_EXTENSION) *exts = alt_names(&names);
	bool done = exts != NULL &&
	    X509_add_ext(cert, sk_X509_EXTENSION_value(exts, 0), -1) == 1;

	assert(cert != NULL && host != NULL);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return done;
}

/* Nobody reads it; but a certificate without one is refused by some. */
static bool
set_subject(X509 *cert)
{
	static const char cn[] = "ACME challenge";
	X509_NAME *name = X509_get_subject_name(cert);

	assert(cert != NULL);
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, name) == 1;
}

/* RFC 8737 section 3: the name and the answer's digest, and nothing else. */
X509 *
challenge_cert(EVP_PKEY *key, const char *host, const char *keyauth)
{
	X509 *cert = X509_new();
	time_t now = time(NULL);

	assert(key != NULL && host != NULL && keyauth != NULL);
	if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), SERIAL) == 1 &&
	    ASN1_TIME_set(X509_getm_notBefore(cert), now - DAY_S) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(cert), now + DAY_S) != NULL &&
	    set_subject(cert) && X509_set_pubkey(cert, key) == 1 &&
	    add_name(cert, host) && add_identifier(cert, keyauth) &&
	    X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}
