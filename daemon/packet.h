/* What comes in at a process that meets keys, and what goes out: a table of
 * duties, a message at a time. Keeper and token share it. */
#ifndef DAEMON_PACKET_H
#define DAEMON_PACKET_H
#include "daemon/keeper.h"

enum sender { FROM_MASTER, FROM_ENGINE, SENDERS };
extern const char *const sender_names[SENDERS];

/* What may be asked, by whom, and who does it. */
struct duty {
	enum wire_kind ask, answer;
	enum sender from;
	keeper_op *op;
};

/* A message that keeps the rules of wire.h. Whoever keeps the body or the
 * descriptors takes them out (NULL, 0). */
struct packet {
	const struct msg_spec *spec;
	uint32_t id;
	void *body;			/* the struct of spec */
	int fds[MSG_FDS_MAX], nfds;
};

enum heard { HEARD_BAD = -1, HEARD_NOTHING, HEARD_END, HEARD_ONE };
/* The next message of a channel, without waiting. BAD: err says which rule it
 * broke. Only after ONE there is a packet to free. */
enum heard packet_hear(struct packet *p, int fd, struct err *err);
void packet_free(struct packet *p);

/* NULL and err: that sender may not say this. */
const struct duty *duty_find(const struct duty *duties, size_t n,
    enum sender from, const struct packet *p, struct err *err);
/* Does it and answers. -1: the answer could not be sent. */
int duty_do(const struct duty *d, const struct kek *kek, int fd, uint32_t id,
    const void *body);
#endif
