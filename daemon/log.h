/* One line an event, to stderr: "<level>" in front under the journal, a time
 * otherwise. Control characters are escaped. Only daemon/ logs. */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H
#include "base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };

void log_open(const char *role, enum log_level level);
void log_set_level(enum log_level level);
enum log_level log_level_find(const char *name);	/* INFO if unknown */
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "what: text. advice" at the level that the class deserves. */
void log_err(const struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
#endif
