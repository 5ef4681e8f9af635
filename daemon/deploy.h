/* What a deployment round says to hooks and hears from them. Pure. */
#ifndef DAEMON_DEPLOY_H
#define DAEMON_DEPLOY_H
#include "daemon/bundle.h"
#include "daemon/conf.h"
#include "daemon/wire.h"

/* Standard input of check and reload, interface.md section 8: JSON. A batch
 * too large for a message names no certificates; the count says how many. */
struct blob deploy_input(const struct bundle *const *b, size_t n,
    const char *service, int event);
/* True if the program did its work; else err says what happened, with the
 * first line of its output that tells. */
bool deploy_ran_well(const struct w_ran *r, const struct conf_service *s,
    bool check, struct err *err);
#endif
