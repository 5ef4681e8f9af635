/* Opening, making and clearing the directories of a certificate. Runs in the
 * master. */
#include <config.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/text.h"
#include "hooks/gendir.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* Errors that somebody can do something about, and what. */
static const char *
cure(int no)
{
	static const struct {
		int no;
		const char *advice;
	} cures[] = {
		{ ENOSPC, "Make room (df, df -i); it is tried again" },
		{ EDQUOT, "Raise the quota; it is tried again" },
		{ EROFS, "Mount the state directory's file system read-write" },
		{ EIO, "Look at the disk (dmesg); nothing live has changed" },
		{ ELOOP, "A symbolic link stands where a directory of ours "
		    "belongs; remove it" },
		{ ENOTDIR, "Something else stands where a directory of ours "
		    "belongs; move it away" },
		{ EPERM, "Does the file system allow this owner and mode (NFS, "
		    "immutable flag)?" },
		{ EACCES, "Look at the owner and mode of the directories "
		    "above it" }
	};
	size_t i;

	for (i = 0; i < sizeof(cures) / sizeof(cures[0]); i++)
		if (cures[i].no == no)
			return cures[i].advice;
	return "";
}

int
gendir_err(struct err *err, const char *fmt, ...)
{
	char words[ERR_TEXT_MAX];
	int no = errno;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	errno = no;
	err_errno(err, ERR_DISK, "%s", words);
	return err_advise(err, "%s", cure(no));
}

int
gendir_sync(int fd, const char *name, struct err *err)
{
	assert(fd >= 0 && name[0] != '\0');
	if (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP)
		return 0;
	return gendir_err(err, "\"%s\" cannot be made durable", name);
}

void
gendir_name(char out[GENDIR_NAME], const char *prefix, uint32_t gen)
{
	assert(strlen(prefix) + 10 < GENDIR_NAME);
	snprintf(out, GENDIR_NAME, "%s%06u", prefix, gen);
}

/* A mode that is right is left alone: setting it would be news for the disk. */
static int
set_mode(int fd)
{
	struct stat st;

	assert(fd >= 0);
	if (fstat(fd, &st) == 0 && (st.st_mode & 07777) == GENDIR_MODE)
		return 0;
	return fchmod(fd, GENDIR_MODE);
}

/* 0700 until the mode is set: whatever the umask is, nobody looks in early. */
static int
enter(int dir, const char *name, struct err *err)
{
	int fd;

	assert(dir >= 0 && strchr(name, '/') == NULL);
	if (mkdirat(dir, name, 0700) != 0 && errno != EEXIST)
		return gendir_err(err, "directory \"%s\" cannot be made", name);
	fd = openat(dir, name, DIR_FLAGS);
	if (fd < 0)
		return gendir_err(err, "directory \"%s\" cannot be opened",
		    name);
	if (set_mode(fd) == 0)
		return fd;
	gendir_err(err, "directory \"%s\": mode cannot be set", name);
	close(fd);
	return -1;
}

int
gendir_enter(int dir, const char *name, struct err *err)
{
	int fd = enter(dir, name, err);

	/* Also one that was there: whoever made it may have died before. */
	if (fd >= 0 && gendir_sync(dir, name, err) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* 256 directories, so that none gets a million entries. */
static void
cert_names(char fan[3], char id[17], uint64_t cert)
{
	text_id(id, cert);
	memcpy(fan, id, 2);
	fan[2] = '\0';
}

/* All four are there before the first is waited for: one commit of a file
 * system's journal. */
int
gendir_make(struct gendir *d, int state, uint64_t cert, struct err *err)
{
	enum { LEVELS = 4 };
	char id[17], fan[3];
	const char *names[LEVELS] = { "certs", fan, id, "gen" };
	int fds[LEVELS + 1] = { state, -1, -1, -1, -1 }, i, rc = 0;

	cert_names(fan, id, cert);
	for (i = 0; rc == 0 && i < LEVELS; i++) {
		fds[i + 1] = enter(fds[i], names[i], err);
		rc = fds[i + 1] < 0 ? -1 : 0;
	}
	for (i = 0; rc == 0 && i < LEVELS; i++)
		rc = gendir_sync(fds[i], names[i], err);
	assert(rc != 0 || (fds[3] >= 0 && fds[4] >= 0));
	for (i = 1; i <= 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	d->cert = fds[3];
	d->gen = fds[4];
	if (rc != 0)
		gendir_close(d);
	return rc;
}

/* As openat: the descriptor, or -1 with err, or -2 if it is not there. */
static int
descend(int dir, const char *name, struct err *err)
{
	int fd = openat(dir, name, DIR_FLAGS);

	if (fd < 0 && errno == ENOENT)
		return -2;
	return fd >= 0 ? fd : gendir_err(err,
	    "directory \"%s\" cannot be opened", name);
}

int
gendir_find(struct gendir *d, int state, uint64_t cert, struct err *err)
{
	char id[17], fan[3], path[32];

	assert(state >= 0);
	d->cert = d->gen = -1;
	cert_names(fan, id, cert);
	snprintf(path, sizeof(path), "certs/%s/%s", fan, id);
	d->cert = descend(state, path, err);
	if (d->cert >= 0)
		d->gen = descend(d->cert, "gen", err);
	if (d->gen >= 0)
		return 0;
	if (d->cert == -1 || (d->cert >= 0 && d->gen == -1)) {
		gendir_close(d);
		return -1;
	}
	gendir_close(d);
	return 1;
}

void
gendir_close(struct gendir *d)
{
	assert(d->gen < 0 || d->gen != d->cert);
	if (d->gen >= 0)
		close(d->gen);
	if (d->cert >= 0)
		close(d->cert);
	d->cert = d->gen = -1;
}

/* errno before readdir: NULL means both the end and an error. */
static int
each_entry(DIR *dir, const char *name, gendir_fn *fn, void *ctx,
    struct err *err)
{
	const struct dirent *e;
	int rc = 0;

	assert(fn != NULL);
	while (rc == 0) {
		errno = 0;
		e = readdir(dir);
		if (e == NULL)
			return errno == 0 ? 0 : gendir_err(err,
			    "directory \"%s\" cannot be read", name);
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = fn(ctx, dirfd(dir), e->d_name, err);
	}
	return rc;
}

int
gendir_each(int dir, const char *name, gendir_fn *fn, void *ctx,
    struct err *err)
{
	int fd = openat(dir, name, DIR_FLAGS), rc;
	DIR *d;

	if (fd < 0 && errno == ENOENT)
		return 1;
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (d == NULL) {
		gendir_err(err, "directory \"%s\" cannot be opened", name);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	rc = each_entry(d, name, fn, ctx, err);
	closedir(d);
	return rc;
}

static int
remove_file(void *ctx, int dir, const char *entry, struct err *err)
{
	(void)ctx;
	if (unlinkat(dir, entry, 0) == 0 || errno == ENOENT)
		return 0;
	return gendir_err(err, "file \"%s\" cannot be removed", entry);
}

/* Files only: nothing of ours lies deeper, and what does is a person's. */
int
gendir_remove(int dir, const char *name, struct err *err)
{
	int rc = gendir_each(dir, name, remove_file, NULL, err);

	if (rc != 0)
		return rc == 1 ? 0 : -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return gendir_err(err, "directory \"%s\" cannot be removed", name);
}

static int
remove_leftover(void *ctx, int dir, const char *entry, struct err *err)
{
	(void)ctx;
	if (strncmp(entry, GENDIR_TMP, strlen(GENDIR_TMP)) != 0 &&
	    strncmp(entry, GENDIR_DEL, strlen(GENDIR_DEL)) != 0)
		return 0;
	return gendir_remove(dir, entry, err);
}

int
gendir_sweep(const struct gendir *d, struct err *err)
{
	assert(d->cert >= 0 && d->gen >= 0);
	if (unlinkat(d->cert, GENDIR_LIVE_TMP, 0) != 0 && errno != ENOENT)
		return gendir_err(err, "\"%s\" cannot be removed",
		    GENDIR_LIVE_TMP);
	return gendir_each(d->gen, ".", remove_leftover, NULL, err);
}
