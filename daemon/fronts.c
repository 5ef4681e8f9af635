/* Words about the server that has port 80 and does not pass http-01 on. Of
 * what it says about itself only a name that we know is repeated. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include <strings.h>
#include "daemon/fronts.h"

#define SNIPPETS EVERLEAF_DATA "/snippets/"

static const struct front {
	const char *server;	/* how its Server field begins */
	const char *name, *add;
} fronts[] = {
	{ "nginx", "nginx", "Add to the port-80 server in /etc/nginx: "
	    "include " SNIPPETS "nginx.conf;" },
	{ "openresty", "openresty", "Add to its port-80 server: "
	    "include " SNIPPETS "nginx.conf;" },
	{ "Apache", "Apache", "Add to the <VirtualHost *:80> (a2enmod proxy "
	    "proxy_http): Include " SNIPPETS "apache.conf" },
	{ "lighttpd", "lighttpd", "Add to /etc/lighttpd/lighttpd.conf: "
	    "include \"" SNIPPETS "lighttpd.conf\"" },
	{ "", "the server there", "Add our snippet to its port-80 server: "
	    SNIPPETS "{nginx,apache,haproxy,lighttpd}.conf" }
};

/* The value of the Server field, "" if the head has none. */
static const char *
server_of(const char *reply)
{
	const char *end = strstr(reply, "\r\n\r\n"), *line = reply;

	while ((line = strstr(line, "\r\n")) != NULL && line != end) {
		line += 2;
		if (strncasecmp(line, "Server:", 7) == 0)
			return line + 7 + strspn(line + 7, " \t");
	}
	return "";
}

/* The last of the table fits whatever the server calls itself. */
void
front_words(struct buf *out, const char *name, long status, const char *reply)
{
	const char *server = server_of(reply);
	const struct front *f = fronts;

	while (strncmp(server, f->server, strlen(f->server)) != 0)
		f++;
	assert(f < fronts + sizeof(fronts) / sizeof(fronts[0]));
	buf_printf(out, "%s answered %ld for http://%s/.well-known/"
	    "acme-challenge/..., not with our token. %s", f->name, status,
	    name, f->add);
}
