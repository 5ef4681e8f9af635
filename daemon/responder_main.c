/* everleaf-responder: answers http-01 and tls-alpn-01 from the table that the
 * engine sends, and nothing else. It opens nothing and connects nowhere:
 * listeners and channels come from the master. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "daemon/confined.h"
#include "daemon/log.h"
#include "daemon/responder_alpn.h"
#include "daemon/responder_http.h"
#include "daemon/wire.h"

enum { FORGET_S = 600, CHANNELS = 2 };

enum sender { FROM_MASTER, FROM_ENGINE };

struct responder {
	struct table *table;
	int fds[CHANNELS];	/* of the senders; -1: no engine */
	uint32_t mark;		/* which engine channel this is */
	time_t forget_at;	/* monotonic; 0: nothing to forget */
};

static time_t
now_s(void)
{
	return (time_t)(clock_mono_ms() / 1000);
}

/* --- start ------------------------------------------------------------- */

static void
confine(void)
{
	struct sandbox_plan plan = { .role = ROLE_RESPONDER };
	bool empty;

	/* The master starts it in an empty directory, with the one capability
	 * that this takes when there are users of their own. */
	empty = geteuid() != 0 && chroot(".") == 0 && chdir("/") == 0;
	plan.lenient = !confined_fits(&plan, alpn_rehearse);
	confined_enter(&plan);
	sandbox_say_line(empty ? "root directory: empty" :
	    "root directory: the system's");
}

static int
count(const char *arg, int most)
{
	char *end;
	long n = strtol(arg, &end, 10);

	assert(most >= 0);
	if (end == arg || *end != '\0' || n < 0 || n > most) {
		log_error("everleafd starts this program");
		exit(2);
	}
	return (int)n;
}

/* --- channels ---------------------------------------------------------- */

/* The new engine publishes again what it still wants; the rest goes after a
 * while. */
static void
take_engine(struct responder *r, int fd)
{
	assert(fd >= 0);
	if (r->fds[FROM_ENGINE] >= 0)
		close(r->fds[FROM_ENGINE]);
	r->fds[FROM_ENGINE] = fd;
	r->mark++;
	r->forget_at = now_s() + FORGET_S;
}

/* Without its master it ends; without an engine it goes on answering. */
static void
lose(struct responder *r, enum sender from)
{
	assert(r->fds[from] >= 0);
	if (from == FROM_MASTER)
		exit(0);
	close(r->fds[from]);
	r->fds[from] = -1;
}

/* Published means: the next guest gets it. */
static int
work(struct responder *r, enum wire_kind kind, const void *st,
    struct err *err)
{
	const struct w_publish *p = st;
	const struct w_withdraw *w = st;
	enum table_type type;

	assert(kind == WIRE_PUBLISH || kind == WIRE_WITHDRAW);
	if (!table_type(&type, kind == WIRE_PUBLISH ? p->type : w->type))
		return err_set(err, ERR_INVALID, "the responder answers "
		    "http-01 and tls-alpn-01 only");
	if (kind == WIRE_PUBLISH)
		return table_publish(r->table, type, p->token, p->host,
		    p->keyauth, r->mark, err);
	table_withdraw(r->table, type, w->token, w->host);
	return 0;
}

/* False: a rule is broken. */
static bool
take_work(struct responder *r, const struct msg_spec *spec, uint32_t id,
    const void *p, size_t n)
{
	union {
		struct w_publish publish;
		struct w_withdraw withdraw;
	} body;
	const struct w_empty done = { 0 };
	int fd = r->fds[FROM_ENGINE], rc;
	struct err err;

	assert(spec != NULL && r->fds[FROM_ENGINE] >= 0);
	if (!msg_unpack(spec, p, n, &body, &err))
		return false;
	if (work(r, (enum wire_kind)spec->kind, &body, &err) == 0)
		rc = wire_send(fd, WIRE_OK, id, &done);
	else
		rc = wire_fail(fd, id, &err);
	msg_free(spec, &body);
	if (rc != 0)
		lose(r, FROM_ENGINE);
	return true;
}

/* Of the master comes a new engine's channel, of the engine what to answer;
 * anything else breaks the rules. */
static bool
take(struct responder *r, enum sender from, const void *p, size_t n,
    const int *fds, int nfds)
{
	const struct msg_spec *spec;
	struct w_peer peer;
	struct err err;
	uint16_t kind;
	uint32_t id;

	assert(from == FROM_MASTER || from == FROM_ENGINE);
	if (!msg_head(p, n, &kind, &id))
		return false;
	spec = msg_find(wire_specs, kind);
	if (from == FROM_MASTER) {
		if (kind != WIRE_PEER || nfds != 1 ||
		    !msg_unpack(spec, p, n, &peer, &err))
			return false;
		take_engine(r, fds[0]);
		return true;
	}
	return (kind == WIRE_PUBLISH || kind == WIRE_WITHDRAW) && nfds == 0 &&
	    take_work(r, spec, id, p, n);
}

static void
receive(struct responder *r, enum sender from)
{
	int fds[MSG_FDS_MAX], nfds;
	const void *p;
	ptrdiff_t n = msg_recv(r->fds[from], MSG_DONTWAIT, &p, fds, &nfds);

	assert(r->fds[from] >= 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		lose(r, from);
		return;
	}
	if (take(r, from, p, (size_t)n, fds, nfds))
		return;
	while (nfds > 0)
		close(fds[--nfds]);
	log_error("the %s broke a rule of its channel",
	    from == FROM_MASTER ? "master" : "engine");
	if (from == FROM_MASTER)
		exit(1);
	lose(r, from);
}

/* --- the loop ---------------------------------------------------------- */

/* What an engine before had published and the new one did not ask for again. */
static void
forget(struct responder *r)
{
	size_t n;

	assert(r->table != NULL);
	if (r->forget_at == 0 || now_s() < r->forget_at)
		return;
	r->forget_at = 0;
	n = table_sweep(r->table, r->mark);
	if (n > 0)
		log_info("%zu answers to challenges that nobody wants any "
		    "more are gone", n);
}

/* The smaller of two waits, of which -1 is for ever. */
static int
sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int
patience(const struct responder *r)
{
	int wait = sooner(respond_wait(), alpn_wait());
	time_t left;

	if (r->forget_at == 0)
		return wait;
	left = r->forget_at - now_s();
	return sooner(wait, left < 0 ? 0 : (int)left * 1000);
}

static void
turn(struct responder *r)
{
	struct pollfd fds[CHANNELS + 1 + RESPOND_LISTENERS];
	int i, n = CHANNELS + 1 + respond_fds(fds + CHANNELS + 1);

	for (i = 0; i <= CHANNELS; i++) {
		fds[i].fd = i < CHANNELS ? r->fds[i] : alpn_fd();
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
	assert(n > CHANNELS && (size_t)n <= sizeof(fds) / sizeof(fds[0]));
	if (poll(fds, (nfds_t)n, patience(r)) < 0 && errno != EINTR) {
		log_error("poll: %s", strerror(errno));
		exit(1);
	}
	/* The engine first: what it has just published may be asked for in
	 * the same breath. The master may replace its channel. */
	if (fds[FROM_ENGINE].revents != 0)
		receive(r, FROM_ENGINE);
	if (fds[FROM_MASTER].revents != 0)
		receive(r, FROM_MASTER);
	respond_run();
	alpn_run();
	forget(r);
}

int
main(int argc, char *argv[])
{
	struct responder r = { .fds = { WIRE_FD_MASTER, -1 } };
	int http = count(argc == 3 ? argv[1] : "", RESPOND_LISTENERS);
	int alpn = count(argc == 3 ? argv[2] : "", ALPN_LISTENERS);
	struct err err;

	confined_open(ROLE_RESPONDER);
	r.table = table_new();
	if (alpn_init(r.table, &err) != 0) {
		log_err(&err, "start");
		exit(1);
	}
	confine();
	if (respond_init(r.table, WIRE_FD_LISTEN, http, &err) != 0 ||
	    alpn_listen(WIRE_FD_LISTEN + http, alpn, &err) != 0) {
		log_err(&err, "start");
		exit(1);
	}
	log_info("answering on %d listener%s", http + alpn,
	    http + alpn == 1 ? "" : "s");
	for (;;)
		turn(&r);
}
