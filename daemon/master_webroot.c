/* Token files in webroots: each by a one-shot child that becomes the owner of
 * the directory, so that whatever a customer put in the way can harm only
 * himself, and a dead file server stops nobody else. One at a time in each
 * webroot. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/name.h"
#include "daemon/log.h"
#include "daemon/master.h"
#include "daemon/master_tokens.h"
#include "hooks/webroot.h"

/* Those that are killed and do not die wait for a file server; they count by
 * themselves. */
enum { PATIENCE_MS = 20 * 1000, AT_ONCE = 16, STUCK_MAX = 256,
	WAITING_MAX = 4096, REPORT_FD = 3 };

/* What the child says before it ends. */
struct report {
	int rc;
	unsigned dirs;			/* made, or left */
	struct err err;
};

struct errand {
	struct errand *next;
	struct master *m;
	struct w_webroot *w;
	uint32_t id;			/* of the request; answered once */
	unsigned engine;
	bool answered;
	pid_t pid;			/* 0: waits */
	int pidfd, pipe;
	struct watch *watch;
	struct alarm *patience;
	unsigned made;			/* before it */
};

static struct errand *errands;		/* in the order of asking */

static void go_on(struct master *m);

/* --- in the child ------------------------------------------------------ */

static int
become_owner(int dir, const char *path, struct err *err)
{
	struct stat st;

	assert(dir >= 0);
	if (fstat(dir, &st) != 0)
		return err_errno(err, ERR_WEBROOT, "webroot %s", path);
	if (geteuid() == 0 && (setgroups(0, NULL) != 0 ||
	    setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) != 0))
		return err_errno(err, ERR_WEBROOT, "webroot %s: its owner, "
		    "uid %u, cannot be worked as", path, (unsigned)st.st_uid);
	return 0;
}

static int
work(const struct errand *e, unsigned *dirs, struct err *err)
{
	const struct webroot_token t = { e->w->path, e->w->token,
		e->w->keyauth };
	bool gone;
	int dir = webroot_enter(t.path, &gone, err);

	assert(e->w != NULL && dirs != NULL);
	if (dir < 0)
		return e->w->remove && gone ? 0 : -1;
	if (become_owner(dir, t.path, err) != 0)
		return -1;
	return e->w->remove ? webroot_take(dir, &t, e->made, dirs, err) :
	    webroot_put(dir, &t, dirs, err);
}

static void __attribute__((noreturn))
child(const struct errand *e, int pipe, pid_t master)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	if (dup2(pipe, REPORT_FD) != REPORT_FD ||
	    syscall(SYS_close_range, REPORT_FD + 1, ~0U, 0U) != 0)
		_exit(1);
	r.rc = work(e, &r.dirs, &r.err);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    getppid() != master ||
	    write(REPORT_FD, &r, sizeof(r)) != (ssize_t)sizeof(r))
		_exit(1);
	_exit(0);
}

/* --- the end of an errand ---------------------------------------------- */

static void
answer(struct errand *e, const struct err *err)
{
	struct w_empty done = { 0 };

	assert(e->m != NULL);
	if (e->answered)
		return;
	e->answered = true;
	if (err != NULL)
		requests_refuse(e->m, e->engine, e->id, err);
	else
		requests_answer(e->m, e->engine, e->id, WIRE_OK, &done);
}

/* Answered by now: who asked has heard what became of it. */
static void
drop(struct errand *e)
{
	struct errand **at = &errands;

	assert(errands != NULL && e->answered);
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	watch_free(e->watch);
	alarm_free(e->patience);
	if (e->pid > 0) {
		close(e->pidfd);
		close(e->pipe);
	}
	msg_free(msg_find(wire_specs, WIRE_WEBROOT), e->w);
	free(e->w);
	free(e);
}

/* What is out there now, in our notes. */
static int
take_note(const struct errand *e, const struct report *r, struct err *err)
{
	const struct w_webroot *w = e->w;

	assert(e->w != NULL);
	if (!w->remove && (r->dirs & ~e->made) != 0)
		return tokens_note(e->m->tokens, w->path, w->token,
		    e->made | r->dirs, err);
	if (w->remove && r->rc == 0)
		tokens_drop(e->m->tokens, w->path, w->token, r->dirs);
	return 0;
}

static void
on_end(void *ctx)
{
	struct errand *e = ctx;
	struct master *m = e->m;
	struct report r;
	struct err err;

	assert(e->pid > 0);
	memset(&r, 0, sizeof(r));
	waitpid(e->pid, NULL, 0);
	if (read(e->pipe, &r, sizeof(r)) != (ssize_t)sizeof(r)) {
		err_set(&err, ERR_WEBROOT, "webroot %s: somebody killed our "
		    "process in the middle of its work", e->w->path);
		answer(e, &err);
	} else if (take_note(e, &r, &err) != 0)
		answer(e, &err);
	else
		answer(e, r.rc != 0 ? &r.err : NULL);
	drop(e);
	go_on(m);
}

/* It may not even die, on a file server that is gone: then it waits here, and
 * so does its webroot, but nobody else. */
static void
too_late(void *ctx)
{
	struct errand *e = ctx;
	struct master *m = e->m;
	struct err err;

	assert(!e->answered);
	err_set(&err, ERR_WEBROOT, "webroot %s: nothing happened in %d s",
	    e->w->path, PATIENCE_MS / 1000);
	err_advise(&err, "Is its file system there?");
	answer(e, &err);
	if (e->pid > 0)
		kill(e->pid, SIGKILL);
	else
		drop(e);
	go_on(m);
}

/* --- the start --------------------------------------------------------- */

static int
start(struct errand *e, struct err *err)
{
	pid_t master = getpid();
	int ends[2];

	assert(e->pid == 0 && !e->answered);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(err, ERR_INTERNAL, "webroot");
	e->pid = fork();
	if (e->pid == 0)
		child(e, ends[1], master);
	close(ends[1]);
	e->pipe = ends[0];
	e->pidfd = e->pid > 0 ? (int)syscall(SYS_pidfd_open, e->pid, 0) : -1;
	if (e->pid > 0 && e->pidfd >= 0) {
		e->watch = watch_new(e->pidfd, on_end, e);
		return 0;
	}
	err_errno(err, ERR_INTERNAL, "webroot: no process can be started");
	close(e->pipe);
	e->pid = 0;
	return -1;
}

/* Not beside another one in the same webroot, nor when too many are at work,
 * or hang. */
static bool
may_start(const struct errand *e)
{
	int going = 0, stuck = 0;
	const struct errand *o;
	bool before = true;

	assert(e->pid == 0);
	for (o = errands; o != NULL; o = o->next) {
		before = before && o != e;
		if (before && strcmp(o->w->path, e->w->path) == 0)
			return false;
		going += o->pid > 0 && !o->answered;
		stuck += o->pid > 0 && o->answered;
	}
	return going < AT_ONCE && stuck < STUCK_MAX;
}

static void
go_on(struct master *m)
{
	struct errand *e, *next;
	struct err err;

	for (e = errands; e != NULL && !m->stopping; e = next) {
		next = e->next;
		if (e->pid > 0 || !may_start(e))
			continue;
		tokens_find(m->tokens, e->w->path, e->w->token, &e->made);
		if (start(e, &err) != 0) {
			answer(e, &err);
			drop(e);
		}
	}
}

/* A directory that no file of ours names is not for the engine to choose.
 * True: there is something to do. */
static bool
may_touch(struct master *m, const struct w_webroot *w, struct err *err)
{
	unsigned made;

	assert(m->tokens >= 0);
	err_clear(err);
	if (!name_is_keyauth(w->keyauth, w->token))
		err_set(err, ERR_INVALID, "webroot: no answer to a challenge "
		    "has this form");
	else if (tokens_find(m->tokens, w->path, w->token, &made))
		return true;
	else if (w->remove) {
		/* Nothing of ours was ever there. */
		return false;
	} else if (!conf_has_webroot(m->conf, w->path)) {
		err_set(err, ERR_INVALID, "webroot %.300s is named by no "
		    "policy or certificate in the configuration", w->path);
		err_advise(err, "Write it into one, then everleaf reload");
	} else
		/* Noted before it is done. */
		return tokens_note(m->tokens, w->path, w->token, 0, err) == 0;
	return false;
}

static int
waiting(void)
{
	const struct errand *e;
	int n = 0;

	for (e = errands; e != NULL; e = e->next)
		n++;
	return n;
}

/* st is the errand's from here on, also when it is refused at once. */
void
webroots_add(struct master *m, uint32_t id, void *st)
{
	struct errand *e = xcalloc(1, sizeof(*e)), **end = &errands;
	struct err err;

	assert(st != NULL);
	e->m = m;
	e->w = st;
	e->id = id;
	e->engine = m->engine;
	while (*end != NULL)
		end = &(*end)->next;
	*end = e;
	if (waiting() > WAITING_MAX) {
		err_set(&err, ERR_OWN_LIMIT, "webroot: %d tokens wait already",
		    WAITING_MAX);
		answer(e, &err);
	} else if (!may_touch(m, e->w, &err))
		answer(e, err.class != ERR_NONE ? &err : NULL);
	if (e->answered) {
		drop(e);
		return;
	}
	e->patience = alarm_new(too_late, e);
	alarm_after(e->patience, PATIENCE_MS);
	go_on(m);
}

void
webroots_stop(void)
{
	struct errand *e;

	for (e = errands; e != NULL; e = e->next)
		if (e->pid > 0)
			kill(e->pid, SIGKILL);
}
