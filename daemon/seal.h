/* Sealing: how private keys rest in the store. A sealed blob is
 *
 *	"EVS" version(1) | u32 KEK id | 12 bytes IV | ciphertext | 16 bytes tag
 *
 * AES-256-GCM under HKDF-SHA256(KEK, kind and object id), so that no two
 * objects share a key and random IVs cannot meet. The additional data
 * "everleaf1|kind|object id|version|kek id" makes a blob useless for any other
 * object. Keeper only. */
#ifndef DAEMON_SEAL_H
#define DAEMON_SEAL_H
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"

enum { SEAL_KEK = 32, SEAL_OVERHEAD = 4 + 4 + 12 + 16,
	SEAL_MAX = 16384 };		/* of a sealed blob */

struct kek {
	uint8_t key[SEAL_KEK];
	uint32_t id;
};

struct seal_for {
	const char *kind;		/* "account", "cert" */
	uint64_t object;
	uint32_t version;
};

/* The caller frees *out; on -1 it is empty. */
int seal_close(struct blob *out, const struct kek *kek,
    const struct seal_for *to, const struct blob *plain, struct err *err);
/* The caller wipes *out. ERR_KEK_MISSING when another KEK sealed it, ERR_SEAL
 * when it was changed or belongs to another object. */
int seal_open(struct blob *out, const struct kek *kek,
    const struct seal_for *to, const struct blob *sealed, struct err *err);
#endif
