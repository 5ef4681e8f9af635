/* JSON for hooks, words from their ends. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/deploy.h"
#include "daemon/engine.h"

enum { EXIT_LATER = 75 /* EX_TEMPFAIL */ };

enum detail { ALL, NO_NAMES, NOTHING };

static const char *const events[] = {
	[RUN_DEPLOY] = "deploy", [RUN_ROLLBACK] = "rollback"
};

static void
put_text(struct buf *b, const char *before, const char *s)
{
	buf_puts(b, before);
	buf_putc(b, '"');
	buf_json(b, s);
	buf_putc(b, '"');
}

static void
put_cert(struct buf *b, const struct deploy_use *u, const char *state_dir,
    enum detail detail)
{
	const struct row_version *v = bundle_version(u->b, u->version);
	char id[17], at[TEXT_TIME];
	struct strv names = { NULL, 0 };
	size_t i;

	assert(u->b->cert != NULL);
	if (v != NULL && detail == ALL)
		names = list_of(v->names);
	text_id(id, (uint64_t)u->b->cert->id);
	text_rfc3339(at, v != NULL ? v->not_after_ms : 0);
	put_text(b, "{\"name\": ", u->b->cert->name);
	buf_puts(b, ", \"names\": [");
	for (i = 0; i < names.n; i++)
		put_text(b, i > 0 ? ", " : "", names.v[i]);
	buf_puts(b, "], \"dir\": \"");
	buf_json(b, state_dir);
	buf_printf(b, "/live/%s\"", u->b->cert->name);
	put_text(b, ", \"id\": ", id);
	buf_printf(b, ", \"version\": %lld", (long long)u->version);
	put_text(b, ", \"sha256\": ", v != NULL ? v->sha256 : "");
	put_text(b, ", \"not_after\": ", at);
	buf_putc(b, '}');
	strv_free(&names);
}

static void
put_head(struct buf *b, size_t n, const char *service, int event,
    enum detail detail)
{
	assert(event >= 0 &&
	    (size_t)event < sizeof(events) / sizeof(events[0]));
	assert(events[event] != NULL);
	put_text(b, "{\"event\": ", events[event]);
	put_text(b, ", \"service\": ", service);
	buf_printf(b, ", \"count\": %zu%s, \"certificates\": [", n,
	    detail == ALL ? "" : ", \"truncated\": true");
}

struct blob
deploy_input(const struct deploy_use *u, size_t n, const char *service,
    int event, const char *state_dir)
{
	enum detail detail = ALL;
	struct blob out;
	struct buf text;
	size_t i;

	assert(n == 0 || u != NULL);
	buf_init(&text, RUN_INPUT_MAX);
	for (;; detail++) {
		put_head(&text, n, service, event, detail);
		for (i = 0; i < n && detail != NOTHING; i++) {
			if (i > 0)
				buf_puts(&text, ", ");
			put_cert(&text, &u[i], state_dir, detail);
		}
		buf_puts(&text, "]}\n");
		if (!text.full)
			break;
		assert(detail != NOTHING);
		buf_reset(&text);
	}
	out = blob_copy(text.data, text.len);
	buf_free(&text);
	return out;
}

/* The line that says most: one with "emerg", "error" or "fatal", else the
 * first. */
static void
find_evidence(struct deploy_end *end, const struct blob *output)
{
	static const char *const tell[] = {
		"emerg", "error", "fatal", "alert"
	};
	char *text, *line, *best = NULL, *next;
	size_t i;

	end->evidence[0] = '\0';
	if (output->len == 0)
		return;
	text = xstrndup((const char *)output->p, output->len);
	line = text;
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
	snprintf(end->evidence, sizeof(end->evidence), "%s",
	    best != NULL ? best : "");
	free(text);
}

/* check "nginx -t" */
static void
name_program(char out[128], const struct conf_service *s, bool check)
{
	const struct strv *argv = check ? &s->check : &s->reload;
	size_t i, n;

	n = (size_t)snprintf(out, 128, "%s \"", check ? "check" : "reload");
	for (i = 0; i < argv->n && n < 126; i++)
		n += (size_t)snprintf(out + n, 127 - n, "%s%s", i > 0 ? " " :
		    "", argv->v[i]);
	if (n > 126)
		n = 126;
	assert(n > 0 && n <= 126);
	memcpy(out + n, "\"", 2);
}

/* What it says of itself goes along. */
static void
ask_later(const struct conf_service *s, bool check, struct deploy_end *end)
{
	snprintf(end->what, sizeof(end->what), "%s's %s asks to be tried later "
	    "(exit %d)", s->title, check ? "check" : "reload", EXIT_LATER);
	err_set(&end->err, check ? ERR_CHECK_FAILED : ERR_RELOAD_FAILED,
	    "%s%s%s", end->what, end->evidence[0] != '\0' ? ": " : "",
	    end->evidence);
	end->err.class = ERR_LATER;
}

/* A program that was refused says why by a code of ours; every other end is
 * its own. */
enum round_outcome
deploy_outcome(const struct w_ran *r, const struct conf_service *s,
    bool check, struct deploy_end *end)
{
	enum err_code code = check ? ERR_CHECK_FAILED : ERR_RELOAD_FAILED;
	char program[128];

	assert(end != NULL);
	if (r->how == RAN_EXITED && r->code == 0)
		return ROUND_GOOD;
	name_program(program, s, check);
	find_evidence(end, &r->output);
	if (r->how == RAN_EXITED && r->code == EXIT_LATER) {
		ask_later(s, check, end);
		return ROUND_NOT_YET;
	}
	if (r->how == RAN_REFUSED) {
		if (err_code_find(r->code_name) != ERR_OK)
			code = err_code_find(r->code_name);
		snprintf(end->what, sizeof(end->what), "%s was not run",
		    program);
		snprintf(end->evidence, sizeof(end->evidence), "%s", r->why);
	} else if (r->how == RAN_TIMEOUT) {
		code = ERR_HOOK_TIMEOUT;
		snprintf(end->what, sizeof(end->what), "%s did not end in "
		    "time and was killed", program);
	} else
		snprintf(end->what, sizeof(end->what), r->how == RAN_SIGNALLED ?
		    "%s ended by signal %u" : r->code == 1 ? "%s failed" :
		    "%s failed (exit status %u)", program, r->code);
	err_set(&end->err, code, "%s%s%s", end->what,
	    end->evidence[0] != '\0' ? ": " : "", end->evidence);
	return ROUND_BAD;
}

/* Length of "/PATH:LINE" at the begin of this word, 0 if it is none. */
static size_t
place_length(const char *word)
{
	size_t path = strcspn(word, ": \t\"'()"), line;

	if (word[0] != '/' || path < 2 || word[path] != ':')
		return 0;
	assert(path >= 2);
	line = strspn(word + path + 1, "0123456789");
	return line > 0 && line < 8 ? path + 1 + line : 0;
}

void
deploy_place(char out[160], const char *evidence)
{
	const char *word = evidence;
	size_t n;

	out[0] = '\0';
	for (; *word != '\0'; word += n + strspn(word + n, " \t\"'()")) {
		n = place_length(word);
		if (n > 0 && n < 160) {
			snprintf(out, 160, "%.*s", (int)n, word);
			return;
		}
		n = strcspn(word, " \t\"'()");
	}
}
