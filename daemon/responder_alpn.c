/* TLS for tls-alpn-01. Each connection is in one list, oldest first: it ends
 * after five seconds, or sooner when others need its place. Nothing is said
 * over TLS but the handshake. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/list.h"
#include "daemon/log.h"
#include "daemon/responder_alpn.h"
#include "daemon/responder_cert.h"
#include "daemon/responder_hello.h"

enum { EVENTS_A_TURN = 64, ACCEPTS_A_TURN = 16 };

struct connection {		/* or a listener: then ssl is NULL */
	struct list link;
	SSL *ssl;
	int fd;
	int64_t born;		/* monotonic ms */
	bool has_ip;
	uint8_t ip[16];		/* IPv4 as ::ffff:a.b.c.d */
};

static const struct table *table;
static SSL_CTX *ctx;
static EVP_PKEY *key;
static int epoll = -1;
static struct connection listeners[ALPN_LISTENERS];
static int listeners_n;
static struct list oldest;
static unsigned open_count, open_max;

/* --- who gets an answer ------------------------------------------------ */

static const char *
find_answer(SSL *ssl, const char **host)
{
	const unsigned char *ext;
	char name[256];
	size_t n;

	assert(table != NULL && host != NULL);
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext,
	    &n) != 1 || !hello_name(name, ext, n))
		return NULL;
	return table_find_sni(table, name, host);
}

static bool
is_acme(SSL *ssl)
{
	const unsigned char *ext;
	size_t n;

	return SSL_client_hello_get0_ext(ssl,
	    TLSEXT_TYPE_application_layer_protocol_negotiation, &ext,
	    &n) == 1 && hello_is_acme(ext, n);
}

/* A certificate for this one handshake: nothing of it is kept. */
static bool
use(SSL *ssl, const char *host, const char *keyauth)
{
	X509 *cert = challenge_cert(key, host, keyauth);
	bool done = cert != NULL && SSL_use_certificate(ssl, cert) == 1 &&
	    SSL_use_PrivateKey(ssl, key) == 1;

	assert(host != NULL && keyauth != NULL && key != NULL);
	X509_free(cert);
	return done;
}

/* Before OpenSSL has done any work for this client. */
static int
on_hello(SSL *ssl, int *alert, void *unused)
{
	const char *host, *keyauth;

	(void)unused;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	if (!is_acme(ssl))
		return SSL_CLIENT_HELLO_ERROR;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	keyauth = find_answer(ssl, &host);
	if (keyauth == NULL)
		return SSL_CLIENT_HELLO_ERROR;
	*alert = SSL_AD_INTERNAL_ERROR;
	return use(ssl, host, keyauth) ? SSL_CLIENT_HELLO_SUCCESS :
	    SSL_CLIENT_HELLO_ERROR;
}

/* on_hello has seen that it is the only one. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
    const unsigned char *in, unsigned int n, void *unused)
{
	(void)ssl;
	(void)unused;
	if (n < 1 || in[0] != n - 1)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = in + 1;
	*out_n = in[0];
	return SSL_TLSEXT_ERR_OK;
}

/* --- connections ------------------------------------------------------- */

static void
end(struct connection *k)
{
	assert(k->ssl == NULL || open_count > 0);
	list_leave(&k->link);
	SSL_free(k->ssl);
	/* What has been said arrives before the end does. */
	shutdown(k->fd, SHUT_WR);
	close(k->fd);
	free(k);
	open_count--;
	ERR_clear_error();
}

/* The one that has been here longest makes room: who holds places gets them
 * for a moment only. */
static void
end_oldest(void)
{
	assert(!list_empty(&oldest));
	end(LIST_OF(oldest.next, struct connection, link));
}

/* A step of it; over when it is done, refused or broken, for there is
 * nothing else to say here. */
static void
shake_hands(struct connection *k)
{
	struct epoll_event e = { .data = { .ptr = k } };
	int rc, why;

	assert(k->ssl != NULL);
	ERR_clear_error();
	rc = SSL_accept(k->ssl);
	why = SSL_get_error(k->ssl, rc);
	if (rc == 1)
		SSL_shutdown(k->ssl);
	e.events = why == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN;
	if (rc == 1 || (why != SSL_ERROR_WANT_READ &&
	    why != SSL_ERROR_WANT_WRITE) ||
	    epoll_ctl(epoll, EPOLL_CTL_MOD, k->fd, &e) != 0)
		end(k);
}

static void
set_ip(struct connection *k, const struct sockaddr_storage *from)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	k->has_ip = from->ss_family != AF_UNIX;
	if (from->ss_family == AF_INET6) {
		memcpy(&six, from, sizeof(six));
		memcpy(k->ip, &six.sin6_addr, 16);
	} else if (from->ss_family == AF_INET) {
		memcpy(&four, from, sizeof(four));
		k->ip[10] = k->ip[11] = 0xff;
		memcpy(k->ip + 12, &four.sin_addr, 4);
	}
}

/* Counted over all that are open: one guest must not take the places of all
 * others. */
static bool
is_greedy(const struct connection *k)
{
	const struct list *l;
	int n = 0;

	for (l = oldest.next; k->has_ip && l != &oldest; l = l->next)
		n += memcmp(LIST_OF(l, struct connection, link)->ip, k->ip,
		    sizeof(k->ip)) == 0;
	return n > ALPN_PER_IP;
}

static void
welcome(int fd, const struct sockaddr_storage *from)
{
	struct connection *k = xcalloc(1, sizeof(*k));
	struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = k } };

	assert(fd >= 0 && epoll >= 0 && ctx != NULL);
	k->fd = fd;
	k->ssl = SSL_new(ctx);
	k->born = clock_mono_ms();
	set_ip(k, from);
	list_init(&k->link);
	list_join(&oldest, &k->link);
	if (++open_count > open_max)
		end_oldest();
	if (k->ssl == NULL || SSL_set_fd(k->ssl, fd) != 1 || is_greedy(k) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		end(k);
}

/* Some at a time: the others that are open get their turn, too. */
static void
take_guests(const struct connection *listener)
{
	struct sockaddr_storage from;
	socklen_t n;
	int i, fd;

	assert(listener->ssl == NULL && listener->fd >= 0);
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		memset(&from, 0, sizeof(from));
		from.ss_family = AF_UNIX;
		n = sizeof(from);
		fd = accept4(listener->fd, (struct sockaddr *)&from, &n,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			welcome(fd, &from);
		else if ((errno == EMFILE || errno == ENFILE) &&
		    !list_empty(&oldest))
			end_oldest();
		else if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

/* --- start and end ----------------------------------------------------- */

static SSL_CTX *
make_context(void)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	if (c == NULL || SSL_CTX_set_min_proto_version(c,
	    TLS1_2_VERSION) != 1 || SSL_CTX_set_num_tickets(c, 0) != 1) {
		SSL_CTX_free(c);
		return NULL;
	}
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_client_hello_cb(c, on_hello, NULL);
	SSL_CTX_set_alpn_select_cb(c, on_alpn, NULL);
	return c;
}

int
alpn_init(const struct table *t, struct err *err)
{
	assert(t != NULL && ctx == NULL && epoll < 0);
	table = t;
	list_init(&oldest);
	key = challenge_key();
	ctx = make_context();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	ERR_clear_error();
	if (key != NULL && ctx != NULL && epoll >= 0)
		return 0;
	return err_set(err, ERR_INTERNAL, "tls-alpn-01: the TLS library does "
	    "not start");
}

/* A quarter of the descriptors at most: the rest is for http-01. */
static unsigned
room(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0 ||
	    l.rlim_cur / 4 >= ALPN_CONNECTIONS)
		return ALPN_CONNECTIONS;
	return (unsigned)l.rlim_cur / 4;
}

int
alpn_listen(int fd, int n, struct err *err)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct connection *l;

	assert(epoll >= 0 && n >= 0 && listeners_n >= 0);
	open_max = room();
	for (; n > 0 && listeners_n < ALPN_LISTENERS; n--, fd++) {
		l = &listeners[listeners_n++];
		l->fd = fd;
		e.data.ptr = l;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
			return err_errno(err, ERR_INTERNAL, "tls-alpn-01: a "
			    "listener cannot be served");
	}
	return 0;
}

void
alpn_fini(void)
{
	while (!list_empty(&oldest))
		end_oldest();
	assert(open_count == 0);
	SSL_CTX_free(ctx);
	EVP_PKEY_free(key);
	close(epoll);
}

/* --- the loop ---------------------------------------------------------- */

int
alpn_fd(void)
{
	return epoll;
}

int
alpn_wait(void)
{
	int64_t left;

	assert(epoll >= 0);
	if (list_empty(&oldest))
		return -1;
	left = LIST_OF(oldest.next, struct connection, link)->born +
	    ALPN_LIFE_MS - clock_mono_ms();
	return left > 0 ? (int)left : 0;
}

/* One event at a time: what it leads to may end other connections. The kernel
 * takes them in turn. */
void
alpn_run(void)
{
	struct connection *k;
	struct epoll_event e;
	int i;

	assert(table != NULL);
	while (!list_empty(&oldest) && alpn_wait() == 0)
		end_oldest();
	for (i = 0; i < EVENTS_A_TURN && epoll_wait(epoll, &e, 1, 0) == 1;
	    i++) {
		k = e.data.ptr;
		if (k->ssl != NULL)
			shake_hands(k);
		else
			take_guests(k);
	}
}

/* --- rehearsal --------------------------------------------------------- */

static bool
go_between(SSL *client, SSL *server)
{
	int i, a = 0, b = 0;

	for (i = 0; i < 10 && (a != 1 || b != 1); i++) {
		a = SSL_connect(client);
		b = SSL_accept(server);
	}
	return a == 1 && b == 1;
}

/* With a table of its own: on_hello looks into the one in force. */
static bool
handshake(SSL *client, SSL *server)
{
	static const char token[] = "rehearsal-rehearsal-rehearsal";
	static const char answer[] = "rehearsal-rehearsal-rehearsal."
	    "0123456789012345678901234567890123456789012";
	static const unsigned char offer[] = "\x0a" "acme-tls/1";
	const struct table *in_force = table;
	struct table *t = table_new();
	BIO *one = NULL, *other = NULL;
	struct err err;
	bool done;

	assert(client != NULL && server != NULL);
	done = table_publish(t, TABLE_ALPN, token, "rehearsal.example", answer,
	    1, &err) == 0 && BIO_new_bio_pair(&one, 0, &other, 0) == 1;
	if (done) {
		SSL_set_bio(client, one, one);
		SSL_set_bio(server, other, other);
		table = t;
		done = SSL_set_tlsext_host_name(client,
		    "rehearsal.example") == 1 &&
		    SSL_set_alpn_protos(client, offer,
		    sizeof(offer) - 1) == 0 && go_between(client, server);
		table = in_force;
	}
	table_free(t);
	return done;
}

/* A whole handshake between two ends of ours: what the library needs once,
 * it has asked for. */
int
alpn_rehearse(void)
{
	SSL_CTX *clients = SSL_CTX_new(TLS_client_method());
	SSL *client = clients != NULL ? SSL_new(clients) : NULL;
	SSL *server = SSL_new(ctx);
	bool done = client != NULL && server != NULL &&
	    handshake(client, server);

	assert(ctx != NULL && key != NULL);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(clients);
	ERR_clear_error();
	return done ? 0 : -1;
}
