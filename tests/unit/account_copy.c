/* Copies of accounts beside the inventory: they come back as they were, and
 * what the CA has refused does not come back at all. */
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
#include "daemon/account_copy.h"

static int64_t seen[4];
static size_t seen_n;

static void
note(void *ctx, const struct row_account *a)
{
	(void)ctx;
	assert_true(seen_n < 4);
	assert_string_equal(a->kid, "https://ca.example/acct/1");
	assert_int_equal(a->sealed.len, 6);
	seen[seen_n++] = a->id;
}

static void
what_is_removed_stays_away(void **state)
{
	struct row_account a = {
		.directory = (char[]){ "https://ca.example/dir" },
		.kid = (char[]){ "https://ca.example/acct/1" },
		.sealed = { (uint8_t[]){ "sealed" }, 6 } };
	char dir[] = "/tmp/everleaf-copies-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	account_copy_init(dir);
	for (a.id = 1; a.id <= 2; a.id++)
		account_copy_write(&a);
	account_copy_each(note, NULL);
	assert_int_equal(seen_n, 2);
	account_copy_remove(2);
	account_copy_remove(2);		/* a second time is no trouble */
	seen_n = 0;
	account_copy_each(note, NULL);
	assert_int_equal(seen_n, 1);
	assert_int_equal(seen[0], 1);
	account_copy_remove(1);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_removed_stays_away)
	};

	return cmocka_run_group_tests_name("copies of accounts", tests, NULL,
	    NULL);
}
