/* Whose key the next version has (key-policy): a new one, the one before, or
 * the one that has been shown ahead for TLSA records and pins; or none of
 * ours (csr-file). */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "acme/acme.h"
#include "daemon/engine.h"
#include "daemon/issue.h"
#include "daemon/list.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/revoke.h"

enum { ASKED_NEW_KEY = 2 };	/* in renew_forced */

static void
take(struct issue *s, const struct blob *sealed, int64_t from)
{
	blob_free(&s->old_key);
	s->old_key = blob_copy(sealed->p, sealed->len);
	s->old_key_of = from;
}

void
issue_key_choose(struct issue *s, const struct bundle *b)
{
	const struct row_cert *c = b->cert;
	const struct row_version *v = bundle_version(b, c->newest);

	/* One whose CSR was made before a restart has its key. */
	if (s->row.sealed.len > 0 || c->renew_forced == ASKED_NEW_KEY ||
	    c->csr.len > 0)
		return;
	if (strcmp(s->wish.key_policy, "next") == 0 &&
	    c->next_sealed.len > 0 &&
	    strcmp(c->next_key_type, s->wish.key_type) == 0)
		take(s, &c->next_sealed, 0);
	else if (strcmp(s->wish.key_policy, "reuse") == 0 && v != NULL &&
	    v->version > 0 && v->sealed.len > 0 && v->revoked_ms == 0 &&
	    strcmp(v->key_type, s->wish.key_type) == 0)
		take(s, &v->sealed, v->version);
}

void
issue_key_used(struct row_cert *c)
{
	row_text(&c->next_key_type, "");
	blob_free(&c->next_sealed);
	blob_free(&c->next_spki);
	c->next_kek_id = 0;
}

/* --- a key of one's own ------------------------------------------------ */

bool
issue_csr_refused(const struct bundle *b, const struct conf_wish *wish,
    struct err *err)
{
	const struct row_cert *c = b->cert;

	if (*wish->csr_file == '\0')
		return false;
	if (c->csr.len == 0) {
		err_set(err, ERR_CSR_REFUSED, "the CSR in %s is not known: "
		    "its configuration file could not be read",
		    wish->csr_file);
		err_advise(err, "Mend the file (everleaf config check), then "
		    "everleaf reload");
	} else if (revoke_key_is_burnt(b)) {
		err_set(err, ERR_CSR_REFUSED, "the key of %s was revoked as "
		    "compromised", wish->csr_file);
		err_advise(err, "Make a new key, a CSR with it in csr-file, "
		    "then everleaf reload");
	} else
		return false;
	return true;
}

/* --- the key after this one -------------------------------------------- */

struct making {
	struct list link;
	int64_t cert_id, version;
	char *key_type;
	struct blob sealed, spki;
};

static struct list under_way = { &under_way, &under_way };

static bool
is_under_way(const struct row_cert *c)
{
	const struct list *l;
	const struct making *m;

	for (l = under_way.next; l != &under_way; l = l->next) {
		m = LIST_OF(l, const struct making, link);
		if (m->cert_id == c->id && m->version == c->next_version)
			return true;
	}
	return false;
}

static void
making_free(struct making *m)
{
	list_leave(&m->link);
	free(m->key_type);
	blob_free(&m->sealed);
	blob_free(&m->spki);
	free(m);
}

static void
keep(void *ctx, struct bundle *b, const struct err *err)
{
	struct making *m = ctx;
	struct happening h = { .event = "key.next", .cert_id = m->cert_id,
		.version = m->version, .text = m->key_type };
	struct row_cert *c;

	/* Another order may have come in between: then it is made again. */
	if (err == NULL && b->cert != NULL &&
	    b->cert->next_version == m->version &&
	    b->cert->next_sealed.len == 0) {
		c = row_copy(T_CERT, b->cert);
		row_text(&c->next_key_type, m->key_type);
		c->next_sealed = m->sealed;
		c->next_spki = m->spki;
		memset(&m->sealed, 0, sizeof(m->sealed));
		memset(&m->spki, 0, sizeof(m->spki));
		c->next_kek_id = 1;
		batch_put(turn_batch(), T_CERT, c);
		h.name = c->name;
		turn_event(&h);
		row_free(T_CERT, c);
		free(c);
	}
	making_free(m);
}

static void
made(void *ctx, void *answer, const struct err *err)
{
	struct making *m = ctx;
	struct w_csr_done *done = answer;

	if (err != NULL) {	/* the next look at this certificate asks */
		making_free(m);
		return;
	}
	m->sealed = done->sealed;
	m->spki = done->spki;
	memset(&done->sealed, 0, sizeof(done->sealed));
	memset(&done->spki, 0, sizeof(done->spki));
	bundle_by_id(turn_store(), m->cert_id, keep, m);
}

void
issue_key_ahead(const struct bundle *b, const struct conf_wish *wish)
{
	const struct row_cert *c = b->cert;
	struct w_csr ask = { .cert = (uint64_t)c->id,
		.version = (uint32_t)c->next_version, .alg = wish->key_type,
		.names = wish->names };
	struct making *m;

	if (strcmp(wish->key_policy, "next") != 0 || c->newest == 0 ||
	    *wish->csr_file != '\0' ||
	    c->retired_ms != 0 || c->next_sealed.len > 0 ||
	    bundle_order(b) != NULL || is_under_way(c) ||
	    c->next_version <= c->newest)
		return;
	m = xcalloc(1, sizeof(*m));
	list_join(&under_way, &m->link);
	m->cert_id = c->id;
	m->version = c->next_version;
	m->key_type = xstrdup(wish->key_type);
	peer_ask(WIRE_CSR, &ask, made, m);
}
