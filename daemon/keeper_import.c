/* Keys that people bring, or take away. They come from the master, to whom root
 * handed an open file; what goes back is sealed, so it may travel through
 * anybody. What is taken away goes to the master alone, and only when an
 * operator has armed that. */
#include <config.h>
#include <assert.h>
#include <inttypes.h>
#include "daemon/keeper_arm.h"
#include "daemon/keeper_parts.h"

/* One that can sign; agreement keys can't serve TLS. */
static int
check_use(EVP_PKEY *key, struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool can = ctx != NULL && EVP_DigestSignInit(ctx, NULL,
	    key_digest(key), NULL, key) == 1;

	assert(key != NULL);
	EVP_MD_CTX_free(ctx);
	return can ? 0 : err_set(err, ERR_INVALID, "key: it is of a type that "
	    "can't sign");
}

/* For an account of that origin, or for a version of a certificate: version
 * tells which. */
int
keeper_import(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	const struct w_import *q = in;
	struct w_key *a = out;
	EVP_PKEY *key;
	int rc;

	assert(in != NULL && out != NULL);
	if (q->version == 0 &&
	    keeper_check_origin(q->object, q->origin, err) != 0)
		return -1;
	key = key_import(&q->key, err);
	if (key == NULL)
		return -1;
	rc = check_use(key, err);
	if (rc == 0 && q->version == 0)
		rc = keeper_seal_account(a, kek, q->object, q->origin, key,
		    err);
	else if (rc == 0 && (rc = key_public(&a->spki, key, err)) == 0 &&
	    (rc = keeper_seal_cert(&a->sealed, kek, q->object, q->version,
	    key, err)) != 0)
		blob_free(&a->spki);
	EVP_PKEY_free(key);
	return rc;
}

/* Who hands the sealed key on says which account it is of; what it is sealed
 * for says so, too, and the leave is for that one. */
int
keeper_export(const struct kek *kek, const void *in, void *out,
    struct err *err)
{
	const struct w_export *q = in;
	struct w_exported *a = out;
	char origin[ORIGIN_MAX + 1];
	struct arm_act act = { .what = ARM_EXPORT, .object = q->account };
	const uint8_t *unused;
	struct blob der;
	EVP_PKEY *key;
	int rc;

	assert(in != NULL && out != NULL);
	if (arm_look(&act, &unused, err) != 0)
		return -1;
	key = keeper_open_account(kek, q->account, &q->sealed, origin, err);
	if (key == NULL)
		return -1;
	rc = key_write(&der, key, err);
	EVP_PKEY_free(key);
	act.origin = origin;
	if (rc == 0)
		rc = arm_use(&act, q->sealed.p, q->sealed.len, err);
	if (rc == 0)
		key_pem(&a->key, &der);
	blob_wipe(&der);
	return rc;
}
