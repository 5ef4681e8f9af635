/* What one exchange may cost us. libcurl reads HTTP/2 frames for as long as
 * more come, inside of one call, and frames that carry nothing are no progress
 * to it: a server that sends them faster than they are read would keep the
 * engine there for ever (security.md A11). */
#ifndef DAEMON_HTTP_FLOOD_H
#define DAEMON_HTTP_FLOOD_H
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether this libcurl lets us stop it: if not, no HTTP/2. */
bool flood_can_be_stopped(void);
/* A new connection of this handle will be watched. */
void flood_watch(CURL *easy);

/* Before each call into curl. */
void flood_enter(void);
/* Adds to *spent_us what the CPU has done since flood_enter() or the last
 * such call; true once that is more than http_limits.cpu_ms. */
bool flood_over(int64_t *spent_us);
/* A connection was cut off since flood_enter(). */
bool flood_was_cut(void);
#endif
