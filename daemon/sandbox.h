/* Each role confines itself, by probing what the kernel has. What could not
 * be had is reported, never fatal, except that no role goes on as root when
 * it was told to be somebody else. */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H
#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"

enum role { ROLE_MASTER, ROLE_KEEPER, ROLE_ENGINE, ROLE_RESPONDER,
	ROLE_VERIFIER, ROLE_COUNT };
const char *role_name(enum role r);

struct sandbox_plan {
	enum role role;
	/* what the engine may still open: read (roots, resolv.conf, zone
	 * data) is in the role's table; write below this one */
	const char *write_dir;	/* NULL: nowhere */
};

/* What was applied, for `everleaf status --security`: one line a measure,
 * "seccomp: on" / "landlock: ABI 7" / "user: everleaf-key" / "seccomp: off,
 * sanitizer build". */
struct sandbox_report {
	struct buf lines;
};

/* rlimits, not dumpable, no_new_privs, landlock, seccomp, in that order. The
 * uid is already the role's (the master changes it before exec). */
int sandbox_enter(const struct sandbox_plan *plan, struct sandbox_report *out,
    struct err *err);
#endif
