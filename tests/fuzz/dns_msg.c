/* What a name server may send: the first byte picks the question. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "daemon/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const enum dns_type types[] = { DNS_A, DNS_NS, DNS_CNAME,
		DNS_SOA, DNS_TXT, DNS_AAAA, DNS_CAA };
	char again[DNS_NAME_SIZE];
	struct dns_answer a;
	struct err err;
	size_t i;

	if (len < 1)
		return 0;
	if (!dns_unpack(&a, data + 1, len - 1, "a.example",
	    types[data[0] % 7], &err)) {
		assert(a.n == 0 && a.records == NULL && !a.replied);
		return 0;
	}
	for (i = 0; i < a.n; i++) {
		assert(a.records[i].text[a.records[i].len] == '\0');
		assert(dns_name_clean(again, a.records[i].owner));
		assert(strcmp(again, a.records[i].owner) == 0);
	}
	dns_answer_free(&a);
	return 0;
}
