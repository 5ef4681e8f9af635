/* KEY=value lines for programs. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/env_file.h"

static void
lines_are_taken(void **state)
{
	static const char text[] = "# tokens\n\nA=1\n  export B = x\n"
	    "C_2='it''s'\nD=\"a b\"  \r\nE=\nF=a=b#c";
	static const char *const want[] = { "A=1", "C_2=it''s", "D=a b", "E=",
		"F=a=b#c" };
	struct strv env = { NULL, 0 };
	struct err err;
	size_t i;

	(void)state;
	/* "B " is no name. */
	assert_int_equal(env_file_parse(&env, text, sizeof(text) - 1, &err),
	    -1);
	assert_string_equal(err.text,
	    "line 4: a name is letters, digits and \"_\"");
	strv_free(&env);
	assert_int_equal(env_file_parse(&env, text, 14, &err), 0);
	assert_int_equal(env_file_parse(&env, strstr(text, "C_2"),
	    strlen(strstr(text, "C_2")), &err), 0);
	assert_int_equal(env.n, 5);
	for (i = 0; i < env.n; i++)
		assert_string_equal(env.v[i], want[i]);
	strv_free(&env);
}

static void
others_are_refused(void **state)
{
	static const struct { const char *text, *want; } t[] = {
		{ "A", "line 1: say KEY=value" },
		{ "=1", "line 1: say KEY=value" },
		{ "\n1A=1", "line 2: a name is letters, digits and \"_\"" },
		{ "LD_PRELOAD=x", "line 1: this name cannot be set here" },
		{ "PATH=/x", "line 1: this name cannot be set here" },
		{ "EVERLEAF_VALUE=x", "line 1: this name cannot be set here" },
		{ "A=\"b", "line 1: a quote is left open" },
		{ "A='", "line 1: a quote is left open" }
	};
	struct strv env = { NULL, 0 };
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(env_file_parse(&env, t[i].text,
		    strlen(t[i].text), &err), -1);
		assert_string_equal(err.text, t[i].want);
	}
	assert_int_equal(env_file_parse(&env, "A=\0", 3, &err), -1);
	assert_int_equal(env.n, 0);
}

static void
a_secret_is_nobody_elses(void **state)
{
	struct strv env = { NULL, 0 };
	char path[64];
	struct err err;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "env_file.%ld", (long)getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("TOKEN=t\n", f);
	fclose(f);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(env_file_read(&env, path, &err), -1);
	assert_non_null(strstr(err.text, "readable by others (mode 0644)"));
	assert_string_equal(err.advice, "chmod 600 it.");
	assert_int_equal(chmod(path, 0602), 0);
	assert_int_equal(env_file_read(&env, path, &err), -1);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(env_file_read(&env, path, &err), 0);
	assert_int_equal(env.n, 1);
	assert_string_equal(env.v[0], "TOKEN=t");
	strv_free(&env);
	unlink(path);
	assert_int_equal(env_file_read(&env, path, &err), -1);
	assert_int_equal(env_file_read(&env, "/dev/null", &err), -1);
	assert_non_null(strstr(err.text, "it is no regular file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_taken),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(a_secret_is_nobody_elses)
	};

	return cmocka_run_group_tests_name("env_file", tests, NULL, NULL);
}
