/* What only Linux has: prctl, capabilities, and landlock by its three system
 * calls. The constants are our own, since headers lag behind kernels; bits
 * that the running kernel does not know are masked by its ABI number. */
#include <config.h>
#include "daemon/sandbox_parts.h"
#ifdef __linux__
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum {
	LL_VERSION = 1,			/* flag: asks for the ABI */
	LL_PATH_BENEATH = 1,		/* type of rule */
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_ABI_1 = (1 << 13) - 1,
	FS_ABI_2 = (1 << 14) - 1,	/* refer */
	FS_ABI_3 = (1 << 15) - 1,	/* truncate */
	FS_ABI_5 = (1 << 16) - 1,	/* ioctl on devices */
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL = 1 << 15,
	/* what may be said of something that is no directory */
	FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE |
	    FS_IOCTL,
	FS_LOOK = FS_READ_FILE | FS_READ_DIR,
	NET_BIND_TCP = 1 << 0,		/* ABI 4 */
	NET_CONNECT_TCP = 1 << 1,
	SCOPE_ALL = 3			/* ABI 6: abstract sockets, signals */
};

struct ll_ruleset {
	uint64_t fs, net, scoped;
};

struct ll_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct place {
	const char *path;
	uint64_t access;
};

/* What libcurl, the resolver and the TLS library open while they work. Whole
 * directories, since resolv.conf and the roots are replaced by rename. */
static const struct place engine_places[] = {
	{ "/etc", FS_LOOK }, { "/usr", FS_LOOK }, { "/lib", FS_LOOK },
	{ "/lib64", FS_LOOK }, { "/proc/self", FS_LOOK },
	{ "/run/systemd/resolve", FS_LOOK }, { "/run/resolvconf", FS_LOOK },
	{ "/run/NetworkManager", FS_LOOK },
	{ "/var/lib/ca-certificates", FS_LOOK },
	{ "/dev/urandom", FS_READ_FILE },
	{ "/dev/null", FS_READ_FILE | FS_WRITE_FILE },
	{ NULL, 0 }
};
/* Providers and the modules behind them lie anywhere, with their settings,
 * and so do files with PINs: what this user may read. Besides, the devices of
 * a TPM; other devices come with a daemon, and its socket. */
static const struct place token_places[] = {
	{ "/", FS_LOOK },
	{ "/dev/tpmrm0", FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL },
	{ "/dev/tpm0", FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL },
	{ "/dev/null", FS_READ_FILE | FS_WRITE_FILE },
	{ NULL, 0 }
};
static const struct place no_places[] = { { NULL, 0 } };
static const struct place *const places[ROLE_COUNT] = {
	[ROLE_KEEPER] = no_places, [ROLE_ENGINE] = engine_places,
	[ROLE_RESPONDER] = no_places, [ROLE_VERIFIER] = no_places,
	[ROLE_TOKEN] = token_places
};

#ifdef SANITIZERS
/* They look at themselves when the process ends, by ptrace and /proc. */
static const struct place always_places[] = {
	{ "/proc/self", FS_LOOK }, { NULL, 0 }
};
enum { STAY_DUMPABLE = 1 };
#else
#define always_places no_places
enum { STAY_DUMPABLE = 0 };
#endif

static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	memset(none, 0, sizeof(none));
	return syscall(SYS_capset, &head, none) == 0;
}

void
sandbox_privileges(struct buf *report)
{
	if (STAY_DUMPABLE)
		buf_puts(report, "core dumps: off; dumpable, sanitizer "
		    "build\n");
	else if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		buf_puts(report, "core dumps: off\n");
	buf_printf(report, "capabilities: %s\n",
	    drop_capabilities() ? "none" : "kept");
	buf_printf(report, "new privileges: %s\n",
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? "none" : "possible");
}

/* Everything is forbidden that this kernel can forbid; then a few places are
 * allowed. */
static struct ll_ruleset
handled_by(long abi, enum role role)
{
	struct ll_ruleset r = { FS_ABI_1, 0, 0 };

	assert(abi >= 1);
	if (abi >= 2)
		r.fs = FS_ABI_2;
	if (abi >= 3)
		r.fs = FS_ABI_3;
	if (abi >= 5)
		r.fs = FS_ABI_5;
	if (abi >= 4)
		r.net = NET_BIND_TCP |
		    (role == ROLE_ENGINE || role == ROLE_TOKEN ? 0 :
		    NET_CONNECT_TCP);
	if (abi >= 6)
		r.scoped = SCOPE_ALL;
	return r;
}

/* False only when the place is there and the kernel refuses the rule. */
static bool
allow(int ruleset, uint64_t handled, const char *path, uint64_t access)
{
	struct ll_beneath b = { .allowed = access & handled };
	struct stat st;
	bool done;

	assert(ruleset >= 0 && path != NULL);
	b.parent = open(path, O_PATH | O_CLOEXEC);
	if (b.parent < 0)
		return errno == ENOENT || errno == EACCES;
	if (fstat(b.parent, &st) == 0 && !S_ISDIR(st.st_mode))
		b.allowed &= FS_OF_FILES;
	done = syscall(SYS_landlock_add_rule, ruleset, LL_PATH_BENEATH, &b,
	    0) == 0;
	close(b.parent);
	return done;
}

/* A place that this machine does not have needs no rule. */
static bool
allow_all(int ruleset, const struct sandbox_plan *plan, uint64_t handled)
{
	const uint64_t all = handled & ~(uint64_t)FS_EXECUTE;
	const struct place *p = places[plan->role];
	char *const *dir = plan->more_dirs;

	assert(ruleset >= 0);
	for (; p->path != NULL; p++)
		if (!allow(ruleset, handled, p->path, p->access))
			return false;
	for (p = always_places; p->path != NULL; p++)
		if (!allow(ruleset, handled, p->path, p->access))
			return false;
	for (; dir != NULL && *dir != NULL; dir++)
		if (!allow(ruleset, handled, *dir, all))
			return false;
	return plan->write_dir == NULL || allow(ruleset, handled,
	    plan->write_dir, all);
}

void
sandbox_landlock(const struct sandbox_plan *plan, struct buf *report)
{
	struct ll_ruleset r;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_VERSION);
	int fd;
	bool on;

	if (abi < 1) {
		buf_puts(report, "landlock: off, the kernel has none\n");
		return;
	}
	r = handled_by(abi, plan->role);
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	on = fd >= 0 && allow_all(fd, plan, r.fs) &&
	    syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	if (fd >= 0)
		close(fd);
	if (on)
		buf_printf(report, "landlock: ABI %ld\n", abi);
	else
		buf_puts(report, "landlock: off, the kernel refused\n");
}
#else
void
sandbox_privileges(struct buf *report)
{
	buf_puts(report, "new privileges: possible, not Linux\n");
}

void
sandbox_landlock(const struct sandbox_plan *plan, struct buf *report)
{
	(void)plan;
	buf_puts(report, "landlock: off, not Linux\n");
}
#endif
