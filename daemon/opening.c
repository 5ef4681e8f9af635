/* Opening the inventory. Whatever is wrong with it is tried again, ever more
 * seldom, up to half a minute apart; a file that is damaged is moved aside
 * once and for all, and what it held is gathered from the disk. */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/account_copy.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/opening.h"
#include "daemon/rebuild.h"
#include "daemon/trouble.h"

enum { AGAIN_MIN_MS = 1000, AGAIN_MAX_MS = 30 * 1000, PATH = 4200,
	DATE = 17, ROOM = 64 * 1024 };

#define ROOM_KEY "room"

static struct {
	char path[PATH];
	struct store *store;		/* NULL: not open yet */
	struct err lost;		/* why a file was moved aside */
	char aside[PATH];		/* its new name; "" none was */
	struct loop_timer *again;
	int64_t wait_ms;
	void (*ready)(void);
} opening;

static void look(void *unused);

/* "20261121T064034Z" */
static void
date_now(char out[DATE])
{
	char at[TEXT_TIME], *to = out;
	const char *p;

	text_rfc3339(at, loop_now());
	for (p = at; *p != '\0' && to < out + DATE - 1; p++)
		if (*p != '-' && *p != ':')
			*to++ = *p;
	*to = '\0';
}

static void
move_aside(struct err *err)
{
	char at[DATE];

	opening.lost = *err;
	date_now(at);
	snprintf(opening.aside, sizeof(opening.aside), "%s.damaged-%s",
	    opening.path, at);
	if (store_move_aside(opening.path, at, err) == 0)
		opening.store = store_open_sqlite(opening.path, err);
}

void
opening_try(const struct conf *conf)
{
	struct err err;

	snprintf(opening.path, sizeof(opening.path), "%s/db",
	    conf->state_dir);
	account_copy_init(opening.path);
	snprintf(opening.path, sizeof(opening.path), "%s/db/everleaf.db",
	    conf->state_dir);
	opening.store = store_open_sqlite(opening.path, &err);
	if (opening.store == NULL && err.code == ERR_STORE_DAMAGED) {
		log_err(&err, "inventory");
		move_aside(&err);
	}
	if (opening.store == NULL)
		trouble_set(&err, true);
}

static void
later(void)
{
	opening.wait_ms = opening.wait_ms == 0 ? AGAIN_MIN_MS :
	    opening.wait_ms * 2;
	if (opening.wait_ms > AGAIN_MAX_MS)
		opening.wait_ms = AGAIN_MAX_MS;
	loop_timer_after(opening.again, opening.wait_ms);
}

static void
usable(void)
{
	rebuild_go(opening.aside[0] != '\0' ? &opening.lost : NULL,
	    opening.aside, opening.ready);
}

static void
written(void *unused, const struct err *err)
{
	(void)unused;
	if (err == NULL) {
		trouble_clear();
		usable();
		return;
	}
	/* It can be read, so people see how things stand. One that has given
	 * up on its disk says so here, and is opened again by a new process. */
	trouble_set(err, false);
	if (store_failed(opening.store))
		exit(1);
	later();
}

/* As much as a turn may want to write: a store that takes a line and not the
 * next order would only fail later. */
static void
probe(void)
{
	struct row_meta row = { .key = (char *)(uintptr_t)ROOM_KEY };
	struct batch *b = batch_new();

	row.value = xcalloc(1, ROOM + 1);
	memset(row.value, '.', ROOM);
	batch_put(b, T_META, &row);
	free(row.value);
	store_commit(opening.store, b, written, NULL);
}

static void
look(void *unused)
{
	struct err err;

	(void)unused;
	if (opening.store == NULL) {
		opening.store = store_open_sqlite(opening.path, &err);
		if (opening.store == NULL && err.code == ERR_STORE_DAMAGED)
			move_aside(&err);
		if (opening.store == NULL) {
			trouble_set(&err, true);
			later();
			return;
		}
		turn_use(opening.store);
	}
	probe();
}

void
opening_go(void (*ready)(void))
{
	opening.ready = ready;
	opening.again = loop_timer_new(look, NULL);
	turn_init(opening.store);
	look(NULL);
}
