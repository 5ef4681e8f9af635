/* libmicrohttpd without threads: one instance a listener, each an epoll
 * descriptor in the responder's own poll loop. What it lacks stands here: a
 * life limit however slowly bytes drip in, and giving up the oldest connection
 * when there is no room for a new one. */
#include <config.h>
#include <assert.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/list.h"
#include "daemon/log.h"
#include "daemon/responder_http.h"

/* SPARE_FDS: listeners, channels, and the connections of tls-alpn-01. */
enum { SPARE_FDS = 1024, LEAVING_MAX = 32, WORDS_MAX = 512 };

struct connection {
	struct list link;
	int fd;
	int64_t born;		/* monotonic ms */
	bool leaving;
};

static const struct table *table;
static struct MHD_Daemon *daemons[RESPOND_LISTENERS];
static int daemon_count;
static struct MHD_Response *not_found, *not_allowed;
/* Oldest first; those on their way out are no longer in it. */
static struct list oldest;
static unsigned open_count, open_max;

/* --- answers ----------------------------------------------------------- */

/* Made for browsers as much as for CAs: nothing is sniffed, stored or kept
 * open. */
static struct MHD_Response *
make_response(const char *body, const char *type, enum
    MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(body),
	    (void *)(uintptr_t)body, mode);

	assert(body != NULL && type != NULL);
	if (r == NULL)
		abort();
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "Connection", "close");
	return r;
}

static enum MHD_Result
count_hosts(void *ctx, enum MHD_ValueKind kind, const char *key,
    const char *value)
{
	int *n = ctx;

	(void)kind;
	(void)value;
	*n += strcasecmp(key, "Host") == 0;
	return MHD_YES;
}

/* Exactly one Host: with two of them two readers would see two sites. */
static const char *
find_answer(struct MHD_Connection *c, const char *url, const char *version)
{
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Host");
	int hosts = 0;

	assert(table != NULL && c != NULL);
	MHD_get_connection_values(c, MHD_HEADER_KIND, count_hosts, &hosts);
	if (host == NULL || hosts != 1 ||
	    MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, NULL,
	    NULL) > 0 || (strcmp(version, "HTTP/1.1") != 0 &&
	    strcmp(version, "HTTP/1.0") != 0))
		return NULL;
	return table_find(table, url, host);
}

/* Answers as soon as the head is there: no body is ever read, and the
 * connection ends with the answer. */
static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **mine)
{
	struct MHD_Response *r;
	enum MHD_Result result;
	const char *answer;

	(void)ctx;
	(void)data;
	(void)size;
	(void)mine;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return MHD_queue_response(c, MHD_HTTP_METHOD_NOT_ALLOWED,
		    not_allowed);
	answer = find_answer(c, url, version);
	if (answer == NULL)
		return MHD_queue_response(c, MHD_HTTP_NOT_FOUND, not_found);
	r = make_response(answer, "application/octet-stream",
	    MHD_RESPMEM_MUST_COPY);
	result = MHD_queue_response(c, MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	return result;
}

/* The path counts as it was sent. */
static size_t
leave_escaped(void *ctx, struct MHD_Connection *c, char *s)
{
	(void)ctx;
	(void)c;
	return strlen(s);
}

__attribute__((format(printf, 2, 0)))
static void
on_words(void *ctx, const char *fmt, va_list ap)
{
	char words[WORDS_MAX];

	(void)ctx;
	vsnprintf(words, sizeof(words), fmt, ap);
	log_debug("%s", words);
}

/* --- connections ------------------------------------------------------- */

/* The other half of the work is MHD's, when it sees the end. */
static void
let_go(struct connection *k)
{
	assert(!k->leaving && k->fd >= 0);
	k->leaving = true;
	list_leave(&k->link);
	shutdown(k->fd, SHUT_RDWR);
}

static void
on_connection(void *ctx, struct MHD_Connection *c, void **mine,
    enum MHD_ConnectionNotificationCode what)
{
	struct connection *k = *mine;

	(void)ctx;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (k != NULL) {
			assert(open_count > 0);
			list_leave(&k->link);
			free(k);
			open_count--;
		}
		return;
	}
	k = xcalloc(1, sizeof(*k));
	k->fd = MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	k->born = clock_mono_ms();
	list_init(&k->link);
	list_join(&oldest, &k->link);
	*mine = k;
	if (++open_count > open_max && oldest.next != &k->link)
		let_go(LIST_OF(oldest.next, struct connection, link));
}

static void
end_long_lives(int64_t now)
{
	struct connection *k;

	while (!list_empty(&oldest)) {
		k = LIST_OF(oldest.next, struct connection, link);
		if (k->born + RESPOND_LIFE_MS > now)
			return;
		let_go(k);
	}
}

/* --- listeners --------------------------------------------------------- */

static bool
is_unix(int fd)
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof(a);

	return getsockname(fd, (struct sockaddr *)&a, &n) == 0 &&
	    a.ss_family == AF_UNIX;
}

static struct MHD_Daemon *
serve(int fd)
{
	assert(fd >= 0 && open_max > 0);
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL,
	    NULL, on_request, NULL,
	    MHD_OPTION_EXTERNAL_LOGGER, on_words, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)RESPOND_IDLE_S,
	    MHD_OPTION_CONNECTION_LIMIT, open_max + LEAVING_MAX,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    is_unix(fd) ? 0u : (unsigned)RESPOND_PER_IP,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)RESPOND_MEMORY,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,
	    MHD_OPTION_END);
}

/* With the limit that the kernel gave us there must be room for all of them,
 * or accept fails before the oldest is let go. */
static unsigned
room(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0 ||
	    l.rlim_cur >= RESPOND_CONNECTIONS + LEAVING_MAX + SPARE_FDS)
		return RESPOND_CONNECTIONS;
	return (unsigned)l.rlim_cur / 2;
}

int
respond_init(const struct table *t, int fd, int n, struct err *err)
{
	int i;

	assert(t != NULL && n >= 0 && daemon_count == 0);
	table = t;
	list_init(&oldest);
	open_max = room();
	not_found = make_response("Nothing here.\n", "text/plain",
	    MHD_RESPMEM_PERSISTENT);
	not_allowed = make_response("Only GET and HEAD.\n", "text/plain",
	    MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(not_allowed, "Allow", "GET, HEAD");
	for (i = 0; i < n && daemon_count < RESPOND_LISTENERS; i++) {
		daemons[daemon_count] = serve(fd + i);
		if (daemons[daemon_count] != NULL)
			daemon_count++;
		else
			log_error("listener %d cannot be served", i + 1);
	}
	if (daemon_count == 0 && n > 0)
		return err_set(err, ERR_INTERNAL,
		    "no listener can be served");
	return 0;
}

void
respond_fini(void)
{
	while (daemon_count > 0)
		MHD_stop_daemon(daemons[--daemon_count]);
	MHD_destroy_response(not_found);
	MHD_destroy_response(not_allowed);
}

int
respond_fds(struct pollfd *out)
{
	int i;

	assert(daemon_count <= RESPOND_LISTENERS);
	for (i = 0; i < daemon_count; i++) {
		out[i].fd = MHD_get_daemon_info(daemons[i],
		    MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
		out[i].events = POLLIN;
		out[i].revents = 0;
	}
	return daemon_count;
}

/* Until the library wants to work, or the oldest has lived long enough. */
int
respond_wait(void)
{
	int64_t best = -1, left;
	MHD_UNSIGNED_LONG_LONG ms;
	int i;

	assert(daemon_count >= 0 && daemon_count <= RESPOND_LISTENERS);
	for (i = 0; i < daemon_count; i++)
		if (MHD_get_timeout(daemons[i], &ms) == MHD_YES &&
		    (best < 0 || (int64_t)ms < best))
			best = (int64_t)ms;
	if (!list_empty(&oldest)) {
		left = LIST_OF(oldest.next, struct connection, link)->born +
		    RESPOND_LIFE_MS - clock_mono_ms();
		left = left > 0 ? left : 0;
		if (best < 0 || left < best)
			best = left;
	}
	return best > RESPOND_LIFE_MS ? RESPOND_LIFE_MS : (int)best;
}

void
respond_run(void)
{
	int i;

	end_long_lives(clock_mono_ms());
	for (i = 0; i < daemon_count; i++)
		MHD_run(daemons[i]);
}
