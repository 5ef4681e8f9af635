/* everleaf-keeper: makes, seals and uses private keys for the engine, and
 * opens a certificate's key for the master, each over its own socketpair. Two
 * channels, a table of what each may say, one message at a time. Who breaks
 * the rules loses the channel; without the master there is nothing to do. */
#include <config.h>
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include "daemon/confined.h"
#include "daemon/keeper.h"
#include "daemon/keeper_account.h"
#include "daemon/keeper_pool.h"
#include "daemon/log.h"
#include "daemon/packet.h"

#define MORE "; a limit of 64 MiB for locked memory (LimitMEMLOCK=64M) " \
    "avoids it"

enum { LOCKABLE = 64 * 1024 * 1024, WAITING_MAX = 128 };

/* A request of the engine's that waits for a slow key. */
struct waiting {
	const struct duty *duty;
	const struct key_type *type;
	const struct msg_spec *spec;
	uint32_t id;
	void *body;
};

struct keeper {
	struct kek kek;
	bool ready;			/* the KEK is here */
	int fds[SENDERS];		/* -1: no engine */
	struct waiting waiting[WAITING_MAX];	/* the oldest first */
	size_t waiting_n;
};

static const struct duty duties[] = {
	{ WIRE_OPEN, WIRE_OPENED, FROM_MASTER, keeper_open },
	{ WIRE_FORGET, WIRE_OK, FROM_MASTER, keeper_forget },
	{ WIRE_SECRET, WIRE_OK, FROM_MASTER, keeper_secret },
	{ WIRE_ARM, WIRE_OK, FROM_MASTER, keeper_arm },
	{ WIRE_IMPORT, WIRE_KEY, FROM_MASTER, keeper_import },
	{ WIRE_EXPORT, WIRE_EXPORTED, FROM_MASTER, keeper_export },
	{ WIRE_ACCOUNT_KEY, WIRE_KEY, FROM_ENGINE, keeper_account_key },
	{ WIRE_CSR, WIRE_CSR_DONE, FROM_ENGINE, keeper_csr },
	{ WIRE_PLACEHOLDER, WIRE_PLACED, FROM_ENGINE, keeper_placeholder },
	{ WIRE_JWS, WIRE_JWS_DONE, FROM_ENGINE, keeper_jws },
	{ WIRE_TSIG, WIRE_MAC, FROM_ENGINE, keeper_tsig }
};

/* Where the limit has room for it. */
static bool
lock_all(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY }, now;

	if (setrlimit(RLIMIT_MEMLOCK, &all) != 0 &&
	    getrlimit(RLIMIT_MEMLOCK, &now) == 0) {
		now.rlim_cur = now.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &now);
	}
	return getrlimit(RLIMIT_MEMLOCK, &now) == 0 &&
	    now.rlim_cur >= LOCKABLE &&
	    mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
}

static void
lock_generator(void)
{
	lock_all();
}

/* All locked, now and later, where the limit has room for it: with a small
 * one the second half would be an allocation that fails in the middle of the
 * work. Then only what opens everything else. */
static void
lock_memory(const struct keeper *k)
{
	if (lock_all())
		sandbox_say_line("memory: locked");
	else
		sandbox_say_line(mlock(k, sizeof(*k)) == 0 ? "memory: all but "
		    "the key encryption key may be swapped" MORE :
		    "memory: keys may be swapped" MORE);
}

static int
rehearsal(void)
{
	struct err err;

	return keeper_rehearse(&err);
}

/* Twice rehearsed: before, so that the library has all that it opens; and
 * inside, so that an update that needs more is found now. */
static void
confine(const struct keeper *k)
{
	struct sandbox_plan plan = { .role = ROLE_KEEPER };
	struct err err;

	assert(!k->ready);
	if (keeper_rehearse(&err) != 0) {
		log_err(&err, "first rehearsal");
		exit(1);
	}
	plan.lenient = !confined_fits(&plan, rehearsal);
	if (pool_start(&plan, lock_generator, &err) != 0) {
		log_err(&err, "start");
		exit(1);
	}
	lock_memory(k);
	confined_enter(&plan);
	if (keeper_rehearse(&err) != 0) {
		log_err(&err, "rehearsal in confinement");
		exit(1);
	}
}

/* --- requests for slow keys ----------------------------------------------- */

/* The type of the slow key that a request needs made; NULL if it needs none,
 * or if what it names is none, which its operation says. */
static const struct key_type *
slow_key(enum wire_kind kind, const void *body)
{
	const struct w_csr *csr = body;
	const struct w_placeholder *placeholder = body;
	const struct w_account_key *account = body;
	const struct key_type *t;
	const char *alg = NULL;
	struct err unused;

	if (kind == WIRE_CSR && csr->sealed.len == 0)
		alg = csr->alg;
	else if (kind == WIRE_PLACEHOLDER)
		alg = placeholder->alg;
	else if (kind == WIRE_ACCOUNT_KEY)
		alg = account->alg;
	t = alg != NULL ? key_type_find(alg, &unused) : NULL;
	return t != NULL && t->slow && !pool_has(t) ? t : NULL;
}

/* Keeps what it takes from the packet. */
static int
let_wait(struct keeper *k, const struct duty *d, const struct key_type *t,
    struct packet *p)
{
	struct err err;

	assert(t->slow && k->waiting_n <= WAITING_MAX);
	if (k->waiting_n == WAITING_MAX) {
		err_set(&err, ERR_KEEPER, "new key: more than %d requests "
		    "wait for a slow one", WAITING_MAX);
		return wire_fail(k->fds[d->from], p->id, &err);
	}
	k->waiting[k->waiting_n++] = (struct waiting){ d, t, p->spec, p->id,
		p->body };
	p->body = NULL;
	pool_order(t);
	return 0;
}

/* Who got an error instead took no key: what was ordered for it would pile
 * up. */
static void
forget_waiting(struct keeper *k, size_t i)
{
	const struct key_type *t = k->waiting[i].type;
	size_t n = 0, other;

	assert(i < k->waiting_n);
	msg_free(k->waiting[i].spec, k->waiting[i].body);
	free(k->waiting[i].body);
	memmove(&k->waiting[i], &k->waiting[i + 1],
	    (--k->waiting_n - i) * sizeof(k->waiting[0]));
	for (other = 0; other < k->waiting_n; other++)
		n += k->waiting[other].type == t;
	pool_wanted(t, n);
}

/* An engine that is gone waits for nothing. */
static void
drop_engine(struct keeper *k)
{
	if (k->fds[FROM_ENGINE] >= 0)
		close(k->fds[FROM_ENGINE]);
	k->fds[FROM_ENGINE] = -1;
	while (k->waiting_n > 0)
		forget_waiting(k, k->waiting_n - 1);
	assert(k->waiting_n == 0 && k->fds[FROM_ENGINE] < 0);
	pool_cancel();
}

/* The oldest whose key is there now. False: nobody. */
static bool
answer_waiting(struct keeper *k)
{
	struct waiting *w;
	size_t i = 0;

	while (i < k->waiting_n && !pool_has(k->waiting[i].type))
		i++;
	if (i == k->waiting_n)
		return false;
	w = &k->waiting[i];
	assert(w->body != NULL && pool_has(w->type));
	if (duty_do(w->duty, &k->kek, k->fds[w->duty->from], w->id,
	    w->body) != 0)
		drop_engine(k);
	else
		forget_waiting(k, i);
	return true;
}

static int
hear_generator(struct keeper *k, int i, struct err *err)
{
	assert(i >= 0 && i < POOL_GENERATORS);
	if (pool_hear(i, err) != 0)
		return -1;
	while (answer_waiting(k))
		;
	return 0;
}

/* --- what comes ----------------------------------------------------------- */

static int
take_kek(struct keeper *k, const struct packet *p, struct err *err)
{
	const struct w_kek *m = p->body;
	struct w_empty done = { 0 };

	assert(p->spec->kind == WIRE_KEK);
	if (k->ready || m->kek.len != sizeof(k->kek.key))
		return err_set(err, ERR_INTERNAL, k->ready ?
		    "a second key encryption key" :
		    "a key encryption key of another length");
	memcpy(k->kek.key, m->kek.p, sizeof(k->kek.key));
	k->kek.id = m->kek_id;
	k->ready = true;
	if (wire_send(k->fds[FROM_MASTER], WIRE_OK, p->id, &done) != 0)
		return err_errno(err, ERR_INTERNAL, "answer");
	return 0;
}

/* Its end of a new channel: whatever the engine before was waiting for is
 * nobody's now. */
static void
take_engine(struct keeper *k, struct packet *p)
{
	assert(p->nfds == 1);
	drop_engine(k);
	k->fds[FROM_ENGINE] = p->fds[0];
	p->nfds = 0;
}

/* Who may ask for what stands in the table; before its key is here nothing
 * is done for anybody. */
static int
obey(struct keeper *k, enum sender from, struct packet *p, struct err *err)
{
	const enum wire_kind kind = (enum wire_kind)p->spec->kind;
	const struct key_type *slow;
	const struct duty *d;
	int rc;

	assert(from < SENDERS && p->body != NULL);
	if (p->nfds != (from == FROM_MASTER && kind == WIRE_PEER ? 1 : 0))
		return err_set(err, ERR_INTERNAL, "message %s: it carries %d "
		    "descriptors", p->spec->name, p->nfds);
	if (from == FROM_MASTER && kind == WIRE_KEK)
		return take_kek(k, p, err);
	if (!k->ready)
		return err_set(err, ERR_INTERNAL, "message %s before the key "
		    "encryption key", p->spec->name);
	if (from == FROM_MASTER && kind == WIRE_PEER) {
		take_engine(k, p);
		return 0;
	}
	d = duty_find(duties, sizeof(duties) / sizeof(duties[0]), from, p,
	    err);
	if (d == NULL)
		return -1;
	slow = slow_key(kind, p->body);
	rc = slow != NULL ? let_wait(k, d, slow, p) :
	    duty_do(d, &k->kek, k->fds[from], p->id, p->body);
	return rc == 0 ? 0 : err_set(err, ERR_INTERNAL, "message %s: its "
	    "answer could not be sent", p->spec->name);
}

/* 0: go on. 1: the other end is gone. -1: it broke the rules. */
static int
hear(struct keeper *k, enum sender from, struct err *err)
{
	struct packet p;
	int rc;

	assert(from < SENDERS && k->fds[from] >= 0);
	switch (packet_hear(&p, k->fds[from], err)) {
	case HEARD_NOTHING:
		return 0;
	case HEARD_END:
		return 1;
	case HEARD_BAD:
		return -1;
	case HEARD_ONE:
		break;
	}
	rc = obey(k, from, &p, err);
	packet_free(&p);
	return rc;
}

/* The engine comes first: a new channel from the master takes the place of
 * the one that was polled. */
static void
hear_engine(struct keeper *k)
{
	struct err err;
	int rc = hear(k, FROM_ENGINE, &err);

	if (rc < 0)
		log_err(&err, "the engine broke the rules and is cut off");
	if (rc != 0)
		drop_engine(k);
}

static int
hear_generators(struct keeper *k, const struct pollfd *p)
{
	struct err err;
	int i;

	for (i = 0; i < POOL_GENERATORS; i++)
		if (p[i].revents != 0 && hear_generator(k, i, &err) != 0) {
			log_err(&err, "the keeper ends, to be started again");
			return -1;
		}
	return 0;
}

/* Ends when the master does: 0, or 1 when it broke the rules. */
static int
serve(struct keeper *k)
{
	struct pollfd p[SENDERS + POOL_GENERATORS];
	struct err err;
	int i, rc = 0;

	assert(k->fds[FROM_MASTER] >= 0);
	while (rc == 0) {
		for (i = 0; i < SENDERS + POOL_GENERATORS; i++)
			p[i] = (struct pollfd){ i < SENDERS ? k->fds[i] :
			    pool_fds[i - SENDERS], POLLIN, 0 };
		if (poll(p, SENDERS + POOL_GENERATORS, account_rest()) < 0)
			continue;
		if (p[FROM_ENGINE].revents != 0)
			hear_engine(k);
		if (hear_generators(k, p + SENDERS) != 0)
			return 1;
		if (p[FROM_MASTER].revents != 0 &&
		    (rc = hear(k, FROM_MASTER, &err)) < 0)
			log_err(&err, "the master broke the rules");
	}
	return rc < 0;
}

/* For the master, which reads the configuration and has no crypto library. */
static int
say_has(const char *type)
{
	struct err err;

	if (key_type_find(type, &err) != NULL)
		return 0;
	printf("%s. %s", err.text, err.advice);
	return 1;
}

int
main(int argc, char *argv[])
{
	static struct keeper k = { .fds = { WIRE_FD_MASTER, -1 } };
	int rc;

	if (argc == 3 && strcmp(argv[1], "--has") == 0)
		return say_has(argv[2]);
	confined_open(ROLE_KEEPER);
	confine(&k);
	rc = serve(&k);
	account_forget_all();
	OPENSSL_cleanse(&k.kek, sizeof(k.kek));
	msg_forget();
	return rc;
}
