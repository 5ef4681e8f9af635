/* Each role confines itself, by probing what the kernel has. What could not
 * be had is reported, never fatal, except that no role goes on as root when
 * it was told to be somebody else. Call it before the first thread: landlock
 * binds the calling thread and what that starts. */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H
#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"

enum role { ROLE_MASTER, ROLE_KEEPER, ROLE_ENGINE, ROLE_RESPONDER,
	ROLE_VERIFIER, ROLE_TOKEN, ROLE_COUNT };
const char *role_name(enum role r);

struct sandbox_plan {
	enum role role;
	/* what the engine may still open: read (roots, resolv.conf, zone
	 * data) is in the role's table; write below this one */
	const char *write_dir;	/* NULL: nowhere */
	char *const *more_dirs;	/* the same; ends with NULL, or NULL */
	/* the deny-list instead of the role's allow-list, and no limit of
	 * processor time, memory or processes: for a process that still
	 * forks, and when sandbox_try() said no */
	bool lenient;
};

/* What was applied, for `everleaf status --security`: one line a measure,
 * "seccomp: on" / "landlock: ABI 7" / "user: uid 998" / "seccomp: off,
 * sanitizer build". Every line ends with a line feed. */
struct sandbox_report {
	struct buf lines;	/* made by sandbox_enter; buf_free() it */
};

/* rlimits, not dumpable, no capabilities, no_new_privs, landlock, seccomp, in
 * that order. The uid is already the role's (the master changes it before
 * exec). out may be NULL. */
int sandbox_enter(const struct sandbox_plan *plan, struct sandbox_report *out,
    struct err *err);

/* Logs the report, tells it to the master, frees it. What is found out later
 * goes as a line of its own. sandbox_say.c. */
void sandbox_say(struct sandbox_report *report);
void sandbox_say_line(const char *line);

/* Forks a child that enters the plan and works there. False when it died or
 * work returned anything but 0: a library does what the allow-list does not
 * know, or the plan itself fails. */
bool sandbox_try(const struct sandbox_plan *plan, int (*work)(void));
#endif
