/* The certificate that answers tls-alpn-01 (RFC 8737 section 3). */
#ifndef DAEMON_RESPONDER_CERT_H
#define DAEMON_RESPONDER_CERT_H
#include <openssl/x509.h>

/* A key for such certificates. It proves nothing and is thrown away with the
 * process; one does for all. NULL if there is none to be had. */
EVP_PKEY *challenge_key(void);
/* Self-signed by key: one subjectAltName, host (a name or an address), and
 * the digest of keyauth as acmeIdentifier, critical. NULL: it could not be
 * made. The caller frees it. */
X509 *challenge_cert(EVP_PKEY *key, const char *host, const char *keyauth);
#endif
