/* hammer ADDRESS PORT NAME [PAUSE_MS [CAFILE]]: a visitor who never stops. A
 * new TLS connection and one GET each time, until SIGTERM (or until its
 * parent is gone); a line for every leaf that it meets, and at the end
 * "requests=N failed=M". What a person would call "down" is a failure:
 * no connection, no handshake, no whole answer, with CAFILE a chain that
 * does not verify. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_S = 5, ANSWER_MAX = 64 * 1024 };

struct target {
	struct sockaddr_in addr;
	const char *name;
	SSL_CTX *tls;
};

static volatile sig_atomic_t over;

static void
on_signal(int sig)
{
	(void)sig;
	over = 1;
}

static void
say(const char *what)
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(when, sizeof when, "%H:%M:%S", gmtime_r(&now, &tm));
	printf("%s %s\n", when, what);
	fflush(stdout);
}

static void
say_failure(const char *what)
{
	char line[256];
	unsigned long e = ERR_peek_error();

	snprintf(line, sizeof line, "failed: %s%s%s", what, e ? ": " : "",
	    e ? ERR_reason_error_string(e) : "");
	say(line);
	ERR_clear_error();
}

static int
open_tcp(const struct target *t)
{
	struct timeval wait = { .tv_sec = WAIT_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, (const struct sockaddr *)&t->addr, sizeof t->addr)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* One line for each leaf that was not there the time before. */
static void
note_leaf(SSL *ssl)
{
	static unsigned char before[32];
	unsigned char now[32];
	char line[160], *end = line;
	unsigned int n = sizeof now;
	X509 *leaf = SSL_get0_peer_certificate(ssl);

	if (leaf == NULL || !X509_digest(leaf, EVP_sha256(), now, &n) ||
	    memcmp(now, before, sizeof now) == 0)
		return;
	memcpy(before, now, sizeof now);
	end += snprintf(end, 8, "leaf ");
	for (size_t i = 0; i < sizeof now; i++)
		end += snprintf(end, 3, "%02x", now[i]);
	say(line);
}

/* The whole head, and its first line says 200. */
static bool
ask(SSL *ssl, const char *name)
{
	static char answer[ANSWER_MAX + 1];
	char request[512];
	int n, all = 0;

	n = snprintf(request, sizeof request,
	    "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", name);
	if (SSL_write(ssl, request, n) != n)
		return false;
	while (all < ANSWER_MAX &&
	    (n = SSL_read(ssl, answer + all, ANSWER_MAX - all)) > 0)
		all += n;
	answer[all] = '\0';
	return strncmp(answer, "HTTP/1.1 200", 12) == 0 &&
	    strstr(answer, "\r\n\r\n") != NULL;
}

static bool
visit(const struct target *t)
{
	bool good = false;
	int fd = open_tcp(t);
	SSL *ssl;

	if (fd < 0) {
		say_failure("no connection");
		return false;
	}
	ssl = SSL_new(t->tls);
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, t->name);
	SSL_set1_host(ssl, t->name);
	if (SSL_connect(ssl) != 1) {
		say_failure("no handshake");
	} else {
		note_leaf(ssl);
		good = ask(ssl, t->name);
		if (!good)
			say_failure("no answer");
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	close(fd);
	ERR_clear_error();
	return good;
}

/* Signals come in pauses only: a request that our own end has cut short is no
 * failure of the server's. */
static void
hold_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static void
pause_for(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };
	sigset_t none;

	sigemptyset(&none);
	ppoll(NULL, 0, &t, &none);
}

int
main(int argc, char **argv)
{
	struct target t = { .addr = { .sin_family = AF_INET } };
	long requests = 0, failed = 0;
	long pause_ms = argc > 4 ? strtol(argv[4], NULL, 10) : 5;

	if (argc < 4 || inet_pton(AF_INET, argv[1], &t.addr.sin_addr) != 1) {
		fprintf(stderr,
		    "usage: hammer ADDRESS PORT NAME [PAUSE_MS [CAFILE]]\n");
		return 2;
	}
	t.addr.sin_port = htons((uint16_t)strtol(argv[2], NULL, 10));
	t.name = argv[3];
	t.tls = SSL_CTX_new(TLS_client_method());
	if (argc > 5) {
		SSL_CTX_set_verify(t.tls, SSL_VERIFY_PEER, NULL);
		if (!SSL_CTX_load_verify_locations(t.tls, argv[5], NULL))
			return 2;
	}
	hold_signals();
	while (!over) {
		requests++;
		failed += !visit(&t);
		pause_for(pause_ms);
	}
	printf("requests=%ld failed=%ld\n", requests, failed);
	SSL_CTX_free(t.tls);
	return failed != 0;
}
