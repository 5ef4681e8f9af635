/* What the tests of packed configurations need to know of them. */
#ifndef DAEMON_CONF_PACK_H
#define DAEMON_CONF_PACK_H
#include <stddef.h>
#include <stdint.h>

/* The last eight bytes, little-endian, are this sum of those before. */
uint64_t conf_pack_sum(const void *p, size_t n);
#endif
