/* Each role, confined, tries what it must not and what it must be able to do.
 * Every try is a process of its own: 0 it could, 1 it was refused, SIGSYS it
 * was ended for it. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/log.h"
#include "daemon/sandbox.h"
#include "daemon/wire.h"

static char dir[] = "/tmp/everleaf-sandbox-XXXXXX";
static char secret[64], state[64], inside[96], outside[64];
static char *const token_dirs[] = { state, NULL };
static int listener, pair[2], secret_fd;
static struct sockaddr_in at;
static bool have_seccomp, have_landlock, have_scopes;

/* --- what is tried: 0 when it worked ------------------------------------- */

static int
open_key(void)
{
	return open(secret, O_RDONLY) < 0;
}

static int
write_outside(void)
{
	return open(outside, O_WRONLY | O_CREAT, 0600) < 0;
}

static int
truncate_key(void)
{
	return truncate(secret, 0) != 0;
}

static int
remove_key(void)
{
	return unlink(secret) != 0;
}

static int
write_inside(void)
{
	int fd = open(inside, O_RDWR | O_CREAT, 0600);

	return fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) != 0 ||
	    unlink(inside) != 0;
}

static int
read_roots(void)
{
	return open("/etc/hosts", O_RDONLY) < 0 ||
	    open("/usr/bin", O_RDONLY | O_DIRECTORY) < 0;
}

static int
write_etc(void)
{
	return open("/etc/everleaf-sandbox-test", O_WRONLY | O_CREAT,
	    0600) < 0;
}

static int
run_a_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int
new_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0;
}

static void *
in_thread(void *arg)
{
	return arg;
}

static int
new_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, in_thread, NULL) != 0 ||
	    pthread_join(t, NULL) != 0;
}

/* Its close() would block, also that of somebody else who has got it. */
static int
let_linger(void)
{
	const struct linger l = { 0, 0 };	/* any is refused */

	return setsockopt(listener, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) != 0;
}

/* The kernel does not see the upper half. */
static int
let_linger_aside(void)
{
	const struct linger l = { 0, 0 };

	return syscall(SYS_setsockopt, listener, 1L << 32 | SOL_SOCKET,
	    SO_LINGER, &l, sizeof(l)) != 0 && syscall(SYS_setsockopt,
	    listener, SOL_SOCKET, 1L << 32 | SO_LINGER, &l, sizeof(l)) != 0;
}

static int
no_delay(void)
{
	const int on = 1;

	return setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof(on)) != 0;
}

static int
new_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int
connect_out(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0;
}

static int
listen_anew(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), bit, rc = -1;

	/* A port near by may be somebody's: one of a few is free. */
	for (bit = 1; fd >= 0 && rc != 0 && bit < 256; bit <<= 1) {
		any.sin_port = htons(ntohs(at.sin_port) ^ (uint16_t)bit);
		rc = bind(fd, (struct sockaddr *)&any, sizeof(any));
	}
	return rc != 0;
}

static int
accept_one(void)
{
	struct pollfd p = { listener, POLLIN, 0 };
	int fd = poll(&p, 1, 2000) == 1 ? accept4(listener, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;

	return fd < 0 || send(fd, "404", 3, MSG_NOSIGNAL) != 3 ||
	    shutdown(fd, SHUT_RDWR) != 0 || close(fd) != 0;
}

static int
trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0;
}

static int
signal_parent(void)
{
	return kill(getppid(), SIGURG) != 0;
}

static int
make_ring(void)
{
	char params[120] = { 0 };

	return syscall(SYS_io_uring_setup, 1, params) < 0;
}

static int
mount_something(void)
{
	return mount("none", dir, "tmpfs", 0, NULL) != 0;
}

static int
new_namespace(void)
{
	return unshare(CLONE_NEWUSER) != 0;
}

static int
load_bpf(void)
{
	/* BPF_MAP_CREATE of an array, 4 and 4 bytes, one of it */
	struct { uint32_t type, key, value, n, more[28]; } a = { 2, 4, 4, 1,
		{ 0 } };

	return syscall(SYS_bpf, 0, &a, sizeof(a)) < 0;
}

static int
become_somebody(void)
{
	return setuid(12345) != 0;
}

static int
map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int
map_file(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, secret_fd, 0) ==
	    MAP_FAILED;
}

static int
write_elsewhere(void)
{
	return write(pair[0], "x", 1) != 1;
}

static int
compute(void)
{
	char random[16];
	void *p = malloc(300 * 1024), *q = malloc(20);
	struct timespec now;

	if (p == NULL || q == NULL ||
	    getrandom(random, sizeof(random), 0) != sizeof(random) ||
	    clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 1;
	memset(p, random[0], 300 * 1024);
	free(p);
	free(q);
	return 0;
}

static int
log_a_line(void)
{
	log_error("a line of the sandbox test");
	return 0;
}

static int
talk(void)
{
	struct w_empty nothing = { 0 };
	struct pollfd p = { pair[1], POLLIN, 0 };
	int fds[MSG_FDS_MAX], n;
	const void *raw;

	return wire_send(pair[0], WIRE_OK, 1, &nothing) != 0 ||
	    poll(&p, 1, 1000) != 1 ||
	    msg_recv(pair[1], MSG_DONTWAIT, &raw, fds, &n) <= 0;
}

static int
read_at(void)
{
	char c;

	return pread(secret_fd, &c, 1, 0) != 1;
}

static int
stay_small(void)
{
	struct rlimit core;

	return prctl(PR_GET_DUMPABLE) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	    getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0;
}

/* --- who may what -------------------------------------------------------- */

enum { K = 1, V = 2, R = 4, E = 8, KL = 16, VL = 32, RL = 64, T = 128,
	STRICT = K | V | R, LENIENT = KL | VL | RL,
	OFFLINE = STRICT | LENIENT, ONLINE = E | T,
	ALL = OFFLINE | ONLINE };

static const struct variant {
	int bit;
	const char *name;
	enum role role;
	bool lenient;
} variants[] = {
	{ K, "keeper", ROLE_KEEPER, false },
	{ V, "verifier's child", ROLE_VERIFIER, false },
	{ R, "responder", ROLE_RESPONDER, false },
	{ E, "engine", ROLE_ENGINE, false },
	{ KL, "keeper, lenient", ROLE_KEEPER, true },
	{ VL, "verifier", ROLE_VERIFIER, true },
	{ RL, "responder, lenient", ROLE_RESPONDER, true },
	{ T, "token", ROLE_TOKEN, false }
};

static const struct act {
	const char *name;
	int (*do_it)(void);
	int by_landlock, by_seccomp;	/* who is stopped by what */
	int can;			/* who must be able to */
} acts[] = {
	{ "open a key file", open_key, OFFLINE | E, STRICT, T },
	{ "write outside", write_outside, ALL, STRICT, 0 },
	{ "truncate a key file", truncate_key, ALL, STRICT, 0 },
	{ "remove a key file", remove_key, ALL, STRICT, 0 },
	{ "write to /etc", write_etc, ALL, STRICT, 0 },
	{ "write in its directory", write_inside, OFFLINE, STRICT, ONLINE },
	{ "read roots and hosts", read_roots, OFFLINE, STRICT, ONLINE },
	{ "run a program", run_a_program, ALL, ALL, 0 },
	{ "fork", new_process, 0, STRICT | E, T | VL | KL | RL },
	{ "start a thread", new_thread, 0, STRICT, ONLINE },
	{ "linger", let_linger, 0, ALL, 0 },
	{ "linger aside", let_linger_aside, 0, ALL, 0 },
	{ "leave TCP as it is", no_delay, 0, K | V, R | ONLINE },
	{ "make a socket", new_socket, 0, OFFLINE, ONLINE },
	{ "connect", connect_out, OFFLINE, OFFLINE, ONLINE },
	{ "listen", listen_anew, ALL, OFFLINE, 0 },
	{ "accept", accept_one, 0, K | V, R | ONLINE },
	{ "ptrace", trace, 0, ALL, 0 },
	{ "signal its parent", signal_parent, 0, STRICT, 0 },
	{ "io_uring", make_ring, 0, ALL, 0 },
	{ "mount", mount_something, 0, ALL, 0 },
	{ "unshare", new_namespace, 0, ALL, 0 },
	{ "bpf", load_bpf, 0, ALL, 0 },
	{ "change its user", become_somebody, 0, ALL, 0 },
	{ "map code", map_code, 0, STRICT, ONLINE },
	{ "map a file", map_file, 0, STRICT, ONLINE },
	{ "write to any descriptor", write_elsewhere, 0, K | V, R | ONLINE },
	{ "compute", compute, 0, 0, ALL },
	{ "log", log_a_line, 0, 0, ALL },
	{ "talk over its channel", talk, 0, V, K | R | ONLINE | KL | VL },
	{ "read a descriptor", read_at, 0, K, V | VL | ONLINE }
};

struct try {
	const struct variant *who;
	const struct act *what;
	bool can;
	char name[120];
};

static struct sandbox_plan
plan_of(const struct variant *v)
{
	struct sandbox_plan p = { .role = v->role, .lenient = v->lenient };

	if (v->role == ROLE_ENGINE)
		p.write_dir = state;
	if (v->role == ROLE_TOKEN)
		p.more_dirs = token_dirs;
	return p;
}

static int
in_child(const struct variant *v, int (*do_it)(void))
{
	const struct sandbox_plan plan = plan_of(v);
	struct err err;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (sandbox_enter(&plan, NULL, &err) != 0)
			_exit(99);
		_exit(do_it());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
could(const struct try *t, int status)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s: status %#x", t->name, (unsigned)status);
}

static void
could_not(const struct try *t, int status)
{
	bool refused = WIFEXITED(status) && WEXITSTATUS(status) == 1;
	bool ended = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;

	if (!refused && !ended)
		fail_msg("%s: status %#x", t->name, (unsigned)status);
}

/* Connections that other tries have left in the queue. */
static void
drain_listener(void)
{
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0)
		close(fd);
}

static void
one_try(void **data)
{
	const struct try *t = *data;
	int client = -1;

	drain_listener();
	if (t->what->do_it == accept_one) {
		client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(client, (struct sockaddr *)&at,
		    sizeof(at)), 0);
	}
	if (t->can)
		could(t, in_child(t->who, t->what->do_it));
	else
		could_not(t, in_child(t->who, t->what->do_it));
	if (client >= 0)
		close(client);
}

/* A test that passes since nothing ever works would prove nothing. */
static void
all_of_it_works_unconfined(void **data)
{
	int status;
	pid_t pid;

	(void)data;
	drain_listener();
	pid = fork();
	if (pid == 0)
		_exit(open_key() || write_outside() || new_socket() ||
		    connect_out() || listen_anew() || map_code() ||
		    map_file() || new_process() ||
		    let_linger() || no_delay() ||
		    run_a_program());
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	unlink(outside);
}

/* ABI 6: a signal does not leave the domain. */
static void
the_engine_signals_nobody(void **data)
{
	const struct try t = { .name = "engine: signal its parent" };

	(void)data;
	could_not(&t, in_child(&variants[3], signal_parent));
}

static void
nobody_gains_or_dumps(void **data)
{
	(void)data;
	assert_int_equal(in_child(&variants[3], stay_small), 0);
	assert_int_equal(in_child(&variants[5], stay_small), 0);
}

static void
a_try_tells_what_fits(void **data)
{
	struct sandbox_plan p = { .role = ROLE_KEEPER };

	(void)data;
	assert_true(sandbox_try(&p, compute));
	assert_false(sandbox_try(&p, open_key));
	p.lenient = true;
	assert_true(sandbox_try(&p, compute));
}

/* --- the world ----------------------------------------------------------- */

static void
write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || write(fd, "key", 3) != 3)
		exit(99);
	close(fd);
}

static void
listen_on_loopback(void)
{
	socklen_t n = sizeof(at);

	at.sin_family = AF_INET;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(listener, 64) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &n) != 0)
		exit(99);
}

/* What this kernel and this build have, from a report. */
static void
look_around(void)
{
	struct sandbox_plan plan = { .role = ROLE_ENGINE };
	struct sandbox_report report;
	char text[2048];
	struct err err;
	int pipes[2], abi;
	const char *landlock;
	ssize_t n;
	pid_t pid;

	if (pipe(pipes) != 0 || (pid = fork()) < 0)
		exit(99);
	if (pid == 0) {
		if (sandbox_enter(&plan, &report, &err) != 0)
			_exit(99);
		_exit(write(pipes[1], report.lines.data, report.lines.len) < 0);
	}
	waitpid(pid, NULL, 0);
	n = read(pipes[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	have_seccomp = strstr(text, "\nseccomp: on") != NULL;
	landlock = strstr(text, "\nlandlock: ABI ");
	have_landlock = landlock != NULL &&
	    sscanf(landlock, "\nlandlock: ABI %d", &abi) == 1;
	have_scopes = have_landlock && abi >= 6;
	close(pipes[0]);
	close(pipes[1]);
}

static void
make_world(void)
{
	if (mkdtemp(dir) == NULL)
		exit(99);
	snprintf(secret, sizeof(secret), "%s/privkey.pem", dir);
	snprintf(outside, sizeof(outside), "%s/outside", dir);
	snprintf(state, sizeof(state), "%s/db", dir);
	snprintf(inside, sizeof(inside), "%s/db/store", dir);
	write_file(secret);
	secret_fd = open(secret, O_RDONLY | O_CLOEXEC);
	if (mkdir(state, 0700) != 0 || msg_pair(pair) != 0)
		exit(99);
	listen_on_loopback();
	signal(SIGURG, SIG_IGN);
	log_open("sandbox", LOG_LEVEL_INFO);
}

static int
end_world(void **data)
{
	bool kept = access(secret, R_OK) == 0;

	(void)data;
	unlink(secret);
	unlink(outside);
	unlink(inside);
	rmdir(state);
	rmdir(dir);
	return kept ? 0 : -1;
}

#ifdef SANITIZERS
static const bool dumpable = true;
#else
static const bool dumpable = false;
#endif

enum { VARIANTS = sizeof(variants) / sizeof(variants[0]),
	ACTS = sizeof(acts) / sizeof(acts[0]), OTHERS = 4,
	TESTS = VARIANTS * ACTS + OTHERS };

static struct try tries[TESTS];
static struct CMUnitTest tests[TESTS];
static size_t ntests;

static void
nothing(void **data)
{
	(void)data;
}

/* What can't be had here stays in the list and says so: cmocka's own skip()
 * writes "not ok", which the harness takes for a failure. */
static void
add_test(bool here, const char *why_not, CMUnitTestFunction f,
    const char *fmt, ...)
{
	struct try *t = &tries[ntests];
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	n = (size_t)vsnprintf(t->name, sizeof(t->name), fmt, ap);
	va_end(ap);
	if (!here)
		snprintf(t->name + n, sizeof(t->name) - n, " # SKIP %s",
		    why_not);
	tests[ntests++] = (struct CMUnitTest){ t->name, here ? f : nothing,
		NULL, NULL, t };
}

static bool
is_stopped(const struct act *act, int who)
{
	return ((act->by_landlock & who) != 0 && have_landlock) ||
	    ((act->by_seccomp & who) != 0 && have_seccomp);
}

static void
add_pair(const struct variant *v, const struct act *act)
{
	bool can = (act->can & v->bit) != 0;

	if (((act->by_landlock | act->by_seccomp | act->can) & v->bit) == 0)
		return;
	tries[ntests].who = v;
	tries[ntests].what = act;
	tries[ntests].can = can;
	add_test(can || is_stopped(act, v->bit), "nothing here stops it",
	    one_try, "%s %s %s", v->name, can ? "can" : "cannot", act->name);
}

static void
add_all(void)
{
	size_t v, a;

	for (v = 0; v < VARIANTS; v++)
		for (a = 0; a < ACTS; a++)
			add_pair(&variants[v], &acts[a]);
	add_test(true, "", all_of_it_works_unconfined,
	    "all of it works unconfined");
	add_test(have_scopes, "landlock here knows no scopes",
	    the_engine_signals_nobody, "engine cannot signal its parent");
	add_test(!dumpable, "a sanitizer build stays dumpable",
	    nobody_gains_or_dumps, "nobody gains privileges or dumps");
	add_test(have_landlock || have_seccomp, "nothing here stops anything",
	    a_try_tells_what_fits, "a try tells what fits");
}

/* The group's macro wants an array whose length it knows; what is left empty
 * at its end is passed over. */
int
main(void)
{
	make_world();
	look_around();
	add_all();
	return cmocka_run_group_tests_name("sandbox", tests, NULL, end_world);
}
