/* Reading the configuration, at the start and again: a bad one changes
 * nothing; a good one goes to a new engine. One reload after the other. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf_read.h"
#include "daemon/log.h"
#include "daemon/master.h"

enum { VANISH_FEW = 10, VANISH_PART = 10, LINES = 100, LINE_BYTES = 1000 };

static struct {
	bool going;		/* until the new engine runs */
	struct conf *next;	/* taken meanwhile: it is in force then */
	bool again;		/* a signal came meanwhile */
} reload;

/* -d goes before what the files say; what is kept of them does not know it. */
static void
with_debug(struct master *m, struct conf *c)
{
	free(m->log_level);
	m->log_level = xstrdup(c->log_level);
	if (m->debug) {
		free(c->log_level);
		c->log_level = xstrdup("debug");
	}
}

static void
say_kept(const struct conf *c, struct strv *lines)
{
	const struct conf_problem *p;
	char line[LINE_BYTES];
	size_t i;

	for (i = 0; i < c->problems_n; i++) {
		p = &c->problems[i];
		/* Of a single certificate it is said already. */
		if (p->kept == 0 || p->title != NULL)
			continue;
		snprintf(line, sizeof(line), "%.700s: %u certificate%s of this "
		    "file go%s on with the last good settings", p->where,
		    p->kept, p->kept == 1 ? "" : "s", p->kept == 1 ? "es" :
		    "");
		strv_add(lines, line);
	}
}

struct conf *
reload_first(struct master *m, int *exit_code)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct conf *c;
	size_t i;

	assert(m->conf == NULL && exit_code != NULL);
	c = conf_read_first(m->file, last_find, m, poll_wall(), &diag);
	/* One certificate less is no reason to start none of the rest. */
	if (c != NULL) {
		keys_can_be_made(m, c, &diag.lines);
		say_kept(c, &diag.lines);
		with_debug(m, c);
	}
	for (i = 0; i < diag.lines.n; i++)
		log_line(c == NULL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s",
		    diag.lines.v[i]);
	strv_free(&diag.lines);
	*exit_code = c == NULL ? MASTER_EXIT_CONFIG : 0;
	return c;
}

/* What cannot change while we live in it. */
static bool
moves(const struct conf *a, const struct conf *b, struct strv *lines)
{
	bool same = strcmp(a->state_dir, b->state_dir) == 0 &&
	    strcmp(a->run_dir, b->run_dir) == 0;

	assert(a->state_dir != NULL && b->state_dir != NULL);
	if (!same)
		strv_add(lines, "state-dir and run-dir cannot change while "
		    "everleafd runs. Restart it, or put them back");
	return !same;
}

/* Many wishes gone at once are more often an accident than a wish. */
static bool
too_many_vanish(const struct conf *old, size_t gone, struct strv *lines)
{
	char line[256];

	assert(gone <= old->certs_n);
	if (gone <= VANISH_FEW || gone * 100 <= old->certs_n * VANISH_PART)
		return false;
	snprintf(line, sizeof(line), "%zu of %zu certificates are no longer "
	    "in the configuration and would be retired. If that is meant: "
	    "everleaf reload --yes", gone, old->certs_n);
	strv_add(lines, line);
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Everything that a token was told when it was started. */
static bool
same_tokens(const struct conf *a, const struct conf *b)
{
	const struct conf_ca *x, *y;

	if (!strv_same(&a->token_directories, &b->token_directories) ||
	    a->token_directories.n != b->token_directories.n ||
	    a->cas_n != b->cas_n)
		return false;
	for (x = a->cas, y = b->cas; x < a->cas + a->cas_n; x++, y++)
		if (!same_text(x->title, y->title) ||
		    !same_text(x->account_key, y->account_key) ||
		    !same_text(x->directory, y->directory) ||
		    !same_text(x->eab_key_file, y->eab_key_file))
			return false;
	return true;
}

/* From here on it is in force for us; the engine gets it as it is started
 * anew. */
static void
apply(struct master *m, struct conf *c)
{
	bool tokens = (conf_has_token(m->conf) || conf_has_token(c)) &&
	    !same_tokens(m->conf, c);

	assert(c != NULL && c != m->conf && !reload.going);
	conf_free(m->conf);
	with_debug(m, c);
	m->conf = c;
	rules_forget();
	last_keep(m);
	log_set_level(log_level_find(c->log_level));
	if (listen_change(m))
		children_new_responder(m);
	secrets_give(m);
	if (tokens)
		children_new_token(m);
	reload.going = true;
	notify_reloading();
	children_new_engine(m);
}

/* File against file: -d is in neither. */
static size_t
differs(struct master *m, const struct conf *c, struct strv *lines)
{
	char *in_force = m->conf->log_level;
	size_t gone;

	assert(m->log_level != NULL && c != m->conf);
	m->conf->log_level = m->log_level;
	gone = conf_diff(m->conf, c, lines);
	m->conf->log_level = in_force;
	return gone;
}

/* The new configuration if it may be taken; lines for people in any case. */
static struct conf *
consider(struct master *m, bool yes, struct strv *lines)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct conf *c = conf_read(m->file, m->conf, poll_wall(), &diag);
	size_t gone;

	assert(m->conf != NULL && lines->n == 0);
	*lines = diag.lines;
	if (c == NULL)
		return NULL;
	if (!keys_can_be_made(m, c, lines)) {
		conf_free(c);
		return NULL;
	}
	gone = differs(m, c, lines);
	if (!moves(m->conf, c, lines) &&
	    (yes || !too_many_vanish(m->conf, gone, lines)))
		return c;
	conf_free(c);
	return NULL;
}

static void
add_cut(struct strv *out, const char *text)
{
	char line[LINE_BYTES];

	snprintf(line, sizeof(line), "%s", text);
	strv_add(out, line);
}

/* As many lines, and as much of each, as a message takes. The last one stays:
 * there it says what is wrong. */
static struct strv
cut(const struct strv *lines)
{
	size_t all = lines->n, first = all <= LINES ? all : LINES - 2, i;
	struct strv out = { NULL, 0 };
	char line[64];

	for (i = 0; i < first; i++)
		add_cut(&out, lines->v[i]);
	if (first < all) {
		snprintf(line, sizeof(line), "... and %zu more lines",
		    all - first - 1);
		add_cut(&out, line);
		add_cut(&out, lines->v[all - 1]);
	}
	assert(out.n <= LINES);
	return out;
}

/* The answer goes out before the engine that waits for it is told to end. */
void
reload_asked(struct master *m, uint32_t id, const struct w_reload *r)
{
	struct strv lines = { NULL, 0 };
	struct conf *c = consider(m, r->yes, &lines);
	struct w_reloaded answer = { c != NULL, cut(&lines) };

	assert(m->conf != NULL);
	/* Before the engine is told to go: it passes the answer on. */
	requests_answer(m, m->engine, id, WIRE_RELOADED, &answer);
	if (c != NULL && !r->dry && !reload.going)
		apply(m, c);
	else if (c != NULL && !r->dry) {
		/* Not the files of later: nobody has said yes to those. */
		conf_free(reload.next);
		reload.next = c;
	} else
		conf_free(c);
	strv_free(&answer.lines);
	strv_free(&lines);
}

/* What is wrong is said last: before it come warnings. */
static void
tell_refused(struct master *m, const struct strv *lines)
{
	char line[LINE_BYTES];
	struct w_bad_conf w = { line };

	assert(lines->n > 0);
	snprintf(line, sizeof(line), "%s", lines->v[lines->n - 1]);
	child_send(&m->children[ROLE_ENGINE], WIRE_BAD_CONF, 0, &w, NULL, 0);
}

/* Nobody waits for an answer: it goes into the log, and what is wrong into the
 * history too, where people look who do not read logs. */
static void
reload_now(struct master *m)
{
	struct strv lines = { NULL, 0 };
	struct conf *c = consider(m, false, &lines);
	size_t i;

	assert(!reload.going && m->conf != NULL);
	for (i = 0; i < lines.n; i++)
		log_line(c == NULL ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "%s",
		    lines.v[i]);
	if (c == NULL) {
		log_error("the configuration was not reloaded; the old one "
		    "stays in force");
		tell_refused(m, &lines);
	} else
		apply(m, c);
	strv_free(&lines);
}

void
reload_signal(struct master *m)
{
	assert(m->conf != NULL);
	if (reload.going)
		reload.again = true;
	else
		reload_now(m);
}

void
reload_done(struct master *m)
{
	struct conf *next = reload.next;

	assert(m->conf != NULL);
	if (!reload.going)
		return;
	reload.going = false;
	reload.next = NULL;
	log_info("configuration reloaded");
	if (next != NULL)
		apply(m, next);
	else if (reload.again) {
		reload.again = false;
		reload_now(m);
	}
}
