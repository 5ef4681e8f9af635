/* First line: the raw path of a request; the rest: its Host field. Only one
 * pair of host and token is published. */
#include <config.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/responder_table.h"

#define TOKEN "DGyRejmCefe7v4NfDGDKfA_-0123"
#define KEYAUTH TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define PATH "/.well-known/acme-challenge/" TOKEN

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct table *
filled(void)
{
	static struct table *t;
	struct err err;

	if (t == NULL) {
		t = table_new();
		if (table_publish(t, TABLE_HTTP, TOKEN, "www.example.com",
		    KEYAUTH, 1, &err) != 0 ||
		    table_publish(t, TABLE_HTTP, TOKEN, "2001:db8::1",
		    KEYAUTH, 1, &err) != 0)
			abort();
	}
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *path = xstrndup((const char *)data, len), *host;
	char name[256], twice[256];
	const char *found;

	host = strchr(path, '\n');
	if (host != NULL)
		*host++ = '\0';
	else
		host = path + strlen(path);
	found = table_find(filled(), path, host);
	if (found != NULL && (strcmp(path, PATH) != 0 ||
	    strcmp(found, KEYAUTH) != 0 || !table_host(name, host) ||
	    (strcmp(name, "www.example.com") != 0 &&
	    strcmp(name, "2001:db8::1") != 0)))
		abort();
	/* What came out as a name goes in as one, and stays itself. */
	if (table_host(name, host) && strchr(name, ':') == NULL &&
	    (!table_host(twice, name) || strcmp(name, twice) != 0))
		abort();
	free(path);
	return 0;
}
