/* The files of a configuration: which, in which order, and whether they can
 * be trusted. Only this file of the reader touches the file system. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/conf_csr.h"
#include "daemon/conf_read.h"
#include "daemon/conf_whole.h"
#include "hooks/run.h"

enum { TRUST_MAX = 1 << 20, FILES_MAX = 100000 };

/* --- single files ------------------------------------------------------ */

static int
read_all(int fd, size_t size, size_t max, struct blob *out, struct err *err)
{
	ssize_t n = 1;

	assert(fd >= 0 && size <= max);
	/* One byte more than it has, to see the end or that it grows. */
	out->p = xcalloc(size + 1, 1);
	out->len = 0;
	while (n != 0 && out->len <= size) {
		n = read(fd, out->p + out->len, size + 1 - out->len);
		if (n < 0 && errno != EINTR)
			return err_errno(err, ERR_CONFIG_BAD, "can't be read");
		out->len += n > 0 ? (size_t)n : 0;
	}
	if (out->len > size || out->len > max)
		return err_set(err, ERR_CONFIG_BAD,
		    "it changed while it was read");
	assert(out->len <= size);
	return 0;
}

static int
unreadable(struct err *err)
{
	return err_errno(err, ERR_CONFIG_BAD, "can't be read");
}

/* The file may be somebody else's, and a link lead to a device that acts when
 * it is opened: it is opened once it is known to be a file. Only without /proc
 * there is no other way than by its name. */
static int
open_regular(const char *path, struct stat *st, struct err *err)
{
	int place = open(path, O_PATH | O_CLOEXEC), fd = -1;
	static const int how = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	char same[64];

	if (place == -1)
		return unreadable(err);
	if (fstat(place, st) != 0)
		unreadable(err);
	else if (!S_ISREG(st->st_mode))
		err_set(err, ERR_CONFIG_BAD, "it is no regular file");
	else {
		snprintf(same, sizeof(same), "/proc/self/fd/%d", place);
		fd = open(same, how);
		if (fd == -1 && errno == ENOENT)
			fd = open(path, how);
		if (fd == -1)
			unreadable(err);
	}
	close(place);
	return fd;
}

int
conf_read_file(const char *path, size_t max, struct blob *out, struct stat *st,
    struct err *err)
{
	int fd, rc;

	out->p = NULL;
	out->len = 0;
	err_clear(err);
	fd = open_regular(path, st, err);
	if (fd == -1)
		return -1;
	/* What was opened is what counts: by its name it may be another. */
	if (fstat(fd, st) != 0)
		rc = unreadable(err);
	else if (!S_ISREG(st->st_mode))
		rc = err_set(err, ERR_CONFIG_BAD, "it is no regular file");
	else if (st->st_size > (off_t)max)
		rc = err_set(err, ERR_CONFIG_BAD,
		    "it is larger than %zu MiB", max >> 20);
	else
		rc = read_all(fd, (size_t)st->st_size, max, out, err);
	close(fd);
	return rc;
}

/* Whoever can write here can have programs run as root. */
static void
warn_writable(const struct conf_unit *u, const struct stat *st,
    struct conf_diag *diag)
{
	struct err err;

	assert(u->label != NULL);
	if ((st->st_mode & S_IWOTH) != 0) {
		err_set(&err, ERR_CONFIG_BAD, "writable by others (mode %04o)",
		    (unsigned int)st->st_mode & 07777);
		err_advise(&err, "chmod o-w it.");
		conf_unit_warn(u, 0, &err, diag);
	}
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		err_set(&err, ERR_CONFIG_BAD, "it belongs to user id %u, "
		    "who can have programs run as root",
		    (unsigned int)st->st_uid);
		err_advise(&err, "chown root it.");
		conf_unit_warn(u, 0, &err, diag);
	}
}

/* Roots for the https of CAs, beside the block that names them. */
static void
read_trust(struct conf_unit *u, struct conf_parsed *b, struct conf_diag *diag)
{
	const struct conf_key *k = conf_key_find(CONF_CA, "trust-file");
	struct conf_ca *ca = b->element;
	struct stat st;
	struct err err;

	assert(b->kind == CONF_CA && k != NULL);
	if (ca->trust_file == NULL || *ca->trust_file == '\0')
		return;
	if (conf_read_file(ca->trust_file, TRUST_MAX, &ca->trust, &st,
	    &err) == 0 &&
	    memmem(ca->trust.p, ca->trust.len, "-----BEGIN CERTIFICATE-----",
	    27) == NULL)
		err_set(&err, ERR_CONFIG_BAD, "it holds no PEM certificate");
	if (err.code == ERR_OK)
		return;
	blob_free(&ca->trust);
	err_context(&err, "trust-file = \"%.200s\"", ca->trust_file);
	conf_unit_wrong(u, b->lines[conf_key_place(CONF_CA, k)], &err, diag);
}

/* A key that others can read is none: it is refused, not warned of. */
int
conf_read_tsig(const char *path, struct tsig_key *out, struct err *err)
{
	struct blob bytes = { NULL, 0 };
	struct stat st;
	int rc = conf_read_file(path, TSIG_FILE_MAX, &bytes, &st, err);

	assert(out != NULL);
	if (rc == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		rc = err_set(err, ERR_CONFIG_BAD, "readable by others (mode "
		    "%04o)", (unsigned int)st.st_mode & 07777);
		err_advise(err, "chmod 600 it.");
	}
	if (rc == 0)
		rc = tsig_key_parse(out, (const char *)bytes.p, bytes.len,
		    err);
	blob_wipe(&bytes);
	return rc;
}

/* Name and algorithm of a TSIG key; its secret goes no further than here. */
static void
read_dns_key(struct conf_unit *u, struct conf_parsed *b,
    struct conf_diag *diag)
{
	const struct conf_key *k = conf_key_find(CONF_DNS, "key-file");
	struct conf_dns *d = b->element;
	struct tsig_key key;
	struct err err;

	assert(b->kind == CONF_DNS && k != NULL);
	if (d->key_file == NULL || *d->key_file == '\0')
		return;
	if (conf_read_tsig(d->key_file, &key, &err) == 0) {
		d->key_name = xstrdup(key.name);
		d->key_alg = xstrdup(key.alg);
		tsig_key_wipe(&key);
		return;
	}
	/* Whoever needs the key fails with words, nobody else. */
	err_context(&err, "key-file = \"%.200s\"", d->key_file);
	conf_unit_warn(u, b->lines[conf_key_place(CONF_DNS, k)], &err, diag);
}

/* Whoever can write it gets a certificate for a key of his own. */
static int
csr_bytes(struct conf_cert *cert, struct err *err)
{
	struct blob file;
	struct stat st;
	int rc = conf_read_file(cert->wish.csr_file, TRUST_MAX, &file, &st,
	    err);

	if (rc == 0 && (st.st_mode & S_IWOTH) != 0) {
		rc = err_set(err, ERR_CONFIG_BAD, "writable by others (mode "
		    "%04o)", (unsigned int)st.st_mode & 07777);
		err_advise(err, "chmod o-w it.");
	}
	if (rc == 0)
		rc = conf_csr_der(&cert->csr, &file, err);
	blob_free(&file);
	return rc;
}

/* A key of somebody else's may well lie with him, and the CSR beside it. But
 * then the names are not his to choose: -1 and err. */
static int
csr_of_another(struct conf_unit *u, struct conf_parsed *b, uint32_t line,
    struct err *err, struct conf_diag *diag)
{
	const struct conf_cert *cert = b->element;
	bool named = conf_csr_named(b);
	struct err loose;

	assert(cert->csr.len > 0);
	if (run_check_file(cert->wish.csr_file, geteuid(), &loose) == 0)
		return 0;
	err_set(err, ERR_CONFIG_BAD, "csr-file: %s: %s", loose.text, named ?
	    "whoever can write there chooses the key of this certificate" :
	    "whoever can write there chooses the names of this certificate");
	if (!named)
		return err_advise(err, "Write names = {...}. Or %c%s.",
		    tolower((unsigned char)loose.advice[0]), loose.advice + 1);
	err_advise(err, "%s.", loose.advice);
	conf_unit_warn(u, line, err, diag);
	return 0;
}

/* Whose file it is may not be who writes the configuration: what a fault in it
 * comes to is said by conf_csrs_check, which knows what was before. */
static void
read_csr(struct conf_unit *u, struct conf_parsed *b, struct conf_diag *diag)
{
	const struct conf_key *k = conf_key_find(CONF_CERT, "csr-file");
	uint32_t line = b->lines[conf_key_place(CONF_CERT, k)];
	struct conf_cert *cert = b->element;
	struct err err;

	if (cert->wish.csr_file == NULL || *cert->wish.csr_file == '\0')
		return;
	if (csr_bytes(cert, &err) != 0)
		err_context(&err, "csr-file = \"%.200s\"",
		    cert->wish.csr_file);
	else if (csr_of_another(u, b, line, &err, diag) == 0)
		return;
	b->csr_err = xmemdup(&err, sizeof(err));
}

static void
read_unit(struct conf_unit *u, struct conf_diag *diag)
{
	struct blob bytes;
	struct stat st;
	struct err err;
	size_t i;

	assert(u->blocks_n == 0);
	if (conf_read_file(u->path, CONF_FILE_MAX, &bytes, &st, &err) != 0) {
		if (u->main)
			err_advise(&err, "everleaf.conf(5) begins with one of "
			    "seven lines.");
		conf_unit_wrong(u, 0, &err, diag);
	} else {
		warn_writable(u, &st, diag);
		conf_parse(u, bytes.p, bytes.len, diag);
	}
	blob_free(&bytes);
	for (i = 0; i < u->blocks_n; i++)
		if (u->blocks[i].kind == CONF_CA)
			read_trust(u, &u->blocks[i], diag);
		else if (u->blocks[i].kind == CONF_CERT)
			read_csr(u, &u->blocks[i], diag);
		else if (u->blocks[i].kind == CONF_DNS)
			read_dns_key(u, &u->blocks[i], diag);
}

/* --- folders --- */

/* The names of *.conf in a folder, sorted; none if there is no folder. */
static int
list_folder(const char *path, struct strv *names, struct err *err)
{
	struct dirent *e;
	DIR *d = opendir(path);
	size_t n;

	assert(names->n == 0);
	if (d == NULL && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (d == NULL)
		return err_errno(err, ERR_CONFIG_BAD, "can't be read");
	while ((e = readdir(d)) != NULL && names->n <= FILES_MAX) {
		n = strlen(e->d_name);
		if (n > 5 && e->d_name[0] != '.' &&
		    strcmp(e->d_name + n - 5, ".conf") == 0)
			strv_add(names, e->d_name);
	}
	closedir(d);
	if (names->n > FILES_MAX)
		return err_set(err, ERR_CONFIG_BAD, "more than %d files",
		    FILES_MAX);
	strv_sort(names);
	return 0;
}

static char *
join(const char *folder, const char *name)
{
	struct buf b;

	assert(folder != NULL && name != NULL);
	buf_init(&b, 2 * PATH_MAX);
	buf_printf(&b, "%s/%s", folder, name);
	return buf_take(&b);
}

/* Adds a unit for each *.conf of a folder. False: it can't be listed, and
 * nobody knows what it would say. */
static bool
add_folder(struct conf_unit **units, size_t *n, const char *folder,
    size_t skip, bool preset, struct conf_diag *diag)
{
	struct strv names = { NULL, 0 };
	struct err err;
	bool good = list_folder(folder, &names, &err) == 0;
	char *path;
	size_t i;

	if (!good)
		conf_say(diag, folder + skip, 0, &err);
	*units = xrealloc(*units, (*n + names.n + 1) * sizeof(**units));
	for (i = 0; good && i < names.n; i++) {
		path = join(folder, names.v[i]);
		conf_unit_init(&(*units)[(*n)++], path, skip, preset);
		free(path);
	}
	strv_free(&names);
	return good;
}

/* --- all of it --- */

struct place {
	char *main;		/* absolute */
	char *folder;		/* of it */
	size_t skip;		/* what people did not type of it */
};

/* Absolute, since the daemon changes its folder; messages show what people
 * typed. */
static void
find_place(struct place *p, const char *file)
{
	char cwd[PATH_MAX], *slash;

	assert(file[0] != '\0');
	p->skip = 0;
	if (*file == '/' || getcwd(cwd, sizeof(cwd)) == NULL) {
		p->main = xstrdup(file);
	} else {
		if (strcmp(cwd, "/") == 0)
			cwd[0] = '\0';
		p->main = join(cwd, file);
		p->skip = strlen(cwd) + 1;
	}
	p->folder = xstrdup(p->main);
	slash = strrchr(p->folder, '/');
	if (slash != NULL)
		*slash = '\0';
}

/* The main file first, then conf.d by name; presets of this machine before
 * ours of the same name. */
static bool
find_files(struct conf_files *f, const struct place *p,
    struct conf_diag *diag)
{
	char *own = join(p->folder, "presets"), *drop = join(p->folder,
	    "conf.d");
	bool good;

	assert(f->units == NULL && f->presets == NULL);
	f->units = xcalloc(1, sizeof(*f->units));
	conf_unit_init(&f->units[0], p->main, p->skip, false);
	f->units[0].main = true;
	f->units_n = 1;
	good = add_folder(&f->units, &f->units_n, drop, p->skip, false, diag);
	add_folder(&f->presets, &f->presets_n, own, p->skip, true, diag);
	add_folder(&f->presets, &f->presets_n, EVERLEAF_DATA "/presets", 0,
	    true, diag);
	free(own);
	free(drop);
	return good;
}

/* Where it will be: known before the rest fits together. */
static const char *
state_dir_of(const struct conf_files *f)
{
	const struct conf_key *k = conf_key_find(CONF_TOP, "state-dir");
	const struct conf *top;
	size_t i;

	for (i = 0; i < f->units_n; i++) {
		top = f->units[i].top.element;
		if (!f->units[i].bad &&
		    (f->units[i].top.seen >> conf_key_index(k) & 1) != 0)
			return top->state_dir;
	}
	return k->def;
}

static void
free_files(struct conf_files *f)
{
	size_t i;

	for (i = 0; i < f->units_n; i++)
		conf_unit_free(&f->units[i]);
	for (i = 0; i < f->presets_n; i++)
		conf_unit_free(&f->presets[i]);
	free(f->units);
	free(f->presets);
}

/* The folder that can't be listed was what was said first. */
static void
say_again(struct conf_diag *diag, size_t at)
{
	char *text = xstrdup(diag->lines.v[at]);

	assert(at < diag->lines.n);
	conf_say_last(diag, text);
	free(text);
}

static struct conf *
read_files(const char *file, bool start, conf_find_before *find, void *ctx,
    int64_t now_ms, struct conf_diag *diag)
{
	struct conf_files f = { NULL, 0, NULL, 0 };
	const struct conf *before;
	struct conf *c = NULL;
	struct place place;
	size_t first = diag->lines.n, i;
	bool good;

	assert(file != NULL);
	find_place(&place, file);
	good = find_files(&f, &place, diag);
	for (i = 0; i < f.presets_n; i++)
		read_unit(&f.presets[i], diag);
	for (i = 0; i < f.units_n; i++)
		read_unit(&f.units[i], diag);
	before = find(ctx, state_dir_of(&f));
	conf_csrs_check(&f, start, before, diag);
	if (good)
		c = conf_whole(&f, before, diag);
	if (c != NULL)
		c->loaded_ms = now_ms;
	/* Why there is none comes last: warnings may have come after it. */
	else if (!good)
		say_again(diag, first);
	else if (f.units[0].bad)
		conf_say_last(diag, f.units[0].bad_last);
	free_files(&f);
	free(place.main);
	free(place.folder);
	return c;
}

struct conf *
conf_read_first(const char *file, conf_find_before *find, void *ctx,
    int64_t now_ms, struct conf_diag *diag)
{
	return read_files(file, true, find, ctx, now_ms, diag);
}

static const struct conf *
as_given(void *before, const char *state_dir)
{
	(void)state_dir;
	return before;
}

struct conf *
conf_read(const char *file, const struct conf *before, int64_t now_ms,
    struct conf_diag *diag)
{
	return read_files(file, false, as_given, (void *)(uintptr_t)before,
	    now_ms, diag);
}
