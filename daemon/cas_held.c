/* What an operator asks for with an account begins when the orders under way
 * there have ended, which were begun with the account as it is now. No new ones
 * begin meanwhile; and it is not waited for ever. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "daemon/cas_parts.h"
#include "daemon/loop.h"

/* Orders, deeds and sessions end in many places: a look now and then is enough
 * for a person. */
enum { HELD_MAX_MS = 60 * 1000, LOOK_MS = 250 };

static bool
is_quiet(const struct ca *c)
{
	return c->orders == 0 && c->deed == DEED_NONE && !c->stepping;
}

static void
busy(const struct ca *c, ca_done *done, void *ctx)
{
	struct err err;

	assert(done != NULL);
	if (c->orders > 0)
		err_set(&err, ERR_OWN_LIMIT, "%s: %d order%s under way there",
		    c->conf->title, c->orders, c->orders == 1 ? " is" :
		    "s are");
	else
		err_set(&err, ERR_OWN_LIMIT, "%s: something else is under way "
		    "there", c->conf->title);
	err_advise(&err, "Try it again when they are done.");
	done(ctx, &err);
}

static void
forget(struct ca *c)
{
	assert(c->held.start != NULL);
	c->held.start = NULL;
	row_free(T_ACCOUNT, &c->incoming);
	memset(&c->incoming, 0, sizeof(c->incoming));
}

static void
give_up(struct ca *c)
{
	ca_done *done = c->held.done;
	void *ctx = c->held.ctx;

	assert(c->deed_done == NULL);
	forget(c);
	ca_room_opens(c);
	busy(c, done, ctx);
}

static void
look(void *ctx)
{
	struct ca *c = ctx;
	void (*start)(struct ca *) = c->held.start;

	assert(start != NULL && c->deed_done == NULL);
	if (is_quiet(c)) {
		c->deed_done = c->held.done;
		c->deed_ctx = c->held.ctx;
		c->held.start = NULL;
		start(c);
	} else if (loop_mono() >= c->held.until_ms)
		give_up(c);
	else
		loop_timer_after(c->held.timer, LOOK_MS);
}

bool
ca_hold(struct ca *c, void (*start)(struct ca *c), ca_done *done, void *ctx)
{
	assert(start != NULL && done != NULL);
	if (c->held.start != NULL || c->deed_done != NULL) {
		busy(c, done, ctx);
		return false;
	}
	if (c->held.timer == NULL)
		c->held.timer = loop_timer_new(look, c);
	c->held.start = start;
	c->held.done = done;
	c->held.ctx = ctx;
	c->held.until_ms = loop_mono() + HELD_MAX_MS;
	return true;
}

void
ca_held_go(struct ca *c)
{
	look(c);
}

void
ca_held_fini(struct ca *c)
{
	if (c->held.start != NULL)
		forget(c);
	loop_timer_free(c->held.timer);
}
