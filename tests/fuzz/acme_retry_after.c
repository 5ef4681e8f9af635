/* Retry-After: absent, or within the bounds. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "acme/acme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *value = xstrndup((const char *)data, len);
	int64_t at = acme_retry_after(value, 1000000, 1000, 60000);

	assert(at == 0 || (at >= 1001000 && at <= 1060000));
	free(value);
	return 0;
}
