/* The key that seals all keys in the store. It is made once, for an empty
 * store; later a missing one is a refusal, because a new one would make every
 * sealed key worthless. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/log.h"
#include "daemon/master.h"

enum { KEK = 32 };
#define KEK_FILE "kek"
#define CREDENTIAL "everleaf.kek"

static int
refuse(struct err *err, const char *path, const char *why, const char *cure)
{
	assert(why != NULL && cure != NULL);
	err_set(err, ERR_KEK_MISSING, "key %s %s", path, why);
	return err_advise(err, "%s", cure);
}

/* Exactly 32 bytes from a regular file that nobody else may read. */
static int
read_key(int fd, const char *path, bool strict, uint8_t kek[KEK],
    struct err *err)
{
	uint8_t more[KEK + 1];
	struct stat st;
	ssize_t n;

	assert(fd >= 0);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return refuse(err, path, "is no regular file",
		    "Put the right file back");
	if (strict && (st.st_mode & 077) != 0)
		return refuse(err, path, "may be read by others than its "
		    "owner", "Run chmod 600 on it, and think about who may "
		    "have read it");
	n = read(fd, more, sizeof(more));
	if (n == KEK)
		memcpy(kek, more, KEK);
	mem_wipe(more, sizeof(more));
	if (n != KEK)
		return refuse(err, path, "does not hold 32 bytes",
		    "Put it back from where it was kept");
	return 0;
}

/* A systemd credential goes before the file. 1: there is none. */
static int
read_credential(const struct master *m, uint8_t kek[KEK], struct err *err)
{
	char path[4096];
	int fd, rc;

	assert(kek != NULL);
	if (m->credentials == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/" CREDENTIAL, m->credentials);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return 1;
	rc = read_key(fd, path, false, kek, err);
	close(fd);
	return rc;
}

int
kek_read(const struct master *m, uint8_t kek[KEK], struct err *err)
{
	int rc = read_credential(m, kek, err), fd;
	char path[4096];

	assert(m->conf != NULL && m->state >= 0);
	if (rc <= 0)
		return rc;
	snprintf(path, sizeof(path), "%s/" KEK_FILE, m->conf->state_dir);
	fd = openat(m->state, KEK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return refuse(err, path, "is missing, and the store's keys are "
		    "sealed with it", "Put it back from where it was kept; "
		    "without it, move the state directory away and begin "
		    "anew");
	if (fd < 0)
		return err_errno(err, ERR_KEK_MISSING, "key %s cannot be "
		    "opened", path);
	rc = read_key(fd, path, true, kek, err);
	close(fd);
	return rc;
}

/* Also when it can't be looked at: only what is surely missing may be made. */
static bool
there(int dir, const char *name)
{
	struct stat st;

	assert(dir >= 0);
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	    errno != ENOENT;
}

/* Under another name first: a half-written key must never be found. */
static int
make_key(const struct master *m, struct err *err)
{
	static const char tmp[] = ".kek.tmp";
	uint8_t kek[KEK];
	int fd, rc = -1;

	assert(m->state >= 0);
	unlinkat(m->state, tmp, 0);
	fd = openat(m->state, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd >= 0 && getrandom(kek, sizeof(kek), 0) == (ssize_t)sizeof(kek) &&
	    write(fd, kek, sizeof(kek)) == (ssize_t)sizeof(kek) &&
	    fchmod(fd, 0600) == 0 && fsync(fd) == 0 &&
	    linkat(m->state, tmp, m->state, KEK_FILE, 0) == 0)
		rc = 0;
	mem_wipe(kek, sizeof(kek));
	if (rc != 0)
		err_errno(err, ERR_DISK, "key %s/" KEK_FILE " cannot be made",
		    m->conf->state_dir);
	if (fd >= 0)
		close(fd);
	unlinkat(m->state, tmp, 0);
	if (rc == 0 && fsync(m->state) != 0 && errno != EINVAL)
		rc = err_errno(err, ERR_DISK, "key %s/" KEK_FILE " cannot be "
		    "made durable", m->conf->state_dir);
	return rc;
}

int
kek_prepare(const struct master *m, struct err *err)
{
	uint8_t kek[KEK];
	int rc = read_credential(m, kek, err);

	assert(m->state >= 0 && m->db >= 0);
	mem_wipe(kek, sizeof(kek));
	if (rc <= 0)
		return rc;
	if (there(m->state, KEK_FILE) || there(m->db, "everleaf.db")) {
		rc = kek_read(m, kek, err);
		mem_wipe(kek, sizeof(kek));
		return rc;
	}
	if (make_key(m, err) != 0)
		return -1;
	log_info("made %s/" KEK_FILE ": keep a copy of it apart from the "
	    "backups of the store", m->conf->state_dir);
	return 0;
}
