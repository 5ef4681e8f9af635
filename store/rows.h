/* The inventory, table by table: one struct a row, one table of columns that
 * drives schema, SQL and the in-memory store alike (rows.c).
 *
 * Times are int64 milliseconds UTC, 0 = never. Ids are random 63-bit
 * integers. Texts are owned by the row, NULL reads back as "". Lists are
 * texts with one item a line. Errors are the JSON of interface.md section 4.
 *
 * Keys: the first field (id, name, key, sha256, cert_id of an order), or what
 * the struct's comment names. Key and indexes of each table are in rows.c. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H
#include <stdint.h>
#include "base/mem.h"

enum table {
	T_META, T_NODE, T_POLICY, T_CERT, T_IDENT, T_LABEL, T_CA, T_ACCOUNT,
	T_ORDER, T_CHALLENGE, T_CHAIN, T_VERSION, T_GENERATION, T_SERVICE,
	T_DEPLOYMENT, T_ENDPOINT, T_BUDGET, T_RUN, T_JOB, T_EVENT,
	T_FINDING, T_REVOCATION,
	T_COUNT
};

struct row_meta { char *key, *value; };

struct row_node { int64_t id; char *name; int64_t created_ms; };

struct row_policy { char *name; char *settings; char *hash; };

/* A wish, and where its issuance stands. */
struct row_cert {
	int64_t id;
	char *name;		/* title, unique */
	char *tenant;
	char *source;		/* "file" or "user" */
	char *where;		/* file:line, or who ("uid:0") */
	char *names_where;	/* file:line of its names */
	char *policy;
	char *wish;		/* as written: JSON, keys of a wish (API) */
	char *settings;		/* effective, JSON; recorded at creation */
	char *settings_hash;
	int64_t created_ms, changed_ms;
	int64_t retired_ms;	/* 0: wished for */
	int64_t paused_ms;
	char *state;		/* word of interface.md section 1 */
	char *summary;
	int64_t attention;	/* 1: needs a person */
	int64_t state_since_ms;

	char *iss_state;	/* idle due ordering waiting failing blocked */
	int64_t iss_failures;
	int64_t iss_last_try_ms, iss_next_try_ms;
	char *iss_error;	/* "" or error JSON */
	int64_t renew_at_ms;
	char *renew_reason;	/* "ari" "lifetime" "names" "csr" "ca"
				 * "asked" "new" */
	int64_t renew_forced;	/* 1: an operator asked; 2: and for a new
				 * key */

	int64_t newest;		/* version number; 0: placeholder only */
	int64_t installed, installed_gen, installed_since_ms;
	int64_t served, served_checked_ms;
	int64_t next_gen;	/* counter of generations */
	int64_t next_version;
	int64_t not_after_ms;	/* of what is served, else installed */

	int64_t ari_version;	/* that the window is about; 0: none known */
	int64_t ari_start_ms, ari_end_ms, ari_next_ms;
	char *ari_url;		/* explanation that the CA gave */
	char *degraded;		/* list: wishes that the CA did not grant */
	char *next_key_type;	/* key-policy next: the key after this one */
	struct blob next_sealed, next_spki;
	int64_t next_kek_id;
	struct blob csr;	/* that is ordered for, DER; empty: we make
				 * the key */
};

struct row_ident {		/* key: cert_id kind value */
	int64_t cert_id;
	char *kind;		/* "dns" "ip" */
	char *value;		/* canonical */
	int64_t position;	/* order as written */
	int64_t wanted, current;	/* current: on the newest version */
};

/* key: cert_id key */
struct row_label { int64_t cert_id; char *key, *value; };

struct row_ca {
	char *name;
	char *directory;
	char *state;		/* reachable down blocked unknown */
	int64_t since_ms, retry_at_ms;
	int64_t failures;
	char *error;
	char *terms;
	char *caps;		/* what its directory says: JSON */
};

struct row_account {
	int64_t id;
	char *ca;		/* title */
	char *directory;
	struct blob sealed, spki;
	int64_t kek_id;
	char *kid;		/* account URL; "" until registered */
	char *status;		/* new valid dead */
	char *contacts;
	int64_t created_ms, intent_ms;	/* intent: newAccount is under way */
	char *alg;		/* of its key; "" is ecdsa-p256 */
	char *eab_kid;		/* that it was registered with */
	char *next_alg;		/* a change of key is under way to this one */
	struct blob next_sealed, next_spki;
	char *error;		/* why it is dead */
};

struct row_order {		/* at most one a certificate */
	int64_t cert_id;
	int64_t version;	/* the version it will be */
	int64_t account_id;
	char *ca;
	char *names;		/* list */
	char *cause;		/* "new" "renewal" "names" "csr" "ca" "asked" */
	char *state;		/* acme_order_save() */
	char *stage;
	struct blob sealed, spki;	/* once the CSR is made */
	int64_t kek_id;
	int64_t created_ms, changed_ms, wait_until_ms;
};

/* Published, or about to be: to undo. key: cert_id ident type token, so that
 * a second order never hides what a first one left behind. */
struct row_challenge {
	int64_t cert_id;
	char *ident, *type;
	char *token, *keyauth;
	int64_t published_ms;
	char *method;		/* of proof.h; "" is "responder" */
	char *dns;		/* block that writes it */
	char *record, *value;	/* TXT, after CNAMEs; no final dot */
	char *zone, *server;	/* that was updated */
	char *path;		/* webroot directory */
};

struct row_chain { char *sha256; struct blob pem; };

struct row_version {		/* key: cert_id version */
	int64_t cert_id, version;	/* 0: placeholder */
	struct blob sealed;	/* key; empty once it is deleted */
	int64_t kek_id;
	int64_t seal_format;
	char *key_type;		/* "csr": it is not ours, so never sealed */
	struct blob leaf;	/* PEM */
	char *chain;		/* sha256 into chain; "" for none */
	char *names;		/* list */
	char *serial, *sha256, *spki_sha256, *issuer, *ari_id;
	int64_t not_before_ms, not_after_ms, issued_ms;
	char *ca;
	char *profile;
	int64_t test_ca, placeholder, revoked_ms;
};

struct row_generation {		/* key: cert_id gen */
	int64_t cert_id, gen, version;
	char *state;		/* staging whole live old, back (put back),
				 * returning (to be put in place again) */
	int64_t created_ms;
};

struct row_service {
	char *name;
	int64_t node_id;
	int64_t last_reload_ms;
	int64_t failures, next_try_ms;
	char *error;
};

/* A certificate on a service. key: cert_id service. Service "" stands for
 * the files themselves: it is there while they can't be put in place and no
 * service could tell. */
struct row_deployment {
	int64_t cert_id;
	char *service;
	int64_t node_id;
	char *state;		/* waiting installed checking reloading served
				 * refused unserved; again: an older version
				 * was shown, so it is reloaded once more;
				 * later: its program asks for that;
				 * later-again: for that reload */
	int64_t version;	/* that the service uses */
	int64_t wanted;		/* that it should use */
	int64_t owed;		/* 1: reload owed for what is on disk */
	int64_t since_ms;	/* of the first file that waits */
	int64_t failures, last_try_ms, next_try_ms;
	char *error;
};

/* Last observation of a name there. key: cert_id service endpoint name
 * address */
struct row_endpoint {
	int64_t cert_id;
	char *service, *endpoint;	/* as configured */
	char *address;
	int64_t port;
	char *protocol, *name;
	char *key_type;
	int64_t node_id;
	char *result;		/* newest older placeholder other expired
				 * refused timeout not-tls skipped */
	int64_t version;
	char *sha256;
	int64_t at_ms, good_ms;	/* good: last time it served ours */
	char *error;
};

struct row_budget {		/* one act that a CA counts */
	int64_t id;
	char *ca, *account, *kind, *key;
	int64_t at_ms;
};

struct row_run {		/* a hook run asked of the master */
	int64_t id;
	char *service, *what;	/* what: "check HASH": of all that matters */
	int64_t started_ms;
};

/* Job kinds; the number is the priority, lowest first. */
enum job_kind {
	JOB_UNDO = 1,		/* object: certificate: withdraw challenges */
	JOB_INSTALL,		/* object: certificate */
	JOB_DEPLOY,		/* object: 0: the next deployment round */
	JOB_RENEW,		/* object: certificate: order or go on */
	JOB_PROBE,		/* object: certificate */
	JOB_ARI,
	JOB_PRUNE,		/* object: certificate: old generations */
	JOB_REVOKE,		/* object: certificate: take versions back */
	JOB_KIND_COUNT
};

struct row_job {
	int64_t kind, object;	/* key: both */
	int64_t due_ms;
	int64_t priority;
	char *lease_owner;
	int64_t lease_until_ms, fence;
};

struct row_event {
	int64_t id;		/* given by the store, ascending */
	int64_t at_ms;
	char *event;		/* "version.issued" ... */
	int64_t cert_id;
	char *name;
	int64_t version;
	char *service, *actor, *cause, *text, *error;
};

/* What a look before the order, or after a failure, found. key: cert_id ident
 * kind subject */
struct row_finding {
	int64_t cert_id;
	char *ident;
	char *kind;		/* "address" "http" "txt" "caa" */
	char *subject;		/* the address, name server or record */
	char *result;		/* "good", or an error's code */
	char *text;
	int64_t at_ms;
};

/* An operator wants a version revoked. key: cert_id version */
struct row_revocation {
	int64_t cert_id, version;
	int64_t reason;		/* RFC 5280 section 5.3.1 */
	int64_t at_once;	/* 1: before its replacement is served */
	char *state;		/* replacing ready revoking done failed */
	char *actor;
	int64_t asked_ms, done_ms, failures, next_try_ms;
	char *error;
};

/* --- how a row lies in memory -------------------------------------------- */
enum col_type { COL_INT, COL_TEXT, COL_BLOB };

struct col {
	const char *name;
	enum col_type type;
	uint32_t offset;
};

enum { ROW_COLS_MAX = 64, ROW_KEYS_MAX = 5, ROW_INDEXES_MAX = 7 };

struct row_def {
	const char *name;		/* of the table */
	uint32_t size;			/* of the struct */
	const struct col *cols;		/* ends with name NULL */
	int keys;			/* the first so many are the key */
	/* further indexes: column names, space separated; '!' = unique */
	const char *indexes[ROW_INDEXES_MAX];
};
extern const struct row_def row_defs[T_COUNT];

void row_free(enum table t, void *row);		/* its fields, not itself */
void *row_copy(enum table t, const void *row);	/* deep; free both */
int row_col(enum table t, const char *name);	/* index, asserts it exists */
/* A text for a field of a row that only goes into a batch: it is copied there
 * and neither changed nor freed, so that a constant or a borrowed one will
 * do. */
static inline char *
row_const(const char *s)
{
	return (char *)(uintptr_t)s;
}
/* Replaces an owned text. */
void row_text(char **field, const char *s);
#endif
