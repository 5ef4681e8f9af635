/* Running the programs of services and dns blocks: what and as whom from our
 * own configuration. A run has the engine's durable id, so that a new engine
 * joins what the old one began and no program runs twice for one wish. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "base/text.h"
#include "daemon/log.h"
#include "daemon/master.h"
#include "hooks/run.h"

/* Programs that write DNS wait long: they have room of their own. One that is
 * asked for a service may hold a whole message, so fewer of them may wait: an
 * engine that asks for more is not ours any more. */
enum { KEPT = 64, SERVICES_AT_ONCE = 8, DNS_AT_ONCE = 8,
	NAMES_MAX = 16 * 1024, SERVICES_WAITING_MAX = 256,
	DNS_WAITING_MAX = 4096 };

struct task {
	struct task *next;
	struct master *m;
	enum wire_kind kind;
	void *asked;			/* struct w_run or w_run_dns */
	uint64_t run;
	const char *who;		/* service or block, in asked */
	const char *what;		/* "check", "reload" ..., for the log */
	const char *record;		/* of a dns program */
	uint32_t id;			/* of the request to answer */
	unsigned engine;
	struct run *going;		/* NULL: waits, or is over */
	struct watch *watch;
	bool over;
	struct w_ran result;		/* if over */
};

static struct task *tasks;		/* in the order of asking */

/* --- the environment (interface.md section 8) -------------------------- */

void
program_env(struct strv *env, const char *name, const char *value)
{
	struct buf b;

	assert(name[0] != '\0' && strchr(name, '=') == NULL);
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

	assert(names->n == 0 || names->v != NULL);
	buf_init(&b, NAMES_MAX - 1);
	for (i = 0; i < names->n; i++) {
		if (i > 0)
			buf_putc(&b, ' ');
		buf_puts(&b, names->v[i]);
	}
	if (!b.full && b.len > 0)
		program_env(env, "NAMES", b.data);
	buf_free(&b);
}

/* interface.md section 8; what is about one certificate is said only when it
 * is about one. */
static struct strv
environment(const struct master *m, const struct w_run *w)
{
	static const char *const events[] = {
		[RUN_DEPLOY] = "deploy", [RUN_ROLLBACK] = "rollback"
	};
	struct strv env = { NULL, 0 };
	char text[4096];

	assert(w->event < sizeof(events) / sizeof(events[0]));
	program_env(&env, "EVENT", events[w->event]);
	program_env(&env, "SERVICE", w->service);
	snprintf(text, sizeof(text), "%u", w->count);
	program_env(&env, "COUNT", text);
	if (w->count != 1 || w->name[0] == '\0')
		return env;
	program_env(&env, "NAME", w->name);
	snprintf(text, sizeof(text), "%s/live/%s", m->conf->state_dir, w->name);
	program_env(&env, "DIR", text);
	add_names(&env, &w->names);
	return env;
}

/* --- the end of a run -------------------------------------------------- */

static void
why(struct w_ran *r, const struct err *err)
{
	char text[ERR_TEXT_MAX + ERR_ADVICE_MAX + 4];

	assert(err->code != ERR_OK && r->why == NULL);
	snprintf(text, sizeof(text), "%s%s%s", err->text,
	    err->advice[0] != '\0' ? ". " : "", err->advice);
	r->why = xstrdup(text);
	r->code_name = xstrdup(err_code_name(err->code));
}

static void
refused(struct task *t, const struct err *err)
{
	assert(!t->over && t->going == NULL);
	t->over = true;
	t->result.run = t->run;
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
	    "of its block");
	why(r, &err);
}

static void
note_end(struct task *t, enum run_end end)
{
	static const enum ran_how hows[] = {
		[RUN_EXITED] = RAN_EXITED, [RUN_SIGNALLED] = RAN_SIGNALLED,
		[RUN_TIMED_OUT] = RAN_TIMEOUT, [RUN_REFUSED] = RAN_REFUSED
	};
	const struct buf *out = run_output(t->going);
	struct w_ran *r = &t->result;

	assert(!t->over && t->going != NULL && end != RUN_GOING);
	assert((size_t)end < sizeof(hows) / sizeof(hows[0]));
	t->over = true;
	r->run = t->run;
	r->how = (uint8_t)hows[end];
	r->code = (uint32_t)run_code(t->going);
	r->left_behind = (uint32_t)run_left_behind(t->going);
	r->took_ms = run_took(t->going);
	r->output = blob_copy(out->data, out->len);
	if (end == RUN_TIMED_OUT)
		timed_out(r, r->took_ms);
	else if (end == RUN_REFUSED)
		why(r, run_err(t->going));
	log_debug("%s of %s: %s %u after %lld ms, %u left behind",
	    t->what, t->who,
	    end == RUN_EXITED ? "exit" : "end", r->code,
	    (long long)r->took_ms, r->left_behind);
}

static void
task_free(struct task *t)
{
	assert(t->asked != NULL);
	watch_free(t->watch);
	run_free(t->going);
	msg_free(msg_find(wire_specs, (uint16_t)t->kind), t->asked);
	free(t->asked);
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
	assert(t->over);
	requests_answer(t->m, t->engine, t->id, WIRE_RAN, &t->result);
}

/* A flip may have waited for the end of this one, and so may other programs. */
static void
on_end(void *ctx)
{
	struct task *t = ctx;
	struct master *m = t->m;
	enum run_end end = run_go(t->going);

	assert(t->going != NULL && t->watch != NULL);
	if (end == RUN_GOING)
		return;
	watch_free(t->watch);
	t->watch = NULL;
	note_end(t, end);
	run_free(t->going);
	t->going = NULL;
	answer(t);
	jobs_go(m);
	runs_go(m);
}

/* --- the start of a run ------------------------------------------------ */

void
program_free(struct program *p)
{
	strv_free(&p->argv);
	strv_free(&p->env);
	free(p->input_text);
}

static int
service_program(const struct master *m, const struct w_run *w,
    struct program *out, struct err *err)
{
	const struct conf_service *s = conf_service(m->conf, w->service);
	const struct strv *argv = s == NULL ? NULL :
	    w->what == RUN_CHECK ? &s->check : &s->reload;

	assert(out->argv.n == 0);
	if (argv == NULL || argv->n == 0)
		return err_set(err, ERR_NO_SUCH, "service %s has no %s in the "
		    "configuration", w->service,
		    w->what == RUN_CHECK ? "check" : "reload");
	out->argv = strv_copy(argv);
	out->env = environment(m, w);
	out->input = w->input;
	out->user = s->user;
	out->timeout_ms = s->timeout_ms;
	return 0;
}

static void
start(struct task *t)
{
	struct program p = { .argv = { NULL, 0 } };
	struct run_spec spec;
	struct err err;
	int rc;

	assert(!t->over && t->going == NULL);
	rc = t->kind == WIRE_RUN ?
	    service_program(t->m, t->asked, &p, &err) :
	    run_dns_program(t->m, t->asked, &p, &err);
	if (rc == 0) {
		spec = (struct run_spec){ .argv = &p.argv, .env = &p.env,
			.input = p.input, .user = p.user,
			.timeout_ms = p.timeout_ms };
		t->going = run_start(&spec, &err);
	}
	program_free(&p);
	if (t->going == NULL)
		refused(t, &err);
	else
		t->watch = watch_new(run_pid_fd(t->going), on_end, t);
}

/* Two that would be in each other's way: of one service, or at one record. */
static bool
collide(const struct task *a, const struct task *b)
{
	assert(a->who != NULL && b->who != NULL);
	return a->kind == b->kind && strcmp(a->who, b->who) == 0 &&
	    (a->record == NULL || strcmp(a->record, b->record) == 0);
}

/* How many more of this kind may go. */
static int
room(enum wire_kind kind)
{
	int n = kind == WIRE_RUN ? SERVICES_AT_ONCE : DNS_AT_ONCE;
	const struct task *t;

	/* A flip that waits must not wait for ever. */
	if (kind == WIRE_RUN && jobs_flip_waits())
		return 0;
	for (t = tasks; t != NULL; t = t->next)
		n -= t->going != NULL && t->kind == kind;
	return n;
}

static bool
is_in_the_way(const struct task *t)
{
	const struct task *o;

	assert(!t->over);
	for (o = tasks; o != NULL; o = o->next)
		if (o->going != NULL && collide(o, t))
			return true;
	return false;
}

/* In the order of asking, but one that is in another's way holds up nobody
 * else. */
void
runs_go(struct master *m)
{
	struct task *t;
	int services, dns, *left;

	if (m->stopping)
		return;
	services = room(WIRE_RUN);
	dns = room(WIRE_RUN_DNS);
	for (t = tasks; t != NULL; t = t->next) {
		left = t->kind == WIRE_RUN ? &services : &dns;
		if (t->over || t->going != NULL || *left <= 0 ||
		    is_in_the_way(t))
			continue;
		assert(*left > 0);
		start(t);
		*left -= t->going != NULL;
		if (t->over)
			answer(t);
	}
	forget_old();
}

static struct task *
find(uint64_t run)
{
	struct task *t;

	for (t = tasks; t != NULL; t = t->next)
		if (t->run == run)
			return t;
	return NULL;
}

static int
not_over(enum wire_kind kind)
{
	const struct task *t;
	int n = 0;

	for (t = tasks; t != NULL; t = t->next)
		n += !t->over && t->kind == kind;
	return n;
}

/* What the message says, or -1 if it is no run that there is. Its names become
 * words in the environment of a program that may be root's. */
static int
describe(struct task *t)
{
	static const char *const services[] = { NULL, "check", "reload" };
	static const char *const dns[] = { NULL, "add", "remove" };
	const struct w_run_dns *d = t->asked;
	const struct w_run *s = t->asked;

	assert(t->asked != NULL && t->who == NULL);
	if (t->kind == WIRE_RUN_DNS) {
		t->run = d->run;
		t->who = d->dns;
		t->record = d->record;
		t->what = d->what >= RUN_DNS_ADD && d->what <= RUN_DNS_REMOVE ?
		    dns[d->what] : NULL;
		/* A program may look for a record by its value: nothing would
		 * be any of them. */
		return t->what != NULL && *d->record != '\0' &&
		    *d->value != '\0' ? 0 : -1;
	}
	assert(t->kind == WIRE_RUN);
	t->run = s->run;
	t->who = s->service;
	t->what = s->what >= RUN_CHECK && s->what <= RUN_RELOAD ?
	    services[s->what] : NULL;
	return t->what != NULL && s->event >= RUN_DEPLOY &&
	    s->event <= RUN_ROLLBACK && name_all_canonical(&s->names) ? 0 : -1;
}

/* A run that is known by its id is joined: its program is not started a
 * second time. */
void
runs_add(struct master *m, uint32_t id, enum wire_kind kind, void *st)
{
	struct task *t = xcalloc(1, sizeof(*t)), *known, **end = &tasks;
	int most = kind == WIRE_RUN ? SERVICES_WAITING_MAX : DNS_WAITING_MAX;
	struct err err;

	assert(st != NULL);
	t->m = m;
	t->kind = kind;
	t->asked = st;
	if (describe(t) != 0) {
		err_set(&err, ERR_INTERNAL, "a run of no known kind");
		requests_refuse(m, m->engine, id, &err);
		task_free(t);
		return;
	}
	known = find(t->run);
	if (known == NULL && not_over(kind) >= most) {
		err_set(&err, ERR_OWN_LIMIT, "%d programs wait already to be "
		    "run", most);
		requests_refuse(m, m->engine, id, &err);
		task_free(t);
		return;
	}
	if (known != NULL) {
		task_free(t);
		t = known;
	} else {
		while (*end != NULL)
			end = &(*end)->next;
		*end = t;
	}
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
		if (t->going != NULL && t->kind == WIRE_RUN)
			return true;
	return false;
}

void
runs_stop(void)
{
	struct task *t;

	for (t = tasks; t != NULL; t = t->next)
		if (t->going != NULL)
			run_stop(t->going);
}
