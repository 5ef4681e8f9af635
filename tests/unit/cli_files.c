/* A daemon that lies to the command about which certificate is to be revoked:
 * the files say otherwise. */
#define _GNU_SOURCE
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "acme/acme.h"
#include "daemon/cli_files.h"
#include "hooks/generation.h"
#include "tests/unit/pki.h"
#include "tests/unit/box.h"

enum { OURS = 0x3f, VICTIM = 0x40 };

static char top[64];
static int dir;
static struct err err;
static char old[65], live[65], victim[65];

/* Installs one, as the master does it; hex is its digest. */
static void
install(uint64_t cert, uint32_t gen, int version, const char *title,
    char hex[65])
{
	struct pki p = pki_make(title, NULL, -1, 90, PKI_ECDSA);
	char meta[64];
	unsigned char *der = NULL;
	struct generation g = { .cert = cert, .gen = gen,
		.key = { (uint8_t *)"KEY\n", 4 },
		.meta = { (uint8_t *)meta, 0 }, .uid = geteuid(),
		.gid = getegid(), .key_mode = 0600 };
	int n = i2d_X509(p.cert, &der);
	bool whole;

	assert_true(n > 0);
	g.meta.len = (size_t)snprintf(meta, sizeof(meta),
	    "{\"version\": %d}", version);
	acme_digest_hex(hex, der, (size_t)n);
	assert_int_equal(acme_pem_leaf(&g.leaf, der, (size_t)n, &err), 0);
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_int_equal(generation_finish(dir, cert, gen, &err), 0);
	assert_int_equal(generation_alias(dir, cert, title, &err), 0);
	assert_int_equal(generation_flip(dir, cert, gen, &err), 0);
	blob_free(&g.leaf);
	OPENSSL_free(der);
	pki_free(&p);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/everleaf-files-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	install(OURS, 1, 3, "shop.example", old);
	install(OURS, 2, 4, "shop.example", live);
	install(VICTIM, 1, 1, "bank.example", victim);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close(dir);
	return box_remove(top);
}

static enum files_say
says(const char *title, uint64_t id, uint32_t version, const char *hex)
{
	return files_compare(dir, title, id, version, hex);
}

static void
the_truth(void **state)
{
	(void)state;
	assert_int_equal(says("shop.example", OURS, 4, live), FILES_SAME);
	assert_int_equal(says("shop.example", OURS, 3, old), FILES_SAME);
}

static void
another_digest(void **state)
{
	(void)state;
	assert_int_equal(says("shop.example", OURS, 4, victim), FILES_OTHER);
	assert_int_equal(says("shop.example", OURS, 3, victim), FILES_OTHER);
	/* As a version that there is not it is for a person to say. */
	assert_int_equal(says("shop.example", OURS, 9, victim), FILES_NONE);
}

static void
another_id(void **state)
{
	(void)state;
	assert_int_equal(says("shop.example", VICTIM, 1, victim), FILES_OTHER);
	assert_int_equal(says("shop.example", VICTIM, 4, live), FILES_OTHER);
}

static void
nothing_there(void **state)
{
	(void)state;
	assert_int_equal(says("gone.example", OURS, 4, live), FILES_NONE);
	assert_int_equal(says("../live/shop.example", OURS, 4, live),
	    FILES_NONE);
	assert_int_equal(generation_prune(dir, OURS, 1, &err), 0);
	assert_int_equal(says("shop.example", OURS, 3, old), FILES_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_truth), cmocka_unit_test(another_digest),
		cmocka_unit_test(another_id), cmocka_unit_test(nothing_there)
	};

	return cmocka_run_group_tests_name("cli_files", tests, setup,
	    teardown);
}
