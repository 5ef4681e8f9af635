/* Takes PEM apart by hand, since the usual reader skips what it does not like
 * and so lets anything pass beside a certificate. */
#include <config.h>
#include <assert.h>
#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "acme/pem.h"
#include "base/name.h"
#include "base/text.h"

enum { PEM_COLUMNS = 64 };

static const char begin[] = "-----BEGIN CERTIFICATE-----";
static const char end[] = "-----END CERTIFICATE-----";

struct text {
	const char *p;
	size_t left;
};

/* The next line without its end; false at the end of the text. */
static bool
next_line(struct text *t, const char **line, size_t *n)
{
	const char *lf;

	if (t->left == 0)
		return false;
	lf = memchr(t->p, '\n', t->left);
	*line = t->p;
	*n = lf != NULL ? (size_t)(lf - t->p) : t->left;
	t->p += *n + (lf != NULL);
	t->left -= *n + (lf != NULL);
	assert(*line + *n <= t->p);
	while (*n > 0 && strchr(" \t\r", (*line)[*n - 1]) != NULL &&
	    (*line)[*n - 1] != '\0')
		--*n;
	return true;
}

static bool
is_line(const char *line, size_t n, const char *what)
{
	return n == strlen(what) && memcmp(line, what, n) == 0;
}

/* base64 with padding; true if it is nothing else. */
static bool
unbase64(struct blob *out, struct buf *b)
{
	size_t i, n = b->len;

	assert(b->data != NULL || b->len == 0);
	out->p = NULL;
	out->len = 0;
	if (n == 0 || n % 4 != 0)
		return false;
	for (i = 0; i < 2 && b->data[n - 1] == '='; i++)
		n--;
	for (i = 0; i < n; i++) {
		if (b->data[i] == '-' || b->data[i] == '_')
			return false;
		if (b->data[i] == '+')
			b->data[i] = '-';
		else if (b->data[i] == '/')
			b->data[i] = '_';
	}
	return text_unb64u(out, b->data, n);
}

/* One certificate that fills its block to the last byte. */
static X509 *
decode(struct buf *body)
{
	const unsigned char *p;
	struct blob der;
	X509 *x = NULL;

	if (unbase64(&der, body) && der.len < LONG_MAX) {
		p = der.p;
		assert(der.len > 0);
		x = d2i_X509(NULL, &p, (long)der.len);
		if (x != NULL && p != der.p + der.len) {
			X509_free(x);
			x = NULL;
		}
	}
	blob_free(&der);
	ERR_clear_error();
	return x;
}

static int
bad(struct err *err, const char *why)
{
	return err_set(err, ERR_CERT_BAD, "the chain %s", why);
}

/* The lines up to END; NULL if the block is none. */
static X509 *
read_block(struct text *t)
{
	const char *line;
	struct buf body;
	X509 *x = NULL;
	size_t n;

	buf_init(&body, ACME_CHAIN_MAX);
	while (next_line(t, &line, &n)) {
		if (is_line(line, n, end)) {
			x = decode(&body);
			break;
		}
		if (memchr(line, '-', n) != NULL || !buf_add(&body, line, n))
			break;
	}
	buf_free(&body);
	return x;
}

int
pem_read(struct pem_certs *out, const char *text, size_t n, size_t max,
    struct err *err)
{
	struct text t = { text, n };
	const char *line, *why = NULL;

	assert(max >= 1 && max <= ACME_CERTS_MAX);
	out->n = 0;
	if (n > ACME_CHAIN_MAX)
		return bad(err, "is longer than 128 KiB");
	while (why == NULL && next_line(&t, &line, &n)) {
		if (n == 0)
			continue;
		if (!is_line(line, n, begin))
			why = "has something else than certificates in it";
		else if (out->n == max)
			why = "has too many certificates";
		else if ((out->x[out->n] = read_block(&t)) == NULL)
			why = "has a block that is no certificate";
		else
			out->n++;
	}
	assert(out->n <= max);
	if (why == NULL && out->n == 0)
		why = "has no certificate in it";
	if (why == NULL)
		return 0;
	pem_free(out);
	return bad(err, why);
}

void
pem_free(struct pem_certs *c)
{
	assert(c->n <= ACME_CERTS_MAX);
	while (c->n > 0)
		X509_free(c->x[--c->n]);
}

static struct blob
take_der(unsigned char *der, int n)
{
	struct blob out = { NULL, 0 };

	if (n > 0)
		out = blob_copy(der, (size_t)n);
	OPENSSL_free(der);
	return out;
}

struct blob
pem_der(const X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	return take_der(der, n);
}

struct blob
pem_spki(const X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	return take_der(der, n);
}

void
pem_write(struct buf *out, const X509 *x)
{
	struct blob der = pem_der(x);
	struct buf body;
	size_t i, n;

	buf_init(&body, 2 * (size_t)ACME_CHAIN_MAX);
	text_b64(&body, der.p, der.len);
	assert(!body.full);
	buf_printf(out, "%s\n", begin);
	for (i = 0; i < body.len; i += n) {
		n = body.len - i < PEM_COLUMNS ? body.len - i : PEM_COLUMNS;
		buf_add(out, body.data + i, n);
		buf_putc(out, '\n');
	}
	buf_printf(out, "%s\n", end);
	buf_free(&body);
	blob_free(&der);
}

bool
pem_time(int64_t *ms, const ASN1_TIME *t)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1) {
		ERR_clear_error();
		return false;
	}
	*ms = ((text_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * 24 +
	    tm.tm_hour) * 60 + tm.tm_min) * 60000 + tm.tm_sec * 1000;
	return true;
}

/* Bytes of a general name as text; false if it is no host name or address. */
static bool
name_text(const GENERAL_NAME *g, char out[256])
{
	const unsigned char *p;
	char raw[256];
	int n;

	if (g->type == GEN_IPADD) {
		p = ASN1_STRING_get0_data(g->d.iPAddress);
		n = ASN1_STRING_length(g->d.iPAddress);
		if (n == 4)
			return inet_ntop(AF_INET, p, out, 256) != NULL;
		return n == 16 && inet_ntop(AF_INET6, p, out, 256) != NULL;
	}
	if (g->type != GEN_DNS)
		return false;
	p = ASN1_STRING_get0_data(g->d.dNSName);
	n = ASN1_STRING_length(g->d.dNSName);
	/* A NUL inside would end it early for whoever reads it as a text. */
	if (n <= 0 || n >= (int)sizeof(raw) || memchr(p, '\0', (size_t)n))
		return false;
	memcpy(raw, p, (size_t)n);
	raw[n] = '\0';
	memcpy(out, raw, sizeof(raw));
	return true;
}

static bool
add_name(struct strv *out, const GENERAL_NAME *g)
{
	char raw[256] = "", name[256];
	enum name_kind kind;
	struct err unused;

	if (!name_text(g, raw) || name_parse(name, &kind, raw, &unused) != 0 ||
	    (kind == NAME_IP) != (g->type == GEN_IPADD))
		return false;
	if (!strv_has(out, name))
		strv_add(out, name);
	return true;
}

bool
pem_san(struct strv *out, const GENERAL_NAMES *san)
{
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(san); i++)
		if (!add_name(out, sk_GENERAL_NAME_value(san, i))) {
			strv_free(out);
			return false;
		}
	return true;
}

int
pem_names(struct strv *out, const X509 *x, struct err *err)
{
	GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	bool fine = pem_san(out, san);

	GENERAL_NAMES_free(san);
	ERR_clear_error();
	return fine ? 0 : err_set(err, ERR_CERT_BAD, "the certificate has a "
	    "name that is neither a host nor an address");
}

void
pem_title(char *out, size_t size, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct buf safe;
	char *p = NULL;
	long n = 0;
	size_t k;

	assert(size > 16);
	buf_init(&safe, 8 * size);
	if (bio != NULL && X509_NAME_print_ex(bio, name, 0,
	    XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(bio, &p);
	if (n > 0)
		buf_safe(&safe, p, (size_t)n, size - 16);
	k = safe.len < size - 1 ? safe.len : size - 1;
	if (k > 0)
		memcpy(out, safe.data, k);
	assert(k < size);
	out[k] = '\0';
	buf_free(&safe);
	BIO_free(bio);
	ERR_clear_error();
}
