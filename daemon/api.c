/* The socket of the API: connections, who may speak, bodies, answers. A
 * request whose answer takes longer than its turn is suspended and resumed.
 * What a request means is in the other api_*.c files. */
#include <config.h>
#include <assert.h>
#include <sys/socket.h>
#include <grp.h>
#include <microhttpd.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/acts.h"
#include "daemon/api_in.h"
#include "daemon/engine.h"
#include "daemon/json.h"
#include "daemon/log.h"
#include "daemon/trouble.h"
#include "daemon/turn.h"
#include "daemon/view.h"

enum {
	IDLE_S = 5,			/* a connection that says nothing */
	MEMORY = 32 * 1024,		/* request line and head */
	DRAIN_MAX = 4 << 20,		/* of a body that is too large */
	WAIT_MS = 60 * 1000,		/* for the end of what is busy */
	WAITS_MAX = API_CONNECTIONS_MAX / 4,
	GROUPS_MAX = 256
};

static struct {
	struct MHD_Daemon *http;
	struct loop_fd *fd;
	struct loop_timer *timer;
	struct api_req *reqs;
	gid_t group;
	bool has_group;
	bool running;		/* inside libmicrohttpd */
	bool leaving;
	struct loop_timer *patience;	/* of those that wait */
	int waits_n;
} api;

/* --- requests ---------------------------------------------------------- */

static struct api_req *
req_new(const char *uri)
{
	struct api_req *r = xcalloc(1, sizeof(*r));

	buf_init(&r->body, API_BODY_MAX);
	api_target_parse(&r->target, uri, &r->target_err);
	r->next = api.reqs;
	r->back = &api.reqs;
	if (r->next != NULL)
		r->next->back = &r->next;
	assert(r->back == &api.reqs);
	api.reqs = r;
	return r;
}

static void
req_free(struct api_req *r)
{
	assert(*r->back == r && !r->suspended);
	*r->back = r->next;
	if (r->next != NULL)
		r->next->back = r->back;
	if (r->drop != NULL)
		r->drop(r->own);
	api_target_free(&r->target);
	buf_free(&r->body);
	free(r->reply);
	free(r);
}

/* Who has gone meanwhile gets nothing: then the request ends here. */
static void
answered(struct api_req *r, int status, char *reply)
{
	assert(reply != NULL);
	assert(status >= 200 && status < 600);
	if (r->answered) {	/* api_fini() was faster */
		free(reply);
	} else {
		r->status = status;
		r->reply = reply;
		r->answered = true;
	}
	r->running = false;
	if (r->conn == NULL)
		req_free(r);
	else if (r->suspended) {
		/* Nothing on the epoll descriptor tells of a resumed one. */
		r->suspended = false;
		MHD_resume_connection(r->conn);
		loop_timer_after(api.timer, 0);
	}
}

void
api_reply(struct api_req *r, int status, json_t *j)
{
	char *s = json_write(j);

	json_decref(j);
	answered(r, status, s);
}

void
api_reply_err_with(struct api_req *r, const struct err *err, const char *key,
    json_t *lines)
{
	json_t *j = json_pack("{s:o}", "error", view_error(err));

	assert(err->code != ERR_OK && (key != NULL || lines == NULL));
	if (key != NULL)
		json_object_set_new(j, key, lines);
	r->retry_at_ms = err->retry_at_ms;
	api_reply(r, api_status(err), j);
}

void
api_reply_err(struct api_req *r, const struct err *err)
{
	api_reply_err_with(r, err, NULL, NULL);
}

void
api_reply_tested(struct api_req *r, const char *what,
    const struct strv *lines, bool good, const struct err *err)
{
	assert(err != NULL || lines != NULL);
	if (err != NULL)
		api_reply_err(r, err);
	else
		api_reply(r, 200, json_pack("{s:s, s:b, s:o}", what, r->name,
		    "good", good, "lines", json_list(lines)));
}

void
api_reply_no_cert(struct api_req *r)
{
	struct err err;

	assert(r->name != NULL);
	err_set(&err, ERR_NO_SUCH, "no certificate \"%s\"", r->name);
	err_advise(&err, "everleaf list shows all.");
	api_reply_err(r, &err);
}

json_t *
api_body(struct api_req *r, struct err *err)
{
	json_t *j;

	if (r->body.len == 0)
		return json_object();
	j = json_read(r->body.data, r->body.len, "the body", err);
	if (j == NULL || json_is_object(j))
		return j;
	json_decref(j);
	err_set(err, ERR_USAGE_BAD, "the body is no JSON object");
	return NULL;
}

struct cert_reply {
	struct api_req *r;
	int status, changed;
};

static void
cert_read(void *ctx, struct bundle *b, const struct err *err)
{
	struct cert_reply c = *(struct cert_reply *)ctx;
	json_t *j;

	assert(c.r != NULL && c.status >= 200);
	free(ctx);
	if (err != NULL)
		api_reply_err(c.r, err);
	else if (b->cert == NULL)
		api_reply_no_cert(c.r);
	else {
		j = view_cert(b, engine_conf(), loop_now(), true);
		if (c.changed >= 0)
			json_object_set_new(j, "changed",
			    json_boolean(c.changed));
		api_reply(c.r, c.status, j);
	}
}

/* As it is once the change is durable: the answer is the proof of it. */
void
api_reply_cert(struct api_req *r, int status, int changed)
{
	struct cert_reply *c = xcalloc(1, sizeof(*c));

	assert(r->name != NULL && status >= 200 && status < 300);
	c->r = r;
	c->status = status;
	c->changed = changed;
	bundle_by_name(turn_store_durable(), r->name, cert_read, c);
}

/* --- who speaks -------------------------------------------------------- */

static bool
in_list(const gid_t *list, int n, gid_t g)
{
	assert(n >= 0);
	while (n > 0)
		if (list[--n] == g)
			return true;
	return false;
}

/* The groups as the kernel knows them; by name on kernels that don't say. */
static bool
in_group(int fd, const struct ucred *who)
{
	gid_t list[GROUPS_MAX];
	socklen_t len = sizeof(list);
	struct passwd *pw;
	int n = GROUPS_MAX;

	if (who->gid == api.group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, list, &len) == 0)
		return in_list(list, (int)(len / sizeof(*list)), api.group);
	pw = getpwuid(who->uid);
	return pw != NULL && getgrouplist(pw->pw_name, who->gid, list, &n) >=
	    0 && in_list(list, n, api.group);
}

/* Root, this process's own user, and the members of api-group. */
static bool
may_speak(struct api_req *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->conn,
	    MHD_CONNECTION_INFO_CONNECTION_FD);
	socklen_t len = sizeof(struct ucred);
	struct ucred who;

	assert(r->conn != NULL);
	if (info == NULL || getsockopt(info->connect_fd, SOL_SOCKET,
	    SO_PEERCRED, &who, &len) != 0 || who.uid == (uid_t)-1)
		return false;
	snprintf(r->actor, sizeof(r->actor), "uid:%lu",
	    (unsigned long)who.uid);
	return who.uid == 0 || who.uid == geteuid() ||
	    (api.has_group && in_group(info->connect_fd, &who));
}

/* --- changes wait while the engine is busy ----------------------------- */

/* A trial is an order, and a dry run with words that can't be read ends in its
 * handler. */
static bool
must_wait(const struct api_req *r)
{
	bool dry = false, trial = false;
	struct err err;

	assert(r->route != NULL);
	return busy_now() != NULL && !r->route->asks &&
	    api_param_flag(&r->target, "dry", &dry, &err) == 0 &&
	    api_param_flag(&r->target, "trial", &trial, &err) == 0 &&
	    (!dry || trial);
}

/* There is always a place for who asks how things stand. */
static void
wait_for_end(struct api_req *r)
{
	assert(!r->running && !r->answered);
	if (api.waits_n == WAITS_MAX) {
		api_reply_err(r, busy_now());
		return;
	}
	r->waits = true;
	if (api.waits_n++ == 0)
		loop_timer_after(api.patience, WAIT_MS);
}

/* They begin when libmicrohttpd calls again for each; or not at all. */
static void
wait_is_over(const struct err *why)
{
	struct api_req *r, *next;

	for (r = api.reqs; r != NULL; r = next) {
		next = r->next;
		if (!r->waits)
			continue;
		assert(r->suspended && r->conn != NULL);
		r->waits = false;
		if (why != NULL)
			api_reply_err(r, why);
		else {
			r->suspended = false;
			MHD_resume_connection(r->conn);
			loop_timer_after(api.timer, 0);
		}
	}
	api.waits_n = 0;
	loop_timer_stop(api.patience);
}

static void
on_free(void)
{
	wait_is_over(NULL);
}

static void
on_patience(void *unused)
{
	assert(busy_now() != NULL);
	(void)unused;
	wait_is_over(busy_now());
}

/* --- libmicrohttpd's callbacks ----------------------------------------- */

static void
add_date(struct MHD_Response *answer)
{
	time_t t = (time_t)(loop_now() / 1000);
	char date[40];
	struct tm tm;

	/* The loop's clock: the command tells distances by it. */
	if (gmtime_r(&t, &tm) != NULL && strftime(date, sizeof(date),
	    "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		MHD_add_response_header(answer, "Date", date);
}

static enum MHD_Result
send_reply(struct api_req *r)
{
	struct MHD_Response *answer = MHD_create_response_from_buffer(
	    strlen(r->reply), r->reply, MHD_RESPMEM_MUST_COPY);
	int64_t wait = (r->retry_at_ms - loop_now() + 999) / 1000;
	enum MHD_Result ok;
	char after[24];

	assert(r->answered && !r->sent && r->reply != NULL);
	if (answer == NULL)
		return MHD_NO;
	MHD_add_response_header(answer, "Content-Type", "application/json");
	MHD_add_response_header(answer, "Cache-Control", "no-store");
	add_date(answer);
	if (r->allow[0] != '\0')
		MHD_add_response_header(answer, "Allow", r->allow);
	if (r->retry_at_ms != 0 && r->status >= 400) {
		snprintf(after, sizeof(after), "%lld",
		    (long long)(wait > 0 ? wait : 0));
		MHD_add_response_header(answer, "Retry-After", after);
	}
	if (api.leaving || r->status == 400 || r->status == 403 ||
	    r->status == 413)
		MHD_add_response_header(answer, "Connection", "close");
	ok = MHD_queue_response(r->conn, (unsigned int)r->status, answer);
	MHD_destroy_response(answer);
	r->sent = true;
	return ok;
}

/* Errors that need no handler and hold a status of their own. */
static void
refuse(struct api_req *r, int status, enum err_code code, const char *text)
{
	struct err err;
	json_t *j;

	assert(status >= 400 && status < 500);
	err_set(&err, code, "%s", text);
	j = json_pack("{s:o}", "error", view_error(&err));
	api_reply(r, status, j);
}

static void
no_route(struct api_req *r, const char *method)
{
	char text[128];

	assert(r->route == NULL);
	if (r->allow[0] == '\0') {
		refuse(r, 404, ERR_NO_SUCH, "there is nothing at this path");
		return;
	}
	snprintf(text, sizeof(text), "%.16s is not done here; use %s", method,
	    r->allow);
	refuse(r, 405, ERR_USAGE_BAD, text);
}

/* Length of the body as announced; -1 if it is not a number. */
static int64_t
announced(struct MHD_Connection *conn)
{
	const char *s = MHD_lookup_connection_value(conn, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (s == NULL)
		return 0;
	return strlen(s) > 18 || strspn(s, "0123456789") != strlen(s) ? -1 :
	    strtoll(s, NULL, 10);
}

/* The head is here: what can be refused now is, before any body. */
static void
begin(struct api_req *r, const char *method)
{
	int64_t length = announced(r->conn);
	struct err err;

	assert(r->begun && !r->answered && r->conn != NULL);
	if (!may_speak(r)) {
		err_set(&err, ERR_NO_PERMISSION, "%s may not use the API",
		    r->actor[0] != '\0' ? r->actor : "this process");
		err_advise(&err, "Become root or join the group %s.",
		    engine_conf()->api_group);
		api_reply_err(r, &err);
		return;
	}
	if (r->target_err.code != ERR_OK) {
		api_reply_err(r, &r->target_err);
		return;
	}
	r->route = api_route_find(method, &r->target.path, &r->name, r->allow);
	if (r->route == NULL)
		no_route(r, method);
	else if (trouble_now() != NULL && (trouble_blind() ||
	    strcmp(method, "GET") != 0))
		api_reply_err(r, trouble_now());
	else if (api_params_known(&r->target, r->route->params, &err) != 0)
		api_reply_err(r, &err);
	else if (length < 0 || length > API_BODY_MAX)
		refuse(r, 413, ERR_USAGE_BAD,
		    "the body is larger than 256 KiB");
	if (r->route != NULL)
		r->allow[0] = '\0';
}

static enum MHD_Result
take_body(struct api_req *r, const char *data, size_t *len)
{
	assert(r->begun && *len > 0);
	/* Past the cap the buffer turns full. No length was announced then:
	 * it may never end. */
	if (!buf_add(&r->body, data, *len))
		r->drained += *len;
	*len = 0;
	return r->drained > DRAIN_MAX ? MHD_NO : MHD_YES;
}

/* libmicrohttpd calls it for the head, for each part of the body, and once
 * more at the end of it. */
static enum MHD_Result
on_request(void *unused, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **con_cls)
{
	struct api_req *r = *con_cls;

	(void)unused;
	(void)url;
	(void)version;
	if (r == NULL)
		return MHD_NO;
	if (!r->begun) {
		r->begun = true;
		r->conn = conn;
		begin(r, method);
		return r->answered ? send_reply(r) : MHD_YES;
	}
	if (*len > 0)
		return take_body(r, data, len);
	if (r->sent)
		return MHD_YES;
	if (!r->answered && r->body.full)
		refuse(r, 413, ERR_USAGE_BAD,
		    "the body is larger than 256 KiB");
	if (!r->answered && !r->running && must_wait(r))
		wait_for_end(r);
	else if (!r->answered && !r->running) {
		r->running = true;
		assert(r->route != NULL && r->route->run != NULL);
		r->route->run(r);
	}
	if (r->answered)
		return send_reply(r);
	if (!r->suspended) {
		r->suspended = true;
		assert((r->running || r->waits) && !r->answered);
		MHD_suspend_connection(conn);
	}
	return MHD_YES;
}

static void *
on_uri(void *unused, const char *uri, struct MHD_Connection *conn)
{
	(void)unused;
	(void)conn;
	return req_new(uri);
}

static void
on_completed(void *unused, struct MHD_Connection *conn, void **con_cls,
    enum MHD_RequestTerminationCode code)
{
	struct api_req *r = *con_cls;

	(void)unused;
	(void)conn;
	(void)code;
	*con_cls = NULL;
	if (r == NULL)
		return;
	r->conn = NULL;
	if (!r->running)
		req_free(r);
}

static void
on_log(void *unused, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
on_log(void *unused, const char *fmt, va_list ap)
{
	char words[300];

	(void)unused;
	vsnprintf(words, sizeof(words), fmt, ap);
	log_debug("API: %s", words);
}

/* --- driven by the loop ------------------------------------------------ */

static bool
at_limit(void)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(api.http,
	    MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	assert(api.http != NULL);
	return info != NULL && info->num_connections >= API_CONNECTIONS_MAX;
}

static void
run(void)
{
	bool full = at_limit();
	MHD_UNSIGNED_LONG_LONG ms;

	assert(api.http != NULL && !api.running);
	api.running = true;
	MHD_run(api.http);
	api.running = false;
	/* It listens again only in the run after the one that made room. */
	if (full && !at_limit())
		loop_timer_after(api.timer, 0);
	else if (MHD_get_timeout(api.http, &ms) == MHD_YES)
		loop_timer_after(api.timer, ms > 60000 ? 60000 : (int64_t)ms);
	else
		loop_timer_stop(api.timer);
}

static void
on_fd(void *unused, int events)
{
	(void)unused;
	(void)events;
	run();
}

static void
on_timer(void *unused)
{
	(void)unused;
	run();
}

static void
find_group(const char *name)
{
	struct group *g = name == NULL || *name == '\0' ? NULL :
	    getgrnam(name);

	api.has_group = g != NULL;
	if (g != NULL)
		api.group = g->gr_gid;
	else
		log_warning("API: there is no group \"%s\"; only root may "
		    "speak", name == NULL ? "" : name);
}

int
api_init(int listen_fd, const char *api_group, struct err *err)
{
	const union MHD_DaemonInfo *info;

	assert(api.http == NULL && listen_fd >= 0);
	json_use_our_memory();
	find_group(api_group);
	api.http = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL,
	    NULL, on_request, NULL,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, listen_fd,
	    MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned int)API_CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	info = api.http == NULL ? NULL : MHD_get_daemon_info(api.http,
	    MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || info->epoll_fd < 0)
		return err_set(err, ERR_INTERNAL,
		    "the API can't be served on its socket");
	api.timer = loop_timer_new(on_timer, NULL);
	api.fd = loop_fd_new(info->epoll_fd, on_fd, NULL);
	loop_fd_want(api.fd, LOOP_READ);
	api.patience = loop_timer_new(on_patience, NULL);
	busy_watch(on_free);
	api_events_init();
	return 0;
}

/* The socket stays open, and is the master's, too: the kernel keeps those who
 * connect until the next engine asks for them. */
void
api_leave(void)
{
	assert(api.timer != NULL || api.http == NULL);
	if (api.http == NULL || api.leaving)
		return;
	api.leaving = true;
	MHD_quiesce_daemon(api.http);
}

/* Called in the middle of an answer it does nothing: then the process is
 * about to end anyway. */
void
api_fini(const struct err *why)
{
	struct api_req *r;
	json_t *j;

	if (api.http == NULL || api.running)
		return;
	busy_watch(NULL);
	loop_fd_free(api.fd);
	loop_timer_free(api.timer);
	loop_timer_free(api.patience);
	api_events_fini();
	for (r = api.reqs; r != NULL; r = r->next) {
		if (!r->suspended)
			continue;
		assert(r->conn != NULL && !r->answered);
		/* Its handler, if it has begun, is still at work and will
		 * answer to nobody. */
		r->suspended = r->waits = false;
		r->answered = true;
		r->status = 503;
		j = json_pack("{s:o}", "error", view_error(why));
		r->reply = json_write(j);
		json_decref(j);
		MHD_resume_connection(r->conn);
	}
	MHD_run(api.http);
	MHD_stop_daemon(api.http);
	api.http = NULL;
	api.leaving = false;
}
