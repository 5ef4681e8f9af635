/* What the operations of the keeper share: keys opened and sealed for their
 * object. Each EVP_PKEY is the caller's. */
#ifndef DAEMON_KEEPER_PARTS_H
#define DAEMON_KEEPER_PARTS_H
#include "daemon/keeper.h"
#include "daemon/keeper_key.h"

enum { ORIGIN_MAX = 256, JWK_MAX = 2048 };

int keeper_check_origin(uint64_t account, const char *origin,
    struct err *err);
/* Fills *out; ERR_KEEPER also for a key that no CA takes for an account. */
int keeper_seal_account(struct w_key *out, const struct kek *kek,
    uint64_t account, const char *origin, EVP_PKEY *key, struct err *err);
/* The account's key and the origin that was sealed with it. */
EVP_PKEY *keeper_open_account(const struct kek *kek, uint64_t account,
    const struct blob *sealed, char origin[ORIGIN_MAX + 1], struct err *err);
int keeper_seal_cert(struct blob *sealed, const struct kek *kek,
    uint64_t cert, uint32_t version, EVP_PKEY *key, struct err *err);
EVP_PKEY *keeper_open_cert(const struct kek *kek, uint64_t cert,
    uint32_t version, const struct blob *sealed, struct err *err);
#endif
