/* The self-check of http-01: look up, connect, fetch, compare. */
#include <config.h>
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/buf.h"
#include "daemon/chance.h"
#include "daemon/fronts.h"
#include "daemon/http_head.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/selfcheck.h"

enum { TIMEOUT_MS = 10000, REPLY_MAX = 4096, ADDRESSES_MAX = 8, PORT = 80 };

static char http_01[] = "http-01";

struct check {			/* the whole of it */
	struct strv names, lines;
	char token[48], keyauth[128];
	bool good;
	size_t open;
	/* One of both. */
	void (*done)(void *ctx, const struct strv *lines, bool good);
	void (*each_done)(void *ctx);
	void (*seen)(void *ctx, const struct selfcheck_seen *s);
	void *ctx;
};

struct name_check {
	struct check *all;
	const char *name;
	int open, right, wrong;
};

struct fetch {			/* from one address */
	struct name_check *of;
	char address[INET6_ADDRSTRLEN];
	int fd;
	bool sent;
	struct loop_fd *watch;
	struct loop_timer *timer;
	struct buf reply;
};

static void
say(struct check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct check *c, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, 4096);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (b.len > 0)
		strv_add(&c->lines, b.data);
	buf_free(&b);
}

static void
tell_seen(const struct check *c, const char *name, const char *address,
    bool right, const char *words)
{
	struct selfcheck_seen s = { name, address, right, words };

	if (c->seen != NULL)
		c->seen(c->ctx, &s);
}

static void
nothing(void *ctx, void *answer, const struct err *err)
{
	(void)ctx;
	(void)answer;
	(void)err;
}

static void
over(struct check *c)
{
	size_t i;

	for (i = 0; i < c->names.n; i++) {
		struct w_withdraw m = { c->token, c->names.v[i], http_01 };

		peer_ask(WIRE_WITHDRAW, &m, nothing, NULL);
	}
	if (c->done != NULL)
		c->done(c->ctx, &c->lines, c->good);
	else
		c->each_done(c->ctx);
	strv_free(&c->names);
	strv_free(&c->lines);
	free(c);
}

static void
name_over(struct name_check *n)
{
	struct check *c = n->all;

	if (--n->open > 0)
		return;
	if (n->right == 0 || n->wrong > 0)
		c->good = false;
	free(n);
	if (--c->open == 0)
		over(c);
}

static void
fetch_over(struct fetch *f, bool right, const char *finding)
{
	struct name_check *n = f->of;

	say(n->all, "%s on %s port 80: %s", n->name, f->address, finding);
	tell_seen(n->all, n->name, f->address, right, finding);
	if (right)
		n->right++;
	else
		n->wrong++;
	loop_fd_free(f->watch);
	loop_timer_free(f->timer);
	close(f->fd);
	buf_free(&f->reply);
	free(f);
	name_over(n);
}

static void
judge(struct fetch *f)
{
	const char *s = f->reply.data != NULL ? f->reply.data : "";
	const char *body = strstr(s, "\r\n\r\n");
	struct buf words;
	char *end;
	long status = strncmp(s, "HTTP/1.", 7) == 0 && f->reply.len > 9 ?
	    strtol(s + 9, &end, 10) : 0;
	const char *keyauth = f->of->all->keyauth;

	if (status == 200 && body != NULL &&
	    strncmp(body + 4, keyauth, strlen(keyauth)) == 0)
		fetch_over(f, true, "our answer arrives there");
	else if (status == 0)
		fetch_over(f, false, "what answers is no web server");
	else {
		buf_init(&words, 2000);
		front_words(&words, f->of->name, status, s);
		fetch_over(f, false, words.data);
		buf_free(&words);
	}
}

static void
go(void *ctx, int events)
{
	struct fetch *f = ctx;
	char request[512], part[1024];
	int error = 0;
	socklen_t n = sizeof(error);
	ssize_t got;

	(void)events;
	if (!f->sent) {
		getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &n);
		if (error != 0) {
			fetch_over(f, false, strerror(error));
			return;
		}
		snprintf(request, sizeof(request), "GET /.well-known/"
		    "acme-challenge/%s HTTP/1.1\r\nHost: %s\r\n"
		    "User-Agent: everleaf/%s\r\nConnection: close\r\n\r\n",
		    f->of->all->token, f->of->name, PACKAGE_VERSION);
		if (send(f->fd, request, strlen(request), MSG_NOSIGNAL) < 0) {
			fetch_over(f, false, strerror(errno));
			return;
		}
		f->sent = true;
		loop_fd_want(f->watch, LOOP_READ);
		return;
	}
	got = recv(f->fd, part, sizeof(part), MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0 || !buf_add(&f->reply, part, (size_t)got))
		judge(f);
}

static void
too_late(void *ctx)
{
	fetch_over(ctx, false, "no answer within 10 seconds");
}

static void
fetch(struct name_check *n, const struct addrinfo *ai)
{
	struct fetch *f = xcalloc(1, sizeof(*f));
	struct sockaddr_storage to;

	memcpy(&to, ai->ai_addr, ai->ai_addrlen);
	if (to.ss_family == AF_INET)
		((struct sockaddr_in *)&to)->sin_port = htons(PORT);
	else
		((struct sockaddr_in6 *)&to)->sin6_port = htons(PORT);
	f->of = n;
	n->open++;
	buf_init(&f->reply, REPLY_MAX);
	getnameinfo(ai->ai_addr, ai->ai_addrlen, f->address,
	    sizeof(f->address), NULL, 0, NI_NUMERICHOST);
	f->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (f->fd < 0 || (connect(f->fd, (struct sockaddr *)&to,
	    ai->ai_addrlen) != 0 && errno != EINPROGRESS)) {
		fetch_over(f, false, strerror(errno));
		return;
	}
	f->watch = loop_fd_new(f->fd, go, f);
	loop_fd_want(f->watch, LOOP_WRITE);
	f->timer = loop_timer_new(too_late, f);
	loop_timer_after(f->timer, TIMEOUT_MS);
}

static void
looked_up(void *ctx, const struct addrinfo *list, const char *why)
{
	struct name_check *n = ctx;
	int k = 0;

	n->open = 1;
	if (list == NULL) {
		say(n->all, "%s: %s. Is the name in the DNS?", n->name,
		    why != NULL ? why : "it has no address");
		tell_seen(n->all, n->name, "", false,
		    why != NULL ? why : "it has no address");
		n->wrong++;
	}
	for (; list != NULL && k < ADDRESSES_MAX; list = list->ai_next, k++)
		fetch(n, list);
	name_over(n);
}

static void
published(void *ctx, void *answer, const struct err *err)
{
	struct check *c = ctx;
	size_t i;

	(void)answer;
	if (--c->open > 0)
		return;
	if (err != NULL) {
		say(c, "%s", err->text);
		c->good = false;
		over(c);
		return;
	}
	c->open = c->names.n;
	for (i = 0; i < c->names.n; i++) {
		struct name_check *n = xcalloc(1, sizeof(*n));

		n->all = c;
		n->name = c->names.v[i];
		loop_resolve(n->name, looked_up, n);
	}
}

static void
start(struct check *c, const struct strv *names)
{
	size_t i;

	c->good = true;
	snprintf(c->token, sizeof(c->token), "everleaf-self-check-%016llx",
	    (unsigned long long)chance_id());
	/* As long as a thumbprint: the responder publishes nothing else. */
	snprintf(c->keyauth, sizeof(c->keyauth), "%s.%043llx", c->token,
	    (unsigned long long)chance_id());
	for (i = 0; i < names->n; i++)
		if (strncmp(names->v[i], "*.", 2) == 0)
			say(c, "%s: a wildcard can't be tried over port 80",
			    names->v[i]);
		else
			strv_add(&c->names, names->v[i]);
	c->open = c->names.n;
	if (c->open == 0)
		over(c);
	for (i = 0; i < names->n; i++) {
		struct w_publish m = { c->token, names->v[i], c->keyauth,
			http_01 };

		if (strncmp(names->v[i], "*.", 2) != 0)
			peer_ask(WIRE_PUBLISH, &m, published, c);
	}
}

void
selfcheck(const struct strv *names, void (*done)(void *ctx,
    const struct strv *lines, bool good), void *ctx)
{
	struct check *c = xcalloc(1, sizeof(*c));

	c->done = done;
	c->ctx = ctx;
	start(c, names);
}

void
selfcheck_each(const struct strv *names, void (*seen)(void *ctx,
    const struct selfcheck_seen *s), void (*done)(void *ctx), void *ctx)
{
	struct check *c = xcalloc(1, sizeof(*c));

	c->seen = seen;
	c->each_done = done;
	c->ctx = ctx;
	start(c, names);
}

bool
selfcheck_own(struct strv *out)
{
	struct ifaddrs *all, *a;
	char text[INET6_ADDRSTRLEN];
	bool known = false;

	if (getifaddrs(&all) != 0)
		return false;
	for (a = all; a != NULL; a = a->ifa_next) {
		if (a->ifa_addr == NULL ||
		    (a->ifa_addr->sa_family != AF_INET &&
		    a->ifa_addr->sa_family != AF_INET6) ||
		    getnameinfo(a->ifa_addr, a->ifa_addr->sa_family == AF_INET
		    ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6),
		    text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		known = known || !http_address_is_inner(a->ifa_addr);
		strv_add(out, text);
	}
	freeifaddrs(all);
	return known;
}
