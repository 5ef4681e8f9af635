/* How every process has confined itself, as each has told us: for `everleaf
 * status --security`. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/buf.h"
#include "daemon/master.h"

enum { LINES_MAX = 24 };

/* Capped: one that talks and talks fills no memory of ours. */
void
security_told(struct child *c, const struct w_confined *w)
{
	size_t i;

	assert(c->role > ROLE_MASTER && c->role < ROLE_COUNT);
	for (i = 0; i < w->lines.n && c->confined.n < LINES_MAX; i++)
		strv_add(&c->confined, w->lines.v[i]);
}

static void
add(struct strv *out, const char *who, const char *line)
{
	struct buf b;

	assert(who[0] != '\0');
	buf_init(&b, 1000);
	if (buf_printf(&b, "%s: %s", who, line))
		strv_add(out, b.data);
	buf_free(&b);
}

static void
ourselves(const struct master *m, struct strv *out)
{
	char user[32];

	add(out, "mode", m->separate ? "separate-users" : "one-user");
	add(out, "users", m->separate ? "each process has its own" :
	    "one user for all processes");
	snprintf(user, sizeof(user), m->root ? "user: root" : "user: uid %lu",
	    (unsigned long)geteuid());
	add(out, "master", user);
	add(out, "master", "confinement: none, since the programs of services "
	    "inherit it; it opens no connection and parses nothing that "
	    "came from outside");
}

void
security_answer(struct master *m, uint32_t id)
{
	struct w_confined w = { { NULL, 0 } };
	const struct child *c;
	int role;
	size_t i;

	assert(m->conf != NULL);
	ourselves(m, &w.lines);
	for (role = ROLE_MASTER + 1; role < ROLE_COUNT; role++) {
		c = &m->children[role];
		if (!children_want(c))
			continue;
		if (c->pid < 0 || c->confined.n == 0)
			add(&w.lines, role_name(c->role), c->pid < 0 ?
			    "does not run" : "has not said yet");
		for (i = 0; i < c->confined.n; i++)
			add(&w.lines, role_name(c->role), c->confined.v[i]);
	}
	requests_answer(m, m->engine, id, WIRE_CONFINED, &w);
	strv_free(&w.lines);
}
