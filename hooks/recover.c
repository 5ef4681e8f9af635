/* Clearing away: one generation, one certificate, what a crash left; and
 * finding which certificates there are. Runs in the master. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/name.h"
#include "base/text.h"
#include "hooks/gendir.h"
#include "hooks/generation.h"

/* gen/NNNNNN loses its name first, so that no reader finds half of it. */
static int
drop(const struct gendir *d, const char *name, struct err *err)
{
	char del[GENDIR_NAME + 8];

	assert(name[0] != '.' && strlen(name) < GENDIR_NAME);
	snprintf(del, sizeof(del), GENDIR_DEL "%s", name);
	if (gendir_remove(d->gen, del, err) != 0)
		return -1;
	if (renameat(d->gen, name, d->gen, del) != 0) {
		if (errno == ENOENT)
			return 0;
		return gendir_err(err, "directory \"%s\" cannot be renamed",
		    name);
	}
	if (gendir_sync(d->gen, "gen", err) != 0)
		return -1;
	return gendir_remove(d->gen, del, err);
}

int
generation_prune(int state, uint64_t cert, uint32_t gen, struct err *err)
{
	char name[GENDIR_NAME];
	struct gendir d;
	uint32_t live;
	int rc;

	if (generation_live(state, cert, &live, err) != 0)
		return -1;
	if (live == gen)
		return err_set(err, ERR_INVALID, "generation %06u is live",
		    gen);
	rc = gendir_find(&d, state, cert, err);
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	gendir_name(name, "", gen);
	rc = drop(&d, name, err);
	gendir_close(&d);
	return rc;
}

/* A name that only a generation of ours has. */
static bool
is_generation(const char *name)
{
	size_t n = strlen(name);

	return n >= 6 && n <= 8 && strspn(name, "0123456789") == n;
}

/* A renamed entry may come up again; it is no generation then. */
static int
drop_generation(void *ctx, int dir, const char *entry, struct err *err)
{
	assert(ctx != NULL);
	(void)dir;
	return is_generation(entry) ? drop(ctx, entry, err) : 0;
}

uint64_t
generation_aliased(int state, const char *title)
{
	char path[NAME_TITLE_MAX + 8], got[64], want[64], id[17];
	uint64_t cert;
	ssize_t n;

	assert(state >= 0 && name_is_title(title));
	snprintf(path, sizeof(path), "live/%s", title);
	n = readlinkat(state, path, got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	if (sscanf(got, "../certs/%*2c/%16[0-9a-f]/live", id) != 1 ||
	    !text_unid(&cert, id))
		return 0;
	snprintf(want, sizeof(want), "../certs/%.2s/%s/live", id, id);
	return strcmp(got, want) == 0 ? cert : 0;
}

/* The link under live/, if it is this certificate's. */
static int
drop_alias(int state, uint64_t cert, const char *title, struct err *err)
{
	char path[NAME_TITLE_MAX + 8];

	assert(state >= 0 && title != NULL);
	if (title[0] == '\0')
		return 0;
	if (!name_is_title(title))
		return err_set(err, ERR_INVALID, "\"%s\" can be no name of a "
		    "certificate", title);
	if (cert == 0 || generation_aliased(state, title) != cert)
		return 0;
	snprintf(path, sizeof(path), "live/%s", title);
	if (unlinkat(state, path, 0) != 0 && errno != ENOENT)
		return gendir_err(err, "\"%s\" cannot be removed", path);
	return 0;
}

/* What people put there themselves stays, and the directory with it. */
static int
drop_dir(int dir, const char *name, struct err *err)
{
	assert(name[0] != '\0' && name[0] != '/');
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT ||
	    errno == ENOTEMPTY || errno == EEXIST)
		return 0;
	return gendir_err(err, "directory \"%s\" cannot be removed", name);
}

/* live first, and durable: it must not point to what is half gone. */
static int
drop_certificate(int state, uint64_t cert, struct gendir *d,
    struct err *err)
{
	char path[64], id[17];

	assert(d->cert >= 0 && d->gen >= 0);
	if (unlinkat(d->cert, "live", 0) != 0 && errno != ENOENT)
		return gendir_err(err, "\"%s\" cannot be removed", "live");
	if (gendir_sync(d->cert, "live", err) != 0 ||
	    gendir_sweep(d, err) != 0 ||
	    gendir_each(d->gen, ".", drop_generation, d, err) != 0 ||
	    drop_dir(d->cert, "gen", err) != 0)
		return -1;
	text_id(id, cert);
	snprintf(path, sizeof(path), "certs/%.2s/%s", id, id);
	return drop_dir(state, path, err);
}

/* People's path goes first: it must not lead to half a certificate. */
int
generation_purge(int state, uint64_t cert, const char *title, struct err *err)
{
	struct gendir d;
	int rc;

	if (drop_alias(state, cert, title, err) != 0)
		return -1;
	rc = gendir_find(&d, state, cert, err);
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	rc = drop_certificate(state, cert, &d, err);
	gendir_close(&d);
	return rc;
}

int
generation_recover(int state, uint64_t cert, struct err *err)
{
	struct gendir d;
	int rc = gendir_find(&d, state, cert, err);

	if (rc != 0)
		return rc == 1 ? 0 : -1;
	rc = gendir_sweep(&d, err);
	/* A name or a flip that a crash left before its fsync. */
	if (rc == 0)
		rc = gendir_sync(d.gen, "gen", err);
	if (rc == 0)
		rc = gendir_sync(d.cert, "live", err);
	gendir_close(&d);
	return rc;
}

struct each {
	void (*fn)(void *ctx, uint64_t cert);
	void *ctx;
	const char *fan;
};

static int
each_cert(void *ctx, int dir, const char *entry, struct err *err)
{
	const struct each *e = ctx;
	uint64_t cert;

	assert(e->fan != NULL && strlen(e->fan) == 2);
	(void)dir;
	(void)err;
	if (strncmp(entry, e->fan, 2) == 0 && text_unid(&cert, entry))
		e->fn(e->ctx, cert);
	return 0;
}

/* certs/ holds two-digit directories of ours; other names are a person's. */
static int
each_fan(void *ctx, int dir, const char *entry, struct err *err)
{
	struct each *e = ctx;

	if (strlen(entry) != 2 || strspn(entry, "0123456789abcdef") != 2)
		return 0;
	e->fan = entry;
	return gendir_each(dir, entry, each_cert, e, err) < 0 ? -1 : 0;
}

int
generation_each(int state, void (*fn)(void *ctx, uint64_t cert), void *ctx,
    struct err *err)
{
	struct each e = { fn, ctx, NULL };

	assert(state >= 0 && fn != NULL);
	return gendir_each(state, "certs", each_fan, &e, err) < 0 ? -1 : 0;
}
