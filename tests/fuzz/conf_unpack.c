/* Packed configurations of any bytes, with a checksum that is right, so that
 * the bytes behind it are reached. */
#include <config.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf.h"
#include "daemon/conf_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t sum = conf_pack_sum(data, len);
	struct blob again;
	struct conf *c;
	struct err err;
	uint8_t *all = xcalloc(len + 8, 1);
	size_t i;

	if (len > 0)
		memcpy(all, data, len);
	for (i = 0; i < 8; i++)
		all[len + i] = (uint8_t)(sum >> 8 * i);
	c = conf_unpack(all, len + 8, &err);
	if (c != NULL) {
		again = conf_pack(c);
		if (again.len != len + 8 || memcmp(again.p, all, len + 8) != 0)
			abort();
		blob_free(&again);
		conf_free(c);
	}
	free(all);
	return 0;
}
