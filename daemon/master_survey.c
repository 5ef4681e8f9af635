/* What is installed, told to an engine whose inventory was lost: one
 * generation after the other, and its key, which goes from disk to the keeper
 * and from there sealed to the engine. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/acme.h"
#include "daemon/log.h"
#include "daemon/master.h"
#include "hooks/generation.h"

_Static_assert((int)GENERATION_CHAIN_MAX >= (int)ACME_CHAIN_MAX,
    "whatever is installed can be read again");
_Static_assert((int)WIRE_CHAIN_MAX >= (int)GENERATION_CHAIN_MAX,
    "whatever is read can be told");

static struct {
	uint64_t *certs;		/* ascending; NULL: not looked yet */
	size_t n, room;
} disk;

static struct {
	uint32_t id;			/* the engine's; 0: none asked */
	uint32_t serial;		/* ours, to the keeper */
	unsigned engine;
} reseal;

/* --- the list ---------------------------------------------------------- */

static void
note(void *ctx, uint64_t cert)
{
	(void)ctx;
	if (disk.n == disk.room) {
		disk.room = disk.room * 2 + 64;
		disk.certs = xrealloc(disk.certs,
		    disk.room * sizeof(*disk.certs));
	}
	disk.certs[disk.n++] = cert;
	assert(disk.n <= disk.room);
}

static int
ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The list is made once for each survey: what is installed meanwhile the
 * engine knows of itself. */
static int
look(const struct master *m, struct err *err)
{
	free(disk.certs);
	memset(&disk, 0, sizeof(disk));
	assert(disk.n == 0 && disk.certs == NULL);
	if (generation_each(m->state, note, NULL, err) != 0)
		return -1;
	if (disk.n > 0)
		qsort(disk.certs, disk.n, sizeof(*disk.certs), ascending);
	return 0;
}

/* The first generation of this certificate with a higher number; 0: none. */
static uint32_t
next_gen(const struct master *m, uint64_t cert, uint32_t after)
{
	struct err err;
	uint32_t *gens, found = 0;
	size_t n, i;

	if (generation_list(m->state, cert, &gens, &n, &err) != 0) {
		log_err(&err, "survey of certificate %016llx",
		    (unsigned long long)cert);
		return 0;
	}
	for (i = 0; i < n && found == 0; i++)
		if (gens[i] > after)
			found = gens[i];
	free(gens);
	return found;
}

/* In ascending order, so that the engine's last answer says where to go on. */
static void
find_next(const struct master *m, const struct w_generation *after,
    struct w_surveyed *out)
{
	size_t i;

	assert(out->cert == 0 && out->gen == 0);
	for (i = 0; i < disk.n && out->gen == 0; i++) {
		if (disk.certs[i] < after->cert)
			continue;
		out->cert = disk.certs[i];
		out->gen = next_gen(m, out->cert,
		    out->cert == after->cert ? after->gen : 0);
	}
	if (out->gen == 0)
		out->cert = 0;
}

/* --- answers ----------------------------------------------------------- */

static void
fill(const struct master *m, struct w_surveyed *out)
{
	struct generation g;
	struct err err;
	uint32_t live;

	assert(out->cert != 0 && out->gen != 0);
	out->live = generation_live(m->state, out->cert, &live, &err) == 0 &&
	    live == out->gen;
	if (generation_read(m->state, out->cert, out->gen, &g, &err) != 0) {
		out->why = xstrdup(err.text);
		return;
	}
	if (g.meta.len + g.leaf.len + g.chain.len > WIRE_FILES_MAX) {
		out->why = xstrdup("its files are larger than one message");
		blob_free(&g.meta);
		blob_free(&g.leaf);
		blob_free(&g.chain);
		return;
	}
	out->meta = g.meta;
	out->leaf = g.leaf;
	out->chain = g.chain;
}

void
survey_next(struct master *m, uint32_t id, const struct w_generation *after)
{
	struct w_surveyed out;
	struct err err;

	memset(&out, 0, sizeof(out));
	if (after->cert == 0 && look(m, &err) != 0) {
		requests_refuse(m, m->engine, id, &err);
		return;
	}
	find_next(m, after, &out);
	if (out.cert != 0)
		fill(m, &out);
	requests_answer(m, m->engine, id, WIRE_SURVEYED, &out);
	msg_free(msg_find(wire_specs, WIRE_SURVEYED), &out);
}

static void
refuse(struct master *m, const char *why)
{
	struct err err;

	assert(reseal.id != 0);
	err_set(&err, ERR_KEEPER, "%s", why);
	requests_refuse(m, reseal.engine, reseal.id, &err);
	reseal.id = 0;
}

/* One at a time: an engine that asks for the next has given up the one
 * before. */
void
survey_reseal(struct master *m, uint32_t id, const struct w_reseal *r)
{
	struct w_import ask = { r->cert, r->version, (char[]){ "" },
	    { NULL, 0 } };
	struct err err;

	assert(m->state >= 0);
	if (reseal.id != 0)
		refuse(m, "another key was asked for meanwhile");
	if (generation_read_key(m->state, r->cert, r->gen, &ask.key, &err) !=
	    0) {
		requests_refuse(m, m->engine, id, &err);
		return;
	}
	reseal.id = id;
	reseal.engine = m->engine;
	reseal.serial = (reseal.serial + 1) | SURVEY_SERIAL;
	if (!child_send(&m->children[ROLE_KEEPER], WIRE_IMPORT,
	    reseal.serial, &ask, NULL, 0))
		refuse(m, "the keeper does not run at the moment");
	blob_wipe(&ask.key);
}

void
survey_sealed(struct master *m, uint32_t id, const struct w_key *k)
{
	if (reseal.id == 0 || id != reseal.serial)
		return;
	requests_answer(m, reseal.engine, reseal.id, WIRE_KEY, k);
	reseal.id = 0;
}

void
survey_failed(struct master *m, uint32_t id, const struct w_failed *f)
{
	struct err err;

	if (reseal.id == 0 || id != reseal.serial)
		return;
	wire_failed_err(f, &err);
	requests_refuse(m, reseal.engine, reseal.id, &err);
	reseal.id = 0;
}

void
survey_child_gone(struct master *m, enum role role)
{
	if (reseal.id != 0 && role == ROLE_KEEPER)
		refuse(m, "the keeper has ended");
}
