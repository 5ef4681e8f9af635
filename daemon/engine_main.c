/* The engine: libraries and descriptors first, then the heart, then the loop
 * until the master says drain or is gone. */
#include <config.h>
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/api.h"
#include "daemon/dns.h"
#include "daemon/engine.h"
#include "daemon/http.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/opening.h"
#include "daemon/peers.h"
#include "daemon/prober.h"
#include "daemon/sandbox.h"

enum { SECURITY_MS = 5000 };

/* The master gives it as a sealed memory file: what is read can't change any
 * more. */
static struct conf *
read_conf(void)
{
	struct conf *c = NULL;
	struct stat st;
	struct err err;
	void *p;

	assert(WIRE_FD_CONFIG > STDERR_FILENO);
	err_set(&err, ERR_INTERNAL, "no configuration from the master");
	if (fstat(WIRE_FD_CONFIG, &st) == 0 && st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
		    WIRE_FD_CONFIG, 0);
		if (p != MAP_FAILED) {
			c = conf_unpack(p, (size_t)st.st_size, &err);
			munmap(p, (size_t)st.st_size);
		}
	}
	if (c == NULL) {
		log_err(&err, "start");
		exit(1);
	}
	close(WIRE_FD_CONFIG);
	return c;
}

static void
confine(const struct conf *c, struct sandbox_report *report)
{
	struct sandbox_plan plan = { .role = ROLE_ENGINE };
	struct buf dir;
	struct err err;

	buf_init(&dir, 4096);
	buf_printf(&dir, "%s/db", c->state_dir);
	plan.write_dir = dir.data;
	buf_init(&report->lines, 8192);
	assert(!dir.full && plan.write_dir != NULL);
	if (sandbox_enter(&plan, report, &err) != 0) {
		log_err(&err, "confinement");
		exit(1);
	}
	buf_free(&dir);
}

static void
drained(void *unused)
{
	(void)unused;
	loop_stop();
}

static void
drain(void *unused, bool ends)
{
	(void)unused;
	if (!ends)
		api_leave();
	engine_drain(ends, drained, NULL);
}

static void
bad_conf(void *unused, const char *line)
{
	(void)unused;
	engine_bad_conf(line);
}

static void
gone(void *unused, enum peer p)
{
	(void)unused;
	if (p == PEER_MASTER)
		exit(0);
}

static void
back(void *unused, enum peer p)
{
	engine_peer_back(unused, (int)p);
}

/* What `status --security` shows is the master's word about all of us. It is
 * asked for now and then: others are started again. */
static struct loop_timer *security_timer;

static void
security(void *unused, void *answer, const struct err *err)
{
	const struct w_confined *w = answer;
	char *text;

	assert(security_timer != NULL);
	(void)unused;
	if (err == NULL) {
		text = lines_of(&w->lines);
		engine_security(text);
		free(text);
	}
	loop_timer_after(security_timer, err == NULL ? SECURITY_MS :
	    SECURITY_MS / 10);
}

static void
ask_security(void *unused)
{
	struct w_empty m = { 0 };

	(void)unused;
	peer_ask(WIRE_SECURITY, &m, security, NULL);
}

/* Only where an account needs one is there a token. To be asked before
 * anything else is opened, which could take its number. */
static int
token_channel(void)
{
	return fcntl(WIRE_FD_TOKEN, F_GETFD) >= 0 ? WIRE_FD_TOKEN : -1;
}

/* Who waits for an answer gets the reason instead. */
static void
failing(const struct err *err)
{
	api_fini(err);
}

/* The master's only word, where this engine is the daemon's first. */
int
main(int argc, char **argv)
{
	const int fds[PEER_COUNT] = { [PEER_MASTER] = WIRE_FD_MASTER,
		[PEER_KEEPER] = WIRE_FD_KEEPER,
		[PEER_RESPONDER] = WIRE_FD_RESPONDER,
		[PEER_TOKEN] = token_channel() };
	const struct peers_hooks hooks = { drain, bad_conf, gone, back, NULL };
	struct sandbox_report report;
	struct conf *conf;
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	log_open("engine", LOG_LEVEL_INFO);
	conf = read_conf();
	log_set_level(log_level_find(conf->log_level));
	loop_init();
	opening_try(conf);
	if (http_init(&err) != 0) {
		log_err(&err, "start");
		return 1;
	}
	confine(conf, &report);
	peers_init(fds, &hooks);
	dns_init(&conf->resolver);
	engine_open(conf, "", argc == 2 && strcmp(argv[1], "first") == 0);
	sandbox_say(&report);
	security_timer = loop_timer_new(ask_security, NULL);
	ask_security(NULL);
	if (api_init(WIRE_FD_API, conf->api_group, &err) != 0)
		log_err(&err, "API");
	turn_watch_failure(failing);
	opening_go(engine_go);
	loop_run(turn_end, NULL);
	/* All that was promised is durable. What is still in flight belongs to
	 * nobody any more, and taking things down would only wake it. */
	err_set(&err, ERR_DAEMON_DOWN, "the daemon is ending");
	api_fini(&err);
	turn_end(NULL);
	_exit(0);
}
