/* everleaf status: trouble first, each with the next step; then what comes
 * next, the CAs, the configuration. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/cli.h"
#include "daemon/json.h"

enum { FLEET = 1000, WATCH_S = 2, WARN_PERCENT = 25, CRITICAL_PERCENT = 10,
	BUSY_WARN_MS = 10 * 60 * 1000 };

static const char *const states[] = {
	"served", "valid", "deploying", "unserved", "failing", "new",
	"expired", "dormant", "retired", "paused"
};
enum { STATES = sizeof(states) / sizeof(states[0]) };

static const char *
arrow(void)
{
	return cli.utf8 ? "\xe2\x86\x92" : "->";
}

static int64_t
in_state(const json_t *s, const char *state)
{
	return json_get_int(json_object_get(s, "states"), state);
}

/* --- the first line ------------------------------------------------------- */

/* All well is one short line. */
static void
headline(const json_t *s)
{
	int64_t total = json_get_int(s, "total"), n, shown = 0;
	int64_t people = json_get_int(s, "attention_total");
	char up[CLI_TIME];
	size_t i;

	printf("everleaf %s on %s, up %s: %lld certificate%s",
	    json_get(s, "everleaf"), json_get(s, "host"),
	    cli_distance(up, json_get_time(s, "started_at")),
	    (long long)total, cli_plural(total));
	if (total > 0 && in_state(s, "served") == total) {
		printf(", all served.\n");
		return;
	}
	/* With trouble below, the healthy ones are enough here. */
	for (i = 0; i < (people > 0 ? 2 : STATES); i++) {
		n = in_state(s, states[i]);
		shown += n;
		if (n > 0)
			printf(", %lld %s", (long long)n, states[i]);
	}
	if (people > 0)
		printf(", %lld need%s you", (long long)people,
		    people == 1 ? "s" : "");
	printf(".\n");
}

/* --- trouble -------------------------------------------------------------- */

/* What the world sees meanwhile, as far as anybody has looked. */
static const char *
meanwhile(const char *state, bool served)
{
	static const struct { const char *state, *seen, *unseen; } table[] = {
		{ "unserved", "The old certificate is served, ",
		    "No certificate of ours was seen in use; what is "
		    "installed has " },
		{ "failing", "Still served, ",
		    "What is installed is still valid, " }
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].state, state) == 0)
			return served ? table[i].seen : table[i].unseen;
	return "";
}

/* A clause without its full stop. */
static void
print_clause(const char *s)
{
	size_t n = strlen(s);

	assert(s != NULL);
	printf("%.*s", (int)(n > 0 && s[n - 1] == '.' ? n - 1 : n), s);
}

static void
trouble_line(const json_t *c, int width)
{
	const char *state = json_get(c, "state");
	const char *summary = json_get(c, "summary");
	const json_t *days = json_object_get(c, "days_left");
	int64_t since = json_get_time(c, "since");
	char when[CLI_TIME];

	assert(width >= 0 && width <= 60);
	printf("  %-*s  %s%-8s%s  ", width, json_get(c, "name"),
	    cli_state_colour(state), state, cli_plain());
	print_clause(summary == NULL ? "" : summary);
	if (since != 0)
		printf(" since %s", cli_when(when, since));
	printf(".");
	if (json_is_integer(days))
		printf(" %s%lld day%s left", meanwhile(state,
		    json_get_true(c, "served")),
		    (long long)json_integer_value(days),
		    cli_plural(json_integer_value(days)));
	printf("\n");
}

static void
trouble(const json_t *s)
{
	const json_t *list = json_object_get(s, "attention"), *c;
	int64_t more = json_get_int(s, "attention_total") -
	    (int64_t)json_array_size(list);
	size_t i, width = 0, n;

	if (json_array_size(list) == 0)
		return;
	json_array_foreach(list, i, c) {
		n = strlen(json_get(c, "name"));
		width = n > width ? n : width;
	}
	printf("\n");
	json_array_foreach(list, i, c)
		trouble_line(c, (int)(width < 60 ? width : 60));
	if (more > 0)
		printf("  and %lld more\n", (long long)more);
	printf("  %s everleaf why %s\n", arrow(), json_get(
	    json_array_get(list, 0), "name"));
}

/* "44 x dns-elsewhere, 12 x connection": what ails those that fail. */
static void
causes(const json_t *s)
{
	const json_t *list = json_object_get(s, "causes"), *c;
	size_t i;

	json_array_foreach(list, i, c) {
		if (i == 3)
			break;
		printf("%s%lld %s %s", i > 0 ? ", " : "   ",
		    (long long)json_get_int(c, "count"),
		    cli.utf8 ? "\xc3\x97" : "x", json_get(c, "code"));
	}
}

/* Of the daemon as a whole: nothing is done, or not yet, or something must be
 * seen. */
static void
whole(const json_t *s)
{
	static const struct { const char *key, *since, *words; } keys[] = {
		{ "trouble", "trouble_since",
		    "Nothing is ordered or changed: " },
		{ "busy", "busy_since", "" }, { "notice", "", "" }
	};
	const json_t *e;
	char when[CLI_TIME];
	int64_t since;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		e = json_object_get(s, keys[i].key);
		since = json_get_time(s, keys[i].since);
		if (!json_is_object(e))
			continue;
		printf("\n  %s%s", keys[i].words, json_get(e, "text"));
		if (since != 0)
			printf(" (since %s)", cli_when(when, since));
		printf("\n");
		if (json_get(e, "advice") != NULL)
			printf("  %s %s\n", arrow(), json_get(e, "advice"));
	}
}

/* Many certificates: a line for each state that is not plain sailing. */
static void
fleet(const json_t *s)
{
	int64_t n;
	size_t i;

	printf("\n");
	for (i = 2; i < STATES; i++) {
		n = in_state(s, states[i]);
		if (n == 0)
			continue;
		printf("  %s%-9s%s %7lld", cli_state_colour(states[i]),
		    states[i], cli_plain(), (long long)n);
		if (strcmp(states[i], "failing") == 0)
			causes(s);
		else if (strcmp(states[i], "expired") == 0 ||
		    strcmp(states[i], "unserved") == 0)
			printf("   %s everleaf list --state %s", arrow(),
			    states[i]);
		printf("\n");
	}
}

/* --- what comes next ------------------------------------------------------ */

static void
next_clause(const json_t *n, bool alone)
{
	int64_t at = json_get_time(n, "at");
	char when[CLI_TIME], far[CLI_TIME];

	if (strcmp(json_get(n, "what"), "retry") == 0)
		printf("%s is tried again at %s", json_get(n, "name"),
		    cli_when(when, at));
	else if (alone)
		printf("%s renews %s (%s)", json_get(n, "name"),
		    cli_ago(far, at), cli_when(when, at));
	else
		printf("%s renews %s", json_get(n, "name"), cli_ago(far, at));
}

static void
next(const json_t *s)
{
	const json_t *first = json_object_get(s, "next");
	const json_t *then = json_object_get(s, "next_renewal");
	int64_t soon = json_get_int(s, "renewals_in_a_day");

	if (!json_is_object(first))
		return;
	printf("Next     ");
	if (json_get_int(s, "total") >= FLEET)
		printf("%lld renewal%s in the next 24 h", (long long)soon,
		    cli_plural(soon));
	else if (json_is_object(then) && !json_equal(first, then)) {
		next_clause(first, false);
		printf("; ");
		next_clause(then, false);
	} else
		next_clause(first, true);
	printf("\n");
}

static void
cas(const json_t *s)
{
	const json_t *list = json_object_get(s, "cas"), *c;
	int64_t orders, since;
	char when[CLI_TIME];
	size_t i;

	json_array_foreach(list, i, c) {
		orders = json_get_int(c, "orders");
		since = json_get_time(c, "since");
		printf("%s%s: %s", i == 0 ? "CA       " : "    ",
		    json_get(c, "ca"), json_get(c, "state"));
		if (strcmp(json_get(c, "state"), "down") == 0 && since != 0)
			printf(" since %s", cli_when(when, since));
		if (orders > 0)
			printf(", %lld order%s under way", (long long)orders,
			    cli_plural(orders));
		else
			printf(", nothing waiting");
	}
	if (json_array_size(list) > 0)
		printf("\n");
}

/* Those that are replaced in order to be revoked. */
static void
replacing(const json_t *s)
{
	static const struct { const char *key, *words; } parts[] = {
		{ "replacing", "not replaced yet" },
		{ "ready", "wait for you" }, { "revoking", "under way" },
		{ "failed", "failed" }, { "done", "done" }
	};
	const json_t *r = json_object_get(s, "replacing");
	int64_t sum = 0, n;
	size_t i;

	if (!json_is_object(r))
		return;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		sum += json_get_int(r, parts[i].key);
	printf("Replacing  %lld to be revoked:", (long long)sum);
	for (sum = 0, i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		n = json_get_int(r, parts[i].key);
		if (n > 0)
			printf("%s %lld %s", sum++ > 0 ? "," : "",
			    (long long)n, parts[i].words);
	}
	if (json_get_int(r, "ready") > 0)
		printf(" %s as root: everleaf revoke NAME", arrow());
	printf("\n");
}

/* An account that the CA has closed stops all its certificates. */
static void
blocked_cas(const json_t *s)
{
	const json_t *list = json_object_get(s, "cas"), *c, *error;
	size_t i;

	json_array_foreach(list, i, c) {
		error = json_object_get(c, "error");
		if (strcmp(json_get(c, "state"), "blocked") == 0)
			printf("\n  %s  blocked: %s\n  %s everleaf ca show "
			    "%s\n", json_get(c, "ca"),
			    json_get(error, "text") != NULL ?
			    json_get(error, "text") : "", arrow(),
			    json_get(c, "ca"));
	}
}

static int64_t
blocked_count(const json_t *s)
{
	const json_t *c;
	int64_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(s, "cas"), i, c)
		n += strcmp(json_get(c, "state"), "blocked") == 0;
	return n;
}

static void
config(const json_t *s)
{
	const json_t *list = json_object_get(json_object_get(s, "config"),
	    "problems"), *p;
	int64_t kept;
	size_t i;
	bool one;

	json_array_foreach(list, i, p) {
		kept = json_get_int(p, "kept");
		one = json_get(p, "certificate") != NULL;
		printf(one ? "%s%s: %s" : "%s%s can't be read (%s)", i == 0 ?
		    "Config   " : "         ", json_get(p, "where"),
		    json_get(p, "text"));
		if (kept > 0 && !one)
			printf("; its %lld certificate%s keep%s the last "
			    "settings", (long long)kept, cli_plural(kept),
			    kept == 1 ? "s" : "");
		printf("\n");
	}
}

/* What needs a person stands first, also on a small terminal. */
static void
screen(const json_t *s)
{
	headline(s);
	whole(s);
	if (json_get_int(s, "total") >= FLEET)
		fleet(s);
	else
		trouble(s);
	blocked_cas(s);
	printf("\n");
	replacing(s);
	next(s);
	cas(s);
	config(s);
	if (json_get_int(s, "total") == 0)
		printf("Begin    everleaf add DNSNAME, or a certificate block "
		    "in /etc/everleaf/everleaf.conf\n");
}

/* --- for monitoring ------------------------------------------------------- */

/* What the daemon says of itself as a whole, or NULL. */
static const char *
said(const json_t *s, const char *key)
{
	return json_get(json_object_get(s, key), "text");
}

/* Busy it is after each start; but not for long. */
static bool
is_worried(const json_t *s)
{
	return said(s, "trouble") != NULL || said(s, "notice") != NULL ||
	    (said(s, "busy") != NULL && json_get_time(s, "now") >
	    json_get_time(s, "busy_since") + BUSY_WARN_MS);
}

/* The most important of it. */
static const char *
first_said(const json_t *s)
{
	return said(s, "trouble") != NULL ? said(s, "trouble") :
	    said(s, "notice") != NULL ? said(s, "notice") : said(s, "busy");
}

enum { OK, WARNING, CRITICAL, UNKNOWN };	/* of monitoring plugins */

static int
verdict(const json_t *s)
{
	const json_t *percent = json_object_get(json_object_get(s, "least"),
	    "percent_left");

	assert(s != NULL);
	if (in_state(s, "expired") > 0 || (json_is_integer(percent) &&
	    json_integer_value(percent) < CRITICAL_PERCENT))
		return CRITICAL;
	if (json_get_int(s, "attention_total") > 0 || blocked_count(s) > 0 ||
	    is_worried(s) ||
	    (json_is_integer(percent) &&
	    json_integer_value(percent) < WARN_PERCENT) ||
	    json_array_size(json_object_get(json_object_get(s, "config"),
	    "problems")) > 0)
		return WARNING;
	return OK;
}

static void
check_line(const json_t *s, int r)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	const json_t *least = json_object_get(s, "least");
	int64_t expired = in_state(s, "expired");
	int64_t people = json_get_int(s, "attention_total");

	assert(r >= OK && r <= CRITICAL);
	printf("%s: %lld served", words[r],
	    (long long)in_state(s, "served"));
	if (expired > 0)
		printf(", %lld expired", (long long)expired);
	if (people > 0)
		printf(", %lld need%s a person: %s", (long long)people,
		    people == 1 ? "s" : "", json_get(json_array_get(
		    json_object_get(s, "attention"), 0), "name"));
	if (first_said(s) != NULL)
		printf(", %s", first_said(s));
	if (json_is_object(least))
		printf(" | days_min=%lld",
		    (long long)json_get_int(least, "days_left"));
	printf("\n");
}

/* One line, unless a program reads the whole answer; the code in any case. */
static int
check(const struct cli_answer *a, int asked)
{
	int r = asked == CLI_DONE ? verdict(a->body) : UNKNOWN;

	assert(asked != CLI_DONE || a->body != NULL);
	if (cli.json)
		return r;
	if (r == UNKNOWN)
		printf("UNKNOWN: the daemon did not say how it is\n");
	else
		check_line(a->body, r);
	return r;
}

static int
security(const json_t *s)
{
	char *lines = cli_join(json_object_get(s, "security"), "\n");

	printf("%s%s", lines, *lines != '\0' ? "\n" : "");
	free(lines);
	return CLI_DONE;
}

static int
watch(void)
{
	struct cli_answer a;
	int r;

	if (!cli.tty)
		return cli_usage("--watch needs a terminal");
	while (!cli_interrupted) {
		r = cli_ask(&a, "GET", NULL, "/v1/status");
		if (r != CLI_DONE) {
			cli_answer_free(&a);
			return r;
		}
		printf("\033[H\033[2J");
		screen(a.body);
		fflush(stdout);
		cli_answer_free(&a);
		sleep(WATCH_S);
	}
	return CLI_DONE;
}

int
cli_status(const struct cli_args *args)
{
	bool checked = cli_has(args, "--check");
	bool secure = cli_has(args, "--security");
	struct cli_answer a;
	int r;

	if (cli_has(args, "--watch"))
		return watch();
	r = cli_ask(&a, "GET", NULL, "/v1/status%s",
	    secure ? "?security=1" : "");
	if (checked)
		r = check(&a, r);
	else if (r == CLI_DONE && !cli.json && secure)
		r = security(a.body);
	else if (r == CLI_DONE && !cli.json)
		screen(a.body);
	cli_answer_free(&a);
	return r;
}
