/* meta.json, out and in. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "base/text.h"
#include "daemon/json.h"
#include "daemon/meta.h"

static void
put_text(struct buf *b, const char *name, const char *value)
{
	assert(b->len > 0 && name[0] != '\0');
	buf_printf(b, ", \"%s\": \"", name);
	buf_json(b, value != NULL ? value : "");
	buf_putc(b, '"');
}

static void
put_time(struct buf *b, const char *name, int64_t ms)
{
	char at[TEXT_TIME];

	text_rfc3339(at, ms);
	put_text(b, name, at);
}

static void
put_version(struct buf *b, const struct row_version *v)
{
	put_text(b, "names", v->names);
	put_text(b, "ca", v->ca);
	put_text(b, "key_type", v->key_type);
	put_text(b, "profile", v->profile);
	put_text(b, "serial", v->serial);
	put_text(b, "sha256", v->sha256);
	put_text(b, "spki_sha256", v->spki_sha256);
	put_text(b, "ari_id", v->ari_id);
	put_time(b, "not_after", v->not_after_ms);
	put_time(b, "issued_at", v->issued_ms);
}

/* A wish that came over the API stands in no file but this one. */
static void
put_wish(struct buf *b, const struct bundle *bundle, bool whole)
{
	const struct row_cert *c = bundle->cert;
	const struct row_label *l;
	size_t i;

	assert(c != NULL && c->name != NULL);
	put_text(b, "name", c->name);
	put_text(b, "source", c->source);
	put_text(b, "where", c->where);
	put_text(b, "policy", c->policy);
	put_text(b, "settings_hash", c->settings_hash);
	if (!whole)
		return;
	put_text(b, "wish", c->wish);
	buf_puts(b, ", \"labels\": [");
	for (i = 0; i < bundle->labels.n; i++) {
		l = ROWS_AT(&bundle->labels, row_label, i);
		buf_puts(b, i > 0 ? ", \"" : "\"");
		buf_json(b, l->key);
		buf_putc(b, '=');
		buf_json(b, l->value);
		buf_putc(b, '"');
	}
	buf_putc(b, ']');
}

/* All or, where that is too much, all but the wish: one that says less beats
 * one that can't be read back. */
static void
put_all(struct buf *b, const struct bundle *bundle,
    const struct row_generation *g, const struct row_version *v, bool whole)
{
	char id[17];

	assert(bundle->cert != NULL && g != NULL && v != NULL);
	text_id(id, (uint64_t)bundle->cert->id);
	buf_init(b, META_MAX);
	buf_printf(b, "{\"certificate\": \"%s\", \"generation\": %lld, "
	    "\"version\": %lld", id, (long long)g->gen, (long long)v->version);
	put_version(b, v);
	put_time(b, "created_at", g->created_ms);
	put_wish(b, bundle, whole);
	buf_puts(b, "}\n");
}

void
meta_write(struct buf *out, const struct bundle *b,
    const struct row_generation *g, const struct row_version *v)
{
	put_all(out, b, g, v, true);
	if (!out->full)
		return;
	buf_free(out);
	put_all(out, b, g, v, false);
}

/* --- back ---------------------------------------------------------------- */

static char *
text_of(const json_t *j, const char *key)
{
	const char *s = json_get(j, key);

	return xstrdup(s != NULL ? s : "");
}

static void
take(struct meta *m, const json_t *j)
{
	const json_t *l;
	size_t i;

	assert(m->name == NULL && m->labels.n == 0);
	m->version = json_get_int(j, "version");
	m->name = text_of(j, "name");
	m->source = text_of(j, "source");
	m->where = text_of(j, "where");
	m->policy = text_of(j, "policy");
	m->wish = text_of(j, "wish");
	m->ca = text_of(j, "ca");
	m->key_type = text_of(j, "key_type");
	m->profile = text_of(j, "profile");
	m->issued_ms = json_get_time(j, "issued_at");
	json_array_foreach(json_object_get(j, "labels"), i, l)
		if (json_is_string(l))
			strv_add(&m->labels, json_string_value(l));
}

int
meta_read(struct meta *out, const void *p, size_t n, struct err *err)
{
	json_t *j = json_read(p, n, "meta.json", err);

	memset(out, 0, sizeof(*out));
	if (j == NULL)
		return -1;
	take(out, j);
	json_decref(j);
	if (name_is_title(out->name) && out->version >= 0 &&
	    out->version <= UINT32_MAX)
		return 0;
	meta_free(out);
	return err_set(err, ERR_INVALID, "meta.json names no certificate");
}

void
meta_free(struct meta *m)
{
	free(m->name);
	free(m->source);
	free(m->where);
	free(m->policy);
	free(m->wish);
	free(m->ca);
	free(m->key_type);
	free(m->profile);
	strv_free(&m->labels);
	memset(m, 0, sizeof(*m));
}
