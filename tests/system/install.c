/* Installing under faults. "install DIR GEN" puts generation GEN live,
 * "prune DIR GEN" removes it, "check DIR MIN MAX" says whether one whole
 * generation of MIN to MAX is live and no file is wider than it may be,
 * "errors DIR" fails each system call of an install with each error. Linked
 * with --wrap, so that calls can be made to fail. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hooks/generation.h"

#define CERT UINT64_C(0x3f9a00000000cafe)
#define HOME "certs/3f/3f9a00000000cafe"

enum { GROUP = 12345, CALLS_MIN = 60 };

/* --- calls that fail ------------------------------------------------------*/

static struct {
	int calls, at, error;		/* fail call number `at`; 0: none */
	int synced;		/* descriptor whose fsync failed, or -1 */
	bool was_sync, dribble;		/* dribble: writes of one byte */
} fault = { .synced = -1 };

static bool
fails(void)
{
	if (fault.at == 0 || ++fault.calls != fault.at)
		return false;
	errno = fault.error;
	return true;
}

#define WRAP(type, name, params, args) \
	type __real_##name params; \
	type __wrap_##name params; \
	type __wrap_##name params { return fails() ? -1 : __real_##name args; }
WRAP(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m))
WRAP(int, unlinkat, (int d, const char *p, int f), (d, p, f))
WRAP(int, symlinkat, (const char *t, int d, const char *p), (t, d, p))
WRAP(int, renameat, (int a, const char *p, int b, const char *q),
    (a, p, b, q))
WRAP(int, renameat2, (int a, const char *p, int b, const char *q,
    unsigned int f), (a, p, b, q, f))
WRAP(int, fchmod, (int fd, mode_t m), (fd, m))
WRAP(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g))
WRAP(int, fstat, (int fd, struct stat *st), (fd, st))

int __real_openat(int d, const char *p, int flags, ...);
int __wrap_openat(int d, const char *p, int flags, ...);
int
__wrap_openat(int d, const char *p, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) != 0)
		mode = (mode_t)va_arg(ap, int);
	va_end(ap);
	return fails() ? -1 : __real_openat(d, p, flags, mode);
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	if (fails())
		return -1;
	return __real_write(fd, p, fault.dribble && n > 1 ? 1 : n);
}

/* G3: an fsync that failed is never asked again. */
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
	if (fd == fault.synced) {
		fputs("fsync was tried again\n", stderr);
		abort();
	}
	if (!fails())
		return __real_fsync(fd);
	fault.was_sync = true;
	fault.synced = fd;
	return -1;
}

/* As the kernel does: closed, and an error all the same. */
int __real_close(int fd);
int __wrap_close(int fd);
int
__wrap_close(int fd)
{
	int rc = __real_close(fd);

	if (fd == fault.synced)
		fault.synced = -1;
	return fails() ? -1 : rc;
}

/* --- one install ----------------------------------------------------------*/

static int
open_state(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

static struct blob
part(char *text, size_t size, const char *what, uint32_t gen)
{
	struct blob b = { (uint8_t *)text, 0 };

	b.len = (size_t)snprintf(text, size, "%s %u\n", what, gen);
	return b;
}

static gid_t
group(void)
{
	return geteuid() == 0 ? GROUP : getegid();
}

static int
install(int state, uint32_t gen, struct err *err)
{
	char key[32], leaf[32], chain[32], meta[32];
	struct generation g = { .cert = CERT, .gen = gen,
		.key = part(key, sizeof(key), "key", gen),
		.leaf = part(leaf, sizeof(leaf), "leaf", gen),
		.chain = part(chain, sizeof(chain), "chain", gen),
		.meta = part(meta, sizeof(meta), "meta", gen),
		.uid = geteuid(), .gid = group(), .key_mode = 0640 };
	struct err ignored;
	bool whole;

	umask(077);
	if (generation_stage(state, &g, &whole, err) == 0 &&
	    generation_finish(state, CERT, gen, err) == 0 &&
	    generation_alias(state, CERT, "shop.example", err) == 0 &&
	    generation_flip(state, CERT, gen, err) == 0)
		return 0;
	generation_abandon(state, CERT, gen, &ignored);
	return -1;
}

/* --- what must hold -------------------------------------------------------*/

static bool wide;

/* A file with a secret is 0600, or 0640 of the group; nothing is writable by
 * others, at any instant. */
static int
look(const char *path, const struct stat *st, int type, struct FTW *f)
{
	const char *name = path + f->base;
	bool secret = strcmp(name, "privkey.pem") == 0 ||
	    strcmp(name, "combined.pem") == 0;
	bool fine = (st->st_mode & 022) == 0;

	if (type == FTW_SL)
		return 0;
	if (secret)
		fine = (st->st_mode & 07777) == 0600 ||
		    ((st->st_mode & 07777) == 0640 && st->st_gid == group());
	if (fine)
		return 0;
	printf("%s has mode %04o, group %u\n", path,
	    (unsigned)st->st_mode & 07777, (unsigned)st->st_gid);
	wide = true;
	return 0;
}

static bool
file_is(int dir, const char *name, const char *want)
{
	char got[128];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, got, sizeof(got) - 1) : -1;

	if (fd >= 0)
		close(fd);
	got[n > 0 ? n : 0] = '\0';
	if (n > 0 && strcmp(got, want) == 0)
		return true;
	printf("%s holds \"%s\", not \"%s\"\n", name, got, want);
	return false;
}

static bool
is_whole(int dir, unsigned int n)
{
	static const struct { const char *name, *format; } files[] = {
		{ "privkey.pem", "key %1$u\n" }, { "cert.pem", "leaf %1$u\n" },
		{ "chain.pem", "chain %1$u\n" },
		{ "fullchain.pem", "leaf %1$u\nchain %1$u\n" },
		{ "combined.pem", "key %1$u\nleaf %1$u\nchain %1$u\n" },
		{ "meta.json", "meta %1$u\n" }
	};
	char want[128], *at, number[16];
	size_t i;

	snprintf(number, sizeof(number), "%u", n);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *f = files[i].format;

		for (at = want; *f != '\0'; )
			if (strncmp(f, "%1$u", 4) == 0) {
				at = stpcpy(at, number);
				f += 4;
			} else
				*at++ = *f++;
		*at = '\0';
		if (!file_is(dir, files[i].name, want))
			return false;
	}
	return true;
}

static bool
check(const char *path, int state, uint32_t min, uint32_t max)
{
	struct err err;
	uint32_t gen = 0;
	bool whole;
	int dir;

	wide = false;
	if (nftw(path, look, 16, FTW_PHYS) != 0 || wide)
		return false;
	if (generation_live(state, CERT, &gen, &err) != 0 || gen < min ||
	    gen > max) {
		printf("generation %u is live\n", gen);
		return false;
	}
	dir = openat(state, "live/shop.example", O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		return false;
	whole = is_whole(dir, gen);
	close(dir);
	return whole;
}

static bool
no_leftovers(int state)
{
	struct stat st;

	return fstatat(state, HOME "/.live.tmp", &st,
	    AT_SYMLINK_NOFOLLOW) != 0 &&
	    fstatat(state, HOME "/gen/.tmp-000002", &st, 0) != 0 &&
	    fstatat(state, HOME "/gen/.del-000001", &st, 0) != 0;
}

/* --- the sweep over errors ------------------------------------------------*/

static void
begin_again(int state, struct err *err)
{
	fault.at = 0;
	fault.synced = -1;
	if (generation_purge(state, CERT, "shop.example", err) != 0 ||
	    install(state, 1, err) != 0) {
		printf("Bail out! %s\n", err->text);
		exit(2);
	}
}

/* Call number `at` fails. 0: fine; 1: not so many calls; -1: broken. */
static int
one_error(const char *path, int state, int at, int error)
{
	struct err err;
	bool reached;
	int rc;

	begin_again(state, &err);
	fault.calls = 0;
	fault.was_sync = false;
	fault.at = at;
	fault.error = error;
	rc = install(state, 2, &err);
	reached = fault.calls >= at;
	fault.at = 0;
	fault.synced = -1;
	if (!reached)
		return 1;
	if (rc == 0 && fault.was_sync) {
		puts("# a failed fsync was not reported");
		return -1;
	}
	if (rc != 0 && (err.text[0] == '\0' || err.class != ERR_MACHINE)) {
		printf("# no good error: %s\n", err.text);
		return -1;
	}
	/* A failed call may be no matter (EINTR), but then all is done. */
	if (!check(path, state, rc == 0 ? 2 : 1, 2) ||
	    generation_recover(state, CERT, &err) != 0 ||
	    install(state, 2, &err) != 0 || !check(path, state, 2, 2) ||
	    !no_leftovers(state)) {
		printf("# call %d, error %d: %s\n", at, error, err.text);
		return -1;
	}
	return 0;
}

static int
errors(const char *path, int state)
{
	static const struct { int number; const char *name; } kinds[] = {
		{ ENOSPC, "G1 ENOSPC" }, { EDQUOT, "G2 EDQUOT" },
		{ EROFS, "G2 EROFS" }, { EIO, "G3 EIO" }, { EINTR, "G4 EINTR" },
		{ EACCES, "G5 EACCES" }, { EPERM, "G5 EPERM" },
		{ ENOMEM, "K2 ENOMEM" }, { EMFILE, "K2 EMFILE" }
	};
	size_t i, n = sizeof(kinds) / sizeof(kinds[0]);
	struct err err;
	int at, rc;

	printf("1..%zu\n", n + 1);
	for (i = 0; i < n; i++) {
		for (at = 1, rc = 0; rc == 0; at++)
			rc = one_error(path, state, at, kinds[i].number);
		printf("%sok %zu - %s at each of %d calls\n",
		    rc > 0 && at > CALLS_MIN ? "" : "not ", i + 1,
		    kinds[i].name, at - 2);
	}
	begin_again(state, &err);
	fault.dribble = true;
	rc = install(state, 2, &err);
	fault.dribble = false;
	printf("%sok %zu - G4 short writes\n",
	    rc == 0 && check(path, state, 2, 2) ? "" : "not ", n + 1);
	return 0;
}

int
main(int argc, char **argv)
{
	uint32_t a, b;
	struct err err;
	int state;

	if (argc < 3)
		return 2;
	state = open_state(argv[2]);
	a = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	b = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : a;
	err_clear(&err);
	if (strcmp(argv[1], "errors") == 0)
		return errors(argv[2], state);
	if (strcmp(argv[1], "check") == 0)
		return check(argv[2], state, a, b) ? 0 : 1;
	if (strcmp(argv[1], "clean") == 0)
		return no_leftovers(state) ? 0 : 1;
	if ((strcmp(argv[1], "install") == 0 ? install(state, a, &err) :
	    strcmp(argv[1], "prune") == 0 ?
	    generation_prune(state, CERT, a, &err) :
	    generation_recover(state, CERT, &err)) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}
