/* The engine's channels to keeper, responder and master; the test plays the
 * other ends. */
#include <config.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/loop.h"
#include "daemon/peers.h"

static int far[PEER_COUNT];		/* the test's ends */
static char story[256];
static int wanted, done;
static struct err last_err;
static char key_seen[64];

static void
note(const char *s)
{
	size_t n = strlen(story);

	snprintf(story + n, sizeof(story) - n, "%s ", s);
}

static void
on_drain(void *ctx, bool ends)
{
	(void)ctx;
	note(ends ? "drain-to-end" : "drain");
	loop_stop();
}

static void
on_bad_conf(void *ctx, const char *line)
{
	(void)ctx;
	note(line);
	loop_stop();
}

static void
on_gone(void *ctx, enum peer p)
{
	(void)ctx;
	note(p == PEER_KEEPER ? "keeper-gone" : "responder-gone");
}

static void
on_back(void *ctx, enum peer p)
{
	(void)ctx;
	note(p == PEER_KEEPER ? "keeper-back" : "responder-back");
	loop_stop();
}

static int
set_up(void **state)
{
	const struct peers_hooks hooks = { on_drain, on_bad_conf, on_gone,
		on_back, NULL };
	int near[PEER_COUNT], pair[2], i;

	(void)state;
	memset(story, 0, sizeof(story));
	loop_init();
	for (i = 0; i < PEER_COUNT; i++) {
		if (msg_pair(pair) != 0)
			return -1;
		near[i] = pair[0];
		far[i] = pair[1];
	}
	peers_init(near, &hooks);
	return 0;
}

static void
close_far_ends(void)
{
	int i;

	for (i = 0; i < PEER_COUNT; i++)
		if (far[i] >= 0)
			close(far[i]);
}

static int
tear_down(void **state)
{
	(void)state;
	peers_fini();
	loop_fini();
	close_far_ends();
	return 0;
}

static void
no_turn_end(void *ctx)
{
	(void)ctx;
}

static void
run(void)
{
	alarm(20);
	loop_run(no_turn_end, NULL);
	alarm(0);
}

static void
run_until(int n)
{
	wanted = n;
	if (done < n)
		run();
	assert_int_equal(done, n);
}

/* --- what the far ends do -------------------------------------------------*/

static uint32_t
far_take(enum peer p, enum wire_kind kind)
{
	int fds[MSG_FDS_MAX], nfds;
	const void *bytes;
	uint16_t got = 0;
	uint32_t id = 0;
	ptrdiff_t n = msg_recv(far[p], MSG_DONTWAIT, &bytes, fds, &nfds);

	assert_true(n > 0);
	assert_true(msg_head(bytes, (size_t)n, &got, &id));
	assert_int_equal(got, kind);
	return id;
}

static void
far_ok(enum peer p, uint32_t id)
{
	const struct w_empty empty = { 0 };

	assert_int_equal(wire_send(far[p], WIRE_OK, id, &empty), 0);
}

static void
far_key(uint32_t id, const char *sealed)
{
	struct w_key k = { { NULL, 0 }, { NULL, 0 } };

	k.sealed = blob_copy(sealed, strlen(sealed) + 1);
	k.spki = blob_copy("s", 1);
	assert_int_equal(wire_send(far[PEER_KEEPER], WIRE_KEY, id, &k), 0);
	blob_free(&k.sealed);
	blob_free(&k.spki);
}

/* --- what the near end asks -----------------------------------------------*/

static bool asking;

static void
on_answer(void *ctx, void *answer, const struct err *err)
{
	const struct w_key *k = answer;

	assert_false(asking);
	if (err != NULL) {
		last_err = *err;
		note("err");
	} else if (k != NULL) {
		note((const char *)k->sealed.p);
		snprintf(key_seen, sizeof(key_seen), "%s",
		    (const char *)k->sealed.p);
	} else
		note("ok");
	if (ctx != NULL)
		note(ctx);
	if (++done == wanted)
		loop_stop();
}

static void
ask_key(void)
{
	static const struct w_account_key a = { 7,
		(char *)(uintptr_t)"https://ca.example",
		(char *)(uintptr_t)"ecdsa-p256" };

	asking = true;
	peer_ask(WIRE_ACCOUNT_KEY, &a, on_answer, NULL);
	asking = false;
}

static void
ask_flip(char *ctx)
{
	static const struct w_generation g = { 7, 3 };

	asking = true;
	peer_ask(WIRE_FLIP, &g, on_answer, ctx);
	asking = false;
}

static void
ask_publish(void)
{
	static const struct w_withdraw w = {
		(char *)(uintptr_t)"0123456789abcdefghijkl",
		(char *)(uintptr_t)"www.example.com",
		(char *)(uintptr_t)"http-01" };

	asking = true;
	peer_ask(WIRE_WITHDRAW, &w, on_answer, NULL);
	asking = false;
}

/* --- tests ----------------------------------------------------------------*/

static void
each_goes_where_it_belongs(void **state)
{
	(void)state;
	done = 0;
	ask_key();
	ask_flip(NULL);
	ask_publish();
	far_key(far_take(PEER_KEEPER, WIRE_ACCOUNT_KEY), "sealed");
	far_ok(PEER_MASTER, far_take(PEER_MASTER, WIRE_FLIP));
	far_ok(PEER_RESPONDER, far_take(PEER_RESPONDER, WIRE_WITHDRAW));
	assert_string_equal(story, "");
	run_until(3);
	assert_string_equal(key_seen, "sealed");
	assert_null(strstr(story, "err"));
}

static void
answers_in_any_order(void **state)
{
	char a[] = "a", b[] = "b", c[] = "c";
	uint32_t id[3];
	int i;

	(void)state;
	done = 0;
	ask_flip(a);
	ask_flip(b);
	ask_flip(c);
	for (i = 0; i < 3; i++)
		id[i] = far_take(PEER_MASTER, WIRE_FLIP);
	far_ok(PEER_MASTER, id[2]);
	far_ok(PEER_MASTER, id[0]);
	far_ok(PEER_MASTER, id[1]);
	run_until(3);
	assert_string_equal(story, "ok c ok a ok b ");
}

static void
refusals_become_errors(void **state)
{
	struct err err;

	(void)state;
	done = 0;
	err_set(&err, ERR_SEAL, "the key of account 7 cannot be opened");
	err_advise(&err, "Give the old KEK back");
	ask_key();
	assert_int_equal(wire_fail(far[PEER_KEEPER],
	    far_take(PEER_KEEPER, WIRE_ACCOUNT_KEY), &err), 0);
	run_until(1);
	assert_int_equal(last_err.code, ERR_SEAL);
	assert_string_equal(last_err.text, err.text);
	assert_string_equal(last_err.advice, err.advice);
	assert_string_equal(story, "err ");
}

static void
end_of_a_channel_ends_its_calls(void **state)
{
	(void)state;
	done = 0;
	ask_key();
	ask_key();
	close(far[PEER_KEEPER]);
	far[PEER_KEEPER] = -1;
	run_until(2);
	assert_string_equal(story, "keeper-gone err err ");
	assert_int_equal(last_err.code, ERR_KEEPER);
	ask_key();
	run_until(3);
	close(far[PEER_RESPONDER]);
	far[PEER_RESPONDER] = -1;
	ask_publish();		/* finds out while sending */
	run_until(4);
	assert_int_equal(last_err.code, ERR_INTERNAL);
	assert_string_equal(story,
	    "keeper-gone err err err responder-gone err ");
}

static void
broken_rules_end_the_channel(void **state)
{
	static const struct w_empty empty = { 0 };
	uint32_t id;
	int pair[2], kind;

	(void)state;
	done = 0;
	for (kind = 0; kind < 4; kind++) {
		set_up(NULL);
		ask_key();
		id = far_take(PEER_KEEPER, WIRE_ACCOUNT_KEY);
		if (kind == 0)	/* the wrong kind */
			far_ok(PEER_KEEPER, id);
		else if (kind == 1)	/* nobody asked */
			far_key(id + 1, "x");
		else if (kind == 2)	/* no message at all */
			assert_int_equal(send(far[PEER_KEEPER], "abc", 3, 0),
			    3);
		else {		/* a descriptor that nobody wants */
			assert_int_equal(msg_pair(pair), 0);
			assert_int_equal(msg_send(far[PEER_KEEPER],
			    msg_find(wire_specs, WIRE_OK), id, &empty, pair,
			    2), 0);
			close(pair[0]);
			close(pair[1]);
		}
		run_until(done + 1);
		assert_string_equal(story, "keeper-gone err ");
		tear_down(NULL);
	}
}

static void
new_channels_take_over(void **state)
{
	static const struct w_peer w = { PEER_KEEPER };
	int pair[2];

	(void)state;
	done = 0;
	ask_key();
	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(msg_send(far[PEER_MASTER],
	    msg_find(wire_specs, WIRE_PEER), 0, &w, &pair[0], 1), 0);
	close(pair[0]);
	run();
	assert_string_equal(story, "keeper-gone keeper-back ");
	run_until(1);
	assert_string_equal(story, "keeper-gone keeper-back err ");
	close(far[PEER_KEEPER]);
	far[PEER_KEEPER] = pair[1];
	ask_key();
	far_key(far_take(PEER_KEEPER, WIRE_ACCOUNT_KEY), "fresh");
	run_until(2);
	assert_string_equal(key_seen, "fresh");
}

static void
orders_are_passed_on(void **state)
{
	static const struct w_drain drain = { false }, end = { true };
	static const struct w_bad_conf bad = { (char *)"file:3" };

	(void)state;
	assert_int_equal(wire_send(far[PEER_MASTER], WIRE_DRAIN, 0, &drain),
	    0);
	run();
	assert_int_equal(wire_send(far[PEER_MASTER], WIRE_BAD_CONF, 0, &bad),
	    0);
	run();
	assert_int_equal(wire_send(far[PEER_MASTER], WIRE_DRAIN, 0, &end), 0);
	run();
	assert_string_equal(story, "drain file:3 drain-to-end ");
}

static void
on_flood(void *ctx, void *answer, const struct err *err)
{
	(void)ctx;
	(void)answer;
	assert_null(err);
	if (++done == wanted)
		loop_stop();
}

enum { MANY = 3000 };

/* The other end of the flood, a process of its own: answers each in turn. */
static int
answer_flood(void)
{
	static const struct w_empty ok = { 0 };
	int fds[MSG_FDS_MAX], nfds, i;
	uint32_t id = 0, before = 0;
	uint16_t kind = 0;
	const void *p;
	ptrdiff_t n;

	for (i = 0; i < MANY; i++) {
		n = msg_recv(far[PEER_MASTER], 0, &p, fds, &nfds);
		if (n <= 0 || !msg_head(p, (size_t)n, &kind, &id) ||
		    kind != WIRE_FLIP || id <= before)
			return 1;
		before = id;
		if (wire_send(far[PEER_MASTER], WIRE_OK, id, &ok) != 0)
			return 2;
	}
	return 0;
}

/* Nobody reads until all is asked. */
static void
full_sockets_hold_up_nobody(void **state)
{
	static const struct w_generation g = { 7, 0 };
	static const struct w_empty beat = { 0 };
	int64_t began = loop_mono();
	int i, status;
	pid_t pid;

	(void)state;
	done = 0;
	wanted = MANY;
	for (i = 0; i < MANY; i++)
		peer_ask(WIRE_FLIP, &g, on_flood, NULL);
	assert_true(loop_mono() - began < 2000);
	peer_tell(WIRE_BEAT, &beat);	/* dropped: master does not read */
	pid = fork();
	if (pid == 0)
		_exit(answer_flood());
	run_until(MANY);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	peer_tell(WIRE_BEAT, &beat);
	far_take(PEER_MASTER, WIRE_BEAT);
}

static void
without_a_master_there_is_no_engine(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	close(far[PEER_MASTER]);
	far[PEER_MASTER] = -1;
	pid = fork();
	if (pid == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void
the_end_completes_what_is_pending(void **state)
{
	(void)state;
	set_up(NULL);
	done = 0;
	ask_key();
	ask_flip(NULL);
	peers_fini();
	assert_int_equal(done, 2);
	assert_string_equal(story, "err err ");
	loop_fini();
	close_far_ends();
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_goes_where_it_belongs), T(answers_in_any_order),
		T(refusals_become_errors), T(end_of_a_channel_ends_its_calls),
		T(new_channels_take_over), T(orders_are_passed_on),
		T(full_sockets_hold_up_nobody),
		T(without_a_master_there_is_no_engine),
		cmocka_unit_test(broken_rules_end_the_channel),
		cmocka_unit_test(the_end_completes_what_is_pending)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
