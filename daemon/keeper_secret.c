/* HMAC keys: of CAs, for external accounts, and of name servers, for TSIG. A
 * key has one use: the engine may have any DNS message signed, and must not
 * get a binding for another's account out of that, nor the other way round. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include "acme/jws.h"
#include "daemon/keeper.h"
#include "daemon/keeper_secret.h"

enum { SECRETS_MAX = 256, NAME_MAX_LEN = 64, TSIG_KEY_MIN = 16,
	MESSAGE_MIN = 12, INPUT_MAX = 8192 };

/* RFC 8945 section 6; those that are too weak are not there. */
static const char *const tsig_algs[JWS_MAC_COUNT] = {
	[JWS_HS256] = "hmac-sha256", [JWS_HS384] = "hmac-sha384",
	[JWS_HS512] = "hmac-sha512"
};

static struct {
	struct secret {
		uint8_t kind;
		char name[NAME_MAX_LEN + 1];
		enum jws_mac mac;
		struct blob key;
	} v[SECRETS_MAX];
	size_t n;
} secrets;

static struct secret *
find(uint8_t kind, const char *name)
{
	size_t i;

	assert(secrets.n <= SECRETS_MAX);
	for (i = 0; i < secrets.n; i++)
		if (secrets.v[i].kind == kind &&
		    strcmp(secrets.v[i].name, name) == 0)
			return &secrets.v[i];
	return NULL;
}

/* JWS_MAC_COUNT: no such algorithm for that kind. */
static enum jws_mac
mac_of(const struct w_secret *q)
{
	int i = 0;

	if (q->kind == SECRET_EAB)
		return jws_mac_find(q->alg);
	while (i < JWS_MAC_COUNT && strcmp(tsig_algs[i], q->alg) != 0)
		i++;
	return (enum jws_mac)i;
}

/* In constant time: who could measure it would learn something of a secret. */
static bool
has_other_use(const struct w_secret *q)
{
	size_t i;

	assert(q->secret.len == 0 || q->secret.p != NULL);
	for (i = 0; i < secrets.n; i++)
		if (secrets.v[i].kind != q->kind &&
		    secrets.v[i].key.len == q->secret.len &&
		    CRYPTO_memcmp(secrets.v[i].key.p, q->secret.p,
		    q->secret.len) == 0)
			return true;
	return false;
}

static int
check(const struct w_secret *q, enum jws_mac mac, struct err *err)
{
	const char *block = q->kind == SECRET_EAB ? "ca" : "dns";
	size_t min = TSIG_KEY_MIN;

	if ((q->kind != SECRET_EAB && q->kind != SECRET_TSIG) ||
	    q->name[0] == '\0')
		return err_set(err, ERR_INVALID, "secret: of no known kind");
	if (mac == JWS_MAC_COUNT)
		return err_set(err, ERR_CONFIG_BAD, "secret of %s \"%s\": "
		    "\"%s\" is no algorithm for it", block, q->name, q->alg);
	if (q->kind == SECRET_EAB)
		min = jws_mac_key_min(mac);
	if (q->secret.len < min) {
		err_set(err, ERR_CONFIG_BAD, "secret of %s \"%s\": it has %zu "
		    "bytes, and %s wants %zu at least", block, q->name,
		    q->secret.len, q->alg, min);
		return err_advise(err, "Copy it whole from where it was "
		    "given to you.");
	}
	if (!has_other_use(q))
		return 0;
	err_set(err, ERR_CONFIG_BAD, "secret of %s \"%s\": a block of another "
	    "kind has the same one", block, q->name);
	return err_advise(err, "Give each its own.");
}

/* One that comes again takes the place of the one before. */
int
keeper_secret(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	const struct w_secret *q = in;
	enum jws_mac mac = mac_of(q);
	struct secret *s;

	(void)kek;
	(void)out;
	if (check(q, mac, err) != 0)
		return -1;
	s = find(q->kind, q->name);
	if (s == NULL && secrets.n == SECRETS_MAX)
		return err_set(err, ERR_CONFIG_BAD, "secrets: there are more "
		    "than %d", SECRETS_MAX);
	if (s == NULL)
		s = &secrets.v[secrets.n++];
	assert(s >= secrets.v && s < secrets.v + secrets.n);
	blob_wipe(&s->key);
	s->kind = q->kind;
	s->mac = mac;
	memcpy(s->name, q->name, strlen(q->name) + 1);
	s->key = blob_copy(q->secret.p, q->secret.len);
	return 0;
}

int
keeper_forget(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	(void)kek;
	(void)in;
	(void)out;
	(void)err;
	while (secrets.n > 0)
		blob_wipe(&secrets.v[--secrets.n].key);
	memset(&secrets, 0, sizeof(secrets));
	return 0;
}

static bool
mac_with(uint8_t out[EVP_MAX_MD_SIZE], size_t *n, const struct secret *s,
    const void *p, size_t len)
{
	const EVP_MD *md = s->mac == JWS_HS256 ? EVP_sha256() :
	    s->mac == JWS_HS384 ? EVP_sha384() : EVP_sha512();
	unsigned int got = 0;
	bool done = HMAC(md, s->key.p, (int)s->key.len, p, len, out, &got) !=
	    NULL;

	assert(s->mac < JWS_MAC_COUNT && s->key.len > 0);
	ERR_clear_error();
	*n = got;
	assert(*n <= EVP_MAX_MD_SIZE);
	return done;
}

/* Any DNS message, but with keys for DNS only: no binding comes out of this. */
int
keeper_tsig(const struct kek *kek, const void *in, void *out, struct err *err)
{
	const struct w_tsig *q = in;
	struct w_mac *a = out;
	const struct secret *s = find(SECRET_TSIG, q->dns);
	uint8_t mac[EVP_MAX_MD_SIZE];
	size_t n;

	(void)kek;
	if (s == NULL) {
		err_set(err, ERR_CONFIG_BAD, "dns \"%s\": its key is not "
		    "here", q->dns);
		return err_advise(err, "Look at its key-file, and at what the "
		    "log says about it, then: everleaf reload");
	}
	assert(s->kind == SECRET_TSIG);
	if (q->message.len < MESSAGE_MIN)
		return err_set(err, ERR_INVALID, "dns \"%s\": what should be "
		    "signed is no DNS message", q->dns);
	if (!mac_with(mac, &n, s, q->message.p, q->message.len))
		return err_set(err, ERR_KEEPER, "dns \"%s\": its message could "
		    "not be signed", q->dns);
	a->mac = blob_copy(mac, n);
	return 0;
}

int
secret_eab(struct buf *jws, const char *name, const char *kid,
    const char *url, const char *jwk, struct err *err)
{
	const struct secret *s = find(SECRET_EAB, name);
	uint8_t mac[EVP_MAX_MD_SIZE];
	struct buf input;
	size_t n;
	int rc;

	if (s == NULL) {
		err_set(err, ERR_EAB_NEEDED, "ca \"%s\": the HMAC key for "
		    "\"%s\" is not here", name, kid);
		return err_advise(err, "Look at its eab-key-file, and at what "
		    "the log says about it, then: everleaf reload");
	}
	assert(s->kind == SECRET_EAB);
	buf_init(&input, INPUT_MAX);
	rc = jws_eab(&input, s->mac, kid, url, jwk, err);
	if (rc == 0 && !mac_with(mac, &n, s, input.data, input.len))
		rc = err_set(err, ERR_KEEPER, "ca \"%s\": the binding could "
		    "not be made", name);
	if (rc == 0)
		jws_flatten(jws, &input, mac, n);
	buf_free(&input);
	return rc;
}
