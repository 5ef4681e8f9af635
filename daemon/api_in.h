/* What the files of the API share: a request from its first byte to its
 * answer. Handlers (api_read.c, api_list.c, api_events.c, api_write.c,
 * api_operator.c) get
 * one and end, in this turn or a later one, in exactly one api_reply*(). */
#ifndef DAEMON_API_IN_H
#define DAEMON_API_IN_H
#include <jansson.h>
#include "daemon/api.h"
#include "daemon/api_target.h"
#include "daemon/bundle.h"
#include "daemon/loop.h"

struct api_req;
struct MHD_Connection;

struct api_route {
	const char *method;
	const char *path;	/* "*" stands for one piece: r->name */
	const char *params;	/* that it takes, space separated */
	void (*run)(struct api_req *r);
	bool asks;		/* it changes no row */
};
extern const struct api_route api_routes[];	/* ends with method NULL */

/* Finds the route. NULL: there is none, and allow (80 bytes) says which
 * methods the path knows: "GET, PUT", or "". */
const struct api_route *api_route_find(const char *method,
    const struct strv *path, const char **name, char allow[80]);

struct api_req {
	struct api_req *next, **back;
	struct MHD_Connection *conn;	/* NULL: nobody waits any more */
	struct api_target target;
	struct err target_err;		/* why target is empty */
	const struct api_route *route;
	const char *name;		/* in target.path; NULL if none */
	char actor[32];			/* "uid:0" */
	struct buf body;
	size_t drained;			/* bytes past its cap */

	bool begun, running, suspended, answered, sent;
	bool waits;		/* whole, and not begun: busy_now() */
	int status;
	char *reply;
	char allow[80];
	int64_t retry_at_ms;

	/* A handler's own, freed with the request by drop(own). */
	void *own;
	void (*drop)(void *own);
};

/* The answer; takes j. */
void api_reply(struct api_req *r, int status, json_t *j);
/* The error body, with the status that belongs to its code. */
void api_reply_err(struct api_req *r, const struct err *err);
/* Error and lines beside it (reload, test). Takes lines. */
void api_reply_err_with(struct api_req *r, const struct err *err,
    const char *key, json_t *lines);
/* Of a test of r->name, which is a `what` ("ca"): its lines, or why there are
 * none. */
void api_reply_tested(struct api_req *r, const char *what,
    const struct strv *lines, bool good, const struct err *err);
/* Reads the certificate r->name and answers with it; `changed` is 0, 1, or -1
 * for no such member. Not there: 404. */
void api_reply_cert(struct api_req *r, int status, int changed);
/* "no certificate \"x\"": 404. */
void api_reply_no_cert(struct api_req *r);

/* The body as an object (empty: an empty one); NULL and err. */
json_t *api_body(struct api_req *r, struct err *err);
/* HTTP status of an error's code. */
int api_status(const struct err *err);

void api_get_status(struct api_req *r);
void api_get_certs(struct api_req *r);
void api_get_cert(struct api_req *r);
void api_get_why(struct api_req *r);
void api_get_events(struct api_req *r);
void api_get_services(struct api_req *r);
void api_get_service(struct api_req *r);
void api_get_cas(struct api_req *r);
void api_get_ca(struct api_req *r);
void api_get_config(struct api_req *r);
void api_put_cert(struct api_req *r);
void api_patch_cert(struct api_req *r);
void api_delete_cert(struct api_req *r);
void api_post_renew(struct api_req *r);
void api_post_deploy(struct api_req *r);
void api_post_test(struct api_req *r);
void api_post_revoke(struct api_req *r);
void api_post_rollover(struct api_req *r);
void api_post_deactivate(struct api_req *r);
void api_post_import(struct api_req *r);
void api_post_export(struct api_req *r);
void api_post_ca_test(struct api_req *r);
void api_post_dns_test(struct api_req *r);
void api_post_service_deploy(struct api_req *r);
void api_post_reload(struct api_req *r);

/* Long polls: begun by api_init, ended by api_fini. */
void api_events_init(void);
void api_events_fini(void);
#endif
