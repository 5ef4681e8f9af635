/* A certificate and an event as people's programs read them: every key always
 * there, null for what is not known. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/acme.h"
#include "base/text.h"
#include "daemon/json.h"
#include "daemon/revoke.h"
#include "daemon/view.h"
#include "daemon/wish_json.h"

const char *const view_states[VIEW_STATES] = {
	"served", "valid", "deploying", "unserved", "failing", "new",
	"expired", "dormant", "retired", "paused"
};

int64_t
view_days(int64_t then_ms, int64_t now_ms)
{
	int64_t half = then_ms - now_ms + CONF_DAY / 2;

	return half >= 0 ? half / CONF_DAY :
	    -((CONF_DAY - 1 - half) / CONF_DAY);
}

/* A number where 0 says that there is none. */
static json_t *
number_or_null(int64_t n)
{
	return n == 0 ? json_null() : json_integer(n);
}

static json_t *
word(const char *s)
{
	return json_string(s == NULL ? "" : s);
}

json_t *
view_error(const struct err *e)
{
	const char *code = err_code_name(e->code);
	char doc[64];

	if (e->code == ERR_OK)
		return json_null();
	snprintf(doc, sizeof(doc), "everleaf(1) %s", code);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:s}",
	    "class", err_class_name(e->class), "code", code,
	    "text", json_text(e->text), "advice", json_text(e->advice),
	    "retry_at", json_time(e->retry_at_ms), "doc", doc);
}

/* A text in any case, also for no error: rows know no NULL. */
char *
view_error_json(const struct err *e, const struct strv *evidence)
{
	json_t *j = view_error(e);
	char *s;

	if (json_is_object(j) && evidence != NULL && evidence->n > 0)
		json_object_set_new(j, "evidence", json_list(evidence));
	s = json_is_object(j) ? json_write(j) : xstrdup("");
	assert(s != NULL);
	json_decref(j);
	return s;
}

static void
take_evidence(struct strv *evidence, const json_t *list)
{
	const json_t *line;
	size_t i;

	evidence->v = NULL;
	evidence->n = 0;
	json_array_foreach(list, i, line)
		if (json_is_string(line))
			strv_add(evidence, json_string_value(line));
}

/* It comes from a row, and rows may be damaged: what does not read as an
 * error is none. */
bool
view_error_parse(struct err *e, struct strv *evidence, const char *s)
{
	struct err unread;
	json_t *j;

	err_clear(e);
	if (evidence != NULL)
		take_evidence(evidence, NULL);
	if (s == NULL || *s == '\0')
		return false;
	j = json_read(s, strlen(s), "an error", &unread);
	if (j == NULL || json_get(j, "code") == NULL) {
		json_decref(j);
		return false;
	}
	err_set(e, err_code_find(json_get(j, "code")), "%s",
	    json_get(j, "text") == NULL ? "" : json_get(j, "text"));
	if (e->code == ERR_OK)
		e->code = ERR_INTERNAL;
	e->class = err_code_class(e->code);
	if (json_get(j, "advice") != NULL)
		err_advise(e, "%s", json_get(j, "advice"));
	assert(e->code != ERR_OK);
	e->retry_at_ms = json_get_time(j, "retry_at");
	if (evidence != NULL)
		take_evidence(evidence, json_object_get(j, "evidence"));
	json_decref(j);
	return true;
}

json_t *
view_error_column(const char *s)
{
	struct err e;

	return view_error_parse(&e, NULL, s) ? view_error(&e) : json_null();
}

/* As it is in effect, else as it was written, else nothing: whoever looks
 * gets an answer. */
struct conf_wish
view_wanted(const struct bundle *b)
{
	const char *texts[2] = { b->cert->settings, b->cert->wish };
	struct conf_wish w;
	struct err err;
	int i;

	assert(b->cert != NULL);
	for (i = 0; i < 2; i++)
		if (texts[i] != NULL && *texts[i] != '\0' &&
		    wish_parse(&w, texts[i], &err) == 0)
			return w;
	conf_wish_blank(&w);
	return w;
}

/* The wanted names in the order in which they were written. */
static json_t *
wanted_names(const struct bundle *b, const struct conf_wish *w)
{
	const struct row_ident *id, *next;
	json_t *list = json_array();
	int64_t after = INT64_MIN;
	size_t i;

	for (;;) {
		for (next = NULL, i = 0; i < b->idents.n; i++) {
			id = ROWS_AT(&b->idents, row_ident, i);
			if (id->wanted && id->position > after &&
			    (next == NULL || id->position < next->position))
				next = id;
		}
		if (next == NULL)
			break;
		json_array_append_new(list, json_text(next->value));
		after = next->position;
	}
	if (json_array_size(list) > 0)
		return list;
	json_decref(list);
	return json_list(&w->names);
}

static json_t *
wanted(const struct bundle *b)
{
	struct conf_wish w = view_wanted(b);
	char span[32];
	json_t *j;
	bool own;

	wish_span(span, w.renew_before_ms);
	own = w.csr_file != NULL && *w.csr_file != '\0';
	j = json_pack("{s:o, s:o, s:[], s:o, s:o, s:o, s:o, s:o, s:s, s:o}",
	    "names", wanted_names(b, &w), "ca", json_text(w.ca),
	    "fallback_ca", "challenge", json_list(&w.challenge),
	    "key_type", json_text(own ? NULL : w.key_type),
	    "key_policy", json_text(own ? NULL : w.key_policy),
	    "csr_file", json_text(own ? w.csr_file : NULL), "profile",
	    w.profile != NULL && *w.profile != '\0' ?
	    json_text(w.profile) : json_null(),
	    "renew_before", span, "services", json_list(&w.services));
	conf_wish_free(&w);
	return j;
}

static bool
line_in(const char *lines, const char *s)
{
	size_t n = strlen(s), k;

	assert(s != NULL);
	for (; lines != NULL && *lines != '\0'; lines += k + (lines[k] != 0)) {
		k = strcspn(lines, "\n");
		if (k == n && memcmp(lines, s, n) == 0)
			return true;
	}
	return false;
}

struct strv
view_missing(const struct bundle *b, const struct row_version *v)
{
	struct strv missing = { NULL, 0 };
	const struct row_ident *id;
	size_t i;

	assert(v != NULL);
	for (i = 0; i < b->idents.n; i++) {
		id = ROWS_AT(&b->idents, row_ident, i);
		if (id->wanted && !line_in(v->names, id->value))
			strv_add(&missing, id->value);
	}
	return missing;
}

/* "3 1 1 HEX", what a TLSA record of the key says (RFC 7671 section 5.1). */
static json_t *
tlsa(const char *spki_sha256)
{
	char text[8 + 64 + 1];

	if (spki_sha256 == NULL || *spki_sha256 == '\0')
		return json_null();
	snprintf(text, sizeof(text), "3 1 1 %.64s", spki_sha256);
	return json_string(text);
}

/* The key of the version after the newest; null unless key-policy is next. */
static json_t *
next_key(const struct row_cert *c)
{
	char hex[65];

	assert(c != NULL);
	if (c->next_spki.len == 0)
		return json_null();
	acme_digest_hex(hex, c->next_spki.p, c->next_spki.len);
	return json_pack("{s:s, s:s, s:o}", "key_type", c->next_key_type,
	    "spki_sha256", hex, "tlsa", tlsa(hex));
}

static json_t *
newest(const struct bundle *b)
{
	const struct row_version *v = bundle_version(b, b->cert->newest);
	struct strv missing;
	json_t *j;

	assert(b->cert != NULL);
	if (v == NULL)
		return json_null();
	missing = view_missing(b, v);
	j = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o,"
	    " s:o, s:o, s:o, s:o, s:o}",
	    "version", (json_int_t)v->version,
	    "issued_at", json_time(v->issued_ms),
	    "not_before", json_time(v->not_before_ms),
	    "not_after", json_time(v->not_after_ms),
	    "names", json_lines(v->names), "missing", json_list(&missing),
	    "ca", json_text(v->ca), "test_ca", v->test_ca != 0,
	    "placeholder", v->placeholder != 0,
	    "serial", json_text(v->serial), "sha256", json_text(v->sha256),
	    "spki_sha256", json_text(v->spki_sha256),
	    "tlsa", v->placeholder ? json_null() : tlsa(v->spki_sha256),
	    "key_type", json_text(v->key_type),
	    "profile", json_text(v->profile),
	    "issuer", json_text(v->issuer));
	strv_free(&missing);
	return j;
}

static json_t *
installed(const struct bundle *b)
{
	const struct row_cert *c = b->cert;
	const struct row_version *v = bundle_version(b, c->installed);

	if (c->installed_gen == 0 || c->installed < 0)
		return json_null();
	return json_pack("{s:I, s:o, s:o}",
	    "version", (json_int_t)c->installed,
	    "since", json_time(c->installed_since_ms),
	    "not_after", json_time(v == NULL ? 0 : v->not_after_ms));
}

/* Why they can't be put in place, where no service could say so. */
static json_t *
files(const struct bundle *b)
{
	const struct row_deployment *d = bundle_deployment(b, "");

	if (d == NULL)
		return json_null();
	return json_pack("{s:I, s:o, s:o, s:o}",
	    "failures", (json_int_t)d->failures,
	    "last_try_at", json_time(d->last_try_ms),
	    "next_try_at", json_time(d->next_try_ms),
	    "error", view_error_column(d->error));
}

static json_t *
served(const struct bundle *b)
{
	const struct row_cert *c = b->cert;
	const struct row_version *v = bundle_version(b, c->served);

	if (c->served_checked_ms == 0 || c->served < 0 ||
	    (c->served == 0 && v == NULL))
		return json_null();
	return json_pack("{s:I, s:o, s:o}",
	    "version", (json_int_t)c->served,
	    "checked_at", json_time(c->served_checked_ms),
	    "not_after", json_time(v == NULL ? 0 : v->not_after_ms));
}

static json_t *
issuance(const struct row_cert *c)
{
	return json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:o}",
	    "state", c->iss_state == NULL || *c->iss_state == '\0' ? "idle" :
	    c->iss_state,
	    "next_renewal_at", json_time(c->renew_at_ms),
	    "reason", json_text(c->renew_reason),
	    "failures", (json_int_t)c->iss_failures,
	    "last_try_at", json_time(c->iss_last_try_ms),
	    "next_try_at", json_time(c->iss_next_try_ms),
	    "error", view_error_column(c->iss_error));
}

/* Whose certificate an endpoint showed: only then is a version known. */
static bool
is_ours(const char *result)
{
	return result != NULL && (strcmp(result, "newest") == 0 ||
	    strcmp(result, "older") == 0 || strcmp(result, "placeholder") == 0);
}

static json_t *
endpoint(const struct row_endpoint *e)
{
	return json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "endpoint", e->endpoint == NULL ? "" : e->endpoint,
	    "protocol", word(e->protocol), "address", json_text(e->address),
	    "port", (json_int_t)e->port, "name", json_text(e->name),
	    "result", word(e->result),
	    "version", is_ours(e->result) ? json_integer(e->version) :
	    json_null(),
	    "sha256", json_text(e->sha256), "at", json_time(e->at_ms),
	    "error", view_error_column(e->error));
}

static json_t *
endpoints(const struct bundle *b, const char *service)
{
	const struct row_endpoint *e;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < b->endpoints.n; i++) {
		e = ROWS_AT(&b->endpoints, row_endpoint, i);
		if (strcmp(e->service, service) == 0)
			json_array_append_new(list, endpoint(e));
	}
	return list;
}

/* What the engine tells apart and people need not. */
static const char *
plain_state(const char *state)
{
	static const struct { const char *state, *word; } table[] = {
		{ "again", "reloading" }, { "later", "installed" },
		{ "later-again", "installed" }
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].state, state) == 0)
			return table[i].word;
	return state;
}

static json_t *
services(const struct bundle *b, bool full)
{
	const struct row_deployment *d;
	json_t *list = json_array(), *j;
	size_t i;

	assert(b->cert != NULL);
	for (i = 0; i < b->deployments.n; i++) {
		d = ROWS_AT(&b->deployments, row_deployment, i);
		if (d->service[0] == '\0')
			continue;	/* these are the files */
		j = json_pack("{s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:o}",
		    "service", d->service,
		    "state", word(plain_state(d->state)),
		    "version", d->version < 0 ? json_null() :
		    json_integer(d->version),
		    "wanted_version", (json_int_t)d->wanted,
		    "failures", (json_int_t)d->failures,
		    "last_try_at", json_time(d->last_try_ms),
		    "next_try_at", json_time(d->next_try_ms),
		    "error", view_error_column(d->error));
		if (full)
			json_object_set_new(j, "endpoints",
			    endpoints(b, d->service));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *
labels(const struct bundle *b)
{
	const struct row_label *l;
	json_t *j = json_object();
	size_t i;

	for (i = 0; i < b->labels.n; i++) {
		l = ROWS_AT(&b->labels, row_label, i);
		json_object_set_new(j, l->key, word(l->value));
	}
	return j;
}

static json_t *
paths(const struct row_cert *c, const struct conf *conf)
{
	const char *state = conf == NULL ? "" : conf->state_dir;
	json_t *j = json_pack("{s:s+++, s:s++++, s:s++++}",
	    "dir", state, "/live/", c->name, "",
	    "fullchain", state, "/live/", c->name, "/fullchain.pem", "",
	    "privkey", state, "/live/", c->name, "/privkey.pem", "");

	assert(c->name != NULL);
	if (c->csr.len > 0)
		json_object_set_new(j, "privkey", json_null());
	return j;
}

static json_t *
id(int64_t number)
{
	char hex[17];

	text_id(hex, (uint64_t)number);
	return json_string(hex);
}

static json_t *
revocations(const struct bundle *b)
{
	const struct row_revocation *r;
	const struct row_version *v;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < b->revocations.n; i++) {
		r = ROWS_AT(&b->revocations, row_revocation, i);
		v = bundle_version(b, r->version);
		json_array_append_new(list, json_pack(
		    "{s:I, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}",
		    "version", (json_int_t)r->version,
		    "sha256", json_text(v == NULL ? NULL : v->sha256),
		    "state", word(r->state),
		    "reason", json_text(revoke_reason_name(r->reason)),
		    "at_once", r->at_once != 0,
		    "actor", json_text(r->actor),
		    "asked_at", json_time(r->asked_ms),
		    "done_at", json_time(r->done_ms),
		    "error", view_error_column(r->error)));
	}
	return list;
}

/* Without full what a list shows; the wish, the paths and the endpoints are
 * of one. */
json_t *
view_cert(const struct bundle *b, const struct conf *conf, int64_t now_ms,
    bool full)
{
	const struct row_cert *c = b->cert;
	json_t *j = json_object();

	assert(c != NULL && c->name != NULL);
	json_object_set_new(j, "name", json_string(c->name));
	json_object_set_new(j, "id", id(c->id));
	json_object_set_new(j, "state", word(c->state));
	json_object_set_new(j, "summary", json_text(c->summary));
	json_object_set_new(j, "attention", json_boolean(c->attention));
	json_object_set_new(j, "source", json_pack("{s:o, s:o, s:o}",
	    "kind", json_text(c->source), "where", json_text(c->where),
	    "policy", json_text(c->policy)));
	if (full)
		json_object_set_new(j, "wanted", wanted(b));
	json_object_set_new(j, "labels", labels(b));
	if (full)
		json_object_set_new(j, "paths", paths(c, conf));
	json_object_set_new(j, "issuance", issuance(c));
	json_object_set_new(j, "newest", newest(b));
	json_object_set_new(j, "next_key", next_key(c));
	json_object_set_new(j, "not_granted", json_lines(c->degraded));
	json_object_set_new(j, "installed", installed(b));
	json_object_set_new(j, "files", files(b));
	json_object_set_new(j, "served", served(b));
	json_object_set_new(j, "days_left", c->not_after_ms == 0 ?
	    json_null() : json_integer(view_days(c->not_after_ms, now_ms)));
	json_object_set_new(j, "services", services(b, full));
	json_object_set_new(j, "revocations", revocations(b));
	json_object_set_new(j, "changed_at", json_time(c->changed_ms));
	return j;
}

json_t *
view_event(const struct row_event *e)
{
	assert(e->event != NULL);
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "id", (json_int_t)e->id, "at", json_time(e->at_ms),
	    "event", word(e->event), "name", json_text(e->name),
	    "version", number_or_null(e->version),
	    "service", json_text(e->service), "actor", json_text(e->actor),
	    "cause", json_text(e->cause), "text", json_text(e->text),
	    "error", view_error_column(e->error));
}
