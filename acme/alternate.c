/* A CA may have several chains for one certificate (RFC 8555 section 7.4.2).
 * The default is always kept at hand: looking for the preferred one can end
 * without it, but never fail the order. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "acme/link.h"
#include "acme/order.h"
#include "acme/pem.h"
#include "acme/session.h"

enum { TITLE = 512, HEX = 64 };

/* "AB:CD..." as "abcd..."; false if it is no SHA-256. */
static bool
as_sha256(char out[HEX + 1], const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (*s == ':')
			continue;
		if (n == HEX || !isxdigit((unsigned char)*s))
			return false;
		out[n++] = (char)tolower((unsigned char)*s);
		assert(n <= HEX);
	}
	out[n] = '\0';
	return n == HEX;
}

static bool
contains(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; *text != '\0'; text++)
		if (strncasecmp(text, part, n) == 0)
			return true;
	return false;
}

static bool
has_sha256(const struct pem_certs *c, const char *wanted)
{
	char hex[HEX + 1];
	struct blob der;
	size_t i;
	bool hit = false;

	assert(strlen(wanted) == HEX);
	for (i = 0; i < c->n && !hit; i++) {
		der = pem_der(c->x[i]);
		acme_digest_hex(hex, der.p, der.len);
		hit = strcmp(hex, wanted) == 0;
		blob_free(&der);
	}
	return hit;
}

/* From the text that is installed, so that what is compared is what is used. */
static int
read_chain(struct pem_certs *c, const struct blob *leaf,
    const struct blob *chain)
{
	struct err unused;
	struct buf b;
	int rc;

	assert(leaf->len > 0);
	buf_init(&b, 4 * (size_t)ACME_CHAIN_MAX);
	buf_add(&b, leaf->p, leaf->len);
	buf_add(&b, chain->p, chain->len);
	rc = pem_read(c, b.data, b.len, ACME_CERTS_MAX, &unused);
	buf_free(&b);
	return rc;
}

/* A root is left out of what is installed, but counts if it came. */
static bool
root_fits(const struct acme_reply *reply, X509 *top, const char *wanted)
{
	struct pem_certs all, one = { { NULL }, 1 };
	struct err unused;
	bool hit = false;
	size_t i;

	assert(top != NULL);
	if (pem_read(&all, reply->body, reply->body_len, ACME_CERTS_MAX,
	    &unused) != 0)
		return false;
	for (i = 0; i < all.n && !hit; i++) {
		one.x[0] = all.x[i];
		hit = X509_NAME_cmp(X509_get_issuer_name(top),
		    X509_get_subject_name(all.x[i])) == 0 &&
		    X509_verify(top, X509_get0_pubkey(all.x[i])) == 1 &&
		    has_sha256(&one, wanted);
	}
	pem_free(&all);
	return hit;
}

/* By the name that the topmost certificate gives its issuer, or by the
 * SHA-256 of one of its certificates. */
static bool
is_preferred(const struct acme_order *o, const struct acme_reply *reply,
    const struct blob *leaf, const struct blob *chain)
{
	char hex[HEX + 1], title[TITLE];
	struct pem_certs c;
	bool hit;

	assert(o->preferred_chain[0] != '\0');
	if (read_chain(&c, leaf, chain) != 0)
		return false;
	assert(c.n >= 1);
	if (as_sha256(hex, o->preferred_chain))
		hit = has_sha256(&c, hex) ||
		    root_fits(reply, c.x[c.n - 1], hex);
	else {
		pem_title(title, sizeof(title),
		    X509_get_issuer_name(c.x[c.n - 1]));
		hit = contains(title, o->preferred_chain);
	}
	pem_free(&c);
	return hit;
}

void
alternate_begin(struct run *r, const struct acme_reply *reply)
{
	struct acme_order *o = r->o;

	assert(o->leaf.len > 0);
	strv_free(&o->alternates);
	o->alternate = 0;
	o->dropped &= ~ACME_DROPPED_CHAIN;
	if (o->preferred_chain[0] == '\0' ||
	    is_preferred(o, reply, &o->leaf, &o->chain))
		return;
	/* Until one is found. */
	o->dropped |= ACME_DROPPED_CHAIN;
	link_find(&o->alternates, reply->link, "alternate", r->s->origin,
	    ACME_ALTERNATES_MAX);
}

bool
alternate_left(const struct acme_order *o)
{
	assert(o->alternate <= o->alternates.n);
	return o->alternate < o->alternates.n;
}

void
act_alternate(struct run *r)
{
	struct acme_order *o = r->o;
	struct jws_request req = { .what = JWS_READ };

	assert(alternate_left(o));
	if (r->s->kid == NULL) {	/* the default has to do */
		o->alternate = o->alternates.n;
		return;
	}
	order_ask(r, "another chain", &req, o->alternates.v[o->alternate],
	    "application/pem-certificate-chain", ACME_CHAIN_MAX);
}

/* Checked like the default one, and for the same leaf: a CA that shows another
 * certificate here gets no say. */
void
reply_alternate(struct run *r, const struct acme_reply *reply)
{
	struct acme_order *o = r->o;
	struct blob leaf, chain;
	struct err unused;

	assert(alternate_left(o) && o->leaf.len > 0);
	o->alternate++;
	if (!codec_is_type(reply, "application/pem-certificate-chain") ||
	    acme_chain_check(reply->body, reply->body_len, &o->names,
	    o->spki.p, o->spki.len, r->now_ms, &leaf, &chain, &unused) != 0)
		return;
	if (leaf.len == o->leaf.len &&
	    memcmp(leaf.p, o->leaf.p, leaf.len) == 0 &&
	    is_preferred(o, reply, &leaf, &chain)) {
		blob_free(&o->chain);
		o->chain = chain;
		chain = (struct blob){ NULL, 0 };
		o->dropped &= ~ACME_DROPPED_CHAIN;
		o->alternate = o->alternates.n;
	}
	blob_free(&leaf);
	blob_free(&chain);
}

void
lost_alternate(struct run *r)
{
	assert(alternate_left(r->o));
	r->o->alternate++;
}
