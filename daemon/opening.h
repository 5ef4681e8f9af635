/* How the engine gets its inventory: opened, found writable, rebuilt where it
 * was lost (security.md H1), and only then handed to the heart. Until that is
 * so the API answers, and says why nothing happens. */
#ifndef DAEMON_OPENING_H
#define DAEMON_OPENING_H
#include "daemon/conf.h"

/* Before the process confines itself: SQLite's first look at the file. */
void opening_try(const struct conf *conf);
/* After peers and API are there. Goes on in the loop as long as it takes;
 * ready() once, when the heart may start with turn_store(). */
void opening_go(void (*ready)(void));
#endif
