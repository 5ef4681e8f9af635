/* A generation of our own, made in memory, for the verifier's rehearsal. */
#ifndef DAEMON_JUDGE_REHEARSE_H
#define DAEMON_JUDGE_REHEARSE_H
#include "daemon/judge.h"

/* Makes it, once; ends the process when that fails. */
void judge_prepare(void);
/* Reads and judges it: 0 when it is fine. */
int judge_rehearse(void);
#endif
