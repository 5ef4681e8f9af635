/* subjectAltName from our names: in requests, placeholders, and the
 * certificates of tls-alpn-01. */
#include <config.h>
#include <arpa/inet.h>
#include <assert.h>
#include "base/name.h"
#include "daemon/alt_names.h"

static ASN1_STRING *
address(const char *name)
{
	ASN1_STRING *s = ASN1_OCTET_STRING_new();
	uint8_t octets[16];
	int n = 4;

	if (inet_pton(AF_INET, name, octets) != 1) {
		n = 16;
		if (inet_pton(AF_INET6, name, octets) != 1)
			n = 0;
	}
	assert(n == 0 || n == 4 || n == 16);
	if (s != NULL && (n == 0 || ASN1_STRING_set(s, octets, n) != 1)) {
		ASN1_STRING_free(s);
		s = NULL;
	}
	return s;
}

static ASN1_STRING *
host(const char *name)
{
	ASN1_STRING *s = ASN1_IA5STRING_new();

	if (s != NULL && ASN1_STRING_set(s, name, -1) != 1) {
		ASN1_STRING_free(s);
		s = NULL;
	}
	return s;
}

/* What is no name of ours makes the whole list fail: a request with one name
 * less would be another request. */
static bool
add_name(GENERAL_NAMES *all, const char *name)
{
	GENERAL_NAME *one = GENERAL_NAME_new();
	enum name_kind kind;
	ASN1_STRING *value;
	char canonical[256];
	struct err err;
	bool ip;

	assert(all != NULL);
	if (one == NULL || name_parse(canonical, &kind, name, &err) != 0) {
		GENERAL_NAME_free(one);
		return false;
	}
	ip = kind == NAME_IP;
	value = ip ? address(name) : host(name);
	if (value != NULL)
		GENERAL_NAME_set0_value(one, ip ? GEN_IPADD : GEN_DNS, value);
	if (value != NULL && sk_GENERAL_NAME_push(all, one) > 0)
		return true;
	GENERAL_NAME_free(one);
	return false;
}

STACK_OF(X509_EXTENSION) *
alt_names(const struct strv *names)
{
	STACK_OF(X509_EXTENSION) *exts = NULL;
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	bool done = all != NULL;
	size_t i;

	for (i = 0; done && i < names->n; i++)
		done = add_name(all, names->v[i]);
	if (done)
		X509V3_add1_i2d(&exts, NID_subject_alt_name, all, 0,
		    X509V3_ADD_DEFAULT);
	GENERAL_NAMES_free(all);
	return exts;
}
