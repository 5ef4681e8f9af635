/* How the command spells: times, distances, lists, errors. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/cli.h"
#include "daemon/conf.h"
#include "daemon/json.h"

enum { LINE_BYTES = 64 * 1024 };

static void complain(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

static void
complain(const char *fmt, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "everleaf: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
}

void
cli_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
}

/* "WHAT. WHAT TO DO", with one full stop between them. */
void
cli_complain_error(const json_t *error)
{
	const char *text = json_get(error, "text");
	const char *advice = json_get(error, "advice");
	char *what = cli_local_times(text == NULL ? "no answer" : text);
	char *todo = cli_local_times(advice == NULL ? "" : advice);
	size_t n = strlen(what);

	cli_complain("%s%s%s%s", what, *todo != '\0' && n > 0 &&
	    strchr(".!?", what[n - 1]) == NULL ? "." : "",
	    *todo != '\0' ? " " : "", todo);
	free(what);
	free(todo);
}

int
cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return CLI_USAGE;
}

void
cli_say(const char *fmt, ...)
{
	va_list ap;

	if (cli.quiet)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

/* In the time of who reads it, and as short as it can be understood. */
const char *
cli_when(char out[CLI_TIME], int64_t ms)
{
	char then[TEXT_TIME], now[TEXT_TIME];

	text_local(then, ms);
	text_local(now, cli.now_ms);
	/* The date, if it is today's, says nothing. */
	snprintf(out, CLI_TIME, "%s", strncmp(then, now, 11) == 0 ?
	    then + 11 : then);
	return out;
}

const char *
cli_distance(char out[CLI_TIME], int64_t ms)
{
	int64_t far = ms > cli.now_ms ? ms - cli.now_ms : cli.now_ms - ms;
	char span[32];

	/* "in 4 days" is said of three and a half. */
	if (far >= 2 * CONF_DAY)
		far += CONF_DAY / 2;
	else if (far >= 2 * CONF_HOUR)
		far += CONF_HOUR / 2;
	text_span(span, far);
	snprintf(out, CLI_TIME, "%s", span);
	return out;
}

const char *
cli_ago(char out[CLI_TIME], int64_t ms)
{
	char span[CLI_TIME];

	cli_distance(span, ms);
	snprintf(out, CLI_TIME, ms >= cli.now_ms ? "in %.50s" : "%.50s ago",
	    span);
	return out;
}

/* Length of an RFC 3339 time in UTC as the daemon writes it, 0 if none. */
static size_t
time_at(const char *s, int64_t *ms)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	char copy[sizeof(shape)];
	size_t i;

	for (i = 0; shape[i] != '\0'; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)s[i]) :
		    s[i] != shape[i])
			return 0;
	assert(i == sizeof(shape) - 1);
	memcpy(copy, s, i);
	copy[i] = '\0';
	return text_unrfc3339(ms, copy) ? i : 0;
}

/* The daemon writes UTC, people read their own time: every time in a text is
 * turned into it. */
char *
cli_local_times(const char *s)
{
	char when[CLI_TIME];
	struct buf b;
	int64_t ms;
	size_t n;

	assert(s != NULL);
	buf_init(&b, LINE_BYTES);
	while (*s != '\0' && !b.full) {
		n = time_at(s, &ms);
		if (n > 0)
			buf_puts(&b, cli_when(when, ms));
		else
			buf_putc(&b, *s);
		s += n > 0 ? n : 1;
	}
	return b.data == NULL ? xstrdup("") : buf_take(&b);
}

const char *
cli_days(char out[CLI_TIME], int64_t not_after_ms)
{
	int64_t left = not_after_ms - cli.now_ms;

	if (not_after_ms == 0)
		snprintf(out, CLI_TIME, "-");
	else if (left < 2 * CONF_DAY && left > -2 * CONF_DAY)
		snprintf(out, CLI_TIME, "%lldh", (long long)(left / CONF_HOUR));
	else
		snprintf(out, CLI_TIME, "%lld", (long long)((left + (left > 0 ?
		    CONF_DAY / 2 : -CONF_DAY / 2)) / CONF_DAY));
	return out;
}

const char *
cli_plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

char *
cli_join(const json_t *list, const char *separator)
{
	const json_t *item;
	struct buf b;
	size_t i;

	assert(separator != NULL);
	buf_init(&b, LINE_BYTES);
	json_array_foreach(list, i, item)
		buf_printf(&b, "%s%s", i > 0 ? separator : "",
		    json_is_string(item) ? json_string_value(item) : "");
	return b.data == NULL ? xstrdup("") : buf_take(&b);
}

const char *
cli_state_colour(const char *state)
{
	static const struct { const char *state, *code; } codes[] = {
		{ "served", "\033[32m" }, { "valid", "\033[32m" },
		{ "expired", "\033[31m" }, { "unserved", "\033[31m" },
		{ "failing", "\033[33m" }, { "new", "\033[33m" }
	};
	size_t i;

	assert(state != NULL);
	for (i = 0; cli.colour && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].state, state) == 0)
			return codes[i].code;
	return "";
}

const char *
cli_plain(void)
{
	return cli.colour ? "\033[0m" : "";
}

/* Letters, not bytes: those of UTF-8 that only continue one are not counted. */
size_t
cli_width(const char *s)
{
	size_t n = 0;

	assert(s != NULL);
	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}
