/* What children of the master may say to it, and what it makes of that, when
 * whoever says it has been taken over: no message ends the master, and none
 * gets more than its configuration gives. Its own parts are real, on a state
 * directory of its own; the loop and the channels are the test's. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "daemon/conf_whole.h"
#include "daemon/master.h"
#include "daemon/operator_io.h"
#include "hooks/generation.h"
#include "tests/unit/box.h"

#define CERT UINT64_C(0x3f9a00000000cafe)

static struct master master;
static char top[32];

/* --- the rest of the master --- */

struct watch {
	void (*fn)(void *ctx);
	void *ctx;
};

struct alarm {
	int unused;
};

static struct watch *newest;
static int links_read;

ssize_t __real_readlinkat(int dir, const char *path, char *out, size_t n);
ssize_t __wrap_readlinkat(int dir, const char *path, char *out, size_t n);

ssize_t
__wrap_readlinkat(int dir, const char *path, char *out, size_t n)
{
	links_read++;
	return __real_readlinkat(dir, path, out, n);
}

struct watch *
watch_new(int fd, void (*fn)(void *ctx), void *ctx)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	(void)fd;
	w->fn = fn;
	w->ctx = ctx;
	newest = w;
	return w;
}

void
watch_free(struct watch *w)
{
	free(w);
}

struct alarm *
alarm_new(void (*fn)(void *ctx), void *ctx)
{
	(void)fn;
	(void)ctx;
	return xcalloc(1, sizeof(struct alarm));
}

void
alarm_after(struct alarm *a, int64_t ms)
{
	assert_non_null(a);
	assert_true(ms > 0);
}

void
alarm_stop(struct alarm *a)
{
	assert_non_null(a);
}

void
alarm_free(struct alarm *a)
{
	free(a);
}

int64_t
poll_now(void)
{
	return 1;
}

int64_t
poll_wall(void)
{
	return INT64_C(1790000000000);
}

int
listen_unix(const struct master *m, const char *name, int type,
    struct sockaddr_un *path, struct err *err)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	(void)m;
	memset(path, 0, sizeof(*path));
	path->sun_family = AF_UNIX;
	snprintf(path->sun_path, sizeof(path->sun_path), "%s/%s", top, name);
	if (bind(fd, (struct sockaddr *)path, sizeof(*path)) != 0 ||
	    listen(fd, 1) != 0)
		err_errno(err, ERR_INTERNAL, "socket");
	return fd;
}

void
webroots_add(struct master *m, uint32_t id, void *st)
{
	(void)m;
	(void)id;
	msg_free(msg_find(wire_specs, WIRE_WEBROOT), st);
	free(st);
}

void
reload_asked(struct master *m, uint32_t id, const struct w_reload *r)
{
	(void)m;
	(void)id;
	(void)r;
}

void
security_told(struct child *c, const struct w_confined *w)
{
	(void)c;
	(void)w;
}

void
security_answer(struct master *m, uint32_t id)
{
	(void)m;
	(void)id;
}

void
notify_ready(const struct master *m)
{
	(void)m;
}

void
notify_well(const struct master *m)
{
	(void)m;
}

void
notify_beat(void)
{
}

/* --- channels --- */

/* The last message to each child, as it would go over the wire. */
static struct said {
	struct blob raw;
	uint16_t kind;
	uint32_t id;
	int fds, n;			/* of how many messages */
} said[ROLE_COUNT];
static bool down[ROLE_COUNT];
static int broke;

bool
child_send(struct child *c, enum wire_kind kind, uint32_t id, const void *st,
    const int *fds, int nfds)
{
	struct said *s = &said[c->role];

	(void)fds;
	if (down[c->role])
		return false;
	blob_free(&s->raw);
	s->raw = msg_pack(msg_find(wire_specs, (uint16_t)kind), id, st);
	s->kind = (uint16_t)kind;
	s->id = id;
	s->fds = nfds;
	s->n++;
	return true;
}

void
child_broke_rule(struct child *c, const char *why)
{
	(void)c;
	assert_non_null(why);
	broke++;
}

void
child_kill(struct child *c, int signal)
{
	(void)c;
	(void)signal;
}

/* False: the master ends who has said that. */
static bool
says(enum role role, enum wire_kind kind, uint32_t id, const void *st)
{
	struct blob b = msg_pack(msg_find(wire_specs, (uint16_t)kind), id, st);
	bool fine = requests_take(&master.children[role], b.p, b.len);

	blob_wipe(&b);
	return fine;
}

/* What the engine was told last; the caller frees it. */
static void *
heard(enum role role, enum wire_kind kind)
{
	const struct msg_spec *spec = msg_find(wire_specs, (uint16_t)kind);
	void *st = xcalloc(1, spec->size);
	struct err err;

	assert_int_equal(said[role].kind, kind);
	if (!msg_unpack(spec, said[role].raw.p, said[role].raw.len, st, &err))
		fail_msg("%s", err.text);
	return st;
}

static void
forget(enum wire_kind kind, void *st)
{
	msg_free(msg_find(wire_specs, (uint16_t)kind), st);
	free(st);
}

/* The code of the refusal that the engine was told last. */
static enum err_code
refusal(void)
{
	struct w_failed *f = heard(ROLE_ENGINE, WIRE_FAILED);
	enum err_code code = err_code_find(f->code);

	forget(WIRE_FAILED, f);
	return code;
}

/* --- a state directory --- */

static int
setup(void **state)
{
	int role;

	(void)state;
	memset(said, 0, sizeof(said));
	memset(down, 0, sizeof(down));
	memset(&master, 0, sizeof(master));
	rules_forget();
	broke = 0;
	snprintf(top, sizeof(top), "asked-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	master.state = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (role = 0; role < ROLE_COUNT; role++) {
		master.children[role].m = &master;
		master.children[role].role = (enum role)role;
	}
	return master.state >= 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	size_t i;

	(void)state;
	conf_free(master.conf);
	for (i = 0; i < ROLE_COUNT; i++)
		blob_free(&said[i].raw);
	close(master.state);
	return box_remove(top);
}

static struct blob
filled(size_t n)
{
	struct blob b = { xcalloc(n, 1), n };

	memset(b.p, 'x', n);
	return b;
}

static void
put_generation(uint32_t gen, size_t meta, size_t leaf, size_t chain)
{
	struct generation g = { .cert = CERT, .gen = gen, .key = filled(8),
		.meta = filled(meta), .leaf = filled(leaf),
		.chain = filled(chain), .uid = geteuid(), .gid = getegid(),
		.key_mode = 0600 };
	struct err err;
	bool whole;

	assert_int_equal(generation_stage(master.state, &g, &whole, &err), 0);
	assert_int_equal(generation_finish(master.state, CERT, gen, &err), 0);
	blob_free(&g.key);
	blob_free(&g.meta);
	blob_free(&g.leaf);
	blob_free(&g.chain);
}

static const char conf_text[] =
    "agree-tos = true\nemail = a@shop.example\n"
    "ca own {\n"
    "  directory = https://ca.example/dir\n"
    "}\n"
    "service web {\n"
    "  reload = {\"/bin/true\"}\n"
    "  allow-test-ca = true\n"
    "}\n"
    "service strict {\n"
    "  reload = {\"/bin/true\"}\n"
    "}\n"
    "policy open {\n"
    "  group = nobody-has-this-group\n"
    "  services = {web}\n"
    "}\n"
    "certificate shop {\n"
    "  names = {shop.example}\n"
    "  services = {strict}\n"
    "}\n";

static struct conf *
conf_of(const char *text)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct conf *c = conf_read_bytes("everleaf.conf", text, strlen(text),
	    NULL, &diag);

	if (c == NULL || diag.lines.n > 0)
		fail_msg("%s", diag.lines.v[0]);
	return c;
}

/* --- what is on disk --- */

/* A chain as long as one may be that is installed comes back; what would
 * make no message is named, and the survey goes on. */
static void
a_survey_of_large_files(void **state)
{
	struct w_generation from = { CERT, 0 };
	struct w_surveyed *w;

	(void)state;
	put_generation(1, 100, 2000, GENERATION_CHAIN_MAX - 1);
	put_generation(2, GENERATION_META_MAX - 1, GENERATION_LEAF_MAX - 1,
	    GENERATION_CHAIN_MAX - 1);
	put_generation(3, 100, 2000, 2000);
	from.cert = 0;
	assert_true(says(ROLE_ENGINE, WIRE_SURVEY, 7, &from));
	w = heard(ROLE_ENGINE, WIRE_SURVEYED);
	assert_int_equal(w->gen, 1);
	assert_string_equal(w->why, "");
	assert_int_equal(w->chain.len, GENERATION_CHAIN_MAX);
	forget(WIRE_SURVEYED, w);
	from = (struct w_generation){ CERT, 1 };
	assert_true(says(ROLE_ENGINE, WIRE_SURVEY, 8, &from));
	w = heard(ROLE_ENGINE, WIRE_SURVEYED);
	assert_int_equal(w->gen, 2);
	assert_non_null(strstr(w->why, "larger"));
	assert_int_equal(w->meta.len + w->leaf.len + w->chain.len, 0);
	forget(WIRE_SURVEYED, w);
	from.gen = 2;
	assert_true(says(ROLE_ENGINE, WIRE_SURVEY, 9, &from));
	w = heard(ROLE_ENGINE, WIRE_SURVEYED);
	assert_int_equal(w->gen, 3);
	assert_true(w->leaf.len > 0);
	forget(WIRE_SURVEYED, w);
}

/* --- numbers of requests --- */

/* 0 means that nobody asks: whoever gives it to a question is ended. */
static void
a_question_without_a_number(void **state)
{
	static const enum wire_kind kinds[] = { WIRE_INSTALL, WIRE_FLIP,
		WIRE_LIVE, WIRE_PRUNE, WIRE_PURGE, WIRE_RUN, WIRE_RUN_DNS,
		WIRE_RELOAD, WIRE_WEBROOT, WIRE_SECURITY, WIRE_SURVEY,
		WIRE_RESEAL, WIRE_EXPORT };
	union {
		struct w_install install;
		struct w_jws largest;
	} none;
	struct w_reseal r = { CERT, 1, 1 };
	size_t i;

	(void)state;
	memset(&none, 0, sizeof(none));
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_false(says(ROLE_ENGINE, kinds[i], 0, &none));
	assert_int_equal(said[ROLE_ENGINE].n, 0);
	assert_true(says(ROLE_ENGINE, WIRE_BEAT, 0, &none));
	assert_true(says(ROLE_ENGINE, WIRE_CONFINED, 0, &none));
	/* With no keeper, either. */
	put_generation(1, 10, 10, 10);
	down[ROLE_KEEPER] = true;
	assert_false(says(ROLE_ENGINE, WIRE_RESEAL, 0, &r));
	assert_true(says(ROLE_ENGINE, WIRE_RESEAL, 5, &r));
	assert_int_equal(refusal(), ERR_KEEPER);
	assert_true(says(ROLE_ENGINE, WIRE_EXPORT, 6, &none));
	assert_int_equal(refusal(), ERR_NEEDS_OPERATOR);
}

/* --- runs --- */


/* EVERLEAF_NAMES of a program that may be root's, and may be a script. */
static void
names_in_the_environment(void **state)
{
	static const char *const wrong[] = { "$(reboot).example", "`id`",
		"a.example b.example", "SHOP.example", "shop.example.", "" };
	struct w_run w = { .run = 1, .service = (char[]){ "web" },
		.what = RUN_RELOAD, .event = RUN_DEPLOY, .count = 1,
		.name = (char[]){ "shop" } };
	struct w_ran *ran;
	size_t i;

	(void)state;
	master.conf = conf_of(conf_text);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		strv_add(&w.names, "shop.example");
		strv_add(&w.names, wrong[i]);
		assert_true(says(ROLE_ENGINE, WIRE_RUN, 1, &w));
		assert_int_equal(refusal(), ERR_INTERNAL);
		strv_free(&w.names);
	}
	strv_add(&w.names, "*.shop.example");
	strv_add(&w.names, "2001:db8::7");
	w.service = (char[]){ "other" };
	assert_true(says(ROLE_ENGINE, WIRE_RUN, 2, &w));
	ran = heard(ROLE_ENGINE, WIRE_RAN);
	assert_int_equal(ran->how, RAN_REFUSED);
	assert_string_equal(ran->code_name, err_code_name(ERR_NO_SUCH));
	forget(WIRE_RAN, ran);
	strv_free(&w.names);
}

/* A program that looks for a record by its value would find another's. */
static void
nothing_is_no_value(void **state)
{
	struct w_run_dns w = { .run = 1, .dns = (char[]){ "own" },
		.what = RUN_DNS_REMOVE, .name = (char[]){ "shop" },
		.ident = (char[]){ "shop.example" },
		.record = (char[]){ "_acme-challenge.shop.example" },
		.value = (char[]){ "" }, .token = (char[]){ "" },
		.keyauth = (char[]){ "" } };

	(void)state;
	master.conf = conf_of(conf_text);
	assert_true(says(ROLE_ENGINE, WIRE_RUN_DNS, 1, &w));
	assert_int_equal(refusal(), ERR_INTERNAL);
}

/* --- rules --- */

static int
rules_of(struct w_install *w, struct rules *rules, struct err *err)
{
	struct strv names = { NULL, 0 };
	int rc;

	strv_add(&names, "shop.example");
	w->names = names;
	w->leaf = filled(4);
	rc = rules_for(&master, w, rules, err);
	strv_free(&w->names);
	blob_free(&w->leaf);
	return rc;
}

/* The engine can't choose a group or a test CA for what a file wishes by
 * saying that no file does. */
static void
a_file_has_the_last_word(void **state)
{
	struct w_install w = { .cert = CERT, .name = (char[]){ "shop" },
		.gen = 1, .version = 1, .policy = (char[]){ "open" } };
	struct rules rules;
	struct err err;

	(void)state;
	master.conf = conf_of(conf_text);
	assert_int_equal(rules_of(&w, &rules, &err), 0);
	assert_int_equal(rules.key_mode, 0600);
	assert_false(rules.allow_test_ca);
	w.from_file = 1;
	assert_int_equal(rules_of(&w, &rules, &err), 0);
	assert_int_equal(rules.key_mode, 0600);
	w.name = (char[]){ "other" };
	assert_int_equal(rules_of(&w, &rules, &err), -1);
	assert_int_equal(err.code, ERR_NO_SUCH);
	w.from_file = 0;
	assert_int_equal(rules_of(&w, &rules, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG_BAD);
}

/* --- what belongs to a title of the configuration --- */

static void
put_alias(const char *title)
{
	struct err err;

	put_generation(1, 10, 10, 10);
	assert_int_equal(generation_flip(master.state, CERT, 1, &err), 0);
	assert_int_equal(generation_alias(master.state, CERT, title, &err),
	    0);
}

static uint32_t
live(void)
{
	struct err err;
	uint32_t gen;

	assert_int_equal(generation_live(master.state, CERT, &gen, &err), 0);
	return gen;
}

/* Under whatever name it is asked for. */
static void
what_a_file_wishes_is_not_purged(void **state)
{
	struct w_purge w = { CERT, (char[]){ "shop" } };

	(void)state;
	master.conf = conf_of(conf_text);
	put_alias("shop");
	assert_true(says(ROLE_ENGINE, WIRE_PURGE, 1, &w));
	assert_int_equal(refusal(), ERR_INVALID);
	w.name = (char[]){ "" };
	assert_true(says(ROLE_ENGINE, WIRE_PURGE, 2, &w));
	assert_int_equal(refusal(), ERR_INVALID);
	assert_int_equal(live(), 1);
	w.cert = CERT + 1;
	assert_true(says(ROLE_ENGINE, WIRE_PURGE, 3, &w));
	assert_int_equal(said[ROLE_ENGINE].kind, WIRE_OK);
}

static void
what_no_file_wishes_is_purged(void **state)
{
	struct w_purge w = { CERT, (char[]){ "other" } };

	(void)state;
	master.conf = conf_of(conf_text);
	put_alias("other");
	assert_true(says(ROLE_ENGINE, WIRE_PURGE, 1, &w));
	assert_int_equal(said[ROLE_ENGINE].kind, WIRE_OK);
	assert_int_equal(live(), 0);
}

/* A file wishes for it, though its CSR can't be used just now. */
static void
what_is_left_out_keeps_its_files(void **state)
{
	struct w_purge w = { CERT, (char[]){ "other" } };
	struct w_install again = { .cert = CERT, .name = (char[]){ "other" },
		.gen = 2, .version = 1, .policy = (char[]){ "" } };
	struct conf_problem *p = xcalloc(1, sizeof(*p));
	struct rules rules;
	struct err err;

	(void)state;
	master.conf = conf_of(conf_text);
	*p = (struct conf_problem){ xstrdup("other"), xstrdup("/x:1"),
		xstrdup("certificate \"other\" is left out"), 0 };
	master.conf->problems = p;
	master.conf->problems_n = 1;
	put_alias("other");
	assert_true(says(ROLE_ENGINE, WIRE_PURGE, 1, &w));
	assert_int_equal(refusal(), ERR_NO_SUCH);
	assert_int_equal(live(), 1);
	assert_int_equal(rules_of(&again, &rules, &err), -1);
	assert_int_equal(err.code, ERR_NO_SUCH);
	again.name = (char[]){ "shop" };
	assert_int_equal(rules_of(&again, &rules, &err), -1);
	again.cert++;
	assert_int_equal(rules_of(&again, &rules, &err), 0);
}

/* The id decides where files lie, the title how: they belong together. */
static void
an_id_has_the_rules_of_its_title(void **state)
{
	struct w_install w = { .cert = CERT, .name = (char[]){ "other" },
		.gen = 2, .version = 1, .policy = (char[]){ "" } };
	struct rules rules;
	struct err err;

	(void)state;
	master.conf = conf_of(conf_text);
	put_alias("shop");
	assert_int_equal(rules_of(&w, &rules, &err), -1);
	assert_int_equal(err.code, ERR_INSTALL_FAILED);
	w.name = (char[]){ "shop" };
	assert_int_equal(rules_of(&w, &rules, &err), 0);
	w.cert++;
	w.name = (char[]){ "other" };
	assert_int_equal(rules_of(&w, &rules, &err), 0);
}

/* A million are installed for the first time: not a look at each for each. */
static void
a_look_at_each_is_enough(void **state)
{
	enum { CERTS = 300 };
	struct w_install w = { .gen = 1, .version = 1,
		.policy = (char[]){ "" } };
	struct rules rules;
	struct buf text;
	char title[32];
	struct err err;
	int i;

	(void)state;
	buf_init(&text, 100000);
	buf_puts(&text, "agree-tos = true\n");
	for (i = 0; i < CERTS; i++)
		buf_printf(&text, "certificate \"n%d.example\" { }\n", i);
	master.conf = conf_of(text.data);
	links_read = 0;
	for (i = 0; i < CERTS; i++) {
		snprintf(title, sizeof(title), "n%d.example", i);
		w.cert = CERT + (uint64_t)i;
		w.name = title;
		assert_int_equal(rules_of(&w, &rules, &err), 0);
		rules_own(&master, w.cert, title);
	}
	assert_in_range(links_read, CERTS, 3 * CERTS);
	buf_free(&text);
}

/* --- a keeper and a verifier that were taken over --- */

static void
answers_to_nobody(void **state)
{
	static const uint32_t ids[] = { 0, 5, SURVEY_SERIAL,
		SURVEY_SERIAL | 1, UINT32_C(1) << 31, UINT32_MAX };
	struct w_key key = { { NULL, 0 }, { NULL, 0 } };
	struct w_exported exported = { { NULL, 0 } };
	struct w_opened opened = { CERT, 1, { NULL, 0 } };
	struct w_verdict verdict = { UINT32_MAX };
	struct w_empty fine = { 0 };
	struct w_failed failed = { (char[]){ "" }, (char[]){ "" },
		(char[]){ "" } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_true(says(ROLE_KEEPER, WIRE_KEY, ids[i], &key));
		assert_true(says(ROLE_KEEPER, WIRE_EXPORTED, ids[i],
		    &exported));
		assert_true(says(ROLE_KEEPER, WIRE_OPENED, ids[i], &opened));
		assert_true(says(ROLE_KEEPER, WIRE_OK, ids[i], &fine));
		assert_true(says(ROLE_KEEPER, WIRE_FAILED, ids[i], &failed));
		assert_true(says(ROLE_VERIFIER, WIRE_VERDICT, ids[i],
		    &verdict));
		assert_true(says(ROLE_VERIFIER, WIRE_FAILED, ids[i],
		    &failed));
		assert_true(says(ROLE_TOKEN, WIRE_FAILED, ids[i], &failed));
	}
	assert_int_equal(said[ROLE_ENGINE].n, 0);
}

/* An empty key is what stands for a CSR where files are staged. */
static void
an_empty_key_is_opened(void **state)
{
	struct w_install w = { .cert = CERT, .name = (char[]){ "shop" },
		.gen = 1, .version = 1, .policy = (char[]){ "" } };
	struct w_opened o = { CERT, 1, { NULL, 0 } };

	(void)state;
	master.conf = conf_of(conf_text);
	w.sealed = w.leaf = w.meta = filled(8);
	strv_add(&w.names, "shop.example");
	assert_true(says(ROLE_ENGINE, WIRE_INSTALL, 9, &w));
	assert_int_equal(said[ROLE_KEEPER].kind, WIRE_OPEN);
	assert_true(says(ROLE_KEEPER, WIRE_OPENED, said[ROLE_KEEPER].id, &o));
	assert_int_equal(refusal(), ERR_KEEPER);
	assert_int_equal(said[ROLE_VERIFIER].n, 0);
	/* A key of another certificate is no better. */
	assert_true(says(ROLE_ENGINE, WIRE_INSTALL, 10, &w));
	o.cert++;
	assert_true(says(ROLE_KEEPER, WIRE_OPENED, said[ROLE_KEEPER].id, &o));
	assert_int_equal(refusal(), ERR_KEEPER);
	assert_int_equal(broke, 1);
	strv_free(&w.names);
	blob_free(&w.leaf);
}

static int
operator(const struct watch *door, const struct operator_request *r)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	uint8_t p[OPERATOR_REQUEST];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(path.sun_path, sizeof(path.sun_path), "%s/%s", top,
	    OPERATOR_SOCKET);
	assert_int_equal(connect(fd, (struct sockaddr *)&path, sizeof(path)),
	    0);
	door->fn(door->ctx);
	assert_ptr_not_equal(newest, door);
	operator_write(p, r);
	assert_int_equal(operator_send(fd, p, sizeof(p), -1), 0);
	newest->fn(newest->ctx);
	assert_int_equal(said[ROLE_KEEPER].kind, WIRE_ARM);
	return fd;
}

/* Leave was given, no engine has handed anything on: no key is given out. */
static void
an_export_that_nobody_asked_for(void **state)
{
	const struct operator_request r = { .kind = OPERATOR_ARM,
		.what = ARM_EXPORT, .object = 5, .seconds = 60, .ca = "own" };
	struct w_exported exported = { { NULL, 0 } };
	uint8_t answer[OPERATOR_ANSWER];
	struct err err;
	int fd;

	(void)state;
	exported.key = filled(10);
	master.conf = conf_of(conf_text);
	assert_int_equal(arm_start(&master, &err), 0);
	fd = operator(newest, &r);
	assert_true(says(ROLE_KEEPER, WIRE_EXPORTED, said[ROLE_KEEPER].id,
	    &exported));
	assert_int_equal(recv(fd, answer, sizeof(answer), MSG_DONTWAIT), -1);
	arm_stop();
	close(fd);
	blob_free(&exported.key);
}

/* Whoever has gone without an answer believes that nothing is allowed. */
static void
leave_that_nobody_waits_for(void **state)
{
	const struct operator_request r = { .kind = OPERATOR_ARM,
		.what = ARM_KEY_CHANGE, .object = 5, .seconds = 60,
		.ca = "own" };
	struct w_empty fine = { 0 };
	struct watch *door;
	struct w_arm *w;
	struct err err;
	int fd;

	(void)state;
	master.conf = conf_of(conf_text);
	assert_int_equal(arm_start(&master, &err), 0);
	door = newest;
	fd = operator(door, &r);
	close(fd);
	newest->fn(newest->ctx);
	w = heard(ROLE_KEEPER, WIRE_ARM);
	assert_int_equal(w->seconds, 0);
	assert_int_equal(w->what, ARM_KEY_CHANGE);
	assert_int_equal(w->object, 5);
	forget(WIRE_ARM, w);
	/* With an answer it is what was asked for. */
	fd = operator(door, &r);
	assert_true(says(ROLE_KEEPER, WIRE_OK, said[ROLE_KEEPER].id, &fine));
	close(fd);
	newest->fn(newest->ctx);
	w = heard(ROLE_KEEPER, WIRE_ARM);
	assert_int_equal(w->seconds, 60);
	forget(WIRE_ARM, w);
	arm_stop();
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_survey_of_large_files),
		T(a_question_without_a_number),
		T(names_in_the_environment), T(nothing_is_no_value),
		T(a_file_has_the_last_word),
		T(what_a_file_wishes_is_not_purged),
		T(what_no_file_wishes_is_purged),
		T(what_is_left_out_keeps_its_files),
		T(an_id_has_the_rules_of_its_title),
		T(a_look_at_each_is_enough),
		T(answers_to_nobody), T(an_empty_key_is_opened),
		T(an_export_that_nobody_asked_for),
		T(leave_that_nobody_waits_for)
	};

	return cmocka_run_group_tests_name("what the master is asked", tests,
	    NULL, NULL);
}
