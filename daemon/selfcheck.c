/* The self-check. A few names at a time: those that may be proved by http-01
 * are published, looked up, asked for at each address, taken down; CAA is
 * looked up for all. */
#include <config.h>
#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/method.h"
#include "base/name.h"
#include "daemon/addresses.h"
#include "daemon/arrival.h"
#include "daemon/caa_ask.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/http_head.h"
#include "daemon/loop.h"
#include "daemon/look.h"
#include "daemon/machine.h"
#include "daemon/proof.h"
#include "daemon/selfcheck.h"

enum { LANES = 4 };

static char http_01[] = "http-01", good[] = "good";

struct check {			/* of a certificate */
	struct check *next;
	int64_t cert_id, until;	/* loop_mono() */
	struct strv names, machine, identities, challenge;
	size_t by_http;			/* so many names from the first */
	char *account;
	struct row_challenge row;	/* all but ident */
	bool by_files;			/* published once, for all names */
	size_t at;			/* in names: the next to begin */
	int lanes;
	struct row_finding *found;
	size_t n;
	void (*done)(void *ctx, const struct row_finding *f, size_t n);
	void *ctx;
};

struct lane {			/* a name of it */
	struct check *of;
	const char *name;
	bool caa_only;
	struct row_challenge row;	/* borrowed but for ident */
	size_t open;
};

struct asked {			/* an address of that */
	struct lane *of;
	char *address;
};

static struct check *checks;

/* --- findings ----------------------------------------------------------- */

static void
find(struct check *c, const char *ident, const char *kind,
    const char *subject, const struct err *err)
{
	struct row_finding *f;

	assert(c->n == 0 || c->found != NULL);
	c->found = xrealloc(c->found, (c->n + 1) * sizeof(*c->found));
	f = &c->found[c->n++];
	memset(f, 0, sizeof(*f));
	f->cert_id = c->cert_id;
	f->at_ms = loop_now();
	row_text(&f->ident, ident);
	row_text(&f->kind, kind);
	row_text(&f->subject, subject);
	row_text(&f->result, err == NULL ? good : err_code_name(err->code));
	row_text(&f->text, err == NULL ? "" : err->text);
}

static bool
is_inner(const char *address)
{
	struct sockaddr_storage a;
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, address, &in4.sin_addr) == 1)
		memcpy(&a, &in4, sizeof(in4));
	else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1)
		memcpy(&a, &in6, sizeof(in6));
	return http_address_is_inner((const struct sockaddr *)&a);
}

static void
find_machine(struct check *c)
{
	struct err inner;
	size_t i;

	err_set(&inner, ERR_DNS_ELSEWHERE, "not of the Internet");
	c->machine = machine_addresses();
	for (i = 0; i < c->machine.n; i++)
		find(c, "", FINDING_MACHINE, c->machine.v[i],
		    is_inner(c->machine.v[i]) ? &inner : NULL);
}

static void
check_free(struct check *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		row_free(T_FINDING, &c->found[i]);
	free(c->found);
	strv_free(&c->names);
	strv_free(&c->machine);
	strv_free(&c->identities);
	strv_free(&c->challenge);
	row_free(T_CHALLENGE, &c->row);
	free(c->account);
	free(c);
}

static void
check_over(struct check *c)
{
	struct check **at = &checks;

	assert(c->lanes == 0 && c->done != NULL);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->done(c->ctx, c->found, c->n);
	check_free(c);
}

/* Else job UNDO takes it down some day. */
static void
gone(void *ctx, const struct err *err)
{
	struct check *c = ctx;

	if (err == NULL)
		batch_del(turn_batch(), T_CHALLENGE, &c->row);
	check_over(c);
}

/* One file served all names: it goes when the last of them has been asked
 * for. */
static void
files_gone(void *ctx)
{
	struct check *c = ctx;

	assert(c->by_files && c->lanes == 0);
	proof_withdraw(&c->row, gone, c);
}

/* --- a name ------------------------------------------------------------- */

static void lane_next(struct check *c);

static void
lane_over(struct lane *l)
{
	struct check *c = l->of;

	assert(l->open == 0);
	free(l);
	lane_next(c);
}

static void
withdrawn(void *ctx, const struct err *err)
{
	struct lane *l = ctx;

	assert(l->open == 0);
	if (err == NULL)
		batch_del(turn_batch(), T_CHALLENGE, &l->row);
	lane_over(l);
}

/* Its CAA, its addresses and what each of them answered: all are there. */
static void
name_done(struct lane *l)
{
	assert(l->open > 0);
	if (--l->open > 0)
		return;
	if (l->of->by_files || l->caa_only)
		lane_over(l);
	else
		proof_withdraw(&l->row, withdrawn, l);
}

static void
caa_known(void *ctx, const char *found_at, const struct err *err)
{
	struct lane *l = ctx;

	assert(l->open > 0);
	find(l->of, l->name, FINDING_CAA, found_at, err);
	name_done(l);
}

static void
answered(void *ctx, const struct err *err)
{
	struct asked *a = ctx;
	struct lane *l = a->of;

	assert(l->open > 0);
	find(l->of, l->name, FINDING_HTTP, a->address, err);
	free(a->address);
	free(a);
	name_done(l);
}

static void
ask(struct lane *l, const char *address)
{
	struct asked *a = xcalloc(1, sizeof(*a));
	struct err elsewhere;

	assert(l->open > 0);
	err_set(&elsewhere, ERR_DNS_ELSEWHERE, "this machine does not have "
	    "that address");
	find(l->of, l->name, FINDING_ADDRESS, address,
	    strv_has(&l->of->machine, address) ? NULL : &elsewhere);
	a->of = l;
	a->address = xstrdup(address);
	l->open++;
	arrival(l->name, address, l->row.token, l->row.keyauth, answered, a);
}

static void
looked_up(void *ctx, const struct strv *list, const struct err *why)
{
	struct lane *l = ctx;
	size_t i;

	assert(l->open > 0);
	if (list->n == 0)
		find(l->of, l->name, FINDING_ADDRESS, "", why);
	for (i = 0; i < list->n; i++)
		ask(l, list->v[i]);
	name_done(l);
}

/* As a CA judges it: by the first method that can prove this name. */
static void
ask_caa(struct lane *l)
{
	const struct check *c = l->of;
	struct caa_question q = { l->name, &c->identities, c->account, "" };
	const struct method *m;
	size_t i;

	assert(l->open > 0);
	if (q.identities->n == 0)
		return;
	for (i = 0; i < c->challenge.n && *q.method == '\0'; i++) {
		m = method_find(c->challenge.v[i]);
		if (m != NULL && method_fits(m, l->name))
			q.method = m->type;
	}
	l->open++;
	caa_ask(&q, caa_known, l);
}

/* Begins with one question open, its own, so that it is not over before all
 * are asked. */
static void
look_at(struct lane *l)
{
	enum name_kind kind;
	char unused[256];
	struct err err;

	assert(l->open == 0);
	l->open = 1;
	if (name_parse(unused, &kind, l->name, &err) == 0 &&
	    kind == NAME_IP) {
		ask(l, l->name);
		name_done(l);
		return;
	}
	ask_caa(l);
	if (l->caa_only) {
		name_done(l);
		return;
	}
	addresses_of(l->name, looked_up, l);
}

static void
published(void *ctx, const struct err *err)
{
	struct lane *l = ctx;

	assert(l->open == 0);
	if (err == NULL) {
		look_at(l);
		return;
	}
	find(l->of, l->name, FINDING_HTTP, "", err);
	proof_withdraw(&l->row, withdrawn, l);
}

static void
publish(void *ctx)
{
	struct lane *l = ctx;

	assert(!l->of->by_files);
	proof_publish(&l->row, published, l);
}

static void
begin(struct check *c)
{
	const char *name = c->names.v[c->at];
	struct lane *l = xcalloc(1, sizeof(*l));

	assert(c->lanes > 0 && name != NULL);
	l->of = c;
	l->name = name;
	l->caa_only = c->at++ >= c->by_http;
	l->row = c->row;
	l->row.ident = row_const(name);
	if (c->by_files || l->caa_only) {
		look_at(l);
		return;
	}
	/* What undoes it is written first: a crash may come. */
	batch_put(turn_batch(), T_CHALLENGE, &l->row);
	turn_after(publish, l);
}

/* A lane is free: the next name, or the end. */
static void
lane_next(struct check *c)
{
	assert(c->lanes > 0 && c->at <= c->names.n);
	if (c->at < c->names.n && loop_mono() < c->until)
		begin(c);
	else if (--c->lanes > 0)
		return;
	else if (c->by_files)
		turn_after(files_gone, c);
	else
		check_over(c);
}

/* --- a certificate ------------------------------------------------------ */

static void
lanes_begin(struct check *c)
{
	int n = c->names.n < LANES ? (int)c->names.n : LANES, i;

	assert(c->lanes == 0 && c->at == 0);
	c->lanes = n > 0 ? n : 1;
	if (n == 0)
		lane_next(c);
	for (i = 0; i < n; i++)
		begin(c);
}

static void
files_there(void *ctx, const struct err *err)
{
	struct check *c = ctx;

	assert(c->by_files && c->lanes == 0);
	if (err == NULL) {
		lanes_begin(c);
		return;
	}
	find(c, c->row.ident, FINDING_HTTP, "", err);
	turn_after(files_gone, c);
}

static void
go(void *ctx)
{
	struct check *c = ctx;

	assert(c->lanes == 0 && c->at == 0);
	if (c->by_files)
		proof_publish(&c->row, files_there, c);
	else
		lanes_begin(c);
}

/* Those that are asked for over port 80 (all but wildcards), or the others,
 * whose CAA alone is looked at: addresses have none. */
static void
add_names(struct check *c, const struct selfcheck_want *w, bool by_http)
{
	const struct strv *names = &w->wish->names;
	enum name_kind kind;
	char name[256];
	struct err err;
	size_t i;

	/* 0 is the name that matters most. */
	for (i = 0; i <= names->n; i++) {
		const char *s = i > 0 ? names->v[i - 1] : w->first;

		if (s != NULL && name_parse(name, &kind, s, &err) == 0 &&
		    (by_http ? kind != NAME_WILDCARD : kind != NAME_IP) &&
		    !strv_has(&c->names, name))
			strv_add(&c->names, name);
	}
}

static void
choose_names(struct check *c, const struct selfcheck_want *w)
{
	assert(c->names.n == 0);
	if (selfcheck_by_http(w->wish))
		add_names(c, w, true);
	c->by_http = c->names.n;
	if (c->identities.n > 0)
		add_names(c, w, false);
	assert(c->by_http <= c->names.n);
}

/* As long as a thumbprint: the responder publishes nothing else. */
static void
make_token(struct check *c, const struct conf_wish *wish)
{
	char token[48], keyauth[128], *paths;

	assert(c->row.token == NULL);
	snprintf(token, sizeof(token), "everleaf-self-check-%016llx",
	    (unsigned long long)chance_id());
	snprintf(keyauth, sizeof(keyauth), "%s.%043llx", token,
	    (unsigned long long)chance_id());
	c->row.cert_id = c->cert_id;
	c->row.published_ms = loop_now();
	row_text(&c->row.ident, c->names.n > 0 ? c->names.v[0] : "");
	row_text(&c->row.type, http_01);
	row_text(&c->row.token, token);
	row_text(&c->row.keyauth, keyauth);
	assert(strlen(token) < sizeof(token) - 1 &&
	    strlen(keyauth) < sizeof(keyauth) - 1);
	c->by_files = wish->webroot.n > 0 && c->by_http > 0;
	row_text(&c->row.method, c->by_files ? proof_webroot.name :
	    proof_responder.name);
	paths = lines_of(&wish->webroot);
	row_text(&c->row.path, paths);
	free(paths);
}

/* Those of CAA alone take no room from the others. */
static bool
has_room(const struct check *new)
{
	const struct check *c;
	int n = 0;

	for (c = checks; c != NULL; c = c->next) {
		if (c->cert_id == new->cert_id)
			return false;
		n += (c->by_http > 0) == (new->by_http > 0);
	}
	assert(n <= SELFCHECKS_MAX);
	return n < SELFCHECKS_MAX;
}

bool
selfcheck_by_http(const struct conf_wish *wish)
{
	return !look_by_dns(wish) && strv_has(&wish->challenge, http_01);
}

bool
selfcheck(const struct selfcheck_want *w, void (*done)(void *ctx,
    const struct row_finding *f, size_t n), void *ctx)
{
	struct check *c = xcalloc(1, sizeof(*c));

	assert(done != NULL && w->account != NULL && w->identities != NULL);
	c->cert_id = w->cert_id;
	c->until = loop_mono() + SELFCHECK_MS;
	c->account = xstrdup(w->account);
	c->identities = strv_copy(w->identities);
	c->challenge = strv_copy(&w->wish->challenge);
	c->done = done;
	c->ctx = ctx;
	choose_names(c, w);
	if (c->names.n == 0 || !has_room(c)) {
		check_free(c);
		return false;
	}
	c->next = checks;
	checks = c;
	make_token(c, w->wish);
	if (c->by_http > 0)
		find_machine(c);
	if (c->by_files)
		batch_put(turn_batch(), T_CHALLENGE, &c->row);
	turn_after(go, c);
	return true;
}

bool
selfcheck_uses(const char *token)
{
	const struct check *c;

	assert(token != NULL);
	for (c = checks; c != NULL; c = c->next)
		if (strcmp(c->row.token, token) == 0)
			return true;
	return false;
}

void
selfcheck_fini(void)
{
	struct check *c;

	while ((c = checks) != NULL) {
		checks = c->next;
		check_free(c);
	}
}
