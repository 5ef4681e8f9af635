/* May this program be run as that user? Whoever can write to it, or to a
 * directory on the way, could run anything as him. Runs in the master. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hooks/run.h"

enum { LINKS_MAX = 40 };

struct walk {
	char here[PATH_MAX];	/* resolved so far: no link, all checked */
	char left[PATH_MAX];	/* still to go */
	struct stat st;		/* of here */
	uid_t uid;
	const char *kind;	/* of what is looked for: "program" */
	int links;
};

/* Sticky directories are no exception: in /tmp a missing part could be made
 * by anybody. */
static int
insecure(const struct walk *w, struct err *err)
{
	const char *kind = S_ISDIR(w->st.st_mode) ? "directory" : w->kind;
	const char *name = w->here[0] != '\0' ? w->here : "/";

	assert(w->st.st_mode != 0);
	if (w->st.st_uid != 0 && w->st.st_uid != w->uid) {
		err_set(err, ERR_HOOK_INSECURE, "%s %s belongs to uid %u",
		    kind, name, (unsigned)w->st.st_uid);
		return err_advise(err, "Run: chown root %s", name);
	}
	if ((w->st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		err_set(err, ERR_HOOK_INSECURE, "%s %s is writable by %s", kind,
		    name, (w->st.st_mode & S_IWOTH) != 0 ? "everybody" :
		    "its group");
		return err_advise(err, "Run: chmod go-w %s", name);
	}
	return 0;
}

static int
missing(const struct walk *w, const char *program, struct err *err)
{
	if (errno == ENOENT || errno == ENOTDIR) {
		err_set(err, ERR_HOOK_MISSING, "%s %s does not exist", w->kind,
		    program);
		return err_advise(err, "Install it, or correct the "
		    "configuration");
	}
	err_errno(err, ERR_HOOK_MISSING, "%s %s cannot be looked at", w->kind,
	    program);
	return err_advise(err, "Look at its path with: namei -l %s", program);
}

/* Moves the first part of left into part; false when nothing is left. */
static bool
next_part(struct walk *w, char part[NAME_MAX + 1])
{
	const char *p = w->left + strspn(w->left, "/");
	size_t n = strcspn(p, "/");

	if (n == 0 || n > NAME_MAX)
		return false;
	memcpy(part, p, n);
	part[n] = '\0';
	assert(n >= 1 && strchr(part, '/') == NULL);
	memmove(w->left, p + n, strlen(p + n) + 1);
	assert(w->left[0] == '\0' || w->left[0] == '/');
	return true;
}

/* Puts the link's target in front of what is left. */
static bool
follow(struct walk *w, const char *link)
{
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target));
	size_t left = strlen(w->left);

	if (n <= 0 || (size_t)n + left + 1 >= sizeof(target) ||
	    w->links++ >= LINKS_MAX) {
		errno = ELOOP;
		return false;
	}
	memmove(w->left + n, w->left, left + 1);
	memcpy(w->left, target, (size_t)n);
	if (target[0] == '/')
		w->here[0] = '\0';
	return true;
}

/* One part further. -1: err. */
static int
step(struct walk *w, const char *part, const char *program, struct err *err)
{
	char next[PATH_MAX + NAME_MAX + 2];
	char *slash;

	assert(part[0] != '\0' && strlen(part) <= NAME_MAX);
	if (strcmp(part, ".") == 0)
		return 0;
	if (strcmp(part, "..") == 0) {
		slash = strrchr(w->here, '/');
		if (slash != NULL)
			*slash = '\0';
		return 0;
	}
	snprintf(next, sizeof(next), "%s/%s", w->here, part);
	if (strlen(next) >= sizeof(w->here)) {
		errno = ENAMETOOLONG;
		return missing(w, program, err);
	}
	if (lstat(next, &w->st) != 0)
		return missing(w, program, err);
	if (S_ISLNK(w->st.st_mode))
		return follow(w, next) ? 0 : missing(w, program, err);
	memcpy(w->here, next, strlen(next) + 1);
	assert(w->here[0] == '/');
	return insecure(w, err);
}

/* From the root to the file itself, through every link. */
static int
walk_to(struct walk *w, const char *program, struct err *err)
{
	char part[NAME_MAX + 1];

	assert(w->here[0] == '\0' && w->links == 0);
	if (lstat("/", &w->st) != 0 || insecure(w, err) != 0)
		return -1;
	while (next_part(w, part))
		if (step(w, part, program, err) != 0)
			return -1;
	if (lstat(w->here[0] != '\0' ? w->here : "/", &w->st) != 0)
		return missing(w, program, err);
	return 0;
}

static int
check_path(const char *path, const char *kind, uid_t uid, struct err *err)
{
	struct walk w = { .uid = uid, .kind = kind };

	assert(path[0] == '/');
	snprintf(w.left, sizeof(w.left), "%s", path);
	if (walk_to(&w, path, err) != 0)
		return -1;
	if (!S_ISREG(w.st.st_mode)) {
		err_set(err, ERR_HOOK_MISSING, "%s is no %s but a %s",
		    path, kind, S_ISDIR(w.st.st_mode) ? "directory" :
		    "special file");
		return err_advise(err, "Correct the configuration");
	}
	return 0;
}

int
run_check_script(const char *path, uid_t uid, struct err *err)
{
	return check_path(path, "program", uid, err);
}

int
run_check_file(const char *path, uid_t uid, struct err *err)
{
	return check_path(path, "file", uid, err);
}

static int
check_file(const char *path, uid_t uid, struct err *err)
{
	struct stat st;

	if (run_check_script(path, uid, err) != 0)
		return -1;
	if (stat(path, &st) == 0 && (st.st_mode & 0111) != 0)
		return 0;
	err_set(err, ERR_HOOK_MISSING, "program %s is not executable", path);
	return err_advise(err, "Run: chmod +x %s", path);
}

/* Looks for a program as a shell would; false if it is nowhere. */
static bool
find_in_path(const char *program, char path[4096])
{
	const char *dir = RUN_PATH;
	struct stat st;
	size_t n;

	assert(program[0] != '\0' && strchr(program, '/') == NULL);
	for (; *dir != '\0'; dir += n + (dir[n] == ':')) {
		n = strcspn(dir, ":");
		snprintf(path, 4096, "%.*s/%s", (int)n, dir, program);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		    (st.st_mode & 0111) != 0)
			return true;
	}
	return false;
}

int
run_check(const char *program, uid_t uid, char path[4096], struct err *err)
{
	assert(program != NULL && path != NULL);
	if (program[0] == '/' && strlen(program) < 4096)
		snprintf(path, 4096, "%s", program);
	else if (program[0] == '\0' || strchr(program, '/') != NULL) {
		err_set(err, ERR_HOOK_MISSING, "program \"%s\" is neither "
		    "absolute nor a plain name", program);
		return err_advise(err, "Write it with its whole path");
	} else if (!find_in_path(program, path)) {
		err_set(err, ERR_HOOK_MISSING, "program \"%s\" is nowhere in "
		    "%s", program, RUN_PATH);
		return err_advise(err, "Install it, or write it with its whole "
		    "path");
	}
	assert(path[0] == '/');
	return check_file(path, uid, err);
}
