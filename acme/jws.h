/* JWS requests, RFC 8555 section 6.2. The engine says what it wants with
 * typed fields; header and payload are composed here, in the keeper, so that
 * nothing made elsewhere is ever signed. Pure text work; no JSON library.
 * jwk.c: keys and their names; jws_check.c: what each kind may hold;
 * jws_payload.c, jws.c: the text. */
#ifndef ACME_JWS_H
#define ACME_JWS_H
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

enum jws_what {
	JWS_NEW_ACCOUNT = 1,	/* contacts, agreed; signed with jwk */
	JWS_UPDATE_ACCOUNT,	/* contacts */
	JWS_NEW_ORDER,		/* names, profile, replaces, dates */
	JWS_READ,		/* POST-as-GET: empty payload */
	JWS_CHALLENGE,		/* {} */
	JWS_FINALIZE,		/* csr */
	JWS_DEACTIVATE_AUTHZ,
	/* what an operator must have armed */
	JWS_KEY_CHANGE,		/* to another key of ours, 7.3.5 */
	JWS_DEACTIVATE_ACCOUNT,	/* sent to the account itself, 7.3.6 */
	JWS_REVOKE,		/* cert, reason; 7.6 */
	JWS_WHAT_COUNT
};

/* Whose key signs; account and key themselves are the caller's to add. */
enum jws_signer {
	JWS_BY_ACCOUNT,
	JWS_BY_NEXT,		/* the key that a key change leads to */
	JWS_BY_CERT		/* REVOKE: the certificate's own, with jwk */
};

struct jws_request {		/* texts are not owned; NULL = empty */
	enum jws_what what;
	enum jws_signer signer;
	/* kid empty: jwk (NEW_ACCOUNT, and REVOKE by its own key) */
	const char *url, *nonce, *kid;
	const struct strv *contacts;
	bool agreed;
	bool existing;			/* NEW_ACCOUNT: only look it up */
	const char *eab_kid;		/* NEW_ACCOUNT: the CA's id of a key */
	const struct strv *names;
	const char *profile, *replaces, *not_before, *not_after;
	struct blob csr;
	struct blob cert;		/* REVOKE: DER */
	uint8_t reason;			/* REVOKE: RFC 5280; 0: none said */
	/* inner JWS, which only the keeper can make: jws_eab() goes with
	 * eab_kid, jws_change() with KEY_CHANGE */
	const char *inner;
};

/* Algorithms of account keys, RFC 7518 section 3.1, and of the HMACs of
 * external account bindings. */
enum jws_alg { JWS_ES256, JWS_ES384, JWS_RS256, JWS_ALG_COUNT };
enum jws_mac { JWS_HS256, JWS_HS384, JWS_HS512, JWS_MAC_COUNT };
const char *jws_alg_name(enum jws_alg alg);	/* "ES256" */
/* "hs256"; JWS_MAC_COUNT if it is none. */
enum jws_mac jws_mac_find(const char *name);
/* The shortest key that it may have: RFC 7518 section 3.2. */
size_t jws_mac_key_min(enum jws_mac mac);

/* The JWK of a public key in DER SubjectPublicKeyInfo, members in the order
 * of RFC 7638: the bytes that the thumbprint is taken of. P-256, P-384, RSA of
 * 2048 to 4096 bits. */
int jws_jwk(struct buf *out, const void *spki, size_t n, struct err *err);
/* What a key that jws_jwk() takes signs with. */
enum jws_alg jws_alg_of(const void *spki, size_t n);
/* base64url(SHA-256(jwk)): always 43 characters. */
void jws_thumbprint(char out[44], const char *jwk, size_t n);

/* Refuses what the kind does not allow, what is out of its character set, and
 * any url whose origin is not `origin`. On success signing_input is
 * BASE64URL(protected) "." BASE64URL(payload). */
int jws_compose(struct buf *signing_input, const struct jws_request *r,
    enum jws_alg alg, const char *origin, const char *jwk, struct err *err);
/* Signing input of an external account binding (section 7.3.4): the account's
 * jwk, for the url of newAccount, under the CA's kid. */
int jws_eab(struct buf *signing_input, enum jws_mac mac, const char *kid,
    const char *url, const char *jwk, struct err *err);
/* Signing input of the inner JWS of a key change (section 7.3.5): alg and jwk
 * are the new key's; account is the kid, old_jwk the key that goes. */
int jws_change(struct buf *signing_input, enum jws_alg alg, const char *jwk,
    const char *url, const char *account, const char *old_jwk,
    struct err *err);
/* Flattened JSON from the signing input and the raw signature. */
void jws_flatten(struct buf *out, const struct buf *signing_input,
    const void *sig, size_t n);
#endif
