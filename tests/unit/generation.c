/* Installing: layout and modes, the same request again, the switch, people's
 * path, and what each kind of crash leaves (security.md sections 5.1 to
 * 5.3). */
#include <config.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "hooks/generation.h"
#include "tests/unit/box.h"

#define CERT UINT64_C(0x3f9a00000000cafe)
#define HOME "certs/3f/3f9a00000000cafe"

static char top[64];
static int dir = -1;
static struct err err;

static struct blob
text(const char *s)
{
	struct blob b = { (uint8_t *)(uintptr_t)s, strlen(s) };

	return b;
}

static struct generation
sample(uint32_t gen)
{
	struct generation g = { .cert = CERT, .gen = gen,
		.key = text("KEY\n"), .leaf = text("LEAF\n"),
		.chain = text("CHAIN\n"), .meta = text("{}"),
		.uid = geteuid(), .gid = getegid(), .key_mode = 0600 };

	return g;
}

static int
setup(void **state)
{
	(void)state;
	umask(077);
	snprintf(top, sizeof(top), "/tmp/everleaf-generation-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err_clear(&err);
	return dir >= 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	close(dir);
	return box_remove(top);
}

static void
has(const char *path, mode_t mode, const char *content)
{
	char got[64];
	struct stat st;
	ssize_t n;
	int fd;

	assert_int_equal(fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	if (content == NULL)
		return;
	fd = openat(dir, path, O_RDONLY);
	assert_true(fd >= 0);
	n = read(fd, got, sizeof(got) - 1);
	close(fd);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, content);
}

static bool
there(const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static uint32_t
live(void)
{
	uint32_t gen = 77;

	assert_int_equal(generation_live(dir, CERT, &gen, &err), 0);
	return gen;
}

static void
install(const struct generation *g)
{
	bool whole;

	assert_int_equal(generation_stage(dir, g, &whole, &err), 0);
	assert_int_equal(generation_finish(dir, CERT, g->gen, &err), 0);
	assert_int_equal(generation_flip(dir, CERT, g->gen, &err), 0);
}

static void
put(const char *path)
{
	int fd = openat(dir, path, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
}

/* --- tests ----------------------------------------------------------------*/

static void
layout_and_modes(void **state)
{
	struct generation g = sample(41);
	bool whole;

	(void)state;
	g.key_mode = 0640;
	g.meta = text("{}");
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_false(whole);
	assert_false(there(HOME "/gen/000041"));
	has(HOME "/gen/.tmp-000041", 0711, NULL);
	assert_int_equal(generation_finish(dir, CERT, 41, &err), 0);
	has("certs", 0711, NULL);
	has("certs/3f", 0711, NULL);
	has(HOME, 0711, NULL);
	has(HOME "/gen", 0711, NULL);
	has(HOME "/gen/000041", 0711, NULL);
	has(HOME "/gen/000041/privkey.pem", 0640, "KEY\n");
	has(HOME "/gen/000041/cert.pem", 0644, "LEAF\n");
	has(HOME "/gen/000041/chain.pem", 0644, "CHAIN\n");
	has(HOME "/gen/000041/fullchain.pem", 0644, "LEAF\nCHAIN\n");
	has(HOME "/gen/000041/combined.pem", 0640, "KEY\nLEAF\nCHAIN\n");
	has(HOME "/gen/000041/meta.json", 0644, "{}\n");
	assert_false(there(HOME "/gen/.tmp-000041"));
	assert_int_equal(live(), 0);
	assert_int_equal(generation_flip(dir, CERT, 41, &err), 0);
	assert_int_equal(live(), 41);
}

/* A key without a final newline must not swallow the next BEGIN line. */
static void
parts_do_not_run_together(void **state)
{
	struct generation g = sample(1);

	(void)state;
	g.key = text("KEY");
	g.leaf = text("LEAF");
	g.chain = text("");
	install(&g);
	has(HOME "/gen/000001/combined.pem", 0600, "KEY\nLEAF\n");
	has(HOME "/gen/000001/chain.pem", 0644, "");
}

static void
the_same_request_again(void **state)
{
	struct generation g = sample(1);
	bool whole;

	(void)state;
	/* After staging alone, everything is written again. */
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_false(whole);
	assert_int_equal(generation_finish(dir, CERT, 1, &err), 0);
	/* After its name, it is found whole, and never written again. */
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_true(whole);
	assert_int_equal(generation_finish(dir, CERT, 1, &err), 0);
	assert_int_equal(generation_flip(dir, CERT, 1, &err), 0);
	assert_int_equal(generation_flip(dir, CERT, 1, &err), 0);
	assert_int_equal(live(), 1);
	/* Another certificate under the same number is refused. */
	g.leaf = text("OTHER\n");
	assert_int_equal(generation_stage(dir, &g, &whole, &err), -1);
	assert_int_equal(err.code, ERR_INSTALL_FAILED);
	has(HOME "/gen/000001/cert.pem", 0644, "LEAF\n");
}

static void
descriptors_for_the_verifier(void **state)
{
	struct generation g = sample(1);
	char got[32] = "";
	int fds[5], i;
	bool whole;

	(void)state;
	assert_int_equal(generation_open(dir, CERT, 1, true, fds, &err), -1);
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_int_equal(generation_open(dir, CERT, 1, true, fds, &err), -1);
	assert_int_equal(generation_open(dir, CERT, 1, false, fds, &err), 0);
	assert_int_equal(read(fds[3], got, sizeof(got)), 11);
	assert_string_equal(got, "LEAF\nCHAIN\n");
	for (i = 0; i < 5; i++) {
		assert_int_equal(write(fds[i], "x", 1), -1);
		close(fds[i]);
	}
	/* A link in place of a file is not followed. */
	assert_int_equal(unlinkat(dir, HOME "/gen/.tmp-000001/cert.pem", 0),
	    0);
	assert_int_equal(symlinkat("/etc/passwd", dir,
	    HOME "/gen/.tmp-000001/cert.pem"), 0);
	assert_int_equal(generation_open(dir, CERT, 1, false, fds, &err), -1);
}

/* Somebody else has the key: no file with one, and the CSR in its place. */
static void
without_a_key(void **state)
{
	struct generation g = sample(1);
	char got[8] = "";
	int fds[5], i;

	(void)state;
	g.key = (struct blob){ NULL, 0 };
	g.csr = text("CSR");
	install(&g);
	has(HOME "/gen/000001/fullchain.pem", 0644, "LEAF\nCHAIN\n");
	has(HOME "/gen/000001/csr.der", 0644, "CSR");	/* to the byte */
	assert_false(there(HOME "/gen/000001/privkey.pem"));
	assert_false(there(HOME "/gen/000001/combined.pem"));
	assert_int_equal(generation_flip(dir, CERT, 1, &err), 0);
	assert_int_equal(live(), 1);
	assert_int_equal(generation_open(dir, CERT, 1, true, fds, &err), 0);
	assert_int_equal(read(fds[0], got, sizeof(got)), 3);
	assert_string_equal(got, "CSR");
	assert_int_equal(fds[4], -1);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	/* With a key it is ours, whatever else lies there. */
	put(HOME "/gen/000001/privkey.pem");
	assert_int_equal(generation_open(dir, CERT, 1, true, fds, &err), -1);
	assert_int_equal(unlinkat(dir, HOME "/gen/000001/privkey.pem", 0), 0);
	assert_int_equal(unlinkat(dir, HOME "/gen/000001/csr.der", 0), 0);
	assert_int_equal(generation_flip(dir, CERT, 1, &err), -1);
}

static void
an_incomplete_generation_never_goes_live(void **state)
{
	struct generation g = sample(1);

	(void)state;
	install(&g);
	g = sample(2);
	install(&g);
	assert_int_equal(generation_flip(dir, CERT, 1, &err), 0);
	assert_int_equal(unlinkat(dir, HOME "/gen/000002/privkey.pem", 0), 0);
	assert_int_equal(generation_flip(dir, CERT, 2, &err), -1);
	assert_non_null(strstr(err.text, "privkey.pem"));
	assert_int_equal(generation_flip(dir, CERT, 3, &err), -1);
	assert_int_equal(generation_flip(dir, CERT, 0, &err), -1);
	assert_int_equal(live(), 1);
}

/* G6: what live points to is somebody else's. */
static void
foreign_live_link(void **state)
{
	static const char *const foreign[] = {
		"/etc", "gen/1", "gen/000001/", "gen/../gen/000001",
		"gen/000001x", "gen/0000001", "gen/000000"
	};
	struct generation g = sample(1);
	size_t i;

	(void)state;
	install(&g);
	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		assert_int_equal(unlinkat(dir, HOME "/live", 0), 0);
		assert_int_equal(symlinkat(foreign[i], dir, HOME "/live"), 0);
		assert_int_equal(live(), 0);
	}
	assert_int_equal(generation_flip(dir, CERT, 1, &err), 0);
	assert_int_equal(live(), 1);
	/* A directory there is not ours to remove. */
	assert_int_equal(unlinkat(dir, HOME "/live", 0), 0);
	assert_int_equal(mkdirat(dir, HOME "/live", 0700), 0);
	assert_int_equal(live(), 0);
	assert_int_equal(generation_flip(dir, CERT, 1, &err), -1);
	assert_int_equal(err.class, ERR_MACHINE);
	/* A link to a generation that is gone is nothing live. */
	assert_int_equal(unlinkat(dir, HOME "/live", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("gen/000009", dir, HOME "/live"), 0);
	assert_int_equal(live(), 0);
}

static void
alias_is_made_once(void **state)
{
	struct generation g = sample(1);
	char got[64] = "";

	(void)state;
	install(&g);
	assert_int_equal(generation_alias(dir, CERT, "shop.example", &err), 0);
	assert_int_equal(generation_alias(dir, CERT, "shop.example", &err), 0);
	assert_true(readlinkat(dir, "live/shop.example", got, 63) > 0);
	assert_string_equal(got, "../" HOME "/live");
	has("live/shop.example/cert.pem", 0644, "LEAF\n");
	has("live", 0711, NULL);
	/* Another certificate, a file, a foreign link: never replaced. */
	assert_int_equal(generation_alias(dir, CERT + 1, "shop.example", &err),
	    -1);
	assert_int_equal(err.code, ERR_INSTALL_FAILED);
	assert_true(err.advice[0] != '\0');
	put("live/file.example");
	assert_int_equal(generation_alias(dir, CERT, "file.example", &err), -1);
	assert_int_equal(symlinkat("/etc", dir, "live/link.example"), 0);
	assert_int_equal(generation_alias(dir, CERT, "link.example", &err), -1);
	/* E4 */
	assert_int_equal(generation_alias(dir, CERT, "../x", &err), -1);
	assert_int_equal(generation_alias(dir, CERT, "", &err), -1);
}

/* E7: links where our directories belong. */
static void
links_are_not_followed(void **state)
{
	struct generation g = sample(1);
	bool whole;

	(void)state;
	assert_int_equal(mkdirat(dir, "elsewhere", 0700), 0);
	assert_int_equal(symlinkat("elsewhere", dir, "certs"), 0);
	assert_int_equal(generation_stage(dir, &g, &whole, &err), -1);
	assert_true(err.advice[0] != '\0');
	assert_false(there("elsewhere/3f"));
}

static void
prune_leaves_what_is_live(void **state)
{
	struct generation g = sample(1);

	(void)state;
	install(&g);
	g = sample(2);
	install(&g);
	assert_int_equal(generation_prune(dir, CERT, 2, &err), -1);
	assert_true(there(HOME "/gen/000002/privkey.pem"));
	assert_int_equal(generation_prune(dir, CERT, 1, &err), 0);
	assert_false(there(HOME "/gen/000001"));
	assert_false(there(HOME "/gen/.del-000001"));
	assert_int_equal(generation_prune(dir, CERT, 1, &err), 0);
	assert_int_equal(generation_prune(dir, CERT + 1, 1, &err), 0);
}

static void
purge_takes_all_of_ours(void **state)
{
	struct generation g = sample(1);

	(void)state;
	install(&g);
	g = sample(2);
	install(&g);
	assert_int_equal(generation_alias(dir, CERT, "shop.example", &err), 0);
	assert_int_equal(symlinkat("/etc", dir, "live/other.example"), 0);
	assert_int_equal(generation_purge(dir, CERT, "other.example", &err),
	    0);
	assert_true(there("live/other.example"));
	assert_false(there(HOME));
	install(&g);
	put(HOME "/gen/notes.txt");
	assert_int_equal(generation_purge(dir, CERT, "shop.example", &err), 0);
	assert_false(there("live/shop.example"));
	assert_false(there(HOME "/gen/000002"));
	assert_true(there(HOME "/gen/notes.txt"));
	assert_int_equal(generation_purge(dir, CERT, "shop.example", &err), 0);
}

/* Section 5.3: what each crash leaves, and what the next start makes of it. */
static void
recovery(void **state)
{
	struct generation g = sample(1);
	bool whole;

	(void)state;
	assert_int_equal(generation_recover(dir, CERT, &err), 0);
	install(&g);
	/* 1 to 4: a part of a generation */
	g = sample(2);
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_int_equal(unlinkat(dir, HOME "/gen/.tmp-000002/meta.json", 0),
	    0);
	assert_int_equal(generation_recover(dir, CERT, &err), 0);
	assert_false(there(HOME "/gen/.tmp-000002"));
	assert_int_equal(live(), 1);
	/* 5: whole, but not live; 6: the link half made */
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_int_equal(generation_finish(dir, CERT, 2, &err), 0);
	assert_int_equal(symlinkat("gen/000002", dir, HOME "/.live.tmp"), 0);
	assert_int_equal(generation_recover(dir, CERT, &err), 0);
	assert_false(there(HOME "/.live.tmp"));
	assert_int_equal(live(), 1);
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_true(whole);
	/* 6 again, without a recovery between */
	assert_int_equal(symlinkat("gen/000007", dir, HOME "/.live.tmp"), 0);
	assert_int_equal(generation_flip(dir, CERT, 2, &err), 0);
	assert_int_equal(live(), 2);
	/* 11: half removed */
	assert_int_equal(renameat(dir, HOME "/gen/000001", dir,
	    HOME "/gen/.del-000001"), 0);
	assert_int_equal(generation_recover(dir, CERT, &err), 0);
	assert_false(there(HOME "/gen/.del-000001"));
	assert_true(there(HOME "/gen/000002/cert.pem"));
	/* The link lost: the generation is still there to flip to. */
	assert_int_equal(unlinkat(dir, HOME "/live", 0), 0);
	assert_int_equal(generation_recover(dir, CERT, &err), 0);
	assert_int_equal(live(), 0);
	assert_int_equal(generation_flip(dir, CERT, 2, &err), 0);
}

static void
abandon_drops_the_attempt(void **state)
{
	struct generation g = sample(1);
	bool whole;

	(void)state;
	assert_int_equal(generation_abandon(dir, CERT, 1, &err), 0);
	install(&g);
	g = sample(2);
	assert_int_equal(generation_stage(dir, &g, &whole, &err), 0);
	assert_int_equal(generation_abandon(dir, CERT, 2, &err), 0);
	assert_false(there(HOME "/gen/.tmp-000002"));
	assert_int_equal(live(), 1);
}

static int found;

static void
count(void *ctx, uint64_t cert)
{
	assert_ptr_equal(ctx, &found);
	assert_true(cert == CERT || cert == 1);
	found++;
}

static void
each_certificate(void **state)
{
	struct generation g = sample(1);

	(void)state;
	found = 0;
	assert_int_equal(generation_each(dir, count, &found, &err), 0);
	assert_int_equal(found, 0);
	install(&g);
	g.cert = 1;
	assert_int_equal(generation_stage(dir, &g, &(bool){ false }, &err), 0);
	assert_int_equal(mkdirat(dir, "certs/lost+found", 0700), 0);
	assert_int_equal(mkdirat(dir, "certs/3f/3f-notes", 0700), 0);
	assert_int_equal(mkdirat(dir, "certs/3f/00000000000000aa", 0700), 0);
	assert_int_equal(generation_each(dir, count, &found, &err), 0);
	assert_int_equal(found, 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(layout_and_modes), T(parts_do_not_run_together),
		T(the_same_request_again), T(descriptors_for_the_verifier),
		T(without_a_key),
		T(an_incomplete_generation_never_goes_live),
		T(foreign_live_link), T(alias_is_made_once),
		T(links_are_not_followed), T(prune_leaves_what_is_live),
		T(purge_takes_all_of_ours), T(recovery),
		T(abandon_drops_the_attempt), T(each_certificate)
	};

	return cmocka_run_group_tests_name("generation", tests, NULL, NULL);
}
