/* Acts that end at the keeper, which does them for an operator only: POST
 * .../revoke, and of a CA rollover, deactivate, import and export, whose key
 * does not come this way. What is lacking is answered with 409
 * needs-operator. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/api_in.h"
#include "daemon/engine.h"
#include "daemon/json.h"
#include "daemon/revoke.h"
#include "daemon/turn.h"

/* --- the body ---------------------------------------------------------- */

/* Refuses members that are none of these. */
static json_t *
body_of(struct api_req *r, const char *const *known, struct err *err)
{
	json_t *body = api_body(r, err), *v;
	const char *key;
	size_t i;

	assert(known != NULL);
	json_object_foreach(body, key, v) {
		for (i = 0; known[i] != NULL && strcmp(known[i], key) != 0; )
			i++;
		if (known[i] != NULL)
			continue;
		err_set(err, ERR_INVALID, "no such option \"%.64s\"", key);
		json_decref(body);
		return NULL;
	}
	return body;
}

/* --- revoke ------------------------------------------------------------ */

struct revoke {
	struct api_req *r;
	struct act_revoke how;
	bool dry;
};

static int
read_how(struct act_revoke *how, const json_t *body, struct err *err)
{
	const json_t *reason = json_object_get(body, "reason");
	const json_t *at_once = json_object_get(body, "at_once");

	assert(body != NULL);
	how->reason = -1;
	if (at_once != NULL && !json_is_boolean(at_once))
		return err_set(err, ERR_INVALID, "\"at_once\" is neither true "
		    "nor false");
	how->at_once = json_is_true(at_once);
	if (reason == NULL || json_is_null(reason))
		return 0;
	if (json_is_string(reason))
		how->reason = revoke_reason(json_string_value(reason));
	if (how->reason >= 0)
		return 0;
	err_set(err, ERR_INVALID, "\"%.64s\" is no reason for a revocation",
	    json_is_string(reason) ? json_string_value(reason) : "reason");
	return err_advise(err, "One of: %s", revoke_reasons);
}

static void
revoke_over(void *ctx, const struct err *err)
{
	struct revoke *a = ctx;

	assert(a->r->own == a);
	if (err != NULL)
		api_reply_err(a->r, err);
	else
		api_reply_cert(a->r, 202, -1);
}

/* What it would be about, for people and for who has to arm it. */
static void
revoke_dry(struct revoke *a, const struct bundle *b)
{
	json_t *versions = json_array(), *lines = json_array();
	int64_t reason = a->how.reason < 0 ? REVOKE_NO_REASON : a->how.reason;
	const struct row_version *v;
	char id[17], line[200];
	size_t i;

	assert(a->dry && revoke_reason_name(reason) != NULL);
	text_id(id, (uint64_t)b->cert->id);
	for (i = 0; i < b->versions.n; i++) {
		v = ROWS_AT(&b->versions, row_version, i);
		if (!revoke_is_meant(b, v, reason, loop_now()))
			continue;
		snprintf(line, sizeof(line), "version %lld by %s would be "
		    "revoked (%s)", (long long)v->version, v->ca,
		    revoke_reason_name(reason));
		json_array_append_new(lines, json_text(line));
		json_array_append_new(versions, json_pack("{s:I, s:o}",
		    "version", (json_int_t)v->version, "sha256",
		    json_text(v->sha256)));
	}
	json_array_append_new(lines, json_text(json_array_size(versions) == 0 ?
	    "it has no certificate that could be revoked" : a->how.at_once ?
	    "at once; a new one is ordered after that: one order" :
	    "once a new one, with a new key, is in use: one order"));
	api_reply(a->r, 200, json_pack("{s:b, s:s, s:s, s:o, s:o}", "dry", 1,
	    "name", b->cert->name, "id", id, "versions", versions, "lines",
	    lines));
}

static void
revoke_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct revoke *a = ctx;

	assert(a->r->own == a);
	if (err != NULL)
		api_reply_err(a->r, err);
	else if (b->cert == NULL)
		api_reply_no_cert(a->r);
	else if (a->dry)
		revoke_dry(a, b);
	else
		act_revoke(b->cert->name, &a->how, a->r->actor, revoke_over,
		    a);
}

void
api_post_revoke(struct api_req *r)
{
	static const char *const known[] = { "reason", "at_once", NULL };
	struct revoke *a = xcalloc(1, sizeof(*a));
	json_t *body = NULL;
	struct err err;

	assert(r->own == NULL);
	a->r = r;
	r->own = a;
	r->drop = free;
	if (api_param_flag(&r->target, "dry", &a->dry, &err) == 0)
		body = body_of(r, known, &err);
	if (body == NULL || read_how(&a->how, body, &err) != 0)
		api_reply_err(r, &err);
	else
		bundle_by_name(turn_store_durable(), r->name, revoke_read, a);
	json_decref(body);
}

/* --- accounts ---------------------------------------------------------- */

static void
account_over(void *ctx, const struct err *err)
{
	struct api_req *r = ctx;

	assert(r->name != NULL);
	if (err != NULL)
		api_reply_err(r, err);
	else
		api_get_ca(r);
}

/* The account's keeper decides; here only who is asked, and for what. */
static void
account_act(struct api_req *r, enum act_account what,
    const struct act_import *key)
{
	assert((key != NULL) == (what == ACT_IMPORT));
	if (conf_ca(engine_conf(), r->name) == NULL)
		api_get_ca(r);		/* says that there is none */
	else
		act_account(r->name, what, key, r->actor, account_over, r);
}

static void
without_options(struct api_req *r, enum act_account what)
{
	static const char *const none[] = { NULL };
	struct err err;
	json_t *body = body_of(r, none, &err);

	if (body == NULL)
		api_reply_err(r, &err);
	else
		account_act(r, what, NULL);
	json_decref(body);
}

void
api_post_rollover(struct api_req *r)
{
	without_options(r, ACT_ROLLOVER);
}

void
api_post_deactivate(struct api_req *r)
{
	without_options(r, ACT_DEACTIVATE);
}

void
api_post_export(struct api_req *r)
{
	without_options(r, ACT_EXPORT);
}

static bool
read_bytes(struct blob *out, const json_t *body, const char *key)
{
	const char *s = json_get(body, key);

	return s != NULL && text_unb64u(out, s, strlen(s)) && out->len > 0;
}

/* The sealed key as master has handed it to the operator, and its public
 * half. Only the keeper can tell what is in it. */
void
api_post_import(struct api_req *r)
{
	static const char *const known[] = { "id", "sealed", "public", NULL };
	struct act_import key = { 0 };
	struct err err;
	json_t *body = body_of(r, known, &err);
	const char *hex = json_get(body, "id");
	uint64_t id = 0;

	if (body != NULL && hex != NULL && text_unid(&id, hex) && id != 0 &&
	    id <= INT64_MAX && read_bytes(&key.sealed, body, "sealed") &&
	    read_bytes(&key.spki, body, "public")) {
		key.id = (int64_t)id;
		assert(key.id > 0 && key.sealed.len > 0 && key.spki.len > 0);
		account_act(r, ACT_IMPORT, &key);
	} else {
		if (body != NULL) {
			err_set(&err, ERR_INVALID, "id, sealed and public must "
			    "be those that master has given");
			err_advise(&err, "As root on this machine: everleaf ca "
			    "import %s FILE", r->name);
		}
		api_reply_err(r, &err);
	}
	blob_free(&key.sealed);
	blob_free(&key.spki);
	json_decref(body);
}
