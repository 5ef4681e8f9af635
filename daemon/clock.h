/* The wall clock may have been wrong: a machine whose battery is empty can
 * believe for its first minutes that it is 2040, and all that is due again is
 * due in 2040 then. When the clock goes back by minutes or more, also while the
 * engine is not there, each job is made due: those that come too early send
 * themselves back. But for orders that may have been put off until then: to be
 * told "tomorrow" by a CA is to be kept to. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H
#include "store/rows.h"

/* Row of meta: when something was last put into the schedule. */
#define CLOCK_KEY "clock"

/* The row, or NULL if there is none yet. */
void clock_start(const struct row_meta *row);
void clock_fini(void);
/* Now and then. */
void clock_look(void);
/* Something that waits for the wall clock goes into this turn. */
void clock_note(void);
#endif
