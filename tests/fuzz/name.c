/* Names, titles and tokens from anybody: what passes the validators is safe as
 * a path part, an environment value and a log word. */
#include <config.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* No byte that a shell, a path or a terminal would take for its own. */
static void
must_be_tame(const char *s, const char *more)
{
	for (; *s != '\0'; s++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
		    "yz0123456789-", *s) == NULL && strchr(more, *s) == NULL)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *s = xstrndup((const char *)data, len), out[256], again[256];
	char title[NAME_TITLE_MAX + 1];
	enum name_kind kind, kind_again;
	struct err err;

	if (name_parse(out, &kind, s, &err) == 0) {
		must_be_tame(out, ".*:");
		/* Canonical: parsing it again changes nothing. */
		if (name_parse(again, &kind_again, out, &err) != 0 ||
		    kind != kind_again || strcmp(out, again) != 0)
			abort();
		name_title(title, out);
		if (!name_is_title(title))
			abort();
	}
	if (name_is_title(s))
		must_be_tame(s, "._");
	if (name_is_word(s))
		must_be_tame(s, "._");
	if (name_is_token(s))
		must_be_tame(s, "_");
	free(s);
	return 0;
}
