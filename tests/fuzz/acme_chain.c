/* Chains and leaves in PEM. What passes is canonical: it reads back. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "acme/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Checks the chain against its own first certificate. */
static void
check_itself(const char *pem, size_t len, const struct strv *names)
{
	struct blob leaf, chain, spki;
	struct pem_certs certs;
	struct acme_leaf again;
	struct err err;

	if (pem_read(&certs, pem, len, ACME_CERTS_MAX, &err) != 0)
		return;
	spki = pem_spki(certs.x[0]);
	pem_free(&certs);
	if (acme_chain_check(pem, len, names, spki.p, spki.len,
	    INT64_C(1826755200000), &leaf, &chain, &err) == 0) {
		assert(acme_leaf_read(&again, leaf.p, leaf.len, &err) == 0);
		strv_free(&again.names);
		blob_free(&leaf);
		blob_free(&chain);
	}
	blob_free(&spki);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct acme_leaf leaf;
	struct err err;

	if (acme_leaf_read(&leaf, data, len, &err) != 0) {
		assert(err.code == ERR_CERT_BAD);
		return 0;
	}
	assert(strlen(leaf.sha256) == 64);
	check_itself((const char *)data, len, &leaf.names);
	strv_free(&leaf.names);
	return 0;
}
