/* What is published for a challenge, against the drafts' own vectors; CSRs of
 * others, and Link headers. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/x509v3.h>
#include "acme/link.h"
#include "acme/method.h"
#include "acme_fake.h"
#include "base/text.h"

#define TOKEN "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define EC_THUMB "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
#define RSA_THUMB "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

static void
digests(void **state)
{
	uint8_t sum[METHOD_DIGEST], ext[METHOD_EXTENSION];
	char hex[2 * METHOD_EXTENSION + 1], txt[METHOD_TXT];

	(void)state;
	method_digest(sum, TOKEN "." EC_THUMB);
	text_hex(hex, sum, sizeof(sum));
	assert_string_equal(hex, "4ec44aca7a6cf16476b7f9a0d78ffe6f"
	    "d2803c8e73e9d552e82cca8a5d92b975");
	method_extension(ext, TOKEN "." EC_THUMB);
	text_hex(hex, ext, sizeof(ext));
	assert_string_equal(hex, "04204ec44aca7a6cf16476b7f9a0d78ffe6f"
	    "d2803c8e73e9d552e82cca8a5d92b975");
	method_txt(txt, TOKEN "." EC_THUMB);
	assert_string_equal(txt,
	    "TsRKynps8WR2t_mg14_-b9KAPI5z6dVS6CzKil2SuXU");
	method_txt(txt, TOKEN "." RSA_THUMB);
	assert_string_equal(txt,
	    "_cC5rvB9vM8qzT3MTBcTeVpQwtbNypBXyQnE4fhM9QQ");
}

static void
what_fits(void **state)
{
	static const struct { const char *name, *fits; } t[] = {
		{ "www.shop.example", "http-01 tls-alpn-01 dns-01 "
		    "dns-account-01 dns-persist-01" },
		{ "*.shop.example", "dns-01 dns-account-01 dns-persist-01" },
		{ "192.0.2.1", "http-01 tls-alpn-01" },
		{ "2001:db8::1", "http-01 tls-alpn-01" }
	};
	struct strv fits;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fits = strv_of(t[i].fits);
		for (k = 0; k < METHOD_COUNT; k++)
			assert_int_equal(method_fits(&methods[k], t[i].name),
			    strv_has(&fits, methods[k].type));
		strv_free(&fits);
	}
	assert_ptr_equal(method_find("dns-01"), &methods[METHOD_DNS_01]);
	assert_null(method_find("dns-01 "));
	assert_null(method_find("onion-csr-01"));
}

static void
records(void **state)
{
	char out[METHOD_RECORD], name[256];

	(void)state;
	assert_int_equal(method_record(out, &methods[METHOD_DNS_01],
	    "shop.example", NULL), 0);
	assert_string_equal(out, "_acme-challenge.shop.example");
	assert_int_equal(method_record(out, &methods[METHOD_DNS_ACCOUNT_01],
	    "shop.example", "https://example.com/acme/acct/ExampleAccount"),
	    0);
	assert_string_equal(out,
	    "_ujmmovf2vn55tgye._acme-challenge.shop.example");
	assert_int_equal(method_record(out, &methods[METHOD_DNS_ACCOUNT_01],
	    "shop.example", NULL), -1);
	assert_int_equal(method_record(out, &methods[METHOD_DNS_PERSIST_01],
	    "shop.example", NULL), 0);
	assert_string_equal(out, "_validation-persist.shop.example");
	assert_int_equal(method_record(out, &methods[METHOD_HTTP_01],
	    "shop.example", NULL), -1);
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	name[253 - strlen("_acme-challenge.")] = '\0';
	assert_int_equal(method_record(out, &methods[METHOD_DNS_01], name,
	    NULL), 0);
	assert_int_equal(strlen(out), 253);
	name[strlen(name)] = 'a';
	assert_int_equal(method_record(out, &methods[METHOD_DNS_01], name,
	    NULL), -1);
}

static void
sni_of_addresses(void **state)
{
	char out[METHOD_RECORD];

	(void)state;
	method_sni(out, "www.shop.example");
	assert_string_equal(out, "www.shop.example");
	method_sni(out, "192.0.2.1");
	assert_string_equal(out, "1.2.0.192.in-addr.arpa");
	method_sni(out, "2001:db8::1");
	assert_string_equal(out, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

/* --- dns-persist-01 ------------------------------------------------------- */

static void
account_as_a_hash(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	method_account_hash(&b, "https://ca.example/", "example.com",
	    RSA_THUMB, "https://ca.example/acct/123");
	assert_string_equal(b.data, "https://ca.example/sha-256/"
	    "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw");
	buf_reset(&b);
	method_account_hash(&b, "", "*", RSA_THUMB,
	    "https://ca.example/acct/123");
	assert_string_equal(b.data, "sha-256/"
	    "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug");
	buf_free(&b);
}

static void
persist_records(void **state)
{
	static const struct {
		const char *text;
		bool plain, wildcard;
	} t[] = {
		{ "ca.example; accounturi=https://ca.example/acct/1", true,
		    false },
		{ "CA.Example;accounturi=https://ca.example/acct/1;"
		    "Policy=Wildcard", true, true },
		{ " ca.example ; policy=wildcard ; "
		    "accounturi = https://ca.example/acct/1", true, true },
		{ "ca.example; accounturi=https://ca.example/acct/1; "
		    "persistUntil=1795219201", true, false },
		{ "ca.example; accounturi=https://ca.example/acct/1; "
		    "new=thing", true, false },
		/* past, not a number, other account, other CA, none */
		{ "ca.example; accounturi=https://ca.example/acct/1; "
		    "persistUntil=1795219200", false, false },
		{ "ca.example; accounturi=https://ca.example/acct/1; "
		    "persistUntil=x", false, false },
		{ "ca.example; accounturi=https://ca.example/acct/1; "
		    "persistUntil="
		    "99999999999999999999999999", false, false },
		{ "ca.example; accounturi=https://ca.example/acct/10", false,
		    false },
		{ "ca.example; accounturi=HTTPS://ca.example/acct/1", false,
		    false },
		{ "ca.example.net; accounturi=https://ca.example/acct/1",
		    false, false },
		{ "ca.example", false, false },
		/* doubled, final semicolon, no value */
		{ "ca.example; accounturi=https://ca.example/acct/1; "
		    "accounturi=https://ca.example/acct/1", false, false },
		{ "ca.example; accounturi=https://ca.example/acct/1;", false,
		    false },
		{ "ca.example; accounturi=https://ca.example/acct/1; policy",
		    false, false },
		{ "", false, false }
	};
	struct strv issuers = strv_of("ca.example");
	struct strv uris = strv_of("https://ca.example/acct/1");
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (method_persist_fits(t[i].text, &issuers, &uris, false,
		    NOW_MS) != t[i].plain ||
		    method_persist_fits(t[i].text, &issuers, &uris, true,
		    NOW_MS) != t[i].wildcard)
			fail_msg("\"%s\"", t[i].text);
	buf_init(&b, 4096);
	method_persist(&b, "ca.example", "https://ca.example/acct/1", true,
	    1795219201);
	assert_string_equal(b.data, "ca.example; accounturi="
	    "https://ca.example/acct/1; policy=wildcard; "
	    "persistUntil=1795219201");
	assert_true(method_persist_fits(b.data, &issuers, &uris, true,
	    NOW_MS));
	assert_int_equal(method_persist_until(b.data), 1795219201);
	buf_free(&b);
	strv_free(&issuers);
	strv_free(&uris);
}

static void
persist_read_back(void **state)
{
	char issuer[METHOD_RECORD];
	bool wildcard;
	struct buf uri;

	(void)state;
	buf_init(&uri, METHOD_URI_MAX);
	method_persist_who(" ca.example ; policy = wildcard ; accounturi = u",
	    issuer, &uri, &wildcard);
	assert_string_equal(issuer, "ca.example");
	assert_string_equal(uri.data, "u");
	assert_true(wildcard);
	buf_free(&uri);
	buf_init(&uri, METHOD_URI_MAX);
	method_persist_who("nothing of this kind", issuer, &uri, &wildcard);
	assert_int_equal(uri.len, 0);
	assert_false(wildcard);
	buf_free(&uri);
	assert_int_equal(method_persist_until("ca.example; accounturi=u"), 0);
	assert_int_equal(method_persist_until("ca; persistUntil=x"), 0);
	assert_int_equal(method_persist_until(""), 0);
}

/* A CA may call our account anything: what it said once is what holds, not
 * what somebody could make up. */
static void
persist_told(void **state)
{
	static const struct { const char *place, *issuers, *uri; } t[] = {
		{ "_v.a.example", "CA.example", "https://pki.example/acct/7" },
		{ "_v.a.example", "x.example ca.example",
		    "https://pki.example/acct/7" },
		{ "_v.a.example", "other.example", "" },
		{ "_v.a.example", "", "" },
		{ "_v.a", "ca.example", "" },
		{ "_v.b.example", "ca.example", "" },
		{ "_v.c.example", "ca.example", "" }
	};
	struct strv known = { NULL, 0 }, issuers;
	struct buf uri;
	size_t i;

	(void)state;
	strv_add(&known, "_v.a.example ca.example; policy=wildcard; "
	    "accounturi=https://pki.example/acct/7");
	strv_add(&known, "_v.b.example ");
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		issuers = strv_of(t[i].issuers);
		buf_init(&uri, METHOD_URI_MAX);
		method_persist_told(&known, t[i].place, &issuers, &uri);
		assert_string_equal(uri.len > 0 ? uri.data : "", t[i].uri);
		buf_free(&uri);
		strv_free(&issuers);
	}
	strv_free(&known);
}

/* --- links ---------------------------------------------------------------- */

static void
links_are(const char *value, const char *want)
{
	struct strv got = { NULL, 0 }, list = strv_of(want);
	size_t i;

	link_find(&got, value, "alternate", ORIGIN, ACME_ALTERNATES_MAX);
	assert_int_equal(got.n, list.n);
	for (i = 0; i < got.n; i++)
		assert_string_equal(got.v[i], list.v[i]);
	strv_free(&got);
	strv_free(&list);
}

static void
c4_links(void **state)
{
	(void)state;
	links_are(NULL, "");
	links_are("", "");
	links_are("<" ORIGIN "/1>;rel=\"alternate\", <" ORIGIN
	    "/dir>;rel=\"index\"", ORIGIN "/1");
	links_are("<" ORIGIN "/1>; title=\"a, \\\"<b>\"; rel=\"up Alternate\""
	    ", <" ORIGIN "/2> ; REL = alternate", ORIGIN "/1 " ORIGIN "/2");
	/* Only the first rel counts; the same address once. */
	links_are("<" ORIGIN "/1>;rel=up;rel=alternate", "");
	links_are("<" ORIGIN "/1>;rel=alternate,<" ORIGIN
	    "/1>;rel=alternate", ORIGIN "/1");
	/* Unknown relations, other origins, relative addresses. */
	links_are("<" ORIGIN "/1>;rel=\"acme-optional-alternate\"", "");
	links_are("<https://evil.example/1>;rel=alternate, </2>;rel=alternate"
	    ", <" ORIGIN "/3>;rel=alternate", ORIGIN "/3");
	/* Malformed: what was read before stays. */
	links_are("<" ORIGIN "/1>;rel=alternate, <" ORIGIN "/2", ORIGIN "/1");
	links_are("<" ORIGIN "/1>;rel=\"alternate", "");
	links_are("<" ORIGIN "/1>;rel=alternate x, <" ORIGIN
	    "/2>;rel=alternate", "");
	links_are("<" ORIGIN "/1>;rel=alternate,<" ORIGIN "/2>;rel=alternate,"
	    "<" ORIGIN "/3>;rel=alternate,<" ORIGIN "/4>;rel=alternate,<"
	    ORIGIN "/5>;rel=alternate", ORIGIN "/1 " ORIGIN "/2 " ORIGIN
	    "/3 " ORIGIN "/4");
}

/* --- CSRs ----------------------------------------------------------------- */

static struct blob
csr_signed(EVP_PKEY *key, EVP_PKEY *signer, const char *cn, const char *san,
    const EVP_MD *hash)
{
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	struct blob out;

	X509_REQ_set_pubkey(req, key);
	if (cn != NULL)
		X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req),
		    "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1,
		    0);
	if (san != NULL) {
		sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
		    NID_subject_alt_name, san));
		X509_REQ_add_extensions(req, exts);
	}
	X509_REQ_sign(req, signer, hash);
	out.len = (size_t)i2d_X509_REQ(req, &der);
	out.p = xmemdup(der, out.len);
	OPENSSL_free(der);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	return out;
}

static struct blob
csr_for(EVP_PKEY *key, EVP_PKEY *signer, const char *cn, const char *san)
{
	return csr_signed(key, signer, cn, san, EVP_sha256());
}

static void
csr_names(void **state)
{
	static const struct { const char *cn, *san, *names; } t[] = {
		{ NULL, "DNS:Shop.Example,DNS:*.shop.example,IP:192.0.2.1,"
		    "IP:2001:db8::1", "shop.example *.shop.example 192.0.2.1 "
		    "2001:db8::1" },
		{ "www.shop.example", "DNS:shop.example",
		    "shop.example www.shop.example" },
		{ "shop.example", NULL, "shop.example" },
		{ "The shop", "DNS:shop.example", "shop.example" }
	};
	EVP_PKEY *key = make_key("P-256");
	struct blob der, spki = spki_of(key);
	struct strv names;
	struct acme_csr csr;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		der = csr_for(key, key, t[i].cn, t[i].san);
		assert_int_equal(acme_csr_read(&csr, der.p, der.len, &err),
		    0);
		names = strv_of(t[i].names);
		assert_true(strv_same(&names, &csr.names));
		assert_int_equal(csr.spki.len, spki.len);
		assert_memory_equal(csr.spki.p, spki.p, spki.len);
		acme_csr_free(&csr);
		strv_free(&names);
		blob_free(&der);
	}
	blob_free(&spki);
	EVP_PKEY_free(key);
}

static void
csr_bad(struct blob der)
{
	struct acme_csr csr;
	struct err err;

	assert_int_equal(acme_csr_read(&csr, der.p, der.len, &err), -1);
	assert_int_equal(err.code, ERR_CSR_REFUSED);
	blob_free(&der);
}

static void
csrs_that_are_none(void **state)
{
	EVP_PKEY *key = make_key("P-256"), *other = make_key("P-256");
	struct blob der;

	(void)state;
	csr_bad(csr_for(key, other, "shop.example", NULL));
	csr_bad(csr_for(key, key, NULL, NULL));
	csr_bad(csr_for(key, key, "shop.example", "email:a@shop.example"));
	csr_bad(csr_for(key, key, NULL, "DNS:a_b.shop.example"));
	csr_bad((struct blob){ NULL, 0 });
	der = csr_for(key, key, "shop.example", NULL);
	der.len--;
	csr_bad(der);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void
weak_csr(EVP_PKEY *key, const EVP_MD *hash, const char *words)
{
	struct blob der = csr_signed(key, key, "shop.example", NULL, hash);
	struct acme_csr csr;
	struct err err;

	assert_int_equal(acme_csr_read(&csr, der.p, der.len, &err), -1);
	assert_int_equal(err.code, ERR_CSR_REFUSED);
	assert_non_null(strstr(err.text, words));
	blob_free(&der);
}

/* What CAs refuse in the end is refused before they are asked. */
static void
weak_csrs(void **state)
{
	EVP_PKEY *weak = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	struct acme_csr csr;
	struct blob der;
	struct err err;

	(void)state;
	weak_csr(weak, EVP_sha256(), "too weak (RSA of 1024 bits)");
	weak_csr(rsa, EVP_sha1(), "a hash that CAs refuse");
	der = csr_for(rsa, rsa, "shop.example", NULL);
	assert_int_equal(acme_csr_read(&csr, der.p, der.len, &err), 0);
	acme_csr_free(&csr);
	blob_free(&der);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(rsa);
}

#define N(name, f) { name, f, NULL, NULL, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests),
		cmocka_unit_test(what_fits),
		cmocka_unit_test(records),
		cmocka_unit_test(sni_of_addresses),
		cmocka_unit_test(account_as_a_hash),
		cmocka_unit_test(persist_records),
		cmocka_unit_test(persist_read_back),
		cmocka_unit_test(persist_told),
		N("C4 links", c4_links),
		cmocka_unit_test(csr_names),
		cmocka_unit_test(csrs_that_are_none),
		cmocka_unit_test(weak_csrs)
	};

	return cmocka_run_group_tests_name("acme_method", tests, NULL, NULL);
}
