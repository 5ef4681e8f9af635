/* The keys that the configuration names, and what is signed with them. Here is
 * also what takes the place of the keeper's own doors to keys: an account is
 * what the master has said, whatever the engine says; certificates' keys are
 * in another process. */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "acme/jws.h"
#include "daemon/keeper_account.h"
#include "daemon/token.h"

static struct token_key {
	char *ref;			/* wire_token_ref() */
	char *ca, *shown, *uri;
	struct account a;		/* key NULL: not open */
	OSSL_LIB_CTX *lib;
	const char *properties;
} keys[TOKEN_KEYS_MAX];
static size_t keys_n;

static void
shut(struct token_key *k)
{
	EVP_PKEY_free(k->a.key);
	free(k->a.jwk);
	k->a.key = NULL;
	k->a.jwk = NULL;
}

static void
shut_all(void)
{
	size_t i;

	for (i = 0; i < keys_n; i++)
		shut(&keys[i]);
	token_close();
}

void
token_forget_all(void)
{
	size_t i;

	shut_all();
	for (i = 0; i < keys_n; i++) {
		free(keys[i].ref);
		free(keys[i].ca);
		free(keys[i].shown);
		mem_wipe(keys[i].uri, strlen(keys[i].uri));
		free(keys[i].uri);
	}
	memset(keys, 0, sizeof(keys));
	keys_n = 0;
}

int
token_learn(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	const struct w_token *q = in;
	struct token_key *k = keys + keys_n;

	(void)kek;
	(void)out;
	if (keys_n == TOKEN_KEYS_MAX || strlen(q->origin) > ORIGIN_MAX)
		return err_set(err, ERR_TOKEN, "ca \"%s\": more than %d CAs "
		    "have an account-key, or its address is too long", q->ca,
		    TOKEN_KEYS_MAX);
	keys_n++;
	k->ref = wire_token_ref(q->ca, q->shown);
	k->ca = xstrdup(q->ca);
	k->shown = xstrdup(q->shown);
	k->uri = xcalloc(1, q->uri.len + 1);
	memcpy(k->uri, q->uri.p, q->uri.len);
	snprintf(k->a.origin, sizeof(k->a.origin), "%s", q->origin);
	k->a.ca = k->ca;
	return 0;
}

/* --- opening ------------------------------------------------------------- */

static int
in_context(const struct token_key *k, struct err *err)
{
	return err_context(err, "account key %.300s of ca \"%s\"", k->shown,
	    k->ca);
}

/* What a token has in a form that libcrypto can't look into: only its public
 * half, written and read again, tells of what type it is. */
static int
describe(struct token_key *k, struct blob *spki, struct err *err)
{
	struct buf jwk;
	int rc;

	if (key_public(spki, k->a.key, err) != 0) {
		err_set(err, ERR_TOKEN, "the token does not give its public "
		    "half");
		return err_advise(err, "In a PKCS#11 token a public key with "
		    "the same id must lie beside it.");
	}
	buf_init(&jwk, JWK_MAX);
	/* One of a type that no CA takes for an account is found out here. */
	rc = jws_jwk(&jwk, spki->p, spki->len, err);
	k->a.alg = jws_alg_of(spki->p, spki->len);
	free(k->a.jwk);
	k->a.jwk = buf_take(&jwk);
	return rc;
}

/* Fresh: the device may have changed. spki is the caller's. */
static int
open_key(struct token_key *k, struct blob *spki, struct err *err)
{
	*spki = (struct blob){ NULL, 0 };
	shut(k);
	k->a.key = token_open(k->uri, &k->lib, &k->properties, err);
	if (k->a.key != NULL && describe(k, spki, err) == 0)
		return 0;
	shut(k);
	blob_free(spki);
	return in_context(k, err);
}

static struct token_key *
find(const void *ref, size_t n)
{
	size_t i;

	for (i = 0; i < keys_n; i++)
		if (strlen(keys[i].ref) == n &&
		    memcmp(keys[i].ref, ref, n) == 0)
			return &keys[i];
	return NULL;
}

int
token_public(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	const struct w_token_key *q = in;
	struct w_key *a = out;
	size_t i;

	(void)kek;
	for (i = 0; i < keys_n && strcmp(keys[i].ca, q->ca) != 0; )
		i++;
	if (i == keys_n)
		return err_set(err, ERR_TOKEN, "ca \"%s\" has no account-key",
		    q->ca);
	/* A second look, with everything loaded again, if the first fails. */
	if (open_key(&keys[i], &a->spki, err) != 0) {
		shut_all();
		if (open_key(&keys[i], &a->spki, err) != 0)
			return -1;
	}
	a->sealed = blob_copy(keys[i].ref, strlen(keys[i].ref));
	return 0;
}

/* --- what keeper_jws.c asks for ------------------------------------------ */

const struct account *
account_open(const struct kek *kek, uint64_t account,
    const struct blob *sealed, struct err *err)
{
	struct token_key *k = find(sealed->p, sealed->len);
	struct blob spki;

	(void)kek;
	(void)account;
	if (k == NULL) {
		err_set(err, ERR_TOKEN, "the configuration has no such "
		    "account-key any more");
		return NULL;
	}
	if (k->a.key == NULL) {
		if (open_key(k, &spki, err) != 0)
			return NULL;
		blob_free(&spki);
	}
	key_sign_with(k->lib, k->properties);
	return &k->a;
}

EVP_PKEY *
keeper_open_account(const struct kek *kek, uint64_t account,
    const struct blob *sealed, char origin[ORIGIN_MAX + 1], struct err *err)
{
	(void)kek;
	(void)account;
	(void)sealed;
	(void)origin;
	err_set(err, ERR_TOKEN, "the next key of an account whose key is in a "
	    "token is not opened here");
	return NULL;
}

EVP_PKEY *
keeper_open_cert(const struct kek *kek, uint64_t cert, uint32_t version,
    const struct blob *sealed, struct err *err)
{
	(void)kek;
	(void)cert;
	(void)version;
	(void)sealed;
	err_set(err, ERR_TOKEN, "keys of certificates are not opened here");
	return NULL;
}

/* --- signing ------------------------------------------------------------- */

static int
sign(const void *in, void *out, struct err *err)
{
	int rc = keeper_jws(NULL, in, out, err);

	key_sign_with(NULL, NULL);
	return rc;
}

/* A session that has ended, or a device that was plugged in again, shows when
 * it should sign: then everything is opened anew, once. */
int
token_jws(const struct kek *kek, const void *in, void *out, struct err *err)
{
	const struct w_jws *q = in;
	struct token_key *k = find(q->sealed.p, q->sealed.len);

	(void)kek;
	if (sign(in, out, err) == 0)
		return 0;
	if (k == NULL || (err->code != ERR_KEEPER && err->code != ERR_TOKEN))
		return -1;
	shut_all();
	if (sign(in, out, err) == 0)
		return 0;
	if (err->code == ERR_KEEPER) {
		err_set(err, ERR_TOKEN, "it was found, but does not sign");
		err_advise(err, "Is it a key that may sign (ECDSA P-256 or "
		    "P-384, or RSA)?");
		in_context(k, err);
	}
	return -1;
}
