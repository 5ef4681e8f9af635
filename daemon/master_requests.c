/* What each child may say, and who answers it. Everything else ends it. */
#include <config.h>
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include "daemon/log.h"
#include "daemon/master.h"
#include "hooks/generation.h"

/* st is on the heap; a handler that keeps it says so with true. */
typedef bool handler(struct child *c, uint32_t id, void *st);

/* An answer to an engine that is gone is nobody's: the new one asks again by
 * itself. */
void
requests_answer(struct master *m, unsigned engine, uint32_t id,
    enum wire_kind kind, const void *st)
{
	assert(engine <= m->engine);
	if (engine == m->engine)
		child_send(&m->children[ROLE_ENGINE], kind, id, st, NULL, 0);
}

void
requests_refuse(struct master *m, unsigned engine, uint32_t id,
    const struct err *err)
{
	struct w_failed f = wire_failed(err);

	assert(err->code != ERR_OK);
	requests_answer(m, engine, id, WIRE_FAILED, &f);
}

/* --- of the engine ----------------------------------------------------- */

static bool
beat(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_ENGINE);
	(void)id;
	(void)st;
	c->m->beat = poll_now();
	notify_ready(c->m);
	if (poll_now() - c->started > CHILD_STEADY_MS)
		notify_well(c->m);
	notify_beat();
	return false;
}

static bool
install(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_ENGINE && st != NULL);
	jobs_add(c->m, WIRE_INSTALL, id, st);
	return true;
}

static bool
flip(struct child *c, uint32_t id, void *st)
{
	jobs_add(c->m, WIRE_FLIP, id, st);
	return true;
}

static bool
prune(struct child *c, uint32_t id, void *st)
{
	jobs_add(c->m, WIRE_PRUNE, id, st);
	return true;
}

static bool
purge(struct child *c, uint32_t id, void *st)
{
	jobs_add(c->m, WIRE_PURGE, id, st);
	return true;
}

static bool
live(struct child *c, uint32_t id, void *st)
{
	const struct w_generation *g = st;
	struct w_is_live answer;
	struct err err;

	assert(c->role == ROLE_ENGINE && st != NULL);
	if (generation_live(c->m->state, g->cert, &answer.gen, &err) == 0)
		requests_answer(c->m, c->m->engine, id, WIRE_IS_LIVE, &answer);
	else
		requests_refuse(c->m, c->m->engine, id, &err);
	return false;
}

static bool
run(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_ENGINE && st != NULL);
	runs_add(c->m, id, WIRE_RUN, st);
	return true;
}

static bool
run_dns(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_ENGINE && st != NULL);
	runs_add(c->m, id, WIRE_RUN_DNS, st);
	return true;
}

static bool
webroot(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_ENGINE && st != NULL);
	webroots_add(c->m, id, st);
	return true;
}

static bool
reload(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_ENGINE);
	reload_asked(c->m, id, st);
	return false;
}

static bool
security(struct child *c, uint32_t id, void *st)
{
	(void)st;
	security_answer(c->m, id);
	return false;
}

static bool
survey(struct child *c, uint32_t id, void *st)
{
	survey_next(c->m, id, st);
	return false;
}

static bool
reseal(struct child *c, uint32_t id, void *st)
{
	survey_reseal(c->m, id, st);
	return false;
}

static bool
export(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_ENGINE);
	arm_export(c->m, id, st);
	return false;
}

/* --- of keeper, verifier and token ------------------------------------- */

static bool
opened(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_KEEPER);
	jobs_opened(c->m, id, st);
	return false;
}

static bool
verdict(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_VERIFIER);
	jobs_verdict(c->m, id, st);
	return false;
}

/* Whose question it was stands in the id: the operator's, the survey's, or a
 * job's. */
static bool
failed(struct child *c, uint32_t id, void *st)
{
	struct err err;

	assert(c->role == ROLE_KEEPER || c->role == ROLE_VERIFIER ||
	    c->role == ROLE_TOKEN);
	if (c->role != ROLE_VERIFIER && arm_is_ours(id))
		arm_failed(c->role, id, st);
	else if (id == 0 || c->role == ROLE_TOKEN) {
		wire_failed_err(st, &err);
		log_err(&err, "%s", role_name(c->role));
	} else if ((id & SURVEY_SERIAL) != 0)
		survey_failed(c->m, id, st);
	else
		jobs_failed(c->m, id, st);
	return false;
}

static bool
confined(struct child *c, uint32_t id, void *st)
{
	(void)id;
	security_told(c, st);
	return false;
}

static bool
fine(struct child *c, uint32_t id, void *st)
{
	(void)st;
	if (arm_is_ours(id))
		arm_done(c->role, id);
	return false;
}

static bool
sealed(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_KEEPER);
	if (arm_is_ours(id))
		arm_sealed(id, st);
	else
		survey_sealed(c->m, id, st);
	return false;
}

static bool
exported(struct child *c, uint32_t id, void *st)
{
	assert(c->role == ROLE_KEEPER);
	if (arm_is_ours(id))
		arm_exported(id, st);
	return false;
}

static const struct rule {
	enum role role;
	enum wire_kind kind;
	handler *handle;
} rules[] = {
	{ ROLE_ENGINE, WIRE_BEAT, beat },
	{ ROLE_ENGINE, WIRE_INSTALL, install },
	{ ROLE_ENGINE, WIRE_FLIP, flip },
	{ ROLE_ENGINE, WIRE_LIVE, live },
	{ ROLE_ENGINE, WIRE_PRUNE, prune },
	{ ROLE_ENGINE, WIRE_PURGE, purge },
	{ ROLE_ENGINE, WIRE_RUN, run },
	{ ROLE_ENGINE, WIRE_RUN_DNS, run_dns },
	{ ROLE_ENGINE, WIRE_RELOAD, reload },
	{ ROLE_ENGINE, WIRE_WEBROOT, webroot },
	{ ROLE_ENGINE, WIRE_CONFINED, confined },
	{ ROLE_ENGINE, WIRE_SECURITY, security },
	{ ROLE_ENGINE, WIRE_SURVEY, survey },
	{ ROLE_ENGINE, WIRE_RESEAL, reseal },
	{ ROLE_ENGINE, WIRE_EXPORT, export },
	{ ROLE_KEEPER, WIRE_CONFINED, confined },
	{ ROLE_RESPONDER, WIRE_CONFINED, confined },
	{ ROLE_VERIFIER, WIRE_CONFINED, confined },
	{ ROLE_TOKEN, WIRE_CONFINED, confined },
	{ ROLE_KEEPER, WIRE_OK, fine },
	{ ROLE_KEEPER, WIRE_OPENED, opened },
	{ ROLE_KEEPER, WIRE_KEY, sealed },
	{ ROLE_KEEPER, WIRE_EXPORTED, exported },
	{ ROLE_KEEPER, WIRE_FAILED, failed },
	{ ROLE_VERIFIER, WIRE_VERDICT, verdict },
	{ ROLE_VERIFIER, WIRE_FAILED, failed },
	{ ROLE_TOKEN, WIRE_OK, fine },
	{ ROLE_TOKEN, WIRE_FAILED, failed }
};

static const struct rule *
find_rule(enum role role, uint16_t kind)
{
	size_t i;

	assert(role > ROLE_MASTER && role < ROLE_COUNT);
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].role == role && rules[i].kind == kind)
			return &rules[i];
	return NULL;
}

/* 0 says that nobody waits: what the engine wants answered has another. */
static bool
id_fits(enum role role, enum wire_kind kind, uint32_t id)
{
	return id != 0 || role != ROLE_ENGINE || kind == WIRE_BEAT ||
	    kind == WIRE_CONFINED;
}

/* What is not in the table is not said: the child that says it is ended. */
bool
requests_take(struct child *c, const void *p, size_t n)
{
	const struct msg_spec *spec;
	const struct rule *rule;
	struct err err;
	uint16_t kind;
	uint32_t id;
	void *st;

	if (!msg_head(p, n, &kind, &id))
		return false;
	rule = find_rule(c->role, kind);
	spec = msg_find(wire_specs, kind);
	if (rule == NULL || spec == NULL || !id_fits(c->role, kind, id)) {
		log_error("message of kind %u, id %" PRIu32, kind, id);
		return false;
	}
	st = xcalloc(1, spec->size);
	if (!msg_unpack(spec, p, n, st, &err)) {
		log_err(&err, "message");
		free(st);
		return false;
	}
	if (kind == WIRE_OPENED || kind == WIRE_EXPORTED)
		msg_forget();
	assert(rule->kind == kind && rule->role == c->role);
	if (!rule->handle(c, id, st)) {
		msg_free(spec, st);
		free(st);
	}
	return true;
}
