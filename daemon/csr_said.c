/* Lines of a process that is not trusted, made into what can be sent on. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "daemon/csr_said.h"

enum { LINE_BYTES = 1024, NAMES_MOST = 100 };

static void
split(struct strv *lines, const struct buf *said)
{
	const char *p = said->data, *lf;
	char *one;

	for (; said->len > 0 && (lf = strchr(p, '\n')) != NULL; p = lf + 1) {
		one = xstrndup(p, (size_t)(lf - p));
		strv_add(lines, one);
		free(one);
	}
}

void
csr_said_nothing(struct w_csr_names *out)
{
	assert(out->names.n == 0 && out->why == NULL);
	out->why = xstrdup("the process that reads it has failed");
}

static bool
is_short(const struct strv *lines)
{
	size_t i;

	assert(lines->n == 0 || lines->v != NULL);
	for (i = 0; i < lines->n; i++)
		if (strlen(lines->v[i]) > LINE_BYTES)
			return false;
	return true;
}

static bool
is_printable(const struct strv *lines)
{
	const char *c;
	size_t i;

	assert(lines->n == 0 || lines->v != NULL);
	for (i = 0; i < lines->n; i++)
		for (c = lines->v[i]; *c != '\0'; c++)
			if (*c < 0x20 || *c > 0x7e)
				return false;
	return true;
}

void
csr_said(struct w_csr_names *out, int status, const struct buf *said)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	struct strv lines = { NULL, 0 };
	bool fits;

	assert(out->names.n == 0 && out->why == NULL);
	split(&lines, said);
	fits = is_short(&lines);
	if (code == 0 && lines.n > NAMES_MOST)
		out->why = xstrdup("the CSR asks for more than 100 names");
	else if (code == 0 && lines.n > 0 && fits && is_printable(&lines)) {
		out->names = lines;
		return;
	} else if (code == 1 && lines.n == 2 && fits) {
		out->why = xstrdup(lines.v[0]);
		out->advice = xstrdup(lines.v[1]);
	} else
		csr_said_nothing(out);
	strv_free(&lines);
}
