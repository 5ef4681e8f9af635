/* A file that is no inventory any more makes room for a new one. Nothing of it
 * is lost: somebody may want to look into it. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "store/store.h"

enum { NAMES_MAX = 4200, TAG_MAX = 64, TAGS_MAX = 1000 };

/* The log goes first: a new file must never meet the old one's. */
static const char *const parts[] = { "-wal", "-shm", "-journal", "" };
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static bool
is_taken(const char *path, const char *tag)
{
	char name[NAMES_MAX];
	size_t i;

	for (i = 0; i < PARTS; i++) {
		snprintf(name, sizeof(name), "%s.damaged-%s%s", path, tag,
		    parts[i]);
		if (access(name, F_OK) == 0)
			return true;
	}
	return false;
}

/* What was moved aside in the same second stays. */
static void
free_tag(char tag[TAG_MAX], const char *path, const char *at)
{
	int n;

	snprintf(tag, TAG_MAX, "%s", at);
	for (n = 2; n < TAGS_MAX && is_taken(path, tag); n++)
		snprintf(tag, TAG_MAX, "%s.%d", at, n);
}

/* SQLite finds the log of the moved file under its new name. */
static int
move(const char *path, const char *at, const char *suffix)
{
	char from[NAMES_MAX], to[NAMES_MAX];

	if (snprintf(from, sizeof(from), "%s%s", path, suffix) >= NAMES_MAX ||
	    snprintf(to, sizeof(to), "%s.damaged-%s%s", path, at, suffix) >=
	    NAMES_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return rename(from, to) == 0 || errno == ENOENT ? 0 : -1;
}

static int
sync_above(const char *path)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	int fd, rc;

	if (slash != NULL)
		slash[slash == dir] = '\0';
	fd = open(slash != NULL ? dir : ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	rc = fd >= 0 ? fsync(fd) : -1;
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

int
store_move_aside(const char *path, const char *at, char *to, size_t size,
    struct err *err)
{
	char tag[TAG_MAX];
	bool is_there = access(path, F_OK) == 0;
	size_t i;

	assert(path[0] != '\0' && at[0] != '\0' && strchr(at, '/') == NULL);
	free_tag(tag, path, at);
	snprintf(to, size, "%s.damaged-%s%s", path, tag,
	    is_there ? "" : parts[0]);
	for (i = 0; i < PARTS; i++)
		if (move(path, tag, parts[i]) != 0)
			return err_errno(err, ERR_STORE, "damaged inventory "
			    "\"%s%s\" cannot be moved aside", path, parts[i]);
	if (sync_above(path) != 0)
		return err_errno(err, ERR_STORE, "damaged inventory \"%s\" "
		    "cannot be moved aside for good", path);
	return 0;
}
