/* Notes on token files: named by a digest of webroot and token, holding what
 * was made there and the path. */
#include <config.h>
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/master_tokens.h"

enum { NAME = 17, NOTE_MAX = 2048 };

static const char temp[] = ".new";

static uint64_t
mix(uint64_t h, const char *s)
{
	do
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	while (*s++ != '\0');
	return h;
}

/* FNV-1a: two that meet would share their directories' bits, no more. */
static void
name_of(char out[NAME], const char *path, const char *token)
{
	assert(path != NULL && token != NULL);
	text_id(out, mix(mix(UINT64_C(14695981039346656037), path), token));
}

/* Under another name first, and durable before the directory is touched. */
static int
write_note(int dir, const char *name, const char *path, unsigned made)
{
	char note[NOTE_MAX];
	int n = snprintf(note, sizeof(note), "%u\n%s\n", made, path), fd;
	bool done;

	assert(dir >= 0 && name[0] != '.');
	unlinkat(dir, temp, 0);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	done = n < NOTE_MAX && write(fd, note, (size_t)n) == n &&
	    fsync(fd) == 0;
	return close(fd) == 0 && done ? renameat(dir, temp, dir, name) : -1;
}

/* path must take NOTE_MAX bytes. */
static bool
read_note(int dir, const char *name, char *path, unsigned *made)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = -1;
	char note[NOTE_MAX], *end;

	assert(dir >= 0);
	if (fd < 0)
		return false;
	n = read(fd, note, sizeof(note) - 1);
	close(fd);
	if (n < 3)
		return false;
	note[n] = '\0';
	*made = (unsigned)strtoul(note, &end, 10);
	if (*end != '\n' || note[n - 1] != '\n')
		return false;
	note[n - 1] = '\0';
	snprintf(path, NOTE_MAX, "%s", end + 1);
	return true;
}

int
tokens_note(int dir, const char *path, const char *token, unsigned made,
    struct err *err)
{
	char name[NAME];

	assert(dir >= 0 && path != NULL && token != NULL);
	name_of(name, path, token);
	if (write_note(dir, name, path, made) == 0)
		return 0;
	return err_errno(err, ERR_DISK, "a note in the state directory's "
	    "webroot folder cannot be made");
}

/* Two digests that meet are told apart by the path that the note holds. */
bool
tokens_find(int dir, const char *path, const char *token, unsigned *made)
{
	char name[NAME], noted[NOTE_MAX];

	assert(dir >= 0 && made != NULL);
	*made = 0;
	name_of(name, path, token);
	return read_note(dir, name, noted, made) && strcmp(noted, path) == 0;
}

/* Directories of ours that could not be removed, since another token lies in
 * them, are that one's to remove. */
static void
hand_over(int dir, const char *path, unsigned left)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	char noted[NOTE_MAX];
	bool found = false;
	unsigned made;

	assert(left != 0);
	while (d != NULL && !found && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && read_note(dir, e->d_name, noted,
		    &made) && strcmp(noted, path) == 0) {
			write_note(dir, e->d_name, path, made | left);
			found = true;
		}
	if (d != NULL)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

void
tokens_drop(int dir, const char *path, const char *token, unsigned left)
{
	char name[NAME];

	assert(dir >= 0);
	name_of(name, path, token);
	unlinkat(dir, name, 0);
	if (left != 0)
		hand_over(dir, path, left);
}
