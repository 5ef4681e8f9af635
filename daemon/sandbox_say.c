/* Telling what was applied: to the log, and to the master, who tells the
 * engine for `status --security`. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "daemon/log.h"
#include "daemon/sandbox.h"
#include "daemon/wire.h"

/* The master may be gone, or not be there in a test: no matter. */
static void
tell(const struct strv *lines)
{
	struct w_confined m = { *lines };

	(void)wire_send(WIRE_FD_MASTER, WIRE_CONFINED, 0, &m);
}

/* Each line of the report has an end: it was written with it. */
void
sandbox_say(struct sandbox_report *report)
{
	struct strv lines = { NULL, 0 };
	char *line = report->lines.data, *end;
	size_t i;

	for (; line != NULL && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert(end != NULL);
		*end = '\0';
		strv_add(&lines, line);
	}
	for (i = 0; i < lines.n; i++)
		log_info("confined: %s", lines.v[i]);
	tell(&lines);
	strv_free(&lines);
	buf_free(&report->lines);
}

void
sandbox_say_line(const char *line)
{
	struct strv lines = { NULL, 0 };

	assert(line[0] != '\0' && strchr(line, '\n') == NULL);
	log_info("confined: %s", line);
	strv_add(&lines, line);
	tell(&lines);
	strv_free(&lines);
}
