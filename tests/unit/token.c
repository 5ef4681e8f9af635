/* everleaf-token without a token: who may ask what of it, that an account is
 * only what the master has said, and that errors show no PIN. With real tokens
 * tests/system/account-*.t try it. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/unit/child.h"

#define TEXT(s) ((char[]){ s })
#define PIN "4711"
#define SHOWN "pkcs11:object=k?pin-value=***"

struct world {
	struct child token;
	int engine;
};

static void
start(struct world *w)
{
	const struct msg_spec *spec = msg_find(wire_specs, WIRE_PEER);
	struct w_peer m = { 0 };
	int pair[2];

	/* A provider of this machine would make errors of its own. */
	setenv("OPENSSL_MODULES", "/nonexistent", 1);
	w->token = child_start("everleaf-token");
	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(msg_send(w->token.fd, spec, 1, &m, &pair[1], 1), 0);
	close(pair[1]);
	w->engine = pair[0];
}

static void
stop(struct world *w)
{
	int status = child_end(&w->token);

	close(w->engine);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
tell(const struct world *w, char *ca, char *uri)
{
	struct w_token m = { ca, TEXT("https://ca.example"), TEXT(SHOWN),
		{ (uint8_t *)uri, strlen(uri) } };
	void *out;

	assert_int_equal(child_ask(w->token.fd, WIRE_TOKEN, &m, &out),
	    WIRE_OK);
	child_answer_free(WIRE_OK, out);
}

static void
refused(int fd, enum wire_kind ask, const void *st, const char *text)
{
	struct w_failed *f;
	struct err err;
	void *out;

	assert_int_equal(child_ask(fd, ask, st, &out), WIRE_FAILED);
	f = out;
	wire_failed_err(f, &err);
	assert_int_equal(err.code, ERR_TOKEN);
	if (strstr(err.text, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, err.text);
	assert_null(strstr(err.text, PIN));
	assert_null(strstr(err.advice, PIN));
	child_answer_free(WIRE_FAILED, out);
}

static struct w_jws
some_request(char *ref)
{
	static char url[] = "https://ca.example/new", nonce[] = "bm9uY2U",
	    none[] = "";
	struct w_jws q = { .account = 1,
		.sealed = { (uint8_t *)ref, strlen(ref) }, .what = 1,
		.url = url, .nonce = nonce, .kid = none, .profile = none,
		.replaces = none, .not_before = none, .not_after = none,
		.eab = none, .eab_kid = none };

	return q;
}

static void
without_a_provider(void **unused)
{
	struct w_token_key ask = { TEXT("own") };
	struct w_jws q;
	struct world w;
	char *ref = wire_token_ref("own", SHOWN);

	(void)unused;
	start(&w);
	tell(&w, TEXT("own"), TEXT("pkcs11:object=k?pin-value=" PIN));
	refused(w.engine, WIRE_TOKEN_KEY, &ask, "account key " SHOWN
	    " of ca \"own\": the provider pkcs11 of OpenSSL does not load");
	q = some_request(ref);
	refused(w.engine, WIRE_TOKEN_JWS, &q, "does not load");
	free(ref);
	stop(&w);
}

static void
a_tpm_that_is_not_there(void **unused)
{
	struct w_token_key ask = { TEXT("own") };
	struct world w;

	(void)unused;
	start(&w);
	tell(&w, TEXT("own"), TEXT("handle:0x81000001"));
	refused(w.engine, WIRE_TOKEN_KEY, &ask, "the provider tpm2 of OpenSSL "
	    "does not load");
	stop(&w);
}

/* An engine that was taken over finds no further key by another name. */
static void
only_what_the_master_said(void **unused)
{
	static const char *const refs[] = { "", "own", "other " SHOWN,
		"own pkcs11:object=other", "own " SHOWN " " };
	struct w_token_key ask = { TEXT("other") };
	struct w_jws q;
	struct world w;
	size_t i;

	(void)unused;
	start(&w);
	tell(&w, TEXT("own"), TEXT("pkcs11:object=k?pin-value=" PIN));
	refused(w.engine, WIRE_TOKEN_KEY, &ask, "ca \"other\" has no "
	    "account-key");
	for (i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		q = some_request((char *)(uintptr_t)refs[i]);
		refused(w.engine, WIRE_TOKEN_JWS, &q, "no such account-key");
	}
	stop(&w);
}

/* What only the master may say, and what only the keeper is asked, ends the
 * engine's channel and nothing else. */
static void
the_engine_may_say_no_more(void **unused)
{
	struct w_token token = { TEXT("own"), TEXT("https://evil.example"),
		TEXT(SHOWN), { NULL, 0 } };
	struct w_token_key ask = { TEXT("own") };
	struct w_jws jws = some_request(TEXT("own"));
	struct w_arm arm = { .what = ARM_DEACTIVATE, .object = 1,
		.seconds = 60, .origin = TEXT("https://ca.example"),
		.ca = TEXT("own") };
	const struct { enum wire_kind kind; const void *st; } tries[] = {
		{ WIRE_TOKEN, &token }, { WIRE_ARM, &arm },
		{ WIRE_JWS, &jws }
	};
	struct world w;
	void *out;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		start(&w);
		assert_int_equal(child_ask(w.engine, tries[i].kind,
		    tries[i].st, &out), 0);
		tell(&w, TEXT("own"), TEXT("handle:0x81000001"));
		stop(&w);
	}
	start(&w);
	refused(w.engine, WIRE_TOKEN_KEY, &ask, "has no account-key");
	stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_provider),
		cmocka_unit_test(a_tpm_that_is_not_there),
		cmocka_unit_test(only_what_the_master_said),
		cmocka_unit_test(the_engine_may_say_no_more)
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
