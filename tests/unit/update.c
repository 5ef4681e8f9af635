/* Updates on the wire, judged by ldns; key files; what refusals mean. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ldns/ldns.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/text.h"
#include "daemon/tsig_key.h"
#include "daemon/update.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define SECRET_B64 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define NOW 1800000000

static struct err err;

static const struct update add = { "shop.example",
	"_acme-challenge.shop.example", "the \"value\"", 60, false };

static struct blob
hmac(const char *alg, const struct blob *over)
{
	uint8_t out[64];
	unsigned int n = 0;
	const EVP_MD *md = strcmp(alg, "hmac-sha256") == 0 ? EVP_sha256() :
	    strcmp(alg, "hmac-sha384") == 0 ? EVP_sha384() : EVP_sha512();

	assert_non_null(HMAC(md, SECRET, sizeof(SECRET) - 1, over->p,
	    over->len, out, &n));
	return blob_copy(out, n);
}

static struct tsig
tsig_of(const char *alg)
{
	struct tsig t = { .time_s = NOW, .fudge = TSIG_FUDGE_S,
		.original_id = 4711 };

	memcpy(t.key, "everleaf.key", sizeof("everleaf.key"));
	memcpy(t.alg, alg, strlen(alg) + 1);
	return t;
}

static struct blob
sign(struct blob *m, struct tsig *t)
{
	struct blob over = tsig_digest(t, m, NULL), out;

	t->mac = hmac(t->alg, &over);
	blob_free(&over);
	out = tsig_attach(t, m);
	blob_free(m);
	return out;
}

static void
adds_one_value(void **state)
{
	struct blob m = update_message(&add, 4711);
	ldns_pkt *pkt = NULL;
	ldns_rr *rr;
	char *text;

	(void)state;
	assert_int_equal(ldns_wire2pkt(&pkt, m.p, m.len), LDNS_STATUS_OK);
	assert_int_equal(ldns_pkt_get_opcode(pkt), LDNS_PACKET_UPDATE);
	assert_int_equal(ldns_pkt_id(pkt), 4711);
	assert_int_equal(ldns_update_zocount(pkt), 1);
	assert_int_equal(ldns_update_prcount(pkt), 0);
	assert_int_equal(ldns_update_upcount(pkt), 1);
	rr = ldns_rr_list_rr(ldns_pkt_authority(pkt), 0);
	text = ldns_rr2str(rr);
	assert_string_equal(text, "_acme-challenge.shop.example.\t60\tIN\tTXT"
	    "\t\"the \\\"value\\\"\"\n");
	free(text);
	ldns_pkt_free(pkt);
	blob_free(&m);
}

static void
removes_one_value(void **state)
{
	struct update u = add;
	struct blob m;
	ldns_pkt *pkt = NULL;
	ldns_rr *rr;
	char large[601];

	(void)state;
	memset(large, 'x', 600);
	large[600] = '\0';
	u.remove = true;
	u.value = large;
	m = update_message(&u, 1);
	assert_int_equal(ldns_wire2pkt(&pkt, m.p, m.len), LDNS_STATUS_OK);
	rr = ldns_rr_list_rr(ldns_pkt_authority(pkt), 0);
	assert_int_equal(ldns_rr_get_class(rr), 254);
	assert_int_equal(ldns_rr_ttl(rr), 0);
	assert_int_equal(ldns_rr_rd_count(rr), 3);
	ldns_pkt_free(pkt);
	blob_free(&m);
	u.record = "no..name";
	m = update_message(&u, 1);
	assert_null(m.p);
}

/* ldns checks ours; 384 it does not know, so our own reader does. */
static void
signatures(void **state)
{
	static const char *const algs[] = { "hmac-sha256", "hmac-sha512",
		"hmac-sha384" };
	struct tsig t, back;
	struct blob m, over, mac;
	ldns_pkt *pkt;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		t = tsig_of(algs[i]);
		m = update_message(&add, 4711);
		m = sign(&m, &t);
		if (i < 2) {
			assert_int_equal(ldns_wire2pkt(&pkt, m.p, m.len), 0);
			assert_true(ldns_pkt_tsig_verify(pkt, m.p, m.len,
			    "everleaf.key.", SECRET_B64, NULL));
			ldns_pkt_free(pkt);
		}
		assert_true(tsig_detach(&back, &m));
		assert_string_equal(back.key, t.key);
		assert_string_equal(back.alg, algs[i]);
		assert_true(back.time_s == NOW && back.original_id == 4711);
		over = tsig_digest(&back, &m, NULL);
		mac = hmac(algs[i], &over);
		assert_int_equal(mac.len, back.mac.len);
		assert_memory_equal(mac.p, back.mac.p, mac.len);
		blob_free(&over);
		blob_free(&mac);
		tsig_free(&back);
		assert_false(tsig_detach(&back, &m));
		tsig_free(&t);
		blob_free(&m);
	}
}

/* --- replies -------------------------------------------------------- */

static struct update_asked
asked(void)
{
	struct update_asked q = { &add, "192.0.2.53:53", "everleaf.key",
		"hmac-sha256", 4711, NOW };

	return q;
}

static int
judge(int rcode, int tsig_error, int64_t clock, const char *key)
{
	uint8_t head[12] = { 4711 >> 8, 4711 & 255, 0xa8, (uint8_t)rcode };
	struct tsig t = tsig_of("hmac-sha256");
	struct blob m = { head, sizeof(head) };
	struct update_asked q = asked();

	t.error = (uint16_t)tsig_error;
	t.time_s = (uint64_t)(NOW + clock);
	q.key = key;
	return update_judge(&q, &m, tsig_error >= 0 ? &t : NULL, &err);
}

static void
refusals(void **state)
{
	static const struct {
		int rcode, tsig_error;
		int64_t clock;
		const char *key, *words;
		enum err_code code;
	} rows[] = {
		{ 9, 16, 0, "k", "another secret", ERR_DNS_UPDATE },
		{ 9, 17, 0, "k", "does not know the key \"k\"",
		    ERR_DNS_UPDATE },
		{ 9, 18, 7200, "k", "differ by 2 hours", ERR_CLOCK },
		{ 9, 0, 0, "k", "not the primary", ERR_DNS_UPDATE },
		{ 10, 0, 0, "k", "not the primary", ERR_DNS_UPDATE },
		{ 5, 0, 0, "k", "may not change _acme-challenge.shop",
		    ERR_DNS_UPDATE },
		{ 5, -1, 0, NULL, "without a key", ERR_DNS_UPDATE },
		{ 4, -1, 0, "k", "does not understand", ERR_DNS_UPDATE },
		{ 2, 0, 0, "k", "SERVFAIL", ERR_DNS_UPDATE },
		{ 0, -1, 0, "k", "not signed", ERR_DNS_UPDATE },
		{ 0, 0, 0, "other", "another key", ERR_DNS_UPDATE },
		{ 0, 0, -301, "everleaf.key", "differ by", ERR_CLOCK }
	};
	size_t i;

	(void)state;
	assert_int_equal(judge(0, 0, 0, "everleaf.key"), 0);
	assert_int_equal(judge(0, -1, 0, NULL), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(judge(rows[i].rcode, rows[i].tsig_error,
		    rows[i].clock, rows[i].key), -1);
		if (strstr(err.text, rows[i].words) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", rows[i].words,
			    err.text);
		assert_int_equal(err.code, rows[i].code);
	}
	assert_int_equal(judge(2, 0, 0, "k"), -1);
	assert_int_equal(err.class, ERR_LATER);
}

static void
no_replies(void **state)
{
	uint8_t head[12] = { 4711 >> 8, 4711 & 255, 0x84, 0 };
	struct update_asked q = asked();
	struct blob m = { head, sizeof(head) };

	(void)state;
	q.key = NULL;
	assert_int_equal(update_judge(&q, &m, NULL, &err), -1);
	head[2] = 0xa8;
	assert_int_equal(update_judge(&q, &m, NULL, &err), 0);
	head[0]++;
	assert_int_equal(update_judge(&q, &m, NULL, &err), -1);
	m.len = 11;
	assert_int_equal(update_judge(&q, &m, NULL, &err), -1);
}

/* A2: what is not believed yet must not be too large to ask the keeper. */
static void
a2_long_replies(void **state)
{
	static uint8_t head[UPDATE_REPLY_MAX + 1] = { 4711 >> 8, 4711 & 255,
		0xa8 };
	struct tsig t = tsig_of("hmac-sha256");
	struct update_asked q = asked();
	struct blob m = { head, UPDATE_REPLY_MAX };

	(void)state;
	assert_int_equal(update_judge(&q, &m, &t, &err), 0);
	m.len++;
	assert_int_equal(update_judge(&q, &m, &t, &err), -1);
	m.len = 12;
	t.other.len = UPDATE_REPLY_MAX;
	assert_int_equal(update_judge(&q, &m, &t, &err), -1);
}

/* --- key files ------------------------------------------------------ */

static int
parse(struct tsig_key *k, const char *text)
{
	return tsig_key_parse(k, text, strlen(text), &err);
}

static void
key_files(void **state)
{
	static const char *const good[] = {
		"key \"everleaf\" {\n\talgorithm hmac-sha256;\n"
		    "\tsecret \"" SECRET_B64 "\";\n};\n",
		"# a\n// b\n/* c\n */ KEY Everleaf. { secret " SECRET_B64
		    "; algorithm \"HMAC-SHA256.\"; } ; // end",
		"key everleaf{algorithm hmac-sha256;secret\"" SECRET_B64
		    "\";};"
	};
	struct tsig_key k;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse(&k, good[i]), 0);
		assert_string_equal(k.name, "everleaf");
		assert_string_equal(k.alg, "hmac-sha256");
		assert_int_equal(k.secret.len, sizeof(SECRET) - 1);
		assert_memory_equal(k.secret.p, SECRET, k.secret.len);
		tsig_key_wipe(&k);
	}
}

#define ALG "algorithm hmac-sha256;"
#define SEC "secret \"" SECRET_B64 "\";"

static void
bad_key_files(void **state)
{
	static const struct { const char *text, *words; } rows[] = {
		{ "", "\"key\" is missing" },
		{ SECRET_B64, "\"key\" is missing" },
		{ "key a {" SEC "};", "no algorithm" },
		{ "key a {" ALG "};", "no secret" },
		{ "key a {" ALG SEC "}", "\";\" is missing" },
		{ "key a {" ALG SEC, "neither" },
		{ "key a {" ALG SEC SEC "};", "second secret" },
		{ "key a {" ALG ALG SEC "};", "second algorithm" },
		{ "key a {" ALG SEC "}; key b {" ALG SEC "};", "One file" },
		{ "key a {algorithm hmac-md5;" SEC "};", "none of" },
		{ "key a {" ALG "secret \"!!!!\";};", "no base64" },
		{ "key a {" ALG "secret \"MDEyMw==\";};", "128 bits" },
		{ "key \"a b\" {" ALG SEC "};", "no DNS name" },
		{ "key a..b {" ALG SEC "};", "no DNS name" },
		{ "key .a {" ALG SEC "};", "no DNS name" },
		{ "key \"\" {" ALG SEC "};", "no name" },
		{ "key \"a {" ALG "\n" SEC "};", "line 1" },
		{ "\n\nkey a [", "line 3" },
		{ "key a { /* " ALG SEC "};", "neither" }
	};
	struct tsig_key k;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(&k, rows[i].text), -1);
		if (strstr(err.text, rows[i].words) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", rows[i].words,
			    err.text);
		assert_null(strstr(err.text, "MDEy"));
		assert_null(k.secret.p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_one_value),
		cmocka_unit_test(removes_one_value),
		cmocka_unit_test(signatures),
		cmocka_unit_test(refusals),
		cmocka_unit_test(no_replies),
		cmocka_unit_test(a2_long_replies),
		cmocka_unit_test(key_files),
		cmocka_unit_test(bad_key_files)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
