/* Addresses: what is accepted gives an origin that is its own origin. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "acme/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *url = xstrndup((const char *)data, len);
	struct buf once, twice;
	struct err err;

	buf_init(&once, ACME_URL_MAX);
	buf_init(&twice, ACME_URL_MAX);
	if (acme_url_origin(&once, url, &err) == 0) {
		assert(strncmp(once.data, "https://", 8) == 0);
		assert(strpbrk(once.data + 8, "/@?# \\") == NULL);
		assert(acme_url_origin(&twice, once.data, &err) == 0);
		assert(strcmp(once.data, twice.data) == 0);
		assert(url_same_origin(url, once.data, "x", &err) == 0);
	}
	buf_free(&once);
	buf_free(&twice);
	free(url);
	return 0;
}
