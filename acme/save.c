/* An order as text and back. One table a struct says what is saved, so that
 * both ways always agree; what is loaded is checked like what comes from
 * outside, since the next program may be another version. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "acme/json.h"
#include "acme/method.h"
#include "acme/order.h"
#include "base/name.h"
#include "base/text.h"

enum {
	SAVE_VERSION = 1, SAVE_MAX = 8 * 1024 * 1024, BLOB_MAX = 64 * 1024,
	COUNT_MAX = 1000000, TRIED_MAX = NAME_DNS_MAX + 2 + 1 + 64,
	CHAIN_NAME_MAX = 512, LIST_MAX = 8 * ACME_AUTHZ_MAX
};

enum type { T_TEXT, T_URL, T_INT, T_TIME, T_BOOL, T_BLOB, T_LIST };

struct field {
	const char *name;
	enum type type;
	size_t offset;
	int64_t max;		/* of an INT; of each text */
	bool later;		/* older programs did not save it */
};

#define F(st, name, type, max) \
	{ #name, T_##type, offsetof(struct st, name), (max), false }
#define L(st, name, type, max) \
	{ #name, T_##type, offsetof(struct st, name), (max), true }
#define END { NULL, T_TEXT, 0, 0, false }
static const struct field order_fields[] = {
	F(acme_order, names, LIST, NAME_DNS_MAX + 2),
	F(acme_order, challenges, LIST, 64),
	F(acme_order, profile, TEXT, 64),
	F(acme_order, replaces, TEXT, 256),
	F(acme_order, sent, BOOL, 0),
	F(acme_order, lost, INT, COUNT_MAX),
	F(acme_order, url, URL, 0),
	F(acme_order, finalize, URL, 0),
	F(acme_order, certificate, URL, 0),
	F(acme_order, status, INT, ORDER_STATUS_COUNT - 1),
	F(acme_order, seen, INT, ORDER_STATUS_COUNT - 1),
	F(acme_order, created_ms, TIME, 0),
	F(acme_order, expires_ms, TIME, 0),
	F(acme_order, csr, BLOB, 0),
	F(acme_order, spki, BLOB, 0),
	F(acme_order, finalized, INT, COUNT_MAX),
	F(acme_order, finalized_ms, TIME, 0),
	F(acme_order, unready, INT, COUNT_MAX),
	F(acme_order, failing, BOOL, 0),
	F(acme_order, over, BOOL, 0),
	F(acme_order, told, BOOL, 0),
	L(acme_order, profile_required, BOOL, 0),
	L(acme_order, not_before, TEXT, 2 * TEXT_TIME),
	L(acme_order, not_after, TEXT, 2 * TEXT_TIME),
	L(acme_order, preferred_chain, TEXT, CHAIN_NAME_MAX),
	L(acme_order, must_staple, BOOL, 0),
	L(acme_order, own_csr, BOOL, 0),
	L(acme_order, tried, LIST, TRIED_MAX),
	L(acme_order, orders, INT, COUNT_MAX),
	L(acme_order, dropped, INT, ACME_DROPPED_ALL),
	L(acme_order, retrying, BOOL, 0),
	END
};
static const struct field authz_fields[] = {
	F(authz, url, URL, 0),
	F(authz, state, INT, A_STATE_COUNT - 1),
	F(authz, ident, TEXT, NAME_DNS_MAX + 2),
	F(authz, type, TEXT, 64),
	F(authz, challenge_url, URL, 0),
	F(authz, token, TEXT, NAME_TOKEN_MAX),
	F(authz, published, BOOL, 0),
	F(authz, answers_lost, INT, COUNT_MAX),
	L(authz, record, TEXT, NAME_DNS_MAX),
	L(authz, offered, INT, (1 << METHOD_COUNT) - 1),
	END
};
#undef F
#undef L
#undef END

/* --- saving --------------------------------------------------------------- */

static void
put_text(struct buf *out, const char *s)
{
	assert(s != NULL);
	buf_putc(out, '"');
	buf_json(out, s);
	buf_putc(out, '"');
}

static void
put_list(struct buf *out, const struct strv *l)
{
	size_t i;

	buf_putc(out, '[');
	for (i = 0; i < l->n; i++) {
		buf_puts(out, i > 0 ? "," : "");
		put_text(out, l->v[i]);
	}
	buf_putc(out, ']');
}

static void
put_value(struct buf *out, const struct field *f, const void *at)
{
	const struct blob *blob = at;
	const char *text;

	switch (f->type) {
	case T_TEXT:
	case T_URL:
		memcpy(&text, at, sizeof(text));
		put_text(out, text != NULL ? text : "");
		break;
	case T_INT:
		buf_printf(out, "%d", *(const int *)at);
		break;
	case T_TIME:
		buf_printf(out, "%lld", (long long)*(const int64_t *)at);
		break;
	case T_BOOL:
		buf_puts(out, *(const bool *)at ? "true" : "false");
		break;
	case T_BLOB:
		buf_putc(out, '"');
		text_b64u(out, blob->p, blob->len);
		buf_putc(out, '"');
		break;
	case T_LIST:
		put_list(out, at);
		break;
	}
}

static void
put_fields(struct buf *out, const struct field *f, const void *st)
{
	assert(f->name != NULL);
	for (; f->name != NULL; f++) {
		buf_printf(out, "\"%s\":", f->name);
		put_value(out, f, (const char *)st + f->offset);
		buf_puts(out, f[1].name != NULL ? "," : "");
	}
}

/* By name: numbers of codes differ between versions. */
static void
put_err(struct buf *out, const struct err *e)
{
	assert(e->code != ERR_OK);
	buf_printf(out, ",\"why\":{\"code\":\"%s\",\"retry_at_ms\":%lld,"
	    "\"text\":", err_code_name(e->code), (long long)e->retry_at_ms);
	put_text(out, e->text);
	buf_puts(out, ",\"advice\":");
	put_text(out, e->advice);
	buf_putc(out, '}');
}

void
acme_order_save(const struct acme_order *o, struct buf *out)
{
	size_t i;

	assert(o->names.n > 0 && (o->url == NULL) == (o->finalize == NULL));
	assert(o->csr.len == 0 || o->spki.len > 0);
	assert(!o->retrying || o->failing);
	buf_printf(out, "{\"order\":%d,", SAVE_VERSION);
	put_fields(out, order_fields, o);
	buf_puts(out, ",\"guilties\":");
	put_list(out, &o->guilty);
	if (o->failing || o->why.code != ERR_OK)
		put_err(out, &o->why);
	buf_puts(out, ",\"authz\":[");
	for (i = 0; i < o->nauthz; i++) {
		buf_puts(out, i > 0 ? ",{" : "{");
		put_fields(out, authz_fields, &o->authz[i]);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
}

/* --- loading -------------------------------------------------------------- */

/* Empty is absent: NULL. */
static void
get_text(struct jread *r, const json_t *o, const struct field *f, char **at)
{
	char *s = jread_text(r, o, f->name, !f->later,
	    f->type == T_URL ? (size_t)ACME_URL_MAX : (size_t)f->max);

	assert(f->type == T_URL || f->max > 0);
	if (s != NULL && *s != '\0' && f->type == T_URL) {
		free(s);
		s = jread_url(r, o, f->name, true);
	}
	if (s != NULL && *s == '\0') {
		free(s);
		s = NULL;
	}
	*at = s;
}

static void
get_list(struct jread *r, const json_t *o, const struct field *f,
    struct strv *out)
{
	json_t *list = jread_list(r, o, f->name, !f->later, LIST_MAX), *v;
	size_t i;

	assert(f->type == T_LIST && f->max > 0);
	json_array_foreach(list, i, v) {
		if (!json_is_string(v) || json_string_length(v) == 0 ||
		    json_string_length(v) > (size_t)f->max) {
			jread_wrong(r, f->name, "has an entry that is none");
			return;
		}
		strv_add(out, json_string_value(v));
	}
}

static void
get_blob(struct jread *r, const json_t *o, const struct field *f,
    struct blob *out)
{
	char *s = jread_text(r, o, f->name, true, (size_t)BLOB_MAX);

	assert(f->type == T_BLOB && out->len == 0);
	if (s != NULL && !text_unb64u(out, s, strlen(s)))
		jread_wrong(r, f->name, "is no base64url");
	free(s);
}

static void
get_fields(struct jread *r, const json_t *o, const struct field *f, void *st)
{
	void *at;

	for (; f->name != NULL && !r->bad; f++) {
		at = (char *)st + f->offset;
		switch (f->type) {
		case T_TEXT:
		case T_URL:
			get_text(r, o, f, at);
			break;
		case T_INT:
			*(int *)at = (int)jread_int(r, o, f->name, 0, f->max);
			break;
		case T_TIME:
			*(int64_t *)at = jread_int(r, o, f->name, 0,
			    INT64_MAX / 2);
			break;
		case T_BOOL:
			*(bool *)at = jread_bool(r, o, f->name);
			break;
		case T_BLOB:
			get_blob(r, o, f, at);
			break;
		case T_LIST:
			get_list(r, o, f, at);
			break;
		}
	}
}

/* Older programs saved one name, or an empty text. */
static void
get_guilty(struct jread *r, const json_t *top, struct strv *out)
{
	static const struct field list = { "guilties", T_LIST, 0,
	    NAME_DNS_MAX + 2, true };
	char *one = jread_text(r, top, "guilty", false, NAME_DNS_MAX + 2);

	if (one != NULL && *one != '\0')
		strv_add(out, one);
	free(one);
	get_list(r, top, &list, out);
}

static void
get_err(struct jread *r, const json_t *top, struct err *e)
{
	const json_t *o = jread_object(r, top, "why", true);
	char *code = jread_text(r, o, "code", true, 64);
	char *text = jread_text(r, o, "text", true, ERR_TEXT_MAX);
	char *advice = jread_text(r, o, "advice", true, ERR_ADVICE_MAX);

	if (!r->bad && err_code_find(code) == ERR_OK)
		jread_wrong(r, "code", "is none that is known");
	if (!r->bad) {
		err_set(e, err_code_find(code), "%s", text);
		err_advise(e, "%s", advice);
		e->retry_at_ms = jread_int(r, o, "retry_at_ms", 0,
		    INT64_MAX / 2);
	}
	free(code);
	free(text);
	free(advice);
}

static void
get_authz(struct jread *r, const json_t *top, struct acme_order *o)
{
	json_t *list = jread_list(r, top, "authz", true, ACME_AUTHZ_MAX), *v;
	size_t i;

	o->nauthz = json_array_size(list);
	assert(o->nauthz <= ACME_AUTHZ_MAX);
	o->authz = xcalloc(o->nauthz, sizeof(*o->authz));
	json_array_foreach(list, i, v) {
		if (!json_is_object(v))
			jread_wrong(r, "authz", "has an entry that is none");
		get_fields(r, v, authz_fields, &o->authz[i]);
	}
}

/* A type that is not known here is chosen by nobody, but another version of us
 * may have saved it. */
static bool
is_standing(const char *type)
{
	const struct method *m = method_find(type);

	return m != NULL && m->standing;
}

static const char *
authz_wrong(const struct acme_order *o, const struct authz *a)
{
	bool chosen = a->challenge_url != NULL && a->type != NULL &&
	    (a->token != NULL) != is_standing(a->type);

	if (a->url == NULL)
		return "an authorization without an address";
	if (a->ident != NULL && !strv_has(&o->names, a->ident))
		return "an authorization for a name that was not ordered";
	if (a->token != NULL && !name_is_token(a->token))
		return "a token that is none";
	if (a->type != NULL && !name_is_word(a->type))
		return "a type of challenge that is none";
	if ((a->published || a->state == A_CHOSEN || a->state == A_ANSWERED ||
	    a->state == A_SWITCH || a->challenge_url != NULL) &&
	    (!chosen || a->ident == NULL))
		return "a challenge without its parts";
	if (a->published && is_standing(a->type))
		return "a standing record that was published";
	return a->ident == NULL && a->state != A_UNREAD ?
	    "an authorization without a name" : NULL;
}

static bool
is_date(const char *s)
{
	int64_t ms;

	return s == NULL || text_unrfc3339(&ms, s);
}

static const char *
names_wrong(const struct strv *names)
{
	enum name_kind kind;
	struct err unused;
	char name[256];
	size_t i;

	if (names->n == 0 || names->n > ACME_AUTHZ_MAX)
		return "no names, or too many";
	for (i = 0; i < names->n; i++)
		if (name_parse(name, &kind, names->v[i], &unused) != 0 ||
		    strcmp(name, names->v[i]) != 0)
			return "a name that is none";
	return NULL;
}

/* What can't be, though each part is well-formed. */
static const char *
order_wrong(const struct acme_order *o)
{
	const char *wrong = names_wrong(&o->names);
	size_t i;

	if (wrong != NULL)
		return wrong;
	if ((o->url == NULL) != (o->finalize == NULL))
		return "one address without the other";
	if (o->url == NULL && (o->nauthz > 0 || o->status != ORDER_PENDING))
		return "progress without an address";
	if (o->status == ORDER_VALID &&
	    (o->certificate == NULL || o->spki.len == 0))
		return "a certificate without address or key";
	if (o->csr.len > 0 && o->spki.len == 0)
		return "a CSR without its key";
	if (o->own_csr && o->csr.len == 0 && !o->failing)
		return "lost the CSR that it was given";
	if (o->retrying && !o->failing)
		return "another try without a failure";
	if (!is_date(o->not_before) || !is_date(o->not_after))
		return "a date that is none";
	for (i = 0; i < o->nauthz; i++) {
		wrong = authz_wrong(o, &o->authz[i]);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

/* An order lends these texts, so they are never NULL. */
static void
never_null(char **text)
{
	if (*text == NULL)
		*text = xstrdup("");
}

struct acme_order *
acme_order_load(const char *text, size_t n, struct err *err)
{
	struct jread r = { "the saved order", ERR_STORE, NULL, err, false };
	struct acme_order *o = xcalloc(1, sizeof(*o));
	json_t *top = jread_open(&r, text, n, SAVE_MAX);
	const char *wrong;

	if (top != NULL && jread_int(&r, top, "order", 0, INT64_MAX) !=
	    SAVE_VERSION)
		jread_wrong(&r, "order", "is a version that is not known");
	get_fields(&r, top, order_fields, o);
	get_guilty(&r, top, &o->guilty);
	if (o->failing || jread_object(&r, top, "why", false) != NULL)
		get_err(&r, top, &o->why);
	get_authz(&r, top, o);
	json_decref(top);
	wrong = r.bad ? NULL : order_wrong(o);
	if (wrong != NULL) {
		err_set(err, ERR_STORE, "the saved order has %s", wrong);
		r.bad = true;
	}
	if (r.bad) {
		acme_order_free(o);
		return NULL;
	}
	never_null(&o->profile);
	never_null(&o->replaces);
	never_null(&o->not_before);
	never_null(&o->not_after);
	never_null(&o->preferred_chain);
	order_settle(o);
	return o;
}
