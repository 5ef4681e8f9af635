/* What an operator may allow, in words: for who refuses it and for who writes
 * down that it was allowed. Linked into all programs. */
#ifndef DAEMON_ARM_WORDS_H
#define DAEMON_ARM_WORDS_H
#include "base/err.h"
#include "daemon/wire.h"

struct arm_words {
	const char *act;	/* "revocation" */
	const char *of;		/* "certificate", "account" */
	const char *advice;
};

/* Of a kind that there is. */
const struct arm_words *arm_words(enum arm_what what);
/* -1 and ERR_NEEDS_OPERATOR, with what root should say. why NULL: nobody has
 * allowed it. */
int arm_refuse(enum arm_what what, uint64_t object, uint32_t version,
    const char *why, struct err *err);
#endif
