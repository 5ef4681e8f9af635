/* What the sandboxed process that has read a CSR says, as a message. It has
 * parsed what a stranger wrote, so it may say anything. */
#ifndef DAEMON_CSR_SAID_H
#define DAEMON_CSR_SAID_H
#include "base/buf.h"
#include "daemon/wire.h"

/* status: as waitpid(2) gives it. Exit 0 with one name a line, exit 1 with an
 * error and its advice; all else says that the process has failed. Whether
 * the names are some is for who gets them to judge. The caller frees *out,
 * which is empty before. */
void csr_said(struct w_csr_names *out, int status, const struct buf *said);
void csr_said_nothing(struct w_csr_names *out);
#endif
