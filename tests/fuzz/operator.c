/* Any bytes as an operator's request: refused, or read into something that is
 * written as the very same bytes; and as an answer. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "daemon/operator_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t again[OPERATOR_REQUEST];
	struct operator_request r;
	struct blob packed;
	struct w_key k;
	struct err err;

	if (operator_read(&r, data, len)) {
		assert(len == OPERATOR_REQUEST);
		operator_write(again, &r);
		assert(memcmp(again, data, len) == 0);
	}
	if (operator_answer_read(&err, data, len))
		assert(err.code != ERR_OK || err.text[0] == '\0');
	if (operator_unpack(&k, data, len)) {
		packed = operator_pack(&k);
		assert(packed.len == len &&
		    memcmp(packed.p, data, len) == 0);
		blob_free(&packed);
		blob_free(&k.sealed);
		blob_free(&k.spki);
	}
	return 0;
}
