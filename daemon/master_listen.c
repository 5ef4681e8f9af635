/* Every socket that people or CAs connect to is bound here and handed on: the
 * API's to the engine, those for http-01 and tls-alpn-01 to the responder. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/log.h"
#include "daemon/master.h"

enum { BACKLOG = 1024, AGAIN_MS = 30 * 1000 };

/* Each type has its socket in the run directory, for servers in front of us,
 * and perhaps ports of its own. */
static const struct listen_kind {
	const char *key, *socket;
	size_t at;			/* list of addresses in struct conf */
	const char *taken;		/* the cure */
} kinds[LISTEN_TYPES] = {
	[LISTEN_HTTP] = { "http-listen", "http.sock",
	    offsetof(struct conf, http_listen),
	    "Another program listens there: leave out http-listen and include "
	    "our snippet in that server instead (" EVERLEAF_DATA "/snippets), "
	    "or stop it" },
	[LISTEN_ALPN] = { "tls-alpn-listen", "alpn.sock",
	    offsetof(struct conf, tls_alpn_listen),
	    "Another program listens there: leave out tls-alpn-listen and let "
	    "that one pass on what asks for acme-tls/1 (" EVERLEAF_DATA
	    "/snippets/nginx-stream.conf, haproxy-alpn.cfg), or stop it" }
};

static const struct strv *
addresses(const struct master *m, enum listen_type type)
{
	assert(m->conf != NULL && type < LISTEN_TYPES);
	return (const struct strv *)(const void *)((const char *)m->conf +
	    kinds[type].at);
}

/* --- sockets in the run directory -------------------------------------- */

int
listen_unix(const struct master *m, const char *name, int type,
    struct sockaddr_un *to, struct err *err)
{
	int fd, n;

	assert(name[0] != '\0' && name[0] != '/');
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	n = snprintf(to->sun_path, sizeof(to->sun_path), "%s/%s",
	    m->conf->run_dir, name);
	if (n < 0 || (size_t)n >= sizeof(to->sun_path)) {
		err_set(err, ERR_CONFIG_BAD, "run-dir %s is too long for the "
		    "path of a socket", m->conf->run_dir);
		return err_advise(err, "Choose one of at most 80 characters");
	}
	/* Ours by the lock on the state directory; nobody serves it now. */
	unlink(to->sun_path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The umask makes it 0600 until it has its owner. */
	if (fd >= 0 && bind(fd, (const struct sockaddr *)to,
	    sizeof(*to)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err_errno(err, ERR_DISK, "socket %s cannot be made", to->sun_path);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Who may use the API: root, and the group if there is one. */
static void
open_to_group(const struct master *m, const char *path)
{
	const char *name = m->conf->api_group;
	const struct group *g = name[0] != '\0' ? getgrnam(name) : NULL;

	assert(path[0] == '/' && m->conf->api_group != NULL);
	if (g != NULL && lchown(path, (uid_t)-1, g->gr_gid) == 0 &&
	    chmod(path, 0660) == 0)
		return;
	chmod(path, 0600);
	if (g == NULL && name[0] != '\0')
		log_warning("group %s (api-group) does not exist: only the "
		    "daemon's own user may use the API. Make it: groupadd "
		    "--system %s", name, name);
	else if (g != NULL)
		log_warning("socket %s cannot be given to group %s: only the "
		    "daemon's own user may use the API", path, name);
}

/* --- ports ------------------------------------------------------------- */

/* ":80", "ADDRESS:80", "[ADDRESS]:80". */
static bool
parse_address(const char *text, char host[INET6_ADDRSTRLEN], uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	long number = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;

	if (number < 1 || number > 65535)
		return false;
	if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= INET6_ADDRSTRLEN)
		return false;
	assert(n < INET6_ADDRSTRLEN);
	memcpy(host, text, n);
	host[n] = '\0';
	*port = (uint16_t)number;
	return true;
}

/* One socket for both families only where no address was named. */
static int
bind_to(const struct sockaddr *to, socklen_t len, bool both)
{
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0), on = 1, off = 0;

	assert(to->sa_family == AF_INET || to->sa_family == AF_INET6);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (to->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on,
		    sizeof(on));
	if (bind(fd, to, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

static int
bind_port(const char *text)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
	int fd;

	assert(text != NULL);
	if (!parse_address(text, host, &port)) {
		errno = EINVAL;
		return -1;
	}
	six.sin6_port = four.sin_port = htons(port);
	if (inet_pton(AF_INET, host, &four.sin_addr) == 1)
		return bind_to((struct sockaddr *)&four, sizeof(four), false);
	if (inet_pton(AF_INET6, host, &six.sin6_addr) == 1)
		return bind_to((struct sockaddr *)&six, sizeof(six), false);
	if (host[0] != '\0') {
		errno = EINVAL;
		return -1;
	}
	fd = bind_to((struct sockaddr *)&six, sizeof(six), true);
	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = bind_to((struct sockaddr *)&four, sizeof(four), false);
	return fd;
}

/* errno says why; who is in the way is a person's question, and the cure its
 * answer. */
static void
say_taken(const struct listener *l)
{
	static const struct {
		int no;
		const char *cure;
	} cures[] = {
		{ EACCES, "Only root may: start everleafd as root, or leave "
		    "it out" },
		{ EADDRNOTAVAIL, "This machine does not have that address "
		    "now" },
		{ EINVAL, "Write \":80\" or \"ADDRESS:80\"" }
	};
	const struct listen_kind *k = &kinds[l->type];
	const char *cure = errno == EADDRINUSE ? k->taken : "";
	const char *why = strerror(errno);
	size_t i;

	assert(l->fd < 0 && l->type < LISTEN_TYPES);
	for (i = 0; i < sizeof(cures) / sizeof(cures[0]); i++)
		if (cures[i].no == errno)
			cure = cures[i].cure;
	log_error("%s %s: %s. %s. It is tried again every 30 s", k->key,
	    l->address, why, cure);
}

/* True if one that was missing is there now. */
static bool
bind_missing(struct master *m, bool say)
{
	bool some = false, all = true;
	struct listener *l;
	size_t i;

	assert(m->listen_again != NULL);
	for (i = 0; i < m->listeners_n; i++) {
		l = &m->listeners[i];
		if (l->fd >= 0)
			continue;
		l->fd = bind_port(l->address);
		if (l->fd >= 0) {
			log_info("%s %s: listening", kinds[l->type].key,
			    l->address);
			some = true;
			continue;
		}
		all = false;
		if (say)
			say_taken(l);
	}
	if (!all)
		alarm_after(m->listen_again, AGAIN_MS);
	return some;
}

static void
try_again(void *ctx)
{
	assert(ctx != NULL);
	if (bind_missing(ctx, false))
		children_new_responder(ctx);
}

static void
add_listener(struct master *m, enum listen_type type, const char *address,
    int fd)
{
	struct listener *l;

	assert(type < LISTEN_TYPES && address != NULL);
	m->listeners = xrealloc(m->listeners, (m->listeners_n + 1) *
	    sizeof(*m->listeners));
	l = &m->listeners[m->listeners_n++];
	l->type = type;
	l->address = xstrdup(address);
	l->fd = fd;
}

static bool
has_listener(const struct master *m, enum listen_type type,
    const char *address)
{
	size_t i;

	assert(address != NULL);
	for (i = 0; i < m->listeners_n; i++)
		if (m->listeners[i].type == type &&
		    strcmp(m->listeners[i].address, address) == 0)
			return true;
	return false;
}

static void
add_configured(struct master *m)
{
	const struct strv *want;
	int type;
	size_t i;

	for (type = 0; type < LISTEN_TYPES; type++) {
		want = addresses(m, (enum listen_type)type);
		for (i = 0; i < want->n; i++)
			if (!has_listener(m, (enum listen_type)type,
			    want->v[i]))
				add_listener(m, (enum listen_type)type,
				    want->v[i], -1);
	}
}

int
listen_start(struct master *m, struct err *err)
{
	struct sockaddr_un path;
	int fd, type;

	assert(m->listeners_n == 0 && m->listen_again == NULL);
	m->api = listen_unix(m, "everleaf.sock", SOCK_STREAM, &path, err);
	if (m->api < 0)
		return -1;
	open_to_group(m, path.sun_path);
	for (type = 0; type < LISTEN_TYPES; type++) {
		fd = listen_unix(m, kinds[type].socket,
		    SOCK_STREAM, &path, err);
		if (fd < 0)
			return -1;
		chmod(path.sun_path, 0666);
		add_listener(m, (enum listen_type)type, "", fd);
	}
	m->listen_again = alarm_new(try_again, m);
	add_configured(m);
	bind_missing(m, true);
	return 0;
}

/* What is still wanted stays open: nobody who connects meanwhile is turned
 * away. */
bool
listen_change(struct master *m)
{
	struct sockaddr_un path;
	bool changed = false;
	struct listener *l;
	size_t i, kept = 0;

	assert(m->listeners_n >= LISTEN_TYPES);
	for (i = 0; i < m->listeners_n; i++) {
		l = &m->listeners[i];
		if (l->address[0] == '\0' ||
		    strv_has(addresses(m, l->type), l->address)) {
			m->listeners[kept++] = *l;
			continue;
		}
		changed = true;
		if (l->fd >= 0)
			close(l->fd);
		free(l->address);
	}
	m->listeners_n = kept;
	assert(kept >= LISTEN_TYPES);
	add_configured(m);
	changed = bind_missing(m, true) || changed;
	snprintf(path.sun_path, sizeof(path.sun_path), "%s/everleaf.sock",
	    m->conf->run_dir);
	open_to_group(m, path.sun_path);
	return changed;
}

void
listen_stop(struct master *m)
{
	static const char *const names[] = { "everleaf.sock", "http.sock",
		"alpn.sock", "master.sock" };
	char path[4096];
	size_t i;

	assert(m->conf != NULL);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", m->conf->run_dir,
		    names[i]);
		unlink(path);
	}
}
