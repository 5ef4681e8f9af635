/* Acts without an engine: a wish becomes a row, and what would follow becomes
 * events, one a tenth of a second, as an engine with a friendly CA (or, for
 * titles that begin with "bad", an unfriendly one) would tell them. */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/acts.h"
#include "daemon/engine.h"
#include "daemon/bundle.h"
#include "daemon/loop.h"
#include "daemon/turn.h"
#include "daemon/wish_json.h"
#include "tests/unit/stubs/acts.h"
#include "tests/unit/stubs/fixture.h"

#define S(text) ((char *)(uintptr_t)(text))
enum { STEP_MS = 100 };

struct story;
struct act {
	struct err err;
	act_done *done;
	put_done *put;
	remove_done *removed;
	bool under_way;
	enum put_result result;
	void *ctx;
};

/* What happens to one certificate after an act. */
struct story {
	struct story *next;
	char *name;
	int64_t id, version;
	const struct scene *at;
	struct loop_timer *timer;
};

struct scene {
	const char *event, *text, *service, *state;
	const char *iss_state;
	enum err_code code;
};

static const struct scene issue[] = {
	{ "version.installed", "placeholder in place", NULL, "new", "due", 0 },
	{ "order.started", "letsencrypt", NULL, "new", "ordering", 0 },
	{ "version.issued", "letsencrypt", NULL, "deploying", "idle", 0 },
	{ "service.reloaded", "checked, reloaded", "nginx", "deploying",
	  "idle", 0 },
	{ "endpoint.served", "served on 192.0.2.10:443", "nginx", "served",
	  "idle", 0 },
	{ NULL, NULL, NULL, NULL, NULL, 0 }
};
static const struct scene fail[] = {
	{ "order.started", "letsencrypt", NULL, "new", "ordering", 0 },
	{ "order.failed", NULL, NULL, "new", "failing", ERR_CAA },
	{ NULL, NULL, NULL, NULL, NULL, 0 }
};
static const struct scene take_back[] = {
	{ "order.unneeded", "the newest version is what is wished for again",
	  NULL, "served", "idle", 0 },
	{ NULL, NULL, NULL, NULL, NULL, 0 }
};
static const struct scene deploy[] = {
	{ "service.reloaded", "checked, reloaded", "nginx", "deploying",
	  "idle", 0 },
	{ "endpoint.served", "served on 192.0.2.10:443", "nginx", "served",
	  "idle", 0 },
	{ NULL, NULL, NULL, NULL, NULL, 0 }
};

static struct err acts_fail;
static bool acts_late, acts_bad_config;
static struct act *stuck;
static struct story *stories;

void
stub_acts_fail(const struct err *err)
{
	if (err != NULL)
		acts_fail = *err;
	else
		err_clear(&acts_fail);
}

void
stub_acts_bad_config(bool bad)
{
	acts_bad_config = bad;
}

void
stub_acts_never_answer(bool never)
{
	acts_late = never;
}

static void finish(void *ctx);

void
stub_acts_answer(void)
{
	finish(stuck);
	stuck = NULL;
}

static void
finish(void *ctx)
{
	struct act *a = ctx;
	const struct err *err = a->err.code != ERR_OK ? &a->err : NULL;

	if (a->put != NULL)
		a->put(a->ctx, a->result, err);
	else if (a->removed != NULL)
		a->removed(a->ctx, !a->under_way, err);
	else
		a->done(a->ctx, err);
	free(a);
}

static struct act *
act_new(act_done *done, void *ctx)
{
	struct act *a = xcalloc(1, sizeof(*a));

	a->done = done;
	a->ctx = ctx;
	a->err = acts_fail;
	return a;
}

/* --- stories -------------------------------------------------------------- */

static void
issued(struct row_cert *c, struct story *s)
{
	struct row_version v = { .cert_id = c->id, .version = s->version,
		.names = c->name, .ca = S("letsencrypt"), .key_type = S("") };

	v.issued_ms = v.not_before_ms = loop_now();
	v.not_after_ms = loop_now() + 90 * CONF_DAY;
	c->newest = c->installed = s->version;
	c->installed_gen++;
	c->not_after_ms = v.not_after_ms;
	batch_put(turn_batch(), T_VERSION, &v);
}

static void
play(void *ctx, struct bundle *b, const struct err *err)
{
	struct story *s = ctx;
	struct happening h = { .event = s->at->event, .cert_id = s->id,
		.name = s->name, .version = s->at->text != NULL &&
		strncmp(s->at->text, "placeholder", 11) == 0 ? 0 : s->version,
		.service = s->at->service, .text = s->at->text };
	struct row_cert c;
	struct err bad;

	if (err != NULL || b->cert == NULL)
		return;
	c = *b->cert;
	c.state = S(s->at->state);
	c.iss_state = S(s->at->iss_state);
	if (strcmp(s->at->event, "version.issued") == 0)
		issued(&c, s);
	if (s->at->code != ERR_OK) {
		err_set(&bad, s->at->code, "the CAA record of %s allows only "
		    "other.example", s->name);
		err_advise(&bad, "Add letsencrypt.org to it.");
		h.err = &bad;
	}
	batch_put(turn_batch(), T_CERT, &c);
	turn_event(&h);
	s->at++;
	if (s->at->event != NULL)
		loop_timer_after(s->timer, STEP_MS);
}

static void
next_scene(void *ctx)
{
	struct story *s = ctx;

	bundle_by_id(turn_store(), s->id, play, s);
}

static void
tell(const char *name, int64_t id, int64_t version, const struct scene *from)
{
	struct story *s = xcalloc(1, sizeof(*s));

	s->name = xstrdup(name);
	s->id = id;
	s->version = version;
	s->at = from;
	s->next = stories;
	stories = s;
	s->timer = loop_timer_new(next_scene, s);
	loop_timer_after(s->timer, STEP_MS);
}

void
stub_acts_free(void)
{
	struct story *s;

	while ((s = stories) != NULL) {
		stories = s->next;
		loop_timer_free(s->timer);
		free(s->name);
		free(s);
	}
}

/* --- acts.h --------------------------------------------------------------- */

struct put {
	struct act *a;
	char *name, *actor;
	const struct conf_wish *wish;
	const struct strv *labels;
	bool dry;
};

static void
put_rows(struct put *p, struct row_cert *c)
{
	struct happening h = { .event = p->a->result == PUT_MADE ?
		"wish.added" : "wish.changed", .cert_id = c->id,
		.name = p->name, .actor = p->actor };
	char *eq, *text = wish_text(p->wish);
	size_t i;

	c->wish = c->settings = text;
	batch_put(turn_batch(), T_CERT, c);
	for (i = 0; i < p->wish->names.n; i++) {
		struct row_ident id = { c->id, S("dns"), p->wish->names.v[i],
			(int64_t)i, 1, 0 };

		batch_put(turn_batch(), T_IDENT, &id);
	}
	for (i = 0; i < p->labels->n; i++) {
		struct row_label l = { c->id, xstrdup(p->labels->v[i]), NULL };

		eq = strchr(l.key, '=');
		*eq = '\0';
		l.value = eq + 1;
		batch_put(turn_batch(), T_LABEL, &l);
		free(l.key);
	}
	turn_event(&h);
	free(text);
}

static void
put_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct put *p = ctx;
	struct row_cert c = { .source = S("user"), .policy = S("default"),
		.state = S("new"), .iss_state = S("due"), .installed = -1 };
	static int64_t ids = 1000;
	char *text = wish_text(p->wish);

	(void)err;
	if (b->cert != NULL)
		c = *b->cert;
	p->a->result = b->cert == NULL ? PUT_MADE :
	    strcmp(c.wish, text) == 0 ? PUT_SAME : PUT_CHANGED;
	free(text);
	if (b->cert != NULL && strcmp(c.source, "file") == 0) {
		err_set(&p->a->err, ERR_SET_IN_FILE, "%s is set in %s",
		    p->name, c.where);
		err_advise(&p->a->err, "Change it there, then: everleaf "
		    "reload");
	} else if (!p->dry) {
		c.name = p->name;
		c.where = p->actor;
		c.id = b->cert == NULL ? ids++ : c.id;
		put_rows(p, &c);
		if (b->cert == NULL)
			tell(p->name, c.id, 1, strncmp(p->name, "bad", 3) == 0 ?
			    fail : issue);
		else if (p->a->result == PUT_CHANGED)
			tell(p->name, c.id, c.newest + 1, strncmp(p->name,
			    "back", 4) == 0 ? take_back : &issue[1]);
	}
	turn_after(finish, p->a);
	free(p->name);
	free(p->actor);
	free(p);
}

void
act_put(const char *name, const struct conf_wish *wish,
    const struct strv *labels, const char *actor, bool dry, put_done *done,
    void *ctx)
{
	struct put *p = xcalloc(1, sizeof(*p));

	p->a = act_new(NULL, ctx);
	p->a->put = done;
	p->name = xstrdup(name);
	p->actor = xstrdup(actor);
	p->wish = wish;
	p->labels = labels;
	p->dry = dry;
	bundle_by_name(turn_store(), name, put_read, p);
}

static void
remove_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;
	struct row_cert c;

	(void)err;
	if (strcmp(b->cert->source, "file") == 0)
		err_set(&a->err, ERR_SET_IN_FILE, "%s is set in %s",
		    b->cert->name, b->cert->where);
	else if (a->result == PUT_CHANGED)
		batch_del(turn_batch(), T_CERT, b->cert);
	else {
		c = *b->cert;
		c.state = S("retired");
		c.retired_ms = loop_now();
		batch_put(turn_batch(), T_CERT, &c);
	}
	turn_after(finish, a);
}

void
act_remove(const char *name, bool purge, const char *actor,
    remove_done *done, void *ctx)
{
	struct act *a = act_new(NULL, ctx);

	a->removed = done;
	a->under_way = strncmp(name, "slow.", 5) == 0;

	(void)actor;
	a->result = purge ? PUT_CHANGED : PUT_SAME;
	bundle_by_name(turn_store(), name, remove_read, a);
}

static void
renew_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;

	(void)err;
	if (a->err.code == ERR_OK)
		tell(b->cert->name, b->cert->id, b->cert->newest + 1,
		    &issue[1]);
	turn_after(finish, a);
}

void
act_renew(const char *name, bool new_key, bool force, const char *actor,
    act_done *done, void *ctx)
{
	struct act *a = act_new(done, ctx);

	(void)new_key;
	(void)actor;
	if (!force && strcmp(name, "blog.example") == 0) {
		err_set(&a->err, ERR_OWN_LIMIT, "blog.example is not due, and "
		    "its names have 4 of 5 orders a week behind them");
		a->err.retry_at_ms = FIXTURE_NOW + CONF_DAY;
	}
	bundle_by_name(turn_store(), name, renew_read, a);
}

static void
deploy_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct act *a = ctx;

	(void)err;
	tell(b->cert->name, b->cert->id, b->cert->newest, deploy);
	turn_after(finish, a);
}

void
act_deploy(const char *name, const char *service, const char *actor,
    act_done *done, void *ctx)
{
	struct act *a = act_new(done, ctx);

	(void)service;
	(void)actor;
	if (acts_late)
		stuck = a;
	else
		bundle_by_name(turn_store(), name != NULL ? name :
		    "shop.example", deploy_read, a);
}

void
act_test(const char *name, void (*done)(void *ctx, const struct strv *lines,
    bool good, const struct err *err), void *ctx)
{
	struct strv lines = { NULL, 0 };
	bool good = strcmp(name, "old.example") != 0;

	strv_add(&lines, good ? "port 80: our answer arrives" :
	    "port 80: www.old.example answered 404");
	done(ctx, &lines, good, NULL);
	strv_free(&lines);
}

/* It is over as soon as it has begun. */
int
act_trial(const char *name, const struct conf_wish *wish, const char *actor,
    struct act_trial *where, struct err *err)
{
	bool bad = strncmp(name, "bad", 3) == 0;
	struct happening h = { .event = "trial.started", .name = name,
		.actor = actor, .text = "letsencrypt-staging by http-01" };
	struct err why;

	(void)wish;
	where->ca = "letsencrypt";
	where->at = strncmp(name, "none", 4) == 0 ? NULL :
	    "letsencrypt-staging";
	if (strncmp(name, "busy", 4) == 0)
		return err_set(err, ERR_OWN_LIMIT, "%s: a trial is under way "
		    "already", name);
	if (where->at == NULL)
		return 0;
	turn_event(&h);
	h.event = bad ? "trial.failed" : "trial.done";
	h.text = bad ? "letsencrypt-staging saw: 192.0.2.9" :
	    "letsencrypt-staging: a certificate";
	err_set(&why, ERR_CAA, "the CAA record of %s allows only "
	    "other.example", name);
	err_advise(&why, "Add letsencrypt.org to it.");
	h.err = bad ? &why : NULL;
	turn_event(&h);
	return 0;
}

/* No operator has armed anything here. */
static void
unarmed(struct act *a, const char *what)
{
	if (a->err.code == ERR_OK)
		err_set(&a->err, ERR_NEEDS_OPERATOR, "%s: no operator has "
		    "allowed it", what);
	turn_after(finish, a);
}

void
act_revoke(const char *name, const struct act_revoke *how, const char *actor,
    act_done *done, void *ctx)
{
	struct act *a = act_new(done, ctx);

	(void)actor;
	if (how->at_once)
		unarmed(a, name);
	else
		turn_after(finish, a);
}

void
act_account(const char *ca, enum act_account what,
    const struct act_import *key, const char *actor, act_done *done, void *ctx)
{
	struct act *a = act_new(done, ctx);

	(void)actor;
	if (what == ACT_IMPORT && key->id == 0x1234)
		turn_after(finish, a);
	else
		unarmed(a, ca);
}

/* With a bad configuration our account there is closed. */
void
act_test_ca(const char *ca, void (*done)(void *ctx,
    const struct strv *lines, bool good, const struct err *err), void *ctx)
{
	struct strv lines = { NULL, 0 };

	strv_addf(&lines, 256, "%s answers", ca);
	if (acts_bad_config)
		strv_add(&lines, "account: the CA has closed it");
	done(ctx, &lines, !acts_bad_config, acts_fail.code != ERR_OK ?
	    &acts_fail : NULL);
	strv_free(&lines);
}

void
act_test_dns(const char *dns, const char *name, void (*done)(void *ctx,
    const struct strv *lines, bool good, const struct err *err), void *ctx)
{
	struct strv lines = { NULL, 0 };

	(void)dns;
	strv_add(&lines, name);
	done(ctx, &lines, true, NULL);
	strv_free(&lines);
}

const struct conf *
engine_conf(void)
{
	return fixture_conf();
}

int64_t
acts_started_ms(void)
{
	return fixture_ms("2026-11-09T03:00:00Z");
}

const char *
acts_security(void)
{
	return "mode: separate-users\nseccomp: on\nlandlock: ABI 3\n";
}

void
act_reload(bool dry, bool yes, void (*done)(void *ctx, bool good,
    const struct strv *lines, const struct err *err), void *ctx)
{
	struct strv lines = { NULL, 0 };

	(void)yes;
	strv_add(&lines, acts_bad_config ? "/etc/everleaf/everleaf.conf:7: "
	    "certificate \"shop.example\": no such key \"domains\". You want "
	    "\"names\"." : dry ? "+ beta.example: would be ordered" :
	    "+ beta.example: ordered");
	done(ctx, !acts_bad_config, &lines, NULL);
	strv_free(&lines);
}
