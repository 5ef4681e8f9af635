/* A key file: what is accepted is a name, a known algorithm and a secret. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "daemon/tsig_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct tsig_key k;
	struct err err;

	if (tsig_key_parse(&k, (const char *)data, len, &err) != 0) {
		assert(k.secret.p == NULL && k.name[0] == '\0');
		return 0;
	}
	assert(strlen(k.name) > 0 && strlen(k.name) <= 253);
	assert(strpbrk(k.name, "\"\n ;{}/\\") == NULL);
	assert(strncmp(k.alg, "hmac-sha", 8) == 0 && k.secret.len >= 16);
	tsig_key_wipe(&k);
	return 0;
}
