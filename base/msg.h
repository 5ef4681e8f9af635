/* Messages between our processes: one SOCK_SEQPACKET packet each, so that a
 * message is whole or not there. Little-endian header { u16 magic, u16 kind,
 * u32 id, u32 length } and a body that a table of fields describes; what does
 * not match its table to the last byte ends the channel, loudly. `id` pairs a
 * reply with its request and means nothing else. */
#ifndef BASE_MSG_H
#define BASE_MSG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"

enum { MSG_MAX = 200 * 1024, MSG_FDS_MAX = 12, MSG_LIST_MAX = 4096 };

/* How a field lies in its struct, and so how it goes over the wire. */
enum msg_type {
	MSG_U8,			/* uint8_t */
	MSG_U32,		/* uint32_t */
	MSG_U64,		/* uint64_t */
	MSG_I64,		/* int64_t */
	MSG_TEXT,		/* char *, owned; never NULL after msg_unpack */
	MSG_LIST,		/* struct strv */
	MSG_BLOB,		/* struct blob */
	MSG_SECRET		/* struct blob, wiped when freed */
};

struct msg_field {
	const char *name;
	enum msg_type type;
	size_t offset;
	size_t max;		/* bytes of TEXT, BLOB, SECRET; texts in a
				 * LIST, each of them 1 KiB at most */
	bool (*check)(const char *);	/* for TEXT and each text of a LIST;
				 * NULL: printable ASCII. Empty TEXT passes */
};

struct msg_spec {		/* a table of these ends with name NULL */
	const char *name;	/* for the log */
	uint16_t kind;
	size_t size;		/* of the struct */
	const struct msg_field *fields;	/* ends with name NULL */
};

/* Tables are written with these. */
#define MSG_F(st, type, field, max) \
	{ #field, MSG_##type, offsetof(struct st, field), (max), NULL }
#define MSG_FC(st, type, field, max, check) \
	{ #field, MSG_##type, offsetof(struct st, field), (max), (check) }
#define MSG_END { NULL, MSG_U8, 0, 0, NULL }

bool msg_any_text(const char *s);	/* a check that lets all bytes pass */

const struct msg_spec *msg_find(const struct msg_spec *table, uint16_t kind);

/* Bytes of one message with its header; asserts that the struct keeps to its
 * table (a bug of ours). The caller frees the blob. */
struct blob msg_pack(const struct msg_spec *spec, uint32_t id, const void *st);
/* Reads the header; false when the bytes are no message of ours. */
bool msg_head(const void *p, size_t n, uint16_t *kind, uint32_t *id);
/* Fills *st (spec->size bytes) from a whole message. On false *st holds
 * nothing that needs freeing and err says which field is wrong. */
bool msg_unpack(const struct msg_spec *spec, const void *p, size_t n,
    void *st, struct err *err);
void msg_free(const struct msg_spec *spec, void *st);
/* Closes a descriptor that came with a message: once this process has said that
 * it may call setsockopt(2), without waiting for as long as its sender has said
 * (SO_LINGER). */
void msg_close(int fd);
void msg_closes_at_once(void);

/* Sockets. Both ends: close-on-exec, blocking; -1 and errno on failure. */
int msg_pair(int fds[2]);
/* Sends one message, with descriptors (which stay the caller's). Waits for
 * room for at most 5 s. -1: errno, EPIPE when the other end is gone. */
int msg_send(int fd, const struct msg_spec *spec, uint32_t id, const void *st,
    const int *fds, int nfds);
/* Receives one packet into a static buffer of MSG_MAX that the next call
 * overwrites (and that msg_forget wipes). Returns its length, 0 when the other
 * end is gone (or sends a packet of nothing), -1 with errno (EAGAIN with flags
 * MSG_DONTWAIT). Descriptors arrive close-on-exec in fds[MSG_FDS_MAX], *nfds
 * of them: the caller's. */
ptrdiff_t msg_recv(int fd, int flags, const void **p, int *fds, int *nfds);
void msg_forget(void);
#endif
