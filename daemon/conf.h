/* The configuration as values: what everleaf.conf(5) says, after defaults.
 * conf_read.c makes it from the files (master, everleafd -t); it crosses to
 * the engine as bytes (conf_pack, conf_unpack). A conf is never changed once
 * it is made; a reload makes a new one. */
#ifndef DAEMON_CONF_H
#define DAEMON_CONF_H
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

enum {
	CONF_FILE_MAX = 64 << 20,	/* bytes of one file */
	CONF_CERTS_MAX = 200000,
	CONF_NAMES_MAX = 100
};

/* Numbers that are not keys: shown by `config show --all`. */
#define CONF_SECOND 1000LL
#define CONF_MINUTE (60 * CONF_SECOND)
#define CONF_HOUR (60 * CONF_MINUTE)
#define CONF_DAY (24 * CONF_HOUR)

/* Keys of "certificate" and "policy" (interface.md section 2.3). In a policy
 * or a certificate as read, a key that was not written is absent (NULL, an
 * empty list, -1); conf_effective() fills it in. A list for which `auto` was
 * written (which goes before a policy's) holds that word; after
 * conf_effective() it never does. */
struct conf_wish {
	struct strv names;	/* not in a policy */
	char *policy;		/* not in a policy */
	char *ca;
	struct strv services;
	bool services_set;	/* `services = {}` was written */
	struct strv challenge;
	char *key_type, *key_policy;
	int64_t renew_before_ms;	/* 0: auto; -1: not written */
	struct strv probe_names;	/* empty: auto */
	char *group;
	int64_t keep_versions;
	struct strv webroot;	/* absolute directories; empty: responder */
	char *dns;		/* block; "": the one that fits best */
	char *profile;		/* "": the CA's default */
	char *preferred_chain;	/* issuer name, or SHA-256 in hex; "" */
	int64_t validity_ms;	/* 0: what the CA gives; -1: not written */
	char *csr_file;		/* not in a policy; "": we make the key */
	int64_t must_staple;	/* 1, 0; -1: not written */
	int64_t profile_required;	/* the same */
};

struct conf_cert {
	char *title;
	char *where;		/* "/etc/everleaf/everleaf.conf:4" */
	char *names_where;	/* of the line with names, else where */
	struct conf_wish wish;	/* names are canonical, first one first */
	struct blob csr;	/* what csr-file holds, DER; else empty */
	bool kept;		/* from before: its drop-in can't be read now */
	bool csr_known;		/* a verifier says: it asks for names */
};

struct conf_policy {
	char *title, *where;
	struct conf_wish wish;
};

struct conf_endpoint {
	char *text;		/* as written: ":443", "smtp://:587" */
	char *protocol;		/* "tls", "smtp" ... */
	char *address;		/* "" this machine, "public", host, address */
	uint32_t port;
	bool from_preset;	/* nothing listening there is no failure */
};

struct conf_service {
	char *title, *where;	/* where is "" without a block, then it is
				 * a preset that may be in use nowhere */
	char *preset;		/* "" if none */
	struct strv check, reload;	/* argv; empty: none */
	char *user;
	int64_t timeout_ms, reload_delay_ms, reload_interval_ms;
	int64_t probe_timeout_ms;
	struct conf_endpoint *endpoints;
	size_t endpoints_n;
	bool rollback, allow_test_ca;
};

struct conf_ca {
	char *title, *where;
	char *directory;	/* https URL */
	bool agree_tos;
	struct strv email;
	char *trust_file;	/* "": the system's */
	struct blob trust;	/* its bytes, read by master; else empty */
	int64_t max_orders;
	bool test_ca;		/* its certificates are for tests */
	char *eab_kid;		/* "" for none */
	char *eab_key_file;	/* base64url, read by master for the keeper */
	char *eab_algorithm;	/* "hs256" "hs384" "hs512" */
	char *proxy;		/* "" for none */
	char *http_version;	/* "auto" "1.1" "2" */
	char *account_key;	/* URI of a key that is in a token; "": the
				 * keeper's own. The engine's has no PIN */
};

/* How TXT records are written: by dynamic update, or by a program. */
struct conf_dns {
	char *title, *where;
	char *server;		/* address[:port] of RFC 2136; "" with a
				 * program */
	char *key_file;		/* TSIG, read by master for the keeper */
	char *key_name, *key_alg;	/* what it says; NULL without one. The
				 * secret is nowhere here */
	struct strv program;	/* argv; empty with a server */
	char *adapter;		/* "everleaf" "acme.sh" "lego" ... */
	char *env_file;		/* KEY=value lines for the program */
	struct strv zones;	/* canonical; empty: any */
	char *user;
	int64_t wait_ms, timeout_ms, ttl_ms;
};

/* A file that could not be read and whose wishes keep their last settings; or
 * one certificate whose csr-file can't be used. */
struct conf_problem {
	char *title;		/* of that one; NULL: the file as a whole */
	char *where;		/* "/etc/everleaf/conf.d/beta.conf:4" */
	char *text;
	uint32_t kept;		/* wishes that live on from before */
};

struct conf {
	bool agree_tos;
	struct strv email, http_listen, tls_alpn_listen;
	struct strv resolver;	/* address[:port] or https URL; empty: the
				 * system's */
	char *api_group, *log_level, *state_dir, *run_dir;
	struct strv token_directories;	/* where a token's module writes */
	char *file;		/* the main file */
	int64_t loaded_ms;

	struct conf_cert *certs;
	size_t certs_n;
	struct conf_policy *policies;
	size_t policies_n;
	struct conf_service *services;	/* blocks, and every preset (a wish
					 * from the API may name it) */
	size_t services_n;
	struct conf_ca *cas;		/* the same */
	size_t cas_n;
	struct conf_dns *dns;
	size_t dns_n;
	struct conf_problem *problems;
	size_t problems_n;
};

void conf_free(struct conf *c);

/* By title; NULL if there is none. The lists are sorted by title. */
const struct conf_cert *conf_cert(const struct conf *c, const char *title);
const struct conf_policy *conf_policy(const struct conf *c, const char *title);
const struct conf_service *conf_service(const struct conf *c,
    const char *title);
const struct conf_ca *conf_ca(const struct conf *c, const char *title);
const struct conf_dns *conf_dns(const struct conf *c, const char *title);
/* Where orders to this CA can be tried: a CA for tests is its own staging; else
 * it is the block of its title with "-staging", or what the known CA of its
 * directory has under such a name. NULL: none is known. */
const struct conf_ca *conf_staging(const struct conf *c,
    const struct conf_ca *ca);

/* True if the certificate of this title, or as a whole the file of `where`
 * (FILE:LINE), is among the problems: a wish from there that is not in certs
 * has not been taken back. (There may be no configuration from before to keep
 * it from.) */
bool conf_is_unsaid(const struct conf *c, const char *title,
    const char *where);
/* There is a file that could not be read as a whole. */
bool conf_has_bad_file(const struct conf *c);

/* Merges wish over its policy over the built-in defaults: every key is there
 * afterwards (challenge "auto" is resolved by the names: here http-01, or
 * dns-01 for wildcards). The caller frees it with conf_wish_free. */
struct conf_wish conf_effective(const struct conf *c,
    const struct conf_wish *wish);
/* The same; the built-in defaults are those that are written here (NULL:
 * none), else today's. */
struct conf_wish conf_effective_since(const struct conf *c,
    const struct conf_wish *wish, const struct conf_wish *defaults);
/* Nothing is written: every key absent. conf_wish_free() frees it. */
void conf_wish_blank(struct conf_wish *w);
void conf_wish_free(struct conf_wish *w);
/* The rules that hold for a wish from a file and from the API alike: names,
 * titles, known policy, ca, services, challenge; and more for the API: a
 * webroot must be named by a file, a csr-file and a group come from files
 * alone. `what` begins the error: "certificate \"shop.example\"". Canonicalises
 * names, and dns, in place. */
int conf_wish_check(const struct conf *c, struct conf_wish *w,
    const char *what, struct err *err);

/* A key-type as it was written, without the "experimental:" in front. */
const char *conf_key_type(const char *said);
/* One of those types, without it: no public CA takes such keys. */
bool conf_is_experimental(const char *type);

/* A certificate or policy names this directory as a webroot. */
bool conf_has_webroot(const struct conf *c, const char *path);

/* Some account key is in a token. */
bool conf_has_token(const struct conf *c);
/* A URI as people and the engine may see it: "***" instead of the PIN in it.
 * The caller frees it. */
char *conf_uri_shown(const char *uri);

/* Bytes for the engine and back: the same table drives both; of URIs without
 * the PIN. */
struct blob conf_pack(const struct conf *c);
struct conf *conf_unpack(const void *p, size_t n, struct err *err);

/* `everleafd -T`, `everleaf config show`: the effective configuration in its
 * own syntax. */
void conf_show(const struct conf *c, bool with_constants, struct buf *out);
#endif
