/* The mechanisms behind sandbox_enter(), each of which appends its line to
 * the report and gives up quietly where the kernel lacks it. */
#ifndef DAEMON_SANDBOX_PARTS_H
#define DAEMON_SANDBOX_PARTS_H
#include "daemon/sandbox.h"

void sandbox_limits(const struct sandbox_plan *plan, struct buf *report);
void sandbox_privileges(struct buf *report);	/* dumpable, capabilities,
						 * no_new_privs */
void sandbox_landlock(const struct sandbox_plan *plan, struct buf *report);
void sandbox_seccomp(const struct sandbox_plan *plan, struct buf *report);
#endif
