/* Whether a staged generation may go live: five files and what was wanted in,
 * one verdict out (security.md section 5.2 step 4, acme.md section 9.4). Runs
 * in the verifier's sandboxed child. */
#ifndef DAEMON_JUDGE_H
#define DAEMON_JUDGE_H
#include "daemon/wire.h"

/* KEY: or the CSR in DER, for whose key the certificate is; then there is no
 * COMBINED. */
enum judge_file { JUDGE_KEY, JUDGE_CERT, JUDGE_CHAIN, JUDGE_FULLCHAIN,
	JUDGE_COMBINED, JUDGE_FILES };

enum { JUDGE_CHAIN_MAX = 10 };	/* certificates in chain.pem */

struct judge_files {
	struct blob text[JUDGE_FILES];
};

/* Reads the files, n of them (all, or all but the last), whatever their
 * offsets. False: one can't be read, is no
 * plain file, or is longer than any that the master writes; then *f is empty.
 * judge_forget() after true. */
bool judge_read(struct judge_files *f, const int *fds, int n);
void judge_forget(struct judge_files *f);

/* Covered: a wanted name is in the leaf's subjectAltName, itself or below a
 * wildcard there. More names than wanted are no fault. The placeholder is its
 * own issuer and has no chain; anything else has another issuer. */
enum verdict judge(const struct judge_files *f, const struct w_verify *wanted);
#endif
