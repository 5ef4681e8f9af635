/* The engine's randomness: ids and jitter, never keys. chance.c asks the
 * kernel; tests/sim/ has a seeded one, so that a seed tells a whole world. */
#ifndef DAEMON_CHANCE_H
#define DAEMON_CHANCE_H
#include <stdint.h>
uint32_t chance_luck(void);		/* uniform */
int64_t chance_id(void);		/* 63 bits, never 0 */
#endif
