/* What an operator has armed: acts that can't be taken back, each for one
 * object, for ten minutes at most, for one use (keeper_arm in keeper.h). A use
 * settles what exactly is asked of the CA; the same may be signed again with
 * another nonce, since a CA may refuse one and an answer may be lost.
 * The number of an account is told by the engine, to the operator's command,
 * too; so leave is for an account of the CA that the operator has named. */
#ifndef DAEMON_KEEPER_ARM_H
#define DAEMON_KEEPER_ARM_H
#include "daemon/wire.h"

enum { ARM_SECONDS_MAX = 600, ARM_DIGEST = 32 };

struct arm_act {
	enum arm_what what;
	uint64_t object;		/* account, or certificate */
	uint32_t version;		/* of the certificate */
	const char *origin;	/* what the account's key may sign for; NULL:
				 * a certificate, or not known yet (look) */
	const char *ca;		/* whose account-key it is; NULL: nobody's */
};

/* 0 if that act on that object is armed; *digest is what was armed with it,
 * NULL if nothing. ERR_NEEDS_OPERATOR, which says what to do. */
int arm_look(const struct arm_act *act, const uint8_t **digest,
    struct err *err);
/* Uses it up for `asked`, all that the request says but its nonce. */
int arm_use(const struct arm_act *act, const void *asked, size_t n,
    struct err *err);
#endif
