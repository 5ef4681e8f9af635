/* What an operator has armed: acts that can't be taken back, each for one
 * object, for ten minutes at most, for one use (keeper_arm in keeper.h). A use
 * settles what exactly is asked of the CA; the same may be signed again with
 * another nonce, since a CA may refuse one and an answer may be lost. */
#ifndef DAEMON_KEEPER_ARM_H
#define DAEMON_KEEPER_ARM_H
#include "daemon/wire.h"

enum { ARM_SECONDS_MAX = 600, ARM_DIGEST = 32 };

/* 0 if that act on that object is armed; *digest is what was armed with it,
 * NULL if nothing. ERR_NEEDS_OPERATOR, which says what to do. */
int arm_look(enum arm_what what, uint64_t object, uint32_t version,
    const uint8_t **digest, struct err *err);
/* Uses it up for `asked`, all that the request says but its nonce. */
int arm_use(enum arm_what what, uint64_t object, uint32_t version,
    const void *asked, size_t n, struct err *err);
#endif
