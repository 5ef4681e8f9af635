/* A few open account keys, by account and sealed bytes. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/jws.h"
#include "base/clock.h"
#include "daemon/keeper_account.h"

static struct kept {
	struct account a;	/* key NULL: free */
	uint64_t account;
	struct blob sealed;
	int64_t used_ms;	/* monotonic */
} kept[ACCOUNTS_OPEN];

static void
forget(struct kept *k)
{
	EVP_PKEY_free(k->a.key);
	free(k->a.jwk);
	blob_free(&k->sealed);
	memset(k, 0, sizeof(*k));
}

/* The sealed bytes are compared, too: after a change of key the old one is
 * not taken for it. */
static struct kept *
find(uint64_t account, const struct blob *sealed)
{
	struct kept *k;

	assert(sealed->len == 0 || sealed->p != NULL);
	for (k = kept; k < kept + ACCOUNTS_OPEN; k++)
		if (k->a.key != NULL && k->account == account &&
		    k->sealed.len == sealed->len &&
		    memcmp(k->sealed.p, sealed->p, sealed->len) == 0)
			return k;
	return NULL;
}

/* A free place, or that of the one that has rested longest. */
static struct kept *
make_place(void)
{
	struct kept *k, *best = kept;

	for (k = kept; k < kept + ACCOUNTS_OPEN; k++)
		if (k->used_ms < best->used_ms)
			best = k;
	forget(best);
	assert(best->a.key == NULL);
	return best;
}

static int
describe(struct account *a, struct err *err)
{
	struct blob spki;
	struct buf jwk;
	int rc;

	assert(a->key != NULL && a->jwk == NULL);
	if (key_public(&spki, a->key, err) != 0)
		return -1;
	buf_init(&jwk, JWK_MAX);
	rc = jws_jwk(&jwk, spki.p, spki.len, err);
	a->alg = jws_alg_of(spki.p, spki.len);
	a->jwk = buf_take(&jwk);
	blob_free(&spki);
	return rc;
}

/* Opening costs a thousand times what a signature's other work does, hence
 * the few that are kept. */
const struct account *
account_open(const struct kek *kek, uint64_t account,
    const struct blob *sealed, struct err *err)
{
	struct kept *k = find(account, sealed);

	if (k == NULL) {
		k = make_place();
		k->a.key = keeper_open_account(kek, account, sealed,
		    k->a.origin, err);
		if (k->a.key == NULL || describe(&k->a, err) != 0) {
			forget(k);
			return NULL;
		}
		k->account = account;
		k->sealed = blob_copy(sealed->p, sealed->len);
	}
	assert(k->a.key != NULL && k->a.jwk != NULL);
	k->used_ms = clock_mono_ms();
	return &k->a;
}

int
account_rest(void)
{
	int64_t now = clock_mono_ms(), left, least = -1;
	struct kept *k;

	for (k = kept; k < kept + ACCOUNTS_OPEN; k++) {
		if (k->a.key == NULL)
			continue;
		left = k->used_ms + ACCOUNT_REST_MS - now;
		if (left <= 0)
			forget(k);
		else if (least < 0 || left < least)
			least = left;
	}
	assert(least <= ACCOUNT_REST_MS);
	return (int)least;
}

void
account_forget_all(void)
{
	int i;

	for (i = 0; i < ACCOUNTS_OPEN; i++)
		forget(&kept[i]);
}
