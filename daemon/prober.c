/* Probes on the engine's loop: an endpoint becomes addresses, each address a
 * handshake with a time-out, and all of them together one answer. */
#include <config.h>
#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/list.h"
#include "daemon/loop.h"
#include "daemon/prober.h"

enum { AT_ONCE = 64, ADDRESSES_MAX = 64 };

struct shot {
	struct list link;	/* waiting or under way */
	struct job *job;
	int index;		/* of its finding */
	struct sockaddr_storage to;
	struct probe *probe;
	struct loop_fd *watch;
	struct loop_timer *timer;
	bool left_out;
};

struct job {
	struct list link;
	char protocol[12], *name, *host;
	uint16_t port;
	bool own;		/* this machine: silent addresses don't count */
	struct loop_lookup *lookup;
	struct loop_timer *timer;	/* the answer's turn */
	struct shot *shots;
	struct prober_finding *findings;
	int n, left;
	void (*done)(void *ctx, const struct prober_finding *f, int n);
	void *ctx;
};

static struct list jobs = { &jobs, &jobs };
static struct list waiting = { &waiting, &waiting };
static int under_way;

/* Also one that is dropped in the middle: nothing of it comes back. */
static void
free_job(struct job *j)
{
	int i;

	list_leave(&j->link);
	for (i = 0; i < j->n && j->shots != NULL; i++) {
		list_leave(&j->shots[i].link);
		under_way -= j->shots[i].probe != NULL;
		loop_fd_free(j->shots[i].watch);
		loop_timer_free(j->shots[i].timer);
		probe_free(j->shots[i].probe);
	}
	assert(under_way >= 0);
	if (j->lookup != NULL)
		loop_resolve_cancel(j->lookup);
	loop_timer_free(j->timer);
	free(j->shots);
	free(j->findings);
	free(j->name);
	free(j->host);
	free(j);
}

/* Silent addresses of our own machine leave the list: a service listens
 * where it was told to. */
static void
answer(void *ctx)
{
	struct job *j = ctx;
	int i, n = 0;

	assert(j->left == 0 && j->lookup == NULL);
	for (i = 0; i < j->n; i++)
		if (j->shots == NULL || !j->shots[i].left_out)
			j->findings[n++] = j->findings[i];
	j->done(j->ctx, j->findings, n);
	free_job(j);
}

/* --- one address ------------------------------------------------------- */

static void start_some(void);

static void
end_shot(struct shot *s, const struct probe_finding *f)
{
	struct job *j = s->job;

	assert(s->probe != NULL && under_way > 0);
	assert(j->left > 0 && s->index >= 0 && s->index < j->n);
	j->findings[s->index].f = *f;
	s->left_out = j->own && !probe_connected(s->probe);
	loop_fd_free(s->watch);
	s->watch = NULL;
	loop_timer_stop(s->timer);
	probe_free(s->probe);
	s->probe = NULL;
	under_way--;
	if (--j->left == 0)
		loop_timer_after(j->timer, 0);
	start_some();
}

static void
watch(struct shot *s)
{
	int wants = probe_wants(s->probe);

	assert(s->probe != NULL && s->watch != NULL);
	loop_fd_want(s->watch, ((wants & PROBE_READ) != 0 ? LOOP_READ : 0) |
	    ((wants & PROBE_WRITE) != 0 ? LOOP_WRITE : 0));
}

static void
on_ready(void *ctx, int events)
{
	struct shot *s = ctx;

	assert(s->probe != NULL && s->watch != NULL);
	(void)events;
	if (probe_go(s->probe) != PROBE_UNDER_WAY)
		end_shot(s, probe_finding(s->probe));
	else
		watch(s);
}

static void
on_time(void *ctx)
{
	struct shot *s = ctx;
	struct probe_finding f;

	assert(s->probe != NULL);
	if (probe_fd(s->probe) < 0) {
		end_shot(s, probe_finding(s->probe));
		return;
	}
	memset(&f, 0, sizeof(f));
	f.result = PROBE_UNREACHABLE;
	err_set(&f.err, ERR_UNREACHABLE, probe_connected(s->probe) ?
	    "it accepts the connection but does not answer within %d seconds" :
	    "there is no connection within %d seconds",
	    PROBE_TIMEOUT_MS / 1000);
	end_shot(s, &f);
}

static socklen_t
size_of(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET ? sizeof(struct sockaddr_in) :
	    sizeof(struct sockaddr_in6);
}

/* One that failed at once ends by its timer: never within the call that
 * asked. */
static void
start(struct shot *s)
{
	struct job *j = s->job;

	assert(s->probe == NULL && under_way < AT_ONCE);
	under_way++;
	s->probe = probe_new((struct sockaddr *)&s->to, size_of(&s->to),
	    j->protocol, j->name);
	s->timer = loop_timer_new(on_time, s);
	if (probe_fd(s->probe) < 0) {
		loop_timer_after(s->timer, 0);
		return;
	}
	assert(s->watch == NULL);
	loop_timer_after(s->timer, PROBE_TIMEOUT_MS);
	s->watch = loop_fd_new(probe_fd(s->probe), on_ready, s);
	watch(s);
}

static void
start_some(void)
{
	struct list *l;

	while (under_way < AT_ONCE && (l = list_take(&waiting)) != NULL)
		start(LIST_OF(l, struct shot, link));
}

/* --- the addresses of an endpoint -------------------------------------- */

static void
set_port(struct sockaddr_storage *a, uint16_t port)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (a->ss_family == AF_INET) {
		memcpy(&in4, a, sizeof(in4));
		in4.sin_port = htons(port);
		memcpy(a, &in4, sizeof(in4));
	} else {
		memcpy(&in6, a, sizeof(in6));
		in6.sin6_port = htons(port);
		memcpy(a, &in6, sizeof(in6));
	}
}

static void
shoot(struct job *j, const struct sockaddr_storage *to, int n)
{
	struct shot *s;
	int i;

	assert(n >= 0 && n <= ADDRESSES_MAX);
	assert(j->shots == NULL && j->findings == NULL);
	j->n = j->left = n;
	j->shots = xcalloc((size_t)n, sizeof(*j->shots));
	j->findings = xcalloc((size_t)n, sizeof(*j->findings));
	for (i = 0; i < n; i++) {
		s = &j->shots[i];
		s->job = j;
		s->index = i;
		s->to = to[i];
		set_port(&s->to, j->port);
		getnameinfo((const struct sockaddr *)&to[i], size_of(&to[i]),
		    j->findings[i].address, sizeof(j->findings[i].address),
		    NULL, 0, NI_NUMERICHOST);
		j->findings[i].port = j->port;
		list_init(&s->link);
		list_join(&waiting, &s->link);
	}
	if (n == 0)
		loop_timer_after(j->timer, 0);
	start_some();
}

/* A name without an address is one finding, too. */
static void
on_no_address(struct job *j, const char *why)
{
	struct prober_finding *f = xcalloc(1, sizeof(*f));

	assert(j->findings == NULL && j->left == 0);
	j->findings = f;
	j->n = 1;
	f->port = j->port;
	f->f.result = PROBE_UNREACHABLE;
	err_set(&f->f.err, ERR_UNREACHABLE, "\"%s\" has no address: %s",
	    j->host, why);
	loop_timer_after(j->timer, 0);
}

static void
on_resolved(void *ctx, const struct addrinfo *list, const char *why)
{
	struct sockaddr_storage to[ADDRESSES_MAX];
	struct job *j = ctx;
	int n = 0;

	assert(j->lookup != NULL && j->host != NULL);
	j->lookup = NULL;
	if (list == NULL) {
		on_no_address(j, why);
		return;
	}
	for (; list != NULL && n < ADDRESSES_MAX; list = list->ai_next) {
		if (list->ai_family != AF_INET && list->ai_family != AF_INET6)
			continue;
		memset(&to[n], 0, sizeof(to[n]));
		memcpy(&to[n++], list->ai_addr, list->ai_addrlen);
	}
	shoot(j, to, n);
}

/* No server name can be "*.shop.example": one that it covers is asked for. */
static char *
concrete(const char *name)
{
	char out[300];

	if (strncmp(name, "*.", 2) != 0)
		return xstrdup(name);
	snprintf(out, sizeof(out), "www.%s", name + 2);
	return xstrdup(out);
}

/* An endpoint without an address is one of this machine: all its own
 * addresses are looked at. */
void
prober_ask(const struct endpoint *e, const char *name,
    void (*done)(void *ctx, const struct prober_finding *f, int n), void *ctx)
{
	struct sockaddr_storage own[ADDRESSES_MAX];
	struct job *j = xcalloc(1, sizeof(*j));

	assert(done != NULL && name != NULL);
	snprintf(j->protocol, sizeof(j->protocol), "%s", e->protocol);
	j->name = concrete(name);
	j->port = e->port;
	j->done = done;
	j->ctx = ctx;
	j->timer = loop_timer_new(answer, j);
	list_init(&j->link);
	list_join(&jobs, &j->link);
	if (e->address[0] == '\0') {
		j->own = true;
		shoot(j, own, probe_local_addresses(own, ADDRESSES_MAX));
		return;
	}
	j->host = xstrdup(strcmp(e->address, "public") == 0 ? j->name :
	    e->address);
	j->lookup = loop_resolve(j->host, on_resolved, j);
}

void
prober_fini(void)
{
	struct list *l;

	while ((l = list_take(&jobs)) != NULL)
		free_job(LIST_OF(l, struct job, link));
	assert(under_way == 0);
}
