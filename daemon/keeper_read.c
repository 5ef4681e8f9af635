/* Private keys out of PKCS#8, for the keeper and for the verifier. */
#include <config.h>
#include <assert.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include "daemon/keeper_key.h"

static int
no_key(struct err *err)
{
	return err_set(err, ERR_SEAL, "key: what was sealed is no private "
	    "key");
}

/* The whole of der, or NULL. */
static PKCS8_PRIV_KEY_INFO *
read_pkcs8(const void *der, size_t n)
{
	const unsigned char *p = der;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)n);

	assert(der != NULL || n == 0);
	if (info != NULL && p != (const unsigned char *)der + n) {
		PKCS8_PRIV_KEY_INFO_free(info);
		info = NULL;
	}
	ERR_clear_error();
	return info;
}

int
key_is_pkcs8(const struct blob *der, struct err *err)
{
	PKCS8_PRIV_KEY_INFO *info = read_pkcs8(der->p, der->len);
	bool fine = info != NULL;

	assert(der->p != NULL || der->len == 0);
	PKCS8_PRIV_KEY_INFO_free(info);
	return fine ? 0 : no_key(err);
}

/* What finds the decoder for a key is made once: finding it takes the library
 * ten times as long as decoding. */
EVP_PKEY *
key_read(const void *der, size_t n, struct err *err)
{
	static OSSL_DECODER_CTX *decoder;
	static EVP_PKEY *key;
	const unsigned char *p = der;
	bool fine;

	if (decoder == NULL)
		decoder = OSSL_DECODER_CTX_new_for_pkey(&key, "DER",
		    "PrivateKeyInfo", NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
	key = NULL;
	fine = decoder != NULL &&
	    OSSL_DECODER_from_data(decoder, &p, &n) == 1 && n == 0;
	ERR_clear_error();
	if (!fine) {
		EVP_PKEY_free(key);
		key = NULL;
		no_key(err);
	}
	assert(fine == (key != NULL));
	return key;
}
