/* The end of a dry run: what would happen, and how a trial issuance at the CA's
 * staging goes. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "daemon/cli.h"
#include "daemon/json.h"

enum { WAIT_S = 10, PATIENCE_S = 600 };

struct dry {
	const char *name, *at;	/* of the certificate, and where it is tried */
	int64_t after;		/* event */
	bool over;
	int r;
};

static void
tell_plan(const struct cli_answer *a)
{
	const json_t *l;
	char *local;
	size_t i;

	json_array_foreach(json_object_get(a->body, "lines"), i, l) {
		local = cli_local_times(json_string_value(l));
		cli_say("%s\n", local);
		free(local);
	}
	if (json_get(a->body, "result") != NULL)
		cli_say("%s would be %s\n", json_get(a->body, "name"),
		    strcmp(json_get(a->body, "result"), "same") == 0 ?
		    "the same as now" : json_get(a->body, "result"));
}

/* --- following a trial ---------------------------------------------------- */

static void
tell_failure(const struct dry *d, const json_t *e)
{
	const char *saw = json_get(e, "text");

	if (saw != NULL && *saw != '\0')
		cli_say("%s  trial: %s\n", d->name, saw);
	cli_complain_error(json_object_get(e, "error"));
	cli_say("The trial issuance at %s did not work. Nothing was changed.\n",
	    d->at);
}

static void
hear(struct dry *d, const json_t *e)
{
	const char *event = json_get(e, "event");
	bool worked = strcmp(event, "trial.done") == 0;

	if (strncmp(event, "trial.", 6) != 0)
		return;
	assert(!d->over);
	d->over = worked || strcmp(event, "trial.failed") == 0;
	d->r = d->over && !worked ? CLI_FAILED : CLI_DONE;
	if (d->over && cli.json) {
		json_dumpf(e, stdout, JSON_COMPACT);
		printf("\n");
	} else if (d->over && !worked)
		tell_failure(d, e);
	else if (!cli.json)
		cli_show_step(e, NULL);
	if (worked && !cli.json)
		cli_say("A trial issuance at %s worked. Nothing was changed.\n",
		    d->at);
}

static void
hear_more(struct dry *d)
{
	char *coded = cli_encode(d->name);
	struct cli_answer a;
	const json_t *e;
	size_t i;

	d->r = cli_ask_quietly(&a, "GET", NULL, "/v1/events?after=%lld&wait=%d"
	    "&name=%s", (long long)d->after, WAIT_S, coded);
	if (d->r == CLI_DONE)
		d->after = json_get_int(a.body, "next");
	else if (a.body != NULL)
		cli_complain_error(json_object_get(a.body, "error"));
	json_array_foreach(json_object_get(a.body, "events"), i, e)
		if (!d->over)
			hear(d, e);
	cli_answer_free(&a);
	free(coded);
}

static int
follow(struct dry *d)
{
	time_t begun = time(NULL);

	assert(d->name != NULL && d->at != NULL);
	while (!d->over && d->r == CLI_DONE && !cli_interrupted &&
	    time(NULL) - begun < PATIENCE_S)
		hear_more(d);
	if (d->over || (d->r != CLI_DONE && !cli_interrupted))
		return d->r;
	cli_say("the trial is still under way; everleaf events %s tells what "
	    "comes of it\n", d->name);
	return CLI_UNDER_WAY;
}

int
cli_dry(const struct cli_answer *a, int64_t after, bool wait)
{
	const json_t *trial = json_object_get(a->body, "trial");
	struct dry d = { .name = json_get(a->body, "name"),
		.at = json_get(trial, "at"), .after = after };
	bool follows = d.at != NULL && wait;

	if (cli.json) {
		if (!follows)
			cli_print_body(a);
		return follows ? follow(&d) : CLI_DONE;
	}
	tell_plan(a);
	if (follows)
		return follow(&d);
	if (d.at != NULL)
		cli_say("A trial issuance at %s is under way; everleaf events "
		    "%s tells what comes of it. ", d.at, d.name);
	else if (json_is_object(trial))
		cli_say("No staging of %s is known: the plan was checked, "
		    "nothing was ordered. ", json_get(trial, "ca"));
	cli_say("Nothing was changed.\n");
	return CLI_DONE;
}
