/* The floor: encodings, times, names, errors, messages. */
#include <config.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/err.h"
#include "base/idset.h"
#include "base/msg.h"
#include "base/name.h"
#include "base/text.h"

static void
base64url(void **state)
{
	static const struct { const char *plain, *coded; } t[] = {
		{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
		{ "\xff\xef\xfe", "_-_-" }
	};
	static const char *const wrong[] = {
		"Zg==", "Z", "Zg ", "Zm8\n", "Zh", "Zm9", "+/+/"
	};
	struct blob back;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 100);
		text_b64u(&b, t[i].plain, strlen(t[i].plain));
		buf_puts(&b, "");
		assert_string_equal(b.data, t[i].coded);
		assert_true(text_unb64u(&back, b.data, b.len));
		assert_int_equal(back.len, strlen(t[i].plain));
		if (back.len > 0)
			assert_memory_equal(back.p, t[i].plain, back.len);
		blob_free(&back);
		buf_free(&b);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(text_unb64u(&back, wrong[i], strlen(wrong[i])));
}

static void
times(void **state)
{
	static const struct { const char *text; int64_t ms; } good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1985-04-12T23:20:50.52Z", 482196050520 },
		{ "1996-12-19T16:39:57-08:00", 851042397000 },
		{ "2000-02-29T12:00:00.123456789+00:00", 951825600123 },
		{ "0000-01-01T00:00:00Z", -62167219200000 },
		{ "9999-12-31T23:59:59Z", 253402300799000 }
	};
	static const char *const bad[] = {
		"", "2026-11-21", "2026-02-30T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "x",
		"2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zz"
	};
	static const char *const dates[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"
	};
	char out[TEXT_TIME];
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(text_unrfc3339(&ms, good[i].text));
		assert_true(ms == good[i].ms);
		text_rfc3339(out, ms);
		assert_true(text_unrfc3339(&ms, out));
		assert_true(ms / 1000 == good[i].ms / 1000);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_unrfc3339(&ms, bad[i]));
	for (i = 0; i < 3; i++) {
		assert_true(text_http_date(&ms, dates[i]));
		assert_true(ms == 784111777000);
	}
	assert_false(text_http_date(&ms, "Fri, 31 Foo 9999 00:00:00 GMT"));
	assert_false(text_http_date(&ms, "120"));
	assert_true(text_duration(&ms, "7d") && ms == 604800000);
	assert_false(text_duration(&ms, "30"));
	assert_false(text_duration(&ms, "99999999999d"));
}

static void
names(void **state)
{
	static const struct { const char *in, *out; } good[] = {
		{ "WWW.Shop.Example.", "www.shop.example" },
		{ "*.shop.example", "*.shop.example" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "2001:DB8:0:0::1", "2001:db8::1" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" }
	};
	static const char *const bad[] = {
		"", ".", "$(id).com", "a;reboot.x", "-rf.example", "../x",
		"a b.c", "a\nb.c", "*.*.x.y", "*", "a..b", "a_b.c", "local",
		"1.2.3", "x.*.y", "ab--c.de", "b\xc3\xbc.example"
	};
	char out[256], title[NAME_TITLE_MAX + 1];
	enum name_kind kind;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(name_parse(out, &kind, good[i].in, &err), 0);
		assert_string_equal(out, good[i].out);
		name_title(title, out);
		assert_true(name_is_title(title));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(name_parse(out, &kind, bad[i], &err), -1);
		assert_int_equal(err.class, ERR_USAGE);
	}
	assert_false(name_is_title(".."));
	assert_false(name_is_title("a/b"));
	assert_false(name_is_token("../../etc/cron.d/x"));
	assert_true(name_is_token(
	    "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"));
}

struct sample {
	uint8_t a;
	uint32_t b;
	uint64_t c;
	char *text;
	struct strv list;
	struct blob blob;
};

static const struct msg_field sample_fields[] = {
	MSG_F(sample, U8, a, 0), MSG_F(sample, U32, b, 0),
	MSG_F(sample, U64, c, 0), MSG_F(sample, TEXT, text, 10),
	MSG_FC(sample, LIST, list, 3, name_is_word),
	MSG_F(sample, BLOB, blob, 100), MSG_END
};
static const struct msg_spec sample_spec = {
	"sample", 7, sizeof(struct sample), sample_fields
};

static void
key_authorizations(void **state)
{
#define TOKEN "DGyRejmCefe7v4NfDGDKfA_-0123"
#define THUMB "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
	static const struct { const char *keyauth, *token; } wrong[] = {
		{ "." THUMB, "" }, { "a." THUMB, "a" },
		{ TOKEN "." THUMB, "" }, { TOKEN "." THUMB "A", TOKEN },
		{ TOKEN "..", TOKEN }, { TOKEN, TOKEN },
		{ "a/b." THUMB, "a/b" }
	};
	size_t i;

	(void)state;
	assert_true(name_is_keyauth(TOKEN "." THUMB, TOKEN));
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(name_is_keyauth(wrong[i].keyauth,
		    wrong[i].token));
}

static void
messages(void **state)
{
	struct sample s = { 1, 2, UINT64_MAX - 1, (char[]){ "hello" },
		{ NULL, 0 }, { (uint8_t *)(char[]){ "xyz" }, 3 } }, back;
	struct blob m, cut;
	struct err err;
	size_t i;

	(void)state;
	strv_add(&s.list, "one");
	m = msg_pack(&sample_spec, 42, &s);
	assert_true(msg_unpack(&sample_spec, m.p, m.len, &back, &err));
	assert_true(back.a == 1 && back.b == 2 && back.c == UINT64_MAX - 1);
	assert_string_equal(back.text, "hello");
	assert_string_equal(back.list.v[0], "one");
	assert_memory_equal(back.blob.p, "xyz", 3);
	msg_free(&sample_spec, &back);
	/* No shorter message passes, whatever its length says. */
	for (i = 0; i < m.len; i++) {
		cut = blob_copy(m.p, i);
		if (i >= 12)
			cut.p[8] = (uint8_t)i;
		assert_false(i >= 12 && msg_unpack(&sample_spec, cut.p, cut.len,
		    &back, &err));
		blob_free(&cut);
	}
	blob_free(&m);
	strv_free(&s.list);
}

static void
messages_carry_descriptors(void **state)
{
	struct sample s = { .text = (char[]){ "fd" } };
	int pair[2], fds[MSG_FDS_MAX], n, pipes[2];
	const void *p;
	ptrdiff_t len;

	(void)state;
	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(msg_send(pair[0], &sample_spec, 1, &s, pipes, 2), 0);
	len = msg_recv(pair[1], 0, &p, fds, &n);
	assert_true(len > 12);
	assert_int_equal(n, 2);
	assert_int_equal(write(fds[1], "x", 1), 1);
	close(fds[0]);
	close(fds[1]);
	close(pair[0]);
	assert_int_equal(msg_recv(pair[1], 0, &p, fds, &n), 0);
	close(pair[1]);
	close(pipes[0]);
	close(pipes[1]);
}

static void
errors_are_escaped(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_CA_REFUSED, "bad\x1b[31m \xe2\x80\xae word\n");
	assert_string_equal(err.text, "bad\\x1b[31m \\xe2\\x80\\xae word\\x0a");
	err_context(&err, "order %d", 1);
	assert_int_equal(strncmp(err.text, "order 1: bad", 12), 0);
	assert_int_equal(err.class, ERR_REFUSED);
	assert_int_equal(err_code_find("ca-refused"), ERR_CA_REFUSED);
}

/* A packet of so many bytes, and n times this descriptor. */
static ssize_t
hand_over(int to, size_t bytes, int fd, size_t n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * 20)];
	} control;
	struct iovec io = { (char[]){ "x" }, bytes };
	struct msghdr mh = { .msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(int) * n) };
	size_t i;

	assert_true(mh.msg_controllen <= sizeof(control) && bytes <= 1);
	memset(&control, 0, sizeof(control));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int) * n);
	for (i = 0; i < n; i++)
		memcpy(CMSG_DATA(&control.head) + i * sizeof(fd), &fd,
		    sizeof(fd));
	return sendmsg(to, &mh, 0);
}

/* A packet of no bytes looks like the end; what came with it is not kept. */
static void
an_empty_packet_leaks_nothing(void **state)
{
	int pair[2], fds[MSG_FDS_MAX], n = 7, next, i;
	const void *p;

	(void)state;
	assert_int_equal(msg_pair(pair), 0);
	next = dup(pair[0]);		/* the lowest number that is free */
	close(next);
	for (i = 0; i < 3; i++) {
		assert_int_equal(hand_over(pair[0], 0, pair[0], 2), 0);
		assert_int_equal(msg_recv(pair[1], 0, &p, fds, &n), 0);
		assert_int_equal(n, 0);
	}
	assert_int_equal(dup(pair[0]), next);
	close(next);
	close(pair[0]);
	close(pair[1]);
}

/* More than any message has: all are closed here, none by the kernel. */
static void
too_many_descriptors_are_closed(void **state)
{
	int pair[2], fds[MSG_FDS_MAX], n, next;
	const void *p;

	(void)state;
	assert_int_equal(msg_pair(pair), 0);
	next = dup(pair[0]);
	close(next);
	assert_int_equal(hand_over(pair[0], 1, pair[0], 20), 1);
	assert_int_equal(msg_recv(pair[1], 0, &p, fds, &n), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(n, 0);
	assert_int_equal(dup(pair[0]), next);
	close(next);
	close(pair[0]);
	close(pair[1]);
}

/* A connection with bytes that nobody takes, made to wait for that. */
static int
lingering(int *peer)
{
	const struct linger long_time = { 1, 30 };
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	static char bytes[65536];
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(door, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(door, 1), 0);
	assert_int_equal(getsockname(door, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	*peer = accept(door, NULL, NULL);
	close(door);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &long_time,
	    sizeof(long_time)), 0);
	return fd;
}

static void
closing_waits_for_nobody(void **state)
{
	struct timespec before, after;
	int peer, fd = lingering(&peer);

	(void)state;
	msg_closes_at_once();
	clock_gettime(CLOCK_MONOTONIC, &before);
	msg_close(fd);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(after.tv_sec - before.tv_sec, 0, 15);
	close(peer);
}

/* Ids that fall on the same slots, too: they differ in their high bits only. */
static void
ids(void **state)
{
	struct idset s = { NULL, 0, 0, NULL, 0 };
	int64_t i;

	(void)state;
	for (i = 0; i < 10000; i++)
		assert_true(idset_add(&s, i % 2 == 0 ? i : i << 40));
	for (i = 0; i < 10000; i++)
		assert_false(idset_add(&s, i % 2 == 0 ? i : i << 40));
	assert_int_equal(s.n, 10000);
	assert_true(s.ids[2] == 2 && s.ids[9999] == 9999LL << 40);
	idset_free(&s);
	assert_true(idset_add(&s, 5));
	idset_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64url), cmocka_unit_test(times),
		cmocka_unit_test(names),
		cmocka_unit_test(key_authorizations),
		cmocka_unit_test(messages),
		cmocka_unit_test(messages_carry_descriptors),
		cmocka_unit_test(an_empty_packet_leaks_nothing),
		cmocka_unit_test(too_many_descriptors_are_closed),
		cmocka_unit_test(closing_waits_for_nobody),
		cmocka_unit_test(errors_are_escaped), cmocka_unit_test(ids)
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
