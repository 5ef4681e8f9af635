/* What reaches the program of a dns block: names that DNS made up do not, and
 * a trial has the form of a challenge. Each message is packed as it would go
 * out, which asserts that it keeps to its table. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/name.h"
#include "daemon/acts.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/proof_dns.h"
#include "daemon/sched.h"

#define TOKEN "DGyRejmCefe7v4NfDGDKfA_-0123"
#define THUMB "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

static struct batch *batch;
static int asked, done_calls;
static enum err_code said;
static struct w_run_dns heard;		/* texts are gone; name is not */
static char heard_name[NAME_TITLE_MAX + 1];
static bool no_cert, no_store;

/* --- in place of the engine --------------------------------------------- */

void
peer_ask(enum wire_kind kind, const void *st, peer_done *done, void *ctx)
{
	struct blob m = msg_pack(msg_find(wire_specs, (uint16_t)kind), 1, st);
	struct w_ran ran = { .how = RAN_EXITED };

	blob_free(&m);
	assert_int_equal(kind, WIRE_RUN_DNS);
	heard = *(const struct w_run_dns *)st;
	snprintf(heard_name, sizeof(heard_name), "%s", heard.name);
	asked++;
	done(ctx, &ran, NULL);
}

struct store *
turn_store(void)
{
	return NULL;
}

/* The inventory has one certificate. */
void
store_read(struct store *s, const struct query *q, int n, store_rows *done,
    void *ctx)
{
	struct row_cert c = { .id = 5, .name = (char[]){ "shop" } };
	struct rows rows = { T_CERT, 1, &c };
	struct err err;

	(void)s;
	assert_int_equal(n, 1);
	assert_int_equal(q->where[0].num, 5);
	rows.n = no_cert ? 0 : 1;
	err_set(&err, ERR_STORE, "no");
	if (no_store)
		done(ctx, NULL, 0, &err);
	else
		done(ctx, &rows, 1, NULL);
}

void
proof_dns_seen(const struct row_challenge *row, proof_done *done, void *ctx)
{
	(void)row;
	done(ctx, NULL);
}

/* As DNS said where the record is. */
void
proof_dns_plan(struct row_challenge *row, const struct conf_wish *wish,
    const struct strv *not, proof_done *done, void *ctx)
{
	(void)not;
	row_text(&row->dns, wish->dns);
	row_text(&row->zone, "shop.example");
	row_text(&row->server, "");
	done(ctx, NULL);
}

void
proof_publish(const struct row_challenge *row, proof_done *done, void *ctx)
{
	assert_true(name_is_keyauth(row->keyauth, row->token));
	proof_program.publish(row, done, ctx);
}

void
proof_withdraw(const struct row_challenge *row, proof_done *done, void *ctx)
{
	proof_program.withdraw(row, done, ctx);
}

const struct conf *
engine_conf(void)
{
	return NULL;
}

const struct conf_dns *
dns_block_named(const struct conf *c, const char *title, struct err *err)
{
	static char own[] = "own";
	static const struct conf_dns block = { .title = own };

	(void)c;
	(void)title;
	(void)err;
	return &block;
}

struct batch *
turn_batch(void)
{
	return batch;
}

void
turn_after(void (*fn)(void *ctx), void *ctx)
{
	fn(ctx);
}

void
sched_put(enum job_kind kind, int64_t id, int64_t at_ms)
{
	(void)kind;
	(void)id;
	(void)at_ms;
}

int64_t
loop_now(void)
{
	return 1700000000000;
}

int64_t
loop_mono(void)
{
	return 0;
}

int64_t
chance_id(void)
{
	return 4711;
}

/* --- tests ---------------------------------------------------------------- */

static void
done(void *ctx, const struct err *err)
{
	(void)ctx;
	done_calls++;
	said = err != NULL ? err->code : ERR_OK;
}

static void
e5_names_that_dns_made_up(void **state)
{
	static const struct { const char *record; bool fine; } rows[] = {
		{ "_acme-challenge.shop.example", true },
		{ "a\\032b.example", false }, { "*.example", false },
		{ "../x.example", false }, { "-rf.example", false }
	};
	struct row_challenge row = { .dns = (char[]){ "own" },
		.ident = (char[]){ "shop.example" },
		.value = (char[]){ THUMB }, .token = (char[]){ TOKEN },
		.keyauth = (char[]){ TOKEN "." THUMB } };
	char record[64], name_254[256] = "";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(record, sizeof(record), "%s", rows[i].record);
		row.record = record;
		asked = done_calls = 0;
		proof_program.publish(&row, done, NULL);
		assert_int_equal(said, rows[i].fine ? ERR_OK :
		    ERR_NO_CHALLENGE);
		proof_program.withdraw(&row, done, NULL);
		assert_int_equal(said, ERR_OK);
		assert_int_equal(done_calls, 2);
		assert_int_equal(asked, rows[i].fine ? 2 : 0);
	}
	memset(name_254, 'a', 254);
	row.record = name_254;
	proof_program.publish(&row, done, NULL);
	assert_int_equal(said, ERR_NO_CHALLENGE);
}

static void
tried(void *ctx, const struct strv *lines, bool good, const struct err *err)
{
	(void)ctx;
	assert_null(err);
	assert_true(lines->n > 0);
	done_calls++;
	said = good ? ERR_OK : ERR_DNS_HOOK;
}

static void
a_trial_is_like_a_challenge(void **state)
{
	(void)state;
	batch = batch_new();
	asked = done_calls = 0;
	act_test_dns("own", "shop.example", tried, NULL);
	assert_int_equal(done_calls, 1);
	assert_int_equal(said, ERR_OK);
	assert_int_equal(asked, 2);
	assert_int_equal(heard.test, 1);
	assert_string_equal(heard_name, "");
	batch_free(batch);
}

/* A program hears for which certificate it works, if there is one, and works
 * without. */
static void
the_title_goes_along(void **state)
{
	struct row_challenge row = { .dns = (char[]){ "own" }, .cert_id = 5,
		.record = (char[]){ "_acme-challenge.shop.example" },
		.ident = (char[]){ "shop.example" },
		.value = (char[]){ THUMB }, .token = (char[]){ TOKEN },
		.keyauth = (char[]){ TOKEN "." THUMB } };
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		no_cert = i == 1;
		no_store = i == 2;
		asked = 0;
		proof_program.publish(&row, done, NULL);
		assert_int_equal(heard.what, RUN_DNS_ADD);
		proof_program.withdraw(&row, done, NULL);
		assert_int_equal(heard.what, RUN_DNS_REMOVE);
		assert_int_equal(asked, 2);
		assert_int_equal(heard.test, 0);
		assert_string_equal(heard_name, i == 0 ? "shop" : "");
	}
	row.cert_id = -3;	/* a trial */
	proof_program.withdraw(&row, done, NULL);
	assert_int_equal(heard.test, 0);
	assert_string_equal(heard_name, "");
}

/* Paths are UTF-8, as the configuration is. */
static void
any_path_can_be_a_webroot(void **state)
{
	struct w_webroot w = { .path = (char[]){ "/srv/m\xc3\xbcller/www" },
		.token = (char[]){ TOKEN },
		.keyauth = (char[]){ TOKEN "." THUMB } }, back;
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_WEBROOT);
	struct blob m = msg_pack(spec, 1, &w);
	struct err err;

	(void)state;
	assert_true(msg_unpack(spec, m.p, m.len, &back, &err));
	assert_string_equal(back.path, w.path);
	msg_free(spec, &back);
	blob_free(&m);
}

/* As many as `email` may have. */
static void
all_contacts_fit(void **state)
{
	struct w_jws w = { .url = (char[]){ "https://ca.example/new" } };
	struct blob m;
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		strv_add(&w.contacts, "mailto:a@shop.example");
	m = msg_pack(msg_find(wire_specs, WIRE_JWS), 1, &w);
	assert_true(m.len > 16 * strlen("mailto:a@shop.example"));
	blob_free(&m);
	strv_free(&w.contacts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e5_names_that_dns_made_up),
		cmocka_unit_test(a_trial_is_like_a_challenge),
		cmocka_unit_test(the_title_goes_along),
		cmocka_unit_test(any_path_can_be_a_webroot),
		cmocka_unit_test(all_contacts_fit)
	};

	return cmocka_run_group_tests_name("what goes out of the engine",
	    tests, NULL, NULL);
}
