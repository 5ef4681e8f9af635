/* The record's way to all servers of its zone, as their answers tell it. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/spread.h"

static void
add(struct spread *s, const char *name, const char *address)
{
	struct spread_server *v = &s->servers[s->n++];

	assert(s->n < sizeof(s->servers) / sizeof(s->servers[0]));
	memset(v, 0, sizeof(*v));
	snprintf(v->at.name, sizeof(v->at.name), "%s", name);
	snprintf(v->at.address, sizeof(v->at.address), "%s", address);
}

static void
ask_resolver(struct spread *s)
{
	if (s->by_resolver)
		return;
	s->by_resolver = true;
	assert(s->n <= ZONE_SERVERS_MAX);
	add(s, "the resolver", "");
}

void
spread_begin(struct spread *s, const char *record, const char *value,
    const struct zone_server *servers, size_t n)
{
	size_t i;

	assert(value != NULL && (n == 0 || servers != NULL));
	memset(s, 0, sizeof(*s));
	snprintf(s->record, sizeof(s->record), "%s", record);
	s->value = xstrdup(value);
	for (i = 0; i < n && i < ZONE_SERVERS_MAX; i++)
		add(s, servers[i].name, servers[i].address);
	assert(s->n == n || n > ZONE_SERVERS_MAX);
	if (n == 0)
		ask_resolver(s);
}

void
spread_free(struct spread *s)
{
	free(s->value);
	s->value = NULL;
}

/* --- answers -------------------------------------------------------- */

static bool
has_value(const struct spread *s, const struct dns_answer *a)
{
	size_t i, n = strlen(s->value);

	assert(s->value != NULL);
	for (i = 0; i < a->n; i++)
		if (a->records[i].type == DNS_TXT &&
		    a->records[i].len == n &&
		    memcmp(a->records[i].text, s->value, n) == 0)
			return true;
	return false;
}

static void
say(struct spread_server *v, const char *words)
{
	snprintf(v->said, sizeof(v->said), "%s", words);
}

/* What counts as silence: no answer, a refusal, or somebody who only
 * guesses. */
static void
not_there(struct spread_server *v, const struct dns_answer *a)
{
	assert(!a->replied || v->has >= 0);
	v->has = 0;
	if (!a->replied) {
		v->silent++;
		say(v, "gives no answer");
	} else if (a->rcode != DNS_NOERROR && a->rcode != DNS_NXDOMAIN) {
		v->silent++;
		snprintf(v->said, sizeof(v->said), "answers %s",
		    dns_rcode_name(a->rcode));
	} else if (v->at.address[0] != '\0' && !a->authoritative) {
		v->silent++;
		say(v, "is not responsible for the zone");
	} else {
		v->silent = 0;
		say(v, "does not have it");
	}
}

void
spread_take(struct spread *s, size_t i, const struct dns_answer *a)
{
	struct spread_server *v = &s->servers[i];
	bool counts = a->authoritative || v->at.address[0] == '\0';

	assert(i < s->n);
	if (!a->replied || !counts || !has_value(s, a)) {
		not_there(v, a);
		return;
	}
	v->silent = 0;
	assert(v->has >= 0);
	v->has++;
	say(v, "has it");
}

/* --- is that enough? ------------------------------------------------ */

static bool
left_out(const struct spread_server *v)
{
	return v->silent >= SPREAD_SILENT;
}

/* At least one must have it for sure; those left out do not hinder it. */
bool
spread_turn(struct spread *s)
{
	size_t i, sure = 0, out = 0;

	assert(s->n > 0);
	for (i = 0; i < s->n; i++)
		if (left_out(&s->servers[i]))
			out++;
		else if (s->servers[i].has >= SPREAD_SURE)
			sure++;
	if (out == s->n)
		ask_resolver(s);
	assert(sure + out <= s->n);
	return sure > 0 && sure + out == s->n;
}

static void
name_of(const struct spread_server *v, char *out, size_t size)
{
	struct dns_server at;

	if (v->at.address[0] == '\0' ||
	    !dns_server_parse(&at, v->at.address))
		snprintf(out, size, "%s", v->at.name);
	else
		snprintf(out, size, "%s (%s)", v->at.name, at.address);
}

void
spread_lines(const struct spread *s, bool all, struct strv *out)
{
	char line[DNS_NAME_SIZE + 200], who[DNS_NAME_SIZE + 64];
	const struct spread_server *v;
	size_t i;

	for (i = 0; i < s->n; i++) {
		v = &s->servers[i];
		if (!all && v->has >= SPREAD_SURE)
			continue;
		name_of(v, who, sizeof(who));
		snprintf(line, sizeof(line), "%s %s", who,
		    v->said[0] != '\0' ? v->said : "was not asked");
		strv_add(out, line);
	}
}

void
spread_err(const struct spread *s, int64_t waited_ms, struct err *err)
{
	struct strv lines = { NULL, 0 };
	char span[32];
	struct buf b;
	size_t i;

	buf_init(&b, ERR_TEXT_MAX);
	text_span(span, waited_ms);
	spread_lines(s, false, &lines);
	for (i = 0; i < lines.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", lines.v[i]);
	err_set(err, ERR_DNS_UNSEEN, "%s TXT: %s after %s", s->record,
	    b.data != NULL ? b.data : "nobody was asked", span);
	err_advise(err, "Are these servers told of changes (NOTIFY) and "
	    "allowed to fetch the zone? If that takes long, raise timeout in "
	    "the dns block.");
	buf_free(&b);
	strv_free(&lines);
}
