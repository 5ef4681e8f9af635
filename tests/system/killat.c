/* killat N COMMAND...: runs the command and kills it, with all that it has
 * started, at the entry of its Nth system call, counted over the whole tree.
 * Exit 0: it was killed there; 1: it ended before; 2: something is wrong.
 * (strace's inject counts for each kind of call and never gets that far.) */
#include <config.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>	/* after sys/ptrace.h: they quarrel */

enum { TREE_MAX = 1024, SYSCALL_STOP = SIGTRAP | 0x80 };

static pid_t tree[TREE_MAX];
static size_t tree_n;
static long calls, kill_at;
static bool killed;

static void
usage(void)
{
	fputs("usage: killat N COMMAND...\n", stderr);
	exit(2);
}

static void
join(pid_t pid)
{
	size_t i;

	for (i = 0; i < tree_n; i++)
		if (tree[i] == pid)
			return;
	if (tree_n < TREE_MAX)
		tree[tree_n++] = pid;
}

static void
kill_tree(void)
{
	size_t i;

	for (i = 0; i < tree_n; i++)
		kill(tree[i], SIGKILL);
	killed = true;
}

static void
count_call(pid_t pid)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_ENTRY && ++calls == kill_at)
		kill_tree();
}

/* One stop of one of them; returns the signal that it is to get. */
static int
stopped(pid_t pid, int status)
{
	int sig = WSTOPSIG(status);
	unsigned long child;

	join(pid);
	if (sig == SYSCALL_STOP) {
		count_call(pid);
		return 0;
	}
	if (sig == SIGTRAP) {
		if (status >> 16 != 0 && status >> 16 != PTRACE_EVENT_EXEC &&
		    ptrace(PTRACE_GETEVENTMSG, pid, 0, &child) == 0)
			join((pid_t)child);
		return 0;
	}
	return sig == SIGSTOP ? 0 : sig;
}

static void
follow(pid_t first)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
	    PTRACE_O_EXITKILL;
	int status;
	pid_t pid;

	if (waitpid(first, &status, 0) != first || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, first, 0, options) != 0) {
		perror("killat: ptrace");
		exit(2);
	}
	join(first);
	ptrace(PTRACE_SYSCALL, first, 0, 0);
	while ((pid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			ptrace(PTRACE_SYSCALL, pid, 0, stopped(pid, status));
}

int
main(int argc, char **argv)
{
	pid_t pid;

	kill_at = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	if (kill_at < 1)
		usage();
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0)
		return 2;
	follow(pid);
	return killed ? 0 : 1;
}
