/* Composing updates, and reading what becomes of them. ldns composes; the
 * signature is written here, since ldns misspells hmac-sha384 and would want
 * the secret, which only the keeper has. */
#include <config.h>
#include <assert.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/update.h"

enum { STRING_MAX = 255, HEAD = 12, ARCOUNT = 10, TYPE_TSIG = 250,
	CLASS_ANY = 255, CLASS_NONE = 254, RR_FIXED = 10, OPCODE_UPDATE = 5 };

/* --- the message ---------------------------------------------------- */

/* RFC 2136 sections 2.5.1 and 2.5.4. */
static ldns_rr *
value_rr(const struct update *u)
{
	ldns_rdf *owner = ldns_dname_new_frm_str(u->record);
	size_t left = strlen(u->value), n;
	const char *p = u->value;
	uint8_t part[STRING_MAX + 1];
	ldns_rr *rr;

	assert(u->record != NULL && u->value != NULL);
	if (owner == NULL)
		return NULL;
	rr = ldns_rr_new();
	ldns_rr_set_owner(rr, owner);
	ldns_rr_set_type(rr, LDNS_RR_TYPE_TXT);
	ldns_rr_set_class(rr, u->remove ? (ldns_rr_class)CLASS_NONE :
	    LDNS_RR_CLASS_IN);
	ldns_rr_set_ttl(rr, u->remove ? 0 : u->ttl);
	do {
		n = left < STRING_MAX ? left : STRING_MAX;
		part[0] = (uint8_t)n;
		memcpy(part + 1, p, n);
		ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR,
		    n + 1, part));
		p += n;
		left -= n;
	} while (left > 0);
	return rr;
}

/* An update of one record: that it is there, or that exactly this one is
 * not. No prerequisites: others may have theirs beside it. */
struct blob
update_message(const struct update *u, uint16_t id)
{
	ldns_rdf *zone = ldns_dname_new_frm_str(u->zone);
	ldns_rr_list *changes = ldns_rr_list_new();
	ldns_rr *rr = value_rr(u);
	struct blob out = { NULL, 0 };
	ldns_pkt *pkt = NULL;
	uint8_t *wire = NULL;
	size_t n = 0;

	assert(u->zone != NULL && u->zone[0] != '\0');
	if (rr != NULL)
		ldns_rr_list_push_rr(changes, rr);
	if (zone != NULL && rr != NULL)
		pkt = ldns_update_pkt_new(zone, LDNS_RR_CLASS_IN, NULL,
		    changes, NULL);
	if (pkt != NULL) {
		zone = NULL;		/* the packet's now */
		ldns_pkt_set_id(pkt, id);
		if (ldns_pkt2wire(&wire, pkt, &n) == LDNS_STATUS_OK)
			out = blob_copy(wire, n);
		free(wire);
		ldns_pkt_free(pkt);
	}
	ldns_rdf_deep_free(zone);
	ldns_rr_list_deep_free(changes);
	return out;
}

/* --- its signature -------------------------------------------------- */

static void
put16(struct buf *b, unsigned int v)
{
	buf_putc(b, (char)(v >> 8));
	buf_putc(b, (char)v);
}

/* A name in canonical form (RFC 8945 section 4.3.3). */
static void
put_name(struct buf *b, const char *name)
{
	char clean[DNS_NAME_SIZE];
	ldns_rdf *r = dns_name_clean(clean, name) && clean[0] != '\0' ?
	    ldns_dname_new_frm_str(clean) : NULL;

	assert(r != NULL);
	buf_add(b, ldns_rdf_data(r), ldns_rdf_size(r));
	ldns_rdf_deep_free(r);
}

static void
put_time(struct buf *b, const struct tsig *t)
{
	put16(b, (unsigned int)(t->time_s >> 32) & 0xffff);
	put16(b, (unsigned int)(t->time_s >> 16) & 0xffff);
	put16(b, (unsigned int)t->time_s & 0xffff);
	put16(b, t->fudge);
}

static void
put_other(struct buf *b, const struct tsig *t)
{
	assert(t->other.p != NULL || t->other.len == 0);
	put16(b, t->error);
	put16(b, (unsigned int)t->other.len);
	buf_add(b, t->other.p, t->other.len);
}

static struct blob
take(struct buf *b)
{
	struct blob out = { NULL, 0 };

	assert(!b->full);
	out.len = b->len;
	out.p = (uint8_t *)buf_take(b);
	return out;
}

/* What the signature covers (RFC 8945 section 4.3): a reply's begins with
 * the request's. */
struct blob
tsig_digest(const struct tsig *t, const struct blob *message,
    const struct blob *request_mac)
{
	struct buf b;

	assert(message->len >= HEAD && t->key[0] != '\0' && t->alg[0] != '\0');
	buf_init(&b, 2 * (size_t)DNS_MESSAGE_MAX);
	if (request_mac != NULL) {
		put16(&b, (unsigned int)request_mac->len);
		buf_add(&b, request_mac->p, request_mac->len);
	}
	/* The id may have been changed on the way. */
	put16(&b, t->original_id);
	buf_add(&b, message->p + 2, message->len - 2);
	put_name(&b, t->key);
	put16(&b, CLASS_ANY);
	put16(&b, 0);
	put16(&b, 0);
	put_name(&b, t->alg);
	put_time(&b, t);
	put_other(&b, t);
	return take(&b);
}

struct blob
tsig_attach(const struct tsig *t, const struct blob *message)
{
	struct buf b, data;
	unsigned int extra;

	assert(message->len >= HEAD);
	assert(t->key[0] != '\0' && t->alg[0] != '\0');
	buf_init(&data, 4096);
	put_name(&data, t->alg);
	put_time(&data, t);
	put16(&data, (unsigned int)t->mac.len);
	buf_add(&data, t->mac.p, t->mac.len);
	put16(&data, t->original_id);
	put_other(&data, t);
	assert(!data.full);
	buf_init(&b, 2 * (size_t)DNS_MESSAGE_MAX);
	buf_add(&b, message->p, message->len);
	extra = (message->p[ARCOUNT] * 256u + message->p[ARCOUNT + 1]) + 1;
	b.data[ARCOUNT] = (char)(extra >> 8);
	b.data[ARCOUNT + 1] = (char)extra;
	put_name(&b, t->key);
	put16(&b, TYPE_TSIG);
	put16(&b, CLASS_ANY);
	put16(&b, 0);
	put16(&b, 0);
	put16(&b, (unsigned int)data.len);
	buf_add(&b, data.data, data.len);
	buf_free(&data);
	return take(&b);
}

/* --- taking it off -------------------------------------------------- */

static unsigned int
get16(const uint8_t *p)
{
	return p[0] * 256u + p[1];
}

/* Behind a name, which may end in a pointer; 0: it is none. */
static size_t
skip_name(const struct blob *m, size_t at)
{
	while (at < m->len && m->p[at] != 0) {
		if (m->p[at] >= 0xc0)
			return at + 2 <= m->len ? at + 2 : 0;
		if (m->p[at] > 63)
			return 0;
		at += m->p[at] + 1u;
	}
	return at < m->len ? at + 1 : 0;
}

static size_t
skip_record(const struct blob *m, size_t at)
{
	at = skip_name(m, at);
	if (at == 0 || at + RR_FIXED > m->len)
		return 0;
	at += RR_FIXED + get16(m->p + at + 8);
	return at <= m->len ? at : 0;
}

/* Where the last record of the additional section begins; 0: none. */
static size_t
last_record(const struct blob *m)
{
	size_t at = HEAD, i, n;

	if (m->len < HEAD || get16(m->p + ARCOUNT) == 0)
		return 0;
	for (i = 0; i < get16(m->p + 4); i++) {
		at = skip_name(m, at);
		if (at == 0 || at + 4 > m->len)
			return 0;
		at += 4;
	}
	n = get16(m->p + 6) + get16(m->p + 8) + get16(m->p + ARCOUNT) - 1;
	for (i = 0; i < n; i++) {
		at = skip_record(m, at);
		if (at == 0)
			return 0;
	}
	assert(at >= HEAD);
	return at < m->len ? at : 0;
}

static bool
dname(char out[DNS_NAME_SIZE], const ldns_rdf *r)
{
	char *text = r != NULL ? ldns_rdf2str(r) : NULL;
	bool fine = text != NULL && dns_name_clean(out, text);

	free(text);
	return fine && out[0] != '\0';
}

/* The fields behind the algorithm's name, RFC 8945 section 4.2. */
static bool
take_fields(struct tsig *out, const uint8_t *p, size_t n)
{
	size_t mac, other;

	if (n < 16)
		return false;
	out->time_s = (uint64_t)get16(p) << 32 | (uint64_t)get16(p + 2) << 16 |
	    get16(p + 4);
	out->fudge = (uint16_t)get16(p + 6);
	mac = get16(p + 8);
	if (n < 16 + mac)
		return false;
	out->mac = blob_copy(p + 10, mac);
	p += 10 + mac;
	out->original_id = (uint16_t)get16(p);
	out->error = (uint16_t)get16(p + 2);
	other = get16(p + 4);
	if (n != 16 + mac + other)
		return false;
	out->other = blob_copy(p + 6, other);
	return true;
}

static bool
take_record(struct tsig *out, const struct blob *m, size_t at)
{
	ldns_rdf *key = NULL, *alg = NULL;
	size_t pos = at, end;
	bool fine = false;

	assert(at >= HEAD && at < m->len);
	if (ldns_wire2dname(&key, m->p, m->len, &pos) != LDNS_STATUS_OK)
		return false;
	if (pos + RR_FIXED <= m->len && get16(m->p + pos) == TYPE_TSIG) {
		end = pos + RR_FIXED + get16(m->p + pos + 8);
		pos += RR_FIXED;
		fine = end == m->len && ldns_wire2dname(&alg, m->p, end,
		    &pos) == LDNS_STATUS_OK && pos <= end &&
		    dname(out->key, key) && dname(out->alg, alg) &&
		    take_fields(out, m->p + pos, end - pos);
	}
	ldns_rdf_deep_free(key);
	ldns_rdf_deep_free(alg);
	return fine;
}

/* It is the last record and stands outside of what it signs. */
bool
tsig_detach(struct tsig *out, struct blob *message)
{
	size_t at = last_record(message);
	unsigned int extra;

	memset(out, 0, sizeof(*out));
	if (at == 0 || !take_record(out, message, at)) {
		tsig_free(out);
		return false;
	}
	message->len = at;
	assert(message->len >= HEAD);
	extra = get16(message->p + ARCOUNT) - 1;
	message->p[ARCOUNT] = (uint8_t)(extra >> 8);
	message->p[ARCOUNT + 1] = (uint8_t)extra;
	return true;
}

void
tsig_free(struct tsig *t)
{
	assert(t->mac.p != NULL || t->mac.len == 0);
	blob_free(&t->mac);
	blob_free(&t->other);
	memset(t, 0, sizeof(*t));
}

/* --- what it means -------------------------------------------------- */

static int
bad_time(const struct update_asked *q, const struct tsig *t, struct err *err)
{
	uint64_t theirs = t->time_s;
	char span[32];

	assert(q->server != NULL);
	/* Section 5.2.3: the server's clock. */
	if (t->other.len == 6)
		theirs = (uint64_t)get16(t->other.p) << 32 |
		    (uint64_t)get16(t->other.p + 2) << 16 |
		    get16(t->other.p + 4);
	text_span(span, (int64_t)(theirs > q->now_s ? theirs - q->now_s :
	    q->now_s - theirs) * 1000);
	err_set(err, ERR_CLOCK, "%s: its clock and ours differ by %s, so it "
	    "takes no signed update", q->server, span);
	return err_advise(err, "Set the clocks of both machines (NTP).");
}

static int
bad_signature(const struct update_asked *q, const struct tsig *t,
    struct err *err)
{
	assert(t->error != 0 && q->server != NULL);
	switch (t->error) {
	case TSIG_BADTIME:
		return bad_time(q, t, err);
	case TSIG_BADKEY:
		err_set(err, ERR_DNS_UPDATE, "%s: it does not know the key "
		    "\"%s\" with %s", q->server, q->key, q->alg);
		return err_advise(err, "Put the key, of this name and "
		    "algorithm, into the configuration of that server.");
	case TSIG_BADSIG:
	case TSIG_BADTRUNC:
		err_set(err, ERR_DNS_UPDATE, "%s: it knows the key \"%s\", "
		    "but with another secret", q->server, q->key);
		return err_advise(err, "Put the secret of key-file into the "
		    "configuration of that server, or the other way round.");
	default:
		return err_set(err, ERR_DNS_UPDATE, "%s: it does not like our "
		    "signature: TSIG error %u", q->server,
		    (unsigned)t->error);
	}
}

static int
refused(const struct update_asked *q, struct err *err)
{
	assert(q->update != NULL);
	if (q->key == NULL) {
		err_set(err, ERR_DNS_UPDATE, "%s: it takes no update of %s "
		    "without a key", q->server, q->update->record);
		return err_advise(err, "Make one with tsig-keygen and name it "
		    "in key-file.");
	}
	err_set(err, ERR_DNS_UPDATE, "%s: the key \"%s\" may not change %s",
	    q->server, q->key, q->update->record);
	return err_advise(err, "Allow it there. BIND, in the zone: "
	    "update-policy { grant %s name %s. TXT; };", q->key,
	    q->update->record);
}

static int
not_its_zone(const struct update_asked *q, struct err *err)
{
	assert(q->update->zone != NULL);
	err_set(err, ERR_DNS_UPDATE, "%s: it is not the primary server of the "
	    "zone %s", q->server, q->update->zone);
	return err_advise(err, "Name the primary server of that zone in "
	    "server, or limit this dns block by zones.");
}

static int
bad_rcode(const struct update_asked *q, enum dns_rcode rcode,
    struct err *err)
{
	assert(rcode != DNS_NOERROR);
	switch (rcode) {
	case DNS_REFUSED:
		return refused(q, err);
	case DNS_NOTAUTH:
	case DNS_NOTZONE:
		return not_its_zone(q, err);
	case DNS_NOTIMP:
	case DNS_FORMERR:
		err_set(err, ERR_DNS_UPDATE, "%s: it does not understand "
		    "dynamic updates (%s)", q->server, dns_rcode_name(rcode));
		return err_advise(err, "Is this the address of a DNS server "
		    "with RFC 2136, such as BIND or Knot?");
	default:
		err_set(err, ERR_DNS_UPDATE, "%s: it answers %s to an update "
		    "of %s", q->server, dns_rcode_name(rcode),
		    q->update->record);
		err->class = rcode == DNS_SERVFAIL ? ERR_LATER : err->class;
		return err_advise(err, "Its log says why. May it write the "
		    "zone's file and journal?");
	}
}

/* The keeper has still to look at the signature itself; here: whose it
 * claims to be, and from when. */
static int
good_signature(const struct update_asked *q, const struct tsig *t,
    struct err *err)
{
	uint64_t apart = t->time_s > q->now_s ? t->time_s - q->now_s :
	    q->now_s - t->time_s;

	assert(q->key != NULL && q->alg != NULL);
	if (strcmp(t->key, q->key) != 0 || strcmp(t->alg, q->alg) != 0)
		return err_set(err, ERR_DNS_UPDATE, "%s: its reply is signed "
		    "with another key", q->server);
	return apart > t->fudge ? bad_time(q, t, err) : 0;
}

/* In this order: what it says about our signature explains its refusal. */
int
update_judge(const struct update_asked *q, const struct blob *reply,
    const struct tsig *t, struct err *err)
{
	const uint8_t *p = reply->p;
	enum dns_rcode rcode;

	assert(q->update != NULL && q->server != NULL);
	if (reply->len < HEAD || reply->len + (t != NULL ? t->other.len : 0) >
	    UPDATE_REPLY_MAX || get16(p) != q->id || (p[2] & 0x80) == 0 ||
	    (p[2] >> 3 & 15) != OPCODE_UPDATE)
		return err_set(err, ERR_DNS_UPDATE, "%s: what it answers is "
		    "no reply to an update", q->server);
	rcode = (enum dns_rcode)(p[3] & 15);
	if (t != NULL && t->error != 0)
		return bad_signature(q, t, err);
	if (rcode != DNS_NOERROR)
		return bad_rcode(q, rcode, err);
	if (q->key == NULL)
		return 0;
	if (t == NULL) {
		err_set(err, ERR_DNS_UPDATE, "%s: its reply is not signed, so "
		    "anybody may have sent it", q->server);
		return -1;
	}
	return good_signature(q, t, err);
}
