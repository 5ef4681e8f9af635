/* The built everleaf-verifier: a good generation passes, and each way to
 * spoil it has its verdict. */
#include <config.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "daemon/csr_said.h"
#include "daemon/judge.h"
#include "tests/unit/child.h"

static const int64_t now_s = 1790000000;
enum { HOUR = 3600, DAY = 86400 };

struct maker {			/* what a certificate is made of */
	const char *cn, *names;	/* names: as in openssl.cnf, NULL: none */
	long from, until;	/* seconds from now */
	bool ca;
	int pathlen;		/* -1: none */
};

struct pki {
	EVP_PKEY *key, *mid_key, *root_key;
	X509 *leaf, *mid, *root;
};

static struct child verifier;
static struct pki good;
static const char names_text[] =
    "DNS:shop.example,DNS:*.wild.example,IP:192.0.2.7,IP:2001:db8::7";

static EVP_PKEY *
new_key(void)
{
	return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

static void
extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	if (value == NULL)
		return;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, NULL, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

/* issuer NULL: itself. */
static X509 *
new_cert(const struct maker *m, EVP_PKEY *key, X509 *issuer, EVP_PKEY *signer)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	char basic[40];

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 77);
	X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)m->cn, -1, -1, 0);
	X509_set_issuer_name(cert, issuer != NULL ?
	    X509_get_subject_name(issuer) : name);
	ASN1_TIME_set(X509_getm_notBefore(cert), now_s + m->from);
	ASN1_TIME_set(X509_getm_notAfter(cert), now_s + m->until);
	X509_set_pubkey(cert, key);
	extend(cert, NID_subject_alt_name, m->names);
	if (m->ca) {
		snprintf(basic, sizeof(basic), m->pathlen >= 0 ?
		    "critical,CA:TRUE,pathlen:%d" : "critical,CA:TRUE",
		    m->pathlen);
		extend(cert, NID_basic_constraints, basic);
		extend(cert, NID_key_usage, "critical,keyCertSign");
	}
	assert_true(X509_sign(cert, signer, EVP_sha256()) > 0);
	return cert;
}

static const struct maker leaf_maker = { "shop.example", names_text, -DAY,
	30 * DAY, false, -1 };
static const struct maker mid_maker = { "Some CA R3", NULL, -DAY, 300 * DAY,
	true, 0 };
static const struct maker root_maker = { "Some CA Root", NULL, -DAY,
	3000 * DAY, true, -1 };

static void
pki_new(struct pki *p, const struct maker *leaf, const struct maker *mid,
    const struct maker *root)
{
	p->key = new_key();
	p->mid_key = new_key();
	p->root_key = new_key();
	p->root = new_cert(root, p->root_key, NULL, p->root_key);
	p->mid = new_cert(mid, p->mid_key, p->root, p->root_key);
	p->leaf = new_cert(leaf, p->key, p->mid, p->mid_key);
}

static void
pki_free(struct pki *p)
{
	EVP_PKEY_free(p->key);
	EVP_PKEY_free(p->mid_key);
	EVP_PKEY_free(p->root_key);
	X509_free(p->leaf);
	X509_free(p->mid);
	X509_free(p->root);
}

/* --- files ---------------------------------------------------------------- */

struct files {
	char text[JUDGE_FILES][16384];
};

static void
take_bio(char *out, BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	assert_in_range(n, 0, 16383);
	memcpy(out, p, (size_t)n);
	out[n] = '\0';
	BIO_free(bio);
}

static void
put_cert(char *out, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	take_bio(out, bio);
}

static void
put_key(char *out, EVP_PKEY *key, const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher,
	    cipher != NULL ? (char[]){ "pw" } : NULL, cipher != NULL ? 2 : 0,
	    NULL, NULL), 1);
	take_bio(out, bio);
}

static void
append(char *out, const char *more)
{
	size_t n = strlen(out);

	assert_true(n + strlen(more) < sizeof(((struct files *)0)->text[0]));
	memcpy(out + n, more, strlen(more) + 1);
}

static void
join(struct files *f)
{
	f->text[JUDGE_FULLCHAIN][0] = f->text[JUDGE_COMBINED][0] = '\0';
	append(f->text[JUDGE_FULLCHAIN], f->text[JUDGE_CERT]);
	append(f->text[JUDGE_FULLCHAIN], f->text[JUDGE_CHAIN]);
	append(f->text[JUDGE_COMBINED], f->text[JUDGE_KEY]);
	append(f->text[JUDGE_COMBINED], f->text[JUDGE_FULLCHAIN]);
}

static void
files_of(struct files *f, const struct pki *p)
{
	memset(f, 0, sizeof(*f));
	put_key(f->text[JUDGE_KEY], p->key, NULL);
	put_cert(f->text[JUDGE_CERT], p->leaf);
	put_cert(f->text[JUDGE_CHAIN], p->mid);
	join(f);
}

/* --- asking -------------------------------------------------------------- */

static struct w_verify
wanted_names(void)
{
	struct w_verify w = { .now_ms = now_s * 1000 };

	strv_add(&w.names, "shop.example");
	strv_add(&w.names, "*.wild.example");
	strv_add(&w.names, "192.0.2.7");
	strv_add(&w.names, "2001:db8::7");
	return w;
}

static int
ask_fds(const struct w_verify *w, const int *fds)
{
	struct w_verdict *v;
	void *out;
	int verdict;

	assert_int_equal(msg_send(verifier.fd, msg_find(wire_specs,
	    WIRE_VERIFY), 42, w, fds, JUDGE_FILES - w->own_key), 0);
	assert_int_equal(child_hear(verifier.fd, &out), WIRE_VERDICT);
	v = out;
	verdict = (int)v->verdict;
	child_answer_free(WIRE_VERDICT, out);
	return verdict;
}

static int
ask(const struct w_verify *w, const struct files *f)
{
	int fds[JUDGE_FILES], i, verdict;
	size_t n;

	for (i = 0; i < JUDGE_FILES; i++) {
		n = strlen(f->text[i]);
		fds[i] = memfd_create("staged", MFD_CLOEXEC);
		assert_int_equal(write(fds[i], f->text[i], n), n);
	}
	verdict = ask_fds(w, fds);
	for (i = 0; i < JUDGE_FILES; i++)
		close(fds[i]);
	return verdict;
}

/* A whole generation from these makers, with the usual wishes. */
static int
ask_made(const struct maker *leaf, const struct maker *mid,
    const struct maker *root, bool allow_test_ca)
{
	struct w_verify w = wanted_names();
	struct files f;
	struct pki p;
	int verdict;

	pki_new(&p, leaf, mid, root);
	files_of(&f, &p);
	w.allow_test_ca = allow_test_ca;
	verdict = ask(&w, &f);
	pki_free(&p);
	strv_free(&w.names);
	return verdict;
}

static int
ask_leaf(const char *names, long from, long until)
{
	struct maker m = leaf_maker;

	m.names = names;
	m.from = from;
	m.until = until;
	return ask_made(&m, &mid_maker, &root_maker, false);
}

/* --- the verdicts -------------------------------------------------------- */

static void
a_good_generation_passes(void **state)
{
	struct w_verify w = wanted_names();
	struct files f;

	(void)state;
	files_of(&f, &good);
	assert_int_equal(ask(&w, &f), VERDICT_FINE);
	/* a private CA's leaf may come alone */
	f.text[JUDGE_CHAIN][0] = '\0';
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_FINE);
	put_cert(f.text[JUDGE_CHAIN], good.mid);
	put_cert(f.text[JUDGE_CHAIN] + strlen(f.text[JUDGE_CHAIN]), good.root);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_FINE);
	strv_free(&w.names);
}

static void
unreadable(void **state)
{
	struct w_verify w = wanted_names();
	int fds[JUDGE_FILES], i, pipes[2];

	(void)state;
	for (i = 0; i < JUDGE_FILES; i++)
		fds[i] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ask_fds(&w, fds), VERDICT_UNREADABLE);
	/* a pipe must not make anybody wait */
	assert_int_equal(pipe(pipes), 0);
	fds[JUDGE_KEY] = pipes[0];
	assert_int_equal(ask_fds(&w, fds), VERDICT_UNREADABLE);
	/* far more than the master ever writes, and endless zeros */
	fds[JUDGE_KEY] = memfd_create("big", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fds[JUDGE_KEY], 1 << 30), 0);
	assert_int_equal(ask_fds(&w, fds), VERDICT_UNREADABLE);
	strv_free(&w.names);
}

/* security.md D4, D10: encrypted keys are not asked about, junk is junk. */
static void
no_key(void **state)
{
	static const char *const bad[] = { "", "\n", "no PEM\n",
		"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n"
		"-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n" };
	struct w_verify w = wanted_names();
	struct files f;
	size_t i;

	(void)state;
	files_of(&f, &good);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f.text[JUDGE_KEY][0] = '\0';
		append(f.text[JUDGE_KEY], bad[i]);
		join(&f);
		assert_int_equal(ask(&w, &f), VERDICT_NO_KEY);
	}
	put_key(f.text[JUDGE_KEY], good.key, EVP_aes_256_cbc());
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_NO_KEY);
	put_key(f.text[JUDGE_KEY], good.key, NULL);
	append(f.text[JUDGE_KEY], f.text[JUDGE_CERT]);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_NO_KEY);
	strv_free(&w.names);
}

static void
no_leaf(void **state)
{
	struct w_verify w = wanted_names();
	struct files f;
	size_t n;

	(void)state;
	files_of(&f, &good);
	append(f.text[JUDGE_CERT], f.text[JUDGE_CHAIN]);	/* two */
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_NO_LEAF);
	files_of(&f, &good);
	f.text[JUDGE_CERT][0] = '\0';
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_NO_LEAF);
	files_of(&f, &good);
	n = strlen(f.text[JUDGE_CERT]);
	f.text[JUDGE_CERT][n - 1] = '\0';	/* no line feed at the end */
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_NO_LEAF);
	files_of(&f, &good);
	f.text[JUDGE_CERT][n / 2] ^= 1;
	join(&f);
	assert_int_not_equal(ask(&w, &f), VERDICT_FINE);
	files_of(&f, &good);
	append(f.text[JUDGE_CERT], "and a word\n");
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_NO_LEAF);
	strv_free(&w.names);
}

static void
mismatch(void **state)
{
	struct w_verify w = wanted_names();
	struct files f;

	(void)state;
	files_of(&f, &good);
	put_key(f.text[JUDGE_KEY], good.mid_key, NULL);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_MISMATCH);
	strv_free(&w.names);
}

/* One key's scalar with the other one's public half: the halves must agree,
 * not only the half that the certificate shows. */
static void
mismatch_inside_the_key(void **state)
{
	struct w_verify w = wanted_names();
	EVP_PKEY *other = new_key();
	unsigned char *a = NULL, *b = NULL;
	PKCS8_PRIV_KEY_INFO *pa = EVP_PKEY2PKCS8(good.key),
	    *pb = EVP_PKEY2PKCS8(other);
	struct files f;
	const unsigned char *in;
	int n = i2d_PKCS8_PRIV_KEY_INFO(pa, &a);
	BIO *bio = BIO_new(BIO_s_mem());

	(void)state;
	assert_int_equal(i2d_PKCS8_PRIV_KEY_INFO(pb, &b), n);
	memcpy(b + n - 64, a + n - 64, 64);	/* the public point */
	PKCS8_PRIV_KEY_INFO_free(pb);
	in = b;
	pb = d2i_PKCS8_PRIV_KEY_INFO(NULL, &in, n);
	assert_int_equal(PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, pb), 1);
	files_of(&f, &good);
	take_bio(f.text[JUDGE_KEY], bio);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_MISMATCH);
	PKCS8_PRIV_KEY_INFO_free(pa);
	PKCS8_PRIV_KEY_INFO_free(pb);
	OPENSSL_free(a);
	OPENSSL_free(b);
	EVP_PKEY_free(other);
	strv_free(&w.names);
}

static void
names_are_covered(void **state)
{
	static const struct { const char *in_cert; int verdict; } t[] = {
		{ names_text, VERDICT_FINE },
		{ "DNS:SHOP.example,DNS:*.wild.example,IP:192.0.2.7,"
		    "IP:2001:db8::7,DNS:more.example", VERDICT_FINE },
		{ "DNS:shop.example,DNS:*.wild.example,IP:192.0.2.7",
		    VERDICT_NAMES },
		{ "DNS:shop.example,DNS:a.wild.example,IP:192.0.2.7,"
		    "IP:2001:db8::7", VERDICT_NAMES },
		{ "DNS:shop.exampl,DNS:*.wild.example,IP:192.0.2.7,"
		    "IP:2001:db8::7", VERDICT_NAMES },
		{ "DNS:shop.example,DNS:*.wild.example,DNS:192.0.2.7,"
		    "IP:2001:db8::7", VERDICT_NAMES },
		{ "DNS:*.example,DNS:*.wild.example,IP:192.0.2.7,"
		    "IP:2001:db8::7", VERDICT_FINE },
		{ "DNS:*,DNS:*.wild.example,IP:192.0.2.7,IP:2001:db8::7",
		    VERDICT_NAMES },
		{ "DNS:shop.example,DNS:*.example,IP:192.0.2.7,"
		    "IP:2001:db8::7", VERDICT_NAMES },
		{ NULL, VERDICT_NAMES }		/* a CN alone */
	};
	struct w_verify w = { .now_ms = now_s * 1000 };
	struct files f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(ask_leaf(t[i].in_cert, -DAY, DAY),
		    t[i].verdict);
	files_of(&f, &good);
	assert_int_equal(ask(&w, &f), VERDICT_NAMES);
}

/* A flip back to what has passed before: the names were asked then. */
static void
a_flip_asks_about_the_rest(void **state)
{
	struct w_verify w = { .any_names = 1, .now_ms = now_s * 1000 };
	struct files f;

	(void)state;
	files_of(&f, &good);
	assert_int_equal(ask(&w, &f), VERDICT_FINE);
	w.now_ms += INT64_C(31) * DAY * 1000;
	assert_int_equal(ask(&w, &f), VERDICT_EXPIRED);
}

/* security.md D3. */
static void
times(void **state)
{
	(void)state;
	assert_int_equal(ask_leaf(names_text, HOUR, DAY), VERDICT_FINE);
	assert_int_equal(ask_leaf(names_text, HOUR + 1, DAY),
	    VERDICT_NOT_YET);
	assert_int_equal(ask_leaf(names_text, -DAY, 1), VERDICT_FINE);
	assert_int_equal(ask_leaf(names_text, -DAY, 0), VERDICT_EXPIRED);
	assert_int_equal(ask_leaf(names_text, -DAY, -HOUR), VERDICT_EXPIRED);
	assert_int_equal(ask_leaf(names_text, 0, -1), VERDICT_EXPIRED);
}

static void
chain_links(void **state)
{
	struct maker no_ca = mid_maker, old = mid_maker, tight = root_maker;
	struct w_verify w = wanted_names();
	struct files f;
	struct pki p;
	int i;

	(void)state;
	no_ca.ca = false;
	assert_int_equal(ask_made(&leaf_maker, &no_ca, &root_maker, false),
	    VERDICT_CHAIN);
	old.until = -1;
	assert_int_equal(ask_made(&leaf_maker, &old, &root_maker, false),
	    VERDICT_CHAIN);
	files_of(&f, &good);			/* one left out */
	put_cert(f.text[JUDGE_CHAIN], good.root);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_CHAIN);
	files_of(&f, &good);			/* eleven */
	for (i = 0; i < 10; i++)
		put_cert(f.text[JUDGE_CHAIN] + strlen(f.text[JUDGE_CHAIN]),
		    good.root);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_CHAIN);
	/* same names, another key: only the signature tells */
	pki_new(&p, &leaf_maker, &mid_maker, &root_maker);
	files_of(&f, &good);
	put_cert(f.text[JUDGE_CHAIN], p.mid);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_CHAIN);
	pki_free(&p);
	tight.pathlen = 0;			/* root allows no CA below it */
	pki_new(&p, &leaf_maker, &mid_maker, &tight);
	files_of(&f, &p);
	put_cert(f.text[JUDGE_CHAIN] + strlen(f.text[JUDGE_CHAIN]), p.root);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_CHAIN);
	pki_free(&p);
	strv_free(&w.names);
}

static void
is_ca(void **state)
{
	struct maker m = leaf_maker;

	(void)state;
	m.ca = true;
	assert_int_equal(ask_made(&m, &mid_maker, &root_maker, false),
	    VERDICT_IS_CA);
}

static void
files_differ(void **state)
{
	struct w_verify w = wanted_names();
	struct files f;
	struct pki p;

	(void)state;
	files_of(&f, &good);
	f.text[JUDGE_FULLCHAIN][strlen(f.text[JUDGE_CERT])] = '\0';
	assert_int_equal(ask(&w, &f), VERDICT_FILES_DIFFER);
	files_of(&f, &good);
	f.text[JUDGE_COMBINED][0] = '\0';
	append(f.text[JUDGE_COMBINED], f.text[JUDGE_FULLCHAIN]);
	append(f.text[JUDGE_COMBINED], f.text[JUDGE_KEY]);
	assert_int_equal(ask(&w, &f), VERDICT_FILES_DIFFER);
	pki_new(&p, &leaf_maker, &mid_maker, &root_maker);
	files_of(&f, &good);
	f.text[JUDGE_COMBINED][0] = '\0';
	put_key(f.text[JUDGE_COMBINED], p.key, NULL);
	append(f.text[JUDGE_COMBINED], f.text[JUDGE_FULLCHAIN]);
	assert_int_equal(ask(&w, &f), VERDICT_FILES_DIFFER);
	pki_free(&p);
	strv_free(&w.names);
}

static void
test_cas(void **state)
{
	static const char *const marks[] = { "(STAGING) Fake R3",
		"Pebble Intermediate CA 51b5ad", "Fake LE Intermediate X1" };
	struct maker m = mid_maker, root = root_maker;
	struct w_verify w = wanted_names();
	struct files f;
	struct pki p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		m.cn = marks[i];
		assert_int_equal(ask_made(&leaf_maker, &m, &root_maker,
		    false), VERDICT_TEST_CA);
		assert_int_equal(ask_made(&leaf_maker, &m, &root_maker, true),
		    VERDICT_FINE);
	}
	/* only the root behind the chain says it */
	root.cn = "(STAGING) Pretend Pear X1";
	pki_new(&p, &leaf_maker, &mid_maker, &root);
	files_of(&f, &p);
	assert_int_equal(ask(&w, &f), VERDICT_TEST_CA);
	pki_free(&p);
	strv_free(&w.names);
}

static void
placeholders(void **state)
{
	struct w_verify w = wanted_names();
	EVP_PKEY *key = new_key(), *other = new_key();
	X509 *own = new_cert(&leaf_maker, key, NULL, key);
	X509 *forged = new_cert(&leaf_maker, key, NULL, other);
	struct files f;

	(void)state;
	memset(&f, 0, sizeof(f));
	put_key(f.text[JUDGE_KEY], key, NULL);
	put_cert(f.text[JUDGE_CERT], own);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_CHAIN);
	w.placeholder = 1;
	assert_int_equal(ask(&w, &f), VERDICT_FINE);
	put_cert(f.text[JUDGE_CHAIN], good.mid);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_CHAIN);
	f.text[JUDGE_CHAIN][0] = '\0';
	put_cert(f.text[JUDGE_CERT], forged);
	join(&f);
	assert_int_equal(ask(&w, &f), VERDICT_CHAIN);
	files_of(&f, &good);
	assert_int_equal(ask(&w, &f), VERDICT_CHAIN);
	X509_free(own);
	X509_free(forged);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	strv_free(&w.names);
}

/* ML-DSA comes with OpenSSL 3.5. */
static bool
is_offered(const char *kind)
{
	EVP_KEYMGMT *m = kind[0] == 'P' ? NULL :
	    EVP_KEYMGMT_fetch(NULL, kind, NULL);

	EVP_KEYMGMT_free(m);
	return m != NULL || kind[0] == 'P';
}

/* Weak but valid pairs of other kinds pass (security.md D7). */
static void
other_keys(void **state)
{
	static const char *const kinds[] = { "P-384", "P-521", "RSA",
		"ED25519", "ED448", "ML-DSA-65" };
	struct w_verify w = wanted_names();
	struct pki p;
	struct files f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!is_offered(kinds[i]))
			continue;
		pki_new(&p, &leaf_maker, &mid_maker, &root_maker);
		EVP_PKEY_free(p.key);
		X509_free(p.leaf);
		if (strcmp(kinds[i], "RSA") == 0)
			p.key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
			    (size_t)2048);
		else if (kinds[i][0] == 'P')
			p.key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kinds[i]);
		else
			p.key = EVP_PKEY_Q_keygen(NULL, NULL, kinds[i]);
		assert_non_null(p.key);
		p.leaf = new_cert(&leaf_maker, p.key, p.mid, p.mid_key);
		files_of(&f, &p);
		assert_int_equal(ask(&w, &f), VERDICT_FINE);
		pki_free(&p);
	}
	strv_free(&w.names);
}

/* --- keys of one's own ----------------------------------------------------*/

static struct blob
csr_of(EVP_PKEY *key, const char *names)
{
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	struct blob out;

	sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
	    NID_subject_alt_name, names));
	X509_REQ_add_extensions(req, exts);
	X509_REQ_set_pubkey(req, key);
	X509_REQ_sign(req, key, EVP_sha256());
	out.len = (size_t)i2d_X509_REQ(req, &der);
	out.p = xmemdup(der, out.len);
	OPENSSL_free(der);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	return out;
}

static int
ask_own(const struct files *f, const struct blob *csr)
{
	struct w_verify w = wanted_names();
	int fds[JUDGE_FILES], i, verdict;
	size_t n;

	w.own_key = 1;
	for (i = 0; i < JUDGE_COMBINED; i++) {
		n = i == JUDGE_KEY ? csr->len : strlen(f->text[i]);
		fds[i] = memfd_create("staged", MFD_CLOEXEC);
		assert_int_equal(write(fds[i], i == JUDGE_KEY ?
		    (const void *)csr->p : f->text[i], n), n);
	}
	verdict = ask_fds(&w, fds);
	for (i = 0; i < JUDGE_COMBINED; i++)
		close(fds[i]);
	strv_free(&w.names);
	return verdict;
}

/* The certificate is tied to the CSR as it else is to the key. */
static void
own_keys(void **state)
{
	EVP_PKEY *other = new_key();
	struct blob csr = csr_of(good.key, "DNS:shop.example");
	struct blob wrong = csr_of(other, "DNS:shop.example");
	struct files f;

	(void)state;
	files_of(&f, &good);
	assert_int_equal(ask_own(&f, &csr), VERDICT_FINE);
	assert_int_equal(ask_own(&f, &wrong), VERDICT_OTHER_KEY);
	csr.p[csr.len - 1] ^= 1;
	assert_int_equal(ask_own(&f, &csr), VERDICT_NO_CSR);
	csr.p[csr.len - 1] ^= 1;
	append(f.text[JUDGE_FULLCHAIN], f.text[JUDGE_CERT]);
	assert_int_equal(ask_own(&f, &csr), VERDICT_FILES_DIFFER);
	blob_free(&csr);
	blob_free(&wrong);
	EVP_PKEY_free(other);
}

static struct w_csr_names *
read_csr(const struct blob *csr)
{
	struct w_read_csr q = { *csr };
	void *out;

	assert_int_equal(wire_send(verifier.fd, WIRE_READ_CSR, 42, &q), 0);
	assert_int_equal(child_hear(verifier.fd, &out), WIRE_CSR_NAMES);
	return out;
}

static void
is_refused(const struct blob *csr, const char *why)
{
	struct w_csr_names *got = read_csr(csr);

	assert_int_equal(got->names.n, 0);
	assert_string_equal(got->why, why);
	assert_true(got->advice[0] != '\0');
	child_answer_free(WIRE_CSR_NAMES, got);
}

static void
what_a_csr_asks_for(void **state)
{
	struct blob csr = csr_of(good.key, "DNS:B.example,DNS:a.example,"
	    "IP:192.0.2.7");
	struct w_csr_names *got = read_csr(&csr);

	(void)state;
	assert_int_equal(got->names.n, 3);
	assert_string_equal(got->names.v[0], "b.example");
	assert_string_equal(got->names.v[2], "192.0.2.7");
	assert_string_equal(got->why, "");
	child_answer_free(WIRE_CSR_NAMES, got);
	csr.p[csr.len - 1] ^= 1;
	is_refused(&csr, "the CSR is not signed with its own key");
	csr.len -= 3;
	is_refused(&csr, "it is no CSR");
	csr.len = 0;
	is_refused(&csr, "it is no CSR");
	blob_free(&csr);
	csr = csr_of(good.key, "email:a@shop.example");
	is_refused(&csr, "the CSR asks for a name that is neither a host nor "
	    "an address");
	blob_free(&csr);
}

static void
ends_on(struct child *c)
{
	int status;

	assert_true(child_wait(c, &status));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	close(c->fd);
}

static void
a_bad_master_ends_the_verifier(void **state)
{
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_VERIFY);
	struct w_verify w = wanted_names();
	int fds[MSG_FDS_MAX], i;
	struct child c;

	(void)state;
	for (i = 0; i < MSG_FDS_MAX; i++)
		fds[i] = STDIN_FILENO;
	for (i = 0; i <= MSG_FDS_MAX; i += 4) {
		c = child_start("everleaf-verifier");
		assert_int_equal(msg_send(c.fd, spec, 42, &w, fds, i), 0);
		ends_on(&c);
	}
	c = child_start("everleaf-verifier");
	assert_int_equal(wire_send(c.fd, WIRE_DRAIN, 42,
	    &(struct w_empty){ 0 }), 0);
	ends_on(&c);
	c = child_start("everleaf-verifier");
	assert_int_equal(send(c.fd, "noise", 5, 0), 5);
	ends_on(&c);
	strv_free(&w.names);
}

static int
begin(void **state)
{
	(void)state;
	pki_new(&good, &leaf_maker, &mid_maker, &root_maker);
	verifier = child_start("everleaf-verifier");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	pki_free(&good);
	return child_end(&verifier);
}

/* Whatever the process that reads a CSR says can be told on. */
static void
what_a_csr_reader_may_say(void **state)
{
	static char line[2048];
	static const struct { int code; const char *said; size_t names;
		const char *why; } t[] = {
		{ 0, "a.example\n*.b.example\n", 2, "" },
		{ 0, "a.example\nb\xc3\xbc.example\n", 0, "has failed" },
		{ 0, "a\x7f.example\n", 0, "has failed" },
		{ 0, "", 0, "has failed" }, { 0, line, 0, "has failed" },
		{ 1, "it is no CSR\nMake one\n", 0, "it is no CSR" },
		{ 1, line, 0, "has failed" }, { 1, "x\n", 0, "has failed" },
		{ 7, "a.example\n", 0, "has failed" }
	};
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_CSR_NAMES);
	struct w_csr_names out;
	struct blob m;
	struct buf b;
	size_t i;

	(void)state;
	memset(line, 'a', sizeof(line) - 1);
	memcpy(line + sizeof(line) - 4, "\nx\n", 3);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 4096);
		buf_puts(&b, t[i].said);
		memset(&out, 0, sizeof(out));
		csr_said(&out, t[i].code << 8, &b);
		m = msg_pack(spec, 42, &out);
		assert_int_equal(out.names.n, t[i].names);
		assert_non_null(strstr(out.why != NULL ? out.why : "",
		    t[i].why));
		msg_free(spec, &out);
		blob_free(&m);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_generation_passes),
		cmocka_unit_test(unreadable), cmocka_unit_test(no_key),
		cmocka_unit_test(no_leaf), cmocka_unit_test(mismatch),
		cmocka_unit_test(mismatch_inside_the_key),
		cmocka_unit_test(names_are_covered),
		cmocka_unit_test(a_flip_asks_about_the_rest),
		cmocka_unit_test(times),
		cmocka_unit_test(chain_links), cmocka_unit_test(is_ca),
		cmocka_unit_test(files_differ), cmocka_unit_test(test_cas),
		cmocka_unit_test(placeholders), cmocka_unit_test(other_keys),
		cmocka_unit_test(own_keys),
		cmocka_unit_test(what_a_csr_asks_for),
		cmocka_unit_test(what_a_csr_reader_may_say),
		cmocka_unit_test(a_bad_master_ends_the_verifier)
	};

	return cmocka_run_group_tests_name("verifier", tests, begin, end);
}
