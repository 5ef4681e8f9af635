/* The master's side of a run: checks, forks the nurse, reads what it found. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "hooks/run.h"
#include "hooks/run_nurse.h"

struct run {
	pid_t pid;			/* of the nurse */
	int pidfd;
	char *program;
	struct nurse_result *result;	/* shared with the nurse */
	enum run_end end;
	int code, left_behind;
	int64_t took;
	struct buf output;
	struct err err;
};

/* --- who ------------------------------------------------------------------*/

static int
refuse_user(const char *user, struct err *err)
{
	err_set(err, ERR_CONFIG_BAD, "everleafd does not run as root, so it "
	    "cannot run programs as \"%s\"", user);
	return err_advise(err, "Leave out \"user\", or start everleafd as "
	    "root");
}

/* As root: whoever is asked for. Else only ourselves. */
static int
find_user(struct nurse_job *job, const char *user, struct strv *env,
    struct err *err)
{
	bool root = geteuid() == 0;
	const struct passwd *pw;
	char line[512];

	assert(user != NULL);
	errno = 0;
	pw = root ? getpwnam(user) : getpwuid(geteuid());
	if (!root && strcmp(user, "root") != 0 &&
	    (pw == NULL || strcmp(pw->pw_name, user) != 0))
		return refuse_user(user, err);
	if (root && pw == NULL) {
		err_set(err, ERR_CONFIG_BAD, "user \"%s\" does not exist",
		    user);
		return err_advise(err, "Make it (adduser --system %s), or "
		    "correct \"user\"", user);
	}
	job->change_user = root;
	job->uid = pw != NULL ? pw->pw_uid : geteuid();
	job->gid = pw != NULL ? pw->pw_gid : getegid();
	snprintf(line, sizeof(line), "HOME=%s", pw != NULL ? pw->pw_dir : "/");
	strv_add(env, line);
	snprintf(line, sizeof(line), "USER=%s", pw != NULL ? pw->pw_name :
	    "everleaf");
	strv_add(env, line);
	job->groups_n = sizeof(job->groups) / sizeof(job->groups[0]);
	if (root && getgrouplist(user, job->gid, job->groups,
	    &job->groups_n) < 0)
		return err_set(err, ERR_CONFIG_BAD, "user \"%s\" is in more "
		    "than %zu groups", user,
		    sizeof(job->groups) / sizeof(job->groups[0]));
	return 0;
}

/* --- what -----------------------------------------------------------------*/

/* The texts as execve wants them; the caller frees the array alone. */
static char **
as_vector(const struct strv *l)
{
	char **v = xcalloc(l->n + 1, sizeof(*v));
	size_t i;

	for (i = 0; i < l->n; i++)
		v[i] = l->v[i];
	assert(v[l->n] == NULL);
	return v;
}

/* Nothing of our own environment: the daemon may have been started from a
 * shell with anything in it. */
static struct strv
fixed_env(const struct strv *more)
{
	struct strv env = { NULL, 0 };
	size_t i;

	strv_add(&env, "PATH=" RUN_PATH);
	strv_add(&env, "LANG=C.UTF-8");
	for (i = 0; more != NULL && i < more->n; i++)
		strv_add(&env, more->v[i]);
	assert(env.n == 2 + (more != NULL ? more->n : 0));
	return env;
}

/* A file in memory can neither block the writer nor break its pipe. */
static int
input_file(const struct blob *b, struct err *err)
{
	int fd = memfd_create("everleaf-input", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n;

	assert(b->p != NULL || b->len == 0);
	while (fd >= 0 && done < b->len) {
		n = write(fd, b->p + done, b->len - done);
		if (n <= 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
		assert(done <= b->len);
	}
	if (fd >= 0 && done == b->len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	err_errno(err, ERR_INTERNAL, "the program's input cannot be made");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* --- the run --------------------------------------------------------------*/

/* The result lives in shared memory and not in a pipe: it is there whole even
 * when nobody reads while the program runs. */
static struct run *
run_new(const char *program, struct err *err)
{
	struct run *r = xcalloc(1, sizeof(*r));

	assert(program[0] == '/');
	r->pid = -1;
	r->pidfd = -1;
	r->program = xstrdup(program);
	buf_init(&r->output, RUN_OUTPUT_MAX);
	r->result = mmap(NULL, sizeof(*r->result), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->result == MAP_FAILED) {
		r->result = NULL;
		err_errno(err, ERR_INTERNAL, "no memory to run %s", program);
		run_free(r);
		return NULL;
	}
	return r;
}

/* Waited for by descriptor: a pid may be another's by the time it is used. */
static int
start_nurse(struct run *r, struct nurse_job *job, struct err *err)
{
	assert(r->pid == -1 && r->result != NULL && job->input >= 0);
	job->result = r->result;
	r->pid = fork();
	if (r->pid == 0)
		nurse_main(job);
	if (r->pid > 0)
		r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->pidfd >= 0) {
		fcntl(r->pidfd, F_SETFD, FD_CLOEXEC);
		return 0;
	}
	err_errno(err, ERR_INTERNAL, "no process can be made to run %s",
	    r->program);
	return -1;
}

struct run *
run_start(const struct run_spec *spec, struct err *err)
{
	struct nurse_job job = { .timeout_ms = spec->timeout_ms,
		.kill_after_ms = spec->kill_after_ms };
	struct strv env = fixed_env(spec->env);
	struct run *r = NULL;
	char path[4096];

	assert(spec->timeout_ms >= 0 && spec->kill_after_ms >= 0);
	if (job.kill_after_ms == 0)
		job.kill_after_ms = RUN_KILL_AFTER_MS;
	job.input = -1;
	if (spec->argv->n == 0)
		err_set(err, ERR_HOOK_MISSING, "there is no program to run");
	else if (find_user(&job, spec->user, &env, err) == 0 &&
	    run_check(spec->argv->v[0], job.uid, path, err) == 0)
		job.input = input_file(&spec->input, err);
	if (job.input >= 0)
		r = run_new(path, err);
	if (r != NULL) {
		job.path = path;
		job.argv = as_vector(spec->argv);
		job.env = as_vector(&env);
		if (start_nurse(r, &job, err) != 0) {
			run_free(r);
			r = NULL;
		}
		free(job.argv);
		free(job.env);
	}
	if (job.input >= 0)
		close(job.input);
	strv_free(&env);
	return r;
}

/* What execve said, in words. */
static void
explain(struct run *r)
{
	static const struct {
		int no;
		const char *text, *advice;
	} reasons[] = {
		{ ENOEXEC, "is neither a program nor a script with a \"#!\" "
		    "line", "Begin the script with #!/bin/sh" },
		{ ENOENT, "names an interpreter in its \"#!\" line that does "
		    "not exist", "Correct its first line" },
		{ EACCES, "may not be executed by this user",
		    "Look at its mode, and for noexec mounts" },
		{ ETXTBSY, "is being written at this moment",
		    "It is tried again" },
		{ E2BIG, "got too many arguments", "" }
	};
	int no = r->result->failed_errno;
	size_t i;

	assert(r->end == RUN_REFUSED);
	errno = no;
	if (r->result->failed_step != NURSE_EXEC) {
		err_errno(&r->err, ERR_INTERNAL, "%s cannot be started%s",
		    r->program, r->result->failed_step == NURSE_USER ?
		    " as its user" : "");
		return;
	}
	err_errno(&r->err, ERR_HOOK_MISSING, "program %s", r->program);
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].no == no) {
			err_set(&r->err, ERR_HOOK_MISSING, "program %s %s",
			    r->program, reasons[i].text);
			err_advise(&r->err, "%s", reasons[i].advice);
		}
}

/* The nurse was killed: what became of the program nobody knows. */
static void
nurse_lost(struct run *r, int status)
{
	r->end = RUN_SIGNALLED;
	r->code = WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL;
	if (r->result->failed_errno == 0)
		return;
	r->end = RUN_REFUSED;
	explain(r);
}

/* The nurse's figures count only when it got as far as to say so. */
enum run_end
run_go(struct run *r)
{
	const struct nurse_result *res = r->result;
	int status;
	pid_t pid;

	if (r->end != RUN_GOING)
		return r->end;
	assert(r->pid > 0 && r->output.len == 0);
	pid = waitpid(r->pid, &status, WNOHANG);
	if (pid == 0)
		return RUN_GOING;
	r->pid = -1;
	buf_add(&r->output, res->output, res->output_len < RUN_OUTPUT_MAX ?
	    res->output_len : RUN_OUTPUT_MAX);
	if (!res->done) {
		nurse_lost(r, status);
		return r->end;
	}
	r->end = res->end;
	r->code = res->code;
	r->left_behind = res->left_behind;
	r->took = res->took_ms;
	if (r->end == RUN_REFUSED)
		explain(r);
	return r->end;
}

int
run_pid_fd(const struct run *r)
{
	assert(r->pidfd >= 0);
	return r->pidfd;
}

int
run_code(const struct run *r)
{
	return r->code;
}

int
run_left_behind(const struct run *r)
{
	return r->left_behind;
}

int64_t
run_took(const struct run *r)
{
	return r->took;
}

const struct buf *
run_output(const struct run *r)
{
	return &r->output;
}

const struct err *
run_err(const struct run *r)
{
	assert(r->end != RUN_REFUSED || r->err.code != ERR_OK);
	return &r->err;
}

void
run_stop(struct run *r)
{
	if (r->pid > 0)
		kill(r->pid, SIGTERM);
}

void
run_free(struct run *r)
{
	if (r == NULL)
		return;
	run_stop(r);
	if (r->pidfd >= 0)
		close(r->pidfd);
	if (r->result != NULL)
		munmap(r->result, sizeof(*r->result));
	buf_free(&r->output);
	free(r->program);
	free(r);
}
