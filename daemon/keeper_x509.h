/* What the keeper signs about a certificate's key: the request for it, and
 * the placeholder that stands in until the CA has answered. */
#ifndef DAEMON_KEEPER_X509_H
#define DAEMON_KEEPER_X509_H
#include <stdbool.h>
#include <stdint.h>
#include <openssl/evp.h>
#include "base/err.h"
#include "base/mem.h"

/* Every name is canonical (name_parse) and there is at least one; else
 * ERR_INVALID. */
int x509_names_fine(const struct strv *names, struct err *err);
/* PKCS#10, RFC 2986: empty subject, subjectAltName, perhaps the TLS feature of
 * RFC 7633, and nothing else. */
int x509_request(struct blob *der, EVP_PKEY *key, const struct strv *names,
    bool must_staple, struct err *err);
/* Self-signed, from an hour before now_ms to 7 days after it. */
int x509_placeholder(struct blob *der, EVP_PKEY *key,
    const struct strv *names, int64_t now_ms, struct err *err);
#endif
