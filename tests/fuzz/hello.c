/* The body of a server_name extension, as a stranger sends it; the same bytes
 * as ALPN. */
#include <config.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "daemon/responder_hello.h"
#include "daemon/responder_table.h"

#define TOKEN "DGyRejmCefe7v4NfDGDKfA_-0123"
#define KEYAUTH TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct table *
filled(void)
{
	static const char *const hosts[] = { "www.example.com", "192.0.2.1",
		"2001:db8::1" };
	static struct table *t;
	struct err err;
	size_t i;

	if (t != NULL)
		return t;
	t = table_new();
	for (i = 0; i < 3; i++)
		if (table_publish(t, TABLE_ALPN, TOKEN, hosts[i], KEYAUTH, 1,
		    &err) != 0)
			abort();
	if (table_publish(t, TABLE_HTTP, TOKEN, "http.example", KEYAUTH, 1,
	    &err) != 0)
		abort();
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *host = NULL, *found;
	char name[256], sni[256];

	if (hello_is_acme(data, len) && (len != 13 ||
	    memcmp(data + 3, "acme-tls/1", 10) != 0))
		abort();
	if (!hello_name(name, data, len))
		return 0;
	if (strlen(name) + 5 != len)
		abort();
	found = table_find_sni(filled(), name, &host);
	if (found == NULL)
		return 0;
	/* Only what was published for this type, by its own name. */
	if (strcmp(found, KEYAUTH) != 0 || strcmp(host, "http.example") == 0)
		abort();
	method_sni(sni, host);
	if (table_find_sni(filled(), sni, &host) != found)
		abort();
	return 0;
}
