/* The account keys that were used last, open: a certificate takes seven
 * signatures, and to open and parse the key for each of them costs ten times
 * as much as to sign. They lie where the key encryption key lies anyway, which
 * opens them all; still they are few, and forgotten when nobody orders. */
#ifndef DAEMON_KEEPER_ACCOUNT_H
#define DAEMON_KEEPER_ACCOUNT_H
#include "daemon/keeper_parts.h"

enum { ACCOUNTS_OPEN = 4, ACCOUNT_REST_MS = 60 * 1000 };

struct account {
	EVP_PKEY *key;
	char origin[ORIGIN_MAX + 1];
	char *jwk;
	const char *ca;		/* of a token's: title of its block */
	enum jws_alg alg;
};

/* What this blob, byte for byte, holds of this account; the keeper's until the
 * next call of anything here. NULL: err. */
const struct account *account_open(const struct kek *kek, uint64_t account,
    const struct blob *sealed, struct err *err);
/* Forgets what has not been used for ACCOUNT_REST_MS; how long to wait until
 * it should be called again, -1: for ever. */
int account_rest(void);
void account_forget_all(void);
#endif
