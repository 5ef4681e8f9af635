/* Before any order: what DNS says about the names of a certificate. Whether
 * CAA lets its CA in (one whose word for CAA is known), and, where names are
 * proved in DNS, where each record would be written and by which dns block, or
 * which standing record is to be there.
 * Advice only. */
#ifndef DAEMON_LOOK_H
#define DAEMON_LOOK_H
#include "daemon/cas.h"
#include "daemon/conf.h"

/* done once, in a later turn, with a line a finding; good: nothing is in the
 * way. account: its URL at the CA, "" if there is none yet. standing: "RECORD
 * TEXT" of what orders have found or missed so far. All is copied. */
void look(const struct conf_wish *wish, const char *account,
    const struct strv *standing, void (*done)(void *ctx,
    const struct strv *lines, bool good), void *ctx);
/* How the CA is called in CAA records: by its directory, or where that says
 * nothing, as it is known. Empty: nobody knows. Added to *out. */
void look_identities(struct strv *out, const struct ca *ca);
/* The first challenge of the wish is one of DNS. */
bool look_by_dns(const struct conf_wish *wish);
#endif
