/* The paths of /v1, in one table (interface.md section 4), and which HTTP
 * status says what an error's code says. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "daemon/api_in.h"

#define CERT "/v1/certificates/*"

const struct api_route api_routes[] = {
	{ "GET", "/v1/status", "security", api_get_status, true },
	{ "GET", "/v1/certificates", "state label ca service expiring q limit "
	    "after full", api_get_certs, true },
	{ "GET", CERT, "", api_get_cert, true },
	{ "PUT", CERT, "dry trial", api_put_cert, false },
	{ "PATCH", CERT, "dry trial", api_patch_cert, false },
	{ "DELETE", CERT, "purge dry", api_delete_cert, false },
	{ "POST", CERT "/renew", "dry trial", api_post_renew, false },
	{ "POST", CERT "/deploy", "dry", api_post_deploy, false },
	{ "POST", CERT "/test", "", api_post_test, true },
	{ "POST", CERT "/revoke", "dry", api_post_revoke, false },
	{ "GET", CERT "/why", "", api_get_why, true },
	{ "GET", "/v1/events", "name after since wait limit",
	    api_get_events, true },
	{ "GET", "/v1/services", "", api_get_services, true },
	{ "GET", "/v1/services/*", "", api_get_service, true },
	{ "POST", "/v1/services/*/deploy", "dry",
	    api_post_service_deploy, false },
	{ "GET", "/v1/cas", "", api_get_cas, true },
	{ "GET", "/v1/cas/*", "", api_get_ca, true },
	{ "POST", "/v1/cas/*/test", "", api_post_ca_test, true },
	{ "POST", "/v1/cas/*/rollover", "", api_post_rollover, false },
	{ "POST", "/v1/cas/*/deactivate", "", api_post_deactivate, false },
	{ "POST", "/v1/cas/*/import", "", api_post_import, false },
	{ "POST", "/v1/cas/*/export", "", api_post_export, false },
	{ "POST", "/v1/dns/*/test", "name", api_post_dns_test, true },
	{ "POST", "/v1/reload", "dry yes", api_post_reload, true },
	{ "GET", "/v1/config", "all", api_get_config, true },
	{ NULL, NULL, NULL, NULL, true }
};

static bool
fits(const char *pattern, const struct strv *path, const char **name)
{
	size_t i, n;

	assert(pattern[0] == '/');
	for (i = 0; *pattern == '/'; i++, pattern += n) {
		n = strcspn(++pattern, "/");
		if (i == path->n)
			return false;
		if (n == 1 && *pattern == '*')
			*name = path->v[i];
		else if (strlen(path->v[i]) != n ||
		    memcmp(path->v[i], pattern, n) != 0)
			return false;
	}
	return i == path->n;
}

/* A path that is known by another method says which: allow has them. */
const struct api_route *
api_route_find(const char *method, const struct strv *path, const char **name,
    char allow[80])
{
	const struct api_route *t;
	size_t n = 0;

	allow[0] = '\0';
	for (t = api_routes; t->method != NULL; t++) {
		*name = NULL;
		if (!fits(t->path, path, name))
			continue;
		if (strcmp(t->method, method) == 0)
			return t;
		n += (size_t)snprintf(allow + n, 80 - n, "%s%s",
		    n > 0 ? ", " : "", t->method);
		assert(n < 80);
	}
	return NULL;
}

int
api_status(const struct err *err)
{
	static const struct { enum err_code code; int status; } table[] = {
		{ ERR_USAGE_BAD, 400 }, { ERR_NO_PERMISSION, 403 },
		{ ERR_NO_SUCH, 404 }, { ERR_SET_IN_FILE, 409 },
		{ ERR_NEEDS_OPERATOR, 409 }, { ERR_OWN_LIMIT, 429 },
		{ ERR_CA_LIMIT, 429 }, { ERR_INVALID, 422 },
		{ ERR_CONFIG_BAD, 422 }, { ERR_NAME_REFUSED, 422 },
		{ ERR_PROFILE_UNKNOWN, 422 }, { ERR_TOS_NOT_AGREED, 409 },
		{ ERR_BEING_REMOVED, 409 }
	};
	size_t i;

	assert(err->code != ERR_OK);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == err->code)
			return table[i].status;
	switch (err->class) {
	case ERR_LATER:
		return 503;
	case ERR_REFUSED:
	case ERR_PERSON:
		return 409;
	case ERR_USAGE:
		return 422;
	default:
		return 500;
	}
}
