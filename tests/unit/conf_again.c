/* There and back: what is shown can be read, what is packed can be unpacked,
 * and both mean the same; for any configuration at all. */
#include <config.h>
#include "conf_test.h"
#include "daemon/conf_pack.h"

/* --- any configuration: a small generator with a seed --------------------- */

static uint32_t seed;

static unsigned int
roll(unsigned int n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
random_item(const struct conf_key *k, unsigned int i, struct buf *b)
{
	static const char *const endpoints[] = {
		":443", "smtp://:587", "public:443", "[2001:db8::1]:8443"
	};
	static const char *const argvs[] = {
		"prog", "/usr/bin/x", "a \\\"b\\\" \\\\ c", "${x}", "#;*"
	};

	if (k->choices != NULL) {
		buf_puts(b, k->choices[0]);
	} else if (k->type == CONF_ENDPOINTS) {
		buf_printf(b, "\"%s\"", endpoints[i % 4]);
	} else if (k->type == CONF_ARGV) {
		buf_printf(b, "\"%s\"", argvs[i == 0 ? roll(2) : roll(5)]);
	} else if (strcmp(k->word, "services") == 0) {
		buf_puts(b, i == 0 ? "nginx" : i == 1 ? "svc1" : "postfix");
	} else if (strcmp(k->word, "email") == 0) {
		buf_printf(b, "u%u@h.example", i);
	} else if (strcmp(k->word, "http-listen") == 0 ||
	    strcmp(k->word, "tls-alpn-listen") == 0) {
		buf_printf(b, ":%u", 80 + i);
	} else if (strcmp(k->word, "resolver") == 0) {
		buf_printf(b, "192.0.2.%u", 1 + i);
	} else if (strcmp(k->word, "webroot") == 0 ||
	    strcmp(k->word, "token-directories") == 0) {
		buf_printf(b, "/srv/w%u", i);
	} else {
		buf_printf(b, "n%u-%u.example", i, roll(1000000));
	}
}

static void
random_scalar(const struct conf_key *k, struct buf *b)
{
	static const char *const times[] = { "90s", "5m", "1h", "61s", "59m" };
	unsigned int i = 0;

	if (k->choices != NULL) {
		while (k->choices[i + 1] != NULL && roll(2) == 0)
			i++;
		buf_puts(b, k->choices[i]);
	} else if (k->type == CONF_YESNO || k->type == CONF_MAYBE) {
		buf_puts(b, roll(2) ? "yes" : "off");
	} else if (k->type == CONF_NUMBER) {
		buf_printf(b, "%u", 1 + roll(90));
	} else if (k->type == CONF_TIME) {
		buf_puts(b, k->automatic && roll(3) == 0 ? "auto" :
		    times[roll(5)]);
	} else if (k->type == CONF_PATH) {
		buf_printf(b, "\"/p%u/a b\"", roll(100));
	} else if (strcmp(k->word, "ca") == 0) {
		buf_puts(b, roll(2) ? "google" : "own");
	} else if (strcmp(k->word, "dns") == 0) {
		buf_puts(b, roll(2) ? "\"\"" : "bind");
	} else if (k->type == CONF_URI) {
		buf_puts(b, roll(2) ? "\"pkcs11:token=a;object=b\"" :
		    "\"handle:0x81000001\"");
	} else if (strcmp(k->word, "proxy") == 0) {
		buf_puts(b, "\"http://proxy.example:3128\"");
	} else if (strcmp(k->word, "policy") == 0) {
		buf_puts(b, roll(2) ? "pol1" : "default");
	} else if (strcmp(k->word, "preset") == 0) {
		buf_puts(b, roll(2) ? "\"\"" : "apache");
	} else if (k->type == CONF_URI) {
		buf_printf(b, "\"handle:0x8100%04x\"", roll(0xffff));
	} else if (strcmp(k->word, "directory") == 0) {
		buf_puts(b, "\"https://ca.example/dir\"");
	} else {
		buf_printf(b, "word%u", roll(10));
	}
}

static void
random_keys(enum conf_kind kind, struct buf *b)
{
	const struct conf_key *k;
	unsigned int i, n;

	for (k = conf_keys; k->word != NULL; k++) {
		if ((k->in & 1u << kind) == 0 || roll(2) == 0 ||
		    strcmp(k->word, "trust-file") == 0 ||
		    strcmp(k->word, "csr-file") == 0 ||
		    strcmp(k->word, "program") == 0 ||
		    strcmp(k->word, "server") == 0)
			continue;
		buf_printf(b, "%s = ", k->word);
		if (k->type == CONF_LIST || k->type == CONF_ARGV ||
		    k->type == CONF_ENDPOINTS) {
			n = roll(4);
			n = n == 0 && k->min > 0 ? 1 :
			    k->choices != NULL && n > 1 ? 1 : n;
			buf_putc(b, '{');
			for (i = 0; i < n; i++) {
				buf_puts(b, i > 0 ? ", " : "");
				random_item(k, i, b);
			}
			buf_putc(b, '}');
		} else {
			random_scalar(k, b);
		}
		buf_putc(b, roll(2) ? '\n' : ' ');
	}
}

/* The titles that the keys above refer to, and a few others. */
static char *
random_conf(uint32_t from)
{
	static const struct {
		enum conf_kind kind;
		const char *title;
	} blocks[] = {
		{ CONF_CERT, "a.example" }, { CONF_CERT, "b.example" },
		{ CONF_CERT, "0.example" }, { CONF_POLICY, "pol1" },
		{ CONF_POLICY, "default" }, { CONF_SERVICE, "svc1" },
		{ CONF_SERVICE, "nginx" }, { CONF_SERVICE, "zz" },
		{ CONF_CA, "own" }, { CONF_CA, "letsencrypt" },
		{ CONF_DNS, "bind" }
	};
	struct buf b;
	size_t i;

	seed = from;
	buf_init(&b, 1 << 20);
	random_keys(CONF_TOP, &b);
	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		/* What others refer to must be there. */
		if (blocks[i].kind == CONF_CERT && roll(3) == 0)
			continue;
		buf_printf(&b, "\n%s \"%s\" {\n%s",
		    conf_shapes[blocks[i].kind].word, blocks[i].title,
		    blocks[i].kind == CONF_DNS ? "server = \"::1\"\n" : "");
		random_keys(blocks[i].kind, &b);
		buf_puts(&b, "\n}\n");
	}
	return buf_take(&b);
}

/* "own" may have got no directory: then it is refused, rightly. */
static struct conf *
read_random(uint32_t from)
{
	char *text = random_conf(from);
	struct conf *c = read_texts(text, NULL);

	if (c == NULL && strstr(said, "ca \"own\": it has no directory") ==
	    NULL)
		fail_msg("seed %u: %s\n%s", from, said, text);
	free(text);
	return c;
}

/* --- showing -------------------------------------------------------------- */

static void
same_wishes(const struct conf *a, const struct conf *b)
{
	const struct conf_key *k;
	struct conf_wish x, y;
	size_t i;

	assert_int_equal(a->certs_n, b->certs_n);
	for (i = 0; i < a->certs_n; i++) {
		x = conf_effective(a, &a->certs[i].wish);
		y = conf_effective(b, &b->certs[i].wish);
		for (k = conf_keys; k->word != NULL; k++)
			if ((k->in & 1u << CONF_CERT) != 0)
				assert_true(conf_key_same(k, &x, &y));
		conf_wish_free(&x);
		conf_wish_free(&y);
	}
}

/* Services and CAs of a that b has, key by key. */
static void
same_others(const struct conf *a, const struct conf *b)
{
	const struct conf_key *k;
	const void *other;
	size_t i;

	assert_int_equal(a->services_n, b->services_n);
	assert_int_equal(a->cas_n, b->cas_n);
	for (k = conf_keys; k->word != NULL; k++) {
		if ((k->in & 1u << CONF_TOP) != 0)
			assert_true(conf_key_same(k, a, b));
		for (i = 0; i < a->services_n; i++) {
			other = conf_service(b, a->services[i].title);
			if ((k->in & 1u << CONF_SERVICE) != 0)
				assert_true(conf_key_same(k, &a->services[i],
				    other));
		}
		for (i = 0; i < a->dns_n; i++) {
			other = conf_dns(b, a->dns[i].title);
			if ((k->in & 1u << CONF_DNS) != 0)
				assert_true(conf_key_same(k, &a->dns[i],
				    other));
		}
		for (i = 0; i < a->cas_n; i++) {
			other = conf_ca(b, a->cas[i].title);
			if ((k->in & 1u << CONF_CA) != 0)
				assert_true(conf_key_same(k, &a->cas[i],
				    other));
		}
	}
}

static void
shown_and_read(void **state)
{
	struct conf *a, *b;
	char *one, *two;
	uint32_t i;
	int read = 0;

	(void)state;
	for (i = 1; i <= 300; i++) {
		a = read_random(i);
		if (a == NULL)
			continue;
		read++;
		one = show(a);
		b = read_texts(one, NULL);
		if (b == NULL)
			fail_msg("seed %u: %s\n%s", i, said, one);
		two = show(b);
		assert_string_equal(one, two);
		same_wishes(a, b);
		same_others(a, b);
		free(one);
		free(two);
		conf_free(a);
		conf_free(b);
	}
	assert_true(read > 100);
}

static void
shown_with_constants(void **state)
{
	struct conf *a = read_texts("agree-tos = true\n"
	    "certificate \"shop.example\" { services = nginx }\n", NULL), *b;
	struct buf all;

	(void)state;
	buf_init(&all, 1 << 20);
	conf_show(a, true, &all);
	assert_non_null(strstr(all.data, "#   placeholder: 7 days\n"));
	assert_non_null(strstr(all.data, "    renew-before    = auto\n"));
	assert_non_null(strstr(all.data, "service \"nginx\" {\n"));
	assert_non_null(strstr(all.data, "    # endpoints       = "
	    "{\":443\"}\n"));
	assert_null(strstr(all.data, "service \"apache\""));
	b = read_texts(all.data, NULL);
	assert_non_null(b);
	same_wishes(a, b);
	same_others(a, b);
	buf_free(&all);
	conf_free(a);
	conf_free(b);
}

/* --- packing -------------------------------------------------------------- */

static void
packed_and_unpacked(void **state)
{
	struct blob one, two;
	struct conf *a, *b;
	struct err err;
	uint32_t i;

	(void)state;
	for (i = 1; i <= 100; i++) {
		a = read_random(i);
		if (a == NULL)
			continue;
		one = conf_pack(a);
		b = conf_unpack(one.p, one.len, &err);
		assert_non_null(b);
		two = conf_pack(b);
		assert_int_equal(one.len, two.len);
		assert_memory_equal(one.p, two.p, one.len);
		same_wishes(a, b);
		same_others(a, b);
		assert_string_equal(a->file, b->file);
		blob_free(&one);
		blob_free(&two);
		conf_free(a);
		conf_free(b);
	}
}

/* Nobody but the master has a PIN; that it has changed shows all the same. */
static void
no_pin(void **state)
{
	static const char text[] = "agree-tos = true\nca own {\n"
	    "directory = \"https://ca.example/d\"\naccount-key = "
	    "\"pkcs11:object=k?pin-value=4711&a=b\"\n}\n";
	struct conf *a = read_texts(text, NULL), *b;
	struct blob packed = conf_pack(a);
	const struct conf_key *k = conf_key_find(CONF_CA, "account-key");
	struct err err;
	char *shown = show(a);

	(void)state;
	assert_non_null(strstr(conf_ca(a, "own")->account_key, "4711"));
	assert_null(memmem(packed.p, packed.len, "4711", 4));
	assert_null(strstr(shown, "4711"));
	assert_non_null(strstr(shown, "object=k?pin-value=***&a=b\""));
	b = conf_unpack(packed.p, packed.len, &err);
	assert_string_equal(conf_ca(b, "own")->account_key,
	    "pkcs11:object=k?pin-value=***&a=b");
	assert_false(conf_key_same(k, conf_ca(a, "own"), conf_ca(b, "own")));
	assert_true(conf_has_token(a));
	free(shown);
	blob_free(&packed);
	conf_free(a);
	conf_free(b);
}

/* Cut anywhere, bent in any bit: refused, with words. */
static void
broken_packs(void **state)
{
	struct conf *c = read_texts("agree-tos = true\n"
	    "certificate \"shop.example\" { services = nginx }\n", NULL);
	struct blob whole = conf_pack(c), part;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < whole.len; i++) {
		part = blob_copy(whole.p, i);
		assert_null(conf_unpack(part.p, part.len, &err));
		assert_int_equal(err.code, ERR_INTERNAL);
		blob_free(&part);
	}
	for (i = 0; i < 8 * whole.len; i++) {
		whole.p[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_null(conf_unpack(whole.p, whole.len, &err));
		whole.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	blob_free(&whole);
	conf_free(c);
}

/* --- what the master keeps for its next start ----------------------------- */

static void
kept_and_unpacked(void **state)
{
	struct blob one, two;
	struct conf *a, *b;
	struct err err;
	uint32_t i;

	(void)state;
	for (i = 1; i <= 100; i++) {
		a = read_random(i);
		if (a == NULL)
			continue;
		one = conf_pack_kept(a);
		b = conf_unpack_kept(one.p, one.len, &err);
		assert_non_null(b);
		same_wishes(a, b);
		same_others(a, b);
		b->loaded_ms = 7;	/* when it was read is not in it */
		two = conf_pack_kept(b);
		assert_int_equal(one.len, two.len);
		assert_memory_equal(one.p, two.p, one.len);
		/* Neither is taken for the other. */
		assert_null(conf_unpack(one.p, one.len, &err));
		blob_free(&one);
		one = conf_pack(a);
		assert_null(conf_unpack_kept(one.p, one.len, &err));
		assert_int_equal(err.code, ERR_CONFIG_BAD);
		blob_free(&one);
		blob_free(&two);
		conf_free(a);
		conf_free(b);
	}
}

/* The token is opened with it again: the master alone reads these bytes. */
static void
kept_with_pin(void **state)
{
	struct conf *a = read_texts("agree-tos = true\nca own {\n"
	    "directory = \"https://ca.example/d\"\naccount-key = "
	    "\"pkcs11:object=k?pin-value=4711\"\n}\n", NULL), *b;
	struct blob kept = conf_pack_kept(a);
	struct err err;

	(void)state;
	b = conf_unpack_kept(kept.p, kept.len, &err);
	assert_string_equal(conf_ca(b, "own")->account_key,
	    "pkcs11:object=k?pin-value=4711");
	blob_free(&kept);
	conf_free(a);
	conf_free(b);
}

static void
sum_again(struct blob *b)
{
	uint64_t sum = conf_pack_sum(b->p, b->len - 8);
	size_t i;

	for (i = 0; i < 8; i++)
		b->p[b->len - 8 + i] = (uint8_t)(sum >> 8 * i);
}

/* Another release calls its keys otherwise: one that we have not is left out,
 * one that it has not has its default, or is not written. */
static void
kept_by_another_release(void **state)
{
	static const char *const words[] = { "user", "endpoints", "check",
		"rollback", "keep-versions", "log-level", "webroot" };
	struct conf *a = read_texts("agree-tos = true\nlog-level = debug\n"
	    "certificate a.example { services = gw keep-versions = 7 "
	    "webroot = /srv ca = google }\n"
	    "service gw { user = www endpoints = {\":1\", \":2\"} "
	    "rollback = no "
	    "check = {\"/bin/true\"} timeout = 7m }\n", NULL), *b;
	struct blob kept = conf_pack_kept(a);
	const struct conf_service *s;
	struct err err;
	uint8_t *at;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		at = memmem(kept.p, kept.len, words[i], strlen(words[i]));
		assert_non_null(at);
		*at = 'X';
	}
	sum_again(&kept);
	b = conf_unpack_kept(kept.p, kept.len, &err);
	assert_non_null(b);
	assert_string_equal(b->log_level, "info");
	assert_true(b->agree_tos);
	assert_true(b->certs[0].wish.keep_versions == -1);
	assert_int_equal(b->certs[0].wish.webroot.n, 0);
	assert_string_equal(b->certs[0].wish.ca, "google");
	s = conf_service(b, "gw");
	assert_string_equal(s->user, "root");
	assert_int_equal(s->endpoints_n, 0);
	assert_int_equal(s->check.n, 0);
	assert_true(s->rollback);
	assert_true(s->timeout_ms == 7 * CONF_MINUTE);
	conf_free(b);
	conf_free(a);
	blob_free(&kept);
}

static void
broken_kept(void **state)
{
	struct conf *c = read_texts("agree-tos = true\n"
	    "certificate \"shop.example\" { services = nginx }\n", NULL), *d;
	struct blob whole = conf_pack_kept(c), part;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < whole.len; i++) {
		part = blob_copy(whole.p, i);
		assert_null(conf_unpack_kept(part.p, part.len, &err));
		assert_int_equal(err.code, ERR_CONFIG_BAD);
		blob_free(&part);
	}
	/* With a sum that fits: whatever comes back is whole. */
	for (i = 0; i < whole.len - 8; i++) {
		whole.p[i] ^= 1;
		sum_again(&whole);
		d = conf_unpack_kept(whole.p, whole.len, &err);
		if (d != NULL)
			free(show(d));
		conf_free(d);
		whole.p[i] ^= 1;
	}
	blob_free(&whole);
	conf_free(c);
}

const struct CMUnitTest again_tests[] = {
	cmocka_unit_test(shown_and_read),
	cmocka_unit_test(shown_with_constants),
	cmocka_unit_test(packed_and_unpacked), cmocka_unit_test(no_pin),
	cmocka_unit_test(broken_packs), cmocka_unit_test(kept_and_unpacked),
	cmocka_unit_test(kept_with_pin),
	cmocka_unit_test(kept_by_another_release),
	cmocka_unit_test(broken_kept)
};
const size_t again_tests_n = sizeof(again_tests) / sizeof(again_tests[0]);
