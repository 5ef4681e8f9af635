/* The common start of the programs that meet private keys. */
#include <config.h>
#include <assert.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <openssl/crypto.h>
#include "daemon/confined.h"
#include "daemon/log.h"
#include "daemon/wire.h"

/* The master ends us by closing the channel; a person's Ctrl-C, which the
 * terminal sends to all of its processes, must not get in between. */
static void
set_signals(void)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGPIPE };
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

/* libcrypto wipes what it knows to be a key, and forgets some: writing a key
 * as PKCS#8 leaves the bytes behind in 3.0. So all that it frees is wiped. */
static void
wiping_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void *
plain_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void *
wiping_realloc(void *p, size_t n, const char *file, int line)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *q;

	if (had >= n && n > 0)
		return p;
	q = n > 0 ? malloc(n) : NULL;
	assert(had < n || n == 0);
	if (q != NULL && p != NULL)
		memcpy(q, p, had);
	if (q != NULL || n == 0)
		wiping_free(p, file, line);
	return q;
}

/* Before any input: a process that was started by anybody else ends here. */
void
confined_open(enum role role)
{
	struct rlimit none = { 0, 0 };
	socklen_t n = sizeof(int);
	int type;

	assert(role != ROLE_MASTER && role < ROLE_COUNT);
	log_open(role_name(role), LOG_LEVEL_INFO);
	set_signals();
	setrlimit(RLIMIT_CORE, &none);
	if (getsockopt(WIRE_FD_MASTER, SOL_SOCKET, SO_TYPE, &type, &n) != 0 ||
	    type != SOCK_SEQPACKET) {
		log_error("there is no channel to a master: everleafd starts "
		    "this program");
		exit(2);
	}
	if (CRYPTO_set_mem_functions(plain_malloc, wiping_realloc,
	    wiping_free) != 1)
		log_warning("memory of the crypto library is not wiped");
	/* The token reads it by itself, for a library of its own. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
		log_error("the crypto library does not start");
		exit(1);
	}
}

/* Tried in a child, with the real work: libraries of tomorrow may need a
 * call that today's did not. */
bool
confined_fits(const struct sandbox_plan *plan, int (*work)(void))
{
	assert(work != NULL);
	if (sandbox_try(plan, work))
		return true;
	log_error("alarm: the system call allow-list of the %s does not fit "
	    "the libraries of this machine. It runs with a deny-list, which "
	    "is weaker; please report the versions of libc and libcrypto",
	    role_name(plan->role));
	return false;
}

void
confined_enter(const struct sandbox_plan *plan)
{
	struct sandbox_report report;
	struct err err;

	assert(plan->role != ROLE_MASTER);
	if (sandbox_enter(plan, &report, &err) != 0) {
		log_err(&err, "confinement");
		exit(1);
	}
	sandbox_say(&report);
}
