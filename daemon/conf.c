/* Holding a configuration: looking up, merging, freeing. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf_check.h"
#include "daemon/conf_table.h"

void
conf_free(struct conf *c)
{
	enum conf_kind kind;
	size_t i;

	if (c == NULL)
		return;
	for (kind = CONF_CERT; kind < CONF_KINDS; kind++)
		for (i = 0; i < conf_count(c, kind); i++)
			conf_element_free(kind, conf_element(c, kind, i));
	conf_element_free(CONF_TOP, c);
	for (i = 0; i < c->problems_n; i++) {
		free(c->problems[i].title);
		free(c->problems[i].where);
		free(c->problems[i].text);
	}
	free(c->certs);
	free(c->policies);
	free(c->services);
	free(c->cas);
	free(c->dns);
	free(c->problems);
	free(c->file);
	free(c);
}

/* Every list is sorted by title. */
static const void *
find(const struct conf *c, enum conf_kind kind, const char *title)
{
	size_t low = 0, high = conf_count(c, kind), mid;
	const struct conf_head *head;
	int order;

	assert(title != NULL && kind < CONF_KINDS);
	while (low < high) {
		mid = low + (high - low) / 2;
		head = conf_element(c, kind, mid);
		order = strcmp(title, head->title);
		if (order == 0)
			return head;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct conf_cert *
conf_cert(const struct conf *c, const char *title)
{
	return find(c, CONF_CERT, title);
}

const struct conf_policy *
conf_policy(const struct conf *c, const char *title)
{
	return find(c, CONF_POLICY, title);
}

const struct conf_service *
conf_service(const struct conf *c, const char *title)
{
	return find(c, CONF_SERVICE, title);
}

const struct conf_ca *
conf_ca(const struct conf *c, const char *title)
{
	return find(c, CONF_CA, title);
}

const struct conf_dns *
conf_dns(const struct conf *c, const char *title)
{
	return find(c, CONF_DNS, title);
}

/* The master writes only where a file says so, whatever the engine asks for. */
bool
conf_has_webroot(const struct conf *c, const char *path)
{
	size_t i;

	assert(path != NULL);
	for (i = 0; i < c->policies_n; i++)
		if (strv_has(&c->policies[i].wish.webroot, path))
			return true;
	for (i = 0; i < c->certs_n; i++)
		if (strv_has(&c->certs[i].wish.webroot, path))
			return true;
	return false;
}

static bool
is_about(const struct conf_problem *p, const char *title, const char *where)
{
	const char *colon = strrchr(where, ':');
	size_t n = colon != NULL ? (size_t)(colon - where) : strlen(where);

	assert(p->where != NULL);
	if (p->title != NULL)
		return strcmp(p->title, title) == 0;
	return strncmp(p->where, where, n) == 0 &&
	    (p->where[n] == ':' || p->where[n] == '\0');
}

/* What such a file said the last time is neither retired nor changed. */
bool
conf_is_unsaid(const struct conf *c, const char *title, const char *where)
{
	size_t i;

	assert(title != NULL && where != NULL);
	for (i = 0; i < c->problems_n; i++)
		if (is_about(&c->problems[i], title, where))
			return true;
	return false;
}

bool
conf_has_bad_file(const struct conf *c)
{
	size_t i;

	assert(c->problems_n == 0 || c->problems != NULL);
	for (i = 0; i < c->problems_n; i++)
		if (c->problems[i].title == NULL)
			return true;
	return false;
}

/* The policy of a wish; NULL when nothing but the built-in applies. */
static const struct conf_policy *
policy_of(const struct conf *c, const struct conf_wish *w)
{
	return conf_policy(c, w->policy != NULL ? w->policy : "default");
}

/* The wish, its policy, the built-in: the first that says one. */
const char *
conf_wish_ca(const struct conf *c, const struct conf_wish *w)
{
	const struct conf_policy *p = policy_of(c, w);

	assert(c != NULL);
	if (w->ca != NULL)
		return w->ca;
	return p != NULL && p->wish.ca != NULL ? p->wish.ca : "letsencrypt";
}

const char *
conf_wish_profile(const struct conf *c, const struct conf_wish *w)
{
	const struct conf_policy *p = policy_of(c, w);

	assert(c != NULL);
	if (w->profile != NULL)
		return w->profile;
	return p != NULL && p->wish.profile != NULL ? p->wish.profile : "";
}

/* That it wants none is a wish, too. */
const struct strv *
conf_wish_services(const struct conf *c, const struct conf_wish *w)
{
	const struct conf_policy *p = policy_of(c, w);

	assert(w != NULL);
	if (w->services_set || w->services.n > 0 || p == NULL)
		return &w->services;
	return &p->wish.services;
}

/* "auto" becomes what it means before anybody compares wishes. */
static void
resolve_auto(struct conf_wish *w)
{
	bool wildcard = false;
	size_t i;

	if (conf_is_auto(&w->probe_names))
		strv_free(&w->probe_names);
	if (w->challenge.n > 0 && !conf_is_auto(&w->challenge))
		return;
	strv_free(&w->challenge);
	for (i = 0; i < w->names.n; i++)
		wildcard = wildcard || strncmp(w->names.v[i], "*.", 2) == 0;
	strv_add(&w->challenge, wildcard || (w->dns != NULL &&
	    *w->dns != '\0') ? "dns-01" : "http-01");
	assert(w->challenge.n == 1);
}

struct conf_wish
conf_effective(const struct conf *c, const struct conf_wish *wish)
{
	return conf_effective_since(c, wish, NULL);
}

/* A wish with all that it leaves open filled in; conf_wish_free(). */
struct conf_wish
conf_effective_since(const struct conf *c, const struct conf_wish *wish,
    const struct conf_wish *defaults)
{
	const struct conf_policy *p = policy_of(c, wish);
	const struct conf_key *k;
	struct conf_wish out;

	conf_wish_blank(&out);
	for (k = conf_keys; k->word != NULL; k++) {
		if ((k->in & 1u << CONF_CERT) == 0)
			continue;
		if (conf_key_written(k, wish))
			conf_key_copy(k, &out, wish);
		else if ((k->in & 1u << CONF_POLICY) != 0 && p != NULL &&
		    conf_key_written(k, &p->wish))
			conf_key_copy(k, &out, &p->wish);
		else if (defaults != NULL && conf_key_written(k, defaults))
			conf_key_copy(k, &out, defaults);
		else
			conf_key_default(k, &out);
	}
	resolve_auto(&out);
	assert(out.challenge.n > 0);
	return out;
}

void
conf_wish_free(struct conf_wish *w)
{
	const struct conf_key *k;

	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << CONF_CERT) != 0)
			conf_key_free(k, w);
	conf_wish_blank(w);
}
