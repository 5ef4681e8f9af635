/* reload, config check, config show, test. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/cli.h"
#include "daemon/json.h"

/* Errors go to standard error as they are: they begin with file and line. */
static void
print_lines(FILE *to, const json_t *lines)
{
	const json_t *l;
	char *local;
	size_t i;

	assert(to == stdout || to == stderr);
	json_array_foreach(lines, i, l) {
		local = cli_local_times(json_string_value(l));
		fprintf(to, "%s\n", local);
		free(local);
	}
}

static int
reload(bool dry, bool yes)
{
	struct cli_answer a;
	const json_t *lines;
	int r = cli_ask_quietly(&a, "POST", NULL, "/v1/reload?dry=%d&yes=%d",
	    dry, yes);

	if (cli.json && a.body != NULL)
		cli_print_body(&a);
	lines = json_object_get(a.body, "lines");
	if (r != CLI_DONE && json_array_size(lines) > 0)
		print_lines(stderr, lines);
	else if (r != CLI_DONE && a.body != NULL)
		cli_complain_error(json_object_get(a.body, "error"));
	else if (r == CLI_DONE && !cli.json && !cli.quiet) {
		print_lines(stdout, lines);
		if (json_array_size(lines) == 0)
			printf("the configuration is good; nothing changes\n");
	}
	cli_answer_free(&a);
	return r;
}

int
cli_reload(const struct cli_args *args)
{
	return reload(cli_has(args, "--dry-run"), cli_has(args, "--yes"));
}

int
cli_config_check(const struct cli_args *args)
{
	(void)args;
	return reload(true, false);
}

int
cli_config_show(const struct cli_args *args)
{
	struct cli_answer a;
	struct buf b;
	const char *s;
	size_t n;
	int r = cli_ask(&a, "GET", NULL, "/v1/config%s",
	    cli_has(args, "--all") ? "?all=1" : "");

	s = r == CLI_DONE && !cli.json ? json_get(a.body, "text") : "";
	for (; s != NULL && *s != '\0'; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		buf_init(&b, 64 * 1024);
		buf_safe(&b, s, n, 32 * 1024);
		printf("%s\n", b.data == NULL ? "" : b.data);
		buf_free(&b);
	}
	cli_answer_free(&a);
	return r;
}

/* A test that found something wrong is a failure for scripts, too. */
static int
tested(struct cli_answer *a, int r)
{
	assert(r != CLI_DONE || a->body != NULL);
	if (r == CLI_DONE && !cli.json)
		print_lines(stdout, json_object_get(a->body, "lines"));
	if (r == CLI_DONE && !json_get_true(a->body, "good"))
		r = CLI_FAILED;
	cli_answer_free(a);
	return r;
}

int
cli_test_ca(const struct cli_args *args)
{
	char *title = cli_encode(args->words.v[0]);
	struct cli_answer a;
	int r = cli_ask(&a, "POST", NULL, "/v1/cas/%s/test", title);

	free(title);
	return tested(&a, r);
}

int
cli_test_dns(const struct cli_args *args)
{
	char *dns = cli_encode(args->words.v[0]);
	char *name = cli_encode(args->words.v[1]);
	struct cli_answer a;
	int r = cli_ask(&a, "POST", NULL, "/v1/dns/%s/test?name=%s", dns,
	    name);

	free(dns);
	free(name);
	return tested(&a, r);
}

int
cli_test(const struct cli_args *args)
{
	struct cli_answer cert, a;
	char *name;
	int r = cli_find(&cert, args->words.v[0]);

	if (r == CLI_DONE) {
		name = cli_encode(json_get(cert.body, "name"));
		r = cli_ask(&a, "POST", NULL, "/v1/certificates/%s/test",
		    name);
		free(name);
		r = tested(&a, r);
	}
	cli_answer_free(&cert);
	return r;
}
