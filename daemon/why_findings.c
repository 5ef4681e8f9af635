/* What looks into DNS and over port 80 found, for `why`: rows of table
 * finding, as lines of evidence and things to do. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "acme/method.h"
#include "base/text.h"
#include "daemon/selfcheck.h"
#include "daemon/standing.h"
#include "daemon/why.h"

enum { LINE_MOST = 4096, DATE = 10, NAMES_SHOWN = 20 };

#define add(to, ...) strv_addf(to, LINE_MOST, __VA_ARGS__)

static bool
is_good(const struct row_finding *f)
{
	return strcmp(f->result, "good") == 0;
}

/* A standing record: there until some day, there for not long enough, or
 * missing. */
static void
standing(const struct row_finding *f, int64_t now_ms, struct strv *lines,
    struct strv *todo)
{
	int64_t until = 1000 * method_persist_until(f->text);
	char end[TEXT_TIME];

	assert(strcmp(f->kind, STANDING_KIND) == 0);
	text_rfc3339(end, until);
	end[DATE] = '\0';
	if (is_good(f) && until != 0)
		add(lines, "record\t%s lets our account in until %s",
		    f->subject, end);
	if (is_good(f))
		return;
	if (until > now_ms) {
		add(lines, "record\t%s ends on %s, before the renewal after "
		    "the next", f->subject, end);
		add(todo, "publish it with a later persistUntil, or without");
	} else {
		add(lines, "record\t%s: no TXT record there lets our account "
		    "in", f->subject);
		add(todo, "publish for good: %s. TXT \"%s\"", f->subject,
		    f->text);
	}
}

/* --- port 80 ------------------------------------------------------------ */

/* What is said of one name. */
struct seen {
	struct buf addresses;		/* joined by ", " */
	size_t here, right, wrong;
	const char *none;		/* why there is no address, or NULL */
};

static bool
is(const struct row_finding *f, const char *kind)
{
	return strcmp(f->kind, kind) == 0;
}

static void
see(struct seen *s, const struct bundle *b, const char *ident)
{
	const struct row_finding *f;
	size_t i;

	memset(s, 0, sizeof(*s));
	buf_init(&s->addresses, LINE_MOST);
	assert(s->addresses.len == 0 && s->none == NULL);
	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(f->ident, ident) != 0)
			continue;
		if (is(f, FINDING_HTTP) && is_good(f))
			s->right++;
		else if (is(f, FINDING_HTTP))
			s->wrong++;
		if (!is(f, FINDING_ADDRESS))
			continue;
		if (*f->subject == '\0')
			s->none = f->text;
		else
			buf_printf(&s->addresses, "%s%s",
			    s->addresses.len > 0 ? ", " : "", f->subject);
		s->here += is_good(f);
	}
}

static void
see_machine(struct buf *out, const struct bundle *b)
{
	const struct row_finding *f;
	size_t i;

	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (is(f, FINDING_MACHINE))
			buf_printf(out, "%s%s", out->len > 0 ? ", " : "",
			    f->subject);
	}
}

static const char *
label(const struct strv *lines)
{
	size_t i;

	assert(lines->n == 0 || lines->v != NULL);
	for (i = 0; i < lines->n; i++)
		if (strncmp(lines->v[i], "we see", 6) == 0)
			return "";
	return "we see";
}

static bool
is_same(const struct row_finding *f, const struct row_finding *g)
{
	return is(g, FINDING_HTTP) && strcmp(f->ident, g->ident) == 0 &&
	    strcmp(f->result, g->result) == 0 && strcmp(f->text, g->text) == 0;
}

/* Addresses where the same was found; empty if that was said before. */
static void
same_addresses(const struct bundle *b, size_t at, struct buf *out)
{
	const struct row_finding *f = ROWS_AT(&b->findings, row_finding, at),
	    *g;
	size_t i;

	assert(at < b->findings.n && out->len == 0);
	for (i = 0; i < b->findings.n; i++) {
		g = ROWS_AT(&b->findings, row_finding, i);
		if (is_same(f, g) && i < at)
			return;
		if (is_same(f, g))
			buf_printf(out, "%s%s", i > at ? ", " : "",
			    g->subject);
	}
}

/* Not all that should be is well: what was found where. */
static void
wrong_lines(const struct bundle *b, const char *ident, struct strv *lines)
{
	const struct row_finding *f;
	struct buf at;
	size_t i;

	assert(ident != NULL);
	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(f->ident, ident) != 0 || !is(f, FINDING_HTTP))
			continue;
		buf_init(&at, LINE_MOST);
		same_addresses(b, i, &at);
		if (at.len > 0)
			add(lines, "%s\t%s is %s: %s", label(lines), ident,
			    at.data, is_good(f) ?
			    "our answer arrives there" : f->text);
		else if (*f->subject == '\0')
			add(lines, "%s\t%s: %s", label(lines), ident,
			    f->text);
		buf_free(&at);
	}
}

static void
caa_line(const struct bundle *b, const char *ident, struct strv *lines)
{
	const struct row_finding *f;
	size_t i;

	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(f->ident, ident) == 0 && is(f, FINDING_CAA) &&
		    !is_good(f))
			add(lines, "%s\t%s: %s", label(lines), ident, f->text);
	}
}

static void
name_lines(const struct bundle *b, const char *ident, bool well,
    struct strv *lines)
{
	struct seen s;
	struct buf machine;

	see(&s, b, ident);
	buf_init(&machine, LINE_MOST);
	see_machine(&machine, b);
	if (well && s.right > 0 && s.wrong == 0)
		add(lines, "%s\t%s is %s: our answer arrives there",
		    label(lines), ident, s.addresses.data);
	else if (!well && s.none != NULL)
		add(lines, "%s\t%s", label(lines), s.none);
	else if (!well && s.right == 0 && s.here == 0 &&
	    s.addresses.len > 0 && machine.len > 0)
		add(lines, "%s\t%s is %s; this machine is %s", label(lines),
		    ident, s.addresses.data, machine.data);
	else if (!well && s.wrong > 0)
		wrong_lines(b, ident, lines);
	if (!well)
		caa_line(b, ident, lines);
	buf_free(&machine);
	buf_free(&s.addresses);
}

/* Names with a trouble first; where all is well there is no need to say so. */
static void
port_80(const struct bundle *b, struct strv *lines)
{
	const struct row_finding *f;
	const char *ident;
	size_t i;
	int well;

	if (b->cert->iss_error == NULL || *b->cert->iss_error == '\0')
		return;
	for (well = 0; well < 2; well++)
		for (ident = "", i = 0; i < b->findings.n &&
		    lines->n < NAMES_SHOWN; i++) {
			f = ROWS_AT(&b->findings, row_finding, i);
			if (strcmp(f->ident, ident) == 0 ||
			    (!is(f, FINDING_ADDRESS) &&
			    !is(f, FINDING_HTTP) && !is(f, FINDING_CAA)))
				continue;
			ident = f->ident;
			name_lines(b, ident, well != 0, lines);
		}
}

/* Rows of one name stand together, as their key has it. */
void
why_findings(const struct bundle *b, int64_t now_ms, struct strv *lines,
    struct strv *todo)
{
	const struct row_finding *f;
	size_t i;

	assert(b->cert != NULL);
	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(f->kind, STANDING_KIND) == 0)
			standing(f, now_ms, lines, todo);
	}
	port_80(b, lines);
}
