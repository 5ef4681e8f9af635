/* AES-256-GCM with derived keys, bound to what the blob is for. */
#include <config.h>
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include "daemon/seal.h"

enum { HEAD = 8, IV = 12, TAG = 16, DERIVED = 32, LABEL = 128 };

static const uint8_t magic[4] = { 'E', 'V', 'S', 1 };

static void
put_id(uint8_t *p, uint32_t id)
{
	int i;

	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(id >> (8 * i));
}

static uint32_t
id_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

/* A key for each object, so that one that is found tells nothing of the
 * others. */
static bool
derive(uint8_t out[DERIVED], const struct kek *kek, const struct seal_for *to)
{
	char info[LABEL];
	int n = snprintf(info, sizeof(info), "everleaf1|%s|%016" PRIx64,
	    to->kind, to->object);
	OSSL_PARAM params[4];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool done;

	assert(n > 0 && (size_t)n < sizeof(info));
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
	    (char[]){ "SHA256" }, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
	    (void *)(uintptr_t)kek->key, sizeof(kek->key));
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
	    info, (size_t)n);
	params[3] = OSSL_PARAM_construct_end();
	done = ctx != NULL && EVP_KDF_derive(ctx, out, DERIVED, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return done;
}

/* A context with the derived key, the IV and the additional data in. */
static EVP_CIPHER_CTX *
begin(const struct kek *kek, const struct seal_for *to, const uint8_t *iv,
    int sealing)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t key[DERIVED];
	char aad[LABEL];
	int n = snprintf(aad, sizeof(aad), "everleaf1|%s|%016" PRIx64 "|%"
	    PRIu32 "|%" PRIu32, to->kind, to->object, to->version, kek->id);
	bool done;

	assert(n > 0 && (size_t)n < sizeof(aad));
	done = ctx != NULL && derive(key, kek, to) &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv,
	    sealing) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)aad, n) == 1;
	OPENSSL_cleanse(key, sizeof(key));
	if (!done) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

int
seal_close(struct blob *out, const struct kek *kek, const struct seal_for *to,
    const struct blob *plain, struct err *err)
{
	EVP_CIPHER_CTX *ctx = NULL;
	uint8_t *p, *body;
	int n = 0, more = 0;
	bool done;

	assert(plain->len == 0 || plain->p != NULL);
	*out = (struct blob){ NULL, 0 };
	if (plain->len > SEAL_MAX - SEAL_OVERHEAD)
		return err_set(err, ERR_SEAL, "key of %s %016" PRIx64
		    ": %zu bytes are too many to seal", to->kind, to->object,
		    plain->len);
	out->len = plain->len + SEAL_OVERHEAD;
	out->p = p = xcalloc(out->len, 1);
	assert(out->len == plain->len + HEAD + IV + TAG);
	memcpy(p, magic, sizeof(magic));
	put_id(p + sizeof(magic), kek->id);
	body = p + HEAD + IV;
	done = RAND_bytes(p + HEAD, IV) == 1 &&
	    (ctx = begin(kek, to, p + HEAD, 1)) != NULL &&
	    EVP_CipherUpdate(ctx, body, &n, plain->p, (int)plain->len) == 1 &&
	    EVP_CipherFinal_ex(ctx, body + n, &more) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG,
	    body + plain->len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (done)
		return 0;
	blob_wipe(out);
	return err_set(err, ERR_SEAL, "key of %s %016" PRIx64
	    ": it could not be sealed", to->kind, to->object);
}

static int
not_ours(const struct kek *kek, const struct seal_for *to,
    const struct blob *sealed, struct err *err)
{
	assert(to->kind != NULL);
	if (sealed->len < SEAL_OVERHEAD || sealed->len > SEAL_MAX ||
	    memcmp(sealed->p, magic, sizeof(magic)) != 0)
		return err_set(err, ERR_SEAL, "key of %s %016" PRIx64
		    ": these %zu bytes are no sealed key", to->kind,
		    to->object, sealed->len);
	if (id_at(sealed->p + sizeof(magic)) == kek->id)
		return 0;
	err_set(err, ERR_KEK_MISSING, "key of %s %016" PRIx64 ": it was sealed "
	    "under key encryption key %" PRIu32 ", and this daemon holds %"
	    PRIu32, to->kind, to->object, id_at(sealed->p + sizeof(magic)),
	    kek->id);
	return err_advise(err, "Put back the key encryption key that belongs "
	    "to this store.");
}

int
seal_open(struct blob *out, const struct kek *kek, const struct seal_for *to,
    const struct blob *sealed, struct err *err)
{
	EVP_CIPHER_CTX *ctx;
	const uint8_t *body;
	int n = 0, more = 0;
	bool done;

	*out = (struct blob){ NULL, 0 };
	if (not_ours(kek, to, sealed, err) != 0)
		return -1;
	body = sealed->p + HEAD + IV;
	out->len = sealed->len - SEAL_OVERHEAD;
	out->p = xcalloc(out->len, 1);
	assert(sealed->len >= SEAL_OVERHEAD);
	ctx = begin(kek, to, sealed->p + HEAD, 0);
	done = ctx != NULL &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG,
	    (void *)(uintptr_t)(body + out->len)) == 1 &&
	    EVP_CipherUpdate(ctx, out->p, &n, body, (int)out->len) == 1 &&
	    EVP_CipherFinal_ex(ctx, out->p + n, &more) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (done)
		return 0;
	blob_wipe(out);
	err_set(err, ERR_SEAL, "key of %s %016" PRIx64 " version %" PRIu32
	    ": it cannot be opened, since it was changed or sealed for "
	    "another object", to->kind, to->object, to->version);
	return err_advise(err, "Restore the store, or the sealed copy of this "
	    "key, from a backup.");
}
