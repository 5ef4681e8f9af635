/* Reading KEY=value lines. Runs in the master. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "daemon/env_file.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

static int
bad(struct err *err, int line, const char *what)
{
	assert(line > 0);
	return err_set(err, ERR_CONFIG_BAD, "line %d: %s", line, what);
}

/* Names that would change what runs, or who it believes to be called by. */
static bool
is_ours(const char *key, size_t n)
{
	static const char *const refused[] = { "LD_", "EVERLEAF_", NULL };
	int i;

	for (i = 0; refused[i] != NULL; i++)
		if (n >= strlen(refused[i]) &&
		    memcmp(key, refused[i], strlen(refused[i])) == 0)
			return true;
	return n == 4 && memcmp(key, "PATH", 4) == 0;
}

/* The text stands as the file has it: there is no shell that would expand
 * anything. */
static int
add_line(struct strv *env, const char *p, size_t n, int line, struct err *err)
{
	const char *eq = memchr(p, '=', n), *value;
	size_t key = eq != NULL ? (size_t)(eq - p) : 0, len;
	struct buf b;

	assert(n > 0 && line > 0);
	if (key == 0)
		return bad(err, line, "say KEY=value");
	if (strspn(p, LETTERS "0123456789") != key || (*p >= '0' && *p <= '9'))
		return bad(err, line, "a name is letters, digits and \"_\"");
	if (is_ours(p, key))
		return bad(err, line, "this name cannot be set here");
	value = eq + 1;
	len = n - key - 1;
	if (len > 0 && (*value == '"' || *value == '\'')) {
		if (len < 2 || value[len - 1] != *value)
			return bad(err, line, "a quote is left open");
		value++;
		len -= 2;
	}
	if (env->n >= ENV_FILE_LINES_MAX)
		return bad(err, line, "too many lines");
	buf_init(&b, ENV_FILE_MAX + 1);
	buf_add(&b, p, key + 1);
	buf_add(&b, value, len);
	assert(!b.full);
	strv_add(env, b.data);
	buf_wipe(&b);
	return 0;
}

/* Spaces and a carriage return at the end, words in front that a shell would
 * want. */
static void
trim(const char **p, size_t *n)
{
	while (*n > 0 && strchr(" \t\r", (*p)[*n - 1]) != NULL)
		--*n;
	while (*n > 0 && (**p == ' ' || **p == '\t')) {
		++*p;
		--*n;
	}
	if (*n > 7 && memcmp(*p, "export ", 7) == 0) {
		*p += 7;
		*n -= 7;
	}
}

int
env_file_parse(struct strv *env, const char *s, size_t n, struct err *err)
{
	const char *end = s + n, *nl, *p;
	int line = 0;
	size_t len;

	assert(n == 0 || s != NULL);
	if (memchr(s, '\0', n) != NULL)
		return bad(err, 1, "it holds a NUL byte");
	while (s < end) {
		nl = memchr(s, '\n', (size_t)(end - s));
		len = (size_t)((nl != NULL ? nl : end) - s);
		line++;
		p = s;
		trim(&p, &len);
		if (len > 0 && *p != '#' &&
		    add_line(env, p, len, line, err) != 0)
			return -1;
		s = nl != NULL ? nl + 1 : end;
	}
	return 0;
}

static int
may_read(int fd, struct err *err)
{
	struct stat st;

	assert(fd >= 0);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG_BAD, "it is no regular file");
	if (st.st_size > ENV_FILE_MAX)
		return err_set(err, ERR_CONFIG_BAD, "it is larger than %d "
		    "KiB", ENV_FILE_MAX / 1024);
	if ((st.st_mode & (S_IROTH | S_IWOTH)) == 0)
		return 0;
	err_set(err, ERR_CONFIG_BAD, "readable by others (mode %04o)",
	    (unsigned int)st.st_mode & 07777);
	return err_advise(err, "chmod 600 it.");
}

int
env_file_read(struct strv *env, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char text[ENV_FILE_MAX + 1];
	ssize_t n = -1;
	int rc;

	if (fd == -1) {
		err_errno(err, ERR_CONFIG_BAD, "can't be read");
		return err_context(err, "%s", path);
	}
	rc = may_read(fd, err);
	if (rc == 0 && (n = read(fd, text, sizeof(text))) < 0)
		rc = err_errno(err, ERR_CONFIG_BAD, "can't be read");
	if (rc == 0)
		rc = env_file_parse(env, text, (size_t)n, err);
	close(fd);
	mem_wipe(text, sizeof(text));
	return rc == 0 ? 0 : err_context(err, "%s", path);
}
