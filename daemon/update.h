/* Dynamic updates: RFC 2136 messages that add or remove exactly one TXT value,
 * and their signatures, RFC 8945. Pure: who makes the MAC, and who carries the
 * message, is another's affair (daemon/update_send.h). */
#ifndef DAEMON_UPDATE_H
#define DAEMON_UPDATE_H
#include "daemon/dns.h"

struct update {
	const char *zone, *record, *value;
	uint32_t ttl;			/* seconds; not for a removal */
	bool remove;
};
/* Without a signature; empty if a name is none. */
struct blob update_message(const struct update *u, uint16_t id);

/* No server has more to say; and all of it, names written out, must fit into a
 * question to the keeper. */
enum { TSIG_FUDGE_S = 300, UPDATE_REPLY_MAX = 16 * 1024 };

/* RFC 8945 section 4.2. */
struct tsig {
	char key[DNS_NAME_SIZE];	/* its name */
	char alg[DNS_NAME_SIZE];	/* "hmac-sha256" */
	uint64_t time_s;
	uint16_t fudge, original_id, error;
	struct blob mac, other;
};
enum { TSIG_BADSIG = 16, TSIG_BADKEY, TSIG_BADTIME, TSIG_BADTRUNC = 22 };

/* What the MAC of t is made over (section 4.3): message without signature;
 * request_mac of what it answers, NULL for a request. */
struct blob tsig_digest(const struct tsig *t, const struct blob *message,
    const struct blob *request_mac);
/* The signed message. */
struct blob tsig_attach(const struct tsig *t, const struct blob *message);
/* Takes the signature off; false: there is none, message is as it was. */
bool tsig_detach(struct tsig *out, struct blob *message);
void tsig_free(struct tsig *t);

/* What the server's reply means, its signature taken off. 0 or -1 and err.
 * t: what was taken off, NULL if there was none. now_s: for clocks that
 * differ. A good reply still wants its MAC checked. */
struct update_asked {
	const struct update *update;
	const char *server, *key, *alg;
	uint16_t id;
	uint64_t now_s;
};
int update_judge(const struct update_asked *asked, const struct blob *reply,
    const struct tsig *t, struct err *err);
#endif
