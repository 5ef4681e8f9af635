/* Link headers: what is found is of our origin, and no more than asked for;
 * what a TXT record says for dns-persist-01 is read beside it. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "acme/link.h"
#include "acme/method.h"

#define ORIGIN "https://ca.example"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct strv found = { NULL, 0 }, issuers = { NULL, 0 };
	char *text = xstrndup((const char *)data, len);
	size_t i;

	link_find(&found, text, "alternate", ORIGIN, ACME_ALTERNATES_MAX);
	assert(found.n <= ACME_ALTERNATES_MAX);
	for (i = 0; i < found.n; i++)
		assert(strncasecmp(found.v[i], ORIGIN, strlen(ORIGIN)) == 0);
	strv_add(&issuers, "ca.example");
	assert(!method_persist_fits(text, &issuers, &found, true, 0) ||
	    strcasestr(text, "wildcard") != NULL);
	strv_free(&found);
	strv_free(&issuers);
	free(text);
	return 0;
}
