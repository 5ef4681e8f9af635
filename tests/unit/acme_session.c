/* Sessions: the directory and its moves, the account found or made, nonces. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acme_fake.h"
#include "acme/session.h"

#define URN "urn:ietf:params:acme:error:"
#define DIRECTORY "{\"newNonce\":\"" ORIGIN "/n\",\"newAccount\":\"" ORIGIN \
	"/a\",\"newOrder\":\"" ORIGIN "/o\",\"meta\":{\"termsOfService\":" \
	"\"https://ca.example/terms\"}}"

static struct acme_session *
session(const char *kid, bool agree)
{
	EVP_PKEY *key = make_key("P-256");
	struct blob spki = spki_of(key);
	struct acme_account a = { .directory_url = ORIGIN "/directory",
	    .spki = spki.p, .spki_len = spki.len, .kid = kid,
	    .agree_tos = agree };
	struct err err;
	struct acme_session *s = acme_session_new(&a, &err);

	assert_non_null(s);
	blob_free(&spki);
	EVP_PKEY_free(key);
	return s;
}

/* One exchange of a script: what is expected, and the answer to it. */
struct line {
	enum acme_method method;
	const char *url;
	int status;
	const char *body, *location, *nonce, *type;
	enum acme_event_kind kind;
};

/* Plays a script (ended by url NULL) and gives the last wish. */
static struct acme_wish
play(struct acme_session *s, int64_t now_ms, const struct line *t,
    struct err *err)
{
	struct acme_event ev;
	struct acme_wish w;

	err_clear(err);
	w = acme_session_step(s, now_ms, NULL, err);
	while (w.kind != ACME_WISH_DONE && w.kind != ACME_WISH_FAIL) {
		memset(&ev, 0, sizeof(ev));
		if (w.kind == ACME_WISH_SIGN) {
			assert_int_equal(w.jws.what, JWS_NEW_ACCOUNT);
			assert_string_equal(w.jws.kid, "");
			ev.kind = ACME_SIGNED;
			ev.bytes = (struct blob){ (uint8_t *)"jws", 3 };
		} else {
			assert_int_equal(w.kind, ACME_WISH_HTTP);
			if (t->url == NULL)
				fail_msg("unexpected %s", w.url);
			assert_int_equal(w.method, t->method);
			assert_string_equal(w.url, t->url);
			assert_true(w.save == (w.method == ACME_POST));
			ev.kind = t->kind;
			ev.reply.status = t->status;
			ev.reply.body = t->body;
			ev.reply.body_len = t->body ? strlen(t->body) : 0;
			ev.reply.location = t->location;
			ev.reply.nonce = t->nonce;
			ev.reply.content_type = t->type;
			t++;
		}
		w = acme_session_step(s, now_ms, &ev, err);
	}
	assert_null(t->url);
	return w;
}

#define GET_DIR { ACME_GET, ORIGIN "/directory", 200, DIRECTORY, NULL, NULL, \
	NULL, ACME_REPLY }
#define HEAD(nonce) { ACME_HEAD, ORIGIN "/n", 200, NULL, NULL, nonce, NULL, \
	ACME_REPLY }
#define POST(status, body, location, nonce) { ACME_POST, ORIGIN "/a", status, \
	body, location, nonce, NULL, ACME_REPLY }
#define END { ACME_GET, NULL, 0, NULL, NULL, NULL, NULL, ACME_REPLY }

static void
registers(void **state)
{
	static const int statuses[] = { 201, 200 };
	struct line t[] = { GET_DIR, HEAD("abc"), POST(0,
	    "{\"status\":\"valid\"}", ORIGIN "/acct/1", "def"), END };
	struct acme_session *s;
	struct acme_wish w;
	struct err err;
	char *nonce;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		s = session(NULL, true);
		t[2].status = statuses[i];
		w = play(s, NOW_MS, t, &err);
		assert_int_equal(w.kind, ACME_WISH_DONE);
		assert_true(w.save);
		assert_string_equal(acme_session_kid(s), ORIGIN "/acct/1");
		assert_string_equal(acme_session_terms(s),
		    "https://ca.example/terms");
		assert_int_equal(strlen(acme_session_thumbprint(s)), 43);
		assert_null(acme_session_renewal_info(s));
		assert_false(acme_session_has_profile(s, "x"));
		/* Fresh: done at once, nothing new to store. */
		w = play(s, NOW_MS + DAY_MS - 1, &t[3], &err);
		assert_int_equal(w.kind, ACME_WISH_DONE);
		assert_false(w.save);
		nonce = session_take_nonce(s, NOW_MS);
		assert_string_equal(nonce, "def");
		free(nonce);
		/* A day later the directory is read, the account known. */
		w = play(s, NOW_MS + DAY_MS, (struct line[]){ GET_DIR, END },
		    &err);
		assert_int_equal(w.kind, ACME_WISH_DONE);
		acme_session_forget_directory(s);
		play(s, NOW_MS + DAY_MS, (struct line[]){ GET_DIR, END },
		    &err);
		acme_session_free(s);
	}
}

static void
known_account(void **state)
{
	struct acme_session *s = session(ORIGIN "/acct/7", true);
	struct err err;

	(void)state;
	assert_int_equal(play(s, NOW_MS, (struct line[]){ GET_DIR, END },
	    &err).kind, ACME_WISH_DONE);
	acme_session_forget_account(s);
	assert_null(acme_session_kid(s));
	assert_int_equal(play(s, NOW_MS, (struct line[]){ HEAD("a"), POST(200,
	    "", ORIGIN "/acct/7", NULL), END }, &err).kind, ACME_WISH_DONE);
	assert_string_equal(acme_session_kid(s), ORIGIN "/acct/7");
	acme_session_free(s);
}

/* Without a key nobody is asked for an account, whatever else is missing. */
static void
directory_alone(void **state)
{
	struct acme_account a = { .directory_url = ORIGIN "/directory",
	    .eab_kid = "kid-1" };
	struct err err;
	struct acme_session *s = acme_session_new(&a, &err);

	(void)state;
	assert_non_null(s);
	assert_int_equal(play(s, NOW_MS, (struct line[]){ GET_DIR, END },
	    &err).kind, ACME_WISH_DONE);
	assert_null(acme_session_kid(s));
	assert_string_equal(acme_session_thumbprint(s), "");
	assert_string_equal(acme_session_terms(s), "https://ca.example/terms");
	assert_int_not_equal(acme_session_caps(s)[0], '\0');
	assert_int_equal(play(s, NOW_MS, (struct line[]){ END }, &err).kind,
	    ACME_WISH_DONE);
	acme_session_forget_directory(s);
	assert_int_equal(play(s, NOW_MS, (struct line[]){ { ACME_GET, ORIGIN
	    "/directory", 503, "", NULL, NULL, NULL, ACME_REPLY }, END },
	    &err).kind, ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_CA_DOWN);
	acme_session_free(s);
}

/* Plays a script that must fail with a code. */
static void
fails(const struct line *t, bool agree, enum err_code code)
{
	struct acme_session *s = session(NULL, agree);
	struct acme_wish w;
	struct err err;

	w = play(s, NOW_MS, t, &err);
	if (w.kind != ACME_WISH_FAIL || err.code != code)
		fail_msg("%d %s: %s", (int)w.kind, err_code_name(err.code),
		    err.text);
	assert_true(err.text[0] != '\0');
	assert_null(acme_session_kid(s));
	acme_session_free(s);
}

static void
c5_location(void **state)
{
	(void)state;
	fails((struct line[]){ GET_DIR, HEAD("a"), POST(201, "", NULL, NULL),
	    END }, true, ERR_CA_PROTOCOL);
	fails((struct line[]){ GET_DIR, HEAD("a"), POST(201, "",
	    "https://evil.example/acct/1", NULL), END }, true,
	    ERR_CA_PROTOCOL);
	fails((struct line[]){ GET_DIR, HEAD("a"), POST(201, "", "/acct/1",
	    NULL), END }, true, ERR_CA_PROTOCOL);
}

static void
b12_accounts(void **state)
{
	(void)state;
	fails((struct line[]){ GET_DIR, HEAD("a"), POST(403, "{\"type\":\"" URN
	    "unauthorized\"}", NULL, "b"), END }, true, ERR_ACCOUNT_DEAD);
	fails((struct line[]){ GET_DIR, HEAD("a"), POST(200,
	    "{\"status\":\"deactivated\"}", ORIGIN "/acct/1", "b"), END },
	    true, ERR_ACCOUNT_DEAD);
	fails((struct line[]){ GET_DIR, HEAD("a"), POST(403, "{\"type\":\"" URN
	    "externalAccountRequired\"}", NULL, "b"), END }, true,
	    ERR_EAB_NEEDED);
	fails((struct line[]){ GET_DIR, HEAD("a"), POST(400, "{\"type\":\"" URN
	    "invalidContact\"}", NULL, "b"), END }, true,
	    ERR_CONTACT_REFUSED);
	fails((struct line[]){ GET_DIR, END }, false, ERR_TOS_NOT_AGREED);
}

static void
a16_redirects(void **state)
{
	static const int moved[] = { 301, 302, 307, 308 };
	struct line one = GET_DIR, two = GET_DIR, end = END, t[3];
	struct acme_session *s;
	struct err err;
	size_t i;

	(void)state;
	t[2] = end;
	for (i = 0; i < 4; i++) {
		t[0] = one;
		t[0].status = moved[i];
		t[0].location = ORIGIN "/v2/directory";
		t[1] = two;
		t[1].url = ORIGIN "/v2/directory";
		s = session(ORIGIN "/acct/1", true);
		assert_int_equal(play(s, NOW_MS, t, &err).kind,
		    ACME_WISH_DONE);
		acme_session_free(s);
		/* Twice is a loop. */
		t[1].status = moved[i];
		t[1].location = ORIGIN "/directory";
		fails(t, true, ERR_CA_PROTOCOL);
	}
	t[1] = end;
	t[0].location = "http://ca.example/directory";
	fails(t, true, ERR_CA_PROTOCOL);
	t[0].location = "https://127.0.0.1/directory";
	fails(t, true, ERR_CA_PROTOCOL);
	t[0].location = "file:///etc/passwd";
	fails(t, true, ERR_CA_PROTOCOL);
	t[0].location = NULL;
	fails(t, true, ERR_CA_PROTOCOL);
	/* A signed request is never sent elsewhere. */
	fails((struct line[]){ GET_DIR, HEAD("a"), POST(307, "", ORIGIN "/b",
	    "b"), END }, true, ERR_CA_PROTOCOL);
}

static void
a14_a15_directory(void **state)
{
	struct line end = END, t[2] = { GET_DIR, END };

	(void)state;
	t[0].type = "text/html";
	fails(t, true, ERR_CA_PROTOCOL);
	t[0].type = "application/json";
	t[0].body = "{\"newNonce\":\"" ORIGIN "/n\",\"newAccount\":\"" ORIGIN
	    "/a\"}";
	fails(t, true, ERR_CA_PROTOCOL);
	t[0].status = 503;
	t[0].body = "<html>";
	fails(t, true, ERR_CA_DOWN);
	t[0].kind = ACME_NOT_SENT;
	fails(t, true, ERR_CA_DOWN);
	t[0].kind = ACME_LOST;
	fails(t, true, ERR_CA_DOWN);
	t[1] = end;
}

/* B16: what changed for the worse is not used, nor is the old one kept on. */
static void
b16_directory_changes(void **state)
{
	struct acme_session *s = session(ORIGIN "/acct/1", true);
	struct line t[2] = { GET_DIR, END };
	struct err err;

	(void)state;
	assert_int_equal(play(s, NOW_MS, t, &err).kind, ACME_WISH_DONE);
	t[0].body = "{\"newNonce\":\"https://evil.example/n\"}";
	assert_int_equal(play(s, NOW_MS + DAY_MS, t, &err).kind,
	    ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_CA_PROTOCOL);
	assert_int_equal(play(s, NOW_MS + DAY_MS, t, &err).kind,
	    ACME_WISH_FAIL);
	acme_session_free(s);
}

static void
a17_nonces(void **state)
{
	char huge[8193];
	struct line t[] = { GET_DIR, HEAD(NULL), END };

	(void)state;
	memset(huge, 'n', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	fails(t, true, ERR_CA_PROTOCOL);
	t[1].nonce = "";
	fails(t, true, ERR_CA_PROTOCOL);
	t[1].nonce = "a=b";
	fails(t, true, ERR_CA_PROTOCOL);
	t[1].nonce = huge;
	fails(t, true, ERR_CA_PROTOCOL);
	t[1].status = 503;
	fails(t, true, ERR_CA_DOWN);
}

static void
a17_two_nonces(void **state)
{
	struct acme_session *s = session(NULL, true);
	struct acme_event ev = { .kind = ACME_REPLY, .reply = { .status = 200,
	    .body = DIRECTORY, .body_len = sizeof(DIRECTORY) - 1 } };
	struct acme_wish w;
	struct err err;

	(void)state;
	acme_session_step(s, NOW_MS, NULL, &err);
	w = acme_session_step(s, NOW_MS, &ev, &err);
	assert_int_equal(w.method, ACME_HEAD);
	ev.reply = (struct acme_reply){ .status = 200, .nonce = "abc",
	    .doubled = true };
	w = acme_session_step(s, NOW_MS, &ev, &err);
	assert_int_equal(w.kind, ACME_WISH_FAIL);
	assert_int_equal(err.code, ERR_CA_PROTOCOL);
	acme_session_free(s);
}

static void
a17_bad_nonce(void **state)
{
	static const char again[] = "{\"type\":\"" URN "badNonce\"}";
	struct acme_session *s = session(NULL, true);
	struct line t[ACME_NONCE_RETRIES_MAX + 4] = { GET_DIR, HEAD("a") };
	struct line bad = POST(400, again, NULL, "b"), end = END;
	struct err err;
	int i;

	(void)state;
	/* Without a nonce in the refusal another is fetched. */
	assert_int_equal(play(s, NOW_MS, (struct line[]){ GET_DIR, HEAD("a"),
	    POST(400, again, NULL, "b"), POST(400, again, NULL, NULL),
	    HEAD("c"), POST(201, "", ORIGIN "/acct/1", NULL), END },
	    &err).kind, ACME_WISH_DONE);
	acme_session_free(s);
	/* One bad nonce makes the whole pool suspect. */
	s = session(NULL, true);
	session_keep_nonce(s, &(struct acme_reply){ .nonce = "x" }, NOW_MS);
	session_keep_nonce(s, &(struct acme_reply){ .nonce = "y" }, NOW_MS);
	assert_int_equal(play(s, NOW_MS, (struct line[]){ GET_DIR, POST(400,
	    again, NULL, NULL), HEAD("c"), POST(201, "", ORIGIN "/acct/1",
	    NULL), END }, &err).kind, ACME_WISH_DONE);
	acme_session_free(s);
	for (i = 0; i < ACME_NONCE_RETRIES_MAX + 1; i++)
		t[2 + i] = bad;
	t[2 + i] = end;
	fails(t, true, ERR_CA_NONCE);
}

static void
lost_account_is_repeated(void **state)
{
	struct line lost = POST(0, NULL, NULL, NULL), end = END;
	struct line t[] = { GET_DIR, HEAD("a"), lost, HEAD("b"), lost,
	    HEAD("c"), POST(200, "", ORIGIN "/acct/1", NULL), END };
	struct acme_session *s = session(NULL, true);
	struct err err;

	(void)state;
	t[2].kind = t[4].kind = ACME_LOST;
	assert_int_equal(play(s, NOW_MS, t, &err).kind, ACME_WISH_DONE);
	acme_session_free(s);
	t[6].kind = ACME_LOST;
	fails(t, true, ERR_CA_DOWN);
	t[2].kind = ACME_NOT_SENT;
	t[3] = end;
	fails(t, true, ERR_CA_DOWN);
}

static void
nonces_age_and_overflow(void **state)
{
	struct acme_session *s = session(NULL, true);
	struct acme_reply r = { .nonce = "old" };
	char text[32], *n;
	int i;

	(void)state;
	session_keep_nonce(s, &r, 0);
	r.nonce = "new";
	session_keep_nonce(s, &r, 1000);
	n = session_take_nonce(s, ACME_NONCE_AGE_MS + 500);
	assert_string_equal(n, "new");
	free(n);
	assert_null(session_take_nonce(s, ACME_NONCE_AGE_MS + 500));
	for (i = 0; i < ACME_NONCES_POOLED_MAX + 3; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		r.nonce = text;
		assert_true(session_keep_nonce(s, &r, 0));
	}
	assert_int_equal(s->nnonces, ACME_NONCES_POOLED_MAX);
	assert_string_equal(s->nonces[0].text, "n3");
	acme_session_free(s);
}

static void
bad_accounts(void **state)
{
	EVP_PKEY *key = make_key("P-256"), *other = make_key("ED25519");
	struct blob spki = spki_of(key), wrong = spki_of(other);
	struct acme_account a = { .directory_url = "http://ca.example/d",
	    .spki = spki.p, .spki_len = spki.len };
	struct err err;

	(void)state;
	assert_null(acme_session_new(&a, &err));
	a.directory_url = ORIGIN "/d";
	a.kid = "https://evil.example/acct";
	assert_null(acme_session_new(&a, &err));
	a.kid = NULL;
	a.spki = wrong.p;
	a.spki_len = wrong.len;
	assert_null(acme_session_new(&a, &err));
	assert_int_equal(err.code, ERR_KEEPER);
	blob_free(&spki);
	blob_free(&wrong);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

#define N(name, f) { name, f, NULL, NULL, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers),
		cmocka_unit_test(known_account),
		cmocka_unit_test(directory_alone),
		N("C5 Location", c5_location),
		N("B12 accounts", b12_accounts),
		N("A16 redirects", a16_redirects),
		N("A14 A15 directory", a14_a15_directory),
		N("B16 directory changes", b16_directory_changes),
		N("A17 nonces", a17_nonces),
		N("A17 two nonces", a17_two_nonces),
		N("A17 badNonce", a17_bad_nonce),
		cmocka_unit_test(lost_account_is_repeated),
		cmocka_unit_test(nonces_age_and_overflow),
		cmocka_unit_test(bad_accounts)
	};

	return cmocka_run_group_tests_name("acme_session", tests, NULL, NULL);
}
