/* One CA as JSON: where it is, what it can, our account there. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "base/text.h"
#include "daemon/caps.h"
#include "daemon/conf_table.h"
#include "daemon/hurdle.h"
#include "daemon/json.h"
#include "daemon/view.h"

static json_t *
account(const struct row_account *a, const char *thumbprint)
{
	char id[17];

	if (a == NULL)
		return json_null();
	text_id(id, (uint64_t)a->id);
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
	    "id", id, "url", json_text(a->kid), "status", json_text(a->status),
	    "contacts", json_lines(a->contacts), "key_type",
	    a->alg == NULL || *a->alg == '\0' ? "ecdsa-p256" : a->alg,
	    "thumbprint", json_text(thumbprint),
	    "eab_kid", json_text(a->eab_kid),
	    "created_at", json_time(a->created_ms),
	    "error", view_error_column(a->error));
}

/* What its directory says has the last word; of what no directory says nothing
 * is known where somebody else runs the CA. */
static json_t *
can(const struct conf_known_ca *k, const json_t *caps)
{
	static const struct { const char *name; unsigned int bit; } bits[] = {
		{ "wildcards", CA_CAN_WILDCARD }, { "addresses", CA_CAN_IP },
		{ "validity", CA_CAN_VALIDITY }, { "ari", CA_CAN_ARI },
		{ "profiles", CA_CAN_PROFILES }, { "eab_needed", CA_NEEDS_EAB }
	};
	json_t *j = json_object();
	size_t i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		json_object_set_new(j, bits[i].name, k == NULL ? json_null() :
		    json_boolean((k->can & bits[i].bit) != 0));
	if (caps == NULL)
		return j;
	json_object_set(j, "ari", json_object_get(caps, "ari"));
	json_object_set(j, "eab_needed", json_object_get(caps, "eab"));
	json_object_set_new(j, "profiles", json_boolean(json_object_size(
	    json_object_get(caps, "profiles")) > 0));
	return j;
}

/* A member of the directory; null as long as that was never read. */
static json_t *
said(const json_t *caps, const char *key)
{
	json_t *v = json_object_get(caps, key);

	assert(key[0] != '\0');
	return v != NULL ? json_incref(v) : json_null();
}

/* What we have used up of what it allows. */
static json_t *
limits(const struct budget_state *b)
{
	assert(b->at_limit == 0 || b->free_ms != 0);
	return json_pack("[{s:s, s:i, s:i, s:I, s:I, s:o}]", "limit",
	    "exact-set", "allowed", (int)BUDGET_SET_LIMIT, "days",
	    (int)BUDGET_SET_DAYS, "most_used", (json_int_t)b->most_used,
	    "at_limit", (json_int_t)b->at_limit, "retry_at",
	    json_time(b->free_ms));
}

/* Whether an order there could begin now, and what the first thing against it
 * is. */
static void
add_ready(json_t *j, const struct view_ca *v)
{
	struct hurdle_ca h = { .conf = v->conf, .row = v->row,
		.account = v->account, .terms = json_get(j, "terms"),
		.eab = json_get_true(json_object_get(j, "can"), "eab_needed") };
	struct err err;
	bool ready = hurdle_first(&h, v->now_ms, &err) == 0;

	assert(v->now_ms != 0);
	json_object_set_new(j, "ready", json_boolean(ready));
	json_object_set_new(j, "not_ready", ready ? json_null() :
	    view_error(&err));
	json_object_set_new(j, "limits", limits(&v->limits));
}

/* What it is for us (configuration), for everybody (what we know of it), and
 * what it says itself. */
json_t *
view_ca(const struct view_ca *v)
{
	const struct conf_known_ca *k = conf_known_ca(v->conf->title);
	const struct row_ca *row = v->row;
	json_t *caps = caps_read(row != NULL ? row->caps : NULL), *j;

	assert(v->conf != NULL && v->conf->title != NULL);
	if (k == NULL)
		k = conf_known_directory(v->conf->directory);
	j = json_pack("{s:s, s:o, s:o, s:o, s:b, s:s, s:o, s:o, s:I, s:I, "
	    "s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ca",
	    v->conf->title,
	    "where", json_text(v->conf->where),
	    "directory", json_text(v->conf->directory),
	    "terms", json_text(row != NULL && row->terms != NULL &&
	    *row->terms != '\0' ? row->terms : k != NULL ? k->terms : NULL),
	    "test_ca", (int)v->conf->test_ca,
	    "state", row == NULL || row->state == NULL ||
	    *row->state == '\0' ? "unknown" : row->state,
	    "since", json_time(row == NULL ? 0 : row->since_ms),
	    "retry_at", json_time(row == NULL ? 0 : row->retry_at_ms),
	    "orders", (json_int_t)v->orders,
	    "max_orders", (json_int_t)v->conf->max_orders,
	    "error", view_error_column(row == NULL ? NULL : row->error),
	    "account", account(v->account, v->thumbprint), "can", can(k, caps),
	    "eab_kid", json_text(v->conf->eab_kid),
	    "account_key", json_text(v->conf->account_key),
	    "note", json_text(k != NULL ? k->note : NULL),
	    "profiles", said(caps, "profiles"), "caa", said(caps, "caa"),
	    "website", said(caps, "website"));
	json_decref(caps);
	add_ready(j, v);
	return j;
}
