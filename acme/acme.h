/* The door to the protocol (RFC 8555). Pure: events and the time go in, one
 * wish comes out; no socket, file, clock, randomness or key is touched here.
 *
 * A session holds what the orders of one account share: directory, nonces,
 * the account itself, limits. It is rebuilt at start from what the store
 * knows. An order is a value that is saved before every step that can't be
 * undone, so a crash between any two steps loses nothing.
 *
 * Both are driven alike:  step(..., NULL event) starts or resumes; then each
 * wish is carried out and its outcome given to the next step, until DONE or
 * FAIL. There is one wish at a time; whatever it points to belongs to the
 * session or order and lives until the next step. When wish.save is set, the
 * state (acme_order_save, or the account's row) must be durable before the
 * wish is carried out. */
#ifndef ACME_ACME_H
#define ACME_ACME_H
#include <stdbool.h>
#include <stdint.h>
#include "acme/jws.h"
#include "base/buf.h"
#include "base/err.h"

/* Limits on what a CA may send or ask for (security.md section 4). */
enum {
	ACME_JSON_MAX = 256 * 1024,
	ACME_JSON_DEPTH_MAX = 16,
	ACME_CHAIN_MAX = 128 * 1024,
	/* as they are written anew: so the leaf can be revoked, and both
	 * go into one message with key, names and meta.json */
	ACME_LEAF_MAX = 40 * 1024,
	ACME_LEAF_AND_CHAIN_MAX = 120 * 1024,
	ACME_CERTS_MAX = 10,
	ACME_URL_MAX = 2048,
	ACME_NONCE_MAX = 1024,
	ACME_NONCES_POOLED_MAX = 256,
	ACME_NONCE_AGE_MS = 5 * 60 * 1000,
	ACME_NONCE_RETRIES_MAX = 10,
	ACME_RESENDS_MAX = 8,		/* of one signed request after CUT */
	ACME_LEFT_MAX = 10,
	ACME_LOST_RETRIES_MAX = 2,	/* newOrder whose answer was lost */
	ACME_AUTHZ_MAX = 1000,
	ACME_CHALLENGES_MAX = 32,
	ACME_DETAIL_MAX = 1024,
	ACME_SUBPROBLEMS_MAX = 100,
	ACME_ALTERNATES_MAX = 4,	/* other chains that are looked at */
	ACME_DIRECTORY_AGE_MS = 24 * 3600 * 1000,
	ACME_POLL_MIN_MS = 1000,
	ACME_POLL_MAX_MS = 24 * 3600 * 1000
};

/* What an HTTP exchange brought. Header values are raw; NULL if absent. */
struct acme_reply {
	int status;			/* 200 ... */
	const char *content_type, *location, *retry_after;
	const char *nonce;		/* Replay-Nonce */
	bool doubled;			/* one of these came twice: malformed */
	const char *link;		/* all Link headers, joined by ", " */
	const char *body;
	size_t body_len;
};

enum acme_event_kind {
	ACME_REPLY,	/* to HTTP: .reply */
	ACME_NOT_SENT,	/* to HTTP: it never left (DNS, connect, TLS): .err */
	ACME_LOST,	/* to HTTP: sent, outcome unknown: .err */
	ACME_CUT,	/* to a POST: the same; the connection ended without
			 * a byte of answer: .err */
	ACME_SIGNED,	/* to SIGN: .bytes is the JWS */
	ACME_CSR_MADE,	/* to CSR: .bytes is the DER; the sealed key is stored
			 * by the caller before the next step */
	ACME_PUBLISHED,	/* to PUBLISH */
	ACME_WITHDRAWN,	/* to WITHDRAW */
	ACME_CHECKED,	/* to CHECK: it is there, or nobody can tell */
	ACME_TIME,	/* to WAIT: the time has come */
	ACME_ERROR	/* to SIGN, CSR, PUBLISH, WITHDRAW, CHECK: .err */
};

struct acme_event {
	enum acme_event_kind kind;
	struct acme_reply reply;
	struct blob bytes;		/* not owned */
	const struct err *err;
};

enum acme_wish_kind {
	ACME_WISH_HTTP,
	ACME_WISH_SIGN,
	ACME_WISH_CSR,
	ACME_WISH_PUBLISH,
	ACME_WISH_WITHDRAW,
	ACME_WISH_CHECK,	/* look whether a standing record is there */
	ACME_WISH_WAIT,
	ACME_WISH_DONE,
	ACME_WISH_FAIL		/* why is in *err */
};

enum acme_method { ACME_GET, ACME_HEAD, ACME_POST };

struct acme_wish {
	enum acme_wish_kind kind;
	bool save;
	/* HTTP */
	enum acme_method method;
	const char *url;
	const char *accept;		/* NULL: application/json */
	struct blob body;		/* the JWS of a POST */
	size_t reply_max;		/* refuse a longer body */
	bool patient;			/* a CA may do the work first */
	/* SIGN: everything but account and key, which the caller adds */
	struct jws_request jws;
	/* CSR */
	const struct strv *names;
	bool must_staple;		/* with the feature of RFC 7633 */
	/* PUBLISH, WITHDRAW, CHECK; acme/method.h says what to make of it */
	const char *challenge;		/* "http-01" */
	const char *ident;		/* without "*."; an address as text */
	bool wildcard;			/* it is for "*." in front of ident */
	const char *token, *keyauth;	/* NULL of a CHECK */
	const char *record;		/* owner of the TXT record, if one */
	const char *value;		/* ... and its text; NULL of a CHECK */
	/* CHECK: what the record must name (method_persist_fits) */
	const struct strv *issuers, *account_uris;
	/* WAIT */
	int64_t at_ms;
	/* DONE of an order: PEM, leaf first, checked and re-encoded */
	struct blob leaf, chain;
};

/* --- session ------------------------------------------------------------ */
struct acme_session;

struct acme_account {		/* what the caller knows and stores */
	const char *directory_url;
	/* DER, public half of its key. NULL (and no kid): only the directory
	 * is read; no order or act runs on such a session */
	const void *spki;
	size_t spki_len;
	const char *kid;	/* account URL; NULL: not registered yet */
	const struct strv *contacts;	/* "mailto:..." */
	bool agree_tos;
	const char *eab_kid;	/* the CA's id of our HMAC key; NULL: none */
	/* newAccount was begun before and its answer never came: the CA is
	 * asked for the account first, as a binding is good for one use */
	bool begun;
	bool existing_only;	/* never make one (keys from elsewhere) */
};

struct acme_session *acme_session_new(const struct acme_account *a,
    struct err *err);
void acme_session_free(struct acme_session *s);
/* Until DONE: the directory is there and the account is known (a POST of
 * newAccount finds an existing one by its key), unless there is no key. Step
 * it again at any time: DONE at once while all is fresh. */
struct acme_wish acme_session_step(struct acme_session *s, int64_t now_ms,
    const struct acme_event *event, struct err *err);
const char *acme_session_kid(const struct acme_session *s);	/* or NULL */
/* The account was made by us just now, with the contacts that were given. One
 * that the CA knew keeps what it has: see acme_contacts_new(). */
bool acme_session_made(const struct acme_session *s);
const char *acme_session_thumbprint(const struct acme_session *s);
const char *acme_session_terms(const struct acme_session *s);	/* or NULL */
/* What its directory says that the CA can, as JSON (codec_caps); "" as long as
 * it has not been read. */
const char *acme_session_caps(const struct acme_session *s);
const char *acme_session_renewal_info(const struct acme_session *s);
bool acme_session_has_profile(const struct acme_session *s, const char *name);
/* How the CA is called in CAA and standing records; empty: not known (yet). */
const struct strv *acme_session_issuers(const struct acme_session *s);
/* How a standing record for ident ("*": for any name) is to name our account
 * at a CA that wants it hashed; nothing at others, or without an account. */
void acme_session_account_hash(const struct acme_session *s,
    const char *ident, struct buf *out);
/* The account turned out unknown to the CA (its database was reset): forget
 * the kid, so that the next steps register the same key again. */
void acme_session_forget_account(struct acme_session *s);
/* The directory must be read again before the next order. */
void acme_session_forget_directory(struct acme_session *s);

/* --- order -------------------------------------------------------------- */
struct acme_order;

struct acme_want {
	const struct strv *names;	/* canonical; at least one */
	/* Types, first choice first. Each name gets the first that the CA
	 * offers and that fits it; one that failed is not tried again, and
	 * where the CA has given up the authorization the next is tried with
	 * a new order: in all as many orders as there are types. */
	const struct strv *challenges;
	const char *profile;		/* "" for the CA's default */
	bool profile_required;		/* fail rather than order without */
	const char *replaces;		/* certID (RFC 9773), "" for none */
	const char *not_before, *not_after;	/* RFC 3339; NULL or "": none */
	const char *preferred_chain;	/* part of an issuer's name, or SHA-256
					 * in hex; NULL or "": the default */
	bool must_staple;		/* wished for with ACME_WISH_CSR */
	/* Bits of enum acme_dropped: what this CA is known to refuse. It is
	 * not asked for, and counts as left out. */
	unsigned int known_refused;
	/* Somebody else's CSR in DER, used instead of ACME_WISH_CSR; what is
	 * wrong with it fails the order at its first step. */
	struct blob csr;
	bool allow_test_chain;		/* for those who deploy: an order does
					 * not fail for it */
};

/* What was left out since the CA refused it or does not have it: the order
 * goes on without, once, and whoever asked is to be told. */
enum acme_dropped {
	ACME_DROPPED_PROFILE = 1,
	ACME_DROPPED_DATES = 2,
	ACME_DROPPED_MUST_STAPLE = 4,
	ACME_DROPPED_CHAIN = 8,		/* the CA's default is used */
	ACME_DROPPED_ALL = 15
};

struct acme_order *acme_order_new(const struct acme_want *w);
void acme_order_free(struct acme_order *o);
/* Text (JSON) that holds all of it; loading what is none fails with err. */
void acme_order_save(const struct acme_order *o, struct buf *out);
struct acme_order *acme_order_load(const char *text, size_t n,
    struct err *err);
/* The session must be DONE (registered) when an order is stepped. An order
 * resumed after a crash is stepped with event NULL. */
struct acme_wish acme_order_step(struct acme_order *o, struct acme_session *s,
    int64_t now_ms, const struct acme_event *event, struct err *err);
/* SPKI of the certificate's key, DER, once the CSR is made; kept in the state
 * and compared with the leaf. Call before giving ACME_CSR_MADE. */
void acme_order_set_spki(struct acme_order *o, const void *der, size_t n);
/* Whether it was made for this CSR of somebody's own; n 0: for none. */
bool acme_order_is_for(const struct acme_order *o, const void *csr, size_t n);
/* Where it stands, for people and tests: "new", "authz 2/5", "finalize" ... */
const char *acme_order_stage(const struct acme_order *o);
const char *acme_order_url(const struct acme_order *o);	/* or NULL */
/* The identifiers that the failure is about; empty if it is about none. The
 * order's, until its next step. */
const struct strv *acme_order_guilties(const struct acme_order *o);
/* Of a failure: what the CA says that it saw when it looked at a name, in its
 * own words; "" if the failure is none of a validation, or it gave none. */
const char *acme_validation_found(const struct err *err);
/* Addresses of authorizations that are pending at the CA though the order that
 * they were for is given up: those of this process, ACME_LEFT_MAX at most. */
const struct strv *acme_order_left(const struct acme_order *o);
/* Bits of enum acme_dropped; and words for one of them: "the profile". */
unsigned int acme_order_dropped(const struct acme_order *o);
const char *acme_dropped_words(enum acme_dropped bit);
/* After FAIL. True: only a new order helps. False: this one may be kept and
 * stepped with NULL when its time has come; it goes on from what the CA says
 * then. */
bool acme_order_over(const struct acme_order *o);

/* --- what came: leaf and chain ------------------------------------------ */
struct acme_leaf {
	int64_t not_before_ms, not_after_ms;
	char serial[80];		/* hex */
	char sha256[65], spki_sha256[65];	/* hex */
	char ari_id[200];		/* RFC 9773 section 4.1; "" if no AKI */
	char issuer[256];		/* RFC 2253, escaped */
	struct strv names;		/* of the SAN, canonical */
	bool test_ca;			/* of a known staging or test CA */
	bool must_staple;		/* RFC 7633, feature 5 */
};

/* Splits and checks a chain as it came (security.md D1 to D7): only
 * CERTIFICATE blocks, leaf first, links signed, dates, SAN = names, key =
 * spki. Writes canonical PEM. */
int acme_chain_check(const char *pem, size_t n, const struct strv *names,
    const void *spki, size_t spki_len, int64_t now_ms, struct blob *leaf,
    struct blob *chain, struct err *err);
/* Facts of a leaf in PEM. The caller frees names. */
int acme_leaf_read(struct acme_leaf *out, const void *pem, size_t n,
    struct err *err);

/* What a CSR asks for. Its own signature is checked, and that its key is not
 * too weak for any CA; a common name that is a host's counts as a name. The
 * caller frees both. ERR_CSR_REFUSED. */
struct acme_csr {
	struct strv names;		/* canonical, each once */
	struct blob spki;		/* DER */
};
int acme_csr_read(struct acme_csr *out, const void *der, size_t n,
    struct err *err);
void acme_csr_free(struct acme_csr *c);

/* A certificate in DER (a placeholder, say) as canonical PEM. */
int acme_pem_leaf(struct blob *pem, const void *der, size_t n,
    struct err *err);
/* And back: the first certificate of a text. */
int acme_pem_der(struct blob *der, const void *pem, size_t n,
    struct err *err);

/* --- helpers that others need ------------------------------------------- */
/* Retry-After: seconds or HTTP-date (RFC 9110 section 10.2.3); clamped to
 * [min, max] from now. 0 when absent or garbage. */
int64_t acme_retry_after(const char *value, int64_t now_ms, int64_t min_ms,
    int64_t max_ms);
/* SHA-256 in hex. */
void acme_digest_hex(char out[65], const void *p, size_t n);
/* "https://host[:port]" of a URL, lower case; -1 if it is no https URL that
 * we accept (no userinfo, no fragment, no control characters, length). */
int acme_url_origin(struct buf *out, const char *url, struct err *err);
#endif
