/* JSON for hooks, words from their ends. */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/deploy.h"

enum { INPUT_MAX = 120 * 1024, EVIDENCE_MAX = 240 };

static void
put_text(struct buf *b, const char *before, const char *s)
{
	buf_puts(b, before);
	buf_putc(b, '"');
	buf_json(b, s);
	buf_putc(b, '"');
}

static void
put_cert(struct buf *b, const struct bundle *k)
{
	const struct row_version *v = bundle_version(k, k->cert->newest);
	char id[17], at[TEXT_TIME];
	const char *s, *end;

	text_id(id, (uint64_t)k->cert->id);
	text_rfc3339(at, v != NULL ? v->not_after_ms : 0);
	put_text(b, "{\"name\": ", k->cert->name);
	buf_puts(b, ", \"names\": [");
	for (s = v != NULL ? v->names : ""; *s != '\0'; s = end + 1) {
		end = s + strcspn(s, "\n");
		buf_printf(b, "\"%.*s\"", (int)(end - s), s);
		if (*end == '\0' || end[1] == '\0')
			break;
		buf_puts(b, ", ");
	}
	put_text(b, "], \"id\": ", id);
	buf_printf(b, ", \"version\": %lld", (long long)k->cert->newest);
	put_text(b, ", \"sha256\": ", v != NULL ? v->sha256 : "");
	put_text(b, ", \"not_after\": ", at);
	buf_putc(b, '}');
}

struct blob
deploy_input(const struct bundle *const *b, size_t n, const char *service,
    int event)
{
	struct blob out;
	struct buf text;
	size_t i;

	buf_init(&text, INPUT_MAX);
	put_text(&text, "{\"event\": ", event == RUN_ROLLBACK ? "rollback" :
	    event == RUN_TEST ? "test" : "deploy");
	put_text(&text, ", \"service\": ", service);
	buf_printf(&text, ", \"count\": %zu, \"certificates\": [", n);
	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_puts(&text, ", ");
		put_cert(&text, b[i]);
	}
	buf_puts(&text, "]}\n");
	if (text.full) {
		buf_reset(&text);
		buf_printf(&text, "{\"event\": \"%s\", \"count\": %zu, "
		    "\"certificates\": []}\n", event == RUN_ROLLBACK ?
		    "rollback" : "deploy", n);
	}
	out = blob_copy(text.data, text.len);
	buf_free(&text);
	return out;
}

/* The line that says most: one with "emerg", "error" or "fatal", else the
 * first. */
static void
evidence(char out[EVIDENCE_MAX], const struct blob *output)
{
	static const char *const tell[] = {
		"emerg", "error", "fatal", "alert"
	};
	char *text = xstrndup((const char *)output->p, output->len);
	char *line = text, *best = NULL, *next;
	size_t i;

	for (; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (best == NULL && *line != '\0')
			best = line;
		for (i = 0; i < 4; i++)
			if (strstr(line, tell[i]) != NULL)
				break;
		if (i < 4) {
			best = line;
			break;
		}
	}
	snprintf(out, EVIDENCE_MAX, "%s", best != NULL ? best : "");
	free(text);
}

bool
deploy_ran_well(const struct w_ran *r, const struct conf_service *s,
    bool check, struct err *err)
{
	enum err_code code = check ? ERR_CHECK_FAILED : ERR_RELOAD_FAILED;
	const struct strv *argv = check ? &s->check : &s->reload;
	char line[EVIDENCE_MAX], cmd[128];
	size_t i, n = 0;

	if (r->how == RAN_EXITED && r->code == 0)
		return true;
	cmd[0] = '\0';
	for (i = 0; i < argv->n && n < sizeof(cmd); i++)
		n += (size_t)snprintf(cmd + n, sizeof(cmd) - n, "%s%s",
		    i > 0 ? " " : "", argv->v[i]);
	evidence(line, &r->output);
	if (r->how == RAN_REFUSED)
		err_set(err, err_code_find(r->code_name) != ERR_OK ?
		    err_code_find(r->code_name) : code, "\"%s\": %s", cmd,
		    r->why);
	else if (r->how == RAN_TIMEOUT)
		err_set(err, ERR_HOOK_TIMEOUT, "\"%s\" did not end in time "
		    "and was killed%s%s", cmd, line[0] != '\0' ? ": " : "",
		    line);
	else
		err_set(err, code, "\"%s\" failed (%s %u)%s%s", cmd,
		    r->how == RAN_SIGNALLED ? "signal" : "exit status",
		    r->code, line[0] != '\0' ? ": " : "", line);
	return false;
}
