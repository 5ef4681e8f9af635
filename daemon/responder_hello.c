/* The two extensions of a ClientHello that we read ourselves: OpenSSL's own
 * reading of them comes later, and is more generous. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "daemon/responder_hello.h"

enum { HOST_NAME = 0 };

static size_t
u16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* A list that fills the extension, with one name that fills the list. */
bool
hello_name(char out[256], const uint8_t *ext, size_t n)
{
	size_t len;

	if (n < 5 || u16(ext) != n - 2 || ext[2] != HOST_NAME)
		return false;
	len = u16(ext + 3);
	if (len != n - 5 || len == 0 || len > 255 ||
	    memchr(ext + 5, '\0', len) != NULL)
		return false;
	assert(len > 0 && len <= 255);
	memcpy(out, ext + 5, len);
	out[len] = '\0';
	return true;
}

bool
hello_is_acme(const uint8_t *ext, size_t n)
{
	static const uint8_t only[] = "\x00\x0b\x0a" "acme-tls/1";

	return n == sizeof(only) - 1 && memcmp(ext, only, n) == 0;
}
