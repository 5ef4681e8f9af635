/* What binds an account to one that exists elsewhere (RFC 8555 section 7.3.4)
 * is signed with. In a file of its own: the master asks how long a key must
 * be, and has no crypto library. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "acme/jws.h"

/* RFC 7518 section 3.2: no key is shorter than what the hash gives. */
static const struct { const char *name; size_t key_min; }
macs[JWS_MAC_COUNT] = {
	[JWS_HS256] = { "hs256", 32 }, [JWS_HS384] = { "hs384", 48 },
	[JWS_HS512] = { "hs512", 64 }
};

enum jws_mac
jws_mac_find(const char *name)
{
	int i = 0;

	assert(name != NULL);
	while (i < JWS_MAC_COUNT && strcmp(macs[i].name, name) != 0)
		i++;
	return (enum jws_mac)i;
}

size_t
jws_mac_key_min(enum jws_mac mac)
{
	assert(mac < JWS_MAC_COUNT);
	return macs[mac].key_min;
}
