/* everleaf ca: the CAs in use, and our account at one of them. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/cli.h"
#include "daemon/json.h"

enum { LABEL = 12 };

static void
line(const char *label, const char *text)
{
	assert(label != NULL);
	if (text != NULL && *text != '\0')
		printf("  %-*s%s\n", LABEL, label, text);
}

int
cli_ca_list(const struct cli_args *args)
{
	const json_t *list, *ca;
	struct cli_answer a;
	size_t i;
	int r = cli_ask(&a, "GET", NULL, "/v1/cas");

	(void)args;
	if (r != CLI_DONE || cli.json) {
		cli_answer_free(&a);
		return r;
	}
	list = json_object_get(a.body, "cas");
	if (!cli.quiet && json_array_size(list) > 0)
		printf(cli.tty ? "%-20s %-10s %7s  %s\n" :
		    "%s\t%s\t%s\t%s\n", "CA", "STATE", "ORDERS",
		    "ACCOUNT");
	json_array_foreach(list, i, ca) {
		const char *url = json_get(json_object_get(ca, "account"),
		    "url");

		printf(cli.tty ? "%-20s %-10s %7lld  %s\n" :
		    "%s\t%s\t%lld\t%s\n", json_get(ca, "ca"),
		    json_get(ca, "state"),
		    (long long)json_get_int(ca, "orders"),
		    url != NULL ? url : "-");
	}
	if (i == 0)
		cli_say("no CA has been asked for anything yet\n");
	cli_answer_free(&a);
	return CLI_DONE;
}

static void
show_account(const json_t *account)
{
	const char *url = json_get(account, "url");
	char *contacts;
	char text[3000];

	if (!json_is_object(account)) {
		line("account", "none yet; made with the first order");
		return;
	}
	snprintf(text, sizeof(text), "%s (%s key, %s)",
	    url != NULL ? url : "not registered yet",
	    json_get(account, "key_type"),
	    json_get(account, "status") != NULL ?
	    json_get(account, "status") : "unknown");
	line("account", text);
	contacts = cli_join(json_object_get(account, "contacts"), " ");
	line("contacts", contacts);
	free(contacts);
	line("eab", json_get(account, "eab_kid"));
	if (json_get(account, "thumbprint") == NULL)
		return;
	line("thumbprint", json_get(account, "thumbprint"));
	line("", "(for a server that answers http-01 by itself: "
	    "snippets/stateless-*.conf)");
}

static void
show_can(const json_t *can)
{
	static const struct { const char *key, *word; } words[] = {
		{ "wildcards", "wildcards" }, { "addresses", "IP addresses" },
		{ "validity", "chosen lifetimes" },
		{ "ari", "renewal windows" }, { "profiles", "profiles" }
	};
	char text[200] = "";
	size_t i, n = 0;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (json_get_true(can, words[i].key))
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%s", n > 0 ? ", " : "", words[i].word);
	assert(n < sizeof(text));
	line("can", text);
	if (json_get_true(can, "eab_needed"))
		line("needs", "an external account (eab-kid, eab-key-file)");
}

/* Its own words about each of them, and by which name CAA lets it in. */
static void
show_directory(const json_t *ca)
{
	const json_t *words;
	const char *key, *label = "profiles";
	char *caa, text[500];

	json_object_foreach((json_t *)(uintptr_t)json_object_get(ca,
	    "profiles"), key, words) {
		snprintf(text, sizeof(text), "%s%s%s", key,
		    json_is_string(words) ? ": " : "",
		    json_is_string(words) ? json_string_value(words) : "");
		line(label, text);
		label = "";
	}
	caa = cli_join(json_object_get(ca, "caa"), ", ");
	line("CAA", caa);
	free(caa);
	line("website", json_get(ca, "website"));
}

static void
show_state(const json_t *ca)
{
	const json_t *error = json_object_get(ca, "error");
	int64_t retry = json_get_time(ca, "retry_at");
	char when[CLI_TIME], text[1200];

	printf("%s is %s", json_get(ca, "ca"), json_get(ca, "state"));
	if (json_get_time(ca, "since") != 0)
		printf(" since %s", cli_when(when,
		    json_get_time(ca, "since")));
	printf(".\n");
	if (json_is_object(error)) {
		char *local = cli_local_times(json_get(error, "text"));

		printf("%s\n", local);
		free(local);
		if (json_get(error, "advice") != NULL)
			printf("%s\n", json_get(error, "advice"));
	}
	printf("\n");
	line("directory", json_get(ca, "directory"));
	if (retry != 0)
		line("next try", cli_when(when, retry));
	snprintf(text, sizeof(text), "%lld under way, at most %lld",
	    (long long)json_get_int(ca, "orders"),
	    (long long)json_get_int(ca, "max_orders"));
	line("orders", text);
}

/* Whether an order could begin, and how much of its limits is left. */
static void
show_ready(const json_t *ca)
{
	const json_t *why = json_object_get(ca, "not_ready"), *l;
	const char *advice = json_get(why, "advice");
	char text[1200], when[CLI_TIME];
	size_t i;

	snprintf(text, sizeof(text), "%s%s", json_is_object(why) ? "no: " :
	    "yes", json_is_object(why) ? json_get(why, "text") : "");
	line("ready", text);
	line("", advice);
	json_array_foreach(json_object_get(ca, "limits"), i, l) {
		long long full = (long long)json_get_int(l, "at_limit");

		snprintf(text, sizeof(text), "%lld of %lld certificates for "
		    "the same names in %lld days, at most",
		    (long long)json_get_int(l, "most_used"),
		    (long long)json_get_int(l, "allowed"),
		    (long long)json_get_int(l, "days"));
		line("used", text);
		if (full == 0)
			continue;
		snprintf(text, sizeof(text), "%lld set%s of names at the "
		    "limit, the first until %s (renew NAME --force)", full,
		    full == 1 ? "" : "s", cli_when(when, json_get_time(l,
		    "retry_at")));
		line("", text);
	}
}

int
cli_ca_show(const struct cli_args *args)
{
	char *title = cli_encode(args->words.v[0]);
	struct cli_answer a;
	int r = cli_ask(&a, "GET", NULL, "/v1/cas/%s", title);

	free(title);
	if (r == CLI_DONE && !cli.json) {
		show_state(a.body);
		show_ready(a.body);
		show_account(json_object_get(a.body, "account"));
		line("account-key", json_get(a.body, "account_key"));
		show_can(json_object_get(a.body, "can"));
		show_directory(a.body);
		line("terms", json_get(a.body, "terms"));
		line("note", json_get(a.body, "note"));
		line("set in", json_get(a.body, "where"));
	}
	cli_answer_free(&a);
	return r;
}
