/* Keys as JOSE names them: the public half as a JWK (RFC 7517, 7518), its
 * thumbprint (RFC 7638), and the algorithm that goes with it. The keys are our
 * own, so what does not look exactly as we write it is refused. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include "acme/jws.h"
#include "base/text.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 4096, HEAD_MAX = 27 };

/* What goes before the point in the SubjectPublicKeyInfo of a curve's key
 * (RFC 5480): two object ids and "BIT STRING, uncompressed". */
static const struct curve {
	enum jws_alg alg;
	const char *name;
	size_t coordinate, head_len;
	unsigned char head[HEAD_MAX];
} curves[] = {
	{ JWS_ES256, "P-256", 32, 27, { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07,
	    0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
	    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 } },
	{ JWS_ES384, "P-384", 48, 24, { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07,
	    0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
	    0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04 } }
};

const char *
jws_alg_name(enum jws_alg alg)
{
	static const char *const names[JWS_ALG_COUNT] = {
		[JWS_ES256] = "ES256", [JWS_ES384] = "ES384",
		[JWS_RS256] = "RS256"
	};

	assert(alg < JWS_ALG_COUNT);
	return names[alg];
}

static const struct curve *
curve_of(const unsigned char *spki, size_t n)
{
	size_t i;

	assert(spki != NULL || n == 0);
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (n == curves[i].head_len + 2 * curves[i].coordinate &&
		    memcmp(spki, curves[i].head, curves[i].head_len) == 0)
			return &curves[i];
	return NULL;
}

static void
curve_jwk(struct buf *out, const struct curve *c, const unsigned char *point)
{
	assert(c->head_len <= HEAD_MAX);
	buf_printf(out, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"", c->name);
	text_b64u(out, point, c->coordinate);
	buf_puts(out, "\",\"y\":\"");
	text_b64u(out, point + c->coordinate, c->coordinate);
	buf_puts(out, "\"}");
}

/* A number without leading zeros. */
static bool
add_number(struct buf *out, EVP_PKEY *key, const char *which)
{
	unsigned char bytes[RSA_BITS_MAX / 8];
	BIGNUM *bn = NULL;
	bool done = EVP_PKEY_get_bn_param(key, which, &bn) == 1 &&
	    BN_num_bytes(bn) <= (int)sizeof(bytes);

	if (done)
		text_b64u(out, bytes, (size_t)BN_bn2bin(bn, bytes));
	BN_free(bn);
	return done;
}

static bool
rsa_jwk(struct buf *out, const unsigned char *spki, size_t n)
{
	const unsigned char *p = spki;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)n);
	bool done = key != NULL && p == spki + n && EVP_PKEY_is_a(key, "RSA") &&
	    EVP_PKEY_get_bits(key) >= RSA_BITS_MIN &&
	    EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;

	if (done) {
		buf_puts(out, "{\"e\":\"");
		done = add_number(out, key, "e");
		buf_puts(out, "\",\"kty\":\"RSA\",\"n\":\"");
		done = add_number(out, key, "n") && done;
		buf_puts(out, "\"}");
	}
	EVP_PKEY_free(key);
	ERR_clear_error();
	return done;
}

int
jws_jwk(struct buf *out, const void *spki, size_t n, struct err *err)
{
	const struct curve *c = curve_of(spki, n);

	if (c != NULL)
		curve_jwk(out, c, (const unsigned char *)spki + c->head_len);
	else if (!rsa_jwk(out, spki, n)) {
		err_set(err, ERR_KEEPER, "the account's public key is neither "
		    "of P-256 or P-384 nor RSA of %d to %d bits", RSA_BITS_MIN,
		    RSA_BITS_MAX);
		return err_advise(err, "CAs take no other keys for accounts.");
	}
	return out->full ? err_set(err, ERR_INTERNAL,
	    "no room for the account's public key") : 0;
}

enum jws_alg
jws_alg_of(const void *spki, size_t n)
{
	const struct curve *c = curve_of(spki, n);

	return c != NULL ? c->alg : JWS_RS256;
}

void
jws_thumbprint(char out[44], const char *jwk, size_t n)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	struct buf b;

	assert(jwk[0] == '{' && n > 0);
	SHA256((const unsigned char *)jwk, n, hash);
	buf_init(&b, 43);
	text_b64u(&b, hash, sizeof(hash));
	assert(b.len == 43);
	memcpy(out, b.data, 44);
	buf_free(&b);
}
