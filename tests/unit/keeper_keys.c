/* Types of keys: made, waited for, brought from elsewhere, used again; and
 * what the secrets of the configuration are good for. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "base/text.h"
#include "tests/unit/keeper_world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct w_csr
request(const char *alg, uint32_t version)
{
	return (struct w_csr){ .cert = CERT, .version = version,
		.alg = (char *)(uintptr_t)alg, .names = some_names() };
}

static X509_REQ *
read_request(const struct w_csr_done *a)
{
	const unsigned char *p = a->csr.p;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)a->csr.len);
	EVP_PKEY *key = public_key(&a->spki);

	assert_non_null(req);
	assert_int_equal(X509_REQ_verify(req, key), 1);
	EVP_PKEY_free(key);
	return req;
}

static void
each_type_makes_a_request(void **state)
{
	static const struct {
		const char *alg;
		int bits, signature;
	} t[] = {
		{ "ecdsa-p256", 256, NID_ecdsa_with_SHA256 },
		{ "ecdsa-p384", 384, NID_ecdsa_with_SHA384 },
		{ "rsa-2048", 2048, NID_sha256WithRSAEncryption },
		{ "ed25519", 256, NID_ED25519 },
		{ "ed448", 456, NID_ED448 }
	};
	struct world *w = *state;
	struct w_csr_done *a;
	struct w_csr q;
	X509_REQ *req;
	size_t i;

	for (i = 0; i < COUNT(t); i++) {
		q = request(t[i].alg, 1);
		a = must(w->engine, WIRE_CSR, &q, WIRE_CSR_DONE);
		req = read_request(a);
		assert_int_equal(X509_REQ_get_signature_nid(req),
		    t[i].signature);
		assert_int_equal(EVP_PKEY_get_bits(X509_REQ_get0_pubkey(req)),
		    t[i].bits);
		X509_REQ_free(req);
		child_answer_free(WIRE_CSR_DONE, a);
		strv_free(&q.names);
	}
}

/* What the library of this machine does not have is said, and so is what
 * nobody has. */
static void
other_types_are_refused(void **state)
{
	static const char *const algs[] = { "ml-dsa-65", "rsa-1024", "dsa",
		"x25519", "EC" };
	EVP_KEYMGMT *ml = EVP_KEYMGMT_fetch(NULL, "ML-DSA-65", NULL);
	struct world *w = *state;
	struct w_csr q;
	size_t i;

	for (i = ml != NULL ? 1 : 0; i < COUNT(algs); i++) {
		q = request(algs[i], 1);
		assert_int_equal(refusal(w->engine, WIRE_CSR, &q),
		    ERR_INVALID);
		strv_free(&q.names);
	}
	EVP_KEYMGMT_free(ml);
}

/* Six slow ones are asked for, then something quick: that comes first. */
static void
slow_keys_keep_nobody_waiting(void **state)
{
	struct world *w = *state;
	struct w_csr q = request("rsa-3072", 1);
	struct w_account_key quick = { ACCOUNT, TEXT("https://ca.example"),
		TEXT("ecdsa-p256") };
	uint8_t modulus[6][32];
	struct w_csr_done *a;
	void *out;
	int i, k;

	for (i = 0; i < 6; i++)
		assert_int_equal(wire_send(w->engine, WIRE_CSR, 42, &q), 0);
	assert_int_equal(wire_send(w->engine, WIRE_ACCOUNT_KEY, 42, &quick), 0);
	assert_int_equal(child_hear(w->engine, &out), WIRE_KEY);
	child_answer_free(WIRE_KEY, out);
	for (i = 0; i < 6; i++) {
		assert_int_equal(child_hear(w->engine, &out), WIRE_CSR_DONE);
		a = out;
		memcpy(modulus[i], a->spki.p + 40, 32);
		for (k = 0; k < i; k++)
			assert_memory_not_equal(modulus[i], modulus[k], 32);
		X509_REQ_free(read_request(a));
		child_answer_free(WIRE_CSR_DONE, a);
	}
	strv_free(&q.names);
}

/* Its requests go with it; too many at once are refused, not kept. */
static void
an_engine_that_left_waits_for_nothing(void **state)
{
	struct world *w = *state;
	struct w_csr q = request("rsa-4096", 1);
	int i, refused = 0;
	uint16_t kind;
	void *out;

	for (i = 0; i < 140; i++)
		assert_int_equal(wire_send(w->engine, WIRE_CSR, 42, &q), 0);
	for (i = 0; i < 10; i++) {
		kind = child_hear(w->engine, &out);
		refused += kind == WIRE_FAILED;
		child_answer_free(kind, out);
	}
	assert_true(refused > 0);
	close(w->engine);
	w->engine = give_peer(w->keeper.fd);
	child_answer_free(WIRE_KEY, make_account(w));
	strv_free(&q.names);
}

/* Who is refused in the end takes no key: its order goes too. */
static void
orders_do_not_pile_up(void **state)
{
	struct world *w = *state;
	struct w_csr good = request("rsa-2048", 1);
	struct w_account_key bad = { ACCOUNT, TEXT("x"), TEXT("rsa-2048") };
	uint16_t kind;
	void *out;
	int round, i;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < 128; i++)
			assert_int_equal(wire_send(w->engine,
			    WIRE_ACCOUNT_KEY, 42, &bad), 0);
		for (i = 0; i < 128; i++) {
			kind = child_hear(w->engine, &out);
			assert_int_equal(kind, WIRE_FAILED);
			child_answer_free(kind, out);
		}
		/* The stock is empty again: the next have to wait. */
		for (i = 0; i < 8; i++)
			assert_int_equal(wire_send(w->engine, WIRE_CSR, 42,
			    &good), 0);
		for (i = 0; i < 8; i++) {
			kind = child_hear(w->engine, &out);
			assert_int_equal(kind, WIRE_CSR_DONE);
			child_answer_free(kind, out);
		}
	}
	strv_free(&good.names);
}

static void
must_staple_is_an_extension(void **state)
{
	struct world *w = *state;
	struct w_csr q = request("ecdsa-p256", 1);
	STACK_OF(X509_EXTENSION) *exts;
	const ASN1_OCTET_STRING *value;
	struct w_csr_done *a;
	X509_EXTENSION *ext;
	X509_REQ *req;
	int at;

	q.must_staple = 1;
	a = must(w->engine, WIRE_CSR, &q, WIRE_CSR_DONE);
	req = read_request(a);
	exts = X509_REQ_get_extensions(req);
	assert_int_equal(sk_X509_EXTENSION_num(exts), 2);
	at = X509v3_get_ext_by_NID(exts, NID_tlsfeature, -1);
	assert_true(at >= 0);
	ext = sk_X509_EXTENSION_value(exts, at);
	assert_false(X509_EXTENSION_get_critical(ext));
	value = X509_EXTENSION_get_data(ext);
	assert_int_equal(ASN1_STRING_length(value), 5);
	assert_memory_equal(ASN1_STRING_get0_data(value), "\x30\3\2\1\5", 5);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	child_answer_free(WIRE_CSR_DONE, a);
	strv_free(&q.names);
}

/* key-policy reuse: the key of version 3 becomes that of version 4, for this
 * certificate and for no other. */
static void
a_key_goes_on_to_a_later_version(void **state)
{
	struct world *w = *state;
	struct w_csr q = request("ecdsa-p256", 3);
	struct w_csr_done *a = must(w->engine, WIRE_CSR, &q, WIRE_CSR_DONE);
	struct w_csr_done *b;
	struct w_open open = { CERT, 4, { NULL, 0 } };

	q.sealed = a->sealed;
	q.version = 4;
	assert_int_equal(refusal(w->engine, WIRE_CSR, &q), ERR_SEAL);
	q.from = 3;
	b = must(w->engine, WIRE_CSR, &q, WIRE_CSR_DONE);
	assert_memory_equal(a->spki.p, b->spki.p, a->spki.len);
	open.sealed = b->sealed;
	child_answer_free(WIRE_OPENED, must(w->keeper.fd, WIRE_OPEN, &open,
	    WIRE_OPENED));
	q.cert++;
	assert_int_equal(refusal(w->engine, WIRE_CSR, &q), ERR_SEAL);
	child_answer_free(WIRE_CSR_DONE, a);
	child_answer_free(WIRE_CSR_DONE, b);
	strv_free(&q.names);
}

/* --- accounts of other types ---------------------------------------------- */

/* The raw signature as the library's own check wants it. */
static int
verifies(const struct blob *jws, EVP_PKEY *key, size_t half)
{
	struct blob protected = member(jws, "protected");
	struct blob payload = member(jws, "payload");
	struct blob sig = member(jws, "signature");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	struct buf input;
	ECDSA_SIG *pair;
	int ok, n;

	buf_init(&input, 8192);
	text_b64u(&input, protected.p, protected.len);
	buf_putc(&input, '.');
	text_b64u(&input, payload.p, payload.len);
	if (half > 0) {
		assert_int_equal(sig.len, 2 * half);
		pair = ECDSA_SIG_new();
		ECDSA_SIG_set0(pair, BN_bin2bn(sig.p, (int)half, NULL),
		    BN_bin2bn(sig.p + half, (int)half, NULL));
		n = i2d_ECDSA_SIG(pair, &der);
		blob_free(&sig);
		sig = blob_copy(der, (size_t)n);
		OPENSSL_free(der);
		ECDSA_SIG_free(pair);
	}
	EVP_DigestVerifyInit(ctx, NULL, half == 48 ? EVP_sha384() :
	    EVP_sha256(), NULL, key);
	ok = EVP_DigestVerify(ctx, sig.p, sig.len,
	    (unsigned char *)input.data, input.len);
	EVP_MD_CTX_free(ctx);
	buf_free(&input);
	blob_free(&protected);
	blob_free(&payload);
	blob_free(&sig);
	return ok == 1;
}

static void
accounts_of_each_type_sign(void **state)
{
	static const struct {
		const char *alg, *name;
		size_t half;
	} t[] = { { "ecdsa-p256", "ES256", 32 }, { "ecdsa-p384", "ES384", 48 },
		{ "rsa-2048", "RS256", 0 } };
	struct world *w = *state;
	struct w_jws_done *a;
	struct w_key *k;
	struct w_jws q;
	struct blob header;
	EVP_PKEY *key;
	size_t i;

	for (i = 0; i < COUNT(t); i++) {
		struct w_account_key make = { ACCOUNT,
			TEXT("https://ca.example:14000"),
			(char *)(uintptr_t)t[i].alg };

		k = must(w->engine, WIRE_ACCOUNT_KEY, &make, WIRE_KEY);
		q = some_request(&k->sealed);
		a = must(w->engine, WIRE_JWS, &q, WIRE_JWS_DONE);
		key = public_key(&k->spki);
		assert_true(verifies(&a->jws, key, t[i].half));
		header = member(&a->jws, "protected");
		assert_non_null(memmem(header.p, header.len, t[i].name, 5));
		blob_free(&header);
		EVP_PKEY_free(key);
		child_answer_free(WIRE_JWS_DONE, a);
		child_answer_free(WIRE_KEY, k);
	}
}

static void
other_keys_are_none_for_accounts(void **state)
{
	struct world *w = *state;
	struct w_account_key make = { ACCOUNT, TEXT("https://ca.example"),
		TEXT("ed25519") };

	assert_int_equal(refusal(w->engine, WIRE_ACCOUNT_KEY, &make),
	    ERR_KEEPER);
}

/* --- keys from elsewhere -------------------------------------------------- */

static struct blob
pem_of(EVP_PKEY *key, bool traditional, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct blob b;
	char *p;
	long n;

	if (traditional)
		PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0,
		    NULL, NULL);
	else
		PEM_write_bio_PrivateKey(bio, key, passphrase != NULL ?
		    EVP_aes_256_cbc() : NULL, NULL, 0, NULL,
		    (char *)(uintptr_t)passphrase);
	n = BIO_get_mem_data(bio, &p);
	b = blob_copy(p, (size_t)n);
	BIO_free(bio);
	return b;
}

static void
account_import(struct world *w, EVP_PKEY *key, bool traditional, size_t half)
{
	struct w_import q = { ACCOUNT, 0, TEXT("https://ca.example:14000"),
		pem_of(key, traditional, NULL) };
	struct w_key *k = must(w->keeper.fd, WIRE_IMPORT, &q, WIRE_KEY);
	struct w_jws sign = some_request(&k->sealed);
	struct w_jws_done *a = must(w->engine, WIRE_JWS, &sign, WIRE_JWS_DONE);

	assert_true(verifies(&a->jws, key, half));
	child_answer_free(WIRE_JWS_DONE, a);
	child_answer_free(WIRE_KEY, k);
	blob_free(&q.key);
}

static void
keys_are_imported(void **state)
{
	struct world *w = *state;
	EVP_PKEY *ec = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	struct w_import q = { CERT, 7, TEXT(""), pem_of(rsa, false, NULL) };
	struct w_open open = { CERT, 7, { NULL, 0 } };
	struct w_opened *o;
	struct w_key *k;

	account_import(w, ec, false, 32);
	account_import(w, ec, true, 32);
	account_import(w, rsa, true, 0);
	k = must(w->keeper.fd, WIRE_IMPORT, &q, WIRE_KEY);
	open.sealed = k->sealed;
	o = must(w->keeper.fd, WIRE_OPEN, &open, WIRE_OPENED);
	assert_int_equal(o->key.len, q.key.len);
	assert_memory_equal(o->key.p, q.key.p, q.key.len);
	child_answer_free(WIRE_OPENED, o);
	child_answer_free(WIRE_KEY, k);
	blob_free(&q.key);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
}

/* security.md D10, as far as bytes go. */
static void
d10_what_is_no_key(void **state)
{
	struct world *w = *state;
	EVP_PKEY *ec = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	EVP_PKEY *p521 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
	EVP_PKEY *x = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	struct w_import q = { ACCOUNT, 0, TEXT("https://ca.example"),
		pem_of(ec, false, "secret") };

	assert_int_equal(refusal(w->keeper.fd, WIRE_IMPORT, &q), ERR_INVALID);
	blob_free(&q.key);
	q.key = pem_of(ec, false, NULL);
	q.origin = TEXT("ca.example");
	assert_int_equal(refusal(w->keeper.fd, WIRE_IMPORT, &q), ERR_INVALID);
	q.origin = TEXT("https://ca.example");
	q.key.len /= 2;
	assert_int_equal(refusal(w->keeper.fd, WIRE_IMPORT, &q), ERR_INVALID);
	q.key.len = 0;
	assert_int_equal(refusal(w->keeper.fd, WIRE_IMPORT, &q), ERR_INVALID);
	blob_free(&q.key);
	q.key = pem_of(p521, false, NULL);
	assert_int_equal(refusal(w->keeper.fd, WIRE_IMPORT, &q), ERR_KEEPER);
	blob_free(&q.key);
	q.key = pem_of(x, false, NULL);
	q.version = 1;
	assert_int_equal(refusal(w->keeper.fd, WIRE_IMPORT, &q), ERR_INVALID);
	blob_free(&q.key);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(p521);
	EVP_PKEY_free(x);
}

/* --- secrets -------------------------------------------------------------- */

static enum err_code
give_secret(struct world *w, uint8_t kind, const char *name, const char *alg,
    int byte, size_t n)
{
	uint8_t bytes[128];
	struct w_secret q = { kind, (char *)(uintptr_t)name,
		(char *)(uintptr_t)alg, { bytes, n } };

	memset(bytes, byte, sizeof(bytes));
	return refusal(w->keeper.fd, WIRE_SECRET, &q);
}

static struct blob
binding_of(const struct w_jws_done *a, struct blob *payload)
{
	struct blob inner;

	*payload = member(&a->jws, "payload");
	inner.p = memmem(payload->p, payload->len, "{\"protected\"", 12);
	assert_non_null(inner.p);
	inner.len = payload->len - (size_t)(inner.p - payload->p);
	return inner;
}

/* The header, byte for byte, and the MAC over it and the account's key. */
static void
assert_binding(const struct w_jws_done *a, const char *alg,
    const EVP_MD *md, size_t n)
{
	struct blob payload, inner = binding_of(a, &payload), part;
	uint8_t key[64], want[64];
	unsigned int len = 0;
	char header[200];
	struct buf input;

	buf_init(&input, 4096);
	part = member(&inner, "protected");
	snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"kid-1\","
	    "\"url\":\"https://ca.example:14000/o/1\"}", alg);
	assert_int_equal(part.len, strlen(header));
	assert_memory_equal(part.p, header, part.len);
	text_b64u(&input, part.p, part.len);
	blob_free(&part);
	buf_putc(&input, '.');
	part = member(&inner, "payload");
	assert_memory_equal(part.p, "{\"crv\":\"P-256\"", 14);
	text_b64u(&input, part.p, part.len);
	blob_free(&part);
	memset(key, 'e', sizeof(key));
	HMAC(md, key, (int)n, (unsigned char *)input.data, input.len, want,
	    &len);
	part = member(&inner, "signature");
	assert_int_equal(part.len, n);
	assert_memory_equal(part.p, want, n);
	blob_free(&part);
	blob_free(&payload);
	buf_free(&input);
}

static void
a_binding_is_made_here(void **state)
{
	const struct { const char *alg, *jose; const EVP_MD *md; size_t n; }
	t[] = {
		{ "hs256", "HS256", EVP_sha256(), 32 },
		{ "hs384", "HS384", EVP_sha384(), 48 },
		{ "hs512", "HS512", EVP_sha512(), 64 }
	};
	struct world *w = *state;
	struct w_key *k = make_account(w);
	struct w_jws q = some_request(&k->sealed);
	struct w_jws_done *a;
	size_t i;

	q.what = JWS_NEW_ACCOUNT;
	q.kid = TEXT("");
	q.agreed = 1;
	q.eab = TEXT("zerossl");
	q.eab_kid = TEXT("kid-1");
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_EAB_NEEDED);
	for (i = 0; i < 3; i++) {
		assert_int_equal(give_secret(w, SECRET_EAB, "zerossl",
		    t[i].alg, 'e', t[i].n - 1), ERR_CONFIG_BAD);
		assert_int_equal(give_secret(w, SECRET_EAB, "zerossl",
		    t[i].alg, 'e', t[i].n), ERR_OK);
		a = must(w->engine, WIRE_JWS, &q, WIRE_JWS_DONE);
		assert_binding(a, t[i].jose, t[i].md, t[i].n);
		child_answer_free(WIRE_JWS_DONE, a);
	}
	/* After a reload without it. */
	assert_int_equal(refusal(w->keeper.fd, WIRE_FORGET,
	    &(struct w_empty){ 0 }), ERR_OK);
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_EAB_NEEDED);
	child_answer_free(WIRE_KEY, k);
}

static void
dns_messages_are_signed(void **state)
{
	static const struct {
		const char *alg;
		unsigned int n;
	} t[] = { { "hmac-sha256", 32 }, { "hmac-sha384", 48 },
		{ "hmac-sha512", 64 } };
	const EVP_MD *mds[] = { EVP_sha256(), EVP_sha384(), EVP_sha512() };
	uint8_t *message = xcalloc(1, 65536), key[32], want[64];
	struct w_tsig q = { TEXT("bind"), { message, 65536 } };
	struct world *w = *state;
	unsigned int n = 0;
	struct w_mac *a;
	size_t i;

	assert_int_equal(refusal(w->engine, WIRE_TSIG, &q), ERR_CONFIG_BAD);
	memset(key, 't', sizeof(key));
	for (i = 0; i < 3; i++) {
		assert_int_equal(give_secret(w, SECRET_TSIG, "bind", t[i].alg,
		    't', 32), ERR_OK);
		a = must(w->engine, WIRE_TSIG, &q, WIRE_MAC);
		HMAC(mds[i], key, 32, message, 65536, want, &n);
		assert_int_equal(a->mac.len, t[i].n);
		assert_memory_equal(a->mac.p, want, n);
		child_answer_free(WIRE_MAC, a);
	}
	q.message.len = 11;
	assert_int_equal(refusal(w->engine, WIRE_TSIG, &q), ERR_INVALID);
	free(message);
}

/* The engine may have any DNS message signed, so a binding's key must never
 * be used for one: not by name, not as the same bytes under two names. */
static void
a_secret_has_one_use(void **state)
{
	struct world *w = *state;
	uint8_t message[12] = { 0 };
	struct w_tsig q = { TEXT("zerossl"), { message, 12 } };

	assert_int_equal(give_secret(w, SECRET_EAB, "zerossl", "hs256", 's',
	    32), ERR_OK);
	assert_int_equal(refusal(w->engine, WIRE_TSIG, &q), ERR_CONFIG_BAD);
	assert_int_equal(give_secret(w, SECRET_TSIG, "bind", "hmac-sha256",
	    's', 32), ERR_CONFIG_BAD);
	/* The same once more is a reload. */
	assert_int_equal(give_secret(w, SECRET_EAB, "zerossl", "hs256", 's',
	    32), ERR_OK);
}

/* security.md L6: too short; and algorithms that are none. */
static void
l6_bad_secrets(void **state)
{
	static const struct {
		uint8_t kind;
		const char *name, *alg;
		size_t n;
	} t[] = {
		{ SECRET_EAB, "a", "hs256", 31 },
		{ SECRET_EAB, "a", "hs384", 47 },
		{ SECRET_EAB, "a", "hs512", 63 },
		{ SECRET_EAB, "a", "hmac-sha256", 64 },
		{ SECRET_EAB, "a", "none", 64 },
		{ SECRET_TSIG, "a", "hmac-md5", 64 },
		{ SECRET_TSIG, "a", "hs256", 64 },
		{ SECRET_TSIG, "a", "hmac-sha256", 15 },
		{ SECRET_TSIG, "a", "hmac-sha256", 0 }
	};
	struct world *w = *state;
	size_t i;

	for (i = 0; i < COUNT(t); i++)
		assert_int_equal(give_secret(w, t[i].kind, t[i].name, t[i].alg,
		    'x', t[i].n), ERR_CONFIG_BAD);
	assert_int_equal(give_secret(w, 3, "a", "hs256", 'x', 64),
	    ERR_INVALID);
	assert_int_equal(give_secret(w, SECRET_EAB, "", "hs256", 'x', 64),
	    ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_KEEPER(each_type_makes_a_request),
		WITH_KEEPER(other_types_are_refused),
		WITH_KEEPER(slow_keys_keep_nobody_waiting),
		WITH_KEEPER(an_engine_that_left_waits_for_nothing),
		WITH_KEEPER(orders_do_not_pile_up),
		WITH_KEEPER(must_staple_is_an_extension),
		WITH_KEEPER(a_key_goes_on_to_a_later_version),
		WITH_KEEPER(accounts_of_each_type_sign),
		WITH_KEEPER(other_keys_are_none_for_accounts),
		WITH_KEEPER(keys_are_imported),
		WITH_KEEPER(d10_what_is_no_key),
		WITH_KEEPER(a_binding_is_made_here),
		WITH_KEEPER(dns_messages_are_signed),
		WITH_KEEPER(a_secret_has_one_use),
		WITH_KEEPER(l6_bad_secrets)
	};

	return cmocka_run_group_tests_name("keeper_keys", tests, NULL, NULL);
}
