/* The token's operations (daemon/keeper.h): account keys that are in a PKCS#11
 * token or in a TPM, behind a provider of OpenSSL 3. Requests are composed by
 * the keeper's own code, in a process that has no other key; which key is
 * whose comes from the master. */
#ifndef DAEMON_TOKEN_H
#define DAEMON_TOKEN_H
#include <openssl/evp.h>
#include "daemon/keeper.h"

enum { TOKEN_KEYS_MAX = 64 };

keeper_op token_learn;		/* w_token -> w_empty, for master alone */
keeper_op token_public;		/* w_token_key -> w_key */
keeper_op token_jws;		/* w_jws -> w_jws_done */
void token_forget_all(void);

/* --- token_open.c: providers ---------------------------------------------- */
/* The private key at a URI: the first that is there. Signatures with it are
 * made in *lib by what has *properties. ERR_TOKEN says what was tried, what
 * the libraries said, and what to do; nothing of it shows a PIN. The key is
 * the caller's. */
EVP_PKEY *token_open(const char *uri, OSSL_LIB_CTX **lib,
    const char **properties, struct err *err);
/* All providers go, with the sessions that they have: a device that was taken
 * away and came back is found again. Their keys must be freed before. */
void token_close(void);
#endif
