/* The two ends of an operator's connection: packets with perhaps a descriptor,
 * and the command's whole conversation. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/msg.h"
#include "daemon/operator_io.h"

enum { PATIENCE_MS = 60 * 1000, RESULT_MAX = 64 * 1024 };

/* One packet, never a part of one: the socket keeps their borders. */
int
operator_send(int fd, const void *p, size_t n, int pass)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	assert(fd >= 0 && n > 0);
	memset(&control, 0, sizeof(control));
	if (pass >= 0) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &pass, sizeof(pass));
	}
	do
		sent = sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n ? 0 : -1;
}

struct blob
operator_pack(const struct w_key *k)
{
	const struct blob *parts[] = { &k->sealed, &k->spki };
	struct blob out = { xcalloc(1, k->sealed.len + k->spki.len + 8), 0 };
	size_t i, b;

	for (i = 0; i < 2; i++) {
		for (b = 0; b < 4; b++)
			out.p[out.len++] = (uint8_t)(parts[i]->len >> (8 * b));
		if (parts[i]->len > 0)
			memcpy(out.p + out.len, parts[i]->p, parts[i]->len);
		out.len += parts[i]->len;
	}
	assert(out.len == k->sealed.len + k->spki.len + 8);
	return out;
}

bool
operator_unpack(struct w_key *k, const uint8_t *p, size_t n)
{
	struct blob *parts[] = { &k->sealed, &k->spki };
	size_t i, len;

	assert(p != NULL || n == 0);
	memset(k, 0, sizeof(*k));
	for (i = 0; i < 2 && n >= 4; i++) {
		len = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 |
		    (size_t)p[3] << 24;
		if (len == 0 || len > n - 4)
			break;
		*parts[i] = blob_copy(p + 4, len);
		p += 4 + len;
		n -= 4 + len;
	}
	if (i == 2 && n == 0)
		return true;
	blob_free(&k->sealed);
	blob_free(&k->spki);
	return false;
}

/* --- the command's side --------------------------------------------------- */

static int
reach(const char *run_dir, struct err *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, n;

	assert(run_dir != NULL);
	n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/" OPERATOR_SOCKET,
	    run_dir);
	if (n < 0 || (size_t)n >= sizeof(to.sun_path))
		return err_set(err, ERR_CONFIG_BAD, "run-dir %s is too long "
		    "for the path of a socket", run_dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	if (errno == EACCES || errno == EPERM) {
		err_set(err, ERR_NO_PERMISSION, "no permission on %s",
		    to.sun_path);
		err_advise(err, "Become root.");
	} else {
		err_set(err, ERR_DAEMON_DOWN, "no daemon at %s", to.sun_path);
		err_advise(err, "systemctl start everleaf");
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
no_answer(struct err *err)
{
	return err_set(err, ERR_DAEMON_DOWN, "the daemon did not answer");
}

static int
read_result(int fd, struct w_key *k, struct err *err)
{
	uint8_t *p = xcalloc(1, RESULT_MAX);
	ssize_t n = pread(fd, p, RESULT_MAX, 0);
	bool good = n > 0 && operator_unpack(k, p, (size_t)n);

	assert(fd >= 0);
	blob_free(&(struct blob){ p, RESULT_MAX });
	return good ? 0 : no_answer(err);
}

/* The answer, and if file is not NULL the one that comes with it. */
static int
hear(int fd, int *file, struct err *err)
{
	struct pollfd p = { fd, POLLIN, 0 };
	int fds[MSG_FDS_MAX], nfds = 0, i;
	bool good = false;
	const void *raw;
	ptrdiff_t n = 0;

	assert(fd >= 0);
	if (poll(&p, 1, PATIENCE_MS) == 1)
		n = msg_recv(fd, MSG_DONTWAIT, &raw, fds, &nfds);
	if (n > 0)
		good = operator_answer_read(err, raw, (size_t)n);
	if (good && err->code == ERR_OK && file != NULL) {
		good = nfds == 1;
		if (good)
			*file = fds[--nfds];
	}
	for (i = 0; i < nfds; i++)
		close(fds[i]);
	if (good)
		return err->code == ERR_OK ? 0 : -1;
	return no_answer(err);
}

/* Connected, and asked; or -1 and err. */
static int
begin(const char *run_dir, const struct operator_request *r, int key,
    struct err *err)
{
	uint8_t request[OPERATOR_REQUEST];
	int fd = reach(run_dir, err);

	if (fd < 0)
		return -1;
	operator_write(request, r);
	if (operator_send(fd, request, sizeof(request), key) == 0)
		return fd;
	err_errno(err, ERR_DAEMON_DOWN, "the daemon does not listen");
	close(fd);
	return -1;
}

int
operator_ask(const char *run_dir, const struct operator_request *r, int key,
    struct w_key *sealed, struct err *err)
{
	int fd = begin(run_dir, r, key, err), file = -1, rc;

	assert((r->kind == OPERATOR_IMPORT) == (key >= 0));
	if (fd < 0)
		return -1;
	rc = hear(fd, sealed != NULL ? &file : NULL, err);
	if (rc == 0 && sealed != NULL) {
		rc = read_result(file, sealed, err);
		close(file);
	}
	close(fd);
	return rc;
}

int
operator_files(const char *run_dir, struct err *err)
{
	const struct operator_request r = { .kind = OPERATOR_FILES };
	int fd = begin(run_dir, &r, -1, err), dir = -1;

	if (fd < 0)
		return -1;
	if (hear(fd, &dir, err) != 0)
		dir = -1;
	close(fd);
	return dir;
}

int
operator_arm_export(const char *run_dir, const char *ca, uint64_t account,
    uint32_t seconds, struct err *err)
{
	struct operator_request r = { .kind = OPERATOR_ARM,
		.what = ARM_EXPORT, .object = account, .seconds = seconds };
	int fd;

	if (!operator_name_ca(&r, ca))
		return err_set(err, ERR_INVALID, "\"%.64s\" is longer than "
		    "the title of a ca may be here: %d letters", ca,
		    OPERATOR_MORE);
	fd = begin(run_dir, &r, -1, err);
	if (fd < 0 || hear(fd, NULL, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Nothing of it stays in the file, whoever else may have that open. */
int
operator_take_key(int fd, struct blob *pem, struct err *err)
{
	struct blob b = { NULL, RESULT_MAX };
	ssize_t n;
	int file;

	assert(fd >= 0 && pem != NULL);
	*pem = (struct blob){ NULL, 0 };
	if (hear(fd, &file, err) != 0)
		return -1;
	b.p = xcalloc(1, b.len);
	n = pread(file, b.p, b.len, 0);
	if (n > 0)
		*pem = blob_copy(b.p, (size_t)n);
	mem_wipe(b.p, b.len);
	if (n <= 0 || pwrite(file, b.p, (size_t)n, 0) != n) {
		blob_wipe(pem);
		n = 0;
	}
	close(file);
	blob_wipe(&b);
	return n > 0 ? 0 : no_answer(err);
}
