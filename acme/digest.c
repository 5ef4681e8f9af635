/* SHA-256 in hex, and DER as PEM. */
#include <config.h>
#include <assert.h>
#include <openssl/sha.h>
#include "acme/acme.h"
#include "base/text.h"

enum { LINE = 64, DER_MAX = 64 * 1024 };

void
acme_digest_hex(char out[65], const void *p, size_t n)
{
	unsigned char md[SHA256_DIGEST_LENGTH];

	assert(p != NULL || n == 0);
	SHA256(p, n, md);
	text_hex(out, md, sizeof(md));
}

int
acme_pem_leaf(struct blob *pem, const void *der, size_t n, struct err *err)
{
	struct buf body, out;
	size_t i;

	if (n == 0 || n > DER_MAX)
		return err_set(err, ERR_CERT_BAD, "a certificate of %zu bytes",
		    n);
	buf_init(&body, 2 * DER_MAX);
	buf_init(&out, 2 * DER_MAX);
	text_b64(&body, der, n);
	buf_puts(&out, "-----BEGIN CERTIFICATE-----\n");
	for (i = 0; i < body.len; i += LINE)
		buf_printf(&out, "%.*s\n", LINE, body.data + i);
	buf_puts(&out, "-----END CERTIFICATE-----\n");
	assert(!body.full && !out.full);
	*pem = blob_copy(out.data, out.len);
	buf_free(&body);
	buf_free(&out);
	return 0;
}
