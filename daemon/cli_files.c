/* Looks for a certificate among the files that are installed: the link with
 * its title leads to the folder, each generation there holds one version. */
#include <config.h>
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "acme/acme.h"
#include "base/name.h"
#include "daemon/cli_files.h"
#include "daemon/json.h"
#include "hooks/generation.h"

static bool
has_digest(const struct blob *pem, const char *sha256)
{
	char hex[65] = "";
	struct blob der;
	struct err err;

	if (acme_pem_der(&der, pem->p, pem->len, &err) != 0)
		return false;
	acme_digest_hex(hex, der.p, der.len);
	blob_free(&der);
	return strcmp(hex, sha256) == 0;
}

/* Of which version a generation is stands in its meta.json. */
static bool
is_version(const struct blob *meta, uint32_t version)
{
	json_t *j = json_loadb((const char *)meta->p, meta->len, 0, NULL);
	bool is = json_get_int(j, "version") == (int64_t)version;

	json_decref(j);
	return is;
}

static enum files_say
one_says(int state, uint64_t id, uint32_t gen, uint32_t version,
    const char *sha256)
{
	enum files_say say = FILES_NONE;
	struct generation g;
	struct err err;

	assert(gen > 0);
	if (generation_read(state, id, gen, &g, &err) != 0)
		return FILES_NONE;
	if (has_digest(&g.leaf, sha256))
		say = FILES_SAME;
	else if (is_version(&g.meta, version))
		say = FILES_OTHER;
	blob_free(&g.meta);
	blob_free(&g.leaf);
	blob_free(&g.chain);
	return say;
}

/* False also for what can be no title. */
static bool
has_link(int state, const char *title)
{
	char path[NAME_TITLE_MAX + 8];
	struct stat st;

	assert(title != NULL);
	if (!name_is_title(title))
		return false;
	snprintf(path, sizeof(path), "live/%s", title);
	return fstatat(state, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* One that is there decides, whatever another generation calls itself. */
enum files_say
files_compare(int state, const char *title, uint64_t id, uint32_t version,
    const char *sha256)
{
	enum files_say say = FILES_NONE, one;
	uint32_t *gens;
	struct err err;
	size_t i, n;

	assert(state >= 0 && sha256 != NULL && version > 0);
	if (!has_link(state, title))
		return FILES_NONE;
	if (generation_aliased(state, title) != id)
		return FILES_OTHER;
	if (generation_list(state, id, &gens, &n, &err) != 0)
		return FILES_NONE;
	for (i = 0; i < n && say != FILES_SAME; i++) {
		one = one_says(state, id, gens[i], version, sha256);
		if (one != FILES_NONE)
			say = one;
	}
	free(gens);
	return say;
}
