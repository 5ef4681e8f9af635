/* A CA by the book (RFC 8555), and the misdeeds that a script asks of it. It
 * counts for itself what it was asked, so that the engine's own counting is
 * never trusted. */
#include <config.h>
#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "acme/jws.h"
#include "base/text.h"
#include "daemon/loop.h"
#include "tests/sim/ca_state.h"

#define BASE "https://ca.sim"

static const char *const kinds[] = { "directory", "newNonce", "newAccount",
	"account", "keyChange", "newOrder", "authz", "challenge", "finalize",
	"order", "cert", "renewalInfo", "revokeCert", NULL };

const char *const *
ca_kind_names(void)
{
	return kinds;
}

int64_t
its_now(void)
{
	return SIM_EPOCH + sim_mono();
}

static uint32_t
dice(uint32_t n)
{
	ca.seed = ca.seed * 1664525u + 1013904223u;
	return (ca.seed >> 8) % n;
}

static void
new_nonce(struct ca_answer *a)
{
	snprintf(a->nonce, sizeof(a->nonce), "nonce%016llx",
	    (unsigned long long)++ca.nonce);
	memcpy(ca.nonces[ca.nonces_n++ % NONCES_MAX], a->nonce, 24);
}

static bool
use_nonce(const char *n)
{
	int i;

	for (i = 0; i < NONCES_MAX; i++)
		if (strcmp(ca.nonces[i], n) == 0) {
			ca.nonces[i][0] = '\0';
			return true;
		}
	return false;
}

static void
answer_json(struct ca_answer *a, int status, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	a->status = status;
	snprintf(a->content_type, sizeof(a->content_type), "%s", status >= 400 ?
	    "application/problem+json" : "application/json; charset=utf-8");
	a->body = blob_copy(text, strlen(text));
	free(text);
	json_decref(j);
}

static void
problem(struct ca_answer *a, int status, const char *type, const char *detail)
{
	char urn[128];

	snprintf(urn, sizeof(urn), "urn:ietf:params:acme:error:%s", type);
	answer_json(a, status, json_pack("{s:s,s:s,s:i}", "type", urn,
	    "detail", detail, "status", status));
}

static json_t *
order_json(int id)
{
	const struct sim_order *o = &ca.orders[id];
	json_t *idents = json_array(), *authz = json_array(), *j;
	char url[128];
	int i;

	for (i = 0; i < o->n; i++) {
		json_array_append_new(idents, json_pack("{s:s,s:s}", "type",
		    "dns", "value", o->names[i]));
		snprintf(url, sizeof(url), BASE "/authz/%d/%d", id, i);
		json_array_append_new(authz, json_string(url));
	}
	snprintf(url, sizeof(url), BASE "/finalize/%d", id);
	j = json_pack("{s:s,s:o,s:o,s:s,s:s}", "status", o->state,
	    "identifiers", idents, "authorizations", authz, "finalize", url,
	    "expires", "9999-12-31T23:59:59Z");
	if (strcmp(o->state, "valid") == 0) {
		snprintf(url, sizeof(url), BASE "/cert/%d", id);
		json_object_set_new(j, "certificate", json_string(url));
	}
	snprintf(url, sizeof(url), "urn:ietf:params:acme:error:%s",
	    o->error[0] != '\0' ? o->error : "compound");
	if (strcmp(o->state, "invalid") == 0)
		json_object_set_new(j, "error", json_pack("{s:s,s:s}", "type",
		    url, "detail", o->error[0] != '\0' ? "not so" :
		    "an authorization failed"));
	return j;
}

static json_t *
challenge_json(int id, int i, bool dns)
{
	const struct sim_order *o = &ca.orders[id];
	char url[128], urn[128];
	json_t *j;

	snprintf(url, sizeof(url), BASE "/%s/%d/%d", dns ? "dns" : "chall",
	    id, i);
	j = json_pack("{s:s,s:s,s:s,s:s}", "type", dns ? "dns-01" : "http-01",
	    "url", url, "token", o->token[i], "status", o->status[i]);
	if (o->problem[i][0] != '\0') {
		snprintf(urn, sizeof(urn), "urn:ietf:params:acme:error:%s",
		    o->problem[i]);
		json_object_set_new(j, "error", json_pack("{s:s,s:s}", "type",
		    urn, "detail", "192.0.2.7: the simulated reason"));
	}
	return j;
}

static const char *
bare_name(const char *name)
{
	return strncmp(name, "*.", 2) == 0 ? name + 2 : name;
}

static json_t *
authz_json(int id, int i)
{
	const struct sim_order *o = &ca.orders[id];
	json_t *all = json_array(), *j;

	if (o->names[i][0] != '*')
		json_array_append_new(all, challenge_json(id, i, false));
	json_array_append_new(all, challenge_json(id, i, true));
	j = json_pack("{s:s,s:{s:s,s:s},s:o}", "status", o->status[i],
	    "identifier", "type", "dns", "value", bare_name(o->names[i]),
	    "challenges", all);
	if (o->names[i][0] == '*')
		json_object_set_new(j, "wildcard", json_true());
	return j;
}

static void
settle(struct sim_order *o)
{
	int i, valid = 0;

	for (i = 0; i < o->n; i++) {
		if (strcmp(o->status[i], "invalid") == 0)
			strcpy(o->state, "invalid");
		valid += strcmp(o->status[i], "valid") == 0;
	}
	if (valid == o->n && strcmp(o->state, "pending") == 0)
		strcpy(o->state, "ready");
	if (strcmp(o->state, "processing") == 0 && o->chain != NULL &&
	    sim_mono() >= o->valid_at)
		strcpy(o->state, "valid");
}

static bool
seen_by_http(const struct sim_order *o, int i, const char *keyauth)
{
	char got[512];

	return sim_token(o->token[i], o->names[i], got) &&
	    strcmp(keyauth, got) == 0;
}

static bool
seen_by_dns(const struct sim_order *o, int i, const char *keyauth)
{
	unsigned char md[SHA256_DIGEST_LENGTH];
	char name[256];
	struct buf b;
	bool seen;

	SHA256((const unsigned char *)keyauth, strlen(keyauth), md);
	buf_init(&b, 64);
	text_b64u(&b, md, sizeof(md));
	snprintf(name, sizeof(name), "_acme-challenge.%s",
	    bare_name(o->names[i]));
	seen = sim_txt(name, b.data);
	buf_free(&b);
	return seen;
}

static void
validate(struct sim_order *o, int i, bool dns)
{
	char want[512];
	int k;

	snprintf(want, sizeof(want), "%s.%s", o->token[i], ca.thumb);
	strcpy(o->status[i], "valid");
	if (!(dns ? seen_by_dns : seen_by_http)(o, i, want)) {
		strcpy(o->status[i], "invalid");
		strcpy(o->problem[i], "unauthorized");
	}
	for (k = 0; k < ca.fails_n; k++)
		if (strcmp(ca.fails[k].name, o->names[i]) == 0 &&
		    strcmp(ca.fails[k].type, "pending") == 0)
			strcpy(o->status[i], "pending");
		else if (strcmp(ca.fails[k].name, o->names[i]) == 0 &&
		    ca.fails[k].type[0] != '\0') {
			strcpy(o->status[i], "invalid");
			memcpy(o->problem[i], ca.fails[k].type, 64);
		}
	settle(o);
}

static void
new_order(const json_t *payload, struct ca_answer *a)
{
	json_t *idents = json_object_get(payload, "identifiers");
	struct sim_order *o = &ca.orders[ca.orders_n];
	size_t i;

	memset(o, 0, sizeof(*o));
	o->n = (int)json_array_size(idents);
	if (o->n < 1 || o->n > NAMES_MAX || ca.orders_n == ORDERS_MAX - 1) {
		problem(a, 400, "malformed", "so many names");
		return;
	}
	o->account = ca.accounts;
	o->hesitates = ca.hesitates;
	strcpy(o->state, "pending");
	snprintf(ca.replaced, sizeof(ca.replaced), "%s",
	    json_object_get(payload, "replaces") == NULL ? "" :
	    json_string_value(json_object_get(payload, "replaces")));
	for (i = 0; i < (size_t)o->n; i++) {
		snprintf(o->names[i], sizeof(o->names[i]), "%s",
		    json_string_value(json_object_get(json_array_get(idents,
		    i), "value")));
		snprintf(o->token[i], sizeof(o->token[i]),
		    "token-%08d-%02d-%08x%08x", ca.orders_n, (int)i,
		    dice(1u << 24), dice(1u << 24));
		strcpy(o->status[i], "pending");
	}
	snprintf(a->location, sizeof(a->location), BASE "/order/%d",
	    ca.orders_n);
	answer_json(a, 201, order_json(ca.orders_n++));
}

static void
refuse_staple(struct sim_order *o, int id, struct ca_answer *a)
{
	if (ca.staple != STAPLE_REFUSES) {
		strcpy(o->state, "invalid");
		strcpy(o->error, "unauthorized");
	}
	if (ca.staple == STAPLE_LATER)
		answer_json(a, 200, order_json(id));
	else
		problem(a, 403, "unauthorized", "OCSP must-staple extension "
		    "is no longer available");
}

static void
finalize(struct sim_order *o, int id, const json_t *payload,
    struct ca_answer *a)
{
	const char *csr = json_string_value(json_object_get(payload, "csr"));
	X509_REQ *req;

	if (strcmp(o->state, "ready") != 0) {
		problem(a, 403, "orderNotReady", "it is not ready");
		return;
	}
	if (o->hesitates > 0) {
		strcpy(o->state, "processing");
		answer_json(a, 200, order_json(id));
		return;
	}
	req = csr != NULL ? read_csr(csr) : NULL;
	if (req != NULL && ca.staple >= STAPLE_REFUSES &&
	    asks_for_staple(req)) {
		refuse_staple(o, id, a);
	} else if (req == NULL || !issue(o, req)) {
		problem(a, 400, "badCSR", "the CSR does not fit");
	} else {
		strcpy(o->state, "processing");
		o->valid_at = sim_mono() + ca.processing;
		answer_json(a, 200, order_json(id));
	}
	X509_REQ_free(req);
}

static json_t *part(const json_t *jws, const char *name);

static void
take_contact(const json_t *payload)
{
	const char *c = json_string_value(json_array_get(json_object_get(
	    payload, "contact"), 0));

	snprintf(ca.contact, sizeof(ca.contact), "%s", c != NULL ? c : "");
}

static void
thumbprint_of(char thumb[44], const json_t *jwk)
{
	char *text = json_dumps(jwk, JSON_COMPACT | JSON_SORT_KEYS);

	jws_thumbprint(thumb, text, strlen(text));
	free(text);
}

static void
say_account(struct ca_answer *a, int status)
{
	answer_json(a, status, json_pack("{s:s}", "status",
	    ca.closed ? "deactivated" : "valid"));
}

static void
account(const json_t *protected, const json_t *payload, struct ca_answer *a)
{
	json_t *jwk = json_object_get(protected, "jwk");
	char thumb[44];
	bool existed;

	if (jwk == NULL) {
		problem(a, 400, "malformed", "no jwk");
		return;
	}
	thumbprint_of(thumb, jwk);
	existed = ca.account && strcmp(thumb, ca.thumb) == 0;
	if (existed && ca.closed)
		problem(a, 403, "unauthorized", "it is closed");
	else if (!existed && json_is_true(json_object_get(payload,
	    "onlyReturnExisting")))
		problem(a, 400, "accountDoesNotExist", "who are you?");
	else if (!existed && ca.binding && json_object_get(payload,
	    "externalAccountBinding") == NULL)
		problem(a, 403, "externalAccountRequired", "whose is it?");
	if (a->status != 0)
		return;
	if (!existed) {
		memcpy(ca.thumb, thumb, sizeof(thumb));
		take_contact(payload);
		ca.account = true;
		ca.closed = false;
		ca.accounts++;
	}
	snprintf(a->location, sizeof(a->location), BASE "/acct/%d",
	    ca.accounts);
	say_account(a, existed ? 200 : 201);
}

static void
kid(const json_t *payload, struct ca_answer *a)
{
	if (json_object_get(payload, "status") != NULL)
		ca.closed = true;
	else if (json_object_get(payload, "contact") != NULL)
		take_contact(payload);
	say_account(a, 200);
}

/* The inner JWS says which key is the next. */
static void
key_change(const json_t *payload, struct ca_answer *a)
{
	json_t *protected = part(payload, "protected");

	thumbprint_of(ca.thumb, json_object_get(protected, "jwk"));
	json_decref(protected);
	say_account(a, 200);
}

static struct sim_order *
order_of(const json_t *payload)
{
	const char *s = json_string_value(json_object_get(payload,
	    "certificate"));
	struct sim_order *found = NULL;
	const unsigned char *p;
	uint64_t serial = 0;
	struct blob der;
	X509 *x;
	int i;

	if (s == NULL || !text_unb64u(&der, s, strlen(s)))
		return NULL;
	p = der.p;
	x = d2i_X509(NULL, &p, (long)der.len);
	blob_free(&der);
	if (x == NULL || ASN1_INTEGER_get_uint64(&serial,
	    X509_get0_serialNumber(x)) != 1)
		serial = 0;
	X509_free(x);
	for (i = 0; i < ca.orders_n && serial != 0; i++)
		if (ca.orders[i].serial == serial)
			found = &ca.orders[i];
	return found;
}

/* By the account, or (jwk) by the certificate's own key. */
static void
revoke(const json_t *protected, const json_t *payload, struct ca_answer *a)
{
	struct sim_order *o = order_of(payload);
	const json_t *jwk = json_object_get(protected, "jwk");
	char thumb[44] = "";

	if (jwk != NULL)
		thumbprint_of(thumb, jwk);
	if (o == NULL)
		problem(a, 404, "malformed", "no such certificate");
	else if (jwk != NULL && strcmp(thumb, o->key) != 0)
		problem(a, 403, "unauthorized", "that is not its key");
	else if (jwk == NULL && o->account != ca.accounts)
		problem(a, 403, "unauthorized", "another has ordered it");
	else if (o->revoked)
		problem(a, 400, "alreadyRevoked", "it is");
	else {
		o->revoked = true;
		o->by_key = jwk != NULL;
		a->status = 200;
	}
}

/* What is signed by kid is signed by the key that the account has: the fake
 * signature is that key's thumbprint. */
static bool
signed_well(const json_t *jws)
{
	const char *s = json_string_value(json_object_get(jws, "signature"));
	struct blob b;
	bool good;

	if (s == NULL || !text_unb64u(&b, s, strlen(s)))
		return false;
	good = b.len == 43 && memcmp(b.p, ca.thumb, 43) == 0;
	blob_free(&b);
	return good;
}

static void
give_up(struct sim_order *o, int i)
{
	if (strcmp(o->status[i], "pending") != 0)
		sim_set_wrong("an authorization that is %s is given up",
		    o->status[i]);
	strcpy(o->status[i], "deactivated");
	strcpy(o->state, "invalid");
	ca.given_up++;
}

static void
serve(enum ca_kind kind, int id, int i, const json_t *protected,
    const json_t *payload, struct ca_answer *a)
{
	struct sim_order *o = id >= 0 && id < ca.orders_n ?
	    &ca.orders[id] : NULL;
	bool dns = i >= BY_DNS;

	i %= BY_DNS;
	if (kind == CA_REVOKE && json_object_get(protected, "jwk") != NULL) {
		revoke(protected, payload, a);
		return;
	}
	if (kind != CA_ACCOUNT && !ca.account) {
		problem(a, 400, "accountDoesNotExist", "who are you?");
		return;
	}
	if (kind != CA_ACCOUNT && ca.closed) {
		problem(a, 403, "unauthorized", "it is closed");
		return;
	}
	if (kind == CA_REVOKE) {
		revoke(protected, payload, a);
		return;
	}
	if (kind > CA_ORDER && (o == NULL || i >= o->n)) {
		problem(a, 404, "malformed", "there is no such thing");
		return;
	}
	if (o != NULL)
		settle(o);
	switch (kind) {
	case CA_ACCOUNT:
		account(protected, payload, a);
		break;
	case CA_KID:
		kid(payload, a);
		break;
	case CA_KEY_CHANGE:
		key_change(payload, a);
		break;
	case CA_ORDER:
		new_order(payload, a);
		break;
	case CA_AUTHZ:
		if (json_object_get(payload, "status") != NULL)
			give_up(o, i);
		answer_json(a, 200, authz_json(id, i));
		break;
	case CA_CHALLENGE:
		if (strcmp(o->status[i], "pending") == 0 && !ca.thinks)
			validate(o, i, dns);
		answer_json(a, 200, challenge_json(id, i, dns));
		break;
	case CA_FINALIZE:
		finalize(o, id, payload, a);
		break;
	case CA_POLL:
		if (o->hesitates > 0 && strcmp(o->state, "processing") == 0) {
			o->hesitates--;
			strcpy(o->state, "ready");
		}
		answer_json(a, 200, order_json(id));
		break;
	case CA_CERT:
		a->status = 200;
		strcpy(a->content_type, "application/pem-certificate-chain");
		if (o->chain != NULL)
			a->body = blob_copy(o->chain, strlen(o->chain));
		break;
	default:
		problem(a, 404, "malformed", "where?");
	}
}

/* The window of whatever is asked for: all live alike here. */
static void
renewal_info(struct ca_answer *a)
{
	int64_t since = its_now() - (sim_mono() - ca.last[CA_CERT]);
	int64_t base = ca.window_moves ? its_now() : 0;
	char from[TEXT_TIME], to[TEXT_TIME];

	text_rfc3339(from, ca.window[0] != 0 ? base + ca.window[0] :
	    since + ca.lifetime / 3 * 2);
	text_rfc3339(to, ca.window[1] != 0 ? base + ca.window[1] :
	    since + ca.lifetime / 3 * 2 + ca.lifetime / 20);
	answer_json(a, 200, json_pack("{s:{s:s,s:s},s:s}", "suggestedWindow",
	    "start", from, "end", to, "explanationURL",
	    "https://ca.sim/why"));
	snprintf(a->retry_after, sizeof(a->retry_after), "21600");
}

static enum ca_kind
route(const char *url, int *id, int *i)
{
	*id = -1;
	*i = 0;
	if (strcmp(url, BASE "/dir") == 0)
		return CA_DIRECTORY;
	if (strcmp(url, BASE "/nonce") == 0)
		return CA_NONCE;
	if (strcmp(url, BASE "/account") == 0)
		return CA_ACCOUNT;
	if (strcmp(url, BASE "/key") == 0)
		return CA_KEY_CHANGE;
	if (strcmp(url, BASE "/revoke") == 0)
		return CA_REVOKE;
	if (sscanf(url, BASE "/acct/%d", id) == 1)
		return CA_KID;
	if (strcmp(url, BASE "/new-order") == 0)
		return CA_ORDER;
	if (sscanf(url, BASE "/authz/%d/%d", id, i) == 2)
		return CA_AUTHZ;
	if (sscanf(url, BASE "/chall/%d/%d", id, i) == 2)
		return CA_CHALLENGE;
	if (sscanf(url, BASE "/dns/%d/%d", id, i) == 2) {
		*i += BY_DNS;
		return CA_CHALLENGE;
	}
	if (sscanf(url, BASE "/finalize/%d", id) == 1)
		return CA_FINALIZE;
	if (sscanf(url, BASE "/order/%d", id) == 1)
		return CA_POLL;
	if (sscanf(url, BASE "/cert/%d", id) == 1)
		return CA_CERT;
	if (strncmp(url, BASE "/ari/", strlen(BASE "/ari/")) == 0)
		return CA_ARI;
	return CA_KINDS;
}

static json_t *
part(const json_t *jws, const char *name)
{
	const char *s = json_string_value(json_object_get(jws, name));
	struct blob b;
	json_t *j;

	if (s == NULL || !text_unb64u(&b, s, strlen(s)))
		return NULL;
	j = json_loadb((const char *)b.p, b.len, 0, NULL);
	blob_free(&b);
	return j;
}

static void
post(enum ca_kind kind, int id, int i, const char *url,
    const struct blob *body, struct ca_answer *a)
{
	json_t *jws = json_loadb((const char *)body->p, body->len, 0, NULL);
	json_t *protected = part(jws, "protected");
	json_t *payload = part(jws, "payload");
	const char *nonce, *to;

	nonce = json_string_value(json_object_get(protected, "nonce"));
	to = json_string_value(json_object_get(protected, "url"));
	if (nonce == NULL || to == NULL || strcmp(to, url) != 0)
		problem(a, 400, "malformed", "not a JWS for here");
	else if (!use_nonce(nonce) || (int)dice(100) < ca.bad_percent)
		problem(a, 400, "badNonce", "another nonce, please");
	else if (ca.account && kind != CA_ACCOUNT && json_object_get(protected,
	    "jwk") == NULL && !signed_well(jws))
		problem(a, 403, "unauthorized", "that is not your key");
	else
		serve(kind, id, i, protected, payload, a);
	json_decref(jws);
	json_decref(protected);
	json_decref(payload);
}

static void
note(enum ca_kind kind)
{
	int64_t now = sim_mono();

	if (ca.counts[kind]++ > 0 && now - ca.last[kind] < ca.spacing[kind])
		ca.spacing[kind] = now - ca.last[kind];
	ca.last[kind] = now;
}

bool
ca_handle(const char *method, const char *url, const struct blob *body,
    struct ca_answer *a, bool *sent)
{
	struct ca_fault *f;
	enum ca_kind kind;
	int id, i;
	bool lose;

	memset(a, 0, sizeof(*a));
	*sent = true;
	if (sim_mono() < ca.down_until) {
		*sent = false;
		return true;
	}
	kind = route(url, &id, &i);
	if (kind == CA_KINDS) {
		sim_set_wrong("a request to %s", url);
		problem(a, 404, "malformed", "where?");
		return false;
	}
	note(kind);
	f = &ca.faults[kind];
	lose = f->times > 0 && f->lose_after;
	if (f->times > 0)
		f->times--;
	else
		f = NULL;
	if (f != NULL && f->lose_before)
		return true;
	new_nonce(a);
	if (f != NULL && f->status != 0) {
		problem(a, f->status, f->type, "as the script says");
		memcpy(a->retry_after, f->retry_after, sizeof(f->retry_after));
		return false;
	}
	if (kind == CA_DIRECTORY)
		answer_json(a, 200, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s*}",
		    "newNonce", BASE "/nonce", "newAccount", BASE "/account",
		    "newOrder", BASE "/new-order", "revokeCert",
		    BASE "/revoke", "keyChange", BASE "/key",
		    "renewalInfo", ca.ari ? BASE "/ari" : NULL));
	else if (kind == CA_ARI)
		renewal_info(a);
	else if (kind == CA_NONCE)
		a->status = strcmp(method, "HEAD") == 0 ? 200 : 204;
	else
		post(kind, id, i, url, body, a);
	return lose;
}
