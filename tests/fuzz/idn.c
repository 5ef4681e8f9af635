/* Names in any script: what passes is canonical to name_parse() as well, and
 * what is shown of it leads back to it. */
#include <config.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/idn.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *s = xstrndup((const char *)data, len), out[256], again[256];
	char shown[IDN_DISPLAY];
	enum name_kind kind, kind_again;
	struct err err;

	if (idn_parse(out, &kind, s, &err) == 0) {
		assert(name_parse(again, &kind_again, out, &err) == 0);
		assert(kind == kind_again && strcmp(out, again) == 0);
		name_display(shown, out);
		assert(idn_parse(again, &kind_again, shown, &err) == 0);
		assert(strcmp(out, again) == 0);
	}
	name_display(shown, s);
	free(s);
	return 0;
}
