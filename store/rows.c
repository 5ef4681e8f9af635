/* What the tables are made of: for each struct of rows.h its columns, key
 * first, and its indexes. The schema's frozen text, all SQL and the store in
 * memory follow from here; a test compares them. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "store/cols.h"
#include "store/rows.h"

/* The type of a column is the type of its field. */
#define TYPE(st, f) _Generic(((struct row_##st *)0)->f, \
	int64_t: COL_INT, char *: COL_TEXT, struct blob: COL_BLOB)
#define F(st, f) { #f, TYPE(st, f), offsetof(struct row_##st, f) }
#define END { NULL, COL_INT, 0 }

static const struct col meta_cols[] = {
	F(meta, key), F(meta, value), END
};
static const struct col node_cols[] = {
	F(node, id), F(node, name), F(node, created_ms), END
};
static const struct col policy_cols[] = {
	F(policy, name), F(policy, settings), F(policy, hash), END
};
static const struct col cert_cols[] = {
	F(cert, id), F(cert, name), F(cert, tenant), F(cert, source),
	F(cert, where), F(cert, names_where), F(cert, policy), F(cert, wish),
	F(cert, settings), F(cert, settings_hash), F(cert, created_ms),
	F(cert, changed_ms), F(cert, retired_ms), F(cert, paused_ms),
	F(cert, state), F(cert, summary), F(cert, attention),
	F(cert, state_since_ms), F(cert, iss_state), F(cert, iss_failures),
	F(cert, iss_last_try_ms), F(cert, iss_next_try_ms),
	F(cert, iss_error), F(cert, renew_at_ms), F(cert, renew_reason),
	F(cert, renew_forced), F(cert, newest), F(cert, installed),
	F(cert, installed_gen), F(cert, installed_since_ms), F(cert, served),
	F(cert, served_checked_ms), F(cert, next_gen), F(cert, next_version),
	F(cert, not_after_ms), F(cert, ari_version), F(cert, ari_start_ms),
	F(cert, ari_end_ms), F(cert, ari_next_ms), F(cert, ari_url),
	F(cert, degraded), F(cert, next_key_type), F(cert, next_sealed),
	F(cert, next_spki), F(cert, next_kek_id), F(cert, csr), END
};
static const struct col ident_cols[] = {
	F(ident, cert_id), F(ident, kind), F(ident, value),
	F(ident, position), F(ident, wanted), F(ident, current), END
};
static const struct col label_cols[] = {
	F(label, cert_id), F(label, key), F(label, value), END
};
static const struct col ca_cols[] = {
	F(ca, name), F(ca, directory), F(ca, state), F(ca, since_ms),
	F(ca, retry_at_ms), F(ca, failures), F(ca, error), F(ca, terms),
	F(ca, caps), END
};
static const struct col account_cols[] = {
	F(account, id), F(account, ca), F(account, directory),
	F(account, sealed), F(account, spki), F(account, kek_id),
	F(account, kid), F(account, status), F(account, contacts),
	F(account, created_ms), F(account, intent_ms), F(account, alg),
	F(account, eab_kid), F(account, next_alg), F(account, next_sealed),
	F(account, next_spki), F(account, error), END
};
static const struct col order_cols[] = {
	F(order, cert_id), F(order, version), F(order, account_id),
	F(order, ca), F(order, names), F(order, cause), F(order, state),
	F(order, stage), F(order, sealed), F(order, spki), F(order, kek_id),
	F(order, created_ms), F(order, changed_ms), F(order, wait_until_ms),
	END
};
static const struct col challenge_cols[] = {
	F(challenge, cert_id), F(challenge, ident), F(challenge, type),
	F(challenge, token), F(challenge, keyauth),
	F(challenge, published_ms), F(challenge, method), F(challenge, dns),
	F(challenge, record), F(challenge, value), F(challenge, zone),
	F(challenge, server), F(challenge, path), END
};
static const struct col chain_cols[] = {
	F(chain, sha256), F(chain, pem), END
};
static const struct col version_cols[] = {
	F(version, cert_id), F(version, version), F(version, sealed),
	F(version, kek_id), F(version, seal_format), F(version, key_type),
	F(version, leaf), F(version, chain), F(version, names),
	F(version, serial), F(version, sha256), F(version, spki_sha256),
	F(version, issuer), F(version, ari_id), F(version, not_before_ms),
	F(version, not_after_ms), F(version, issued_ms), F(version, ca),
	F(version, profile), F(version, test_ca), F(version, placeholder),
	F(version, revoked_ms), END
};
static const struct col generation_cols[] = {
	F(generation, cert_id), F(generation, gen), F(generation, version),
	F(generation, state), F(generation, created_ms), END
};
static const struct col service_cols[] = {
	F(service, name), F(service, node_id), F(service, last_reload_ms),
	F(service, failures), F(service, next_try_ms), F(service, error), END
};
static const struct col deployment_cols[] = {
	F(deployment, cert_id), F(deployment, service),
	F(deployment, node_id), F(deployment, state), F(deployment, version),
	F(deployment, wanted), F(deployment, owed), F(deployment, since_ms),
	F(deployment, failures), F(deployment, last_try_ms),
	F(deployment, next_try_ms), F(deployment, error), END
};
static const struct col endpoint_cols[] = {
	F(endpoint, cert_id), F(endpoint, service), F(endpoint, endpoint),
	F(endpoint, name), F(endpoint, address), F(endpoint, port),
	F(endpoint, protocol), F(endpoint, key_type), F(endpoint, node_id),
	F(endpoint, result), F(endpoint, version), F(endpoint, sha256),
	F(endpoint, at_ms), F(endpoint, good_ms), F(endpoint, error), END
};
static const struct col budget_cols[] = {
	F(budget, id), F(budget, ca), F(budget, account), F(budget, kind),
	F(budget, key), F(budget, at_ms), END
};
static const struct col run_cols[] = {
	F(run, id), F(run, service), F(run, what), F(run, started_ms), END
};
static const struct col job_cols[] = {
	F(job, kind), F(job, object), F(job, due_ms), F(job, priority),
	F(job, lease_owner), F(job, lease_until_ms), F(job, fence), END
};
static const struct col event_cols[] = {
	F(event, id), F(event, at_ms), F(event, event), F(event, cert_id),
	F(event, name), F(event, version), F(event, service),
	F(event, actor), F(event, cause), F(event, text), F(event, error), END
};
static const struct col finding_cols[] = {
	F(finding, cert_id), F(finding, ident), F(finding, kind),
	F(finding, subject), F(finding, result), F(finding, text),
	F(finding, at_ms), END
};
static const struct col revocation_cols[] = {
	F(revocation, cert_id), F(revocation, version),
	F(revocation, reason), F(revocation, at_once), F(revocation, state),
	F(revocation, actor), F(revocation, asked_ms),
	F(revocation, done_ms), F(revocation, failures),
	F(revocation, next_try_ms), F(revocation, error), END
};

_Static_assert(sizeof(cert_cols) / sizeof(cert_cols[0]) <= ROW_COLS_MAX,
    "the widest table is within what a statement binds");

#define T(st, keys, ...) \
	{ #st, sizeof(struct row_##st), st##_cols, keys, { __VA_ARGS__ } }

const struct row_def row_defs[T_COUNT] = {
	[T_META] = T(meta, 1, NULL),
	[T_NODE] = T(node, 1, "!name"),
	[T_POLICY] = T(policy, 1, NULL),
	[T_CERT] = T(cert, 1, "!name", "state name", "policy name",
	    "attention state_since_ms name", "not_after_ms", "iss_state",
	    "iss_failures"),
	[T_IDENT] = T(ident, 3, "value"),
	[T_LABEL] = T(label, 2, "key value"),
	[T_CA] = T(ca, 1, NULL),
	[T_ACCOUNT] = T(account, 1, "ca"),
	[T_ORDER] = T(order, 1, "account_id", "ca stage"),
	[T_CHALLENGE] = T(challenge, 4, NULL),
	[T_CHAIN] = T(chain, 1, NULL),
	[T_VERSION] = T(version, 2, "sha256", "chain"),
	[T_GENERATION] = T(generation, 2, "state"),
	[T_SERVICE] = T(service, 1, NULL),
	[T_DEPLOYMENT] = T(deployment, 2, "service state", "state",
	    "owed since_ms", "failures"),
	[T_ENDPOINT] = T(endpoint, 5, "result", "service"),
	[T_BUDGET] = T(budget, 1, "kind key at_ms",
	    "ca account kind at_ms", "at_ms"),
	[T_RUN] = T(run, 1, NULL),
	[T_JOB] = T(job, 2, "kind due_ms", "due_ms", "object"),
	[T_EVENT] = T(event, 1, "cert_id id", "name id", "at_ms"),
	[T_FINDING] = T(finding, 4, "at_ms"),
	[T_REVOCATION] = T(revocation, 2, "state next_try_ms")
};

void
row_free(enum table t, void *row)
{
	const struct col *c;

	assert((unsigned)t < T_COUNT && row != NULL);
	for (c = row_defs[t].cols; c->name != NULL; c++) {
		if (c->type == COL_TEXT) {
			free(*row_text_at(row, c));
			*row_text_at(row, c) = NULL;
		} else if (c->type == COL_BLOB)
			blob_free(row_blob_at(row, c));
	}
}

void
row_fill(enum table t, void *to, const void *from)
{
	const struct row_def *d = &row_defs[t];
	const struct col *c;
	const struct blob *b;

	assert((unsigned)t < T_COUNT && to != from);
	memcpy(to, from, d->size);
	for (c = d->cols; c->name != NULL; c++) {
		if (c->type == COL_TEXT)
			*row_text_at(to, c) = xstrdup(row_text_of(from, c));
		else if (c->type == COL_BLOB) {
			b = row_blob_of(from, c);
			*row_blob_at(to, c) = blob_copy(b->p, b->len);
		}
	}
}

void *
row_copy(enum table t, const void *row)
{
	void *copy = xcalloc(1, row_defs[t].size);

	row_fill(t, copy, row);
	return copy;
}

/* The column whose name is the first n bytes of name. */
static int
find_col(enum table t, const char *name, size_t n)
{
	const struct col *c;

	assert((unsigned)t < T_COUNT && n > 0);
	for (c = row_defs[t].cols; c->name != NULL; c++)
		if (strlen(c->name) == n && memcmp(c->name, name, n) == 0)
			return (int)(c - row_defs[t].cols);
	assert(!"a column that the table has");
	abort();
}

int
row_col(enum table t, const char *name)
{
	return find_col(t, name, strlen(name));
}

void
row_text(char **field, const char *s)
{
	char *now = xstrdup(s);		/* s may be a part of *field */

	assert(field != NULL);
	free(*field);
	*field = now;
}

void
cols_add(struct cols *l, int col)
{
	int i;

	assert(col >= 0 && col < ROW_COLS_MAX);
	for (i = 0; i < l->n; i++)
		if (l->v[i] == col)
			return;
	assert(l->n < COLS_MAX);
	l->v[l->n++] = col;
}

void
cols_parse(struct cols *l, enum table t, const char *names)
{
	size_t n;

	l->n = 0;
	for (; names != NULL && *names != '\0'; names += n) {
		names += strspn(names, " !");
		n = strcspn(names, " ");
		if (n > 0)
			cols_add(l, find_col(t, names, n));
	}
}

void
cols_add_key(struct cols *l, enum table t)
{
	int i;

	assert(row_defs[t].keys >= 1 && row_defs[t].keys <= ROW_KEYS_MAX);
	for (i = 0; i < row_defs[t].keys; i++)
		cols_add(l, i);
}

static int
cmp_blob(const struct blob *a, const struct blob *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int c = n > 0 ? memcmp(a->p, b->p, n) : 0;

	assert(a->p != NULL || a->len == 0);
	assert(b->p != NULL || b->len == 0);
	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

int
cols_cmp(enum table t, const struct cols *l, int n, const void *a,
    const void *b)
{
	const struct col *c;
	int64_t x, y;
	int i, sign = 0;

	assert(n >= 0 && n <= l->n);
	for (i = 0; i < n && sign == 0; i++) {
		c = &row_defs[t].cols[l->v[i]];
		if (c->type == COL_INT) {
			x = row_int_of(a, c);
			y = row_int_of(b, c);
			sign = (x > y) - (x < y);
		} else if (c->type == COL_TEXT)
			sign = strcmp(row_text_of(a, c), row_text_of(b, c));
		else
			sign = cmp_blob(row_blob_of(a, c), row_blob_of(b, c));
	}
	return sign;
}
