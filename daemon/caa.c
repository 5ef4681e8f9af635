/* Judging CAA records as a CA must. A record that cannot be read lets nobody
 * in (RFC 8659 section 4.2), and parameters of a record only narrow it. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "daemon/caa.h"

enum { CRITICAL = 128, RECORDS_MAX = 64, VALUE_MAX = 1024 };

/* --- finding them --------------------------------------------------- */

void
caa_begin(struct caa_walk *w, const char *name)
{
	assert(strncmp(name, "*.", 2) != 0);
	memset(w, 0, sizeof(*w));
	snprintf(w->ask_name, sizeof(w->ask_name), "%s", name);
}

void
caa_free(struct caa_walk *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->records[i].text);
	free(w->records);
	w->records = NULL;
	w->n = 0;
}

static void
keep(struct caa_walk *w, const struct dns_record *r)
{
	struct dns_record *to;

	assert(w->n == 0 || w->records != NULL);
	if (w->n >= RECORDS_MAX)
		return;
	w->records = xrealloc(w->records, (w->n + 1) * sizeof(*w->records));
	to = &w->records[w->n++];
	*to = *r;
	to->text = xmemdup(r->text, r->len + 1);
}

/* Up the tree until somebody says something (RFC 8659 section 3): the first
 * that does decides. */
enum walk_next
caa_take(struct caa_walk *w, const struct dns_answer *a, struct err *err)
{
	const char *up, *owner;
	size_t i;

	assert(w->n == 0 && w->found_at[0] == '\0');
	if (!a->replied) {
		*err = a->err;
		return WALK_FAILED;
	}
	if (a->rcode != DNS_NOERROR && a->rcode != DNS_NXDOMAIN) {
		err_set(err, ERR_CAA, "%s: the resolver answers %s when asked "
		    "for CAA", w->ask_name, dns_rcode_name(a->rcode));
		err_advise(err, "A CA takes that for a no. The name servers "
		    "of the domain must answer CAA questions: dig %s CAA",
		    w->ask_name);
		return WALK_FAILED;
	}
	owner = zone_follow(a, w->ask_name);
	for (i = 0; i < a->n; i++)
		if (a->records[i].type == DNS_CAA &&
		    strcmp(a->records[i].owner, owner) == 0)
			keep(w, &a->records[i]);
	if (w->n > 0) {
		memcpy(w->found_at, w->ask_name, sizeof(w->found_at));
		return WALK_DONE;
	}
	up = dns_parent(w->ask_name);
	if (up == NULL || *up == '\0')
		return WALK_DONE;
	memmove(w->ask_name, up, strlen(up) + 1);
	return WALK_ASK;
}

/* --- one value: issuer; tag=value; tag=value ------------------------ */

struct issue {
	bool broken;
	char issuer[DNS_NAME_SIZE];
	char account[VALUE_MAX];	/* accounturi= */
	int accounts;			/* how many of them */
	char methods[VALUE_MAX];	/* validationmethods= */
	bool limited;			/* validationmethods is there */
};

static char *
trim(char *s)
{
	char *end;

	assert(s != NULL);
	while (*s == ' ' || *s == '\t')
		s++;
	end = s + strlen(s);
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return s;
}

static bool
is_issuer(const char *s)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '.')
			return false;
	return true;
}

static bool
is_tag(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

static bool
is_value(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x21 || *s > 0x7e || *s == ';')
			return false;
	return true;
}

static bool
take_parameter(struct issue *out, char *s)
{
	char *equals = strchr(s, '='), *tag, *value;

	assert(s[0] != '\0');
	if (equals == NULL)
		return false;
	*equals = '\0';
	tag = trim(s);
	value = trim(equals + 1);
	if (!is_tag(tag) || !is_value(value))
		return false;
	if (strcasecmp(tag, "accounturi") == 0) {
		out->accounts++;
		snprintf(out->account, sizeof(out->account), "%s", value);
	} else if (strcasecmp(tag, "validationmethods") == 0) {
		out->limited = true;
		snprintf(out->methods, sizeof(out->methods), "%s", value);
	}
	return true;
}

/* Strict: what could be read in two ways lets nobody in. */
static void
read_issue(struct issue *out, const struct dns_record *r)
{
	char text[VALUE_MAX], *part, *next;
	int place = 0;

	memset(out, 0, sizeof(*out));
	if (r->len >= sizeof(text) || strlen(r->text) != r->len) {
		out->broken = true;
		return;
	}
	assert(r->len < sizeof(text));
	memcpy(text, r->text, r->len + 1);
	for (part = text; part != NULL; part = next, place++) {
		next = strchr(part, ';');
		if (next != NULL)
			*next++ = '\0';
		part = trim(part);
		if (place == 0) {
			out->broken = !is_issuer(part);
			snprintf(out->issuer, sizeof(out->issuer), "%s", part);
		} else if (*part == '\0') {
			/* "ca.example;" is fine, "; x=y;" is not */
			out->broken = out->broken || place > 1 || next != NULL;
		} else if (!take_parameter(out, part))
			out->broken = true;
	}
}

/* --- the verdict ---------------------------------------------------- */

/* How near a record comes to letting us in; the best one tells what to say. */
enum fit { FIT_NOT, FIT_METHOD, FIT_ACCOUNT, FIT_YES };

static bool
listed(const char *list, const char *word)
{
	size_t n = strlen(word), part;

	assert(word[0] != '\0');
	while (*list != '\0') {
		part = strcspn(list, ",");
		if (part == n && strncmp(list, word, n) == 0)
			return true;
		list += part + (list[part] == ',');
	}
	return false;
}

static enum fit
fits(const struct dns_record *r, const struct caa_who *who)
{
	struct issue is;
	size_t i;
	bool ours = false;

	assert(who->identities->n > 0);
	read_issue(&is, r);
	for (i = 0; i < who->identities->n; i++)
		ours = ours || strcasecmp(is.issuer,
		    who->identities->v[i]) == 0;
	if (is.broken || !ours)
		return FIT_NOT;
	/* An account that is still to be made cannot be the one named. */
	if (is.accounts > 1 || (is.accounts == 1 && (who->account == NULL ||
	    strcmp(is.account, who->account) != 0)))
		return FIT_ACCOUNT;
	if (is.limited && who->method != NULL && who->method[0] != '\0' &&
	    !listed(is.methods, who->method))
		return FIT_METHOD;
	return FIT_YES;
}

static bool
is_known(const char *tag)
{
	static const char *const known[] = { "issue", "issuewild", "iodef",
		"issuemail", "issuevmc", "contactemail", "contactphone" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(tag, known[i]) == 0)
			return true;
	return false;
}

static bool
has_tag(const struct caa_walk *w, const char *tag)
{
	size_t i;

	assert(tag[0] != '\0');
	for (i = 0; i < w->n; i++)
		if (strcmp(w->records[i].tag, tag) == 0)
			return true;
	return false;
}

static int
refuse(const struct caa_walk *w, const char *tag, const struct caa_who *who,
    enum fit best, struct err *err)
{
	const char *ca = who->identities->v[0];
	struct issue is;
	struct buf b;
	size_t i;

	assert(best < FIT_YES && who->identities->n > 0);
	if (best == FIT_ACCOUNT)
		err_set(err, ERR_CAA, "CAA of %s lets %s in, but only with "
		    "another account", w->found_at, ca);
	else if (best == FIT_METHOD)
		err_set(err, ERR_CAA, "CAA of %s lets %s in, but not by %s",
		    w->found_at, ca, who->method);
	else {
		buf_init(&b, ERR_TEXT_MAX);
		for (i = 0; i < w->n; i++) {
			if (strcmp(w->records[i].tag, tag) != 0)
				continue;
			read_issue(&is, &w->records[i]);
			if (!is.broken && is.issuer[0] != '\0')
				buf_printf(&b, "%s%s", b.len > 0 ? ", " : "",
				    is.issuer);
		}
		err_set(err, ERR_CAA, "CAA of %s lets in %s%s, not %s",
		    w->found_at, b.len > 0 ? "only " : "no CA at all",
		    b.len > 0 ? b.data : "", ca);
		buf_free(&b);
	}
	return err_advise(err, "Add the record: %s. CAA 0 %s \"%s\"",
	    w->found_at, tag, ca);
}

int
caa_judge(const struct caa_walk *w, const struct caa_who *who,
    struct err *err)
{
	const char *tag = who->wildcard && has_tag(w, "issuewild") ?
	    "issuewild" : "issue";
	enum fit best = FIT_NOT, fit;
	size_t i;

	assert(who->identities != NULL);
	for (i = 0; i < w->n; i++)
		if ((w->records[i].flags & CRITICAL) != 0 &&
		    !is_known(w->records[i].tag)) {
			err_set(err, ERR_CAA, "CAA of %s has a critical \"%s\""
			    ", which no CA may pass", w->found_at,
			    w->records[i].tag);
			return err_advise(err, "Take the record out, or its "
			    "critical flag.");
		}
	/* Nothing known about the CA: nothing to compare with. */
	if (!has_tag(w, tag) || who->identities->n == 0)
		return 0;
	for (i = 0; i < w->n; i++)
		if (strcmp(w->records[i].tag, tag) == 0) {
			fit = fits(&w->records[i], who);
			best = fit > best ? fit : best;
		}
	return best == FIT_YES ? 0 : refuse(w, tag, who, best, err);
}
