/* What Everleaf asks the DNS: one question, one completion. dns.c sends it (by
 * c-ares, or by https to a resolver with a URL) and dns_msg.c reads the reply
 * with ldns; tests/sim/fake_dns.c answers from scripted zones instead.
 *
 * Names go in and come out lower case and without the final dot, "" being the
 * root; a byte that no host name has is written \DDD. */
#ifndef DAEMON_DNS_H
#define DAEMON_DNS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"

enum dns_type { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6,
	DNS_TXT = 16, DNS_AAAA = 28, DNS_CAA = 257 };
/* RFC 1035 section 4.1.1, RFC 2136 section 2.2. */
enum dns_rcode { DNS_NOERROR = 0, DNS_FORMERR, DNS_SERVFAIL, DNS_NXDOMAIN,
	DNS_NOTIMP, DNS_REFUSED, DNS_YXDOMAIN, DNS_YXRRSET, DNS_NXRRSET,
	DNS_NOTAUTH, DNS_NOTZONE };

enum {
	DNS_NAME_SIZE = 1024,	/* 255 octets, each written \DDD at worst */
	DNS_SERVER_SIZE = 64,	/* "[2001:db8::53]:5353" */
	DNS_RECORDS_MAX = 512,	/* of one reply; more is no reply */
	DNS_MESSAGE_MAX = 65535
};

struct dns_record {
	enum dns_type type;
	uint32_t ttl;
	char owner[DNS_NAME_SIZE];
	/* A, AAAA: the address; NS, CNAME, SOA: the name; TXT: its strings
	 * joined; CAA: the value. len bytes, then a NUL; TXT and CAA may have
	 * NULs inside, too. */
	char *text;
	size_t len;
	uint8_t flags;		/* CAA: 128 is critical */
	char tag[16];		/* CAA, lower case */
};

struct dns_answer {
	bool replied;		/* else err says why nothing came */
	enum dns_rcode rcode;
	bool authoritative;
	struct dns_record *records;	/* answer section, as it came */
	size_t n;
	bool has_soa;
	char soa_owner[DNS_NAME_SIZE];	/* of the authority section */
	struct err err;
};

/* --- asking (dns.c) ------------------------------------------------- */
enum {
	DNS_TIMEOUT_MS = 2500,	/* of the first try; doubles */
	DNS_TRIES = 3,
	DNS_FLYING_MAX = 256,	/* questions under way; the others wait */
	DNS_CHANNELS_MAX = 64,	/* servers that are being asked */
	DNS_IDLE_MS = 30 * 1000	/* then a server's channel is taken down */
};

struct dns_query;

/* resolvers: addresses with or without port, https URLs; none: the system's.
 * Copied. */
void dns_init(const struct strv *resolvers);
/* Queries that are left never complete. */
void dns_fini(void);

/* Asks server ("192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:53"), not
 * recursively, or NULL: the resolvers. done runs in a later turn, never inside
 * this call; the answer is freed after it returns. */
struct dns_query *dns_ask(const char *name, enum dns_type type,
    const char *server,
    void (*done)(void *ctx, const struct dns_answer *a), void *ctx);
/* It will not complete. */
void dns_cancel(struct dns_query *q);
int dns_pending(void);

/* --- one message by TCP (dns_tcp.c): for updates -------------------- */
enum { DNS_TCP_MS = 15 * 1000 };

struct dns_exchange;

/* Sends message to server and waits for one reply; err NULL: it came. Whether
 * it is a reply to that message is the caller's affair. Completes in a later
 * turn. */
struct dns_exchange *dns_exchange(const char *server,
    const struct blob *message, void (*done)(void *ctx,
    const struct blob *reply, const struct err *err), void *ctx);
void dns_exchange_cancel(struct dns_exchange *x);	/* NULL is fine */

/* --- messages (dns_msg.c), pure ------------------------------------- */
/* False with err if the bytes are no reply to that question. */
bool dns_unpack(struct dns_answer *out, const uint8_t *wire, size_t n,
    const char *name, enum dns_type type, struct err *err);
/* The question, recursion desired, id 0 (RFC 8484 section 4.1); empty when
 * name is none. */
struct blob dns_question(const char *name, enum dns_type type);
void dns_answer_free(struct dns_answer *a);
const char *dns_type_name(enum dns_type t);
const char *dns_rcode_name(enum dns_rcode r);	/* "REFUSED" */
/* True if name is parent or lies below it. */
bool dns_below(const char *name, const char *parent);
/* The name without its first label: "" of a single one, NULL of "". */
const char *dns_parent(const char *name);
/* Lower case, no final dot. False if it is no name. */
bool dns_name_clean(char out[DNS_NAME_SIZE], const char *name);

/* --- servers (dns_server.c), pure ----------------------------------- */
struct dns_server {
	char address[46];	/* without brackets */
	uint16_t port;
	bool ipv6;
};
/* address, address:port, [address], [address]:port; without one the port is
 * 53. */
bool dns_server_parse(struct dns_server *out, const char *s);
void dns_server_text(char out[DNS_SERVER_SIZE], const struct dns_server *s);
#endif
