/* Running check and reload of services: program and user from our own
 * configuration. A run has the engine's durable id, so that a new engine
 * joins what the old one began and no program runs twice for one wish. */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/log.h"
#include "daemon/master.h"
#include "hooks/run.h"

enum { KEPT = 64, AT_ONCE = 8, NAMES_MAX = 16 * 1024 };

struct task {
	struct task *next;
	struct master *m;
	struct w_run w;			/* what was asked */
	uint32_t id;			/* of the request to answer */
	unsigned engine;
	struct run *run;		/* NULL: waits, or is over */
	struct watch *watch;
	bool over;
	struct w_ran result;		/* if over */
};

static struct task *tasks;		/* in the order of asking */

/* --- the environment (interface.md section 8) -------------------------- */

static void
add_env(struct strv *env, const char *name, const char *value)
{
	struct buf b;

	buf_init(&b, NAMES_MAX + 128);
	if (buf_printf(&b, "EVERLEAF_%s=%s", name, value))
		strv_add(env, b.data);
	buf_free(&b);
}

static void
add_names(struct strv *env, const struct strv *names)
{
	struct buf b;
	size_t i;

	buf_init(&b, NAMES_MAX - 1);
	for (i = 0; i < names->n; i++) {
		if (i > 0)
			buf_putc(&b, ' ');
		buf_puts(&b, names->v[i]);
	}
	if (!b.full && b.len > 0)
		add_env(env, "NAMES", b.data);
	buf_free(&b);
}

static struct strv
environment(const struct master *m, const struct w_run *w)
{
	static const char *const events[] = {
		[RUN_DEPLOY] = "deploy", [RUN_ROLLBACK] = "rollback",
		[RUN_TEST] = "test"
	};
	struct strv env = { NULL, 0 };
	char text[4096];

	add_env(&env, "EVENT", events[w->event]);
	add_env(&env, "SERVICE", w->service);
	snprintf(text, sizeof(text), "%u", w->count);
	add_env(&env, "COUNT", text);
	if (w->count != 1 || w->name[0] == '\0')
		return env;
	add_env(&env, "NAME", w->name);
	snprintf(text, sizeof(text), "%s/live/%s", m->conf->state_dir, w->name);
	add_env(&env, "DIR", text);
	add_names(&env, &w->names);
	return env;
}

/* --- the end of a run -------------------------------------------------- */

static void
why(struct w_ran *r, const struct err *err)
{
	char text[ERR_TEXT_MAX + ERR_ADVICE_MAX + 4];

	snprintf(text, sizeof(text), "%s%s%s", err->text,
	    err->advice[0] != '\0' ? ". " : "", err->advice);
	r->why = xstrdup(text);
	r->code_name = xstrdup(err_code_name(err->code));
}

static void
refused(struct task *t, const struct err *err)
{
	t->over = true;
	t->result.run = t->w.run;
	t->result.how = RAN_REFUSED;
	why(&t->result, err);
}

static void
timed_out(struct w_ran *r, int64_t took)
{
	struct err err;
	char span[32];

	text_span(span, took);
	err_set(&err, ERR_HOOK_TIMEOUT, "it was not done after %s and was "
	    "killed", span);
	err_advise(&err, "Run it by hand; if it needs longer, set \"timeout\" "
	    "of the service");
	why(r, &err);
}

static void
note_end(struct task *t, enum run_end end)
{
	static const enum ran_how hows[] = {
		[RUN_EXITED] = RAN_EXITED, [RUN_SIGNALLED] = RAN_SIGNALLED,
		[RUN_TIMED_OUT] = RAN_TIMEOUT, [RUN_REFUSED] = RAN_REFUSED
	};
	const struct buf *out = run_output(t->run);
	struct w_ran *r = &t->result;

	t->over = true;
	r->run = t->w.run;
	r->how = (uint8_t)hows[end];
	r->code = (uint32_t)run_code(t->run);
	r->left_behind = (uint32_t)run_left_behind(t->run);
	r->took_ms = run_took(t->run);
	r->output = blob_copy(out->data, out->len);
	if (end == RUN_TIMED_OUT)
		timed_out(r, r->took_ms);
	else if (end == RUN_REFUSED)
		why(r, run_err(t->run));
	log_debug("%s of service %s: %s %u after %lld ms, %u left behind",
	    t->w.what == RUN_CHECK ? "check" : "reload", t->w.service,
	    end == RUN_EXITED ? "exit" : "end", r->code,
	    (long long)r->took_ms, r->left_behind);
}

static void
task_free(struct task *t)
{
	watch_free(t->watch);
	run_free(t->run);
	msg_free(msg_find(wire_specs, WIRE_RUN), &t->w);
	msg_free(msg_find(wire_specs, WIRE_RAN), &t->result);
	free(t);
}

/* The last results stay, for an engine that comes back and asks. */
static void
forget_old(void)
{
	struct task **t, *old;
	int n = 0;

	for (t = &tasks; *t != NULL; t = &(*t)->next)
		n += (*t)->over;
	for (t = &tasks; *t != NULL && n > KEPT; ) {
		old = *t;
		if (!old->over) {
			t = &old->next;
			continue;
		}
		*t = old->next;
		task_free(old);
		n--;
	}
}

static void
answer(struct task *t)
{
	requests_answer(t->m, t->engine, t->id, WIRE_RAN, &t->result);
}

static void
on_end(void *ctx)
{
	struct task *t = ctx;
	struct master *m = t->m;
	enum run_end end = run_go(t->run);

	if (end == RUN_GOING)
		return;
	watch_free(t->watch);
	t->watch = NULL;
	note_end(t, end);
	run_free(t->run);
	t->run = NULL;
	answer(t);
	forget_old();
	jobs_go(m);
	runs_go(m);
}

/* --- the start of a run ------------------------------------------------ */

static const struct strv *
program_of(const struct conf_service *s, uint8_t what)
{
	return what == RUN_CHECK ? &s->check : &s->reload;
}

static void
start(struct task *t)
{
	const struct conf_service *s = conf_service(t->m->conf, t->w.service);
	struct run_spec spec = { .input = t->w.input };
	struct strv env;
	struct err err;

	if (s == NULL || program_of(s, t->w.what)->n == 0) {
		err_set(&err, ERR_NO_SUCH, "service %s has no %s in the "
		    "configuration", t->w.service,
		    t->w.what == RUN_CHECK ? "check" : "reload");
		refused(t, &err);
		return;
	}
	env = environment(t->m, &t->w);
	spec.argv = program_of(s, t->w.what);
	spec.env = &env;
	spec.user = s->user;
	spec.timeout_ms = s->timeout_ms;
	t->run = run_start(&spec, &err);
	strv_free(&env);
	if (t->run == NULL)
		refused(t, &err);
	else
		t->watch = watch_new(run_pid_fd(t->run), on_end, t);
}

/* One program of a service at a time, and a few of all of them. */
static bool
may_start(const struct task *t)
{
	const struct task *o;
	int going = 0;

	for (o = tasks; o != NULL; o = o->next) {
		if (o->run == NULL)
			continue;
		going++;
		if (strcmp(o->w.service, t->w.service) == 0)
			return false;
	}
	return going < AT_ONCE;
}

void
runs_go(struct master *m)
{
	struct task *t;

	/* A flip that waits must not wait for ever. */
	if (jobs_flip_waits() || m->stopping)
		return;
	for (t = tasks; t != NULL; t = t->next) {
		if (t->over || t->run != NULL || !may_start(t))
			continue;
		start(t);
		if (t->over)
			answer(t);
	}
}

static struct task *
find(uint64_t run)
{
	struct task *t;

	for (t = tasks; t != NULL; t = t->next)
		if (t->w.run == run)
			return t;
	return NULL;
}

static struct task *
task_new(struct master *m, const struct w_run *w)
{
	struct task *t = xcalloc(1, sizeof(*t)), **end = &tasks;

	t->m = m;
	t->w = *w;
	t->w.service = xstrdup(w->service);
	t->w.name = xstrdup(w->name);
	t->w.names = strv_copy(&w->names);
	t->w.input = blob_copy(w->input.p, w->input.len);
	while (*end != NULL)
		end = &(*end)->next;
	*end = t;
	return t;
}

void
runs_add(struct master *m, uint32_t id, const struct w_run *w)
{
	struct task *t = find(w->run);
	struct err err;

	if (w->what < RUN_CHECK || w->what > RUN_RELOAD ||
	    w->event < RUN_DEPLOY || w->event > RUN_TEST) {
		err_set(&err, ERR_INTERNAL, "a run of no known kind");
		requests_refuse(m, m->engine, id, &err);
		return;
	}
	if (t == NULL)
		t = task_new(m, w);
	t->id = id;
	t->engine = m->engine;
	if (t->over)
		answer(t);
	else
		runs_go(m);
}

bool
runs_going(void)
{
	const struct task *t;

	for (t = tasks; t != NULL; t = t->next)
		if (t->run != NULL)
			return true;
	return false;
}

void
runs_stop(void)
{
	struct task *t;

	for (t = tasks; t != NULL; t = t->next)
		if (t->run != NULL)
			run_stop(t->run);
}
