/* Servers that may stand in front of the responder: how one is known by its
 * answer, and what makes it pass http-01 on. Pure. */
#ifndef DAEMON_FRONTS_H
#define DAEMON_FRONTS_H
#include "base/buf.h"

/* What a person does about an answer that is not ours: reply is the whole
 * answer to http://NAME/.well-known/acme-challenge/TOKEN, any bytes. */
void front_words(struct buf *out, const char *name, long status,
    const char *reply);
#endif
