/* Names of the roles; apart from the sandbox, so that the master, which has
 * none, does not link its libraries. */
#include <config.h>
#include "daemon/sandbox.h"

const char *
role_name(enum role r)
{
	static const char *const names[] = {
		"master", "keeper", "engine", "responder", "verifier",
		"token"
	};

	return r < ROLE_COUNT ? names[r] : "nobody";
}
