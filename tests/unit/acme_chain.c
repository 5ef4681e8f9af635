/* Chains that are right, wrong, and odd (security.md D1 to D7), made on the
 * spot; and the facts of a leaf. */
#include <config.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acme_fake.h"

/* RFC 9773 appendix A. */
static const char rfc9773[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt"
    "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS"
    "\n"
    "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu"
    "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf"
    "\n"
    "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B"
    "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb"
    "\n"
    "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
    "-----END CERTIFICATE-----\n";

struct chain {
	EVP_PKEY *root, *inter, *key;
	struct strv names;
	struct cert leaf, mid, top;
	struct blob spki;
	struct buf pem;
	struct blob out, rest;
	struct err err;
};

static int
setup(void **state)
{
	struct chain *t = xcalloc(1, sizeof(*t));

	t->root = make_key("P-256");
	t->inter = make_key("P-256");
	t->key = make_key("P-256");
	t->names = strv_of("shop.example *.shop.example 192.0.2.1 2001:db8::1");
	t->spki = spki_of(t->key);
	t->leaf = (struct cert){ .issuer = "Inter", .key = t->key,
	    .signer = t->inter, .names = &t->names };
	t->mid = (struct cert){ .subject = "Inter", .issuer = "Root",
	    .key = t->inter, .signer = t->root, .ca = true, .pathlen = 1 };
	t->top = (struct cert){ .subject = "Root", .issuer = "Root",
	    .key = t->root, .signer = t->root, .ca = true };
	buf_init(&t->pem, 4 << 20);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct chain *t = *state;

	EVP_PKEY_free(t->root);
	EVP_PKEY_free(t->inter);
	EVP_PKEY_free(t->key);
	strv_free(&t->names);
	blob_free(&t->spki);
	blob_free(&t->out);
	blob_free(&t->rest);
	buf_free(&t->pem);
	free(t);
	return 0;
}

static void
put(struct chain *t, const struct cert *c)
{
	X509 *x = make_cert(c);

	add_pem(&t->pem, x);
	X509_free(x);
}

static int
check(struct chain *t)
{
	blob_free(&t->out);
	blob_free(&t->rest);
	err_clear(&t->err);
	return acme_chain_check(t->pem.data, t->pem.len, &t->names, t->spki.p,
	    t->spki.len, NOW_MS, &t->out, &t->rest, &t->err);
}

static int
blocks(const struct blob *b)
{
	const char *p = (const char *)b->p, *end = p + b->len;
	int n = 0;

	for (; p != NULL && p < end; p++)
		n += end - p > 10 && memcmp(p, "-----BEGIN", 10) == 0;
	return n;
}

static void
good(struct chain *t, int rest)
{
	if (check(t) != 0)
		fail_msg("%s", t->err.text);
	assert_int_equal(blocks(&t->out), 1);
	assert_int_equal(blocks(&t->rest), rest);
}

static void
bad(struct chain *t, enum err_code code, const char *words)
{
	assert_int_equal(check(t), -1);
	if (t->err.code != code || strstr(t->err.text, words) == NULL)
		fail_msg("%s: %s", err_code_name(t->err.code), t->err.text);
	assert_null(t->out.p);
	assert_null(t->rest.p);
}

/* Leaf and intermediate as they stand in t. */
static void
put_both(struct chain *t)
{
	buf_reset(&t->pem);
	put(t, &t->leaf);
	put(t, &t->mid);
}

static void
ordinary(void **state)
{
	struct chain *t = *state;
	char *text;

	put_both(t);
	good(t, 1);
	/* Ours is the same text as the usual writer's. */
	text = xstrndup((char *)t->out.p, t->out.len);
	assert_int_equal(strncmp(t->pem.data, text, t->out.len), 0);
	assert_int_equal(strncmp(t->pem.data + t->out.len,
	    (char *)t->rest.p, t->rest.len), 0);
	assert_int_equal(t->pem.len, t->out.len + t->rest.len);
	free(text);
}

static void
d1_key(void **state)
{
	struct chain *t = *state;

	put_both(t);
	t->spki.p[80] ^= 1;
	bad(t, ERR_CERT_BAD, "another key");
	t->spki.len = 0;
	bad(t, ERR_CERT_BAD, "another key");
}

static void
d2_names(void **state)
{
	struct chain *t = *state;
	struct strv less = strv_of("shop.example"), upper =
	    strv_of("SHOP.example *.Shop.Example 192.0.2.1 2001:DB8::1");
	struct strv more = strv_of("shop.example *.shop.example 192.0.2.1 "
	    "2001:db8::1 evil.example");

	t->leaf.names = &less;
	put_both(t);
	bad(t, ERR_CERT_BAD, "lacks the name *.shop.example");
	t->leaf.names = &more;
	put_both(t);
	bad(t, ERR_CERT_BAD, "evil.example, which was not asked for");
	t->leaf.names = &upper;
	put_both(t);
	good(t, 1);
	/* Only in the subject. */
	t->leaf.names = NULL;
	t->leaf.subject = "shop.example";
	put_both(t);
	bad(t, ERR_CERT_BAD, "lacks the name");
	t->leaf.subject = NULL;
	t->leaf.san = "DNS:shop.example,email:a@shop.example";
	put_both(t);
	bad(t, ERR_CERT_BAD, "neither a host nor an address");
	t->leaf.san = "DNS:192.0.2.1";
	put_both(t);
	bad(t, ERR_CERT_BAD, "neither a host nor an address");
	strv_free(&less);
	strv_free(&upper);
	strv_free(&more);
}

static void
d3_dates(void **state)
{
	struct chain *t = *state;

	t->leaf.from_ms = NOW_MS - 90 * DAY_MS;
	t->leaf.to_ms = NOW_MS;
	put_both(t);
	bad(t, ERR_CERT_BAD, "expired at 2026-11-21T00:00:00Z");
	t->leaf.to_ms = NOW_MS + 20 * 1000;
	put_both(t);
	bad(t, ERR_CERT_BAD, "before it could be of use");
	t->leaf.to_ms = NOW_MS + 21 * 1000;
	put_both(t);
	good(t, 1);
	t->leaf.from_ms = NOW_MS;
	put_both(t);
	good(t, 1);		/* 21 seconds of life */
	t->leaf.to_ms = NOW_MS + 3650 * DAY_MS;
	t->leaf.from_ms = NOW_MS + 3600 * 1000;
	put_both(t);
	good(t, 1);		/* ten years, in an hour */
	t->leaf.from_ms = NOW_MS + 3601 * 1000;
	put_both(t);
	bad(t, ERR_CLOCK, "begins only at");
	t->leaf.to_ms = NOW_MS + 60 * 1000;
	put_both(t);
	bad(t, ERR_CERT_BAD, "ends before it begins");
	t->leaf.from_ms = t->leaf.to_ms = 0;
	t->mid.to_ms = NOW_MS - 1000;
	t->mid.from_ms = NOW_MS - DAY_MS;
	put_both(t);
	bad(t, ERR_CERT_BAD, "its chain: the certificate expired");
}

/* Replaces the first `from` in the PEM. */
static void
edit(struct chain *t, const char *from, const char *to)
{
	struct buf b;
	char *at = strstr(t->pem.data, from);

	assert_non_null(at);
	buf_init(&b, t->pem.max);
	buf_add(&b, t->pem.data, (size_t)(at - t->pem.data));
	buf_puts(&b, to);
	buf_puts(&b, at + strlen(from));
	buf_free(&t->pem);
	t->pem = b;
}

static void
d4_text(void **state)
{
	static const struct { const char *from, *to; } t_bad[] = {
		{ "-----BEGIN C", "hello\n-----BEGIN C" },
		{ "-----BEGIN C", "-----BEGIN TRUSTED C" },
		{ "-----BEGIN C", "-----BEGIN PRIVATE KEY-----\nMAA=\n"
		    "-----END PRIVATE KEY-----\n-----BEGIN C" },
		{ "-----BEGIN C", "----BEGIN C" },
		{ "-----END C", "-----BEGIN C" },
		{ "-----BEGIN CERTIFICATE-----\nM",
		    "-----BEGIN CERTIFICATE-----\nX: y\n\nM" },
		{ "-----BEGIN CERTIFICATE-----\nM",
		    "-----BEGIN CERTIFICATE-----\nN" },
		{ "=\n-----END", "-----END" },
		{ "\n-----END", "\nAAAA\n-----END" }
	};
	static const char *const none[] = {
		"", "\n", "-----BEGIN CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"<html>", "-----BEGIN CERTIFICATE-----\nMAA=\n"
		"-----END CERTIFICATE-----\n"
	};
	struct chain *t = *state;
	size_t i;

	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		buf_reset(&t->pem);
		buf_puts(&t->pem, none[i]);
		bad(t, ERR_CERT_BAD, "");
	}
	for (i = 0; i < sizeof(t_bad) / sizeof(t_bad[0]); i++) {
		put_both(t);
		if (strstr(t->pem.data, t_bad[i].from) == NULL)
			continue;	/* no padding this time */
		edit(t, t_bad[i].from, t_bad[i].to);
		bad(t, ERR_CERT_BAD, "");
	}
	put_both(t);
	t->pem.data[40] = '\0';
	bad(t, ERR_CERT_BAD, "");
	put_both(t);
	buf_add(&t->pem, "\0", 1);
	bad(t, ERR_CERT_BAD, "");
}

/* The same blocks in lines of another length, with another end. */
static void
rewrap(struct chain *t, size_t columns, const char *eol)
{
	const char *p = t->pem.data;
	size_t n, i, col = 0;
	struct buf b;

	buf_init(&b, t->pem.max);
	for (; *p != '\0'; p += n + 1) {
		n = strcspn(p, "\n");
		if (*p == '-') {
			buf_puts(&b, col > 0 ? eol : "");
			buf_add(&b, p, n);
			buf_puts(&b, eol);
			col = 0;
			continue;
		}
		for (i = 0; i < n; i++) {
			buf_putc(&b, p[i]);
			col = (col + 1) % columns;
			buf_puts(&b, col == 0 ? eol : "");
		}
	}
	buf_free(&t->pem);
	t->pem = b;
}

static void
d4_harmless_text(void **state)
{
	struct chain *t = *state;

	put_both(t);
	edit(t, "-----BEGIN", "\n\n-----BEGIN");
	t->pem.len--;			/* no final newline */
	good(t, 1);
	put_both(t);
	rewrap(t, 64, "\r\n");
	good(t, 1);
	put_both(t);
	rewrap(t, 80, "\n");
	good(t, 1);
	put_both(t);
	rewrap(t, 100000, "\n");
	good(t, 1);
}

static void
d5_order(void **state)
{
	struct chain *t = *state;
	X509 *leaf = make_cert(&t->leaf);

	/* Leaf last, root included, leaf twice. */
	put(t, &t->top);
	put(t, &t->mid);
	add_pem(&t->pem, leaf);
	add_pem(&t->pem, leaf);
	good(t, 1);
	/* Only the root: the chain is empty. */
	buf_reset(&t->pem);
	t->leaf.issuer = "Root";
	t->leaf.signer = t->root;
	put(t, &t->leaf);
	put(t, &t->top);
	good(t, 0);
	assert_int_equal(t->rest.len, 0);
	/* No issuer at all. */
	buf_reset(&t->pem);
	put(t, &t->leaf);
	good(t, 0);
	X509_free(leaf);
}

static void
d5_loop(void **state)
{
	struct chain *t = *state;
	struct cert a = t->mid, b = t->mid;

	/* Inter signed by Other, Other signed by Inter. */
	a.issuer = "Other";
	a.signer = t->root;
	a.pathlen = b.pathlen = 0;
	b.subject = "Other";
	b.key = t->root;
	b.issuer = "Inter";
	b.signer = t->inter;
	put(t, &t->leaf);
	put(t, &a);
	put(t, &b);
	good(t, 2);
}

static void
d5_many(void **state)
{
	struct chain *t = *state;
	int i;

	put(t, &t->leaf);
	for (i = 0; i < ACME_CERTS_MAX; i++)
		put(t, &t->mid);
	bad(t, ERR_CERT_BAD, "too many certificates");
}

static void
d5_links(void **state)
{
	struct chain *t = *state;
	struct cert deep = t->mid;

	/* The right name, another key. */
	t->mid.key = t->root;
	put_both(t);
	bad(t, ERR_CERT_BAD, "signed by none");
	t->mid.key = t->inter;
	/* Not a CA. */
	t->mid.ca = false;
	put_both(t);
	bad(t, ERR_CERT_BAD, "no CA");
	t->mid.ca = true;
	/* Longer than its CA allows. */
	deep.subject = deep.issuer = "Root";
	deep.subject = "Deep";
	deep.key = t->root;
	deep.issuer = "Top";
	t->mid.issuer = "Deep";
	put_both(t);
	put(t, &deep);
	bad(t, ERR_CERT_BAD, "longer chain");
}

static void
leaf_usage(void **state)
{
	struct chain *t = *state;

	t->leaf.extra = "basicConstraints";
	t->leaf.extra_value = "critical,CA:TRUE";
	put_both(t);
	bad(t, ERR_CERT_BAD, "that of a CA");
	t->leaf.extra = "extendedKeyUsage";
	t->leaf.extra_value = "clientAuth";
	put_both(t);
	bad(t, ERR_CERT_BAD, "not for servers");
	t->leaf.extra_value = "clientAuth,serverAuth";
	put_both(t);
	good(t, 1);
	t->leaf.extra = "keyUsage";
	t->leaf.extra_value = "keyAgreement";
	put_both(t);
	bad(t, ERR_CERT_BAD, "for signatures");
	t->leaf.extra = NULL;
	t->leaf.sha1 = true;
	put_both(t);
	bad(t, ERR_CERT_BAD, "SHA-1");
}

static void
d6_junk(void **state)
{
	struct chain *t = *state;

	buf_puts(&t->pem, "-----BEGIN CERTIFICATE-----\n");
	while (t->pem.len < 3000000)
		buf_puts(&t->pem, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	buf_puts(&t->pem, "\n-----END CERTIFICATE-----\n");
	bad(t, ERR_CERT_BAD, "longer than");
	buf_reset(&t->pem);
	while (t->pem.len < ACME_CHAIN_MAX - 100)
		buf_puts(&t->pem, "-----BEGIN CERTIFICATE-----\n");
	bad(t, ERR_CERT_BAD, "no certificate");
	buf_reset(&t->pem);
	while (t->pem.len < ACME_CHAIN_MAX - 100)
		buf_puts(&t->pem, "\n");
	bad(t, ERR_CERT_BAD, "no certificate in it");
}

/* What makes no message to master, or could not be revoked. */
static void
d6_large_leaf(void **state)
{
	struct chain *t = *state;
	struct strv many = { NULL, 0 };
	char name[254];
	int i;

	for (i = 0; i < 180; i++) {
		snprintf(name, sizeof(name), "%060d.%060d.%060d.n%d.example",
		    i, i, i, i);
		strv_add(&many, name);
	}
	t->leaf.names = &many;
	strv_free(&t->names);
	t->names = strv_copy(&many);
	put_both(t);
	bad(t, ERR_CERT_BAD, "too large");
	strv_free(&many);
}

static void
use_key(struct chain *t, const char *type)
{
	EVP_PKEY_free(t->key);
	blob_free(&t->spki);
	t->key = t->leaf.key = make_key(type);
	t->spki = spki_of(t->key);
}

static void
d7_odd_but_valid(void **state)
{
	static const unsigned char long_serial[20] = { 0x7f, 1, 2, 3 };
	struct chain *t = *state;
	struct acme_leaf leaf;
	struct strv many = { NULL, 0 };
	char name[254];
	int i;

	use_key(t, "P-521");
	put_both(t);
	good(t, 1);
	use_key(t, "ED25519");
	t->leaf.no_aki = true;
	t->leaf.serial = long_serial;
	t->leaf.serial_len = 20;
	t->leaf.to_ms = NOW_MS + 40000 * DAY_MS;	/* past 2049 */
	put_both(t);
	good(t, 1);
	assert_int_equal(acme_leaf_read(&leaf, t->out.p, t->out.len, &t->err),
	    0);
	assert_string_equal(leaf.ari_id, "");
	assert_string_equal(leaf.serial,
	    "7f01020300000000000000000000000000000000");
	assert_true(leaf.not_after_ms == t->leaf.to_ms);
	strv_free(&leaf.names);
	/* A negative serial; an unknown critical extension. */
	t->leaf.serial_len = 2;
	t->leaf.serial_negative = true;
	t->leaf.extra = "tlsfeature";
	t->leaf.extra_value = "critical,DER:30030201ff";
	put_both(t);
	good(t, 1);
	assert_int_equal(acme_leaf_read(&leaf, t->out.p, t->out.len, &t->err),
	    0);
	assert_string_equal(leaf.serial, "-7f01");
	strv_free(&leaf.names);
	/* A hundred names of 253 characters. */
	for (i = 0; i < 100; i++) {
		memset(name, 'a', sizeof(name));
		name[63] = name[127] = name[191] = '.';
		snprintf(name, 8, "n%05d", i);
		name[6] = 'a';
		name[253] = '\0';
		strv_add(&many, name);
	}
	strv_free(&t->names);
	t->names = many;
	t->leaf.names = &t->names;
	put_both(t);
	good(t, 1);
}

static void
d7_rsa(void **state)
{
	struct chain *t = *state;

	use_key(t, "2048");
	put_both(t);
	good(t, 1);
}

static void
ari_vector(void **state)
{
	struct acme_leaf leaf;
	struct err err;

	(void)state;
	assert_int_equal(acme_leaf_read(&leaf, rfc9773, strlen(rfc9773),
	    &err), 0);
	assert_string_equal(leaf.ari_id,
	    "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	assert_string_equal(leaf.serial, "87654321");
	assert_string_equal(leaf.issuer, "CN=Example CA");
	assert_true(leaf.not_before_ms == -62135596800000);
	assert_int_equal(leaf.names.n, 0);
	assert_false(leaf.test_ca);
	assert_int_equal(strlen(leaf.sha256), 64);
	assert_int_equal(strlen(leaf.spki_sha256), 64);
	assert_int_equal(acme_leaf_read(&leaf, "x", 1, &err), -1);
}

static void
leaf_facts(void **state)
{
	static const struct { const char *issuer; bool test; } t[] = {
		{ "(STAGING) Counterfeit Cashew R10", true },
		{ "Pebble Intermediate CA 0a1b2c", true },
		{ "Fake LE Intermediate X1", true },
		{ "Happy Hacker TEST CA", true }, { "R10", false },
		{ "Latest Contest Testarossa CA", false }
	};
	struct chain *c = *state;
	struct acme_leaf leaf;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		c->leaf.issuer = t[i].issuer;
		buf_reset(&c->pem);
		put(c, &c->leaf);
		assert_int_equal(acme_leaf_read(&leaf, c->pem.data,
		    c->pem.len, &c->err), 0);
		if (leaf.test_ca != t[i].test)
			fail_msg("%s", leaf.issuer);
		assert_true(strv_same(&leaf.names, &c->names));
		assert_true(leaf.not_after_ms == NOW_MS + 90 * DAY_MS);
		strv_free(&leaf.names);
	}
	c->leaf.issuer = "\x1b]0;evil,+\xe2\x80\xae";
	buf_reset(&c->pem);
	put(c, &c->leaf);
	assert_int_equal(acme_leaf_read(&leaf, c->pem.data, c->pem.len,
	    &c->err), 0);
	for (i = 0; leaf.issuer[i] != '\0'; i++)
		assert_true(isprint((unsigned char)leaf.issuer[i]));
	strv_free(&leaf.names);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define N(name, f) { name, f, setup, teardown, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(ordinary),
		N("D1 key", d1_key),
		N("D2 names", d2_names),
		N("D3 dates", d3_dates),
		N("D4 text", d4_text),
		N("D4 harmless text", d4_harmless_text),
		N("D5 order", d5_order),
		N("D5 loop", d5_loop),
		N("D5 many", d5_many),
		N("D5 links", d5_links),
		T(leaf_usage),
		N("D6 junk", d6_junk),
		N("D6 a leaf that is too large", d6_large_leaf),
		N("D7 odd but valid", d7_odd_but_valid),
		N("D7 RSA", d7_rsa),
		T(ari_vector),
		T(leaf_facts)
	};

	return cmocka_run_group_tests_name("acme_chain", tests, NULL, NULL);
}
