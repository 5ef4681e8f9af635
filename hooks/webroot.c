/* Token files in webroots. Every name is one part of a path, opened below its
 * directory without following links, so it can't lead out of it; that is
 * what openat2() would do on kernels that have it. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hooks/webroot.h"

enum { CONTENT_MAX = 1024, TEMP = 280,
	LOOK = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static const char above_name[] = ".well-known";
static const char folder_name[] = "acme-challenge";

/* What can be done about it; most of it only the directory's owner can. */
static const char *
cure(int no)
{
	static const struct {
		int no;
		const char *advice;
	} cures[] = {
		{ ELOOP, "A symbolic link is on the way, and none is followed "
		    "here: write the path without it (realpath shows it)" },
		{ ENOTDIR, "Something on the way is no directory, or a "
		    "symbolic link, and none is followed here: write the path "
		    "without it (realpath shows it)" },
		{ EACCES, "The owner of the directory must be able to write "
		    "there: look at owner and mode" },
		{ EPERM, "Does its file system allow this (NFS, immutable "
		    "flag)?" },
		{ EDQUOT, "The quota of the directory's owner is used up" },
		{ ENOSPC, "Make room (df, df -i)" },
		{ EROFS, "It is mounted read-only: answer by the responder "
		    "instead, without \"webroot\"" },
		{ ENOENT, "Make the directory, or mend \"webroot\"" }
	};
	size_t i;

	for (i = 0; i < sizeof(cures) / sizeof(cures[0]); i++)
		if (cures[i].no == no)
			return cures[i].advice;
	return "";
}

/* From errno, behind the words. */
static int
fail(struct err *err, const char *path, const char *what)
{
	int no = errno;

	err_errno(err, ERR_WEBROOT, "webroot %.300s: %s", path, what);
	return err_advise(err, "%s", cure(no));
}

/* Nothing of ours is there any more: where a link stands now, we have put
 * nothing. */
static bool
is_gone(int no)
{
	return no == ENOENT || no == ELOOP || no == ENOTDIR;
}

int
webroot_enter(const char *path, bool *gone, struct err *err)
{
	int fd = open("/", LOOK), next;
	const char *p = path;
	char part[256];
	size_t n;

	assert(path[0] == '/' && gone != NULL);
	for (p += strspn(p, "/"); fd >= 0 && *p != '\0';
	    p += strspn(p, "/")) {
		n = strcspn(p, "/");
		assert(n > 0);
		if (n >= sizeof(part)) {
			close(fd);
			fd = -1;
			errno = ENAMETOOLONG;
			break;
		}
		memcpy(part, p, n);
		part[n] = '\0';
		next = openat(fd, part, LOOK);
		close(fd);
		fd = next;
		p += n;
	}
	*gone = fd < 0 && is_gone(errno);
	return fd >= 0 ? fd : fail(err, path, "it cannot be entered");
}

/* Opens a directory below; makes it if made is not NULL. */
static int
step(int dir, const char *name, unsigned bit, unsigned *made)
{
	int fd = openat(dir, name, LOOK), no;

	assert(dir >= 0 && strchr(name, '/') == NULL);
	assert(made == NULL || bit != 0);
	if (fd >= 0 || errno != ENOENT || made == NULL)
		return fd;
	/* What came in between is somebody else's. */
	if (mkdirat(dir, name, 0755) != 0)
		return errno == EEXIST ? openat(dir, name, LOOK) : -1;
	*made |= bit;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	/* Whatever the umask is. */
	if (fd >= 0 && fchmod(fd, 0755) != 0) {
		no = errno;
		close(fd);
		errno = no;
		return -1;
	}
	return fd;
}

/* 1: the file is as we want it; 0: it is something else; -1: errno. */
static int
is_ours(int folder, const struct webroot_token *t)
{
	int fd = openat(folder, t->token, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	char content[CONTENT_MAX];
	struct stat st;
	ssize_t n = -1;

	assert(strlen(t->keyauth) < CONTENT_MAX);
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? 0 : -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, content, sizeof(content));
	close(fd);
	return n == (ssize_t)strlen(t->keyauth) &&
	    memcmp(content, t->keyauth, (size_t)n) == 0;
}

/* Where the content grows: beside the name that the server shows. */
static void
temp_name(char out[TEMP], const char *token)
{
	assert(strchr(token, '/') == NULL);
	snprintf(out, TEMP, ".everleaf-%.200s", token);
}

/* errno in advance: a write that is cut short sets none. */
static int
fill(int folder, const char *temp, const char *content)
{
	size_t n = strlen(content);
	int fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0644), no;

	assert(n > 0 && temp[0] == '.');
	if (fd < 0)
		return -1;
	errno = ENOSPC;
	if (write(fd, content, n) == (ssize_t)n && fchmod(fd, 0644) == 0 &&
	    fsync(fd) == 0)
		return close(fd);
	no = errno;
	close(fd);
	unlinkat(folder, temp, 0);
	errno = no;
	return -1;
}

/* linkat, unlike rename, never replaces. Some file systems have no links. */
static int
give_name(int folder, const char *temp, const char *name)
{
	int rc = linkat(folder, temp, folder, name, 0), no = errno;

	if (rc != 0 && (no == EPERM || no == EOPNOTSUPP || no == ENOSYS)) {
		rc = renameat2(folder, temp, folder, name, RENAME_NOREPLACE);
		no = errno;
	}
	unlinkat(folder, temp, 0);
	errno = no;
	return rc;
}

static int
make_file(int folder, const struct webroot_token *t, struct err *err)
{
	char temp[TEMP];

	assert(t->token[0] != '\0' && t->token[0] != '.');
	temp_name(temp, t->token);
	/* A child of ours that was killed may have left it; foreign things of
	 * that name are not files of customers. */
	unlinkat(folder, temp, 0);
	if (fill(folder, temp, t->keyauth) == 0 &&
	    give_name(folder, temp, t->token) == 0)
		return 0;
	if (errno != EEXIST)
		return fail(err, t->path, "the token cannot be written");
	if (is_ours(folder, t) == 1)
		return 0;
	err_set(err, ERR_WEBROOT, "webroot %.200s: %.60s is there already, "
	    "and it is not ours", t->path, t->token);
	return err_advise(err, "Remove it from %s/%s", above_name,
	    folder_name);
}

int
webroot_put(int dir, const struct webroot_token *t, unsigned *made,
    struct err *err)
{
	int above = step(dir, above_name, WEBROOT_MADE_ABOVE, made), folder;
	int rc;

	assert(made != NULL);
	if (above < 0)
		return fail(err, t->path, "directory .well-known");
	folder = step(above, folder_name, WEBROOT_MADE_FOLDER, made);
	if (folder < 0)
		rc = fail(err, t->path,
		    "directory .well-known/acme-challenge");
	else
		rc = make_file(folder, t, err);
	if (folder >= 0)
		close(folder);
	close(above);
	return rc;
}

static int
remove_file(int folder, const struct webroot_token *t, struct err *err)
{
	char temp[TEMP];
	int ours;

	assert(t->token[0] != '\0' && t->token[0] != '.');
	temp_name(temp, t->token);
	unlinkat(folder, temp, 0);
	ours = is_ours(folder, t);
	if (ours == 0 || (ours == 1 && unlinkat(folder, t->token, 0) == 0) ||
	    errno == ENOENT)
		return 0;
	return fail(err, t->path, "the token cannot be removed");
}

/* The bit, if the directory was ours and must stay for now. */
static unsigned
clear(int dir, const char *name, unsigned made, unsigned bit)
{
	assert(bit == WEBROOT_MADE_ABOVE || bit == WEBROOT_MADE_FOLDER);
	if ((made & bit) == 0 || unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? bit : 0;
}

int
webroot_take(int dir, const struct webroot_token *t, unsigned made,
    unsigned *left, struct err *err)
{
	int above = step(dir, above_name, 0, NULL), folder = -1, rc = 0;

	*left = 0;
	if (above < 0)
		return is_gone(errno) ? 0 : fail(err, t->path,
		    "directory .well-known");
	folder = step(above, folder_name, 0, NULL);
	if (folder >= 0) {
		rc = remove_file(folder, t, err);
		close(folder);
	} else if (!is_gone(errno))
		rc = fail(err, t->path,
		    "directory .well-known/acme-challenge");
	*left = clear(above, folder_name, made, WEBROOT_MADE_FOLDER);
	*left |= clear(dir, above_name, made, WEBROOT_MADE_ABOVE);
	assert((*left & ~made) == 0);
	close(above);
	return rc;
}
