/* Puts the files together and checks what no single one can know: titles are
 * unique, references lead somewhere, no two certificates are the same. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "daemon/conf_check.h"
#include "daemon/conf_csr.h"
#include "daemon/conf_whole.h"

/* --- twins: the same title, or the same names at the same CA ----------- */

struct twin {
	char *key;
	struct conf_unit *unit;
	struct conf_parsed *block;
	size_t order;
};

struct twins {
	struct twin *v;
	size_t n;
};

/* Room doubles at powers of two. */
static void
twins_add(struct twins *t, char *key, struct conf_unit *u,
    struct conf_parsed *b)
{
	assert(key != NULL && b->element != NULL);
	if ((t->n & (t->n - 1)) == 0)
		t->v = xrealloc(t->v,
		    (t->n > 0 ? 2 * t->n : 1) * sizeof(*t->v));
	t->v[t->n] = (struct twin){ key, u, b, t->n };
	t->n++;
}

/* The order of reading decides between equal ones: the first stays, the
 * later is the mistake. */
static int
by_key(const void *a, const void *b)
{
	const struct twin *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	assert(x->key != NULL && y->key != NULL);
	return order != 0 ? order : x->order < y->order ? -1 : 1;
}

/* Calls tell() for each entry whose key an earlier one has; frees all. */
static void
twins_end(struct twins *t, void (*tell)(const struct twin *first,
    struct twin *again, struct conf_diag *diag), struct conf_diag *diag)
{
	size_t i, first = 0;

	if (t->n > 1)
		qsort(t->v, t->n, sizeof(*t->v), by_key);
	for (i = 1; i < t->n; i++) {
		if (strcmp(t->v[i].key, t->v[first].key) == 0)
			tell(&t->v[first], &t->v[i], diag);
		else
			first = i;
	}
	for (i = 0; i < t->n; i++)
		free(t->v[i].key);
	free(t->v);
}

static const char *
title_of(const struct conf_parsed *b)
{
	return ((struct conf_head *)b->element)->title;
}

static void
same_title(const struct twin *first, struct twin *again,
    struct conf_diag *diag)
{
	const char *was = title_of(first->block), *is = title_of(again->block);
	struct err err;

	assert(first->order < again->order &&
	    first->block->kind == again->block->kind);
	err_set(&err, ERR_CONFIG_BAD, "%s \"%s\" is already in %s:%u%s%s%s",
	    conf_shapes[again->block->kind].word, is, first->unit->label,
	    first->block->line, strcmp(was, is) != 0 ? " as \"" : "",
	    strcmp(was, is) != 0 ? was : "", strcmp(was, is) != 0 ? "\"" : "");
	err_advise(&err, "Titles are unique.");
	conf_unit_wrong(again->unit, again->block->line, &err, diag);
}

/* Titles of certificates become names of files: case does not tell two of
 * them apart (security.md E3, E4). */
static char *
title_key(const struct conf_parsed *b)
{
	struct buf key;
	const char *s;

	assert(b->kind != CONF_TOP);
	buf_init(&key, 4096);
	buf_printf(&key, "%d ", (int)b->kind);
	for (s = title_of(b); *s != '\0'; s++)
		buf_putc(&key, b->kind == CONF_CERT ?
		    (char)tolower((unsigned char)*s) : *s);
	return buf_take(&key);
}

static void
check_titles(struct conf_files *f, struct conf_diag *diag)
{
	struct twins t = { NULL, 0 };
	struct conf_unit *u;
	size_t i, j;

	for (i = 0; i < f->units_n; i++) {
		u = &f->units[i];
		for (j = 0; j < u->blocks_n && !u->bad; j++)
			twins_add(&t, title_key(&u->blocks[j]), u,
			    &u->blocks[j]);
	}
	twins_end(&t, same_title, diag);
}

/* Keys outside of blocks may stand in any file, and in one only. */
static void
check_top(struct conf_files *f, struct conf_diag *diag)
{
	const struct conf_unit *first[CONF_KEYS_MAX] = { NULL };
	const struct conf_key *k;
	struct conf_unit *u;
	unsigned int n, place;
	struct err err;
	size_t i;

	for (i = 0; i < f->units_n; i++) {
		u = &f->units[i];
		for (k = conf_keys; k->word != NULL && !u->bad; k++) {
			n = conf_key_index(k);
			if ((u->top.seen >> n & 1) == 0)
				continue;
			if (first[n] == NULL) {
				first[n] = u;
				continue;
			}
			assert(n < CONF_KEYS_MAX);
			place = conf_key_place(CONF_TOP, k);
			err_set(&err, ERR_CONFIG_BAD, "%s is already in %s:%u",
			    k->word, first[n]->label,
			    first[n]->top.lines[place]);
			err_advise(&err, "Keep one of them.");
			conf_unit_wrong(u, u->top.lines[place], &err, diag);
		}
	}
}

/* What does not fit since a CSR was kept at a start goes before the rest. */
static bool
leave_out(const struct conf_unit *u, struct conf_parsed *b, uint32_t line,
    const struct err *why, struct conf_diag *diag)
{
	struct err err = *why;

	if (b->csr_fate != CONF_CSR_LOOSE)
		return false;
	b->csr_fate = CONF_CSR_OUT;
	conf_csr_context(&err, b);
	conf_unit_warn(u, line > 0 ? line : b->line, &err, diag);
	return true;
}

/* Two would be renewed one after the other for ever, and count twice against
 * the CA's limits. */
static void
same_names(const struct twin *first, struct twin *again,
    struct conf_diag *diag)
{
	unsigned int place = conf_key_place(CONF_CERT,
	    conf_key_find(CONF_CERT, "names"));
	uint32_t line = again->block->lines[place];
	struct err err;

	assert(first->order < again->order && again->block->kind == CONF_CERT);
	if (first->block->csr_fate == CONF_CSR_OUT)
		return;
	err_set(&err, ERR_CONFIG_BAD,
	    "the same names as certificate \"%s\" (%s:%u) at the same CA",
	    title_of(first->block), first->unit->label, first->block->line);
	if (leave_out(again->unit, again->block, line, &err, diag) ||
	    leave_out(first->unit, first->block, first->block->line, &err,
	    diag))
		return;
	err_advise(&err, "Use one certificate with both services.");
	conf_unit_wrong(again->unit, line > 0 ? line : again->block->line,
	    &err, diag);
}

static char *
names_key(const struct conf *c, const struct conf_wish *w)
{
	struct strv sorted = strv_copy(&w->names);
	struct buf key;
	size_t i;

	assert(w->names.n == 0 || w->names.v != NULL);
	strv_sort(&sorted);
	buf_init(&key, CONF_NAMES_MAX * 256 + 256);
	for (i = 0; i < sorted.n; i++)
		buf_printf(&key, "%s ", sorted.v[i]);
	buf_printf(&key, "@%s", conf_wish_ca(c, w));
	strv_free(&sorted);
	return buf_take(&key);
}

static void
check_names(struct conf_files *f, const struct conf *c,
    struct conf_diag *diag)
{
	struct twins t = { NULL, 0 };
	struct conf_parsed *b;
	struct conf_unit *u;
	size_t i, j;

	for (i = 0; i < f->units_n; i++) {
		u = &f->units[i];
		for (j = 0; j < u->blocks_n && !u->bad; j++) {
			b = &u->blocks[j];
			if (b->kind == CONF_CERT &&
			    b->csr_fate != CONF_CSR_OUT)
				twins_add(&t, names_key(c,
				    conf_keys_of(CONF_CERT, b->element)), u,
				    b);
		}
	}
	twins_end(&t, same_names, diag);
}

/* --- references --------------------------------------------------------- */

/* One that can't be read stands for nobody, and hides the one of the same
 * name behind it. */
static const struct conf_unit *
preset_of(const struct conf_files *f, const char *title)
{
	const struct conf_unit *found = NULL;
	size_t i;

	assert(title != NULL);
	for (i = 0; i < f->presets_n && found == NULL; i++)
		if (strcmp(title_of(&f->presets[i].top), title) == 0)
			found = &f->presets[i];
	return found != NULL && !found->bad ? found : NULL;
}

static void
check_service(struct conf_files *f, struct conf_unit *u,
    struct conf_parsed *b, struct conf_diag *diag)
{
	const struct conf_key *k = conf_key_find(CONF_SERVICE, "preset");
	const struct conf_service *s = b->element;
	struct conf_near near = { NULL, 0 };
	struct err err;
	size_t i;

	assert(b->kind == CONF_SERVICE);
	if (s->preset == NULL || *s->preset == '\0' ||
	    preset_of(f, s->preset) != NULL)
		return;
	for (i = 0; i < f->presets_n; i++)
		conf_near(&near, s->preset, title_of(&f->presets[i].top));
	err_set(&err, ERR_CONFIG_BAD,
	    "service \"%s\": there is no preset \"%s\"", s->title, s->preset);
	conf_near_advise(&near, &err);
	conf_unit_wrong(u, b->lines[conf_key_place(CONF_SERVICE, k)], &err,
	    diag);
}

/* A CA of one's own has no directory that we could know. */
static void
check_ca(struct conf_unit *u, struct conf_parsed *b, struct conf_diag *diag)
{
	const struct conf_ca *ca = b->element;
	const struct conf_known_ca *k = conf_known_ca(ca->title);
	struct conf_near near = { NULL, 0 };
	struct err err;

	assert(b->kind == CONF_CA);
	if (ca->directory != NULL || (k != NULL && k->directory != NULL))
		return;
	err_set(&err, ERR_CONFIG_BAD, "ca \"%s\": it has no directory%s",
	    ca->title, k != NULL ? "" : ", and is no preset");
	if (k != NULL) {
		err_advise(&err, "Add: %s", k->note);
	} else {
		for (k = conf_known_cas; k->title != NULL; k++)
			conf_near(&near, ca->title, k->title);
		if (conf_near_advise(&near, &err) == -1 && near.word == NULL)
			err_advise(&err, "Add: directory = \"https://...\"");
	}
	conf_unit_wrong(u, b->line, &err, diag);
}

static void
check_dns(struct conf_unit *u, struct conf_parsed *b, struct conf_diag *diag)
{
	const struct conf_dns *d = b->element;
	bool server = d->server != NULL && *d->server != '\0';
	struct err err;

	assert(b->kind == CONF_DNS);
	if (server != (d->program.n > 0))
		return;
	err_set(&err, ERR_CONFIG_BAD, server ?
	    "dns \"%s\": it has both a server and a program" :
	    "dns \"%s\": it has neither a server nor a program", d->title);
	err_advise(&err, "Say one of them: server = ADDRESS with key-file, or "
	    "program = {...}");
	conf_unit_wrong(u, b->line, &err, diag);
}

/* Only where nobody could look into its CSR. */
static bool
lacks_names(struct conf_unit *u, struct conf_parsed *b,
    struct conf_diag *diag)
{
	struct err err;

	if (b->kind != CONF_CERT ||
	    ((struct conf_cert *)b->element)->wish.names.n > 0)
		return false;
	err_set(&err, ERR_CONFIG_BAD, "certificate \"%s\" has no names",
	    title_of(b));
	err_advise(&err, "Write names = {...}");
	conf_unit_wrong(u, b->line, &err, diag);
	return true;
}

static void
check_wish(const struct conf *c, struct conf_unit *u, struct conf_parsed *b,
    struct conf_diag *diag)
{
	const char *word;
	struct err err;
	uint32_t line;

	assert(b->kind == CONF_CERT || b->kind == CONF_POLICY);
	if (lacks_names(u, b, diag) ||
	    conf_wish_refers(c, conf_keys_of(b->kind, b->element), &word,
	    &err) == 0)
		return;
	assert(conf_key_find(b->kind, word) != NULL);
	line = b->lines[conf_key_place(b->kind, conf_key_find(b->kind, word))];
	if (!leave_out(u, b, line, &err, diag))
		conf_unit_wrong(u, line > 0 ? line : b->line, &err, diag);
}

static void
check_references(struct conf_files *f, const struct conf *c,
    struct conf_diag *diag)
{
	struct conf_parsed *b;
	struct conf_unit *u;
	size_t i, j;

	for (i = 0; i < f->units_n; i++) {
		u = &f->units[i];
		if (u->bad)
			continue;
		for (j = 0; j < u->blocks_n; j++) {
			b = &u->blocks[j];
			if (b->kind == CONF_SERVICE)
				check_service(f, u, b, diag);
			else if (b->kind == CONF_CA)
				check_ca(u, b, diag);
			else if (b->kind == CONF_DNS)
				check_dns(u, b, diag);
			else if (b->csr_fate != CONF_CSR_OUT)
				check_wish(c, u, b, diag);
		}
	}
}

/* --- putting together -------------------------------------------------- */

/* Only what was written: silence leaves what is there. */
static void
overlay(enum conf_kind kind, void *to, const struct conf_parsed *from)
{
	const struct conf_key *k;

	assert(to != from->element);
	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << kind) != 0 &&
		    (from->seen >> conf_key_index(k) & 1) != 0)
			conf_key_copy(k, conf_keys_of(kind, to),
			    conf_keys_of(kind, from->element));
}

static void
defaults(enum conf_kind kind, void *to)
{
	const struct conf_key *k;

	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << kind) != 0)
			conf_key_default(k, conf_keys_of(kind, to));
}

/* Default, preset, block: each over the one before. A service that no block
 * describes is its preset. */
static void
build_service(struct conf *c, const struct conf_files *f, const char *title,
    const struct conf_parsed *b)
{
	const struct conf_key *k = conf_key_find(CONF_SERVICE, "endpoints");
	struct conf_service *s = conf_add(c, CONF_SERVICE), *said;
	const struct conf_unit *preset;
	const char *name = title;
	size_t i;

	assert(b == NULL || b->kind == CONF_SERVICE);
	s->title = xstrdup(title);
	defaults(CONF_SERVICE, s);
	if (b != NULL) {
		said = b->element;
		if (said->preset != NULL)
			name = said->preset;
	}
	s->where = xstrdup(b != NULL ? said->where : "");
	preset = preset_of(f, name);
	if (preset != NULL)
		overlay(CONF_SERVICE, s, &preset->top);
	if (b != NULL)
		overlay(CONF_SERVICE, s, b);
	free(s->preset);
	s->preset = xstrdup(preset != NULL ? name : "");
	for (i = 0; i < s->endpoints_n; i++)
		s->endpoints[i].from_preset = b == NULL ||
		    (b->seen >> conf_key_index(k) & 1) == 0;
}

/* What it does not say about the terms the top level says. */
static void
build_ca(struct conf *c, const char *title, const struct conf_parsed *b)
{
	const struct conf_known_ca *known = conf_known_ca(title);
	const struct conf_key *k = conf_key_find(CONF_CA, "agree-tos");
	struct conf_ca *ca = conf_add(c, CONF_CA), *said;

	assert(b == NULL || b->kind == CONF_CA);
	ca->title = xstrdup(title);
	defaults(CONF_CA, ca);
	if (known != NULL && known->directory != NULL) {
		free(ca->directory);
		ca->directory = xstrdup(known->directory);
	}
	if (b != NULL) {
		said = b->element;
		overlay(CONF_CA, ca, b);
		ca->trust = blob_copy(said->trust.p, said->trust.len);
	}
	ca->where = xstrdup(b != NULL ? said->where : "");
	if (b == NULL || (b->seen >> conf_key_index(k) & 1) == 0)
		ca->agree_tos = c->agree_tos;
	ca->test_ca = conf_is_test_ca(ca->directory);
}

static void
build_dns(struct conf *c, const struct conf_parsed *b)
{
	const struct conf_dns *said = b->element;
	struct conf_dns *d = conf_add(c, CONF_DNS);

	assert(b->kind == CONF_DNS);
	d->title = xstrdup(said->title);
	d->where = xstrdup(said->where);
	defaults(CONF_DNS, d);
	overlay(CONF_DNS, d, b);
	d->key_name = xstrdup(said->key_name);
	d->key_alg = xstrdup(said->key_alg);
}

/* Wishes stay as written; what they leave open is filled in where they are
 * used, by the policy of that moment. */
static void
build_wish(struct conf *c, const struct conf_parsed *b)
{
	struct conf_head *said = b->element, *to = conf_add(c, b->kind);

	assert(b->kind == CONF_CERT || b->kind == CONF_POLICY);
	to->title = xstrdup(said->title);
	to->where = xstrdup(said->where);
	overlay(b->kind, to, b);
	if (b->kind == CONF_CERT) {
		struct conf_cert *cert = b->element, *out = (void *)to;

		out->names_where = xstrdup(cert->names_where);
		strv_free(&out->wish.names);
		out->wish.names = strv_copy(&cert->wish.names);
		out->csr = blob_copy(cert->csr.p, cert->csr.len);
		out->csr_known = cert->csr_known;
	}
}

static void
build_block(struct conf *c, const struct conf_files *f,
    const struct conf_parsed *b)
{
	if (b->kind == CONF_SERVICE)
		build_service(c, f, title_of(b), b);
	else if (b->kind == CONF_CA)
		build_ca(c, title_of(b), b);
	else if (b->kind == CONF_DNS)
		build_dns(c, b);
	else
		build_wish(c, b);
}

/* What exists without a block. */
static void
build_presets(struct conf *c, const struct conf_files *f)
{
	const struct conf_known_ca *k;
	const char *title;
	size_t i;

	conf_sort(c);
	for (i = 0; i < f->presets_n; i++) {
		title = title_of(&f->presets[i].top);
		/* Of two with one name, the first is the one. */
		if (preset_of(f, title) == &f->presets[i] &&
		    conf_service(c, title) == NULL) {
			build_service(c, f, title, NULL);
			conf_sort(c);
		}
	}
	for (k = conf_known_cas; k->title != NULL; k++)
		if (k->directory != NULL && conf_ca(c, k->title) == NULL) {
			build_ca(c, k->title, NULL);
			conf_sort(c);
		}
}

static struct conf *
build(const struct conf_files *f)
{
	struct conf *c = xcalloc(1, sizeof(*c));
	const struct conf_unit *u;
	size_t i, j;

	assert(f->units_n > 0);
	defaults(CONF_TOP, c);
	for (i = 0; i < f->units_n; i++)
		if (!f->units[i].bad)
			overlay(CONF_TOP, c, &f->units[i].top);
	for (i = 0; i < f->units_n; i++) {
		u = &f->units[i];
		for (j = 0; j < u->blocks_n && !u->bad; j++)
			if (u->blocks[j].csr_fate != CONF_CSR_OUT)
				build_block(c, f, &u->blocks[j]);
	}
	build_presets(c, f);
	return c;
}

/* --- the whole --------------------------------------------------------- */

/* Files, and certificates that are left out of good ones. */
static size_t
count_bad(const struct conf_files *f)
{
	const struct conf_unit *u;
	size_t i, n = 0;

	for (u = f->units; u < f->units + f->units_n; u++) {
		n += u->bad;
		for (i = 0; i < u->blocks_n; i++)
			n += u->blocks[i].csr_fate == CONF_CSR_OUT;
	}
	return n;
}

static void
check_count(struct conf_files *f, struct conf_diag *diag)
{
	struct conf_unit *u;
	struct err err;
	size_t i, n = 0;

	assert(f->units_n > 0);
	for (i = 0; i < f->units_n; i++) {
		u = &f->units[i];
		n += u->bad ? 0 : u->blocks_n;
		if (n <= CONF_CERTS_MAX)
			continue;
		err_set(&err, ERR_CONFIG_BAD, "more than %d blocks in all",
		    CONF_CERTS_MAX);
		err_advise(&err, "Give so many wishes over the API.");
		conf_unit_wrong(u, 0, &err, diag);
		n -= u->blocks_n;
	}
}

/* A file that turns out bad is left out, and the rest is looked at again: it
 * may have been the only one to say what another one needs. */
struct conf *
conf_whole(struct conf_files *f, const struct conf *before,
    struct conf_diag *diag)
{
	struct conf_unit *main = &f->units[0];
	struct conf *c = NULL;
	size_t bad, i;

	assert(f->units_n > 0);
	for (i = 0; i < f->presets_n; i++) {
		struct conf_head *head = f->presets[i].top.element;

		free(head->title);
		head->title = conf_preset_title(&f->presets[i]);
	}
	do {
		conf_free(c);
		c = NULL;
		bad = count_bad(f);
		if (main->bad)
			return NULL;
		check_count(f, diag);
		check_titles(f, diag);
		check_top(f, diag);
		if (count_bad(f) > bad)
			continue;
		c = build(f);
		conf_keep(c, f, before);
		check_references(f, c, diag);
		check_names(f, c, diag);
	} while (count_bad(f) > bad);
	c->file = xstrdup(main->path);
	conf_warn(main, c, diag);
	return c;
}

struct conf *
conf_read_bytes(const char *file, const void *p, size_t n,
    const struct conf *before, struct conf_diag *diag)
{
	struct conf_unit unit;
	struct conf_files f = { &unit, 1, NULL, 0 };
	struct conf *c;

	assert(file != NULL);
	conf_unit_init(&unit, file, 0, false);
	conf_parse(&unit, p, n, diag);
	c = conf_whole(&f, before, diag);
	conf_unit_free(&unit);
	return c;
}
