/* Questions on their way: a queue with a bound, a c-ares channel for each
 * server that is being asked, https for resolvers with a URL.
 *
 * Several servers in one channel mean failover. That is right for resolvers
 * and wrong for "has each of them got it?", hence a channel per server; they
 * are large, hence the pool. c-ares calls back from deep inside itself, so its
 * callbacks only note the reply, and the timer `later` hands it out. */
#include <config.h>
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include "base/buf.h"
#include "daemon/chance.h"
#include "daemon/dns.h"
#include "daemon/http.h"
#include "daemon/list.h"
#include "daemon/loop.h"

enum { RD_BYTE = 2, RD_BIT = 1, CSV_MAX = 4096, EDNS_SIZE = 1232 };

struct channel {
	struct list link;
	char server[DNS_SERVER_SIZE];	/* "": the resolvers */
	ares_channel ares;
	struct loop_timer *timer;	/* c-ares's, or of being idle */
	struct list watches;
	int flying;
};

struct watch {
	struct list link;
	struct channel *of;
	ares_socket_t fd;
	struct loop_fd *loop;
};

struct dns_query {
	struct list link;		/* waiting, flying or finished */
	char *name;
	enum dns_type type;
	char server[DNS_SERVER_SIZE];
	size_t upstream;		/* without a server: which is asked */
	struct channel *channel;	/* while c-ares has it */
	struct http_exchange *doh;	/* while libcurl has it */
	struct dns_answer answer;
	void (*done)(void *ctx, const struct dns_answer *a);	/* NULL:
					 * cancelled */
	void *ctx;
};

static struct list channels, waiting, flying, finished;
static struct loop_timer *later;
static int flying_count, channel_count;
/* Resolvers are asked in this order: URLs, and "" once for all addresses. */
static struct strv upstreams;
static char *addresses;			/* of the resolvers; NULL: system's */
static bool closing;

static void start_waiting(void);

static void
free_query(struct dns_query *q)
{
	assert(q->channel == NULL);
	list_leave(&q->link);
	dns_answer_free(&q->answer);
	free(q->name);
	free(q);
}

/* As people know it: the address that was asked, or whose resolver it is. */
static const char *
asked(const struct dns_query *q)
{
	assert(upstreams.n > 0 && q->upstream < upstreams.n);
	if (q->server[0] != '\0')
		return q->server;
	if (upstreams.v[q->upstream][0] != '\0')
		return upstreams.v[q->upstream];
	return addresses != NULL ? "the configured DNS resolver" :
	    "the system's DNS resolver";
}

/* --- replies -------------------------------------------------------- */

static void
finish_later(struct dns_query *q)
{
	assert(q->done != NULL);
	list_leave(&q->link);
	list_join(&finished, &q->link);
	loop_timer_after(later, 0);
}

/* What another resolver might know better. */
static bool
is_poor(const struct dns_answer *a)
{
	return !a->replied || a->rcode == DNS_SERVFAIL ||
	    a->rcode == DNS_REFUSED;
}

/* A resolver that could not tell is no answer as long as there is another
 * one. */
static void
replied(struct dns_query *q)
{
	assert(flying_count > 0 && q->channel == NULL && q->doh == NULL);
	flying_count--;
	if (q->done == NULL) {
		free_query(q);
		loop_timer_after(later, 0);
	} else if (q->server[0] == '\0' && is_poor(&q->answer) &&
	    q->upstream + 1 < upstreams.n) {
		q->upstream++;
		dns_answer_free(&q->answer);
		list_leave(&q->link);
		list_join(&waiting, &q->link);
		loop_timer_after(later, 0);
	} else
		finish_later(q);
}

static void
no_reply(struct dns_query *q, const char *why)
{
	struct err *err = &q->answer.err;

	assert(why != NULL);
	q->answer.replied = false;
	err_set(err, ERR_DNS_SILENT, "%s %s: %s gives no answer: %s",
	    q->name, dns_type_name(q->type), asked(q), why);
	err_advise(err, q->server[0] != '\0' ? "See whether that server is "
	    "up and may be asked from here, by UDP and TCP." :
	    "See resolver in everleaf.conf, or /etc/resolv.conf.");
}

static void
take_bytes(struct dns_query *q, const uint8_t *p, size_t n)
{
	struct err err;

	if (!dns_unpack(&q->answer, p, n, q->name, q->type, &err))
		no_reply(q, err.text);
}

/* c-ares keeps the bytes of some refusals to itself. */
static bool
take_status(struct dns_query *q, int status)
{
	static const struct { int status; enum dns_rcode rcode; } known[] = {
		{ ARES_ESERVFAIL, DNS_SERVFAIL }, { ARES_ENOTIMP, DNS_NOTIMP },
		{ ARES_EREFUSED, DNS_REFUSED }, { ARES_EFORMERR, DNS_FORMERR }
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == status) {
			q->answer.replied = true;
			q->answer.rcode = known[i].rcode;
			return true;
		}
	return false;
}

/* c-ares calls it for each question exactly once, also when it is destroyed. */
static void
on_ares(void *arg, int status, int timeouts, unsigned char *p, int n)
{
	struct dns_query *q = arg;

	assert(q->channel != NULL && q->channel->flying > 0);
	(void)timeouts;
	q->channel->flying--;
	q->channel = NULL;
	if (closing) {
		free_query(q);
		return;
	}
	if (p != NULL && n > 0)
		take_bytes(q, p, (size_t)n);
	else if (!take_status(q, status))
		no_reply(q, status == ARES_ETIMEOUT ? "it timed out" :
		    ares_strerror(status));
	replied(q);
}

static void
on_doh(void *ctx, const struct http_reply *r)
{
	struct dns_query *q = ctx;
	char words[64];

	assert(q->doh != NULL && q->channel == NULL);
	q->doh = NULL;
	if (r->outcome != HTTP_REPLIED)
		no_reply(q, r->err.text);
	else if (r->status != 200) {
		snprintf(words, sizeof(words), "it answered %d", r->status);
		no_reply(q, words);
	} else
		take_bytes(q, r->body.p, r->body.len);
	replied(q);
}

/* --- channels ------------------------------------------------------- */

/* To be called after each call of c-ares. */
static void
rearm(struct channel *ch)
{
	struct timeval most, *next;

	assert(ch->flying >= 0 && ch->timer != NULL);
	if (ch->flying == 0) {
		loop_timer_after(ch->timer, DNS_IDLE_MS);
		return;
	}
	next = ares_timeout(ch->ares, NULL, &most);
	if (next == NULL)
		loop_timer_stop(ch->timer);
	else
		loop_timer_after(ch->timer, (int64_t)next->tv_sec * 1000 +
		    next->tv_usec / 1000 + 1);
}

static void
close_channel(struct channel *ch)
{
	assert(channel_count > 0);
	list_leave(&ch->link);
	channel_count--;
	ares_destroy(ch->ares);
	assert(list_empty(&ch->watches));
	loop_timer_free(ch->timer);
	free(ch);
}

/* Of c-ares while it flies; after that it tells that nobody has used it for
 * a while. */
static void
on_tick(void *ctx)
{
	struct channel *ch = ctx;

	assert(ch->timer != NULL);
	if (ch->flying == 0) {
		close_channel(ch);
		return;
	}
	ares_process_fd(ch->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(ch);
}

static void
on_ready(void *ctx, int events)
{
	struct watch *w = ctx;
	struct channel *ch = w->of;
	ares_socket_t fd = w->fd;

	assert(ch->timer != NULL);
	/* The watch may be gone after this. */
	ares_process_fd(ch->ares, (events & LOOP_READ) != 0 ? fd :
	    ARES_SOCKET_BAD, (events & LOOP_WRITE) != 0 ? fd :
	    ARES_SOCKET_BAD);
	rearm(ch);
}

static struct watch *
watch_of(struct channel *ch, ares_socket_t fd)
{
	struct list *l;
	struct watch *w;

	assert(fd != ARES_SOCKET_BAD);
	for (l = ch->watches.next; l != &ch->watches; l = l->next)
		if (LIST_OF(l, struct watch, link)->fd == fd)
			return LIST_OF(l, struct watch, link);
	w = xcalloc(1, sizeof(*w));
	w->of = ch;
	w->fd = fd;
	list_init(&w->link);
	list_join(&ch->watches, &w->link);
	w->loop = loop_fd_new(fd, on_ready, w);
	return w;
}

static void
on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
	struct watch *w = watch_of(data, fd);

	assert(w->of == data);
	if (readable != 0 || writable != 0) {
		loop_fd_want(w->loop, (readable != 0 ? LOOP_READ : 0) |
		    (writable != 0 ? LOOP_WRITE : 0));
		return;
	}
	/* c-ares closes it next. */
	loop_fd_free(w->loop);
	list_leave(&w->link);
	free(w);
}

static bool
open_ares(struct channel *ch)
{
	struct ares_options o = {
		.timeout = DNS_TIMEOUT_MS, .tries = DNS_TRIES,
		.ednspsz = EDNS_SIZE, .sock_state_cb = on_socket,
		.sock_state_cb_data = ch
	};
	int options = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS;
	const char *servers = ch->server[0] != '\0' ? ch->server : addresses;
	char only_dns[] = "b";

	assert(ch->ares == NULL);
	/* One server's refusal is its answer; of several resolvers the next
	 * one is asked. */
	o.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS |
	    (ch->server[0] != '\0' ? ARES_FLAG_NOCHECKRESP : 0);
	o.lookups = only_dns;
#ifdef ARES_OPT_QUERY_CACHE
	/* Who looks until a change is seen looks at the server. */
	o.qcache_max_ttl = 0;
	options |= ARES_OPT_QUERY_CACHE;
#endif
	if (ares_init_options(&ch->ares, &o, options) != ARES_SUCCESS)
		return false;
	if (servers == NULL ||
	    ares_set_servers_ports_csv(ch->ares, servers) == ARES_SUCCESS)
		return true;
	ares_destroy(ch->ares);
	return false;
}

static struct channel *
open_channel(const char *server)
{
	struct channel *ch = xcalloc(1, sizeof(*ch));

	assert(strlen(server) < DNS_SERVER_SIZE);
	snprintf(ch->server, sizeof(ch->server), "%s", server);
	list_init(&ch->link);
	list_init(&ch->watches);
	if (!open_ares(ch)) {
		free(ch);
		return NULL;
	}
	ch->timer = loop_timer_new(on_tick, ch);
	list_join(&channels, &ch->link);
	channel_count++;
	assert(channel_count <= DNS_CHANNELS_MAX);
	return ch;
}

static struct channel *
find_channel(const char *server)
{
	struct list *l;

	for (l = channels.next; l != &channels; l = l->next)
		if (strcmp(LIST_OF(l, struct channel, link)->server,
		    server) == 0)
			return LIST_OF(l, struct channel, link);
	return NULL;
}

/* True: there is, or can be, a channel for this server. */
static bool
has_room(const char *server)
{
	struct list *l;

	assert(server != NULL);
	if (channel_count < DNS_CHANNELS_MAX || find_channel(server) != NULL)
		return true;
	for (l = channels.next; l != &channels; l = l->next)
		if (LIST_OF(l, struct channel, link)->flying == 0) {
			close_channel(LIST_OF(l, struct channel, link));
			return true;
		}
	return false;
}

/* --- sending -------------------------------------------------------- */

/* A server of a zone is asked what it has itself, hence without "recursion
 * desired". */
static void
send_by_ares(struct dns_query *q, struct blob *m)
{
	struct channel *ch = find_channel(q->server);
	uint32_t id = chance_luck();

	assert(m->len > RD_BYTE && q->channel == NULL);
	if (ch == NULL)
		ch = open_channel(q->server);
	if (ch == NULL) {
		no_reply(q, "it cannot be asked");
		replied(q);
		return;
	}
	memcpy(m->p, &id, 2);
	if (q->server[0] != '\0')
		m->p[RD_BYTE] &= (uint8_t)~RD_BIT;
	q->channel = ch;
	ch->flying++;
	ares_send(ch->ares, m->p, (int)m->len, on_ares, q);
	rearm(ch);
}

static void
send_by_https(struct dns_query *q, const struct blob *m)
{
	struct http_request r = {
		.method = "POST", .url = upstreams.v[q->upstream],
		.accept = "application/dns-message",
		.content_type = "application/dns-message",
		.body = *m, .reply_max = DNS_MESSAGE_MAX
	};

	assert(q->server[0] == '\0' && q->upstream < upstreams.n);
	assert(q->doh == NULL);
	q->doh = http_send(&r, on_doh, q);
}

static void
start(struct dns_query *q)
{
	struct blob m = dns_question(q->name, q->type);

	assert(flying_count < DNS_FLYING_MAX && q->channel == NULL);
	list_leave(&q->link);
	list_join(&flying, &q->link);
	flying_count++;
	if (m.p == NULL) {
		no_reply(q, "this is no name that it could be asked for");
		replied(q);
	} else if (q->server[0] == '\0' &&
	    upstreams.v[q->upstream][0] != '\0')
		send_by_https(q, &m);
	else
		send_by_ares(q, &m);
	blob_free(&m);
}

static void
start_waiting(void)
{
	struct list *l, *next;
	struct dns_query *q;

	assert(flying_count >= 0);
	for (l = waiting.next; l != &waiting &&
	    flying_count < DNS_FLYING_MAX; l = next) {
		next = l->next;
		q = LIST_OF(l, struct dns_query, link);
		if (has_room(q->server))
			start(q);
	}
}

static void
on_later(void *unused)
{
	struct list *l;
	struct dns_query *q;

	(void)unused;
	while ((l = list_take(&finished)) != NULL) {
		q = LIST_OF(l, struct dns_query, link);
		q->done(q->ctx, &q->answer);
		free_query(q);
	}
	start_waiting();
}

/* --- the interface -------------------------------------------------- */

static void
take_resolvers(const struct strv *resolvers)
{
	struct buf csv;
	size_t i;

	assert(upstreams.n == 0 && addresses == NULL);
	buf_init(&csv, CSV_MAX);
	for (i = 0; i < resolvers->n; i++)
		if (strncmp(resolvers->v[i], "https://", 8) == 0)
			strv_add(&upstreams, resolvers->v[i]);
		else {
			if (csv.len == 0)
				strv_add(&upstreams, "");
			buf_printf(&csv, "%s%s", csv.len > 0 ? "," : "",
			    resolvers->v[i]);
		}
	if (upstreams.n == 0)
		strv_add(&upstreams, "");
	addresses = csv.len > 0 ? buf_take(&csv) : NULL;
	buf_free(&csv);
	assert(upstreams.n > 0);
}

void
dns_init(const struct strv *resolvers)
{
	assert(later == NULL || closing);
	closing = false;
	list_init(&channels);
	list_init(&waiting);
	list_init(&flying);
	list_init(&finished);
	ares_library_init(ARES_LIB_INIT_ALL);
	later = loop_timer_new(on_later, NULL);
	take_resolvers(resolvers);
}

static void
drop_all(struct list *of)
{
	struct dns_query *q;

	assert(closing);
	while (!list_empty(of)) {
		q = LIST_OF(of->next, struct dns_query, link);
		if (q->doh != NULL)
			http_cancel(q->doh);
		free_query(q);
	}
}

void
dns_fini(void)
{
	closing = true;
	/* Frees what c-ares has, too: see on_ares. */
	while (!list_empty(&channels))
		close_channel(LIST_OF(channels.next, struct channel, link));
	assert(channel_count == 0);
	drop_all(&waiting);
	drop_all(&flying);
	drop_all(&finished);
	flying_count = 0;
	loop_timer_free(later);
	strv_free(&upstreams);
	free(addresses);
	addresses = NULL;
	ares_library_cleanup();
}

struct dns_query *
dns_ask(const char *name, enum dns_type type, const char *server,
    void (*done)(void *ctx, const struct dns_answer *a), void *ctx)
{
	struct dns_query *q = xcalloc(1, sizeof(*q));

	assert(done != NULL);
	assert(later != NULL && name != NULL);
	q->name = xstrdup(name);
	q->type = type;
	q->done = done;
	q->ctx = ctx;
	if (server != NULL)
		snprintf(q->server, sizeof(q->server), "%s", server);
	list_init(&q->link);
	list_join(&waiting, &q->link);
	loop_timer_after(later, 0);
	return q;
}

void
dns_cancel(struct dns_query *q)
{
	if (q == NULL)
		return;
	assert(q->done != NULL);
	q->done = NULL;
	if (q->channel != NULL)
		return;		/* c-ares cannot give one back */
	if (q->doh != NULL) {
		http_cancel(q->doh);
		flying_count--;
		loop_timer_after(later, 0);
	}
	free_query(q);
}

static int
length(const struct list *of)
{
	const struct list *l;
	int n = 0;

	for (l = of->next; l != of; l = l->next)
		n++;
	return n;
}

int
dns_pending(void)
{
	assert(flying_count >= 0 && flying_count <= DNS_FLYING_MAX);
	return length(&waiting) + length(&flying) + length(&finished);
}
