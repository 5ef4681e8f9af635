/* What a self-check found goes into the inventory. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf_table.h"
#include "daemon/engine.h"
#include "daemon/look.h"
#include "daemon/loop.h"
#include "daemon/purge.h"
#include "daemon/selfcheck.h"
#include "daemon/selfcheck_note.h"
#include "daemon/view.h"

/* --- what it means ------------------------------------------------------ */

static bool
is(const struct row_finding *f, const char *kind)
{
	return strcmp(f->kind, kind) == 0;
}

static bool
is_good(const struct row_finding *f)
{
	return strcmp(f->result, "good") == 0;
}

static bool
is_ours(const struct row_finding *f)
{
	return is(f, FINDING_MACHINE) || is(f, FINDING_ADDRESS) ||
	    is(f, FINDING_HTTP) || is(f, FINDING_CAA);
}

/* Texts of failures begin with their subject. */
static bool
is_about(const struct err *err, const char *ident)
{
	size_t n = strlen(ident);

	return n > 0 && strncmp(err->text, ident, n) == 0 &&
	    err->text[n] == ':';
}

/* A name is elsewhere when it has addresses and none of them is ours or
 * answers with our token. */
static bool
is_elsewhere(const char *ident, const struct row_finding *f, size_t n)
{
	size_t i, addresses = 0;

	assert(n == 0 || f != NULL);
	for (i = 0; i < n; i++) {
		if (strcmp(f[i].ident, ident) != 0)
			continue;
		if ((is(&f[i], FINDING_ADDRESS) || is(&f[i], FINDING_HTTP)) &&
		    is_good(&f[i]))
			return false;
		addresses += is(&f[i], FINDING_ADDRESS) &&
		    *f[i].subject != '\0';
	}
	return addresses > 0;
}

/* Where to point a name: an address of this machine, IPv4 if there is one;
 * NULL if none is of the Internet. */
static const char *
address_of_ours(const struct row_finding *f, size_t n)
{
	const char *best = NULL;
	size_t i;

	for (i = 0; i < n; i++)
		if (is(&f[i], FINDING_MACHINE) && is_good(&f[i]) &&
		    (best == NULL || (strchr(best, ':') != NULL &&
		    strchr(f[i].subject, ':') == NULL)))
			best = f[i].subject;
	return best;
}

bool
selfcheck_explains(struct err *err, const struct row_finding *f, size_t n)
{
	const char *ours = address_of_ours(f, n);
	int64_t retry_at_ms = err->retry_at_ms;
	size_t i;

	if (ours == NULL || (err->code != ERR_CONNECTION &&
	    err->code != ERR_CHALLENGE_WRONG && err->code != ERR_DNS_FAILS))
		return false;
	for (i = 0; i < n; i++)
		if (is_about(err, f[i].ident) &&
		    is_elsewhere(f[i].ident, f, n)) {
			err_set(err, ERR_DNS_ELSEWHERE, "%s points to another "
			    "machine", f[i].ident);
			err_advise(err, "Point %s to %s, or drop it.",
			    f[i].ident, ours);
			assert(err->code == ERR_DNS_ELSEWHERE);
			err->retry_at_ms = retry_at_ms;
			return true;
		}
	return false;
}

bool
selfcheck_is_fresh(const struct bundle *b, int64_t now_ms)
{
	const struct row_finding *f;
	size_t i;

	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (is_ours(f) && f->at_ms <= now_ms &&
		    now_ms - f->at_ms < SELFCHECK_FRESH_MS)
			return true;
	}
	return false;
}

/* --- writing it down ---------------------------------------------------- */

struct noting {
	int64_t cert_id;
	const struct row_finding *f;
	size_t n;
};

/* The failure that is told may have been told before this was known. */
static void
explain(const struct row_cert *c, const struct noting *k)
{
	struct row_cert *row;
	struct strv saw;
	struct err err;

	assert(k->n == 0 || k->f != NULL);
	if (view_error_parse(&err, &saw, c->iss_error) &&
	    selfcheck_explains(&err, k->f, k->n)) {
		row = row_copy(T_CERT, c);
		free(row->iss_error);
		row->iss_error = view_error_json(&err, &saw);
		batch_put(turn_batch(), T_CERT, row);
		row_free(T_CERT, row);
		free(row);
	}
	strv_free(&saw);
	engine_touch(c->id);
}

void
selfcheck_forget(const struct bundle *b)
{
	size_t i;

	for (i = 0; i < b->findings.n; i++)
		if (is_ours(ROWS_AT(&b->findings, row_finding, i)))
			batch_del(turn_batch(), T_FINDING,
			    ROWS_AT(&b->findings, row_finding, i));
}

static void
note(void *ctx, struct bundle *b, const struct err *err)
{
	struct noting *k = ctx;
	size_t i;

	assert(k->n == 0 || k->f != NULL);
	if (err != NULL || b->cert == NULL || purge_has(k->cert_id))
		return;
	selfcheck_forget(b);
	for (i = 0; i < k->n; i++)
		batch_put(turn_batch(), T_FINDING, &k->f[i]);
	explain(b->cert, k);
}

struct kept {			/* a store may answer later */
	struct noting noting;
	struct row_finding *rows;
};

static void
note_kept(void *ctx, struct bundle *b, const struct err *err)
{
	struct kept *k = ctx;
	size_t i;

	note(&k->noting, b, err);
	for (i = 0; i < k->noting.n; i++)
		row_free(T_FINDING, &k->rows[i]);
	free(k->rows);
	free(k);
}

/* The rows belong to the check, which ends with this call: a copy is kept. */
static void
checked(void *ctx, const struct row_finding *f, size_t n)
{
	int64_t *id = ctx;
	struct kept *k = xcalloc(1, sizeof(*k));
	struct row_finding *copy;
	size_t i;

	assert(n == 0 || f != NULL);
	k->rows = xcalloc(n, sizeof(*k->rows));
	for (i = 0; i < n; i++) {
		copy = row_copy(T_FINDING, &f[i]);
		k->rows[i] = *copy;
		free(copy);
	}
	k->noting.cert_id = *id;
	k->noting.f = k->rows;
	k->noting.n = n;
	bundle_by_id(turn_store(), *id, note_kept, k);
	free(id);
}

/* --- when --------------------------------------------------------------- */

/* It may ask from where names mean something else. */
static bool
is_of_ones_own(const struct conf_ca *ca)
{
	const struct conf_known_ca *k = conf_known_ca(ca->title);

	return ca->trust.len > 0 || *ca->trust_file != '\0' ||
	    (k != NULL && (k->can & CA_IS_PRIVATE) != 0);
}

bool
selfcheck_look(int64_t id, const struct conf_wish *wish, struct ca *ca,
    const char *guilty, void (*done)(void *ctx, const struct row_finding *f,
    size_t n), void *ctx)
{
	const struct acme_session *s = ca_session(ca);
	const char *kid = s != NULL ? acme_session_kid(s) : NULL;
	struct strv identities = { NULL, 0 };
	struct selfcheck_want w = { id, wish, guilty, &identities,
		kid != NULL ? kid : "" };
	bool begun;

	assert(ca != NULL && done != NULL && id != 0);
	if (is_of_ones_own(ca_conf(ca)))
		return false;
	look_identities(&identities, ca);
	begun = selfcheck(&w, done, ctx);
	strv_free(&identities);
	return begun;
}

/* Beside the order, which does not wait for it: it only tells why one might
 * fail. */
void
selfcheck_beside(const struct bundle *b, const struct conf_wish *wish,
    struct ca *ca, const char *guilty)
{
	int64_t *id = xmemdup(&b->cert->id, sizeof(b->cert->id));

	if (!selfcheck_look(*id, wish, ca, guilty, checked, id))
		free(id);
}
