/* The effective configuration in its own syntax: what is shown can be read
 * again and means the same. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf_check.h"
#include "daemon/conf_table.h"

/* interface.md section 9. They stand as comments: no key changes them. */
static const struct {
	const char *name, *value;
} constants[] = {
	{ "renewal without a suggestion", "1/3 of the lifetime before the end "
	    "(1/2 if it is under 10 days)" },
	{ "tries after a failure", "after 1, 10, 100 minutes, then daily, at "
	    "most lifetime/20 apart" },
	{ "warning, critical", "at 1/4, 1/10 of the lifetime left" },
	{ "handshake with every endpoint", "each lifetime/60, 1 h to 24 h" },
	{ "placeholder", "7 days" },
	{ "files of a retired certificate", "30 days after its end" },
	{ "output of a command that is kept", "64 KiB" },
	{ "a page of the API", "100, at most 1000" },
	{ "names in a certificate", "100" }
};

static void
show_key(const struct conf_key *k, const void *keys, const char *indent,
    struct buf *out)
{
	assert(k->word != NULL);
	buf_printf(out, "%s%-15s = ", indent, k->word);
	conf_key_show(k, keys, out);
	buf_putc(out, '\n');
}

static void
open_block(enum conf_kind kind, const char *title, struct buf *out)
{
	assert(kind > CONF_TOP && kind < CONF_KINDS);
	buf_printf(out, "\n%s ", conf_shapes[kind].word);
	conf_quote(out, title);
	buf_puts(out, " {\n");
}

/* With a CSR these are refused: nobody here makes its key. */
static bool
is_moot(enum conf_kind kind, void *element, const struct conf_key *k)
{
	const struct conf_cert *cert = element;

	return kind == CONF_CERT && cert->wish.csr_file != NULL &&
	    *cert->wish.csr_file != '\0' &&
	    (strcmp(k->word, "key-type") == 0 ||
	    strcmp(k->word, "key-policy") == 0 ||
	    strcmp(k->word, "must-staple") == 0);
}

/* What a policy leaves open it does not decide: it is left out there. */
static void
show_keys(enum conf_kind kind, void *element, const char *indent,
    struct buf *out)
{
	const void *keys = conf_keys_of(kind, element);
	const struct conf_service *s = element;
	const struct conf_key *k;

	assert(element != NULL);
	for (k = conf_keys; k->word != NULL; k++) {
		if ((k->in & 1u << kind) == 0 || is_moot(kind, element, k))
			continue;
		/* Written down they would be no preset's any more, and then
		 * each of them must answer. */
		if (k->type == CONF_ENDPOINTS && s->endpoints_n > 0 &&
		    s->endpoints[0].from_preset)
			show_key(k, keys, "    # ", out);
		else if (kind != CONF_POLICY || conf_key_written(k, keys))
			show_key(k, keys, indent, out);
	}
}

static void
show_certs(const struct conf *c, struct buf *out)
{
	struct conf_cert cert;
	size_t i;

	for (i = 0; i < c->certs_n; i++) {
		memset(&cert, 0, sizeof(cert));
		cert.wish = conf_effective(c, &c->certs[i].wish);
		if (c->certs[i].kept)
			buf_puts(out, "\n# Kept from before: its file can't "
			    "be read.");
		open_block(CONF_CERT, c->certs[i].title, out);
		show_keys(CONF_CERT, &cert, "    ", out);
		buf_puts(out, "}\n");
		conf_wish_free(&cert.wish);
	}
}

static void
mark(const struct conf *c, enum conf_kind kind, const char *title,
    bool *used)
{
	const void *e = kind == CONF_CA ? (const void *)conf_ca(c, title) :
	    (const void *)conf_service(c, title);

	assert(kind == CONF_CA || kind == CONF_SERVICE);
	if (e != NULL)
		used[(size_t)((const char *)e -
		    (const char *)conf_element(c, kind, 0)) /
		    conf_shapes[kind].size] = true;
}

/* Presets that nobody uses would fill the screen: only what a wish names is
 * shown. */
static void
mark_wish(const struct conf *c, const struct conf_wish *w, bool *cas,
    bool *services)
{
	const struct strv *l = conf_wish_services(c, w);
	size_t i;

	assert(cas != NULL && services != NULL);
	mark(c, CONF_CA, conf_wish_ca(c, w), cas);
	for (i = 0; i < l->n; i++)
		mark(c, CONF_SERVICE, l->v[i], services);
}

static void
show_used(const struct conf *c, enum conf_kind kind, const bool *used,
    struct buf *out)
{
	struct conf_head *head;
	size_t i;

	assert(kind > CONF_TOP && kind < CONF_KINDS);
	for (i = 0; i < conf_count(c, kind); i++) {
		head = conf_element(c, kind, i);
		if (*head->where == '\0' && used != NULL && !used[i])
			continue;
		open_block(kind, head->title, out);
		show_keys(kind, head, "    ", out);
		buf_puts(out, "}\n");
	}
}

void
conf_show(const struct conf *c, bool with_constants, struct buf *out)
{
	bool *cas = xcalloc(c->cas_n, sizeof(*cas));
	bool *services = xcalloc(c->services_n, sizeof(*services));
	size_t i;

	assert(c != NULL && out != NULL);
	for (i = 0; i < c->certs_n; i++)
		mark_wish(c, &c->certs[i].wish, cas, services);
	for (i = 0; i < c->policies_n; i++)
		mark_wish(c, &c->policies[i].wish, cas, services);
	show_keys(CONF_TOP, conf_element(c, CONF_TOP, 0), "", out);
	show_used(c, CONF_CA, cas, out);
	show_used(c, CONF_SERVICE, services, out);
	show_used(c, CONF_DNS, NULL, out);
	show_used(c, CONF_POLICY, NULL, out);
	show_certs(c, out);
	free(cas);
	free(services);
	if (!with_constants)
		return;
	buf_puts(out, "\n# Not to be set:\n");
	for (i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
		buf_printf(out, "#   %s: %s\n", constants[i].name,
		    constants[i].value);
}
