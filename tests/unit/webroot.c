/* Token files in webroots, and what customers may put in their way: rows E5
 * to E7 of security.md. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>
#include "hooks/webroot.h"
#include "tests/unit/box.h"

#define TOKEN "DGyRejmCefe7v4NfDGDKfA_-0123"
#define KEYAUTH TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define FOLDER ".well-known/acme-challenge"

enum { BOTH = WEBROOT_MADE_ABOVE | WEBROOT_MADE_FOLDER };

static char box[] = "/tmp/everleaf-webroot-XXXXXX", root[64], secret[64];
static struct webroot_token token = { root, TOKEN, KEYAUTH };
static struct err err;

static const char *
at(const char *name)
{
	static char path[4][256];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", root, name);
	return path[i];
}

static void
write_file(const char *path, const char *content)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static void
assert_content(const char *path, const char *content)
{
	char got[512] = "";
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	assert_true(fread(got, 1, sizeof(got) - 1, f) <= sizeof(got));
	fclose(f);
	assert_string_equal(got, content);
}

static bool
there(const char *name)
{
	struct stat st;

	return lstat(at(name), &st) == 0;
}

static int
put(unsigned *made)
{
	bool gone;
	int dir = webroot_enter(root, &gone, &err), rc;

	*made = 0;
	if (dir < 0)
		return -1;
	rc = webroot_put(dir, &token, made, &err);
	close(dir);
	return rc;
}

static int
take(unsigned made, unsigned *left)
{
	bool gone;
	int dir = webroot_enter(root, &gone, &err), rc;

	if (dir < 0)
		return -1;
	rc = webroot_take(dir, &token, made, left, &err);
	close(dir);
	return rc;
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(box, sizeof(box), "/tmp/everleaf-webroot-XXXXXX");
	if (mkdtemp(box) == NULL)
		return -1;
	snprintf(root, sizeof(root), "%s/root", box);
	snprintf(secret, sizeof(secret), "%s/secret", box);
	write_file(secret, "secret");
	umask(077);
	return mkdir(root, 0755);
}

static int
tear_down(void **state)
{
	(void)state;
	return box_remove(box);
}

/* --- tests ----------------------------------------------------------------*/

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(at(name), &st), 0);
	return st.st_mode & 07777;
}

static void
a_token_comes_and_goes(void **state)
{
	unsigned made, left;

	(void)state;
	assert_int_equal(put(&made), 0);
	assert_int_equal(made, BOTH);
	assert_content(at(FOLDER "/" TOKEN), KEYAUTH);
	assert_int_equal(mode_of(FOLDER "/" TOKEN), 0644);
	assert_int_equal(mode_of(FOLDER), 0755);
	assert_int_equal(mode_of(".well-known"), 0755);
	assert_false(there(FOLDER "/.everleaf-" TOKEN));
	/* again, as after a crash */
	assert_int_equal(put(&made), 0);
	assert_int_equal(made, 0);
	assert_int_equal(take(BOTH, &left), 0);
	assert_int_equal(left, 0);
	assert_false(there(".well-known"));
	assert_int_equal(take(BOTH, &left), 0);
}

static void
directories_of_others_stay(void **state)
{
	unsigned made, left;

	(void)state;
	assert_int_equal(mkdir(at(".well-known"), 0700), 0);
	assert_int_equal(put(&made), 0);
	assert_int_equal(made, WEBROOT_MADE_FOLDER);
	assert_int_equal(mode_of(".well-known"), 0700);
	assert_int_equal(take(made, &left), 0);
	assert_false(there(FOLDER));
	assert_true(there(".well-known"));
}

static void
what_is_not_empty_is_left_for_later(void **state)
{
	unsigned made, left;

	(void)state;
	assert_int_equal(put(&made), 0);
	write_file(at(FOLDER "/theirs"), "x");
	assert_int_equal(take(made, &left), 0);
	assert_int_equal(left, BOTH);
	assert_false(there(FOLDER "/" TOKEN));
	assert_true(there(FOLDER "/theirs"));
}

/* What a child that was killed left does not stop the next. */
static void
a_half_written_one_is_replaced(void **state)
{
	unsigned made, left;

	(void)state;
	assert_int_equal(mkdir(at(".well-known"), 0755), 0);
	assert_int_equal(mkdir(at(FOLDER), 0755), 0);
	write_file(at(FOLDER "/.everleaf-" TOKEN), "half");
	assert_int_equal(put(&made), 0);
	assert_content(at(FOLDER "/" TOKEN), KEYAUTH);
	assert_false(there(FOLDER "/.everleaf-" TOKEN));
	write_file(at(FOLDER "/.everleaf-" TOKEN), "half");
	assert_int_equal(take(0, &left), 0);
	assert_false(there(FOLDER "/.everleaf-" TOKEN));
}

static void
e5_links_are_not_followed(void **state)
{
	char other[96];
	unsigned made, left;

	(void)state;
	snprintf(other, sizeof(other), "%s/other", box);
	assert_int_equal(mkdir(other, 0755), 0);
	assert_int_equal(symlink(other, at(".well-known")), 0);
	assert_int_equal(put(&made), -1);
	assert_int_equal(err.code, ERR_WEBROOT);
	assert_non_null(strstr(err.advice, "symbolic link"));
	unlink(at(".well-known"));
	assert_int_equal(mkdir(at(".well-known"), 0755), 0);
	assert_int_equal(symlink(other, at(FOLDER)), 0);
	assert_int_equal(put(&made), -1);
	write_file(at(FOLDER "/" TOKEN), KEYAUTH);
	assert_int_equal(take(BOTH, &left), 0);
	assert_content(at(FOLDER "/" TOKEN), KEYAUTH);
}

static void
e5_nor_on_the_way(void **state)
{
	char last[96], middle[128];
	bool gone;

	(void)state;
	snprintf(last, sizeof(last), "%s/link", box);
	snprintf(middle, sizeof(middle), "%s/link/below", box);
	assert_int_equal(symlink(root, last), 0);
	assert_int_equal(mkdir(at("below"), 0755), 0);
	assert_int_equal(webroot_enter(last, &gone, &err), -1);
	assert_true(gone);
	assert_non_null(strstr(err.advice, "symbolic link"));
	assert_int_equal(webroot_enter(middle, &gone, &err), -1);
	assert_int_equal(webroot_enter("/proc/self/cwd", &gone, &err), -1);
	assert_int_equal(webroot_enter(secret, &gone, &err), -1);
	assert_int_equal(webroot_enter(at("gone"), &gone, &err), -1);
	assert_true(gone);
}

static void
e6_nothing_is_overwritten(void **state)
{
	const char *path;
	unsigned made, left;
	int kind;

	(void)state;
	for (kind = 0; kind < 5; kind++) {
		assert_int_equal(put(&made), 0);
		path = at(FOLDER "/" TOKEN);
		assert_int_equal(unlink(path), 0);
		if (kind == 0)
			write_file(path, "theirs");
		else if (kind == 1)
			assert_int_equal(symlink(secret, path), 0);
		else if (kind == 2)
			assert_int_equal(link(secret, path), 0);
		else if (kind == 3)
			assert_int_equal(mkfifo(path, 0644), 0);
		else
			assert_int_equal(mkdir(path, 0755), 0);
		assert_int_equal(put(&made), -1);
		assert_int_equal(err.code, ERR_WEBROOT);
		assert_non_null(strstr(err.text, "not ours"));
		assert_int_equal(take(BOTH, &left), 0);
		assert_true(there(FOLDER "/" TOKEN));
		assert_false(there(FOLDER "/.everleaf-" TOKEN));
		remove(at(FOLDER "/" TOKEN));
	}
	assert_content(secret, "secret");
}

/* A name that is taken by a link before we write leads nowhere. */
static void
e7_the_temporary_name_is_taken(void **state)
{
	unsigned made, left;

	(void)state;
	assert_int_equal(put(&made), 0);
	assert_int_equal(take(0, &left), 0);
	assert_int_equal(symlink(secret, at(FOLDER "/.everleaf-" TOKEN)), 0);
	assert_int_equal(put(&made), 0);
	assert_content(secret, "secret");
	assert_content(at(FOLDER "/" TOKEN), KEYAUTH);
	assert_int_equal(take(0, &left), 0);
	assert_int_equal(mkdir(at(FOLDER "/.everleaf-" TOKEN), 0755), 0);
	assert_int_equal(put(&made), -1);
}

static void
a_full_disk_leaves_nothing(void **state)
{
	struct rlimit l, none;
	unsigned made;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &l);
	none = l;
	none.rlim_cur = 20;
	setrlimit(RLIMIT_FSIZE, &none);
	assert_int_equal(put(&made), -1);
	setrlimit(RLIMIT_FSIZE, &l);
	assert_false(there(FOLDER "/" TOKEN));
	assert_false(there(FOLDER "/.everleaf-" TOKEN));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(a_token_comes_and_goes),
		TEST(directories_of_others_stay),
		TEST(what_is_not_empty_is_left_for_later),
		TEST(a_half_written_one_is_replaced),
		TEST(e5_links_are_not_followed),
		TEST(e5_nor_on_the_way),
		TEST(e6_nothing_is_overwritten),
		TEST(e7_the_temporary_name_is_taken),
		TEST(a_full_disk_leaves_nothing)
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
