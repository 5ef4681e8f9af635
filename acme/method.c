/* The table of challenge types, and the texts that are published for them. */
#include <config.h>
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <openssl/sha.h>
#include "acme/method.h"
#include "base/text.h"

enum { LABEL_BYTES = 10, LABEL = 16 };

const struct method methods[METHOD_COUNT] = {
	[METHOD_HTTP_01] = { "http-01", NULL, false, true, false },
	[METHOD_TLS_ALPN_01] = { "tls-alpn-01", NULL, false, true, false },
	[METHOD_DNS_01] = { "dns-01", "_acme-challenge", true, false,
	    false },
	[METHOD_DNS_ACCOUNT_01] = { "dns-account-01", "_acme-challenge", true,
	    false, false },
	[METHOD_DNS_PERSIST_01] = { "dns-persist-01", "_validation-persist",
	    true, false, true }
};

const struct method *
method_find(const char *type)
{
	size_t i;

	assert(type != NULL);
	for (i = 0; i < METHOD_COUNT; i++)
		if (strcmp(methods[i].type, type) == 0)
			return &methods[i];
	return NULL;
}

/* Bytes of an address; 0 of a host name. */
static size_t
address_of(uint8_t raw[16], const char *name)
{
	if (inet_pton(AF_INET, name, raw) == 1)
		return 4;
	return inet_pton(AF_INET6, name, raw) == 1 ? 16 : 0;
}

bool
method_fits(const struct method *m, const char *name)
{
	uint8_t raw[16];

	assert(m >= methods && m < methods + METHOD_COUNT);
	if (strncmp(name, "*.", 2) == 0)
		return m->wildcards;
	return m->addresses || address_of(raw, name) == 0;
}

void
method_digest(uint8_t out[METHOD_DIGEST], const char *keyauth)
{
	assert(keyauth != NULL);
	SHA256((const unsigned char *)keyauth, strlen(keyauth), out);
}

void
method_txt(char out[METHOD_TXT], const char *keyauth)
{
	uint8_t sum[METHOD_DIGEST];
	struct buf b;

	method_digest(sum, keyauth);
	buf_init(&b, METHOD_TXT - 1);
	text_b64u(&b, sum, sizeof(sum));
	assert(b.len == METHOD_TXT - 1);
	memcpy(out, b.data, METHOD_TXT);
	buf_free(&b);
}

void
method_extension(uint8_t out[METHOD_EXTENSION], const char *keyauth)
{
	out[0] = 0x04;
	out[1] = METHOD_DIGEST;
	method_digest(out + 2, keyauth);
}

/* Lower-case base32 of the first ten bytes of the hash of the account's
 * address: each account has its own label, and so its own CNAME. */
static void
account_label(char out[LABEL + 1], const char *account_url)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t sum[METHOD_DIGEST];
	uint64_t bits;
	int i, k;

	assert(account_url[0] != '\0');
	method_digest(sum, account_url);
	for (i = 0; i < 2; i++) {
		bits = 0;
		for (k = 0; k < LABEL_BYTES / 2; k++)
			bits = bits << 8 | sum[i * LABEL_BYTES / 2 + k];
		for (k = 0; k < LABEL / 2; k++)
			out[i * LABEL / 2 + k] = digits[bits >> (35 - 5 * k) &
			    31];
	}
	out[LABEL] = '\0';
}

int
method_record(char out[METHOD_RECORD], const struct method *m,
    const char *name, const char *account_url)
{
	char label[LABEL + 4] = "";
	int n;

	assert(m >= methods && m < methods + METHOD_COUNT);
	assert(strncmp(name, "*.", 2) != 0);
	if (m->label == NULL)
		return -1;
	if (m == &methods[METHOD_DNS_ACCOUNT_01]) {
		if (account_url == NULL)
			return -1;
		label[0] = '_';
		account_label(label + 1, account_url);
		label[LABEL + 1] = '.';
	}
	n = snprintf(out, METHOD_RECORD, "%s%s.%s", label, m->label, name);
	return n < METHOD_RECORD ? 0 : -1;
}

/* Nibbles backwards, as a reverse lookup has them (RFC 3596 section 2.5). */
void
method_sni(char out[METHOD_RECORD], const char *name)
{
	uint8_t raw[16];
	size_t n = address_of(raw, name), i, len = 0;

	if (n == 0)
		snprintf(out, METHOD_RECORD, "%s", name);
	else if (n == 4)
		snprintf(out, METHOD_RECORD, "%d.%d.%d.%d.in-addr.arpa",
		    raw[3], raw[2], raw[1], raw[0]);
	else {
		for (i = 0; i < 16; i++)
			len += (size_t)snprintf(out + len, METHOD_RECORD - len,
			    "%x.%x.", raw[15 - i] & 15, raw[15 - i] >> 4);
		assert(len == 64);	/* two for each of 32 digits */
		snprintf(out + len, METHOD_RECORD - len, "ip6.arpa");
	}
}
