/* When to renew and to retry, for every lifetime from a minute to 398 days. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "daemon/conf.h"
#include "daemon/plan.h"

#define START 1700000000000LL

static const uint32_t lucks[] = { 0, 1, UINT32_MAX / 2, UINT32_MAX };

static void
renewal_points(void **state)
{
	bool refused;
	int64_t at;

	(void)state;
	at = plan_renewal(0, 90 * CONF_DAY, 0, 0, &refused);
	assert_true(at == 60 * CONF_DAY && !refused);
	at = plan_renewal(0, 6 * CONF_DAY, 0, 0, &refused);
	assert_true(at == 3 * CONF_DAY);
	at = plan_renewal(0, 90 * CONF_DAY, 30 * CONF_DAY, 7, &refused);
	assert_true(at == 60 * CONF_DAY && !refused);
	at = plan_renewal(0, 90 * CONF_DAY, 61 * CONF_DAY, 0, &refused);
	assert_true(at == 60 * CONF_DAY && refused);
}

/* Renewal begins after issuance with room to spare, whatever the luck: never
 * always due. Then everything fails: three attempts at least come before the
 * end, and no two are closer than a sensible pause. */
static void
every_lifetime(void **state)
{
	int64_t life, at, wait;
	bool refused;
	size_t i;
	int tries;

	(void)state;
	for (life = CONF_MINUTE; life <= 398 * CONF_DAY; life += life / 7) {
		for (i = 0; i < 4; i++) {
			at = plan_renewal(START, START + life, 0, lucks[i],
			    &refused);
			assert_true(at > START + life / 3);
			assert_true(at <= START + 2 * life / 3 + 1);
			for (tries = 1; at < START + life; tries++) {
				wait = plan_backoff(tries, life, lucks[i]);
				assert_true(wait >= CONF_SECOND / 2);
				assert_true(wait <= life / 20);
				assert_true(wait <= CONF_DAY);
				at += wait;
			}
			assert_true(tries - 1 >= 3);
		}
		assert_true(plan_probe_every(life) <= life / 20);
		assert_true(plan_probe_every(life) <= CONF_DAY);
		assert_true(plan_delay(30 * CONF_SECOND, life) <= life / 20);
	}
}

static void
first_issuance(void **state)
{
	(void)state;
	assert_true(plan_backoff(1, 0, 0) == CONF_MINUTE);
	assert_true(plan_backoff(2, 0, 0) == 10 * CONF_MINUTE);
	assert_true(plan_backoff(3, 0, 0) == 100 * CONF_MINUTE);
	assert_true(plan_backoff(4, 0, 0) == CONF_DAY);
	/* Counters of three years of failing stay harmless (security.md I5). */
	assert_true(plan_backoff(INT64_MAX, 0, 0) == CONF_DAY);
	assert_true(plan_breaker(INT64_MAX, 0, 0) == 5 * CONF_MINUTE);
	assert_true(plan_probe_again(INT64_MAX, 0) == 5 * CONF_SECOND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renewal_points),
		cmocka_unit_test(every_lifetime),
		cmocka_unit_test(first_issuance)
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
