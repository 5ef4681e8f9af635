/* Stands in for the four programs that the master starts, to test the master
 * alone. Its name says which. The engine does what the file "script" in its
 * directory says, one line a request, and appends the answers to "log". */
#include <config.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/wire.h"

enum { BEAT_MS = 200 };

static const void *raw;
static ptrdiff_t raw_len;
static int fds[MSG_FDS_MAX], nfds;
static uint16_t kind;
static uint32_t id;

static bool
next(int flags)
{
	raw_len = msg_recv(WIRE_FD_MASTER, flags, &raw, fds, &nfds);
	if (raw_len == 0)
		exit(0);
	return raw_len > 0 && msg_head(raw, (size_t)raw_len, &kind, &id);
}

static void *
unpacked(void)
{
	const struct msg_spec *spec = msg_find(wire_specs, kind);
	void *st = xcalloc(1, spec->size);
	struct err err;

	if (!msg_unpack(spec, raw, (size_t)raw_len, st, &err)) {
		fprintf(stderr, "stub: %s\n", err.text);
		exit(9);
	}
	return st;
}

/* --- keeper: a sealed key is the key with "sealed " in front ---------------*/

static void
keeper(void)
{
	static const char prefix[] = "sealed ";
	const size_t skip = sizeof(prefix) - 1;
	const struct w_kek *kek;
	const struct w_open *o;
	struct w_opened opened;

	while (next(0)) {
		if (kind == WIRE_KEK) {
			kek = unpacked();
			fprintf(stderr, "stub: kek of %zu bytes\n",
			    kek->kek.len);
			wire_send(WIRE_FD_MASTER, WIRE_OK, id,
			    &(struct w_empty){ 0 });
		}
		if (kind != WIRE_OPEN)
			continue;
		o = unpacked();
		if (o->sealed.len <= skip ||
		    memcmp(o->sealed.p, prefix, skip) != 0)
			exit(3);
		opened.cert = o->cert;
		opened.version = o->version == 666 ? 1 : o->version;
		opened.key = blob_copy(o->sealed.p + skip,
		    o->sealed.len - skip);
		wire_send(WIRE_FD_MASTER, WIRE_OPENED, id, &opened);
	}
}

/* --- verifier: a certificate that says BAD is bad --------------------------*/

static void
verifier(void)
{
	struct w_verdict v;
	char text[64] = "";

	while (next(0)) {
		if (kind != WIRE_VERIFY || nfds != 5)
			exit(4);
		v.verdict = VERDICT_UNREADABLE;
		if (read(fds[1], text, sizeof(text) - 1) > 0)
			v.verdict = strncmp(text, "BAD", 3) == 0 ?
			    VERDICT_MISMATCH : VERDICT_FINE;
		while (nfds > 0)
			close(fds[--nfds]);
		if (strncmp(text, "HANG", 4) == 0)
			pause();
		wire_send(WIRE_FD_MASTER, WIRE_VERDICT, id, &v);
	}
}

/* --- engine ----------------------------------------------------------------*/

static FILE *report;
static int waiting;		/* requests without an answer yet */

static void
tell(const char *what, const void *a, long long b, long long c)
{
	fprintf(report, "%u %s %s %lld %lld\n", id, what, (const char *)a, b,
	    c);
	fflush(report);
}

static void
take_answer(void)
{
	const struct w_ran *ran;
	const struct w_failed *f;
	const struct w_reloaded *r;
	size_t i;

	waiting--;
	switch (kind) {
	case WIRE_OK:
		tell("ok", "", 0, 0);
		break;
	case WIRE_FAILED:
		f = unpacked();
		tell("failed", f->code, 0, 0);
		fprintf(stderr, "stub: %s. %s\n", f->text, f->advice);
		break;
	case WIRE_IS_LIVE:
		tell("live", "", ((struct w_is_live *)unpacked())->gen, 0);
		break;
	case WIRE_RAN:
		ran = unpacked();
		tell("ran", ran->code_name, ran->how, ran->code);
		fprintf(stderr, "stub: output %.*s why %s\n",
		    (int)ran->output.len, (char *)ran->output.p, ran->why);
		break;
	case WIRE_RELOADED:
		r = unpacked();
		tell("reloaded", "", r->good, (long long)r->lines.n);
		for (i = 0; i < r->lines.n; i++)
			fprintf(stderr, "stub: %s\n", r->lines.v[i]);
		break;
	}
}

static void
take(void)
{
	const struct w_peer *p;

	if (kind == WIRE_DRAIN) {
		tell("drained", "", 0, 0);
		exit(0);
	}
	if (kind == WIRE_PEER) {
		p = unpacked();
		tell("peer", "", p->peer, nfds);
	} else
		take_answer();
	while (nfds > 0)
		close(fds[--nfds]);
}

/* Reads answers and beats until `until` requests are open, or for ever. */
static void
listen_until(int until)
{
	struct pollfd p = { WIRE_FD_MASTER, POLLIN, 0 };

	do {
		if (poll(&p, 1, BEAT_MS) == 0)
			wire_send(WIRE_FD_MASTER, WIRE_BEAT, 0,
			    &(struct w_empty){ 0 });
		else if (next(MSG_DONTWAIT))
			take();
	} while (until < 0 || waiting > until);
}

static struct blob
as_blob(const char *s)
{
	return blob_copy(s, strlen(s));
}

/* install CERT GEN VERSION NAME FROM_FILE LEAF; of a leaf KEYLESS... the key is
 * said to be somebody's own */
static const void *
install(const char *args)
{
	static struct w_install w;
	static char name[129], leaf[65];
	unsigned long long cert;
	unsigned int gen, version, from;

	if (sscanf(args, "%llx %u %u %128s %u %64s", &cert, &gen, &version,
	    name, &from, leaf) != 6)
		exit(5);
	memset(&w, 0, sizeof(w));
	w.cert = cert;
	w.gen = gen;
	w.version = version;
	w.name = name;
	w.from_file = (uint8_t)from;
	w.policy = xstrdup("default");
	if (strncmp(leaf, "KEYLESS", 7) != 0)
		w.sealed = as_blob("sealed KEY\n");
	w.leaf = as_blob(leaf);
	w.meta = as_blob("{}");
	strv_add(&w.names, name);
	return &w;
}

static const void *
generation(const char *args)
{
	static struct w_generation w;
	unsigned long long cert = 0;

	w.gen = 0;
	sscanf(args, "%llx %u", &cert, &w.gen);
	w.cert = cert;
	return &w;
}

static const void *
purge(const char *args)
{
	static struct w_purge w;
	static char name[129];
	unsigned long long cert;

	if (sscanf(args, "%llx %128s", &cert, name) != 2)
		exit(5);
	w.cert = cert;
	w.name = name;
	return &w;
}

/* run ID SERVICE WHAT COUNT NAME */
static const void *
run(const char *args)
{
	static struct w_run w;
	static char service[65], name[129];
	unsigned long long run_id;
	unsigned int what, count;

	if (sscanf(args, "%llu %64s %u %u %128s", &run_id, service, &what,
	    &count, name) != 5)
		exit(5);
	memset(&w, 0, sizeof(w));
	w.run = run_id;
	w.service = service;
	w.what = (uint8_t)what;
	w.event = RUN_DEPLOY;
	w.count = count;
	w.name = name;
	strv_add(&w.names, name);
	w.input = as_blob("{\"x\": 1}\n");
	return &w;
}

static const void *
reload(const char *args)
{
	static struct w_reload w;
	unsigned int dry, yes;

	if (sscanf(args, "%u %u", &dry, &yes) != 2)
		exit(5);
	w.dry = (uint8_t)dry;
	w.yes = (uint8_t)yes;
	return &w;
}

/* webroot REMOVE TOKEN PATH: the thumbprint is always the same */
static const void *
webroot(const char *args)
{
	static struct w_webroot w;
	static char token[65], path[257], keyauth[128];
	unsigned int away;

	if (sscanf(args, "%u %64s %256s", &away, token, path) != 3)
		exit(5);
	snprintf(keyauth, sizeof(keyauth), "%s.%s", token,
	    "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI");
	w.remove = (uint8_t)away;
	w.token = token;
	w.path = path;
	w.keyauth = keyauth;
	return &w;
}

/* export ACCOUNT: what is sealed is never opened here */
static const void *
export(const char *args)
{
	static struct w_export w;
	unsigned long long account;

	if (sscanf(args, "%llx", &account) != 1)
		exit(5);
	w.account = account;
	w.sealed = as_blob("sealed KEY\n");
	return &w;
}

static const struct {
	const char *word;
	enum wire_kind kind;
	const void *(*make)(const char *args);
} words[] = {
	{ "install", WIRE_INSTALL, install },
	{ "flip", WIRE_FLIP, generation }, { "live", WIRE_LIVE, generation },
	{ "prune", WIRE_PRUNE, generation }, { "purge", WIRE_PURGE, purge },
	{ "run", WIRE_RUN, run }, { "reload", WIRE_RELOAD, reload },
	{ "webroot", WIRE_WEBROOT, webroot }, { "export", WIRE_EXPORT, export }
};

/* A line that ends with "&" is not waited for. */
static void
obey(char *line, uint32_t number)
{
	char *args = strchr(line, ' ');
	size_t n = strcspn(line, "&"), i;
	bool wait = line[n] == '\0';

	line[n] = '\0';
	if (args != NULL)
		*args++ = '\0';
	if (strcmp(line, "die") == 0)
		abort();
	if (strcmp(line, "rubbish") == 0) {
		send(WIRE_FD_MASTER, "rubbish", 7, 0);
		listen_until(-1);
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, line) == 0) {
			wire_send(WIRE_FD_MASTER, words[i].kind, number,
			    words[i].make(args != NULL ? args : ""));
			waiting++;
			if (wait)
				listen_until(waiting - 1);
			return;
		}
	exit(6);
}

static void
engine(void)
{
	int dir = WIRE_FD_STATE, in, out, i;
	uint32_t number = 0;
	FILE *script;
	char line[512];

	/* Just what wire.h promises; a token there may be. */
	for (i = 0; i < 64; i++)
		if (i != WIRE_FD_TOKEN &&
		    (fcntl(i, F_GETFD) >= 0) != (i <= WIRE_FD_STATE))
			exit(8);
	in = openat(dir, "script", O_RDONLY);
	script = in >= 0 ? fdopen(in, "r") : NULL;
	out = openat(dir, "log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	report = fdopen(out, "a");
	if (report == NULL)
		exit(8);
	unlinkat(dir, "script", 0);
	wire_send(WIRE_FD_MASTER, WIRE_BEAT, 0, &(struct w_empty){ 0 });
	tell("started", getenv("SECRET_OF_OURS") == NULL ? "" : "dirty", 0, 0);
	while (script != NULL && fgets(line, sizeof(line), script) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		obey(line, ++number);
	}
	listen_until(0);
	id = 0;
	tell("end", "", 0, 0);
	listen_until(-1);
}

int
main(int argc, char **argv)
{
	const char *role = strrchr(argv[0], '-');

	if (argc > 1)
		fprintf(stderr, "stub: %s %s %s\n", role, argv[1],
		    argc > 2 ? argv[2] : "");
	if (strcmp(role, "-keeper") == 0)
		keeper();
	else if (strcmp(role, "-verifier") == 0)
		verifier();
	else if (strcmp(role, "-engine") == 0)
		engine();
	else
		while (next(0))
			while (nfds > 0)
				close(fds[--nfds]);
	return 0;
}
