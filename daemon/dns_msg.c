/* DNS messages, by ldns: questions out, replies in. Everything that a server
 * sends passes through dns_unpack before anybody believes it. */
#include <config.h>
#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/dns.h"

/* What a resolver may send without fragments on any path. */
enum { UDP_SIZE = 1232 };

static const struct {
	enum dns_type type;
	const char *name;
} types[] = {
	{ DNS_A, "A" }, { DNS_NS, "NS" }, { DNS_CNAME, "CNAME" },
	{ DNS_SOA, "SOA" }, { DNS_TXT, "TXT" }, { DNS_AAAA, "AAAA" },
	{ DNS_CAA, "CAA" }
};

const char *
dns_type_name(enum dns_type t)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == t)
			return types[i].name;
	return "?";
}

const char *
dns_rcode_name(enum dns_rcode r)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL",
		"NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
		"NXRRSET", "NOTAUTH", "NOTZONE" };

	return (size_t)r < sizeof(names) / sizeof(names[0]) ? names[r] :
	    "an unknown error";
}

/* --- names ---------------------------------------------------------- */

/* Labels, and not letters, are compared at the seam: "ab.example" is not
 * below "b.example". */
bool
dns_below(const char *name, const char *parent)
{
	size_t n = strlen(name), p = strlen(parent);

	assert(name != NULL && parent != NULL);
	if (p == 0)
		return true;
	return n >= p && strcmp(name + n - p, parent) == 0 &&
	    (n == p || name[n - p - 1] == '.');
}

const char *
dns_parent(const char *name)
{
	const char *dot = strchr(name, '.');

	assert(name != NULL);
	if (*name == '\0')
		return NULL;
	return dot != NULL ? dot + 1 : "";
}

static bool
is_plain(uint8_t c)
{
	return isalnum(c) || c == '-' || c == '_' || c == '*' || c == '/';
}

/* A name on the wire (no pointers in it) as text. */
static bool
name_text(char out[DNS_NAME_SIZE], const uint8_t *p, size_t n)
{
	size_t at = 0, to = 0, label, i;

	while (at < n && p[at] != 0) {
		label = p[at++];
		if (label > 63 || at + label >= n)
			return false;
		if (to > 0)
			out[to++] = '.';
		for (i = 0; i < label; i++, at++) {
			if (to + 6 >= DNS_NAME_SIZE)
				return false;
			if (is_plain(p[at]))
				out[to++] = (char)tolower(p[at]);
			else
				to += (size_t)snprintf(out + to, 5, "\\%03u",
				    (unsigned)p[at]);
		}
	}
	out[to] = '\0';
	assert(to < DNS_NAME_SIZE);
	return true;
}

static bool
rdf_name(char out[DNS_NAME_SIZE], const ldns_rdf *r)
{
	return r != NULL && ldns_rdf_get_type(r) == LDNS_RDF_TYPE_DNAME &&
	    name_text(out, ldns_rdf_data(r), ldns_rdf_size(r));
}

bool
dns_name_clean(char out[DNS_NAME_SIZE], const char *name)
{
	ldns_rdf *r = NULL;
	bool fine;

	assert(name != NULL);
	if (*name == '\0' || strcmp(name, ".") == 0) {
		out[0] = '\0';
		return true;
	}
	if (strlen(name) >= DNS_NAME_SIZE)
		return false;
	fine = ldns_str2rdf_dname(&r, name) == LDNS_STATUS_OK &&
	    rdf_name(out, r);
	ldns_rdf_deep_free(r);
	return fine;
}

/* --- questions ------------------------------------------------------ */

/* With id 0: who sends it puts a random one in, DNS over HTTPS wants it so. */
struct blob
dns_question(const char *name, enum dns_type type)
{
	ldns_rdf *owner = ldns_dname_new_frm_str(*name != '\0' ? name : ".");
	struct blob out = { NULL, 0 };
	uint8_t *wire = NULL;
	ldns_pkt *pkt;
	size_t n = 0;

	assert(name != NULL);
	if (owner == NULL)
		return out;
	pkt = ldns_pkt_query_new(owner, (ldns_rr_type)type,
	    LDNS_RR_CLASS_IN, LDNS_RD);
	if (pkt == NULL) {
		ldns_rdf_deep_free(owner);
		return out;
	}
	ldns_pkt_set_id(pkt, 0);
	ldns_pkt_set_edns_udp_size(pkt, UDP_SIZE);
	if (ldns_pkt2wire(&wire, pkt, &n) == LDNS_STATUS_OK)
		out = blob_copy(wire, n);
	free(wire);
	ldns_pkt_free(pkt);
	return out;
}

/* --- replies -------------------------------------------------------- */

static bool
keep(struct dns_record *r, const void *p, size_t n)
{
	assert(r->text == NULL);
	/* One more for the NUL; blob_copy of nothing would be NULL. */
	r->text = xcalloc(1, n + 1);
	if (n > 0)
		memcpy(r->text, p, n);
	r->len = n;
	return true;
}

static bool
take_address(struct dns_record *r, const ldns_rr *rr)
{
	const ldns_rdf *f = ldns_rr_rdf(rr, 0);
	int family = r->type == DNS_A ? AF_INET : AF_INET6;
	char words[INET6_ADDRSTRLEN];

	assert(r->type == DNS_A || r->type == DNS_AAAA);
	if (f == NULL || ldns_rdf_size(f) != (r->type == DNS_A ? 4u : 16u) ||
	    inet_ntop(family, ldns_rdf_data(f), words, sizeof(words)) == NULL)
		return false;
	return keep(r, words, strlen(words));
}

static bool
take_name(struct dns_record *r, const ldns_rr *rr)
{
	char name[DNS_NAME_SIZE];

	return rdf_name(name, ldns_rr_rdf(rr, 0)) &&
	    keep(r, name, strlen(name));
}

/* Character-strings of one record are one text (RFC 8555 section 8.4). */
static bool
take_strings(struct dns_record *r, const ldns_rr *rr)
{
	const ldns_rdf *f;
	size_t i, n;

	assert(r->type == DNS_TXT);
	keep(r, "", 0);
	for (i = 0; i < ldns_rr_rd_count(rr); i++) {
		f = ldns_rr_rdf(rr, i);
		if (f == NULL || ldns_rdf_size(f) < 1)
			return false;
		n = ldns_rdf_data(f)[0];
		if (n + 1 > ldns_rdf_size(f))
			return false;
		r->text = xrealloc(r->text, r->len + n + 1);
		memcpy(r->text + r->len, ldns_rdf_data(f) + 1, n);
		r->len += n;
		r->text[r->len] = '\0';
	}
	return true;
}

/* RFC 8659 section 4.1: flags, tag, value. A tag that is too long for us is
 * none that we know. */
static bool
take_caa(struct dns_record *r, const ldns_rr *rr)
{
	const ldns_rdf *flags = ldns_rr_rdf(rr, 0), *tag = ldns_rr_rdf(rr, 1);
	const ldns_rdf *value = ldns_rr_rdf(rr, 2);
	size_t i, n;

	assert(r->type == DNS_CAA);
	if (flags == NULL || tag == NULL || value == NULL ||
	    ldns_rdf_size(flags) != 1 || ldns_rdf_size(tag) < 2)
		return false;
	r->flags = ldns_rdf_data(flags)[0];
	n = ldns_rdf_size(tag) - 1;
	if (n >= sizeof(r->tag))
		n = sizeof(r->tag) - 1;
	for (i = 0; i < n; i++)
		r->tag[i] = (char)tolower(ldns_rdf_data(tag)[i + 1]);
	assert(n < sizeof(r->tag));
	return keep(r, ldns_rdf_data(value), ldns_rdf_size(value));
}

/* A row for each type that we read; others in an answer are left out. */
static const struct {
	enum dns_type type;
	bool (*take)(struct dns_record *r, const ldns_rr *rr);
} readers[] = {
	{ DNS_A, take_address }, { DNS_AAAA, take_address },
	{ DNS_NS, take_name }, { DNS_CNAME, take_name },
	{ DNS_SOA, take_name }, { DNS_TXT, take_strings },
	{ DNS_CAA, take_caa }
};

/* False: the record is broken. */
static bool
take_record(struct dns_answer *a, const ldns_rr *rr)
{
	struct dns_record *r;
	size_t i;

	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if ((int)readers[i].type == (int)ldns_rr_get_type(rr))
			break;
	if (i == sizeof(readers) / sizeof(readers[0]) ||
	    ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return true;
	assert(a->n < DNS_RECORDS_MAX);
	r = &a->records[a->n++];
	r->type = readers[i].type;
	r->ttl = ldns_rr_ttl(rr);
	return rdf_name(r->owner, ldns_rr_owner(rr)) && readers[i].take(r, rr);
}

/* A message with more than that is no answer to one of our questions. */
static bool
take_all(struct dns_answer *a, const ldns_pkt *pkt)
{
	ldns_rr_list *list = ldns_pkt_answer(pkt);
	size_t i, n = list != NULL ? ldns_rr_list_rr_count(list) : 0;
	const ldns_rr *rr;

	assert(a->records == NULL && a->n == 0);
	if (n > DNS_RECORDS_MAX)
		return false;
	a->records = n > 0 ? xcalloc(n, sizeof(*a->records)) : NULL;
	for (i = 0; i < n; i++)
		if (!take_record(a, ldns_rr_list_rr(list, i)))
			return false;
	list = ldns_pkt_authority(pkt);
	n = list != NULL ? ldns_rr_list_rr_count(list) : 0;
	for (i = 0; i < n && !a->has_soa; i++) {
		rr = ldns_rr_list_rr(list, i);
		a->has_soa = ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA &&
		    rdf_name(a->soa_owner, ldns_rr_owner(rr));
	}
	return true;
}

/* Errors may come without the question. */
static bool
is_reply_to(const ldns_pkt *pkt, const char *name, enum dns_type type)
{
	ldns_rr_list *asked = ldns_pkt_question(pkt);
	size_t n = asked != NULL ? ldns_rr_list_rr_count(asked) : 0;
	char owner[DNS_NAME_SIZE], wanted[DNS_NAME_SIZE];
	const ldns_rr *rr;

	assert(name != NULL);
	if (!ldns_pkt_qr(pkt) || n > 1)
		return false;
	if (n == 0)
		return ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NOERROR &&
		    ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NXDOMAIN;
	rr = ldns_rr_list_rr(asked, 0);
	return (int)ldns_rr_get_type(rr) == (int)type &&
	    rdf_name(owner, ldns_rr_owner(rr)) &&
	    dns_name_clean(wanted, name) && strcmp(owner, wanted) == 0;
}

/* What is true of it afterwards: about our question, whole, and every name
 * in our spelling. */
bool
dns_unpack(struct dns_answer *out, const uint8_t *wire, size_t n,
    const char *name, enum dns_type type, struct err *err)
{
	ldns_pkt *pkt = NULL;
	bool fine;

	memset(out, 0, sizeof(*out));
	if (n > DNS_MESSAGE_MAX ||
	    ldns_wire2pkt(&pkt, wire, n) != LDNS_STATUS_OK) {
		err_set(err, ERR_DNS_FAILS, "what came back is no DNS message");
		return false;
	}
	fine = is_reply_to(pkt, name, type);
	assert(out->n <= DNS_RECORDS_MAX);
	if (!fine)
		err_set(err, ERR_DNS_FAILS, "the reply is not about what was "
		    "asked");
	else if (!take_all(out, pkt)) {
		fine = false;
		err_set(err, ERR_DNS_FAILS, "the reply holds a broken record, "
		    "or more than %d", DNS_RECORDS_MAX);
	}
	out->replied = fine;
	out->rcode = (enum dns_rcode)ldns_pkt_get_rcode(pkt);
	out->authoritative = ldns_pkt_aa(pkt);
	ldns_pkt_free(pkt);
	if (!fine)
		dns_answer_free(out);
	return fine;
}

void
dns_answer_free(struct dns_answer *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		free(a->records[i].text);
	free(a->records);
	memset(a, 0, sizeof(*a));
	assert(a->n == 0 && a->records == NULL);
}
