/* The gate before a new generation goes live. What is read was written by the
 * master from parts that the engine re-encoded, so the form may be strict; the
 * certificates in it are a CA's, so their content is not trusted at all. */
#include <config.h>
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "acme/acme.h"
#include "base/buf.h"
#include "daemon/judge.h"
#include "daemon/keeper_key.h"

enum { KEY_MAX = 32 * 1024, CERT_MAX = 64 * 1024, CHAIN_MAX = 128 * 1024,
	PEM_LINE_MAX = 76, HOUR_S = 3600 };

static const size_t longest[JUDGE_FILES] = {
	[JUDGE_KEY] = KEY_MAX, [JUDGE_CERT] = CERT_MAX,
	[JUDGE_CHAIN] = CHAIN_MAX, [JUDGE_FULLCHAIN] = CERT_MAX + CHAIN_MAX,
	[JUDGE_COMBINED] = KEY_MAX + CERT_MAX + CHAIN_MAX
};

/* All that the rules look at. */
struct pair {
	EVP_PKEY *key;
	X509 *leaf;
	X509 *chain[JUDGE_CHAIN_MAX];
	int nchain;
	const struct judge_files *f;
	const struct w_verify *wanted;
	time_t now;
};

/* --- reading ----------------------------------------------------------- */

static bool
read_all(struct blob *out, int fd, size_t max)
{
	size_t n = 0;
	ssize_t got;

	assert(fd >= 0 && max > 0);
	out->p = xcalloc(max + 1, 1);
	do {
		got = pread(fd, out->p + n, max + 1 - n, (off_t)n);
		n += got > 0 ? (size_t)got : 0;
	} while ((got > 0 && n <= max) || (got < 0 && errno == EINTR));
	out->len = n;
	if (got < 0 || n > max) {
		out->len = max + 1;
		blob_wipe(out);
		return false;
	}
	assert(out->len <= max);
	return true;
}

/* Each with its own cap: the files are small, whoever wrote them. */
bool
judge_read(struct judge_files *f, const int *fds, int n)
{
	int i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < n && i < JUDGE_FILES; i++)
		if (!read_all(&f->text[i], fds[i], longest[i])) {
			judge_forget(f);
			return false;
		}
	return true;
}

void
judge_forget(struct judge_files *f)
{
	int i;

	for (i = 0; i < JUDGE_FILES; i++)
		blob_wipe(&f->text[i]);
}

/* --- PEM --------------------------------------------------------------- */

static bool
line_is(const char *line, size_t n, const char *edge, const char *label)
{
	char want[80];
	int len = snprintf(want, sizeof(want), "-----%s %s-----", edge, label);

	assert(len > 0 && (size_t)len < sizeof(want));
	return n == (size_t)len && memcmp(line, want, n) == 0;
}

static bool
is_base64(const char *line, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
		    "yz0123456789+/=", line[i], 65) == NULL)
			return false;
	return n > 0 && n <= PEM_LINE_MAX;
}

/* How many blocks of this label the text holds; -1 when there is anything
 * else in it, or its last line has no end. */
static int
blocks(const struct blob *text, const char *label)
{
	const char *p = (const char *)text->p, *lf;
	size_t left = text->len, n;
	bool inside = false;
	int count = 0;

	assert(label[0] != '\0');
	for (; left > 0; left -= n + 1, p = lf + 1) {
		lf = memchr(p, '\n', left);
		if (lf == NULL)
			return -1;
		n = (size_t)(lf - p);
		if (!inside && line_is(p, n, "BEGIN", label))
			inside = true;
		else if (inside && line_is(p, n, "END", label)) {
			inside = false;
			count++;
		} else if (!inside || !is_base64(p, n))
			return -1;
	}
	return inside ? -1 : count;
}

/* Whoever encrypted it: nobody is there to be asked (security.md D10). */
static int
no_password(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static X509 *
next_cert(BIO *bio)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	const unsigned char *p;
	X509 *cert = NULL;
	long n = 0;

	if (PEM_read_bio(bio, &name, &header, &der, &n) != 1)
		return NULL;
	p = der;
	cert = d2i_X509(NULL, &p, n);
	if (cert != NULL && (p != der + n ||
	    (X509_get_extension_flags(cert) & EXFLAG_INVALID) != 0)) {
		X509_free(cert);
		cert = NULL;
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return cert;
}

/* Number of certificates, or -1: more than max, or not all of them good. */
static int
read_certs(X509 **out, int max, const struct blob *text)
{
	int n = blocks(text, "CERTIFICATE"), i;
	BIO *bio;

	assert(max > 0 && out[0] == NULL);
	if (n <= 0 || n > max)
		return n == 0 ? 0 : -1;
	bio = BIO_new_mem_buf(text->p, (int)text->len);
	for (i = 0; bio != NULL && i < n; i++)
		if ((out[i] = next_cert(bio)) == NULL)
			break;
	BIO_free(bio);
	if (i == n && bio != NULL)
		return n;
	while (i > 0) {
		X509_free(out[--i]);
		out[i] = NULL;
	}
	return -1;
}

static EVP_PKEY *
read_key(const struct blob *text)
{
	unsigned char *der = NULL;
	EVP_PKEY *key = NULL;
	struct err unused;
	long n = 0;
	BIO *bio;

	assert(text->p != NULL || text->len == 0);
	if (blocks(text, "PRIVATE KEY") != 1)
		return NULL;
	bio = BIO_new_mem_buf(text->p, (int)text->len);
	if (bio == NULL)
		return NULL;
	if (PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_PKCS8INF, bio,
	    no_password, NULL) == 1)
		key = key_read(der, (size_t)n, &unused);
	OPENSSL_clear_free(der, (size_t)n);
	BIO_free(bio);
	return key;
}

/* Whose maker has shown that he has this key. */
static EVP_PKEY *
read_csr_key(const struct blob *der)
{
	struct acme_csr csr;
	const unsigned char *p;
	struct err unused;
	EVP_PKEY *key;

	if (acme_csr_read(&csr, der->p, der->len, &unused) != 0)
		return NULL;
	p = csr.spki.p;
	key = d2i_PUBKEY(NULL, &p, (long)csr.spki.len);
	acme_csr_free(&csr);
	return key;
}

/* --- names ------------------------------------------------------------- */

/* Its octets; 0 of them when it is a host's name. */
static size_t
address_of(uint8_t octets[16], const char *name)
{
	if (inet_pton(AF_INET, name, octets) == 1)
		return 4;
	return inet_pton(AF_INET6, name, octets) == 1 ? 16 : 0;
}

/* RFC 6125 section 6.4.3, the plain form only: "*." stands for one label. */
static bool
is_host(const char *name, const ASN1_IA5STRING *in_cert)
{
	const char *have = (const char *)ASN1_STRING_get0_data(in_cert), *dot;
	size_t n = (size_t)ASN1_STRING_length(in_cert);

	if (strlen(name) == n && strncasecmp(name, have, n) == 0)
		return true;
	dot = strchr(name, '.');
	return n > 2 && have[0] == '*' && have[1] == '.' && dot != NULL &&
	    name[0] != '*' && strlen(dot) == n - 1 &&
	    strncasecmp(dot, have + 1, n - 1) == 0;
}

/* An address written as a host's name is what no client accepts. */
static bool
is_named(const GENERAL_NAMES *names, const char *wanted)
{
	const GENERAL_NAME *one;
	uint8_t octets[16];
	size_t n = address_of(octets, wanted);
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		one = sk_GENERAL_NAME_value(names, i);
		if (n == 0 && one->type == GEN_DNS &&
		    is_host(wanted, one->d.dNSName))
			return true;
		if (n > 0 && one->type == GEN_IPADD &&
		    (size_t)ASN1_STRING_length(one->d.iPAddress) == n &&
		    memcmp(ASN1_STRING_get0_data(one->d.iPAddress), octets,
		    n) == 0)
			return true;
	}
	return false;
}

static bool
covers_names(const struct pair *p)
{
	const struct strv *wanted = &p->wanted->names;
	GENERAL_NAMES *names = X509_get_ext_d2i(p->leaf, NID_subject_alt_name,
	    NULL, NULL);
	size_t i = 0;

	assert(p->leaf != NULL);
	while (names != NULL && i < wanted->n && is_named(names, wanted->v[i]))
		i++;
	GENERAL_NAMES_free(names);
	return p->wanted->any_names || (wanted->n > 0 && i == wanted->n);
}

/* --- the rules --------------------------------------------------------- */

static bool
belongs(const struct pair *p)
{
	EVP_PKEY *of_leaf = X509_get0_pubkey(p->leaf);
	EVP_PKEY_CTX *ctx;
	bool sound;

	assert(p->leaf != NULL && p->key != NULL);
	if (of_leaf == NULL || EVP_PKEY_eq(of_leaf, p->key) != 1)
		return false;
	if (p->wanted->own_key)
		return true;
	/* A key file carries its public half, too: they could be two. */
	ctx = EVP_PKEY_CTX_new(p->key, NULL);
	sound = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return sound;
}

static bool
is_end_entity(const struct pair *p)
{
	assert(p->leaf != NULL);
	return X509_check_ca(p->leaf) == 0;
}

/* -2 stands for a time that is none. */
static bool
has_begun(const struct pair *p)
{
	int order = ASN1_TIME_cmp_time_t(X509_get0_notBefore(p->leaf),
	    p->now + HOUR_S);

	assert(p->leaf != NULL);
	return order == -1 || order == 0;
}

static bool
ends_later(const X509 *cert, time_t now)
{
	return ASN1_TIME_cmp_time_t(X509_get0_notAfter(cert), now) == 1;
}

static bool
still_runs(const struct pair *p)
{
	return ends_later(p->leaf, p->now);
}

/* Name, key identifier, key usage, and the signature itself. `below`: CAs
 * between the issuer and the leaf, RFC 5280 section 4.2.1.9. */
static bool
issued(X509 *issuer, X509 *cert, int below)
{
	long most = X509_get_pathlen(issuer);

	assert(issuer != NULL && cert != NULL && below >= 0);
	return X509_check_ca(issuer) == 1 && (most < 0 || most >= below) &&
	    X509_check_issued(issuer, cert) == X509_V_OK &&
	    X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
}

static bool
links_up(const struct pair *p)
{
	X509 *cert = p->leaf;
	bool own = X509_NAME_cmp(X509_get_subject_name(cert),
	    X509_get_issuer_name(cert)) == 0;
	int i;

	assert(p->nchain >= 0 && p->nchain <= JUDGE_CHAIN_MAX);
	if (p->wanted->placeholder)
		return own && p->nchain == 0 &&
		    X509_verify(cert, X509_get0_pubkey(cert)) == 1;
	if (own)
		return false;
	for (i = 0; i < p->nchain; i++) {
		if (!issued(p->chain[i], cert, i) ||
		    !ends_later(p->chain[i], p->now))
			return false;
		cert = p->chain[i];
	}
	return true;
}

static bool
has_at(const struct blob *whole, size_t at, const struct blob *part)
{
	assert(at <= whole->len && part->len <= whole->len - at);
	return part->len == 0 ||
	    memcmp(whole->p + at, part->p, part->len) == 0;
}

static bool
is_joined(const struct blob *whole, const struct blob *a, const struct blob *b)
{
	return whole->len == a->len + b->len && has_at(whole, 0, a) &&
	    has_at(whole, a->len, b);
}

static bool
files_agree(const struct pair *p)
{
	const struct blob *t = p->f->text;

	return is_joined(&t[JUDGE_FULLCHAIN], &t[JUDGE_CERT],
	    &t[JUDGE_CHAIN]) && (p->wanted->own_key ||
	    is_joined(&t[JUDGE_COMBINED], &t[JUDGE_KEY],
	    &t[JUDGE_FULLCHAIN]));
}

/* By the words in its issuer; when it can't be told, it is one. */
static bool
is_of_test_ca(const X509 *cert)
{
	static const char *const marks[] = { "(STAGING)", "Pebble", "Fake LE" };
	BIO *bio = BIO_new(BIO_s_mem());
	bool found = false;
	char *text;
	long n;
	size_t i;

	assert(cert != NULL);
	if (bio == NULL)
		return true;
	X509_NAME_print_ex(bio, X509_get_issuer_name(cert), 0,
	    ASN1_STRFLGS_UTF8_CONVERT | XN_FLAG_SEP_CPLUS_SPC);
	n = BIO_get_mem_data(bio, &text);
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		found = found || (n > 0 && memmem(text, (size_t)n, marks[i],
		    strlen(marks[i])) != NULL);
	BIO_free(bio);
	return found;
}

static bool
is_of_real_ca(const struct pair *p)
{
	int i;

	assert(p->leaf != NULL);
	if (p->wanted->allow_test_ca)
		return true;
	for (i = 0; i < p->nchain; i++)
		if (is_of_test_ca(p->chain[i]))
			return false;
	return !is_of_test_ca(p->leaf);
}

static const struct rule {
	bool (*holds)(const struct pair *);
	enum verdict otherwise;
} rules[] = {
	{ belongs, VERDICT_MISMATCH },
	{ is_end_entity, VERDICT_IS_CA },
	{ covers_names, VERDICT_NAMES },
	{ has_begun, VERDICT_NOT_YET },
	{ still_runs, VERDICT_EXPIRED },
	{ links_up, VERDICT_CHAIN },
	{ files_agree, VERDICT_FILES_DIFFER },
	{ is_of_real_ca, VERDICT_TEST_CA }
};

/* What can't be read is told apart from what is wrong: the one is a damaged
 * file, the other a mistake. */
static enum verdict
load(struct pair *p)
{
	bool own = p->wanted->own_key;

	assert(p->key == NULL && p->leaf == NULL && p->nchain == 0);
	p->key = own ? read_csr_key(&p->f->text[JUDGE_KEY]) :
	    read_key(&p->f->text[JUDGE_KEY]);
	if (p->key == NULL)
		return own ? VERDICT_NO_CSR : VERDICT_NO_KEY;
	if (read_certs(&p->leaf, 1, &p->f->text[JUDGE_CERT]) != 1)
		return VERDICT_NO_LEAF;
	p->nchain = read_certs(p->chain, JUDGE_CHAIN_MAX,
	    &p->f->text[JUDGE_CHAIN]);
	return p->nchain >= 0 ? VERDICT_FINE : VERDICT_CHAIN;
}

enum verdict
judge(const struct judge_files *f, const struct w_verify *wanted)
{
	struct pair p = { .f = f, .wanted = wanted,
		.now = (time_t)(wanted->now_ms / 1000) };
	enum verdict v = load(&p);
	size_t i;

	assert(v != VERDICT_FINE || (p.key != NULL && p.leaf != NULL));
	for (i = 0; v == VERDICT_FINE && i < sizeof(rules) / sizeof(rules[0]);
	    i++)
		if (!rules[i].holds(&p))
			v = rules[i].otherwise;
	if (v == VERDICT_MISMATCH && wanted->own_key)
		v = VERDICT_OTHER_KEY;
	for (i = 0; i < JUDGE_CHAIN_MAX; i++)
		X509_free(p.chain[i]);
	X509_free(p.leaf);
	EVP_PKEY_free(p.key);
	ERR_clear_error();
	return v;
}
