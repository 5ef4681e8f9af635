/* The work on installed files, one job at a time, in the order of asking.
 * A generation goes: our rules, the keeper opens the key, everything is
 * staged, the verifier looks at it, it gets its name, it goes live. The live
 * link never moves while a service's program runs: it might read half of the
 * old and half of the new. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>
#include "daemon/log.h"
#include "daemon/master.h"
#include "hooks/generation.h"

/* An engine has 4 installs under way at most, and the others are small: one
 * that asks for more than this is not ours any more, and must not fill the
 * master's memory. */
enum { PATIENCE_MS = 30 * 1000, INSTALLS_MAX = 256, OTHERS_MAX = 65536 };

enum step { BEGIN, OPENING, VERIFYING, FLIPPING };

struct job {
	struct job *next;
	enum wire_kind kind;
	uint32_t id;			/* the engine's, for the answer */
	unsigned engine;
	uint32_t serial;		/* ours, to keeper and verifier */
	enum step step;
	void *st;			/* w_install, w_generation, w_purge */
	uint64_t cert;
	uint32_t gen;
	struct rules rules;
	bool whole;			/* it has its name already */
	bool staged_again;
};

static struct job *first, **last = &first;
static int installs, others;		/* in that list */
static struct alarm *patience;
static uint32_t serials;

static void go(struct master *m);

/* --- the end of a job -------------------------------------------------- */

static int *
count_of(enum wire_kind kind)
{
	assert(kind == WIRE_INSTALL || kind == WIRE_FLIP ||
	    kind == WIRE_PRUNE || kind == WIRE_PURGE);
	return kind == WIRE_INSTALL ? &installs : &others;
}

static void
drop_first(void)
{
	struct job *j = first;

	assert(j != NULL && patience != NULL);
	first = j->next;
	if (first == NULL)
		last = &first;
	*count_of(j->kind) -= 1;
	assert(installs >= 0 && others >= 0);
	msg_free(msg_find(wire_specs, (uint16_t)j->kind), j->st);
	free(j->st);
	free(j);
	alarm_stop(patience);
}

static void
done(struct master *m)
{
	struct w_empty w = { 0 };

	assert(first != NULL);
	requests_answer(m, first->engine, first->id, WIRE_OK, &w);
	drop_first();
}

/* What was staged goes; what is whole stays, and may be tried again. */
static void
fail(struct master *m, struct err *err)
{
	struct err ignored;

	assert(first != NULL && err->code != ERR_OK);
	if (first->kind == WIRE_INSTALL)
		generation_abandon(m->state, first->cert, first->gen,
		    &ignored);
	requests_refuse(m, first->engine, first->id, err);
	drop_first();
}

static void
too_long(void *ctx)
{
	struct master *m = ctx;
	bool opening = first != NULL && first->step == OPENING;
	struct err err;

	if (first == NULL || (!opening && first->step != VERIFYING))
		return;
	log_error("the %s has not answered for 30 s: it is killed",
	    opening ? "keeper" : "verifier");
	err_set(&err, opening ? ERR_KEEPER : ERR_VERIFY_FAILED,
	    "the %s did not answer", opening ? "keeper" : "verifier");
	child_kill(&m->children[opening ? ROLE_KEEPER : ROLE_VERIFIER], 9);
	fail(m, &err);
	go(m);
}

/* --- the steps of a generation ----------------------------------------- */

static int
ask_keeper(struct master *m, struct job *j, struct err *err)
{
	const struct w_install *w = j->st;
	const struct w_open open = { w->cert, w->version, w->sealed };

	assert(j == first && j->kind == WIRE_INSTALL && patience != NULL);
	j->step = OPENING;
	j->serial = ++serials;
	alarm_after(patience, PATIENCE_MS);
	if (child_send(&m->children[ROLE_KEEPER], WIRE_OPEN, j->serial, &open,
	    NULL, 0))
		return 0;
	err_set(err, ERR_KEEPER, "the keeper does not run at the moment");
	return err_advise(err, "It is started again and this is tried again");
}

/* What the verifier is to expect. A flip goes to what has passed before: its
 * names and its CA were right then, but it may have expired. */
static int
ask_verifier(struct master *m, struct job *j, struct err *err)
{
	const struct w_install *w = j->kind == WIRE_INSTALL ? j->st : NULL;
	struct w_verify v = { .any_names = w == NULL, .now_ms = poll_wall(),
		.allow_test_ca = 1 };
	int fds[5], i, n = 5;
	bool sent;

	assert(j == first && (j->kind == WIRE_INSTALL || j->kind == WIRE_FLIP));
	if (w != NULL) {
		v.names = w->names;
		v.placeholder = w->placeholder;
		v.allow_test_ca = j->rules.allow_test_ca;
	}
	if (generation_open(m->state, j->cert, j->gen, j->whole, fds, err) != 0)
		return -1;
	j->step = VERIFYING;
	j->serial = ++serials;
	alarm_after(patience, PATIENCE_MS);
	v.own_key = fds[4] < 0;
	n -= v.own_key;
	sent = child_send(&m->children[ROLE_VERIFIER], WIRE_VERIFY, j->serial,
	    &v, fds, n);
	for (i = 0; i < n; i++)
		close(fds[i]);
	return sent ? 0 : err_set(err, ERR_VERIFY_FAILED, "the verifier does "
	    "not run at the moment");
}

static int
begin_flip(struct master *m, struct job *j, struct err *err)
{
	assert(j == first && j->kind == WIRE_FLIP && j->step == BEGIN);
	j->whole = true;
	return ask_verifier(m, j, err);
}

/* With a key, or the CSR that says whose it is. The key lies in a file from
 * here on, in a folder without a name that anybody knows. */
static int
stage(struct master *m, struct job *j, const struct blob *key,
    const struct blob *csr, struct err *err)
{
	const struct w_install *w = j->st;
	const struct generation g = { .cert = w->cert, .gen = w->gen,
		.key = *key, .csr = *csr, .leaf = w->leaf, .chain = w->chain,
		.meta = w->meta, .uid = geteuid(), .gid = j->rules.gid,
		.key_mode = j->rules.key_mode };

	assert(j->kind == WIRE_INSTALL &&
	    (j->step == OPENING) == (key->len > 0));
	return generation_stage(m->state, &g, &j->whole, err);
}

/* The CSR is the one in our own configuration, never the engine's: without a
 * key it is what ties the certificate to somebody. */
static int
prepare(struct master *m, struct job *j, struct err *err)
{
	static const struct blob no_key;
	const struct w_install *w = j->st;
	const struct blob *csr;

	if (w->sealed.len > 0)
		return ask_keeper(m, j, err);
	csr = rules_csr(m, w, err);
	if (csr == NULL || stage(m, j, &no_key, csr, err) != 0)
		return -1;
	return ask_verifier(m, j, err);
}

/* The rules of now, and not those of when it was asked: a reload may have
 * come in between. */
static int
begin_install(struct master *m, struct job *j, struct err *err)
{
	assert(j == first && j->step == BEGIN);
	if (rules_for(m, j->st, &j->rules, err) != 0)
		return -1;
	return prepare(m, j, err);
}

static int
finish(struct master *m, struct job *j, struct err *err)
{
	const struct w_install *w = j->st;

	assert(j == first && j->step == VERIFYING);
	if (j->kind == WIRE_INSTALL &&
	    (generation_finish(m->state, j->cert, j->gen, err) != 0 ||
	    generation_alias(m->state, j->cert, w->name, err) != 0))
		return -1;
	if (j->kind == WIRE_INSTALL)
		rules_own(m, j->cert, w->name);
	j->step = FLIPPING;
	return 0;
}

/* A whole generation that does not pass was damaged after it was made. If
 * nobody serves it, it is made once more. */
static bool
make_again(struct master *m, struct job *j)
{
	struct err ignored;
	uint32_t live;

	assert(j == first && j->step == VERIFYING);
	if (j->kind != WIRE_INSTALL || !j->whole || j->staged_again ||
	    generation_live(m->state, j->cert, &live, &ignored) != 0 ||
	    live == j->gen ||
	    generation_prune(m->state, j->cert, j->gen, &ignored) != 0)
		return false;
	j->staged_again = true;
	return prepare(m, j, &ignored) == 0;
}

/* --- answers ----------------------------------------------------------- */

/* Answers to what was given up meanwhile are nobody's: each question has a
 * number of its own. */
static struct job *
waiting_for(uint32_t serial, enum step step)
{
	assert(step == OPENING || step == VERIFYING);
	return first != NULL && first->serial == serial &&
	    first->step == step ? first : NULL;
}

void
jobs_opened(struct master *m, uint32_t id, struct w_opened *o)
{
	static const struct blob no_csr;
	struct job *j = waiting_for(id, OPENING);
	const struct w_install *w = j != NULL ? j->st : NULL;
	struct err err;
	int rc;

	if (j == NULL)
		return;
	assert(j == first && j->kind == WIRE_INSTALL);
	if (o->cert != w->cert || o->version != w->version) {
		child_broke_rule(&m->children[ROLE_KEEPER], "it opened another "
		    "key");
		err_set(&err, ERR_KEEPER, "the keeper opened another key");
		rc = -1;
	} else if (o->key.len == 0)
		rc = err_set(&err, ERR_KEEPER, "the keeper opened no key");
	else
		rc = stage(m, j, &o->key, &no_csr, &err);
	blob_wipe(&o->key);
	if (rc != 0 || ask_verifier(m, j, &err) != 0)
		fail(m, &err);
	go(m);
}

void
jobs_verdict(struct master *m, uint32_t id, const struct w_verdict *v)
{
	struct job *j = waiting_for(id, VERIFYING);
	struct err err;

	if (j == NULL)
		return;
	alarm_stop(patience);
	assert(j == first);
	if (v->verdict != VERDICT_FINE) {
		if (make_again(m, j))
			return;
		err_set(&err, ERR_VERIFY_FAILED, "generation %06u was not "
		    "installed: %s", j->gen, verdict_text(v->verdict));
		fail(m, &err);
	} else if (finish(m, j, &err) != 0)
		fail(m, &err);
	go(m);
}

void
jobs_failed(struct master *m, uint32_t id, const struct w_failed *f)
{
	struct err err;

	if (waiting_for(id, OPENING) == NULL &&
	    waiting_for(id, VERIFYING) == NULL)
		return;
	assert(first != NULL);
	wire_failed_err(f, &err);
	fail(m, &err);
	go(m);
}

void
jobs_child_gone(struct master *m, enum role role)
{
	enum step step = role == ROLE_KEEPER ? OPENING : VERIFYING;
	struct err err;

	if ((role != ROLE_KEEPER && role != ROLE_VERIFIER) || first == NULL ||
	    first->step != step)
		return;
	err_set(&err, step == OPENING ? ERR_KEEPER : ERR_VERIFY_FAILED,
	    "the %s ended before it answered",
	    step == OPENING ? "keeper" : "verifier");
	fail(m, &err);
	go(m);
}

/* --- the queue --------------------------------------------------------- */

/* What our own files wish for is not removed, whoever asks. */
static int
purge(struct master *m, struct job *j, struct err *err)
{
	const struct w_purge *w = j->st;
	const struct conf_cert *owner = rules_owner(m, w->cert);

	assert(j->kind == WIRE_PURGE);
	if (owner != NULL) {
		err_set(err, ERR_INVALID, "certificate %s is not removed: %s "
		    "wishes for it", owner->title, owner->where);
		return err_advise(err, "Take it out there first, then: "
		    "everleaf reload");
	}
	if (rules_left_out(m, w->cert, err) != 0)
		return -1;
	return generation_purge(m->state, w->cert, w->name, err);
}

/* Starts the first job; 0: it waits for somebody, 1: it is done. */
static int
begin(struct master *m, struct job *j, struct err *err)
{
	assert(j == first && j->step == BEGIN);
	if (j->kind == WIRE_INSTALL)
		return begin_install(m, j, err);
	if (j->kind == WIRE_FLIP)
		return begin_flip(m, j, err);
	if ((j->kind == WIRE_PRUNE ?
	    generation_prune(m->state, j->cert, j->gen, err) :
	    purge(m, j, err)) != 0)
		return -1;
	return 1;
}

static void
flip(struct master *m, struct job *j)
{
	struct err err;

	assert(j == first && j->step == FLIPPING && !runs_going());
	if (generation_flip(m->state, j->cert, j->gen, &err) == 0)
		done(m);
	else
		fail(m, &err);
}

/* As far as it goes without waiting. */
static void
go(struct master *m)
{
	struct err err;
	int rc;

	while (first != NULL) {
		if (first->step == FLIPPING) {
			if (runs_going())
				return;
			flip(m, first);
			runs_go(m);
			continue;
		}
		if (first->step != BEGIN)
			return;
		rc = begin(m, first, &err);
		if (rc < 0)
			fail(m, &err);
		else if (rc > 0)
			done(m);
	}
}

void
jobs_go(struct master *m)
{
	go(m);
}

static void
fill(struct job *j)
{
	const struct w_install *install = j->st;
	const struct w_generation *g = j->st;
	const struct w_purge *p = j->st;

	assert(j->st != NULL);
	j->cert = j->kind == WIRE_INSTALL ? install->cert :
	    j->kind == WIRE_PURGE ? p->cert : g->cert;
	j->gen = j->kind == WIRE_INSTALL ? install->gen :
	    j->kind == WIRE_PURGE ? 0 : g->gen;
}

/* st is the job's from here on, also when it is refused. */
void
jobs_add(struct master *m, enum wire_kind kind, uint32_t id, void *st)
{
	struct job *j;
	struct err err;

	assert(st != NULL);
	if (installs >= INSTALLS_MAX || others >= OTHERS_MAX) {
		err_set(&err, ERR_INTERNAL, "the master has too much to do");
		requests_refuse(m, m->engine, id, &err);
		msg_free(msg_find(wire_specs, (uint16_t)kind), st);
		free(st);
		return;
	}
	if (patience == NULL)
		patience = alarm_new(too_long, m);
	j = xcalloc(1, sizeof(*j));
	*count_of(kind) += 1;
	assert(installs + others > 0);
	j->kind = kind;
	j->id = id;
	j->engine = m->engine;
	j->st = st;
	fill(j);
	*last = j;
	last = &j->next;
	go(m);
}

bool
jobs_flip_waits(void)
{
	return first != NULL && first->step == FLIPPING;
}

bool
jobs_work_on(uint64_t cert)
{
	assert(first == NULL || first->st != NULL);
	return first != NULL && first->cert == cert;
}
