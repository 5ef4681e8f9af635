/* The grammar of everleaf.conf:
 *
 *	file  = { key "=" value | block title "{" { key "=" value } "}" }
 *	value = text | "{" [ text { "," text } [ "," ] ] "}"
 *
 * A broken word or bracket ends the reading of its file; a wrong value does
 * not, so that people see all of them at once. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "daemon/conf_check.h"
#include "daemon/conf_lex.h"
#include "daemon/conf_parse.h"

enum { DIAG_MAX = 100, LINE_MAX_BYTES = 900 };

struct parser {
	struct lex lex;
	struct conf_unit *u;
	struct conf_diag *diag;
	struct conf_parsed *block;	/* that is open; &u->top outside */
};

/* --- telling ------------------------------------------------------------ */

/* "FILE:LINE: what is wrong. What to do." As compilers say it, so that
 * editors go there. */
static char *
line_of(const char *label, uint32_t line, const struct err *err)
{
	size_t n = strlen(err->text);
	bool ended = n > 0 && strchr(".?!", err->text[n - 1]) != NULL;
	struct buf b;
	char *out;

	assert(err->text[0] != '\0' && label != NULL);
	buf_init(&b, 8192);
	buf_safe(&b, label, strlen(label), LINE_MAX_BYTES / 2);
	if (line > 0)
		buf_printf(&b, ":%u", line);
	buf_printf(&b, ": %s%s", err->text, ended ? "" : ".");
	if (err->advice[0] != '\0')
		buf_printf(&b, " %s", err->advice);
	out = buf_take(&b);
	if (strlen(out) > LINE_MAX_BYTES)
		out[LINE_MAX_BYTES] = '\0';
	return out;
}

void
conf_say(struct conf_diag *diag, const char *label, uint32_t line,
    const struct err *err)
{
	char *text;

	if (diag->lines.n > DIAG_MAX)
		return;
	if (diag->lines.n == DIAG_MAX) {
		strv_add(&diag->lines, "... and more. Mend these first.");
		return;
	}
	text = line_of(label, line, err);
	strv_add(&diag->lines, text);
	free(text);
}

void
conf_say_last(struct conf_diag *diag, const char *text)
{
	size_t n = diag->lines.n, i = n;
	char *found;

	while (i > 0 && strcmp(diag->lines.v[i - 1], text) != 0)
		i--;
	if (i == 0) {
		strv_add(&diag->lines, text);
		return;
	}
	found = diag->lines.v[i - 1];
	memmove(&diag->lines.v[i - 1], &diag->lines.v[i],
	    (n - i) * sizeof(found));
	diag->lines.v[n - 1] = found;
}

void
conf_unit_warn(const struct conf_unit *u, uint32_t line,
    const struct err *err, struct conf_diag *diag)
{
	conf_say(diag, u->label, line, err);
}

/* The first fault of a file is what `status` shows of it; all of them are
 * told. */
void
conf_unit_wrong(struct conf_unit *u, uint32_t line, const struct err *err,
    struct conf_diag *diag)
{
	struct buf b;

	if (!u->bad) {
		buf_init(&b, 8192);
		buf_puts(&b, u->path);
		if (line > 0)
			buf_printf(&b, ":%u", line);
		u->bad_where = buf_take(&b);
		u->bad_text = xstrdup(err->text);
		assert(u->bad_where != NULL);
	}
	u->bad = true;
	free(u->bad_last);
	u->bad_last = line_of(u->label, line, err);
	conf_say(diag, u->label, line, err);
}

static void
wrong(struct parser *p, uint32_t line, const struct err *err)
{
	assert(p->u != NULL && p->diag != NULL);
	conf_unit_wrong(p->u, line, err, p->diag);
}

/* For what ends the reading; returns false. A bad token explains itself. */
static bool __attribute__((format(printf, 4, 5)))
stop(struct parser *p, uint32_t line, const char *advice, const char *fmt, ...)
{
	char what[ERR_TEXT_MAX];
	struct err err;
	va_list ap;

	if (p->lex.kind == LEX_BAD) {
		wrong(p, p->lex.at, &p->lex.err);
		return false;
	}
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(&err, ERR_CONFIG_BAD, "%s", what);
	err_advise(&err, "%s", advice);
	wrong(p, line, &err);
	return false;
}

static const char *
title_of(const struct conf_parsed *b)
{
	assert(b->kind < CONF_KINDS);
	return b->kind == CONF_TOP ? "" :
	    ((struct conf_head *)b->element)->title;
}

/* `certificate "x": ` in front, for what a line alone does not explain. */
static void
in_block(const struct conf_parsed *b, struct err *err)
{
	assert(b->element != NULL);
	if (b->kind != CONF_TOP && *title_of(b) != '\0')
		err_context(err, "%s \"%.100s\"", conf_shapes[b->kind].word,
		    title_of(b));
}

static enum conf_kind
kind_of(const char *word)
{
	enum conf_kind kind;

	assert(word != NULL);
	for (kind = CONF_CERT; kind < CONF_KINDS; kind++)
		if (strcmp(conf_shapes[kind].word, word) == 0)
			return kind;
	return CONF_KINDS;
}

/* --- values ------------------------------------------------------------- */

static bool
is_value(const struct lex *l)
{
	return l->kind == LEX_WORD || l->kind == LEX_TEXT;
}

static void
take_item(struct parser *p, struct conf_given *g)
{
	assert(is_value(&p->lex));
	strv_add(&g->items, p->lex.text.data);
	g->lines = xrealloc(g->lines, g->items.n * sizeof(*g->lines));
	g->lines[g->items.n - 1] = p->lex.at;
	assert(g->items.n > 0);
	g->quoted = p->lex.kind == LEX_TEXT;
	lex_next(&p->lex);
}

/* The "{" is in hand. */
static bool
take_list(struct parser *p, struct conf_given *g)
{
	uint32_t opened = p->lex.at;
	char where[80];

	assert(p->lex.kind == LEX_OPEN && g->items.n == 0);
	snprintf(where, sizeof(where), "The list opens in line %u.", opened);
	g->list = true;
	lex_next(&p->lex);
	while (p->lex.kind != LEX_CLOSE) {
		if (p->lex.kind == LEX_END)
			return stop(p, opened, "The list that opens here is "
			    "not closed.", "missing \"}\"");
		if (!is_value(&p->lex))
			return stop(p, p->lex.at, where,
			    "%s is out of place in a list",
			    lex_name(&p->lex));
		take_item(p, g);
		if (p->lex.kind == LEX_COMMA)
			lex_next(&p->lex);
		else if (is_value(&p->lex) || p->lex.kind == LEX_EQUALS)
			return stop(p, p->lex.at, where,
			    "missing \",\" or \"}\" before %s",
			    lex_name(&p->lex));
	}
	lex_next(&p->lex);
	return true;
}

/* Behind the "=", which was in line `at`. */
static bool
take_value(struct parser *p, const char *word, uint32_t at,
    struct conf_given *g)
{
	assert(g->items.n == 0 && g->lines == NULL);
	if (p->lex.kind == LEX_OPEN)
		return take_list(p, g);
	if (!is_value(&p->lex) || p->lex.at != at)
		return stop(p, at, "", "%s has no value in its line", word);
	take_item(p, g);
	if (is_value(&p->lex) && p->lex.at == at && !lex_is_key(&p->lex) &&
	    (p->block->kind != CONF_TOP || kind_of(p->lex.text.data) ==
	    CONF_KINDS))
		return stop(p, at, "One value, or a list: {\"a\", \"b\"}",
		    "%s: %s is too many", word, lex_name(&p->lex));
	if (p->lex.kind == LEX_COMMA)
		return stop(p, at, "A list is written {\"a\", \"b\"}",
		    "%s: more than one value without braces", word);
	return true;
}

/* What others call it. */
static const struct {
	const char *word, *ours;
} elsewhere[] = {
	{ "domains", "names" }, { "domain", "names" }, { "san", "names" },
	{ "sans", "names" }, { "subject-alt-names", "names" },
	{ "server", "ca" }, { "account", "ca" }, { "issuer", "ca" },
	{ "servers", "services" }, { "deploy-hook", "services" },
	{ "hook", "services" }, { "challenges", "challenge" },
	{ "keytype", "key-type" }, { "key_type", "key-type" },
	{ "renew", "renew-before" }, { "mail", "email" },
	{ "contact", "email" }, { "restart", "reload" },
	{ "command", "reload" }, { "test", "check" }, { "url", "directory" },
	{ "ca-file", "trust-file" }, { "tos", "agree-tos" }
};

/* What others call it, what is spelled alike, or the block where it belongs:
 * the first that helps. */
static void
unknown_key(struct parser *p, uint32_t line, const char *word)
{
	struct conf_near near = { NULL, 0 };
	enum conf_kind kind = p->block->kind, other;
	const struct conf_key *k;
	struct err err;
	size_t i;

	assert(conf_key_find(p->block->kind, word) == NULL);
	for (i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strcmp(elsewhere[i].word, word) == 0 &&
		    conf_key_find(kind, elsewhere[i].ours) != NULL)
			near.word = elsewhere[i].ours;
	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << kind) != 0)
			conf_near(&near, word, k->word);
	err_set(&err, ERR_CONFIG_BAD, "no such key \"%.100s\"%s%s", word,
	    near.word == NULL && kind != CONF_TOP ? " in " : "",
	    near.word == NULL ? conf_shapes[kind].word : "");
	if (near.word != NULL)
		conf_near_advise(&near, &err);
	else if (kind != CONF_TOP && conf_key_find(CONF_TOP, word) != NULL)
		err_advise(&err, "It belongs outside of the blocks.");
	else
		for (other = CONF_CERT; other < CONF_KINDS; other++)
			if (conf_key_find(other, word) != NULL) {
				err_advise(&err, "It belongs into a %s.",
				    conf_shapes[other].word);
				break;
			}
	in_block(p->block, &err);
	wrong(p, line, &err);
}

/* A key that is there twice is a mistake: nobody would guess which of the
 * two counts. */
static void
set_key(struct parser *p, const struct conf_key *k, uint32_t line,
    const struct conf_given *g)
{
	struct conf_parsed *b = p->block;
	uint64_t bit = (uint64_t)1 << conf_key_index(k);
	uint32_t *first = &b->lines[conf_key_place(b->kind, k)];
	struct err err;
	size_t item;

	assert((k->in & 1u << b->kind) != 0);
	if ((b->seen & bit) != 0) {
		err_set(&err, ERR_CONFIG_BAD, "%s is already in line %u",
		    k->word, *first);
		err_advise(&err, "Keep one of them.");
		in_block(b, &err);
		wrong(p, line, &err);
		return;
	}
	b->seen |= bit;
	*first = line;
	if (conf_key_set(k, conf_keys_of(b->kind, b->element), g, &item,
	    &err) != 0)
		wrong(p, item < g->items.n ? g->lines[item] : line, &err);
}

/* The word was taken, "=" is in hand. */
static bool
parse_key(struct parser *p, const char *word, uint32_t line)
{
	struct conf_given g = { { NULL, 0 }, NULL, false, false };
	const struct conf_key *k = conf_key_find(p->block->kind, word);
	uint32_t at = p->lex.at;
	bool good;

	assert(p->lex.kind == LEX_EQUALS);
	lex_next(&p->lex);
	good = take_value(p, word, at, &g);
	if (good && p->u->preset && strcmp(word, "preset") == 0)
		good = stop(p, line, "", "a preset stands for itself: it has "
		    "no key \"preset\"");
	else if (good && k == NULL)
		unknown_key(p, line, word);
	else if (good)
		set_key(p, k, line, &g);
	strv_free(&g.items);
	free(g.lines);
	return good;
}

/* --- blocks ------------------------------------------------------------- */

/* A certificate's title is a folder's name, the others are words in lists. */
static bool
check_title(const struct conf_parsed *b, struct err *err)
{
	const char *title = title_of(b), *word = conf_shapes[b->kind].word;
	bool cert = b->kind == CONF_CERT;

	assert(b->kind != CONF_TOP);
	if (*title == '\0')
		err_set(err, ERR_CONFIG_BAD, "this %s has an empty title",
		    word);
	else if (cert ? !name_is_title(title) : !name_is_word(title)) {
		err_set(err, ERR_CONFIG_BAD, "\"%.150s\" is no title for a %s",
		    title, word);
		err_advise(err, "A title is made of letters, digits, \".\", "
		    "\"_\" and \"-\", starts with a letter or digit, and has "
		    "at most %d characters.", cert ? NAME_TITLE_MAX : 64);
	} else
		return true;
	return false;
}

static bool
has_csr(const struct conf_parsed *b)
{
	const struct conf_cert *cert = b->element;

	return cert->wish.csr_file != NULL && *cert->wish.csr_file != '\0';
}

/* Whoever has the key decides what it is. */
static void
check_own_key(struct parser *p, const struct conf_parsed *b)
{
	static const char *const moot[] = { "key-type", "key-policy",
		"must-staple" };
	const struct conf_key *k;
	struct err err;
	size_t i;

	for (i = 0; i < 3 && has_csr(b); i++) {
		k = conf_key_find(CONF_CERT, moot[i]);
		if ((b->seen >> conf_key_index(k) & 1) == 0)
			continue;
		err_set(&err, ERR_CONFIG_BAD, "%s does not go with csr-file: "
		    "key and CSR of this certificate are yours", moot[i]);
		err_advise(&err, "Remove one of the two.");
		in_block(b, &err);
		wrong(p, b->lines[conf_key_place(CONF_CERT, k)], &err);
	}
}

/* A certificate's names, if they are not written, are its title; or those of
 * its CSR, which conf_csr.c finds out. */
static void
finish_cert(struct parser *p, struct conf_parsed *b)
{
	const struct conf_key *names = conf_key_find(CONF_CERT, "names");
	uint32_t line = b->lines[conf_key_place(CONF_CERT, names)];
	struct conf_cert *cert = b->element;
	struct buf where;
	struct err err;

	assert(b->kind == CONF_CERT && cert->names_where == NULL);
	buf_init(&where, 8192);
	buf_printf(&where, "%s:%u", p->u->path, line > 0 ? line : b->line);
	cert->names_where = buf_take(&where);
	check_own_key(p, b);
	if (line > 0) {
		if (cert->wish.names.n > 0 &&
		    conf_names_check(&cert->wish.names, &err) != 0)
			wrong(p, line, &err);
		return;
	}
	if (conf_check_name(cert->title, &err) != 0) {
		if (has_csr(b))
			return;
		err_advise(&err, "Write names = {...}");
		err_context(&err, "certificate \"%.100s\": the title is not "
		    "the name", cert->title);
		wrong(p, b->line, &err);
		return;
	}
	strv_add(&cert->wish.names, cert->title);
	conf_names_check(&cert->wish.names, &err);
}

static struct conf_parsed *
add_block(struct conf_unit *u, enum conf_kind kind, const char *title,
    uint32_t line)
{
	size_t n = u->blocks_n;
	struct conf_parsed *b;
	struct conf_head *head;
	struct buf where;

	assert(kind > CONF_TOP && kind < CONF_KINDS);
	if ((n & (n - 1)) == 0)
		u->blocks = xrealloc(u->blocks,
		    (n > 0 ? 2 * n : 1) * sizeof(*u->blocks));
	b = &u->blocks[u->blocks_n++];
	memset(b, 0, sizeof(*b));
	b->kind = kind;
	b->line = line;
	b->element = head = xcalloc(1, conf_shapes[kind].size);
	if (kind == CONF_CERT || kind == CONF_POLICY)
		conf_wish_blank(conf_keys_of(kind, head));
	buf_init(&where, 8192);
	buf_printf(&where, "%s:%u", u->path, line);
	head->title = xstrdup(title);
	head->where = buf_take(&where);
	return b;
}

/* Told where it opens, since where it should close only its author knows. */
static bool
missing_close(struct parser *p)
{
	struct conf_parsed *b = p->block;
	char open[200], next[60] = "";

	assert(p->block->kind != CONF_TOP);
	if (p->lex.kind != LEX_END)
		snprintf(next, sizeof(next), " before line %u", p->lex.at);
	snprintf(open, sizeof(open), "%s \"%.100s\" opens here and is not "
	    "closed%s.", conf_shapes[b->kind].word, title_of(b), next);
	return stop(p, b->line, open, "missing \"}\"");
}

/* Keys up to the "}"; "{" is in hand. */
static bool
parse_body(struct parser *p)
{
	char *word;
	uint32_t line;
	bool good;

	assert(p->lex.kind == LEX_OPEN && p->block != &p->u->top);
	lex_next(&p->lex);
	while (p->lex.kind != LEX_CLOSE) {
		if (p->lex.kind == LEX_END)
			return missing_close(p);
		if (p->lex.kind != LEX_WORD)
			return stop(p, p->lex.at, "",
			    "%s is out of place: here a key begins",
			    lex_name(&p->lex));
		word = xstrdup(p->lex.text.data);
		line = p->lex.at;
		lex_next(&p->lex);
		if (p->lex.kind == LEX_EQUALS)
			good = parse_key(p, word, line);
		else if (is_value(&p->lex) && kind_of(word) != CONF_KINDS)
			good = missing_close(p);
		else
			good = stop(p, line, "", "\"%.100s\" has no \"=\"",
			    word);
		free(word);
		if (!good)
			return false;
	}
	lex_next(&p->lex);
	return true;
}

static bool
unknown_block(struct parser *p, const char *word, uint32_t line)
{
	struct conf_near near = { NULL, 0 };
	enum conf_kind kind;
	struct err err;

	assert(kind_of(word) == CONF_KINDS || p->u->preset);
	err_set(&err, ERR_CONFIG_BAD, "no such block \"%.100s\"", word);
	for (kind = CONF_CERT; kind < CONF_KINDS; kind++)
		conf_near(&near, word, conf_shapes[kind].word);
	if (p->u->preset)
		err_advise(&err, "A preset has the keys of a service, and no "
		    "block.");
	else if (strcmp(word, "include") == 0)
		err_advise(&err, "The files of conf.d are read by "
		    "themselves.");
	else if (conf_key_find(CONF_TOP, word) != NULL)
		err_advise(&err, "It is a key: %s = VALUE", word);
	else if (near.word == NULL)
		err_advise(&err, "There are certificate, policy, service, "
		    "ca and dns.");
	else
		conf_near_advise(&near, &err);
	wrong(p, line, &err);
	return false;
}

/* WORD TITLE "{" ...; the title is in hand. */
static bool
parse_block(struct parser *p, enum conf_kind kind, uint32_t line)
{
	struct conf_parsed *b;
	struct err err;
	bool good;

	assert(is_value(&p->lex) && p->block == &p->u->top);
	b = add_block(p->u, kind, p->lex.text.data, line);
	if (!check_title(b, &err))
		wrong(p, line, &err);
	lex_next(&p->lex);
	if (p->lex.kind != LEX_OPEN)
		return stop(p, p->lex.at, "", "missing \"{\" after %s "
		    "\"%.100s\"", conf_shapes[kind].word, title_of(b));
	p->block = b;
	good = parse_body(p);
	p->block = &p->u->top;
	if (good && kind == CONF_CERT && *title_of(b) != '\0')
		finish_cert(p, b);
	return good;
}

/* Outside of blocks. */
static bool
parse_item(struct parser *p)
{
	enum conf_kind kind;
	uint32_t line = p->lex.at;
	bool good;
	char *word;

	assert(p->block == &p->u->top);
	if (p->lex.kind == LEX_CLOSE)
		return stop(p, line, "Remove it, or find what it should "
		    "close.", "a \"}\" too many");
	if (p->lex.kind != LEX_WORD)
		return stop(p, line, "", "%s is out of place: here a key or "
		    "a block begins", lex_name(&p->lex));
	word = xstrdup(p->lex.text.data);
	kind = p->u->preset ? CONF_KINDS : kind_of(word);
	lex_next(&p->lex);
	if (p->lex.kind == LEX_EQUALS)
		good = parse_key(p, word, line);
	else if (is_value(&p->lex) && kind != CONF_KINDS)
		good = parse_block(p, kind, line);
	else if (kind != CONF_KINDS)
		good = stop(p, line, "Write for example: certificate "
		    "\"shop.example\" { }", "this %s has no title", word);
	else if (is_value(&p->lex) || p->lex.kind == LEX_OPEN)
		good = unknown_block(p, word, line);
	else
		good = stop(p, line, "", "\"%.100s\" has no \"=\"", word);
	free(word);
	return good;
}

/* A file without a fault that ends its reading is read to its end, so that
 * all wrong values are told at once. */
void
conf_parse(struct conf_unit *u, const void *bytes, size_t n,
    struct conf_diag *diag)
{
	struct parser p;

	assert(u->blocks_n == 0 && !u->bad);
	memset(&p, 0, sizeof(p));
	p.u = u;
	p.diag = diag;
	p.block = &u->top;
	lex_init(&p.lex, bytes, n);
	if (p.lex.kind == LEX_BAD)
		wrong(&p, p.lex.at, &p.lex.err);
	else
		while (p.lex.kind != LEX_END && parse_item(&p))
			continue;
	lex_free(&p.lex);
}

/* --- units -------------------------------------------------------------- */

void
conf_unit_init(struct conf_unit *u, const char *path, size_t skip,
    bool preset)
{
	assert(skip <= strlen(path));
	memset(u, 0, sizeof(*u));
	u->path = xstrdup(path);
	u->label = u->path + skip;
	u->preset = preset;
	u->top.kind = preset ? CONF_SERVICE : CONF_TOP;
	u->top.element = xcalloc(1, preset ? sizeof(struct conf_service) :
	    sizeof(struct conf));
	if (preset)
		((struct conf_head *)u->top.element)->title = xstrdup("");
}

void
conf_unit_free(struct conf_unit *u)
{
	size_t i;

	assert(u->top.element != NULL);
	for (i = 0; i < u->blocks_n; i++) {
		conf_element_free(u->blocks[i].kind, u->blocks[i].element);
		free(u->blocks[i].element);
		free(u->blocks[i].csr_err);
	}
	free(u->blocks);
	conf_element_free(u->top.kind, u->top.element);
	free(u->top.element);
	free(u->path);
	free(u->bad_where);
	free(u->bad_text);
	free(u->bad_last);
}
