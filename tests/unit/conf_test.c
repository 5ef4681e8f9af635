/* The folder of the configuration's tests. */
#include <config.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "conf_test.h"

static char where[PATH_MAX];
char *said;

const char *
folder(void)
{
	return where;
}

void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

int
folder_open(void **state)
{
	const char *src = getenv("TOP_SRCDIR");
	char presets[PATH_MAX];

	(void)state;
	umask(022);
	snprintf(presets, sizeof(presets), "%s/contrib/presets",
	    src != NULL ? src : ".");
	if (realpath(presets, where) == NULL)
		return -1;
	snprintf(presets, sizeof(presets), "%s", where);
	snprintf(where, sizeof(where), "/tmp/everleaf-conf-XXXXXX");
	if (mkdtemp(where) == NULL || chdir(where) != 0)
		return -1;
	return mkdir("conf.d", 0755) != 0 || symlink(presets, "presets") != 0;
}

int
folder_close(void **state)
{
	char cmd[PATH_MAX + 20];
	pid_t pid;

	(void)state;
	free(said);
	said = NULL;
	if (chdir("/") != 0)
		return -1;
	snprintf(cmd, sizeof(cmd), "%s", where);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", cmd, (char *)NULL);
		_exit(1);
	}
	return waitpid(pid, NULL, 0) != pid;
}

struct conf *
read_conf(const struct conf *before)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct buf b;
	struct conf *c;
	size_t i;

	c = conf_read("everleaf.conf", before, 1000, &diag);
	buf_init(&b, 1 << 20);
	buf_puts(&b, "");
	for (i = 0; i < diag.lines.n; i++)
		buf_printf(&b, "%s\n", diag.lines.v[i]);
	strv_free(&diag.lines);
	free(said);
	said = buf_take(&b);
	return c;
}

struct conf *
read_texts(const char *main, const char *b)
{
	put_file("everleaf.conf", main);
	if (b != NULL)
		put_file("conf.d/b.conf", b);
	else if (unlink("conf.d/b.conf") != 0)
		assert_int_equal(errno, ENOENT);
	return read_conf(NULL);
}

char *
show(const struct conf *c)
{
	struct buf b;

	buf_init(&b, 16 << 20);
	conf_show(c, false, &b);
	assert_false(b.full);
	return buf_take(&b);
}
