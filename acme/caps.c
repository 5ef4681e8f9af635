/* What a CA's directory says that it can, as one bounded JSON text that a
 * store can keep. What it does not say, or says wrongly, is left out: none of
 * it is needed for an order. */
#include <config.h>
#include <string.h>
#include "acme/codec.h"
#include "base/name.h"

enum { PROFILES_MAX = 100, SHOWN_MAX = 200, NAMES_MAX = 16 };

/* Made fit for a terminal. */
static json_t *
shown(const json_t *v)
{
	const char *s = json_string_value(v);
	struct buf b;
	json_t *j;

	if (s == NULL)
		return json_null();
	buf_init(&b, 8 * SHOWN_MAX);
	buf_safe(&b, s, strlen(s), SHOWN_MAX);
	j = json_string(b.data != NULL ? b.data : "");
	buf_free(&b);
	return j != NULL ? j : json_null();
}

static json_t *
profiles(const json_t *meta)
{
	json_t *in = json_object_get(meta, "profiles"), *out = json_object();
	json_t *words;
	const char *key;

	json_object_foreach(in, key, words)
		if (json_object_size(out) < PROFILES_MAX && name_is_word(key))
			json_object_set_new(out, key, shown(words));
	return out;
}

static json_t *
caa(const json_t *meta)
{
	json_t *out = json_array();
	const json_t *v;
	enum name_kind kind;
	struct err unused;
	char name[256];
	size_t i;

	json_array_foreach(json_object_get(meta, "caaIdentities"), i, v)
		if (json_array_size(out) < NAMES_MAX && json_is_string(v) &&
		    name_parse(name, &kind, json_string_value(v), &unused) ==
		    0 && kind == NAME_DNS)
			json_array_append_new(out, json_string(name));
	return out;
}

char *
codec_caps(const json_t *directory)
{
	const json_t *meta = json_object_get(directory, "meta");
	json_t *j = json_pack("{s:o, s:o, s:o, s:b, s:b}",
	    "profiles", profiles(meta), "caa", caa(meta),
	    "website", shown(json_object_get(meta, "website")),
	    "eab", json_is_true(json_object_get(meta,
	    "externalAccountRequired")),
	    "ari", json_is_string(json_object_get(directory,
	    "renewalInfo")));
	char *text = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	return text;
}
