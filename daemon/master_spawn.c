/* From fork to exec of one of our own programs: descriptors at their places,
 * nothing else open, its own user, a clean environment. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/signals.h"
#include "daemon/master_spawn.h"

extern char **environ;

/* All of them out of the way first, then each to its place. */
static int
place_descriptors(const struct spawn *s)
{
	int high[SPAWN_FDS_MAX], i;

	assert(s->fds_n > 0 && s->fds_n <= SPAWN_FDS_MAX);
	for (i = 0; i < s->fds_n; i++) {
		high[i] = s->fds[i] < 0 ? -1 :
		    fcntl(s->fds[i], F_DUPFD_CLOEXEC, SPAWN_FDS_MAX);
		if (s->fds[i] >= 0 && high[i] < 0)
			return -1;
	}
	for (i = 0; i < s->fds_n; i++)
		if (high[i] < 0)
			close(i);
		else if (dup2(high[i], i) < 0)
			return -1;
	return (int)syscall(SYS_close_range, (unsigned)s->fds_n, ~0U, 0U);
}

/* Lets one capability survive the exec; without it the program says that it
 * has no root directory of its own. */
static void
keep_chroot(void)
{
	struct __user_cap_header_struct head = {
		_LINUX_CAPABILITY_VERSION_3, 0
	};
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	data[0].effective = data[0].permitted = data[0].inheritable =
	    1U << CAP_SYS_CHROOT;
	if (syscall(SYS_capset, &head, data) == 0)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0,
		    0);
}

/* The user last: with it goes the right to change the others. */
static int
become(const struct spawn *s)
{
	assert(!s->may_chroot || s->change_user);
	if (!s->change_user)
		return 0;
	if (s->may_chroot)
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if ((s->groups_of != NULL ? initgroups(s->groups_of, s->gid) :
	    setgroups(0, NULL)) != 0 ||
	    setresgid(s->gid, s->gid, s->gid) != 0 ||
	    setresuid(s->uid, s->uid, s->uid) != 0)
		return -1;
	if (s->may_chroot)
		keep_chroot();
	return 0;
}

static int
add_environment(const struct spawn *s)
{
	size_t i = 0;

	while (i < s->env.n && putenv(s->env.v[i]) == 0)
		i++;
	return i == s->env.n ? 0 : -1;
}

static void __attribute__((noreturn))
child(const struct spawn *s, pid_t master)
{
	int no;

	signals_reset();
	if (add_environment(s) == 0 && place_descriptors(s) == 0 &&
	    chdir(s->dir) == 0 && become(s) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	    getppid() == master)
		execve(s->path, s->argv, environ);
	no = errno;
	dprintf(STDERR_FILENO, "everleafd: %s cannot be started: %s\n", s->path,
	    strerror(no));
	_exit(127);
}

/* Between fork and exec only what is safe there; the child dies with us from
 * its first moment on. */
pid_t
spawn(const struct spawn *s)
{
	pid_t master = getpid(), pid = fork();

	assert(s->path != NULL && s->argv[0] != NULL && s->dir != NULL);
	if (pid == 0)
		child(s, master);
	return pid;
}
