/* What each kind of request says to the CA, put together by hand from fields
 * that jws_check.c has let pass. */
#include <config.h>
#include <assert.h>
#include "acme/jws_parts.h"
#include "base/name.h"
#include "base/text.h"

static void
add_text(struct buf *b, const char *key, const char *value)
{
	assert(key[0] != '\0');
	if (!jws_has(value))
		return;
	buf_printf(b, "%s\"%s\":\"", b->len > 1 ? "," : "", key);
	buf_json(b, value);
	buf_putc(b, '"');
}

static void
add_contacts(struct buf *b, const struct jws_request *r)
{
	size_t i, n = r->contacts != NULL ? r->contacts->n : 0;

	buf_printf(b, "%s\"contact\":[", b->len > 1 ? "," : "");
	for (i = 0; i < n; i++) {
		buf_puts(b, i > 0 ? ",\"" : "\"");
		buf_json(b, r->contacts->v[i]);
		buf_putc(b, '"');
	}
	buf_putc(b, ']');
}

static void
pay_new_account(struct buf *b, const struct jws_request *r)
{
	buf_putc(b, '{');
	if (r->agreed)
		buf_puts(b, "\"termsOfServiceAgreed\":true");
	if (r->contacts != NULL && r->contacts->n > 0)
		add_contacts(b, r);
	if (r->existing)
		buf_printf(b, "%s\"onlyReturnExisting\":true",
		    b->len > 1 ? "," : "");
	if (jws_has(r->inner))
		buf_printf(b, "%s\"externalAccountBinding\":%s",
		    b->len > 1 ? "," : "", r->inner);
	buf_putc(b, '}');
}

/* An empty list clears what the CA has. */
static void
pay_update(struct buf *b, const struct jws_request *r)
{
	buf_putc(b, '{');
	add_contacts(b, r);
	buf_putc(b, '}');
}

static void
pay_new_order(struct buf *b, const struct jws_request *r)
{
	enum name_kind kind;
	struct err unused;
	char name[256];
	size_t i;

	assert(r->names->n > 0);
	buf_puts(b, "{\"identifiers\":[");
	for (i = 0; i < r->names->n; i++) {
		name_parse(name, &kind, r->names->v[i], &unused);
		buf_printf(b, "%s{\"type\":\"%s\",\"value\":\"%s\"}",
		    i > 0 ? "," : "", kind == NAME_IP ? "ip" : "dns", name);
	}
	buf_putc(b, ']');
	add_text(b, "notBefore", r->not_before);
	add_text(b, "notAfter", r->not_after);
	add_text(b, "profile", r->profile);
	add_text(b, "replaces", r->replaces);
	buf_putc(b, '}');
}

/* POST-as-GET: no payload at all (RFC 8555 section 6.3). */
static void
pay_nothing(struct buf *b, const struct jws_request *r)
{
	(void)b;
	(void)r;
}

static void
pay_empty(struct buf *b, const struct jws_request *r)
{
	(void)r;
	buf_puts(b, "{}");
}

static void
pay_finalize(struct buf *b, const struct jws_request *r)
{
	assert(r->csr.len > 0);
	buf_puts(b, "{\"csr\":\"");
	text_b64u(b, r->csr.p, r->csr.len);
	buf_puts(b, "\"}");
}

static void
pay_deactivate(struct buf *b, const struct jws_request *r)
{
	(void)r;
	buf_puts(b, "{\"status\":\"deactivated\"}");
}

/* The payload is a JWS itself, signed by the new key. */
static void
pay_key_change(struct buf *b, const struct jws_request *r)
{
	assert(jws_has(r->inner));
	buf_puts(b, r->inner);
}

static void
pay_revoke(struct buf *b, const struct jws_request *r)
{
	assert(r->cert.len > 0);
	buf_puts(b, "{\"certificate\":\"");
	text_b64u(b, r->cert.p, r->cert.len);
	buf_putc(b, '"');
	if (r->reason != 0)
		buf_printf(b, ",\"reason\":%u", r->reason);
	buf_putc(b, '}');
}

void
jws_payload(struct buf *out, const struct jws_request *r)
{
	static void (*const payloads[JWS_WHAT_COUNT])(struct buf *,
	    const struct jws_request *) = {
		[JWS_NEW_ACCOUNT] = pay_new_account,
		[JWS_UPDATE_ACCOUNT] = pay_update,
		[JWS_NEW_ORDER] = pay_new_order,
		[JWS_READ] = pay_nothing,
		[JWS_CHALLENGE] = pay_empty,
		[JWS_FINALIZE] = pay_finalize,
		[JWS_DEACTIVATE_AUTHZ] = pay_deactivate,
		[JWS_KEY_CHANGE] = pay_key_change,
		[JWS_DEACTIVATE_ACCOUNT] = pay_deactivate,
		[JWS_REVOKE] = pay_revoke
	};

	assert(payloads[r->what] != NULL && out->len == 0);
	payloads[r->what](out, r);
}
