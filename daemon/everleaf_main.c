/* everleaf, the command: the table of its commands, options, help. What they
 * do is in the cli_*.c files. */
#include <config.h>
#include <assert.h>
#include <curl/curl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/cli.h"
#include "daemon/json.h"

struct cli cli;
volatile sig_atomic_t cli_interrupted;

#define NO_WAIT { "--no-wait", NULL, "return at once" }
#define DRY { "--dry-run", NULL, "say what would happen; change nothing" }
#define TRIAL { "--dry-run", NULL, "order at the CA's staging, throw it " \
	"away; change nothing" }
#define SERVICE { "--service", "S", "a service that uses it; may be repeated" }

const struct cli_command cli_commands[] = {
	{ "status", "", "one screen: what needs a person, what comes next",
	  0, 0, NULL, {
		{ "--watch", NULL, "again every two seconds" },
		{ "--check", NULL, "one line and exit code for monitoring" },
		{ "--security", NULL, "how the daemon has confined itself" }
	  }, cli_status },
	{ "list", "[PATTERN]", "one line for each certificate", 0, 1, NULL, {
		{ "--state", "S", "only in this state" },
		{ "--expiring", "7d", "only with no more time left" },
		{ "--label", "K=V", "only with this label" },
		{ "--service", "S", "only used by this service" },
		{ "--ca", "C", "only wished from this CA" },
		{ "--columns", "A,B", "name state days next services ca names "
		    "expires version labels" },
		{ "--names", NULL, "with all names" }
	  }, cli_list },
	{ "show", "NAME", "everything about one", 1, 1, NULL, { { 0 } },
	  cli_show },
	{ "why", "NAME", "what is wrong, who saw what, what to do next", 1, 1,
	  NULL, { { 0 } }, cli_why },
	{ "events", "[NAME]", "history, newest last", 0, 1, NULL, {
		{ "--since", "1d", "from then on" },
		{ "--follow", NULL, "go on as more happens" }
	  }, cli_events },
	{ "add", "DNSNAME...", "wish for a certificate", 1, -1, NULL, {
		{ "--name", "TITLE", "its title, unless the first name is" },
		SERVICE,
		{ "--policy", "P", "the policy that it follows" },
		{ "--ca", "C", "the CA" },
		{ "--webroot", "D", "http-01 by files below this directory, "
		    "which the configuration names; may be repeated" },
		{ "--dns", "D", "dns-01 by this dns block" },
		TRIAL, NO_WAIT
	  }, cli_add },
	{ "set", "NAME", "change one that was made by add", 1, 1, NULL, {
		{ "--add-name", "X", "cover this name too" },
		{ "--drop-name", "X", "no longer cover this name" },
		{ "--service", "S", "the services that use it, all of them; "
		    "may be repeated" },
		TRIAL, NO_WAIT
	  }, cli_set },
	{ "remove", "NAME", "no more renewals; files stay until 30 days after "
	  "expiry", 1, 1, NULL, {
		{ "--purge", NULL, "remove the files and keys now" },
		DRY
	  }, cli_remove },
	{ "renew", "NAME", "order now", 1, 1, "renew what?", {
		{ "--new-key", NULL, "with a new private key, whatever "
		    "key-policy says" },
		{ "--force", NULL, "even if it takes the last order that "
		    "the CA allows for these names in a week" },
		TRIAL, NO_WAIT
	  }, cli_renew },
	{ "deploy", "NAME", "install, check, reload, prove again; never talks "
	  "to a CA", 0, 1, NULL, {
		{ "--service", "S", "with all that this service uses" },
		DRY, NO_WAIT
	  }, cli_deploy },
	{ "revoke", "[NAME]", "replace, prove the new one, then take the old "
	  "one back; as root", 0, 1, NULL, {
		{ "--reason", "R", "unspecified key-compromise "
		    "affiliation-changed superseded cessation-of-operation" },
		{ "--at-once", NULL, "revoke first, then replace" },
		{ "--all", NULL, "every certificate" },
		{ "--label", "K=V", "those with this label" },
		{ "--ca", "C", "those of this CA" },
		{ "--service", "S", "those that this service uses" },
		{ "--state", "S", "those in this state" },
		{ "--yes", NULL, "many, or what has no files any more, "
		    "without being asked" },
		DRY, NO_WAIT
	  }, cli_revoke },
	{ "reload", "", "read the configuration; say what changes", 0, 0,
	  NULL, {
		{ "--yes", NULL, "even if many certificates vanish" },
		DRY
	  }, cli_reload },
	{ "ca show", "C", "one CA: account, thumbprint, what it can", 1, 1,
	  NULL, { { 0 } }, cli_ca_show },
	{ "ca rollover", "C", "another key for our account there; as root",
	  1, 1, NULL, { DRY }, cli_ca_rollover },
	{ "ca deactivate", "C", "give our account there up, for ever; as root",
	  1, 1, NULL, {
		{ "--yes", NULL, "without being asked for its name" },
		DRY
	  }, cli_ca_deactivate },
	{ "ca import", "C FILE", "the account whose key is in this file; as "
	  "root", 2, 2, NULL, { DRY }, cli_ca_import },
	{ "ca export", "C", "print the private key of our account there; as "
	  "root", 1, 1, NULL, {
		{ "--yes", NULL, "without being asked for its name" },
		DRY
	  }, cli_ca_export },
	{ "ca list", "", "the CAs in use and our accounts there", 0, 0, NULL,
	  { { 0 } }, cli_ca_list },
	{ "ca", "", "the same", 0, 0, NULL, { { 0 } }, cli_ca_list },
	{ "config check", "", "the same without doing it", 0, 0, NULL,
	  { { 0 } }, cli_config_check },
	{ "config show", "", "the configuration with all defaults", 0, 0,
	  NULL, {
		{ "--all", NULL, "with the numbers that are not keys" }
	  }, cli_config_show },
	{ "test ca", "C", "ask a CA: its directory, our account, what stops "
	  "an order", 1, 1, NULL, { { 0 } }, cli_test_ca },
	{ "test dns", "D NAME", "add, see and remove a TXT record", 2, 2, NULL,
	  { { 0 } }, cli_test_dns },
	{ "test", "NAME", "try from DNS to port 80; no order", 1, 1, NULL,
	  { { 0 } }, cli_test },
	{ NULL, NULL, NULL, 0, 0, NULL, { { 0 } }, NULL }
};

static const struct cli_option globals[] = {
	{ "--json", NULL, "print the daemon's answer as it is" },
	{ "--quiet", NULL, "errors only; tables without a header line" },
	{ "--socket", "PATH", "the daemon's socket" },
	{ "--help", NULL, "this" },
	{ "--version", NULL, "the program's version" },
	{ NULL, NULL, NULL }
};

/* What people type who come from elsewhere, or from the future. */
static const struct { const char *word, *right; } wrong_words[] = {
	{ "certonly", "everleaf add DNSNAME..." },
	{ "run", "everleaf add DNSNAME... --service S" },
	{ "issue", "everleaf add DNSNAME..." },
	{ "obtain", "everleaf add DNSNAME..." },
	{ "certificates", "everleaf list" },
	{ "ls", "everleaf list" },
	{ "delete", "everleaf remove NAME" },
	{ "install", "everleaf deploy NAME" },
	{ "enable", "everleaf deploy NAME" },
	{ "rotate", "everleaf renew NAME --new-key" },
	{ "dry-run", "everleaf test NAME, or --dry-run after a command" },
	{ "check", "everleaf status --check, or everleaf config check" },
	{ "show_account", "everleaf ca show C" },
	{ "account", "everleaf ca" },
	{ "register", "nothing: the daemon registers by itself" },
	{ "hook", "everleaf deploy NAME, which runs check and reload; or "
	    "everleaf test dns D NAME" },
	{ "server", "everleaf test NAME" },
	{ "unpause", "nothing is paused in this release" }
};
static const char *const later_words[] = {
	"rollback", "probe", "pause", "resume", "plan", "doctor",
	"scan", "init", "import", "apply", "backup", "restore",
	"support-bundle"
};

/* --- options -------------------------------------------------------------- */

bool
cli_has(const struct cli_args *a, const char *option)
{
	return strv_has(&a->keys, option);
}

/* Given more than once, the last counts. */
const char *
cli_value(const struct cli_args *a, const char *option)
{
	const char *value = NULL;
	size_t i;

	assert(a->keys.n == a->values.n);
	for (i = 0; i < a->keys.n; i++)
		if (strcmp(a->keys.v[i], option) == 0)
			value = a->values.v[i];
	return value;
}

struct strv
cli_values(const struct cli_args *a, const char *option)
{
	struct strv list = { NULL, 0 };
	size_t i;

	assert(a->keys.n == a->values.n);
	for (i = 0; i < a->keys.n; i++)
		if (strcmp(a->keys.v[i], option) == 0)
			strv_add(&list, a->values.v[i]);
	return list;
}

/* Options of the command first come from the table of all: --json means the
 * same everywhere. */
static const struct cli_option *
find_option(const struct cli_command *c, const char *name, size_t n)
{
	const struct cli_option *o;

	assert(n <= strlen(name));
	for (o = globals; o->name != NULL; o++)
		if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
			return o;
	for (o = c == NULL ? NULL : c->options; o != NULL &&
	    o < c->options + CLI_OPTIONS_MAX && o->name != NULL; o++)
		if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
			return o;
	return NULL;
}

/* Spelled nearly right it is named; else the help is. */
static int
unknown_option(const struct cli_command *c, const char *s)
{
	const struct cli_option *o, *best = NULL;
	int d, least = 4;

	for (o = c == NULL ? globals : c->options; (c == NULL ||
	    o < c->options + CLI_OPTIONS_MAX) && o->name != NULL; o++)
		if ((d = text_distance(o->name, s)) < least) {
			least = d;
			best = o;
		}
	if (best != NULL)
		return cli_usage("no option \"%s\" here. You want \"%s\".", s,
		    best->name);
	return cli_usage("no option \"%s\" here. See: everleaf%s%s --help", s,
	    c == NULL ? "" : " ", c == NULL ? "" : c->name);
}

/* One option at argv[*i], with its value there or behind. */
static int
take_option(struct cli_args *a, int argc, char *argv[], int *i)
{
	const char *s = strcmp(argv[*i], "-h") == 0 ? "--help" : argv[*i];
	size_t n = strcspn(s, "=");
	const struct cli_option *o = find_option(a->command, s, n);

	assert(*i < argc && argv[*i][0] == '-');
	if (o == NULL)
		return unknown_option(a->command, s);
	if (o->arg == NULL && s[n] == '=')
		return cli_usage("%s takes no value", o->name);
	if (o->arg != NULL && s[n] == '\0' && *i + 1 == argc)
		return cli_usage("%s needs a value: %s %s", o->name, o->name,
		    o->arg);
	strv_add(&a->keys, o->name);
	strv_add(&a->values, o->arg == NULL ? "" : s[n] == '=' ? s + n + 1 :
	    argv[++*i]);
	assert(a->keys.n == a->values.n);
	return CLI_DONE;
}

/* --- commands ------------------------------------------------------------- */

static int
unknown_command(const char *word)
{
	const struct cli_command *c;
	const char *best = NULL;
	int d, least = 3;
	size_t i;

	for (i = 0; i < sizeof(wrong_words) / sizeof(wrong_words[0]); i++)
		if (strcmp(wrong_words[i].word, word) == 0)
			return cli_usage("no command \"%s\". You want: %s",
			    word, wrong_words[i].right);
	for (i = 0; i < sizeof(later_words) / sizeof(later_words[0]); i++)
		if (strcmp(later_words[i], word) == 0)
			return cli_usage("no command \"%s\" in this release. "
			    "See: everleaf --help", word);
	for (c = cli_commands; c->name != NULL; c++)
		if ((d = text_distance(c->name, word)) < least) {
			least = d;
			best = c->name;
		}
	if (best != NULL)
		return cli_usage("no command \"%s\". You want: everleaf %s",
		    word, best);
	return cli_usage("no command \"%s\". See: everleaf --help", word);
}

/* The command that argv[*i] names, perhaps with the word behind it. */
static const struct cli_command *
find_command(int argc, char *argv[], int *i)
{
	const struct cli_command *c;
	size_t n = strlen(argv[*i]);

	assert(*i < argc);
	for (c = cli_commands; c->name != NULL; c++) {
		if (strcmp(c->name, argv[*i]) == 0)
			return c;
		if (strncmp(c->name, argv[*i], n) == 0 && c->name[n] == ' ' &&
		    *i + 1 < argc && strcmp(c->name + n + 1, argv[*i + 1]) ==
		    0) {
			++*i;
			return c;
		}
	}
	return NULL;
}

static int
parse(struct cli_args *a, int argc, char *argv[])
{
	bool words_only = false;
	int i, r;

	for (i = 1; i < argc; i++) {
		if (!words_only && strcmp(argv[i], "--") == 0)
			words_only = true;
		else if (!words_only && argv[i][0] == '-' &&
		    argv[i][1] != '\0') {
			r = take_option(a, argc, argv, &i);
			if (r != CLI_DONE)
				return r;
		} else if (a->command == NULL) {
			a->command = find_command(argc, argv, &i);
			if (a->command == NULL && strcmp(argv[i], "config") ==
			    0)
				return cli_usage("config what? everleaf config "
				    "check, or everleaf config show");
			if (a->command == NULL)
				return unknown_command(argv[i]);
		} else
			strv_add(&a->words, argv[i]);
	}
	return CLI_DONE;
}

/* Too few is a question of its own in some commands, which then answer it. */
static int
check_words(const struct cli_args *a)
{
	const struct cli_command *c = a->command;

	assert(c != NULL && (c->max < 0 || c->min <= c->max));
	if ((int)a->words.n < c->min && c->missing == NULL)
		return cli_usage("%s what? everleaf %s %s", c->name, c->name,
		    c->words);
	if (c->max >= 0 && (int)a->words.n > c->max)
		return cli_usage("\"%s\": one too many. everleaf %s%s%s",
		    a->words.v[c->max], c->name, *c->words != '\0' ? " " : "",
		    c->words);
	return CLI_DONE;
}

/* --- help ----------------------------------------------------------------- */

static void
help_option(const struct cli_option *o)
{
	char both[64];

	assert(o->name != NULL && o->help != NULL);
	snprintf(both, sizeof(both), "%s%s%s", o->name, o->arg != NULL ? " " :
	    "", o->arg != NULL ? o->arg : "");
	printf("  %-20s %s\n", both, o->help);
}

static void
help(const struct cli_command *one)
{
	const struct cli_command *c;
	const struct cli_option *o;
	char both[64];

	if (one != NULL) {
		printf("everleaf %s%s%s [OPTION...]\n%s\n\n", one->name,
		    *one->words != '\0' ? " " : "", one->words, one->help);
		for (o = one->options; o < one->options + CLI_OPTIONS_MAX &&
		    o->name != NULL; o++)
			help_option(o);
	} else {
		printf("everleaf [--json] [--quiet] [--socket PATH] COMMAND "
		    "...\n\n");
		for (c = cli_commands; c->name != NULL; c++) {
			snprintf(both, sizeof(both), "%s %s", c->name,
			    c->words);
			printf("  %-20s %s\n", both, c->help);
		}
		printf("\n");
	}
	for (o = globals; o->name != NULL; o++)
		help_option(o);
	if (one == NULL)
		printf("\neverleaf COMMAND --help, and man everleaf, say "
		    "more.\n");
}

/* The tables as text, for the test that compares the manual with them. */
static void
print_tables(void)
{
	const struct cli_command *c;
	const struct cli_option *o;
	int i;

	for (o = globals; o->name != NULL; o++)
		printf("option - %s\n", o->name);
	for (c = cli_commands; c->name != NULL; c++) {
		printf("command %s\n", c->name);
		for (o = c->options; o < c->options + CLI_OPTIONS_MAX &&
		    o->name != NULL; o++)
			printf("option %s %s\n", c->name, o->name);
	}
	for (i = 1; i < ERR_CODE_COUNT; i++)
		printf("code %s\n", err_code_name((enum err_code)i));
}

/* --- main ----------------------------------------------------------------- */

static void
on_interrupt(int sig)
{
	(void)sig;
	cli_interrupted = 1;
}

static void
set_up(const struct cli_args *a)
{
	struct sigaction sa = { .sa_handler = on_interrupt };
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");

	setlocale(LC_CTYPE, "");
	tzset();
	sigaction(SIGINT, &sa, NULL);
	json_use_our_memory();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	cli.json = cli_has(a, "--json");
	cli.quiet = cli_has(a, "--quiet");
	cli.socket = cli_value(a, "--socket");
	if (cli.socket == NULL)
		cli.socket = EVERLEAF_RUN "/everleaf.sock";
	cli.tty = isatty(STDOUT_FILENO);
	cli.colour = cli.tty && (no_colour == NULL || *no_colour == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
	cli.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	cli.now_ms = (int64_t)time(NULL) * 1000;
}

static int
run(struct cli_args *a, int argc, char *argv[])
{
	int r;

	if (argc == 2 && strcmp(argv[1], "__options") == 0) {
		print_tables();
		return CLI_DONE;
	}
	r = parse(a, argc, argv);
	if (r != CLI_DONE)
		return r;
	if (cli_has(a, "--version")) {
		printf("everleaf " PACKAGE_VERSION "\n");
		return CLI_DONE;
	}
	if (cli_has(a, "--help")) {
		help(a->command);
		return CLI_DONE;
	}
	if (a->command == NULL)
		a->command = &cli_commands[0];
	r = check_words(a);
	if (r != CLI_DONE)
		return r;
	set_up(a);
	return a->command->run(a);
}

int
main(int argc, char *argv[])
{
	struct cli_args a = { .command = NULL };
	int r = run(&a, argc, argv);

	strv_free(&a.words);
	strv_free(&a.keys);
	strv_free(&a.values);
	curl_global_cleanup();
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "everleaf: the output can't be written\n");
		return r == CLI_DONE ? CLI_FAILED : r;
	}
	return r;
}
