/* Messages of master and engine, from the channel to the one who does what
 * they ask for, and back. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/packet.h"

const char *const sender_names[SENDERS] = { "master", "engine" };

static int
unpack(struct packet *p, const void *raw, size_t n, struct err *err)
{
	uint16_t kind;
	int rc;

	assert(p->spec == NULL && p->body == NULL);
	p->spec = msg_head(raw, n, &kind, &p->id) ?
	    msg_find(wire_specs, kind) : NULL;
	if (p->spec == NULL)
		return err_set(err, ERR_INTERNAL, "%zu bytes that are no "
		    "message", n);
	p->body = xcalloc(1, p->spec->size);
	rc = msg_unpack(p->spec, raw, n, p->body, err) ? 0 : -1;
	msg_forget();
	if (rc != 0) {
		free(p->body);
		p->body = NULL;
	}
	return rc;
}

/* Descriptors that nobody asked for are closed with the message. */
void
packet_free(struct packet *p)
{
	if (p->body != NULL)
		msg_free(p->spec, p->body);
	free(p->body);
	while (p->nfds > 0)
		close(p->fds[--p->nfds]);
}

enum heard
packet_hear(struct packet *p, int fd, struct err *err)
{
	const void *raw;
	ptrdiff_t n;

	*p = (struct packet){ .spec = NULL };
	n = msg_recv(fd, MSG_DONTWAIT, &raw, p->fds, &p->nfds);
	if (n == 0)
		return HEARD_END;
	if (n < 0 && errno == EAGAIN)
		return HEARD_NOTHING;
	if (n < 0 && errno == ECONNRESET)
		return HEARD_END;
	if (n < 0) {
		err_errno(err, ERR_INTERNAL, "message");
		return HEARD_BAD;
	}
	if (unpack(p, raw, (size_t)n, err) == 0)
		return HEARD_ONE;
	packet_free(p);
	return HEARD_BAD;
}

const struct duty *
duty_find(const struct duty *duties, size_t n, enum sender from,
    const struct packet *p, struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (duties[i].ask == (enum wire_kind)p->spec->kind &&
		    duties[i].from == from)
			return &duties[i];
	err_set(err, ERR_INTERNAL, "message %s is none that the %s may send",
	    p->spec->name, sender_names[from]);
	return NULL;
}

int
duty_do(const struct duty *d, const struct kek *kek, int fd, uint32_t id,
    const void *body)
{
	const struct msg_spec *spec = msg_find(wire_specs,
	    (uint16_t)d->answer);
	void *out = xcalloc(1, spec->size);
	struct err err;
	int rc;

	assert(spec != NULL && d->op != NULL);
	if (d->op(kek, body, out, &err) == 0) {
		rc = wire_send(fd, d->answer, id, out);
		msg_free(spec, out);
	} else
		rc = wire_fail(fd, id, &err);
	free(out);
	return rc;
}
