/* Every message between our processes: who sends it, what it holds. The
 * tables in wire.c say how each field is checked; DESIGN section 2 says why a
 * process may ask for no more than this. Linked into all programs. */
#ifndef DAEMON_WIRE_H
#define DAEMON_WIRE_H
#include <stdint.h>
#include "base/msg.h"

/* The descriptors that a child finds open when it starts; all others are
 * closed. Absent ones are closed too. */
enum wire_fd {
	WIRE_FD_MASTER = 3,	/* all: channel to the master */
	WIRE_FD_KEEPER = 4,	/* engine: channel to the keeper */
	WIRE_FD_RESPONDER = 5,	/* engine: channel to the responder */
	WIRE_FD_CONFIG = 6,	/* engine: conf_pack() in a sealed memfd */
	WIRE_FD_API = 7,	/* engine: listening API socket */
	WIRE_FD_STATE = 8,	/* engine: its state directory (db/), O_PATH;
				 * argv[1] is "first" as the daemon starts */
	WIRE_FD_TOKEN = 9,	/* engine: channel to the token */
	WIRE_FD_LISTEN = 9	/* responder: first of its listening sockets;
				 * argv[1] says how many are for http-01,
				 * argv[2] how many follow for tls-alpn-01. It
				 * starts in an empty directory, with the
				 * capability to chroot(".") if it has a user
				 * of its own */
};

enum wire_kind {
	/* any answer */
	WIRE_OK = 1,		/* struct w_empty: done */
	WIRE_FAILED,		/* struct w_failed */

	/* any child to the master, no answer */
	WIRE_CONFINED = 5,	/* struct w_confined: how it has confined
				 * itself; also the answer to SECURITY */

	/* master to a child, no answer */
	WIRE_PEER = 10,		/* struct w_peer + 1 fd: your new channel */
	WIRE_DRAIN,		/* struct w_drain: engine: no new step, commit,
				 * exit within 10 s */
	WIRE_BAD_CONF,		/* struct w_bad_conf: engine: a signal asked for
				 * a reload, and this is why there was none */

	/* master to keeper */
	WIRE_KEK = 20,		/* struct w_kek -> OK; before all else */
	WIRE_OPEN,		/* struct w_open -> OPENED */
	WIRE_OPENED,		/* struct w_opened */
	WIRE_FORGET,		/* struct w_empty -> OK: all secrets, before
				 * those of a new configuration */
	WIRE_SECRET,		/* struct w_secret -> OK */
	WIRE_ARM,		/* struct w_arm -> OK */
	WIRE_IMPORT,		/* struct w_import -> KEY */
	WIRE_EXPORT,		/* struct w_export -> EXPORTED; by the engine
				 * to the master -> OK: an operator has it */
	WIRE_EXPORTED,		/* struct w_exported */

	/* engine to keeper */
	WIRE_ACCOUNT_KEY = 30,	/* struct w_account_key -> KEY */
	WIRE_KEY,		/* struct w_key */
	WIRE_CSR,		/* struct w_csr -> CSR_DONE */
	WIRE_CSR_DONE,		/* struct w_csr_done */
	WIRE_PLACEHOLDER,	/* struct w_placeholder -> PLACED */
	WIRE_PLACED,		/* struct w_placed */
	WIRE_JWS,		/* struct w_jws -> JWS_DONE */
	WIRE_JWS_DONE,		/* struct w_jws_done */
	WIRE_TSIG,		/* struct w_tsig -> MAC */
	WIRE_MAC,		/* struct w_mac */

	/* engine to responder */
	WIRE_PUBLISH = 50,	/* struct w_publish -> OK */
	WIRE_WITHDRAW,		/* struct w_withdraw -> OK */

	/* engine to master */
	WIRE_BEAT = 60,		/* struct w_empty, no answer: alive */
	WIRE_INSTALL,		/* struct w_install -> OK */
	WIRE_FLIP,		/* struct w_generation -> OK: this one live */
	WIRE_LIVE,		/* struct w_generation, no gen -> IS_LIVE */
	WIRE_IS_LIVE,		/* struct w_is_live */
	WIRE_PRUNE,		/* struct w_generation -> OK: remove it */
	WIRE_PURGE,		/* struct w_purge -> OK: remove all of it */
	WIRE_RUN,		/* struct w_run -> RAN */
	WIRE_RAN,		/* struct w_ran */
	WIRE_RELOAD,		/* struct w_reload -> RELOADED */
	WIRE_RELOADED,		/* struct w_reloaded */
	WIRE_WEBROOT,		/* struct w_webroot -> OK */
	WIRE_RUN_DNS = 76,	/* struct w_run_dns -> RAN */
	WIRE_SECURITY = 90,	/* struct w_empty -> CONFINED, of all */
	WIRE_SURVEY,		/* struct w_generation: the next one on disk
				 * after this -> SURVEYED */
	WIRE_SURVEYED,		/* struct w_surveyed */
	WIRE_RESEAL,		/* struct w_reseal -> KEY: that of this
				 * generation, for the inventory */

	/* master to token; also SECRET and ARM */
	WIRE_TOKEN = 100,	/* struct w_token -> OK */

	/* engine to token */
	WIRE_TOKEN_KEY,		/* struct w_token_key -> KEY */
	WIRE_TOKEN_JWS,		/* struct w_jws -> JWS_DONE; its `sealed` is
				 * what wire_token_ref() gives */

	/* master to verifier */
	WIRE_VERIFY = 80,	/* struct w_verify + fds privkey cert chain
				 * fullchain combined, or csr cert chain
				 * fullchain, read only -> VERDICT */
	WIRE_VERDICT,		/* struct w_verdict */
	WIRE_READ_CSR,		/* struct w_read_csr -> CSR_NAMES */
	WIRE_CSR_NAMES		/* struct w_csr_names */
};

struct w_empty {
	uint8_t unused;
};

struct w_drain {
	uint8_t ends;		/* the daemon; 0: another engine follows */
};

struct w_bad_conf {
	char *line;		/* for people */
};

struct w_confined {
	struct strv lines;	/* "seccomp: on" */
};

struct w_failed {
	char *code;		/* err_code_name() */
	char *text, *advice;
};

struct w_peer {
	uint8_t peer;		/* to the engine: 1 keeper, 2 responder,
				 * 3 token */
};

struct w_kek {
	struct blob kek;	/* 32 bytes */
	uint32_t kek_id;
};

struct w_open {
	uint64_t cert;
	uint32_t version;
	struct blob sealed;
};

struct w_opened {
	uint64_t cert;
	uint32_t version;
	struct blob key;	/* PEM, PKCS#8 */
};

struct w_account_key {
	uint64_t account;
	char *origin;		/* "https://host[:port]" that it may sign for */
	char *alg;		/* "ecdsa-p256", "rsa-3072" ... */
};

struct w_key {
	struct blob sealed;
	struct blob spki;	/* DER SubjectPublicKeyInfo */
};

struct w_csr {
	uint64_t cert;
	uint32_t version;
	char *alg;		/* "ecdsa-p256", "rsa-3072" ... */
	struct blob sealed;	/* empty: make a new key */
	uint32_t from;		/* the version that sealed is of; 0: this */
	struct strv names;	/* canonical, name_parse() */
	uint8_t must_staple;	/* RFC 7633 */
};

struct w_csr_done {
	struct blob sealed, spki;
	struct blob csr;	/* DER */
};

struct w_placeholder {
	uint64_t cert;
	char *alg;
	struct strv names;
	int64_t now_ms;		/* valid from here for 7 days */
};

struct w_placed {
	struct blob sealed, spki;
	struct blob leaf;	/* DER, self-signed */
};

/* Secrets that a file of the configuration names. Two kinds never share one,
 * so what is signed for one purpose is nothing for the other. */
enum secret_kind { SECRET_EAB = 1, SECRET_TSIG };

enum { WIRE_SECRET_MAX = 512 };	/* bytes; no HMAC gains by more */

struct w_secret {
	uint8_t kind;
	char *name;		/* title of the ca or dns block */
	char *alg;		/* EAB: "hs256"; TSIG: "hmac-sha256" ... */
	struct blob secret;
};

/* What an operator must allow one by one (daemon/operator.h). */
enum arm_what { ARM_REVOKE = 1, ARM_KEY_CHANGE, ARM_DEACTIVATE,
	ARM_EXPORT, ARM_WHAT_COUNT };

struct w_arm {
	uint8_t what;
	uint64_t object;	/* certificate, or account */
	uint32_t version;	/* of the certificate; else 0 */
	uint32_t seconds;	/* from now; 0: disarm */
	struct blob digest;	/* SHA-256 of the certificate's DER; empty:
				 * any that has that version's key */
	char *origin, *ca;	/* of the account's CA, as the configuration
				 * has it; empty: a certificate, or disarm */
};

struct w_import {
	uint64_t object;	/* account, or certificate */
	uint32_t version;	/* 0: an account */
	char *origin;		/* of the account; else empty */
	struct blob key;	/* PEM or DER, unencrypted */
};

/* The key of an account, for an operator who has armed that. */
struct w_export {
	uint64_t account;
	struct blob sealed;
};

struct w_exported {
	struct blob key;	/* PEM, PKCS#8 */
};

/* A DNS message (or what stands for it, RFC 8945 section 4.3). */
struct w_tsig {
	char *dns;		/* title of the dns block */
	struct blob message;
};

struct w_mac {
	struct blob mac;
};

/* The key of an account that is in a token, as the configuration has it. */
struct w_token {
	char *ca;		/* title of its block */
	char *origin;		/* that it may sign for */
	char *shown;		/* its URI without the PIN */
	struct blob uri;
};

struct w_token_key {
	char *ca;
};

/* The kinds of JWS that the keeper composes; see acme/jws.h. */
struct w_jws {
	uint64_t account;
	struct blob sealed;	/* the account's key */
	uint8_t what;		/* enum jws_what */
	char *url, *nonce, *kid;
	struct strv contacts;	/* "mailto:..." */
	uint8_t agreed;		/* terms of service */
	struct strv names;	/* new order */
	char *profile, *replaces, *not_before, *not_after;
	struct blob csr;	/* finalize: DER */
	uint8_t existing;	/* new account: only look it up */
	char *eab, *eab_kid;	/* new account: title of the ca block whose
				 * HMAC key binds it, and its id there */
	struct blob next;	/* key change: the new key, sealed for the
				 * same account */
	/* revoke: the certificate, whose it is, and its key: to sign with
	 * it, or to prove that it is that version's */
	struct blob leaf;	/* DER */
	uint8_t reason, by_cert;
	uint64_t cert;
	uint32_t version;
	struct blob cert_sealed;
};

struct w_jws_done {
	struct blob jws;	/* flattened JSON, RFC 7515 section 7.2.2 */
};

struct w_publish {
	char *token, *host, *keyauth;
	char *type;		/* "http-01", "tls-alpn-01" */
};

struct w_withdraw {
	char *token, *host;
	char *type;
};

/* A complete generation (security.md section 5.2, steps 1 to 7). */
struct w_install {
	uint64_t cert;
	char *name;		/* title: the alias under live/ */
	uint32_t gen, version;
	uint8_t placeholder;
	uint8_t from_file;	/* the wish stands in a configuration file */
	char *policy;		/* for a wish given at run time */
	struct blob sealed;	/* the key, for the keeper to open; empty: it
				 * is that of the CSR that our configuration
				 * has for this name */
	struct blob leaf, chain;	/* PEM; chain may be empty */
	struct strv names;
	struct blob meta;	/* meta.json, printable */
};

struct w_generation {
	uint64_t cert;
	uint32_t gen;
};

struct w_is_live {
	uint32_t gen;		/* 0: nothing is live */
};

/* Bytes of a chain, wherever one crosses; and of all files of a generation
 * together, which must fit into one SURVEYED. */
enum { WIRE_CHAIN_MAX = 128 * 1024, WIRE_FILES_MAX = MSG_MAX - 2048 };

/* Generations come by certificate, then by number. */
struct w_surveyed {
	uint64_t cert;		/* 0: there are no more */
	uint32_t gen;
	uint8_t live;
	char *why;		/* empty, or why the rest is empty */
	struct blob meta, leaf, chain;	/* the files */
};

struct w_reseal {
	uint64_t cert;
	uint32_t gen, version;
};

struct w_purge {
	uint64_t cert;
	char *name;
};

enum run_what { RUN_CHECK = 1, RUN_RELOAD };
enum run_event { RUN_DEPLOY = 1, RUN_ROLLBACK };

enum { RUN_INPUT_MAX = 160 * 1024 };	/* leaves room for 100 names */

/* Runs a program that the configuration names. `run` is chosen by the engine
 * and durable: asked again for a run that is under way or has just ended, the
 * master joins it and does not start a second one. */
struct w_run {
	uint64_t run;
	char *service;
	uint8_t what, event;	/* enum run_what, enum run_event */
	uint32_t count;		/* certificates in this reload */
	uint64_t cert;		/* if count is 1 */
	char *name;		/* title, if count is 1 */
	struct strv names;	/* if count is 1 */
	struct blob input;	/* stdin: JSON, interface.md section 8 */
};

enum run_dns { RUN_DNS_ADD = 1, RUN_DNS_REMOVE };

/* The same for the program of a dns block (interface.md section 8). */
struct w_run_dns {
	uint64_t run;
	char *dns;		/* the block's title */
	uint8_t what;		/* enum run_dns */
	uint8_t test;		/* somebody tries the block */
	char *name;		/* certificate's title; "" if there is none */
	char *ident;		/* name that is proved, without "*." */
	char *record, *value;	/* TXT */
	char *token, *keyauth;	/* for programs that make the value */
};

enum ran_how {
	RAN_EXITED = 1,		/* code = exit status */
	RAN_SIGNALLED,		/* code = signal */
	RAN_TIMEOUT,		/* killed at the service's time-out */
	RAN_REFUSED		/* not started: why says the reason */
};

struct w_ran {
	uint64_t run;
	uint8_t how;
	uint32_t code;
	uint32_t left_behind;	/* descendants alive after a normal exit */
	int64_t took_ms;
	char *why;
	char *code_name;	/* err_code_name() of why; empty if none */
	struct blob output;	/* at most 64 KiB, raw */
};

struct w_reload {
	uint8_t dry;		/* say what would happen */
	uint8_t yes;		/* even if many wishes vanish */
};

struct w_reloaded {
	uint8_t good;
	struct strv lines;	/* errors, or the difference, for people */
};

/* A token file of http-01. The path only chooses one of those that the
 * master's configuration names; to remove, it may also be one where this
 * token was put before. */
struct w_webroot {
	uint8_t remove;
	char *path, *token, *keyauth;
};

struct w_verify {
	struct strv names;
	uint8_t any_names;	/* a flip to what has passed before */
	int64_t now_ms;
	uint8_t placeholder;
	uint8_t allow_test_ca;
	uint8_t own_key;	/* a CSR stands for the key */
};

struct w_read_csr {
	struct blob csr;	/* DER */
};

struct w_csr_names {
	struct strv names;	/* canonical; empty: why */
	char *why, *advice;
};

/* The verifier's answers are exit codes of its sandboxed child. */
#define VERDICTS(X) \
	X(FINE, "") \
	X(UNREADABLE, "a staged file cannot be read") \
	X(NO_KEY, "privkey.pem holds no private key") \
	X(NO_LEAF, "cert.pem holds no certificate, or more than one") \
	X(MISMATCH, "the private key does not belong to the certificate") \
	X(NAMES, "the certificate does not cover the names that were asked") \
	X(NOT_YET, "the certificate is not valid yet") \
	X(EXPIRED, "the certificate has expired") \
	X(CHAIN, "the chain does not link up") \
	X(IS_CA, "the first certificate is one of a CA") \
	X(FILES_DIFFER, "the files do not hold the same certificate and key") \
	X(TEST_CA, "it is of a test CA, which its service does not allow") \
	X(NO_CSR, "csr.der holds no CSR") \
	X(OTHER_KEY, "the certificate is not for the key of the CSR") \
	X(BROKEN, "the verifier ended without an answer")
enum verdict {
#define X(sym, text) VERDICT_##sym,
	VERDICTS(X)
#undef X
	VERDICT_COUNT
};
const char *verdict_text(uint32_t v);	/* BROKEN's for what is unknown */

struct w_verdict {
	uint32_t verdict;
};

/* What stands where other accounts have a sealed key: says which block and
 * which key. The caller frees it. */
char *wire_token_ref(const char *ca, const char *shown);

extern const struct msg_spec wire_specs[];	/* ends with name NULL */

/* Sends the struct of that kind. -1: errno. */
int wire_send(int fd, enum wire_kind kind, uint32_t id, const void *st);
/* Answers FAILED with err. */
/* An error as a message; its texts are borrowed. */
struct w_failed wire_failed(const struct err *err);
int wire_fail(int fd, uint32_t id, const struct err *err);
/* Reads FAILED back into err. */
void wire_failed_err(const struct w_failed *f, struct err *err);
#endif
