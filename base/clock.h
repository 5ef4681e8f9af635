/* The kernel's clocks in milliseconds. For the programs that have no loop; in
 * the engine the loop is the only one who knows the time (loop_now). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stdint.h>

int64_t clock_mono_ms(void);	/* since some start; never steps back */
/* The same, and goes on while the machine sleeps. */
int64_t clock_boot_ms(void);
int64_t clock_wall_ms(void);	/* since 1970, UTC */
#endif
