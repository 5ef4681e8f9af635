/* The directories that the daemon lives in, the lock on them, and the clearing
 * up of what a crash left in them. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/log.h"
#include "daemon/master.h"
#include "hooks/generation.h"

enum { RECOVER_STEP = 64, RECOVER_PAUSE_MS = 20 };

static int
no_directory(struct err *err, const char *path)
{
	int no = errno;

	assert(path != NULL);
	err_errno(err, ERR_DISK, "directory %s cannot be used", path);
	if (no == ENOENT)
		err_advise(err, "Make the directory above it");
	else if (no == EACCES || no == EPERM)
		err_advise(err, "Start everleafd as root, or set state-dir and "
		    "run-dir to directories that it may write to");
	return -1;
}

/* Makes path with this mode and owner if it is missing; opens it. */
static int
directory(int above, const char *path, mode_t mode, uid_t uid, gid_t gid,
    struct err *err)
{
	struct stat st;
	int fd;

	assert(path[0] != '\0' && (mode & ~07777u) == 0);
	if (mkdirat(above, path, 0700) != 0 && errno != EEXIST)
		return no_directory(err, path);
	fd = openat(above, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 &&
	    ((st.st_uid == uid && st.st_gid == gid) ||
	    fchown(fd, uid, gid) == 0) &&
	    ((st.st_mode & 07777) == mode || fchmod(fd, mode) == 0) &&
	    (above < 0 || fsync(above) == 0 || errno == EINVAL))
		return fd;
	no_directory(err, path);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Who holds the lock wrote its number into it. */
static int
say_locked(int fd, const char *dir, struct err *err)
{
	char pid[16];
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	assert(fd >= 0);
	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	err_set(err, ERR_DISK, "another everleafd%s%s works on %s",
	    pid[0] != '\0' ? ", process " : "", pid, dir);
	err_advise(err, "Stop that one first, or set another state-dir");
	close(fd);
	return -2;
}

/* Held as long as we live: two daemons on one directory would undo each
 * other's work. */
static int
lock(struct master *m, struct err *err)
{
	const char *dir = m->conf->state_dir;
	char pid[16];
	int n;

	assert(m->state >= 0);
	m->lock = openat(m->state, "lock", O_RDWR | O_CREAT | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (m->lock < 0)
		return no_directory(err, dir);
	if (flock(m->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return say_locked(m->lock, dir, err);
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(m->lock, 0) != 0 ||
	    pwrite(m->lock, pid, (size_t)n, 0) != n)
		return no_directory(err, dir);
	return 0;
}

/* A directory without anything, for the responder to be locked up in. */
static int
empty_directory(struct master *m, struct err *err)
{
	char path[4096];
	int fd;

	assert(m->empty == NULL);
	snprintf(path, sizeof(path), "%s/empty", m->conf->run_dir);
	fd = directory(AT_FDCWD, path, 0555, geteuid(), getegid(), err);
	if (fd < 0)
		return -1;
	close(fd);
	m->empty = xstrdup(path);
	return 0;
}

/* Only the way through is open to others (0711): what is readable below has
 * modes of its own. */
int
state_open(struct master *m, struct err *err)
{
	const struct child *engine = &m->children[ROLE_ENGINE];
	static const char *const ours[] = { "certs", "live" };
	int run, fd, rc;
	size_t i;

	assert(m->conf != NULL);
	m->state = directory(AT_FDCWD, m->conf->state_dir, 0711, geteuid(),
	    getegid(), err);
	if (m->state < 0)
		return -1;
	rc = lock(m, err);
	if (rc != 0)
		return rc;
	for (i = 0; i < 2; i++) {
		fd = directory(m->state, ours[i], 0711, geteuid(), getegid(),
		    err);
		if (fd < 0)
			return -1;
		close(fd);
	}
	m->tokens = directory(m->state, "webroot", 0700, geteuid(), getegid(),
	    err);
	if (m->tokens < 0)
		return -1;
	m->db = directory(m->state, "db", 0700, engine->uid, engine->gid, err);
	if (m->db < 0)
		return -1;
	run = directory(AT_FDCWD, m->conf->run_dir, 0755, geteuid(), getegid(),
	    err);
	if (run < 0)
		return -1;
	close(run);
	return empty_directory(m, err);
}

/* --- what a crash left ------------------------------------------------- */

static struct recovery {
	struct master *m;
	struct alarm *next;
	uint64_t *certs;
	size_t n, room, done;
} recovery;

static void
note(void *ctx, uint64_t cert)
{
	struct recovery *r = ctx;

	if (r->n == r->room) {
		r->room = r->room * 2 + 64;
		r->certs = xrealloc(r->certs, r->room * sizeof(*r->certs));
	}
	r->certs[r->n++] = cert;
	assert(r->n <= r->room);
}

/* A certificate that is being installed clears up for itself. */
static void
recover_some(void *ctx)
{
	struct recovery *r = ctx;
	struct err err;
	int i;

	assert(r->m != NULL && r->done <= r->n);
	for (i = 0; i < RECOVER_STEP && r->done < r->n; i++, r->done++)
		if (!jobs_work_on(r->certs[r->done]) &&
		    generation_recover(r->m->state, r->certs[r->done],
		    &err) != 0)
			log_err(&err, "clearing up certificate %016llx",
			    (unsigned long long)r->certs[r->done]);
	if (r->done < r->n) {
		alarm_after(r->next, RECOVER_PAUSE_MS);
		return;
	}
	alarm_free(r->next);
	free(r->certs);
	memset(r, 0, sizeof(*r));
}

void
state_recover(struct master *m)
{
	struct err err;

	assert(recovery.m == NULL && recovery.n == 0);
	recovery.m = m;
	if (generation_each(m->state, note, &recovery, &err) != 0)
		log_err(&err, "looking for installed certificates");
	recovery.next = alarm_new(recover_some, &recovery);
	alarm_after(recovery.next, 0);
}
