/* Scripted zones. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/zones.h"

enum { RECORDS_MAX = 2048, FAILS_MAX = 16, CHAIN_MAX = 40 };

static struct dns_record records[RECORDS_MAX];
static size_t records_n;
static struct { char name[256]; enum dns_rcode rcode; } fails[FAILS_MAX];
static size_t fails_n;

void
zones_reset(void)
{
	while (records_n > 0)
		free(records[--records_n].text);
	fails_n = 0;
}

enum dns_type
zones_type(const char *word)
{
	static const enum dns_type all[] = { DNS_A, DNS_NS, DNS_CNAME,
		DNS_SOA, DNS_TXT, DNS_AAAA, DNS_CAA };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(dns_type_name(all[i]), word) == 0)
			return all[i];
	return 0;
}

bool
zones_add(const char *line)
{
	struct dns_record *r = &records[records_n];
	char name[256], type[8];
	unsigned int flags;
	int at = 0;

	assert(records_n < RECORDS_MAX);
	memset(r, 0, sizeof(*r));
	if (sscanf(line, "%255s %7s %n", name, type, &at) < 2 || at == 0 ||
	    (r->type = zones_type(type)) == 0 ||
	    !dns_name_clean(r->owner, name))
		return false;
	line += at;
	if (r->type == DNS_CAA) {
		at = 0;
		if (sscanf(line, "%u %15s %n", &flags, r->tag, &at) < 2 ||
		    at == 0)
			return false;
		r->flags = (uint8_t)flags;
		line += at;
	}
	r->ttl = 60;
	r->text = xstrdup(line);
	r->len = strlen(line);
	records_n++;
	return true;
}

void
zones_remove(const char *name, enum dns_type type, const char *value)
{
	size_t i = 0;

	while (i < records_n)
		if (records[i].type == type &&
		    strcmp(records[i].owner, name) == 0 && (value == NULL ||
		    strcmp(records[i].text, value) == 0)) {
			free(records[i].text);
			records_n--;
			memmove(&records[i], &records[i + 1],
			    (records_n - i) * sizeof(records[0]));
		} else
			i++;
}

size_t
zones_count(enum dns_type type, const char *value)
{
	size_t i, n = 0;

	for (i = 0; i < records_n; i++)
		n += records[i].type == type && (value == NULL ||
		    strcmp(records[i].text, value) == 0);
	return n;
}

void
zones_fail(const char *name, enum dns_rcode rcode)
{
	assert(fails_n < FAILS_MAX);
	snprintf(fails[fails_n].name, sizeof(fails[0].name), "%s", name);
	fails[fails_n++].rcode = rcode;
}

static bool
exists(const char *name)
{
	size_t i;

	for (i = 0; i < records_n; i++)
		if (dns_below(records[i].owner, name))
			return true;
	return false;
}

static bool
is_top(const char *name)
{
	size_t i;

	for (i = 0; i < records_n; i++)
		if (records[i].type == DNS_SOA &&
		    strcmp(records[i].owner, name) == 0)
			return true;
	return false;
}

static void
give(struct dns_answer *out, const struct dns_record *r)
{
	struct dns_record *to = &out->records[out->n++];

	*to = *r;
	to->text = xstrdup(r->text);
}

/* The name's records of that type, else its CNAME; returns where that leads. */
static const char *
give_name(struct dns_answer *out, const char *name, enum dns_type type)
{
	const char *on = NULL;
	size_t i, before = out->n;

	for (i = 0; i < records_n && out->n < DNS_RECORDS_MAX; i++)
		if (strcmp(records[i].owner, name) == 0 &&
		    records[i].type == type)
			give(out, &records[i]);
	for (i = 0; i < records_n && out->n == before; i++)
		if (strcmp(records[i].owner, name) == 0 &&
		    records[i].type == DNS_CNAME) {
			give(out, &records[i]);
			on = records[i].text;
		}
	return on;
}

void
zones_answer(struct dns_answer *out, const char *name, enum dns_type type,
    bool authoritative)
{
	const char *at = name, *on, *top;
	size_t i;
	int steps;

	memset(out, 0, sizeof(*out));
	out->replied = true;
	out->authoritative = authoritative;
	for (i = 0; i < fails_n; i++)
		if (dns_below(name, fails[i].name)) {
			out->rcode = fails[i].rcode;
			return;
		}
	out->records = xcalloc(DNS_RECORDS_MAX, sizeof(*out->records));
	for (steps = 0; steps < CHAIN_MAX; steps++) {
		on = give_name(out, at, type);
		if (on == NULL || type == DNS_CNAME)
			break;
		at = on;
	}
	if (!exists(at))
		out->rcode = DNS_NXDOMAIN;
	if (out->n > 0 && out->records[out->n - 1].type == type)
		return;
	for (top = at; top != NULL && !is_top(top); top = dns_parent(top))
		;
	if (top != NULL) {
		out->has_soa = true;
		snprintf(out->soa_owner, sizeof(out->soa_owner), "%s", top);
	}
}
