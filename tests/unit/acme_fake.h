/* What the tests of acme/ share: certificates made on the spot, and a CA that
 * keeps to RFC 8555 in a few hundred lines and fails on command. */
#ifndef TESTS_ACME_FAKE_H
#define TESTS_ACME_FAKE_H
#include <openssl/x509.h>
#include "acme/acme.h"

#define ORIGIN "https://ca.example"
#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define NOW_MS ((int64_t)1795219200000)	/* 2026-11-21T00:00:00Z */

/* --- certificates (acme_certs.c) */
struct cert {			/* zero is a good server's certificate */
	const char *subject, *issuer;	/* common names */
	EVP_PKEY *key, *signer;
	const struct strv *names;	/* SAN; NULL: none */
	int64_t from_ms, to_ms;	/* 0: an hour ago, in 90 days */
	bool ca;
	int pathlen;			/* of a CA; 0 is none, n means n - 1 */
	const char *extra, *extra_value;	/* one extension more */
	const char *san;		/* raw SAN instead of names */
	const unsigned char *serial;	/* big endian */
	size_t serial_len;
	bool serial_negative, no_aki, sha1;
};
EVP_PKEY *make_key(const char *type);	/* "P-256" "P-521" "ED25519" "8192" */
EVP_PKEY *account_key(void);	/* of fake_session() */
X509 *make_cert(const struct cert *c);
struct blob spki_of(EVP_PKEY *key);
void add_pem(struct buf *out, X509 *x);

/* --- the CA */
struct strv strv_of(const char *words);	/* separated by blanks */
enum fault {
	FAULT_NONE,
	FAULT_NOT_SENT,
	FAULT_LOST_BEFORE,	/* sent, never arrived */
	FAULT_LOST_AFTER,	/* arrived, its answer did not */
	FAULT_CUT_BEFORE,	/* the same, by a connection that ended */
	FAULT_CUT_AFTER,
	FAULT_REPLY		/* .reply instead of what the CA would say */
};

enum { FAKE_NAMES = 8, FAKE_ORDERS = 8, FAKE_FAULTS = 16 };

struct fake_authz {
	char name[256], token[64];
	bool valid, invalid, answered, wildcard;
	char answered_by[32];
	int64_t valid_at;	/* once answered */
};

struct fake_order {
	struct fake_authz authz[FAKE_NAMES];
	size_t n;
	const char *status;
	int64_t done_at;	/* processing until then */
	struct blob spki;	/* of the "CSR", which is just that here */
	X509 *leaf;
	char *pem;
};

struct fake_ca {
	int64_t now_ms;
	EVP_PKEY *root, *inter, *certkey;
	X509 *root_cert;
	int nonce;		/* the last given out */
	char used[64 * 1024];	/* nonces spent */
	struct fake_order orders[FAKE_ORDERS];
	size_t norders;
	bool dedupe;		/* same names, open order: the same again */
	bool account;
	struct strv published;	/* "type token" now visible */
	int published_ever;
	/* how it behaves */
	int64_t validate_ms, process_ms;
	const char *retry_after;	/* of polls */
	bool ready_at_once;	/* authorizations valid from the start */
	bool no_authz;		/* none at all, and ready */
	bool lazy;		/* never says that an order is ready */
	bool instant;		/* valid right after finalize */
	const char *fail_name;	/* those whose validation fails */
	const char *never_name;	/* those that it never decides about */
	const char *fail_type;	/* ... by this type only; NULL: by any */
	const char *fail_problem;	/* its error object */
	int bad_nonces;		/* so many to come */
	const char *only_type;	/* of challenge; NULL: http-01 dns-01 */
	const char *offers;	/* types for every name, or NULL */
	const char *link;	/* Link of the certificate; chain /cert/N/K is
				 * signed by "Other Root K" */
	const char *expires;
	struct {
		enum fault fault;
		const char *what;	/* "new-order" ... */
		int nth;		/* 1: the first of them */
		struct acme_reply reply;
	} faults[FAKE_FAULTS];
	/* tweak(): changes a body before it is sent */
	const char *tweak_what, *tweak_from, *tweak_to;
	/* what came */
	struct strv log;	/* "new-order", "authz" ... of POSTs */
	int heads, signatures, waits, saves, checks;
	char last_order[2048];	/* payload */
	struct strv records;	/* "RECORD VALUE" of TXT now visible */
	size_t records_most;
	bool staple;		/* the last CSR was to have it */
	bool ignores_staple;	/* and leaves it out in silence */
	const char *broken_type;	/* publishing of it fails */
	bool real_csr;		/* finalize gets one in DER */
	bool with_root;		/* chains have it */
	bool other_leaf;	/* other chains are for another certificate */
	char root_sha256[65];
	/* the reply that is out */
	struct buf body;
	char location[256], nonce_text[64];
};

void fake_init(struct fake_ca *ca);
void fake_free(struct fake_ca *ca);
void fake_fault(struct fake_ca *ca, const char *what, int nth,
    enum fault fault, int status, const char *body, const char *retry_after);
int fake_count(const struct fake_ca *ca, const char *what);

struct acme_session *fake_session(struct fake_ca *ca);

/* Carries out a wish. *ev is what to step with next; it lives until the next
 * call. o may be NULL (session). False: DONE or FAIL. */
bool fake_do(struct fake_ca *ca, struct acme_session *s,
    struct acme_order *o, const struct acme_wish *w, struct acme_event *ev);
/* Steps until DONE or FAIL (a bounded number of steps) and gives that wish. */
struct acme_wish fake_run(struct fake_ca *ca, struct acme_session *s,
    struct acme_order *o, struct err *err);
struct acme_order *fake_order_new(const char *names);
/* The same by these types, and whatever else is wanted. */
struct acme_order *fake_order_by(const char *names, const char *types,
    const struct acme_want *more);
#endif
