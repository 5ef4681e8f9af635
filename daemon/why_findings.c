/* What looks into DNS and over port 80 found, for `why`: rows of table
 * finding, as lines of evidence and things to do. */
#include <config.h>
#include <stdio.h>
#include <string.h>
#include "acme/method.h"
#include "base/text.h"
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
}
