/* The HTTP client over libcurl's multi interface on our loop. Exchanges wait
 * in a queue per origin, so that neither a slow CA holds up another nor curl
 * gets more handles than may run. What ended is told in the next turn. */
#include <config.h>
#include <assert.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "daemon/http.h"
#include "daemon/http_err.h"
#include "daemon/http_flood.h"
#include "daemon/http_head.h"
#include "daemon/http_limits.h"
#include "daemon/list.h"
#include "daemon/log.h"
#include "daemon/loop.h"

enum { ORIGINS_KEPT = 64, IDLE_CONNECTIONS = 64, HOST_MAX = 300 };

struct http_limits http_limits = {
	.timeout_ms = HTTP_TIMEOUT_MS, .connect_ms = HTTP_CONNECT_MS,
	.slow_bytes = 100, .slow_s = 15, .patient_s = 45, .cpu_ms = 300,
	.running = 100, .per_origin = 50, .connections = 2
};

enum version { ANY, ONLY_1_1, ONLY_2 };

struct origin {
	struct list link, waiting;
	char host[HOST_MAX];	/* with the port, unless it is 443 */
	enum version version;	/* that may be spoken there */
	unsigned running, cap;
	bool is_one;		/* its last answer came by HTTP/1 */
	size_t members;		/* exchanges, in whatever state */
};

struct http_exchange {
	struct list link;	/* waiting, busy, or ended */
	struct origin *origin;
	CURL *easy;		/* while it runs */
	struct curl_slist *lines, *places;
	char *method, *url, *accept, *content_type;
	char *proxy;		/* "" for none */
	char *at;		/* of a look; else NULL */
	long timeout_ms;
	struct blob body, trust;
	size_t taken;		/* of body, by curl */
	size_t reply_max;
	bool no_inner, patient;
	struct http_head head;
	struct buf in;
	enum http_fault fault;
	int64_t cpu_us;		/* that it has cost so far */
	char words[CURL_ERROR_SIZE];
	struct http_reply reply;
	void (*done)(void *ctx, const struct http_reply *reply);
	void *ctx;
};

struct watch {
	struct loop_fd *fd;
	curl_socket_t socket;
};

static CURLM *multi;
static int exchanges;
static struct loop_timer *curl_timer, *tell_timer;
static struct list origins, busy, ended, telling;
static size_t origin_count;
static unsigned running;
static struct http_exchange *told;	/* whose done is at work */
static uint64_t requests, connections;
static char agent[64];

/* --- what curl calls --------------------------------------------------- */

static size_t
on_read(char *to, size_t size, size_t n, void *ctx)
{
	struct http_exchange *x = ctx;
	size_t left = x->body.len - x->taken, room = size * n;

	assert(x->taken <= x->body.len);
	if (left > room)
		left = room;
	if (left > 0)
		memcpy(to, x->body.p + x->taken, left);
	x->taken += left;
	return left;
}

/* Without a way back curl cannot send a POST again on another connection. */
static int
on_seek(void *ctx, curl_off_t offset, int origin)
{
	(void)ctx;
	(void)offset;
	(void)origin;
	return CURL_SEEKFUNC_FAIL;
}

/* Anything but the length that curl gave makes it give up the transfer. */
static size_t
stop(struct http_exchange *x, enum http_fault fault)
{
	assert(fault != HTTP_FINE);
	x->fault = fault;
	return 0;
}

static size_t
on_line(char *p, size_t size, size_t n, void *ctx)
{
	struct http_exchange *x = ctx;

	assert(x->easy != NULL);
	if (!http_head_line(&x->head, p, size * n, HTTP_HEAD_MAX))
		return stop(x, HTTP_HEAD_BAD);
	if (x->origin->version == ONLY_2 && size * n > 7 &&
	    memcmp(p, "HTTP/1.", 7) == 0)
		return stop(x, HTTP_NOT_2);
	if (http_head_length(&x->head) > x->reply_max &&
	    strcmp(x->method, "HEAD") != 0)
		return stop(x, HTTP_BODY_LONG);
	return size * n;
}

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_exchange *x = ctx;

	assert(x->in.len <= x->reply_max);
	if (size * n > 0 && !buf_add(&x->in, p, size * n))
		return stop(x, HTTP_BODY_LONG);
	return size * n;
}

/* The address as it is connected to, after all lookups: a name that changes
 * its mind between two of them gains nothing. */
static curl_socket_t
on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_exchange *x = ctx;

	assert(x->easy != NULL);
	(void)purpose;
	if (x->no_inner && http_address_is_inner(&a->addr)) {
		x->fault = HTTP_INNER;
		return CURL_SOCKET_BAD;
	}
	x->fault = HTTP_FINE;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* Curl calls it after each look at the transfer. */
static int
on_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
    curl_off_t up)
{
	struct http_exchange *x = ctx;

	assert(x->easy != NULL);
	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	if (!flood_over(&x->cpu_us))
		return 0;
	/* The connection would go on being flooded. */
	curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, 1L);
	if (x->fault == HTTP_FINE)
		x->fault = HTTP_FLOOD;
	return 1;
}

/* Lets curl work on one socket, or on what is due. */
static void
work(curl_socket_t socket, int mask)
{
	int n;

	assert(multi != NULL);
	flood_enter();
	curl_multi_socket_action(multi, socket, mask, &n);
}

static void collect(void);

static void
on_ready(void *ctx, int events)
{
	struct watch *w = ctx;

	work(w->socket, ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
	    ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
	collect();
}

static int
on_watch(CURL *easy, curl_socket_t socket, int what, void *ctx, void *mine)
{
	struct watch *w = mine;

	(void)easy;
	(void)ctx;
	if (what == CURL_POLL_REMOVE) {
		if (w != NULL)
			loop_fd_free(w->fd);
		free(w);
		curl_multi_assign(multi, socket, NULL);
		return 0;
	}
	if (w == NULL) {
		w = xcalloc(1, sizeof(*w));
		w->socket = socket;
		w->fd = loop_fd_new(socket, on_ready, w);
		curl_multi_assign(multi, socket, w);
	}
	assert(w->socket == socket && w->fd != NULL);
	loop_fd_want(w->fd, ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0) |
	    ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0));
	return 0;
}

static int
on_delay(CURLM *m, long delay_ms, void *ctx)
{
	assert(curl_timer != NULL);
	(void)m;
	(void)ctx;
	if (delay_ms < 0)
		loop_timer_stop(curl_timer);
	else
		loop_timer_after(curl_timer, delay_ms);
	return 0;
}

static void
on_curl_timer(void *ctx)
{
	(void)ctx;
	work(CURL_SOCKET_TIMEOUT, 0);
	collect();
}

/* --- origins ----------------------------------------------------------- */

static void
forget_idle(void)
{
	struct list *l, *next;
	struct origin *o;

	for (l = origins.next; l != &origins; l = next) {
		next = l->next;
		o = LIST_OF(l, struct origin, link);
		if (o->members > 0)
			continue;
		list_leave(l);
		free(o);
		assert(origin_count > 0);
		origin_count--;
	}
}

static enum version
version_of(const char *word)
{
	return word == NULL || strcmp(word, "auto") == 0 ? ANY :
	    strcmp(word, "1.1") == 0 ? ONLY_1_1 : ONLY_2;
}

/* Two CAs at one host may be spoken to in two ways: how many exchanges there
 * may be at a time hangs on that. */
static struct origin *
find_origin(const char *host, enum version version)
{
	struct origin *o;
	struct list *l;

	assert(strlen(host) < HOST_MAX);
	for (l = origins.next; l != &origins; l = l->next) {
		o = LIST_OF(l, struct origin, link);
		if (o->version == version && strcmp(o->host, host) == 0)
			return o;
	}
	if (origin_count >= ORIGINS_KEPT)
		forget_idle();
	o = xcalloc(1, sizeof(*o));
	snprintf(o->host, sizeof(o->host), "%s", host);
	o->version = version;
	/* Until it has shown that it speaks HTTP/2. */
	o->cap = http_limits.connections;
	list_init(&o->link);
	list_init(&o->waiting);
	list_join(&origins, &o->link);
	origin_count++;
	return o;
}

/* "ca.example", "ca.example:14000"; false if url is no https URL, nor one of
 * http where that will do. */
static bool
host_of(char out[HOST_MAX], const char *url, bool plain)
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	CURLU *u = curl_url();
	bool fine = u != NULL &&
	    curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) ==
	    CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    (strcmp(scheme, "https") == 0 ||
	    (plain && strcmp(scheme, "http") == 0));

	if (fine)
		curl_url_get(u, CURLUPART_PORT, &port,
		    CURLU_NO_DEFAULT_PORT);
	if (fine)
		snprintf(out, HOST_MAX, "%s%s%s", host,
		    port != NULL ? ":" : "", port != NULL ? port : "");
	else
		snprintf(out, HOST_MAX, "(none)");
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return fine;
}

/* --- one exchange ------------------------------------------------------ */

static void
add_line(struct http_exchange *x, const char *name, const char *value)
{
	struct curl_slist *more;
	char line[512];

	assert(strlen(name) + strlen(value) + 3 < sizeof(line));
	snprintf(line, sizeof(line), "%s:%s%s", name, *value != '\0' ? " " :
	    "", value);
	more = curl_slist_append(x->lines, line);
	if (more == NULL)
		abort();
	x->lines = more;
}

/* All that a default of libcurl could decide otherwise in the next release
 * is said. */
static void
set_switches(CURL *e)
{
	const struct { CURLoption option; long value; } longs[] = {
		{ CURLOPT_NOSIGNAL, 1 }, { CURLOPT_NOPROGRESS, 0 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_HTTP09_ALLOWED, 0 }, { CURLOPT_PATH_AS_IS, 1 },
		{ CURLOPT_DISALLOW_USERNAME_IN_URL, 1 },
		{ CURLOPT_SSL_VERIFYPEER, 1 }, { CURLOPT_SSL_VERIFYHOST, 2 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_HTTP_VERSION, flood_can_be_stopped() ?
		    CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_PIPEWAIT, 1 }, { CURLOPT_MAXAGE_CONN, 60 },
		{ CURLOPT_MAXLIFETIME_CONN, 300 },
		/* A lookup that hangs must not hold up the loop when its
		 * exchange is given up. */
		{ CURLOPT_QUICK_EXIT, 1 },
		/* The head of a proxy's answer is none of the CA's. */
		{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
		{ CURLOPT_CONNECTTIMEOUT_MS, http_limits.connect_ms },
		{ CURLOPT_TIMEOUT_MS, http_limits.timeout_ms },
		{ CURLOPT_LOW_SPEED_LIMIT, http_limits.slow_bytes },
		{ CURLOPT_LOW_SPEED_TIME, http_limits.slow_s }
	};
	size_t i;

	assert(agent[0] != '\0');
	for (i = 0; i < sizeof(longs) / sizeof(longs[0]); i++)
		curl_easy_setopt(e, longs[i].option, longs[i].value);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	curl_easy_setopt(e, CURLOPT_USERAGENT, agent);
	/* A folder of roots turns curl's cache of them off. */
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
}

static void
set_callbacks(struct http_exchange *x)
{
	CURL *e = x->easy;

	assert(x->easy != NULL);
	flood_watch(e);
	curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->words);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_line);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, x);
	curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(e, CURLOPT_READDATA, x);
	curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, x);
}

static void
set_request(struct http_exchange *x)
{
	struct curl_blob roots = { x->trust.p, x->trust.len,
		CURL_BLOB_NOCOPY };
	CURL *e = x->easy;

	assert(x->lines == NULL);
	curl_easy_setopt(e, CURLOPT_URL, x->url);
	if (x->origin->version == ONLY_1_1)
		curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
		    CURL_HTTP_VERSION_1_1);
	/* "" keeps curl from the environment's. */
	curl_easy_setopt(e, CURLOPT_PROXY, x->proxy);
	add_line(x, "Accept", x->accept);
	add_line(x, "Accept-Language", "en");
	add_line(x, "Expect", "");
	if (strcmp(x->method, "HEAD") == 0)
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	if (strcmp(x->method, "POST") == 0) {
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)x->body.len);
		add_line(x, "Content-Type", x->content_type);
	}
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->lines);
	if (x->trust.len > 0)
		curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &roots);
}

/* Nothing is kept of a look, or taken from elsewhere: neither connection nor
 * protocol. */
static void
set_look(struct http_exchange *x)
{
	CURL *e = x->easy;
	char place[80];

	assert(x->at != NULL && x->places == NULL);
	snprintf(place, sizeof(place), strchr(x->at, ':') != NULL ?
	    "::[%s]:" : "::%s:", x->at);
	x->places = curl_slist_append(NULL, place);
	if (x->places == NULL)
		abort();
	curl_easy_setopt(e, CURLOPT_CONNECT_TO, x->places);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
}

static void
free_exchange(struct http_exchange *x)
{
	assert(x->easy == NULL && x->origin->members > 0);
	assert(exchanges > 0);
	exchanges--;
	free(x->at);
	free(x->method);
	free(x->url);
	free(x->accept);
	free(x->content_type);
	free(x->proxy);
	blob_free(&x->body);
	blob_free(&x->trust);
	blob_free(&x->reply.body);
	http_head_free(&x->head);
	buf_free(&x->in);
	x->origin->members--;
	free(x);
}

static void
start(struct http_exchange *x)
{
	assert(x->easy == NULL && x->origin->running < x->origin->cap);
	x->easy = curl_easy_init();
	if (x->easy == NULL)
		abort();
	set_switches(x->easy);
	set_callbacks(x);
	set_request(x);
	if (x->at != NULL)
		set_look(x);
	if (x->patient)
		curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME,
		    http_limits.patient_s);
	if (x->timeout_ms > 0)
		curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, x->timeout_ms);
	list_join(&busy, &x->link);
	x->origin->running++;
	running++;
	curl_multi_add_handle(multi, x->easy);
}

/* The origin whose turn it is; NULL: none waits or none may. */
static struct origin *
next_origin(void)
{
	struct origin *o;
	struct list *l;

	if (running >= http_limits.running)
		return NULL;
	for (l = origins.next; l != &origins; l = l->next) {
		o = LIST_OF(l, struct origin, link);
		if (o->running < o->cap && !list_empty(&o->waiting))
			return o;
	}
	return NULL;
}

/* As many as there is room for. Who had a turn goes to the end, so that busy
 * origins share what there is. */
static void
start_some(void)
{
	struct origin *o;

	while ((o = next_origin()) != NULL) {
		list_leave(&o->link);
		list_join(&origins, &o->link);
		start(LIST_OF(list_take(&o->waiting), struct http_exchange,
		    link));
	}
}

/* Takes it away from curl. */
static void
detach(struct http_exchange *x)
{
	assert(x->easy != NULL && x->origin->running > 0 && running > 0);
	list_leave(&x->link);
	curl_multi_remove_handle(multi, x->easy);
	curl_easy_cleanup(x->easy);
	curl_slist_free_all(x->lines);
	curl_slist_free_all(x->places);
	x->easy = NULL;
	x->lines = x->places = NULL;
	x->origin->running--;
	running--;
}

static void
tell_later(struct http_exchange *x)
{
	assert(x->easy == NULL && tell_timer != NULL);
	list_join(&ended, &x->link);
	loop_timer_after(tell_timer, 0);
}

static void
fill_reply(struct http_exchange *x)
{
	struct http_reply *r = &x->reply;
	long version = 0;

	assert(x->easy != NULL && x->reply.body.p == NULL);
	r->outcome = HTTP_REPLIED;
	r->status = x->head.status;
	r->content_type = x->head.field[HEAD_TYPE];
	r->location = x->head.field[HEAD_LOCATION];
	r->retry_after = x->head.field[HEAD_RETRY];
	r->nonce = x->head.field[HEAD_NONCE];
	r->date = x->head.field[HEAD_DATE];
	r->link = x->head.field[HEAD_LINK];
	r->server = x->head.field[HEAD_SERVER];
	r->doubled = x->head.doubled;
	r->body.len = x->in.len;
	r->body.p = (uint8_t *)buf_take(&x->in);
	curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
	x->origin->is_one = version < CURL_HTTP_VERSION_2_0;
	x->origin->cap = x->origin->is_one ? http_limits.connections :
	    http_limits.per_origin;
}

/* A connection that was cut off looks as if it had broken. */
static enum http_fault
fault_of(const struct http_exchange *x, CURLcode code)
{
	if (x->fault == HTTP_FINE && code != CURLE_OK && flood_was_cut())
		return HTTP_FLOOD;
	return x->fault;
}

/* libcurl has one word for a stream that the server refused unread (GOAWAY,
 * RFC 9113 section 6.8) and for a connection that broke before the answer: it
 * would send again, but must not. HTTP/1.1 knows no such refusal; its word is
 * about a kept connection, so that an answer came by it before. */
static enum http_outcome
outcome_of(const struct http_exchange *x, const struct http_failure *f)
{
	if (!f->sent)
		return HTTP_NOT_SENT;
	return !x->origin->is_one && f->fault == HTTP_FINE &&
	    f->code == CURLE_SEND_FAIL_REWIND ? HTTP_CUT : HTTP_LOST;
}

/* What is told apart is whether the other side can have seen the request:
 * only what can't may simply be sent again. */
static void
end(struct http_exchange *x, CURLcode code)
{
	struct http_failure f = { x->easy, code, fault_of(x, code),
		x->origin->host, x->words, false };
	long bytes = 0, fresh = 0, tunnel = 0;

	assert(x->easy != NULL && x->origin->running > 0);
	curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &bytes);
	curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &fresh);
	/* Words to a proxy that lets nobody through reach no CA. */
	curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	f.sent = (bytes > 0 || x->taken > 0) && tunnel < 300;
	requests += f.sent;
	connections += (uint64_t)fresh;
	if (code == CURLE_OK)
		fill_reply(x);
	else {
		x->reply.outcome = outcome_of(x, &f);
		http_explain(&f, &x->reply.err);
		if (*x->proxy != '\0')
			err_context(&x->reply.err, "by proxy %s", x->proxy);
		log_debug("%s: exchange failed (%d %s)", f.host, (int)code,
		    x->words);
	}
	assert(x->reply.outcome == HTTP_REPLIED || x->reply.err.code != ERR_OK);
	detach(x);
	tell_later(x);
}

static void
collect(void)
{
	struct http_exchange *x;
	CURLMsg *m;
	char *mine;
	int left;

	assert(multi != NULL);
	while ((m = curl_multi_info_read(multi, &left)) != NULL)
		if (m->msg == CURLMSG_DONE) {
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE,
			    &mine);
			x = (struct http_exchange *)(void *)mine;
			end(x, m->data.result);
		}
	start_some();
}

static void
tell(void *ctx)
{
	struct list *l;

	assert(told == NULL);
	(void)ctx;
	/* What ends from here on belongs to the next turn. */
	while ((l = list_take(&ended)) != NULL)
		list_join(&telling, l);
	while ((l = list_take(&telling)) != NULL) {
		told = LIST_OF(l, struct http_exchange, link);
		told->done(told->ctx, &told->reply);
		free_exchange(told);
		told = NULL;
	}
}

/* --- what the engine calls --------------------------------------------- */

int
http_init(struct err *err)
{
	const curl_version_info_data *v;

	assert(multi == NULL);
	/* Whatever openssl.cnf says is not for us. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (multi = curl_multi_init()) == NULL)
		return err_set(err, ERR_INTERNAL,
		    "the HTTP client does not start");
	v = curl_version_info(CURLVERSION_NOW);
	snprintf(agent, sizeof(agent), PACKAGE "/" PACKAGE_VERSION
	    " libcurl/%s", v->version);
	list_init(&origins);
	list_init(&busy);
	list_init(&ended);
	list_init(&telling);
	curl_timer = loop_timer_new(on_curl_timer, NULL);
	tell_timer = loop_timer_new(tell, NULL);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_watch);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_delay);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
	    (long)http_limits.connections);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
	    (long)IDLE_CONNECTIONS);
	return 0;
}

static void
drop_all(struct list *from)
{
	struct http_exchange *x;
	struct list *l;

	while ((l = list_take(from)) != NULL) {
		x = LIST_OF(l, struct http_exchange, link);
		if (x->easy != NULL)
			detach(x);
		free_exchange(x);
		assert(list_empty(from));
	}
}

void
http_fini(void)
{
	struct list *l;

	drop_all(&ended);
	drop_all(&telling);
	drop_all(&busy);
	for (l = origins.next; l != &origins; l = l->next)
		drop_all(&LIST_OF(l, struct origin, link)->waiting);
	while ((l = list_take(&origins)) != NULL)
		free(LIST_OF(l, struct origin, link));
	origin_count = 0;
	assert(exchanges == 0 && running == 0);
	curl_multi_cleanup(multi);
	multi = NULL;
	loop_timer_free(curl_timer);
	loop_timer_free(tell_timer);
	curl_global_cleanup();
}

struct http_exchange *
http_send(const struct http_request *r,
    void (*done)(void *ctx, const struct http_reply *reply), void *ctx)
{
	struct http_exchange *x = xcalloc(1, sizeof(*x));
	char host[HOST_MAX];
	bool fine = host_of(host, r->url, r->at != NULL);

	assert(done != NULL && multi != NULL);
	exchanges++;
	x->method = xstrdup(r->method);
	x->url = xstrdup(r->url);
	x->accept = xstrdup(r->accept != NULL ? r->accept :
	    "application/json");
	x->content_type = xstrdup(r->content_type != NULL ? r->content_type :
	    "application/octet-stream");
	x->body = blob_copy(r->body.p, r->body.len);
	x->trust = blob_copy(r->trust.p, r->trust.len);
	x->reply_max = r->reply_max;
	x->patient = r->patient;
	x->proxy = xstrdup(r->proxy != NULL ? r->proxy : "");
	x->no_inner = r->no_inner && *x->proxy == '\0';
	x->at = r->at != NULL ? xstrdup(r->at) : NULL;
	x->timeout_ms = r->timeout_ms;
	buf_init(&x->in, r->reply_max);
	x->done = done;
	x->ctx = ctx;
	x->origin = find_origin(host, version_of(r->version));
	x->origin->members++;
	list_init(&x->link);
	assert(x->easy == NULL && exchanges > 0);
	if (fine) {
		list_join(&x->origin->waiting, &x->link);
		start_some();
	} else {
		x->reply.outcome = HTTP_NOT_SENT;
		err_set(&x->reply.err, ERR_CA_PROTOCOL,
		    "\"%s\" is no https URL", r->url);
		tell_later(x);
	}
	return x;
}

void
http_cancel(struct http_exchange *x)
{
	assert(x->done != NULL);
	if (x == told)
		return;
	list_leave(&x->link);
	if (x->easy != NULL)
		detach(x);
	free_exchange(x);
	start_some();
}

void
http_counts(uint64_t *sent, uint64_t *opened)
{
	*sent = requests;
	*opened = connections;
}

int
http_pending(void)
{
	assert(exchanges >= 0);
	return exchanges;
}
