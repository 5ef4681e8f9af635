/* One codec for every message, driven by tables: what is packed and what is
 * checked cannot differ. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/msg.h"

enum { MAGIC = 0x4c31, HEAD = 12, ITEM_MAX = 1024, SEND_WAIT_MS = 5000 };

static void
put_number(struct buf *b, uint64_t v, int bytes)
{
	assert(bytes >= 1 && bytes <= 8);
	assert(bytes == 8 || v >> (8 * bytes) == 0);
	for (; bytes > 0; bytes--, v >>= 8)
		buf_putc(b, (char)(v & 0xff));
}

static void
put_bytes(struct buf *b, const void *p, size_t n)
{
	assert(n <= MSG_MAX);
	put_number(b, n, 4);
	buf_add(b, p, n);
}

/* Byte by byte: nothing in a packet is aligned. */
static uint64_t
number_at(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	assert(bytes >= 1 && bytes <= 8);
	while (bytes > 0)
		v = v << 8 | p[--bytes];
	return v;
}

bool
msg_any_text(const char *s)
{
	(void)s;
	return true;
}

static bool
printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return true;
}

static bool
text_fits(const struct msg_field *f, const char *s, size_t max)
{
	assert(s != NULL && max <= MSG_MAX);
	return strlen(s) <= max &&
	    (*s == '\0' || (f->check != NULL ? f->check : printable)(s));
}

const struct msg_spec *
msg_find(const struct msg_spec *table, uint16_t kind)
{
	assert(table != NULL);
	for (; table->name != NULL; table++)
		if (table->kind == kind)
			return table;
	return NULL;
}

static void
pack_list(struct buf *b, const struct msg_field *f, const struct strv *l)
{
	size_t i;

	assert(l->n <= f->max && l->n <= MSG_LIST_MAX);
	put_number(b, l->n, 4);
	for (i = 0; i < l->n; i++) {
		assert(text_fits(f, l->v[i], ITEM_MAX));
		put_bytes(b, l->v[i], strlen(l->v[i]));
	}
}

static void
pack_field(struct buf *b, const struct msg_field *f, const void *at)
{
	const struct blob *blob = at;
	const char *s;

	switch (f->type) {
	case MSG_U8:
		put_number(b, *(const uint8_t *)at, 1);
		break;
	case MSG_U32:
		put_number(b, *(const uint32_t *)at, 4);
		break;
	case MSG_U64:
		put_number(b, *(const uint64_t *)at, 8);
		break;
	case MSG_I64:
		put_number(b, (uint64_t)*(const int64_t *)at, 8);
		break;
	case MSG_TEXT:
		s = *(char *const *)at != NULL ? *(char *const *)at : "";
		assert(text_fits(f, s, f->max));
		put_bytes(b, s, strlen(s));
		break;
	case MSG_LIST:
		pack_list(b, f, at);
		break;
	case MSG_BLOB:
	case MSG_SECRET:
		assert(blob->len <= f->max);
		put_bytes(b, blob->p, blob->len);
		break;
	}
}

struct blob
msg_pack(const struct msg_spec *spec, uint32_t id, const void *st)
{
	const struct msg_field *f;
	struct blob out;
	struct buf b;
	uint16_t kind;
	uint32_t again;
	bool readable;
	size_t i;

	assert(spec->name != NULL && spec->fields != NULL);
	buf_init(&b, MSG_MAX);
	put_number(&b, MAGIC, 2);
	put_number(&b, spec->kind, 2);
	put_number(&b, id, 4);
	put_number(&b, 0, 4);
	assert(b.len == HEAD);
	for (f = spec->fields; f->name != NULL; f++)
		pack_field(&b, f, (const char *)st + f->offset);
	assert(!b.full);
	for (i = 0; i < 4; i++)
		b.data[8 + i] = (char)(b.len >> (8 * i));
	out = blob_copy(b.data, b.len);
	readable = msg_head(out.p, out.len, &kind, &again);
	assert(readable && kind == spec->kind && again == id);
	buf_wipe(&b);
	return out;
}

bool
msg_head(const void *p, size_t n, uint16_t *kind, uint32_t *id)
{
	const uint8_t *c = p;

	assert(kind != NULL && id != NULL);
	if (n < HEAD || n > MSG_MAX || number_at(c, 2) != MAGIC ||
	    number_at(c + 8, 4) != n)
		return false;
	*kind = (uint16_t)number_at(c + 2, 2);
	*id = (uint32_t)number_at(c + 4, 4);
	return true;
}

struct cursor {
	const uint8_t *p;
	size_t left;
};

static bool
take_number(struct cursor *c, int bytes, uint64_t *v)
{
	if (c->left < (size_t)bytes)
		return false;
	*v = number_at(c->p, bytes);
	c->p += bytes;
	c->left -= (size_t)bytes;
	assert(bytes == 8 || *v >> (8 * bytes) == 0);
	return true;
}

/* Borrows from the packet: who keeps the bytes copies them. */
static bool
take_bytes(struct cursor *c, size_t max, const uint8_t **p, size_t *n)
{
	uint64_t len;

	if (!take_number(c, 4, &len) || len > max || len > c->left)
		return false;
	*p = c->p;
	*n = (size_t)len;
	c->p += len;
	c->left -= (size_t)len;
	assert(*n <= max);
	return true;
}

/* A NUL inside would hide what comes after it from every check. */
static bool
take_text(struct cursor *c, const struct msg_field *f, size_t max, char **out)
{
	const uint8_t *p;
	size_t n;

	if (!take_bytes(c, max, &p, &n) || memchr(p, 0, n) != NULL)
		return false;
	*out = xstrndup((const char *)p, n);
	if (text_fits(f, *out, max))
		return true;
	free(*out);
	*out = NULL;
	return false;
}

static bool
take_list(struct cursor *c, const struct msg_field *f, struct strv *l)
{
	uint64_t n;
	char *s;

	assert(l->n == 0);
	if (!take_number(c, 4, &n) || n > f->max || n > MSG_LIST_MAX)
		return false;
	for (; n > 0; n--) {
		if (!take_text(c, f, ITEM_MAX, &s))
			return false;
		strv_add(l, s);
		free(s);
	}
	assert(l->n <= f->max);
	return true;
}

static bool
unpack_field(struct cursor *c, const struct msg_field *f, void *at)
{
	const uint8_t *p;
	uint64_t v = 0;
	size_t n;
	bool fine;

	switch (f->type) {
	case MSG_U8:
		fine = take_number(c, 1, &v);
		*(uint8_t *)at = (uint8_t)v;
		return fine;
	case MSG_U32:
		fine = take_number(c, 4, &v);
		*(uint32_t *)at = (uint32_t)v;
		return fine;
	case MSG_U64:
		return take_number(c, 8, at);
	case MSG_I64:
		fine = take_number(c, 8, &v);
		*(int64_t *)at = (int64_t)v;
		return fine;
	case MSG_TEXT:
		return take_text(c, f, f->max, at);
	case MSG_LIST:
		return take_list(c, f, at);
	case MSG_BLOB:
	case MSG_SECRET:
		if (!take_bytes(c, f->max, &p, &n))
			return false;
		*(struct blob *)at = blob_copy(p, n);
		return true;
	}
	return false;
}

bool
msg_unpack(const struct msg_spec *spec, const void *p, size_t n, void *st,
    struct err *err)
{
	struct cursor c = { (const uint8_t *)p + HEAD, n - HEAD };
	const struct msg_field *f;
	uint16_t kind;
	uint32_t id;

	assert(spec->name != NULL && spec->size > 0);
	memset(st, 0, spec->size);
	if (!msg_head(p, n, &kind, &id) || kind != spec->kind) {
		err_set(err, ERR_INTERNAL, "no message %s", spec->name);
		return false;
	}
	for (f = spec->fields; f->name != NULL; f++)
		if (!unpack_field(&c, f, (char *)st + f->offset)) {
			err_set(err, ERR_INTERNAL, "message %s: field %s is "
			    "malformed", spec->name, f->name);
			msg_free(spec, st);
			return false;
		}
	if (c.left != 0) {
		err_set(err, ERR_INTERNAL, "message %s: %zu bytes too many",
		    spec->name, c.left);
		msg_free(spec, st);
		return false;
	}
	assert(c.p == (const uint8_t *)p + n);
	return true;
}

void
msg_free(const struct msg_spec *spec, void *st)
{
	const struct msg_field *f;
	void *at;

	for (f = spec->fields; f->name != NULL; f++) {
		at = (char *)st + f->offset;
		if (f->type == MSG_TEXT)
			free(*(char **)at);
		else if (f->type == MSG_LIST)
			strv_free(at);
		else if (f->type == MSG_BLOB)
			blob_free(at);
		else if (f->type == MSG_SECRET)
			blob_wipe(at);
	}
	memset(st, 0, spec->size);
}

/* A whole message must fit at once, since a packet is never sent in parts. */
int
msg_pair(int fds[2])
{
	int size = 2 * MSG_MAX, i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	for (i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

/* The other end may be slow, but not for ever: our loop waits here. */
static int
wait_for_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int n;

	do
		n = poll(&p, 1, SEND_WAIT_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 ? 0 : -1;
}

int
msg_send(int fd, const struct msg_spec *spec, uint32_t id, const void *st,
    const int *fds, int nfds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
	} control;
	struct blob m = msg_pack(spec, id, st);
	struct iovec iov = { m.p, m.len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	assert(nfds >= 0 && nfds <= MSG_FDS_MAX);
	assert(fds != NULL || nfds == 0);
	memset(&control, 0, sizeof(control));
	if (nfds > 0) {
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)nfds);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nfds);
		memcpy(CMSG_DATA(&control.head), fds,
		    sizeof(int) * (size_t)nfds);
	}
	do {
		n = sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN && wait_for_room(fd) != 0)
			break;
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	blob_wipe(&m);
	return n < 0 ? -1 : 0;
}

/* The room for descriptors is rounded up to 8 bytes: with an odd maximum the
 * kernel would put one more in. */
_Static_assert(MSG_FDS_MAX % 2 == 0, "as many descriptors as asked for");

static uint8_t packet[MSG_MAX];

/* As many as the kernel lets through (SCM_MAX_FD): what does not fit would be
 * closed by it, and that may take as long as the sender likes. */
enum { FDS_SENT_MAX = 253 };

static bool closes_at_once;

void
msg_closes_at_once(void)
{
	closes_at_once = true;
}

void
msg_close(int fd)
{
	const struct linger never = { 0, 0 };

	assert(fd >= 0);
	if (closes_at_once)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &never,
		    sizeof(never));
	close(fd);
}

/* False: more than any message has. */
static bool
take_fds(struct msghdr *mh, int *fds, int *nfds)
{
	struct cmsghdr *c;
	bool fit = true;
	size_t n, i;
	int fd;

	*nfds = 0;
	for (c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		assert(*nfds == 0);	/* the kernel makes them one */
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (*nfds < MSG_FDS_MAX)
				fds[(*nfds)++] = fd;
			else
				msg_close(fd);
		}
		fit = fit && n <= MSG_FDS_MAX;
	}
	return fit;
}

ptrdiff_t
msg_recv(int fd, int flags, const void **p, int *fds, int *nfds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * FDS_SENT_MAX)];
	} control;
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n;
	bool fit;

	assert(p != NULL && fds != NULL && nfds != NULL);
	do
		n = recvmsg(fd, &mh, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	*p = packet;
	*nfds = 0;
	if (n < 0)
		return n;
	assert((size_t)n <= sizeof(packet));
	fit = take_fds(&mh, fds, nfds);
	/* A part of a message is none, and so is an empty packet: what came
	 * with it would leak. */
	if (n > 0 && fit && (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return n;
	while (*nfds > 0)
		msg_close(fds[--*nfds]);
	errno = EMSGSIZE;
	return n > 0 ? -1 : 0;
}

/* Secrets pass through the buffer; the next message may be a long time off. */
void
msg_forget(void)
{
	mem_wipe(packet, sizeof(packet));
}
