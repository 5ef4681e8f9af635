/* Parts of the master with nothing around them: what an engine that was taken
 * over may fill up, what one dead file server stops, and secrets that are
 * none. The loop is the test's: it fires alarms when it likes. */
#include <config.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/master.h"
#include "hooks/webroot.h"

#define TOKEN "DGyRejmCefe7v4NfDGDKfA_-0123"
#define THUMB "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

enum { STUCK = 16, ALARMS = 64, MANY = 4200, SERVICES = 256 };

static struct master master;
static int answered, refused, programs;
static enum err_code code;
static bool flips;
static struct blob given;		/* the last secret */
static char given_alg[32];

/* --- the rest of the master --- */

struct watch {
	int fd;
};

struct alarm {
	void (*fn)(void *ctx);
	void *ctx;
};

static struct alarm *alarms[ALARMS];
static pid_t killed[ALARMS];
static size_t alarms_n, killed_n;
static int watches;

struct watch *
watch_new(int fd, void (*fn)(void *ctx), void *ctx)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	(void)fn;
	(void)ctx;
	w->fd = fd;
	watches++;
	return w;
}

void
watch_free(struct watch *w)
{
	watches -= w != NULL;
	free(w);
}

struct alarm *
alarm_new(void (*fn)(void *ctx), void *ctx)
{
	struct alarm *a = xcalloc(1, sizeof(*a));

	a->fn = fn;
	a->ctx = ctx;
	assert_true(alarms_n < ALARMS);
	return alarms[alarms_n++] = a;
}

void
alarm_after(struct alarm *a, int64_t ms)
{
	assert_non_null(a);
	assert_true(ms > 0);
}

void
alarm_free(struct alarm *a)
{
	free(a);
}

void
requests_answer(struct master *m, unsigned engine, uint32_t id,
    enum wire_kind kind, const void *st)
{
	(void)m;
	(void)engine;
	(void)id;
	(void)kind;
	(void)st;
	answered++;
}

void
requests_refuse(struct master *m, unsigned engine, uint32_t id,
    const struct err *err)
{
	(void)m;
	(void)engine;
	(void)id;
	code = err->code;
	refused++;
}

void
jobs_go(struct master *m)
{
	(void)m;
}

bool
jobs_flip_waits(void)
{
	return flips;
}

int
run_dns_program(const struct master *m, const struct w_run_dns *w,
    struct program *out, struct err *err)
{
	(void)m;
	(void)out;
	programs++;
	return err_set(err, ERR_NO_SUCH, "dns \"%s\"", w->dns);
}

bool
child_send(struct child *c, enum wire_kind kind, uint32_t id, const void *st,
    const int *fds, int nfds)
{
	struct blob m = msg_pack(msg_find(wire_specs, (uint16_t)kind), id, st);
	const struct w_secret *w = st;

	(void)c;
	(void)fds;
	(void)nfds;
	if (kind == WIRE_SECRET) {
		blob_free(&given);
		given = blob_copy(w->secret.p, w->secret.len);
		snprintf(given_alg, sizeof(given_alg), "%s", w->alg);
	}
	blob_wipe(&m);
	return true;
}

/* In the child: a file server that is gone. */
int __wrap_webroot_enter(const char *path, bool *gone, struct err *err);
int
__wrap_webroot_enter(const char *path, bool *gone, struct err *err)
{
	while (strncmp(path, "/stuck/", 7) == 0)
		pause();
	*gone = true;
	return err_set(err, ERR_WEBROOT, "%s", path);
}

/* It does not die yet. */
int __wrap_kill(pid_t pid, int sig);
int __real_kill(pid_t pid, int sig);
int
__wrap_kill(pid_t pid, int sig)
{
	assert_int_equal(sig, SIGKILL);
	assert_true(killed_n < ALARMS);
	killed[killed_n++] = pid;
	return 0;
}

static void
remove_all(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	assert_int_equal(rmdir(dir), 0);
}

/* --- webroots -------------------------------------------------------- */

static void
put_token(const char *path)
{
	struct w_webroot *w = xcalloc(1, sizeof(*w));

	w->path = xstrdup(path);
	w->token = xstrdup(TOKEN);
	w->keyauth = xstrdup(TOKEN "." THUMB);
	webroots_add(&master, 1, w);
}

/* E7: each of sixteen directories is on a file server that is gone. */
static void
e7_dead_file_servers(void **state)
{
	struct conf_policy policy = { .title = NULL };
	struct conf conf = { .policies = &policy, .policies_n = 1 };
	char path[32], dir[] = "tokens-XXXXXX";
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	master.conf = &conf;
	master.tokens = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < STUCK; i++) {
		snprintf(path, sizeof(path), "/stuck/%d", (int)i);
		strv_add(&policy.wish.webroot, path);
	}
	strv_add(&policy.wish.webroot, "/fine");
	for (i = 0; i < STUCK; i++)
		put_token(policy.wish.webroot.v[i]);
	assert_int_equal(watches, STUCK);
	put_token("/fine");
	assert_int_equal(watches, STUCK);
	for (i = 0; i < STUCK; i++)
		alarms[i]->fn(alarms[i]->ctx);
	assert_int_equal(refused, STUCK);
	assert_int_equal(code, ERR_WEBROOT);
	assert_int_equal(killed_n, STUCK);
	/* They are dying; the other one is served. */
	assert_int_equal(watches, STUCK + 1);
	for (i = 0; i < killed_n; i++) {
		__real_kill(killed[i], SIGKILL);
		assert_int_equal(waitpid(killed[i], NULL, 0), killed[i]);
	}
	wait(NULL);
	strv_free(&policy.wish.webroot);
	close(master.tokens);
	remove_all(dir);
}

/* --- runs ------------------------------------------------------------ */

static void
ask_dns(uint64_t run)
{
	struct w_run_dns *w = xcalloc(1, sizeof(*w));

	w->run = run;
	w->what = RUN_DNS_ADD;
	w->dns = xstrdup("none");
	w->record = xstrdup("_acme-challenge.shop.example");
	w->value = xstrdup("x");
	runs_add(&master, 1, WIRE_RUN_DNS, w);
}

static void
ask_service(uint64_t run)
{
	struct w_run *w = xcalloc(1, sizeof(*w));

	w->run = run;
	w->what = RUN_RELOAD;
	w->event = RUN_DEPLOY;
	w->service = xstrdup("none");
	runs_add(&master, 1, WIRE_RUN, w);
}

/* What was not even started is forgotten, too, in time. */
static void
refused_runs_are_forgotten(void **state)
{
	uint64_t run;

	(void)state;
	answered = programs = 0;
	for (run = 1; run <= 200; run++)
		ask_dns(run);
	assert_int_equal(answered, 200);
	assert_int_equal(programs, 200);
	ask_dns(200);		/* joined */
	assert_int_equal(programs, 200);
	ask_dns(1);
	assert_int_equal(programs, 201);
}

/* Each run of a service may hold a whole message; those of dns blocks are
 * small, and not in the way of the others. */
static void
runs_that_wait_have_a_bound(void **state)
{
	struct conf conf = { .services_n = 0 };
	uint64_t run;

	(void)state;
	master.conf = &conf;
	flips = true;
	refused = 0;
	for (run = 1000; run < 1000 + MANY; run++)
		ask_service(run);
	assert_int_equal(refused, MANY - SERVICES);
	assert_int_equal(code, ERR_OWN_LIMIT);
	ask_dns(90000);
	assert_int_equal(refused, MANY - SERVICES);
	flips = false;
	runs_go(&master);
}

/* --- secrets --------------------------------------------------------- */

/* D10: a file that is something else, and longer than any key. */
static void
d10_a_long_eab_key(void **state)
{
	char text[1024], path[] = "secret-XXXXXX";
	struct conf_ca ca = { .title = (char[]){ "own" },
		.where = (char[]){ "everleaf.conf:1" }, .eab_key_file = path,
		.eab_algorithm = (char[]){ "hs256" } };
	struct conf conf = { .cas = &ca, .cas_n = 1 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	master.conf = &conf;
	memset(text, 'A', sizeof(text));
	assert_int_equal(write(fd, text, 64), 64);
	secrets_give(&master);
	assert_int_equal(given.len, 48);
	blob_free(&given);
	assert_int_equal(pwrite(fd, text, sizeof(text), 0), sizeof(text));
	secrets_give(&master);
	assert_int_equal(given.len, 0);
	close(fd);
	unlink(path);
}

/* RFC 7518 section 3.2: a key is at least as long as what the hash gives. */
static void
l6_a_short_eab_key(void **state)
{
	static const struct { const char *alg; size_t min; } t[] = {
		{ "hs256", 32 }, { "hs384", 48 }, { "hs512", 64 }
	};
	char text[100], alg[6], path[] = "secret-XXXXXX";
	struct conf_ca ca = { .title = (char[]){ "own" },
		.where = (char[]){ "everleaf.conf:1" }, .eab_key_file = path,
		.eab_algorithm = alg };
	struct conf conf = { .cas = &ca, .cas_n = 1 };
	int fd = mkstemp(path);
	size_t i, n;

	(void)state;
	master.conf = &conf;
	memset(text, 'A', sizeof(text));
	for (i = 0; i < 3; i++) {
		memcpy(alg, t[i].alg, 6);
		n = (t[i].min * 4 + 2) / 3;
		assert_int_equal(pwrite(fd, text, n, 0), n);
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		secrets_give(&master);
		assert_int_equal(given.len, t[i].min);
		assert_string_equal(given_alg, alg);
		blob_free(&given);
		/* one byte less */
		n = ((t[i].min - 1) * 4 + 2) / 3;
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		secrets_give(&master);
		assert_int_equal(given.len, 0);
	}
	close(fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e7_dead_file_servers),
		cmocka_unit_test(refused_runs_are_forgotten),
		cmocka_unit_test(runs_that_wait_have_a_bound),
		cmocka_unit_test(d10_a_long_eab_key),
		cmocka_unit_test(l6_a_short_eab_key)
	};

	return cmocka_run_group_tests_name("parts of the master", tests, NULL,
	    NULL);
}
