/* Orders whose process dies after a step: what was saved goes on, whatever step
 * it was, also when an older program saved it. What is no order fails to
 * load. */
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

static struct acme_order *
again(struct acme_order *o, struct buf *text)
{
	struct acme_order *copy;
	struct buf twice;
	struct err err;

	buf_reset(text);
	acme_order_save(o, text);
	assert_false(text->full);
	copy = acme_order_load(text->data, text->len, &err);
	if (copy == NULL)
		fail_msg("%s in %s", err.text, text->data);
	buf_init(&twice, text->max);
	acme_order_save(copy, &twice);
	assert_string_equal(text->data, twice.data);
	buf_free(&twice);
	return copy;
}

/* Runs with a crash after step `at`: from the state that was durable then
 * (durable) or from the very last one. False: it ended before. */
static bool
crash_at(struct world *t, const char *names, int at, bool durable)
{
	const struct acme_event *event = NULL;
	struct acme_event ev;
	struct buf text, kept;
	int step;

	buf_init(&text, 1 << 20);
	buf_init(&kept, 1 << 20);
	t->o = fake_order_by(names, t->types, NULL);
	acme_order_save(t->o, &kept);
	for (step = 0; ; step++) {
		t->w = acme_order_step(t->o, t->s, t->ca.now_ms, event,
		    &t->err);
		acme_order_free(again(t->o, &text));
		if (t->w.save) {
			buf_reset(&kept);
			buf_add(&kept, text.data, text.len);
		}
		/* The wish is carried out, and nobody lives to hear of it. */
		if (!fake_do(&t->ca, t->s, t->o, &t->w, &ev))
			break;
		event = &ev;
		if (step != at)
			continue;
		acme_order_free(t->o);
		t->o = acme_order_load(durable ? kept.data : text.data,
		    durable ? kept.len : text.len, &t->err);
		if (t->o == NULL)
			fail_msg("%s in %s", t->err.text, text.data);
		event = NULL;
	}
	buf_free(&text);
	buf_free(&kept);
	return step > at;
}

struct play {
	const char *names, *types, *fail_name, *fail_type, *broken, *offers;
	bool durable;
	enum acme_wish_kind end;
	int most_orders;
};

static void
sweep(const struct play *p)
{
	struct world *t;
	bool crashed = true;
	void *state;
	int at;

	for (at = 0; crashed; at++) {
		setup(&state);
		t = state;
		t->types = p->types;
		t->ca.fail_name = p->fail_name;
		t->ca.fail_type = p->fail_type;
		t->ca.broken_type = p->broken;
		t->ca.offers = p->offers;
		crashed = crash_at(t, p->names, at, p->durable);
		assert_true(at < 400);
		if ((int)t->w.kind != (int)p->end)
			fail_msg("crash after step %d: %d %s", at,
			    (int)t->w.kind, t->err.text);
		assert_int_equal(t->ca.published.n, 0);
		assert_int_equal(t->ca.records.n, 0);
		assert_in_range(t->ca.norders, 1, p->most_orders);
		assert_true(fake_count(&t->ca, "new-order") <=
		    p->most_orders + 1);
		if (p->end == ACME_WISH_DONE)
			assert_int_equal(fake_count(&t->ca, "finalize"), 1);
		else
			guilty_are(t, p->fail_name);
		teardown(&state);
	}
	assert_true(at > 10);
}

static void
resume_after_every_step(void **state)
{
	struct play p = { "www.shop.example", "http-01 dns-01", NULL, NULL,
	    NULL, NULL, false, ACME_WISH_DONE, 1 };

	(void)state;
	sweep(&p);
	p.durable = true;
	sweep(&p);
	p.names = "a.shop.example *.shop.example";
	sweep(&p);
	p.durable = false;
	sweep(&p);
}

static void
resume_of_a_failing_order(void **state)
{
	struct play p = { "a.shop.example b.shop.example", "http-01",
	    "b.shop.example", NULL, NULL, NULL, false, ACME_WISH_FAIL, 1 };

	(void)state;
	sweep(&p);
	p.durable = true;
	sweep(&p);
}

static void
resume_between_two_orders(void **state)
{
	struct play p = { "a.shop.example b.shop.example", "http-01 dns-01",
	    "b.shop.example", "http-01", NULL, NULL, false, ACME_WISH_DONE,
	    2 };

	(void)state;
	sweep(&p);
	p.durable = true;
	sweep(&p);
	p.fail_type = NULL;
	p.end = ACME_WISH_FAIL;
	sweep(&p);
	/* What is not offered is remembered, too. */
	p.offers = "http-01";
	p.most_orders = 1;
	sweep(&p);
}

static void
resume_between_two_types(void **state)
{
	struct play p = { "a.shop.example *.shop.example",
	    "http-01 dns-account-01 dns-01", NULL, NULL, "dns-account-01",
	    "dns-01 http-01 dns-account-01", false, ACME_WISH_DONE, 1 };

	(void)state;
	sweep(&p);
	p.durable = true;
	sweep(&p);
	p.types = "dns-persist-01 dns-01";
	p.broken = "dns-persist-01";
	p.offers = "dns-persist-01 dns-01";
	sweep(&p);
}

static void
garbage_does_not_load(void **state)
{
	struct world *t = *state;
	struct acme_order *o;
	struct buf text, cut;
	struct err err;
	size_t n;

	buf_init(&text, 1 << 20);
	good(t, "a.shop.example b.shop.example");
	acme_order_save(t->o, &text);
	for (n = 0; n < text.len; n += 7)
		assert_null(acme_order_load(text.data, n, &err));
	assert_int_equal(err.code, ERR_STORE);
	/* One byte wrong anywhere: loads or not, but never falls. */
	buf_init(&cut, text.max);
	for (n = 0; n < text.len; n++) {
		buf_reset(&cut);
		buf_add(&cut, text.data, text.len);
		cut.data[n] ^= 1;
		o = acme_order_load(cut.data, cut.len, &err);
		if (o != NULL)
			acme_order_free(again(o, &cut));
		acme_order_free(o);
	}
	buf_free(&text);
	buf_free(&cut);
}


/* --- states of older programs --------------------------------------------- */

#define OLD "{\"order\":1,\"names\":[\"*.shop.example\",\"b.shop.example\"]," \
	"\"challenges\":[\"http-01\",\"dns-01\"],\"profile\":\"\"," \
	"\"replaces\":\"\",\"sent\":false,\"lost\":0,\"url\":\"" ORIGIN \
	"/order/0\",\"finalize\":\"" ORIGIN "/finalize/0\"," \
	"\"certificate\":\"\",\"status\":0,\"seen\":0," \
	"\"created_ms\":1795219200000,\"expires_ms\":1795824000000," \
	"\"csr\":\"\",\"spki\":\"\",\"finalized\":0,\"finalized_ms\":0," \
	"\"unready\":0,"
#define OLD_AUTHZ(state, published) "\"authz\":[{\"url\":\"" ORIGIN \
	"/authz/0/0\",\"state\":" state ",\"ident\":\"*.shop.example\"," \
	"\"type\":\"dns-01\",\"challenge_url\":\"" ORIGIN \
	"/challenge/0/0/dns-01\",\"token\":\"token-of-order-0-number-0\"," \
	"\"published\":" published ",\"answers_lost\":0},{\"url\":\"" ORIGIN \
	"/authz/0/1\",\"state\":" state ",\"ident\":\"b.shop.example\"," \
	"\"type\":\"http-01\",\"challenge_url\":\"" ORIGIN \
	"/challenge/0/1/http-01\",\"token\":\"token-of-order-0-number-1\"," \
	"\"published\":" published ",\"answers_lost\":0}]}"

static void
old_states_load(void **state)
{
	static const char running[] = OLD "\"failing\":false,\"over\":false,"
	    "\"told\":false,\"guilty\":\"\"," OLD_AUTHZ("2", "true");
	static const char failed[] = OLD "\"failing\":true,\"over\":true,"
	    "\"told\":true,\"guilty\":\"b.shop.example\",\"why\":{\"code\":"
	    "\"connection\",\"retry_at_ms\":0,\"text\":\"no answer\","
	    "\"advice\":\"Open the port.\"}," OLD_AUTHZ("4", "false");
	struct world *t = *state;

	good(t, "*.shop.example b.shop.example");
	fake_free(&t->ca);
	fake_init(&t->ca);
	/* The order that it stands for, at the CA as it was then. */
	t->ca.account = true;
	acme_order_free(t->o);
	t->o = fake_order_by("*.shop.example b.shop.example",
	    "http-01 dns-01", NULL);
	t->ca.validate_ms = 0;
	t->ca.ready_at_once = true;
	fake_fault(&t->ca, "finalize", 1, FAULT_NOT_SENT, 0, NULL, NULL);
	bad(t, NULL, ERR_CA_DOWN);
	acme_order_free(t->o);
	t->o = acme_order_load(running, sizeof(running) - 1, &t->err);
	assert_non_null(t->o);
	strv_add(&t->ca.published, "dns-01 token-of-order-0-number-0");
	strv_add(&t->ca.published, "http-01 token-of-order-0-number-1");
	good(t, NULL);
	assert_int_equal(t->ca.norders, 1);
	acme_order_free(t->o);
	t->o = acme_order_load(failed, sizeof(failed) - 1, &t->err);
	assert_non_null(t->o);
	bad(t, NULL, ERR_CONNECTION);
	guilty_are(t, "b.shop.example");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resume_after_every_step),
		cmocka_unit_test(resume_of_a_failing_order),
		cmocka_unit_test(resume_between_two_orders),
		cmocka_unit_test(resume_between_two_types),
		T(garbage_does_not_load),
		T(old_states_load)
	};

	return cmocka_run_group_tests_name("acme_crash", tests, NULL, NULL);
}
