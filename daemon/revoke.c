/* What a revocation is: reasons, states, and when a version is replaced.
 * Pure. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "acme/acme.h"
#include "daemon/revoke.h"

const char revoke_reasons[] = "unspecified, key-compromise, "
    "affiliation-changed, superseded, cessation-of-operation";

static const struct { const char *name; int number; } reasons[] = {
	{ "unspecified", REVOKE_NO_REASON },
	{ "key-compromise", REVOKE_KEY_COMPROMISE },
	{ "affiliation-changed", 3 }, { "superseded", 4 },
	{ "cessation-of-operation", 5 }
};

int
revoke_reason(const char *name)
{
	size_t i;

	assert(name != NULL);
	for (i = 0; i < REVOKE_REASONS; i++)
		if (strcmp(reasons[i].name, name) == 0)
			return reasons[i].number;
	return -1;
}

const char *
revoke_reason_name(int64_t reason)
{
	size_t i;

	for (i = 0; i < REVOKE_REASONS; i++)
		if (reasons[i].number == reason)
			return reasons[i].name;
	return NULL;
}

bool
revoke_is(const struct row_revocation *r, const char *state)
{
	assert(state[0] != '\0');
	return strcmp(r->state, state) == 0;
}

bool
revoke_is_open(const struct row_revocation *r)
{
	return !revoke_is(r, "done");
}

/* Served everywhere, and with another key: one that shares it would be as
 * bad as the one that goes. */
bool
revoke_is_replaced(const struct bundle *b, int64_t version, int64_t now_ms)
{
	const struct row_cert *c = b->cert;
	const struct row_version *v = bundle_version(b, c->newest);
	const struct row_version *old = bundle_version(b, version);
	const struct row_deployment *d;
	size_t i;

	assert(c != NULL);
	if (c->newest <= version || c->installed != c->newest || v == NULL ||
	    v->revoked_ms != 0 || v->not_after_ms <= now_ms ||
	    (old != NULL && !bundle_own_key(v) &&
	    strcmp(old->spki_sha256, v->spki_sha256) == 0))
		return false;
	for (i = 0; i < b->deployments.n; i++) {
		d = ROWS_AT(&b->deployments, row_deployment, i);
		if (strcmp(d->state, "served") != 0 || d->version != c->newest)
			return false;
	}
	return true;
}

bool
revoke_csr_has_key_of(const struct row_cert *c, const struct row_version *v)
{
	struct acme_csr csr;
	struct err unused;
	char hex[65];

	if (c->csr.len == 0 || acme_csr_read(&csr, c->csr.p, c->csr.len,
	    &unused) != 0)
		return false;
	acme_digest_hex(hex, csr.spki.p, csr.spki.len);
	acme_csr_free(&csr);
	return strcmp(hex, v->spki_sha256) == 0;
}

bool
revoke_key_is_burnt(const struct bundle *b)
{
	const struct row_revocation *r;
	const struct row_version *v;
	size_t i;

	for (i = 0; i < b->revocations.n; i++) {
		r = ROWS_AT(&b->revocations, row_revocation, i);
		v = bundle_version(b, r->version);
		if (r->reason == REVOKE_KEY_COMPROMISE && v != NULL &&
		    revoke_csr_has_key_of(b->cert, v))
			return true;
	}
	return false;
}

static bool
is_in_use(const struct row_cert *c, int64_t version)
{
	return version == c->newest || version == c->installed ||
	    version == c->served;
}

/* A key that somebody else has is revoked wherever it was used; for other
 * reasons only what is in use matters. */
bool
revoke_is_meant(const struct bundle *b, const struct row_version *v,
    int64_t reason, int64_t now_ms)
{
	return !v->placeholder && v->version > 0 && v->leaf.len > 0 &&
	    v->revoked_ms == 0 && v->not_after_ms > now_ms &&
	    (reason == REVOKE_KEY_COMPROMISE || is_in_use(b->cert,
	    v->version));
}
