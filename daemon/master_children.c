/* The other programs: who runs as whom, their channels, starting them
 * again when they die. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/log.h"
#include "daemon/master.h"
#include "daemon/master_spawn.h"

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 60 * 1000,
	STEADY_MS = CHILD_STEADY_MS, DEATHS = 5, DEATHS_MS = 10 * 60 * 1000,
	DRAIN_MS = 10 * 1000,
	STOP_DRAIN_MS = 2500, STOP_KILL_MS = 4000, LOOK_MS = 100,
	MESSAGES_AT_ONCE = 32,
	QUEUED_MAX = 4096 };	/* more than a channel holds */

static const struct role_plan {
	const char *name;
	const char *users[3];	/* the first that exists */
	uint8_t peer;		/* of the engine; 0: none */
} plans[ROLE_COUNT] = {
	[ROLE_KEEPER] = { "keeper", { "everleaf-key" }, 1 },
	[ROLE_ENGINE] = { "engine", { "everleaf" } },
	[ROLE_RESPONDER] = { "responder", { "everleaf-http" }, 2 },
	[ROLE_VERIFIER] = { "verifier",
	    { "everleaf-verify", "everleaf-key" } },
	[ROLE_TOKEN] = { "token", { "everleaf-token", "everleaf-key" }, 3 }
};

/* A drain that is under way, and the look at how things go. */
static struct {
	struct alarm *look;
	bool draining;		/* the engine goes, a new one follows */
	int64_t drain_until;
} busy;

static void start(struct child *c);

/* All but the token are there always. */
bool
children_want(const struct child *c)
{
	return c->role != ROLE_TOKEN || conf_has_token(c->m->conf);
}

/* --- who --------------------------------------------------------------- */

bool
child_user(struct child *c)
{
	const struct passwd *pw = NULL;
	int i;

	assert(c->role > ROLE_MASTER && c->role < ROLE_COUNT);
	for (i = 0; i < 3 && plans[c->role].users[i] != NULL && pw == NULL; i++)
		pw = getpwnam(plans[c->role].users[i]);
	if (pw == NULL)
		return false;
	c->uid = pw->pw_uid;
	c->gid = pw->pw_gid;
	c->user = plans[c->role].users[i - 1];
	return true;
}

/* One user that is missing, and all run as whoever we are: half a separation
 * would only look like one. */
void
children_users(struct master *m)
{
	struct child *c;
	int role;

	assert(m->children[ROLE_KEEPER].m == NULL);
	m->root = geteuid() == 0;
	m->separate = m->root;
	for (role = ROLE_MASTER + 1; role < ROLE_COUNT; role++) {
		c = &m->children[role];
		c->m = m;
		c->role = (enum role)role;
		c->pid = -1;
		c->pidfd = c->channel = -1;
		if (m->separate && !child_user(c))
			m->separate = false;
	}
	for (role = ROLE_MASTER + 1; !m->separate && role < ROLE_COUNT;
	    role++) {
		m->children[role].uid = geteuid();
		m->children[role].gid = getegid();
	}
	if (m->root && !m->separate)
		log_warning("the users everleaf, everleaf-key, everleaf-http "
		    "do not all exist: everything runs as root. Make them: "
		    "systemd-sysusers " EVERLEAF_SYSUSERS);
}

/* --- channels ---------------------------------------------------------- */

/* False: there is nobody. A child whose queue is full is not working, and is
 * ended. */
bool
child_send(struct child *c, enum wire_kind kind, uint32_t id, const void *st,
    const int *fds, int nfds)
{
	assert(c->role > ROLE_MASTER && c->role < ROLE_COUNT);
	if (c->channel < 0)
		return false;
	if (msg_send(c->channel, msg_find(wire_specs, (uint16_t)kind), id, st,
	    fds, nfds) == 0)
		return true;
	if (errno != EPIPE && errno != ECONNRESET) {
		log_error("the %s takes no messages (%s): it is ended",
		    plans[c->role].name, strerror(errno));
		child_kill(c, SIGKILL);
	}
	return false;
}

/* Never 0, which would be ourselves and all of them. */
void
child_kill(struct child *c, int sig)
{
	assert(c->pid != 0);
	if (c->pid > 0)
		kill(c->pid, sig);
}

/* It is not trusted with another message; its end is what starts it again. */
void
child_broke_rule(struct child *c, const char *why)
{
	assert(why != NULL);
	log_error("the %s broke the rules of its channel (%s): it is ended. "
	    "Please report this", plans[c->role].name, why);
	child_kill(c, SIGKILL);
	watch_free(c->speaks);
	c->speaks = NULL;
}

static void
on_message(void *ctx)
{
	int fds[MSG_FDS_MAX], nfds, i;
	struct child *c = ctx;
	const void *p;
	ptrdiff_t n;

	assert(c->channel >= 0);
	for (i = 0; i < MESSAGES_AT_ONCE && c->speaks != NULL; i++) {
		n = msg_recv(c->channel, MSG_DONTWAIT, &p, fds, &nfds);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != ECONNRESET)
			child_broke_rule(c, strerror(errno));
		if (n <= 0) {
			/* Closed: the pidfd tells when it is dead. */
			watch_free(c->speaks);
			c->speaks = NULL;
			return;
		}
		if (nfds > 0)
			child_broke_rule(c, "it sent descriptors");
		else if (!requests_take(c, p, (size_t)n))
			child_broke_rule(c, "a malformed message");
		while (nfds > 0)
			msg_close(fds[--nfds]);
	}
}

/* A new pair of the engine and a peer: the peer gets its end by message (or
 * nobody does, then the engine sees it closed). Returns the engine's end. */
static int
connect_peer(struct child *peer)
{
	struct w_peer w = { 0 };
	int ends[2];

	assert(plans[peer->role].peer != 0);
	if (msg_pair(ends) != 0)
		return -1;
	child_send(peer, WIRE_PEER, 0, &w, &ends[0], 1);
	close(ends[0]);
	return ends[1];
}

/* One that the engine talks to is new: it must hear of it. */
static void
introduce(struct child *peer)
{
	struct child *engine = &peer->m->children[ROLE_ENGINE];
	struct w_peer w = { plans[peer->role].peer };
	int fd;

	assert(plans[peer->role].peer != 0);
	if (engine->channel < 0)
		return;
	fd = connect_peer(peer);
	if (fd < 0)
		return;
	child_send(engine, WIRE_PEER, 0, &w, &fd, 1);
	close(fd);
}

/* The one process that ever gets it; what is left of it here is wiped. */
static bool
give_kek(struct child *c)
{
	uint8_t kek[32];
	struct w_kek w = { { kek, sizeof(kek) }, 1 };
	struct err err;
	bool given = false;

	assert(c->role == ROLE_KEEPER && c->channel >= 0);
	if (kek_read(c->m, kek, &err) == 0)
		given = child_send(c, WIRE_KEK, 0, &w, NULL, 0);
	else
		log_err(&err, "keeper");
	mem_wipe(kek, sizeof(kek));
	return given;
}

/* --- starting ---------------------------------------------------------- */

/* The configuration as bytes that nobody can change any more. */
static int
conf_file(const struct conf *conf)
{
	int fd = memfd_create("everleaf-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct blob b = conf_pack(conf);
	size_t done = 0;
	ssize_t n = 1;

	assert(conf != NULL);
	while (fd >= 0 && done < b.len && n > 0) {
		n = write(fd, b.p + done, b.len - done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && (done < b.len || fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL |
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)) {
		close(fd);
		fd = -1;
	}
	blob_wipe(&b);
	return fd;
}

/* All that it will ever have is in these descriptors: it opens nothing by
 * name but its own database. */
static void
plan_engine(struct child *c, struct spawn *s)
{
	static char first[] = "first";
	struct master *m = c->m;

	assert(c->role == ROLE_ENGINE && s->fds_n <= WIRE_FD_STATE + 1);
	s->fds[WIRE_FD_KEEPER] = connect_peer(&m->children[ROLE_KEEPER]);
	s->fds[WIRE_FD_RESPONDER] = connect_peer(&m->children[ROLE_RESPONDER]);
	s->fds[WIRE_FD_CONFIG] = conf_file(m->conf);
	s->fds[WIRE_FD_API] = m->api;
	s->fds[WIRE_FD_STATE] = m->db;
	if (children_want(&m->children[ROLE_TOKEN]))
		s->fds[WIRE_FD_TOKEN] =
		    connect_peer(&m->children[ROLE_TOKEN]);
	s->fds_n = WIRE_FD_TOKEN + 1;
	m->engine++;
	s->argv[1] = m->engine == 1 ? first : NULL;
	m->beat = poll_now();
}

/* As many descriptors as fit, sorted by type; how many of each it hears as
 * words. */
static void
plan_responder(struct child *c, struct spawn *s,
    char counts[LISTEN_TYPES][16])
{
	const struct master *m = c->m;
	int type, n = 0, before;
	size_t i;

	assert(c->role == ROLE_RESPONDER);
	for (type = 0; type < LISTEN_TYPES; type++) {
		before = n;
		for (i = 0; i < m->listeners_n; i++)
			if ((int)m->listeners[i].type == type &&
			    m->listeners[i].fd >= 0 &&
			    WIRE_FD_LISTEN + n < SPAWN_FDS_MAX)
				s->fds[WIRE_FD_LISTEN + n++] =
				    m->listeners[i].fd;
		snprintf(counts[type], 16, "%d", n - before);
		s->argv[1 + type] = counts[type];
	}
	s->fds_n = WIRE_FD_LISTEN + n;
	assert(s->fds_n <= SPAWN_FDS_MAX);
	s->dir = m->empty;
	s->may_chroot = m->separate;
}

/* Its keys follow by message: a PIN among the arguments would be seen. */
static void
plan_token(const struct child *c, struct spawn *s)
{
	const struct strv *dirs = &c->m->conf->token_directories;
	size_t i;

	for (i = 0; i < dirs->n && i + 2 < SPAWN_ARGS_MAX; i++)
		s->argv[1 + i] = dirs->v[i];
	s->groups_of = c->user;
	s->env = c->m->token_env;
}

/* Copies of what the child has now: an end left open here would hide that
 * the other one is closed. */
static void
close_spent(const struct child *c, struct spawn *s)
{
	static const int engines[] = { WIRE_FD_KEEPER, WIRE_FD_RESPONDER,
		WIRE_FD_TOKEN, WIRE_FD_CONFIG };
	size_t i;

	assert(s->fds[WIRE_FD_MASTER] >= 0);
	close(s->fds[WIRE_FD_MASTER]);
	for (i = 0; c->role == ROLE_ENGINE && i < 4; i++)
		if (s->fds[engines[i]] >= 0)
			close(s->fds[engines[i]]);
}

static void
again_later(struct child *c)
{
	assert(c->restart != NULL && c->pid < 0);
	c->backoff = c->backoff == 0 ? BACKOFF_MIN_MS : c->backoff * 2;
	if (c->backoff > BACKOFF_MAX_MS)
		c->backoff = BACKOFF_MAX_MS;
	assert(c->backoff >= BACKOFF_MIN_MS && c->backoff <= BACKOFF_MAX_MS);
	alarm_after(c->restart, c->backoff);
}

static void on_exit_of(void *ctx);

/* It runs: watch it, and tell it what it must know first. */
static void
started(struct child *c)
{
	assert(c->pid > 0 && c->channel >= 0);
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0) {
		log_error("this kernel has no pidfd_open: everleafd needs "
		    "Linux 5.9");
		exit(MASTER_EXIT_FAILED);
	}
	fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	c->started = poll_now();
	c->stopped = false;
	c->exits = watch_new(c->pidfd, on_exit_of, c);
	c->speaks = watch_new(c->channel, on_message, c);
	log_debug("the %s runs, process %d", plans[c->role].name, (int)c->pid);
	if (c->role == ROLE_KEEPER && !give_kek(c))
		child_kill(c, SIGKILL);
	else if (c->role == ROLE_KEEPER)
		secrets_give(c->m);
	if (c->role == ROLE_TOKEN)
		secrets_give_token(c->m);
	if (plans[c->role].peer != 0)
		introduce(c);
	if (c->role == ROLE_ENGINE)
		reload_done(c->m);
}

/* A channel, the descriptors of its role, then a new process image: nothing
 * is shared with us by memory. */
static void
start(struct child *c)
{
	struct spawn s = { .change_user = c->m->separate, .uid = c->uid,
		.gid = c->gid, .dir = "/", .fds_n = WIRE_FD_MASTER + 1 };
	char path[4200], counts[LISTEN_TYPES][16];
	int ends[2], i;

	if (!children_want(c))
		return;
	assert(c->pid < 0 && c->channel < 0 && c->restart != NULL);
	if (msg_pair(ends) != 0) {
		again_later(c);
		return;
	}
	for (i = 0; i < SPAWN_FDS_MAX; i++)
		s.fds[i] = i <= STDERR_FILENO ? i : -1;
	snprintf(path, sizeof(path), "%s/everleaf-%s", c->m->libexec,
	    plans[c->role].name);
	s.path = s.argv[0] = path;
	s.fds[WIRE_FD_MASTER] = ends[1];
	if (c->role == ROLE_ENGINE)
		plan_engine(c, &s);
	else if (c->role == ROLE_RESPONDER)
		plan_responder(c, &s, counts);
	else if (c->role == ROLE_TOKEN)
		plan_token(c, &s);
	c->channel = ends[0];
	c->pid = spawn(&s);
	close_spent(c, &s);
	if (c->pid > 0) {
		started(c);
		return;
	}
	log_error("the %s cannot be started: %s", plans[c->role].name,
	    strerror(errno));
	close(c->channel);
	c->channel = -1;
	again_later(c);
}

static void
start_again(void *ctx)
{
	struct child *c = ctx;

	if (c->pid < 0 && !c->m->stopping)
		start(c);
}

/* --- ending ------------------------------------------------------------ */

/* It is started again in any case, but each time later, until it has run for
 * a while. */
static void
count_death(struct child *c, int status)
{
	int64_t now = poll_now(), oldest;
	char how[64];

	assert(c->pid < 0);
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "exit %d", WEXITSTATUS(status));
	if (now - c->started > STEADY_MS)
		c->backoff = 0;
	oldest = c->deaths[c->deaths_n % DEATHS];
	c->deaths[c->deaths_n++ % DEATHS] = now;
	again_later(c);
	if (c->deaths_n > DEATHS && now - oldest < DEATHS_MS)
		log_error("the %s ended again (%s), more than %d times in 10 "
		    "minutes: nothing is renewed meanwhile. It is started "
		    "again in %lld ms", plans[c->role].name, how, DEATHS,
		    (long long)c->backoff);
	else
		log_warning("the %s ended (%s); it is started again in %lld "
		    "ms", plans[c->role].name, how, (long long)c->backoff);
	if (c->deaths_n >= DEATHS)
		notify_bad("the %s keeps ending (%s)", plans[c->role].name,
		    how);
}

/* Of what it has sent nobody hears any more; but descriptors that are still on
 * their way are closed by us and not by the end of the channel. */
static void
empty(int channel)
{
	int fds[MSG_FDS_MAX], nfds = 0, i;
	const void *p;
	ptrdiff_t n;

	assert(channel >= 0);
	for (i = 0; i < QUEUED_MAX; i++) {
		n = msg_recv(channel, MSG_DONTWAIT, &p, fds, &nfds);
		while (nfds > 0)
			msg_close(fds[--nfds]);
		if (n < 0 && errno != EMSGSIZE)
			return;
	}
}

static void
forget(struct child *c)
{
	assert(c->pid > 0 && c->pidfd >= 0 && c->channel >= 0);
	watch_free(c->exits);
	watch_free(c->speaks);
	c->exits = c->speaks = NULL;
	close(c->pidfd);
	empty(c->channel);
	close(c->channel);
	c->pidfd = c->channel = -1;
	c->pid = -1;
	strv_free(&c->confined);
}

/* The end of the last one is the end of us. */
static void
look_if_over(struct master *m)
{
	int role;

	assert(m->stopping);
	for (role = ROLE_MASTER + 1; role < ROLE_COUNT; role++)
		if (m->children[role].pid > 0)
			return;
	poll_stop();
}

/* After the engine: it may still need them to end what it has begun. */
static void
stop_others(struct master *m)
{
	int role;

	assert(m->stopping);
	for (role = ROLE_MASTER + 1; role < ROLE_COUNT; role++)
		if (role != ROLE_ENGINE)
			child_kill(&m->children[role], SIGTERM);
}

static void
on_exit_of(void *ctx)
{
	struct child *c = ctx;
	struct master *m = c->m;
	bool asked = c->stopped;
	int status;

	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	forget(c);
	jobs_child_gone(m, c->role);
	survey_child_gone(m, c->role);
	arm_child_gone(c->role);
	if (m->stopping) {
		if (c->role == ROLE_ENGINE)
			stop_others(m);
		look_if_over(m);
	} else if (asked) {
		busy.draining = busy.draining && c->role != ROLE_ENGINE;
		start(c);
	} else
		count_death(c, status);
}

/* --- what goes on all the time ----------------------------------------- */

static void
look_stopping(struct master *m)
{
	int64_t since = poll_now() - m->stop_at;
	int role;

	assert(m->stopping && m->stop_at > 0);
	if (since >= STOP_KILL_MS)
		for (role = ROLE_MASTER + 1; role < ROLE_COUNT; role++)
			child_kill(&m->children[role], SIGKILL);
	else if (since >= STOP_DRAIN_MS) {
		child_kill(&m->children[ROLE_ENGINE], SIGKILL);
		runs_stop();
	}
}

/* An engine that neither ends nor beats is ended: its work is in the store. */
static void
look(void *ctx)
{
	struct master *m = ctx;
	struct child *engine = &m->children[ROLE_ENGINE];

	assert(busy.look != NULL);
	if (m->stopping)
		look_stopping(m);
	else if (busy.draining && poll_now() >= busy.drain_until) {
		log_warning("the engine did not end within 10 s: it is "
		    "killed");
		child_kill(engine, SIGKILL);
		busy.drain_until = INT64_MAX;
	} else if (engine->pid > 0 && poll_now() - m->beat >
	    notify_patience()) {
		log_error("the engine has been silent for %lld s: it is killed",
		    (long long)notify_patience() / 1000);
		child_kill(engine, SIGKILL);
		m->beat = poll_now();
	}
	alarm_after(busy.look, m->stopping || busy.draining ? LOOK_MS : 5000);
}

static void
drain(struct master *m)
{
	struct w_drain w = { m->stopping };

	assert(busy.look != NULL);
	m->children[ROLE_ENGINE].stopped = true;
	child_send(&m->children[ROLE_ENGINE], WIRE_DRAIN, 0, &w, NULL, 0);
	alarm_after(busy.look, LOOK_MS);
}

void
children_new_engine(struct master *m)
{
	struct child *c = &m->children[ROLE_ENGINE];

	assert(m->conf != NULL);
	if (c->pid < 0) {
		alarm_stop(c->restart);
		c->backoff = 0;
		start(c);
		return;
	}
	busy.draining = true;
	busy.drain_until = poll_now() + DRAIN_MS;
	drain(m);
}

/* New sockets need a new process: it can't be given any once it is confined. */
void
children_new_responder(struct master *m)
{
	struct child *c = &m->children[ROLE_RESPONDER];

	if (c->pid < 0)
		return;
	c->stopped = true;
	child_kill(c, SIGTERM);
}

/* The engine last: all that it talks to is there. */
void
children_new_token(struct master *m)
{
	struct child *c = &m->children[ROLE_TOKEN];

	alarm_stop(c->restart);
	c->backoff = 0;
	c->stopped = c->pid > 0;
	if (c->stopped)
		child_kill(c, SIGTERM);
	else
		start(c);
}

void
children_start(struct master *m)
{
	static const enum role order[] = { ROLE_KEEPER, ROLE_RESPONDER,
		ROLE_VERIFIER, ROLE_TOKEN, ROLE_ENGINE };
	size_t i;

	assert(busy.look == NULL && !m->stopping);
	busy.look = alarm_new(look, m);
	alarm_after(busy.look, LOOK_MS);
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		m->children[order[i]].restart = alarm_new(start_again,
		    &m->children[order[i]]);
		start(&m->children[order[i]]);
	}
}

void
children_stop(struct master *m)
{
	assert(!m->stopping);
	m->stopping = true;
	m->stop_at = poll_now();
	drain(m);
	if (m->children[ROLE_ENGINE].pid < 0)
		stop_others(m);
	look_if_over(m);
}
