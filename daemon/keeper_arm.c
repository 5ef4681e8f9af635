/* The table of what is armed. Nothing of it outlives the process. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <openssl/sha.h>
#include "base/clock.h"
#include "daemon/arm_words.h"
#include "daemon/keeper.h"
#include "daemon/keeper_arm.h"
#include "daemon/keeper_parts.h"

/* Once, and as often as a request is signed again for another nonce. */
enum { ARMED_MAX = 1024, USES_MAX = 12, CA_MAX = 64 };

static struct {
	struct armed {
		uint8_t what;
		uint64_t object;
		uint32_t version;
		bool has_digest;
		uint8_t digest[ARM_DIGEST];
		char origin[ORIGIN_MAX + 1], ca[CA_MAX + 1];
		int64_t until_ms;
		int uses;
		uint8_t asked[SHA256_DIGEST_LENGTH];	/* by the first */
	} v[ARMED_MAX];
	size_t n;
} table;

/* The last takes its place: the order means nothing. */
static void
drop(struct armed *a)
{
	assert(table.n > 0 && a >= table.v && a < table.v + table.n);
	*a = table.v[--table.n];
}

static void
drop_old(void)
{
	int64_t now = clock_boot_ms();
	size_t i = 0;

	assert(table.n <= ARMED_MAX);
	while (i < table.n)
		if (table.v[i].until_ms <= now)
			drop(&table.v[i]);
		else
			i++;
}

static struct armed *
find(uint8_t what, uint64_t object, uint32_t version)
{
	size_t i;

	assert(table.n <= ARMED_MAX);
	for (i = 0; i < table.n; i++)
		if (table.v[i].what == what && table.v[i].object == object &&
		    table.v[i].version == version)
			return &table.v[i];
	return NULL;
}

/* Of an account's leave the CA is a part; nothing else has one. */
static int
check_ca(const struct w_arm *q, struct err *err)
{
	size_t origin = strlen(q->origin), ca = strlen(q->ca);
	bool wanted = q->what != ARM_REVOKE && q->seconds != 0;

	assert(q->what < ARM_WHAT_COUNT);
	if (origin <= ORIGIN_MAX && ca <= CA_MAX && (origin > 0) == wanted &&
	    (ca > 0) == wanted)
		return 0;
	return err_set(err, ERR_INVALID, "%s is armed for %s",
	    arm_words(q->what)->act, wanted ? "an account of one CA" :
	    "something that no CA has");
}

static int
check(const struct w_arm *q, struct err *err)
{
	if (q->what < ARM_REVOKE || q->what >= ARM_WHAT_COUNT)
		return err_set(err, ERR_INVALID, "there is no such act to "
		    "arm");
	if (q->seconds > ARM_SECONDS_MAX)
		return err_set(err, ERR_INVALID, "%s is armed for %d seconds "
		    "at most", arm_words(q->what)->act, ARM_SECONDS_MAX);
	if ((q->what == ARM_REVOKE) != (q->version != 0))
		return err_set(err, ERR_INVALID, "%s is armed for %s",
		    arm_words(q->what)->act, q->what == ARM_REVOKE ?
		    "a version of a certificate" : "an account");
	if (check_ca(q, err) != 0)
		return -1;
	if (q->digest.len != 0 && (q->digest.len != ARM_DIGEST ||
	    q->what != ARM_REVOKE))
		return err_set(err, ERR_INVALID, "%s is armed with something "
		    "that is no digest", arm_words(q->what)->act);
	return 0;
}

/* Armed again it counts anew, as long as the operator wants it: 0 seconds
 * take it back. */
int
keeper_arm(const struct kek *kek, const void *in, void *out, struct err *err)
{
	const struct w_arm *q = in;
	struct armed *a;

	(void)kek;
	(void)out;
	if (check(q, err) != 0)
		return -1;
	drop_old();
	a = find(q->what, q->object, q->version);
	if (q->seconds == 0) {
		if (a != NULL)
			drop(a);
		return 0;
	}
	if (a == NULL && table.n == ARMED_MAX) {
		err_set(err, ERR_OWN_LIMIT, "more than %d acts are armed",
		    ARMED_MAX);
		return err_advise(err, "Wait until the first are done.");
	}
	if (a == NULL)
		a = &table.v[table.n++];
	assert(a >= table.v && a < table.v + table.n);
	*a = (struct armed){ .what = q->what, .object = q->object,
		.version = q->version, .has_digest = q->digest.len != 0,
		.until_ms = clock_boot_ms() + (int64_t)q->seconds * 1000 };
	if (a->has_digest)
		memcpy(a->digest, q->digest.p, ARM_DIGEST);
	snprintf(a->origin, sizeof(a->origin), "%s", q->origin);
	snprintf(a->ca, sizeof(a->ca), "%s", q->ca);
	return 0;
}

static int
unarmed(const struct arm_act *act, const char *why, struct err *err)
{
	return arm_refuse(act->what, act->object, act->version, why, err);
}

static bool
is_its_ca(const struct armed *a, const struct arm_act *act)
{
	return (act->origin == NULL || strcmp(a->origin, act->origin) == 0) &&
	    (act->ca == NULL || strcmp(a->ca, act->ca) == 0);
}

/* NULL: err says why there is no leave. */
static struct armed *
leave(const struct arm_act *act, struct err *err)
{
	struct armed *a;

	assert(act->what < ARM_WHAT_COUNT);
	drop_old();
	a = find((uint8_t)act->what, act->object, act->version);
	if (a == NULL)
		unarmed(act, NULL, err);
	else if (!is_its_ca(a, act)) {
		unarmed(act, "an operator has allowed it for an account of "
		    "another CA", err);
		a = NULL;
	}
	return a;
}

/* Looks only: what is asked for may still turn out to be something else. */
int
arm_look(const struct arm_act *act, const uint8_t **digest, struct err *err)
{
	const struct armed *a = leave(act, err);

	assert(digest != NULL);
	if (a == NULL)
		return -1;
	*digest = a->has_digest ? a->digest : NULL;
	return 0;
}

/* Bound to the first request that uses it: the same one may be signed again
 * for another nonce, nothing else. A key is handed out once. */
int
arm_use(const struct arm_act *act, const void *asked, size_t n,
    struct err *err)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct armed *a = leave(act, err);

	assert((act->what == ARM_REVOKE) == (act->origin == NULL));
	if (a == NULL)
		return -1;
	assert(a->uses < USES_MAX);
	SHA256(asked, n, hash);
	if (a->uses > 0 && memcmp(hash, a->asked, sizeof(hash)) != 0)
		return unarmed(act, "an operator has allowed it once, and that "
		    "was used for another request", err);
	memcpy(a->asked, hash, sizeof(hash));
	if (++a->uses >= USES_MAX || act->what == ARM_EXPORT)
		drop(a);
	return 0;
}
