/* Renewal windows: read within bounds, so that no answer makes us order at
 * once for ever, or too late (security.md B15). */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/ari.h"
#include "acme/codec.h"
#include "acme/json.h"
#include "base/text.h"

/* Bounds are never more than this part of the life. */
enum { SHORT_PART = 20, LATEST_PART = 5, LATEST_DAY_PART = 3 };

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
span_of(const struct acme_life *life)
{
	assert(life->from_ms < life->to_ms);
	return life->to_ms - life->from_ms;
}

bool
acme_ari_url(struct buf *out, const char *renewal_info, const char *id)
{
	size_t n = strlen(renewal_info);

	assert(*id != '\0');
	while (n > 0 && renewal_info[n - 1] == '/')
		n--;
	buf_reset(out);
	buf_add(out, renewal_info, n);
	buf_putc(out, '/');
	buf_puts(out, id);
	return !out->full;
}

/* The shorter the life, the more often: a twentieth of it is soon enough. */
int64_t
acme_ari_ask_at(const char *retry_after, const struct acme_life *life,
    int64_t now_ms)
{
	int64_t part = span_of(life) / SHORT_PART, at, max;

	part = part > ARI_ASK_MIN_MS ? part : ARI_ASK_MIN_MS;
	max = least(ARI_ASK_MAX_MS, part);
	assert(max >= ARI_ASK_MIN_MS && max <= ARI_ASK_MAX_MS);
	at = acme_retry_after(retry_after, now_ms, ARI_ASK_MIN_MS, max);
	return at != 0 ? at : text_add_sat(now_ms, least(ARI_ASK_MS, part));
}

/* Shown to people and opened by them, never fetched. */
static void
read_explanation(char out[ARI_EXPLANATION_MAX + 1], const json_t *top)
{
	const char *s = json_string_value(json_object_get(top,
	    "explanationURL"));
	struct buf unused;
	struct err err;
	size_t i, n = s != NULL ? strlen(s) : 0;

	out[0] = '\0';
	if (n == 0 || n > ARI_EXPLANATION_MAX)
		return;
	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f ||
		    strchr("\"'<>\\^`{|}", s[i]) != NULL)
			return;
	buf_init(&unused, ACME_URL_MAX);
	if (acme_url_origin(&unused, s, &err) == 0)
		memcpy(out, s, n + 1);
	buf_free(&unused);
}

static int
read_window(struct acme_ari *out, struct jread *r, const json_t *top,
    const struct acme_life *life)
{
	json_t *w = jread_object(r, top, "suggestedWindow", true);

	if (w != NULL && (json_object_get(w, "start") == NULL ||
	    json_object_get(w, "end") == NULL))
		jread_wrong(r, "suggestedWindow", "lacks its start or end");
	out->start_ms = jread_time(r, w, "start");
	out->end_ms = jread_time(r, w, "end");
	if (!r->bad && out->end_ms <= out->start_ms)
		jread_wrong(r, "suggestedWindow", "ends before it begins");
	if (!r->bad && out->end_ms - out->start_ms > span_of(life))
		jread_wrong(r, "suggestedWindow", "is longer than the "
		    "certificate is valid");
	return r->bad ? -1 : 0;
}

static int
read_body(struct acme_ari *out, const struct acme_reply *reply,
    const struct acme_life *life, struct err *err)
{
	struct jread r = { "the CA's renewal window", ERR_CA_PROTOCOL, NULL,
	    err, false };
	json_t *top;
	int rc;

	if (codec_want_json(reply, r.what, err) != 0)
		return -1;
	top = jread_open(&r, reply->body, reply->body_len, ACME_JSON_MAX);
	rc = read_window(out, &r, top, life);
	if (rc == 0)
		read_explanation(out->explanation, top);
	json_decref(top);
	return rc;
}

int
acme_ari_read(struct acme_ari *out, const struct acme_reply *reply,
    const struct acme_life *life, int64_t now_ms, struct err *err)
{
	struct problem why;
	int rc = -1;

	assert(life->from_ms < life->to_ms);
	memset(out, 0, sizeof(*out));
	if (reply->doubled)
		err_set(err, ERR_CA_PROTOCOL, "the CA's renewal window: a "
		    "header came twice that may come once");
	else if (reply->status != 200) {
		problem_of_reply(&why, reply, now_ms);
		problem_request_err(&why, JWS_READ, "the renewal window",
		    err);
		problem_free(&why);
	} else
		rc = read_body(out, reply, life, err);
	out->ask_ms = acme_ari_ask_at(reply->retry_after, life, now_ms);
	if (rc != 0)
		err->retry_at_ms = out->ask_ms;
	return rc;
}

/* A random time in the window, as RFC 9773 section 4.2 asks, but not so early
 * that certificates are burnt, nor so late that a failure leaves no days. */
int64_t
acme_ari_pick(const struct acme_ari *a, const struct acme_life *life,
    uint64_t random)
{
	int64_t span = span_of(life), at, early, late, day;

	assert(a->start_ms < a->end_ms);
	at = a->start_ms + (int64_t)(random %
	    (uint64_t)(a->end_ms - a->start_ms));
	assert(at >= a->start_ms && at < a->end_ms);
	early = life->from_ms + least(ARI_EARLIEST_MS, span / SHORT_PART);
	day = least(ARI_LATEST_MS, span / LATEST_DAY_PART);
	late = life->to_ms - (span / LATEST_PART > day ? span / LATEST_PART :
	    day);
	assert(early <= late);
	return at < early ? early : least(at, late);
}

bool
acme_ari_is_past(const struct acme_ari *a, int64_t now_ms)
{
	return a->end_ms <= now_ms;
}
