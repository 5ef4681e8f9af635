/* Accounts whose key is in a token. The row has no sealed key but says which
 * key it is of, so another account-key is another account; and so is another
 * key at the same place, which only the token can tell. */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "acme/jws.h"
#include "daemon/account_key.h"
#include "daemon/cas_parts.h"
#include "daemon/chance.h"
#include "daemon/engine.h"
#include "daemon/loop.h"

bool
ca_has_token(const struct ca *c)
{
	return c->ref != NULL;
}

/* Of the key in a SubjectPublicKeyInfo; DER of RSA keys grows with them. */
const char *
ca_key_type(const struct blob *spki)
{
	enum { RSA_2048 = 294, RSA_3072 = 422 };

	switch (jws_alg_of(spki->p, spki->len)) {
	case JWS_ES256:
		return "ecdsa-p256";
	case JWS_ES384:
		return "ecdsa-p384";
	default:
		return spki->len <= RSA_2048 ? "rsa-2048" :
		    spki->len <= RSA_3072 ? "rsa-3072" : "rsa-4096";
	}
}

/* Begun already, as far as anybody knows: the CA may have an account with this
 * key, and is asked for that before one is made. */
static void
new_account(struct ca *c, const struct blob *spki)
{
	struct row_account a = { .id = chance_id(), .kek_id = ACCOUNT_IN_TOKEN,
		.created_ms = loop_now(), .intent_ms = loop_now(),
		.sealed = blob_copy(c->ref, strlen(c->ref)),
		.spki = blob_copy(spki->p, spki->len) };

	row_text(&a.ca, c->conf->title);
	row_text(&a.directory, c->conf->directory);
	row_text(&a.status, "new");
	row_text(&a.kid, "");
	row_text(&a.alg, ca_key_type(spki));
	row_free(T_ACCOUNT, &c->account);
	acme_session_free(c->session);
	c->session = NULL;
	c->told = false;
	c->account = a;
	ca_save_account(c);
}

static void
token_said(void *ctx, void *answer, const struct err *err)
{
	const struct w_key *key = answer;
	struct ca *c = ctx;

	c->stepping = false;
	if (err != NULL) {
		ca_tell_waiters(c, err);
		return;
	}
	c->key_known = true;
	if (c->account.id == 0 || c->account.spki.len != key->spki.len ||
	    memcmp(c->account.spki.p, key->spki.p, key->spki.len) != 0)
		new_account(c, &key->spki);
	ca_go(c);
}

void
ca_ask_token(struct ca *c)
{
	struct w_token_key m = { c->conf->title };

	c->stepping = true;
	peer_ask(WIRE_TOKEN_KEY, &m, token_said, c);
}

bool
ca_key_is_fixed(const struct ca *c, ca_done *done, void *ctx)
{
	struct err err;

	if (c->ref == NULL)
		return false;
	err_set(&err, ERR_INVALID, "%s: its account's key is the one that "
	    "account-key names, which is not changed from here",
	    c->conf->title);
	err_advise(&err, "Make another key in the token, say which in "
	    "account-key, then: everleaf reload. If the CA knows no account "
	    "with that key, a new one is made.");
	done(ctx, &err);
	return true;
}
