/* Life and death of the engine, and its outside apart from disk and servers:
 * HTTP to the CA, keeper, responder, chance. */
#include <config.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "acme/jws.h"
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/bundle.h"
#include "daemon/cas.h"
#include "daemon/chance.h"
#include "daemon/conf_read.h"
#include "daemon/engine.h"
#include "daemon/http.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/machine.h"
#include "daemon/peers.h"
#include "tests/sim/disk.h"
#include "tests/sim/sim.h"

enum { LATENCY_MS = 20, PEER_MS = 1, TOKENS_MAX = 4096 };

static struct {
	bool dead, sqlite;
	char die_in[65];	/* service */
	int64_t die_after, commits;
	int64_t install_ms, flip_ms;	/* more than a message takes */
	bool die_before;	/* ... that commit, and not after it */
	bool no_account;	/* it can't be read, once */
	bool starting;
	jmp_buf started;
	bool loses_staged;
	uint32_t seed;
	char dir[64], conf[96], db[96], wrong[300];
	struct store *memory;
	uint32_t account_keys;	/* made so far */
	struct buf jwk;		/* of the key that was last signed with */
	char thumb[44];
	const void *jwk_of;
	bool armed;
	char outcome[64];
	struct { char token[64], host[256], keyauth[256]; } tokens[TOKENS_MAX];
	size_t tokens_n;
	int http_open, peers_open;
} world;

/* --- what must never be ------------------------------------------------ */

void
sim_set_wrong(const char *fmt, ...)
{
	va_list ap;

	if (world.wrong[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(world.wrong, sizeof(world.wrong), fmt, ap);
	va_end(ap);
}

const char *
sim_wrong(void)
{
	return world.wrong;
}

/* --- commits, counted; the store outlives its process ------------------ */

void __real_store_commit(struct store *s, struct batch *b, store_done *done,
    void *ctx);
void __wrap_store_commit(struct store *s, struct batch *b, store_done *done,
    void *ctx);
void __real_store_stage(struct store *s, struct batch *b);
void __wrap_store_stage(struct store *s, struct batch *b);
void __real_store_read(struct store *s, const struct query *q, int n,
    store_rows *done, void *ctx);
void __wrap_store_read(struct store *s, const struct query *q, int n,
    store_rows *done, void *ctx);
void __real_store_close(struct store *s);
void __wrap_store_close(struct store *s);

static void
ignore(void *ctx, const struct err *err)
{
	(void)ctx;
	(void)err;
}

/* What was staged dies with its process. A file forgets it when it is closed;
 * the store in memory when its commit fails, as one with too big a row does. */
static void
lose_staged(struct store *s)
{
	struct row_meta row = { (char[]){ "too big" }, NULL };
	struct batch *b = batch_new();

	row.value = xcalloc(STORE_ROW_MAX + 1, 1);
	memset(row.value, 'x', STORE_ROW_MAX);
	batch_put(b, T_META, &row);
	free(row.value);
	__real_store_commit(s, b, ignore, NULL);
}

void
__wrap_store_commit(struct store *s, struct batch *b, store_done *done,
    void *ctx)
{
	if (!world.dead && world.die_before && world.die_after == 1) {
		world.die_after = 0;
		world.dead = true;
		lose_staged(s);
	}
	if (world.dead) {
		batch_free(b);
		return;
	}
	__real_store_commit(s, b, done, ctx);
	world.commits++;
	if (world.die_after > 0 && --world.die_after == 0)
		world.dead = true;
}

void
__wrap_store_stage(struct store *s, struct batch *b)
{
	if (world.dead)
		batch_free(b);
	else
		__real_store_stage(s, b);
}

/* The dead get no answers either: they would go on as if what they changed
 * were there. */
void
__wrap_store_read(struct store *s, const struct query *q, int n,
    store_rows *done, void *ctx)
{
	struct err err;

	if (world.dead)
		return;
	if (!world.no_account || q[n - 1].table != T_ACCOUNT ||
	    strcmp(q[n - 1].where[0].text, "sim") != 0) {
		__real_store_read(s, q, n, done, ctx);
		return;
	}
	world.no_account = false;
	err_set(&err, ERR_STORE, "the disk is slow today");
	done(ctx, NULL, n, &err);
}

void
sim_account_unreadable(void)
{
	world.no_account = true;
}

/* The engine ends itself: at its start that is all that it does. */
void __real_exit(int code) __attribute__((noreturn));
void __wrap_exit(int code) __attribute__((noreturn));

void
__wrap_exit(int code)
{
	if (!world.starting)
		__real_exit(code);
	sim_die();
	longjmp(world.started, 1);
}

void
__wrap_store_close(struct store *s)
{
	if (s != world.memory)
		__real_store_close(s);
}

void
sim_die_at_commit(int64_t n, bool before)
{
	world.die_after = n;
	world.die_before = before;
}

void
sim_install_takes(int64_t ms)
{
	world.install_ms = ms;
}

void
sim_flip_takes(int64_t ms)
{
	world.flip_ms = ms;
}

void
sim_die(void)
{
	world.dead = world.loses_staged = true;
}

void
sim_die_in_run(const char *service)
{
	snprintf(world.die_in, sizeof(world.die_in), "%s", service);
}

int64_t
sim_commits(void)
{
	return world.commits;
}

bool
sim_is_dead(void)
{
	return world.dead;
}

/* --- chance ------------------------------------------------------------ */

uint32_t
chance_luck(void)
{
	world.seed ^= world.seed << 13;
	world.seed ^= world.seed >> 17;
	world.seed ^= world.seed << 5;
	return world.seed;
}

int64_t
chance_id(void)
{
	return (int64_t)((uint64_t)chance_luck() << 31 |
	    chance_luck() >> 1) | 1;
}

/* --- HTTP -------------------------------------------------------------- */

struct http_exchange {
	void (*done)(void *ctx, const struct http_reply *reply);
	void *ctx;
	char method[8], url[300], at[64];
	struct blob body;
	bool cancelled;
};

static const char *
some(const char *s)
{
	return s[0] != '\0' ? s : NULL;
}

struct strv
machine_addresses(void)
{
	struct strv list = { NULL, 0 };

	strv_add(&list, SIM_IPV4);
	strv_add(&list, SIM_IPV6);
	return list;
}

/* What stands on port 80: the responder here, somebody else's server
 * elsewhere. */
static void
port_80(struct http_exchange *x)
{
	char host[256] = "", token[64] = "", keyauth[512] = "";
	char type[] = "text/html", server[] = "nginx/1.22.1";
	struct http_reply r = { .outcome = HTTP_REPLIED, .status = 404,
		.content_type = type, .server = server };

	sscanf(x->url, "http://%255[^/]/.well-known/acme-challenge/%63s",
	    host, token);
	if ((strcmp(x->at, SIM_IPV4) == 0 || strcmp(x->at, SIM_IPV6) == 0) &&
	    sim_token(token, host, keyauth))
		r.status = 200;
	/* Followed by a NUL that does not count. */
	r.body = blob_copy(keyauth, strlen(keyauth) + 1);
	r.body.len--;
	if (!x->cancelled)
		x->done(x->ctx, &r);
	blob_free(&r.body);
	blob_free(&x->body);
	free(x);
}

static void
exchange(void *ctx)
{
	struct http_exchange *x = ctx;
	struct http_reply r;
	struct ca_answer a;
	bool sent, lost;

	world.http_open--;
	if (x->at[0] != '\0') {
		port_80(x);
		return;
	}
	memset(&r, 0, sizeof(r));
	lost = ca_handle(x->method, x->url, &x->body, &a, &sent);
	if (lost) {
		r.outcome = sent ? HTTP_LOST : HTTP_NOT_SENT;
		err_set(&r.err, ERR_CA_DOWN, "ca.sim does not answer");
	}
	r.status = a.status;
	r.content_type = (char *)(uintptr_t)some(a.content_type);
	r.location = (char *)(uintptr_t)some(a.location);
	r.retry_after = (char *)(uintptr_t)some(a.retry_after);
	r.nonce = (char *)(uintptr_t)some(a.nonce);
	r.body = a.body;
	if (!x->cancelled)
		x->done(x->ctx, &r);
	blob_free(&a.body);
	blob_free(&x->body);
	free(x);
}

struct http_exchange *
http_send(const struct http_request *r,
    void (*done)(void *ctx, const struct http_reply *reply), void *ctx)
{
	struct http_exchange *x = xcalloc(1, sizeof(*x));

	x->done = done;
	x->ctx = ctx;
	snprintf(x->method, sizeof(x->method), "%s", r->method);
	snprintf(x->url, sizeof(x->url), "%s", r->url);
	snprintf(x->at, sizeof(x->at), "%s", r->at != NULL ? r->at : "");
	x->body = blob_copy(r->body.p, r->body.len);
	world.http_open++;
	/* One CA never says a word. */
	if (!world.dead && strncmp(x->url, "https://silent.sim/", 19) != 0)
		sim_post(LATENCY_MS + chance_luck() % LATENCY_MS, exchange, x);
	return x;
}

void
http_cancel(struct http_exchange *x)
{
	x->cancelled = true;
}

int
http_pending(void)
{
	return world.http_open;
}

/* --- keeper ------------------------------------------------------------ */

static struct blob
spki_of(EVP_PKEY *key)
{
	unsigned char *p = NULL;
	struct blob out;
	int n = i2d_PUBKEY(key, &p);

	out = blob_copy(p, (size_t)n);
	OPENSSL_free(p);
	return out;
}

static struct blob
sealed_name(uint64_t object, uint32_t version)
{
	char text[64];

	snprintf(text, sizeof(text), "sealed %llx %u",
	    (unsigned long long)object, version);
	return blob_copy(text, strlen(text));
}

/* The nth key that was made is the nth of the pool. */
static void *
account_key(const struct w_account_key *m)
{
	struct w_key *out = xcalloc(1, sizeof(*out));

	world.account_keys++;
	out->sealed = sealed_name(m->account, world.account_keys);
	out->spki = spki_of(sim_key(0, world.account_keys));
	return out;
}

static char *
san_of(const struct strv *names)
{
	struct buf b;
	size_t i;

	buf_init(&b, 20000);
	for (i = 0; i < names->n; i++)
		buf_printf(&b, "%sDNS:%s", i > 0 ? "," : "", names->v[i]);
	return buf_take(&b);
}

static void *
csr(const struct w_csr *m)
{
	struct w_csr_done *out = xcalloc(1, sizeof(*out));
	EVP_PKEY *key = sim_key(m->cert, m->version);
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	X509_REQ *req = X509_REQ_new();
	unsigned char *p = NULL;
	char *san = san_of(&m->names);
	int n;

	sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
	    NID_subject_alt_name, san));
	if (m->must_staple)
		sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
		    NID_tlsfeature, "status_request"));
	X509_REQ_add_extensions(req, exts);
	X509_REQ_set_pubkey(req, key);
	X509_REQ_sign(req, key, EVP_sha256());
	n = i2d_X509_REQ(req, &p);
	out->csr = blob_copy(p, (size_t)n);
	out->spki = spki_of(key);
	out->sealed = sealed_name(m->cert, m->version);
	OPENSSL_free(p);
	free(san);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	return out;
}

static void *
placeholder(const struct w_placeholder *m)
{
	struct w_placed *out = xcalloc(1, sizeof(*out));
	EVP_PKEY *key = sim_key(m->cert, 0);
	X509 *x = X509_new();
	unsigned char *p = NULL;
	char *san = san_of(&m->names);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL,
	    NID_subject_alt_name, san);
	int n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set_int64(X509_get_serialNumber(x),
	    (int64_t)(m->cert & INT64_MAX));
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(m->now_ms / 1000) -
	    3600);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(m->now_ms / 1000) +
	    7 * 86400);
	X509_set_pubkey(x, key);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	X509_sign(x, key, EVP_sha256());
	n = i2d_X509(x, &p);
	out->leaf = blob_copy(p, (size_t)n);
	out->spki = spki_of(key);
	out->sealed = sealed_name(m->cert, 0);
	OPENSSL_free(p);
	free(san);
	X509_free(x);
	return out;
}

/* The jwk of a key that account_key() sealed, and its thumbprint. The last one
 * is kept: nearly every request is signed with it. It goes with its world: the
 * next one may have another key at the same address. */
static void
jwk_of(struct buf *jwk, char thumb[44], const struct blob *sealed)
{
	char text[64] = "";
	unsigned int n = 0;
	struct blob spki;
	struct err err;

	memcpy(text, sealed->p, sealed->len < 63 ? sealed->len : 63);
	sscanf(text, "sealed %*x %u", &n);
	if (world.jwk_of != sim_key(0, n)) {
		world.jwk_of = sim_key(0, n);
		buf_free(&world.jwk);
		buf_init(&world.jwk, 1000);
		spki = spki_of(sim_key(0, n));
		jws_jwk(&world.jwk, spki.p, spki.len, &err);
		jws_thumbprint(world.thumb, world.jwk.data, world.jwk.len);
		blob_free(&spki);
	}
	buf_puts(jwk, world.jwk.data);
	memcpy(thumb, world.thumb, sizeof(world.thumb));
}

static void
jwk_of_cert(struct buf *jwk, char thumb[44], const struct w_jws *m)
{
	struct blob spki = spki_of(sim_key(m->cert, m->version));
	struct err err;

	jws_jwk(jwk, spki.p, spki.len, &err);
	jws_thumbprint(thumb, jwk->data, jwk->len);
	blob_free(&spki);
}

/* What the keeper puts inside of some requests. */
static void
inner_of(struct buf *inner, const struct w_jws *m, const char *jwk)
{
	struct buf next, input;
	char unused[44];
	struct err err;

	buf_init(&next, 1000);
	buf_init(&input, 10000);
	if (m->what == JWS_KEY_CHANGE) {
		jwk_of(&next, unused, &m->next);
		jws_change(&input, JWS_ES256, next.data, m->url, m->kid, jwk,
		    &err);
	} else
		jws_eab(&input, JWS_HS256, m->eab_kid, m->url, jwk, &err);
	jws_flatten(inner, &input, "signed", 6);
	buf_free(&next);
	buf_free(&input);
}

static bool
is_armed(const struct w_jws *m, struct err *err)
{
	if (m->what < JWS_KEY_CHANGE || world.armed)
		return true;
	err_set(err, ERR_NEEDS_OPERATOR, "nobody has armed it");
	return false;
}

static void *
jws(const struct w_jws *m, struct err *err)
{
	struct jws_request r = { .what = m->what, .url = m->url,
		.nonce = m->nonce, .kid = m->kid, .contacts = &m->contacts,
		.agreed = m->agreed, .names = &m->names,
		.profile = m->profile, .replaces = m->replaces,
		.not_before = m->not_before, .not_after = m->not_after,
		.csr = m->csr, .existing = m->existing,
		.eab_kid = m->eab_kid, .cert = m->leaf, .reason = m->reason,
		.signer = m->by_cert ? JWS_BY_CERT : JWS_BY_ACCOUNT };
	struct w_jws_done *out = NULL;
	struct buf jwk, inner, input, flat;
	char thumb[44];

	buf_init(&jwk, 1000);
	buf_init(&inner, 10000);
	buf_init(&input, 100000);
	buf_init(&flat, 100000);
	if (m->by_cert)
		jwk_of_cert(&jwk, thumb, m);
	else
		jwk_of(&jwk, thumb, &m->sealed);
	if (m->what == JWS_KEY_CHANGE || m->eab_kid[0] != '\0')
		inner_of(&inner, m, jwk.data);
	r.inner = inner.data;
	if (is_armed(m, err) && jws_compose(&input, &r, JWS_ES256,
	    "https://ca.sim", jwk.data, err) == 0) {
		jws_flatten(&flat, &input, thumb, 43);
		out = xcalloc(1, sizeof(*out));
		out->jws = blob_copy(flat.data, flat.len);
	}
	buf_free(&jwk);
	buf_free(&inner);
	buf_free(&input);
	buf_free(&flat);
	return out;
}

/* --- an operator ------------------------------------------------------- */

static void
operator_done(void *ctx, const struct err *err)
{
	(void)ctx;
	snprintf(world.outcome, sizeof(world.outcome), "%s", err == NULL ?
	    "ok" : err_code_name(err->code));
}

static void
roll(void *ctx)
{
	ca_rollover(ctx, "ecdsa-p256", operator_done, NULL);
}

static void
give_up(void *ctx)
{
	ca_deactivate(ctx, operator_done, NULL);
}

void
sim_rollover(const char *ca, bool armed)
{
	world.armed = armed;
	world.outcome[0] = '\0';
	sim_post(1, roll, cas_find(ca));
}

void
sim_deactivate(const char *ca, bool armed)
{
	world.armed = armed;
	world.outcome[0] = '\0';
	sim_post(1, give_up, cas_find(ca));
}

struct revoke {
	char name[128];
	struct act_revoke how;
};

static void
take_back(void *ctx)
{
	struct revoke *r = ctx;

	act_revoke(r->name, &r->how, "uid:0", operator_done, NULL);
	free(r);
}

void
sim_take_back(const char *name, bool armed, const char *how)
{
	struct revoke *r = xcalloc(1, sizeof(*r));

	world.armed = armed;
	world.outcome[0] = '\0';
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->how.at_once = strncmp(how, "at-once", 7) == 0;
	r->how.reason = strstr(how, "compromised") != NULL ? 1 : -1;
	sim_post(1, take_back, r);
}

const char *
sim_outcome(void)
{
	return world.outcome;
}

/* --- responder and webroots -------------------------------------------- */

static char empty[] = "";

/* Where it is, or world.tokens_n. */
static size_t
token_at(const char *token, const char *host)
{
	size_t i = 0;

	while (i < world.tokens_n &&
	    (strcmp(world.tokens[i].token, token) != 0 ||
	    strcmp(world.tokens[i].host, host) != 0))
		i++;
	return i;
}

static void
publish(const struct w_publish *m)
{
	size_t i = token_at(m->token, m->host);

	if (i < world.tokens_n)
		return;
	if (world.tokens_n == TOKENS_MAX) {
		sim_set_wrong("more than %d tokens", TOKENS_MAX);
		return;
	}
	snprintf(world.tokens[i].token, 64, "%s", m->token);
	snprintf(world.tokens[i].host, 256, "%s", m->host);
	snprintf(world.tokens[i].keyauth, 256, "%s", m->keyauth);
	world.tokens_n++;
}

static void
withdraw(const struct w_withdraw *m)
{
	size_t i = token_at(m->token, m->host);

	if (i < world.tokens_n)
		world.tokens[i] = world.tokens[--world.tokens_n];
}

/* A file is shown for every name. */
static void
webroot(const struct w_webroot *m)
{
	const struct w_publish up = { .token = m->token, .host = empty,
		.keyauth = m->keyauth };
	const struct w_withdraw down = { .token = m->token, .host = empty };

	if (m->remove)
		withdraw(&down);
	else
		publish(&up);
}

bool
sim_token(const char *token, const char *host, char out[512])
{
	size_t i;

	for (i = 0; i < world.tokens_n; i++)
		if (strcmp(world.tokens[i].token, token) == 0 &&
		    (strcmp(world.tokens[i].host, host) == 0 ||
		    world.tokens[i].host[0] == '\0')) {
			snprintf(out, 512, "%s", world.tokens[i].keyauth);
			return true;
		}
	return false;
}

void
sim_crash_responder(void)
{
	world.tokens_n = 0;
	engine_peer_back(NULL, PEER_RESPONDER);
}

size_t
sim_tokens(void)
{
	return world.tokens_n;
}

/* --- peers ------------------------------------------------------------- */

struct pending {
	peer_done *done;
	void *ctx;
	enum wire_kind kind;	/* of the answer */
	void *answer;
	struct err err;
};

static void
deliver(void *ctx)
{
	struct pending *p = ctx;
	const struct msg_spec *spec = msg_find(wire_specs, (uint16_t)p->kind);

	world.peers_open--;
	p->done(p->ctx, p->answer, p->err.class != ERR_NONE ? &p->err : NULL);
	if (p->answer != NULL) {
		msg_free(spec, p->answer);
		free(p->answer);
	}
	free(p);
}

static void
act(struct pending *p, enum wire_kind kind, const void *st)
{
	switch (kind) {
	case WIRE_ACCOUNT_KEY:
		p->answer = account_key(st);
		p->kind = WIRE_KEY;
		break;
	case WIRE_CSR:
		p->answer = csr(st);
		p->kind = WIRE_CSR_DONE;
		break;
	case WIRE_PLACEHOLDER:
		p->answer = placeholder(st);
		p->kind = WIRE_PLACED;
		break;
	case WIRE_JWS:
		p->answer = jws(st, &p->err);
		p->kind = WIRE_JWS_DONE;
		break;
	case WIRE_PUBLISH:
		publish(st);
		break;
	case WIRE_WEBROOT:
		webroot(st);
		break;
	case WIRE_WITHDRAW:
		withdraw(st);
		break;
	case WIRE_RUN:
		p->answer = disk_run(st);
		p->kind = WIRE_RAN;
		break;
	default:
		disk_act(kind, st, &p->err);
	}
}

void
peer_ask(enum wire_kind kind, const void *st, peer_done *done, void *ctx)
{
	struct pending *p;
	struct blob m;

	if (world.dead)
		return;
	p = xcalloc(1, sizeof(*p));
	p->done = done;
	p->ctx = ctx;
	p->kind = WIRE_OK;
	/* As it would go out: that asserts that each field keeps to its row. */
	m = msg_pack(msg_find(wire_specs, (uint16_t)kind), 1, st);
	blob_wipe(&m);
	act(p, kind, st);
	world.peers_open++;
	if (kind == WIRE_RUN && strcmp(world.die_in,
	    ((const struct w_run *)st)->service) == 0) {
		world.die_in[0] = '\0';
		world.dead = true;
	}
	sim_post(kind == WIRE_RUN ? 100 : PEER_MS +
	    (kind == WIRE_INSTALL ? world.install_ms :
	    kind == WIRE_FLIP ? world.flip_ms : 0), deliver, p);
}

void
peer_tell(enum wire_kind kind, const void *st)
{
	(void)kind;
	(void)st;
}

int
peers_pending(void)
{
	return world.peers_open;
}

/* --- the engine's process ---------------------------------------------- */

static void
write_config(const char *text)
{
	FILE *f = fopen(world.conf, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

void
sim_next_config(const char *config)
{
	write_config(config);
}

static void
start_engine(struct conf *conf, struct store *store)
{
	world.starting = true;
	if (setjmp(world.started) == 0)
		engine_start(conf, store, "");
	world.starting = false;
}

void
sim_start(void)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct store *store = world.memory;
	struct conf *conf = conf_read(world.conf, NULL, loop_now(), &diag);
	struct err err;
	size_t i;

	if (conf == NULL) {
		for (i = 0; i < diag.lines.n; i++)
			fprintf(stderr, "# %s\n", diag.lines.v[i]);
		exit(99);
	}
	strv_free(&diag.lines);
	if (world.sqlite)
		store = store_open_sqlite(world.db, &err);
	if (store == NULL) {
		fprintf(stderr, "# %s\n", err.text);
		exit(99);
	}
	world.dead = false;
	world.http_open = world.peers_open = 0;
	loop_init();
	start_engine(conf, store);
	if (!world.dead)
		turn_end(NULL);
}

static void
stop(void)
{
	world.dead = true;
	sim_forget_all();
	engine_fini();
	if (world.loses_staged && world.memory != NULL)
		lose_staged(world.memory);
	world.loses_staged = false;
	loop_fini();
}

void
sim_crash(void)
{
	stop();
	world.die_after = 0;
	sim_start();
}

static void
drained(void *ctx)
{
	*(bool *)ctx = true;
}

void
sim_reload(const char *config)
{
	bool over = false;
	int i;

	write_config(config);
	engine_drain(false, drained, &over);
	for (i = 0; i < 1000 && !over; i++)
		sim_run(50);
	stop();
	sim_start();
}

void
sim_begin(const struct sim_setup *s)
{
	memset(&world, 0, sizeof(world));
	sim_reset_time();
	world.seed = s->seed * 2654435761u + 1;
	world.sqlite = s->sqlite;
	snprintf(world.dir, sizeof(world.dir), "/tmp/everleaf-sim.XXXXXX");
	if (mkdtemp(world.dir) == NULL)
		abort();
	snprintf(world.conf, sizeof(world.conf), "%s/everleaf.conf",
	    world.dir);
	snprintf(world.db, sizeof(world.db), "%s/everleaf.db", world.dir);
	write_config(s->config);
	log_open("sim", getenv("SIM_LOG") != NULL ? LOG_LEVEL_DEBUG :
	    LOG_LEVEL_ERROR);
	if (!s->sqlite)
		world.memory = store_open_memory();
	ca_begin(s->seed);
	sim_dns_begin();
	disk_begin();
	sim_start();
}

void
sim_end(void)
{
	char path[128];

	stop();
	if (world.memory != NULL)
		__real_store_close(world.memory);
	disk_end();
	ca_end();
	buf_free(&world.jwk);
	unlink(world.conf);
	unlink(world.db);
	snprintf(path, sizeof(path), "%s-wal", world.db);
	unlink(path);
	snprintf(path, sizeof(path), "%s-shm", world.db);
	unlink(path);
	rmdir(world.dir);
}
