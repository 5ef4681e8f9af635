/* Reading what was kept of a CA's directory. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "daemon/caps.h"
#include "daemon/json.h"

enum { NAMES_SIZE = 400 };

json_t *
caps_read(const char *text)
{
	struct err unread;
	json_t *j = text == NULL || *text == '\0' ? NULL :
	    json_read(text, strlen(text), "what the CA can", &unread);

	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

void
caps_caa(struct strv *out, const char *text)
{
	json_t *j = caps_read(text);
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(j, "caa"), i, v)
		if (json_is_string(v))
			strv_add(out, json_string_value(v));
	json_decref(j);
}

bool
caps_has_profile(const char *text, const char *profile,
    char names[NAMES_SIZE])
{
	json_t *j = caps_read(text), *list = json_object_get(j, "profiles");
	bool has = j == NULL || json_object_get(list, profile) != NULL;
	const char *key;
	json_t *words;
	size_t n = 0;

	names[0] = '\0';
	json_object_foreach(list, key, words)
		if (n + strlen(key) + 3 < NAMES_SIZE)
			n += (size_t)snprintf(names + n, NAMES_SIZE - n,
			    "%s%s", n > 0 ? ", " : "", key);
	assert(n < NAMES_SIZE);
	json_decref(j);
	return has;
}
