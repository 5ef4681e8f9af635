/* DIR/account-ID.json: written under another name, then renamed. */
#include <config.h>
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
	free(dir);
	dir = xstrdup(path);
}

/* --- out ----------------------------------------------------------------- */

static json_t *
coded(const struct blob *b)
{
	struct buf text;
	json_t *j;

	buf_init(&text, COPY_MAX);
	text_b64u(&text, b->p, b->len);
	j = json_string(text.len > 0 ? text.data : "");
	buf_free(&text);
	return j;
}

static char *
written(const struct row_account *a)
{
	char id[17];
	json_t *j;
	char *text;

	text_id(id, (uint64_t)a->id);
	j = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o}",
	    "account", id, "ca", json_text(a->ca),
	    "directory", json_text(a->directory), "kid", json_text(a->kid),
	    "status", json_text(a->status),
	    "contacts", json_text(a->contacts),
	    "kek_id", (json_int_t)a->kek_id,
	    "created_ms", (json_int_t)a->created_ms,
	    "sealed", coded(&a->sealed), "spki", coded(&a->spki));
	text = json_write(j);
	json_decref(j);
	return text;
}

static int
put_file(int at, const char *name, const char *text)
{
	char tmp[NAME_LEN + 8];
	size_t n = strlen(text);
	int fd, rc;

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

void
account_copy_write(const struct row_account *a)
{
	char name[NAME_LEN], id[17], *text;
	struct err err;
	int at;

	if (dir == NULL)
		return;
	text_id(id, (uint64_t)a->id);
	snprintf(name, sizeof(name), HEAD "%s" TAIL, id);
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

/* --- in ------------------------------------------------------------------ */

static bool
decoded(struct blob *out, const json_t *j, const char *key)
{
	const char *s = json_get(j, key);

	return s != NULL && text_unb64u(out, s, strlen(s)) && out->len > 0;
}

static char *
text_of(const json_t *j, const char *key)
{
	const char *s = json_get(j, key);

	return xstrdup(s != NULL ? s : "");
}

static bool
take(struct row_account *a, const json_t *j)
{
	const char *id = json_get(j, "account");
	uint64_t number;

	memset(a, 0, sizeof(*a));
	a->ca = text_of(j, "ca");
	a->directory = text_of(j, "directory");
	a->kid = text_of(j, "kid");
	a->status = text_of(j, "status");
	a->contacts = text_of(j, "contacts");
	a->kek_id = json_get_int(j, "kek_id");
	a->created_ms = json_get_int(j, "created_ms");
	if (id == NULL || !text_unid(&number, id) || a->directory[0] == '\0')
		return false;
	a->id = (int64_t)number;
	return decoded(&a->sealed, j, "sealed") && decoded(&a->spki, j, "spki");
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

void
account_copy_each(void (*fn)(void *ctx, const struct row_account *a),
    void *ctx)
{
	const struct dirent *e;
	DIR *d = dir != NULL ? opendir(dir) : NULL;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (is_copy(e->d_name))
			read_one(dirfd(d), e->d_name, fn, ctx);
	if (d != NULL)
		closedir(d);
}
