/* A CA in memory. It checks what a real one would: nonces, addresses, kid and
 * the shape of every payload. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "acme_fake.h"
#include "base/text.h"

struct strv
strv_of(const char *words)
{
	struct strv out = { NULL, 0 };
	char word[512];
	size_t n;

	for (; *words != '\0'; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		snprintf(word, sizeof(word), "%.*s", (int)n, words);
		if (n > 0)
			strv_add(&out, word);
	}
	return out;
}

/* Leaf for the key that the "CSR" holds, and the intermediate. */
static char *
issue(struct fake_ca *ca, struct fake_order *o, X509 **leaf, size_t root)
{
	const unsigned char *p = o->spki.p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)o->spki.len);
	struct strv names = { NULL, 0 };
	struct cert c = { .issuer = "Everleaf Intermediate" };
	char issuer[32] = "Everleaf Root";
	struct buf b;
	X509 *x;
	size_t i;

	assert_non_null(key);
	for (i = 0; i < o->n; i++)
		strv_add(&names, o->authz[i].name);
	c.names = &names;
	c.key = key;
	c.signer = ca->inter;
	c.from_ms = ca->now_ms - 3600 * 1000;
	c.to_ms = ca->now_ms + 90 * DAY_MS;
	if (ca->staple && !ca->ignores_staple) {
		c.extra = "tlsfeature";
		c.extra_value = "status_request";
	}
	buf_init(&b, 256 * 1024);
	if (*leaf == NULL)
		*leaf = make_cert(&c);
	add_pem(&b, *leaf);
	if (root > 0)
		snprintf(issuer, sizeof(issuer), "Other Root %zu", root);
	c = (struct cert){ .subject = "Everleaf Intermediate",
	    .issuer = issuer, .key = ca->inter, .signer = ca->root,
	    .ca = true, .from_ms = NOW_MS - DAY_MS,
	    .to_ms = NOW_MS + 3650 * DAY_MS };
	x = make_cert(&c);
	add_pem(&b, x);
	X509_free(x);
	if (ca->with_root)
		add_pem(&b, ca->root_cert);
	strv_free(&names);
	EVP_PKEY_free(key);
	return buf_take(&b);
}

/* --- life ----------------------------------------------------------------- */

static void
make_root(struct fake_ca *ca)
{
	struct cert c = { .subject = "Everleaf Root",
	    .issuer = "Everleaf Root", .key = ca->root, .signer = ca->root,
	    .ca = true, .from_ms = NOW_MS - DAY_MS,
	    .to_ms = NOW_MS + 3650 * DAY_MS };
	unsigned char *der = NULL;
	int n;

	ca->root_cert = make_cert(&c);
	n = i2d_X509(ca->root_cert, &der);
	acme_digest_hex(ca->root_sha256, der, (size_t)n);
	OPENSSL_free(der);
}

void
fake_init(struct fake_ca *ca)
{
	memset(ca, 0, sizeof(*ca));
	ca->now_ms = NOW_MS;
	ca->root = make_key("P-256");
	ca->inter = make_key("P-256");
	make_root(ca);
	ca->validate_ms = 200;
	ca->process_ms = 200;
	ca->dedupe = true;
	buf_init(&ca->body, 1 << 20);
}

void
fake_free(struct fake_ca *ca)
{
	size_t i;

	for (i = 0; i < ca->norders; i++) {
		blob_free(&ca->orders[i].spki);
		free(ca->orders[i].pem);
		X509_free(ca->orders[i].leaf);
	}
	X509_free(ca->root_cert);
	EVP_PKEY_free(ca->root);
	EVP_PKEY_free(ca->inter);
	EVP_PKEY_free(ca->certkey);
	strv_free(&ca->published);
	strv_free(&ca->records);
	strv_free(&ca->log);
	buf_free(&ca->body);
}

void
fake_fault(struct fake_ca *ca, const char *what, int nth, enum fault fault,
    int status, const char *body, const char *retry_after)
{
	size_t i;

	for (i = 0; ca->faults[i].fault != FAULT_NONE; i++)
		assert_true(i < FAKE_FAULTS - 1);
	ca->faults[i].fault = fault;
	ca->faults[i].what = what;
	ca->faults[i].nth = nth;
	ca->faults[i].reply = (struct acme_reply){ .status = status,
	    .content_type = "application/problem+json", .body = body,
	    .body_len = body != NULL ? strlen(body) : 0,
	    .retry_after = retry_after };
}

int
fake_count(const struct fake_ca *ca, const char *what)
{
	size_t i;
	int n = 0;

	for (i = 0; i < ca->log.n; i++)
		n += strcmp(ca->log.v[i], what) == 0;
	return n;
}

/* --- objects -------------------------------------------------------------- */

static bool
has_word(const char *words, const char *word)
{
	struct strv list = strv_of(words);
	bool has = strv_has(&list, word);

	strv_free(&list);
	return has;
}

static void
settle(struct fake_ca *ca, struct fake_order *o)
{
	bool all = true;
	size_t i;

	for (i = 0; i < o->n; i++) {
		struct fake_authz *a = &o->authz[i];

		if (a->answered && !a->valid && !a->invalid &&
		    ca->now_ms >= a->valid_at && (ca->never_name == NULL ||
		    !has_word(ca->never_name, a->name))) {
			a->invalid = ca->fail_name != NULL &&
			    has_word(ca->fail_name, a->name) &&
			    (ca->fail_type == NULL || strcmp(ca->fail_type,
			    a->answered_by) == 0);
			a->valid = !a->invalid;
		}
		if (a->invalid)
			o->status = "invalid";
		all = all && a->valid;
	}
	if (strcmp(o->status, "pending") == 0 && all)
		o->status = "ready";
	if (strcmp(o->status, "processing") == 0 && ca->now_ms >= o->done_at)
		o->status = "valid";
	if (strcmp(o->status, "valid") == 0 && o->pem == NULL)
		o->pem = issue(ca, o, &o->leaf, 0);
}

static void
put_ident(struct buf *b, const char *name)
{
	bool ip = strspn(name, "0123456789.") == strlen(name) ||
	    strchr(name, ':') != NULL;

	buf_printf(b, "{\"type\":\"%s\",\"value\":\"%s\"}",
	    ip ? "ip" : "dns", name);
}

static void
put_order(struct fake_ca *ca, size_t at)
{
	struct fake_order *o = &ca->orders[at];
	struct buf *b = &ca->body;
	size_t i;

	buf_printf(b, "{\"status\":\"%s\",\"expires\":\"%s\","
	    "\"identifiers\":[", ca->lazy && strcmp(o->status,
	    "ready") == 0 ? "pending" : o->status, ca->expires != NULL ?
	    ca->expires : "2026-11-28T00:00:00Z");
	for (i = 0; i < o->n; i++) {
		buf_puts(b, i > 0 ? "," : "");
		put_ident(b, o->authz[o->n - 1 - i].name);
	}
	buf_puts(b, "],\"authorizations\":[");
	for (i = 0; !ca->no_authz && i < o->n; i++)
		buf_printf(b, "%s\"" ORIGIN "/authz/%zu/%zu\"",
		    i > 0 ? "," : "", at, i);
	buf_printf(b, "],\"finalize\":\"" ORIGIN "/finalize/%zu\"", at);
	if (strcmp(o->status, "valid") == 0)
		buf_printf(b, ",\"certificate\":\"" ORIGIN "/cert/%zu\"", at);
	buf_puts(b, "}");
}

static void
put_challenge(struct fake_ca *ca, size_t at, size_t i, const char *type)
{
	struct fake_authz *a = &ca->orders[at].authz[i];

	buf_printf(&ca->body, "{\"type\":\"%s\",\"url\":\"" ORIGIN
	    "/challenge/%zu/%zu/%s\",\"status\":\"%s\"",
	    type, at, i, type, a->valid ? "valid" : a->invalid ? "invalid" :
	    "pending");
	if (strcmp(type, "dns-persist-01") == 0)
		buf_puts(&ca->body, ",\"issuer-domain-names\":[\"CA.example\","
		    "\"ca.example.net\"],\"accounturi\":\"https://ca.example/"
		    "who/7\"");
	else
		buf_printf(&ca->body, ",\"token\":\"%s\"", a->token);
	if (a->invalid && (a->answered_by[0] == '\0' ||
	    strcmp(a->answered_by, type) == 0))
		buf_printf(&ca->body, ",\"error\":%s",
		    ca->fail_problem != NULL ? ca->fail_problem :
		    "{\"type\":\"urn:ietf:params:acme:error:connection\","
		    "\"detail\":\"192.0.2.7: no answer\"}");
	buf_puts(&ca->body, "}");
}

static void
put_offers(struct fake_ca *ca, size_t at, size_t i)
{
	struct strv types = strv_of(ca->offers);
	size_t k;

	for (k = 0; k < types.n; k++) {
		buf_puts(&ca->body, k > 0 ? "," : "");
		put_challenge(ca, at, i, types.v[k]);
	}
	strv_free(&types);
}

static void
put_authz(struct fake_ca *ca, size_t at, size_t i)
{
	struct fake_authz *a = &ca->orders[at].authz[i];

	buf_puts(&ca->body, "{\"identifier\":");
	put_ident(&ca->body, a->name + (a->wildcard ? 2 : 0));
	buf_printf(&ca->body, ",\"status\":\"%s\",%s\"challenges\":[",
	    a->valid ? "valid" : a->invalid ? "invalid" : "pending",
	    a->wildcard ? "\"wildcard\":true," : "");
	if (ca->offers != NULL)
		put_offers(ca, at, i);
	else if (ca->only_type != NULL)
		put_challenge(ca, at, i, ca->only_type);
	else {
		put_challenge(ca, at, i, "dns-01");
		if (!a->wildcard) {
			buf_puts(&ca->body, ",");
			put_challenge(ca, at, i, "http-01");
		}
	}
	buf_puts(&ca->body, "]}");
}

/* --- requests ------------------------------------------------------------- */

static void
say(struct fake_ca *ca, struct acme_reply *reply, int status)
{
	reply->status = status;
	reply->content_type = "application/json; charset=utf-8";
	reply->body = ca->body.data;
	reply->body_len = ca->body.len;
}

static void
refuse(struct fake_ca *ca, struct acme_reply *reply, int status,
    const char *type)
{
	buf_reset(&ca->body);
	buf_printf(&ca->body, "{\"type\":\"urn:ietf:params:acme:error:%s\","
	    "\"detail\":\"the fake says %s\"}", type, type);
	say(ca, reply, status);
	reply->content_type = "application/problem+json";
}

static void
serve_new_order(struct fake_ca *ca, const json_t *payload,
    struct acme_reply *reply)
{
	json_t *list = json_object_get(payload, "identifiers"), *v;
	char *text = json_dumps(payload, JSON_COMPACT);
	struct fake_order *o;
	size_t i, at = ca->norders;

	snprintf(ca->last_order, sizeof(ca->last_order), "%s", text);
	free(text);
	assert_true(json_array_size(list) <= FAKE_NAMES);
	for (i = 0; ca->dedupe && i < ca->norders; i++) {
		settle(ca, &ca->orders[i]);
		if (strcmp(ca->orders[i].status, "pending") == 0 ||
		    strcmp(ca->orders[i].status, "ready") == 0)
			at = i;
	}
	o = &ca->orders[at];
	if (at == ca->norders) {
		assert_true(ca->norders++ < FAKE_ORDERS);
		o->status = ca->no_authz ? "ready" : "pending";
		o->n = json_array_size(list);
		json_array_foreach(list, i, v) {
			snprintf(o->authz[i].name, sizeof(o->authz[i].name),
			    "%s", json_string_value(json_object_get(v,
			    "value")));
			snprintf(o->authz[i].token,
			    sizeof(o->authz[i].token),
			    "token-of-order-%zu-number-%zu", at, i);
			o->authz[i].wildcard = o->authz[i].name[0] == '*';
			o->authz[i].valid = ca->ready_at_once || ca->no_authz;
		}
	}
	settle(ca, o);
	put_order(ca, at);
	say(ca, reply, 201);
	snprintf(ca->location, sizeof(ca->location), ORIGIN "/order/%zu", at);
	reply->location = ca->location;
}

static void
serve_challenge(struct fake_ca *ca, size_t at, size_t i, const char *type,
    struct acme_reply *reply)
{
	struct fake_authz *a = &ca->orders[at].authz[i];
	char word[128];

	snprintf(word, sizeof(word), "%s %s", type, a->token);
	assert_true(strv_has(&ca->published, word) ||
	    (strcmp(type, "dns-persist-01") == 0 && ca->checks > 0));
	if (!a->answered) {
		a->answered = true;
		snprintf(a->answered_by, sizeof(a->answered_by), "%s", type);
		a->valid_at = ca->now_ms + ca->validate_ms;
	}
	put_challenge(ca, at, i, type);
	say(ca, reply, 200);
}

static void
serve_finalize(struct fake_ca *ca, size_t at, const json_t *payload,
    struct acme_reply *reply)
{
	struct fake_order *o = &ca->orders[at];
	const char *csr = json_string_value(json_object_get(payload, "csr"));
	struct acme_csr real;
	struct err err;

	settle(ca, o);
	if (strcmp(o->status, "ready") != 0) {
		refuse(ca, reply, 403, "orderNotReady");
		return;
	}
	blob_free(&o->spki);
	assert_true(text_unb64u(&o->spki, csr, strlen(csr)));
	if (ca->real_csr) {
		assert_int_equal(acme_csr_read(&real, o->spki.p, o->spki.len,
		    &err), 0);
		blob_free(&o->spki);
		o->spki = blob_copy(real.spki.p, real.spki.len);
		acme_csr_free(&real);
	}
	o->status = "processing";
	o->done_at = ca->now_ms + (ca->instant ? 0 : ca->process_ms);
	if (ca->instant)
		settle(ca, o);
	put_order(ca, at);
	say(ca, reply, 200);
}

static void
serve_account(struct fake_ca *ca, struct acme_reply *reply)
{
	buf_puts(&ca->body, "{\"status\":\"valid\",\"orders\":\"x\"}");
	say(ca, reply, ca->account ? 200 : 201);
	ca->account = true;
	reply->location = ORIGIN "/account/1";
}

static void
serve_cert(struct fake_ca *ca, size_t at, size_t k, struct acme_reply *reply)
{
	struct fake_order *o = &ca->orders[at];
	X509 *leaf = NULL;
	char *other;

	settle(ca, o);
	assert_non_null(o->pem);
	if (k > 0) {
		other = issue(ca, o, ca->other_leaf ? &leaf : &o->leaf, k);
		X509_free(leaf);
		buf_puts(&ca->body, other);
		free(other);
	} else
		buf_puts(&ca->body, o->pem);
	say(ca, reply, 200);
	reply->link = ca->link;
	reply->content_type = "application/pem-certificate-chain";
}

static const char *
what_of(const char *path)
{
	static const char *const words[] = {
		"new-account", "new-order", "order", "authz", "challenge",
		"finalize", "cert"
	};
	size_t i, n;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		n = strlen(words[i]);
		if (strncmp(path, words[i], n) == 0 &&
		    (path[n] == '\0' || path[n] == '/'))
			return words[i];
	}
	fail_msg("no such address: %s", path);
	return NULL;
}

static void
serve(struct fake_ca *ca, const char *path, const json_t *payload,
    struct acme_reply *reply)
{
	const char *what = what_of(path);
	size_t at = 0, i = 0;
	char type[32] = "";

	sscanf(path + strlen(what), "/%zu/%zu/%31s", &at, &i, type);
	buf_reset(&ca->body);
	if (strcmp(what, "new-account") == 0)
		serve_account(ca, reply);
	else if (strcmp(what, "new-order") == 0)
		serve_new_order(ca, payload, reply);
	else if (strcmp(what, "challenge") == 0)
		serve_challenge(ca, at, i, type, reply);
	else if (strcmp(what, "finalize") == 0)
		serve_finalize(ca, at, payload, reply);
	else if (strcmp(what, "cert") == 0)
		serve_cert(ca, at, i, reply);
	else {
		assert_null(payload);
		settle(ca, &ca->orders[at]);
		if (strcmp(what, "order") == 0)
			put_order(ca, at);
		else
			put_authz(ca, at, i);
		say(ca, reply, 200);
		reply->retry_after = ca->retry_after;
	}
}

/* Decodes the JWS and checks what every request must have. */
static json_t *
unwrap(struct fake_ca *ca, const struct acme_wish *w, bool *good_nonce)
{
	json_t *jws = json_loadb((const char *)w->body.p, w->body.len, 0,
	    NULL), *header, *payload = NULL;
	const char *p;
	struct blob raw;
	char word[80];

	assert_non_null(jws);
	assert_int_equal(json_object_size(jws), 3);
	p = json_string_value(json_object_get(jws, "protected"));
	assert_true(text_unb64u(&raw, p, strlen(p)));
	header = json_loadb((const char *)raw.p, raw.len, 0, NULL);
	blob_free(&raw);
	assert_non_null(header);
	assert_int_equal(json_object_size(header), 4);
	assert_string_equal(json_string_value(json_object_get(header, "url")),
	    w->url);
	if (strstr(w->url, "new-account") != NULL)
		assert_non_null(json_object_get(header, "jwk"));
	else
		assert_string_equal(json_string_value(json_object_get(header,
		    "kid")), ORIGIN "/account/1");
	snprintf(word, sizeof(word), " %s ", json_string_value(
	    json_object_get(header, "nonce")));
	*good_nonce = strstr(ca->used, word) == NULL;
	strncat(ca->used, word, sizeof(ca->used) - strlen(ca->used) - 1);
	p = json_string_value(json_object_get(jws, "payload"));
	if (*p != '\0') {
		assert_true(text_unb64u(&raw, p, strlen(p)));
		payload = json_loadb((const char *)raw.p, raw.len, 0, NULL);
		assert_non_null(payload);
		blob_free(&raw);
	}
	json_decref(header);
	json_decref(jws);
	return payload;
}

static void
give_nonce(struct fake_ca *ca, struct acme_reply *reply)
{
	snprintf(ca->nonce_text, sizeof(ca->nonce_text), "nonce-%d",
	    ++ca->nonce);
	reply->nonce = ca->nonce_text;
}

static void
tweak(struct fake_ca *ca, const char *what, struct acme_reply *reply)
{
	struct buf b;
	char *at;

	if (ca->tweak_what == NULL || strcmp(ca->tweak_what, what) != 0 ||
	    ca->body.len == 0)
		return;
	at = strstr(ca->body.data, ca->tweak_from);
	if (at == NULL)
		return;
	buf_init(&b, 1 << 20);
	buf_add(&b, ca->body.data, (size_t)(at - ca->body.data));
	buf_puts(&b, ca->tweak_to);
	buf_puts(&b, at + strlen(ca->tweak_from));
	buf_free(&ca->body);
	ca->body = b;
	reply->body = b.data;
	reply->body_len = b.len;
}

static void
post(struct fake_ca *ca, const struct acme_wish *w, struct acme_event *ev)
{
	static const enum acme_event_kind kinds[] = {
		[FAULT_NONE] = ACME_REPLY, [FAULT_REPLY] = ACME_REPLY,
		[FAULT_NOT_SENT] = ACME_NOT_SENT,
		[FAULT_LOST_BEFORE] = ACME_LOST, [FAULT_LOST_AFTER] = ACME_LOST,
		[FAULT_CUT_BEFORE] = ACME_CUT, [FAULT_CUT_AFTER] = ACME_CUT
	};
	const char *path = w->url + strlen(ORIGIN) + 1;
	const char *what = what_of(path);
	enum fault fault = FAULT_NONE;
	struct acme_reply forged;
	json_t *payload;
	bool good;
	size_t i;

	strv_add(&ca->log, what);
	for (i = 0; i < FAKE_FAULTS; i++)
		if (ca->faults[i].fault != FAULT_NONE &&
		    strcmp(ca->faults[i].what, what) == 0 &&
		    (ca->faults[i].nth == 0 ||
		    ca->faults[i].nth == fake_count(ca, what))) {
			fault = ca->faults[i].fault;
			forged = ca->faults[i].reply;
		}
	ev->kind = kinds[fault];
	if (fault == FAULT_NOT_SENT || fault == FAULT_LOST_BEFORE ||
	    fault == FAULT_CUT_BEFORE)
		return;
	payload = unwrap(ca, w, &good);
	if (fault == FAULT_REPLY)
		ev->reply = forged;
	else if (!good || ca->bad_nonces > 0) {
		ca->bad_nonces -= ca->bad_nonces > 0;
		refuse(ca, &ev->reply, 400, "badNonce");
	} else
		serve(ca, path, payload, &ev->reply);
	tweak(ca, what, &ev->reply);
	give_nonce(ca, &ev->reply);
	json_decref(payload);
}

static void
http(struct fake_ca *ca, const struct acme_wish *w, struct acme_event *ev)
{
	static const char directory[] =
	    "{\"newNonce\":\"" ORIGIN "/new-nonce\","
	    "\"newAccount\":\"" ORIGIN "/new-account\","
	    "\"newOrder\":\"" ORIGIN "/new-order\","
	    "\"revokeCert\":\"" ORIGIN "/revoke\","
	    "\"keyChange\":\"" ORIGIN "/key-change\","
	    "\"renewalInfo\":\"" ORIGIN "/ari\","
	    "\"x7fHkpq\":\"https://elsewhere.example/\","
	    "\"meta\":{\"termsOfService\":\"data:text/plain,none\","
	    "\"profiles\":{\"classic\":\"as ever\"}}}";

	assert_true(strncmp(w->url, ORIGIN "/", strlen(ORIGIN) + 1) == 0);
	if (w->method == ACME_POST) {
		post(ca, w, ev);
		return;
	}
	ev->kind = ACME_REPLY;
	ev->reply.status = 200;
	if (w->method == ACME_HEAD) {
		ca->heads++;
		give_nonce(ca, &ev->reply);
		return;
	}
	ev->reply.content_type = "application/json";
	ev->reply.body = directory;
	ev->reply.body_len = sizeof(directory) - 1;
}

/* --- the driver ----------------------------------------------------------- */

EVP_PKEY *
account_key(void)
{
	static EVP_PKEY *key;

	if (key == NULL)
		key = make_key("P-256");
	return key;
}

static void
sign(const struct acme_wish *w, struct acme_event *ev)
{
	static struct buf out;
	struct blob spki = spki_of(account_key());
	struct buf input, jwk;
	unsigned char sig[64] = { 1 };
	struct err err;

	buf_free(&out);
	buf_init(&out, 1 << 20);
	buf_init(&input, 1 << 20);
	buf_init(&jwk, 1024);
	assert_int_equal(jws_jwk(&jwk, spki.p, spki.len, &err), 0);
	if (jws_compose(&input, &w->jws, JWS_ES256, ORIGIN,
	    jwk.data, &err) != 0)
		fail_msg("%s", err.text);
	jws_flatten(&out, &input, sig, sizeof(sig));
	ev->kind = ACME_SIGNED;
	ev->bytes.p = (uint8_t *)out.data;
	ev->bytes.len = out.len;
	blob_free(&spki);
	buf_free(&input);
	buf_free(&jwk);
}

static void
make_csr(struct fake_ca *ca, struct acme_order *o, const struct acme_wish *w,
    struct acme_event *ev)
{
	static struct blob csr;

	EVP_PKEY_free(ca->certkey);
	ca->certkey = make_key("P-256");
	blob_free(&csr);
	csr = spki_of(ca->certkey);
	acme_order_set_spki(o, csr.p, csr.len);
	ca->staple = w->must_staple;
	ev->kind = ACME_CSR_MADE;
	ev->bytes = csr;
}

static void
put_in(struct strv *list, const char *word, bool there)
{
	struct strv rest = { NULL, 0 };
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->v[i], word) != 0)
			strv_add(&rest, list->v[i]);
	if (there)
		strv_add(&rest, word);
	strv_free(list);
	*list = rest;
}

static void
show(struct fake_ca *ca, const struct acme_wish *w, struct acme_event *ev)
{
	static struct err broken;
	bool there = w->kind == ACME_WISH_PUBLISH;
	char word[512];

	assert_true(strncmp(w->keyauth, w->token, strlen(w->token)) == 0);
	assert_int_equal(strlen(w->keyauth), strlen(w->token) + 44);
	assert_true(w->ident[0] != '*');
	snprintf(word, sizeof(word), "%s %s", w->challenge, w->token);
	put_in(&ca->published, word, there);
	ca->published_ever += there;
	assert_int_equal(w->record == NULL, w->value == NULL);
	if (w->record != NULL) {
		snprintf(word, sizeof(word), "%s %s", w->record, w->value);
		put_in(&ca->records, word, there);
	}
	if (ca->records.n > ca->records_most)
		ca->records_most = ca->records.n;
	ev->kind = there ? ACME_PUBLISHED : ACME_WITHDRAWN;
	if (!there || ca->broken_type == NULL ||
	    strcmp(ca->broken_type, w->challenge) != 0)
		return;
	err_set(&broken, ERR_HOOK_TIMEOUT, "the hook took too long");
	ev->kind = ACME_ERROR;
	ev->err = &broken;
}

/* The record is there unless it is said to be broken. */
static void
look_up(struct fake_ca *ca, const struct acme_wish *w, struct acme_event *ev)
{
	static struct err broken;

	assert_null(w->token);
	assert_null(w->value);
	assert_non_null(w->record);
	assert_true(w->issuers->n == 2 && w->account_uris->n == 1);
	assert_string_equal(w->issuers->v[0], "ca.example");
	assert_string_equal(w->account_uris->v[0], "https://ca.example/who/7");
	ca->checks++;
	ev->kind = ACME_CHECKED;
	if (ca->broken_type == NULL ||
	    strcmp(ca->broken_type, w->challenge) != 0)
		return;
	err_set(&broken, ERR_DNS_FAILS, "it is not there");
	ev->kind = ACME_ERROR;
	ev->err = &broken;
}

bool
fake_do(struct fake_ca *ca, struct acme_session *s, struct acme_order *o,
    const struct acme_wish *w, struct acme_event *ev)
{
	(void)s;
	memset(ev, 0, sizeof(*ev));
	ca->saves += w->save;
	switch (w->kind) {
	case ACME_WISH_HTTP:
		http(ca, w, ev);
		return true;
	case ACME_WISH_SIGN:
		ca->signatures++;
		sign(w, ev);
		return true;
	case ACME_WISH_CSR:
		make_csr(ca, o, w, ev);
		return true;
	case ACME_WISH_PUBLISH:
	case ACME_WISH_WITHDRAW:
		show(ca, w, ev);
		return true;
	case ACME_WISH_CHECK:
		look_up(ca, w, ev);
		return true;
	case ACME_WISH_WAIT:
		assert_true(w->at_ms > ca->now_ms);
		ca->now_ms = w->at_ms;
		ca->waits++;
		ev->kind = ACME_TIME;
		return true;
	default:
		return false;
	}
}

struct acme_wish
fake_run(struct fake_ca *ca, struct acme_session *s, struct acme_order *o,
    struct err *err)
{
	const struct acme_event *event = NULL;
	struct acme_event ev;
	struct acme_wish w;
	int steps;

	for (steps = 0; steps < 20000; steps++) {
		w = o != NULL ? acme_order_step(o, s, ca->now_ms, event, err) :
		    acme_session_step(s, ca->now_ms, event, err);
		if (!fake_do(ca, s, o, &w, &ev))
			return w;
		event = &ev;
	}
	fail_msg("no end in sight");
	return w;
}

struct acme_session *
fake_session(struct fake_ca *ca)
{
	struct blob spki = spki_of(account_key());
	struct strv contacts = strv_of("mailto:ops@shop.example");
	struct acme_account a = { .directory_url = ORIGIN "/directory",
	    .spki = spki.p, .spki_len = spki.len, .contacts = &contacts,
	    .agree_tos = true };
	struct err err;
	struct acme_session *s = acme_session_new(&a, &err);

	assert_non_null(s);
	assert_int_equal(fake_run(ca, s, NULL, &err).kind, ACME_WISH_DONE);
	blob_free(&spki);
	strv_free(&contacts);
	return s;
}

struct acme_order *
fake_order_by(const char *names, const char *types,
    const struct acme_want *more)
{
	struct strv n = strv_of(names), t = strv_of(types);
	struct acme_want want = { .profile = "", .replaces = "" };
	struct acme_order *o;

	if (more != NULL)
		want = *more;
	want.names = &n;
	want.challenges = &t;
	o = acme_order_new(&want);
	strv_free(&n);
	strv_free(&t);
	return o;
}

struct acme_order *
fake_order_new(const char *names)
{
	return fake_order_by(names, "http-01 dns-01", NULL);
}
