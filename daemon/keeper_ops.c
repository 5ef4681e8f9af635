/* Where keys are made, sealed, opened and used. An account's sealed plaintext
 * is u16 length of its origin, the origin, PKCS#8: so the origin cannot be
 * changed without the KEK. A certificate's is PKCS#8 alone. */
#include <config.h>
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <openssl/crypto.h>
#include "acme/jws.h"
#include "daemon/keeper.h"
#include "daemon/keeper_key.h"
#include "daemon/keeper_parts.h"
#include "daemon/keeper_x509.h"

static const char account_kind[] = "account", cert_kind[] = "cert";

int
keeper_seal_cert(struct blob *sealed, const struct kek *kek, uint64_t cert,
    uint32_t version, EVP_PKEY *key, struct err *err)
{
	struct seal_for to = { cert_kind, cert, version };
	struct blob der;
	int rc;

	assert(key != NULL);
	if (key_write(&der, key, err) != 0)
		return -1;
	rc = seal_close(sealed, kek, &to, &der, err);
	blob_wipe(&der);
	return rc;
}

/* NULL also for a key that was sealed for another certificate or version. */
EVP_PKEY *
keeper_open_cert(const struct kek *kek, uint64_t cert, uint32_t version,
    const struct blob *sealed, struct err *err)
{
	struct seal_for to = { cert_kind, cert, version };
	struct blob der;
	EVP_PKEY *key;

	assert(sealed->len == 0 || sealed->p != NULL);
	if (seal_open(&der, kek, &to, sealed, err) != 0)
		return NULL;
	key = key_read(der.p, der.len, err);
	blob_wipe(&der);
	return key;
}

int
keeper_open(const struct kek *kek, const void *in, void *out, struct err *err)
{
	const struct w_open *q = in;
	struct w_opened *a = out;
	struct seal_for to = { cert_kind, q->cert, q->version };
	struct blob der;
	int rc;

	if (seal_open(&der, kek, &to, &q->sealed, err) != 0)
		return -1;
	/* Whether it is the right one the verifier says. */
	rc = key_is_pkcs8(&der, err);
	if (rc == 0) {
		key_pem(&a->key, &der);
		a->cert = q->cert;
		a->version = q->version;
	}
	blob_wipe(&der);
	return rc;
}

/* "https://" host [":" port], lower case, and nothing behind it. */
static bool
is_origin(const char *s)
{
	static const char scheme[] = "https://";
	size_t n = strlen(s);

	assert(s != NULL);
	if (n <= sizeof(scheme) - 1 || n > ORIGIN_MAX ||
	    strncmp(s, scheme, sizeof(scheme) - 1) != 0)
		return false;
	s += sizeof(scheme) - 1;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") ==
	    strlen(s);
}

int
keeper_check_origin(uint64_t account, const char *origin, struct err *err)
{
	return is_origin(origin) ? 0 : err_set(err, ERR_INVALID, "account %016"
	    PRIx64 ": \"%s\" is no origin (https://host or "
	    "https://host:port)", account, origin);
}

/* The origin stands before the key, under the same seal: who could change it
 * could have our account used elsewhere. */
static struct blob
account_plain(const char *origin, const struct blob *der)
{
	size_t n = strlen(origin);
	struct blob plain = { xcalloc(2 + n + der->len, 1),
		2 + n + der->len };

	assert(n <= ORIGIN_MAX);
	plain.p[0] = (uint8_t)n;
	plain.p[1] = (uint8_t)(n >> 8);
	memcpy(plain.p + 2, origin, n);
	memcpy(plain.p + 2 + n, der->p, der->len);
	return plain;
}

int
keeper_seal_account(struct w_key *out, const struct kek *kek,
    uint64_t account, const char *origin, EVP_PKEY *key, struct err *err)
{
	struct seal_for to = { account_kind, account, 0 };
	struct blob der = { NULL, 0 }, plain;
	struct buf jwk;
	int rc;

	assert(key != NULL && out->sealed.p == NULL);
	buf_init(&jwk, JWK_MAX);
	rc = key_public(&out->spki, key, err);
	if (rc == 0)
		rc = jws_jwk(&jwk, out->spki.p, out->spki.len, err);
	if (rc == 0)
		rc = key_write(&der, key, err);
	if (rc == 0) {
		plain = account_plain(origin, &der);
		rc = seal_close(&out->sealed, kek, &to, &plain, err);
		blob_wipe(&plain);
	}
	if (rc != 0)
		blob_free(&out->spki);
	blob_wipe(&der);
	buf_free(&jwk);
	return rc;
}

int
keeper_account_key(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	const struct w_account_key *q = in;
	EVP_PKEY *key;
	int rc;

	if (keeper_check_origin(q->account, q->origin, err) != 0)
		return -1;
	key = key_make(q->alg, err);
	if (key == NULL)
		return -1;
	rc = keeper_seal_account(out, kek, q->account, q->origin, key, err);
	EVP_PKEY_free(key);
	return rc;
}

/* The key that the request brings, or a new one, and its sealed form. One of
 * an older version is from now on this one's, too. */
static EVP_PKEY *
csr_key(const struct kek *kek, const struct w_csr *q, struct blob *sealed,
    struct err *err)
{
	uint32_t from = q->from != 0 ? q->from : q->version;
	EVP_PKEY *key = q->sealed.len > 0 ?
	    keeper_open_cert(kek, q->cert, from, &q->sealed, err) :
	    key_make(q->alg, err);

	assert(sealed->p == NULL);
	if (key != NULL && q->sealed.len > 0 && from == q->version) {
		*sealed = blob_copy(q->sealed.p, q->sealed.len);
		return key;
	}
	if (key != NULL && keeper_seal_cert(sealed, kek, q->cert, q->version,
	    key, err) != 0) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

/* The key that is in no other request, or in the one before, if the wish
 * says so; its sealed form goes along. */
int
keeper_csr(const struct kek *kek, const void *in, void *out, struct err *err)
{
	const struct w_csr *q = in;
	struct w_csr_done *a = out;
	EVP_PKEY *key;
	int rc;

	if (q->version == 0)
		return err_set(err, ERR_INVALID, "certificate %016" PRIx64
		    ": version 0 is the placeholder, for which there is no "
		    "request", q->cert);
	if (x509_names_fine(&q->names, err) != 0)
		return -1;
	key = csr_key(kek, q, &a->sealed, err);
	if (key == NULL)
		return -1;
	assert(a->sealed.len > 0);
	rc = x509_request(&a->csr, key, &q->names, q->must_staple != 0,
	    err);
	if (rc == 0 && (rc = key_public(&a->spki, key, err)) != 0)
		blob_free(&a->csr);
	if (rc != 0)
		blob_free(&a->sealed);
	EVP_PKEY_free(key);
	return rc;
}

/* Signed by itself and for a week: something to start a server with. */
int
keeper_placeholder(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	const struct w_placeholder *q = in;
	struct w_placed *a = out;
	EVP_PKEY *key;
	int rc;

	assert(a->leaf.p == NULL);
	if (x509_names_fine(&q->names, err) != 0)
		return -1;
	key = key_make(q->alg, err);
	if (key == NULL)
		return -1;
	rc = x509_placeholder(&a->leaf, key, &q->names, q->now_ms, err);
	if (rc == 0 && (rc = key_public(&a->spki, key, err)) != 0)
		blob_free(&a->leaf);
	if (rc == 0 && (rc = keeper_seal_cert(&a->sealed, kek, q->cert, 0,
	    key, err)) != 0) {
		blob_free(&a->leaf);
		blob_free(&a->spki);
	}
	EVP_PKEY_free(key);
	return rc;
}

/* The key, and the one CA that it may speak to. */
EVP_PKEY *
keeper_open_account(const struct kek *kek, uint64_t account,
    const struct blob *sealed, char origin[ORIGIN_MAX + 1], struct err *err)
{
	struct seal_for to = { account_kind, account, 0 };
	EVP_PKEY *key = NULL;
	struct blob plain;
	size_t n;

	if (seal_open(&plain, kek, &to, sealed, err) != 0)
		return NULL;
	n = plain.len >= 2 ? plain.p[0] | (size_t)plain.p[1] << 8 : 0;
	if (n == 0 || n > ORIGIN_MAX || n > plain.len - 2)
		err_set(err, ERR_SEAL, "key of account %016" PRIx64
		    ": what was sealed is no account's key", account);
	else {
		assert(n <= ORIGIN_MAX);
		memcpy(origin, plain.p + 2, n);
		origin[n] = '\0';
		key = key_read(plain.p + 2 + n, plain.len - 2 - n, err);
	}
	blob_wipe(&plain);
	return key;
}
