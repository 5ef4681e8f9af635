/* What a client of the API may send: the first line is a request target, the
 * rest a body that is taken for a wish. What is accepted must survive being
 * written and read again. */
#include <config.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/api_in.h"
#include "daemon/json.h"
#include "daemon/wish_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
try_target(const char *uri)
{
	static const char *const methods[] = { "GET", "PUT", "POST" };
	const struct api_route *route;
	struct api_target t;
	const char *name;
	char allow[80];
	struct err err;
	int64_t n = 1;
	size_t i;
	bool on;

	if (api_target_parse(&t, uri, &err) != 0)
		return;
	assert(t.keys.n == t.values.n && t.path.n <= API_PIECES_MAX);
	for (i = 0; i < 3; i++) {
		route = api_route_find(methods[i], &t.path, &name, allow);
		assert(route != NULL || strlen(allow) < sizeof(allow));
		if (route != NULL)
			api_params_known(&t, route->params, &err);
	}
	api_param_flag(&t, "dry", &on, &err);
	api_param_int(&t, "limit", 1, 1000, &n, &err);
	assert(n >= 1 && n <= 1000);
	api_target_free(&t);
}

static void
try_wish(const char *p, size_t n)
{
	struct strv labels = { NULL, 0 };
	struct conf_wish w, again;
	struct err err;
	json_t *j = json_read(p, n, "the body", &err);
	char *once, *twice;

	conf_wish_blank(&w);
	if (j != NULL && wish_apply(&w, &labels, j, &err) == 0) {
		once = wish_text(&w);
		assert(wish_parse(&again, once, &err) == 0);
		twice = wish_text(&again);
		assert(strcmp(once, twice) == 0);
		conf_wish_free(&again);
		free(once);
		free(twice);
	}
	conf_wish_free(&w);
	strv_free(&labels);
	json_decref(j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data;
	const char *end = len == 0 ? NULL : memchr(p, '\n', len);
	size_t n = end == NULL ? len : (size_t)(end - p);
	char *uri = n == 0 ? xstrdup("") : xstrndup(p, n);

	try_target(uri);
	free(uri);
	if (end != NULL)
		try_wish(end + 1, len - n - 1);
	return 0;
}
