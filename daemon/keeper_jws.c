/* Requests that are signed for the engine. Most it may have at any time; what
 * can't be taken back only if an operator has armed it, and then only for the
 * object that was armed. */
#include <config.h>
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <openssl/sha.h>
#include "acme/jws.h"
#include "daemon/keeper_account.h"
#include "daemon/keeper_arm.h"
#include "daemon/keeper_parts.h"
#include "daemon/keeper_secret.h"

/* RFC 5280 section 5.3.1 */
enum { KEY_COMPROMISE = 1 };

enum { JWS_MAX = 128 * 1024, INNER_MAX = 16 * 1024 };

struct signing {
	const struct kek *kek;
	const struct w_jws *q;
	struct jws_request r;
	char origin[ORIGIN_MAX + 1];
	const char *ca;			/* struct account */
	EVP_PKEY *account;
	EVP_PKEY *cert;			/* REVOKE: the certificate's */
	struct buf jwk, inner;		/* jwk: the account's */
	enum jws_alg alg;
};

static int
public_jwk(struct buf *jwk, enum jws_alg *alg, EVP_PKEY *key,
    struct err *err)
{
	struct blob spki;
	int rc;

	assert(key != NULL);
	if (key_public(&spki, key, err) != 0)
		return -1;
	rc = jws_jwk(jwk, spki.p, spki.len, err);
	*alg = jws_alg_of(spki.p, spki.len);
	blob_free(&spki);
	return rc;
}

/* BASE64URL parts, signed with that key. */
static int
sign_input(struct buf *jws, const struct buf *input, enum jws_alg alg,
    EVP_PKEY *key, struct err *err)
{
	uint8_t sig[KEY_SIG_MAX];
	size_t n;

	assert(!input->full && input->len > 0);
	if (key_sign(sig, &n, alg, key, input->data, input->len, err) != 0)
		return -1;
	jws_flatten(jws, input, sig, n);
	return 0;
}

/* --- what some kinds need first ------------------------------------------- */

/* The path of a URL; NULL if it is spelled in a way that a CA may read as
 * another. */
static const char *
plain_path(const char *url)
{
	static const char https[] = "https://";
	const char *host = url + sizeof(https) - 1;

	if (strncmp(url, https, sizeof(https) - 1) != 0 ||
	    strpbrk(url, "?#%\\;") != NULL || strstr(host, "//") != NULL ||
	    strstr(host, "/.") != NULL)
		return NULL;
	return strchr(host, '/');
}

struct parts {
	const char *folder, *last;
	size_t folder_n, last_n;
};

/* The last part of a path, and what is before; "/007/" is "7" to some. */
static struct parts
parts_of(const char *path)
{
	struct parts p = { path, NULL, 0, 0 };
	size_t end = strlen(path), at;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (at = end; at > 0 && path[at - 1] != '/'; at--)
		;
	p.folder_n = at;
	while (at + 1 < end && (path[at] == '0' || path[at] == '+'))
		at++;
	p.last = path + at;
	p.last_n = end - at;
	return p;
}

static bool
same(const char *a, size_t a_n, const char *b, size_t b_n)
{
	return a_n == b_n && strncasecmp(a, b, a_n) == 0;
}

/* The payload that gives an authorization up gives the whole account up when
 * it is sent to the account's address, which only an operator may ask for. The
 * engine names both, and a CA may take several spellings of either: so nothing
 * goes to an address beside the account's, or below it, or with its number. */
static bool
may_be_account(const struct w_jws *q)
{
	const char *url = plain_path(q->url), *kid = plain_path(q->kid);
	struct parts a, b;

	if (url == NULL || kid == NULL)
		return true;
	a = parts_of(url);
	b = parts_of(kid);
	return strncasecmp(url, kid, strlen(kid)) == 0 ||
	    same(a.folder, a.folder_n, b.folder, b.folder_n) ||
	    same(a.last, a.last_n, b.last, b.last_n);
}

static int
prepare_authz(struct signing *s, struct err *err)
{
	return !may_be_account(s->q) ? 0 : err_set(err, ERR_NEEDS_OPERATOR,
	    "request: \"%.80s\" may be the account itself, which is given up "
	    "by an operator only", s->q->url);
}

/* With a binding, if one is asked for: its HMAC key never leaves this
 * process. */
static int
prepare_account(struct signing *s, struct err *err)
{
	const struct w_jws *q = s->q;

	assert(s->jwk.len > 0 && s->q->what == JWS_NEW_ACCOUNT);
	if (q->eab_kid[0] == '\0')
		return 0;
	if (secret_eab(&s->inner, q->eab, q->eab_kid, q->url, s->jwk.data,
	    err) != 0)
		return -1;
	s->r.inner = s->inner.data;
	return 0;
}

/* An act is on the account whose key signs, or on a certificate. */
static struct arm_act
act_of(enum arm_what what, const struct signing *s)
{
	bool revoke = what == ARM_REVOKE;

	assert(s->origin[0] != '\0');
	return (struct arm_act){ .what = what,
		.object = revoke ? s->q->cert : s->q->account,
		.version = revoke ? s->q->version : 0,
		.origin = revoke ? NULL : s->origin,
		.ca = revoke ? NULL : s->ca };
}

/* What exactly was asked for is part of it: an act that was allowed is
 * allowed for one request. Of a revocation that is the certificate, and whether
 * its key is called compromised. Whose key signs is not: when a CA will not
 * have it from the account, the certificate's own key is the other way to it.
 * Nor is another reason: a CA may take none but 0. */
static int
use_up(enum arm_what what, const struct signing *s, const void *more, size_t n,
    struct err *err)
{
	const struct arm_act act = act_of(what, s);
	struct buf asked;
	int rc;

	assert(s->q != NULL);
	buf_init(&asked, JWS_MAX);
	buf_printf(&asked, "%s\n%s\n%u\n", s->q->url, what == ARM_REVOKE ?
	    "" : s->q->kid, s->q->reason == KEY_COMPROMISE);
	buf_add(&asked, more, n);
	assert(!asked.full);
	rc = arm_use(&act, asked.data, asked.len, err);
	buf_free(&asked);
	return rc;
}

static int
prepare_deactivate(struct signing *s, struct err *err)
{
	return use_up(ARM_DEACTIVATE, s, "", 0, err);
}

/* The inner JWS: the account's address and its old key, signed by the next,
 * which is one that was made or imported for this account. */
static int
inner_change(struct signing *s, EVP_PKEY *next, struct err *err)
{
	struct buf jwk, input;
	enum jws_alg alg;
	int rc;

	assert(next != NULL && s->inner.len == 0);
	buf_init(&jwk, JWK_MAX);
	buf_init(&input, INNER_MAX);
	rc = public_jwk(&jwk, &alg, next, err);
	if (rc == 0)
		rc = use_up(ARM_KEY_CHANGE, s, jwk.data, jwk.len, err);
	if (rc == 0)
		rc = jws_change(&input, alg, jwk.data, s->q->url, s->q->kid,
		    s->jwk.data, err);
	if (rc == 0)
		rc = sign_input(&s->inner, &input, alg, next, err);
	s->r.inner = s->inner.data;
	buf_free(&jwk);
	buf_free(&input);
	return rc;
}

/* Looked at before the next key is opened, used up only when all fits. */
static int
prepare_change(struct signing *s, struct err *err)
{
	const struct arm_act act = act_of(ARM_KEY_CHANGE, s);
	const struct w_jws *q = s->q;
	char origin[ORIGIN_MAX + 1];
	const uint8_t *unused;
	EVP_PKEY *next;
	int rc;

	assert(s->account != NULL);
	if (arm_look(&act, &unused, err) != 0)
		return -1;
	next = keeper_open_account(s->kek, q->account, &q->next, origin, err);
	if (next == NULL)
		return -1;
	if (strcmp(origin, s->origin) != 0)
		rc = err_set(err, ERR_INVALID, "account %016" PRIx64 ": its "
		    "next key is for another CA", q->account);
	else if (EVP_PKEY_eq(next, s->account) == 1)
		rc = err_set(err, ERR_INVALID, "account %016" PRIx64 ": its "
		    "next key is the one that it has", q->account);
	else
		rc = inner_change(s, next, err);
	EVP_PKEY_free(next);
	return rc;
}

/* That the certificate is the one that was armed: by its digest, or else by
 * the key of that version, whose public half stands in it. It comes from the
 * engine, so nothing here reads it. */
static int
is_armed_one(const struct signing *s, const uint8_t *digest, struct err *err)
{
	const struct blob *leaf = &s->q->leaf;
	uint8_t hash[ARM_DIGEST];
	struct blob spki = { NULL, 0 };
	bool same;

	assert(s->q->what == JWS_REVOKE);
	if (digest != NULL) {
		SHA256(leaf->p, leaf->len, hash);
		same = memcmp(hash, digest, sizeof(hash)) == 0;
	} else {
		same = s->cert != NULL && key_public(&spki, s->cert,
		    err) == 0 && memmem(leaf->p, leaf->len, spki.p,
		    spki.len) != NULL;
		blob_free(&spki);
	}
	return same ? 0 : err_set(err, ERR_NEEDS_OPERATOR, "revocation of "
	    "certificate %016" PRIx64 " version %" PRIu32 ": what should be "
	    "revoked is not what an operator has allowed", s->q->cert,
	    s->q->version);
}

static int
prepare_revoke(struct signing *s, struct err *err)
{
	const struct arm_act act = act_of(ARM_REVOKE, s);
	const struct w_jws *q = s->q;
	const uint8_t *digest;

	assert(s->q->what == JWS_REVOKE && s->cert == NULL);
	if (arm_look(&act, &digest, err) != 0)
		return -1;
	if (q->cert_sealed.len > 0)
		s->cert = keeper_open_cert(s->kek, q->cert, q->version,
		    &q->cert_sealed, err);
	if (s->cert == NULL && q->cert_sealed.len > 0)
		return -1;
	if (is_armed_one(s, digest, err) != 0)
		return -1;
	if (q->by_cert != 0 && s->cert == NULL)
		return err_set(err, ERR_INVALID, "revocation of certificate "
		    "%016" PRIx64 ": its key is not here to sign with",
		    q->cert);
	return use_up(ARM_REVOKE, s, q->leaf.p, q->leaf.len, err);
}

static int
prepare(struct signing *s, struct err *err)
{
	static int (*const by_kind[JWS_WHAT_COUNT])(struct signing *,
	    struct err *) = {
		[JWS_NEW_ACCOUNT] = prepare_account,
		[JWS_DEACTIVATE_AUTHZ] = prepare_authz,
		[JWS_KEY_CHANGE] = prepare_change,
		[JWS_DEACTIVATE_ACCOUNT] = prepare_deactivate,
		[JWS_REVOKE] = prepare_revoke
	};
	uint8_t what = s->q->what;

	return what < JWS_WHAT_COUNT && by_kind[what] != NULL ?
	    by_kind[what](s, err) : 0;
}

/* --- the whole ------------------------------------------------------------ */

static struct jws_request
request_of(const struct w_jws *q)
{
	return (struct jws_request){ .what = (enum jws_what)q->what,
		.url = q->url, .nonce = q->nonce, .kid = q->kid,
		.contacts = &q->contacts, .agreed = q->agreed != 0,
		.names = &q->names, .profile = q->profile,
		.replaces = q->replaces, .not_before = q->not_before,
		.not_after = q->not_after, .csr = q->csr,
		.existing = q->existing != 0, .eab_kid = q->eab_kid,
		.cert = q->leaf, .reason = q->reason,
		.signer = q->by_cert != 0 ? JWS_BY_CERT : JWS_BY_ACCOUNT };
}

/* With the account's key, or with the certificate's and its jwk. */
static int
compose_and_sign(struct signing *s, struct buf *jws, struct err *err)
{
	bool by_cert = s->r.signer == JWS_BY_CERT && s->cert != NULL;
	struct buf input;
	int rc = 0;

	assert(s->account != NULL && s->jwk.len > 0);
	buf_init(&input, JWS_MAX);
	if (by_cert) {
		buf_reset(&s->jwk);
		rc = public_jwk(&s->jwk, &s->alg, s->cert, err);
	}
	if (rc == 0)
		rc = jws_compose(&input, &s->r, s->alg, s->origin, s->jwk.data,
		    err);
	if (rc == 0)
		rc = sign_input(jws, &input, s->alg, by_cert ? s->cert :
		    s->account, err);
	buf_free(&input);
	return rc;
}

static int
sign_request(struct signing *s, struct buf *jws, struct err *err)
{
	const struct account *a = account_open(s->kek, s->q->account,
	    &s->q->sealed, err);
	int rc;

	assert(s->account == NULL && s->cert == NULL);
	if (a == NULL || EVP_PKEY_up_ref(a->key) != 1)
		return -1;
	s->account = a->key;
	s->alg = a->alg;
	memcpy(s->origin, a->origin, sizeof(s->origin));
	s->ca = a->ca;
	buf_init(&s->jwk, JWK_MAX);
	buf_puts(&s->jwk, a->jwk);
	buf_init(&s->inner, INNER_MAX);
	rc = prepare(s, err);
	if (rc == 0)
		rc = compose_and_sign(s, jws, err);
	buf_free(&s->jwk);
	buf_free(&s->inner);
	EVP_PKEY_free(s->account);
	EVP_PKEY_free(s->cert);
	return rc;
}

int
keeper_jws(const struct kek *kek, const void *in, void *out, struct err *err)
{
	const struct w_jws *q = in;
	struct w_jws_done *a = out;
	struct signing s = { .kek = kek, .q = q, .r = request_of(q) };
	struct buf jws;
	int rc;

	assert(q->url != NULL && a->jws.p == NULL);
	if (strncmp(q->url, "https://", 8) != 0)
		return err_set(err, ERR_INVALID, "request: \"%.80s\" is no "
		    "https address", q->url);
	buf_init(&jws, JWS_MAX);
	rc = sign_request(&s, &jws, err);
	if (rc == 0 && jws.full)
		rc = err_set(err, ERR_INVALID, "request: it is longer than "
		    "%d bytes", JWS_MAX);
	if (rc == 0)
		a->jws = blob_copy(jws.data, jws.len);
	buf_free(&jws);
	return rc;
}
