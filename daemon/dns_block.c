/* Which dns block writes a record. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "daemon/dns.h"
#include "daemon/proof_dns.h"

const struct conf_dns *
dns_block_named(const struct conf *c, const char *title, struct err *err)
{
	const struct conf_dns *d = conf_dns(c, title);

	assert(title != NULL);
	if (d == NULL) {
		err_set(err, ERR_CONFIG_BAD, "there is no dns block \"%s\"",
		    title);
		err_advise(err, "Put it back into the configuration, then: "
		    "everleaf reload");
	}
	return d;
}

/* How well it fits: 0 not at all, 1 for any zone, else by the length. */
static size_t
fit(const struct conf_dns *d, const char *record)
{
	size_t i, best = 0, n;

	assert(record != NULL);
	if (d->zones.n == 0)
		return 1;
	for (i = 0; i < d->zones.n; i++) {
		n = strlen(d->zones.v[i]) + 2;
		if (dns_below(record, d->zones.v[i]) && n > best)
			best = n;
	}
	return best;
}

/* The longest zone that the record lies in decides; a tie is a question to a
 * person, and no guess. */
const struct conf_dns *
dns_block_of(const struct conf *c, const char *named, const char *record,
    const struct strv *not, struct err *err)
{
	const struct conf_dns *best = NULL, *other = NULL;
	size_t i, most = 0, n;

	if (named != NULL && *named != '\0')
		return dns_block_named(c, named, err);
	for (i = 0; i < c->dns_n; i++) {
		n = not != NULL && strv_has(not, c->dns[i].title) ? 0 :
		    fit(&c->dns[i], record);
		if (n > most) {
			most = n;
			best = &c->dns[i];
			other = NULL;
		} else if (n > 0 && n == most)
			other = &c->dns[i];
	}
	assert(other == NULL || best != NULL);
	if (best == NULL) {
		err_set(err, ERR_CONFIG_BAD, "%s: no dns block writes there",
		    record);
		err_advise(err, "Add a dns block, or this zone to the zones "
		    "of one.");
	} else if (other != NULL) {
		err_set(err, ERR_CONFIG_BAD, "%s: dns blocks \"%s\" and "
		    "\"%s\" fit equally well", record, best->title,
		    other->title);
		err_advise(err, "Say dns = \"%s\" in the certificate, or give "
		    "the blocks zones.", best->title);
	}
	return other != NULL ? NULL : best;
}
