/* Inside of operator.h: packets, and the file that an import brings back. */
#ifndef DAEMON_OPERATOR_IO_H
#define DAEMON_OPERATOR_IO_H
#include "daemon/operator.h"

#define OPERATOR_SOCKET "master.sock"

/* One packet, with a descriptor if pass is one. Never waits. -1: errno. */
int operator_send(int fd, const void *p, size_t n, int pass);
/* u32 length, sealed, u32 length, spki. The caller frees what it gets. */
struct blob operator_pack(const struct w_key *k);
bool operator_unpack(struct w_key *k, const uint8_t *p, size_t n);
#endif
