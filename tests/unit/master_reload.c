/* What a reload says: the lines for people are cut to what a message takes, and
 * why it is refused stays among them. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/conf_read.h"
#include "daemon/master.h"
#include "tests/unit/box.h"

enum { LINES_SENT = 100 };

static char top[64] = "/tmp/everleaf-reload.XXXXXX", file[96];
static struct master master;
static struct strv sent;	/* the lines of the last answer */
static bool good;		/* it was taken */
static char told[1200];		/* to the engine, of a refusal */

/* --- the rest of the master --- */

bool
keys_can_be_made(const struct master *m, const struct conf *c,
    struct strv *lines)
{
	assert_true(m == &master && c != NULL && lines != NULL);
	return true;
}

const struct conf *
last_find(void *m, const char *state_dir)
{
	(void)m;
	(void)state_dir;
	return NULL;
}

void
last_keep(struct master *m)
{
	(void)m;
}

bool
listen_change(struct master *m)
{
	(void)m;
	return false;
}

void
rules_forget(void)
{
}

void
children_new_engine(struct master *m)
{
	(void)m;
}

void
children_new_responder(struct master *m)
{
	(void)m;
}

void
children_new_token(struct master *m)
{
	(void)m;
}

void
secrets_give(struct master *m)
{
	(void)m;
}

void
notify_reloading(void)
{
}

int64_t
poll_wall(void)
{
	return INT64_C(1790000000000);
}

void
requests_answer(struct master *m, unsigned engine, uint32_t id,
    enum wire_kind kind, const void *answer)
{
	const struct w_reloaded *w = answer;

	(void)m;
	(void)engine;
	(void)id;
	assert_int_equal(kind, WIRE_RELOADED);
	strv_free(&sent);
	sent = strv_copy(&w->lines);
	good = w->good;
}

bool
child_send(struct child *c, enum wire_kind kind, uint32_t id,
    const void *st, const int *fds, int nfds)
{
	const struct w_bad_conf *w = st;

	(void)id;
	(void)fds;
	(void)nfds;
	assert_ptr_equal(c, &master.children[ROLE_ENGINE]);
	assert_int_equal(kind, WIRE_BAD_CONF);
	snprintf(told, sizeof(told), "%s", w->line);
	return true;
}

/* --- the file --- */

static void
many(int n)
{
	FILE *f = fopen(file, "w");
	int i;

	assert_non_null(f);
	fprintf(f, "agree-tos = true\nemail = a@shop.example\n"
	    "certificate shop.example { }\n");
	for (i = 0; i < n; i++)
		fprintf(f, "certificate m%d.example { }\n", i);
	assert_int_equal(fclose(f), 0);
}

/* With so many in force, and one left in the file. */
static void
in_force(int n)
{
	struct conf_diag diag = { { NULL, 0 } };

	many(n);
	conf_free(master.conf);
	master.conf = conf_read(file, NULL, poll_wall(), &diag);
	assert_non_null(master.conf);
	strv_free(&diag.lines);
	free(master.log_level);
	master.log_level = xstrdup(master.conf->log_level);
	many(0);
}

static void
ask(bool dry, bool yes)
{
	struct w_reload r = { .dry = dry, .yes = yes };

	reload_asked(&master, 7, &r);
}

/* --- tests --- */

static void
said_why(int n)
{
	char why[100];

	snprintf(why, sizeof(why), "%d of %d certificates are no longer ", n,
	    n + 1);
	assert_false(good);
	assert_true(sent.n > 0 && sent.n <= LINES_SENT);
	assert_ptr_equal(strstr(sent.v[sent.n - 1], why), sent.v[sent.n - 1]);
	assert_non_null(strstr(sent.v[sent.n - 1], "reload --yes"));
}

/* However many lines come before. */
static void
why_it_is_refused_is_said(void **state)
{
	static const int counts[] = { 11, 98, 99, 100, 101, 120, 250 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		in_force(counts[i]);
		ask(false, false);
		said_why(counts[i]);
		ask(true, false);
		said_why(counts[i]);
	}
}

static void
what_is_left_out_is_counted(void **state)
{
	(void)state;
	in_force(99);
	ask(true, false);
	assert_int_equal(sent.n, 100);	/* none of them is left out */
	assert_ptr_equal(strstr(sent.v[98], "- m"), sent.v[98]);
	in_force(120);
	ask(true, false);
	assert_int_equal(sent.n, 100);
	assert_string_equal(sent.v[98], "... and 22 more lines");
}

static void
whoever_means_it_may(void **state)
{
	(void)state;
	in_force(120);
	ask(true, true);
	assert_true(good);
	assert_int_equal(sent.n, 100);
	assert_string_equal(sent.v[98], "... and 21 more lines");
	assert_ptr_equal(strstr(sent.v[99], "- m"), sent.v[99]);
}

/* Nobody waits for the answer to a signal: the history has it. */
static void
a_signal_tells_the_engine(void **state)
{
	(void)state;
	in_force(11);
	reload_signal(&master);
	assert_ptr_equal(strstr(told, "11 of 12 certificates"), told);
}

/* The files of a request count that was taken, not those that came after it:
 * nobody has said yes to these. */
static void
a_yes_is_for_what_was_asked(void **state)
{
	(void)state;
	in_force(30);
	many(28);
	ask(false, false);		/* a new engine is under way */
	assert_true(good);
	many(12);
	ask(false, true);
	assert_true(good);
	many(0);
	ask(false, false);
	assert_false(good);
	reload_done(&master);
	assert_int_equal(master.conf->certs_n, 13);
	/* A signal that comes meanwhile says no yes. */
	reload_signal(&master);
	told[0] = '\0';
	reload_done(&master);
	assert_int_equal(master.conf->certs_n, 13);
	assert_non_null(strstr(told, "12 of 13 certificates"));
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/everleaf.conf", top);
	master.file = file;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	conf_free(master.conf);
	free(master.log_level);
	strv_free(&sent);
	return box_remove(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(why_it_is_refused_is_said),
		cmocka_unit_test(what_is_left_out_is_counted),
		cmocka_unit_test(whoever_means_it_may),
		cmocka_unit_test(a_signal_tells_the_engine),
		cmocka_unit_test(a_yes_is_for_what_was_asked)
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
