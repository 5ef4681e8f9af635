/* Opening the inventory. Whatever is wrong with it is tried again, ever more
 * seldom, up to half a minute apart; a file that is damaged is moved aside
 * once and for all, and what it held is gathered from the disk. */
#include <config.h>
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/account_copy.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/opening.h"
#include "daemon/rebuild.h"
#include "daemon/trouble.h"

enum { AGAIN_MIN_MS = 1000, AGAIN_MAX_MS = 30 * 1000, PATH = 4200,
	DATE = 17, ROOM_STEP = 64 * 1024, ROOM_STEPS = 16 };

#define PROBE_KEY "probe"

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
	assert(strlen(out) < DATE);
	const char *p;

	text_rfc3339(at, loop_now());
	for (p = at; *p != '\0' && to < out + DATE - 1; p++)
		if (*p != '-' && *p != ':')
			*to++ = *p;
	*to = '\0';
}

static void
in_trouble(const struct err *err, bool blind)
{
	if (trouble_set(err, blind))
		log_err(err, "nothing is ordered or changed");
}

static void
move_aside(struct err *err)
{
	char at[DATE];

	assert(err->code == ERR_STORE_DAMAGED && opening.store == NULL);
	opening.lost = *err;
	date_now(at);
	if (store_move_aside(opening.path, at, opening.aside,
	    sizeof(opening.aside), err) == 0)
		opening.store = store_open_sqlite(opening.path, err);
}

/* A disk that reads wrongly once makes a file look damaged, too: only what
 * looks so twice is moved away. */
static void
open_it(struct err *err)
{
	int look;

	assert(opening.store == NULL && opening.path[0] == '/');
	for (look = 0; look < 2; look++) {
		opening.store = store_open_sqlite(opening.path, err);
		if (opening.store != NULL || err->code != ERR_STORE_DAMAGED)
			return;
	}
	log_err(err, "inventory");
	move_aside(err);
}

void
opening_try(const struct conf *conf)
{
	struct err err;

	assert(opening.store == NULL);
	snprintf(opening.path, sizeof(opening.path), "%s/db",
	    conf->state_dir);
	account_copy_init(opening.path);
	snprintf(opening.path, sizeof(opening.path), "%s/db/everleaf.db",
	    conf->state_dir);
	open_it(&err);
	if (opening.store == NULL)
		in_trouble(&err, true);
}

/* Twice as long each time, up to a limit that a person can wait for. */
static void
later(void)
{
	assert(opening.again != NULL);
	opening.wait_ms = opening.wait_ms == 0 ? AGAIN_MIN_MS :
	    opening.wait_ms * 2;
	if (opening.wait_ms > AGAIN_MAX_MS)
		opening.wait_ms = AGAIN_MAX_MS;
	assert(opening.wait_ms >= AGAIN_MIN_MS &&
	    opening.wait_ms <= AGAIN_MAX_MS);
	loop_timer_after(opening.again, opening.wait_ms);
}

static void
usable(void)
{
	assert(opening.store != NULL && opening.ready != NULL);
	rebuild_go(opening.aside[0] != '\0' ? &opening.lost : NULL,
	    opening.aside, opening.ready);
}

/* The proof that it can be used: something was written and is durable. */
static void
written(void *unused, const struct err *err)
{
	assert(opening.store != NULL);
	(void)unused;
	if (err == NULL) {
		if (trouble_clear())
			log_info("the inventory can be used again");
		usable();
		return;
	}
	/* It can be read, so people see how things stand. One that has given
	 * up on its disk says so here, and is opened again by a new process. */
	in_trouble(err, false);
	if (store_failed(opening.store))
		exit(1);
	later();
}

/* Room for some turns: a log that has been written before takes a line where
 * the disk is full, and not the next order. Its own file, then, and not in the
 * inventory, which would keep what it grew by. */
static int
find_room(struct err *err)
{
	static const uint8_t zeros[ROOM_STEP];
	char path[PATH];
	int fd, i, rc;

	snprintf(path, sizeof(path), "%s-room", opening.path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	rc = fd < 0 ? -1 : 0;
	for (i = 0; rc == 0 && i < ROOM_STEPS; i++)
		rc = write(fd, zeros, ROOM_STEP) == ROOM_STEP ? 0 : -1;
	if (rc == 0)
		rc = fsync(fd);
	if (rc != 0) {
		err_errno(err, ERR_STORE, "inventory \"%s\" cannot be "
		    "written", opening.path);
		err_advise(err, "Make room on that disk, or writable what is "
		    "not; what was recorded before is safe");
	}
	if (fd >= 0)
		close(fd);
	unlink(path);
	return rc;
}

static void
probe(void)
{
	struct row_meta row = { (char *)(uintptr_t)PROBE_KEY,
		(char *)(uintptr_t)"" };
	struct batch *b;
	struct err err;

	assert(opening.store != NULL);
	if (find_room(&err) != 0) {
		written(NULL, &err);
		return;
	}
	b = batch_new();
	batch_put(b, T_META, &row);
	store_commit(opening.store, b, written, NULL);
}

static void
look(void *unused)
{
	struct err err;

	assert(opening.again != NULL);
	(void)unused;
	if (opening.store == NULL) {
		open_it(&err);
		if (opening.store == NULL) {
			in_trouble(&err, true);
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
	assert(ready != NULL && opening.again == NULL);
	opening.ready = ready;
	opening.again = loop_timer_new(look, NULL);
	turn_init(opening.store);
	look(NULL);
}
