/* Asking the questions of a walk to a zone, one after the other. */
#include <config.h>
#include <assert.h>
#include "daemon/walking.h"

static void walked(void *ctx, const struct dns_answer *a);

static void
walk_on(struct walking *k)
{
	assert(k->over != NULL);
	dns_ask(k->w.ask_name, k->w.ask_type, NULL, walked, k);
}

static void
walked(void *ctx, const struct dns_answer *a)
{
	struct walking *k = ctx;
	struct err err;

	switch (zone_take(&k->w, a, &err)) {
	case WALK_ASK:
		walk_on(k);
		break;
	case WALK_DONE:
		k->over(k, NULL);
		break;
	case WALK_FAILED:
		k->over(k, &err);
		break;
	}
}

void
walking_begin(struct walking *k, const char *name,
    void (*over)(struct walking *k, const struct err *err))
{
	assert(over != NULL && name != NULL);
	k->over = over;
	zone_begin(&k->w, name);
	walk_on(k);
}
