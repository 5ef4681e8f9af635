/* daemon/selfcheck.h in a world where names point here, or where a scenario
 * says. */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/selfcheck.h"
#include "tests/sim/sim.h"

enum { POINTS_MAX = 8, LATENCY_MS = 20 };

static struct {
	char name[256], address[64];
} points[POINTS_MAX];

struct checking {
	struct strv names;
	void (*seen)(void *ctx, const struct selfcheck_seen *s);
	void (*done)(void *ctx);
	void *ctx;
};

void
sim_check_begin(void)
{
	memset(points, 0, sizeof(points));
}

void
sim_points_to(const char *name, const char *address)
{
	size_t i = 0;

	while (i < POINTS_MAX - 1 && points[i].name[0] != '\0' &&
	    strcmp(points[i].name, name) != 0)
		i++;
	snprintf(points[i].name, sizeof(points[i].name), "%s", name);
	snprintf(points[i].address, sizeof(points[i].address), "%s",
	    address != NULL ? address : "");
}

static void
answer(void *ctx)
{
	struct checking *k = ctx;
	size_t i, j;

	for (i = 0; i < k->names.n; i++) {
		struct selfcheck_seen s = { k->names.v[i], "192.0.2.10", true,
			"our answer arrives there" };

		for (j = 0; j < POINTS_MAX; j++)
			if (strcmp(points[j].name, s.name) == 0 &&
			    points[j].address[0] != '\0') {
				s.address = points[j].address;
				s.right = false;
				s.words = "another server answers 404";
			}
		k->seen(k->ctx, &s);
	}
	k->done(k->ctx);
	strv_free(&k->names);
	free(k);
}

void
selfcheck_each(const struct strv *names, void (*seen)(void *ctx,
    const struct selfcheck_seen *s), void (*done)(void *ctx), void *ctx)
{
	struct checking *k = xcalloc(1, sizeof(*k));

	k->names = strv_copy(names);
	k->seen = seen;
	k->done = done;
	k->ctx = ctx;
	sim_post(LATENCY_MS, answer, k);
}

bool
selfcheck_own(struct strv *out)
{
	strv_add(out, "192.0.2.10");
	return true;
}
