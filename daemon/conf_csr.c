/* CSRs that csr-file names. Reading a file here takes off its PEM, no more:
 * who may look inside is given by whoever reads the configuration, since the
 * master must not parse what other programs made. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "daemon/conf_check.h"
#include "daemon/conf_csr.h"

#define BEGIN "-----BEGIN "
#define END "-----END "

static conf_csr_look *looker;
static void *looker_ctx;

void
conf_csr_by(conf_csr_look *look, void *ctx)
{
	looker = look;
	looker_ctx = ctx;
}

/* --- the file ---------------------------------------------------------- */

static const char *
find(const char *p, size_t n, const char *s)
{
	return n > 0 ? memmem(p, n, s, strlen(s)) : NULL;
}

/* Behind the first line that begins a CSR; NULL if there is none. */
static const char *
body_of(const char *p, size_t n)
{
	static const char *const marks[] = {
		BEGIN "CERTIFICATE REQUEST-----",
		BEGIN "NEW CERTIFICATE REQUEST-----"
	};
	const char *at;
	size_t i;

	for (i = 0; i < 2; i++) {
		at = find(p, n, marks[i]);
		if (at != NULL)
			return at + strlen(marks[i]);
	}
	return NULL;
}

/* base64 over lines, up to the dash that ends it; *rest is behind it. */
static bool
unarmour(struct blob *out, const char *p, const char *end, const char **rest)
{
	struct buf plain;
	bool good;

	buf_init(&plain, 2 * CONF_CSR_MAX);
	for (; p < end && *p != '-'; p++)
		if (*p == '+' || *p == '/')
			buf_putc(&plain, *p == '+' ? '-' : '_');
		else if (strchr(" \t\r\n=", *p) == NULL)
			buf_putc(&plain, *p);
	*rest = p;
	good = !plain.full && plain.len > 0 && (size_t)(end - p) >=
	    strlen(END) && memcmp(p, END, strlen(END)) == 0 &&
	    text_unb64u(out, plain.data, plain.len);
	buf_free(&plain);
	return good;
}

static int
no_csr(const char *p, size_t n, struct err *err)
{
	if (find(p, n, "PRIVATE KEY-----") != NULL) {
		err_set(err, ERR_CONFIG_BAD, "it holds a private key and no "
		    "CSR");
		return err_advise(err, "Keep the key where only its program "
		    "reads it; openssl req -new -key FILE makes the CSR.");
	}
	err_set(err, ERR_CONFIG_BAD, "it holds no CSR");
	return err_advise(err, "openssl req -new makes one, in PEM or DER.");
}

int
conf_csr_der(struct blob *out, const struct blob *file, struct err *err)
{
	const char *p = (const char *)file->p, *end = p + file->len, *body;

	*out = (struct blob){ NULL, 0 };
	body = body_of(p, file->len);
	if (body == NULL && file->len > 0 && file->p[0] == 0x30) {
		if (file->len > CONF_CSR_MAX)
			return err_set(err, ERR_CONFIG_BAD, "it is larger "
			    "than any CSR");
		*out = blob_copy(file->p, file->len);
		return 0;
	}
	if (body == NULL)
		return no_csr(p, file->len, err);
	if (!unarmour(out, body, end, &body) || out->len > CONF_CSR_MAX)
		err_set(err, ERR_CONFIG_BAD, "its PEM is damaged, or too long");
	else if (body_of(body, (size_t)(end - body)) != NULL)
		err_set(err, ERR_CONFIG_BAD, "it holds more than one CSR");
	else
		return 0;
	blob_free(out);
	return -1;
}

/* --- what is in it ----------------------------------------------------- */

/* A certificate with a CSR, and where it stands. */
struct one {
	struct conf_unit *u;
	struct conf_parsed *b;
};

struct csrs {
	const struct conf *before;
	bool start;		/* nobody is there to mend anything */
	struct conf_diag *diag;
};

bool
conf_csr_named(const struct conf_parsed *b)
{
	const struct conf_key *k = conf_key_find(CONF_CERT, "names");

	assert(b->kind == CONF_CERT);
	return (b->seen >> conf_key_index(k) & 1) != 0;
}

static uint32_t
line_of(const struct one *o)
{
	const struct conf_key *k = conf_key_find(CONF_CERT, "csr-file");

	return o->b->lines[conf_key_place(CONF_CERT, k)];
}

/* What it comes to, before why. */
static void
say(const struct one *o, const struct err *why, struct conf_diag *diag)
{
	struct err err = *why;

	conf_csr_context(&err, o->b);
	conf_unit_warn(o->u, line_of(o), &err, diag);
}

void
conf_csr_context(struct err *err, const struct conf_parsed *b)
{
	const struct conf_cert *c = b->element;

	assert(b->csr_fate != CONF_CSR_GOOD);
	err_context(err, b->csr_fate == CONF_CSR_OUT ? "certificate \"%.200s\" "
	    "is left out" : "certificate \"%.200s\" goes on with its last good "
	    "CSR", c->title);
}

static bool
was_left_out(const struct conf *before, const char *title)
{
	size_t i;

	for (i = 0; before != NULL && i < before->problems_n; i++)
		if (before->problems[i].title != NULL && strcmp(
		    before->problems[i].title, title) == 0)
			return true;
	return false;
}

static void
keep(struct conf_cert *c, const struct conf_cert *was)
{
	strv_free(&c->wish.names);
	c->wish.names = strv_copy(&was->wish.names);
	blob_free(&c->csr);
	c->csr = blob_copy(was->csr.p, was->csr.len);
	c->csr_known = was->csr_known;
}

/* A fault in it costs its certificate nothing that it has, and no other one
 * anything: it may not be ours who writes the file. Only where somebody looks
 * and nothing was before is it the configuration's own. */
static void
judge(struct one *o, const struct err *err, const struct csrs *all)
{
	struct conf_cert *c = o->b->element;
	const struct conf_cert *was = all->before == NULL ? NULL :
	    conf_cert(all->before, c->title);

	if (o->u->bad) {
		conf_unit_wrong(o->u, line_of(o), err, all->diag);
		return;
	}
	if (was != NULL && was->csr.len > 0) {
		keep(c, was);
		o->b->csr_fate = all->start ? CONF_CSR_LOOSE : CONF_CSR_KEPT;
	} else if (all->start || was_left_out(all->before, c->title))
		o->b->csr_fate = CONF_CSR_OUT;
	else {
		conf_unit_wrong(o->u, line_of(o), err, all->diag);
		return;
	}
	if (o->b->csr_err == NULL)
		o->b->csr_err = xmemdup(err, sizeof(*err));
	say(o, err, all->diag);
}

/* "a.example b.example": what the one has and the other has not. */
static bool
list_missing(struct buf *out, const struct strv *in, const struct strv *from)
{
	bool any = false;
	size_t i;

	for (i = 0; i < in->n; i++)
		if (!strv_has(from, in->v[i])) {
			buf_printf(out, "%s%s", any ? " " : "", in->v[i]);
			any = true;
		}
	return any;
}

static void
list_names(struct buf *out, const struct strv *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", names->v[i]);
}

static void
names_differ(struct err *err, const struct strv *csr, const struct strv *names)
{
	struct buf more, less, all;
	bool any_more, any_less;

	buf_init(&more, CONF_NAMES_MAX * 256);
	buf_init(&less, CONF_NAMES_MAX * 256);
	buf_init(&all, CONF_NAMES_MAX * 260);
	any_more = list_missing(&more, csr, names);
	any_less = list_missing(&less, names, csr);
	list_names(&all, csr);
	err_set(err, ERR_CONFIG_BAD, "the CSR asks%s%.300s%s%s%.300s%s",
	    any_more ? " for " : "", any_more ? more.data : "",
	    any_more && any_less ? ", and" : "",
	    any_less ? " not for " : "", any_less ? less.data : "",
	    any_more && any_less ? "" : any_more ?
	    ", which names does not list" : ", which names lists");
	err_advise(err, "Make the CSR anew for the names that are listed, or "
	    "write names = {%.250s}", all.data);
	buf_free(&more);
	buf_free(&less);
	buf_free(&all);
}

/* Names that are not written are the CSR's. -1: it can't be used. */
static int
take(struct one *o, struct conf_csr *csr, struct err *err)
{
	struct conf_cert *c = o->b->element;

	if (csr->err.code != ERR_OK) {
		*err = csr->err;
		return -1;
	}
	if (!conf_csr_named(o->b)) {
		strv_free(&c->wish.names);
		c->wish.names = csr->names;
		csr->names = (struct strv){ NULL, 0 };
		if (conf_names_check(&c->wish.names, err) != 0)
			return -1;
	} else if (c->wish.names.n > 0 &&
	    !strv_same(&csr->names, &c->wish.names)) {
		names_differ(err, &csr->names, &c->wish.names);
		return -1;
	}
	c->csr_known = true;
	return 0;
}

static void
take_or_judge(struct one *o, struct conf_csr *csr, const struct csrs *all)
{
	const struct conf_cert *c = o->b->element;
	struct err err;

	if (take(o, csr, &err) == 0)
		return;
	err_context(&err, "csr-file = \"%.200s\"", c->wish.csr_file);
	if (csr->err.code == ERR_VERIFY_FAILED && conf_csr_named(o->b))
		conf_unit_warn(o->u, line_of(o), &err, all->diag);
	else
		judge(o, &err, all);
}

static size_t
gather(struct one **list, struct conf_files *f)
{
	struct conf_parsed *b;
	size_t i, j, n = 0;

	*list = NULL;
	for (i = 0; i < f->units_n; i++)
		for (j = 0; j < f->units[i].blocks_n; j++) {
			b = &f->units[i].blocks[j];
			if (b->kind != CONF_CERT || (b->csr_err == NULL &&
			    ((struct conf_cert *)b->element)->csr.len == 0))
				continue;
			*list = xrealloc(*list, (n + 1) * sizeof(**list));
			(*list)[n++] = (struct one){ &f->units[i], b };
		}
	return n;
}

/* What the same bytes were found to ask for. */
static bool
known(struct conf_csr *csr, const struct one *o, const struct conf *before)
{
	const struct conf_cert *c = o->b->element, *was = before != NULL ?
	    conf_cert(before, c->title) : NULL;

	if (was == NULL || !was->csr_known || was->csr.len != c->csr.len ||
	    memcmp(was->csr.p, c->csr.p, c->csr.len) != 0)
		return false;
	csr->names = strv_copy(&was->wish.names);
	return true;
}

/* Those that can be read, and that are not known yet. */
static void
look_into(struct one *list, size_t n, const struct csrs *all)
{
	struct conf_csr *csrs = xcalloc(n, sizeof(*csrs));
	struct conf_csr *asked = xcalloc(n, sizeof(*asked));
	size_t *place = xcalloc(n, sizeof(*place)), asked_n = 0, i;

	assert(looker != NULL && n > 0);
	for (i = 0; i < n; i++) {
		csrs[i].der = ((struct conf_cert *)list[i].b->element)->csr;
		err_clear(&csrs[i].err);
		if (list[i].b->csr_err != NULL ||
		    known(&csrs[i], &list[i], all->before))
			continue;
		place[asked_n] = i;
		asked[asked_n++] = csrs[i];
	}
	if (asked_n > 0)
		looker(looker_ctx, asked, asked_n);
	for (i = 0; i < asked_n; i++)
		csrs[place[i]] = asked[i];
	for (i = 0; i < n; i++) {
		if (list[i].b->csr_err == NULL)
			take_or_judge(&list[i], &csrs[i], all);
		strv_free(&csrs[i].names);
	}
	free(place);
	free(asked);
	free(csrs);
}

void
conf_csrs_check(struct conf_files *f, bool start, const struct conf *before,
    struct conf_diag *diag)
{
	const struct csrs all = { before, start, diag };
	struct one *list;
	size_t n = gather(&list, f), i;

	assert(diag != NULL);
	if (n > 0 && looker != NULL)
		look_into(list, n, &all);
	for (i = 0; i < n; i++)
		if (list[i].b->csr_err != NULL &&
		    list[i].b->csr_fate == CONF_CSR_GOOD)
			judge(&list[i], list[i].b->csr_err, &all);
	free(list);
}
