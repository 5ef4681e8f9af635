/* Rows from what was found on disk: one certificate at a time, generation by
 * generation. Used by the rebuild. */
#ifndef DAEMON_RESTORE_H
#define DAEMON_RESTORE_H
#include <stdint.h>
#include "base/err.h"
#include "daemon/wire.h"

/* Reads what the master found; -1 and err if it can't be taken up. version is
 * what its key is to be asked for by, 0 if there is none to ask for. The next
 * certificate's first generation ends the one before: its rows go into the
 * turn. */
int restore_take(const struct w_surveyed *w, uint32_t *version,
    struct err *err);
/* Its key, sealed; or none (len 0): it could not be had. */
void restore_key(const struct blob *sealed);
/* The last certificate is complete. */
void restore_end(void);
int restore_count(void);		/* certificates so far */
#endif
