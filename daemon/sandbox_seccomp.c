/* System calls per role. Two kinds of table: what a role may do and nothing
 * else (keeper, verifier's child, responder), and what it must not do (the
 * engine and the token, whose libraries do too many things to list; and every
 * role whose allow-list a library update has broken). A name that the
 * installed library does not know is left out of a deny-list with a word in
 * the report. */
#include <config.h>
#include "daemon/sandbox_parts.h"
#if defined(HAVE_SECCOMP) && !defined(SANITIZERS)
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ARGS_MAX = 2 };

struct rule {
	const char *call;
	unsigned nargs;
	struct scmp_arg_cmp args[ARGS_MAX];
};

#define TO_LOG { 0, SCMP_CMP_EQ, STDERR_FILENO, 0 }
#define NOT_EXECUTABLE { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 }
#define ANONYMOUS { 3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS }
#define OF_A_DESCRIPTOR { 3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH }
/* The kernel looks at 32 bits of these, a plain comparison at 64. */
#define OF_LEVEL(level) { 1, SCMP_CMP_MASKED_EQ, UINT32_MAX, level }
#define OF_OPTION(option) { 2, SCMP_CMP_MASKED_EQ, UINT32_MAX, option }
#define LINGERS OF_LEVEL(SOL_SOCKET), OF_OPTION(SO_LINGER)
/* s390 has the stack first. */
#if defined(__s390__)
#define NO_THREAD { 1, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0 }
#else
#define NO_THREAD { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0 }
#endif
#define RULE_END { NULL, 0, { { 0, 0, 0, 0 } } }

#define CALL(name) { #name, 0, { { 0, 0, 0, 0 } } }

/* Memory, time, randomness, the end: what libc and libcrypto need to compute
 * once they are warm. */
#define COMPUTING \
	{ "write", 1, { TO_LOG } }, \
	{ "mmap", 2, { NOT_EXECUTABLE, ANONYMOUS } }, \
	{ "mmap2", 2, { NOT_EXECUTABLE, ANONYMOUS } }, \
	CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(futex), \
	CALL(getrandom), CALL(getpid), \
	CALL(clock_gettime), CALL(clock_gettime64), CALL(gettimeofday), \
	CALL(time), CALL(futex_time64), \
	CALL(exit), CALL(exit_group), CALL(rt_sigreturn), \
	CALL(restart_syscall), CALL(close)

static const struct rule keeper_rules[] = {
	COMPUTING,
	CALL(recvmsg), CALL(sendmsg), CALL(poll), CALL(ppoll),
	CALL(ppoll_time64),
	RULE_END
};

/* The child that parses: it reads five descriptors and ends. */
static const struct rule verifier_rules[] = {
	COMPUTING,
	CALL(read), CALL(pread64),
	RULE_END
};

static const struct rule responder_rules[] = {
	COMPUTING,
	CALL(read), CALL(readv), CALL(write), CALL(writev), CALL(recvmsg),
	CALL(recvfrom), CALL(sendmsg), CALL(sendto), CALL(accept),
	CALL(accept4), CALL(shutdown), CALL(getsockopt),
	{ "setsockopt", 1, { OF_LEVEL(IPPROTO_TCP) } },
	CALL(getsockname), CALL(getpeername),
	CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6),
	CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait),
	CALL(epoll_pwait), CALL(epoll_pwait2), CALL(eventfd2), CALL(pipe2),
	CALL(fcntl), CALL(fstat),
	{ "newfstatat", 1, { OF_A_DESCRIPTOR } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, FIONBIO, 0 } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_EQ, FIONREAD, 0 } } },
	{ "mprotect", 1, { NOT_EXECUTABLE } },
	CALL(gettid), CALL(sched_yield), CALL(nanosleep),
	CALL(clock_nanosleep), CALL(rt_sigprocmask), CALL(rt_sigaction),
	CALL(sigaltstack),
	RULE_END
};

static const char *const denied[] = {
	/* another program, another process */
	"execve", "execveat", "ptrace", "process_vm_readv",
	"process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
	/* the system's shape */
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount",
	"open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
	"mount_setattr", "setns", "unshare", "swapon", "swapoff", "acct",
	"quotactl", "quotactl_fd", "sethostname", "setdomainname", "vhangup",
	"reboot", "kexec_load", "kexec_file_load", "init_module",
	"finit_module", "delete_module", "syslog", "settimeofday", "stime",
	"clock_settime", "clock_adjtime", "adjtimex",
	/* parts of the kernel that we do not use and that go wrong often */
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
	"io_uring_enter", "io_uring_register", "keyctl", "add_key",
	"request_key", "lookup_dcookie", "iopl", "ioperm", "modify_ldt",
	"personality", "uselib", "nfsservctl", "open_by_handle_at",
	"fanotify_init", "move_pages", "migrate_pages", "mbind",
	"set_mempolicy", "vm86", "vm86old", "remap_file_pages",
	/* other users, and devices under a name */
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
	"setgroups", "setfsuid", "setfsgid", "mknod", "mknodat", "chown",
	"fchown", "lchown", "fchownat",
	NULL
};

/* A socket that lingers, handed to us, would hold up whoever closes it. */
static const struct rule denied_lingering[] = {
	{ "setsockopt", 2, { LINGERS } }, RULE_END
};

/* And for all but engine and token, which alone open connections. */
static const char *const denied_network[] = {
	"socket", "connect", "bind", "listen", "socketcall", NULL
};

/* The engine is one process: a copy of it would outlive its end, with all that
 * it had open, and would not be known as a child of the master's. */
static const struct rule denied_copies[] = {
	CALL(fork), CALL(vfork), { "clone", 1, { NO_THREAD } }, RULE_END
};

/* A process that meets keys ends at the first step aside; a responder, whose
 * libraries try this and that, is told no. */
struct filter {
	const struct rule *rules;	/* NULL: deny-list */
	uint32_t otherwise;
	bool alone;			/* makes no process */
};

static const struct filter filters[ROLE_COUNT] = {
	[ROLE_KEEPER] = { keeper_rules, SCMP_ACT_KILL_PROCESS, false },
	[ROLE_VERIFIER] = { verifier_rules, SCMP_ACT_KILL_PROCESS, false },
	[ROLE_RESPONDER] = { responder_rules, SCMP_ACT_ERRNO(EPERM), false },
	[ROLE_ENGINE] = { NULL, 0, true }
};

/* 0 also for what this machine's architecture does not have. */
static int
add(scmp_filter_ctx ctx, uint32_t action, const struct rule *r)
{
	int nr = seccomp_syscall_resolve_name(r->call), rc;

	assert(r->call != NULL);
	if (nr == __NR_SCMP_ERROR)
		return -ENOSYS;
	rc = seccomp_rule_add_array(ctx, action, nr, r->nargs, r->args);
	return rc == -EDOM ? 0 : rc;
}

/* The list, and nothing else; where refusing is an error number, some calls
 * are fatal all the same. */
static bool
add_allowed(scmp_filter_ctx ctx, const struct filter *f)
{
	static const char *const fatal[] = { "execve", "execveat", "ptrace",
		"process_vm_readv", "process_vm_writev", NULL };
	struct rule one = RULE_END;
	const struct rule *r;
	int i, rc;

	assert(f->rules != NULL);
	for (r = f->rules; r->call != NULL; r++) {
		rc = add(ctx, SCMP_ACT_ALLOW, r);
		if (rc != 0 && rc != -ENOSYS)
			return false;
	}
	if (f->otherwise == SCMP_ACT_KILL_PROCESS)
		return true;
	for (i = 0; fatal[i] != NULL; i++) {
		one.call = fatal[i];
		if (add(ctx, SCMP_ACT_KILL_PROCESS, &one) != 0)
			return false;
	}
	return true;
}

static bool
add_denied(scmp_filter_ctx ctx, const char *const *call, struct buf *unknown)
{
	struct rule one = RULE_END;
	int rc;

	for (; *call != NULL; call++) {
		one.call = *call;
		rc = add(ctx, SCMP_ACT_ERRNO(EPERM), &one);
		if (rc == -ENOSYS)
			buf_printf(unknown, " %s", *call);
		else if (rc != 0)
			return false;
	}
	return true;
}

static bool
add_refused(scmp_filter_ctx ctx, const struct rule *r)
{
	int rc = 0;

	for (; r->call != NULL && (rc == 0 || rc == -ENOSYS); r++)
		rc = add(ctx, SCMP_ACT_ERRNO(EPERM), r);
	return rc == 0 || rc == -ENOSYS;
}

/* What clone3 is asked for lies in memory, where no filter can look; without
 * it libc falls back to clone. */
static bool
add_alone(scmp_filter_ctx ctx)
{
	static const struct rule clone3 = CALL(clone3);
	int rc = add(ctx, SCMP_ACT_ERRNO(ENOSYS), &clone3);

	return (rc == 0 || rc == -ENOSYS) && add_refused(ctx, denied_copies);
}

static bool
add_rules(scmp_filter_ctx ctx, const struct filter *f, bool lenient,
    struct buf *unknown)
{
	if (!lenient)
		return add_allowed(ctx, f);
	return add_denied(ctx, denied, unknown) &&
	    add_refused(ctx, denied_lingering) &&
	    (!f->alone || add_alone(ctx)) && (f->rules == NULL ||
	    add_denied(ctx, denied_network, unknown));
}

/* Built once and loaded; there is no way to take it back. */
static bool
load(const struct filter *f, bool lenient, struct buf *unknown)
{
	scmp_filter_ctx ctx = seccomp_init(lenient ? SCMP_ACT_ALLOW :
	    f->otherwise);
	bool done;

	assert(lenient || f->rules != NULL);
	if (ctx == NULL)
		return false;
	/* Threads that a library has started already are covered, too. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	done = add_rules(ctx, f, lenient, unknown) && seccomp_load(ctx) == 0;
	seccomp_release(ctx);
	return done;
}

void
sandbox_seccomp(const struct sandbox_plan *plan, struct buf *report)
{
	const struct filter *f = &filters[plan->role];
	bool lenient = plan->lenient || f->rules == NULL;
	struct buf unknown;

	buf_init(&unknown, 1024);
	if (!load(f, lenient, &unknown))
		buf_puts(report, "seccomp: off, the kernel refused\n");
	else if (!lenient)
		buf_puts(report, "seccomp: on\n");
	else
		buf_printf(report, "seccomp: on, deny-list%s%s\n",
		    unknown.len > 0 ? " without" : "",
		    unknown.len > 0 ? unknown.data : "");
	buf_free(&unknown);
}
#else
void
sandbox_seccomp(const struct sandbox_plan *plan, struct buf *report)
{
	(void)plan;
#ifdef SANITIZERS
	buf_puts(report, "seccomp: off, sanitizer build\n");
#else
	buf_puts(report, "seccomp: off, built without it\n");
#endif
}
#endif
