/* everleafd: cleans up what it inherited, reads the configuration, makes the
 * directories, binds, starts the others, and then only waits. */
#include <config.h>
#include <assert.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "daemon/conf_read.h"
#include "daemon/log.h"
#include "daemon/master.h"

enum { TOKEN_ENV_MAX = 4096 };

enum mode { MODE_RUN, MODE_TEST, MODE_SHOW };

static struct master master;
static int signals = -1;

/* --- what we inherited ------------------------------------------------- */

/* Whatever was left open by who started us is closed, and the first three
 * are never anything of ours. */
static void
open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		exit(MASTER_EXIT_FAILED);
	syscall(SYS_close_range, (unsigned)STDERR_FILENO + 1, ~0U, 0U);
}

/* What says where a token is, to OpenSSL, its providers and what is behind
 * them: for that process only. */
static void
keep_for_token(struct master *m)
{
	static const char *const kept[] = { "OPENSSL_CONF", "OPENSSL_MODULES",
		"PKCS11_PROVIDER_MODULE", "PKCS11_PROVIDER_DEBUG",
		"SOFTHSM2_CONF", "TPM2OPENSSL_TCTI",
		"TSS2_LOG" };
	struct buf line;
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (getenv(kept[i]) == NULL)
			continue;
		buf_init(&line, TOKEN_ENV_MAX);
		if (buf_printf(&line, "%s=%s", kept[i], getenv(kept[i])))
			strv_add(&m->token_env, line.data);
		buf_free(&line);
	}
}

/* Only what we and the libraries of our children may see: no SSLKEYLOGFILE,
 * no proxies, no LD_*. */
static void
clean_environment(struct master *m)
{
	static const char *const kept[] = { "TZ", "JOURNAL_STREAM" };
	char *values[2], *socket, *watchdog;
	size_t i;

	for (i = 0; i < 2; i++)
		values[i] = xstrdup(getenv(kept[i]));
	socket = xstrdup(getenv("NOTIFY_SOCKET"));
	watchdog = xstrdup(getenv("WATCHDOG_USEC"));
	m->credentials = xstrdup(getenv("CREDENTIALS_DIRECTORY"));
	keep_for_token(m);
	clearenv();
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("LANG", "C.UTF-8", 1);
	for (i = 0; i < 2; i++) {
		if (values[i] != NULL)
			setenv(kept[i], values[i], 1);
		free(values[i]);
	}
	notify_open(socket, watchdog);
	free(socket);
	free(watchdog);
}

static void
clean_process(void)
{
	struct rlimit core;

	umask(077);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* The soft limit only: what hooks start may want its own. */
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &core);
	}
	prctl(PR_SET_DUMPABLE, 0);
	if (chdir("/") != 0)
		exit(MASTER_EXIT_FAILED);
}

/* Beside us in a build tree; else where they are installed. */
static void
find_programs(struct master *m)
{
	char self[4000], probe[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert(m->libexec[0] == '\0');
	snprintf(m->libexec, sizeof(m->libexec), "%s", EVERLEAF_LIBEXEC);
	if (n <= 0)
		return;
	self[n] = '\0';
	dirname(self);
	snprintf(probe, sizeof(probe), "%s/everleaf-engine", self);
	if (access(probe, X_OK) == 0)
		snprintf(m->libexec, sizeof(m->libexec), "%s", self);
}

/* --- options ----------------------------------------------------------- */

static void __attribute__((noreturn))
usage(void)
{
	fputs("usage: everleafd [-c FILE] [-t] [-T] [-d] [--version]\n",
	    stderr);
	exit(MASTER_EXIT_CONFIG);
}

static enum mode
read_options(struct master *m, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	enum mode mode = MODE_RUN;
	int c;

	m->file = EVERLEAF_ETC "/everleaf.conf";
	while ((c = getopt_long(argc, argv, "c:tTd", longs, NULL)) != -1)
		switch (c) {
		case 'c':
			m->file = realpath(optarg, NULL);
			if (m->file == NULL) {
				fprintf(stderr, "everleafd: ");
				perror(optarg);
				exit(MASTER_EXIT_CONFIG);
			}
			break;
		case 't':
			mode = MODE_TEST;
			break;
		case 'T':
			mode = MODE_SHOW;
			break;
		case 'd':
			m->debug = true;
			break;
		case 'V':
			puts("everleaf " PACKAGE_VERSION);
			exit(0);
		default:
			usage();
		}
	if (optind < argc)
		usage();
	return mode;
}

/* -t and -T: the configuration alone, to people. */
static int
try_configuration(const struct master *m, enum mode mode)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct conf *c = conf_read(m->file, NULL, poll_wall(), &diag);
	bool good = c != NULL && c->problems_n == 0;
	struct buf out;
	size_t i;

	assert(mode == MODE_TEST || mode == MODE_SHOW);
	if (c != NULL && !keys_can_be_made(m, c, &diag.lines))
		good = false;
	for (i = 0; i < diag.lines.n; i++)
		fprintf(stderr, "%s\n", diag.lines.v[i]);
	if (mode == MODE_TEST && good)
		puts("configuration is good");
	if (mode == MODE_SHOW && c != NULL) {
		buf_init(&out, (size_t)CONF_FILE_MAX * 4);
		conf_show(c, false, &out);
		fwrite(out.data, 1, out.len, stdout);
		buf_free(&out);
	}
	strv_free(&diag.lines);
	conf_free(c);
	if (fflush(stdout) != 0)
		return MASTER_EXIT_FAILED;
	return good ? 0 : MASTER_EXIT_CONFIG;
}

/* --- running ----------------------------------------------------------- */

static void
on_signal(void *ctx)
{
	struct signalfd_siginfo s;
	struct master *m = ctx;

	assert(m->conf != NULL);
	while (read(signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		if (s.ssi_signo == SIGHUP && !m->stopping)
			reload_signal(m);
		else if (s.ssi_signo != SIGHUP && !m->stopping) {
			log_info("ending");
			notify_state("STOPPING=1");
			children_stop(m);
		}
	}
}

/* Read from a descriptor: no handler runs in the middle of anything. */
static void
watch_signals(struct master *m)
{
	sigset_t set;

	assert(signals < 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	watch_new(signals, on_signal, m);
}

/* In the order of what they need: who we are, our directories and the lock
 * on them, the key, then the sockets. */
static int
prepare(struct master *m)
{
	struct err err;
	int rc;

	assert(m->conf != NULL);
	children_users(m);
	rc = state_open(m, &err);
	if (rc == 0)
		rc = kek_prepare(m, &err);
	if (rc == 0)
		rc = listen_start(m, &err);
	if (rc == 0)
		rc = arm_start(m, &err);
	if (rc == 0)
		return 0;
	log_err(&err, "start");
	return rc == -2 ? MASTER_EXIT_RUNNING : MASTER_EXIT_FAILED;
}

static int
run(struct master *m)
{
	int code;

	assert(m->conf == NULL && m->file != NULL);
	msg_closes_at_once();
	log_open("everleafd", m->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	m->conf = reload_first(m, &code);
	if (m->conf == NULL)
		return code;
	log_set_level(log_level_find(m->conf->log_level));
	watch_signals(m);
	code = prepare(m);
	if (code != 0)
		return code;
	last_keep(m);
	log_info("everleaf %s: %zu certificates configured in %s",
	    PACKAGE_VERSION, m->conf->certs_n, m->file);
	state_recover(m);
	children_start(m);
	poll_run();
	runs_stop();
	arm_stop();
	webroots_stop();
	listen_stop(m);
	log_info("ended");
	return 0;
}

int
main(int argc, char **argv)
{
	struct master *m = &master;
	enum mode mode;

	open_standard();
	mode = read_options(m, argc, argv);
	find_programs(m);
	csrs_open(m);
	if (mode != MODE_RUN)
		return try_configuration(m, mode);
	clean_environment(m);
	clean_process();
	return run(m);
}
