/* The objects of RFC 8555 section 7.1, as a CA sends them, typed and checked:
 * addresses keep to the origin, identifiers are canonical, statuses known.
 * Each decoder fills *out whole, which is freed with its own function; on -1
 * *out holds nothing and err (ERR_CA_PROTOCOL) says which member is wrong. */
#ifndef ACME_CODEC_H
#define ACME_CODEC_H
#include "acme/acme.h"
#include "acme/problem.h"

struct directory {
	char *new_nonce, *new_account, *new_order;
	char *renewal_info;	/* NULL: no ARI */
	char *revoke_cert, *key_change;	/* NULL: not offered */
	bool eab_required;
	char *terms;		/* for people only; NULL: none */
	struct strv profiles;
	char *account_prefix;	/* accountHashPrefix; NULL: none */
	char *caps;		/* codec_caps() */
	struct strv issuers;	/* issuerDomainNames, else caaIdentities */
};

/* What it says that the CA can, as JSON of at most 64 KiB: "profiles" (words by
 * name), "caa" (names), "website", "eab", "ari". caps.c; the caller frees. */
char *codec_caps(const json_t *directory);

enum order_status {
	ORDER_PENDING, ORDER_READY, ORDER_PROCESSING, ORDER_VALID,
	ORDER_INVALID, ORDER_STATUS_COUNT
};

struct order_object {
	enum order_status status;
	int64_t expires_ms;	/* 0: not said */
	struct strv idents;
	struct strv authz;	/* addresses, each once */
	char *finalize, *certificate;	/* certificate: when valid */
	bool has_error;
	struct problem error;
};

enum challenge_status {
	CHALLENGE_PENDING, CHALLENGE_PROCESSING, CHALLENGE_VALID,
	CHALLENGE_INVALID
};

struct challenge_object {
	enum challenge_status status;
	char *type, *url;
	char *token;		/* NULL: none that we could use */
	struct strv issuers;	/* dns-persist-01: 1 to 10 names, or none */
	char *account_uri;	/* the same; NULL: not said */
	bool hashed;		/* it wants the account as a hash */
	bool has_error;
	struct problem error;
};

enum authz_status {
	AUTHZ_PENDING, AUTHZ_VALID, AUTHZ_INVALID, AUTHZ_DEACTIVATED,
	AUTHZ_EXPIRED, AUTHZ_REVOKED
};

struct authz_object {
	enum authz_status status;
	char ident[256];	/* "*." in front if it is for a wildcard */
	struct challenge_object *challenges;
	size_t n;
};

enum account_status { ACCOUNT_VALID, ACCOUNT_DEACTIVATED, ACCOUNT_REVOKED };

int codec_directory(struct directory *out, const char *text, size_t n,
    const char *origin, struct err *err);
int codec_account(enum account_status *out, const char *text, size_t n,
    struct err *err);
int codec_order(struct order_object *out, const char *text, size_t n,
    const char *origin, struct err *err);
int codec_authz(struct authz_object *out, const char *text, size_t n,
    const char *origin, struct err *err);
void directory_free(struct directory *d);
void order_object_free(struct order_object *o);
void authz_object_free(struct authz_object *a);

/* Whether the answer's type is `type`, parameters aside; absent passes. */
bool codec_is_type(const struct acme_reply *reply, const char *type);
/* The same for JSON, with words that show what came instead. */
int codec_want_json(const struct acme_reply *reply, const char *doing,
    struct err *err);
#endif
