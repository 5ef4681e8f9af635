/* What the files of the command share: its words (a table), its requests, how
 * it spells times and errors. The command knows the API and nothing else of
 * the daemon. */
#ifndef DAEMON_CLI_H
#define DAEMON_CLI_H
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

/* interface.md section 3.1. */
enum cli_exit { CLI_DONE, CLI_FAILED, CLI_USAGE, CLI_NO_SUCH, CLI_NO_DAEMON,
	CLI_UNDER_WAY };
enum { CLI_OPTIONS_MAX = 12 };

/* --- words ----------------------------------------------------------- */

struct cli_option {
	const char *name;	/* "--service" */
	const char *arg;	/* "S"; NULL: takes none */
	const char *help;
};

struct cli_args {
	const struct cli_command *command;
	struct strv words;		/* names and the like */
	struct strv keys, values;	/* options as given, in order */
};

struct cli_command {
	const char *name;	/* "config check" is two words */
	const char *words;	/* "NAME", for the help */
	const char *help;
	int min, max;		/* how many words; max -1: any */
	const char *missing;	/* said when there are too few; NULL: usage */
	struct cli_option options[CLI_OPTIONS_MAX];
	int (*run)(const struct cli_args *a);
};
extern const struct cli_command cli_commands[];	/* ends with name NULL */

bool cli_has(const struct cli_args *a, const char *option);
/* The last value; NULL if it was not given. */
const char *cli_value(const struct cli_args *a, const char *option);
struct strv cli_values(const struct cli_args *a, const char *option);

/* Global options, and what the daemon's last answer told of the time. */
extern struct cli {
	bool json, quiet;
	bool tty, colour, utf8;	/* of standard output */
	const char *socket;
	int64_t now_ms;
} cli;

/* --- words for people ------------------------------------------------- */

/* "everleaf: TEXT" on standard error, or the error of an API answer. */
void cli_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_complain_error(const json_t *error);
/* Complains and returns CLI_USAGE. */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Standard output, unless --quiet. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

enum { CLI_TIME = 64 };
/* "14:02" today, "2026-11-25 02:10" else. */
const char *cli_when(char out[CLI_TIME], int64_t ms);
/* "4 days", rounded; the distance without its direction. */
const char *cli_distance(char out[CLI_TIME], int64_t ms);
/* "in 4 days", "3 hours ago". */
const char *cli_ago(char out[CLI_TIME], int64_t ms);
/* s with every RFC 3339 time in it in local time; the caller frees it. */
char *cli_local_times(const char *s);
/* "34", or "31h" under two days; from a time. */
const char *cli_days(char out[CLI_TIME], int64_t not_after_ms);
const char *cli_plural(int64_t n);	/* "" or "s" */
/* Items of a list, with a separator; the caller frees it. */
char *cli_join(const json_t *list, const char *separator);
/* Text before and after a word on a terminal that has colours. */
const char *cli_state_colour(const char *state);
const char *cli_plain(void);
/* How many columns s takes. */
size_t cli_width(const char *s);

/* --- requests --------------------------------------------------------- */

struct cli_answer {
	long status;
	json_t *body;		/* NULL: none */
	char *text;		/* as it came */
};

/* Sends a request and reads the answer; body is taken, may be NULL. CLI_DONE
 * for 2xx; else the error has been told and its exit code comes back. With
 * --json the body is printed as it came (see cli_ask_quietly). */
int cli_ask(struct cli_answer *a, const char *method, json_t *body,
    const char *target, ...)
    __attribute__((format(printf, 4, 5)));
/* The same without a word about errors that the API tells, nor --json: for
 * requests that the command makes on its own account. */
int cli_ask_quietly(struct cli_answer *a, const char *method, json_t *body,
    const char *target, ...) __attribute__((format(printf, 4, 5)));
void cli_answer_free(struct cli_answer *a);
/* Prints the body as the API sent it. */
void cli_print_body(const struct cli_answer *a);
/* Bytes for a target: %XX for what needs it; the caller frees it. */
char *cli_encode(const char *s);

/* The certificate of a title, or of a name that only one covers (which is
 * said). Fills a with its full form. */
int cli_find(struct cli_answer *a, const char *name);
/* Its title, which the caller frees; of what no certificate has (any more) the
 * name as it is, and known is false. */
int cli_find_title(char **title, bool *known, const char *name);

extern volatile sig_atomic_t cli_interrupted;	/* Ctrl-C */

/* --- following -------------------------------------------------------- */

struct cli_watch {
	const char *name;	/* of a certificate, or NULL */
	const char *service;	/* until this one is reloaded, or NULL */
	int64_t after;		/* the event from which on */
	int64_t newer_than;	/* a version past this one; -1: any */
};
/* The newest event's id, to follow from. */
int cli_events_mark(int64_t *after);
/* Prints the line of an event, if it is a step of something. */
enum cli_step { CLI_STEP_NONE, CLI_STEP_GOOD, CLI_STEP_BAD };
enum cli_step cli_show_step(const json_t *event, const json_t *cert);
/* Prints a line for each step until the result or 10 minutes. */
int cli_follow(const struct cli_watch *w);
/* Tells what a dry run answered. If that is a trial issuance and wait is set,
 * a line for each of its steps from that event on, until its end or 10
 * minutes. */
int cli_dry(const struct cli_answer *a, int64_t after, bool wait);

int cli_status(const struct cli_args *a);
int cli_list(const struct cli_args *a);
int cli_show(const struct cli_args *a);
int cli_why(const struct cli_args *a);
int cli_events(const struct cli_args *a);
int cli_add(const struct cli_args *a);
int cli_set(const struct cli_args *a);
int cli_remove(const struct cli_args *a);
int cli_renew(const struct cli_args *a);
int cli_deploy(const struct cli_args *a);
int cli_test(const struct cli_args *a);
int cli_test_ca(const struct cli_args *a);
int cli_test_dns(const struct cli_args *a);
int cli_reload(const struct cli_args *a);
int cli_ca_list(const struct cli_args *a);
int cli_ca_show(const struct cli_args *a);
int cli_ca_rollover(const struct cli_args *a);
int cli_ca_deactivate(const struct cli_args *a);
int cli_ca_import(const struct cli_args *a);
int cli_ca_export(const struct cli_args *a);
int cli_revoke(const struct cli_args *a);
int cli_config_check(const struct cli_args *a);
int cli_config_show(const struct cli_args *a);
#endif
