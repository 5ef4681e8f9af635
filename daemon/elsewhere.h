/* After the CA could not reach a name over port 80: what do we see? The names
 * of the certificate are looked up and tried; what was found goes into table
 * finding (kinds "http" and "machine"), and a certificate whose name points to
 * another machine is told so: ERR_DNS_ELSEWHERE instead of what the CA said,
 * which becomes evidence. */
#ifndef DAEMON_ELSEWHERE_H
#define DAEMON_ELSEWHERE_H
#include "daemon/bundle.h"

#define FOUND_HTTP "http"		/* subject: an address */
#define FOUND_MACHINE "machine"		/* text: our addresses */

/* err: what the certificate's iss_error is now. guilty: the names that it is
 * about. All is copied. */
void elsewhere_look(int64_t cert_id, const struct strv *names,
    const struct strv *guilty, const struct err *err);
/* A certificate was issued: what was found is out of date. */
void elsewhere_forget(const struct bundle *b);
#endif
