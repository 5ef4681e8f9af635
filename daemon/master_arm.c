/* The operator's own socket. What root says here goes to the keeper as it is:
 * this act, on that object, for so long; or a key to seal. The engine has no
 * way to it. One request at a time on a connection, few connections, and each
 * line of it in the log. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "acme/acme.h"
#include "daemon/arm_words.h"
#include "daemon/log.h"
#include "daemon/master.h"
#include "daemon/operator_io.h"

enum { CONNECTIONS = 8, IDLE_MS = 30 * 1000, KEY_FILE_MAX = 64 * 1024,
	OURS = INT32_MIN };

struct talk {
	struct master *m;
	int fd;			/* -1: free */
	struct watch *speaks;
	struct alarm *idle;
	uint32_t waits;			/* id of what a child was asked */
	enum role asked;		/* ... and which one */
	uint32_t handed;	/* EXPORT: request of the engine; 0: none */
	unsigned engine;		/* ... and which engine's */
	struct operator_request r;
	struct ucred peer;
};

static struct talk talks[CONNECTIONS];
static struct watch *door;
static int listener = -1;
static uint32_t serials;

/* Who allowed what stands in the log, whatever comes of it. */
static void
say(const struct talk *t, const char *verb)
{
	const struct operator_request *r = &t->r;

	assert(t->r.kind == OPERATOR_IMPORT ||
	    (unsigned)t->r.what < ARM_WHAT_COUNT);
	if (r->kind == OPERATOR_IMPORT)
		log_info("operator (uid %u, process %d) %s a key for %s %016"
		    PRIx64, (unsigned)t->peer.uid, (int)t->peer.pid, verb,
		    r->version == 0 ? "account" : "certificate", r->object);
	else
		log_info("operator (uid %u, process %d) %s %s of %s %016" PRIx64
		    " version %" PRIu32 "%s%s for %" PRIu32 " s",
		    (unsigned)t->peer.uid, (int)t->peer.pid, verb,
		    arm_words(r->what)->act, arm_words(r->what)->of, r->object,
		    r->version, r->ca[0] != '\0' ? " at " : "", r->ca,
		    r->seconds);
}

/* --- connections ---------------------------------------------------------- */

/* The engine hears what became of the key that it has handed on. */
static void
tell_engine(struct talk *t, const struct err *err)
{
	struct w_empty done = { 0 };
	uint32_t id = t->handed;

	assert(t->m != NULL);
	t->handed = 0;
	if (id != 0 && err->code == ERR_OK)
		requests_answer(t->m, t->engine, id, WIRE_OK, &done);
	else if (id != 0)
		requests_refuse(t->m, t->engine, id, err);
}

/* Whoever asked for leave has gone without an answer and believes that there is
 * none: what still lies in a channel is taken back behind it. */
static void
take_back(struct talk *t)
{
	char nothing[] = "";
	struct w_arm w = { .what = (uint8_t)t->r.what, .object = t->r.object,
		.version = t->r.version, .ca = nothing, .origin = nothing };

	assert(t->waits != 0);
	if (t->r.kind != OPERATOR_ARM)
		return;
	say(t, "gave up waiting and takes back");
	child_send(&t->m->children[ROLE_KEEPER], WIRE_ARM, 0, &w, NULL, 0);
	child_send(&t->m->children[ROLE_TOKEN], WIRE_ARM, 0, &w, NULL, 0);
}

static void
hang_up(struct talk *t)
{
	struct err err;

	assert(t->fd >= 0);
	if (t->waits != 0)
		take_back(t);
	err_set(&err, ERR_INTERNAL, "key: who asked for it is gone");
	tell_engine(t, &err);
	watch_free(t->speaks);
	alarm_free(t->idle);
	close(t->fd);
	memset(t, 0, sizeof(*t));
	t->fd = -1;
}

static void
too_idle(void *ctx)
{
	hang_up(ctx);
}

/* False: nobody is there any more. */
static bool
reply(struct talk *t, const struct err *err, int pass)
{
	uint8_t answer[OPERATOR_ANSWER];

	assert(t->fd >= 0 && (pass < 0 || err->code == ERR_OK));
	operator_answer_write(answer, err);
	t->waits = 0;
	alarm_after(t->idle, IDLE_MS);
	if (operator_send(t->fd, answer, sizeof(answer), pass) == 0)
		return true;
	hang_up(t);
	return false;
}

/* --- what is asked of keeper and token ------------------------------------ */

static enum err_code
code_of(enum role role)
{
	return role == ROLE_TOKEN ? ERR_TOKEN : ERR_KEEPER;
}

/* Its ids have a bit that no job's id has: the answers find their way back. */
static int
ask(struct talk *t, enum role role, enum wire_kind kind, const void *st,
    struct err *err)
{
	assert(t->waits == 0);
	t->waits = (uint32_t)OURS | ++serials;
	t->asked = role;
	assert(arm_is_ours(t->waits));
	alarm_after(t->idle, IDLE_MS);
	if (child_send(&t->m->children[role], kind, t->waits, st, NULL, 0))
		return 0;
	t->waits = 0;
	err_set(err, code_of(role), "the %s does not run at the moment",
	    role_name(role));
	return err_advise(err, "Try it again in a minute.");
}

/* Of the CA that a request names, from our own configuration; empty if it
 * names none. */
static int
origin_of(struct buf *origin, const struct talk *t, struct err *err)
{
	const struct conf_ca *ca = conf_ca(t->m->conf, t->r.ca);

	assert(origin->len == 0);
	if (t->r.ca[0] == '\0')
		return 0;
	if (ca == NULL)
		return err_set(err, ERR_NO_SUCH, "the configuration has no ca "
		    "\"%s\"", t->r.ca);
	return acme_url_origin(origin, ca->directory, err);
}

/* Leave is with one of the two only, or it could be used twice: with whom the
 * account's key is by our own configuration. */
static enum role
who_signs(const struct talk *t)
{
	const struct conf_ca *ca = conf_ca(t->m->conf, t->r.ca);

	assert((ca != NULL) == (t->r.ca[0] != '\0'));
	return ca != NULL && ca->account_key[0] != '\0' ? ROLE_TOKEN :
	    ROLE_KEEPER;
}

static int
arm(struct talk *t, struct err *err)
{
	static const uint8_t none[OPERATOR_MORE];
	struct operator_request *r = &t->r;
	char nothing[] = "";
	struct w_arm w = { .what = (uint8_t)r->what, .object = r->object,
		.version = r->version, .seconds = r->seconds, .ca = r->ca,
		.origin = nothing };
	struct buf origin;
	int rc;

	assert(t->r.kind != OPERATOR_IMPORT);
	if (memcmp(r->digest, none, sizeof(none)) != 0)
		w.digest = (struct blob){ r->digest, sizeof(r->digest) };
	buf_init(&origin, ACME_URL_MAX);
	rc = origin_of(&origin, t, err);
	if (origin.len > 0)
		w.origin = origin.data;
	/* Either may be asked to sign a revocation; what was armed, perhaps
	 * before a reload, is taken back wherever it is. */
	if (rc == 0 && r->ca[0] == '\0')
		child_send(&t->m->children[ROLE_TOKEN], WIRE_ARM, 0, &w, NULL,
		    0);
	if (rc == 0)
		rc = ask(t, who_signs(t), WIRE_ARM, &w, err);
	buf_free(&origin);
	return rc;
}

/* A regular file of a sensible size: what else it might be would block, or
 * never end (security.md D10). */
static int
read_file(struct blob *out, int fd, struct err *err)
{
	struct stat st;
	ssize_t n;

	assert(fd >= 0);
	*out = (struct blob){ NULL, 0 };
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 1 ||
	    st.st_size > KEY_FILE_MAX)
		return err_set(err, ERR_INVALID, "key: what was handed over "
		    "is no file of 1 to %d bytes", KEY_FILE_MAX);
	out->p = xcalloc(1, (size_t)st.st_size);
	out->len = (size_t)st.st_size;
	n = pread(fd, out->p, out->len, 0);
	if (n == (ssize_t)out->len)
		return 0;
	blob_wipe(out);
	return err_errno(err, ERR_INVALID, "key: its file can't be read");
}

/* A key for an account is sealed for the CA that the configuration names,
 * and for no other. */
static int
import(struct talk *t, int fd, struct err *err)
{
	const struct operator_request *r = &t->r;
	struct w_import w = { .object = r->object, .version = r->version };
	struct buf origin;
	int rc;

	assert(t->r.kind == OPERATOR_IMPORT);
	buf_init(&origin, ACME_URL_MAX);
	rc = origin_of(&origin, t, err);
	if (rc == 0)
		rc = read_file(&w.key, fd, err);
	w.origin = origin.data;
	if (rc == 0)
		rc = ask(t, ROLE_KEEPER, WIRE_IMPORT, &w, err);
	blob_wipe(&w.key);
	buf_free(&origin);
	return rc;
}

/* Where the files are, for who must see for himself. */
static void
hand_files(struct talk *t)
{
	int fd = openat(t->m->state, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err;

	err_clear(&err);
	if (fd < 0)
		err_errno(&err, ERR_DISK, "the state directory can't be "
		    "opened");
	reply(t, &err, fd);
	if (fd >= 0)
		close(fd);
}

/* --- what an operator says ------------------------------------------------ */

static void
take(struct talk *t, const void *p, size_t n, const int *fds, int nfds)
{
	struct err err;
	int rc;

	assert(t->fd >= 0 && nfds >= 0);
	err_clear(&err);
	if (t->waits != 0 || !operator_read(&t->r, p, n) ||
	    nfds != (t->r.kind == OPERATOR_IMPORT ? 1 : 0)) {
		log_error("operator (uid %u, process %d): that is no request",
		    (unsigned)t->peer.uid, (int)t->peer.pid);
		hang_up(t);
		return;
	}
	if (t->r.kind == OPERATOR_FILES) {
		hand_files(t);
		return;
	}
	say(t, t->r.kind == OPERATOR_ARM ? "allows" :
	    t->r.kind == OPERATOR_DISARM ? "takes back" : "brings");
	rc = t->r.kind == OPERATOR_IMPORT ? import(t, fds[0], &err) :
	    arm(t, &err);
	if (rc != 0)
		reply(t, &err, -1);
}

static void
on_request(void *ctx)
{
	int fds[MSG_FDS_MAX], nfds = 0;
	struct talk *t = ctx;
	const void *p;
	ptrdiff_t n = msg_recv(t->fd, MSG_DONTWAIT, &p, fds, &nfds);

	assert(t->fd >= 0 && t->speaks != NULL);
	if (n > 0)
		take(t, p, (size_t)n, fds, nfds);
	else if (n == 0 || errno != EAGAIN)
		hang_up(t);
	while (nfds > 0)
		close(fds[--nfds]);
}

/* Root, or whose daemon it is; but none of our own children, who may have the
 * same user where nobody is root. */
static bool
may_speak(const struct master *m, const struct ucred *peer)
{
	int role;

	for (role = ROLE_MASTER + 1; role < ROLE_COUNT; role++)
		if (m->children[role].pid == peer->pid)
			return false;
	return peer->uid == 0 || peer->uid == geteuid();
}

static void
on_connection(void *ctx)
{
	struct master *m = ctx;
	struct talk *t = talks;
	socklen_t len = sizeof(t->peer);
	struct ucred peer;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	while (t < talks + CONNECTIONS && t->fd >= 0)
		t++;
	if (t == talks + CONNECTIONS ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    !may_speak(m, &peer)) {
		close(fd);
		return;
	}
	assert(t >= talks && t < talks + CONNECTIONS && t->fd < 0);
	*t = (struct talk){ .m = m, .fd = fd, .peer = peer };
	t->speaks = watch_new(fd, on_request, t);
	t->idle = alarm_new(too_idle, t);
	alarm_after(t->idle, IDLE_MS);
}

/* --- what they answer ----------------------------------------------------- */

static struct talk *
find(enum role from, uint32_t id)
{
	size_t i;

	assert(arm_is_ours(id));
	for (i = 0; i < CONNECTIONS; i++)
		if (talks[i].fd >= 0 && talks[i].waits == id &&
		    talks[i].asked == from)
			return &talks[i];
	return NULL;
}

bool
arm_is_ours(uint32_t id)
{
	return (id & (uint32_t)OURS) != 0;
}

void
arm_done(enum role from, uint32_t id)
{
	struct talk *t = find(from, id);
	struct err fine;

	err_clear(&fine);
	if (t != NULL)
		reply(t, &fine, -1);
}

/* The sealed key goes back in a file that nobody can change. */
void
arm_sealed(uint32_t id, const struct w_key *k)
{
	struct talk *t = find(ROLE_KEEPER, id);
	struct blob b = operator_pack(k);
	struct err err;
	int fd = t != NULL ? memfd_create("everleaf-key", MFD_CLOEXEC |
	    MFD_ALLOW_SEALING) : -1;

	err_clear(&err);
	if (fd < 0 || write(fd, b.p, b.len) != (ssize_t)b.len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE) != 0)
		err_errno(&err, ERR_INTERNAL, "key: it can't be handed back");
	if (t != NULL)
		reply(t, &err, err.code == ERR_OK ? fd : -1);
	if (fd >= 0)
		close(fd);
	blob_free(&b);
}

/* --- keys that go out ----------------------------------------------------- */

/* Who has allowed it and is still there, to whom alone it is given. */
static struct talk *
taker(uint64_t account)
{
	size_t i;

	for (i = 0; i < CONNECTIONS; i++)
		if (listener >= 0 && talks[i].fd >= 0 && talks[i].waits == 0 &&
		    talks[i].r.kind == OPERATOR_ARM &&
		    talks[i].r.what == ARM_EXPORT &&
		    talks[i].r.object == account)
			return &talks[i];
	return NULL;
}

void
arm_export(struct master *m, uint32_t id, const struct w_export *w)
{
	struct talk *t = taker(w->account);
	struct err err;

	assert(m != NULL && id != 0);
	if (t == NULL) {
		arm_refuse(ARM_EXPORT, w->account, 0, NULL, &err);
		requests_refuse(m, m->engine, id, &err);
		return;
	}
	t->handed = id;
	t->engine = m->engine;
	if (ask(t, ROLE_KEEPER, WIRE_EXPORT, w, &err) != 0)
		tell_engine(t, &err);
}

/* In a file without a name, which its reader overwrites. */
void
arm_exported(uint32_t id, const struct w_exported *w)
{
	struct talk *t = find(ROLE_KEEPER, id);
	struct err err;
	int fd;

	/* Of a keeper that answers what it was not asked. */
	if (t == NULL || t->handed == 0 || t->r.what != ARM_EXPORT)
		return;
	assert(t->fd >= 0 && t->waits == id);
	fd = memfd_create("everleaf-key", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	err_clear(&err);
	if (fd < 0 || write(fd, w->key.p, w->key.len) != (ssize_t)w->key.len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK |
	    F_SEAL_GROW) != 0)
		err_errno(&err, ERR_INTERNAL, "key: it can't be handed out");
	else
		log_info("operator (uid %u, process %d) is given the key of "
		    "account %016" PRIx64, (unsigned)t->peer.uid,
		    (int)t->peer.pid, t->r.object);
	memset(&t->r, 0, sizeof(t->r));
	if (reply(t, &err, err.code == ERR_OK ? fd : -1))
		tell_engine(t, &err);
	if (fd >= 0)
		close(fd);
}

/* --- what is not done ----------------------------------------------------- */

/* Of an export the engine hears, and through it the command. */
static void
not_done(struct talk *t, const struct err *err)
{
	assert(t->waits != 0 && err->code != ERR_OK);
	if (t->handed == 0) {
		reply(t, err, -1);
		return;
	}
	t->waits = 0;
	memset(&t->r, 0, sizeof(t->r));
	tell_engine(t, err);
}

void
arm_failed(enum role from, uint32_t id, const struct w_failed *f)
{
	struct talk *t = find(from, id);
	struct err err;

	wire_failed_err(f, &err);
	if (t != NULL)
		not_done(t, &err);
}

void
arm_child_gone(enum role role)
{
	struct err err;
	size_t i;

	err_set(&err, code_of(role), "the %s ended while it was asked",
	    role_name(role));
	err_advise(&err, "Try it again.");
	for (i = 0; i < CONNECTIONS; i++)
		if (listener >= 0 && talks[i].fd >= 0 && talks[i].waits != 0 &&
		    talks[i].asked == role)
			not_done(&talks[i], &err);
}

/* --- beginning and end ---------------------------------------------------- */

int
arm_start(struct master *m, struct err *err)
{
	struct sockaddr_un path;
	size_t i;

	assert(listener < 0);
	for (i = 0; i < CONNECTIONS; i++)
		talks[i].fd = -1;
	listener = listen_unix(m, OPERATOR_SOCKET, SOCK_SEQPACKET, &path, err);
	if (listener < 0)
		return -1;
	chmod(path.sun_path, 0600);
	door = watch_new(listener, on_connection, m);
	return 0;
}

void
arm_stop(void)
{
	size_t i;

	watch_free(door);
	for (i = 0; i < CONNECTIONS; i++)
		if (listener >= 0 && talks[i].fd >= 0)
			hang_up(&talks[i]);
	if (listener >= 0)
		close(listener);
	listener = -1;
}
