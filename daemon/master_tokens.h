/* The master's own notes on the token files that are out there: one small
 * file each in STATE/webroot. So it knows after a crash, and after a reload
 * that takes a webroot away, where it has put something and which directories
 * it has made, whatever the engine says. */
#ifndef DAEMON_MASTER_TOKENS_H
#define DAEMON_MASTER_TOKENS_H
#include <stdbool.h>
#include "base/err.h"

/* dir: STATE/webroot. made: bits of hooks/webroot.h. */
int tokens_note(int dir, const char *path, const char *token, unsigned made,
    struct err *err);
/* False: nothing is noted. */
bool tokens_find(int dir, const char *path, const char *token,
    unsigned *made);
/* It is gone. Directories that had to stay (left) are now another token's to
 * remove, if there is one in the same webroot. */
void tokens_drop(int dir, const char *path, const char *token, unsigned left);
#endif
