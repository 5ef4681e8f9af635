/* One round through every operation. What a library opens or asks for the
 * first time, it asks for here, before the confinement; and once more inside
 * it, so that a library update that needs more is found at start and not at
 * the first renewal. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include "acme/jws.h"
#include "daemon/keeper.h"
#include "daemon/keeper_account.h"
#include "daemon/keeper_key.h"

static const int64_t some_day_ms = INT64_C(1700000000000);
static char *const some_names[] = {
	(char[]){ "keeper.example" }, (char[]){ "192.0.2.1" }
};
static const struct strv names = { (char **)(uintptr_t)some_names, 2 };

static void
forget(enum wire_kind kind, void *st)
{
	assert(msg_find(wire_specs, (uint16_t)kind) != NULL);
	msg_free(msg_find(wire_specs, (uint16_t)kind), st);
}

/* As the engine would ask, with a key for this one round. */
static int
rehearse_account(const struct kek *kek, char *alg, struct err *err)
{
	struct w_account_key make = { 1, (char[]){ "https://ca.example" },
		alg };
	struct w_jws jws = { .account = 1, .what = JWS_NEW_ACCOUNT,
		.url = (char[]){ "https://ca.example/new" },
		.nonce = (char[]){ "bm9uY2U" }, .kid = (char[]){ "" },
		.agreed = 1, .eab = (char[]){ "" },
		.eab_kid = (char[]){ "" } };
	struct w_key key = { { NULL, 0 }, { NULL, 0 } };
	struct w_jws_done done = { { NULL, 0 } };
	struct w_arm arm = { .what = ARM_EXPORT, .object = 1, .seconds = 600,
		.origin = make.origin, .ca = (char[]){ "ca" } };
	struct w_export export = { 1, { NULL, 0 } };
	struct w_exported exported = { { NULL, 0 } };
	int rc = keeper_account_key(kek, &make, &key, err);

	assert(alg[0] != '\0');
	jws.sealed = export.sealed = key.sealed;
	if (rc == 0)
		rc = keeper_jws(kek, &jws, &done, err);
	if (rc == 0)
		rc = keeper_arm(kek, &arm, NULL, err);
	if (rc == 0)
		rc = keeper_export(kek, &export, &exported, err);
	forget(WIRE_EXPORTED, &exported);
	forget(WIRE_KEY, &key);
	forget(WIRE_JWS_DONE, &done);
	return rc;
}

/* The second time with the key of the first, as a renewal that keeps it. */
static int
rehearse_request(const struct kek *kek, char *alg, struct err *err)
{
	struct w_csr make = { .cert = 2, .version = 1, .alg = alg,
		.names = names, .must_staple = 1 };
	struct w_csr_done first, again;
	struct w_open open = { 2, 1, { NULL, 0 } };
	struct w_opened opened;
	int rc;

	assert(alg[0] != '\0');
	memset(&first, 0, sizeof(first));
	memset(&again, 0, sizeof(again));
	memset(&opened, 0, sizeof(opened));
	rc = keeper_csr(kek, &make, &first, err);
	make.sealed = open.sealed = first.sealed;
	if (rc == 0)
		rc = keeper_csr(kek, &make, &again, err);
	if (rc == 0)
		rc = keeper_open(kek, &open, &opened, err);
	forget(WIRE_CSR_DONE, &first);
	forget(WIRE_CSR_DONE, &again);
	forget(WIRE_OPENED, &opened);
	return rc;
}

static int
rehearse_placeholder(const struct kek *kek, struct err *err)
{
	struct w_placeholder make = { 3, (char[]){ "ecdsa-p256" }, names,
		some_day_ms };
	struct w_placed placed;
	int rc;

	memset(&placed, 0, sizeof(placed));
	rc = keeper_placeholder(kek, &make, &placed, err);
	forget(WIRE_PLACED, &placed);
	return rc;
}

/* What generators and RSA accounts need, with a key too short to take time. */
static int
rehearse_rsa(struct err *err)
{
	static const struct key_type tiny = { "rsa", "RSA", NULL, 512, true,
		"1.1.1" };
	EVP_PKEY *key = key_generate(&tiny, err), *again = NULL;
	struct blob der = { NULL, 0 }, pem = { NULL, 0 };
	uint8_t sig[KEY_SIG_MAX];
	size_t n;
	int rc = key != NULL ? key_write(&der, key, err) : -1;

	if (rc == 0) {
		key_pem(&pem, &der);
		again = key_import(&pem, err);
		rc = again == NULL ? -1 : key_sign(sig, &n, JWS_RS256, again,
		    "some", 4, err);
	}
	blob_wipe(&der);
	blob_wipe(&pem);
	EVP_PKEY_free(key);
	EVP_PKEY_free(again);
	return rc;
}

/* A secret, a MAC with it, and something armed. */
static int
rehearse_secrets(const struct kek *kek, struct err *err)
{
	uint8_t some[64] = { 1 };
	struct w_secret secret = { SECRET_TSIG, (char[]){ "rehearsal" },
		(char[]){ "hmac-sha512" }, { some, sizeof(some) } };
	struct w_tsig tsig = { secret.name, { some, sizeof(some) } };
	char nothing[] = "";
	struct w_arm arm = { .what = ARM_DEACTIVATE, .object = 1,
		.seconds = 600, .origin = (char[]){ "https://ca.example" },
		.ca = (char[]){ "ca" } };
	struct w_mac mac = { { NULL, 0 } };
	int rc = keeper_secret(kek, &secret, NULL, err);

	if (rc == 0)
		rc = keeper_tsig(kek, &tsig, &mac, err);
	if (rc == 0)
		rc = keeper_arm(kek, &arm, NULL, err);
	arm.seconds = 0;
	arm.origin = arm.ca = nothing;
	if (rc == 0)
		rc = keeper_arm(kek, &arm, NULL, err);
	keeper_forget(kek, NULL, NULL, err);
	forget(WIRE_MAC, &mac);
	return rc;
}

int
keeper_rehearse(struct err *err)
{
	struct kek kek = { .id = 1 };
	int rc = 0;

	if (RAND_bytes(kek.key, sizeof(kek.key)) != 1)
		rc = err_set(err, ERR_KEEPER, "random generator: it gives "
		    "nothing");
	if (rc == 0)
		rc = rehearse_account(&kek, (char[]){ "ecdsa-p256" }, err);
	if (rc == 0)
		rc = rehearse_account(&kek, (char[]){ "ecdsa-p384" }, err);
	if (rc == 0)
		rc = rehearse_request(&kek, (char[]){ "ecdsa-p256" }, err);
	if (rc == 0)
		rc = rehearse_request(&kek, (char[]){ "ecdsa-p384" }, err);
	if (rc == 0)
		rc = rehearse_request(&kek, (char[]){ "ed25519" }, err);
	if (rc == 0)
		rc = rehearse_placeholder(&kek, err);
	if (rc == 0)
		rc = rehearse_rsa(err);
	if (rc == 0)
		rc = rehearse_secrets(&kek, err);
	account_forget_all();
	OPENSSL_cleanse(&kek, sizeof(kek));
	return rc;
}
