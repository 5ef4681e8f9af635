/* The table of keys, and what can be done with any key. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/conf_check.h"
#include "daemon/conf_table.h"

static const char *const log_levels[] = {
	"error", "warning", "info", "debug", NULL
};
static const char *const challenges[] = {
	"http-01", "tls-alpn-01", "dns-01", "dns-account-01",
	"dns-persist-01", NULL
};
static const char *const key_types[] = {
	"ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096", NULL
};
static const char *const key_policies[] = { "new", "reuse", "next", NULL };
static const char *const eab_algorithms[] = {
	"hs256", "hs384", "hs512", NULL
};
static const char *const http_versions[] = { "auto", "1.1", "2", NULL };
static const char *const adapters[] = {
	"everleaf", "acme.sh", "lego", "certbot", "dehydrated", "uacme", NULL
};

#define TOP (1u << CONF_TOP)
#define CERT (1u << CONF_CERT)
#define WISH (1u << CONF_CERT | 1u << CONF_POLICY)
#define SERVICE (1u << CONF_SERVICE)
#define CA (1u << CONF_CA)
#define DNS (1u << CONF_DNS)
#define IN_TOP(field) offsetof(struct conf, field)
#define IN_WISH(field) offsetof(struct conf_wish, field)
#define IN_SERVICE(field) offsetof(struct conf_service, field)
#define IN_CA(field) offsetof(struct conf_ca, field)
#define IN_DNS(field) offsetof(struct conf_dns, field)

const struct conf_key conf_keys[] = {
	{ TOP, "agree-tos", CONF_YESNO, IN_TOP(agree_tos), "false", 0, 0,
	    NULL, NULL, false, CONF_AT_ONCE,
	    "I accept the terms of service of the CAs that I use" },
	{ TOP, "email", CONF_LIST, IN_TOP(email), "{}", 0, 16,
	    NULL, conf_check_email, false, CONF_AT_ONCE,
	    "whom to tell when something needs a person" },
	{ TOP, "http-listen", CONF_LIST, IN_TOP(http_listen), "{}", 0, 16,
	    NULL, conf_check_listen, false, CONF_AT_ONCE,
	    "where our own http-01 responder listens" },
	{ TOP, "tls-alpn-listen", CONF_LIST, IN_TOP(tls_alpn_listen), "{}",
	    0, 16, NULL, conf_check_listen, false, CONF_AT_ONCE,
	    "where our own tls-alpn-01 responder listens" },
	{ TOP, "resolver", CONF_LIST, IN_TOP(resolver), "{}", 0, 8,
	    NULL, conf_check_resolver, false, CONF_AT_ONCE,
	    "DNS resolvers that are asked instead of the system's" },
	{ TOP, "api-group", CONF_TEXT, IN_TOP(api_group), "everleaf-admin",
	    0, 32, NULL, conf_check_user, false, CONF_AT_ONCE,
	    "members may use the API; root always may" },
	{ TOP, "log-level", CONF_CHOICE, IN_TOP(log_level), "info", 0, 0,
	    log_levels, NULL, false, CONF_AT_ONCE,
	    "how much goes to the log" },
	{ TOP, "state-dir", CONF_PATH, IN_TOP(state_dir), EVERLEAF_STATE,
	    1, 255, NULL, NULL, false, CONF_AT_RESTART,
	    "inventory, keys and certificates" },
	{ TOP, "run-dir", CONF_PATH, IN_TOP(run_dir), EVERLEAF_RUN,
	    1, 90, NULL, NULL, false, CONF_AT_RESTART, "sockets" },
	{ TOP, "token-directories", CONF_LIST, IN_TOP(token_directories), "{}",
	    0, 8, NULL, conf_check_folder, false, CONF_AT_ONCE,
	    "where the PKCS#11 module of an account-key writes" },

	{ CERT, "names", CONF_LIST, IN_WISH(names), NULL,
	    1, CONF_NAMES_MAX, NULL, conf_check_name, false, CONF_ORDERS,
	    "everything that the certificate must cover" },
	{ CERT, "csr-file", CONF_PATH, IN_WISH(csr_file), "", 0, 900,
	    NULL, NULL, false, CONF_ORDERS,
	    "CSR that is ordered for; the key is yours" },
	{ CERT, "policy", CONF_TEXT, IN_WISH(policy), "default", 1, 64,
	    NULL, NULL, false, CONF_AT_RENEWAL, "settings of many" },
	{ WISH, "ca", CONF_TEXT, IN_WISH(ca), "letsencrypt", 1, 64,
	    NULL, NULL, false, CONF_AT_RENEWAL, "who issues it" },
	{ WISH, "services", CONF_LIST, IN_WISH(services), "{}", 0, 32,
	    NULL, NULL, false, CONF_AT_ONCE, "who uses it" },
	{ WISH, "challenge", CONF_LIST, IN_WISH(challenge), "auto", 0, 5,
	    challenges, NULL, true, CONF_AT_RENEWAL,
	    "how the names are proved, first choice first" },
	{ WISH, "webroot", CONF_LIST, IN_WISH(webroot), "{}", 0, 16,
	    NULL, conf_check_folder, false, CONF_AT_RENEWAL,
	    "directories that a running server shows: http-01 by files" },
	{ WISH, "dns", CONF_TEXT, IN_WISH(dns), "auto", 0, 64,
	    NULL, NULL, true, CONF_AT_RENEWAL,
	    "block that writes its TXT records" },
	{ WISH, "key-type", CONF_CHOICE, IN_WISH(key_type), "ecdsa-p256",
	    0, 0, key_types, conf_check_key_type, false, CONF_AT_RENEWAL,
	    "what kind of key is made" },
	{ WISH, "key-policy", CONF_CHOICE, IN_WISH(key_policy), "new",
	    0, 0, key_policies, NULL, false, CONF_AT_RENEWAL,
	    "whether a renewal has a new key" },
	{ WISH, "profile", CONF_TEXT, IN_WISH(profile), "", 0, 64,
	    NULL, conf_check_ascii, false, CONF_AT_RENEWAL,
	    "profile of the CA" },
	{ WISH, "profile-required", CONF_MAYBE, IN_WISH(profile_required),
	    "false", 0, 0, NULL, NULL, false, CONF_AT_RENEWAL,
	    "rather no certificate than one of another profile" },
	{ WISH, "preferred-chain", CONF_TEXT, IN_WISH(preferred_chain), "",
	    0, 128, NULL, NULL, false, CONF_AT_RENEWAL,
	    "issuer name, or SHA-256 of the root" },
	{ WISH, "validity", CONF_TIME, IN_WISH(validity_ms), "auto",
	    CONF_MINUTE, 398 * CONF_DAY, NULL, NULL, true, CONF_AT_RENEWAL,
	    "lifetime that is asked for" },
	{ WISH, "must-staple", CONF_MAYBE, IN_WISH(must_staple), "false",
	    0, 0, NULL, NULL, false, CONF_AT_RENEWAL,
	    "clients are to insist on a stapled OCSP answer" },
	{ WISH, "renew-before", CONF_TIME, IN_WISH(renew_before_ms), "auto",
	    CONF_SECOND, 398 * CONF_DAY, NULL, NULL, true, CONF_AT_RENEWAL,
	    "time before the end at which it is renewed" },
	{ WISH, "probe-names", CONF_LIST, IN_WISH(probe_names), "auto",
	    0, CONF_NAMES_MAX, NULL, conf_check_probe_name, true, CONF_AT_ONCE,
	    "names that are tried on each endpoint" },
	{ WISH, "group", CONF_TEXT, IN_WISH(group), "", 0, 32,
	    NULL, conf_check_user, false, CONF_AT_ONCE,
	    "group that may read the private key" },
	{ WISH, "keep-versions", CONF_NUMBER, IN_WISH(keep_versions), "3",
	    0, 100, NULL, NULL, false, CONF_AT_ONCE,
	    "versions on disk besides the live one" },

	{ SERVICE, "preset", CONF_TEXT, IN_SERVICE(preset), NULL, 0, 64,
	    NULL, NULL, false, CONF_AT_ONCE, "where the other keys come from" },
	{ SERVICE, "check", CONF_ARGV, IN_SERVICE(check), "{}", 0, 64,
	    NULL, NULL, false, CONF_AT_ONCE, "must succeed before the reload" },
	{ SERVICE, "reload", CONF_ARGV, IN_SERVICE(reload), "{}", 0, 64,
	    NULL, NULL, false, CONF_AT_ONCE,
	    "makes the running program read the new files" },
	{ SERVICE, "user", CONF_TEXT, IN_SERVICE(user), "root", 1, 32,
	    NULL, conf_check_user, false, CONF_AT_ONCE,
	    "who runs check and reload" },
	{ SERVICE, "timeout", CONF_TIME, IN_SERVICE(timeout_ms), "2m",
	    CONF_SECOND, CONF_HOUR, NULL, NULL, false, CONF_AT_ONCE,
	    "of each command" },
	{ SERVICE, "reload-delay", CONF_TIME, IN_SERVICE(reload_delay_ms),
	    "5s", 0, CONF_HOUR, NULL, NULL, false, CONF_AT_ONCE,
	    "wait this long for more new files" },
	{ SERVICE, "reload-interval", CONF_TIME,
	    IN_SERVICE(reload_interval_ms), "30s", 0, CONF_DAY, NULL, NULL,
	    false, CONF_AT_ONCE, "at least this long between two reloads" },
	{ SERVICE, "endpoints", CONF_ENDPOINTS, IN_SERVICE(endpoints), "{}",
	    0, 64, NULL, NULL, false, CONF_AT_ONCE, "where it serves" },
	{ SERVICE, "probe-timeout", CONF_TIME, IN_SERVICE(probe_timeout_ms),
	    "30s", CONF_SECOND, CONF_HOUR, NULL, NULL, false, CONF_AT_ONCE,
	    "every endpoint shows the new version within this" },
	{ SERVICE, "rollback", CONF_YESNO, IN_SERVICE(rollback), "true",
	    0, 0, NULL, NULL, false, CONF_AT_ONCE,
	    "put the previous files back when check or service breaks" },
	{ SERVICE, "allow-test-ca", CONF_YESNO, IN_SERVICE(allow_test_ca),
	    "false", 0, 0, NULL, NULL, false, CONF_AT_ONCE,
	    "may get certificates of a staging CA" },

	{ CA, "directory", CONF_TEXT, IN_CA(directory), NULL, 1, 500,
	    NULL, conf_check_url, false, CONF_AT_RENEWAL,
	    "https URL of the ACME directory" },
	{ CA, "agree-tos", CONF_YESNO, IN_CA(agree_tos), NULL, 0, 0,
	    NULL, NULL, false, CONF_AT_ONCE,
	    "I accept the terms of service of this CA" },
	{ CA, "email", CONF_LIST, IN_CA(email), "{}", 0, 16,
	    NULL, conf_check_email, false, CONF_AT_ONCE,
	    "contact given to the CA" },
	{ CA, "trust-file", CONF_PATH, IN_CA(trust_file), "", 0, 900,
	    NULL, NULL, false, CONF_AT_ONCE,
	    "roots that sign the https of the CA" },
	{ CA, "max-orders", CONF_NUMBER, IN_CA(max_orders), "16", 1, 1000,
	    NULL, NULL, false, CONF_AT_ONCE, "orders at the same time" },
	{ CA, "eab-kid", CONF_TEXT, IN_CA(eab_kid), "", 0, 256,
	    NULL, conf_check_ascii, false, CONF_AT_ONCE,
	    "external account: the key's name at the CA" },
	{ CA, "eab-key-file", CONF_PATH, IN_CA(eab_key_file), "", 0, 900,
	    NULL, NULL, false, CONF_AT_ONCE,
	    "external account: its HMAC key, base64url" },
	{ CA, "eab-algorithm", CONF_CHOICE, IN_CA(eab_algorithm), "hs256",
	    0, 0, eab_algorithms, NULL, false, CONF_AT_ONCE,
	    "external account: the HMAC that the CA wants" },
	{ CA, "proxy", CONF_TEXT, IN_CA(proxy), "", 0, 500,
	    NULL, conf_check_proxy, false, CONF_AT_ONCE,
	    "HTTP proxy on the way to the CA" },
	{ CA, "http-version", CONF_CHOICE, IN_CA(http_version), "auto",
	    0, 0, http_versions, NULL, false, CONF_AT_ONCE,
	    "HTTP version that is spoken with the CA" },
	{ CA, "account-key", CONF_URI, IN_CA(account_key), "", 0, 500,
	    NULL, conf_check_key_uri, false, CONF_AT_ONCE,
	    "pkcs11: or handle: URI of the account's key, in a token" },

	{ DNS, "server", CONF_TEXT, IN_DNS(server), "", 0, 128,
	    NULL, conf_check_server, false, CONF_AT_ONCE,
	    "address of the server that takes dynamic updates" },
	{ DNS, "key-file", CONF_PATH, IN_DNS(key_file), "", 0, 900,
	    NULL, NULL, false, CONF_AT_ONCE,
	    "TSIG key, as tsig-keygen writes it" },
	{ DNS, "program", CONF_ARGV, IN_DNS(program), "{}", 0, 64,
	    NULL, NULL, false, CONF_AT_ONCE,
	    "program that adds and removes a record" },
	{ DNS, "adapter", CONF_CHOICE, IN_DNS(adapter), "everleaf", 0, 0,
	    adapters, NULL, false, CONF_AT_ONCE,
	    "how that program wants to be called" },
	{ DNS, "env-file", CONF_PATH, IN_DNS(env_file), "", 0, 900,
	    NULL, NULL, false, CONF_AT_ONCE,
	    "KEY=value lines for the program" },
	{ DNS, "zones", CONF_LIST, IN_DNS(zones), "{}", 0, 1000,
	    NULL, conf_check_name, false, CONF_AT_ONCE,
	    "use for these zones only" },
	{ DNS, "user", CONF_TEXT, IN_DNS(user), "everleaf-hook", 1, 32,
	    NULL, conf_check_user, false, CONF_AT_ONCE,
	    "who runs the program" },
	{ DNS, "wait", CONF_TIME, IN_DNS(wait_ms), "0s", 0, CONF_HOUR,
	    NULL, NULL, false, CONF_AT_ONCE,
	    "after all authoritative servers have it" },
	{ DNS, "timeout", CONF_TIME, IN_DNS(timeout_ms), "10m",
	    CONF_SECOND, CONF_DAY, NULL, NULL, false, CONF_AT_ONCE,
	    "until all authoritative servers have it" },
	{ DNS, "ttl", CONF_TIME, IN_DNS(ttl_ms), "60s", CONF_SECOND,
	    CONF_DAY, NULL, NULL, false, CONF_AT_ONCE, "of the record" },

	{ 0, NULL, CONF_TEXT, 0, NULL, 0, 0, NULL, NULL, false, CONF_AT_ONCE,
	    NULL }
};

static_assert(sizeof(conf_keys) / sizeof(conf_keys[0]) - 1 <= CONF_KEYS_MAX,
    "a set of keys fits in 64 bits");

#define SHAPE(word, type, keys, field) { word, sizeof(struct type), keys, \
	offsetof(struct conf, field), offsetof(struct conf, field##_n) }
const struct conf_shape conf_shapes[CONF_KINDS] = {
	{ "", 0, 0, 0, 0 },
	SHAPE("certificate", conf_cert, offsetof(struct conf_cert, wish),
	    certs),
	SHAPE("policy", conf_policy, offsetof(struct conf_policy, wish),
	    policies),
	SHAPE("service", conf_service, 0, services),
	SHAPE("ca", conf_ca, 0, cas),
	SHAPE("dns", conf_dns, 0, dns)
};

#define HAS_HEAD(type) static_assert(offsetof(struct type, title) == \
	offsetof(struct conf_head, title) && offsetof(struct type, where) == \
	offsetof(struct conf_head, where), "begins as struct conf_head")
HAS_HEAD(conf_cert);
HAS_HEAD(conf_policy);
HAS_HEAD(conf_service);
HAS_HEAD(conf_ca);
HAS_HEAD(conf_dns);

const struct conf_key *
conf_key_find(enum conf_kind kind, const char *word)
{
	const struct conf_key *k;

	assert(kind < CONF_KINDS && word != NULL);
	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << kind) != 0 && strcmp(k->word, word) == 0)
			return k;
	return NULL;
}

/* Which of the keys that its kind has it is: the line of each is kept by
 * that number. */
unsigned int
conf_key_place(enum conf_kind kind, const struct conf_key *key)
{
	const struct conf_key *k;
	unsigned int n = 0;

	assert((key->in & 1u << kind) != 0);
	for (k = conf_keys; k != key; k++)
		n += (k->in & 1u << kind) != 0;
	assert(n < CONF_KEYS_OF_ONE);
	return n;
}

/* Where the keys of an element begin: those of a wish lie in it. */
void *
conf_keys_of(enum conf_kind kind, void *element)
{
	assert(kind < CONF_KINDS && element != NULL);
	return (char *)element + conf_shapes[kind].keys;
}

static size_t *
count_of(const struct conf *c, enum conf_kind kind)
{
	assert(kind > CONF_TOP && kind < CONF_KINDS);
	return (size_t *)((char *)(uintptr_t)c + conf_shapes[kind].count);
}

/* The four lists have pointers of four types: their bytes are copied. */
static char *
list_of(const struct conf *c, enum conf_kind kind)
{
	char *list;

	assert(kind > CONF_TOP && kind < CONF_KINDS);
	memcpy(&list, (const char *)c + conf_shapes[kind].list, sizeof(list));
	return list;
}

size_t
conf_count(const struct conf *c, enum conf_kind kind)
{
	return kind == CONF_TOP ? 1 : *count_of(c, kind);
}

void *
conf_element(const struct conf *c, enum conf_kind kind, size_t i)
{
	assert(i < conf_count(c, kind));
	if (kind == CONF_TOP)
		return (void *)(uintptr_t)c;
	return list_of(c, kind) + i * conf_shapes[kind].size;
}

/* Zeroed, at the end. Pointers to other elements are not valid any more. */
void *
conf_add(struct conf *c, enum conf_kind kind)
{
	size_t *n = count_of(c, kind), size = conf_shapes[kind].size;
	char *list = list_of(c, kind), *element;

	/* Room doubles at powers of two: no capacity to keep. */
	if ((*n & (*n - 1)) == 0) {
		list = xrealloc(list, (*n > 0 ? 2 * *n : 1) * size);
		memcpy((char *)c + conf_shapes[kind].list, &list,
		    sizeof(list));
	}
	element = list + (*n)++ * size;
	memset(element, 0, size);
	assert(*n > 0);
	if (kind == CONF_CERT || kind == CONF_POLICY)
		conf_wish_blank(conf_keys_of(kind, element));
	return element;
}

/* What it holds, and not itself: the lists have their elements in one piece. */
void
conf_element_free(enum conf_kind kind, void *element)
{
	struct conf_head *head = element;
	const struct conf_key *k;

	assert(element != NULL);
	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << kind) != 0)
			conf_key_free(k, conf_keys_of(kind, element));
	if (kind == CONF_TOP)
		return;
	free(head->title);
	free(head->where);
	if (kind == CONF_CERT) {
		free(((struct conf_cert *)element)->names_where);
		blob_free(&((struct conf_cert *)element)->csr);
	}
	if (kind == CONF_CA)
		blob_free(&((struct conf_ca *)element)->trust);
	if (kind == CONF_DNS) {
		free(((struct conf_dns *)element)->key_name);
		free(((struct conf_dns *)element)->key_alg);
	}
}

void
conf_wish_blank(struct conf_wish *w)
{
	memset(w, 0, sizeof(*w));
	w->renew_before_ms = -1;
	w->keep_versions = -1;
	w->validity_ms = -1;
	w->must_staple = -1;
	w->profile_required = -1;
}

/* Near enough to have been meant: a third of it may be wrong, and two
 * letters of a short one. */
void
conf_near(struct conf_near *n, const char *typed, const char *known)
{
	int d = text_distance(typed, known), len = (int)strlen(typed);

	assert(typed != NULL && known != NULL);
	if (d <= (len / 3 > 2 ? len / 3 : 2) && d < len &&
	    (n->word == NULL || d < n->distance)) {
		n->word = known;
		n->distance = d;
	}
}

int
conf_near_advise(const struct conf_near *n, struct err *err)
{
	return n->word == NULL ? -1 :
	    err_advise(err, "You want \"%.100s\".", n->word);
}
