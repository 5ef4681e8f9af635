/* Probes, against TLS servers of the test's own, each a process. */
#include <config.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/ssl.h>
#include "base/text.h"
#include "daemon/loop.h"
#include "daemon/prober.h"
#include "tests/unit/pki.h"

enum mode { PLAIN_TLS, ONLY_1_2, ONLY_1_1, WANTS_CERT_1_2, WANTS_CERT_1_3,
	SPEAKS_SMTP, WALKS_OFF, SILENT, MODES };

static struct pki root, ec, rsa, ed;
static struct { pid_t pid; uint16_t port; } servers[MODES];
static uint16_t free_port;

/* --- servers --------------------------------------------------------------*/

/* rsa.example and ed.example get their own certificate; no name at all is
 * refused, so that a probe without SNI is seen to be one. */
static int
on_name(SSL *ssl, int *alert, void *ctx)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct pki *own = name == NULL ? NULL :
	    strcmp(name, "rsa.example") == 0 ? &rsa :
	    strcmp(name, "ed.example") == 0 ? &ed : NULL;

	(void)ctx;
	if (own != NULL) {
		SSL_certs_clear(ssl);
		SSL_use_certificate(ssl, own->cert);
		SSL_use_PrivateKey(ssl, own->key);
	}
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return name != NULL && strcmp(name, "refused.example") == 0 ?
	    SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_OK;
}

/* Without h2 and http/1.1 there is no handshake. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *len,
    const unsigned char *in, unsigned int n, void *ctx)
{
	static const unsigned char offered[] = "\x02h2\x08http/1.1";

	(void)ssl;
	(void)ctx;
	if (n != sizeof(offered) - 1 || memcmp(in, offered, n) != 0)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = in + 1;
	*len = 2;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
server_ctx(enum mode m)
{
	static const int least[MODES] = { TLS1_2_VERSION, TLS1_2_VERSION,
		TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION };
	static const int most[MODES] = { TLS1_3_VERSION, TLS1_2_VERSION,
		TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION };
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, least[m]);
	SSL_CTX_set_max_proto_version(ctx, most[m]);
	SSL_CTX_use_certificate(ctx, ec.cert);
	SSL_CTX_use_PrivateKey(ctx, ec.key);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	if (m == WANTS_CERT_1_2 || m == WANTS_CERT_1_3)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}

static void
serve_one(enum mode m, int fd, SSL_CTX *ctx)
{
	static const char smtp[] = "220 mail.example ESMTP\r\n";
	char waste[1024];
	SSL *ssl;

	if (m == SPEAKS_SMTP && write(fd, smtp, sizeof(smtp) - 1) > 0)
		poll(NULL, 0, 50);
	if (m == WALKS_OFF && read(fd, waste, sizeof(waste)) > 0)
		return;
	if (m == SILENT)
		sleep(30);
	if (ctx == NULL)
		return;
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, waste, 1) == 0 &&
	    SSL_get_error(ssl, 0) == SSL_ERROR_ZERO_RETURN)
		SSL_shutdown(ssl);
	SSL_free(ssl);
}

static void
serve(enum mode m, int listener)
{
	SSL_CTX *ctx = m < SPEAKS_SMTP ? server_ctx(m) : NULL;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			_exit(1);
		if (fork() == 0) {
			alarm(30);
			serve_one(m, fd, ctx);
			_exit(0);
		}
		close(fd);
	}
}

/* Nobody else may answer at this port, whatever the address: who is bound and
 * doesn't listen refuses. False: somebody has it at one of them. */
static bool
hold_elsewhere(uint16_t port)
{
	struct sockaddr_storage a[64];
	struct sockaddr_in in4;
	int i, fd, n = probe_local_addresses(a, 64);
	bool mine = true;

	for (i = 0; i < n && mine; i++) {
		/* The port of IPv6 is at the same place. */
		memcpy(&in4, &a[i], sizeof(in4));
		in4.sin_port = htons(port);
		memcpy(&a[i], &in4, sizeof(in4));
		if (a[i].ss_family == AF_INET &&
		    in4.sin_addr.s_addr == htonl(INADDR_LOOPBACK))
			continue;
		fd = socket(a[i].ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		mine = bind(fd, (struct sockaddr *)&a[i], a[i].ss_family ==
		    AF_INET ? sizeof(in4) : sizeof(struct sockaddr_in6)) == 0 ||
		    errno != EADDRINUSE;
	}
	return mine;
}

/* A port of 127.0.0.1. What it takes it keeps until the end of the test. */
static int
bind_at(uint16_t *port)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	int fd, tries;

	for (tries = 0; tries < 20; tries++) {
		memset(&a, 0, sizeof(a));
		a.sin_family = AF_INET;
		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
		    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
			abort();
		*port = ntohs(a.sin_port);
		if (hold_elsewhere(*port))
			return fd;
	}
	abort();
}

static int
set_up(void **state)
{
	int m, fd;

	(void)state;
	root = pki_make("Probe Root", NULL, -1, 30, PKI_ECDSA);
	ec = pki_make("ec.example", &root, -1, 20, PKI_ECDSA);
	rsa = pki_make("rsa.example", &root, -1, 10, PKI_RSA);
	ed = pki_make("ed.example", &root, -1, 10, PKI_ED25519);
	for (m = 0; m < MODES; m++) {
		fd = bind_at(&servers[m].port);
		listen(fd, 300);
		servers[m].pid = fork();
		if (servers[m].pid == 0)
			serve((enum mode)m, fd);
		close(fd);
	}
	bind_at(&free_port);
	loop_init();
	return 0;
}

static int
tear_down(void **state)
{
	int m;

	(void)state;
	prober_fini();
	loop_fini();
	for (m = 0; m < MODES; m++) {
		kill(servers[m].pid, SIGKILL);
		waitpid(servers[m].pid, NULL, 0);
	}
	pki_free(&root);
	pki_free(&ec);
	pki_free(&rsa);
	pki_free(&ed);
	return 0;
}

/* --- single probes --------------------------------------------------------*/

static struct probe_finding
look(uint16_t port, const char *name, int wait_ms)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	struct probe_finding f;
	struct pollfd p;
	struct probe *probe;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	probe = probe_new((struct sockaddr *)&a, sizeof(a), "tls", name);
	while ((p.fd = probe_fd(probe)) >= 0) {
		p.events = (short)
		    (((probe_wants(probe) & PROBE_READ) != 0 ? POLLIN : 0) |
		    ((probe_wants(probe) & PROBE_WRITE) != 0 ? POLLOUT : 0));
		assert_int_not_equal(p.events, 0);
		if (poll(&p, 1, wait_ms) != 1)
			break;
		probe_go(probe);
	}
	f = *probe_finding(probe);
	assert_int_equal(probe_go(probe), f.result);
	probe_free(probe);
	return f;
}

static void
fingerprint(char out[65], const X509 *cert)
{
	unsigned char d[32];
	unsigned int n;

	assert_int_equal(X509_digest(cert, EVP_sha256(), d, &n), 1);
	text_hex(out, d, n);
}

static void
what_is_shown(void **state)
{
	struct probe_finding f = look(servers[PLAIN_TLS].port, "ec.example",
	    5000);
	int64_t in_days = (f.not_after_ms / 1000 - time(NULL) + 60) / 86400;
	char want[65];

	(void)state;
	assert_int_equal(f.result, PROBE_LEAF);
	fingerprint(want, ec.cert);
	assert_string_equal(f.sha256, want);
	assert_int_equal(strlen(f.spki_sha256), 64);
	assert_string_equal(f.subject, "CN=ec.example");
	assert_string_equal(f.issuer, "CN=Probe Root");
	assert_string_equal(f.key_type, "ecdsa-p256");
	assert_int_equal(in_days, 20);
	f = look(servers[PLAIN_TLS].port, "rsa.example", 5000);
	assert_int_equal(f.result, PROBE_LEAF);
	fingerprint(want, rsa.cert);
	assert_string_equal(f.sha256, want);
	assert_string_equal(f.key_type, "rsa-2048");
	f = look(servers[PLAIN_TLS].port, "ed.example", 5000);
	assert_int_equal(f.result, PROBE_LEAF);
	assert_string_equal(f.key_type, "ed25519");
}

static void
no_name_for_addresses(void **state)
{
	static const char *const names[] = { NULL, "", "192.0.2.1",
		"2001:db8::1" };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(look(servers[ONLY_1_2].port, names[i],
		    5000).result, PROBE_LEAF);
}

static void
servers_that_want_a_certificate(void **state)
{
	struct probe_finding f;
	char want[65];

	(void)state;
	fingerprint(want, ec.cert);
	f = look(servers[WANTS_CERT_1_2].port, "ec.example", 5000);
	assert_int_equal(f.result, PROBE_LEAF);
	assert_string_equal(f.sha256, want);
	f = look(servers[WANTS_CERT_1_3].port, "ec.example", 5000);
	assert_int_equal(f.result, PROBE_LEAF);
	assert_string_equal(f.sha256, want);
}

static void
what_goes_wrong(void **state)
{
	static const struct {
		enum mode m;
		const char *name;
		enum probe_result result;
		enum err_code code;
		const char *words;
	} rows[] = {
		{ SPEAKS_SMTP, "x.example", PROBE_NOT_TLS, ERR_NOT_TLS,
		  "does not speak TLS" },
		{ WALKS_OFF, "x.example", PROBE_TLS_FAILED, ERR_NOT_TLS,
		  "" },
		{ ONLY_1_1, "x.example", PROBE_TLS_FAILED, ERR_NOT_TLS,
		  "refuses the TLS handshake" },
		{ PLAIN_TLS, "refused.example", PROBE_TLS_FAILED, ERR_NOT_TLS,
		  "refuses the TLS handshake" }
	};
	struct probe_finding f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f = look(servers[rows[i].m].port, rows[i].name, 5000);
		if (f.result != rows[i].result || f.err.code != rows[i].code ||
		    strstr(f.err.text, rows[i].words) == NULL)
			fail_msg("row %zu: %d %s", i, (int)f.result,
			    f.err.text);
		assert_string_equal(f.sha256, "");
	}
	f = look(free_port, "x.example", 5000);
	assert_int_equal(f.result, PROBE_REFUSED);
	assert_int_equal(f.err.code, ERR_UNREACHABLE);
	f = look(servers[SILENT].port, "x.example", 200);
	assert_int_equal(f.result, PROBE_UNDER_WAY);
}

static void
own_addresses(void **state)
{
	struct sockaddr_storage a[64];
	struct sockaddr_in first;
	int n = probe_local_addresses(a, 64);

	(void)state;
	assert_true(n >= 1);
	memcpy(&first, &a[0], sizeof(first));
	if (a[0].ss_family == AF_INET)
		assert_int_equal(ntohl(first.sin_addr.s_addr) >> 24, 127);
	assert_int_equal(probe_local_addresses(a, 1), 1);
}

/* --- the prober -----------------------------------------------------------*/

static int answers, wanted, last_n, leaves;
static bool asking;
static struct prober_finding last;

static void
no_turn_end(void *ctx)
{
	(void)ctx;
}

static void
on_findings(void *ctx, const struct prober_finding *f, int n)
{
	int i;

	(void)ctx;
	assert_false(asking);
	last_n = n;
	for (i = 0; i < n; i++) {
		last = f[i];
		leaves += f[i].f.result == PROBE_LEAF;
	}
	if (++answers == wanted)
		loop_stop();
}

static void
ask(const char *address, uint16_t port, const char *name)
{
	struct endpoint e = { .protocol = "tls", .port = port };

	snprintf(e.address, sizeof(e.address), "%s", address);
	asking = true;
	prober_ask(&e, name, on_findings, NULL);
	asking = false;
}

static void
run(int n)
{
	answers = leaves = 0;
	last_n = -1;
	wanted = n;
	alarm(40);
	loop_run(no_turn_end, NULL);
	alarm(0);
	assert_int_equal(answers, n);
}

static void
this_machine(void **state)
{
	(void)state;
	ask("", servers[PLAIN_TLS].port, "ec.example");
	run(1);
	assert_int_equal(last_n, 1);
	assert_int_equal(last.f.result, PROBE_LEAF);
	assert_string_equal(last.address, "127.0.0.1");
	assert_int_equal(last.port, servers[PLAIN_TLS].port);
	ask("", free_port, "ec.example");
	run(1);
	assert_int_equal(last_n, 0);
	ask("", servers[SPEAKS_SMTP].port, "ec.example");
	run(1);
	assert_int_equal(last_n, 1);
	assert_int_equal(last.f.result, PROBE_NOT_TLS);
}

static void
addresses_and_names(void **state)
{
	(void)state;
	ask("127.0.0.1", servers[PLAIN_TLS].port, "ec.example");
	run(1);
	assert_int_equal(last_n, 1);
	assert_int_equal(last.f.result, PROBE_LEAF);
	ask("127.0.0.1", free_port, "ec.example");
	run(1);
	assert_int_equal(last_n, 1);
	assert_int_equal(last.f.result, PROBE_REFUSED);
	assert_string_equal(last.address, "127.0.0.1");
	ask("no-such-host.invalid", 443, "ec.example");
	run(1);
	assert_int_equal(last_n, 1);
	assert_int_equal(last.f.result, PROBE_UNREACHABLE);
	assert_non_null(strstr(last.f.err.text, "no-such-host.invalid"));
	ask("public", 443, "*.nothing.invalid");
	run(1);
	assert_non_null(strstr(last.f.err.text, "\"www.nothing.invalid\""));
}

static void
many_at_once(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 200; i++)
		ask("127.0.0.1", servers[PLAIN_TLS].port, "ec.example");
	run(200);
	assert_int_equal(leaves, 200);
}

static void
silence_ends_in_time(void **state)
{
	int64_t began = loop_mono();

	(void)state;
	ask("127.0.0.1", servers[SILENT].port, "ec.example");
	ask("127.0.0.1", servers[PLAIN_TLS].port, "ec.example");
	run(1);
	assert_int_equal(last.f.result, PROBE_LEAF);
	assert_true(loop_mono() - began < 3000);
	run(1);
	assert_int_equal(last.f.result, PROBE_UNREACHABLE);
	assert_non_null(strstr(last.f.err.text, "does not answer"));
	assert_true(loop_mono() - began < PROBE_TIMEOUT_MS + 3000);
}

static void
the_end_stops_all(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		ask("127.0.0.1", servers[SILENT].port, "ec.example");
	ask("no-such-host.invalid", 443, "ec.example");
	answers = 0;
	prober_fini();
	ask("127.0.0.1", servers[PLAIN_TLS].port, "ec.example");
	run(1);
	assert_int_equal(last.f.result, PROBE_LEAF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_shown),
		cmocka_unit_test(no_name_for_addresses),
		cmocka_unit_test(servers_that_want_a_certificate),
		cmocka_unit_test(what_goes_wrong),
		cmocka_unit_test(own_addresses),
		cmocka_unit_test(this_machine),
		cmocka_unit_test(addresses_and_names),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(silence_ends_in_time),
		cmocka_unit_test(the_end_stops_all)
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
