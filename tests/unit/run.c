/* Hooks that hang, flood, leave children, do not exist or could be anybody's
 * (security.md J1 to J9). */
#include <config.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "hooks/run.h"

enum { PATIENCE_MS = 20000 };

static struct err err;
static char top[4000];		/* a directory that only we can write to */

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct run *
begin(const struct strv *argv, const struct strv *env, const char *input,
    int64_t timeout_ms, int64_t kill_after_ms)
{
	struct run_spec spec = { .argv = argv, .env = env, .user = "root",
		.timeout_ms = timeout_ms, .kill_after_ms = kill_after_ms };
	struct run *r;

	if (input != NULL)
		spec.input = blob_copy(input, strlen(input));
	err_clear(&err);
	r = run_start(&spec, &err);
	blob_free(&spec.input);
	return r;
}

static enum run_end
wait_for(struct run *r)
{
	struct pollfd p = { run_pid_fd(r), POLLIN, 0 };
	int64_t until = now_ms() + PATIENCE_MS;
	enum run_end end;

	while ((end = run_go(r)) == RUN_GOING && now_ms() < until)
		poll(&p, 1, 100);
	return end;
}

/* sh -c script, to its end. */
static struct run *
shell(const char *script, const char *input, int64_t timeout, int64_t kill)
{
	struct strv argv = { NULL, 0 };
	struct run *r;

	strv_add(&argv, "sh");
	strv_add(&argv, "-c");
	strv_add(&argv, script);
	r = begin(&argv, NULL, input, timeout, kill);
	strv_free(&argv);
	assert_non_null(r);
	return r;
}

static bool
output_has(const struct run *r, const char *words)
{
	const struct buf *out = run_output(r);

	return out->len > 0 && strstr(out->data, words) != NULL;
}

static void
ends_with_its_status(void **state)
{
	static const struct { const char *script; int code; } t[] = {
		{ "exit 0", 0 }, { "exit 1", 1 }, { "exit 75", 75 },
		{ "exit 126", 126 }, { "exit 127", 127 }, { "exit 255", 255 }
	};
	struct run *r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		r = shell(t[i].script, NULL, 10000, 0);
		assert_int_equal(wait_for(r), RUN_EXITED);
		assert_int_equal(run_code(r), t[i].code);
		assert_int_equal(run_left_behind(r), 0);
		run_free(r);
	}
	r = shell("kill -SEGV $$", NULL, 10000, 0);
	assert_int_equal(wait_for(r), RUN_SIGNALLED);
	assert_int_equal(run_code(r), SIGSEGV);
	run_free(r);
}

/* Interface section 8, and J9: nothing of ours goes to the program. */
static void
clean_surroundings(void **state)
{
	struct strv argv = { NULL, 0 }, env = { NULL, 0 };
	struct run *r;
	int stray = open("/dev/null", O_RDONLY);	/* not close-on-exec */

	(void)state;
	setenv("SECRET_OF_OURS", "1", 1);
	umask(0);
	strv_add(&argv, "sh");
	strv_add(&argv, "-c");
	strv_add(&argv, "env; pwd; umask; cat; ls -l /proc/self/fd | wc -l; "
	    "echo two >&2; kill -TERM $$; sleep 5");
	strv_add(&env, "EVERLEAF_EVENT=deploy");
	r = begin(&argv, &env, "the input\n", 10000, 0);
	assert_non_null(r);
	assert_int_equal(wait_for(r), RUN_SIGNALLED);
	assert_true(output_has(r, "EVERLEAF_EVENT=deploy\n"));
	assert_true(output_has(r, "PATH=" RUN_PATH "\n"));
	assert_true(output_has(r, "LANG=C.UTF-8\n"));
	assert_true(output_has(r, "HOME="));
	assert_true(output_has(r, "USER="));
	assert_false(output_has(r, "SECRET_OF_OURS"));
	assert_true(output_has(r, "\n/\n"));
	assert_true(output_has(r, "0077\n"));
	assert_true(output_has(r, "the input\n"));
	assert_true(output_has(r, "two\n"));
	/* "total 0", three descriptors, and the directory being read */
	assert_true(output_has(r, "\n5\n"));
	run_free(r);
	close(stray);
	unsetenv("SECRET_OF_OURS");
	umask(022);
	strv_free(&argv);
	strv_free(&env);
}

static void
j1_hangs_and_ignores_term(void **state)
{
	int64_t began = now_ms();
	struct run *r;

	(void)state;
	r = shell("trap 'echo term' TERM; echo up; while :; do sleep 0.1; done",
	    NULL, 1000, 500);
	assert_int_equal(wait_for(r), RUN_TIMED_OUT);
	assert_true(now_ms() - began >= 1500);
	assert_true(now_ms() - began < 10000);
	assert_true(output_has(r, "up\n"));
	assert_true(output_has(r, "term\n"));
	run_free(r);
	/* One that heeds TERM is not waited for. */
	began = now_ms();
	r = shell("sleep 60", NULL, 200, 10000);
	assert_int_equal(wait_for(r), RUN_TIMED_OUT);
	assert_true(now_ms() - began < 5000);
	run_free(r);
}

static bool
alive(const char *mark)
{
	char command[128], got[16] = "";
	struct run *r;
	bool some;

	snprintf(command, sizeof(command),
	    "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | "
	    "grep -c 'sleep %s' || :", mark);
	r = shell(command, NULL, 10000, 0);
	assert_int_equal(wait_for(r), RUN_EXITED);
	snprintf(got, sizeof(got), "%s", run_output(r)->data);
	some = got[0] != '0';
	run_free(r);
	return some;
}

static void
j2_leaves_a_child_that_holds_the_output(void **state)
{
	int64_t began = now_ms();
	struct run *r = shell("sleep 7.125 & echo done", NULL, 10000, 0);

	(void)state;
	assert_int_equal(wait_for(r), RUN_EXITED);
	assert_int_equal(run_code(r), 0);
	assert_true(now_ms() - began < 3000);
	assert_true(output_has(r, "done\n"));
	assert_int_equal(run_left_behind(r), 1);
	run_free(r);
	/* It is the server that a restart leaves: it lives on. */
	assert_true(alive("7.12[5]"));
}

static void
j3_stragglers_die_with_a_timeout(void **state)
{
	struct run *r = shell("for i in 1 2 3 4 5 6 7 8 9 10; do "
	    "setsid sh -c 'trap \"\" TERM; setsid sleep 61.375 & "
	    "sleep 61.375' & done; sleep 61.375", NULL, 500, 300);
	int64_t began = now_ms();

	(void)state;
	assert_int_equal(wait_for(r), RUN_TIMED_OUT);
	assert_true(now_ms() - began < 8000);
	run_free(r);
	assert_false(alive("61.37[5]"));
}

static void
j4_floods_its_output(void **state)
{
	struct run *r = shell("head -c 50000000 /dev/zero; echo end >&2; "
	    "exit 3", NULL, 20000, 0);

	(void)state;
	assert_int_equal(wait_for(r), RUN_EXITED);
	assert_int_equal(run_code(r), 3);
	assert_int_equal(run_output(r)->len, RUN_OUTPUT_MAX);
	run_free(r);
}

/* A program that does not read what it gets must not block anybody. */
static void
unread_input(void **state)
{
	static char much[128 * 1024];
	struct run *r;

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	r = shell("exit 0", much, 10000, 0);
	assert_int_equal(wait_for(r), RUN_EXITED);
	run_free(r);
	r = shell("wc -c", much, 10000, 0);
	assert_int_equal(wait_for(r), RUN_EXITED);
	assert_true(output_has(r, "131071"));
	run_free(r);
}

/* --- J5: what will not be run ---------------------------------------------*/

static struct run *
begin_file(const char *path)
{
	struct strv argv = { NULL, 0 };
	struct run *r;

	strv_add(&argv, path);
	r = begin(&argv, NULL, NULL, 5000, 0);
	strv_free(&argv);
	return r;
}

static void
make(const char *name, mode_t mode, const char *content, char path[4096])
{
	int fd;

	snprintf(path, 4096, "%s/%s", top, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0700);
	assert_true(fd >= 0);
	assert_true(write(fd, content, strlen(content)) ==
	    (ssize_t)strlen(content));
	fchmod(fd, mode);
	close(fd);
}

static void
refuses(const char *path, enum err_code code, const char *words)
{
	assert_null(begin_file(path));
	assert_int_equal(err.code, code);
	if (strstr(err.text, words) == NULL)
		fail_msg("%s", err.text);
	assert_true(err.advice[0] != '\0');
}

/* Where others may write above the build directory, nothing below it can be
 * run at all. */
static void
need_safe_top(void)
{
	char path[4096], found[4096];

	make("fine", 0755, "#!/bin/sh\n", path);
	if (run_check(path, geteuid(), found, &err) == 0)
		return;
	print_message("# %s\n", err.text);
	skip();
}

static void
j5_each_has_its_own_message(void **state)
{
	char path[4096], link[4096];

	(void)state;
	need_safe_top();
	refuses("/nowhere/at/all", ERR_HOOK_MISSING, "does not exist");
	refuses("no-such-program-here", ERR_HOOK_MISSING, "nowhere in");
	refuses("bin/sh", ERR_HOOK_MISSING, "neither absolute");
	refuses("", ERR_HOOK_MISSING, "neither absolute");
	refuses("/usr", ERR_HOOK_MISSING, "directory");
	make("plain", 0644, "#!/bin/sh\n", path);
	refuses(path, ERR_HOOK_MISSING, "not executable");
	make("group", 0770, "#!/bin/sh\n", path);
	refuses(path, ERR_HOOK_INSECURE, "writable by its group");
	make("world", 0777, "#!/bin/sh\n", path);
	refuses(path, ERR_HOOK_INSECURE, "writable by everybody");
	/* A link is followed, and judged by where it leads. */
	snprintf(link, sizeof(link), "%s/link", top);
	assert_int_equal(symlink("world", link), 0);
	refuses(link, ERR_HOOK_INSECURE, "writable by everybody");
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("link", link), 0);
	refuses(link, ERR_HOOK_MISSING, "cannot be looked at");
	/* So is every directory on the way. */
	make("fine", 0755, "#!/bin/sh\nexit 0\n", path);
	chmod(top, 0777);
	refuses(path, ERR_HOOK_INSECURE, "directory");
	chmod(top, 0755);
}

/* A file of secrets that is read as root: a link of somebody else would give
 * him whatever it leads to. */
static void
files_are_nobody_elses(void **state)
{
	char path[4096], dir[4096], link[4096 + 8];

	(void)state;
	need_safe_top();
	make("env", 0600, "A=1\n", path);
	assert_int_equal(run_check_file(path, geteuid(), &err), 0);
	snprintf(dir, sizeof(dir), "%s/others", top);
	snprintf(link, sizeof(link), "%s/env", dir);
	assert_int_equal(mkdir(dir, 0777), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(run_check_file(link, geteuid(), &err), -1);
	assert_int_equal(err.code, ERR_HOOK_INSECURE);
	assert_non_null(strstr(err.text, dir));
	assert_non_null(strstr(err.text, "writable by everybody"));
	chmod(path, 0620);
	assert_int_equal(run_check_file(path, geteuid(), &err), -1);
	assert_non_null(strstr(err.text, "file "));
	chmod(path, 0600);
	assert_int_equal(run_check_file(path, geteuid() + 1, &err),
	    geteuid() == 0 ? 0 : -1);
	assert_int_equal(run_check_file("/nowhere/env", 0, &err), -1);
	assert_string_equal(err.text, "file /nowhere/env does not exist");
	unlink(link);
	rmdir(dir);
	unlink(path);
}

static void
starts_and_fails(const char *path, const char *words)
{
	struct run *r = begin_file(path);

	if (r == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(wait_for(r), RUN_REFUSED);
	if (strstr(run_err(r)->text, words) == NULL)
		fail_msg("%s", run_err(r)->text);
	run_free(r);
}

static void
j5_what_exec_refuses(void **state)
{
	struct run *r;
	char path[4096];

	(void)state;
	need_safe_top();
	make("fine", 0755, "#!/bin/sh\necho fine\n", path);
	r = begin_file(path);
	if (r == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(wait_for(r), RUN_EXITED);
	assert_true(output_has(r, "fine\n"));
	run_free(r);
	make("text", 0755, "just words\n", path);
	starts_and_fails(path, "neither a program nor a script");
	make("interpreter", 0755, "#!/nowhere/python\n", path);
	starts_and_fails(path, "interpreter");
}

static void
users(void **state)
{
	struct strv argv = { NULL, 0 };
	struct run_spec spec = { .argv = &argv, .timeout_ms = 5000,
		.user = "no-such-user" };
	struct run *r;

	(void)state;
	strv_add(&argv, "id");
	assert_null(run_start(&spec, &err));
	assert_int_equal(err.code, ERR_CONFIG_BAD);
	if (geteuid() == 0) {
		spec.user = "nobody";
		r = run_start(&spec, &err);
		assert_non_null(r);
		assert_int_equal(wait_for(r), RUN_EXITED);
		assert_false(output_has(r, "(root)"));
		assert_true(output_has(r, "(nobody)"));
		run_free(r);
	}
	strv_free(&argv);
}

static void
stopping_one(void **state)
{
	int64_t began = now_ms();
	struct run *r = shell("sleep 60", NULL, 60000, 0);

	(void)state;
	poll(NULL, 0, 50);
	run_stop(r);
	assert_int_equal(wait_for(r), RUN_TIMED_OUT);
	assert_true(now_ms() - began < 5000);
	run_free(r);
}

/* Programs are refused below a directory that others may write, such as /tmp:
 * the tests look for a place where they would be run. */
static bool
place_is_safe(const char *place)
{
	char path[4096], found[4096];
	bool safe;

	snprintf(top, sizeof(top), "%s/run-test-XXXXXX", place);
	if (mkdtemp(top) == NULL || chmod(top, 0755) != 0)
		return false;
	make("fine", 0755, "#!/bin/sh\n", path);
	safe = run_check(path, geteuid(), found, &err) == 0;
	if (!safe) {
		unlink(path);
		rmdir(top);
	}
	return safe;
}

static int
setup(void **state)
{
	char here[2048];

	(void)state;
	umask(022);
	if (getcwd(here, sizeof(here)) == NULL)
		return -1;
	if (place_is_safe(here) || place_is_safe("/var/cache") ||
	    place_is_safe("/run"))
		return 0;
	snprintf(top, sizeof(top), "%s/run-test-XXXXXX", here);
	return mkdtemp(top) != NULL && chmod(top, 0755) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "plain", "group", "world", "link",
		"fine", "text", "interpreter" };
	char path[4096];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", top, names[i]);
		unlink(path);
	}
	return rmdir(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_with_its_status),
		cmocka_unit_test(clean_surroundings),
		cmocka_unit_test(j1_hangs_and_ignores_term),
		cmocka_unit_test(j2_leaves_a_child_that_holds_the_output),
		cmocka_unit_test(j3_stragglers_die_with_a_timeout),
		cmocka_unit_test(j4_floods_its_output),
		cmocka_unit_test(unread_input),
		cmocka_unit_test(j5_each_has_its_own_message),
		cmocka_unit_test(files_are_nobody_elses),
		cmocka_unit_test(j5_what_exec_refuses),
		cmocka_unit_test(users), cmocka_unit_test(stopping_one)
	};

	return cmocka_run_group_tests_name("run", tests, setup, teardown);
}
