/* DIR/account-ID.json: written under another name, then renamed. */
#include <config.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/account_copy.h"
#include "daemon/json.h"
#include "daemon/log.h"

enum { COPY_MAX = 64 * 1024, NAME_LEN = 40 };

#define HEAD "account-"
#define TAIL ".json"

static char *dir;

void
account_copy_init(const char *path)
{
	assert(path[0] == '/');
	free(dir);
	dir = xstrdup(path);
}

/* --- out ----------------------------------------------------------------- */

static json_t *
coded(const struct blob *b)
{
	struct buf text;
	json_t *j;

	assert(b->len == 0 || b->p != NULL);
	buf_init(&text, COPY_MAX);
	text_b64u(&text, b->p, b->len);
	j = json_string(text.len > 0 ? text.data : "");
	buf_free(&text);
	return j;
}

/* Column by column, so that what an account has in later releases is in its
 * copy, too. */
static char *
written(const struct row_account *a)
{
	const struct col *c = row_defs[T_ACCOUNT].cols;
	json_t *j = json_object(), *value;
	char *text;

	for (; c->name != NULL; c++) {
		const void *field = (const char *)a + c->offset;

		value = c->type == COL_INT ?
		    json_integer(*(const int64_t *)field) :
		    c->type == COL_TEXT ? json_text(*(char *const *)field) :
		    coded(field);
		json_object_set_new(j, c->name, value);
	}
	text = json_write(j);
	json_decref(j);
	return text;
}

/* Under another name first: a crash leaves the old copy or the new one, and
 * never half of one. */
static int
put_file(int at, const char *name, const char *text)
{
	char tmp[NAME_LEN + 8];
	size_t n = strlen(text);
	int fd, rc;

	assert(at >= 0 && strlen(name) < NAME_LEN);
	snprintf(tmp, sizeof(tmp), ".%s.tmp", name);
	unlinkat(at, tmp, 0);
	fd = openat(at, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	rc = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0 ? 0 : -1;
	close(fd);
	if (rc == 0 && renameat(at, tmp, at, name) == 0 && fsync(at) == 0)
		return 0;
	unlinkat(at, tmp, 0);
	return -1;
}

static void
file_of(char name[NAME_LEN], int64_t account)
{
	char id[17];

	text_id(id, (uint64_t)account);
	snprintf(name, NAME_LEN, HEAD "%s" TAIL, id);
	assert(strlen(name) == strlen(HEAD) + 16 + strlen(TAIL));
}

void
account_copy_write(const struct row_account *a)
{
	char name[NAME_LEN], *text;
	struct err err;
	int at;

	if (dir == NULL)
		return;
	file_of(name, a->id);
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	text = written(a);
	if (at < 0 || put_file(at, name, text) != 0) {
		err_errno(&err, ERR_DISK, "copy %s/%s", dir, name);
		log_err(&err, "the copy of an account beside the inventory");
	}
	free(text);
	if (at >= 0)
		close(at);
}

void
account_copy_remove(int64_t id)
{
	char name[NAME_LEN];
	struct err err;
	int at;

	assert(id != 0);
	if (dir == NULL)
		return;
	file_of(name, id);
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0 || (unlinkat(at, name, 0) != 0 && errno != ENOENT) ||
	    fsync(at) != 0) {
		err_errno(&err, ERR_DISK, "copy %s/%s", dir, name);
		log_err(&err, "what is no account stays there");
	}
	if (at >= 0)
		close(at);
}

/* --- in ------------------------------------------------------------------ */

static bool
take_field(void *field, const struct col *c, const json_t *j)
{
	const char *s = json_get(j, c->name);

	assert(field != NULL);
	if (c->type == COL_INT)
		*(int64_t *)field = json_get_int(j, c->name);
	else if (c->type == COL_TEXT)
		*(char **)field = xstrdup(s != NULL ? s : "");
	else if (s != NULL && *s != '\0')
		return text_unb64u(field, s, strlen(s));
	return true;
}

static bool
take(struct row_account *a, const json_t *j)
{
	const struct col *c = row_defs[T_ACCOUNT].cols;
	bool good = true;

	assert(c[0].name != NULL);
	memset(a, 0, sizeof(*a));
	for (; c->name != NULL; c++)
		good = take_field((char *)a + c->offset, c, j) && good;
	return good && a->id != 0 && a->directory[0] != '\0' &&
	    a->sealed.len > 0;
}

static char *
read_all(int at, const char *name, size_t *n)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	char *text = xcalloc(COPY_MAX, 1);
	ssize_t got = fd >= 0 ? read(fd, text, COPY_MAX - 1) : -1;

	if (fd >= 0)
		close(fd);
	assert(got < COPY_MAX);
	*n = got > 0 ? (size_t)got : 0;
	return text;
}

static void
read_one(int at, const char *name, void (*fn)(void *ctx,
    const struct row_account *a), void *ctx)
{
	struct row_account a;
	struct err err;
	size_t n;
	char *text = read_all(at, name, &n);
	json_t *j = json_read(text, n, name, &err);

	assert(fn != NULL && dir != NULL);
	free(text);
	if (j == NULL) {
		log_err(&err, "the copy of an account");
		return;
	}
	if (take(&a, j))
		fn(ctx, &a);
	else
		log_warning("%s/%s holds no account", dir, name);
	row_free(T_ACCOUNT, &a);
	json_decref(j);
}

static bool
is_copy(const char *name)
{
	size_t n = strlen(name);

	return n == strlen(HEAD) + 16 + strlen(TAIL) &&
	    strncmp(name, HEAD, strlen(HEAD)) == 0 &&
	    strcmp(name + n - strlen(TAIL), TAIL) == 0;
}

/* Whatever else lies there is left alone; what holds no account is told. */
void
account_copy_each(void (*fn)(void *ctx, const struct row_account *a),
    void *ctx)
{
	const struct dirent *e;
	DIR *d = dir != NULL ? opendir(dir) : NULL;

	assert(fn != NULL);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (is_copy(e->d_name))
			read_one(dirfd(d), e->d_name, fn, ctx);
	if (d != NULL)
		closedir(d);
}
