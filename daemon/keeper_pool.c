/* Generators of slow keys, and the few keys that they have made. On their
 * channels goes one byte, the row in key_types[]; and back the same byte and
 * the key in PKCS#8. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/msg.h"
#include "daemon/keeper_pool.h"

enum { STOCK = 4, ORDERS = 256, MESSAGE = 8192 };

int pool_fds[POOL_GENERATORS] = { -1, -1 };

static struct {
	EVP_PKEY *stock[KEY_TYPES][STOCK];
	size_t stock_n[KEY_TYPES];
	uint8_t orders[ORDERS];		/* rows, oldest first */
	size_t orders_n;
	bool busy[POOL_GENERATORS];
	uint8_t message[MESSAGE];	/* wiped after each use */
} pool;

/* Only these two calls are in the keeper's allow-list. */
static ssize_t
pass(int fd, void *p, size_t n, bool sending)
{
	struct iovec io = { p, n };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t got;

	assert(fd >= 0 && n > 0);
	do
		got = sending ? sendmsg(fd, &m, MSG_NOSIGNAL) :
		    recvmsg(fd, &m, 0);
	while (got < 0 && errno == EINTR);
	return got;
}

/* --- in a generator ------------------------------------------------------- */

/* 0: go on. */
static int
make_one(int fd)
{
	const struct key_type *t;
	struct blob der = { NULL, 0 };
	struct err err;
	uint8_t row;
	EVP_PKEY *key;
	bool sent = false;

	if (pass(fd, &row, 1, false) != 1 || row >= KEY_TYPES)
		return -1;
	t = &key_types[row];
	key = key_generate(t, &err);
	if (key != NULL && key_write(&der, key, &err) == 0 &&
	    der.len < MESSAGE) {
		pool.message[0] = row;
		memcpy(pool.message + 1, der.p, der.len);
		sent = pass(fd, pool.message, der.len + 1, true) ==
		    (ssize_t)der.len + 1;
	}
	mem_wipe(pool.message, sizeof(pool.message));
	blob_wipe(&der);
	EVP_PKEY_free(key);
	return sent ? 0 : -1;
}

/* With nothing open but the log and its channel: the keeper's end is noticed
 * by whoever talks to it, not kept alive from here. */
static void __attribute__((noreturn))
generate(int fd, const struct sandbox_plan *plan, void (*prepare)(void))
{
	struct err err;

	if (fd != STDERR_FILENO + 1)
		dup2(fd, STDERR_FILENO + 1);
	syscall(SYS_close_range, (unsigned)STDERR_FILENO + 2, ~0U, 0U);
	prepare();
	if (sandbox_enter(plan, NULL, &err) != 0)
		_exit(1);
	while (make_one(STDERR_FILENO + 1) == 0)
		;
	_exit(0);
}

/* --- in the keeper -------------------------------------------------------- */

int
pool_start(const struct sandbox_plan *plan, void (*prepare)(void),
    struct err *err)
{
	int pair[2], i;
	pid_t pid;

	assert(prepare != NULL);
	for (i = 0; i < POOL_GENERATORS; i++) {
		assert(pool_fds[i] < 0);
		if (msg_pair(pair) != 0)
			return err_errno(err, ERR_KEEPER, "key generator");
		pid = fork();
		if (pid == 0)
			generate(pair[1], plan, prepare);
		close(pair[1]);
		pool_fds[i] = pair[0];
		if (pid < 0)
			return err_errno(err, ERR_KEEPER, "key generator");
	}
	return 0;
}

/* Idle ones begin with the oldest orders. */
static void
hand_out(void)
{
	int i;

	assert(pool.orders_n <= ORDERS);
	for (i = 0; i < POOL_GENERATORS && pool.orders_n > 0; i++) {
		if (pool.busy[i] || pool_fds[i] < 0)
			continue;
		/* One that is gone is noticed by pool_hear(). */
		pass(pool_fds[i], &pool.orders[0], 1, true);
		pool.busy[i] = true;
		memmove(pool.orders, pool.orders + 1, --pool.orders_n);
	}
}

void
pool_order(const struct key_type *t)
{
	assert(t->slow && pool.orders_n < ORDERS);
	assert(t >= key_types && t < key_types + KEY_TYPES);
	pool.orders[pool.orders_n++] = (uint8_t)(t - key_types);
	hand_out();
}

/* The newest go: the oldest are the next to be begun. */
void
pool_wanted(const struct key_type *t, size_t n)
{
	uint8_t row = (uint8_t)(t - key_types);
	size_t i, kept = 0, seen = 0;

	assert(t >= key_types && t < key_types + KEY_TYPES);
	for (i = 0; i < pool.orders_n; i++)
		if (pool.orders[i] != row || seen++ < n)
			pool.orders[kept++] = pool.orders[i];
	pool.orders_n = kept;
}

void
pool_cancel(void)
{
	pool.orders_n = 0;
}

/* One more than fits was made for somebody who no longer waits. */
static void
keep(uint8_t row, EVP_PKEY *key)
{
	assert(row < KEY_TYPES && key != NULL);
	if (pool.stock_n[row] < STOCK)
		pool.stock[row][pool.stock_n[row]++] = key;
	else
		EVP_PKEY_free(key);
}

/* A generator is no more trusted than it must be: what it sends is read as a
 * key, and counts only if one was ordered. */
int
pool_hear(int i, struct err *err)
{
	ssize_t n = pass(pool_fds[i], pool.message, sizeof(pool.message),
	    false);
	uint8_t row = pool.message[0];
	EVP_PKEY *key = NULL;

	assert(i >= 0 && i < POOL_GENERATORS && pool_fds[i] >= 0);
	if (n > 1 && pool.busy[i] && row < KEY_TYPES && key_types[row].slow)
		key = key_read(pool.message + 1, (size_t)n - 1, err);
	mem_wipe(pool.message, sizeof(pool.message));
	if (key == NULL)
		return err_set(err, ERR_KEEPER, "key generator: %s", n <= 0 ?
		    "it ended" : "it gave something that is no key");
	pool.busy[i] = false;
	keep(row, key);
	hand_out();
	return 0;
}

bool
pool_has(const struct key_type *t)
{
	assert(t >= key_types && t < key_types + KEY_TYPES);
	return pool.stock_n[t - key_types] > 0;
}

EVP_PKEY *
pool_take(const struct key_type *t)
{
	size_t row = (size_t)(t - key_types);

	assert(row < KEY_TYPES && pool.stock_n[row] <= STOCK);
	return pool.stock_n[row] > 0 ? pool.stock[row][--pool.stock_n[row]] :
	    NULL;
}
