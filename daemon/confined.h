/* How keeper, verifier and token start: signals, the crypto library without its
 * configuration file, a rehearsal, the confinement, the rehearsal again. */
#ifndef DAEMON_CONFINED_H
#define DAEMON_CONFINED_H
#include "daemon/sandbox.h"

/* Before all else. Ends the process when descriptor 3 is no channel. */
void confined_open(enum role role);
/* Tries the plan in a child: false, and an alarm in the log, when work cannot
 * be done under its allow-list; the caller then uses the lenient one. */
bool confined_fits(const struct sandbox_plan *plan, int (*work)(void));
/* Enters the plan and logs what was applied; ends the process on failure. */
void confined_enter(const struct sandbox_plan *plan);
#endif
