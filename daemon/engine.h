/* The engine's heart, the same in the real process and in the simulator: it
 * needs a loop, a store, a configuration and peers, and knows nothing of how
 * they are made. */
#ifndef DAEMON_ENGINE_H
#define DAEMON_ENGINE_H
#include "daemon/bundle.h"
#include "daemon/conf.h"
#include "daemon/turn.h"

/* What is needed before there is an inventory: takes conf, and says that it
 * lives. security: text for `status --security`, copied. first: the daemon has
 * just started, not only this engine of it. */
void engine_open(struct conf *conf, const char *security, bool first);
void engine_security(const char *text);	/* news about that */
/* Inventory, recovery, schedule, with the store that turn_init() was given;
 * takes it in. */
void engine_go(void);
/* Both. */
void engine_start(struct conf *conf, struct store *store,
    const char *security);
/* No new step; done(ctx) once nothing is in flight, or after 8 s. ends: the
 * whole daemon does, and no other engine follows. */
void engine_drain(bool ends, void (*done)(void *ctx), void *ctx);
/* A new configuration was not taken; line says why. */
void engine_bad_conf(const char *line);
/* Frees all, conf and store too. In-flight work is dropped: as in a crash. */
void engine_fini(void);
void engine_peer_back(void *unused, int peer);	/* enum peer */

/* The configuration in force; changes with a restart of the engine only. */
const struct conf *engine_conf(void);

/* --- what jobs share ------------------------------------------------------ */
/* The certificate's state word, summary and next look are computed again
 * after this turn. */
void engine_touch(int64_t cert_id);
/* Its certificate goes: nothing is left to be computed. */
void engine_untouch(int64_t cert_id);
/* Effective wish of a certificate's row; conf_wish_free. */
struct conf_wish engine_wish(const struct row_cert *c);
/* Lifetime of the newest real version, 0 if there is none. */
int64_t engine_lifetime(const struct bundle *b);
/* A process of ours was not there, or the loop is ending: nothing that the
 * certificate, its service or its CA could be blamed for. */
bool engine_own_trouble(const struct err *err);
/* An order is due now, whether the certificate is or not. */
void engine_order_now(const struct row_cert *cert, bool new_key);
/* Its certificate is gone; or (err) it could not be read now: again soon. */
void engine_job_over(enum job_kind kind, int64_t object,
    const struct err *err);
struct strv list_of(const char *lines);		/* one item a line */
char *lines_of(const struct strv *l);
/* Replaces an error text by the JSON of err (NULL: none). */
void set_error(char **field, const struct err *err);

/* The jobs' handlers, one file each. */
void job_install(int64_t cert_id);
int job_install_room(void);
void job_install_fini(void);
void job_deploy(int64_t unused);
void job_renew(int64_t cert_id);
int job_renew_room(void);
void job_renew_fini(void);
void job_ari(int64_t cert_id);
int job_ari_room(void);
void job_ari_fini(void);
/* When a new certificate's window is asked for the first time. */
int64_t job_ari_first(int64_t lifetime_ms);
/* And when, of one that is wished for again: of many, each at another time. */
int64_t job_ari_again(int64_t lifetime_ms);
void job_probe(int64_t cert_id);
int job_probe_room(void);
void job_prune(int64_t cert_id);
void job_undo(int64_t cert_id);

/* A deployment round is due at this time, or sooner if one is. */
void deploy_at(int64_t at_ms);
/* Files are in place: a round is due once this service may be reloaded. */
void deploy_due(const struct bundle *b, const char *service);
/* The files of a certificate go back to the version before, and its services
 * are reloaded (interface.md section 6, rule 3). It is recorded in this turn
 * and done by job INSTALL. false: there is nothing to go back to. */
bool deploy_put_back(const struct bundle *b);
/* For job INSTALL: takes the job on, and the bundle, if such a wish is
 * recorded. */
bool back_begin(struct bundle *b);
bool deploy_has(int64_t cert_id);	/* in the round under way */
bool deploy_busy(void);	/* a round is under way, or waits for installs */
void deploy_fini(void);
/* Compares the configuration with the inventory; at start. Many turns where
 * there are many certificates: until done(ctx), which a drain prevents, it is
 * busy_now(), and the API changes nothing. */
void inventory_sync(void (*done)(void *ctx), void *ctx);
void inventory_sync_fini(void);
/* The wish, its policy, and what was built in when the certificate was made;
 * conf_wish_free. */
struct conf_wish inventory_effective(const struct conf_wish *wish,
    int64_t created_ms);
bool inventory_same_csr(const struct blob *a, const struct blob *b);
/* A wish enters or changes; the caller has checked it. row is new (id 0) or
 * the one to change; returns 1 if names changed, for the events. */
struct wish_source { const char *source, *where, *names_where, *actor; };
/* The texts of a row that a wish decides. Returns true if any changed. */
bool inventory_fill(struct row_cert *c, const struct conf_wish *wish,
    const struct wish_source *src);
const char *inventory_kind(const char *name);	/* "dns", "ip" */
void inventory_make(const char *name, const struct conf_wish *wish,
    const struct wish_source *src, int64_t renew_due_ms);
bool inventory_change(const struct bundle *b, const struct conf_wish *wish,
    const struct wish_source *src);
/* What a test CA has issued (`tested`) for a wish that had the CA `was` is for
 * nobody any more with the CA `is`. */
bool inventory_leaves_tests(bool tested, const char *was, const char *is);
/* An order was due since the wish had changed, and it is again what the newest
 * version was made for; c: b->cert, or what that becomes. */
bool inventory_taken_back(const struct bundle *b, const struct row_cert *c,
    const struct conf_wish *wish);
void inventory_retire(const struct bundle *b, const char *actor);

/* The state of a certificate in one word (state.c, pure). */
struct state {
	const char *word;
	char summary[256];
	bool attention;
	int64_t look_ms;	/* when time alone may change it */
};
void state_of(struct state *out, const struct bundle *b, int64_t now_ms);
#endif
