/* Packed configurations, beyond what goes to the engine (conf.h). */
#ifndef DAEMON_CONF_PACK_H
#define DAEMON_CONF_PACK_H
#include <stddef.h>
#include <stdint.h>
#include "daemon/conf.h"

/* For a file of the master's own: with the PINs in URIs, without the time of
 * reading and the problems, so that the same configuration always gives the
 * same bytes. Another release of the same format can read them: it leaves out
 * keys that it has not, and those that it has more have their defaults. */
struct blob conf_pack_kept(const struct conf *c);
/* NULL and ERR_CONFIG_BAD if they can't be read. */
struct conf *conf_unpack_kept(const void *p, size_t n, struct err *err);

/* The last eight bytes, little-endian, are this sum of those before. */
uint64_t conf_pack_sum(const void *p, size_t n);
#endif
