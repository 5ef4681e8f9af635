/* Composes the requests that an account signs: headers, and the two kinds of
 * JWS that travel inside of another. Text is put together by hand. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "acme/jws_parts.h"
#include "base/text.h"

enum { PART_MAX = 256 * 1024 };

/* Either kid or jwk, never both (RFC 8555 section 6.2). */
static void
protect(struct buf *b, const struct jws_request *r, enum jws_alg alg,
    const char *jwk)
{
	assert(jws_has(r->kid) || jwk != NULL);
	buf_printf(b, "{\"alg\":\"%s\",\"nonce\":\"", jws_alg_name(alg));
	buf_json(b, r->nonce);
	buf_puts(b, "\",\"url\":\"");
	buf_json(b, r->url);
	if (jws_has(r->kid)) {
		buf_puts(b, "\",\"kid\":\"");
		buf_json(b, r->kid);
		buf_puts(b, "\"}");
	} else
		buf_printf(b, "\",\"jwk\":%s}", jwk);
}

/* BASE64URL(header) "." BASE64URL(payload). */
static int
join(struct buf *signing_input, const struct buf *header,
    const struct buf *payload, const char *kind, struct err *err)
{
	assert(signing_input != header && signing_input != payload);
	buf_reset(signing_input);
	text_b64u(signing_input, header->data, header->len);
	buf_putc(signing_input, '.');
	text_b64u(signing_input, payload->data, payload->len);
	if (header->full || payload->full || signing_input->full)
		return err_set(err, ERR_INVALID,
		    "a request of kind \"%s\" is too long", kind);
	return 0;
}

int
jws_compose(struct buf *signing_input, const struct jws_request *r,
    enum jws_alg alg, const char *origin, const char *jwk, struct err *err)
{
	struct buf header, payload;
	int rc;

	assert(origin != NULL && alg < JWS_ALG_COUNT);
	if (r->what < JWS_NEW_ACCOUNT || r->what >= JWS_WHAT_COUNT)
		return err_set(err, ERR_INVALID, "there is no such request");
	if (jws_check(r, origin, err) != 0)
		return -1;
	buf_init(&header, PART_MAX);
	buf_init(&payload, PART_MAX);
	protect(&header, r, alg, jwk);
	jws_payload(&payload, r);
	rc = join(signing_input, &header, &payload, jws_kind_name(r->what),
	    err);
	buf_free(&header);
	buf_free(&payload);
	return rc;
}

int
jws_eab(struct buf *signing_input, enum jws_mac mac, const char *kid,
    const char *url, const char *jwk, struct err *err)
{
	static const char *const names[JWS_MAC_COUNT] = {
		[JWS_HS256] = "HS256", [JWS_HS384] = "HS384",
		[JWS_HS512] = "HS512"
	};
	struct buf header, payload;
	int rc;

	assert(mac < JWS_MAC_COUNT);
	if (!jws_is_eab_kid(kid))
		return err_set(err, ERR_INVALID, "the key id of the external "
		    "account is empty, too long, or has bytes that it must "
		    "not have");
	buf_init(&header, PART_MAX);
	buf_init(&payload, PART_MAX);
	buf_printf(&header, "{\"alg\":\"%s\",\"kid\":\"", names[mac]);
	buf_json(&header, kid);
	buf_puts(&header, "\",\"url\":\"");
	buf_json(&header, url);
	buf_puts(&header, "\"}");
	buf_puts(&payload, jwk);
	rc = join(signing_input, &header, &payload, "external account", err);
	buf_free(&header);
	buf_free(&payload);
	return rc;
}

int
jws_change(struct buf *signing_input, enum jws_alg alg, const char *jwk,
    const char *url, const char *account, const char *old_jwk,
    struct err *err)
{
	struct buf header, payload;
	int rc;

	assert(alg < JWS_ALG_COUNT && old_jwk != NULL);
	buf_init(&header, PART_MAX);
	buf_init(&payload, PART_MAX);
	buf_printf(&header, "{\"alg\":\"%s\",\"jwk\":%s,\"url\":\"",
	    jws_alg_name(alg), jwk);
	buf_json(&header, url);
	buf_puts(&header, "\"}");
	buf_puts(&payload, "{\"account\":\"");
	buf_json(&payload, account);
	buf_printf(&payload, "\",\"oldKey\":%s}", old_jwk);
	rc = join(signing_input, &header, &payload, "key change", err);
	buf_free(&header);
	buf_free(&payload);
	return rc;
}

void
jws_flatten(struct buf *out, const struct buf *signing_input,
    const void *sig, size_t n)
{
	const char *dot = memchr(signing_input->data, '.', signing_input->len);
	const char *end = signing_input->data + signing_input->len;

	assert(dot != NULL);
	buf_puts(out, "{\"protected\":\"");
	buf_add(out, signing_input->data, (size_t)(dot - signing_input->data));
	buf_puts(out, "\",\"payload\":\"");
	buf_add(out, dot + 1, (size_t)(end - dot - 1));
	buf_puts(out, "\",\"signature\":\"");
	text_b64u(out, sig, n);
	buf_puts(out, "\"}");
}
