/* tls-alpn-01 of the built responder, with the test as a CA and as everybody
 * else; rows F1, F6 and F9 of security.md. */
#include <config.h>
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "daemon/wire.h"
#include "tests/unit/responder_child.h"

#define OTHER "0123456789abcdefghijklmn"
#define OTHER_KEYAUTH OTHER ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define ACME "\x0a" "acme-tls/1"
#define HTTP "\x08" "http/1.1"
#define V6 "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2." \
	"ip6.arpa"

enum { HANDSHAKE_MS = 8000 };

static SSL_CTX *ctx;

static int64_t
mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint16_t
publish(const char *host)
{
	return responder_publish("tls-alpn-01", TOKEN, host, KEYAUTH);
}

/* --- clients --------------------------------------------------------------*/

/* From 127.0.0.host. */
static int
dial(uint32_t host)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = {
		.sin_family = AF_INET, .sin_port = responder.tls_port };
	struct timeval t = { .tv_sec = HANDSHAKE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail_msg("connect");
	return fd;
}

/* What a handshake came to. */
struct finding {
	bool done;
	int alert;		/* if not done; 0: it just ended */
	X509 *cert;
	bool tickets, talks;	/* it sent a ticket, or more than its end */
};

static int alert_seen;

static void
on_state(const SSL *ssl, int where, int value)
{
	(void)ssl;
	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT &&
	    (value & 0xff) != SSL_AD_CLOSE_NOTIFY)
		alert_seen = value & 0xff;
}

static SSL *
client(int fd, const char *sni, const char *alpn, int version)
{
	SSL *ssl = SSL_new(ctx);

	assert_non_null(ssl);
	SSL_set_fd(ssl, fd);
	SSL_set_info_callback(ssl, on_state);
	SSL_set_cipher_list(ssl, "DEFAULT@SECLEVEL=0");
	SSL_set_min_proto_version(ssl, version == 0 ? TLS1_2_VERSION :
	    version);
	SSL_set_max_proto_version(ssl, version);
	if (sni != NULL)
		SSL_set_tlsext_host_name(ssl, sni);
	if (alpn != NULL)
		SSL_set_alpn_protos(ssl, (const unsigned char *)alpn,
		    (unsigned)strlen(alpn));
	return ssl;
}

static struct finding
shake_on(int fd, const char *sni, const char *alpn, int version)
{
	struct finding f = { .done = false };
	SSL *ssl = client(fd, sni, alpn, version);
	const unsigned char *chosen;
	unsigned int n;
	char c;

	alert_seen = 0;
	f.done = SSL_connect(ssl) == 1;
	if (f.done) {
		f.cert = SSL_get1_peer_certificate(ssl);
		f.talks = SSL_read(ssl, &c, 1) > 0;
		f.tickets = SSL_SESSION_has_ticket(SSL_get_session(ssl)) != 0;
		SSL_get0_alpn_selected(ssl, &chosen, &n);
		assert_int_equal(n, 10);
		assert_memory_equal(chosen, "acme-tls/1", 10);
	}
	f.alert = alert_seen;
	SSL_free(ssl);
	close(fd);
	ERR_clear_error();
	return f;
}

static struct finding
shake(const char *sni, const char *alpn, int version)
{
	return shake_on(dial(1), sni, alpn, version);
}

/* RFC 8737 section 3: acmeIdentifier is critical, a digest in an OCTET
 * STRING. */
static void
assert_proves(X509 *cert, const char *keyauth)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	int at = X509_get_ext_by_OBJ(cert, oid, -1);
	const ASN1_OCTET_STRING *value;
	unsigned char want[34] = { 0x04, 0x20 };
	X509_EXTENSION *ext;

	ASN1_OBJECT_free(oid);
	assert_true(at >= 0);
	ext = X509_get_ext(cert, at);
	assert_int_equal(X509_EXTENSION_get_critical(ext), 1);
	value = X509_EXTENSION_get_data(ext);
	EVP_Digest(keyauth, strlen(keyauth), want + 2, NULL, EVP_sha256(),
	    NULL);
	assert_int_equal(ASN1_STRING_length(value), 34);
	assert_memory_equal(ASN1_STRING_get0_data(value), want, 34);
	assert_int_equal(X509_get_ext_count(cert), 2);
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(cert)), 1);
	assert_true(X509_cmp_current_time(X509_get0_notBefore(cert)) < 0);
	assert_true(X509_cmp_current_time(X509_get0_notAfter(cert)) > 0);
}

static void
assert_is_for(X509 *cert, const char *host)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL,
	    NULL);

	assert_non_null(all);
	assert_int_equal(sk_GENERAL_NAME_num(all), 1);
	GENERAL_NAMES_free(all);
	assert_int_equal(X509_check_ip_asc(cert, host, 0) == 1 ||
	    X509_check_host(cert, host, 0, X509_CHECK_FLAG_NO_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1, 1);
}

static void
answers_quickly(uint32_t from)
{
	int64_t began = mono();
	struct finding f = shake_on(dial(from), "www.example.com", ACME, 0);

	assert_true(f.done);
	assert_true(mono() - began < 3000);
	X509_free(f.cert);
}

/* --- tests ----------------------------------------------------------------*/

static void
proves_what_is_published(void **state)
{
	static const struct { const char *host, *sni; int version; } rows[] = {
		{ "www.example.com", "www.example.com", TLS1_3_VERSION },
		{ "www.example.com", "www.example.com", TLS1_2_VERSION },
		{ "www.example.com", "WWW.Example.COM", 0 },
		{ "192.0.2.1", "1.2.0.192.in-addr.arpa", 0 },
		{ "2001:db8::1", V6, 0 }
	};
	struct finding f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(publish(rows[i].host), WIRE_OK);
		f = shake(rows[i].sni, ACME, rows[i].version);
		if (!f.done)
			fail_msg("%s: alert %d", rows[i].sni, f.alert);
		assert_proves(f.cert, KEYAUTH);
		assert_is_for(f.cert, rows[i].host);
		assert_false(f.talks);
		assert_false(f.tickets);
		X509_free(f.cert);
	}
}

static void
f6_everybody_else(void **state)
{
	static const struct { const char *sni, *alpn; int version, alert; }
	rows[] = {
		{ "pending.example", ACME, 0, SSL_AD_UNRECOGNIZED_NAME },
		{ "example.com", ACME, 0, SSL_AD_UNRECOGNIZED_NAME },
		{ "x.www.example.com", ACME, 0, SSL_AD_UNRECOGNIZED_NAME },
		{ "http.example", ACME, 0, SSL_AD_UNRECOGNIZED_NAME },
		{ NULL, ACME, 0, SSL_AD_UNRECOGNIZED_NAME },
		{ "192.0.2.1", ACME, 0, SSL_AD_UNRECOGNIZED_NAME },
		{ "2.2.0.192.in-addr.arpa", ACME, 0,
		  SSL_AD_UNRECOGNIZED_NAME },
		{ "www.example.com", NULL, 0,
		  SSL_AD_NO_APPLICATION_PROTOCOL },
		{ "www.example.com", HTTP, 0,
		  SSL_AD_NO_APPLICATION_PROTOCOL },
		{ "www.example.com", ACME HTTP, 0,
		  SSL_AD_NO_APPLICATION_PROTOCOL },
		{ "www.example.com", HTTP ACME, 0,
		  SSL_AD_NO_APPLICATION_PROTOCOL },
		{ "www.example.com", ACME, TLS1_1_VERSION, -1 }
	};
	struct finding f;
	size_t i;

	(void)state;
	assert_int_equal(publish("www.example.com"), WIRE_OK);
	assert_int_equal(publish("192.0.2.1"), WIRE_OK);
	assert_int_equal(responder_publish("http-01", TOKEN, "http.example",
	    KEYAUTH), WIRE_OK);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f = shake(rows[i].sni, rows[i].alpn, rows[i].version);
		if (f.done || (rows[i].alert >= 0 &&
		    f.alert != rows[i].alert))
			fail_msg("row %zu: alert %d", i, f.alert);
	}
	answers_quickly(1);
}

/* A ClientHello that comes byte by byte is one like any other. */
static void
f6_one_byte_at_a_time(void **state)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL *ssl = client(-1, "www.example.com", ACME, 0);
	char *hello, reply[64];
	int fd = dial(1);
	long n, i;

	(void)state;
	SSL_set_bio(ssl, in, out);
	assert_int_equal(SSL_connect(ssl), -1);
	n = BIO_get_mem_data(out, &hello);
	assert_true(n > 100 && n < 2000);
	for (i = 0; i < n; i++) {
		assert_int_equal(send(fd, hello + i, 1, MSG_NOSIGNAL), 1);
		poll(NULL, 0, 1);
	}
	assert_true(recv(fd, reply, sizeof(reply), 0) > 5);
	assert_int_equal(reply[0], 22);		/* a handshake, no alert */
	SSL_free(ssl);
	close(fd);
}

static void
f8_until_withdrawn(void **state)
{
	struct finding f;

	(void)state;
	assert_int_equal(publish("gone.example"), WIRE_OK);
	assert_int_equal(responder_publish("tls-alpn-01", OTHER,
	    "gone.example", OTHER_KEYAUTH), WIRE_OK);
	f = shake("gone.example", ACME, 0);
	assert_proves(f.cert, OTHER_KEYAUTH);
	X509_free(f.cert);
	/* the same of another type is another */
	assert_int_equal(responder_withdraw("http-01", OTHER, "gone.example"),
	    WIRE_OK);
	f = shake("gone.example", ACME, 0);
	assert_proves(f.cert, OTHER_KEYAUTH);
	X509_free(f.cert);
	assert_int_equal(responder_withdraw("tls-alpn-01", OTHER,
	    "gone.example"), WIRE_OK);
	f = shake("gone.example", ACME, 0);
	assert_proves(f.cert, KEYAUTH);
	X509_free(f.cert);
	assert_int_equal(responder_withdraw("tls-alpn-01", TOKEN,
	    "gone.example"), WIRE_OK);
	f = shake("gone.example", ACME, 0);
	assert_false(f.done);
	assert_int_equal(f.alert, SSL_AD_UNRECOGNIZED_NAME);
}

static void
other_types_are_refused(void **state)
{
	(void)state;
	assert_int_equal(responder_publish("dns-01", TOKEN, "www.example.com",
	    KEYAUTH), WIRE_FAILED);
	assert_int_equal(responder_publish("", TOKEN, "www.example.com",
	    KEYAUTH), WIRE_FAILED);
	assert_int_equal(publish("*.example.com"), WIRE_FAILED);
}

/* One address may have 32: more are turned away, others are served. */
static void
f1_one_greedy_address(void **state)
{
	struct finding f;
	int fds[40], i;

	(void)state;
	for (i = 0; i < 40; i++)
		fds[i] = dial(77);
	answers_quickly(78);
	f = shake_on(dial(77), "www.example.com", ACME, 0);
	assert_false(f.done);
	for (i = 0; i < 40; i++)
		close(fds[i]);
}

static long
resident_kib(void)
{
	long size = 0, pages = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)responder.child);
	f = fopen(path, "re");
	if (f != NULL) {
		if (fscanf(f, "%ld %ld", &size, &pages) != 2)
			pages = 0;
		fclose(f);
	}
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Each claims a ClientHello as long as OpenSSL takes, sends a record of it and
 * waits. */
static void
f1_many_that_promise_much(void **state)
{
	static const char head[] = "\x16\x03\x01\x40\x00\x01\x02\x00\x00";
	enum { MANY = 1500 };
	static int fds[MANY];
	static char part[5 + 16384];
	int i;

	(void)state;
	memset(part, 0, sizeof(part));
	memcpy(part, head, sizeof(head) - 1);
	for (i = 0; i < MANY; i++) {
		fds[i] = dial(100 + (uint32_t)i / 30);
		send(fds[i], part, sizeof(part), MSG_NOSIGNAL);
	}
	answers_quickly(1);
#ifndef SANITIZERS
	if (resident_kib() > 128 * 1024)
		fail_msg("%ld KiB", resident_kib());
#endif
	for (i = 0; i < MANY; i++)
		close(fds[i]);
	answers_quickly(1);
}

static void
f9_flood_of_garbage(void **state)
{
	static char junk[65536];
	long before = resident_kib();
	int i, fd;

	(void)state;
	memset(junk, 'G', sizeof(junk));
	for (i = 0; i < 300; i++) {
		fd = dial(1);
		send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
		close(fd);
	}
	answers_quickly(1);
#ifndef SANITIZERS
	assert_true(resident_kib() - before < 4096);
#else
	(void)before;
#endif
}

/* Silence and dripping alike end after five seconds. */
static void
f1_slow_ones(void **state)
{
	static const char hello[64] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
	    "\x03\x03";
	int silent = dial(1), drip = dial(1), i = 0;
	struct pollfd p = { .fd = silent, .events = POLLIN };
	int64_t began = mono();
	char c;

	(void)state;
	while (mono() - began < 9000 &&
	    send(drip, hello + i++, 1, MSG_NOSIGNAL) == 1 &&
	    recv(drip, &c, 1, MSG_DONTWAIT) != 0)
		poll(NULL, 0, 200);
	assert_true(mono() - began > 4500 && mono() - began < 8500);
	assert_int_equal(poll(&p, 1, 2000), 1);
	assert_true(recv(silent, &c, 1, 0) <= 0);
	assert_true(mono() - began > 4500 && mono() - began < 8500);
	close(silent);
	close(drip);
	answers_quickly(1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proves_what_is_published),
		cmocka_unit_test(f6_everybody_else),
		cmocka_unit_test(f6_one_byte_at_a_time),
		cmocka_unit_test(f8_until_withdrawn),
		cmocka_unit_test(other_types_are_refused),
		cmocka_unit_test(f1_one_greedy_address),
		cmocka_unit_test(f1_many_that_promise_much),
		cmocka_unit_test(f9_flood_of_garbage),
		cmocka_unit_test(f1_slow_ones)
	};
	int failed;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	ctx = SSL_CTX_new(TLS_client_method());
	failed = cmocka_run_group_tests(tests, responder_start,
	    responder_stop);
	SSL_CTX_free(ctx);
	return failed;
}
