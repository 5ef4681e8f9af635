/* The words of arm_words.h: one table, so that keeper and master say the
 * same. */
#include <config.h>
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include "daemon/arm_words.h"

static const struct arm_words words[ARM_WHAT_COUNT] = {
	[ARM_REVOKE] = { "revocation", "certificate",
	    "As root on this machine: everleaf revoke NAME" },
	[ARM_KEY_CHANGE] = { "change of the key", "account",
	    "As root on this machine: everleaf ca rollover CA" },
	[ARM_DEACTIVATE] = { "giving up", "account",
	    "As root on this machine: everleaf ca deactivate CA" },
	[ARM_EXPORT] = { "export of the key", "account",
	    "As root on this machine: everleaf ca export CA" }
};

const struct arm_words *
arm_words(enum arm_what what)
{
	assert(what < ARM_WHAT_COUNT && words[what].act != NULL);
	return &words[what];
}

int
arm_refuse(enum arm_what what, uint64_t object, uint32_t version,
    const char *why, struct err *err)
{
	const struct arm_words *w = arm_words(what);
	char of[32] = "";

	assert(err != NULL);
	if (version != 0)
		snprintf(of, sizeof(of), " version %" PRIu32, version);
	err_set(err, ERR_NEEDS_OPERATOR, "%s of %s %016" PRIx64 "%s: %s",
	    w->act, w->of, object, of, why != NULL ? why : "no operator has "
	    "allowed it in the last ten minutes");
	return err_advise(err, "%s", w->advice);
}
