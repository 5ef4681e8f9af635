/* Saved orders: what was loaded is saved as what loads, and stays so. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "acme/acme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct acme_order *o, *copy, *third;
	struct buf once, twice;
	struct err err;

	o = acme_order_load((const char *)data, len, &err);
	if (o == NULL) {
		assert(err.code == ERR_STORE);
		return 0;
	}
	buf_init(&once, 8 << 20);
	buf_init(&twice, 8 << 20);
	acme_order_save(o, &once);
	copy = acme_order_load(once.data, once.len, &err);
	assert(copy != NULL);
	/* The first save may have cut the words of an error. */
	buf_reset(&once);
	acme_order_save(copy, &once);
	third = acme_order_load(once.data, once.len, &err);
	assert(third != NULL);
	acme_order_save(third, &twice);
	assert(strcmp(once.data, twice.data) == 0);
	assert(strlen(acme_order_stage(o)) > 0);
	acme_order_free(o);
	acme_order_free(copy);
	acme_order_free(third);
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
