/* The built everleaf-keeper, spoken to as master and engine do. */
#include <config.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "acme/jws.h"
#include "base/text.h"
#include "daemon/keeper.h"
#include "daemon/keeper_account.h"
#include "daemon/sandbox.h"
#include "tests/unit/keeper_world.h"

static struct w_csr_done *
make_csr(struct world *w, const struct blob *sealed, uint32_t version)
{
	struct w_csr q = { .cert = CERT, .version = version,
		.alg = TEXT("ecdsa-p256"), .names = some_names() };
	struct w_csr_done *a;

	if (sealed != NULL)
		q.sealed = *sealed;
	a = must(w->engine, WIRE_CSR, &q, WIRE_CSR_DONE);
	strv_free(&q.names);
	return a;
}

static void
check_names(const GENERAL_NAMES *names)
{
	static const unsigned char v4[] = { 192, 0, 2, 7 };
	static const unsigned char v6[16] = { 0x20, 0x01, 0x0d, 0xb8,
		[15] = 7 };
	static const struct { int type; const void *p; int n; } want[] = {
		{ GEN_DNS, "shop.example", 12 },
		{ GEN_DNS, "*.shop.example", 14 },
		{ GEN_IPADD, v4, 4 }, { GEN_IPADD, v6, 16 }
	};
	const GENERAL_NAME *one;
	const ASN1_STRING *value;
	int i, type;

	assert_int_equal(sk_GENERAL_NAME_num(names), 4);
	for (i = 0; i < 4; i++) {
		one = sk_GENERAL_NAME_value(names, i);
		value = GENERAL_NAME_get0_value(one, &type);
		assert_int_equal(type, want[i].type);
		assert_int_equal(ASN1_STRING_length(value), want[i].n);
		assert_memory_equal(ASN1_STRING_get0_data(value), want[i].p,
		    (size_t)want[i].n);
	}
}

static void
a_csr_has_its_names_and_no_more(void **state)
{
	struct w_csr_done *a = make_csr(*state, NULL, 1);
	const unsigned char *p = a->csr.p;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)a->csr.len);
	STACK_OF(X509_EXTENSION) *exts;
	EVP_PKEY *key = public_key(&a->spki);
	GENERAL_NAMES *names;

	assert_non_null(req);
	assert_true(p == a->csr.p + a->csr.len);
	assert_int_equal(X509_REQ_verify(req, key), 1);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(req), key), 1);
	assert_int_equal(X509_REQ_get_version(req), 0);
	assert_int_equal(X509_REQ_get_signature_nid(req),
	    NID_ecdsa_with_SHA256);
	assert_int_equal(X509_NAME_entry_count(
	    X509_REQ_get_subject_name(req)), 0);
	assert_int_equal(X509_REQ_get_attr_count(req), 1);
	exts = X509_REQ_get_extensions(req);
	assert_int_equal(sk_X509_EXTENSION_num(exts), 1);
	names = X509V3_get_d2i(exts, NID_subject_alt_name, NULL, NULL);
	check_names(names);
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	child_answer_free(WIRE_CSR_DONE, a);
}

static void
a_sealed_key_is_used_again(void **state)
{
	struct w_csr_done *a = make_csr(*state, NULL, 2), *b, *other;
	struct blob sealed = blob_copy(a->sealed.p, a->sealed.len);

	b = make_csr(*state, &sealed, 2);
	assert_int_equal(a->spki.len, b->spki.len);
	assert_memory_equal(a->spki.p, b->spki.p, a->spki.len);
	other = make_csr(*state, NULL, 2);
	assert_memory_not_equal(a->spki.p, other->spki.p, a->spki.len);
	child_answer_free(WIRE_CSR_DONE, a);
	child_answer_free(WIRE_CSR_DONE, b);
	child_answer_free(WIRE_CSR_DONE, other);
	blob_free(&sealed);
}

static void
what_is_wrong_in_a_csr_is_refused(void **state)
{
	static const char *const bad[] = { "Shop.example", "shop.example.",
		"a b.example", "2001:DB8::1", "../x.example", "local" };
	struct world *w = *state;
	struct w_csr q = { .cert = CERT, .version = 1,
		.alg = TEXT("rsa-1024"), .names = some_names() };
	size_t i;

	assert_int_equal(refusal(w->engine, WIRE_CSR, &q), ERR_INVALID);
	q.alg = TEXT("ecdsa-p256");
	q.version = 0;
	assert_int_equal(refusal(w->engine, WIRE_CSR, &q), ERR_INVALID);
	q.version = 1;
	strv_free(&q.names);
	assert_int_equal(refusal(w->engine, WIRE_CSR, &q), ERR_INVALID);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strv_add(&q.names, bad[i]);
		assert_int_equal(refusal(w->engine, WIRE_CSR, &q),
		    ERR_INVALID);
		strv_free(&q.names);
	}
}

static struct w_opened *
open_key(struct world *w, const struct blob *sealed, uint32_t version)
{
	struct w_open q = { CERT, version, *sealed };

	return must(w->keeper.fd, WIRE_OPEN, &q, WIRE_OPENED);
}

static void
the_master_gets_the_key_it_names(void **state)
{
	struct w_csr_done *a = make_csr(*state, NULL, 5);
	struct w_opened *o = open_key(*state, &a->sealed, 5);
	BIO *bio = BIO_new_mem_buf(o->key.p, (int)o->key.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_PKEY *pub = public_key(&a->spki);

	assert_non_null(key);
	assert_int_equal(EVP_PKEY_eq(key, pub), 1);
	assert_int_equal(o->version, 5);
	assert_true(o->cert == CERT);
	assert_memory_equal(o->key.p, "-----BEGIN PRIVATE KEY-----\n", 28);
	assert_int_equal(o->key.p[o->key.len - 1], '\n');
	EVP_PKEY_free(key);
	EVP_PKEY_free(pub);
	BIO_free(bio);
	child_answer_free(WIRE_OPENED, o);
	child_answer_free(WIRE_CSR_DONE, a);
}

static void
another_id_or_version_stays_shut(void **state)
{
	struct world *w = *state;
	struct w_csr_done *a = make_csr(w, NULL, 5);
	struct w_open q = { CERT + 1, 5, a->sealed };
	struct w_csr other = { .cert = CERT + 1, .version = 5,
		.alg = TEXT("ecdsa-p256"), .sealed = a->sealed,
		.names = some_names() };
	size_t i;

	assert_int_equal(refusal(w->keeper.fd, WIRE_OPEN, &q), ERR_SEAL);
	q = (struct w_open){ CERT, 4, a->sealed };
	assert_int_equal(refusal(w->keeper.fd, WIRE_OPEN, &q), ERR_SEAL);
	assert_int_equal(refusal(w->engine, WIRE_CSR, &other), ERR_SEAL);
	q.version = 5;
	for (i = 0; i < a->sealed.len; i++) {
		a->sealed.p[i] ^= 0x10;
		assert_int_not_equal(refusal(w->keeper.fd, WIRE_OPEN, &q),
		    ERR_OK);
		a->sealed.p[i] ^= 0x10;
	}
	child_answer_free(WIRE_OPENED, open_key(w, &a->sealed, 5));
	strv_free(&other.names);
	child_answer_free(WIRE_CSR_DONE, a);
}

/* security.md L2: whatever the engine asks, the scalar is in no answer. */
static void
the_engine_sees_no_key(void **state)
{
	struct world *w = *state;
	struct w_csr_done *a = make_csr(w, NULL, 6), *again;
	struct w_opened *o = open_key(w, &a->sealed, 6);
	BIO *bio = BIO_new_mem_buf(o->key.p, (int)o->key.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIGNUM *d = NULL;
	unsigned char scalar[32];

	assert_int_equal(EVP_PKEY_get_bn_param(key, "priv", &d), 1);
	assert_int_equal(BN_bn2binpad(d, scalar, 32), 32);
	again = make_csr(w, &a->sealed, 6);
	assert_true(child_raw.len > 300);
	assert_null(memmem(child_raw.p, child_raw.len, scalar, 32));
	assert_null(memmem(child_raw.p, child_raw.len, "PRIVATE", 7));
	BN_clear_free(d);
	EVP_PKEY_free(key);
	BIO_free(bio);
	child_answer_free(WIRE_CSR_DONE, again);
	child_answer_free(WIRE_OPENED, o);
	child_answer_free(WIRE_CSR_DONE, a);
}

#ifdef SANITIZERS
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

/* How often the bytes stand in the memory of a process; -1: it can't be read,
 * since only root may, or it is a sanitizer's, which keeps copies. */
static int
found_in(pid_t pid, const void *what, size_t n)
{
	char path[64], line[512], *mem;
	unsigned long from, to;
	int hits = 0, fd;
	FILE *maps;
	ssize_t got;
	char *p;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = sanitized ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx", &from, &to) != 2 ||
		    strstr(line, " rw") == NULL)
			continue;
		mem = xcalloc(to - from, 1);
		got = pread(fd, mem, to - from, (off_t)from);
		for (p = mem; got > 0 && (p = memmem(p, (size_t)(mem + got -
		    p), what, n)) != NULL; p++)
			hits++;
		free(mem);
	}
	fclose(maps);
	close(fd);
	return hits;
}

/* What was used is gone: the scalar and its PEM nowhere, the KEK once. */
static void
no_key_stays_in_memory(void **state)
{
	struct world *w = *state;
	struct w_csr_done *a = make_csr(w, NULL, 6);
	struct w_opened *o = open_key(w, &a->sealed, 6);
	BIO *bio = BIO_new_mem_buf(o->key.p, (int)o->key.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIGNUM *d = NULL;
	unsigned char scalar[32], kek[32];
	int i;

	memset(kek, 'k', sizeof(kek));
	assert_int_equal(EVP_PKEY_get_bn_param(key, "priv", &d), 1);
	assert_int_equal(BN_bn2lebinpad(d, scalar, 32), 32);
	for (i = 0; i < 3; i++) {
		child_answer_free(WIRE_CSR_DONE, make_csr(w, &a->sealed, 6));
		child_answer_free(WIRE_OPENED, open_key(w, &a->sealed, 6));
	}
	/* It wipes after it has answered: one more answer, and it has. */
	child_answer_free(WIRE_KEY, make_account(w));
	if (found_in(w->keeper.pid, kek, 32) >= 0) {
		assert_int_equal(found_in(w->keeper.pid, kek, 32), 1);
		assert_int_equal(found_in(w->keeper.pid, scalar, 32), 0);
		BN_bn2binpad(d, scalar, 32);
		assert_int_equal(found_in(w->keeper.pid, scalar, 32), 0);
		assert_int_equal(found_in(w->keeper.pid, o->key.p + 80, 24),
		    0);
	} else
		print_message("# the keeper's memory can't be read here\n");
	BN_clear_free(d);
	EVP_PKEY_free(key);
	BIO_free(bio);
	child_answer_free(WIRE_OPENED, o);
	child_answer_free(WIRE_CSR_DONE, a);
}

static void
a_placeholder_lasts_seven_days(void **state)
{
	struct world *w = *state;
	const int64_t now = INT64_C(1790000000000);
	struct w_placeholder q = { CERT, TEXT("ecdsa-p256"), some_names(),
		now };
	struct w_placed *a = must(w->engine, WIRE_PLACEHOLDER, &q,
	    WIRE_PLACED);
	const unsigned char *p = a->leaf.p;
	X509 *cert = d2i_X509(NULL, &p, (long)a->leaf.len);
	EVP_PKEY *key = public_key(&a->spki);
	GENERAL_NAMES *names;
	char cn[64];

	assert_non_null(cert);
	assert_int_equal(X509_verify(cert, key), 1);
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(cert),
	    now / 1000 - 3600), 0);
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(cert),
	    now / 1000 + 7 * 86400), 0);
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName,
	    cn, sizeof(cn));
	assert_string_equal(cn, "everleaf placeholder");
	assert_int_equal(X509_get_ext_count(cert), 1);
	assert_int_equal(X509_check_ca(cert), 0);
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	check_names(names);
	GENERAL_NAMES_free(names);
	child_answer_free(WIRE_OPENED, open_key(w, &a->sealed, 0));
	q.now_ms = -1;
	assert_int_equal(refusal(w->engine, WIRE_PLACEHOLDER, &q),
	    ERR_INVALID);
	q.now_ms = INT64_MAX;
	assert_int_equal(refusal(w->engine, WIRE_PLACEHOLDER, &q),
	    ERR_INVALID);
	X509_free(cert);
	EVP_PKEY_free(key);
	strv_free(&q.names);
	child_answer_free(WIRE_PLACED, a);
}

/* Fixed width back to DER, and the library's own check of it. */
static int
verifies(const struct blob *sig, const struct buf *input, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *pair = ECDSA_SIG_new();
	unsigned char *der = NULL;
	int n, ok;

	assert_int_equal(sig->len, 64);
	ECDSA_SIG_set0(pair, BN_bin2bn(sig->p, 32, NULL),
	    BN_bin2bn(sig->p + 32, 32, NULL));
	n = i2d_ECDSA_SIG(pair, &der);
	EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key);
	ok = EVP_DigestVerify(ctx, der, (size_t)n,
	    (const unsigned char *)input->data, input->len);
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	EVP_MD_CTX_free(ctx);
	return ok == 1;
}

static void
check_jws(const struct blob *jws, const struct blob *spki)
{
	struct blob protected = member(jws, "protected");
	struct blob payload = member(jws, "payload");
	struct blob sig = member(jws, "signature");
	EVP_PKEY *key = public_key(spki);
	struct buf input;

	buf_init(&input, 8192);
	text_b64u(&input, protected.p, protected.len);
	buf_putc(&input, '.');
	text_b64u(&input, payload.p, payload.len);
	assert_true(verifies(&sig, &input, key));
	input.data[0] ^= 1;
	assert_false(verifies(&sig, &input, key));
	assert_non_null(memmem(protected.p, protected.len,
	    "\"alg\":\"ES256\"", 13));
	buf_free(&input);
	EVP_PKEY_free(key);
	blob_free(&protected);
	blob_free(&payload);
	blob_free(&sig);
}

/* Many times, since one R or S in 128 is shorter than its 32 bytes. */
static void
a_jws_verifies_with_the_public_key(void **state)
{
	struct world *w = *state;
	struct w_key *k = make_account(w);
	struct w_jws q = some_request(&k->sealed);
	struct w_jws_done *a;
	int i;

	for (i = 0; i < 400; i++) {
		a = must(w->engine, WIRE_JWS, &q, WIRE_JWS_DONE);
		check_jws(&a->jws, &k->spki);
		child_answer_free(WIRE_JWS_DONE, a);
	}
	q.what = JWS_NEW_ACCOUNT;
	q.kid = TEXT("");
	q.agreed = 1;
	a = must(w->engine, WIRE_JWS, &q, WIRE_JWS_DONE);
	check_jws(&a->jws, &k->spki);
	child_answer_free(WIRE_JWS_DONE, a);
	child_answer_free(WIRE_KEY, k);
}

/* security.md C2: the origin was sealed with the key. */
/* The keeper keeps account keys open: each for its own account and bytes. */
static void
an_open_account_key_opens_no_other(void **state)
{
	struct world *w = *state;
	struct w_key *k = make_account(w);
	struct w_jws q = some_request(&k->sealed);

	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &q,
	    WIRE_JWS_DONE));
	q.account++;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_SEAL);
	q.account--;
	k->sealed.p[k->sealed.len - 1] ^= 1;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_SEAL);
	k->sealed.p[k->sealed.len - 1] ^= 1;
	q.url = TEXT("https://other.example/order");
	assert_int_not_equal(refusal(w->engine, WIRE_JWS, &q), ERR_OK);
	child_answer_free(WIRE_KEY, k);
}

/* More accounts than are kept open. */
static void
many_accounts_take_turns(void **state)
{
	struct w_key *k[ACCOUNTS_OPEN + 2];
	const int n = (int)(sizeof(k) / sizeof(k[0]));
	struct world *w = *state;
	struct w_jws_done *a;
	struct w_jws q;
	int i;

	for (i = 0; i < n; i++)
		k[i] = make_account(w);
	for (i = 0; i < 5 * n; i++) {
		q = some_request(&k[i * 5 % n]->sealed);
		a = must(w->engine, WIRE_JWS, &q, WIRE_JWS_DONE);
		check_jws(&a->jws, &k[i * 5 % n]->spki);
		child_answer_free(WIRE_JWS_DONE, a);
	}
	for (i = 0; i < n; i++)
		child_answer_free(WIRE_KEY, k[i]);
}

static void
account_keys_are_forgotten(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(keeper_rehearse(&err), 0);
	assert_int_equal(account_rest(), -1);
}

static void
another_origin_is_refused(void **state)
{
	static const char *const urls[] = {
		"https://ca.example/o/1", "https://ca.example:14001/o/1",
		"http://ca.example:14000/o/1", "https://evil.example:14000/o",
		"https://ca.example:14000@evil.example/o", "",
		"https://ca.example:14000.evil.example/o",
		"https://x@ca.example:14000/o", "https://CA.example.:14000/o"
	};
	struct world *w = *state;
	struct w_key *k = make_account(w);
	struct w_jws q = some_request(&k->sealed);
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		q.url = (char *)(uintptr_t)urls[i];
		assert_int_not_equal(refusal(w->engine, WIRE_JWS, &q),
		    ERR_OK);
	}
	q = some_request(&k->sealed);
	q.account++;
	assert_int_equal(refusal(w->engine, WIRE_JWS, &q), ERR_SEAL);
	child_answer_free(WIRE_KEY, k);
}

static void
an_account_needs_an_origin(void **state)
{
	static const char *const bad[] = { "", "ca.example", "https://",
		"http://ca.example", "https://ca.example/", "https://a@b",
		"https://CA.example" };
	struct world *w = *state;
	struct w_account_key q = { ACCOUNT, NULL, TEXT("ecdsa-p256") };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		q.origin = (char *)(uintptr_t)bad[i];
		assert_int_equal(refusal(w->engine, WIRE_ACCOUNT_KEY, &q),
		    ERR_INVALID);
	}
	q.origin = TEXT("https://ca.example");
	q.alg = TEXT("p-256");
	assert_int_equal(refusal(w->engine, WIRE_ACCOUNT_KEY, &q),
	    ERR_INVALID);
}

/* The same payload at the account's own address would end the account. */
static void
giving_up_the_account_is_no_way_round(void **state)
{
	static const char *const urls[] = {
		"https://ca.example:14000/acct/1",
		"https://ca.example:14000/acct/1?x",
		"https://ca.example:14000/acct/1/",
		"https://ca.example:14000//acct/1",
		"https://ca.example:14000/x/../acct/1",
		"https://ca.example:14000/%61cct/1",
		"https://ca.example:14000/ACCT/1"
	};
	struct world *w = *state;
	struct w_key *k = make_account(w);
	struct w_jws q = some_request(&k->sealed);
	size_t i;

	q.what = JWS_DEACTIVATE_AUTHZ;
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		q.url = (char *)(uintptr_t)urls[i];
		assert_int_equal(refusal(w->engine, WIRE_JWS, &q),
		    ERR_NEEDS_OPERATOR);
	}
	q.url = TEXT("https://ca.example:14000/authz/2");
	child_answer_free(WIRE_JWS_DONE, must(w->engine, WIRE_JWS, &q,
	    WIRE_JWS_DONE));
	child_answer_free(WIRE_KEY, k);
}

/* An account's key is for signing: not even the master may have it. */
static void
an_account_key_is_never_opened(void **state)
{
	struct world *w = *state;
	struct w_key *k = make_account(w);
	struct w_open q = { ACCOUNT, 0, k->sealed };
	struct w_csr c = { .cert = ACCOUNT, .version = 1,
		.alg = TEXT("ecdsa-p256"), .sealed = k->sealed,
		.names = some_names() };

	assert_int_equal(refusal(w->keeper.fd, WIRE_OPEN, &q), ERR_SEAL);
	assert_int_equal(refusal(w->engine, WIRE_CSR, &c), ERR_SEAL);
	strv_free(&c.names);
	child_answer_free(WIRE_KEY, k);
}

/* --- who may say what, and when ------------------------------------------ */

static void
a_bad_engine_is_cut_off(void **state)
{
	struct world *w = *state;
	struct w_kek kek = { { (uint8_t *)TEXT("01234567890123456789012345678"
	    "901"), 32 }, 1 };
	struct w_open open = { CERT, 1, { NULL, 0 } };
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_JWS);
	struct blob m;
	void *out;
	struct w_jws q = some_request(&open.sealed);
	int i;

	for (i = 0; i < 6; i++) {
		switch (i) {
		case 0:		/* asks for an opened key */
			wire_send(w->engine, WIRE_OPEN, 42, &open);
			break;
		case 1:		/* brings a KEK */
			wire_send(w->engine, WIRE_KEK, 42, &kek);
			break;
		case 2:		/* sends an answer */
			wire_send(w->engine, WIRE_OK, 42,
			    &(struct w_empty){ 0 });
			break;
		case 3:		/* noise */
			send(w->engine, "hello", 5, 0);
			break;
		case 4:		/* a body cut short, and a true length */
			m = msg_pack(spec, 42, &q);
			m.p[8] = (uint8_t)(m.len - 3);
			m.p[9] = (uint8_t)((m.len - 3) >> 8);
			send(w->engine, m.p, m.len - 3, 0);
			blob_free(&m);
			break;
		case 5:		/* a descriptor nobody asked for */
			msg_send(w->engine, spec, 42, &q, &w->engine, 1);
			break;
		}
		assert_int_equal(child_hear(w->engine, &out), 0);
		close(w->engine);
		w->engine = give_peer(w->keeper.fd);
		/* The keeper lives, and serves the engine's successor. */
		child_answer_free(WIRE_KEY, make_account(w));
	}
}

static void
a_new_engine_takes_the_place_of_the_old(void **state)
{
	struct world *w = *state;
	int old = w->engine;
	void *out;

	w->engine = give_peer(w->keeper.fd);
	child_answer_free(WIRE_KEY, make_account(w));
	assert_int_equal(child_hear(old, &out), 0);
	close(old);
	close(w->engine);
	w->engine = give_peer(w->keeper.fd);
	child_answer_free(WIRE_KEY, make_account(w));
}

/* Sends one message to a fresh keeper, or after a KEK; it must end with 1. */
static void
ends_at(bool with_kek, const void *raw, size_t n)
{
	struct child c = child_start("everleaf-keeper");
	int status;

	if (with_kek)
		assert_int_equal(give_kek(c.fd, 1, 32), WIRE_OK);
	assert_int_equal(send(c.fd, raw, n, 0), n);
	assert_true(child_wait(&c, &status));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	close(c.fd);
}

static void
ends_at_message(bool with_kek, enum wire_kind kind, const void *st)
{
	struct blob m = msg_pack(msg_find(wire_specs, (uint16_t)kind), 42, st);

	ends_at(with_kek, m.p, m.len);
	blob_free(&m);
}

static void
a_bad_master_ends_the_keeper(void **state)
{
	uint8_t bytes[32] = { 0 };
	struct w_kek kek = { { bytes, 32 }, 1 }, half = { { bytes, 16 }, 1 };
	struct w_open open = { CERT, 1, { NULL, 0 } };
	struct w_account_key engines = { 1, TEXT("https://ca.example"),
		TEXT("ecdsa-p256") };

	(void)state;
	ends_at_message(false, WIRE_OPEN, &open);
	ends_at_message(false, WIRE_PEER, &(struct w_peer){ 0 });
	ends_at_message(false, WIRE_KEK, &half);
	ends_at_message(true, WIRE_KEK, &kek);
	ends_at_message(true, WIRE_PEER, &(struct w_peer){ 0 });
	ends_at_message(true, WIRE_ACCOUNT_KEY, &engines);
	ends_at(true, "noise", 5);
}

static void
another_kek_is_named(void **state)
{
	struct world *w = *state;
	struct w_csr_done *a = make_csr(w, NULL, 1);
	struct w_open q = { CERT, 1, a->sealed };
	struct child c = child_start("everleaf-keeper");

	assert_int_equal(give_kek(c.fd, 2, 32), WIRE_OK);
	assert_int_equal(refusal(c.fd, WIRE_OPEN, &q), ERR_KEK_MISSING);
	assert_int_equal(child_end(&c), 0);
	child_answer_free(WIRE_CSR_DONE, a);
}

/* Warm, then confined by either list: nothing that it does is out of reach.
 * So the fall-back after a library update is one that works. */
static void
all_works_in_either_confinement(void **state)
{
	struct sandbox_plan plan = { .role = ROLE_KEEPER };
	struct err err;
	int status, lenient;
	pid_t pid;

	(void)state;
	for (lenient = 0; lenient < 2; lenient++) {
		plan.lenient = lenient == 1;
		pid = fork();
		if (pid == 0)
			_exit(keeper_rehearse(&err) != 0 ||
			    sandbox_enter(&plan, NULL, &err) != 0 ||
			    keeper_rehearse(&err) != 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_KEEPER(a_csr_has_its_names_and_no_more),
		WITH_KEEPER(a_sealed_key_is_used_again),
		WITH_KEEPER(what_is_wrong_in_a_csr_is_refused),
		WITH_KEEPER(the_master_gets_the_key_it_names),
		WITH_KEEPER(another_id_or_version_stays_shut),
		WITH_KEEPER(the_engine_sees_no_key),
		WITH_KEEPER(no_key_stays_in_memory),
		WITH_KEEPER(a_placeholder_lasts_seven_days),
		WITH_KEEPER(a_jws_verifies_with_the_public_key),
		WITH_KEEPER(an_open_account_key_opens_no_other),
		WITH_KEEPER(many_accounts_take_turns),
		cmocka_unit_test(account_keys_are_forgotten),
		WITH_KEEPER(another_origin_is_refused),
		WITH_KEEPER(an_account_needs_an_origin),
		WITH_KEEPER(giving_up_the_account_is_no_way_round),
		WITH_KEEPER(an_account_key_is_never_opened),
		WITH_KEEPER(a_bad_engine_is_cut_off),
		WITH_KEEPER(a_new_engine_takes_the_place_of_the_old),
		WITH_KEEPER(another_kek_is_named),
		cmocka_unit_test(all_works_in_either_confinement),
		cmocka_unit_test(a_bad_master_ends_the_keeper)
	};

	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
