/* One TLS handshake over one non-blocking socket, looking at what is shown
 * and trusting nothing: the certificate is compared, not verified. Runs in
 * the engine. */
#include <config.h>
#include <assert.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include "base/mem.h"
#include "base/text.h"
#include "hooks/probe.h"

enum { DRAIN_MAX = 64 * 1024 };

struct probe {
	int fd;
	int wants;
	bool over, connected;
	bool heard, foreign;	/* anything at all; what is no TLS */
	bool asked;		/* the server wants a certificate of ours */
	struct sockaddr_storage to;
	socklen_t to_len;
	SSL *ssl;
	struct probe_finding f;
};

static SSL_CTX *ssl_ctx;
static int probe_index = -1;

/* --- the end of a probe ---------------------------------------------------*/

static enum probe_result
finish(struct probe *p, enum probe_result result)
{
	assert(!p->over && result != PROBE_UNDER_WAY);
	p->f.result = result;
	p->wants = 0;
	p->over = true;
	return result;
}

static enum probe_result
fail(struct probe *p, enum probe_result result, const char *what,
    const char *why)
{
	assert(result != PROBE_LEAF && what[0] != '\0');
	err_set(&p->f.err, result == PROBE_NOT_TLS || result ==
	    PROBE_TLS_FAILED ? ERR_NOT_TLS : ERR_UNREACHABLE, "%s%s%s", what,
	    why != NULL ? ": " : "", why != NULL ? why : "");
	return finish(p, result);
}

/* A server that sees a reset instead of an end logs it as an error. */
static void
close_politely(struct probe *p)
{
	char waste[4096];
	size_t left = DRAIN_MAX;
	ssize_t n;

	assert(p->ssl != NULL && p->fd >= 0);
	ERR_clear_error();
	SSL_shutdown(p->ssl);
	shutdown(p->fd, SHUT_WR);
	do {
		n = recv(p->fd, waste, sizeof(waste), MSG_DONTWAIT);
		left -= n > 0 ? (size_t)n : 0;
	} while (n > 0 && left >= sizeof(waste));
	ERR_clear_error();
}

/* --- what the leaf says ---------------------------------------------------*/

static void
hash(char out[65], unsigned char *der, int len)
{
	unsigned char digest[32];

	out[0] = '\0';
	if (len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(),
	    NULL) == 1)
		text_hex(out, digest, sizeof(digest));
	OPENSSL_free(der);
}

static int64_t
millis(const ASN1_TIME *t)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return ((text_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * 24 +
	    tm.tm_hour) * 3600 + tm.tm_min * 60 + tm.tm_sec) * 1000;
}

static void
words_of(char *out, size_t size, const X509_NAME *name)
{
	BIO *b = BIO_new(BIO_s_mem());
	int n;

	assert(size > 1);
	out[0] = '\0';
	if (b == NULL)
		return;
	if (X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) >= 0) {
		n = BIO_read(b, out, (int)size - 1);
		out[n > 0 ? n : 0] = '\0';
	}
	BIO_free(b);
}

/* "ed25519", "ml-dsa-65": as the library calls it. */
static void
other_key(char out[16], EVP_PKEY *key)
{
	const char *name = EVP_PKEY_get0_type_name(key);
	size_t i;

	if (name == NULL || strlen(name) > 15)
		return;
	for (i = 0; name[i] != '\0'; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	out[i] = '\0';
}

static void
key_of(char out[16], EVP_PKEY *key)
{
	static const struct { const char *group, *name; } curves[] = {
		{ "prime256v1", "ecdsa-p256" }, { "secp384r1", "ecdsa-p384" },
		{ "secp521r1", "ecdsa-p521" }
	};
	char group[64];
	size_t i;

	snprintf(out, 16, "other");
	if (key == NULL)
		return;
	if (EVP_PKEY_is_a(key, "RSA"))
		snprintf(out, 16, "rsa-%d", EVP_PKEY_get_bits(key));
	else if (!EVP_PKEY_is_a(key, "EC"))
		other_key(out, key);
	else if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
		for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
			if (strcmp(group, curves[i].group) == 0)
				snprintf(out, 16, "%s", curves[i].name);
}

/* From here on the server's part is over: what it says after is drained. */
static enum probe_result
take_leaf(struct probe *p, X509 *leaf)
{
	struct probe_finding *f = &p->f;
	unsigned char *der = NULL;
	int len = i2d_X509(leaf, &der);

	assert(leaf != NULL && !p->over);
	hash(f->sha256, der, len);
	der = NULL;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
	hash(f->spki_sha256, der, len);
	f->not_after_ms = millis(X509_get0_notAfter(leaf));
	words_of(f->issuer, sizeof(f->issuer), X509_get_issuer_name(leaf));
	words_of(f->subject, sizeof(f->subject), X509_get_subject_name(leaf));
	key_of(f->key_type, X509_get0_pubkey(leaf));
	close_politely(p);
	return finish(p, PROBE_LEAF);
}

/* --- the handshake --------------------------------------------------------*/

/* Called when the server asks for our certificate, which comes after it has
 * proven that it has the key of its own. */
static int
on_asked(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct probe *p = SSL_get_ex_data(ssl, probe_index);

	assert(p != NULL && p->ssl == ssl);
	(void)cert;
	(void)key;
	p->asked = true;
	return 0;
}

/* Old ciphers and small keys shall be seen, too: we look, we don't trust. */
static bool
make_ctx(void)
{
	static const unsigned char alpn[] = "\x02h2\x08http/1.1";

	if (ssl_ctx != NULL)
		return true;
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	probe_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	ssl_ctx = SSL_CTX_new(TLS_client_method());
	if (ssl_ctx == NULL || probe_index < 0)
		return false;
	SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_2_VERSION);
	SSL_CTX_set_security_level(ssl_ctx, 0);
	SSL_CTX_set_options(ssl_ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_client_cert_cb(ssl_ctx, on_asked);
	SSL_CTX_set_alpn_protos(ssl_ctx, alpn, sizeof(alpn) - 1);
	return true;
}

static bool
is_address(const char *name)
{
	struct in6_addr a;

	return inet_pton(AF_INET, name, &a) == 1 ||
	    inet_pton(AF_INET6, name, &a) == 1;
}

/* TLS records begin with 20 to 23; anything else is another protocol. */
static void
hear(struct probe *p, unsigned char first)
{
	if (!p->heard)
		p->foreign = first < 20 || first > 23;
	p->heard = true;
}

/* Called with whatever OpenSSL reads, which may come at any moment. */
static long
on_read(BIO *b, int op, const char *bytes, size_t len, int argi, long argl,
    int result, size_t *n)
{
	(void)len;
	(void)argi;
	(void)argl;
	if (op == (BIO_CB_READ | BIO_CB_RETURN) && result > 0 && *n > 0)
		hear((struct probe *)(void *)BIO_get_callback_arg(b),
		    (unsigned char)bytes[0]);
	return result;
}

/* SNI is for host names alone (RFC 6066 section 3). */
static bool
prepare(struct probe *p, const char *name)
{
	assert(p->fd >= 0);
	if (!make_ctx() || (p->ssl = SSL_new(ssl_ctx)) == NULL ||
	    SSL_set_ex_data(p->ssl, probe_index, p) != 1)
		return false;
	SSL_set_connect_state(p->ssl);
	if (name != NULL && *name != '\0' && !is_address(name) &&
	    SSL_set_tlsext_host_name(p->ssl, name) != 1)
		return false;
	if (SSL_set_fd(p->ssl, p->fd) != 1)
		return false;
	BIO_set_callback_ex(SSL_get_rbio(p->ssl), on_read);
	BIO_set_callback_arg(SSL_get_rbio(p->ssl), (char *)p);
	return true;
}

/* If our first word could not be sent, what came has not been read yet. */
static bool
speaks_another(struct probe *p)
{
	unsigned char first;

	if (!p->heard && recv(p->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
		hear(p, first);
	return p->foreign;
}

/* A server that wants a client's certificate refuses us only after it has
 * shown its own and proven the key: that is all we came for. */
static enum probe_result
judge_failure(struct probe *p, int error)
{
	unsigned long code = ERR_peek_error();
	X509 *leaf = SSL_get0_peer_certificate(p->ssl);
	bool alert = ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET;
	const char *why = ERR_reason_error_string(code);

	ERR_clear_error();
	if (leaf != NULL && p->asked && alert)
		return take_leaf(p, leaf);
	if (error == SSL_ERROR_SYSCALL || why == NULL)
		return fail(p, PROBE_TLS_FAILED,
		    "the connection was closed during the TLS handshake",
		    NULL);
	return fail(p, PROBE_TLS_FAILED, alert ?
	    "the server refuses the TLS handshake" :
	    "the TLS handshake fails", why);
}

static enum probe_result
shake(struct probe *p)
{
	X509 *leaf;
	int r, error;

	assert(p->connected && p->ssl != NULL);
	ERR_clear_error();
	r = SSL_do_handshake(p->ssl);
	error = SSL_get_error(p->ssl, r);
	if (r != 1 && speaks_another(p)) {
		ERR_clear_error();
		return fail(p, PROBE_NOT_TLS,
		    "what answers there does not speak TLS", NULL);
	}
	if (r != 1 && error == SSL_ERROR_WANT_READ)
		p->wants = PROBE_READ;
	else if (r != 1 && error == SSL_ERROR_WANT_WRITE)
		p->wants = PROBE_WRITE;
	else if (r != 1)
		return judge_failure(p, error);
	else if ((leaf = SSL_get0_peer_certificate(p->ssl)) == NULL)
		return fail(p, PROBE_TLS_FAILED,
		    "the server shows no certificate", NULL);
	else
		return take_leaf(p, leaf);
	assert(p->wants == PROBE_READ || p->wants == PROBE_WRITE);
	return PROBE_UNDER_WAY;
}

/* --- the connection -------------------------------------------------------*/

static enum probe_result
judge_connect(struct probe *p, int error)
{
	if (error == ECONNREFUSED)
		return fail(p, PROBE_REFUSED, "nothing listens there", NULL);
	return fail(p, PROBE_UNREACHABLE, "there is no connection",
	    strerror(error));
}

/* connect() asked again tells how the first one went. */
static enum probe_result
join(struct probe *p)
{
	int r;

	assert(p->fd >= 0 && !p->connected);
	do
		r = connect(p->fd, (struct sockaddr *)&p->to, p->to_len);
	while (r != 0 && errno == EINTR);
	if (r == 0 || errno == EISCONN) {
		p->connected = true;
		return shake(p);
	}
	if (errno != EINPROGRESS && errno != EALREADY)
		return judge_connect(p, errno);
	p->wants = PROBE_WRITE;
	return PROBE_UNDER_WAY;
}

struct probe *
probe_new(const struct sockaddr *to, socklen_t len, const char *protocol,
    const char *name)
{
	struct probe *p = xcalloc(1, sizeof(*p));

	assert(protocol != NULL);
	p->fd = -1;
	if (strcmp(protocol, "tls") != 0) {
		fail(p, PROBE_TLS_FAILED, "no probe knows this protocol",
		    protocol);
		return p;
	}
	assert(len > 0 && len <= sizeof(p->to));
	memcpy(&p->to, to, len);
	p->to_len = len;
	p->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		judge_connect(p, errno);
	else if (!prepare(p, name))
		fail(p, PROBE_TLS_FAILED, "no TLS handshake can be made for",
		    name);
	else
		join(p);
	return p;
}

int
probe_fd(const struct probe *p)
{
	assert(p->over || p->fd >= 0);
	return p->over ? -1 : p->fd;
}

int
probe_wants(const struct probe *p)
{
	assert(!p->over || p->wants == 0);
	return p->wants;
}

bool
probe_connected(const struct probe *p)
{
	return p->connected;
}

enum probe_result
probe_go(struct probe *p)
{
	assert(p->over == (p->f.result != PROBE_UNDER_WAY));
	if (p->over)
		return p->f.result;
	return p->connected ? shake(p) : join(p);
}

const struct probe_finding *
probe_finding(const struct probe *p)
{
	assert(p->over == (p->f.result != PROBE_UNDER_WAY));
	return &p->f;
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	SSL_free(p->ssl);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

/* --- own addresses --------------------------------------------------------*/

/* Link-local ones need a scope, and no service is configured with them. */
static socklen_t
usable(const struct ifaddrs *i)
{
	struct sockaddr_in6 in6;

	if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0)
		return 0;
	if (i->ifa_addr->sa_family == AF_INET)
		return sizeof(struct sockaddr_in);
	if (i->ifa_addr->sa_family != AF_INET6)
		return 0;
	memcpy(&in6, i->ifa_addr, sizeof(in6));
	return IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ? 0 : sizeof(in6);
}

int
probe_local_addresses(struct sockaddr_storage *out, int max)
{
	struct ifaddrs *all, *i;
	unsigned pass;
	socklen_t len;
	int n = 0;

	assert(out != NULL && max >= 0);
	if (getifaddrs(&all) != 0)
		return 0;
	/* Loopback first. */
	for (pass = 0; pass < 2; pass++)
		for (i = all; i != NULL; i = i->ifa_next) {
			len = usable(i);
			if (len == 0 || n == max ||
			    ((i->ifa_flags & IFF_LOOPBACK) == 0) != pass)
				continue;
			memset(&out[n], 0, sizeof(out[n]));
			memcpy(&out[n++], i->ifa_addr, len);
		}
	assert(n <= max);
	freeifaddrs(all);
	return n;
}
