/* Whether the inventory is whole, and gathering it when it is not. The mark
 * that says so is written last. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/account_copy.h"
#include "daemon/engine.h"
#include "daemon/json.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/rebuild.h"
#include "daemon/restore.h"
#include "daemon/trouble.h"
#include "daemon/view.h"

enum { KEEPER_TRIES = 60, AGAIN_MS = 1000,
	NOTICE_MS = 7 * 24 * 3600 * 1000 };

/* Rows of T_META. Fresh stores have none of them; a store with certificates
 * and without a mark was made before there were marks. */
#define WHOLE "whole"
#define GATHERING "gathering"
#define ASIDE "aside"
#define NOTICE "notice"

static struct {
	struct err lost;
	bool was_lost;
	char *aside;
	void (*ready)(void);
	struct w_generation at;
	uint32_t version;		/* of the generation at hand */
	int tries, accounts;
	struct loop_timer *again;
} rebuild;

static void ask_next(void *unused);
static void ask_key(void *unused);

static void
put_meta(const char *key, const char *value)
{
	struct row_meta row = { (char *)(uintptr_t)key,
		(char *)(uintptr_t)value };

	assert(key[0] != '\0');
	batch_put(turn_batch(), T_META, &row);
}

/* --- the notice --------------------------------------------------------- */

static void
show_notice(const char *value)
{
	struct err ignored, err;
	json_t *j = json_read(value, strlen(value), "notice", &ignored);
	const char *error = json_get(j, "error");

	if (error != NULL && view_error_parse(&err, NULL, error))
		notice_set(&err, json_get(j, "file"),
		    json_get_int(j, "until_ms"));
	json_decref(j);
}

static void
put_notice(const struct err *err)
{
	char *error = view_error_json(err, NULL), *text;
	json_t *j = json_pack("{s:s, s:o, s:I}", "error", error,
	    "file", json_text(rebuild.was_lost ? rebuild.aside : NULL),
	    "until_ms", (json_int_t)(loop_now() + NOTICE_MS));

	assert(!rebuild.was_lost || rebuild.aside != NULL);
	text = json_write(j);
	put_meta(NOTICE, text);
	show_notice(text);
	json_decref(j);
	free(error);
	free(text);
}

/* --- the end ------------------------------------------------------------- */

/* The inventory is whole and says so on disk: people may act again. */
static void
over(void *unused)
{
	assert(rebuild.ready != NULL);
	(void)unused;
	trouble_clear();
	rebuild.ready();
}

static void
say(void)
{
	struct happening h = { .event = "inventory.rebuilt",
		.actor = "rebuild" };
	char text[200];
	struct err err = rebuild.lost;

	if (restore_count() == 0 && rebuild.accounts == 0 &&
	    !rebuild.was_lost)
		return;
	if (!rebuild.was_lost)
		err_set(&err, ERR_STORE_DAMAGED, "the inventory was missing");
	snprintf(text, sizeof(text), "%d certificate%s and %d account%s were "
	    "taken up from what is on disk", restore_count(),
	    restore_count() == 1 ? "" : "s", rebuild.accounts,
	    rebuild.accounts == 1 ? "" : "s");
	h.text = text;
	h.err = &err;
	turn_event(&h);
	err_context(&err, "%s, because", text);
	if (rebuild.was_lost)
		err_advise(&err, "Look whether everleaf list shows what it "
		    "should, then remove %s", rebuild.aside);
	else
		err_advise(&err, "Look whether everleaf list shows what it "
		    "should");
	put_notice(&err);
}

static void
finish(void)
{
	struct row_meta gone[] = { { (char *)(uintptr_t)GATHERING, NULL },
		{ (char *)(uintptr_t)ASIDE, NULL } };

	assert(rebuild.ready != NULL);
	restore_end();
	say();
	put_meta(WHOLE, "1");
	batch_del(turn_batch(), T_META, &gone[0]);
	batch_del(turn_batch(), T_META, &gone[1]);
	turn_after(over, NULL);
}

/* --- generations, one after the other ------------------------------------ */

/* A keeper that is just being started again is waited for; a key that can't
 * be had leaves the version without one, and it is ordered anew. */
static void
keyed(void *unused, void *answer, const struct err *err)
{
	const struct blob none = { NULL, 0 };
	const struct w_key *k = answer;

	assert(rebuild.again != NULL && rebuild.version > 0);
	(void)unused;
	if (err != NULL && err->code == ERR_KEEPER &&
	    ++rebuild.tries < KEEPER_TRIES) {
		loop_timer_after(rebuild.again, AGAIN_MS);
		return;
	}
	if (err != NULL)
		log_err(err, "the key of an installed certificate");
	rebuild.tries = 0;
	restore_key(err == NULL ? &k->sealed : &none);
	turn_after(ask_next, NULL);
}

static void
ask_key(void *unused)
{
	struct w_reseal m = { rebuild.at.cert, rebuild.at.gen,
		rebuild.version };

	assert(rebuild.version > 0);
	(void)unused;
	peer_ask(WIRE_RESEAL, &m, keyed, NULL);
}

static void
surveyed(void *unused, void *answer, const struct err *err)
{
	const struct blob none = { NULL, 0 };
	const struct w_surveyed *w = answer;
	struct err why;

	assert(rebuild.ready != NULL);
	(void)unused;
	if (err != NULL) {
		/* Nothing is ordered while the disk can't be read: what is
		 * there would be ordered again. */
		log_err(err, "what is installed");
		exit(1);
	}
	if (w->cert == 0) {
		finish();
		return;
	}
	rebuild.at.cert = w->cert;
	rebuild.at.gen = w->gen;
	if (restore_take(w, &rebuild.version, &why) == 0) {
		if (rebuild.version > 0)
			turn_after(ask_key, NULL);
		else {
			restore_key(&none);
			turn_after(ask_next, NULL);
		}
		return;
	}
	err_context(&why, "generation %u of certificate %016llx", w->gen,
	    (unsigned long long)w->cert);
	log_err(&why, "it is not taken up");
	turn_after(ask_next, NULL);
}

static void
ask_next(void *unused)
{
	(void)unused;
	peer_ask(WIRE_SURVEY, &rebuild.at, surveyed, NULL);
}

static void
take_account(void *ctx, const struct row_account *a)
{
	assert(rebuild.accounts >= 0);
	(void)ctx;
	batch_put(turn_batch(), T_ACCOUNT, a);
	rebuild.accounts++;
}

/* Kept, for an engine that goes on where this one ended. */
static void
note_why(void)
{
	char *error;

	assert(!rebuild.was_lost || rebuild.aside != NULL);
	if (!rebuild.was_lost) {
		put_meta(GATHERING, "1");
		return;
	}
	error = view_error_json(&rebuild.lost, NULL);
	put_meta(GATHERING, error);
	put_meta(ASIDE, rebuild.aside);
	free(error);
}

static void
gather(void)
{
	struct err err;

	assert(rebuild.ready != NULL && rebuild.accounts >= 0);
	err_set(&err, ERR_STORE_DAMAGED, "the inventory is new; what is "
	    "installed on disk is taken up first");
	err_advise(&err, "Wait; this takes a second for some hundred "
	    "certificates");
	trouble_set(&err, false);
	note_why();
	account_copy_each(take_account, NULL);
	rebuild.again = loop_timer_new(ask_key, NULL);
	turn_after(ask_next, NULL);
}

/* --- the beginning ------------------------------------------------------- */

enum { ASK_META, ASK_CERT, ASK_ACCOUNTS, ASKED };

static const char *
meta_of(const struct rows *rows, const char *key)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		if (strcmp(ROWS_AT(rows, row_meta, i)->key, key) == 0)
			return ROWS_AT(rows, row_meta, i)->value;
	return NULL;
}

static void
recall_why(const struct rows *meta)
{
	const char *error = meta_of(meta, GATHERING);

	if (rebuild.was_lost || error == NULL || meta_of(meta, ASIDE) == NULL)
		return;
	rebuild.was_lost = view_error_parse(&rebuild.lost, NULL, error);
	free(rebuild.aside);
	rebuild.aside = xstrdup(meta_of(meta, ASIDE));
}

/* Whole: go on. Begun, or nothing there at all: gather. Else it is from
 * before there were marks, and as good. */
static void
known(void *unused, struct rows *answers, int n, const struct err *err)
{
	const struct rows *meta = &answers[ASK_META];
	size_t i;

	(void)unused;
	(void)n;
	if (err != NULL) {
		log_err(err, "the inventory can't be read");
		exit(1);
	}
	assert(n == ASKED && rebuild.ready != NULL);
	if (meta_of(meta, NOTICE) != NULL)
		show_notice(meta_of(meta, NOTICE));
	for (i = 0; i < answers[ASK_ACCOUNTS].n; i++)
		account_copy_write(ROWS_AT(&answers[ASK_ACCOUNTS],
		    row_account, i));
	if (meta_of(meta, WHOLE) != NULL) {
		rebuild.ready();
		return;
	}
	if (meta_of(meta, GATHERING) != NULL || answers[ASK_CERT].n == 0) {
		recall_why(meta);
		gather();
		return;
	}
	put_meta(WHOLE, "1");
	turn_after(over, NULL);
}

void
rebuild_go(const struct err *lost, const char *aside, void (*ready)(void))
{
	struct query q[ASKED] = {
		[ASK_META] = { .table = T_META },
		[ASK_CERT] = { .table = T_CERT, .limit = 1 },
		[ASK_ACCOUNTS] = { .table = T_ACCOUNT }
	};

	assert(ready != NULL && (lost == NULL || aside != NULL));
	rebuild.was_lost = lost != NULL;
	if (lost != NULL)
		rebuild.lost = *lost;
	rebuild.aside = xstrdup(aside);
	rebuild.ready = ready;
	store_read(turn_store(), q, ASKED, known, NULL);
}
