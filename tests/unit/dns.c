/* Questions and replies, against a server of ours in the same loop that
 * speaks UDP and TCP on one port. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>
#include "base/buf.h"
#include "daemon/dns.h"
#include "daemon/http.h"
#include "daemon/loop.h"

enum { GIVE_UP_MS = 20000, MANY = 600 };

/* What the server says: a reply for a name and type. */
static const struct reply {
	const char *name;
	enum dns_type type;
	int rcode;
	bool aa, truncate, other_question, silent;
	const char *rr[4];		/* of the answer */
	const char *soa;		/* of the authority section */
} replies[] = {
	{ "a.example", DNS_A, 0, true, false, false, false,
	    { "a.example. 300 IN A 192.0.2.1",
	      "a.example. 300 IN A 192.0.2.2" }, NULL },
	{ "a.example", DNS_AAAA, 0, true, false, false, false,
	    { "a.example. 300 IN AAAA 2001:DB8::1" }, NULL },
	{ "www.example", DNS_A, 0, false, false, false, false,
	    { "WWW.example. 60 IN CNAME Host.Example.",
	      "host.example. 60 IN A 192.0.2.9" }, NULL },
	{ "t.example", DNS_TXT, 0, true, false, false, false,
	    { "t.example. 60 IN TXT \"first \" \"second\" \"\"",
	      "t.example. 60 IN TXT \"q\\\"\\\\\\255\"" }, NULL },
	{ "c.example", DNS_CAA, 0, true, false, false, false,
	    { "c.example. 60 IN CAA 128 issuE \"ca.example; x=y\"",
	      "c.example. 60 IN CAA 0 iodef \"mailto:a@c.example\"" }, NULL },
	{ "none.example", DNS_TXT, 3, true, false, false, false, { NULL },
	    "example. 60 IN SOA ns.example. h.example. 1 2 3 4 5" },
	{ "big.example", DNS_TXT, 0, true, true, false, false,
	    { "big.example. 60 IN TXT \"by TCP\"" }, NULL },
	{ "liar.example", DNS_A, 0, true, false, true, false,
	    { "a.example. 300 IN A 192.0.2.1" }, NULL },
	{ "refused.example", DNS_A, 5, false, false, false, false, { NULL },
	    NULL },
	{ "example", DNS_SOA, 0, true, false, false, false,
	    { "example. 60 IN SOA ns.example. h.example. 1 2 3 4 5" }, NULL },
	{ "", DNS_NS, 0, true, false, false, false,
	    { ". 60 IN NS a.root.example." }, NULL }
};

static struct {
	int udp, tcp, talk;
	struct loop_fd *udp_watch, *tcp_watch, *talk_watch;
	char address[DNS_SERVER_SIZE];
	int by_udp, by_tcp;
	bool recursion;			/* of the last question */
} server;

static struct {
	struct dns_answer a;		/* of the last completion */
	int done, wanted;
	struct loop_timer *limit;
} test;

/* --- the server ----------------------------------------------------- */

static const struct reply *
find_reply(const char *name, int type)
{
	size_t i;

	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		if (strcmp(replies[i].name, name) == 0 &&
		    (int)replies[i].type == type)
			return &replies[i];
	return NULL;
}

static void
push(ldns_pkt *p, ldns_pkt_section where, const char *text)
{
	ldns_rr *rr = NULL;

	if (text == NULL)
		return;
	assert_int_equal(ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL), 0);
	ldns_pkt_push_rr(p, where, rr);
}

static void
fill(ldns_pkt *p, const struct reply *r, bool tcp)
{
	size_t i;

	ldns_pkt_set_rcode(p, r != NULL ? (uint8_t)r->rcode : 3);
	if (r == NULL)
		return;
	ldns_pkt_set_aa(p, r->aa);
	if (r->truncate && !tcp) {
		ldns_pkt_set_tc(p, true);
		return;
	}
	for (i = 0; i < 4; i++)
		push(p, LDNS_SECTION_ANSWER, r->rr[i]);
	push(p, LDNS_SECTION_AUTHORITY, r->soa);
}

static struct blob
answer_to(const uint8_t *wire, size_t n, bool tcp)
{
	struct blob out = { NULL, 0 };
	const struct reply *r;
	char name[DNS_NAME_SIZE];
	ldns_pkt *q = NULL, *p = ldns_pkt_new();
	ldns_rr *rr;
	uint8_t *bytes = NULL;
	char *text;
	size_t len;

	assert_int_equal(ldns_wire2pkt(&q, wire, n), LDNS_STATUS_OK);
	server.recursion = ldns_pkt_rd(q);
	rr = ldns_rr_list_rr(ldns_pkt_question(q), 0);
	text = ldns_rdf2str(ldns_rr_owner(rr));
	assert_true(dns_name_clean(name, text));
	free(text);
	r = find_reply(name, (int)ldns_rr_get_type(rr));
	ldns_pkt_set_id(p, ldns_pkt_id(q));
	ldns_pkt_set_qr(p, true);
	rr = ldns_rr_clone(rr);
	if (r != NULL && r->other_question) {
		ldns_rdf_deep_free(ldns_rr_owner(rr));
		ldns_rr_set_owner(rr, ldns_dname_new_frm_str("a.example."));
	}
	ldns_pkt_push_rr(p, LDNS_SECTION_QUESTION, rr);
	fill(p, r, tcp);
	assert_int_equal(ldns_pkt2wire(&bytes, p, &len), LDNS_STATUS_OK);
	out = blob_copy(bytes, len);
	free(bytes);
	ldns_pkt_free(q);
	ldns_pkt_free(p);
	return out;
}

static void
on_udp(void *ctx, int events)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	uint8_t in[4096];
	struct blob out;
	ssize_t n;

	(void)ctx;
	(void)events;
	n = recvfrom(server.udp, in, sizeof(in), 0, (struct sockaddr *)&from,
	    &len);
	assert_true(n > 12);
	server.by_udp++;
	out = answer_to(in, (size_t)n, false);
	sendto(server.udp, out.p, out.len, 0, (struct sockaddr *)&from, len);
	blob_free(&out);
}

static void
on_talk(void *ctx, int events)
{
	uint8_t in[4096], head[2];
	struct blob out;
	ssize_t n;

	(void)ctx;
	(void)events;
	n = recv(server.talk, in, sizeof(in), 0);
	if (n <= 0) {
		loop_fd_free(server.talk_watch);
		server.talk_watch = NULL;
		close(server.talk);
		return;
	}
	assert_true(n > 14 && in[0] * 256 + in[1] == n - 2);
	server.by_tcp++;
	out = answer_to(in + 2, (size_t)n - 2, true);
	head[0] = (uint8_t)(out.len >> 8);
	head[1] = (uint8_t)out.len;
	assert_int_equal(send(server.talk, head, 2, 0), 2);
	assert_int_equal(send(server.talk, out.p, out.len, 0), out.len);
	blob_free(&out);
}

static void
on_tcp(void *ctx, int events)
{
	(void)ctx;
	(void)events;
	server.talk = accept(server.tcp, NULL, NULL);
	assert_true(server.talk >= 0);
	server.talk_watch = loop_fd_new(server.talk, on_talk, NULL);
	loop_fd_want(server.talk_watch, LOOP_READ);
}

static void
server_open(int family)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr *to = family == AF_INET ? (void *)&four :
	    (void *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	in_port_t *port = family == AF_INET ? &four.sin_port :
	    &six.sin6_port;

	memset(&server, 0, sizeof(server));
	server.tcp = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.tcp, to, len), 0);
	assert_int_equal(listen(server.tcp, 8), 0);
	assert_int_equal(getsockname(server.tcp, to, &len), 0);
	server.udp = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.udp, to, len), 0);
	snprintf(server.address, sizeof(server.address),
	    family == AF_INET ? "127.0.0.1:%u" : "[::1]:%u",
	    (unsigned)ntohs(*port));
	server.udp_watch = loop_fd_new(server.udp, on_udp, NULL);
	server.tcp_watch = loop_fd_new(server.tcp, on_tcp, NULL);
	loop_fd_want(server.udp_watch, LOOP_READ);
	loop_fd_want(server.tcp_watch, LOOP_READ);
}

static void
server_close(void)
{
	loop_fd_free(server.udp_watch);
	loop_fd_free(server.tcp_watch);
	if (server.talk_watch != NULL) {
		loop_fd_free(server.talk_watch);
		close(server.talk);
	}
	close(server.udp);
	close(server.tcp);
}

/* --- asking --------------------------------------------------------- */

static void
on_limit(void *ctx)
{
	(void)ctx;
	fail_msg("it takes too long");
}

static void
turn(void *ctx)
{
	(void)ctx;
}

static void
begin(const char *first, const char *second)
{
	struct strv resolvers = { NULL, 0 };

	memset(&test, 0, sizeof(test));
	if (first != NULL)
		strv_add(&resolvers, first);
	if (second != NULL)
		strv_add(&resolvers, second);
	dns_init(&resolvers);
	strv_free(&resolvers);
}

static void
on_answer(void *ctx, const struct dns_answer *a)
{
	size_t i;

	(void)ctx;
	dns_answer_free(&test.a);
	test.a = *a;
	test.a.records = xmemdup(a->records, a->n * sizeof(*a->records));
	for (i = 0; i < a->n; i++)
		test.a.records[i].text = xmemdup(a->records[i].text,
		    a->records[i].len + 1);
	if (++test.done == test.wanted)
		loop_stop();
}

static void
run(int wanted)
{
	test.done = 0;
	test.wanted = wanted;
	test.limit = loop_timer_new(on_limit, NULL);
	loop_timer_after(test.limit, GIVE_UP_MS);
	loop_run(turn, NULL);
	loop_timer_free(test.limit);
}

static void
ask(const char *name, enum dns_type type, const char *whom)
{
	dns_ask(name, type, whom, on_answer, NULL);
	run(1);
}

static void
end(void)
{
	assert_int_equal(dns_pending(), 0);
	dns_answer_free(&test.a);
	dns_fini();
}

static int
open_four(void **state)
{
	(void)state;
	loop_init();
	server_open(AF_INET);
	return 0;
}

static int
open_six(void **state)
{
	(void)state;
	loop_init();
	server_open(AF_INET6);
	return 0;
}

static int
shut(void **state)
{
	(void)state;
	server_close();
	loop_fini();
	return 0;
}

/* --- tests ---------------------------------------------------------- */

static void
every_type(void **state)
{
	struct dns_record *r;

	(void)state;
	begin(server.address, NULL);
	ask("a.example", DNS_A, NULL);
	assert_true(test.a.replied && test.a.authoritative);
	assert_int_equal(test.a.n, 2);
	assert_string_equal(test.a.records[1].text, "192.0.2.2");
	assert_int_equal(test.a.records[1].ttl, 300);
	assert_true(server.recursion);
	ask("A.Example.", DNS_AAAA, server.address);
	assert_string_equal(test.a.records[0].text, "2001:db8::1");
	assert_false(server.recursion);
	ask("www.example", DNS_A, NULL);
	r = test.a.records;
	assert_int_equal(test.a.n, 2);
	assert_int_equal(r[0].type, DNS_CNAME);
	assert_string_equal(r[0].owner, "www.example");
	assert_string_equal(r[0].text, "host.example");
	assert_false(test.a.authoritative);
	ask("example", DNS_SOA, NULL);
	assert_string_equal(test.a.records[0].owner, "example");
	ask("", DNS_NS, NULL);
	assert_string_equal(test.a.records[0].owner, "");
	assert_string_equal(test.a.records[0].text, "a.root.example");
	end();
}

static void
strings_join(void **state)
{
	(void)state;
	begin(server.address, NULL);
	ask("t.example", DNS_TXT, NULL);
	assert_int_equal(test.a.n, 2);
	assert_string_equal(test.a.records[0].text, "first second");
	assert_int_equal(test.a.records[1].len, 4);
	assert_memory_equal(test.a.records[1].text, "q\"\\\xff", 5);
	ask("c.example", DNS_CAA, NULL);
	assert_int_equal(test.a.n, 2);
	assert_int_equal(test.a.records[0].flags, 128);
	assert_string_equal(test.a.records[0].tag, "issue");
	assert_string_equal(test.a.records[0].text, "ca.example; x=y");
	end();
}

static void
no_such_name(void **state)
{
	(void)state;
	begin(server.address, NULL);
	ask("none.example", DNS_TXT, server.address);
	assert_true(test.a.replied && test.a.has_soa);
	assert_int_equal(test.a.rcode, DNS_NXDOMAIN);
	assert_string_equal(test.a.soa_owner, "example");
	ask("refused.example", DNS_A, server.address);
	assert_true(test.a.replied);
	assert_int_equal(test.a.rcode, DNS_REFUSED);
	end();
}

/* Whatever has been said before, and however long it holds: some look until a
 * change is seen. */
static void
no_cache(void **state)
{
	int i;

	(void)state;
	begin(server.address, NULL);
	for (i = 1; i <= 3; i++) {
		ask("a.example", DNS_A, server.address);
		assert_int_equal(server.by_udp, i);
		assert_int_equal(test.a.n, 2);
	}
	for (i = 1; i <= 3; i++) {
		ask("none.example", DNS_TXT, NULL);
		assert_int_equal(server.by_udp, 3 + i);
	}
	end();
}

static void
truncated_then_tcp(void **state)
{
	(void)state;
	begin(server.address, NULL);
	ask("big.example", DNS_TXT, server.address);
	assert_int_equal(test.a.n, 1);
	assert_string_equal(test.a.records[0].text, "by TCP");
	assert_int_equal(server.by_tcp, 1);
	end();
}

/* Nothing listens there any more. */
static void
nobody_there(void **state)
{
	char dead[DNS_SERVER_SIZE];
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(dead, sizeof(dead), "127.0.0.1:%u",
	    (unsigned)ntohs(at.sin_port));
	close(fd);
	begin(dead, server.address);
	ask("a.example", DNS_A, dead);
	assert_false(test.a.replied);
	assert_int_equal(test.a.err.code, ERR_DNS_SILENT);
	assert_non_null(strstr(test.a.err.text, dead));
	/* As resolvers, the other one steps in. */
	ask("a.example", DNS_A, NULL);
	assert_true(test.a.replied);
	assert_int_equal(test.a.n, 2);
	end();
}

static void
bound_in_flight(void **state)
{
	struct dns_query *q[MANY];
	int i;

	(void)state;
	begin(server.address, NULL);
	for (i = 0; i < MANY; i++)
		q[i] = dns_ask("a.example", DNS_A, server.address, on_answer,
		    NULL);
	assert_int_equal(dns_pending(), MANY);
	assert_int_equal(server.by_udp, 0);
	for (i = 0; i < MANY; i += 2)
		dns_cancel(q[i]);
	run(MANY / 2);
	assert_int_equal(test.done, MANY / 2);
	end();
}

/* More servers than channels: those that are idle make room. */
static void
many_servers(void **state)
{
	char whom[DNS_SERVER_SIZE], *colon = strchr(server.address, ':');
	int i;

	(void)state;
	begin(server.address, NULL);
	for (i = 1; i <= DNS_CHANNELS_MAX + 20; i++) {
		snprintf(whom, sizeof(whom), "127.0.0.%d%s", i, colon);
		dns_ask("a.example", DNS_A, whom, on_answer, NULL);
	}
	run(DNS_CHANNELS_MAX + 20);
	assert_int_equal(test.done, DNS_CHANNELS_MAX + 20);
	end();
}

static void
dropped(void **state)
{
	int i;

	(void)state;
	begin(server.address, NULL);
	for (i = 0; i < MANY; i++)
		dns_ask("a.example", DNS_A, server.address, on_answer, NULL);
	run(1);
	dns_answer_free(&test.a);
	dns_fini();
}

static void
over_ipv6(void **state)
{
	(void)state;
	begin(server.address, NULL);
	ask("a.example", DNS_A, server.address);
	assert_int_equal(test.a.n, 2);
	ask("big.example", DNS_TXT, NULL);
	assert_string_equal(test.a.records[0].text, "by TCP");
	end();
}

/* --- https ---------------------------------------------------------- */

struct http_exchange {
	struct http_reply reply;
	void (*done)(void *ctx, const struct http_reply *reply);
	void *ctx;
	struct loop_timer *timer;
};

struct http_exchange *__wrap_http_send(const struct http_request *r,
    void (*done)(void *ctx, const struct http_reply *reply), void *ctx);

static void
on_http(void *ctx)
{
	struct http_exchange *x = ctx;

	x->done(x->ctx, &x->reply);
	blob_free(&x->reply.body);
	loop_timer_free(x->timer);
	free(x);
}

struct http_exchange *
__wrap_http_send(const struct http_request *r,
    void (*done)(void *ctx, const struct http_reply *reply), void *ctx)
{
	struct http_exchange *x = xcalloc(1, sizeof(*x));

	x->done = done;
	x->ctx = ctx;
	x->timer = loop_timer_new(on_http, x);
	loop_timer_after(x->timer, 0);
	assert_string_equal(r->method, "POST");
	assert_string_equal(r->content_type, "application/dns-message");
	/* RFC 8484 section 4.1: id 0, for caches. */
	assert_true(r->body.p[0] == 0 && r->body.p[1] == 0);
	if (strstr(r->url, "down") != NULL) {
		x->reply.outcome = HTTP_NOT_SENT;
		err_set(&x->reply.err, ERR_CA_DOWN, "nobody is there");
		return x;
	}
	x->reply.outcome = HTTP_REPLIED;
	x->reply.status = strstr(r->url, "wrong") != NULL ? 404 : 200;
	x->reply.body = answer_to(r->body.p, r->body.len, true);
	return x;
}

static void
by_https(void **state)
{
	(void)state;
	begin("https://dns.example/dns-query", NULL);
	ask("www.example", DNS_A, NULL);
	assert_int_equal(test.a.n, 2);
	ask("liar.example", DNS_A, NULL);
	assert_false(test.a.replied);
	assert_non_null(strstr(test.a.err.text, "not about what was asked"));
	end();
	begin("https://wrong.example/", NULL);
	ask("www.example", DNS_A, NULL);
	assert_false(test.a.replied);
	assert_non_null(strstr(test.a.err.text, "404"));
	end();
	/* The next one in the list steps in. */
	begin("https://down.example/", server.address);
	ask("www.example", DNS_A, NULL);
	assert_true(test.a.replied);
	end();
}

/* --- addresses and names -------------------------------------------- */

static void
servers(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "192.0.2.53", "192.0.2.53:53" },
		{ "192.0.2.53:5353", "192.0.2.53:5353" },
		{ "2001:db8::53", "[2001:db8::53]:53" },
		{ "[2001:db8::53]", "[2001:db8::53]:53" },
		{ "[::1]:1", "[::1]:1" },
		{ "", NULL }, { "ns.example", NULL }, { "192.0.2.53:", NULL },
		{ "192.0.2.53:0", NULL }, { "192.0.2.53:65536", NULL },
		{ "192.0.2.53:+5", NULL }, { "[::1", NULL },
		{ "[::1]x", NULL }, { "192.0.2.53:53x", NULL }
	};
	struct dns_server s;
	char text[DNS_SERVER_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(dns_server_parse(&s, rows[i].in),
		    rows[i].out != NULL);
		if (rows[i].out == NULL)
			continue;
		dns_server_text(text, &s);
		assert_string_equal(text, rows[i].out);
	}
}

static void
names(void **state)
{
	char out[DNS_NAME_SIZE];

	(void)state;
	assert_true(dns_below("a.b", "b"));
	assert_true(dns_below("b", "b"));
	assert_true(dns_below("b", ""));
	assert_false(dns_below("ab", "b"));
	assert_false(dns_below("b", "a.b"));
	assert_string_equal(dns_parent("a.b"), "b");
	assert_string_equal(dns_parent("b"), "");
	assert_null(dns_parent(""));
	assert_true(dns_name_clean(out, "_Acme.A\\032b.Example."));
	assert_string_equal(out, "_acme.a\\032b.example");
	assert_false(dns_name_clean(out, "a..b"));
	assert_true(dns_name_clean(out, "."));
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_type, open_four, shut),
		cmocka_unit_test_setup_teardown(strings_join, open_four, shut),
		cmocka_unit_test_setup_teardown(no_such_name, open_four, shut),
		cmocka_unit_test_setup_teardown(no_cache, open_four, shut),
		cmocka_unit_test_setup_teardown(truncated_then_tcp, open_four,
		    shut),
		cmocka_unit_test_setup_teardown(nobody_there, open_four, shut),
		cmocka_unit_test_setup_teardown(bound_in_flight, open_four,
		    shut),
		cmocka_unit_test_setup_teardown(many_servers, open_four, shut),
		cmocka_unit_test_setup_teardown(dropped, open_four, shut),
		cmocka_unit_test_setup_teardown(over_ipv6, open_six, shut),
		cmocka_unit_test_setup_teardown(by_https, open_four, shut),
		cmocka_unit_test(servers),
		cmocka_unit_test(names)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
