/* JWS: composing, and what is never composed. Linked without Jansson, as the
 * keeper is. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "acme/jws.h"
#include "base/text.h"

#define ORIGIN "https://ca.example"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* RFC 7515 appendix A.3. */
static const char key_x[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
static const char key_y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

static void
make_spki(unsigned char spki[91])
{
	static const unsigned char head[] = {
		0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
		0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
		0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04
	};
	struct blob b;

	memcpy(spki, head, sizeof(head));
	assert_true(text_unb64u(&b, key_x, 43));
	memcpy(spki + 27, b.p, 32);
	blob_free(&b);
	assert_true(text_unb64u(&b, key_y, 43));
	memcpy(spki + 59, b.p, 32);
	blob_free(&b);
}

static void
thumbprint(void **state)
{
	static const char token[] =
	    "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
	/* RFC 7638 section 3.1; the SHA-256 does not care that it is RSA. */
	static const char rsa[] = "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\""
	    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86"
	    "zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5"
	    "JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQ"
	    "MicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyr"
	    "dkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF4"
	    "4-csFCur-kEgU8awapJzKnqDKgw\"}";
	unsigned char spki[91], hash[32];
	char thumb[44], keyauth[128];
	struct err err;
	struct buf jwk, dns;

	(void)state;
	jws_thumbprint(thumb, rsa, strlen(rsa));
	assert_string_equal(thumb,
	    "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	make_spki(spki);
	buf_init(&jwk, 1000);
	assert_int_equal(jws_jwk(&jwk, spki, sizeof(spki), &err), 0);
	assert_int_equal(jwk.len, 126);
	jws_thumbprint(thumb, jwk.data, jwk.len);
	assert_string_equal(thumb,
	    "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
	snprintf(keyauth, sizeof(keyauth), "%s.%s", token, thumb);
	assert_int_equal(EVP_Digest(keyauth, strlen(keyauth), hash, NULL,
	    EVP_sha256(), NULL), 1);
	buf_init(&dns, 100);
	text_b64u(&dns, hash, sizeof(hash));
	assert_string_equal(dns.data,
	    "TsRKynps8WR2t_mg14_-b9KAPI5z6dVS6CzKil2SuXU");
	assert_int_equal(jws_jwk(&jwk, spki, 90, &err), -1);
	spki[20] ^= 1;
	assert_int_equal(jws_jwk(&jwk, spki, sizeof(spki), &err), -1);
	buf_free(&jwk);
	buf_free(&dns);
}

/* The same RSA key as SubjectPublicKeyInfo: RFC 7638 section 3.1 once more,
 * by way of DER. */
static void
other_keys(void **state)
{
	static const char n[] = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM7"
	    "8LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
	    "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0"
	    "_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91C"
	    "bOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xB"
	    "niIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
	/* NIST P-384's own generator, whose coordinates everybody knows. */
	static const char g384[] = "{\"crv\":\"P-384\",\"kty\":\"EC\",\"x\":\""
	    "qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3"
	    "\",\"y\":\""
	    "NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f"
	    "\"}";
	static const unsigned char rsa_head[] = { 0x30, 0x82, 0x01, 0x22, 0x30,
		0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
		0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30,
		0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00 };
	static const unsigned char rsa_end[] = { 0x02, 0x03, 1, 0, 1 };
	static const unsigned char p384_head[] = { 0x30, 0x76, 0x30, 0x10,
		0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
		0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04 };
	unsigned char spki[300];
	struct blob b;
	struct buf jwk;
	char thumb[44];
	struct err err;

	(void)state;
	buf_init(&jwk, 1000);
	memcpy(spki, rsa_head, 33);
	assert_true(text_unb64u(&b, n, strlen(n)));
	assert_int_equal(b.len, 256);
	memcpy(spki + 33, b.p, 256);
	memcpy(spki + 289, rsa_end, 5);
	blob_free(&b);
	assert_int_equal(jws_jwk(&jwk, spki, 294, &err), 0);
	assert_int_equal(jws_alg_of(spki, 294), JWS_RS256);
	jws_thumbprint(thumb, jwk.data, jwk.len);
	assert_string_equal(thumb,
	    "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	assert_int_equal(jws_jwk(&jwk, spki, 293, &err), -1);
	spki[294] = 0;
	assert_int_equal(jws_jwk(&jwk, spki, 295, &err), -1);
	buf_reset(&jwk);
	memcpy(spki, p384_head, 24);
	assert_true(text_unb64u(&b, strstr(g384, "qofK"), 64));
	memcpy(spki + 24, b.p, 48);
	blob_free(&b);
	assert_true(text_unb64u(&b, strstr(g384, "Nhfe"), 64));
	memcpy(spki + 72, b.p, 48);
	blob_free(&b);
	assert_int_equal(jws_jwk(&jwk, spki, 120, &err), 0);
	assert_int_equal(jws_alg_of(spki, 120), JWS_ES384);
	assert_string_equal(jwk.data, g384);
	buf_free(&jwk);
}

/* A binding as Pebble's documentation has it, byte for byte: key kid-1. */
static void
eab_vector(void **state)
{
	static const char mac_key[] = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ"
	    "9wG44nMEtx3MUAsUDkMTQ12W";
	static const char url[] = "https://localhost:14000/sign-me-up";
	unsigned char spki[91], sig[64];
	unsigned int n = 0;
	struct buf jwk, in, text;
	struct blob key;
	struct err err;

	(void)state;
	make_spki(spki);
	buf_init(&jwk, 1000);
	buf_init(&in, 4000);
	buf_init(&text, 100);
	assert_int_equal(jws_jwk(&jwk, spki, sizeof(spki), &err), 0);
	assert_int_equal(jws_eab(&in, JWS_HS256, "kid-1", url, jwk.data, &err),
	    0);
	assert_memory_equal(in.data, "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC0xIiwi"
	    "dXJsIjoiaHR0cHM6Ly9sb2NhbGhvc3Q6MTQwMDAvc2lnbi1tZS11cCJ9.", 97);
	assert_true(text_unb64u(&key, mac_key, strlen(mac_key)));
	assert_int_equal(key.len, 48);
	assert_non_null(HMAC(EVP_sha256(), key.p, (int)key.len,
	    (unsigned char *)in.data, in.len, sig, &n));
	text_b64u(&text, sig, n);
	assert_string_equal(text.data,
	    "JerwpBYp3xRnaRwF0vv3m5APeHVVv3mUOj5VJ_9KHcs");
	assert_int_equal(jws_eab(&in, JWS_HS256, "", url, "{}", &err), -1);
	assert_int_equal(jws_eab(&in, JWS_HS256, "a b", url, "{}", &err), -1);
	assert_int_equal(jws_eab(&in, JWS_HS256, "a\"", url, "{}", &err), -1);
	assert_int_equal(jws_mac_find("hs384"), JWS_HS384);
	assert_int_equal(jws_mac_key_min(JWS_HS384), 48);
	assert_int_equal(jws_mac_find("none"), JWS_MAC_COUNT);
	blob_free(&key);
	buf_free(&jwk);
	buf_free(&in);
	buf_free(&text);
}

/* Decodes the two parts of a signing input. */
static void
parts_of(const struct buf *input, char header[4096], char payload[4096])
{
	const char *dot = strchr(input->data, '.');
	struct blob part;

	assert_non_null(dot);
	assert_true(text_unb64u(&part, input->data,
	    (size_t)(dot - input->data)));
	snprintf(header, 4096, "%.*s", (int)part.len, (char *)part.p);
	blob_free(&part);
	assert_true(text_unb64u(&part, dot + 1, strlen(dot + 1)));
	snprintf(payload, 4096, "%.*s", (int)part.len, (char *)part.p);
	blob_free(&part);
}

/* RFC 8555 section 7.3.5: no nonce inside, the new key's jwk, the same url. */
static void
key_change(void **state)
{
	char header[4096], payload[4096];
	struct buf in;
	struct err err;

	(void)state;
	buf_init(&in, 4000);
	assert_int_equal(jws_change(&in, JWS_ES384, "{\"new\":1}",
	    ORIGIN "/kc", ORIGIN "/a/1", "{\"old\":1}", &err), 0);
	parts_of(&in, header, payload);
	assert_string_equal(header, "{\"alg\":\"ES384\",\"jwk\":{\"new\":1},"
	    "\"url\":\"" ORIGIN "/kc\"}");
	assert_string_equal(payload, "{\"account\":\"" ORIGIN "/a/1\","
	    "\"oldKey\":{\"old\":1}}");
	buf_free(&in);
}

/* Composes and gives header and payload back as text. */
static int
compose(const struct jws_request *r, char header[4096], char payload[4096])
{
	struct buf input;
	struct blob part;
	struct err err;
	char *dot;
	int rc;

	buf_init(&input, 100000);
	rc = jws_compose(&input, r, JWS_ES256, ORIGIN, "{\"jwk\":1}", &err);
	if (rc == 0) {
		dot = strchr(input.data, '.');
		assert_true(text_unb64u(&part, input.data,
		    (size_t)(dot - input.data)));
		snprintf(header, 4096, "%.*s", (int)part.len,
		    part.p != NULL ? (char *)part.p : "");
		blob_free(&part);
		assert_true(text_unb64u(&part, dot + 1, strlen(dot + 1)));
		snprintf(payload, 4096, "%.*s", (int)part.len,
		    part.p != NULL ? (char *)part.p : "");
		blob_free(&part);
	} else
		assert_true(err.text[0] != '\0');
	buf_free(&input);
	return rc;
}

static void
composed_kinds(void **state)
{
	char *contact[] = { (char *)"mailto:ops@shop.example" };
	char *name[] = { (char *)"*.shop.example", (char *)"192.0.2.1" };
	struct strv contacts = { contact, 1 }, names = { name, 2 };
	uint8_t csr[] = { 0x30, 0x00, 0xff };
	struct { struct jws_request r; const char *payload; } t[] = {
		{ { .what = JWS_NEW_ACCOUNT, .contacts = &contacts,
		    .agreed = true }, "{\"termsOfServiceAgreed\":true,"
		    "\"contact\":[\"mailto:ops@shop.example\"]}" },
		{ { .what = JWS_NEW_ACCOUNT }, "{}" },
		{ { .what = JWS_UPDATE_ACCOUNT, .kid = ORIGIN "/a/1" },
		    "{\"contact\":[]}" },
		{ { .what = JWS_NEW_ORDER, .kid = ORIGIN "/a/1",
		    .names = &names, .profile = "shortlived",
		    .replaces = "aa.bb", .not_after = "2027-01-01T00:00:00Z" },
		    "{\"identifiers\":[{\"type\":\"dns\",\"value\":"
		    "\"*.shop.example\"},{\"type\":\"ip\",\"value\":"
		    "\"192.0.2.1\"}],\"notAfter\":\"2027-01-01T00:00:00Z\","
		    "\"profile\":\"shortlived\",\"replaces\":\"aa.bb\"}" },
		{ { .what = JWS_READ, .kid = ORIGIN "/a/1" }, "" },
		{ { .what = JWS_CHALLENGE, .kid = ORIGIN "/a/1" }, "{}" },
		{ { .what = JWS_FINALIZE, .kid = ORIGIN "/a/1",
		    .csr = { csr, 3 } }, "{\"csr\":\"MAD_\"}" },
		{ { .what = JWS_DEACTIVATE_AUTHZ, .kid = ORIGIN "/a/1" },
		    "{\"status\":\"deactivated\"}" },
		{ { .what = JWS_NEW_ACCOUNT, .existing = true },
		    "{\"onlyReturnExisting\":true}" },
		{ { .what = JWS_NEW_ACCOUNT, .agreed = true, .eab_kid = "k",
		    .inner = "{\"j\":1}" }, "{\"termsOfServiceAgreed\":true,"
		    "\"externalAccountBinding\":{\"j\":1}}" },
		{ { .what = JWS_KEY_CHANGE, .kid = ORIGIN "/a/1",
		    .inner = "{\"j\":1}" }, "{\"j\":1}" },
		{ { .what = JWS_DEACTIVATE_ACCOUNT, .kid = ORIGIN "/a/1",
		    .url = ORIGIN "/a/1" }, "{\"status\":\"deactivated\"}" },
		{ { .what = JWS_REVOKE, .kid = ORIGIN "/a/1",
		    .cert = { csr, 3 } }, "{\"certificate\":\"MAD_\"}" },
		{ { .what = JWS_REVOKE, .signer = JWS_BY_CERT, .reason = 1,
		    .cert = { csr, 3 } },
		    "{\"certificate\":\"MAD_\",\"reason\":1}" }
	};
	char header[4096], payload[4096], want[300];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		if (t[i].r.url == NULL)
			t[i].r.url = ORIGIN "/x";
		t[i].r.nonce = "n-_1";
		assert_int_equal(compose(&t[i].r, header, payload), 0);
		assert_string_equal(payload, t[i].payload);
		snprintf(want, sizeof(want), "{\"alg\":\"ES256\",\"nonce\":"
		    "\"n-_1\",\"url\":\"%s\",%s}", t[i].r.url,
		    t[i].r.kid != NULL ? "\"kid\":\"" ORIGIN "/a/1\"" :
		    "\"jwk\":{\"jwk\":1}");
		assert_string_equal(header, want);
	}
}

/* One row a field that must not pass; each differs from a good request by
 * that field alone. */
static void
refused_fields(void **state)
{
	static const char *const bad_contacts[] = {
		"ops@shop.example", "mailto:", "mailto:@x", "mailto:a@",
		"mailto:a@b?subject=x", "mailto:a@b,c@d", "mailto:a\"@b",
		"mailto:a b@c", "tel:1"
	};
	static const char *const bad_names[] = {
		"", "WWW.shop.example", "shop.example.", "a\"b.example",
		"../x.example"
	};
	static const char *const bad_urls[] = {
		"", "http://ca.example/x", "https://evil.example/x",
		"https://ca.example:1/x", "https://ca.example/\"x"
	};
	static const char *const bad_nonces[] = { "", "a b", "a=", "\"" };
	static const char *const bad_ids[] = {
		"a", ".", "a.", "a.b.c", "a\"."
	};
	char *one[1];
	struct strv list = { one, 1 }, good = { one, 1 };
	struct jws_request order = { .what = JWS_NEW_ORDER,
	    .url = ORIGIN "/x", .nonce = "n", .kid = ORIGIN "/a/1",
	    .names = &good }, r;
	char h[4096], p[4096];
	size_t i;

	(void)state;
	one[0] = (char *)"www.shop.example";
	assert_int_equal(compose(&order, h, p), 0);
	for (i = 0; i < COUNT(bad_urls); i++) {
		r = order;
		r.url = bad_urls[i];
		assert_int_equal(compose(&r, h, p), -1);
		r = order;
		r.kid = bad_urls[i];
		assert_int_equal(compose(&r, h, p), -1);
	}
	for (i = 0; i < COUNT(bad_nonces); i++) {
		r = order;
		r.nonce = bad_nonces[i];
		assert_int_equal(compose(&r, h, p), -1);
	}
	for (i = 0; i < COUNT(bad_ids); i++) {
		r = order;
		r.replaces = bad_ids[i];
		assert_int_equal(compose(&r, h, p), -1);
	}
	r = order;
	r.profile = "a\"b";
	assert_int_equal(compose(&r, h, p), -1);
	r = order;
	r.not_before = "tomorrow";
	assert_int_equal(compose(&r, h, p), -1);
	for (i = 0; i < COUNT(bad_names); i++) {
		one[0] = (char *)bad_names[i];
		assert_int_equal(compose(&order, h, p), -1);
	}
	r = (struct jws_request){ .what = JWS_NEW_ACCOUNT,
	    .url = ORIGIN "/x", .nonce = "n", .contacts = &list };
	for (i = 0; i < COUNT(bad_contacts); i++) {
		one[0] = (char *)bad_contacts[i];
		assert_int_equal(compose(&r, h, p), -1);
	}
}

static void
refused_kinds(void **state)
{
	uint8_t csr[1] = { 0 };
	char *one[1] = { (char *)"www.shop.example" };
	struct strv names = { one, 1 };
	struct jws_request t[] = {
		{ .what = 0, .kid = ORIGIN "/a" },
		{ .what = JWS_WHAT_COUNT, .kid = ORIGIN "/a" },
		{ .what = JWS_NEW_ACCOUNT, .kid = ORIGIN "/a" },
		{ .what = JWS_NEW_ACCOUNT, .names = &names },
		{ .what = JWS_READ },
		{ .what = JWS_READ, .kid = ORIGIN "/a", .names = &names },
		{ .what = JWS_READ, .kid = ORIGIN "/a", .csr = { csr, 1 } },
		{ .what = JWS_CHALLENGE, .kid = ORIGIN "/a", .agreed = true },
		{ .what = JWS_NEW_ORDER, .kid = ORIGIN "/a" },
		{ .what = JWS_NEW_ORDER, .names = &names },
		{ .what = JWS_FINALIZE, .kid = ORIGIN "/a" },
		{ .what = JWS_FINALIZE, .kid = ORIGIN "/a",
		    .csr = { csr, 1 }, .profile = "x" },
		{ .what = JWS_DEACTIVATE_AUTHZ, .kid = ORIGIN "/a",
		    .not_before = "2027-01-01T00:00:00Z" },
		{ .what = JWS_NEW_ACCOUNT, .eab_kid = "k" },
		{ .what = JWS_NEW_ACCOUNT, .inner = "{}" },
		{ .what = JWS_READ, .kid = ORIGIN "/a", .existing = true },
		{ .what = JWS_READ, .kid = ORIGIN "/a", .inner = "{}" },
		{ .what = JWS_READ, .kid = ORIGIN "/a",
		    .signer = JWS_BY_CERT },
		{ .what = JWS_NEW_ACCOUNT, .signer = JWS_BY_CERT },
		{ .what = JWS_KEY_CHANGE, .kid = ORIGIN "/a" },
		{ .what = JWS_KEY_CHANGE, .inner = "{}" },
		{ .what = JWS_DEACTIVATE_ACCOUNT, .kid = ORIGIN "/a" },
		{ .what = JWS_REVOKE, .kid = ORIGIN "/a" },
		{ .what = JWS_REVOKE, .cert = { csr, 1 } },
		{ .what = JWS_REVOKE, .cert = { csr, 1 }, .kid = ORIGIN "/a",
		    .signer = JWS_BY_CERT },
		{ .what = JWS_REVOKE, .cert = { csr, 1 }, .kid = ORIGIN "/a",
		    .reason = 7 },
		{ .what = JWS_REVOKE, .cert = { csr, 1 }, .kid = ORIGIN "/a",
		    .reason = 6 }
	};
	char h[4096], p[4096];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		t[i].url = ORIGIN "/x";
		t[i].nonce = "n";
		assert_int_equal(compose(&t[i], h, p), -1);
	}
}

static void
flattened(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, 100);
	buf_init(&out, 200);
	buf_puts(&in, "aGVhZA.");
	jws_flatten(&out, &in, "\xff\xff", 2);
	assert_string_equal(out.data, "{\"protected\":\"aGVhZA\","
	    "\"payload\":\"\",\"signature\":\"__8\"}");
	buf_free(&in);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thumbprint),
		cmocka_unit_test(other_keys),
		cmocka_unit_test(eab_vector),
		cmocka_unit_test(key_change),
		cmocka_unit_test(composed_kinds),
		cmocka_unit_test(refused_fields),
		cmocka_unit_test(refused_kinds),
		cmocka_unit_test(flattened)
	};

	return cmocka_run_group_tests_name("acme_jws", tests, NULL, NULL);
}
