/* One verdict per state, then the evidence by machine: the CA, each service,
 * the tries, the plan. Every sentence is about this certificate. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/json.h"
#include "daemon/revoke.h"
#include "daemon/view.h"
#include "daemon/why.h"

enum { SENTENCE_MAX = 2048, DATE = 10 };

struct why {
	const struct bundle *b;
	const struct row_cert *c;
	const struct row_ca *ca;
	int64_t now;
	struct err issue;		/* ERR_OK: none */
	struct strv issue_saw;		/* evidence, "LABEL\tTEXT" */
	struct strv found, found_todo;	/* why_findings */
	json_t *lines, *todo;
	struct buf verdict, standing;
};

/* --- words ------------------------------------------------------------- */

static void
line(struct why *w, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
line(struct why *w, const char *label, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	assert(label != NULL && w->lines != NULL);
	buf_init(&b, SENTENCE_MAX);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(w->lines, json_pack("{s:s, s:o}", "label", label,
	    "text", json_text(b.data)));
	buf_free(&b);
}

static void
todo(struct why *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
todo(struct why *w, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	assert(w->todo != NULL);
	buf_init(&b, SENTENCE_MAX);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(w->todo, json_text(b.data));
	buf_free(&b);
}

/* A sentence ends in one full stop, whoever wrote it. */
static void
full_stop(struct buf *b)
{
	assert(b->len == 0 || b->data != NULL);
	if (b->len > 0 && strchr(".!?", b->data[b->len - 1]) == NULL)
		buf_putc(b, '.');
}

static const char *
date(char out[TEXT_TIME], int64_t ms)
{
	text_rfc3339(out, ms);
	out[DATE] = '\0';
	return out;
}

static const char *
moment(char out[TEXT_TIME], int64_t ms)
{
	text_rfc3339(out, ms);
	return out;
}

/* Lines of evidence as the engine kept them: those labelled "later" are a
 * promise and stand after the tries; what the verdict says is said. */
static void
evidence(struct why *w, const struct strv *saw, bool later)
{
	const char *tab;
	char *label;
	size_t i;

	assert(saw->n == 0 || saw->v != NULL);
	for (i = 0; i < saw->n; i++) {
		tab = strchr(saw->v[i], '\t');
		label = xstrndup(saw->v[i], tab == NULL ? 0 :
		    (size_t)(tab - saw->v[i]));
		if ((strcmp(label, "later") == 0) == later &&
		    (tab == NULL || w->verdict.data == NULL ||
		    strstr(w->verdict.data, tab + 1) == NULL))
			line(w, label, "%s", tab == NULL ? saw->v[i] : tab + 1);
		free(label);
	}
}

/* --- verdicts ---------------------------------------------------------- */

/* Under two days the hours matter. */
static void
standing_days(struct why *w, const char *start)
{
	int64_t days = view_days(w->c->not_after_ms, w->now);
	char span[32];

	assert(w->standing.len == 0);
	if (days < 2 && w->c->not_after_ms > w->now) {
		text_span(span, w->c->not_after_ms - w->now);
		buf_printf(&w->standing, "%s; %s left.", start, span);
		return;
	}
	buf_printf(&w->standing, "%s; %lld day%s left.", start,
	    (long long)days, days == 1 ? "" : "s");
}

static void
served(struct why *w)
{
	buf_printf(&w->verdict, "%s is served.%s", w->c->name,
	    w->found_todo.n == 0 ? " Nothing to do." : "");
}

static void
valid(struct why *w)
{
	buf_printf(&w->verdict, "%s is valid: version %lld is installed; it "
	    "has no endpoint to be proved on.%s", w->c->name,
	    (long long)w->c->installed,
	    w->found_todo.n == 0 ? " Nothing to do." : "");
}

static void
deploying(struct why *w)
{
	buf_printf(&w->verdict, "%s: version %lld is on its way; nothing has "
	    "failed.", w->c->name, (long long)w->c->newest);
}

static void
unserved(struct why *w)
{
	char start[80];

	buf_printf(&w->verdict, "%s: %s", w->c->name,
	    w->c->summary == NULL ? "" : w->c->summary);
	if (w->c->served <= 0) {
		buf_puts(&w->standing, "No certificate of ours was seen in "
		    "use. No new order is needed.");
		return;
	}
	snprintf(start, sizeof(start), w->c->served < w->c->newest ?
	    "The old certificate (version %lld) is served" :
	    "Version %lld was served when it was last checked",
	    (long long)w->c->served);
	standing_days(w, start);
	buf_puts(&w->standing, " No new order is needed.");
}

static bool
ca_is_down(const struct why *w)
{
	return w->issue.code == ERR_CA_DOWN && w->ca != NULL &&
	    w->ca->state != NULL && strcmp(w->ca->state, "down") == 0;
}

static void
verdict_ca_down(struct why *w)
{
	char at[TEXT_TIME];

	assert(ca_is_down(w));
	buf_printf(&w->verdict, "%s waits: %s does not answer (since %s, for "
	    "all certificates).", w->c->name, w->ca->name,
	    moment(at, w->ca->since_ms));
}

static void
new_one(struct why *w)
{
	if (ca_is_down(w))
		verdict_ca_down(w);
	else if (w->issue.code != ERR_OK)
		buf_printf(&w->verdict, "%s %s: %s", w->c->name,
		    w->issue.class == ERR_LATER ? "waits" : "can't be issued",
		    w->issue.text);
	else
		buf_printf(&w->verdict, "%s waits for its first certificate; "
		    "nothing has failed.", w->c->name);
	buf_puts(&w->standing, w->c->installed_gen == 0 &&
	    w->c->csr.len > 0 ? "Nothing is installed yet; its key is yours, "
	    "so there is no placeholder." : w->c->installed_gen == 0 ?
	    "Nothing is installed yet." :
	    "Nothing is installed yet; services use the placeholder.");
}

static void
failing(struct why *w)
{
	if (ca_is_down(w))
		verdict_ca_down(w);
	else
		buf_printf(&w->verdict, "%s can't be renewed: %s", w->c->name,
		    w->issue.text);
	standing_days(w, w->c->served > 0 ?
	    "The certificate is still served" :
	    "The certificate that is installed is still valid");
}

static void
expired(struct why *w)
{
	const struct row_version *v = bundle_version(w->b, w->c->installed);
	char at[TEXT_TIME];

	if (v != NULL && v->revoked_ms != 0)
		buf_printf(&w->verdict, "%s was revoked on %s", w->c->name,
		    date(at, v->revoked_ms));
	else
		buf_printf(&w->verdict, "%s expired on %s", w->c->name,
		    date(at, w->c->not_after_ms));
	if (w->issue.code != ERR_OK)
		buf_printf(&w->verdict, " and can't be renewed: %s",
		    w->issue.text);
	buf_puts(&w->standing, "Who connects is refused or warned.");
}

static void
dormant(struct why *w)
{
	buf_printf(&w->verdict, "%s is dormant: it has expired and its names "
	    "have moved away. It wakes by itself.", w->c->name);
}

static void
retired(struct why *w)
{
	char at[TEXT_TIME];

	buf_printf(&w->verdict, "%s is retired: no longer wished for, so it "
	    "is not renewed.", w->c->name);
	if (w->c->not_after_ms != 0)
		buf_printf(&w->standing, "Its files stay until 30 days after "
		    "it expires on %s.", date(at, w->c->not_after_ms));
}

static void
paused(struct why *w)
{
	buf_printf(&w->verdict, "%s is paused: a person stopped it; nothing "
	    "is ordered.", w->c->name);
}

static const struct {
	const char *state;
	void (*say)(struct why *w);
} verdicts[] = {
	{ "served", served }, { "valid", valid }, { "deploying", deploying },
	{ "unserved", unserved }, { "failing", failing }, { "new", new_one },
	{ "expired", expired }, { "dormant", dormant },
	{ "retired", retired }, { "paused", paused }
};

/* --- evidence ---------------------------------------------------------- */

static bool
is_state(const struct why *w, const char *state)
{
	return w->c->state != NULL && strcmp(w->c->state, state) == 0;
}

static void
issued_line(struct why *w)
{
	const struct row_version *v = bundle_version(w->b, w->c->newest);
	char from[TEXT_TIME], to[TEXT_TIME];
	struct strv missing;
	json_t *dropped, *item;
	size_t i;

	assert(w->c == w->b->cert);
	if (v == NULL || v->placeholder || is_state(w, "failing") ||
	    is_state(w, "unserved"))
		return;
	line(w, "issued", "version %lld by %s on %s, until %s",
	    (long long)v->version, v->ca, date(from, v->issued_ms),
	    date(to, v->not_after_ms));
	missing = view_missing(w->b, v);
	for (i = 0; i < missing.n; i++)
		line(w, i == 0 ? "without" : "", "%s", missing.v[i]);
	strv_free(&missing);
	dropped = json_lines(w->c->degraded);
	json_array_foreach(dropped, i, item)
		line(w, "without", "%s, which the CA did not grant",
		    json_string_value(item));
	json_decref(dropped);
}

static void
ca_line(struct why *w)
{
	struct err e;
	char at[TEXT_TIME], next[TEXT_TIME + 16] = "";

	if (!ca_is_down(w))
		return;
	if (w->ca->retry_at_ms != 0)
		snprintf(next, sizeof(next), ", next %s",
		    moment(at, w->ca->retry_at_ms));
	if (!view_error_parse(&e, NULL, w->ca->error))
		e = w->issue;
	line(w, "CA", "%s: %s%s", w->ca->directory, e.text, next);
}

/* Several tries have gone on since the state began that they explain. */
static void
tried_line(struct why *w, int64_t failures, int64_t last, int64_t next)
{
	int64_t since = failures > 1 && (is_state(w, "new") ||
	    is_state(w, "failing") || is_state(w, "unserved")) ?
	    w->c->state_since_ms : 0;
	char from[TEXT_TIME], to[TEXT_TIME];
	struct buf b;

	if (failures <= 0)
		return;
	buf_init(&b, 200);
	buf_printf(&b, failures == 1 ? "once" : "%lld times",
	    (long long)failures);
	if (since != 0)
		buf_printf(&b, " since %s", moment(from, since));
	else if (last != 0)
		buf_printf(&b, failures == 1 ? ", %s" : ", last %s",
		    moment(from, last));
	if (next != 0)
		buf_printf(&b, "; next %s", moment(to, next));
	assert(b.len > 0 && !b.full);
	line(w, "tried", "%s", b.data);
	buf_free(&b);
}

static void
issuance_lines(struct why *w)
{
	const struct row_order *o = bundle_order(w->b);
	const char *iss = w->c->iss_state == NULL ? "" : w->c->iss_state;
	char at[TEXT_TIME];

	assert(w->c != NULL);
	if (is_state(w, "retired") || is_state(w, "paused"))
		return;
	ca_line(w);
	evidence(w, &w->issue_saw, false);
	evidence(w, &w->found, false);
	if (o != NULL && strcmp(iss, "ordering") == 0)
		line(w, "order", "under way at %s since %s", o->ca,
		    moment(at, o->created_ms));
	if (strcmp(iss, "waiting") == 0 && w->c->iss_next_try_ms != 0)
		line(w, "waits", "until %s%s%s",
		    moment(at, w->c->iss_next_try_ms),
		    w->issue.code != ERR_OK ? ": " : "", w->issue.text);
	tried_line(w, w->c->iss_failures, w->c->iss_last_try_ms,
	    w->c->iss_next_try_ms);
	evidence(w, &w->issue_saw, true);
}

/* "[2001:db8::1]:443" of an observation, or as it was configured. */
static void
where(struct buf *b, const struct row_endpoint *e)
{
	if (e->address == NULL || *e->address == '\0')
		buf_puts(b, e->endpoint);
	else
		buf_printf(b, strchr(e->address, ':') != NULL ?
		    "[%s]:%lld" : "%s:%lld", e->address, (long long)e->port);
}

static const struct {
	const char *result, *words;
} shows[] = {
	{ "older", "shows an older version" },
	{ "placeholder", "shows the placeholder" },
	{ "other", "shows a certificate that is not ours" },
	{ "expired", "shows one that has expired" },
	{ "refused", "refuses connections" },
	{ "timeout", "does not answer in time" },
	{ "not-tls", "does not speak TLS" },
	{ "skipped", "nothing listens there; not needed" }
};

static const char *
words_of(const char *result)
{
	size_t i;

	for (i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		if (strcmp(shows[i].result, result) == 0)
			return shows[i].words;
	return "was not checked";
}

static const char *
progress(const char *state)
{
	static const struct { const char *state, *words; } table[] = {
		{ "waiting", "waits for the files" },
		{ "installed", "has the files; its reload is due" },
		{ "checking", "its configuration is being checked" },
		{ "reloading", "is being reloaded" },
		{ "later", "asks to be tried later" },
		{ "later-again", "asks to be tried later" },
		{ "again", "shows an older version; it is reloaded once more" },
		{ "served", "has the files; no endpoint to look at" }
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].state, state) == 0)
			return table[i].words;
	return state;
}

/* What was seen at one service's endpoints. */
struct seen {
	struct strv places, names;	/* that show the newest */
	int64_t checked, version;
	size_t good, bad;
};

/* Only what shows the newest has a place in the line; the others get one
 * each. */
static void
look(struct seen *s, const struct row_endpoint *e)
{
	struct buf here;

	if (strcmp(e->result, "skipped") == 0)
		return;
	if (strcmp(e->result, "newest") != 0) {
		s->bad++;
		return;
	}
	assert(strcmp(e->result, "newest") == 0);
	s->good++;
	s->version = e->version;	/* the newest there was then */
	buf_init(&here, SENTENCE_MAX);
	where(&here, e);
	if (!strv_has(&s->places, here.data))
		strv_add(&s->places, here.data);
	buf_free(&here);
	if (e->name != NULL && !strv_has(&s->names, e->name))
		strv_add(&s->names, e->name);
	if (s->checked == 0 || e->at_ms < s->checked)
		s->checked = e->at_ms;
}

/* All names on all endpoints in one line; the oldest look counts. */
static void
good_line(struct why *w, const char *service, const struct seen *s)
{
	char span[32], names[48];
	struct buf places;
	size_t i;

	assert(s->good > 0 && s->places.n > 0);
	buf_init(&places, SENTENCE_MAX);
	for (i = 0; i < s->places.n; i++)
		buf_printf(&places, "%s%s", i > 0 ? ", " : "",
		    s->places.v[i]);
	text_span(span, w->now - s->checked);
	if (s->names.n == 2)
		snprintf(names, sizeof(names), "both names serve");
	else
		snprintf(names, sizeof(names), s->names.n <= 1 ?
		    "serves" : "all %zu names serve", s->names.n);
	line(w, service, "%s: %s version %lld (checked %s ago)",
	    places.data, names, (long long)s->version, span);
	buf_free(&places);
}

static void
bad_lines(struct why *w, const char *label, const char *service)
{
	const struct row_endpoint *e;
	struct buf b;
	size_t i;

	assert(label != NULL && service != NULL);
	for (i = 0; i < w->b->endpoints.n; i++) {
		e = ROWS_AT(&w->b->endpoints, row_endpoint, i);
		if (strcmp(e->service, service) != 0 ||
		    strcmp(e->result, "newest") == 0 ||
		    strcmp(e->result, "skipped") == 0)
			continue;
		buf_init(&b, SENTENCE_MAX);
		where(&b, e);
		if (e->name != NULL && *e->name != '\0')
			buf_printf(&b, " for %s", e->name);
		line(w, label, "%s: %s", b.data, words_of(e->result));
		label = "";
		buf_free(&b);
	}
}

/* STARTTLS is not spoken yet: such an endpoint is neither good nor bad. */
static void
unasked_lines(struct why *w, const char *label, const char *service)
{
	struct strv said = { NULL, 0 };
	const struct row_endpoint *e;
	size_t i;

	assert(label != NULL && service != NULL);
	for (i = 0; i < w->b->endpoints.n; i++) {
		e = ROWS_AT(&w->b->endpoints, row_endpoint, i);
		if (strcmp(e->service, service) != 0 ||
		    strcmp(e->result, "skipped") != 0 ||
		    e->protocol == NULL || strcmp(e->protocol, "tls") == 0 ||
		    strv_has(&said, e->endpoint))
			continue;
		strv_add(&said, e->endpoint);
		line(w, label, "%s: is not looked at in this release",
		    e->endpoint);
		label = "";
	}
	strv_free(&said);
}

static void
service_lines(struct why *w, const struct row_deployment *d)
{
	struct seen s = { .checked = 0 };
	struct strv saw;
	struct err e;
	size_t i;
	bool failed = view_error_parse(&e, &saw, d->error);
	const char *label = d->service[0] != '\0' ? d->service : "files";

	assert(w->b != NULL && d->service != NULL);
	/* Where issuance is the trouble, healthy services only distract. */
	if (!failed && !is_state(w, "served") && !is_state(w, "valid") &&
	    !is_state(w, "deploying") && !is_state(w, "unserved"))
		return;
	for (i = 0; i < w->b->endpoints.n; i++)
		if (strcmp(ROWS_AT(&w->b->endpoints, row_endpoint, i)->service,
		    d->service) == 0)
			look(&s, ROWS_AT(&w->b->endpoints, row_endpoint, i));
	if (failed && saw.n > 0)
		evidence(w, &saw, false);
	else if (failed)
		line(w, label, "%s", e.text);
	if (s.good > 0)
		good_line(w, failed ? "" : d->service, &s);
	if (s.bad > 0 && saw.n == 0)
		bad_lines(w, failed || s.good > 0 ? "" : d->service,
		    d->service);
	if (!failed && s.good + s.bad == 0)
		line(w, d->service, "%s", progress(d->state));
	unasked_lines(w, "", d->service);
	tried_line(w, d->failures, d->last_try_ms, d->next_try_ms);
	strv_free(&saw);
	strv_free(&s.names);
	strv_free(&s.places);
}

/* What is to be revoked, and what it waits for. */
static void
revocation_line(struct why *w, const struct row_revocation *r)
{
	static const struct { const char *state, *words; } table[] = {
		{ "replacing", "waits until its replacement is in use" },
		{ "ready", "its replacement is in use; waits for an operator" },
		{ "revoking", "is being revoked" },
		{ "failed", "was not revoked" }
	};
	const char *reason = revoke_reason_name(r->reason);
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (revoke_is(r, table[i].state))
			break;
	if (i == sizeof(table) / sizeof(table[0]))
		return;
	if (!view_error_parse(&e, NULL, r->error))
		err_clear(&e);
	assert(i < sizeof(table) / sizeof(table[0]));
	line(w, "revokes", "version %lld (%s): %s%s%s", (long long)r->version,
	    reason == NULL ? "?" : reason, table[i].words, e.text[0] != '\0' ?
	    ": " : "", e.text);
}

static void
revocation_lines(struct why *w)
{
	const struct row_revocation *r;
	bool person = false;
	size_t i;

	for (i = 0; i < w->b->revocations.n; i++) {
		r = ROWS_AT(&w->b->revocations, row_revocation, i);
		revocation_line(w, r);
		person = person || revoke_is(r, "ready") ||
		    revoke_is(r, "failed");
	}
	if (person)
		todo(w, "as root on this machine: everleaf revoke %s",
		    w->c->name);
}

static void
renews_line(struct why *w)
{
	static const struct { const char *reason, *words; } reasons[] = {
		{ "lifetime", "when enough of its lifetime is over" },
		{ "names", "because its names have changed" },
		{ "csr", "because its csr-file has changed" },
		{ "ca", "because a test CA has issued what there is" },
		{ "asked", "because somebody asked" }
	};
	const char *reason = w->c->renew_reason == NULL ? "" :
	    w->c->renew_reason;
	char at[TEXT_TIME];
	size_t i;

	assert(w->now > 0);
	if (w->c->renew_at_ms == 0 || w->c->newest <= 0 ||
	    w->c->iss_failures > 0 || is_state(w, "retired") ||
	    is_state(w, "unserved") || is_state(w, "paused"))
		return;
	moment(at, w->c->renew_at_ms);
	if (strcmp(reason, "ari") == 0) {
		line(w, "renews", "%s, in the time that %s suggests", at,
		    w->ca != NULL ? w->ca->name : "the CA");
		return;
	}
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].reason, reason) == 0) {
			line(w, "renews", "%s, %s", at, reasons[i].words);
			return;
		}
	line(w, "renews", "%s", at);
}

/* --- advice ------------------------------------------------------------ */

/* Advice is written as a sentence; behind "Do" it is a clause. */
static char *
clause(const char *advice)
{
	static const char tail[] = ", or drop it";
	char *s = xstrdup(advice), *colon;
	size_t n = strlen(s);

	if (n > 0 && s[n - 1] == '.')
		s[--n] = '\0';
	/* "Mend it, then: everleaf ..." */
	colon = strstr(s, "then: ");
	if (colon != NULL) {
		memmove(colon + 4, colon + 5, strlen(colon + 5) + 1);
		n--;
	}
	if (n > 1 && islower((unsigned char)s[1]))
		s[0] = (char)tolower((unsigned char)s[0]);
	if (n >= sizeof(tail) && strcmp(s + n - (sizeof(tail) - 1), tail) == 0)
		s[n - (sizeof(tail) - 1)] = '\0';
	assert(strlen(s) <= strlen(advice));
	return s;
}

static bool
is_about_a_name(enum err_code code)
{
	return code == ERR_DNS_FAILS || code == ERR_DNS_ELSEWHERE ||
	    code == ERR_CONNECTION || code == ERR_CHALLENGE_WRONG ||
	    code == ERR_CAA || code == ERR_NAME_REFUSED;
}

/* What a person can do about it, most likely first; nothing where time alone
 * mends it. */
static void
do_for_issue(struct why *w)
{
	struct conf_wish wanted;
	char *words;
	size_t i;

	assert(w->todo != NULL);
	if (w->c->retired_ms != 0)
		return;
	for (i = 0; i < w->found_todo.n &&
	    w->issue.code != ERR_DNS_RECORD; i++)
		todo(w, "%s", w->found_todo.v[i]);
	if (w->issue.code == ERR_OK)
		return;
	if (w->issue.class == ERR_LATER) {
		todo(w, "nothing; it goes on by itself");
		return;
	}
	words = clause(w->issue.advice);
	if (*words != '\0')
		todo(w, "%s", words);
	free(words);
	if (!is_about_a_name(w->issue.code))
		return;
	wanted = view_wanted(w->b);
	if (wanted.names.n > 1 && w->c->source != NULL &&
	    strcmp(w->c->source, "file") == 0)
		todo(w, "drop it: %s, then everleaf reload",
		    w->c->names_where != NULL ? w->c->names_where :
		    w->c->where);
	else if (wanted.names.n > 1)
		todo(w, "drop it: everleaf set %s --drop-name NAME",
		    w->c->name);
	conf_wish_free(&wanted);
}

static void
do_for_services(struct why *w)
{
	const struct row_deployment *d;
	struct err e;
	char *words;
	size_t i;

	for (i = 0; i < w->b->deployments.n; i++) {
		d = ROWS_AT(&w->b->deployments, row_deployment, i);
		if (w->c->retired_ms != 0 ||
		    !view_error_parse(&e, NULL, d->error))
			continue;
		words = clause(e.advice);
		if (*words != '\0')
			todo(w, "%s%s", words, d->next_try_ms != 0 ?
			    " (or wait)" : "");
		free(words);
	}
}

json_t *
why_json(const struct bundle *b, const struct row_ca *ca, int64_t now_ms)
{
	struct why w = { .b = b, .c = b->cert, .ca = ca, .now = now_ms,
		.lines = json_array(), .todo = json_array() };
	json_t *j;
	size_t i;

	assert(b->cert != NULL);
	buf_init(&w.verdict, SENTENCE_MAX);
	buf_init(&w.standing, SENTENCE_MAX);
	view_error_parse(&w.issue, &w.issue_saw, w.c->iss_error);
	why_findings(b, now_ms, &w.found, &w.found_todo);
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (is_state(&w, verdicts[i].state))
			verdicts[i].say(&w);
	full_stop(&w.verdict);
	issued_line(&w);
	issuance_lines(&w);
	for (i = 0; i < b->deployments.n; i++)
		service_lines(&w, ROWS_AT(&b->deployments, row_deployment, i));
	revocation_lines(&w);
	renews_line(&w);
	do_for_issue(&w);
	do_for_services(&w);
	j = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "name", w.c->name,
	    "state", json_text(w.c->state), "verdict",
	    json_text(w.verdict.data), "standing",
	    json_text(w.standing.data), "lines", w.lines, "do", w.todo);
	strv_free(&w.issue_saw);
	strv_free(&w.found);
	strv_free(&w.found_todo);
	buf_free(&w.verdict);
	buf_free(&w.standing);
	return j;
}

/* One trouble that holds up all comes before what is said of this one. */
void
why_all_stands(json_t *why, const struct err *err)
{
	char *words;

	if (err == NULL)
		return;
	assert(err->code != ERR_OK);
	json_array_insert_new(json_object_get(why, "lines"), 0,
	    json_pack("{s:s, s:o}", "label", "daemon", "text",
	    json_text(err->text)));
	words = clause(err->advice);
	if (*words != '\0')
		json_array_insert_new(json_object_get(why, "do"), 0,
		    json_text(words));
	free(words);
}
