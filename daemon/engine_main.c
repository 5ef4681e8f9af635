/* The engine: libraries and descriptors first, then the heart, then the loop
 * until the master says drain or is gone. */
#include <config.h>
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
#include "daemon/peers.h"
#include "daemon/prober.h"
#include "daemon/sandbox.h"

static struct conf *
read_conf(void)
{
	struct conf *c = NULL;
	struct stat st;
	struct err err;
	void *p;

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

static struct store *
open_store(const struct conf *c)
{
	struct store *s;
	struct buf path;
	struct err err;

	buf_init(&path, 4096);
	buf_printf(&path, "%s/db/everleaf.db", c->state_dir);
	s = store_open_sqlite(path.data, &err);
	if (s == NULL) {
		log_err(&err, "start");
		exit(1);
	}
	buf_free(&path);
	return s;
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
drain(void *unused)
{
	(void)unused;
	engine_drain(drained, NULL);
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

/* What `status --security` shows: how many users, then what was applied. */
static char *
security(const char *mode, const struct sandbox_report *report)
{
	struct buf b;

	buf_init(&b, 16 * 1024);
	buf_printf(&b, "mode: %s\nusers: %s\n", mode,
	    strcmp(mode, "separate-users") == 0 ? "each process has its own" :
	    "one user for all processes");
	if (report->lines.data != NULL)
		buf_puts(&b, report->lines.data);
	return buf_take(&b);
}

int
main(int argc, char *argv[])
{
	const int fds[PEER_COUNT] = { [PEER_MASTER] = WIRE_FD_MASTER,
		[PEER_KEEPER] = WIRE_FD_KEEPER,
		[PEER_RESPONDER] = WIRE_FD_RESPONDER };
	const struct peers_hooks hooks = { drain, gone, back, NULL };
	struct sandbox_report report;
	struct store *store;
	struct conf *conf;
	struct err err;
	char *words;

	signal(SIGPIPE, SIG_IGN);
	log_open("engine", LOG_LEVEL_INFO);
	conf = read_conf();
	log_set_level(log_level_find(conf->log_level));
	store = open_store(conf);
	loop_init();
	if (http_init(&err) != 0) {
		log_err(&err, "start");
		return 1;
	}
	confine(conf, &report);
	peers_init(fds, &hooks);
	words = security(argc > 1 ? argv[1] : "", &report);
	dns_init(&conf->resolver);
	engine_start(conf, store, words);
	free(words);
	buf_free(&report.lines);
	if (api_init(WIRE_FD_API, conf->api_group, &err) != 0)
		log_err(&err, "API");
	loop_run(turn_end, NULL);
	/* All that was promised is durable. What is still in flight belongs to
	 * nobody any more, and taking things down would only wake it. */
	api_fini();
	turn_end(NULL);
	_exit(0);
}
