/* Requests to keeper, responder, token and master, many at once on each
 * channel. Nothing here waits: what a full socket does not take is queued, or
 * engine and peer could each wait for the other to read. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/list.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/peers.h"

enum { READ_AT_ONCE = 64 };

static const struct route {
	enum wire_kind ask, answer;
	enum peer peer;
} routes[] = {
	{ WIRE_ACCOUNT_KEY, WIRE_KEY, PEER_KEEPER },
	{ WIRE_CSR, WIRE_CSR_DONE, PEER_KEEPER },
	{ WIRE_PLACEHOLDER, WIRE_PLACED, PEER_KEEPER },
	{ WIRE_JWS, WIRE_JWS_DONE, PEER_KEEPER },
	{ WIRE_TSIG, WIRE_MAC, PEER_KEEPER },
	{ WIRE_TOKEN_KEY, WIRE_KEY, PEER_TOKEN },
	{ WIRE_TOKEN_JWS, WIRE_JWS_DONE, PEER_TOKEN },
	{ WIRE_WEBROOT, WIRE_OK, PEER_MASTER },
	{ WIRE_PUBLISH, WIRE_OK, PEER_RESPONDER },
	{ WIRE_WITHDRAW, WIRE_OK, PEER_RESPONDER },
	{ WIRE_BEAT, WIRE_OK, PEER_MASTER },
	{ WIRE_INSTALL, WIRE_OK, PEER_MASTER },
	{ WIRE_FLIP, WIRE_OK, PEER_MASTER },
	{ WIRE_LIVE, WIRE_IS_LIVE, PEER_MASTER },
	{ WIRE_PRUNE, WIRE_OK, PEER_MASTER },
	{ WIRE_PURGE, WIRE_OK, PEER_MASTER },
	{ WIRE_RUN, WIRE_RAN, PEER_MASTER },
	{ WIRE_RUN_DNS, WIRE_RAN, PEER_MASTER },
	{ WIRE_RELOAD, WIRE_RELOADED, PEER_MASTER },
	{ WIRE_SECURITY, WIRE_CONFINED, PEER_MASTER },
	{ WIRE_SURVEY, WIRE_SURVEYED, PEER_MASTER },
	{ WIRE_RESEAL, WIRE_KEY, PEER_MASTER },
	{ WIRE_EXPORT, WIRE_OK, PEER_MASTER }
};

static const struct {
	const char *name;
	enum err_code code;
} peers[PEER_COUNT] = {
	[PEER_MASTER] = { "master", ERR_INTERNAL },
	[PEER_KEEPER] = { "keeper", ERR_KEEPER },
	[PEER_RESPONDER] = { "responder", ERR_INTERNAL },
	[PEER_TOKEN] = { "token", ERR_KEEPER }
};

struct call {
	struct list link;
	uint32_t id;
	const struct msg_spec *spec;	/* of its answer */
	void *answer;			/* NULL: none, or OK */
	struct err err;
	bool failed;
	peer_done *done;
	void *ctx;
};

struct unsent {
	struct list link;
	struct blob bytes;
};

struct channel {
	enum peer peer;
	int fd;				/* -1: down */
	bool broken;			/* found while sending */
	struct loop_fd *watch;
	struct list unsent, pending;
};

static struct channel channels[PEER_COUNT];
static struct list answered;
static struct loop_timer *later;
static struct peers_hooks hooks;
static uint32_t last_id;
static int calls;

/* Who is asked for what: nothing else leaves this process. */
static const struct route *
find_route(enum wire_kind kind)
{
	size_t i;

	assert(kind != WIRE_FAILED);
	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (routes[i].ask == kind)
			return &routes[i];
	return NULL;
}

/* --- the ends of calls ------------------------------------------------- */

static void
finish(struct call *c)
{
	assert(calls > 0 && c->done != NULL);
	assert(!c->failed || c->answer == NULL);
	calls--;
	c->done(c->ctx, c->answer, c->failed ? &c->err : NULL);
	if (c->answer != NULL)
		msg_free(c->spec, c->answer);
	free(c->answer);
	free(c);
}

static void
answer_later(struct call *c)
{
	assert(later != NULL);
	list_leave(&c->link);
	list_join(&answered, &c->link);
	loop_timer_after(later, 0);
}

static void
fail_later(struct call *c, enum peer p)
{
	assert(p < PEER_COUNT && c->answer == NULL);
	c->failed = true;
	err_set(&c->err, peers[p].code, "the %s is not running",
	    peers[p].name);
	err_advise(&c->err, "everleafd starts it again; the log says why it "
	    "ended");
	answer_later(c);
}

/* --- channels ---------------------------------------------------------- */

/* Whatever was asked there is answered, with the news that nobody is there. */
static void
close_channel(struct channel *ch)
{
	struct unsent *u;
	struct list *l;

	if (ch->fd < 0)
		return;
	loop_fd_free(ch->watch);
	assert(ch->fd >= 0);
	ch->watch = NULL;
	close(ch->fd);
	ch->fd = -1;
	ch->broken = false;
	while ((l = list_take(&ch->unsent)) != NULL) {
		u = LIST_OF(l, struct unsent, link);
		blob_wipe(&u->bytes);
		free(u);
	}
	assert(list_empty(&ch->unsent) && ch->watch == NULL);
	while ((l = list_take(&ch->pending)) != NULL)
		fail_later(LIST_OF(l, struct call, link), ch->peer);
}

static void
break_channel(struct channel *ch)
{
	if (ch->fd < 0)
		return;
	if (ch->peer == PEER_MASTER) {
		/* Without it nothing can be installed or told. */
		log_error("the master is gone");
		_exit(EXIT_FAILURE);
	}
	close_channel(ch);
	assert(ch->fd < 0);
	hooks.gone(hooks.ctx, ch->peer);
}

static void
break_rule(struct channel *ch, const char *what)
{
	assert(ch->peer < PEER_COUNT);
	log_error("the %s broke a rule of its channel: %s",
	    peers[ch->peer].name, what);
	break_channel(ch);
}

static void on_ready(void *ctx, int events);

static void
open_channel(struct channel *ch, int fd)
{
	assert(fd >= 0 && ch->fd < 0 && ch->watch == NULL);
	ch->fd = fd;
	ch->watch = loop_fd_new(fd, on_ready, ch);
	loop_fd_want(ch->watch, LOOP_READ);
}

/* --- sending ----------------------------------------------------------- */

/* 1: sent; 0: no room now; -1: the channel is broken. */
static int
try_send(const struct channel *ch, const struct blob *m)
{
	ssize_t n;

	assert(ch->fd >= 0 && m->len > 0);
	do
		n = send(ch->fd, m->p, m->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;
	return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
}

/* Not from within a call of the engine: it would be told before it knows that
 * it asked. */
static void
break_later(struct channel *ch)
{
	assert(ch->fd >= 0);
	ch->broken = true;
	loop_timer_after(later, 0);
}

static void
flush(struct channel *ch)
{
	struct unsent *u;
	int sent;

	assert(ch->fd >= 0 && ch->watch != NULL);
	while (!list_empty(&ch->unsent) && !ch->broken) {
		u = LIST_OF(ch->unsent.next, struct unsent, link);
		sent = try_send(ch, &u->bytes);
		if (sent < 0)
			break_later(ch);
		if (sent <= 0)
			return;
		list_leave(&u->link);
		blob_wipe(&u->bytes);
		free(u);
	}
	loop_fd_want(ch->watch, LOOP_READ);
}

/* Queued only behind others, or when the socket is full: messages keep their
 * order. */
static void
post(struct channel *ch, enum wire_kind kind, uint32_t id, const void *st)
{
	const struct msg_spec *spec = msg_find(wire_specs, (uint16_t)kind);
	struct blob m = msg_pack(spec, id, st);
	struct unsent *u;
	int sent = list_empty(&ch->unsent) ? try_send(ch, &m) : 0;

	assert(spec != NULL && ch->fd >= 0);
	if (sent < 0)
		break_later(ch);
	if (sent != 0) {
		blob_wipe(&m);
		return;
	}
	u = xcalloc(1, sizeof(*u));
	u->bytes = m;
	list_join(&ch->unsent, &u->link);
	loop_fd_want(ch->watch, LOOP_READ | LOOP_WRITE);
}

/* --- receiving --------------------------------------------------------- */

static void
replace_channel(const struct w_peer *w, int fd)
{
	struct channel *ch = &channels[w->peer];

	assert(w->peer < PEER_COUNT && fd >= 0);
	break_channel(ch);
	open_channel(ch, fd);
	hooks.back(hooks.ctx, ch->peer);
}

static bool
is_order(uint16_t kind)
{
	return kind == WIRE_PEER || kind == WIRE_DRAIN ||
	    kind == WIRE_BAD_CONF;
}

/* From the master, not an answer. False: a rule is broken. */
static bool
take_order(uint16_t kind, const void *p, size_t n, const int *fds, int nfds)
{
	const struct msg_spec *spec = msg_find(wire_specs, kind);
	struct w_bad_conf bad;
	struct w_drain drain;
	struct w_peer w;
	struct err err;

	assert(is_order(kind));
	if (kind == WIRE_DRAIN) {
		if (nfds != 0 || !msg_unpack(spec, p, n, &drain, &err))
			return false;
		hooks.drain(hooks.ctx, drain.ends != 0);
		return true;
	}
	if (kind == WIRE_BAD_CONF) {
		if (nfds != 0 || !msg_unpack(spec, p, n, &bad, &err))
			return false;
		hooks.bad_conf(hooks.ctx, bad.line);
		msg_free(spec, &bad);
		return true;
	}
	if (nfds != 1 || !msg_unpack(spec, p, n, &w, &err) ||
	    w.peer == PEER_MASTER || w.peer >= PEER_COUNT)
		return false;
	replace_channel(&w, fds[0]);
	return true;
}

static struct call *
find_call(struct channel *ch, uint32_t id)
{
	struct list *l;

	assert(ch->peer < PEER_COUNT);
	for (l = ch->pending.next; l != &ch->pending; l = l->next)
		if (LIST_OF(l, struct call, link)->id == id)
			return LIST_OF(l, struct call, link);
	return NULL;
}

/* An id that nobody waits for, or a kind that was not asked for: the peer is
 * not itself any more. */
static bool
take_answer(struct channel *ch, uint16_t kind, uint32_t id, const void *p,
    size_t n)
{
	const struct msg_spec *spec = msg_find(wire_specs, kind);
	struct call *c = find_call(ch, id);
	struct err err;
	void *st;

	if (c == NULL || spec == NULL ||
	    (kind != WIRE_FAILED && kind != c->spec->kind))
		return false;
	st = xcalloc(1, spec->size);
	if (!msg_unpack(spec, p, n, st, &err)) {
		free(st);
		return false;
	}
	if (kind == WIRE_FAILED) {
		c->failed = true;
		wire_failed_err(st, &c->err);
	} else if (kind != WIRE_OK) {
		c->answer = st;
		st = NULL;
	}
	if (st != NULL)
		msg_free(spec, st);
	free(st);
	answer_later(c);
	assert(c->failed || kind == c->spec->kind);
	return true;
}

static void
take_message(struct channel *ch, const void *p, size_t n, int *fds, int nfds)
{
	uint16_t kind = 0;
	uint32_t id = 0;
	bool fine = msg_head(p, n, &kind, &id);

	assert(nfds >= 0 && nfds <= MSG_FDS_MAX);
	if (fine && ch->peer == PEER_MASTER && is_order(kind))
		fine = take_order(kind, p, n, fds, nfds);
	else if (fine)
		fine = nfds == 0 && take_answer(ch, kind, id, p, n);
	if (fine)
		return;
	while (nfds > 0)
		close(fds[--nfds]);
	break_rule(ch, "a message that was not asked for or is malformed");
}

static void
on_ready(void *ctx, int events)
{
	int fds[MSG_FDS_MAX], nfds, i;
	struct channel *ch = ctx;
	const void *p;
	ptrdiff_t n;

	assert(ch->watch != NULL);
	if ((events & LOOP_WRITE) != 0)
		flush(ch);
	for (i = 0; i < READ_AT_ONCE && ch->fd >= 0; i++) {
		n = msg_recv(ch->fd, MSG_DONTWAIT, &p, fds, &nfds);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			break_channel(ch);
		else
			take_message(ch, p, (size_t)n, fds, nfds);
	}
}

static void
on_later(void *ctx)
{
	struct list now, *l;
	int i;

	assert(later != NULL);
	(void)ctx;
	for (i = 0; i < PEER_COUNT; i++)
		if (channels[i].broken)
			break_channel(&channels[i]);
	/* What is answered from here on belongs to the next turn. */
	list_init(&now);
	while ((l = list_take(&answered)) != NULL)
		list_join(&now, l);
	while ((l = list_take(&now)) != NULL)
		finish(LIST_OF(l, struct call, link));
}

/* --- what the engine calls --------------------------------------------- */

void
peers_init(const int fds[PEER_COUNT], const struct peers_hooks *h)
{
	struct channel *ch;
	int i;

	assert(later == NULL && calls == 0);
	hooks = *h;
	list_init(&answered);
	later = loop_timer_new(on_later, NULL);
	for (i = 0; i < PEER_COUNT; i++) {
		ch = &channels[i];
		memset(ch, 0, sizeof(*ch));
		ch->peer = (enum peer)i;
		ch->fd = -1;
		list_init(&ch->unsent);
		list_init(&ch->pending);
		if (fds[i] >= 0)
			open_channel(ch, fds[i]);
	}
}

void
peers_fini(void)
{
	struct list *l;
	int i;

	for (i = 0; i < PEER_COUNT; i++)
		close_channel(&channels[i]);
	while ((l = list_take(&answered)) != NULL)
		finish(LIST_OF(l, struct call, link));
	assert(list_empty(&answered));
	loop_timer_free(later);
	later = NULL;
}

void
peer_ask(enum wire_kind kind, const void *st, peer_done *done, void *ctx)
{
	const struct route *r = find_route(kind);
	struct call *c = xcalloc(1, sizeof(*c));
	struct channel *ch;

	calls++;
	assert(r != NULL);
	ch = &channels[r->peer];
	assert(done != NULL &&
	    (size_t)(r - routes) < sizeof(routes) / sizeof(routes[0]));
	list_init(&c->link);
	c->spec = msg_find(wire_specs, (uint16_t)r->answer);
	c->done = done;
	c->ctx = ctx;
	if (++last_id == 0)
		last_id = 1;
	c->id = last_id;
	if (ch->fd < 0 || ch->broken) {
		fail_later(c, ch->peer);
		return;
	}
	list_join(&ch->pending, &c->link);
	post(ch, kind, c->id, st);
}

void
peer_tell(enum wire_kind kind, const void *st)
{
	const struct route *r = find_route(kind);
	struct channel *ch;

	assert(r != NULL);
	ch = &channels[r->peer];
	/* A peer that does not read needs no more signs of life. */
	if (ch->fd >= 0 && !ch->broken && list_empty(&ch->unsent))
		post(ch, kind, 0, st);
}

int
peers_pending(void)
{
	assert(calls >= 0);
	return calls;
}
