/* What keeps us from ordering at a CA, as far as configuration, inventory and
 * its directory tell. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "daemon/caps.h"
#include "daemon/conf_check.h"
#include "daemon/hurdle.h"
#include "daemon/view.h"

enum { LINE = 1024 };

bool
hurdle_has_account(const struct row_account *a)
{
	return a != NULL && a->id != 0 && a->kid != NULL && *a->kid != '\0';
}

/* Later than it can have been set: the clock was ahead then. */
int64_t
hurdle_closed_until(const struct row_ca *row, int64_t now_ms)
{
	int64_t at = row == NULL ? 0 : row->retry_at_ms;

	return at > now_ms && at <= now_ms + HURDLE_CLOSED_MAX_MS ? at : 0;
}

/* The same two ways, always. */
int
hurdle_advise_dead(const char *ca, struct err *err)
{
	assert(err->code == ERR_ACCOUNT_DEAD);
	return err_advise(err, "For a new account: everleaf ca rollover %s. "
	    "For another one you have: everleaf ca import %s FILE", ca, ca);
}

static int
account(const struct hurdle_ca *ca, int64_t now_ms, struct err *err)
{
	(void)now_ms;
	if (ca->account == NULL || ca->account->id == 0 ||
	    strcmp(ca->account->status, "dead") != 0)
		return 0;
	err_set(err, ERR_ACCOUNT_DEAD, "%s: the account there is closed",
	    ca->conf->title);
	return hurdle_advise_dead(ca->conf->title, err);
}

/* Nothing is ordered without, also where the account is there. */
static int
terms(const struct hurdle_ca *ca, int64_t now_ms, struct err *err)
{
	(void)now_ms;
	if (ca->conf->agree_tos)
		return 0;
	err_set(err, ERR_TOS_NOT_AGREED, "nothing can be ordered from %s: "
	    "agree-tos is not set", ca->conf->title);
	return err_advise(err, "Read %.200s and add: agree-tos = true",
	    ca->terms != NULL && *ca->terms != '\0' ? ca->terms :
	    "the CA's terms of service");
}

static int
binding(const struct hurdle_ca *ca, int64_t now_ms, struct err *err)
{
	const char *kid = ca->conf->eab_kid;

	(void)now_ms;
	if (!ca->eab || hurdle_has_account(ca->account) ||
	    (kid != NULL && *kid != '\0'))
		return 0;
	err_set(err, ERR_EAB_NEEDED, "nothing can be ordered from %s: it "
	    "wants to know whose account this is", ca->conf->title);
	return err_advise(err, "Get a key there, and add to ca \"%s\": eab-kid "
	    "and eab-key-file", ca->conf->title);
}

/* What was written down about the CA's trouble when it came. */
static int
noted(const struct hurdle_ca *ca, struct err *err)
{
	if (!view_error_parse(err, NULL, ca->row->error))
		err_set(err, ERR_CA_DOWN, "%s has failed", ca->conf->title);
	return -1;
}

static int
blocked(const struct hurdle_ca *ca, int64_t now_ms, struct err *err)
{
	(void)now_ms;
	if (ca->row == NULL || ca->row->state == NULL ||
	    strcmp(ca->row->state, "blocked") != 0)
		return 0;
	return noted(ca, err);
}

static int
closed(const struct hurdle_ca *ca, int64_t now_ms, struct err *err)
{
	int64_t at = hurdle_closed_until(ca->row, now_ms);

	if (at == 0)
		return 0;
	noted(ca, err);
	err->retry_at_ms = at;
	return -1;
}

int
hurdle(enum hurdle which, const struct hurdle_ca *ca, int64_t now_ms,
    struct err *err)
{
	static int (*const table[HURDLES])(const struct hurdle_ca *,
	    int64_t, struct err *) = {
		[HURDLE_ACCOUNT] = account, [HURDLE_TERMS] = terms,
		[HURDLE_BINDING] = binding, [HURDLE_BLOCKED] = blocked,
		[HURDLE_CLOSED] = closed
	};

	assert(which < HURDLES && ca->conf != NULL);
	return table[which](ca, now_ms, err);
}

int
hurdle_first(const struct hurdle_ca *ca, int64_t now_ms, struct err *err)
{
	unsigned int i;

	for (i = 0; i < HURDLES; i++)
		if (hurdle(i, ca, now_ms, err) != 0)
			return -1;
	return 0;
}

/* --- profiles ------------------------------------------------------------- */

struct seeking {
	const struct conf *conf;
	const struct conf_ca *ca;
	const char *caps;
	struct strv told;
};

static void
seek(struct seeking *s, struct strv *out, const struct conf_wish *w,
    const char *kind, const char *title)
{
	const char *profile = conf_wish_profile(s->conf, w);
	char names[400];

	if (*profile == '\0' || strcmp(conf_wish_ca(s->conf, w),
	    s->ca->title) != 0 || strv_has(&s->told, profile) ||
	    caps_has_profile(s->caps, profile, names))
		return;
	strv_add(&s->told, profile);
	strv_addf(out, LINE, "%s \"%s\": %s has no profile \"%s\". %s%s", kind,
	    title, s->ca->title, profile, names[0] != '\0' ? "It has: " :
	    "It has none", names);
}

void
hurdle_profiles(struct strv *out, const struct conf *c,
    const struct conf_ca *ca, const char *caps)
{
	struct seeking s = { c, ca, caps, { NULL, 0 } };
	struct conf_wish w;
	size_t i;

	for (i = 0; i < c->policies_n; i++) {
		conf_wish_blank(&w);
		w.policy = c->policies[i].title;
		seek(&s, out, &w, "policy", c->policies[i].title);
	}
	for (i = 0; i < c->certs_n; i++)
		seek(&s, out, &c->certs[i].wish, "certificate",
		    c->certs[i].title);
	strv_free(&s.told);
}
