/* One DNS message to a server by TCP, and its reply (RFC 7766). */
#include <config.h>
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/buf.h"
#include "daemon/dns.h"
#include "daemon/loop.h"

enum { HEAD = 2 };

struct dns_exchange {
	char server[DNS_SERVER_SIZE];
	int fd;
	struct loop_fd *watch;
	struct loop_timer *timer;	/* the limit; or tells of a failure */
	struct buf out, in;		/* with the two bytes of length */
	size_t sent;
	bool failed;
	struct err err;
	void (*done)(void *ctx, const struct blob *reply,
	    const struct err *err);
	void *ctx;
};

static void
free_exchange(struct dns_exchange *x)
{
	loop_fd_free(x->watch);
	loop_timer_free(x->timer);
	if (x->fd >= 0)
		close(x->fd);
	buf_free(&x->out);
	buf_free(&x->in);
	free(x);
}

void
dns_exchange_cancel(struct dns_exchange *x)
{
	if (x != NULL)
		free_exchange(x);
}

static void
finish(struct dns_exchange *x)
{
	struct blob reply = { NULL, 0 };

	assert(x->done != NULL);
	assert(x->failed || x->in.len >= HEAD);
	if (!x->failed) {
		reply.p = (uint8_t *)x->in.data + HEAD;
		reply.len = x->in.len - HEAD;
	}
	x->done(x->ctx, &reply, x->failed ? &x->err : NULL);
	free_exchange(x);
}

static void
fail(struct dns_exchange *x, const char *why)
{
	assert(!x->failed && x->done != NULL);
	x->failed = true;
	err_set(&x->err, ERR_DNS_SILENT, "%s: no answer by TCP: %s",
	    x->server, why);
	err_advise(&x->err, "Is a DNS server up there, and may it be asked "
	    "from here by TCP?");
}

static void
on_limit(void *ctx)
{
	struct dns_exchange *x = ctx;

	assert(x->timer != NULL);
	if (!x->failed)
		fail(x, "it timed out");
	finish(x);
}

/* -1: errno. */
static int
put(struct dns_exchange *x)
{
	ssize_t n = send(x->fd, x->out.data + x->sent, x->out.len - x->sent,
	    MSG_NOSIGNAL);

	assert(x->fd >= 0 && x->sent < x->out.len);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	x->sent += (size_t)n;
	if (x->sent == x->out.len)
		loop_fd_want(x->watch, LOOP_READ);
	return 0;
}

static size_t
wanted(const struct dns_exchange *x)
{
	const uint8_t *p = (const uint8_t *)x->in.data;

	assert(x->in.len <= x->in.max);
	return x->in.len < HEAD ? HEAD : HEAD + p[0] * 256u + p[1];
}

/* 1: the reply is whole; -1: errno, 0 for an end. */
static int
get(struct dns_exchange *x)
{
	uint8_t part[4096];
	size_t most = wanted(x) - x->in.len;
	ssize_t n = recv(x->fd, part, most < sizeof(part) ? most :
	    sizeof(part), 0);

	assert(x->fd >= 0 && x->sent == x->out.len);
	assert(x->in.len < wanted(x));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	errno = 0;
	if (n == 0)
		return -1;
	buf_add(&x->in, part, (size_t)n);
	return x->in.len >= HEAD && x->in.len == wanted(x) ? 1 : 0;
}

static void
go(void *ctx, int events)
{
	struct dns_exchange *x = ctx;
	int rc;

	assert(!x->failed && x->watch != NULL);
	(void)events;
	rc = x->sent < x->out.len ? put(x) : get(x);
	if (rc == 0)
		return;
	if (rc < 0)
		fail(x, errno != 0 ? strerror(errno) :
		    "it closed the connection");
	finish(x);
}

static int
open_to(struct dns_exchange *x)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct dns_server at;
	struct sockaddr *to;
	socklen_t len;

	assert(x->fd < 0);
	errno = EINVAL;
	if (!dns_server_parse(&at, x->server))
		return -1;
	if (at.ipv6) {
		six.sin6_port = htons(at.port);
		inet_pton(AF_INET6, at.address, &six.sin6_addr);
	} else {
		four.sin_port = htons(at.port);
		inet_pton(AF_INET, at.address, &four.sin_addr);
	}
	to = at.ipv6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	len = at.ipv6 ? sizeof(six) : sizeof(four);
	x->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (x->fd < 0)
		return -1;
	return connect(x->fd, to, len) == 0 || errno == EINPROGRESS ? 0 : -1;
}

struct dns_exchange *
dns_exchange(const char *server, const struct blob *message,
    void (*done)(void *ctx, const struct blob *reply, const struct err *err),
    void *ctx)
{
	struct dns_exchange *x = xcalloc(1, sizeof(*x));

	assert(done != NULL && message->len <= DNS_MESSAGE_MAX);
	assert(strlen(server) < DNS_SERVER_SIZE);
	strncpy(x->server, server, sizeof(x->server) - 1);
	x->done = done;
	x->ctx = ctx;
	x->fd = -1;
	buf_init(&x->out, HEAD + (size_t)DNS_MESSAGE_MAX);
	buf_init(&x->in, HEAD + (size_t)DNS_MESSAGE_MAX);
	buf_putc(&x->out, (char)(message->len >> 8));
	buf_putc(&x->out, (char)message->len);
	buf_add(&x->out, message->p, message->len);
	assert(!x->out.full && x->out.len == HEAD + message->len);
	x->timer = loop_timer_new(on_limit, x);
	if (open_to(x) != 0) {
		fail(x, strerror(errno));
		loop_timer_after(x->timer, 0);
		return x;
	}
	loop_timer_after(x->timer, DNS_TCP_MS);
	x->watch = loop_fd_new(x->fd, go, x);
	loop_fd_want(x->watch, LOOP_WRITE);
	return x;
}
