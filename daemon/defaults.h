/* What was built in when a certificate was made (interface.md 2.3): an upgrade
 * never changes its CA, key type or profile. What a release has built in is
 * recorded when it first runs, with the time; a certificate goes by the newest
 * record that is not younger than itself. So a key that is taken out of its
 * file goes back to what was built in then, and nothing is kept that somebody
 * once wrote. */
#ifndef DAEMON_DEFAULTS_H
#define DAEMON_DEFAULTS_H
#include "daemon/conf.h"
#include "store/rows.h"

#define DEFAULTS_KEY "defaults"		/* a row of meta */

/* At start: takes the record, and puts today's into the turn if it is new.
 * NULL: there is none yet. */
void defaults_take(const struct row_meta *row);
/* The keys about what is ordered; the rest is not written. NULL: today's. */
const struct conf_wish *defaults_at(int64_t created_ms);
void defaults_fini(void);
#endif
