/* Sealed keys: readable for ever, useless anywhere else, no bit to be bent. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/seal.h"

static const struct seal_for mine = { "cert", 0x0123456789abcdef, 3 };
static const uint8_t plain_bytes[] = "a private key";
static const struct blob plain = {
	(uint8_t *)(uintptr_t)plain_bytes, sizeof(plain_bytes) - 1
};

/* Computed with another implementation from the format in seal.h: KEK bytes
 * 0 to 31, id 7, IV bytes 100 to 111. */
static const uint8_t vector[] = {
	0x45, 0x56, 0x53, 0x01, 0x07, 0x00, 0x00, 0x00, 0x64, 0x65, 0x66, 0x67,
	0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0xdf, 0x5e, 0xf0, 0xaf,
	0x60, 0x38, 0xad, 0x4a, 0x68, 0x38, 0x27, 0xd4, 0x37, 0xc7, 0x1b, 0x64,
	0xfb, 0xc0, 0xd1, 0x20, 0x7c, 0xd5, 0xd5, 0xf2, 0x35, 0xe6, 0x9e, 0xd3,
	0xd0
};

static struct kek
some_kek(void)
{
	struct kek k = { .id = 7 };
	size_t i;

	for (i = 0; i < sizeof(k.key); i++)
		k.key[i] = (uint8_t)i;
	return k;
}

static void
old_seals_open(void **state)
{
	struct blob sealed = blob_copy(vector, sizeof(vector)), back;
	struct kek k = some_kek();
	struct err err;

	(void)state;
	assert_int_equal(seal_open(&back, &k, &mine, &sealed, &err), 0);
	assert_int_equal(back.len, plain.len);
	assert_memory_equal(back.p, plain.p, plain.len);
	blob_wipe(&back);
	blob_free(&sealed);
}

static void
no_two_seals_are_alike(void **state)
{
	struct kek k = some_kek();
	struct blob a, b, back;
	struct err err;

	(void)state;
	assert_int_equal(seal_close(&a, &k, &mine, &plain, &err), 0);
	assert_int_equal(seal_close(&b, &k, &mine, &plain, &err), 0);
	assert_int_equal(a.len, plain.len + SEAL_OVERHEAD);
	assert_memory_not_equal(a.p, b.p, a.len);
	assert_memory_not_equal(a.p + 20, b.p + 20, a.len - 20);
	assert_null(memmem(a.p, a.len, plain.p, plain.len));
	assert_int_equal(seal_open(&back, &k, &mine, &b, &err), 0);
	assert_memory_equal(back.p, plain.p, plain.len);
	blob_wipe(&back);
	blob_free(&a);
	blob_free(&b);
}

static void
useless_for_another_object(void **state)
{
	static const struct seal_for others[] = {
		{ "account", 0x0123456789abcdef, 3 },
		{ "cert", 0x0123456789abcdee, 3 },
		{ "cert", 0x0123456789abcdef, 2 },
		{ "cert", 0x0123456789abcdef, 0 }
	};
	struct kek k = some_kek(), wrong = some_kek();
	struct blob sealed, back;
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(seal_close(&sealed, &k, &mine, &plain, &err), 0);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(seal_open(&back, &k, &others[i], &sealed,
		    &err), -1);
		assert_int_equal(err.code, ERR_SEAL);
		assert_null(back.p);
	}
	wrong.key[0] ^= 1;
	assert_int_equal(seal_open(&back, &wrong, &mine, &sealed, &err), -1);
	assert_int_equal(err.code, ERR_SEAL);
	wrong = some_kek();
	wrong.id = 8;
	assert_int_equal(seal_open(&back, &wrong, &mine, &sealed, &err), -1);
	assert_int_equal(err.code, ERR_KEK_MISSING);
	assert_true(err.advice[0] != '\0');
	blob_free(&sealed);
}

static void
every_bit_counts(void **state)
{
	struct kek k = some_kek();
	struct blob sealed, back, cut;
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(seal_close(&sealed, &k, &mine, &plain, &err), 0);
	for (i = 0; i < sealed.len * 8; i++) {
		sealed.p[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(seal_open(&back, &k, &mine, &sealed, &err),
		    -1);
		assert_null(back.p);
		sealed.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < sealed.len; i++) {
		cut = blob_copy(sealed.p, i);
		assert_int_equal(seal_open(&back, &k, &mine, &cut, &err), -1);
		blob_free(&cut);
	}
	assert_int_equal(seal_open(&back, &k, &mine, &sealed, &err), 0);
	blob_wipe(&back);
	blob_free(&sealed);
}

static void
too_long_is_refused(void **state)
{
	struct blob much = { xcalloc(SEAL_MAX, 1), SEAL_MAX }, sealed;
	struct kek k = some_kek();
	struct err err;

	(void)state;
	assert_int_equal(seal_close(&sealed, &k, &mine, &much, &err), -1);
	much.len = SEAL_MAX - SEAL_OVERHEAD;
	assert_int_equal(seal_close(&sealed, &k, &mine, &much, &err), 0);
	assert_int_equal(sealed.len, SEAL_MAX);
	blob_free(&sealed);
	blob_free(&much);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_seals_open),
		cmocka_unit_test(no_two_seals_are_alike),
		cmocka_unit_test(useless_for_another_object),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(too_long_is_refused)
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
