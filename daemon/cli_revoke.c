/* everleaf revoke. It stays attached while replacements are made and proved,
 * arms each revocation when it is due, and asks for it. Whoever leaves earlier
 * loses nothing: asked again, it goes on where it was. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/cli.h"
#include "daemon/cli_files.h"
#include "daemon/cli_operator.h"
#include "daemon/json.h"

enum { WAIT_S = 10, PATIENCE_S = 600, PAGE = 1000, LIMIT = 1000,
	SHOWN_MAX = 20, TITLES_MAX = 300, SHA256_HEX = 64 };

enum progress { WAITS, DONE, FAILED };

struct target {
	char *name;
	enum progress progress;
};

struct revoke {
	const struct cli_args *args;
	struct target *v;
	size_t n, done, failed;
	bool bulk, at_once;
	int64_t after;			/* event */
	int64_t newest;			/* version of the only one */
	int files;			/* state directory; -1: not open */
	int r;				/* of the last failure */
};

/* --- which ---------------------------------------------------------------- */

static void
take(struct revoke *v, const char *name)
{
	assert(name != NULL);
	v->v = xrealloc(v->v, (v->n + 1) * sizeof(*v->v));
	v->v[v->n++] = (struct target){ xstrdup(name), WAITS };
}

static bool
selects(const struct cli_args *args)
{
	return cli_has(args, "--all") || cli_has(args, "--label") ||
	    cli_has(args, "--ca") || cli_has(args, "--service") ||
	    cli_has(args, "--state");
}

static const char *const keys[] = { "label", "ca", "service", "state" };
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

/* Commands select as list does: what it shows is what is meant. */
static char *
selection(const struct cli_args *args)
{
	char option[16], *coded;
	struct buf b;
	size_t i;

	assert(selects(args));
	buf_init(&b, 4096);
	buf_printf(&b, "/v1/certificates?limit=%d", PAGE);
	for (i = 0; i < KEYS; i++) {
		snprintf(option, sizeof(option), "--%s", keys[i]);
		if (!cli_has(args, option))
			continue;
		coded = cli_encode(cli_value(args, option));
		buf_printf(&b, "&%s=%s", keys[i], coded);
		free(coded);
	}
	return buf_take(&b);
}

/* What is retired is not renewed either: it is named, or left alone. */
static bool
is_meant(const json_t *cert)
{
	const char *state = json_get(cert, "state");

	return json_get(cert, "name") != NULL && state != NULL &&
	    strcmp(state, "retired") != 0 &&
	    json_is_object(json_object_get(cert, "newest"));
}

static int
select_many(struct revoke *v)
{
	char *target = selection(v->args), *after = xstrdup("");
	const json_t *c;
	struct cli_answer a;
	size_t i;
	int r;

	assert(v->bulk && v->n == 0);
	do {
		r = cli_ask_quietly(&a, "GET", NULL, "%s&after=%s", target,
		    after);
		json_array_foreach(json_object_get(a.body, "certificates"), i,
		    c)
			if (is_meant(c))
				take(v, json_get(c, "name"));
		if (r != CLI_DONE && a.body != NULL)
			cli_complain_error(json_object_get(a.body, "error"));
		free(after);
		after = json_get(a.body, "next") == NULL ? NULL :
		    cli_encode(json_get(a.body, "next"));
		cli_answer_free(&a);
	} while (r == CLI_DONE && after != NULL);
	free(after);
	free(target);
	if (r == CLI_DONE && v->n == 0)
		cli_say("no certificate is selected\n");
	return r;
}

static int
choose(struct revoke *v)
{
	const char *title;
	struct cli_answer a;
	int r;

	assert(v->n == 0);
	v->bulk = selects(v->args);
	if (v->bulk == (v->args->words.n == 1))
		return cli_usage("revoke what? everleaf revoke NAME, or "
		    "--label, --ca, --service, --state, --all");
	if (v->bulk)
		return select_many(v);
	r = cli_find(&a, v->args->words.v[0]);
	title = json_get(a.body, "name");
	/* What is meant is said by a person, not by the daemon. */
	if (r == CLI_DONE && (title == NULL ||
	    strcmp(title, v->args->words.v[0]) != 0))
		r = cli_usage("%s is not the title of a certificate. Say which "
		    "is meant: everleaf revoke %s", v->args->words.v[0],
		    title != NULL ? title : "NAME");
	if (r == CLI_DONE)
		take(v, title);
	v->newest = json_get_int(json_object_get(a.body, "newest"), "version");
	cli_answer_free(&a);
	return r;
}

/* --- requests ------------------------------------------------------------- */

static int
post(struct cli_answer *a, const struct revoke *v, const char *name,
    const char *query)
{
	const char *reason = cli_value(v->args, "--reason");
	char *coded = cli_encode(name);
	json_t *body = json_pack("{s:b, s:s*}", "at_once", (int)v->at_once,
	    "reason", reason);
	int r = cli_ask_quietly(a, "POST", body, "/v1/certificates/%s/revoke%s",
	    coded, query);

	assert(name != NULL && query != NULL);
	free(coded);
	return r;
}

static int
get(struct cli_answer *a, const char *name)
{
	char *coded = cli_encode(name);
	int r = cli_ask_quietly(a, "GET", NULL, "/v1/certificates/%s", coded);

	free(coded);
	return r;
}

static int
fail(struct revoke *v, struct target *t, const struct cli_answer *a, int r)
{
	assert(t->progress != FAILED && v->failed < v->n);
	if (a != NULL && a->body != NULL)
		cli_complain_error(json_object_get(a->body, "error"));
	t->progress = FAILED;
	v->failed++;
	return v->r = r;
}

/* --- one of them ---------------------------------------------------------- */

static bool
is_open(const json_t *revocation)
{
	return strcmp(json_get(revocation, "state"), "done") != 0;
}

/* How many are open; *waiting: those whose replacement is not in use yet. */
static size_t
count_open(const json_t *cert, size_t *waiting)
{
	const json_t *r;
	size_t i, n = 0;

	assert(waiting != NULL);
	*waiting = 0;
	json_array_foreach(json_object_get(cert, "revocations"), i, r)
		if (is_open(r)) {
			n++;
			*waiting += strcmp(json_get(r, "state"),
			    "replacing") == 0;
		}
	return n;
}

/* What is on no disk any more is known from the daemon alone: for a person to
 * decide, about each. */
static int
confirm_unseen(const struct revoke *v, const char *name, uint32_t version,
    const char *sha256)
{
	char what[300];

	assert(name != NULL && sha256 != NULL);
	if (v->bulk && cli_has(v->args, "--yes")) {
		cli_complain("%s: version %u is not among its files any more. "
		    "It is left out: --yes does not speak for what only the "
		    "daemon knows of. To look at it: everleaf revoke %s", name,
		    version, name);
		return CLI_FAILED;
	}
	snprintf(what, sizeof(what), "%.100s: version %u is not among its "
	    "files any more. What the daemon calls so has the SHA-256 %.64s, "
	    "and would be revoked", name, version, sha256);
	if (cli_has(v->args, "--yes"))
		cli_complain("%s", what);
	return operator_confirm(cli_has(v->args, "--yes"), name, what);
}

/* That the digest is one of this certificate's: the part of the daemon that
 * tells it talks to the network. */
static int
check(struct revoke *v, const char *name, uint64_t id, uint32_t version,
    const char *sha256)
{
	int r = CLI_DONE;

	if (sha256 == NULL || version == 0 || strlen(sha256) != SHA256_HEX ||
	    strspn(sha256, "0123456789abcdef") != SHA256_HEX) {
		cli_complain("the daemon does not say which certificate it is");
		return CLI_FAILED;
	}
	if (v->files < 0)
		v->files = operator_open_files(&r);
	if (v->files < 0)
		return r;
	switch (files_compare(v->files, name, id, version, sha256)) {
	case FILES_SAME:
		return CLI_DONE;
	case FILES_NONE:
		return confirm_unseen(v, name, version, sha256);
	case FILES_OTHER:
		break;
	}
	cli_complain("%s: the daemon names another certificate than the files "
	    "(version %u, SHA-256 %.64s). Nothing is revoked. If nobody has "
	    "changed the files, its engine may be in other hands: stop the "
	    "daemon, and look at live/%s.", name, version, sha256, name);
	return CLI_FAILED;
}

/* What was revoked before is in the list, too. */
static bool
is_due(const json_t *item)
{
	return json_get(item, "state") == NULL || is_open(item);
}

static void
disarm(uint64_t id, const json_t *versions)
{
	const json_t *item;
	size_t i;

	json_array_foreach(versions, i, item)
		if (is_due(item))
			operator_disarm(ARM_REVOKE, id,
			    (uint32_t)json_get_int(item, "version"));
}

/* Each version of a list, when all of them have been looked at. */
static int
arm(struct revoke *v, const char *name, uint64_t id, const json_t *versions)
{
	const json_t *item;
	int r = CLI_DONE;
	size_t i;

	assert(name != NULL);
	json_array_foreach(versions, i, item)
		if (r == CLI_DONE && is_due(item))
			r = check(v, name, id, (uint32_t)json_get_int(item,
			    "version"), json_get(item, "sha256"));
	if (r != CLI_DONE)
		return r;
	json_array_foreach(versions, i, item)
		if (is_due(item) && operator_arm_revoke(id,
		    (uint32_t)json_get_int(item, "version"), json_get(item,
		    "sha256"), &r) != 0)
			return r;
	return CLI_DONE;
}

/* The CA is asked now. What had been asked for before, and otherwise what
 * would be revoked, is armed for it. */
static int
finish(struct revoke *v, struct target *t, const json_t *cert)
{
	const json_t *list = json_object_get(cert, "revocations");
	struct cli_answer dry, a;
	size_t waiting;
	uint64_t id;
	int r = CLI_DONE;

	memset(&dry, 0, sizeof(dry));
	if (count_open(cert, &waiting) == 0) {
		r = post(&dry, v, t->name, "?dry=1");
		list = json_object_get(dry.body, "versions");
	}
	if (r != CLI_DONE || json_get(cert, "id") == NULL ||
	    !text_unid(&id, json_get(cert, "id")))
		r = fail(v, t, &dry, r == CLI_DONE ? CLI_FAILED : r);
	else if ((r = arm(v, t->name, id, list)) != CLI_DONE)
		fail(v, t, NULL, r);
	else {
		r = post(&a, v, t->name, "");
		if (r != CLI_DONE)
			fail(v, t, &a, r);
		else
			disarm(id, list);
		cli_answer_free(&a);
	}
	cli_answer_free(&dry);
	return r;
}

/* Goes on with one: asks for it, does it, or leaves it to its replacement. */
static int
go_on(struct revoke *v, struct target *t)
{
	struct cli_answer cert, a;
	size_t open, waiting = 0;
	int r = get(&cert, t->name);

	assert(t->name != NULL);
	if (r != CLI_DONE)
		r = fail(v, t, &cert, r);
	else {
		open = count_open(cert.body, &waiting);
		if (v->at_once || open > waiting)
			r = finish(v, t, cert.body);
		else if (open == 0) {
			r = post(&a, v, t->name, "");
			if (r != CLI_DONE)
				fail(v, t, &a, r);
			cli_answer_free(&a);
		}
	}
	cli_answer_free(&cert);
	return r;
}

/* --- watching ------------------------------------------------------------- */

static struct target *
target_of(struct revoke *v, const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < v->n; i++)
		if (strcmp(v->v[i].name, name) == 0)
			return &v->v[i];
	return NULL;
}

static void
settle(struct revoke *v, struct target *t)
{
	struct cli_answer a;
	size_t waiting;

	assert(t->progress == WAITS);
	if (get(&a, t->name) == CLI_DONE &&
	    count_open(a.body, &waiting) == 0) {
		t->progress = DONE;
		v->done++;
		if (v->bulk && !cli.json)
			cli_say("%s  revoked (%zu of %zu)\n", t->name,
			    v->done, v->n);
	}
	cli_answer_free(&a);
}

/* Each event is about one of ours, or none: what is ready is revoked at
 * once, what is revoked is counted. */
static void
hear(struct revoke *v, const json_t *e)
{
	const char *event = json_get(e, "event");
	struct target *t = target_of(v, json_get(e, "name"));
	enum cli_step step = CLI_STEP_NONE;
	struct cli_answer cert;

	if (t == NULL || t->progress != WAITS)
		return;
	if (!v->bulk && !cli.json) {
		get(&cert, t->name);
		step = cli_show_step(e, cert.body);
		cli_answer_free(&cert);
	}
	if (strcmp(event, "revoke.ready") == 0)
		go_on(v, t);
	else if (strcmp(event, "revoked") == 0)
		settle(v, t);
	else if (step == CLI_STEP_BAD || strcmp(event, "order.failed") == 0 ||
	    strcmp(event, "revoke.failed") == 0) {
		cli_complain("%s is not revoked yet. everleaf why %s says "
		    "more.", t->name, t->name);
		fail(v, t, NULL, CLI_FAILED);
	}
}

static int
watch_once(struct revoke *v, size_t *heard)
{
	struct cli_answer a;
	const json_t *e;
	size_t i;
	int r = cli_ask_quietly(&a, "GET", NULL, "/v1/events?limit=%d"
	    "&after=%lld&wait=%d", LIMIT, (long long)v->after, WAIT_S);

	assert(heard != NULL);
	if (r == CLI_DONE)
		v->after = json_get_int(a.body, "next");
	json_array_foreach(json_object_get(a.body, "events"), i, e) {
		*heard += target_of(v, json_get(e, "name")) != NULL;
		hear(v, e);
	}
	if (r != CLI_DONE && a.body != NULL)
		cli_complain_error(json_object_get(a.body, "error"));
	cli_answer_free(&a);
	return r;
}

/* As long as something happens, and ten minutes more. */
static int
watch(struct revoke *v)
{
	time_t last = time(NULL);
	size_t heard;
	int r = CLI_DONE;

	assert(v->done + v->failed <= v->n);
	while (r == CLI_DONE && v->done + v->failed < v->n &&
	    !cli_interrupted && time(NULL) - last < PATIENCE_S) {
		heard = 0;
		r = watch_once(v, &heard);
		if (heard > 0)
			last = time(NULL);
	}
	if (v->done + v->failed == v->n || (r != CLI_DONE && !cli_interrupted))
		return r;
	cli_say("still under way; nothing is revoked before its replacement is "
	    "in use. To go on: the same command again\n");
	return CLI_UNDER_WAY;
}

/* What was revoked at once is replaced after that. */
static int
watch_replacement(const struct revoke *v)
{
	struct cli_watch w = { .name = v->v[0].name, .after = v->after,
		.newer_than = v->newest };
	bool quiet = cli.quiet;
	int r;

	assert(v->n == 1 && v->at_once);
	cli.quiet = quiet || cli.json;
	r = cli_follow(&w);
	cli.quiet = quiet;
	return r;
}

/* --- the whole ------------------------------------------------------------ */

/* Nothing is armed: a look needs no leave. */
static int
dry_run(struct revoke *v)
{
	struct cli_answer a;
	const json_t *l;
	size_t i, k, revoked = 0;
	int r = CLI_DONE;

	assert(v->n > 0);
	for (i = 0; i < v->n && r == CLI_DONE; i++) {
		r = post(&a, v, v->v[i].name, "?dry=1");
		if (r != CLI_DONE)
			fail(v, &v->v[i], &a, r);
		else if (cli.json)
			cli_print_body(&a);
		revoked += json_array_size(json_object_get(a.body,
		    "versions"));
		if (i < SHOWN_MAX && !cli.json)
			json_array_foreach(json_object_get(a.body, "lines"), k,
			    l)
				cli_say("%s  %s\n", v->v[i].name,
				    json_string_value(l));
		cli_answer_free(&a);
	}
	if (r == CLI_DONE && !cli.json)
		cli_say("%zu version%s of %zu certificate%s; %zu order%s. "
		    "Nothing was changed.\n", revoked,
		    cli_plural((int64_t)revoked), v->n,
		    cli_plural((int64_t)v->n), v->n,
		    cli_plural((int64_t)v->n));
	return r;
}

static void
show_safe(const char *before, const char *s)
{
	struct buf b;

	buf_init(&b, 8 * 1024);
	buf_safe(&b, s, strlen(s), 1024);
	fprintf(stderr, "%s%s", before, b.data != NULL ? b.data : "");
	buf_free(&b);
}

/* The part of the daemon that has chosen them talks to the network: a person
 * sees which they are, on the screen even if nothing else is to be said. */
static void
show_titles(const struct revoke *v)
{
	char option[16];
	size_t i;

	fflush(stdout);
	for (i = 0; i < v->n && i < TITLES_MAX; i++) {
		show_safe("  ", v->v[i].name);
		fprintf(stderr, "\n");
	}
	if (i == v->n)
		return;
	fprintf(stderr, "  ... and %zu more, which are all in: everleaf list",
	    v->n - i);
	for (i = 0; i < KEYS; i++) {
		snprintf(option, sizeof(option), "--%s", keys[i]);
		if (!cli_has(v->args, option))
			continue;
		fprintf(stderr, " %s", option);
		show_safe(" ", cli_value(v->args, option));
	}
	fprintf(stderr, "\n");
}

/* One that is named is meant; of many nobody knows which they are. */
static int
confirm(const struct revoke *v)
{
	char what[100];

	assert(v->n > 0);
	if (!v->bulk)
		return CLI_DONE;
	show_titles(v);
	snprintf(what, sizeof(what), "%zu certificate%s would be revoked", v->n,
	    cli_plural((int64_t)v->n));
	return operator_confirm(cli_has(v->args, "--yes"), "revoke", what);
}

static void
show_end(const struct revoke *v)
{
	struct cli_answer a;

	assert(v->n > 0);
	if (!cli.json)
		return;
	if (v->bulk)
		printf("{\"certificates\": %zu, \"revoked\": %zu, \"failed\": "
		    "%zu}\n", v->n, v->done, v->failed);
	else {
		if (get(&a, v->v[0].name) == CLI_DONE)
			cli_print_body(&a);
		cli_answer_free(&a);
	}
}

static int
carry_out(struct revoke *v)
{
	bool wait = !cli_has(v->args, "--no-wait");
	size_t i;
	int r = confirm(v);

	assert(v->n > 0 && v->done == 0 && v->failed == 0);
	/* Without leave at the end nothing is begun. */
	if (r == CLI_DONE && (wait || v->at_once) && operator_may(&r) != 0)
		return r;
	if (r == CLI_DONE)
		r = cli_events_mark(&v->after);
	for (i = 0; i < v->n && r == CLI_DONE && !cli_interrupted; i++)
		go_on(v, &v->v[i]);
	if (r != CLI_DONE)
		return r;
	if (wait)
		r = watch(v);
	if (wait && v->at_once && !v->bulk && r == CLI_DONE && v->done == 1)
		r = watch_replacement(v);
	if (!wait && !cli.json && v->failed < v->n && !v->at_once)
		cli_say("replaced now. When that is in use, the same command "
		    "again revokes, as root\n");
	show_end(v);
	return r == CLI_DONE && v->failed > 0 ? v->r : r;
}

int
cli_revoke(const struct cli_args *args)
{
	struct revoke v = { .args = args, .files = -1,
		.at_once = cli_has(args, "--at-once") };
	size_t i;
	int r = choose(&v);

	if (r == CLI_DONE && v.n > 0)
		r = cli_has(args, "--dry-run") ? dry_run(&v) : carry_out(&v);
	for (i = 0; i < v.n; i++)
		free(v.v[i].name);
	free(v.v);
	if (v.files >= 0)
		close(v.files);
	return r;
}
