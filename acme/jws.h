/* JWS requests, RFC 8555 section 6.2. The engine says what it wants with
 * typed fields; header and payload are composed here, in the keeper, so that
 * nothing made elsewhere is ever signed. Pure text work; no JSON library. */
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
	JWS_WHAT_COUNT
};

struct jws_request {		/* texts are not owned; NULL = empty */
	enum jws_what what;
	const char *url, *nonce, *kid;	/* kid empty: jwk (NEW_ACCOUNT only) */
	const struct strv *contacts;
	bool agreed;
	const struct strv *names;
	const char *profile, *replaces, *not_before, *not_after;
	struct blob csr;
};

/* The JWK of a public key in DER SubjectPublicKeyInfo, members in the order
 * of RFC 7638: the bytes that the thumbprint is taken of. P-256 for now. */
int jws_jwk(struct buf *out, const void *spki, size_t n, struct err *err);
/* base64url(SHA-256(jwk)): always 43 characters. */
void jws_thumbprint(char out[44], const char *jwk, size_t n);

/* Refuses what the kind does not allow, what is out of its character set, and
 * any url whose origin is not `origin`. On success signing_input is
 * BASE64URL(protected) "." BASE64URL(payload). */
int jws_compose(struct buf *signing_input, const struct jws_request *r,
    const char *origin, const char *jwk, struct err *err);
/* Flattened JSON from the signing input and the raw signature. */
void jws_flatten(struct buf *out, const struct buf *signing_input,
    const void *sig, size_t n);
#endif
