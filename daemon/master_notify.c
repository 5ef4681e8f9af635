/* Telling systemd how we are, by the protocol of sd_notify(3): datagrams of
 * "KEY=value" lines. Nothing happens where nobody listens. */
#include <config.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/master.h"

static struct {
	int fd;
	struct sockaddr_un to;
	socklen_t len;
	bool watchdog, ready;
} notify = { .fd = -1 };

void
notify_open(const char *socket_name, const char *watchdog_usec)
{
	size_t n = socket_name != NULL ? strlen(socket_name) : 0;

	if (n < 2 || n >= sizeof(notify.to.sun_path) ||
	    (socket_name[0] != '/' && socket_name[0] != '@'))
		return;
	notify.to.sun_family = AF_UNIX;
	memcpy(notify.to.sun_path, socket_name, n);
	if (socket_name[0] == '@')
		notify.to.sun_path[0] = '\0';
	notify.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	notify.watchdog = watchdog_usec != NULL;
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

void
notify_ready(const struct master *m)
{
	if (notify.ready)
		return;
	notify.ready = true;
	notify_state("READY=1\nSTATUS=%zu certificates configured%s",
	    m->conf->certs_n, m->conf->problems_n > 0 ?
	    "; a configuration file has errors" : "");
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
	if (notify.watchdog)
		notify_state("WATCHDOG=1");
}
