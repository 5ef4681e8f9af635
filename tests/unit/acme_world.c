/* An order at a CA in memory, run to its end. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acme_world.h"

int
setup(void **state)
{
	struct world *t = xcalloc(1, sizeof(*t));

	fake_init(&t->ca);
	t->s = fake_session(&t->ca);
	strv_free(&t->ca.log);
	t->ca.heads = t->ca.signatures = t->ca.saves = 0;
	*state = t;
	return 0;
}

int
teardown(void **state)
{
	struct world *t = *state;

	acme_order_free(t->o);
	acme_session_free(t->s);
	fake_free(&t->ca);
	free(t);
	return 0;
}

void
expect(struct world *t, const char *names, enum acme_wish_kind kind,
    enum err_code code)
{
	if (names != NULL) {
		acme_order_free(t->o);
		t->o = t->types != NULL ?
		    fake_order_by(names, t->types, NULL) :
		    fake_order_new(names);
	}
	err_clear(&t->err);
	t->w = fake_run(&t->ca, t->s, t->o, &t->err);
	if ((int)t->w.kind != (int)kind || t->err.code != code)
		fail_msg("got %d %s: %s", (int)t->w.kind,
		    err_code_name(t->err.code), t->err.text);
	assert_int_equal(t->ca.published.n, 0);
	assert_int_equal(t->ca.records.n, 0);
	if (kind != ACME_WISH_DONE)
		return;
	assert_true(t->w.save);
	assert_non_null(t->w.leaf.p);
	assert_memory_equal(t->w.leaf.p, "-----BEGIN CERTIFICATE-----\n", 28);
	assert_true(t->w.chain.len > 100);
	assert_string_equal(acme_order_stage(t->o), "done");
}

void
guilty_are(struct world *t, const char *names)
{
	struct strv want = strv_of(names);

	assert_true(strv_same(acme_order_guilties(t->o), &want));
	assert_int_equal(acme_order_guilties(t->o)->n, want.n);
	strv_free(&want);
}

void
good(struct world *t, const char *names)
{
	expect(t, names, ACME_WISH_DONE, ERR_OK);
}

void
bad(struct world *t, const char *names, enum err_code code)
{
	expect(t, names, ACME_WISH_FAIL, code);
}
