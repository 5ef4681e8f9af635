/* Plays scenario files: one statement a line, one file one test. What the
 * statements are is the table at the end; tests/sim/scenarios/ has them.
 *
 *     conf            the lines up to `end` are everleaf.conf
 *     ca, service, endpoint ...   what the world does from now on
 *     run 60d         time goes by
 *     csr 1 a.example what the file @csr@ holds: key number, names
 *     expect ...      what must be true now
 */
#include <config.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/text.h"
#include "daemon/loop.h"
#include "tests/sim/sim.h"
#include "tests/sim/zones.h"

enum { WORDS_MAX = 12, LINE = 1000, CRASH_LOOP_MAX = 400,
	MEMORY_LOOP_MAX = 5000 };

#define CONF_PROLOGUE \
	"agree-tos = true\nemail = \"ops@shop.example\"\n" \
	"ca \"sim\" {\n directory = \"https://ca.sim/dir\"\n" \
	" max-orders = 16\n}\n"

struct play {
	const char *file;
	FILE *f;
	int line;
	bool begun, sqlite;
	uint32_t seed;
	char failure[600];
	/* crash after every commit: where the loop goes back to */
	long loop_at;
	int loop_line;
	int64_t loop_n, loop_commits;
	bool loop_both, loop_before;
	char csr[40];			/* file that @csr@ stands for */
	int64_t loop_stride;	/* of allocations; 0: it is about commits */
};

static bool
fail(struct play *p, const char *fmt, ...)
{
	char words[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	snprintf(p->failure, sizeof(p->failure), "%s:%d: %s", p->file, p->line,
	    words);
	return false;
}

static bool
span(struct play *p, const char *s, int64_t *ms)
{
	int sign = *s == '-' ? -1 : 1;
	char *end;

	if (*s == '-' || *s == '+')
		s++;
	*ms = strtoll(s, &end, 10);
	if (strcmp(end, "ms") != 0 && !text_duration(ms, s))
		return fail(p, "\"%s\" is no length of time", s);
	*ms *= sign;
	return true;
}

static bool
fine(struct play *p)
{
	if (sim_wrong()[0] != '\0')
		return fail(p, "%s", sim_wrong());
	return true;
}

/* Time goes by; a process that dies by `crash after commit` starts again. */
static bool
run(struct play *p, int64_t ms)
{
	int64_t until = sim_mono() + ms;
	int lives;

	for (lives = 0; lives == 0 || (sim_mono() < until && lives < 1000);
	    lives++) {
		sim_run(until - sim_mono());
		if (!fine(p))
			return false;
		if (sim_is_dead())
			sim_crash();
	}
	return true;
}

/* --- statements -------------------------------------------------------- */

static void
conf_line(struct buf *b, const struct play *p, const char *line)
{
	const char *at = strstr(line, "@csr@");

	if (at == NULL)
		buf_puts(b, line);
	else
		buf_printf(b, "%.*s%s%s", (int)(at - line), line, p->csr,
		    at + 5);
}

/* csr KEY NAME... */
static bool
say_csr(struct play *p, char **w, int n)
{
	int fd;

	if (n < 3)
		return fail(p, "csr KEY NAME...");
	if (p->csr[0] == '\0') {
		snprintf(p->csr, sizeof(p->csr), "/tmp/everleaf-csr.XXXXXX");
		fd = mkstemp(p->csr);
		if (fd < 0)
			abort();
		close(fd);
	}
	sim_csr(p->csr, w[1][0] - '0', w + 2, n - 2);
	return true;
}

static bool
say_conf(struct play *p, char **w, int n)
{
	struct sim_setup setup = { NULL, p->sqlite, p->seed };
	char line[LINE];
	struct buf b;
	bool closed = false;

	buf_init(&b, 1 << 20);
	if (n < 2 || strcmp(w[1], "bare") != 0)
		buf_puts(&b, CONF_PROLOGUE);
	while (!closed && fgets(line, sizeof(line), p->f) != NULL) {
		p->line++;
		closed = strcmp(line, "end\n") == 0;
		if (!closed)
			conf_line(&b, p, line);
	}
	if (!closed)
		return fail(p, "conf without end");
	if (n > 1 && strcmp(w[1], "next") == 0)
		sim_next_config(b.data);
	else if (p->begun)
		sim_reload(b.data);
	else {
		setup.config = b.data;
		sim_begin(&setup);
	}
	p->begun = true;
	buf_free(&b);
	return fine(p);
}

static bool
say_run(struct play *p, char **w, int n)
{
	int64_t ms;

	return n == 2 && span(p, w[1], &ms) && run(p, ms);
}

static bool
say_clock(struct play *p, char **w, int n)
{
	int64_t ms;

	if (n != 2 || !span(p, w[1], &ms))
		return false;
	sim_step_clock(ms);
	return true;
}

static int
kind_of(const char *word)
{
	int i;

	for (i = 0; ca_kind_names()[i] != NULL; i++)
		if (strcmp(ca_kind_names()[i], word) == 0)
			return i;
	return -1;
}

/* ca next KIND STATUS TYPE [retry-after X] [times N] */
static bool
say_next(struct play *p, char **w, int n)
{
	struct ca_fault f = { .times = 1 };
	int64_t ms;
	int i, kind = n > 3 ? kind_of(w[2]) : -1;

	if (kind < 0)
		return fail(p, "ca next KIND STATUS TYPE ...");
	f.status = (int)strtol(w[3], NULL, 10);
	if (n > 4)
		snprintf(f.type, sizeof(f.type), "%s", w[4]);
	for (i = 5; i + 1 < n; i += 2)
		if (strcmp(w[i], "times") == 0)
			f.times = (int)strtol(w[i + 1], NULL, 10);
		else if (strchr(w[i + 1], ',') != NULL)
			snprintf(f.retry_after, sizeof(f.retry_after), "%s",
			    w[i + 1]);
		else if (span(p, w[i + 1], &ms))
			snprintf(f.retry_after, sizeof(f.retry_after), "%lld",
			    (long long)ms / 1000);
	ca_fault((enum ca_kind)kind, &f);
	return p->failure[0] == '\0';
}

static bool
say_lose(struct play *p, char **w, int n)
{
	struct ca_fault f = { .times = 1 };
	int kind = n >= 4 ? kind_of(w[2]) : -1;

	if (kind < 0)
		return fail(p, "ca lose KIND before|after [times N]");
	f.lose_before = strcmp(w[3], "before") == 0;
	f.lose_after = !f.lose_before;
	if (n == 6)
		f.times = (int)strtol(w[5], NULL, 10);
	ca_fault((enum ca_kind)kind, &f);
	return true;
}

/* ca window [FROM TO]: in which it wants renewals, from now; without: from
 * 2/3 of the lifetime on. ca window always FROM TO: from each question on */
static bool
say_window(struct play *p, char **w, int n)
{
	int64_t from, to;

	if (n == 2)
		ca_window(0, 0);
	else if (n == 4 && span(p, w[2], &from) && span(p, w[3], &to))
		ca_window(loop_now() + from, loop_now() + to);
	else if (n == 5 && strcmp(w[2], "always") == 0 &&
	    span(p, w[3], &from) && span(p, w[4], &to))
		ca_window_moves(from, to);
	else
		return fail(p, "ca window [always] FROM TO");
	return true;
}

static bool
say_ca(struct play *p, char **w, int n)
{
	int64_t ms = 0;

	if (n >= 3 && strcmp(w[1], "next") == 0)
		return say_next(p, w, n);
	if (n >= 3 && strcmp(w[1], "lose") == 0)
		return say_lose(p, w, n);
	if (n == 3 && strcmp(w[1], "badnonce") == 0)
		ca_bad_nonces((int)strtol(w[2], NULL, 10));
	else if (n >= 2 && strcmp(w[1], "window") == 0)
		return say_window(p, w, n);
	else if (n == 2 && strcmp(w[1], "forgets-accounts") == 0)
		ca_forget_accounts();
	else if (n == 2 && strcmp(w[1], "closes-account") == 0)
		ca_close_account();
	else if (n == 2 && strcmp(w[1], "wants-binding") == 0)
		ca_want_binding();
	else if (n == 3 && strcmp(w[1], "must-staple") == 0)
		return ca_staple(w[2]);
	else if (n == 3 && strcmp(w[1], "hesitates") == 0)
		ca_hesitates((int)strtol(w[2], NULL, 10));
	else if (n == 3 && strcmp(w[1], "tests") == 0)
		ca_for_tests(strcmp(w[2], "on") == 0);
	else if (n == 3 && strcmp(w[1], "thinks") == 0)
		ca_thinks(strcmp(w[2], "on") == 0);
	else if (n == 4 && strcmp(w[1], "refuses") == 0)
		ca_name_fails(w[2], w[3]);
	else if (n == 3 && strcmp(w[1], "accepts") == 0)
		ca_name_fails(w[2], NULL);
	else if (n == 3 && !span(p, w[2], &ms))
		return false;
	else if (n == 3 && strcmp(w[1], "lifetime") == 0)
		ca_lifetime(ms);
	else if (n == 3 && strcmp(w[1], "processing") == 0)
		ca_processing(ms);
	else if (n == 3 && strcmp(w[1], "down") == 0)
		ca_down_until(sim_mono() + ms);
	else
		return fail(p, "what does the CA do?");
	return true;
}

/* service S check fails [NAME] | check later | check works; reload likewise;
 * reload later-when-back: with the files that went back */
static bool
say_service(struct play *p, char **w, int n)
{
	bool off = n > 3 && strcmp(w[3], "works") == 0;

	if (n < 4)
		return fail(p, "service NAME check|reload fails|later|works");
	if (strcmp(w[3], "later") == 0) {
		sim_asks_later(w[1], strcmp(w[2], "check") == 0);
		return true;
	}
	if (strcmp(w[3], "later-when-back") == 0) {
		sim_asks_later_when_back(w[1]);
		return true;
	}
	if (strcmp(w[2], "check") == 0)
		sim_check_fails(w[1], n > 4 ? w[4] : NULL, off);
	else
		sim_reload_fails(w[1], off);
	return true;
}

static bool
say_endpoint(struct play *p, char **w, int n)
{
	if (n != 3)
		return fail(p, "endpoint SERVICE live|older|other|refused|"
		    "breaks");
	sim_endpoint_shows(w[1], w[2]);
	return true;
}

static bool
say_crash(struct play *p, char **w, int n)
{
	if (n == 4 && strcmp(w[2], "run") == 0)
		sim_die_in_run(w[3]);
	else if (n == 4 && strcmp(w[2], "commit") == 0)
		sim_die_at_commit(strtol(w[3], NULL, 10),
		    strcmp(w[1], "before") == 0);
	else if (n == 2 && strcmp(w[1], "unreadable") == 0) {
		sim_account_unreadable();
		sim_crash();
	} else if (n == 2 && strcmp(w[1], "responder") == 0)
		sim_crash_responder();
	else
		sim_crash();
	return fine(p);
}

/* master refuses flip|install|prune|purge N | master installs-in MS |
 * master flips-in MS */
static bool
say_master(struct play *p, char **w, int n)
{
	static const struct {
		const char *word;
		enum wire_kind kind;
	} kinds[] = {
		{ "flip", WIRE_FLIP }, { "install", WIRE_INSTALL },
		{ "prune", WIRE_PRUNE }, { "purge", WIRE_PURGE }
	};
	size_t i;

	if (n == 3 && strcmp(w[1], "installs-in") == 0) {
		sim_install_takes(strtol(w[2], NULL, 10));
		return true;
	}
	if (n == 3 && strcmp(w[1], "flips-in") == 0) {
		sim_flip_takes(strtol(w[2], NULL, 10));
		return true;
	}
	for (i = 0; n == 4 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].word, w[2]) == 0) {
			sim_disk_refuses(kinds[i].kind,
			    (int)strtol(w[3], NULL, 10));
			return true;
		}
	return fail(p, "master refuses flip|install|prune|purge N");
}

/* add NAME [SERVICE [CA]], "" for no service | add-many N SUFFIX [CA] |
 * remove NAME [purge] | deploy NAME | revoke NAME N */
static bool
say_add(struct play *p, char **w, int n)
{
	if (n < 2)
		return false;
	sim_add(w[1], n > 2 && *w[2] != '\0' ? w[2] : NULL, n > 3 ? w[3] :
	    "sim");
	return fine(p);
}

static bool
say_add_many(struct play *p, char **w, int n)
{
	char name[256];
	long i;

	for (i = 1; n >= 3 && i <= strtol(w[1], NULL, 10); i++) {
		snprintf(name, sizeof(name), "n%ld.%s", i, w[2]);
		sim_add(name, NULL, n == 4 ? w[3] : "sim");
	}
	return n >= 3 && fine(p);
}

static bool
say_remove(struct play *p, char **w, int n)
{
	if (n < 2)
		return false;
	sim_remove(w[1], n > 2 && strcmp(w[2], "purge") == 0);
	return fine(p);
}

static bool
say_deploy(struct play *p, char **w, int n)
{
	if (n != 2)
		return false;
	sim_deploy(w[1]);
	return fine(p);
}

/* renew NAME: by hand */
static bool
say_renew(struct play *p, char **w, int n)
{
	if (n != 2)
		return false;
	sim_renew(w[1]);
	return fine(p);
}

/* test NAME: everleaf test */
static bool
say_test(struct play *p, char **w, int n)
{
	if (n != 2)
		return false;
	sim_test(w[1]);
	return fine(p);
}

/* trial NAME [NAME]... */
static bool
say_trial(struct play *p, char **w, int n)
{
	if (n < 2)
		return false;
	sim_trial(w + 1, n - 1);
	return fine(p);
}

static bool
say_revoke(struct play *p, char **w, int n)
{
	if (n != 3)
		return false;
	sim_revoke(w[1], strtoll(w[2], NULL, 10));
	return fine(p);
}

static bool
add_record(char **w, int n)
{
	struct buf b;
	bool fine;
	int i;

	buf_init(&b, LINE);
	for (i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i > 0 ? " " : "", w[i]);
	fine = zones_add(b.data);
	buf_free(&b);
	return fine;
}

/* dns add NAME TYPE VALUE... | remove NAME TYPE | lag SERVER TIME |
 * silent SERVER on|off | refuse N | down on|off */
static bool
say_dns(struct play *p, char **w, int n)
{
	int64_t ms;

	if (n >= 5 && strcmp(w[1], "add") == 0)
		return add_record(w + 2, n - 2);
	if (n == 4 && strcmp(w[1], "remove") == 0) {
		zones_remove(w[2], zones_type(w[3]), NULL);
		return true;
	}
	if (n == 4 && strcmp(w[1], "lag") == 0 && span(p, w[3], &ms)) {
		sim_dns_lag(w[2], ms);
		return true;
	}
	if (n == 4 && strcmp(w[1], "silent") == 0) {
		sim_dns_silent(w[2], strcmp(w[3], "on") == 0);
		return true;
	}
	if (n == 3 && strcmp(w[1], "refuse") == 0) {
		sim_dns_refuse((int)strtol(w[2], NULL, 10));
		return true;
	}
	if (n == 3 && strcmp(w[1], "down") == 0) {
		sim_dns_down(strcmp(w[2], "on") == 0);
		return true;
	}
	return false;
}

/* --- expectations ------------------------------------------------------ */

static bool
compare(struct play *p, const char *what, int64_t is, const char *op,
    const char *want)
{
	int64_t v = strtoll(want, NULL, 10);
	bool holds = strcmp(op, "=") == 0 ? is == v : strcmp(op, ">=") == 0 ?
	    is >= v : strcmp(op, "<=") == 0 ? is <= v : false;

	if (!holds)
		return fail(p, "%s is %lld, not %s %s", what, (long long)is,
		    op, want);
	return true;
}

static bool
expect_one(struct play *p, const struct sim_cert *c, const char *what,
    const char *want)
{
	char text[64];
	int64_t ms;

	if (strcmp(what, "tries-within") == 0)
		return span(p, want, &ms) && (c->next_try_ms <= loop_now() +
		    ms || fail(p, "it is tried again in %lld s only", (long
		    long)(c->next_try_ms - loop_now()) / 1000));
	if (strcmp(what, "state") == 0)
		return strcmp(c->state, want) == 0 || fail(p,
		    "state is \"%s\" (issuance %s, error %s)", c->state,
		    c->iss_state, c->error);
	if (strcmp(what, "issuance") == 0)
		return strcmp(c->iss_state, want) == 0 || fail(p,
		    "issuance is \"%s\" (%s)", c->iss_state, c->error);
	if (strcmp(what, "summary") == 0)
		return strstr(c->summary, want) != NULL || fail(p,
		    "the summary is %s", c->summary);
	if (strcmp(what, "error") == 0)
		return strstr(c->error, want) != NULL || fail(p,
		    "the error is %s", c->error);
	snprintf(text, sizeof(text), "%lld", (long long)(
	    strcmp(what, "newest") == 0 ? c->newest :
	    strcmp(what, "installed") == 0 ? c->installed :
	    strcmp(what, "served") == 0 ? c->served :
	    strcmp(what, "attention") == 0 ? c->attention :
	    strcmp(what, "own") == 0 ? c->own :
	    strcmp(what, "failures") == 0 ? c->failures : -99));
	return strcmp(text, want) == 0 || fail(p, "%s is %s, not %s (%s)",
	    what, text, want, c->error);
}

static bool
expect_cert(struct play *p, char **w, int n)
{
	struct sim_cert c = sim_cert(w[2]);
	int i;

	if (!c.exists)
		return fail(p, "there is no certificate %s", w[2]);
	for (i = 3; i + 1 < n; i += 2)
		if (!expect_one(p, &c, w[i], w[i + 1]))
			return false;
	return true;
}

static bool
say_expect(struct play *p, char **w, int n)
{
	int64_t ms;

	if (n >= 5 && strcmp(w[1], "cert") == 0)
		return expect_cert(p, w, n);
	if (n == 5 && strcmp(w[1], "requests") == 0 && kind_of(w[2]) >= 0)
		return compare(p, w[2], ca_count((enum ca_kind)kind_of(w[2])),
		    w[3], w[4]);
	if (n == 5 && strcmp(w[1], "spacing") == 0 && kind_of(w[2]) >= 0)
		return span(p, w[4], &ms) && (ca_spacing((enum ca_kind)
		    kind_of(w[2])) >= ms || fail(p, "spacing is %lld ms",
		    (long long)ca_spacing((enum ca_kind)kind_of(w[2]))));
	if (n == 5 && strcmp(w[1], "issued") == 0)
		return compare(p, "issued", ca_issued(w[2]), w[3], w[4]);
	if (n == 5 && strcmp(w[1], "revoked") == 0)
		return compare(p, "revoked", ca_revoked(w[2], false), w[3],
		    w[4]);
	if (n == 5 && strcmp(w[1], "revoked-by-key") == 0)
		return compare(p, "revoked by key", ca_revoked(w[2], true),
		    w[3], w[4]);
	if (n == 5 && strcmp(w[1], "reloads") == 0)
		return compare(p, "reloads", sim_reloads(w[2]), w[3], w[4]);
	if (n == 5 && strcmp(w[1], "live") == 0)
		return compare(p, "live", sim_live_version(w[2]), w[3], w[4]);
	if (n == 6 && strcmp(w[1], "shown") == 0)
		return compare(p, "shown", sim_served_version(w[2], w[3]),
		    w[4], w[5]);
	if (n == 6 && strcmp(w[1], "event") == 0)
		return compare(p, w[3], sim_events(strcmp(w[2], "any") == 0 ?
		    NULL : w[2], w[3]), w[4], w[5]);
	if (n == 5 && strcmp(w[1], "ever-told") == 0)
		return sim_ever_told(w[2], w[3], w[4]) || fail(p, "no event "
		    "%s of %s says that", w[3], w[2]);
	if (n == 3 && strcmp(w[1], "gone") == 0)
		return !sim_cert(w[2]).exists || fail(p, "%s is still there",
		    w[2]);
	if (n == 3 && strcmp(w[1], "acted") == 0)
		return sim_acted() == NULL ? fail(p, "it is not over") :
		    strstr(sim_acted(), w[2]) != NULL || fail(p,
		    "it ended so: %s", sim_acted());
	if (n == 2 && strcmp(w[1], "acting") == 0)
		return sim_acted() == NULL || fail(p, "it ended so: %s",
		    sim_acted());
	if (n == 4 && strcmp(w[1], "why") == 0)
		return sim_why_says(w[2], w[3]) || fail(p, "why %s does not "
		    "say that", w[2]);
	if (n == 4 && strcmp(w[1], "silent") == 0)
		return !sim_why_says(w[2], w[3]) || fail(p, "why %s says "
		    "that", w[2]);
	if (n == 4 && strcmp(w[1], "joined") == 0)
		return compare(p, "joined", sim_runs_joined(), w[2], w[3]);
	if (n == 5 && strcmp(w[1], "checks") == 0)
		return compare(p, "checks", sim_checks(w[2]), w[3], w[4]);
	if (n == 3 && strcmp(w[1], "replaces") == 0)
		return (ca_replaced()[0] != '\0') ==
		    (strcmp(w[2], "yes") == 0) || fail(p,
		    "replaces is \"%s\"", ca_replaced());
	if (n == 3 && strcmp(w[1], "operator") == 0)
		return strcmp(sim_outcome(), w[2]) == 0 ||
		    fail(p, "the operator heard \"%s\"", sim_outcome());
	if (n == 4 && strcmp(w[1], "given-up") == 0)
		return compare(p, "given up", ca_given_up(), w[2], w[3]);
	if (n == 4 && strcmp(w[1], "accounts") == 0)
		return compare(p, "accounts", ca_accounts_made(), w[2], w[3]);
	if (n == 3 && strcmp(w[1], "contact") == 0)
		return strcmp(ca_contact(), w[2]) == 0 ||
		    fail(p, "the contact is \"%s\"", ca_contact());
	if (n == 4 && strcmp(w[1], "txt") == 0)
		return compare(p, "txt", (int64_t)zones_count(DNS_TXT, NULL),
		    w[2], w[3]);
	if (n == 4 && strcmp(w[1], "updates") == 0)
		return compare(p, "updates", sim_dns_updates(), w[2], w[3]);
	if (n == 4 && strcmp(w[1], "tries") == 0)
		return compare(p, "tries", sim_dns_tries(), w[2], w[3]);
	if (n == 4 && strcmp(w[1], "tokens") == 0)
		return compare(p, "tokens", (int64_t)sim_tokens(), w[2], w[3]);
	if (n == 5 && strcmp(w[1], "rows") == 0)
		return compare(p, w[2], sim_rows(w[2]), w[3], w[4]);
	if (n == 5 && strcmp(w[1], "told") == 0)
		return sim_told(w[2], w[3], w[4]) || fail(p, "the last event "
		    "of %s is not %s with that", w[2], w[3]);
	return fail(p, "what is expected?");
}

/* operator tests CA
 * operator rolls-over|gives-up CA armed|unarmed
 * operator revokes NAME armed|unarmed [at-once|compromised|
 * at-once-compromised] */
static bool
say_operator(struct play *p, char **w, int n)
{
	bool armed = n == 4 && strcmp(w[3], "armed") == 0;

	(void)p;
	if (n == 5 && strcmp(w[1], "revokes") == 0) {
		sim_take_back(w[2], strcmp(w[3], "armed") == 0, w[4]);
		return true;
	}
	if (n == 3 && strcmp(w[1], "tests") == 0) {
		sim_test_ca(w[2]);
		return true;
	}
	if (n != 4 || (!armed && strcmp(w[3], "unarmed") != 0))
		return false;
	if (strcmp(w[1], "rolls-over") == 0)
		sim_rollover(w[2], armed);
	else if (strcmp(w[1], "gives-up") == 0)
		sim_deactivate(w[2], armed);
	else if (strcmp(w[1], "revokes") == 0)
		sim_take_back(w[2], armed, "replace");
	else
		return false;
	return true;
}

/* each-commit: the rest of the file is played again and again, with a crash
 * after the first commit, after the second ... until none dies any more. With
 * "both" also at the beginning of each, when all that led to it has happened
 * but nobody who asked for it was told. */
static bool
say_each(struct play *p, char **w, int n)
{
	const char *memory = getenv("SIM_ALLOCATIONS");

	p->loop_both = n == 2 && strcmp(w[1], "both") == 0;
	p->loop_stride = memory != NULL ? strtoll(memory, NULL, 10) : 0;
	p->loop_at = ftell(p->f);
	p->loop_line = p->line;
	p->loop_n = 1;
	p->loop_commits = 0;
	return true;
}

/* each-allocation N: the same with an allocation that fails, the first one, the
 * one N after it, and so on. SIM_ALLOCATIONS makes it of each each-commit. */
static bool
say_allocation(struct play *p, char **w, int n)
{
	if (n != 2 || !say_each(p, w, 1))
		return false;
	p->loop_stride = strtoll(w[1], NULL, 10);
	return p->loop_stride > 0;
}

/* points NAME to ADDRESS | points NAME here */
static bool
say_points(struct play *p, char **w, int n)
{
	char line[LINE];

	if (n != 4 && n != 3)
		return fail(p, "points NAME to ADDRESS|here");
	snprintf(line, sizeof(line), "%s A %s", w[1], n == 4 ? w[3] :
	    SIM_IPV4);
	zones_remove(w[1], DNS_A, NULL);
	zones_add(line);
	return true;
}

static const struct {
	const char *word;
	bool (*say)(struct play *p, char **w, int n);
} statements[] = {
	{ "points", say_points },
	{ "conf", say_conf }, { "csr", say_csr }, { "run", say_run },
	{ "clock", say_clock },
	{ "ca", say_ca }, { "service", say_service },
	{ "dns", say_dns }, { "endpoint", say_endpoint },
	{ "crash", say_crash }, { "operator", say_operator },
	{ "master", say_master }, { "add", say_add },
	{ "add-many", say_add_many },
	{ "remove", say_remove }, { "deploy", say_deploy },
	{ "renew", say_renew }, { "trial", say_trial },
	{ "test", say_test },
	{ "revoke", say_revoke }, { "expect", say_expect },
	{ "each-commit", say_each }, { "each-allocation", say_allocation },
	{ NULL, NULL }
};

static int
split(char *line, char **w)
{
	int n = 0;
	char *s = line;

	while (n < WORDS_MAX) {
		s += strspn(s, " \t\n");
		if (*s == '\0' || *s == '#')
			break;
		if (*s == '"') {
			w[n++] = ++s;
			s += strcspn(s, "\"");
		} else {
			w[n++] = s;
			s += strcspn(s, " \t\n");
		}
		if (*s != '\0')
			*s++ = '\0';
	}
	return n;
}

static bool
statement(struct play *p, char *line)
{
	char *w[WORDS_MAX];
	int n = split(line, w), i;

	if (n == 0)
		return true;
	sim_looks(strcmp(w[0], "expect") == 0);
	for (i = 0; statements[i].word != NULL; i++)
		if (strcmp(statements[i].word, w[0]) == 0)
			return statements[i].say(p, w, n) ||
			    (p->failure[0] == '\0' && fail(p, "\"%s\"?", w[0]));
	return fail(p, "\"%s\" is no statement", w[0]);
}

static bool
play_once(struct play *p)
{
	char line[LINE];

	while (fgets(line, sizeof(line), p->f) != NULL) {
		p->line++;
		if (!statement(p, line))
			return false;
		/* A loop's conf has just begun a world: it dies at its n. */
		if (p->loop_at != 0 && p->begun && p->loop_commits == 0) {
			p->loop_commits = sim_commits() + 1;
			if (p->loop_stride > 0)
				sim_die_at_allocation(p->loop_n);
			else
				sim_die_at_commit(p->loop_n, p->loop_before);
		}
	}
	return true;
}

/* The world that has just ended had its n, so the next may have one. */
static bool
has_more(const struct play *p)
{
	if (p->loop_at == 0)
		return false;
	if (p->loop_stride > 0)
		return p->loop_n < MEMORY_LOOP_MAX * p->loop_stride &&
		    sim_died_at_allocation();
	return p->loop_n < CRASH_LOOP_MAX &&
	    sim_commits() - p->loop_commits + 1 >= p->loop_n;
}

static bool
play(struct play *p)
{
	bool good = play_once(p);

	while (good && has_more(p)) {
		sim_end();
		p->begun = false;
		p->loop_commits = 0;
		if (p->loop_stride > 0)
			p->loop_n += p->loop_stride;
		else {
			p->loop_n += !p->loop_before;
			p->loop_before = p->loop_both && !p->loop_before;
		}
		p->line = p->loop_line;
		fseek(p->f, p->loop_at, SEEK_SET);
		good = play_once(p);
	}
	if (!good && p->loop_at != 0)
		fprintf(stderr, "# with a crash %s %lld\n",
		    p->loop_stride > 0 ? "at allocation" : p->loop_before ?
		    "before commit" : "after commit", (long long)p->loop_n);
	sim_die_at_allocation(0);
	if (p->begun)
		sim_end();
	return good;
}

int
main(int argc, char *argv[])
{
	int i, failed = 0;

	printf("1..%d\n", argc - 1);
	for (i = 1; i < argc; i++) {
		struct play p = { .file = argv[i], .seed = 1 };

		p.sqlite = getenv("SIM_SQLITE") != NULL;
		p.f = fopen(argv[i], "r");
		if (p.f == NULL)
			return 99;
		if (play(&p))
			printf("ok %d - %s\n", i, argv[i]);
		else {
			failed++;
			printf("not ok %d - %s\n# %s\n", i, argv[i],
			    p.failure);
		}
		if (p.csr[0] != '\0')
			unlink(p.csr);
		fflush(stdout);
		fclose(p.f);
	}
	return failed != 0;
}
