/* Reading generations back: for an inventory that was lost, whose truth is now
 * what lies on disk. Runs in the master. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hooks/gendir.h"
#include "hooks/generation.h"

enum { GENERATIONS_MAX = 10000 };

struct list {
	uint32_t *v;
	size_t n, room;
};

/* Only names as we write them: leading zeros or a sign make another's. */
static int
note(void *ctx, int dir, const char *entry, struct err *err)
{
	char same[GENDIR_NAME];
	struct list *l = ctx;
	uint32_t gen = (uint32_t)strtoul(entry, NULL, 10);

	assert(l->n <= l->room && l->n <= GENERATIONS_MAX);
	(void)dir;
	(void)err;
	gendir_name(same, "", gen);
	if (gen == 0 || gen > GENDIR_GEN_MAX || strcmp(same, entry) != 0 ||
	    l->n == GENERATIONS_MAX)
		return 0;
	if (l->n == l->room) {
		l->room = l->room * 2 + 8;
		l->v = xrealloc(l->v, l->room * sizeof(*l->v));
	}
	l->v[l->n++] = gen;
	return 0;
}

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int
generation_list(int state, uint64_t cert, uint32_t **gens, size_t *n,
    struct err *err)
{
	struct list l = { NULL, 0, 0 };
	struct gendir d;
	int rc = gendir_find(&d, state, cert, err);

	*gens = NULL;
	*n = 0;
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	rc = gendir_each(d.gen, ".", note, &l, err);
	gendir_close(&d);
	if (rc < 0) {
		free(l.v);
		return -1;
	}
	assert(l.n <= GENERATIONS_MAX);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), ascending);
	*gens = l.v;
	*n = l.n;
	return 0;
}

/* The whole file, of at most so many bytes. A person may have put anything in
 * its place: no link is followed, nothing blocks. */
static int
read_file(struct blob *out, int dir, const char *name, size_t most,
    struct err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	assert(most > 0 && strchr(name, '/') == NULL);
	*out = (struct blob){ NULL, 0 };
	if (fd < 0)
		return gendir_err(err, "file \"%s\" cannot be opened", name);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0 &&
	    (size_t)st.st_size <= most) {
		out->p = xcalloc((size_t)st.st_size + 1, 1);
		n = read(fd, out->p, (size_t)st.st_size);
		out->len = n > 0 ? (size_t)n : 0;
		if (n != st.st_size)
			n = -1;
	}
	close(fd);
	if (n >= 0)
		return 0;
	blob_wipe(out);
	return err_set(err, ERR_DISK, "file \"%s\" cannot be read, or is no "
	    "file of ours", name);
}

static int
open_generation(int state, uint64_t cert, uint32_t gen, struct err *err)
{
	char name[GENDIR_NAME];
	struct gendir d;
	int dir, rc = gendir_find(&d, state, cert, err);

	if (rc != 0)
		return rc == 1 ? err_set(err, ERR_DISK, "nothing is "
		    "installed") : -1;
	gendir_name(name, "", gen);
	dir = openat(d.gen, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (dir < 0)
		gendir_err(err, "directory \"%s\" cannot be opened", name);
	gendir_close(&d);
	return dir;
}

int
generation_read(int state, uint64_t cert, uint32_t gen,
    struct generation *out, struct err *err)
{
	int dir = open_generation(state, cert, gen, err), rc;

	memset(out, 0, sizeof(*out));
	if (dir < 0)
		return -1;
	rc = read_file(&out->meta, dir, "meta.json", GENERATION_META_MAX, err);
	if (rc == 0)
		rc = read_file(&out->leaf, dir, "cert.pem",
		    GENERATION_LEAF_MAX, err);
	if (rc == 0)
		rc = read_file(&out->chain, dir, "chain.pem",
		    GENERATION_CHAIN_MAX, err);
	close(dir);
	if (rc != 0) {
		blob_free(&out->meta);
		blob_free(&out->leaf);
	}
	return rc;
}

int
generation_read_key(int state, uint64_t cert, uint32_t gen, struct blob *key,
    struct err *err)
{
	int dir = open_generation(state, cert, gen, err), rc;

	*key = (struct blob){ NULL, 0 };
	if (dir < 0)
		return -1;
	rc = read_file(key, dir, "privkey.pem", GENERATION_KEY_MAX, err);
	close(dir);
	return rc;
}
