/* daemon/dns.h over scripted zones: resolvers that know all, servers of a zone
 * that may lag or be silent, and one that takes dynamic updates. */
#include <config.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/chance.h"
#include "daemon/dns.h"
#include "tests/sim/sim.h"
#include "tests/sim/zones.h"

enum { LATENCY_MS = 10, SERVERS_MAX = 16, WRITTEN_MAX = 256 };

struct dns_query {
	char name[DNS_NAME_SIZE], server[DNS_SERVER_SIZE];
	enum dns_type type;
	bool cancelled;
	void (*done)(void *ctx, const struct dns_answer *a);
	void *ctx;
};

struct dns_exchange {
	struct blob message;
	bool cancelled;
	void (*done)(void *ctx, const struct blob *reply,
	    const struct err *err);
	void *ctx;
};

static struct {
	struct { char address[DNS_SERVER_SIZE]; int64_t lag; bool silent; }
	    servers[SERVERS_MAX];
	size_t servers_n;
	struct { char value[256]; int64_t at; } written[WRITTEN_MAX];
	size_t written_n;
	int updates, refusals, tries;
	bool down;			/* the server of updates */
} dns;

void
sim_dns_begin(void)
{
	memset(&dns, 0, sizeof(dns));
	zones_reset();
}

/* "192.0.2.1" or "192.0.2.1:53". */
static size_t
server(const char *address)
{
	char text[DNS_SERVER_SIZE] = "";
	struct dns_server at;
	size_t i;

	if (dns_server_parse(&at, address))
		dns_server_text(text, &at);
	for (i = 0; i < dns.servers_n; i++)
		if (strcmp(dns.servers[i].address, text) == 0)
			return i;
	if (dns.servers_n == SERVERS_MAX)
		abort();
	memcpy(dns.servers[i].address, text, sizeof(text));
	return dns.servers_n++;
}

void
sim_dns_lag(const char *address, int64_t ms)
{
	dns.servers[server(address)].lag = ms;
}

void
sim_dns_silent(const char *address, bool is)
{
	dns.servers[server(address)].silent = is;
}

void
sim_dns_refuse(int times)
{
	dns.refusals = times;
}

void
sim_dns_down(bool is)
{
	dns.down = is;
}

int64_t
sim_dns_updates(void)
{
	return dns.updates;
}

int64_t
sim_dns_tries(void)
{
	return dns.tries;
}

bool
sim_txt(const char *name, const char *value)
{
	struct dns_answer a;
	bool has = false;
	size_t i;

	zones_answer(&a, name, DNS_TXT, false);
	for (i = 0; i < a.n; i++)
		has = has || (a.records[i].type == DNS_TXT &&
		    strcmp(a.records[i].text, value) == 0);
	dns_answer_free(&a);
	return has;
}

/* --- questions ------------------------------------------------------ */

static int64_t
written_at(const char *value)
{
	size_t i;

	for (i = dns.written_n; i > 0; i--)
		if (strcmp(dns.written[i - 1].value, value) == 0)
			return dns.written[i - 1].at;
	return INT64_MIN / 2;
}

/* What a server that lags does not have yet. */
static void
forget_new(struct dns_answer *a, int64_t lag)
{
	size_t i = 0;

	while (i < a->n)
		if (a->records[i].type == DNS_TXT &&
		    written_at(a->records[i].text) + lag > sim_mono()) {
			free(a->records[i].text);
			a->n--;
			memmove(&a->records[i], &a->records[i + 1],
			    (a->n - i) * sizeof(a->records[0]));
		} else
			i++;
}

static void
answer(void *ctx)
{
	struct dns_query *q = ctx;
	struct dns_answer a;
	size_t s;

	zones_answer(&a, q->name, q->type, q->server[0] != '\0');
	if (q->server[0] != '\0') {
		s = server(q->server);
		forget_new(&a, dns.servers[s].lag);
		if (dns.servers[s].silent) {
			dns_answer_free(&a);
			err_set(&a.err, ERR_DNS_SILENT, "%s is silent",
			    q->server);
		}
	}
	if (!q->cancelled)
		q->done(q->ctx, &a);
	dns_answer_free(&a);
	free(q);
}

void
dns_init(const struct strv *resolvers)
{
	(void)resolvers;
}

void
dns_fini(void)
{
}

struct dns_query *
dns_ask(const char *name, enum dns_type type, const char *at,
    void (*done)(void *ctx, const struct dns_answer *a), void *ctx)
{
	struct dns_query *q = xcalloc(1, sizeof(*q));

	snprintf(q->name, sizeof(q->name), "%s", name);
	snprintf(q->server, sizeof(q->server), "%s", at != NULL ? at : "");
	q->type = type;
	q->done = done;
	q->ctx = ctx;
	sim_post(LATENCY_MS + chance_luck() % LATENCY_MS, answer, q);
	return q;
}

void
dns_cancel(struct dns_query *q)
{
	if (q != NULL)
		q->cancelled = true;
}

/* --- updates -------------------------------------------------------- */

static void
write_value(const char *name, const char *value, bool remove)
{
	char line[DNS_NAME_SIZE + 300];

	dns.updates++;
	zones_remove(name, DNS_TXT, value);
	if (remove)
		return;
	snprintf(line, sizeof(line), "%s TXT %s", name, value);
	zones_add(line);
	snprintf(dns.written[dns.written_n].value, 256, "%s", value);
	dns.written[dns.written_n].at = sim_mono();
	dns.written_n = (dns.written_n + 1) % WRITTEN_MAX;
}

/* One TXT record of one string, as daemon/update.c writes it. */
static void
change(const ldns_rr *rr)
{
	char *text = ldns_rdf2str(ldns_rr_owner(rr)), name[DNS_NAME_SIZE];
	const ldns_rdf *r = ldns_rr_rdf(rr, 0);
	char value[256];
	size_t n = ldns_rdf_size(r) - 1;

	if (!dns_name_clean(name, text))
		abort();
	free(text);
	memcpy(value, ldns_rdf_data(r) + 1, n);
	value[n] = '\0';
	write_value(name, value, ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN);
}

static void
update(void *ctx)
{
	struct dns_exchange *x = ctx;
	uint8_t head[12] = { 0, 0, 0xa8, DNS_NOERROR };
	struct blob reply = { head, sizeof(head) };
	ldns_pkt *pkt = NULL;
	struct err err;

	dns.tries++;
	if (ldns_wire2pkt(&pkt, x->message.p, x->message.len) != 0)
		abort();
	memcpy(head, x->message.p, 2);
	if (dns.refusals > 0) {
		dns.refusals--;
		head[3] = DNS_REFUSED;
	} else if (!dns.down)
		change(ldns_rr_list_rr(ldns_pkt_authority(pkt), 0));
	ldns_pkt_free(pkt);
	if (dns.down)
		err_set(&err, ERR_DNS_SILENT, "the DNS server is down");
	if (!x->cancelled)
		x->done(x->ctx, &reply, dns.down ? &err : NULL);
	blob_free(&x->message);
	free(x);
}

struct dns_exchange *
dns_exchange(const char *at, const struct blob *message,
    void (*done)(void *ctx, const struct blob *reply, const struct err *err),
    void *ctx)
{
	struct dns_exchange *x = xcalloc(1, sizeof(*x));

	(void)at;
	x->message = blob_copy(message->p, message->len);
	x->done = done;
	x->ctx = ctx;
	sim_post(LATENCY_MS, update, x);
	return x;
}

void
dns_exchange_cancel(struct dns_exchange *x)
{
	if (x != NULL)
		x->cancelled = true;
}
