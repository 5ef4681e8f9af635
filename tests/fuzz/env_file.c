/* Any bytes as a file of KEY=value lines: each that passes is one assignment
 * that an environment can hold. */
#include <config.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/env_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct strv env = { NULL, 0 };
	struct err err;
	size_t i;

	err_clear(&err);
	if (len > ENV_FILE_MAX)
		return 0;
	if (env_file_parse(&env, (const char *)data, len, &err) != 0 &&
	    err.text[0] == '\0')
		abort();
	for (i = 0; i < env.n; i++)
		if (strchr(env.v[i], '=') == NULL || env.v[i][0] == '=' ||
		    strchr(env.v[i], '\n') != NULL ||
		    strncmp(env.v[i], "LD_", 3) == 0)
			abort();
	strv_free(&env);
	return 0;
}
