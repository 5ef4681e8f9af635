/* Log lines: one write each, never blocking the daemon for long. */
#include <config.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/text.h"
#include "daemon/log.h"

enum { LINE_MAX_BYTES = 4096 };

static const char *who = "everleaf";
static enum log_level most = LOG_LEVEL_INFO;
static bool journal;

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of our stderr. */
static bool
under_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return s != NULL && sscanf(s, "%llu:%llu", &dev, &ino) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	    st.st_ino == ino;
}

void
log_open(const char *role, enum log_level level)
{
	assert(role[0] != '\0' && level <= LOG_LEVEL_DEBUG);
	who = role;
	most = level;
	journal = under_journal();
}

void
log_set_level(enum log_level level)
{
	assert(level <= LOG_LEVEL_DEBUG);
	most = level;
}

enum log_level
log_level_find(const char *name)
{
	static const char *const names[] = {
		"error", "warning", "info", "debug"
	};
	int i;

	for (i = 0; i < 4; i++)
		if (strcmp(names[i], name) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_INFO;
}

static void
write_line(enum log_level level, const char *words)
{
	static const int priority[] = { 3, 4, 6, 7 };
	char at[TEXT_TIME];
	struct timespec now;
	struct buf b;

	assert(level <= LOG_LEVEL_DEBUG);
	buf_init(&b, 2 * LINE_MAX_BYTES);
	if (journal)
		buf_printf(&b, "<%d>", priority[level]);
	else {
		clock_gettime(CLOCK_REALTIME, &now);
		text_rfc3339(at, (int64_t)now.tv_sec * 1000);
		buf_printf(&b, "%s ", at);
	}
	buf_printf(&b, "%s: ", who);
	buf_safe(&b, words, strlen(words), LINE_MAX_BYTES);
	buf_putc(&b, '\n');
	/* A log that can't be written is no reason to stop. */
	if (write(STDERR_FILENO, b.data, b.len) < 0)
		(void)0;
	buf_free(&b);
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char words[LINE_MAX_BYTES];
	va_list ap;

	if (level > most)
		return;
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	write_line(level, words);
}

void
log_err(const struct err *e, const char *fmt, ...)
{
	enum log_level level = e->class == ERR_LATER ? LOG_LEVEL_WARNING :
	    LOG_LEVEL_ERROR;
	char what[ERR_TEXT_MAX], words[LINE_MAX_BYTES];
	va_list ap;

	assert(e->text[sizeof(e->text) - 1] == '\0');
	if (level > most)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(words, sizeof(words), "%s: %s%s%s", what, e->text,
	    e->advice[0] != '\0' ? ". " : "", e->advice);
	write_line(level, words);
}
