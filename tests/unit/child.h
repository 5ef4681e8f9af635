/* Starts one of the built programs with a channel at descriptor 3, as the
 * master does. */
#ifndef TESTS_UNIT_CHILD_H
#define TESTS_UNIT_CHILD_H
#include <sys/types.h>
#include "daemon/wire.h"

struct child {
	pid_t pid;
	int fd;			/* our end of its channel; -1 when closed */
};

struct child child_start(const char *program);
/* Closes the channel and waits at most 10 s; the wait status. */
int child_end(struct child *c);
/* True when the child is gone within 10 s; its wait status. */
int child_wait(struct child *c, int *status);

/* Sends `ask` and receives one answer. Its kind, with *out allocated for that
 * kind's struct (child_answer_free), or 0 when the channel has ended. The
 * last answer's raw bytes stay in child_raw. */
uint16_t child_ask(int fd, enum wire_kind ask, const void *st, void **out);
uint16_t child_hear(int fd, void **out);
void child_answer_free(uint16_t kind, void *out);
extern struct blob child_raw;
#endif
