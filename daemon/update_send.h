/* One dynamic update, from words to the server's word: composed, signed by the
 * keeper, sent by TCP, its reply judged and its signature checked by the
 * keeper. */
#ifndef DAEMON_UPDATE_SEND_H
#define DAEMON_UPDATE_SEND_H
#include "daemon/conf.h"
#include "daemon/update.h"

struct update_sending;

/* Through this dns block; what is in u is copied. done with err NULL when the
 * server has done it, in a later turn; then s is gone. */
struct update_sending *update_send(const struct conf_dns *dns,
    const struct update *u, void (*done)(void *ctx, const struct err *err),
    void *ctx);
/* It will not complete; the update may or may not have been done. */
void update_cancel(struct update_sending *s);	/* NULL is fine */
#endif
