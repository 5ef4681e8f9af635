/* What the command says to master at its root-only socket, which lies beside
 * the API's (interface.md section 4.3). */
#ifndef DAEMON_CLI_OPERATOR_H
#define DAEMON_CLI_OPERATOR_H
#include <stdbool.h>
#include <stdint.h>
#include "daemon/operator.h"

/* 0, or -1 and it has been complained about: exit code CLI_NO_DAEMON, or
 * CLI_FAILED, is in *r. */
int operator_say(const struct operator_request *q, int key,
    struct w_key *sealed, int *r);
/* Arms the revocation of what has this digest, or an act on an account of this
 * CA, with the time that an act needs; or takes that back. As
 * operator_say(). */
int operator_arm_revoke(uint64_t cert, uint32_t version, const char *sha256,
    int *r);
int operator_arm_account(enum arm_what what, uint64_t account, const char *ca,
    int *r);
void operator_disarm(enum arm_what what, uint64_t object, uint32_t version);
/* The state directory from the master itself; -1 as operator_say(). */
int operator_open_files(int *r);
/* May we speak to it at all? As operator_say(). */
int operator_may(int *r);
/* On a terminal the word is asked for; --yes answers; elsewhere it is
 * refused. CLI_DONE, or what to exit with. */
int operator_confirm(bool yes, const char *word, const char *what);
#endif
