/* The configuration's functions in their plainest form, for tests that need a
 * conf and no files. A wish is refused when it names an unknown CA or a name
 * that is none. */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "daemon/conf.h"

void
conf_wish_free(struct conf_wish *w)
{
	strv_free(&w->names);
	strv_free(&w->services);
	strv_free(&w->challenge);
	strv_free(&w->probe_names);
	free(w->policy);
	free(w->ca);
	free(w->key_type);
	free(w->key_policy);
	free(w->group);
	memset(w, 0, sizeof(*w));
}

const struct conf_service *
conf_service(const struct conf *c, const char *title)
{
	size_t i;

	for (i = 0; i < c->services_n; i++)
		if (strcmp(c->services[i].title, title) == 0)
			return &c->services[i];
	return NULL;
}

const struct conf_ca *
conf_ca(const struct conf *c, const char *title)
{
	size_t i;

	for (i = 0; i < c->cas_n; i++)
		if (strcmp(c->cas[i].title, title) == 0)
			return &c->cas[i];
	return NULL;
}

const struct conf_cert *
conf_cert(const struct conf *c, const char *title)
{
	(void)c;
	(void)title;
	return NULL;
}

int
conf_wish_check(const struct conf *c, struct conf_wish *w, const char *what,
    struct err *err)
{
	enum name_kind kind;
	char name[256];
	size_t i;

	for (i = 0; i < w->names.n; i++) {
		if (name_parse(name, &kind, w->names.v[i], err) != 0) {
			err->code = ERR_INVALID;
			return err_context(err, "%s", what);
		}
		free(w->names.v[i]);
		w->names.v[i] = xstrdup(name);
	}
	if (w->ca != NULL && conf_ca(c, w->ca) == NULL)
		return err_set(err, ERR_INVALID, "%s: no such ca \"%s\"", what,
		    w->ca);
	return 0;
}

void
conf_show(const struct conf *c, bool with_constants, struct buf *out)
{
	buf_printf(out, "agree-tos = %s\n", c->agree_tos ? "true" : "false");
	if (with_constants)
		buf_puts(out, "# back-off = 1m 10m 100m\n");
}
