/* everleaf list, show, why: what the API tells of certificates, for people. */
#include <config.h>
#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/idn.h"
#include "base/text.h"
#include "daemon/cli.h"
#include "daemon/json.h"

enum { COLUMNS_MAX = 16, CELL = 4096, PAGE = 500, LABEL = 9 };

/* --- columns -------------------------------------------------------------- */

static void
cell_name(struct buf *b, const json_t *c)
{
	buf_puts(b, json_get(c, "name"));
}

static void
cell_state(struct buf *b, const json_t *c)
{
	buf_puts(b, json_get(c, "state"));
}

/* Of what is served, else installed; a placeholder has no end to speak of. */
static int64_t
ends(const json_t *c)
{
	const json_t *v = json_object_get(c, "served");

	if (json_get_int(v, "version") == 0)
		v = json_object_get(c, "installed");
	return json_get_int(v, "version") == 0 ? 0 :
	    json_get_time(v, "not_after");
}

static void
cell_days(struct buf *b, const json_t *c)
{
	char days[CLI_TIME];

	buf_puts(b, cli_days(days, ends(c)));
}

/* The nearest thing that will happen to it, services before renewals. */
static void
cell_next(struct buf *b, const json_t *c)
{
	const json_t *i = json_object_get(c, "issuance"), *s;
	const char *state = json_get(i, "state");
	int64_t at;
	char when[CLI_TIME];
	size_t k;

	json_array_foreach(json_object_get(c, "services"), k, s)
		if ((at = json_get_time(s, "next_try_at")) != 0) {
			buf_printf(b, "reloads at %s", cli_when(when, at));
			return;
		}
	at = json_get_time(i, "next_try_at");
	if (strcmp(state, "ordering") == 0)
		buf_puts(b, "is ordered now");
	else if (strcmp(state, "waiting") == 0 && at != 0)
		buf_printf(b, "waits until %s", cli_when(when, at));
	else if (at != 0)
		buf_printf(b, "tries at %s", cli_when(when, at));
	else if (strcmp(json_get(c, "state"), "retired") == 0)
		buf_puts(b, "-");
	else if ((at = json_get_time(i, "next_renewal_at")) > cli.now_ms)
		buf_printf(b, "renews %s", cli_ago(when, at));
	else
		buf_puts(b, at == 0 ? "-" : "renews now");
}

static void
cell_services(struct buf *b, const json_t *c)
{
	const json_t *s;
	size_t i;

	json_array_foreach(json_object_get(c, "services"), i, s)
		buf_printf(b, "%s%s", i > 0 ? " " : "",
		    json_get(s, "service"));
	if (i == 0)
		buf_puts(b, "-");
}

static void
cell_ca(struct buf *b, const json_t *c)
{
	const char *ca = json_get(json_object_get(c, "newest"), "ca");

	if (ca == NULL)
		ca = json_get(json_object_get(c, "wanted"), "ca");
	buf_puts(b, ca == NULL ? "-" : ca);
}

static void
cell_names(struct buf *b, const json_t *c)
{
	char *names = cli_join(json_object_get(json_object_get(c, "wanted"),
	    "names"), " ");

	buf_puts(b, names);
	free(names);
}

static void
cell_expires(struct buf *b, const json_t *c)
{
	char when[CLI_TIME];

	buf_puts(b, ends(c) == 0 ? "-" : cli_when(when, ends(c)));
}

static void
cell_version(struct buf *b, const json_t *c)
{
	buf_printf(b, "%lld", (long long)json_get_int(json_object_get(c,
	    "newest"), "version"));
}

static void
cell_labels(struct buf *b, const json_t *c)
{
	const json_t *v;
	const char *key;
	int n = 0;

	json_object_foreach(json_object_get(c, "labels"), key, v)
		buf_printf(b, "%s%s=%s", n++ > 0 ? " " : "", key,
		    json_string_value(v));
	if (n == 0)
		buf_puts(b, "-");
}

static const struct column {
	const char *name, *head;
	void (*cell)(struct buf *b, const json_t *c);
} columns[] = {
	{ "name", "NAME", cell_name }, { "state", "STATE", cell_state },
	{ "days", "DAYS", cell_days }, { "next", "NEXT", cell_next },
	{ "services", "SERVICES", cell_services }, { "ca", "CA", cell_ca },
	{ "names", "NAMES", cell_names },
	{ "expires", "EXPIRES", cell_expires },
	{ "version", "VERSION", cell_version },
	{ "labels", "LABELS", cell_labels }
};

struct table {
	const struct column *c[COLUMNS_MAX];
	int n;
	struct strv cells;		/* n a row, the head first */
};

static int
add_column(struct table *t, const char *name, size_t n)
{
	size_t i;

	assert(t->n <= COLUMNS_MAX);
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (strlen(columns[i].name) == n && memcmp(columns[i].name,
		    name, n) == 0 && t->n < COLUMNS_MAX) {
			t->c[t->n++] = &columns[i];
			return CLI_DONE;
		}
	return cli_usage("no column \"%.*s\". There are: name state days next "
	    "services ca names expires version labels", (int)n, name);
}

/* In the order in which they are named. */
static int
choose_columns(struct table *t, const struct cli_args *args)
{
	const char *s = cli_value(args, "--columns");
	size_t n;
	int r;

	assert(t->n == 0);
	if (s == NULL)
		s = "name,state,days,next,services,ca";
	for (; *s != '\0'; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		r = add_column(t, s, n);
		if (r != CLI_DONE)
			return r;
	}
	if (cli_has(args, "--names"))
		return add_column(t, "names", 5);
	return t->n > 0 ? CLI_DONE : cli_usage("--columns names none");
}

/* c NULL: the head. */
static void
add_row(struct table *t, const json_t *c)
{
	struct buf b;
	int i;

	assert(t->n > 0);
	for (i = 0; i < t->n; i++) {
		buf_init(&b, CELL);
		if (c == NULL)
			buf_puts(&b, t->c[i]->head);
		else
			t->c[i]->cell(&b, c);
		strv_add(&t->cells, b.data == NULL ? "" : b.data);
		buf_free(&b);
	}
}

/* Aligned on a terminal, a tab between cells elsewhere; cells are then
 * written at once, so that a million rows need no memory. */
static void
print_rows(struct table *t)
{
	size_t width[COLUMNS_MAX] = { 0 }, i, w;
	const char *s;
	int k;

	assert(t->n > 0 && t->cells.n % (size_t)t->n == 0);
	for (i = 0; i < t->cells.n; i++) {
		w = cli_width(t->cells.v[i]);
		k = (int)(i % (size_t)t->n);
		width[k] = w > width[k] ? w : width[k];
	}
	for (i = 0; i < t->cells.n; i++) {
		k = (int)(i % (size_t)t->n);
		s = t->cells.v[i];
		if (!cli.tty)
			printf("%s%s", s, k + 1 < t->n ? "\t" : "\n");
		else if (k + 1 == t->n)
			printf("%s\n", s);
		else
			printf("%s%s%s%*s", cli_state_colour(s), s,
			    *cli_state_colour(s) != '\0' ? cli_plain() : "",
			    (int)(width[k] - cli_width(s)) + 2, "");
	}
	strv_free(&t->cells);
}

/* --- list ----------------------------------------------------------------- */

static void
add_param(struct buf *target, const char *key, const char *value)
{
	char *coded;

	assert(key[0] != '\0');
	if (value == NULL)
		return;
	coded = cli_encode(value);
	buf_printf(target, "&%s=%s", key, coded);
	free(coded);
}

/* What of a pattern the daemon can look for: all before its first wildcard. */
static char *
prefix_of(const char *pattern)
{
	return pattern == NULL ? NULL : xstrndup(pattern,
	    strcspn(pattern, "*?["));
}

static bool
is_pattern(const char *s)
{
	return s != NULL && strpbrk(s, "*?[") != NULL;
}

static bool
one_fits(const json_t *names, const char *pattern)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
		if (fnmatch(pattern, json_string_value(name), 0) == 0)
			return true;
	return false;
}

/* The daemon has found what begins alike; the wildcards are ours. Names that
 * no version has yet count, too. */
static bool
fits(const json_t *c, const char *pattern)
{
	return !is_pattern(pattern) ||
	    fnmatch(pattern, json_get(c, "name"), 0) == 0 ||
	    one_fits(json_object_get(json_object_get(c, "newest"), "names"),
	    pattern) || one_fits(json_object_get(json_object_get(c,
	    "wanted"), "names"), pattern);
}

/* What does not fit goes from the page; with --json the rest is printed. */
static void
leave_fitting(struct cli_answer *a, const char *pattern)
{
	json_t *list = json_object_get(a->body, "certificates");
	size_t i = 0;

	assert(pattern != NULL);
	while (i < json_array_size(list))
		if (fits(json_array_get(list, i), pattern))
			i++;
		else
			json_array_remove(list, i);
	if (!cli.json)
		return;
	free(a->text);
	a->text = json_write(a->body);
	cli_print_body(a);
}

static int
ask_page(struct cli_answer *a, const char *target, const char *after,
    const char *pattern)
{
	int r;

	if (!is_pattern(pattern))
		return cli_ask(a, "GET", NULL, "%s%s", target, after);
	r = cli_ask_quietly(a, "GET", NULL, "%s%s", target, after);
	if (r == CLI_DONE)
		leave_fitting(a, pattern);
	else if (a->body != NULL) {
		if (cli.json)
			cli_print_body(a);
		cli_complain_error(json_object_get(a->body, "error"));
	}
	return r;
}

/* A page at a time; where no terminal wants columns each is written before
 * the next is asked for. */
static int
list_pages(struct table *t, const char *target, const char *pattern)
{
	struct cli_answer a;
	char after[1024] = "";
	const json_t *c;
	size_t i;
	int r;

	assert(target[0] == '/');
	for (;;) {
		r = ask_page(&a, target, after, pattern);
		if (r != CLI_DONE)
			break;
		json_array_foreach(json_object_get(a.body, "certificates"), i,
		    c)
			if (!cli.json)
				add_row(t, c);
		if (!cli.tty)
			print_rows(t);
		if (json_get(a.body, "next") == NULL)
			break;
		snprintf(after, sizeof(after), "&after=%s", json_get(a.body,
		    "next"));
		cli_answer_free(&a);
	}
	cli_answer_free(&a);
	return r;
}

int
cli_list(const struct cli_args *args)
{
	static const char *const filters[] = {
		"state", "expiring", "label", "service", "ca"
	};
	const char *pattern = args->words.n > 0 ? args->words.v[0] : NULL;
	struct table t = { .n = 0 };
	struct buf target;
	char option[32], *prefix = prefix_of(pattern);
	size_t i;
	int r = choose_columns(&t, args);

	buf_init(&target, 4096);
	buf_printf(&target, "/v1/certificates?full=1&limit=%d", PAGE);
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		snprintf(option, sizeof(option), "--%s", filters[i]);
		add_param(&target, filters[i], cli_value(args, option));
	}
	add_param(&target, "q", prefix != NULL && *prefix != '\0' ? prefix :
	    NULL);
	if (r == CLI_DONE && !cli.quiet && !cli.json)
		add_row(&t, NULL);
	if (r == CLI_DONE)
		r = list_pages(&t, target.data, pattern);
	if (r == CLI_DONE)
		print_rows(&t);
	strv_free(&t.cells);
	buf_free(&target);
	free(prefix);
	return r;
}

/* --- show ----------------------------------------------------------------- */

static void
row(const char *label, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
row(const char *label, const char *fmt, ...)
{
	va_list ap;

	printf("  %-*s  ", LABEL, label);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* A-labels with what people read behind them. */
static char *
shown_names(const json_t *names)
{
	char shown[IDN_DISPLAY];
	const json_t *item;
	const char *name;
	struct buf b;
	size_t i;

	buf_init(&b, 1 << 20);
	json_array_foreach(names, i, item) {
		name = json_string_value(item);
		if (name == NULL)
			continue;
		name_display(shown, name);
		buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", name);
		if (strcmp(shown, name) != 0)
			buf_printf(&b, " (%s)", shown);
	}
	return b.len > 0 ? buf_take(&b) : xstrdup("");
}

static void
show_wish(const json_t *c)
{
	const json_t *w = json_object_get(c, "wanted");
	const json_t *source = json_object_get(c, "source");
	char *names = shown_names(json_object_get(w, "names"));
	char *by = cli_join(json_object_get(w, "challenge"), ", ");
	const char *ca = json_get(w, "ca"), *key = json_get(w, "key_type");
	const char *csr = json_get(w, "csr_file");
	struct buf labels;

	assert(c != NULL);
	row("names", "%s", names);
	row("set", "%s %s, policy %s", strcmp(json_get(source, "kind"),
	    "file") == 0 ? "in" : "by", json_get(source, "where"),
	    json_get(source, "policy"));
	row("CA", "%s by %s, key %s%s%s", ca == NULL ? "-" : ca, by,
	    csr != NULL ? "yours (csr-file " : key == NULL ? "-" : key,
	    csr != NULL ? csr : "", csr != NULL ? ")" : "");
	if (json_object_size(json_object_get(c, "labels")) > 0) {
		buf_init(&labels, CELL);
		cell_labels(&labels, c);
		row("labels", "%s", labels.data);
		buf_free(&labels);
	}
	free(names);
	free(by);
}

static void
show_versions(const json_t *c)
{
	const json_t *n = json_object_get(c, "newest");
	const json_t *i = json_object_get(c, "installed");
	const json_t *s = json_object_get(c, "served");
	char a[CLI_TIME], b[CLI_TIME], far[CLI_TIME];
	char *missing = cli_join(json_object_get(n, "missing"), ", ");

	assert(c != NULL);
	if (json_is_object(n))
		row("newest", "version %lld%s, issued %s, until %s (%s)",
		    (long long)json_get_int(n, "version"),
		    json_get_true(n, "placeholder") ? " (placeholder)" :
		    json_get_true(n, "test_ca") ? " (of a test CA)" : "",
		    cli_when(a, json_get_time(n, "issued_at")),
		    cli_when(b, json_get_time(n, "not_after")),
		    cli_ago(far, json_get_time(n, "not_after")));
	if (*missing != '\0')
		row("without", "%s", missing);
	if (json_get(n, "sha256") != NULL)
		row("", "SHA-256 %s", json_get(n, "sha256"));
	if (json_is_object(i))
		row("installed", "version %lld since %s",
		    (long long)json_get_int(i, "version"),
		    cli_when(a, json_get_time(i, "since")));
	if (json_is_object(s))
		row("served", "version %lld, checked %s, until %s",
		    (long long)json_get_int(s, "version"),
		    cli_ago(far, json_get_time(s, "checked_at")),
		    cli_when(b, json_get_time(s, "not_after")));
	free(missing);
}

static void
show_service(const json_t *s)
{
	const json_t *e, *error = json_object_get(s, "error");
	const char *label = json_get(s, "service");
	size_t i;

	row(label, "%s", json_get(s, "state"));
	if (json_is_object(error))
		row("", "%s", json_get(error, "text"));
	json_array_foreach(json_object_get(s, "endpoints"), i, e)
		row("", "%s %s%s%s: %s", json_get(e, "endpoint"),
		    json_get(e, "address") == NULL ? "" :
		    json_get(e, "address"), json_get(e, "address") == NULL ?
		    "" : " ", json_get(e, "name") == NULL ? "" :
		    json_get(e, "name"), json_get(e, "result"));
}

/* Who publishes keys wants to see them; who does not sees one line. */
static void
show_keys(const json_t *c)
{
	const json_t *now = json_object_get(c, "newest"), *item;
	const json_t *next = json_object_get(c, "next_key");
	const char *type = json_get(now, "key_type");
	size_t i;

	if (json_get(now, "tlsa") != NULL)
		row("key", "%s, TLSA %s", type != NULL && strcmp(type,
		    "csr") == 0 ? "yours" : type, json_get(now, "tlsa"));
	if (json_is_object(next))
		row("next key", "%s, TLSA %s", json_get(next, "key_type"),
		    json_get(next, "tlsa"));
	json_array_foreach(json_object_get(c, "not_granted"), i, item)
		row(i == 0 ? "without" : "", "%s, which the CA did not grant",
		    json_string_value(item));
}

int
cli_show(const struct cli_args *args)
{
	struct cli_answer a;
	const json_t *c, *s, *paths, *i;
	char when[CLI_TIME], far[CLI_TIME];
	size_t k;
	int r = cli_find(&a, args->words.v[0]);

	if (r != CLI_DONE || cli.json) {
		if (a.body != NULL && cli.json)
			cli_print_body(&a);
		cli_answer_free(&a);
		return r;
	}
	c = a.body;
	paths = json_object_get(c, "paths");
	i = json_object_get(c, "issuance");
	printf("%s  %s%s%s\n", json_get(c, "name"),
	    cli_state_colour(json_get(c, "state")), json_get(c, "state"),
	    cli_plain());
	if (json_get(c, "summary") != NULL)
		printf("%s\n", json_get(c, "summary"));
	printf("\n");
	show_wish(c);
	show_versions(c);
	show_keys(c);
	row("files", "%s", json_get(paths, "fullchain"));
	if (json_get(paths, "privkey") != NULL)
		row("", "%s", json_get(paths, "privkey"));
	if (json_is_object(json_object_get(c, "files")))
		row("", "%s", json_get(json_object_get(json_object_get(c,
		    "files"), "error"), "text"));
	json_array_foreach(json_object_get(c, "services"), k, s)
		show_service(s);
	if (json_get_time(i, "next_renewal_at") != 0)
		row("renews", "%s (%s)", cli_when(when, json_get_time(i,
		    "next_renewal_at")), cli_ago(far, json_get_time(i,
		    "next_renewal_at")));
	cli_answer_free(&a);
	return r;
}

/* --- why ------------------------------------------------------------------ */

static void
print_local(const char *s)
{
	char *local = cli_local_times(s == NULL ? "" : s);

	printf("%s", local);
	free(local);
}

static void
print_why(const json_t *w)
{
	const json_t *list = json_object_get(w, "lines"), *l;
	const json_t *todo = json_object_get(w, "do");
	size_t i;

	print_local(json_get(w, "verdict"));
	printf("\n");
	if (json_get(w, "standing") != NULL) {
		print_local(json_get(w, "standing"));
		printf("\n");
	}
	if (json_array_size(list) > 0)
		printf("\n");
	json_array_foreach(list, i, l) {
		printf("  %-*s  ", LABEL, json_get(l, "label"));
		print_local(json_get(l, "text"));
		printf("\n");
	}
	if (json_array_size(todo) == 0)
		return;
	printf("\n");
	json_array_foreach(todo, i, l) {
		printf("  %-*s  %s", LABEL, i > 0 ? "" :
		    json_array_size(todo) > 1 ? "Do one" : "Do",
		    i > 0 ? "or " : "");
		print_local(json_string_value(l));
		printf("\n");
	}
}

int
cli_why(const struct cli_args *args)
{
	struct cli_answer a, why;
	char *name;
	int r = cli_find(&a, args->words.v[0]);

	if (r == CLI_DONE) {
		name = cli_encode(json_get(a.body, "name"));
		r = cli_ask(&why, "GET", NULL, "/v1/certificates/%s/why",
		    name);
		if (r == CLI_DONE && !cli.json)
			print_why(why.body);
		cli_answer_free(&why);
		free(name);
	} else if (cli.json && a.body != NULL)
		cli_print_body(&a);
	cli_answer_free(&a);
	return r;
}
