/* Writing a generation and switching to it. Runs in the master. Nothing that
 * a reader can reach is ever changed: a generation gets its name when it is
 * whole, and `live` moves by one rename. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/name.h"
#include "base/text.h"
#include "hooks/gendir.h"
#include "hooks/generation.h"

#define PART(field) offsetof(struct generation, field)

/* Which generations have a file. */
enum in { IN_ALL, IN_OUR_KEYS, IN_OWN_KEYS };

/* A file and the parts that it is made of. Postfix wants the key first in a
 * combined file; the others take any order. What stands for a key that is not
 * here says at each flip whose the certificate must be. */
static const struct layout {
	const char *name;
	enum in in;
	bool secret, raw;	/* raw: not a text that ends its last line */
	int n;
	size_t parts[3];
} files[] = {
	{ "privkey.pem", IN_OUR_KEYS, true, false, 1, { PART(key) } },
	{ "cert.pem", IN_ALL, false, false, 1, { PART(leaf) } },
	{ "chain.pem", IN_ALL, false, false, 1, { PART(chain) } },
	{ "fullchain.pem", IN_ALL, false, false, 2,
	    { PART(leaf), PART(chain) } },
	{ "combined.pem", IN_OUR_KEYS, true, false, 3,
	    { PART(key), PART(leaf), PART(chain) } },
	{ "csr.der", IN_OWN_KEYS, false, true, 1, { PART(csr) } },
	{ "meta.json", IN_ALL, false, false, 1, { PART(meta) } }
};

enum { FILES = sizeof(files) / sizeof(files[0]), FILE_CSR = 5, FILE_META = 6,
	CHECKED = 5 };

static bool
is_in(const struct layout *f, bool own_key)
{
	return f->in == IN_ALL || (f->in == IN_OWN_KEYS) == own_key;
}

static bool
gen_is_fine(uint32_t gen, struct err *err)
{
	if (gen > 0 && gen <= GENDIR_GEN_MAX)
		return true;
	err_set(err, ERR_INVALID, "generation %u is out of range", gen);
	return false;
}

/* Says which generation it was about; returns -1. */
static int
of_generation(struct err *err, uint64_t cert, uint32_t gen)
{
	char id[17];

	text_id(id, cert);
	return err_context(err, "generation %06u of certificate %s", gen, id);
}

static int
write_all(int fd, const void *p, size_t n)
{
	const char *at = p;
	ssize_t done;

	assert(fd >= 0 && (p != NULL || n == 0));
	while (n > 0) {
		done = write(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		assert((size_t)done <= n);
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Writes the parts, each ended by a newline: PEM blocks must not run into
 * each other. */
static int
write_parts(int fd, const struct layout *f, const struct generation *g)
{
	const struct blob *b;
	int i;

	assert(f->n >= 1 && f->n <= 3);
	for (i = 0; i < f->n; i++) {
		b = (const void *)((const char *)g + f->parts[i]);
		if (write_all(fd, b->p, b->len) != 0)
			return -1;
		if (!f->raw && b->len > 0 && b->p[b->len - 1] != '\n' &&
		    write_all(fd, "\n", 1) != 0)
			return -1;
	}
	return 0;
}

/* The owner first: a mode with group bits must never meet a wrong group. */
static int
give_away(int fd, const struct layout *f, const struct generation *g,
    struct err *err)
{
	mode_t mode = f->secret ? g->key_mode : 0644;
	struct stat st;

	assert(!f->secret || (g->key_mode & 07137) == 0);
	if (fstat(fd, &st) == 0 && (st.st_uid == g->uid ||
	    fchown(fd, g->uid, (gid_t)-1) == 0) && (st.st_gid == g->gid ||
	    fchown(fd, (uid_t)-1, g->gid) == 0) && fchmod(fd, mode) == 0)
		return 0;
	gendir_err(err, "file \"%s\": owner and mode cannot be set", f->name);
	return err_context(err, "uid %u gid %u mode %04o", (unsigned)g->uid,
	    (unsigned)g->gid, (unsigned)mode);
}

/* A descriptor of the file, which is complete but not yet durable. */
static int
write_file(int dir, const struct layout *f, const struct generation *g,
    struct err *err)
{
	int fd = openat(dir, f->name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW |
	    O_CLOEXEC, 0600);

	if (fd < 0)
		return gendir_err(err, "file \"%s\" cannot be made", f->name);
	/* Contents while nobody but us may read, then owner and mode. */
	if (write_parts(fd, f, g) != 0)
		gendir_err(err, "file \"%s\" cannot be written", f->name);
	else if (give_away(fd, f, g, err) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
write_files(int dir, int fds[FILES], const struct generation *g,
    struct err *err)
{
	int i, rc = 0;

	for (i = 0; rc == 0 && i < FILES; i++) {
		if (!is_in(&files[i], g->csr.len > 0))
			continue;
		fds[i] = write_file(dir, &files[i], g, err);
		rc = fds[i] < 0 ? -1 : 0;
	}
	assert(rc != 0 || i == FILES);
	return rc;
}

static int
close_file(int fd, const char *name, bool fine, struct err *err)
{
	int rc = fine ? gendir_sync(fd, name, err) : -1;

	if (close(fd) != 0 && rc == 0)
		rc = gendir_err(err, "file \"%s\" cannot be closed", name);
	return rc;
}

/* All are on their way to the disk before the first is waited for: a file
 * system with a journal then commits once, and not once a file. */
static int
fill_dir(int dir, const char *name, const struct generation *g,
    struct err *err)
{
	int fds[FILES] = { -1, -1, -1, -1, -1, -1, -1 }, i;
	int rc = write_files(dir, fds, g, err);

	assert(dir >= 0);
	if (rc == 0 && fchmod(dir, GENDIR_MODE) != 0)
		rc = gendir_err(err, "directory \"%s\": mode cannot be set",
		    name);
	for (i = 0; rc == 0 && i < FILES; i++)
		if (fds[i] >= 0)
			sync_file_range(fds[i], 0, 0,
			    SYNC_FILE_RANGE_WRITE);
	for (i = 0; i < FILES; i++)
		if (fds[i] >= 0 && close_file(fds[i], files[i].name, rc == 0,
		    err) != 0)
			rc = -1;
	return rc == 0 ? gendir_sync(dir, name, err) : -1;
}

static int
stage_new(const struct gendir *d, const struct generation *g, struct err *err)
{
	char name[GENDIR_NAME];
	struct err ignored;
	int dir, rc;

	assert(g->gen > 0 && g->gen <= GENDIR_GEN_MAX);
	assert((g->key.len > 0) != (g->csr.len > 0));
	if (gendir_sweep(d, err) != 0)
		return -1;
	gendir_name(name, GENDIR_TMP, g->gen);
	if (mkdirat(d->gen, name, 0700) != 0)
		return gendir_err(err, "directory \"%s\" cannot be made", name);
	dir = openat(d->gen, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (dir < 0)
		return gendir_err(err, "directory \"%s\" cannot be opened",
		    name);
	rc = fill_dir(dir, name, g, err);
	close(dir);
	if (rc != 0)
		gendir_remove(d->gen, name, &ignored);
	return rc;
}

static bool
exists(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether the file holds b, and perhaps the newline that we added. */
static bool
holds(int dir, const char *name, const struct blob *b)
{
	struct blob got = { xcalloc(b->len + 2, 1), b->len + 2 };
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, got.p, got.len);
	bool same = n >= 0 && ((size_t)n == b->len ||
	    ((size_t)n == b->len + 1 && got.p[b->len] == '\n')) &&
	    (b->len == 0 || memcmp(got.p, b->p, b->len) == 0);

	assert(b->p != NULL || b->len == 0);
	assert(n < 0 || (size_t)n <= got.len);
	if (fd >= 0)
		close(fd);
	blob_free(&got);
	return same;
}

/* A generation that has its name is never written again: it is this request's
 * own from before, or the request is wrong. */
static int
stage_again(const struct gendir *d, const char *name,
    const struct generation *g, struct err *err)
{
	char path[GENDIR_NAME + 16];

	assert(name[0] != '.');		/* whole, not being written */
	snprintf(path, sizeof(path), "%s/cert.pem", name);
	if (holds(d->gen, path, &g->leaf))
		return 0;
	err_set(err, ERR_INSTALL_FAILED, "it exists with another certificate");
	return err_advise(err, "It will be installed again as a new "
	    "generation");
}

int
generation_stage(int state, const struct generation *g, bool *whole,
    struct err *err)
{
	char name[GENDIR_NAME];
	struct gendir d;
	int rc;

	assert(state >= 0 && whole != NULL);
	*whole = false;
	if (!gen_is_fine(g->gen, err))
		return -1;
	rc = gendir_make(&d, state, g->cert, err);
	if (rc == 0) {
		gendir_name(name, "", g->gen);
		*whole = exists(d.gen, name);
		rc = *whole ? stage_again(&d, name, g, err) :
		    stage_new(&d, g, err);
		gendir_close(&d);
	}
	return rc == 0 ? 0 : of_generation(err, g->cert, g->gen);
}

/* The certificate must be there: what comes after staging needs it. */
static int
find(struct gendir *d, int state, uint64_t cert, uint32_t gen,
    struct err *err)
{
	int rc;

	if (!gen_is_fine(gen, err))
		return -1;
	rc = gendir_find(d, state, cert, err);
	if (rc == 1)
		rc = err_set(err, ERR_INSTALL_FAILED, "nothing is installed");
	return rc == 0 ? 0 : of_generation(err, cert, gen);
}

/* O_NONBLOCK: a FIFO that somebody put there must not hold the master. */
static int
open_file(int dir, const char *name, struct err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK);
	struct stat st;

	assert(dir >= 0);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	if (fd < 0)
		return gendir_err(err, "file \"%s\" cannot be opened", name);
	close(fd);
	return err_set(err, ERR_INSTALL_FAILED, "\"%s\" is no regular file",
	    name);
}

/* A key that got lost does not make it somebody else's. */
static bool
has_own_key(int dir)
{
	return exists(dir, files[FILE_CSR].name) && !exists(dir,
	    files[0].name);
}

/* All that is there of what the verifier looks at; false: err. */
static bool
open_files(int dir, int fds[5], struct err *err)
{
	bool own = has_own_key(dir), good = true;
	int i;

	for (i = 0; i < CHECKED; i++)
		fds[i] = -1;
	for (i = 0; i < CHECKED && good; i++) {
		if (is_in(&files[i], own))
			fds[i] = open_file(dir, files[i].name, err);
		else if (i == 0)
			fds[i] = open_file(dir, files[FILE_CSR].name, err);
		else
			continue;
		good = fds[i] >= 0;
	}
	for (i = 0; i < CHECKED && !good; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return good;
}

int
generation_open(int state, uint64_t cert, uint32_t gen, bool whole,
    int fds[5], struct err *err)
{
	char name[GENDIR_NAME];
	struct gendir d;
	bool good;
	int dir;

	if (find(&d, state, cert, gen, err) != 0)
		return -1;
	gendir_name(name, whole ? "" : GENDIR_TMP, gen);
	dir = openat(d.gen, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	gendir_close(&d);
	if (dir < 0) {
		gendir_err(err, "directory \"%s\" cannot be opened", name);
		return of_generation(err, cert, gen);
	}
	good = open_files(dir, fds, err);
	close(dir);
	return good ? 0 : of_generation(err, cert, gen);
}

/* renameat2 is missing on some file systems; a plain rename onto a generation
 * fails there too, because no generation is an empty directory. */
static int
rename_new(int dir, const char *from, const char *to)
{
	assert(from[0] == '.' && to[0] != '.');
	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return renameat(dir, from, dir, to);
}

int
generation_finish(int state, uint64_t cert, uint32_t gen, struct err *err)
{
	char from[GENDIR_NAME], to[GENDIR_NAME];
	struct gendir d;
	int rc = 0;

	if (find(&d, state, cert, gen, err) != 0)
		return -1;
	gendir_name(from, GENDIR_TMP, gen);
	gendir_name(to, "", gen);
	if (!exists(d.gen, to) && rename_new(d.gen, from, to) != 0)
		rc = gendir_err(err, "directory \"%s\" cannot be renamed",
		    from);
	/* Also when it was there: the crash may have come before this. */
	if (rc == 0)
		rc = gendir_sync(d.gen, "gen", err);
	gendir_close(&d);
	return rc == 0 ? 0 : of_generation(err, cert, gen);
}

/* The number in "gen/NNNNNN", exactly as we write it; 0 for all else. */
static uint32_t
target_gen(const char *target)
{
	char same[GENDIR_NAME + 8], name[GENDIR_NAME];
	unsigned int gen;

	if (sscanf(target, "gen/%8u", &gen) != 1 || gen == 0)
		return 0;
	gendir_name(name, "", gen);
	snprintf(same, sizeof(same), "gen/%s", name);
	assert(gen <= GENDIR_GEN_MAX);
	return strcmp(same, target) == 0 ? gen : 0;
}

static uint32_t
live_gen(const struct gendir *d)
{
	char target[GENDIR_NAME + 8];
	ssize_t n = readlinkat(d->cert, "live", target, sizeof(target) - 1);

	if (n <= 0)
		return 0;
	assert((size_t)n < sizeof(target));
	target[n] = '\0';
	return target_gen(target);
}

/* The one switch: old or new, never neither. */
static int
switch_to(const struct gendir *d, const char *target, struct err *err)
{
	assert(strncmp(target, "gen/", 4) == 0);
	if (unlinkat(d->cert, GENDIR_LIVE_TMP, 0) != 0 && errno != ENOENT)
		return gendir_err(err, "\"%s\" cannot be removed",
		    GENDIR_LIVE_TMP);
	if (symlinkat(target, d->cert, GENDIR_LIVE_TMP) != 0)
		return gendir_err(err, "link \"%s\" cannot be made",
		    GENDIR_LIVE_TMP);
	if (renameat(d->cert, GENDIR_LIVE_TMP, d->cert, "live") != 0)
		return gendir_err(err, "link \"%s\" cannot be switched",
		    "live");
	return 0;
}

/* Nothing that somebody may be reading from it lacks. */
static int
check_files(const struct gendir *d, const char *name, struct err *err)
{
	char path[GENDIR_NAME + 32], key[GENDIR_NAME + 32];
	bool own;
	int i;

	snprintf(path, sizeof(path), "%s/%s", name, files[FILE_CSR].name);
	snprintf(key, sizeof(key), "%s/%s", name, files[0].name);
	own = exists(d->gen, path) && !exists(d->gen, key);
	for (i = 0; i < FILES; i++) {
		if (i == FILE_META || !is_in(&files[i], own))
			continue;
		snprintf(path, sizeof(path), "%s/%s", name, files[i].name);
		if (!exists(d->gen, path))
			return err_set(err, ERR_INSTALL_FAILED, "\"%s\" is not "
			    "there", path);
	}
	return 0;
}

/* Durable last, even where live was right already: a crash may have come
 * between its rename and its fsync. */
static int
flip(const struct gendir *d, uint32_t gen, struct err *err)
{
	char target[GENDIR_NAME + 8], name[GENDIR_NAME];

	assert(gen > 0 && gen <= GENDIR_GEN_MAX);
	gendir_name(name, "", gen);
	if (check_files(d, name, err) != 0)
		return -1;
	snprintf(target, sizeof(target), "gen/%s", name);
	if (live_gen(d) != gen && switch_to(d, target, err) != 0)
		return -1;
	return gendir_sync(d->cert, "live", err);
}

int
generation_flip(int state, uint64_t cert, uint32_t gen, struct err *err)
{
	struct gendir d;
	int rc;

	if (find(&d, state, cert, gen, err) != 0)
		return -1;
	rc = flip(&d, gen, err);
	gendir_close(&d);
	return rc == 0 ? 0 : of_generation(err, cert, gen);
}

int
generation_abandon(int state, uint64_t cert, uint32_t gen, struct err *err)
{
	char name[GENDIR_NAME];
	struct gendir d;
	int rc;

	rc = gendir_find(&d, state, cert, err);
	if (rc != 0)
		return rc == 1 ? 0 : of_generation(err, cert, gen);
	gendir_name(name, GENDIR_TMP, gen);
	rc = gendir_remove(d.gen, name, err);
	gendir_close(&d);
	return rc == 0 ? 0 : of_generation(err, cert, gen);
}

int
generation_live(int state, uint64_t cert, uint32_t *gen, struct err *err)
{
	char name[GENDIR_NAME];
	struct gendir d;
	int rc = gendir_find(&d, state, cert, err);

	assert(gen != NULL);
	*gen = 0;
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	*gen = live_gen(&d);
	gendir_name(name, "", *gen);
	if (*gen != 0 && !exists(d.gen, name))
		*gen = 0;
	gendir_close(&d);
	return 0;
}

static void
alias_target(char out[64], uint64_t cert)
{
	char id[17];

	text_id(id, cert);
	snprintf(out, 64, "../certs/%.2s/%s/live", id, id);
}

/* Whether live/title is a link to target. */
static bool
alias_is(int live, const char *title, const char *target)
{
	char got[64];
	ssize_t n = readlinkat(live, title, got, sizeof(got));

	assert(n <= (ssize_t)sizeof(got));
	return n == (ssize_t)strlen(target) &&
	    memcmp(got, target, (size_t)n) == 0;
}

int
generation_is_alias(int state, uint64_t cert, const char *title)
{
	char target[64];
	struct stat st;
	int live, is = -1;

	if (!name_is_title(title))
		return -1;
	live = openat(state, "live", O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	alias_target(target, cert);
	assert(strchr(title, '/') == NULL);
	if (live >= 0 && fstatat(live, title, &st, AT_SYMLINK_NOFOLLOW) == 0)
		is = alias_is(live, title, target);
	if (live >= 0)
		close(live);
	return is;
}

int
generation_alias(int state, uint64_t cert, const char *title, struct err *err)
{
	char target[64];
	int live, rc = 0;

	if (!name_is_title(title))
		return err_set(err, ERR_INVALID, "\"%s\" can be no name of a "
		    "certificate", title);
	live = gendir_enter(state, "live", err);
	if (live < 0)
		return -1;
	assert(strchr(title, '/') == NULL);
	alias_target(target, cert);
	if (symlinkat(target, live, title) == 0 ||
	    (errno == EEXIST && alias_is(live, title, target)))
		rc = gendir_sync(live, title, err);
	else if (errno == EEXIST) {
		err_set(err, ERR_INSTALL_FAILED, "live/%s is there and is not "
		    "ours", title);
		rc = err_advise(err, "Look at it, and move it away if nothing "
		    "uses it");
	} else
		rc = gendir_err(err, "link \"%s\" cannot be made", title);
	close(live);
	return rc;
}
