/* dns-persist-01: the record that allows one account at one CA to be issued
 * certificates, written once by whoever owns the zone. */
#include <config.h>
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <openssl/sha.h>
#include "acme/method.h"
#include "base/text.h"

bool
method_is_uri(const char *s)
{
	size_t n = strlen(s), i;

	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == ';')
			return false;
	return n >= 1 && n <= METHOD_URI_MAX;
}

void
method_account_hash(struct buf *out, const char *prefix, const char *name,
    const char *thumbprint, const char *account_url)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	struct buf b;

	assert(strlen(name) <= UINT8_MAX);	/* its length is one byte */
	buf_init(&b, 2 * (size_t)METHOD_URI_MAX);
	buf_putc(&b, (char)strlen(name));
	buf_puts(&b, name);
	buf_puts(&b, thumbprint);
	buf_puts(&b, account_url);
	assert(!b.full);
	SHA256((const unsigned char *)b.data, b.len, sum);
	buf_free(&b);
	buf_printf(out, "%ssha-256/", prefix);
	text_b64u(out, sum, sizeof(sum));
}

void
method_persist(struct buf *out, const char *issuer, const char *uri,
    bool wildcard, int64_t until_s)
{
	assert(issuer[0] != '\0' && until_s >= 0);
	buf_printf(out, "%s; accounturi=%s", issuer, uri);
	if (wildcard)
		buf_puts(out, "; policy=wildcard");
	if (until_s != 0)
		buf_printf(out, "; persistUntil=%" PRId64, until_s);
}

/* --- reading one ---------------------------------------------------------- */

struct part {
	const char *p;
	size_t n;
};

static void
trim(struct part *t)
{
	while (t->n > 0 && (t->p[0] == ' ' || t->p[0] == '\t')) {
		t->p++;
		t->n--;
	}
	while (t->n > 0 && (t->p[t->n - 1] == ' ' || t->p[t->n - 1] == '\t'))
		t->n--;
}

/* What goes up to the next ";"; *at moves behind it, to NULL at the end. */
static struct part
next_part(const char **at)
{
	struct part t = { *at, strcspn(*at, ";") };

	assert(*at != NULL);
	*at = t.p[t.n] == ';' ? t.p + t.n + 1 : NULL;
	trim(&t);
	return t;
}

static bool
is_text(struct part t, const char *s)
{
	return t.n == strlen(s) && strncasecmp(t.p, s, t.n) == 0;
}

/* Issuers are host names and fold case; accounts are addresses and do not. */
static bool
any_is(struct part t, const struct strv *list, bool fold)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (fold ? is_text(t, list->v[i]) : t.n == strlen(list->v[i])
		    && memcmp(t.p, list->v[i], t.n) == 0)
			return true;
	return false;
}

/* 15 digits are thirty million years, and fit. */
static bool
seconds_of(struct part t, int64_t *s)
{
	size_t i;

	*s = 0;
	if (t.n < 1 || t.n > 15)
		return false;
	for (i = 0; i < t.n; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
		*s = *s * 10 + (t.p[i] - '0');
	}
	return true;
}

struct found {
	bool account, wildcard, until;	/* the tag was there */
	bool right_account, right_policy;
	int64_t until_s;
};

/* "tag=value", with room around both; false if it is none. */
static bool
split(struct part t, struct part *tag, struct part *value)
{
	const char *eq = memchr(t.p, '=', t.n);

	if (eq == NULL || eq == t.p)
		return false;
	*tag = (struct part){ t.p, (size_t)(eq - t.p) };
	*value = (struct part){ eq + 1, t.n - tag->n - 1 };
	trim(tag);
	trim(value);
	return true;
}

/* One "tag=value"; false if it is malformed or there for the second time. */
static bool
take_tag(struct found *f, struct part t, const struct strv *uris)
{
	struct part tag, value;
	bool again = false;

	if (!split(t, &tag, &value))
		return false;
	if (is_text(tag, "accounturi")) {
		again = f->account;
		f->account = true;
		f->right_account = any_is(value, uris, false);
	} else if (is_text(tag, "policy")) {
		again = f->wildcard;
		f->wildcard = true;
		f->right_policy = is_text(value, "wildcard");
	} else if (is_text(tag, "persistUntil")) {
		again = f->until;
		f->until = true;
		if (!seconds_of(value, &f->until_s))
			return false;
	}
	return !again;
}

int64_t
method_persist_until(const char *text)
{
	static const struct strv none = { NULL, 0 };
	struct found f = { false, false, false, false, false, 0 };
	const char *at = text;

	next_part(&at);
	while (at != NULL)
		if (!take_tag(&f, next_part(&at), &none))
			return 0;
	return f.until_s;
}

void
method_persist_who(const char *text, char issuer[METHOD_RECORD],
    struct buf *uri, bool *wildcard)
{
	const char *at = text;
	struct part t = next_part(&at), tag, value;

	issuer[0] = '\0';
	*wildcard = false;
	if (t.n < METHOD_RECORD) {
		memcpy(issuer, t.p, t.n);
		issuer[t.n] = '\0';
	}
	while (at != NULL) {
		if (!split(next_part(&at), &tag, &value))
			continue;
		if (is_text(tag, "accounturi"))
			buf_add(uri, value.p, value.n);
		if (is_text(tag, "policy"))
			*wildcard = is_text(value, "wildcard");
	}
}

bool
method_persist_fits(const char *text, const struct strv *issuers,
    const struct strv *uris, bool wildcard, int64_t now_ms)
{
	struct found f = { false, false, false, false, false, 0 };
	const char *at = text;
	struct part t = next_part(&at);

	assert(text != NULL);
	if (!any_is(t, issuers, true))
		return false;
	while (at != NULL) {
		t = next_part(&at);
		if (!take_tag(&f, t, uris))
			return false;
	}
	if (f.until && f.until_s <= now_ms / 1000)
		return false;
	return f.right_account && (!wildcard || f.right_policy);
}

void
method_persist_told(const struct strv *known, const char *place,
    const struct strv *issuers, struct buf *uri)
{
	size_t n = strlen(place), i;
	char issuer[METHOD_RECORD];
	const char *text;
	bool unused;

	assert(n > 0 && uri->len == 0);
	for (i = 0; i < known->n && uri->len == 0; i++) {
		if (strncmp(known->v[i], place, n) != 0 ||
		    known->v[i][n] != ' ')
			continue;
		text = known->v[i] + n + 1;
		if (any_is(next_part(&text), issuers, true))
			method_persist_who(known->v[i] + n + 1, issuer, uri,
			    &unused);
	}
}
