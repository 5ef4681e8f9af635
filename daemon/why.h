/* `everleaf why NAME`: a verdict, how things stand, who saw what, what to do
 * next, from what the store holds. Pure.
 *
 * {"name", "state", "verdict": "one sentence.", "standing": "... or null",
 *  "lines": [{"label": "nginx", "text": "..."}], "do": ["...", ...]}
 * A line without a label goes on from the one before. Times in texts are
 * RFC 3339 UTC; the command shows them in local time. */
#ifndef DAEMON_WHY_H
#define DAEMON_WHY_H
#include <jansson.h>
#include "daemon/bundle.h"

/* What was found in DNS and over port 80: lines "LABEL\tTEXT", and what to do
 * about it (why_findings.c). */
void why_findings(const struct bundle *b, int64_t now_ms, struct strv *lines,
    struct strv *todo);

/* b->cert is there; ca: the row of its CA or NULL. The caller owns the
 * value. */
json_t *why_json(const struct bundle *b, const struct row_ca *ca,
    int64_t now_ms);
/* Trouble of the whole daemon goes before all that is about one certificate;
 * err may be NULL. */
void why_all_stands(json_t *why, const struct err *err);
#endif
