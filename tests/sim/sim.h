/* The simulated world around the engine's heart: time, a CA, a disk, servers,
 * processes. The engine is the real one; what it asks for ends here. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/mem.h"
#include "daemon/wire.h"

#define SIM_EPOCH 1800000000000LL	/* the wall clock when a world begins */

/* --- time (loop.c) ----------------------------------------------------- */
/* fn(ctx) runs once, delay_ms from now, unless the engine's process dies. */
void sim_post(int64_t delay_ms, void (*fn)(void *ctx), void *ctx);
/* Lets the time go by; stops early when the engine has died. */
void sim_run(int64_t for_ms);
void sim_step_clock(int64_t by_ms);	/* wall clock only */
void sim_forget_all(void);		/* timers and posts of a dead process */
int64_t sim_mono(void);
void sim_reset_time(void);

/* --- life and death (world.c) ------------------------------------------ */
struct sim_setup {
	const char *config;	/* text of everleaf.conf */
	bool sqlite;		/* else the memory store */
	uint32_t seed;
};
void sim_begin(const struct sim_setup *s);
void sim_end(void);
/* The engine's process ends as by SIGKILL, and starts again. */
void sim_crash(void);
void sim_start(void);
void sim_reload(const char *config);	/* drain, new engine, new config */
/* Dies right after the n-th commit from now (n from 1), or at its beginning,
 * when all that led to it has happened out there; 0: no more. */
void sim_die_at_commit(int64_t n, bool before);
void sim_account_unreadable(void);	/* at the next start */
/* The responder ends, and is there again and knows nothing. */
void sim_crash_responder(void);
/* Dies here and now: what it does after that has never happened. */
void sim_die(void);
/* The same at the n-th allocation from now, by memory.c; and whether it has. */
void sim_die_at_allocation(int64_t n);
bool sim_died_at_allocation(void);
void sim_looks(bool yes);	/* what follows is none of the engine's */
/* Dies while the next run of this service's programs goes on. */
void sim_die_in_run(const char *service);
/* What the next start reads. */
void sim_next_config(const char *config);
bool sim_is_dead(void);
int64_t sim_commits(void);

/* --- servers and their services (world.c) ------------------------------ */
/* The check of this service fails while the files of `name` are the newest
 * (NULL: whatever the files); `off` ends it. */
void sim_check_fails(const char *service, const char *name, bool off);
void sim_reload_fails(const char *service, bool off);
/* ... exits with 75; "works" ends that too. */
void sim_asks_later(const char *service, bool check);
/* ... but only where it hears that the files went back. */
void sim_asks_later_when_back(const char *service);
/* What endpoints of the service show: "live" (what is true), "older", "other",
 * "refused", "not-tls"; "breaks": refused once it has loaded a newest version
 * that is not the first. */
void sim_endpoint_shows(const char *service, const char *what);
/* The master refuses so many of these (WIRE_FLIP ...). */
void sim_disk_refuses(enum wire_kind kind, int times);
void sim_install_takes(int64_t ms);
void sim_flip_takes(int64_t ms);
void sim_revoked(const char *name, int64_t version);	/* on the disk */
int sim_runs_joined(void);
int sim_reloads(const char *service);
int sim_checks(const char *service);
/* Version that is live on the disk (0 placeholder, -1 none), and that the
 * service has loaded. */
int64_t sim_live_version(const char *name);
int64_t sim_served_version(const char *service, const char *name);
size_t sim_tokens(void);		/* still published */
/* Empty, or the first thing that must never be. */
const char *sim_wrong(void);
void sim_set_wrong(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* The inventory as the engine keeps it, for expectations. */
struct sim_cert {
	char state[24], iss_state[24], error[1024], summary[300];
	int64_t newest, installed, served, failures, renew_at_ms, next_try_ms;
	bool attention, exists;
	bool own;		/* the newest has a key that is not ours */
};
struct sim_cert sim_cert(const char *name);
/* Somebody makes a CSR for these names, with a key of his own: number 0 to 3;
 * the file is path's. */
void sim_csr(const char *path, int key, char **names, int n);
/* Operators: add (the title is the name), remove, deploy. sim_acted() is how
 * the last one ended: "done", "under way", an error's text; NULL: not yet. */
void sim_add(const char *name, const char *service, const char *ca);
void sim_remove(const char *name, bool purge);
void sim_deploy(const char *name);
void sim_test(const char *name);	/* `everleaf test` */
void sim_renew(const char *name);	/* by force */
void sim_test_ca(const char *ca);	/* sim_acted(): good or bad, lines */
/* A dry run for these names at CA "sim", ended at once with where it is tried,
 * or "no staging"; and whether the last event of a name is such a one, with
 * these words. */
void sim_trial(char **names, int n);
bool sim_told(const char *name, const char *event, const char *words);
bool sim_ever_told(const char *name, const char *event, const char *words);
/* How many rows a table has; "trials": those of meta that wait for one. */
int64_t sim_rows(const char *table);
const char *sim_acted(void);
void sim_revoke(const char *name, int64_t version);
bool sim_why_says(const char *name, const char *words);
int64_t sim_events(const char *name, const char *event);
uint64_t sim_event_hash(void);
bool sim_has_work(const char *name);	/* a RENEW job or an order */

/* --- DNS (fake_dns.c; records by zones.h) -------------------------------- */
void sim_dns_begin(void);
/* What is written reaches this server so much later. */
void sim_dns_lag(const char *address, int64_t ms);
void sim_dns_silent(const char *address, bool is);
void sim_dns_refuse(int times);		/* the next updates */
void sim_dns_down(bool is);		/* the server that takes updates */
int64_t sim_dns_updates(void);		/* taken so far */
int64_t sim_dns_tries(void);		/* taken, refused or lost */
/* A CA's resolver would find this TXT value there. */
bool sim_txt(const char *name, const char *value);

/* --- the CA (ca.c) ----------------------------------------------------- */
enum ca_kind { CA_DIRECTORY, CA_NONCE, CA_ACCOUNT, CA_KID, CA_KEY_CHANGE,
	CA_ORDER, CA_AUTHZ, CA_CHALLENGE, CA_FINALIZE, CA_POLL, CA_CERT,
	CA_ARI, CA_REVOKE, CA_KINDS };
const char *const *ca_kind_names(void);

struct ca_answer {
	int status;
	char content_type[64], location[200], retry_after[64], nonce[64];
	struct blob body;
};

struct ca_fault {		/* what the next requests of a kind meet */
	int times;
	int status;		/* 0: as usual */
	char type[64];		/* problem type without the urn */
	char retry_after[64];
	bool lose_before, lose_after;
};

void ca_begin(uint32_t seed);
void ca_end(void);
void ca_fault(enum ca_kind kind, const struct ca_fault *f);
void ca_lifetime(int64_t ms);
void ca_bad_nonces(int percent);
void ca_processing(int64_t ms);		/* finalize takes so long */
/* Orders that are made from now on go back to ready when they are finalized,
 * so many times. */
void ca_hesitates(int times);
void ca_for_tests(bool yes);	/* what it issues from now on */
void ca_thinks(bool yes);	/* decides about no challenge */
void ca_down_until(int64_t mono_ms);
/* Validation of this name fails with the problem type (NULL: it is well;
 * "pending": it takes for ever). */
void ca_name_fails(const char *name, const char *type);
void ca_forget_accounts(void);
/* It suggests when to renew, from now on: in [start, end) of the wall clock;
 * 0, 0: from 2/3 of the lifetime on, a twentieth long. */
void ca_window(int64_t start_ms, int64_t end_ms);
/* From the time of each question on, never the same. */
void ca_window_moves(int64_t start_ms, int64_t end_ms);
const char *ca_replaced(void);		/* certID of the newest order, or "" */
void ca_close_account(void);
void ca_want_binding(void);		/* of new accounts */
/* What it does with must-staple: "grants", "ignores", "refuses" the CSR,
 * "spoils" the order with that, or only "later", while it is processed. */
bool ca_staple(const char *how);
int64_t ca_accounts_made(void);
int64_t ca_given_up(void);		/* authorizations, while pending */
const char *ca_contact(void);		/* the account's first; "" if none */
/* True: no answer will come (then it has acted or not, as told). */
bool ca_handle(const char *method, const char *url, const struct blob *body,
    struct ca_answer *a, bool *sent);
int64_t ca_count(enum ca_kind kind);
/* Certificates with this name that were revoked; by_key: those that were by
 * their own key. */
int64_t ca_revoked(const char *name, bool by_key);
int64_t ca_spacing(enum ca_kind kind);	/* least time between two */
int64_t ca_issued(const char *name);	/* certificates with this name */
int64_t ca_most_for_a_time(const char *name, int64_t window_ms);
/* Certificate of the keeper's key pool. */
void *sim_key(uint64_t cert, uint32_t version);	/* EVP_PKEY */
/* An operator: does it, armed or not; its outcome is the code of the error. */
void sim_rollover(const char *ca, bool armed);
void sim_deactivate(const char *ca, bool armed);
/* how: "replace", "at-once", "compromised" (replaced first, that reason). */
void sim_take_back(const char *name, bool armed, const char *how);
const char *sim_outcome(void);		/* "", "ok" or "needs-operator" ... */
/* The addresses of the machine: what is asked for at port 80 of others is not
 * there. */
#define SIM_IPV4 "192.0.43.10"
#define SIM_IPV6 "2001:db8::10"
bool sim_token(const char *token, const char *host, char out[512]);
#endif
