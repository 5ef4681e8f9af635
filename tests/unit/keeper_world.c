/* A keeper to be spoken to as master and engine do. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/x509.h>
#include "base/text.h"
#include "tests/unit/keeper_world.h"

int
give_kek(int fd, uint32_t kek_id, size_t n)
{
	uint8_t bytes[32];
	struct w_kek m = { { bytes, n }, kek_id };
	void *out;
	uint16_t kind;

	memset(bytes, 'k', sizeof(bytes));
	kind = child_ask(fd, WIRE_KEK, &m, &out);
	child_answer_free(kind, out);
	return kind;
}

int
give_peer(int master)
{
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_PEER);
	struct w_peer m = { 0 };
	int pair[2];

	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(msg_send(master, spec, 1, &m, &pair[1], 1), 0);
	close(pair[1]);
	return pair[0];
}

int
keeper_begin(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->keeper = child_start("everleaf-keeper");
	assert_int_equal(give_kek(w->keeper.fd, 1, 32), WIRE_OK);
	w->engine = give_peer(w->keeper.fd);
	*state = w;
	return 0;
}

int
keeper_end(void **state)
{
	struct world *w = *state;
	int status;

	if (w->engine >= 0)
		close(w->engine);
	status = child_end(&w->keeper);
	free(w);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

enum err_code
refusal(int fd, enum wire_kind ask, const void *st)
{
	enum err_code code = ERR_OK;
	struct err err;
	void *out;
	uint16_t kind = child_ask(fd, ask, st, &out);

	if (kind == WIRE_FAILED) {
		wire_failed_err(out, &err);
		code = err.code;
		assert_true(err.text[0] != '\0');
	}
	child_answer_free(kind, out);
	return code;
}

void *
must(int fd, enum wire_kind ask, const void *st, enum wire_kind answer)
{
	void *out;

	assert_int_equal(child_ask(fd, ask, st, &out), answer);
	return out;
}

struct strv
some_names(void)
{
	struct strv l = { NULL, 0 };

	strv_add(&l, "shop.example");
	strv_add(&l, "*.shop.example");
	strv_add(&l, "192.0.2.7");
	strv_add(&l, "2001:db8::7");
	return l;
}

EVP_PKEY *
public_key(const struct blob *spki)
{
	const unsigned char *p = spki->p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki->len);

	assert_non_null(key);
	return key;
}

struct w_key *
make_account(struct world *w)
{
	struct w_account_key q = { ACCOUNT, TEXT("https://ca.example:14000"),
		TEXT("ecdsa-p256") };

	return must(w->engine, WIRE_ACCOUNT_KEY, &q, WIRE_KEY);
}

struct w_jws
some_request(const struct blob *sealed)
{
	static char url[] = "https://ca.example:14000/o/1", nonce[] = "bm9uY2U",
	    kid[] = "https://ca.example:14000/acct/1";

	return (struct w_jws){ .account = ACCOUNT, .sealed = *sealed,
		.what = JWS_READ, .url = url, .nonce = nonce, .kid = kid };
}

struct blob
member(const struct blob *json, const char *key)
{
	char head[40], text[4096];
	const char *p, *end;
	struct blob out;

	assert_true(json->len < sizeof(text));
	memcpy(text, json->p, json->len);
	text[json->len] = '\0';
	snprintf(head, sizeof(head), "\"%s\":\"", key);
	p = strstr(text, head);
	assert_non_null(p);
	p += strlen(head);
	end = strchr(p, '"');
	assert_true(text_unb64u(&out, p, (size_t)(end - p)));
	return out;
}
