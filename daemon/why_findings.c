/* What looks into DNS and over port 80 found, for `why`: rows of table
 * finding, as lines of evidence and things to do. */
#include <config.h>
#include <stdio.h>
#include <string.h>
#include "acme/method.h"
#include "base/text.h"
#include "daemon/elsewhere.h"
#include "daemon/standing.h"
#include "daemon/why.h"

enum { LINE_MOST = 4096, DATE = 10 };

static void
add(struct strv *to, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add(struct strv *to, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, LINE_MOST);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	strv_add(to, b.data);
	buf_free(&b);
}

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

/* Addresses of a name where the same was found, in one line. */
static bool
is_first(const struct bundle *b, size_t at)
{
	const struct row_finding *f = ROWS_AT(&b->findings, row_finding, at),
	    *g;
	size_t i;

	for (i = 0; i < at; i++) {
		g = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(g->kind, FOUND_HTTP) == 0 &&
		    strcmp(g->ident, f->ident) == 0 &&
		    strcmp(g->text, f->text) == 0)
			return false;
	}
	return true;
}

static void
addresses(const struct bundle *b, const struct row_finding *f,
    struct buf *out)
{
	const struct row_finding *g;
	size_t i;

	for (i = 0; i < b->findings.n; i++) {
		g = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(g->kind, FOUND_HTTP) == 0 &&
		    strcmp(g->ident, f->ident) == 0 &&
		    strcmp(g->text, f->text) == 0 && *g->subject != '\0')
			buf_printf(out, "%s%s", out->len > 0 ? ", " : " is ",
			    g->subject);
	}
}

/* What was seen over port 80, the bad first, and who we are. */
static void
over_http(const struct bundle *b, struct strv *lines)
{
	const struct row_finding *f;
	const char *label = "we see";
	struct buf at;
	size_t i, good;

	for (good = 0; good < 2; good++)
		for (i = 0; i < b->findings.n; i++) {
			f = ROWS_AT(&b->findings, row_finding, i);
			if (strcmp(f->kind, FOUND_HTTP) != 0 ||
			    is_good(f) != (good == 1) || !is_first(b, i))
				continue;
			buf_init(&at, LINE_MOST);
			addresses(b, f, &at);
			add(lines, "%s\t%s%s: %s", label, f->ident,
			    at.len > 0 ? at.data : "", f->text);
			buf_free(&at);
			label = "";
		}
	for (i = 0; i < b->findings.n && *label == '\0'; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(f->kind, FOUND_MACHINE) == 0)
			add(lines, "\tthis machine is %s", f->text);
	}
}

void
why_findings(const struct bundle *b, int64_t now_ms, struct strv *lines,
    struct strv *todo)
{
	const struct row_finding *f;
	size_t i;

	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(f->kind, STANDING_KIND) == 0)
			standing(f, now_ms, lines, todo);
	}
	over_http(b, lines);
}
