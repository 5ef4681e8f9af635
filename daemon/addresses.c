/* Two questions, one answer. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/addresses.h"
#include "daemon/zone.h"

struct lookup {
	char *name;
	int open;
	struct strv found[2];	/* A, AAAA */
	struct err why;
	void (*done)(void *ctx, const struct strv *list,
	    const struct err *why);
	void *ctx;
};

/* Both families have answered: one list, IPv4 first, and an error only
 * counts where nothing was found. */
static void
over(struct lookup *k)
{
	struct strv *list = &k->found[0];
	size_t i;

	assert(k->open == 0);
	assert(k->found[0].n <= ADDRESSES_OF_MAX / 2);
	for (i = 0; i < k->found[1].n; i++)
		if (list->n < ADDRESSES_OF_MAX)
			strv_add(list, k->found[1].v[i]);
	if (list->n == 0 && k->why.class == ERR_NONE)
		err_set(&k->why, ERR_DNS_FAILS, "%s has no address in the DNS",
		    k->name);
	k->done(k->ctx, list, &k->why);
	strv_free(&k->found[0]);
	strv_free(&k->found[1]);
	free(k->name);
	free(k);
}

static void
take(struct lookup *k, enum dns_type type, const struct dns_answer *a)
{
	struct strv *list = &k->found[type == DNS_AAAA];
	const char *owner;
	size_t i;

	assert(type == DNS_A || type == DNS_AAAA);
	assert(k->open > 0);
	if (!a->replied)
		err_set(&k->why, ERR_DNS_FAILS, "%s", a->err.text);
	else if (a->rcode == DNS_NXDOMAIN)
		err_set(&k->why, ERR_DNS_FAILS, "%s does not exist in the DNS",
		    k->name);
	else if (a->rcode != DNS_NOERROR)
		err_set(&k->why, ERR_DNS_FAILS, "%s: the resolver answers %s "
		    "when asked for %s", k->name, dns_rcode_name(a->rcode),
		    dns_type_name(type));
	if (!a->replied || a->rcode != DNS_NOERROR)
		return;
	owner = zone_follow(a, k->name);
	for (i = 0; i < a->n && list->n < ADDRESSES_OF_MAX / 2; i++)
		if (a->records[i].type == type &&
		    strcmp(a->records[i].owner, owner) == 0)
			strv_add(list, a->records[i].text);
}

static void
on_a(void *ctx, const struct dns_answer *a)
{
	struct lookup *k = ctx;

	take(k, DNS_A, a);
	if (--k->open == 0)
		over(k);
}

static void
on_aaaa(void *ctx, const struct dns_answer *a)
{
	struct lookup *k = ctx;

	take(k, DNS_AAAA, a);
	if (--k->open == 0)
		over(k);
}

void
addresses_of(const char *name, void (*done)(void *ctx,
    const struct strv *list, const struct err *why), void *ctx)
{
	struct lookup *k = xcalloc(1, sizeof(*k));

	assert(done != NULL);
	err_clear(&k->why);
	k->name = xstrdup(name);
	k->done = done;
	k->ctx = ctx;
	k->open = 2;
	dns_ask(k->name, DNS_A, NULL, on_a, k);
	dns_ask(k->name, DNS_AAAA, NULL, on_aaaa, k);
}
