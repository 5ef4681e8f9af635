/* meta.json as it may lie on disk: read or refused, and what is read is a
 * certificate's title and a version. */
#include <config.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "daemon/json.h"
#include "daemon/meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct meta m;
	struct err err;

	json_use_our_memory();
	if (meta_read(&m, data, len, &err) != 0) {
		if (err.text[0] == '\0')
			abort();
		return 0;
	}
	if (!name_is_title(m.name) || m.version < 0 || m.wish == NULL ||
	    m.policy == NULL)
		abort();
	meta_free(&m);
	return 0;
}
