/* What the tests of orders share: a CA in memory, an account at it, and one
 * order that is run to its end. cmocka.h comes before this. */
#ifndef TESTS_ACME_WORLD_H
#define TESTS_ACME_WORLD_H
#include "acme_fake.h"

#define URN "urn:ietf:params:acme:error:"

struct world {
	struct fake_ca ca;
	struct acme_session *s;
	struct acme_order *o;
	struct acme_wish w;	/* the last */
	struct err err;
	const char *types;	/* NULL: http-01 dns-01 */
};

int setup(void **state);
int teardown(void **state);

/* An order for these names (NULL: the one that there is) ends so. */
void expect(struct world *t, const char *names, enum acme_wish_kind kind,
    enum err_code code);
void good(struct world *t, const char *names);
void bad(struct world *t, const char *names, enum err_code code);
/* Exactly these names are at fault. */
void guilty_are(struct world *t, const char *names);

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define N(name, f) { name, f, setup, teardown, NULL }
#endif
