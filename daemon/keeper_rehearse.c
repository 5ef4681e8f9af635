/* One round through every operation. What a library opens or asks for the
 * first time, it asks for here, before the confinement; and once more inside
 * it, so that a library update that needs more is found at start and not at
 * the first renewal. */
#include <config.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include "acme/jws.h"
#include "daemon/keeper.h"

static const int64_t some_day_ms = INT64_C(1700000000000);
static char *const some_names[] = {
	(char[]){ "keeper.example" }, (char[]){ "192.0.2.1" }
};
static const struct strv names = { (char **)(uintptr_t)some_names, 2 };

static void
forget(enum wire_kind kind, void *st)
{
	msg_free(msg_find(wire_specs, (uint16_t)kind), st);
}

static int
rehearse_account(const struct kek *kek, struct err *err)
{
	struct w_account_key make = { 1, (char[]){ "https://ca.example" },
		(char[]){ "ecdsa-p256" } };
	struct w_jws jws = { .account = 1, .what = JWS_NEW_ACCOUNT,
		.url = (char[]){ "https://ca.example/new" },
		.nonce = (char[]){ "bm9uY2U" }, .kid = (char[]){ "" },
		.agreed = 1 };
	struct w_key key = { { NULL, 0 }, { NULL, 0 } };
	struct w_jws_done done = { { NULL, 0 } };
	int rc = keeper_account_key(kek, &make, &key, err);

	jws.sealed = key.sealed;
	if (rc == 0)
		rc = keeper_jws(kek, &jws, &done, err);
	forget(WIRE_KEY, &key);
	forget(WIRE_JWS_DONE, &done);
	return rc;
}

static int
rehearse_request(const struct kek *kek, struct err *err)
{
	struct w_csr make = { .cert = 2, .version = 1,
		.alg = (char[]){ "ecdsa-p256" }, .names = names };
	struct w_csr_done first, again;
	struct w_open open = { 2, 1, { NULL, 0 } };
	struct w_opened opened;
	struct w_seal seal = { 2, 1, { NULL, 0 } };
	struct w_sealed sealed = { { NULL, 0 } };
	int rc;

	memset(&first, 0, sizeof(first));
	memset(&again, 0, sizeof(again));
	memset(&opened, 0, sizeof(opened));
	rc = keeper_csr(kek, &make, &first, err);
	make.sealed = open.sealed = first.sealed;
	if (rc == 0)
		rc = keeper_csr(kek, &make, &again, err);
	if (rc == 0)
		rc = keeper_open(kek, &open, &opened, err);
	seal.key = opened.key;
	if (rc == 0)
		rc = keeper_seal(kek, &seal, &sealed, err);
	forget(WIRE_CSR_DONE, &first);
	forget(WIRE_CSR_DONE, &again);
	forget(WIRE_OPENED, &opened);
	forget(WIRE_SEALED, &sealed);
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

int
keeper_rehearse(struct err *err)
{
	struct kek kek = { .id = 1 };
	int rc = 0;

	if (RAND_bytes(kek.key, sizeof(kek.key)) != 1)
		rc = err_set(err, ERR_KEEPER, "random generator: it gives "
		    "nothing");
	if (rc == 0)
		rc = rehearse_account(&kek, err);
	if (rc == 0)
		rc = rehearse_request(&kek, err);
	if (rc == 0)
		rc = rehearse_placeholder(&kek, err);
	OPENSSL_cleanse(&kek, sizeof(kek));
	return rc;
}
