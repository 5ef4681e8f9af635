/* The ways to prove a name: what fits what, and what is to be published where
 * (RFC 8555 section 8, RFC 8737, RFC 8738, draft-ietf-acme-dns-account-label,
 * draft-ietf-acme-dns-persist). Pure text work, for the machine here and for
 * those who publish. Names are canonical and without "*." unless said
 * otherwise. */
#ifndef ACME_METHOD_H
#define ACME_METHOD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/name.h"

enum {
	METHOD_DIGEST = 32, METHOD_TXT = 44, METHOD_EXTENSION = 34,
	METHOD_RECORD = NAME_DNS_MAX + 1, METHOD_ISSUERS_MAX = 10,
	METHOD_URI_MAX = 2048
};

/* Its place is its bit in what is saved: append only. */
enum method_kind {
	METHOD_HTTP_01, METHOD_TLS_ALPN_01, METHOD_DNS_01,
	METHOD_DNS_ACCOUNT_01, METHOD_DNS_PERSIST_01, METHOD_COUNT
};

struct method {
	const char *type;	/* "http-01" */
	const char *label;	/* of its TXT record; NULL: it has none */
	bool wildcards, addresses;
	bool standing;		/* its record stays: nothing is published */
};

extern const struct method methods[METHOD_COUNT];
/* NULL: a type that is not known here. */
const struct method *method_find(const char *type);
/* Whether it can prove a name, which may have "*." in front. */
bool method_fits(const struct method *m, const char *name);

/* SHA-256 of the key authorization, which acmeIdentifier and TXT hold. */
void method_digest(uint8_t out[METHOD_DIGEST], const char *keyauth);
/* Value of the TXT record of dns-01 and dns-account-01. */
void method_txt(char out[METHOD_TXT], const char *keyauth);
/* Value of the critical extension 1.3.6.1.5.5.7.1.31: an OCTET STRING. */
void method_extension(uint8_t out[METHOD_EXTENSION], const char *keyauth);
/* Owner of the TXT record, no final dot. account_url is for dns-account-01
 * alone. -1: it would be longer than a name may be, or there is none. */
int method_record(char out[METHOD_RECORD], const struct method *m,
    const char *name, const char *account_url);
/* What a CA asks for by SNI: the name itself, of an address the one that its
 * reverse lookup has (RFC 8738 section 6). */
void method_sni(char out[METHOD_RECORD], const char *name);

/* --- dns-persist-01: a record that somebody put there for good ---------- */

/* accounturi as draft -02 wants it: prefix, "sha-256/", hash of the name (or
 * "*"), the key's thumbprint and the account's address. */
void method_account_hash(struct buf *out, const char *prefix,
    const char *name, const char *thumbprint, const char *account_url);
/* The record that is to be put there. until_s 0: for ever. */
void method_persist(struct buf *out, const char *issuer, const char *uri,
    bool wildcard, int64_t until_s);
/* Whether the text of a TXT record is one (RFC 8659 section 4.2 grammar) for
 * one of these issuers and accounts, good at that time. */
bool method_persist_fits(const char *text, const struct strv *issuers,
    const struct strv *uris, bool wildcard, int64_t now_ms);
/* When such a record ends, in seconds; 0: never, or it is none. */
int64_t method_persist_until(const char *text);
/* Whom a record that fitted is for: its issuer, account and policy. */
void method_persist_who(const char *text, char issuer[METHOD_RECORD],
    struct buf *uri, bool *wildcard);
/* How a record is to name our account, for who has no challenge that says so:
 * as the one that is known of that place does, if it is for one of these
 * issuers. known: "PLACE TEXT". Nothing is added if none is. */
void method_persist_told(const struct strv *known, const char *place,
    const struct strv *issuers, struct buf *uri);
/* What may be an accounturi: 1 to METHOD_URI_MAX printable characters but
 * ";". */
bool method_is_uri(const char *s);
#endif
