/* What the CA of the simulator knows, for its own three files: its answers
 * (ca.c), its certificates (ca_cert.c) and what a script asks of it
 * (ca_script.c). */
#ifndef TESTS_SIM_CA_STATE_H
#define TESTS_SIM_CA_STATE_H
#include <openssl/x509.h>
#include "tests/sim/sim.h"

enum staple { STAPLE_GRANTS, STAPLE_IGNORES, STAPLE_REFUSES, STAPLE_SPOILS,
	STAPLE_LATER, STAPLES };
enum { NAMES_MAX = 8, ORDERS_MAX = 100000, NONCES_MAX = 4096, FAILS_MAX = 16,
	KEYS = 4, BY_DNS = 1000 };

struct sim_order {
	int n;
	char names[NAMES_MAX][128], token[NAMES_MAX][48];
	char status[NAMES_MAX][12], problem[NAMES_MAX][64];
	char state[12], error[24];
	int64_t valid_at;
	char *chain;
	int64_t issued_ms;
	uint64_t serial;
	bool revoked, by_key;
	int account;	/* the how-manieth has ordered it */
	int hesitates;	/* processing, then ready again, so many times */
	char key[44];		/* thumbprint of the certificate's */
};

extern struct sim_ca {
	uint32_t seed;
	struct sim_order *orders;
	int orders_n;
	char nonces[NONCES_MAX][24];
	int nonces_n;
	uint64_t nonce, serial;
	char thumb[44], contact[128];
	bool account, closed, binding;
	enum staple staple;
	int accounts;		/* made so far */
	int64_t given_up;	/* authorizations */
	struct ca_fault faults[CA_KINDS];
	int64_t counts[CA_KINDS], last[CA_KINDS], spacing[CA_KINDS];
	int64_t lifetime, processing, down_until;
	int hesitates;		/* orders that are made now */
	bool thinks;		/* about challenges, for ever */
	bool ari;
	int64_t window[2];
	bool window_moves;	/* it is since now */
	char replaced[200];
	int bad_percent;
	struct { char name[128], type[64]; } fails[FAILS_MAX];
	int fails_n;
	EVP_PKEY *key, *keys[KEYS];
	X509 *issuer;
} ca;

/* Its clock is right, whatever ours says. */
int64_t its_now(void);

void make_issuer(const char *cn);
X509_REQ *read_csr(const char *csr64);	/* base64url; NULL: none */
bool asks_for_staple(X509_REQ *req);
/* Fills the order's certificate. False: the CSR asks for something else. */
bool issue(struct sim_order *o, X509_REQ *req);
void key_print(char thumb[44], X509 *x);	/* RFC 7638 */
#endif
