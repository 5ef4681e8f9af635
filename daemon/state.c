/* One word for a certificate, and the clause that explains it (interface.md
 * section 1: the first that fits, from the top). Pure. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "daemon/conf.h"
#include "daemon/engine.h"
#include "daemon/view.h"

enum { FIRST_FAILURES = 3, SERVICE_TRIES = 3 };

static void
say(struct state *s, const char *word, bool attention, const char *summary)
{
	assert(word[0] != '\0' && summary != NULL);
	s->word = word;
	s->attention = attention;
	snprintf(s->summary, sizeof(s->summary), "%s", summary);
}

/* The text of an error as the rows keep it. */
static void
error_words(char *out, size_t size, const char *json)
{
	struct err err;

	assert(size > 1);
	out[0] = '\0';
	if (view_error_parse(&err, NULL, json))
		snprintf(out, size, "%s", err.text);
}

static const struct row_version *
installed_version(const struct bundle *b)
{
	assert(b->cert != NULL);
	return b->cert->installed > 0 ?
	    bundle_version(b, b->cert->installed) : NULL;
}

/* It has refused the newest version, and what is being tried again has not
 * been proved yet; or it has put us off too often. */
static bool
is_bad(const struct row_deployment *d)
{
	if (strcmp(d->state, "later") == 0 ||
	    strcmp(d->state, "later-again") == 0)
		return d->failures >= SERVICE_TRIES;
	return strcmp(d->state, "refused") == 0 ||
	    strcmp(d->state, "unserved") == 0 ||
	    (d->failures > 0 && strcmp(d->state, "served") != 0);
}

/* The deployment that explains best why the newest is not served. */
static const struct row_deployment *
worst(const struct bundle *b, int *waiting, int *served)
{
	const struct row_deployment *bad = NULL, *d;
	size_t i;

	*waiting = *served = 0;
	for (i = 0; i < b->deployments.n; i++) {
		d = ROWS_AT(&b->deployments, row_deployment, i);
		if (is_bad(d)) {
			if (bad == NULL || d->failures > bad->failures)
				bad = d;
		} else if (strcmp(d->state, "served") == 0 &&
		    d->version == b->cert->newest)
			++*served;
		else
			++*waiting;
	}
	assert((size_t)*waiting + (size_t)*served <= b->deployments.n);
	return bad;
}

static bool
has_endpoint(const struct bundle *b)
{
	size_t i;

	for (i = 0; i < b->endpoints.n; i++)
		if (strcmp(ROWS_AT(&b->endpoints, row_endpoint, i)->result,
		    "skipped") != 0)
			return true;
	return false;
}

static void
deployed_state(struct state *s, const struct bundle *b)
{
	const struct row_deployment *bad;
	int waiting, served;
	char words[200], line[300];

	bad = worst(b, &waiting, &served);
	if (bad != NULL) {
		error_words(words, sizeof(words), bad->error);
		snprintf(line, sizeof(line), "version %lld is issued, but %s",
		    (long long)b->cert->newest, words);
		say(s, "unserved", bad->failures >= SERVICE_TRIES, line);
	} else if (b->cert->installed != b->cert->newest || waiting > 0)
		say(s, "deploying", false, "a newer version is on its way");
	else if (served > 0 && has_endpoint(b))
		say(s, "served", false, "");
	else
		say(s, "valid", false, "installed; no endpoint to prove it on");
}

static void
failing_state(struct state *s, const struct bundle *b, int64_t left_ms,
    int64_t failing_since_left_ms)
{
	char words[240];

	error_words(words, sizeof(words), b->cert->iss_error);
	say(s, "failing", left_ms < failing_since_left_ms / 2, words);
}

/* Issuance explains it, or else why there is no placeholder either. */
static void
new_state(struct state *s, const struct bundle *b)
{
	const struct row_cert *c = b->cert;
	int waiting, served;
	const struct row_deployment *bad = worst(b, &waiting, &served);
	char words[240];
	struct err err;
	/* What the CA refused it refuses again, until somebody acts. */
	bool refused = view_error_parse(&err, NULL, c->iss_error) &&
	    (err.class == ERR_REFUSED || err.class == ERR_PERSON);

	assert(c->newest == 0);
	error_words(words, sizeof(words), c->iss_error);
	if (words[0] == '\0' && bad != NULL)
		error_words(words, sizeof(words), bad->error);
	say(s, "new", refused || c->iss_failures >= FIRST_FAILURES ||
	    (bad != NULL && bad->failures >= SERVICE_TRIES),
	    words[0] != '\0' ? words : c->csr.len > 0 ?
	    "nothing issued yet; the key is yours, so no placeholder" :
	    "nothing issued yet; a placeholder is in place");
}

void
state_of(struct state *s, const struct bundle *b, int64_t now)
{
	const struct row_cert *c = b->cert;
	const struct row_version *v = installed_version(b);
	int64_t life, left;

	s->look_ms = now + CONF_DAY;
	if (c->paused_ms != 0) {
		say(s, "paused", false, "a person stopped it");
		return;
	}
	if (c->retired_ms != 0) {
		say(s, "retired", false, "no longer wished for; not renewed");
		return;
	}
	if (v == NULL && c->newest == 0) {
		new_state(s, b);
		return;
	}
	if (v == NULL) {
		deployed_state(s, b);
		return;
	}
	life = v->not_after_ms - v->not_before_ms;
	left = v->not_after_ms - now;
	if (left <= 0 || v->revoked_ms != 0) {
		say(s, "expired", true, v->revoked_ms != 0 ?
		    "what is installed has been revoked" :
		    "what is installed has expired");
		return;
	}
	s->look_ms = v->not_after_ms;
	if (c->iss_failures > 0 || strcmp(c->iss_state, "blocked") == 0)
		failing_state(s, b, left, v->not_after_ms - c->renew_at_ms);
	else
		deployed_state(s, b);
	assert(s->word != NULL && left > 0);
	if (strcmp(s->word, "failing") == 0 && !s->attention)
		s->look_ms = now + life / 20;
}
