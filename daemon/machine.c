/* Asking the system for its own addresses. */
#include <config.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include "daemon/machine.h"
#include "hooks/probe.h"

enum { MOST = 64 };

static bool
is_loopback(const struct sockaddr_storage *a)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (a->ss_family == AF_INET) {
		memcpy(&in4, a, sizeof(in4));
		return ntohl(in4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	memcpy(&in6, a, sizeof(in6));
	return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

struct strv
machine_addresses(void)
{
	struct sockaddr_storage own[MOST];
	struct strv list = { NULL, 0 };
	char text[NI_MAXHOST];
	int n = probe_local_addresses(own, MOST), i;

	assert(n <= MOST);
	for (i = 0; i < n; i++)
		if (!is_loopback(&own[i]) &&
		    getnameinfo((const struct sockaddr *)&own[i],
		    own[i].ss_family == AF_INET ? sizeof(struct sockaddr_in) :
		    sizeof(struct sockaddr_in6), text, sizeof(text), NULL, 0,
		    NI_NUMERICHOST) == 0 && !strv_has(&list, text))
			strv_add(&list, text);
	return list;
}
