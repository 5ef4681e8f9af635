/* The inventory that the tests of the API and of the command look at. */
#include <config.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "acme/acme.h"
#include "tests/unit/stubs/fixture.h"

#define S(text) ((char *)(uintptr_t)(text))
#define AT(text) fixture_ms("2026-" text ":00Z")

int64_t
fixture_ms(const char *rfc3339)
{
	int64_t ms = 0;

	text_unrfc3339(&ms, rfc3339);
	return ms;
}

static void
settings(struct row_cert *c, const char *names, const char *services)
{
	static char text[8][512];
	static int n;
	char *to = text[n++ % 8];

	snprintf(to, 512, "{\"names\":[%s],\"policy\":\"default\","
	    "\"ca\":\"letsencrypt\",\"services\":[%s],\"challenge\":["
	    "\"http-01\"],\"key_type\":\"ecdsa-p256\",\"key_policy\":\"new\","
	    "\"renew_before\":\"auto\",\"group\":\"\",\"keep_versions\":3}",
	    names, services);
	c->settings = to;
	c->wish = to;
}

static void
put_names(struct batch *b, int64_t id, const char *const *names, int64_t now)
{
	struct row_ident row = { .cert_id = id, .kind = S("dns"),
		.wanted = 1, .current = now };
	int i;

	for (i = 0; names[i] != NULL; i++) {
		row.value = S(names[i]);
		row.position = i;
		batch_put(b, T_IDENT, &row);
	}
}

static void
put_version(struct batch *b, int64_t id, int64_t version, const char *names,
    int64_t from, int64_t to)
{
	struct row_version v = { .cert_id = id, .version = version,
		.names = S(names), .ca = S(version == 0 ? "" : "letsencrypt"),
		.placeholder = version == 0, .key_type = S("ecdsa-p256"),
		.serial = S("04a1"), .sha256 = S("9f2c"),
		.spki_sha256 = S("77b0"),
		.issuer = S(version == 0 ? "CN=placeholder" :
		"CN=E7,O=Let's Encrypt,C=US") };

	v.not_before_ms = from;
	v.not_after_ms = to;
	v.issued_ms = from + CONF_HOUR;
	batch_put(b, T_VERSION, &v);
}

static struct row_cert
cert(int64_t id, const char *name, const char *state, const char *where)
{
	struct row_cert c = { .id = id, .name = S(name), .source = S("file"),
		.where = S(where), .names_where = S(where),
		.policy = S("default"), .state = S(state),
		.iss_state = S("idle"), .created_ms = AT("01-01T00:00"),
		.changed_ms = AT("11-21T12:42"), .next_gen = 10,
		.next_version = 10 };

	return c;
}

static void
put_endpoint(struct batch *b, int64_t id, const char *service,
    const char *endpoint, const char *address, const char *name,
    const char *result, int64_t version, int64_t at)
{
	struct row_endpoint e = { .cert_id = id, .service = S(service),
		.endpoint = S(endpoint), .address = S(address), .port = 443,
		.protocol = S("tls"), .name = S(name), .result = S(result),
		.version = version, .sha256 = S("11d0"), .at_ms = at };

	batch_put(b, T_ENDPOINT, &e);
}

static void
put_deployment(struct batch *b, int64_t id, const char *service,
    const char *state, int64_t version, int64_t wanted)
{
	struct row_deployment d = { .cert_id = id, .service = S(service),
		.state = S(state), .version = version, .wanted = wanted };

	batch_put(b, T_DEPLOYMENT, &d);
}

static void
put_job(struct batch *b, int64_t id, int64_t due)
{
	struct row_job j = { .kind = JOB_RENEW, .object = id, .due_ms = due,
		.priority = JOB_RENEW };

	batch_put(b, T_JOB, &j);
}

static void
put_blog(struct batch *b)
{
	static const char *const names[] = {
		"blog.example", "www.blog.example", NULL
	};
	struct row_cert c = cert(1, "blog.example", "served",
	    "/etc/everleaf/everleaf.conf:10");
	struct row_label l = { 1, S("customer"), S("4711") };
	int i;

	settings(&c, "\"blog.example\",\"www.blog.example\"", "\"nginx\"");
	c.newest = c.installed = c.served = 7;
	c.installed_gen = 7;
	c.installed_since_ms = AT("10-25T02:00");
	c.served_checked_ms = AT("11-21T09:45");
	c.renew_at_ms = AT("11-25T01:10");
	c.renew_reason = S("ari");
	c.not_after_ms = fixture_ms("2027-01-23T01:00:00Z");
	batch_put(b, T_CERT, &c);
	batch_put(b, T_LABEL, &l);
	put_names(b, 1, names, 1);
	put_version(b, 1, 7, "blog.example\nwww.blog.example",
	    AT("10-25T01:00"), c.not_after_ms);
	put_deployment(b, 1, "nginx", "served", 7, 7);
	for (i = 0; i < 2; i++) {
		put_endpoint(b, 1, "nginx", ":443", "192.0.2.10", names[i],
		    "newest", 7, AT("11-21T09:45"));
		put_endpoint(b, 1, "nginx", ":443", "2001:db8::10", names[i],
		    "newest", 7, AT("11-21T09:45"));
	}
	put_job(b, 1, c.renew_at_ms);
}

static void
put_mail(struct batch *b)
{
	static const char *const names[] = { "mail.shop.example", NULL };
	struct row_cert c = cert(2, "mail.shop.example", "served",
	    "uid:0");

	c.source = S("user");
	settings(&c, "\"mail.shop.example\"", "\"postfix\",\"dovecot\"");
	c.newest = c.installed = c.served = 2;
	c.installed_gen = 3;
	c.installed_since_ms = AT("11-02T02:00");
	c.served_checked_ms = AT("11-21T11:00");
	c.renew_at_ms = fixture_ms("2027-01-01T04:00:00Z");
	c.renew_reason = S("lifetime");
	c.not_after_ms = fixture_ms("2027-01-31T01:00:00Z");
	batch_put(b, T_CERT, &c);
	put_names(b, 2, names, 1);
	put_version(b, 2, 2, "mail.shop.example", AT("11-02T01:00"),
	    c.not_after_ms);
	put_deployment(b, 2, "dovecot", "served", 2, 2);
	put_deployment(b, 2, "postfix", "served", 2, 2);
	put_job(b, 2, c.renew_at_ms);
}

static void
put_finding(struct batch *b, const char *ident, const char *kind,
    const char *subject, const char *result)
{
	struct row_finding f = { .cert_id = 3, .ident = row_const(ident),
		.kind = row_const(kind), .subject = row_const(subject),
		.result = row_const(result), .text = row_const("other words"),
		.at_ms = AT("11-20T14:02") };

	batch_put(b, T_FINDING, &f);
}

static void
put_old(struct batch *b, bool seen)
{
	static const char *const names[] = {
		"old.example", "www.old.example", NULL
	};
	struct row_cert c = cert(3, "old.example", "failing",
	    "/etc/everleaf/everleaf.conf:6");

	settings(&c, "\"old.example\",\"www.old.example\"", "\"nginx\"");
	c.summary = S("www.old.example points to another machine.");
	c.attention = 1;
	c.state_since_ms = AT("11-10T04:10");
	c.newest = c.installed = 3;
	c.served = seen ? 3 : -1;
	c.installed_gen = 4;
	c.installed_since_ms = AT("09-03T02:00");
	c.served_checked_ms = AT("11-21T11:00");
	c.renew_at_ms = AT("11-10T04:10");
	c.renew_reason = S("lifetime");
	c.iss_state = S("failing");
	c.iss_failures = 5;
	c.iss_last_try_ms = AT("11-20T14:02");
	c.iss_next_try_ms = AT("11-21T14:02");
	c.iss_error = S("{\"class\":\"person\",\"code\":\"dns-elsewhere\","
	    "\"text\":\"www.old.example points to another machine.\","
	    "\"advice\":\"Point www.old.example to 192.0.2.10, or drop it.\","
	    "\"retry_at\":\"2026-11-21T14:02:00Z\",\"doc\":"
	    "\"everleaf(1) dns-elsewhere\",\"evidence\":["
	    "\"CA saw\\t198.51.100.7: http://www.old.example/.well-known/"
	    "acme-challenge/... answered 404\"]}");
	c.not_after_ms = AT("12-02T01:00");
	batch_put(b, T_CERT, &c);
	put_names(b, 3, names, 1);
	put_version(b, 3, 3, "old.example\nwww.old.example",
	    AT("09-03T01:00"), c.not_after_ms);
	put_deployment(b, 3, "nginx", "served", 3, 3);
	put_job(b, 3, c.iss_next_try_ms);
	put_finding(b, "", "machine", "192.0.2.10", "good");
	put_finding(b, "", "machine", "2001:db8::10", "good");
	put_finding(b, "old.example", "address", "192.0.2.10", "good");
	put_finding(b, "old.example", "http", "192.0.2.10", "good");
	put_finding(b, "www.old.example", "address", "198.51.100.7",
	    "dns-elsewhere");
	put_finding(b, "www.old.example", "http", "198.51.100.7",
	    "challenge-wrong");
}

/* The certificate of interface.md section 4.1. */
static void
put_shop(struct batch *b, bool seen)
{
	static const char *const names[] = {
		"shop.example", "www.shop.example", NULL
	};
	struct row_cert c = cert(4, "shop.example", "unserved",
	    "/etc/everleaf/everleaf.conf:4");
	struct row_deployment d = { .cert_id = 4, .service = S("nginx"),
		.state = S("refused"), .version = 7, .wanted = 8,
		.failures = 3 };

	settings(&c, "\"shop.example\",\"www.shop.example\"", "\"nginx\"");
	c.summary = S("version 8 is issued, but nginx refuses its "
	    "configuration");
	c.attention = 1;
	c.state_since_ms = AT("11-21T02:12");
	c.changed_ms = fixture_ms("2026-11-21T12:42:11Z");
	c.newest = c.installed = 8;
	c.installed_gen = 9;
	c.installed_since_ms = fixture_ms("2026-11-21T02:12:04Z");
	c.served = seen ? 7 : -1;
	c.served_checked_ms = fixture_ms("2026-11-21T12:42:11Z");
	c.renew_at_ms = fixture_ms("2027-01-20T04:40:00Z");
	c.renew_reason = S("ari");
	c.iss_last_try_ms = fixture_ms("2026-11-21T02:11:40Z");
	c.not_after_ms = AT("12-20T01:05");
	batch_put(b, T_CERT, &c);
	put_names(b, 4, names, 1);
	put_version(b, 4, 7, "shop.example\nwww.shop.example",
	    AT("09-21T01:05"), c.not_after_ms);
	put_version(b, 4, 8, "shop.example\nwww.shop.example",
	    AT("11-21T01:13"), fixture_ms("2027-02-19T01:13:32Z"));
	d.last_try_ms = fixture_ms("2026-11-21T12:42:10Z");
	d.next_try_ms = fixture_ms("2026-11-21T12:52:10Z");
	d.error = S("{\"class\":\"machine\",\"code\":\"check-failed\","
	    "\"text\":\"nginx -t failed with the new files and with the old "
	    "ones.\",\"advice\":\"Mend /etc/nginx/conf.d/api.conf:12, then: "
	    "everleaf deploy shop.example\",\"retry_at\":"
	    "\"2026-11-21T12:52:10Z\",\"doc\":\"everleaf(1) check-failed\"}");
	batch_put(b, T_DEPLOYMENT, &d);
	put_endpoint(b, 4, "nginx", ":443", "192.0.2.10", "shop.example",
	    "older", 7, fixture_ms("2026-11-21T12:42:11Z"));
	put_job(b, 4, c.renew_at_ms);
}

static void
put_new(struct batch *b)
{
	static const char *const names[] = { "new.example", NULL };
	struct row_cert c = cert(5, "new.example", "new", "uid:1000");

	c.source = S("user");
	settings(&c, "\"new.example\"", "\"nginx\"");
	c.summary = S("letsencrypt does not answer");
	c.state_since_ms = AT("11-21T10:00");
	c.installed_gen = 1;
	c.iss_state = S("waiting");
	c.iss_error = S("{\"class\":\"later\",\"code\":\"ca-down\",\"text\":"
	    "\"letsencrypt does not answer\",\"advice\":\"\"}");
	batch_put(b, T_CERT, &c);
	put_names(b, 5, names, 0);
	put_version(b, 5, 0, "new.example", AT("11-21T10:00"),
	    AT("11-28T10:00"));
	put_deployment(b, 5, "nginx", "waiting", -1, 0);
	put_job(b, 5, AT("11-21T12:49"));
}

static void
put_events(struct batch *b)
{
	struct row_event e = { .at_ms = AT("11-21T02:11"),
		.event = S("order.started"), .cert_id = 4,
		.name = S("shop.example"), .version = 8,
		.actor = S("scheduler"), .cause = S("renewal"),
		.text = S("letsencrypt") };

	batch_put(b, T_EVENT, &e);
	e.event = S("version.issued");
	e.at_ms = AT("11-21T02:12");
	batch_put(b, T_EVENT, &e);
	e.event = S("service.refused");
	e.service = S("nginx");
	e.cause = NULL;
	e.text = S("keeps the old certificate");
	e.error = S("{\"class\":\"machine\",\"code\":\"check-failed\","
	    "\"text\":\"nginx -t failed with the new files and with the old "
	    "ones.\",\"advice\":\"\"}");
	batch_put(b, T_EVENT, &e);
}

/* Public key of an account that never was. */
static uint8_t spki[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00, 0x04, 0x92, 0x09, 0x65, 0xc2, 0xdf, 0x43, 0x64, 0x26, 0xf6,
	0xdc, 0x06, 0xa5, 0xb5, 0x35, 0x15, 0x5c, 0xb5, 0x0b, 0x39, 0x68, 0x41,
	0x2a, 0x9d, 0x7d, 0x11, 0x5d, 0xf1, 0xa9, 0x76, 0x09, 0x5a, 0x54, 0x83,
	0xf4, 0x16, 0xa6, 0xf8, 0xed, 0xa3, 0x13, 0xd9, 0xbd, 0x88, 0xad, 0x60,
	0x4f, 0x7a, 0x3f, 0x41, 0xfe, 0xa9, 0xa4, 0xa3, 0x8c, 0xe9, 0xd3, 0x14,
	0x16, 0x90, 0x97, 0xdb, 0x02, 0xbf, 0x0e
};

static void
put_account(struct batch *b)
{
	struct row_account a = { .id = 77, .ca = S("letsencrypt"),
		.directory = S("https://acme-v02.api.letsencrypt.org/"
		"directory"), .spki = { spki, sizeof(spki) }, .kek_id = 1,
		.kid = S("https://acme-v02.api.letsencrypt.org/acme/acct/77"),
		.status = S("valid"), .contacts = S("mailto:a@shop.example"),
		.created_ms = AT("11-01T09:00") };

	batch_put(b, T_ACCOUNT, &a);
}

/* A name that has had what it may have in a week, and one that has not; what
 * is older, or of another CA, does not count. */
static void
put_budget(struct batch *b)
{
#define BLOG "blog.example\nwww.blog.example\n"
#define SHOP "shop.example\nwww.shop.example\n"
	static const struct { const char *ca, *names, *at; } spent[] = {
		{ "letsencrypt", BLOG, "2026-11-13T12:00:00Z" },
		{ "letsencrypt", BLOG, "2026-11-15T12:00:00Z" },
		{ "letsencrypt", BLOG, "2026-11-19T12:00:00Z" },
		{ "letsencrypt", BLOG, "2026-11-17T12:00:00Z" },
		{ "letsencrypt", BLOG, "2026-11-18T12:00:00Z" },
		{ "zerossl", SHOP, "2026-11-18T12:00:00Z" },
		{ "letsencrypt", SHOP, "2026-11-18T12:00:00Z" }
	};
	struct row_budget r = { .kind = S("exact-set") };
	char key[65];
	size_t i;

	r.key = key;
	for (i = 0; i < sizeof(spent) / sizeof(spent[0]); i++) {
		r.id++;
		r.ca = S(spent[i].ca);
		r.at_ms = fixture_ms(spent[i].at);
		acme_digest_hex(key, spent[i].names, strlen(spent[i].names));
		batch_put(b, T_BUDGET, &r);
	}
}

void
fixture_fill(struct batch *b, bool seen)
{
	struct row_ca ca = { .name = S("letsencrypt"),
		.directory = S("https://acme-v02.api.letsencrypt.org/"
		"directory"), .state = S("down"), .since_ms = AT("11-21T09:14"),
		.retry_at_ms = AT("11-21T12:49"), .failures = 4,
		.error = S("{\"class\":\"later\",\"code\":\"ca-down\","
		"\"text\":\"HTTP 503\",\"advice\":\"\"}"),
		.caps = S("{\"profiles\":{\"classic\":"
		"\"https://letsencrypt.org/docs/profiles#classic\","
		"\"shortlived\":null},\"caa\":["
		"\"letsencrypt.org\"],\"website\":\"https://letsencrypt.org\","
		"\"eab\":true,\"ari\":false}") };

	put_blog(b);
	put_mail(b);
	put_old(b, seen);
	put_shop(b, seen);
	put_new(b);
	put_events(b);
	batch_put(b, T_CA, &ca);
	put_account(b);
	put_budget(b);
}

static bool mended;

void
fixture_mend(void)
{
	mended = true;
}

const struct conf *
fixture_conf(void)
{
	static char *nginx_t[] = { S("nginx"), S("-t") };
	static char *reload[] = { S("nginx"), S("-s"), S("reload") };
	static struct conf_endpoint web = { S(":443"), S("tls"), S(""), 443,
		true };
	static struct conf_service services[] = {
		{ .title = S("dovecot"), .where = S(""), .preset =
		    S("dovecot"), .user = S("root") },
		{ .title = S("nginx"), .where = S(""), .preset = S("nginx"),
		    .check = { nginx_t, 2 }, .reload = { reload, 3 },
		    .user = S("root"), .timeout_ms = 120000, .endpoints = &web,
		    .endpoints_n = 1, .rollback = true },
		{ .title = S("postfix"), .where = S(""), .preset =
		    S("postfix"), .user = S("root") }
	};
	static struct conf_ca cas[] = {
		{ .title = S("letsencrypt"), .where = S(""), .directory =
		    S("https://acme-v02.api.letsencrypt.org/directory"),
		    .agree_tos = true, .trust_file = S(""), .max_orders = 16 }
	};
	static struct conf_problem problems[] = {
		{ NULL, S("/etc/everleaf/conf.d/beta.conf:4"),
		    S("missing \"}\""), 2 }
	};
	static struct conf conf = { .agree_tos = true,
		.api_group = S("everleaf-admin"), .log_level = S("info"),
		.state_dir = S("/var/lib/everleaf"),
		.run_dir = S("/run/everleaf"),
		.file = S("/etc/everleaf/everleaf.conf"),
		.services = services, .services_n = 3, .cas = cas, .cas_n = 1,
		.problems = problems };

	conf.problems_n = mended ? 0 : 1;
	conf.loaded_ms = AT("11-20T08:00");
	return &conf;
}
