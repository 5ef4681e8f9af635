/* The nurse of one run: starts the program, keeps its output and its time,
 * and ends or counts what it leaves. A fork of the master, which has closed
 * everything of the master's. */
#include <config.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/signals.h"
#include "hooks/run_nurse.h"

enum { SWEEP_MS = 5000, SWEEP_PAUSE_MS = 5, PROCS_MAX = 1 << 18 };

enum phase { RUNNING, DRAINING, TERMINATING, OVER };

struct nurse {
	const struct nurse_job *job;
	struct nurse_result *out;
	enum phase phase;
	pid_t pid;		/* the program */
	bool exited;		/* it is reaped, status is known */
	int status;
	int pipe, signals;	/* descriptors; pipe -1 when closed */
	int64_t started, deadline;
};

struct process {
	pid_t pid, parent;
	bool ours;
};

/* _exit: what a fork has in its stdio buffers is the master's. */
static void
give_up(struct nurse_result *out, enum nurse_step step)
{
	assert(out->done == 0);
	out->failed_errno = errno;
	out->failed_step = step;
	_exit(127);
}

/* --- the program ----------------------------------------------------------*/

/* Groups first: without root they can't be given up any more. */
static int
become(const struct nurse_job *job)
{
	assert(job->groups_n >= 0);
	if (!job->change_user)
		return 0;
	if (setgroups((size_t)job->groups_n, job->groups) != 0 ||
	    setresgid(job->gid, job->gid, job->gid) != 0)
		return -1;
	return setresuid(job->uid, job->uid, job->uid);
}

static void __attribute__((noreturn))
program(const struct nurse_job *job, int output)
{
	const struct rlimit none = { 0, 0 };

	assert(output > STDERR_FILENO && job->argv[0] != NULL);
	setsid();
	signals_reset();
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		give_up(job->result, NURSE_STARTING);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	setrlimit(RLIMIT_CORE, &none);
	umask(077);
	if (chdir("/") != 0)
		give_up(job->result, NURSE_STARTING);
	if (become(job) != 0)
		give_up(job->result, NURSE_USER);
	execve(job->path, job->argv, job->env);
	give_up(job->result, NURSE_EXEC);
	_exit(127);
}

/* --- who descends from us -------------------------------------------------*/

/* Reads /proc/PID/stat: the state comes after the last ")". */
static bool
read_process(int proc, const char *name, struct process *p)
{
	char path[64], text[512], state = 'Z';
	const char *after;
	int fd, parent = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%.32s/stat", name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	assert((size_t)n < sizeof(text));
	after = strrchr(text, ')');
	if (after == NULL || sscanf(after + 1, " %c %d", &state, &parent) != 2)
		return false;
	p->pid = (pid_t)strtol(name, NULL, 10);
	p->parent = parent;
	p->ours = false;
	return state != 'Z' && state != 'X';
}

static size_t
read_processes(struct process **list)
{
	size_t n = 0, room = 0;
	DIR *proc = opendir("/proc");
	const struct dirent *e;

	*list = NULL;
	if (proc == NULL)
		return 0;
	while ((e = readdir(proc)) != NULL && n < PROCS_MAX) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		if (n == room) {
			room = room * 2 + 256;
			*list = xrealloc(*list, room * sizeof(**list));
			assert(n < room);
		}
		if (read_process(dirfd(proc), e->d_name, *list + n))
			n++;
	}
	closedir(proc);
	return n;
}

/* Whether list says that this parent is us or ours. */
static bool
is_ours(const struct process *list, size_t n, pid_t parent)
{
	size_t i;

	assert(list != NULL || n == 0);
	if (parent == getpid())
		return true;
	for (i = 0; i < n; i++)
		if (list[i].pid == parent)
			return list[i].ours;
	return false;
}

/* How many live processes descend from us; sends sig to each, if not 0. */
static int
descendants(int sig)
{
	struct process *list;
	size_t n = read_processes(&list), i;
	bool more = true;
	int count = 0;

	while (more) {
		more = false;
		for (i = 0; i < n; i++)
			if (!list[i].ours && is_ours(list, n, list[i].parent)) {
				list[i].ours = more = true;
				count++;
			}
	}
	assert((size_t)count <= n);
	for (i = 0; i < n && sig != 0; i++)
		if (list[i].ours)
			kill(list[i].pid, sig);
	free(list);
	return count;
}

/* --- the nurse ------------------------------------------------------------*/

/* Takes leave of all that is dead; false when nothing is left to wait for. */
static bool
reap(struct nurse *n)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == n->pid) {
			n->exited = true;
			n->status = status;
			n->out->took_ms = clock_mono_ms() - n->started;
		}
	return pid == 0;
}

/* Keeps the first 64 KiB; the rest is read too, so that nobody blocks. */
static void
read_output(struct nurse *n)
{
	char spill[16384];
	struct nurse_result *out = n->out;
	ssize_t got;
	size_t room;
	int rounds;

	for (rounds = 0; n->pipe >= 0 && rounds < 16; rounds++) {
		got = read(n->pipe, spill, sizeof(spill));
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			close(n->pipe);
			n->pipe = -1;
			return;
		}
		room = sizeof(out->output) - out->output_len;
		room = (size_t)got < room ? (size_t)got : room;
		assert(out->output_len + room <= sizeof(out->output));
		memcpy(out->output + out->output_len, spill, room);
		out->output_len += room;
	}
}

/* Fork bombs are outrun by asking again until nothing is left. */
static void
kill_all(struct nurse *n)
{
	int64_t until = clock_mono_ms() + SWEEP_MS;

	assert(n->phase == TERMINATING);
	do {
		if (!n->exited)
			kill(-n->pid, SIGKILL);
		descendants(SIGKILL);
		if (!reap(n))
			break;
		poll(NULL, 0, SWEEP_PAUSE_MS);
	} while (clock_mono_ms() < until);
}

/* The whole group is asked, and gets some time to obey. */
static void
terminate(struct nurse *n, int64_t grace)
{
	assert(n->phase < TERMINATING && n->pid > 1);
	if (!n->exited)
		kill(-n->pid, SIGTERM);
	n->out->end = RUN_TIMED_OUT;
	n->phase = TERMINATING;
	n->deadline = clock_mono_ms() + grace;
}

/* Whoever was not told to end may leave descendants (a daemon that it
 * started): they are counted and left alone. */
static void
finish(struct nurse *n)
{
	struct nurse_result *out = n->out;

	assert(n->phase == DRAINING || n->phase == TERMINATING);
	assert(n->phase != DRAINING || n->exited);
	if (n->phase == TERMINATING) {
		kill_all(n);
		out->took_ms = clock_mono_ms() - n->started;
	} else if (out->failed_errno != 0)
		out->end = RUN_REFUSED;
	else {
		out->end = WIFEXITED(n->status) ? RUN_EXITED : RUN_SIGNALLED;
		out->code = WIFEXITED(n->status) ? WEXITSTATUS(n->status) :
		    WTERMSIG(n->status);
		out->left_behind = descendants(0);
	}
	read_output(n);
	n->phase = OVER;
}

static void
take_signal(struct nurse *n)
{
	struct signalfd_siginfo s;

	while (read(n->signals, &s, sizeof(s)) == (ssize_t)sizeof(s))
		if (s.ssi_signo == SIGTERM && n->phase < TERMINATING)
			terminate(n, RUN_STOP_AFTER_MS);
}

/* After its end a program's output is drained for a moment only: a descendant
 * may hold the pipe open for ever. */
static void
look(struct nurse *n)
{
	bool some = reap(n), late;

	if (n->phase == RUNNING && n->exited) {
		n->phase = DRAINING;
		n->deadline = clock_mono_ms() + RUN_DRAIN_MS;
	}
	assert(n->phase != OVER);
	late = clock_mono_ms() >= n->deadline;
	if (n->phase == DRAINING && (n->pipe < 0 || late))
		finish(n);
	else if (n->phase == TERMINATING && (!some || late))
		finish(n);
	else if (n->phase == RUNNING && late)
		terminate(n, n->job->kill_after_ms);
}

/* At most a minute at a time, since poll takes an int. */
static void
watch(struct nurse *n)
{
	struct pollfd p[2];
	int64_t wait;

	while (n->phase != OVER) {
		wait = n->deadline - clock_mono_ms();
		wait = wait < 0 ? 0 : wait > 60000 ? 60000 : wait;
		p[0] = (struct pollfd){ n->signals, POLLIN, 0 };
		p[1] = (struct pollfd){ n->pipe, POLLIN, 0 };
		poll(p, 2, (int)wait);
		read_output(n);
		take_signal(n);
		look(n);
	}
}

/* Nothing of the master's stays open: neither channels nor listeners. */
static void
settle(struct nurse *n)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t set;

	assert(n->job->input >= 0);
	setsid();
	prctl(PR_SET_NAME, "everleaf-run");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (null < 0 || dup2(n->job->input, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		give_up(n->out, NURSE_STARTING);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	signals_reset();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	n->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (n->signals < 0)
		give_up(n->out, NURSE_STARTING);
}

void
nurse_main(const struct nurse_job *job)
{
	struct nurse n = { .job = job, .out = job->result };
	int ends[2];

	assert(job->timeout_ms >= 0 && job->kill_after_ms > 0);
	settle(&n);
	if (pipe2(ends, O_CLOEXEC) != 0)
		give_up(n.out, NURSE_STARTING);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	n.pipe = ends[0];
	n.started = clock_mono_ms();
	n.deadline = n.started + job->timeout_ms;
	n.pid = fork();
	if (n.pid < 0)
		give_up(n.out, NURSE_FORK);
	if (n.pid == 0)
		program(job, ends[1]);
	close(ends[1]);
	watch(&n);
	n.out->done = 1;
	_exit(0);
}
