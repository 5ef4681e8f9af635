/* Owner, mode and leave for an installation: from our own configuration, never
 * from the message that asks for it. */
#include <config.h>
#include <assert.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/idset.h"
#include "base/mem.h"
#include "base/name.h"
#include "daemon/master.h"
#include "hooks/generation.h"

/* The wish as our files say it, whatever the engine says of its source: it
 * must not choose another policy for a name that a file has. For one given at
 * run time, its policy. */
static int
find_wish(const struct conf *c, const struct w_install *w,
    struct conf_wish *out, struct err *err)
{
	struct conf_wish by_policy = { .policy = w->policy,
		.keep_versions = -1, .renew_before_ms = -1,
		.validity_ms = -1, .must_staple = -1,
		.profile_required = -1 };
	const struct conf_cert *cert = conf_cert(c, w->name);

	if (w->from_file && cert == NULL)
		return err_set(err, ERR_NO_SUCH, "no configuration file names "
		    "certificate %s", w->name);
	if (cert == NULL && w->policy[0] != '\0' &&
	    strcmp(w->policy, "default") != 0 &&
	    conf_policy(c, w->policy) == NULL) {
		err_set(err, ERR_NO_SUCH, "certificate %s has policy %s, which "
		    "no configuration file has", w->name, w->policy);
		return err_advise(err, "Write the policy again, or give the "
		    "certificate another one: everleaf set %s", w->name);
	}
	if (w->policy[0] == '\0')
		by_policy.policy = NULL;
	*out = conf_effective(c, cert != NULL ? &cert->wish : &by_policy);
	return 0;
}

/* Nobody but the owner reads a key, unless a group is named. */
static int
find_group(const char *name, const char *title, struct rules *out,
    struct err *err)
{
	const struct group *g;

	assert(out != NULL && title != NULL);
	out->key_mode = 0600;
	out->gid = getegid();
	if (name == NULL || name[0] == '\0')
		return 0;
	g = getgrnam(name);
	if (g == NULL) {
		err_set(err, ERR_CONFIG_BAD, "group %s, which may read the key "
		    "of %s, does not exist", name, title);
		return err_advise(err, "Make it (groupadd --system %s), or "
		    "correct \"group\"", name);
	}
	out->gid = g->gr_gid;
	out->key_mode = 0640;
	return 0;
}

/* Only if every service that uses it says so; without a service nobody but
 * the owner is concerned. */
static bool
test_ca_allowed(const struct conf *c, const struct conf_wish *wish)
{
	const struct conf_service *s;
	size_t i;

	assert(wish->services.n == 0 || wish->services.v != NULL);
	for (i = 0; i < wish->services.n; i++) {
		s = conf_service(c, wish->services.v[i]);
		if (s == NULL || !s->allow_test_ca)
			return false;
	}
	return true;
}

/* --- whose files --------------------------------------------------------- */

/* Which title an id has, of those in the configuration: a look at each link,
 * once, and not one at each installation. Titles whose link went elsewhere
 * since are found out when they are asked for. */
static struct {
	bool known;
	struct idset ids;
	uint32_t *certs;	/* of each id: its place in the configuration */
	size_t room;
} owners;

void
rules_forget(void)
{
	idset_free(&owners.ids);
	free(owners.certs);
	memset(&owners, 0, sizeof(owners));
}

static void
own(uint64_t cert, size_t at)
{
	bool is_new = idset_add(&owners.ids, (int64_t)cert);
	size_t i = idset_find(&owners.ids, (int64_t)cert);

	assert(cert != 0 && i < owners.ids.n && at <= UINT32_MAX);
	if (is_new && i == owners.room) {
		owners.room = owners.room > 0 ? 2 * owners.room : 64;
		owners.certs = xrealloc(owners.certs, owners.room *
		    sizeof(*owners.certs));
	}
	owners.certs[i] = (uint32_t)at;
}

static void
know_owners(const struct master *m)
{
	uint64_t cert;
	size_t i;

	if (owners.known)
		return;
	assert(owners.ids.n == 0);
	for (i = 0; i < m->conf->certs_n; i++) {
		cert = generation_aliased(m->state, m->conf->certs[i].title);
		if (cert != 0)
			own(cert, i);
	}
	owners.known = true;
}

void
rules_own(const struct master *m, uint64_t cert, const char *title)
{
	const struct conf_cert *c = conf_cert(m->conf, title);

	assert(cert != 0);
	if (c != NULL && owners.known)
		own(cert, (size_t)(c - m->conf->certs));
}

const struct conf_cert *
rules_owner(const struct master *m, uint64_t cert)
{
	const struct conf_cert *c;
	size_t i;

	assert(m->conf != NULL && m->state >= 0);
	know_owners(m);
	i = idset_find(&owners.ids, (int64_t)cert);
	if (i == owners.ids.n)
		return NULL;
	assert(owners.certs[i] < m->conf->certs_n);
	c = &m->conf->certs[owners.certs[i]];
	return generation_aliased(m->state, c->title) == cert ? c : NULL;
}

int
rules_left_out(const struct master *m, uint64_t cert, struct err *err)
{
	const struct conf_problem *p;
	size_t i;

	assert(cert != 0);
	for (i = 0; i < m->conf->problems_n; i++) {
		p = &m->conf->problems[i];
		if (p->title == NULL || p->kept > 0 ||
		    generation_aliased(m->state, p->title) != cert)
			continue;
		err_set(err, ERR_NO_SUCH, "certificate %s is left out of the "
		    "configuration, since its CSR can't be used", p->title);
		return err_advise(err, "Put its csr-file right (%s), then: "
		    "everleaf reload", p->where);
	}
	return 0;
}

/* An id that is of one title is not installed by the rules of another: keys
 * would come to lie where another group reads them. */
static int
check_owner(const struct master *m, const struct w_install *w,
    struct err *err)
{
	const struct conf_cert *owner;

	assert(w->name[0] != '\0');
	if (rules_left_out(m, w->cert, err) != 0)
		return -1;
	owner = rules_owner(m, w->cert);
	if (owner == NULL || strcmp(owner->title, w->name) == 0)
		return 0;
	err_set(err, ERR_INSTALL_FAILED, "certificate %s was to be installed "
	    "over the files of %s", w->name, owner->title);
	return err_advise(err, "Please report this");
}

const struct blob *
rules_csr(const struct master *m, const struct w_install *w, struct err *err)
{
	const struct conf_cert *cert = conf_cert(m->conf, w->name);

	if (w->from_file && !w->placeholder && cert != NULL &&
	    cert->csr.len > 0)
		return &cert->csr;
	err_set(err, ERR_INSTALL_FAILED, "certificate %s came without a key, "
	    "and no configuration file has a csr-file for it", w->name);
	err_advise(err, "Write its csr-file again, or renew it: everleaf "
	    "renew %s", w->name);
	return NULL;
}

int
rules_for(const struct master *m, const struct w_install *w,
    struct rules *out, struct err *err)
{
	struct conf_wish wish;
	int rc;

	assert(m->conf != NULL && out != NULL);
	if (w->cert == 0 || w->name[0] == '\0' || w->leaf.len == 0 ||
	    w->names.n == 0 || !name_all_canonical(&w->names))
		return err_set(err, ERR_INTERNAL, "a request to install lacks "
		    "something");
	if (check_owner(m, w, err) != 0 ||
	    find_wish(m->conf, w, &wish, err) != 0)
		return -1;
	rc = find_group(wish.group, w->name, out, err);
	out->allow_test_ca = test_ca_allowed(m->conf, &wish);
	conf_wish_free(&wish);
	return rc;
}
