/* Does a name that the CA could not validate point to this machine? */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/elsewhere.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/selfcheck.h"
#include "daemon/view.h"

enum { NAMES_MOST = 10, OWN_MOST = 1000 };

struct looking {
	int64_t cert_id;
	struct strv names, guilty, own;
	bool known;			/* which addresses are ours */
	struct row_finding *found;
	size_t n;
	struct err err;
};

static void
looking_free(struct looking *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		row_free(T_FINDING, &k->found[i]);
	free(k->found);
	strv_free(&k->names);
	strv_free(&k->guilty);
	strv_free(&k->own);
	free(k);
}

static void
keep(struct looking *k, const char *ident, const char *kind,
    const char *subject, bool good, const char *text)
{
	struct row_finding *f;

	k->found = xrealloc(k->found, (k->n + 1) * sizeof(*f));
	f = &k->found[k->n++];
	memset(f, 0, sizeof(*f));
	f->cert_id = k->cert_id;
	f->at_ms = loop_now();
	row_text(&f->ident, ident);
	row_text(&f->kind, kind);
	row_text(&f->subject, subject);
	row_text(&f->result, good ? "good" : err_code_name(k->err.code));
	row_text(&f->text, text);
}

static void
seen(void *ctx, const struct selfcheck_seen *s)
{
	keep(ctx, s->name, FOUND_HTTP, s->address, s->right, s->words);
}

/* It has addresses, none is ours, and our answer arrives at none of them. */
static bool
is_elsewhere(const struct looking *k, const char *name)
{
	const struct row_finding *f;
	size_t i, others = 0;

	for (i = 0; i < k->n; i++) {
		f = &k->found[i];
		if (strcmp(f->ident, name) != 0 || *f->subject == '\0')
			continue;
		if (strcmp(f->result, "good") == 0 ||
		    strv_has(&k->own, f->subject))
			return false;
		others++;
	}
	return k->known && others > 0;
}

static void
say_elsewhere(struct looking *k, struct row_cert *c, const char *name)
{
	static const char found[] = "the CA found: ";
	const char *said = strstr(k->err.text, found);
	struct strv saw = { NULL, 0 };
	struct buf line;
	struct err err;
	size_t i = 0;

	buf_init(&line, ERR_TEXT_MAX + 16);
	buf_printf(&line, "CA saw\t%s", said != NULL ?
	    said + sizeof(found) - 1 : k->err.text);
	strv_add(&saw, line.data);
	buf_free(&line);
	err_set(&err, ERR_DNS_ELSEWHERE, "%s points to another machine", name);
	while (i < k->own.n && strncmp(k->own.v[i], "127.", 4) == 0)
		i++;
	err_advise(&err, "Point %s to %s, or drop it.", name,
	    i < k->own.n ? k->own.v[i] : "this machine");
	err.retry_at_ms = k->err.retry_at_ms;
	free(c->iss_error);
	c->iss_error = view_error_json(&err, &saw);
	strv_free(&saw);
}

/* The first name that is elsewhere; the error may be another by now. */
static void
mend_error(struct looking *k, const struct bundle *b)
{
	struct row_cert *c;
	struct err now;
	size_t i = 0;

	while (i < k->guilty.n && !is_elsewhere(k, k->guilty.v[i]))
		i++;
	if (i == k->guilty.n || !view_error_parse(&now, NULL,
	    b->cert->iss_error) || strcmp(now.text, k->err.text) != 0)
		return;
	c = row_copy(T_CERT, b->cert);
	say_elsewhere(k, c, k->guilty.v[i]);
	batch_put(turn_batch(), T_CERT, c);
	row_free(T_CERT, c);
	free(c);
}

static void
record(void *ctx, struct bundle *b, const struct err *err)
{
	struct looking *k = ctx;
	size_t i;

	if (err == NULL && b->cert != NULL && b->cert->retired_ms == 0) {
		elsewhere_forget(b);
		for (i = 0; i < k->n; i++)
			batch_put(turn_batch(), T_FINDING, &k->found[i]);
		mend_error(k, b);
		engine_touch(k->cert_id);
	}
	looking_free(k);
}

/* "192.0.2.10, 2001:db8::10"; of a loopback address nobody wants to hear. */
static void
keep_own(struct looking *k)
{
	struct buf text;
	size_t i;

	buf_init(&text, OWN_MOST);
	for (i = 0; i < k->own.n; i++)
		if (strncmp(k->own.v[i], "127.", 4) != 0 &&
		    strcmp(k->own.v[i], "::1") != 0 &&
		    strncmp(k->own.v[i], "fe80:", 5) != 0)
			buf_printf(&text, "%s%s", text.len > 0 ? ", " : "",
			    k->own.v[i]);
	if (text.len > 0)
		keep(k, "", FOUND_MACHINE, "", true, text.data);
	buf_free(&text);
}

static void
over(void *ctx)
{
	struct looking *k = ctx;

	k->known = selfcheck_own(&k->own);
	keep_own(k);
	bundle_by_id(turn_store(), k->cert_id, record, k);
}

static void
begin(void *ctx)
{
	struct looking *k = ctx;

	selfcheck_each(&k->names, seen, over, k);
}

void
elsewhere_look(int64_t cert_id, const struct strv *names,
    const struct strv *guilty, const struct err *err)
{
	struct looking *k = xcalloc(1, sizeof(*k));
	size_t i;

	k->cert_id = cert_id;
	k->err = *err;
	for (i = 0; i < guilty->n && k->guilty.n < NAMES_MOST; i++)
		if (strncmp(guilty->v[i], "*.", 2) != 0)
			strv_add(&k->guilty, guilty->v[i]);
	k->names = strv_copy(&k->guilty);
	for (i = 0; i < names->n && k->names.n < NAMES_MOST; i++)
		if (!strv_has(&k->names, names->v[i]) &&
		    strncmp(names->v[i], "*.", 2) != 0)
			strv_add(&k->names, names->v[i]);
	if (k->guilty.n > 0)
		turn_after(begin, k);
	else
		looking_free(k);
}

void
elsewhere_forget(const struct bundle *b)
{
	const struct row_finding *f;
	size_t i;

	for (i = 0; i < b->findings.n; i++) {
		f = ROWS_AT(&b->findings, row_finding, i);
		if (strcmp(f->kind, FOUND_HTTP) == 0 ||
		    strcmp(f->kind, FOUND_MACHINE) == 0)
			batch_del(turn_batch(), T_FINDING, f);
	}
}
