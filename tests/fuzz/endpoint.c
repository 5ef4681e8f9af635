/* An endpoint out of any text: it keeps its promises, and what it names can
 * be named again. */
#include <config.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "hooks/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xstrndup((const char *)data, len), again[400];
	struct endpoint e, f;
	struct err err;

	if (endpoint_parse(&e, text, &err) == 0) {
		snprintf(again, sizeof(again), strchr(e.address, ':') != NULL ?
		    "%s://[%s]:%u" : "%s://%s:%u", e.protocol, e.address,
		    e.port);
		if (endpoint_parse(&f, again, &err) != 0 ||
		    strcmp(e.protocol, f.protocol) != 0 ||
		    strcmp(e.address, f.address) != 0 || e.port != f.port)
			abort();
	} else if (err.text[0] == '\0') {
		abort();
	}
	free(text);
	return 0;
}
