/* add, set, remove, renew, deploy: ask, then follow to the result. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/idn.h"
#include "daemon/cli.h"
#include "daemon/json.h"

struct change {
	const struct cli_args *args;
	const char *method;
	char *target;			/* without a dry run; freed */
	json_t *body;			/* taken */
	struct cli_watch watch;
	bool orders;			/* it leads to an order, which is tried
					 * in a dry run */
	bool wait;
	const char *what;		/* title, or service */
	const char *done;		/* said when nothing is waited for */
};

static void
show_end(const struct change *c)
{
	struct cli_answer a;
	char *coded;

	assert(c->what != NULL);
	if (!cli.json || c->watch.name == NULL)
		return;
	coded = cli_encode(c->watch.name);
	if (cli_ask_quietly(&a, "GET", NULL, "/v1/certificates/%s", coded) ==
	    CLI_DONE)
		cli_print_body(&a);
	cli_answer_free(&a);
	free(coded);
}

/* Sends it, tells what went wrong, follows what it set going. With --json the
 * one thing printed is the last body: of the error, of the dry run (or the last
 * event of its trial), of the certificate as it is in the end. */
static int
change(struct change *c)
{
	bool dry = cli_has(c->args, "--dry-run"), quiet = cli.quiet;
	bool wait = c->wait && (!dry || c->orders) &&
	    !cli_has(c->args, "--no-wait");
	struct cli_answer a;
	int r = wait ? cli_events_mark(&c->watch.after) : CLI_DONE;

	assert(c->target != NULL && c->method != NULL && c->what != NULL);
	if (r != CLI_DONE) {
		json_decref(c->body);
		free(c->target);
		return r;
	}
	r = cli_ask_quietly(&a, c->method, c->body, "%s%s%s", c->target,
	    !dry ? "" : strchr(c->target, '?') == NULL ? "?" : "&",
	    !dry ? "" : c->orders ? "trial=1" : "dry=1");
	free(c->target);
	if (cli.json && a.body != NULL && (r != CLI_DONE || (!wait && !dry)))
		cli_print_body(&a);
	if (r != CLI_DONE && a.body != NULL)
		cli_complain_error(json_object_get(a.body, "error"));
	else if (r == CLI_DONE && dry)
		r = cli_dry(&a, c->watch.after, wait);
	else if (r == CLI_DONE && wait && (json_object_get(a.body,
	    "changed") == NULL || json_get_true(a.body, "changed"))) {
		cli.quiet = quiet || cli.json;
		r = cli_follow(&c->watch);
		cli.quiet = quiet;
		show_end(c);
	} else if (r == CLI_DONE && json_is_false(json_object_get(a.body,
	    "purged"))) {
		r = CLI_UNDER_WAY;
		if (!cli.json)
			cli_say("%s: is being removed; what is under way for "
			    "it ends first\n", c->what);
	} else if (r == CLI_DONE && !cli.json)
		cli_say("%s: %s\n", c->what, json_is_false(json_object_get(
		    a.body, "changed")) ? "nothing to do, it is so already" :
		    c->done);
	cli_answer_free(&a);
	return r;
}

static char *
cert_target(const char *name, const char *tail)
{
	char *coded = cli_encode(name);
	struct buf b;

	assert(name != NULL && tail != NULL);
	buf_init(&b, 2048);
	buf_printf(&b, "/v1/certificates/%s%s", coded, tail);
	free(coded);
	return buf_take(&b);
}

/* --- add ------------------------------------------------------------------ */

/* As people type them, with umlauts and capitals; the daemon gets the plain
 * form. */
static int
canonical(struct strv *names, const struct strv *words)
{
	enum name_kind kind;
	char name[256];
	struct err err;
	size_t i;

	assert(names->n == 0);
	for (i = 0; i < words->n; i++) {
		if (idn_parse(name, &kind, words->v[i], &err) != 0)
			return cli_usage("%s", err.text);
		if (strv_has(names, name))
			return cli_usage("%s is named twice", name);
		strv_add(names, name);
	}
	return CLI_DONE;
}

/* add never changes what is there: that is what set is for. */
static int
is_free(const char *title)
{
	struct cli_answer a;
	char *target = cert_target(title, "");
	int r = cli_ask_quietly(&a, "GET", NULL, "%s", target);

	assert(title[0] != '\0');
	free(target);
	if (r == CLI_NO_SUCH)
		r = CLI_DONE;
	else if (r != CLI_DONE && a.body != NULL)
		cli_complain_error(json_object_get(a.body, "error"));
	else if (r == CLI_DONE && strcmp(json_get(a.body, "state"),
	    "retired") != 0)
		r = cli_usage("there is a certificate \"%s\" already. To "
		    "change it: everleaf set %s", title, title);
	cli_answer_free(&a);
	return r;
}

static json_t *
wish_of(const struct cli_args *args, const struct strv *names)
{
	struct strv services = cli_values(args, "--service");
	struct strv webroots = cli_values(args, "--webroot");
	static const char *const texts[] = { "--policy", "--ca", "--dns" };
	json_t *wish = json_object();
	size_t i;

	assert(names->n > 0);
	json_object_set_new(wish, "names", json_list(names));
	if (services.n > 0)
		json_object_set_new(wish, "services", json_list(&services));
	if (webroots.n > 0)
		json_object_set_new(wish, "webroot", json_list(&webroots));
	for (i = 0; i < 3; i++)
		if (cli_has(args, texts[i]))
			json_object_set_new(wish, texts[i] + 2,
			    json_string(cli_value(args, texts[i])));
	strv_free(&services);
	strv_free(&webroots);
	return wish;
}

int
cli_add(const struct cli_args *args)
{
	struct change c = { .args = args, .method = "PUT", .orders = true,
		.wait = true, .done = "wished for; it is ordered now" };
	struct strv names = { NULL, 0 };
	char title[NAME_TITLE_MAX + 1];
	int r = canonical(&names, &args->words);

	if (r == CLI_DONE) {
		if (cli_has(args, "--name"))
			snprintf(title, sizeof(title), "%s",
			    cli_value(args, "--name"));
		else
			name_title(title, names.v[0]);
		r = is_free(title);
	}
	if (r == CLI_DONE) {
		c.target = cert_target(title, "");
		c.body = wish_of(args, &names);
		c.what = c.watch.name = title;
		r = change(&c);
	}
	strv_free(&names);
	return r;
}

/* --- set ------------------------------------------------------------------ */

/* The names that it shall have; *missing: one to drop is not there. */
static void
put_together(struct strv *names, const json_t *cert, const struct strv *plus,
    const struct strv *minus, bool *missing)
{
	const json_t *item;
	size_t i, dropped = 0;

	assert(missing != NULL && names->n == 0);
	json_array_foreach(json_object_get(json_object_get(cert, "wanted"),
	    "names"), i, item)
		if (strv_has(minus, json_string_value(item)))
			dropped++;
		else
			strv_add(names, json_string_value(item));
	for (i = 0; i < plus->n; i++)
		if (!strv_has(names, plus->v[i]))
			strv_add(names, plus->v[i]);
	*missing = dropped < minus->n;
}

/* What there is, with what comes and without what goes: the wish is sent
 * whole. */
static int
new_names(struct strv *names, const json_t *cert, const struct cli_args *args)
{
	struct strv add = cli_values(args, "--add-name");
	struct strv drop = cli_values(args, "--drop-name");
	struct strv plus = { NULL, 0 }, minus = { NULL, 0 };
	const char *title = json_get(cert, "name");
	bool missing;
	int r = canonical(&plus, &add);

	assert(names->n == 0);
	if (r == CLI_DONE)
		r = canonical(&minus, &drop);
	put_together(names, cert, &plus, &minus, &missing);
	if (r == CLI_DONE && missing)
		r = cli_usage("%s does not have all the names to drop. "
		    "everleaf show %s lists them.", title, title);
	else if (r == CLI_DONE && names->n == 0)
		r = cli_usage("no name would be left. To end it: everleaf "
		    "remove %s", title);
	strv_free(&add);
	strv_free(&drop);
	strv_free(&plus);
	strv_free(&minus);
	return r;
}

int
cli_set(const struct cli_args *args)
{
	struct change c = { .args = args, .method = "PATCH",
		.done = "changed" };
	struct strv names = { NULL, 0 }, services;
	struct cli_answer cert;
	char *title;
	bool renames = cli_has(args, "--add-name") ||
	    cli_has(args, "--drop-name");
	int r;

	if (!renames && !cli_has(args, "--service"))
		return cli_usage("set what? --add-name, --drop-name or "
		    "--service");
	r = cli_find(&cert, args->words.v[0]);
	if (r == CLI_DONE)
		r = new_names(&names, cert.body, args);
	if (r == CLI_DONE) {
		title = xstrdup(json_get(cert.body, "name"));
		services = cli_values(args, "--service");
		c.body = json_object();
		if (renames)
			json_object_set_new(c.body, "names",
			    json_list(&names));
		if (services.n > 0)
			json_object_set_new(c.body, "services",
			    json_list(&services));
		c.target = cert_target(title, "");
		c.wait = true;
		c.orders = renames;
		c.what = c.watch.name = title;
		c.watch.newer_than = !renames ? -1 : json_get_int(
		    json_object_get(cert.body, "newest"), "version");
		r = change(&c);
		strv_free(&services);
		free(title);
	}
	strv_free(&names);
	cli_answer_free(&cert);
	return r;
}

/* --- remove, renew, deploy ------------------------------------------------ */

int
cli_remove(const struct cli_args *args)
{
	bool purge = cli_has(args, "--purge");
	struct change c = { .args = args, .method = "DELETE", .done = purge ?
	    "removed, with its files and keys" :
	    "no more renewals; its files stay until 30 days after expiry" };
	struct cli_answer cert;
	int r = cli_find(&cert, args->words.v[0]);

	if (r == CLI_DONE) {
		c.what = json_get(cert.body, "name");
		c.target = cert_target(c.what, purge ? "?purge=1" : "");
		r = change(&c);
	}
	cli_answer_free(&cert);
	return r;
}

/* "renew what?" with what comes next, for those who want to be sure. */
static int
renew_what(void)
{
	struct cli_answer a;
	const json_t *next;
	char far[CLI_TIME];
	int r = cli_ask_quietly(&a, "GET", NULL, "/v1/status");

	next = json_object_get(a.body, "next_renewal");
	if (r == CLI_DONE && json_is_object(next))
		r = cli_usage("renew what? The daemon renews by itself; next "
		    "is %s %s. To renew one now: everleaf renew NAME",
		    json_get(next, "name"), cli_ago(far, json_get_time(next,
		    "at")));
	else if (r == CLI_DONE)
		r = cli_usage("renew what? The daemon renews by itself. To "
		    "renew one now: everleaf renew NAME");
	else if (a.body != NULL)
		cli_complain_error(json_object_get(a.body, "error"));
	cli_answer_free(&a);
	return r;
}

int
cli_renew(const struct cli_args *args)
{
	struct change c = { .args = args, .method = "POST", .orders = true,
		.wait = true, .done = "it is ordered now" };
	struct cli_answer cert;
	char *title;
	int r;

	if (args->words.n == 0)
		return renew_what();
	r = cli_find(&cert, args->words.v[0]);
	if (r == CLI_DONE) {
		title = xstrdup(json_get(cert.body, "name"));
		c.target = cert_target(title, "/renew");
		c.body = json_pack("{s:b, s:b}", "new_key",
		    cli_has(args, "--new-key"), "force",
		    cli_has(args, "--force"));
		c.what = c.watch.name = title;
		c.watch.newer_than = json_get_int(json_object_get(cert.body,
		    "newest"), "version");
		r = change(&c);
		free(title);
	}
	cli_answer_free(&cert);
	return r;
}

/* All that the service uses is checked and loaded again; nothing is
 * installed anew. */
static int
deploy_service(const struct cli_args *args, const char *service)
{
	struct change c = { .args = args, .method = "POST", .wait = true,
		.done = "it is checked and reloaded now" };
	char *coded = cli_encode(service);
	struct buf b;

	assert(service != NULL);
	buf_init(&b, 2048);
	buf_printf(&b, "/v1/services/%s/deploy", coded);
	free(coded);
	c.target = buf_take(&b);
	c.what = c.watch.service = service;
	c.watch.newer_than = -1;
	return change(&c);
}

int
cli_deploy(const struct cli_args *args)
{
	struct change c = { .args = args, .method = "POST", .wait = true,
		.done = "it is installed, checked and reloaded now" };
	const char *service = cli_value(args, "--service");
	struct cli_answer cert;
	char *title;
	int r;

	if ((service != NULL) == (args->words.n == 1))
		return cli_usage("deploy what? everleaf deploy NAME, or "
		    "everleaf deploy --service S");
	if (service != NULL)
		return deploy_service(args, service);
	r = cli_find(&cert, args->words.v[0]);
	if (r == CLI_DONE) {
		title = xstrdup(json_get(cert.body, "name"));
		c.target = cert_target(title, "/deploy");
		c.what = c.watch.name = title;
		c.watch.newer_than = -1;
		r = change(&c);
		free(title);
	}
	cli_answer_free(&cert);
	return r;
}
