/* What an operator says to master at RUN/master.sock: 64 bytes a request, 512
 * an answer, one after the other on a SOCK_SEQPACKET connection. Root only,
 * so an engine that was taken over can't say it. Little-endian:
 *
 *	"EVOP" | u8 version 1 | u8 kind | u8 what | u8 0 | u64 object |
 *	u32 version of a certificate | u32 seconds | 8 zeros | 32 bytes
 *
 * where the last are the SHA-256 of a certificate (ARM of a revocation; zeros:
 * not said) or the title of a ca block (ARM of what is done with an account,
 * IMPORT of an account's key): the number of an account is known from the
 * engine, so leave is for an account at this CA only. IMPORT comes with one
 * descriptor, of a file that holds the key. Its answer, if it is good, comes
 * with one, of a file that holds u32 length, sealed key, u32 length, public
 * key.
 * FILES has nothing besides; its answer comes with the state directory, opened
 * as a path: what root revokes it looks up there.
 * An ARM of an export is answered twice: at once, and when the engine has
 * handed on the account's sealed key, with a descriptor of a file that holds
 * the key as PEM. Only who has armed it and stayed gets that. Both programs
 * that speak it link this. */
#ifndef DAEMON_OPERATOR_H
#define DAEMON_OPERATOR_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "daemon/wire.h"

enum { OPERATOR_REQUEST = 64, OPERATOR_ANSWER = 512, OPERATOR_MORE = 32,
	OPERATOR_SECONDS_MAX = 600 };

enum operator_kind { OPERATOR_ARM = 1, OPERATOR_DISARM, OPERATOR_IMPORT,
	OPERATOR_FILES };

struct operator_request {
	enum operator_kind kind;
	enum arm_what what;		/* ARM, DISARM; else 0 */
	uint64_t object;	/* account, or certificate */
	uint32_t version;	/* of the certificate; 0: an account */
	uint32_t seconds;		/* ARM: 1 to 600; else 0 */
	uint8_t digest[OPERATOR_MORE];
	char ca[OPERATOR_MORE + 1];
};

/* False: it is no request that master would take. */
bool operator_read(struct operator_request *r, const void *p, size_t n);
/* Asserts that it keeps to the rules. */
void operator_write(uint8_t p[OPERATOR_REQUEST],
    const struct operator_request *r);

/* err with code ERR_OK: done. */
void operator_answer_write(uint8_t p[OPERATOR_ANSWER], const struct err *err);
bool operator_answer_read(struct err *err, const void *p, size_t n);

/* For the command: connects to RUN/master.sock, asks, and waits a minute at
 * most. key: a descriptor for IMPORT, else -1. *sealed (may be NULL when
 * nothing is imported) is what came back. 0, or -1 and err. */
int operator_ask(const char *run_dir, const struct operator_request *r,
    int key, struct w_key *sealed, struct err *err);
/* The state directory, O_PATH, which the caller closes; or -1 and err. */
int operator_files(const char *run_dir, struct err *err);
/* Arms an export and stays: the descriptor, which the caller closes, or -1 and
 * err. Once the API has said that it is done, the key is there: the caller
 * wipes *pem. */
int operator_arm_export(const char *run_dir, const char *ca, uint64_t account,
    uint32_t seconds, struct err *err);
/* False: that is no title of a ca block, or one of more than 32 letters. */
bool operator_name_ca(struct operator_request *r, const char *title);
int operator_take_key(int fd, struct blob *pem, struct err *err);
#endif
