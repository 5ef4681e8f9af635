/* What a deployment round says to hooks and hears from them. Pure. */
#ifndef DAEMON_DEPLOY_H
#define DAEMON_DEPLOY_H
#include "daemon/bundle.h"
#include "daemon/conf.h"
#include "daemon/wire.h"
#include "hooks/round.h"

struct deploy_use {		/* a certificate, and what is in place now */
	const struct bundle *b;
	int64_t version;
};
/* Standard input of check and reload, interface.md section 8: JSON. Of a
 * batch too large for a message (RUN_INPUT_MAX) "truncated" is true: it lists
 * all certificates without their names, and one that is still too large lists
 * none; the count says how many. */
struct blob deploy_input(const struct deploy_use *u, size_t n,
    const char *service, int event, const char *state_dir);

/* How a program ended that did not do its work. */
struct deploy_end {
	struct err err;
	char what[160];		/* check "nginx -t" failed */
	char evidence[240];	/* the line of its output that tells; or "" */
};
/* Unless the program did its work `end` is filled. Exit status 75 asks to be
 * tried later: then its error has the class ERR_LATER. */
enum round_outcome deploy_outcome(const struct w_ran *r,
    const struct conf_service *s, bool check, struct deploy_end *end);
/* The PATH:LINE that evidence speaks of, for "Mend PATH:LINE"; "" if none. */
void deploy_place(char out[160], const char *evidence);
#endif
