/* The master's parts and what they share. The master is the only process
 * that is root, runs programs and names paths; it opens no connection and
 * parses nothing that came from outside: its configuration, and the fixed
 * messages of wire.h, are all it reads. Libc only. */
#ifndef DAEMON_MASTER_H
#define DAEMON_MASTER_H
#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>
#include "daemon/conf.h"
#include "daemon/master_loop.h"
#include "daemon/sandbox.h"
#include "daemon/wire.h"

enum { MASTER_EXIT_FAILED = 1, MASTER_EXIT_CONFIG = 2,
	MASTER_EXIT_RUNNING = 75 };

/* A child that has run so long has not failed at its start. */
enum { CHILD_STEADY_MS = 60 * 1000 };

/* One of the other programs. */
struct child {
	struct master *m;
	enum role role;
	pid_t pid;			/* -1: does not run */
	int pidfd, channel;		/* -1 */
	uid_t uid;
	gid_t gid;
	const char *user;		/* NULL: none of its own */
	struct watch *exits, *speaks;
	struct alarm *restart;
	int64_t started, backoff;
	int64_t deaths[5];		/* when; the oldest is overwritten */
	unsigned deaths_n;
	struct strv confined;		/* what it has told of that */
	bool stopped;			/* we asked it to go: no failure */
};

/* What is answered there: by the responder, in this order. */
enum listen_type { LISTEN_HTTP, LISTEN_ALPN, LISTEN_TYPES };

struct listener {
	enum listen_type type;
	char *address;			/* as configured; "" the socket */
	int fd;				/* -1: taken, tried again */
};

struct master {
	const char *file;		/* the configuration's */
	bool debug;			/* -d */
	struct conf *conf;
	char *log_level;		/* as its files say it, whatever -d */
	char *credentials;		/* $CREDENTIALS_DIRECTORY, or NULL */
	char libexec[4096];
	struct strv token_env;		/* NAME=value for the token alone */

	bool root, separate;		/* root; each role its own user */
	int state, db, lock, tokens;	/* directories, lock file */
	char *empty;			/* the responder's root directory */

	struct child children[ROLE_COUNT];	/* by role; not ROLE_MASTER */
	unsigned engine;		/* counts engines: whose request? */
	int64_t beat;			/* when the engine last was alive */

	int api;
	struct listener *listeners;
	size_t listeners_n;
	struct alarm *listen_again;

	bool stopping;
	int64_t stop_at;
};

/* --- master_state.c: directories, the lock, what a crash left --------------*/
int state_open(struct master *m, struct err *err);	/* -1; lock held: -2 */
void state_recover(struct master *m);	/* in small steps, from the loop */

/* --- master_kek.c ----------------------------------------------------------*/
/* Makes the key-encryption key when there is no store yet. */
int kek_prepare(const struct master *m, struct err *err);
int kek_read(const struct master *m, uint8_t kek[32], struct err *err);

/* --- master_keys.c: whether wished types of keys can be made here ----------*/
/* False: a line for each block that names one that can't. */
bool keys_can_be_made(const struct master *m, const struct conf *c,
    struct strv *lines);

/* --- master_secrets.c: files with secrets, for the keeper ------------------*/
void secrets_give(struct master *m);	/* all of them, anew */
/* To a new token: keys, and what binds their accounts. */
void secrets_give_token(struct master *m);
int secrets_base64(struct blob *out, const struct blob *text,
    const char *path, struct err *err);

/* --- master_arm.c: what an operator says (operator.h) ----------------------*/
int arm_start(struct master *m, struct err *err);
void arm_stop(void);
bool arm_is_ours(uint32_t id);	/* of a message to keeper or token */
void arm_done(enum role from, uint32_t id);
void arm_sealed(uint32_t id, const struct w_key *k);
/* The engine hands on the sealed key of an account, which an operator who is
 * on the line has asked for. */
void arm_export(struct master *m, uint32_t id, const struct w_export *w);
void arm_exported(uint32_t id, const struct w_exported *w);
void arm_failed(enum role from, uint32_t id, const struct w_failed *f);
void arm_child_gone(enum role role);

/* --- master_listen.c -------------------------------------------------------*/
int listen_start(struct master *m, struct err *err);
/* A listening socket in the run directory, 0600, and its path; -1 and err. */
int listen_unix(const struct master *m, const char *name, int type,
    struct sockaddr_un *path, struct err *err);
/* After a reload: true if the responder's list has changed. */
bool listen_change(struct master *m);
void listen_stop(struct master *m);

/* --- master_children.c -----------------------------------------------------*/
void children_users(struct master *m);	/* who runs as whom */
bool child_user(struct child *c);	/* of its role; false: there is none */
void children_start(struct master *m);
/* A message that breaks the rules ends its sender. */
void child_broke_rule(struct child *c, const char *why);
void child_kill(struct child *c, int signal);
/* Lets the engine go (drain) and starts a new one when it is gone. */
void children_new_engine(struct master *m);
void children_new_responder(struct master *m);
/* Starts, replaces or ends the token, as the configuration now wants it. */
void children_new_token(struct master *m);
bool children_want(const struct child *c);
void children_stop(struct master *m);
/* Sends to a child; one that does not take it within 5 s is ended. */
bool child_send(struct child *c, enum wire_kind kind, uint32_t id,
    const void *st, const int *fds, int nfds);

/* --- master_requests.c: what children say ----------------------------------*/
/* A whole message; false if it breaks the rules. */
bool requests_take(struct child *c, const void *p, size_t n);
/* Answers an engine's request, unless that engine is gone. */
void requests_answer(struct master *m, unsigned engine, uint32_t id,
    enum wire_kind kind, const void *st);
void requests_refuse(struct master *m, unsigned engine, uint32_t id,
    const struct err *err);

/* --- master_jobs.c: install, flip, prune, purge, one after the other -------*/
void jobs_add(struct master *m, enum wire_kind kind, uint32_t id,
    void *st);				/* takes st, from the heap */
void jobs_opened(struct master *m, uint32_t id, struct w_opened *o);
void jobs_verdict(struct master *m, uint32_t id, const struct w_verdict *v);
void jobs_failed(struct master *m, uint32_t id, const struct w_failed *f);
void jobs_child_gone(struct master *m, enum role role);
void jobs_go(struct master *m);		/* on, if something had to wait */
bool jobs_flip_waits(void);
bool jobs_work_on(uint64_t cert);

/* --- master_survey.c: what is on disk, for an inventory that was lost ------*/
enum { SURVEY_SERIAL = 1 << 30 };	/* in ids to the keeper: not a job's */
void survey_next(struct master *m, uint32_t id,
    const struct w_generation *after);
void survey_reseal(struct master *m, uint32_t id, const struct w_reseal *r);
void survey_sealed(struct master *m, uint32_t id, const struct w_key *k);
void survey_failed(struct master *m, uint32_t id, const struct w_failed *f);
void survey_child_gone(struct master *m, enum role role);

/* --- master_security.c: for `status --security` ----------------------------*/
void security_told(struct child *c, const struct w_confined *w);
void security_answer(struct master *m, uint32_t id);

/* --- master_rules.c: what the configuration says about an installation -----*/
struct rules {
	gid_t gid;
	mode_t key_mode;
	bool allow_test_ca;
};
int rules_for(const struct master *m, const struct w_install *w,
    struct rules *out, struct err *err);
/* The certificate of our configuration to which the files of this id belong:
 * its link below live/ leads there. NULL: none of ours. */
const struct conf_cert *rules_owner(const struct master *m, uint64_t cert);
/* -1 and err: they belong to one that is left out of it for now, since its CSR
 * can't be used. It keeps what it has. */
int rules_left_out(const struct master *m, uint64_t cert, struct err *err);
/* live/TITLE leads to this id from now on. */
void rules_own(const struct master *m, uint64_t cert, const char *title);
void rules_forget(void);	/* another configuration is in force */
/* The CSR that our configuration names for a certificate without a key of
 * ours; NULL and err if it names none. */
const struct blob *rules_csr(const struct master *m,
    const struct w_install *w, struct err *err);

/* --- master_runs.c: the programs of services and of dns blocks -------------*/
/* kind: WIRE_RUN or WIRE_RUN_DNS; st is its struct, on the heap: taken. */
void runs_add(struct master *m, uint32_t id, enum wire_kind kind, void *st);
bool runs_going(void);		/* of services: they read live files */
void runs_go(struct master *m);		/* on, if something had to wait */
void runs_stop(void);

/* What one run is made of: everything from our own configuration. */
struct program {
	struct strv argv, env;
	struct blob input;		/* not owned */
	char *input_text;		/* owned, if made for this run */
	const char *user;
	int64_t timeout_ms;
};
void program_free(struct program *p);
/* EVERLEAF_NAME=value; too long a value is left out. */
void program_env(struct strv *env, const char *name, const char *value);

/* --- master_run_dns.c ------------------------------------------------------*/
int run_dns_program(const struct master *m, const struct w_run_dns *w,
    struct program *out, struct err *err);

/* --- master_webroot.c: token files, each by a child of its own -------------*/
void webroots_add(struct master *m, uint32_t id,
    void *st);				/* takes st, from the heap */
void webroots_stop(void);

/* --- master_reload.c -------------------------------------------------------*/
struct conf *reload_first(struct master *m, int *exit_code);
void reload_asked(struct master *m, uint32_t id, const struct w_reload *r);
void reload_signal(struct master *m);
void reload_done(struct master *m);	/* the new engine runs */

/* --- master_last.c: the last good configuration, for the next start --------*/
/* A conf_find_before of conf_read.h; ctx is the master, who owns it until
 * last_keep(). */
const struct conf *last_find(void *master, const char *state_dir);
/* Keeps m->conf in the state directory. What goes wrong is logged. */
void last_keep(struct master *m);

/* --- master_csr.c: the CSRs that the configuration names -------------------*/
void csrs_open(struct master *m);	/* before the first is read */

/* --- master_notify.c: sd_notify(3) and its watchdog ------------------------*/
void notify_open(const char *socket, const char *watchdog_usec);
void notify_state(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_ready(const struct master *m);	/* once */
void notify_reloading(void);
void notify_beat(void);
/* Something that goes on being so, and that it is over. */
void notify_bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_well(const struct master *m);
/* How long a silent engine is left alone, ms. */
int64_t notify_patience(void);
#endif
