/* The arithmetic of when. */
#include <config.h>
#include <assert.h>
#include "base/text.h"
#include "daemon/conf.h"
#include "daemon/plan.h"

enum { CAP = 20 };

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
share(int64_t ms, uint32_t luck)
{
	assert(ms >= 0);
	return (int64_t)((double)ms * ((double)luck / 4294967296.0));
}

int64_t
plan_delay(int64_t delay_ms, int64_t lifetime_ms)
{
	assert(delay_ms >= 0);
	return lifetime_ms > 0 ? least(delay_ms, lifetime_ms / CAP) : delay_ms;
}

int64_t
plan_renewal(int64_t not_before_ms, int64_t not_after_ms,
    int64_t renew_before_ms, uint32_t luck, bool *refused)
{
	int64_t life = not_after_ms - not_before_ms, left;

	assert(refused != NULL);
	*refused = renew_before_ms > life / 3 * 2;
	if (renew_before_ms > 0 && !*refused)
		return not_after_ms - renew_before_ms;
	left = life < 10 * CONF_DAY ? life / 2 : life / 3;
	return not_after_ms - left - share(life / 50, luck);
}

int64_t
plan_backoff(int64_t failures, int64_t lifetime_ms, uint32_t luck)
{
	static const int64_t steps[] = {
		CONF_MINUTE, 10 * CONF_MINUTE, 100 * CONF_MINUTE, CONF_DAY
	};
	int64_t i = failures < 1 ? 0 : least(failures - 1, 3);
	int64_t wait = plan_delay(steps[i], lifetime_ms);

	assert(i >= 0 && i <= 3);
	assert(wait >= 0);
	return wait - share(wait / 5, luck);
}

int64_t
plan_own_trouble(int64_t failures, int64_t lifetime_ms)
{
	int64_t n = failures < 1 ? 1 : least(failures, 12);

	assert(n >= 1 && n <= 12);
	return plan_delay(n * 5 * CONF_SECOND, lifetime_ms);
}

int64_t
plan_blocked(int64_t lifetime_ms, uint32_t luck)
{
	int64_t wait = plan_delay(CONF_HOUR, lifetime_ms);

	return wait - share(wait / 5, luck);
}

int64_t
plan_probe_every(int64_t lifetime_ms)
{
	int64_t every = lifetime_ms / 60;

	if (every < CONF_HOUR)
		every = CONF_HOUR;
	assert(every >= CONF_HOUR);
	return plan_delay(least(every, CONF_DAY), lifetime_ms);
}

int64_t
plan_probe_again(int64_t k, int64_t lifetime_ms)
{
	int64_t wait = 200;

	assert(k >= 0);
	while (k-- > 0 && wait < 5 * CONF_SECOND)
		wait *= 2;
	return plan_delay(least(wait, 5 * CONF_SECOND), lifetime_ms);
}

int64_t
plan_breaker(int64_t failures, int64_t lifetime_ms, uint32_t luck)
{
	int64_t wait = 30 * CONF_SECOND;

	while (--failures > 0 && wait < 5 * CONF_MINUTE)
		wait *= 2;
	wait = plan_delay(least(wait, 5 * CONF_MINUTE), lifetime_ms);
	return wait - share(wait / 5, luck);
}
