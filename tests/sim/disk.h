/* The simulated master: a disk with generations, services that load what is
 * live when they are reloaded, endpoints that show what they loaded. */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H
#include "daemon/wire.h"

void disk_begin(void);
void disk_end(void);
struct w_ran *disk_run(const struct w_run *m);
void disk_act(enum wire_kind kind, const void *st, struct err *err);
#endif
