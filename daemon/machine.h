/* The addresses of this machine. */
#ifndef DAEMON_MACHINE_H
#define DAEMON_MACHINE_H
#include <stdbool.h>
#include "base/mem.h"

/* Of the interfaces that are up, without loopback; strv_free. */
struct strv machine_addresses(void);
#endif
