/* A small daemon of store, loop and API. */
#include <config.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "daemon/api.h"
#include "daemon/loop.h"
#include "daemon/trouble.h"
#include "daemon/turn.h"
#include "tests/unit/stubs/acts.h"
#include "tests/unit/stubs/fixture.h"
#include "tests/unit/stubs/server.h"

enum { LOOK_MS = 20 };

static struct {
	const char *file;
	struct loop_timer *timer;
	int64_t ago_ms;
} busy;

int64_t __wrap_loop_now(void);

int64_t
__wrap_loop_now(void)
{
	return FIXTURE_NOW - busy.ago_ms;
}

static void
look_busy(void *unused)
{
	(void)unused;
	if (access(busy.file, F_OK) == 0)
		loop_timer_after(busy.timer, LOOK_MS);
	else
		busy_clear();
}

static void
begin_busy(const struct server_how *how)
{
	struct err err;

	if (how->busy_file == NULL)
		return;
	fixture_mend();
	err_set(&err, ERR_OWN_LIMIT, "the daemon is comparing");
	busy.file = how->busy_file;
	busy.ago_ms = how->busy_ms;
	busy_set(&err);
	busy.ago_ms = 0;
	busy.timer = loop_timer_new(look_busy, NULL);
	look_busy(NULL);
}

int
server_listen(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    listen(fd, 256) != 0 || chmod(path, 0666) != 0)
		return -1;
	return fd;
}

static void
on_stop(void *fd, int events)
{
	char c;

	(void)events;
	if (read(*(int *)fd, &c, 1) <= 0)
		loop_stop();
}

static void
put_many(struct batch *b, int n)
{
	struct row_cert c = { .source = (char *)(uintptr_t)"user",
		.state = (char *)(uintptr_t)"served", .installed = -1 };
	struct row_label l = { .key = (char *)(uintptr_t)"tier",
		.value = (char *)(uintptr_t)"gold" };
	char name[64];
	int i;

	c.name = name;
	for (i = 0; i < n; i++) {
		c.id = l.cert_id = 100000 + i;
		snprintf(name, sizeof(name), "c%05d.example", i);
		batch_put(b, T_CERT, &c);
		if (i % 2 == 0)
			batch_put(b, T_LABEL, &l);
	}
}

static void
committed(void *good, const struct err *err)
{
	*(bool *)good = err == NULL;
}

int
server_run(int listen_fd, int stop_fd, const struct server_how *how)
{
	struct store *store = store_open_memory();
	struct batch *b = batch_new();
	struct loop_fd *stop;
	struct err err;
	bool good = false;

	if (!how->empty)
		fixture_fill(b, !how->unseen);
	put_many(b, how->many);
	store_commit(store, b, committed, &good);
	err_set(&err, ERR_STORE, "the disk is full");
	stub_acts_fail(how->refuse ? &err : NULL);
	stub_acts_bad_config(how->bad_config);
	stub_acts_never_answer(how->never_answer);
	loop_init();
	turn_init(store);
	if (!good || api_init(listen_fd, how->group, &err) != 0)
		return 1;
	begin_busy(how);
	stop = loop_fd_new(stop_fd, on_stop, &stop_fd);
	loop_fd_want(stop, LOOP_READ);
	loop_run(turn_end, NULL);
	loop_fd_free(stop);
	loop_timer_free(busy.timer);
	api_fini(&err);
	if (how->never_answer)
		stub_acts_answer();
	stub_acts_free();
	turn_fini();
	loop_fini();
	store_close(store);
	return 0;
}
