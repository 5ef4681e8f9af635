/* everleaf events; and following what a change sets going, a line a step. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/text.h"
#include "daemon/cli.h"
#include "daemon/conf.h"
#include "daemon/json.h"

enum { WAIT_S = 10, PATIENCE_S = 600, SETTLED_S = 3, LIMIT = 1000 };

/* --- what an event is to people ------------------------------------------- */

enum ending { GOES_ON, ENDS_BADLY };

/* Events that are shown while a change is followed, and how they read. "%t"
 * is its text, "%s" its service, "%v" its version, "%u" until when the newest
 * version is good, "%d" the folder of the files, "%c" how names are proved,
 * "%e" what went wrong. */
static const struct step {
	const char *event;
	const char *words;
	enum ending ending;
} steps[] = {
	{ "order.started", "ordering from %t by %c", GOES_ON },
	{ "order.resumed", "going on with the order at %t", GOES_ON },
	{ "order.waiting", "waits: %e", GOES_ON },
	{ "order.failed", "%e", ENDS_BADLY },
	{ "order.unneeded", "no order is needed: %t", GOES_ON },
	{ "version.issued", "issued: version %v, until %u", GOES_ON },
	{ "version.put-back", "%t", GOES_ON },
	{ "service.reloaded", "%s: %t", GOES_ON },
	{ "service.checked", "%s: %t", GOES_ON },
	{ "service.later", "%s: %t", GOES_ON },
	{ "service.refused", "%s: %e", ENDS_BADLY },
	{ "service.failed", "%s: %e", ENDS_BADLY },
	{ "endpoint.served", "%t", GOES_ON },
	{ "endpoint.older", "%s: %e", ENDS_BADLY },
	{ "endpoint.other", "%s: %e", ENDS_BADLY },
	{ "endpoint.unreachable", "%s: %e", ENDS_BADLY },
	{ "names.dropped", "%t", GOES_ON },
	{ "revoke.asked", "version %v is to be revoked %t", GOES_ON },
	{ "revoke.ready", "version %v: %t", GOES_ON },
	{ "revoke.failed", "version %v is not revoked: %e", ENDS_BADLY },
	{ "revoked", "version %v is revoked%b", GOES_ON },
	{ "ca.account-dead", "%e", ENDS_BADLY },
	{ "trial.started", "trial: ordering from %t", GOES_ON },
	{ "trial.account", "trial: we have an account at %t now, which stays",
	  GOES_ON },
	{ "trial.done", "trial: %t", GOES_ON },
	{ "trial.failed", "trial: %e", GOES_ON }
};

static const struct step *
step_of(const json_t *e)
{
	static const struct step placeholder = { "version.installed",
		"placeholder in %d", GOES_ON };
	const char *event = json_get(e, "event");
	size_t i;

	/* The placeholder is version 0, which the API tells as null. */
	if (strcmp(event, placeholder.event) == 0)
		return json_get_int(e, "version") == 0 ? &placeholder : NULL;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(steps[i].event, event) == 0)
			return &steps[i];
	return NULL;
}

static void
put_word(struct buf *b, char what, const json_t *e, const json_t *cert)
{
	const json_t *error = json_object_get(e, "error");
	const char *s = NULL, *text = json_get(e, "text");
	char until[TEXT_TIME] = "";
	char *by;

	switch (what) {
	case 't': s = text; break;
	case 's': s = json_get(e, "service"); break;
	case 'e': s = json_is_object(error) ? json_get(error, "text") : text;
		break;
	case 'b': buf_printf(b, "%s%s", text == NULL ? "" : ", ", text == NULL ?
		"" : text); return;
	case 'd': s = json_get(json_object_get(cert, "paths"), "dir"); break;
	case 'v': buf_printf(b, "%lld", (long long)json_get_int(e,
		"version")); return;
	case 'u': text_local(until, json_get_time(json_object_get(cert,
		"newest"), "not_after")); until[10] = '\0'; s = until; break;
	case 'c': by = cli_join(json_object_get(json_object_get(cert,
		"wanted"), "challenge"), ", ");
		buf_puts(b, *by == '\0' ? "http-01" : by); free(by); return;
	default: break;
	}
	buf_puts(b, s == NULL ? "-" : s);
}

/* A service that is not named leaves no colon behind. */
static void
print_step(const struct step *t, const json_t *e, const json_t *cert)
{
	struct buf b;
	const char *p;
	char *local;

	assert(t->words[0] != '\0');
	buf_init(&b, 16 * 1024);
	for (p = t->words; *p != '\0'; p++)
		if (strncmp(p, "%s: ", 4) == 0 && json_get(e, "service") ==
		    NULL)
			p += 3;
		else if (*p == '%')
			put_word(&b, *++p, e, cert);
		else
			buf_putc(&b, *p);
	local = cli_local_times(b.data == NULL ? "" : b.data);
	cli_say("%s  %s\n", json_get(e, "name") == NULL ? "-" :
	    json_get(e, "name"), local);
	fflush(stdout);
	free(local);
	buf_free(&b);
}

enum cli_step
cli_show_step(const json_t *event, const json_t *cert)
{
	const struct step *t = step_of(event);

	if (t == NULL)
		return CLI_STEP_NONE;
	print_step(t, event, cert);
	return t->ending == ENDS_BADLY && json_is_object(json_object_get(event,
	    "error")) ? CLI_STEP_BAD : CLI_STEP_GOOD;
}

/* --- everleaf events ------------------------------------------------------ */

static void
print_event(const json_t *e)
{
	const json_t *error = json_object_get(e, "error");
	const char *name = json_get(e, "name"), *text = json_get(e, "text");
	const char *service = json_get(e, "service");
	char at[TEXT_TIME];
	const char *gap = cli.tty ? "  " : "\t";

	text_local(at, json_get_time(e, "at"));
	printf("%s%s%s%s%s%s", at, gap, name == NULL ? "-" : name, gap,
	    json_get(e, "event"), gap);
	if (service != NULL)
		printf("%s: ", service);
	if (json_get_int(e, "version") != 0)
		printf("version %lld%s", (long long)json_get_int(e, "version"),
		    text != NULL || json_is_object(error) ? " " : "");
	if (text != NULL)
		printf("%s%s", text, json_is_object(error) ? ": " : "");
	if (json_is_object(error))
		printf("%s", json_get(error, "text"));
	printf("\n");
}

static void
print_events(const struct cli_answer *a)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(a->body, "events"), i, e)
		if (!cli.json)
			print_event(e);
	fflush(stdout);
}

/* "&name=..." for a title. */
static char *
name_param(const char *name)
{
	char *coded = cli_encode(name);
	struct buf b;

	assert(name != NULL);
	buf_init(&b, 2048);
	buf_printf(&b, "&name=%s", coded);
	free(coded);
	return buf_take(&b);
}

static int
since_param(char out[64], const struct cli_args *args)
{
	const char *s = cli_value(args, "--since");
	char at[TEXT_TIME];
	int64_t ms;

	out[0] = '\0';
	if (s == NULL)
		return CLI_DONE;
	if (text_duration(&ms, s))
		ms = (int64_t)time(NULL) * 1000 - ms;
	else if (!text_unrfc3339(&ms, s))
		return cli_usage("--since %s: say the unit: 30m, 12h or 7d; or "
		    "a time as 2026-11-21T12:00:00Z", s);
	text_rfc3339(at, ms);
	snprintf(out, 64, "&since=%s", at);
	return CLI_DONE;
}

/* What was asked for, by title or DNS name: a name whose certificate is gone
 * still has a history. NULL: everything. */
static int
whose(char **param, bool *known, const char *said)
{
	char *title;
	int r;

	*param = NULL;
	*known = true;
	if (said == NULL) {
		*param = xstrdup("");
		return CLI_DONE;
	}
	r = cli_find_title(&title, known, said);
	if (r == CLI_DONE)
		*param = name_param(title);
	free(title);
	return r;
}

/* A name that nothing has ever had is a slip of the pen. */
static int
say_unknown(const char *said, const struct cli_answer *first, bool follow)
{
	bool none = json_array_size(json_object_get(first->body, "events")) ==
	    0;

	if (none && !follow) {
		cli_complain("no certificate \"%s\", and no event of that "
		    "name. everleaf list shows all.", said);
		return CLI_NO_SUCH;
	}
	if (!cli.quiet)
		fprintf(stderr, "there is no certificate \"%s\" now; these "
		    "are the events of that name\n", said);
	return CLI_DONE;
}

int
cli_events(const struct cli_args *args)
{
	const char *said = args->words.n > 0 ? args->words.v[0] : NULL;
	bool follow = cli_has(args, "--follow"), known;
	struct cli_answer a;
	char since[64], *name;
	int64_t next;
	int r = since_param(since, args);

	if (r == CLI_DONE)
		r = whose(&name, &known, said);
	if (r != CLI_DONE)
		return r;
	r = cli_ask(&a, "GET", NULL, "/v1/events?limit=%d%s%s",
	    *since != '\0' ? LIMIT : 100, since, name);
	if (r == CLI_DONE && !known)
		r = say_unknown(said, &a, follow);
	while (r == CLI_DONE) {
		print_events(&a);
		next = json_get_int(a.body, "next");
		if (!follow && (*since == '\0' || json_array_size(
		    json_object_get(a.body, "events")) < LIMIT))
			break;
		cli_answer_free(&a);
		r = cli_ask(&a, "GET", NULL, "/v1/events?limit=%d&after=%lld"
		    "&wait=%d%s", LIMIT, (long long)next, follow ? WAIT_S : 0,
		    name);
	}
	cli_answer_free(&a);
	free(name);
	return cli_interrupted ? CLI_DONE : r;
}

/* --- following a change --------------------------------------------------- */

/* From here on is new: asked before the change is, so that nothing of it is
 * missed. */
int
cli_events_mark(int64_t *after)
{
	struct cli_answer a;
	int r = cli_ask_quietly(&a, "GET", NULL, "/v1/events?limit=1");

	assert(after != NULL);
	*after = json_get_int(a.body, "next");
	if (r != CLI_DONE && a.body != NULL)
		cli_complain_error(json_object_get(a.body, "error"));
	cli_answer_free(&a);
	return r;
}

struct follow {
	const struct cli_watch *w;
	int64_t after;
	time_t begun;
	bool seen;		/* a step has been shown */
	bool bad, reloaded, unneeded;
	const json_t *error;	/* in the events at hand */
};

static bool
concerns(const struct cli_watch *w, const json_t *e)
{
	const char *service = json_get(e, "service");

	return w->service == NULL || (service != NULL &&
	    strcmp(service, w->service) == 0);
}

static void
show_steps(struct follow *f, const json_t *events, const json_t *cert)
{
	const struct step *t;
	const json_t *e;
	size_t i;

	assert(f->w != NULL);
	json_array_foreach(events, i, e) {
		t = step_of(e);
		if (t == NULL || !concerns(f->w, e))
			continue;
		print_step(t, e, cert);
		f->seen = true;
		if (strcmp(t->event, "service.reloaded") == 0 ||
		    strcmp(t->event, "service.checked") == 0)
			f->reloaded = true;
		if (strcmp(t->event, "order.unneeded") == 0)
			f->unneeded = true;
		if (t->ending == ENDS_BADLY && json_is_object(json_object_get(e,
		    "error")))
			f->bad = true;
	}
}

/* Whether it is where it should be. */
static bool
arrived(const struct follow *f, const json_t *cert)
{
	const char *state = json_get(cert, "state");
	int64_t newest = json_get_int(json_object_get(cert, "newest"),
	    "version");

	assert(f->w != NULL);
	if (f->w->service != NULL)
		return f->reloaded;
	if (state == NULL || (strcmp(state, "served") != 0 &&
	    strcmp(state, "valid") != 0))
		return false;
	if (f->w->newer_than >= 0 && !f->unneeded)
		return newest > f->w->newer_than;
	return f->seen || time(NULL) - f->begun >= SETTLED_S;
}

static void
read_cert(struct cli_answer *cert, const struct cli_watch *w)
{
	char *coded;

	memset(cert, 0, sizeof(*cert));
	if (w->name == NULL)
		return;
	coded = cli_encode(w->name);
	cli_ask_quietly(cert, "GET", NULL, "/v1/certificates/%s", coded);
	free(coded);
}

/* One long poll; true once there is nothing more to wait for. */
static bool
follow_once(struct follow *f, int *r)
{
	char *name = f->w->name == NULL ? xstrdup("") :
	    name_param(f->w->name);
	struct cli_answer a, cert;
	bool over;

	assert(r != NULL);
	*r = cli_ask_quietly(&a, "GET", NULL, "/v1/events?after=%lld&wait=%d%s",
	    (long long)f->after, f->seen || f->w->newer_than >= 0 ? WAIT_S :
	    SETTLED_S, name);
	free(name);
	if (*r != CLI_DONE) {
		if (a.body != NULL)
			cli_complain_error(json_object_get(a.body, "error"));
		cli_answer_free(&a);
		return true;
	}
	f->after = json_get_int(a.body, "next");
	read_cert(&cert, f->w);
	show_steps(f, json_object_get(a.body, "events"), cert.body);
	over = f->bad || arrived(f, cert.body);
	if (f->bad) {
		*r = CLI_FAILED;
		if (f->w->name != NULL)
			cli_complain("that did not work. everleaf why %s says "
			    "more.", f->w->name);
	}
	cli_answer_free(&cert);
	cli_answer_free(&a);
	return over;
}

/* Until it is where it should be, it has failed, or ten minutes are over:
 * the daemon goes on in any case. */
int
cli_follow(const struct cli_watch *w)
{
	struct follow f = { .w = w, .after = w->after, .begun = time(NULL) };
	int r = CLI_DONE;

	assert(w->name != NULL || w->service != NULL);
	while (!cli_interrupted && time(NULL) - f.begun < PATIENCE_S)
		if (follow_once(&f, &r) && !cli_interrupted)
			return r;
	cli_say("still under way; it goes on by itself. everleaf events%s%s "
	    "--follow\n", w->name != NULL ? " " : "", w->name != NULL ?
	    w->name : "");
	return CLI_UNDER_WAY;
}
