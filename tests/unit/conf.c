/* One configuration file: every error text that interface.md promises, the
 * reader's rules, defaults and merging. */
#include <config.h>
#include "conf_test.h"

/* What one line of a block says, the others being right. */
struct refusal {
	const char *main, *b, *want;
};

static void
refuse(const struct refusal *t)
{
	struct conf *c = read_texts(t->main, t->b);

	assert_string_equal(said, t->want);
	if (t->b == NULL)
		assert_null(c);
	conf_free(c);
}

#define TOS "agree-tos = true\n"
#define SHOP "certificate \"shop.example\" {\n"

/* interface.md section 3.3, to the letter. */
static void
promised_texts(void **state)
{
	static const struct refusal t[] = {
		{ TOS "\n\n\n\n" SHOP "domains = {\"shop.example\"}\n}\n",
		    NULL, "everleaf.conf:7: certificate \"shop.example\": no "
		    "such key \"domains\". You want \"names\".\n" },
		{ TOS "\n\n\nemail = \"a@shop.example\";\n", NULL,
		    "everleaf.conf:5: this file has no semicolons. Remove "
		    "the \";\".\n" },
		{ TOS "\n\n\n\n\n\n" SHOP "names = {*.shop.example}\n}\n",
		    NULL, "everleaf.conf:9: \"*.shop.example\" needs "
		    "quotes.\n" },
		{ TOS "\n\n\n\n\n\n\n\n\n" SHOP "renew-before = 30\n}\n",
		    NULL, "everleaf.conf:12: renew-before = 30: say the unit: "
		    "30s, 30m, 30h or 30d.\n" },
		{ TOS "\n\n\n\n\n\n\n\n\n\n\n" SHOP "services = \"ngnix\"\n}\n",
		    NULL, "everleaf.conf:14: service \"ngnix\" is neither a "
		    "block here nor a preset. You want \"nginx\".\n" },
		{ TOS "\n\n\n\n\n\n\n\n\n\n\nservice \"nginx\" {\n"
		    "endpoints = {\"*:443\"}\n}\n", NULL,
		    "everleaf.conf:14: endpoints: \"*:443\": where to "
		    "connect? \":443\" means this machine.\n" },
		{ TOS "\n\n" SHOP "}\n", SHOP "names = \"a.example\"\n}\n",
		    "conf.d/b.conf:1: certificate \"shop.example\" is already "
		    "in everleaf.conf:4. Titles are unique.\n" },
		{ TOS "\n\n" SHOP "names = {\"shop.example\", "
		    "\"www.shop.example\"}\n}\n",
		    "certificate \"other\" {\n\n"
		    "names = {\"www.shop.example\", \"Shop.Example.\"}\n}\n",
		    "conf.d/b.conf:3: the same names as certificate "
		    "\"shop.example\" (everleaf.conf:4) at the same CA. Use "
		    "one certificate with both services.\n" }
	};
	struct conf *c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		refuse(&t[i]);
	c = read_texts(SHOP "}\n", NULL);
	assert_non_null(c);
	assert_false(c->agree_tos);
	assert_string_equal(said, "everleaf.conf: nothing can be ordered: "
	    "agree-tos is not set. Read https://letsencrypt.org/repository/ "
	    "and add: agree-tos = true\n");
	conf_free(c);
	/* Section 2: what is not built yet is unknown. */
	refuse(&(struct refusal){ TOS "service \"nginx\" {\n"
	    "window = \"Mon 1:00\"\n}\n", NULL, "everleaf.conf:3: service "
	    "\"nginx\": no such key \"window\" in service.\n" });
}

/* The grammar, and words that people bring along. */
static void
broken_files(void **state)
{
	static const struct refusal t[] = {
		{ TOS "\n" SHOP "services = \"nginx\"\n", NULL,
		    "everleaf.conf:3: missing \"}\". certificate "
		    "\"shop.example\" opens here and is not closed.\n" },
		{ SHOP "\nca \"x\" {\n}\n", NULL,
		    "everleaf.conf:1: missing \"}\". certificate "
		    "\"shop.example\" opens here and is not closed before "
		    "line 3.\n" },
		{ SHOP "names = {\"a.example\",\n\"b.example\"\n", NULL,
		    "everleaf.conf:2: missing \"}\". The list that opens here "
		    "is not closed.\n" },
		{ SHOP "names = {\"a.example\"\n services = \"nginx\"\n}\n",
		    NULL, "everleaf.conf:3: missing \",\" or \"}\" before "
		    "\"services\". The list opens in line 2.\n" },
		{ SHOP "names = {,}\n}\n", NULL, "everleaf.conf:2: \",\" is "
		    "out of place in a list. The list opens in line 2.\n" },
		{ TOS "}\n", NULL, "everleaf.conf:2: a \"}\" too many. Remove "
		    "it, or find what it should close.\n" },
		{ "email =\nlog-level = info\n", NULL,
		    "everleaf.conf:1: email has no value in its line.\n" },
		{ "email\n", NULL, "everleaf.conf:1: \"email\" has no "
		    "\"=\".\n" },
		{ "log-level = info debug\n", NULL, "everleaf.conf:1: "
		    "log-level: \"debug\" is too many. One value, or a list: "
		    "{\"a\", \"b\"}\n" },
		{ "email = \"a@b.c\", \"d@e.f\"\n", NULL, "everleaf.conf:1: "
		    "email: more than one value without braces. A list is "
		    "written {\"a\", \"b\"}\n" },
		{ "certificate {\n}\n", NULL, "everleaf.conf:1: this "
		    "certificate has no title. Write for example: certificate "
		    "\"shop.example\" { }\n" },
		{ "certificate \"\" {\n}\n", NULL, "everleaf.conf:1: this "
		    "certificate has an empty title.\n" },
		{ "certificate \"a.example\"\n", NULL, "everleaf.conf:2: "
		    "missing \"{\" after certificate \"a.example\".\n" },
		{ "= 1\n", NULL, "everleaf.conf:1: \"=\" is out of place: "
		    "here a key or a block begins.\n" },
		{ SHOP "\"names\" = 1\n}\n", NULL, "everleaf.conf:2: "
		    "\"names\" is out of place: here a key begins.\n" },
		{ "include \"more.conf\"\n", NULL, "everleaf.conf:1: no such "
		    "block \"include\". The files of conf.d are read by "
		    "themselves.\n" },
		{ "notify \"me\" {\n}\n", NULL, "everleaf.conf:1: no such "
		    "block \"notify\". There are certificate, policy, "
		    "service, ca and dns.\n" },
		{ "certificat \"bind\" {\n}\n", NULL, "everleaf.conf:1: no "
		    "such block \"certificat\". You want \"certificate\".\n" },
		{ "agree-toss = true\n", NULL, "everleaf.conf:1: no such key "
		    "\"agree-toss\". You want \"agree-tos\".\n" },
		{ "zzz = 1\n", NULL,
		    "everleaf.conf:1: no such key \"zzz\".\n" },
		{ "timeout = 1m\n", NULL, "everleaf.conf:1: no such key "
		    "\"timeout\". It belongs into a service.\n" },
		{ SHOP "http-listen = \":80\"\n}\n", NULL, "everleaf.conf:2: "
		    "certificate \"shop.example\": no such key "
		    "\"http-listen\" in certificate. It belongs outside of "
		    "the blocks.\n" },
		{ "email = \"a@b.c\"\n\nemail = {}\n", NULL,
		    "everleaf.conf:3: email is already in line 1. Keep one "
		    "of them.\n" },
		{ SHOP "ca = google\nca = google\n}\n", NULL,
		    "everleaf.conf:3: certificate \"shop.example\": ca is "
		    "already in line 2. Keep one of them.\n" },
		{ "policy \"p\" {\nnames = \"a.example\"\n}\n", NULL,
		    "everleaf.conf:2: policy \"p\": no such key \"names\" in "
		    "policy. It belongs into a certificate.\n" },
		{ "email = \"a\nb\"\n", NULL, "everleaf.conf:1: a quote opens "
		    "here and is not closed in this line. Close it with \"; a "
		    "value has no line end.\n" },
		{ "# \xef\xbb\xbf\nemail = \"\xff\"\n", NULL,
		    "everleaf.conf:2: byte 0xff is not UTF-8. Save the file "
		    "as UTF-8 text.\n" }
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		refuse(&t[i]);
}

/* A line of a file, and what is said of it. What is to be copied has no full
 * stop behind it: |. */
static const struct { const char *line, *want; } wrong[] = {
	{ "agree-tos = maybe", "agree-tos = maybe: say true or false" },
	{ "agree-tos = {yes}", "agree-tos: it takes one value, no "
	    "list" },
	{ "email = \"mailto:a@b.c\"", "email: \"mailto:a@b.c\": an "
	    "address without \"mailto:\". You want \"a@b.c\"" },
	{ "email = \"a@b.c?d=e\"", "email: \"a@b.c?d=e\": no mail "
	    "address" },
	{ "email = {a@b.c, \"\"}", "email: \"\": it is empty" },
	{ "email = {a@b.c, a@b.c}", "email: \"a@b.c\": it is there "
	    "twice" },
	{ "http-listen = \"*:80\"", "http-listen: \"*:80\": \"*\" is "
	    "no address. \":80\" listens on all" },
	{ "http-listen = 80", "http-listen: \"80\": say :PORT or "
	    "ADDRESS:PORT, such as :80" },
	{ "http-listen = :0", "http-listen: \":0\": a port is 1 to "
	    "65535" },
	{ "http-listen = web1:80", "http-listen: \"web1:80\": no "
	    "address of this machine before the port: 192.0.2.1:80, "
	    "[2001:db8::1]:80" },
	{ "log-level = loud", "log-level = loud: say error, warning, "
	    "info or debug" },
	{ "log-level = \"loud\"", "log-level = \"loud\": say error, "
	    "warning, info or debug" },
	{ "state-dir = var/lib", "state-dir = var/lib: say the whole "
	    "path, from /" },
	{ "state-dir = /var/../etc", "state-dir = /var/../etc: a path "
	    "has no \"..\" here" },
	{ "state-dir = \"\"", "state-dir = \"\": it is empty" },
	{ "run-dir = \"/1234567890123456789012345678901234567890"
	    "12345678901234567890123456789012345678901234567890\"",
	    "run-dir = \"/1234567890123456789012345678901234567890"
	    "12345678901234567890123456789012345678901234567890\": "
	    "it is too long" },
	{ "api-group = \"a b\"", "api-group: \"a b\": no name of a "
	    "user or group" },
	{ "service x { reload = \"systemctl reload x\" }",
	    "reload: \"systemctl reload x\": no shell reads this. "
	    "Write each word for itself: {\"systemctl\", \"reload "
	    "x\"...}|" },
	{ "service x { check = {bin/x} }", "check: \"bin/x\": say the "
	    "program's name, or its whole path from /" },
	{ "service x { timeout = 2 }", "timeout = 2: say the unit: "
	    "2s, 2m, 2h or 2d" },
	{ "service x { timeout = soon }", "timeout = soon: say a time "
	    "such as 30s, 10m, 12h or 7d" },
	{ "service x { timeout = 0s }", "timeout = 0s: say at least "
	    "1s and at most 1h" },
	{ "service x { timeout = auto }", "timeout = auto: say a time "
	    "such as 30s, 10m, 12h or 7d" },
	{ "service x { user = \"\" }", "user = \"\": it is empty" },
	{ "service x { endpoints = {:443, :443} }", "endpoints: "
	    "\":443\": it is there twice" },
	{ "service \"a/b\" { }", "\"a/b\" is no title for a service. "
	    "A title is made of letters, digits, \".\", \"_\" and "
	    "\"-\", starts with a letter or digit, and has at most 64 "
	    "characters" },
	{ "service x { preset = ngnix }", "service \"x\": there is no "
	    "preset \"ngnix\". You want \"nginx\"" },
	{ "ca x { }", "ca \"x\": it has no directory, and is no "
	    "preset. Add: directory = \"https://...\"|" },
	{ "ca letsencryp { }", "ca \"letsencryp\": it has no "
	    "directory, and is no preset. You want \"letsencrypt\"" },
	{ "ca step-ca { }", "ca \"step-ca\": it has no directory. "
	    "Add: directory = "
	    "\"https://HOST/acme/PROVISIONER/directory\"|" },
	{ "ca x { directory = \"http://x.example\" }", "directory: "
	    "\"http://x.example\": it must begin with https://" },
	{ "ca x { directory = \"https:///d\" }", "directory: "
	    "\"https:///d\": no host in this URL" },
	{ "ca google { max-orders = 0 }", "max-orders = 0: say a "
	    "number from 1 to 1000" },
	{ "ca google { max-orders = x1 }", "max-orders = x1: say a "
	    "number from 1 to 1000" },
	{ "ca google { trust-file = /no/such }", "trust-file = "
	    "\"/no/such\": can't be read: No such file or directory" },
	{ "ca google { trust-file = /dev/null }", "trust-file = "
	    "\"/dev/null\": it is no regular file" },
	{ "ca google { eab-kid = \"sch\xc3\xbcssel\" }", "eab-kid: "
	    "\"sch\xc3\xbcssel\": only ASCII can stand here" },
	{ "policy p { profile = \"gro\xc3\x9f\" }", "profile: "
	    "\"gro\xc3\x9f\": only ASCII can stand here" },
	{ "policy p { ca = googel }", "ca \"googel\" is neither a "
	    "block here nor a preset. You want \"google\"" },
	{ "policy p { challenge = dns-02 }", "challenge: \"dns-02\": "
	    "say http-01, tls-alpn-01, dns-01, dns-account-01, "
	    "dns-persist-01 or auto" },
	{ "policy p { key-type = rsa-1024 }", "key-type = rsa-1024: "
	    "say ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or "
	    "rsa-4096" },
	{ "policy p { key-type = ed25519 }", "key-type: \"ed25519\": "
	    "no public CA takes such keys. For a CA of your own that "
	    "does say: experimental:ed25519|" },
	{ "policy p { key-type = experimental:rsa-2048 }",
	    "key-type: \"experimental:rsa-2048\": behind "
	    "experimental: stands ed25519, ed448, ml-dsa-44, "
	    "ml-dsa-65 or ml-dsa-87" },
	{ "policy p { keep-versions = 101 }", "keep-versions = 101: "
	    "say a number from 0 to 100" },
	{ "policy p { probe-names = \"*.a.example\" }",
	    "probe-names: \"*.a.example\": no name that somebody "
	    "connects to. You want \"www.a.example\"" },
	{ "certificate a.example { policy = cust }\n"
	    "policy customers { }\npolicy custo { }", "policy "
	    "\"cust\" is no block here. You want \"custo\"" },
	{ "certificate a.example { names = {} }", "names: the list "
	    "is empty" },
	{ "certificate site { }", "certificate \"site\": the title is "
	    "not the name: \"site\" has no dot: no public CA issues "
	    "for it. Write names = {...}|" },
	{ "certificate a.example { names = {\"A.example\", "
	    "a.example} }", "names: \"a.example\": it is there "
	    "twice" },
	{ "certificate a.example { names = {\"*.a.example\"} }",
	    "\"*.a.example\" can only be proved in DNS, and there is "
	    "no dns block. Add one (everleaf.conf(5), DNS), or list the "
	    "names themselves, such as \"www.a.example\"" },
	{ "dns b { }", "dns \"b\": it has neither a server nor a "
	    "program. Say one of them: server = ADDRESS with "
	    "key-file, or program = {...}|" },
	{ "policy p { dns = b }", "dns \"b\" is no block here" },
	{ "dns b { server = \"ns1.example\" }", "server: "
	    "\"ns1.example\": say ADDRESS or ADDRESS:PORT, such as "
	    "192.0.2.53 or [2001:db8::53]:5353" },
	{ "tls-alpn-listen = \"443\"", "tls-alpn-listen: \"443\": "
	    "say :PORT or ADDRESS:PORT, such as :80" },
	{ "policy p { webroot = srv }", "webroot: \"srv\": say the "
	    "whole path, from /" },
	{ "ca google { eab-algorithm = HS384 }", "eab-algorithm = "
	    "HS384: say hs256, hs384 or hs512" },
	{ "ca google { http-version = 3 }", "http-version = 3: say "
	    "auto, 1.1 or 2" },
	{ "ca google { proxy = \"http://u@h:1\" }", "proxy: "
	    "\"http://u@h:1\": no host and port. A user and password "
	    "do not belong into this file" },
	{ "ca google { account-key = \"/k.pem\" }", "account-key: "
	    "\"/k.pem\": say a pkcs11: or a handle: URI" },
	{ "ca google { account-key = \"handle:0x1\" }", "account-key: "
	    "\"handle:0x1\": say a persistent handle, such as "
	    "handle:0x81000001" },
	{ "ca google { account-key = \"pkcs11:a b?pin-value=471\" }",
	    "account-key: \"pkcs11:a b?pin-value=***\": in a URI this "
	    "is written as %, and two hexadecimal digits" },
	{ "policy p { must-staple = please }", "must-staple = "
	    "please: say true or false" },
	{ "policy p { profile-required = short }", "profile-required "
	    "= short: say true or false" },
	{ "policy p { validity = 1 }", "validity = 1: say the unit: "
	    "1s, 1m, 1h or 1d" }
};

/* All of a file are told, not the first only. */
static void
wrong_values(void **state)
{
	char file[1000], want[1000];
	size_t i;
	int bare;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(file, sizeof(file), "\n%s\n", wrong[i].line);
		/* What is to be copied has no full stop behind it. */
		bare = wrong[i].want[strlen(wrong[i].want) - 1] == '|';
		snprintf(want, sizeof(want), "everleaf.conf:2: %.*s%s\n",
		    (int)strlen(wrong[i].want) - bare, wrong[i].want,
		    bare ? "" : ".");
		conf_free(read_texts(file, NULL));
		assert_string_equal(said, want);
	}
	assert_null(read_texts("email = x\nlog-level = x\n" SHOP "ca = x\n"
	    "x = x\n}\n", NULL));
	assert_string_equal(said, "everleaf.conf:1: email: \"x\": no mail "
	    "address.\neverleaf.conf:2: log-level = x: say error, warning, "
	    "info or debug.\neverleaf.conf:5: certificate \"shop.example\": "
	    "no such key \"x\" in certificate.\n");
}

/* security.md E2, with the line of the name itself. */
static void
e2_hostile_names(void **state)
{
	static const char *const bad[] = {
		"$(id).com", "a;reboot", "-rf.example", "../x", "a b",
		"*.*.x", "*", "a_b.example", "x..example", "local",
		"b\xc3\xbc.example", "1.2.3",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aa.example", "ab--c.example"
	};
	char file[500];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(file, sizeof(file), SHOP "names = {\n"
		    "  \"shop.example\", # first\n  \"%s\",\n}\n}\n", bad[i]);
		assert_null(read_texts(file, NULL));
		assert_memory_equal(said, "everleaf.conf:4: names: \"", 25);
	}
}

/* security.md E4: titles become names in the file system. */
static void
e4_hostile_titles(void **state)
{
	static const char *const bad[] = {
		"..", ".x", "a/b", "-x", "a..b", "a b", "a\xc3\xbc",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaa"
	};
	char file[500];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(file, sizeof(file), "certificate \"%s\" {\n"
		    "names = \"a.example\"\n}\n", bad[i]);
		assert_null(read_texts(file, NULL));
		assert_non_null(strstr(said, "is no title for a certificate"));
	}
	assert_null(read_texts(TOS "certificate \"CON.example\" { }\n"
	    "certificate \"con.example\" { names = b.example }\n", NULL));
	assert_string_equal(said, "everleaf.conf:3: certificate "
	    "\"con.example\" is already in everleaf.conf:2 as "
	    "\"CON.example\". Titles are unique.\n");
}

/* security.md E3: a wildcard and a host that is called like one are two
 * certificates; a title is no name, so neither takes the other's place. */
static void
e3_wildcard_and_its_namesake(void **state)
{
	struct conf *c = read_texts(TOS
	    "dns local { program = {\"/bin/true\"} }\n"
	    "certificate all { names = \"*.shop.example\"\n dns = local }\n"
	    "certificate \"wildcard.shop.example\" { }\n", NULL);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->certs_n, 2);
	assert_string_equal(conf_cert(c, "all")->wish.names.v[0],
	    "*.shop.example");
	assert_string_equal(conf_cert(c, "wildcard.shop.example")->
	    wish.names.v[0], "wildcard.shop.example");
	conf_free(c);
	assert_null(read_texts(TOS "certificate \"*.shop.example\" { }\n",
	    NULL));
	assert_null(read_texts(TOS "certificate x { names = "
	    "_wildcard.shop.example }\n", NULL));
}

static void
good_file(void **state)
{
	struct conf *c = read_texts(
	    "agree-tos = yes	email = {\"a@b.example\"} # both in a line\n"
	    "http-listen = {:80, \"[::1]:8080\"}\n"
	    "certificate shop.example {\n"
	    "  names = { \"Shop.Example.\", # the first\n"
	    "            '192.0.2.1', 2001:DB8:0::1, }\n"
	    "  services = {nginx, gateway}\n}\n"
	    "service gateway { reload = {\"/opt/${x}\", \"\", \"a b\"}\n"
	    "  endpoints = {\":8443\", \"smtp://:587\"} }\n", NULL);
	const struct conf_cert *cert;
	const struct conf_service *s;
	char where[300];

	(void)state;
	assert_non_null(c);
	assert_string_equal(said, "everleaf.conf: service \"gateway\": "
	    "endpoint smtp://:587 begins without TLS and is not looked at in "
	    "this release: it proves nothing. Add a port with TLS from the "
	    "start, such as :465, or leave it out.\n");
	cert = conf_cert(c, "shop.example");
	assert_non_null(cert);
	assert_int_equal(cert->wish.names.n, 3);
	assert_string_equal(cert->wish.names.v[0], "shop.example");
	assert_string_equal(cert->wish.names.v[1], "192.0.2.1");
	assert_string_equal(cert->wish.names.v[2], "2001:db8::1");
	snprintf(where, sizeof(where), "%s/everleaf.conf:3", folder());
	assert_string_equal(cert->where, where);
	snprintf(where, sizeof(where), "%s/everleaf.conf:4", folder());
	assert_string_equal(cert->names_where, where);
	snprintf(where, sizeof(where), "%s/everleaf.conf", folder());
	assert_string_equal(c->file, where);
	s = conf_service(c, "gateway");
	assert_string_equal(s->preset, "");
	assert_int_equal(s->reload.n, 3);
	assert_string_equal(s->reload.v[0], "/opt/${x}");
	assert_int_equal(s->endpoints_n, 2);
	assert_string_equal(s->endpoints[1].protocol, "smtp");
	assert_int_equal(s->endpoints[1].port, 587);
	assert_false(s->endpoints[0].from_preset);
	assert_int_equal(s->check.n, 0);
	assert_true(c->agree_tos);
	assert_int_equal(c->http_listen.n, 2);
	assert_int_equal(c->loaded_ms, 1000);
	conf_free(c);
}

/* interface.md section 2, column "default". */
static void
all_defaults(void **state)
{
	struct conf *c = read_texts("", NULL);
	const struct conf_service *s = conf_service(c, "nginx");
	const struct conf_ca *ca = conf_ca(c, "letsencrypt");
	struct conf_wish none, w;

	(void)state;
	assert_string_equal(said, "");
	assert_false(c->agree_tos);
	assert_int_equal(c->email.n + c->http_listen.n + c->certs_n, 0);
	assert_string_equal(c->api_group, "everleaf-admin");
	assert_string_equal(c->log_level, "info");
	assert_string_equal(c->state_dir, EVERLEAF_STATE);
	assert_string_equal(c->run_dir, EVERLEAF_RUN);
	assert_string_equal(s->where, "");
	assert_string_equal(s->preset, "nginx");
	assert_string_equal(s->check.v[1], "-t");
	assert_string_equal(s->reload.v[2], "reload");
	assert_string_equal(s->user, "root");
	assert_true(s->timeout_ms == 120000 && s->reload_delay_ms == 5000 &&
	    s->reload_interval_ms == 30000 && s->probe_timeout_ms == 30000);
	assert_true(s->rollback && !s->allow_test_ca);
	assert_true(s->endpoints_n == 1 && s->endpoints[0].from_preset);
	assert_string_equal(ca->directory,
	    "https://acme-v02.api.letsencrypt.org/directory");
	assert_true(ca->max_orders == 16 && !ca->agree_tos && !ca->test_ca);
	assert_string_equal(ca->trust_file, "");
	assert_true(conf_ca(c, "letsencrypt-staging")->test_ca);
	assert_null(conf_ca(c, "buypass"));
	conf_wish_blank(&none);
	w = conf_effective(c, &none);
	assert_string_equal(w.policy, "default");
	assert_string_equal(w.ca, "letsencrypt");
	assert_string_equal(w.key_type, "ecdsa-p256");
	assert_string_equal(w.key_policy, "new");
	assert_string_equal(w.group, "");
	assert_string_equal(w.challenge.v[0], "http-01");
	assert_true(w.renew_before_ms == 0 && w.keep_versions == 3);
	assert_true(w.services.n + w.probe_names.n + w.names.n == 0);
	conf_wish_free(&w);
	conf_free(c);
}

/* Certificate, its policy, built-in; "default" for those that name none. */
static void
merging(void **state)
{
	struct conf *c = read_texts(TOS
	    "policy default { ca = google  group = web  dns = b }\n"
	    "policy p { services = {nginx, postfix}  keep-versions = 7\n"
	    "  renew-before = 20d  group = mail }\n"
	    "certificate a.example { policy = p  group = \"\" }\n"
	    "certificate b.example { policy = p  services = {} }\n"
	    "certificate c.example { renew-before = auto  dns = auto }\n"
	    "dns b { server = \"::1\" }\n", NULL);
	struct conf_wish w;

	(void)state;
	assert_non_null(c);
	w = conf_effective(c, &conf_cert(c, "a.example")->wish);
	assert_string_equal(w.ca, "letsencrypt");
	assert_string_equal(w.group, "");
	assert_int_equal(w.services.n, 2);
	assert_true(w.keep_versions == 7);
	assert_true(w.renew_before_ms == 20 * CONF_DAY);
	conf_wish_free(&w);
	w = conf_effective(c, &conf_cert(c, "b.example")->wish);
	assert_int_equal(w.services.n, 0);
	assert_string_equal(w.group, "mail");
	conf_wish_free(&w);
	w = conf_effective(c, &conf_cert(c, "c.example")->wish);
	assert_string_equal(w.ca, "google");
	assert_string_equal(w.group, "web");
	assert_true(w.renew_before_ms == 0);
	assert_string_equal(w.dns, "");
	assert_string_equal(conf_cert(c, "c.example")->wish.dns, "");
	strv_add(&w.names, "*.c.example");
	strv_free(&w.challenge);
	{
		struct conf_wish wild = conf_effective(c, &w);

		assert_string_equal(wild.challenge.v[0], "dns-01");
		conf_wish_free(&wild);
	}
	conf_wish_free(&w);
	conf_free(c);
}

static void
services_and_cas(void **state)
{
	struct conf *c = read_texts(
	    "agree-tos = true\n"
	    "service nginx { timeout = 1m }\n"
	    "service web2 { preset = nginx  endpoints = {\":8443\"} }\n"
	    "service postfix { preset = \"\" }\n"
	    "ca zerossl { agree-tos = no  email = \"a@b.example\" }\n"
	    "ca test { directory = \"https://acme-staging-v02.api."
	    "letsencrypt.org/directory\" }\n", NULL);
	const struct conf_service *s;

	(void)state;
	assert_non_null(c);
	s = conf_service(c, "nginx");
	assert_true(s->timeout_ms == CONF_MINUTE && s->check.n == 2);
	assert_true(s->endpoints[0].from_preset && *s->where != '\0');
	s = conf_service(c, "web2");
	assert_string_equal(s->preset, "nginx");
	assert_true(s->check.n == 2 && !s->endpoints[0].from_preset);
	s = conf_service(c, "postfix");
	assert_true(s->check.n == 0 && s->endpoints_n == 0);
	assert_true(conf_ca(c, "letsencrypt")->agree_tos);
	assert_false(conf_ca(c, "zerossl")->agree_tos);
	assert_string_equal(conf_ca(c, "zerossl")->directory,
	    "https://acme.zerossl.com/v2/DV90");
	assert_true(conf_ca(c, "test")->test_ca);
	conf_free(c);
}

static void
warnings(void **state)
{
	struct conf *c = read_texts(TOS
	    "ca zerossl { agree-tos = false eab-kid = k }\n"
	    "certificate a.example { ca = zerossl }\n"
	    "certificate b.example { ca = letsencrypt-staging "
	    "services = nginx }\n"
	    "certificate c.example { ca = letsencrypt-staging services = x }\n"
	    "service x { allow-test-ca = true }\n"
	    "service postfix { }\n"
	    "service y { endpoints = {\":443\", \"smtp://:587\"} }\n", NULL);

	(void)state;
	assert_non_null(c);
	assert_string_equal(said, "everleaf.conf: nothing can be ordered from "
	    "zerossl: agree-tos is false. Read https://zerossl.com/terms/ and "
	    "add: agree-tos = true\neverleaf.conf: certificate \"b.example\": "
	    "ca \"letsencrypt-staging\" is for tests, and service \"nginx\" "
	    "takes none of its certificates. Add to service \"nginx\": "
	    "allow-test-ca = true\n"
	    "everleaf.conf: service \"y\": endpoint smtp://:587 begins "
	    "without TLS and is not looked at in this release: it proves "
	    "nothing. Add a port with TLS from the start, such as :465, or "
	    "leave it out.\n");
	conf_free(c);
}

/* Where a trial order goes: a block of one's own that is called so, or what is
 * known of the directory; nowhere else. */
static void
staging_of_a_ca(void **state)
{
	static const struct { const char *ca, *want; } t[] = {
		{ "letsencrypt", "letsencrypt-staging" },
		{ "letsencrypt-staging", "letsencrypt-staging" },
		{ "google", "google-staging" },
		{ "le", "letsencrypt-staging" },
		{ "mine", "mine-staging" }, { "mine-staging", NULL },
		{ "sslcom", NULL }, { "pebble", "pebble" }
	};
	struct conf *c = read_texts(TOS "ca le { directory = \"https://"
	    "acme-v02.api.letsencrypt.org/directory\" }\n"
	    "ca mine { directory = \"https://ca.example/a\" }\n"
	    "ca mine-staging { directory = \"https://ca.example/b\" }\n"
	    "ca google { directory = \"https://dv.acme-v02.api.pki.goog/"
	    "directory\" }\n", NULL);
	const struct conf_ca *s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		s = conf_staging(c, conf_ca(c, t[i].ca));
		if (t[i].want == NULL)
			assert_null(s);
		else
			assert_string_equal(s->title, t[i].want);
	}
	conf_free(c);
	/* One's own CA under a known title has nothing to do with it. */
	c = read_texts(TOS "ca letsencrypt { directory = \"https://ca.example/"
	    "a\" }\n", NULL);
	assert_null(conf_staging(c, conf_ca(c, "letsencrypt")));
	conf_free(c);
}

/* The same rules for what comes over the API. */
static void
wishes_from_the_api(void **state)
{
	struct conf *c = read_texts(TOS "policy p { }\n", NULL);
	struct conf_wish w;
	struct err err;

	(void)state;
	conf_wish_blank(&w);
	strv_add(&w.names, "Shop.Example.");
	strv_add(&w.services, "nginx");
	w.policy = xstrdup("p");
	w.ca = xstrdup("google");
	assert_int_equal(conf_wish_check(c, &w, "certificate \"x\"", &err), 0);
	assert_string_equal(w.names.v[0], "shop.example");
	strv_add(&w.services, "ngnix");
	assert_int_equal(conf_wish_check(c, &w, "certificate \"x\"", &err),
	    -1);
	assert_string_equal(err.text, "certificate \"x\": service \"ngnix\" "
	    "is neither a block here nor a preset");
	assert_string_equal(err.advice, "You want \"nginx\".");
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(err.class, ERR_USAGE);
	strv_free(&w.services);
	w.dns = xstrdup("auto");
	assert_int_equal(conf_wish_check(c, &w, "x", &err), 0);
	assert_string_equal(w.dns, "");
	w.group = xstrdup("$(id)");
	assert_int_equal(conf_wish_check(c, &w, "x", &err), -1);
	assert_string_equal(err.text, "x: group: \"$(id)\": no name of a user "
	    "or group");
	free(w.group);
	w.group = xstrdup("games");
	assert_int_equal(conf_wish_check(c, &w, "x", &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_string_equal(err.text, "x: group: only a configuration file can "
	    "name one");
	assert_string_equal(err.advice, "Write group = \"games\" into a "
	    "policy, then everleaf reload and --policy");
	w.group[0] = '\0';
	w.keep_versions = 4711;
	assert_int_equal(conf_wish_check(c, &w, "x", &err), -1);
	assert_string_equal(err.text, "x: keep-versions = \"4711\": say a "
	    "number from 0 to 100");
	w.keep_versions = 0;
	w.renew_before_ms = 0;
	assert_int_equal(conf_wish_check(c, &w, "x", &err), 0);
	strv_add(&w.names, "a b");
	assert_int_equal(conf_wish_check(c, &w, "x", &err), -1);
	conf_wish_free(&w);
	conf_free(c);
}

/* What a CA is known not to do is said before anything is ordered. */
static void
what_a_ca_cannot(void **state)
{
	static const struct { const char *text, *want; } t[] = {
		{ TOS SHOP "ca = zerossl\n}\n", "everleaf.conf: nothing can be "
		    "ordered from zerossl: it wants to know whose account "
		    "this is. Get a key there, and add to ca \"zerossl\": "
		    "eab-kid and eab-key-file\n" },
		{ TOS SHOP "ca = google\n}\nca google {\neab-kid = k\n}\n",
		    "" },
		{ TOS SHOP "validity = 2d\n}\n", "everleaf.conf: certificate "
		    "\"shop.example\": letsencrypt does not let anybody "
		    "choose the lifetime. Leave out validity.\n" },
		{ TOS SHOP "ca = sslcom\nkey-type = rsa-2048\n}\nca sslcom "
		    "{\neab-kid = k\n}\n", "everleaf.conf: certificate "
		    "\"shop.example\": sslcom takes no rsa-2048 keys at its "
		    "directory. For RSA keys: directory = "
		    "\"https://acme.ssl.com/sslcom-dv-rsa\".\n" },
		{ TOS SHOP "ca = sslcom\nkey-type = ecdsa-p384\n}\nca sslcom "
		    "{\neab-kid = k\n}\n", "" },
		{ TOS SHOP "ca = sslcom\nkey-type = rsa-2048\n}\nca sslcom "
		    "{\neab-kid = k\ndirectory = "
		    "\"https://acme.ssl.com/sslcom-dv-rsa\"\n}\n", "" },
		{ TOS SHOP "key-type = experimental:ed448\n}\n",
		    "everleaf.conf: certificate \"shop.example\": letsencrypt "
		    "takes no ed448 keys. Use key-type = ecdsa-p256 "
		    "there.\n" },
		{ TOS SHOP "key-type = experimental:ed25519\nca = caddy\n}\n"
		    "ca caddy {\ndirectory = \"https://x.example/d\"\n}\n",
		    "" },
		{ TOS "policy default { must-staple = yes }\n" SHOP "}\n",
		    "everleaf.conf: certificate \"shop.example\": letsencrypt "
		    "has given OCSP up, and refuses must-staple; it is "
		    "ordered without. Leave out must-staple.\n" },
		{ TOS "policy default { must-staple = yes }\n"
		    SHOP "must-staple = no\n}\n", "" },
		{ TOS "certificate x {\nnames = \"192.0.2.1\"\nca = sslcom\n}"
		    "\nca sslcom {\neab-kid = k\n}\n", "everleaf.conf: "
		    "certificate \"x\": sslcom issues none for an address "
		    "such as 192.0.2.1. Take the address out, or use a CA "
		    "that issues for it, such as letsencrypt with profile = "
		    "\"shortlived\".\n" }
	};
	struct conf *c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		c = read_texts(t[i].text, NULL);
		assert_non_null(c);
		assert_string_equal(said, t[i].want);
		conf_free(c);
	}
}

int
main(void)
{
	static const struct CMUnitTest own[] = {
		cmocka_unit_test(promised_texts),
		cmocka_unit_test(what_a_ca_cannot),
		cmocka_unit_test(broken_files),
		cmocka_unit_test(wrong_values),
		cmocka_unit_test(e2_hostile_names),
		cmocka_unit_test(e3_wildcard_and_its_namesake),
		cmocka_unit_test(e4_hostile_titles),
		cmocka_unit_test(good_file), cmocka_unit_test(all_defaults),
		cmocka_unit_test(merging), cmocka_unit_test(services_and_cas),
		cmocka_unit_test(warnings),
		cmocka_unit_test(staging_of_a_ca),
		cmocka_unit_test(wishes_from_the_api)
	};
	struct CMUnitTest all[64];
	size_t n = sizeof(own) / sizeof(own[0]);

	memset(all, 0, sizeof(all));
	memcpy(all, own, sizeof(own));
	memcpy(all + n, again_tests, again_tests_n * sizeof(all[0]));
	n += again_tests_n;
	memcpy(all + n, files_tests, files_tests_n * sizeof(all[0]));
	n += files_tests_n;
	memcpy(all + n, csr_tests, csr_tests_n * sizeof(all[0]));
	n += csr_tests_n;
	memcpy(all + n, manual_tests, manual_tests_n * sizeof(all[0]));
	n += manual_tests_n;
	return _cmocka_run_group_tests("conf", all, n, folder_open,
	    folder_close);
}
