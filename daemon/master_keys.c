/* Whether keys of the types that the configuration names can be made here. The
 * master has no crypto library, so it asks the keeper's program, once for each
 * type that not every library has. */
#include <config.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/signals.h"
#include "daemon/master.h"

enum { ANSWER_MAX = 300, ANSWER_MS = 5000 };

static void __attribute__((noreturn))
child(const char *libexec, const char *type, int out)
{
	static char *const env[] = { NULL };
	char path[4200];

	signals_reset();
	snprintf(path, sizeof(path), "%s/everleaf-keeper", libexec);
	if (dup2(out, STDOUT_FILENO) == STDOUT_FILENO)
		execle(path, path, "--has", type, (char *)NULL, env);
	_exit(127);
}

/* What it says until it ends, or until its time is over. */
static void
hear(char words[ANSWER_MAX], int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (len < ANSWER_MAX - 1 && poll(&p, 1, ANSWER_MS) == 1 &&
	    (n = read(fd, words + len, ANSWER_MAX - 1 - len)) > 0)
		len += (size_t)n;
	words[len] = '\0';
}

/* False, and why. One that can't be asked is not held against the file: the
 * keeper says it again when the key is wanted. */
static bool
has(const char *libexec, const char *type, char words[ANSWER_MAX])
{
	int fds[2], status = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return true;
	pid = fork();
	if (pid == 0)
		child(libexec, type, fds[1]);
	close(fds[1]);
	if (pid > 0) {
		hear(words, fds[0]);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	close(fds[0]);
	return pid <= 0 || words[0] == '\0';
}

struct asking {
	const char *libexec;
	char type[32], words[ANSWER_MAX];	/* the last that was asked for */
	bool good;
	struct strv *lines;
};

static void
look(struct asking *a, const char *what, const char *title,
    const char *where, const char *said)
{
	const char *type = said != NULL ? conf_key_type(said) : "";
	struct buf line;

	if (!conf_is_experimental(type))
		return;
	if (strcmp(a->type, type) != 0) {
		snprintf(a->type, sizeof(a->type), "%s", type);
		if (has(a->libexec, type, a->words))
			a->words[0] = '\0';
	}
	if (a->words[0] == '\0')
		return;
	buf_init(&line, 1024);
	buf_printf(&line, "%s: %s \"%s\": key-type = %s: %s", where, what,
	    title, said, a->words);
	strv_add(a->lines, line.data);
	buf_free(&line);
	a->good = false;
}

bool
keys_can_be_made(const struct master *m, const struct conf *c,
    struct strv *lines)
{
	struct asking a = { .libexec = m->libexec, .good = true,
		.lines = lines };
	size_t i;

	for (i = 0; i < c->policies_n; i++)
		look(&a, "policy", c->policies[i].title, c->policies[i].where,
		    c->policies[i].wish.key_type);
	for (i = 0; i < c->certs_n; i++)
		look(&a, "certificate", c->certs[i].title, c->certs[i].where,
		    c->certs[i].wish.key_type);
	return a.good;
}
