/* Changes: each is checked here as far as the configuration goes, then asked
 * of the engine (acts.h), and answered when it is durable. With ?dry=1 the
 * answer says what would happen and nothing does; with ?trial=1 what would be
 * ordered is ordered at the CA's staging meanwhile, and thrown away. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/api_in.h"
#include "daemon/budget.h"
#include "daemon/engine.h"
#include "daemon/json.h"
#include "daemon/turn.h"
#include "daemon/view.h"
#include "daemon/wish_json.h"

/* What a dry run answers; takes j. With a trial, what its events will tell. */
static void
reply_dry(struct api_req *r, json_t *j, bool trial,
    const struct conf_wish *wish)
{
	struct act_trial where;
	struct err err;
	int status = 200;

	if (trial && act_trial(r->name, wish, r->actor, &where, &err) != 0) {
		json_decref(j);
		api_reply_err(r, &err);
		return;
	}
	if (trial && where.at != NULL)
		status = 202;
	json_object_set_new(j, "trial", !trial ? json_null() : json_pack(
	    "{s:s, s:s?}", "ca", where.ca, "at", where.at));
	api_reply(r, status, j);
}

/* --- PUT, PATCH -------------------------------------------------------- */

struct put {
	struct api_req *r;
	struct conf_wish wish;
	struct strv labels;
	json_t *body;		/* PATCH: until the wish is read */
	bool dry, trial;
};

static void
put_free(void *own)
{
	struct put *p = own;

	conf_wish_free(&p->wish);
	strv_free(&p->labels);
	json_decref(p->body);
	free(p);
}

static void
put_dry(struct put *p, enum put_result result)
{
	static const char *const words[] = { "created", "changed", "same" };

	assert(p->dry || p->trial);
	assert((size_t)result < sizeof(words) / sizeof(words[0]));
	reply_dry(p->r, json_pack("{s:b, s:s, s:s, s:o}", "dry", 1,
	    "name", p->r->name, "result", words[result],
	    "wish", wish_json(&p->wish, &p->labels)), p->trial, &p->wish);
}

/* Durable by now, or not even begun: what was asked for as a trial changes
 * nothing. */
static void
put_over(void *ctx, enum put_result result, const struct err *err)
{
	struct put *p = ctx;

	assert(err != NULL || p->r->name != NULL);
	if (err != NULL)
		api_reply_err(p->r, err);
	else if (p->dry || p->trial)
		put_dry(p, result);
	else
		api_reply_cert(p->r, result == PUT_MADE ? 201 : 200,
		    result != PUT_SAME);
}

static void
put_go(struct put *p)
{
	struct api_req *r = p->r;
	struct err err;
	struct buf what;
	int bad;

	assert(p->r == r && r->own == p);
	/* As in a file: without names the title is the name. */
	if (p->wish.names.n == 0)
		strv_add(&p->wish.names, r->name);
	buf_init(&what, 2 * NAME_TITLE_MAX);
	buf_printf(&what, "certificate \"%s\"", r->name);
	bad = conf_wish_check(engine_conf(), &p->wish, what.data, &err);
	buf_free(&what);
	if (bad)
		api_reply_err(r, &err);
	else
		act_put(r->name, &p->wish, &p->labels, r->actor,
		    p->dry || p->trial, put_over, p);
}

static struct put *
put_new(struct api_req *r)
{
	struct put *p = xcalloc(1, sizeof(*p));
	struct err err;

	assert(r->own == NULL);
	p->r = r;
	conf_wish_blank(&p->wish);
	r->own = p;
	r->drop = put_free;
	if (api_param_flag(&r->target, "dry", &p->dry, &err) == 0 &&
	    api_param_flag(&r->target, "trial", &p->trial, &err) == 0)
		p->body = api_body(r, &err);
	if (p->body != NULL)
		return p;
	api_reply_err(r, &err);
	return NULL;
}

void
api_put_cert(struct api_req *r)
{
	struct put *p = put_new(r);
	struct err err;

	if (p == NULL)
		return;
	if (!name_is_title(r->name)) {
		err_set(&err, ERR_INVALID, "\"%.128s\" is no title of a "
		    "certificate", r->name);
		err_advise(&err, "Letters, digits, \".\", \"_\" and \"-\", at "
		    "most %d.", NAME_TITLE_MAX);
		api_reply_err(r, &err);
	} else if (wish_apply(&p->wish, &p->labels, p->body, &err) != 0)
		api_reply_err(r, &err);
	else
		put_go(p);
}

/* What is there with what was sent on top of it: the whole is checked as if
 * it had been written at once. */
static void
patch_read(void *ctx, struct bundle *b, const struct err *store_err)
{
	struct put *p = ctx;
	const struct row_label *l;
	struct err err;
	struct buf label;
	size_t i;

	assert(p->body != NULL);
	if (store_err != NULL) {
		api_reply_err(p->r, store_err);
		return;
	}
	if (b->cert == NULL) {
		api_reply_no_cert(p->r);
		return;
	}
	conf_wish_free(&p->wish);
	if (wish_parse(&p->wish, b->cert->wish == NULL ? "" : b->cert->wish,
	    &err) != 0) {
		api_reply_err(p->r, &err);
		return;
	}
	for (i = 0; i < b->labels.n; i++) {
		l = ROWS_AT(&b->labels, row_label, i);
		buf_init(&label, 1024);
		buf_printf(&label, "%s=%s", l->key, l->value);
		strv_add(&p->labels, label.data);
		buf_free(&label);
	}
	if (wish_apply(&p->wish, &p->labels, p->body, &err) != 0)
		api_reply_err(p->r, &err);
	else
		put_go(p);
}

void
api_patch_cert(struct api_req *r)
{
	struct put *p = put_new(r);

	if (p != NULL)
		bundle_by_name(turn_store_durable(), r->name, patch_read, p);
}

/* --- acts on one certificate ------------------------------------------- */

struct act;
struct act_kind {
	/* What it would do, said for ?dry=1. */
	void (*say)(const struct act *a, const struct bundle *b, json_t *lines);
	void (*go)(struct act *a);
	bool orders;			/* it costs of a CA's limits, and may
					 * have options */
};

struct act {
	struct api_req *r;
	const struct act_kind *kind;
	bool dry, trial, purge, new_key, force;
	bool counted;
	struct budget_used used;	/* if counted: of those limits */
};

static void
act_over(void *ctx, const struct err *err)
{
	struct act *a = ctx;

	assert(a->r->own == a);
	if (err != NULL)
		api_reply_err(a->r, err);
	else
		api_reply_cert(a->r, 202, -1);
}

static void act_read(void *ctx, struct bundle *b, const struct err *err);

static void
act_counted(void *ctx, const struct budget_used *used, const struct err *err)
{
	struct act *a = ctx;

	assert(!a->counted);
	if (err != NULL) {
		api_reply_err(a->r, err);
		return;
	}
	a->counted = true;
	a->used = *used;
	bundle_by_name(turn_store_durable(), a->r->name, act_read, a);
}

/* What it costs is counted first, and then all of it read again: the count may
 * take a turn. */
static bool
act_count(struct act *a, const struct bundle *b)
{
	struct conf_wish wish;

	if (!a->kind->orders || a->counted)
		return false;
	wish = view_wanted(b);
	budget_used(wish.ca != NULL ? wish.ca : "", &wish.names, act_counted,
	    a);
	conf_wish_free(&wish);
	return true;
}

static void
act_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;
	struct conf_wish wish;
	json_t *lines;

	assert(a->kind->go != NULL);
	if (err != NULL)
		api_reply_err(a->r, err);
	else if (b->cert == NULL)
		api_reply_no_cert(a->r);
	else if (!a->dry && !a->trial)
		a->kind->go(a);
	else if (!act_count(a, b)) {
		lines = json_array();
		assert(a->kind->say != NULL);
		a->kind->say(a, b, lines);
		wish = view_wanted(b);
		reply_dry(a->r, json_pack("{s:b, s:s, s:o}", "dry", 1,
		    "name", a->r->name, "lines", lines), a->trial, &wish);
		conf_wish_free(&wish);
	}
}

/* Options of the body, each true or false; an act that has none takes none. */
static int
read_options(struct act *a, struct err *err)
{
	json_t *body = api_body(a->r, err), *v;
	const char *key;

	if (body == NULL)
		return -1;
	json_object_foreach(body, key, v) {
		bool *on = !a->kind->orders ? NULL :
		    strcmp(key, "new_key") == 0 ? &a->new_key :
		    strcmp(key, "force") == 0 ? &a->force : NULL;

		if (on == NULL)
			err_set(err, ERR_INVALID, "no such option \"%.64s\"",
			    key);
		else if (!json_is_boolean(v))
			err_set(err, ERR_INVALID, "\"%s\" is neither true nor "
			    "false", key);
		else {
			*on = json_is_true(v);
			continue;
		}
		json_decref(body);
		return -1;
	}
	json_decref(body);
	return 0;
}

static void
act_begin(struct api_req *r, const struct act_kind *kind)
{
	struct act *a = xcalloc(1, sizeof(*a));
	struct err err;

	assert(r->own == NULL && kind->go != NULL);
	a->r = r;
	a->kind = kind;
	r->own = a;
	r->drop = free;
	if (api_param_flag(&r->target, "dry", &a->dry, &err) != 0 ||
	    api_param_flag(&r->target, "trial", &a->trial, &err) != 0 ||
	    api_param_flag(&r->target, "purge", &a->purge, &err) != 0 ||
	    read_options(a, &err) != 0)
		api_reply_err(r, &err);
	else
		bundle_by_name(turn_store_durable(), r->name, act_read, a);
}

static void
say(json_t *lines, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(json_t *lines, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, 16 * 1024);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(lines, json_text(b.data));
	buf_free(&b);
}

/* --- DELETE ------------------------------------------------------------ */

static void
remove_over(void *ctx, bool over, const struct err *err)
{
	struct act *a = ctx;

	assert(a->r->own == a);
	if (err != NULL)
		api_reply_err(a->r, err);
	else if (a->purge)
		api_reply(a->r, over ? 200 : 202, json_pack("{s:s, s:b}",
		    "name", a->r->name, "purged", (int)over));
	else
		api_reply_cert(a->r, 200, -1);
}

static void
remove_go(struct act *a)
{
	act_remove(a->r->name, a->purge, a->r->actor, remove_over, a);
}

static void
remove_say(const struct act *a, const struct bundle *b, json_t *lines)
{
	char until[TEXT_TIME];

	assert(b->cert != NULL);
	if (strcmp(b->cert->source, "file") == 0) {
		say(lines, "%s is set in %s: take it out there, then everleaf "
		    "reload", b->cert->name, b->cert->where);
		return;
	}
	say(lines, "%s would not be renewed any more", b->cert->name);
	text_rfc3339(until, text_add_sat(b->cert->not_after_ms,
	    30 * CONF_DAY));
	if (a->purge)
		say(lines, "its files and keys would be removed now");
	else if (b->cert->not_after_ms != 0)
		say(lines, "its files would stay until %s", until);
}

void
api_delete_cert(struct api_req *r)
{
	static const struct act_kind kind = { remove_say, remove_go, false };

	act_begin(r, &kind);
}

/* --- renew, deploy, test ----------------------------------------------- */

static void
renew_go(struct act *a)
{
	act_renew(a->r->name, a->new_key, a->force, a->r->actor, act_over, a);
}

/* What it would cost, and what the last ones need. */
static void
say_cost(const struct act *a, const char *ca, json_t *lines)
{
	long long n = (long long)a->used.n;
	char at[TEXT_TIME];

	assert(a->counted && (n < BUDGET_SET_MAX || a->used.free_ms != 0));
	if (n < BUDGET_SET_LIMIT)
		say(lines, "it would be number %lld of %d that %s allows for "
		    "exactly these names in %d days", n + 1, BUDGET_SET_LIMIT,
		    ca, BUDGET_SET_DAYS);
	else
		say(lines, "%lld for exactly these names were issued by %s in "
		    "%d days; it allows %d", n, ca, BUDGET_SET_DAYS,
		    BUDGET_SET_LIMIT);
	if (n < BUDGET_SET_MAX)
		return;
	text_rfc3339(at, a->used.free_ms);
	say(lines, a->force ? "it takes what is kept in reserve until %s" :
	    "before %s it would be refused, unless with --force", at);
}

/* An order is refused only when the limits are near: being due is what the
 * daemon waits for, not a person who asks. */
static void
renew_say(const struct act *a, const struct bundle *b, json_t *lines)
{
	struct conf_wish w = view_wanted(b);
	char at[TEXT_TIME];

	assert(b->cert != NULL);
	if (b->cert->retired_ms != 0)
		say(lines, "nothing would be ordered: %s is retired",
		    b->cert->name);
	else {
		say(lines, "a version for %zu name%s would be ordered from "
		    "%s", w.names.n, w.names.n == 1 ? "" : "s",
		    w.ca == NULL ? "its CA" : w.ca);
		if (b->cert->renew_at_ms > loop_now()) {
			text_rfc3339(at, b->cert->renew_at_ms);
			say(lines, "though it is not due before %s", at);
		}
		say_cost(a, w.ca == NULL ? "its CA" : w.ca, lines);
	}
	conf_wish_free(&w);
}

void
api_post_renew(struct api_req *r)
{
	static const struct act_kind kind = { renew_say, renew_go, true };

	act_begin(r, &kind);
}

static void
deploy_go(struct act *a)
{
	act_deploy(a->r->name, NULL, a->r->actor, act_over, a);
}

static void
deploy_say(const struct act *a, const struct bundle *b, json_t *lines)
{
	size_t i;

	assert(b->cert != NULL);
	(void)a;
	say(lines, "version %lld would be installed again",
	    (long long)b->cert->newest);
	for (i = 0; i < b->deployments.n; i++)
		say(lines, "%s would be checked, reloaded and looked at",
		    ROWS_AT(&b->deployments, row_deployment, i)->service);
}

void
api_post_deploy(struct api_req *r)
{
	static const struct act_kind kind = { deploy_say, deploy_go, false };

	act_begin(r, &kind);
}

static void
test_over(void *ctx, const struct strv *lines, bool good,
    const struct err *err)
{
	struct act *a = ctx;

	assert(a->r->own == a);
	api_reply_tested(a->r, "name", lines, good, err);
}

static void
test_go(struct act *a)
{
	act_test(a->r->name, test_over, a);
}

void
api_post_test(struct api_req *r)
{
	static const struct act_kind kind = { NULL, test_go, false };

	act_begin(r, &kind);
}

static void
dns_test_over(void *ctx, const struct strv *lines, bool good,
    const struct err *err)
{
	api_reply_tested(ctx, "dns", lines, good, err);
}

void
api_post_dns_test(struct api_req *r)
{
	const char *name = api_param(&r->target, "name");
	struct err err;

	if (conf_dns(engine_conf(), r->name) == NULL)
		err_set(&err, ERR_NO_SUCH, "there is no dns block \"%s\"",
		    r->name);
	else if (name == NULL)
		err_set(&err, ERR_USAGE_BAD, "which DNS name is to be tried "
		    "is missing: ?name=");
	else {
		act_test_dns(r->name, name, dns_test_over, r);
		return;
	}
	api_reply_err(r, &err);
}

/* --- a service, the configuration -------------------------------------- */

static void
service_over(void *ctx, const struct err *err)
{
	struct api_req *r = ctx;

	assert(r->name != NULL);
	if (err != NULL)
		api_reply_err(r, err);
	else
		api_get_service(r);
}

void
api_post_service_deploy(struct api_req *r)
{
	struct err err;
	json_t *lines;
	bool dry;

	if (api_param_flag(&r->target, "dry", &dry, &err) != 0)
		api_reply_err(r, &err);
	else if (conf_service(engine_conf(), r->name) == NULL)
		api_get_service(r);	/* says that there is none */
	else if (!dry)
		act_deploy(NULL, r->name, r->actor, service_over, r);
	else {
		lines = json_array();
		say(lines, "%s would be checked, reloaded and looked at, with "
		    "every certificate it uses", r->name);
		api_reply(r, 200, json_pack("{s:b, s:s, s:o}", "dry", 1,
		    "service", r->name, "lines", lines));
	}
}

/* A configuration that can't be used is an answer, too: all that is wrong
 * with it, and nothing has changed. */
static void
check_over(void *ctx, bool good, const struct strv *lines,
    const struct err *err)
{
	struct api_req *r = ctx;
	struct err bad;

	assert(err != NULL || lines != NULL);
	if (err != NULL) {
		api_reply_err(r, err);
		return;
	}
	if (good) {
		api_reply(r, 200, json_pack("{s:b, s:o}", "good", 1, "lines",
		    json_list(lines)));
		return;
	}
	err_set(&bad, ERR_CONFIG_BAD, "%s", lines->n > 0 ? lines->v[0] :
	    "the configuration can't be used");
	api_reply_err_with(r, &bad, "lines", json_list(lines));
}

/* Whoever has read "good" asks the new engine next: this one knows the old
 * configuration only. */
static void
reload_over(void *ctx, bool good, const struct strv *lines,
    const struct err *err)
{
	assert(err != NULL || lines != NULL);
	if (err == NULL && good)
		api_leave();
	check_over(ctx, good, lines, err);
}

void
api_post_reload(struct api_req *r)
{
	struct err err;
	bool dry, yes;

	if (api_param_flag(&r->target, "dry", &dry, &err) != 0 ||
	    api_param_flag(&r->target, "yes", &yes, &err) != 0)
		api_reply_err(r, &err);
	else
		act_reload(dry, yes, dry ? check_over : reload_over, r);
}
