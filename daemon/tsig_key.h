/* A TSIG key as tsig-keygen writes it and nsupdate -k reads it: one statement
 * key "NAME" { algorithm ALG; secret "BASE64"; }; with comments in the three
 * ways that named knows. Pure. */
#ifndef DAEMON_TSIG_KEY_H
#define DAEMON_TSIG_KEY_H
#include "base/err.h"
#include "base/mem.h"

enum { TSIG_NAME_SIZE = 256, TSIG_ALG_SIZE = 32, TSIG_FILE_MAX = 16384,
	TSIG_SECRET_MAX = 512 };

struct tsig_key {
	char name[TSIG_NAME_SIZE];	/* lower case, no final dot */
	char alg[TSIG_ALG_SIZE];	/* "hmac-sha256" "...384" "...512" */
	struct blob secret;
};

/* -1 and err if the text is no such key; nothing of the secret is in err. */
int tsig_key_parse(struct tsig_key *out, const char *text, size_t n,
    struct err *err);
void tsig_key_wipe(struct tsig_key *k);
#endif
