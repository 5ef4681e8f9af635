/* What a reload changes, in the words of the table of keys. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf_check.h"
#include "daemon/conf_read.h"
#include "daemon/conf_table.h"

/* A line must fit into a message, and the lines on a screen. */
enum { LINES_MAX = 200, LINE_BYTES = 900 };

struct diff {
	struct strv *lines;
	size_t left_out;
};

static void
tell(struct diff *d, struct buf *line)
{
	struct buf safe;

	assert(d->lines != NULL);
	if (d->lines->n >= LINES_MAX) {
		d->left_out++;
	} else {
		buf_init(&safe, 8 * LINE_BYTES);
		buf_safe(&safe, line->data, line->len, LINE_BYTES);
		strv_add(d->lines, safe.data);
		buf_free(&safe);
	}
	buf_free(line);
}

static void
list_minus(struct buf *b, char sign, const struct strv *a,
    const struct strv *without)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!strv_has(without, a->v[i]))
			buf_printf(b, " %c %s", sign, a->v[i]);
}

/* "names + a - b", "ca letsencrypt -> zerossl". */
static void
show_change(const struct conf_key *k, const void *was, const void *is,
    struct buf *b)
{
	const struct strv *old = (const void *)((const char *)was + k->at);
	const struct strv *new = (const void *)((const char *)is + k->at);

	assert(!conf_key_same(k, was, is));
	buf_puts(b, k->word);
	if (k->type == CONF_LIST && !strv_same(old, new)) {
		list_minus(b, '+', new, old);
		list_minus(b, '-', old, new);
		return;
	}
	if (k->type == CONF_LIST) {
		buf_puts(b, " in another order");
		return;
	}
	buf_putc(b, ' ');
	conf_key_show(k, was, b);
	buf_puts(b, " -> ");
	conf_key_show(k, is, b);
}

/* ": KEY..., KEY..."; returns 1 << conf_touch for what changed, 0: nothing. */
static unsigned int
show_changes(enum conf_kind kind, void *was, void *is, struct buf *b)
{
	const void *old = conf_keys_of(kind, was);
	const void *new = conf_keys_of(kind, is);
	unsigned int touched = 0;
	const struct conf_key *k;

	assert(kind < CONF_KINDS);
	for (k = conf_keys; k->word != NULL; k++) {
		if ((k->in & 1u << kind) == 0 || conf_key_same(k, old, new))
			continue;
		buf_puts(b, touched == 0 ? "" : ", ");
		show_change(k, old, new, b);
		/* The same names in another order are the same wish. */
		touched |= 1u << (k->touch == CONF_ORDERS &&
		    k->type == CONF_LIST && strv_same(
		    (const void *)((const char *)old + k->at),
		    (const void *)((const char *)new + k->at)) ?
		    CONF_AT_RENEWAL : k->touch);
	}
	return touched;
}

/* Whether the test CA has issued anything is not known here. */
static void
show_effect(unsigned int touched, bool leaves_tests, struct buf *b)
{
	if ((touched & 1u << CONF_ORDERS) != 0)
		buf_puts(b, "; a new version is ordered now; paths stay");
	else if (leaves_tests)
		buf_puts(b, "; a new version is ordered now if the newest is "
		    "of a test CA, else from the next renewal on");
	else if ((touched & 1u << CONF_AT_RENEWAL) != 0)
		buf_puts(b, "; from the next renewal on");
	if ((touched & 1u << CONF_AT_RESTART) != 0)
		buf_puts(b, "; needs a restart of everleafd");
}

/* --- certificates ------------------------------------------------------ */

static void
added(struct diff *d, const struct conf *c, const struct conf_cert *cert)
{
	struct conf_wish w = conf_effective(c, &cert->wish);
	struct buf b;
	size_t i;

	assert(cert->title != NULL);
	buf_init(&b, 64 * 1024);
	buf_printf(&b, "+ %s: new; ordered now from %s", cert->title, w.ca);
	for (i = 0; i < w.services.n; i++)
		buf_printf(&b, "%s%s", i == 0 ? ", for " : " ",
		    w.services.v[i]);
	tell(d, &b);
	conf_wish_free(&w);
}

static void
removed(struct diff *d, const struct conf_cert *cert)
{
	struct buf b;

	buf_init(&b, 1024);
	buf_printf(&b, "- %s: retired; its files stay until 30 days after "
	    "its end", cert->title);
	tell(d, &b);
}

static bool
same_as_written(const struct conf_wish *a, const struct conf_wish *b)
{
	const struct conf_key *k;

	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << CONF_CERT) != 0 && !conf_key_same(k, a, b))
			return false;
	return true;
}

/* The bytes of the file: a program may have written it anew. */
static bool
same_csr(const struct conf_cert *a, const struct conf_cert *b)
{
	return a->csr.len == b->csr.len && (a->csr.len == 0 ||
	    memcmp(a->csr.p, b->csr.p, a->csr.len) == 0);
}

static bool
leaves_tests(const struct conf *before, const struct conf_cert *was,
    const struct conf *after, const struct conf_cert *is)
{
	const struct conf_ca *old = conf_ca(before, was->wish.ca);
	const struct conf_ca *new = conf_ca(after, is->wish.ca);

	return old != NULL && new != NULL && old->test_ca && !new->test_ca &&
	    strcmp(old->title, new->title) != 0;
}

/* With the same policies two wishes that are written alike are alike:
 * nothing has to be worked out for a thousand of them. */
static void
compare(struct diff *d, const struct conf *before,
    const struct conf_cert *was, const struct conf *after,
    const struct conf_cert *is, bool same_policies)
{
	struct conf_cert old, new;
	unsigned int touched;
	struct buf b;

	assert(strcmp(was->title, is->title) == 0);
	if (same_policies && same_as_written(&was->wish, &is->wish) &&
	    same_csr(was, is))
		return;
	memset(&old, 0, sizeof(old));
	memset(&new, 0, sizeof(new));
	old.wish = conf_effective(before, &was->wish);
	new.wish = conf_effective(after, &is->wish);
	buf_init(&b, 256 * 1024);
	buf_printf(&b, "~ %s: ", is->title);
	touched = show_changes(CONF_CERT, &old, &new, &b);
	if (!same_csr(was, is) && strcmp(old.wish.csr_file,
	    new.wish.csr_file) == 0) {
		buf_printf(&b, "%scsr-file has another content",
		    touched == 0 ? "" : ", ");
		touched |= 1u << CONF_ORDERS;
	}
	show_effect(touched, leaves_tests(before, &old, after, &new), &b);
	if (touched != 0)
		tell(d, &b);
	buf_free(&b);
	conf_wish_free(&old.wish);
	conf_wish_free(&new.wish);
}

static bool
policies_same(const struct conf *a, const struct conf *b)
{
	size_t i;

	if (a->policies_n != b->policies_n)
		return false;
	for (i = 0; i < a->policies_n; i++)
		if (strcmp(a->policies[i].title, b->policies[i].title) != 0 ||
		    !same_as_written(&a->policies[i].wish,
		    &b->policies[i].wish))
			return false;
	return true;
}

/* Both lists are sorted by title: one walk. Returns how many vanish. */
static size_t
diff_certs(struct diff *d, const struct conf *before,
    const struct conf *after)
{
	bool same = policies_same(before, after);
	size_t i = 0, j = 0, gone = 0;
	int order;

	while (i < before->certs_n || j < after->certs_n) {
		order = i == before->certs_n ? 1 : j == after->certs_n ? -1 :
		    strcmp(before->certs[i].title, after->certs[j].title);
		if (order < 0) {
			gone++;
			removed(d, &before->certs[i++]);
		} else if (order > 0) {
			added(d, after, &after->certs[j++]);
		} else {
			compare(d, before, &before->certs[i++], after,
			    &after->certs[j++], same);
		}
	}
	assert(i == before->certs_n && j == after->certs_n);
	return gone;
}

/* --- services, CAs, top level ------------------------------------------ */

static void
diff_one(struct diff *d, enum conf_kind kind, void *was, void *is,
    const char *title)
{
	unsigned int touched;
	struct buf b;

	assert(kind == CONF_TOP || title[0] != '\0');
	buf_init(&b, 256 * 1024);
	buf_puts(&b, "~ ");
	if (kind != CONF_TOP)
		buf_printf(&b, "%s %s: ", conf_shapes[kind].word, title);
	touched = show_changes(kind, was, is, &b);
	if (kind == CONF_TOP)
		touched &= 1u << CONF_AT_RESTART | 1u << CONF_AT_ONCE;
	show_effect(touched, false, &b);
	if (touched != 0)
		tell(d, &b);
	buf_free(&b);
}

/* By title: what has another one is another block, and nothing is said of it
 * until a certificate uses it. */
static const void *
block(const struct conf *c, enum conf_kind kind, const char *title)
{
	assert(kind == CONF_SERVICE || kind == CONF_CA || kind == CONF_DNS);
	if (kind == CONF_SERVICE)
		return conf_service(c, title);
	if (kind == CONF_CA)
		return conf_ca(c, title);
	return conf_dns(c, title);
}

static void
diff_kind(struct diff *d, enum conf_kind kind, const struct conf *before,
    const struct conf *after)
{
	struct conf_head *is;
	const void *was;
	size_t i;

	assert(kind != CONF_TOP);
	for (i = 0; i < conf_count(after, kind); i++) {
		is = conf_element(after, kind, i);
		was = block(before, kind, is->title);
		if (was != NULL)
			diff_one(d, kind, (void *)(uintptr_t)was, is,
			    is->title);
	}
}

size_t
conf_diff(const struct conf *before, const struct conf *after,
    struct strv *lines)
{
	struct conf *nothing = xcalloc(1, sizeof(*nothing));
	struct diff d = { lines, 0 };
	struct buf b;
	size_t gone;

	assert(after != NULL && lines != NULL);
	gone = diff_certs(&d, before != NULL ? before : nothing, after);
	if (before != NULL) {
		diff_one(&d, CONF_TOP, conf_element(before, CONF_TOP, 0),
		    conf_element(after, CONF_TOP, 0), "");
		diff_kind(&d, CONF_SERVICE, before, after);
		diff_kind(&d, CONF_CA, before, after);
		diff_kind(&d, CONF_DNS, before, after);
	}
	if (d.left_out > 0) {
		buf_init(&b, 100);
		buf_printf(&b, "... and %zu more", d.left_out);
		strv_add(lines, b.data);
		buf_free(&b);
	}
	free(nothing);
	return gone;
}
