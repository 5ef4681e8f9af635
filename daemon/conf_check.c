/* The rules for single values, and for what a wish refers to: the same for
 * files and for the API. */
#include <config.h>
#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "daemon/conf_check.h"
#include "daemon/conf_table.h"

static int
bad(struct err *err, const char *s, const char *why)
{
	assert(why != NULL);
	return err_set(err, ERR_CONFIG_BAD, "\"%.200s\": %s", s, why);
}

int
conf_check_email(const char *s, struct err *err)
{
	const char *at = strchr(s, '@'), *p;

	if (strncmp(s, "mailto:", 7) == 0) {
		bad(err, s, "an address without \"mailto:\"");
		return err_advise(err, "You want \"%.200s\".", s + 7);
	}
	if (at == NULL || at == s || at[1] == '\0' || strchr(at + 1, '@') ||
	    strlen(s) > 254)
		return bad(err, s, "no mail address");
	/* "?" and "," would begin something else in a mailto URL. */
	for (p = s; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("?,<>%\"\\", *p) != NULL)
			return bad(err, s, "no mail address");
	return 0;
}

/* As people write sockets; a port alone means all addresses of both
 * families. */
int
conf_check_listen(const char *s, struct err *err)
{
	const char *colon = strrchr(s, ':');
	unsigned char raw[16];
	char host[64];
	size_t n;
	long port;

	if (colon == NULL || strlen(colon + 1) > 5 || colon[1] == '\0' ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return bad(err, s, "say :PORT or ADDRESS:PORT, such as :80");
	port = strtol(colon + 1, NULL, 10);
	if (port < 1 || port > 65535)
		return bad(err, s, "a port is 1 to 65535");
	assert(colon >= s);
	n = (size_t)(colon - s);
	if (n == 0)
		return 0;
	if (s[0] == '*') {
		bad(err, s, "\"*\" is no address");
		return err_advise(err, "\":%ld\" listens on all.", port);
	}
	if (n >= 2 && s[0] == '[' && s[n - 1] == ']')
		snprintf(host, sizeof(host), "%.*s",
		    n < 60 ? (int)n - 2 : 58, s + 1);
	else
		snprintf(host, sizeof(host), "%.*s", n < 60 ? (int)n : 60, s);
	if (inet_pton(s[0] == '[' ? AF_INET6 : AF_INET, host, raw) != 1)
		return bad(err, s, "no address of this machine before the "
		    "port: 192.0.2.1:80, [2001:db8::1]:80");
	return 0;
}

int
conf_check_user(const char *s, struct err *err)
{
	if (!name_is_word(s))
		return bad(err, s, "no name of a user or group");
	return 0;
}

int
conf_check_name(const char *s, struct err *err)
{
	enum name_kind kind;
	char out[256];

	assert(s != NULL);
	return name_parse(out, &kind, s, err);
}

int
conf_check_probe_name(const char *s, struct err *err)
{
	enum name_kind kind;
	char out[256];

	if (name_parse(out, &kind, s, err) != 0)
		return -1;
	if (kind != NAME_WILDCARD)
		return 0;
	bad(err, s, "no name that somebody connects to");
	return err_advise(err, "You want \"www%.200s\".", s + 1);
}

/* ADDRESS[:PORT], [ADDRESS]:PORT: copied apart by the rule of listeners. */
int
conf_check_server(const char *s, struct err *err)
{
	unsigned char raw[16];

	if (inet_pton(AF_INET, s, raw) == 1 || inet_pton(AF_INET6, s, raw) == 1)
		return 0;
	if (*s == ':' || conf_check_listen(s, err) != 0)
		return bad(err, s, "say ADDRESS or ADDRESS:PORT, such as "
		    "192.0.2.53 or [2001:db8::53]:5353");
	return 0;
}

int
conf_check_resolver(const char *s, struct err *err)
{
	if (strncmp(s, "https://", 8) == 0)
		return conf_check_url(s, err);
	return conf_check_server(s, err);
}

int
conf_check_proxy(const char *s, struct err *err)
{
	const char *p = strncmp(s, "http://", 7) == 0 ? s + 7 :
	    strncmp(s, "https://", 8) == 0 ? s + 8 : NULL;

	if (p == NULL)
		return bad(err, s, "say http://HOST:PORT or https://HOST:PORT");
	for (; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) &&
		    strchr("[]:.-_", *p) == NULL) {
			bad(err, s, "no host and port");
			return err_advise(err, "A user and password do not "
			    "belong into this file.");
		}
	return 0;
}

/* --- keys that no public CA takes --------------------------------------- */

static const char experimental[] = "experimental:";
static const char *const experimental_types[] = {
	"ed25519", "ed448", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"
};

bool
conf_is_experimental(const char *type)
{
	size_t i = 0, n = sizeof(experimental_types) /
	    sizeof(experimental_types[0]);

	while (i < n && strcmp(experimental_types[i], type) != 0)
		i++;
	return i < n;
}

const char *
conf_key_type(const char *said)
{
	size_t n = sizeof(experimental) - 1;

	return strncmp(said, experimental, n) == 0 ? said + n : said;
}

int
conf_check_key_type(const char *s, struct err *err)
{
	const char *type = conf_key_type(s);

	err_clear(err);
	if (conf_is_experimental(type) && type != s)
		return 0;
	if (type != s)
		return bad(err, s, "behind experimental: stands ed25519, "
		    "ed448, ml-dsa-44, ml-dsa-65 or ml-dsa-87");
	if (!conf_is_experimental(s))
		return -1;
	bad(err, s, "no public CA takes such keys");
	return err_advise(err, "For a CA of your own that does say: "
	    "experimental:%s", s);
}

/* What goes to a CA as it is (RFC 8555 section 7.3.4 for a key's name). */
int
conf_check_ascii(const char *s, struct err *err)
{
	const char *p;

	for (p = s; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return bad(err, s, "only ASCII can stand here");
	return 0;
}

int
conf_check_folder(const char *s, struct err *err)
{
	size_t n = strlen(s);

	if (s[0] != '/' || n < 2)
		return bad(err, s, "say the whole path, from /");
	if (strstr(s, "/../") != NULL ||
	    (n > 2 && strcmp(s + n - 3, "/..") == 0))
		return bad(err, s, "a path has no \"..\" here");
	return n > 900 ? bad(err, s, "it is too long") : 0;
}

/* No user, no fragment and nothing that a terminal or a log would show
 * otherwise than it is. */
int
conf_check_url(const char *s, struct err *err)
{
	const char *p;

	if (strncmp(s, "https://", 8) != 0)
		return bad(err, s, "it must begin with https://");
	for (p = s; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '"' || *p == '#')
			return bad(err, s, "no URL");
	assert(strlen(s) >= 8);
	if (!isalnum((unsigned char)s[8]) && s[8] != '[')
		return bad(err, s, "no host in this URL");
	return 0;
}

/* --- a wish ------------------------------------------------------------- */

/* One spelling for each name, so that two wishes can be compared byte by
 * byte. */
static int
canonical(struct strv *names, struct err *err)
{
	enum name_kind kind;
	char out[256];
	size_t i, j;

	assert(names->n == 0 || names->v != NULL);
	for (i = 0; i < names->n; i++) {
		if (name_parse(out, &kind, names->v[i], err) != 0)
			return -1;
		if (strcmp(out, names->v[i]) != 0) {
			free(names->v[i]);
			names->v[i] = xstrdup(out);
		}
		for (j = 0; j < i; j++)
			if (strcmp(names->v[j], out) == 0)
				return bad(err, out, "it is there twice");
	}
	return 0;
}

int
conf_names_check(struct strv *names, struct err *err)
{
	if (canonical(names, err) != 0)
		return err_context(err, "names");
	return 0;
}

/* The nearest that there is goes into the advice. */
static int
unknown(const struct conf *c, enum conf_kind kind, const char *title,
    const char *what, struct err *err)
{
	struct conf_near near = { NULL, 0 };
	struct conf_head *head;
	size_t i;

	assert(kind > CONF_TOP && kind < CONF_KINDS);
	for (i = 0; i < conf_count(c, kind); i++) {
		head = conf_element(c, kind, i);
		conf_near(&near, title, head->title);
	}
	err_set(err, ERR_CONFIG_BAD, "%s \"%.100s\" is %s",
	    conf_shapes[kind].word, title, what);
	return conf_near_advise(&near, err);
}

static const char *
wildcard_of(const struct strv *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (strncmp(names->v[i], "*.", 2) == 0)
			return names->v[i];
	return NULL;
}

/* A wildcard is proved in DNS or not at all (RFC 8555 section 8.4). */
static int
check_wildcard(const struct conf *c, const struct conf_wish *w,
    struct err *err)
{
	const char *name = wildcard_of(&w->names);

	if (name == NULL || c->dns_n > 0 ||
	    strv_has(&w->challenge, "dns-persist-01"))
		return 0;
	err_set(err, ERR_CONFIG_BAD, "\"%.200s\" can only be proved in DNS, "
	    "and there is no dns block", name);
	return err_advise(err, "Add one (everleaf.conf(5), DNS), or list the "
	    "names themselves, such as \"www%.100s\".", name + 1);
}

static int
check_services(const struct conf *c, const struct conf_wish *w,
    struct err *err)
{
	size_t i;

	for (i = 0; i < w->services.n; i++)
		if (conf_service(c, w->services.v[i]) == NULL)
			return unknown(c, CONF_SERVICE, w->services.v[i],
			    "neither a block here nor a preset", err);
	return 0;
}

/* key: which of the wish's keys is to blame, for the line of the message. */
int
conf_wish_refers(const struct conf *c, struct conf_wish *w,
    const char **key, struct err *err)
{
	assert(key != NULL);
	*key = "names";
	if (conf_names_check(&w->names, err) != 0 ||
	    check_wildcard(c, w, err) != 0)
		return -1;
	*key = "probe-names";
	if (!conf_is_auto(&w->probe_names) &&
	    canonical(&w->probe_names, err) != 0)
		return err_context(err, "probe-names");
	*key = "policy";
	if (w->policy != NULL && strcmp(w->policy, "default") != 0 &&
	    conf_policy(c, w->policy) == NULL)
		return unknown(c, CONF_POLICY, w->policy, "no block here", err);
	*key = "ca";
	if (w->ca != NULL && conf_ca(c, w->ca) == NULL)
		return unknown(c, CONF_CA, w->ca,
		    "neither a block here nor a preset", err);
	*key = "dns";
	if (w->dns != NULL && *w->dns != '\0' && conf_dns(c, w->dns) == NULL)
		return unknown(c, CONF_DNS, w->dns, "no block here", err);
	*key = "services";
	return check_services(c, w, err);
}

/* Paths come from files only: whoever may use the API can have nothing
 * written into a directory of his choice. */
static int
check_webroot(const struct conf *c, const struct conf_wish *w,
    struct err *err)
{
	size_t i;

	for (i = 0; i < w->webroot.n; i++)
		if (!conf_has_webroot(c, w->webroot.v[i])) {
			err_set(err, ERR_INVALID, "webroot: \"%.200s\" is "
			    "named by no policy or certificate in the "
			    "configuration", w->webroot.v[i]);
			return err_advise(err, "Write webroot = \"%.150s\" "
			    "into a policy, then everleaf reload and --policy",
			    w->webroot.v[i]);
		}
	return 0;
}

/* The master reads that file as root, and only files of the configuration
 * have it read one. */
static int
check_csr(const struct conf_wish *w, struct err *err)
{
	if (w->csr_file == NULL || *w->csr_file == '\0')
		return 0;
	err_set(err, ERR_INVALID, "csr-file: only a configuration file can "
	    "name one");
	return err_advise(err, "Write a certificate block with csr-file, then "
	    "everleaf reload");
}

/* Who reads a key is for root's files to say: of a wish from the API the
 * master takes its policy's word. */
static int
check_group(const struct conf_wish *w, struct err *err)
{
	if (w->group == NULL || *w->group == '\0')
		return 0;
	err_set(err, ERR_INVALID, "group: only a configuration file can name "
	    "one");
	return err_advise(err, "Write group = \"%.32s\" into a policy, then "
	    "everleaf reload and --policy", w->group);
}

/* What a wish from the API must pass: the same table as a file's, and what
 * it names must exist. */
int
conf_wish_check(const struct conf *c, struct conf_wish *w, const char *what,
    struct err *err)
{
	const struct conf_key *k;
	const char *key;
	int rc = 0;

	assert(what != NULL && c != NULL);
	if (w->dns != NULL && strcmp(w->dns, "auto") == 0)
		w->dns[0] = '\0';	/* as in a file */
	for (k = conf_keys; k->word != NULL && rc == 0; k++)
		if ((k->in & 1u << CONF_CERT) != 0)
			rc = conf_key_check(k, w, err);
	if (rc == 0)
		rc = conf_wish_refers(c, w, &key, err);
	if (rc == 0)
		rc = check_webroot(c, w, err);
	if (rc == 0)
		rc = check_csr(w, err);
	if (rc == 0)
		rc = check_group(w, err);
	if (rc == 0)
		return 0;
	err->code = ERR_INVALID;
	err->class = err_code_class(ERR_INVALID);
	return err_context(err, "%s", what);
}
