/* A bad file never takes a certificate away: what a drop-in that can't be
 * read now said the last time goes on. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf_csr.h"
#include "daemon/conf_whole.h"

static int
by_title(const void *a, const void *b)
{
	const struct conf_head *x = a, *y = b;

	assert(x->title != NULL && y->title != NULL);
	return strcmp(x->title, y->title);
}

void
conf_sort(struct conf *c)
{
	enum conf_kind kind;

	for (kind = CONF_CERT; kind < CONF_KINDS; kind++)
		if (conf_count(c, kind) > 1)
			qsort(conf_element(c, kind, 0), conf_count(c, kind),
			    conf_shapes[kind].size, by_title);
}

char *
conf_preset_title(const struct conf_unit *u)
{
	const char *slash = strrchr(u->path, '/');
	const char *name = slash != NULL ? slash + 1 : u->path;
	size_t n = strlen(name);

	assert(u->path[0] != '\0');
	if (n > 5 && strcmp(name + n - 5, ".conf") == 0)
		n -= 5;
	return xstrndup(name, n);
}

static bool
is_from(const struct conf_head *head, const struct conf_unit *u)
{
	size_t n = strlen(u->path);

	assert(head->where != NULL);
	return strncmp(head->where, u->path, n) == 0 && head->where[n] == ':';
}

static void
copy_element(enum conf_kind kind, void *to, const void *from)
{
	const struct conf_head *head = from;
	struct conf_head *out = to;
	const struct conf_key *k;

	assert(kind > CONF_TOP && kind < CONF_KINDS && out->title == NULL);
	out->title = xstrdup(head->title);
	out->where = xstrdup(head->where);
	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << kind) != 0)
			conf_key_copy(k, conf_keys_of(kind, to),
			    (const char *)from + conf_shapes[kind].keys);
	if (kind == CONF_CERT) {
		const struct conf_cert *c = from;

		((struct conf_cert *)to)->names_where =
		    xstrdup(c->names_where);
		((struct conf_cert *)to)->csr = blob_copy(c->csr.p,
		    c->csr.len);
		((struct conf_cert *)to)->csr_known = c->csr_known;
		((struct conf_cert *)to)->kept = true;
	} else if (kind == CONF_CA) {
		const struct conf_ca *ca = from;

		((struct conf_ca *)to)->trust =
		    blob_copy(ca->trust.p, ca->trust.len);
		((struct conf_ca *)to)->test_ca = ca->test_ca;
	} else if (kind == CONF_DNS) {
		const struct conf_dns *d = from;

		((struct conf_dns *)to)->key_name = xstrdup(d->key_name);
		((struct conf_dns *)to)->key_alg = xstrdup(d->key_alg);
	}
}

/* Index of a title among the first n, which are sorted; n if not there. */
static size_t
place_of(const struct conf *c, enum conf_kind kind, size_t n,
    const char *title)
{
	struct conf_head key = { (char *)(uintptr_t)title, NULL }, *found;

	assert(n <= conf_count(c, kind) && title != NULL);
	if (n == 0)
		return 0;
	found = bsearch(&key, conf_element(c, kind, 0), n,
	    conf_shapes[kind].size, by_title);
	return found == NULL ? n : (size_t)((char *)found -
	    (char *)conf_element(c, kind, 0)) / conf_shapes[kind].size;
}

/* Takes one element over, unless a block here says it now. */
static bool
keep_one(struct conf *c, enum conf_kind kind, size_t sorted,
    const struct conf_head *head)
{
	size_t i = place_of(c, kind, sorted, head->title);
	struct conf_head *here;

	assert(sorted <= conf_count(c, kind));
	if (i == sorted) {
		copy_element(kind, conf_add(c, kind), head);
		return true;
	}
	here = conf_element(c, kind, i);
	if (*here->where != '\0')
		return false;
	conf_element_free(kind, here);
	memset(here, 0, conf_shapes[kind].size);
	copy_element(kind, here, head);
	return true;
}

/* Those that are added come behind the sorted ones: they are looked up only
 * after the sort. */
static uint32_t
keep_unit(struct conf *c, const struct conf_unit *u, const struct conf *before)
{
	const struct conf_head *head;
	enum conf_kind kind;
	size_t i, sorted;
	uint32_t kept = 0;

	assert(u->bad && before != NULL);
	for (kind = CONF_CERT; kind < CONF_KINDS; kind++) {
		sorted = conf_count(c, kind);
		for (i = 0; i < conf_count(before, kind); i++) {
			head = conf_element(before, kind, i);
			if (is_from(head, u) &&
			    keep_one(c, kind, sorted, head))
				kept += kind == CONF_CERT;
		}
	}
	conf_sort(c);
	return kept;
}

/* What a kept wish refers to may have gone from a good file: it lives on,
 * too. */
static void
keep_reference(struct conf *c, enum conf_kind kind, const char *title,
    const struct conf *before)
{
	size_t n = conf_count(before, kind), i = place_of(before, kind, n,
	    title);

	assert(kind > CONF_TOP && title != NULL);
	if (i == n || place_of(c, kind, conf_count(c, kind), title) <
	    conf_count(c, kind))
		return;
	copy_element(kind, conf_add(c, kind), conf_element(before, kind, i));
	conf_sort(c);
}

static void
keep_references(struct conf *c, const struct conf *before)
{
	const struct conf_cert *cert;
	struct conf_wish w;
	size_t i, j;

	assert(before != NULL);
	for (i = 0; i < c->certs_n; i++) {
		cert = &c->certs[i];
		if (!cert->kept)
			continue;
		w = conf_effective(before, &cert->wish);
		keep_reference(c, CONF_POLICY, w.policy, before);
		keep_reference(c, CONF_CA, w.ca, before);
		keep_reference(c, CONF_DNS, w.dns, before);
		for (j = 0; j < w.services.n; j++)
			keep_reference(c, CONF_SERVICE, w.services.v[j],
			    before);
		conf_wish_free(&w);
	}
}

/* Keys outside of blocks that no good file says: a bad one may have. */
static void
keep_top(struct conf *c, const struct conf_files *f,
    const struct conf *before)
{
	const struct conf_key *k;
	uint64_t seen = 0;
	size_t i;

	assert(before != NULL);
	for (i = 0; i < f->units_n; i++)
		if (!f->units[i].bad)
			seen |= f->units[i].top.seen;
	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << CONF_TOP) != 0 &&
		    (seen >> conf_key_index(k) & 1) == 0)
			conf_key_copy(k, c, before);
}

static void
note_problem(struct conf *c, const char *title, const char *where,
    const char *text, uint32_t kept)
{
	struct conf_problem *p;

	assert(where != NULL && text != NULL);
	c->problems = xrealloc(c->problems,
	    (c->problems_n + 1) * sizeof(*c->problems));
	p = &c->problems[c->problems_n++];
	p->title = xstrdup(title);
	p->where = xstrdup(where);
	p->text = xstrdup(text);
	p->kept = kept;
}

/* Of certificates whose CSR can't be used, in a file that is good. */
static void
note_csrs(struct conf *c, const struct conf_unit *u)
{
	const struct conf_parsed *b;
	const struct conf_cert *cert;
	struct err err;

	assert(!u->bad);
	for (b = u->blocks; b < u->blocks + u->blocks_n; b++) {
		if (b->csr_fate == CONF_CSR_GOOD)
			continue;
		cert = b->element;
		err = *b->csr_err;
		conf_csr_context(&err, b);
		note_problem(c, cert->title, cert->where, err.text,
		    b->csr_fate != CONF_CSR_OUT);
	}
}

/* Those of a bad file that were left out before stay known as such. */
static void
keep_left_out(struct conf *c, const struct conf_unit *u,
    const struct conf *before)
{
	const struct conf_problem *p;
	struct conf_head head = { NULL, NULL };
	size_t i;

	assert(u->bad && before != NULL);
	for (i = 0; i < before->problems_n; i++) {
		p = &before->problems[i];
		head.where = p->where;
		if (p->title != NULL && p->kept == 0 && is_from(&head, u) &&
		    conf_cert(c, p->title) == NULL)
			note_problem(c, p->title, p->where, p->text, 0);
	}
}

void
conf_keep(struct conf *c, const struct conf_files *f,
    const struct conf *before)
{
	const struct conf_unit *u;
	uint32_t kept;
	size_t i;
	bool any = false;

	assert(f->units_n > 0);
	for (i = 0; i < f->units_n; i++) {
		u = &f->units[i];
		if (!u->bad) {
			note_csrs(c, u);
			continue;
		}
		any = true;
		kept = before != NULL ? keep_unit(c, u, before) : 0;
		note_problem(c, NULL, u->bad_where, u->bad_text, kept);
		if (before != NULL)
			keep_left_out(c, u, before);
	}
	if (!any || before == NULL)
		return;
	keep_references(c, before);
	keep_top(c, f, before);
}
