/* Telling systemd how we are, by the protocol of sd_notify(3): datagrams of
 * "KEY=value" lines. Nothing happens where nobody listens. */
#include <config.h>
#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/master.h"

/* An engine beats every 10 s. It must be gone, and a new one have beaten,
 * before systemd loses patience with all of us. */
enum { SILENT_MAX_MS = 90 * 1000, SILENT_MIN_MS = 15 * 1000 };

static struct {
	int fd;
	struct sockaddr_un to;
	socklen_t len;
	int64_t watchdog_ms;		/* 0: nobody watches */
	bool ready, bad;
} notify = { .fd = -1 };

/* Without it nobody listens, and all that follows does nothing. */
void
notify_open(const char *socket_name, const char *watchdog_usec)
{
	size_t n = socket_name != NULL ? strlen(socket_name) : 0;

	assert(notify.fd < 0 && !notify.ready);
	if (n < 2 || n >= sizeof(notify.to.sun_path) ||
	    (socket_name[0] != '/' && socket_name[0] != '@'))
		return;
	notify.to.sun_family = AF_UNIX;
	memcpy(notify.to.sun_path, socket_name, n);
	if (socket_name[0] == '@')
		notify.to.sun_path[0] = '\0';
	notify.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (watchdog_usec != NULL)
		notify.watchdog_ms = strtoll(watchdog_usec, NULL, 10) / 1000;
	notify.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
}

void
notify_state(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	if (notify.fd < 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(text))
		sendto(notify.fd, text, (size_t)n, MSG_NOSIGNAL,
		    (const struct sockaddr *)&notify.to, notify.len);
}

static void
say_well(const struct master *m, const char *first)
{
	assert(m->conf != NULL);
	notify_state("%sSTATUS=%zu certificates configured%s", first,
	    m->conf->certs_n, m->conf->problems_n > 0 ?
	    "; a configuration file has errors" : "");
	notify.bad = false;
}

/* Once for each start and each reload: with the first sign of life of an
 * engine, since before that nothing works yet. */
void
notify_ready(const struct master *m)
{
	assert(m->conf != NULL);
	if (notify.ready)
		return;
	notify.ready = true;
	say_well(m, "READY=1\n");
}

void
notify_bad(const char *fmt, ...)
{
	char text[400];
	va_list ap;

	assert(fmt[0] != '\0');
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	notify.bad = true;
	notify_state("STATUS=%s", text);
}

void
notify_well(const struct master *m)
{
	if (notify.bad)
		say_well(m, "");
}

/* systemd wants to know since when, to tell an old READY from a new one. */
void
notify_reloading(void)
{
	notify.ready = false;
	notify_state("RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)poll_now() * 1000);
}

void
notify_beat(void)
{
	if (notify.watchdog_ms > 0)
		notify_state("WATCHDOG=1");
}

/* Three quarters of what systemd allows: a new engine must have beaten by
 * then. */
int64_t
notify_patience(void)
{
	int64_t ms = notify.watchdog_ms / 4 * 3;

	if (ms <= 0 || ms > SILENT_MAX_MS)
		return SILENT_MAX_MS;
	assert(ms > 0 && ms <= SILENT_MAX_MS);
	return ms > SILENT_MIN_MS ? ms : SILENT_MIN_MS;
}
