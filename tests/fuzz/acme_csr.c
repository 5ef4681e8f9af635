/* CSRs in DER: one that is taken has a key and canonical names. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "acme/acme.h"
#include "base/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum name_kind kind;
	struct acme_csr csr;
	char name[256];
	struct err err;
	size_t i;

	if (acme_csr_read(&csr, data, len, &err) != 0) {
		assert(err.code == ERR_CSR_REFUSED);
		return 0;
	}
	assert(csr.names.n > 0 && csr.spki.len > 0);
	for (i = 0; i < csr.names.n; i++)
		assert(name_parse(name, &kind, csr.names.v[i], &err) == 0 &&
		    strcmp(name, csr.names.v[i]) == 0);
	acme_csr_free(&csr);
	return 0;
}
