/* Waits between looks: they grow, from a start that adapts to the CA. */
#include <config.h>
#include <assert.h>
#include "acme/acme.h"
#include "acme/pace.h"

enum {
	GROWS_TO_MS = 15 * 1000,
	DOUBLED_MAX = 10,
	LONG_MS = 60 * 1000,
	POLLS_BEFORE_LONG = 40		/* some ten minutes */
};

void
pace_init(struct pace *p)
{
	p->first_ms = PACE_FIRST_MS;
}

int64_t
pace_next(const struct pace *p, const char *retry_after, int64_t now_ms,
    struct looks *l)
{
	int64_t at = acme_retry_after(retry_after, now_ms, ACME_POLL_MIN_MS,
	    ACME_POLL_MAX_MS), wait;
	int n = l->n > 0 ? l->n - 1 : 0;

	assert(l->n >= 0 && p->first_ms >= PACE_MIN_MS &&
	    p->first_ms <= PACE_MAX_MS);
	if (l->n <= POLLS_BEFORE_LONG)
		l->n++;
	l->first_ms = at == 0 ? p->first_ms : 0;
	if (at != 0)
		return at;
	if (l->n > POLLS_BEFORE_LONG)
		return now_ms + LONG_MS;
	wait = p->first_ms << (n < DOUBLED_MAX ? n : DOUBLED_MAX);
	return now_ms + (wait < GROWS_TO_MS ? wait : GROWS_TO_MS);
}

static bool
teaches(const struct looks *l)
{
	assert(l->n >= 0 && l->first_ms >= 0);
	return l->n == 1 && l->first_ms != 0;
}

void
pace_early(struct pace *p, const struct looks *l)
{
	int64_t most = l->first_ms + l->first_ms / 2;

	if (!teaches(l) || p->first_ms >= most)
		return;
	p->first_ms += l->first_ms / 2;
	if (p->first_ms > most)
		p->first_ms = most;
	if (p->first_ms > PACE_MAX_MS)
		p->first_ms = PACE_MAX_MS;
}

void
pace_ready(struct pace *p, const struct looks *l)
{
	int64_t least = l->first_ms - l->first_ms / 4;

	if (!teaches(l) || p->first_ms <= least)
		return;
	p->first_ms -= (p->first_ms + 15) / 16;
	if (p->first_ms < least)
		p->first_ms = least;
	if (p->first_ms < PACE_MIN_MS)
		p->first_ms = PACE_MIN_MS;
}
