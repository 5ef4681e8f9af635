/* The deployment round as a table of phases. Each phase either gives a wish or
 * moves on; the outcome of a wish comes back into the phase that gave it.
 * Flips are queued: a phase asks for many, they go out one by one before the
 * next phase begins. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include "base/mem.h"
#include "hooks/round.h"

enum phase {
	CHECK_NEW,	/* the check of service s with what is there now */
	CHECK_OLD,	/* the same once all that could go back is back */
	HALVE,		/* take the next segment of suspects */
	TEST,		/* the check with one segment forward again */
	NEXT_CHECK,
	RELOAD,
	RELOAD_OLD,	/* after a reload that failed and files put back */
	NEXT_RELOAD,
	RELOAD_AGAIN,	/* services that had loaded what is back now */
	OVER
};

struct segment {
	size_t from, to;
	bool guilty;		/* known to hold what breaks the check */
};

struct item {
	bool can_go_back, back;
	bool *uses, *loaded;
	enum round_verdict *verdict;
};

struct service {
	bool check, reload, rollback;
	bool broken, reloaded, again;
	bool later;		/* it wants to be left alone for now */
};

struct round {
	size_t items_n, services_n;
	struct item *items;
	struct service *services;
	enum phase phase;
	size_t s;		/* the service that the phase is about */
	bool asked;		/* a wish of this phase is out */
	size_t *suspects, suspects_n;
	struct segment *stack, segment;
	size_t stack_n;
	size_t *flips, flips_n, flip;	/* queue: items, and the next */
	bool flips_back;
};

struct round *
round_new(size_t items, size_t services)
{
	struct round *r = xcalloc(1, sizeof(*r));
	size_t i;

	assert(items < SIZE_MAX / 2 && services < SIZE_MAX / 2);
	r->items_n = items;
	r->services_n = services;
	r->items = xcalloc(items, sizeof(*r->items));
	r->services = xcalloc(services, sizeof(*r->services));
	r->suspects = xcalloc(items, sizeof(*r->suspects));
	r->flips = xcalloc(items, sizeof(*r->flips));
	/* A segment splits in two, so the stack grows by one a level. */
	r->stack = xcalloc(items + 2, sizeof(*r->stack));
	for (i = 0; i < items; i++) {
		r->items[i].uses = xcalloc(services, sizeof(bool));
		r->items[i].loaded = xcalloc(services, sizeof(bool));
		r->items[i].verdict = xcalloc(services,
		    sizeof(enum round_verdict));
	}
	return r;
}

void
round_free(struct round *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->items_n; i++) {
		free(r->items[i].uses);
		free(r->items[i].loaded);
		free(r->items[i].verdict);
	}
	free(r->items);
	free(r->services);
	free(r->suspects);
	free(r->flips);
	free(r->stack);
	free(r);
}

void
round_uses(struct round *r, size_t item, size_t service)
{
	assert(item < r->items_n && service < r->services_n);
	r->items[item].uses[service] = true;
}

void
round_loaded(struct round *r, size_t item, size_t service)
{
	assert(item < r->items_n && service < r->services_n);
	assert(r->items[item].uses[service]);
	r->items[item].loaded[service] = true;
}

void
round_can_go_back(struct round *r, size_t item)
{
	assert(item < r->items_n && !r->asked);
	r->items[item].can_go_back = true;
}

void
round_service(struct round *r, size_t service, bool check, bool reload,
    bool rollback)
{
	assert(service < r->services_n && !r->asked);
	r->services[service].check = check;
	r->services[service].reload = reload;
	r->services[service].rollback = rollback;
}

/* Forward, and this service has not loaded it yet. */
static bool
is_news(const struct round *r, size_t i, size_t s)
{
	assert(i < r->items_n && s < r->services_n);
	return r->items[i].uses[s] && !r->items[i].loaded[s] &&
	    !r->items[i].back;
}

/* Suspects: what is new to this service and could go back. */
static void
find_suspects(struct round *r)
{
	size_t i;

	r->suspects_n = 0;
	for (i = 0; i < r->items_n; i++)
		if (is_news(r, i, r->s) && r->items[i].can_go_back)
			r->suspects[r->suspects_n++] = i;
	assert(r->suspects_n <= r->items_n);
}

/* Of suspects from the first to before the last. */
static void
queue_flips(struct round *r, size_t from, size_t to, bool back)
{
	assert(r->flip == r->flips_n);	/* the queue before is done */
	assert(from <= to && to <= r->suspects_n);
	r->flips_n = r->flip = 0;
	r->flips_back = back;
	for (; from < to; from++)
		r->flips[r->flips_n++] = r->suspects[from];
}

static void
push(struct round *r, size_t from, size_t to, bool guilty)
{
	assert(from < to && to <= r->suspects_n);
	assert(r->stack_n < r->items_n + 2);
	r->stack[r->stack_n].from = from;
	r->stack[r->stack_n].to = to;
	r->stack[r->stack_n++].guilty = guilty;
}

static bool
any_news(const struct round *r, size_t s)
{
	size_t i;

	assert(s < r->services_n);
	for (i = 0; i < r->items_n; i++)
		if (is_news(r, i, s))
			return true;
	return false;
}

/* What it loaded in an earlier round is back now. */
static bool
any_taken_away(const struct round *r, size_t s)
{
	size_t i;

	for (i = 0; i < r->items_n; i++)
		if (r->items[i].loaded[s] && r->items[i].back)
			return true;
	return false;
}

static void
judge_news(struct round *r, size_t s, enum round_verdict v)
{
	size_t i;

	assert(s < r->services_n && v != ROUND_PENDING);
	for (i = 0; i < r->items_n; i++)
		if (is_news(r, i, s) &&
		    r->items[i].verdict[s] == ROUND_PENDING)
			r->items[i].verdict[s] = v;
}

static void
go(struct round *r, enum phase p)
{
	assert(r->phase != OVER && r->flips_n <= r->items_n);
	r->phase = p;
	r->asked = false;
}

/* All services go through one phase before the first enters the next: none is
 * reloaded while a check may still put files back. */
static void
next_service(struct round *r, enum phase again, enum phase after)
{
	assert(r->s < r->services_n);
	r->s++;
	assert(r->s <= r->services_n);
	if (r->s < r->services_n)
		go(r, again);
	else {
		r->s = 0;
		go(r, after);
	}
}

/* It may be reloaded: its check has passed. */
static bool
may_reload(const struct service *s)
{
	return s->reload && !s->broken && !s->later;
}

/* Those that went back to find out who is guilty come forward again, but for
 * whom is known to be. */
static void
queue_forward(struct round *r)
{
	size_t i;

	assert(r->flip == r->flips_n && r->suspects_n <= r->items_n);
	r->flips_n = r->flip = 0;
	r->flips_back = false;
	for (i = 0; i < r->suspects_n; i++)
		if (r->items[r->suspects[i]].back &&
		    r->items[r->suspects[i]].verdict[r->s] != ROUND_REFUSED)
			r->flips[r->flips_n++] = r->suspects[i];
}

/* --- outcomes: each takes what its phase's wish brought ------------------- */

/* Is it the new files? Put them back and ask again, if that may be. */
static void
checked_new(struct round *r, bool good)
{
	assert(r->phase == CHECK_NEW && r->services[r->s].check);
	if (good) {
		go(r, NEXT_CHECK);
		return;
	}
	find_suspects(r);
	if (r->suspects_n == 0 || !r->services[r->s].rollback) {
		r->services[r->s].broken = true;
		judge_news(r, r->s, ROUND_BROKEN);
		go(r, NEXT_CHECK);
		return;
	}
	queue_flips(r, 0, r->suspects_n, true);
	go(r, CHECK_OLD);
}

static void
checked_old(struct round *r, bool good)
{
	assert(r->phase == CHECK_OLD && r->suspects_n > 0);
	if (good) {
		r->stack_n = 0;
		push(r, 0, r->suspects_n, true);
		go(r, HALVE);
		return;
	}
	/* Broken for another reason: the new files stay, unused for now. */
	queue_flips(r, 0, r->suspects_n, false);
	r->services[r->s].broken = true;
	go(r, NEXT_CHECK);
}

/* A segment that breaks the check goes back and is halved; one that does not
 * stays forward, so that what is tested next is the only unknown. */
static void
tested(struct round *r, bool good)
{
	struct segment *g = &r->segment;

	assert(r->phase == TEST && !g->guilty);
	if (!good) {
		queue_flips(r, g->from, g->to, true);
		push(r, g->from, g->to, true);
	}
	go(r, HALVE);
}

/* Services before this one may have loaded what is put back now: they reload
 * again at the end. */
static void
reloaded(struct round *r, bool good)
{
	struct service *s = &r->services[r->s];
	size_t i, t;

	assert(r->phase == RELOAD && s->reload && !s->broken);
	if (good) {
		s->reloaded = true;
		judge_news(r, r->s, ROUND_RELOADED);
		go(r, NEXT_RELOAD);
		return;
	}
	judge_news(r, r->s, ROUND_RELOAD_FAILED);
	find_suspects(r);
	if (!s->rollback || r->suspects_n == 0) {
		go(r, NEXT_RELOAD);
		return;
	}
	for (i = 0; i < r->suspects_n; i++)
		for (t = 0; t < r->s; t++)
			if (r->items[r->suspects[i]].uses[t] &&
			    r->services[t].reloaded)
				r->services[t].again = true;
	queue_flips(r, 0, r->suspects_n, true);
	go(r, RELOAD_OLD);
}

/* However it went, what was put back is asked no more than this. */
static void
go_on(struct round *r)
{
	assert(r->phase == RELOAD_OLD || r->phase == RELOAD_AGAIN);
	if (r->phase == RELOAD_OLD) {
		go(r, NEXT_RELOAD);
		return;
	}
	r->services[r->s].again = false;
	next_service(r, RELOAD_AGAIN, OVER);
}

/* This service is asked again in another round. What is put back after a
 * reload that failed stays back, and is installed again as a whole. */
static void
put_off(struct round *r)
{
	switch (r->phase) {
	case CHECK_OLD:
	case TEST:
		r->stack_n = 0;
		queue_forward(r);
		/* fallthrough */
	case CHECK_NEW:
		r->services[r->s].later = true;
		go(r, NEXT_CHECK);
		break;
	case RELOAD:
		r->services[r->s].later = true;
		go(r, NEXT_RELOAD);
		break;
	default:
		go_on(r);
	}
}

static void
outcome(struct round *r, enum round_outcome how)
{
	bool good = how == ROUND_GOOD;

	assert(r->asked && r->flip <= r->flips_n);
	if (r->flip < r->flips_n) {
		assert(r->flips[r->flip] < r->items_n);
		if (good)
			r->items[r->flips[r->flip]].back = r->flips_back;
		r->flip++;
		return;
	}
	if (how == ROUND_NOT_YET) {
		put_off(r);
		return;
	}
	switch (r->phase) {
	case CHECK_NEW:
		checked_new(r, good);
		break;
	case CHECK_OLD:
		checked_old(r, good);
		break;
	case TEST:
		tested(r, good);
		break;
	case RELOAD:
		reloaded(r, good);
		break;
	default:
		go_on(r);
	}
}

/* --- moving on: true while there is no wish to give ----------------------- */

/* A guilty segment of one is found; a larger one becomes two that are to be
 * tested. The stack holds what is still back. */
static bool
halve(struct round *r)
{
	struct segment *g = &r->segment;
	size_t middle;

	assert(r->phase == HALVE);
	if (r->stack_n == 0) {
		go(r, NEXT_CHECK);
		return true;
	}
	*g = r->stack[--r->stack_n];
	assert(g->from < g->to && g->to <= r->suspects_n);
	if (!g->guilty) {
		queue_flips(r, g->from, g->to, false);
		go(r, TEST);
		return true;
	}
	if (g->to - g->from == 1) {
		struct item *guilty = &r->items[r->suspects[g->from]];

		/* If it could not be put back, its check fails for all. */
		if (guilty->back)
			guilty->verdict[r->s] = ROUND_REFUSED;
		else
			r->services[r->s].broken = true;
		return true;
	}
	middle = g->from + (g->to - g->from) / 2;
	assert(g->from < middle && middle < g->to);
	push(r, middle, g->to, false);
	push(r, g->from, middle, false);
	return true;
}

/* What has no verdict of its own yet follows from where it ended up. */
static void
finish(struct round *r)
{
	size_t i, s;

	assert(r->flip == r->flips_n && r->stack_n == 0);
	for (i = 0; i < r->items_n; i++)
		for (s = 0; s < r->services_n; s++) {
			enum round_verdict *v = &r->items[i].verdict[s];

			if (!r->items[i].uses[s])
				continue;
			if (r->items[i].back && (*v == ROUND_PENDING ||
			    *v == ROUND_RELOADED))
				*v = ROUND_PUT_BACK;
			else if (r->items[i].loaded[s])
				*v = ROUND_AS_BEFORE;
			else if (*v == ROUND_PENDING && r->services[s].later)
				*v = ROUND_LATER;
			else if (*v == ROUND_PENDING)
				*v = r->services[s].broken ? ROUND_BROKEN :
				    ROUND_RELOADED;
		}
}

/* Skips what needs no wish. */
static bool
skip(struct round *r)
{
	const struct service *s = &r->services[r->s];

	switch (r->phase) {
	case CHECK_NEW:
		if (s->check && any_news(r, r->s))
			return false;
		go(r, NEXT_CHECK);
		return true;
	case NEXT_CHECK:
		next_service(r, CHECK_NEW, RELOAD);
		return true;
	case HALVE:
		return halve(r);
	case RELOAD:
		if (may_reload(s) && any_news(r, r->s))
			return false;
		go(r, NEXT_RELOAD);
		return true;
	case NEXT_RELOAD:
		next_service(r, RELOAD, RELOAD_AGAIN);
		return true;
	case RELOAD_AGAIN:
		if (s->again || (may_reload(s) && !s->reloaded &&
		    any_taken_away(r, r->s)))
			return false;
		next_service(r, RELOAD_AGAIN, OVER);
		return true;
	case CHECK_OLD:
	case TEST:
	case RELOAD_OLD:
	case OVER:
		return false;
	}
	return false;
}

static struct round_wish
wish_of(struct round *r)
{
	struct round_wish w = { .service = r->s };

	assert(r->phase == OVER || r->s < r->services_n);
	switch (r->phase) {
	case CHECK_OLD:
		w.back = true;
		w.kind = ROUND_CHECK;
		break;
	case CHECK_NEW:
	case TEST:
		w.kind = ROUND_CHECK;
		break;
	case RELOAD_OLD:
	case RELOAD_AGAIN:
		w.back = true;
		w.kind = ROUND_RELOAD;
		break;
	case RELOAD:
		w.kind = ROUND_RELOAD;
		break;
	case HALVE:
	case NEXT_CHECK:
	case NEXT_RELOAD:
	case OVER:
		finish(r);
		w.kind = ROUND_DONE;
		break;
	}
	return w;
}

struct round_wish
round_step(struct round *r, enum round_outcome how)
{
	struct round_wish w = { ROUND_DONE, 0, 0, false };

	if (r->items_n == 0 || r->services_n == 0)
		return w;
	if (r->asked)
		outcome(r, how);
	while (r->flip == r->flips_n && skip(r))
		;
	r->asked = true;
	assert(r->flip <= r->flips_n && r->s < r->services_n);
	if (r->flip == r->flips_n)
		return wish_of(r);
	w.kind = ROUND_FLIP;
	w.item = r->flips[r->flip];
	w.back = r->flips_back;
	return w;
}

enum round_verdict
round_verdict(const struct round *r, size_t item, size_t service)
{
	assert(item < r->items_n && service < r->services_n);
	return r->items[item].verdict[service];
}

bool
round_is_back(const struct round *r, size_t item)
{
	assert(item < r->items_n);
	return r->items[item].back;
}
