/* The built everleaf-keeper with its KEK, and both channels to it. */
#ifndef TESTS_UNIT_KEEPER_WORLD_H
#define TESTS_UNIT_KEEPER_WORLD_H
#include <openssl/evp.h>
#include "acme/jws.h"
#include "tests/unit/child.h"

#define TEXT(s) ((char[]){ s })

enum { CERT = 0x3f, ACCOUNT = 0xacc };

/* A keeper with its KEK, and the engine's channel to it. */
struct world {
	struct child keeper;
	int engine;
};

int keeper_begin(void **state);		/* a struct world */
/* Fails when the keeper did not end by itself, cleanly. */
int keeper_end(void **state);
#define WITH_KEEPER(f) \
	cmocka_unit_test_setup_teardown(f, keeper_begin, keeper_end)

int give_kek(int fd, uint32_t kek_id, size_t n);
int give_peer(int master);		/* a new engine's channel */
/* The code of FAILED; ERR_OK if it was answered. */
enum err_code refusal(int fd, enum wire_kind ask, const void *st);
void *must(int fd, enum wire_kind ask, const void *st,
    enum wire_kind answer);
struct strv some_names(void);
EVP_PKEY *public_key(const struct blob *spki);
struct w_key *make_account(struct world *w);
struct w_jws some_request(const struct blob *sealed);
/* The text between "key":" and the next quote, decoded. */
struct blob member(const struct blob *json, const char *key);
#endif
