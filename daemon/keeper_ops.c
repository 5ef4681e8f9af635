/* Where keys are made, sealed, opened and used. An account's sealed plaintext
 * is u16 length of its origin, the origin, PKCS#8: so the origin cannot be
 * changed without the KEK. A certificate's is PKCS#8 alone. */
#include <config.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <openssl/crypto.h>
#include "acme/jws.h"
#include "daemon/keeper.h"
#include "daemon/keeper_key.h"
#include "daemon/keeper_x509.h"

enum { ORIGIN_MAX = 256, JWS_MAX = 128 * 1024 };

static const char account_kind[] = "account", cert_kind[] = "cert";

static int
seal_key(struct blob *sealed, const struct kek *kek,
    const struct seal_for *to, EVP_PKEY *key, struct err *err)
{
	struct blob der;
	int rc;

	if (key_write(&der, key, err) != 0)
		return -1;
	rc = seal_close(sealed, kek, to, &der, err);
	blob_wipe(&der);
	return rc;
}

static EVP_PKEY *
open_key(const struct kek *kek, const struct seal_for *to,
    const struct blob *sealed, struct err *err)
{
	struct blob der;
	EVP_PKEY *key;

	if (seal_open(&der, kek, to, sealed, err) != 0)
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
	EVP_PKEY *key;

	if (seal_open(&der, kek, &to, &q->sealed, err) != 0)
		return -1;
	key = key_read(der.p, der.len, err);
	if (key != NULL) {
		key_pem(&a->key, &der);
		a->cert = q->cert;
		a->version = q->version;
	}
	blob_wipe(&der);
	EVP_PKEY_free(key);
	return key != NULL ? 0 : -1;
}

int
keeper_seal(const struct kek *kek, const void *in, void *out, struct err *err)
{
	const struct w_seal *q = in;
	struct w_sealed *a = out;
	struct seal_for to = { cert_kind, q->cert, q->version };
	struct blob der;
	EVP_PKEY *key;
	int rc = -1;

	if (key_unpem(&der, &q->key, err) != 0)
		return -1;
	key = key_read(der.p, der.len, err);
	if (key != NULL)
		rc = seal_close(&a->sealed, kek, &to, &der, err);
	blob_wipe(&der);
	EVP_PKEY_free(key);
	return rc;
}

/* "https://" host [":" port], lower case, and nothing behind it. */
static bool
is_origin(const char *s)
{
	static const char scheme[] = "https://";
	size_t n = strlen(s);

	if (n <= sizeof(scheme) - 1 || n > ORIGIN_MAX ||
	    strncmp(s, scheme, sizeof(scheme) - 1) != 0)
		return false;
	s += sizeof(scheme) - 1;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") ==
	    strlen(s);
}

static struct blob
account_plain(const char *origin, const struct blob *der)
{
	size_t n = strlen(origin);
	struct blob plain = { xcalloc(2 + n + der->len, 1),
		2 + n + der->len };

	plain.p[0] = (uint8_t)n;
	plain.p[1] = (uint8_t)(n >> 8);
	memcpy(plain.p + 2, origin, n);
	memcpy(plain.p + 2 + n, der->p, der->len);
	return plain;
}

int
keeper_account_key(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	const struct w_account_key *q = in;
	struct w_key *a = out;
	struct seal_for to = { account_kind, q->account, 0 };
	struct blob der = { NULL, 0 }, plain;
	EVP_PKEY *key;
	int rc;

	if (!is_origin(q->origin))
		return err_set(err, ERR_INVALID, "account %016" PRIx64
		    ": \"%s\" is no origin (https://host or "
		    "https://host:port)", q->account, q->origin);
	key = key_make(q->alg, err);
	if (key == NULL)
		return -1;
	rc = key_write(&der, key, err);
	if (rc == 0) {
		plain = account_plain(q->origin, &der);
		rc = seal_close(&a->sealed, kek, &to, &plain, err);
		blob_wipe(&plain);
	}
	if (rc == 0 && (rc = key_public(&a->spki, key, err)) != 0)
		blob_free(&a->sealed);
	blob_wipe(&der);
	EVP_PKEY_free(key);
	return rc;
}

/* The key that the request brings, or a new one, and its sealed form. */
static EVP_PKEY *
csr_key(const struct kek *kek, const struct w_csr *q, struct blob *sealed,
    struct err *err)
{
	struct seal_for to = { cert_kind, q->cert, q->version };
	EVP_PKEY *key;

	if (q->sealed.len > 0) {
		key = open_key(kek, &to, &q->sealed, err);
		if (key != NULL)
			*sealed = blob_copy(q->sealed.p, q->sealed.len);
		return key;
	}
	key = key_make(q->alg, err);
	if (key != NULL && seal_key(sealed, kek, &to, key, err) != 0) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

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
	rc = x509_request(&a->csr, key, &q->names, err);
	if (rc == 0 && (rc = key_public(&a->spki, key, err)) != 0)
		blob_free(&a->csr);
	if (rc != 0)
		blob_free(&a->sealed);
	EVP_PKEY_free(key);
	return rc;
}

int
keeper_placeholder(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	const struct w_placeholder *q = in;
	struct w_placed *a = out;
	struct seal_for to = { cert_kind, q->cert, 0 };
	EVP_PKEY *key;
	int rc;

	if (x509_names_fine(&q->names, err) != 0)
		return -1;
	key = key_make(q->alg, err);
	if (key == NULL)
		return -1;
	rc = x509_placeholder(&a->leaf, key, &q->names, q->now_ms, err);
	if (rc == 0 && (rc = key_public(&a->spki, key, err)) != 0)
		blob_free(&a->leaf);
	if (rc == 0 && (rc = seal_key(&a->sealed, kek, &to, key, err)) != 0) {
		blob_free(&a->leaf);
		blob_free(&a->spki);
	}
	EVP_PKEY_free(key);
	return rc;
}

/* The account's key and the origin that was sealed with it. */
static EVP_PKEY *
open_account(const struct kek *kek, const struct w_jws *q,
    char origin[ORIGIN_MAX + 1], struct err *err)
{
	struct seal_for to = { account_kind, q->account, 0 };
	EVP_PKEY *key = NULL;
	struct blob plain;
	size_t n;

	if (seal_open(&plain, kek, &to, &q->sealed, err) != 0)
		return NULL;
	n = plain.len >= 2 ? plain.p[0] | (size_t)plain.p[1] << 8 : 0;
	if (n == 0 || n > ORIGIN_MAX || n > plain.len - 2)
		err_set(err, ERR_SEAL, "key of account %016" PRIx64
		    ": what was sealed is no account's key", q->account);
	else {
		memcpy(origin, plain.p + 2, n);
		origin[n] = '\0';
		key = key_read(plain.p + 2 + n, plain.len - 2 - n, err);
	}
	blob_wipe(&plain);
	return key;
}

static int
public_jwk(struct buf *jwk, EVP_PKEY *key, struct err *err)
{
	struct blob spki;
	int rc;

	if (key_public(&spki, key, err) != 0)
		return -1;
	rc = jws_jwk(jwk, spki.p, spki.len, err);
	blob_free(&spki);
	return rc;
}

static int
sign_request(struct buf *jws, EVP_PKEY *key, const struct w_jws *q,
    const char *origin, struct err *err)
{
	const struct jws_request r = { .what = (enum jws_what)q->what,
		.url = q->url, .nonce = q->nonce, .kid = q->kid,
		.contacts = &q->contacts, .agreed = q->agreed != 0,
		.names = &q->names, .profile = q->profile,
		.replaces = q->replaces, .not_before = q->not_before,
		.not_after = q->not_after, .csr = q->csr };
	uint8_t sig[KEY_ES256];
	struct buf jwk, input;
	int rc;

	buf_init(&jwk, 1024);
	buf_init(&input, JWS_MAX);
	rc = public_jwk(&jwk, key, err);
	if (rc == 0)
		rc = jws_compose(&input, &r, origin, jwk.data, err);
	if (rc == 0)
		rc = key_sign_es256(sig, key, input.data, input.len, err);
	if (rc == 0)
		jws_flatten(jws, &input, sig, sizeof(sig));
	buf_free(&jwk);
	buf_free(&input);
	return rc;
}

/* The payload that gives an authorization up gives the whole account up when
 * it is sent to the account's address, which only an operator may ask for. So
 * neither that address nor another spelling of it is signed for. */
static bool
may_be_account(const struct w_jws *q)
{
	const char *path = q->url + strlen("https://");

	return strncasecmp(q->url, q->kid, strlen(q->kid)) == 0 ||
	    strpbrk(q->url, "?#%\\") != NULL || strstr(path, "//") != NULL ||
	    strstr(path, "/.") != NULL;
}

int
keeper_jws(const struct kek *kek, const void *in, void *out, struct err *err)
{
	const struct w_jws *q = in;
	struct w_jws_done *a = out;
	char origin[ORIGIN_MAX + 1];
	EVP_PKEY *key;
	struct buf jws;
	int rc;

	if (strncmp(q->url, "https://", 8) != 0)
		return err_set(err, ERR_INVALID, "request: \"%.80s\" is no "
		    "https address", q->url);
	if (q->what == JWS_DEACTIVATE_AUTHZ && may_be_account(q))
		return err_set(err, ERR_NEEDS_OPERATOR, "request: \"%.80s\" "
		    "may be the account itself, which is given up by an "
		    "operator only", q->url);
	key = open_account(kek, q, origin, err);
	if (key == NULL)
		return -1;
	buf_init(&jws, JWS_MAX);
	rc = sign_request(&jws, key, q, origin, err);
	EVP_PKEY_free(key);
	if (rc == 0 && jws.full)
		rc = err_set(err, ERR_INVALID, "request: it is longer than "
		    "%d bytes", JWS_MAX);
	if (rc == 0)
		a->jws = blob_copy(jws.data, jws.len);
	buf_free(&jws);
	return rc;
}
