/* Files with a CSR: what is taken is not empty and not too long, and the same
 * bytes in PEM are taken for the same. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/text.h"
#include "daemon/conf_csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
as_pem(struct buf *out, const struct blob *der)
{
	buf_puts(out, "-----BEGIN CERTIFICATE REQUEST-----\n");
	text_b64(out, der->p, der->len);
	buf_puts(out, "\n-----END CERTIFICATE REQUEST-----\n");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct blob file = blob_copy(data, len), der, again;
	struct err err;
	struct buf pem;

	if (conf_csr_der(&der, &file, &err) != 0) {
		assert(err.code == ERR_CONFIG_BAD && der.p == NULL);
		blob_free(&file);
		return 0;
	}
	assert(der.len > 0 && der.len <= CONF_CSR_MAX);
	blob_free(&file);
	buf_init(&pem, 4 * CONF_CSR_MAX);
	as_pem(&pem, &der);
	file = blob_copy(pem.data, pem.len);
	assert(conf_csr_der(&again, &file, &err) == 0);
	assert(again.len == der.len && memcmp(again.p, der.p, der.len) == 0);
	buf_free(&pem);
	blob_free(&file);
	blob_free(&again);
	blob_free(&der);
	return 0;
}
