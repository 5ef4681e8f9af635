/* The target of a request, "/v1/certificates/NAME?dry=1", taken apart: pieces
 * of the path and named parameters, decoded. Pure. */
#ifndef DAEMON_API_TARGET_H
#define DAEMON_API_TARGET_H
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum { API_TARGET_MAX = 8192, API_PIECES_MAX = 8, API_PARAMS_MAX = 16 };

struct api_target {
	struct strv path;	/* "v1", "certificates", "NAME" */
	struct strv keys, values;	/* parallel; each key once */
};

/* Refuses (ERR_USAGE_BAD) what is not absolute, a bad %XX, control characters
 * also when encoded, a parameter given twice, and too much of anything. On -1
 * *t needs no freeing. */
int api_target_parse(struct api_target *t, const char *uri, struct err *err);
void api_target_free(struct api_target *t);

/* NULL if it was not given. */
const char *api_param(const struct api_target *t, const char *key);
/* "1", "true", "yes" and "" are true; absent, "0", "false" and "no" false. */
int api_param_flag(const struct api_target *t, const char *key, bool *on,
    struct err *err);
/* A number from min to max; unless given it stays as it is. */
int api_param_int(const struct api_target *t, const char *key, int64_t min,
    int64_t max, int64_t *v, struct err *err);
/* Every key is one of the words in `known`, space separated. */
int api_params_known(const struct api_target *t, const char *known,
    struct err *err);
#endif
